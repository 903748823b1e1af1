#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# The console and the channels of a desktop app: who gets what in each, what a
# rollout does to whom, and the rollback of one.

use warnings;
use strict;
use utf8;

use Test::More;

use Test::LiveUpdate;
use Test::LiveUpdate::Browser;
use Test::LiveUpdate::Release qw/ stage_dist /;

binmode $_, ':encoding(UTF-8)' for Test::More->builder->output(),
                                   Test::More->builder->failure_output();

my $t = Test::LiveUpdate->new();
my $b = Test::LiveUpdate::Browser->new($t);

$ENV{APPROVAL} = 'on';

$t->config_reference()->run()->plan(16);

my $app = 'shop';

$t->api('POST', '/v1/apps',
        { name => 'Shop', type => 'electron', id => $app });

released('s1', '1.0.0', 'latest.yml', 'latest-mac.yml');
released('b1', '1.1.0-beta.1', 'beta.yml');
released('b2', '1.1.0-beta.2', 'beta.yml', 'beta-linux-arm64.yml');
released('s2', '1.0.1', 'latest.yml');

$b->start();
$b->open('http://127.0.0.1:' . port(8080) . "/console/#/apps/$app");
$b->fill({ label => 'Token' }, $t->token('approve'));
$b->press('Enter');

# each manifest has a line of its own

my $where = '[data-key=desktop]';

$b->see('Windows beta', 'a channel', css => $where);
$b->see('Linux beta arm64', 'an architecture', css => $where);
$b->see('1.1.0-beta.2', 'its release', css => $where);
$b->see('macOS', 'a platform', css => $where);
$b->see('1.0.0', 'that keeps what it had', css => $where);

# a rollout that takes something away

$b->click('button', 'Change rollout… 1.1.0-beta.2');
$b->fill({ label => 'Rollout, in percent' }, '50');
$b->see('beta-linux-arm64.yml: some who get an update now would get none',
        'who would lose what he has', css => 'dialog');
$b->see('beta.yml: some would get an older version than now',
        'who would go back',
        css => 'dialog');
$b->see('Linux beta arm64', 'is listed', css => 'dialog [data-key=effects]');
$b->fill({ label => 'Rollout, in percent' }, '100');
$b->see('Nothing changes for anybody', 'another number, another answer',
        css => 'dialog');
$b->fill({ label => 'Rollout, in percent' }, '50');
$b->see('some who get an update now would get none', 'and back',
        css => 'dialog');
$b->press('Enter');

ok((wait_until { feed('beta-linux-arm64.yml') == 404 } 10),
   'who has read it may do it');
is(feed('beta.yml'), 200, 'and others have something');

$t->api('POST', "/releases/$app/b2/promote", { rollout => 1 },
        token => 'approve');
$b->see_not('50 %', 'to all again');

# a rollback of a channel

$b->click('button', 'Roll back… the desktop app');
$b->choose({ label => 'Channel' }, 'latest');
$b->see('1.0.0 (s1) becomes the latest release of latest',
        'where it leads', css => 'dialog');
$b->choose({ label => 'Channel' }, 'beta');
$b->see('1.1.0-beta.1 (b1) becomes the latest release of beta',
        'another channel', css => 'dialog');
$b->press('Escape');

is($b->problems(), '', 'no problems in the page');

$b->quit();

###############################################################################

sub released {
    my ($id, $version, @manifests) = @_;

    my %ext = (mac => 'zip', linux => 'AppImage');

    stage_dist($t, $app, $id, { map {
        my ($stem) = /(.*)\.yml/;
        my ($platform) = /-(mac|linux)/;

        $_ => [$version, "App-$version-$stem."
                         . ($platform ? $ext{$platform} : 'exe')]
    } @manifests });

    $t->api('POST', "/releases/$app/$id/promote", {}, token => 'approve');
}


sub feed {
    my ($name) = @_;

    return $t->api('GET', "/desktop/$app/$name", undef, token => undef)
        ->{status};
}

###############################################################################
