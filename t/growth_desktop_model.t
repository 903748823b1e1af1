#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Random schedules of desktop rollouts: releases for one platform or two are
# promoted to shares, to all, and by plans, halted, rolled back and withdrawn,
# over time that goes by, clocks that are wrong, and crashes, on one machine or
# several.  What each installation is offered is what a model says that knows
# nothing of the module.

use warnings;
use strict;

use Digest::SHA qw/ sha512_base64 /;
use File::Path qw/ make_path /;
use List::Util qw/ uniq /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_decode /;
use Test::LiveUpdate::Plan;
use Test::LiveUpdate::Schedule;

use constant { OPS => 12, INSTALLATIONS => 4, RELEASES => 5, HOUR => 3600 };

my @MANIFESTS = qw/ latest.yml latest-mac.yml /;
my @PLATFORMS = qw/ windows mac /;

# of a release that everyone gets, and nobody takes back

use constant { MARK => 'beta.yml', MARKED => 9 };

my $schedules = $ENV{LIVEUPDATE_SCHEDULES};
my $seed = srand($ENV{LIVEUPDATE_SEED} // time());

my $t = Test::LiveUpdate->new();

$t->skip_all('run "make model" for it') unless $schedules;
$t->plan(2);

my ($app, @wrong, @log, @freezes);
my ($checks, $marks) = (0, 0);

# The model: what has which manifests, from 1 on; what was promoted, in this
# order, of which "was" are those that were for everyone; what everyone gets,
# for each manifest; what became that last; and who gets something else, the
# last first.

my (%has, @order, %was, %latest, $top, @rollouts);

my $on = Test::LiveUpdate::Schedule->new(
    $t, machines => $ENV{LIVEUPDATE_MACHINES} || 1, approval => 'on',
    poke => sub { ask($_[0], $MANIFESTS[0], 'i') if $app });

for my $n (1 .. $schedules) {
    new_app("a$n");

    for my $op (1 .. OPS) {
        act();
        seen();

        my $machine = $on->any();
        my @times;

        push @log, $machine->{name} . ' is asked' if $on->several();

        for my $name (@MANIFESTS) {
            my @told = ask($machine, $name, map { "i$_" } 1 .. INSTALLATIONS);

            @times = $on->times($machine);

            for my $i (1 .. INSTALLATIONS) {
                my $is = $told[$i - 1] // 'none';

                my @may = uniq map { expected($name, "i$i", $_) // 'none' }
                          @times;

                $checks++;

                push @wrong, "schedule $n, i$i got $is of $name, not "
                    . join(' or ', @may) . ', at '
                    . join(', ', map { text($_) } @times)
                    . ", after:\n  " . join("\n  ", @log)
                    unless grep { $_ eq $is } @may;
            }
        }

        last if @wrong;
    }

    api($on->any(), 'DELETE', "/v1/apps/$app");

    note("$n schedules") if $n % 50 == 0;
    last if @wrong;
}

is(join("\n", @wrong), '', "each installation got what it must: $checks checks")
    or diag("LIVEUPDATE_SEED=$seed");

cmp_ok($checks, '>=', $schedules * OPS * @MANIFESTS * INSTALLATIONS,
       'all schedules were run');

$on->stop();

###############################################################################

sub now { $on->now(@_) }
sub api { $on->api(@_) }
sub text { Test::LiveUpdate::Plan::text(@_) }

sub new_app {
    my ($id) = @_;

    $on->right_clocks();

    (%has, @order, %was, %latest, $top, @rollouts) = ();
    @freezes = ();
    @log = ();

    api($on->any(), 'POST', '/v1/apps',
        { id => $id, name => 'D', type => 'electron' });
    $app = $id;

    for my $n (1 .. RELEASES, MARKED) {
        my @names = $n == MARKED ? MARK
                    : rand() < 0.6 ? @MANIFESTS : $MANIFESTS[rand @MANIFESTS];

        stage($n, @names);
        $has{$n} = { map { $_ => 1 } @names };
        push @log, "$n has @names";
    }

    promote($on->any(), MARKED, { rollout => 1 })
        until defined place(MARKED);
    promote($on->any(), 1, { rollout => 1 });
}

sub stage {
    my ($n, @names) = @_;

    my $uploads = $on->store() . "/staging/$app/b$n/uploads";

    for my $name (@names) {
        my $file = "D-$n-" . ($name =~ /mac/ ? 'mac.zip' : 'win.exe');
        my $digest = sha512_base64($file) . '==';
        my $size = length $file;

        $t->write_file("$uploads/$file", $file);
        $t->write_file("$uploads/$name", <<EOF_YML);
version: $n.0.0
files:
  - url: $file
    sha512: $digest
    size: $size
path: $file
releaseDate: '2026-01-01T00:00:00.000Z'
EOF_YML
    }

    my $reply = api($on->any(), 'POST', "/releases/$app/b$n/stage", {});

    die "not staged: $reply->{raw}\n" unless $reply->{status} == 202
                                             || $reply->{status} == 200;
}

# Waits until all machines know of what was done: a change behind it says so.  A
# step that was held up begins in the second after that.

sub seen {
    return $on->passes(3) unless $on->several();

    my $mark = '0.0.' . ++$marks;
    my $reply = api($on->any(), 'PATCH', "/v1/apps/$app",
                    { minimumVersion => $mark });

    die "no mark: $reply->{raw}\n" unless $reply->{status} == 200;

    $on->forget();

    for my $machine ($on->machines()) {
        wait_until {
            $on->passes(3);
            (replies($machine, MARK, 'i'))[0]{body} =~ /"\Q$mark\E"/;
        } 60 or die "$machine->{name} does not look, LIVEUPDATE_SEED=$seed\n  "
            . join("\n  ", @log) . "\n";
    }
}

# The releases that installations are told of, by one connection.

sub ask {
    return map { $_->{body} =~ /^version: (\d+)\.0\.0$/m ? $1 : undef }
           replies(@_);
}

sub replies {
    my ($machine, $name, @ids) = @_;

    return $on->replies($machine, map {
        ["/desktop/$app/$name", "x-user-staging-id: $_"]
    } @ids);
}

sub act {
    my $die = rand();
    my $machine = $on->any();
    my $n = 1 + int rand RELEASES;
    my ($rollout) = grep { $_->{build} == $n } @rollouts;
    my $plan = $rollout && $rollout->{plan};
    my $goes = $plan && $plan->may_advance(now($machine), @freezes);

    if ($die < 0.18) {
        hours();

    } elsif ($die < 0.36) {
        any_plan($machine, $n);

    } elsif ($die < 0.42) {
        held($machine, $n);

    } elsif ($die < 0.46 && $goes && !$plan->{halted}
             && $plan->{expires} > now($machine))
    {
        my $its = bless { %$plan }, ref $plan;
        my $body = $its->again(now($machine), undef, @freezes);

        $its->{expires} = Test::LiveUpdate::Plan::NEVER;
        promote($machine, $n, $body, $its);

    } elsif ($die < 0.5) {
        promote($machine, $n, { rollout => 1 });

    } elsif ($die < 0.56) {
        promote($machine, $n, { rollout => rand() < 0.2 ? 0 : rand() });

    } elsif ($die < 0.61) {
        rollback($machine, rand() < 0.5 ? () : int rand 2);

    } elsif ($die < 0.65 && grep { $_ == $n } @order) {
        withdraw($machine, $n);

    } elsif ($die < 0.7 && $plan) {
        grow($machine, $rollout, 'halt');

    } elsif ($die < 0.78 && $plan) {
        grow($machine, $rollout, 'resume');

    } elsif ($die < 0.82 && $goes && !$plan->{paused}) {
        grow($machine, $rollout, 'pause');

    } elsif ($die < 0.86 && $goes && !$plan->{halted}) {
        grow($machine, $rollout, 'advance');

    } elsif ($die < 0.88 && $plan && $plan->{steps}) {
        grow($machine, $rollout, 'stop');

    } elsif ($die < 0.9) {
        same_rules($machine);

    } elsif ($die < 0.92) {
        push @log, 'a crash';
        $on->crash($machine);

    } elsif ($die < 0.94) {
        push @log, $on->set_clock();

    } else {
        freeze($machine, Test::LiveUpdate::Plan::random_freezes(
            now($machine), @freezes));
    }
}

sub hours {
    my $hours = 1 + int rand 30;

    push @log, "$hours hours go by";
    $on->passes($hours * HOUR + 60);
}

sub any_plan {
    my ($machine, $n) = @_;

    my ($plan, $body) = Test::LiveUpdate::Plan->random(now($machine));

    if (rand() < 0.25) {
        $plan->{expires} = now($machine) + 600 + int rand 40 * HOUR;
        $body->{expires} = text($plan->{expires});
    }

    promote($machine, $n, $body, $plan);
}

# Something holds a plan up, which has perhaps not begun, and somebody ends that
# before it would have ended by itself.

sub held {
    my ($machine, $n) = @_;

    my $now = now($machine);
    my $is_frozen = rand() < 0.5;

    freeze($machine, [$now - HOUR, $now + 99 * HOUR]) if $is_frozen;
    any_plan($machine, $n) if rand() < 0.7;

    my $rollout = $rollouts[0] // return;
    my $goes = $rollout->{plan}->may_advance(now($machine), @freezes);

    grow($machine, $rollout, $goes && rand() < 0.5 ? 'pause' : 'halt')
        unless $is_frozen;

    hours();
    hours();
    $is_frozen ? freeze($machine) : grow($machine, $rollout, 'resume');
}

# A call, and what it makes of the model; sometimes the machine crashes in the
# midst of it.

sub change {
    my ($machine, $text, $wanted, $call, $done) = @_;

    my $now = now($machine);

    push @log, text($now) . " $text";

    if (rand() < 0.1) {
        my $before = generation();
        $on->doomed($machine, @$call);
        my $is_done = generation() != $before;

        $log[-1] .= ', and a crash, ' . ($is_done ? 'done' : 'not done');

        $done->($now) if $is_done;
        return;
    }

    my $reply = api($machine, @$call);

    $log[-1] .= " ($reply->{status})";

    push @wrong, "$text: $reply->{status} $reply->{body}, not $wanted\n  "
        . join("\n  ", @log)
        unless $reply->{status} == $wanted;

    $done->($now) if $wanted == 200;
}

sub generation {
    return api($on->any(), 'GET', "/v1/apps/$app")->{json}{generation};
}

sub promote {
    my ($machine, $n, $body, $plan) = @_;

    my $share = $plan ? 1 : $body->{rollout};
    my $halted = settled($machine, sub {
        grep { $_->{build} == $n && $_->{plan}{halted} } @rollouts;
    });

    change($machine,
           "promote $n " . JSON::PP->new()->canonical()->encode($body),
           $halted && $share > 0 ? 409 : 200,
           ['POST', "/releases/$app/b$n/promote",
            { %$body, confirm => \1 }],
           sub {
               settle($_[0]);
               promoted($n, $share, $plan);
           });
}

sub rollback {
    my ($machine, $platform) = @_;

    my $scope = defined $platform ? $MANIFESTS[$platform] : undef;

    change($machine, 'rollback ' . ($scope // ''),
           goes_back($machine, $scope) ? 200 : 404,
           ['POST', "/releases/$app/rollback",
            { $scope ? (platforms => [$PLATFORMS[$platform]]) : () }],
           sub {
               settle($_[0]);
               take_back(newest($scope), $scope);
           });
}

sub withdraw {
    my ($machine, $n) = @_;

    change($machine, "withdraw $n", 200,
           ['POST', "/releases/$app/b$n/withdraw", {}],
           sub {
               settle($_[0]);
               take_back($n);
               @rollouts = grep { $_->{build} != $n } @rollouts;
               @order = grep { $_ != $n } @order;
               delete $was{$n};
           });
}

sub grow {
    my ($machine, $rollout, $action) = @_;

    change($machine, "$action $rollout->{build}", 200,
           ['POST', "/releases/$app/b$rollout->{build}/$action", {}],
           sub { $rollout->{plan}->$action($_[0], @freezes) });
}

sub same_rules {
    my ($machine) = @_;

    my $now = now($machine);
    my $rules = api($machine, 'GET', "/releases/$app/rules")->{json};

    for my $rule (@{$rules->{releaseRedirections}}) {
        my ($rollout) = grep { "b$_->{build}" eq $rule->{buildId} } @rollouts;

        push @wrong, map { "$_, after:\n  " . join "\n  ", @log }
            $rollout->{plan}->differs($rule->{plan}, $now, @freezes);
    }

    change($machine, 'the rules are sent back', 200,
           ['PUT', "/releases/$app/rules", $rules], sub { settle($_[0]) });
}

sub freeze {
    my ($machine, @new) = @_;

    change($machine, 'freezes: ' . join(', ', map { text($_->[0]) } @new), 200,
           ['PATCH', "/v1/apps/$app", { freezes => [
               map { { from => text($_->[0]), to => text($_->[1]) } } @new,
           ] }],
           sub {
               $_->{plan}->keep($_[0], \@new, @freezes) for @rollouts;
               @freezes = @new;
           });
}

# -- the model ---------------------------------------------------------------

sub expected {
    my ($name, $client, $now) = @_;

    for my $rollout (@rollouts) {
        my $n = $rollout->{build};

        return $n if $has{$n}{$name}
            && Test::LiveUpdate::Plan::bucket("b$n", $client)
               < $rollout->{plan}->offers($now, @freezes);
    }

    return $latest{$name};
}

sub place {
    my ($n) = @_;

    my ($place) = grep { $order[$_] == $n } 0 .. $#order;

    return $place;
}

# The newest of the earlier ones that were for everyone.

sub earlier {
    my ($n, $name) = @_;

    my ($before) = grep { $was{$_} && (!$name || $has{$_}{$name}) }
                   reverse @order[0 .. place($n) - 1];

    return $before;
}

sub take_back {
    my ($n, @names) = @_;

    @names = keys %{$has{$n}} unless @names && defined $names[0];

    for my $name (@names) {
        $latest{$name} = earlier($n, $name) if ($latest{$name} // -1) == $n;
    }

    $top = earlier($n) if @names == keys %{$has{$n}} && defined $top
                          && $top == $n;
}

# What a rollback takes back: what became the latest last, if it still is that
# of a manifest, or the newest that is.

sub newest {
    my ($scope) = @_;

    my @names = $scope // (@MANIFESTS, MARK);

    my %is = map { $_ => 1 } grep { defined } @latest{@names};

    return $top if !$scope && defined $top && $is{$top};

    my ($newest) = grep { $is{$_} } reverse @order;

    return $newest;
}

sub promoted {
    my ($n, $share, $plan) = @_;

    push @order, $n unless defined place($n);

    @rollouts = grep { $_->{build} != $n } @rollouts;

    if (!$plan && $share == 1) {
        $latest{$_} = $n for keys %{$has{$n}};
        $was{$n} = 1;
        $top = $n;

        # older ones that it replaces everywhere

        @rollouts = grep {
            my $older = $_->{build};

            place($older) > place($n)
                || grep { !$has{$n}{$_} } keys %{$has{$older}};
        } @rollouts;

        return;
    }

    take_back($n);

    $plan //= Test::LiveUpdate::Plan->new(rollout => $share);

    unshift @rollouts, { build => $n, plan => $plan } if $share > 0;
}

# Plans that have come to their end, at the next change of releases.

sub settle {
    my ($now) = @_;

    for ( ;; ) {
        my @ended = sort { $a->[0] <=> $b->[0] }
                    grep { defined $_->[0] }
                    map { [scalar $_->{plan}->ended($now, @freezes), $_] }
                    reverse @rollouts;

        my $rollout = ($ended[0] // return)->[1];
        my ($n, $plan) = @$rollout{qw/ build plan /};
        my $share = $plan->{steps}[-1]{share};

        $plan->by_hand($share);

        next if $share < 1 || $plan->{expires} < 9e9;

        if (!defined $top || place($n) > place($top)) {
            promoted($n, 1);
            next;
        }

        # a newer one is for everyone, but for those that it is not for

        @rollouts = grep { $_ != $rollout } @rollouts;
        $was{$n} = 1;

        for my $name (keys %{$has{$n}}) {
            $latest{$name} = $n if !defined $latest{$name}
                                   || place($latest{$name}) < place($n);
        }
    }
}

# What is so once the plans that have ended are settled, as a change does first.

sub settled {
    my ($machine, $look) = @_;

    my @saved = ([@order], {%was}, {%latest}, $top, [map {
        { %$_, plan => bless { %{$_->{plan}} }, ref $_->{plan} }
    } @rollouts]);

    settle(now($machine));

    my $is = $look->();

    @order = @{$saved[0]};
    %was = %{$saved[1]};
    %latest = %{$saved[2]};
    $top = $saved[3];
    @rollouts = @{$saved[4]};

    return $is;
}

# Whether there is something to go back to.

sub goes_back {
    my ($machine, $scope) = @_;

    return settled($machine, sub {
        my $n = newest($scope) // return 0;

        return scalar grep { ($latest{$_} // -1) == $n
                             && defined earlier($n, $_) }
                      $scope // keys %{$has{$n}};
    });
}

###############################################################################
