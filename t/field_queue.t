#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Calls that wait: one app, or one lock, fills a fourth of the queues at most,
# so that a publisher who makes calls by the thousand stops nobody else.

use warnings;
use strict;

use POSIX ();
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_encode /;
use Test::LiveUpdate::Fault;
use Test::LiveUpdate::HTTP qw/ connect_to parse_reply /;
use Test::LiveUpdate::Store;

# docs/api.md: of 1,000; and the threads that work for an app at once

use constant { MANY => 1300, SHARE => 250, THREADS => 4 };

# all of them are connected at the same time

use constant FILES => 4096;

exec('sh', '-c', 'ulimit -S -n ' . FILES . ' && exec "$0" "$@"', $^X,
     map({ "-I$_" } @INC), $0)
    if POSIX::sysconf(POSIX::_SC_OPEN_MAX) < FILES;

# the queues are those of a worker

$ENV{TEST_NGINX_WORKERS} = 1;

my $t = Test::LiveUpdate->new()->plan(16);
my $fault = Test::LiveUpdate::Fault->new($t);
my $store = Test::LiveUpdate::Store->new($t->testdir() . '/store');

$t->config_reference()->run();

my $number = 0;
my @apps = qw/ slow-1 slow-2 other /;

$t->api('POST', '/v1/apps', { id => $_, name => $_, type => 'electron' })
    for @apps;

# threads: all of them wait for the disk, and calls for the threads

my @second;

$fault->hang('/slow-');

my @first = map { call('GET', '/v1/apps/slow-1') } 1 .. MANY;

push @second, call('GET', '/v1/apps/slow-2') for 1 .. THREADS;

my $other = call('GET', '/v1/apps/other');

# the answers of a worker to whoever it turns away at once

is($t->api('GET', '/v1/apps/slow-1')->{status}, 503,
   'an app that has its share is refused');
ok(!answered($other), 'another one is not');

$fault->answer();
is(parse_reply(http_end($other))->{status}, 200, 'it gets a thread');
is(statuses(@second), '200: ' . THREADS, 'and so does the second one');

my @replies = map { parse_reply(http_end($_)) } @first;

is(numbers(@replies),
   '200: ' . (THREADS + SHARE) . ', 503: ' . (MANY - THREADS - SHARE),
   'the share of the first one is the fourth part');
is(scalar(grep { $_->{status} == 503
                 && $_->{raw} !~ /^Retry-After: \d+\r$/m } @replies), 0,
   'whoever is refused hears when to ask again');

# locks: who has a lock that another app waits for is no matter

parse_reply(http_end(rename_app($_))) for @apps;

my $generation = $store->app('slow-1')->{generation};
my @locks = map { $store->lock("apps/$_/lock") } @apps[0, 1];

@first = ();

while (@first < MANY) {
    push @first, map { rename_app('slow-1') } 1 .. 100;

    # it had a thread after them
    $t->api('GET', '/v1/apps/slow-1');
}

$other = rename_app('slow-2');
is($t->api('GET', '/v1/apps/slow-2')->{status}, 200, 'reading waits for none');
ok(!answered($other), 'a call that needs another lock is not refused');

close $locks[1];
is(parse_reply(http_end($other))->{status}, 200, 'it gets it');

close $locks[0];
@replies = map { parse_reply(http_end($_)) } @first;

is(numbers(@replies), '200: ' . SHARE . ', 503: ' . (MANY - SHARE),
   'for one lock a fourth of the calls waits');
is(scalar(grep { $_->{status} == 503
                 && $_->{raw} !~ /^Retry-After: \d+\r$/m } @replies), 0,
   'whoever is refused hears when to ask again');
is($store->app('slow-1')->{generation}, $generation + SHARE,
   'what was answered with 200 was done, and nothing else');

# and afterwards

is($t->api('GET', "/v1/apps/$_")->{status}, 200, "$_ is there") for @apps;
is(join("\n", $store->check()), '', 'the store is whole');


sub call {
    my ($method, $uri, $body) = @_;

    my $text = $body ? json_encode($body) : '';
    my $s = connect_to('127.0.0.1:' . port(8080));

    print {$s} "$method $uri HTTP/1.1\r\nHost: localhost\r\n"
               . "Connection: close\r\n"
               . 'Authorization: Bearer ' . $t->token('admin') . "\r\n"
               . "Content-Type: application/json\r\n"
               . 'Content-Length: ' . length($text) . "\r\n\r\n$text";

    return $s;
}


sub rename_app {
    my ($id) = @_;

    return call('PATCH', "/v1/apps/$id", { name => "$id " . ++$number });
}


# Something has come on the socket.

sub answered {
    my ($s) = @_;

    my $in = '';

    vec($in, fileno $s, 1) = 1;

    return select $in, undef, undef, 0.1;
}


sub statuses {
    return numbers(map { parse_reply(http_end($_)) } @_);
}


sub numbers {
    my %numbers;

    $numbers{$_->{status}}++ for @_;

    return join ', ', map { "$_: $numbers{$_}" } sort keys %numbers;
}
