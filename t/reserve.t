#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# A part of the disk is kept free: uploads and builds that would take it are
# refused before they are written, and everything else goes on.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT port zip /;
use Test::LiveUpdate::S3;
use Test::LiveUpdate::SmallDisk;
use Test::LiveUpdate::Store;
use Test::LiveUpdate::ToDesktop;

my $t = Test::LiveUpdate->new();
my $dir = $t->testdir();
my $disk = Test::LiveUpdate::SmallDisk->new($t, '9m');

$t->plan(25);

my $td = Test::LiveUpdate::ToDesktop->new($t);

$td->configure(fetch => 'retry=50ms tries=30',
               locations => "liveupdate_reserve  2m;\n");
$t->run();

my $store = Test::LiveUpdate::Store->new("$dir/store");
my $text = join ' ', '^507 The disk of the store is nearly full: it has',
    '\d+ bytes left, \d+ are needed, and 2097152 are kept';
my $refused = qr/$text/;
my $bytes = join '', map { pack 'L', int rand 4294967296 } 1 .. 200_000;
my $app = $t->create_app('Shop');

$t->create_channel($app, 'production');

my @old = map { $t->publish($app, 'production', zip('index.html' => $_)) }
    'one', 'two';

my $bundle = bundle();
my $s3 = Test::LiveUpdate::S3->of($dir, '127.0.0.1:' . port(8080));

$t->api('POST', '/v1/apps', { name => 'Desk', type => 'electron',
                              id => 'desk' });

my ($upload) = $s3->send('POST', '/desk/1.0.0/c.exe', query => 'uploads=')
    ->{body} =~ m{<UploadId>(.*?)</UploadId>};

my $build = $td->build(platforms => ['linux'], size => 500_000);

$td->deliver($build);
$td->becomes($build, 'live', 'there is room');

# so many bytes more than are kept

$disk->fill(2097152 + 300_000);

my $free = $disk->left();

like($t->said($t->upload($app, $bundle, $bytes)), $refused,
     'a file of a bundle');
like($t->said($t->upload($app, $bundle, $bytes, parts => 400_000)), $refused,
     'a part of one');
is(join(' ', grep { !/filler/ } $store->temporary()), '',
   'nothing of them is there');

my $reply = $s3->put('/desk/1.0.0/a.exe', $bytes);

is($reply->{status}, 507, 'a file of an S3 client');
like($reply->{message}, qr/nearly full.* 800000 are needed/, 'is told why');
is($s3->put('/desk/1.0.0/c.exe', $bytes,
            query => "partNumber=1&uploadId=$upload")->{status}, 507,
   'a part of one');
cmp_ok(abs($disk->left() - $free), '<', 50_000, 'they took nothing');
is($t->upload($app, $bundle, zip('a' => 'a' x 100))->{status}, 201,
   'what fits is taken');

my $large = $td->build(platforms => ['linux'], size => 500_000);

$td->deliver($large);
ok((wait_until {
    ($td->release($large)->{reason} // '') =~ /nearly full.*are kept free/
} 10), 'a build waits, and says why');
is($td->release($large)->{state}, 'fetching', 'it is tried again');

# less than is kept

$disk->fill(1_000_000);

like($t->said($t->api('POST', "/v1/apps/$app/bundles",
                      { artifactType => 'zip', channelName => 'production' })),
     $refused, 'a bundle');
like($t->said($t->upload($app, $bundle, zip('a' => 'b'))), $refused,
     'a small file');

is($t->latest($app, channelName => 'production')->{json}{bundleId},
   $old[1]{bundle}, 'devices get what they got');
is($t->api('POST', "/releases/$app/rollback", { channel => 'production' })
       ->{status}, 200, 'people take it back');
is($t->latest($app, channelName => 'production')->{json}{bundleId},
   $old[0]{bundle}, 'for devices, too');
is($t->api('DELETE', "/v1/apps/$app/bundles/$old[1]{bundle}")->{status}, 204,
   'and delete it');
is($t->api('PATCH', "/v1/apps/$app", { name => 'Store' })->{status}, 200,
   'settings are changed');

# space again

$disk->empty();

$td->becomes($large, 'live', 'the build that has waited');
is($t->upload($app, bundle(), $bytes)->{status}, 201, 'a file is taken');

# as many files as there may be

$disk->limit(1);

like($t->said($t->upload($app, $bundle, zip('a' => 'c'))),
     qr/^507 The disk of the store has hardly any inodes left: it has \d+,/,
     'no inodes');
is($s3->put('/desk/1.0.0/d.exe', 'd')->{status}, 507, 'nor for an S3 client');

$disk->limit(10_000);

is($s3->put('/desk/1.0.0/d.exe', 'd')->{status}, 200, 'there are some');
is($t->api('PATCH', "/v1/apps/$app", { name => 'End' })->{status}, 200,
   'and settings');
is(join("\n", $store->check()), '', 'the store is whole');

$t->stop();


sub bundle {
    return $t->api('POST', "/v1/apps/$app/bundles",
                   { artifactType => 'zip', channelName => 'production' })
        ->{json}{id};
}
