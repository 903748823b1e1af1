#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# What "make install" makes of conf/ for a system's nginx: names that do not
# depend on its prefix, and nothing twice that an administrator may have edited.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate;

my $t = Test::LiveUpdate->new()->has(qw/ http_ssl http_v2 /);

$t->has_daemon($_) for qw/ make openssl /;

my $dir = $t->testdir();
my $share = "$dir/share";
my $conf = "$dir/conf";

mkdir "$dir/enabled" or die "cannot make $dir/enabled: $!\n";

$t->plan(25);

# the first time

my ($said, $ok) = install();

ok($ok, 'install') or diag($said);
ok(-f "$share/$_", "is there: $_")
    for qw! main.conf server.conf liveupdate.conf console/index.html
            cache.conf cache.vcl replicate.sh !;
is($t->read_file('conf/liveupdate.conf'),
   $t->read_file('share/liveupdate.conf'), 'the locations are in place');
is($t->read_file('enabled/60-liveupdate.conf'),
   $t->read_file('share/main.conf'), 'so is what the main context needs');
ok(-d "$dir/state", 'the folder for the store');
ok(-x "$dir/sbin/nginx-liveupdate", 'the tool');

# the names are absolute: nginx runs with another prefix

my $locations = $t->read_file('conf/liveupdate.conf');

unlike($locations =~ s/^ *#.*//gmr,
       qr{[ =](?:store|tokens|console|secret\.todesktop)[/;]},
       'no relative names');
unlike($locations, qr/# start:/, 'nothing that is for "make start"');

$t->write_file('conf/liveupdate.tokens', '');
$t->write_file('conf/liveupdate.todesktop', 'secret');
chmod 0600, map { "$conf/liveupdate.$_" } qw/ tokens todesktop /;

system("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout"
       . " '$dir/privkey.pem' -out '$dir/fullchain.pem' -subj"
       . ' /CN=updates.example.com 2>/dev/null') == 0
    or die "openssl cannot make a certificate\n";

my $server = $t->read_file('share/server.conf');

$server =~ s/^ +listen  +\[::\].*\n//mg;
$server =~ s/(listen  +)80;/${1}127.0.0.1:8081;/;
$server =~ s/(listen  +)443 /${1}127.0.0.1:8080 /;
$server =~ s{/etc/letsencrypt/live/updates\.example\.com}{$dir}g;
$server =~ s{/var/log/nginx}{$dir}g;
$server =~ s{include  }{include  $conf/};

my $main = $t->read_file('share/main.conf') =~ s{/var/log/nginx}{$dir}r;

$t->write_file_expand('nginx.conf', <<"EOC");

%%TEST_GLOBALS%%

$main

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

$server
}

EOC

$t->run();

is(curl('/v1/users/me'), qq{401 {"message":"A token is required."}\n},
   'nginx answers with it');
like(curl('/console/'), qr/^200 <!doctype html>/i, 'and has the console');
ok(-d "$dir/state/store/apps", 'the store is where it should be');
like(curl('/'), qr/^404 /, 'and nothing else');

# again: what was edited, or removed, stays so

($said, $ok) = install();

ok($ok, 'install again') or diag($said);
unlike($said, qr/kept/, 'nothing to say of what is the same');

my $edited = $locations =~ s/(liveupdate_approval  )off/${1}on/r;

$t->write_file('conf/liveupdate.conf', $edited);
$t->write_file('share/main.conf', 'old');
unlink "$dir/enabled/60-liveupdate.conf";

($said, $ok) = install();

ok($ok, 'install over what was edited') or diag($said);
is($t->read_file('conf/liveupdate.conf'), $edited, 'it stays');
like($said, qr{\Q$conf\E/liveupdate\.conf is kept}, 'and is told of');
ok(!-e "$dir/enabled/60-liveupdate.conf", 'what was removed stays away');
isnt($t->read_file('share/main.conf'), 'old', 'what is shared is new');

###############################################################################

# The part of "make install" that is not about the module.

sub install {
    local $ENV{MAKEFLAGS} = '';

    my $said = `make -s -C '$Test::LiveUpdate::ROOT' install-conf \\
                     SHARE='$share' NGINX_CONF='$conf' STATE='$dir/state' \\
                     SBIN='$dir/sbin' ENABLED='$dir/enabled' 2>&1`;

    return ($said, $? == 0);
}


sub curl {
    my ($path) = @_;

    my $port = port(8080);
    my $said = `curl -sk --noproxy '*' -w '\\n%{http_code}' \\
                     --resolve updates.example.com:$port:127.0.0.1 \\
                     https://updates.example.com:$port$path`;

    my ($body, $status) = $said =~ /\A(.*)\n(\d+)\z/s;

    return "$status $body";
}
