#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Jobs are found, claimed and begun.  One that somebody holds, or that cannot
# be read, and a pool of threads that is full, stop no other job.

use warnings;
use strict;

use File::Path qw/ make_path /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT /;
use Test::LiveUpdate::Fault;
use Test::LiveUpdate::Store;
use Test::LiveUpdate::ToDesktop;

my $t = Test::LiveUpdate->new()->plan(23);
my $td = Test::LiveUpdate::ToDesktop->new($t);
my $origin = $td->{origin};
my $dir = $t->testdir();

# a descriptor that is closed twice ends a worker

my $fault = Test::LiveUpdate::Fault->new($t);

$td->configure(approval => 'off', fetch => 'retry=50ms tries=100');
$t->env(MALLOC_PERTURB_ => 165);
$t->run();

my $store = Test::LiveUpdate::Store->new("$dir/store");

# what crashes and rejections have left of claims, more than a sweep removes

my $claims = "$dir/store/jobs/.claims";
my $kept = 'shop.kept';

make_path(map { "$claims/$_" } $kept, 'shop.empty', map { "shop.$_" } 1 .. 40);
touch("$claims/$kept/turn.m.1.a.1", "$dir/store/jobs/$kept",
      map { ("$claims/shop.$_/turn.m.1.a.7", "$claims/shop.$_/place.m.1.a.0") }
      1 .. 40);

$t->reload();
ok((wait_until { join(' ', claims()) eq $kept } 10), 'claims without a job go')
    or diag(claims());
is(join(' ', sort map { s{.*/}{}r } glob "$claims/$kept/*"), 'turn.m.1.a.1',
   'one with a job stays as it is');
unlink "$dir/store/jobs/$kept", "$claims/$kept/turn.m.1.a.1";
rmdir "$claims/$kept";

# somebody holds a release that waits for its next attempt

my $first = waiting();
my $lock = $store->lock("staging/$first->{app}/$first->{id}/lock");

passed('a release that is held');
$fault->arm('count');
ok((wait_until { my %counts = $fault->counts(); $counts{close} > 50 } 20,
    'sweeps'), 'it was met often');
$fault->disarm();
is($td->release($first)->{state}, 'fetching', 'and left alone');
close $lock;
$origin->script();
$td->becomes($first, 'live', 'it goes on as soon as nobody holds it');

# a release that does not parse

$first = waiting();

my $file = "store/staging/$first->{app}/$first->{id}/release.json";
my $text = $t->read_file($file);

$t->steady();
$t->mark_log();
$t->replace_file($file, substr $text, 0, length($text) / 2);
passed('a release that cannot be read');
ok((wait_until { $t->read_log($t->{mark}) =~ /release\.json" failed/ } 10,
    'the log'), 'the log names it');
$t->replace_file($file, $text);
$origin->script();
$td->becomes($first, 'live', 'it goes on as soon as it can be read');
$t->steady(0);

# what is no file of a job; memory that is free is not what it was

$t->mark_log();
mkdir "$dir/store/jobs/an-app.a-build" or die "cannot mkdir: $!\n";
$t->log_like(qr{open\(\) "\Q$dir\E/store/jobs/an-app\.a-build" failed },
             'the log names what is no file');
rmdir "$dir/store/jobs/an-app.a-build";

# a pool without room: whatever is refused is done later

$t->write_file('nginx.conf', $t->read_file('nginx.conf')
    =~ s/^thread_pool .*/thread_pool  liveupdate  threads=1 max_queue=2;/mr);
$t->allow_alert(qr/thread pool "liveupdate" queue overflow/);
$t->reload();

my @crowd = map { $t->run_daemon(\&crowd) } 1 .. 8;
my @builds = map { $td->build(size => 1000) } 1 .. 5;

for my $build (@builds) {
    my $reply = $td->deliver_somehow($build, 30);

    is($reply->{status}, 202, "$build->{id} is announced");
}

$t->write_file('stop', '');
$td->becomes($_, 'live', "$_->{id} is live", 30) for @builds;
is(join("\n", map { $td->wrong_files($_) } @builds), '', 'all of them right');
is(join("\n", $store->check(unfinished => 0)), '', 'the store is whole');
$td->idle('no job is left');


sub claims {
    return sort map { s{.*/}{}r } glob "$claims/*";
}


sub touch {
    for my $file (@_) {
        open my $fh, '>', $file or die "cannot write $file: $!\n";
    }
}


# A build that comes first, and that the origin has not yet.

sub waiting {
    my $build = $td->build(platforms => [ 'linux' ], size => 1000);

    $origin->script(qr/\Q$build->{id}\E/ => { status => 503 });
    $td->deliver($build);
    wait_until { ($td->release($build)->{attempts} // 0) >= 5 } 10, 'attempts';

    return $build;
}


sub passed {
    my ($what) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $build = $td->build(platforms => [ 'linux' ], size => 1000);

    $td->deliver($build);
    $td->becomes($build, 'live', "$what: others pass");
}


# Calls that need a thread.

sub crowd {
    until (-e "$dir/stop" || getppid() != $t->{pid}) {
        eval { $t->api('GET', '/v1/apps') };
    }
}
