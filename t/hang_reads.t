#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# The file system of the store hangs, with fifty requests of each kind in it:
# devices are answered from memory, whatever needs the disk is told to come
# again, in bounded time, and all goes on when the file system does.

use warnings;
use strict;

use IO::Select;
use Test::More;
use Time::HiRes qw/ time /;

use Test::LiveUpdate qw/ :DEFAULT json_encode multipart zip /;
use Test::LiveUpdate::Hang;
use Test::LiveUpdate::HTTP qw/ connect_to parse_reply /;
use Test::LiveUpdate::Release qw/ stage_dist /;
use Test::LiveUpdate::S3;
use Test::LiveUpdate::Store;

use constant EACH => 50;

# the limit is 5 seconds, and what hangs is looked at each second

use constant LIMIT => $ENV{TEST_NGINX_ASAN} ? 20 : 8;
use constant SWIFT => 2;            # seconds; the disk has 5

# a worker has the copies that the test has asked for

$ENV{TEST_NGINX_WORKERS} = 1;

my $t = Test::LiveUpdate->new();
my $dir = $t->testdir();

$t->skip_all('workers must keep their copies') if $ENV{TEST_NGINX_HUP};

my $hang = Test::LiveUpdate::Hang->new($t);

$t->plan(45);

$t->config_reference(sub {
    s/^worker_rlimit_nofile.*/$& worker_shutdown_timeout 2s;/m;
    s/^([ ]*)worker_connections .*/$1worker_connections 8192;/m;
});

$t->run();

my $app = $t->create_app('known');
my $cold = $t->create_app('cold');

$t->api('POST', '/v1/apps', { name => 'Shop', type => 'electron',
                              id => 'shop' });
is(stage_dist($t, 'shop', 'r1', {
    'latest.yml' => ['1.0.0', 'Shop Setup 1.0.0.exe'],
})->{json}{state}, 'live', 'a desktop release');

my %files = ('index.html' => 'x', 'new.js' => 'n' x 9_000,
             'large.bin' => 'l' x 30_000_000);

my $bundle = $t->publish($app, undef, \%files)->{bundle};
my $other = $t->publish($cold, undef, { 'index.html' => 'c' })->{bundle};

# what is in memory

my $feed = '/desktop/shop';
my $base = "/artifacts/$app/$bundle";

is(told($app), $bundle, 'a check');
is(get("$base/index.html")->{status}, 200, 'a file');
is(get($_)->{status}, 200, "$_")
    for "$feed/latest.yml", "$feed/Shop%20Setup%201.0.0.exe",
        '/download/shop/windows';

# a release that no device has asked for, and the disk hangs

my $next = $t->publish($app, undef, { 'index.html' => 'y' })->{bundle};

$hang->hang();

my $from = time();

is(told($app), $bundle, 'the older release, while the newer is not there');
cmp_ok(time() - $from, '<', 1 + SWIFT, 'without much delay');

my %requests = (
    'a file' => "GET $base/index.html",
    'another file' => "GET $base/new.js",
    'a part' => "GET $base/large.bin",
    'an unknown release' => "GET /artifacts/$app/none/index.html",
    'an unknown app' => "GET /artifacts/$cold/$other/index.html",
    'an installer' => "GET $feed/Shop%20Setup%201.0.0.exe",
    'another of it' => "GET $feed/Shop%20Setup%201.0.0.exe.blockmap",
    'a download' => 'GET /download/shop/windows',
    'a check of an unknown app' => "GET /v1/apps/$cold/bundles/latest",
    'a list' => 'GET /v1/apps',
    'a small change' => "POST /v1/apps/$app/channels",
    'an upload' => "POST /v1/apps/$app/bundles/$bundle/files",
);

my %sockets = map { my $kind = $_; ($kind => [ map { ask($kind) } 1 .. EACH ]) }
    sort keys %requests;

my ($n, $slow, $wrong) = (0, 0, 0);

$from = time();

