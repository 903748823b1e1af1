#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# The directive liveupdate_publish_s3 and its key file: what nginx refuses to
# start with, and where the directive applies.

use warnings;
use strict;

use Digest::SHA qw/ sha256_hex /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT port wait_until /;
use Test::LiveUpdate::S3;

my $t = Test::LiveUpdate->new()->plan(27);
my $dir = $t->testdir();

$t->write_file('tokens', 'ci publish ' . sha256_hex('ci') . "\n");
$t->write_file('keys', "AK ci 0123456789abcdef\n");
chmod 0600, "$dir/tokens", "$dir/keys";

my $start = 'liveupdate_store store; liveupdate_tokens tokens; ';

for my $case (
    [ 'liveupdate_publish_s3;', qr/invalid number of arguments/ ],
    [ 'liveupdate_publish_s3 none;',
      qr/open\(\) ".*none" of "liveupdate_publish_s3" failed/ ],
    [ 'liveupdate_publish_s3 keys; liveupdate_publish_s3 keys;',
      qr/"liveupdate_publish_s3" directive is duplicate/ ],
    [ 'liveupdate_publish_s3 keys size=0;', qr/invalid parameter "size=0"/ ],
    [ 'liveupdate_publish_s3 keys size=x;', qr/invalid parameter "size=x"/ ],
    [ 'liveupdate_publish_s3 keys nope=1;', qr/invalid parameter "nope=1"/ ],
    [ 'liveupdate_publish_s3 keys expects=;', qr/invalid parameter "expects/ ],
    [ 'liveupdate_publish_s3 keys expects=latest.yml,;',
      qr/invalid parameter "expects/ ],
    [ 'liveupdate_publish_s3 keys expects=../latest.yml;',
      qr/invalid parameter "expects/ ],
    [ 'liveupdate_publish_s3 keys expects=latest.json;',
      qr/invalid parameter "expects/ ],
    [ 'liveupdate_publish_s3 keys expects=a.yml expects=b.yml;',
      qr/invalid parameter "expects/ ],
    [ 'liveupdate_publish_s3 keys expects=' . join(',', ('a.yml') x 101) . ';',
      qr/invalid parameter "expects/ ],
) {
    my ($text, $expected) = @$case;
    my ($said, $ok) = $t->test_config(config("$start$text"));

    ok(!$ok && $said =~ /\[emerg\] .*$expected/, substr $text, 0, 70)
        or diag($said);
}

my ($said, $ok) =
    $t->test_config(config('liveupdate_publish_s3 keys;'));
ok(!$ok && $said =~ /"liveupdate_publish_s3" .* requires "liveupdate_store"/,
   'a store is needed');

($said, $ok) =
    $t->test_config(config('liveupdate_store store; '
                           . 'liveupdate_publish_s3 keys;'));
ok($ok && $said =~ /\[warn\] the key ".+" in ".*keys" is not accepted/,
   'and tokens are');

for my $case (
    [ 'AK ci short', qr/invalid key file ".*keys": line 1 has a secret/ ],
    [ "# one\nAK publish", qr/line 2 has a secret/ ],
) {
    $t->write_file('keys', "$case->[0]\n");
    ($said, $ok) = $t->test_config(config("${start}liveupdate_publish_s3 "
                                          . 'keys;'));
    ok(!$ok && $said =~ /\[emerg\] .*$case->[1]/, "key file: $case->[0]")
        or diag($said);
    unlike($said, qr/short|0123456789abcdef/, 'no secret is logged');
}

chmod 0604, "$dir/keys";
($said, $ok) = $t->test_config(config("${start}liveupdate_publish_s3 keys;"));
ok(!$ok && $said =~ /must not be readable or writable by others/,
   'others must not read the keys');


# what is taken; locations inside and limit_except

my $other = other_disk();

$t->write_file('keys', "AK ci 0123456789abcdef\n");
chmod 0600, "$dir/keys";

$t->write_file_expand('nginx.conf', config(<<"EOC"));
$start
            liveupdate_publish_s3  keys  size=10  expects=a.yml,a.yml,b.yml;

            client_body_buffer_size  16;
            @{[ $other ? "client_body_temp_path $other;" : '' ]}

            limit_except PUT POST {
                deny  all;
            }

            location /inside/ {
                return  404  inside;
            }
EOC

$t->run();

mkdir "$dir/store/apps/shop" or die "no app: $!\n";
mkdir "$dir/store/staging/shop" or die "no app: $!\n";
mkdir "$dir/store/live/shop" or die "no app: $!\n";
$t->write_file('store/apps/shop/app.json', '{"id":"shop","name":"Shop",'
    . '"type":"electron","generation":1,"channels":[]}');

my $s3 = Test::LiveUpdate::S3->new(address => '127.0.0.1:' . port(8080),
                                   access => 'AK',
                                   secret => '0123456789abcdef');

is($s3->put('/shop/1/a', 'x' x 10)->{status}, 200, 'size, of a file');
is($s3->put('/shop/1/a', 'x' x 11)->{code}, 'EntityTooLarge', 'one byte more');
is($s3->put('/inside/1/a', 'x')->{body}, 'inside', 'not in other locations');
is($s3->send('DELETE', '/shop/1/a', query => 'uploadId=a')->{status}, 403,
   'limit_except');

my ($upload) = $s3->send('POST', '/shop/1/b', query => 'uploads')->{body}
    =~ m{<UploadId>(.*)</UploadId>};
my @parts = map {
    "<Part><PartNumber>$_</PartNumber><ETag>"
    . $s3->put('/shop/1/b', 'x' x 6, query => "partNumber=$_&uploadId=$upload")
        ->{headers}{etag} . '</ETag></Part>'
} 1, 2;

is($s3->send('POST', '/shop/1/b', query => "uploadId=$upload",
             body => "<CompleteMultipartUpload>@parts"
                     . '</CompleteMultipartUpload>')->{code},
   'EntityTooLarge', 'size, of a file in parts');

SKIP: {
    skip 'there is no other file system', 3 unless $other;

    $t->stop();
    $t->write_file('nginx.conf',
                   $t->read_file('nginx.conf') =~ s/size=10/size=1m/r);
    $t->run();

    my $bytes = 'bytes ' x 20_000;

    is($s3->put('/shop/2/large', $bytes)->{status}, 200,
       'a body that was received in another file system');
    ok($t->read_file('store/staging/shop/2/uploads/large') eq $bytes,
       'its bytes');
    ok((wait_until { !(() = glob "$other/*") } 10), 'nothing is left of it');

    rmdir $other;
}


sub config {
    my ($location) = @_;

    return <<"EOC";

%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    server {
        listen  127.0.0.1:8080;

        location / {
            $location
        }
    }
}

EOC
}


# A folder in another file system than that of the test.

sub other_disk {
    my $here = (stat $dir)[0];

    for my $folder ('/dev/shm', '/tmp', '/var/tmp') {
        my ($there) = stat $folder or next;

        return "$folder/liveupdate-s3.$$" if $there != $here && -w $folder;
    }

    return;
}
