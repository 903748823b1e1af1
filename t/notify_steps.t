#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Steps of plans are told when they have begun, once, of bundles and of desktop
# releases, also after a crash.  So is a step that somebody has begun by hand,
# after which a CDN is purged, too; a pause and an end are told as that.  What
# has expired is told as well, and purged.

use warnings;
use strict;

use Digest::SHA qw/ sha512_base64 /;
use POSIX qw/ strftime /;
use Test::More;
use Time::Local qw/ timegm /;

use Test::LiveUpdate qw/ :DEFAULT json_decode zip /;
use Test::LiveUpdate::Clock;
use Test::LiveUpdate::Receiver;

my $t = Test::LiveUpdate->new()->plan(27);
my $clock = Test::LiveUpdate::Clock->new($t);
my $r = Test::LiveUpdate::Receiver->new($t);

my ($others, $told, $given) = map { join ' ', map { "event=release.$_" } @$_ }
    [qw/ paused resumed stopped /], [qw/ promoted halted /],
    [qw/ changed rollout /];

$r->targets(<<"EOF");
a  json   {url}/steps  secret={secret}  event=release.step
b  json   {url}/others  secret={secret}  $others
c  json   {url}/told  secret={secret}  $told
d  json   {url}/expired  secret={secret}  event=release.expired event=channel.*
e  json   {url}/given  secret={secret}  $given
p  purge  {url}/purge/{app}  event=release.step event=release.changed
q  purge  {url}/gone/{app}  event=release.expired event=channel.expired
EOF

$r->configure();

$t->run();

wait_until { -e $t->testdir() . '/store/notify/read.json' } 10, 'it begins';

my $app = $t->create_app('Shop');
my ($one, $two) = map {
    $t->publish($app, 'default', zip('index.html' => $_))->{bundle}
} 1, 2;

my $id = deploy($two, plan => [
    { share => 0.1, for => '2h' }, { share => 0.25, for => '1d' },
    { share => 0.5, for => '1d' }, { share => 0.75, for => '1d' },
    { share => 1 },
]);

my $path = "/v1/apps/$app/deployments/$id";

later(2 * 3600 + 5);
is(told(), '0.2500', 'a step');

my ($event) = events();

is_deeply([@{$event->{data}}{qw/ app release subject by channel /}],
          [$app, $two, $id, 'liveupdate', 'default'], 'of what');
is($event->{data}{text}, "The rollout of $two in channel default of Shop has "
   . 'reached 25 %.', 'for people');
cmp_ok(abs(at($event) - $clock->day()), '<', 60, 'when');

# what is done by hand

$t->api('POST', "$path/pause", { reason => 'Lunch.' });
is(others(1), 'release.paused: Lunch.', 'a pause is told');
later(3 * 86400);
$t->api('POST', "$path/resume", {});
$t->api('POST', "$path/advance", {});
is(told(), '0.2500 0.5000', 'not a pause, but who advances it');

$event = (events())[-1];
is_deeply([@{$event->{data}}{qw/ by from to subject /}],
          ['admin', '0.2500', '0.5000', $id], 'who, and how far');
like($event->{data}{text},
     qr/^admin has advanced the rollout of .* from 25 % to 50 %\.$/,
     'for people');
ok((wait_until { $r->taken(qr/purge/) == 2 } 10), 'each of them is purged');
is(others(2), 'release.paused: Lunch. release.resumed: ', 'and its end');

later(60);
$t->kill_nginx();
$t->start();
later(86401);
is(told(), '0.2500 0.5000 0.7500', 'once, and the next step');

$t->api('POST', "$path/stop", {});
is(others(3), 'release.paused: Lunch. release.resumed:  release.stopped: ',
   'so is the end');
like((map { json_decode($_->{body})->{data}{text} } $r->taken(qr/others/))[-1],
     qr/^admin has ended the plan of .*: it stays at 75 %\.$/,
     'and where it stays');

# a scheduled one

my $start = iso(600);

