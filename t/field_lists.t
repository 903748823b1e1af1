#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Every list has pages, and a page reads the files of what is on it, however
# much there is besides.  What must not be read is not readable here, so that
# whoever reads it gets an error.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_decode json_encode /;

use constant MANY => 1200;

my $t = Test::LiveUpdate->new()->plan(50);

$t->config_reference();
$t->run();

my $dir = $t->testdir();
my $app = $t->create_app('Shop');

# bundles as this version announces them

my @bundles = map {
    $t->publish($app, 'default', { 'index.html' => $_ })->{bundle}
} 1 .. 5;

like($bundles[$_ - 1], qr/-0{11}$_$/, "the id of number $_ ends with it")
    for 1, 5;

is_deeply([ ids("/v1/apps/$app/builds") ], [ reverse @bundles ],
          'builds, newest first');
is_deeply([ ids("/v1/apps/$app/builds?limit=2&offset=1") ],
          [ @bundles[3, 2] ], 'a page of them');
is_deeply([ ids("/v1/apps/$app/builds?offset=5") ], [], 'behind the last');
is_deeply([ ids("/v1/apps/$app/builds?limit=0") ], [], 'nothing of them');
is_deeply([ ids("/v1/apps/$app/builds?numberAsString=3") ], [ $bundles[2] ],
          'by its number');
is_deeply([ ids("/v1/apps/$app/builds?numberAsString=03") ], [],
          'as the number is written');
is_deeply([ ids("/releases/$app") ], [ reverse @bundles ],
          'releases, newest first');

# and many more, of which only some can be read

my $model = json_decode(
    $t->read_file("store/live/$app/$bundles[0]/release.json"));

for my $number (6 .. MANY) {
    make($number, sprintf('%08x-1111-8111-8111-%012d',
                          $number * 2654435761 % 2 ** 32, $number),
         'live', $number > MANY - 50 || $number == 77);
}

is(scalar ids("/v1/apps/$app/builds"), 50, '50 by default');
is_deeply([ numbers("/v1/apps/$app/builds?limit=50") ],
          [ reverse MANY - 49 .. MANY ], 'the newest ones, and no other file');
is_deeply([ numbers("/v1/apps/$app/builds?limit=10&offset=40") ],
          [ reverse MANY - 49 .. MANY - 40 ], 'their last ones');
is_deeply([ numbers("/v1/apps/$app/builds?limit=3&offset=" . (MANY - 3)) ],
          [ 3, 2, 1 ], 'the last page, without those in front of it');
is_deeply([ numbers("/v1/apps/$app/builds?numberAsString=77") ], [ 77 ],
          'one of them');
is_deeply([ numbers("/releases/$app?limit=50") ],
          [ reverse MANY - 49 .. MANY ], 'releases');
is_deeply([ numbers("/releases/$app?limit=3&offset=" . (MANY - 3)) ],
          [ 3, 2, 1 ], 'their last page');
is_deeply([ numbers("/releases/$app?state=live") ], [ reverse 1 .. 5 ],
          'of those that are live');
is_deeply([ numbers("/releases/$app?state=live&limit=2&offset=3") ], [ 2, 1 ],
          'a page of them');
is_deeply([ numbers("/releases/$app?state=withdrawn&limit=50") ],
          [ reverse MANY - 49 .. MANY ], 'of those that were withdrawn');

# bundles of an earlier version, whose ids tell nothing

my $old = $t->create_app('Old');

make($_, sprintf('%08x-1111-4111-8111-111111111111',
                 $_ * 2654435761 % 2 ** 32), 'live', 1, $old) for 1 .. 120;

edit("store/apps/$old/app.json", sub { $_[0]{nextBuildNumber} = 121 });

is_deeply([ numbers("/v1/apps/$old/builds?limit=3&offset=10") ],
          [ 110, 109, 108 ], 'builds of an earlier version');
is_deeply([ numbers("/v1/apps/$old/builds?numberAsString=7") ], [ 7 ],
          'one of them');

my $new = $t->publish($old, 'default', { 'index.html' => 'new' })->{bundle};

is_deeply([ numbers("/v1/apps/$old/builds?limit=3") ], [ 121, 120, 119 ],
          'and a new one');

$t->write_file("store/live/$old/$_/release.json", '{')
    for grep { $_ ne $new } releases($old);

