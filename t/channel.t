#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# /v1/apps/{app}/channels: all that the CLI does with channels.

use warnings;
use strict;
use utf8;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_decode uri_encode zip /;

my $t = Test::LiveUpdate->new()->plan(131);

$t->config_reference();
$t->run();

my $app = $t->create_app('channels');
my $path = "/v1/apps/$app/channels";
my $uuid = qr/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-
               [0-9a-f]{12}$/x;
my $time = qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

# every app begins with one

my $list = $t->api('GET', $path)->{json};

is_deeply([map { $_->{name} } @$list], ['default'], 'the first channel');
is($t->api('GET', "/v1/apps/$app")->{json}{appChannelId}, $list->[0]{id},
   'is the default one');

# create

my $reply = post({ appId => $app, name => 'production', protected => \0 });
my $id = $reply->{json}{id};

is($reply->{status}, 201, 'created');
like($id, $uuid, 'with a UUID');

my $channel = $reply->{json};

like(delete $channel->{createdAt}, $time, 'createdAt');
like(delete $channel->{updatedAt}, $time, 'updatedAt');
is_deeply($channel, {
    id => $id,
    appId => $app,
    name => 'production',
    protected => JSON::PP::false(),
    protectedAt => undef,
    pausedAt => undef,
    expiresAt => undef,
    appDeploymentId => undef,
    totalAppDeployments => 0,
}, 'and all that a channel has');

$t->refused(sub { post({ appId => $app, name => 'production' }) },
            '409 "production" is already the name of another channel',
            'the same name again');
is($t->api('GET', "$path?name=production")->{json}[0]{id}, $id,
   'and no second channel');

for my $body (
    {}, { name => undef }, { name => '' }, { name => 1 }, { name => ['x'] },
    { name => {} }, { name => "a\nb" }, { name => ' a' },
    { name => 'a ' }, { name => 'x' x 129 }, { name => "\x{85}" },
    { name => 'x', protected => 'yes' }, { name => 'x', protected => 1 },
    { name => 'x', expiresAt => 'tomorrow' }, { name => 'x', expiresAt => -1 },
    { name => 'x', expiresAt => 1e300 }, { name => 'x', expiresAt => \1 },
    { name => 'x', expiresAt => '2030-02-31T00:00:00Z' },
) {
    my $text = Test::LiveUpdate::json_encode($body);

    $t->refused(sub { post($body) }, qr/^422 .*(?:name|protected|expiresAt)/,
                'not created: ' . substr $text, 0, 40);
}

for my $body ('', '{', '[]', '"x"', 'null', '1', '{"name":"x"',
              '{"name":"x"} x', '{"name":"x\\u0000"}', "{\"name\":\"\xff\"}",
              '{"name":"\\ud800"}', "\x{0}", '[' x 5000,
              '{"name":"x","name":"y"')
{
    utf8::downgrade($body);

    $t->refused(sub { post($body) }, $body eq '' ? qr/^422 / : qr/^400 /,
                'no JSON object: '
                . substr $body =~ s/([^ -~])/sprintf '\x%02x', ord $1/ger,
                         0, 20);
}

$t->refused(sub { post('{"name":"' . 'x' x 1_100_000 . '"}') },
            '413 The body is larger than 1 MB.', 'more than a megabyte');
$t->refused(sub { post('2000' . "\r\n" . 'x' x 0x2000 . "\r\n0\r\n\r\n",
                       headers => ['Transfer-Encoding' => 'chunked']) },
            qr/^400 /, 'chunked, and no JSON');

is(post({ name => 'ünï ✓ "q" \\' })->{json}{name}, 'ünï ✓ "q" \\',
   'any characters');
is(post({ name => 'x' x 128 })->{status}, 201, 'the longest name');
is(post({ name => 'more', unknown => [1, { a => 2 }], appId => 'other' })
   ->{status}, 201, 'unknown members');
is(post('{"name":"chunks"}' =~ s/(.{5})/"5\r\n$1\r\n"/ger
            =~ s/\r\n(.{1,4})$/sprintf "\r\n%x\r\n$1\r\n0\r\n\r\n",
                               length $1/er,
        headers => ['Transfer-Encoding' => 'chunked'])->{json}{name},
   'chunks', 'a chunked body');

# get and list

is_deeply($t->api('GET', "$path/$id")->{json}{name}, 'production', 'get');
is($t->said($t->api('GET', "$path/nope")), '404 Channel not found.',
   'get of an unknown one');
is($t->said($t->api('GET', "$path/a.b")), '404 Not found.',
   'get of what is no id');

