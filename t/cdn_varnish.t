#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Varnish in front, with conf/cache.vcl: what it keeps and what it does not,
# and that updates by the real electron-updater stay differential.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate qw/ port uri_encode wait_until /;
use Test::LiveUpdate::Cache qw/ cache_vcl /;
use Test::LiveUpdate::HTTP qw/ connect_to /;
use Test::LiveUpdate::Updater;

$ENV{PATH} .= ':/usr/sbin:/usr/local/sbin';

my $t = Test::LiveUpdate->new()->has_daemon('varnishd');
my $updater = Test::LiveUpdate::Updater->new($t);

# as in the comment of conf/cache.vcl

my @LIMITS = (-p => 'http_req_hdr_len=32k', -p => 'http_req_size=64k',
              -p => 'workspace_client=256k', -p => 'workspace_backend=256k');

$ENV{APPROVAL} = 'on';

$t->config_reference();
$t->run()->plan(56);

$t->write_file('cache.vcl', cache_vcl());
$t->write_file('plain.vcl', <<"EOF");
vcl 4.1;

backend default {
    .host = "127.0.0.1";
    .port = "${\ port(8080)}";
}
EOF

start_varnish(8081, 'cache', @LIMITS);
start_varnish(8082, 'plain', @LIMITS);
start_varnish(8083, 'cache');


# what is kept

my $app = $t->create_app('Shop');
my $channel = $t->create_channel($app, 'production');
my $text = join '', map { "line $_\n" } 1 .. 5000;

# a publisher may be behind it

my $done = $t->publish($app, 'production',
                       { 'index.html' => $text, 'a/b c.js' => 'one',
                         'a/d.js' => 'two' }, port => 8081);
ok($done->{ok}, 'a bundle');
is($t->api('POST', "/releases/$app/$done->{bundle}/promote", {},
           token => 'approve', port => 8081)->{status}, 200, 'it is promoted');

my $bundle = "/artifacts/$app/$done->{bundle}";

for my $case (
    [ 'a file', "$bundle?href=a/d.js", 'two' ],
    [ 'another file of the same path', "$bundle?href=a/b%20c.js", 'one' ],
    [ 'a compressed file', "$bundle?href=index.html", undef,
      'Accept-Encoding' => 'gzip' ],
    [ 'the same file as it is', "$bundle?href=index.html", $text ],
) {
    my ($name, $path, $body, @headers) = @$case;

    ask(8081, $path, @headers);

    my $again = ask(8081, $path, @headers);
    my $origin = ask(8080, $path, @headers);

    ok(is_hit($again), "$name: is kept");
    ok($again->{body} eq ($body // $origin->{body}), "$name: its bytes");
    is($again->{headers}{$_}, $origin->{headers}{$_}, "$name: $_")
        for qw/ cache-control content-type x-checksum /;
}

my $check = "/v1/apps/$app/bundles/latest?appVersionCode=1&appVersionName=1"
            . '&osVersion=1&platform=0&pluginVersion=8.0.0'
            . '&channelName=production';

is(ask(8081, $check)->{status}, 200, 'a check');
ok(!is_hit(ask(8081, $check)), 'a check is not kept');
ok(!is_hit(ask(8081, "/v1/apps/$app/channels?query=a")), 'a list is not');
ask(8081, "$bundle?href=none") for 1 .. 2;
ok(!is_hit(ask(8081, "$bundle?href=none")), 'an absent file is not');


# desktop apps

my @builds = (
    { version => '1.0.0', id => '260101aaaaaaaa1', n => 1 },
    { version => '1.1.0', id => '260201bbbbbbbb2', n => 2 },
);

$updater->make('big', { size => 32_000_000, edits => 700,
                        targets => [ 'nsis' ] }, @builds);
$updater->make('small', { size => 4_000_000, edits => 20,
                          targets => [ 'nsis' ] }, @builds);

for my $build (@builds) {
    $updater->promote($_, $build) for qw/ big small /;
}

my $name = uri_encode($updater->name('nsis', $builds[1]));

for my $path ('/desktop/big/latest.yml', '/download/big/windows') {
    ask(8081, $path) for 1 .. 2;

    ok(!is_hit(ask(8081, $path)), "$path is not kept");
}


# as it comes, and without the longer headers

is_whole(8082, 'a plain Varnish', status => 416);
is_whole(8083, 'short headers', status => 400);

# with the file of conf/

is_differential(8081, 'cold');

ask(8081, "/desktop/big/$name");
ok(is_hit(ask(8081, "/desktop/big/$name")), 'an installer is kept');
ok(is_hit(ask(8081, "/desktop/big/$name", Range => 'bytes=5-9')),
   'and its ranges');

is_differential(8081, 'warm');
is_differential(8081, 'one by one', app => 'small', oneByOne => 1);

###############################################################################

# It writes to a folder of its own and compiles the configuration; with root
# it would change to users of its own.

sub start_varnish {
    my ($port, $vcl, @options) = @_;

    my $dir = $t->testdir();
    my @jail = $> == 0 ? qw/ -j none / : ();

    $t->run_daemon('varnishd', @jail, '-F', '-n', "$dir/varnish.$port",
                   '-a', '127.0.0.1:' . port($port), '-f', "$dir/$vcl.vcl",
                   '-s', 'malloc,128m', @options);

    wait_until { eval { connect_to('127.0.0.1:' . port($port)) } } 20,
        "Varnish at $port";
}

sub ask {
    my ($port, $path, @headers) = @_;

    return $t->api('GET', $path, undef, token => undef, port => $port,
                   headers => [ 'User-Agent' => 'Windows NT', @headers ]);
}

# Two numbers: that of this request, and that of the one that brought it.

sub is_hit {
    my ($reply) = @_;

    return ($reply->{headers}{'x-varnish'} // '') =~ /^\d+ \d+$/;
}

sub is_differential {
    my ($port, $name, %opt) = @_;

    $updater->is_differential($name, delete $opt{app} // 'big', \@builds,
                              port => $port, %opt);
}

sub is_whole {
    my ($port, $name, %opt) = @_;

    $updater->is_whole($name, 'big', \@builds, port => $port, %opt);
}

###############################################################################
