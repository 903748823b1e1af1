#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# The console and what counts for all rollouts: a person edits the freezes and
# the minimum versions, sees which apply, and pauses, resumes, advances and
# stops plans, of a bundle and of a desktop release.

use warnings;
use strict;
use utf8;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT zip /;
use Test::LiveUpdate::Browser;
use Test::LiveUpdate::Release qw/ stage_dist /;

binmode $_, ':encoding(UTF-8)' for Test::More->builder->output(),
                                   Test::More->builder->failure_output();

my $t = Test::LiveUpdate->new();
my $b = Test::LiveUpdate::Browser->new($t);

$t->config_reference()->run()->plan(31);

my $app = $t->create_app('Shop');
my $channel = $t->api('GET', "/v1/apps/$app/channels")->{json}[0]{id};

my ($one, $two) = map {
    $t->publish($app, 'default', zip('index.html' => $_))->{bundle}
} 1, 2;

my @steps = map { { share => $_, $_ < 1 ? (for => '1d') : () } } 0.05, 0.5, 1;

$t->api('POST', "/v1/apps/$app/deployments", {
    appBuildId => $two, appChannelName => 'default', plan => \@steps,
});

$t->api('POST', '/v1/apps', { name => 'Desk', type => 'electron',
                              id => 'desk' });
stage_dist($t, 'desk', 'd1', { 'latest.yml' => ['1.0.0', 'D 1.exe'] });
stage_dist($t, 'desk', 'd2', { 'latest.yml' => ['2.0.0', 'D 2.exe'] });
$t->api('POST', '/releases/desk/d2/promote', { plan => \@steps },
        token => 'approve');

$b->start();
$b->open('http://127.0.0.1:' . port(8080) . "/console/#/apps/$app");
$b->fill({ label => 'Token' }, $t->token('admin'));
$b->press('Enter');

# freezes

my $where = '[data-key=channels]';

$b->see('Edit the freezes…', 'the freezes', css => $where);
$b->click('button', 'Edit the freezes…');
$b->fill({ label => 'From' }, '2020-01-01T10:00');
$b->press('Enter');
$b->see('A freeze needs both times.', 'one time is not enough',
        css => 'dialog');
$b->fill({ label => 'To' }, '2099-01-01T10:00');
$b->fill({ label => 'Reason' }, 'holidays');
$b->press('Enter');
$b->see('Now no step of a plan begins, until', 'it counts now', css => $where);
$b->see('holidays', 'with the reason', css => $where);

my $made = freezes()->[0];

is($made->{reason}, 'holidays', 'it is the app\'s');
like($made->{to}, qr/^20(?:99-01-01|98-12-31)T/, 'with its times');

# somebody else was faster

$b->click('button', 'Edit the freezes…');
$b->see('Another freeze', 'room for one more', css => 'dialog');
$t->api('PATCH', "/v1/apps/$app", { freezes => [{
    from => '2098-01-01T00:00:12Z', to => '2099-01-01T00:00:12Z',
}] });
$b->press('Enter');
$b->see('Somebody else has changed this app', 'who comes late is told',
        css => 'dialog');
$b->press('Escape');

# seconds stay, and a freeze without times goes

$b->click('button', 'Edit the freezes…');
$b->see('Freeze 1', 'that of somebody else', css => 'dialog');
$b->press('Enter');
$b->see('The freezes are saved.', 'saved again', css => '#said');
is(freezes()->[0]{from}, '2098-01-01T00:00:12Z', 'unchanged');

# the minimum of a channel

$b->click('button', 'Set a minimum… default');
$b->fill({ label => 'Build number' }, '2');
$b->fill({ label => 'Version code of the iOS app' }, '1.4');
$b->press('Enter');
$b->see('builds older than 2 must update, iOS apps older than 1.4 must update',
        'the minimum of a channel', css => $where);
is_deeply($t->api('GET', "/v1/apps/$app/channels/$channel")->{json}{minimum},
          { buildNumber => 2, iosAppVersionCode => '1.4' }, 'as it was said');

# the plan of a bundle

growth('Build 2', 'Pause the plan: the share stays');
$b->see('paused by admin', 'paused', css => $where);
growth('Build 2', 'Resume: let it go on');
$b->see_not('paused by admin', 'resumed');
growth('Build 2', 'Advance the plan: the next step begins now');
$b->see('100% from', 'advanced', css => $where);
growth('Build 2', 'Stop the plan: the share stays for good');
$b->see_not('plan:', 'stopped');

# a desktop app

$b->hash('#/apps/desk');
$where = '[data-key=desktop]';

$b->click('button', 'Set a minimum… the desktop app');
$b->fill({ label => 'Minimum version' }, '1.5');
$b->press('Enter');
$b->see('"minimumVersion" must be a version', 'no version', css => 'dialog');
$b->fill({ label => 'Minimum version' }, '1.5.0');
$b->press('Enter');
$b->see('Apps older than 1.5.0 must update.', 'the minimum', css => $where);

growth('2.0.0', 'Pause the plan: the share stays');
$b->see('paused by admin', 'paused', css => $where);
growth('2.0.0', 'Resume: let it go on');
growth('2.0.0', 'Advance the plan: the next step begins now');
$b->see('100% from', 'advanced', css => $where);
growth('2.0.0', 'Stop the plan: the share stays for good');
$b->see('50% of the installations', 'stopped', css => $where);

is($b->problems() =~ s/^.*(?:409|422).*$//mgr =~ s/\n//gr, '',
   'nothing is wrong with the page');

$b->end();

###############################################################################

sub freezes {
    return $t->api('GET', "/v1/apps/$app")->{json}{freezes};
}

sub growth {
    my ($name, $action) = @_;

    $b->click('button', "Halt, pause… $name");
    $b->choose({ label => 'Action' }, $action);
    $b->click('button', 'Apply');
    $b->see_not('Change how the rollout goes on', "$name: $action");
}

###############################################################################
