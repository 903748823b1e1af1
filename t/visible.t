#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# After the answer to a change, the very next request to any worker sees it.

use warnings;
use strict;

use Test::More;
use Time::HiRes qw/ time /;

use Test::LiveUpdate qw/ :DEFAULT zip /;
use Test::LiveUpdate::HTTP qw/ connect_to request /;

my $workers = 4;
my $t = Test::LiveUpdate->new()->plan(43);

# what other machines write would be seen within a minute

$t->config_reference(sub {
    s/^worker_processes .*/worker_processes  4;/m;
    s/^(\s*listen\s+127[^;]*);/$1  reuseport;\n\n/m;
    s/^(\s*include  liveupdate\.conf;)/add_header X-Worker \$pid always;\n$1/m
        if $_[0] eq 'nginx.conf';
    s/liveupdate_valid .*/liveupdate_valid  60s;/;
});
$t->run();

my $app = $t->create_app('visible');
my $channel = $t->create_channel($app, 'production');
my $beta = $t->create_channel($app, 'beta');
my $v1 = "/v1/apps/$app";
my $zip = zip('index.html' => 'x');

# a connection to each worker

$t->steady();

my %sockets;

for (1 .. 500) {
    my $s = connect_to('127.0.0.1:' . port(8080));
    my $reply = device($s, '/v1/apps/x/bundles/latest?platform=0');

    $sockets{$reply->{headers}{'x-worker'}} //= $s;
    last if keys %sockets == $workers;
}

is(scalar keys %sockets, $workers, 'a connection to each worker')
    or BAIL_OUT('not all workers answer');

is(told(), 'none none none none', 'nothing yet');

# publishing, over and over, each worker in turn being the one that does it

my @bundles;

for my $round (1 .. 12) {
    my $bundle = $round % 3 ? $t->publish($app, 'production', $zip)
                            : $t->publish($app, 'production',
                                          { 'index.html' => "x$round" });

    push @bundles, $bundle->{bundle};
    is(told(), all($bundle->{bundle}), "bundle $round, everywhere");
}

# files that were asked for before they were there

my $next = $t->api('POST', "$v1/bundles",
                   { artifactType => 'zip', channelName => 'production' })
    ->{json}{id};
my $url = "/artifacts/$app/$next/bundle.zip";

is(statuses($url), all(404), 'no file yet');
$t->upload($app, $next, $zip);
is(statuses($url), all(404), 'nor when it is uploaded');
is(told(), all($bundles[-1]), 'nor is it told');
$t->api('PATCH', "$v1/bundles/$next", { artifactStatus => 'ready' });
is(statuses($url), all(200), 'but when it is ready');
is(told(), all($next), 'and told');

# all the other changes

change('DELETE', "bundles/$next", undef, $bundles[-1], 'delete');
change('POST', 'deployments', { appBuildId => $bundles[0],
                                appChannelName => 'production' },
       $bundles[0], 'rollback');

my $deployment = $t->api('GET', "$v1/channels/$channel")->{json}
    {appDeploymentId};

change('PATCH', "deployments/$deployment", { rolloutPercentage => 0 },
       $bundles[-1], 'rollout of nothing');
change('PATCH', "deployments/$deployment", { rolloutPercentage => 1 },
       $bundles[0], 'rollout to all');
change('POST', "channels/$channel/pause", {}, 'none', 'pause');
change('POST', "channels/$channel/resume", {}, $bundles[0], 'resume');
change('PATCH', "channels/$channel", { name => 'other' }, 'none', 'rename');
change('PATCH', "channels/$channel", { name => 'production' }, $bundles[0],
       'and back');
change('PATCH', "channels/$channel", { protected => \1 }, 'none', 'protect');
change('PATCH', "channels/$channel", { protected => \0 }, $bundles[0],
       'and not');
change('PATCH', "channels/$channel", { expiresAt => '2001-01-01T00:00:00Z' },
       'none', 'expire');
