#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# /v1/apps/{app}/bundles: create, register, ready, delete.

use warnings;
use strict;
use utf8;

use Digest::SHA qw/ sha256_hex /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_decode json_encode sign zip /;
use Test::LiveUpdate::Fault;
use Test::LiveUpdate::HTTP qw/ parse_reply /;

my $t = Test::LiveUpdate->new()->plan(186);
my $fault = Test::LiveUpdate::Fault->new($t);

$t->config_reference();
$t->run();

my $app = $t->create_app('bundles');
my $path = "/v1/apps/$app/bundles";
my $zip = zip('index.html' => '<html></html>');
my $uuid = qr/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

my $production = $t->create_channel($app, 'production');

# create

my $reply = create({
    appId => $app,
    artifactType => 'zip',
    channelName => 'production',
    rolloutPercentage => 0.5,
    minAndroidAppVersionCode => '10',
    maxAndroidAppVersionCode => '12',
    eqAndroidAppVersionCode => '11',
    minIosAppVersionCode => '1.0.0',
    maxIosAppVersionCode => '2',
    eqIosAppVersionCode => '1.5',
    customProperties => { a => 'b=c', 'ü' => '✓' },
    gitRef => 'main',
});

my $id = $reply->{json}{id};

is($reply->{status}, 201, 'a bundle');
like($id, $uuid, 'with a UUID');
is($reply->{json}{appBuildId}, $id, 'which is that of its build');
is($reply->{json}{appDeploymentId}, undef, 'without a deployment');
is($reply->{json}{artifactStatus}, 'pending', 'pending');
is_deeply($reply->{json}{customProperties}, { a => 'b=c', 'ü' => '✓' },
          'with properties');
is($t->latest($app, channelName => 'production')->{status}, 404,
   'devices are not told');

# what is refused

for my $body (
    {}, { artifactType => 'apk' }, { artifactType => 1 },
    { artifactType => undef }, { artifactType => ['zip'] },
    (map { { artifactType => 'zip', rolloutPercentage => $_ } }
     -0.1, 1.1, '0.5', [], {}, JSON::PP::true(), 1e300),
    (map { my $limit = $_; map { { artifactType => 'zip', $limit => $_ } }
           10, '', 'x', '1.', '.1', '1..2', '1.0-beta', ' 1', '9' x 65, [] }
     qw/ minAndroidAppVersionCode eqIosAppVersionCode /),
    (map { { artifactType => 'zip', customProperties => $_ } }
     'x', ['x'], 1, { a => 1 }, { a => undef }, { a => {} }, { a => ['x'] },
     { a => JSON::PP::true() }, { '' => 'x' }, { 'x' x 301, 'x' },
     { x => 'x' x 301 }, { map { $_ => 'x' } 1 .. 11 }),
    (map { { artifactType => 'zip', url => $_ } }
     '', 1, 'x', '/x.zip', 'ftp://example.com/x', 'https:/x', [],
     'https://example.com/a b', 'https://example.com/ü',
     "https://example.com/\n", 'https://example.com/"x"',
     'https://example.com/%zz', 'https:///x.zip', 'https://example.com:y/x',
     'https://example.com/<x>', "https://example.com/\\x",
     'https://example.com/' . 'x' x 3000, 'javascript:alert(1)'),
    { artifactType => 'manifest', url => 'https://example.com/x' },
    (map { { artifactType => 'zip', url => 'https://example.com/x.zip',
             checksum => $_ } }
     '', 'x', 1, 'A' x 64, 'a' x 63, 'a' x 65, 'null', []),
    (map { { artifactType => 'zip', url => 'https://example.com/x.zip',
             signature => $_ } }
     '', 'x', 1, 'AAAA', '-' x 344, 'A' x 344 . "\n", 'A' x 343, {}),
) {
    $t->refused(sub { create($body) }, qr/^422 \S/,
                'refused: ' . substr json_encode($body), 0, 60);
}

for my $name ('nope', 'Production', '', 1, [], "production\n") {
    $t->refused(sub { create({ artifactType => 'zip',
                               channelName => $name }) }, qr/^4(?:04|22) /,
                'no channel: ' . json_encode([$name]));
}

$t->refused(sub { $t->api('POST', '/v1/apps/nope/bundles',
                          { artifactType => 'zip' }) },
            '404 App not found.', 'an unknown app');

# ready

for my $status ('pending', 'READY', '', 1, [], {}) {
    $t->refused(sub { patch($id, { artifactStatus => $status }) },
                '422 "artifactStatus" must be "ready".',
                'no status: ' . json_encode([$status]));
}

for my $unknown ('nope', $app) {
    $t->refused(sub { patch($unknown, { artifactStatus => 'ready' }) },
                '404 Bundle not found.', "$unknown is no bundle");
}

