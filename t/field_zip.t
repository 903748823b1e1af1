#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Zip archives that devices read otherwise than their publisher meant: names
# without the mark of UTF-8, folders that cannot be unpacked, several pages,
# headers that disagree, a manifest of other files.  What common tools write
# is taken.

use warnings;
use strict;

use Compress::Zlib qw/ crc32 /;
use Digest::SHA qw/ sha256_hex /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_encode zip /;

use constant {
    MANIFEST => 'capawesome-live-update-manifest.json',
    UTF8 => 0x800,
};

my $t = Test::LiveUpdate->new()->plan(55);

$t->config_reference();
$t->run();

my $app = $t->create_app('zip');

$t->create_channel($app, 'production');

my $dir = $t->testdir() . '/zip';
my $words = "gr\xc3\xb6\xc3\x9fe.js";
my $told = "gr\xf6\xdfe.js";         # in characters
my $marked = qr/^422 "assets\/\Q$told\E" is not marked as UTF-8.*-mcu=on/;

# names

my @page = (name => 'index.html', data => '<html>');

refused([{@page}, {name => "assets/$words"}], $marked,
        'UTF-8 without a mark');
refused([{@page}, {name => "assets/$words", extra => path("assets/$words")}],
        $marked, 'a Unicode Path field is no mark');
refused([{@page}, {name => "$words/"}],
        qr/^422 "\Q$told\E\/" is not marked/, 'a folder without a mark');
refused([{@page}, {name => "gr\x94\xe1e.js"}],
        qr/^422 "gr\?\?e\.js" is not UTF-8/, 'code page 437');
refused([{@page}, {name => "gr\x94\xe1e.js", flags => UTF8}],
        qr/is not UTF-8/, 'code page 437, marked as UTF-8');
refused([{@page}, {name => 'gr#U00f6e.js', extra => path("gr\xc3\xb6e.js",
                                                          'gr#U00f6e.js')}],
        qr/^422 "gr#U00f6e\.js" has another name in its Unicode Path field/,
        'an escaped name, and the real one where devices do not look');
refused([{@page}, {name => "assets/$words", flags => UTF8,
                   local => { flags => 0 }}],
        qr/"assets\/\Q$told\E" is not the same in its local header/,
        'marked in the directory alone');
accepted([{@page}, {name => "assets/$words", flags => UTF8}], 'marked');
accepted([{@page}, {name => "assets/$words", flags => UTF8,
                    extra => path("assets/$words")}], 'marked, and twice');
accepted([{@page}, {name => 'a.js', comment => "gr\xc3\xb6"}],
         'a comment is no name');
accepted([{@page, extra => path("gr\xc3\xb6e.js", 'other')}],
         'a Unicode Path field of another name');

# modes

for my $case ([0040555, 'ro/'], [0040500, 'ro/'], [0040600, 'ro/'],
              [0000077, 'ro/'])
{
    my ($mode, $name) = @$case;

    for my $made (0, 3, 19) {
        refused([{@page}, {name => $name, mode => $mode, made => $made},
                 {name => "${name}x.js"}],
                qr/^422 "ro\/" is a folder that its owner may not .*chmod/,
                sprintf('a folder of the mode %o, made by %d', $mode, $made));
    }
}

refused([{@page}, {name => './', mode => 0040555}],
        qr/^422 "\.\/" is a folder that its owner/, 'the top, read-only');
refused([{@page}, {name => 'x.js', mode => 0100200}],
        qr/^422 "x\.js" is a file that its owner may not read.*chmod/,
        'a file that nobody reads');
refused([{@page}, {name => 'x', mode => 0040755}],
        qr/^422 "x" is a folder by its attributes/, 'a folder without "/"');
accepted([{@page, mode => 0100444}, {name => 'a/', mode => 0040700}],
         'a file that nobody writes');
accepted([{@page}, {name => 'a/', mode => 0}], 'no mode at all');

# where the page is

refused([{name => 'build/index.html'}, {name => 'storybook/index.html'}],
        qr/^422 "build\/", "storybook\/" both have an index\.html/,
        'several pages, and none at the top');
accepted([{@page}, {name => 'storybook/index.html'}], 'one at the top');
accepted([{name => 'www/index.html'}, {name => 'www/help/index.html'}],
         'one above the others');
accepted([{name => './'}, {name => './index.html'}, {name => './a.js'}],
         'names that begin with "./"');

# local headers, one lie each

for my $lie ([name => 'b.js', 'different name'], [method => 8],
             [crc => 1], [packed => 4], [size => 6], [flags => 1],
             [flags => 8])
{
    my ($what, $value, $said) = @$lie;

    $said //= 'not the same in its local header';

    refused([{@page}, {name => 'a.js', data => 'let a',
                       local => { $what => $value }}],
            qr/^422 "a\.js" .*$said/, "a local header with another $what");
}

refused([{@page}, {name => 'a.js', data => 'let a', flags => 8,
                   descriptor => pack('a4 V3', "PK\7\10", crc32('let a'), 5,
                                      6)}],
        qr/^422 "a\.js" is not the same in its data descriptor/,
        'a data descriptor with another size');
accepted([{@page}, {name => 'a.js', data => 'let a', flags => 8,
                    descriptor => pack('V3', crc32('let a'), 5, 5)}],
         'a data descriptor without a signature');

# a manifest in it

my %files = ('index.html' => '<html>', 'app.js' => 'two');
my $fits = manifest(%files);
my $stale = manifest(%files, 'app.js' => 'one');

sub manifest {
    my (%of) = @_;

    return json_encode([map { {
        href => $_, checksum => sha256_hex($of{$_}),
        sizeInBytes => length $of{$_},
    } } sort keys %of]);
}