change('PATCH', "channels/$channel", { expiresAt => undef }, $bundles[0],
       'and not');
change('PATCH', "builds/$bundles[0]", { minAndroidAppVersionCode => '9' },
       $bundles[-1], 'limits: the one before');
change('PATCH', "builds/$bundles[0]", { minAndroidAppVersionCode => undef },
       $bundles[0], 'no limits');
change('PATCH', 'devices?ids=d', { forcedAppChannelId => $beta }, 'none',
       'a forced channel');
change('PATCH', 'devices?ids=d', { forcedAppChannelId => undef },
       $bundles[0], 'not any more');

my $registered = $t->api('POST', "$v1/bundles", {
    artifactType => 'zip', channelName => 'production',
    url => 'https://example.com/x.zip'
})->{json}{id};

is(told(), all($registered), 'register');

is(statuses("$v1/channels"), all(401), 'no discovery');
$t->api('PATCH', $v1, { appChannelDiscoveryEnabled => \1 });
is(statuses("$v1/channels"), all(200), 'discovery');

$t->api('DELETE', "$v1/channels/$channel");
is(told(), all('none'), 'the channel is deleted');
$t->api('DELETE', $v1);
is(statuses("$v1/channels"), all(401), 'the app is deleted');

# an app that was asked for before it was there

is(statuses('/v1/apps/later/channels'), all(401), 'no app yet');
$t->api('POST', '/v1/apps', { id => 'later', name => 'later',
                              appChannelDiscoveryEnabled => \1 });
is(statuses('/v1/apps/later/channels'), all(200), 'an app');

# many apps share generations: a change of one is seen whatever others do

my @apps = map { $t->create_app("app $_") } 1 .. 20;
my $wrong = 0;

for my $id (@apps) {
    my $path = "/v1/apps/$id/bundles/latest?platform=0&deviceId=d";

    statuses($path);

    my $bundle = $t->publish($id, undef, $zip)->{bundle};

    $wrong++ if statuses($path) ne all(200);
}

is($wrong, 0, 'twenty apps');

###############################################################################

sub device {
    my ($s, $path) = @_;

    return request('GET', '127.0.0.1:' . port(8080), $path, socket => $s,
                   headers => [Connection => 'keep-alive']);
}


# What all workers say, the requests being sent before any reply is read.

sub replies {
    my ($path) = @_;

    my @pids = sort { $a <=> $b } keys %sockets;

    print {$sockets{$_}} "GET $path HTTP/1.1\r\nHost: a\r\n"
                         . "Connection: keep-alive\r\n\r\n" for @pids;

    return map {
        my $reply = read_reply($sockets{$_});

        die "another worker\n" if $reply->{headers}{'x-worker'} != $_;
        $reply;
    } @pids;
}


sub read_reply {
    my ($s) = @_;

    my $raw = '';

    while ($raw !~ /\r\n\r\n/) {
        sysread($s, $raw, 65536, length $raw) or die "no reply\n";
    }

    my ($length) = $raw =~ /^Content-Length: (\d+)/mi;
    my $end = index($raw, "\r\n\r\n") + 4 + $length;

    while (length $raw < $end) {
        sysread($s, $raw, 65536, length $raw) or die "no reply\n";
    }

    return Test::LiveUpdate::parse_reply($raw);
}


sub told {
    return join ' ', map { $_->{json}{bundleId} // 'none' }
        replies("$v1/bundles/latest?platform=0&deviceId=d&appVersionCode=1"
                . '&channelName=production');
}


sub statuses {
    my ($path) = @_;

    return join ' ', map { $_->{status} } replies($path);
}


sub all {
    my ($value) = @_;

    return join ' ', ($value) x $workers;
}


sub change {
    my ($method, $path, $body, $expected, $name) = @_;

    my $reply = $t->api($method, "$v1/$path", $body);

    die $reply->{raw} if $reply->{status} >= 300;

    is(told(), all($expected), $name);
}
