#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# /artifacts/{app}/{bundle}: the files of bundles.  Names are bytes here, as
# they are on the wire.

use warnings;
use strict;

use Digest::SHA qw/ sha256_hex /;
use IO::Uncompress::Gunzip qw/ gunzip /;
use List::Util qw/ max /;
use Test::More;

use Test::LiveUpdate qw/
    :DEFAULT json_decode json_encode sign uri_encode zip
/;
use Test::LiveUpdate::HTTP qw/ parse_reply /;

my $t = Test::LiveUpdate->new()->plan(189);

# What the cache of open files knows is not looked for on the disk; and what
# nginx compresses elsewhere, it does not compress here.

$t->config_reference(sub {
    s/^http \{\n/$&    gzip on; gzip_types *; gzip_min_length 0;\n/m;
    s/^(    open_file_cache) .*$/$1  off;/m;
    s/^(\s*access_log) .*$/$1  check.log  liveupdate;/m;
    s/(result=\$liveupdate_result)/$1 c=\$liveupdate_checksum/;
});
$t->run();

my $dir = $t->testdir();
my $app = $t->create_app('artifacts');
my $js = join '', map { "console.log('line $_');\n" } 1 .. 500;
my $index = '<!DOCTYPE html><title>x</title>' . ' ' x 1000;
my $random = join '', map { chr int rand 256 } 1 .. 5000;
my $long = join '/', ('d' x 200) x 5;

my %files = (
    'index.html' => $index,
    'assets/a+b.js' => "$js//plus",
    'assets/a b.js' => "$js//space",
    'assets/only plus.js' => 'spaces only',
    "sp ace/\xc3\xbcn\xc3\xaf&.css" => 'body { }',
    "nfd/u\xcc\x88.txt" => 'decomposed',
    "nfd/\xc3\xbc.txt" => 'composed',
    '100%/50%25.txt' => 'percent',
    'q?x=1#y.js' => 'question',
    q{quote'".txt} => 'quotes',
    ';a=1,b' => 'no extension',
    '...' => 'three dots',
    '..a/b..' => 'dots',
    '.well-known/x.json' => '{}',
    'release.json' => '{"is":"a file of the bundle"}',
    'index.html.gz' => 'not what it seems',
    'empty.txt' => '',
    'image.png' => $random,
    'noise.js' => $random,
    "$long/x.js" => 'deep',
    ('s' x 255) => 'long',
);

my %types = (css => 'text/css', html => 'text/html', js => 'text/javascript',
             json => 'application/json', png => 'image/png',
             txt => 'text/plain');

my $bundle = $t->publish($app, undef, \%files);
ok($bundle->{ok}, 'a manifest bundle is published')
    or BAIL_OUT($bundle->{reply}{raw});

my $url = $t->latest($app)->{json}{url};
is($url, 'http://127.0.0.1:' . port(8080)
         . "/artifacts/$app/$bundle->{bundle}", 'its url has no query');

my $path = "/artifacts/$app/$bundle->{bundle}";

# all files, as all clients encode names

my %all = (%files, Test::LiveUpdate::API::manifest_of(\%files));

for my $href (sort keys %all) {
    my ($ext) = $href =~ /\.([a-z]+)$/;
    my @wrong;

    for my $form (
        [android => '?href=' . okhttp($href)],
        [ios => '?href=' . urlquery($href)],
        [electron => '?href=' . urlsearchparams($href)],
        [path => '/' . join '/', map { uri_encode($_) } split m{/}, $href],
    ) {
        # these clients cannot tell "a+b" and "a b" apart
        next if $form->[0] eq 'electron' && $href =~ / /
                && exists $all{$href =~ s/ /+/gr};

        my $reply = get($form->[1]);
        my $type = $href eq 'index.html.gz' ? 'application/octet-stream'
                   : $types{$ext // ''} // 'application/octet-stream';

        push @wrong, "$form->[0]: $form->[1]: $reply->{status}, "
                     . "$reply->{headers}{'content-type'}"
            unless $reply->{status} == 200
                   && $reply->{body} eq $all{$href}
                   && $reply->{headers}{'content-type'} eq $type
                   && $reply->{headers}{'content-length'}
                      == length $all{$href}
                   && $reply->{headers}{'x-checksum'}
                      eq sha256_hex($all{$href});
    }

    is("@wrong", '', substr $href, 0, 30);
}

is(get('?href=assets/a+b.js')->{body}, "$js//plus",
   'a plus is a plus where there are both');
is(get('?href=assets/only+plus.js')->{body}, 'spaces only',
   'and a space where there is only that');
is(get('?foo=1&href=empty.txt&bar=2')->{status}, 200, 'among others');
is(get('?%68ref=empty.txt')->{status}, 200, 'its name encoded');
is(get('/?href=empty.txt')->{status}, 200, 'behind a slash');
is(get('?href=empty.txt&href=index.html')->{body}, '', 'the first of two');

# the headers

my $reply = get('?href=assets/a%2Bb.js');

like($reply->{raw}, qr/^x-checksum: [0-9a-f]{64}\r$/m,
     'x-checksum, in lower case');
unlike($reply->{raw}, qr/^x-signature/mi, 'no x-signature if not signed');
is($reply->{headers}{'cache-control'},
   'public, max-age=31536000, immutable, no-transform', 'Cache-Control');
is($reply->{headers}{'vary'}, 'Accept-Encoding', 'Vary of what is compressed');
like($reply->{headers}{'etag'}, qr/^"[^"]+"$/, 'ETag');
ok($reply->{headers}{'last-modified'}, 'Last-Modified');
is($reply->{headers}{'accept-ranges'}, 'bytes', 'Accept-Ranges');
is(get('?href=image.png')->{headers}{'vary'}, undef,
   'no Vary of what is not compressed');

$reply = get('?href=empty.txt', ['Accept-Encoding' => 'gzip']);

is($reply->{status} . $reply->{body} . $reply->{headers}{'content-length'},
   '2000', 'an empty file');
is($reply->{headers}{'x-checksum'},
   'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
   'with its checksum');

# compression

for my $accept ('gzip', 'br, gzip', 'br;q=1.0, gzip;q=0.9, deflate;q=0.8',
                'GZIP', 'gzip;q=1', 'gzip ; q=0.001')
{
    $reply = get('?href=assets/a%2Bb.js', ['Accept-Encoding' => $accept]);

    my $bytes;
    gunzip(\$reply->{body}, \$bytes);

    ok($reply->{headers}{'content-encoding'} eq 'gzip'
       && $bytes eq $files{'assets/a+b.js'}
       && length $reply->{body} < length($bytes) / 5
       && length $reply->{body} == $reply->{headers}{'content-length'}
       && $reply->{headers}{'x-checksum'} eq sha256_hex($bytes)
       && $reply->{headers}{'vary'} eq 'Accept-Encoding'
       && $reply->{headers}{'content-type'} eq 'text/javascript',
       "Accept-Encoding: $accept") or diag($reply->{raw} =~ s/\r\n\r\n.*//sr);
}

for my $accept ('', 'identity', 'br', 'gzip;q=0', 'gzip; q=0.000',
                'br, gzip;q=0.0', 'x-gzip-not')
{
    $reply = get('?href=assets/a%2Bb.js', ['Accept-Encoding' => $accept]);

    ok(!$reply->{headers}{'content-encoding'}
       && $reply->{body} eq $files{'assets/a+b.js'},
       "Accept-Encoding: $accept, gets identity");
}

for my $href ('noise.js', 'image.png', 'empty.txt',
              'sp%20ace/%C3%BCn%C3%AF%26.css')
{
    is(get("?href=$href", ['Accept-Encoding' => 'gzip'])
       ->{headers}{'content-encoding'}, undef, "$href is not compressed");
}

is(get('?href=index.html.gz')->{body}, 'not what it seems',
   'a name like that of a compressed twin');

my ($gzip, $plain) = map {
    get('?href=index.html', ['Accept-Encoding' => $_])->{headers}{etag}
} 'gzip', 'identity';

isnt($gzip, $plain, 'each encoding has its ETag');

# methods, conditions, ranges

$reply = get('?href=index.html', [], 'HEAD');

is($reply->{status} . $reply->{body}, '200', 'HEAD');
is($reply->{headers}{'content-length'}, length $index, 'has the length');
is($reply->{headers}{'x-checksum'}, sha256_hex($index), 'and the checksum');

for my $method (qw/ POST PUT PATCH DELETE OPTIONS /) {
    $t->refused(sub { $reply = get('?href=index.html', [], $method, 'x') },
                '405 Method not allowed.', $method);
    is($reply->{headers}{allow}, 'GET, HEAD', "$method: Allow");
}

is(get('?href=index.html', ['If-None-Match' => $plain])->{status}, 304,
   'If-None-Match');
is(get('?href=index.html', ['If-None-Match' => $gzip])->{status}, 200,
   'If-None-Match with the tag of the other encoding');

$reply = get('?href=index.html',
             ['If-None-Match' => $gzip, 'Accept-Encoding' => 'gzip']);

is($reply->{status}, 304, 'If-None-Match, compressed');
is($reply->{headers}{'content-encoding'}, undef, 'says no encoding');
like($reply->{headers}{'cache-control'}, qr/immutable/, 'but how to keep it');

$reply = get('?href=index.html');

is(get('?href=index.html',
       ['If-Modified-Since' => $reply->{headers}{'last-modified'}])->{status},
   304, 'If-Modified-Since');
is(get('?href=index.html',
       ['If-Modified-Since' => 'Thu, 01 Jan 1970 00:00:00 GMT'])->{status},
   200, 'If-Modified-Since long ago');

$reply = get('?href=image.png', [Range => 'bytes=100-199']);

is($reply->{status}, 206, 'Range');
is($reply->{body}, substr($random, 100, 100), 'the bytes of the range');
is($reply->{headers}{'content-range'}, 'bytes 100-199/5000', 'Content-Range');
is(get('?href=image.png', [Range => 'bytes=-10'])->{body},
   substr($random, -10), 'the last bytes');
is(get('?href=image.png', [Range => 'bytes=5000-'])->{status}, 416,
   'beyond the end');
is(get('?href=image.png', [Range => 'bytes=0-0', 'If-Range' => '"other"'])
   ->{status}, 200, 'If-Range of another file');

like(get('?href=image.png', [Range => 'bytes=0-1,4998-'])->{headers}
     {'content-type'}, qr{^multipart/byteranges}, 'two ranges');

# what is no file of the bundle

$t->write_file("store/live/$app/$bundle->{bundle}/files/extra.txt", 'secret');
$t->write_file('store/secret.txt', 'secret');
symlink "$dir/tokens", "$dir/store/live/$app/$bundle->{bundle}/files/link";

my $none = '404 File not found.';

for my $href (
    '', '%', '%4', '%zz', '%00', 'index.html%00', 'index.html%00.js',
    '/index.html', './index.html', 'assets/../index.html', '../release.json',
    '..', '.', '/', '//', '../files/index.html', '..%2frelease.json',
    '..%2Frelease.json', '%2e%2e/release.json', '..%5crelease.json',
    '..%c0%afrelease.json', '%252e%252e/release.json', '/etc/passwd',
    '../../../../../secret.txt', 'files/index.html', 'index.html/',
    'INDEX.HTML', 'assets', 'assets/', 'assets//a+b.js', 'extra.txt', 'link',
    '../files.json', 'gzip/index.html.gz', '../gzip/index.html.gz',
    'a' x 4000, '%c3%bc' x 600, "\xff\xfe", 'bundle.zip', '%0d%0aX:%20y', '*',
    'nope',
) {
    is($t->said(get("?href=$href")), $none,
       '?href=' . substr $href, 0, 30);
}

for my $uri (
    '/artifacts', '/artifacts/', "/artifacts/$app", "/artifacts/$app/", $path,
    "$path/", "$path?", "$path?href", "$path?x=1", "$path/nope",
    "$path/extra.txt", "$path/assets/", "$path/%2e%2e%2frelease.jso",
    "$path/files/index.html", "$path/gzip/index.html.gz",
    '/artifacts/nope/nope?href=index.html',
    "/artifacts/$app/nope?href=index.html",
    "/artifacts/nope/$bundle->{bundle}?href=index.html",
    "/artifacts//$bundle->{bundle}?href=index.html",
    "/artifacts/$app/public?href=index.html",
    '/artifacts/' . 'x' x 65 . "/$bundle->{bundle}?href=index.html",
    "/artifacts/$app/.?href=index.html",
    "/artifacts/..%2f$app/x?href=index.html",
    "/artifacts/%c3%bc/x?href=index.html",
) {
    $reply = $t->api('GET', $uri, undef, token => undef);

    # "/artifacts" itself is not of the location
    ok($uri =~ m{^/artifacts(?:$|/\.\.|/\w+/\.\?)} ? $reply->{status} == 404
                                        : $t->said($reply) eq $none,
       substr $uri, 0, 60) or diag($reply->{raw});
}

like(http("GET $path/index.html%00 HTTP/1.0\r\n\r\n"), qr/^HTTP\/1.1 400 /,
     'a zero byte in the path');
like(http("GET $path/../../../../../etc/passwd HTTP/1.0\r\n\r\n"),
     qr/^HTTP\/1.1 400 /, 'out of the root');
unlike(http("GET $path/../../../../tokens HTTP/1.0\r\n\r\n"), qr/ 200 /,
       'out of the store');
is(get('?href=' . 'a' x 40000)->{status}, 414, 'too long a name');

# what is staged

my $staged = $t->api('POST', "/v1/apps/$app/bundles",
                     { artifactType => 'manifest' })->{json}{id};
$t->upload($app, $staged, $index, href => 'index.html');

is($t->said($t->api('GET', "/artifacts/$app/$staged?href=index.html", undef,
                    token => undef)), $none, 'staging is not served');

# a file that is missing on the disk: nobody may keep the refusal

unlink "$dir/store/live/$app/$bundle->{bundle}/files/nfd/\xc3\xbc.txt" or die;

$reply = get('?href=nfd/%C3%BC.txt');
is($reply->{status}, 404, 'a file that is missing');
is($reply->{headers}{'x-checksum'}, undef, 'has no checksum');
is($reply->{headers}{'cache-control'}, 'no-store', 'and is not to be kept');

# zip, signed

my $key = "$dir/key.pem";
system("openssl genrsa -out '$key' 2048 2>/dev/null") == 0 or die;

my $zip = zip('index.html' => $index, 'a.js' => $js);
my $signed = $t->publish($app, undef, $zip, key => $key);

$reply = $t->api('GET', $t->latest($app)->{json}{url} =~ s{^http://[^/]*}{}r,
                 undef, token => undef,
                 headers => ['Accept-Encoding' => 'gzip, br']);

is($reply->{body}, $zip, 'a zip');
is($reply->{headers}{'content-type'}, 'application/zip', 'its type');
is($reply->{headers}{'content-encoding'}, undef, 'is not encoded');
is($reply->{headers}{'content-length'}, length $zip, 'has a length');
like($reply->{raw}, qr/^x-signature: \Q@{[sign($zip, $key)]}\E\r$/m,
     'has its signature on one line');
is($t->latest($app)->{json}{signature}, sign($zip, $key),
   'which the answer has, too');

# a signed manifest bundle

my $both = $t->publish($app, undef, { 'index.html' => $index }, key => $key);

for my $href ('index.html', 'capawesome-live-update-manifest.json') {
    $reply = $t->api('GET', "/artifacts/$app/$both->{bundle}?href=$href",
                     undef, token => undef);

    is($reply->{headers}{'x-signature'}, sign($reply->{body}, $key),
       "the signature of $href");
}

# no type: the name says it

my $form = $t->api('POST', "/v1/apps/$app/bundles",
                   { artifactType => 'manifest' })->{json}{id};
my %plain = ('index.html' => $index, 'x.js' => $js, 'y.svg' => '<svg/>',
             'z' => 'z');
my %with_manifest = (%plain, Test::LiveUpdate::API::manifest_of(\%plain));

$t->upload($app, $form, $with_manifest{$_}, href => $_,
           form => { mimeType => undef }) for keys %with_manifest;
is($t->api('PATCH', "/v1/apps/$app/bundles/$form",
           { artifactStatus => 'ready' })->{status}, 200, 'without types');

for my $encoding ('identity', 'gzip') {
    is_deeply({ map {
        $_ => $t->api('GET', "/artifacts/$app/$form?href=$_", undef,
                      token => undef,
                      headers => ['Accept-Encoding' => $encoding])
              ->{headers}{'content-type'}
    } keys %plain }, {
        'index.html' => 'text/html',
        'x.js' => 'application/javascript',
        'y.svg' => 'image/svg+xml',
        'z' => 'application/octet-stream',
    }, "the types of files without one, $encoding");
}

# the address of the vendor

$reply = $t->api('GET', "/v1/apps/$app/bundles/$bundle->{bundle}/download"
                        . '?href=assets%2Fa%2Bb.js', undef, token => undef);

is($reply->{status}, 302, 'the download of the API');
is($reply->{headers}{location}, "$url?href=assets%2Fa%2Bb.js",
   'is elsewhere');
is($t->api('GET', "/v1/apps/$app/bundles/$signed->{bundle}/download", undef,
           token => undef)->{headers}{location},
   "http://127.0.0.1:@{[port(8080)]}/artifacts/$app/$signed->{bundle}"
   . '/bundle.zip', 'of a zip as well');
is($t->said($t->api('GET', "/v1/apps/$app/bundles/nope/download", undef,
                    token => undef)), '404 Bundle not found.', 'of no bundle');

# 30 at once

my @sockets = map { http_start(
    "GET $path?href=assets%2Fa%2Bb.js HTTP/1.1\r\nHost: a\r\n"
    . "Connection: close\r\n\r\n"
) } 1 .. 30;

is(scalar(grep { http_content(http_end($_)) eq $files{'assets/a+b.js'} }
          @sockets), 30, '30 at once');

# again, with nobody having asked for that table yet

my $fresh = $t->publish($app, undef, { 'index.html' => $index });

@sockets = map { http_start(
    "GET /artifacts/$app/$fresh->{bundle}?href=index.html HTTP/1.1\r\n"
    . "Host: a\r\nConnection: close\r\n\r\n"
) } 1 .. 30;

is(scalar(grep { http_content(http_end($_)) eq $index } @sockets), 30,
   '30 at once who wait for the table');

# asked for before it is there

my $later = $t->api('POST', "/v1/apps/$app/bundles",
                    { artifactType => 'manifest' })->{json}{id};
my @later = ("/artifacts/$app/$later?href=index.html", undef, token => undef);
my %two = ('index.html' => $index);

%two = (%two, Test::LiveUpdate::API::manifest_of(\%two));

is($t->said($t->api('GET', @later)), $none, 'a bundle that is not there yet')
    for 1 .. 4;

$t->upload($app, $later, $two{$_}, href => $_) for keys %two;
$t->api('PATCH', "/v1/apps/$app/bundles/$later",
        { artifactStatus => 'ready' });

is(join(' ', map { $t->api('GET', @later)->{status} } 1 .. 8),
   '200 200 200 200 200 200 200 200', 'is there when it is ready');

# deleted

is($t->api('DELETE', "/v1/apps/$app/bundles/$later")->{status}, 204,
   'a bundle is deleted');
is_deeply([grep { $_ ne $none } map { $t->said($t->api('GET', @later)) }
           1 .. 20], [], 'and gone, for all');

# more tables than are kept

my @many = map { sprintf 'many-%03d', $_ } 1 .. 200;
my $table = json_encode([map { {
    href => sprintf('%s/%05d.txt', 'x' x 80, $_),
    size => 4,
    sha256 => 'SHA256',
} } 1 .. 4000]);

for my $release (@many) {
    my $sha256 = sha256_hex($release);

    $t->write_file("store/live/$app/$release/files.json",
                   $table =~ s/SHA256/$sha256/gr);
    $t->write_file("store/live/$app/$release/files/" . 'x' x 80
                   . '/04000.txt', 'last');
}

my $right = 0;

for my $round (1, 2) {
    for my $release (@many) {
        $reply = $t->api('GET', "/artifacts/$app/$release?href="
                         . 'x' x 80 . '/04000.txt', undef, token => undef);

        $right++ if $reply->{body} eq 'last'
                    && $reply->{headers}{'x-checksum'} eq sha256_hex($release);
    }
}

is($right, 2 * @many, 'more tables than are kept');

SKIP: {
    skip 'AddressSanitizer keeps what was freed', 1 if $ENV{TEST_NGINX_ASAN};

    my $most = max(map { rss($_) } $t->workers());

    cmp_ok($most, '<', 130_000, "in bounded memory: $most kB");
}

# a table that is larger than all that is kept of those that nobody asks for

$t->write_file("store/live/$app/large/files.json", json_encode([map { {
    href => sprintf('%05d.txt', $_),
    size => 4,
    sha256 => sha256_hex($_),
    signature => 'x' x 342 . '==',
} } 1 .. 20_000]));
$t->write_file("store/live/$app/large/files/20000.txt", 'last');

my $loads = loads();

is(join(' ', map {
    $t->api('GET', "/artifacts/$app/large?href=20000.txt", undef,
            token => undef)->{body}
} 1 .. 20), join(' ', ('last') x 20), 'a very large table');
cmp_ok(loads() - $loads, '<=', 2 * $t->workers(),
       'is not read for each request');

my $sum = sha256_hex($index);
ok(wait_until { $t->read_file('check.log') =~ / c=$sum$/m } 5, 'log');

###############################################################################

sub get {
    my ($rest, $headers, $method, $body) = @_;

    return $t->api($method // 'GET', "$path$rest", $body, token => undef,
                   headers => $headers || []);
}


sub okhttp {
    my ($href) = @_;

    return $href =~ s/([^A-Za-z0-9._*-])/sprintf '%%%02X', ord $1/ger;
}


sub urlquery {
    my ($href) = @_;

    return $href =~ s/([^A-Za-z0-9!\$'()*+,.\/:;?\@_~-])
                     /sprintf '%%%02X', ord $1/gerx;
}


sub urlsearchparams {
    my ($href) = @_;

    return $href =~ s/([^A-Za-z0-9._* -])/sprintf '%%%02X', ord $1/ger
                 =~ s/ /+/gr;
}


# Files of the store that workers have read, since the start.

sub loads {
    return $t->api('GET', '/status?format=json')->{json}{catalog}{loaded};
}


sub rss {
    my ($pid) = @_;

    return $t->read_file("/proc/$pid/status") =~ /^VmRSS:\s*(\d+)/m ? $1 : 0;
}