ok($t->publish($app, 'production', zip(%files, MANIFEST, $fits))->{ok},
   'a manifest that fits');

for my $case ([$stale, qr/"app\.js" is not as the manifest in the zip archive/,
               'of other files'],
              [manifest(%files, 'x.js' => 'x'),
               qr/"x\.js" is not in the zip archive/, 'of more files'],
              ['', qr/"\Q${\MANIFEST}\E" in the zip archive is not/, 'empty'],
              ['{', qr/"\Q${\MANIFEST}\E" in the zip archive is not/, 'torn'])
{
    my ($text, $said, $name) = @$case;
    my $done = $t->publish($app, 'production', zip(%files, MANIFEST, $text));

    like($t->said($done->{reply}),
         qr/^422 $said.*apps:liveupdates:generatemanifest/,
         "a manifest: $name");
}

ok($t->publish($app, 'production',
               zip(map({ ("www/$_" => $files{$_}) } sort keys %files),
                   MANIFEST, $stale))->{ok},
   'a manifest that devices do not keep');

# what tools make of the same folder, and what is told of it

mkdir $dir or die "$dir: $!\n";
mkdir "$dir/src" or die "$!\n";
mkdir "$dir/src/assets" or die "$!\n";
$t->write_file('zip/src/index.html', '<html>');
$t->write_file('zip/src/app.js', 'a' x 5000);
$t->write_file("zip/src/assets/$words", 'x');
$t->write_file('zip/src/empty', '');

local $ENV{LC_ALL} = 'C.UTF-8';

my $cli = "$Test::LiveUpdate::ROOT/t/clients/node_modules/adm-zip";

for my $tool (
    ['bsdtar', 'bsdtar -a -cf ../x.zip .', 1],
    ['bsdtar', 'LC_ALL=C bsdtar -a -cf ../x.zip .', 0],
    ['bsdtar', 'bsdtar --format zip --options hdrcharset=UTF-8 -cf ../x.zip .',
     1],
    ['zip', 'zip -qr ../x.zip .', 0],
    ['7z', '7z a -tzip -mcu=on ../x.zip . >/dev/null', 1],
    ['python3', 'python3 -m zipfile -c ../x.zip *', 1],
    ['jar', 'jar -cfM ../x.zip .', 1],
    ['node', "test -d '$cli' || exit 77; node -e 'const Z = require(\"$cli\");"
             . ' const z = new Z(); z.addLocalFolder(".");'
             . " z.writeZip(\"../x.zip\")'", 1],
) {
    my ($program, $command, $good) = @$tool;

    SKIP: {
        skip("no $program", 1)
            if system("command -v $program >/dev/null 2>&1") != 0;

        unlink "$dir/x.zip";
        my $failed = system("cd '$dir/src' && { $command; } 2>/dev/null");

        skip("$program made nothing", 1) if !-s "$dir/x.zip";

        my $done = $t->publish($app, 'production',
                               $t->read_file('zip/x.zip'));

        $command =~ s/-e .*/(adm-zip)/;

        if ($good) {
            is($done->{reply}{status}, 200, $command)
                or diag($done->{reply}{body});

        } else {
            like($t->said($done->{reply}),
                 qr/\/\Q$told\E" is not marked as UTF-8/, $command);
        }
    }
}

###############################################################################

sub accepted {
    my ($entries, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $done = $t->publish($app, 'production', archive(@$entries));

    ok($done->{ok}, "taken: $name") or diag($done->{reply}{body});
}


sub refused {
    my ($entries, $said, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $before = $t->latest($app, channelName => 'production')->{body};
    my $live = $t->tree('store/live');
    my $done = $t->publish($app, 'production', archive(@$entries));

    my $told = $t->said($done->{reply});

    ok($told =~ $said
       && $live eq $t->tree('store/live')
       && $before eq $t->latest($app, channelName => 'production')->{body},
       "refused: $name")
        or diag($told);
}


# The Unicode Path field of a name, as Info-ZIP writes it.

sub path {
    my ($path, $of) = @_;

    return pack('v v C V a*', 0x7075, 5 + length $path, 1,
                crc32($of // $path), $path);
}


# Stored entries: name, data, flags, mode, made, extra, comment, descriptor,
# and what the local header says otherwise.

sub archive {
    my (@entries) = @_;

    my $zip = '';
    my $directory = '';

    for my $entry (@entries) {
        my $data = $entry->{data} // '';
        my %header = (
            name => $entry->{name},
            flags => $entry->{flags} // 0,
            method => 0,
            crc => crc32($data),
            packed => length $data,
            size => length $data,
        );

        my $offset = length $zip;

        $zip .= "PK\3\4" . header(%header, %{$entry->{local} || {}}) . pack
            ('v a* a*', 0, $entry->{local}{name} // $entry->{name}, $data);
        $zip .= $entry->{descriptor} // '';

        my $extra = $entry->{extra} // '';
        my $comment = $entry->{comment} // '';

        $directory .= pack('a4 C2 a* v2 v v V V a* a* a*', "PK\1\2", 30,
                           $entry->{made} // 3, header(%header),
                           length $extra, length $comment, 0, 0,
                           ($entry->{mode} // 0) << 16, $offset,
                           $entry->{name}, $extra, $comment);
    }

    return $zip . $directory
        . pack('a4 v4 V2 v', "PK\5\6", 0, 0, scalar @entries, scalar @entries,
               length $directory, length $zip, 0);
}


# What local headers and the directory have in common.

sub header {
    my (%of) = @_;

    return pack('v3 V4 v', 20, $of{flags}, $of{method}, 0x5a215a21, $of{crc},
                $of{packed}, $of{size}, length $of{name});
}
