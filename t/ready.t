#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# liveupdate_ready tells a load balancer in bounded time whether the store
# answers and can be written, and the log tells once when that changes.

use warnings;
use strict;

use Errno qw/ EACCES EIO ENOSPC ENOTCONN EROFS /;
use Test::More;
use Time::HiRes qw/ time /;

use Test::LiveUpdate;
use Test::LiveUpdate::Hang;

use constant SWIFT => $ENV{TEST_NGINX_ASAN} ? 2 : 0.5;

my $t = Test::LiveUpdate->new();
my $hang = Test::LiveUpdate::Hang->new($t);
my $dir = $t->testdir();

$t->skip_all('workers must keep what they know') if $ENV{TEST_NGINX_HUP};

$t->plan(35);
$t->config_reference()->run();

my ($status, $json) = ready();

is($status, 200, 'ready');
is_deeply($json, { ready => JSON::PP::true() }, 'it says so');
is(http_head('/ready') =~ /^HTTP\S+ 200/, 1, 'HEAD');
like(http_post('/ready', '{}'), qr/^HTTP\S+ 405 .*\nAllow: GET, HEAD\r/s,
     'no other method');
is(join(' ', glob "$dir/disk/tmp/*.*.*"), '', 'nothing is left of it');

# a hundred requests ask the disk once in each worker

my $from = time();

ready() for 1 .. 100;
cmp_ok(time() - $from, '<', 40 * SWIFT, 'it is not asked for each request');

# whatever hangs, the answer comes

for my $what ('all', 'write') {
    $t->mark_log();
    $hang->hang($what);

    $from = time();
    ok((wait_until { (ready())[0] == 503 } 15), "$what hangs: not ready");

    my @sockets = map { http_start("GET /ready HTTP/1.0\r\n\r\n") } 1 .. 50;

    is(join(' ', distinct(map { http_end($_) =~ /^HTTP\S+ (\d+)/ } @sockets)),
       503, "$what hangs: all are told");
    cmp_ok(time() - $from, '<', 4 + 4 * SWIFT, "$what hangs: in bounded time");

    ok(swift(sub { ($status, $json) = ready() }), "$what hangs: at once");
    is($status, 503, "$what hangs: it is known");
    is($json->{message}, 'The disk of the store does not answer.',
       "$what hangs: why");

    $hang->answer();
    ok((wait_until { all_ready() } 15), "$what answers: ready");
    is(logged(qr/is not ready: /), 1, "$what hangs: in the log once");
    is(logged(qr/is ready again/), 1, "$what answers: in the log once");
}

# it answers, and does not take anything

for ([ ENOSPC, 'The disk of the store is full.' ],
     [ EROFS, 'The file system of the store is read-only.' ],
     [ EACCES, 'The user of nginx may not write into the store.' ],
     [ ENOTCONN, 'The disk of the store is not there.' ],
     [ EIO, 'The disk of the store cannot be written.' ])
{
    my ($errno, $message) = @$_;

    $hang->fail($errno);
    ok((wait_until { ((ready())[1]{message} // '') eq $message } 15), $message);
}

$hang->answer();
ok((wait_until { all_ready() } 15), 'ready again');

# the mount goes, and comes

$hang->kill();
ok((wait_until { (ready())[0] == 503 } 15), 'the file system is dead');
$hang->umount();
ok((wait_until { ((ready())[1]{message} // '') =~ /is its file system mounted/ }
    15), 'it is not mounted');
is(join(' ', glob "$dir/store/tmp/*"), '', 'nothing is written below');
$hang->mount();
ok((wait_until { all_ready() } 15), 'mounted again');

# mistakes

like(scalar $t->test_config(<<'EOC'), qr/requires "liveupdate_store"/, 'none');

%%TEST_GLOBALS%%

events {
}

http {
    server {
        location /ready {
            liveupdate_ready;
        }
    }
}

EOC


sub ready {
    my $reply = http_get('/ready');

    return ($reply =~ /^HTTP\S+ (\d+)/, json($reply));
}


# Whether it is answered at once, as it is not each time on a busy machine.

sub swift {
    my ($request) = @_;

    return wait_until {
        my $begun = time();

        $request->();

        time() - $begun < SWIFT;
    } 15;
}


# Both workers, as far as can be told.

sub all_ready {
    return !grep { (ready())[0] != 200 } 1 .. 20;
}


sub logged {
    my ($re) = @_;

    my $n = () = $t->read_log($t->{mark}) =~ /$re/g;

    return $n;
}


sub distinct {
    my %values = map { $_ => 1 } @_;

    return sort keys %values;
}
