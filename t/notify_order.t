#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Many events, and targets that are slow, refuse, hang, fail, redirect or are
# away, while nginx is killed and reloaded: each event arrives, in order, with
# an id that stays, and a target that is well is not delayed by the others.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_decode /;
use Test::LiveUpdate::Clock;
use Test::LiveUpdate::Receiver;

use constant EVENTS => $ENV{LIVEUPDATE_EVENTS} // 52;
use constant TARGETS => qw/ well slow bad /;

my $t = Test::LiveUpdate->new()->plan(7);
my $r = Test::LiveUpdate::Receiver->new($t);
my $clock = Test::LiveUpdate::Clock->new($t);
my $url = $r->url();
my $seed = $ENV{LIVEUPDATE_SEED} // int(rand(1e9));

srand($seed);
diag("LIVEUPDATE_SEED=$seed") if $ENV{LIVEUPDATE_EVENTS};

$r->targets(join '', map {
    "$_ json {url}/$_ secret={secret} event=channel.*\n"
} TARGETS);
$r->configure(notify => 'retry=50ms  disk=0%', timeout => '2s');

# what may be wrong for a while

my @wrongs = (
    { status => 500 }, { status => 503, every => 2 }, { hang => 1 },
    { redirect => "$url/nobody" }, { status => 429 }, { drip => 1 },
    { status => 405 }, { status => 400, every => 2 },
    { delay => 0.2 }, 'down', 'away', 'kill', 'kill', 'reload', {},
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

    my $down = $wrong eq 'down' || $wrong eq 'away';

    $r->script('/slow' => { delay => 0.05 },
               '/bad' => ref $wrong ? $wrong : {});
    $r->down() if $down;

    $t->kill_worker() if $wrong eq 'kill';
    $t->reload() if $wrong eq 'reload';

    for (1 .. 4) {
        change();
        $made++;
    }

    # an hour, with tries in between

    if ($wrong eq 'away') {
        tries() for 1 .. 6;
    }

    $r->up() if $down;

    if ($wrong eq 'away') {
        $r->script();
        catch_up();
    }

    next if $wrong eq 'kill' || $wrong eq 'reload' || $down;

    # one that is well has all of it meanwhile

    my $n = expected();

    $late++ unless wait_until { taken('well') >= $n } 30, 'the well one';
}

$r->script();
catch_up();

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


# Ten minutes go by, and there is another try.

sub tries {
    my $before = tried();

    $clock->passes(600);
    wait_until { tried() ne $before } 20, 'another try';
}


sub tried {
    my $state = $t->api('GET', '/v1/notifications/well')->{json};

    return "$state->{delivered} $state->{attempts}";
}


# Who was away is asked again; a jump of the clock may end what has begun.

sub catch_up {
    for (1 .. 30) {
        $clock->passes(600);

        return if Test::LiveUpdate::wait_quietly(sub {
            !grep { $_->{state} ne 'active' }
                @{$t->api('GET', '/v1/notifications')->{json}};
        }, 3);
    }
}


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
