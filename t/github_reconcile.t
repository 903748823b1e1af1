#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# What is in the base branch is what is released: merging approves, reverting
# rolls back, and what cannot be done changes nothing and is told.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_decode json_encode /;
use Test::LiveUpdate::GitHub;
use Test::LiveUpdate::Store;
use Test::LiveUpdate::ToDesktop;

use constant { BUILDS => 'desktop-builds.json',
               RELEASES => 'desktop-releases.json' };

my $t = Test::LiveUpdate->new()->plan(142);
my $td = Test::LiveUpdate::ToDesktop->new($t);
my $gh = Test::LiveUpdate::GitHub->new($t, files => { BUILDS, [],
                                                      RELEASES, {} });
my $app = $td->{app};
my $origin = $td->{origin};
my $serial = 0;

$gh->configure($td, fetch => 'retry=10ms tries=100');
$t->run();

my $store = Test::LiveUpdate::Store->new($t->testdir() . '/store');

# a merge, and what is told of it

my $one = proposed(build());

is(latest(), 'none', 'there is nothing yet');
merge($one);
settled();
is(state($one), 'live', 'merged: it is live');
is(latest(), $one->{version}, 'and the latest');
is(join("\n", $td->wrong_files($one)), '', 'all of it');

my ($entry) = grep { $_->{change} eq 'release.promote' } $store->audit($app);

is("$entry->{by} $entry->{subject}", "github $one->{id}",
   'the audit log says by whom');

my $told = $t->api('GET', "/releases/$app/github", undef, token => 'read');

is($told->{status}, 200, 'what was read is told');
is(join(' ', sort keys %{$told->{json}}), 'at commit', 'as time and commit');
is($told->{json}{commit}, $gh->heads()->{main}, 'the last one');
like($told->{json}{at}, qr/^\d{4}-\d\d-\d\dT/, 'now');
$t->refused(sub { $t->api('GET', "/releases/$app/github", undef,
                          token => undef) }, qr/^401 /, 'to whom may read');
$t->refused(sub { $t->api('POST', "/releases/$app/github", {},
                          token => 'admin') }, qr/^405 /, 'and only that');
is($t->api('GET', '/releases/nosuch/github', undef,
           token => 'read')->{status}, 404, 'of an app that there is');

# the next one, by another way of merging; and back

my $two = proposed(build());

merge($two, method => 'squash');
settled();
is(latest(), $two->{version}, 'squashed: it is the latest');
is(state($one), 'live', 'the other one is there, too');

$gh->revert(pull($two)->{number});
$gh->deliver_all();
settled();
is(state($two), 'withdrawn', 'reverted: it is withdrawn');
is(latest(), $one->{version}, 'and the one before is the latest');
ok((wait_until {
    $t->api('GET', "/desktop/$app/latest-linux-build-$two->{id}.yml", undef,
            token => undef)->{status} == 404
} 5), 'nobody can have it');

# reverting that, too

list($one, $two);
settled();
is(state($two), 'live', 'it comes back');
rules($two);
settled();
is(latest(), $two->{version}, 'and is the latest again');

# rules alone

rules($two, { rule => 'buildByPlatform', buildId => $one->{id},
              platforms => [ 'linux' ] });
settled();
is(latest(), $one->{version}, 'rules alone are obeyed');
rules($one);
settled();
is(latest(), $one->{version}, 'the one before, by rules');
is(state($two), 'live', 'is no withdrawal');
rules($two);
settled();

# what is said not to be released

$gh->commit({ BUILDS, [ entry($one), { %{entry($two)},
                                       isReleased => JSON::PP::false } ] });
$gh->deliver_all();
settled();
is(state($two), 'withdrawn', 'isReleased is false');
list($one, $two);
settled();
is(state($two), 'live', 'and true again');

# who comes later changes nothing of what counts

$gh->events();
list_only($one);
rules_only($one);
my ($withdrawal) = $gh->events();
list_only($one, $two);
rules_only($two);
$gh->deliver($_) for reverse $gh->events();
$gh->deliver($withdrawal);
$gh->deliver($withdrawal, id => "late $_") for 1 .. 3;
settled();
is(state($two) . ' ' . latest(), "live $two->{version}",
   'deliveries in another order');

list_only($one);
rules_only($one);
list_only($one, $two);
$gh->deliver(($gh->events())[1]);
settled();
is(state($two) . ' ' . latest(), "live $one->{version}",
   'only one of three deliveries, and not the last');

