#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# The console and notifications: targets, their deliveries, and what can be
# asked of them.

use warnings;
use strict;
use utf8;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT port zip /;
use Test::LiveUpdate::Browser;
use Test::LiveUpdate::Receiver;

binmode $_, ':encoding(UTF-8)' for Test::More->builder->output(),
                                   Test::More->builder->failure_output();

my $t = Test::LiveUpdate->new();
my $b = Test::LiveUpdate::Browser->new($t);
my $r = Test::LiveUpdate::Receiver->new($t);
$r->targets('all  json  {url}/hidden  secret={secret}  event=release.*  '
            . 'event=test');

$t->config_reference(sub {
    $r->adapt() if $_[0] eq 'liveupdate.conf';
});

$t->run()->plan(13);

wait_until { -e $t->testdir() . '/store/notify/read.json' } 10, 'it begins';

my $app = $t->create_app('Shop');

$t->create_channel($app, 'production');
$t->publish($app, 'production', zip('index.html' => 'x'));

wait_until { delivered() == 1 } 10, 'a delivery';

$b->start();
$b->open('http://127.0.0.1:' . port(8080) . '/console/');
$b->fill({ label => 'Token' }, $t->token('admin'));
$b->press('Enter');

$b->see(': one target', 'how many');
$b->click('link', 'Notifications');
$b->see('active', 'its state', css => '[data-key=all]');
$b->click('link', 'all');
$b->see('release.promoted', 'what it was told',
        css => '[data-key=deliveries]');
$b->see('delivered', 'and that it knows', css => '[data-key=deliveries]');
unlike($b->tree(), qr/whsec_|hidden/,
       'neither its secret nor its path');

$b->click('button', 'Send again');
$b->see('The notification will be sent again.', 'again');
ok((wait_until { delivered() == 2 } 10), 'it is');
is(scalar(keys %{{ map { $_->{headers}{'webhook-id'} => 1 } $r->requests() }}),
   1, 'with the same id');

$b->click('button', 'Send a test');
ok((wait_until { delivered() == 3 } 10), 'a test');

$b->click('button', 'Pause');
$b->see('paused', 'a pause', css => '.about');
$t->publish($app, 'production', zip('index.html' => 'y'));
$b->click('button', 'Resume');
$b->see('active', 'its end', css => '.about');
ok((wait_until { delivered() == 4 } 10), 'what has waited comes');

is($b->problems(), '', 'no problems in the page');

$b->quit();


sub delivered {
    return scalar $r->requests();
}
