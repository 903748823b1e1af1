#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# How long a bundle of text takes to become ready, beside a program that writes
# its compressed twins one after the other, with zlib at level 9; and how large
# the twins are.
#
# BENCH_SIZE is the size of the large file in megabytes, BENCH_FILES the number
# of small ones.

use warnings;
use strict;

use Compress::Raw::Zlib;
use Digest::SHA qw/ sha256_hex /;
use File::Path qw/ make_path remove_tree /;
use IO::Handle;
use POSIX ();
use Time::HiRes qw/ time /;

use Test::LiveUpdate qw/ json_decode /;
use Test::LiveUpdate::Bench;

use constant MB => 1024 * 1024;
use constant { SPEED => 1.5, CPU => 1.2, SIZE => 105 };

my $size = $ENV{BENCH_SIZE} || 166;
my $count = $ENV{BENCH_FILES} || 5000;

my $t = bench(free => 1);
my $dir = "$t->{testdir}/by-hand";
my $app = $t->create_app('bench');

srand 7;

my @words = map { join '', map { chr 97 + rand 26 } 1 .. 2 + rand 9 }
    1 .. 5000;

if (wanted('large')) {
    ready("$size MB of JSON in one file", { 'data.json' => json($size * MB) });
}

if (wanted('small')) {
    ready("$count small files", {
        map { (sprintf('assets/%05d.js', $_) => script(200 + rand 16_000)) }
            1 .. $count
    });
}


sub ready {
    my ($name, $files) = @_;

    heading("Ready: $name, beside zlib at level 9");

    my $started = time;
    my @cpu = (cpu($$));

    by_hand($files);

    my $theirs = time - $started;

    push @cpu, cpu($$);

    my $bundle = upload({ 'index.html' => '<!DOCTYPE html>', %$files });

    push @cpu, cpu(worker($t));
    $started = time;

    my $reply = $t->api('PATCH', "/v1/apps/$app/bundles/$bundle",
                        { artifactStatus => 'ready' }, timeout => 600);

    my $ours = time - $started;

    push @cpu, cpu(worker($t));

    die "not ready: $reply->{raw}\n" if $reply->{status} != 200;

    my $live = "$t->{testdir}/store/live/$app/$bundle";
    my ($is, $was) = (0, 0);

    for my $href (sort keys %$files) {
        next unless -e "$live/gzip/$href.gz";

        $is += -s _;
        $was += -s "$dir/$href.gz";
    }

    note(sprintf 'ready, with all that is verified, %.2f s; the twins alone,'
                 . ' by zlib, %.2f s', $ours, $theirs);
    result('speed, ratio', $theirs / $ours, '', '>=', SPEED);
    result('  by CPU time', ($cpu[1] - $cpu[0]) / ($cpu[3] - $cpu[2]), '',
           '>=', CPU);
    result('size of the twins', 100 * $is / $was, '%', '<=', SIZE);
}


# With the threads that have ended.

sub cpu {
    my ($pid) = @_;

    open my $fh, '<', "/proc/$pid/stat" or die "no /proc/$pid/stat: $!\n";

    my @stat = split ' ', <$fh> =~ s/^.*\) //sr;

    return ($stat[11] + $stat[12]) / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}


# As it was: read, compressed, synced, renamed.

sub by_hand {
    my ($files) = @_;

    remove_tree($dir);

    for my $href (sort keys %$files) {
        my ($deflate) = Compress::Raw::Zlib::Deflate->new(
            -Level => 9, -WindowBits => WANT_GZIP, -MemLevel => 9,
            -AppendOutput => 1, -Bufsize => MB);
        my $out = '';

        $deflate->deflate($files->{$href}, $out);
        $deflate->flush($out);

        make_path("$dir/$href" =~ s{/[^/]*$}{}r);

        open my $fh, '>:raw', "$dir/new" or die "$dir/new: $!\n";
        print {$fh} $out;
        $fh->flush && $fh->sync or die "$dir/new: $!\n";
        rename "$dir/new", "$dir/$href.gz" or die "$href: $!\n";
    }
}


sub upload {
    my ($files) = @_;

    my %all = (%$files, Test::LiveUpdate::API::manifest_of($files));
    my $bundle = $t->api('POST', "/v1/apps/$app/bundles", {
        appId => $app, artifactType => 'manifest',
    })->{json}{id};

    for my $href (sort keys %all) {
        my $reply = $t->upload($app, $bundle, $all{$href}, href => $href,
                               timeout => 600);

        die "$href: $reply->{raw}\n" if $reply->{status} >= 300;
    }

    return $bundle;
}


sub json {
    my ($length) = @_;

    my $text = '[';

    while (length $text < $length) {
        $text .= sprintf '{"id":%d,"name":"%s %s","lat":%.6f,"lon":%.6f,'
                         . '"tags":["%s","%s"],"active":%s},' . "\n",
            length $text, map({ $words[rand @words] } 1, 2), rand 90,
            rand 180, map({ $words[rand @words] } 1, 2),
            rand() < 0.5 ? 'true' : 'false';
    }

    return "$text\{}]";
}


sub script {
    my ($length) = @_;

    my $text = '';

    while (length $text < $length) {
        $text .= sprintf "export function %s(%s) {\n    return this.%s(%s,"
                         . " \"%s\");\n}\n", map { $words[rand @words] } 1 .. 5;
    }

    return $text;
}
