#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# What is known of the signatures of a desktop release, for the person who
# approves it: who has signed its programs for Windows, and whether they are
# what was signed; whether apps for macOS are signed at all.  Files that are
# damaged in any way are only told of.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT zip /;
use Test::LiveUpdate::Program qw/ certificate expire program sign /;
use Test::LiveUpdate::Release qw/ stage_dist /;

my $t = Test::LiveUpdate->new()->plan(60);

$ENV{APPROVAL} = 'on';

$t->config_reference();
$t->run();

$t->api('POST', '/v1/apps', { id => 'shop', name => 'Shop',
                              type => 'electron' });

my $dir = $t->testdir();

certificate($t, 'acme', '/C=DE/O=Acme GmbH/CN=Acme Software');
certificate($t, 'other', '/C=DE/O=Other GmbH/CN=Other "Software"');
certificate($t, 'nobody', '/C=DE');
certificate($t, 'clock', '/CN=Clock', 'critical,timeStamping');

my $program = program('the code' x 20000);
my $signed = sign($t, $program, 'acme', -h => 'sha256');
my $table = table($signed);


# who has signed it

my %told = staged('1.0.0', {
    'plain.exe' => $program,
    'signed.exe' => $signed,
    'old.exe' => sign($t, program('x', 32), 'other', -h => 'sha1'),
    'large.exe' => sign($t, $program, 'acme', -h => 'sha512'),
    'two.exe' => sign($t, sign($t, $program, 'acme', -h => 'sha1'), 'other',
                      -h => 'sha256', '-nest'),
    'stamped.exe' => sign($t, $program, 'acme', -h => 'sha256',
                          '-TSA-certs' => "$dir/clock.crt",
                          '-TSA-key' => "$dir/clock.key"),
    'nobody.exe' => sign($t, $program, 'nobody', -h => 'sha256'),
    'readme.dmg' => 'no program',
});

ok(delete $told{'plain.exe'}{updater}, 'a plain program for updaters');
is_deeply($told{'plain.exe'}, { href => 'plain.exe', platform => 'windows',
                                state => 'unsigned' }, 'is not signed');

is($told{'signed.exe'}{state}, 'signed', 'a signed one');
is(scalar @{$told{'signed.exe'}{signers}}, 1, 'by one signer');

my %signer = %{$told{'signed.exe'}{signers}[0]};
my ($since, $until) = delete @signer{qw/ notBefore notAfter /};

like($since, qr/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/, 'from');
is(substr($until, 0, 4) - substr($since, 0, 4), 10, 'until');

ok(!delete $signer{timestamped}, 'without a timestamp');
is_deeply(\%signer, { publisher => 'Acme Software',
                      organization => 'Acme GmbH', issuer => 'Acme Software',
                      algorithm => 'SHA-256' }, 'whose certificate says this');

is($told{'old.exe'}{state}, 'signed', 'one of 32 bits');
is($told{'old.exe'}{signers}[0]{algorithm}, 'SHA-1', 'with an old digest');
is($told{'large.exe'}{state}, 'signed', 'one with a large digest');

is($told{'two.exe'}{state}, 'signed', 'one with two signatures');
is(join(', ', map { $_->{publisher} } @{$told{'two.exe'}{signers}}),
   'Acme Software, Other "Software"', 'the first of which counts');

is($told{'stamped.exe'}{state}, 'signed', 'one with a timestamp');
ok($told{'stamped.exe'}{signers}[0]{timestamped}, 'which is said');

is($told{'nobody.exe'}{state}, 'signed', 'by a signer without a name');
ok(!exists $told{'nobody.exe'}{signers}[0]{publisher}, 'who gets none');

ok(!exists $told{'readme.dmg'}, 'nothing is said of other files');


# what is wrong with it

my $forged = $signed =~ s/the code/thy code/r;
my $digest = $table =~ /\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04
                        \x02\x01\x05\x00\x04\x20(.{32})/sx ? $1 : die;

