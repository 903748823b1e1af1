#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# The real CLI: channels.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT zip /;
use Test::LiveUpdate::CLI;
use Test::LiveUpdate::Device;

my $t = Test::LiveUpdate->new();
# one of the channels is protected: those who publish may not change it

my $cli = Test::LiveUpdate::CLI->new($t, token => 'admin');

$t->config_reference(sub { s/  buffer=32k  flush=1s//; });
$t->run()->plan(44);

my $app = $t->create_app('Shop');
my ($reply, $id);


# create

$reply = $cli->run(command('create'), '--name', 'production', '--json');
is($reply->{status}, 0, 'create');
$id = $reply->{json}{id};
like($id, qr/^[0-9a-f-]{36}$/, 'create: the id');

$cli->requests();
$reply = $cli->run(command('create'), '--name', 'production');
is($reply->{status}, 1, 'create again: refused');
like($reply->{out}, qr/\[error\] "production" is already the name of another/,
    'create again: the reason');
is(scalar $cli->requests(), 1, 'create again: asked once');

# as the vendor's GitHub action does before every upload

$reply = $cli->run(command('create'), '--name', 'production',
    '--ignore-errors');
is($reply->{status}, 0, 'create again, errors ignored: no failure');
like($reply->{out}, qr/\[error\] "production" is already the name of another/,
    'create again, errors ignored: the reason');

$reply = $cli->run(command('create'), '--name', 'a+b c', '--protected');
is($reply->{status}, 0, 'create with a plus and a space, protected');

# list

$reply = $cli->run(command('list'), '--json');
is_deeply([sort map { $_->{name} } @{$reply->{json}}],
    ['a+b c', 'default', 'production'], 'list: each once');
is((grep { $_->{name} eq 'production' } @{$reply->{json}})[0]{id}, $id,
    'list: the id');

$reply = $cli->run(command('list'), '--json', '--limit', 1, '--offset', 1);
is(scalar @{$reply->{json}}, 1, 'list: one page');

$reply = $cli->run(command('list'));
like($reply->{out}, qr/Channels retrieved successfully/, 'list: as a table');

# get

$reply = $cli->run(command('get'), '--name', 'a+b c', '--json');
is($reply->{json}{name}, 'a+b c', 'get by name: plus and space');
ok($reply->{json}{protected}, 'get by name: protected');
like($reply->{json}{protectedAt}, qr/^\d{4}-\d\d-\d\dT/,
    'get by name: since when');

my $plus = $reply->{json}{id};

$reply = $cli->run(command('get'), '--channel-id', $id, '--json');
is($reply->{json}{name}, 'production', 'get by id');
is_deeply([map { $reply->{json}{$_} } qw/ appId appDeploymentId pausedAt
                                          protectedAt expiresAt
                                          totalAppDeployments /],
    [$app, undef, undef, undef, undef, 0], 'get by id: all of it');

$reply = $cli->run(command('get'), '--name', 'prod');
is($reply->{status}, 1, 'get by a part of the name: refused');
like($reply->{out}, qr/Channel not found/, 'get by a part of the name: why');

$reply = $cli->run(command('get'), '--channel-id', $app);
is($reply->{status}, 1, 'get by a wrong id: refused');
like($reply->{out}, qr/\[error\] Channel not found/,
    'get by a wrong id: the reason');

# update

$reply = $cli->run(command('update'), '--channel-id', $plus, '--name', 'x+y');
is($reply->{status}, 0, 'update: the name');

$reply = $cli->run(command('get'), '--name', 'x+y', '--json');
is($reply->{json}{id}, $plus, 'update: found by it');
ok($reply->{json}{protected}, 'update: the rest stays');

$reply = $cli->run(command('update'), '--channel-id', $plus, '--name',
    'production');
is($reply->{status}, 1, 'update: not to a name that is taken');
like($reply->{out}, qr/\[error\] "production" is already the name of another/,
    'update: the reason');

# pause and resume

my $published = $t->publish($app, 'production', zip('index.html' => 'one'));
my $device = device();

is($device->sync()->{next}, $published->{bundle}, 'a device updates');
$device->restart();

$reply = $cli->run(command('pause'), '--channel', 'production');
is($reply->{status}, 0, 'pause');

$t->publish($app, 'production', zip('index.html' => 'two'));
is($device->latest(), undef, 'pause: nothing for devices');
is($device->{reply}{status}, 404, 'pause: with the status of no update');

my $paused = $t->api('GET', "/v1/apps/$app/channels/$id")->{json};
like($paused->{pausedAt}, qr/^\d{4}-\d\d-\d\dT/, 'pause: since when');

$reply = $cli->run(command('resume'), '--channel', 'production');
is($reply->{status}, 0, 'resume');
is($device->sync()->{kind}, 'zip', 'resume: what came meanwhile');

$reply = $cli->run(command('pause'), '--channel', 'nope');
is($reply->{status}, 1, 'pause: no such channel');
like($reply->{out}, qr/Channel not found/, 'pause: the reason');

# delete

$reply = $cli->run(command('delete'), '--name', 'x+y', '--yes');
is($reply->{status}, 0, 'delete by name');

$reply = $cli->run(command('delete'), '--name', 'x+y', '--yes');
is($reply->{status}, 1, 'delete by name again: refused');
like($reply->{out}, qr/\[error\] Channel not found/,
    'delete by name again: the reason');

$reply = $cli->run(command('delete'), '--channel-id', $id, '--yes');
is($reply->{status}, 0, 'delete by id');
is($device->latest(), undef, 'delete: nothing for devices');

$reply = $cli->run(command('list'), '--json');
is_deeply([map { $_->{name} } @{$reply->{json}}], ['default'],
    'delete: they are gone');

# a name may be used again, and is another channel

$reply = $cli->run(command('create'), '--name', 'production', '--json');
isnt($reply->{json}{id}, $id, 'create after delete');
is($device->latest(), undef, 'create after delete: it is empty');

# a channel that was to expire, from an old script

$reply = $cli->run(command('create'), '--name', 'old', '--expires-in-days', 3);
is($reply->{status}, 0, 'create with a deprecated option');


sub command {
    my ($name) = @_;

    return ("apps:channels:$name", '--app-id', $app);
}


sub device {
    return Test::LiveUpdate::Device->new(
        server => 'http://127.0.0.1:' . port(8080),
        app => $app,
        dir => "$t->{testdir}/device",
        channel => 'production',
    );
}
