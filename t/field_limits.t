#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Each string that somebody may have stored has a limit, and so has the number
# of things in an app.  What is too long or too many is refused with the limit,
# and changes nothing; a store that has more can still be read.

use warnings;
use strict;

use File::Path qw/ make_path remove_tree /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_decode json_encode zip /;
use Test::LiveUpdate::ToDesktop;

my $t = Test::LiveUpdate->new();

$t->plan(47);

my $td = Test::LiveUpdate::ToDesktop->new($t);
my $desktop = $td->{app};

$td->configure(approval => 'on');
$t->run();

my $app = $t->create_app('Shop');
my ($reply, $tree);

# a git reference

unchanged(sub { bundle(gitRef => 'g' x 1025) },
          '422 "gitRef" must be a string of at most 1024 bytes',
          'a reference of 1025 bytes');
unchanged(sub { bundle(gitRef => 'g' x 1_000_000) }, qr/^422 "gitRef" /,
          'or of a megabyte');
unchanged(sub { bundle(gitRef => [ 'main' ]) }, qr/^422 "gitRef" /,
          'or in an array');
unchanged(sub { bundle(gitRef => "\xc3\xbc" x 513) }, qr/^422 "gitRef" /,
          'bytes count, not characters');

$reply = bundle(gitRef => 'g' x 1024);
is($reply->{status}, 201, 'a reference of 1024 bytes');

my $id = $reply->{json}{id};
is($t->api('GET', "/v1/apps/$app/builds/$id")->{json}{gitRef}, 'g' x 1024,
   'is stored');
is(bundle(gitRef => undef)->{status}, 201, 'none');

# the other strings of a bundle

for my $case (
    [ { channelName => 'c' x 129 }, 'a channel' ],
    [ { minAndroidAppVersionCode => '1' x 65 }, 'a version' ],
    [ { customProperties => { a => 'x' x 301 } }, 'a property' ],
    [ { customProperties => { 'x' x 301 => 'a' } }, 'its name' ],
    [ { customProperties => { map { $_ => 'a' } 1 .. 11 } }, 'properties' ],
    [ { url => 'https://example.com/' . 'u' x 2048 }, 'a URL' ],
    [ { url => 'https://example.com/', checksum => '0' x 65 }, 'a checksum' ],
    [ { url => 'https://example.com/', signature => 'A' x 1400 },
      'a signature' ],
) {
    my ($fields, $name) = @$case;

    unchanged(sub { bundle(%$fields) }, qr/^4(?:22|04) /, "$name, too long");
}

# names and ids

unchanged(sub { $t->api('POST', '/v1/apps', { name => 'n' x 129 }) },
          qr/^422 .*128/, 'the name of an app');
unchanged(sub { $t->api('POST', '/v1/apps', { name => 'a', id => 'i' x 65 }) },
          qr/^422 .*64/, 'its id');
unchanged(sub { $t->api('POST', "/v1/apps/$app/channels",
                        { name => 'n' x 129 }) },
          qr/^422 .*128/, 'the name of a channel');
unchanged(sub { $t->api('POST', '/v1/organizations', { name => 'n' x 129 }) },
          qr/^422 .*128/, 'the name of an organization');

# what a build was fetched with

my $build = $td->build(platforms => [ 'linux' ], size => 500);
my $long = "\x{20ac}" x 50_000;

is($td->deliver($build, fields => {
    electronVersionUsed => 'e' x 5000,
    buildStartedAt => 't' x 5000,
    buildEndedAt => 't' x 5000,
    versionControlInfo => {
        commitId => 'c' x 5000, commitMessage => $long,
        branchName => $long, repositoryRemoteUrl => 'r' x 5000,
    },
})->{status}, 202, 'a webhook with long strings is accepted');

my $release = $td->becomes($build, 'staged', 'and its build is staged');
is_deeply({ map { $_ => length $release->{$_} }
            qw/ electron buildStartedAt buildEndedAt commit remote / },
          { electron => 128, buildStartedAt => 64, buildEndedAt => 64,
            commit => 128, remote => 2048 }, 'its strings were cut');
is(length $release->{commitMessage}, int(4096 / 3),
   'a message between two characters');
is(length $release->{branch}, int(1024 / 3), 'and a branch');

unchanged(sub { reject($build->{id}, 'r' x 4097) },
          '422 "reason" must be a string of at most 4096 bytes',
          'a reason of 4097 bytes');
is(reject($build->{id}, 'r' x 4096)->{status}, 200, 'a reason of 4096 bytes');

$build = $td->build(platforms => [ 'linux' ], size => 500);

is($t->api('POST', "/releases/$desktop/$build->{id}/fetch",
           { platforms => [ ('linux') x 50_000 ] },
           token => 'publish')->{status}, 202, 'a platform, 50000 times');
is_deeply(json_decode($t->read_file("store/staging/$desktop/$build->{id}/"
                                    . 'release.json'))->{platforms},
          [ 'linux' ], 'is stored once');
$td->becomes($build, 'staged', 'and its build is staged');

# rules

