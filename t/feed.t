#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# The update feed of desktop apps and the downloads for people: what recorded
# workers answered, and what is better here.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Test::LiveUpdate;

use Digest::SHA qw/ sha256_hex sha512_base64 /;
use File::Copy qw/ copy /;
use File::Path qw/ make_path /;
use JSON::PP ();

select STDERR; $| = 1;
select STDOUT; $| = 1;

my $t = Test::LiveUpdate->new()->plan(71);

$t->config_reference(sub {
    s{^(location ~ \^/desktop)}{
set_real_ip_from  127.0.0.1;
real_ip_header    cf-connecting-ip;

location ~ ^/linkless/(?<liveupdate_linkless>[^/]+)/ {
    liveupdate_feed   \$liveupdate_linkless;
    root              store;
    disable_symlinks  on  from=\$document_root;
}

$1}m;
})->run();

my $app = '240808w4a9kky77';
my @builds = qw/ 241001aaaaaaaa1 241101bbbbbbbb2 241111cccccccc3 /;

my $dir = $t->testdir();
my $tree = "$dir/tree";

system($^X, 'golden/fixture.pl', $tree) == 0 or die 'no fixture';

$t->api('POST', '/v1/apps',
        { name => 'My App', type => 'electron', id => $app });

for my $build (@builds) {
    my $uploads = "$dir/store/staging/$app/$build/uploads";
    make_path($uploads);
    copy($_, $uploads) or die "$_: $!" for grep { /\Q$build/ } files($tree);

    my $reply = $t->api('POST', "/releases/$app/$build/stage", {},
                        token => 'publish');
    is($reply->{json}{state}, 'live', "$build is staged, and live");
}

# a manifest under two names that would be one in the feed

my $twice = "$dir/store/staging/$app/twice/uploads";

make_path($twice);

# manifests and lists have the id of their release

for my $file (grep { /\Q$builds[0]/ } files($tree)) {
    my ($name) = $file =~ m{([^/]+)$};

    $name =~ s/\Q$builds[0]/twice/ if $name =~ /\.(?:yml|json)$/;
    copy($file, "$twice/$name") or die "$file: $!";
}

copy("$twice/latest-linux-build-twice.yml", "$twice/latest-linux.yml")
    or die "no copy: $!";

like($t->said($t->api('POST', "/releases/$app/twice/stage", {},
                      token => 'publish')),
     qr/^422 "latest-linux.yml" is there twice/, 'a manifest twice');
is($t->api('GET', "/releases/$app/twice")->{json}{state}, 'failed',
   'and that is its state');
is($t->api('DELETE', "/releases/$app/twice", undef,
           token => 'approve')->{status}, 204, 'away with it');

# what was staged, and could not be released then, is released by the same call

my $again = "/releases/$app/again";

make_path("$dir/store/staging/$app/again/uploads");
$t->write_file("store/staging/$app/again/uploads/again.AppImage", 'again');
$t->write_file("store/staging/$app/again/uploads/latest-linux.yml", <<EOF_YML);
version: 0.0.1
files:
  - url: again.AppImage
    sha512: ${\sha512_base64('again')}==
path: again.AppImage
releaseDate: '2026-01-01T00:00:00.000Z'
EOF_YML

is($t->api('POST', "$again/stage", { expect => 999 },
           token => 'publish')->{status}, 409, 'something has changed');
is($t->api('GET', $again)->{json}{state}, 'staged', 'it is staged');
is($t->api('POST', "$again/stage", { rollout => 7 },
           token => 'publish')->{status}, 422, 'not to that share');
is($t->api('GET', $again)->{json}{state}, 'staged', 'it is still staged');
is($t->api('POST', "$again/stage", { rollout => 0.1 },
           token => 'publish')->{json}{state},
   'live', 'the same call again: live');
is_deeply([map { $_->{percentage} }
           grep { $_->{rule} eq 'buildByRollout' && $_->{buildId} eq 'again' }
           @{$t->api('GET', "/releases/$app/rules")->{json}
                 {releaseRedirections}}],
          [10], 'to a tenth, and not to all');
is($t->api('POST', "$again/stage", {}, token => 'publish')->{status}, 404,
   'once');
$t->api('POST', "$again/withdraw", {}, token => 'approve');
is($t->api('DELETE', $again, undef, token => 'approve')->{status}, 204,
   'away with it');

