#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# The reference configuration fetches from an origin with TLS, and from that
# one only: a certificate of another name, or that nobody has signed, is that
# of somebody else.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate;
use Test::LiveUpdate::ToDesktop;

my $t = Test::LiveUpdate->new()->has(qw/ http_ssl /)->has_daemon('openssl');

$t->plan(12);

my $dir = $t->testdir();
my $td = Test::LiveUpdate::ToDesktop->new($t);
my $tls = '127.0.0.1:' . port(8093);
my $list = '/etc/ssl/certs/ca-certificates.crt';

for my $name (qw/ origin other /) {
    system('openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout'
           . " '$dir/$name.key' -out '$dir/$name.crt' -subj /CN=$name.example"
           . " -addext subjectAltName=DNS:$name.example 2>/dev/null") == 0
        or die "openssl cannot make a certificate\n";
}

# nginx itself is the origin, and passes on what it is asked for

$td->configure(fetch => 'retry=10ms tries=2', change => sub {
    s{^([ ]*set[ ]+\$liveupdate_origin[ ]+)[^;]*;}{$1https://$tls;}m;
    s{^([ ]*proxy_pass[ ].*\n)}
     {$1    proxy_ssl_name  origin.example;\n}m;
    s{^http \{\n}{<<EOF_SERVER}me if $_[0] eq 'nginx.conf';
http {
    server {
        listen  $tls ssl;

        ssl_certificate      $dir/origin.crt;
        ssl_certificate_key  $dir/origin.key;

        location / {
            proxy_pass  @{[ $td->{origin}->url() ]};
        }
    }

EOF_SERVER
});

$t->run();
refused('a certificate that nobody has signed');

trust('other');
refused('one that somebody else has signed');

trust('origin');
change('origin.example', 'download.example');
refused('one of another name');

change('download.example', 'origin.example');

my $build = $td->build(platforms => [ 'linux' ], size => 50_000);

$td->deliver($build);
$td->becomes($build, 'live', 'the right one');
is(join("\n", $td->wrong_files($build)), '', 'the right bytes');
is(scalar(grep { $_->{name} !~ /\Q$build->{id}\E/ }
          $td->{origin}->requests()), 0, 'nothing else was asked for');


sub refused {
    my ($name) = @_;

    my $build = $td->build(platforms => [ 'linux' ], size => 1000);

    $td->deliver($build);

    my $release = $td->becomes($build, 'failed', "$name: not fetched");

    like($release->{reason}, qr/did not answer/, "$name: the reason");
    $t->log_like(qr/\[error\].*(?:SSL certificate verify error|does not match)/,
                 "$name: is in the log");
    $t->mark_log();
}


sub trust {
    my ($name) = @_;

    change($list, "$dir/$name.crt");
    $list = "$dir/$name.crt";
}


sub change {
    my ($from, $to) = @_;

    my $conf = $t->read_file('liveupdate.conf');

    $t->write_file('liveupdate.conf', $conf =~ s/\Q$from\E;/$to;/r);
    $t->reload();
}
