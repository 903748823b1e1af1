#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# The disk fills up while a build is fetched: it waits, says so, and goes on
# when there is space.

use warnings;
use strict;

use Test::More;

use Time::HiRes qw/ sleep /;

use Test::LiveUpdate qw/ :DEFAULT json_encode machine /;
use Test::LiveUpdate::SmallDisk;
use Test::LiveUpdate::Store;
use Test::LiveUpdate::ToDesktop;

my $t = Test::LiveUpdate->new();
my $dir = $t->testdir();
my $disk = Test::LiveUpdate::SmallDisk->new($t, '6m');

$t->plan(28);

my $td = Test::LiveUpdate::ToDesktop->new($t);
my $origin = $td->{origin};

$td->configure(approval => 'off', fetch => 'retry=50ms tries=30',
               timeout => '30s', locations => "liveupdate_reserve  0;\n");
$t->run();

my $store = Test::LiveUpdate::Store->new("$dir/store");
my $old = $td->build(platforms => [ 'linux' ], size => 5000);

$td->deliver($old);
$td->becomes($old, 'live', 'there is something');

# at the beginning

my $build = $td->build(platforms => [ 'linux' ], size => 5000);

$disk->fill();
like($t->said($td->deliver($build)), qr/^507 The disk of the server is full/,
     'no space for a delivery');
is(join("\n", $td->visible($build)), '', 'nothing is to be seen');
ok(!-e "$dir/store/staging/$build->{app}/$build->{id}/release.json",
   'nothing of it is written down');
ok((wait_until { !$td->jobs() } 20), 'and there is no job, or not for long');
$disk->empty();
is($td->deliver($build)->{status}, 202, 'there is space again');
$td->becomes($build, 'live', 'and it is taken');

# in the middle: while a file is received

$build = $td->build(platforms => [ 'linux' ], size => 600_000);
$origin->script(qr/(?:AppImage|deb|rpm)$/ => { hold => 100_000 });
$td->deliver($build);
wait_until { $origin->flying() == 3 } 10, 'in the middle';
$disk->fill(64 * 1024);
$origin->script();

full($build, 'no space for a file');
is($t->api('GET', "/desktop/$old->{app}/latest-linux-build-$old->{id}.yml",
           undef, token => undef)->{status}, 200, 'what is there is served');
is(join("\n", $store->check()), '', 'the store is whole');
$disk->empty();
right($build, 'there is space again');

# it does not fit, however long one waits

$build = $td->build(platforms => [ 'linux' ], size => 4_000_000);
$td->deliver($build);
full($build, 'a build larger than the disk');
is($t->api('POST', "/releases/$build->{app}/$build->{id}/reject",
           { reason => 'too large' }, token => 'approve')->{status}, 200,
   'it is rejected');
$td->becomes($build, 'rejected', 'and over');

my $other = $td->build(platforms => [ 'linux' ], size => 5000);

is(join("\n", $store->check()), '', 'the store is whole');
unlink glob "$dir/store/staging/$build->{app}/$build->{id}/*/*";
is($td->deliver($other)->{status}, 202, 'another one');
right($other, 'which fits');

is(join("\n", $store->temporary()), '', 'nothing is left in tmp');

$t->stop();


# It waits and says why.

sub full {
    my ($build, $name) = @_;

    my $release;

    ok((wait_until {
        $release = $td->release($build);
        ($release->{attempts} // 0) >= 2;
    } 10, 'attempts'), "$name: it is tried again")
        or diag(json_encode($release));

    is($release->{state}, 'fetching', "$name: it is not given up");
    like($release->{reason} // '', qr/disk|space/i, "$name: it says why");
    is(join("\n", $td->visible($build)), '', "$name: not to be seen");
}


sub right {
    my ($build, $name) = @_;

    my $release = $td->becomes($build, 'live', "$name: live");

    is($release->{reason}, undef, "$name: without a reason");
    is(join("\n", $td->wrong_files($build)), '', "$name: the right bytes");
}
