#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# A build is fetched and staged: how fast, beside curl -O of the same files and
# sha512sum; and how long devices and desktop apps wait meanwhile, at half of
# the rate that one worker can do.
#
# BENCH_SIZE is the size of the build in megabytes.

use warnings;
use strict;

use Digest::SHA;
use File::Path qw/ make_path remove_tree /;
use List::Util qw/ sum0 /;
use Time::HiRes qw/ sleep time /;

use Test::LiveUpdate qw/ port zip /;
use Test::LiveUpdate::Bench;

use constant SPEED => 0.80;
use constant TWICE => 2;
use constant FILES => 4;
use constant MB => 1024 * 1024;

my $size = $ENV{BENCH_SIZE} || 2048;
my $rounds = $ENV{BENCH_ROUNDS} || 3;
my $app = 'bench';
my ($t, $builds, $origin, $number);

latency() if wanted('latency');
speed() if wanted('speed');


sub speed {
    prepare(free => 1);

    heading("Staging of $size MB in ${\ FILES } files, beside curl and"
            . ' sha512sum');

    my (@ours, @theirs);

    for my $round (1 .. $rounds) {
        my $id = build($size);

        for my $one ($round % 2 ? qw/ ours theirs / : qw/ theirs ours /) {

            # what was written before is not to be waited for

            system 'sync';

            my $start = time;

            if ($one eq 'ours') {
                fetch($id);
                staged($id);
                push @ours, time - $start;

            } else {
                by_hand($id);
                push @theirs, time - $start;
                remove_tree("$t->{testdir}/by-hand");
            }
        }

        forget($id);
    }

    note(sprintf 'ours %.2f s, theirs %.2f s, median of %d rounds',
         median(@ours), median(@theirs), $rounds);
    result('speed, ratio',
           median(map { $theirs[$_] / $ours[$_] } 0 .. $#ours), '', '>=',
           SPEED);
}


sub by_hand {
    my ($id) = @_;

    my $dir = "$t->{testdir}/by-hand";

    make_path($dir);

    for my $name (names($id)) {
        system("cd '$dir' && curl -sO 'http://127.0.0.1:$origin/$app/$name'"
               . " && sha512sum '$name' >/dev/null") == 0
            or die "curl failed\n";
    }
}


sub latency {
    prepare();

    my $load = load_tool($t);
    my $first = build(1);

    fetch($first);
    staged($first);
    promote($first);

    $t->write_file('asked', join '', map { "$_\n" }
        (map { check() } 1 .. 500), ("/desktop/$app/latest.yml") x 500);

    my $asked = "$t->{testdir}/asked";

    my $rate = int median(map {
        my $r = load_run($t, $load, $asked, '-d' => 1, '-c' => 32);
        $r->{requests} / $r->{seconds};
    } 1 .. 5) / 2;

    heading("Latency at $rate requests/s, half checks, half manifests, while"
            . " $size MB are staged");

    my %runs;

    for my $round (1 .. $rounds) {
        my $id = build($size);

        system 'sync';

        push @{$runs{without}}, map { run($load, $asked, $rate) } 1 .. 3;

        fetch($id);

        # every second of it, as long as it lasts

        do {
            push @{$runs{with}}, run($load, $asked, $rate);
        } until (release_state($id) eq 'staged');

        forget($id);
    }

    my %p99;

    for my $name (qw/ without with /) {
        my @runs = @{$runs{$name}};
        my @latency = map { $_->{latency} } @runs;
        my $errors = sum0(map { $_->{errors} } @runs);

        $p99{$name} = percentile(99, @latency);

        print "\n";
        note(sprintf '%s staging, %d s', $name, scalar @runs);
        result("  p$_", percentile($_, @latency), 'ms') for 50, 99, 99.9;
        result('  p99 of how late the load itself was',
               percentile(99, map { $_->{late} } @runs), 'ms');
        note("  $errors errors") if $errors;
    }

    print "\n";
    result('p99 with staging to p99 without', $p99{with} / $p99{without}, '',
           '<=', TWICE);
}


sub run {
    my ($load, $asked, $rate) = @_;

    return load_run($t, $load, $asked, '-r' => $rate, '-d' => 1, '-c' => 64);
}


sub check {
    return "/v1/apps/$app/bundles/latest?appVersionCode=10203"
           . '&appVersionName=1.2.3&bundleId&channelName=production'
           . '&customId&deviceId=' . random_uuid()
           . '&osVersion=34&platform=0&pluginVersion=8.4.1';
}


# nginx, and another one that is the origin.

sub prepare {
    my (%opt) = @_;

    undef $t;

    $origin = port(8081);

    local $ENV{ORIGIN} = "http://127.0.0.1:$origin";
    local $ENV{APPROVAL} = 'on';

    $t = bench(%opt);
    $builds = "$t->{testdir}/origin";

    make_path("$builds/$app");

    $t->write_file('origin.conf', <<"EOF");
daemon  off;
pid  $t->{testdir}/origin.pid;
error_log  $t->{testdir}/origin.log;
user  ${\ scalar getpwuid $> };

events {
}

http {
    access_log  off;
    sendfile    on;

    server {
        listen  127.0.0.1:$origin;
        root    $builds;
    }
}
EOF

    my @command = ('nginx', '-e', "$t->{testdir}/origin.log", '-p',
                   $t->{testdir}, '-c', "$t->{testdir}/origin.conf");

    $t->run_daemon(sub { exec @command or die "no nginx: $!\n" });
    $t->waitforsocket("127.0.0.1:$origin") or die "no origin\n";

    $t->api('POST', '/v1/apps', { id => $app, name => 'Bench' },
            token => 'admin');
    $t->create_channel($app, 'production');
    $t->publish($app, 'production', zip('index.html' => '<!DOCTYPE html>'));

    my $staged = $t->api('GET', "/releases/$app?state=staged")->{json};

    promote($staged->[0]{id});
}


sub build {
    my ($mb) = @_;

    my $id = 'b' . ++$number;
    my $yaml = "version: 1.0.$number\nfiles:\n";
    my $piece = join '', map { pack 'N', rand 2 ** 32 } 1 .. MB / 4;

    for my $name (names($id)) {
        my $file = "$builds/$app/$name";
        my $sha512 = Digest::SHA->new(512);

        open my $fh, '>', $file or die "cannot write $file: $!\n";

        for my $n (1 .. $mb / FILES || 1) {
            substr($piece, 0, 4) = pack 'N', $n;

            print {$fh} $piece;
            $sha512->add($piece);
        }

        close $fh or die "cannot write $file: $!\n";

        $yaml .= "  - url: $name\n    sha512: " . $sha512->b64digest()
                 . "==\n    size: " . (-s $file) . "\n";
    }

    my %manifests = (
        "latest-build-$id.yml" => $yaml,
        "td-latest-build-$id.json" =>
            "{\"version\":\"1.0.$number\",\"artifacts\":{}}",
    );

    for my $name (keys %manifests) {
        open my $fh, '>', "$builds/$app/$name" or die "no manifest: $!\n";
        print {$fh} $manifests{$name};
        close $fh;
    }

    return $id;
}


sub names {
    my ($id) = @_;

    return map { "app-$id-$_.exe" } 1 .. FILES;
}


sub forget {
    my ($id) = @_;

    $t->api('POST', "/releases/$app/$id/reject", { reason => 'measured' },
            token => 'approve');
    remove_tree("$t->{testdir}/store/staging/$app/$id");
    unlink map { "$builds/$app/$_" } names($id);
}


sub fetch {
    my ($id) = @_;

    my $reply = $t->api('POST', "/releases/$app/$id/fetch", {});

    die "not fetched: $reply->{raw}\n" if $reply->{status} != 202;
}


sub staged {
    my ($id) = @_;

    sleep 0.02 until release_state($id) eq 'staged';
}


sub release_state {
    my ($id) = @_;

    my $release = $t->api('GET', "/releases/$app/$id")->{json};

    die "failed: $release->{reason}\n" if $release->{state} eq 'failed';

    return $release->{state};
}


sub promote {
    my ($id) = @_;

    my $reply = $t->api('POST', "/releases/$app/$id/promote", {},
                        token => 'approve');

    die "not promoted: $reply->{raw}\n" if $reply->{status} != 200;
}