post({ name => $_ }) for 'prod', 'production-2', 'prod 1+2', 'prod%';

is(names('name=prod'), 'prod', 'the exact name');
is(names('name=Prod'), '', 'to the letter');
is(names('name=pro'), '', 'and not a part of it');
is(names('name=prod+1%2B2'), 'prod 1+2', 'a plus is a space here');
is(names('name=prod%201%2b2'), 'prod 1+2', 'as is an encoded one');
is(names('name=prod%25'), 'prod%', 'a percent sign');
is(names('query=production'), 'production production-2', 'a part of a name');
is(names('name=nope'), '', 'an empty list');
is(names('limit=2'), 'default production', 'limit');
is(names('limit=2&offset=1'), 'production ünï ✓ "q" \\', 'offset');
is(names('limit=0'), '', 'a limit of none');
is($t->api('GET', "$path?name=nope")->{body}, "[]\n", 'a bare list');

# update

$reply = patch($id, { name => 'live', protected => \1 });

is($reply->{status} . $reply->{json}{name}, '200live', 'a new name');
like($reply->{json}{protectedAt}, $time, 'protected');
ok($reply->{json}{protected}, 'says so');
is(names('name=production'), '', 'the old name is free');
is(patch($id, { protected => \1 }, 'admin')->{json}{protectedAt},
   $reply->{json}{protectedAt}, 'protected since then');

for my $call ([ 'PATCH', "$path/$id", { protected => \0 } ],
              [ 'POST', "$path/$id/pause", {} ],
              [ 'POST', "$path/$id/resume", {} ],
              [ 'PATCH', "$path/$id", { name => 'mine' } ],
              [ 'DELETE', "$path/$id" ], [ 'DELETE', "$path?name=live" ])
{
    $t->refused(sub { $t->api(@$call[0 .. 2], token => 'publish') },
                '403 The channel is protected: this needs a token with the '
                . 'role "approve".', "protected from publishers: $call->[0]");
}

is(patch($id, { protected => \0 }, 'admin')->{json}{protectedAt}, undef,
   'not protected any more');
is(patch($id, { name => 'live' })->{status}, 200, 'its own name');
is(patch($id, { name => undef, protected => undef })->{json}{name}, 'live',
   'nothing');
$t->refused(sub { patch($id, { name => 'prod' }) },
            '409 "prod" is already the name of another channel',
            'the name of another');
$t->refused(sub { patch($id, { name => 'x', protected => 'x' }) }, qr/^422 /,
            'half of it wrong');
$t->refused(sub { patch('nope', { name => 'x' }) }, '404 Channel not found.',
            'an unknown channel');

# expiry

my $bundle = $t->publish($app, 'live', zip('index.html' => 'x'))->{bundle};

is(told('live'), $bundle, 'a bundle is on');

for my $past ('2001-01-01T00:00:00Z', 978307200000) {
    is(patch($id, { expiresAt => $past })->{json}{expiresAt} =~ s/\.0+Z/Z/r,
       '2001-01-01T00:00:00Z', "expiresAt $past");
    is(told('live'), undef, 'has expired');
}

is(patch($id, { expiresAt => '2999-01-01T00:00:00.000Z' })->{status}, 200,
   'expires later');
is(told('live'), $bundle, 'has not expired');
is(patch($id, { expiresAt => undef })->{json}{expiresAt}, undef,
   'does not expire');

# pause and resume

$reply = $t->api('POST', "$path/$id/pause", {});

is($reply->{status} . $reply->{body}, '204', 'pause');
is($reply->{headers}{'content-type'}, undef, 'without a type');

my $paused = $t->api('GET', "$path/$id")->{json}{pausedAt};

like($paused, $time, 'pausedAt');
is(told('live'), undef, 'devices get nothing');
is($t->api('POST', "$path/$id/pause")->{status}, 204, 'pause, again');
is($t->api('GET', "$path/$id")->{json}{pausedAt}, $paused,
   'paused since then');

is($t->api('POST', "$path/$id/resume", {})->{status}, 204, 'resume');
is($t->api('POST', "$path/$id/resume", {})->{status}, 204, 'resume, again');
is(told('live'), $bundle, 'devices get it again');

for my $action (qw/ pause resume /) {
    $t->refused(sub { $t->api('POST', "$path/nope/$action", {}) },
                '404 Channel not found.', "$action of an unknown channel");
    is($t->api('GET', "$path/$id/$action")->{headers}{allow}, 'POST',
       "$action by GET");
}

# the deployment

