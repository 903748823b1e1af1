#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# What was lost of the record of notifications, or was not written yet: nothing
# is told anew of what happened before they were set up, and nobody stays
# without those that follow.

use warnings;
use strict;

use POSIX qw/ strftime /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_decode json_encode /;
use Test::LiveUpdate::Receiver;

my $t = Test::LiveUpdate->new()->plan(14);
my $r = Test::LiveUpdate::Receiver->new($t);
my $record = 'store/notify/read.json';
my $journal = $t->testdir() . '/store/notify/events';
$r->targets('a json {url}/ secret={secret} event=app.changed event=test');

# before they are set up

$r->configure(notify => 0);
$t->run();

$t->api('POST', '/v1/apps', { name => 'App', type => 'capacitor', id => $_ })
    for qw/ a b c d e /;

renamed($_, 'before') for qw/ a b c d e /;
past($_, 600) for qw/ a b c d e /;
$t->stop();

$r->configure();
$t->run();

wait_until { -e $t->testdir() . "/$record" } 10, 'it begins';

renamed('b', 'first');
is(told('b'), 'b', 'what happens afterwards is told');

# what was delivered is written down, or it would be sent once more

wait_until { @{deliveries()} == 1 } 20, 'written down';

# killed when two of five apps were read, and that was saved

$t->kill_nginx();
$r->mark();

my $before = $t->read_file($record);

written($_, 400, 'channel.pause') for qw/ a b c /;
$t->start();
wait_until { $t->read_file($record) ne $before } 20, 'saved';
$t->kill_nginx();

is_deeply([sort keys %{json_decode($t->read_file($record))->{apps}}],
          [qw/ a b c d e /], 'all apps are in the record');

$t->start();
renamed('d', 'last');
is(told('d'), 'd', 'what was before is told to nobody');


# the record is damaged; of "e" the journal has nothing, or something

for my $damaged ('{', '{"apps":{"a":{}}}') {
    $t->stop();
    $t->write_file($record, $damaged);
    $t->mark_log();
    $r->mark();
    written($_, 1, 'app.update') for qw/ b e /;
    $t->start();

    is(told('e'), 'b e', 'what nobody was told of is told');
    $t->log_like(qr{notify/read\.json" is damaged}, 'it is in the log');

    $r->mark();
    renamed('d', "after $damaged");
    is(told('d'), 'd', 'and it goes on');
    wait_until { @{[$t->read_file($record) =~ /offset/g]} == 5 } 20, 'all apps';
}

# an app is deleted, and another one gets its id, before anybody looks

wait_until { $t->read_file($record) =~ /"d"/ } 20, 'the record';
$r->mark();

for my $i (1 .. 3) {
    $t->api('DELETE', '/v1/apps/d');
    $t->api('POST', '/v1/apps', { name => 'App', type => 'capacitor',
                                  id => 'd' });
    renamed('d', "new $i");
    wait_until { apps() == $i } 20, "told of $i";
}

is(join(' ', apps()), 'd d d', 'each of them is told of, from its begin');

# what is to be sent again has gone from the journal, before or after somebody
# has asked

$r->mark();
my ($gone) = @{deliveries()};
is(again($gone->{id}), 202, 'it may be sent again');
wait_until { apps() && !@{state()->{again}} } 20, 'again';

$t->stop();
rename "$journal.1", "$journal.7" or die "cannot rename: $!\n";
my $state = json_decode($t->read_file('store/notify/targets/a.json'));
$t->write_file('store/notify/targets/a.json',
               json_encode({ %$state, file => 7 }));
$t->start();
$t->mark_log();
$r->mark();

is(again($gone->{id}), 410, 'and not when it has gone');

$t->write_file('store/notify/in/0', json_encode({
    do => 'again', target => 'a', id => $gone->{id} }));
$t->log_like(qr/"a" was not sent 1 notification again/, 'the log says so');
renamed('d', 'end');
is(told('d'), 'd', 'and it was not sent');


# Gives an app another name.

sub renamed {
    my ($app, $name) = @_;

    my $reply = $t->api('PATCH', "/v1/apps/$app", { name => "$name $app" });

    $reply->{status} == 200 or die "not changed: $reply->{raw}\n";
}


# The entries of an app were written so many seconds ago.

sub past {
    my ($app, $seconds) = @_;

    my $at = strftime('%Y-%m-%dT%H:%M:%S', gmtime(time() - $seconds));

    $t->replace_file("store/apps/$app/audit.log",
                     $t->read_file("store/apps/$app/audit.log")
                     =~ s/"at":"[^".]*/"at":"$at/gr);
}


# Writes so many entries into the log of an app, while nginx does not run.

sub written {
    my ($app, $n, $change) = @_;

    my $json = json_decode($t->read_file("store/apps/$app/app.json"));
    my $at = strftime('%Y-%m-%dT%H:%M:%S.000Z', gmtime());

    $t->replace_file("store/apps/$app/audit.log",
                     $t->read_file("store/apps/$app/audit.log")
                     . join '', map { json_encode({
                         at => $at, by => 'ann', change => $change,
                         subject => 'x', generation => ++$json->{generation}
                     }) . "\n" } 1 .. $n);

    $t->replace_file("store/apps/$app/app.json", json_encode($json));
}


# The apps that the target was told of since mark(), up to one of them.

sub told {
    my ($app) = @_;

    wait_until { grep { $_ eq $app } apps() } 20, "told of $app";

    return join ' ', apps();
}


sub apps {
    return map { json_decode($_->{body})->{data}{app} } $r->taken();
}


sub state {
    return $t->api('GET', '/v1/notifications/a')->{json};
}


sub deliveries {
    return state()->{deliveries};
}


sub again {
    my ($id) = @_;

    return $t->api('POST', '/v1/notifications/a/again',
                   { id => $id })->{status};
}
