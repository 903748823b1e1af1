#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# The real CLI: who it is, organizations and apps.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate;
use Test::LiveUpdate::CLI;

my $t = Test::LiveUpdate->new();
my $cli = Test::LiveUpdate::CLI->new($t, token => 'admin');

$t->config_reference(sub { s/  buffer=32k  flush=1s//; });
$t->run()->plan(37);

my $keyring = "$t->{testdir}/keyring";
my ($reply, $org, $app, $other);


# who

$reply = $cli->run('whoami');
is($reply->{status}, 0, 'whoami');
like($reply->{out}, qr/Logged in as admin\./, 'whoami: the name of the token');

$reply = $cli->run({ token => 'ca_0123456789' }, 'whoami');
is($reply->{status}, 1, 'whoami, unknown token: refused');
like($reply->{out}, qr/Token is invalid/, 'whoami, unknown token: said so');

$cli->requests();
$reply = $cli->run({ token => undef, keyring => $keyring }, 'login',
    '--token', 'ca_0123456789');
is($reply->{status}, 1, 'login, unknown token: refused');
like($reply->{out}, qr/Invalid token/, 'login, unknown token: said so');
is_deeply([$cli->requests()], ['GET /v1/users/me'],
    'login, unknown token: asked once');

$reply = $cli->run({ token => undef, keyring => $keyring }, 'login',
    '--token', $t->token('publish'));
is($reply->{status}, 0, 'login');
like($reply->{out}, qr/Successfully signed in/, 'login: said so');

$reply = $cli->run({ token => undef, keyring => $keyring }, 'whoami');
like($reply->{out}, qr/Logged in as publish\./, 'login: lasts');

$reply = $cli->run({ token => undef, keyring => $keyring }, 'logout');
is($reply->{status}, 0, 'logout');

$reply = $cli->run({ token => undef, keyring => $keyring }, 'whoami');
is($reply->{status}, 1, 'logout: nobody');

# a session's token has another form, and the CLI wants to end the session

$cli->requests();
$reply = $cli->run({ token => 'session' }, 'logout');
is($reply->{status}, 0, 'logout of a session');
is_deeply([$cli->requests()], ['DELETE /v1/sessions/session'],
    'logout of a session: asked once');

# organizations

$reply = $cli->run('organizations:create', '--name', 'Acme & Söhne', '--json');
is($reply->{status}, 0, 'organization: created');
$org = $reply->{json}{id};
like($org, qr/^[0-9a-f-]{36}$/, 'organization: its id');

$reply = $cli->run('organizations:get', '--organization-id', $org, '--json');
is_deeply([@{$reply->{json}}{qw/ id name /}], [$org, "Acme & S\xf6hne"],
    'organization: got');

$reply = $cli->run('organizations:list', '--json');
is(scalar(grep { $_->{id} eq $org } @{$reply->{json}}), 1,
    'organization: listed');
is(scalar @{$reply->{json}}, 2, 'organization: beside the default one');

$reply = $cli->run('organizations:list', '--json', '--limit', 1, '--offset',
    1);
is(scalar @{$reply->{json}}, 1, 'organizations: one page');

$reply = $cli->run({ token => 'publish' }, 'organizations:create', '--name',
    'Nope');
is($reply->{status}, 1, 'organization: not with a publisher\'s token');
like($reply->{out}, qr/This needs a token with the role "admin"\./,
    'organization: the reason');

# apps

$reply = $cli->run('apps:create', '--organization-id', $org, '--name',
    'Shop', '--type', 'capacitor', '--json');
is($reply->{status}, 0, 'app: created');
$app = $reply->{json}{id};
like($app, qr/^[0-9a-f-]{36}$/, 'app: its id is a UUID');

$reply = $cli->run('apps:create', '--organization-id', $org, '--name',
    'Other', '--type', 'cordova', '--yes');
like($reply->{out}, qr/App created successfully/, 'another app: created');
($other) = $reply->{out} =~ /App ID: (\S+)/;

$reply = $cli->run('apps:get', '--app-id', $app, '--json');
is($reply->{json}{name}, 'Shop', 'app: its name');
is($reply->{json}{type}, 'capacitor', 'app: its type');
is($reply->{json}{organizationId}, $org, 'app: its organization');

$reply = $cli->run('apps:list', '--organization-id', $org, '--json');
is_deeply([sort map { $_->{name} } @{$reply->{json}}], [qw/ Other Shop /],
    'apps: listed');

$reply = $cli->run('apps:delete', '--app-id', $other, '--yes');
is($reply->{status}, 0, 'app: deleted');

$reply = $cli->run('apps:get', '--app-id', $other);
is($reply->{status}, 1, 'app, deleted: refused');
like($reply->{out}, qr/App not found/, 'app, deleted: the reason');

$reply = $cli->run('apps:list', '--organization-id', $org, '--json');
is_deeply([map { $_->{id} } @{$reply->{json}}], [$app],
    'app, deleted: not listed');

$reply = $cli->run({ token => 'publish' }, 'apps:delete', '--app-id', $app,
    '--yes');
is($reply->{status}, 1, 'app: not deleted with a publisher\'s token');

# no Cloud

$reply = $cli->run('apps:transfer', '--app-id', $app, '--organization-id',
    $org, '--yes');
is($reply->{status}, 1, 'transfer: refused');
like($reply->{out}, qr/This server hosts live updates/, 'transfer: why');

$reply = $cli->run('apps:get', '--app-id', $app, '--json');
is($reply->{json}{name}, 'Shop', 'app: is still there');
