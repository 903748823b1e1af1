#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# The real CLI and a deployment with a plan: what it shows, and what it changes
# by hand.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT zip /;
use Test::LiveUpdate::CLI;

my $t = Test::LiveUpdate->new();
my $cli = Test::LiveUpdate::CLI->new($t);

$t->config_reference()->run()->plan(16);

my $app = $t->create_app('Shop');
my ($one, $two) = map {
    $t->publish($app, 'default', zip('index.html' => $_))
} 1, 2;

my @steps = ({ share => 0, for => '2h' }, { share => 1 });

my $planned = deploy()->{json};
my @its = ('--app-id', $app);

# what it lists

my $reply = $cli->run('apps:deployments:list', @its, '--json');

is($reply->{status}, 0, 'the list');
is($reply->{json}[0]{id}, $planned->{id}, 'has it');
is($reply->{json}[0]{rolloutPercentage}, 0, 'with the present share');

$reply = $cli->run('apps:deployments:get', @its, '--deployment-id',
                   $planned->{id}, '--json');
is($reply->{json}{plan}{nextShare}, 1, 'one of them, with the plan');

# a share by hand ends the plan

$reply = $cli->run('apps:liveupdates:rollout', @its, '--channel', 'default',
                   '--percentage', 25);
is($reply->{status}, 0, 'a share by hand');
is_deeply([@{deployment()}{qw/ plan rolloutPercentage /}], [undef, 0.25],
          'ends the plan');

# also a plan that is paused; not a halt

$planned = deploy()->{json};
$t->api('POST', "/v1/apps/$app/deployments/$planned->{id}/pause", {});
$cli->run('apps:liveupdates:rollout', @its, '--channel', 'default',
          '--percentage', 30);
is_deeply([@{deployment()}{qw/ plan paused rolloutPercentage /}],
          [undef, undef, 0.3], 'one that is paused, too');

$t->api('POST', "/v1/apps/$app/deployments/$planned->{id}/halt", {});
$reply = $cli->run('apps:liveupdates:rollout', @its, '--channel', 'default',
                   '--percentage', 50);
is($reply->{status}, 1, 'one that is halted does not grow');
like($reply->{out}, qr/The rollout is halted/, 'with the reason');

# back to the one before

$t->api('POST', "/v1/apps/$app/deployments",
        { appBuildId => $one->{bundle}, appChannelName => 'default' });
$planned = deploy()->{json};
$reply = $cli->run('apps:liveupdates:rollback', @its, '--channel', 'default',
                   '--steps', 1);
is($reply->{status}, 0, 'a rollback');
is($t->latest($app)->{json}{bundleId}, $one->{bundle}, 'to the one before');

# the end of an upload, which the CLI does not send any more

$cli->write_www('www', { 'index.html' => 'three' });
$reply = $cli->run('apps:liveupdates:upload', @its, '--channel', 'default',
                   '--path', 'www', '--expires-in-days', 3, '--yes');
is($reply->{status}, 0, 'an upload that is to expire');
like($reply->{out}, qr/--expires-in-days. option is deprecated/,
     'the CLI says no');
is($t->api('GET', "/v1/apps/$app/deployments")->{json}[0]{expires}, undef,
   'and it does not');

# a channel that is paused has nothing, whatever the plan

$reply = $cli->run('apps:channels:pause', @its, '--channel', 'default');
is($reply->{status}, 0, 'the channel is paused');
is($t->latest($app)->{status}, 404, 'and has nothing');

###############################################################################

sub deploy {
    return $t->api('POST', "/v1/apps/$app/deployments", {
        appBuildId => $two->{bundle}, appChannelName => 'default',
        plan => \@steps,
    });
}

sub deployment {
    return $t->api('GET', "/v1/apps/$app/deployments/$planned->{id}")->{json};
}

###############################################################################
