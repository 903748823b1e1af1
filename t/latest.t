#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# GET /v1/apps/{app}/bundles/latest: what a device asks and what it is told.

use warnings;
use strict;
use utf8;

use Digest::SHA qw/ sha256_hex /;
use Test::More;
use Time::HiRes qw/ time /;

use Test::LiveUpdate qw/
    :DEFAULT json_decode json_encode uri_encode zip
/;

my $t = Test::LiveUpdate->new()->plan(140);

$t->write_file_expand('nginx.conf', <<'EOC');

%%TEST_GLOBALS%%

events {
    worker_connections  1024;
}

http {
    %%TEST_GLOBALS_HTTP%%

    liveupdate_zone  liveupdate:1m;

    log_format  check  '$status app=$liveupdate_app '
                       'channel=$liveupdate_channel '
                       'release=$liveupdate_release '
                       'result=$liveupdate_result '
                       'checksum=$liveupdate_checksum '
                       'device=$arg_deviceId';

    access_log  %%TESTDIR%%/check.log  check;

    liveupdate_store   store;
    liveupdate_tokens  tokens;

    server {
        listen       127.0.0.1:8080 reuseport;
        listen       127.0.0.1:8081 http2;
        server_name  localhost;

        add_header  X-Worker  $pid  always;

        location /v1/ {
            liveupdate_api;
        }
    }

    server {
        listen       127.0.0.1:8082;
        server_name  localhost;

        location /v1/ {
            liveupdate_api;
            liveupdate_base_url  https://$arg_tenant.example.com/cdn/;
        }
    }

    server {
        listen       127.0.0.1:8083;
        server_name  localhost;

        location /v1/ {
            liveupdate_api;
            liveupdate_base_url  "";
        }
    }
}

EOC

$t->run();

my $app = $t->create_app('Café');
my $base = 'http://127.0.0.1:' . port(8080);
my $zip = zip('index.html' => '<html>one</html>');

$t->create_channel($app, $_)
    for 'production', 'größe ✓', 'a+b', 'a b', 'empty';

my $one = $t->publish($app, 'production', $zip, bundle => {
    customProperties => { note => "quote \" back \\ ünï \n", e => '' },
});
my $utf8 = $t->publish($app, 'größe ✓', $zip);
my $plus = $t->publish($app, 'a+b', $zip);
my $space = $t->publish($app, 'a b', $zip);
my $default = $t->publish($app, undef, $zip);

is_deeply([map { $_->{ok} } $one, $utf8, $plus, $space, $default],
          [(1) x 5], 'five bundles are published');

# the answer

my $path = "/v1/apps/$app/bundles/latest";
my $reply = $t->latest($app, channelName => 'production');

is($reply->{status}, 200, 'an update');
is($reply->{headers}{'content-type'}, 'application/json', 'is JSON');
is($reply->{headers}{'cache-control'}, 'no-store', 'is not to be kept');
is($reply->{headers}{'content-length'}, length $reply->{body},
   'has a length');
is_deeply($reply->{json}, {
    artifactType => 'zip',
    bundleId => $one->{bundle},
    channelName => 'production',
    checksum => sha256_hex($zip),
    customProperties => { note => "quote \" back \\ ünï \n", e => '' },
    signature => undef,
    url => "$base/artifacts/$app/$one->{bundle}/bundle.zip",
}, 'says all there is, and no more');
is_deeply(types($reply->{body}), {
    artifactType => 'string',
    bundleId => 'string',
    channelName => 'string',
    checksum => 'string',
    customProperties => 'object of strings',
    signature => 'null',
    url => 'string',
}, 'in strict types');

# null in all its forms

my %forms = (
    absent => [],
    bare => undef,
    empty => '',
);

for my $name (qw/ bundleId channelName customId appVersionName osVersion
                  pluginVersion deviceId appVersionCode /)
{
    for my $form (sort keys %forms) {
        is(bundle($name => $forms{$form}), $default->{bundle},
           "$name is $form");
    }
}

is(bundle(bundleId => 'public'), $default->{bundle}, 'bundleId is "public"');
is(bundle(bundleId => $default->{bundle}), $default->{bundle},
   'the current bundle is told again');
is(bundle(bundleId => 'unknown'), $default->{bundle},
   'and in the place of an unknown one');
is(raw('platform=0'), $default->{bundle}, 'nothing but a platform');
is(raw('&&platform=0&&=&=x&'), $default->{bundle}, 'a query full of holes');

# parameters

is(bundle(runtime => 'electron', 'x%[]' => 'ü', platform => 2),
   $default->{bundle}, 'unknown parameters');
is(raw("platform=0&channelName=production&deviceId=d&bundleId"),
   $one->{bundle}, 'one order');
