#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# What belongs to an unfinished bundle has limits: the files that are announced,
# and the uploads in parts that are open.

use warnings;
use strict;

use Digest::SHA qw/ sha256_hex /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_encode /;
use Test::LiveUpdate::Store;

# docs/api.md

use constant { FILES => 20_001, UPLOADS => 1_000 };

my $t = Test::LiveUpdate->new()->plan(33);

$t->config_reference()->run();

my $dir = $t->testdir() . '/store';
my $store = Test::LiveUpdate::Store->new($dir);
my $app = $t->create_app('Shop');
my $path = "/v1/apps/$app/bundles";
my $bundle = bundle();
my $uploads = "staging/$app/$bundle/uploads";
my $full = qr/^409 The bundle has 20001 files, with its manifest, the most /;

# files

is(announce('a.js')->{status}, 201, 'a file is announced');
is(announce('b.js')->{status}, 201, 'another one');
is(announce('a.js')->{status}, 201, 'the first one again');
is(-s "$dir/$uploads/.count", 2, 'two are counted');

fake($_) for 3 .. FILES - 1;
truncate "$dir/$uploads/.count", FILES - 1 or die "truncate: $!\n";

is(announce('last.js')->{status}, 201, 'the last one that there is room for');
$t->refused(sub { announce('more.js') }, $full, 'no more');
$t->refused(sub { announce('more.js', file => { bytes => 'x' x 10,
                                                filename => 'x' }) }, $full,
            'nor with its bytes');
is(announce('a.js')->{status}, 201, 'one of them may be replaced');

# who has counted too much, or nothing, counts again

unlink "$dir/$uploads/" . uuid(3) . '.json' or die "unlink: $!\n";
is(announce('more.js')->{status}, 201, 'there is room for one that is missing');
unlink "$dir/$uploads/.count" or die "unlink: $!\n";
like($t->said(announce('much.js')), $full, 'a store without a count');

is($t->api('DELETE', "$path/$bundle")->{status}, 204, 'it is deleted');
is(join("\n", $store->check()), '', 'the store is whole');

my $done = $t->publish($app, undef, { 'index.html' => 'x', 'a.js' => 'a' });

ok($done->{ok}, 'a bundle');
ok(!-e "$dir/live/$app/$done->{bundle}/uploads", 'nothing is left of a count');

# uploads in parts

$bundle = bundle();
$uploads = "staging/$app/$bundle/uploads";
announce('large.js', sizeInBytes => 10);

my ($file) = map { m{([^/]+)\.json$} } glob "$dir/$uploads/*.json";
my $list = "staging/$app/.uploads";
my $many = qr/^409 The app has 1000 open uploads in parts, the most /;
my @open = map { create() } 1 .. 3;

is(join(' ', map { $_->{status} } @open), '201 201 201', 'uploads are open');
is(listed(), 3, 'three of them');
is(upload('DELETE', 'mpu-abort', $open[0])->{status}, 204, 'one is aborted');
is(listed(), 2, 'and does not count any more');

# those of other bundles of the app count, too

my $other = bundle();

open_upload($_) for 3 .. UPLOADS;
$t->refused(sub { create() }, $many, 'too many');
is(upload('DELETE', 'mpu-abort', $open[1])->{status}, 204, 'one is aborted');
is(create()->{status}, 201, 'there is room for another one');
$t->refused(sub { create() }, $many, 'not for two');
is(part($open[2])->{status}, 200, 'those that are open go on');
is($t->api('POST', "$path/$bundle/files/$file/upload?action=mpu-complete"
           . "&uploadId=$open[2]{json}{uploadId}",
           { parts => [ { partNumber => 1,
                          etag => sha256_hex('x' x 10) } ] },
           token => 'publish')->{status}, 200, 'to their end');
is(create()->{status}, 201, 'which makes room');

# another app has its own

my $second = $t->create_app('Second');
my $body = { %{$t->publish($second, undef, { 'index.html' => 'y' })} };

ok($body->{ok}, 'another app');
ok($t->publish($second, undef, { 'index.html' => 'y' x 100 },
               parts => 30)->{ok}, 'uploads in parts');

# those of a bundle that is deleted go with it

is($t->api('DELETE', "$path/$other")->{status}, 204, 'a bundle is deleted');
is(create()->{status}, 201, 'there is room');
cmp_ok(listed(), '<', 10, 'which was found when it was needed');

is(join("\n", $store->check()), '', 'the store is whole');
is($t->api('DELETE', "/v1/apps/$app")->{status}, 204, 'the app is deleted');
ok(!-e "$dir/staging/$app", 'with all that');


sub bundle {
    return $t->api('POST', $path, { artifactType => 'manifest' },
                   token => 'publish')->{json}{id};
}


sub announce {
    my ($href, %more) = @_;

    my ($body, $type) = Test::LiveUpdate::HTTP::multipart(
        href => $href, checksum => sha256_hex('x' x 10), sizeInBytes => 10,
        %more);

    return $t->api('POST', "$path/$bundle/files", $body, type => $type,
                   token => 'publish');
}


sub create {
    return upload('POST', 'mpu-create');
}


sub upload {
    my ($method, $action, $open) = @_;

    my $id = $open ? "&uploadId=$open->{json}{uploadId}" : '';

    return $t->api($method,
                   "$path/$bundle/files/$file/upload?action=$action$id",
                   undef, token => 'publish');
}


sub part {
    my ($open) = @_;

    my ($body, $type) = Test::LiveUpdate::HTTP::multipart(
        blob => { bytes => 'x' x 10, filename => 'blob' }, partNumber => 1);

    return $t->api('PUT', "$path/$bundle/files/$file/upload?action="
                   . "mpu-uploadpart&uploadId=$open->{json}{uploadId}", $body,
                   type => $type, token => 'publish');
}


# As if it was created in the other bundle.

sub open_upload {
    my ($n) = @_;

    my $name = uuid($n) . '.' . uuid($n);

    $t->write_file("store/staging/$app/$other/uploads/$name", '');
    $t->write_file("store/$list/$other.$name", '');
}


sub listed {
    my @names = glob "$dir/$list/*";

    return scalar @names;
}


sub uuid {
    return sprintf '00000000-0000-4000-8000-%012d', @_;
}


sub fake {
    my ($n) = @_;

    $t->write_file("store/$uploads/" . uuid($n) . '.json', json_encode(
        { href => "f$n", size => 1, sha256 => sha256_hex($n) }));
}
