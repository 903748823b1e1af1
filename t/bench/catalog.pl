#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# What a large catalog costs: the rate of checks with 1,000 apps of 100
# releases beside 1 app of 10 releases, memory, and the time to load it.  The
# large store is written to the disk as the module would have written it.
#
# BENCH_APPS and BENCH_RELEASES make it smaller or larger.

use warnings;
use strict;

use Digest::SHA qw/ sha256_hex /;
use File::Path qw/ make_path /;
use Time::HiRes qw/ time /;

use Test::LiveUpdate qw/ json_encode port zip /;
use Test::LiveUpdate::Bench;

use constant TARGET_RATE => 90;
use constant TARGET_MEMORY => 40;

use constant CHECKS => 20_000;
use constant ROUNDS => $ENV{BENCH_ROUNDS} || 40;
use constant PUBLISHERS => 4;

my $apps = $ENV{BENCH_APPS} || 1_000;
my $releases = $ENV{BENCH_RELEASES} || 100;

# Both stores in one nginx, and a zone that remembers the devices of both.

my $t = bench(
    zone => '32m',
    http => <<"EOF",
    server {
        listen  127.0.0.1:${\ port(8081)};

        liveupdate_store   small;
        liveupdate_tokens  tokens;

        location /v1/ {
            liveupdate_api;
        }
    }
EOF
);

my $load = load_tool($t);
my $zip = zip('index.html' => '<!DOCTYPE html>');
my $now = '2026-01-01T00:00:00.000Z';

my @small = make_store('small', 1, 10);

my $started = time();
my @large = make_store('store', $apps, $releases);
my $made = time() - $started;

my @devices = map { random_uuid() } 1 .. CHECKS;

my %paths = (
    small => [ map { check($small[0], $_) } @devices ],
    large => [ map { check($large[rand @large], $_) } @devices ],
    each => [ map { check($_, $devices[0]) } @large ],
);

heading("A catalog of $apps apps with $releases releases each");
note(sprintf '%d releases written in %.0f s', $apps * $releases, $made);

my $bare = memory(worker($t));

result('a worker that has loaded nothing, RSS', $bare->{rss}, 'MB');

$t->write_file('each.paths', join '', map { "$_\n" } @{$paths{each}});

my $first = load_all();
my $full = memory(worker($t));

result('all apps loaded', 1000 * $first->{seconds}, 'ms');
result('each app', 1e6 * $first->{seconds} / $apps, 'us');
memory_result('all loaded', $full);

my %wrk = (
    small => wrk_script($t, 'small', @{$paths{small}}),
    large => wrk_script($t, 'large', @{$paths{large}}),
);

my $c = compare(sub { wrk($t, $wrk{large}) },
                sub { wrk($t, $wrk{small}, port => 8081) },
                rounds => ROUNDS);

pair("checks, beside 1 app with 10 releases", $c, TARGET_RATE);

heading('Once published to each of them');

$started = time();
publish_to_all();
my $published = time() - $started;

result('publishes, with ' . PUBLISHERS . ' publishers',
       $apps / $published, '/s');

load_all();
memory_result('all loaded anew', memory(worker($t)));

pair("checks, beside 1 app with 10 releases",
     compare(sub { wrk($t, $wrk{large}) },
             sub { wrk($t, $wrk{small}, port => 8081) },
             rounds => ROUNDS), TARGET_RATE);

memory_result('after that', memory(worker($t)));


sub load_all {
    my $r = load_run($t, $load, "$t->{testdir}/each.paths",
                     '-n' => scalar @large, '-c' => 16, '-d' => 600);

    die "$r->{errors} errors\n" if $r->{errors};

    return $r;
}


sub memory_result {
    my ($name, $m) = @_;

    result("$name, RSS", $m->{rss}, 'MB', '<=',
           TARGET_MEMORY);
    result("$name, PSS", $m->{pss}, 'MB');
}


# Each publisher takes its share of the apps.

sub publish_to_all {
    my @children;

    for my $n (0 .. PUBLISHERS - 1) {
        my $pid = fork() // die "cannot fork: $!\n";

        if ($pid == 0) {
            for (my $i = $n; $i < @large; $i += PUBLISHERS) {
                my $done = $t->publish($large[$i], 'production', $zip);

                next if $done->{ok};

                print STDERR "not published: $done->{reply}{raw}\n";
                POSIX::_exit(1);
            }

            POSIX::_exit(0);
        }

        push @children, $pid;
    }

    for my $pid (@children) {
        waitpid $pid, 0;
        die "a publisher failed\n" if $?;
    }
}


# Apps with that many releases, all of them deployed to one channel; of each
# fourth app the newest one is for half of the devices, but not of the first.

sub make_store {
    my ($name, $napps, $nreleases) = @_;

    my $store = "$t->{testdir}/$name";
    my $table = json_encode([ {
        href => 'bundle.zip',
        size => length $zip,
        sha256 => sha256_hex($zip),
        type => 'application/zip',
    } ]);

    my @ids;

    for my $i (0 .. $napps - 1) {
        my $app = random_uuid();
        my $channel = random_uuid();
        my @deployments;

        for my $n (1 .. $nreleases) {
            my $release = random_uuid();
            my $rollout = $n == $nreleases && $i % 4 == 3 ? 0.5 : 1;
            my %times = (createdAt => $now, updatedAt => $now,
                         createdBy => 'publish');

            unshift @deployments, {
                id => random_uuid(), release => $release,
                rollout => $rollout, %times,
            };

            put("$store/live/$app/$release", 'release.json', json_encode({
                id => $release, app => $app, kind => 'zip',
                state => 'staged', number => $n, rollout => $rollout,
                deployment => $deployments[0]{id}, channel => $channel,
                size => length $zip, signed => JSON::PP::false,
                checksum => sha256_hex($zip), %times,
            }));

            put("$store/live/$app/$release", 'files.json', $table);
            put("$store/live/$app/$release/files", 'bundle.zip', $zip)
                if $n == $nreleases;
        }

        put("$store/apps/$app", 'app.json', json_encode({
            id => $app, name => "App $i", type => 'capacitor',
            organizationId => '00000000-0000-4000-8000-000000000000',
            generation => 0, nextBuildNumber => $nreleases + 1,
            appChannelId => $channel,
            appChannelDiscoveryEnabled => JSON::PP::false,
            createdAt => $now, updatedAt => $now,
            channels => [ {
                id => $channel, name => 'production',
                protectedAt => undef, pausedAt => undef, expiresAt => undef,
                createdAt => $now, updatedAt => $now,
                deployments => \@deployments,
            } ],
            forcedDevices => {},
        }));

        push @ids, $app;
    }

    return @ids;
}


sub put {
    my ($dir, $name, $bytes) = @_;

    make_path($dir);

    open my $fh, '>:raw', "$dir/$name" or die "no $dir/$name: $!\n";
    print {$fh} $bytes or die "cannot write $dir/$name: $!\n";
    close $fh or die "cannot write $dir/$name: $!\n";
}


sub check {
    my ($app, $device) = @_;

    return "/v1/apps/$app/bundles/latest?appVersionCode=10203"
           . '&appVersionName=1.2.3&bundleId&channelName=production'
           . "&customId&deviceId=$device"
           . '&osVersion=34&platform=0&pluginVersion=8.4.1';
}
