#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Makes the tree that the recorded workers served: three builds of one app,
# byte for byte the same each time.
#
#     fixture.pl OUT [APP_BUILDER]
#
# The bytes are those of a Mersenne Twister that is seeded as Python does it
# with a string.  Blockmaps are copied from blockmap/, as far as an answer of
# one was recorded; APP_BUILDER, of the npm package app-builder-bin 4.2.0,
# makes all of them.  What is made is compared with tree.json at the end, and
# not made again if it is there.

use warnings;
use strict;
use integer;

use Digest::SHA qw/ sha256_hex sha512 sha512_base64 /;
use File::Basename qw/ dirname /;
use File::Copy qw/ copy /;
use File::Path qw/ make_path /;
use JSON::PP ();

my $HERE = dirname(__FILE__);

my ($out, $app_builder) = @ARGV;
die "usage: fixture.pl OUT [APP_BUILDER]\n" unless defined $out;

my $APP = '240808w4a9kky77';

my @builds = (
    { n => 1, version => '1.0.0', id => '241001aaaaaaaa1' },
    { n => 2, version => '1.1.0', id => '241101bbbbbbbb2' },
    { n => 3, version => '1.1.1', id => '241111cccccccc3' },
);

my (%base, %made);

if (defined $app_builder || !eval { check(); 1 }) {
    make_path($out);

    build($_) for @builds;
    lists(@builds);
    check();
}


sub build {
    my ($build) = @_;

    my ($version, $id) = @$build{qw/ version id /};
    my $date = date($build);

    my $setup = "My App Setup $version - Build $id";
    my $mac = "My App $version - Build $id";
    my $linux = "my-app-$version-build-$id";

    my %exe = map {
        $_ => artifact($build, "$setup-$_.exe", "exe-$_", 3_000_000)
    } qw/ x64 arm64 /;

    $exe{universal} = artifact($build, "$setup.exe", 'exe-universal',
                               4_000_000);

    my %zip = map {
        $_ => artifact($build, "$mac-$_-mac.zip", "maczip-$_", 3_500_000)
    } qw/ x64 arm64 universal /;

    my %dmg = map {
        $_ => artifact($build, "$mac-$_.dmg", "dmg-$_", 3_200_000)
    } qw/ x64 arm64 universal /;

    my %image = map {
        $_ => artifact($build, "$linux-$_.AppImage", "appimage-$_", 3_300_000)
    } qw/ x86_64 arm64 /;

    my $deb = artifact($build, "$linux-amd64.deb", 'deb', 2_000_000);

    yml($build, "latest-build-$id.yml", $exe{universal},
        @exe{qw/ x64 arm64 universal /});
    yml($build, "latest-mac-build-$id.yml", $zip{x64},
        @zip{qw/ x64 arm64 universal /}, @dmg{qw/ x64 arm64 universal /});
    yml($build, "latest-linux-build-$id.yml", $image{x86_64}, $image{x86_64});

    my @archs = qw/ x64 arm64 universal /;

    td($build, "td-latest-build-$id.json",
       appx => undef,
       msi => undef,
       nsis => [ map { $_ => $exe{$_} } @archs ],
       'nsis-web' => undef,
       'nsis-web-7z' => undef);

    td($build, "td-latest-mac-build-$id.json",
       dmg => [ map { $_ => $dmg{$_} } @archs ],
       installer => undef,
       mas => undef,
       pkg => undef,
       zip => [ map { $_ => $zip{$_} } @archs ]);

    td($build, "td-latest-linux-build-$id.json",
       appImage => [ x64 => $image{x86_64}, arm64 => $image{arm64} ],
       deb => [ x64 => $deb ],
       rpm => undef,
       snap => undef);
}


sub date {
    my ($build) = @_;

    my $n = $build->{n};

    return sprintf '2024-1%d-01T10:0%d:00.000Z', $n - 1, $n;
}


sub artifact {
    my ($build, $name, $key, $size) = @_;

    my $data = $base{$key} //= twister($key)->bytes($size);

    $data = mutated($data, "$key$build->{n}") if $build->{n} > 1;

    output($name, $data);

    if (defined $app_builder) {
        my $said = qx($app_builder blockmap --input '$out/$name' \\
                      --output '$out/$name.blockmap');
        die "$app_builder failed\n" if $?;

    } elsif (-e "$HERE/blockmap/$name.blockmap") {
        copy("$HERE/blockmap/$name.blockmap", "$out/$name.blockmap")
            or die "cannot copy $name.blockmap: $!\n";
    }

    return {
        name => $name,
        size => length $data,
        sha256 => $made{$name},
        sha512 => sha512_base64($data) . '==',
    };
}


sub mutated {
    my ($data, $seed) = @_;

    my $random = twister($seed);

    for (1 .. 20) {
        my $offset = $random->below(length($data) - 5000);
        substr($data, $offset, 300) = $random->bytes(300);
    }

    return $data;
}


sub yml {
    my ($build, $name, $main, @files) = @_;

    my $text = "version: $build->{version}\nfiles:\n";

    for my $file (@files) {
        $text .= "  - url: $file->{name}\n"
            . "    sha512: $file->{sha512}\n"
            . "    size: $file->{size}\n";
    }

    output($name, $text . "path: $main->{name}\nsha512: $main->{sha512}\n"
                  . "releaseDate: '" . date($build) . "'\n");
}