deploy($one, start => $start);
later(700);
is(told(), '0.2500 0.5000 0.7500 1.0000', 'a scheduled one has begun');

# desktop releases

$t->api('POST', '/v1/apps', { id => 'desk', name => 'D', type => 'electron' });
stage(1);
stage(2);
$t->api('POST', '/releases/desk/b2/promote', {
    plan => [{ share => 0.3, for => '1h' }, { share => 1 }],
}, token => 'approve');

# the plan is there before the hour has gone by

later(1);
later(3601);
is(told(), '0.2500 0.5000 0.7500 1.0000 1.0000', 'of a desktop release');

my ($last) = (events())[-1];

is_deeply([@{$last->{data}}{qw/ app release subject reason /}],
          ['desk', 'b2', 'b2', undef], 'of which');

# a plan that is given later is no step that has begun; limits are for a CDN

my $steps = $r->requests(qr/steps/);

$id = deploy($two);
later(3600);
$t->api('PATCH', "/v1/apps/$app/deployments/$id",
        { plan => [{ share => 0.3, for => '1h' }, { share => 1 }] });
later(120);
$t->api('PATCH', "/v1/apps/$app/builds/$two",
        { minAndroidAppVersionCode => '7' });

wait_until { $r->told(qr/given/) == 3 } 20, 'three changes';
is(join('', map { "$_->{data}{text}\n" } $r->told(qr/given/)), <<"EOF_TOLD",
approve has given the rollout of b2 (2.0.0) of D a plan.
admin has given the rollout of $two in channel default of Shop a plan.
admin has changed the limits or properties of release $two of Shop.
EOF_TOLD
   'what is given');
is($r->requests(qr/steps/), $steps, 'no step has begun');
ok((wait_until { $r->taken(qr/purge/) >= 5 } 20), 'limits are purged');

# for whom it is live, and what was halted

$id = deploy($two, rolloutPercentage => 0.07);
$t->api('POST', "/v1/apps/$app/deployments/$id/halt", { reason => 'Bad.' });

my (@told, %seen);

wait_until {
    @told = grep { $_->{text} =~ /goes to|starts at|halted/ }
        map { json_decode($_->{body})->{data} } $r->taken(qr/told/);
    %seen = ();
    @told = grep { !$seen{$_->{id}}++ } @told;
    @told >= 4;
} 20, 'four are told';

is(join('', map { "$_->{text}\n" } @told), <<"EOF_TOLD", 'for whom');
Release $two of Shop, from admin, goes to 10 % of devices in channel default.
Release $one of Shop, from admin, starts at $start in channel default.
Release $two of Shop, from admin, goes to 7 % of devices in channel default.
The rollout of $two in channel default of Shop was halted: Bad.
EOF_TOLD

is_deeply([@{$told[-1]}{qw/ subject release channel reason /}],
          [$id, $two, 'default', 'Bad.'], 'a halt, of what');

# what expires

my $soon = iso(600);
my $channel = $t->api('POST', "/v1/apps/$app/channels",
                      { name => 'beta', expiresAt => $soon })->{json}{id};

$t->api('PATCH', "/v1/apps/$app/channels/$channel", { name => 'next' });

$id = deploy($one, expires => iso(1200));
stage(3);
$t->api('POST', '/releases/desk/b3/promote',
        { rollout => 0.5, expires => iso(1800), confirm => \1 },
        token => 'approve');

wait_until { $r->taken(qr/expired/) == 1 } 20, 'another name';
later(500);
select undef, undef, undef, 0.1;
later(101);
wait_until { later(1); $r->taken(qr/expired/) == 2 } 20, 'the channel';

$t->kill_nginx();
$t->start();
later(600);
wait_until { later(1); $r->taken(qr/expired/) == 3 } 20, 'the bundle';
later(600);
wait_until { later(1); $r->taken(qr/expired/) == 4 } 20, 'the release';

@told = map { $_->{data} } map { json_decode($_->{body}) }
    $r->taken(qr/expired/);

