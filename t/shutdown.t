#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# The end of nginx: with QUIT what was begun is finished, with TERM it is
# not, and no start after that needs a repair.

use warnings;
use strict;

use Digest::SHA qw/ sha256_hex /;
use Test::More;
use Time::HiRes qw/ sleep time /;

use Test::LiveUpdate qw/ :DEFAULT json_encode machine multipart zip /;
use Test::LiveUpdate::HTTP qw/ connect_to parse_reply /;
use Test::LiveUpdate::Store;

my $t = Test::LiveUpdate->new()->plan(19);

$t->config_reference();
$t->run();

my $dir = $t->testdir();
my $store = Test::LiveUpdate::Store->new("$dir/store");
my $app = $t->create_app('shutdown');
my $path = "/v1/apps/$app/bundles";
my $zip = zip('index.html' => 'x' x 1000);
my $bundle = $t->publish($app, undef, $zip)->{bundle};
my $slow = $ENV{TEST_NGINX_ASAN} ? 10 : 3;

# nothing to do: a check, which also looks for changes, and an idle connection

my $s = connect_to('127.0.0.1:' . port(8080));

$t->latest($app);
sleep(1.1);
$t->latest($app, _socket => $s, _headers => [Connection => 'keep-alive']);
cmp_ok(seconds(), '<', $slow, 'quits soon after a check');
is(sysread($s, my $nothing, 1), 0, 'and closes idle connections');

# a call that waits

$t->run();

my $lock = $store->lock("apps/$app/lock");
my $text = json_encode({ name => 'waited' });

$s = http_start(head('POST', "/v1/apps/$app/channels", length $text) . $text);
sleep(0.2);
kill 'QUIT', $t->{master};
sleep(0.3);
ok(!connects(), 'who comes after QUIT is not let in');
close $lock;
is(parse_reply(http_end($s))->{status}, 201, 'the call that waited is done');
close $s;
cmp_ok(seconds(), '<', $slow, 'then it quits');

$t->run();
is($t->api('GET', "/v1/apps/$app/channels?name=waited")->{json}[0]{name},
   'waited', 'and it is done');

# an upload that takes its time

my $id = $t->api('POST', $path, { artifactType => 'zip' })->{json}{id};
my $large = zip('index.html' => 'x', noise => noise(500_000));
my ($body, $type) = multipart(
    checksum => sha256_hex($large), sizeInBytes => length $large,
    file => { bytes => $large, filename => 'bundle.zip' });
my $half = length($body) / 2;

$s = connect_to('127.0.0.1:' . port(8080));
print {$s} head('POST', "$path/$id/files", length $body, $type)
           . substr $body, 0, $half;
sleep(0.2);
kill 'QUIT', $t->{master};
sleep(0.2);
print {$s} substr $body, $half;
is(parse_reply(http_end($s))->{status}, 201, 'an upload across QUIT');
close $s;
cmp_ok(seconds(), '<', $slow, 'then it quits');

$t->run();
is($t->api('PATCH', "$path/$id", { artifactStatus => 'ready' })->{status},
   200, 'and is ready after a start');

# TERM in the midst of an upload

$id = $t->api('POST', $path, { artifactType => 'zip' })->{json}{id};
$s = connect_to('127.0.0.1:' . port(8080));
print {$s} head('POST', "$path/$id/files", length $body, $type)
           . substr $body, 0, $half;
sleep(0.2);
kill 'TERM', $t->{master};
ok(wait_until { !connects() } 5, 'TERM');
http_end($s);
cmp_ok(seconds(), '<', $slow, 'ends it');

$t->run();
is($t->tree('store/tmp'), "\n", 'nothing is left in tmp/');
ok(!glob("$dir/temp/body/*"), 'nor of the body');
is($t->upload($app, $id, $large)->{status}, 201, 'the upload goes on');
is($t->api('PATCH', "$path/$id", { artifactStatus => 'ready' })->{status},
   200, 'to its end');
is($t->latest($app)->{json}{bundleId}, $id, 'and devices get it');

# TERM while calls run, to workers that are to stay: nginx before 1.25.4 says
# of those that are on their way out that they leave sockets open

$t->steady();

my @sockets = map {
    my $text = json_encode({ name => "term-$_" });

    http_start(head('POST', "/v1/apps/$app/channels", length $text) . $text);
} 1 .. 50;

kill 'TERM', $t->{master};

my @done = grep {
    my $reply = parse_reply(http_end($sockets[$_ - 1]) // '');

    $reply && $reply->{status} == 201;
} 1 .. 50;

seconds();

# the master itself kills workers that have to wait for a slow disk

$t->{kills}{$_} = 1 for $t->read_log() =~ /process (\d+) exited on signal 9/g;

$t->run();

my %there = map { $_->{name} => 1 }
    @{$t->api('GET', "/v1/apps/$app/channels?limit=1000")->{json}};

is_deeply([grep { !$there{"term-$_"} } @done], [],
          'what was answered is there: ' . @done . ' of 50');
is($t->latest($app)->{json}{bundleId}, $id, 'and devices get what they got');
is($t->publish($app, undef, $zip)->{ok}, 1, 'and it goes on');

###############################################################################

# How long it takes to quit.

sub seconds {
    my $from = time();

    $t->{killed} = 0;
    kill 'QUIT', $t->{master};
    $t->wait_exit(10) or die "nginx does not quit\n";
    delete @$t{qw/ master child /};

    return time() - $from;
}


sub connects {
    return IO::Socket::INET->new(Proto => 'tcp',
                                 PeerAddr => '127.0.0.1:' . port(8080));
}


sub head {
    my ($method, $uri, $length, $type) = @_;

    return "$method $uri HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
           . 'Authorization: Bearer ' . $t->token('admin') . "\r\n"
           . 'Content-Type: ' . ($type // 'application/json') . "\r\n"
           . "Content-Length: $length\r\n\r\n";
}


sub noise {
    my ($length) = @_;

    open my $fh, '<:raw', '/dev/urandom' or die;
    read($fh, my $bytes, $length) == $length or die;

    return $bytes;
}
