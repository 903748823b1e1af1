package Test::LiveUpdate::Hang;

# Copyright (C) the nginx-liveupdate authors

# t/fuse/hang.c, built and mounted where the store of a test is: a file system
# like one of a network, which hangs or fails on demand.

use warnings;
use strict;

use File::Path qw/ make_path /;
use Time::HiRes qw/ sleep /;


# To be called before run().  Skips the test if the machine cannot do that.

sub new {
    my ($class, $t) = @_;

    my $dir = $t->testdir();
    my $self = bless { t => $t, dir => $dir, store => "$dir/store",
                       disk => "$dir/disk", tool => "$dir/hang" }, $class;

    $t->skip_all('only root can mount') if $> != 0;
    $t->skip_all('there is no /dev/fuse') unless -c '/dev/fuse';

    my $flags = `pkg-config --cflags --libs fuse3 2>/dev/null`;

    $t->skip_all('there is no libfuse3 to build t/fuse/hang.c with') if $?;

    chomp $flags;

    my $source = "$Test::LiveUpdate::ROOT/t/fuse/hang.c";
    my $cc = $ENV{CC} || 'cc';

    my $said = `$cc -std=gnu11 -Wall -Wextra -Wshadow -Werror -O1 \\
                -o '$self->{tool}' '$source' $flags 2>&1`;

    die "cannot build hang.c: $said\n" if $?;

    make_path("$self->{disk}/tmp");
    rmdir "$self->{store}/tmp";

    $self->answer();
    $self->mount() or $t->skip_all('FUSE cannot mount here');

    $t->at_end(sub { $self->end() });

    return $self;
}


# A thread of the file system waits for each operation that hangs.

sub mount {
    my ($self) = @_;

    local $ENV{HANG_CONTROL} = "$self->{dir}/hang.control";

    return system("'$self->{tool}' '$self->{disk}' '$self->{store}'"
                  . ' -o max_threads=500 2>/dev/null') == 0
        || system("'$self->{tool}' '$self->{disk}' '$self->{store}'"
                  . ' 2>/dev/null') == 0;
}


# hang(), hang('read'), hang('write'), hang('path', 'part of a name')

sub hang {
    my ($self, @what) = @_;

    $self->say(@what ? "@what" : 'all');
}


# Each operation fails.

sub fail {
    my ($self, $errno) = @_;

    $self->say('error ' . ($errno + 0));
}


sub answer {
    my ($self) = @_;

    $self->say('ok');
}


sub say {
    my ($self, $text) = @_;

    my $file = "$self->{dir}/hang.control";

    open my $fh, '>', "$file.new" or die "cannot write $file: $!\n";
    print {$fh} "$text\n";
    close $fh;

    rename "$file.new", $file or die "cannot rename $file: $!\n";
}


# The file system dies, and its mount stays: ENOTCONN.

sub kill {
    my ($self) = @_;

    for my $file (glob '/proc/[0-9]*/cmdline') {
        open my $fh, '<', $file or next;
        my ($command) = split /\0/, <$fh> // '';

        CORE::kill 'KILL', $file =~ /(\d+)/
            if defined $command && $command eq $self->{tool};
    }

    for (1 .. 500) {
        return if !opendir(my $dh, $self->{store}) && $!{ENOTCONN};
        sleep(0.01);
    }

    die "the file system is still there\n";
}


sub umount {
    my ($self) = @_;

    local $?;

    system("umount -l '$self->{store}' 2>/dev/null");
}


sub end {
    my ($self) = @_;

    $self->answer();
    $self->umount();
}


1;
