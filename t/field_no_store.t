#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# What can change is not kept by caches: all answers of the feed, the downloads
# and the artifacts but files that were found are sent with "no-store", also
# those that nginx makes by itself.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT zip /;
use Test::LiveUpdate::Release qw/ stage_dist /;

my $t = Test::LiveUpdate->new()->plan(63);

# places where nginx answers by itself

$t->config_reference(sub {
    s{^(location ~ \^/desktop)}{
location /denied/ {
    liveupdate_feed  shop;
    root             store;
    deny             all;
}

location /linkless/ {
    liveupdate_feed   shop;
    root              store;
    disable_symlinks  on;
}

location /small/ {
    liveupdate_feed       shop;
    root                  store;
    client_max_body_size  1;
}

location /locked/ {
    liveupdate_artifacts;
    root                  store;
    auth_basic            "artifacts";
    auth_basic_user_file  users;
}

$1}m;
})->run();

$t->write_file('users', "nobody:x\n");

my $app = 'shop';

$t->api('POST', '/v1/apps', { name => $app, type => 'electron', id => $app });

is(stage_dist($t, $app, 'r1', {
    'latest.yml' => ['1.0.0', 'Shop Setup 1.0.0.exe'],
})->{json}{state}, 'live', 'a release');

my $shop = $t->create_app('Shop');

$t->create_channel($shop, 'production');

my $done = $t->publish($shop, 'production',
                       { 'index.html' => 'x' x 5000, 'a.js' => 'y' });

ok($done->{ok}, 'a bundle');

my $bundle = "/artifacts/$shop/$done->{bundle}";
my $exe = '/desktop/shop/Shop%20Setup%201.0.0.exe';
my $large = 'bytes=1000000-';

for my $case (
    # 404
    [ '/desktop/shop/latest-mac.yml', 404 ],
    [ '/desktop/shop/Shop%20Setup%202.0.0.exe', 404 ],
    [ '/desktop/shop/Shop%20Setup%201.0.0.exe.blockmap', 404 ],
    [ '/desktop/shop/latest-build-r2.yml', 404 ],
    [ '/desktop/shop/latest-2.0.0.yml', 404 ],
    [ '/desktop/nosuch/latest.yml', 404 ],
    [ '/desktop/shop/x/latest.yml', 404 ],
    [ '/download/shop/mac', 404 ],
    [ '/download/shop/windows/msi', 404 ],
    [ '/download/shop/versions/2.0.0', 404 ],
    [ '/download/shop/a/b/c/d', 404 ],
    [ '/download/nosuch', 404 ],
    [ "$bundle?href=nosuch.js", 404 ],
    [ "$bundle/nosuch.js", 404 ],
    [ "/artifacts/$shop/00000000-0000-4000-8000-000000000000?href=a", 404 ],
    [ '/artifacts/x', 404 ],

    # 301, 400, 401, 403, 405, 412, 413, 416
    [ '/download/shop/windows/', 301 ],
    [ '/desktop/shop/', 400 ],
    [ '/download/shop/beos', 400 ],
    [ '/download/shop', 400, [ 'User-Agent' => '' ] ],
    [ '/locked/x/y?href=z', 401 ],
    [ '/denied/latest.yml', 403 ],
    [ '/linkless/link.exe', 403 ],
    [ $exe, 405, [], 'POST' ],
    [ '/download/shop', 405, [], 'DELETE' ],
    [ "$bundle?href=a.js", 405, [], 'PUT' ],
    [ $exe, 412, [ 'If-Match' => '"x"' ] ],
    [ '/desktop/shop/latest.yml', 412, [ 'If-Match' => '"x"' ] ],
    [ "$bundle?href=index.html", 412, [ 'If-Match' => '"x"' ] ],
    [ '/small/latest.yml', 413, [], 'GET', 'two' ],
    [ $exe, 416, [ Range => $large ] ],
    [ $exe, 416, [ Range => 'lines=1-2' ] ],
    [ $exe, 416, [ Range => $large ], 'HEAD' ],
    [ '/desktop/shop/latest.yml', 416, [ Range => $large ] ],
    [ '/download/shop/windows', 416, [ Range => $large ] ],
    [ "$bundle?href=a.js", 416, [ Range => $large ] ],
    [ "$bundle?href=index.html", 416,
      [ Range => $large, 'Accept-Encoding' => 'gzip' ] ],

    # what is an answer, but not a file
    [ '/desktop/shop/my-ip', 200 ],
) {
    my ($path, $status, $headers, $method, $body) = @$case;

    symlink $t->testdir() . '/users',
            $t->testdir() . '/store/feed/shop/link.exe'
        if $path eq '/linkless/link.exe';

    my $reply = answer($path, $headers, $method, $body);

    is("$reply->{status} " . caching($reply),
       "$status no-store",
       join ' ', $method // 'GET', $path, @{$headers || []});

    next if $status != 416;

    is(join(' ', grep { defined $reply->{headers}{$_} } qw/
           content-disposition content-encoding x-checksum x-signature
       /), '', "$path: nothing of the file");
}

unlink $t->testdir() . '/store/feed/shop/link.exe';

# what was found is kept as before

my $forever = 'public, max-age=31536000, immutable, no-transform';

for my $case (
    [ $exe, 200, $forever ],
    [ $exe, 206, $forever, [ Range => 'bytes=0-9' ] ],
    [ '/desktop/shop/latest.yml', 200, 'private, no-cache' ],
    [ '/desktop/shop/latest.yml', 206, 'private, no-cache',
      [ Range => 'bytes=0-9' ] ],
    [ '/download/shop/windows', 200, 'private, no-cache' ],
    [ "$bundle?href=a.js", 200, $forever ],
    [ "$bundle?href=a.js", 206, $forever,
      [ Range => 'bytes=0-0' ] ],
    [ "$bundle?href=index.html", 200, $forever,
      [ 'Accept-Encoding' => 'gzip' ] ],
) {
    my ($path, $status, $cache, $headers) = @$case;

    my $reply = answer($path, $headers);

    is("$reply->{status} " . caching($reply), "$status $cache",
       join ' ', $path, $status);

    next if $status != 200;

    my $again = answer($path, [ 'If-None-Match' => $reply->{headers}{etag},
                                @{$headers || []} ]);

    is("$again->{status} " . caching($again), "304 $cache", "$path: again");
}

# a file that was not there, and then is

is(answer('/desktop/shop/Shop%20Setup%202.0.0.exe')->{status}, 404,
   'the next version is not there');
is(stage_dist($t, $app, 'r2', {
    'latest.yml' => ['2.0.0', 'Shop Setup 2.0.0.exe'],
})->{json}{state}, 'live', 'it is released');
is(caching(answer('/desktop/shop/Shop%20Setup%202.0.0.exe')), $forever,
   'it is there');

###############################################################################

sub answer {
    my ($path, $headers, $method, $body) = @_;

    my %headers = ('User-Agent' => 'x', @{$headers || []});

    return $t->api($method // 'GET', $path, $body, token => undef,
                   headers => [ %headers ]);
}


# All headers of that name.

sub caching {
    my ($reply) = @_;

    return join ' and ', $reply->{raw} =~ /^cache-control: (.*?)\r$/gmi;
}

###############################################################################