# while the files of one commit are read, there is another one

$gh->script(qr{^GET \S*/contents/desktop-builds} => { hold => 'after',
                                                      times => 1 });
list($one);
ok($gh->wait_held(), 'one commit is being read');
list($one, $two);
$gh->release();
settled();
is(state($two), 'live', 'the next one is, too');

$gh->script(qr{^GET \S*/contents/desktop-r} => { hold => 'after',
                                                 times => 1 });
list($one, $two);
ok($gh->wait_held(), 'one commit is being read');
list($one);
$gh->release();
settled();
is(state($two), 'withdrawn', 'the next one is, too, the other way round');
$gh->script();

# back by force

my $before = $gh->heads()->{main};

list($one, $two);
settled();
is(state($two), 'live', 'released');
$gh->move('main', $before);
$gh->deliver_all();
settled();
is(state($two), 'withdrawn', 'and back by force');

# it is listed before it is here

my $early = build();

$gh->commit({ BUILDS, [ entry($one), entry($early) ],
              RELEASES, { latestReleaseBuildId => $early->{id} } });
$gh->deliver_all();
settled();
like(error(), qr/"\Q$early->{id}\E" .*no such release/,
     'a build that nobody knows is told');
is(state($two), 'withdrawn', 'and what else has changed is done');
$origin->script(qr/AppImage$/ => { hold => 100 });
$td->deliver($early);
ok(wait_until { $origin->flying(qr/AppImage$/) } 10, 'it is being fetched');
$gh->commit({ 'NOTES' => 'x', BUILDS, [ entry($one), entry($early),
                                        entry($two) ] });
$gh->deliver_all();
settled(1);
is(state($early), 'fetching', 'listed, and not yet here');
is(state($two), 'live', 'what is here is released meanwhile');
is(latest(), $one->{version}, 'the rules wait for it');
$origin->script();
$td->becomes($early, 'live', 'it is released as soon as it is here');
settled();
is(latest(), $early->{version}, 'and the rules count');
is(error(), '', 'there is nothing to tell');
is(scalar($gh->pulls_of($early)), 0, 'nobody was asked');

# one that cannot be fetched does not keep the others

my $broken = build();

$origin->script(qr/\Q$broken->{id}\E/ => { status => 404 });
$td->deliver($broken);
$td->becomes($broken, 'failed', 'one that cannot be fetched', 60);
$gh->commit({ BUILDS, [ entry($one), entry($two), entry($broken) ],
              RELEASES, { latestReleaseBuildId => $one->{id} } });
$gh->deliver_all();
settled();
is(state($early), 'withdrawn', 'is listed: others are withdrawn');
is(latest(), $one->{version}, 'and the rules do not wait for it');
$origin->script();

# rules for what is not listed

list($one, $two);
rules($two, { rule => 'buildByPlatform', buildId => $early->{id},
              platforms => [ 'linux' ] });
settled();
is(latest() . ' ' . state($early), "$two->{version} withdrawn",
   'a rule for what is not listed is left out');
rules($early);
settled();
is(latest() . ' ' . state($early), "$two->{version} withdrawn",
   'what is not listed does not become the latest');
rules($two);
list($one);
settled();
is(latest() . ' ' . state($two), "$one->{version} withdrawn",
   'what is the latest, and not listed any more, goes');

# what does not parse, and what cannot be

my $new = proposed(build());

list($one, $two);
rules($two);
settled();

for my $case (
    [ qr/desktop-builds\.json/, 'half of the builds', '[{"id":"x"' ],
    [ qr/desktop-builds\.json/, 'builds in an object', {} ],
    [ qr/desktop-builds\.json/, 'builds that are not UTF-8',
      "[{\"id\":\"x\",\"a\":\"\xff\"}]" ],
    [ qr/desktop-builds\.json/, 'a mark before the builds', "\xef\xbb\xbf[]" ],
    [ qr/desktop-builds\.json/, 'no builds at all', '' ],
    [ qr/desktop-builds\.json/, 'no such file', undef ],
) {
    my ($expected, $name, $file) = @$case;

    $gh->commit({ BUILDS, $file });
    $gh->commit({ 'NOTES' => $name });
    unchanged(sub { $gh->deliver_all() }, $expected, $name);
    $gh->commit({ BUILDS, [ entry($one), entry($two) ],
                  RELEASES, { latestReleaseBuildId => $two->{id} } });
    $gh->deliver_all();
    settled();
}

