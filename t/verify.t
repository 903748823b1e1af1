#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# What is verified before a device can see it: each refusal tells the reason
# and leaves the bundle in staging, where it can be put right.

use warnings;
use strict;

use Digest::SHA qw/ sha256_hex /;
use IO::Compress::Zip qw/ :constants $ZipError /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_decode json_encode sign zip /;

my $t = Test::LiveUpdate->new()->plan(104);

$t->config_reference();
$t->run();

my $app = $t->create_app('verify');
my $path = "/v1/apps/$app/bundles";
my $manifest = 'capawesome-live-update-manifest.json';
my $good = zip('index.html' => 'good', 'a/b.js' => 'b' x 1000);
my $key = $t->testdir() . '/key.pem';

system("openssl genrsa -out '$key' 2048 2>/dev/null") == 0 or die;

$t->create_channel($app, 'production');
$t->create_channel($app, 'safe', fields => { protected => \1 });

my $before = $t->publish($app, 'production', $good)->{bundle};

# zip

my $deep = zip('www/app/index.html' => 'x', 'www/app/x.js' => 'y');
my $flipped = stored('index.html', 'as it was') =~ s/as it was/as it IS!/r;

# the flag of the first entry of the directory
my $encrypted = $good;
my $flags = index($good, "PK\x01\x02") + 8;
substr($encrypted, $flags, 1) = chr(ord(substr $good, $flags, 1) | 1);

for my $case (
    ['', qr/not a zip archive/, 'nothing'],
    ['no zip', qr/not a zip archive/, 'text'],
    ["\0" x 5000, qr/not a zip archive/, 'zeroes'],
    [substr($good, 0, -1), qr/\S/, 'without its last byte'],
    [substr($good, 0, length($good) / 2), qr/\S/, 'half of it'],
    [substr($good, 10), qr/\S/, 'without its first bytes'],
    [$flipped, qr/\S/, 'with a wrong byte'],
    ["PK\5\6" . "\0" x 18, qr/empty/, 'an empty one'],
    [zip('main.html' => 'x'), qr/index\.html/, 'without index.html'],
    [zip('xindex.html' => 'x'), qr/index\.html/, 'almost index.html'],
    [zip('INDEX.HTML' => 'x'), qr/index\.html/, 'in capitals'],
    [zip('__MACOSX/index.html' => 'x'), qr/index\.html/,
     'only as a resource fork'],
    [zip('index.html' => 'x', '../x' => 'y'), qr/"\.\.\/x"/, 'out of it'],
    [zip('index.html' => 'x', 'a/../../x' => 'y'), qr/"a\/\.\.\/\.\.\/x"/,
     'out of it, later'],
    [zip('index.html' => 'x', '/etc/passwd' => 'y'), qr/slash/, 'absolute'],
    [zip('index.html' => 'x', 'a\\b' => 'y'), qr/backslash/, 'a backslash'],
    [zip('index.html' => 'x', "a\nb" => 'y'), qr/control/,
     'a control character'],
    [zip('index.html' => 'x', 'C:/x' => 'y'), qr/drive/, 'a drive'],
    [zip('index.html' => 'x', 'a//b' => 'y'), qr/empty segment/,
     'an empty segment'],
    [zip('index.html' => 'x', 'a' => 'y', 'a' => 'z'), qr/twice/,
     'a name twice'],
    [zip('index.html' => 'x', 'a' => 'y', 'a/b' => 'z'),
     qr/file and a directory/, 'a file and a folder'],
    [stored('index.html', 'x', ExtAttr => 0120777 << 16), qr/link/,
     'a symbolic link'],
    [stored('index.html', 'x' x 100, Method => ZIP_CM_BZIP2),
     qr/deflate|method|compress/i, 'bzip2'],
    [$encrypted, qr/password|encrypted/i, 'a password'],
) {
    my ($bytes, $reason, $name) = @$case;

    my $id = bundle('zip', channelName => 'production');

    $t->upload($app, $id, $bytes, parts => 0);
    refused($id, $reason, "zip: $name");
}

