#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# /v1/apps/{app}/devices: who has asked, and forced channels.

use warnings;
use strict;
use utf8;

use Test::More;

use Test::LiveUpdate qw/
    :DEFAULT json_decode json_encode uri_encode zip
/;
use Test::LiveUpdate::HTTP qw/ connect_to /;

my $t = Test::LiveUpdate->new()->plan(141);

# a zone that is soon full

$t->config_reference(sub {
    s/liveupdate_zone .*/liveupdate_zone  liveupdate:128k;/;
});
$t->run();

my $app = $t->create_app('devices');
my $path = "/v1/apps/$app/devices";
my $zip = zip('index.html' => 'x');
my $time = qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

my $production = $t->create_channel($app, 'production');
my $beta = $t->create_channel($app, 'beta');
my $bundle = $t->publish($app, 'production', $zip);
my $other = $t->publish($app, 'beta', $zip);

# a device is who has asked

is($t->said(get('d1')), '404 Device not found: it has not checked for '
                        . 'updates lately.', 'nobody has asked');

ask('d1', channelName => 'production', appVersionCode => '84',
    appVersionName => '1.0.13', customId => 'ünï', osVersion => '34',
    platform => 0);

my $device = get('d1')->{json};

like(delete $device->{$_}, $time, $_)
    for qw/ createdAt updatedAt lastSeenAt /;
is_deeply($device, {
    id => 'd1',
    appId => $app,
    appChannelId => $production,
    appDeploymentId => $bundle->{deployment},
    appVersionCode => '84',
    appVersionName => '1.0.13',
    country => undef,
    customId => 'ünï',
    forcedAppChannelId => undef,
    osVersion => '34',
    platform => 0,
    pluginVersion => '8.4.1',
    appChannel => { id => $production, name => 'production' },
}, 'who asked');
is(json_encode(get('d1')->{json}{platform}), '0', 'platform is a number');

ask('d1', channelName => 'beta', appVersionCode => '85', platform => 1);

$device = get('d1')->{json};

is_deeply([@$device{qw/ appVersionCode platform appChannelId customId /}],
          ['85', 1, $beta, undef], 'what he said last');

ask('d2', channelName => 'nope');
is_deeply([@{get('d2')->{json}}{qw/ appChannelId appDeploymentId
          appChannel /}], [undef, undef, undef], 'without a channel');

ask('', channelName => 'production');
is(ids(''), 'd1 d2', 'who has no id is nobody');

my $elsewhere = $t->create_app('elsewhere');
$t->latest($elsewhere, deviceId => 'd1', appVersionCode => 7);
is(get('d1')->{json}{appVersionCode}, '85', 'the same id of another app');
is(join(' ', map { $_->{id} }
        @{$t->api('GET', "/v1/apps/$elsewhere/devices")->{json}}), 'd1',
   'is another device');

# a probe is not the device

my $seen = get('d1')->{json};

$t->latest($app, deviceId => 'd1', appVersionCode => '99', _token => 'read');
$t->latest($app, deviceId => 'd9', _token => 'read');
$t->latest($app, deviceId => 'd9', _token => 'ca_wrong');
is_deeply(get('d1')->{json}, $seen, 'a probe changes nothing');
is(get('d9')->{status}, 404, 'and makes no device');

# the list

ask("list-$_", customId => "custom-$_", channelName => 'production')
    for 1 .. 5;

is(ids('limit=2'), join(' ', map { "list-$_" } 4, 5), 'limit');
is(ids('limit=2&offset=1'), 'list-3 list-4', 'offset');
is(ids('id=list-3'), 'list-3', 'by id');
is(ids('id=list'), '', 'the whole of it');
is(ids('query=list-'), join(' ', map { "list-$_" } 1 .. 5), 'a part of it');
is(ids('query=custom-2'), 'list-2', 'or of the custom id');
is(ids('query=nope'), '', 'of none');

# forced to a channel

is(force(['d1', 'list-1'], $beta)->{status}, 200, 'forced, two at once');
is(told('d1', channelName => 'production'), $other->{bundle},
   'gets the channel that he is forced to');
