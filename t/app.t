#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# /v1/users/me, /v1/sessions, /v1/organizations and /v1/apps.

use warnings;
use strict;
use utf8;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_decode json_encode uri_encode zip /;

my $t = Test::LiveUpdate->new()->plan(111);

$t->config_reference();
$t->run();

my $uuid = qr/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
my $time = qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

# who am I

my $reply = $t->api('GET', '/v1/users/me', undef, token => 'publish');

is($reply->{status}, 200, 'me');
like($reply->{json}{id}, $uuid, 'has a UUID');
is($reply->{json}{email}, 'publish', 'has a name');
is($t->api('GET', '/v1/users/me', undef, token => 'publish')->{json}{id},
   $reply->{json}{id}, 'is always the same');
isnt($t->api('GET', '/v1/users/me', undef, token => 'read')->{json}{id},
     $reply->{json}{id}, 'and nobody else');
unlike($reply->{body}, qr/@{[$t->token('publish')]}/, 'tells no token');

# sessions

for my $path ('sessions', 'sessions/codes') {
    like($t->said($t->api('POST', "/v1/$path", {}, token => undef)),
         qr/^403 This server has no login page: .*token/, "no $path");
    is($t->api('POST', "/v1/$path", '{' x 100_000, token => undef)->{status},
       403, 'and nothing is read for it');
}

for my $id ('x', 'a/b', 'ca_x') {
    is($t->api('DELETE', "/v1/sessions/$id", undef, token => undef)
       ->{status}, 204, "logout from $id");
}

# organizations

my $default = $t->api('GET', '/v1/organizations')->{json};

is(scalar @$default, 1, 'there is an organization at first');
like($default->[0]{id}, $uuid, 'with a UUID');
is($default->[0]{name}, 'Default', 'with a name');

$reply = $t->api('POST', '/v1/organizations', { name => 'Über "uns"' });
my $organization = $reply->{json}{id};

is($reply->{status}, 201, 'another one');
like($organization, $uuid, 'has a UUID');
is($t->api('GET', "/v1/organizations/$organization")->{json}{name},
   'Über "uns"', 'and its name');
is(scalar @{$t->api('GET', '/v1/organizations')->{json}}, 2, 'two in all');
is($t->api('PATCH', "/v1/organizations/$organization", { name => 'Wir' })
   ->{json}{name}, 'Wir', 'renamed');

for my $body ({}, { name => '' }, { name => 1 }, { name => "a\nb" },
              { name => 'x' x 129 })
{
    $t->refused(sub { $t->api('POST', '/v1/organizations', $body) },
                qr/^422 An organization needs a "name"/,
                'no organization: ' . substr json_encode($body), 0, 30);
}

$t->refused(sub { $t->api('PATCH', "/v1/organizations/$organization",
                          { name => '' }) }, qr/^422 /, 'no name');

for my $call (['GET'], ['PATCH', { name => 'x' }], ['DELETE']) {
    $t->refused(sub { $t->api($call->[0], '/v1/organizations/nope',
                              $call->[1]) },
                '404 Organization not found.', "$call->[0] of an unknown one");
}

# apps

$reply = $t->api('POST', "/v1/apps?organizationId=$organization",
                 { name => 'Café ✓', type => 'ios' });
my $app = $reply->{json}{id};

is($reply->{status}, 201, 'an app');

my %app = %{$reply->{json}};

like(delete $app{createdAt}, $time, 'createdAt');
like(delete $app{updatedAt}, $time, 'updatedAt');
like($app{appChannelId}, $uuid, 'appChannelId');
is_deeply(\%app, {
    id => $app,
    name => 'Café ✓',
    type => 'ios',
    organizationId => $organization,
    appChannelId => $app{appChannelId},
    appChannelDiscoveryEnabled => JSON::PP::false(),
    appEnvironmentId => undef,
    nextBuildNumber => 1,
}, 'has all that an app has');
like($app, $uuid, 'a UUID among it');

my $got = $t->api('GET', "/v1/apps/$app")->{json};
is(delete $got->{generation}, 0, 'no change after it was made');
is_deeply($got, $reply->{json}, 'is told again');

