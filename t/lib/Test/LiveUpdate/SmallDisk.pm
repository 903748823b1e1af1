package Test::LiveUpdate::SmallDisk;

# Copyright (C) the nginx-liveupdate authors

# A disk of a test's own for its store, so small that it can be filled.

use warnings;
use strict;

use File::Path qw/ make_path /;

my @mounted;


# new($t, '1m'): the folder "store" of the test; without one the test is
# skipped.

sub new {
    my ($class, $t, $size) = @_;

    my $dir = $t->testdir() . '/store';

    $t->skip_all('only root can mount a small disk') if $> != 0;

    make_path($dir);

    system("mount -t tmpfs -o size=$size,mode=755 none '$dir' 2>/dev/null")
        == 0 or $t->skip_all('cannot mount a small disk here');

    push @mounted, $dir;

    return bless { dir => $dir }, $class;
}


# The bytes that are left.

sub left {
    my ($self) = @_;

    my ($kib) = `df -k --output=avail '$self->{dir}' | tail -1` =~ /(\d+)/;

    return 1024 * $kib;
}


# Leaves so many bytes, about, and never fewer; or none.

sub fill {
    my ($self, $left) = @_;

    open my $fh, '>>:raw', "$self->{dir}/tmp/filler" or die "$!\n";

    if (!$left) {
        1 while syswrite($fh, 'x' x 4096);
        return;
    }

    while ($self->left() > $left + 8192) {
        my $n = $self->left() - $left;

        syswrite($fh, 'x' x ($n - $n % 4096)) or die "$!\n";
    }
}


# Leaves so many inodes.

sub limit {
    my ($self, $left) = @_;

    my ($used) = `df --output=iused '$self->{dir}' | tail -1` =~ /(\d+)/;
    my $all = $used + $left;

    system("mount -o remount,nr_inodes=$all '$self->{dir}'") == 0
        or die "cannot limit the inodes\n";
}


sub empty {
    my ($self) = @_;

    unlink "$self->{dir}/tmp/filler" or die "cannot make space: $!\n";
}


# What was in there must not be looked for any more.

END {
    local $?;

    system("umount -l '$_'") for @mounted;
}


1;
