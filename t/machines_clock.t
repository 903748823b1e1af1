#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# The clocks of two machines differ by hours: what was done last comes last,
# whoever did it; only what is about a time depends on the clock.

use warnings;
use strict;

use POSIX qw/ strftime /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT zip /;
use Test::LiveUpdate::Machines;
use Test::LiveUpdate::Release qw/ dist /;

use constant HOURS => 5;

my $t = Test::LiveUpdate->new();
my $machines = Test::LiveUpdate::Machines->new($t, clocks => 1);
my ($one, $two) = $machines->machines();
my $store = $machines->store();

$t->plan(14);
$two->clock()->set(HOURS * 3600);

# deployments, and the audit log

my $app = $one->create_app('clocks');
my $channel = $one->create_channel($app, 'production');
my $n = 0;
my @bundles = map { $_->publish($app, 'production',
                                zip('index.html' => $n++))->{bundle} }
    $two, $one, $two, $one, $one, $two, $one;

is_deeply([map { $_->{release} } $store->deployments($app)],
          [reverse @bundles], 'deployments are in the order of the calls');
ok((wait_until { told($_) eq $bundles[-1] } 5), 'the last one is told')
    for $one, $two;

my @audit = @{$two->api('GET', "/releases/$app/audit")->{json}};
my @generations = map { $_->{generation} } @audit;

is_deeply(\@generations, [sort { $b <=> $a } @generations],
          'so is the audit log');
isnt(join(' ', map { $_->{at} } @audit),
     join(' ', sort { $b cmp $a } map { $_->{at} } @audit),
     'although its times are not');

# a rollback is one to the deployment before, not to an older one

is($one->api('POST', "/releases/$app/rollback",
             { channel => 'production' })->{status}, 200, 'a rollback');
ok((wait_until { told($_) eq $bundles[-2] } 5), 'to the one before')
    for $one, $two;

# desktop releases: the later one has the later time

$two->api('POST', '/v1/apps', { name => 'Shop', id => 'shop',
                                type => 'electron' });
stage($two, 'r1', '1.0.0');
stage($one, 'r2', '1.0.1');

is_deeply([map { $_->{id} } @{$store->app('shop')->{desktopBuilds}}],
          ['r1', 'r2'], 'builds are in the order of the calls');
is($store->app('shop')->{desktopReleases}{latestReleaseBuildId}, 'r2',
   'the last one is the latest');
cmp_ok(mtime('r2', '1.0.1'), '>', mtime('r1', '1.0.0'),
       'and has the later time');

# what is about a time

$one->api('PATCH', "/v1/apps/$app/channels/$channel", {
    expiresAt => strftime('%Y-%m-%dT%H:%M:%SZ', gmtime(time() + 3600)),
});

ok((wait_until { told($two) eq '' } 5), 'the channel expires earlier there');
is(told($one), $bundles[-2], 'and not here');

is(join("\n", $store->check()), '', 'the store is whole');

$machines->stop();


sub told {
    my ($machine) = @_;

    return $machine->latest($app, channelName => 'production')
        ->{json}{bundleId} // '';
}


sub stage {
    my ($machine, $id, $version) = @_;

    dist($machine->{t}, 'shop', $id,
         { 'latest.yml' => [$version, "Shop Setup $version.exe"] });

    my $reply = $machine->api('POST', "/releases/shop/$id/stage", {},
                              token => 'publish');

    $reply->{status} < 300 or die "not staged: $reply->{raw}\n";
}


sub mtime {
    my ($id, $version) = @_;

    return (stat "$t->{testdir}/disk/live/shop/$id/files/Shop Setup "
                 . "$version.exe")[9] // 0;
}
