#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# URLs and versions in update manifests: what is staged is what electron-updater
# finds, at the address that it asks for; anything else is refused.

use warnings;
use strict;

use JSON::PP ();
use Test::More;

use Test::LiveUpdate;
use Test::LiveUpdate::Release qw/ bytes_of manifest_of /;

my $CLIENTS = "$Test::LiveUpdate::ROOT/t/clients";

my $t = Test::LiveUpdate->new()->has_daemon('node');

$t->skip_all('no electron-updater, run "make clients" first')
    unless -d "$CLIENTS/node_modules/electron-updater";

my $app = 'shop';

# [ url, name of the file in the release, what is wrong with it ]

my @urls = (
    [ 'Shop-1.exe', 'Shop-1.exe' ],
    [ 'Shop Setup 1.exe', 'Shop Setup 1.exe' ],
    [ 'Shop%20Setup%201.exe', 'Shop Setup 1.exe' ],
    [ 'Sh%6Fp-1.exe', 'Shop-1.exe' ],
    [ 'F%C3%BCr-1.exe', "F\xc3\xbcr-1.exe" ],
    [ "F\xc3\xbcr-1.exe", "F\xc3\xbcr-1.exe" ],
    [ "Fu\xcc\x88r-1.exe", "Fu\xcc\x88r-1.exe" ],
    [ "\xe4\xb8\x96\xe7\x95\x8c \xf0\x9f\x98\x80.exe",
      "\xe4\xb8\x96\xe7\x95\x8c \xf0\x9f\x98\x80.exe" ],
    [ 'Shop-1.exe?token=x', 'Shop-1.exe' ],
    [ 'Shop-1.exe?a=../b/c', 'Shop-1.exe' ],
    [ 'Shop-1.exe#part', 'Shop-1.exe' ],
    [ './Shop-1.exe', 'Shop-1.exe' ],
    [ 'win/../Shop-1.exe', 'Shop-1.exe' ],
    [ 'win/%2E%2e/./Shop-1.exe', 'Shop-1.exe' ],
    [ 'a+b&c=d,e;f.exe', 'a+b&c=d,e;f.exe' ],
    [ '(a)[b]{c}!$\'*~@|^`<>.exe', '(a)[b]{c}!$\'*~@|^`<>.exe' ],
    [ 'a "b".exe', 'a "b".exe' ],
    [ '100%25.exe', '100%.exe' ],
    [ 'a%2Bb%3f%23.exe', 'a+b?#.exe' ],
    [ 'a b: c.exe', 'a b: c.exe' ],
    [ '-a:b.exe', '-a:b.exe' ],
    [ 'my-ip.exe', 'my-ip.exe' ],

    [ '//example.com/Shop-1.exe', 'Shop-1.exe', 'out of the feed' ],
    [ '/Shop-1.exe', 'Shop-1.exe', 'out of the feed' ],
    [ '../Shop-1.exe', 'Shop-1.exe', 'out of the feed' ],
    [ '../shop/Shop-1.exe', 'Shop-1.exe', 'out of the feed' ],
    [ '%2e%2E/other/Shop-1.exe', 'Shop-1.exe', 'out of the feed' ],
    [ '.%2e/other/Shop-1.exe', 'Shop-1.exe', 'out of the feed' ],
    [ 'a/../../b/Shop-1.exe', 'Shop-1.exe', 'out of the feed' ],
    [ 'win/Shop-1.exe', 'Shop-1.exe', 'in a folder' ],
    [ './win/x64/Shop-1.exe', 'Shop-1.exe', 'in a folder' ],
    [ 'win//Shop-1.exe', 'Shop-1.exe', 'in a folder' ],
    [ 'win%2FShop-1.exe', 'Shop-1.exe', 'with a slash' ],
    [ 'win\\Shop-1.exe', 'Shop-1.exe', 'backslash' ],
    [ '..\\Shop-1.exe', 'Shop-1.exe', 'backslash' ],
    [ '\\\\example.com\\Shop-1.exe', 'Shop-1.exe', 'backslash' ],
    [ 'a%5cShop-1.exe', 'Shop-1.exe', 'backslash' ],
    [ 'Shop-1.exe/', 'Shop-1.exe', 'names no file' ],
    [ 'Shop-1.exe/.', 'Shop-1.exe', 'names no file' ],
    [ 'Shop-1.exe/x/..', 'Shop-1.exe', 'names no file' ],
    [ '?Shop-1.exe', 'Shop-1.exe', 'names no file' ],
    [ '#Shop-1.exe', 'Shop-1.exe', 'names no file' ],
    [ '.', 'Shop-1.exe', 'names no file' ],
    [ 'Shop-1.exe ', 'Shop-1.exe ', 'a space at its' ],
    [ ' Shop-1.exe', ' Shop-1.exe', 'a space at its' ],
    [ "Shop-1.exe\t", 'Shop-1.exe', 'control character' ],
    [ "Shop-\n1.exe", 'Shop-1.exe', 'control character' ],
    [ 'Shop-1.exe%00', 'Shop-1.exe', 'control character' ],
    [ 'C# App.exe', 'C# App.exe', 'is not there' ],
    [ 'Why? App.exe', 'Why? App.exe', 'is not there' ],
    [ 'Shop%201.exe', 'Shop%201.exe', 'is not there' ],
    [ '100%.exe', '100%.exe', 'two hex digits' ],
    [ '100% sure.exe', '100% sure.exe', 'two hex digits' ],
    [ 'a%2.exe', 'a%2.exe', 'two hex digits' ],
    [ 'Shop: Setup.exe', 'Shop: Setup.exe', 'for a scheme' ],
    [ 'c:Shop-1.exe', 'c:Shop-1.exe', 'for a scheme' ],
    [ 'http:Shop-1.exe', 'Shop-1.exe', 'for a scheme' ],
    [ 'file:/' . '/' . '/Shop-1.exe', 'Shop-1.exe', 'for a scheme' ],
    [ 'https:/' . '/example.com/Shop-1.exe', 'Shop-1.exe',
      'of another server' ],
    [ 'HTTP:/' . '/example.com/shop/Shop-1.exe', 'Shop-1.exe',
      'of another server' ],
    [ 'data.json', 'data.json', 'of an update manifest' ],
    [ 'my-ip', 'my-ip', 'the client\'s address' ],
);

