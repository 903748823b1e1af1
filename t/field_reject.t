#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# A disk that fails, or is full, while a release is rejected: nothing is
# rejected without an entry in the audit log, and the call can be repeated.

use warnings;
use strict;

use Errno qw/ EIO ENOSPC /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT zip /;
use Test::LiveUpdate::Dist qw/ manifest upload /;
use Test::LiveUpdate::Fault;
use Test::LiveUpdate::Store;

my $t = Test::LiveUpdate->new()->plan(9);
my $fault = Test::LiveUpdate::Fault->new($t);
my $dir = $t->testdir() . '/store';
my $store = Test::LiveUpdate::Store->new($dir);
my $reason = 'it is not what we want';

$t->config_reference(sub {
    s{^liveupdate_approval .*}{liveupdate_approval  on;}m;
})->run();

my $app = 'shop';
my $serial = 0;

$t->api('POST', '/v1/apps', { id => $app, name => $app, type => 'electron' });

# which calls are made, once

my $one = staged();

$fault->arm('count');
is(reject($one)->{status}, 200, 'rejected');

my %counts = $fault->disarm();

ok($counts{rename} >= 2 && $counts{write} >= 3,
   'a line is appended, and two files are replaced');

# each of them fails once; without a reserve nothing is tried again

my (@unlogged, @lost, @stuck, @other);

for my $error (EIO, ENOSPC) {
    for my $call (qw/ open write fsync rename /) {
        for my $n (1 .. $counts{$call}) {
            my $id = staged();
            my $what = "$call $n, error $error";

            unlink map { "$dir/.reserve.$_" } 0 .. 3;

            $fault->arm('error', $call, $n, $error);

            my $status = reject($id)->{status};
            my $fired = $fault->fired();

            $fault->disarm();

            next unless defined $fired;

            my $state = state($id);
            my $lines = logged($id);

            push @unlogged, $what if $state eq 'rejected' && !$lines;
            push @lost, $what if $status < 300
                                 && ($state ne 'rejected' || !$lines);

            # done at the last sync: there is nothing to repeat
            next if $state eq 'rejected' && $lines;

            push @stuck, "$what: $status" if reject($id)->{status} != 200;
            push @other, $what if state($id) ne 'rejected' || !logged($id);
        }
    }
}

is(join(', ', @unlogged), '', 'nothing is rejected without an entry');
is(join(', ', @lost), '', 'what was answered with 200 was done');
is(join(', ', @stuck), '', 'else the call can be repeated');
is(join(', ', @other), '', 'and is done then');

is(join("\n", $store->check()), '', 'the store is whole');
is(join("\n", $store->temporary()), '', 'nothing is left in tmp');
is($t->api('POST', "/releases/$app/$one/reject", { reason => $reason },
           token => 'approve')->{status}, 409, 'once is enough');


sub staged {
    my $id = 'r' . ++$serial;
    my %files = ("Shop Setup 1.0.$serial.exe" => $id);

    upload($t, $app, $id,
           { %files, 'latest.yml' => manifest("1.0.$serial", \%files) });

    $t->api('POST', "/releases/$app/$id/stage", {}, token => 'publish');

    return $id;
}


sub reject {
    my ($id) = @_;

    return $t->api('POST', "/releases/$app/$id/reject", { reason => $reason },
                   token => 'approve');
}


sub state {
    my ($id) = @_;

    return $store->release($app, $id, 'staging')->{state};
}


sub logged {
    my ($id) = @_;

    return scalar grep { $_->{change} eq 'release.reject'
                         && $_->{subject} eq $id } $store->audit($app);
}
