#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Pull requests: one for each release that is staged, whatever goes wrong on
# the way, and what is said of it until then.

use warnings;
use strict;

use Digest::SHA qw/ sha256_hex /;
use File::Find ();
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_decode json_encode /;
use Test::LiveUpdate::GitHub;
use Test::LiveUpdate::Store;
use Test::LiveUpdate::ToDesktop;

use constant { BUILDS => 'desktop-builds.json',
               RELEASES => 'desktop-releases.json' };

my $t = Test::LiveUpdate->new()->plan(120);

my $td = Test::LiveUpdate::ToDesktop->new($t);
my $gh = Test::LiveUpdate::GitHub->new($t, files => {
    BUILDS, [ { id => 'old', version => '0.9.0', isReleased => JSON::PP::false,
                createdAt => '2024-01-01T00:00:00Z', note => "Gr\x{fc}\x{df}e",
                more => { a => [ 1, 2.5, JSON::PP::null ] } } ],
    RELEASES, { latestReleaseBuildId => 'old', releaseRedirections => [
                    { rule => 'appByIp', feedUrl => 'https://example.com',
                      ipList => [ '192.0.2.1' ] } ],
                note => 'kept' },
});
my $repo = '/repos/acme/releases';
my $dir = $t->testdir();

# what is not a configuration

$gh->configure($td, fetch => 'retry=50ms tries=50');

