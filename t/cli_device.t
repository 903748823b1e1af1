#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# The real CLI: devices.  They are known once they have asked for an update.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT zip /;
use Test::LiveUpdate::CLI;
use Test::LiveUpdate::Device;

my $t = Test::LiveUpdate->new();
my $cli = Test::LiveUpdate::CLI->new($t);

$t->config_reference(sub { s/  buffer=32k  flush=1s//; });
$t->run()->plan(40);

my $app = $t->create_app('Shop');
my $other_app = $t->create_app('Other');
my $production = $t->create_channel($app, 'production');
my $beta = $t->create_channel($app, 'be+ta 2');

$t->create_channel($app, 'empty');
$t->create_channel($other_app, 'production');

my $stable = $t->publish($app, 'production', zip('index.html' => 'stable'));
my $fresh = $t->publish($app, 'be+ta 2', zip('index.html' => 'fresh'));

$t->publish($other_app, 'production', zip('index.html' => 'other'));

my $alice = device('alice', custom_id => 'user 1', version_code => 84);
my $bob = device('bob', platform => 'ios', version_code => '1.2.3');
my $carol = device('carol');
my $namesake = device('alice', app => $other_app);
my ($reply, $before, $after);


# probe

$reply = $cli->run(devices('probe'), '--device-id', 'alice');
is($reply->{status}, 1, 'probe of a device that never asked: refused');
like($reply->{out}, qr/\[error\] Device not found/,
    'probe of a device that never asked: the reason');

$alice->sync();
$bob->sync();

$before = known('alice');

is_deeply([map { $before->{$_} } qw/ appVersionCode appVersionName customId
              platform osVersion pluginVersion appChannelId appDeploymentId
              forcedAppChannelId /],
    [84, '1.0', 'user 1', 0, 34, '8.4.1', $production, $stable->{deployment},
     undef], 'what is known of a device');
is_deeply($before->{appChannel}, { id => $production, name => 'production' },
    'and of its channel');

$reply = $cli->run(devices('probe'), '--device-id', 'alice', '--json');
is($reply->{status}, 0, 'probe');
is_deeply($reply->{json}, $alice->latest(), 'probe: what the device gets');

$reply = $cli->run(devices('probe'), '--device-id', 'bob');
like($reply->{out}, qr/Update available for this device/, 'probe of iOS');

$before = known('bob');
$cli->run(devices('probe'), '--device-id', 'bob', '--json');
$after = known('bob');
is_deeply($after, $before, 'probe: is no visit of the device');

$t->api('POST', "/v1/apps/$app/channels/$production/pause", {});

$reply = $cli->run(devices('probe'), '--device-id', 'alice');
is($reply->{status}, 0, 'probe without an update: no failure');
like($reply->{out}, qr/No update available for this device/,
    'probe without an update: said so');

$reply = $cli->run(devices('probe'), '--device-id', 'alice', '--json');
is_deeply($reply->{json}, { bundleId => undef },
    'probe without an update: in JSON');

$t->api('POST', "/v1/apps/$app/channels/$production/resume", {});

# force

$reply = $cli->run(devices('forcechannel'), '--device-id', 'alice',
    '--device-id', 'carol', '--channel', 'be+ta 2');
is($reply->{status}, 0, 'force');
like($reply->{out}, qr/2 devices forced to channel/, 'force: two devices');

is(bundle($alice), $fresh->{bundle}, 'force: the very next check obeys');
is($alice->latest()->{channelName}, 'be+ta 2', 'force: said in the answer');
is(bundle($alice, channelName => undef), $fresh->{bundle},
    'force: also without a channel');
is(bundle($alice, channelName => 'nope'), $fresh->{bundle},
    'force: also with an unknown channel');
is(bundle($carol), $fresh->{bundle},
    'force: also a device that never asked before');
is(bundle($bob), $stable->{bundle}, 'force: no other device');
isnt(bundle($namesake), $fresh->{bundle}, 'force: not in another app');
is($namesake->latest()->{channelName}, 'production',
    'force: the other app goes its way');

is(known('alice')->{forcedAppChannelId}, $beta, 'force: it is known');
is(known('alice')->{appChannelId}, $beta, 'force: so is where that led');

$reply = $cli->run(devices('probe'), '--device-id', 'alice', '--json');
is($reply->{json}{bundleId}, $fresh->{bundle}, 'force: the probe obeys, too');

$reply = $cli->run(devices('forcechannel'), '--device-id', 'alice',
    '--channel', 'nope');
is($reply->{status}, 1, 'force to an unknown channel: refused');
like($reply->{out}, qr/Channel not found/, 'force to an unknown channel: why');
is(bundle($alice), $fresh->{bundle},
    'force to an unknown channel: nothing changes');

$reply = $cli->run(devices('forcechannel'), '--device-id', 'alice',
    '--channel', 'empty');
like($reply->{out}, qr/Device forced to channel/, 'force to an empty channel');
is(bundle($alice), undef, 'force to an empty channel: no way around it');

# unforce

$reply = $cli->run(devices('unforcechannel'), '--device-id', 'alice');
is($reply->{status}, 0, 'unforce');
is(bundle($alice), $stable->{bundle}, 'unforce: the very next check is free');
is(bundle($carol), $fresh->{bundle}, 'unforce: no other device');

# delete

$reply = $cli->run(devices('delete'), '--device-id', 'carol', '--yes');
is($reply->{status}, 0, 'delete');
is(known('carol'), undef, 'delete: not known');
is(bundle($carol), $stable->{bundle}, 'delete: not forced');
is(known('carol')->{appChannelId}, $production, 'delete: it may come back');

# a forced channel that goes

$cli->run(devices('forcechannel'), '--device-id', 'bob', '--channel',
    'be+ta 2');
is(bundle($bob), $fresh->{bundle}, 'force of iOS');

$t->api('DELETE', "/v1/apps/$app/channels/$beta");
is(bundle($bob), $stable->{bundle}, 'without its channel, no device is forced');

# who may

$reply = $cli->run({ token => 'read' }, devices('forcechannel'), '--device-id',
    'alice', '--channel', 'empty');
is($reply->{status}, 1, 'force: not with a token that may only read');
is(bundle($alice), $stable->{bundle}, 'force: nothing changes');


sub devices {
    my ($name) = @_;

    return ("apps:devices:$name", '--app-id', $app);
}


sub device {
    my ($id, %opt) = @_;

    return Test::LiveUpdate::Device->new(
        server => 'http://127.0.0.1:' . port(8080),
        app => $app,
        dir => "$t->{testdir}/devices/" . ($opt{app} // $app) . "/$id",
        id => $id,
        channel => 'production',
        %opt,
    );
}


sub bundle {
    my ($device, %params) = @_;

    return ($device->latest(%params) || {})->{bundleId};
}


# What the server knows of the device, or nothing.

sub known {
    my ($id) = @_;

    my $reply = $t->api('GET',
        "/v1/apps/$app/devices/$id?relations=appChannel");

    return $reply->{status} == 200 ? $reply->{json} : undef;
}