# put right

my $id = bundle('zip', channelName => 'production');

$t->upload($app, $id, 'no zip');
refused($id, qr/not a zip archive/, 'zip, wrong first');
$t->upload($app, $id, $good);
is(get($id)->{artifactStatus}, 'failed', 'is failed until it is ready');
is(ready($id)->{status}, 200, 'and right then');
is(get($id)->{reason}, undef, 'without a reason');
is(told('production'), $id, 'devices get it');

my @files = $t->tree("store/live/$app/$id") =~ m{^/(\S+)}mg;

is("@files", 'files files.json files/bundle.zip release.json',
   'nothing else is there');

for my $case ([$deep, 'index.html in a folder'],
              [zip('index.html' => ''), 'an empty index.html'],
              [zip('index.html' => 'x', '__MACOSX/._x' => 'y',
                   '.DS_Store' => 'z', 'a/.DS_Store' => 'z'), 'junk'],
              [zip('index.html' => 'x', "\xc3\xbc.js" => 'y'), 'UTF-8'],
              [stored('index.html', 'x' x 100), 'stored'])
{
    ok($t->publish($app, 'production', $case->[0])->{ok},
       "zip: $case->[1]");
}

# announced, but not there

$id = bundle('zip', channelName => 'production');
$t->upload($app, $id, $good, form => { file => undef });
refused($id, qr/announced, but not uploaded/, 'zip: not uploaded');

# as it was announced, but not on the disk

$id = bundle('zip', channelName => 'production');
$t->upload($app, $id, $good);

my ($data) = glob($t->testdir() . "/store/staging/$app/$id/uploads/*.data");

open my $fh, '+<:raw', $data or die "$data: $!\n";
seek $fh, 50, 0;
print {$fh} "\0\0\0\0";
close $fh;

refused($id, qr/not on the disk as it was announced/, 'zip: torn on the disk');
$t->upload($app, $id, $good);
is(ready($id)->{status}, 200, 'uploaded again');

# manifest

my %files = ('index.html' => '<html>', 'a/b.js' => 'b', 'c.css' => 'c' x 500);

sub entry {
    my ($href, $bytes, %change) = @_;

    return { href => $href, checksum => sha256_hex($bytes),
             sizeInBytes => length $bytes, %change };
}

my @entries = map { entry($_, $files{$_}) } sort keys %files;