# an entry that is wrong is skipped, and all else is done

my $good = proposed(build());
my @good = (entry($one), entry($two), entry($good));

for my $case (
    [ qr/Entry 1 of desktop-builds\.json/, 'a build that is a number',
      BUILDS, [ 1, @good ] ],
    [ qr/Entry 4 of desktop-builds\.json/, 'a build without an id',
      BUILDS, [ @good, { version => '1.0.0' } ] ],
    [ qr/Entry 2 of desktop-builds\.json/, 'an id that leads out',
      BUILDS, [ $good[0], { id => '../../x' }, @good[1, 2] ] ],
    [ qr/"nosuch".*desktop-builds/, 'a build that is nowhere',
      BUILDS, [ @good, { id => 'nosuch', isReleased => JSON::PP::true } ] ],
    (map { [ $_->[0], $_->[1], RELEASES, $_->[2], BUILDS, [ @good ] ] }
        [ qr/desktop-releases\.json/, 'half of the rules', '{"rele' ],
        [ qr/desktop-releases\.json/, 'rules in an array', [] ],
        [ qr/latestReleaseBuildId/, 'a latest build that is a number',
          { latestReleaseBuildId => 7 } ],
        [ qr/releaseRedirections/, 'redirections that are none',
          { latestReleaseBuildId => $one->{id}, releaseRedirections => 'x' } ],
        [ qr/ipList|address|rule/i, 'an address that is none',
          { latestReleaseBuildId => $one->{id}, releaseRedirections => [
              { rule => 'buildByIp', buildId => $good->{id},
                ipList => [ 'x' ] } ] } ],
        [ qr/"nosuch".*desktop-releases/, 'a latest build that is nowhere',
          { latestReleaseBuildId => 'nosuch' } ],
        [ qr/"nosuch".*desktop-releases/, 'a rule for a build that is nowhere',
          { latestReleaseBuildId => $two->{id}, releaseRedirections => [
              { rule => 'buildByPlatform', buildId => 'nosuch',
                platforms => [ 'linux' ] } ] } ]),
) {
    my ($expected, $name, %files) = @$case;

    $t->mark_log();
    $gh->commit(\%files);
    $gh->deliver_all();
    settled();
    is(state($good) . ' ' . latest(), "live $two->{version}",
       "$name: the rest is followed, and the rules are not");
    like(error(), $expected, "$name: is told");
    $t->log_like(qr/\[warn\].*\Q@{[ error() ]}\E/, "$name: is logged");
    $gh->commit({ BUILDS, [ entry($one), entry($two) ],
                  RELEASES, { latestReleaseBuildId => $two->{id} } });
    $gh->deliver_all();
    settled();
    is(state($good) . ' ' . state($two), 'withdrawn live', "$name: mended");
}

# what an entry was to be cannot be known: nothing is withdrawn meanwhile

$gh->commit({ BUILDS, [ entry($one), { Id => $two->{id} } ] });
$gh->deliver_all();
settled();
is(state($two), 'live', 'an entry that is wrong withdraws nothing');
$gh->commit({ BUILDS, [ entry($one) ] });
$gh->deliver_all();
settled();
is(state($two), 'withdrawn', 'but is taken as it is said afterwards');
list($one, $two);
rules($two);
settled();

is(error(), '', 'mended: there is nothing to tell');
is(state($new), 'staged', 'what nobody listed still waits');

# a file of more than a megabyte comes without its content, which its blob has

$gh->commit({ BUILDS, [ entry($one), map { { id => "old-$_", isReleased =>
              JSON::PP::false, note => 'x' x 1000 } } 1 .. 1100 ] });
$gh->deliver_all();
settled();
is(state($one) . ' ' . state($two), 'live withdrawn',
   'more than a megabyte is read, too');
$t->mark_log();
$gh->commit({ BUILDS, [ entry($one), entry($two), map { {
              id => "old-$_", isReleased => JSON::PP::false,
              note => 'x' x 1000 } } 1 .. 2100 ] });
$gh->deliver_all();
wait_until { error() =~ /too large/ } 10, 'it is told';
like(error(), qr/^"desktop-builds\.json" is too large: .*"subrequest_output_b/,
     'more than the configuration allows is told');
