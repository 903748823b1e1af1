#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Two machines on one store: one of them sends notifications, also of what the
# other one has changed, and when it dies, the other one goes on.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_decode /;
use Test::LiveUpdate::Receiver;

my $one = Test::LiveUpdate->new()->plan(6);
my $two = Test::LiveUpdate->new();
my $r = Test::LiveUpdate::Receiver->new($one);
my $dir = $one->testdir() . '/store';

configure($one, 8080, 'm1');
configure($two, 8081, 'm2');

$one->run();

wait_until { -e "$dir/notify/read.json" } 10, 'one begins';

$two->run();

my $app = $one->create_app('Shop');
my $channel = $one->create_channel($app, 'production');
my @sent;

change($one, 8080, 'pause');
change($two, 8081, 'resume');
change($one, 8080, 'pause');
arrived('changes of both');
is(scalar $r->requests(), @sent, 'each of them once');

# the one that sends dies, while something is on its way

$r->script('/' => { hang => 1 });
change($one, 8080, 'resume');
wait_until { $r->requests() > 3 } 10, 'it is on its way';
$one->kill_nginx();
$r->script();
change($two, 8081, 'pause');
arrived('the other one goes on');

my @ids = map { $_->{headers}{'webhook-id'} } $r->requests();
is($ids[3], $ids[4], 'with what was on its way');

# the first one is back, and is not needed

$one->run();
change($one, 8080, 'resume');
change($two, 8081, 'pause');
arrived('both again');
is(scalar $r->requests(), @sent + 1, 'each of them once');


sub configure {
    my ($t, $port, $machine) = @_;

    my $testdir = $t->testdir();

    $r->targets('a json {url}/ secret={secret} event=channel.*', $t);

    $t->write_file_expand('nginx.conf', <<"EOF");

%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    liveupdate_machine  $machine;
    liveupdate_store    $dir;
    liveupdate_tokens   tokens;
    liveupdate_notify   targets  retry=100ms  disk=0%;

    server {
        listen  127.0.0.1:$port;

        location /v1/ {
            liveupdate_api;
        }

        location /notify/ {
            internal;
            proxy_pass  \$liveupdate_notify_url;
        }
    }
}

EOF
}


sub change {
    my ($t, $port, $what) = @_;

    my $reply = $t->api('POST', "/v1/apps/$app/channels/$channel/$what", {},
                        port => $port);

    $reply->{status} == 204 or die "not changed: $reply->{raw}\n";

    push @sent, "channel.$what";
}


# All that was changed, in order, each once.

sub arrived {
    my ($name) = @_;

    wait_until { taken() >= @sent } 20, $name;

    is(join(' ', taken()), "@sent", $name);
}


sub taken {
    my %seen;

    return map { json_decode($_->{body})->{data}{change} }
        grep { !$seen{$_->{headers}{'webhook-id'}}++ } $r->taken();
}
