#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# The disk fails once while an S3 client uploads a release, in parts and whole:
# with an error, without space, or because the process is killed.  The client is
# told so, and what it then sends again completes the release.
#
# LIVEUPDATE_FAULTS=1 fails each system call.

use warnings;
use strict;

use Test::More;

use Errno qw/ EIO ENOSPC /;

use Test::LiveUpdate qw/ :DEFAULT port wait_until /;
use Test::LiveUpdate::Fault;
use Test::LiveUpdate::Release qw/ bytes_of manifest_of /;
use Test::LiveUpdate::S3;
use Test::LiveUpdate::Store;

use constant { SOME => 15, TRIES => 4 };

my @HOW = (
    [ 'an error', 'error', EIO, '500 InternalError' ],
    [ 'no space', 'error', ENOSPC, '507 InsufficientStorage' ],
    [ 'a kill', 'kill', 0, 'no answer' ],
);

my $t = Test::LiveUpdate->new()->plan(@HOW + 3);
my $fault = Test::LiveUpdate::Fault->new($t);

$t->config_reference(sub {
    s{(liveupdate_publish_s3  keys)}{$1  expects=latest.yml} and
    s{client_body_buffer_size  512k;}{client_body_buffer_size  1k;};
});

$t->run();

my $dir = $t->testdir();
my $store = Test::LiveUpdate::Store->new("$dir/store");
my $s3 = Test::LiveUpdate::S3->of($dir, '127.0.0.1:' . port(8080));

$t->api('POST', '/v1/apps', { id => 'shop', name => 'Shop',
                              type => 'electron' });

my ($version, @told) = (0);

$fault->arm('count');
upload();
my %counts = $fault->disarm();

is("@told", '', 'an upload without a fault');

note(join ', ', map { "$_ $counts{$_} times" } sort keys %counts);

for (@HOW) {
    my ($name, $how, $error, $expected) = @$_;
    my @wrong;

    for my $some ($fault->some(SOME, %counts)) {
        my ($call, $n) = @$some;

        @told = ();

        $fault->arm($how, $call, $n, $error);

        my $state = upload();
        my $path = $fault->fired();

        $fault->disarm();

        # it asks for names anew, and can do without
        next if defined $path && $path =~ m{/(?:\.look$|\.turn/look\.)};

        push @wrong, map { "$call $n ($path): $_" } wrong($call, $state,
                                                          $expected)
            if defined $path;
    }

    is(join("\n", @wrong), '', $name);
}

is(join("\n", $store->check), '', 'the store is sound');

$t->stop();
$t->run();

is(join("\n", $store->temporary), '', 'nothing is left after a start');


# A client sends a release and repeats what was not answered with 200.  The
# state of the release in the end.

sub upload {
    $version++;

    my $file = "Setup $version.0.0.exe";
    my $bytes = bytes_of($file) x 10;
    my $path = "/shop/$version.0.0/" . $file =~ s/ /%20/gr;

    my ($upload) = (send_on('POST', $path, query => 'uploads=')->{body} // '')
        =~ m{<UploadId>(.*)</UploadId>};

    $upload //= 'none';

    my @parts = (substr($bytes, 0, 3000), substr($bytes, 3000));

    my $list = join '', map {
        my $etag = send_on('PUT', $path, body => $parts[$_ - 1],
                           query => "partNumber=$_&uploadId=$upload")
            ->{headers}{etag} // '';
        "<Part><PartNumber>$_</PartNumber><ETag>$etag</ETag></Part>";
    } 1, 2;

    send_on('POST', $path, query => "uploadId=$upload",
            body => "<CompleteMultipartUpload>$list</CompleteMultipartUpload>");

    send_on('PUT', "$path.blockmap", body => $bytes);
    send_on('PUT', "/shop/$version.0.0/latest.yml",
            body => manifest($file, $bytes));

    return $t->api('GET', "/releases/shop/$version.0.0")->{json}{state};
}


sub manifest {
    my ($file, $bytes) = @_;

    my $size = length $bytes;
    my $sha512 = Digest::SHA::sha512_base64($bytes);

    return manifest_of("$version.0.0", $file)
        =~ s/sha512: .*/sha512: $sha512==/r
        =~ s/size: .*/size: $size/r;
}


sub send_on {
    my ($method, $path, %opt) = @_;

    my $reply;

    for (1 .. TRIES) {
        $reply = eval { $s3->send($method, $path, %opt) } || {};

        last if ($reply->{status} // 0) == 200;

        push @told, $reply->{status}
            ? join(' ', $reply->{status}, $reply->{code} // '') : 'no answer';
    }

    return $reply;
}


sub wrong {
    my ($call, $state, $expected) = @_;

    my @wrong;

    push @wrong, "the release is $state" if ($state // '') ne 'live';
    push @wrong, "answered with @told"
        if @told != 1 && !(@told == 0 && $call eq 'unlink')
           || @told && $told[0] ne $expected;

    return @wrong;
}