$channel = $t->api('GET', "$path/$id?relations=appDeployment")->{json};

is($channel->{appDeployment}{id}, $channel->{appDeploymentId},
   'relations=appDeployment');
is($channel->{appDeployment}{appBuildId}, $bundle, 'of that build');
is($channel->{appDeployment}{rolloutPercentage}, 1, 'for everyone');
is($channel->{totalAppDeployments}, 1, 'how many');
is(exists $t->api('GET', "$path/$id")->{json}{appDeployment}, '',
   'only if asked for');
is($t->api('GET', "$path?name=live&relations=appDeployment")->{json}[0]
   {appDeployment}{appBuildId}, $bundle, 'in a list, too');

# delete

$t->refused(sub { $t->api('DELETE', $path) },
            '422 The query parameter "name" is missing: it must name the '
            . 'channel to delete.', 'delete of which one');
$t->refused(sub { $t->api('DELETE', "$path?name=") },
            '422 The query parameter "name" is missing: it must name the '
            . 'channel to delete.', 'delete of an empty name');
$t->refused(sub { $t->api('DELETE', "$path?name=nope") },
            '404 Channel not found.', 'delete of an unknown name');
$t->refused(sub { $t->api('DELETE', "$path/nope") },
            '404 Channel not found.', 'delete of an unknown id');

$reply = $t->api('DELETE', "$path?name=prod+1%2B2");
is($reply->{status} . $reply->{body}, '204', 'delete by name');
is(names('name=prod+1%2B2'), '', 'is gone');
is(names('name=prod'), 'prod', 'and no other');

is($t->api('DELETE', "$path/$id")->{status}, 204, 'delete by id');
is($t->said($t->latest($app, channelName => 'live')),
   '404 No update available.', 'devices get nothing of it');
$t->refused(sub { $t->api('DELETE', "$path/$id") },
            '404 Channel not found.', 'delete, again');

is($t->api('DELETE', "$path/$list->[0]{id}")->{status}, 204,
   'the default channel is deleted');
is($t->api('GET', "/v1/apps/$app")->{json}{appChannelId}, undef,
   'there is no default channel then');
is($t->latest($app)->{status}, 404, 'and nothing for those without one');

# apps

for my $call (['GET', ''], ['POST', '', { name => 'x' }],
              ['DELETE', '?name=x'], ['GET', '/x'],
              ['PATCH', '/x', { name => 'x' }], ['DELETE', '/x'],
              ['POST', '/x/pause', {}], ['POST', '/x/resume', {}])
{
    my ($method, $rest, $body) = @$call;

    $t->refused(sub { $t->api($method, "/v1/apps/nope/channels$rest",
                              $body) }, '404 App not found.',
                "$method $rest of an unknown app");
}

# what was done is in the audit log

my @audit = map { json_decode($_) }
    split /\n/, $t->read_file("store/apps/$app/audit.log");

is(join(' ', map { $_->{change} }
    grep { $_->{subject} eq $id && $_->{change} !~ /update/ } @audit),
   'channel.create channel.pause channel.resume channel.delete',
   'the audit log');
is_deeply([grep { $_->{by} ne 'admin' && $_->{by} ne 'publish'
                  || $_->{at} !~ $time } @audit], [], 'says who and when');

# two at once: one of them

my @replies = race(map { { name => 'race' } } 1 .. 8);

is(join(' ', sort map { $_->{status} } @replies),
   '201' . ' 409' x 7, 'eight at once, one is created');
is(names('name=race'), 'race', 'once');

###############################################################################

sub post {
    my ($body, %opt) = @_;

    return $t->api('POST', $path, $body, token => 'publish', %opt);
}


sub patch {
    my ($id, $body, $token) = @_;

    return $t->api('PATCH', "$path/$id", $body, token => $token // 'publish');
}


sub names {
    my ($query) = @_;

    return join ' ', map { $_->{name} }
        @{$t->api('GET', "$path?$query", undef, token => 'read')->{json}};
}


sub told {
    my ($name) = @_;

    my $reply = $t->latest($app, channelName => $name);

    return ($reply->{json} || {})->{bundleId};
}


sub race {
    my (@bodies) = @_;

    my @sockets = map {
        my $text = Test::LiveUpdate::json_encode($_);

        http_start("POST $path HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                   . 'Authorization: Bearer ' . $t->token('publish') . "\r\n"
                   . 'Content-Length: ' . length($text) . "\r\n\r\n$text");
    } @bodies;

    return map {
        Test::LiveUpdate::parse_reply(http_end($_))
    } @sockets;
}
