#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Whoever asks for an architecture, or tells none, gets the right file, however
# many manifests a release has and whatever its product is called; and a rule
# for a platform counts for all manifests of that platform.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate;
use Test::LiveUpdate::Release qw/ bytes_of dist manifest_of stage_dist /;

use constant {
    WINDOWS => 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/131.0.0.0',
    MAC => 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Safari/605.1',
    LINUX => 'Mozilla/5.0 (X11; Linux x86_64) Firefox/133.0',
    LINUX_ARM64 => 'Mozilla/5.0 (X11; Linux aarch64) Firefox/133.0',
};

my $t = Test::LiveUpdate->new()->plan(139);

$t->config_reference()->run();

my $apps = 0;
my $app;

# manifests apart for each architecture

released({
    'latest-linux.yml' => ['1.5.6', 's-1.5.6.AppImage', 's_1.5.6_amd64.deb'],
    'latest-linux-arm64.yml' => ['1.5.6', 's-1.5.6-arm64.AppImage',
                                 's_1.5.6_arm64.deb'],
    'latest-linux-arm.yml' => ['1.5.6', 's-1.5.6-armv7l.AppImage',
                               's_1.5.6_armhf.deb'],
    'latest-linux-ia32.yml' => ['1.5.6', 's-1.5.6-i386.AppImage'],
});

gets('', LINUX, 's-1.5.6.AppImage', 'Linux');
gets('/linux', WINDOWS, 's-1.5.6.AppImage', 'Linux by name');
gets('/linux/appImage', LINUX, 's-1.5.6.AppImage', 'an AppImage');
gets('/linux/appImage/x64', LINUX, 's-1.5.6.AppImage', 'for x64');
gets('/linux/appImage/arm64', LINUX, 's-1.5.6-arm64.AppImage', 'for arm64');
gets('/linux/appImage/armv7l', LINUX, 's-1.5.6-armv7l.AppImage',
     'for armv7l');
gets('/linux/appImage/ia32', LINUX, 's-1.5.6-i386.AppImage', 'for ia32');
gets('/linux/deb/x64', LINUX, 's_1.5.6_amd64.deb', 'a deb for x64');
gets('/linux/deb/arm64', LINUX, 's_1.5.6_arm64.deb', 'a deb for arm64');
gets('/linux/deb/armv7l', LINUX, 's_1.5.6_armhf.deb', 'a deb for armv7l');
gets('/linux/deb', LINUX, 's_1.5.6_amd64.deb', 'a deb');
gets('/windows', WINDOWS, 404, 'nothing for Windows');

released({
    'latest.yml' => ['1.2.0', 'L Setup 1.2.0.exe'],
    'latest-arm64.yml' => ['1.2.0', 'L Setup 1.2.0-arm64.exe'],
    'latest-mac.yml' => ['1.2.0', 'L-1.2.0-mac.zip', 'L-1.2.0.dmg'],
    'latest-arm64-mac.yml' => ['1.2.0', 'L-1.2.0-arm64-mac.zip',
                               'L-1.2.0-arm64.dmg'],
});

gets('', WINDOWS, 'L Setup 1.2.0.exe', 'Windows');
gets('/windows/nsis/x64', WINDOWS, 'L Setup 1.2.0.exe', 'Windows on x64');
gets('/windows/nsis/arm64', WINDOWS, 'L Setup 1.2.0-arm64.exe',
     'Windows on arm64');
gets('', MAC, 'L-1.2.0.dmg', 'a Mac');
gets('/mac/dmg/x64', MAC, 'L-1.2.0.dmg', 'a Mac with Intel');
gets('/mac/dmg/arm64', MAC, 'L-1.2.0-arm64.dmg', 'a Mac with Apple silicon');
gets('/mac/zip/x64', MAC, 'L-1.2.0-mac.zip', 'a zip for Intel');
gets('/mac/zip/arm64', MAC, 'L-1.2.0-arm64-mac.zip',
     'a zip for Apple silicon');

# the manifest tells what the names do not

released({
    'latest.yml' => ['1.2.0', 'Setup.exe'],
    'latest-arm64.yml' => ['1.2.0', 'Setup2.exe'],
    'latest-linux.yml' => ['1.2.0', 'app.AppImage'],
    'latest-linux-arm64.yml' => ['1.2.0', 'app2.AppImage'],
});

