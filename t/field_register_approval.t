#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Registrations that are repeated while the first one waits for approval.

use warnings;
use strict;

use Digest::SHA qw/ sha256_hex /;
use Test::More;

use Test::LiveUpdate;
use Test::LiveUpdate::Store;

my $t = Test::LiveUpdate->new()->plan(18);

$t->config_reference(sub {
    s{^liveupdate_approval .*}{liveupdate_approval  on;}m;
})->run();

my $dir = $t->testdir() . '/store';
my $store = Test::LiveUpdate::Store->new($dir);
my $app = $t->create_app('registered');
my %same = (url => 'https://cdn.example.com/1.zip',
            checksum => sha256_hex('1'));

my $first = register(%same);
my @before = (generation(), scalar $store->audit($app));
my $again = register(%same);

is($first->{status}, 201, 'registered');
is($first->{json}{artifactStatus}, 'staged', 'it waits');
is($again->{status}, 201, 'the same again');
is($again->{json}{id}, $first->{json}{id}, 'is the same bundle');
is($again->{json}{artifactStatus}, 'staged', 'which waits');
is(generation(), $before[0], 'nothing has changed');
is(staged(), 1, 'and one waits');

# others are others

my $other = register(%same, checksum => sha256_hex('2'));

isnt($other->{json}{id}, $first->{json}{id}, 'another checksum');
isnt(register(%same, gitRef => 'x')->{json}{id}, $first->{json}{id},
     'another commit');
isnt(register(url => 'https://cdn.example.com/2.zip')->{json}{id},
     $first->{json}{id}, 'another URL');
is(register(%same)->{json}{id}, $first->{json}{id},
   'the first one is found among them');
is(staged(), 4, 'four wait');

# what was rejected does not wait

is(decide($first, 'reject'), 200, 'rejected');
my $second = register(%same);
isnt($second->{json}{id}, $first->{json}{id}, 'and registered anew');

# what was promoted is the newest of its channel

is(decide($second, 'promote'), 200, 'promoted');
is(register(%same)->{json}{id}, $second->{json}{id}, 'and is the same');
is($t->latest($app)->{json}{bundleId}, $second->{json}{id}, 'for devices');
is(join("\n", $store->check()), '', 'the store is whole');


sub register {
    return $t->api('POST', "/v1/apps/$app/bundles",
                   { artifactType => 'zip', @_ }, token => 'publish');
}


sub decide {
    my ($reply, $verb) = @_;

    return $t->api('POST', "/releases/$app/$reply->{json}{id}/$verb",
                   { reason => 'no' }, token => 'approve')->{status};
}


sub generation {
    return $store->app($app)->{generation};
}


sub staged {
    return scalar @{$t->api('GET', "/releases/$app?state=staged")->{json}};
}
