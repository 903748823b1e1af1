#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# An S3 client sends a release through two machines whose names are stale, and
# sends its files again: no second release is begun beside the one that is live.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate;
use Test::LiveUpdate::Machines;
use Test::LiveUpdate::Release qw/ bytes_of manifest_of /;

use constant VERSIONS => 4;

my $t = Test::LiveUpdate->new();
my $machines = Test::LiveUpdate::Machines->new($t);
my @machines = $machines->machines();
my $store = $machines->store();

$t->plan(6 * VERSIONS + 1);

$machines[0]->api('POST', '/v1/apps', { id => 'shop', name => 'Shop',
                                        type => 'electron' });

for my $n (1 .. VERSIONS) {
    my $file = "Setup $n.0.0.exe";
    my $encoded = $file =~ s/ /%20/gr;

    $machines->lie(keep => 400, stale => 50, silly => 1);

    # both machines have asked for the release in vain

    $_->api('GET', "/releases/shop/$n.0.0") for @machines;

    is(sent($n % 2, "/shop/$n.0.0/$encoded", bytes_of($file)), 200,
       "$n: a file");
    is(sent(0, "/shop/$n.0.0/latest.yml", manifest_of("$n.0.0", $file)), 200,
       'the last one');

    is(sent($_, "/shop/$n.0.0/$encoded", bytes_of($file)), 200,
       "the file again, $_") for 1, 0;

    $machines->lie();

    ok(-e "$store->{dir}/live/shop/$n.0.0/release.json", 'it is live');
    ok(!-e "$store->{dir}/staging/shop/$n.0.0", 'and nowhere else');
}

is(join("\n", $store->check(late => 1), $machines->alerts()), '',
   'the store is whole');

$machines->stop();


# The status in the end: what is answered with 503 is sent again.

sub sent {
    my ($i, $path, $bytes) = @_;

    my $reply;

    wait_until {
        $reply = $machines[$i]->s3()->put($path, $bytes);
        $reply->{status} != 503;
    } 20;

    diag("$path: $reply->{message}") if $reply->{message};

    return $reply->{status};
}
