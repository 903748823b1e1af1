#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# The real CLI publishes, and devices get what it published: zip, manifest,
# large files in parts, signed, registered.

use warnings;
use strict;

use Digest::SHA qw/ sha256_hex /;
use File::Path qw/ make_path /;
use Test::More;

use Test::LiveUpdate;
use Test::LiveUpdate::CLI;
use Test::LiveUpdate::Device;

my $t = Test::LiveUpdate->new();
my $cli = Test::LiveUpdate::CLI->new($t);

# A second server stands for the team's own one, which registered bundles are
# on: it knows nothing of checksums.

$t->config_reference(sub {
    s/  buffer=32k  flush=1s//;
    s/^http \{\n/$&    server {
        listen  127.0.0.1:@{[port(8081)]};
        root  own;
        open_file_cache  off;
    }\n/m if $_[0] eq 'nginx.conf';
});

$t->run()->plan(64);

my $server = 'http://127.0.0.1:' . port(8080);
my $app = $t->create_app('Shop');
my ($reply, $device, $json, $answer);

$t->create_channel($app, $_) for qw/ production signed own /;
$cli->requests();

my %www = (
    'index.html' => '<!doctype html><title>Shop</title>',
    'assets/app.js' => "console.log('one');\n" x 400,
    'assets/a+b.js' => 'plus',
    'assets/100%.txt' => 'percent',
    'assets/q?a=b&c#d;.txt' => 'reserved',
    "sp ace/\xc3\xbcn\xc3\xaf.css" => 'body {}',
    "nfd/u\xcc\x88.txt" => 'decomposed',
    'empty.txt' => '',
    'photo.png' => join('', map { chr(($_ * 7919) % 251) } 1 .. 5000),
);

my $big = random_bytes(22 * 1024 * 1024);


# zip

$cli->write_www('www', \%www);

$reply = $cli->run(upload('production'), '--path', 'www', '--json',
    '--git-ref', 'main', '--custom-property', 'note=b=c',
    '--custom-property', 'stage=beta');

is($reply->{status}, 0, 'zip: uploaded');
like($reply->{out}, qr/Live Update successfully uploaded/, 'zip: said so');
like($reply->{out}, qr{Deployment URL: \S+/deployments/[0-9a-f-]{36}\b},
    'zip: it has a deployment');

$json = $reply->{json};

like($json->{appBuildId}, qr/^[0-9a-f-]{36}$/, 'zip: id of the build');
like($json->{appBuildArtifactId}, qr/^[0-9a-f-]{36}$/,
    'zip: id of the artifact');

is_deeply([$cli->requests()], [
    "GET /v1/apps/$app", "POST /v1/apps/$app/bundles",
    "POST /v1/apps/$app/bundles/$json->{appBuildArtifactId}/files",
    "PATCH /v1/apps/$app/bundles/$json->{appBuildArtifactId}",
], 'zip: in four calls');

$device = device('zip');
$answer = $device->latest();

is($answer->{bundleId}, $json->{appBuildArtifactId},
    'zip: the very next check sees it');
is_deeply($answer->{customProperties}, { note => 'b=c', stage => 'beta' },
    'zip: custom properties');
is(update($device), 'zip', 'zip: device updates');
is($device->differences(\%www), '', 'zip: all files are there');
is($device->{fetched}[0]{headers}{'x-checksum'},
    sha256_hex($device->{fetched}[0]{body}), 'zip: X-Checksum');
like($device->{fetched}[0]{raw}, qr/^x-checksum: /m,
    'zip: x-checksum, in this very case for old iOS');
is($answer->{checksum}, sha256_hex($device->{fetched}[0]{body}),
    'zip: checksum in the answer');
is($answer->{signature}, undef, 'zip: no signature');

# a zip file made by the CLI, with its manifest inside

$reply = $cli->run('apps:liveupdates:bundle', '--input-path', 'www',
    '--output-path', 'bundle.zip');
is($reply->{status}, 0, 'bundle: made');

$reply = $cli->run(upload('production'), '--path', 'bundle.zip', '--json');
is($reply->{status}, 0, 'bundle: uploaded');

is(update($device), 'zip', 'bundle: device updates');
is($device->differences(\%www), '', 'bundle: all files are there');
is(sha256_hex($device->{fetched}[0]{body}),
    sha256_hex($t->read_file('cli/bundle.zip')),
    'bundle: the very bytes of the file');

# manifest

my %many = (%www, '.DS_Store' => 'finder',
            map { ("chunks/$_.js" => "export default $_;\n" x $_) } 1 .. 50);

$cli->write_www('many', \%many);
symlink '../www/photo.png', $cli->dir() . '/many/link.png'
    or die "cannot link: $!\n";
$cli->requests();

$reply = $cli->run(upload('production'), '--path', 'many', '--json',
    '--artifact-type', 'manifest');

is($reply->{status}, 0, 'manifest: uploaded');
is(scalar $cli->requests(qr{^POST .*/files$}), 1 + keys %many,
    'manifest: each file once, and the manifest');

is(update($device), 'manifest', 'manifest: device updates');
is($device->{current}, $reply->{json}{appBuildArtifactId},
    'manifest: to this one');

delete $many{'.DS_Store'};
is($device->differences(\%many), '', 'manifest: all that it lists is there');

# parts

$cli->write_www('big', { %www, 'video.mp4' => $big });
$cli->requests();

$reply = $cli->run(upload('production'), '--path', 'big', '--json');

is($reply->{status}, 0, 'large zip: uploaded');
is_deeply([map { /action=(\S+?)(?:&|$)/ } $cli->requests(qr/action=/)],
    ['mpu-create', ('mpu-uploadpart') x 3, 'mpu-complete'],
    'large zip: in three parts');
is(update($device), 'zip', 'large zip: device updates');
is($device->differences({ %www, 'video.mp4' => $big }), '',
    'large zip: byte for byte');

$reply = $cli->run(upload('production'), '--path', 'big', '--json',
    '--artifact-type', 'manifest');

is($reply->{status}, 0, 'large file: uploaded');
is_deeply([map { /action=(\S+?)(?:&|$)/ } $cli->requests(qr/action=/)],
    ['mpu-create', ('mpu-uploadpart') x 3, 'mpu-complete'],
    'large file: in three parts');
is(update($device), 'manifest', 'large file: device updates');
is($device->differences({ %www, 'video.mp4' => $big }), '',
    'large file: byte for byte');

# signed

$reply = $cli->run('apps:liveupdates:generatesigningkey', '--key-size', 2048,
    '--public-key-path', 'public.pem', '--private-key-path', 'private.pem');
is($reply->{status}, 0, 'a key pair');

my $public = $cli->dir() . '/public.pem';
my $other = "$t->{testdir}/other.pem";

system("openssl genrsa 2048 2>/dev/null"
       . " | openssl rsa -pubout -out '$other' 2>/dev/null") == 0
    or die "openssl cannot make a key\n";

my $stranger = device('stranger', channel => 'signed', public_key => $other);
my $unsigned = device('unsigned', public_key => $public);

$device = device('signed', channel => 'signed', public_key => $public);

$reply = $cli->run(upload('signed'), '--path', 'www', '--private-key',
    'private.pem');
is($reply->{status}, 0, 'signed zip: uploaded');

is(update($device), 'zip', 'signed zip: device verifies it');
is($device->differences(\%www), '', 'signed zip: all files are there');
is($device->{fetched}[0]{headers}{'x-signature'},
    $device->latest()->{signature}, 'signed zip: in both places');
like($device->{fetched}[0]{raw}, qr/^x-signature: /m,
    'signed zip: x-signature, in this very case');
is(refusal($stranger), 'Invalid signature.',
    'signed zip: not for a device with another key');

# the key in the place of its file, as in a secret of a CI

$reply = $cli->run(upload('signed'), '--path', 'www', '--artifact-type',
    'manifest', '--private-key=' . $t->read_file('cli/private.pem'));
is($reply->{status}, 0, 'signed manifest: uploaded');

$device = device('signed anew', channel => 'signed', public_key => $public);

is(update($device), 'manifest', 'signed manifest: device verifies each file');
is($device->differences(\%www), '', 'signed manifest: all files are there');
is(scalar(grep { $_->{headers}{'x-signature'} } @{$device->{fetched}}),
    1 + keys %www, 'signed manifest: the manifest itself is signed, too');
is(refusal($stranger), 'Invalid signature.',
    'signed manifest: not for a device with another key');
is(refusal($unsigned), 'Bundle does not contain a signature.',
    'unsigned: not for a device with a key');

# registered

my $url = 'http://127.0.0.1:' . port(8081) . '/a%20b/app.zip?v=1&t=%2Bx';

make_path("$t->{testdir}/own/a b");
link $cli->dir() . '/bundle.zip', "$t->{testdir}/own/a b/app.zip"
    or die "cannot link: $!\n";

$cli->requests();

$reply = $cli->run('apps:liveupdates:register', '--app-id', $app, '--channel',
    'own', '--url', $url, '--json', '--android-min', '1', '--yes');

is($reply->{status}, 0, 'register: done');
like($reply->{out}, qr/Deployment URL: /, 'register: it has a deployment');
is_deeply([$cli->requests()],
    ["GET /v1/apps/$app", "POST /v1/apps/$app/bundles"],
    'register: in two calls');

$device = device('own', channel => 'own');
$answer = $device->latest();

is($answer->{url}, $url, 'register: the URL as it is');
is($answer->{bundleId}, $reply->{json}{appBuildArtifactId},
    'register: the id of the artifact');
is($answer->{checksum}, undef, 'register: no checksum');
is(update($device), 'zip', 'register: device updates');
is($device->differences(\%www), '', 'register: all files are there');

$reply = $cli->run('apps:liveupdates:register', '--app-id', $app, '--channel',
    'own', '--url', $url, '--path', 'bundle.zip', '--private-key',
    'private.pem');

is($reply->{status}, 0, 'register with a file: done');

$device->{public_key} = $public;
$answer = $device->latest();

is($answer->{checksum}, sha256_hex($t->read_file('cli/bundle.zip')),
    'register with a file: its checksum');
is(update($device), 'zip', 'register with a file: device verifies it');
is(scalar @{$device->{fetched}}, 1, 'register with a file: one download');

$device = device('other own', channel => 'own');
$t->write_file('own/a b/new.zip', 'something else');
rename "$t->{testdir}/own/a b/new.zip", "$t->{testdir}/own/a b/app.zip"
    or die "cannot rename: $!\n";
is(refusal($device), 'Checksum mismatch.',
    'register with a file: not if it is another one');

# without a channel

$reply = $cli->run(upload(), '--path', 'www', '--json');
is($reply->{status}, 0, 'no channel: uploaded');

$device = device('default', channel => undef);
$answer = $device->latest();

is($answer->{bundleId}, $reply->{json}{appBuildArtifactId},
    'no channel: it is in the default one');
is($answer->{channelName}, 'default', 'no channel: of that name');

$t->api('PATCH', "/v1/apps/$app", { appChannelId => undef });

$reply = $cli->run(upload(), '--path', 'www', '--json');
is($reply->{status}, 0, 'no default channel: uploaded');
unlike($reply->{out}, qr/Deployment URL/,
    'no default channel: not deployed');
is($device->latest(), undef, 'no default channel: nothing for devices');


sub upload {
    my ($channel) = @_;

    return ('apps:liveupdates:upload', '--app-id', $app, '--yes',
            defined $channel ? ('--channel', $channel) : ());
}


sub device {
    my ($name, %opt) = @_;

    return Test::LiveUpdate::Device->new(
        server => $server,
        app => $app,
        dir => "$t->{testdir}/devices/$name",
        channel => 'production',
        %opt,
    );
}


# What kind of bundle the device now runs.

sub update {
    my ($device) = @_;

    my $got = eval { $device->sync() };

    return $@ unless $got;
    return $device->{reason} unless defined $got->{next};

    $device->restart();

    return $got->{kind};
}


sub refusal {
    my ($device) = @_;

    my $was = $device->{current};

    return 'updated' if eval { $device->sync() };

    chomp(my $reason = $@);

    return $reason;
}


sub random_bytes {
    my ($n) = @_;

    open my $fh, '<:raw', '/dev/urandom' or die "no /dev/urandom: $!\n";
    read($fh, my $bytes, $n) == $n or die "no random bytes\n";

    return $bytes;
}
