#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Workers do not grow: neither in descriptors nor in memory, however many
# bundles were published, refused and deleted.
#
# LIVEUPDATE_PUBLISHES is how many, 100 if not set.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT zip /;
use Test::LiveUpdate::Fault;
use Test::LiveUpdate::Publisher;
use Test::LiveUpdate::Store;

use constant { KEPT => 20, MAY_GROW => 768 };

my $n = $ENV{LIVEUPDATE_PUBLISHES} || 100;
my $t = Test::LiveUpdate->new()->plan(6);

# nobody has to wait for a disk
Test::LiveUpdate::Fault->new($t);

# or else each thread takes its time to grow to what it needs
$t->env(MALLOC_ARENA_MAX => 1);

$t->config_reference();
$t->run();

my $store = Test::LiveUpdate::Store->new($t->testdir() . '/store');
my $publisher = Test::LiveUpdate::Publisher->new($t, retries => 0);
my $app = $t->create_app('leak');

$t->create_channel($app, 'production');

my ($serial, $refused, @bundles) = (0, 0);

# the first ones make all threads and their memory
publish() for 1 .. $n / 2;

my @before = map { $t->size($_) } $t->workers();

publish() for 1 .. $n / 2;

my @after = map { $t->size($_) } $t->workers();

is(scalar $store->deployments($app), KEPT, "$n bundles, the last are kept");
cmp_ok($refused, '>=', $n / 2, "$refused refusals");
is_deeply([map { $_->{open} } @after], [map { $_->{open} } @before],
          'as many descriptors as before');

my @growth = map { $after[$_]{memory} - $before[$_]{memory} } 0 .. $#before;

SKIP: {
    skip 'AddressSanitizer keeps what was freed', 1 if $ENV{TEST_NGINX_ASAN};

    cmp_ok((sort { $a <=> $b } @growth)[-1], '<=', MAY_GROW,
           "@growth kB more memory");
}

is(join("\n", $store->check()), '', 'the store is whole');
is(join("\n", $store->temporary()), '', 'nothing is left in tmp');


# One of each kind in turn; what is refused, and a device, in between.

sub publish {
    my $kind = $serial++ % 4;
    my %files = ('index.html' => "<html>$serial</html>", 'a/b.js' => 'x' x 999);

    my $done = $kind == 0 ? $t->publish($app, 'production', zip(%files))
             : $kind == 1 ? $t->publish($app, 'production', \%files)
             : $kind == 2 ? $t->publish($app, 'production', zip(%files),
                                        parts => 100)
             : $publisher->register($app, 'production',
                                    "https://example.com/$serial.zip");

    die "cannot publish: $done->{reply}{raw}\n" unless $done->{ok};

    push @bundles, $done->{bundle};

    refuse();
    $t->latest($app, channelName => 'production');

    return if @bundles <= KEPT;

    my $reply = $t->api('DELETE', "/v1/apps/$app/bundles/" . shift @bundles);

    die "cannot delete: $reply->{raw}\n" unless $reply->{status} == 204;
}


sub refuse {
    my @replies = (
        $t->publish($app, 'production', 'no zip')->{reply},
        $t->api('POST', "/v1/apps/$app/channels", { name => 'production' }),
        $t->api('PATCH', "/v1/apps/$app/bundles/none",
                { artifactStatus => 'ready' }),
        $t->api('POST', "/v1/apps/$app/channels", '{'),
    );

    for my $reply (@replies) {
        die "accepted: $reply->{raw}\n" unless $reply->{status} =~ /^4/;
        $refused++;
    }

    # what was refused is staged until somebody deletes it
    my ($staged) = $store->names("staging/$app");

    $t->api('DELETE', "/v1/apps/$app/bundles/$staged") if defined $staged;
}
