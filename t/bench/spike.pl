#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# How long devices wait for the answer to a check, at half of the rate that
# one worker can do, without and with publishes to the same worker: one
# publisher of zips, one of manifest bundles, each without a pause.

use warnings;
use strict;

use List::Util qw/ sum0 /;
use POSIX ();

use Test::LiveUpdate qw/ zip /;
use Test::LiveUpdate::Bench;

use constant TARGET => 5;
use constant ROUND => 1;

my $t = bench();
my $load = load_tool($t);
my $rounds = $ENV{BENCH_ROUNDS} || 20;

my $app = $t->create_app('bench');
my @paths;

for my $channel (qw/ zip manifest /) {
    $t->create_channel($app, $channel);
    publish($channel) or die "not published\n";

    push @paths, map { check($channel, random_uuid()) } 1 .. 1_000;
}

$t->write_file('checks', join '', map { "$_\n" } @paths);

my $checks = "$t->{testdir}/checks";

my $rate = int median(map {
    my $r = load_run($t, $load, $checks, '-d' => 1, '-c' => 32);
    $r->{requests} / $r->{seconds};
} 1 .. 5) / 2;

heading("Latency of checks at $rate requests/s, half of what one worker can");

my (%runs, $published);

for my $round (1 .. $rounds) {
    push @{$runs{without}}, run();

    my @publishers = map { publisher($_) } qw/ zip manifest /;

    # the first of them is on its way
    select undef, undef, undef, 0.2;

    push @{$runs{with}}, run();

    $published += sum0(map { stop($_) } @publishers);
}

for my $name (qw/ without with /) {
    my @runs = calm(@{$runs{$name}});
    my @latency = map { $_->{latency} } @runs;
    my $errors = sum0(map { $_->{errors} } @runs);

    print "\n";
    note("$name publishes" . ($name eq 'with'
        ? sprintf ', %.0f a second', $published / $rounds / ROUND : ''));

    result("  p$_", percentile($_, @latency), 'ms') for 50, 99;
    result('  p99.9', percentile(99.9, @latency), 'ms', '<=', TARGET);

    result('  p99.9, median of the rounds',
           median(map { percentile(99.9, $_->{latency}) } @runs), 'ms');
    result('  max', percentile(100, @latency), 'ms');
    result('  p99.9 of how late the load itself was',
           percentile(99.9, map { $_->{late} } @runs), 'ms');

    note(sprintf '  %d rounds, worker busy %.0f %%, others %.0f %%',
         scalar @runs, map { 100 * share($_, @runs) } qw/ cpu others /);
    note("  $errors errors") if $errors;
}


sub run {
    return load_run($t, $load, $checks, '-r' => $rate, '-d' => ROUND,
                    '-c' => 64);
}


sub check {
    my ($channel, $device) = @_;

    return "/v1/apps/$app/bundles/latest?appVersionCode=10203"
           . "&appVersionName=1.2.3&bundleId&channelName=$channel"
           . "&customId&deviceId=$device"
           . '&osVersion=34&platform=0&pluginVersion=8.4.1';
}


# A process that publishes until it is told to stop.

sub publisher {
    my ($channel) = @_;

    pipe my $out, my $in or die "no pipe: $!\n";

    my $pid = fork() // die "cannot fork: $!\n";

    if ($pid == 0) {
        my ($n, $end) = (0, 0);

        local $SIG{TERM} = sub { $end = 1 };

        until ($end) {
            $n++ if publish($channel);
        }

        print {$in} "$n\n";
        close $in;
        POSIX::_exit(0);
    }

    close $in;

    return { pid => $pid, out => $out };
}


sub stop {
    my ($publisher) = @_;

    kill 'TERM', $publisher->{pid};

    my $n = readline $publisher->{out};
    waitpid $publisher->{pid}, 0;

    return $n // die "a publisher failed\n";
}


# What is published: 2 MB as a zip, or the same as 41 files, of which half of
# the bytes can be compressed.

my ($zip, %files);

sub publish {
    my ($channel) = @_;

    if (!$zip) {
        my $text = "var some = 'of this there is more';\n" x 1400;

        %files = ('index.html' => '<!DOCTYPE html>', map {
            ("assets/$_.js" => "// $_\n$text", "assets/$_.png" => noise())
        } 1 .. 20);

        $zip = zip(%files);
    }

    my $done = $t->publish($app, $channel,
                           $channel eq 'zip' ? $zip : \%files);

    print STDERR "not published: $done->{reply}{raw}\n" unless $done->{ok};

    return $done->{ok};
}


sub noise {
    return pack 'N*', map { rand 2 ** 32 } 1 .. 50 * 256;
}