substr($forged, index($forged, $digest), 32) = 'f' x 32;

my %wrong = (
    'altered.exe' => [ patch($signed, 600, 'X'), 'altered' ],
    'forged.exe' => [ $forged, 'was not made with the key' ],
    'text.exe' => [ 'MZ, he said', 'is not a program' ],
    'empty.exe' => [ '', 'is not a program' ],
    'cut.exe' => [ substr($signed, 0, -100), 'ends before its signatures do' ],
    'head.exe' => [ substr($program, 0, 200), 'ends in its headers' ],
    'behind.exe' => [ $signed . 'more', 'has bytes behind its signatures' ],
    'far.exe' => [ patch($signed, 60, pack('V', 0xfffffff0)),
                   'is not a program' ],
    'offset.exe' => [ entry($signed, 0xfffffff8, 0xfffffff8),
                      'ends before its signatures do' ],
    'header.exe' => [ entry($signed, 8, length($signed) - 8),
                      'has its signatures in its headers' ],
    'huge.exe' => [ entry($program . "\0" x 300000, length $program, 300000),
                    'has more than 256 KB of signatures' ],
    'tiny.exe' => [ entry("$program\0\0\0\0", length $program, 4),
                    'has a damaged table' ],
    'long.exe' => [ patch($signed, length($signed) - length $table,
                          pack('V', 0xffffffff)), 'has a damaged table' ],
    'short.exe' => [ patch($signed, length($signed) - length $table,
                           pack('V', 20)), 'cannot be read' ],
    'noise.exe' => [ patch($signed, length($signed) - length($table) + 8,
                           "\x30\x80" x 200), 'cannot be read' ],
    'kind.exe' => [ patch($signed, length($signed) - length($table) + 6,
                          "\x01"), 'unsigned' ],
);

my %found = staged('1.1.0', { map { $_ => $wrong{$_}[0] } keys %wrong });

for my $name (sort keys %wrong) {
    my $is = $found{$name};
    my $text = $is->{state} eq 'unreadable' ? $is->{reason} : $is->{state};

    like($text, qr/\Q$wrong{$name}[1]/, $name);
}

is_deeply(warnings('1.1.0'),
          [ '"altered.exe" was changed after it was signed: Windows does not '
            . 'accept its signature.' ], 'a changed one is warned of');


# whom installed apps know

release('2.0.0', 'Setup 2.exe' => $signed);
$t->api('POST', '/releases/shop/2.0.0/promote', {}, token => 'approve');

release('2.1.0', 'Setup 2.1.exe' => $signed);
is(warnings('2.1.0'), undef, 'the same publisher');

release('2.2.0', 'Setup 2.2.exe' => sign($t, $program, 'other'));
is_deeply(warnings('2.2.0'),
          [ '"Setup 2.2.exe" is signed by "Other "Software"", and the release '
            . 'that is live, "2.0.0", by "Acme Software": installed apps '
            . 'refuse it, unless their "publisherName" allows it.' ],
          'another publisher');

release('2.3.0', 'Setup 2.3.exe' => $program);
like(warnings('2.3.0')->[0], qr/^"Setup 2.3.exe" is not signed, and the/,
     'none');

release('2.4.0', 'Setup 2.4.exe' => 'no program');
like(warnings('2.4.0')->[0], qr/^"Setup 2.4.exe" has no signature that can/,
     'one that cannot be read');

$t->write_file('store/staging/shop/2.5.0/uploads/portable.exe', $program);
release('2.5.0', { with => [ 'portable.exe' ] },
        'Setup 2.5.exe' => $signed);
is(warnings('2.5.0'), undef, 'what updaters do not get does not matter');

my $old = expire($t, certificate($t, 'old', '/CN=Old'));

release('2.6.0', 'a.exe' => sign($t, $program, $old),
        'b.exe' => sign($t, $program, $old,
                        '-TSA-certs' => "$dir/clock.crt",
                        '-TSA-key' => "$dir/clock.key"));
