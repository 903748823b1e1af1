package Test::LiveUpdate::Machines;

# Copyright (C) the nginx-liveupdate authors

# Several machines with one store: each is an nginx with a host name and a mount
# of its own, through t/fuse/lie.c, a file system that lies.  A machine has the
# methods of Test::LiveUpdate::API.

use warnings;
use strict;

use File::Path qw/ make_path /;
use POSIX ();

use Test::LiveUpdate qw/ wait_until /;
use Test::LiveUpdate::Clock;
use Test::LiveUpdate::HTTP qw/ json_decode json_encode /;
use Test::LiveUpdate::S3;
use Test::LiveUpdate::Store;

our @mounts;

END {
    my $status = $?;
    umount($_) for @mounts;
    $? = $status;
}


# new($t, n => 2, workers => 2, clocks => 0, server => "", files => {}):  $t is
# the first machine, and skips the test where there is nothing to do it with.
# The store itself is "disk".  With clocks each machine has a
# Test::LiveUpdate::Clock.  Server is more of the configuration, and files are
# secrets that it names.

sub new {
    my ($class, $t, %opt) = @_;

    $t->skip_all('only root can mount') if $> != 0;
    $t->skip_all('no /dev/fuse') unless -w '/dev/fuse';
    $t->has_daemon('unshare');

    my $dir = $t->testdir();
    my $self = bless {
        t => $t, dir => $dir, machines => [],
        store => Test::LiveUpdate::Store->new("$dir/disk"),
    }, $class;

    $self->build();
    make_path("$dir/disk/tmp");

    for my $n (1 .. $opt{n} // 2) {
        my $its = $n == 1 ? $t : Test::LiveUpdate->new();

        $its->{tokens} = $t->{tokens};

        push @{$self->{machines}}, bless {
            t => $its, tokens => $t->{tokens}, port => 8079 + $n,
            dir => $its->testdir(), name => "m$n", disk => "$dir/disk",
            lie => "$dir/lie",
        }, 'Test::LiveUpdate::Machine';
    }

    for my $machine (@{$self->{machines}}) {
        local $ENV{TEST_NGINX_WORKERS} = $opt{workers} // 2;

        $machine->{clock} = Test::LiveUpdate::Clock->new($machine->{t})
            if $opt{clocks};

        $machine->mount();
        $machine->secret(tokens => $t->read_file('tokens'));
        $machine->secret($_ => $opt{files}{$_}) for keys %{$opt{files}};
        $machine->configure($opt{server} // '');
        $machine->run();
    }

    return $self;
}


sub build {
    my ($self) = @_;

    my $t = $self->{t};
    my $cc = $ENV{CC} || 'cc';
    my $source = "$Test::LiveUpdate::ROOT/t/fuse/lie.c";

    chomp(my $flags = `pkg-config --cflags --libs fuse3 2>/dev/null`);
    $t->skip_all('no libfuse3') if $flags eq '';

    my $said = `$cc -std=c11 -Wall -Wextra -O1 -o '$self->{dir}/lie' \\
                '$source' $flags -lpthread 2>&1`;

    die "cannot build lie.c: $said\n" if $?;
}


sub machines { @{$_[0]{machines}} }
sub store { $_[0]{store} }


sub lie {
    my ($self, %rules) = @_;

    $_->lie(%rules) for $self->machines();
}


# What the logs of the others have that must not be there.

sub alerts {
    my ($self) = @_;

    return map { $_->{t}->alerts(), $_->{t}->crashes() }
        ($self->machines())[1 .. $#{$self->{machines}}];
}


sub stop {
    my ($self) = @_;

    $_->{t}->stop() for $self->machines();
    $_->umount() for $self->machines();
}


# Runs functions at the same time; returns what each of them returns.

sub at_once {
    my ($self, @codes) = @_;

    return $self->ended($self->begin(@codes));
}


# The same in two steps.

sub begin {
    my ($self, @codes) = @_;

    pipe(my $wait, my $go) or die "cannot make a pipe: $!\n";

    my @begun = map {
        pipe(my $from, my $to) or die "cannot make a pipe: $!\n";

        my $pid = fork() // die "cannot fork: $!\n";

        if ($pid == 0) {
            close $go;
            sysread($wait, my $byte, 1);

            print {$to} json_encode([$_->()]);
            close $to;
            POSIX::_exit(0);
        }

        { pid => $pid, from => $from };

    } @codes;

    close $go;

    return @begun;
}


sub ended {
    my ($self, @begun) = @_;

    return map {
        my $from = $_->{from};
        my $text = do { local $/; <$from> };

        waitpid($_->{pid}, 0);

        $text eq '' ? die "a process has died\n" : json_decode($text)->[0];

    } @begun;
}


sub umount {
    my ($mount) = @_;

    kill 'KILL', $mount->{pid};
    waitpid($mount->{pid}, 0);
    system("umount -l '$mount->{path}' 2>/dev/null");
}


package Test::LiveUpdate::Machine;

use base qw/ Test::LiveUpdate::API /;

use Test::LiveUpdate qw/ wait_until /;


sub clock { $_[0]{clock} }


sub api {
    my ($self, $method, $path, $body, %opt) = @_;

    return $self->{t}->api($method, $path, $body, %opt, port => $self->{port});
}


# An S3 client of the machine.

sub s3 {
    my ($self) = @_;

    return Test::LiveUpdate::S3->new(
        address => '127.0.0.1:' . Test::LiveUpdate::port($self->{port}),
        access => 'KEY', secret => '0123456789abcdef');
}


sub mount {
    my ($self) = @_;

    my $path = "$self->{dir}/store";
    my $rules = "$self->{dir}/rules";

    rmdir "$path/tmp";
    mkdir $path;

    $self->{t}->write_file('rules', "keep=0\n");

    my $pid = $self->{t}->run_daemon($self->{lie}, $self->{disk}, $rules,
                                     $path);

    $self->{mount} = { pid => $pid, path => $path };

    push @Test::LiveUpdate::Machines::mounts, $self->{mount};

    my @below = stat $self->{dir};

    wait_until { -e "$rules.is" && (stat $path)[0] != $below[0] } 10
        or die "cannot mount: " . $self->{t}->read_file('daemons.log') . "\n";
}


sub umount {
    my ($self) = @_;

    my $mounts = \@Test::LiveUpdate::Machines::mounts;

    @$mounts = grep { $_ != $self->{mount} } @$mounts;
    Test::LiveUpdate::Machines::umount($self->{mount});
}


# lie(keep => 300, ...):  the rules of lie.c; all others are off.

sub lie {
    my ($self, %rules) = @_;

    my $text = join(' ', 'n=' . ++$self->{rules},
                    map { "$_=$rules{$_}" } sort keys %rules) . "\n";

    $self->{t}->replace_file('rules', $text);

    wait_until { $self->{t}->read_file('rules.is') eq $text } 30
        or die "the file system does not take its rules\n";
}


# The n-th change from now is not made, and the machine is cut off.

sub cut_off {
    my ($self, $n, %rules) = @_;

    $self->lie(%rules, hold => $n);
}


sub is_cut_off {
    my ($self) = @_;

    return -e "$self->{dir}/rules.held";
}


sub secret {
    my ($self, $name, $text) = @_;

    $self->{t}->write_file($name, $text);
    chmod 0600, "$self->{dir}/$name";
}


# Runs nginx with that host name.

sub run {
    my ($self) = @_;

    $self->{t}->run(wrapper => ['unshare', '-u', 'sh', '-c',
        "hostname $self->{name} && exec \"\$@\"", 'sh']);
}


# nginx dies, and so does the mount.  A thread that waits for the mount would
# outlive it.

sub crash {
    my ($self) = @_;

    kill 'STOP', $self->{t}{master}, $self->{t}->children();
    $self->umount();
    $self->{t}->kill_nginx();
}


sub configure {
    my ($self, $server) = @_;

    $self->secret(keys => "KEY publish 0123456789abcdef\n");
    $self->{t}->write_file_expand('nginx.conf', <<"EOC");

%%TEST_GLOBALS%%

thread_pool  liveupdate  threads=32;

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    liveupdate_store    store;
    liveupdate_tokens   tokens;
    liveupdate_threads  liveupdate;

    client_max_body_size  100m;

    server {
        listen  127.0.0.1:$self->{port};

        location /v1/ {
            liveupdate_api;
        }

        location /releases/ {
            liveupdate_releases;
        }

        location /artifacts/ {
            liveupdate_artifacts;
            root  store;
        }

        location / {
            liveupdate_publish_s3  keys  expects=latest.yml;
        }

        $server
    }
}

EOC
}


1;
