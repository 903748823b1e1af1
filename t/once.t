#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Bytes that bundles have in common are stored once: also those that one bundle
# has twice.  Where a link is not possible, there is a copy; what caches know
# of a file stays right when another release goes; and what a stranger does to
# a file does not get into new releases.

use warnings;
use strict;

use Errno qw/ EMLINK ENOSYS EPERM EXDEV /;
use Test::More;

use Test::LiveUpdate;
use Test::LiveUpdate::Fault;
use Test::LiveUpdate::Store;

my $t = Test::LiveUpdate->new();
my $fault = Test::LiveUpdate::Fault->new($t);

$t->write_file_expand('nginx.conf', <<'EOC');

%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    liveupdate_store   store;
    liveupdate_tokens  tokens;

    server {
        listen  127.0.0.1:8080;

        location /v1/ {
            liveupdate_api;
        }

        location /releases/ {
            liveupdate_releases;
        }

        location /artifacts/ {
            root  store;
            liveupdate_artifacts;
        }
    }
}

EOC

$t->run()->plan(17);

my $dir = $t->testdir() . '/store';
my $store = Test::LiveUpdate::Store->new($dir);
my $text = "a line of text\n" x 2000;
my $n = 0;
my $app;

# the first bundle, which has a file twice

my $first = begin();

is(inode($first, 'files/b/copy.txt'), inode($first, 'files/text.txt'),
   'a file that a bundle has twice');
is(inode($first, 'gzip/b/copy.txt.gz'), inode($first, 'gzip/text.txt.gz'),
   'compressed as well');
isnt(inode($first, 'files/index.html'), inode($first, 'files/text.txt'),
     'another one is not');

my $second = publish();

is(inode($second, 'files/text.txt'), inode($first, 'files/text.txt'),
   'the next bundle has it, too');

# links are needed for turns, but not here: each one of these fails, for one
# reason or another, in an app that has one bundle to link to

my @errors = (EMLINK, EXDEV, EPERM, ENOSYS);
my (@wrong, $copies);

for my $nth (1 .. links()) {
    my $error = $errors[$nth % @errors];
    my $one = begin();

    $fault->arm('error', 'link', $nth, $error);

    my $two = eval { publish() };
    my $path = $fault->fired() // 'nowhere';

    $fault->disarm();

    next unless $path =~ m{/link$};

    if (!defined $two) {
        push @wrong, "link() of $path, errno $error: $@";
        next;
    }

    my @names = qw( files/text.txt files/b/copy.txt gzip/text.txt.gz
                    gzip/b/copy.txt.gz );

    push @wrong, "link() of $path, errno $error: other bytes"
        if grep { $t->read_file("store/live/$app/$two/$_")
                  ne $t->read_file("store/live/$app/$one/$_") } @names;

    $copies += grep { inode($two, $_) ne inode($one, $_) } @names;
}

is(join("\n", @wrong), '', 'without a link there is a copy');
cmp_ok($copies // 0, '>=', 4, 'of each file');
is_deeply([$store->temporary()], [], 'nothing is left');

$first = begin();

# a device or a CDN looks again when the release that had the file first has
# gone

my $one = publish();
my $is = file($one, 'text.txt');

is($is->{body}, $text, 'a file');
$t->api('POST', "/releases/$app/$first/withdraw", {});
is($t->api('DELETE', "/releases/$app/$first")->{status}, 204,
   'another release goes');

my $again = file($one, 'text.txt',
                 'If-None-Match' => $is->{headers}{etag});

is($again->{status}, 304, 'the tag is that of the same bytes');
is(file($one, 'text.txt',
        'If-Modified-Since' => $is->{headers}{'last-modified'})->{status},
   304, 'as is the time');
isnt(file($one, 'index.html')->{headers}{etag}, $is->{headers}{etag},
     'other bytes have another one');

# somebody writes to a file that several releases have

my $two = publish();

is(inode($two, 'files/text.txt'), inode($one, 'files/text.txt'),
   'they share a file');
$t->write_file("store/live/$app/$two/files/text.txt",
               'x' . substr $text, 1);

my $three = publish();

is($t->read_file("store/live/$app/$three/files/text.txt"), $text,
   'a new one does not have what was written');
is($t->read_file("store/live/$app/$three/files/b/copy.txt"), $text,
   'by any name');
isnt(inode($three, 'files/text.txt'), inode($two, 'files/text.txt'),
     'it has a file of its own');
is(join("\n", grep { !/text\.txt|copy\.txt/ } $store->check()), '',
   'the store is whole, but for that');


# An app with a bundle.

sub begin {
    $app = $t->create_app('Shop');
    $t->create_channel($app, 'production');

    return publish();
}


# How many links a second bundle takes.

sub links {
    begin();
    $fault->arm('count');
    publish();

    my %counts = $fault->disarm();

    return $counts{link};
}


sub publish {
    $n++;

    my $done = $t->publish($app, 'production', {
        'index.html' => $n, 'text.txt' => $text, 'b/copy.txt' => $text,
    });

    $done->{ok} or die "not published: $done->{reply}{raw}\n";

    return $done->{bundle};
}


sub inode {
    my ($id, $name) = @_;

    return (stat "$dir/live/$app/$id/$name")[1];
}


sub file {
    my ($id, $name, %headers) = @_;

    return $t->api('GET', "/artifacts/$app/$id?href=$name", undef,
                   token => undef, headers => [%headers]);
}
