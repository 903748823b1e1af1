package Test::LiveUpdate::S3;

# Copyright (C) the nginx-liveupdate authors

# An S3 client that signs by itself (Signature Version 4), so that it can do
# everything wrong as well.

use warnings;
use strict;

use Digest::SHA qw/ hmac_sha256 hmac_sha256_hex sha256_hex /;
use POSIX qw/ strftime /;

use Test::LiveUpdate::HTTP qw/ request /;


# new(address => 'host:port', access => ..., secret => ...)

sub new {
    my ($class, %self) = @_;

    return bless { region => 'us-east-1', %self }, $class;
}


# The key that conf/run.sh has made in a folder.

sub of {
    my ($class, $dir, $address) = @_;

    open my $fh, '<', "$dir/key.publish" or die "no key.publish: $!\n";
    my %key = map { /^(\w+)=(.*)$/ ? ($1 => $2) : () } <$fh>;

    return $class->new(address => $address,
                       access => $key{AWS_ACCESS_KEY_ID},
                       secret => $key{AWS_SECRET_ACCESS_KEY});
}


# The bytes of a request that send() would send.

sub text {
    my ($self, $method, $path, %opt) = @_;

    my $sent = $self->signed($method, $path, %opt);
    my %headers = (%{$sent->{headers}}, %{$sent->{also}});

    return join "\r\n", "$sent->{method} $sent->{path} HTTP/1.1",
        (map { "$_: $headers{$_}" } sort keys %headers),
        'Content-Length: ' . length($sent->{body}), 'Connection: close', '',
        $sent->{body};
}


sub put {
    my ($self, $path, $body, %opt) = @_;

    return $self->send('PUT', $path, body => $body, %opt);
}


# A signed request.  Options: body; query; headers, which are signed; also,
# headers that are not; payload, in place of the SHA-256 of the body; time, the
# offset of the clock; sign, a function that may change what is sent (%$sent);
# and access, secret, region.  Returns the reply, with code and message if it
# is an error.

sub send {
    my ($self, @request) = @_;

    return $self->exchange($self->signed(@request));
}


sub signed {
    my ($self, $method, $path, %opt) = @_;

    my %key = (%$self, %opt);
    my $body = $opt{body} // '';
    my $time = time() + ($opt{time} // 0);
    my $stamp = strftime('%Y%m%dT%H%M%SZ', gmtime $time);
    my $day = substr $stamp, 0, 8;

    my %sent = (
        method => $method,
        path => $path,
        query => $opt{query} // '',
        body => $body,
        headers => {
            'host' => $self->{address},
            'x-amz-date' => $stamp,
            'x-amz-content-sha256' => $opt{payload} // sha256_hex($body),
            %{$opt{headers} || {}},
        },
        also => $opt{also} || {},
    );

    my $names = join ';', sort keys %{$sent{headers}};
    my $scope = "$day/$key{region}/s3/aws4_request";

    my $canonical = join "\n", $method, canonical($path, 1),
        join('&', sort map { canonical_pair($_) } split /&/, $sent{query}),
        (map { "$_:" . squeezed($sent{headers}{$_}) }
         sort keys %{$sent{headers}}), '', $names,
        $sent{headers}{'x-amz-content-sha256'};

    my $secret = "AWS4$key{secret}";
    $secret = hmac_sha256($_, $secret)
        for $day, $key{region}, 's3', 'aws4_request';

    my $signature = hmac_sha256_hex(join("\n", 'AWS4-HMAC-SHA256', $stamp,
                                         $scope, sha256_hex($canonical)),
                                    $secret);

    $sent{headers}{authorization} = "AWS4-HMAC-SHA256 "
        . "Credential=$key{access}/$scope, SignedHeaders=$names, "
        . "Signature=$signature";

    $opt{sign}->(\%sent) if $opt{sign};

    return \%sent;
}


# Decoded and encoded again, as S3 does it.

sub canonical {
    my ($text, $is_path) = @_;

    $text =~ s/\+/ /g if !$is_path;
    $text =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge;
    $text =~ s{([^A-Za-z0-9._~/-])}{sprintf '%%%02X', ord $1}ge;
    $text =~ s{/}{%2F}g if !$is_path;

    return $text;
}


sub canonical_pair {
    my ($pair) = @_;

    my ($name, $value) = split /=/, $pair, 2;

    return canonical($name) . '=' . canonical($value // '');
}


sub squeezed {
    my ($value) = @_;

    return $value =~ s/^\s+|\s+$//gr =~ s/\s+/ /gr;
}


sub exchange {
    my ($self, $sent) = @_;

    my %headers = (%{$sent->{headers}}, %{$sent->{also}});
    my $target = $sent->{path} . ($sent->{query} eq '' ? ''
                                                       : "?$sent->{query}");

    my $reply = request($sent->{method}, $self->{address}, $target,
                        headers => [%headers],
                        body => $sent->{body});

    if (($reply->{body} // '') =~ m{<Error><Code>(.*?)</Code>}s) {
        $reply->{code} = $1;
        ($reply->{message}) = $reply->{body} =~ m{<Message>(.*)</Message>}s;
    }

    return $reply;
}


1;
