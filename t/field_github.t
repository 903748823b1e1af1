#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Approval by pull requests, as it goes wrong in the field: lists that do not
# have what is live, an API that is behind its own webhooks, uploads that nobody
# is asked about, one build that stops the others, emergencies that the next
# push undoes, several apps in one repository, and repositories with a new name.

use warnings;
use strict;

use Digest::SHA qw/ sha512_base64 /;
use File::Path qw/ make_path /;
use POSIX qw/ strftime /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_encode /;
use Test::LiveUpdate::GitHub;
use Test::LiveUpdate::Store;
use Test::LiveUpdate::ToDesktop;

use constant { BUILDS => 'desktop-builds.json',
               RELEASES => 'desktop-releases.json' };

my $t = Test::LiveUpdate->new()->plan(130);
my $td = Test::LiveUpdate::ToDesktop->new($t);
my $gh = Test::LiveUpdate::GitHub->new($t, files => { BUILDS, [],
                                                      RELEASES, {} });
my $dir = $t->testdir();
my $store = Test::LiveUpdate::Store->new("$dir/store");
my ($app, $serial) = ('', 0);

$gh->configure($td, fetch => 'retry=40ms tries=100');

# another repository needs a store of its own

my $conf = $t->read_file('liveupdate.conf');

$t->write_file('liveupdate.conf', $conf . <<"EOF_CONF");

location = /hooks/other {
    liveupdate_github   repo=acme/other  token=github.token;
    liveupdate_webhook  github  secret=secret.github;
}
EOF_CONF

my ($said, $ok) = $t->test_config();

ok(!$ok && $said =~ /the same "repo".*a store of its own/,
   'another repository with the same store') or diag($said);
$t->write_file('liveupdate.conf', $conf);

$t->run();

# what was never listed is not withdrawn, whatever is merged

begin('shop');

my $live = staged('other', 'o1', '1.0.0');

promote($live);

my $own = staged('shop', 'own', '0.9.0');

promote($own);

my $one = staged('shop', 's1', '1.0.0');

merge($one);
is(state($one), 'live', 'merged: it is live');
is(latest('shop'), '1.0.0', 'and the latest');
is(state($live), 'live', 'another app keeps what was never listed');
is(latest('other'), '1.0.0', 'and its latest');
is(state($own), 'live', 'and so does the same app');
list();
is(state($one), 'withdrawn', 'an empty list withdraws what was listed');
is(state($live) . ' ' . state($own), 'live live', 'and nothing else');

# a delivery that says nothing of the commit before, as the first of all

begin('bare');

my $bare = staged('bare', 'b1', '1.0.0');

promote($bare);
$gh->commit({ BUILDS, [] , NOTES => 'x' });
deliver(sub { delete $_[0]{before} });
is(state($bare), 'live', 'the first look at a list withdraws nothing');

# what was followed before the commits were written down, is compared with the
# commit before the push

begin('older');

my $old = staged('older', 'u1', '1.0.0');

merge($old);
is(state($old), 'live', 'it is live');
unlink "$dir/store/github.json" or die "it was not written down: $!\n";
list();
is(state($old), 'withdrawn', 'the push alone says what it has changed');

# releases that were staged by hand are asked about

begin('hand');

my $hand = staged('hand', 'h1', '1.0.0');
my $pull = pull($hand);

ok($pull, 'a release that was staged by hand has a pull request');
is($pull->{head}, 'release-build-h1', 'of its branch');
is(scalar($gh->pulls()), 1, 'one');

my ($status) = $t->api('POST', '/releases/hand/h1/stage', {},
                       token => 'publish')->{status};

is($status, 409, 'staged twice: refused');
settled();
is(scalar($gh->pulls()), 1, 'there is one pull request');

make_path("$dir/store/staging/hand/h2/uploads");
$t->write_file('store/staging/hand/h2/uploads/latest-linux.yml', 'version: 1');
is($t->api('POST', '/releases/hand/h2/stage', {}, token => 'publish')
       ->{status}, 422, 'what is not complete is refused');
settled();
is(scalar($gh->pulls()), 1, 'and nobody is asked about it');
is($t->api('GET', '/releases/hand/h2', undef, token => 'read')
       ->{json}{state}, 'failed', 'it has failed');

# the API is behind: any endpoint, or all, do not know the commit, or show the
# one before in its place

begin('late');

my $n = 0;