is($t->api('POST', '/v1/apps', { name => $_, type => $_ })->{json}{type}, $_,
   "of type $_") for qw/ android capacitor cordova ios electron /;
is($t->api('POST', '/v1/apps', { name => 'typeless' })->{json}{type},
   'capacitor', 'of no type');

my $own = '11111111-1111-4111-8111-111111111111';

is($t->api('POST', '/v1/apps', { id => $own, name => 'own id' })->{json}{id},
   $own, 'an id of its own');
$t->refused(sub { $t->api('POST', '/v1/apps',
                          { id => $own, name => 'again' }) },
            '409 An app with this id exists.', 'that id again');

for my $body (
    {}, { name => '' }, { name => 1 }, { name => undef }, { name => "a\tb" },
    { name => ' x' }, { name => 'x' x 129 }, { name => 'x', type => 'web' },
    { name => 'x', type => 1 }, { name => 'x', id => '../x' },
    { name => 'x', id => '' }, { name => 'x', id => 1 },
    { name => 'x', id => 'public' }, { name => 'x', id => 'PUBLIC' },
    { name => 'x', id => 'a b' }, { name => 'x', id => '.x' },
    { name => 'x', id => '-x' }, { name => 'x', id => 'x' x 65 },
    { name => 'x', id => 'ü' }, { name => 'x', appChannelId => 1 },
    { name => 'x', appChannelDiscoveryEnabled => 'yes' },
    { name => 'x', appChannelId => 'nope' },
) {
    $t->refused(sub { $t->api('POST', '/v1/apps', $body) }, qr/^4(?:22|04) /,
                'no app: ' . substr json_encode($body), 0, 50);
}

$t->refused(sub { $t->api('POST', '/v1/apps?organizationId=nope',
                          { name => 'x' }) },
            '404 Organization not found.', 'of an unknown organization');
$t->refused(sub { $t->api('POST', '/v1/apps', { name => 'x',
                          organizationId => 'nope' }) },
            '404 Organization not found.', 'or one in the body');

# the list

