#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# A release of 40 files, as electron-builder makes and publishes it, from three
# jobs at once: how fast it is staged, beside sha512sum of the same files; how
# much memory the only worker takes; and how long the feed waits meanwhile, at
# a low rate, beside a time of quiet before and afterwards.
#
# It is published with blockmaps, without any, and without any while the server
# makes them.  All files are in the page cache, for both.  The store lies below
# TMPDIR, and takes twice the size of the release.
#
# BENCH_SIZE     megabytes of the release, 4096 if not set
# BENCH_BUILDER  the version of electron-builder that publishes, 26 if not set
# BENCH_RATE     requests of the feed in a second, 200 if not set
# BENCH_LINE     megabits a second of the line from those who publish, which is
#                in a network namespace of theirs, 1000 if not set; 0: there is
#                no line, they use the machine's own address
# BENCH_ALONE    if set, the event loop comes before all that the machine does
#                otherwise, so that it only waits for itself and for disks

use warnings;
use strict;

use File::Basename qw/ basename /;
use File::Path qw/ make_path remove_tree /;
use File::Temp qw/ tempdir /;
use List::Util qw/ sum0 /;
use POSIX qw/ WNOHANG /;
use Time::HiRes qw/ time /;

use Test::LiveUpdate qw/ json_encode port /;
use Test::LiveUpdate::Bench;

use constant SPEED => 0.8;
use constant MEMORY => 40;
use constant TWICE => 2;
use constant CONTROL => 10;         # seconds of quiet
use constant SHORTEST => 5;         # seconds of anything else
use constant { HERE => '10.255.86.1', THERE => '10.255.86.2' };

my $CLIENTS = "$Test::LiveUpdate::ROOT/t/clients";

my @targets = qw/ nsis mac appimage deb rpm /;
my @archs = qw/ x64 arm64 armv7l ia32 /;
my @channels = qw/ latest beta /;

my $size = $ENV{BENCH_SIZE} || 4096;
my $builder = $ENV{BENCH_BUILDER} || 26;
my $rate = $ENV{BENCH_RATE} || 200;
my $rounds = $ENV{BENCH_ROUNDS} || 3;
my $line = $ENV{BENCH_LINE} // 1000;
my $space = "publish-$$";

my $made = tempdir('release-XXXXXX', TMPDIR => 1, CLEANUP => 1);

my ($t, $load, $dir);

my %cases = (
    'with blockmaps' => [ 'dist' ],
    'without blockmaps' => [ 'plain' ],
    'blockmaps made' => [ 'plain', "        liveupdate_blockmaps  on;\n" ],
);

make();
lay() if $line;

measure($_, @{$cases{$_}}) for grep { wanted($_) } reverse sort keys %cases;


sub measure {
    my ($name, $dist, $server) = @_;

    prepare($server);

    my @files = glob "'$made/$dist'/*";

    heading(sprintf '%s: %d files, %d MB', ucfirst $name, scalar @files,
            sum0(map { -s } @files) >> 20);

    my %feed = (quiet => [ load(CONTROL) ]);

    $feed{published} = during('published', sub { publish($dist) });

    speed();

    push @{$feed{quiet}}, load(CONTROL);

    $feed{staged} = during('staged', sub { call('1.0.0', 'stage') });
    $feed{promoted} = during('promoted', sub { call('1.0.0', 'promote') });

    push @{$feed{quiet}}, load(CONTROL);

    latency(%feed);

    print "\n";
    result('memory of the worker, peak', peak(worker($t)), 'MB', '<=', MEMORY);
}


# It is staged again and again: what was uploaded is kept as hard links.

