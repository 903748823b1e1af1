package Test::LiveUpdate::Chroot;

# Copyright (C) the nginx-liveupdate authors

# A fresh system of Debian in a folder.  Packages are downloaded before it is
# started; then it has processes, mounts and a loopback interface of its own,
# and nothing of it is left when the object goes away.

use warnings;
use strict;

use Digest::SHA qw/ sha1_hex /;
use File::Path qw/ make_path /;
use File::Temp ();


# new(suite, folder for what is kept, packages...):  "trixie-armhf" is a suite
# of another architecture; MMDEBSTRAP has options for mmdebstrap.

sub new {
    my ($class, $suite, $dir, @packages) = @_;

    make_path($dir);

    # other packages make another file

    my $tar = join('-', $suite, @packages
                                ? substr(sha1_hex("@packages"), 0, 8)
                                : 'plain') . '.tar';
    my $include = join ',', @packages;

    my ($name, $arch) = split /-/, $suite;

    if (!-f "$dir/$tar") {
        my $said = `mmdebstrap --format=tar --variant=minbase \\
                        @{[@packages ? "--include=$include" : '']} \\
                        @{[$arch ? "--arch=$arch" : '']} \\
                        @{[$ENV{MMDEBSTRAP} // '']} \\
                        $name '$dir/$tar.new' 2>&1 </dev/null`;

        die "mmdebstrap failed: " . substr($said, -2000) . "\n" if $?;

        rename "$dir/$tar.new", "$dir/$tar"
            or die "cannot rename $dir/$tar.new: $!\n";
    }

    my $self = $class->from_tar("$dir/$tar", $dir);

    system('cp', '-L', '/etc/resolv.conf', "$self->{root}/etc/resolv.conf");

    # there is no init; without this nothing would be started

    $self->write('/usr/sbin/policy-rc.d', "#!/bin/sh\nexit 0\n");
    chmod 0755, "$self->{root}/usr/sbin/policy-rc.d";

    return $self;
}


# from_tar(file, folder):  what a tar file has.

sub from_tar {
    my ($class, $tar, $dir) = @_;

    my $self = bless {
        root => File::Temp::tempdir('root-XXXXXX', DIR => $dir),
        owner => $$,
    }, $class;

    chmod 0755, $self->{root};

    system('tar', '-C', $self->{root}, '--exclude=./dev/*', '--exclude=dev/*',
           '-xpf', $tar) == 0 or die "cannot unpack $tar\n";

    return $self;
}


sub DESTROY {
    my ($self) = @_;

    local ($@, $!, $?);

    return if $self->{owner} != $$;

    $self->stop();
    system('rm', '-rf', '--one-file-system', $self->{root});
}


sub root {
    my ($self) = @_;

    return $self->{root};
}


# From here on the system has no network but its own.

sub start {
    my ($self) = @_;

    $self->launch('mnp', 'ip link set lo up');
}


# With the network of this machine, to build or to download.

sub start_online {
    my ($self) = @_;

    $self->launch('mp', 'true');
}


sub launch {
    my ($self, $spaces, $command) = @_;

    my $root = $self->{root};
    my $script = "mount --make-rprivate /"
        . " && mount -t proc proc '$root/proc'"
        . " && mount --rbind /dev '$root/dev'"
        . " && mount -t tmpfs tmpfs '$root/run'"
        . " && mkdir -p -m 1777 '$root/run/lock'"
        . " && $command && echo ready && exec sleep infinity";

    $self->stop();

    # it complains when its child is killed

    my $pid = open my $fh, '-|', 'sh', '-c', 'exec unshare "$@" 2>/dev/null',
        'sh', "-f$spaces", '--kill-child', 'sh', '-c', $script
        or die "cannot run unshare: $!\n";

    my $line = <$fh> // '';

    die "the system in $root did not start\n" if $line ne "ready\n";

    open my $children, '<', "/proc/$pid/task/$pid/children"
        or die "cannot read the children of $pid: $!\n";

    ($self->{init}) = <$children> =~ /(\d+)/;

    @{$self}{qw/ unshare fh spaces /} = ($pid, $fh, $spaces);
}


sub stop {
    my ($self) = @_;

    my $pid = delete $self->{unshare} or return;

    kill 'KILL', delete $self->{init};
    close delete $self->{fh};
}


# run(command):  what it says on both outputs, and whether it succeeded; with
# outside => 1 not in the folder, but with the network of the system; with
# mounts => 1 also with its mounts.

sub run {
    my ($self, $command, %opt) = @_;

    my @spaces = map { "-$_" } split //, $self->{spaces};
    my @command = ('nsenter', '-t', $self->{init}, @spaces);

    @command = ('nsenter', '-t', $self->{init}, '-n') if $opt{outside};

    push @command, 'chroot', $self->{root}, 'env', '-i',
        'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        'HOME=/root', 'DEBIAN_FRONTEND=noninteractive', 'LC_ALL=C.UTF-8'
        if !$opt{outside} && !$opt{mounts};

    my $pid = open my $fh, '-|';

    die "cannot fork: $!\n" if !defined $pid;

    if ($pid == 0) {
        open STDERR, '>&', \*STDOUT;
        open STDIN, '<', '/dev/null';
        exec @command, 'sh', '-c', $command;
    }

    my $said = do { local $/; <$fh> } // '';
    close $fh;

    return ($said, $? == 0);
}


sub has {
    my ($self, $path) = @_;

    return -e "$self->{root}$path" || -l "$self->{root}$path";
}


sub read {
    my ($self, $path) = @_;

    open my $fh, '<', "$self->{root}$path" or return;
    local $/;
    return scalar <$fh>;
}


sub write {
    my ($self, $path, $text) = @_;

    open my $fh, '>', "$self->{root}$path"
        or die "cannot write $self->{root}$path: $!\n";
    print $fh $text;
    close $fh or die "cannot write $self->{root}$path: $!\n";
}


1;
