#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# A rollout, steered with the real CLI, seen from a thousand devices
# (LIVEUPDATE_DEVICES says how many): the right share of them has it, keeps it,
# and the others have what was there before.

use warnings;
use strict;

use Digest::SHA qw/ sha256 sha256_hex /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT zip /;
use Test::LiveUpdate::CLI;
use Test::LiveUpdate::HTTP qw/ connect_to exchange json_decode /;

my $t = Test::LiveUpdate->new();
my $cli = Test::LiveUpdate::CLI->new($t);

$t->config_reference();
$t->run()->plan(37);

my $app = $t->create_app('Shop');
my $devices = $ENV{LIVEUPDATE_DEVICES} || 1000;
my @ids = map { sha256_hex("device $_") =~ s/^(.{8})(.{4})(.{4})(.{4})(.{12}).*
                                            /$1-$2-$3-$4-$5/xr } 1 .. $devices;
my (%bundle, %got, $reply);

$t->create_channel($app, $_) for qw/ production other lonely /;


# 10 % on top of something that all have

my $one = publish('production', 1);
my $two = publish('production', 0.1);

$got{10} = assigned('production');

share_is($got{10}, 2, 0.1, 'at 10 %: a tenth of the devices');
is(difference($got{10}, [2 => member($two, 0.1), 1 => 1]), 0,
    'at 10 %: just those of the bucket, the others have the one before');
is(difference($got{10}, assigned('production')), 0,
    'at 10 %: asked again, the same');
is(difference($got{10}, assigned('production', 'appVersionCode=99'
    . '&appVersionName=9&osVersion=18&platform=1&bundleId=' . $two->{bundle})),
    0, 'at 10 %: whatever else the devices say, the same');

$t->reload();
is(difference($got{10}, assigned('production')), 0,
    'at 10 %: after a reload, the same');

$t->stop()->run();
is(difference($got{10}, assigned('production')), 0,
    'at 10 %: after a restart, the same');

# more of them

for my $percent (25, 50) {
    $reply = $cli->run('apps:liveupdates:rollout', '--app-id', $app,
        '--channel', 'production', '--percentage', $percent);
    is($reply->{status}, 0, "to $percent %");

    $got{$percent} = assigned('production');

    share_is($got{$percent}, 2, $percent / 100,
        "at $percent %: that share of the devices");
    is(difference($got{$percent},
                  [2 => member($two, $percent / 100), 1 => 1]), 0,
        "at $percent %: just those of the bucket");
}

is(lost($got{10}, $got{25}), 0, 'from 10 % to 25 %: nobody loses it');
is(lost($got{25}, $got{50}), 0, 'from 25 % to 50 %: nobody loses it');

# another deployment takes other devices

my $three = publish('production', 0.5);

$got{three} = assigned('production');

share_is($got{three}, 3, 0.5, 'the next one: half of the devices');
share_is(among($got{three}, $got{50}, 2), 3, 0.5,
    'the next one: half of those that have the one before');
share_is(among($got{three}, $got{50}, 1), 3, 0.5,
    'the next one: half of those that have not');
is(difference($got{three}, [3 => member($three, 0.5),
                            2 => member($two, 0.5), 1 => 1]), 0,
    'the next one: the others have what they had');

# so does the same bundle, deployed elsewhere

publish('other', 1);
my $again = deploy('other', $two, 0.5);

$got{other} = assigned('other');

share_is($got{other}, 2, 0.5, 'elsewhere: half of the devices');
share_is(among($got{other}, $got{50}, 2), 2, 0.5,
    'elsewhere: half of those that have it here');
is(difference($got{other}, [2 => member($again, 0.5), 4 => 1]), 0,
    'elsewhere: just those of its own bucket');

# nobody, and less

$reply = $cli->run('apps:liveupdates:rollout', '--app-id', $app, '--channel',
    'production', '--percentage', 0);
is($reply->{status}, 0, 'to 0 %');
is(difference($got{50}, assigned('production')), 0,
    'at 0 %: all have what they had before it');

patch($two, 0.25);
is(difference($got{25}, assigned('production')), 0,
    'from 50 % to 25 %: it is the same quarter as before');

patch($two, 0);
share_is(assigned('production'), 1, 1, 'all at 0 %: down to the first one');

$reply = $cli->run('apps:liveupdates:rollout', '--app-id', $app, '--channel',
    'production', '--percentage', 100);
is($reply->{status}, 0, 'to 100 %');
share_is(assigned('production'), 3, 1, 'at 100 %: everybody');

# a device without an id has no place in a part

patch($three, 0.99);
patch($two, 1);
is_deeply([map { latest($_)->{bundleId} } qw/ deviceId= deviceId /, ''],
    [($two->{bundle}) x 3], 'without an id: what all have');

# nothing below

my $lonely = publish('lonely', 0.5);

$got{lonely} = assigned('lonely');
share_is($got{lonely}, 5, 0.5, 'nothing below: half of the devices');
is(difference($got{lonely}, [5 => member($lonely, 0.5), '' => 1]), 0,
    'nothing below: no update for the others');

# the bundle below is deleted

publish('lonely', 0.2);
share_is(assigned('lonely'), 6, 0.2, 'a fifth of the devices');

