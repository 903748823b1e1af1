#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Every answer in JSON is a line: what devices, publishers, monitoring and
# webhooks get, and what is refused.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT zip /;

my $t = Test::LiveUpdate->new();

$t->config_reference()->run();

my $app = $t->create_app('Shop');
my $channel = $t->create_channel($app, 'production');

$t->publish($app, 'production', zip('index.html' => 'x'));

$t->api('PATCH', "/v1/apps/$app", { appChannelDiscoveryEnabled => \1 });

my $latest = "/v1/apps/$app/bundles/latest?appVersionCode=1&osVersion=1"
             . '&platform=0&pluginVersion=1&channelName=';

my @calls = (
    [ 200, 'GET', "${latest}production" ],
    [ 404, 'GET', "${latest}nothing" ],
    [ 200, 'GET', "/v1/apps/$app/channels" ],
    [ 200, 'GET', '/v1/apps', 'read' ],
    [ 200, 'GET', "/v1/apps/$app/channels", 'read' ],
    [ 200, 'GET', "/v1/apps/$app/history", 'read' ],
    [ 200, 'GET', "/releases/$app", 'read' ],
    [ 200, 'GET', "/releases/$app/audit", 'read' ],
    [ 404, 'GET', '/releases/nosuch', 'read' ],
    [ 401, 'GET', '/v1/apps' ],
    [ 401, 'GET', '/v1/apps', 'ca_wrong' ],
    [ 403, 'PATCH', "/v1/apps/$app", 'read', { name => 'x' } ],
    [ 422, 'PATCH', "/v1/apps/$app", 'admin', { name => 7 } ],
    [ 200, 'PATCH', "/v1/apps/$app", 'admin', { name => 'x' } ],
    [ 200, 'GET', '/ready' ],
    [ 200, 'GET', '/status?format=json' ],
    [ 401, 'POST', '/hooks/todesktop', undef, { a => 1 } ],
);

$t->plan(scalar @calls);

for my $call (@calls) {
    my ($status, $method, $path, $token, $body) = @$call;

    my $reply = $t->api($method, $path, $body, token => $token);

    like("$reply->{status} $reply->{body}", qr/^$status [{\[][^\n]*[}\]]\n\z/,
         "$method " . $path =~ s/\?.*//r . ": $status");
}