is(apps("organizationId=$organization"), 'Café ✓', 'of an organization');
is(apps("organizationId=$default->[0]{id}&name=ios"), 'ios', 'by name');
is(apps('query=Caf%C3%A9'), 'Café ✓', 'by a part of it');
is(apps('query=nope'), '', 'of none');
is(scalar split(/,/, apps('limit=3')), 3, 'limit');
is(apps('limit=1000&offset=1'),
   apps('limit=1000') =~ s/^[^,]+,//r, 'offset');
is(apps('organizationId=nope'), '', 'of an unknown organization');

# change

my $other = $t->create_channel($app, 'other');

$reply = $t->api('PATCH', "/v1/apps/$app", {
    name => 'Tee', type => 'android', appChannelId => $other,
    appChannelDiscoveryEnabled => \1, organizationId => $default->[0]{id},
    unknown => [1],
});

is($reply->{status}, 200, 'changed');
is_deeply({ map { $_ => $reply->{json}{$_} }
            qw/ name type appChannelId organizationId / },
          { name => 'Tee', type => 'android', appChannelId => $other,
            organizationId => $default->[0]{id} }, 'all of it');
ok($reply->{json}{appChannelDiscoveryEnabled}, 'discovery');
$got = $t->api('GET', "/v1/apps/$app")->{json};
is(delete $got->{generation}, 2, 'the second change after it was made');
is_deeply($got, $reply->{json}, 'and it stays');

my $bundle = $t->publish($app, 'other', zip('index.html' => 'x'))->{bundle};

is($t->latest($app)->{json}{bundleId}, $bundle,
   'devices without a channel get the default one');
is($t->api('PATCH', "/v1/apps/$app", { appChannelId => undef })->{json}
   {appChannelId}, undef, 'no default channel');
is($t->latest($app)->{status}, 404, 'is none for devices');

for my $body (
    { name => '' }, { name => 1 }, { type => 'web' }, { type => {} },
    { appChannelId => 'nope' }, { appChannelId => 1 },
    { appChannelDiscoveryEnabled => 'yes' }, { organizationId => 1 },
    { organizationId => 'nope' }, { name => 'ok', type => 'wrong' },
) {
    $t->refused(sub { $t->api('PATCH', "/v1/apps/$app", $body) },
                qr/^4(?:22|04) /, 'no change: ' . json_encode($body));
}

$t->refused(sub { $t->api('PATCH', '/v1/apps/nope', { name => 'x' }) },
            '404 App not found.', 'change of an unknown app');
$t->refused(sub { $t->api('GET', '/v1/apps/nope') }, '404 App not found.',
            'get of an unknown app');

# delete

is($t->api('DELETE', "/v1/organizations/$organization")->{status}, 204,
   'an organization without apps is deleted');
$t->refused(sub { $t->api('DELETE', "/v1/organizations/$default->[0]{id}") },
            '409 The organization still has apps.', 'one with apps is not');

$t->api('POST', "/v1/apps/$app/bundles", { artifactType => 'zip' });

$reply = $t->api('DELETE', "/v1/apps/$app");

is($reply->{status} . $reply->{body}, '204', 'an app is deleted');
unlike($t->tree(), qr/\Q$app\E/, 'and all that was of it');
is($t->api('GET', "/v1/apps/$app")->{status}, 404, 'nobody knows it');
$t->refused(sub { $t->api('DELETE', "/v1/apps/$app") }, '404 App not found.',
            'delete, again');

# at once

my @sockets = map {
    my $body = json_encode({ id => 'race', name => "race $_" });

    http_start("POST /v1/apps HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
               . 'Authorization: Bearer ' . $t->token('admin') . "\r\n"
               . 'Content-Length: ' . length($body) . "\r\n\r\n$body")
} 1 .. 8;

is(join(' ', sort map { http_end($_) =~ m{^HTTP/1.1 (\d+)} } @sockets),
   '201' . ' 409' x 7, 'eight at once, one is created');

@sockets = map {
    my $body = json_encode({ name => "organization $_" });

    http_start("POST /v1/organizations HTTP/1.1\r\nHost: a\r\n"
               . "Connection: close\r\n"
               . 'Authorization: Bearer ' . $t->token('admin') . "\r\n"
               . 'Content-Length: ' . length($body) . "\r\n\r\n$body")
} 1 .. 8;

is(join(' ', map { http_end($_) =~ m{^HTTP/1.1 (\d+)} } @sockets),
   join(' ', ('201') x 8), 'eight organizations at once');
is(scalar @{$t->api('GET', '/v1/organizations')->{json}}, 9, 'are all there');

# an empty folder of an app is not in the way, one with files is: they are an
# app's that has lost its app.json

mkdir $t->testdir() . '/store/apps/crashed' or die;

is($t->api('GET', '/v1/apps?limit=1000')->{status}, 200,
   'a folder without an app');
is($t->api('POST', '/v1/apps', { id => 'crashed', name => 'x' })->{status},
   201, 'becomes one');

$t->write_file('store/feed/lost/old-setup.exe', 'of the one before');
$t->refused(sub { $t->api('POST', '/v1/apps', { id => 'lost', name => 'x' }) },
            qr{^409 "apps/lost/app.json" is missing, but "feed/lost" has files},
            'the files of an app');

# a store that cannot be written to

my $tmp = $t->testdir() . '/store/tmp';

$t->mark_log();
rename $tmp, "$tmp.away" or die "cannot rename: $!\n";
$t->refused(sub { $t->api('POST', '/v1/apps', { name => 'x' }) },
            qr/^500 The server could not use its disk/,
            'is no app that was deleted');
rename "$tmp.away", $tmp or die "cannot rename: $!\n";
$t->log_like(qr{\[crit\].* mk\w+temp\(\) "[^"]*/store/tmp/}, 'and is logged');

###############################################################################

sub apps {
    my ($query) = @_;

    return join ',', map { $_->{name} }
        @{$t->api('GET', "/v1/apps?$query", undef, token => 'read')->{json}};
}
