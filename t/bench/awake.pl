#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# How devices fare while the file system of the store hangs, with requests of
# every other kind waiting for it: the rate and the latency of checks, beside
# those of the same nginx while nothing hangs.  Needs root and /dev/fuse.
#
# BENCH_HUNG is the number of requests of each kind, 50 if not set.

use warnings;
use strict;

use Time::HiRes qw/ sleep time /;

use Test::LiveUpdate qw/ json_encode port wait_until zip /;
use Test::LiveUpdate::Bench;
use Test::LiveUpdate::Hang;
use Test::LiveUpdate::HTTP qw/ connect_to /;
use Test::LiveUpdate::Release qw/ stage_dist /;

use constant TARGET => 90;
use constant DEVICES => 1_000;
use constant HUNG => $ENV{BENCH_HUNG} || 50;

# requests that were told to come again come again, as clients do

use constant AGAIN => 1;

my $hang;

my $t = bench(start => sub { $hang = Test::LiveUpdate::Hang->new($_[0]) });

my $app = $t->create_app('bench');
my $cold = $t->create_app('cold');

$t->api('POST', '/v1/apps', { name => 'Shop', type => 'electron',
                              id => 'shop' });
stage_dist($t, 'shop', 'r1', {
    'latest.yml' => ['1.0.0', 'Shop Setup 1.0.0.exe'],
})->{json}{state} eq 'live' or die "not live\n";

my $bundle = $t->publish($app, undef, {
    'index.html' => 'x', map { ("$_.js" => "$_" x 9_000) } 1 .. 20
})->{bundle};

my @devices = map { random_uuid() } 1 .. DEVICES;
my $script = wrk_script($t, 'checks', map { check($_) } @devices);
my $load = load_tool($t);

my @requests = (
    (map { "GET /artifacts/$app/$bundle/$_.js" } 1 .. 3),
    "GET /artifacts/$app/none/index.html",
    "GET /artifacts/$cold/none/index.html",
    'GET /desktop/shop/Shop%20Setup%201.0.0.exe',
    'GET /desktop/shop/Shop%20Setup%201.0.0.exe.blockmap',
    'GET /download/shop/windows',
    "GET /v1/apps/$cold/bundles/latest?platform=0",
    'GET /ready',
    'GET /v1/apps',
    "POST /v1/apps/$app/channels",
    "POST /v1/apps/$app/bundles/$bundle/files",
);

$t->latest($app)->{status} == 200 or die "no update\n";
$t->api('GET', '/desktop/shop/latest.yml', undef, token => undef)->{status}
    == 200 or die "no manifest\n";

heading('Checks while the store hangs, with ' . HUNG . ' of each of '
        . @requests . ' other requests');

my $c = compare(sub { hung(sub { wrk($t, $script) }) },
                sub { wrk($t, $script) });

pair('beside those while nothing hangs', $c, TARGET);

# at a tenth of what it can do, so that the latency is that of the server

$t->write_file('checks.list', join '', map { check($_) . "\n" } @devices);

my $rate = int($c->{rate}[1] / 10);
my @latency;

for my $case ('nothing hangs', 'the store hangs') {
    my $run = sub {
        load_run($t, $load, "$t->{testdir}/checks.list",
                 -c => 32, -r => $rate, -d => 5);
    };

    my $r = $case eq 'nothing hangs' ? $run->() : hung($run);

    die "$r->{errors} errors\n" if $r->{errors};

    result("p50, $case, $rate checks/s", percentile(50, $r->{latency}), 'ms');
    result('p99', percentile(99, $r->{latency}), 'ms');
    result('slowest', percentile(100, $r->{latency}), 'ms');
}


# Runs it while the disk hangs, with a process that asks for all the rest.

sub hung {
    my ($code) = @_;

    $hang->hang();

    my $pid = fork() // die "cannot fork: $!\n";

    if ($pid == 0) {
        others();
        POSIX::_exit(0);
    }

    sleep(0.3);

    my $r = $code->();

    kill 'KILL', $pid;
    waitpid($pid, 0);

    $hang->answer();

    wait_until {
        $t->api('GET', '/v1/apps')->{status} == 200
    } 10 or die "it does not answer again\n";

    return $r;
}


# A reply frees its place for the next request.

sub others {
    my @waiting = map { my $request = $_; map { ask($request) } 1 .. HUNG }
        @requests;

    while (1) {
        my $from = time();

        for my $place (@waiting) {
            my $bits = '';

            vec($bits, fileno $place->{socket}, 1) = 1;

            next if !select($bits, undef, undef, 0);

            close $place->{socket};
            $place = ask($place->{request});
        }

        my $left = AGAIN - (time() - $from);

        sleep($left) if $left > 0;
    }
}


sub ask {
    my ($request) = @_;

    my $s = connect_to('127.0.0.1:' . port(8080));
    my $body = $request =~ m{/files$} ? 'x' x 100_000
               : $request =~ /^POST/ ? json_encode({ name => 'x' })
               : '';

    print {$s} "$request HTTP/1.1\r\nHost: localhost\r\nUser-Agent: x\r\n"
               . 'Authorization: Bearer ' . $t->token('admin') . "\r\n"
               . "Content-Type: application/json\r\nConnection: close\r\n"
               . 'Content-Length: ' . length($body) . "\r\n\r\n$body";

    return { socket => $s, request => $request };
}


sub check {
    my ($device) = @_;

    return "/v1/apps/$app/bundles/latest?appVersionCode=1&appVersionName=1"
           . "&deviceId=$device&osVersion=1&platform=0&pluginVersion=7.0.0";
}
