#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# A time of day that is set: what lasts some time lasts as long as before, and
# what is due is done.

use warnings;
use strict;

use POSIX qw/ strftime /;
use Test::More;
use Time::Local qw/ timegm /;

use Test::LiveUpdate qw/ :DEFAULT json_decode json_encode zip /;
use Test::LiveUpdate::Clock;
use Test::LiveUpdate::Store;
use Test::LiveUpdate::ToDesktop;

use constant { HOUR => 3600, DAY => 86400 };

$ENV{TEST_NGINX_WORKERS} ||= 2;

my $t = Test::LiveUpdate->new()->plan(34);
my $td = Test::LiveUpdate::ToDesktop->new($t);
my $clock = Test::LiveUpdate::Clock->new($t);
my $store = Test::LiveUpdate::Store->new($t->testdir() . '/store');

$td->configure(approval => 'off', fetch => 'retry=2s tries=100');
$t->run();

my $app = $t->create_app('clock');

$t->create_channel($app, 'production');
$t->publish($app, 'production', zip('index.html' => 'one'));

# another machine changes the app: this one looks once a second

my @set = ([ 0, 'a steady clock' ], [ -HOUR, 'an hour back' ],
           [ DAY, 'a day ahead' ], [ -DAY, 'back again' ],
           [ 10 * 365 * DAY, 'ten years ahead' ],
           [ -20 * 365 * DAY, 'twenty years back' ]);

for my $case (@set) {
    my ($seconds, $name) = @$case;

    everywhere(200);
    $clock->set($seconds);

    # workers see the new time before they look at the file

    ok(wait_until { abs(server_time() - $clock->day()) < 60 } 5,
       "$name: it is set");
    everywhere(200);

    paused(1);
    ok(everywhere(404), "$name: what another machine does is seen");
    paused(0);
    ok(everywhere(200), "$name: and again");
}

$clock->set(10 * 365 * DAY + HOUR);

# releases on the disk are counted again after 5 seconds

my $uploading = status()->{releases}{states}{uploading};

for my $case ([ -DAY, 'a day back' ], [ 2 * DAY, 'a day ahead' ]) {
    my ($seconds, $name) = @$case;

    $clock->set($seconds);
    $t->api('POST', "/v1/apps/$app/bundles", { artifactType => 'zip' });
    $uploading++;

    ok(wait_until { status()->{releases}{states}{uploading} == $uploading } 15,
       "$name: releases are counted");
    cmp_ok(status()->{releases}{ageSeconds}, '<', 10, "$name: just now");
}

$clock->set(-DAY);

# a job whose next try was computed while the clock was ahead

$td->{origin}->down();

for my $case ([ 365 * DAY, 'a year' ], [ HOUR / 2, 'half an hour' ]) {
    my ($seconds, $name) = @$case;

    $clock->set($seconds);
    ok(wait_until { abs(server_time() - $clock->day()) < 60 } 5,
       "$name ahead");

    my $one = $td->build(platforms => ['linux']);

    $td->deliver($one);

    ok(wait_until { ($td->release($one)->{attempts} // 0) >= 1 } 10,
       "$name ahead: the origin is away");

    my $tries = $td->release($one)->{attempts};

    $clock->set(-$seconds);

    ok(wait_until { $td->release($one)->{attempts} > $tries } 15,
       "$name ahead, and back: it is tried again");
    cmp_ok($td->release($one)->{attempts}, '<', $tries + 4,
           "$name ahead, and back: when it is due");
}

$td->{origin}->up();

# an expiry is a time of day, and not a duration

my $channel = (grep { $_->{name} eq 'production' }
               @{$store->app($app)->{channels}})[0]{id};

is($t->api('PATCH', "/v1/apps/$app/channels/$channel",
           { expiresAt => stamp($clock->day() + HOUR) })->{status}, 200,
   'a channel that expires in an hour');
ok(everywhere(200), 'it has not expired');
$clock->set(2 * HOUR);
ok(everywhere(404), 'two hours later it has');
$clock->set(-2 * HOUR);
ok(everywhere(200), 'if the clock was wrong it has not');


# Waits until all workers answer a check with that status.

sub everywhere {
    my ($status) = @_;

    return wait_until {
        !grep { $t->latest($app, channelName => 'production',
                           deviceId => "d$_")->{status} != $status } 1 .. 8
    } 8;
}


# Another machine changes the app, and no generation.

sub paused {
    my ($paused) = @_;

    my $json = json_decode($t->read_file("store/apps/$app/app.json"));

    for my $one (@{$json->{channels}}) {
        $one->{pausedAt} = $paused ? '2020-01-01T00:00:00.000Z' : undef;
    }

    $t->replace_file("store/apps/$app/app.json", json_encode($json));
}


sub status {
    return $t->api('GET', '/status?format=json', undef,
                   token => undef)->{json};
}


sub server_time {
    my ($y, $mon, $d, $h, $min, $s) = status()->{time}
        =~ /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)/;

    return timegm($s, $min, $h, $d, $mon - 1, $y);
}


sub stamp {
    my ($time) = @_;

    return strftime('%Y-%m-%dT%H:%M:%S.000Z', gmtime $time);
}
