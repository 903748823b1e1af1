#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# The real CLI: deployments, rollback, rollout, native versions, builds.

use warnings;
use strict;

use Digest::SHA qw/ sha256_hex /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT zip /;
use Test::LiveUpdate::CLI;
use Test::LiveUpdate::Device;

my $t = Test::LiveUpdate->new();
my $cli = Test::LiveUpdate::CLI->new($t);

$t->config_reference(sub { s/  buffer=32k  flush=1s//; });
$t->run()->plan(55);

my $app = $t->create_app('Shop');
my $channel = $t->create_channel($app, 'production');
my $beta = $t->create_channel($app, 'beta');
my $device = device();
my (@bundles, $reply, $got, $deployment);


# nothing to roll back to

$reply = $cli->run(live('rollback'), '--channel', 'production', '--steps', 1);
is($reply->{status}, 1, 'rollback of an empty channel: refused');
like($reply->{out}, qr/no previous deployments/, 'rollback: the reason');

$reply = $cli->run(live('rollout'), '--channel', 'production', '--percentage',
    10);
is($reply->{status}, 1, 'rollout of an empty channel: refused');
like($reply->{out}, qr/Channel has no active build/, 'rollout: the reason');

# six versions, of which the CLI looks at five

my @zips = map { zip('index.html' => "v$_") } 1 .. 6;

push @bundles, $t->publish($app, 'production', $_) for @zips;

is(runs(), 6, 'the last one is what devices get');

$reply = $cli->run(live('rollback'), '--channel', 'production', '--steps', 1);
is($reply->{status}, 0, 'rollback by one');
like($reply->{out}, qr/Rolled back to Build #5 \(1 step back\)/,
    'rollback by one: said so');
is(runs(), 5, 'rollback by one: the very next check sees it');

# what was rolled back to is now the first: 5 6 5 4 3

$reply = $cli->run(live('rollback'), '--channel', 'production', '--steps', 4);
like($reply->{out}, qr/Rolled back to Build #3 \(4 steps back\)/,
    'rollback by four');
is(runs(), 3, 'rollback by four: devices go back');

$reply = $cli->run(live('rollback'), '--channel', 'production', '--steps', 2);
like($reply->{out}, qr/Rolled back to Build #6 \(2 steps back\)/,
    'rollback of a rollback');
is(runs(), 6, 'rollback of a rollback: devices go forth');

$reply = $cli->run(live('rollback'), '--channel', 'production', '--steps', 5);
is($reply->{status}, 1, 'rollback by too many: refused');
is(runs(), 6, 'rollback by too many: nothing changes');

$reply = $cli->run(live('rollback'), '--channel', 'nope', '--steps', 1);
like($reply->{out}, qr/Channel not found/, 'rollback of an unknown channel');

# deployments

$reply = $cli->run(deployments('list'), '--channel-id', $channel, '--json');
$got = $reply->{json};

is_deeply([map { $_->{appBuild}{numberAsString} } @$got],
    [6, 3, 5, 6, 5, 4, 3, 2, 1], 'deployments: newest first');
is_deeply([map { $got->[0]{$_} } qw/ appId appBuildId appChannelId
                                     appDestinationId rolloutPercentage /],
    [$app, $bundles[5]{build}, $channel, undef, 1], 'deployments: all of it');

$deployment = $got->[0]{id};

$reply = $cli->run(deployments('list'), '--channel-id', $channel, '--json',
    '--limit', 2, '--offset', 1);
is_deeply([map { $_->{appBuild}{numberAsString} } @{$reply->{json}}], [3, 5],
    'deployments: one page');

$reply = $cli->run(deployments('list'), '--build-id', $bundles[2]{build},
    '--json');
is(scalar @{$reply->{json}}, 2, 'deployments: of one build');

$reply = $cli->run(deployments('get'), '--deployment-id', $deployment,
    '--json');
is($reply->{json}{id}, $deployment, 'deployment: got');
is($reply->{json}{appBuild}{numberAsString}, '6', 'deployment: its build');

$reply = $cli->run(deployments('get'), '--deployment-id', $app);
is($reply->{status}, 1, 'deployment, unknown: refused');
like($reply->{out}, qr/\[error\] Deployment not found/,
    'deployment, unknown: the reason');

$reply = $cli->run(deployments('create'), '--build-id', $bundles[1]{build},
    '--channel', 'production', '--json');
is($reply->{status}, 0, 'deployment by id of the build');
is(runs(), 2, 'deployment by id of the build: devices get it');

$reply = $cli->run(deployments('create'), '--build-number', 4, '--channel',
    'beta', '--json');
is($reply->{status}, 0, 'deployment by number of the build');
is(runs(channelName => 'beta'), 4,
    'deployment by number of the build: devices get it');
is(runs(), 2, 'deployment by number of the build: no other channel');

# of all channels

$reply = $cli->run(deployments('list'), '--json', '--limit', 3);
is_deeply([map { $_->{appBuild}{numberAsString} } @{$reply->{json}}],
    [4, 2, 6], 'deployments of all channels: newest first');

# rollout

$reply = $cli->run(live('rollout'), '--channel', 'production', '--percentage',
    0);
is($reply->{status}, 0, 'rollout to nobody');
like($reply->{out}, qr/Rolled out to 0%/, 'rollout to nobody: said so');
is(runs(), 6, 'rollout to nobody: all have the one before');

$reply = $cli->run(live('rollout'), '--channel', 'production', '--percentage',
    100);
is($reply->{status}, 0, 'rollout to everybody');
is(runs(), 2, 'rollout to everybody: all have it');

$reply = $cli->run(deployments('list'), '--channel-id', $channel, '--json',
    '--limit', 1);
is($reply->{json}[0]{rolloutPercentage}, 1, 'rollout: its percentage');

# native versions

$reply = $cli->run(live('setnativeversions'), '--build-id',
    $bundles[1]{build}, '--android-min', 10, '--android-max', 12,
    '--android-eq', 11, '--ios-min', '1.2.0');
is($reply->{status}, 0, 'native versions');
like($reply->{out}, qr/constraints set successfully/,
    'native versions: said so');

is(join(' ', map { runs(appVersionCode => $_) // 'x' } 9 .. 13), '6 2 6 2 6',
    'native versions: the very next checks obey them, others get the one '
    . 'before');

$reply = $cli->run(live('setnativeversions'), '--build-id',
    $bundles[1]{build}, '--android-max', 13);
is(join(' ', map { runs(appVersionCode => $_) // 'x' } 9 .. 14),
    '6 2 6 2 2 6', 'native versions: one alone changes, the others stay');

$reply = $cli->run(live('setnativeversions'), '--build-id',
    $bundles[1]{build}, '--ios-min', 'one');
is($reply->{status}, 1, 'native versions: no version, refused');
like($reply->{out}, qr/\[error\] .*minIosAppVersionCode/,
    'native versions: the reason');

# builds

$reply = $cli->run(builds('list'), '--json');
is_deeply([map { $_->{numberAsString} } @{$reply->{json}}],
    [6, 5, 4, 3, 2, 1], 'builds: newest first');
is($reply->{json}[0]{platform}, 'web', 'builds: of the web');

$reply = $cli->run(builds('list'), '--json', '--number-as-string', '2',
    '--platform', 'web');
is_deeply([map { $_->{id} } @{$reply->{json}}], [$bundles[1]{build}],
    'builds: by number');

$reply = $cli->run(builds('list'), '--json', '--platform', 'ios');
is_deeply($reply->{json}, [], 'builds: none of iOS');

$reply = $cli->run(builds('get'), '--build-id', $bundles[1]{build}, '--json');
is_deeply([map { $reply->{json}{$_} } qw/ numberAsString appId
              minAndroidAppVersionCode maxAndroidAppVersionCode
              eqAndroidAppVersionCode minIosAppVersionCode /],
    [2, $app, 10, 13, 11, '1.2.0'], 'build: with its versions');

$reply = $cli->run(builds('get'), '--build-id', $app);
is($reply->{status}, 1, 'build, unknown: refused');

$reply = $cli->run(builds('download'), '--build-id', $bundles[2]{build},
    '--zip', 'three.zip');
is($reply->{status}, 0, 'build: downloaded');
like($reply->{out}, qr/ZIP downloaded successfully/,
    'build: said so');
is(sha256_hex($t->read_file('cli/three.zip')), sha256_hex($zips[2]),
    'build: the very bytes of the bundle');

# nothing is built here, and there are no logs to wait for

for my $logs ([ builds('logs'), '--build-id', $bundles[1]{build} ],
              [ deployments('logs'), '--deployment-id',
                $bundles[1]{deployment} ]) {
    $reply = $cli->run(@$logs);
    unlike("$reply->{status} $reply->{out}", qr/^[^0]|error/, "no $logs->[0]");
}

# a manifest bundle is no zip

my $manifest = $t->publish($app, 'beta', { 'index.html' => 'files' });

$reply = $cli->run(builds('download'), '--build-id', $manifest->{build},
    '--zip', 'none.zip');
like($reply->{out}, qr/No ZIP artifact found/, 'build of files: said so');
ok(!-e $cli->dir() . '/none.zip', 'build of files: nothing is written');

is(scalar(grep { /\b5\d\d\b/ } map { /HTTP\S+" (\d+)/ }
          split /\n/, $t->read_file('logs/access.log')), 0,
    'no call ended in an error of the server');


sub live {
    my ($name) = @_;

    return ("apps:liveupdates:$name", '--app-id', $app);
}


sub deployments {
    my ($name) = @_;

    return ("apps:deployments:$name", '--app-id', $app);
}


sub builds {
    my ($name) = @_;

    return ("apps:builds:$name", '--app-id', $app);
}


sub device {
    return Test::LiveUpdate::Device->new(
        server => 'http://127.0.0.1:' . port(8080),
        app => $app,
        dir => "$t->{testdir}/device",
        channel => 'production',
        version_code => 10,
    );
}


# The number of the version that a device gets.

sub runs {
    my (%params) = @_;

    my $answer = $device->latest(%params) or return;

    for my $i (0 .. $#bundles) {
        return $i + 1 if $bundles[$i]{bundle} eq $answer->{bundleId};
    }

    return 'unknown';
}