is(raw("bundleId&deviceId=d&channelName=production&platform=0"),
   $one->{bundle}, 'the other');
is(raw('channelName&platform=0&channelName=production'), $one->{bundle},
   'a parameter that is there twice, once as null');

is(bundle(platform => $_, channelName => 'production'), $one->{bundle},
   "platform $_") for 0 .. 2;

for my $platform (3, -1, '00', 'a', '0%00', ' 0', '', undef, []) {
    my $query = $path . '?deviceId=d'
        . (ref $platform ? '' : defined $platform ? "&platform=$platform"
                                                  : '&platform');
    $query =~ s/ /%20/g;

    like($t->said($t->api('GET', $query, undef, token => undef)),
         qr/^400 "platform" must be 0 \(Android\), 1 \(iOS\) or 2/,
         'no platform: ' . substr $query, length "$path?deviceId=d");
}

# channel names

is($t->latest($app, channelName => 'größe ✓')->{json}{channelName},
   'größe ✓', 'a name beyond ASCII');
is(raw('platform=1&channelName=gr%c3%b6%C3%9fe%20%E2%9c%93'),
   $utf8->{bundle}, 'in lower-case hex');
is(raw('platform=1&channelName=a+b'), $plus->{bundle}, 'a plus');
is(raw('platform=1&channelName=a%2Bb'), $plus->{bundle}, 'an encoded plus');
is(raw('platform=1&channelName=a%20b'), $space->{bundle}, 'a space');

$t->api('DELETE', "/v1/apps/$app/channels?name=a%2Bb");

is(raw('platform=2&channelName=a+b'), $space->{bundle},
   'a plus that can only be a space');

is($t->said($t->latest($app, channelName => $_->[0])), $_->[1],
   "the channel \"$_->[0]\"") for (
    ['nope', '404 No update available.'],
    ['empty', '404 No update available.'],
    ['Production', '404 No update available.'],
    ['production ', '404 No update available.'],
    ["production\x{0}", '400 "channelName" is not percent-encoded UTF-8'],
);

like($t->said($t->api('GET', "$path?platform=0&$_", undef, token => undef)),
     qr/^400 "\w+" is not percent-encoded UTF-8/, "not to be decoded: $_")
    for 'channelName=%ff', 'customId=%C3', 'osVersion=%ED%A0%80',
        'channelName=%', 'channelName=%zz', 'deviceId=%4';

is(bundle(deviceId => 'ü' x 64), $default->{bundle}, 'the longest id');
like($t->said($t->latest($app, deviceId => 'x' x 129)),
     qr/^400 "deviceId" must be at most 128 bytes/, 'too long an id');
like($t->said($t->latest($app, deviceId => "a\nb")), qr/^400 "deviceId"/,
     'an id with a line feed');
is(bundle(customId => 'x' x 3000), $default->{bundle}, 'a long custom id');

# methods

$reply = $t->latest($app, _method => 'HEAD');

is($reply->{status}, 200, 'HEAD');
is($reply->{body}, '', 'has no body');
is($reply->{headers}{'content-length'},
   length $t->latest($app)->{body}, 'but its length');
is($t->latest($app, channelName => 'no', _method => 'HEAD')->{status}, 404,
   'HEAD and no update');

for my $method (qw/ POST PUT PATCH DELETE OPTIONS BREW /) {
    $reply = $t->api($method, "$path?platform=0", '{}', token => undef);

    is($t->said($reply) . " $reply->{headers}{allow}",
       '405 Method not allowed. GET, HEAD', $method);
}

# a body is no reason to fail, nor to break the connection

$reply = $t->api('GET', "$path?platform=0", 'x' x 100000, token => undef);
is($reply->{status}, 200, 'GET with a body');

like(http(join '', map {
    "GET $path?platform=$_ HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
    . ($_ == 2 ? "Connection: close\r\n" : '') . "\r\nabcde"
} 0 .. 2), qr/(?:HTTP\/1.1\ 200.*){3}/xs, 'pipelined, with bodies');

my $s = http_start('');
my @statuses = map {
    $t->latest($app, _socket => $s, _headers => [Connection => 'keep-alive'],
               channelName => $_)->{status}
} qw/ production nope production empty production /;

is("@statuses", '200 404 200 404 200', 'a connection is kept');
close $s;

is(json(http_get("$path?platform=0"))->{bundleId}, $default->{bundle},
   'HTTP/1.0');

