package Test::LiveUpdate::GitHub::Repo;

# Copyright (C) the nginx-liveupdate authors

# A repository with its history: blobs and commits under the names that git
# would give them, branches, pull requests.  What happens to it is told to a
# function, as a webhook would tell it.  Whatever does not work dies with a
# reference to [status, message], as the API answers it.

use warnings;
use strict;

use Digest::SHA qw/ sha1_hex /;
use POSIX ();
use Time::HiRes qw/ time /;

use Test::LiveUpdate::HTTP qw/ json_decode json_encode /;

use constant BUILDS => 'desktop-builds.json';
use constant RELEASES => 'desktop-releases.json';
use constant NONE => '0' x 40;

my $ids = 1000;


# new(name => "owner/name", default => branch, files => { path => bytes },
#     event => function)

sub new {
    my ($class, %opt) = @_;

    my $self = bless {
        default => 'main',
        event => sub {},
        id => ++$ids,
        blobs => {},
        commits => {},
        heads => {},
        pulls => [],
        created => now(),
        %opt,
    }, $class;

    @$self{qw/ owner short /} = split m{/}, $self->{name}, 2;

    my $first = $self->make_commit({ 'README.md' => $self->blob("# app\n"),
        map { $_ => $self->blob($opt{files}{$_}) } keys %{$opt{files} || {}}
    }, 'Initial commit', $self->{owner});

    $self->{heads}{$self->{default}} = $first->{sha};

    return $self;
}


sub now {
    return POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime);
}


sub failed {
    my ($status, $message, @errors) = @_;

    die [ $status, $message, @errors ];
}


# -- objects -----------------------------------------------------------------

sub blob {
    my ($self, $bytes) = @_;

    my $sha = sha1_hex('blob ' . length($bytes) . "\0$bytes");

    $self->{blobs}{$sha} = $bytes;

    return $sha;
}


sub tree_of {
    my ($self, $commit) = @_;

    my $files = $commit->{files};

    return sha1_hex(join '', 'tree', map { "\0$_\0$files->{$_}" }
                                     sort keys %$files);
}


sub make_commit {
    my ($self, $files, $message, $author, @parents) = @_;

    my $commit = {
        files => $files,
        message => $message,
        author => $author,
        parents => [ @parents ],
        date => now(),
        serial => ++$self->{serial},
    };

    utf8::encode(my $text = join "\0", 'commit', $self->{name},
                 $self->tree_of($commit), $message, $author,
                 $commit->{serial}, @parents);

    $commit->{sha} = sha1_hex($text);

    return $self->{commits}{$commit->{sha}} = $commit;
}


# A branch, or a commit by its whole name.

sub resolve {
    my ($self, $ref) = @_;

    $ref =~ s{^(?:refs/)?heads/}{};

    my $sha = $self->{heads}{$ref} // $ref;

    return $self->{commits}{$sha} // $self->{commits}{$self->{instead} // ''};
}


# From now on, requests that match are answered by a server that has seen
# nothing later: as many of them as there are "requests", or for some
# "seconds".  It knows no later commit; or, with "old", it shows the files of
# the last one that it knows in the place of such a commit.

sub lag {
    my ($self, $re, %opt) = @_;

    push @{$self->{lags}}, {
        re => qr/$re/,
        requests => $opt{requests},
        until => defined $opt{seconds} ? time() + $opt{seconds} : undef,
        heads => { %{$self->{heads}} },
        serial => $self->{serial},
        instead => $opt{old} ? $self->{heads}{$self->{default}} : undef,
    };

    return 1;
}


# All servers have seen what there is.

sub catch_up {
    my ($self) = @_;

    $self->{lags} = [];

    return 1;
}


# The repository, as the server shows it that gets this request.

sub shown {
    my ($self, $request) = @_;

    for my $lag (@{$self->{lags} || []}) {
        next if $request !~ $lag->{re};
        next if defined $lag->{until} && time() >= $lag->{until};
        next if defined $lag->{requests} && $lag->{requests}-- <= 0;

        my $commits = $self->{commits};

        return bless {
            %$self,
            heads => $lag->{heads},
            instead => $request =~ m{/contents/} ? $lag->{instead} : undef,
            commits => { map { $_ => $commits->{$_} }
                         grep { $commits->{$_}{serial} <= $lag->{serial} }
                         keys %$commits },
        }, ref $self;
    }

    return $self;
}