gets('', WINDOWS, 'Setup.exe', 'no architecture in the name');
gets('/windows/nsis/x64', WINDOWS, 'Setup.exe', 'none, for x64');
gets('/windows/nsis/arm64', WINDOWS, 'Setup2.exe', 'none, for arm64');
gets('', LINUX, 'app.AppImage', 'none, on Linux');
gets('/linux/appImage/arm64', LINUX, 'app2.AppImage',
     'none, on Linux for arm64');

# an installer for all architectures beside those for one

released({
    'latest.yml' => ['1.2.0', 'W-1.2.0.exe', 'W-1.2.0-x64.exe',
                     'W-1.2.0-arm64.exe', 'W-1.2.0-ia32.exe'],
    'latest-mac.yml' => ['1.2.0', 'W-1.2.0-universal.dmg', 'W-1.2.0-x64.dmg',
                         'W-1.2.0-arm64.dmg'],
});

gets('', WINDOWS, 'W-1.2.0.exe', 'the installer for all');
gets('/windows/nsis/universal', WINDOWS, 'W-1.2.0.exe', 'by name');
gets('/windows/nsis/x64', WINDOWS, 'W-1.2.0-x64.exe', 'not for x64');
gets('/windows/nsis/ia32', WINDOWS, 'W-1.2.0-ia32.exe', 'nor for ia32');
gets('', MAC, 'W-1.2.0-universal.dmg', 'the universal one');
gets('/mac/dmg/x64', MAC, 'W-1.2.0-x64.dmg', 'not for Intel');

# an installer for all architectures has no name of one, and Windows on arm64
# runs what is for x64

released({ 'latest.yml' => ['1.2.0', 'A Setup 1.2.0.exe', 'A-1.2.0-x64.msi'] });

gets('/windows/nsis/arm64', WINDOWS, 'A Setup 1.2.0.exe', 'the one for all');
gets('/windows/msi/arm64', WINDOWS, 'A-1.2.0-x64.msi', 'one for x64');
gets('/windows/msi/ia32', WINDOWS, 404, 'but not for ia32');

# where there is only another kind for x64, that is what runs

released({
    'latest-linux.yml' => ['1.2.0', 'k_1.2.0_amd64.deb'],
    'latest-linux-arm64.yml' => ['1.2.0', 'k-1.2.0-arm64.AppImage'],
});

gets('', LINUX, 'k_1.2.0_amd64.deb', 'a deb rather than arm64');
gets('/linux/appImage', LINUX, 'k-1.2.0-arm64.AppImage', 'unless asked for');

# a browser on Linux may tell its architecture

gets('', LINUX_ARM64, 'k-1.2.0-arm64.AppImage', 'what runs on arm64');
gets('/linux/deb', LINUX_ARM64, 'k_1.2.0_amd64.deb', 'unless asked for');
gets('/linux/deb/x64', LINUX_ARM64, 'k_1.2.0_amd64.deb', 'or for x64');

stage_dist($t, $app, 'r2', {
    'latest-linux.yml' => ['1.2.1', 'k_1.2.1_amd64.deb'],
});

gets('', LINUX, 'k_1.2.1_amd64.deb', 'the next one, for x64 alone');
gets('', LINUX_ARM64, 'k-1.2.0-arm64.AppImage', 'arm64 keeps what it had');

# where there is nothing else, what there is

released({
    'latest.yml' => ['1.2.0', 'O-1.2.0-ia32.exe'],
    'latest-mac.yml' => ['1.2.0', 'O-1.2.0-universal.dmg'],
    'latest-linux-arm.yml' => ['1.2.0', 'o-1.2.0-armv7l.AppImage'],
});

gets('', WINDOWS, 'O-1.2.0-ia32.exe', 'for ia32 alone');
gets('', LINUX, 'o-1.2.0-armv7l.AppImage', 'for armv7l alone');
gets('/mac', WINDOWS, 'O-1.2.0-universal.dmg', 'universal, for another system');
gets('/mac/dmg/arm64', MAC, 'O-1.2.0-universal.dmg', 'or for arm64');

# names of products

