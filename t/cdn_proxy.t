#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# nginx as a cache in front, with conf/cache.conf: what it keeps and what it
# does not, and that updates by the real electron-updater stay differential.

use warnings;
use strict;

use File::Path qw/ remove_tree /;
use List::Util qw/ sum0 /;
use Test::More;
use Time::HiRes qw/ time /;

use Test::LiveUpdate qw/ json_decode port uri_encode wait_until /;
use Test::LiveUpdate::Cache qw/ cache_conf /;
use Test::LiveUpdate::HTTP qw/ connect_to /;
use Test::LiveUpdate::Updater;

my $t = Test::LiveUpdate->new()->has(qw/ http_slice http_ssl http_v2 /);
my $updater = Test::LiveUpdate::Updater->new($t);

$t->has_daemon($_) for qw/ openssl curl /;

$ENV{APPROVAL} = 'on';

$t->config_reference(sub {
    my ($name) = @_;

    return if $name ne 'nginx.conf';

    s{^    access_log .*}{    log_format  cdn  escape=json
        '{"port":\$server_port,"path":"\$request_uri","status":\$status,'
        '"cache":"\$upstream_cache_status","bytes":\$body_bytes_sent,'
        '"range":"\$http_range"}';

    access_log  logs/cdn.log  cdn;}m;

    s{^    server \{\n}{    include  cache.conf;
    include  plain.conf;\n\n$&}m;
});

$t->write_file('cache.conf', cache_conf($t));

# Caches as one would write them first: whole files at 8082, slices at 8083.

$t->write_file('plain.conf', <<"EOF");
proxy_cache_path  plain  keys_zone=plain:1m;

server {
    listen  127.0.0.1:${\ port(8082)};

    large_client_header_buffers  4  32k;

    location / {
        proxy_pass   http://127.0.0.1:${\ port(8080)};
        proxy_cache  plain;
    }
}

server {
    listen  127.0.0.1:${\ port(8083)};

    large_client_header_buffers  4  32k;

    location / {
        slice  1m;

        proxy_pass        http://127.0.0.1:${\ port(8080)};
        proxy_cache       plain;
        proxy_cache_key   "\$request_uri \$slice_range";
        proxy_set_header  Range  \$slice_range;
    }
}
EOF

$t->run()->plan(105);

my $seen = 0;


# what is kept

my $app = $t->create_app('Shop');
my $channel = $t->create_channel($app, 'production');
my $text = join '', map { "line $_\n" } 1 .. 5000;

my $done = $t->publish($app, 'production',
                       { 'index.html' => $text, 'a/b c.js' => 'one',
                         'a/d.js' => 'two' });
ok($done->{ok}, 'a bundle');
is($t->api('POST', "/releases/$app/$done->{bundle}/promote", {},
           token => 'approve')->{status}, 200, 'it is promoted');

my $bundle = "/artifacts/$app/$done->{bundle}";

for my $case (
    [ 'a file', "$bundle?href=a/d.js", 'two' ],
    [ 'another file of the same path', "$bundle?href=a/b%20c.js", 'one' ],
    [ 'a compressed file', "$bundle?href=index.html", undef,
      'Accept-Encoding' => 'gzip' ],
    [ 'the same file as it is', "$bundle?href=index.html", $text ],
) {
    my ($name, $path, $body, @headers) = @$case;

    my $first = ask(8081, $path, @headers);
    my $again = ask(8081, $path, @headers);
    my $origin = ask(8080, $path, @headers);

    is($first->{cache}, 'MISS', "$name: is asked for");
    is($again->{cache}, 'HIT', "$name: is kept");
    is($again->{body}, $body, "$name: its bytes") if defined $body;
    ok($again->{body} eq $origin->{body}, "$name: those of the origin");
    is(headers($again), headers($origin), "$name: the headers, too");
}

is(ask(8081, "$bundle?href=index.html", 'Accept-Encoding' => 'gzip')
   ->{headers}{'content-encoding'}, 'gzip', 'one variant beside the other');

is(ask(8081, "$bundle?href=none")->{status}, 404, 'a file that is not there');
is(ask(8081, "$bundle?href=none")->{cache}, 'MISS', 'is asked for again');

my $check = "/v1/apps/$app/bundles/latest?appVersionCode=1&appVersionName=1"
            . '&osVersion=1&platform=0&pluginVersion=8.0.0'
            . '&channelName=production';

for my $path ($check, "/v1/apps/$app/channels?query=a", "/releases/$app",
              '/status?format=json', '/console/status')
{
    my ($first, $again) = map { ask(8081, $path) } 1 .. 2;

    is("$first->{cache}$again->{cache}", '', "$path: passes");
    like($again->{headers}{'cache-control'}, qr/^no-store$/,
         "$path: is not to be kept by any other cache");
}

is(ask(8081, $check)->{status}, 200, 'a check');


# desktop apps

my @builds = (
    { version => '1.0.0', id => '260101aaaaaaaa1', n => 1 },
    { version => '1.1.0', id => '260201bbbbbbbb2', n => 2 },
);

$updater->make('big', { size => 32_000_000, edits => 700,
                        targets => [ 'nsis' ] }, @builds);
$updater->make('small', { size => 4_000_000, edits => 20,
                          targets => [ 'nsis' ] }, @builds);

for my $build (@builds) {
    $updater->promote($_, $build) for qw/ big small /;
}

my $name = uri_encode($updater->name('nsis', $builds[1]));
my $installer = "/desktop/big/$name";
my $content = $updater->content('big', 'nsis', $builds[1]);

cmp_ok($updater->changed_bytes('big', @builds), '<', 0.6 * length $content,
       'much of the file has not changed');

for my $path ('/desktop/big/latest.yml', '/desktop/big/my-ip',
              '/download/big/windows', '/desktop/big/none.exe')
{
    ask(8081, $path);

    unlike(ask(8081, $path)->{cache}, qr/HIT/, "$path: is not kept");
}

# Who asks at the same time does not wait for the others, as for a file that is
# fetched only once: that would be for 5 seconds.

cmp_ok(crowd('/desktop/big/latest.yml'), '<', 4, 'many ask for a manifest');
cmp_ok(crowd('/desktop/big/none.blockmap'), '<', 4, 'for what is not there');


# caches that were not told: the whole file, unless they have it

is_whole(8082, 'a plain cache, cold');
is(ask(8082, $installer)->{status}, 200, 'it has the file now');
is_differential(8082, 'a plain cache, warm');

is_whole(8083, 'plain slices, cold');
is_whole(8083, 'plain slices, warm');


# those that were, and single ranges anywhere

is_differential(8081, 'cold');
unlike(cached(8081), qr/HIT/, 'cold: what has changed passes');

my $whole = ask(8081, $installer);

ok($whole->{body} eq $content, 'the installer, in slices');
$whole = ask(8081, $installer);
ok($whole->{body} eq $content, 'and once more');
is($whole->{cache}, 'HIT', 'it is kept');
is(headers($whole), headers(ask(8080, $installer)), 'its headers');

is_differential(8081, 'warm');

my $part = ask(8081, $installer, Range => 'bytes=1048570-1048580');

is($part->{status}, 206, 'a range across two slices');
is($part->{body}, substr($content, 1048570, 11), 'its bytes');
is($part->{cache}, 'HIT', 'it was kept');
is(ask(8081, $installer, Range => 'bytes=0-1, 5-6',
       'If-Range' => $whole->{headers}{etag})->{status}, 206,
   'ranges if the file is the same');
is(ask(8081, $installer, Range => 'bytes=0-1, 5-6',
       'If-Range' => '"another"')->{status}, 200,
   'the whole if it is not');
is(ask(8081, $installer, 'If-None-Match' => $whole->{headers}{etag})
   ->{status}, 304, 'the same as before');

remove_tree($t->testdir() . '/cache');
$t->reload();

is_differential(8081, 'one by one, cold', app => 'small', oneByOne => 1);
cmp_ok(origin_bytes(), '<',
       1.2 * length $updater->content('small', 'nsis', $builds[1]),
       'one by one, cold: slices are asked for once');

is_differential(8081, 'one by one, warm', app => 'small', oneByOne => 1);
is(cached(8081, qr/Setup.*exe$/), 'HIT', 'one by one, warm: all were kept');


# the same without slices

remove_tree($t->testdir() . '/cache');
$t->write_file('cache.conf', cache_conf($t, whole => 1));
$t->reload();

is_differential(8081, 'whole files, cold');
ok(ask(8081, $installer)->{body} eq $content, 'the installer as a whole');
is(ask(8081, $installer)->{cache}, 'HIT', 'is kept');
is_differential(8081, 'whole files, warm');


# With TLS on both sides; the origin's certificate comes from a public CA, with
# two others in between.

make_chain();

$t->write_file('cache.conf', cache_conf($t, tls => 1, origins => [ 8084 ])
    . "server {\n    listen  127.0.0.1:${\ port(8084)} ssl;\n"
    . "    server_name  updates.example.com;\n"
    . "    ssl_certificate  fullchain.pem;\n"
    . "    ssl_certificate_key  privkey.pem;\n"
    . "    include  liveupdate.conf;\n}\n");
remove_tree($t->testdir() . '/cache');
$t->reload();

is(curl("$bundle?href=a/d.js"), "two 200 2\n", 'TLS: a file, over HTTP/2');
is(curl($check =~ s/1&os/2&os/r) =~ s/.* (\d+ \d)\n/$1/rs, '200 2',
   'TLS: a check');

###############################################################################

# The reply, and what the cache said to it: "MISS", "HIT", or nothing.

sub ask {
    my ($port, $path, @headers) = @_;

    my $from = log_size();
    my $reply = $t->api('GET', $path, undef, token => undef, port => $port,
                        headers => [ 'User-Agent' => 'Windows NT', @headers ]);

    my $line;

    wait_until {
        ($line) = grep {
            $_->{port} == port($port) && $_->{path} eq $path
        } entries($from);
    } 10, "$path in the log";

    $reply->{cache} = $line->{cache} eq '-' ? '' : $line->{cache};

    return $reply;
}

sub headers {
    my ($reply) = @_;

    return join "\n", map { "$_: " . ($reply->{headers}{$_} // '') } qw/
        accept-ranges cache-control content-disposition content-encoding
        content-length content-type etag last-modified vary x-checksum
    /;
}

sub log_size {
    return -s $t->testdir() . '/logs/cdn.log' || 0;
}

sub entries {
    my ($from) = @_;

    return map { json_decode($_) }
        substr($t->read_file('logs/cdn.log'), $from) =~ /^.*\n/gm;
}

# How long it takes until the last of them has its answer.

sub crowd {
    my ($path) = @_;

    my $request = "GET $path HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    my $started = time();
    my @s = map { connect_to('127.0.0.1:' . port(8081)) } 1 .. 30;

    print {$_} $request for @s;

    for my $s (@s) {
        local $/;
        die "no answer\n" unless <$s> =~ m{^HTTP/1.1 (?:200|404) };
    }

    return time() - $started;
}

# A CA, two more below it, and what is in front and the origin have.

sub make_chain {
    my $dir = $t->testdir();
    my $key = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2';
    my $name = 'updates.example.com';

    my @made = ("req -x509 $key -subj /CN=ca0 -keyout ca0.key -out ca0.pem");

    for my $case ([ 'ca0', 'ca1', 'basicConstraints=critical,CA:TRUE' ],
                  [ 'ca1', 'ca2', 'basicConstraints=critical,CA:TRUE' ],
                  [ 'ca2', 'privkey', "subjectAltName=DNS:$name" ])
    {
        my ($ca, $file, $extension) = @$case;
        my $subject = $file eq 'privkey' ? $name : $file;

        $t->write_file("$file.ext", "$extension\n");

        push @made, "req $key -subj /CN=$subject -keyout $file.key"
                    . " -out $file.req",
                    "x509 -req -in $file.req -CA $ca.pem -CAkey $ca.key"
                    . " -CAcreateserial -days 2 -extfile $file.ext"
                    . " -out $file.pem";
    }

    for my $command (@made) {
        system("cd '$dir' && openssl $command >>openssl.log 2>&1") == 0
            or die "openssl $command:\n", $t->read_file('openssl.log');
    }

    $t->write_file('fullchain.pem', join '', map { $t->read_file("$_.pem") }
                                    qw/ privkey ca2 ca1 /);
    $t->write_file('privkey.pem', $t->read_file('privkey.key'));
    $t->write_file('ca-certificates.crt', $t->read_file('ca0.pem'));
}

# The body, the status, and the version of HTTP.

sub curl {
    my ($path) = @_;

    my $address = 'updates.example.com:' . port(8081);

    return `curl -s --noproxy '*' --cacert '${\ $t->testdir()}/ca0.pem' \\
            --resolve '$address:127.0.0.1' \\
            -w ' %{http_code} %{http_version}\\n' 'https://$address$path'`;
}

# What the last update asked of this cache, by its answers: "HIT MISS".

sub cached {
    my ($port, $re) = @_;

    my %said;

    $said{$_->{cache}} = 1 for grep {
        $_->{port} == port($port) && $_->{path} =~ ($re // qr/./)
    } entries($seen);

    return join ' ', sort grep { /\w/ } keys %said;
}

sub origin_bytes {
    return sum0(map { $_->{bytes} }
                grep { $_->{port} == port(8080) } entries($seen));
}

# Updates through the cache at this port, of the app "big" if not told
# otherwise.

sub is_differential {
    my ($port, $name, %opt) = @_;

    my $app = delete $opt{app} // 'big';

    $seen = log_size();
    $updater->is_differential($name, $app, \@builds, port => $port, %opt);
}

sub is_whole {
    my ($port, $name) = @_;

    $updater->is_whole($name, 'big', \@builds, port => $port);
}

###############################################################################
