package Test::LiveUpdate::Plan;

# Copyright (C) the nginx-liveupdate authors

# A model of a rollout: the share that it has at a time, by what its owner has
# said and done.  It knows nothing of the module.  Times are those of the Unix
# clock; freezes are pairs of them.

use warnings;
use strict;

use POSIX qw/ strftime tzset /;
use Time::Local qw/ timegm /;

use Digest::SHA qw/ sha256 /;

use constant { MINUTE => 60, HOUR => 3600, DAY => 86400, NEVER => 9e9 };

# with clocks that change by half an hour and by two, at midnight, in the south,
# and twice more in a year

my @ZONES = grep { -f "/usr/share/zoneinfo/$_" } qw{
    Europe/Berlin America/New_York America/St_Johns America/Havana Africa/Cairo
    Africa/Casablanca Asia/Kathmandu Australia/Lord_Howe Antarctica/Troll
    America/Santiago Pacific/Chatham
};

my @DAYS = qw/ sun mon tue wed thu fri sat /;

my %firsts;


# new(rollout => 1, ...):  "steps" are { share, hours }, and "start" is there
# then; a step with "devices" waits until "enough".  "hours" are minutes of a
# day; "weekdays" are numbers, Sunday is 0.

sub new {
    my ($class, %args) = @_;

    return bless { rollout => 1, expires => NEVER, step => 0, zone => 'UTC',
                   %args }, $class;
}


# Any plan that begins at a time or later, perhaps in a zone; and how a request
# says it.  Its steps wait for nobody, also where there is a guard.

sub random {
    my ($class, $now, $zone) = @_;

    my $self = $class->new(start => $now);
    my $share = rand() < 0.2 ? rand : 0;
    my %body;

    $self->{steps} = [map {
        $share += rand(1 - $share);
        { share => $share, hours => 1 + int rand 24 }
    } 1 .. 1 + rand 4];

    $self->{steps}[-1]{share} = 1 if rand() < 0.3;

    my %plan = (steps => [map { {
        share => $_->{share},
        $_ == $self->{steps}[-1] ? ()
            : (for => "$_->{hours}h", devices => 0),
    } } @{$self->{steps}}]);

    if (rand() < 0.4) {
        $self->{start} += 60 * int rand 600;
        $body{start} = text($self->{start});
    }

    $self->random_hours(\%plan, $zone);

    $body{plan} = $plan{timeZone} ? \%plan : $plan{steps};

    return ($self, \%body);
}


sub random_hours {
    my ($self, $plan, $zone) = @_;

    if (rand() < ($zone ? 0.8 : 0.4)) {
        my ($from, $to) = map { 30 * int rand 48 } 1, 2;

        # when clocks are changed

        $from = 30 * int rand 8 if $zone && rand() < 0.5;
        $to = 30 * int rand 8 if $zone && rand() < 0.5;

        if ($from != $to) {
            $self->{hours} = [$from, $to];
            $plan->{hours} = join '-', map {
                sprintf '%02d:%02d', $_ / 60, $_ % 60
            } $from, $to;
        }
    }

    if (rand() < 0.2) {
        $self->{weekdays} = { map { int(rand 7) => 1 } 1 .. 3 };
        $plan->{weekdays} = [map { $DAYS[$_] } sort keys %{$self->{weekdays}}];
    }

    if ($plan->{hours} || $plan->{weekdays}) {
        $self->{zone} = $zone && rand() < 0.9 ? $zone : $ZONES[rand @ZONES]
            if @ZONES && rand() < 0.7;
        $plan->{timeZone} = $self->{zone};
    }
}


# Any freezes at a time, where there are some: none, others, the same, or the
# same but moved.

sub random_freezes {
    my ($now, @freezes) = @_;

    my $die = rand();

    return if $die < 0.3;
    return @freezes if $die < 0.4;

    if ($die < 0.6) {
        my $by = int(rand 60 * HOUR) - 30 * HOUR;

        return map { [$_->[0] + $by, $_->[1] + $by] } @freezes;
    }

    my $from = $now + int(rand 25 * HOUR) - 5 * HOUR;

    return [$from, $from + HOUR * (1 + int rand 60)];
}


# A zone, and the seconds from a time until shortly before the clocks change
# there: of some zones the one where they do first, since the times of the zone
# of the module end in the year 2106.

sub until_change {
    my ($now) = @_;

    my @some = map { $ZONES[rand @ZONES] } 1 .. 3;

    return ('UTC', 0) unless @ZONES;

    for my $day (1 .. 366) {
        my $time = $now + $day * DAY;

        for my $zone (@some) {
            my ($before, $behind) = map { local_time($zone, $_) - $_ }
                                    $time, $time + DAY;

            return ($zone, $day * DAY - int rand DAY) if $before != $behind;
        }
    }

    return ('UTC', 0);
}