is_deeply([ numbers("/v1/apps/$old/builds?limit=1") ], [ 121 ],
          'for the new one the old ones are not read');
is_deeply([ numbers("/v1/apps/$old/builds?numberAsString=121") ], [ 121 ],
          'nor for its number');

# an id that looks like a number is no number

my $fake = 'ffffffff-1111-8111-8111-000000005000';

make(3, $fake, 'live', 1);
edit("store/live/$app/$fake/release.json", sub {
    delete $_[0]{number};
    $_[0]{kind} = 'desktop';
});

is_deeply([ numbers("/v1/apps/$app/builds?numberAsString=5000") ], [],
          'a desktop release with such an id is no build');

# staging: what is on its way, what has no description yet

my $staged = $t->create_app('Staged');

for my $number (1 .. 120) {
    make($number, "s$number", 'staging', 1, $staged,
         state => $number % 3 ? 'failed' : 'rejected');
}

mkdir "$dir/store/staging/$staged/$_" for 's05', 's999';

my @all = map { ids("/releases/$staged?limit=50&offset=$_") } 0, 50, 100;

is(scalar @all, 120, 'pages of releases in staging');
is(join(' ', @all), join(' ', reverse sort map { "s$_" } 1 .. 120),
   'are all of them, in order, each once');
is(scalar ids("/releases/$staged?state=failed&limit=1000"), 80,
   'those in one state');

@all = map { ids("/releases/$staged?state=rejected&limit=15&offset=$_") }
    0, 15, 30;
is(scalar keys %{{ map { $_ => 1 } @all }}, 40, 'and pages of them');

# staged and live together

my $both = $t->create_app('Both');

make($_, "live$_", 'live', 1, $both) for 1 .. 7;
make($_, "staged$_", 'staging', 1, $both, state => 'uploading') for 1 .. 7;

is(join(' ', map { ids("/releases/$both?limit=5&offset=$_") } 0, 5, 10),
   join(' ', (map { "staged$_" } reverse 1 .. 7),
        map { "live$_" } reverse 1 .. 7),
   'pages go from staging to live');

# a page that is too large

make($_, "big$_", 'live', 1, $both, gitRef => 'g' x 1_000_000) for 1 .. 30;

$t->refused(sub { $t->api('GET', "/releases/$both?state=withdrawn"
                                 . '&limit=40&offset=7') },
            qr/^422 .* lower "limit"\.$/, 'a page of 30 MB');
is(scalar ids("/releases/$both?state=withdrawn&limit=8&offset=7"), 8,
   'a smaller one');

# apps

my @apps = map { sprintf 'a%04d', $_ } 1 .. MANY;

for my $id (@apps) {
    mkdir "$dir/store/apps/$id";
    $t->write_file("store/apps/$id/app.json",
                   $id lt 'a0021' || $id eq 'a1100'
                   ? json_encode(app_of($id)) : '{');
}

mkdir "$dir/store/apps/a0000";

is_deeply([ ids('/v1/apps?limit=20') ], [ sort_apps(0, 20) ],
          'apps: the first page, and no other file');
is_deeply([ ids('/v1/apps?limit=2&offset=' . offset_of('a0005')) ],
          [ 'a0005', 'a0006' ], 'a page');
is_deeply([ ids('/v1/apps?limit=1&offset=' . offset_of('a1100')) ],
          [ 'a1100' ], 'far behind');

my $default = '00000000-0000-4000-8000-000000000000';

is_deeply([ ids("/v1/apps?organizationId=$default&limit=1&offset="
                . offset_of('a1100')) ],
          [ 'a1100' ], 'as the CLI asks, of the only organization');
is_deeply([ ids('/v1/apps?organizationId=other') ], [], 'there is no other');
is_deeply([ ids('/v1/apps?query=App%20a000&limit=9') ],
          [ map { "a000$_" } 1 .. 9 ], 'by a part of their names');
is_deeply([ ids('/v1/apps?name=App%20a0003&limit=1') ], [ 'a0003' ],
          'by a name');

$t->write_file("store/apps/$_/app.json", json_encode(app_of($_))) for @apps;

is(scalar ids('/v1/apps'), 50, '50 by default');
is(scalar ids('/v1/apps?limit=5000'), 1000, '1000 at most');

# organizations, channels, deployments, devices, the audit log

