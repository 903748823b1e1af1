#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Files on their way in: the form, and the upload in three steps.

use warnings;
use strict;

use Digest::SHA qw/ sha256_hex /;
use List::Util qw/ max /;
use Test::More;

use Test::LiveUpdate qw/
    :DEFAULT json_decode json_encode multipart sign zip
/;
use Test::LiveUpdate::HTTP qw/ exchange connect_to parse_reply /;

my $t = Test::LiveUpdate->new()->plan(148);

$t->config_reference();
$t->run();

my $app = $t->create_app('uploads');
my $path = "/v1/apps/$app/bundles";
my $zip = zip('index.html' => '<html></html>', 'x' => 'y' x 1000);
my $uuid = qr/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
my $sum = sha256_hex($zip);
my $size = length $zip;
my @zip = (file => { bytes => $zip, filename => 'bundle.zip' });

# the form

my $bundle = bundle('zip');
my $reply = $t->upload($app, $bundle, $zip);

is($reply->{status}, 201, 'a file in a form');
like($reply->{json}{id}, $uuid, 'has a UUID');

my $file = $reply->{json}{id};

is($t->upload($app, $bundle, $zip)->{json}{id}, $file,
   'and again, as it is the same file');

my $other = zip('index.html' => 'other');

$t->upload($app, $bundle, $other);
is(finish($bundle), $other, 'a retry replaces the file');

is(form(checksum => $sum, @zip, sizeInBytes => $size), 'ok', 'the least of it');
is(form(@zip, sizeInBytes => $size, checksum => $sum), 'ok',
   'the file comes first');
is(form(sizeInBytes => $size, name => 'x', unknown => 'x' x 1000,
        checksum => $sum, @zip, appId => $app), 'ok', 'unknown fields');
is(form(checksum => 'wrong', checksum => $sum, @zip, sizeInBytes => $size),
   'ok', 'the last of two fields counts');

# what is refused

for my $case (
    [[@zip, sizeInBytes => $size], qr/"checksum" must be/, 'no checksum'],
    [[checksum => $sum, @zip], qr/"sizeInBytes" must be/, 'no size'],
    [[checksum => uc $sum, @zip, sizeInBytes => $size], qr/lower-case/,
     'an upper-case checksum'],
    [[checksum => substr($sum, 1), @zip, sizeInBytes => $size],
     qr/"checksum"/, 'a short checksum'],
    [[checksum => sha256_hex('x'), @zip, sizeInBytes => $size],
     qr/another SHA-256/, 'a wrong checksum'],
    [[checksum => $sum, @zip, sizeInBytes => $size + 1], qr/another size/,
     'a wrong size'],
    (map { [[checksum => $sum, @zip, sizeInBytes => $_], qr/"sizeInBytes"/,
            "a size of \"$_\""] } '', 'x', '-1', '1.5', '0x10', ' 1',
                                  '9' x 30),
    [[checksum => $sum, @zip, sizeInBytes => $size, signature => 'x'],
     qr/base64/, 'no signature'],
    [[checksum => $sum, @zip, sizeInBytes => $size, mimeType => 'zip'],
     qr/media type/, 'no media type'],
    [[checksum => $sum, @zip, sizeInBytes => $size,
      mimeType => "text/html\r\nX-Evil: 1"], qr/media type/,
     'a media type with a line break'],
    [[checksum => $sum, @zip, @zip, sizeInBytes => $size],
     qr/more than one file/,
     'two files'],
    [[checksum => $sum, @zip, sizeInBytes => $size, name => 'x' x 5000],
     qr/too long/, 'a long field'],
    [[map { ("f$_" => 'x') } 1 .. 40], qr/parts/, 'many fields'],
    [[], qr/\S/, 'no fields'],
) {
    my ($fields, $expected, $name) = @$case;
    my ($body, $type) = multipart(@$fields);
    my $id = bundle('zip');

    $t->refused(sub { post($id, $body, $type) },
                qr/^4(?:22|00) .*$expected/, $name);
}

# hrefs of a manifest bundle

