#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Uploads of S3 clients: who may, what is refused and how, and when a release
# is complete.

use warnings;
use strict;

use Digest::MD5 qw/ md5_base64 /;
use Digest::SHA qw/ sha256_base64 sha256_hex /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT port /;
use Test::LiveUpdate::HTTP qw/ request /;
use Test::LiveUpdate::Release qw/ bytes_of manifest_of /;
use Test::LiveUpdate::S3;
use Test::LiveUpdate::Store;

my $t = Test::LiveUpdate->new()->plan(182);

my $more = <<'EOC';
        location /waits/ {
            liveupdate_publish_s3  keys  size=1k
                expects=latest.yml,latest-mac.yml,latest-linux.yml;

            client_body_buffer_size  64;
            client_body_temp_path    store/tmp/body;
        }

        location /macs/ {
            liveupdate_publish_s3  keys
                expects=latest-mac.yml,latest-mac.yml;
        }

        location /small/ {
            liveupdate_publish_s3  keys;

            client_max_body_size  10;
        }

EOC

$t->config_reference(sub {
    my ($name) = @_;

    s!^ +location / !$more$&!m if $name eq 'nginx.conf';
});

my $dir = $t->testdir();

$t->write_file('tokens', $t->read_file('tokens')
    . 'reader read ' . sha256_hex('reader') . "\n"
    . 'one publish ' . sha256_hex('one') . " shop\n"
    . 'boss admin ' . sha256_hex('boss') . "\n");

$t->write_file('keys', $t->read_file('keys')
    . "READER reader 0123456789abcdef\n"
    . "ONE one 0123456789abcdef\n"
    . "BOSS boss 0123456789abcdef\n");

chmod 0600, "$dir/tokens", "$dir/keys";

$t->run();

my $store = Test::LiveUpdate::Store->new("$dir/store");
my $address = '127.0.0.1:' . port(8080);
my $s3 = Test::LiveUpdate::S3->of($dir, $address);

for my $app (qw/ shop waits macs small other /) {
    $t->api('POST', '/v1/apps',
            { id => $app, name => $app, type => 'electron' });
}


# who may

refused($s3->put('/shop/1.0.0/a', 'x', access => 'NOBODY'),
        403, 'InvalidAccessKeyId', 'an unknown key');
refused($s3->put('/shop/1.0.0/a', 'x', secret => '0123456789abcdeg'),
        403, 'SignatureDoesNotMatch', 'another secret');
refused($s3->put('/shop/1.0.0/a', 'x', time => 16 * 60),
        403, 'RequestTimeTooSkewed', 'a clock that is ahead');
refused($s3->put('/shop/1.0.0/a', 'x', time => -16 * 60),
        403, 'RequestTimeTooSkewed', 'an old signature');
refused($s3->put('/shop/1.0.0/a', 'x', key('READER')),
        403, 'AccessDenied', 'a token of another role');
refused($s3->put('/other/1.0.0/a', 'x', key('ONE')),
        403, 'AccessDenied', 'a token for another app');
refused($s3->put('/none/1.0.0/a', 'x'),
        404, 'NoSuchBucket', 'no such app');

my $reply = request('PUT', $address, '/shop/1.0.0/a', body => 'x');
refused(read_error($reply), 403, 'AccessDenied', 'no signature');

$reply = request('PUT', $address, '/shop/1.0.0/a', body => 'x',
                 headers => [ Authorization => 'Bearer '
                                               . $t->token('publish') ]);
refused(read_error($reply), 400, 'AuthorizationHeaderMalformed',
        'a token instead of a signature');

$reply = request('PUT', $address,
                 '/shop/1.0.0/a?X-Amz-Algorithm=AWS4-HMAC-SHA256&'
                 . 'X-Amz-Signature=0', body => 'x');
refused(read_error($reply), 501, 'NotImplemented', 'a signed address');

ok(!-e "$dir/store/staging/shop/1.0.0", 'none of them has begun a release');
ok(!-e "$dir/store/apps/none", 'nor an app');


# what was signed is what came

my %wrong = (
    'another path' => sub { $_[0]{path} = '/shop/1.0.0/b' },
    'another method' => sub { $_[0]{method} = 'DELETE';
                              $_[0]{query} = 'uploadId=a' },
    'another query' => sub { $_[0]{query} = 'x-id=PutObject' },
    'another type' => sub { $_[0]{headers}{'content-type'} = 'text/html' },
    'another host' => sub { $_[0]{headers}{host} = 'localhost' },
    'another payload' => sub {
        $_[0]{headers}{'x-amz-content-sha256'} = 'UNSIGNED-PAYLOAD';
    },
);