is($t->said(ready($id)), '422 The bundle has no files.', 'without files');
is(get($id)->{artifactStatus}, 'failed', 'it has failed');
is(get($id)->{reason}, 'The bundle has no files.', 'with the reason');
is($t->latest($app, channelName => 'production', appVersionCode => 10)
   ->{status}, 404, 'devices are not told');

is($t->upload($app, $id, $zip)->{status}, 201, 'its file');
$reply = ready($id);
is($reply->{status}, 200, 'ready');
is($reply->{json}{artifactStatus}, 'ready', 'it says so');
is($reply->{json}{reason}, undef, 'without a reason');
like($reply->{json}{appDeploymentId}, $uuid, 'and has a deployment');

my $deployment = $reply->{json}{appDeploymentId};

is($t->latest($app, channelName => 'production', appVersionCode => 10,
              deviceId => in_rollout($deployment, 0.5))->{json}{bundleId},
   $id, 'devices are told');
is($t->api('GET', "/v1/apps/$app/deployments/$deployment")->{json}
   {rolloutPercentage}, 0.5, 'half of them');

# limits, with the next one

my $limited = publish(channelName => 'production', rolloutPercentage => 1,
    minAndroidAppVersionCode => '10', maxAndroidAppVersionCode => '12',
    eqAndroidAppVersionCode => '11', minIosAppVersionCode => '1.0.0',
    maxIosAppVersionCode => '2', eqIosAppVersionCode => '1.5');

my %told = (
    0 => { 9 => 0, 10 => 1, 11 => 0, 12 => 1, 13 => 0, '010' => 1,
           '10.0' => 1, '11.0.0' => 0, '11.0.1' => 1, '12.0.1' => 0,
           '9.9' => 0, '' => 0, x => 0, '10x' => 0, '-10' => 0,
           '99999999999999999999' => 0, '1e1' => 0 },
    1 => { '0.9.9' => 0, 1 => 1, '1.0' => 1, '1.0.0' => 1, '1.5' => 0,
           '1.5.0' => 0, '1.5.1' => 1, '1.10' => 1, '2' => 1, '2.0.0' => 1,
           '2.0.0.1' => 0, '10' => 0, '' => 0, '1.' => 0 },
    2 => { 1 => 1, '' => 1, 'x' => 1 },
);

for my $platform (sort keys %told) {
    my %is = map {
        my $reply = $t->latest($app, channelName => 'production',
                               platform => $platform, appVersionCode => $_);
        $_ => $reply->{status} == 200 ? 1 : 0;
    } keys %{$told{$platform}};

    is_deeply(\%is, $told{$platform}, "limits of platform $platform");
}

# all of it again, which is no harm

my $tree = $t->tree("store/live/$app");

for (1 .. 3) {
    $reply = ready($limited->{bundle});
    is($reply->{status}, 200, 'ready, again');
    is($reply->{json}{appDeploymentId}, $limited->{deployment},
       'is the same deployment');
}

is($t->api('GET', "/v1/apps/$app/channels/$production")->{json}
   {totalAppDeployments}, 2, 'no deployment twice');
is($t->tree("store/live/$app"), $tree, 'and no file changed');

$t->refused(sub { $t->upload($app, $limited->{bundle}, 'x') },
            '409 The bundle is complete: its files cannot be changed.',
            'a file for a bundle that is ready');

# an old one ready again does not come back

my $newer = publish(channelName => 'production');
ready($limited->{bundle});
is(told('production'), $newer->{bundle}, 'a late repeat deploys nothing');

# eight at once

my $parallel = create({ artifactType => 'zip', channelName => 'production' })
    ->{json}{id};
$t->upload($app, $parallel, $zip);

my $body = json_encode({ artifactStatus => 'ready' });
my @sockets = map { http_start(
    "PATCH $path/$parallel HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
    . 'Authorization: Bearer ' . $t->token('publish') . "\r\n"
    . 'Content-Length: ' . length($body) . "\r\n\r\n$body"
) } 1 .. 8;