SKIP: {
    skip 'no HTTP/2', 4 unless $t->has_feature('http_v2')
                               && !system('command -v curl >/dev/null');

    my $url = 'http://127.0.0.1:' . port(8081) . $path;

    like(h2("'$url?platform=0'"),
         qr{HTTP/2 200.*"bundleId":"$default->{bundle}"}s, 'HTTP/2');
    like(h2("'$url?platform=0&channelName=no'"),
         qr/HTTP\/2 404.*{"message":"No update available."}/s,
         'HTTP/2 and no update');
    like(h2("-X POST '$url'"), qr/HTTP\/2 405.*^allow: GET, HEAD/ms,
         'HTTP/2 and a wrong method');
    like(h2("-I '$url?platform=1'"), qr/HTTP\/2 200/, 'HTTP/2 and HEAD');
}

# the base of the url

for my $host ('example.com', 'example.com:8443', '[::1]:80', '192.0.2.1') {
    is(get_json("$path?platform=0", $host)->{url},
       "http://$host/artifacts/$app/$default->{bundle}/bundle.zip",
       "Host: $host");
}

for my $host ('a"b', "a\\b", 'a<b>', 'a?b', 'a#b', "\xff", '') {
    my $raw = http("GET $path?platform=0 HTTP/1.1\r\nHost: $host\r\n"
                   . "Connection: close\r\n\r\n");

    # nginx refuses some of them itself
    ok($raw =~ m{^HTTP/1\.1 400 } && $raw !~ m{/artifacts/},
       "Host: $host, is no host") or diag($raw);
}

like(http("GET $path?platform=0 HTTP/1.0\r\n\r\n"),
     qr{^HTTP/1\.1 400 .*{"message":"Invalid Host header."}}s,
     'no host at all');

is(get_json("$path?platform=0&tenant=t1", 'x', port => 8082)->{url},
   "https://t1.example.com/cdn/artifacts/$app/$default->{bundle}/bundle.zip",
   'liveupdate_base_url with a variable');