$t->log_like(qr/approved on GitHub has to wait: "desktop-builds.json" is too/,
             'and logged');
is(state($one) . ' ' . state($two), 'live withdrawn', 'and changes nothing');
list($one, $two);
rules($two);
settled();
is(error(), '', 'mended: there is nothing to tell again');

# closed, and not merged

$gh->close_pull(pull($new)->{number});
$gh->deliver_all();

my $release = $td->becomes($new, 'rejected', 'closed: rejected');

is($release->{reason}, 'pull request #' . pull($new)->{number}
                       . ' was closed', 'for that reason');
($entry) = grep { $_->{change} eq 'release.reject' } $store->audit($app);
is("$entry->{by} $entry->{subject}", "github $new->{id}",
   'the audit log says by whom');
$gh->reopen(pull($new)->{number});
$gh->deliver_all();
is(state($new), 'rejected', 'reopened: it stays so');
merge($new);
settled();
is(state($new), 'rejected', 'merged after all: it stays so');
like(error(), qr/"\Q$new->{id}\E".*rejected/, 'and that is told');
is(latest(), $two->{version}, 'the rules that it came with are left out');

my $next = proposed(build());

merge($next);
settled();
is(state($next) . ' ' . latest(), "live $next->{version}",
   'others are released');
like(error(), qr/"\Q$new->{id}\E".*rejected/, 'and that is still told');
list($one, $two);
rules($two);
settled();
is(error(), '', 'until it is not listed any more');

# closed while it is live by other means

my $other = proposed(build());

promote($other);
$gh->close_pull(pull($other)->{number});
is(join(' ', map { "$_->{status} $_->{json}{message}" } $gh->deliver_all()),
   '200 ignored', 'closed: it is live already');
is(state($other), 'live', 'it stays so');
$t->refused(sub { $t->api('POST', "/releases/$app/$other->{id}/retry", {},
                          token => 'publish') }, qr/^409 Only a desktop rel/,
            'and its pull request is not asked for again');
list($one, $two);
settled();
is(state($other), 'live', 'and what was never listed is not withdrawn');

# promoted by hand, then merged

my $both = proposed(build());

promote($both);
is(latest(), $both->{version}, 'promoted by hand');
merge($both);
settled();
is(state($both) . ' ' . latest(), "live $both->{version}", 'and merged');
is(scalar(grep { $_->{change} eq 'release.promote'
                 && $_->{subject} eq $both->{id} } $store->audit($app)), 1,
   'that is once');

# GitHub does not answer, or not as it should

my $late = proposed(build());

merge($late);
settled();

for my $rule ({ status => 500 }, { cut => 'after' }, { late => 2 },
              { limit => 'primary', seconds => 1 }, { body => '<html>' },
              { status => 404, message => 'No commit found for the ref x' })
{
    my $was = state($late);

    $gh->script(qr{^GET \S*/contents/desktop-b} => { times => 1, %$rule },
                qr{^GET \S*/contents/desktop-r} => { times => 1, %$rule },
                qr{^GET \S*/git/ref} => { times => 1, %$rule },
                qr{^GET \S*/releases } => { times => 1, %$rule });

    $gh->commit({ 'NOTES' => json_encode($rule),
                  BUILDS, [ ($was eq 'live' ? () : entry($late)),
                            entry($one), entry($both) ],
                  RELEASES, { latestReleaseBuildId => $both->{id} } });

    $gh->deliver_all();
    settled();
    is(state($late), $was eq 'live' ? 'withdrawn' : 'live',
       'it is done in the end: ' . json_encode($rule));
}

$gh->script();

# all of it is gone, as it seems

$gh->set(hidden => 1);
$before = snapshot();
$t->mark_log();
$gh->deliver({ event => 'push', id => 'hidden', payload => {
    ref => 'refs/heads/main', repository => {
        full_name => 'acme/releases', default_branch => 'main' },
    commits => [] } });
$t->log_like(qr/approved on GitHub has to wait: .*Not Found/,
             'the repository is gone: it is told');
is(snapshot(), $before, 'and changes nothing');
$gh->set(hidden => 0);
settled();

# two apps in one repository

my $mac = build(app => 'other-app', platforms => [ 'mac' ]);

