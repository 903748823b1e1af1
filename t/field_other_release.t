#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# No release answers for another one: names with the id of another release are
# refused when a release is staged, and the feed sends nothing for a release
# that is not in its own file table.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT wait_until /;
use Test::LiveUpdate::Release qw/ bytes_of dist manifest_of stage_dist /;

my $t = Test::LiveUpdate->new()->plan(60);

$t->config_reference()->run();

my $app = 'shop';
my $dir = $t->testdir();

$t->api('POST', '/v1/apps', { name => $app, type => 'electron', id => $app });

# C1 has nothing for macOS and no blockmap

is(stage_dist($t, $app, 'C1', {
    'latest.yml' => ['1.0.0', 'Shop Setup 1.0.0.exe',
                     'Shop Setup 1.0.0 - Build C1-x64.exe'],
})->{json}{state}, 'live', 'C1 is live');

nothing('before');

my %good = ('latest.yml' => ['9.9.9', 'Shop Setup 9.9.9.exe']);
my %mac = (version => '9.9.9', artifacts => { zip => { x64 => {
    url => 'https://example.com/Evil-9.9.9-mac.zip' } } });

refused('a manifest with its id', qr/latest-mac-build-C1\.yml" is named after/,
        { %good, 'latest-mac-build-C1.yml' => ['9.9.9', 'Evil-mac.zip'] });

refused('another channel', qr/beta-linux-arm64-build-C1\.yml" is named after/,
        { %good, 'beta-linux-arm64-build-C1.yml' => ['9.9.9', 'E.AppImage'] });

refused('the id of a release to come', qr/latest-mac-build-C9\.yml" is named/,
        { %good, 'latest-mac-build-C9.yml' => ['9.9.9', 'Evil-mac.zip'] });

refused('a longer id', qr/latest-mac-build-A1-2\.yml" is named/,
        { %good, 'latest-mac-build-A1-2.yml' => ['9.9.9', 'Evil-mac.zip'] },
        'A1');

refused('a shorter id', qr/latest-mac-build-A1\.yml" is named/,
        { %good, 'latest-mac-build-A1.yml' => ['9.9.9', 'Evil-mac.zip'] },
        'A1-2');

refused('an id in an id', qr/latest-mac-build-C1-build-A2\.yml" is named/,
        { %good, 'latest-mac-build-C1-build-A2.yml' => ['9.9.9', 'E.zip'] });

refused('no id', qr/latest-mac-build-\.yml" is named/,
        { %good, 'latest-mac-build-.yml' => ['9.9.9', 'Evil-mac.zip'] });

refused('a version', qr/latest-mac-1\.0\.0\.yml" has a version/,
        { %good, 'latest-mac-1.0.0.yml' => ['9.9.9', 'Evil-mac.zip'] });

refused('a list with its id', qr/td-latest-mac-build-C1\.json" is named/,
        { %good, 'latest-mac.yml' => ['9.9.9', 'Evil-9.9.9-mac.zip'] },
        undef, 'td-latest-mac-build-C1.json' => list(\%mac));

refused('a list with a version', qr/td-latest-mac-1\.0\.0\.json" has a version/,
        { %good, 'latest-mac.yml' => ['9.9.9', 'Evil-9.9.9-mac.zip'] },
        undef, 'td-latest-mac-1.0.0.json' => list(\%mac));

refused('a list as a file', qr/td-latest-mac-build-C1\.json" is listed, but/,
        { 'latest.yml' => ['9.9.9', 'td-latest-mac-build-C1.json'] },
        undef, 'td-latest-mac-build-C1.json' => list(\%mac));

refused('any JSON as a file', qr/latest-mac-build-C1\.json" is listed, but/,
        { 'latest.yml' => ['9.9.9', 'latest-mac-build-C1.json'] });

refused('a manifest of its own use as a file',
        qr/builder-debug\.yml" is listed, but/,
        { 'latest.yml' => ['9.9.9', 'builder-debug.yml'] });

refused('an installer with its id', qr/Build C1-arm64\.exe" has the id/,
        { 'latest.yml' => ['9.9.9', 'Shop 9.9.9 - Build C1-arm64.exe'] });

refused('an archive with its id', qr/build-C1-mac\.zip" has the id/,
        { 'latest-mac.yml' => ['9.9.9', 'shop-9.9.9-build-C1-mac.zip'] });

refused('a blockmap of its file', qr/1\.0\.0\.exe\.blockmap" is the blockmap/,
        { 'latest.yml' => ['9.9.9', 'Shop Setup 1.0.0.exe.blockmap'] });

nothing('after');

# names that only look so

is(stage_dist($t, $app, 'A3', {
    'latest-linux.yml' => ['1.1.0', 'my-build-tool-1.1.0.AppImage',
                           'Build Tool - Build A3-x64.deb',
                           'C1-build-A3.AppImage',
                           'shop-build-C12.AppImage'],
})->{json}{state}, 'live', 'a release with "build" in its names');

is(stage_dist($t, $app, 'my-build-7', {
    'latest-linux-build-my-build-7.yml' => ['1.2.0', 'x-1.2.0.AppImage'],
    'td-latest-linux.json' => ['1.2.0', 'x-1.2.0.AppImage'],
})->{status}, 422, 'a list that is no JSON');