for my $case (
    [ 'the head', qr{/git/ref/} ],
    [ 'the list', qr{/contents/desktop-b}, old => 1 ],
    [ 'the list, which is not there', qr{/contents/desktop-b} ],
    [ 'the rules', qr{/contents/desktop-r}, old => 1 ],
    [ 'the rules, which are not there', qr{/contents/desktop-r} ],
    [ 'both files', qr{/contents/}, old => 1 ],
    [ 'the comparison', qr{/compare/} ],
    [ 'all of it', qr{.} ],
    [ 'all of it, and shows what it has', qr{.}, old => 1 ],
    [ 'the head, for a second', qr{/git/ref/}, seconds => 1 ],
    [ 'the list, for a second', qr{/contents/desktop-b}, seconds => 1,
      old => 1 ],
) {
    my ($name, $re, %opt) = @$case;
    my $release = staged('late', 'l' . ++$n, "1.$n.0");

    $gh->lag($re, $opt{seconds} ? () : (requests => 4), %opt);
    merge($release);
    is(state($release) . ' ' . latest('late'), "live $release->{version}",
       "behind: $name");
    is(error('late'), '', "behind: $name: nothing is wrong in the end");
}

# two of them at once, while one is not seen yet

my ($two, $three) = (staged('late', 'two', '2.0.0'),
                     staged('late', 'three', '3.0.0'));

for my $order (0, 1) {
    $gh->merge(pull($two)->{number}, resolve => 1);
    my @first = $gh->events();
    $gh->lag(qr{.}, requests => 6);
    $gh->merge(pull($three)->{number}, resolve => 1);
    my @second = $gh->events();
    $gh->deliver($_) for $order ? (@second, @first) : (@first, @second);
    settled();
    is(state($two) . ' ' . state($three), 'live live',
       'two merges, and only one of them is shown yet, '
       . ($order ? 'told in the other order' : 'as they came'));

    last if $order;

    ($two, $three) = (staged('late', 'four', '4.0.0'),
                      staged('late', 'five', '5.0.0'));
}

# a server that is behind is asked later: nothing that was released goes

my $six = staged('late', 'six', '6.0.0');

$gh->lag(qr{.}, requests => 40, old => 1);
merge($six);

my $seven = staged('late', 'seven', '7.0.0');

$gh->lag(qr{.}, requests => 5);
merge($seven);
is(state($six) . ' ' . state($seven), 'live live', 'both are live');
is(scalar(grep { $_->{change} eq 'release.withdraw' } $store->audit('late')),
   0, 'and nothing was withdrawn for a moment');

# it never shows it: that is told, and a redelivery helps

my $lost = staged('late', 'lost', '8.0.0');

$gh->lag(qr{.}, seconds => 600);
$gh->merge(pull($lost)->{number}, resolve => 1);

my @events = $gh->events();

$t->mark_log();
$gh->deliver($_) for @events;
settled();
is(state($lost), 'staged', 'GitHub never shows the merge');
like(error('late'), qr/does not show: let GitHub deliver/, 'that is told');
$t->log_like(qr/\[warn\].*does not show: let GitHub deliver/, 'and logged');
is(state($seven), 'live', 'what is live stays so');
lag_ends();
is(join(' ', map { $gh->deliver($_)->{json}{message} } @events[0, 0]),
   'seen before seen before', 'the same deliveries again');
settled();
is(state($lost) . ' ' . latest('late'), 'live 8.0.0', 'help');
is(error('late'), '', 'and nothing is wrong any more');

# a build that cannot be released, and others that can

begin('clash');

my @clash = map { staged('clash', "c$_", "1.$_.0", 'Same.AppImage') } 1, 2;
my $good = staged('clash', 'good', '1.9.0');

$t->mark_log();
list(@clash, $good);
is(state($clash[0]) . ' ' . state($good), 'live live',
   'two builds have a file of one name: the others are released');
is(state($clash[1]), 'staged', 'and the second is not');

my $told = $t->api('GET', '/releases/clash/github', undef,
                   token => 'read')->{json};

for my $word ('c2', 'clash', 'Same.AppImage') {
    like($told->{error}, qr/"\Q$word\E"/, "the error names $word");
}

is($told->{errors}[0]{app} . ' ' . $told->{errors}[0]{build}, 'clash c2',
   'also by members');
is(scalar(@{$told->{errors}}), 1, 'it is the only one');
is(error('late'), '', 'other apps have no such error');
$t->log_like(qr/\[warn\].*"c2" of app "clash" was not promoted: .*"Same\.App/,
             'the log names all of it, too');

my $after = staged('clash', 'after', '1.10.0');

