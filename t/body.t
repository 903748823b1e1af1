#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Large bodies are taken by threads while they are received: whole, in any
# pieces, over HTTP/1.1 and HTTP/2, by a disk that fails or hangs, and from
# clients that are slow, send too much, or go away.  nginx itself writes none
# of it: it has no folder to do so.

use warnings;
use strict;

use Digest::SHA qw/ sha256_hex /;
use Errno qw/ ENOSPC /;
use IO::Handle;
use IO::Select;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT port wait_until /;
use Test::LiveUpdate::Fault;
use Test::LiveUpdate::HTTP qw/ connect_to exchange is_complete multipart
                               parse_reply /;
use Test::LiveUpdate::S3;
use Test::LiveUpdate::Store;

use constant { PIECE => 256 * 1024, PART => 700_000, SIZE => 1_000_000,
               LONG => 40_000_000, TIOCOUTQ => 0x5411, NICE => 19,
               ADDRESS => '127.0.0.1:' . port(8080) };

my $t = Test::LiveUpdate->new()->plan(40);
my $fault = Test::LiveUpdate::Fault->new($t);

my $more = <<'EOC';
        location /small/ {
            liveupdate_publish_s3  keys;
            client_max_body_size   600k;
        }

        location /sized/ {
            liveupdate_publish_s3  keys  size=600k;
            client_max_body_size   5m;
        }

        location /slow/ {
            liveupdate_publish_s3  keys;
            client_max_body_size   5m;
            client_body_timeout    300ms;
        }

EOC

$t->config_reference(sub {
    my ($name) = @_;

    return if $name ne 'nginx.conf';

    my $second = port(8081);

    s{^events}{worker_shutdown_timeout  1s;\n\nevents}m;
    s{^( +listen +)\S+;.*\n}{$&${1}127.0.0.1:$second  http2;\n}m;
    s{^ +location / }{$more$&}m;

    # smaller than the pieces
    s{client_body_buffer_size  512k;}{client_body_buffer_size  64k;};
});

$t->run();

my $dir = $t->testdir();
my $store = Test::LiveUpdate::Store->new("$dir/store");
my $s3 = Test::LiveUpdate::S3->of($dir, ADDRESS);
my $all = pack 'N*', 1 .. SIZE / 4;
my $normal = threads(0);

for my $body (glob "$dir/temp/body $dir/store/tmp/*/body") {
    rmdir $body;
    $t->write_file($body =~ s{^\Q$dir\E/}{}r, '');
}

for my $app (qw/ shop small sized slow /) {
    $t->api('POST', '/v1/apps',
            { id => $app, name => $app, type => 'electron' });
}


# whole, and in any pieces

my @wrong;

for my $size (65_536, 65_537, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE - 1,
              2 * PIECE, 2 * PIECE + 1, 3 * PIECE, SIZE)
{
    for my $chunk (0, 1 + int rand 70_000) {
        my $bytes = substr $all, 0, $size;
        my $sent = $chunk ? chunked($bytes, $chunk) : $bytes;

        my $reply = ask(head('/shop/1.0.0/a.bin', $chunk ? 'chunked' : $size)
                        . $sent);

        push @wrong, "$size in chunks of $chunk: $reply->{status}"
            if $reply->{status} != 200 || stored('a.bin') ne $bytes;
    }
}

is("@wrong", '', 'bodies of all sizes are stored as they were sent');

my $tiny = substr $all, 0, 2_000;
is(ask(head('/shop/1.0.0/b.bin', 'chunked') . chunked($tiny, 1))->{status},
   200, 'a byte in each chunk');
is(stored('b.bin'), $tiny, 'and none is lost');

my $s = connect_to(ADDRESS);
$s->print(head('/shop/1.0.0/c.bin', SIZE));

for (my $i = 0; $i < SIZE - 50_000; $i += 50_000) {
    $s->syswrite(substr $all, $i, 50_000);
    wait_until { queued($s) == 0 } 10;
}

is(ask(substr($all, -50_000), $s)->{status}, 200, 'a client that is slow');
is(stored('c.bin'), $all, 'and sends all');

$s = connect_to(ADDRESS);
$s->print(head('/shop/1.0.0/d.bin', SIZE, Expect => '100-continue'));

my $said;
sysread $s, $said, 1000;
like($said, qr{^HTTP/1\.1 100 },
     'a client that asks first is told to go on');
