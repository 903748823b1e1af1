#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# /v1/apps/{app}/deployments: rollout, rollback, history.

use warnings;
use strict;

use Digest::SHA qw/ sha256 /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_decode json_encode sign zip /;

my $t = Test::LiveUpdate->new()->plan(85);

$t->config_reference();
$t->run();

my $app = $t->create_app('deployments');
my $path = "/v1/apps/$app/deployments";
my $uuid = qr/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
my $time = qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
my $channel = $t->create_channel($app, 'production');
my $beta = $t->create_channel($app, 'beta');
my $zip = zip('index.html' => 'x');

my @bundles = map { $t->publish($app, 'production', $zip) } 1 .. 3;
my @ids = map { $_->{bundle} } @bundles;

# the list, newest first

my $list = deployments("appChannelId=$channel");

is_deeply([map { $_->{appBuildId} } @$list], [reverse @ids], 'newest first');
is_deeply([map { $_->{id} } @$list],
          [map { $_->{deployment} } reverse @bundles], 'with their ids');

my %first = %{$list->[0]};

like(delete $first{createdAt}, $time, 'createdAt');
like(delete $first{updatedAt}, $time, 'updatedAt');
is_deeply(\%first, {
    id => $bundles[2]{deployment},
    appId => $app,
    appBuildId => $ids[2],
    appChannelId => $channel,
    appDestinationId => undef,
    jobId => undef,
    rolloutPercentage => 1,
}, 'and all that a deployment has');

is_deeply(deployments("appChannelId=$beta"), [], 'of another channel');
is_deeply(deployments('appChannelId=nope'), [], 'of no channel');
is(scalar @{deployments('')}, 3, 'of all channels');
is(scalar @{deployments("appBuildId=$ids[1]")}, 1, 'of a build');
is(deployments("appChannelId=$channel&limit=1&offset=1")->[0]{appBuildId},
   $ids[1], 'a page');

$list = deployments("appChannelId=$channel&limit=5&relations=appBuild,job");

is($list->[0]{appBuild}{numberAsString}, '3', 'relations=appBuild');
is($list->[2]{appBuild}{numberAsString}, '1', 'of each');

is_deeply($t->api('GET', "$path/$first{id}")->{json}{appBuildId}, $ids[2],
          'get');
$t->refused(sub { $t->api('GET', "$path/nope") },
            '404 Deployment not found.', 'get of an unknown one');

# rollback: a new deployment of an old build

my $reply = deploy({ appId => $app, appBuildId => $ids[0],
                     appChannelName => 'production' });

is($reply->{status}, 201, 'rollback');
like($reply->{json}{id}, $uuid, 'is a deployment');
is($reply->{json}{rolloutPercentage}, 1, 'for everyone');
is(told(), $ids[0], 'devices get the old build');
is_deeply([map { $_->{appBuildId} } @{deployments("appChannelId=$channel")}],
          [@ids[0, 2, 1, 0]], 'which is the newest deployment');
is($t->api('GET', "/v1/apps/$app/channels/$channel")->{json}
   {appDeploymentId}, $reply->{json}{id}, 'and that of the channel');

is(deploy({ appBuildId => $ids[1], appChannelId => $beta,
            rolloutPercentage => 1 })->{status}, 201,
   'to another channel, by id');
is(told(channelName => 'beta'), $ids[1], 'devices there get it');

# what is refused

my $pending = $t->api('POST', "/v1/apps/$app/bundles",
                      { artifactType => 'zip' })->{json}{id};
my $failed = $t->api('POST', "/v1/apps/$app/bundles",
                     { artifactType => 'zip' })->{json}{id};
$t->upload($app, $failed, 'no zip');
$t->api('PATCH', "/v1/apps/$app/bundles/$failed",
        { artifactStatus => 'ready' });

my $elsewhere = $t->create_app('elsewhere');
my $theirs = $t->publish($elsewhere, undef, $zip)->{bundle};