for my $case (
    [undef, qr/manifest itself/, 'no manifest'],
    ['', qr/\S/, 'an empty one'],
    ['{', qr/\S/, 'half of one'],
    ['{}', qr/must be an array/, 'an object'],
    ['[]', qr/index\.html/, 'nothing in it'],
    [["x"], qr/must be an object/, 'a string'],
    [[@entries, {}], qr/"href"/, 'an entry without a name'],
    [[@entries, { href => 'x', sizeInBytes => 1 }], qr/"checksum"/,
     'without a checksum'],
    [[@entries, { href => 'x', checksum => sha256_hex('x') }],
     qr/"sizeInBytes"/, 'without a size'],
    [[@entries[0, 1], entry('index.html', $files{'index.html'},
                            sizeInBytes => '6')], qr/"sizeInBytes"/,
     'a size that is a string'],
    [[entry('index.html', $files{'index.html'}, sizeInBytes => 6.5)],
     qr/"sizeInBytes"/, 'half a size'],
    [[@entries, entry('missing.js', 'x')],
     qr/"missing\.js" is in the manifest but was not uploaded/,
     'more than was uploaded'],
    [[@entries[0, 1]], qr/index\.html/, 'without index.html'],
    [[@entries[0, 1], entry('index.html', $files{'index.html'},
                            checksum => sha256_hex('x'))],
     qr/"index\.html" does not have the checksum/, 'another checksum'],
    [[@entries[0, 1], entry('index.html', $files{'index.html'},
                            checksum => uc $entries[2]{checksum})],
     qr/"index\.html" must have a "checksum" of 64 lower-case/,
     'upper-case checksums'],
    [[@entries[0, 1], entry('index.html', $files{'index.html'},
                            sizeInBytes => 7)],
     qr/"index\.html" does not have the size/, 'another size'],
    [[@entries, $entries[0]], qr/twice/, 'a file twice'],
    [[@entries, entry('a', 'x')], qr/file and a directory/,
     'a file and a folder'],
    [[@entries, entry('', 'x')], qr/empty path/, 'an empty name'],
    (map { [[@entries, entry($_, 'x')], qr/^422 "/, "the name \"$_\""] }
     '../x', '/x', 'a/../x', './x', 'a//x', 'a\\x', 'x/', '..', 'C:x',
     'x' x 1025),
) {
    my ($content, $reason, $name) = @$case;

    my $id = bundle('manifest', channelName => 'production');

    $t->upload($app, $id, $files{$_}, href => $_) for keys %files;

    $content = json_encode($content) if ref $content;
    $t->upload($app, $id, $content, href => $manifest) if defined $content;

    refused($id, $reason, 'manifest: ' . substr $name, 0, 30);

    next unless $name =~ /no manifest|checksum|more than/;

    $t->upload($app, $id, json_encode(\@entries), href => $manifest);
    is(ready($id)->{status}, 200, 'and put right');
    is(told('production'), $id, 'devices get it');
    $before = $id;
}

# a file of it is not as the manifest says, and then is

$id = bundle('manifest', channelName => 'production');
$t->upload($app, $id, $files{$_}, href => $_) for 'index.html', 'a/b.js';
$t->upload($app, $id, json_encode(\@entries), href => $manifest);
refused($id, qr/"c\.css" is in the manifest but was not uploaded/,
        'manifest: incomplete');
$t->upload($app, $id, 'other', href => 'c.css');
refused($id, qr/"c\.css" does not have the size/, 'manifest: another file');
$t->upload($app, $id, 'd' x 500, href => 'c.css');
refused($id, qr/"c\.css" does not have the checksum/, 'manifest: other bytes');
$t->upload($app, $id, $files{'c.css'}, href => 'c.css');
is(ready($id)->{status}, 200, 'manifest: complete at last');
$before = $id;

# files that the manifest does not list are no harm

$id = bundle('manifest', channelName => 'production');
$t->upload($app, $id, $files{$_}, href => $_) for keys %files;
$t->upload($app, $id, 'junk', href => '.DS_Store');
$t->upload($app, $id, json_encode(\@entries), href => $manifest);
is(ready($id)->{status}, 200, 'manifest: a file more');
$before = $id;

# but not as a folder of one that is listed

$id = bundle('manifest', channelName => 'production');
$t->upload($app, $id, $files{$_}, href => $_) for keys %files;
$t->upload($app, $id, 'junk', href => 'index.html/x');
$t->upload($app, $id, json_encode(\@entries), href => $manifest);
refused($id, qr/file and a directory/,
        'manifest: a file more, below another one');

# signatures

for my $unsigned (sort(keys %files), $manifest) {
    my %all = (%files, $manifest => json_encode(\@entries));
    my $id = bundle('manifest', channelName => 'production');

    $t->upload($app, $id, $all{$_}, href => $_,
               $_ eq $unsigned ? () : (key => $key)) for keys %all;
    refused($id, qr/"\Q$unsigned\E" is not signed, but other files are/,
            "signed, but for $unsigned");
    $t->upload($app, $id, $all{$unsigned}, href => $unsigned, key => $key);
    is(ready($id)->{status}, 200, 'and then signed wholly');
    $before = $id;
}

