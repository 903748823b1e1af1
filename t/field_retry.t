#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# A call that is repeated, as the CLI does after a 504, is one change: one
# audit entry and one generation.  What does change something is not taken for
# a repeated one.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT zip /;
use Test::LiveUpdate::Dist qw/ manifest upload /;

my $t = Test::LiveUpdate->new()->plan(54);

$t->config_reference();
$t->run();

my $app = $t->create_app('retry');
my $a = "/v1/apps/$app";
my $default = $t->api('GET', "$a/channels?name=default")->{json}[0]{id};
my $safe = $t->create_channel($app, 'beta');
my $first = $t->publish($app, 'default', zip('index.html' => 'x'))->{bundle};
my $second = $t->publish($app, 'default', { 'index.html' => 'x' })->{bundle};

# the end of an upload

for my $id ($first, $second) {
    my $before = state();

    for (1 .. 3) {
        my $reply = ready($id);

        is($reply->{status}, 200, 'ready again');
        is($reply->{json}{artifactStatus}, 'ready', 'it is ready');
    }

    is(state(), $before, 'nothing has changed');
}

is(scalar(grep { $_->{change} eq 'bundle.ready' } audit()), 2,
   'one entry for each bundle');

my $lonely = $t->api('POST', '/v1/apps', { name => 'lonely' })->{json}{id};

$t->api('PATCH', "/v1/apps/$lonely", { appChannelId => undef });

my $nowhere = $t->publish($lonely, undef, zip('index.html' => 'x'));

ok($nowhere->{ok}, 'a bundle that goes to no channel');
is($t->api('PATCH', "/v1/apps/$lonely/bundles/$nowhere->{bundle}",
           { artifactStatus => 'ready' }, token => 'publish')->{status}, 200,
   'ready again');
is(scalar(grep { $_->{change} eq 'bundle.ready' }
          @{$t->api('GET', "/releases/$lonely/audit")->{json}}), 1,
   'one entry');

# a bundle that failed, and then does not

my $bundle = $t->api('POST', "$a/bundles", { artifactType => 'zip' },
                     token => 'publish')->{json}{id};

$t->upload($app, $bundle, 'no zip');
is(ready($bundle)->{status}, 422, 'a bundle that fails');
is(ready($bundle)->{status}, 422, 'and again');
$t->upload($app, $bundle, zip('index.html' => 'z'));
is(ready($bundle)->{status}, 200, 'and then does not');
is((audit())[0]{change}, 'bundle.ready', 'is a change');

# the others that the CLI repeats

my $deployment = $t->api('GET', "$a/deployments")->{json}[0]{id};

once('a rollout', PATCH => "$a/deployments/$deployment",
     { rolloutPercentage => 0.5 });
once('a pause', POST => "$a/channels/$safe/pause", {});
once('its end', POST => "$a/channels/$safe/resume", {});
once('another name', PATCH => "$a/channels/$safe", { name => 'gamma' });
once('a forced device', PATCH => "$a/devices?ids=one,two",
     { forcedAppChannelId => $safe });
once('and a free one', PATCH => "$a/devices?ids=one",
     { forcedAppChannelId => undef });
once('a deployment', POST => "$a/deployments",
     { appBuildId => $first, appChannelName => 'gamma' });
once('an app', PATCH => $a, { name => 'other' }, 'admin');
once('a promotion', POST => "/releases/$app/$second/promote",
     { channel => 'gamma', rollout => 0.25 }, 'approve');
once('a withdrawal', POST => "/releases/$app/$second/withdraw", {},
     'approve');

once('limits', PATCH => "$a/builds/$first",
     { minAndroidAppVersionCode => '2' });
once('properties', PATCH => "$a/bundles/$first",
     { customProperties => { a => 'b' } });

# a desktop release is promoted, and its files stay what they are

my %files = ('Setup 1.0.0.exe' => 'x');

$t->api('POST', '/v1/apps', { id => 'desk', name => 'desk',
                              type => 'electron' });
upload($t, 'desk', 'r1', { %files,
                           'latest.yml' => manifest('1.0.0', \%files) });
system('chown', '-R', '--reference=' . $t->testdir() . '/store/apps',
       $t->testdir() . '/store/staging/desk');
$t->api('POST', '/releases/desk/r1/stage', {}, token => 'publish');

my $promote = sub {
    return $t->api('POST', '/releases/desk/r1/promote', {},
                   token => 'approve')->{status};
};
my $tag = sub {
    return $t->api('GET', '/desktop/desk/Setup%201.0.0.exe', undef,
                   token => undef)->{headers}{etag};
};

is($promote->(), 200, 'a desktop release');

my ($etag, $generation) = ($tag->(), $t->api('GET', '/v1/apps/desk')
                                       ->{json}{generation});

is($promote->(), 200, 'once more');
is($tag->(), $etag, 'its files are what they were');
is($t->api('GET', '/v1/apps/desk')->{json}{generation}, $generation,
   'nothing has changed');

# what was withdrawn is no repeated call

is($t->api('POST', "/releases/$app/$second/promote", {}, token => 'approve')
   ->{status}, 200, 'promoted again');
is((audit())[0]{change}, 'release.promote', 'is a change');

# many at once

$bundle = $t->api('POST', "$a/bundles", { artifactType => 'zip' },
                  token => 'publish')->{json}{id};
$t->upload($app, $bundle, zip('index.html' => 'many'));

my @children = map {
    my $pid = fork() // die "fork: $!\n";

    if ($pid == 0) {
        my $status = ready($bundle)->{status};
        require POSIX;
        POSIX::_exit($status == 200 ? 0 : 1);
    }

    $pid;
} 1 .. 6;

is(scalar(grep { waitpid($_, 0) == $_ && $? == 0 } @children), 6,
   'ready from six clients at once');
is(scalar(grep { $_->{change} eq 'bundle.ready'
                 && $_->{subject} eq $bundle } audit()), 1, 'is one change');

###############################################################################

sub once {
    my ($name, $method, $path, $body, $token) = @_;

    my $before = state();

    my @statuses = map {
        $t->api($method, $path, $body, token => $token // 'publish')->{status}
    } 1 .. 3;

    my ($generation, $entries) = split / /, state();
    my @were = split / /, $before;

    ok($statuses[0] < 300 && $statuses[1] == $statuses[0]
       && $statuses[2] == $statuses[0], "$name, three times: @statuses");
    is("$generation $entries", join(' ', map { $_ + 1 } @were),
       'is one change');
}


sub ready {
    my ($id) = @_;

    return $t->api('PATCH', "$a/bundles/$id", { artifactStatus => 'ready' },
                   token => 'publish');
}


sub audit {
    return @{$t->api('GET', "/releases/$app/audit?limit=1000")->{json}};
}


sub state {
    return join ' ', $t->api('GET', $a)->{json}{generation}, scalar audit();
}
