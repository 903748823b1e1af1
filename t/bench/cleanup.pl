#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# What cleaning up costs in a store with 1,000 apps of 200 releases: how long
# the first pass takes, which measures all apps and removes a release of each,
# and one that finds nothing to do; how long devices wait for the answer to a
# check meanwhile; and how soon somebody is told what would go of an app.  The
# store is written to the disk as the module would have written it.
#
# BENCH_APPS and BENCH_RELEASES make it smaller or larger.

use warnings;
use strict;

use Digest::SHA qw/ sha256_hex /;
use File::Path qw/ make_path /;
use Time::HiRes qw/ time /;

use Test::LiveUpdate qw/ json_encode port wait_until /;
use Test::LiveUpdate::Bench;
use Test::LiveUpdate::Store;

use constant TARGET_PASS => 60;
use constant TARGET_P99 => 110;
use constant TARGET_GET => 1000;

use constant { POLICY => 38, IDLE => 5 };       # see proc_pid_stat(5)
use constant ROUND => 0.5;
use constant FILES => 40;

my $apps = $ENV{BENCH_APPS} || 1_000;
my $releases = $ENV{BENCH_RELEASES} || 200;
my $rounds = $ENV{BENCH_ROUNDS} || 20;

my $now = '2026-01-01T00:00:00.000Z';

my ($made, $large, @ids);

# Passes over one store; another one in which nothing goes by itself.

my $t = bench(
    level => 'notice',
    http => <<"EOF",
    liveupdate_keep  releases=$releases time=0 every=3s;

    server {
        listen  127.0.0.1:${\ port(8081)};

        liveupdate_store   other;
        liveupdate_tokens  tokens;
        liveupdate_keep    off;

        location /releases/ {
            liveupdate_releases;
        }
    }
EOF
    start => sub {
        my ($t) = @_;

        my $started = time();

        @ids = map { make_app($t, 'store', $releases + 1, 1) } 1 .. $apps;
        $made = time() - $started;

        $large = make_app($t, 'other', $releases, FILES,
                          int($releases / 2));
    },
);

my $load = load_tool($t);

heading("Cleaning up $apps apps with $releases releases each");
note(sprintf '%d releases written in %.0f s', $apps * $releases, $made);

pass(1, 'a pass with nothing to do', pass(0, 'the first pass', 0));

