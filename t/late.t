#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Two machines on a shared file system which opens a file only when it is used,
# as GlusterFS does: what another machine has removed or replaced meanwhile is
# not found, and that does not mean that the release or the app is not there.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT zip /;
use Test::LiveUpdate::Shared;
use Test::LiveUpdate::Store;

use constant { ROUNDS => 6, CALLS => 8 };

# They listen on 8081 and 8082.

my %machines = map { $_ => Test::LiveUpdate->new() } 8081, 8082;
my $t = $machines{8081};
my $dir = $t->testdir();
my $shared = Test::LiveUpdate::Shared->new($t, 2, mode => 'late');

mkdir $shared->dir() . '/s';

for my $port (8081, 8082) {
    my $machine = $machines{$port};
    my $store = $shared->place($port - 8080) . '/s/store';
    my $listen = '127.0.0.1:' . port($port);

    $machine->config_reference(sub {
        s{^(http \{\n)}{$1    liveupdate_machine  m$port;\n}m;
        s{^( *listen) .*}{$1  $listen;}m;
        s{\sstore(?=[;/])}{ $store}g;
        s{\stokens;}{ $dir/tokens;};
    });
    $machine->{tokens} = $t->{tokens};
    $machine->run();
}

$t->plan(5 + Test::LiveUpdate::FREE_TESTS);
$machines{8082}{planned} = 1;

# A release goes live by one machine, while others wait for its lock.

my @bundles;

for my $round (1 .. ROUNDS) {
    my $app = create($round);
    my $bundle = $t->api('POST', "/v1/apps/$app/bundles",
        { artifactType => 'zip', channelName => 'production' }, port => 8081)
        ->{json}{id};

    $t->upload($app, $bundle, zip('index.html' => 'x'), port => 8081);
    push @bundles, [ $app, $bundle ];

    at_once("ready.$round", sub {
        my ($port) = @_;

        return $t->api('PATCH', "/v1/apps/$app/bundles/$bundle",
                       { artifactStatus => 'ready' }, port => $port);
    });
}

is(said('ready'), '200' x (ROUNDS * CALLS), 'ready, at once')
    or diag(join "\n", wrong());

# An app is renamed by one machine, and read by the other one.

my $app = $bundles[0][0];
my %seen;

for my $n (1 .. 10) {
    $t->api('PATCH', "/v1/apps/$app", { name => "name $n" }, port => 8081);
    $seen{$t->api('GET', "/v1/apps/$app", undef, port => 8082)->{status}}++;
    $seen{$t->api('GET', "/releases/$app", undef, port => 8082)->{status}}++;
}

is(join(' ', sort keys %seen), '200', 'what was replaced is read anew');

# And what does not exist is not there.

is($t->api('GET', '/v1/apps/none', undef, port => 8082)->{status}, 404,
   'no app');

my $store = Test::LiveUpdate::Store->new($shared->dir() . '/s/store');

is(join(' ', map {
    my ($app, $bundle) = @$_;
    scalar grep { $_->{release} eq $bundle } $store->deployments($app);
} @bundles), join(' ', (1) x ROUNDS), 'each is deployed once');
is(join("\n", $store->check()), '', 'nothing is wrong in the store');

$_->stop() for values %machines;

###############################################################################

sub create {
    my ($n) = @_;

    my $id = $t->create_app("App $n", port => 8081);

    $t->create_channel($id, 'production', port => 8081);

    return $id;
}

# By both machines in turn; the replies are in files.

sub at_once {
    my ($name, $code) = @_;

    my @pids = map {
        my $n = $_;

        $t->run_daemon(sub {
            my $reply = eval { $code->($n % 2 ? 8081 : 8082) };

            $t->write_file("$name.$n", $reply
                           ? "$reply->{status} $reply->{raw}" : "none $@");
        });
    } 1 .. CALLS;

    $t->ended($_, 60) or die "$name does not end\n" for @pids;
}

sub said {
    my ($name) = @_;

    return join '', map { $t->read_file($_) =~ /^(\S+)/ } names($name);
}

sub wrong {
    return grep { !/^200/ } map { $t->read_file($_) } names('ready');
}

sub names {
    my ($name) = @_;

    opendir my $dh, $dir or die "cannot open $dir: $!\n";

    return grep { /^\Q$name\E\.\d/ } readdir $dh;
}
