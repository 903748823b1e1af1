#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# nginx's own access control in the locations of the module.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Test::LiveUpdate qw/ machine zip /;

select STDERR; $| = 1;
select STDOUT; $| = 1;

my $t = Test::LiveUpdate->new()->plan(10);

$t->config_reference(sub {
    s{^(    liveupdate_api;)}{$1

    if (\$http_x_closed) {
        return  503;
    }

    limit_except GET POST PATCH {
        deny  all;
    }}m;
    s{^(    liveupdate_artifacts;)}{$1

    if (\$http_x_slow) {
        set  \$limit_rate  100k;
    }

    limit_except GET {
        deny  all;
    }}m;
})->run();

my $app = $t->create_app('My App');
my $bundle = $t->publish($app, undef, zip('index.html' => 'hello'))->{bundle};

is($t->latest($app)->{json}{bundleId}, $bundle, 'published and seen');
is($t->api('DELETE', "/v1/apps/$app")->{status}, 403, 'DELETE is denied');
is($t->api('GET', "/v1/apps/$app")->{json}{id}, $app, 'GET is not');
is($t->api('HEAD', "/v1/apps/$app")->{status}, 200, 'nor HEAD');
is($t->api('PATCH', "/v1/apps/$app", { name => 'New' })->{json}{name}, 'New',
   'nor PATCH');
is($t->api('GET', "/v1/apps/$app", undef,
           headers => ['X-Closed' => 1])->{status}, 503, 'if, in the API');

my $path = "/artifacts/$app/$bundle/bundle.zip";

is($t->api('GET', $path, undef, token => undef)->{status}, 200, 'an artifact');
is($t->api('GET', $path, undef, token => undef,
           headers => ['X-Slow' => 1])->{status}, 200, 'if, for artifacts');
is($t->api('POST', $path, 'x', token => undef)->{status}, 403,
   'POST is denied');
ok(-d $t->testdir() . '/store/tmp/' . machine() . '/fetch',
   'folders in the store are made');

###############################################################################
