#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# nginx is killed before and after each request to GitHub, from the delivery
# of a build to its pull request, and from a merge to its release.  Whether
# GitHub has done it or not, or does it later: there is one pull request, and
# one release.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_encode /;
use Test::LiveUpdate::GitHub;
use Test::LiveUpdate::Store;
use Test::LiveUpdate::ToDesktop;

use constant { BUILDS => 'desktop-builds.json',
               RELEASES => 'desktop-releases.json' };

my @HOW = (
    [ 'before', { hold => 'before' } ],
    [ 'after', { hold => 'after' } ],
    [ 'meanwhile', { delay => 0.3, linger => 1 } ],
);

my $t = Test::LiveUpdate->new()->plan(2 * @HOW + 4);
my $td = Test::LiveUpdate::ToDesktop->new($t);
my $gh = Test::LiveUpdate::GitHub->new($t, files => { BUILDS, [],
                                                      RELEASES, {} });

$gh->configure($td, fetch => 'retry=10ms tries=50');
$t->run();

my $store = Test::LiveUpdate::Store->new($t->testdir() . '/store');
my @builds;

# undisturbed: how many requests there are

my $build = build();

$td->deliver($build);
$gh->wait_pull($build);
over();

my $proposing = $gh->requests();

merge($build);
$gh->deliver(push_of());
over();

is($td->release($build)->{state}, 'live', 'undisturbed it is released');

# the first look of all is a longer one

$gh->revert(pull_of($build)->{number});
$gh->mark();
$gh->deliver(push_of());
over();

my $reconciling = $gh->requests();
note("$proposing requests for a pull request, $reconciling for a release");

for my $how (@HOW) {
    my ($name, $rule) = @$how;
    my @wrong;

    for my $n (0 .. $proposing - 1) {
        my $build = build();

        disturb($n, $rule, $name, sub { $td->deliver_somehow($build) });

        push @wrong, map { "request $n: $_" }
            wrong_pull($build), $store->check();
    }

    is(join("\n", @wrong), '', "killed $name a request for a pull request");
}

for my $how (@HOW) {
    my ($name, $rule) = @$how;
    my @wrong;

    for my $n (0 .. $reconciling - 1) {
        my $build = $builds[1 + $n];

        merge($build);
        disturb($n, $rule, $name, sub { $gh->deliver(push_of()) });

        push @wrong, map { "request $n: $_" }
            wrong_release($build), $store->check();

        # and back
        $gh->revert(pull_of($build)->{number});

        disturb($n, $rule, $name, sub { $gh->deliver(push_of()) });

        push @wrong, "request $n: not withdrawn but "
                     . json_encode($td->release($build))
            if $td->release($build)->{state} ne 'withdrawn';
    }

    is(join("\n", @wrong), '', "killed $name a request for a release");
    splice @builds, 1, $reconciling;
}

$t->stop();
$t->run();

is(join("\n", $store->check(unfinished => 0)), '', 'the store is whole');
$td->idle('no job is left');

my %changes;

$changes{"$_->{change} $_->{subject}"}++
    for grep { $_->{change} =~ /^release\./ } $store->audit($td->{app});

is(join("\n", map { "$_ $changes{$_}" } grep { $changes{$_} > 2 }
              sort keys %changes), '', 'nothing was done over and over');


sub build {
    push @builds, $td->build(platforms => [ 'linux' ], size => 300);

    return $builds[-1];
}


sub over {
    return wait_until { !$td->jobs() } 20, join ' ', $td->jobs();
}


sub pull_of {
    my ($build) = @_;

    return ($gh->pulls_of($build))[0] // { number => 0 };
}


sub merge {
    my ($build) = @_;

    $gh->events();
    $gh->merge(pull_of($build)->{number}, resolve => 1);
}


# What the webhook is told of the last change of the main branch.

sub push_of {
    return (grep { ($_->{payload}{ref} // '') eq 'refs/heads/main' }
            $gh->events())[-1];
}


# Kills at the n-th request: one worker after the other, or all of nginx.

sub disturb {
    my ($n, $rule, $name, $code) = @_;

    $gh->mark();
    $gh->script(qr/./ => { %$rule, skip => $n, times => 1 });

    $code->();

    wait_until { $gh->requests() > $n } 10, 'no such request';

    $gh->wait_held() if $rule->{hold};

    if ($n % 2) {
        $t->kill_worker($_) for $t->workers();

    } else {
        $t->kill_nginx();
        $t->run();
    }

    $gh->script();
    over();
}


sub wrong_pull {
    my ($build) = @_;

    my @pulls = $gh->pulls_of($build);

    return @pulls . ' pull requests' if @pulls != 1;

    my ($pull) = @pulls;
    my @branches = grep { /^release-build-\Q$build->{id}\E(?:-|$)/ }
        keys %{$gh->heads()};

    return "branches @branches" if "@branches" ne $pull->{head};

    my %main = map { $_ => 1 } $gh->messages();
    my @new = grep { !$main{$_} } $gh->messages($pull->{head});
    my @listed = grep { $_->{id} eq $build->{id} }
        @{$gh->file(BUILDS, $pull->{head})};
    my $release = $td->release($build);
    my @found;

    push @found, 'commits: ' . join ', ', @new if @new != 2;
    push @found, @listed . ' entries' if @listed != 1;
    push @found, 'other rules'
        if $gh->file(RELEASES, $pull->{head})->{latestReleaseBuildId}
           ne $build->{id};
    push @found, 'the release says ' . json_encode($release)
        if $release->{state} ne 'staged'
           || ($release->{pullRequest}{number} // 0) != $pull->{number}
           || exists $release->{reason};

    return @found;
}


sub wrong_release {
    my ($build) = @_;

    my $release = $td->release($build);
    my $feed = $t->api('GET', "/desktop/$build->{app}/latest-linux.yml", undef,
                       token => undef);
    my @found;

    push @found, 'not live but ' . json_encode($release)
        if $release->{state} ne 'live';
    push @found, "the feed says $feed->{status} $feed->{body}"
        if $feed->{body} !~ /^version: \Q$build->{version}\E$/m;

    return (@found, $td->wrong_files($build));
}