is(join("\n", grep { /expired/ } @{warnings('2.6.0')}),
   '"a.exe" is signed without a timestamp, and the certificate has expired: '
   . 'Windows does not accept its signature.', 'an expired certificate');

# nobody

$t->api('POST', '/releases/shop/2.3.0/promote', {}, token => 'approve');
is(warnings('2.2.0'), undef, 'who was not signed knows no publisher');


# apps for macOS, of which only names are read

my %inside = ('Shop.app/Contents/Info.plist' => 'x',
              'Shop.app/Contents/Frameworks/A.framework/_CodeSignature/'
              . 'CodeResources' => 'x');
my $seal = 'Shop.app/Contents/_CodeSignature/CodeResources';
my $large = 'x' x 1_000_000;

my %mac = (
    'a-mac.zip' => [ zip(%inside, 'Shop.app/large' => $large), 'unsigned' ],
    'b-mac.zip' => [ zip(%inside, $seal => 'x'), 'signed' ],
    'c-mac.zip' => [ zip(%inside, $seal => $large,
                         'Shop.app/Contents/CodeResources' => 'x'),
                     'signed ticket' ],
    'd-mac.zip' => [ substr(zip(%inside), 0, -30), 'is not a zip archive' ],
    'e-mac.zip' => [ 'no zip', 'is not a zip archive' ],
    'f-mac.zip' => [ '', 'is not a zip archive' ],
    'g-mac.zip' => [ zip('index.html' => 'x'), undef ],
);

stage_dist($t, 'shop', '3.0.0', { 'latest-mac.yml' => [ '3.0.0',
    map { [ $_, $_, $mac{$_}[0] ] } sort keys %mac ] });

my %apps = map { $_->{href} => $_ }
    @{$t->api('GET', '/releases/shop/3.0.0')->{json}{signatures}};

for my $name (sort keys %mac) {
    my $is = $apps{$name};

    if (!defined $mac{$name}[1]) {
        is($is, undef, "$name is something else");
        next;
    }

    like($is->{state} eq 'unreadable' ? $is->{reason}
         : $is->{state} . ($is->{ticket} ? ' ticket' : ''),
         qr/^\Q$mac{$name}[1]/, $name);
}

is($apps{'b-mac.zip'}{platform}, 'mac', 'the platform');
is_deeply(warnings('3.0.0'),
          [ '"a-mac.zip" has an app without a code signature: apps on macOS '
            . 'do not update themselves to it.' ], 'what macOS demands');


sub staged {
    my ($id, $files) = @_;

    release($id, map { $_ => $files->{$_} } sort keys %$files);

    my $list = $t->api('GET', "/releases/shop/$id")->{json}{signatures};

    return map { $_->{href} => $_ } @$list;
}


sub release {
    my ($id, @files) = @_;

    my %body = ref $files[0] ? %{shift @files} : ();
    my @listed;

    while (my ($name, $bytes) = splice @files, 0, 2) {
        push @listed, [ $name, $name, $bytes ];
    }

    my $reply = stage_dist($t, 'shop', $id,
                           { 'latest.yml' => [ $id, @listed ] }, %body);

    is($reply->{status}, 202, "$id is staged")
        or diag($reply->{json}{message});
}


sub warnings {
    my ($id) = @_;

    return $t->api('POST', "/releases/shop/$id/promote?dry-run", {},
                   token => 'approve')->{json}{warnings};
}


# The certificate table, which ends the program.

sub table {
    my ($bytes) = @_;

    my ($offset) = unpack '@232V', $bytes;

    return substr $bytes, $offset;
}


sub entry {
    my ($bytes, @values) = @_;

    return patch($bytes, 232, pack('VV', @values));
}


sub patch {
    my ($bytes, $offset, $with) = @_;

    substr($bytes, $offset, length $with) = $with;

    return $bytes;
}
