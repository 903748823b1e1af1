#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# A server without approval is killed while a call stages a desktop release: a
# release that was verified by then is live a moment later, without another
# call, and one that was not is staged by the same call again.  What a person
# withdraws stays withdrawn.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate;
use Test::LiveUpdate::Fault;
use Test::LiveUpdate::Release qw/ dist /;
use Test::LiveUpdate::Store;

use constant SOME => 20;

my $t = Test::LiveUpdate->new()->plan(7);
my $fault = Test::LiveUpdate::Fault->new($t);

$t->config_reference()->run();

my $store = Test::LiveUpdate::Store->new($t->testdir() . '/store');
my $n = 0;

$t->api('POST', '/v1/apps', { id => 'shop', name => 'Shop',
                              type => 'electron' });

$fault->arm('count');
is(stage(), '200', 'a release without a fault');
my %counts = $fault->disarm();

my @wrong;

for my $some ($fault->some(SOME, %counts)) {
    my ($call, $nth) = @$some;

    add();
    $fault->arm('kill', $call, $nth);
    stage();

    my $path = $fault->fired();

    $fault->disarm();

    my $staged = state() =~ /^(?:staged|live|withdrawn)$/;

    stage() if !$staged;

    Test::LiveUpdate::wait_quietly(sub { state() eq 'live' }, 10);

    push @wrong, "$call $nth (" . ($path // 'nowhere') . '): ' . state()
        . ($staged ? ', verified' : '') if state() ne 'live';
}

is(join("\n", @wrong), '', 'all are live');
is(join(' ', glob $t->testdir() . '/store/jobs/*'), '', 'no jobs are left');
is(join("\n", $store->check), '', 'the store is sound');

is($t->api('POST', "/releases/shop/r$n/withdraw", {}, token => 'approve')
   ->{json}{state}, 'withdrawn', 'one is withdrawn');
is(stage(), '404', 'and is not staged again');
is(state(), 'withdrawn', 'but stays so');


sub add {
    $n++;

    dist($t, 'shop', "r$n", { 'latest.yml' => ["1.0.$n", "S 1.0.$n.exe"] });
}


sub stage {
    add() if !$n;

    my $reply = eval {
        $t->api('POST', "/releases/shop/r$n/stage", {}, token => 'publish')
    };

    return $reply ? $reply->{status} : 'no answer';
}


sub state {
    return $t->api('GET', "/releases/shop/r$n")->{json}{state} // 'none';
}