for my $case (
    [{}, qr/^422 A deployment needs an "appBuildId"/],
    [{ appBuildId => 1, appChannelName => 'beta' }, qr/^422 .*appBuildId/],
    [{ appBuildId => $ids[0] }, qr/^422 .*appChannelName/],
    [{ appBuildId => $ids[0], appChannelName => 'nope' },
     qr/^404 Channel not found/],
    [{ appBuildId => $ids[0], appChannelId => 'nope' },
     qr/^404 Channel not found/],
    [{ appBuildId => 'nope', appChannelName => 'beta' },
     qr/^404 Build not found/],
    [{ appBuildId => '../x', appChannelName => 'beta' },
     qr/^404 Build not found/],
    [{ appBuildId => $pending, appChannelName => 'beta' },
     qr/^404 Build not found, or not ready/],
    [{ appBuildId => $failed, appChannelName => 'beta' },
     qr/^404 Build not found, or not ready/],
    [{ appBuildId => $theirs, appChannelName => 'beta' },
     qr/^404 Build not found/],
    [{ appBuildId => $ids[0], appDestinationName => 'App Store' },
     qr/^422 .*channels only/],
    (map { [{ appBuildId => $ids[0], appChannelName => 'beta',
              rolloutPercentage => $_ }, qr/^422 .*from 0 to 1/] }
     -1, 1.5, '0.5', [], 1e300),
) {
    my ($body, $expected) = @$case;

    $t->refused(sub { deploy($body) }, $expected,
                'refused: ' . substr json_encode($body), 0, 60);
}

is(told(channelName => 'beta'), $ids[1], 'devices get what they got');

# rollout

my @devices = map { sprintf 'device-%04d', $_ } 1 .. 200;

deploy({ appBuildId => $ids[1], appChannelName => 'production' });
$reply = deploy({ appBuildId => $ids[2], appChannelName => 'production',
                  rolloutPercentage => 0 });

my $deployment = $reply->{json}{id};

is(told(), $ids[1], 'a rollout of nothing');

my %had;

for my $part (0.1, 0.25, 0.5, 0.9) {
    is(rollout($deployment, $part)->{json}{rolloutPercentage}, $part,
       "rolloutPercentage $part");

    my %has = map { $_ => 1 }
        grep { told(deviceId => $_) eq $ids[2] } @devices;

    is_deeply([grep { !$has{$_} } keys %had], [],
              'nobody loses what he had');
    is_deeply([sort keys %has],
              [grep { bucket($deployment, $_) < $part } @devices],
              'who gets it is not by chance');
    cmp_ok(abs(keys(%has) / @devices - $part), '<', 0.12,
           'and about as many');

    %had = %has;
}

is(scalar(grep { told(deviceId => $_) eq $ids[1] } @devices) + keys %had,
   scalar @devices, 'the others get the one before it');

my @again = grep { told(deviceId => $_) eq $ids[2] } @devices;

is_deeply(\@again, [sort keys %had], 'each time the same');
is(told(deviceId => ''), $ids[1], 'who has no id is in no part of a rollout');

# another deployment of the same build has other devices

$reply = deploy({ appBuildId => $ids[2], appChannelName => 'beta',
                  rolloutPercentage => 0.5 });

my %beta = map { $_ => 1 }
    grep { told(channelName => 'beta', deviceId => $_) eq $ids[2] } @devices;

cmp_ok(scalar(grep { $had{$_} } keys %beta), '<', 0.99 * keys %beta,
       'rollouts are independent');

is(rollout($deployment, 1)->{status}, 200, 'for everyone');
is(told(deviceId => ''), $ids[2], 'is for everyone');
is(rollout($deployment, 0)->{status}, 200, 'for nobody');
is(told(deviceId => $devices[0]), $ids[1], 'is the bundle before');

# a chain of partial rollouts

my ($half) = grep { bucket($deployment, $_) < 0.5 } @devices;

rollout($deployment, 0.5);

my $newest = deploy({ appBuildId => $ids[0], appChannelName => 'production',
                      rolloutPercentage => 0.5 })->{json}{id};

my ($in_both) = grep { bucket($deployment, $_) < 0.5
                       && bucket($newest, $_) < 0.5 } @devices;
my ($in_old) = grep { bucket($deployment, $_) < 0.5
                      && bucket($newest, $_) >= 0.5 } @devices;
my ($in_none) = grep { bucket($deployment, $_) >= 0.5
                       && bucket($newest, $_) >= 0.5 } @devices;

is_deeply([map { told(deviceId => $_) } $in_both, $in_old, $in_none],
          [@ids[0, 2, 1]], 'each gets the newest that he is in');

