#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Rollouts of several desktop releases at the same time: a newer release that is
# for everyone ends those of older ones, except for what it does not have.

use warnings;
use strict;

use Digest::SHA qw/ sha512_base64 /;
use Test::More;

use Test::LiveUpdate;
use Test::LiveUpdate::Clock;

my $t = Test::LiveUpdate->new()->plan(11);
my $clock = Test::LiveUpdate::Clock->new($t);

$ENV{APPROVAL} = 'on';

$t->config_reference()->run();

$t->api('POST', '/v1/apps', { id => 'desk', name => 'D', type => 'electron' });

staged('1.0.0');
promote('b1', {});

# b5 has a manifest more than b6

staged('5.0.0', 'latest-linux.yml');
staged("$_.0.0") for 6 .. 8;

promote('b5', { plan => [{ share => 0.5, for => '1d' }, { share => 1 }] });
promote('b6', { plan => [{ share => 0.5, for => '2d' }, { share => 1 }] });
is(rollouts(), 'b5 b6', 'two plans');
later(86401);
promote('b7', { rollout => 0.1 });
is(rollouts(), 'b6 b7', 'the older one ends first');
is(latest(), 'b5', 'and is the latest one');
promote('b7', { rollout => 0 });
later(86401);
promote('b7', { rollout => 0.1 });
is(latest() . ' ' . rollouts(), 'b6 b7', 'then the newer one');
is(feed('latest-linux.yml'), '5.0.0', 'where it has no manifest, the older');

promote('b8', {});
is(latest() . rollouts(), 'b8', 'a newer one for all ends a rollout');
is(feed(), '8.0.0', 'which all get');

staged('9.0.0', 'latest-linux.yml');
staged("$_.0.0") for 10, 11;
promote('b9', { plan => [{ share => 0.5, for => '1d' }, { share => 1 }] });
promote('b10', {});
is(latest() . ' ' . rollouts(), 'b10 b9',
   'unless it does not have all manifests');
later(86401);
promote('b11', { rollout => 0.000001 });
is(latest() . ' ' . rollouts(), 'b10 b11', 'the older one is at its end');
is(feed() . ' ' . feed('latest-linux.yml'), '10.0.0 9.0.0',
   'and the latest one of what the newer one does not have');

promote('b9', { rollout => 0.999999, confirm => \1 });
is(feed(), '9.0.0', 'who wants the older one gets it');

###############################################################################

sub latest {
    return $t->api('GET', '/releases/desk/rules')->{json}
        {latestReleaseBuildId};
}

sub rollouts {
    return join ' ', map { $_->{buildId} }
        @{$t->api('GET', '/releases/desk/rules')->{json}{releaseRedirections}};
}


sub promote {
    my ($id, $body) = @_;

    my $reply = $t->api('POST', "/releases/desk/$id/promote", $body,
                        token => 'approve');

    diag("$id: $reply->{raw}") unless $reply->{status} == 200;
}

# nginx looks at the clock with each event.

sub later {
    my ($seconds) = @_;

    $clock->passes($seconds);
    feed();
}

sub feed {
    my ($name) = @_;

    my $reply = $t->api('GET', '/desktop/desk/' . ($name // 'latest.yml'),
                        undef, token => undef,
                        headers => ['x-user-staging-id' => 'one']);

    return $reply->{body} =~ /^version: (\S+)$/m ? $1 : $reply->{status};
}

sub staged {
    my ($version, @more) = @_;

    my ($n) = split /\./, $version;
    my $uploads = "store/staging/desk/b$n/uploads";
    my $bytes = substr "$n" x 1000, 0, 1000;
    my $digest = sha512_base64($bytes) . '==';

    $t->write_file("$uploads/D-$version.exe", $bytes);
    $t->write_file("$uploads/$_", <<EOF_YML) for 'latest.yml', @more;
version: $version
files:
  - url: D-$version.exe
    sha512: $digest
    size: 1000
path: D-$version.exe
releaseDate: '2026-01-01T00:00:00.000Z'
EOF_YML

    $t->api('POST', "/releases/desk/b$n/stage", {}, token => 'publish');
}

###############################################################################