proposed($mac);
merge($mac);
settled();
is(state($mac), 'live', 'a build of another app');
is(latest('other-app', 'mac'), $mac->{version}, 'is its latest');
is(latest(), $both->{version}, 'and not that of the first one');
is($t->api('GET', '/releases/other-app/github', undef,
           token => 'read')->{json}{commit}, $gh->heads()->{main},
   'it is told there, too');
$gh->revert(pull($mac)->{number});
$gh->deliver_all();
settled();
is(state($mac), 'withdrawn', 'reverted');
is(state($both) . ' ' . latest(), "live $both->{version}",
   'the first one keeps what it has');

# twenty of them, merged one after the other without waiting

my @many = map { build() } 1 .. 20;

$td->deliver($_) for @many;
$gh->wait_pull($_, 30) for @many;
settled();

for my $build (@many) {
    merge($build);
}

settled();
is(join(' ', map { state($_) } @many), join(' ', ('live') x 20),
   'twenty of them');
is(latest(), $many[-1]{version}, 'the last one is the latest');

$td->idle('no job is left');
$t->stop();
is(join("\n", $store->check()), '', 'the store is whole');


# -- what people do ----------------------------------------------------------

sub build {
    return $td->build(platforms => [ 'linux' ], size => 300, @_);
}


# Delivers it, and waits until its pull request is there.

sub proposed {
    my ($build) = @_;

    $td->deliver($build);
    $gh->wait_pull($build);
    settled();
    $gh->events();

    return $build;
}


sub pull {
    my ($build) = @_;

    return ($gh->pulls_of($build))[0];
}


sub merge {
    my ($build, @opt) = @_;

    $gh->merge(pull($build)->{number}, resolve => 1, @opt);
    $gh->deliver_all();
}


sub promote {
    my ($build) = @_;

    $t->api('POST', "/releases/$build->{app}/$build->{id}/promote", {},
            token => 'approve');
}


sub entry {
    my ($build) = @_;

    return { id => $build->{id}, version => $build->{version},
             createdAt => '2026-11-01T10:00:00Z',
             isReleased => JSON::PP::true };
}


# Exactly these are listed; these are the rules.  The text is another one each
# time.

sub list_only {
    my (@builds) = @_;

    $gh->commit({ BUILDS, json_encode([ map { entry($_) } @builds ])
                          . ' ' x ++$serial });
}


sub rules_only {
    my ($latest, @rules) = @_;

    $gh->commit({ RELEASES, json_encode({
        latestReleaseBuildId => $latest->{id},
        releaseRedirections => \@rules }) . ' ' x ++$serial });
}


sub list {
    list_only(@_);
    $gh->deliver_all();
}


sub rules {
    rules_only(@_);
    $gh->deliver_all();
}


# -- what came of it ---------------------------------------------------------

# Waits until nothing is done any more; or only what is fetched.

sub settled {
    my ($fetching) = @_;

    wait_until {
        !grep { $_ eq 'github' || !$fetching } $td->jobs()
    } 30, join ' ', $td->jobs();
}


sub state {
    my ($build) = @_;

    return $td->release($build)->{state};
}


sub latest {
    return $td->latest(@_);
}


sub error {
    return $t->api('GET', "/releases/$app/github", undef,
                   token => 'read')->{json}{error} // '';
}


# All that devices could see of it.

sub snapshot {
    return join '', (grep { !m{/github\.json } } split /^/,
                     $t->tree('store/apps')),
                    map { $t->tree("store/$_") } qw/ feed live staging /;
}


# A commit that cannot be followed changes nothing, and is told: in the log,
# and to who asks.

sub unchanged {
    my ($code, $expected, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $before = snapshot();

    $t->mark_log();
    $code->();
    settled();

    my $after = snapshot();
    my $error = error();
    my $commit = $t->api('GET', "/releases/$app/github", undef,
                         token => 'read')->{json}{commit};
    my $logged = $t->wait_log(qr/\[warn\].*\Q$error\E/);

    ok($before eq $after && $error =~ $expected
       && $commit eq $gh->heads()->{main} && $logged, $name)
        and return;

    diag("the error: $error, in the log: " . ($logged ? 'yes' : 'no'));

    my %before = map { $_ => 1 } split /^/, $before;
    my %after = map { $_ => 1 } split /^/, $after;

    diag(map { "gone: $_" } grep { !$after{$_} } sort keys %before);
    diag(map { "new: $_" } grep { !$before{$_} } sort keys %after);
}
