#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# A disk that is really full: publishers are told, devices notice nothing, and
# when there is space again it works again.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT machine zip /;
use Test::LiveUpdate::Device;
use Test::LiveUpdate::SmallDisk;
use Test::LiveUpdate::Store;

my $t = Test::LiveUpdate->new();
my $dir = $t->testdir();
my $disk = Test::LiveUpdate::SmallDisk->new($t, '1m');

$t->plan(25);

# the body of a request, too, takes space of that disk

$t->config_reference(sub {
    s{^( *)client_body_buffer_size .*\n}
     {$&$1client_body_temp_path  store/tmp/body;
$1liveupdate_reserve  0;\n}m
        if $_[0] eq 'liveupdate.conf';
});

$t->run();

my $store = Test::LiveUpdate::Store->new("$dir/store");
my $full = qr/^507 The disk of the server is full/;
my $app = $t->create_app('full');

$t->create_channel($app, 'production');

my $old = $t->publish($app, 'production', { 'index.html' => 'x' x 5000 });

ok($old->{ok}, 'something is published');

# at the beginning

$disk->fill();

my $reply = $t->publish($app, 'production', zip('index.html' => 'new'))
    ->{reply};

like($t->said($reply), $full, 'no space for a bundle');
like($t->said($t->api('POST', "/v1/apps/$app/channels", { name => 'beta' })),
     $full, 'for a channel');
like($t->said($t->api('POST', '/v1/apps', { name => 'another' })),
     $full, 'for an app');
is(told(), $old->{bundle}, 'devices are told of what is there');
ok(downloads(), 'and can download it');
is(join("\n", $store->check()), '', 'the store is whole');
is(scalar @{$store->app($app)->{channels}}, 2, 'nothing was changed');

# in the middle

$disk->empty();

my $bundle = bundle();

$disk->fill();

like($t->said($t->upload($app, $bundle, zip('index.html' => 'x' x 9000))),
     $full, 'no space for a file');

my $noise = join '', map { pack 'L', int rand 4294967296 } 1 .. 50_000;

like($t->said($t->upload($app, $bundle, zip('index.html' => 'x',
                                            noise => $noise))),
     $full, 'for one that is written while it is received');

$disk->empty();
$disk->fill(300_000);

like($t->said($t->upload($app, $bundle, zip('index.html' => 'x',
                                            noise => $noise x 3))),
     $full, 'for all of one');
is($t->upload($app, $bundle, zip('index.html' => 'x', noise => $noise))
       ->{status}, 201, 'one that fits is there once');

is(told(), $old->{bundle}, 'devices are told of what is there');
is(join("\n", $store->check()), '', 'the store is whole');

# at the end

$disk->empty();

is($t->upload($app, $bundle, zip('index.html' => 'new'))->{status}, 201,
   'there is space again');

$disk->fill();
like($t->said(ready($bundle)), $full, 'no space to be ready');
is(told(), $old->{bundle}, 'devices are told of what is there');
is(join("\n", $store->check()), '', 'the store is whole');

$disk->empty();
is(ready($bundle)->{status}, 200, 'the same call again');
is(told(), $bundle, 'devices are told of it');
ok(downloads(), 'and can download it');
is(scalar $store->deployments($app), 2, 'it was published once');
is(join("\n", $store->check()), '', 'the store is whole');
is(join("\n", $store->temporary()), '', 'nothing is left in tmp');
like($t->read_log(), qr/\[crit\].*No space left on device/, 'the log says it');

$t->stop();


sub bundle {
    return $t->api('POST', "/v1/apps/$app/bundles",
                   { artifactType => 'zip', channelName => 'production' })
        ->{json}{id};
}


sub ready {
    my ($id) = @_;

    return $t->api('PATCH', "/v1/apps/$app/bundles/$id",
                   { artifactStatus => 'ready' });
}


sub told {
    return $t->latest($app, channelName => 'production')->{json}{bundleId};
}


my $devices;

sub downloads {
    my $device = Test::LiveUpdate::Device->new(
        server => 'http://127.0.0.1:' . port(8080), app => $app,
        channel => 'production', dir => "$dir/device." . ++$devices,
    );

    my $stats = eval { $device->sync() };

    diag($@) unless $stats;

    return $stats && defined $stats->{next};
}
