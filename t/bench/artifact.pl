#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# What a file of a manifest bundle costs through "?href=" beside the same file
# in a location that has "root" and nothing else.  Both have the open file
# cache of the reference configuration.

use warnings;
use strict;

use Test::LiveUpdate;
use Test::LiveUpdate::Bench;

use constant TARGET => 90;

my $t = bench(server => "        include  bench*.conf;\n");

my %files = (
    'index.html' => '<!DOCTYPE html>',
    map { ("assets/$_.png" => pack 'C*', map { rand 256 } 1 .. $_) }
        1 << 10, 20 << 10, 1 << 20
);

my $app = $t->create_app('bench');
$t->create_channel($app, 'production');

my $done = $t->publish($app, 'production', \%files);
die "not published: $done->{reply}{raw}\n" unless $done->{ok};

# A hard link each, so that neither warms the cache of open files for the
# other.

my $live = "$t->{testdir}/store/live/$app/$done->{bundle}";

system("mkdir $t->{testdir}/plain && cp -rl '$live/files/.' "
       . "'$t->{testdir}/plain/'") == 0 or die "no links\n";

$t->write_file('bench.conf', <<"EOF");
location ^~ /plain/ {
    root  $t->{testdir};
}
EOF

$t->reload();

heading('A file through "?href=", and through "root"');

for my $size (1 << 10, 20 << 10, 1 << 20) {
    my $name = $size >= 1 << 20 ? '1 MB' : ($size >> 10) . ' KB';

    next unless wanted($name);

    my $ours = "/artifacts/$app/$done->{bundle}?href=assets/$size.png";
    my $theirs = "/plain/assets/$size.png";

    for my $path ($ours, $theirs) {
        my $reply = $t->api('GET', $path, undef, token => undef);

        die "$path: $reply->{status}\n"
            if $reply->{body} ne $files{"assets/$size.png"};
    }

    my @scripts = (wrk_script($t, "ours$size", $ours),
                   wrk_script($t, "theirs$size", $theirs));

    pair($name, compare(sub { wrk($t, $scripts[0]) },
                        sub { wrk($t, $scripts[1]) }), TARGET);
}
