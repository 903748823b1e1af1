#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Certificates of nginx that come to an end: people are told once a day, before
# and for a while after, until nginx has read a new one, and the status says
# when.  And a store that was restored, which comes without what was told:
# nobody is told of old things.

use warnings;
use strict;

use Digest::SHA qw/ sha256_hex /;
use POSIX qw/ strftime /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_decode /;
use Test::LiveUpdate::Clock;
use Test::LiveUpdate::Receiver;

use constant DAY => 86400;

my $t = Test::LiveUpdate->new()->has(qw/ http_ssl /)->has_daemon('openssl');
my $r = Test::LiveUpdate::Receiver->new($t);
my $clock = Test::LiveUpdate::Clock->new($t);
my $dir = $t->testdir();

$r->targets('all json {url}/all secret={secret}');

certificate('soon', 10);
certificate('late', 90);

# noon: no day ends by itself meanwhile

$clock->set((1.5 * DAY - time() % DAY) % DAY);

$r->configure(notify => 'retry=50ms  disk=0%', server => <<'EOF_SERVER',
        location /people {
            liveupdate_status  token;
        }
EOF_SERVER
              http => <<'EOF_HTTP');
    server {
        listen  127.0.0.1:8081 ssl;

        ssl_certificate      soon.crt;
        ssl_certificate_key  soon.key;
    }

    server {
        listen       127.0.0.1:8081 ssl;
        server_name  late soon;

        ssl_certificate      late.crt;
        ssl_certificate_key  late.key;
        ssl_certificate      soon.crt;
        ssl_certificate_key  soon.key;
    }
EOF_HTTP

$t->run()->plan(17);

# one of them, once, also after a reload

told('certificate.expiring');
like((all())[0]{data}{text},
     qr{^Certificate /\S+/soon\.crt is about to expire: it is valid until 20},
     'which, and until when');

# the status, for those who may see all

my @ends = map { [ "$dir/$_.crt", ends($_) ] } qw/ soon late /;
my $metric = 'liveupdate_certificate_expiry_timestamp_seconds';

is(join("\n", $t->api('GET', '/status')->{body} =~ /^$metric.*/gm),
   join("\n", map { qq($metric\{file="$_->[0]"\} $_->[1]) } @ends),
   'as metrics');
is_deeply($t->api('GET', '/status?format=json')->{json}{certificates},
          [ map { { file => $_->[0], expiresAt =>
                    strftime('%Y-%m-%dT%H:%M:%S.000Z', gmtime $_->[1]) } }
            @ends ], 'as JSON');

$t->write_file('tokens', $t->read_file('tokens')
               . 'some read ' . sha256_hex('ca_some') . " other\n");
$t->reload();

like($t->api('GET', '/people', undef, token => 'read')->{body},
     qr/^$metric/m, 'a token of all apps');
unlike(join('', map { $_->{body} }
            map { $t->api('GET', "/people$_", undef, token => 'ca_some') }
            '', '?format=json'),
       qr/soon\.crt/, 'and one of another app');

my $app = $t->create_app('Shop');
my $channel = $t->create_channel($app, 'production');

change('pause');
told('certificate.expiring channel.changed');

# each day, until there is another one

$clock->passes(DAY);
told('certificate.expiring channel.changed certificate.expiring');

certificate('soon', 90);
$t->reload();
$clock->passes(DAY);
change('resume');
told('certificate.expiring channel.changed certificate.expiring '
     . 'channel.changed');

# a store that was restored has no notify/

$r->down();
change('pause');
wait_until { is_now('failing') } 20, 'it is not told yet';
$t->stop();
system('rm', '-rf', "$dir/store/notify");
$r->up();
$t->run();
wait_until { -e "$dir/store/notify/read.json" } 20, 'it begins';
change('resume');
wait_until { all() == 5 } 20, 'what happens then';
is((all())[4]{data}{change}, 'channel.resume', 'only new things are told');
ok(is_now('active'), 'to all targets');

# one that is not valid any more

my $before = join ' ', map { $_->{type} } all();

certificate('soon', 1);
$t->reload();
told("$before certificate.expired");
like((all())[5]{data}{text},
     qr{^Certificate /\S+/soon\.crt has expired: it was valid until 20},
     'which, and until when');

$t->reload();
change('pause');
told("$before certificate.expired channel.changed");
$clock->passes(DAY);
told("$before certificate.expired channel.changed certificate.expired");

certificate('soon', 90);
$t->reload();
$clock->passes(DAY);
change('resume');
told("$before certificate.expired channel.changed certificate.expired "
     . 'channel.changed');

# and of which nobody wants to know

certificate('soon', 1);
$t->reload();
wait_until { all() == 10 } 20, 'it has expired';
$clock->passes(12 * DAY);
change('pause');
told("$before certificate.expired channel.changed certificate.expired "
     . 'channel.changed certificate.expired channel.changed');


sub certificate {
    my ($name, $days) = @_;

    system('openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost'
           . " -days $days -keyout $dir/$name.key -out $dir/$name.crt"
           . ' 2>/dev/null') == 0
        or die "openssl cannot make a certificate\n";
}


# Until when it is valid, in seconds of the epoch.

sub ends {
    my ($name) = @_;

    return `date -d "\$(openssl x509 -noout -enddate -in $dir/$name.crt |
                        cut -d= -f2)" +%s` + 0;
}


sub change {
    my ($what) = @_;

    my $reply = $t->api('POST', "/v1/apps/$app/channels/$channel/$what", {});

    $reply->{status} < 300 or die "not changed: $reply->{raw}\n";
}


# What has arrived until then.

sub told {
    my ($types) = @_;

    my $n = () = $types =~ /\S+/g;

    wait_until { all() >= $n } 20, $types;

    is(join(' ', map { $_->{type} } all()), $types, $types);
}


sub all {
    my %seen;

    my @all = map { json_decode($_->{body}) }
        grep { !$seen{$_->{headers}{'webhook-id'}}++ } $r->taken(qr/all/);

    return @all;
}


sub is_now {
    my ($state) = @_;

    return $t->api('GET', '/v1/notifications/all')->{json}{state} eq $state;
}