$t->write_file('store/organizations.json', json_encode(
    [ map { { id => "o$_", name => "O $_" } } 1 .. 120 ]));

is_deeply([ ids('/v1/organizations?limit=2&offset=100') ], [ 'o101', 'o102' ],
          'organizations');

edit("store/apps/$app/app.json", sub {
    my ($json) = @_;

    my @channels = map { {
        id => "c$_", name => "name $_", createdAt => $json->{createdAt},
        updatedAt => $json->{createdAt}, protectedAt => undef,
        pausedAt => undef, expiresAt => undef, deployments => []
    } } 1 .. 300;

    # each channel in its own order, and all of them by time

    for my $n (1 .. 3000) {
        unshift @{$channels[$n % 300]{deployments}}, {
            id => "d$n", release => $bundles[$n % 5], rollout => 1,
            createdBy => 'x', map { $_ => sprintf '2026-11-21T%02d:%02d:%02d'
                . '.000Z', $n / 3600, $n / 60 % 60, $n % 60 }
                qw/ createdAt updatedAt /
        };
    }

    $json->{channels} = \@channels;
    $json->{appChannelId} = 'c1';
    $json->{appChannelDiscoveryEnabled} = \1;
});

is_deeply([ ids("/v1/apps/$app/channels?limit=2&offset=250") ],
          [ 'c251', 'c252' ], 'channels');
is_deeply([ ids("/v1/apps/$app/deployments?limit=3&offset=1000") ],
          [ 'd2000', 'd1999', 'd1998' ], 'deployments of all channels');
is_deeply([ ids("/v1/apps/$app/deployments?appChannelId=c8&limit=2&offset=8") ],
          [ 'd307', 'd7' ], 'of one channel');
is_deeply([ ids("/v1/apps/$app/deployments?appBuildId=$bundles[1]&limit=2") ],
          [ 'd2996', 'd2991' ], 'of one build');
is(scalar ids("/v1/apps/$app/deployments?appBuildId=none"), 0, 'of none');

# what devices may list

wait_until { ids("/v1/apps/$app/channels?limit=1", undef) } 10, 'discovery';

is(scalar ids("/v1/apps/$app/channels", undef), 50, 'discovery: 50');
is_deeply([ ids("/v1/apps/$app/channels?limit=2&offset=298", undef) ],
          [ 'c98', 'c99' ], 'its last page, by name');
is_deeply([ ids("/v1/apps/$app/channels?limit=2&offset=9&query=e+29", undef) ],
          [ 'c298', 'c299' ], 'of those with a part of the name');


# The items of a page.

sub page {
    my ($path, @token) = @_;

    my $reply = $t->api('GET', $path, undef,
                        @token ? (token => $token[0]) : ());

    return @{$reply->{json}} if ref $reply->{json} eq 'ARRAY';

    diag("$path: $reply->{status} $reply->{body}");

    return;
}


sub ids {
    return map { $_->{id} } page(@_);
}


sub numbers {
    return map { $_->{number} // $_->{numberAsString} } page(@_);
}


# A release as another one, which can be read or not.

sub make {
    my ($number, $id, $place, $good, $to, %more) = @_;

    $to //= $app;

    my $folder = "store/$place/$to/$id";

    mkdir "$dir/store/$place/$to";
    mkdir "$dir/$folder" or die "no $folder: $!\n";

    $t->write_file("$folder/release.json", $good ? json_encode({
        %$model, id => $id, app => $to, number => $number, %more }) : '{');
}


sub releases {
    my ($of) = @_;

    return map { s{.*/}{}r } glob "$dir/store/live/$of/*";
}


sub edit {
    my ($path, $change) = @_;

    my $json = json_decode($t->read_file($path));

    $change->($json);
    $t->write_file($path, json_encode($json));
}


sub app_of {
    my ($id) = @_;

    my $json = json_decode($t->read_file("store/apps/$both/app.json"));

    return { %$json, id => $id, name => "App $id" };
}


# The ids of all apps in order, and where one is among them.

sub sort_apps {
    my ($from, $n) = @_;

    my @sorted = sort @apps, $app, $old, $staged, $both;

    return @sorted[$from .. $from + $n - 1];
}


sub offset_of {
    my ($id) = @_;

    my @sorted = sort_apps(0, @apps + 4);

    return (grep { $sorted[$_] eq $id } 0 .. $#sorted)[0];
}
