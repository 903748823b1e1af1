package Test::LiveUpdate::Dist;

# Copyright (C) the nginx-liveupdate authors

# A folder "dist" as electron-builder leaves one, and how it comes into the
# store: by a copy.

use warnings;
use strict;

use Digest::SHA qw/ sha512 /;
use Exporter qw/ import /;
use File::Path qw/ make_path /;
use MIME::Base64 qw/ encode_base64 /;

our @EXPORT_OK = qw/ manifest upload /;


# manifest(version, { name => bytes }, url => [...], extra => yaml):  the text
# of an update manifest that lists the files, in the order of their names or in
# that of "order".

sub manifest {
    my ($version, $files, %opt) = @_;

    my @names = $opt{order} ? @{$opt{order}} : sort keys %$files;
    my $text = "version: $version\nfiles:\n";

    for my $name (@names) {
        my $url = $opt{url}{$name} // $name;

        $text .= "  - url: $url\n"
               . '    sha512: ' . digest($files->{$name}) . "\n"
               . '    size: ' . length($files->{$name}) . "\n";
    }

    $text .= 'path: ' . ($opt{url}{$names[0]} // $names[0]) . "\n"
           . 'sha512: ' . digest($files->{$names[0]}) . "\n"
        unless $opt{modern};

    return $text . ($opt{extra} // '')
           . "releaseDate: '2026-11-21T09:00:00.000Z'\n";
}


# upload(t, app, release, { path => bytes }):  below uploads/, folders included.

sub upload {
    my ($t, $app, $release, $files) = @_;

    my $uploads = "store/staging/$app/$release/uploads";

    for my $name (sort keys %$files) {
        my ($folder) = "$uploads/$name" =~ m{^(.*)/};

        make_path($t->testdir() . "/$folder");
        $t->write_file("$uploads/$name", $files->{$name});
    }
}


sub digest {
    my ($bytes) = @_;

    return encode_base64(sha512($bytes), '');
}


1;
