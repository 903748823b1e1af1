#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Blockmaps: those of another file are refused, and missing ones are made, so
# that the real electron-updater gets no more than what has changed.

use warnings;
use strict;

use Digest::SHA qw/ sha512_base64 /;
use IO::Compress::Gzip qw/ gzip /;
use IO::Uncompress::Gunzip qw/ gunzip /;
use Test::More;

use Test::LiveUpdate;
use Test::LiveUpdate::Updater;

my $t = Test::LiveUpdate->new();
my $updater = Test::LiveUpdate::Updater->new($t);

$ENV{APPROVAL} = 'on';

$t->config_reference(sub {
    my ($name) = @_;

    s{^        location / }{        liveupdate_blockmaps  on;\n\n$&}m
        if $name eq 'nginx.conf';
});

$t->run()->plan(31);

my $dir = $t->testdir();

my @builds = (
    { version => '1.0.0', id => '1.0.0', n => 1 },
    { version => '1.1.0', id => '1.1.0', n => 2 },
);

my $size = { size => 3_000_000, edits => 12,
             targets => [qw/ nsis appimage mac /] };

$updater->make('shop', $size, @builds);

my $exe = $updater->name('nsis', $builds[1]);
my $zip = $updater->name('mac', $builds[1]);
my $image = $updater->name('appimage', $builds[1]);


# of another file

my $map = $t->read_file("made/shop/1.1.0/$exe.blockmap");
my $old = $t->read_file('made/shop/1.0.0/' . $updater->name('nsis', $builds[0])
                        . '.blockmap');
my $json = text_of($map);

my $cut = $json =~ s/("checksums":\[)"[^"]+",/$1/r
                =~ s/("sizes":\[)\d+,/$1/r;

my %wrong = (
    'of the version before'
        => [ $old, qr/describes another file, in block \d+, which begins at/ ],
    'without its first block'
        => [ packed($cut), qr/describes another file, in block 1, .* byte 0 / ],
    'without its last block'
        => [ packed($json =~ s/,"[^"]+"\]/]/r =~ s/,\d+\]\}/]}/r),
             qr/describes fewer bytes than the file has/ ],
    'with a block too many'
        => [ packed($json =~ s/,"([^"]+)"\]/,"$1","$1"]/r
                          =~ s/,(\d+)\]\}/,$1,1]}/r),
             qr/describes more bytes than the file has|another file/ ],
    'of two files'
        => [ packed($json =~ s/\[(\{.*\})\]/[$1,$1]/r),
             qr/does not describe one file/ ],
    'that is no JSON' => [ packed('{'), qr/is a blockmap that is no JSON/ ],
    'that is cut short'
        => [ substr($map, 0, 1000), qr/is a blockmap that is damaged/ ],
);

my $n = 0;

for my $what (sort keys %wrong) {
    my ($bytes, $why) = @{$wrong{$what}};
    my $reply = stage('shop', 'wrong-' . $n++, sub {
        $t->write_file("$_[0]/$exe.blockmap", $bytes);
    });

    is($reply->{status}, 422, "a blockmap $what is refused");
    like($reply->{json}{message}, qr/^"\Q$exe\E\.blockmap" .*$why/s,
         'it is named');
}


# inside of a file: the manifest fits the bytes, and the blockmap does not

my $bytes = $t->read_file("made/shop/1.1.0/$image");

substr($bytes, 100_000, 1) ^= 'x';

my $reply = stage('shop', 'inside', sub {
    my ($uploads) = @_;

    my $sha512 = sha512_base64($bytes) . '==';
    my $yml = $t->read_file("$uploads/latest-linux.yml");

    $t->write_file("$uploads/$image", $bytes);
    $t->write_file("$uploads/latest-linux.yml",
                   $yml =~ s/(sha512: )\S+/$1$sha512/gr);
});

is($reply->{status}, 422, 'one that is inside, too');
like($reply->{json}{message},
     qr/^"\Q$image\E" has a blockmap inside that describes another file/,
     'the file is named');


# kinds that nobody knows

$reply = stage('other', '1.1.0', sub {
    my ($uploads) = @_;

    $t->write_file("$uploads/$exe.blockmap", "\x01binary");
    $t->write_file("$uploads/$zip.blockmap", packed("\x01binary"));
});

is($reply->{json}{state}, 'staged', 'other kinds are not read');
is($t->read_file("store/staging/other/1.1.0/files/$exe.blockmap"),
   "\x01binary", 'and stay as they are');


# missing ones

for my $build (@builds) {
    my $reply = stage('made', $build->{id}, sub {
        unlink glob "'$dir/$_[0]'/*.blockmap";
    }, $build);

    is($reply->{json}{state}, 'staged', "$build->{id} without blockmaps");
    $updater->promote('made', $build);
}

for my $target (qw/ nsis mac /) {
    my $name = $updater->name($target, $builds[1]) . '.blockmap';

    ok(text_of($t->read_file("store/live/made/1.1.0/files/$name"))
       eq text_of($t->read_file("made/shop/1.1.0/$name")),
       "$target: it is the one that app-builder makes");
}

ok(!-e "$dir/store/live/made/1.1.0/files/$image.blockmap",
   'none that nobody asks for');

rename "$dir/made/shop", "$dir/made/made" or die "rename: $!\n";

$updater->is_differential('an update with them', 'made', \@builds);


# The build of a version, changed, as a release of an app.

sub stage {
    my ($app, $id, $change, $build) = @_;

    $build //= $builds[1];

    my $uploads = "store/staging/$app/$id/uploads";

    $t->api('POST', '/v1/apps', { name => $app, type => 'electron',
                                  id => $app });

    for my $file (glob "'$dir/made/shop/$build->{id}'/*") {
        $t->write_file("$uploads/" . $file =~ s{.*/}{}r,
                       $t->read_file($file =~ s{^\Q$dir\E/}{}r));
    }

    $change->($uploads);

    return $t->api('POST', "/releases/$app/$id/stage", {}, token => 'publish',
                   timeout => 60);
}


sub text_of {
    my ($bytes) = @_;

    gunzip(\$bytes, \my $text) or die "no gzip\n";

    return $text;
}


sub packed {
    my ($text) = @_;

    gzip(\$text, \my $bytes) or die "cannot compress\n";

    return $bytes;
}