is(ask($all, $s)->{status}, 200, 'and does so');

$s = connect_to(ADDRESS);
my $three = exchange($s, head('/shop/1.0.0/e.bin', SIZE) . $all
    . head('/shop/1.0.0/f.bin', 'chunked') . chunked($all, 9_999)
    . head('/shop/1.0.0/g.bin', SIZE) . $all,
    sub { 3 == (() = $_[0] =~ m{^HTTP/1\.1 200 .*?\r\n\r\n}msg) });

is(scalar(() = $three =~ m{HTTP/1\.1 200 }g), 3, 'three in one connection');
is(join(' ', map { sha256_hex(stored("$_.bin")) } qw/ e f g /),
   join(' ', (sha256_hex($all)) x 3), 'are kept apart');


# HTTP/2

$t->write_file('body', $all);

is(over_http2('h.bin', '-T', "$dir/body"), '2 200', 'HTTP/2');
is(stored('h.bin'), $all, 'stores what was sent');
is(over_http2('i.bin', '-T', '-'), '2 200', 'also without a length');
is(stored('i.bin'), $all, 'and all of it');

my $pid = fork() // die "no process: $!\n";

if (!$pid) {
    open STDOUT, '>', "$dir/curl.log";
    exec curl('j.bin', '--limit-rate', '2M', '-T', "$dir/body");
}

ok((wait_until { temporary() } 10), 'a stream');
kill 'KILL', $pid;
waitpid $pid, 0;
ok(nothing_left(), 'that ends early leaves nothing');


# forms

my $mobile = $t->create_app('Mobile');
my $bundle = $t->api('POST', "/v1/apps/$mobile/bundles",
                     { artifactType => 'zip' })->{json}{id};

is($t->upload($mobile, $bundle, $all, parts => 0)->{status}, 201,
   'a form with a large file');

my ($form, $type) = multipart(file => { bytes => $all, filename => 'a.zip' });
my $files = "/v1/apps/$mobile/bundles/$bundle/files";

my $cut = $t->api('POST', $files, substr($form, 0, -9), type => $type);
is($cut->{status}, 400, 'one that does not end');
is($t->api('POST', $files, $form, type => 'text/plain')->{status}, 400,
   'one that is none');
is($t->api('PUT', "$files/x/upload?action=none", $form, type => $type)
       ->{status}, 422, 'one that nobody asked for');
ok(nothing_left(), 'leave nothing');


# too much

my $reply = ask(head('/small/1.0.0/a.bin', 'chunked') . chunked($all, PIECE));
is($reply->{status}, 413, 'more than client_max_body_size, in chunks');
like($reply->{body}, qr/<Code>EntityTooLarge/, 'is told as S3 does it');

$s = connect_to(ADDRESS);
$reply = ask(head('/sized/1.0.0/a.bin', 'chunked') . chunked($all, PIECE), $s);
is($reply->{status}, 413, 'more than "size", in chunks');
like($reply->{body}, qr/&quot;size&quot; of/, 'is told so, too');
is(ask(head('/sized/1.0.0/b.bin', 5) . 'bytes', $s)->{status}, 200,
   'and the connection goes on');
ok(nothing_left(), 'neither leaves anything');


# clients that do not end

$s = middle('/slow/1.0.0/a.bin');
is(exchange($s, ''), '', 'a client that stops is cut off');
ok(nothing_left(), 'and leaves nothing');

$s = middle('/shop/1.0.0/k.bin');
close $s;
ok(nothing_left(), 'nor does one that goes away');


# a disk that fails

$fault->arm('error', 'write', 2, ENOSPC);
$s = connect_to(ADDRESS);
is(ask(head('/shop/1.0.0/l.bin', SIZE) . $all, $s)->{status}, 507,
   'a disk that is full');
$fault->disarm();
ok(nothing_left(), 'keeps nothing');
is(ask(head('/shop/1.0.0/l.bin', SIZE) . $all, $s)->{status}, 200,
   'and the same client sends it again');

$s = middle('/shop/1.0.0/m.bin');
unlink map { "$dir/store/$_" } $store->temporary();
is(ask(substr($all, PART), $s)->{status}, 503,
   'a file that has gone meanwhile');


# a disk that takes its time

$fault->arm('wait', 'write', 2);
$s = connect_to(ADDRESS);
$s->print(head('/shop/1.0.0/n.bin', LONG) . substr $all, 0, PART);
wait_until { defined $fault->fired() } 10;

