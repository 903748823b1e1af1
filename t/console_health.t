#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# The console and the health of a release: the funnel as text, as a table, and
# drawn over time, as several machines have counted it.

use warnings;
use strict;
use utf8;

use POSIX qw/ strftime /;
use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Test::LiveUpdate qw/ :DEFAULT zip json_decode json_encode /;
use Test::LiveUpdate::Browser;

binmode $_, ':encoding(UTF-8)' for Test::More->builder->output(),
                                   Test::More->builder->failure_output();

my $t = Test::LiveUpdate->new();
my $browser = Test::LiveUpdate::Browser->new($t);

$t->config_reference()->run()->plan(17);

my $app = $t->create_app('My <b>App</b>');
my $channel = $t->create_channel($app, 'beta');
my $store = $t->testdir() . "/store/apps/$app";

$t->api('PATCH', "/v1/apps/$app", { guard => { action => 'notify' } });

my $new = $t->publish($app, 'beta', zip('index.html' => 'new'),
                      bundle => { rolloutPercentage => 0.5 });

# deployed five days ago, and counted by two machines, one of which was off

my $since = time() - 5 * 86400;
my $json = json_decode($t->read_file("store/apps/$app/app.json"));

$_->{createdAt} = at($since)
    for map { @{$_->{deployments}} } @{$json->{channels}};

$t->write_file("store/apps/$app/new", json_encode($json));
rename "$store/new", "$store/app.json" or die;

mkdir "$store/guard";
counted($app, 'one', $new->{deployment}, { 0 => 40, 24 => 120, 75 => 160 });
counted($app, 'two', $new->{deployment}, { 1 => 40 });
$t->write_file("store/apps/$app/guard/three.json", '{"deployments":[[[');

my $health = $t->api('GET', "/v1/apps/$app/channels/$channel/health", undef,
                     token => 'read')->{json};

is_deeply([ map { $_->{rollout}{offered} } @{$health->{series}} ],
          [ 40, 80, 160, 200 ],
          'a machine that was off has what it had, and a torn file nothing');
is_deeply([ map { $_->{at} } @{$health->{series}} ],
          [ map { at($since + $_ * 3600) } 1, 2, 25, 96 ],
          'each at the end of its hour');

$browser->start();
$browser->open('http://127.0.0.1:' . port(8080) . "/console/#/apps/$app");
$browser->fill({ label => 'Token' }, $t->token('read'));
$browser->press('Enter');

my $where = "[data-key=\"health/$channel\"]";

$browser->see('Health in beta', 'a section', css => $where);
$browser->see('The guard sees nothing wrong.', 'what the guard says',
              css => $where);
$browser->see('offered: 200', 'the legend', css => "$where .legend");
$browser->see('came back: 12.5%', 'of the shares', css => $where);
$browser->see('came back, control group: 2.5%', 'and of the control group',
              css => $where);
$browser->see('200', 'the table', css => "$where [data-key=\"ran it\"]");
$browser->see('25 (12.5%)', 'and its shares',
              css => "$where [data-key=\"came back\"]");

my $points = "document.querySelectorAll('$where .good')[0]"
             . ".getAttribute('points').split(' ').length";

is($browser->run($points), 4, 'a line with a point for each hour');
is($browser->run("document.querySelectorAll('$where svg[role=img]').length"), 2,
   'two drawings');
like($browser->run("document.querySelector('$where svg')"
                   . ".getAttribute('aria-label')"),
     qr/^Devices in the rollout, until .*: offered: 200, /, 'that are told');


# a desktop app

$t->api('POST', '/v1/apps', { id => 'desk', name => 'D', type => 'electron' });
$t->api('PATCH', '/v1/apps/desk', { guard => {} });

$json = json_decode($t->read_file('store/apps/desk/app.json'));
$json->{desktopBuilds} = [ { id => 'b1', version => '1.0.0',
                             isReleased => JSON::PP::true,
                             createdAt => at($since) } ];
$json->{desktopReleases} = {
    releaseRedirections => [ { rule => 'buildByRollout', buildId => 'b1',
                               percentage => 10 } ],
};

$store = $t->testdir() . '/store/apps/desk';
$t->write_file('store/apps/desk/new', json_encode($json));
rename "$store/new", "$store/app.json" or die;
mkdir "$store/guard";
counted('desk', 'one', 'b1', { 0 => 40, 24 => 120 });

$where = '[data-key="health/b1"]';

$browser->open('http://127.0.0.1:' . port(8080) . '/console/#/apps/desk');
$browser->see('Health of b1', 'a desktop release', css => $where);
$browser->see('asked again: 90', 'what is known of installations',
              css => "$where .legend");
$browser->see('90', 'in the table', css => "$where [data-key=\"asked again\"]");
is($browser->run("document.querySelectorAll('$where [data-key=\"came back\"]')"
                 . '.length'), 0, 'and nothing else');
is($browser->problems(), '', 'no problems in the page');

$browser->quit();


sub at {
    return strftime('%Y-%m-%dT%H:%M:%S.000Z', gmtime $_[0]);
}


# What a machine has written: hours of the deployment, and then devices that
# were offered the release, of which all ran it, an eighth came back, and three
# quarters asked again.

sub counted {
    my ($app, $machine, $deployment, $devices) = @_;

    my ($last) = map { $devices->{$_} } sort { $b <=> $a } keys %$devices;
    my @series = map { my $n = $devices->{$_};
                       [ 0 + $_, $n, $n, $n, $n, $n / 8, 0, $n * 3 / 4, 0, 0,
                             $n, 0, 0, 0, $n / 40, 0, 0, 0, 0 ] }
                 sort { $a <=> $b } keys %$devices;

    $t->write_file("store/apps/$app/guard/$machine.json", json_encode({
        deployments => [{
            id => $deployment, release => $new->{bundle}, serial => 1,
            before => [], series => \@series,
            since => [ [ 0, 0, 0, $last, $last, $last, $last, $last / 8, 0,
                         $last * 3 / 4, (0) x 6 ],
                       [ 0, 0, 1, $last, 0, 0, $last, $last / 40, 0,
                         (0) x 7 ] ],
        }],
    }));
}
