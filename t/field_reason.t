#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# A name that does not resolve, a port that refuses, a certificate that nobody
# trusts, silence, and an answer that is cut off need different remedies.  The
# reason of a release tells which of them it was, as nginx's log does: for the
# origin of builds, and for GitHub.

use warnings;
use strict;

use IO::Socket::INET;
use Test::More;

use Test::LiveUpdate;
use Test::LiveUpdate::GitHub;
use Test::LiveUpdate::ToDesktop;

use constant { BUILDS => 'desktop-builds.json',
               RELEASES => 'desktop-releases.json' };

my $t = Test::LiveUpdate->new()->has(qw/ http_ssl /)->has_daemon('openssl');

$t->plan(28);

my $dir = $t->testdir();
my $td = Test::LiveUpdate::ToDesktop->new($t);
my $gh = Test::LiveUpdate::GitHub->new($t, files => { BUILDS, [],
                                                      RELEASES, {} });
my $tls = '127.0.0.1:' . port(8097);
my $closed = '127.0.0.1:' . port(8098);
my $silent = '127.0.0.1:' . port(8099);

system('openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout'
       . " '$dir/origin.key' -out '$dir/origin.crt' -subj /CN=origin.example"
       . ' -addext subjectAltName=DNS:origin.example 2>/dev/null') == 0
    or die "openssl cannot make a certificate\n";

my $silence = IO::Socket::INET->new(Listen => 128, LocalAddr => $silent,
                                    ReuseAddr => 1)
    or die "cannot listen on $silent: $!\n";
my $names = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1')
    or die "cannot receive datagrams: $!\n";
my $dns = '127.0.0.1:' . $names->sockport();

$t->run_daemon(\&no_names);

$gh->configure($td, fetch => 'retry=10ms tries=2', change => sub {
    s{^([ ]*resolver[ ]+)[^;]*;}{$1$dns ipv6=off;}m;
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

my $conf = $t->read_file('liveupdate.conf');
my @cases = (
    [ 'a name that there is not', 'https://nosuch.example', undef,
      qr/nosuch\.example could not be resolved \(3: Host not found\)/ ],
    [ 'a port that refuses', "http://$closed", undef,
      qr/connect\(\) failed \(111: Connection refused\) while connecting/ ],
    [ 'a certificate that nobody trusts', "https://$tls", undef,
      qr/upstream SSL certificate verify error: \(18:self[- ]signed certif/ ],
    [ 'a certificate of another name', "https://$tls", 'download.example',
      qr/upstream SSL certificate does not match "download\.example"/ ],
    [ 'TLS where there is none', "https://$silent", undef,
      qr/upstream timed out .*while SSL handshaking/ ],
    [ 'silence', "http://$silent", undef,
      qr/upstream timed out .*while reading response header/ ],
);

for my $case (@cases) {
    my ($name, $origin, $expected, $reason) = @$case;

    change(sub {
        s{^([ ]*set[ ]+\$liveupdate_origin[ ]+)[^;]*;}{$1$origin;}m;
        trust($_, $expected);
    });

    my $build = build();

    $td->deliver($build);

    my $told = $td->becomes($build, 'failed', "origin: $name")->{reason};

    like($told, qr/^".*" was not fetched: the origin did not answer: $reason/,
         "origin: $name: the reason");
    unlike($told, qr/client:|upstream: |server: |\n/,
           "origin: $name: and nothing of what nginx logs besides");
}

# what it had sent before it died

change(sub {});

$td->{origin}->script(qr/AppImage$/ => { truncate => 100 });

my $cut = build();

$td->deliver($cut);
like($td->becomes($cut, 'failed', 'origin: an answer that is cut off')
         ->{reason},
     qr/was not received completely: .*prematurely closed connection/,
     'origin: an answer that is cut off: the reason');
$td->{origin}->script();

# the same of GitHub: of a release that waits, and of the job that follows

for my $case (@cases) {
    my ($name, $api, $expected, $reason) = @$case;

    change(sub {
        s{^(liveupdate_github[ ][^;]*api=)\S+}{$1$api}m;
        trust($_, $expected);
    });

    my $build = build();
    my $told = '';

    $td->deliver($build);
    wait_until {
        $told = $td->release($build)->{reason} // '';
    } 20, "GitHub: $name";

    like($told, qr/^GitHub did not answer: $reason/, "GitHub: $name");
}

$t->log_like(qr/\[warn\].*has to wait: GitHub did not answer: \S/,
             'and so does the log');

change(sub {});

my $last = build();

$td->deliver($last);
ok($gh->wait_pull($last), 'GitHub: it answers');


sub build {
    return $td->build(platforms => [ 'linux' ], size => 1000);
}


sub trust {
    my ($text, $name) = @_;

    return if !defined $name;

    s{/etc/ssl/certs/ca-certificates\.crt}{$dir/origin.crt}g;
    s{^([ ]*proxy_pass[ ].*\n)}{$1    proxy_ssl_name  $name;\n}mg;
}


sub change {
    my ($code) = @_;

    local $_ = $conf;

    $code->();
    $t->write_file('liveupdate.conf', $_);
    $t->reload();
}


# There is no name.

sub no_names {
    while ($names->recv(my $query, 512)) {
        $names->send(substr($query, 0, 2) . "\x81\x83"
                     . substr($query, 4, 2) . "\0" x 6 . substr($query, 12));
    }
}
