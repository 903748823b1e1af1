#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Each of the calls by which a build changes the store, from its delivery to
# its promotion, fails once: because the process is killed at that moment, or
# the disk has an error or is full.  The build becomes live, whole, in any
# case, without anybody doing anything.
#
# LIVEUPDATE_FAULTS=1 injects them all, otherwise some of each kind.

use warnings;
use strict;

use Test::More;

use Errno qw/ EIO ENOSPC /;
use Time::HiRes qw/ time /;

use Test::LiveUpdate qw/ :DEFAULT json_encode /;
use Test::LiveUpdate::Fault;
use Test::LiveUpdate::Store;
use Test::LiveUpdate::ToDesktop;

use constant SOME => 6;

my @HOW = (
    [ 'SIGKILL', 'kill', 0 ],
    [ 'EIO', 'error', EIO ],
    [ 'ENOSPC', 'error', ENOSPC ],
);

my $t = Test::LiveUpdate->new()->plan(@HOW + 6);
my $td = Test::LiveUpdate::ToDesktop->new($t);
my $fault = Test::LiveUpdate::Fault->new($t);

$td->configure(approval => 'off', fetch => 'retry=10ms tries=20');
$t->allow_alert(qr/ failed \((?:5|28):/);
$t->run();

my $store = Test::LiveUpdate::Store->new($t->testdir() . '/store');
my ($slowest, @builds) = ('0.0 s');

# without a fault, twice: the first one makes the app

take(build());

my $build = build();

$fault->arm('count');
take($build);

my %counts = $fault->disarm();

note('calls ', join ', ', map { "$_ $counts{$_} times" }
                          grep { $counts{$_} } sort keys %counts);
cmp_ok($counts{$_}, '>', 5, "calls are seen: $_") for qw/ write fsync link /;

for my $how (@HOW) {
    my ($name, $kind, $error) = @$how;
    my (@wrong, $done);

    for ($fault->some(SOME, %counts)) {
        my ($call, $n) = @$_;
        my $from = time();

        push @wrong, map { "$call $n: $_" } inject($call, $n, $kind, $error);

        my $took = sprintf '%.1f s: %s', time() - $from, "$name $call $n";

        $slowest = $took if ($took =~ /(.*?) /)[0] > ($slowest =~ /(.*?) /)[0];
        $done++;
    }

    is(join("\n", @wrong), '', "$name, $done times");
}

note("slowest: $slowest");

is(scalar(grep { $_->{state} ne 'live' } map { $td->release($_) } @builds), 0,
   'all are still live');
$t->stop();
$t->run();
is(join("\n", $store->check(unfinished => 0)), '', 'the store is whole');
$td->idle('no job is left');


sub build {
    push @builds, $td->build(platforms => [ 'linux' ], size => 3000);

    return $builds[-1];
}


sub take {
    my ($build) = @_;

    my $reply = $td->deliver($build);

    die "it was not taken: $reply->{raw}\n" if $reply->{status} != 202;

    $td->wait_state($build, 'live');
    over($build) or die "it is not over\n";
}


sub over {
    my ($build) = @_;

    return Test::LiveUpdate::wait_quietly(sub {
        !grep { /\.\Q$build->{id}\E$/ } $td->jobs();
    }, 5);
}


sub inject {
    my ($call, $n, $kind, $error) = @_;

    my $build = build();
    my @found;

    $fault->arm($kind, $call, $n, $error);

    my $reply = $td->deliver_somehow($build);

    push @found, "not taken: $reply->{raw}"
        if $reply->{status} !~ /^20[02]$/;

    my $release = $td->wait_state($build, 'live', 20);
    my $path = $fault->fired();

    push @found, 'not live but ' . json_encode($release)
        if $release->{state} ne 'live';
    push @found, 'its job is not over' unless over($build);

    $fault->disarm();

    # what the calls are about depends on the time
    note("$call $n was not called") unless defined $path;

    push @found, $store->check(app => $build->{app}),
                 $td->wrong_files($build);

    my $status = $t->api('GET', "/desktop/$build->{app}/latest-linux-build-"
                                . "$build->{id}.yml", undef, token => undef)
        ->{status};

    push @found, "the feed says $status" if $status != 200;

    return map { $_ . ' (' . ($path // 'not called') . ')' } @found;
}