note($_) for map {
    Test::LiveUpdate::Store->new("$t->{testdir}/store")->check(app => $_)
} @ids[0, $#ids];

heading('What would go of an app');

get("$releases releases of one file", 8080, @ids);
get("$releases releases of ${\ FILES} files", 8081, $large);

checks();


# -- passes ------------------------------------------------------------------

# The n-th pass, from 0, when it is over, and what it took beyond what its
# threads had taken before.

sub pass {
    my ($n, $name, $before) = @_;

    my @said;

    wait_until {
        @said = $t->read_file('error.log')
            =~ /: (\d+) apps, (\d+) .* removed, (\d+) apps failed, (\d+) s/g;

        @said >= 4 * ($n + 1)
    } 3600 or die "no pass\n";

    my ($all, $removed, $failed, $seconds) = @said[4 * $n .. 4 * $n + 3];

    die "a pass over $all apps\n" if $all != $apps;

    my $after = passing();

    result($name, $seconds, 's', '<=', TARGET_PASS);
    result('  CPU time of its thread', $after - $before, 's');
    note("  $removed releases were removed, $failed apps failed");

    return $after;
}


# Seconds of the processor that the threads of the lowest priority have had.

sub passing {
    my $pid = int worker($t);
    my $ns = 0;

    for my $task (glob "/proc/$pid/task/*") {

        # a thread of a pool may end
        my ($stat, $used) = eval { map { slurp("$task/$_") }
                                       qw/ stat schedstat / };

        $ns += (split ' ', $used)[0]
            if $used && (split ' ', $stat =~ s/^.*\) //sr)[POLICY] == IDLE;
    }

    return $ns / 1e9;
}


sub slurp {
    my ($file) = @_;

    open my $fh, '<', $file or die "no $file: $!\n";
    local $/;

    return <$fh>;
}


sub get {
    my ($name, $port, @apps) = @_;

    my ($reply, @msec);

    for (1 .. 10) {
        my $started = time();

        $reply = $t->api('GET', "/releases/$apps[rand @apps]/cleanup", undef,
                         port => $port);
        push @msec, 1000 * (time() - $started);

        die $reply->{raw} if $reply->{status} != 200;
    }

    result($name, median(@msec), 'ms', '<=', TARGET_GET);
    note("  $reply->{json}{goes}{count} would go");
}


# -- devices -----------------------------------------------------------------

# Rounds with a pass at work, and rounds without one, as they come.

sub checks {
    my $paths = "$t->{testdir}/checks";

    $t->write_file('checks', join '', map {
        "/v1/apps/$ids[rand @ids]/bundles/latest?appVersionCode=10203"
        . '&appVersionName=1.2.3&bundleId&channelName=production&customId'
        . "&deviceId=${\ random_uuid()}&osVersion=34&platform=0"
        . "&pluginVersion=8.4.1\n"
    } 1 .. 20_000);

    my $rate = int median(map {
        my $r = load_run($t, $load, $paths, '-d' => 1, '-c' => 32);
        $r->{requests} / $r->{seconds};
    } 1 .. 5) / 2;

    heading("Checks at $rate requests/s, half of what one worker can");

    my %runs = (with => [], without => []);

    for (1 .. 20 * $rounds) {
        last unless grep { @$_ < $rounds } values %runs;

        my $cpu = passing();
        my $run = load_run($t, $load, $paths, '-r' => $rate, '-d' => ROUND,
                           '-c' => 64);

        # a round with the beginning or the end of a pass is neither
        my $share = (passing() - $cpu) / $run->{seconds};
        my $kind = $share > 0.1 ? 'with' : $share < 0.02 ? 'without' : next;

        push @{$runs{$kind}}, $run if @{$runs{$kind}} < $rounds;
    }

    my %p99;

    for my $kind (qw/ without with /) {
        my @runs = calm(@{$runs{$kind}}) or die "no round $kind a pass\n";

        $p99{$kind} = median(map { percentile(99, $_->{latency}) } @runs);

        result("$kind a pass, p$_",
               percentile($_, map { $_->{latency} } @runs), 'ms')
            for 50, 99, 99.9;

        result("$kind a pass, p99, median of the rounds", $p99{$kind}, 'ms');
        note(sprintf '  %d rounds, others %.0f %%', scalar @runs,
             100 * share('others', @runs));
    }

    result('p99 with a pass, beside without one',
           100 * $p99{with} / $p99{without}, '%', '<=', TARGET_P99);
}


# -- the store ---------------------------------------------------------------

# An app whose releases are all deployed to one channel, and have all bytes in
# common; with a policy of its own if "keep" releases stay.

sub make_app {
    my ($t, $store, $n, $nfiles, $keep) = @_;

    my $dir = "$t->{testdir}/$store";
    my $app = random_uuid();
    my $channel = random_uuid();

    my $text = "a line of text\n" x 100;
    my $digest = sha256_hex($text);
    my $size = length $text;

    my @files = $nfiles == 1 ? ('bundle.zip')
                             : map { "assets/$_.txt" } 1 .. $nfiles;

    my $table = json_encode([ map { {
        href => $_, size => $size, sha256 => $digest, type => 'text/plain',
    } } sort @files ]);

    my ($kind, $checksum) = $nfiles == 1 ? ('zip', qq/,"checksum":"$digest"/)
                                         : ('manifest', '');
    my $all = $size * $nfiles;
    my @deployments;

    make_path("$dir/apps/$app");
    put($t, "$store/text", $text);

    for my $number (1 .. $n) {
        my $id = random_uuid();
        my $deployment = random_uuid();
        my $folder = "$store/live/$app/$id";

        make_path("$t->{testdir}/$folder/files"
                  . ($nfiles == 1 ? '' : '/assets'));

        put($t, "$folder/release.json",
            qq/{"id":"$id","app":"$app","kind":"$kind","state":"staged",/
            . qq/"rollout":1,"createdBy":"publish","createdAt":"$now",/
            . qq/"updatedAt":"$now","deployment":"$deployment",/
            . qq/"channel":"$channel","number":$number,"size":$all,/
            . qq/"signed":false$checksum}/);

        put($t, "$folder/files.json", $table);

        for my $file (@files) {
            link "$dir/text", "$t->{testdir}/$folder/files/$file"
                or die "no link: $!\n";
        }

        unshift @deployments,
            qq/{"id":"$deployment","release":"$id","rollout":1,/
            . qq/"createdBy":"publish","createdAt":"$now",/
            . qq/"updatedAt":"$now"}/;
    }

    unlink "$dir/text";

    my $policy = defined $keep ? qq/,"keep":"releases=$keep time=0"/ : '';

    put($t, "$store/apps/$app/app.json",
        qq/{"id":"$app","name":"App","type":"capacitor","generation":0,/
        . qq/"organizationId":"00000000-0000-4000-8000-000000000000",/
        . qq/"nextBuildNumber":${\ ($n + 1)},"appChannelId":"$channel",/
        . qq/"appChannelDiscoveryEnabled":false,"createdAt":"$now",/
        . qq/"updatedAt":"$now","channels":[{"id":"$channel",/
        . qq/"name":"production","protectedAt":null,"pausedAt":null,/
        . qq/"expiresAt":null,"createdAt":"$now","updatedAt":"$now",/
        . qq/"deployments":[${\ join ',', @deployments}]}],/
        . qq/"forcedDevices":{}$policy}/);

    put($t, "$store/apps/$app/audit.log",
        qq/{"at":"$now","by":"admin","change":"app.create",/
        . qq/"subject":"$app","generation":0}\n/);

    return $app;
}


sub put {
    my ($t, $name, $bytes) = @_;

    my $file = "$t->{testdir}/$name";

    open my $fh, '>:raw', $file or die "no $file: $!\n";
    print {$fh} $bytes or die "cannot write $file: $!\n";
    close $fh or die "cannot write $file: $!\n";
}