sub seconds {
    my ($text) = @_;

    my @parts = $text =~ /\d+/g;

    return timegm(@parts[5, 4, 3, 2], $parts[1] - 1, $parts[0]);
}


sub text {
    return strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $_[0]);
}


# Where it is at a time: the share, and the number of its step with the time
# since which that counts, and the time of the next one.

sub where {
    my ($self, $now, @freezes) = @_;

    return { share => $self->{rollout}, step => 0 } unless $self->{steps};

    my $held = $self->held();
    my $until = $now < $held ? $now : $held;
    my $is = { share => 0, step => -1 };
    my $time = $self->{begun} // $self->allowed($self->{start}, @freezes);

    for my $step ($self->{step} .. $#{$self->{steps}}) {
        $is->{next} = $time;

        last if $time > $until
            && !($step == $self->{step} && defined $self->{begun});

        $is = { share => $self->{steps}[$step]{share}, step => $step,
                begun => $time };

        last if $step == $#{$self->{steps}};

        my $enough = $self->{steps}[$step]{devices}
                     ? $self->{steps}[$step]{enough} // last : 0;

        $time += $self->{steps}[$step]{hours} * HOUR;
        $time = $self->allowed($time > $enough ? $time : $enough, @freezes);
    }

    return $is;
}


# What it gives to those who are new.

sub offers {
    my ($self, $now, @freezes) = @_;

    return 0 if $self->{halted} || $now >= $self->{expires};

    return $self->where($now, @freezes)->{share};
}


# What is wrong in the "plan" that people see: the time of its next step.

sub differs {
    my ($self, $plan, $now, @freezes) = @_;

    my $is = $plan->{nextAt} ? seconds($plan->{nextAt}) : NEVER;
    my @may;

    for my $time ($now - 3, $now, $now + 3) {
        my $next = $self->where($time, @freezes)->{next} // NEVER;

        push @may, $next <= $self->held() && $next < $self->{expires}
                   && $time < $self->{expires} ? $next : NEVER;
    }

    return if grep { abs($_ - $is) < 3 } @may;

    return 'the next step is at ' . text($is) . ', not at '
           . join ' or ', map { text($_) } @may;
}


sub held {
    my ($self) = @_;

    my ($held) = sort { $a <=> $b } grep { defined }
                 @$self{qw/ paused halted /};

    return $held // NEVER;
}


# Whether its plan is at its end at a time, and goes.

sub ended {
    my ($self, $now, @freezes) = @_;

    return if !$self->{steps} || $self->{paused} || $self->{halted}
              || $now >= $self->{expires};

    my $is = $self->where($now, @freezes);

    return $is->{step} == $#{$self->{steps}} ? $is->{begun} : undef;
}


sub may_advance {
    my ($self, $now, @freezes) = @_;

    return $self->{steps}
           && $self->where($now, @freezes)->{step} < $#{$self->{steps}};
}