sub td {
    my ($build, $name, @artifacts) = @_;

    my @parts;

    while (my ($artifact, $files) = splice @artifacts, 0, 2) {

        if (!defined $files) {
            push @parts, qq(    "$artifact": null);
            next;
        }

        my @archs;

        while (my ($arch, $file) = splice @$files, 0, 2) {
            my $url = "https:/" . "/download.todesktop.com/$APP/$file->{name}";
            $url =~ s/ /%20/g;

            push @archs, qq(      "$arch": {\n)
                . qq(        "path": "$file->{name}",\n)
                . qq(        "url": "$url",\n)
                . qq(        "sha256": "$file->{sha256}",\n)
                . qq(        "size": $file->{size}\n      });
        }

        push @parts, qq(    "$artifact": {\n) . join(",\n", @archs)
            . "\n    }";
    }

    output($name, qq({\n  "artifacts": {\n) . join(",\n", @parts)
                  . qq(\n  },\n  "createdAt": ") . date($build)
                  . qq(",\n  "version": "$build->{version}"\n}));
}


sub lists {
    my (@builds) = @_;

    output('desktop-builds.json', "[\n" . join(",\n", map {
               qq(  {\n    "id": "$_->{id}",\n)
               . qq(    "version": "$_->{version}",\n)
               . qq(    "createdAt": ") . date($_)
               . qq(",\n    "isReleased": true\n  })
           } @builds) . "\n]");

    output('desktop-releases.json', <<"EOF" =~ s/\n\z//r);
{
  "latestReleaseBuildId": "$builds[1]{id}",
  "releaseRedirections": [
    {
      "rule": "buildByIp",
      "buildId": "$builds[2]{id}",
      "ipList": [
        "127.0.0.9",
        "203.0.113.7"
      ]
    },
    {
      "rule": "buildByPlatform",
      "buildId": "$builds[0]{id}",
      "platforms": [
        "linux"
      ]
    }
  ]
}
EOF
}


sub output {
    my ($name, $data) = @_;

    open my $fh, '>:raw', "$out/$name.$$" or die "cannot write $name: $!\n";
    print $fh $data;
    close $fh or die "cannot write $name: $!\n";

    rename "$out/$name.$$", "$out/$name" or die "cannot name $name: $!\n";

    $made{$name} = sha256_hex($data);
}


sub check {
    open my $fh, '<', "$HERE/tree.json" or die "cannot read tree.json: $!\n";

    my $tree = JSON::PP->new->decode(do { local $/; <$fh> });

    for my $name (sort keys %$tree) {
        my $digest = -e "$out/$name"
            ? Digest::SHA->new(256)->addfile("$out/$name", 'b')->hexdigest
            : 'missing';

        die "$name is $digest\n" if $digest ne $tree->{$name}{sha256};
    }

    for my $name (sort keys %made) {
        die "$name is not in tree.json\n" unless $tree->{$name};
    }
}


# MT19937, as Python's random.Random(string) seeds and reads it: the string
# and its SHA-512 are one big number, and its words, the least significant one
# first, are the key of init_by_array().

sub twister {
    my ($seed) = @_;

    my @key = unpack 'V*', pad(scalar reverse $seed . sha512($seed));
    my @state = (19650218);

    for my $i (1 .. 623) {
        push @state, (1812433253 * ($state[-1] ^ $state[-1] >> 30) + $i)
            & 0xffffffff;
    }

    my ($i, $j) = (1, 0);

    for (1 .. (@key > 624 ? @key : 624)) {
        my $last = $state[$i - 1];

        $state[$i] = (($state[$i] ^ ($last ^ $last >> 30) * 1664525)
                      + $key[$j] + $j) & 0xffffffff;

        $j = ($j + 1) % @key;

        if (++$i == 624) {
            $state[0] = $state[623];
            $i = 1;
        }
    }

    for (1 .. 623) {
        my $last = $state[$i - 1];

        $state[$i] = (($state[$i] ^ ($last ^ $last >> 30) * 1566083941)
                      - $i) & 0xffffffff;

        if (++$i == 624) {
            $state[0] = $state[623];
            $i = 1;
        }
    }

    $state[0] = 0x80000000;

    return bless { state => \@state, ready => '' };
}


sub pad {
    my ($bytes) = @_;

    return $bytes . "\0" x (-length($bytes) & 3);
}


sub bytes {
    my ($self, $n) = @_;

    while (length $self->{ready} < $n) {
        $self->{ready} .= $self->next_words;
    }

    # the last word's upper bytes are used, were it not used whole

    die "not a number of words\n" if $n & 3;

    return substr $self->{ready}, 0, $n, '';
}


sub below {
    my ($self, $n) = @_;

    my $bits = length sprintf '%b', $n;

    while (1) {
        my $r = unpack('V', $self->bytes(4)) >> 32 - $bits;

        return $r if $r < $n;
    }
}


# 624 words.  Of old words, all come from before; of new ones, those that are
# behind already, so that the two halves are each one loop.

sub next_words {
    my ($self) = @_;

    my $mt = $self->{state};
    my $y;

    for my $k (0 .. 226) {
        $y = $mt->[$k] & 0x80000000 | $mt->[$k + 1] & 0x7fffffff;
        $mt->[$k] = $mt->[$k + 397] ^ $y >> 1 ^ ($y & 1) * 0x9908b0df;
    }

    for my $k (227 .. 622) {
        $y = $mt->[$k] & 0x80000000 | $mt->[$k + 1] & 0x7fffffff;
        $mt->[$k] = $mt->[$k - 227] ^ $y >> 1 ^ ($y & 1) * 0x9908b0df;
    }

    $y = $mt->[623] & 0x80000000 | $mt->[0] & 0x7fffffff;
    $mt->[623] = $mt->[396] ^ $y >> 1 ^ ($y & 1) * 0x9908b0df;

    return pack 'V*', map {
        $y = $_ ^ $_ >> 11;
        $y ^= $y << 7 & 0x9d2c5680;
        $y ^= $y << 15 & 0xefc60000;
        $y ^ $y >> 18;
    } @$mt;
}
