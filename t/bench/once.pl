#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# How much smaller a history of 50 bundles is because bytes that they have in
# common are stored once.

use warnings;
use strict;

use Test::LiveUpdate qw/ :DEFAULT /;

my $t = Test::LiveUpdate->new();

$t->write_file_expand('nginx.conf', <<'EOC');

%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    liveupdate_store   store;
    liveupdate_tokens  tokens;

    server {
        listen  127.0.0.1:8080;

        location /v1/ {
            liveupdate_api;
        }
    }
}

EOC

$t->run();

my $dir = $t->testdir() . '/store';

history();


# A web app as a bundler makes it: some files with a hash in their names change
# with each release, most libraries, pictures and fonts do not.

sub history {
    srand 14;

    my $app = $t->create_app('History');
    my %files = map { ("assets/img$_.png" => random(20_000 + rand 60_000)) }
        1 .. 30;

    $files{"assets/font$_.woff2"} = random(40_000) for 1 .. 4;
    $files{"assets/lib$_.js"} = words(60_000) for 1 .. 12;

    my $bytes = 0;

    for my $n (1 .. 50) {
        $files{'index.html'} = "<title>$n</title>" . words(2_000);
        $files{'assets/main.js'} = words(250_000);
        $files{'assets/main.css'} = words(30_000) if $n % 3 == 0;
        $files{'assets/lib' . (1 + int rand 12) . '.js'} = words(60_000)
            if $n % 5 == 0;
        $files{'assets/img' . (1 + int rand 30) . '.png'} = random(50_000)
            if $n % 4 == 0;

        my $done = $t->publish($app, 'default', \%files);

        die $done->{reply}{raw} unless $done->{ok};

        my ($du) = `du -sk $dir/live/$app/$done->{bundle}` =~ /^(\d+)/;

        $bytes += $du;
    }

    my ($once) = `du -sk $dir/live/$app` =~ /^(\d+)/;

    printf "50 bundles of %d files: %d KB as copies, %d KB stored once, "
           . "factor %.1f\n", scalar keys %files, $bytes, $once,
           $bytes / $once;
}


sub random {
    return join '', map { chr int rand 256 } 1 .. $_[0];
}


sub words {
    my $text = '';

    $text .= sprintf 'function f%x(a){return a+%d}', rand 1e9, rand 1e6
        while length $text < $_[0];

    return $text;
}
