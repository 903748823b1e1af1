#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# What publishers upload is no page of this host in a browser, and old plugins
# find the digests of files by names in lower case.

use warnings;
use strict;

use Digest::SHA qw/ sha512_base64 /;
use File::Path qw/ make_path /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT zip /;

my $t = Test::LiveUpdate->new()->plan(23);

$t->config_reference();
$t->run();

# bundles

my $key = $t->testdir() . '/key.pem';

system("openssl genrsa -out '$key' 2048 2>/dev/null") == 0 or die;

my $app = $t->create_app('html');
my %files = ('index.html' => '<script src=evil.js></script>',
             'evil.js' => 'window.ran = "yes"; ' x 100);
my $manifest = $t->publish($app, 'default', \%files, key => $key)->{bundle};
my $zip = $t->publish($app, 'default', zip(%files), key => $key)->{bundle};

for my $path ("$manifest/index.html", "$manifest/evil.js",
              "$manifest?href=evil.js", "$zip/bundle.zip")
{
    my $reply = get("/artifacts/$app/$path");

    harmless($reply, $path);
    like($reply->{raw}, qr/^x-checksum: [0-9a-f]{64}\r$/m,
         "$path: x-checksum");
    like($reply->{raw}, qr{^x-signature: [\w+/]{342}==\r$}m,
         "$path: x-signature");
    unlike($reply->{raw}, qr/^X-(?:Checksum|Signature):/m,
           "$path: and not in another case");
}

my $packed = $t->api('GET', "/artifacts/$app/$manifest/evil.js", undef,
                     token => undef, headers => ['Accept-Encoding' => 'gzip']);

is($packed->{headers}{'content-encoding'}, 'gzip', 'a compressed one');
harmless($packed, 'a compressed one');

# desktop releases

my $desk = 'desk';
my $installer = 'App-1.0.0.AppImage';
my $uploads = $t->testdir() . "/store/staging/$desk/b1/uploads";

$t->api('POST', '/v1/apps', { id => $desk, name => 'D', type => 'electron' });

make_path($uploads);

my $digest = sha512_base64('x' x 100) . '==';

write_to("$uploads/$installer", 'x' x 100);
write_to("$uploads/latest-linux.yml", <<"EOF");
version: 1.0.0
files:
  - url: $installer
    sha512: $digest
    size: 100
path: $installer
sha512: $digest
releaseDate: '2026-11-21T21:00:00.000Z'
EOF

is($t->api('POST', "/releases/$desk/b1/stage", {}, token => 'publish')
   ->{json}{state}, 'live', 'a desktop release');

harmless(get("/desktop/$desk/$_"), "the feed: $_")
    for 'latest-linux.yml', $installer;
harmless(get("/download/$desk/linux/appImage/x64"), 'a download');

# what the module says itself is JSON

is(get("/artifacts/$app/$zip/nope")->{headers}{'content-type'},
   'application/json', 'what is not there is JSON');

###############################################################################

sub get {
    my ($path) = @_;

    return $t->api('GET', $path, undef, token => undef,
                   headers => ['User-Agent' => 'Mozilla/5.0 (X11; Linux)']);
}


sub harmless {
    my ($reply, $name) = @_;

    is(join(' ', $reply->{status}, map { $reply->{headers}{$_} // 'none' }
            'content-security-policy', 'x-content-type-options'),
       '200 sandbox nosniff', "$name: harmless");
}


sub write_to {
    my ($path, $bytes) = @_;

    open my $fh, '>:raw', $path or die "$path: $!\n";
    print {$fh} $bytes;
    close $fh or die "$path: $!\n";
}
