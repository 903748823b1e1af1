#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Random schedules of plans in many time zones, halts by people and by the
# guard, steps that wait for devices, freezes, scheduled and expiring releases,
# over time that goes by, clocks that are wrong, and crashes, on one machine or
# several: what each device is offered is what a model says that knows nothing
# of the module.

use warnings;
use strict;

use List::Util qw/ uniq /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_decode zip /;
use Test::LiveUpdate::Plan;
use Test::LiveUpdate::Schedule;

use constant { OPS => 12, DEVICES => 8, HOUR => 3600 };

# of an app; and a schedule in so many has the real guard

use constant { CHANNELS => 20, GUARDED => 5 };

my $schedules = $ENV{LIVEUPDATE_SCHEDULES};
my $seed = srand($ENV{LIVEUPDATE_SEED} // time());

my $t = Test::LiveUpdate->new();

$t->skip_all('run "make model" for it') unless $schedules;
$t->plan(3);

my ($app, @bundles, $marker);
my (@wrong, @freezes, @deployments, $channel, $channel_id, @log);
my ($checks, $guarded, $marks) = (0, 0, 0);
my $zone;

my $on = Test::LiveUpdate::Schedule->new(
    $t, machines => $ENV{LIVEUPDATE_MACHINES} || 1,
    poke => sub { ask($_[0], ['d', undef]) if $app });

for my $n (1 .. $schedules) {
    $channel = "c$n";
    @deployments = ();
    @log = ();

    $on->right_clocks();
    new_app() if $n % CHANNELS == 1;

    # what each device runs, and the place of what it was given last

    my @has = (undef) x DEVICES;
    my @rank = (-1) x DEVICES;
    my $guard = $n % GUARDED ? 0 : 1 + int rand OPS;

    $channel_id = api($on->any(), 'POST', "/v1/apps/$app/channels",
                      { appId => $app, name => $channel })->{json}{id};

    undef $zone;

    if (rand() < 0.3) {
        ($zone, my $seconds) =
            Test::LiveUpdate::Plan::until_change(now($on->any()));

        push @log, "the clocks of $zone change: $seconds s later";
        $on->passes($seconds);
    }

    any_freeze();
    deploy($on->any(), 0);

    for my $op (1 .. OPS) {
        $op == $guard ? guarded($n % (2 * GUARDED)) : act();
        seen();

        my $machine = $on->any();
        my @told = ask($machine, map { [ "d$_", $has[$_] ] } 0 .. $#has);
        my @times = $on->times($machine);

        push @log, $machine->{name} . ' is asked' if $on->several();

        for my $i (0 .. $#has) {
            my $is = $told[$i];
            my @may = map { expected("d$i", $has[$i], $_) } @times;

            $checks++;

            push @wrong, "schedule $n, d$i, which runs " . name($has[$i])
                . ', got ' . name($is) . ', not '
                . join(' or ', uniq map { name($_ && $_->{bundle}) } @may)
                . ', at ' . join(', ', map { text($_) } @times)
                . ", after:\n  " . join("\n  ", @log)
                unless grep { ($_ ? $_->{bundle} : '') eq ($is // '') } @may;

            # monotone: nobody who runs a release is given an older one while
            # nothing has made it smaller

            my ($given) = grep { $_ && $_->{bundle} eq ($is // '') } @may;
            my $rank = $given ? $given->{rank} : -1;

            push @wrong, "schedule $n, d$i goes back from deployment $rank[$i]"
                . " to $rank, after:\n  " . join("\n  ", @log)
                if $rank < $rank[$i] && !grep {
                    $_->{rank} == $rank[$i]
                    && ($_->{shrunk} || $times[-1] >= $_->{plan}{expires})
                } @deployments;

            $rank[$i] = -1;

            if (defined $is && rand() < 0.6) {
                $has[$i] = $is;
                $rank[$i] = $rank;
            }
        }

        last if @wrong;
    }

    note("$n schedules") if $n % 50 == 0;
    last if @wrong;
}

is(join("\n", @wrong), '', "each device got what it must: $checks checks")
    or diag("LIVEUPDATE_SEED=$seed");

cmp_ok($checks, '>=', $schedules * OPS * DEVICES, 'all schedules were run');
is($guarded, int($schedules / GUARDED), 'the guard has done its work');

$on->stop();

###############################################################################

sub now { $on->now(@_) }
sub api { $on->api(@_) }
sub text { Test::LiveUpdate::Plan::text(@_) }

sub new_app {
    $app = api($on->any(), 'POST', '/v1/apps',
               { name => 'M', type => 'capacitor' })->{json}{id};
    @freezes = ();
    @bundles = ();

    while (@bundles < 4) {
        my $server = $on->several() ? $on->any() : $t;
        my $made = $server->publish($app, undef,
                                    zip('index.html' => scalar @bundles));

        push @bundles, $made if $made->{ok};
    }

    return unless $on->several();

    $marker = api($on->any(), 'POST', "/v1/apps/$app/channels",
                  { appId => $app, name => 'marker' })->{json}{id};

    api($on->any(), 'POST', "/v1/apps/$app/deployments", {
        appBuildId => $bundles[0]{bundle}, appChannelName => 'marker',
    });
}

# Waits until all machines know of what was done: a change behind it says so.  A
# step that was held up begins in the second after that.

sub seen {
    return $on->passes(3) unless $on->several();

    my $shown = ++$marks % 2;

    my $reply = api($on->any(), 'PATCH', "/v1/apps/$app/channels/$marker", {
        expiresAt => $shown ? undef : '2000-01-01T00:00:00Z',
    });

    die "no mark: $reply->{raw}\n" unless $reply->{status} == 200;

    $on->forget();

    for my $machine ($on->machines()) {
        wait_until {
            $on->passes(3);
            my ($is) = ask($machine, ['d', undef], 'marker');
            $shown == defined $is;
        } 60 or die "$machine->{name} does not look, LIVEUPDATE_SEED=$seed\n  "
            . join("\n  ", @log) . "\n";
    }
}

# The bundles that devices ([id, what it runs]) are told, by one connection.

sub ask {
    my ($machine, @rest) = @_;

    my $name = ref $rest[-1] ? $channel : pop @rest;

    my @replies = $on->replies($machine, map {
        my ($device, $runs) = @$_;

        ["/v1/apps/$app/bundles/latest?appVersionCode=1&appVersionName=1"
         . '&bundleId=' . ($runs // '') . "&channelName=$name"
         . "&deviceId=$device&osVersion=17&platform=1&pluginVersion=8.0.0"]
    } @rest);

    return map {
        $_->{status} == 200 ? json_decode($_->{body})->{bundleId} : undef
    } @replies;
}

sub act {
    my $die = rand();
    my $machine = $on->any();
    my $one = $deployments[rand @deployments];
    my $plan = $one->{plan};
    my $goes = $plan->may_advance(now($machine), @freezes);

    if ($die < 0.2) {
        hours();

    } elsif ($die < 0.38) {
        deploy($machine, 1);

    } elsif ($die < 0.44) {
        held($machine);

    } elsif ($die < 0.53 && !$plan->{halted}) {
        post($machine, $one, 'halt');

    } elsif ($die < 0.66) {
        post($machine, $one, 'resume');

    } elsif ($die < 0.74 && $goes && !$plan->{paused}) {

        # a plan at its last step may be over

        post($machine, $one, 'pause');

    } elsif ($die < 0.81 && $goes && !$plan->{halted}) {
        post($machine, $one, 'advance');

    } elsif ($die < 0.84 && $plan->{steps}) {
        post($machine, $one, 'stop');

    } elsif ($die < 0.87 && $plan->{steps} && !$plan->{halted}
             && $plan->{expires} > now($machine))
    {
        my $body = $plan->again(now($machine), $zone, @freezes);

        change($machine, 'PATCH', $one, '', $body);

    } elsif ($die < 0.89 && !$plan->{halted}) {
        my $share = rand();

        change($machine, 'PATCH', $one, '', { rolloutPercentage => $share });
        $one->{shrunk} = 1;
        $plan->by_hand($share);

    } elsif ($die < 0.91) {
        push @log, 'a crash';
        $on->crash($machine);

    } elsif ($die < 0.94) {
        push @log, $on->set_clock();

    } else {
        any_freeze();
    }
}

sub name {
    my ($id) = @_;

    return 'nothing' unless defined $id;

    my ($i) = grep { $bundles[$_]{bundle} eq $id } 0 .. $#bundles;

    return "bundle " . ($i // $id);
}

sub hours {
    my $hours = 1 + int rand 30;

    push @log, "$hours hours go by";
    $on->passes($hours * HOUR + 60);
}

# Something holds a plan up, which has perhaps not begun, and somebody ends that
# before it would have ended by itself.

sub held {
    my ($machine) = @_;

    my $is_frozen = rand() < 0.5;

    if ($is_frozen) {
        my $now = now($machine);

        freeze([$now - HOUR, $now + 99 * HOUR]);
    }

    deploy($machine, 1) if rand() < 0.7;

    my $one = $deployments[0];
    my $plan = $one->{plan};

    if (!$is_frozen) {
        my $goes = $plan->may_advance(now($machine), @freezes);

        post($machine, $one, $goes && rand() < 0.5 ? 'pause' : 'halt');
    }

    hours();
    hours();
    $is_frozen ? freeze() : post($machine, $one, 'resume');
}

sub any_freeze {
    freeze(Test::LiveUpdate::Plan::random_freezes(now($on->any()), @freezes));
}

sub freeze {
    my @new = @_;

    my $machine = $on->any();
    my $now = now($machine);

    $_->{plan}->keep($now, \@new, @freezes) for @deployments;

    api($machine, 'PATCH', "/v1/apps/$app", { freezes => [
        map { { from => text($_->[0]), to => text($_->[1]) } } @new,
    ] });

    @freezes = @new;

    push @log, text($now) . ' freezes: '
        . join ', ', map { text($_->[0]) } @freezes;
}

sub deploy {
    my ($machine, $random, $bundle, $body, $plan) = @_;

    my $now = now($machine);

    $bundle //= $bundles[$random ? 1 + rand 3 : 0]{bundle};
    $body //= {};
    $plan //= Test::LiveUpdate::Plan->new();

    if ($random && rand() < 0.7) {
        ($plan, $body) = Test::LiveUpdate::Plan->random($now, $zone);

    } elsif ($random) {
        $plan->{rollout} = $body->{rolloutPercentage} = rand();
    }

    if ($random && rand() < 0.2) {
        $plan->{expires} = $now + 600 + int rand 40 * HOUR;
        $body->{expires} = text($plan->{expires});
    }

    my $reply = api($machine, 'POST', "/v1/apps/$app/deployments", {
        appBuildId => $bundle, appChannelName => $channel, %$body,
    });

    die "not deployed: $reply->{raw}\n" unless $reply->{status} == 201;

    my $id = $reply->{json}{id};

    push @log, text($now) . " $id: " . name($bundle) . ' '
        . JSON::PP->new()->canonical()->encode($body);

    # the same again is no other deployment

    return if @deployments && $deployments[0]{id} eq $id;

    # plans at their end are not needed any more, by this clock, down to the
    # first deployment that is for everyone

    for my $plan (map { $_->{plan} } @deployments) {
        last if !$plan->{steps} && $plan->{rollout} >= 1 && !$plan->{halted}
                && $plan->{expires} == Test::LiveUpdate::Plan::NEVER;

        $plan->by_hand($plan->{steps}[-1]{share})
            if defined $plan->ended($now, @freezes);
    }

    unshift @deployments, { id => $id, bundle => $bundle, plan => $plan,
                            rank => scalar @deployments };

    differs($plan, $reply, $now);
}

sub differs {
    my ($plan, $reply, $now) = @_;

    push @wrong, map { "$_, after:\n  " . join "\n  ", @log }
        $plan->differs($reply->{json}{plan}, $now, @freezes);
}

# An action; sometimes the machine crashes in the midst of it.

sub post {
    my ($machine, $one, $action) = @_;

    my $plan = $one->{plan};
    my @when = (now($machine), @freezes);

    if (rand() < 0.15) {
        my $path = "/v1/apps/$app/deployments/$one->{id}";

        my $before = generation();
        $on->doomed($machine, 'POST', "$path/$action", {});
        my $done = generation() != $before;

        push @log, text($when[0]) . " $one->{id}: $action, and a crash, "
            . ($done ? 'done' : 'not done');

        $plan->$action(@when) if $done;

    } else {
        my $reply = change($machine, 'POST', $one, "/$action", {});

        $plan->$action(@when);
        differs($plan, $reply, $when[0]);
    }

    $one->{shrunk} = 1 if $action eq 'stop';
}

sub generation {
    return api($on->any(), 'GET', "/v1/apps/$app")->{json}{generation};
}

sub change {
    my ($machine, $method, $one, $path, $body) = @_;

    my $now = now($machine);
    my $reply = api($machine, $method,
                    "/v1/apps/$app/deployments/$one->{id}$path", $body);

    push @log, text($now) . " $one->{id}: $path"
        . ' ' . JSON::PP->new()->canonical()->encode($body);

    push @wrong, "$path: $reply->{status} $reply->{body}\n  "
        . join("\n  ", @log)
        unless $reply->{status} == 200;

    return $reply;
}

# A release that most who get it come back from: the real guard halts it.  Or
# one that they run: a step that waits for devices goes on.

sub guarded {
    my ($is_well) = @_;

    $on->right_clocks();

    api($on->any(), 'PATCH', "/v1/apps/$app/channels/$channel_id",
        { guard => { minimum => 50, action => 'halt' } });

    my $now = now($on->any());
    my ($plan, $body);

    if ($is_well) {
        $plan = Test::LiveUpdate::Plan->new(start => $now, steps => [
            { share => 0.5, hours => 1, devices => 50 }, { share => 1 },
        ]);
        $body = { plan => [
            { share => 0.5, for => '1h', devices => 50 }, { share => 1 },
        ] };

    } else {
        $plan = Test::LiveUpdate::Plan->new(rollout => 0.5);
        $body = { rolloutPercentage => 0.5 };
    }

    my ($old, $new) = map { $_->{bundle} } @bundles[0, 1];

    deploy($on->any(), 0, $old);
    deploy($on->any(), 0, $new, $body, $plan);
    $on->passes(2 * HOUR);
    seen();

    my $one = $deployments[0];
    my (@in, @out);

    for my $n (1 .. 300) {
        my $bucket = Test::LiveUpdate::Plan::bucket($one->{id}, "h$n");
        my $list = $bucket < 0.5 ? \@in : \@out;

        push @$list, "h$n" if @$list < 60;
    }

    my $at = $on->any();

    ask($at, map { [$_, $old] } @in, @out);
    ask($at, map { [$_, $new] } @in);
    ask($at, map { [$_, $is_well ? $new : $old] } @in);
    ask($at, map { [$_, $old] } @out);

    my $is;

    wait_until {
        $on->passes(11);
        $is = api($on->any(), 'GET', "/v1/apps/$app/deployments/$one->{id}")
            ->{json};
        $is_well ? !$is->{plan}{nextDevices} : $is->{halted};
    } 60 or return push @wrong, 'the guard does nothing: '
        . JSON::PP->new()->canonical()->encode($is);

    if ($is_well) {
        $plan->{steps}[0]{enough} = now($on->any());
        $guarded++;
        push @log, "$one->{id}: enough devices";

    } else {
        $plan->{halted} = Test::LiveUpdate::Plan::seconds($is->{halted}{at});
        $guarded++ if $is->{halted}{by} eq 'guard';
        push @log, text($plan->{halted})
            . " $one->{id}: halted by $is->{halted}{by}";
    }
}

# The deployment that a device is given.

sub expected {
    my ($device, $has, $now) = @_;

    for my $one (@deployments) {
        my $plan = $one->{plan};

        next if $now >= $plan->{expires};

        my $bucket = Test::LiveUpdate::Plan::bucket($one->{id}, $device);
        my $keeps = $plan->{steps} ? $plan->{steps}[-1]{share}
                    : $plan->{halted} ? $plan->{rollout} : 0;

        return $one
            if $bucket < $plan->offers($now, @freezes)
               || (($has // '') eq $one->{bundle} && $bucket < $keeps);
    }

    return undef;
}

###############################################################################
