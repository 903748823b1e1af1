#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Who looks for an update by hand gets it before his share comes, with what the
# documentation tells both clients to send; and a manifest that has a
# "stagingPercentage" of its own, with the real electron-updater.

use warnings;
use strict;

use Digest::SHA qw/ sha512_base64 /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT zip /;
use Test::LiveUpdate::Device;
use Test::LiveUpdate::Plan;
use Test::LiveUpdate::Updater;

my $t = Test::LiveUpdate->new();
my $updater = Test::LiveUpdate::Updater->new($t);

# as the documentation has it

open my $fh, '<', "$Test::LiveUpdate::ROOT/docs/rollouts.md"
    or die "no docs/rollouts.md: $!\n";

my ($conf) = do { local $/; <$fh> }
    =~ /^```nginx\n(map .*?^liveupdate_everyone .*?)^```$/ms;

$t->config_reference(sub {
    s/^http \{\n/$&$conf/m;
})->run()->plan(16);

# electron-updater's own number is the last part of its id

my $last = '00000000-0000-4000-8000-0000f0000000';
my $first = '00000000-0000-4000-8000-000010000000';

# -- devices -----------------------------------------------------------------

my $app = $t->create_app('My App');

my ($old, $new) = map {
    $t->publish($app, 'default', zip('index.html' => $_))
} 1, 2;

my $path = "/v1/apps/$app/deployments/$new->{deployment}";

$t->api('PATCH', $path, { rolloutPercentage => 0.000001 });

my $device = Test::LiveUpdate::Device->new(
    server => 'http://127.0.0.1:' . port(8080), app => $app,
    platform => 'android', dir => $t->testdir() . '/device');

is($device->latest()->{bundleId}, $old->{bundle}, 'a device has no share');

$device->{custom_id} = 'check-now';
ok($device->sync(), 'by hand it gets the update');
$device->restart();

$device->{custom_id} = '';
is($device->latest()->{bundleId}, $new->{bundle}, 'and keeps it');

is(told(''), $old->{bundle}, 'an empty id says nothing');
is(told('check-now-please'), $old->{bundle}, 'nor does another one');
is(told('check-now'), $new->{bundle}, 'this one does');

$t->api('POST', "$path/halt", {});
is(told('check-now'), $old->{bundle}, 'not if the rollout is halted');

# -- desktop apps ------------------------------------------------------------

$t->api('POST', '/v1/apps', { id => 'desk', name => 'D', type => 'electron' });

staged(1, '');
staged(2, '');
promote(1, { rollout => 1 });
promote(2, { rollout => 0.000001 });

is(desktop()->{version}, '1.0.0', 'an installation has no share');
is(desktop(headers => { 'X-Check-Now' => '1' })->{version}, '2.0.0',
   'by hand it gets the update');
is(desktop(headers => { 'X-Check-Now' => '0' })->{version}, '1.0.0',
   'the header says no');

# -- a percentage in the manifest --------------------------------------------

staged(3, "stagingPercentage: 50\n");
promote(3, { rollout => 1 });

is_deeply(taken(), [0, 1], 'electron-updater draws lots');
is_deeply(taken(headers => { 'X-Check-Now' => '1' }), [0, 1],
          'also in a check by hand');
is_deeply(taken(within => 1), [1, 1], 'unless the app knows better');
is_deeply(taken(package => 'electron-updater-4'), [0, 1],
          'and so does an old version');

promote(2, { rollout => 1 });
promote(3, { rollout => 0.5 });

# a share of a share: of four kinds of installations, one takes the update

my %kinds;

for my $n (0 .. 99) {
    for my $id ($last, $first) {
        my $one = $id =~ s/^0{8}/sprintf '%08x', $n/er;
        my $has = Test::LiveUpdate::Plan::bucket('b3', $one) < 0.5 ? 1 : 0;

        $kinds{$has . ($id eq $first ? 1 : 0)} //= $one;
    }
}

is_deeply([map { [@{desktop(id => $kinds{$_})}{qw/ version isUpdate /}] }
           qw/ 00 01 10 11 /],
          [['2.0.0', 1], ['2.0.0', 1], ['3.0.0', 0], ['3.0.0', 1]],
          'both together multiply');

my $told = $t->api('POST', '/releases/desk/b3/promote?dry-run',
                   { rollout => 0.1 }, token => 'approve')->{json};

like(join(' ', map { ref $_ ? values %$_ : $_ } @{$told->{warnings}}),
     qr/stagingPercentage/, 'which somebody is warned of');

###############################################################################

sub told {
    my ($custom_id) = @_;

    return $t->latest($app, deviceId => 'd', customId => $custom_id)
        ->{json}{bundleId};
}

sub promote {
    my ($n, $body) = @_;

    return $t->api('POST', "/releases/desk/b$n/promote", $body,
                   token => 'approve');
}

# What version 0.9.0 finds.

sub desktop {
    my (%opt) = @_;

    my ($answer) = $updater->node('updater', $updater->job(
        'desk', 'nsis', { version => '0.9.0' }, checkOnly => 1,
        id => $first, %opt));

    $answer->{isUpdate} = $answer->{isUpdate} ? 1 : 0;

    return $answer;
}

# Whether two installations take the update.

sub taken {
    return [map { desktop(id => $_, @_)->{isUpdate} } $last, $first];
}

sub staged {
    my ($n, $more) = @_;

    my $uploads = "store/staging/desk/b$n/uploads";
    my $bytes = "$n" x 1000;
    my $digest = sha512_base64($bytes) . '==';

    $t->write_file("$uploads/D-$n.0.0.exe", $bytes);
    $t->write_file("$uploads/latest.yml", <<EOF_YML);
version: $n.0.0
files:
  - url: D-$n.0.0.exe
    sha512: $digest
    size: 1000
path: D-$n.0.0.exe
releaseDate: '2026-01-01T00:00:00.000Z'
$more
EOF_YML

    $t->api('POST', "/releases/desk/b$n/stage", {}, token => 'publish');
}

###############################################################################
