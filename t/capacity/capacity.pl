#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# What many devices ask for, and what a core answers: the numbers of "Capacity"
# in docs/cdn.md.  What a request costs is measured, as the CPU time of the one
# worker, so that neither the load nor others on the machine count.  The rest is
# arithmetic with what is assumed below.

use warnings;
use strict;

use File::Temp qw/ tempdir /;
use List::Util qw/ max min /;
use POSIX qw/ ceil /;

use Test::LiveUpdate qw/ port /;
use Test::LiveUpdate::Bench;
use Test::LiveUpdate::Release qw/ stage_dist /;

# Devices check by day: the busiest second has so many times the mean.  A core
# is planned to be busy to this part.

use constant PEAK => 3;
use constant BUSY => 0.6;

# What an update is, in MB, and in which time those who get it get it.

use constant UPDATES => (
    [ 'manifest bundle, what has changed', 0.5 ],
    [ 'zip bundle', 5 ],
    [ 'installer, what has changed', 5 ],
    [ 'installer, as a whole', 100 ],
);
use constant HOURS => 24;

use constant FLEETS => (10e6, 500e6);
use constant POLLS => ([ 'a day', 86400 ], [ '6 h, each start', 6 * 3600 ],
                       [ '1 h', 3600 ], [ '15 min', 900 ]);

use constant KEPT => 2000;
use constant DEVICES => 10_000;

my $rounds = $ENV{BENCH_ROUNDS} || 5;
my $seconds = $ENV{BENCH_SECONDS} || 1;

my $dir = tempdir(CLEANUP => 1);

make_certificate('ecdsa', 'ec -pkeyopt ec_paramgen_curve:P-256');
make_certificate('rsa', 'rsa:2048');

my $locations = <<'EOF';
        include  liveupdate.conf;

        location = /reused {
            access_log  logs/reused.log  reused;
            return  200;
        }
EOF

# A full handshake for each connection at 8081 and 8083, and resumed ones at
# 8082.

my $t = bench(zone => '32m', http => <<"EOF",
    log_format  reused  '\$ssl_session_reused';

    server {
        listen  127.0.0.1:${\ port(8081)} ssl;

        ssl_certificate      $dir/ecdsa.pem;
        ssl_certificate_key  $dir/ecdsa.key;
        ssl_session_cache    off;
        ssl_session_tickets  off;
$locations    }

    server {
        listen  127.0.0.1:${\ port(8082)} ssl;

        ssl_certificate      $dir/ecdsa.pem;
        ssl_certificate_key  $dir/ecdsa.key;
        ssl_session_cache    shared:tls:10m;
$locations    }

    server {
        listen  127.0.0.1:${\ port(8083)} ssl;

        ssl_certificate      $dir/rsa.pem;
        ssl_certificate_key  $dir/rsa.key;
        ssl_session_cache    off;
        ssl_session_tickets  off;
$locations    }
EOF
);

my $app = $t->create_app('Shop');

$t->create_channel($app, 'production');
$t->api('POST', '/v1/apps', { id => 'desk', name => 'Desk',
                              type => 'electron' });

my $done = $t->publish($app, 'production',
                       { 'index.html' => '<!DOCTYPE html>',
                         'large.bin' => random_bytes(1 << 20) });

die "not published: $done->{reply}{raw}\n" unless $done->{ok};

stage_dist($t, 'desk', 'r1', { 'latest.yml' => [ '1.0.0', 'S 1.0.0.exe' ] });

my @devices = map { check(random_uuid()) } 1 .. 1000;
my $large = "/artifacts/$app/$done->{bundle}?href=large.bin";

my %cost;


# -- measured ----------------------------------------------------------------

heading('What a core answers (measured)');
printf "  %-44s %10s %12s\n", '', 'us of CPU', 'per second';

