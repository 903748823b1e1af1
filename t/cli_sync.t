#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# End to end: the real CLI publishes one version after the other, and devices
# of all platforms go from a zip to files, and from there take only what has
# changed.

use warnings;
use strict;

use Digest::SHA qw/ sha256_hex /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_decode zip /;
use Test::LiveUpdate::CLI;
use Test::LiveUpdate::Device;

use constant MANIFEST => 'capawesome-live-update-manifest.json';

my $t = Test::LiveUpdate->new();
my $cli = Test::LiveUpdate::CLI->new($t);

$t->has_daemon('openssl');
$t->config_reference(sub { s/  buffer=32k  flush=1s//; });
$t->run()->plan(131);

my $server = 'http://127.0.0.1:' . port(8080);
my $app = $t->create_app('Shop');

$t->create_channel($app, $_) for qw/ production old /;

my %devices = map { $_ => device($_, platform => $_) }
    qw/ android ios electron /;

$devices{nameless} = device('nameless', platform => 'ios', id => '');
$devices{identity} = device('identity', accept_encoding => undef);

my @names = sort keys %devices;
my ($reply, $got, $device);

my %www = (
    'index.html' => '<!doctype html><title>Shop</title>' x 20,
    'assets/app.js' => "console.log('one');\n" x 400,
    'assets/a+b.js' => "plus\n" x 100,
    'assets/100%.txt' => 'percent',
    'assets/%2e%2e.txt' => 'no dots',
    'assets/q?a=b&c#d;.txt' => 'reserved',
    "assets/[slug]~'!(x)*\@\$,:.js" => 'unreserved',
    "sp ace/\xc3\xbcn\xc3\xaf&.css" => 'body {}',
    "nfc/\xc3\xbc.txt" => 'composed',
    "nfd/u\xcc\x88.txt" => 'decomposed',
    'empty.txt' => '',
    'photo.png' => join('', map { chr(($_ * $_ * 31 >> 3) % 256) } 1 .. 60000),
    map { ("chunks/$_.js" => "export default $_;\n" x (10 * $_)) } 1 .. 80,
);


# a zip, with a manifest inside

$cli->write_www('www', \%www);
$cli->run('apps:liveupdates:generatemanifest', '--path', 'www');

$reply = $cli->run('apps:liveupdates:upload', '--app-id', $app, '--channel',
    'production', '--path', 'www', '--yes', '--json', '--custom-property',
    'notes=first');
is($reply->{status}, 0, 'first version: a zip');

my $first = $reply->{json}{appBuildArtifactId};

for my $name (@names) {
    $device = $devices{$name};
    $got = sync($device);

    is($got->{next}, $first, "$name: gets the zip");
    is($got->{requests}, 2, "$name: in two requests");
    is($device->differences(\%www), '', "$name: all files are right");
    ok(!defined $device->{fetched}[0]{headers}{'content-encoding'}
       && $device->{fetched}[0]{headers}{'content-type'} eq 'application/zip',
        "$name: the zip is sent as it is");
}

# asked again, the answer is the same, and there is nothing to do

for my $name (@names) {
    $got = sync($devices{$name});

    is_deeply([@$got{qw/ next requests /}], [undef, 1],
        "$name: the same again is no update");
    is($devices{$name}{reply}{status}, 200, "$name: but answered");
}

# the same, file by file: those who have the manifest have all the files

$reply = $cli->run('apps:liveupdates:upload', '--app-id', $app, '--channel',
    'production', '--path', 'www', '--yes', '--json', '--artifact-type',
    'manifest');
is($reply->{status}, 0, 'second version: the same as a manifest');

my $second = $reply->{json}{appBuildArtifactId};

for my $name (@names) {
    $device = $devices{$name};
    $got = sync($device);

    is($got->{next}, $second, "$name: gets the manifest");
    is_deeply([@$got{qw/ files copied /}], [0, scalar keys %www],
        "$name: and has all the files");
    is($device->differences(\%www), '', "$name: all files are right");
}

# devices that come new, with all that goes over the wire

for my $name (@names) {
    my %was = map { $_ => $devices{$name}{$_} }
        qw/ platform id accept_encoding /;

    $device = device("new $name", %was);
    $got = sync($device);

    is_deeply([@$got{qw/ next files copied /}],
        [$second, scalar keys %www, 0], "$name, new: gets all the files");
    is($device->differences(\%www), '', "$name, new: all files are right");
    is($got->{parallel}, { android => 30, ios => 6, electron => 5,
        nameless => 6, identity => 30 }->{$name}, "$name, new: in parallel");

    is(wrong_headers($device), '', "$name, new: headers of all files");
}

$device = device('encodings');
sync($device);

my %bytes = (android => $device->{stats}{bytes});

like(join(' ', map { $_->{url} } @{$device->{fetched}}),
    qr/href=assets%2Fa%2Bb\.js /, 'encoding of Android');

$device = device('encodings ios', platform => 'ios');
sync($device);
like(join(' ', map { $_->{url} } @{$device->{fetched}}),
    qr{href=assets/a\+b\.js }, 'encoding of iOS');

$device = device('encodings electron', platform => 'electron');
sync($device);
like(join(' ', map { $_->{url} } @{$device->{fetched}}),
    qr{href=sp\+ace%2F%C3%BCn%C3%AF%26\.css(?: |$)}, 'encoding of Electron');

$device = device('plain', accept_encoding => undef);
sync($device);
$bytes{plain} = $device->{stats}{bytes};

cmp_ok($bytes{android}, '<', $bytes{plain} / 3,
    "compressed: $bytes{android} bytes in the place of $bytes{plain}");

# one file is another, one is new, one is gone

my %next = (%www, 'assets/app.js' => "console.log('two');\n" x 400,
                  'assets/new.js' => 'new');

delete $next{'chunks/80.js'};

$cli->write_www('www', \%next);
$reply = $cli->run('apps:liveupdates:upload', '--app-id', $app, '--channel',
    'production', '--path', 'www', '--yes', '--json', '--artifact-type',
    'manifest');
is($reply->{status}, 0, 'third version: one file changed, one new, one gone');

my $third = $reply->{json}{appBuildArtifactId};

for my $name (@names) {
    $cli->requests();

    $device = $devices{$name};
    $got = sync($device);

    is($got->{next}, $third, "$name: gets the third version");
    is(join(' ', map { $_->{href} } @{$device->{fetched}}),
        MANIFEST . ' assets/app.js assets/new.js',
        "$name: takes the manifest and two files");
    is($got->{copied}, keys(%next) - 2, "$name: has the others");
    is(scalar $cli->requests(qr{/artifacts/|/download}), 3,
        "$name: that is what nginx was asked for");

    my $sum = length $device->{reply}{raw} =~ s/.*?\r\n\r\n//sr;
    $sum += $_->{length} for @{$device->{fetched}};

    is($got->{bytes}, $sum, "$name: $sum bytes");
    cmp_ok($sum, '<', $bytes{plain} / 5, "$name: a small part of all");
    is($device->differences(\%next), '', "$name: all files are right");
}

# back: what is still on the device is not fetched again

$reply = $cli->run('apps:liveupdates:rollback', '--app-id', $app, '--channel',
    'production', '--steps', 2);
is($reply->{status}, 0, 'back by two versions');

for my $name (qw/ android ios electron /) {
    $got = sync($devices{$name});

    is_deeply([@$got{qw/ next kind requests /}], [$first, undef, 1],
        "$name: back, without a download");
    is($devices{$name}->differences(\%www), '', "$name: all files are right");
}

# old plugins look in other places for the checksum and the signature

my $key = "$t->{testdir}/private.pem";
my $public = "$t->{testdir}/public.pem";

system("openssl genrsa -out '$key' 2048 2>/dev/null"
       . " && openssl rsa -in '$key' -pubout -out '$public' 2>/dev/null") == 0
    or die "openssl cannot make a key\n";

$t->publish($app, 'old', zip('index.html' => 'signed'), key => $key);

for my $version (qw/ 6.3.0 6.6.0 7.2.0 8.4.1 /) {
    for my $signed (0, 1) {
        $device = device("$version $signed", channel => 'old',
            plugin_version => $version,
            $signed ? (public_key => $public) : ());

        $got = eval { sync($device) };

        is($@ || $got->{kind}, 'zip', "plugin $version"
            . ($signed ? ', with a key' : ''));
    }
}

# the vendor's own address of a bundle leads there, too

my $latest = device('vendor')->latest();
my $vendor = device('vendor')->get(
    "$server/v1/apps/$app/bundles/$first/download");

is($vendor->{headers}{'x-checksum'}, $latest->{checksum},
    'the vendor\'s address of a zip');
is(sha256_hex($vendor->{body}), $latest->{checksum},
    'the vendor\'s address of a zip: its bytes');

$vendor = device('vendor')->get("$server/v1/apps/$app/bundles/$third/download"
    . '?href=assets%2Fa%2Bb.js');
is($vendor->{body}, $www{'assets/a+b.js'},
    'the vendor\'s address of a file');

# these devices would notice

my $zip = "store/live/$app/$first/files/bundle.zip";

$t->write_file($zip, $t->read_file($zip) =~ tr/a/b/r);

for my $name (qw/ android ios electron /) {
    $device = device("careful $name", platform => $name);

    eval { sync($device) };
    is($@, "Checksum mismatch.\n", "$name: does not take other bytes");
    is($device->{current}, undef, "$name: and stays with what it has");
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


sub sync {
    my ($device) = @_;

    my $got = $device->sync();

    $device->restart();

    return $got;
}


# What is wrong with the headers of the files that the device has fetched.

sub wrong_headers {
    my ($device) = @_;

    my @wrong;

    for my $file (@{$device->{fetched}}) {
        my $headers = $file->{headers};
        my $href = $file->{href};
        my $is_text = $href =~ /\.(?:js|html|json)$/
                      && length $file->{body} >= 256;

        my %right = (
            'x-checksum' => sha256_hex($file->{body}),
            'x-signature' => undef,
            'cache-control' => 'public, max-age=31536000, immutable,'
                               . ' no-transform',
            'content-encoding' => $is_text
                                  && defined $device->{accept_encoding}
                                  ? 'gzip' : undef,
            'content-length' => $file->{length},
            'content-type' => type($href),
        );

        $right{vary} = 'Accept-Encoding' if $is_text;

        for my $name (sort keys %right) {
            my $got = $headers->{$name} // 'none';
            my $right = $right{$name} // 'none';

            push @wrong, "$href: $name is $got, not $right"
                if $got ne $right;
        }
    }

    return join "\n", @wrong;
}


sub type {
    my ($href) = @_;

    my %types = (
        css => 'text/css',
        html => 'text/html',
        js => 'text/javascript',
        json => 'application/json',
        png => 'image/png',
        txt => 'text/plain',
    );

    my ($ext) = $href =~ /\.([a-z]+)$/;

    return $types{$ext};
}
