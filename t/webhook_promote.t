#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# A build that is announced again at the moment at which it is promoted is not
# fetched again.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT /;
use Test::LiveUpdate::Fault;
use Test::LiveUpdate::Store;
use Test::LiveUpdate::ToDesktop;

my $t = Test::LiveUpdate->new()->plan(10);
my $td = Test::LiveUpdate::ToDesktop->new($t);
my $fault = Test::LiveUpdate::Fault->new($t);

$td->configure(approval => 'on');
$t->run();

my $store = Test::LiveUpdate::Store->new($t->testdir() . '/store');
my $build = $td->build(platforms => [ 'linux' ], size => 1000);
my $path = "/releases/$build->{app}";

$td->deliver($build);
$td->becomes($build, 'staged', 'it waits');
$td->{origin}->mark();

# which of the calls makes the folder in staging

$fault->only("staging/$build->{app}/$build->{id}");
$fault->arm('count');
is($td->deliver($build)->{json}{state}, 'staged', 'announced again');

my %counts = $fault->disarm();

# there it waits until the build is promoted

$fault->arm('wait', 'mkdir', $counts{mkdir});
$t->run_daemon(sub { $t->write_file('answer', $td->deliver($build)->{raw}) });
ok((wait_until { $fault->fired() } 10), 'and once more');
is($fault->fired(), "staging/$build->{app}/$build->{id}",
   'up to its folder in staging');
is($t->api('POST', "$path/$build->{id}/promote", {},
           token => 'approve')->{status}, 200, 'promoted');
$fault->disarm();
ok((wait_until { $t->read_file('answer') } 10), 'the announcement goes on');
like($t->read_file('answer'), qr/^HTTP\S+ 200 .*"state":"live"/s,
     'and is told that it is live');

is(join(' ', map { "$_->{id} $_->{state}" }
             @{$t->api('GET', $path, undef, token => 'read')->{json}}),
   "$build->{id} live", 'it is there once');
is(join(' ', $td->{origin}->requests()), '', 'and nothing was fetched again');
is(join("\n", $store->check(unfinished => 0)), '', 'the store is whole');