sub speed {
    my $release = "$dir/store/staging/shop/1.0.0";
    my $kept = "$dir/kept";

    run(qw/ cp -al /, "$release/uploads", $kept);

    my (@ours, @theirs, @cpu);

    for my $round (1 .. $rounds) {

        # what was written before is not to be waited for

        run('sync');

        for my $one ($round % 2 ? qw/ ours theirs / : qw/ theirs ours /) {
            my $start = time;
            my $cpu = spent();

            if ($one eq 'ours') {
                call('1.0.0', 'stage');
                push @ours, time - $start;

            } else {
                run('sh', '-c', 'sha512sum "$0"/* > /dev/null', $kept);
                push @theirs, time - $start;
            }

            push @{$cpu[$round]}, spent() - $cpu;
        }

        call('1.0.0', 'reject', reason => 'measured');
        remove_tree($release);
        make_path($release);
        run(qw/ cp -al /, $kept, "$release/uploads");
    }

    note(sprintf 'staged in %.2f s, sha512sum %.2f s, median of %d rounds',
         median(@ours), median(@theirs), $rounds);
    result('speed beside sha512sum',
           median(map { $theirs[$_] / $ours[$_] } 0 .. $#ours), '', '>=',
           SPEED);
    result('  by CPU time',
           median(map { $_ % 2 ? $cpu[$_][1] / $cpu[$_][0]
                               : $cpu[$_][0] / $cpu[$_][1] } 1 .. $rounds), '');

    remove_tree($kept);
}


# CPU time of the worker, with that of threads that have ended, and of children.

sub spent {
    my (undef, undef, $user, $system) = times;

    open my $fh, '<', "/proc/${\ worker($t)}/stat" or die "no worker: $!\n";

    my @stat = split ' ', <$fh> =~ s/^.*\) //sr;

    return $user + $system
           + ($stat[11] + $stat[12]) / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}


# What is done in another process, while the feed is asked.

sub during {
    my ($what, $work) = @_;

    my $start = time;
    my $pid = fork // die "fork: $!\n";

    if (!$pid) {
        $work->();
        POSIX::_exit(0);
    }

    my (@runs, $end);

    do {
        push @runs, load(1);

        if (!$end && waitpid $pid, WNOHANG) {
            die "not $what\n" if $?;
            $end = time;
        }
    } until ($end && @runs >= SHORTEST);

    note(sprintf '%s within %.0f s', $what, $end - $start);

    return \@runs;
}


sub latency {
    my (%feed) = @_;

    my %p99;

    for my $when (qw/ quiet published staged promoted /) {
        my @latency = map { $_->{latency} } @{$feed{$when}};
        my @late = map { $_->{late} } @{$feed{$when}};
        my $errors = sum0(map { $_->{errors} } @{$feed{$when}});
        my $delay = sum0(map { $_->{delay} } @{$feed{$when}})
                    / sum0(map { $_->{seconds} } @{$feed{$when}});

        $p99{$when} = percentile(99, @latency);

        result("feed, $when: p50", percentile(50, @latency), 'ms');
        result('  p99', $p99{$when}, 'ms');
        result('  p99 of how late the load itself was',
               percentile(99, @late), 'ms');
        result('  the worker waited for a core', 100 * $delay,
               '% of the time');
        note("  $errors errors") if $errors;
    }

    print "\n";

    result("p99 while it is $_, to p99 in quiet", $p99{$_} / $p99{quiet}, '',
           '<=', TWICE)
        for qw/ published staged promoted /;
}


# In so many seconds; one run.

sub load {
    my ($seconds) = @_;

    return load_run($t, $load, "$dir/asked", '-r' => $rate, '-d' => $seconds,
                    '-c' => 16);
}


# -- the release -------------------------------------------------------------

# What electron-builder leaves in "dist", and the same without blockmaps.

sub make {
    my $each = int $size * 2 ** 20 / (@targets * @archs);

    node('builder', { dir => "$made/dist", version => '1.0.0', id => '1.0.0',
                      n => 1, edits => 1, size => $each, targets => \@targets,
                      archs => \@archs, channels => \@channels });

    make_path("$made/plain");

    for my $file (glob "'$made/dist'/*") {
        my $to = "$made/plain/" . basename($file);

        next if $file =~ /\.blockmap$/;

        if ($file =~ /\.yml$/) {
            run('sh', '-c', 'grep -v blockMapSize "$0" > "$1"', $file, $to);

        } else {
            link $file, $to or die "link: $!\n";
        }
    }
}


# Three machines upload at once.

