#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Files of many large bundles beside files of one of them: with the cache of
# the reference configuration, which their file tables do not fit into, with
# files.index and without it.  The store is written to the disk as the module
# would have written it.
#
# BENCH_BUNDLES and BENCH_FILES make it smaller or larger.

use warnings;
use strict;

use Digest::SHA qw/ sha256_hex /;
use File::Path qw/ make_path /;

use Test::LiveUpdate qw/ port /;
use Test::LiveUpdate::Bench;

use constant { SAME => 70, ANY => 25, MEMORY => 100 };

my $bundles = $ENV{BENCH_BUNDLES} || 500;
my $count = $ENV{BENCH_FILES} || 5000;

my $t = bench();
my $load = load_tool($t);
my $files = "$t->{testdir}/files";
my $app = $t->create_app('bench');
my @hrefs = map { sprintf 'assets/module-%05d-%s.js', $_,
                  substr(sha256_hex($_), 0, 8) } 1 .. $count;

# all bundles have the same files

make_path("$files/assets");

for my $href (@hrefs) {
    open my $fh, '>', "$files/$href" or die "$href: $!\n";
    print {$fh} "export {}\n";
    close $fh or die "$href: $!\n";
}

for my $index (1, 0) {
    my @ids = map { bundle($index) } 1 .. $bundles;
    my $one = $ids[0];

    heading("$bundles bundles of $count files, "
            . ($index ? 'with' : 'without') . ' an index');

    my %wrk = (
        one => wrk_script($t, 'one', path($one, $hrefs[0])),
        each => wrk_script($t, 'each', map { path($_, $hrefs[0]) } @ids),
        same => wrk_script($t, 'same', map { path($one, $hrefs[rand @hrefs]) }
                           1 .. 20_000),
        any => wrk_script($t, 'any', map {
                   path($ids[rand @ids], $hrefs[rand @hrefs])
               } 1 .. 20_000),
    );

    $t->write_file('each.paths',
                   join '', map { path($_, $hrefs[0]) . "\n" } @ids);

    my $first = load_run($t, $load, "$t->{testdir}/each.paths",
                         '-n' => scalar @ids, '-c' => 16, '-d' => 600);

    die "$first->{errors} errors\n" if $first->{errors};

    result('the first request for each, CPU time',
           1000 * $first->{cpu} / @ids, 'ms');

    pair('one file of each, beside one of one',
         compare(sub { wrk($t, $wrk{each}) }, sub { wrk($t, $wrk{one}) }),
         SAME);
    pair('any file of all, beside any of one',
         compare(sub { wrk($t, $wrk{any}) }, sub { wrk($t, $wrk{same}) }),
         ANY);
    result('memory of the worker, RSS', memory(worker($t))->{rss}, 'MB', '<=',
           MEMORY);
}


sub path {
    my ($id, $href) = @_;

    return "/artifacts/$app/$id?href=$href";
}


sub bundle {
    my ($index) = @_;

    my $id = random_uuid();
    my $dir = "$t->{testdir}/store/live/$app/$id";
    my $sha256 = sha256_hex($id);
    my $text = '';
    my ($begun, @pages);

    for my $href (@hrefs) {
        my $offset = length $text;

        if (!@pages || $offset - $begun >= 4096) {
            push @pages, "$offset $href\n";
            $begun = $offset;
        }

        $text .= ($offset ? ', {' : '[{') . "\n\t\t\"href\":\t\"$href\",\n"
                 . "\t\t\"size\":\t10,\n\t\t\"sha256\":\t\"$sha256\",\n"
                 . "\t\t\"type\":\t\"text/javascript\"\n\t}";
    }

    my $lines = join '', 1 + length($text) . ' ' . length($text) . "\n",
        @pages;

    make_path($dir);
    symlink $files, "$dir/files" or die "$dir/files: $!\n";

    put("$dir/files.json", "$text]");
    put("$dir/files.index",
        'files.index-1 ' . sha256_hex($lines) . "\n$lines") if $index;

    return $id;
}


sub put {
    my ($path, $text) = @_;

    open my $fh, '>:raw', $path or die "$path: $!\n";
    print {$fh} $text or die "$path: $!\n";
    close $fh or die "$path: $!\n";
}
