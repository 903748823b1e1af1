#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# An app does not grow beyond its quota, whichever way its bytes come in; what
# is there goes on.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT port zip /;
use Test::LiveUpdate::S3;
use Test::LiveUpdate::ToDesktop;

use constant QUOTA => 400 * 1024;

my $t = Test::LiveUpdate->new()->plan(15);
my $td = Test::LiveUpdate::ToDesktop->new($t);

$td->configure(fetch => 'retry=50ms tries=3', change => sub {
    my ($name) = @_;

    s/^http \{\n/http {\n    liveupdate_quota  400k;\n/m
        if $name eq 'nginx.conf';
});

$t->run();

my $dir = $t->testdir() . '/store';
my $refused = qr/^507 The app would take \d+ bytes on the disk, and its quota/;
my $bytes = join '', map { chr rand 256 } 1 .. 300_000;

# the CLI

my $app = $t->create_app('Shop');

$t->create_channel($app, 'production');

my $first = $t->publish($app, 'production', zip('index.html' => 'one'));

ok($first->{ok}, 'there is room');

like($t->said($t->publish($app, 'production', zip('a' => $bytes . $bytes))
              ->{reply}), $refused, 'a file of a bundle');
cmp_ok(du($app), '<=', QUOTA, 'is not kept');

my $bundle = $t->api('POST', "/v1/apps/$app/bundles",
                     { appId => $app, artifactType => 'zip',
                       channelName => 'production' })->{json}{id};

like($t->said($t->upload($app, $bundle, $bytes x 3, parts => 100_000)),
     $refused, 'a file in parts');
cmp_ok(du($app), '<=', QUOTA, 'as far as there was room');

is($t->latest($app, channelName => 'production')->{json}{bundleId},
   $first->{bundle}, 'devices get what they got');

# S3 clients

my $s3 = Test::LiveUpdate::S3->of($t->testdir(), '127.0.0.1:' . port(8080));

$t->api('POST', '/v1/apps', { name => 'Desk', type => 'electron',
                              id => 'desk' });

is($s3->put('/desk/1.0.0/a.exe', $bytes)->{status}, 200, 'there is room');

my $reply = $s3->put('/desk/1.0.0/b.exe', $bytes);

is($reply->{status}, 507, 'a file of an S3 client');
like($reply->{message}, qr/quota/, 'is told why');

my ($upload) = $s3->send('POST', '/desk/1.0.0/c.exe', query => 'uploads=')
    ->{body} =~ m{<UploadId>(.*?)</UploadId>};

is($s3->put('/desk/1.0.0/c.exe', $bytes,
            query => "partNumber=1&uploadId=$upload")->{status}, 507,
   'a part');
cmp_ok(du('desk'), '<=', QUOTA, 'neither is kept');

# builds of ToDesktop

my $build = $td->build(platforms => ['linux'], size => 500_000);

$td->deliver($build);

my $release = $td->becomes($build, 'failed', 'a build that is fetched');

like($release->{reason}, qr/its quota is/, 'is told why');
cmp_ok(du($td->{app}), '<=', QUOTA, 'its files are not fetched');

$t->api('PATCH', "/releases/$td->{app}/cleanup", { quota => 0 });
$t->api('POST', "/releases/$td->{app}/$build->{id}/retry", {});

$td->becomes($build, 'live', 'as soon as there is room it is');


sub du {
    my ($app) = @_;

    my ($kib) = `du -sck @{[ grep { -e }
        map { "$dir/$_/$app" } qw( apps live staging feed ) ]} | tail -1`
        =~ /^(\d+)/;

    return 1024 * $kib;
}