for my $what (sort keys %wrong) {
    refused($s3->put('/shop/1.0.0/a', 'x', sign => $wrong{$what},
                     headers => { 'content-type' => 'text/plain' }),
            403, 'SignatureDoesNotMatch', $what);
}

refused($s3->put('/shop/1.0.0/a', 'x', also => { 'x-amz-acl' => 'private' }),
        403, 'AccessDenied', 'x-amz-acl that was not signed');
refused($s3->put('/shop/1.0.0/a', 'x', sign => sub { $_[0]{body} = 'y' }),
        400, 'XAmzContentSHA256Mismatch', 'other bytes');
refused($s3->put('/shop/1.0.0/a', 'x', sign => sub {
            $_[0]{headers}{authorization} =~ s/host;//;
        }),
        403, 'AccessDenied', 'the host was not signed');
refused($s3->put('/shop/1.0.0/a', 'x', sign => sub {
            $_[0]{headers}{authorization} =~ s/Signature=\K.*/0/;
        }),
        400, 'AuthorizationHeaderMalformed', 'half of a signature');


# electron-builder of some versions signs each file as if it were empty

$reply = $s3->put('/shop/1.0.0/a', 'x', payload => sha256_hex(''));

refused($reply, 400, 'XAmzContentSHA256Mismatch', 'the digest of nothing');
like($reply->{message}, qr/use a newer version/, 'what helps is said');


# what is not supported

