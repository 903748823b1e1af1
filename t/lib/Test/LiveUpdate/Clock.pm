package Test::LiveUpdate::Clock;

# Copyright (C) the nginx-liveupdate authors

# t/lib/clock.c, built and loaded into the nginx of a test: time that goes by
# at once, and a time of day that somebody sets.

use warnings;
use strict;

use Time::HiRes qw/ clock_gettime CLOCK_MONOTONIC /;


# To be called before run().

sub new {
    my ($class, $t) = @_;

    my $dir = $t->testdir();
    my $self = bless { path => "$dir/clock", day => 0, start => 0,
                       stands => 0 }, $class;

    my $source = "$Test::LiveUpdate::ROOT/t/lib/clock.c";
    my $cc = $ENV{CC} || 'cc';

    my $said = `$cc -std=c11 -Wall -Wextra -Wshadow -Werror -O1 -fPIC -shared \\
                -o '$dir/clock.so' '$source' -ldl 2>&1`;

    die "cannot build clock.c: $said\n" if $?;

    $t->write_file('clock', pack 'q3', 0, 0, 0);
    $t->env(CLOCK_CONTROL => $self->{path}, LD_PRELOAD => "$dir/clock.so");

    return $self;
}


# So many seconds go by.

sub passes {
    my ($self, $seconds) = @_;

    $self->{start} += $seconds;

    return $self->set($seconds);
}


# The time of day is set, so many seconds ahead of what it was; none pass.

sub set {
    my ($self, $seconds) = @_;

    $self->{day} += $seconds;
    $self->control();

    return $self;
}


# The clock of the day stands still, at that time, until it goes on again.

sub stand {
    my ($self, $at) = @_;

    $self->{stands} = $at;
    $self->control();
}


sub go {
    my ($self) = @_;

    $self->stand(0);
}


sub control {
    my ($self) = @_;

    # in place: the processes have it mapped

    open my $fh, '+<:raw', $self->{path} or die "no clock: $!\n";
    syswrite $fh, pack('q3', @$self{qw/ day start stands /});
    close $fh;
}


# The time of day of nginx, and the seconds since the machine was started.

sub day {
    my ($self) = @_;

    return $self->{stands} || time() + $self->{day};
}


sub start {
    my ($self) = @_;

    return clock_gettime(CLOCK_MONOTONIC) + $self->{start};
}


1;
