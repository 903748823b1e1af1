#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# A target that is far behind, as the oldest file of the journal goes: what it
# misses is counted, but not what is on its way.  That is waited for, and may
# fail, or nginx is killed meanwhile.

use warnings;
use strict;

use POSIX qw/ strftime /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_decode json_encode /;
use Test::LiveUpdate::Receiver;

use constant SIZE => 2 * 1024 * 1024;

local $ENV{TEST_NGINX_WORKERS} = 1;

my $t = Test::LiveUpdate->new();
my $r = Test::LiveUpdate::Receiver->new($t);
my $store = $t->testdir() . '/store';

$r->targets(join '', map {
    "$_ json {url}/$_ secret={secret} event=channel.*\n"
} qw/ behind well /);
$r->configure(notify => 'retry=50ms  disk=0%');

$t->run()->plan(13);

my $app = $t->create_app('Shop');
my $channel = $t->create_channel($app, 'production');

# it arrives

on_its_way('hold');
ok(-e "$store/notify/events.1", 'the file stays');
is(numbers(), '0 delivered, 0 missed', 'nothing is counted before');

$r->script();
is(all_told(), '1 4 new', 'it gets that one, and what is in the others');
is(numbers(), '3 delivered, 2 missed', 'it has not missed that one');
ok(!-e "$store/notify/events.1", 'and the file goes');

# it does not

on_its_way('hang');
is(numbers(), '0 delivered, 0 missed', 'nothing is counted before');

$r->script();
is(all_told(), '4 new', 'it gets what is in the others');
is(numbers(), '2 delivered, 3 missed', 'and has missed all of the file');

# nobody knows

on_its_way('hold');
$t->kill_worker();
$r->script();
is(all_told(qr/[4n]/), '4 new', 'nginx was killed');
is(numbers(), '2 delivered, 3 missed', 'what was on its way does not count');


# The target has not got the first of three events in the file that is going to
# go, and one in another; then a change makes the last file full.

sub on_its_way {
    my ($how) = @_;

    $t->stop();

    system('rm', '-rf', "$store/notify");
    mkdir "$store/$_" or die "mkdir: $!\n" for qw{ notify notify/targets };

    $t->write_file('store/notify/targets/behind.json',
                   json_encode({ file => 1, offset => 0 }));
    $t->write_file('store/notify/events.1', join '', map { event($_) } 1 .. 3);
    $t->write_file('store/notify/events.2', event(4));
    $t->write_file('store/notify/events.3', '');
    $t->write_file('store/notify/events.4', nothing(SIZE - 1));

    $r->script('/behind' => { $how => 1 })->mark();
    $t->run();

    wait_until { -e "$store/notify/read.json"
                 && $r->requests(qr/behind/) } 20, 'on its way';

    change();
    wait_until { $r->taken(qr/well/) } 20, 'the other target has it';

    is(scalar(() = $r->requests(qr/behind/)), 1, 'one is on its way');
}


sub event {
    my ($n) = @_;

    return json_encode({ id => "evt_$n", type => 'channel.changed',
                         app => $app, by => 'ann', subject => "n$n",
                         at => strftime('%Y-%m-%dT%H:%M:%S.000Z', gmtime) })
        . "\n";
}


# So many bytes of events that nobody wants.

sub nothing {
    my ($size) = @_;

    my $text = '';

    while (my $left = $size - length $text) {
        my $line = $left > 100000 ? 50000 : $left > 60000 ? 30000 : $left;
        my $json = '{"id":"evt_%07d","type":"test","text":"%s"}' . "\n";

        my $none = length sprintf $json, 0, '';
        $text .= sprintf $json, length $text, 'x' x ($line - $none);
    }

    return $text;
}


sub change {
    our $paused = !$paused;

    my $what = $paused ? 'pause' : 'resume';
    my $reply = $t->api('POST', "/v1/apps/$app/channels/$channel/$what", {});

    $reply->{status} < 300 or die "not changed: $reply->{raw}\n";
}


# What the target has taken, when it has the change: those that match.

sub all_told {
    my ($which) = @_;

    wait_until { grep { $_ eq 'new' } told() } 20, 'the change';
    wait_until { numbers() !~ /^[01] / } 20, 'and it is counted';

    return join ' ', grep { !$which || /$which/ } told();
}


sub told {
    my %seen;

    return map { ($_->{data}{subject} // '') =~ /^n(\d)$/ ? $1 : 'new' }
        map { json_decode($_->{body}) }
        grep { !$seen{$_->{headers}{'webhook-id'}}++ } $r->taken(qr/behind/);
}


sub numbers {
    my $state = $t->api('GET', '/v1/notifications/behind')->{json};

    return "$state->{delivered} delivered, $state->{missed} missed";
}
