#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Channels, platforms and architectures with the real electron-updater: what it
# finds, and downloads, in an app with ten releases.

use warnings;
use strict;

use File::Path qw/ make_path /;
use Test::More;

use Test::LiveUpdate qw/ json_decode json_encode port /;
use Test::LiveUpdate::Release qw/ bytes_of stage_dist /;

my $CLIENTS = "$Test::LiveUpdate::ROOT/t/clients";

my $t = Test::LiveUpdate->new()->has_daemon('node');

$t->skip_all('no electron-updater, run "make clients" first')
    unless -d "$CLIENTS/node_modules/electron-updater";

$ENV{APPROVAL} = 'on';

$t->config_reference()->run()->plan(24);

my $dir = $t->testdir();
my $users = 0;

my @all = qw/ latest.yml latest-mac.yml latest-linux.yml
              latest-linux-arm64.yml /;

$t->api('POST', '/v1/apps', { name => 'shop', type => 'electron',
                              id => 'shop' });

# as electron-builder with generateUpdatesFilesForAllChannels

released('s1', '1.0.0', map { ($_, s/latest/beta/r, s/latest/alpha/r) } @all);
released('a1', '1.1.0-alpha.1', map { s/latest/alpha/r } @all);
released('b1', '1.1.0-beta.1', map { (s/latest/beta/r, s/latest/alpha/r) }
                               @all);

is(found('1.0.0', 'nsis'), 'none', 'stable: nothing new');
is(found('1.0.0', $_, channel => 'beta'), '1.1.0-beta.1',
   "$_: the app switches to beta") for qw/ nsis mac appimage /;
is(found('1.1.0-alpha.1', 'nsis', built => 'alpha'), '1.1.0-beta.1',
   'an alpha gets the beta that is newer');
is(found('1.1.0-beta.1', 'mac', channel => 'latest'), '1.0.0',
   'the app switches back to stable');
is(found('1.1.0-beta.1', 'mac', built => 'latest'), 'none',
   'which is no update unless it allows that');
is(found('1.1.0-beta.1', 'nsis', channel => 'gamma'),
   'ERR_UPDATER_CHANNEL_FILE_NOT_FOUND', 'a channel that nobody has');

# a hotfix for Windows, and one for Linux on arm64

released('s2', '1.0.1', 'latest.yml');
released('s3', '1.0.2', 'latest-linux-arm64.yml');

is(found('1.0.0', 'nsis'), '1.0.1', 'Windows gets its own');
is(found('1.0.0', 'appimage', arch => 'arm64'), '1.0.2', 'arm64, too');
is(found('1.0.0', $_), 'none', "$_ stays") for qw/ mac appimage /;
is(found('0.9.0', $_), '1.0.0', "$_ still gets an update")
    for qw/ mac appimage /;
is(found('1.1.0-beta.1', 'nsis', built => 'beta'), 'none', 'and so does beta');

# the next beta to a half, and the stable version that follows it

staged('b2', '1.1.0-beta.2', map { s/latest/beta/r } @all);
promote('b2', rollout => 0.5);

my @got = found_by(20, '1.1.0-beta.1', 'mac', built => 'beta');
my $n = grep { $_ eq '1.1.0-beta.2' } @got;

ok($n > 0 && $n < 20, "a beta for a half: $n of 20");
is(scalar(grep { $_ eq 'none' } found_by(10, '1.0.0', 'mac')), 10,
   'none of stable');

released('s4', '1.1.0', map { ($_, s/latest/beta/r, s/latest/alpha/r) } @all);
withdraw('b2');

is(found('1.1.0-beta.1', 'appimage', built => 'beta', arch => 'arm64'),
   '1.1.0', 'beta gets the stable version');
is(downloaded('1.0.0', 'nsis'), 'App-1.1.0-latest.exe', 'a download');
is(downloaded('1.1.0-beta.1', 'mac', built => 'beta'),
   'App-1.1.0-beta-mac.zip', 'a download of beta');

# back

$t->api('POST', '/releases/shop/rollback', { channel => 'latest' },
        token => 'approve');

is(found('1.1.0', 'nsis', allowDowngrade => 1), '1.0.1',
   'a rollback of stable');
is(found('1.1.0', 'mac', allowDowngrade => 1), '1.0.0',
   'to what each platform had');
is(found('1.1.0-beta.1', 'nsis', built => 'beta'), '1.1.0',
   'and beta has what it had');

# ten in all

released("s$_", "1.$_.0", @all) for 5 .. 8;

is(found('1.0.0', 'appimage'), '1.8.0', 'the newest of ten');

###############################################################################

sub staged {
    my ($id, $version, @manifests) = @_;

    my %ext = (mac => 'zip', linux => 'AppImage');

    stage_dist($t, 'shop', $id, { map {
        my ($stem) = /(.*)\.yml/;
        my ($platform) = /-(mac|linux)/;

        $_ => [$version, "App-$version-$stem."
                         . ($platform ? $ext{$platform} : 'exe')]
    } @manifests });
}


sub promote {
    my ($id, %body) = @_;

    $t->api('POST', "/releases/shop/$id/promote", \%body, token => 'approve');
}


sub released {
    my ($id, @rest) = @_;

    staged($id, @rest);
    promote($id);
}


sub withdraw {
    my ($id) = @_;

    $t->api('POST', "/releases/shop/$id/withdraw", {}, token => 'approve');
}


sub job {
    my ($version, $target, %opt) = @_;

    my $user = "$dir/users/" . ++$users;

    if ($target eq 'appimage') {
        make_path($user);
        $t->write_file("users/$users/my-app.AppImage", 'installed');
    }

    return {
        target => $target,
        feed => 'http://127.0.0.1:' . port(8080) . '/desktop/shop',
        version => $version,
        dir => $user,
        installed => $target eq 'appimage' ? "$user/my-app.AppImage" : undef,
        %opt,
    };
}


# The update that an app of this version finds, "none", or the error.

sub found {
    return (found_by(1, @_))[0];
}


sub found_by {
    my ($many, @job) = @_;

    return map {
        $_->{error} ? $_->{error}{code} : $_->{isUpdate} ? $_->{version}
                                                         : 'none'
    } node(map { job(@job, checkOnly => 1) } 1 .. $many);
}


# The file that it downloads, by its name.

sub downloaded {
    my ($answer) = node(job(@_));

    return $answer->{error}{message} if $answer->{error};

    open my $fh, '<:raw', $answer->{file} or return "$answer->{file}: $!";
    local $/;

    my ($name) = <$fh> =~ /^the bytes of (.*)$/m;

    return $name;
}


sub node {
    my (@jobs) = @_;

    $t->write_file('jobs.json', json_encode(\@jobs));

    my $said = `timeout 120 node '$CLIENTS/updater.js' < '$dir/jobs.json' \
                2>'$dir/said'`;

    die "updater.js failed:\n", $t->read_file('said') if $?;

    return @{json_decode($said)};
}

###############################################################################