my $rules = JSON::PP::decode_json(slurp("$tree/desktop-releases.json"));
is($t->api('PUT', "/releases/$app/rules", $rules,
           token => 'approve')->{status}, 200, 'rules');

# recorded answers

my $golden = JSON::PP::decode_json(slurp('golden/desktop.json'));
my (%count, %seen);

for my $case (@$golden) {
    next if is_better($case);

    my $wrong = compare($case);
    $count{$wrong ? 'wrong' : 'right'}++;

    fail("$case->{svc} $case->{path}: $wrong") if $wrong;
}

is($count{wrong} // 0, 0, "recorded answers, all $count{right}");

# what is better here

my $exe = 'My%20App%20Setup%201.1.0%20-%20Build%20241101bbbbbbbb2-x64.exe';
my $reply = feed('HEAD', "/$exe");

is($reply->{status}, 200, 'HEAD');
is($reply->{headers}{'content-length'}, 3000000, 'HEAD: its length');
is($reply->{headers}{'cache-control'},
   'public, max-age=31536000, immutable, no-transform',
   'an artifact is kept for ever');

$reply = feed('GET', '/latest.yml');
is($reply->{headers}{'cache-control'}, 'private, no-cache',
   'a manifest is asked for again');

$reply = feed('POST', '/latest.yml');
is($reply->{status}, 405, 'POST');
is($reply->{headers}{allow}, 'GET, HEAD', 'POST: Allow');

# a thousand parts of a file, as a differential download asks for them

my $bytes = slurp("$tree/My App Setup 1.1.0 - Build 241101bbbbbbbb2-x64.exe");
my @parts = map { [ $_ * 2900, $_ * 2900 + 99 ] } 0 .. 999;

$reply = feed('GET', "/$exe",
              Range => 'bytes=' . join(', ', map { "$_->[0]-$_->[1]" } @parts));

is($reply->{status}, 206, 'a thousand ranges');
my @bodies = $reply->{body} =~ /\r\n\r\n(.{100})(?=\r\n--)/gs;
is(scalar @bodies, 1000, 'a thousand parts');
is(join('', @bodies), join('', map { substr $bytes, $_->[0], 100 } @parts),
   'the right bytes');

# the first update: the blockmap of the version that is installed

my $old = 'My%20App%20Setup%201.1.0%20-%20Build%20241111cccccccc3-x64.exe'
          . '.blockmap';
$reply = feed('GET', "/$old");
is($reply->{status}, 200, 'the blockmap of another version of a live build');
is(sha256_hex($reply->{body}),
   sha256_hex(slurp("$tree/My App Setup 1.1.0 - Build 241101bbbbbbbb2-x64.exe"
                    . '.blockmap')), 'is that version\'s');

# rules

my %rollout = (latestReleaseBuildId => $builds[0], releaseRedirections => [
    { rule => 'buildByRollout', buildId => $builds[2], percentage => 30 },
]);

is($t->api('PUT', "/releases/$app/rules", \%rollout)->{status}, 200,
   'a rollout');

my %in = map { $_ => 1 } grep { version($_) eq '1.1.1' } 1 .. 200;
cmp_ok(scalar keys %in, '>', 30, 'a part of the clients gets it');
cmp_ok(scalar keys %in, '<', 95, 'and not all');

$rollout{releaseRedirections}[0]{percentage} = 60;
$t->api('PUT', "/releases/$app/rules", \%rollout);

is(scalar(grep { version($_) ne '1.1.1' } keys %in), 0,
   'who has it keeps it when it is raised');
like(feed('GET', '/latest.yml')->{body}, qr/^version: 1\.0\.0$/m,
     'a client without an id is outside');

$rollout{releaseRedirections} = [
    { rule => 'buildByIp', buildId => $builds[2],
      ipList => ['198.51.100.0/24'] },
];
$t->api('PUT', "/releases/$app/rules", \%rollout);

like(feed('GET', '/latest.yml', 'cf-connecting-ip' => '198.51.100.77')
     ->{body}, qr/^version: 1\.1\.1$/m, 'a network');
like(feed('GET', '/latest.yml', 'cf-connecting-ip' => '198.51.101.77')
     ->{body}, qr/^version: 1\.0\.0$/m, 'outside of it');

$rollout{releaseRedirections}[0]{buildId} = 'nosuch';
$t->refused(sub { $t->api('PUT', "/releases/$app/rules", \%rollout) },
            qr/^422 "nosuch" is not a released build/, 'an unknown build');

# rollback, withdraw, promote

%rollout = (latestReleaseBuildId => $builds[2], releaseRedirections => []);
$t->api('PUT', "/releases/$app/rules", \%rollout);

my $tag = feed('GET', '/latest.yml')->{headers}{etag};

$reply = $t->api('POST', "/releases/$app/rollback", {},
                 token => 'approve');
is($reply->{json}{id}, $builds[1], 'rollback');
like(feed('GET', '/latest.yml')->{body}, qr/^version: 1\.1\.0$/m,
     'the build before is the latest');
is(feed('GET', '/latest.yml', 'If-None-Match' => $tag)->{status}, 200,
   'and is not taken for the other one');

$reply = $t->api('POST', "/releases/$app/$builds[1]/withdraw", {},
                 token => 'approve');
is($reply->{json}{state}, 'withdrawn', 'withdraw');
ok((wait_until {
    feed('GET', "/latest-build-$builds[1].yml")->{status} == 404
} 10), 'its manifest is gone');
like(feed('GET', '/latest.yml')->{body}, qr/^version: 1\.0\.0$/m,
     'what was before it is the latest');
ok((wait_until { feed('HEAD', "/$exe")->{status} == 404 } 10),
   'its files are gone from the feed');
ok(-e "$dir/store/live/$app/$builds[1]/release.json", 'but not from live');

is($t->api('POST', "/releases/$app/$builds[1]/promote", {},
           token => 'approve')->{json}{state}, 'live',
   'and promoted again');
is(feed('GET', "/$exe")->{status}, 200, 'its files are back');

# manifests are kept in memory, and answered as files are

my $own = "/latest-build-$builds[0].yml";
my $yml = slurp("$tree/latest-build-$builds[0].yml");
my $size = length $yml;

$reply = feed('GET', $own);
is($reply->{body}, $yml, 'a manifest');
$tag = $reply->{headers}{etag};

is(feed('HEAD', $own)->{headers}{'content-length'}, $size,
   'a manifest: HEAD');
is(feed('GET', $own, 'If-None-Match' => $tag)->{status}, 304,
   'a manifest: not modified');
is(feed('GET', $own, 'If-Match' => '"other"')->{status}, 412,
   'a manifest: another one');

$reply = feed('GET', $own, Range => 'bytes=5-14');
is("$reply->{status} $reply->{headers}{'content-range'} $reply->{body}",
   "206 bytes 5-14/$size " . substr($yml, 5, 10), 'a manifest: a part');
is(feed('GET', $own, Range => "bytes=$size-")->{status}, 416,
   'a manifest: no part');

# whatever is in the file, large or small, or not there

my $file = "store/feed/$app$own";

for my $text ($yml =~ s/1\.0\.0/9.9.9/r, $yml . '#' x 40000 . "\n", $yml) {
    $t->write_file("$file.new", $text);
    rename "$dir/$file.new", "$dir/$file" or die "cannot rename: $!\n";

    ok((wait_until { feed('GET', $own)->{body} eq $text } 10),
       'a manifest: changed to ' . length($text) . ' bytes');
}

rename "$dir/$file", "$dir/$file.old" or die "cannot rename: $!\n";
ok((wait_until { feed('GET', $own)->{status} == 404 } 10),
   'a manifest: gone');
rename "$dir/$file.old", "$dir/$file" or die "cannot rename: $!\n";
ok((wait_until { feed('GET', $own)->{body} eq $yml } 10),
   'a manifest: back');

# more of them than are kept

my @many = map { "many$_.yml" } 1 .. 300;
my $uploads = "store/staging/$app/many/uploads";

$t->write_file("$uploads/many.zip", 'many');
$t->write_file("$uploads/$_", <<EOF_YML) for @many;
version: 9.0.0
files:
  - url: many.zip
    sha512: ${\sha512_base64('many')}==
EOF_YML

is($t->api('POST', "/releases/$app/many/stage", {}, token => 'publish')
   ->{json}{state}, 'live', 'hundreds of manifests are live');

is(scalar(grep { feed('GET', "/$_")->{body} !~ /^version: 9\.0\.0$/m }
          map { s/\.yml$/-build-many.yml/r } @many, @many[0 .. 99]),
   0, 'hundreds of manifests');

# who follows no symbolic links is not sent what is behind one

my $link = "/latest-build-$builds[1].yml";

rename "$dir/store/feed/$app$link", "$dir/link.yml"
    or die "cannot rename: $!\n";
symlink "$dir/link.yml", "$dir/store/feed/$app$link" or die "no link: $!\n";

like(feed('GET', $link)->{body}, qr/^version: 1\.1\.0$/m,
     'a manifest: a symbolic link');
is($t->api('GET', "/linkless/$app$link")->{status}, 403,
   'a manifest: no symbolic links');
is($t->api('GET', "/linkless/$app$own")->{body}, $yml,
   'a manifest: no symbolic link');

# names and paths

is(feed('GET', $_)->{status} =~ /^4/ ? 'refused' : 'served', 'refused', $_)
    for '/..%2f..%2ftokens', '/%2e%2e/tokens', '/.lock', '/a%00b', '/a%5cb',
        '/x/latest.yml', '/';

is($t->api('GET', '/desktop/nosuch/latest.yml')->{status}, 404,
   'an unknown app');
is($t->api('GET', '/desktop/..%2f/latest.yml')->{status}, 404, 'no app');
like(feed('GET', '/my-ip', 'cf-connecting-ip' => '203.0.113.9')->{body},
     qr/^203\.0\.113\.9$/, 'my-ip');

###############################################################################

sub feed {
    my ($method, $path, %headers) = @_;

    return $t->api($method, "/desktop/$app$path", undef, token => undef,
                   headers => [ %headers ]);
}

sub version {
    my ($id) = @_;

    my $body = feed('GET', '/latest.yml', 'x-user-staging-id' => "id-$id")
               ->{body};
    return $body =~ /^version: (\S+)/m ? $1 : undef;
}

# What is meant to differ: several ranges, the cut of one name, and the
# architecture for macOS 16 and later.

sub is_better {
    my ($case) = @_;

    return ($case->{headers}{Range} // '') =~ /,/
           || $case->{path} =~ /^\/my-app-[^\/]*x86_64\.AppImage(\.blockmap)?$/
              && ($case->{answer}{headers}{'content-disposition'} // '')
                 =~ /[0-9]x86_64/
           || ($case->{headers}{'User-Agent'} // '')
              =~ /Mac OS X (1[6-9]|[2-9][0-9])[._]/;
}

# What differs from the recorded answer.

sub compare {
    my ($case) = @_;

    my $answer = $case->{answer};
    my %headers = %{$case->{headers}};

    my $base = $case->{svc} eq 'cdn' ? "/desktop/$app" : "/download/$app";

    # the bytes of a large file are looked at once

    my $file = $answer->{headers}{'content-disposition'};
    my $known = defined $file && !$headers{Range} && $answer->{size} > 10000
                && $seen{"$file $answer->{sha256}"}++;

    my $reply = $t->api($known ? 'HEAD' : 'GET', $base . $case->{path}, undef,
                        token => undef, headers => [ %headers ]);

    return "status $reply->{status}, not $answer->{status}"
        if $reply->{status} != $answer->{status};

    return if $answer->{status} >= 300;

    return 'another body'
        if !$known && $answer->{sha256}
           && sha256_hex($reply->{body}) ne $answer->{sha256};

    return "$reply->{headers}{'content-length'} bytes, not $answer->{size}"
        if $reply->{headers}{'content-length'} != $answer->{size};

    for my $name (qw/ content-type content-disposition content-range /)
    {
        my $want = $answer->{headers}{$name};
        my $have = $reply->{headers}{$name};

        next if !defined $want || $case->{path} eq '/my-ip';

        return "$name: " . ($have // 'none') . ", not $want"
            if ($have // '') ne $want;
    }

    return;
}

sub files {
    my ($folder) = @_;

    opendir my $dh, $folder or die "$folder: $!";
    return map { "$folder/$_" } grep { !/^\./ } readdir $dh;
}

sub slurp {
    my ($name) = @_;

    open my $fh, '<:raw', $name or die "$name: $!";
    local $/;
    return <$fh>;
}

###############################################################################
