#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# What the vendor's cloud has and this server has not says so; what nobody
# has is not found.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT /;

my $t = Test::LiveUpdate->new()->plan(126);

$t->config_reference();
$t->run();

my $app = $t->create_app('cloud');
my $a = "/v1/apps/$app";

for my $call (
    ['POST', "$a/builds", { gitRef => 'main', platform => 'web' }],
    ['POST', "$a/build-sources", { fileSizeInBytes => 1 }],
    ['POST', "$a/build-sources/x/upload?action=mpu-create", {}],
    ['GET', "$a/builds/x/logs"],
    ['GET', '/v1/jobs/x?relations=jobLogs'],
    ['PATCH', '/v1/jobs/x', { status => 'canceled' }],
    ['GET', "$a/certificates"],
    ['POST', "$a/certificates", {}],
    ['DELETE', "$a/certificates/x"],
    ['GET', "$a/environments"],
    ['POST', "$a/environments/x/variables", {}],
    ['GET', "$a/destinations"],
    ['POST', "$a/automations", {}],
    ['GET', "$a/automations/x"],
    ['PUT', "$a/repository", {}],
    ['DELETE', "$a/repository"],
    ['POST', "$a/transfer", { organizationId => 'x' }],
    ['GET', "$a/webhooks"],
    ['POST', "$a/configurations", {}],
) {
    my ($method, $path, $body) = @$call;

    for my $token ('publish', 'admin') {
        $t->refused(sub { $t->api($method, $path, $body, token => $token) },
                    qr/^422 .*has no builders.*apps:liveupdates:upload/,
                    "$method $path with $token");
    }

    $t->refused(sub { $t->api($method, $path, $body, token => undef) },
                '401 A token is required.', "$method $path without a token");
}

# a deployment to an app store

like($t->said($t->api('POST', "$a/deployments",
                      { appBuildId => 'x', appDestinationName => 'Store' })),
     qr/^422 .*channels only/, 'an app store');

# what there is not

for my $path ('/v1', '/v1/', '/v1//', '/v2/apps', '/v1/app', '/v1/apps/',
              '/v1/users', '/v1/users/me/', '/v1/users/x', "$a/",
              "$a/bundle", "$a/bundles/", "$a/bundles/x/file",
              "$a/bundles/x/files/y", "$a/bundles/x/files/y/download",
              "$a/bundles/x/download/y", "$a/channels/", "$a/channels/x/",
              "$a/channels/x/stop", "$a/devices/", "$a/jobs",
              "$a/certificatesx/../bundles",
              '/v1/organizations/', '/v1/organizations/x/apps',
              '/v1/apps/a%2fb', '/v1/apps/%00', '/v1/apps/..%2f..%2ftokens',
              '/v1/apps/' . 'x' x 65, '/v1/apps/public', '/v1/sessions/',
              '/v1/apps/x/channels/.', '/v1/apps/x/channels/a.b',
              '/v1/apps/x/bundles/%c3%bc', '/v1/apps/-x')
{
    my $reply = $t->api('GET', $path);

    # nginx refuses some of them itself
    like($reply->{status} . ' ' . ($reply->{json}{message} // ''),
         qr/^(?:40[045] |401 )/, substr $path =~ s/$app/APP/r, 0, 50);
    ok($reply->{status} != 404 || $path =~ m{^/v[12]$|^/v2|tokens}
       || $t->said($reply) =~ /^404 [A-Z].*\.$/, 'in JSON')
        or diag($reply->{raw});
}
