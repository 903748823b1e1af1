#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# /v1/apps/{app}/builds: what a bundle is to those who deploy it.

use warnings;
use strict;
use utf8;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_encode zip /;

my $t = Test::LiveUpdate->new()->plan(42);

$t->config_reference();
$t->run();

my $app = $t->create_app('builds');
my $path = "/v1/apps/$app/builds";
my $zip = zip('index.html' => 'x');

my $one = $t->publish($app, undef, $zip, bundle => {
    gitRef => 'main', customProperties => { a => 'b' },
    minAndroidAppVersionCode => '5',
});
my $two = $t->publish($app, undef, { 'index.html' => 'x' });
my $pending = $t->api('POST', "/v1/apps/$app/bundles",
                      { artifactType => 'zip' })->{json}{id};

# get

my $reply = $t->api('GET', "$path/$one->{build}");

is($reply->{status}, 200, 'a build');

my %build = %{$reply->{json}};

delete @build{qw/ createdAt updatedAt /};

is_deeply(\%build, {
    id => $one->{build},
    appId => $app,
    platform => 'web',
    type => undef,
    jobId => $one->{build},
    appBuildArtifactId => $one->{bundle},
    numberAsString => '1',
    packageName => undef,
    packageVersion => undef,
    gitRef => 'main',
    gitCommitSha => undef,
    gitCommitRef => undef,
    gitCommitMessage => undef,
    customProperties => { a => 'b' },
    minAndroidAppVersionCode => '5',
    maxAndroidAppVersionCode => undef,
    eqAndroidAppVersionCode => undef,
    minIosAppVersionCode => undef,
    maxIosAppVersionCode => undef,
    eqIosAppVersionCode => undef,
}, 'has all that a build has');

is($t->api('GET', "$path/$one->{build}?relations=job")->{json}{job}{status},
   'succeeded', 'its job has succeeded');

my $artifact = $t->api('GET', "$path/$two->{build}"
                              . '?relations=appBuildArtifacts,job')
    ->{json}{appBuildArtifacts}[0];

is_deeply([@$artifact{qw/ id type status /}],
          [$two->{bundle}, 'manifest', 'ready'], 'its artifact');
is($t->api('GET', "$path/$pending?relations=appBuildArtifacts")
   ->{json}{appBuildArtifacts}[0]{status}, 'pending', 'that of a pending one');
is($t->said($t->api('GET', "$path/nope")), '404 Bundle not found.',
   'an unknown build');
is($t->api('GET', "$path/$one->{build}/artifacts/$one->{bundle}/download")
   ->{headers}{location},
   'http://127.0.0.1:' . port(8080)
   . "/artifacts/$app/$one->{bundle}/bundle.zip", 'the bytes of an artifact');

my $long = 'x' x 4200;

is($t->api('GET', "/v1/apps/$app/bundles/$two->{bundle}/download?href=$long",
           undef, token => undef)->{headers}{location},
   'http://127.0.0.1:' . port(8080)
   . "/artifacts/$app/$two->{bundle}?href=$long", 'whatever file is asked for');

# list

is(numbers(''), '3 2 1', 'newest first');
is(numbers('limit=1'), '3', 'limit');
is(numbers('limit=1&offset=1'), '2', 'offset');
is(numbers('numberAsString=2'), '2', 'by number');
is(numbers('numberAsString=02'), '', 'to the letter');
is(numbers('numberAsString=9'), '', 'of none');
is(numbers('platform=web'), '3 2 1', 'for the web');
is(numbers('platform=ios'), '', 'and nothing else');
is($t->api('GET', "$path?numberAsString=1&relations=appBuildArtifacts")
   ->{json}[0]{appBuildArtifacts}[0]{id}, $one->{bundle},
   'relations in a list');

# numbers are not used twice

$t->api('DELETE', "/v1/apps/$app/bundles/$pending");
my $next = $t->api('POST', "/v1/apps/$app/bundles",
                   { artifactType => 'zip' })->{json}{id};
is($t->api('GET', "$path/$next")->{json}{numberAsString}, '4',
   'a number is used once');

# native versions

is(told(1), $two->{bundle}, 'a build for all versions');

$reply = change($two->{build}, {
    minAndroidAppVersionCode => '10', maxAndroidAppVersionCode => '12',
    eqAndroidAppVersionCode => '11', minIosAppVersionCode => '1.2',
});

is($reply->{status}, 200, 'limits');
is_deeply([@{$reply->{json}}{qw/ minAndroidAppVersionCode
          maxAndroidAppVersionCode eqAndroidAppVersionCode
          minIosAppVersionCode maxIosAppVersionCode /}],
          ['10', '12', '11', '1.2', undef], 'are told');
is(join(' ', map { told($_) eq $two->{bundle} ? 1 : 0 } 9 .. 13),
   '0 1 0 1 0', 'and hold at once');
is(told('1.1', platform => 1), $one->{bundle}, 'for iOS the one before');
is(told('1.10', platform => 1), $two->{bundle}, 'as well');

is(change($two->{build}, { eqAndroidAppVersionCode => undef })->{json}
   {eqAndroidAppVersionCode}, undef, 'a limit is taken away');
is(join(' ', map { told($_) eq $two->{bundle} ? 1 : 0 } 9 .. 13),
   '0 1 1 1 0', 'and the others stay');

change($two->{build}, { customProperties => { 'ü' => '✓' } });
is_deeply($t->latest($app, appVersionCode => 10)->{json}{customProperties},
          { 'ü' => '✓' }, 'properties');
change($two->{build}, { customProperties => undef });
is($t->latest($app, appVersionCode => 10)->{json}{customProperties}, undef,
   'no properties');

is(change($two->{build}, {})->{status}, 200, 'no change at all');
is(change($next, { minIosAppVersionCode => '3' })->{status}, 200,
   'limits of a bundle that is not ready');
$t->upload($app, $next, $zip);
$t->api('PATCH', "/v1/apps/$app/bundles/$next", { artifactStatus => 'ready' });
is($t->api('GET', "$path/$next")->{json}{minIosAppVersionCode}, '3',
   'stay when it is');

for my $body (
    { minAndroidAppVersionCode => 10 }, { minAndroidAppVersionCode => '' },
    { maxIosAppVersionCode => '1.' }, { eqIosAppVersionCode => 'x' },
    { minIosAppVersionCode => "1\n" }, { customProperties => { a => 1 } },
    { customProperties => [] },
    { minAndroidAppVersionCode => '1', maxIosAppVersionCode => 'x' },
) {
    $t->refused(sub { change($two->{build}, $body) }, qr/^422 \S/,
                'no change: ' . json_encode($body));
}

$t->refused(sub { change('nope', {}) }, '404 Bundle not found.',
            'change of an unknown one');

# what would want a builder

$t->refused(sub { $t->api('POST', $path, { platform => 'web' }) },
            qr/^4(?:05|22) /, 'nothing is built here');
is($t->said($t->api('GET', '/v1/apps/nope/builds')), '404 App not found.',
   'an unknown app');

###############################################################################

sub numbers {
    my ($query) = @_;

    return join ' ', map { $_->{numberAsString} }
        @{$t->api('GET', "$path?$query", undef, token => 'read')->{json}};
}


sub change {
    my ($id, $body) = @_;

    return $t->api('PATCH', "$path/$id", $body, token => 'publish');
}


sub told {
    my ($code, %params) = @_;

    my $reply = $t->latest($app, appVersionCode => $code, %params);

    return $reply->{status} == 200 ? $reply->{json}{bundleId}
                                   : $reply->{status};
}