sub rename {
    my ($self, $name) = @_;

    $self->{name} = $name;
    @$self{qw/ owner short /} = split m{/}, $name, 2;

    return 1;
}


# The bytes of a file on a branch or in a commit; undef if there is none.

sub file {
    my ($self, $ref, $path) = @_;

    my $commit = $self->resolve($ref) or return;
    my $blob = $commit->{files}{$path} // return;

    return $self->{blobs}{$blob};
}


# All that a commit comes after, itself as well.

sub history {
    my ($self, $sha) = @_;

    my (%seen, @order);
    my @left = ($sha);

    while (@left) {
        my $next = shift @left;

        next if $seen{$next}++;

        push @order, $next;
        push @left, @{$self->{commits}{$next}{parents}};
    }

    return @order;
}


sub contains {
    my ($self, $sha, $other) = @_;

    return grep { $_ eq $other } $self->history($sha);
}


sub merge_base {
    my ($self, $one, $other) = @_;

    my %known = map { $_ => 1 } $self->history($one);

    return (sort { $self->{commits}{$b}{serial} <=> $self->{commits}{$a}{serial}
            } grep { $known{$_} } $self->history($other))[0];
}


# What a commit has changed since another: { path => "added", ... }

sub changes {
    my ($self, $from, $to) = @_;

    my %old = defined $from ? %{$self->{commits}{$from}{files}} : ();
    my %new = %{$self->{commits}{$to}{files}};
    my %changes;

    for my $path (keys %old, keys %new) {
        my ($was, $is) = ($old{$path} // '', $new{$path} // '');

        $changes{$path} = $was eq '' ? 'added' : $is eq '' ? 'removed'
                          : 'modified' if $was ne $is;
    }

    return %changes;
}


# -- branches ----------------------------------------------------------------

sub create_ref {
    my ($self, $ref, $sha, $by) = @_;

    my ($branch) = $ref =~ m{^refs/heads/(.+)};

    failed(422, 'Reference name must contain at least three slash-separated '
                . 'components.') unless defined $branch;
    failed(422, 'Reference already exists') if $self->{heads}{$branch};
    failed(422, 'Object does not exist') unless $self->{commits}{$sha};

    $self->{heads}{$branch} = $sha;
    $self->push_event($branch, NONE, $sha, $by);

    return $branch;
}


sub update_ref {
    my ($self, $branch, $sha, $force, $by) = @_;

    my $before = $self->{heads}{$branch}
        // failed(422, 'Reference does not exist');

    failed(422, 'Object does not exist') unless $self->{commits}{$sha};

    my $forward = $self->contains($sha, $before);

    failed(422, 'Update is not a fast forward') unless $forward || $force;

    $self->{heads}{$branch} = $sha;
    $self->push_event($branch, $before, $sha, $by, !$forward)
        if $before ne $sha;

    return $sha;
}


sub delete_ref {
    my ($self, $branch, $by) = @_;

    my $before = delete $self->{heads}{$branch}
        // failed(422, 'Reference does not exist');

    $self->push_event($branch, $before, NONE, $by);

    # a pull request without its branch is closed
    $self->close_pull($_->{number}, $by)
        for grep { $_->{state} eq 'open' && $_->{head} eq $branch }
            @{$self->{pulls}};

    return 1;
}


# One commit on a branch: { path => bytes, or undef to remove it }.

sub commit {
    my ($self, $branch, $files, $message, $by) = @_;

    my $before = $self->{heads}{$branch}
        // failed(404, "Branch $branch not found");
    my %files = %{$self->{commits}{$before}{files}};

    for my $path (keys %$files) {
        if (defined $files->{$path}) {
            $files{$path} = $self->blob($files->{$path});

        } else {
            delete $files{$path};
        }
    }

    my $commit = $self->make_commit(\%files, $message, $by, $before);

    $self->{heads}{$branch} = $commit->{sha};
    $self->push_event($branch, $before, $commit->{sha}, $by);

    return $commit;
}


# As PUT contents does: the file must be the one that the caller has seen.

sub put {
    my ($self, $branch, $path, $bytes, $message, $seen, $by) = @_;

    my $head = $self->{heads}{$branch}
        // failed(404, "Branch $branch not found");
    my $blob = $self->{commits}{$head}{files}{$path};

    failed(422, "Invalid request.\n\n\"sha\" wasn't supplied.")
        if defined $blob && !defined $seen;
    failed(409, "$path does not match $seen")
        if defined $seen && $seen ne ($blob // '');

    my $commit = $self->commit($branch, { $path => $bytes }, $message, $by);

    return ($commit, !defined $blob);
}


sub push_event {
    my ($self, $branch, $before, $after, $by, $forced) = @_;

    $self->{pushed} = now();

    $self->{event}->('push', $self, {
        branch => $branch,
        before => $before,
        after => $after,
        by => $by,
        forced => $forced ? 1 : 0,
        commits => [ $self->new_commits($before, $after, $forced) ],
    });
}


# A push that goes back has no commits.

sub new_commits {
    my ($self, $before, $after, $forced) = @_;

    return if $after eq NONE;

    my %known = map { $_ => 1 } $before eq NONE
        ? map { $self->history($_) } $self->{heads}{$self->{default}}
        : $self->history($before);

    return sort { $a->{serial} <=> $b->{serial} }
           map { $self->{commits}{$_} } grep { !$known{$_} }
           $self->history($after);
}


# -- pull requests -----------------------------------------------------------

sub open_pull {
    my ($self, $head, $base, $title, $body, $by) = @_;

    my $name = $head =~ s/^\Q$self->{owner}\E://r;

    for my $field ([ head => $name ], [ base => $base ]) {
        failed(422, 'Validation Failed', { resource => 'PullRequest',
               field => $field->[0], code => 'invalid' })
            unless $self->{heads}{$field->[1]};
    }

    failed(422, 'Validation Failed', custom(
           "A pull request already exists for $self->{owner}:$name."))
        if grep { $_->{state} eq 'open' && $_->{head} eq $name
                  && $_->{base} eq $base } @{$self->{pulls}};

    my ($to, $from) = @{$self->{heads}}{$base, $name};

    failed(422, 'Validation Failed', custom(
           "No commits between $base and $name"))
        if $self->contains($to, $from);

    failed(422, 'Validation Failed', custom(
           'body is too long (maximum is 65536 characters)'))
        if length($body // '') > 65_536;

    my $pull = {
        number => 1 + @{$self->{pulls}},
        id => ++$ids,
        title => $title,
        body => $body,
        head => $name,
        base => $base,
        head_sha => $from,
        base_sha => $to,
        by => $by,
        state => 'open',
        merged => 0,
        created => now(),
        updated => now(),
    };

    push @{$self->{pulls}}, $pull;
    $self->{event}->('pull_request', $self, { pull => $pull,
                                             action => 'opened', by => $by });

    return $pull;
}


sub custom {
    my ($message) = @_;

    return { resource => 'PullRequest', code => 'custom',
             message => $message };
}


sub pull {
    my ($self, $number) = @_;

    return $number =~ /^[1-9]\d*$/ && $self->{pulls}[$number - 1]
           || failed(404, 'Not Found');
}


# Where the branches of a pull request are by now.

sub refresh {
    my ($self, $pull) = @_;

    return $pull if $pull->{state} ne 'open';

    $pull->{head_sha} = $self->{heads}{$pull->{head}} // $pull->{head_sha};
    $pull->{base_sha} = $self->{heads}{$pull->{base}} // $pull->{base_sha};

    return $pull;
}


sub close_pull {
    my ($self, $number, $by) = @_;

    my $pull = $self->refresh($self->pull($number));

    return $pull if $pull->{state} ne 'open';

    $pull->{state} = 'closed';
    $pull->{closed} = $pull->{updated} = now();
    $self->{event}->('pull_request', $self, { pull => $pull,
                                             action => 'closed', by => $by });

    return $pull;
}


sub reopen_pull {
    my ($self, $number, $by) = @_;

    my $pull = $self->pull($number);

    failed(422, 'state cannot be changed.')
        if $pull->{merged} || !$self->{heads}{$pull->{head}};

    $pull->{state} = 'open';
    delete $pull->{closed};
    $self->{event}->('pull_request', $self, { pull => $pull,
                                             action => 'reopened',
                                             by => $by });

    return $pull;
}


# As by the button: a merge commit, or one commit ("squash").  What both sides
# have changed is put together as somebody would who knows what the files
# mean, if told so; otherwise it is refused.

sub merge_pull {
    my ($self, $number, %opt) = @_;

    my $pull = $self->refresh($self->pull($number));

    failed(405, 'Pull Request is not mergeable') if $pull->{state} ne 'open';

    my ($base, $head) = @$pull{qw/ base_sha head_sha /};
    my %files = $self->merged($base, $head, $opt{resolve});
    my $by = $opt{by} // $self->{owner};

    my $commit = ($opt{method} // 'merge') eq 'squash'
        ? $self->make_commit(\%files, "$pull->{title} (#$number)", $by, $base)
        : $self->make_commit(\%files, "Merge pull request #$number from "
                             . "$self->{owner}/$pull->{head}\n\n"
                             . $pull->{title}, $by, $base, $head);

    $self->{heads}{$pull->{base}} = $commit->{sha};

    @$pull{qw/ state merged merge_sha merged_by /}
        = ('closed', 1, $commit->{sha}, $by);
    $pull->{closed} = $pull->{updated} = now();

    $self->push_event($pull->{base}, $base, $commit->{sha}, $by);
    $self->{event}->('pull_request', $self, { pull => $pull,
                                             action => 'closed', by => $by });

    return $pull;
}


sub merged {
    my ($self, $base, $head, $resolve) = @_;

    my $from = $self->merge_base($base, $head);
    my %ours = $self->changes($from, $base);
    my %theirs = $self->changes($from, $head);
    my %files = %{$self->{commits}{$base}{files}};

    for my $path (keys %theirs) {
        my $blob = $self->{commits}{$head}{files}{$path};

        if ($ours{$path} && ($files{$path} // '') ne ($blob // '')) {
            failed(405, 'Pull Request is not mergeable') unless $resolve;

            $blob = $self->blob($self->put_together($path, $from, $base,
                                                    $head));
        }

        delete $files{$path};
        $files{$path} = $blob if defined $blob;
    }

    return %files;
}


# The builds of both sides, and the rules of the pull request.

sub put_together {
    my ($self, $path, $from, $base, $head) = @_;

    my $theirs = $self->file($head, $path);

    return $theirs if $path ne BUILDS;

    my %before = map { $_->{id} => 1 } $self->list($from);
    my %now = map { $_->{id} => 1 } $self->list($base);

    return json_encode([ $self->list($base),
                         grep { !$before{$_->{id}} && !$now{$_->{id}} }
                         $self->list($head) ]) . "\n";
}


sub list {
    my ($self, $ref) = @_;

    my $list = eval { json_decode($self->file($ref, BUILDS) // '[]') };

    return ref $list eq 'ARRAY' ? @$list : ();
}


# Undoes what a pull request has done, as somebody would who knows what the
# files mean if others have changed them since.

sub revert_pull {
    my ($self, $number, $by) = @_;

    my $pull = $self->pull($number);
    my $merge = $self->{commits}{$pull->{merge_sha}
                                 // failed(422, 'It was not merged')};
    my $before = $merge->{parents}[0];
    my %done = $self->changes($before, $merge->{sha});
    my $now = $self->resolve($pull->{base});
    my %files;

    for my $path (keys %done) {
        my $old = $self->{commits}{$before}{files}{$path};

        $files{$path} = defined $old ? $self->{blobs}{$old} : undef;

        next if ($now->{files}{$path} // '')
                eq ($merge->{files}{$path} // '');

        $files{$path} = $path eq BUILDS
            ? $self->without($before, $merge->{sha}, $now->{sha})
            : $self->file($now->{sha}, $path);
    }

    return $self->commit($pull->{base}, \%files,
                         "Revert \"$pull->{title}\"", $by // $self->{owner});
}


sub without {
    my ($self, $before, $merge, $now) = @_;

    my %old = map { $_->{id} => 1 } $self->list($before);
    my %gone = map { $_->{id} => 1 } grep { !$old{$_->{id}} }
        $self->list($merge);

    return json_encode([ grep { !$gone{$_->{id}} } $self->list($now) ])
           . "\n";
}


# -- for tests ---------------------------------------------------------------

# { path => text } of a branch.

sub files {
    my ($self, $branch) = @_;

    my $commit = $self->resolve($branch) // failed(404, 'Not Found');
    my $files = $commit->{files};

    return { map { $_ => text($self->{blobs}{$files->{$_}}) } keys %$files };
}


# Of its commits, the last one first.

sub messages {
    my ($self, $branch) = @_;

    my $commit = $self->resolve($branch) // failed(404, 'Not Found');

    return [ map { $self->{commits}{$_}{message} }
             $self->history($commit->{sha}) ];
}


# JSON wants characters.  Bytes that are none come as Latin-1.

sub text {
    my ($bytes) = @_;

    utf8::decode($bytes);

    return $bytes;
}


1;