my %deployments = map { ($_->{json}{appDeploymentId} // $_->{raw}) => 1 }
    map { parse_reply(http_end($_)) } @sockets;

is(scalar keys %deployments, 1, 'ready eight times at once')
    or diag(join "\n", keys %deployments);
is(told('production'), $parallel, 'is on');
is(scalar(grep { $_->{appBuildId} eq $parallel }
          @{$t->api('GET', "/v1/apps/$app/deployments")->{json}}), 1, 'once');

# the channel of those who name none

my $none = publish();
is(told(undef), $none->{bundle}, 'the default channel');

$t->api('PATCH', "/v1/apps/$app", { appChannelId => undef });
$none = publish();
is($none->{deployment}, undef, 'no default channel, no deployment');
ok($none->{ok}, 'but it is ready');

# a bundle that goes while it is on

my $one = publish(channelName => 'production');
my $two = publish(channelName => 'production');

is(told('production'), $two->{bundle}, 'the second one');
$reply = $t->api('DELETE', "$path/$two->{bundle}", undef, token => 'publish');
is($reply->{status} . $reply->{body}, '204', 'is deleted');
is(told('production'), $one->{bundle}, 'the first one is on again');
$t->refused(sub { $t->api('DELETE', "$path/$two->{bundle}") },
            '404 Bundle not found.', 'deleted, again');
$t->refused(sub { ready($two->{bundle}) }, '404 Bundle not found.',
            'ready, deleted');
$t->refused(sub { $t->upload($app, $two->{bundle}, $zip) },
            '404 Bundle not found.', 'a file for it');
unlike($t->tree(), qr/$two->{bundle}/, 'nothing of it is left');

my $pending = create({ artifactType => 'zip' })->{json}{id};
$t->upload($app, $pending, $zip);
is($t->api('DELETE', "$path/$pending")->{status}, 204,
   'one that was not ready is deleted');
unlike($t->tree(), qr/$pending/, 'and gone');

# the channel goes before the bundle is ready

$t->create_channel($app, 'short');
my $orphan = create({ artifactType => 'zip', channelName => 'short' })
    ->{json}{id};
$t->upload($app, $orphan, $zip);
$t->api('DELETE', "/v1/apps/$app/channels?name=short");
is($t->said(ready($orphan)), '404 Channel not found.',
   'the channel is gone meanwhile');
unlike($t->tree('store/live'), qr/$orphan/, 'nothing is live');
isnt(get($orphan)->{artifactStatus}, 'ready', 'nor ready');

# register: a bundle that is elsewhere

my $key = $t->testdir() . '/key.pem';
system("openssl genrsa -out '$key' 2048 2>/dev/null") == 0 or die;

my $signature = sign($zip, $key);
my $url = 'https://example.com/a%20b.zip?x=1&y=%C3%BC';

$reply = create({ artifactType => 'zip', channelName => 'production',
                  url => $url, checksum => sha256_hex($zip),
                  signature => $signature,
                  customProperties => { k => 'v' } });

is($reply->{status}, 201, 'registered');
like($reply->{json}{appDeploymentId}, $uuid, 'is deployed at once');
is($reply->{json}{artifactStatus}, 'ready', 'and ready');
is_deeply($t->latest($app, channelName => 'production')->{json}, {
    artifactType => 'zip',
    bundleId => $reply->{json}{id},
    channelName => 'production',
    checksum => sha256_hex($zip),
    customProperties => { k => 'v' },
    signature => $signature,
    url => $url,
}, 'its url is told as it is');
is($t->api('GET', "$path/$reply->{json}{id}/download", undef, token => undef)
   ->{headers}{location}, $url, 'and downloads go there');
is(ready($reply->{json}{id})->{status}, 200, 'ready, which it is');

is(create({ artifactType => 'zip', channelName => 'production',
            url => 'http://example.com/x.zip' })->{status}, 201,
   'without a checksum');
is_deeply([@{$t->latest($app, channelName => 'production')->{json}}
           {qw/ checksum signature /}], [undef, undef], 'which is null');

# neither null nor a name in other letters is an url

for my $members ({ url => undef }, { URL => 'https://example.com/x.zip' },
                 { Url => undef })
{
    my $name = json_encode($members);

    $reply = create({ artifactType => 'zip', channelName => 'production',
                      %$members });
    is($reply->{json}{artifactStatus}, 'pending', "$name is no url");
    is($t->said(ready($reply->{json}{id})), '422 The bundle has no files.',
       'and it has no files');
}

# registered when the clock has been set back

my $again = { artifactType => 'zip', channelName => 'production',
              url => 'https://example.com/again.zip' };
my $was = create($again)->{json}{id};
my $description = $t->read_file("store/live/$app/$was/release.json");

is(create($again)->{json}{id}, $was, 'the same call again');
$t->write_file("store/live/$app/$was/release.json",
               $description =~ s/("createdAt":\s*")\d{4}/${1}2099/r);
isnt(create($again)->{json}{id}, $was, 'but not of another time');

# registered if nothing has changed

my $generation = $t->api('GET', "/v1/apps/$app")->{json}{generation};
my $expecting = { artifactType => 'zip', expect => $generation,
                  url => 'https://example.com/expected.zip' };

is($t->api('POST', $path, $expecting)->{status}, 201, 'as expected');
is($t->api('POST', $path, { %$expecting, gitRef => 'x' })->{status}, 409,
   'and not any more');

# a protected channel

$t->create_channel($app, 'safe', fields => { protected => \1 });

$t->refused(sub { create({ artifactType => 'zip', channelName => 'safe',
                           url => $url }) },
            qr/^4(?:03|22) [Tt]he channel is protected/,
            'registered without a signature');
$reply = create({ artifactType => 'zip', channelName => 'safe', url => $url,
                  signature => $signature });
is($reply->{status}, 201, 'with one');

my $safe = $reply->{json}{id};

is($t->api('POST', "/releases/$app/$safe/promote", {},
           token => 'approve')->{status}, 200, 'approved');
$t->refused(sub { $t->api('DELETE', "$path/$safe", undef,
                          token => 'publish') },
            qr/^403 The channel is protected/, 'it is not for a publisher');

my %limit = (minAndroidAppVersionCode => undef,
             customProperties => { a => 'b' });

for my $call ([ "$path/$safe", \%limit ],
              [ "/v1/apps/$app/builds/$safe", \%limit ],
              [ "/v1/apps/$app/devices?ids=d1",
                { forcedAppChannelId => $production } ]) {
    $t->refused(sub { $t->api('PATCH', @$call, token => 'publish') },
                qr/^403 The channel is protected/, 'nor is that');
    is($t->api('PATCH', @$call, token => 'admin')->{status}, 200,
       'who may approve may');
}

is($t->api('PATCH', "/v1/apps/$app/devices?ids=d1",
           { forcedAppChannelId => undef }, token => 'publish')->{status}, 200,
   'back to what the device asks for');

# versions of a bundle, as old CLIs change them

$reply = patch($one->{bundle}, { minAndroidAppVersionCode => '7',
                                 rolloutPercentage => 0.25 });

is($reply->{status}, 200, 'a limit of a bundle');
is($t->api('GET', "/v1/apps/$app/builds/$one->{bundle}")->{json}
   {minAndroidAppVersionCode}, '7', 'is that of its build');
is($t->api('GET', "/v1/apps/$app/deployments/$one->{deployment}")->{json}
   {rolloutPercentage}, 0.25, 'and the rollout that of its deployment');

for my $body ({ minAndroidAppVersionCode => 7 }, { rolloutPercentage => 2 },
              { customProperties => { a => 1 } })
{
    $t->refused(sub { patch($one->{bundle}, $body) }, qr/^422 /,
                'no change: ' . json_encode($body));
}

# get

is(get($one->{bundle})->{artifactStatus}, 'ready', 'get');
$t->refused(sub { $t->api('GET', "$path/nope") }, '404 Bundle not found.',
            'get of an unknown one');
is($t->api('GET', $path)->{headers}{allow}, 'POST', 'there is no list');

# many

my @many = map { publish(channelName => 'production') } 1 .. 10;

is(told('production'), $many[-1]{bundle}, 'the last of many');
$t->api('DELETE', "$path/$_->{bundle}") for reverse @many[1 .. 9];

# a disk that takes its time while the files of a bundle go

my $large = $t->publish($app, undef, { map { ("$_.js" => $_) } 1 .. 50 });

$fault->arm('wait', 'unlink', 40);

my $going = http_start("DELETE $path/$large->{bundle} HTTP/1.0\r\n"
                       . 'Authorization: Bearer ' . $t->token('admin')
                       . "\r\n\r\n");

ok((wait_until { defined $fault->fired() } 10), 'files of a bundle go');
is($t->api('POST', "/v1/apps/$app/channels", { name => 'meanwhile' },
           timeout => 5)->{status}, 201, 'changes need not wait for that');
$fault->disarm();
is(parse_reply(http_end($going))->{status}, 204, 'it has gone');
is(told('production'), $many[0]{bundle}, 'the first, without the others');

###############################################################################

sub create {
    my ($body) = @_;

    return $t->api('POST', $path, $body, token => 'publish');
}


sub patch {
    my ($id, $body) = @_;

    return $t->api('PATCH', "$path/$id", $body, token => 'publish');
}


sub ready {
    my ($id) = @_;

    return patch($id, { artifactStatus => 'ready' });
}


sub get {
    my ($id) = @_;

    return $t->api('GET', "$path/$id")->{json};
}


sub publish {
    my (%fields) = @_;

    return $t->publish($app, undef, $zip, bundle => \%fields);
}


sub told {
    my ($name) = @_;

    my $reply = $t->latest($app, channelName => $name);

    return ($reply->{json} || {})->{bundleId};
}


# A device that is in that part of a rollout.

sub in_rollout {
    my ($deployment, $part) = @_;

    for my $n (1 .. 1000) {
        my ($high) = unpack 'N', Digest::SHA::sha256("$deployment:device-$n");

        return "device-$n" if $high / 2 ** 32 < $part;
    }

    die "no device\n";
}
