package Test::LiveUpdate::GitHub;

# Copyright (C) the nginx-liveupdate authors

# GitHub on loopback: its REST API, with repositories that remember what was
# done to them, the people who merge, revert, close and edit, and webhooks,
# which are delivered when and as often as the test says.

use warnings;
use strict;

use Digest::SHA qw/ hmac_sha1_hex hmac_sha256_hex /;
use IPC::Open2 qw/ open2 /;
use MIME::Base64 qw/ encode_base64 /;
use Test::More ();

use Test::LiveUpdate::GitHub::Server;
use Test::LiveUpdate::HTTP qw/ connect_to json_decode json_encode /;

use constant BUILDS => 'desktop-builds.json';
use constant RELEASES => 'desktop-releases.json';

my $clients = "$Test::LiveUpdate::ROOT/t/clients";


# new($t, repo => "owner/name", files => { path => text or data },
#     default => "main")

sub new {
    my ($class, $t, %opt) = @_;

    my $self = bless {
        t => $t,
        repo => 'acme/releases',
        token => 'ghp_' . 'T' x 36,
        secret => 'ghsec_' . 's' x 40,
        port => Test::LiveUpdate::port(8093),
        control => Test::LiveUpdate::port(8094),
        mark => 0,
        kept => [],
        %opt,
    }, $class;

    my $log = $t->testdir() . '/github.log';

    $t->write_file('github.log', '');
    $self->secret_file('github.token', "$self->{token}\n");
    $self->secret_file('secret.github', "$self->{secret}\n");

    my $server = Test::LiveUpdate::GitHub::Server->new(
        api => $self->{port}, control => $self->{control}, log => $log,
        tokens => { $self->{token} => 'write' },
    );

    $self->{pid} = $t->run_daemon(sub { $server->serve() });

    $t->waitforsocket("127.0.0.1:$self->{$_}")
        or die "GitHub does not listen\n" for qw/ port control /;

    $self->repository();

    return $self;
}


sub url {
    my ($self) = @_;

    return "http://127.0.0.1:$self->{port}";
}


sub secret_file {
    my ($self, $name, $text) = @_;

    $self->{t}->write_file($name, $text);
    chmod 0600, $self->{t}->testdir() . "/$name";

    return $self;
}


# The reference configuration with approval by this GitHub, for a ToDesktop.
# Options: those of ToDesktop's configure(); github: parameters of
# liveupdate_github; repo; silent: how long GitHub may be.

sub configure {
    my ($self, $td, %opt) = @_;

    my $change = $opt{change};
    my %github = map { $_ => delete $opt{$_} }
        grep { exists $opt{$_} } qw/ github repo silent /;

    $td->configure(approval => 'github', %opt, change => sub {
        my ($name) = @_;

        $self->adapt(%github) if $name eq 'liveupdate.conf';
        $change->($name) if $change;
    });

    # there was none before, or this is another one
    $self->secret_file('github.token', "$self->{token}\n");
    $self->secret_file('secret.github', "$self->{secret}\n");

    return $self;
}


# What is commented out there counts, with this API and shorter times; in $_.