my $checks = wrk_script($t, 'checks', @devices);
my $none = wrk_script($t, 'none', map { "$_&bundleId=$done->{bundle}" }
                      map { s/&bundleId//r } @devices);

measure('check', 'a check, an update', $checks);
measure('none', 'a check, nothing new', $none, errors => 1);
measure('manifest', 'an update manifest of a desktop app',
        wrk_script($t, 'manifest', '/desktop/desk/latest.yml'));
measure('tls_check', 'a check, TLS, on an open connection', $checks,
        port => 8082);
measure('resumed', 'a check, TLS, a session resumed', $checks, port => 8082,
        close => 1);
measure('full', 'a check, TLS, a new session', $checks, port => 8081,
        close => 1);
measure('rsa', 'the same with an RSA certificate, 2048 bits', $checks,
        port => 8083, close => 1);
measure('file', '1 MB of a file', wrk_script($t, 'file', $large));
measure('tls_file', '1 MB of a file, TLS', wrk_script($t, 'tls_file', $large),
        port => 8082);

my %reused = map { $_ => reused($_) } 8081, 8082;

note(sprintf 'TLS 1.3, ECDSA P-256; resumed: %.0f %% and %.0f %%',
     $reused{8082}, $reused{8081});

my %bytes = (reply => length $t->api('GET', $devices[0], undef, token => undef)
                             ->{raw},
             handshake => handshake_bytes());
my $memory = connection_memory();
my $zone = device_memory();

result('bytes of an answer', $bytes{reply}, 'bytes');
result('bytes of a handshake, certificate included', $bytes{handshake},
       'bytes');
result('memory of a connection in use, TLS', $memory / 1024, 'KB');
result('a device that the zone remembers', $zone, 'bytes');


# -- computed ----------------------------------------------------------------

heading(sprintf 'Checks: mean, busiest second (x %d), and cores that are busy '
                . 'to %d %%', PEAK, 100 * BUSY);
printf "  %-12s %-17s %11s %11s %9s %9s %9s\n", 'devices', 'a check every',
       'mean/s', 'peak/s', 'new', 'resumed', 'open';

for my $fleet (FLEETS) {
    for my $poll (POLLS) {
        my ($name, $interval) = @$poll;
        my $peak = PEAK * $fleet / $interval;

        printf "  %-12s %-17s %11s %11s %9s %9s %9s\n", number($fleet), $name,
               number($fleet / $interval), number($peak),
               map { number(cores($peak, $_)) } qw/ full resumed tls_check /;
    }
}

note('new, resumed, open: what a check does with TLS');

heading('The busiest second: bandwidth, and connections that stay open');
printf "  %-12s %-17s %11s %11s %11s %11s\n", 'devices', 'a check every',
       'Gbit/s', 'for 65 s', 'GB', 'GB, for 5 s';

for my $fleet (FLEETS) {
    for my $poll (POLLS) {
        my ($name, $interval) = @$poll;
        my $peak = PEAK * $fleet / $interval;
        my $open = min($fleet, $peak * 65);

        printf "  %-12s %-17s %11.2f %11s %11.1f %11.1f\n", number($fleet),
               $name, $peak * 8 * ($bytes{reply} + $bytes{handshake}) / 1e9,
               number($open), $open * $memory / 1e9,
               min($fleet, $peak * 5) * $memory / 1e9;
    }
}

heading(sprintf 'An update for all within %d h: what the CDN carries', HOURS);
printf "  %-34s %6s %s\n", 'devices', '', join ' ', map {
    sprintf '%19s', number($_)
} FLEETS;
printf "  %-34s %6s %s\n", '', 'MB', join ' ', map {
    sprintf '%9s %9s', 'TB', 'Gbit/s'
} FLEETS;

for my $update (UPDATES) {
    my ($name, $mb) = @$update;

    printf "  %-34s %6.1f %s\n", $name, $mb, join ' ', map {
        my $tb = $_ * $mb / 1e6;

        sprintf '%9s %9.1f', number($tb), $tb * 8e3 / (HOURS * 3600)
    } FLEETS;
}

heading('Memory for the devices that are remembered');

for my $fleet (FLEETS) {
    result(number($fleet) . ' devices', $fleet * $zone / 1e9, 'GB');
}

###############################################################################

sub make_certificate {
    my ($name, $kind) = @_;

    system("openssl req -x509 -newkey $kind -nodes -days 2"
           . " -keyout '$dir/$name.key' -out '$dir/$name.pem'"
           . ' -subj /CN=updates.example.com 2>/dev/null') == 0
        or die "openssl cannot make a certificate\n";
}

sub check {
    my ($device) = @_;

    return "/v1/apps/$app/bundles/latest?appVersionCode=10203"
           . '&appVersionName=1.2.3&bundleId'
           . "&channelName=production&customId&deviceId=$device"
           . '&osVersion=34&platform=0&pluginVersion=8.4.1';
}

sub random_bytes {
    my ($n) = @_;

    return join '', map { pack 'N', rand 2 ** 32 } 1 .. $n / 4;
}

# The median of some rounds: CPU time of the worker for one request.

sub measure {
    my ($key, $name, $script, %opt) = @_;

    load($script, %opt);

    my @us = map { load($script, %opt) } 1 .. $rounds;

    $cost{$key} = median(@us);
    printf "  %-44s %10.1f %12s\n", $name, $cost{$key},
           number(1e6 / $cost{$key});
}

sub load {
    my ($script, %opt) = @_;

    my $port = $opt{port} // 8080;
    my $scheme = $port == 8080 ? 'http' : 'https';
    my $close = $opt{close} ? "-H 'Connection: close'" : '';
    my $pid = worker($t);
    my $cpu = cpu_seconds($pid);

    my $said = `wrk -t1 -c32 -d${seconds}s -s '$script' $close \\
                $scheme://127.0.0.1:${\ port($port)} 2>&1`;

    $cpu = cpu_seconds($pid) - $cpu;

    my ($requests, $status, $failed) = $said =~ /^bench (\d+) \d+ (\d+) (\d+)$/m
        or die "wrk failed:\n$said\n";

    die "$failed requests failed, $status were errors\n"
        if $failed > $requests / 100 || $status && !$opt{errors};

    return 1e6 * $cpu / $requests;
}

# How many of a hundred connections resume a session.

sub reused {
    my ($port) = @_;

    my $log = "$t->{testdir}/logs/reused.log";

    truncate $log, 0;
    load(wrk_script($t, 'reused', '/reused'), port => $port, close => 1);

    my @lines = $t->read_file('logs/reused.log') =~ /^.*$/gm;

    return 100 * grep({ $_ eq 'r' } @lines) / max(1, scalar @lines);
}

sub handshake_bytes {
    my $said = `openssl s_client -connect 127.0.0.1:${\ port(8081)} \\
                </dev/null 2>&1`;

    my ($read) = $said =~ /SSL handshake has read (\d+) bytes/
        or die "no handshake:\n$said\n";

    return $read;
}

# Of the worker, with this many connections that wait for a request.

sub connection_memory {
    my $file = wrk_script($t, 'kept', $devices[0]);
    my $before = memory(worker($t))->{rss};
    my $pid = fork() // die "cannot fork: $!\n";

    if ($pid == 0) {
        open STDOUT, '>', '/dev/null';
        exec 'wrk', '-t1', '-c' . KEPT, '-d3s', '-s', $file,
             'https://127.0.0.1:' . port(8082);
    }

    my $most = 0;

    while (waitpid($pid, POSIX::WNOHANG) == 0) {
        $most = max($most, memory(worker($t))->{rss});
        select undef, undef, undef, 0.1;
    }

    return ($most - $before) * (1 << 20) / KEPT;
}

# Of the zone, by the status before and after as many new devices.

sub device_memory {
    my $free = zone_free();

    my $script = wrk_script($t, 'devices',
                            map { check(random_uuid()) } 1 .. DEVICES);

    # each of them at least once
    load($script) for 1 .. 2;

    return ($free - zone_free()) / DEVICES;
}

sub zone_free {
    return $t->api('GET', '/status?format=json')->{json}{zone}{free};
}

sub cores {
    my ($rate, $key) = @_;

    return ceil($rate * $cost{$key} / 1e6 / BUSY);
}

# 1234567 as "1,234,567".

sub number {
    my $text = sprintf '%.0f', $_[0];

    1 while $text =~ s/^(\d+)(\d{3})/$1,$2/;

    return $text;
}

###############################################################################
