package Test::LiveUpdate::Release;

# Copyright (C) the nginx-liveupdate authors

# Puts what electron-builder leaves in "dist" where it is staged from.

use warnings;
use strict;

use Exporter qw/ import /;

use Digest::SHA qw/ sha512_base64 /;

our @EXPORT_OK = qw/ bytes_of dist stage_dist manifest_of /;


# dist($t, $app, $release, { $manifest => [ $version, @files ] }): writes the
# manifests and the files that they list.  A file is a name, or [ name, url,
# bytes ].  Returns the folder.

sub dist {
    my ($t, $app, $release, $manifests) = @_;

    my $uploads = "store/staging/$app/$release/uploads";

    for my $manifest (keys %$manifests) {
        my ($version, @files) = @{$manifests->{$manifest}};

        for my $file (@files) {
            my ($name, undef, $bytes) = ref $file ? @$file : $file;

            $t->write_file("$uploads/$name", $bytes // bytes_of($name));
        }

        $t->write_file("$uploads/$manifest", manifest_of($version, @files));
    }

    return $uploads;
}


# The same, and stages it; further members are those of the call.

sub stage_dist {
    my ($t, $app, $release, $manifests, %body) = @_;

    dist($t, $app, $release, $manifests);

    return $t->api('POST', "/releases/$app/$release/stage", \%body,
                   token => 'publish');
}


sub manifest_of {
    my ($version, @files) = @_;

    my $yml = "version: $version\nfiles:\n";

    for my $file (@files) {
        my ($name, $url, $bytes) = ref $file ? @$file : ($file, $file);

        $bytes //= bytes_of($name);

        $url =~ s/(["\\])/\\$1/g;
        $url =~ s/([\x00-\x1f\x7f])/sprintf '\\x%02x', ord $1/ge;

        $yml .= "  - url: \"$url\"\n"
                . '    sha512: ' . sha512_base64($bytes) . "==\n"
                . '    size: ' . length($bytes) . "\n";
    }

    return $yml . "releaseDate: '2026-11-21T09:00:00.000Z'\n";
}


sub bytes_of {
    my ($name) = @_;

    return "the bytes of $name\n" x 20;
}


1;