# [ as it is written, what is wrong ]; only a string that semver reads

my @versions = (
    [ '1.0.0' ], [ '"1.0.0"' ], [ "'1.10.0'" ], [ '1.0.0-beta.1' ],
    [ '1.0.0-0' ], [ '1.0.0+5' ], [ '1.0.0-rc.1+a.b-c' ], [ 'v1.0.0' ],
    [ '2026.11.21' ], [ '0.0.0' ], [ '1.0.0-x-y.0a' ],
    [ '1.0.9007199254740991' ],

    [ '1.10', 'between quotes' ], [ '1.0', 'between quotes' ],
    [ '2', 'between quotes' ], [ '0x10', 'between quotes' ],
    [ '0o17', 'between quotes' ], [ '0b11', 'between quotes' ],
    [ '1e3', 'between quotes' ], [ '1.5e+3', 'between quotes' ],
    [ '-1', 'between quotes' ], [ '.5', 'between quotes' ],
    [ '.inf', 'between quotes' ], [ '-.INF', 'between quotes' ],
    [ '.nan', 'between quotes' ], [ 'true', 'between quotes' ],
    [ 'False', 'between quotes' ], [ '2026-11-21', 'between quotes' ],
    [ '2026-1-2 3:04:05', 'between quotes' ],
    [ '2026-11-21T09:00:00.000Z', 'between quotes' ],
    [ '"1.10"', 'is no version' ], [ '"2"', 'is no version' ],
    [ '1.0.0.0', 'is no version' ], [ '01.0.0', 'is no version' ],
    [ '1.0.0-01', 'is no version' ], [ '1.0.0-', 'is no version' ],
    [ '1.0.0+', 'is no version' ], [ '1.0.0-a..b', 'is no version' ],
    [ '1.0.0_1', 'is no version' ], [ '1.0.x', 'is no version' ],
    [ 'vv1.0.0', 'is no version' ], [ 'latest', 'is no version' ],
    [ '"1.0.0 beta"', 'is no version' ],
    [ '99999999999999999999.0.0', 'is no version' ],
    [ '1.9007199254740992.0', 'is no version' ],
    [ 'null', 'has no' ], [ '~', 'has no' ], [ '', 'has no' ],
    [ '""', 'has no' ],
);