is(told('d1', channelName => 'nope'), $other->{bundle}, 'whatever he says');
is(told('list-1'), $other->{bundle}, 'the second one, too');
is(told('list-2', channelName => 'production'), $bundle->{bundle},
   'and nobody else');
is($t->latest($app, deviceId => 'd1', channelName => 'production')
   ->{json}{channelName}, 'beta', 'and is told so');
is(get('d1')->{json}{forcedAppChannelId}, $beta, 'and so are others');
is(ask('d1', channelName => 'production', _token => 'read')->{json}
   {bundleId}, $other->{bundle}, 'a probe sees it, too');

is(force(['d1'], $beta)->{status}, 200, 'forced, again');
is(force(['d1'], undef)->{status}, 200, 'not any more');
is(told('d1', channelName => 'production'), $bundle->{bundle},
   'gets his own channel');
is(told('list-1', channelName => 'production'), $other->{bundle},
   'but the other one does not');
is(force(['d1'], undef)->{status}, 200, 'not any more, again');

is(force(['unseen'], $beta)->{status}, 200, 'who has not asked yet');
is(told('unseen', channelName => 'production'), $other->{bundle},
   'gets it when he asks');

is($t->api('PATCH', "$path/d2", { forcedAppChannelId => $beta })->{status},
   200, 'forced by the path');
is(told('d2'), $other->{bundle}, 'gets it');

for my $case (
    ['', { forcedAppChannelId => $beta },
     qr/^422 The query parameter "ids" is missing: it must list device ids/],
    ['?ids=', { forcedAppChannelId => $beta },
     qr/^422 The query parameter "ids" is missing/],
    ['?ids=d1', {}, qr/^422 "forcedAppChannelId" must be/],
    ['?ids=d1', { forcedAppChannelId => 1 }, qr/^422 /],
    ['?ids=d1', { forcedAppChannelId => 'nope' },
     qr/^404 Channel not found/],
    ['?ids=d1,' . 'x' x 129, { forcedAppChannelId => $beta }, qr/^422 /],
    ['?ids=d1,%0a', { forcedAppChannelId => $beta }, qr/^422 /],
    ['?ids=%ff', { forcedAppChannelId => $beta }, qr/^422 /],
    ['/d1', {}, qr/^422 /],
    ['/' . 'x' x 129, { forcedAppChannelId => $beta }, qr/^404 /],
) {
    my ($rest, $body, $expected) = @$case;

    $t->refused(sub { $t->api('PATCH', "$path$rest", $body) }, $expected,
                'refused: ' . substr "$rest " . json_encode($body), 0, 50);
}

# a channel that goes takes its forced devices with it

my $short = $t->create_channel($app, 'short');
force(['d1'], $short);
is(told('d1', channelName => 'production'), undef,
   'forced to an empty channel');
$t->api('DELETE', "/v1/apps/$app/channels/$short");
is(told('d1', channelName => 'production'), $bundle->{bundle},
   'which goes, and forces nobody');
is(get('d1')->{json}{forcedAppChannelId}, undef, 'nor says so');

# ids of all kinds

for my $id ('a/b', 'a/b/c', 'a b', 'a+b', 'ünï', '100%', 'a:b;c=d', '"q"',
            "it's", '..', 'a..b', '[x]', 'A.B_C-D~', 'x' x 128, 'latest',
            '{"a":1}')
{
    my $encoded = uri_encode($id);
    my $name = substr $id, 0, 20;

    is(ask($id, channelName => 'production')->{status}, 200, "$name asks");

    # nginx takes ".." for the folder above, encoded or not
    if ($id ne '..') {
        is((get($encoded)->{json} || {})->{id}, $id, "$name, by his path");
    }

    is($t->api('PATCH', "$path?ids=$encoded",
               { forcedAppChannelId => $beta })->{status}, 200,
       "$name is forced");
    is(told($id, channelName => 'production'), $other->{bundle},
       "$name gets it");
}

# the CLI does not encode them

is($t->api('GET', "$path/a/b?relations=appChannel")->{json}{id}, 'a/b',
   'a slash in the path');
