#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# What is older than a minimum must update: devices learn it from the custom
# properties of the answer, and desktop apps from a line of the manifest, by
# the real electron-updater.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Test::LiveUpdate qw/ :DEFAULT zip /;
use Test::LiveUpdate::Device;
use Test::LiveUpdate::Updater;

select STDERR; $| = 1;
select STDOUT; $| = 1;

my $t = Test::LiveUpdate->new();
my $updater = Test::LiveUpdate::Updater->new($t);

$ENV{APPROVAL} = 'on';

$t->config_reference()->run()->plan(46);

my $server = 'http://127.0.0.1:' . port(8080);
my $dir = $t->testdir();

# -- devices -----------------------------------------------------------------

my $app = $t->create_app('My App');
my ($channel) = @{$t->api('GET', "/v1/apps/$app/channels")->{json}};
my $path = "/v1/apps/$app/channels/$channel->{id}";

my ($one, $two, $three) = map {
    my $made = $t->publish($app, 'default', zip('index.html' => $_));

    $t->api('POST', "/releases/$app/$made->{bundle}/promote", {},
            token => 'approve');
    $made->{bundle};
} 1 .. 3;

my $ios = device('ios');

is(property('mandatory'), undef, 'there is no minimum');
is(minimum({ buildNumber => 2 })->{json}{minimum}{buildNumber}, 2,
   'a minimum');
is(property('mandatory'), 'true', 'what is built in must update');
is(property('mandatory', $one), 'true', 'what is older must update');
is(property('mandatory', $two), undef, 'the minimum itself need not');
is(property('mandatory', $three), undef, 'and nor does the newest');
is(property('mandatory', '7e0d2a64-3f0c-4b57-9a51-2f0e4d9b8a10'), 'true',
   'a bundle from elsewhere must');

for my $platform (qw/ android electron /) {
    is(device($platform)->latest()->{customProperties}{mandatory}, 'true',
       "on $platform, too");
}

ok($ios->sync(), 'it is installed');
$ios->restart();
is($ios->latest()->{customProperties}, undef, 'and there is no more to do');

# what is offered must be new enough

my ($deployment) = @{$t->api('GET', "/v1/apps/$app/deployments")->{json}};

minimum({ buildNumber => 3 });
is(property('mandatory', $two), 'true', 'a higher minimum');
$t->api('PATCH', "/v1/apps/$app/deployments/$deployment->{id}",
        { rolloutPercentage => 0.000001 });
is(told($one)->{bundleId}, $two, 'outside of the share');
is(property('mandatory', $one), undef, 'what would not help is not mandatory');
$t->api('PATCH', "/v1/apps/$app/deployments/$deployment->{id}",
        { rolloutPercentage => 1 });

# properties of the bundle

my $build = $t->api('GET', "/v1/apps/$app/bundles/$three")->{json}{appBuildId};

$t->api('PATCH', "/v1/apps/$app/builds/$build",
        { customProperties => { notes => 'x', mandatory => 'maybe' } });

is_deeply(told($two)->{customProperties},
          { notes => 'x', mandatory => 'true' }, 'beside those of the bundle');
is_deeply(told($three)->{customProperties},
          { notes => 'x', mandatory => 'maybe' }, 'which stays as it was');
is_deeply($t->api('GET', "/v1/apps/$app/builds/$build")->{json}
          {customProperties}, { notes => 'x', mandatory => 'maybe' },
          'in the store as well');

# the version of the app

minimum({ androidAppVersionCode => '12', iosAppVersionCode => '1.4' });

is(property('mandatoryApp', $three, appVersionCode => '1.3.9'), 'true',
   'an app that is too old');
is(property('mandatoryApp', $three, appVersionCode => '1.4.0'), undef,
   'one that is not');
is(property('mandatoryApp', $three, appVersionCode => '1.3', platform => 0),
   'true', 'another platform has its own');
is(property('mandatoryApp', $three, appVersionCode => '13', platform => 0),
   undef, 'which is new enough');
is(property('mandatoryApp', $three, appVersionCode => '1', platform => 2),
   undef, 'or has none');