is(join('', map { "$_->{text}\n" } @told), <<"EOF_TOLD", 'what has expired');
admin has renamed channel beta of Shop to next.
Channel next of Shop has expired.
The rollout of $one in channel default of Shop has expired.
The rollout of b3 (3.0.0) of D has expired.
EOF_TOLD

is_deeply([map { [@{$_}{qw/ app appName subject release channel to /}] }
           @told[1 .. 3]],
          [[$app, 'Shop', $channel, undef, 'next', undef],
           [$app, 'Shop', $id, $one, 'default', undef],
           ['desk', 'D', 'b3', 'b3', undef, undef]], 'of which');
is(json_decode(($r->taken(qr/expired/))[1]{body})->{timestamp}, $soon, 'when');

wait_until { $r->taken(qr{gone/desk}) } 20, 'purged';
cmp_ok(scalar $r->taken(qr{gone/$app}), '>=', 2, 'a CDN learns of it');

# what was held up before it began

$id = deploy($two, start => iso(600), plan => [
    { share => 0.2, for => '1h' }, { share => 1 },
]);
$t->api('POST', "/v1/apps/$app/deployments/$id/pause", {});
later(86400);
$t->api('POST', "/v1/apps/$app/deployments/$id/resume", {});
like(told(), qr/ 1\.0000 0\.2000$/, 'the first step, when it is resumed');
later(3600);
like(told(), qr/ 1\.0000 0\.2000 1\.0000$/, 'and the next one, once each');

###############################################################################

sub deploy {
    my ($bundle, %more) = @_;

    my $reply = $t->api('POST', "/v1/apps/$app/deployments",
                        { appBuildId => $bundle, appChannelName => 'default',
                          %more });

    diag($reply->{raw}) unless $reply->{status} == 201;

    # it is there before time goes by
    later(1);

    return $reply->{json}{id};
}

# The time in so many seconds.

sub iso {
    my ($seconds) = @_;

    return strftime('%Y-%m-%dT%H:%M:%S.000Z', gmtime($clock->day() + $seconds));
}

# nginx looks at the clock with each event.

sub later {
    my ($seconds) = @_;

    $clock->passes($seconds);
    $t->latest($app);
}

# The shares that steps have reached, once there is one more than before.

sub told {
    my $before = $r->{told} // 0;

    wait_until {
        $clock->passes(1);
        $t->latest($app);
        $r->requests(qr/steps/) > $before;
    } 20;

    # whatever else there is comes now, too

    for (1 .. 5) {
        $clock->passes(2);
        $t->latest($app);
        select undef, undef, undef, 0.02;
    }

    $r->{told} = $r->requests(qr/steps/);

    return join ' ', map { $_->{data}{to} // '?' } events();
}

sub events {
    return map { json_decode($_->{body}) } $r->requests(qr/steps/);
}

# The first n of the other events, and why.

sub others {
    my ($n) = @_;

    wait_until { $r->taken(qr/others/) >= $n } 20, "$n others";

    return join ' ', map { "$_->{type}: " . ($_->{data}{reason} // '') }
        map { json_decode($_->{body}) } $r->taken(qr/others/);
}

sub at {
    my ($event) = @_;

    my @at = $event->{timestamp} =~ /\d+/g;

    return timegm(@at[5, 4, 3, 2], $at[1] - 1, $at[0]);
}

sub stage {
    my ($n) = @_;

    my $uploads = "store/staging/desk/b$n/uploads";
    my $bytes = "$n" x 1000;
    my $digest = sha512_base64($bytes) . '==';

    $t->write_file("$uploads/D-$n.0.0.exe", $bytes);
    $t->write_file("$uploads/latest.yml", <<EOF_YML);
version: $n.0.0
files:
  - url: D-$n.0.0.exe
    sha512: $digest
    size: 1000
path: D-$n.0.0.exe
releaseDate: '2026-01-01T00:00:00.000Z'
EOF_YML

    $t->api('POST', "/releases/desk/b$n/stage", {}, token => 'publish');
}

###############################################################################