is($t->api('GET', "$path/a+b")->{json}{id}, 'a+b', 'a plus in the path');
is($t->api('PATCH', "$path?ids=a+b,a/b", { forcedAppChannelId => undef })
   ->{status}, 200, 'a plus and a slash in the query');
is(told('a+b', channelName => 'production'), $bundle->{bundle}, 'a+b');
is(told('a/b', channelName => 'production'), $bundle->{bundle}, 'a/b');

# long values: what is kept of them is still UTF-8

for my $n (60 .. 64) {
    ask('long', channelName => 'production',
        customId => 'x' x $n . 'ü✓ü✓', appVersionName => '✓' x 100,
        osVersion => 'ü' x 200);

    my $reply = get('long');

    ok($reply->{json} && $reply->{json}{customId} =~ /^x{$n}[ü✓]*$/,
       "a custom id of more than $n bytes") or diag($reply->{body});
}

# delete

is($t->api('DELETE', "$path/d2")->{status}, 204, 'delete');
is(get('d2')->{status}, 404, 'is gone');
is(told('d2', channelName => 'production'), $bundle->{bundle},
   'and not forced any more');
is($t->api('DELETE', "$path/never")->{status}, 204, 'who never was');

# unknown apps

for my $call (['GET', ''], ['GET', '/d1'],
              ['PATCH', '?ids=d1', { forcedAppChannelId => undef }],
              ['PATCH', '/d1', { forcedAppChannelId => undef }],
              ['DELETE', '/d1'])
{
    $t->refused(sub { $t->api($call->[0],
                              "/v1/apps/nope/devices$call->[1]",
                              $call->[2]) },
                '404 App not found.', "$call->[0] $call->[1], unknown app");
}

# more devices than the zone holds

my $s = connect_to('127.0.0.1:' . port(8080));
my $n = 3000;

for my $i (1 .. $n) {
    my $reply = $t->latest($app, deviceId => "crowd-$i", _socket => $s,
                           _headers => [Connection => 'keep-alive'],
                           channelName => 'production');

    die $reply->{raw} if $reply->{status} != 200;
}

close $s;

is(get("crowd-$n")->{status}, 200, 'the last one is known');
is(get('crowd-1')->{status}, 404, 'the first one is forgotten');

my $known = grep { get("crowd-$_")->{status} == 200 }
    map { $n - $_ * 10 } 0 .. 20;

is($known, 21, 'the last two hundred are known');
is($t->latest($app, deviceId => 'list-1', channelName => 'production')
   ->{json}{bundleId}, $other->{bundle},
   'who is forced is so whether known or not');

# who asks again is not forgotten before those who do not

my @ids = map { "crowd-$_" } $n - 50 .. $n;

for my $round (1 .. 4) {
    ask($ids[0], channelName => 'production');
    ask("again-$round-$_") for 1 .. 150;
}

is(get($ids[0])->{status}, 200, 'who asks often is remembered');

$t->log_unlike(qr/\[(?:error|crit|alert|emerg)\]/, 'nothing to complain of');

# the audit log has all that was said, however many there are

my @hundreds = map { sprintf '%04d-%s', $_, 'd' x 31 } 1 .. 150;

is(force(\@hundreds, $beta)->{status}, 200, '150 at once');
is($t->api('GET', "/releases/$app/audit?limit=1")->{json}[0]{subject},
   join(',', @hundreds), 'are all in the audit log');

# the zone survives a reload

$t->reload();
is(get($ids[0])->{status}, 200, 'known after a reload');

###############################################################################

sub ask {
    my ($id, %params) = @_;

    return $t->latest($app, deviceId => $id, %params);
}


sub told {
    my ($id, %params) = @_;

    return (ask($id, %params)->{json} || {})->{bundleId};
}


sub get {
    my ($id) = @_;

    return $t->api('GET', "$path/$id?relations=appChannel", undef,
                   token => 'read');
}


sub ids {
    my ($query) = @_;

    return join ' ', sort map { $_->{id} }
        @{$t->api('GET', "$path?$query", undef, token => 'read')->{json}};
}


sub force {
    my ($ids, $channel) = @_;

    return $t->api('PATCH', "$path?ids=" . join(',', @$ids),
                   { forcedAppChannelId => $channel }, token => 'publish');
}
