package Test::LiveUpdate::Cache;

# Copyright (C) the nginx-liveupdate authors

# The caches of docs/cdn.md in front of the nginx of a test: the files of conf/
# with other addresses and without TLS.

use warnings;
use strict;

use Exporter qw/ import /;

use Test::LiveUpdate ();

our @EXPORT_OK = qw/ cache_conf cache_vcl /;


# conf/cache.conf as text, to be included in http {}.  listen is the port of
# the cache and origins are those behind it, as they are written in tests;
# whole: without slices; tls: with TLS, and the certificates in $t's folder.

sub cache_conf {
    my ($t, %opt) = @_;

    my $dir = $t->testdir();
    my $listen = '127.0.0.1:' . Test::LiveUpdate::port($opt{listen} // 8081);
    my $servers = join '', map {
        '    server  127.0.0.1:' . Test::LiveUpdate::port($_)
        . "  max_fails=0;\n"
    } @{$opt{origins} // [ 8080 ]};

    local $_ = conf_file('cache.conf');

    s{/var/cache/nginx/liveupdate}{$dir/cache} or die "no path\n";
    s{^ *server  192\.0\.2\.1.*\n *server  192\.0\.2\.2.*\n}{$servers}m
        or die "no origins\n";
    s{listen  .*# cache: listen}{listen  $listen;} or die "no listen\n";
    if ($opt{tls}) {
        s{^( *listen  [^;]*)}{$1 ssl http2}m;
        s{/etc/letsencrypt/live/updates\.example\.com}{$dir}g;
        s{/etc/ssl/certs}{$dir}g;

    } else {
        s{^ *(?:proxy_)?ssl_\w+\s[^;]*;\n}{}mg;
        s{https://}{http://}g;
    }

    if ($opt{whole}) {
        s{^map \$liveupdate_parts \$liveupdate_(?:range|slice) \{.*?^\}\n}{}msg;
        s{^ *slice .*\n}{}m or die "no slices\n";
        s{"\$uri \$liveupdate_slice"}{\$uri} or die "no key\n";
        s{\$liveupdate_range}{\$liveupdate_parts} or die "no range\n";
    }

    return $_;
}


# conf/cache.vcl as text.

sub cache_vcl {
    my (%opt) = @_;

    my $port = Test::LiveUpdate::port($opt{origin} // 8080);

    local $_ = conf_file('cache.vcl');

    s/\.host = "[^"]*"/.host = "127.0.0.1"/ or die "no host\n";
    s/\.port = "[^"]*"/.port = "$port"/ or die "no port\n";

    return $_;
}


sub conf_file {
    my ($name) = @_;

    my $path = "$Test::LiveUpdate::ROOT/conf/$name";

    open my $fh, '<', $path or die "cannot read $path: $!\n";
    local $/;

    return scalar <$fh>;
}


1;
