#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Files that no update manifest lists, such as a portable program, an MSI or a
# snap, are part of a release if its publisher says so, and people can download
# them, in the channel of the release.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate;
use Test::LiveUpdate::Release qw/ bytes_of dist stage_dist /;

use constant {
    WINDOWS => 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/131.0.0.0',
    LINUX => 'Mozilla/5.0 (X11; Linux x86_64) Firefox/133.0',
    MAC => 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Safari/605.1',
};

my $t = Test::LiveUpdate->new();

$t->config_reference()->run()->plan(34);

my $app = 'shop';

$t->api('POST', '/v1/apps', { name => $app, type => 'electron', id => $app });

my %manifests = (
    'latest.yml' => ['1.0.0', 'Shop Setup 1.0.0.exe'],
    'latest-mac.yml' => ['1.0.0', 'Shop-1.0.0-mac.zip', 'Shop-1.0.0.dmg'],
);

my @more = ('Shop 1.0.0.exe', 'Shop 1.0.0.msi', 'Shop 1.0.0.appx',
            'Shop-1.0.0-win.zip', 'Shop-1.0.0-arm64-win.zip',
            'Shop-1.0.0.pkg', 'shop_1.0.0_amd64.snap',
            'shop_1.0.0_arm64.snap', 'shop-1.0.0.x86_64.rpm',
            'shop_1.0.0_amd64.deb', 'shop-1.0.0.pacman', 'LICENSE.txt');

# without being asked for, they are left out

upload('r0', @more);
my $reply = stage_dist($t, $app, 'r0', \%manifests);

is($reply->{json}{leftOutCount}, 12, 'left out unless they are wanted');

# wrong wishes

for my $case (['Shop 2.0.0.exe', qr/no uploaded file/, 'a file that is not'],
              ['latest.yml', qr/for updaters/, 'a manifest'],
              ['Shop.blockmap', qr/for updaters/, 'a blockmap'])
{
    my ($name, $message, $what) = @$case;

    upload('r1', @more);
    $reply = stage_dist($t, $app, 'r1', \%manifests, with => [$name]);

    is($reply->{status}, 422, "$what is refused");
    like($reply->{json}{message}, $message, "$what: why");
}

$reply = stage_dist($t, $app, 'r1', \%manifests, with => 'Shop 1.0.0.exe');
is($reply->{status}, 422, 'a string is no list');

$reply = stage_dist($t, $app, 'r1', \%manifests, with => ['LICENSE.txt'],
                    without => ['LICENSE.txt']);
is($reply->{status}, 422, 'with and without');

# asked for

my %second = map {
    my ($version, @files) = @{$manifests{$_}};
    $_ => [ '1.0.1', map { s/1\.0\.0/1.0.1/r } @files ];
} keys %manifests;

my @wanted = map { s/1\.0\.0/1.0.1/r } @more;

upload('r2', @wanted);
$reply = stage_dist($t, $app, 'r2', \%second, with => \@wanted);

is($reply->{json}{state}, 'live', 'with them') or diag($reply->{body});
is($reply->{json}{leftOutCount}, undef, 'nothing is left out');
is_deeply($t->api('GET', "/releases/$app/r2")->{json}{platforms},
          [qw/ windows mac linux /], 'the platforms');

gets('', WINDOWS, 'Shop Setup 1.0.1.exe', 'what is not asked for by name');
gets('/windows/portable', WINDOWS, 'Shop 1.0.1.exe', 'portable');
gets('/windows/msi', WINDOWS, 'Shop 1.0.1.msi', 'msi');
gets('/windows/appx', WINDOWS, 'Shop 1.0.1.appx', 'appx');
gets('/windows/zip', WINDOWS, 'Shop-1.0.1-win.zip', 'zip for Windows');
gets('/windows/zip/arm64', WINDOWS, 'Shop-1.0.1-arm64-win.zip',
     'zip for Windows on arm64');
gets('/mac/pkg/x64', MAC, 'Shop-1.0.1.pkg', 'pkg');
gets('/mac/zip/x64', MAC, 'Shop-1.0.1-mac.zip', 'zip for macOS');
gets('', LINUX, 'shop_1.0.1_amd64.deb', 'Linux');
gets('/linux/snap', LINUX, 'shop_1.0.1_amd64.snap', 'snap');
gets('/linux/snap/arm64', LINUX, 'shop_1.0.1_arm64.snap', 'snap on arm64');
gets('/linux/rpm', LINUX, 'shop-1.0.1.x86_64.rpm', 'rpm');
gets('/linux/deb/x64', LINUX, 'shop_1.0.1_amd64.deb', 'deb');
gets('/linux/pacman', LINUX, 'shop-1.0.1.pacman', 'pacman');

is($t->api('GET', "/desktop/$app/LICENSE.txt", undef, token => undef)
   ->{body}, bytes_of('LICENSE.txt'), 'a file of no kind, by its name');

# a beta is not in the way, not even where it has no manifest

upload('b1', 'shop_1.1.0-beta.1_amd64.snap');
stage_dist($t, $app, 'b1', { 'beta.yml' => ['1.1.0-beta.1',
                                            'Shop Setup 1.1.0-beta.1.exe'] },
           with => ['shop_1.1.0-beta.1_amd64.snap']);

gets('/linux/snap', LINUX, 'shop_1.0.1_amd64.snap', 'stable');
gets('/linux/snap?channel=beta', LINUX, 'shop_1.1.0-beta.1_amd64.snap',
     'beta');

# a release by its version, or by its id

gets("/$_/windows/portable", WINDOWS, 'Shop 1.0.1.exe', "/$_")
    for 'versions/1.0.1', 'builds/r2', 'versions/r2', 'builds/1.0.1';
gets('/builds/1.0.7/windows', WINDOWS, 404, 'none of them');

###############################################################################

sub upload {
    my ($id, @names) = @_;

    $t->write_file("store/staging/$app/$id/uploads/$_", bytes_of($_))
        for @names;
}


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

###############################################################################
