#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# A file system that does not answer: it stops neither devices, nor the status,
# nor other stores and apps, nor the end of a worker; and when it answers again,
# all goes on.

use warnings;
use strict;

use Test::More;
use Time::HiRes qw/ sleep time /;

use Test::LiveUpdate qw/ :DEFAULT json_encode multipart zip /;
use Test::LiveUpdate::Fault;
use Test::LiveUpdate::HTTP qw/ connect_to parse_reply /;
use Test::LiveUpdate::Store;

use constant CALLS => 60;

# a worker has the copies that the test has asked for

$ENV{TEST_NGINX_WORKERS} = 1;

my $t = Test::LiveUpdate->new()->plan(36);
my $fault = Test::LiveUpdate::Fault->new($t);
my $dir = $t->testdir();
my $slow = $ENV{TEST_NGINX_ASAN} ? 10 : 3;

$t->write_file_expand('nginx.conf', <<'EOC');

%%TEST_GLOBALS%%

thread_pool  liveupdate  threads=16;

worker_shutdown_timeout  5s;

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    liveupdate_tokens   tokens;
    liveupdate_threads  liveupdate;

    server {
        listen  127.0.0.1:8080;

        liveupdate_store  store;

        location /v1/ {
            liveupdate_api;

            client_body_temp_path  store/tmp/body;
        }

        location /artifacts/ {
            liveupdate_artifacts;
            root  store;
        }

        location /status {
            liveupdate_status;
        }
    }

    server {
        listen  127.0.0.1:8081;

        liveupdate_store  other;

        location /v1/ {
            liveupdate_api;
        }
    }
}

EOC

$t->run();

my $app = $t->create_app('one');
my $second = $t->create_app('two');
my $other = $t->create_app('other', port => 8081);

$t->publish($_, undef, zip('index.html' => 'one')) for $app, $second;