sub adapt {
    my ($self, %opt) = @_;

    my $url = $self->url();
    my $repo = $opt{repo} // $self->{repo};
    my $silent = $opt{silent} // '1s';
    my $more = $opt{github} // '';

    s{^(\#liveupdate_github .*? ^\#location[ ]\^~[ ]/github/ .*? ^\#\}\n)}
     {$1 =~ s/^\#//gmr}xmse;

    s{^liveupdate_github[ ][^;]*;}
     {liveupdate_github  repo=$repo token=github.token api=$url $more;}m
        or die "nothing is asked of GitHub\n";

    s{^(location[ ]\^~[ ]/github/[ ]\{.*?^\})}
     {$1 =~ s/(proxy_(?:connect|read)_timeout)[^;]*/$1  $silent/gr}xmse;
}


# -- what people do ----------------------------------------------------------

# An operation of the server's, and what came of it; dies if it was refused.

sub call {
    my ($self, $name, @args) = @_;

    my $s = connect_to("127.0.0.1:$self->{control}");

    print {$s} json_encode([ $name, @args ]), "\n";

    my $line = <$s> // die "GitHub is gone\n";
    my $reply = json_decode($line);

    die "GitHub: $reply->{error}[0] $reply->{error}[1]\n" if $reply->{error};

    return $reply->{result};
}


sub encoded {
    my ($files) = @_;

    return { map { $_ => encoded_file($files->{$_}) } keys %$files };
}


# Bytes, or what is to be JSON.

sub encoded_file {
    my ($content) = @_;

    return undef if !defined $content;
    return encode_base64(ref $content ? json_encode($content) . "\n"
                                      : $content, '');
}


# The repository from the beginning: repository(files => { ... }, default =>
# branch).

sub repository {
    my ($self, %opt) = @_;

    my %all = (%{$self}{grep { exists $self->{$_} } qw/ files default /},
               %opt);

    $all{files} = encoded($all{files} || {});

    return $self->call('repository', $self->{repo}, %all);
}


# Commits files as a person would; undef removes one.

sub commit {
    my ($self, $files, %opt) = @_;

    return $self->call('commit', $self->{repo}, $opt{branch} // 'main',
                       encoded($files), $opt{message} // 'Edit',
                       $opt{by} // 'alice');
}


sub merge {
    my ($self, $number, %opt) = @_;

    return $self->call('merge', $self->{repo}, $number, by => 'alice', %opt);
}


sub close_pull {
    my ($self, $number) = @_;

    return $self->call('close', $self->{repo}, $number, 'alice');
}


sub reopen {
    my ($self, $number) = @_;

    return $self->call('reopen', $self->{repo}, $number, 'alice');
}


sub revert {
    my ($self, $number) = @_;

    return $self->call('revert', $self->{repo}, $number, 'alice');
}


# Moves a branch to a commit, by force.

sub move {
    my ($self, $branch, $sha) = @_;

    return $self->call('move', $self->{repo}, $branch, $sha, 'alice');
}


sub create_branch {
    my ($self, $branch, $sha) = @_;

    return $self->call('create', $self->{repo}, $branch,
                       $sha // $self->heads()->{main}, 'alice');
}


sub delete_branch {
    my ($self, $branch) = @_;

    return $self->call('delete', $self->{repo}, $branch, 'alice');
}


sub open_pull {
    my ($self, $head, $title) = @_;

    return $self->call('open', $self->{repo}, $head, 'main', $title, undef,
                       'alice');
}


sub set {
    my ($self, %opt) = @_;

    return $self->call('set', $self->{repo}, %opt);
}


# Some of GitHub's servers are late: lag(regular expression for "METHOD
# /path?query", requests => 3 or seconds => 2, old => 1).  They show what there
# is now, to the next requests that match; with "old", its files also as those
# of a commit that they do not know yet.

sub lag {
    my ($self, $re, %opt) = @_;

    return $self->call('lag', $self->{repo}, "$re", %opt);
}


sub catch_up {
    my ($self) = @_;

    return $self->call('catch_up', $self->{repo});
}


# The repository gets another name, for people as well.

sub rename {
    my ($self, $name) = @_;

    $self->call('rename', $self->{repo}, $name);
    $self->{repo} = $name;

    return $self;
}


# { branch => commit }

sub heads {
    my ($self) = @_;

    return $self->call('heads', $self->{repo});
}


# The messages of a branch's commits, the last one first.

sub messages {
    my ($self, $branch) = @_;

    return @{$self->call('messages', $self->{repo}, $branch // 'main')};
}


# { path => text } of a branch.

sub files {
    my ($self, $branch) = @_;

    return $self->call('files', $self->{repo}, $branch // 'main');
}


# pulls(regular expression for the name of the branch)

sub pulls {
    my ($self, $re) = @_;

    return @{$self->call('pulls', $self->{repo}, defined $re ? "$re" : ())};
}


sub pulls_of {
    my ($self, $build) = @_;

    return $self->pulls(qr/^release-build-\Q$build->{id}\E(?:-\d+)?$/);
}


sub wait_pull {
    my ($self, $build, $seconds) = @_;

    my @pulls;

    Test::LiveUpdate::wait_quietly(sub {
        @pulls = grep { $_->{state} eq 'open' } $self->pulls_of($build);
    }, $seconds // 20)
        or Test::More::diag("there is no pull request for $build->{id}");

    return $pulls[0];
}


# A file of the base branch, decoded; undef if there is none.

sub file {
    my ($self, $path, $branch) = @_;

    my $text = $self->files($branch)->{$path};

    return undef if !defined $text;

    utf8::encode($text);

    return json_decode($text);
}


sub listed {
    my ($self) = @_;

    return map { $_->{id} } @{$self->file(BUILDS) || []};
}


# -- what is to go wrong -----------------------------------------------------

# script(regular expression for "METHOD /path?query body" => rule, ...):  in
# the place of what was said before, from the next request on.  The first rule
# that matches and is not used up counts:
#
# skip => 2            not for the first two of these requests
# times => 3           only so often
# status => 500        answered in the place of doing anything, with
# message => "..."     this, or
# errors => [ { message => "..." } ]  and these
# body => "..."        these bytes, of a
# type => "..."        type, and
# headers => [ ... ]   more of them, "Name: value"
# effect => 1          it is done first
# with => [ ... ]      headers of what is answered anyway
# limit => "primary" or "secondary", for
# seconds => 60
# cut => "before"      reset without an answer, and nothing is done
# cut => "after"       reset without an answer, but it is done
# cut => "during"      done, and answered by half
# delay => 0.5         seconds before it is done
# linger => 1          it is done though nobody waits for it any more
# late => 0.5          seconds before the answer
# slow => 20           so many bytes of the answer every 50 ms
# hold => "before" or "after" it is done, until release()

sub script {
    my ($self, @rules) = @_;

    $self->call('rules', pairs_of(@rules));

    return $self;
}


# More of them, behind those that there are.

sub script_more {
    my ($self, @rules) = @_;

    $self->call('more', pairs_of(@rules));

    return $self;
}


sub pairs_of {
    my (@rules) = @_;

    my @list;

    while (my ($re, $rule) = splice @rules, 0, 2) {
        push @list, [ "$re", $rule ];
    }

    return @list;
}


# Without those whose own text matches.

sub script_without {
    my ($self, $re) = @_;

    return $self->call('without', "$re");
}


# How many requests are held.

sub held {
    my ($self) = @_;

    return $self->call('held');
}


sub wait_held {
    my ($self, $seconds) = @_;

    return Test::LiveUpdate::wait_quietly(sub { $self->held() },
                                          $seconds // 10);
}


sub release {
    my ($self) = @_;

    return $self->call('release');
}


# Connections are refused, and those that are open cut.

sub down {
    my ($self) = @_;

    return $self->call('down');
}


sub up {
    my ($self) = @_;

    return $self->call('up');
}


# Which tokens there are: token => "write" or "read".

sub tokens {
    my ($self, %tokens) = @_;

    return $self->call('tokens', %tokens);
}


# -- what it was asked for ---------------------------------------------------

# What follows is what requests() looks at.

sub mark {
    my ($self) = @_;

    $self->{mark} = $self->{t}->read_file('github.log') =~ tr/\n//;

    return $self;
}


# Each {n, at, method, uri, version, headers, body}, and as soon as there is
# an answer {status, acted, json, scripted, end}, in the order in which they
# came.  The regular expression is for "METHOD /path?query".

sub requests {
    my ($self, $re) = @_;

    my (%requests, @order);

    # the last one may be on its way
    my $text = $self->{t}->read_file('github.log') =~ s/[^\n]*\z//r;
    my @lines = split /\n/, $text;

    for my $line (@lines[$self->{mark} .. $#lines]) {
        my $entry = json_decode($line);
        my $n = $entry->{n};
        my $event = delete $entry->{event};

        if ($event eq 'request') {
            push @order, $requests{$n} = $entry;

        } elsif ($requests{$n} && $event eq 'reply') {
            @{$requests{$n}}{qw/ status acted json scripted /}
                = @$entry{qw/ status acted json scripted /};

        } elsif ($requests{$n}) {
            $requests{$n}{end} = $entry->{how};
        }
    }

    return grep { !defined $re || "$_->{method} $_->{uri}" =~ $re } @order;
}


# -- webhooks ----------------------------------------------------------------

# What the webhook is to be told of: { event, id, payload }, once each.

sub events {
    my ($self) = @_;

    return @{$self->call('events', $self->{repo})};
}


sub ping {
    my ($self) = @_;

    return $self->call('ping', $self->{repo});
}


# deliver($event, id => ..., secret => ..., signature => ..., body => ...,
#     type => ..., path => ..., without => [ names of headers ],
#     and the options of api())

sub deliver {
    my ($self, $event, %opt) = @_;

    my $body = delete $opt{body} // json_encode($event->{payload});
    my $secret = delete $opt{secret} // $self->{secret};
    my %without = map { lc $_ => 1 } @{delete $opt{without} || []};

    my @headers = (
        'User-Agent' => 'GitHub-Hookshot/044aadd',
        'Accept' => '*/*',
        'X-GitHub-Delivery' => delete $opt{id} // $event->{id},
        'X-GitHub-Event' => $event->{event},
        'X-GitHub-Hook-ID' => 1,
        'X-GitHub-Hook-Installation-Target-ID' => 1,
        'X-GitHub-Hook-Installation-Target-Type' => 'repository',
        'X-Hub-Signature' => 'sha1=' . hmac_sha1_hex($body, $secret),
        'X-Hub-Signature-256' => delete $opt{signature}
                                 // $self->sign($body, $secret),
    );

    my @kept;

    while (my ($name, $value) = splice @headers, 0, 2) {
        push @kept, $name => $value unless $without{lc $name};
    }

    return $self->{t}->api('POST', delete $opt{path} // '/hooks/github',
                           $body, token => undef, %opt,
                           headers => [ @kept, @{$opt{headers} || []} ]);
}


# All that has happened, in that order; the replies.

sub deliver_all {
    my ($self, %opt) = @_;

    return map { $self->deliver($_, %opt) } $self->events();
}


# Signed by GitHub's own library, if it is installed.  That one takes text.

sub sign {
    my ($self, $body, $secret) = @_;

    $self->{signer} //= $self->start_signer() // '';

    return 'sha256=' . hmac_sha256_hex($body, $secret)
        if !$self->{signer} || $body eq '' || $secret eq ''
           || !utf8::decode(my $text = $body);

    my ($in, $out) = @{$self->{signer}};

    print {$out} json_encode([ $secret, encode_base64($body, '') ]), "\n";

    chomp(my $signature = <$in> // die "the signer is gone\n");

    return $signature;
}


# Whether signatures are made by that library.

sub has_signer {
    return -d "$clients/node_modules/\@octokit/webhooks-methods"
           && system('command -v node >/dev/null 2>&1') == 0;
}


sub start_signer {
    my ($self) = @_;

    return unless has_signer();

    open2(my $in, my $out, 'node', "$clients/sign.mjs");
    $out->autoflush(1);

    return [ $in, $out ];
}


1;