is(property('mandatoryApp', $three, appVersionCode => 'beta'), undef,
   'no version is not too old');

minimum({ buildNumber => 3, iosAppVersionCode => '2' });

is_deeply(told($one)->{customProperties},
          { notes => 'x', mandatory => 'true', mandatoryApp => 'true' },
          'both');

is(minimum(undef)->{json}{minimum}, undef, 'none again');
is(property('mandatory', $one), 'maybe', 'nothing is mandatory');

for my $case (
    [1, qr/^422 "minimum" must be an object/],
    [{ buildNumber => 4 }, qr/^422 .* none has that yet/],
    [{ buildNumber => -1 }, qr/^422 "buildNumber" of a minimum/],
    [{ buildNumber => 1.5 }, qr/^422 "buildNumber" of a minimum/],
    [{ iosAppVersionCode => '1.x' },
     qr/^422 "iosAppVersionCode" of a minimum must be a version/],
) {
    my ($body, $wanted) = @$case;

    $t->refused(sub { minimum($body) }, $wanted, "refused: $wanted");
}

# -- desktop apps ------------------------------------------------------------

my @builds = map {
    { version => "$_.0.0", id => "26010${_}aaaaaaaa$_", n => $_ }
} 1, 2;

$updater->make('shop', { size => 100_000, edits => 2, targets => ['nsis'] },
               @builds);
$updater->promote('shop', $_) for @builds;

my $plain = manifest();

is(desktop()->{minimum}, undef, 'the app is told no minimum');
is($t->api('PATCH', '/v1/apps/shop', { minimumVersion => '1.10.0' })
   ->{json}{minimumVersion}, '1.10.0', 'a minimum');
is(desktop()->{minimum}, '1.10.0', 'the app is told');

my $line = qq{minimumVersion: "1.10.0"\n};

is(manifest()->{body}, "$plain->{body}$line", 'by a line of the manifest');
is(manifest('HEAD')->{headers}{'content-length'},
   length "$plain->{body}$line", 'which counts');
is(manifest('GET', Range => 'bytes=-' . length $line)->{body}, $line,
   'and is part of its ranges');

my $etag = manifest()->{headers}{etag};

$t->api('PATCH', '/v1/apps/shop', { minimumVersion => '1.20.0' });
is(manifest('GET', 'If-None-Match' => $etag)->{status}, 200,
   'another minimum is another answer');

$t->api('PATCH', '/v1/apps/shop', { minimumVersion => '2.0.1' });
is(manifest()->{body}, $plain->{body}, 'what would not help says nothing');

$t->refused(sub {
    $t->api('PATCH', '/v1/apps/shop', { minimumVersion => '2.0' });
}, qr/^422 "minimumVersion" must be a version/, 'no version');

$t->api('PATCH', '/v1/apps/shop', { minimumVersion => undef });
is_deeply([@{manifest()}{qw/ body status /}], [$plain->{body}, 200],
          'none again');
is(manifest()->{headers}{etag}, $plain->{headers}{etag}, 'as before');

###############################################################################

sub minimum {
    my ($minimum) = @_;

    return $t->api('PATCH', $path, { minimum => $minimum });
}

sub device {
    my ($platform) = @_;

    return Test::LiveUpdate::Device->new(server => $server, app => $app,
                                         platform => $platform,
                                         dir => "$dir/$platform");
}

sub told {
    my ($runs, %params) = @_;

    return $t->latest($app, platform => 1, deviceId => 'd', bundleId => $runs,
                      appVersionCode => '1', %params)->{json};
}

sub property {
    my ($name, @device) = @_;

    return told(@device)->{customProperties}{$name};
}

sub desktop {
    my ($answer) = $updater->node('updater',
        $updater->job('shop', 'nsis', $builds[0], checkOnly => 1));

    return $answer;
}

sub manifest {
    my ($method, @headers) = @_;

    return $t->api($method // 'GET', '/desktop/shop/latest.yml', undef,
                   token => undef, headers => \@headers);
}

###############################################################################
