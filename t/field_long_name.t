#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# A request of the feed that needs no token costs about the same however many
# releases an app has, and however its name is made.

use warnings;
use strict;

use List::Util qw/ min /;
use Test::More;
use Time::HiRes qw/ time /;

use Test::LiveUpdate qw/ :DEFAULT json_decode json_encode wait_until /;

use constant {
    BUILDS => 30_000,
    ROUNDS => 20,

    # seconds; one that looks at each build takes ten times as long
    MOST => 0.01,
};

my $t = Test::LiveUpdate->new()->plan(11);

$t->config_reference()->run();

my $app = 'shop';

$t->api('POST', '/v1/apps', { name => $app, type => 'electron', id => $app });

my $file = "store/apps/$app/app.json";
my $json = json_decode($t->read_file($file));

$json->{desktopBuilds} = [ map { {
    id => sprintf('1-%d-1', $_), version => "1.$_.0-1-1-1",
    createdAt => '2026-01-01T00:00:00.000Z', isReleased => \1,
} } 1 .. BUILDS ];

$json->{desktopReleases} = {
    latestReleaseBuildId => '1-1-1', releaseRedirections => [],
};

$t->replace_file($file, json_encode($json));

# the generation did not change, so that it is seen a second later

ok((wait_until {
    $t->api('GET', "/releases/$app/rules")->{json}{latestReleaseBuildId}
} 10), 'many releases');

$t->api('GET', "/desktop/$app/x.exe", undef, token => undef);

ok((wait_until {
    seconds('/desktop/shop/x.exe') < MOST
} 60), 'a short name');

for my $case (
    [ '-' x 246 . '.exe', 'dashes' ],
    [ '-1' x 120 . '.exe', 'ones' ],
    [ '-1.' x 80 . '.exe', 'ones and dots' ],
    [ '1-1-' x 60 . '.exe', 'what ids begin with' ],
    [ '-1.1.0-1-1' x 24 . '.exe', 'what versions begin with' ],
    [ 'Build 1-1-1' x 22 . '.exe', 'ids' ],
    [ '-1.' x 70 . '-build-1-1-1.blockmap', 'a blockmap' ],
    [ '-build-' x 34 . '.blockmap', 'a blockmap of no build' ],
    [ '-1.1.1' x 41 . '.yml', 'a manifest' ],
) {
    my ($name, $what) = @$case;

    my $seconds = seconds('/desktop/shop/' . $name =~ s/ /%20/gr);

    cmp_ok($seconds, '<', MOST, $what);
}

###############################################################################

# The shortest of some requests, which nothing else has disturbed.

sub seconds {
    my ($path) = @_;

    return min(map {
        my $start = time();

        $t->api('GET', $path, undef, token => undef);

        time() - $start;
    } 1 .. ROUNDS);
}

###############################################################################
