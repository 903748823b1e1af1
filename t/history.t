#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# The history of an app: checks and devices, hour by hour, of each release, for
# 30 days, over a restart, and of several machines; and its pictures.

use warnings;
use strict;
use utf8;

use List::Util qw/ sum0 /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_decode json_encode zip /;
use Test::LiveUpdate::Browser;
use Test::LiveUpdate::Clock;
use Test::LiveUpdate::Release qw/ stage_dist /;

use constant HOUR => 3600;
use constant DAY => 24 * HOUR;

binmode $_, ':encoding(UTF-8)' for Test::More->builder->output(),
                                   Test::More->builder->failure_output();

my $t = Test::LiveUpdate->new();
my $b = Test::LiveUpdate::Browser->new($t);
my $clock = Test::LiveUpdate::Clock->new($t);

# at the start of an hour

$clock->passes(HOUR + 60 - int($clock->day()) % HOUR);

$t->config_reference()->run()->plan(21);

my $app = $t->create_app('Shop');

$t->create_channel($app, 'production');

my ($one, $two) = map { $t->publish($app, 'production',
                                    zip('index.html' => $_))->{bundle} } 1, 2;

is_deeply(history(), [], 'nothing yet');
is($t->api('GET', '/v1/apps/nosuch/history')->{status}, 404, 'no app');
is($t->api('GET', "/v1/apps/$app/history", undef, token => undef)->{status},
   401, 'not for everybody');

# an hour, and what came later in it

ask("d$_", bundleId => $two) for 1 .. 6;
ask("e$_") for 1 .. 4;
is(soon(10)->[0]{checks}, 10, 'an hour');
is(devices(history()->[0], $two), 6, 'who runs the release');
like(history()->[0]{at}, qr/T\d\d:00:00\.000Z$/, 'when it began');

ask('d7', bundleId => $two);
is(soon(11)->[0]{checks}, 11, 'what comes later is added');

# the next one

$clock->passes(HOUR);
ask("d$_", bundleId => $two) for 1 .. 3;

my $hours = soon(14);

is(checks($hours), '11 3', 'another hour');

# nginx starts again: its counters begin anew

$t->stop();
$t->run();
ask("d$_", bundleId => $two) for 1 .. 2;
is(checks(soon(16)), '11 5', 'after a restart');

# another machine, and one whose file is damaged

my $folder = "store/apps/$app/history";
my ($file) = glob $t->testdir() . "/$folder/*.json";
my $json = json_decode($t->read_file($file =~ s{.*/store/}{store/}r));

$t->write_file("$folder/other.json", json_encode({
    serial => 1, totals => {}, hours => [ {
        hour => $json->{hours}[0]{hour}, checks => 100,
        releases => { $one => [ 100, 90 ] } } ] }));
$t->write_file("$folder/torn.json", '{"hours":[{"hour"');

$hours = history();

is(checks($hours), '111 5', 'of all machines');
is(devices($hours->[0], $one), 90, 'and all releases');

# a desktop app

$t->api('POST', '/v1/apps', { id => 'desk', name => 'D', type => 'electron' });
stage_dist($t, 'desk', 'r1', { 'latest.yml' => [ '1.0.0', 'D 1.exe' ] });
stage_dist($t, 'desk', 'r2', { 'latest.yml' => [ '2.0.0', 'D 2.exe' ] });
$t->api('POST', '/releases/desk/r1/promote', {}, token => 'approve');
$t->api('POST', '/releases/desk/r2/promote', { rollout => 0.25 },
        token => 'approve');
$t->api('GET', '/desktop/desk/latest.yml', undef, token => undef) for 1 .. 3;

is(soon(3, 'desk')->[0]{releases}[0]{checks}, 3, 'checks of a desktop app');
is(history('desk')->[0]{releases}[0]{devices}, undef,
   'which does not say who asks');

# in the console

$b->start();
$b->open('http://127.0.0.1:' . port(8080) . "/console/#/apps/$app");
$b->fill({ label => 'Token' }, $t->token('read'));
$b->press('Enter');

my $where = '[data-key=history]';

$b->see('Build 2: ', 'a line for each release', css => $where);
$b->see('checks: 5', 'and the checks', css => $where);
is($b->run("document.querySelectorAll('$where polyline').length"), 3,
   'are drawn');
like($b->run("document.querySelectorAll('$where svg')[1]"
             . ".getAttribute('aria-label')"), qr/^Checks per hour, .*: 5$/,
     'and told');

$b->hash('#/apps/desk');
$b->see('1.0.0 75%', 'the shares of a platform', css => '.bar');
$b->see('2.0.0 25%', 'of each release', css => '.bar');
is($b->problems(), '', 'no problems in the page');
$b->quit();

# 30 days, and no more

$clock->passes(31 * DAY);
ask('d1', bundleId => $two);
is(checks(soon(1)), '1', 'what is old is forgotten');


sub ask {
    my ($device, %more) = @_;

    # a worker that has just seen an hour go by takes what it waits for as lost

    Test::LiveUpdate::wait_quietly(sub {
        $t->latest($app, deviceId => $device, channelName => 'production',
                   %more)->{status} != 503;
    }, 10);
}


sub history {
    my ($id) = @_;

    return $t->api('GET', '/v1/apps/' . ($id // $app) . '/history', undef,
                   token => 'read')->{json};
}


# Some minutes later, when so many checks are known.

sub soon {
    my ($checks, $id) = @_;

    my $hours;

    for (1 .. 3) {
        $clock->passes(310);
        last if Test::LiveUpdate::wait_quietly(sub {
            $hours = history($id);
            sum0(map { $_->{checks} } @$hours) == $checks;
        }, 20);
    }

    return $hours;
}


# Of all hours in which somebody asked.

sub checks {
    my ($hours) = @_;

    return join ' ', grep { $_ } map { $_->{checks} } @$hours;
}


sub devices {
    my ($hour, $release) = @_;

    my ($found) = grep { $_->{release} eq $release } @{$hour->{releases}};

    return $found && $found->{devices};
}
