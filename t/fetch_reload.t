#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# A build is fetched, and in the middle nginx is reloaded, a worker dies, or
# all of nginx ends: it goes on, soon, and not from the beginning.

use warnings;
use strict;

use Test::More;
use Time::HiRes qw/ sleep time /;

use Test::LiveUpdate qw/ :DEFAULT json_encode /;
use Test::LiveUpdate::Store;
use Test::LiveUpdate::ToDesktop;

# within so many seconds somebody goes on with it
use constant SOON => 5;

my $t = Test::LiveUpdate->new()->plan(87);
my $td = Test::LiveUpdate::ToDesktop->new($t);
my $origin = $td->{origin};
my $app = $td->{app};
my $dir = $t->testdir();

# what is held is no outage
$td->configure(approval => 'on', fetch => 'retry=50ms tries=20',
               timeout => '30s');
$t->run();

my $store = Test::LiveUpdate::Store->new("$dir/store");
my ($build, @verified);

# a reload, and many; the old workers go on with what they have

$build = begun();
$t->reload();
is($td->release($build)->{state}, 'fetching', 'after a reload it is fetched');
finished('a reload');

$build = begun();
$t->reload() for 1 .. 10;
finished('ten reloads');

$build = $td->build(size => 40_000);
$origin->script(qr/\Q$build->{id}\E/ => { slow => 60_000 });
$td->deliver($build);

for (1 .. 10) {
    $t->reload();
    sleep(0.1);
}

finished('reloads all the time');

# a reload while nobody answers

$build = $td->build(size => 1000);
$origin->down();
$td->deliver($build);
$t->reload();
$origin->up();
finished('a reload while the origin is down');

# an end, and a start: with QUIT what is on its way still comes, and no more

for my $case ([ 'QUIT', sub { kill 'QUIT', $t->{master};
                              sleep(0.3);
                              $origin->script();
                              $t->stop() } ],
              [ 'TERM', sub { kill 'TERM', $t->{master};
                              $t->wait_exit(10);
                              delete @$t{qw/ master child /} } ],
              [ 'kill -9 of all', sub { $t->kill_nginx() } ])
{
    my ($name, $end) = @$case;

    $build = begun();
    $end->();
    ok((wait_until { !$origin->flying() } 5), "$name: nothing is fetched");
    is(scalar $origin->requests(), 0, "$name: nothing more was asked for");
    is(join("\n", $store->check()), '', "$name: the store is whole");
    look();
    $t->run();
    finished($name);
}

# a worker dies: the one that fetches

for my $n (1 .. 4) {
    $build = begun();

    my @workers = fetching();

    is(scalar @workers, 1, "one worker fetches ($n)");
    $t->kill_worker($workers[0]);
    finished("its death ($n)");
}

# the other one

$build = begun();

my ($worker) = fetching();
my @others = grep { $_ != $worker } $t->workers();

$origin->mark();
$t->kill_worker($_) for @others;
sleep(0.5);
is(scalar $origin->requests(), 0, 'another worker\'s death changes nothing');
finished('another worker\'s death');

# a worker dies while the next attempt is waited for: it does not begin to
# count anew

