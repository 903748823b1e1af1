#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# The list of devices is read from the zone in portions, between which devices
# check for updates: each device is listed once, the one seen last first.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_decode json_encode zip /;

use constant DEVICES => 300;

my $t = Test::LiveUpdate->new()->plan(18);

$t->config_reference();
$t->run();

my $app = $t->create_app('Shop');
my $other = $t->create_app('Other');
my $channel = $t->create_channel($app, 'production');

$t->publish($app, 'production', zip('index.html' => 'one'));

is_deeply([ devices() ], [], 'no devices');

for my $n (1 .. DEVICES) {
    check($app, "device $n");
    check($other, "device $n") if $n % 3;
    check($other, "other $n");
}

my @all = map { "device $_" } reverse 1 .. DEVICES;

is_deeply([ devices('limit=1000') ], \@all, 'all of them, in order');
is_deeply([ devices('limit=32') ], [ @all[0 .. 31] ], 'one portion');
is_deeply([ devices('limit=33') ], [ @all[0 .. 32] ], 'and one more');
is_deeply([ devices('limit=7&offset=200') ], [ @all[200 .. 206] ], 'a page');
is_deeply([ devices('limit=7&offset=298') ], [ @all[298, 299] ],
          'the last page');
is_deeply([ devices('offset=300') ], [], 'nothing behind it');
is_deeply([ devices('limit=0') ], [], 'nothing of it');
is_deeply([ devices('id=device%20123') ], [ 'device 123' ], 'by its id');
is_deeply([ devices('query=ice%2030&limit=3') ],
          [ 'device 300', 'device 30' ], 'by a part of it');

check($app, 'device 7');
is_deeply([ devices('limit=2') ], [ 'device 7', 'device 300' ], 'seen again');

is($t->api('DELETE', "/v1/apps/$app/devices/device%207")->{status}, 204,
   'deleted');
is_deeply([ devices('limit=1000') ],
          [ grep { $_ ne 'device 7' } @all ], 'and forgotten');

# forced in a store of an earlier version, which kept ids as they were written

my $upper = 'ABCDEF01-2345-4678-89AB-CDEF01234567';

check($app, $upper);
is(forced(lc $upper), undef, 'a device that is not forced');

my $json = json_decode($t->read_file("store/apps/$app/app.json"));

$json->{forcedDevices} = { $upper => $channel };
$t->replace_file("store/apps/$app/app.json", json_encode($json));

is(forced(lc $upper), $channel, 'a device that is');
is((grep { $_->{id} eq lc $upper } @{$t->api('GET',
    "/v1/apps/$app/devices?limit=5")->{json}})[0]{forcedAppChannelId},
   $channel, 'in the list, too');
is($t->api('PATCH', "/v1/apps/$app/devices/" . lc $upper,
           { forcedAppChannelId => undef })->{status}, 200, 'not any more');
$t->api('DELETE', "/v1/apps/$app/devices/$upper");

# while all of them check again, in the order of the list

my $pid = fork() // die "fork: $!\n";

if ($pid == 0) {
    for my $round (1 .. 5) {
        check($app, $_) for grep { $_ ne 'device 7' } @all;
    }

    require POSIX;
    POSIX::_exit(0);
}

my $wrong = '';

until (waitpid $pid, 1) {
    my %seen;
    my @listed = devices('limit=1000');

    $seen{$_}++ for @listed;

    $wrong .= "$_ is listed $seen{$_} times\n"
        for grep { $seen{$_} > 1 || !/^device \d+$/ } keys %seen;
}

is($wrong, '', 'each one once, whatever happens meanwhile');


sub check {
    my ($to, $device) = @_;

    $t->latest($to, channelName => 'production', deviceId => $device);
}


sub forced {
    return $t->api('GET', "/v1/apps/$app/devices/$_[0]")
        ->{json}{forcedAppChannelId};
}


sub devices {
    my ($query) = @_;

    return map { $_->{id} }
        @{$t->api('GET', "/v1/apps/$app/devices?" . ($query // ''))->{json}};
}
