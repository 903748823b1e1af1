package Test::LiveUpdate::Schedule;

# Copyright (C) the nginx-liveupdate authors

# The machines, one or several, on which a random schedule runs: time goes by,
# clocks are wrong, and machines crash.

use warnings;
use strict;

use IO::Socket::INET;
use POSIX ();
use Time::HiRes qw/ usleep /;

use Test::LiveUpdate qw/ :DEFAULT /;
use Test::LiveUpdate::Clock;
use Test::LiveUpdate::Machines;

use constant HOUR => 3600;


# new($t, machines => 1, approval => "off", poke => sub { my ($machine) = @_ }):
# poke asks the machine for something, so that it looks at the clock.

sub new {
    my ($class, $t, %opt) = @_;

    my $approval = $opt{approval} // 'off';

    my $self = bless { t => $t, poke => $opt{poke} }, $class;

    if ($opt{machines} > 1) {

        # so that what a machine tells once it tells from then on

        $self->{several} = Test::LiveUpdate::Machines->new(
            $t, n => $opt{machines}, clocks => 1, workers => 1,
            server => <<"EOF");

        liveupdate_approval  $approval;

        location ~ ^/desktop/(?<desktop>[^/]+)/ {
            liveupdate_feed  \$desktop;
            root             store;
        }
EOF
        $self->{machines} = [$self->{several}->machines()];

    } else {
        my $clock = Test::LiveUpdate::Clock->new($t);

        $t->config_reference(sub {
            s/^(liveupdate_approval) .*/$1  $approval;/m
        })->run();
        $self->{machines} = [{ t => $t, clock => $clock, port => 8080 }];
    }

    return $self;
}


sub machines { @{$_[0]{machines}} }
sub several { $_[0]{several} }


# The folder of the store, as those who stage see it.

sub store {
    my ($self) = @_;

    return $self->{several} ? 'disk' : 'store';
}


sub any {
    my ($self) = @_;

    return $self->{machines}[rand @{$self->{machines}}];
}


sub now {
    my ($self, $machine) = @_;

    return int $machine->{clock}->day();
}


# The times that may count on a machine that is asked: the second may have gone
# by since, and a worker does not go back when its clock does.

sub times {
    my ($self, $machine) = @_;

    my $now = $self->now($machine);

    $machine->{asked}{$now} = 1;

    return map { $_ - 3, $_ + 3 } grep { $_ >= $now } keys %{$machine->{asked}};
}


sub poke {
    my ($self, $machine) = @_;

    $machine->{asked}{$self->now($machine)} = 1;
    $self->{poke}->($machine);
}


# The replies to GET requests, each a path with more header lines, by one
# connection: { status, body }.

sub replies {
    my ($self, $machine, @requests) = @_;

    my $s = IO::Socket::INET->new('127.0.0.1:' . port($machine->{port}))
        or die "cannot connect: $!\n";

    for my $n (0 .. $#requests) {
        my ($path, @lines) = @{$requests[$n]};

        push @lines, 'Connection: close' if $n == $#requests;

        print $s join "\r\n", "GET $path HTTP/1.1", 'Host: localhost', @lines,
            '', '';
    }

    my $text = do { local $/; <$s> };
    my @replies;

    while ($text =~ /\GHTTP\/1.1 (\d+) .*?\r\n\r\n/gcs) {
        my $status = $1;
        my ($length) = $& =~ /^Content-Length: (\d+)/mi;

        my $body = substr $text, pos $text, $length;
        pos($text) += $length;

        die "$status: $body\n" unless $status == 200 || $status == 404;

        push @replies, { status => $status, body => $body };
    }

    # a server may close a connection before all is answered

    push @replies, $self->replies($machine, @requests[@replies .. $#requests])
        if @replies < @requests;

    return @replies;
}


# To a disk that is asked while hours go by, they are hours without an answer.

sub api {
    my ($self, $machine, $method, $path, $body) = @_;

    my $server = $self->{several} ? $machine : $self->{t};
    my $reply;

    wait_until {
        $reply = $server->api($method, $path, $body, timeout => 90);
        $reply->{status} != 503 || $reply->{body} !~ /The disk of the server/;
    } 30;

    Test::More::diag("$method $path: $reply->{raw}",
        grep { /\[(?:warn|error|crit|alert)\]/ }
        $machine->{t}->read_file('error.log') =~ /^.*\n/gm)
        if $reply->{status} >= 500;

    return $reply;
}


# All workers have read it anew, by their own clocks.

sub forget {
    my ($self) = @_;

    $_->{asked} = {} for $self->machines();
}


sub passes {
    my ($self, $seconds) = @_;

    for my $machine ($self->machines()) {
        $machine->{clock}->passes($seconds);
        $self->poke($machine);
    }
}


# Somebody sets the clock of a machine, wrong or right.

sub set_clock {
    my ($self) = @_;

    my $machine = $self->any();
    my $off = rand() < 0.4 ? 0 : int(rand 6 * HOUR) - 3 * HOUR;

    $machine->{clock}->set($off - ($machine->{off} // 0));
    $machine->{off} = $off;
    $self->poke($machine);

    return "a clock is $off s off";
}


sub right_clocks {
    my ($self) = @_;

    for my $machine ($self->machines()) {
        $machine->{clock}->set(-($machine->{off} // 0));
        $machine->{off} = 0;
        $self->poke($machine);
    }
}


sub crash {
    my ($self, $machine) = @_;

    if ($self->{several} && rand() < 0.5) {
        $machine->crash();
        $machine->mount();

    } else {
        $machine->{t}->kill_nginx();
    }

    $self->restart($machine);
}


sub restart {
    my ($self, $machine) = @_;

    $machine->{asked} = {};

    $self->{several} ? $machine->run() : $self->{t}->start();
}


# A machine crashes while it answers a call, which may be done or not.

sub doomed {
    my ($self, $machine, @call) = @_;

    $machine->cut_off(1 + int rand 12) if $self->{several};

    my $pid = fork() // die "cannot fork: $!\n";

    if ($pid == 0) {
        eval { $self->api($machine, @call) };
        POSIX::_exit(0);
    }

    if ($self->{several}) {
        wait_until {
            $machine->is_cut_off() || waitpid($pid, POSIX::WNOHANG())
        } 60;

        $machine->crash();
        $machine->mount();

    } else {
        usleep(rand 8000);
        $machine->{t}->kill_nginx();
    }

    kill 'KILL', $pid;
    waitpid($pid, 0);

    $self->restart($machine);
}


# What was wrong on the others; they stop.

sub stop {
    my ($self) = @_;

    return unless $self->{several};

    my @alerts = $self->{several}->alerts();

    Test::More::diag(@alerts) if @alerts;
    $self->{several}->stop();
}


1;