$build = $td->build(size => 1000);
$origin->script(qr/x64\.exe$/ => { status => 500 });
$td->deliver($build);
ok((wait_until { ($td->release($build)->{attempts} // 0) >= 4 } 10,
    'attempts'), 'several attempts');
$t->kill_worker($_) for $t->workers();
cmp_ok($td->release($build)->{attempts} // 0, '>=', 4, 'are not forgotten');
ok((wait_until { ($td->release($build)->{attempts} // 0) >= 5 } 10, 'more'),
   'and more follow');
$origin->script();
finished('death between attempts');

# the time of the next attempt is kept, too, and bounded

$build = $td->build(size => 1000);
$origin->down();
$td->deliver($build);
wait_until { $td->release($build)->{nextAttemptAt} } 10, 'an attempt';
$t->stop();

my $path = "store/staging/$app/$build->{id}/release.json";
my $release = Test::LiveUpdate::json_decode($t->read_file($path));

$release->{attempts} = 18;
delete $release->{nextAttemptAt};
$t->write_file($path, json_encode($release));
owned($path);
$t->run();

ok((wait_until { ($td->release($build)->{attempts} // 0) == 19 } 10,
    'the nineteenth'), 'the nineteenth attempt of twenty');

my $wait = seconds($td->release($build)->{nextAttemptAt}) - time();

cmp_ok($wait, '<=', 601, 'is followed by ten minutes at most');
cmp_ok($wait, '>', 200, 'but not soon by another one');

$origin->up();
$t->kill_worker($_) for $t->workers();
sleep(0.5);
is($td->release($build)->{state}, 'fetching', 'whoever takes it up waits');
is($td->deliver($build)->{status}, 202, 'it is delivered again');
finished('a new delivery instead of waiting');

# a claim without a release, and a release without a claim

$t->stop();
$t->write_file("store/jobs/$app.nosuch", '');
$t->write_file('store/jobs/nonsense', '');
owned('store/jobs/nonsense', "store/jobs/$app.nosuch");
$t->run();
$build = begun();
finished('strange claims');
unlink map { "$dir/store/jobs/$_" } 'nonsense', "$app.nosuch";

# many builds, and each worker dies once

$origin->script(qr/./ => { slow => 60_000 });

my @builds = map { $td->build(platforms => [ 'linux' ], size => 20_000) }
    1 .. 8;

$td->deliver($_) for @builds;
$t->kill_worker($_) for $t->workers();
$origin->script();
$td->becomes($_, 'staged', 'one of many') for @builds;
is(join("\n", map { $td->wrong_files($_) } @builds), '', 'all of them right');

# two workers: nobody fetches what another one does

$build = $td->build(more => 10, size => 5000);
$origin->mark();
$td->deliver($build);
$td->becomes($build, 'staged', 'with several workers');

my %asked = $origin->asked();

is(join(' ', grep { $asked{$_} > 1 } sort keys %asked), '',
   'nothing is fetched twice');

# worker_shutdown_timeout: an old worker does not stay for a slow origin

$t->write_file('nginx.conf',
               "worker_shutdown_timeout  1s;\n" . $t->read_file('nginx.conf'));
$t->reload();
$build = $td->build(size => 40_000);
$origin->script(qr/(?:dmg|AppImage)$/ => { slow => 2000 });
$td->deliver($build);
wait_until { $td->verified($build) == keys(%{$build->{files}}) - 2 } 10,
    'verified';
look();
my $at = time();
$t->reload();
cmp_ok(time() - $at, '<', 8, 'the old workers have gone in time');
is($td->release($build)->{attempts}, undef, 'which is no failed attempt');
finished('worker_shutdown_timeout');

is(join("\n", $store->check(unfinished => 0)), '', 'the store is whole');
is(scalar $origin->contacts(), 0, 'nobody but the origin was contacted');
$td->idle('no job is left');


# A build of which three files are held in the middle, and the others verified.

sub begun {
    my $build = $td->build(size => 40_000);

    $origin->script(qr/(?:dmg|AppImage|rpm)$/ => { hold => 20_000 });
    $origin->mark();
    $td->deliver($build);

    my $want = keys(%{$build->{files}}) - 3;

    wait_until {
        $td->verified($build) == $want && $origin->flying() == 3
        && $origin->requests() == @{$build->{paths}}
    } 10, 'verified' or diag(join "\n", $td->verified($build),
                             map { "asked for $_->{path}" }
                             $origin->flying());

    look($build);

    return $build;
}


# What is verified must not be fetched after this.

sub look {
    my ($which) = @_;

    @verified = $td->verified($which // $build);
    $origin->mark();
}


# Lets it go on.

sub finished {
    my ($after) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $from = time();

    $origin->script();
    $td->becomes($build, 'staged', "after $after: staged", SOON);
    note(sprintf 'after %s: %.2f s', $after, time() - $from);

    is(join("\n", $td->wrong_files($build)), '', "after $after: all of it");

    my %asked = map { $_->{name} => 1 } $origin->requests();

    is(join("\n", grep { $asked{"/$app/$_"} } splice @verified), '',
       "after $after: nothing that was verified was fetched again");
}


# The workers that have a claim.

sub fetching {
    my %workers = map { $_ => 1 } $t->workers();

    return grep {
        my $pid = $_;

        grep { m{^\Q$dir\E/store/jobs/} }
            grep { defined } map { readlink } glob "/proc/$pid/fd/*";
    } sort keys %workers;
}


# The workers must be able to write what the test has written.

sub owned {
    my (@names) = @_;

    my ($uid, $gid) = (stat "$dir/store/apps")[4, 5];

    chown $uid, $gid, map { "$dir/$_" } @names;
}


sub seconds {
    my ($text) = @_;

    my ($y, $mon, $d, $h, $min, $s) = ($text // '')
        =~ /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):([\d.]+)Z$/ or return 0;

    require Time::Local;

    return Time::Local::timegm(int $s, $min, $h, $d, $mon - 1, $y);
}