for my $body ({}, { rolloutPercentage => '1' }, { rolloutPercentage => -0.1 },
              { rolloutPercentage => 1.01 }, { rolloutPercentage => undef },
              { rolloutPercentage => [] })
{
    $t->refused(sub { $t->api('PATCH', "$path/$newest", $body) },
                qr/^422 "rolloutPercentage" must be a number from 0 to 1/,
                'no rollout: ' . json_encode($body));
}

$t->refused(sub { rollout('nope', 1) }, '404 Deployment not found.',
            'rollout of an unknown one');

# the build before the one that is on is deleted

$t->api('DELETE', "/v1/apps/$app/bundles/$ids[2]");

is_deeply([map { told(deviceId => $_) } $in_both, $in_old, $in_none],
          [@ids[0, 1, 1]], 'a deleted one is passed over');

# protected

my $key = $t->testdir() . '/key.pem';
system("openssl genrsa -out '$key' 2048 2>/dev/null") == 0 or die;

my $signed = $t->publish($app, 'production', $zip, key => $key)->{bundle};

$t->create_channel($app, 'safe', fields => { protected => \1 });

$t->refused(sub { deploy({ appBuildId => $ids[0],
                           appChannelName => 'safe' }, 'admin') },
            qr/^4\d\d the channel is protected/, 'unsigned to protected');
$t->refused(sub { deploy({ appBuildId => $signed,
                           appChannelName => 'safe' }) },
            '403 The channel is protected: this needs a token with the role '
            . '"approve".', 'signed to protected, by who may not approve');
is(told(channelName => 'safe'), '404', 'devices do not get it');

my $safe = deploy({ appBuildId => $signed, appChannelName => 'safe' },
                  'admin');

is($safe->{status}, 201, 'signed to protected');
is(told(channelName => 'safe'), $signed, 'devices get it');
$t->refused(sub { rollout($safe->{json}{id}, 0.5) },
            '403 The channel is protected: this needs a token with the role '
            . '"approve".', 'nor its rollout');

# protected afterwards: what is not signed is not told any more

$t->api('PATCH', "/v1/apps/$app/channels/$beta", { protected => \1 });
is(told(channelName => 'beta'), '404', 'unsigned in a protected channel');
deploy({ appBuildId => $signed, appChannelName => 'beta' }, 'admin');
is(told(channelName => 'beta'), $signed, 'signed in a protected channel');

# a long history

deploy({ appBuildId => $ids[$_ % 2], appChannelName => 'production' })
    for 1 .. 40;
is(told(), $ids[0], 'after many deployments');
cmp_ok(scalar @{deployments("appChannelId=$channel&limit=1000")}, '>=', 10,
       'there is a history');

# the audit log

my ($line) = grep { $_->{subject} eq $newest }
    map { json_decode($_) }
    split /\n/, $t->read_file("store/apps/$app/audit.log");

is_deeply([@$line{qw/ change by to /}],
          ['deployment.create', 'publish', $ids[0]], 'the audit log');

# at once

my @sockets = map {
    my $body = json_encode({ appBuildId => $ids[$_ % 2],
                             appChannelName => 'production' });

    http_start("POST $path HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
               . 'Authorization: Bearer ' . $t->token('publish') . "\r\n"
               . 'Content-Length: ' . length($body) . "\r\n\r\n$body")
} 1 .. 16;

my @ids_at_once = map { json(http_end($_))->{id} } @sockets;
my %seen = map { $_->{id} => 1 }
    @{deployments("appChannelId=$channel&limit=1000")};

is(scalar(grep { $seen{$_} } @ids_at_once), 16, 'sixteen at once');

###############################################################################

sub deployments {
    my ($query) = @_;

    return $t->api('GET', "$path?$query", undef, token => 'read')->{json};
}


sub deploy {
    my ($body, $token) = @_;

    return $t->api('POST', $path, $body, token => $token // 'publish');
}


sub rollout {
    my ($id, $part) = @_;

    return $t->api('PATCH', "$path/$id", {
        appId => $app, appDeploymentId => $id, rolloutPercentage => $part,
    }, token => 'publish');
}


sub told {
    my (%params) = @_;

    my $reply = $t->latest($app, channelName => 'production', %params);

    return $reply->{status} == 200 ? $reply->{json}{bundleId}
                                   : $reply->{status};
}


# A device's place in a rollout, from 0 to 1.

sub bucket {
    my ($deployment, $device) = @_;

    return unpack('N', sha256("$deployment:$device")) / 2 ** 32;
}