for my $case (
    [ [ map { rule('buildByPlatform', platforms => [ 'mac' ]) } 1 .. 201 ],
      qr/^422 .* at most 200 rules$/, 'rules' ],
    [ [ map { rule('buildByRollout', percentage => 1) } 1 .. 51 ],
      qr/^422 .* at most 50 rules "buildByRollout"$/, 'rollouts' ],
    [ [ map { rule('buildByIp', ipList => [ ('192.0.2.1') x 501 ]) } 1 .. 2 ],
      qr/^422 .* at most 1000 addresses/, 'addresses' ],
) {
    my ($rules, $message, $name) = @$case;

    unchanged(sub { $t->api('PUT', "/releases/$desktop/rules",
                            { releaseRedirections => $rules }) },
              $message, "too many $name");
}

unchanged(sub { $td->deliver($td->build(size => 500), fields => {
                    releaseInfo => { releaseRedirections =>
                        [ map { rule('build') } 1 .. 201 ] } }) },
          qr/^400 .* at most 200 rules$/, 'nor do rules come by a webhook');

# organizations, channels, forced devices, partial deployments

$t->write_file('store/organizations.json', json_encode(
    [ map { { id => "o$_", name => "O $_" } } 1 .. 1000 ]));

unchanged(sub { $t->api('POST', '/v1/organizations', { name => 'x' }) },
          qr/^409 .* 1000 organizations/, 'an organization more');
is($t->api('DELETE', '/v1/organizations/o7')->{status}, 204, 'one less');
is($t->api('POST', '/v1/organizations', { name => 'x' })->{status}, 201,
   'and one more');

edit(sub {
    my ($json) = @_;

    $json->{channels} = [ map { channel("c$_", "name $_") } 1 .. 1002 ];
    $json->{forcedDevices} = { map { ("device $_" => 'c1') } 1 .. 10_000 };
    $json->{appChannelId} = 'c1';
});

unchanged(sub { $t->api('POST', "/v1/apps/$app/channels", { name => 'x' }) },
          qr/^409 .* 1000 channels/, 'a channel more');
is($t->latest($app, channelName => 'name 1002')->{status}, 404,
   'an app that has more is read');
unchanged(sub { $t->api('PATCH', "/v1/apps/$app/devices?ids=new,other",
                        { forcedAppChannelId => 'c1' }) },
          qr/^409 .* 10000 devices/, 'a forced device more');
is($t->api('PATCH', "/v1/apps/$app/devices/device%207",
           { forcedAppChannelId => 'c2' })->{status}, 200, 'not one more');

$t->api('DELETE', "/v1/apps/$app/channels/c$_") for 1000 .. 1002;
is($t->api('POST', "/v1/apps/$app/channels", { name => 'x' })->{status}, 201,
   'with fewer channels there is room again');

my $zip = zip('index.html' => 'one');

edit(sub {
    my ($json) = @_;

    $json->{channels} = [ channel('c1', 'production') ];
    $json->{channels}[0]{deployments} = [
        map { { id => "d$_", release => $id, rollout => 0.5,
                createdBy => 'x', createdAt => $json->{createdAt},
                updatedAt => $json->{createdAt} } } 1 .. 50
    ];
});

unchanged(sub { bundle(rolloutPercentage => 0.5, artifactType => 'zip') },
          qr/^409 .* 50 deployments/,
          'a bundle for a part more is refused before it is uploaded');
is(bundle(rolloutPercentage => 1)->{status}, 201, 'one for everyone is not');

# releases

make_path(map { $t->testdir() . "/store/staging/$app/x$_" } 1 .. 10_000);

unchanged(sub { bundle() }, qr/^409 .* 10000 releases in staging/,
          'a release more in staging');
is($t->api('GET', "/releases/$app?limit=1")->{status}, 200,
   'what is there is read');

remove_tree(map { $t->testdir() . "/store/staging/$app/x$_" } 1 .. 10_000);
is(bundle()->{status}, 201, 'with fewer there is room again');

# a store that was written before there were limits

for my $release ($id) {
    my $path = "store/staging/$app/$release/release.json";
    my $json = json_decode($t->read_file($path));

    $json->{gitRef} = 'g' x 1_000_000;
    $t->write_file($path, json_encode($json));

    is(length $t->api('GET', "/v1/apps/$app/builds/$release")->{json}{gitRef},
       1_000_000, 'a longer reference is read');
}


sub bundle {
    return $t->api('POST', "/v1/apps/$app/bundles",
                   { artifactType => 'zip', @_ }, token => 'publish');
}


sub reject {
    my ($release, $reason) = @_;

    return $t->api('POST', "/releases/$desktop/$release/reject",
                   { reason => $reason }, token => 'approve');
}


sub rule {
    my ($rule, %fields) = @_;

    return { rule => $rule, buildId => $build->{id}, %fields };
}


sub channel {
    my ($channel, $name) = @_;

    return { id => $channel, name => $name, protectedAt => undef,
             pausedAt => undef, expiresAt => undef, deployments => [],
             map { $_ => '2026-11-21T21:00:40.379Z' }
                 qw/ createdAt updatedAt / };
}


# What only an earlier version could have written.

sub edit {
    my ($change) = @_;

    my $path = "store/apps/$app/app.json";
    my $json = json_decode($t->read_file($path));

    $change->($json);

    $t->write_file($path, json_encode($json));
}


# It is refused, and the store is as it was.

sub unchanged {
    my ($call, $message, $name) = @_;

    my $before = $t->tree();

    $t->refused($call, $message, $name);

    return if $t->tree() eq $before;

    fail("$name: the store was changed");
}
