#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# The file system of the store dies, and its mount stays, or it fails each
# operation: whoever asks is told to come again, never that something has gone
# or that the server is broken; mounted again, all is as before, without a
# restart.

use warnings;
use strict;

use Errno qw/ EHOSTDOWN EIO ENOTCONN ESHUTDOWN ESTALE ETIMEDOUT /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT machine zip /;
use Test::LiveUpdate::Hang;
use Test::LiveUpdate::Release qw/ stage_dist /;
use Test::LiveUpdate::Store;

use constant F_OFD_SETLK => 37;

# a worker has the copies that the test has asked for

$ENV{TEST_NGINX_WORKERS} = 1;

my $t = Test::LiveUpdate->new();
my $dir = $t->testdir();

$t->skip_all('workers must keep their copies') if $ENV{TEST_NGINX_HUP};

my $hang = Test::LiveUpdate::Hang->new($t);

$t->plan(110);
$t->config_reference()->run();

my $app = $t->create_app('known');
my $cold = $t->create_app('cold');

$t->api('POST', '/v1/apps', { name => 'Shop', type => 'electron',
                              id => 'shop' });
is(stage_dist($t, 'shop', 'r1', {
    'latest.yml' => ['1.0.0', 'Shop Setup 1.0.0.exe'],
})->{json}{state}, 'live', 'a desktop release');

my $bundle = $t->publish($app, undef, { 'index.html' => 'x',
                                        'other.js' => 'o' x 9_000 })->{bundle};
my $other = $t->publish($cold, undef, { 'index.html' => 'c' })->{bundle};

my $setup = '/desktop/shop/Shop%20Setup%201.0.0.exe';
my $file = "/artifacts/$app/$bundle/index.html";

my %memory = map { $_ => 1 } "/v1/apps/$app/bundles/latest",
    '/desktop/shop/latest.yml';

my @paths = (sort(keys %memory), $file, "/artifacts/$app/$bundle/other.js",
             "/artifacts/$cold/$other/index.html", $setup,
             '/download/shop/windows', "/v1/apps/$cold/bundles/latest");

get($_) for keys %memory, $file, $setup, '/download/shop/windows';

# each operation fails

for my $errno (EHOSTDOWN, EIO, ENOTCONN, ESHUTDOWN, ESTALE, ETIMEDOUT) {
    $hang->fail($errno);

    # an error of a disk, and not of a network, is the server's for calls
    gone(error($errno), $errno == EIO ? 500 : 503);
    $hang->answer();
}

back('it answers');

# now it is in the memory

$memory{"/v1/apps/$cold/bundles/latest"} = 1;

$hang->kill();
gone('the file system is dead', 503);

$hang->umount();
$hang->mount() or die "cannot mount again\n";
back('mounted again');

# the machine's name was locked on the old mount

my $store = Test::LiveUpdate::Store->new("$dir/store");

ok(free(), 'nobody has the name there');
ok($t->reload(), 'a reload');
ok(!free(), 'has it again');
ok($t->reload(), 'and the next one');
ok(!free(), 'keeps it');

ok($t->publish($app, undef, zip('index.html' => 'y'))->{ok}, 'a release');
is(join("\n", Test::LiveUpdate::Store->new("$dir/disk")->check()), '',
   'the store is whole');


sub gone {
    my ($name, $calls) = @_;

    for my $path (@paths) {
        my $reply = get($path);

        is($reply->{status}, $memory{$path} ? 200 : 503, "$name: $path");

        fail("$name: $path: no Retry-After")
            if $reply->{status} == 503 && !$reply->{headers}{'retry-after'};
    }

    for (
        [ 'GET', '/v1/apps' ],
        [ 'GET', "/v1/apps/$app" ],
        [ 'GET', "/v1/apps/$cold/channels" ],
        [ 'POST', "/v1/apps/$app/channels", { name => 'x' } ],
        [ 'POST', "/v1/apps/$app/bundles", { artifactType => 'zip' } ],
        [ 'DELETE', "/v1/apps/$cold" ],
    ) {
        is($t->api(@$_)->{status}, $calls, "$name: $_->[0] $_->[1]");
    }
}


sub back {
    my ($name) = @_;

    ok((wait_until { !grep { get($_)->{status} != 200 } @paths } 3), $name)
        or diag(map { "$_: " . get($_)->{status} . "\n" } @paths);

    is($t->api('GET', '/v1/apps')->{status}, 200, "$name: calls");
}


sub error {
    local $! = $_[0];

    return "$!";
}


sub free {
    return $store->lock('tmp/' . machine() . '/.lock', F_OFD_SETLK);
}


sub get {
    return $t->latest($1) if $_[0] =~ m{^/v1/apps/(.*)/bundles/latest$};

    return $t->api('GET', $_[0], undef, token => undef,
                   headers => [ 'User-Agent' => 'x' ]);
}
