#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Each of the calls by which the store is changed, from the delivery of a
# build over its pull request and the merge to its release, fails once:
# because the process is killed at that moment, or the disk has an error or is
# full.  There is one pull request and one release in any case.
#
# LIVEUPDATE_FAULTS=1 injects them all, otherwise some of each kind.

use warnings;
use strict;

use Test::More;

use Errno qw/ EIO ENOSPC /;

use Test::LiveUpdate qw/ :DEFAULT json_encode /;
use Test::LiveUpdate::Fault;
use Test::LiveUpdate::GitHub;
use Test::LiveUpdate::Store;
use Test::LiveUpdate::ToDesktop;

use constant { BUILDS => 'desktop-builds.json',
               RELEASES => 'desktop-releases.json' };
use constant SOME => 6;

my @HOW = (
    [ 'SIGKILL', 'kill', 0 ],
    [ 'EIO', 'error', EIO ],
    [ 'ENOSPC', 'error', ENOSPC ],
);

my $t = Test::LiveUpdate->new()->plan(@HOW + 6);
my $td = Test::LiveUpdate::ToDesktop->new($t);
my $gh = Test::LiveUpdate::GitHub->new($t, files => { BUILDS, [],
                                                      RELEASES, {} });
my $fault = Test::LiveUpdate::Fault->new($t);

$gh->configure($td, fetch => 'retry=10ms tries=50');
$t->allow_alert(qr/ failed \((?:5|28):/);
$t->run();

my $store = Test::LiveUpdate::Store->new($t->testdir() . '/store');
my (@builds, $n);

# without a fault, twice: the first one makes the app

take(build());
$fault->arm('count');
take(build());

my %counts = $fault->disarm();

note('calls ', join ', ', map { "$_ $counts{$_} times" }
                          grep { $counts{$_} } sort keys %counts);
cmp_ok($counts{$_}, '>', 5, "calls are seen: $_") for qw/ write fsync /;

for my $how (@HOW) {
    my ($name, $kind, $error) = @$how;
    my (@wrong, $done);

    for ($fault->some(SOME, %counts)) {
        my ($call, $n) = @$_;
        my $build = build();

        $fault->arm($kind, $call, $n, $error);

        my @found = eval { take($build); 1 } ? () : $@;
        my $path = $fault->fired() // 'not called';

        $fault->disarm();

        push @wrong, map { "$call $n ($path): $_" }
            @found, wrong($build), $store->check(app => $build->{app});
        $done++;
    }

    is(join("\n", @wrong), '', "$name, $done times");
}

is(join(' ', map { $_->{id} }
             grep { $td->release($_)->{state} ne 'live' } @builds), '',
   'all are still live');
$t->stop();
$t->run();
is(join("\n", $store->check(unfinished => 0)), '', 'the store is whole');
$td->idle('no job is left');
is(scalar($gh->pulls()), scalar(@builds), 'a pull request for each');


sub build {
    push @builds, $td->build(platforms => [ 'linux' ], size => 300);

    return $builds[-1];
}


# From the delivery to the release.

sub take {
    my ($build) = @_;

    my $reply = $td->deliver_somehow($build);

    die "not taken: $reply->{raw}\n" if $reply->{status} !~ /^20[02]$/;

    my $pull = $gh->wait_pull($build, 30) or die "no pull request\n";

    settled();
    $gh->events();
    $gh->merge($pull->{number}, resolve => 1);

    # one that was not taken is sent again by somebody
    for my $event ($gh->events()) {
        Test::LiveUpdate::wait_quietly(sub {
            my $reply = eval { $gh->deliver($event, timeout => 5) };

            return $reply && $reply->{status} < 500;
        }, 20) or die "not told\n";
    }

    $td->wait_state($build, 'live', 30);
    settled();
}


sub settled {
    Test::LiveUpdate::wait_quietly(sub { !$td->jobs() }, 20)
        or die 'it does not settle: ' . join(' ', $td->jobs()) . "\n";
}


sub wrong {
    my ($build) = @_;

    my $release = $td->release($build);
    my @pulls = $gh->pulls_of($build);
    my @found = $td->wrong_files($build);

    push @found, 'not live but ' . json_encode($release)
        if $release->{state} ne 'live';
    push @found, @pulls . ' pull requests' if @pulls != 1;

    my $feed = $t->api('GET', "/desktop/$build->{app}/latest-linux.yml", undef,
                       token => undef);

    push @found, "the feed says $feed->{status} $feed->{body}"
        if $feed->{body} !~ /^version: \Q$build->{version}\E$/m;

    return @found;
}
