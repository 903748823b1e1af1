package Test::LiveUpdate::HTTP;

# Copyright (C) the nginx-liveupdate authors

# A plain HTTP/1.1 client on sockets: literal requests, and replies as they
# came.  A reply that comes before the request was sent whole (a refusal of a
# large body) is read as well.

use warnings;
use strict;

use Exporter qw/ import /;
use Errno qw/ EAGAIN EINTR EWOULDBLOCK /;
use IO::Socket::INET;
use JSON::PP ();
use Time::HiRes qw/ time /;

our @EXPORT_OK = qw/
    connect_to exchange is_complete parse_reply dechunk request uri_encode
    multipart json_encode json_decode
/;

our $TIMEOUT = 60;

my $json = JSON::PP->new->utf8->allow_nonref->canonical;


sub json_encode {
    return $json->encode($_[0]);
}


sub json_decode {
    return $json->decode($_[0]);
}


sub uri_encode {
    my ($text) = @_;

    utf8::encode($text) if utf8::is_utf8($text);
    $text =~ s/([^A-Za-z0-9._~-])/sprintf('%%%02X', ord $1)/ge;

    return $text;
}


sub connect_to {
    my ($address) = @_;

    my $s = IO::Socket::INET->new(Proto => 'tcp', PeerAddr => $address)
        or die "cannot connect to $address: $!\n";

    $s->autoflush(1);

    return $s;
}


# Sends $out, reads until the peer closes or $complete says that the reply is
# there.  Dies if that takes longer than $timeout seconds.

sub exchange {
    my ($s, $out, $complete, $timeout) = @_;

    my $deadline = time() + ($timeout // $TIMEOUT);
    my ($in, $sent) = ('', 0);

    local $SIG{PIPE} = 'IGNORE';

    $s->blocking(0);

    while (1) {
        my ($rin, $win, $rout, $wout) = ('', '');

        vec($rin, fileno($s), 1) = 1;
        vec($win, fileno($s), 1) = 1 if $sent < length $out;

        my $left = $deadline - time();
        die "no complete reply in time\n" if $left <= 0;

        next if select($rout = $rin, $wout = $win, undef, $left) <= 0;

        if (vec($rout, fileno($s), 1)) {
            my $n = sysread($s, $in, 1 << 18, length $in);

            next if !defined $n && again();
            last if !$n || $complete && $complete->($in);
            next;
        }

        if ($sent < length $out && vec($wout, fileno($s), 1)) {
            my $n = syswrite($s, $out, 1 << 18, $sent);

            if (defined $n) {
                $sent += $n;

            } elsif (!again()) {
                # the reply may say why
                $sent = length $out;
            }
        }
    }

    $s->blocking(1);

    return $in;
}


sub again {
    return $! == EAGAIN || $! == EINTR || $! == EWOULDBLOCK;
}


# The reply's parts: {status, headers (lower-case names), body, raw, json}, or
# undef if there is no head.

sub parse_reply {
    my ($raw) = @_;

    my ($head, $body) = split /\r\n\r\n/, $raw, 2;

    return unless defined $head
                  && $head =~ m{\AHTTP/\d\.\d (\d{3})(?: ([^\r\n]*))?};

    my %reply = (status => $1, reason => $2, raw => $raw, headers => {});

    for my $line ((split /\r\n/, $head)[1 .. ($head =~ s/\r\n/\r\n/g)]) {
        my ($name, $value) = split /:[ \t]*/, $line, 2;

        $name = lc $name;
        $reply{headers}{$name} = exists $reply{headers}{$name}
                                 ? "$reply{headers}{$name}, $value" : $value;
    }

    $body //= '';

    $body = dechunk($body)
        if ($reply{headers}{'transfer-encoding'} // '') eq 'chunked';

    $reply{body} = $body;
    $reply{json} = eval { json_decode($body) }
        if ($reply{headers}{'content-type'} // '') =~ m{^application/json\b};

    return \%reply;
}


sub dechunk {
    my ($in) = @_;
    my $out = '';

    while ($in =~ /\G([0-9a-fA-F]+)[^\r\n]*\r\n/gc) {
        my $n = hex $1;

        $out .= substr($in, pos($in), $n);

        last if $n == 0;

        pos($in) += $n + 2;
    }

    return $out;
}


sub is_complete {
    my ($method, $in) = @_;

    my $end = index($in, "\r\n\r\n");
    return 0 if $end < 0;

    my $head = substr($in, 0, $end + 2);

    return 1 if $method eq 'HEAD' || $head =~ m{^HTTP/\S+ [23]04 };

    return length($in) - $end - 4 >= $1
        if $head =~ /^Content-Length:\s*(\d+)/mi;

    return $in =~ /\r\n0\r\n\r\n\z/
        if $head =~ /^Transfer-Encoding:\s*chunked/mi;

    return 0;
}


# A whole request: request('PUT', '127.0.0.1:8080', '/path',
#     headers => [ name => value, ... ], body => $bytes).

sub request {
    my ($method, $address, $path, %opt) = @_;

    my @headers = @{$opt{headers} || []};
    my %given = map { lc $_ => 1 } @headers[grep { !($_ % 2) } 0 .. $#headers];
    my $body = $opt{body};

    unshift @headers, Host => $address unless $given{host};
    push @headers, Connection => 'close'
        unless $given{connection} || $opt{socket};
    push @headers, 'Content-Length' => length $body
        if defined $body && !$given{'content-length'}
           && !$given{'transfer-encoding'};

    my $out = "$method $path HTTP/1.1\r\n";

    while (my ($name, $value) = splice @headers, 0, 2) {
        $out .= "$name: $value\r\n";
    }

    my $s = $opt{socket} || connect_to($address);

    my $in = exchange($s, "$out\r\n" . ($body // ''),
                      sub { is_complete($method, $_[0]) }, $opt{timeout});

    return parse_reply($in)
           || die "no reply to $method $path: \"" . substr($in, 0, 200)
                  . "\"\n";
}


# A form: name => value or name => { bytes, filename, type }, in order.
# Returns the body and the value of Content-Type.

sub multipart {
    my (@parts) = @_;

    my $boundary = '-------------------------' . join '', map {
        int rand 10
    } 1 .. 24;

    my $body = '';

    while (my ($name, $value) = splice @parts, 0, 2) {
        $body .= "--$boundary\r\n"
                 . "Content-Disposition: form-data; name=\"$name\"";

        if (ref $value) {
            $body .= "; filename=\"$value->{filename}\"\r\n"
                     . 'Content-Type: '
                     . ($value->{type} // 'application/octet-stream')
                     . "\r\n\r\n$value->{bytes}\r\n";

        } else {
            utf8::encode($value) if utf8::is_utf8($value);
            $body .= "\r\n\r\n$value\r\n";
        }
    }

    return ("$body--$boundary--\r\n",
            "multipart/form-data; boundary=$boundary");
}


1;
