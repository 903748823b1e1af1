#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# What docs/electron-builder.md says, done: its server, its key, its lines in
# electron-builder.yml, and what its CI jobs run, up to an updated client.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_decode json_encode port /;

my $ROOT = $Test::LiveUpdate::ROOT;
my $CLIENTS = "$ROOT/t/clients";

my $t = Test::LiveUpdate->new()->has_daemon('node')->has_daemon('curl');

$t->skip_all('no electron-publish, run "make clients" first')
    unless -d "$CLIENTS/node_modules/electron-publish-26";

$t->skip_all('curl has no --json, which came with 7.82')
    if `curl --help all` !~ /--json/;

my $dir = $t->testdir();
my $guide = slurp("$ROOT/docs/electron-builder.md");
my $address = 'http://127.0.0.1:' . port(8080);

my ($location) = blocks('nginx');
my ($publish, @ci) = blocks('yaml');
my ($created) = $guide =~ /^ {7}(curl .*?\}')$/ms or die "no app\n";
my ($key) = $guide =~ /^ {7}(access=.*?secret")$/ms or die "no key\n";

$t->plan(20);

$t->config_reference(sub {
    my ($name) = @_;

    s{^ +location / \{.*?^ {8}\}\n}{ local_names($location) }mse or die
        if $name eq 'nginx.conf';
})->run();

$ENV{B} = $address;
$ENV{ADMIN_TOKEN} = $t->token('admin');

like(shell($created), qr/"id":"shop-desktop"/, 'the app is created');

my $said = shell($key);
my ($access, $secret) = $said =~ /^(\S+) (\S+)$/ or die "no key: $said\n";

is((stat "$dir/keys")[2] & 0777, 0600, 'the key file is secret');
like($t->read_file('keys'), qr/^\Q$access publish $secret\E$/m,
     'the key is in it');

$t->reload();

# the ten lines

my @lines = split /\n/, $publish;

cmp_ok(scalar @lines, '<=', 10, 'ten lines suffice');

my ($feed, $s3) = @{yaml($publish)->{publish}};

is("$feed->{provider} $s3->{provider}", 'generic s3', 'two publishers');
is($s3->{path}, '${version}', 'the path is the version');

# the jobs of both systems run one and the same command

for my $i (0, 1) {
    my ($kind, $text) = (('GitHub', 'GitLab')[$i], $ci[$i]);

    ok(yaml($text), "$kind: its file can be read");
    like($text, qr/npx electron-builder --publish always\s/,
         "$kind: what runs");
    like($text, qr/\s--config\.releaseInfo\.vendor\.commit=\$/,
         "$kind: the commit is told");
    like($guide, qr/AWS_ACCESS_KEY_ID.*AWS_SECRET_ACCESS_KEY/s,
         "$kind: the key is in the environment");
}

like($ci[0], qr/AWS_ACCESS_KEY_ID: .*\n.*AWS_SECRET_ACCESS_KEY: /,
     'GitHub: it is set');

# three machines at once

($ENV{AWS_ACCESS_KEY_ID}, $ENV{AWS_SECRET_ACCESS_KEY}) = ($access, $secret);

my %targets = (windows => 'nsis', mac => 'mac', linux => 'appimage');

node('builder', map {
    { dir => "$dir/dist/$_", id => 'b1', edits => 5, n => 1, size => 300_000,
      version => '1.2.0', targets => [ $targets{$_} ] }
} sort keys %targets);

my @answers = node('publish', map {
    { builder => 26, dir => "$dir/dist/$_", bucket => $s3->{bucket},
      endpoint => here($s3->{endpoint}),
      path => $s3->{path} =~ s/\$\{version\}/1.2.0/r }
} sort keys %targets);

is(join('', map { $_->{error} // '' } @answers), '', 'all is uploaded');
is($t->api('GET', '/releases/shop-desktop/1.2.0')->{json}{state}, 'live',
   'the release is live');

for my $system (sort keys %targets) {
    $t->write_file("users/$system/old.AppImage", 'old');

    my ($answer) = node('updater', {
        target => $targets{$system},
        feed => here($feed->{url}),
        version => '1.1.0',
        dir => "$dir/users/$system",
        installed => $system eq 'linux' ? "$dir/users/linux/old.AppImage"
                                        : undef,
    });

    is($answer->{version}, '1.2.0', "$system updates itself");
}


sub blocks {
    my ($language) = @_;

    my @blocks;

    while ($guide =~ /^( *)```$language\n(.*?)^ *```$/msg) {
        push @blocks, $2 =~ s/^$1//mgr;
    }

    return @blocks;
}


sub local_names {
    my ($text) = @_;

    return $text =~ s{/etc/nginx/liveupdate\.keys}{keys}r
                 =~ s{/var/lib/liveupdate/store}{store}r;
}


sub here {
    return $_[0] =~ s{https://updates\.example\.com}{$address}r;
}


sub shell {
    my ($text) = @_;

    $text =~ s/^ {7}//mg;
    $text =~ s{/etc/nginx/liveupdate\.keys}{$dir/keys};
    $t->write_file('commands', "$text\n");

    return scalar `sh '$dir/commands' 2>'$dir/said'`;
}


sub yaml {
    my ($text) = @_;

    $t->write_file('a.yml', $text);

    my $json = `cd '$CLIENTS' && node -e 'process.stdout.write(JSON.stringify(
        require("js-yaml").load(require("fs").readFileSync("$dir/a.yml",
                                                           "utf8"))))'`;

    return $? ? undef : json_decode($json);
}


sub slurp {
    my ($name) = @_;

    open my $fh, '<', $name or die "cannot open $name: $!\n";

    return do { local $/; <$fh> };
}


sub node {
    my ($script, @jobs) = @_;

    $t->write_file('jobs.json', json_encode(\@jobs));

    my $out = `node '$CLIENTS/$script.js' < '$dir/jobs.json' 2>'$dir/said'`;

    die "$script.js failed:\n", $t->read_file('said') if $?;

    my ($answers) = $out =~ /^(\[\{.*\}\])$/m;

    return $answers ? @{json_decode($answers)} : ();
}