for my $product ('Universal Remote', 'universal-remote', 'Paint universal',
                 'paint-universal', 'ARM64 Tools', 'arm64-tools',
                 'Mac Cleaner')
{
    released({
        'latest.yml' => ['1.0.0', "$product Setup 1.0.0.exe",
                         "$product Setup 1.0.0-arm64.exe"],
        'latest-mac.yml' => ['1.0.0', "$product-1.0.0-mac.zip",
                             "$product-1.0.0.dmg",
                             "$product-1.0.0-arm64-mac.zip",
                             "$product-1.0.0-arm64.dmg"],
    });

    gets('', WINDOWS, "$product Setup 1.0.0.exe", "$product: Windows");
    gets('/windows/nsis/x64', WINDOWS, "$product Setup 1.0.0.exe",
         "$product: x64");
    gets('/windows/nsis/arm64', WINDOWS, "$product Setup 1.0.0-arm64.exe",
         "$product: arm64");
    gets('', MAC, "$product-1.0.0.dmg", "$product: macOS");
    gets('/mac/dmg/x64', MAC, "$product-1.0.0.dmg", "$product: Intel");
    gets('/mac/zip/arm64', MAC, "$product-1.0.0-arm64-mac.zip",
         "$product: Apple silicon");
}

# an id with the name of a platform

released({ 'latest.yml' => ['1.0.0', 'I Setup 1.0.0.exe'] }, 'x-mac-1');

gets('', WINDOWS, 'I Setup 1.0.0.exe', 'an id with "-mac-": Windows');
gets('', MAC, 404, 'an id with "-mac-": not macOS');
is_deeply($t->api('GET', "/releases/$app/x-mac-1")->{json}{platforms},
          ['windows'], 'an id with "-mac-": its platforms');

# other channels: the files of "latest" count, others are there, too

released({
    'alpha.yml' => ['1.0.0', 'A Setup 1.0.0-alpha.exe'],
    'latest.yml' => ['1.0.0', 'A Setup 1.0.0.exe'],
    'beta-mac.yml' => ['1.0.0', 'A-1.0.0.dmg'],
});

gets('', WINDOWS, 'A Setup 1.0.0.exe', 'the channel "latest"');
gets('', MAC, 'A-1.0.0.dmg', 'the only channel');

# a version, an id

$app = new_app();

for my $case (['1.1.0-beta.1', 'r_1'], ['1.1.0', 'r_2'], ['1.1.0+5', 'r-3']) {
    my ($version, $id) = @$case;

    is(stage_dist($t, $app, $id, {
        'latest.yml' => [$version, "V Setup $version.exe"],
        'latest-mac.yml' => [$version, "V-$version.dmg"],
    })->{json}{state}, 'live', "$version is live");
}

gets('/versions/1.1.0/windows', LINUX, 'V Setup 1.1.0.exe', 'a version');
gets('/versions/1.1.0-beta.1/windows', LINUX, 'V Setup 1.1.0-beta.1.exe',
     'a prerelease');
gets('/versions/1.1.0-beta.1/mac/dmg/x64', MAC, 'V-1.1.0-beta.1.dmg',
     'a prerelease for macOS');
gets('/versions/1.1.0+5/windows', LINUX, 'V Setup 1.1.0+5.exe',
     'a version with a build number');
gets('/versions/1.1.0-beta.2/windows', LINUX, 404, 'an unknown prerelease');
gets('/versions/1.1.0-beta/windows', LINUX, 404, 'a part of one');
gets('/versions/mac/windows', LINUX, 404, 'a platform is no version');
gets('/builds/r_1/windows', LINUX, 'V Setup 1.1.0-beta.1.exe',
     'an id with "_"');
gets('/builds/r-3/windows', LINUX, 'V Setup 1.1.0+5.exe', 'an id with "-"');

like(feed('latest-1.1.0-beta.1.yml'), qr/^version: 1\.1\.0-beta\.1$/m,
     'the manifest of a prerelease');
like(feed('latest-mac-1.1.0-beta.1.yml'), qr/^version: 1\.1\.0-beta\.1$/m,
     'the manifest of a prerelease for macOS');
is(feed('latest-1.1.0-beta.2.yml'), 404, 'no manifest of an unknown one');

# a byte order mark

$app = new_app();

my $uploads = dist($t, $app, 'bom',
                   { 'latest.yml' => ['1.0.0', 'B Setup 1.0.0.exe'] });

$t->write_file("$uploads/latest.yml",
               "\xef\xbb\xbf" . manifest_of('1.0.0', 'B Setup 1.0.0.exe'));
$t->write_file("$uploads/td-latest.json", "\xef\xbb\xbf" . <<'EOF_JSON');
{ "version": "1.0.0", "artifacts": { "nsis": { "x64": {
  "url": "https://example.com/B%20Setup%201.0.0.exe" } } } }
EOF_JSON