refused($s3->put('/shop/1.0.0/a', 'x',
                 payload => 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'),
        501, 'NotImplemented', 'signed chunks');
refused($s3->put('/shop/1.0.0/a', 'x',
                 payload => 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'),
        501, 'NotImplemented', 'chunks');
refused($s3->put('/shop/1.0.0/a', 'x', payload => 'x'),
        400, 'InvalidRequest', 'no digest');
refused($s3->put('/shop/1.0.0/a', '',
                 headers => { 'x-amz-copy-source' => '/shop/1.0.0/b' }),
        501, 'NotImplemented', 'a copy');
refused($s3->send('DELETE', '/shop/1.0.0/a'),
        501, 'NotImplemented', 'a deletion');
refused($s3->send('POST', '/shop', query => 'delete'),
        501, 'NotImplemented', 'deletions');
refused($s3->send('GET', '/shop', query => 'list-type=2'),
        501, 'NotImplemented', 'a list');
refused($s3->send('GET', '/'), 501, 'NotImplemented', 'a list of buckets');
refused($s3->put('/shop/1.0.0/a', 'x', query => 'acl'),
        501, 'NotImplemented', 'an access list');
refused($s3->send('PATCH', '/shop/1.0.0/a'),
        501, 'NotImplemented', 'another method');

$t->mark_log();
$reply = request('GET', $address, '/shop/1.0.0/a');
refused(read_error($reply), 404, 'NoSuchKey', 'nothing can be read');
$t->log_unlike(qr/refused with 404: Not found/, 'nor is that of note');
is($reply->{headers}{'content-type'}, 'application/xml', 'errors are XML');
is($t->api('GET', '/shop/1.0.0/a')->{status}, 404, 'not with a token either');
is($reply->{headers}{'cache-control'}, 'no-store', 'and not kept');

is($s3->send('HEAD', '/shop')->{status}, 501, 'HEAD');

refused($s3->put('/shop/a', 'x'), 400, 'InvalidArgument', 'no release');
refused($s3->put('/shop/1.0.0/a/b/c', 'x'), 400, 'InvalidArgument',
        'folders in folders');
refused($s3->put('/shop/1.0.0/..', 'x'), 400, 'InvalidArgument', 'dots');
refused($s3->put('/shop/..%2F1/a', 'x'), 400, 'InvalidArgument',
        'encoded dots');
refused($s3->put('/shop/1.0.0/.lock', 'x'), 400, 'InvalidArgument',
        'a hidden file');
refused($s3->put('/sh.op/1.0.0/a', 'x'), 400, 'InvalidBucketName',
        'no id of an app');
refused($s3->put('/shop/rules/a', 'x'), 400, 'InvalidRequest',
        'a release with a name of the API');
refused($s3->put('/small/1/a', 'x' x 11), 413, 'EntityTooLarge',
        'client_max_body_size');

ok(!-e "$dir/store/staging/shop/1.0.0", 'no release has begun');


# a file of each form

for my $name ('a b.exe', 'a+b (1).exe', "\xc3\xa4'!*~.exe", 'empty') {
    my $encoded = Test::LiveUpdate::S3::canonical($name =~ s/\+/%2B/gr, 1);
    my $bytes = $name eq 'empty' ? '' : bytes_of($name);

    is($s3->put("/shop/1.0.0/$encoded", $bytes)->{status}, 200, $name);
    is($t->read_file("store/staging/shop/1.0.0/uploads/$name"), $bytes,
       "$name, its bytes");
}

$reply = $s3->put('/shop//1.0.0/raw+plus', 'x', payload => 'UNSIGNED-PAYLOAD');
is($reply->{status}, 200, 'another slash, and no signed payload');
is($reply->{headers}{etag}, '"' . sha256_hex('x') . '"', 'an ETag');
is($reply->{body}, '', 'and nothing else');
is($t->read_file('store/staging/shop/1.0.0/uploads/raw+plus'), 'x',
   'a plus is a plus');

is($s3->put('/shop/1.0.0/folder/a', 'x')->{status}, 200, 'in a folder');
is($t->read_file('store/staging/shop/1.0.0/uploads/folder/a'), 'x',
   'it is there');

is($s3->put('/shop/1.0.0/b', 'x', headers => {
       'x-amz-acl' => 'public-read', 'x-amz-meta-note' => ' a   b ',
       'content-type' => 'application/x',
       'x-amz-checksum-algorithm' => 'CRC32',
   })->{status}, 200, 'headers that mean nothing here');

my $release = release('shop', '1.0.0');

is($release->{state}, 'uploading', 'the release is listed');
is($release->{createdBy}, 'publish', 'by whom');

is($s3->put('/fresh/1/a', 'x', key('BOSS'))->{status}, 200,
   'an admin makes the app');
ok(-e "$dir/store/apps/fresh/app.json", 'it is there');


my $lock = $store->lock('apps/.lock');

is($s3->put('/fresh/1/b', 'x', key('BOSS'))->{status}, 200,
   'and then waits for no lock of all apps');
close $lock;

refused($s3->put('/never/1/a', 'x', key('BOSS'),
                 query => 'partNumber=1&uploadId=0'),
        404, 'NoSuchBucket', 'an admin, a part of no upload');
refused($s3->send('DELETE', '/never/1/a', key('BOSS'), query => 'uploadId=0'),
        404, 'NoSuchBucket', 'its end');
refused($s3->send('POST', '/never/1/a', key('BOSS'), query => 'uploadId=0',
                  body => '<CompleteMultipartUpload><Part><PartNumber>1'
                          . '</PartNumber><ETag>0</ETag></Part>'
                          . '</CompleteMultipartUpload>'),
        404, 'NoSuchBucket', 'its completion');
ok(!-e "$dir/store/apps/never", 'make no app');


# checksums

my %right = (
    'content-md5' => md5_base64('x') . '==',
    'x-amz-checksum-crc32' => 'jNwWgw==',
    'x-amz-checksum-sha256' => sha256_base64('x') . '=',
);

for my $name (sort keys %right) {
    my $header = { $name => $right{$name} };

    refused($s3->put('/shop/1.0.0/sum', 'y', headers => $header,
                     payload => 'UNSIGNED-PAYLOAD'),
            400, 'BadDigest', "$name, other bytes");
    refused($s3->put('/shop/1.0.0/sum', 'x', headers => { $name => 'x==' }),
            400, 'InvalidDigest', "$name, none");
    ok(!-e "$dir/store/staging/shop/1.0.0/uploads/sum", 'nothing is stored');
    is($s3->put('/shop/1.0.0/sum', 'x', headers => $header)->{status}, 200,
       "$name, right");
    unlink "$dir/store/staging/shop/1.0.0/uploads/sum";
}


# sent again

$t->mark_log();

is($s3->put('/shop/1.0.0/b', 'x')->{status}, 200, 'the same bytes again');
is(release('shop', '1.0.0')->{replaced}, undef, 'replace nothing');
is($s3->put('/shop/1.0.0/b', 'y')->{status}, 200, 'other bytes');
is(release('shop', '1.0.0')->{replaced}[0]{name}, 'b', 'are told');
is(release('shop', '1.0.0')->{replaced}[0]{by}, 'publish', 'and by whom');
is($t->read_file('store/staging/shop/1.0.0/uploads/b'), 'y', 'and kept');
$t->log_like(qr/"publish" replaced the file "b" of the release "1.0.0"/,
             'and logged');


# staged when all is there

my %files = (
    'latest.yml' => manifest_of('2.0.0', 'W Setup 2.0.0.exe'),
    'latest-mac.yml' => manifest_of('2.0.0', 'W-2.0.0-mac.zip'),
    'latest-linux.yml' => manifest_of('2.0.0', 'W-2.0.0.AppImage'),
    map { $_ => bytes_of($_) } 'W Setup 2.0.0.exe', 'W-2.0.0-mac.zip',
        'W-2.0.0.AppImage', 'unlisted.txt',
);

# the last one is a file and not a manifest

my @order = ((sort grep { !/AppImage$/ } keys %files), 'W-2.0.0.AppImage');

for my $name (@order) {
    is($t->api('GET', '/releases/waits/2.0.0')->{json}{state} // 'none',
       $name eq $order[0] ? 'none' : 'uploading', "before $name");
    is(put('waits', '2.0.0', $name)->{status}, 200, $name);
}

$release = release('waits', '2.0.0');

is($release->{state}, 'live', 'it is live with the last file');
is($release->{version}, '2.0.0', 'its version');
is($release->{leftOut}[0]{name}, 'unlisted.txt', 'what was not used');
like(http_get('/desktop/waits/latest-mac.yml'), qr/W-2\.0\.0-mac\.zip/,
     'clients get it');

for my $name (@order) {
    my $kept = $name eq 'unlisted.txt' ? 409 : 200;

    is(put('waits', '2.0.0', $name)->{status}, $kept, "$name again");
}

refused($s3->put('/waits/2.0.0/W-2.0.0.AppImage', 'x'),
        409, 'InvalidObjectState', 'other bytes are refused');
refused($s3->put('/waits/2.0.0/latest.yml', 'x'),
        409, 'InvalidObjectState', 'as a manifest, too');
refused($s3->send('POST', '/waits/2.0.0/x', query => 'uploads'),
        409, 'InvalidObjectState', 'and in parts');
refused($s3->put('/waits/2.0.1/large', 'x' x 1025),
        413, 'EntityTooLarge', 'a file that is too large');


# who sends the last file is told what is wrong, and can mend it

$files{'W Setup 3.0.0.exe'} = bytes_of('W Setup 3.0.0.exe');
$files{'latest.yml'} = manifest_of('3.0.0', 'W Setup 3.0.0.exe')
                       =~ s/sha512: ..../sha512: AAAA/r;
$files{'latest-mac.yml'} = manifest_of('3.0.0', 'W-3.0.0-mac.zip');
$files{'W-3.0.0-mac.zip'} = bytes_of('W-3.0.0-mac.zip');
$files{'latest-linux.yml'} = manifest_of('3.0.0', 'W-3.0.0.AppImage');
$files{'W-3.0.0.AppImage'} = bytes_of('W-3.0.0.AppImage');

put('waits', '3.0.0', $_) for qw/ latest.yml latest-mac.yml latest-linux.yml
                                  W-3.0.0-mac.zip W-3.0.0.AppImage /;

$reply = put('waits', '3.0.0', 'W Setup 3.0.0.exe');

refused($reply, 400, 'InvalidRequest', 'a wrong digest');
like($reply->{message}, qr/another SHA-512 than its manifest says/,
     'it is told');
is(release('waits', '3.0.0')->{state}, 'failed', 'the release has failed');

$files{'latest.yml'} = manifest_of('3.0.0', 'W Setup 3.0.0.exe');

is(put('waits', '3.0.0', 'latest.yml')->{status}, 200, 'it is mended');
is(release('waits', '3.0.0')->{state}, 'live', 'and live');
is(release('waits', '3.0.0')->{replaced}[0]{name}, 'latest.yml',
   'what was replaced is said');


# what is expected of a prerelease has the name of its channel

%files = (
    %files,
    'beta.yml' => manifest_of('4.0.0-beta.1', 'W Setup 4.0.0-beta.1.exe'),
    'beta-mac.yml' => manifest_of('4.0.0-beta.1', 'W-4.0.0-beta.1-mac.zip'),
    'beta-linux.yml' => manifest_of('4.0.0-beta.1', 'W-4.0.0-beta.1.AppImage'),
    'alpha.yml' => manifest_of('4.0.0-beta.1', 'W Setup 4.0.0-beta.1.exe'),
    map { $_ => bytes_of($_) } 'W Setup 4.0.0-beta.1.exe',
        'W-4.0.0-beta.1-mac.zip', 'W-4.0.0-beta.1.AppImage',
);

put('waits', '4.0.0-beta.1', $_)
    for 'W Setup 4.0.0-beta.1.exe', 'W-4.0.0-beta.1-mac.zip',
        'W-4.0.0-beta.1.AppImage', 'alpha.yml', 'beta-mac.yml',
        'beta-linux.yml';

is(release('waits', '4.0.0-beta.1')->{state}, 'uploading',
   'alpha.yml is not what a beta has for latest.yml');
is(put('waits', '4.0.0-beta.1', 'beta.yml')->{status}, 200,
   'but beta.yml is');
is(release('waits', '4.0.0-beta.1')->{state}, 'live', 'the beta is live');
like(http_get('/desktop/waits/latest.yml'), qr/version: 3\.0\.0/,
     'and stable as it was');

$files{'beta.yml'} = manifest_of('4.0.0', 'W Setup 4.0.0.exe');
$files{'latest-mac.yml'} = manifest_of('4.0.0', 'W-4.0.0-mac.zip');
$files{'latest-linux.yml'} = manifest_of('4.0.0', 'W-4.0.0.AppImage');
$files{$_} = bytes_of($_)
    for 'W Setup 4.0.0.exe', 'W-4.0.0-mac.zip', 'W-4.0.0.AppImage';

put('waits', '4.0.0', $_)
    for 'W Setup 4.0.0.exe', 'W-4.0.0-mac.zip', 'W-4.0.0.AppImage',
        'beta.yml', 'latest-mac.yml', 'latest-linux.yml';

is(release('waits', '4.0.0')->{state}, 'uploading',
   'a stable version has latest.yml');


# two builds with manifests of the same name

$files{'latest-mac.yml'} = manifest_of('1.0.0', 'M-1.0.0-mac.zip');
$files{'M-1.0.0-mac.zip'} = bytes_of('M-1.0.0-mac.zip');

put('macs', '1.0.0', $_) for 'M-1.0.0-mac.zip', 'latest-mac.yml';
is(release('macs', '1.0.0')->{state}, 'uploading', 'one Mac is not enough');

put('macs', '1.0.0', 'latest-mac.yml');
is(release('macs', '1.0.0')->{state}, 'uploading', 'nor the same one twice');

$files{'latest-mac.yml'} = manifest_of('1.0.0', 'M-1.0.0-arm64-mac.zip');
$files{'M-1.0.0-arm64-mac.zip'} = bytes_of('M-1.0.0-arm64-mac.zip');

put('macs', '1.0.0', $_) for 'M-1.0.0-arm64-mac.zip', 'latest-mac.yml';
is(release('macs', '1.0.0')->{state}, 'live', 'two Macs are');
is(release('macs', '1.0.0')->{replaced}, undef, 'neither was replaced');
like(http_get('/desktop/macs/latest-mac.yml'),
     qr/M-1\.0\.0-mac\.zip.*M-1\.0\.0-arm64-mac\.zip/s,
     'the manifest lists both');

# a second version in the place of the first one

$files{'latest-mac.yml'} = manifest_of('1.0.1', 'M-1.0.1-mac.zip');
put('macs', 'next', 'latest-mac.yml');
$files{'latest-mac.yml'} = manifest_of('1.0.2', 'M-1.0.2-mac.zip');
put('macs', 'next', 'latest-mac.yml');
is(release('macs', 'next')->{replaced}[0]{name}, 'latest-mac.yml',
   'another version replaces the manifest');
ok(!-e "$dir/store/staging/macs/next/uploads/2", 'and lies not beside it');

# signed ones cannot be made into one

$files{'latest-mac.yml'} = manifest_of('1.0.3', 'M-1.0.3-mac.zip')
                           . "signatures: [ one ]\n";
$files{'M-1.0.3-mac.zip'} = bytes_of('M-1.0.3-mac.zip');
put('macs', '1.0.3', $_) for 'M-1.0.3-mac.zip', 'latest-mac.yml';
$files{'latest-mac.yml'} = manifest_of('1.0.3', 'M-1.0.3-arm64-mac.zip')
                           . "signatures: [ two ]\n";
$files{'M-1.0.3-arm64-mac.zip'} = bytes_of('M-1.0.3-arm64-mac.zip');
put('macs', '1.0.3', 'M-1.0.3-arm64-mac.zip');
refused(put('macs', '1.0.3', 'latest-mac.yml'), 400, 'InvalidRequest',
        'signed manifests are not merged');


# what is expected, said by a call

$reply = $t->api('POST', '/releases/shop/4.0.0/stage',
                 { expects => ['latest.yml'] }, token => 'publish');
is($reply->{status}, 202, 'a release is announced');
is($reply->{json}{state}, 'uploading', 'and waits');

$files{'latest.yml'} = manifest_of('4.0.0', 'S Setup 4.0.0.exe');
$files{'S Setup 4.0.0.exe'} = bytes_of('S Setup 4.0.0.exe');

put('shop', '4.0.0', 'latest.yml');
is(release('shop', '4.0.0')->{state}, 'uploading', 'for the file');
put('shop', '4.0.0', 'S Setup 4.0.0.exe');
is(release('shop', '4.0.0')->{state}, 'live', 'that the manifest names');

for my $wrong ([], 'latest.yml', ['../latest.yml'], ['latest.exe'], [1]) {
    is($t->api('POST', '/releases/shop/5.0.0/stage', { expects => $wrong },
               token => 'publish')->{status}, 422, 'an invalid list');
}

$files{'latest.yml'} = manifest_of('6.0.0', 'S Setup 6.0.0.exe');
$files{'S Setup 6.0.0.exe'} = bytes_of('S Setup 6.0.0.exe');

put('shop', '6.0.0', $_) for 'latest.yml', 'S Setup 6.0.0.exe';
is(release('shop', '6.0.0')->{state}, 'uploading',
   'where nothing is expected, nothing is staged');
is($t->api('POST', '/releases/shop/6.0.0/stage', {}, token => 'publish')
   ->{json}{state}, 'live', 'but by a call');


# in parts

my ($upload) = $s3->send('POST', '/shop/7.0.0/a%20b', query => 'uploads=')
    ->{body} =~ m{<UploadId>(.*)</UploadId>};
ok($upload, 'an upload in parts');

my @etags = map {
    $s3->put('/shop/7.0.0/a%20b', "part $_",
             query => "partNumber=$_&uploadId=$upload")->{headers}{etag}
} 2, 1, 3;

is($etags[0], '"' . sha256_hex('part 2') . '"', 'a part has an ETag');
ok(!-e "$dir/store/staging/shop/7.0.0/uploads/a b", 'there is no file yet');

refused($s3->put('/shop/7.0.0/c', 'x',
                 query => "partNumber=1&uploadId=$upload"),
        404, 'NoSuchUpload', 'a part of another file');
refused($s3->put('/shop/7.0.0/a%20b', 'x',
                 query => 'partNumber=1&uploadId=0'),
        404, 'NoSuchUpload', 'a part of no upload');
refused($s3->put('/shop/8.0.0/a', 'x',
                 query => "partNumber=1&uploadId=$upload"),
        404, 'NoSuchUpload', 'a part of no release');
ok(!-e "$dir/store/staging/shop/8.0.0", 'does not begin one');
refused(complete([1, $etags[0]]), 400, 'InvalidPart', 'another part');
refused(complete([4, $etags[0]]), 400, 'InvalidPart', 'a part too many');
refused(complete([2, $etags[0]], [1, $etags[1]]), 400, 'MalformedXML',
        'in another order');
refused(complete(), 400, 'MalformedXML', 'no parts');

my @parts = ([1, $etags[1]], [2, $etags[0]], [3, $etags[2]]);

$reply = complete(@parts);
is($reply->{status}, 200, 'it is complete');
like($reply->{body}, qr{<Key>7\.0\.0/a b</Key>}, 'its name');
is($t->read_file('store/staging/shop/7.0.0/uploads/a b'),
   'part 1part 2part 3', 'its bytes');
is(complete(@parts)->{status}, 200, 'it can be completed again');
is(join(' ', glob "$dir/store/staging/shop/7.0.0/uploads/.parts/*/*"), '',
   'no parts are left');

# also after the release went live, as a client does that had no answer

$files{'latest.yml'} = manifest_of('7.1.0', 'P Setup 7.1.0.exe');

my $half = length(bytes_of('P Setup 7.1.0.exe')) / 2;
my $path = '/shop/7.1.0/P%20Setup%207.1.0.exe';

put('shop', '7.1.0', 'latest.yml');
$t->api('POST', '/releases/shop/7.1.0/stage', { expects => ['latest.yml'] },
        token => 'publish');

($upload) = $s3->send('POST', $path, query => 'uploads=')
    ->{body} =~ m{<UploadId>(.*)</UploadId>};

my @pieces = unpack "(a$half)*", bytes_of('P Setup 7.1.0.exe');

@parts = map {
    [$_, $s3->put($path, $pieces[$_ - 1],
                  query => "partNumber=$_&uploadId=$upload")->{headers}{etag}]
} 1 .. @pieces;

$reply = complete_at($path, @parts);
is($reply->{status}, 200, 'the last file, in parts');
is(release('shop', '7.1.0')->{state}, 'live', 'the release is live');
is(complete_at($path, @parts)->{body}, $reply->{body},
   'completed again, the same ETag');
refused(complete_at('/shop/7.1.0/other', @parts), 404, 'NoSuchUpload',
        'but not for another file');

$upload = 'other';
refused(complete_at($path, @parts), 404, 'NoSuchUpload', 'nor another upload');

($upload) = $s3->send('POST', '/shop/7.0.0/a%20b', query => 'uploads=')
    ->{body} =~ m{<UploadId>(.*)</UploadId>};
is($s3->send('DELETE', '/shop/7.0.0/a%20b', query => "uploadId=$upload")
   ->{status}, 204, 'an upload is aborted');
refused($s3->send('DELETE', '/shop/7.0.0/a%20b', query => "uploadId=$upload"),
        404, 'NoSuchUpload', 'once');


# files and folders

refused($s3->put('/shop/1.0.0/folder', 'x'), 409, 'InvalidObjectState',
        'a file with the name of a folder');
refused($s3->put('/shop/1.0.0/b/a', 'x'), 409, 'InvalidObjectState',
        'a folder with the name of a file');


# how many

$t->write_file("store/staging/shop/full-1/uploads/$_", '') for 1 .. 2000;
$t->write_file("store/staging/shop/full-2/uploads/part/$_", '') for 1 .. 1999;

refused($s3->put('/shop/full-1/a', 'x'), 409, 'InvalidObjectState',
        'a file too many');
is($s3->put('/shop/full-1/1', 'x')->{status}, 200, 'one of them again');
refused($s3->put('/shop/full-2/other/a', 'x'), 409, 'InvalidObjectState',
        'a file too many, in folders');


is($t->api('DELETE', '/releases/shop/7.0.0', undef, token => 'approve')
   ->{status}, 204, 'an upload can be deleted');
ok(!-e "$dir/store/staging/shop/7.0.0", 'it is gone');

is(join("\n", $store->check), '',
   'the store is sound');


# The status and code of an error, with a message.

sub refused {
    my ($reply, $status, $code, $what) = @_;

    my $said = $reply->{message} // '';

    is(join(' ', $reply->{status}, $reply->{code} // 'none',
            $said =~ /^\S.*\.?$/s ? 'said' : 'nothing'),
       "$status $code said", $what);
}


sub read_error {
    my ($reply) = @_;

    ($reply->{code}) = $reply->{body} =~ m{<Code>(.*)</Code>};
    ($reply->{message}) = $reply->{body} =~ m{<Message>(.*)</Message>};

    return $reply;
}


sub key {
    return (access => $_[0], secret => '0123456789abcdef');
}


sub put {
    my ($app, $release, $name) = @_;

    my $encoded = Test::LiveUpdate::S3::canonical($name, 1);

    return $s3->put("/$app/$release/$encoded", $files{$name});
}


sub release {
    my ($app, $id) = @_;

    return $t->api('GET', "/releases/$app/$id")->{json};
}


sub complete {
    my (@parts) = @_;

    return complete_at('/shop/7.0.0/a%20b', @parts);
}


sub complete_at {
    my ($path, @parts) = @_;

    return $s3->send('POST', $path, query => "uploadId=$upload",
                     body => '<CompleteMultipartUpload>'
                             . join('', map {
                                 "<Part><PartNumber>$_->[0]</PartNumber>"
                                 . "<ETag>$_->[1]</ETag></Part>"
                             } @parts)
                             . '</CompleteMultipartUpload>');
}