my $url = $t->latest($app)->{json}{url} =~ s{^http://[^/]+}{}r;

is(parse_reply(http_end(get($url)))->{status}, 200, 'a file');
is($t->latest($second)->{status}, 200, 'a check');
ok(states()->{states}{live}, 'the status');

my $threads = threads();

# the whole store

$fault->hang('');
$t->mark_log();

# what nginx opens and stores it opens and stores in the event loop

sleep(1.2);

my $file = get($url);
my $upload = call('POST', "/v1/apps/$app/bundles/x/files", 'x' x 500_000);
my @calls = map { call('POST', "/v1/apps/$app/channels",
                       { name => "hung-$_" }),
                  call('GET', "/v1/apps/$app/channels"),
                  call('GET', '/v1/apps') } 1 .. CALLS / 3;

swift(sub { $t->latest($app)->{status} }, 200, 'a device is answered');
swift(sub { $t->latest($second)->{status} }, 200, 'of another app, too');
swift(sub { other('GET', '/v1/apps')->{status} }, 200,
      'a list of another store');
swift(sub { other('POST', "/v1/apps/$other/channels",
                  { name => 'meanwhile' })->{status} }, 201,
      'a change of another store');
swift(sub { $t->publish($other, undef, zip('index.html' => 'two'),
                        port => 8081)->{ok} }, 1,
      'a release of another store');

my $status = states();

ok($status && $status->{states}{live}, 'the status, with the last numbers');

my $reply = parse_reply(http_end($file));

is($reply->{status}, 503, 'the file is not waited for in the event loop');
like($reply->{raw}, qr/^Retry-After: \d+\r$/m, 'it says when to ask again');

is(parse_reply(http_end($upload))->{status}, 503, 'nor is an upload stored');

my @replies = map { parse_reply(http_end($_)) } @calls;

is(join(' ', distinct(map { $_->{status} } @replies)), '503',
   'calls are told so in the end');
is(scalar(grep { $_->{raw} !~ /^Retry-After: \d+\r$/m } @replies), 0,
   'and when to ask again');
like($replies[0]{json}{message}, qr/^The disk of the server does not answer/,
     'and what it is');

# now it is known

swift(sub { $t->api('GET', "/v1/apps/$app/channels")->{status} }, 503,
      'another call is told so at once');
swift(sub { $t->upload($app, 'x', zip('index.html' => 'x' x 1_000_000),
                       )->{status} }, 503, 'an upload is not even received');
swift(sub { parse_reply(http_end(get($url)))->{status} }, 503,
      'no file is opened');
swift(sub { $t->latest($app)->{status} }, 200, 'devices are answered');

$status = undef;
swift(sub { $status = states(); 200 }, 200, 'the status');
ok($status->{states}{live}, 'has its numbers');
is(threads(), $threads, 'no thread was made for it');

# it answers

$fault->answer();
ok(wait_until { $t->api('GET', "/v1/apps/$app/channels")->{status} == 200 } 10,
   'it answers again');
is(parse_reply(http_end(get($url)))->{status}, 200, 'with files');
is($t->publish($app, undef, zip('index.html' => 'three'))->{ok}, 1,
   'and takes releases');
is(join("\n", Test::LiveUpdate::Store->new("$dir/store")->check()), '',
   'the store is whole');

# an app that is on a disk of its own

$t->latest($app);
$fault->hang("/$app");
@calls = map { call('POST', "/v1/apps/$app/channels", { name => "again-$_" }) }
    1 .. CALLS;

sleep(0.2);
swift(sub { $t->api('GET', "/v1/apps/$second/channels")->{status} }, 200,
      'a list of another app');
swift(sub { $t->publish($second, undef, zip('index.html' => 'four'))->{ok} }, 1,
      'a release of another app');
swift(sub { $t->latest($app)->{status} }, 200, 'a device of the app');
swift(sub { $t->latest($second)->{status} }, 200, 'a device of the other');
is(join(' ', distinct(map { parse_reply(http_end($_))->{status} } @calls)),
   '503', 'calls are told so in the end');

# a worker that is told to quit

my ($worker) = $t->workers();

$t->mark_log();
kill 'HUP', $t->{master};
ok(wait_until { !kill 0, $worker } 20, 'the worker leaves the thread behind');
like($t->read_log($t->{mark}), qr/the worker exits without it/, 'and says so');
swift(sub { other('GET', '/v1/apps')->{status} }, 200, 'the next one works');

$fault->answer();
ok(wait_until { $t->api('GET', "/v1/apps/$app/channels")->{status} == 200 } 10,
   'it answers again');
is(join("\n", Test::LiveUpdate::Store->new("$dir/store")->check()), '',
   'the store is whole');


sub get {
    my ($uri) = @_;

    my $s = connect_to('127.0.0.1:' . port(8080));

    print {$s} "GET $uri HTTP/1.1\r\nHost: localhost\r\n"
               . "Connection: close\r\n\r\n";

    return $s;
}


sub call {
    my ($method, $uri, $json) = @_;

    my $body = ref $json ? json_encode($json) : $json // '';
    my $s = connect_to('127.0.0.1:' . port(8080));

    print {$s} "$method $uri HTTP/1.1\r\nHost: localhost\r\n"
               . "Connection: close\r\n"
               . 'Authorization: Bearer ' . $t->token('admin') . "\r\n"
               . "Content-Type: application/json\r\n"
               . 'Content-Length: ' . length($body) . "\r\n\r\n$body";

    return $s;
}


sub other {
    return $t->api(@_[0 .. 1], $_[2], port => 8081);
}


sub states {
    return $t->api('GET', '/status?format=json', undef,
                   token => undef)->{json}{releases};
}


sub swift {
    my ($code, $expected, $name) = @_;

    my $from = time();
    my $got = $code->();
    my $took = time() - $from;

    is($took < $slow ? $got : "$got after $took s", $expected, $name);
}


sub threads {
    my @threads = map { glob "/proc/$_/task/*" } $t->workers();

    return scalar @threads;
}


sub distinct {
    my %values = map { $_ => 1 } @_;

    return sort keys %values;
}