my @cases = (
    (map { { url => $_->[0], name => $_->[1], wrong => $_->[2],
             version => '1.0.0', text => manifest_of('1.0.0', [ $_->[1],
                                                                $_->[0] ]) } }
     @urls),
    (map { { url => 'Shop-1.exe', name => 'Shop-1.exe', wrong => $_->[1],
             version => $_->[0], text => manifest_of($_->[0],
                                                     'Shop-1.exe') } }
     @versions),
);

$t->plan(3 * @cases + grep { defined $_->[1] } @versions);

$t->config_reference()->run();

my $base = 'http://127.0.0.1:' . Test::LiveUpdate::port(8080);
my @read = client(map {
    { text => decoded($_->{text}), base => "$base/desktop/$app" }
} @cases);

for my $i (0 .. $#cases) {
    my $case = $cases[$i];
    my $what = $i < @urls ? "url $case->{url}" : "version $case->{version}";

    $what =~ s/([\x00-\x1f\x7f-\xff])/sprintf '\\x%02x', ord $1/ge;

    check($case, $read[$i], $what);
}

###############################################################################

sub check {
    my ($case, $client, $what) = @_;

    $t->api('POST', '/v1/apps',
            { name => $app, type => 'electron', id => $app });

    my $uploads = "store/staging/$app/r1/uploads";

    $t->write_file("$uploads/$case->{name}", bytes_of($case->{name}));
    $t->write_file("$uploads/latest.yml", $case->{text});

    my $reply = $t->api('POST', "/releases/$app/r1/stage", {},
                        token => 'publish');

    if (defined $case->{wrong}) {
        is($reply->{status}, 422, "$what: refused")
            or diag($reply->{body});
        like($reply->{json}{message}, qr/\Q$case->{wrong}/, "$what: why");
        is(status("/desktop/$app/latest.yml"), 404, "$what: nothing is live");

        isnt($client->{error}, undef, "$what: the client cannot read it")
            if $what =~ /^version/;

    } else {
        is($reply->{json}{state}, 'live', "$what: live")
            or diag($reply->{body});
        is($client->{error}, undef, "$what: the client can read it");
        is(fetched($client), bytes_of($case->{name}),
           "$what: the client finds the file");
    }

    $t->api('DELETE', "/v1/apps/$app");
}


# What the client gets at the address that it asks for.

sub fetched {
    my ($client) = @_;

    my ($path) = $client->{files}[0] =~ /^\Q$base\E([^#]*)/
        or return "not from the feed: $client->{files}[0]";

    my $reply = $t->api('GET', $path, undef, token => undef);

    return $reply->{status} == 200 ? $reply->{body} : $reply->{status};
}


sub status {
    my ($path) = @_;

    return $t->api('GET', $path, undef, token => undef)->{status};
}


sub client {
    my (@manifests) = @_;

    my $in = $t->testdir() . '/manifests.json';
    $t->write_file('manifests.json', JSON::PP->new->utf8->encode(\@manifests));

    my $out = `node $CLIENTS/manifest.js < $in`;
    die "node has failed\n" if $?;

    return @{JSON::PP->new->utf8->decode($out)};
}


sub decoded {
    my ($text) = @_;

    utf8::decode($text);
    return $text;
}

###############################################################################
