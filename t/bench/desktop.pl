#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# What desktop apps cost: the manifest that the rules choose, beside "return"
# with the same reply, and beside the same file in a location that has "root"
# and nothing else; an installer of 100 MB, beside the same.

use warnings;
use strict;

use Digest::SHA ();
use File::Path qw/ make_path /;
use IO::Socket::INET;
use Socket qw/ MSG_PEEK /;
use Time::HiRes qw/ time /;

use Test::LiveUpdate;
use Test::LiveUpdate::Bench;

use constant TARGET => 85;
use constant TARGET_FILE => 98;

use constant SIZE => 100 << 20;
use constant DOWNLOADS => 10;

my $t = bench(server => "        include  bench*.conf;\n");

my $dir = $t->testdir();
my $app = 'bench-desktop';
my @builds = qw/ 260101aaaaaaaa1 260201bbbbbbbb2 260301cccccccc3 /;

api('POST', '/v1/apps', { name => 'Bench', type => 'electron', id => $app });

publish($builds[$_], "1.$_.0", $_ == 1 ? SIZE : 1 << 10) for 0 .. 2;

# as somebody may have them who is in the middle of a rollout

api('PUT', "/releases/$app/rules", {
    latestReleaseBuildId => $builds[1],
    releaseRedirections => [
        { rule => 'buildByPlatform', buildId => $builds[0],
          platforms => [ 'linux' ] },
        { rule => 'buildByIp', buildId => $builds[2],
          ipList => [ '198.51.100.0/24', '203.0.113.7', '2001:db8::/32' ] },
        { rule => 'buildByRollout', buildId => $builds[2], percentage => 0 },
    ],
});

# what electron-updater sends

my @headers = ('User-Agent: electron-builder', 'Cache-Control: no-cache',
               'x-user-staging-id: 5d1b0a52-9e3f-5c0e-8c86-7f3e4e2a9b11');

my $manifest = "latest-build-$builds[1].yml";
my $installer = installer($builds[1], '1.1.0');

my $query = 'noCache=1k7vnv1lv';
my $feed = "/desktop/$app/latest.yml?$query";
my $same = "/samexxx/$app/latest.yml?$query";
my $body = "/bodyxxx/$app/latest.yml?$query";

put_locations();

heading('The manifest that the rules choose');

for my $case (
    { name => 'beside "return" with the same reply', path => $same,
      target => TARGET },
    { name => 'beside "return" with the same body', path => $body,
      target => TARGET },
    { name => 'beside "root" with the same file',
      path => "/plain/$manifest?$query" },
) {
    next unless wanted($case->{name});

    pair($case->{name}, compare(load('ours', $feed),
                                load('theirs', $case->{path})),
         $case->{target});
}

heading('An installer of 100 MB');

if (wanted('the installer')) {
    my $path = $installer =~ s/ /%20/gr;

    pair('beside "root" with the same file',
         compare(download("/desktop/$app/$path"), download("/plain/$path")),
         TARGET_FILE);
}


sub load {
    my ($name, $path) = @_;

    my $script = wrk_script($t, $name, $path);

    return sub { wrk($t, $script, headers => \@headers) };
}


# wrk reads 8 KB at a time, and is what is slow.  One after the other, over one
# connection.

sub download {
    my ($path) = @_;

    return sub {
        my $s = IO::Socket::INET->new('127.0.0.1:' . port(8080))
            or die "cannot connect: $!\n";

        my $pid = worker($t);
        my $cpu = cpu_seconds($pid);
        my $start = time();

        for (1 .. DOWNLOADS) {
            print {$s} "GET $path HTTP/1.1\r\nHost: bench\r\n\r\n";

            my $left = SIZE + head($s);

            while ($left > 0) {
                $left -= sysread($s, my $bytes, 1 << 20)
                         || die "$path: a part is missing\n";
            }
        }

        return { requests => DOWNLOADS, seconds => time() - $start,
                 cpu => cpu_seconds($pid) - $cpu, others => 0 };
    };
}


# The length of the header, which is still to be read.

sub head {
    my ($s) = @_;

    my $head = '';

    while ($head !~ /\r\n\r\n/) {
        defined recv($s, $head, 4096, MSG_PEEK) or die "no reply: $!\n";
    }

    $head =~ m{^HTTP/1\.1 200 .*?\r\n\r\n}s or die "no file: $head\n";

    return $+[0];
}


sub api {
    my (@call) = @_;

    my $reply = $t->api(@call, timeout => 60);

    die "@call[0, 1]: $reply->{raw}\n" if $reply->{status} >= 300;
}


sub get {
    my ($path) = @_;

    my $reply = $t->api('GET', $path, undef, token => undef,
                        headers => [ map { split /: /, $_, 2 } @headers ]);

    die "$path: $reply->{raw}\n" if $reply->{status} != 200;

    return $reply;
}


sub installer {
    my ($build, $version) = @_;

    return "My App Setup $version - Build $build-x64.exe";
}


# A release for Windows, an installer of this size.

sub publish {
    my ($build, $version, $size) = @_;

    my $uploads = "store/staging/$app/$build/uploads";
    my $name = installer($build, $version);

    make_path("$dir/$uploads");

    system("head -c $size /dev/urandom > '$dir/$uploads/$name'") == 0
        or die "no file of $size bytes\n";

    my $sha512 = Digest::SHA->new(512)->addfile("$dir/$uploads/$name", 'b')
                 ->b64digest() . '==';

    $t->write_file("$uploads/latest.yml", <<"EOF");
version: $version
files:
  - url: $name
    sha512: $sha512
    size: $size
path: $name
sha512: $sha512
releaseDate: '2026-01-01T00:00:00.000Z'
EOF

    api('POST', "/releases/$app/$build/stage", {});
}


# Locations that answer as ours does: with the same headers, with the same
# body, and with a link each to the same files, so that neither warms the cache
# of open files for the other.

sub put_locations {
    my $ours = get($feed);

    my $text = $ours->{body} =~ s/'/\\'/gr;
    my $more = '';

    for my $name (qw/ Last-Modified ETag Cache-Control Content-Disposition
                      Accept-Ranges Content-Security-Policy
                      X-Content-Type-Options /)
    {
        my $value = $ours->{headers}{lc $name} =~ s/(["\\])/\\$1/gr;
        $more .= "    add_header    $name  \"$value\";\n";
    }

    $t->write_file('bench.conf', <<"EOF");
location ^~ /samexxx/ {
    default_type  text/yaml;
$more    return        200  '$text';
}

location ^~ /bodyxxx/ {
    default_type  text/yaml;
    return        200  '$text';
}

location ^~ /plain/ {
    root  $dir;
}
EOF

    make_path("$dir/plain");

    for my $file ($manifest, $installer) {
        link "$dir/store/feed/$app/$file", "$dir/plain/$file"
            or die "no link: $!\n";
    }

    $t->reload();

    for my $path ($same, $body, "/plain/$manifest") {
        die "$path: another body\n" if get($path)->{body} ne $ours->{body};
    }

    my $theirs = get($same);

    die "other headers:\n$ours->{raw}\n$theirs->{raw}\n"
        if headers($ours) ne headers($theirs);
}


# In no order; not the date.

sub headers {
    my ($reply) = @_;

    my ($head) = $reply->{raw} =~ /^(.*?)\r\n\r\n/s;

    return join "\n", sort grep { !/^Date:/ } split /\r\n/, $head;
}
