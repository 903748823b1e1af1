package Test::LiveUpdate::Bench;

# Copyright (C) the nginx-liveupdate authors

# What the benchmarks in t/bench share.  The reference configuration runs with
# one worker, which has a core to itself; the load comes from another one.
# Two things are compared in one run, in short rounds that take turns, so that
# whatever else the machine does is done to both, and rounds in which it does
# much on the worker's core do not count if there are enough of others.  A
# benchmark is no test: a target that is missed is printed and nothing else.
#
# Environment:
#
# BENCH_ROUNDS       rounds of each comparison, 20 or 40 if not set
# BENCH_SECONDS      length of a round, 1 if not set
# BENCH_CONNECTIONS  of wrk, 32 if not set
# BENCH_CASES        run those of which the name matches this, all if not set

use warnings;
use strict;

use Exporter qw/ import /;

use List::Util qw/ max min sum sum0 /;
use POSIX ();
use Time::HiRes qw/ time /;

use Test::LiveUpdate;

our @EXPORT = qw/
    bench calm compare cpu_seconds heading load_run load_tool median memory note
    pair percentile random_uuid result share wanted wrk wrk_script worker
/;

our $ROUNDS = $ENV{BENCH_ROUNDS} || 20;
our $SECONDS = $ENV{BENCH_SECONDS} || 1;
our $CONNECTIONS = $ENV{BENCH_CONNECTIONS} || 32;

use constant SERVER_CORE => 0;
use constant LOAD_CORE => 1;
use constant WIDTH => 44;

# what others may take of the worker's core, and how many such rounds there
# must be

use constant CALM => 0.1;
use constant ENOUGH => 3;

my $ticks = POSIX::sysconf(POSIX::_SC_CLK_TCK());


# nginx with the reference configuration: one worker, no access log.  Options:
# main, http and server are more directives for these contexts; zone is the
# size of the zone; log leaves the access log on; port is another one than 8080;
# module is another file; free leaves all cores to all threads; start is called
# with the object before nginx starts; level is that of the error log.

