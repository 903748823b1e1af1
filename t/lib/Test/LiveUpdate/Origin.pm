package Test::LiveUpdate::Origin;

# Copyright (C) the nginx-liveupdate authors

# The server that builds are fetched from, on loopback: it sends the files of
# a folder, does wrong what a script says, and writes down what it was asked
# for.  The script may change while it runs.  Beside it there is a second
# listener that nobody may ever contact.

use warnings;
use strict;

use Errno qw/ EAGAIN EINTR /;
use File::Path qw/ make_path /;
use IO::Compress::Gzip qw/ gzip /;
use IO::Socket::INET;
use POSIX ();
use Socket qw/ SOL_SOCKET SO_LINGER /;
use Time::HiRes qw/ time /;

use Test::LiveUpdate::HTTP qw/ json_decode json_encode /;

use constant PIECE => 1 << 20;

my %SENDFILE = (x86_64 => 40, aarch64 => 71);
my $sendfile = $SENDFILE{(POSIX::uname())[4]};
my $noise = join '', map { pack 'L', $_ * 2654435761 % 4294967291 } 1 .. 16384;


# Runs until the test ends.  Names in the folder are decoded paths.  host: an
# address that others can reach, in the place of 127.0.0.1.

sub new {
    my ($class, $t, %opt) = @_;

    my $self = bless {
        t => $t,
        dir => $t->testdir() . '/origin',
        host => $opt{host} // '127.0.0.1',
        port => Test::LiveUpdate::port(8091),
        other => Test::LiveUpdate::port(8092),
        down => 0,
        rules => [],
        mark => 0,
    }, $class;

    make_path($self->{dir});
    $t->write_file('origin.log', '');
    $self->script();
    $self->{pid} = $t->run_daemon(sub { $self->serve() });

    $t->waitforsocket("$self->{host}:$self->{port}")
        or die "the origin does not listen\n";

    return $self;
}


sub url {
    my ($self) = @_;

    return "http://$self->{host}:$self->{port}";
}


# Where nobody may go.

sub other_url {
    my ($self) = @_;

    return "http://$self->{host}:$self->{other}";
}


# -- what is to go wrong -----------------------------------------------------

# script(regular expression for the path as asked => rule, ...):  in the place
# of what was said before, in effect with the next request.  The first rule
# that matches counts:
#
# times => 3           only so often for each path, after that the next rule
# status => 500        instead of 200, without the file
# redirect => $url     302
# headers => [ ... ]   more of them, "Name: value"
# head => "..."        this, literally, and the body
# bytes => "..."       another body
# wrong => 1           a bit of it is another one
# grow => -5           the body is longer or shorter, and said to be
# gzip => 1            compressed without having been asked to
# framing => "chunked" or "close"; "length" if not set
# delay => 0.5         seconds before the reply begins
# slow => 1000         bytes a second
# hold => 500          after so many bytes nothing, until no rule holds it
# stall => 500         the same for ever; -1: not even a head
# truncate => 500      closed after so many bytes
# endless => 1         a body without an end
# reset => 1           the connection is reset

sub script {
    my ($self, @rules) = @_;

    $self->{rules} = [];

    while (my ($re, $rule) = splice @rules, 0, 2) {
        push @{$self->{rules}}, [ "$re", $rule ];
    }

    return $self->write_script();
}


# Connections are refused, and those that are open cut.

sub down {
    my ($self) = @_;

    $self->{down} = 1;
    $self->write_script();

    Test::LiveUpdate::wait_quietly(sub { !$self->listens() }, 5)
        or die "the origin does not go down\n";

    return $self;
}


sub up {
    my ($self) = @_;

    $self->{down} = 0;
    $self->write_script();

    Test::LiveUpdate::wait_quietly(sub { $self->listens() }, 5)
        or die "the origin does not come up\n";

    return $self;
}


sub listens {
    my ($self) = @_;

    return IO::Socket::INET->new(Proto => 'tcp',
                                 PeerAddr => "$self->{host}:$self->{port}");
}


sub write_script {
    my ($self) = @_;

    my $path = $self->{t}->testdir() . '/origin.script';

    $self->{t}->write_file('origin.script.new',
        json_encode({ down => $self->{down}, rules => $self->{rules} }));

    rename "$path.new", $path or die "cannot rename: $!\n";

    return $self;
}


# -- what it was asked for ---------------------------------------------------

