#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# The console and rollouts that grow by themselves: the plan, its next step,
# what holds it up and what people do with it; on a wide page and a narrow one.

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

$t->config_reference()->run()->plan(13);

my $app = $t->create_app('Shop');
my ($one, $two) = map {
    $t->publish($app, 'default', zip('index.html' => $_))->{bundle}
} 1, 2;

my $plan = { steps => [{ share => 0.05, for => '1d' }, { share => 1 }],
             hours => '00:00-23:59', timeZone => 'UTC' };

$t->api('POST', "/v1/apps/$app/deployments", {
    appBuildId => $two, appChannelName => 'default', plan => $plan,
});
$t->api('PATCH', "/v1/apps/$app", { freezes => [
    { from => '2099-12-21T00:00:00Z', to => '2100-01-04T00:00:00Z',
      reason => 'holidays' },
] });

my ($channel) = @{$t->api('GET', "/v1/apps/$app/channels")->{json}};

$t->api('PATCH', "/v1/apps/$app/channels/$channel->{id}",
        { minimum => { buildNumber => 2 } });

$t->api('POST', '/v1/apps', { name => 'Desk', type => 'electron',
                              id => 'desk' });
stage_dist($t, 'desk', 'd1', { 'latest.yml' => ['1.0.0', 'D 1.exe'] });
stage_dist($t, 'desk', 'd2', { 'latest.yml' => ['2.0.0', 'D 2.exe'] });
$t->api('POST', '/releases/desk/d2/promote', { plan => $plan },
        token => 'approve');
$t->api('PATCH', '/v1/apps/desk', { minimumVersion => '1.0.0' });

$b->start();
$b->open('http://127.0.0.1:' . port(8080) . "/console/#/apps/$app");
$b->fill({ label => 'Token' }, $t->token('approve'));
$b->press('Enter');

my $where = '[data-key=channels]';

$b->see('plan: 5%, 100%, each from a time in 00:00-23:59, UTC', 'the plan',
        css => $where);
$b->see('100% from', 'the next step', css => $where);
$b->see('holidays', 'a freeze', css => $where);
$b->see('builds older than 2 must update', 'the minimum', css => $where);

$b->size(360, 740);
$b->see('holidays', 'on a narrow page', css => $where);
is(too_wide(), 0, 'which has no line that is too long');

$t->api('POST', "/releases/$app/$two/pause", { channel => 'default' },
        token => 'approve');
$b->see('paused by approve', 'paused', css => $where);
$b->see_not('100% from', 'there is no next step then');

$b->hash('#/apps/desk');
$where = '[data-key=desktop]';

$b->see('plan: 5%, 100%', 'a desktop plan', css => $where);
$b->see('100% from', 'its next step', css => $where);
$b->see('Apps older than 1.0.0 must update.', 'the minimum', css => $where);
is(too_wide(), 0, 'no line that is too long');

$b->end();
is($b->problems(), '', 'nothing is wrong with the page');

###############################################################################

sub too_wide {
    return $b->run('document.documentElement.scrollWidth > innerWidth ? 1 : 0');
}

###############################################################################
