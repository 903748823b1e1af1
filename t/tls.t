#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# The part of the reference configuration that is ready to be uncommented:
# TLS and HTTP/2, as devices demand it, with the address of the team.

use warnings;
use strict;

use Digest::SHA qw/ sha256_hex /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_decode zip /;

use constant SERVER => 'https://updates.example.com';

my $t = Test::LiveUpdate->new()->has(qw/ http_ssl http_v2 /);

$t->has_daemon($_) for qw/ openssl curl /;
$t->skip_all('no HTTP/2 in this curl') unless `curl -V` =~ /\bHTTP2\b/;

$t->config_reference(sub {
    return unless $_[0] eq 'nginx.conf';

    my ($plain, $tls) = /\A(.*?)(^    #server \{.*)\z/ms;

    $tls =~ s/^    #/    /mg;
    $tls =~ s/^ +listen  \[::\].*\n//mg;
    $tls =~ s/(listen  )80;/${1}127.0.0.1:@{[port(8081)]};/;
    $tls =~ s/(listen  )443 /${1}127.0.0.1:@{[port(8082)]} /;
    $tls =~ s{/etc/letsencrypt/live/updates\.example\.com}{$t->testdir()}ge;

    $_ = $plain . $tls;
});

my $dir = $t->testdir();

system("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout"
       . " '$dir/privkey.pem' -out '$dir/fullchain.pem' -subj"
       . ' /CN=updates.example.com -addext'
       . ' subjectAltName=DNS:updates.example.com 2>/dev/null') == 0
    or die "openssl cannot make a certificate\n";

$t->run()->plan(22);

my $app = $t->create_app('Shop');

my %files = (
    'index.html' => '<!doctype html>',
    'assets/a+b.js' => 'plus',
    "\xc3\xbc n.css" => 'body {}',
    'empty.txt' => '',
    map { ("chunks/$_.js" => "export default $_;\n" x (100 * $_)) } 1 .. 60,
);

$t->create_channel($app, $_) for qw/ zip files /;

my $zip = zip(%files);
my $zipped = $t->publish($app, 'zip', $zip);
my $published = $t->publish($app, 'files', \%files);


# a zip

my ($reply) = fetch(latest('zip'));

is($reply->{version}, 2, 'latest: over HTTP/2');
is($reply->{status}, 200, 'latest: an update');
is($reply->{headers}{'content-type'}, 'application/json', 'latest: JSON');
is($reply->{headers}{'cache-control'}, 'no-store', 'latest: not cached');
like($reply->{headers}{'strict-transport-security'}, qr/max-age=31536000/,
    'latest: TLS for ever');

my $answer = json_decode($reply->{body});

is($answer->{bundleId}, $zipped->{bundle}, 'latest: the bundle');
like($answer->{url}, qr/^\Q@{[SERVER]}\E\/artifacts\//,
    'latest: the address that is configured');

($reply) = fetch($answer->{url});

is($reply->{version}, 2, 'zip: over HTTP/2');
is(sha256_hex($reply->{body}), sha256_hex($zip), 'zip: its bytes');
is($reply->{headers}{'x-checksum'}, sha256_hex($zip), 'zip: its checksum');
is($reply->{headers}{'content-length'}, length $zip, 'zip: its length');

($reply) = fetch(latest('nope'));
is($reply->{status}, 404, 'no update');
like($reply->{body}, qr/^\{"message":"[^"]+"\}$/, 'no update: a message');

# files: 30 streams of one connection

$answer = json_decode((fetch(latest('files')))[0]{body});

my @hrefs = sort keys %files;
my @replies = fetch(map {
    "$answer->{url}?href=" . Test::LiveUpdate::uri_encode($_)
} @hrefs);

is(scalar @replies, scalar @hrefs, 'files: all are answered');
is(scalar(grep { $_->{version} == 2 } @replies), scalar @hrefs,
    'files: over HTTP/2');
is(join(' ', grep { $replies[$_]{body} ne $files{$hrefs[$_]} } 0 .. $#hrefs),
    '', 'files: all bytes are right');
is(join(' ', grep { $replies[$_]{headers}{'x-checksum'}
                    ne sha256_hex($files{$hrefs[$_]}) } 0 .. $#hrefs),
    '', 'files: all checksums are right');
cmp_ok(scalar(grep { ($_->{headers}{'content-encoding'} // '') eq 'gzip' }
              @replies), '>=', 55, 'files: compressed where it pays');

# not without TLS

my $plain = http("GET /v1/apps/$app/bundles/latest?platform=0 HTTP/1.0\r\n"
                 . "Host: updates.example.com\r\n\r\n", port => 8081);

like($plain, qr/^HTTP\S+ 301 /, 'without TLS: elsewhere');
like($plain, qr{^Location: \Q@{[SERVER]}\E/v1/apps/$app/bundles/latest\?}m,
    'without TLS: to the same address with it');

# what people ask for that is no part of this

is((fetch(SERVER . '/'))[0]{status}, 404, 'nothing at the root');
is((fetch(SERVER . '/tokens'))[0]{status}, 404, 'no tokens');


sub latest {
    my ($channel) = @_;

    return SERVER . "/v1/apps/$app/bundles/latest?appVersionCode=1"
           . '&appVersionName=1.0&bundleId&customId&deviceId=x&osVersion=34'
           . "&platform=0&pluginVersion=8.4.1&channelName=$channel";
}


# Fetches all of them with curl, 30 at a time:  {version, status, headers,
# body}.  The body is what it was before compression.

sub fetch {
    my (@urls) = @_;

    my $config = join '', map {
        "url = \"$urls[$_]\"\n"
        . "output = \"$dir/body.$_\"\ndump-header = \"$dir/head.$_\"\n"
        . "http2\ncompressed\nsilent\ngloboff\n"
        . "cacert = \"$dir/fullchain.pem\"\nnoproxy = \"*\"\n"
        . 'connect-to = "updates.example.com:443:127.0.0.1:' . port(8082)
        . "\"\n" . ($_ < $#urls ? "next\n" : '')
    } 0 .. $#urls;

    $t->write_file('curl', $config);

    unlink glob "$dir/body.* $dir/head.*";

    system('curl -q --no-progress-meter --parallel --parallel-max 30'
           . " --fail-early --config '$dir/curl' 2>&1") == 0
        or diag("curl: $?");

    return map {
        my $head = $t->read_file("head.$_");
        my ($version, $status) = $head =~ m{\AHTTP/(\S+) (\d+)};
        my %headers = map { lc $_->[0] => $_->[1] }
            map { [/^([^:]+):\s*(.*?)\r?$/] }
            grep { /^[^:]+:/ } split /\n/, $head;

        {
            version => $version,
            status => $status,
            headers => \%headers,
            body => $t->read_file("body.$_"),
        };
    } 0 .. $#urls;
}
