#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Workers, and all of nginx, are killed at random moments while builds are
# delivered, fetched, verified and promoted.  What was taken becomes live,
# once, whole, and without having been fetched twice.
#
# LIVEUPDATE_KILLS is how often, 40 if not set.

use warnings;
use strict;

use Test::More;

use Time::HiRes qw/ sleep time /;

use Test::LiveUpdate qw/ :DEFAULT json_decode json_encode /;
use Test::LiveUpdate::Store;
use Test::LiveUpdate::ToDesktop;

# not more builds for each kill, or looking at them all takes too long
use constant { APPS => 2, SENDERS => 4, BUILDS => 3 };

my $kills = $ENV{LIVEUPDATE_KILLS} || 40;
my $seed = srand($ENV{LIVEUPDATE_SEED} // time());

my $t = Test::LiveUpdate->new()->plan(14);
my $td = Test::LiveUpdate::ToDesktop->new($t);
my $origin = $td->{origin};
my $dir = $t->testdir();

$td->configure(approval => 'off', fetch => 'retry=50ms tries=100');
$t->run();

my $store = Test::LiveUpdate::Store->new("$dir/store");
my @apps = map { "app-$_" } 1 .. APPS;

# the names do not depend on the build, so that files come at different times
$origin->script(
    qr/arm64\.exe$/ => { slow => 100_000 },
    qr/dmg$/ => { delay => 0.1 },
    qr/deb$/ => { times => 1, status => 500 },
    qr/td-latest-mac/ => { delay => 0.05 },
);

my $known = $td->build(app => $apps[0], size => 2000);

$td->deliver($known);
$td->becomes($known, 'live', 'there is something');

my @children = map { my $n = $_; $t->run_daemon(sub { sender($n) }) }
    1 .. SENDERS;

my ($workers, $all, $slowest) = (0, 0, 0);
my (@wrong, @stale, @verified);
my %states;

for (1 .. $kills) {
    sleep(0.02 + rand 0.2);

    my $from = time();

    push @verified, verified();
    $states{$_}++ for states();

    if (rand() < 0.6) {
        my @workers = $t->workers();

        $t->kill_worker($workers[rand @workers]);
        $workers++;

    } else {
        $t->kill_nginx();

        # nginx gives the same names again
        my %left = map { $_ => identity($_) } $store->temporary();

        push @wrong, map { "dead after kill $_: $_" } $store->check();
        push @verified, verified();
        $t->run();

        push @stale, grep { $left{$_} eq identity($_) } sort keys %left;
        $all++;
    }

    push @wrong, "kill $_: it does not serve" unless serves();

    $slowest = time() - $from if time() - $from > $slowest;

    push @wrong, map { "after kill $_: $_" } wrong();
    last if @wrong > 20;

    $t->write_file('kills', $_);
}

$t->write_file('stop', '');

is(scalar(grep { !$t->ended($_, 60) } @children), 0, 'all have come to an end');

note("seed $seed: $workers workers killed, all of nginx $all times; served"
     . sprintf(' again within %.1f s', $slowest));
note('killed while releases were ',
     join ', ', map { "$_ ($states{$_})" } sort keys %states);

is($workers + $all, $kills, "$kills kills");
is(join("\n", splice @wrong, 0, 20), '', 'after each all invariants held');
is(join("\n", @stale), '', 'a start empties tmp');

my @lines = lines();
my %taken = map { $_->{id} => $_ } grep { $_->{did} eq 'taken' } @lines;
my %live = map { $_->{id} => 1 } grep { $_->{did} eq 'live' } @lines;

note(scalar(keys %taken), ' builds');

cmp_ok(scalar keys %taken, '>=', $kills / 8, 'there was a load');
is(join("\n", map { $_->{what} } grep { $_->{did} eq 'failed' } @lines), '',
   'nothing failed');
is(join(' ', grep { !$live{$_} } sort keys %taken), '',
   'what was taken became live');
is(join("\n", map { wrong_build($_) } sort { $a->{id} cmp $b->{id} }
              values %taken), '', 'whole, and in the feed');

$td->{app} = $_, push @wrong, wrong_app($_) for @apps;
is(join("\n", @wrong), '', 'each once, and nothing else');
is(join("\n", again()), '', 'what was verified was not fetched again');

$t->stop();
$t->run();

is(join("\n", $store->check(unfinished => 0)), '', 'the store is whole');
is(join("\n", $store->temporary()), '', 'nothing is left in tmp');
$td->idle('no job is left');


# -- after a kill ------------------------------------------------------------

sub identity {
    my ($name) = @_;

    my @stat = Time::HiRes::stat("$dir/store/$name");

    return @stat ? "@stat[1, 10]" : 'gone';
}


sub serves {
    return Test::LiveUpdate::wait_quietly(sub {
        my $reply = eval {
            $t->api('GET', "/desktop/$known->{app}/latest-build-$known->{id}"
                           . '.yml', undef, token => undef);
        };

        return $reply && $reply->{status} == 200;
    }, 10);
}


sub wrong {
    my @before = lines();
    my @found = $store->check();
    my %builds;

    for my $app ($store->apps()) {
        $builds{$_->{id}}++ for @{$store->app($app)->{desktopBuilds} || []};
    }

    for my $line (@before) {
        if ($line->{did} eq 'live') {
            my $n = $builds{$line->{id}} // 0;

            push @found, "$line->{id} is live $n times" if $n != 1;

        } elsif ($line->{did} eq 'taken') {
            push @found, "$line->{id} is lost"
                unless grep {
                    -e "$dir/store/$_/$line->{app}/$line->{id}/release.json"
                } qw/ staging live /;
        }
    }

    return @found;
}


# What lies there as verified right now: it may not be fetched after that.

sub verified {
    my @found;

    for my $path (glob "$dir/store/staging/*/*/uploads") {
        my ($app, $id) = $path =~ m{/staging/([^/]+)/([^/]+)/uploads$};
        my @names = $td->verified({ app => $app, id => $id });

        # after the look, which may take its time
        my $now = time();

        push @found, map { [ "/$app/$_", $now ] } @names;
    }

    return @found;
}


sub states {
    return map {
        my $json = eval { json_decode($t->read_file($_)) };
        $json ? $json->{state} : ();
    } glob "$dir/store/staging/*/*/release.json";
}


sub again {
    my %from;

    for (@verified) {
        my ($path, $at) = @$_;

        $from{$path} = $at if !defined $from{$path} || $at < $from{$path};
    }

    return map { "$_->{name} at $_->{at}, known since $from{$_->{name}}" }
        grep { defined $from{$_->{name}} && $_->{at} > $from{$_->{name}} }
        $origin->requests();
}


# -- in the end --------------------------------------------------------------

sub wrong_build {
    my ($build) = @_;

    my @found = $td->wrong_files($build);

    my $reply = $t->api('GET', "/desktop/$build->{app}/latest-linux-build-"
                               . "$build->{id}.yml", undef, token => undef);

    push @found, "the feed says $reply->{status} of $build->{id}"
        if $reply->{status} != 200;

    return @found;
}


sub wrong_app {
    my ($app) = @_;

    my @want = sort map { $_->{id} } grep { $_->{app} eq $app }
        $known, values %taken;
    my @have = sort map { $_->{id} }
        @{$store->app($app)->{desktopBuilds} || []};

    my %told;

    for my $entry (grep { $_->{change} eq 'release.promote' }
                   $store->audit($app))
    {
        $told{$entry->{subject}} = $entry->{generation};
    }

    return ("@have" eq "@want" ? () : "$app has @have instead of @want",
            map { "the audit log of $app does not have $_" }
                grep { !$told{$_} } @want);
}


# -- who delivers ------------------------------------------------------------

my ($log, $name);

sub sender {
    my ($n) = @_;

    srand($seed + $n);

    open $log, '>>', "$dir/sender.$n.log" or die "cannot write: $!\n";
    $log->autoflush(1);

    # ids and versions that no other sender has
    $td->{serial} = 1000 * $n;

    my $builds = 0;

    until (stopped()) {
        my $done = $t->read_file('kills') || 0;

        if ($builds * SENDERS > ($done + 1) * BUILDS) {
            sleep(0.01);
            next;
        }

        deliver_one($n);
        $builds++;
    }
}


sub deliver_one {
    my ($n) = @_;

    my $build = $td->build(
        app => $apps[rand @apps], size => 200 + int rand 20_000,
        platforms => [ 'linux', grep { rand() < 0.4 } qw/ mac windows / ],
    );

    my $reply = $td->deliver_somehow($build);

    return said(did => 'failed', what => "deliver: $reply->{raw}")
        if $reply->{status} !~ /^20[02]$/;

    said(did => 'taken', map { $_ => $build->{$_} } qw/ app id files /);

    # now and then it is delivered twice, at any time
    if (rand() < 0.3) {
        sleep(rand 0.3);

        $reply = $td->deliver_somehow($build);

        said(did => 'failed', what => "again: $reply->{raw}")
            if $reply->{status} !~ /^20[02]$/;
    }

    my $release = $td->wait_state($build, qr/^(?:live|failed)$/, 60);

    return said(did => 'failed', what => "$build->{id}: "
                                         . json_encode($release))
        if $release->{state} ne 'live';

    said(did => 'live', map { $_ => $build->{$_} } qw/ app id /);
}


sub stopped {
    return -e "$dir/stop" || getppid() != $t->{pid};
}


sub said {
    my (%line) = @_;

    print {$log} json_encode(\%line), "\n";
}


my (%read, @lines_read);

sub lines {
    for my $name (glob "$dir/sender.*.log") {
        open my $fh, '<:raw', $name or die "cannot read $name: $!\n";

        seek($fh, $read{$name} // 0, 0);

        while (my $line = <$fh>) {
            # the last one may still be written
            last if $line !~ /\n\z/;

            push @lines_read, json_decode($line);
            $read{$name} = tell $fh;
        }
    }

    return @lines_read;
}
