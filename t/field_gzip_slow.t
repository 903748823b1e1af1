#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# A large file is compressed slowly: as long as one block after the other is
# done, the thread that waits for them does not hang.

use warnings;
use strict;

use Test::More;
use Time::HiRes qw/ sleep time /;

use Test::LiveUpdate qw/ :DEFAULT json_encode /;
use Test::LiveUpdate::Clock;
use Test::LiveUpdate::Fault;
use Test::LiveUpdate::HTTP qw/ connect_to parse_reply /;
use Test::LiveUpdate::Store;

# Each second that passes here is twenty for nginx, which looks once a second,
# and takes a thread that has done nothing for 30 seconds for one that hangs.

use constant { FASTER => 20, LATE => 30, LASTS => 8, SLOW => 0.3 };

my $t = Test::LiveUpdate->new()->plan(5);
my $dir = $t->testdir();
my $fault = Test::LiveUpdate::Fault->new($t);
my $clock = Test::LiveUpdate::Clock->new($t);

$t->env(LD_PRELOAD => "$dir/fault.so $dir/clock.so");
$t->config_reference()->run();

my $app = $t->create_app('slow');
my ($threads) = (`getconf _NPROCESSORS_ONLN`, 1);

$threads = 8 if $threads > 8;

# rounds of blocks of 1 MB, which take hardly any time of a processor

my $blocks = $threads * int(LASTS / SLOW);

my $bundle = $t->api('POST', "/v1/apps/$app/bundles",
                     { artifactType => 'manifest' })->{json}{id};
my %files = ('index.html' => '<!DOCTYPE html>',
             'large.json' => "\0" x ($blocks * 1024 * 1024));
my %manifest = Test::LiveUpdate::API::manifest_of(\%files);

%files = (%files, %manifest);

for my $href (sort keys %files) {
    $t->upload($app, $bundle, $files{$href}, href => $href);
}

$fault->slow(SLOW * 1000, '/staging/');

my $from = time();
my $call = ready();
my $in = '';

vec($in, fileno $call, 1) = 1;

until (select my $out = $in, undef, undef, 1 / FASTER) {
    $clock->passes(1);
}

my $took = (time() - $from) * FASTER;

$fault->slow(0);

my $reply = parse_reply(http_end($call));

is($reply->{status}, 200, 'a large file is ready') or diag($reply->{raw});
cmp_ok($took, '>', LATE, "after what is $took seconds for nginx");
unlike($t->read_log(), qr/does not answer|hangs/, 'nothing is said to hang');
ok(-s "$dir/store/live/$app/$bundle/gzip/large.json.gz", 'it has a twin');
is(join("\n", Test::LiveUpdate::Store->new("$dir/store")->check()), '',
   'the store is whole');


sub ready {
    my $s = connect_to('127.0.0.1:' . port(8080));
    my $text = json_encode({ artifactStatus => 'ready' });

    print {$s} "PATCH /v1/apps/$app/bundles/$bundle HTTP/1.1\r\n"
               . "Host: localhost\r\nConnection: close\r\n"
               . 'Authorization: Bearer ' . $t->token('admin') . "\r\n"
               . "Content-Type: application/json\r\n"
               . 'Content-Length: ' . length($text) . "\r\n\r\n$text";

    return $s;
}