merge($after);
is(state($after) . ' ' . latest('clash'), 'live 1.10.0',
   'later merges are followed');
like(error('clash'), qr/"c2"/, 'and the error is still told');
list($clash[0], $good, $after);
is(error('clash'), '', 'until it is not listed any more');

# a release whose file is damaged stops only itself

begin('broken');

my ($broken, $sound) = map { staged('broken', "k$_", "1.$_.0") } 1, 2;
my $file = 'store/staging/broken/k1/release.json';
my $text = $t->read_file($file);

$t->write_file($file, '{');
list($broken, $sound);
is(state($sound), 'live',
   'a damaged release: the other one is released');
like(error('broken'), qr{"k1" of app "broken" was not .*/k1/release.json"},
     'the error names the file');
$t->write_file($file, $text);
is(state($broken), 'staged', 'it is restored');
list($broken, $sound);
is(state($broken), 'live', 'the next push releases it');
is(error('broken'), '', 'and all is well');

# an emergency is not undone by a push that says nothing of it

begin('alarm');

my @alarm = map { staged('alarm', "a$_", "1.$_.0") } 1 .. 3;

merge($_) for @alarm;
is(latest('alarm'), '1.3.0', 'three releases');

post('alarm', 'a3/withdraw');
is(latest('alarm'), '1.2.0', 'the last one is withdrawn in an emergency');
list(@alarm);
is(state($alarm[2]) . ' ' . latest('alarm'), 'withdrawn 1.2.0',
   'a push that changes only blanks');
$gh->commit({ RELEASES, json_encode($gh->file(RELEASES)) . "\n\n" });
deliver();
is(state($alarm[2]) . ' ' . latest('alarm'), 'withdrawn 1.2.0',
   'also in the rules');

my $beta = staged('alarm', 'beta', '2.0.0');

list(@alarm, $beta);
is(state($alarm[2]) . ' ' . state($beta) . ' ' . latest('alarm'),
   'withdrawn live 1.2.0', 'a push that lists another one');
rules($alarm[2], rule('beta', 50));
is(state($alarm[2]) . ' ' . latest('alarm'), 'withdrawn 1.2.0',
   'a push that changes another rule');
is(join(' ', rules_of('alarm')), 'beta 50', 'which is set');
list(@alarm[0, 1], $beta);
is(state($alarm[2]), 'withdrawn', 'it is taken out of the list');
list(@alarm, $beta);
is(state($alarm[2]) . ' ' . latest('alarm'), 'live 1.3.0',
   'and put in again: now it comes back, and is the latest');

post('alarm', 'rollback', { steps => 1 });
is(latest('alarm'), '1.2.0', 'rolled back in an emergency');
list(@alarm, $beta);
rules($alarm[2], rule('beta', 60));
is(latest('alarm') . ' ' . join(' ', rules_of('alarm')), '1.2.0 beta 60',
   'a push that leaves the latest as it is');
rules($alarm[0], rule('beta', 60));
is(latest('alarm'), '1.1.0', 'one that names another');
rules($alarm[2], rule('beta', 60));
is(latest('alarm'), '1.3.0', 'and one that names it again');

$t->api('PUT', '/releases/alarm/rules', {
    latestReleaseBuildId => 'a3',
    releaseRedirections => [ rule('a1', 5) ] }, token => 'approve');
rules($alarm[2], rule('beta', 60), rule('a2', 7));
is(join(', ', rules_of('alarm')), 'a1 5, a2 7',
   'a rule that was removed here stays away, and one that was added stays');
post('alarm', 'a3/withdraw');
rules($alarm[2], rule('beta', 60), rule('a3', 9));
is(state($alarm[2]), 'live',
   'a new rule for what was withdrawn brings it back');

$gh->commit({ RELEASES, undef });
deliver();
is(latest('alarm') . ' ' . join(', ', rules_of('alarm')), '1.2.0 a1 5, a3 9',
   'rules are not removed because there is no file');

# a release that was deleted here, and comes anew

post('alarm', 'a1/withdraw');
is($t->api('DELETE', '/releases/alarm/a1', undef, token => 'approve')
       ->{status}, 204, 'a listed release is deleted');
list(@alarm, $beta);
is(error('alarm'), '', 'its entry is no error');
$alarm[0] = staged('alarm', 'a1', '1.1.0');
is(state($alarm[0]), 'live', 'staged anew, it was approved already');

# two apps in one repository: each has rules of its own

begin('left');

my @left = map { staged('left', "l-$_", "1.$_.0") } 1, 2;
my @right = map { staged('right', "r-$_", "2.$_.0") } 1, 2;

merge($_) for $left[0], $right[0], $left[1];
is(latest('left') . ' ' . latest('right'), '1.2.0 2.1.0',
   'two apps in one repository');
$gh->commit({ RELEASES, { latestReleaseBuildId => 'r-1',
                          releaseRedirections => [ rule('l-1', 10),
                                                   rule('r-1', 20) ] } });
deliver();
is(join(', ', rules_of('left'), rules_of('right')), 'l-1 10, r-1 20',
   'rules for both of them');
is(error('left') . error('right'), '', 'are no error');
post('left', 'rollback', { steps => 1 });
is(latest('left'), '1.1.0', 'one is rolled back in an emergency');
merge($right[1]);
is(latest('left') . ' ' . latest('right'), '1.1.0 2.2.0',
   'a merge for the other leaves it so');
$gh->commit({ RELEASES, { latestReleaseBuildId => 'l-2',
                          releaseRedirections => [ rule('l-1', 10),
                                                   rule('r-1', 20) ] } });
deliver();
is(latest('left') . ' ' . latest('right'), '1.1.0 2.2.0',
   'and so does the file as it was before');
$gh->revert(pull($right[1])->{number});
deliver();
is(state($right[1]) . ' ' . latest('right'), 'withdrawn 2.1.0',
   'one app goes back');
is(state($left[0]) . ' ' . state($left[1]) . ' ' . latest('left'),
   'live live 1.1.0', 'and the other does not');

# a plan that the file has stopped an hour after it began, and has go on

begin('plans');

my @plans = map { staged('plans', "p-$_", "1.$_.0") } 1, 2;
my %plan = (%{rule('p-2', 5)}, plan => {
    start => at(-5 * 3600),
    steps => [ { share => 0.05, for => '2h' }, { share => 1 } ],
});

merge($_) for @plans;
rules($plans[0], { %plan, paused => { at => at(-4 * 3600) } });
is(plan_of('plans'), 'stopped', 'a plan is stopped');
rules($plans[0], \%plan);
is(plan_of('plans'), 'goes on in step 0', 'and goes on where it was');
rules($plans[0], \%plan, rule('p-1', 1));
is(plan_of('plans'), 'goes on in step 0', 'also when another rule changes');
is(join(', ', rules_of('plans')), 'p-2 5, p-1 1', 'it is there once');
rules($plans[0], rule('p-1', 1));
is(join(', ', rules_of('plans')), 'p-1 1', 'and gone when the file has none');

# answers that are larger than the buffers of the proxy

begin('large');

my $large = staged('large', 'g1', '1.0.0');

for my $size (1000, 100_000, 110_000, 150_000, 400_000, 1_000_000,
              1_048_576, 1_048_577, 1_300_000)
{
    $gh->commit({ BUILDS, '[{"id":"g1"}' . ' ' x ($size - 14) . ']' });
    deliver();
    is(state($large), 'live', "a list of $size bytes");
    list();
    is(state($large), 'withdrawn', "a list of $size bytes is followed by none");
}

# an outage is told to who asks, not only in the log

$gh->script(qr{^GET } => { status => 502, body => '<html>' });
$gh->commit({ BUILDS, [ entry($large) ] });
$gh->deliver($_) for $gh->events();
wait_until { error('large') =~ /GitHub answered 502/ } 20, 'an outage is told';
like(error('large'), qr/GitHub answered 502/, 'an outage is told');
$gh->script();
settled();
is(state($large) . error('large'), 'live', 'until it is over');

# a repository with a new name

my $id = $gh->commit({ NOTES => 'y' }) && ($gh->events())[0]
    ->{payload}{repository}{id};
my $renamed = staged('large', 'g2', '2.0.0');

$t->mark_log();
$gh->rename('acme/desktop-releases');
merge($renamed);
is(state($renamed), 'live', 'a merge in a repository with a new name');
$t->log_like(qr{\[warn\].*"acme/releases" is called "acme/desktop-releases"},
             'the log has both names');

my $opened = staged('large', 'g3', '3.0.0');

ok(pull($opened), 'a pull request there, too');
merge($opened);
is(state($opened), 'live', 'and its merge');

$t->mark_log();

my $reply = $gh->deliver({ event => 'push', id => 'stranger', payload => {
    ref => 'refs/heads/main', commits => [], after => 'a' x 40,
    repository => { id => $id + 1, full_name => "acme/\x{1}stranger",
                    default_branch => 'main' } } });

is("$reply->{status} $reply->{json}{message}", '200 ignored',
   'another repository is ignored');
like($reply->{json}{reason}, qr{"acme/\?stranger" .*repo=acme/releases},
     'the answer says why');
$t->log_like(qr{\[warn\].*"acme/\?stranger" .*"repo=acme/releases"},
             'and so does the log, with both names');

$td->idle('no job is left');
$t->stop();
is(join("\n", $store->check()), '', 'the store is whole');


# -- what people do ----------------------------------------------------------

# A repository from the beginning.  What the last one had released stays.

sub begin {
    ($app) = @_;

    $gh->repository();
    $gh->events();
}


# A release that was staged by hand, and has been asked about.

sub staged {
    my ($of, $id, $version, $name) = @_;

    my $folder = "store/staging/$of/$id/uploads";

    $name //= "$of-$version.AppImage";

    $t->api('POST', '/v1/apps', { id => $of, name => $of, type => 'electron' })
        if !-e "$dir/store/apps/$of";

    make_path("$dir/$folder");
    $t->write_file("$folder/$name", "$id $name");
    $t->write_file("$folder/latest-linux.yml", <<EOF_YML);
version: $version
files:
  - url: $name
    sha512: ${\sha512_base64("$id $name")}==
path: $name
releaseDate: '2026-01-01T00:00:00.000Z'
EOF_YML

    my $reply = $t->api('POST', "/releases/$of/$id/stage", {},
                        token => 'publish');

    die "$id was not staged: $reply->{raw}\n" if $reply->{status} != 202;

    settled();
    $gh->events();

    return { app => $of, id => $id, version => $version };
}


sub pull {
    my ($release) = @_;

    return ($gh->pulls_of($release))[0];
}


sub merge {
    my ($release) = @_;

    $gh->merge(pull($release)->{number}, resolve => 1);
    deliver();
}


sub deliver {
    my ($change) = @_;

    for my $event ($gh->events()) {
        $change->($event->{payload}) if $change;
        $gh->deliver($event);
    }

    settled();
}


sub promote {
    my ($release) = @_;

    post($release->{app}, "$release->{id}/promote");
}


sub post {
    my ($of, $call, $body) = @_;

    my $reply = $t->api('POST', "/releases/$of/$call", $body || {},
                        token => 'approve');

    die "$call: $reply->{raw}\n" if $reply->{status} != 200;
}


sub entry {
    my ($release) = @_;

    return { id => $release->{id}, version => $release->{version},
             isReleased => JSON::PP::true };
}


sub list {
    my (@releases) = @_;

    $gh->commit({ BUILDS, json_encode([ map { entry($_) } @releases ])
                          . ' ' x ++$serial });
    deliver();
}


sub rule {
    my ($id, $percentage) = @_;

    return { rule => 'buildByRollout', buildId => $id,
             percentage => $percentage };
}


sub rules {
    my ($latest, @rules) = @_;

    $gh->commit({ RELEASES, { latestReleaseBuildId => $latest->{id},
                              releaseRedirections => \@rules } });
    deliver();
}


sub lag_ends {
    $gh->set(lags => []);
}


# -- what came of it ---------------------------------------------------------

sub settled {
    wait_until { !$td->jobs() } 60, join ' ', $td->jobs();
}


sub state {
    my ($release) = @_;

    return $t->api('GET', "/releases/$release->{app}/$release->{id}", undef,
                   token => 'read')->{json}{state};
}


sub latest {
    my ($of) = @_;

    return $td->latest($of);
}


# Each redirection, as its build and percentage.

sub rules_of {
    my ($of) = @_;

    return map { "$_->{buildId} $_->{percentage}" }
        @{$t->api('GET', "/releases/$of/rules", undef, token => 'read')
              ->{json}{releaseRedirections} || []};
}


# The step of the plan of the first one.

sub plan_of {
    my ($of) = @_;

    my ($rule) = @{$t->api('GET', "/releases/$of/rules", undef,
                           token => 'read')->{json}{releaseRedirections}};

    return $rule->{plan}{nextAt} ? "goes on in step $rule->{plan}{step}"
                                 : 'stopped';
}


sub at {
    my ($seconds) = @_;

    return strftime('%Y-%m-%dT%H:%M:%S.000Z', gmtime(time() + $seconds));
}


sub error {
    my ($of) = @_;

    return $t->api('GET', "/releases/$of/github", undef,
                   token => 'read')->{json}{error} // '';
}