for my $href ('', '/x', '../x', 'a/../x', 'a//b', './x', 'x/', '.', '..',
              'a\\b', "a\0b", "a\nb", 'C:x', 'c:/x', "\xff", 'x' x 1025,
              'x' x 256, "\xc0\xaf")
{
    my ($body, $type) = multipart(checksum => $sum, @zip, href => $href,
                                  sizeInBytes => $size);
    my $id = bundle('manifest');
    my $name = $href =~ s/([^ -~])/sprintf '\x%02x', ord $1/ger;

    $t->refused(sub { post($id, $body, $type) }, qr/^422 /,
                'no href: "' . substr($name, 0, 20) . '"');
}

{
    my ($body, $type) = multipart(checksum => $sum, @zip,
                                  sizeInBytes => $size);
    my $id = bundle('manifest');

    $t->refused(sub { post($id, $body, $type) },
                '422 A file of a manifest bundle needs an "href".',
                'without an href');
}

# bodies

my ($body, $type) = multipart(checksum => $sum, @zip, sizeInBytes => $size);
my ($boundary) = $type =~ /boundary=(.*)/;

for my $case (
    ['application/json', 'JSON'],
    ['multipart/form-data', 'no boundary'],
    ['multipart/form-data; boundary=', 'an empty boundary'],
    ['multipart/form-data; boundary=' . 'x' x 71, 'a long boundary'],
    ['multipart/form-data; boundary="a', 'half a quote'],
    ["multipart/form-data; boundary=a\xffb", 'a boundary beyond ASCII'],
    ['multipart/mixed; boundary=' . $boundary, 'another multipart'],
    ['multipart/form-data; boundary=other', 'the wrong boundary'],
    ['', 'no type'],
) {
    my ($wrong, $name) = @$case;
    my $id = bundle('zip');

    $t->refused(sub { post($id, $body, $wrong) }, qr/^400 \S/, $name);
}

my $truncated = bundle('zip');

# what is behind the closing delimiter is of no interest

for my $cut (4, 20, int(length($body) / 2), length($body) - 10,
             length($body) - 1, length $body)
{
    $t->refused(sub { post($truncated, substr($body, 0, -$cut), $type) },
                qr/^400 \S/, "a body without its last $cut bytes");
}

