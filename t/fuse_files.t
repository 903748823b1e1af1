#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Files of a store that is not local are read in threads: clients get the same
# answers as from a local store, byte by byte, and the event loop waits for
# nothing, with TLS neither.

use warnings;
use strict;

use List::Util qw/ sum /;
use Test::More;
use Time::HiRes qw/ time /;

use Test::LiveUpdate qw/ :DEFAULT zip /;
use Test::LiveUpdate::Hang;
use Test::LiveUpdate::HTTP qw/ connect_to parse_reply /;

# no other worker answers for one that waits

$ENV{TEST_NGINX_WORKERS} = 1;

my $t = Test::LiveUpdate->new()->has(qw/ http_ssl http_v2 /);
my $dir = $t->testdir();

my $hang = Test::LiveUpdate::Hang->new($t);

$t->plan(85);

system('openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost'
       . " -keyout '$dir/key.pem' -out '$dir/cert.pem' 2>/dev/null") == 0
    or die "no certificate\n";

# the same files, on the local disk below

$t->write_file_expand('nginx.conf', <<'EOC');

%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    liveupdate_tokens  tokens;
    liveupdate_store   store;

    sendfile    on;
    tcp_nopush  on;

    server {
        listen  127.0.0.1:8080;
        listen  127.0.0.1:8081 ssl http2 sndbuf=64k;

        ssl_certificate      cert.pem;
        ssl_certificate_key  key.pem;

        location /v1/ {
            liveupdate_api;

            client_max_body_size   100m;
            client_body_temp_path  temp_body;
        }

        location /artifacts/ {
            liveupdate_artifacts;
            root  store;
        }

        location /local/ {
            alias  %%TESTDIR%%/disk/live/;
        }

        location /slow/ {
            liveupdate_artifacts;
            root  store;

            limit_rate        4m;
            sendfile          off;
            postpone_output   4000;
        }

        location /filtered/ {
            liveupdate_artifacts;
            root  store;

            ssi        on;
            ssi_types  *;
        }
    }
}

EOC

$t->run();

my $app = $t->create_app('one');

srand 1;

my %files = (
    'huge.bin' => 'h' x 30_000_000,
    'index.html' => '<html>',
    'empty.txt' => '',
    'one.txt' => 'x',
    'small.bin' => bytes(5_000),
    'piece.bin' => bytes(128 * 1024),
    'more.bin' => bytes(128 * 1024 + 1),
    'large.bin' => bytes(3_000_000),
);

my $done = $t->publish($app, undef, \%files);
my $bundle = $done->{bundle};

ok($done->{ok}, 'a release') or diag($done->{reply}{raw});

for my $name (grep { $_ ne 'huge.bin' } sort keys %files) {
    same($name);
    same($name, 'HEAD');
    same($name, 'GET', 'Range: bytes=0-0');
    same($name, 'GET', 'Range: bytes=1-');
    same($name, 'GET', 'Range: bytes=-3');
    same($name, 'GET', 'Range: bytes=4000-140000');
    same($name, 'GET', 'If-Range: "x"', 'Range: bytes=4-5');
    same($name, 'GET', 'Range: bytes=0-3,10-20,131060-131090,100-,-5');
}

# as a desktop app asks for them

my $ranges = join ',', map { ($_ * 4001) . '-' . ($_ * 4001 + $_ % 999) }
    1 .. 700;

same('large.bin', 'GET', "Range: bytes=$ranges");
same('large.bin', 'GET', 'Range: bytes=' . join ',', ('0-') x 3);

# conditions

my ($etag) = get('artifacts', 'small.bin')->{raw} =~ /^ETag: (.*?)\r$/m;

like($etag, qr/^"\w+-1388"$/, 'an ETag as nginx makes it');
is(get('artifacts', 'small.bin', 'GET', "If-None-Match: $etag")->{status}, 304,
   'not modified');
is(get('artifacts', 'small.bin', 'GET', 'If-Match: "x"')->{status}, 412,
   'a condition');

# another way out

for my $location (qw/ slow filtered /) {
    for my $name (qw/ empty.txt small.bin large.bin /) {
        is(length get($location, $name)->{body}, length $files{$name},
           "$location: $name");
    }
}

ok(get('slow', 'large.bin')->{body} eq $files{'large.bin'}, 'slowly');
ok(curl("--http2 https://127.0.0.1:%p/artifacts/$app/$bundle/large.bin")
   eq $files{'large.bin'}, 'HTTP/2');
ok(curl("--http1.1 https://127.0.0.1:%p/artifacts/$app/$bundle/large.bin")
   eq $files{'large.bin'}, 'TLS');

my @two = map { "https://127.0.0.1:%p/artifacts/$app/$bundle/$_" }
    qw/ large.bin more.bin piece.bin large.bin /;

ok(curl("--http2 @two") eq join('', map { $files{$_} }
    qw/ large.bin more.bin piece.bin large.bin /), 'one after the other');

# requests in one go

my $s = connect_to('127.0.0.1:' . port(8080));

print {$s} map { "GET /artifacts/$app/$bundle/$_ HTTP/1.1\r\nHost: x\r\n"
                 . "Connection: " . ($_ eq 'one.txt' ? 'close' : 'keep-alive')
                 . "\r\n\r\n" } qw/ more.bin small.bin one.txt /;

my $all = do { local $/; <$s> };

ok(index($all, $files{'more.bin'}) > 0
   && index($all, $files{'small.bin'}) > length $files{'more.bin'},
   'a pipeline');