$t->api('DELETE', "/v1/apps/$app/bundles/$lonely->{bundle}",
        undef, token => 'publish');
$got{deleted} = assigned('lonely');

share_is($got{deleted}, 6, 0.2, 'deleted below: a fifth still');
share_is($got{deleted}, 5, 0, 'deleted below: it is gone');

# a part from the start

$cli->write_www('www', { 'index.html' => 'seven' });
$reply = $cli->run('apps:liveupdates:upload', '--app-id', $app, '--yes',
    '--channel', 'other', '--path', 'www', '--rollout-percentage', 30,
    '--json');
is($reply->{status}, 0, 'uploaded for 30 %');

$bundle{$reply->{json}{appBuildArtifactId}} = 7;
share_is(assigned('other'), 7, 0.3, 'uploaded for 30 %: so it is');

# a rollback is for all

$reply = $cli->run('apps:liveupdates:rollback', '--app-id', $app, '--channel',
    'other', '--steps', 2);
is($reply->{status}, 0, 'rolled back');
share_is(assigned('other'), 4, 1, 'rolled back: everybody');


sub publish {
    my ($channel, $rollout) = @_;

    my $number = 1 + keys %bundle;
    my $done = $t->publish($app, $channel, zip('index.html' => "v$number"),
                           bundle => { rolloutPercentage => $rollout });

    die "cannot publish: $done->{reply}{raw}\n" unless $done->{ok};

    $bundle{$done->{bundle}} = $number;

    return $done;
}


sub deploy {
    my ($channel, $bundle, $rollout) = @_;

    my $reply = $t->api('POST', "/v1/apps/$app/deployments", {
        appBuildId => $bundle->{build},
        appChannelName => $channel,
        rolloutPercentage => $rollout,
    }, token => 'publish');

    return { %$bundle, deployment => $reply->{json}{id} };
}


sub patch {
    my ($bundle, $rollout) = @_;

    $t->api('PATCH', "/v1/apps/$app/deployments/$bundle->{deployment}",
            { rolloutPercentage => $rollout }, token => 'publish');
}


sub latest {
    my ($device) = @_;

    return $t->api('GET', "/v1/apps/$app/bundles/latest?appVersionCode=1"
                   . "&channelName=production&platform=1&$device", undef,
                   token => undef)->{json};
}


# What each of the devices gets, { device => number of the version }, asked
# over one connection.

sub assigned {
    my ($channel, $more) = @_;

    my $query = "/v1/apps/$app/bundles/latest?channelName=$channel"
                . '&bundleId&customId&pluginVersion=8.4.1&'
                . ($more // 'appVersionCode=84&appVersionName=1.0&osVersion=34'
                            . '&platform=0');

    my $requests = join '', map {
        "GET $query&deviceId=$_ HTTP/1.1\r\nHost: localhost\r\n\r\n"
    } @ids[0 .. $#ids - 1];

    $requests .= "GET $query&deviceId=$ids[-1] HTTP/1.1\r\n"
                 . "Host: localhost\r\nConnection: close\r\n\r\n";

    my $in = exchange(connect_to('127.0.0.1:' . port(8080)), $requests);
    my %assigned;

    for my $id (@ids) {
        $in =~ m{\GHTTP/1\.1\ (\d+)\ .*?^Content-Length:\ (\d+)\r\n.*?\r\n\r\n
                }gcxms or die "no reply for device $id\n";

        my ($status, $length) = ($1, $2);
        my $body = substr($in, pos($in), $length);

        pos($in) += $length;

        $assigned{$id} = $status == 404 ? ''
                         : $bundle{json_decode($body)->{bundleId}};
    }

    return \%assigned;
}


# Whether a device is in that part of the deployment; the plan says how.

sub member {
    my ($bundle, $part) = @_;

    return sub {
        my ($id) = @_;

        my $bucket = unpack 'Q>', sha256("$bundle->{deployment}:$id");

        return $bucket / 2**64 < $part;
    };
}


# How many devices get something else: than in another assignment, or than the
# first version in a list that has the device, [number => function or 1, ...].

sub difference {
    my ($assigned, $expected) = @_;

    my $n = 0;

    for my $id (@ids) {
        my $wanted;

        if (ref $expected eq 'HASH') {
            $wanted = $expected->{$id};

        } else {
            my @list = @$expected;

            while (my ($number, $has) = splice @list, 0, 2) {
                $wanted //= $number if !ref $has || $has->($id);
            }
        }

        $n++ if $assigned->{$id} ne $wanted;
    }

    return $n;
}


sub lost {
    my ($before, $after) = @_;

    return scalar grep { $before->{$_} eq 2 && $after->{$_} ne 2 } @ids;
}


sub among {
    my ($assigned, $others, $number) = @_;

    return { map { $_ => $assigned->{$_} }
             grep { $others->{$_} eq $number } keys %$assigned };
}


# The share of devices with that version must not be further from what it is
# to be than five standard deviations.

sub share_is {
    my ($assigned, $number, $part, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my @all = keys %$assigned;
    my $share = grep({ $assigned->{$_} eq $number } @all) / @all;
    my $off = 5 * sqrt($part * (1 - $part) / @all);

    cmp_ok(abs($share - $part), '<=', $off, $name)
        or diag("$share is not $part +- $off");
}
