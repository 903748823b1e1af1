#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# How long devices wait for the answer to a check, at half of the rate that
# one worker can do, without and with publishes to the same worker: one
# publisher of zips, one of manifest bundles, each without a pause.  And how
# long they wait for the same answer from "return": what both wait for is the
# worker or the machine, and not the check.

use warnings;
use strict;

use List::Util qw/ sum0 /;
use POSIX ();

use Test::LiveUpdate qw/ zip /;
use Test::LiveUpdate::Bench;

use constant TARGET => 5;
use constant ROUND => 0.5;

my $t = bench(server => "        include  bench*.conf;\n");
my $load = load_tool($t);
my $rounds = $ENV{BENCH_ROUNDS} || 20;

my $app = $t->create_app('bench');
my @paths;

for my $channel (qw/ zip manifest /) {
    $t->create_channel($app, $channel);
    publish($channel) or die "not published\n";

    push @paths, map { check($channel, random_uuid()) } 1 .. 1_000;
}

my $reply = $t->api('GET', $paths[0], undef, token => undef);

$t->write_file('bench.conf', <<"EOF");
location ^~ /v2/ {
    default_type  application/json;
    add_header    Cache-Control  no-store  always;
    return        $reply->{status}  '$reply->{body}';
}
EOF

$t->reload();

my %paths = (check => \@paths, return => [ map { s{^/v1/}{/v2/}r } @paths ]);

$t->write_file($_, join '', map { "$_\n" } @{$paths{$_}}) for keys %paths;

my $rate = int median(map {
    my $r = load_run($t, $load, "$t->{testdir}/check", '-d' => 1,
                     '-c' => 32);
    $r->{requests} / $r->{seconds};
} 1 .. 5) / 2;

heading("Latency of checks at $rate requests/s, half of what one worker can");

my (%runs, $published);

for my $round (1 .. $rounds) {

    # first one, then the other is first
    my @order = $round % 2 ? qw/ check return / : qw/ return check /;

    push @{$runs{"$_ without"}}, run($_) for @order;

    my @publishers = map { publisher($_) } qw/ zip manifest /;

    # the first of them is on its way
    select undef, undef, undef, 0.2;

    push @{$runs{"$_ with"}}, run($_) for @order;

    $published += sum0(map { stop($_) } @publishers);
}

for my $when (qw/ without with /) {
    my @pairs = calm(map {
        [ $runs{"check $when"}[$_], $runs{"return $when"}[$_] ]
    } 0 .. $rounds - 1);

    my @check = map { $_->[0] } @pairs;
    my @return = map { $_->[1] } @pairs;

    print "\n";
    note("$when publishes" . ($when eq 'with'
        ? sprintf ', %.0f a second', $published / $rounds / 2 / ROUND : ''));

    latency('a check', TARGET, @check);
    latency('"return"', undef, @return);

    result('  p99.9, a check beside "return"',
           100 * median(map { p999($_->[0]) / p999($_->[1]) } @pairs), '%');
    result('  p99.9 of how late the load itself was',
           percentile(99.9, map { $_->{late} } @check, @return), 'ms');

    note(sprintf '  %d rounds, worker busy %.0f %%, others %.0f %%, '
                 . 'it waited for its core %.1f %% of the time',
         scalar @pairs,
         map { 100 * share($_, @check, @return) } qw/ cpu others delay /);

    my $errors = sum0(map { $_->{errors} } @check, @return);

    note("  $errors errors") if $errors;
}


sub run {
    my ($name) = @_;

    return load_run($t, $load, "$t->{testdir}/$name", '-r' => $rate,
                    '-d' => ROUND, '-c' => 64);
}


sub latency {
    my ($name, $target, @runs) = @_;

    my @latency = map { $_->{latency} } @runs;

    result("  $name, p$_", percentile($_, @latency), 'ms') for 50, 99;
    result("  $name, p99.9", percentile(99.9, @latency), 'ms', '<=', $target);
    result("  $name, p99.9, median of the rounds",
           median(map { p999($_) } @runs), 'ms', '<=', $target);
    result("  $name, max", percentile(100, @latency), 'ms');
}


sub p999 {
    my ($run) = @_;

    return percentile(99.9, $run->{latency});
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