is($t->api('POST', "/releases/$app/bom/stage", {}, token => 'publish')
   ->{json}{state}, 'live', 'a byte order mark');
like(feed('latest.yml'), qr/^\xef\xbb\xbfversion: 1\.0\.0$/m, 'is sent');
gets('/windows/nsis/x64', WINDOWS, 'B Setup 1.0.0.exe', 'and its list read');

# names of downloads

$app = new_app();

is(stage_dist($t, $app, '20261121-1', {
    'latest.yml' => ['1.0.0', 'my-build-tool-1.0.0.exe',
                     'Build Tool-1.0.0.msi',
                     'N 1.0.0 - Build 20261121-1-x64.exe'],
})->{json}{state}, 'live', 'a product with "build" in its name');

is(name_of('my-build-tool-1.0.0.exe'), 'my-build-tool-1.0.0.exe',
   'is not cut');
is(name_of('Build%20Tool-1.0.0.msi'), 'Build Tool-1.0.0.msi',
   'nor in front');
is(name_of('N%201.0.0%20-%20Build%2020261121-1-x64.exe'),
   'N 1.0.0 - x64.exe', 'an id is cut as a whole');
is(name_of('latest.yml'), 'latest.yml', 'and of a manifest');

# rules

$app = new_app();

my @windows = qw/ latest.yml latest-arm64.yml beta.yml latest-win.yml /;
my @mac = qw/ latest-mac.yml latest-arm64-mac.yml beta-mac.yml /;
my @linux = qw/
    latest-linux.yml latest-linux-arm64.yml latest-linux-arm.yml
    beta-linux-ia32.yml
/;

for my $version ('1.0.0', '1.1.0') {
    my $n = 0;

    is(stage_dist($t, $app, 'r' . $version =~ s/\.//gr, {
        map { $_ => [$version, "f$version-" . $n++ . '.zip'] }
            @windows, @mac, @linux
    })->{json}{state}, 'live', "$version with all manifests");
}

for my $rule ({ rule => 'buildByPlatform' },
              { rule => 'buildByRollout', percentage => 100 })
{
    for my $case (['windows', \@windows], ['mac', \@mac], ['linux', \@linux]) {
        my ($platform, $manifests) = @$case;

        $t->api('PUT', "/releases/$app/rules", {
            latestReleaseBuildId => 'r100',
            releaseRedirections => [
                { %$rule, buildId => 'r110', platforms => [$platform] },
            ],
        });

        my %there = map { $_ => 1 } @$manifests;
        my @wrong = grep {
            feed($_) !~ ($there{$_} ? qr/^version: 1\.1\.0$/m
                                    : qr/^version: 1\.0\.0$/m)
        } @windows, @mac, @linux;

        is("@wrong", '', "$rule->{rule} for $platform");
    }
}

###############################################################################

sub new_app {
    my $id = 'desk' . ++$apps;

    $t->api('POST', '/v1/apps',
            { name => $id, type => 'electron', id => $id });

    return $id;
}


# One release of a new app.

sub released {
    my ($manifests, $id) = @_;

    $app = new_app();

    my $reply = stage_dist($t, $app, $id // 'r1', $manifests);

    is($reply->{json}{state}, 'live', "$app is live")
        or diag($reply->{body});
}


# The file behind a download link, by its bytes and its name; or the status.

sub gets {
    my ($path, $agent, $file, $what) = @_;

    my $reply = $t->api('GET', "/download/$app$path", undef, token => undef,
                        headers => ['User-Agent' => $agent]);

    my ($name) = ($reply->{headers}{'content-disposition'} // '')
                 =~ /filename="([^"]*)"/;

    my $got = $reply->{status} == 200 ? $name : $reply->{status};

    if ($reply->{status} == 200 && $reply->{body} ne bytes_of($name)) {
        $got .= ', with other bytes';
    }

    is($got, $file, $what);
}


sub feed {
    my ($name) = @_;

    my $reply = $t->api('GET', "/desktop/$app/$name", undef, token => undef,
                        headers => ['X-User-Staging-Id' => 'somebody']);

    return $reply->{status} == 200 ? $reply->{body} : $reply->{status};
}


sub name_of {
    my ($name) = @_;

    my $reply = $t->api('GET', "/desktop/$app/$name", undef, token => undef);

    my ($found) = ($reply->{headers}{'content-disposition'} // '')
                  =~ /filename="([^"]*)"/;

    return $found // $reply->{status};
}

###############################################################################