# What follows is what requests() and those below look at.

sub mark {
    my ($self) = @_;

    $self->{mark} = $self->{t}->read_file('origin.log') =~ tr/\n//;

    return $self;
}


# Each {n, at, method, path, name, status, flying, headers}, and as soon as it
# is over {end, sent, whole}, in the order in which they came; flying is how
# many there are with this one.

sub requests {
    my ($self, $re) = @_;

    my (%requests, @order);

    for my $entry ($self->entries()) {
        if ($entry->{event} eq 'begin') {
            push @order, $requests{$entry->{n}} = $entry;

        } elsif ($entry->{event} eq 'end' && $requests{$entry->{n}}) {
            @{$requests{$entry->{n}}}{qw/ end sent whole /}
                = @$entry{qw/ at sent whole /};
        }
    }

    return grep { !defined $re || $_->{path} =~ $re } @order;
}


sub entries {
    my ($self) = @_;

    # the last one may be on its way
    my $text = $self->{t}->read_file('origin.log') =~ s/[^\n]*\z//r;
    my @lines = split /\n/, $text;

    return map { json_decode($_) } @lines[$self->{mark} .. $#lines];
}


sub flying {
    my ($self, $re) = @_;

    return grep { !defined $_->{end} } $self->requests($re);
}


# The paths that were asked for, how often.

sub asked {
    my ($self, $re) = @_;

    my %asked;

    $asked{$_->{path}}++ for $self->requests($re);

    return %asked;
}


# Those who came where nobody should, ever.

sub contacts {
    my ($self) = @_;

    local $self->{mark} = 0;

    return grep { $_->{event} eq 'contact' } $self->entries();
}


# -- the server --------------------------------------------------------------

sub serve {
    my ($self) = @_;

    my $parent = getppid();

    $SIG{PIPE} = 'IGNORE';

    open $self->{log}, '>>:raw', $self->{t}->testdir() . '/origin.log'
        or die "cannot write: $!\n";

    @$self{qw/ connections n read /} = ({}, 0, '');
    $self->{trap} = $self->listen_on($self->{other});

    while (getppid() == $parent) {
        $self->read_script();
        $self->wait_events();
    }
}


sub listen_on {
    my ($self, $port) = @_;

    my $s = IO::Socket::INET->new(Proto => 'tcp', Listen => 512, Reuse => 1,
                                  LocalAddr => "$self->{host}:$port")
        or die "cannot listen on $port: $!\n";

    $s->blocking(0);

    return $s;
}


sub read_script {
    my ($self) = @_;

    my $path = $self->{t}->testdir() . '/origin.script';
    my $is = join ' ', (Time::HiRes::stat($path))[1, 7, 9];

    return if $is eq $self->{read};

    my $script = json_decode($self->{t}->read_file('origin.script'));

    $self->{read} = $is;
    $self->{script} = [ map { [ qr/$_->[0]/, $_->[1] ] }
                        @{$script->{rules}} ];
    $self->{used} = {};

    if ($script->{down}) {
        $self->drop($_) for values %{$self->{connections}};
        close delete $self->{listener} if $self->{listener};
        return;
    }

    $self->{listener} ||= $self->listen_on($self->{port});

    for my $c (grep { $_->{held} } values %{$self->{connections}}) {
        my $rule = $self->rule($c->{path});

        delete @$c{qw/ held hold /} unless defined $rule->{hold};
    }
}


sub wait_events {
    my ($self) = @_;

    my ($rin, $win, $rout, $wout) = ('', '');
    my $now = time();

    for my $s (grep { defined } @$self{qw/ listener trap /}) {
        vec($rin, fileno($s), 1) = 1;
    }

    for my $c (values %{$self->{connections}}) {
        vec($rin, fileno($c->{s}), 1) = 1;
        vec($win, fileno($c->{s}), 1) = 1 if $self->wants_to_send($c, $now);
    }

    return if select($rout = $rin, $wout = $win, undef, 0.01) <= 0;

    # what was said before a request came counts for it
    $self->read_script();

    if ($self->{listener} && vec($rout, fileno($self->{listener}), 1)) {
        while (my $s = $self->{listener}->accept()) {
            $s->blocking(0);
            $self->{connections}{$s} = { s => $s, in => '', out => '' };
        }
    }

    if (vec($rout, fileno($self->{trap}), 1)) {
        while (my $s = $self->{trap}->accept()) {
            $self->note(event => 'contact');
        }
    }

    for my $c (values %{$self->{connections}}) {
        my $fd = fileno($c->{s}) // next;

        $self->receive($c) if vec($rout, $fd, 1);
        $self->transmit($c) if $c->{n} && vec($wout, $fd, 1);
    }
}


sub receive {
    my ($self, $c) = @_;

    my $n = sysread($c->{s}, $c->{in}, 65536, length $c->{in});

    return if !defined $n && ($! == EAGAIN || $! == EINTR);
    return $self->drop($c) if !$n;

    $self->next_request($c) unless $c->{n};
}


sub next_request {
    my ($self, $c) = @_;

    $c->{in} =~ s/\A(.*?)\r\n\r\n//s or return;

    my ($line, @headers) = split /\r\n/, $1;
    my ($method, $path, $version) = split / /, $line;
    my %headers = map { /^([^:]+):\s*(.*)/ ? (lc $1 => $2) : () } @headers;
    my $name = $path =~ s/\?.*//r =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ger;

    my $rule = $self->rule($path, 1);

    $c->{n} = ++$self->{n};
    $c->{path} = $path;
    $c->{sent} = 0;
    $c->{close} = $version eq 'HTTP/1.0'
        ? ($headers{connection} // '') !~ /keep-alive/i
        : ($headers{connection} // '') =~ /close/i;

    $c->{reset} = $rule->{reset};
    $c->{from} = time() + ($rule->{delay} // 0);

    my $status = $self->reply($c, $method, $name, $rule);

    $self->note(event => 'begin', n => $c->{n}, method => $method,
                path => $path, name => $name, status => $status,
                headers => \%headers, flying => scalar grep { $_->{n} }
                                          values %{$self->{connections}});
}


# Which rule counts for the path; "times" are counted if it is to be followed.

sub rule {
    my ($self, $path, $follow) = @_;

    for my $i (0 .. $#{$self->{script}}) {
        my ($re, $rule) = @{$self->{script}[$i]};

        next if $path !~ $re;

        if (defined $rule->{times}) {
            next if ($self->{used}{"$i $path"} // 0) >= $rule->{times};
            $self->{used}{"$i $path"}++ if $follow;
        }

        return $rule;
    }

    return {};
}


# -- a reply -----------------------------------------------------------------

# The head, in "out", and the body: some bytes, or so many of a file, and what
# is to happen on the way.

sub reply {
    my ($self, $c, $method, $name, $rule) = @_;

    my $status = $rule->{status} // (defined $rule->{redirect} ? 302 : 200);
    my $framing = $rule->{framing} // 'length';

    delete @$c{qw/ file bytes flip /};

    if (defined $rule->{bytes}) {
        $c->{bytes} = $rule->{bytes};

    } elsif ($status == 200 || $status == 206) {
        $status = 404 unless -f "$self->{dir}$name"
                             && open $c->{file}, '<:raw', "$self->{dir}$name";
    }

    $c->{bytes} = "$status\n" unless $c->{file} || defined $c->{bytes};

    $self->spoil($c, $rule) if $status == 200 || $status == 206;

    my $size = defined $c->{bytes} ? length $c->{bytes} : -s $c->{file};

    $c->{size} = $rule->{endless} ? 1 << 50 : $size;
    $c->{size} = 0 if $method eq 'HEAD';
    $c->{chunked} = $framing eq 'chunked';
    $c->{slow} = $rule->{slow};
    $c->{cut} = $rule->{truncate};
    $c->{hold} = $rule->{hold} // $rule->{stall};
    $c->{held} = defined $rule->{hold};
    $c->{close} ||= $framing eq 'close' || defined $c->{cut};

    $c->{out} = $rule->{head} // join "\r\n", "HTTP/1.1 $status Status",
        'Server: origin',
        ($framing eq 'length' ? "Content-Length: $c->{size}" : ()),
        ($c->{chunked} ? 'Transfer-Encoding: chunked' : ()),
        (defined $rule->{redirect} ? "Location: $rule->{redirect}" : ()),
        ($rule->{gzip} ? 'Content-Encoding: gzip' : ()),
        ($c->{close} ? 'Connection: close' : ()),
        @{$rule->{headers} || []}, '', '';

    return $status;
}


sub spoil {
    my ($self, $c, $rule) = @_;

    if ($rule->{gzip} || $rule->{grow}) {
        my $bytes = $c->{bytes} // do { local $/; readline $c->{file} };

        if ($rule->{gzip}) {
            gzip(\$bytes, \my $small);
            $bytes = $small;
        }

        $c->{bytes} = substr $bytes . $noise, 0,
                             length($bytes) + ($rule->{grow} // 0);
    }

    $c->{flip} = int((defined $c->{bytes} ? length $c->{bytes}
                                          : -s $c->{file}) / 2)
        if $rule->{wrong};
}


# How much of the body may go now; undef if that was all.

sub allowed {
    my ($self, $c, $now) = @_;

    my $n = $c->{size} - $c->{sent};

    $n = $c->{cut} - $c->{sent}
        if defined $c->{cut} && $c->{cut} - $c->{sent} < $n;

    return if $n <= 0 && !(defined $c->{hold} && $c->{hold} <= $c->{sent});

    $n = $c->{hold} - $c->{sent}
        if defined $c->{hold} && $c->{hold} - $c->{sent} < $n;

    if (defined $c->{slow}) {
        my $due = int(($now - $c->{from}) * $c->{slow}) - $c->{sent};
        $n = $due if $due < $n;
    }

    return $n < 0 ? 0 : $n > PIECE ? PIECE : $n;
}


sub wants_to_send {
    my ($self, $c, $now) = @_;

    return 0 if !$c->{n} || $now < $c->{from};
    return 1 if $c->{reset};
    return 0 if defined $c->{hold} && $c->{hold} < 0;
    return 1 if length $c->{out};

    return ($self->allowed($c, $now) // 1) > 0;
}


sub transmit {
    my ($self, $c) = @_;

    if ($c->{reset}) {
        setsockopt($c->{s}, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0);
        return $self->drop($c);
    }

    if (!length $c->{out}) {
        my $n = $self->allowed($c, time());

        return $self->finish_reply($c) if !defined $n;
        return if $n == 0;

        if ($sendfile && $c->{file} && !$c->{chunked} && !defined $c->{flip}
            && !defined $c->{bytes} && $c->{size} <= -s $c->{file})
        {
            sysseek($c->{file}, $c->{sent}, 0);
            $n = syscall($sendfile, fileno($c->{s}), fileno($c->{file}), 0, $n);

            $c->{sent} += $n if $n > 0;
            $self->drop($c) if $n < 0 && $! != EAGAIN && $! != EINTR;
            return;
        }

        my $piece = $self->piece($c, $n);

        $c->{sent} += length $piece;
        $c->{out} = $c->{chunked}
            ? sprintf("%x\r\n", length $piece) . "$piece\r\n" : $piece;
    }

    my $n = syswrite($c->{s}, $c->{out});

    if (defined $n) {
        substr($c->{out}, 0, $n, '');

    } elsif ($! != EAGAIN && $! != EINTR) {
        $self->drop($c);
    }
}


sub piece {
    my ($self, $c, $n) = @_;

    my $piece = '';

    if (defined $c->{bytes}) {
        $piece = substr $c->{bytes}, $c->{sent}, $n
            if $c->{sent} < length $c->{bytes};

    } else {
        sysseek($c->{file}, $c->{sent}, 0);
        sysread($c->{file}, $piece, $n);
    }

    $piece = substr $noise, 0, $n if !length $piece;

    my $at = ($c->{flip} // -1) - $c->{sent};

    substr($piece, $at, 1) ^= "\1" if $at >= 0 && $at < length $piece;

    return $piece;
}


sub finish_reply {
    my ($self, $c) = @_;

    my $whole = $c->{sent} >= $c->{size};

    if ($c->{chunked} && $whole) {
        $c->{chunked} = 0;
        $c->{out} = "0\r\n\r\n";
        return;
    }

    $self->note(event => 'end', n => $c->{n}, sent => $c->{sent},
                whole => $whole ? 1 : 0);
    delete $c->{n};

    return $self->drop($c) if $c->{close};

    $self->next_request($c);
}


sub drop {
    my ($self, $c) = @_;

    $self->note(event => 'end', n => $c->{n}, sent => $c->{sent}, whole => 0)
        if $c->{n};

    delete $c->{n};
    delete $self->{connections}{$c->{s}};

    close $c->{s};
}


sub note {
    my ($self, %entry) = @_;

    syswrite($self->{log}, json_encode({ at => time(), %entry }) . "\n");
}


1;