like(http_get("$path?platform=0&tenant=a%22b\"c", port => 8082),
     qr/^HTTP\/1\.1 400 .*{"message":"/s, 'a variable that breaks the URL');

# unknown apps

for my $id ($app =~ s/.$/x/r, 'public', '..', 'x' x 65, 'a.b', 'ü') {
    like($t->said($t->api('GET', '/v1/apps/' . uri_encode($id)
                          . '/bundles/latest?platform=0', undef,
                          token => undef)),
         qr/^404 (?:App not found|Not found)\.$/, "there is no app $id");
}

# a probe

is($t->latest($app, _token => 'read')->{status}, 200, 'a probe');
is($t->said($t->latest($app, _token => 'ca_wrong')), '401 Invalid token.',
   'a probe with a wrong token');

# the log

$t->latest($app, channelName => 'production', deviceId => 'log1');
$t->latest($app, channelName => 'production', deviceId => 'log2',
           bundleId => $one->{bundle});
$t->latest($app, channelName => 'nope', deviceId => 'log3');
$t->latest('nope', deviceId => 'log4');
$t->latest($app, platform => 9, deviceId => 'log5');
$t->latest($app, channelName => 'empty', deviceId => 'log6');

wait_until { $t->read_file('check.log') =~ /device=log6/ } 5, 'log';

for my $line (
    "200 app=$app channel=production release=$one->{bundle} result=update "
        . 'checksum=- device=log1',
    "200 app=$app channel=production release=$one->{bundle} result=current "
        . 'checksum=- device=log2',
    "404 app=$app channel=- release=- result=no_channel checksum=- "
        . 'device=log3',
    '404 app=nope channel=- release=- result=no_app checksum=- device=log4',
    "400 app=$app channel=- release=- result=invalid checksum=- device=log5",
    "404 app=$app channel=empty release=- result=empty checksum=- "
        . 'device=log6',
) {
    like($t->read_file('check.log'), qr/^\Q$line\E$/m, "log: $line");
}

# what another machine writes; a worker has a copy of its own, until it goes

$t->steady();

is($t->latest('torn')->{status}, 404, 'an app that is not there');
mkdir $t->testdir() . '/store/apps/torn';
$t->write_file('store/apps/torn/app.json', '{');
ok((wait_until { $t->latest('torn')->{status} == 500 } 4),
   'and then cannot be read: that is told');
unlink $t->testdir() . '/store/apps/torn/app.json';
rmdir $t->testdir() . '/store/apps/torn';

my $file = "store/apps/$app/app.json";
my $text = $t->read_file($file);
my $json = json_decode($text);

for my $channel (@{$json->{channels}}) {
    $channel->{name} = 'renamed' if $channel->{name} eq 'production';
}

$t->replace_file($file, json_encode($json));

my $from = time();
ok(wait_until { told('renamed', $one->{bundle}) } 10,
   'a change of another machine is seen by all workers');
cmp_ok(time() - $from, '<', 6, 'within liveupdate_valid');
ok(told('production', undef), 'whole');

$t->mark_log();
$t->replace_file($file, substr($text, 0, length($text) / 2));

ok(wait_until { told('renamed', $one->{bundle});
                $t->workers() <= (() = $t->read_log($t->{mark})
                                       =~ /could not load/g) } 10,
   'a torn app.json is noticed');
$t->log_like(qr/\[error\].*could not load "$app": the JSON text ends too early/,
             'and logged');
ok(told('renamed', $one->{bundle}), 'while the old copy is told');
$t->refused(sub { $t->api('POST', "/v1/apps/$app/channels",
                          { name => 'new' }) },
            qr/^500 The server could not use its disk/,
            'nothing is written over it');

$t->replace_file($file, json_encode({ %$json, id => 'another' }));
ok(wait_until { bundle();
                $t->read_log($t->{mark}) =~ /is not the id of its folder/ }
   4, 'nor is the app of another folder told');
ok(told('renamed', $one->{bundle}), 'but the old copy');

$t->replace_file($file, $text);
ok(wait_until { told('production', $one->{bundle}) } 10,
   'until it is whole again');
$t->steady(0);

# whoever has no old copy says that something is wrong

my $torn = $t->create_app('torn');
my $torn_file = "store/apps/$torn/app.json";
my $torn_text = $t->read_file($torn_file);

$t->replace_file($torn_file, substr($torn_text, 0, length($torn_text) / 2));
is($t->latest($torn)->{status}, 500, 'an app that cannot be read');
$t->replace_file($torn_file, $torn_text);
ok(wait_until { $t->latest($torn)->{status} == 404 } 10,
   'until it can: there is no update');

# a copy of a store in which the release comes after the app that names it

my $live = $t->testdir() . "/store/live/$app/$one->{bundle}";
my $late = $t->testdir() . '/late';

rename $live, $late or die "rename: $!\n";
$t->replace_file($file, $text);

ok(wait_until { told('production', undef) } 10,
   'a release that is not there yet is not told');

rename $late, $live or die "rename: $!\n";

$from = time();
ok(wait_until { told('production', $one->{bundle}) } 10,
   'when it comes it is, with the same app.json');
cmp_ok(time() - $from, '<', 6, 'within liveupdate_valid');

# an app that goes, and comes again

is($t->api('DELETE', "/v1/apps/$app")->{status}, 204, 'the app is deleted');
is(everywhere(sub { $t->said($_[0]) }), '404 App not found.', 'at once');
is($t->api('POST', '/v1/apps', { id => $app, name => 'again' })->{status},
   201, 'the app is created again');
is(everywhere(sub { $t->said($_[0]) }), '404 No update available.',
   'with nothing of the old one');

###############################################################################

sub bundle {
    my $reply = $t->latest($app, @_);

    return ($reply->{json} || {})->{bundleId};
}


sub raw {
    my ($query) = @_;

    my $reply = $t->api('GET', "$path?$query", undef, token => undef);

    return ($reply->{json} || {})->{bundleId} // $reply->{raw};
}


sub h2 {
    my ($args) = @_;

    return `curl -sS --http2-prior-knowledge -D - $args 2>&1`;
}


sub get_json {
    my ($uri, $host, %opt) = @_;

    return json(http("GET $uri HTTP/1.1\r\nHost: $host\r\n"
                     . "Connection: close\r\n\r\n", %opt)) || {};
}


# What the workers tell, each once; undef: not all the same.

sub everywhere {
    my ($code, @params) = @_;

    my %told;

    for (1 .. 200) {
        my $reply = $t->latest($app, @params);

        $told{$reply->{headers}{'x-worker'}} = $code->($reply);
        last if keys %told == $t->workers();
    }

    my %values = map { $_ // '' => 1 } values %told;

    return keys %values == 1 ? (keys %values)[0] : undef;
}


# Whether all workers tell that bundle of the channel; undef: none.

sub told {
    my ($channel, $bundle) = @_;

    my $told = everywhere(sub { ($_[0]{json} || {})->{bundleId} },
                          channelName => $channel);

    return defined $told && $told eq ($bundle // '');
}


# As the text has them: what is decoded already has no types any more.

sub types {
    my ($body) = @_;

    my %types;

    my $string = qr/"(?:[^"\\]|\\.)*"/;
    my $value = qr/$string | null | -?\d[\d.eE+-]* | true | false
                   | \{ (?: (?:$string:$string) (?: ,$string:$string)* )? \}
                  /x;

    return 'no object' unless $body =~ s/^\{(.*)\}\n\z/$1/s;

    while ($body =~ s/^($string):($value)(?:,|$)//) {
        my ($name, $is) = (substr($1, 1, -1), $2);

        $types{$name} = $is =~ /^"/ ? 'string'
                        : $is =~ /^\{/ ? 'object of strings'
                        : $is =~ /^[-\d]/ ? 'number' : $is;
    }

    return $body eq '' ? \%types : "not understood: $body";
}
