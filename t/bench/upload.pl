#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# How long the feed waits while publishers upload large files as fast as they
# can, beside quiet: rounds of both take turns.  The store lies below TMPDIR,
# which should be on a disk that is slower than the publishers.
#
# BENCH_SIZE        megabytes of a file, 256 if not set
# BENCH_PUBLISHERS  at once, 3 if not set
# BENCH_RATE        requests of the feed in a second, 200 if not set

use warnings;
use strict;

use List::Util qw/ sum0 /;
use Time::HiRes qw/ time /;

use Test::LiveUpdate qw/ port /;
use Test::LiveUpdate::Bench;
use Test::LiveUpdate::Release qw/ bytes_of manifest_of /;
use Test::LiveUpdate::S3;

use constant QUIET => 5;            # seconds
use constant TWICE => 2;

my $size = $ENV{BENCH_SIZE} || 256;
my $publishers = $ENV{BENCH_PUBLISHERS} || 3;
my $rate = $ENV{BENCH_RATE} || 200;
my $rounds = $ENV{BENCH_ROUNDS} || 5;

my $t = bench(free => 1);
my $dir = $t->testdir();
my $load = load_tool($t);
my $s3 = Test::LiveUpdate::S3->of($dir, '127.0.0.1:' . port(8080));

prepare();

my (@quiet, @busy, $seconds);

for my $round (1 .. $rounds) {
    push @quiet, load(QUIET);
    push @busy, uploads($round);
}

heading("The feed, while $publishers publishers upload files of $size MB");
note(sprintf '%.0f MB/s', $rounds * $publishers * $size / $seconds);

my $quiet = latency('in quiet', @quiet);
my $busy = latency('meanwhile', @busy);

result('p99 meanwhile, to p99 in quiet', $busy / $quiet, '', '<=', TWICE);


# A release that updaters get, and a file to upload.

sub prepare {
    my $name = 'App-0.9.0.exe';

    $t->api('POST', '/v1/apps', { id => 'shop', name => 'Shop',
                                  type => 'electron' });

    $s3->put("/shop/0.9.0/$name", bytes_of($name));
    $s3->put('/shop/0.9.0/latest.yml', manifest_of('0.9.0', $name));

    for my $what (qw/ stage promote /) {
        my $reply = $t->api('POST', "/releases/shop/0.9.0/$what", {});

        die "$what: $reply->{raw}\n"
            if $reply->{status} >= 300 && $reply->{status} != 409;
    }

    $t->write_file('asked', "/desktop/shop/latest.yml\n");

    my $noise = pack 'L*', map { int rand 2 ** 32 } 1 .. 1 << 18;

    open my $fh, '>', "$dir/large" or die "no file: $!\n";
    print {$fh} $noise for 1 .. $size;
    close $fh;
}


# All publishers send their file; the runs of the load meanwhile.

sub uploads {
    my ($round) = @_;

    my $start = time;
    my (%pids, @runs);

    for my $n (1 .. $publishers) {
        my $sent = $s3->signed('PUT', "/shop/1.0.$round/$n.bin",
                               payload => 'UNSIGNED-PAYLOAD');

        my $pid = fork // die "fork: $!\n";

        if (!$pid) {
            open STDOUT, '>', '/dev/null';
            exec 'nice', '-n', 19, 'curl', '-sSf', '-T', "$dir/large",
                (map { ('-H', "$_: $sent->{headers}{$_}") }
                 sort keys %{$sent->{headers}}),
                "http://$s3->{address}$sent->{path}";
        }

        $pids{$pid} = 1;
    }

    while (%pids) {
        push @runs, load(1);

        for my $pid (keys %pids) {
            next if !waitpid $pid, POSIX::WNOHANG();
            die "not uploaded\n" if $?;
            delete $pids{$pid};
        }
    }

    $seconds += time - $start;

    return @runs;
}


# Returns the 99th percentile.

sub latency {
    my ($when, @runs) = @_;

    my @latency = map { $_->{latency} } @runs;
    my $errors = sum0(map { $_->{errors} } @runs);

    result("feed, $when: p50", percentile(50, @latency), 'ms');
    result('  p99', percentile(99, @latency), 'ms');
    result('  longest', percentile(100, @latency), 'ms');
    note("  $errors errors") if $errors;

    return percentile(99, @latency);
}


sub load {
    my ($seconds) = @_;

    return load_run($t, $load, "$dir/asked", '-r' => $rate, '-d' => $seconds,
                    '-c' => 16);
}
