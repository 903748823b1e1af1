#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Approval: what is published waits until somebody who may decide does.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Test::LiveUpdate qw/ zip /;

use Digest::SHA qw/ sha512_base64 /;
use File::Path qw/ make_path /;

select STDERR; $| = 1;
select STDOUT; $| = 1;

my $t = Test::LiveUpdate->new()->plan(81);

$ENV{APPROVAL} = 'on';
$t->config_reference()->run();

my $dir = $t->testdir();
my $app = $t->create_app('My App');

# a bundle

my $first = publish('one');

is($t->latest($app)->{status}, 404, 'a device does not see what waits');

my $reply = $t->api('GET', "/releases/$app?state=staged", undef,
                    token => 'approve');
is($reply->{json}[0]{id}, $first, 'an approver does');

$t->refused(sub { $t->api('POST', "/releases/$app/$first/promote", {},
                          token => 'publish') },
            '403 This needs a token with the role "approve".',
            'a publisher cannot promote');
$t->refused(sub { $t->api('POST', "/v1/apps/$app/deployments",
                          { appBuildId => $first,
                            appChannelName => 'default' },
                          token => 'publish') },
            '403 This needs a token with the role "approve".',
            'nor deploy');
is($t->latest($app)->{status}, 404, 'a device still does not see it');

$reply = $t->api('GET', "/v1/apps/$app", undef, token => 'approve');
$reply = $t->api('POST', "/releases/$app/$first/promote",
                 { expect => 999 }, token => 'approve');
is($reply->{status}, 409, 'promoted if nothing has changed: not so');

$reply = $t->api('POST', "/releases/$app/$first/promote", {},
                 token => 'approve');
is($reply->{json}{state}, 'live', 'promoted');
is($t->latest($app)->{json}{bundleId}, $first, 'a device gets it');

my $limit = { minAndroidAppVersionCode => '7' };

for my $path ("builds/$first", "bundles/$first") {
    $t->refused(sub { $t->api('PATCH', "/v1/apps/$app/$path", $limit,
                              token => 'publish') },
                '403 The bundle was approved: this needs a token with the '
                . 'role "approve".', "a publisher cannot change $path");
    is($t->api('PATCH', "/v1/apps/$app/$path", $limit,
               token => 'admin')->{status}, 200, 'who may approve can');
    is($t->api('PATCH', "/v1/apps/$app/$path",
               { minAndroidAppVersionCode => undef },
               token => 'admin')->{status}, 200, 'and back');
}

is(ready($first)->{json}{artifactStatus}, 'ready', 'ready again');
is($t->latest($app)->{json}{bundleId}, $first, 'changes nothing');

# the second is rejected

my $second = publish('two');

is($t->api('PATCH', "/v1/apps/$app/builds/$second", $limit,
           token => 'publish')->{status}, 200,
   'what waits is still the publisher\'s');

$t->refused(sub { $t->api('POST', "/releases/$app/$second/reject", {},
                          token => 'approve') },
            '422 "reason" must say why the release is rejected.',
            'rejected without a reason');
$reply = $t->api('POST', "/releases/$app/$second/reject",
                 { reason => 'the logo is wrong' }, token => 'approve');
is($reply->{json}{state}, 'rejected', 'rejected');

$reply = $t->api('GET', "/releases/$app/$second", undef, token => 'read');
is($reply->{json}{state}, 'rejected', 'says so');
is($reply->{json}{reason}, 'the logo is wrong', 'and why');

$t->refused(sub { $t->api('POST', "/releases/$app/$second/promote", {},
                          token => 'approve') },
            qr/^409 Only a release that is staged/, 'is not promoted');
is($t->latest($app)->{json}{bundleId}, $first, 'devices keep what they have');

# the third is rolled out, rolled back and withdrawn

my $third = publish('three');

$reply = $t->api('POST', "/releases/$app/$third/promote",
                 { channel => 'default', rollout => 1 }, token => 'approve');
is($reply->{json}{state}, 'live', 'promoted into a channel');
is($t->latest($app)->{json}{bundleId}, $third, 'a device gets it');

$reply = $t->api('POST', "/releases/$app/rollback",
                 { channel => 'default' }, token => 'approve');
is($reply->{json}{id}, $first, 'rolled back');
is($t->latest($app)->{json}{bundleId}, $first, 'a device gets the one before');
$t->refused(sub { $t->api('POST', "/releases/$app/rollback",
                          { channel => 'default' }, token => 'approve') },
            '404 There is no release to go back to.',
            'what was rolled back is not come back to');

for my $expect ('"1"', 'true', '[1]') {
    $t->refused(sub { $t->api('POST', "/releases/$app/rollback",
                              "{\"channel\":\"default\",\"expect\":$expect}",
                              token => 'approve') },
                '422 "expect" must be a number.', "expected: $expect");
}

$t->api('POST', "/releases/$app/$first/withdraw", {}, token => 'approve');
is($t->latest($app)->{json}{bundleId}, $third, 'withdrawn: the other one');