# a client that goes away leaves nothing behind

for (1 .. 20) {
    my $s = connect_to('127.0.0.1:' . port(8080));

    print {$s} "GET /artifacts/$app/$bundle/large.bin HTTP/1.1\r\n"
               . "Host: x\r\n\r\n";
    sysread($s, my $some, 100_000);
    close $s;
}

ok((wait_until { open_files() == 0 } 10), 'no file stays open');

# clients that read slowly take the memory of one piece each

my $before = anonymous();
my @slow = map { beginning('huge.bin') } 1 .. 100;

ok((wait_until { open_files() == 100 } 10), 'a hundred downloads');

my $each = (anonymous() - $before) / 100;

SKIP: {
    skip 'a sanitizer keeps what was freed', 1 if $ENV{TEST_NGINX_ASAN};

    cmp_ok($each, '<', 200, sprintf 'each takes %d KB', $each);
}

close $_ for @slow;
wait_until { open_files() == 0 } 10;

# while the rest of a file does not come, devices are answered

for my $version (qw/ http1.1 http2 /) {
    my $curl = $t->run_daemon('curl', '-s', '-k', '--noproxy', '*',
        "--$version", '--limit-rate', '12m', '-o', "$dir/part",
        'https://127.0.0.1:' . port(8081)
        . "/artifacts/$app/$bundle/huge.bin");

    ok((wait_until { -s "$dir/part" } 10), "$version: it begins");

    $hang->hang('path', 'huge.bin');

    my $from = time();
    my $slow = 0;

    while (time() - $from < 2) {
        my $begun = time();

        eval { $t->api('GET', "/v1/apps/$app/bundles/latest?platform=0", undef,
                       token => undef, timeout => 2) };

        $slow++ if time() - $begun > 1;
    }

    is($slow, 0, "$version: devices are answered");

    $hang->answer();
    kill 'TERM', $curl;
    unlink "$dir/part";
}

# what is not there

is(get('artifacts', 'none.bin')->{status}, 404, 'not in the table');
unlink "$dir/disk/live/$app/$bundle/files/small.bin" or die "unlink: $!\n";
is(get('artifacts', 'small.bin')->{status}, 404, 'not on the disk');
mkdir "$dir/disk/live/$app/$bundle/files/small.bin" or die "mkdir: $!\n";
is(get('artifacts', 'small.bin')->{status}, 404, 'a folder');

# "nginx -s" asks no disk, wherever bodies lie

$t->write_file('bodies.conf', $t->read_file('nginx.conf')
                              =~ s{temp_body;}{store/tmp/body;}r);
$hang->hang();

my $from = time();

is($t->system_nginx('-e', "$dir/reopen.log", '-c', "$dir/bodies.conf",
                    '-s', 'reopen'), 0,
   'a signal, while the disk hangs');
cmp_ok(time() - $from, '<', 4, 'at once');

$hang->answer();


# The same status, length, type of body and bytes, but for what only one has.

sub same {
    my ($name, @request) = @_;

    my ($ours, $theirs) = map { get($_, $name, @request) }
        qw/ artifacts local /;

    my @both = map {
        my $reply = $_;
        my $body = $reply->{body};
        my $type = $reply->{headers}{'content-type'} // '';

        if ($type =~ /boundary=(\S+)/) {
            $body =~ s/\Q$1\E/boundary/g;
            $body =~ s/^Content-Type: .*\r$/type/mg;
            $reply->{headers}{'content-length'} = 'with the type';
        }

        join "\n", $reply->{status},
            (map { "$_: " . ($reply->{headers}{$_} // '') }
                qw/ content-length content-range last-modified etag
                    accept-ranges /), length $body, $body;
    } $ours, $theirs;

    my $title = "$name @request" =~ s/^(.{60}).+/$1.../r;

    ok($both[0] eq $both[1], $title)
        or diag(join "\n---\n", 'at ' . differs(@both),
                map { substr($_, 0, 200) =~ tr/ -~\n/?/cr } @both);
}


sub differs {
    my ($one, $two) = @_;

    my ($same) = ($one ^ $two) =~ /^(\0*)/;

    return length $same;
}


sub get {
    my ($location, $name, $method, @headers) = @_;

    $method //= 'GET';

    my $path = "$app/$bundle" . ($location eq 'local' ? '/files' : '');

    return parse_reply(http("$method /$location/$path/$name HTTP/1.1\r\n"
                            . "Host: localhost\r\n"
                            . join('', map { "$_\r\n" } @headers)
                            . "Connection: close\r\n\r\n"));
}


sub curl {
    my ($args) = @_;

    my $port = port(8081);

    $args =~ s/%p/$port/g;

    return scalar `curl -s -k --noproxy '*' $args`;
}


sub beginning {
    my ($name) = @_;

    my $s = connect_to('127.0.0.1:' . port(8080));

    print {$s} "GET /artifacts/$app/$bundle/$name HTTP/1.1\r\n"
               . "Host: x\r\n\r\n";
    sysread($s, my $some, 1000);

    return $s;
}


# The memory of the workers, in KB.

sub anonymous {
    return sum(map { $t->read_file("/proc/$_/status") =~ /^RssAnon:\s+(\d+)/m }
               $t->workers());
}


sub open_files {
    my @open = grep { m{/live/.*/files/} } grep { defined }
        map { readlink } map { glob "/proc/$_/fd/*" } $t->workers();

    return scalar @open;
}


sub bytes {
    my ($n) = @_;

    return pack 'C*', map { rand 256 } 1 .. $n;
}
