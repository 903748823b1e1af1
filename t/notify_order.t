#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Many events, and targets that are slow, refuse, hang, fail, redirect or are
# away, while nginx is killed and reloaded: each event arrives, in order, with
# an id that stays, and a target that is well is not delayed by the others.

use warnings;
use strict;

use MIME::Base64 qw/ encode_base64 /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_decode /;
use Test::LiveUpdate::Receiver;

use constant EVENTS => $ENV{LIVEUPDATE_EVENTS} // 48;
use constant TARGETS => qw/ well slow bad /;

my $t = Test::LiveUpdate->new()->plan(7);
my $r = Test::LiveUpdate::Receiver->new($t);
my $url = $r->url();
my $secret = 'whsec_' . encode_base64('s' x 32, '');
my $seed = $ENV{LIVEUPDATE_SEED} // int(rand(1e9));

srand($seed);
diag("LIVEUPDATE_SEED=$seed") if $ENV{LIVEUPDATE_EVENTS};

$t->write_file('targets', join '', map {
    "$_ json $url/$_ secret=$secret event=channel.*\n"
} TARGETS);

chmod 0600, $t->testdir() . '/targets';

$t->write_file_expand('nginx.conf', <<'EOF');

%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    liveupdate_store   store;
    liveupdate_tokens  tokens;

    liveupdate_notify  targets  retry=50ms  disk=0%;

    server {
        listen  127.0.0.1:8080;

        location /v1/ {
            liveupdate_api;
        }

        location /notify/ {
            internal;

            proxy_pass          $liveupdate_notify_url;
            proxy_http_version  1.1;
            proxy_read_timeout  500ms;
        }
    }
}

EOF

# what may be wrong for a while

my @wrongs = (
    { status => 500 }, { status => 503, every => 2 }, { hang => 1 },
    { redirect => "$url/nobody" }, { status => 429 }, { drip => 1 },
    { delay => 0.2 }, 'down', 'kill', 'kill', 'reload', {},
);

$t->run();

wait_until { -e $t->testdir() . '/store/notify/read.json' } 10, 'it begins';

my $app = $t->create_app('Shop');
my $channel = $t->create_channel($app, 'production');
my $late = 0;
my $made = 0;

while ($made < EVENTS) {
    my $wrong = $wrongs[$made / 4 % @wrongs];

    $wrong = $wrongs[rand @wrongs] if EVENTS > 100;

    my $down = $wrong eq 'down';

    $r->script('/slow' => { delay => 0.05 },
               '/bad' => ref $wrong ? $wrong : {});
    $r->down() if $down;

    $t->kill_worker() if $wrong eq 'kill';
    $t->reload() if $wrong eq 'reload';

    for (1 .. 4) {
        change();
        $made++;
    }

    $r->up() if $down;

    next if $wrong eq 'kill' || $wrong eq 'reload' || $down;

    # one that is well has all of it meanwhile

    my $n = expected();

    $late++ unless wait_until { taken('well') >= $n } 30, 'the well one';
}

$r->script();

my @expected = expected();

cmp_ok(scalar @expected, '>=', EVENTS, 'all changes were made');
is($late, 0, 'one that is well does not wait for the others');

for my $target (TARGETS) {
    wait_until { taken($target) >= @expected } 60, "all of $target";

    is(join("\n", taken($target)), join("\n", @expected),
       "$target: all of them, in order");
}

my %ids;

for my $request ($r->requests()) {
    my $json = json_decode($request->{body});

    $ids{"$json->{timestamp} $json->{data}{change}"}
        {$request->{headers}{'webhook-id'}} = 1;
}

is(scalar(grep { keys %$_ != 1 } values %ids), 0, 'one id for an event');
is(scalar $r->requests(qr/nobody/), 0, 'no redirect was followed');


# A change is repeated until it was answered, as publishers do.

sub change {
    my $what = $made % 2 ? 'resume' : 'pause';

    for (1 .. 50) {
        my $reply = eval {
            $t->api('POST', "/v1/apps/$app/channels/$channel/$what", {});
        };

        return if $reply && $reply->{status} < 300;

        select undef, undef, undef, 0.05;
    }

    die "not changed\n";
}


# The entries of the audit log whose changes were made.

sub expected {
    my @entries = grep { $_->{change} =~ /^channel\.(?:pause|resume)/ }
        map { json_decode($_) }
        split /\n/, $t->read_file("store/apps/$app/audit.log");

    my @made = map { $entries[$_] } grep {
        $_ == $#entries
        || $entries[$_]{generation} != $entries[$_ + 1]{generation}
    } 0 .. $#entries;

    return map { "$_->{at} $_->{change}" } @made;
}


# What a target has taken, each event once, in the order of their first coming.

sub taken {
    my ($target) = @_;

    my %seen;

    return map {
        my $json = json_decode($_->{body});
        "$json->{timestamp} $json->{data}{change}";
    } grep { !$seen{$_->{headers}{'webhook-id'}}++ } $r->taken(qr/$target/);
}