$t->refused(sub { $t->api('POST', "/releases/$app/rollback",
                          { channel => 'default', steps => 9 },
                          token => 'approve') },
            '404 There is no release to go back to.', 'too many steps');

# a desktop release of electron-builder

my $exe = 'x' x 5000;
my $uploads = "$dir/store/staging/$app/release-1/uploads";
make_path("$uploads/win-unpacked");

$t->refused(sub { stage('nosuch') },
            '404 The release has no folder in staging.', 'nothing to stage');
like($t->said(stage('release-1')), qr/^422 The release has no latest/,
     'no manifest');

put('My App Setup 1.0.0.exe', $exe);
put('builder-debug.yml', 'x64: {}');
put('latest.yml', <<EOF_YML);
version: 1.0.0
files:
  - url: My%20App%20Setup%201.0.0.exe
    sha512: @{[ sha512_base64($exe . 'y') ]}==
    size: 5000
path: My App Setup 1.0.0.exe
releaseDate: '2026-01-01T00:00:00.000Z'
EOF_YML

like($t->said(stage('release-1')),
     qr/^422 "My App Setup 1.0.0.exe" has another SHA-512/,
     'a wrong digest');
is($t->api('GET', "/releases/$app/release-1", undef,
           token => 'read')->{json}{state}, 'failed', 'is written down');

my $yml = $t->read_file("store/staging/$app/release-1/uploads/latest.yml");
my $right = sha512_base64($exe) . '==';
$yml =~ s/sha512: \S+/sha512: $right/;
put('latest.yml', $yml);

is(stage('release-1')->{json}{state}, 'staged', 'staged');
is($t->api('GET', "/desktop/$app/latest.yml", undef,
           token => undef)->{status}, 404, 'not in the feed');

$t->api('POST', "/releases/$app/release-1/promote", {}, token => 'approve');

$reply = $t->api('GET', "/desktop/$app/latest.yml", undef, token => undef);
is($reply->{body}, $yml, 'promoted: in the feed');
is($t->api('GET', "/desktop/$app/My%20App%20Setup%201.0.0.exe", undef,
           token => undef)->{body}, $exe, 'the installer');
is($t->api('GET', "/download/$app/windows/nsis", undef, token => undef,
           headers => ['User-Agent' => 'Mozilla/5.0 (Windows NT 10.0)'])
   ->{body}, $exe, 'the download, by a list that was made here');
is($t->api('GET', "/desktop/$app/builder-debug.yml", undef,
           token => undef)->{status}, 404, 'what nobody listed is not there');

# a desktop release is none of the bundles, and its id is used once

is($t->api('DELETE', "/v1/apps/$app/bundles/release-1", undef,
           token => 'publish')->{status}, 404, 'not deleted as a bundle');
$t->refused(sub { $t->api('POST', "/v1/apps/$app/deployments",
                          { appBuildId => 'release-1',
                            appChannelName => 'default' },
                          token => 'approve') },
            qr/^422 A desktop release cannot be deployed/,
            'nor deployed as one');
ok(!-e "$dir/store/live/$app/release-1/uploads", 'what came is not kept');

put('latest.yml', $yml);
put('My App Setup 1.0.0.exe', $exe);
$t->refused(sub { stage('release-1') },
            qr/^409 A release with this id exists already/,
            'an id that is used');

# a name that another file got in the feed while the release waited

my $other = "store/staging/$app/release-2/uploads";
make_path("$dir/$other");
$t->write_file("$other/latest.yml", $yml =~ s/(Setup(?: |%20))/$1v/gr);
$t->write_file("$other/My App Setup v1.0.0.exe", $exe);
is(stage('release-2')->{json}{state}, 'staged', 'another release');
$t->write_file("store/feed/$app/My App Setup v1.0.0.exe", 'another one');
$t->refused(sub { $t->api('POST', "/releases/$app/release-2/promote", {},
                          token => 'approve') },
            qr/^409 "My App Setup v1\.0\.0\.exe" is in the feed already/,
            'with the name of another file in the feed');
unlink "$dir/store/feed/$app/My App Setup v1.0.0.exe";

# a bundle that is registered

my $registered = $t->api('POST', "/v1/apps/$app/bundles",
                         { artifactType => 'zip',
                           url => 'https://cdn.example/b.zip' },
                         token => 'publish')->{json}{id};
is($t->api('GET', "/releases/$app/$registered", undef,
           token => 'read')->{json}{state}, 'staged', 'registered: it waits');
$t->api('POST', "/releases/$app/$registered/promote", {},
        token => 'approve');
is($t->latest($app)->{json}{bundleId}, $registered, 'promoted: it is seen');

# what is rejected stays so

is(ready($second)->{status}, 409, 'ready after it was rejected');
is($t->api('GET', "/releases/$app/$second", undef,
           token => 'read')->{json}{reason}, 'the logo is wrong',
   'the reason is kept');

$t->api('POST', "/releases/$app/release-1/withdraw", {}, token => 'approve');

# only what is decided about is deleted, and then all of it

