#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# What several builds of one version upload into one release: folders with
# manifests of the same name, which become one; manifests that were replaced by
# another upload; what is left out, and that this is said; and that what is
# wrong is called by its name.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_decode /;
use Test::LiveUpdate::Dist qw/ manifest upload /;

my $CLIENTS = "$Test::LiveUpdate::ROOT/t/clients/node_modules";

my $t = Test::LiveUpdate->new()->has_daemon('node');

plan(skip_all => 'electron-updater is not installed: make clients')
    unless -d "$CLIENTS/electron-updater";

$t->plan(69);

$t->config_reference(sub {
    s{^liveupdate_approval .*}{liveupdate_approval  on;}m;
})->run();

my $app = 'shop';
my $n = 0;
my ($id, $reply);

$t->api('POST', '/v1/apps',
        { name => 'Shop', type => 'electron', id => $app });

my %x64 = ('Shop-2.0.0-mac.zip' => 'x64 zip', 'Shop-2.0.0.dmg' => 'x64 dmg');
my %arm = ('Shop-2.0.0-arm64-mac.zip' => 'arm64 zip',
           'Shop-2.0.0-arm64.dmg' => 'arm64 dmg');

# two Macs upload into the same place

refused(stage({ %x64, %arm, 'latest-mac.yml' => mac(\%arm) }),
        qr/^422 "Shop-2\.0\.0-mac\.zip" is .*-arm64-mac\.zip.*"latest-mac\.y/,
        'a manifest that replaced another one');
is(state(), 'failed', 'the release says so');
like(release()->{reason}, qr/without/, 'and what can be done');
refused(stage({ %x64, %arm, 'latest-mac.yml' => mac(\%x64) }),
        qr/^422 "Shop-2\.0\.0-arm64.*"latest-mac\.yml"/,
        'in the other order');

# unless that is what is wanted

$reply = again(without => [ sort keys %arm ]);
is($reply->{status}, 202, 'the files that are to be left out are named');
is_deeply([ map { $_->{name} } @{$reply->{json}{leftOut}} ],
          [ sort keys %arm ], 'and are left out');
is_deeply(release()->{leftOut}, $reply->{json}{leftOut},
          'the release says so');
is(release()->{leftOutCount}, 2, 'all of them');
is_deeply([ hrefs() ], [ sort(keys %x64), manifests('latest-mac') ],
          'and has the others');

# each in a folder of its own

is(stage({ in('x64', { %x64, 'latest-mac.yml' => mac(\%x64) }),
           in('arm', { %arm, 'latest-mac.yml' => mac(\%arm),
                       'builder-debug.yml' => 'x: {}' }) })->{status},
   202, 'two Macs, two folders');
is_deeply([ hrefs() ],
          [ sort(keys %x64, keys %arm), manifests('latest-mac') ],
          'all of their files');
