#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# What counting costs a device's check: the same module built with it and
# without, in two nginx at once, on the same core, of which one is asked.  Where
# there is perf, a profile tells, too: it does not mind what else runs on the
# machine.

use warnings;
use strict;

use POSIX ();

use Test::LiveUpdate qw/ zip /;
use Test::LiveUpdate::Bench;

use constant TARGET => 97;
use constant DEVICES => 20_000;
use constant PROFILE => 10;            # seconds

my $root = $Test::LiveUpdate::ROOT;
my $build = "$root/build/uncounted";

print "building the module without counting\n";

my $flags = `make -s -C '$root' -f - cflags <<'EOF'
include Makefile
cflags: ; \@echo '\$(CFLAGS)'
EOF`;
chomp $flags;

system("make -s -C '$root' module BUILD='$build' "
       . "CFLAGS='$flags -DNGX_HTTP_LIVEUPDATE_COUNTING=0' >&2") == 0
    or die "no module without counting\n";

my $with = bench();

my $app = $with->create_app('bench');
$with->create_channel($app, 'production');

my $done = $with->publish($app, 'production',
                          zip('index.html' => '<!DOCTYPE html>'));
die "not published: $done->{reply}{raw}\n" unless $done->{ok};

my $without = bench(port => 8081,
                    module => "$build/ngx_http_liveupdate_module.so");

system("cp -a '$with->{testdir}/store/.' '$without->{testdir}/store/'") == 0
    or die "no copy of the store\n";

my @devices = map { random_uuid() } 1 .. DEVICES;

heading('Checks that are counted, and checks that are not');

for my $case ([ 'the release that the device has', $done->{bundle} ],
              [ 'another release than it has', '' ])
{
    my ($name, $bundle) = @$case;

    next unless wanted($name);

    my @paths = map { check($_, $bundle) } @devices;

    my $counted = wrk_script($with, 'with', @paths);
    my $uncounted = wrk_script($without, 'without', @paths);

    pair($name, compare(sub { wrk($with, $counted) },
                        sub { wrk($without, $uncounted, port => 8081) }),
         TARGET);

    my $share = profile($counted) // next;

    result('  of the CPU time, by a profile', $share, '%', '<=',
           100 - TARGET);
}

my $reply = $with->api('GET', '/status?format=json', undef, token => undef);
my ($release) = $reply->{json}{apps}[0]{channels}[0]{releases}[0];

note(sprintf 'of %d devices %d were estimated', DEVICES,
     $release->{devices}{day});


# The share of the functions that count; nothing without perf.

sub profile {
    my ($script) = @_;

    my $pid = worker($with);
    my $data = "$with->{testdir}/perf.data";

    return if system('perf --version >/dev/null 2>&1');

    my $perf = fork() // die "cannot fork: $!\n";

    if ($perf == 0) {
        open STDOUT, '>', '/dev/null';
        open STDERR, '>&', \*STDOUT;
        exec 'perf', 'record', '-q', '-e', 'cpu-clock', '-F', 4000,
             '-o', $data, '-p', $pid, '--', 'sleep', PROFILE
            or POSIX::_exit(127);
    }

    wrk($with, $script, seconds => PROFILE + 1);
    waitpid($perf, 0);

    my ($share, $all) = (0, 0);

    for my $line (`perf report -i '$data' --sort symbol --stdio 2>/dev/null`) {
        my ($percent, $symbol) = $line =~ /^\s+([\d.]+)%\s+\[.\] (\S+)/
            or next;

        $all += $percent;
        $share += $percent
            if $symbol =~ /_hll_|_liveupdate_(?:count_|series\b|sketch_)/;
    }

    return $all ? $share : undef;
}


sub check {
    my ($device, $bundle) = @_;

    return "/v1/apps/$app/bundles/latest?appVersionCode=10203"
           . "&appVersionName=1.2.3&bundleId=$bundle"
           . "&channelName=production&customId&deviceId=$device"
           . '&osVersion=34&platform=0&pluginVersion=8.4.1';
}
