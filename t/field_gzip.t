#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Compressed twins of files of all sizes: one member each, hardly larger than
# the best that zlib can do, and the same whichever thread makes them.

use warnings;
use strict;

use Compress::Raw::Zlib;
use Digest::SHA qw/ sha256_hex /;
use IO::Uncompress::Gunzip qw/ gunzip /;
use List::Util qw/ sum0 /;
use POSIX ();
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_decode /;
use Test::LiveUpdate::Store;

use constant MB => 1024 * 1024;

my $t = Test::LiveUpdate->new()->plan(24);

$t->config_reference();
$t->run();

my $dir = $t->testdir();
my $store = Test::LiveUpdate::Store->new("$dir/store");
my $app = $t->create_app('gzip');

srand 7;

my $json = records(9 * MB + 12345);
my $noise = join '', map { pack 'N', rand 2 ** 32 } 1 .. 5 * MB / 4;

my %files = (
    'index.html' => '<!DOCTYPE html>',
    'data/9.json' => $json,
    'data/4.json' => substr($json, 0, 4 * MB),
    'data/4+.json' => substr($json, 0, 4 * MB + 1),
    'data/5.json' => substr($json, 0, 5 * MB),
    'data/5+.json' => substr($json, 0, 5 * MB + 1),
    'data/zero.json' => "\0" x (6 * MB),
    'data/noise.json' => $noise,
    'data/half.json' => $noise . substr($json, 0, 5 * MB),
    'data/small-noise.json' => substr($noise, 0, 3 * MB),
    'tiny.js' => 'x' x 255,
    'small.js' => 'x' x 256,
    'image.png' => substr($json, 0, 5 * MB),
);

my $release = publish('files of all sizes', \%files);
my %twins = twins($release);

is(join(' ', sort grep { !$twins{$_} } keys %files),
   'data/noise.json data/small-noise.json image.png index.html tiny.js',
   'what does not compress has no twin');

for my $href (sort grep { $twins{$_} } keys %files) {
    my ($plain, $rest);

    ok(gunzip(\$twins{$href}, \$plain, TrailingData => \$rest)
       && $plain eq $files{$href} && ($rest // '') eq '',
       "$href: one member, and the same bytes");
}

# zlib takes several times as long for its level 9

for my $href ('data/9.json', 'data/4.json') {
    my $best = length zlib($files{$href});

    cmp_ok(length $twins{$href}, '<=', $best * 1.05,
           sprintf '%s: %.1f %% of the size at level 9', $href,
               100 * length($twins{$href}) / $best);
}

is(join(' ', map { sha256_hex($_) } @twins{sort keys %twins}),
   join(' ', map { sha256_hex($_) } do {
       my %again = twins(publish('once more', \%files));
       @again{sort keys %again};
   }), 'the same twins again');

# a large file is ready in less CPU time than zlib takes for its level 9 alone

my $large = records(24 * MB);
my $cpu = cpu($$);

zlib($large);

my $zlib = cpu($$) - $cpu;
my $before = sum0(map { cpu($_) } $t->workers());

publish('a large file', { 'large.json' => $large });

my $took = sum0(map { cpu($_) } $t->workers()) - $before;

cmp_ok($took, '<', 0.8 * $zlib,
       sprintf 'uploaded, verified and compressed in %.1f s of CPU time, not'
               . ' %.1f', $took, $zlib);

# two that want the same path

my %same = map {
    ("$_.js" => "a $_" x 200, "$_.js.gz/b.js" => "b $_" x 200)
} 10 .. 60;

%twins = twins(publish('twins of the same path', \%same));

is(join(' ', sort keys %twins),
   join(' ', (map { "$_.js" } 10 .. 60),
        'capawesome-live-update-manifest.json'),
   'the first of each two has one');

# what the helpers leave

ok(wait_until {
    my %threads = map { $_ => scalar(my @all = glob "/proc/$_/task/*") }
        $t->workers();

    # the worker itself, its pools, and those of low priority
    !grep { $_ > 1 + 32 + 16 + 13 } values %threads;
} 10, 'no thread is left');

is(join(' ', Test::LiveUpdate::Store->new("$dir/store")->temporary()), '',
   'and no temporary file');

###############################################################################

sub publish {
    my ($what, $files) = @_;

    my $done = $t->publish($app, undef,
                           { 'index.html' => '<!DOCTYPE html>', %$files });

    ok($done->{ok}, "$what: published") or diag($done->{reply}{raw});
    is(join("\n", $store->check()), '', "$what: the store is whole");

    return $done->{bundle};
}


sub twins {
    my ($id) = @_;

    my $live = "store/live/$app/$id";

    return map { $_->{href} => $t->read_file("$live/gzip/$_->{href}.gz") }
        grep { $_->{gzip} }
        @{json_decode($t->read_file("$live/files.json"))};
}


sub records {
    my ($size) = @_;

    my @words = map { join '', map { chr 97 + rand 26 } 1 .. 2 + rand 9 }
        1 .. 2000;

    my $text = '[';

    while (length $text < $size) {
        $text .= sprintf '{"id":%d,"name":"%s %s","lat":%.6f,"tags":["%s"],'
                         . '"active":%s},' . "\n", length $text,
            $words[rand @words], $words[rand @words], rand 90,
            $words[rand @words], rand() < 0.5 ? 'true' : 'false';
    }

    return substr $text, 0, $size;
}


# With the threads that have ended.

sub cpu {
    my ($pid) = @_;

    my @stat = split ' ', $t->read_file("/proc/$pid/stat") =~ s/^.*\) //sr;

    return ($stat[11] + $stat[12]) / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}


sub zlib {
    my ($text) = @_;

    my ($deflate) = Compress::Raw::Zlib::Deflate->new(
        -Level => 9, -WindowBits => WANT_GZIP, -MemLevel => 9,
        -AppendOutput => 1);
    my $out = '';

    $deflate->deflate($text, $out);
    $deflate->flush($out);

    return $out;
}