is($t->api('GET', '/v1/apps')->{status}, 200, 'others need not wait for it');
cmp_ok(threads(NICE), '>', 0, 'a thread of the lowest priority has it');

my ($sent, $select) = (PART, IO::Select->new($s));

$s->blocking(0);
$sent += $s->syswrite($all) // 0
    while $sent < LONG - SIZE && $select->can_write(0.3);

cmp_ok($sent, '<', LONG - SIZE, 'the client does');
close $s;

$fault->disarm();
ok(nothing_left(), 'when it has gone, the thread cleans up');
is(threads(0), $normal, 'all threads of the pools keep their priority');


# the end of a worker

$s = middle('/shop/1.0.0/o.bin');
$t->kill_worker($_) for $t->workers();
ok(nothing_left(), 'a worker that is killed leaves nothing for long');
close $s;

$s = middle('/shop/1.0.0/p.bin');
$t->stop();
is(join(' ', $store->temporary()), '', 'nor does one that has to stop');


# The head of a request, with a length, or "chunked".

sub head {
    my ($path, $length, %more) = @_;

    my $sent = $s3->signed('PUT', $path, payload => 'UNSIGNED-PAYLOAD');
    my %headers = (%{$sent->{headers}}, %more);

    $headers{$length eq 'chunked' ? 'Transfer-Encoding' : 'Content-Length'}
        = $length;

    return join "\r\n", "PUT $path HTTP/1.1",
        (map { "$_: $headers{$_}" } sort keys %headers), '', '';
}


sub chunked {
    my ($bytes, $size) = @_;

    return join('', map { sprintf("%x\r\n%s\r\n", length $_, $_) }
                    unpack "(a$size)*", $bytes) . "0\r\n\r\n";
}


# Sends the request, perhaps on a connection that there is, and reads the reply.

sub ask {
    my ($text, $s) = @_;

    $s ||= connect_to(ADDRESS);

    return parse_reply(exchange($s, $text,
                                sub { is_complete('PUT', $_[0]) }));
}


# How many threads are that nice.

sub threads {
    my ($nice) = @_;

    return scalar grep { (split ' ', s/^.*\) //sr)[16] == $nice }
                  map { $t->read_file($_) }
                  map { glob "/proc/$_/task/*/stat" } $t->workers();
}


# A client that has sent a part of a body, of which a part is on the disk.

sub middle {
    my ($path) = @_;

    my $s = connect_to(ADDRESS);

    $s->print(head($path, SIZE) . substr $all, 0, PART);
    wait_until { temporary() } 10;

    return $s;
}


sub nothing_left {
    my $ok = wait_until { !temporary() && !open_files() } 10;
    diag(join "\n", $store->temporary(), "open:", open_files()) if !$ok;
    return $ok;
}


sub temporary {
    my @found = $store->temporary();

    return scalar @found;
}


# Temporary files that workers have open, even if they have no name any more.

sub open_files {
    return grep { m{/store/tmp/.*\d\.\w{6}} }
        map { readlink($_) // () } map { glob "/proc/$_/fd/*" } $t->workers();
}


# The file of a release that waits for others.

sub stored {
    my ($name) = @_;

    return $t->read_file("store/staging/shop/1.0.0/uploads/$name");
}


# The program curl, with HTTP/2; its process, or what it says.

sub curl {
    my ($name, @args) = @_;

    my $sent = $s3->signed('PUT', "/shop/1.0.0/$name",
                           payload => 'UNSIGNED-PAYLOAD');

    return ('curl', '-sS', '--http2-prior-knowledge', '-o', "$dir/said",
            '-w', '%{http_version} %{http_code}',
            (map { ('-H', "$_: $sent->{headers}{$_}") }
             grep { $_ ne 'host' } sort keys %{$sent->{headers}}),
            '-H', "Host: $s3->{address}", @args,
            'http://127.0.0.1:' . port(8081) . "/shop/1.0.0/$name");
}


sub over_http2 {
    open my $fh, '-|', 'sh', '-c', 'exec "$@" < "$0"', "$dir/body", curl(@_)
        or die "no curl: $!\n";

    return do { local $/; <$fh> };
}


# Bytes that the server's system does not have yet.

sub queued {
    my ($s) = @_;

    my $n = pack 'i', 0;
    ioctl $s, TIOCOUTQ, $n or die "ioctl: $!\n";

    return unpack 'i', $n;
}
