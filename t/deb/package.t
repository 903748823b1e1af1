#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# The Debian package in fresh systems: it is built twice and is the same, it
# installs, upgrades, is removed and purged, and nginx and the store survive.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate ();
use Test::LiveUpdate::Chroot;

use constant PACKAGE => 'libnginx-mod-http-liveupdate';

plan(skip_all => 'must be root') if $> != 0;

for my $tool (qw/ mmdebstrap unshare nsenter ip /) {
    plan(skip_all => "no $tool")
        if system("command -v $tool >/dev/null 2>&1") != 0;
}

my $root = $Test::LiveUpdate::ROOT;
my $dir = "$root/build/chroot";

for my $suite (split ' ', $ENV{SUITES} || 'bookworm trixie') {
    subtest($suite => sub { package_of($suite) });
}

done_testing();

###############################################################################

sub package_of {
    my ($suite) = @_;

    my $deb = build($suite);

    return if !$deb;

    my $system = Test::LiveUpdate::Chroot->new($suite, $dir);
    my ($name) = $deb =~ m{([^/]+)$};

    system('cp', $deb, $system->root . '/root/') == 0 or die;
    newer($system, $name);

    $system->start_online();
    good($system, 'apt-get -q update && apt-get -qy install -d'
         . " --no-install-recommends nginx /root/$name",
         'packages are downloaded');
    $system->start();

    # at first

    good($system, "apt-get -qy install --no-install-recommends nginx"
         . " /root/$name", 'install');
    good($system, 'nginx -t', 'nginx takes the module');
    good($system, 'invoke-rc.d nginx status', 'nginx runs');
    like(said($system, 'curl -s http://localhost/'), qr/Welcome to nginx/,
         'what it served it still serves');

    server($system);
    good($system, 'nginx -t && invoke-rc.d nginx reload', 'a server');
    answers($system, 'the module answers');

    # the next version, with nginx at work

    my $before = master($system);

    good($system, 'apt-get -qy install --no-install-recommends'
         . ' /root/next.deb', 'upgrade');
    isnt(master($system), $before, 'nginx has a new binary');
    unlike(said($system, 'cat /proc/' . master($system) . '/maps'),
           qr/liveupdate_module\.so \(deleted\)/, 'and the new module');
    answers($system, 'the module answers after the upgrade');

    # again, while the configuration is broken

    $system->write('/etc/nginx/conf.d/broken.conf', "nonsense;\n");
    $before = master($system);

    my ($said, $ok) = $system->run("dpkg -i /root/$name");

    ok($ok, 'another one, with a broken configuration') or diag($said);
    like($said, qr/nginx goes on with the old module/, 'it says so');
    is(master($system), $before, 'nginx is let alone');
    answers($system, 'and answers');
    unlink $system->root . '/etc/nginx/conf.d/broken.conf';

    # removal, and back

    good($system, 'apt-get -qy remove ' . PACKAGE, 'remove');
    good($system, 'nginx -t', 'nginx can do without');
    good($system, 'invoke-rc.d nginx status', 'and runs');
    ok($system->has('/var/lib/liveupdate/store/apps/kept'), 'the store stays');
    good($system, "apt-get -qy install --no-install-recommends /root/$name",
         'install again');
    ok($system->has('/etc/nginx/conf.d/liveupdate.conf'),
       'the configuration is back');
    good($system, 'nginx -t && invoke-rc.d nginx reload', 'nginx takes it');
    answers($system, 'the module answers again');

    # nothing but the store stays

    $system->write('/etc/nginx/liveupdate.keys', "LU1 ci 0123456789abcdef\n");

    ($said, $ok) = $system->run('apt-get -qy purge ' . PACKAGE);

    ok($ok, 'purge') or diag($said);
    like($said, qr{The releases stay in /var/lib/liveupdate/store\.},
         'it says what stays');
    ok($system->has('/var/lib/liveupdate/store/apps/kept'),
       'the store is not touched');
    is(said($system, 'find /etc /usr /var/log -name "*liveupdate*"'), '',
       'and is the only thing left');
    good($system, 'nginx -t && invoke-rc.d nginx status', 'nginx runs on');
}


# Build twice, as two people would.

sub build {
    my ($suite) = @_;

    my @packages = qw/
        build-essential debhelper libcjson-dev libdeflate-dev libssl-dev
        libyaml-dev libzip-dev lintian make nginx-dev zlib1g-dev
    /;

    my $system = Test::LiveUpdate::Chroot->new($suite, $dir, @packages);
    my $at = $system->root;
    my $out = "$root/build/deb/$suite";
    my $files = '*.c *.map LICENSE Makefile README.md conf config docs'
        . ' packaging src t';

    for my $place ('one', 'somewhere/else/two') {
        system("mkdir -p '$at/$place' && cd '$root'"
               . " && tar -c --exclude=node_modules $files"
               . " | tar -C '$at/$place' -x --no-same-owner") == 0 or die;
    }

    $system->start_online();

    good($system, 'cd /one && make deb', 'build');
    good($system, 'cd /somewhere/else/two && umask 077 && TZ=Asia/Tokyo'
         . ' LC_ALL=C make deb', 'build at another place');

    my ($deb) = glob "$at/one/build/deb/@{[PACKAGE]}_*.deb";

    ok($deb, 'there is a package') or return;

    my ($name) = $deb =~ m{([^/]+)$};

    good($system, "cmp /one/build/deb/$name"
         . " /somewhere/else/two/build/deb/$name", 'both are the same');
    is(said($system, 'lintian -I --allow-root /one/build/deb/*.changes'), '',
       'lintian finds nothing');

    system("mkdir -p '$out' && rm -f '$out'/*.deb && cp '$deb' '$out/'") == 0
        or die;

    return "$out/$name";
}


# The same package with the next version, and another module.

sub newer {
    my ($system, $name) = @_;

    my $tmp = $system->root . '/root';

    system("cd '$tmp' && dpkg-deb -R $name next"
           . " && sed -i '/^Version:/s/\$/+next/' next/DEBIAN/control"
           . " && dpkg-deb --root-owner-group -b next next.deb >/dev/null") == 0
        or die "cannot make another version\n";
}


# A small server, with the names of files that the documents give.

sub server {
    my ($system) = @_;

    $system->write('/etc/nginx/conf.d/liveupdate.conf', <<'EOC');
liveupdate_store  /var/lib/liveupdate/store;

server {
    listen       127.0.0.1:8080;
    server_name  updates.example.com;

    location /v1/ {
        liveupdate_api;
    }
}
EOC

    $system->write('/etc/nginx/liveupdate.conf', '');
    $system->write('/etc/nginx/liveupdate.tokens', '');
    $system->run('mkdir -p /var/lib/liveupdate/store/apps/kept');
}


sub answers {
    my ($system, $name) = @_;

    my $said = said($system, 'curl -s --retry 20 --retry-all-errors'
                    . ' --retry-delay 1 http://127.0.0.1:8080/v1/users/me');

    like($said, qr/^\{"message":/, $name);
}


sub master {
    my ($system) = @_;

    return said($system, 'cat /run/nginx.pid') =~ s/\s//gr;
}


sub said {
    my ($system, $command) = @_;

    return ($system->run($command))[0];
}


sub good {
    my ($system, $command, $name) = @_;

    my ($said, $ok) = $system->run($command);

    ok($ok, $name) or diag(substr $said, -1500);
}
