#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Random schedules of plans, halts, freezes, scheduled and expiring releases,
# over time that goes by, and over crashes: what each device is offered is what
# a model says that knows nothing of the module.

use warnings;
use strict;

use Digest::SHA qw/ sha256 /;
use POSIX qw/ strftime /;
use Test::More;
use Time::Local qw/ timegm /;

use Test::LiveUpdate qw/ zip /;
use Test::LiveUpdate::Clock;

use constant { OPS => 12, DEVICES => 8, HOUR => 3600 };

my $schedules = $ENV{LIVEUPDATE_SCHEDULES} || 20;
my $seed = srand($ENV{LIVEUPDATE_SEED} // time());

my $t = Test::LiveUpdate->new()->plan(2);
my $clock = Test::LiveUpdate::Clock->new($t);

$t->config_reference()->run();

my $app = $t->create_app('Model');
my @bundles = map { $t->publish($app, undef, zip('index.html' => $_)) }
              1 .. 4;

my (@wrong, @freezes, @deployments, $channel, $checks, @log);

for my $n (1 .. $schedules) {
    $channel = "c$n";
    @deployments = ();
    @log = ();

    my @has = (undef) x DEVICES;

    $t->create_channel($app, $channel);
    freeze();
    deploy(0);

    for (1 .. OPS) {
        act();

        for my $i (0 .. $#has) {
            my $is = $t->latest($app, channelName => $channel,
                                deviceId => "d$i", bundleId => $has[$i])
                ->{json}{bundleId};

            # the second may have gone by in between

            my @may = map { expected("d$i", $has[$i], now() + $_) } -3, 3;

            $checks++;

            push @wrong, "schedule $n, d$i got " . name($is) . ", not "
                . join(' or ', map { name($_) } @may)
                . ", after:\n  " . join("\n  ", @log)
                unless grep { ($_ // '') eq ($is // '') } @may;

            $has[$i] = $is if defined $is && rand() < 0.6;
        }

        last if @wrong;
    }

    last if @wrong;
}

is(join("\n", @wrong), '', "each device got what it must: $checks checks")
    or diag("LIVEUPDATE_SEED=$seed");

cmp_ok($checks, '>=', $schedules * OPS * DEVICES, 'all schedules were run');

###############################################################################

sub act {
    my $die = rand();
    my $one = $deployments[rand @deployments];
    my $before = where($one, now());

    if ($die < 0.25) {
        my $hours = 1 + int rand 30;

        push @log, "$hours hours go by";
        $clock->passes($hours * HOUR + 60);

    } elsif ($die < 0.5) {
        deploy(1);

    } elsif ($die < 0.6 && !$one->{halted}) {
        post($one, 'halt');
        $one->{halted} = now();

    } elsif ($die < 0.75) {
        post($one, 'resume');
        resume($one, $before);

    } elsif ($die < 0.85 && $one->{steps} && !$one->{paused}
             && $before->{step} < $#{$one->{steps}})
    {
        # a plan at its last step may be over
        post($one, 'pause');
        $one->{paused} = now();

    } elsif ($die < 0.92 && $one->{steps} && !$one->{halted}
             && $before->{step} < $#{$one->{steps}})
    {
        post($one, 'advance');
        @$one{qw/ step begun /} = ($before->{step} + 1, now());
        $one->{paused} &&= now();

    } elsif ($die < 0.96) {
        push @log, 'a crash';
        $t->kill_nginx();
        $t->start();

    } else {
        freeze();
    }

    # a worker looks at the clock when something comes

    $t->latest($app);
}

sub now {
    return int $clock->day();
}

sub text {
    return strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $_[0]);
}

sub name {
    my ($id) = @_;

    return 'nothing' unless defined $id;

    my ($i) = grep { $bundles[$_]{bundle} eq $id } 0 .. $#bundles;

    return "bundle $i";
}

sub freeze {
    my $from = now() + int rand 20 * HOUR;

    my @new = rand() < 0.5 ? [$from, $from + 5 * HOUR] : @freezes;

    for my $one (@deployments) {
        my $is = where($one, now());

        next if !$one->{steps} || $is->{step} < 0 || now() >= $one->{expires};

        @$one{qw/ step begun /} = @$is{qw/ step begun /};
    }

    $t->api('PATCH', "/v1/apps/$app", { freezes => [
        map { { from => text($_->[0]), to => text($_->[1]) } } @new,
    ] });

    # what has begun has begun

    @freezes = @new;

    push @log, 'freezes: ' . join ', ', map { text($_->[0]) } @freezes;
}

sub deploy {
    my ($random) = @_;

    my %one = (bundle => $bundles[$random ? 1 + rand 3 : 0]{bundle},
               rollout => 1, expires => 9e9, step => 0, text => '');
    my %body;

    if ($random && rand() < 0.7) {
        my $share = 0;

        $one{steps} = [map {
            $share += rand(1 - $share);
            { share => $share, hours => 1 + int rand 24 }
        } 1 .. 1 + rand 4];

        $body{plan} = [map { {
            share => $_->{share},
            $_ == $one{steps}[-1] ? () : (for => "$_->{hours}h"),
        } } @{$one{steps}}];

        $one{start} = now();

        if (rand() < 0.4) {
            $one{start} += 60 * int rand 600;
            $body{start} = text($one{start});
        }

    } elsif ($random) {
        $one{rollout} = $body{rolloutPercentage} = rand();
    }

    if ($random && rand() < 0.2) {
        $one{expires} = now() + 600 + int rand 40 * HOUR;
        $body{expires} = text($one{expires});
    }

    my $reply = $t->api('POST', "/v1/apps/$app/deployments", {
        appBuildId => $one{bundle}, appChannelName => $channel, %body,
    });

    die "not deployed: $reply->{raw}\n" unless $reply->{status} == 201;

    push @log, text(now()) . " $reply->{json}{id}: " . name($one{bundle})
        . ' ' . join ' ', map { "$_=" . (ref $body{$_} ? join ',',
            map { sprintf '%.3f/%s', $_->{share}, $_->{for} // '' }
            @{$body{$_}} : $body{$_}) } sort keys %body;

    $one{id} = $reply->{json}{id};
    unshift @deployments, \%one;
}

sub post {
    my ($one, $action) = @_;

    my $reply = $t->api('POST',
                        "/v1/apps/$app/deployments/$one->{id}/$action", {});

    push @log, text(now()) . " $one->{id}: $action";

    push @wrong, "$action: $reply->{status} $reply->{body}\n  "
        . join("\n  ", @log)
        unless $reply->{status} == 200;
}

# -- the model ---------------------------------------------------------------

sub held {
    my ($one) = @_;

    my ($held) = sort { $a <=> $b } grep { defined }
                 @$one{qw/ paused halted /};

    return $held // 9e9;
}

sub resume {
    my ($one, $before) = @_;

    my $held = held($one);

    delete @$one{qw/ paused halted /};

    if ($one->{steps} && $before->{step} >= 0 && $held < now()) {
        $one->{step} = $before->{step};
        $one->{begun} = now() - ($held > $before->{begun}
                                 ? $held - $before->{begun} : 0);
    }
}

sub allowed {
    my ($time) = @_;

    for (@freezes) {
        $time = $_->[1] if $_->[0] <= $time && $time < $_->[1];
    }

    return $time;
}

sub where {
    my ($one, $now) = @_;

    return { share => $one->{rollout}, step => 0 } unless $one->{steps};

    my $until = $now < held($one) ? $now : held($one);
    my $is = { share => 0, step => -1 };
    my $time = $one->{begun} // allowed($one->{start});

    for my $step ($one->{step} .. $#{$one->{steps}}) {
        last if $time > $until && !($step == $one->{step} && $one->{begun});

        $is = { share => $one->{steps}[$step]{share}, step => $step,
                begun => $time };
        $time = allowed($time + $one->{steps}[$step]{hours} * HOUR);
    }

    return $is;
}

sub expected {
    my ($device, $has, $now) = @_;

    for my $one (@deployments) {
        next if $now >= $one->{expires};

        my ($high, $low) = unpack 'NN', sha256("$one->{id}:$device");
        my $bucket = ($high + $low / 2 ** 32) / 2 ** 32;
        my $share = where($one, $now)->{share};
        my $keeps = $one->{steps} ? $one->{steps}[-1]{share}
                    : $one->{halted} ? $share : 0;

        return $one->{bundle}
            if ($bucket < $share && !$one->{halted})
               || (($has // '') eq $one->{bundle} && $bucket < $keeps);
    }

    return undef;
}

###############################################################################
