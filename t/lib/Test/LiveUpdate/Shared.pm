package Test::LiveUpdate::Shared;

# Copyright (C) the nginx-liveupdate authors

# A folder that several machines share through a file system whose caches lie:
# t/fuse/stale.c, mounted once for each machine.

use warnings;
use strict;

use File::Path qw/ make_path /;
use POSIX ();

use Test::LiveUpdate ();


# Options: seconds (how long caches are believed), mode ("squash", "local" or
# "late").
# Skips the test if this machine has no FUSE.

sub new {
    my ($class, $t, $places, %opt) = @_;

    $t->skip_all('only root can mount') if $> != 0;
    $t->skip_all('no /dev/fuse') unless -e '/dev/fuse';

    my $root = $Test::LiveUpdate::ROOT;
    my $built = `make -s -C '$root' build/stale 2>&1`;

    $t->skip_all('no libfuse3') if $? && $built =~ /fuse_lowlevel\.h/;
    die "cannot build t/fuse/stale.c: $built\n" if $?;

    my $self = bless {
        t => $t,
        stale => "$root/build/stale",
        dir => $t->testdir() . '/shared',
        seconds => $opt{seconds} // 1,
        mode => $opt{mode} // '',
        places => [],
        pid => $$,
    }, $class;

    make_path($self->{dir});
    chmod 0777, $self->{dir};

    $self->mount($_) for 1 .. $places;

    return $self;
}


# Where the folder itself is, without a cache.

sub dir { return $_[0]{dir} }


# The place of the n-th machine, from 1.

sub place {
    my ($self, $n) = @_;

    return "$self->{dir}.$n";
}


sub mount {
    my ($self, $n) = @_;

    my $place = $self->place($n);

    make_path($place);

    my $pid = fork() // die "cannot fork: $!\n";

    if ($pid == 0) {
        open STDIN, '<', '/dev/null';
        exec $self->{stale}, $self->{dir}, $place, $self->{seconds},
             $self->{mode} or POSIX::_exit(127);
    }

    $self->{daemons}{$n} = $pid;

    Test::LiveUpdate::wait_until {
        waitpid($pid, POSIX::WNOHANG) and $self->{t}->skip_all('no FUSE');
        (stat $place)[0] != (stat $self->{dir})[0];
    } 20, 'a mount' or die "cannot mount $place\n";
}


# The daemon of a machine's mount: to be stopped and continued, or killed.

sub signal {
    my ($self, $n, $signal) = @_;

    kill $signal, $self->{daemons}{$n} or die "no mount $n: $!\n";
}


sub DESTROY {
    my ($self) = @_;

    local ($?, $!, $@);

    return if $self->{pid} != $$;

    for my $n (keys %{$self->{daemons}}) {
        my $pid = $self->{daemons}{$n};

        # it unmounts the place itself, unless it was killed
        kill 'CONT', $pid;
        kill 'TERM', $pid;
        waitpid $pid, 0;
        system("umount -l '" . $self->place($n) . "' 2>/dev/null");
    }
}


1;
