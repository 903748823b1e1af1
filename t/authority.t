#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Addresses in answers have the host and the port that the client has asked,
# over each version of HTTP: in HTTP/2 and 3 they come in ":authority".

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_decode port zip /;
use Test::LiveUpdate::Browser;

my $t = Test::LiveUpdate->new()->has('http_ssl')->has('http_v2')
    ->has_daemon('curl')->has_daemon('openssl');

my $dir = $t->testdir();
my $http3 = $t->has_feature('http_v3');
my $newer = $t->has_version('1.25.1');

$t->write_file_expand('nginx.conf', <<'EOF'
%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    liveupdate_store   store;
    liveupdate_tokens  tokens;

    ssl_certificate      localhost.crt;
    ssl_certificate_key  localhost.key;

    server {
        listen  127.0.0.1:8080;
        listen  127.0.0.1:8081 ssl%%HTTP2%%;
        %%HTTP3%%

        location /v1/ {
            liveupdate_api;
        }
    }
}

EOF
    =~ s/%%HTTP2%%(;)/$newer ? ";\n        http2 on;" : ' http2;'/er
    =~ s/%%HTTP3%%/$http3 ? 'listen 127.0.0.1:8081 quic reuseport;' : ''/er);

system("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
       . " -subj /CN=localhost -addext subjectAltName=DNS:localhost -days 2"
       . " -keyout '$dir/localhost.key' -out '$dir/localhost.crt'"
       . " 2>'$dir/openssl.log'") == 0 or die "no certificate\n";

my $port = port(8081);
my $pin = `openssl x509 -in '$dir/localhost.crt' -pubkey -noout \\
    | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary \\
    | openssl base64`;

chomp $pin;

# a browser asks over TCP first unless it is told

my $b = $http3 && Test::LiveUpdate::Browser->new($t, '--enable-quic',
    "--origin-to-force-quic-on=localhost:$port",
    "--ignore-certificate-errors-spki-list=$pin",
    '--host-resolver-rules=MAP localhost 127.0.0.1');

$t->plan(5);
$t->run();

my $app = $t->create_app('Shop');

$t->publish($app, 'default', zip('index.html' => 'one'));

my $check = "https://localhost:$port/v1/apps/$app/bundles/latest"
    . '?appVersionCode=1&appVersionName=1.0.0'
    . '&deviceId=50d2ac2a-b4ca-4a5f-a2b1-5f8f6ad0a96c&osVersion=14'
    . '&platform=0&pluginVersion=8.0.0';

like($t->latest($app)->{json}{url}, qr{^http://127\.0\.0\.1:@{[port(8080)]}/},
     'HTTP/1.1');

for my $version (qw/ http1.1 http2 /) {
    like(curl("--$version"), qr{^https://localhost:$port/artifacts/},
         "$version, with TLS");
}

like(curl('--http2', '-H', 'Host: updates.example.com:8443'),
     qr{^https://updates\.example\.com:8443/artifacts/}, 'another authority');

SKIP: {
    skip 'this nginx has no HTTP/3', 1 if !$http3;

    $b->start();
    $b->open($check);

    my ($version, $url) = @{$b->run(<<"EOC")};
fetch('$check').then((reply) => reply.json()).then(({ url }) => [
    performance.getEntriesByType('navigation')[0].nextHopProtocol, url ])
EOC

    like("$version $url", qr{^h3 https://localhost:$port/artifacts/},
         'HTTP/3');

    $b->end();
    $b->quit();
}

###############################################################################

sub curl {
    my (@options) = @_;

    open my $fh, '-|', 'curl', '-sS', '--cacert', "$dir/localhost.crt",
        '--resolve', "localhost:$port:127.0.0.1", @options, $check
        or die "no curl: $!\n";

    local $/;

    return json_decode(readline $fh)->{url};
}
