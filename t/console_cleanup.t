#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# The console and cleaning up: what would go and why, a policy that is tried
# before it is set, the quota, and the releases that go.

use warnings;
use strict;
use utf8;

use JSON::PP ();
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT port zip /;
use Test::LiveUpdate::Browser;

binmode $_, ':encoding(UTF-8)' for Test::More->builder->output(),
                                   Test::More->builder->failure_output();

my $t = Test::LiveUpdate->new();
my $b = Test::LiveUpdate::Browser->new($t);

$t->config_reference()->run()->plan(26);

my $app = $t->create_app('My <b>App</b>');

$t->create_channel($app, 'production');

my @ids = map { $t->publish($app, 'production',
                            zip('index.html' => $_))->{bundle} } 1 .. 4;

$b->start();
$b->open('http://127.0.0.1:' . port(8080) . "/console/#/apps/$app");
$b->fill({ label => 'Token' }, $t->token('admin'));
$b->press('Enter');

$b->click('link', 'Cleaning up');
$b->see('off, set for the server: no release goes', 'the policy',
        css => '[data-key=policy]');
$b->see('none, set for the server', 'the quota', css => '[data-key=policy]');
$b->see('The policy lets no release go.', 'no effect',
        css => '[data-key=goes]');
$b->see_not('Clean up…', 'nothing to do');

# a policy that is wrong, and one that is tried

$b->click('button', 'Change…');
$b->fill({ label => 'Policy' }, 'release=1');
$b->press('Tab');
$b->see('"release=1" is none of', 'what is wrong', css => 'dialog');
$b->fill({ label => 'Policy' }, 'releases=1 time=0 rollback=1');
$b->press('Tab');
$b->see('The policy lets 2 releases go', 'what it would do', css => 'dialog');
is($t->api('GET', "/releases/$app/cleanup")->{json}{own}, JSON::PP::false(),
   'it is not set yet');
$b->fill({ label => 'Quota, in MB' }, '1.5');
$b->press('Enter');
$b->see('releases=1 time=0 rollback=1, set for the application', 'it is set',
        css => '[data-key=policy]');
$b->see('1.5 MB, set for the application', 'as is the quota',
        css => '[data-key=policy]');

is($t->api('GET', "/releases/$app/cleanup")->{json}{quota}, 1_500_000,
   'in bytes');

# what would go, and why

$b->see('lets 2 releases go', 'how many', css => '[data-key=goes]');
$b->see('neither new nor needed', 'why',
        css => "[data-key=goes] [data-key='$ids[0]']");
$b->see('Build 1', 'which', css => "[data-key=goes] [data-key='$ids[0]']");
$b->see('clients get them', 'why others stay', css => '[data-key=live]');
$b->see('a rollback may come to them', 'and which way',
        css => '[data-key=rollback]');

# it is confirmed

$b->click('button', 'Clean up…');
$b->see('My <b>App</b>. The policy lets 2 releases go', 'a question',
        css => 'dialog');
$b->press('Escape');
$b->see_not('Clean up this application?', 'that is not answered');
is(scalar(() = live()), 4, 'changes nothing');

$b->click('button', 'Clean up…');
$b->click('button', 'Clean up', exact => JSON::PP::true());
$b->see('2 releases were removed.', 'they go');
is(join(' ', live()), join(' ', sort @ids[2, 3]), 'and others stay');
$b->see('The policy lets no release go.', 'that is all',
        css => '[data-key=goes]');

# back to what the server has

$b->click('button', 'Change…');
$b->fill({ label => 'Policy' }, '');
$b->fill({ label => 'Quota, in MB' }, '');
$b->press('Enter');
$b->see('off, set for the server', 'the policy of the server',
        css => '[data-key=policy]');
$b->see('none, set for the server', 'its quota', css => '[data-key=policy]');

# others may look

$b->reload();
$b->fill({ label => 'Token' }, $t->token('read'));
$b->press('Enter');
$b->see('What stays (2)', 'a reader');
$b->see_not('Change…', 'changes nothing');

is($b->problems(), '', 'no problems in the page');

$b->quit();


sub live {
    opendir my $dh, $t->testdir() . "/store/live/$app" or return ();

    my @names = sort grep { !/^\./ } readdir $dh;

    return @names;
}
