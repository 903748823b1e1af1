#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# A server without the time zone database: plans that name a zone are refused
# with the reason, and those that there are go on.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate qw/ zip /;
use Test::LiveUpdate::Clock;

my $t = Test::LiveUpdate->new();
my $clock = Test::LiveUpdate::Clock->new($t);

$t->skip_all('only root can mount') if $> != 0;
$t->skip_all('no time zones') unless -f '/usr/share/zoneinfo/Europe/Berlin';
$t->has_daemon('unshare');

# in a chroot, say

$t->skip_all('no mounts of its own')
    if system('unshare -m true 2>/dev/null') != 0;

$t->config_reference()->run()->plan(5);

my $app = $t->create_app('My App');
my ($new, $old) = map {
    $t->publish($app, 'default', zip('index.html' => $_))->{bundle}
} 2, 1;

my $plan = deploy('Europe/Berlin')->{json};

is($plan->{plan}{timeZone}, 'Europe/Berlin', 'with the database');

$t->stop();
$t->run(wrapper => ['unshare', '-m', 'sh', '-c',
    'mount -t tmpfs none /usr/share/zoneinfo && exec "$@"', 'sh']);

is(told(), $old, 'without it, the first step');
$clock->passes(3 * 86400);
is(told(), $new, 'and the second one, in its hours');

$t->refused(sub { deploy('Europe/Paris') },
            qr/^422 "timeZone" must be one .*install tzdata/,
            'a new plan is refused, with what to do');
is(deploy('UTC')->{status}, 201, 'but for UTC');

###############################################################################

sub deploy {
    my ($zone) = @_;

    return $t->api('POST', "/v1/apps/$app/deployments", {
        appBuildId => $new, appChannelName => 'default', plan => {
            steps => [{ share => 0, for => '1d' }, { share => 1 }],
            hours => '09:00-17:00', timeZone => $zone,
        },
    });
}

sub told {
    $t->latest($app);

    return $t->latest($app)->{json}{bundleId};
}

###############################################################################
