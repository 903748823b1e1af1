#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Which channel and which versions: what the real CLI says of them, and what
# devices of each platform then get.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT zip /;
use Test::LiveUpdate::CLI;
use Test::LiveUpdate::Device;

my $t = Test::LiveUpdate->new();
my $cli = Test::LiveUpdate::CLI->new($t);

$t->config_reference();
$t->run()->plan(46);

my $app = $t->create_app('Shop');
my %device = map { $_ => device($_) } qw/ android ios electron /;
my ($reply, $id);

$t->create_channel($app, $_) for qw/ limited plus+channel /;
$t->create_channel($app, 'with a space');
$t->create_channel($app, 'production-84');

my $default = $t->publish($app, 'default', zip('index.html' => 'default'));


# the example of the vendor's documentation: from 10 to 12, but not 11

$cli->write_www('www', { 'index.html' => 'limited' });

$reply = upload('limited', '--android-min', 10, '--android-max', 12,
    '--android-eq', 11, '--ios-min', '1.2.0', '--ios-max', '1.10',
    '--ios-eq', '1.9.0');
is($reply->{status}, 0, 'uploaded, for some versions');

$id = $reply->{json}{appBuildArtifactId};

gets('android', 'limited', $id, 10, 12, '0012', '10.0', '12.0.0');
gets('android', 'limited', undef, 9, 11, 13, '11.0', 100, -10, '1e1', '10a',
     'x', '', '10.', '12.0.1');

gets('ios', 'limited', $id, '1.2', '1.2.0', '1.2.0.0', '1.2.1', '1.10',
     '1.10.0', '1.9.1', '1.3', '01.02');
gets('ios', 'limited', undef, '1.1', '1.1.99', '1', '1.9', '1.9.0', '1.10.1',
     '1.11', '2', '10', '1.x', '', '1..5', 'v1.3');

# what is not limited

gets('electron', 'limited', $id, 9, 11, '1.9', 'anything');

is($device{android}->latest(channelName => 'limited', appVersionCode => 11),
    undef, 'not for this version');
is($device{android}{reply}{status}, 404, 'not for this version: no update');
is($device{android}{reply}{json}{message}, 'No update available.',
    'not for this version: with the message of no update');

# who the newest one is not for gets the newest of the others

my $newer = $t->publish($app, 'limited', zip('index.html' => 'newer'),
    bundle => { minAndroidAppVersionCode => '50' })->{bundle};

gets('android', 'limited', $newer, 50, 84);
gets('android', 'limited', $id, 10);
gets('android', 'limited', undef, 11, 49);

# versions that are larger than any number of a machine

$reply = upload('limited', '--android-min', '99999999999999999998');
gets('android', 'limited', $reply->{json}{appBuildArtifactId},
     '99999999999999999998', '99999999999999999999');
gets('android', 'limited', $newer, '9999999999999999998', 84);

# names that are not written in the same way by all

for my $name ('plus+channel', 'with a space') {
    $reply = upload($name);
    is($reply->{status}, 0, "uploaded to \"$name\"");

    for my $platform (qw/ android ios electron /) {
        my $answer = $device{$platform}->latest(channelName => $name);

        is($answer->{bundleId}, $reply->{json}{appBuildArtifactId},
            "$platform: gets \"$name\"");
        is($answer->{channelName}, $name, "$platform: is told \"$name\"");
    }
}

# a channel for a version, as the vendor advises: just a name

$reply = upload('production-84');
gets('android', 'production-84', $reply->{json}{appBuildArtifactId}, 84);
gets('android', 'production-85', undef, 85);

# the default channel

gets($_, undef, $default->{bundle}, 1) for qw/ android ios electron /;
gets('ios', '', $default->{bundle}, 1);

is($device{ios}->latest(channelName => undef)->{channelName}, 'default',
    'default: its name is told');

gets('android', 'nope', undef, 1);

my $limited = $t->api('GET', "/v1/apps/$app/channels?name=plus%2Bchannel")
    ->{json}[0]{id};

$t->api('PATCH', "/v1/apps/$app", { appChannelId => $limited });
is($device{android}->latest()->{channelName}, 'plus+channel',
    'default: may be another one');

$t->api('PATCH', "/v1/apps/$app", { appChannelId => undef });
gets('android', undef, undef, 1);

# channels are listed for those who may know

is(eval { $device{ios}->channels() } // $@, 'Unauthorized. Channel Discovery'
    . " may not be enabled for this app.\n", 'discovery: off');

$t->api('PATCH', "/v1/apps/$app", { appChannelDiscoveryEnabled => \1 });

is_deeply([sort map { $_->{name} } @{$device{ios}->channels()}],
    ['default', 'limited', 'plus+channel', 'production-84', 'with a space'],
    'discovery: on');

for my $platform (qw/ android ios electron /) {
    for my $name ('plus+channel', 'with a space') {
        my $channels = $device{$platform}->channels(limit => 5, offset => 0,
            query => substr($name, 2, 5));

        is_deeply([map { $_->{name} } @$channels], [$name],
            "$platform: finds \"$name\" by a part of it");
    }
}


sub upload {
    my ($channel, @more) = @_;

    return $cli->run('apps:liveupdates:upload', '--app-id', $app, '--yes',
                     '--json', '--channel', $channel, '--path', 'www', @more);
}


sub device {
    my ($platform) = @_;

    return Test::LiveUpdate::Device->new(
        server => 'http://127.0.0.1:' . port(8080),
        app => $app,
        dir => "$t->{testdir}/devices/$platform",
        platform => $platform,
    );
}


# Apps of all these versions must get the bundle, or none must get any.

sub gets {
    my ($platform, $channel, $bundle, @versions) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my @wrong;

    for my $version (@versions) {
        my $answer = $device{$platform}->latest(channelName => $channel,
            appVersionCode => $version);

        push @wrong, $version
            if (($answer || {})->{bundleId} // '') ne ($bundle // '');
    }

    is_deeply(\@wrong, [], "$platform, " . ($channel // 'no channel') . ', '
        . (defined $bundle ? 'gets it: ' : 'no update: ')
        . join ' ', map { "\"$_\"" } @versions);
}
