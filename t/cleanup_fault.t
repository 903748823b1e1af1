#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# A cleanup is cut short at one of the calls that it makes to change the store:
# the process is killed there, or the disk fails.  The next one removes what is
# left; what anybody needs is there all the time, and the store is whole.
#
# LIVEUPDATE_FAULTS=1 takes each call, otherwise some of each kind.

use warnings;
use strict;

use Errno qw/ EIO /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT zip /;
use Test::LiveUpdate::Fault;
use Test::LiveUpdate::Store;

use constant SOME => $ENV{LIVEUPDATE_FAULTS} ? 1000 : 12;

my $t = Test::LiveUpdate->new()->plan(5);
my $fault = Test::LiveUpdate::Fault->new($t);

$t->allow_alert(qr/close\(\) .* failed \((?:5|28):/);

$t->write_file_expand('nginx.conf', <<'EOC');

%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    liveupdate_store   store;
    liveupdate_tokens  tokens;
    liveupdate_keep    releases=1 time=0 rollback=1 uploads=0 channels=0
                       every=1y;

    server {
        listen  127.0.0.1:8080;

        location /v1/ {
            liveupdate_api;
        }

        location /releases/ {
            liveupdate_releases;
        }
    }
}

EOC

$t->run();

my $dir = $t->testdir() . '/store';
my $store = Test::LiveUpdate::Store->new($dir);

wait_until { $t->read_file('error.log') =~ /cleanup of "\Q$dir\E"/ } 20;

my $app = $t->create_app('Shop');
my ($n, @needed, @goes);

$t->create_channel($app, 'production');

prepare();
$fault->arm('count');

is_deeply(clean()->{json}, { removed => 2, left => 0 }, 'without a fault');

my %counts = $fault->disarm();

my @wrong;

for my $how (['kill'], ['error', EIO]) {
    for my $some ($fault->some(SOME, %counts)) {
        my ($call, $nth) = @$some;

        prepare();
        $fault->arm($how->[0], $call, $nth, $how->[1]);

        eval { clean() };

        my $path = $fault->fired() // 'nowhere';

        $fault->disarm();

        my @lost = grep { !-e "$dir/live/$app/$_/release.json" } @needed;
        my $is = $t->latest($app, channelName => 'production')
            ->{json}{bundleId} // 'nothing';

        wait_until { clean()->{status} == 200 } 10;

        my @left = grep { -e "$dir/live/$app/$_" || -e "$dir/staging/$app/$_" }
            @goes;

        push @wrong, "$how->[0] $call $nth ($path): lost @lost, left @left, "
            . "devices get $is"
            if @lost || @left || $is ne $needed[0];
    }
}

is(join("\n", @wrong), '', 'all went on');
is(join(' ', map { $_->{to} } grep { $_->{change} eq 'release.cleanup'
                                     && $_->{subject} eq $goes[0] } audit()),
   'old', 'the audit log has it');
is(join("\n", $store->check()), '', 'the store is whole');

$t->stop();
$t->run();

is_deeply([$store->temporary()], [], 'nothing is left in tmp after a start');


# Of three more bundles the first may go, with those before, and an upload.

sub prepare {
    my @ids = map {
        $n++;

        my $done = $t->publish($app, 'production', zip('index.html' => $n));

        die $done->{reply}{raw} unless $done->{ok};

        $done->{bundle};
    } 1 .. 3;

    my $upload = $t->api('POST', "/v1/apps/$app/bundles",
                         { appId => $app, artifactType => 'zip',
                           channelName => 'production' })->{json}{id};

    @goes = ($ids[0], reverse(@needed), $upload);
    @needed = @ids[2, 1];
}


sub clean {
    return $t->api('POST', "/releases/$app/cleanup", {});
}


sub audit {
    return @{$t->api('GET', "/releases/$app/audit?limit=1000")->{json}};
}