for my $case (
    [ 'repo=acme/releases base=main', qr/requires a "token"/, 'no token' ],
    [ 'token=github.token base=main', qr/repo=/, 'no repository' ],
    [ 'repo=acme/releases', qr/number of arguments/, 'one parameter' ],
    [ 'repo=acme token=github.token', qr/repo=/, 'no owner' ],
    [ 'repo=acme/ token=github.token', qr/repo=/, 'no name' ],
    [ 'repo=/x token=github.token', qr/repo=/, 'an empty owner' ],
    [ 'repo=a/b?c token=github.token', qr/may have/, 'a strange name' ],
    [ 'repo=a/b/c token=github.token', qr/repo=/, 'a path' ],
    [ 'repo=a/b token=github.token base=a..b c', qr/invalid/, 'a word more' ],
    [ 'repo=a/b token=github.token base=a%20b', qr/may have/,
      'a strange branch' ],
    [ 'repo=a/b token=github.token uri=x', qr/uri=x/, 'no path' ],
    [ 'repo=a/b token=github.token api=ftp://x', qr/api|http/,
      'another scheme' ],
    [ 'repo=a/b token=github.token api=', qr/api|http/, 'no address' ],
    [ 'repo=a/b token=nosuch', qr/nosuch" failed/, 'no such file' ],
    [ 'repo=a/b token=token.public',
      qr/must not be readable or writable by others/,
      'a file that others can read' ],
    [ 'repo=a/b token=token.lines', qr/token\.lines/, 'a token of two lines' ],
    [ 'repo=a/b token=github.token; liveupdate_github repo=a/b '
      . 'token=github.token', qr/is duplicate/, 'twice' ],
) {
    my ($text, $expected, $name) = @$case;

    $t->write_file('token.public', "ghp_public\n");
    chmod 0644, "$dir/token.public";
    $gh->secret_file('token.lines', "ghp_one\r\nX-Evil: two\n");

    is(config_with(qr/liveupdate_github[ ][^;]*;/,
                   "liveupdate_github $text;", $expected), '',
       "refused: $name");
}

is(config_with(qr/liveupdate_github[ ][^;]*;/, '', qr/liveupdate_github/), '',
   'refused: approval without a repository');
is(config_with(qr/liveupdate_approval[ ]+\w+;/, 'liveupdate_approval gitlab;',
               qr/gitlab/), '', 'refused: approval by another');

$t->run();

# the first one, looked at closely

my $first = build(name => 'A|B `c` <i> [x](y) _z_', platforms =>
                  [qw/ windows mac linux /]);

my ($pull, $release) = proposed($first, 'it waits');
my $branch = "release-build-$first->{id}";
my $title = "[release] Add build $first->{id} (v$first->{version})";

is($pull->{title}, $title, 'the title');
is("$pull->{head} $pull->{base}", "$branch main", 'the branches');
is(json_encode([ $gh->messages($branch) ]), json_encode([
    "Release v$first->{version} in desktop-releases.json",
    "Add build $first->{id} (v$first->{version}) to desktop-builds.json",
    'Initial commit' ]), 'two commits');

my $builds = $gh->file(BUILDS, $branch);
my $new = $builds->[1];

is(json_encode($builds->[0]), json_encode($gh->file(BUILDS)->[0]),
   'what was listed is as it was');
is(scalar @$builds, 2, 'there is one more');
like(delete $new->{createdAt}, qr/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d/,
     'its time');
is(json_encode($new), json_encode({ id => $first->{id}, version =>
   $first->{version}, isReleased => JSON::PP::true }), 'and that is all');
is(json_encode($gh->file(RELEASES, $branch)), json_encode({
    latestReleaseBuildId => $first->{id}, releaseRedirections => [],
    note => 'kept' }), 'the rules');
is(($gh->messages())[0], 'Initial commit', 'nothing was merged');

my $body = $pull->{body};
my @rows = map { [ split /(?<!\\)\|/, $_, -1 ] } grep { /^\|/ }
    split /\n/, $body;

is(join(' ', sort { $a <=> $b } uniq(map { scalar @$_ } @rows)), '4 6 7',
   'the tables, whatever is in them');
like(unescaped($body), qr/\Q$_/, "the body has $_") for
    "| $first->{version} |", "|  | $first->{version} | 100 % | new |",
    '| 33.3.2 |', '2026-11-01T10:00:25Z',
    '2026-11-01T10:15:06Z', '](https://github.com/acme/app/commit/'
                            . 'dfd155b0d39d38a8945d3d89c3885a920d3f363e)';
like($body, qr/^\| File \| Signature \|\n(?:\|.*\n)*\| .*\.exe \| is not a /m,
     'what is known of signatures');
unlike($body, qr/<i>|\[x\]\(y\)/, 'nothing of a name is markup');

my $text = join "\n", map { join '|', map { unescaped($_) } @$_ } @rows;

utf8::encode($text);

is(join("\n", grep {
    my $file = $first->{files}{$_};
    $text !~ /\|\s*\Q$_\E\s*\|\s*\Q$file->{size}\E\s*\|[ `]*$file->{sha256}/
} sort keys %{$first->{files}}), '', 'all files are listed');

my $wanted = { branch => $branch, number => $pull->{number},
               url => "https://github.com/acme/releases/pull/"
                      . $pull->{number} };

is_deeply({ map { $_ => $release->{pullRequest}{$_} } keys %$wanted },
          $wanted, 'the release has its address');
ok(!grep({ exists $release->{$_} } qw/ reason attempts nextAttemptAt /),
   'and no reason for anything');
is(join("\n", $td->visible($first)), '', 'nobody sees anything of it');

# what GitHub was asked

my @requests = $gh->requests();

is(join("\n", uniq(map { "$_->{method} $_->{uri}" } grep {
    my $h = $_->{headers};
    ($h->{authorization} // '') ne "Bearer $gh->{token}"
    || ($h->{accept} // '') !~ m{^application/vnd\.github(?:\.v3)?\+json$}
    || ($h->{'user-agent'} // '') eq ''
    || $h->{host} ne "127.0.0.1:$gh->{port}"
    || exists $h->{'x-todesktop-hmac-sha256'}
    || length $_->{body} && $h->{'content-type'} ne 'application/json'
} @requests)), '', 'each request has its headers, and only those');
is(scalar(grep { $_->{status} >= 400 } @requests), 0, 'none was refused');
cmp_ok(scalar @requests, '<=', 12, 'there were not many');
is(http_get('/github/x') =~ m{^HTTP/1.1 404 }, 1, 'the location is internal');

# delivered again, and again

$gh->mark();
$td->deliver($first) for 1 .. 3;
$td->becomes($first, 'staged', 'delivered again');
is(scalar($gh->pulls()), 1, 'there is one pull request');
is(scalar($gh->requests(qr/^(?:POST|PUT|PATCH)/)), 0, 'nothing was written');

my $second = build();

concurrently(6, sub { $td->deliver($second) });
$gh->wait_pull($second);
$td->becomes($second, 'staged', 'delivered six times at once');
is(one($second), '', 'there is one pull request');

# no rules; nothing but the commit that there is

my $third = build();

$td->deliver($third, fields => { releaseInfo => undef });
$gh->wait_pull($third);
$td->becomes($third, 'staged', 'without rules');
is(one($third, 1), '', 'one commit');

my $fourth = build();

$td->deliver($fourth, fields => { releaseInfo => {
    latestReleaseBuildId => undef, releaseRedirections => [
        { rule => 'buildByPlatform', buildId => $fourth->{id},
          platforms => ['mac'] } ] },
    versionControlInfo => undef, electronVersionUsed => undef });
$gh->wait_pull($fourth);
is($gh->file(RELEASES, "release-build-$fourth->{id}")->{latestReleaseBuildId},
   'old', 'what the rules do not say is kept');

# branches that are there already

my $foreign = build();

for my $name ('', '-1') {
    $gh->create_branch("release-build-$foreign->{id}$name");
    $gh->commit({ 'NOTES' => "mine\n" },
                branch => "release-build-$foreign->{id}$name");
}

($pull, $release) = proposed($foreign, 'somebody else has the branch');
is($pull->{head}, "release-build-$foreign->{id}-2", 'another one is taken');
is($release->{pullRequest}{branch}, $pull->{head}, 'and told');
is(join(' ', map { ($gh->messages("release-build-$foreign->{id}$_"))[0] }
                 '', '-1'), 'Edit Edit', 'the others are as they were');
is(exists $gh->files($pull->{head})->{NOTES}, '',
   'and nothing of them is in it');

my $opened = build();

$gh->create_branch("release-build-$opened->{id}");
$gh->commit({ BUILDS, [ { id => $opened->{id}, isReleased => JSON::PP::true,
                          version => 'x' } ] },
            branch => "release-build-$opened->{id}");
$gh->open_pull("release-build-$opened->{id}", 'by hand');
($pull, $release) = proposed($opened, 'there is a pull request already');
is($release->{pullRequest}{number}, $pull->{number}, 'it is that one');
is(scalar($gh->pulls_of($opened)), 1, 'and there is no other');

# a file that somebody changes in between

my $changed = build();

$gh->script(qr/^PUT .*builds.*$changed->{id}/ => { hold => 'before',
                                                   times => 1 });
$td->deliver($changed);
ok($gh->wait_held(), 'a commit is on its way');
$gh->commit({ BUILDS, [ { id => 'hers', isReleased => JSON::PP::false } ] },
            branch => "release-build-$changed->{id}");
$gh->release();
$gh->wait_pull($changed);
$td->becomes($changed, 'staged', 'somebody was quicker');
is(join(' ', map { $_->{id} } @{$gh->file(BUILDS,
        "release-build-$changed->{id}")}), "hers $changed->{id}",
   'what she has done is kept');
is(scalar(grep { $_->{status} == 409 } $gh->requests()), 1, 'it was a 409');

# listed before it was staged

my $listed = build();

$gh->commit({ RELEASES, { latestReleaseBuildId => $listed->{id} },
              BUILDS, [ { id => $listed->{id}, version => 'x',
                          isReleased => JSON::PP::true } ] });
$td->deliver($listed);
$td->becomes($listed, 'live', 'what is listed was approved');
is(scalar($gh->pulls_of($listed)), 0, 'there is no pull request for it');

# another base

my $based = build();

$gh->create_branch('trunk');
$gh->set(default => 'trunk');
$td->deliver($based);
is($gh->wait_pull($based)->{base}, 'trunk', 'the default branch is asked for');

my $given = build();

$gh->create_branch('next/one');
reconfigure('base=next/one');
$td->deliver($given);
is($gh->wait_pull($given)->{base}, 'next/one', 'the branch is given');
$td->becomes($given, 'staged', 'and it waits');
reconfigure('');
$gh->set(default => 'main');

# by hand, while GitHub cannot be reached

my $manual = build();

$gh->down();
$td->deliver($manual);
$release = waits_with($manual);
like($release->{reason}, qr/^GitHub did not answer/, 'an outage is told');
is($release->{state}, 'staged', 'it is staged nevertheless');
like($release->{nextAttemptAt}, qr/^20/, 'and when it is tried again');
is($t->api('POST', "/releases/$manual->{app}/$manual->{id}/promote", {},
           token => 'approve')->{json}{state}, 'live', 'promoted by hand');
$gh->up();
$td->becomes($manual, 'live', 'it stays so');
is(scalar($gh->pulls_of($manual)), 0, 'and nobody is asked any more');

# rejected, while GitHub cannot be reached

my $rejected = build();

$gh->down();
$td->deliver($rejected);
waits_with($rejected);
$t->api('POST', "/releases/$rejected->{app}/$rejected->{id}/reject",
        { reason => 'no' }, token => 'approve');
$gh->up();
is($td->becomes($rejected, 'rejected', 'rejected by hand')->{reason}, 'no',
   'for that reason');
is(scalar($gh->pulls_of($rejected)), 0, 'nobody is asked any more');

# closed before we were told that there is one: GitHub says so when it is
# asked, or when it announces it

for my $announced (0, 1) {
    my $build = build();
    my $re = qr{^GET $repo/pulls\S*$build->{id}};

    $gh->script(qr{^POST $repo/pulls .*$build->{id}} => { cut => 'after' },
                $re => { skip => 1, status => 500 });
    $td->deliver($build);

    my $pull = $gh->wait_pull($build);

    $gh->events();
    $gh->close_pull($pull->{number});
    $gh->deliver_all() if $announced;
    $gh->script();

    my $rejected = $td->becomes($build, 'rejected', 'closed at once');

    is($rejected->{reason}, "pull request #$pull->{number} was closed",
       'that is the reason');
    is(scalar($gh->pulls_of($build)), 1, 'there is no other one');
}

# who asks too often waits as long as GitHub says

my %limited;

for my $kind (qw/ primary secondary /) {
    my $build = $limited{$kind} = build();

    $gh->script_more(qr{^GET $repo/pulls\S*$build->{id}}
                     => { times => 1, limit => $kind, seconds => 2 });
    $td->deliver($build);
}

for my $kind (sort keys %limited) {
    my $build = $limited{$kind};

    $gh->wait_pull($build);
    $td->becomes($build, 'staged', "limited, $kind");

    my ($first, $next) = map { $_->{at} }
        $gh->requests(qr{^GET \S*/pulls\S*$build->{id}});

    cmp_ok($next - $first, '>', 0.9, "it waited, $kind");
    is(one($build), '', "one pull request, $kind");
}

$gh->script();

# who may not

for my $case (
    [ {}, qr/Bad credentials.*401/, 'a wrong token' ],
    [ { $gh->{token} => 'read' }, qr/not accessible.*403/,
      'a token that may only read' ],
) {
    my ($tokens, $reason, $name) = @$case;
    my $build = build();

    $gh->tokens(%$tokens);
    $td->deliver($build);
    $release = waits_with($build, $reason);
    like($release->{reason}, $reason, $name);
    is("$release->{state} " . scalar $gh->pulls_of($build), 'staged 0',
       "it waits: $name");
    $gh->tokens($gh->{token} => 'write');
    $gh->wait_pull($build);
    $td->becomes($build, 'staged', "then it goes on: $name");
    is(one($build), '', "one pull request: $name");
}

my $hidden = build();

$gh->set(hidden => 1);
$td->deliver($hidden);
like(waits_with($hidden)->{reason}, qr/Not Found.*404/, 'no such repository');
$gh->set(hidden => 0);
$gh->wait_pull($hidden);
$td->becomes($hidden, 'staged', 'it was there after all');

# what is refused, and not because it is there already

for my $case (
    [ qr{^POST \S*/git/refs}, { status => 422,
                                message => 'creations are restricted' },
      qr/^"creations are restricted" is what GitHub answered \(422\)/ ],
    [ qr{^POST \S*/pulls}, { status => 422, message => 'Validation Failed',
                             errors => [ { message => 'it is too long' } ] },
      qr/^"it is too long" is what GitHub answered \(422\)/ ],
) {
    my ($re, $rule, $reason) = @$case;
    my $build = build();

    $gh->script($re => { %$rule });
    $td->deliver($build);
    like(waits_with($build)->{reason}, $reason, "refused: $rule->{message}");
    $gh->script();
    proposed($build, "then it goes on: $rule->{message}");
}

# more files than a pull request can tell

($pull) = proposed(build(more => 700), 'many files');
like($pull->{body}, qr/And \d+ more files\.\n\z/, 'are not all told');

# what is in the way is told, and gone as soon as it is

my $unparsable = build();

$gh->commit({ BUILDS, "[ { \"id\": \n" });
$td->deliver($unparsable);
like(waits_with($unparsable)->{reason}, qr/desktop-builds\.json|JSON/i,
     'the list does not parse');
$gh->commit({ BUILDS, [] });
(undef, $release) = proposed($unparsable, 'it was mended');
ok(!grep({ exists $release->{$_} } qw/ reason attempts nextAttemptAt /),
   'nothing is said of it any more');

# everything that can go wrong, at every request, all at once

my %calls = (
    'POST refs' => sub { qr{^POST $repo/git/refs .*$_[0]} },
    'GET builds' => sub { qr{^GET $repo/contents/desktop-builds.*$_[0]} },
    'PUT builds' => sub { qr{^PUT $repo/contents/desktop-builds.*$_[0]} },
    'GET releases' => sub { qr{^GET $repo/contents/desktop-rel.*$_[0]} },
    'PUT releases' => sub { qr{^PUT $repo/contents/desktop-rel.*$_[0]} },
    'GET pulls' => sub { qr{^GET $repo/pulls.*$_[0]} },
    'POST pulls' => sub { qr{^POST $repo/pulls .*$_[0]} },
);

my %faults = (
    '500' => { status => 500 },
    '502, a page' => { status => 502, body => '<html>' x 50 },
    '502, but done' => { status => 502, effect => 1 },
    '409' => { status => 409, message => 'Git Repository is empty.' },
    'a limit' => { limit => 'primary', seconds => 1 },
    'another limit' => { limit => 'secondary', status => 429, seconds => 1 },
    'cut before' => { cut => 'before' },
    'cut after' => { cut => 'after' },
    'cut in the middle' => { cut => 'during' },
    'too late' => { late => 2 },
    'too late to be done' => { delay => 2, linger => 1 },
    'no JSON' => { effect => 1, body => '{ "number": ',
                   type => 'application/json' },
    'other JSON' => { effect => 1, body => '[{"a":{}},null]',
                      type => 'application/json' },
    'null' => { effect => 1, body => 'null', type => 'application/json' },
    'nothing' => { effect => 1, body => '' },
    'a redirection' => { status => 301, headers => [
        'Location: ' . $td->{origin}->other_url() . '/' ] },
    'slowly' => { slow => 900 },
);

my (@rules, %builds);

for my $call (sort keys %calls) {
    for my $fault (sort keys %faults) {

        # nothing is asked for a second then
        next if $fault =~ /limit/ && $call !~ /^P\w+ (?:refs|builds)/;

        my $build = build();

        $builds{"$call, $fault"} = $build;
        push @rules, $calls{$call}->($build->{id})
                     => { times => 1, %{$faults{$fault}} };
    }
}

$gh->script(@rules);
$td->deliver($builds{$_}) for sort keys %builds;

my %wrong;

ok(over(90), 'all are over');

for my $name (sort keys %builds) {
    my $release = $td->release($builds{$name});
    my $wrong = one($builds{$name});

    $wrong ||= 'it says ' . json_encode($release)
        if $release->{state} ne 'staged' || exists $release->{reason};
    $wrong{$name} = $wrong if $wrong;
}

is(join("\n", map { "$_: $wrong{$_}" } sort keys %wrong), '',
   keys(%builds) . ' faults, and each ends in one pull request');

# the same for what is asked by all of them: who asks next gets it

my @shared = (qr{^GET $repo }, qr{^GET $repo/git/ref},
              qr{^GET $repo/contents/desktop-b\S*ref=[0-9a-f]{40} },
              qr{^GET $repo/contents/desktop-r\S*ref=[0-9a-f]{40} });

$gh->script(map {
    my $call = $_;

    map { $call => { times => 1, %{$faults{$_}} } }
        grep { !/limit/ || $call eq $shared[1] } keys %faults
} @shared);

my @builds = map { build() } 1 .. 2 * keys %faults;

$td->deliver($_) for @builds;
ok(over(90), 'all are over');

is(join("\n", grep { $_ ne '' } map { one($_) } @builds), '',
   'faults of what is asked first');

$gh->script();

# nobody was told the token

is(join("\n", leaks($gh->{token})), '', 'the token is not in any file');
is(join("\n", grep { /\Q$gh->{secret}/ } $t->read_log()), '',
   'nor the secret in the log');
is(scalar($td->{origin}->contacts()), 0, 'nobody else was asked');
$td->idle('no job is left');

$t->stop();

is(join("\n", Test::LiveUpdate::Store->new("$dir/store")->check()), '',
   'the store is whole');


# -- builds ------------------------------------------------------------------

sub build {
    return $td->build(platforms => [ 'linux' ], size => 300, @_);
}


# Delivers a build, and waits until nothing is done for it any more: its pull
# request and the release.

sub proposed {
    my ($build, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    $td->deliver($build);

    my $pull = $gh->wait_pull($build);

    $td->becomes($build, 'staged', $name);

    return ($pull, $td->release($build));
}


# What is wrong with the pull request of a build; nothing if there is one, its
# branch has the commits that it is to have, and the release names it.

sub one {
    my ($build, $commits) = @_;

    my @pulls = $gh->pulls_of($build);
        my ($pull) = @pulls;

    return @pulls . ' pull requests' if @pulls != 1;

    my $branch = $pull->{head};
    my @branches = grep { /^release-build-\Q$build->{id}\E(?:-|$)/ }
        keys %{$gh->heads()};

    return "branches @branches" if @branches != 1;

    my %main = map { $_ => 1 } $gh->messages($pull->{base});
    my @new = grep { !$main{$_} } $gh->messages($branch);

    return 'commits: ' . join ', ', @new if @new != ($commits // 2);

    my @listed = grep { $_->{id} eq $build->{id} }
        @{$gh->file(BUILDS, $branch)};

    return @listed . ' entries' if @listed != 1;

    my $number = $td->release($build)->{pullRequest}{number} // 'none';

    return "the release says $number" if $number ne $pull->{number};

    return '';
}


# Whether no job is left.

sub over {
    my ($seconds) = @_;

    return wait_until { !$td->jobs() } $seconds, join ' ', $td->jobs();
}


# The release, once it says why it waits.

sub waits_with {
    my ($build, $reason) = @_;

    my $release = {};

    Test::LiveUpdate::wait_quietly(sub {
        $release = $td->release($build);

        return $release->{attempts} && ($release->{reason} // '')
               =~ ($reason // qr/./);
    }, 20) or diag('it does not wait: ' . json_encode($release));

    return $release;
}


# -- others ------------------------------------------------------------------

# Whether the configuration with this in the place of that is refused for the
# right reason: nothing if it is.

sub config_with {
    my ($re, $text, $expected) = @_;

    my $conf = $t->read_file('liveupdate.conf');

    $t->write_file('liveupdate.conf', $conf =~ s/$re/$text/r);

    my ($said, $ok) = $t->test_config();

    $t->write_file('liveupdate.conf', $conf);

    return $ok ? 'it was taken'
           : $said =~ /\[emerg\] .*$expected/ ? '' : $said;
}


sub reconfigure {
    my ($more) = @_;

    my $conf = $t->read_file('liveupdate.conf');

    $conf =~ s/^(liveupdate_github [^;]*?)(?: base=[^; ]*)?\s*;/$1 $more;/m;
    $t->write_file('liveupdate.conf', $conf);
    $t->reload();
}


sub concurrently {
    my ($n, $code) = @_;

    my @children = map { $t->run_daemon($code) } 1 .. $n;

    waitpid($_, 0) for @children;
}


sub uniq {
    my %seen;

    return grep { !$seen{$_}++ } @_;
}


sub unescaped {
    my ($text) = @_;

    return $text =~ s/&#(\d+);/chr $1/ger =~ s/\\([[:punct:]])/$1/gr;
}


# Files that hold a string and should not.

sub leaks {
    my ($text) = @_;

    my @found;

    File::Find::find({ no_chdir => 1, wanted => sub {
        return if !-f || m{/github\.(?:token|log)$};

        push @found, $_ if $t->read_file($_) =~ /\Q$text/;
    } }, $dir);

    return @found;
}