for my $kind ('zip', 'manifest') {
    my %all = $kind eq 'zip' ? (zip => $good)
                             : (%files, $manifest => json_encode(\@entries));
    my $id = bundle($kind, channelName => 'safe');

    for my $signed (0, 1) {
        $t->upload($app, $id, $all{$_}, href => $_,
                   name => $kind eq 'zip' ? 'bundle.zip' : undef,
                   $signed ? (key => $key) : (),
                   $kind eq 'zip' ? (form => { href => undef }) : ())
            for keys %all;

        if ($signed) {
            my $before = told('safe');

            is(ready($id)->{status}, 200, "$kind: signed to protected");
            is(told('safe'), $before, 'it waits for somebody');
            is($t->api('POST', "/releases/$app/$id/promote", {},
                       token => 'approve')->{status}, 200, 'who approves');
            is(told('safe'), $id, 'devices get it');

        } else {
            refused($id, qr/channel is protected.*--private-key/,
                    "$kind: unsigned to protected", 'safe');
        }
    }
}

# what the log says of a refusal

$t->mark_log();
$id = bundle('zip', channelName => 'production');
$t->upload($app, $id, 'no zip');
ready($id);
$t->log_like(qr/\[warn\].* refused with 422: .*zip archive, client: 127\./,
             'the log has the reason');
is(scalar(() = $t->read_log($t->{mark}) =~ /not a zip archive/g), 1, 'once');

# nothing but what was ready is live

my %live = map { $_ => 1 } $t->tree("store/live/$app") =~ m{^/([\w-]+)$}mg;
my %known = map { $_->{id} => 1 } grep {
    get($_->{id})->{artifactStatus} eq 'ready'
} @{$t->api('GET', "/v1/apps/$app/builds?limit=1000")->{json}};

is_deeply(\%live, \%known, 'what is live was ready');

###############################################################################

sub bundle {
    my ($kind, %fields) = @_;

    my $reply = $t->api('POST', $path, { artifactType => $kind, %fields },
                        token => 'publish');

    return $reply->{json}{id} // die $reply->{raw};
}


sub ready {
    my ($id) = @_;

    return $t->api('PATCH', "$path/$id", { artifactStatus => 'ready' },
                   token => 'publish');
}


sub get {
    my ($id) = @_;

    return $t->api('GET', "$path/$id")->{json};
}


sub told {
    my ($name) = @_;

    my $reply = $t->latest($app, channelName => $name);

    return ($reply->{json} || {})->{bundleId};
}


# One test for all that a refusal is.

sub refused {
    my ($id, $reason, $name, $channel) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my @before = (told($channel // 'production'), $t->tree('store/live'),
                  $t->tree("store/apps/$app"));
    my $uploads = $t->tree("store/staging/$app/$id/uploads");
    my $said = $t->said(ready($id));
    my $bundle = get($id);
    my @after = (told($channel // 'production'), $t->tree('store/live'),
                 $t->tree("store/apps/$app"));
    my @wrong;

    push @wrong, "was told: $said"
        unless $said =~ /^422 / && $said =~ $reason;
    push @wrong, "status is $bundle->{artifactStatus}"
        unless $bundle->{artifactStatus} eq 'failed';
    push @wrong, 'reason is ' . ($bundle->{reason} // 'none')
        unless "422 " . ($bundle->{reason} // '') eq $said;
    push @wrong, 'devices, live or the app changed'
        unless "@{[map { $_ // '-' } @before]}"
               eq "@{[map { $_ // '-' } @after]}";
    push @wrong, 'uploads changed'
        unless $uploads eq $t->tree("store/staging/$app/$id/uploads");

    is(join("\n", @wrong), '', $name);
}


sub stored {
    my ($name, $bytes, %opt) = @_;

    my $zip;

    IO::Compress::Zip::zip(\$bytes => \$zip, Name => $name,
                           %{{ Method => ZIP_CM_STORE, %opt }})
        or die $ZipError;

    return $zip;
}