my $uploads = dist($t, $app, 'my-build-8', {
    'latest-linux-build-my-build-8.yml' => ['1.2.0', 'x-1.2.0.AppImage'],
});

$t->write_file("$uploads/td-latest-linux.json", list({ artifacts => {
    appImage => { arm64 => { url => 'x-1.2.0.AppImage' } } } }));

is($t->api('POST', "/releases/$app/my-build-8/stage", {}, token => 'publish')
   ->{json}{state}, 'live', 'an id with "-build-"');
like(get('/desktop/shop/latest-linux.yml'), qr/^version: 1\.2\.0$/m,
     'its manifest');
is(get('/download/shop/linux/appImage/arm64'), bytes_of('x-1.2.0.AppImage'),
   'its list, which came without the id');

# what is in the feed of an older store, or by another's hand

$t->write_file("store/feed/$app/latest-mac-build-C1.yml",
               manifest_of('9.9.9', 'Evil-mac.zip'));
$t->write_file("store/feed/$app/td-latest-mac-build-C1.json", list(\%mac));
$t->write_file("store/feed/$app/latest-mac.yml",
               manifest_of('9.9.9', 'Evil-mac.zip'));
$t->write_file("store/feed/$app/latest-mac-build-C9.yml",
               manifest_of('9.9.9', 'Evil-mac.zip'));
$t->write_file("store/feed/$app/Evil-9.9.9-mac.zip", 'evil');
$t->write_file("store/feed/$app/Shop Setup 1.0.0 - Build C1-x64.exe.blockmap",
               'evil');

$t->api('PUT', "/releases/$app/rules", { latestReleaseBuildId => 'C1' });

nothing('in the feed');

is(get('/desktop/shop/latest-mac-build-C9.yml'), 404,
   'of no release: nothing');
is(get('/desktop/shop/Shop%20Setup%201.0.0%20-%20Build%20A3-x64.exe.blockmap'),
   404, 'the blockmap of another version: nothing');

# a list of C1's that names a file of another release

my $list = "store/feed/$app/td-latest-build-C1.json";
my $text = $t->read_file($list);

unlink "$dir/$list" or die "cannot unlink: $!\n";
$t->write_file($list, list({ version => '1.0.0', artifacts => {
    nsis => { x64 => { url => 'x-1.2.0.AppImage' } } } }));

ok((wait_until { get('/download/shop/windows') eq '404' } 10),
   'a list with a file of another release: nothing');

$t->write_file("$list.new", $text);
rename "$dir/$list.new", "$dir/$list" or die "cannot rename: $!\n";

ok((wait_until {
    get('/download/shop/windows') eq bytes_of('Shop Setup 1.0.0.exe')
} 10), 'its own files: there again');

# what was withdrawn is not there, whoever has a file of its name

is(stage_dist($t, $app, 'C2', { 'latest-mac.yml' => ['2.0.0', 'S-2.zip'] })
   ->{json}{state}, 'live', 'C2 is live');
like(get('/desktop/shop/latest-mac-build-C2.yml'), qr/^version: 2\.0\.0$/m,
     'its manifest');

$t->api('POST', "/releases/$app/C2/withdraw", {}, token => 'approve');
$t->write_file("store/feed/$app/latest-mac-build-C2.yml",
               manifest_of('9.9.9', 'Evil-mac.zip'));

ok((wait_until { get('/desktop/shop/latest-mac-build-C2.yml') eq '404' } 10),
   'withdrawn: nothing');

# the store checks what is in the feed

unlink glob("$dir/store/feed/$app/*Evil*"),
       map { "$dir/store/feed/$app/$_" } qw/
           latest-mac-build-C1.yml td-latest-mac-build-C1.json
           latest-mac.yml latest-mac-build-C9.yml latest-mac-build-C2.yml
       /;

###############################################################################

# Stages a release that must be refused, and leaves nothing of it.

sub refused {
    my ($what, $why, $manifests, $id, %files) = @_;

    $id //= 'A2';

    my $uploads = dist($t, $app, $id, $manifests);

    $t->write_file("$uploads/$_", $files{$_}) for keys %files;

    my $reply = $t->api('POST', "/releases/$app/$id/stage", {},
                        token => 'publish');

    like("$reply->{status} $reply->{json}{message}", qr/^422 .*$why/, $what);

    is($t->api('DELETE', "/releases/$app/$id", undef, token => 'approve')
       ->{status}, 204, "$what: deleted");
}


# Nothing of C1 for macOS, and what it has is as it was.

sub nothing {
    my ($when) = @_;

    is(get('/desktop/shop/latest-mac.yml'), 404, "$when: no manifest");
    is(get('/desktop/shop/latest-mac-build-C1.yml'), 404,
       "$when: nor by its id");
    is(get('/download/shop/mac'), 404, "$when: no download");
    like(get('/desktop/shop/latest.yml'), qr/^version: 1\.0\.0$/m,
         "$when: for Windows");
    is(get('/download/shop/windows'), bytes_of('Shop Setup 1.0.0.exe'),
       "$when: its installer");
}


sub get {
    my ($path) = @_;

    my $reply = $t->api('GET', $path, undef, token => undef,
                        headers => ['User-Agent' => 'x']);

    return $reply->{status} == 200 ? $reply->{body} : $reply->{status};
}


sub list {
    return Test::LiveUpdate::json_encode($_[0]);
}

###############################################################################
