#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# nginx's style, as far as it can be told line by line, and the plan of the
# house: which wing of src/ knows which, what files and functions are called,
# that src/core knows nothing of nginx and compiles alone, and that only
# src/store changes what is on the disk.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate ();
use Test::LiveUpdate::House;

chdir $Test::LiveUpdate::ROOT or die "no $Test::LiveUpdate::ROOT: $!\n";

my @core = glob 'src/core/*.[ch]';
my @c = (glob('*.c src/*/*.[ch]'), glob('t/*/*.[ch]'));
# a string in JSON cannot be broken
my @text = ((grep { !/\.json$/ } glob 'conf/* conf/console/*'),
            glob('config LICENSE t/*.t t/*.sh t/lib/*.sh'),
            glob('packaging/*.sh packaging/image/* packaging/nginx-liveupdate'),
            glob('t/lib/Test/*.pm t/lib/Test/*/*.pm t/lib/Test/*/*/*.pm'),
            glob('t/*/*.pl t/*/*.t'));
my @compilers = grep { system("command -v $_ >/dev/null 2>&1") == 0 }
    qw/ gcc clang /;

plan(tests => 18 + @compilers);

cmp_ok(scalar @core, '>', 0, 'there is a core');

none(qr/^.{81}/, 'lines of up to 80 columns', @c, @text);
none(qr/[ \t]\r?$/, 'no trailing blanks', @c, @text, 'Makefile');
none(qr/\r/, 'no carriage returns', @c, @text, 'Makefile');
none(qr/\t/, 'no tabs', @c, @text);
none(qr{(?<!:)//}, 'no // comments', @c);
none(qr/^\s*(?:if|for|while|switch)\(/, 'a blank after the keyword', @c);
is(without_braces(@c), '', 'braces, always');
none(qr/ngx_/, 'nothing of nginx in src/core', @core);
none(qr/\b(?:printf|fopen|open|read|write|stat|unlink|time|getenv)\(/,
     'no input, output or time in src/core',
     grep { !/_(?:zip)\./ } @core);

my $house = Test::LiveUpdate::House->new;

is(join("\n", $house->arrows), '', 'wings know only those below them');
is(join("\n", $house->names), '', 'a name begins with that of its file');
is(join("\n", $house->headers), '', 'a header has the promises of its file');
is(join("\n", $house->circles), '', 'no large circle of files in a wing');
is(join("\n", $house->plan), '', 'docs/architecture.md has all files');
cmp_ok($house->hanging, '<=', 0.01, 'lines that begin at column 40 or later');

none(qr/\b(?:open|openat|read|pread|readv|f?l?stat|fstatat|access|opendir
           |ngx_(?:open_file|open_cached_file|open_dir|fd_info|file_info
           |link_info|read_fd|read_file))\(/x,
     'who answers devices does not wait for the disk',
     grep { !/_(?:load|disk)\.c$/ }
         glob('src/base/*.[ch] src/read/*.[ch] src/zone/*'));
none(qr/\b(?:rename|unlink|link|symlink|fsync|fdatasync|mkdir|rmdir|pwrite
           |truncate|ftruncate|utimensat|futimens|fallocate
           |ngx_(?:rename|delete)_(?:file|dir)|ngx_create_dir
           |ngx_write_(?:fd|file)|ngx_set_file_time)\(/x,
     'only the store changes what is on the disk',
     grep { !m{^src/store/} } glob('*.c src/*/ngx_*.c'));

for my $cc (@compilers) {
    my $flags = '-std=c11 -Wall -Wextra -Wshadow -pedantic -Werror';
    my $said = '';

    for my $file (grep { /\.c$/ } @core) {
        for my $more ('', other_features($file)) {
            $said .= `$cc $flags $more -Isrc/core -fsyntax-only $file 2>&1`;
            $said .= "$cc failed on $file $more\n" if $?;
        }
    }

    is($said, '', "src/core compiles alone with $cc");
}


# The C library, or who compiles, may want other features than the file.

sub other_features {
    my ($file) = @_;

    open my $fh, '<', $file or die "cannot read $file: $!\n";

    return map { /^#define (_\w+_SOURCE)\b/ ? "-D$1=202405L" : () }
        readline $fh;
}


# No line of the files may match.

sub none {
    my ($re, $name, @files) = @_;

    my @found;

    for my $file (grep { -f } @files) {
        open my $fh, '<', $file or die "cannot read $file: $!\n";

        while (my $line = <$fh>) {
            chomp $line;

            my $code = $file =~ /\.[ch]$/ ? masked($line) : $line;

            push @found, "$file:$.: $line" if $code =~ $re;
        }
    }

    is(join("\n", @found), '', $name);
}


# What a string says is no code, but takes its columns.

sub masked {
    my ($code) = @_;

    $code =~ s/"((?:\\.|[^"\\\n])*)"/'"' . '.' x length($1) . '"'/ge;
    $code =~ s/'(?:\\.|[^'\\\n])'/'.'/g;

    return $code;
}


# A condition may take several lines; then the brace has one of its own.

sub without_braces {
    my (@files) = @_;

    my $re = qr/^[ ]*(?:if|for|while|switch)[ ]
                (\((?:[^()]++|(?1))*\))(?!\s*\{)/mx;

    my @found;

    for my $file (@files) {
        open my $fh, '<', $file or die "cannot read $file: $!\n";

        my $code = masked(do { local $/; <$fh> });

        while ($code =~ /$re/g) {
            my $line = 1 + substr($code, 0, $-[0]) =~ tr/\n//;
            push @found, "$file:$line";
        }
    }

    return join "\n", @found;
}