is_deeply(left(),
          { 'arm/builder-debug.yml' => q(is electron-builder's own) },
          'one is left out');
call('promote');

my $yml = get('latest-mac.yml')->{body};

is_deeply(updater('x64', $yml), [ 'Shop-2.0.0-mac.zip', '2.0.0' ],
          'electron-updater on Intel');
is_deeply(updater('arm64', $yml), [ 'Shop-2.0.0-arm64-mac.zip', '2.0.0' ],
          'electron-updater on Apple silicon');
is_deeply(js($yml)->{files}[0], js(mac(\%x64))->{files}[0],
          'what is listed first is what is for all');
is(js($yml)->{path}, 'Shop-2.0.0-mac.zip', 'also for old updaters');
is(js($yml)->{releaseDate}, '2026-11-21T09:00:00.000Z', 'a text stays one');

for my $file (sort keys %x64, keys %arm) {
    is(get($file)->{body}, $x64{$file} // $arm{$file}, $file);
}

is(download('mac/dmg/x64'), 'x64 dmg', 'people get it for Intel');
is(download('mac/dmg/arm64'), 'arm64 dmg', 'and for Apple silicon');

# members that the manifests share, and such as they do not

my $notes = "releaseNotes: |-\n  * one: 1\n\n  * \"two\" # 2\n"
            . "minimumSystemVersion: '23.0'\nstagingPercentage: 50\n";

is(stage({ in('a', { %x64, 'latest-mac.yml' => mac(\%x64, extra => $notes) }),
           in('b', { %arm, 'latest-mac.yml' => mac(\%arm, extra => $notes,
                                                   modern => 1) }) })
   ->{status}, 202, 'with notes');
$yml = file("latest-mac-build-$id.yml");
is(js($yml)->{releaseNotes}, "* one: 1\n\n* \"two\" # 2", 'they are kept');
is(js($yml)->{minimumSystemVersion}, '23.0', 'a text that looks like a number');
is(js($yml)->{stagingPercentage}, 50, 'and a number');

for ([ 'releaseNotes' => "releaseNotes: one\n", "releaseNotes: two\n" ],
     [ 'signature' => "signature: aa\n", "signature: bb\n" ],
     [ 'stagingPercentage' => '', "stagingPercentage: 10\n" ])
{
    my ($member, $one, $two) = @$_;

    refused(stage({
        in('a', { %x64, 'latest-mac.yml' => mac(\%x64, extra => $one) }),
        in('b', { %arm, 'latest-mac.yml' => mac(\%arm, extra => $two) }),
    }), qr/^422 "latest-mac\.yml" is invalid: "$member" differs/,
    "another $member");
}

refused(stage({
    in('a', { %x64, 'latest-mac.yml' => mac(\%x64) }),
    in('b', { %arm, 'latest-mac.yml' => manifest('2.0.1', \%arm) }),
}), qr{^422 "b/latest-mac\.yml" is of another version}, 'another version');

refused(stage({
    in('a', { %x64, 'latest-mac.yml' => mac(\%x64) }),
    in('b', { %arm, 'latest-mac.yml' => 'version: 2.0.0' }),
}), qr{^422 "b/latest-mac\.yml" is invalid: }, 'a manifest that is none');

# the same file in two folders

my %same = ('Shop-2.0.0-universal.zip' => 'both');
my %other = ('Shop-2.0.0-universal.zip' => 'another one');

is(stage({ in('a', { %same, 'latest-mac.yml' => mac(\%same) }),
           in('b', { %same, 'latest-mac.yml' => mac(\%same) }) })->{status},
   202, 'the same file twice');
is_deeply([ hrefs() ], [ sort(keys %same), manifests('latest-mac') ],
          'is there once');
is_deeply(left(), {}, 'and not left out');

refused(stage({ in('a', { %same, 'latest-mac.yml' => mac(\%same) }),
                in('b', { %other, 'latest-mac.yml' => mac(\%other) }) }),
        qr{^422 "a/Shop-2\.0\.0-universal\.zip" has other bytes than
           [ ]"b/Shop|^422 .*two[ ]different[ ]SHA-512}x,
        'another file of the same name');

# a folder and what lies beside it

is(stage({ %x64, 'latest-mac.yml' => mac(\%x64),
           in('arm', { %arm, 'latest-mac.yml' => mac(\%arm) }),
           in('mac-arm64', { 'Shop.app' => 'unpacked' }) })->{status},
   202, 'one of them on top');
is_deeply([ hrefs() ],
          [ sort(keys %x64, keys %arm), manifests('latest-mac') ],
          'all of their files');
is_deeply(left(),
          { 'mac-arm64' => 'is a folder without an update manifest' },
          'what is unpacked is left out');

# Windows, two architectures: what is for Intel comes first

my %win = ('Shop Setup 2.0.0.exe' => 'x64', 'Shop Setup 2.0.0.exe.blockmap'
           => 'map');
my %win_arm = ('Shop Setup 2.0.0-arm64.exe' => 'arm64');
my @exe = ('Shop Setup 2.0.0.exe');

is(stage({ in('1', { %win_arm, 'latest.yml' => manifest('2.0.0', \%win_arm) }),
           in('2', { %win, 'latest.yml' => manifest('2.0.0', \%win,
                                                    order => \@exe) }) })
   ->{status}, 202, 'Windows from two builds');
is(js(file("latest-build-$id.yml"))->{files}[0]{url}, 'Shop Setup 2.0.0.exe',
   'Intel first');
is(js(file("latest-build-$id.yml"))->{path}, 'Shop Setup 2.0.0.exe',
   'and for old updaters');
is(scalar(grep { /blockmap$/ } hrefs()), 1, 'with its blockmap');

# packages of nsis-web

my %web = ('Shop Web Setup 2.0.0.exe' => 'web');
my ($pkg64, $pkg32) = map {
    "packages:\n  $_:\n    path: shop-2.0.0-$_.nsis.7z\n    sha512: "
    . Test::LiveUpdate::Dist::digest("package $_") . "\n    size: "
    . length("package $_") . "\n"
} qw/ x64 ia32 /;

is(stage({ in('nsis-web', { %web, 'shop-2.0.0-x64.nsis.7z' => 'package x64',
                            'latest.yml' => manifest('2.0.0', \%web,
                                                     extra => $pkg64) }),
           in('other', { %web, 'shop-2.0.0-ia32.nsis.7z' => 'package ia32',
                         'latest.yml' => manifest('2.0.0', \%web,
                                                  extra => $pkg32) }) })
   ->{status}, 202, 'web installers');
is_deeply([ sort keys %{js(file("latest-build-$id.yml"))->{packages}} ],
          [ qw/ ia32 x64 / ], 'with both packages');

# what was left of an older version, and what is not for updates

is(stage({ %x64, 'latest-mac.yml' => mac(\%x64),
           'Shop-1.9.0-mac.zip' => 'old', 'Shop-1.9.0-mac.zip.blockmap' => 'o',
           'Shop-2.0.0.pkg' => 'for the store', 'notes.txt' => 'notes',
           'Shop-2.0.0-beta.1-arm64-mac.zip' => 'beta' })
   ->{status}, 202, 'other things');
is_deeply([ sort keys %{left()} ],
          [ 'Shop-1.9.0-mac.zip', 'Shop-1.9.0-mac.zip.blockmap',
            'Shop-2.0.0-beta.1-arm64-mac.zip', 'Shop-2.0.0.pkg',
            'notes.txt' ], 'are left out, by name');
like(left()->{'Shop-1.9.0-mac.zip'}, qr/version/, 'and it is said why');

# what was built to be updated, and is in no manifest

my %zip = ('Shop-2.0.0-mac.zip' => 'z', 'Shop-2.0.0-mac.zip.blockmap' => 'm');
my %dmg = ('Shop-2.0.0.dmg' => 'd');
my %deb = ('shop_2.0.0_amd64.deb' => 'deb');

refused(stage({ %zip, %dmg, 'latest-mac.yml' => mac(\%dmg) }),
        qr/^422 "Shop-2\.0\.0-mac\.zip" was built to be updated/,
        'a zip with a blockmap');
refused(stage({ %deb, 'Shop-2.0.0.AppImage' => 'i',
                'latest-linux.yml' => manifest('2.0.0', \%deb) }),
        qr/^422 "Shop-2\.0\.0\.AppImage" was built to be updated/,
        'an AppImage');

# what is wrong has a name

refused(stage({ %x64, 'latest-mac.yml' => mac(\%x64),
                'app-update.yml' => "provider: generic\nurl: https://x\n" }),
        qr/^422 "app-update\.yml" is invalid: /, 'app-update.yml');
is(again(without => [ 'app-update.yml' ])->{status}, 202,
   'it can be left out');
is_deeply(left(), { 'app-update.yml' => 'was named in "without"' },
          'which is said');
refused(stage({ %x64, 'latest-mac.yml' => mac(\%x64), 'x.yml' => "a: [\n" }),
        qr/^422 "x\.yml" is invalid: /, 'no YAML');
refused(stage({ %x64, 'latest-mac.yml' => mac(\%x64),
                'td-latest-x.json' => '{' }),
        qr/^422 "td-latest-x\.json" is invalid: /, 'no JSON');
refused(stage({ 'latest-mac.yml' => mac(\%x64) }),
        qr/^422 "Shop-2\.0\.0-mac\.zip" is listed in "latest-mac\.yml", but/,
        'a file that is not there');
refused(stage({ 'Shop Setup 2.0.0.exe' => 'x',
                'latest.yml' => manifest('2.0.0', { 'Shop-Setup-2.0.0.exe'
                                                    => 'x' }) }),
        qr/^422 "Shop-Setup-2\.0\.0\.exe" .*"Shop Setup 2\.0\.0\.exe".*generic/,
        'a manifest for GitHub');

# a manifest that lists a manifest

my $listed = manifest('2.0.0', \%x64);

refused(stage({ %x64, 'latest.yml' => $listed,
                'beta.yml' => manifest('2.0.0', { 'latest.yml' => $listed }) }),
        qr/^422 "latest\.yml" is listed, but has the name of an update/,
        'another manifest');
refused(stage({ %x64, 'td-latest.json' => '{}',
                'latest.yml' => manifest('2.0.0', { 'td-latest.json'
                                                    => '{}' }) }),
        qr/^422 "td-latest\.json" is listed, but has the name of an/,
        'a list of artifacts');

# a release that is only in folders that are not looked into

refused(stage({ in('nsis-web', { 'a.exe' => 'x' }) }),
        qr/^422 The release has no latest\.yml/, 'no manifest at all');

# what "without" may be

for ('latest.yml', { a => 1 }, [ 1 ]) {
    stage({ %x64, 'latest-mac.yml' => mac(\%x64), 'notes.txt' => 'x' })
        if !$id || state() ne 'failed';
    refused(again(without => $_), qr/^(?:422 "without" must be|409 )/,
            'no list of names');
}

refused(stage({ %x64, 'latest-mac.yml' => mac(\%x64) }, [ 'nosuch' ]),
        qr/^422 "nosuch" is a name in "without" that no/, 'an unknown name');
refused(again(without => [ 'latest-mac.yml' ]),
        qr/^422 The release has no latest/, 'the only manifest');
is(again()->{status}, 202, 'all is still there');
is(release()->{leftOut}, undef, 'nothing is left out');

# more than anybody reads

stage({ %x64, 'latest-mac.yml' => mac(\%x64),
        map { ("file$_.txt" => $_) } 1 .. 150 });
is(scalar @{release()->{leftOut}}, 100, 'a hundred names');
is(release()->{leftOutCount}, 150, 'and their number');


sub mac {
    my ($files, %opt) = @_;

    my @names = ((grep { /zip$/ } sort keys %$files),
                 (grep { !/zip$|blockmap$/ } sort keys %$files));

    return manifest('2.0.0', $files, order => \@names, %opt);
}

sub in {
    my ($folder, $files) = @_;

    return map { ("$folder/$_" => $files->{$_}) } keys %$files;
}

# A new release with these files.

sub stage {
    my ($files, $without) = @_;

    $id = 'r' . ++$n;
    upload($t, $app, $id, $files);

    return again($without ? (without => $without) : ());
}

sub again {
    my (%body) = @_;

    return $t->api('POST', "/releases/$app/$id/stage", \%body,
                   token => 'publish');
}

sub call {
    my ($verb) = @_;

    return $t->api('POST', "/releases/$app/$id/$verb", {},
                   token => 'approve');
}

sub release {
    return $t->api('GET', "/releases/$app/$id")->{json};
}

sub state {
    return release()->{state};
}

sub left {
    return { map { $_->{name} => $_->{reason} }
             @{release()->{leftOut} || []} };
}

sub hrefs {
    return sort { ($a =~ /latest/) <=> ($b =~ /latest/) || $a cmp $b }
        map { $_->{href} } @{release()->{files}};
}

sub manifests {
    my ($stem) = @_;

    return ("$stem-build-$id.yml", "td-$stem-build-$id.json");
}

sub file {
    return $t->read_file("store/staging/$app/$id/files/$_[0]");
}

sub get {
    my ($name) = @_;

    return $t->api('GET', "/desktop/$app/" . $name =~ s/ /%20/gr, undef,
                   token => undef);
}

sub download {
    my ($route) = @_;

    return $t->api('GET', "/download/$app/$route", undef, token => undef,
                   headers => [ 'User-Agent' => 'Mozilla/5.0 (Macintosh)' ])
        ->{body};
}

sub refused {
    my ($got, $re, $name) = @_;

    like($t->said($got), $re, $name);
}

# What JavaScript reads.

sub js {
    my ($text) = @_;

    return json_decode(node(<<'EOJ', $text));
const yaml = require('js-yaml');
process.stdout.write(JSON.stringify(yaml.load(text)));
EOJ
}

# The file and the version that electron-updater takes.

sub updater {
    my ($arch, $text) = @_;

    return json_decode(node(<<'EOJ', $text, $arch));
const provider = require('electron-updater/out/providers/Provider');
const { MacUpdater } = require('electron-updater/out/MacUpdater');
Object.defineProperty(process, 'arch', { value: process.argv[2] });
const info = provider.parseUpdateInfo(text, 'x', 'x');
const base = new URL('http://x/');
const files = MacUpdater.filterFilesForArch(
    provider.resolveFiles(info, base), process.argv[2] === 'arm64');
const file = provider.findFile(files, 'zip', ['pkg', 'dmg']);
process.stdout.write(JSON.stringify([file.info.url, info.version]));
EOJ
}

sub node {
    my ($script, $text, @args) = @_;

    my $dir = $t->testdir();

    $t->write_file('text.yml', $text);
    $t->write_file('script.js',
                   "const text = require('fs').readFileSync('$dir/text.yml', "
                   . "'utf8');\n$script");

    return `NODE_PATH='$CLIENTS' node '$dir/script.js' @args`;
}