for ([ 'release-2', 'what waits' ], [ $registered, 'what is live' ]) {
    my ($id, $name) = @$_;

    $t->refused(sub { remove($id) },
                qr/^409 Only a release that is withdrawn, rejected, failed or/,
                "$name is not deleted");
}

$t->refused(sub { remove('release-1', 'publish') }, qr/^403 /,
            'who publishes deletes nothing');
$t->refused(sub { remove('nosuch') }, qr/^404 /, 'nor what is not there');

# as if nginx had died while it was withdrawn
link "$dir/store/live/$app/release-1/files/My App Setup 1.0.0.exe",
     "$dir/store/feed/$app/My App Setup 1.0.0.exe" or die "no link: $!\n";

is(remove('release-1')->{status}, 204, 'a withdrawn one is deleted');
unlike($t->tree(), qr{^/(?:live/\Q$app\E/release-1|feed/\Q$app\E/)}m,
       'nothing of it is left');
is($t->api('GET', "/releases/$app/release-1", undef,
           token => 'read')->{status}, 404, 'it is not there any more');

is(remove($second)->{status}, 204, 'a rejected one is deleted');
ok(!-e "$dir/store/staging/$app/$second", 'with what was uploaded');
is(remove($second)->{status}, 404, 'once');

# a repeated call of what is live changes nothing of it

my $twice = { artifactType => 'zip', channelName => 'default',
              url => 'https://example.com/twice.zip' };
my $once = $t->api('POST', "/v1/apps/$app/bundles", $twice,
                   token => 'publish')->{json}{id};

is($t->api('PATCH', "/v1/apps/$app/bundles/$once",
           { artifactStatus => 'ready' }, token => 'publish')
   ->{json}{artifactStatus}, 'staged', 'what is registered waits, too');
$t->api('POST', "/releases/$app/$once/promote", {}, token => 'approve');
is($t->api('POST', "/v1/apps/$app/bundles", $twice,
           token => 'publish')->{json}{id}, $once, 'registered twice: once');
ok(!-e "$dir/store/staging/$app/$once", 'and live only');
is($t->api('DELETE', "/v1/apps/$app/bundles/$once")->{status}, 204, 'away');

# a desktop release is none of the bundles, and what was rejected stays so

desktop('release-9');
is(stage('release-9')->{status}, 202, 'a desktop release');

$t->refused(sub { ready('release-9') }, '404 Bundle not found.',
            'is no bundle that could be ready');
$t->refused(sub { $t->upload($app, 'release-9', zip('index.html' => 'x')) },
            '404 Bundle not found.', 'nor one that takes files');
is($t->api('POST', "/releases/$app/release-9/reject", { reason => 'no' },
           token => 'approve')->{json}{state}, 'rejected', 'rejected');
desktop('release-9');
$t->refused(sub { stage('release-9') },
            qr/^409 Only a desktop release that is not staged, rejected or/,
            'it is not staged again');
is(remove('release-9')->{status}, 204, 'and away');

$t->write_file("store/staging/$app/release-3/uploads/latest.yml", 'x: y');
is(stage('release-3')->{status}, 422, 'one fails');
is(remove('release-3')->{status}, 204, 'a failed one is deleted');
ok(!-e "$dir/store/staging/$app/release-3", 'with all that came of it');
is($t->latest($app)->{json}{bundleId}, $registered,
   'devices get what they got before');

# audit

$reply = $t->api('GET', "/releases/$app/audit?limit=1", undef,
                 token => 'read');
is("$reply->{json}[0]{by} $reply->{json}[0]{change} $reply->{json}[0]{subject}",
   'approve release.delete release-3', 'the audit log, newest first');

###############################################################################

# Publishes as the CLI does, up to "ready".

sub publish {
    my ($text) = @_;

    my $id = $t->api('POST', "/v1/apps/$app/bundles",
                     { artifactType => 'zip' }, token => 'publish')
             ->{json}{id};
    $t->upload($app, $id, zip('index.html' => $text), token => 'publish');

    is(ready($id)->{json}{artifactStatus}, 'staged', "$text waits");

    return $id;
}

sub ready {
    my ($id) = @_;

    return $t->api('PATCH', "/v1/apps/$app/bundles/$id",
                   { artifactStatus => 'ready' }, token => 'publish');
}

sub remove {
    my ($id, $token) = @_;

    return $t->api('DELETE', "/releases/$app/$id", undef,
                   token => $token // 'approve');
}

sub stage {
    my ($id) = @_;

    return $t->api('POST', "/releases/$app/$id/stage", {},
                   token => 'publish');
}

sub put {
    my ($name, $content, $id) = @_;

    $id //= 'release-1';
    $t->write_file("store/staging/$app/$id/uploads/$name", $content);
}

sub desktop {
    my ($id) = @_;

    my $digest = sha512_base64($id) . '==';

    put("$id.AppImage", $id, $id);
    put('latest-linux.yml', <<"EOF_YML", $id);
version: 1.2.3
files:
  - url: $id.AppImage
    sha512: $digest
path: $id.AppImage
sha512: $digest
releaseDate: '2026-01-01T00:00:00.000Z'
EOF_YML
}

###############################################################################
