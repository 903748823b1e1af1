#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# While there are as many builds to fetch as may be fetched at once, what is
# approved or taken back on GitHub does not wait for them.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate;
use Test::LiveUpdate::GitHub;
use Test::LiveUpdate::ToDesktop;

use constant { BUILDS => 'desktop-builds.json',
               RELEASES => 'desktop-releases.json' };
use constant AT_ONCE => 4;

local $ENV{TEST_NGINX_WORKERS} = 1;

my $t = Test::LiveUpdate->new()->plan(7);
my $td = Test::LiveUpdate::ToDesktop->new($t);
my $gh = Test::LiveUpdate::GitHub->new($t, files => { BUILDS, [],
                                                      RELEASES, {} });
my $origin = $td->{origin};

$gh->configure($td, fetch => 'retry=10ms tries=50');
$t->run();

my $build = $td->build(platforms => [ 'linux' ], size => 300);

$td->deliver($build);

my $pull = $gh->wait_pull($build);

over();

my @slow = map { $td->build(platforms => [ 'linux' ], size => 50_000) }
    0 .. AT_ONCE;

$origin->script(qr/AppImage$/ => { slow => 2000 });
$td->deliver($_) for @slow;
ok((wait_until { $origin->flying(qr/AppImage$/) == AT_ONCE } 10),
   'as many are fetched as may be');

$gh->events();
$gh->merge($pull->{number});
$gh->deliver_all();
ok((wait_until { $td->release($build)->{state} eq 'live' } 10),
   'what was merged is released');
$gh->revert($pull->{number});
$gh->deliver_all();
ok((wait_until { $td->release($build)->{state} eq 'withdrawn' } 10),
   'what was reverted is withdrawn');
is(scalar $origin->flying(qr/AppImage$/), AT_ONCE,
   'while they are being fetched, and no other one is');

$t->api('POST', "/releases/$_->{app}/$_->{id}/reject", { reason => 'no' },
        token => 'approve') for @slow;
$origin->script();
ok(over(), 'all is over');
is(join(' ', map { $td->release($_)->{state} } @slow),
   join(' ', map { 'rejected' } @slow), 'they were rejected');

# what cannot even be asked has to wait, too, and longer each time

my $conf = $t->read_file('liveupdate.conf');

$t->write_file('liveupdate.conf', $conf
    =~ s{ api=([^\s;]+)}{ api=@{[ substr "$1/" . 'x' x 4080, 0, 4080 ]}}r);
$t->reload();
$t->mark_log();
$gh->commit({ BUILDS, [ { id => 'nosuch' } ] });
$gh->deliver_all();
ok($t->wait_log(qr/approved on GitHub has to wait: The server is short/, 10),
   'it is told that nothing can be asked');


sub over {
    return wait_until { !$td->jobs() } 20, join ' ', $td->jobs();
}