sub bench {
    my (%opt) = @_;

    local $ENV{TEST_NGINX_WORKERS} = 1;
    local $Test::LiveUpdate::MODULE = $opt{module}
        // $Test::LiveUpdate::MODULE;

    $| = 1;

    my $level = $opt{level} // 'warn';
    my $pin = (cores() > 1 && !$opt{free});

    # what is started from here on inherits it; the worker has its own
    system("taskset -cp ${\ LOAD_CORE} $$ >/dev/null 2>&1") if $pin;

    my $t = Test::LiveUpdate->new();

    $opt{start}->($t) if $opt{start};

    $t->config_reference(sub {
        my ($name) = @_;

        return if $name ne 'nginx.conf';

        my $listen = '127.0.0.1:' . port($opt{port} // 8080);
        my $main = $opt{main} // '';
        my $http = $opt{http} // '';
        my $server = $opt{server} // '';

        $main .= "worker_cpu_affinity  01;\n" if $pin;

        s/^(worker_processes .*\n)/$1$main/m;
        s/^error_log .*/error_log  $t->{testdir}\/error.log  $level;/m;
        s/^ *access_log .*/    access_log  off;/m unless $opt{log};
        s/^( *liveupdate_zone .*:)\w+;/$1$opt{zone};/m if $opt{zone};
        s/^( *listen) .*/$1  $listen;/m if $opt{port};
        s/^( *server_name .*\n)/$1$server/m;
        s/^( *server \{\n)/$http\n$1/m;
    });

    return $t->run();
}


sub cores {
    chomp(my $cores = `nproc --all 2>/dev/null` || 1);

    return $cores;
}


sub wanted {
    my ($name) = @_;

    return $name =~ /$ENV{BENCH_CASES}/i if $ENV{BENCH_CASES};
    return 1;
}


sub worker {
    my ($t) = @_;

    my ($pid) = $t->workers();

    return $pid // die "there is no worker\n";
}


# Of all threads of the process.  The scheduler counts nanoseconds, the other
# file has ticks.

sub cpu_seconds {
    my ($pid) = @_;

    my $ns = 0;

    for my $file (glob "/proc/$pid/task/*/schedstat") {
        open my $fh, '<', $file or next;
        $ns += (split ' ', <$fh> // 0)[0];
    }

    return $ns / 1e9 if $ns;

    open my $fh, '<', "/proc/$pid/stat" or die "no /proc/$pid/stat: $!\n";

    my @stat = split ' ', <$fh> =~ s/^.*\) //sr;

    return ($stat[11] + $stat[12]) / $ticks;
}


# How long the process had to wait for its core, without its other threads.

sub delay_seconds {
    my ($pid) = @_;

    open my $fh, '<', "/proc/$pid/schedstat" or return 0;

    return ((split ' ', <$fh> // '')[1] // 0) / 1e9;
}


# Of whatever runs on the worker's core.

sub core_seconds {
    my $core = SERVER_CORE;

    open my $fh, '<', '/proc/stat' or die "no /proc/stat: $!\n";

    while (my $line = <$fh>) {
        my ($name, @times) = split ' ', $line;

        # without the times in which the core was idle or waited for a disk
        return sum(@times[0 .. 2, 5 .. 7]) / $ticks if $name eq "cpu$core";
    }

    return 0;
}


# In megabytes and without the zone: what is resident, and that with no more
# than a part of what is shared with other processes.

sub memory {
    my ($pid) = @_;

    my %kb;

    open my $fh, '<', "/proc/$pid/status" or die "no /proc/$pid: $!\n";

    while (my $line = <$fh>) {
        $kb{$1} = $2 if $line =~ /^(VmRSS|RssShmem):\s+(\d+) kB/;
    }

    open $fh, '<', "/proc/$pid/smaps_rollup"
        or die "no /proc/$pid/smaps_rollup: $!\n";

    while (my $line = <$fh>) {
        $kb{$1} = $2 if $line =~ /^(Pss|Pss_Shmem):\s+(\d+) kB/;
    }

    return {
        rss => ($kb{VmRSS} - ($kb{RssShmem} // 0)) / 1024,
        pss => (($kb{Pss} // 0) - ($kb{Pss_Shmem} // 0)) / 1024,
    };
}


# -- load --------------------------------------------------------------------

# A script for wrk that asks for the paths again and again.  All requests are
# made beforehand: the load must not be what is slow.

sub wrk_script {
    my ($t, $name, @paths) = @_;

    $t->write_file("$name.paths", join '', map { "$_\n" } @paths);

    my $file = "$t->{testdir}/$name.paths";

    $t->write_file("$name.lua", <<"EOF");
local requests, n, i = {}, 0, 0

function init(args)
    for path in io.lines("$file") do
        n = n + 1
        requests[n] = wrk.format("GET", path)
    end
end

function request()
    i = i % n + 1
    return requests[i]
end

function done(summary, latency, requests)
    local errors = summary.errors

    io.write(string.format("bench %d %d %d %d\\n", summary.requests,
        summary.duration, errors.status,
        errors.connect + errors.read + errors.write + errors.timeout))
end
EOF

    return "$t->{testdir}/$name.lua";
}


# One round: requests, seconds, and the CPU time of the worker.  Options: port,
# connections, seconds, headers ("Name: value", sent with each request), errors
# (replies may be some).

sub wrk {
    my ($t, $script, %opt) = @_;

    my $url = 'http://127.0.0.1:' . port($opt{port} // 8080);
    my $pid = worker($t);

    my $seconds = $opt{seconds} // $SECONDS;
    my $connections = $opt{connections} // $CONNECTIONS;
    my $headers = join '', map { " -H '$_'" } @{$opt{headers} || []};
    my $core = core_seconds();
    my $cpu = cpu_seconds($pid);

    my $command = "wrk -t1 -c$connections -d${seconds}s"
                  . " -s '$script'$headers $url";

    my $said = `$command 2>&1`;

    $cpu = cpu_seconds($pid) - $cpu;
    $core = core_seconds() - $core;

    my ($requests, $duration, $status, $failed)
        = $said =~ /^bench (\d+) (\d+) (\d+) (\d+)$/m
        or die "wrk failed:\n$said\n";

    die "$failed requests failed\n" if $failed;

    die "$status of $requests replies were errors\n"
        if $status && !$opt{errors};

    return {
        requests => $requests,
        seconds => $duration / 1e6,
        cpu => $cpu,
        others => max(0, $core - $cpu),
    };
}


# Rounds of ours and theirs, two functions, that take turns.  The ratios are of
# theirs to ours: how much of its speed we have.

sub compare {
    my ($ours, $theirs, %opt) = @_;

    my (@a, @b);

    $ours->();
    $theirs->();

    for my $round (1 .. $opt{rounds} // $ROUNDS) {

        # first one, then the other is first
        if ($round % 2) {
            push @a, $ours->();
            push @b, $theirs->();

        } else {
            push @b, $theirs->();
            push @a, $ours->();
        }
    }

    my @calm = calm(map { [ $a[$_], $b[$_] ] } 0 .. $#a);

    my @ours = map { $_->[0] } @calm;
    my @theirs = map { $_->[1] } @calm;

    return {
        rounds => scalar @calm,
        ratios => [ map { rate($_->[0]) / rate($_->[1]) } @calm ],
        cpu_ratios => [ map { cpu($_->[1]) / cpu($_->[0]) } @calm ],
        rate => [ map { median(map { rate($_) } @$_) } \@ours, \@theirs ],
        cpu => [ map { median(map { cpu($_) } @$_) } \@ours, \@theirs ],
        busy => [ map { share('cpu', @$_) } \@ours, \@theirs ],
        others => share('others', @ours, @theirs),
    };
}


# The rounds, or groups of rounds, in which others left the core alone; all if
# there are too few of them.

sub calm {
    my @rounds = @_;

    my @calm = grep {
        share('others', ref $_ eq 'ARRAY' ? @$_ : $_) <= CALM
    } @rounds;

    return @calm >= ENOUGH ? @calm : @rounds;
}


sub share {
    my ($name, @rounds) = @_;

    return sum(map { $_->{$name} } @rounds)
           / sum(map { $_->{seconds} } @rounds);
}


sub rate {
    my ($round) = @_;

    return $round->{requests} / $round->{seconds};
}


# Microseconds of the worker's CPU time for one request.

sub cpu {
    my ($round) = @_;

    return 1e6 * $round->{cpu} / max(1, $round->{requests});
}


sub median {
    my (@sorted) = sort { $a <=> $b } @_;

    return ($sorted[$#sorted / 2] + $sorted[@sorted / 2]) / 2;
}


# The load generator for what wrk cannot do, see load.c.

sub load_tool {
    my ($t) = @_;

    my $tool = "$t->{testdir}/load";
    my $cc = $ENV{CC} || 'cc';

    system("$cc -O2 -o '$tool' '$Test::LiveUpdate::ROOT/t/bench/load.c'") == 0
        or die "load.c does not compile\n";

    return $tool;
}


# One run of it: {requests, seconds, errors, latency, late}, the latter two
# microseconds => count; {cpu, delay} of the worker, {others} on its core.

sub load_run {
    my ($t, $tool, $paths, %opt) = @_;

    my $port = port(delete $opt{port} // 8080);
    my @command = ($tool, %opt, $port, $paths);

    # so that whatever else is on its core does not count as slowness of nginx
    unshift @command, qw/ chrt -f 1 /
        if system('chrt -f 1 true >/dev/null 2>&1') == 0;

    my $pid = worker($t);
    my $core = core_seconds();
    my $cpu = cpu_seconds($pid);
    my $delay = delay_seconds($pid);

    my $said = `@command 2>&1`;

    $cpu = cpu_seconds($pid) - $cpu;
    $core = core_seconds() - $core;
    $delay = delay_seconds($pid) - $delay;

    die "load failed:\n$said\n" if $?;

    my ($first, @histograms) = split /\n/, $said;
    my %r = (cpu => $cpu, others => max(0, $core - $cpu), delay => $delay);

    @r{qw/ requests seconds errors /} = split ' ', $first;

    for my $line (@histograms) {
        my ($name, @counts) = split ' ', $line;
        $r{$name} = { map { split /:/ } @counts };
    }

    return \%r;
}


# percentile(99.9, $histogram, ...): in milliseconds, over all of them.

sub percentile {
    my ($percent, @histograms) = @_;

    my %counts;

    for my $histogram (@histograms) {
        $counts{$_} += $histogram->{$_} for keys %$histogram;
    }

    my $left = $percent / 100 * sum0(values %counts);
    my $at = 0;

    for my $us (sort { $a <=> $b } keys %counts) {
        $at = $us;
        $left -= $counts{$us};
        last if $left <= 0;
    }

    return $at / 1000;
}


sub random_uuid {
    return sprintf '%08x-%04x-4%03x-a%03x-%04x%08x', rand 2 ** 32,
        rand 2 ** 16, rand 2 ** 12, rand 2 ** 12, rand 2 ** 16, rand 2 ** 32;
}


# -- what is printed ---------------------------------------------------------

sub heading {
    my ($text) = @_;

    print "\n$text\n";
}


sub note {
    my ($text) = @_;

    print "  $text\n";
}


# A comparison: the ratio of the rates, and that of the CPU time per request,
# which depends less on what else runs on the machine.

sub pair {
    my ($name, $c, $target) = @_;

    result($name, 100 * median(@{$c->{ratios}}), '%', '>=', $target);

    note(sprintf '  %d rounds, %.0f to %.0f %%, %.0f and %.0f requests/s, '
                 . 'worker busy %.0f and %.0f %%, others %.0f %%',
         $c->{rounds},
         100 * min(@{$c->{ratios}}), 100 * max(@{$c->{ratios}}),
         @{$c->{rate}}, map { 100 * $_ } @{$c->{busy}}, $c->{others});

    result('  by CPU time per request', 100 * median(@{$c->{cpu_ratios}}),
           '%', '>=', $target);

    note(sprintf '  %.0f to %.0f %%, %.2f and %.2f us',
         100 * min(@{$c->{cpu_ratios}}), 100 * max(@{$c->{cpu_ratios}}),
         @{$c->{cpu}});
}


# result($name, $value, $unit, '>=' or '<=', $target); without a target it is
# only told.

sub result {
    my ($name, $value, $unit, $relation, $target) = @_;

    my $line = sprintf '  %-*s %8.1f %s', WIDTH, $name, $value, $unit;

    if (defined $target) {
        my $ok = $relation eq '>=' ? $value >= $target : $value <= $target;

        $line .= sprintf '   target %s %s %s: %s', $relation, $target, $unit,
                         $ok ? 'ok' : 'missed';
    }

    print "$line\n";
}


1;