sub publish {
    my ($dist) = @_;

    my %jobs;

    for my $file (glob "'$made/$dist'/*") {
        my $name = basename($file);
        my $system = $name =~ /\.exe|^(?:latest|beta)\.yml$/ ? 'windows'
                   : $name =~ /-mac/ ? 'mac'
                   : 'linux';

        $jobs{$system} = "$made/jobs/$dist/$system";

        make_path($jobs{$system});
        link $file, "$jobs{$system}/$name" or die "link: $!\n";
    }

    my $said = node('publish', map {
        { builder => int $builder, dir => $jobs{$_}, bucket => 'shop',
          endpoint => 'http://' . address(), path => '1.0.0' }
    } sort keys %jobs);

    my ($error) = $said =~ /"error":(".+?")/;

    die "not published: $error\n" if $error;

    remove_tree("$made/jobs");
}


# Who publishes has a machine of their own: here all others come first.

sub node {
    my ($script, @jobs) = @_;

    open my $fh, '>', "$made/jobs.json" or die "no jobs: $!\n";
    print {$fh} json_encode(\@jobs);
    close $fh;

    my $there = $script eq 'publish' ? 'chrt -i 0' : '';

    $there = "ip netns exec $space $there" if $there && $line;

    my $node = "$there node --no-warnings '$CLIENTS/$script.js'";
    my $said = `$node < '$made/jobs.json'`;

    die "$script.js failed\n" if $?;

    return $said;
}


# -- the line ----------------------------------------------------------------

sub lay {
    my ($near, $far) = map { "$_$$" } qw/ near far /;

    run('ip', 'netns', 'add', $space);
    run('ip', 'link', 'add', $near, 'type', 'veth', 'peer', 'name', $far,
        'netns', $space);
    run('ip', 'addr', 'add', HERE . '/30', 'dev', $near);
    run('ip', 'link', 'set', $near, 'up');

    my @there = ('ip', 'netns', 'exec', $space);

    run(@there, 'ip', 'addr', 'add', THERE . '/30', 'dev', $far);
    run(@there, 'ip', 'link', 'set', $far, 'up');
    run(@there, qw/ tc qdisc add dev /, $far, qw/ root tbf rate /,
        "${line}mbit", qw/ burst 256k latency 20ms /);
}


sub address {
    return ($line ? HERE : '127.0.0.1') . ':' . port(8080);
}


# -- the server --------------------------------------------------------------

# nginx, with a release that updaters get.

sub prepare {
    my ($server) = @_;

    undef $t;

    local $ENV{APPROVAL} = 'on';

    $server .= "        listen  ${\ address()};\n" if $line;

    $t = bench(free => 1, server => $server);
    $dir = $t->{testdir};
    $load = load_tool($t);

    run(qw/ chrt -f -p 1 /, worker($t)) if $ENV{BENCH_ALONE};

    for my $line (split /\n/, $t->read_file('key.publish')) {
        my ($name, $value) = split /=/, $line;
        $ENV{$name} = $value;
    }

    $t->api('POST', '/v1/apps', { id => 'shop', name => 'Shop',
                                  type => 'electron' }, token => 'admin');

    my $uploads = "$dir/store/staging/shop/0.9.0/uploads";

    node('builder', { dir => $uploads, version => '0.9.0', id => '0.9.0',
                      n => 1, edits => 1, size => 10_000,
                      targets => \@targets });

    call('0.9.0', 'stage');
    call('0.9.0', 'promote');

    $t->write_file('asked', join '', map { "/desktop/shop/$_\n" }
                   qw/ latest.yml latest-mac.yml latest-linux.yml /);
}


sub call {
    my ($id, $what, %body) = @_;

    my $reply = $t->api('POST', "/releases/shop/$id/$what", \%body,
                        token => 'admin', timeout => 600);

    die "$what: $reply->{raw}\n" if $reply->{status} >= 300;
}


# In megabytes, with the zone.

sub peak {
    my ($pid) = @_;

    open my $fh, '<', "/proc/$pid/status" or die "no /proc/$pid: $!\n";

    my ($kb) = map { /^VmHWM:\s+(\d+)/ ? $1 : () } <$fh>;

    return $kb / 1024;
}


sub run {
    my (@command) = @_;

    system(@command) == 0 or die "$command[0] failed\n";
}


END {
    system('ip', 'netns', 'del', $space) if $line && -e "/run/netns/$space";
}