$t->refused(sub { post($truncated, $body =~ s/name="checksum"//r, $type) },
            qr/^4(?:00|22) \S/, 'a part without a name');
$t->refused(sub { post($truncated,
                       $body =~ s/(name="checksum")/$1; x="@{['y' x 3000]}"/r,
                       $type) },
            qr/^4(?:00|22) \S/, 'a part with long headers');
is(status(post($truncated, "preamble\r\n$body\r\nepilogue", $type)), 201,
   'a preamble and an epilogue');
is(status(post($truncated, $body, "Multipart/Form-Data; charset=utf-8; "
                                  . "Boundary=\"$boundary\"")), 201,
   'a boundary in quotes');

# in pieces

is(status(post($truncated, chunked($body, 7), $type,
               headers => ['Transfer-Encoding' => 'chunked'])), 201,
   'chunked');

my $large = zip('index.html' => 'x', 'noise' => noise(700_000));
my ($large_body, $large_type) = multipart(
    checksum => sha256_hex($large), sizeInBytes => length $large,
    file => { bytes => $large, filename => 'bundle.zip' });

for my $pieces ([1000, 0], [65536, 0], [10000, 1]) {
    my ($length, $in_chunks) = @$pieces;
    my $id = bundle('zip');
    my $text = $in_chunks ? chunked($large_body, $length) : $large_body;
    my $s = connect_to('127.0.0.1:' . port(8080));

    print {$s} head($id, $large_type) . ($in_chunks
        ? "Transfer-Encoding: chunked\r\n\r\n"
        : 'Content-Length: ' . length($large_body) . "\r\n\r\n");

    for (my $i = 0; $i < length $text; $i += $length) {
        print {$s} substr($text, $i, $length);
    }

    is(parse_reply(http_end($s))->{status}, 201,
       "a large body in pieces of $length"
       . ($in_chunks ? ', chunked' : ''));
    is(finish($id), $large, 'is what was sent');
}

{
    my $id = bundle('zip');
    my $s = connect_to('127.0.0.1:' . port(8080));

    print {$s} head($id, $large_type) . 'Content-Length: '
               . length($large_body) . "\r\n\r\n"
               . substr($large_body, 0, 300_000);
    close $s;

    $t->api('GET', '/v1/users/me');

    my $tree = "/staging/$app/$id/uploads/";

    ok(!(grep { /^\Q$tree\E/ } split /\n/, $t->tree()),
       'a body that breaks off leaves nothing');
}

for my $expect ('100-continue') {
    my $id = bundle('zip');
    my $s = http_start(head($id, $type) . "Expect: $expect\r\n"
                       . 'Content-Length: ' . length($body) . "\r\n\r\n");
    my $first = '';

    sysread($s, $first, 1000);
    like($first, qr/^HTTP\/1.1 100 /, 'Expect: 100-continue');
    print {$s} $body;
    like(http_end($s), qr/^HTTP\/1.1 201 /, 'and then the body');
}

# empty files, many files

my %many = map { sprintf('d%02d/f%03d.js', $_ % 10, $_) => "file $_" x $_ }
    1 .. 300;

$many{'index.html'} = 'x';
$many{'empty'} = '';
$many{'.DS_Store'} = 'junk';

my $many = $t->publish($app, undef, \%many);

ok($many->{ok}, 'three hundred files, one of them empty')
    or diag($many->{reply}{raw});
is_deeply([grep {
    $t->api('GET', "/artifacts/$app/$many->{bundle}?href=$_", undef,
            token => undef)->{body} ne $many{$_}
} sort keys %many], [], 'are all as they were');

$t->api('DELETE', "$path/$many->{bundle}");

# names whose compressed twins would be in the way of others, or too long

my $text = 'abc ' x 1000;
my %twins = (
    'index.html' => $text,
    'a.js' => $text,
    'a.js.gz' => 'gz',
    'b.js' => $text,
    'b.js.gz/c.js' => $text,
    ('x' x 252 . '.js') => $text,
    ('y' x 250 . '.html') => $text,
);
my $twins = $t->publish($app, undef, \%twins);

ok($twins->{ok}, 'names like those of compressed twins')
    or diag($twins->{reply}{raw});
is_deeply([grep {
    $t->api('GET', "/artifacts/$app/$twins->{bundle}?href=$_", undef,
            token => undef)->{body} ne $twins{$_}
} sort keys %twins], [], 'are all as they were');

# more than 100 MB in one form

{
    my $mb = $ENV{TEST_NGINX_UNSAFE} ? 1000 : 120;
    my $id = bundle('zip');
    my $noise = noise(1 << 20);
    my $digest = Digest::SHA->new(256);
    my $head = "--b\r\nContent-Disposition: form-data; name=\"file\"; "
               . "filename=\"bundle.zip\"\r\n\r\n";

    $digest->add($noise) for 1 .. $mb;

    my $tail = "\r\n--b\r\nContent-Disposition: form-data; "
               . "name=\"checksum\"\r\n\r\n" . $digest->hexdigest() . "\r\n"
               . "--b\r\nContent-Disposition: form-data; "
               . "name=\"sizeInBytes\"\r\n\r\n" . ($mb << 20)
               . "\r\n--b--\r\n";
    my $s = connect_to('127.0.0.1:' . port(8080));
    my %rss = map { $_ => rss($_) } $t->workers();

    print {$s} head($id, 'multipart/form-data; boundary=b')
               . 'Content-Length: '
               . (length($head) + ($mb << 20) + length $tail)
               . "\r\n\r\n$head";
    print {$s} $noise for 1 .. $mb;
    print {$s} $tail;

    is(parse_reply(http('', socket => $s, timeout => 120))->{status}, 201,
       "$mb MB in one form");

    cmp_ok(max(map { rss($_) - $rss{$_} } keys %rss), '<', 16_000,
           'without holding them in memory');

    is($t->api('DELETE', "$path/$id")->{status}, 204, 'and away');
}

# three steps

my $big = zip('index.html' => 'x', 'noise' => noise(2_500_000));
my $parts = bundle('zip');

$reply = $t->upload($app, $parts, $big, parts => 1 << 20);
is($reply->{status}, 200, 'an upload in three parts');
is(finish($parts), $big, 'is what was sent');

# out of order, with retries

my @pieces = unpack '(a1000000)*', $big;
my ($id, $f) = announced($big);
my $u = started($id, $f);

like($u, qr/^[A-Za-z0-9_-]+$/, 'an upload id that needs no encoding');

my @answers;

part($id, $f, $u, 2, 'not this');

for my $n (3, 1, 2) {
    $answers[$n] = part($id, $f, $u, $n, $pieces[$n - 1])->{json};
}

is_deeply([map { $_->{partNumber} } @answers[1 .. 3]], [1, 2, 3],
          'parts in any order');
is(json_encode($answers[1]{partNumber}), '1', 'partNumber is a number');
is(complete($id, $f, $u, @answers[1 .. 3])->{status}, 200, 'complete');
is(complete($id, $f, $u, @answers[1 .. 3])->{status}, 200,
   'complete, again: the first answer may have been lost');
is(finish($id), $big, 'with the part that came last');

# what is refused

($id, $f) = announced($big);
$u = started($id, $f);

@answers = map { part($id, $f, $u, $_, $pieces[$_ - 1])->{json} } 1 .. 3;

for my $case (
    [[], 'no parts'],
    [[@answers[0, 1]], 'a part is missing'],
    [[@answers[1, 0, 2]], 'the wrong order'],
    [[@answers, $answers[2]], 'a part twice'],
    [[@answers, { partNumber => 4, etag => 'x' }], 'a part too many'],
    [[@answers[0, 1], { partNumber => 3, etag => $answers[0]{etag} }],
     'a wrong etag'],
    [[@answers[0, 1], { partNumber => 3 }], 'no etag'],
    [[@answers[0, 1], { partNumber => '3', etag => $answers[2]{etag} }],
     'a partNumber that is a string'],
    [[@answers[0, 1], { partNumber => 3.5, etag => $answers[2]{etag} }],
     'half a partNumber'],
    [[{ partNumber => 0, etag => 'x' }], 'part 0'],
    [[{ partNumber => 10001, etag => 'x' }], 'part 10001'],
    [[{ partNumber => -1, etag => 'x' }], 'part -1'],
    [[{ partNumber => 1e300, etag => 'x' }], 'part 1e300'],
    [['x'], 'a string'],
) {
    $t->refused(sub { complete($id, $f, $u, @{$case->[0]}) }, qr/^422 \S/,
                "not complete: $case->[1]");
}

for my $body ({}, { parts => {} }, { parts => undef }, { parts => 'x' }) {
    $t->refused(sub { action($id, $f, "mpu-complete&uploadId=$u", $body) },
                qr/^422 "parts" must be a list/,
                'no list of parts: ' . json_encode($body));
}

for my $unknown ('nope', $id, '', '../x', 'x' x 100, "$u.1", 'data', 'json') {
    $t->refused(sub { action($id, $f, "mpu-complete&uploadId=$unknown",
                             { parts => \@answers }) },
                '404 Upload not found.', "the upload \"$unknown\"");
}

$t->refused(sub { part($id, $f, 'nope', 1, 'x') }, '404 Upload not found.',
            'a part of an unknown upload');
$t->refused(sub { part($id, $f, $u, $_->[0], 'x') },
            qr/^422 A part needs a "blob" and a "partNumber"/,
            "a part with the number \"$_->[0]\"")
    for [0], ['x'], [10001], [''], [-1], [1.5];
$t->refused(sub { action($id, 'nope', 'mpu-create', {}) },
            '404 File not found.', 'an upload of an unknown file');
$t->refused(sub { action('nope', $f, 'mpu-create', {}) },
            '404 Bundle not found.', 'for an unknown bundle');
$t->refused(sub { action($id, $f, $_->[0], {}) }, qr/^422 "action" must be/,
            "the action \"$_->[0]\"")
    for ['mpu-other'], [''], ['mpu-uploadpart'];
$t->refused(sub {
    my ($body, $type) = multipart(partNumber => 1);
    $t->api('PUT', "$path/$id/files/$f/upload?action=mpu-uploadpart"
                   . "&uploadId=$u", $body, type => $type,
            token => 'publish');
}, qr/^422 A part needs a "blob"/, 'a part without a blob');
$t->refused(sub {
    my ($body, $type) = multipart(blob => { bytes => 'x', filename => 'x' });
    $t->api('PUT', "$path/$id/files/$f/upload?action=mpu-create", $body,
            type => $type, token => 'publish');
}, '422 "action" must be mpu-uploadpart.', 'PUT of a create');

is(complete($id, $f, $u, @answers)->{status}, 200,
   'complete, after all of that');
is(finish($id), $big, 'and whole');

# wrong bytes

($id, $f) = announced($big);
$u = started($id, $f);
@answers = map { part($id, $f, $u, $_, $pieces[$_ - 1])->{json} } 1, 2;

my $wrong = part($id, $f, $u, 3, (substr($pieces[2], 0, 1) ^ "\1")
                                  . substr($pieces[2], 1))->{json};

$t->refused(sub { complete($id, $f, $u, @answers, $wrong) },
            qr/^422 .*another size or SHA-256/, 'wrong bytes');
like($t->said(ready($id)), qr/^422 .*announced, but not uploaded/,
     'a bundle whose file is not there');

my $right = part($id, $f, $u, 3, $pieces[2])->{json};

is(complete($id, $f, $u, @answers, $right)->{status}, 200,
   'the right part, then');
is(finish($id), $big, 'whole, after a refusal');

# abort

($id, $f) = announced($big);
$u = started($id, $f);

my $second = started($id, $f);

part($id, $f, $_, 1, $pieces[0]) for $u, $second;

is(action($id, $f, "mpu-abort&uploadId=$u", {})->{status}, 204, 'abort');
unlike($t->tree(), qr/\Q$u\E/, 'leaves nothing');
like($t->tree(), qr/\Q$second\E/, 'of this upload');
$t->refused(sub { part($id, $f, $u, 2, 'x') }, '404 Upload not found.',
            'a part after an abort');
is($t->api('DELETE', "$path/$id/files/$f/upload?uploadId=$second")
   ->{status}, 204, 'abort by DELETE');
$t->refused(sub { $t->api('DELETE',
                          "$path/$id/files/$f/upload?uploadId=$second") },
            '404 Upload not found.', 'abort, again');

# parts at once

($id, $f) = announced($big);
$u = started($id, $f);

my @bits = unpack '(a100000)*', $big;
my @sockets = map {
    my ($body, $type) = multipart(
        blob => { bytes => $bits[$_ - 1], filename => 'x' },
        partNumber => $_);

    [$_, http_start("PUT $path/$id/files/$f/upload?action=mpu-uploadpart"
                    . "&uploadId=$u HTTP/1.1\r\nHost: a\r\n"
                    . "Connection: close\r\nContent-Type: $type\r\n"
                    . 'Authorization: Bearer ' . $t->token('publish')
                    . "\r\nContent-Length: " . length($body)
                    . "\r\n\r\n$body")];
} reverse 1 .. @bits;

my %at_once = map { $_->[0] => json(http_end($_->[1])) } @sockets;

is(complete($id, $f, $u, map { $at_once{$_} } sort { $a <=> $b }
            keys %at_once)->{status}, 200, 'parts at once');
is(finish($id), $big, 'in their order');

# more parts than are written with one digit

($id, $f) = announced('abcdefghijkl');
$u = started($id, $f);

is(complete($id, $f, $u, map {
    part($id, $f, $u, $_, substr('abcdefghijkl', $_ - 1, 1))->{json}
} 1 .. 12)->{status}, 200, 'twelve parts');

# an empty file in parts

($id, $f) = announced('');
$u = started($id, $f);

is(complete($id, $f, $u, part($id, $f, $u, 1, '')->{json})->{status}, 200,
   'an empty file in one part');

# it must fit into the limit of the location

{
    my $s = http_start(head($id, $type) . "Content-Length: 1200000000\r\n\r\n");

    like(http_end($s), qr/^HTTP\/1.1 413 /, 'more than the location takes');
}

###############################################################################

sub bundle {
    my ($kind) = @_;

    my $reply = $t->api('POST', $path, { artifactType => $kind },
                        token => 'publish');

    return $reply->{json}{id} // die $reply->{raw};
}


sub post {
    my ($id, $body, $type, %opt) = @_;

    return $t->api('POST', "$path/$id/files", $body, type => $type,
                   token => 'publish', %opt);
}


sub status {
    return $_[0]{status};
}


# A zip bundle by these fields, and whether it is then what it should be.

sub form {
    my ($body, $type) = multipart(@_);

    my $id = bundle('zip');
    my $reply = post($id, $body, $type);

    return $reply->{raw} if $reply->{status} != 201;

    return finish($id) eq $zip ? 'ok' : 'other bytes';
}


sub ready {
    my ($id) = @_;

    return $t->api('PATCH', "$path/$id", { artifactStatus => 'ready' },
                   token => 'publish');
}


# The bytes that devices get, when it is ready.

sub finish {
    my ($id) = @_;

    my $reply = ready($id);

    return $reply->{raw} if $reply->{status} != 200;

    return $t->api('GET', "/artifacts/$app/$id/bundle.zip", undef,
                   token => undef)->{body};
}


sub head {
    my ($id, $type) = @_;

    return "POST $path/$id/files HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
           . 'Authorization: Bearer ' . $t->token('publish') . "\r\n"
           . "Content-Type: $type\r\n";
}


# A zip bundle with a file that was announced: their ids.

sub announced {
    my ($bytes) = @_;

    my $id = bundle('zip');
    my ($body, $type) = multipart(checksum => sha256_hex($bytes),
                                  sizeInBytes => length $bytes,
                                  mimeType => 'application/zip',
                                  name => 'bundle.zip');
    my $reply = post($id, $body, $type);

    return ($id, $reply->{json}{id} // die $reply->{raw});
}


sub action {
    my ($id, $file, $action, $body) = @_;

    return $t->api('POST', "$path/$id/files/$file/upload?action=$action",
                   $body, token => 'publish');
}


sub started {
    my ($id, $file) = @_;

    my $reply = action($id, $file, 'mpu-create', {});

    return $reply->{json}{uploadId} // die $reply->{raw};
}


sub part {
    my ($id, $file, $upload, $number, $bytes) = @_;

    my ($body, $type) = multipart(
        blob => { bytes => $bytes, filename => 'bundle.zip' },
        partNumber => $number);

    return $t->api('PUT', "$path/$id/files/$file/upload"
                          . "?action=mpu-uploadpart&uploadId=$upload",
                   $body, type => $type, token => 'publish');
}


sub complete {
    my ($id, $file, $upload, @parts) = @_;

    return action($id, $file, "mpu-complete&uploadId=$upload",
                  { parts => \@parts });
}


sub chunked {
    my ($bytes, $length) = @_;

    return join('', map { sprintf "%x\r\n%s\r\n", length $_, $_ }
                unpack "(a$length)*", $bytes) . "0\r\n\r\n";
}


sub noise {
    my ($length) = @_;

    open my $fh, '<:raw', '/dev/urandom' or die;
    read($fh, my $bytes, $length) == $length or die;

    return $bytes;
}


sub rss {
    my ($pid) = @_;

    return $t->read_file("/proc/$pid/status") =~ /^VmRSS:\s*(\d+)/m ? $1 : 0;
}