sub halt { $_[0]{halted} //= $_[1] }
sub pause { $_[0]{paused} //= $_[1] }


# It goes on with the time that its step has lasted for.  A step that should
# have begun meanwhile, which is perhaps the first one, begins from now on.

sub resume {
    my ($self, $now, @freezes) = @_;

    my $held = $self->held();

    delete @$self{qw/ paused halted /};

    $self->go_on($held, $now, @freezes) if $held < $now;
}


sub go_on {
    my ($self, $until, $now, @freezes) = @_;

    return unless $self->{steps};

    my $is = $self->where($until, @freezes);

    if ($is->{step} < 0) {
        $self->{start} = $now if $self->{start} < $now;
        return;
    }

    my $lasted = $until > $is->{begun} ? $until - $is->{begun} : 0;
    my $for = $self->{steps}[$is->{step}]{hours};

    $lasted = $for * HOUR
        if $is->{step} < $#{$self->{steps}} && $lasted > $for * HOUR;

    @$self{qw/ step begun /} = ($is->{step}, $now - $lasted);
}


# Its steps are given again, with other hours: how a request says it.

sub again {
    my ($self, $now, $zone, @freezes) = @_;

    my %plan = (steps => [map { {
        share => $_->{share},
        $_ == $self->{steps}[-1] ? ()
            : (for => "$_->{hours}h", devices => $_->{devices} // 0),
    } } @{$self->{steps}}]);

    my $held = $self->held();
    my $until = $held < $now ? $held : $now;
    my $has_begun = $self->where($until, @freezes)->{step} >= 0;

    $plan{start} = text($self->{start}) if $has_begun && rand() < 0.5;

    delete $self->{paused};
    $self->go_on($until, $now, @freezes) if $has_begun;
    $self->{start} = $now unless $has_begun;

    delete @$self{qw/ hours weekdays allowed /};
    $self->{zone} = 'UTC';
    $self->random_hours(\%plan, $zone);

    return { plan => \%plan };
}


sub advance {
    my ($self, $now, @freezes) = @_;

    my $step = $self->where($now, @freezes)->{step} + 1;

    @$self{qw/ step begun /} = ($step, $now);
    $self->{paused} = $now if $self->{paused};
}


sub stop {
    my ($self, $now, @freezes) = @_;

    $self->by_hand($self->where($now, @freezes)->{share});
}


sub by_hand {
    my ($self, $share) = @_;

    $self->{rollout} = $share;
    $self->{step} = 0;
    delete @$self{qw/ steps begun paused hours weekdays start /};
}


# The freezes are about to change to others: what has begun has begun.  It is
# written down only if that is not so by itself.

sub keep {
    my ($self, $now, $others, @freezes) = @_;

    my $held = $self->held();
    my $until = $held < $now ? $held : $now;

    return if !$self->{steps} || $now >= $self->{expires};

    my $is = $self->where($until, @freezes);
    my $other = $self->where($until, @$others);
    my $begun = $is->{begun};

    return if $is->{step} == $other->{step}
              && ($begun // NEVER) == ($other->{begun} // NEVER);

    # what has begun by a clock that was ahead counts from then on

    $self->go_on($until, $until, @freezes);
    $self->{begun} = $begun if defined $begun && $begun > $until;

    # what had not begun when it was held up does not begin in that second

    $self->{start}++ if !defined $begun && $self->{start} == $held;
}


# The first moment from a time on that is in the hours and in no freeze: it can
# only be that time, the end of a freeze, or when the hours of a day begin.

sub allowed {
    my ($self, $time, @freezes) = @_;

    my $memo = join ' ', $time, map { @$_ } @freezes;

    return $self->{allowed}{$memo} //= $self->find_allowed($time, @freezes);
}


sub find_allowed {
    my ($self, $time, @freezes) = @_;

    my @moments = ($time, map { $_->[1] } @freezes);

    if ($self->{hours} || $self->{weekdays}) {
        my $day = int(local_time($self->{zone}, $time) / DAY);

        push @moments, map { ($self->hours_of($_))[0] } $day .. $day + 15;
    }

    for my $moment (sort { $a <=> $b } @moments) {
        return $moment
            if $moment >= $time && $self->is_allowed($moment, @freezes);
    }

    die "no such moment\n";
}


sub is_allowed {
    my ($self, $time, @freezes) = @_;

    return if grep { $_->[0] <= $time && $time < $_->[1] } @freezes;
    return 1 unless $self->{hours} || $self->{weekdays};

    my $today = int(local_time($self->{zone}, $time) / DAY);

    for my $day ($today - 2 .. $today + 1) {
        next if $self->{weekdays} && !$self->{weekdays}{($day + 4) % 7};

        my ($from, $to) = $self->hours_of($day);

        return 1 if $from <= $time && $time < $to;
    }

    return;
}


# Hours that go over midnight belong to the day on which they begin.

sub hours_of {
    my ($self, $day) = @_;

    my ($from, $to) = map { $_ * MINUTE } @{$self->{hours} // [0, 0]};

    $to += DAY if $to <= $from;

    return map { first($self->{zone}, $day * DAY + $_) } $from, $to;
}


# The first moment at which a clock on a wall shows that time, or a later one if
# it leaves that out.

sub first {
    my ($zone, $shown) = @_;

    return $firsts{$zone, $shown} //= do {
        my $time = $shown - 15 * HOUR;

        $time += 15 * MINUTE while local_time($zone, $time) < $shown;
        $time;
    };
}


# What a clock on a wall shows, as if it were in Greenwich.

sub local_time {
    my ($zone, $time) = @_;

    return $time if $zone eq 'UTC';

    local $ENV{TZ} = $zone;
    tzset();

    my @shown = localtime $time;

    delete local $ENV{TZ};
    tzset();

    return timegm(@shown[0 .. 4], $shown[5] + 1900);
}


sub bucket {
    my ($id, $client) = @_;

    my ($high, $low) = unpack 'NN', sha256("$id:$client");

    return ($high + $low / 2 ** 32) / 2 ** 32;
}


1;
