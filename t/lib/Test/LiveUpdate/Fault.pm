package Test::LiveUpdate::Fault;

# Copyright (C) the nginx-liveupdate authors

# t/lib/fault.c, built and loaded into the nginx of a test: a disk that fails
# on demand, and that nobody has to wait for.

use warnings;
use strict;

our @CALLS = qw/ open write fsync rename link unlink mkdir close /;

# where the parts of names begin that calls hang on, are refused, are slow

use constant { HANG => 4 * 14 + 240, REFUSE => 4 * 15 + 2 * 240,
               SLOW => 4 * 16 + 3 * 240, ONLY => 4 * 17 + 4 * 240,
               HANGING => 4 * 17 + 5 * 240 };

my %HOW = (count => 0, error => 1, kill => 2, short => 3, wait => 4);


# To be called before run().

sub new {
    my ($class, $t) = @_;

    my $dir = $t->testdir();
    my $self = bless { t => $t, path => "$dir/fault" }, $class;

    my $source = "$Test::LiveUpdate::ROOT/t/lib/fault.c";
    my $cc = $ENV{CC} || 'cc';

    my $said = `$cc -std=c11 -Wall -Wextra -Wshadow -Werror -O1 -fPIC -shared \\
                -o '$dir/fault.so' '$source' -ldl 2>&1`;

    die "cannot build fault.c: $said\n" if $?;

    $t->write_file('fault', pack 'L14 a240' . 'L a240' x 3 . 'a240 L',
                                 (0) x 14, '', (0, '') x 3, '', 0);

    $t->env(
        FAULT_CONTROL => $self->{path},
        FAULT_PREFIX => "$dir/store/",
        LD_PRELOAD => "$dir/fault.so",
    );

    return $self;
}


# arm('count'), or arm('error', 'write', 3, ENOSPC):  the third write() fails.
# "kill" kills the process there, "short" writes one half and fails with the
# other, "wait" goes on when it is disarmed.

sub arm {
    my ($self, $how, $call, $n, $error) = @_;

    $call //= 'open';

    my ($index) = grep { $CALLS[$_] eq $call } 0 .. $#CALLS;

    # a reload would take the fault that is meant for others

    $self->{t}->steady();

    $self->patch(4, pack 'L13 a240', $index, $n // 0, $HOW{$how}, $error // 0,
                                     (0) x 9, '');
    $self->patch(0, pack 'L', 1);
}


# Returns how often each call was made.  The death of a process that was killed
# is no alert.

sub disarm {
    my ($self) = @_;

    $self->patch(0, pack 'L', 0);
    $self->{t}->steady(0);

    my ($how, $pid) = (unpack 'L6', $self->{t}->read_file('fault'))[3, 5];

    if ($how == $HOW{kill} && $pid) {
        $self->{t}{kills}{$pid} = 1;
        $self->{t}{killed} = 1;
    }

    return $self->counts();
}


# The same, while they are counted.

sub counts {
    my ($self) = @_;

    my @words = unpack 'L14', $self->{t}->read_file('fault');

    return map { $CALLS[$_] => $words[6 + $_] } 0 .. $#CALLS;
}


# The calls to fail, [ name, n ], of those that were counted: about so many, and
# others each time, or all of them with LIVEUPDATE_FAULTS.  close() is left out:
# its failure changes nothing.

sub some {
    my ($self, $about, %counts) = @_;

    my @faults = map { my $call = $_; map { [ $call, $_ ] }
                                      1 .. $counts{$call} }
        grep { $_ ne 'close' } @CALLS;

    my $step = $ENV{LIVEUPDATE_FAULTS} ? 1 : @faults / $about;
    my @some;

    for (my $i = $step > 1 ? rand $step : 0; $i < @faults; $i += $step) {
        push @some, $faults[$i];
    }

    return @some;
}


# The name on which the call failed; nothing if it did not.

sub fired {
    my ($self) = @_;

    my @words = unpack 'L14 Z240', $self->{t}->read_file('fault');

    return $words[5] ? $words[14] : undef;
}


# Only calls on names with that in them are counted, and one of them fails:
# those of others, which come when they like, are not.

sub only {
    my ($self, $part) = @_;

    $self->patch(ONLY, pack 'a240', $part);
}


# Calls on names with that in them do not return until it is over.

sub hang {
    my ($self, $part) = @_;

    $self->on(HANG, 1, $part);
}


# How many of them hang now.

sub hanging {
    my ($self) = @_;

    return unpack 'x' . HANGING . ' L', $self->{t}->read_file('fault');
}


sub answer {
    my ($self) = @_;

    $self->on(HANG, 0);
}


# open() fails on names with that in them; refuse(0): no more.

sub refuse {
    my ($self, $error, $part) = @_;

    $self->on(REFUSE, $error, $part);
}


# Each pread() of a file with that in its name takes so many milliseconds.

sub slow {
    my ($self, $msec, $part) = @_;

    $self->on(SLOW, $msec, $part);
}


sub on {
    my ($self, $offset, $value, $part) = @_;

    $self->patch($offset + 4, pack 'a240', $part) if defined $part;
    $self->patch($offset, pack 'L', $value);
}


# In place: the processes have it mapped.

sub patch {
    my ($self, $offset, $bytes) = @_;

    open my $fh, '+<:raw', $self->{path}
        or die "cannot open $self->{path}: $!\n";

    sysseek($fh, $offset, 0);
    syswrite($fh, $bytes) == length $bytes or die "cannot write: $!\n";
}


1;