while (time() - $from < LIMIT) {
    my $begun = time();

    $wrong++ if (told($app) // '') ne $bundle;
    $wrong++ if get("$feed/latest.yml")->{status} != 200;
    $slow++ if time() - $begun > 2 * SWIFT;
    $n++;
}

cmp_ok($n, '>', 300, "checks and manifests meanwhile: $n");
is($slow, 0, 'none of them slow');
is($wrong, 0, 'and all right');

for my $kind (sort keys %requests) {
    my @replies = map { ended($_) } @{$sockets{$kind}};

    is(join(' ', distinct(map { $_ ? said($_) : 'none' } @replies)),
       '503 with Retry-After', "$kind: told to come again");
}

# it is known now

$from = time();
is(get("$base/new.js")->{status}, 503, 'a file');
cmp_ok(time() - $from, '<', SWIFT, 'at once');

$hang->answer();

ok((wait_until { get("$base/new.js")->{status} == 200 } 5), 'it goes on');
ok((wait_until { told($app) eq $next } 5), 'with the newer release');
ok((wait_until { (told($cold) // '') eq $other } 5), 'and the other app');
ok((wait_until { $t->api('GET', '/v1/apps')->{status} == 200 } 5), 'calls');

my $last = $t->publish($app, undef, zip('index.html' => 'z'))->{bundle};

is(told($app), $last, 'uploads');
is(join("\n", Test::LiveUpdate::Store->new("$dir/disk")->check()), '',
   'the store is whole');

# a client reads the beginning, and the rest does not come

my $s = connect_to('127.0.0.1:' . port(8080));

print {$s} "GET $base/large.bin HTTP/1.1\r\nHost: x\r\n\r\n";
sysread($s, my $some, 100);

$hang->hang();

$from = time();
my $length = 0;

while (my $got = sysread($s, my $bytes, 1_000_000)) {
    $length += $got;
}

cmp_ok($length, '<', 30_000_000, 'a file is cut off');
cmp_ok(time() - $from, '<', LIMIT, 'in bounded time');

$hang->answer();
ok((wait_until { $t->api('GET', '/v1/apps')->{status} == 200 } 10),
   'the disk answers');

# a body has come by half

my $text = json_encode({ name => 'half' });
my $put = Test::LiveUpdate::S3->of($dir, '127.0.0.1:' . port(8080));
my %half = (
    'a change' => "POST /v1/apps/$app/channels HTTP/1.1\r\nHost: x\r\n"
                  . 'Authorization: Bearer ' . $t->token('admin') . "\r\n"
                  . "Connection: close\r\nContent-Type: application/json\r\n"
                  . 'Content-Length: ' . length($text) . "\r\n\r\n$text",
    'an upload as to S3' => $put->text('PUT', '/shop/1.0.1/half',
                                       body => 'x' x 200_000),
);
my %open = map { $_ => connect_to('127.0.0.1:' . port(8080)) } keys %half;

print {$open{$_}} substr $half{$_}, 0, -10 for keys %half;

# the disk has answered them, and is asked again after a second

$from = time();
wait_until { time() - $from > 1.5 && told($app) } 5;

$hang->hang();
$from = time();

print {$open{$_}} substr $half{$_}, -10 for keys %half;

for my $kind (sort keys %half) {
    is(said(parse_reply(http_end($open{$kind}))), '503 with Retry-After',
       "$kind: told to come again");
    cmp_ok(time() - $from, '<', LIMIT, 'in bounded time');
}

# a new configuration is refused, and the old one goes on

$from = time();
like($t->reload(fails => 1), qr/has not answered for 5 seconds/,
     'a reload is refused');
cmp_ok(time() - $from, '<', LIMIT, 'in bounded time');
is(told($app), $last, 'devices are answered');

# a worker that is told to quit

my ($worker) = $t->workers();

$t->mark_log();
kill 'QUIT', $worker;
ok($t->wait_log(qr/a thread hangs in the store .*, the worker exits/, 15),
   'a worker goes without its threads');
$hang->answer();
ok((wait_until { $t->api('GET', '/v1/apps')->{status} == 200 } 10),
   'and the next one works');
ok($t->reload(), 'a reload');
is(told($app), $last, 'devices are answered');


sub told {
    return $t->latest($_[0])->{json}{bundleId};
}


sub get {
    return $t->api('GET', $_[0], undef, token => undef,
                   headers => [ 'User-Agent' => 'x' ]);
}


sub ask {
    my ($kind) = @_;

    my $s = connect_to('127.0.0.1:' . port(8080));
    my $body = $kind eq 'an upload' ? 'x' x 200_000
               : $kind eq 'a small change' ? json_encode({ name => 'x' })
               : '';

    print {$s} "$requests{$kind} HTTP/1.1\r\nHost: localhost\r\n"
               . "Connection: close\r\nUser-Agent: x\r\n"
               . 'Authorization: Bearer ' . $t->token('admin') . "\r\n"
               . "Content-Type: application/json\r\n"
               . ($body ne '' ? 'Content-Length: ' . length($body) . "\r\n"
                              : '') . "\r\n$body";

    return $s;
}


# The reply, if it has come.

sub ended {
    my ($s) = @_;

    return unless IO::Select->new($s)->can_read(0);

    return parse_reply(http_end($s));
}


sub said {
    my ($reply) = @_;

    return $reply->{status} . ($reply->{headers}{'retry-after'}
                               ? ' with Retry-After' : '');
}


sub distinct {
    my %values = map { $_ => 1 } @_;

    return sort keys %values;
}
