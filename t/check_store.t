#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# make check-store: storage that does what a shared store needs is told from
# storage that does not.

use warnings;
use strict;

use File::Path qw/ make_path /;
use Test::More;

use Test::LiveUpdate;
use Test::LiveUpdate::Shared;

my $t = Test::LiveUpdate->new();
my $two = Test::LiveUpdate->new();
my $shared = Test::LiveUpdate::Shared->new($t, 3, seconds => 0.1);
my $local = Test::LiveUpdate::Shared->new($two, 2, seconds => 0.1,
                                          mode => 'local');
my $root = $Test::LiveUpdate::ROOT;

plan(tests => 22);

make_path(map { $t->testdir() . "/$_" } qw/ one two /);

# a local folder, twice

my ($said, $status) = check(map { $t->testdir() . '/one' } 1 .. 2);

is($status, 0, 'a local folder will do');
unlike($said, qr/^no/mi, 'for everything');
like($said, qr/^yes  with a lock and turns: 40 of 40/m, 'also for turns');
like($said, qr/^All holds/m, 'as it says');
is(left($t->testdir() . '/one'), '', 'nothing is left');

# caches that lie

($said, $status) = check(map { $shared->place($_) } 1 .. 3);

is($status, 0, 'so will a shared one with caches that lie');
unlike($said, qr/^NO/m, 'for everything that counts');
like($said, qr/^no   with a lock \(not relied on\): \d+ of 60/m,
     'it is said that they do');
like($said, qr/^yes  with a lock and turns: 60 of 60/m, 'turns are right');
like($said, qr/^yes  a replaced file is seen: median \d\d\d?\./m,
     'it takes its time');
like($said, qr/^folders 1 and 3$/m, 'each of three is looked at');
is(left($shared->dir()), '', 'nothing is left');

# locks that other machines do not see

($said, $status) = check(map { $local->place($_) } 1 .. 2);

is($status, 1, 'without locks it will not do');
like($said, qr/^NO   nor by another machine/m, 'and that is said');
like($said, qr/^Do not share a store on this/m, 'to the end');
is(left($local->dir()), '', 'nothing is left');

# mistakes

($said, $status) = check(map { $t->testdir() . "/$_" } qw/ one two /);

is($status, 2, 'two different folders');
like($said, qr/^NO   both folders are the same/m, 'are told');
is(left($t->testdir() . '/one'), '', 'nothing is left');
is((check($t->testdir() . '/one'))[1], 2, 'one folder');
is((check($t->testdir() . '/one', $t->testdir() . '/none'))[1], 2,
   'no folder');

# the target

$said = `make -s -C '$root' check-store DIRS='/nowhere /nowhere' 2>&1`;
like($said, qr{^check-store: /nowhere/.*: No such file}, 'make check-store');


sub check {
    my (@dirs) = @_;

    my $dirs = join ' ', map { "'$_'" } @dirs;
    my $built = `make -s -C '$root' build/check-store 2>&1`;

    die "cannot build check-store: $built\n" if $?;

    my $output = `'$root/build/check-store' -n 10 -w 2 $dirs 2>&1`;

    return ($output, $? >> 8);
}


sub left {
    my ($dir) = @_;

    opendir my $dh, $dir or return "cannot open: $!";

    return join ' ', grep { !/^\.\.?$/ } readdir $dh;
}
