#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Large file tables: a file is found without the rest of its table, with an
# index and without one, and with more tables in use than fit into memory.

use warnings;
use strict;

use Digest::SHA qw/ sha256_hex /;
use IO::Select;
use IO::Uncompress::Gunzip qw/ gunzip /;
use List::Util qw/ max sum0 /;
use Test::More;

use Test::LiveUpdate qw/
    :DEFAULT json_decode json_encode port sign uri_encode zip
/;
use Test::LiveUpdate::HTTP qw/ connect_to parse_reply /;
use Test::LiveUpdate::Store;

use constant { FILES => 150, TABLES => 40, LARGE => 3000 };

my $t = Test::LiveUpdate->new()->plan(52);

$t->config_reference(sub {
    s/^( *)liveupdate_zone .*;\n/$&$1liveupdate_cache  4m;\n/m;
});
$t->run();

my $dir = $t->testdir();
my $store = Test::LiveUpdate::Store->new("$dir/store");
my $key = "$dir/key.pem";
my $app = $t->create_app('tables');

system("openssl genrsa -out '$key' 2048 2>/dev/null") == 0
    or BAIL_OUT('no key');

# as it is published

my %files = map {
    (sprintf('assets/%03d.js', 2 * $_) => "console.log($_);\n" x (1 + $_ % 40))
} 1 .. FILES;

$files{'index.html'} = '<!DOCTYPE html>';
$files{'a+b.txt'} = 'plus';
$files{"z/\xc3\xbc \"x\".txt"} = 'quotes';
$files{'z/y z.txt'} = 'space';

my $done = $t->publish($app, undef, \%files, key => $key);

ok($done->{ok}, 'a bundle is published') or BAIL_OUT($done->{reply}{raw});

my $release = $done->{bundle};
my $live = "$dir/store/live/$app";
my $table = $t->read_file("store/live/$app/$release/files.json");
my $index = eval { $t->read_file("store/live/$app/$release/files.index") }
    // '';

like($index, qr/\Afiles\.index-1 [0-9a-f]{64}\n/, 'it has an index');
is(join("\n", $store->check()), '', 'the store is whole');

my $small = $t->publish($app, undef, zip('index.html' => 'x'))->{bundle};

ok(!-e "$live/$small/files.index", 'a small table has none');

my %all = (%files, Test::LiveUpdate::API::manifest_of(\%files));
my %signatures = map { bytes($_->{href}) => $_->{signature} }
    @{json_decode($table)};

check('as it is published', $release);

# a page of it, as the API has it

my @listed = @{json_decode($table)};

for ([ '', 0, scalar @listed ], [ '?limit=7', 0, 7 ],
     [ '?offset=80&limit=60', 80, 60 ],
     [ '?offset=' . (@listed - 2), @listed - 2, 2 ])
{
    my ($query, $from, $n) = @$_;
    my $json = $t->api('GET', "/releases/$app/$release$query")->{json};

    is_deeply([ $json->{filesCount}, $json->{files} ],
              [ scalar @listed, [ @listed[$from .. $from + $n - 1] ] ],
              "a page of its files: \"$query\"");
}

is($t->api('GET', "/releases/$app/$small")->{json}{filesCount}, 1,
   'all of a small one');

# the same table in other states of the disk

my $damaged = $index;
substr($damaged, -5, 1) ^= "\1";

check('without an index', copy('none', $table));
check('with an empty index', copy('empty', $table, ''));
check('with a damaged index', copy('damaged', $table, $damaged));
check('with half an index',
      copy('half', $table, substr($index, 0, length($index) / 2)));
check('with an index that is something else',
      copy('binary', $table, join '', map { chr rand 256 } 1 .. 5000));
check('with the index of another table',
      copy('other', $table, forged(sub { $_[0] + 300 })));
check('with an index of pages that overlap',
      copy('overlap', $table, forged(sub { $_[0] ? $_[0] - 1 : 0 })));
check('in one line', copy('line', json_encode(json_decode($table))));
check('of another writer',
      copy('writer', JSON::PP->new->ascii->indent->space_before->space_after
                     ->encode(json_decode($table))));
check('not sorted',
      copy('unsorted', json_encode([reverse @{json_decode($table)}])));
check('not sorted, with the index of one that is',
      copy('reverse', json_print(reverse @{json_decode($table)}), $index));

SKIP: {
    skip 'root may read everything', 2 if $> == 0;

    my $name = copy('unreadable', $table, $index);

    chmod 0, "$live/$name/files.index";
    check('with an index that cannot be read', $name);
}

# what is wrong in a table is said, and does not stand for all of it

my $wrong = json_decode($table);
$wrong->[-1]{sha256} = 'x';

my $name = copy('wrong', json_print(@$wrong));
my $last = bytes($wrong->[-1]{href});

$t->mark_log();

is(get($name, 'a+b.txt')->{body}, $files{'a+b.txt'},
   'a table with a wrong entry has other files');
is(get($name, $last)->{status}, 500, 'but not that one');
$t->log_like(qr/could not load "$app\/wrong": .*64 lower-case hex digits/,
             'the log says why');

copy('wrong', $table);
ok(wait_until { get($name, $last)->{status} == 200 } 10,
   'a table that was mended');

$t->write_file("store/live/$app/wrong/files/new.txt", 'new');
$wrong = json_decode($table);
push @$wrong, map { {
    href => "$_.txt", size => 3, sha256 => sha256_hex('new')
} } 'new', map { "more-$_" } 1 .. 200;

copy('wrong', json_print(sort { bytes($a->{href}) cmp bytes($b->{href}) }
                         @$wrong));
ok(wait_until { get($name, 'new.txt')->{body} eq 'new' } 10,
   'a table that has become larger');
is(get($name, $last)->{body}, $all{$last}, 'has what it had');

# deleted

is(get($release, 'index.html')->{status}, 200, 'a bundle is there');
is($t->api('DELETE', "/v1/apps/$app/bundles/$release")->{status}, 204,
   'and deleted');
is(join(' ', map { get($release, $_)->{status} } 'index.html', $last),
   '404 404', 'then nothing of it is');

# more tables than fit into memory

my @tables = map { large(sprintf('many-%02d', $_), $_ % 2) } 0 .. TABLES - 1;
my $size = -s "$live/$tables[1]/files.json";

cmp_ok(TABLES * $size, '>', 20 * 1024 * 1024, 'many large tables');

# each worker looks through those without an index once

get($_, 'f/00000.txt') for (@tables) x 4;

my ($reads, $loads) = (reads(), loads());
my @wanted = map { sprintf 'f/%05d.txt', int rand LARGE } 1 .. 400;
my $right = 0;

for my $i (0 .. $#wanted) {
    my $reply = get($tables[$i % TABLES], $wanted[$i]);

    $right++ if $reply->{status} == 200
                && $reply->{headers}{'x-checksum'}
                   eq sha256_hex($wanted[$i] . $tables[$i % TABLES]);
}

is($right, @wanted, 'any file of any of them is found');

my $read = (reads() - $reads) / @wanted;

cmp_ok($read, '<', $size / 10,
       sprintf 'for that, %d of %d bytes are read', $read, $size);
cmp_ok(loads() - $loads, '<=', 2 * @wanted + 40, 'in one or two loads');

$loads = loads();
get($tables[0], 'f/00000.txt') for 1 .. 200;

cmp_ok(loads() - $loads, '<=', 2 * $t->workers(),
       'what is in use is not loaded again');

SKIP: {
    skip 'AddressSanitizer keeps what was freed', 1 if $ENV{TEST_NGINX_ASAN};

    my $most = max(map { rss($_) } $t->workers());

    cmp_ok($most, '<', 60_000, "in bounded memory: $most kB");
}

# more requests at once than there is memory for what they wait for

limit('1m');

my @replies = at_once(map {
    path($tables[rand @tables], sprintf 'f/%05d.txt', int rand LARGE)
} 1 .. 300);

is(scalar(grep { $_->{status} == 200 } @replies), 300,
   'requests that are in each other\'s way');

# more memory than there are tables

limit('64m');

get($_, 'f/00000.txt') for (@tables) x 10;

$loads = loads();
get($_, 'f/00000.txt') for (@tables) x 10;

cmp_ok(loads() - $loads, '<=', 20, 'more memory, fewer loads');

###############################################################################

sub check {
    my ($what, $id) = @_;

    my @wrong;

    for my $href (sort keys %all) {
        my $reply = get($id, $href, 'Accept-Encoding' => 'gzip');
        my $body = $reply->{body};

        if (($reply->{headers}{'content-encoding'} // '') eq 'gzip') {
            gunzip(\$reply->{body}, \$body) or $body = 'no gzip';
        }

        push @wrong, "$href: $reply->{status}"
            if $reply->{status} != 200
               || $body ne $all{$href}
               || $reply->{headers}{'x-checksum'} ne sha256_hex($all{$href})
               || $reply->{headers}{'x-signature'} ne $signatures{$href}
               || ($href =~ /\.js$/ && $reply->{headers}{'content-type'}
                                       ne 'text/javascript')
               || (length $all{$href} > 600 && $href =~ /\.js$/
                   && ($reply->{headers}{'content-encoding'} // '') ne 'gzip');
    }

    for my $href ('z/y+z.txt', 'a+b.txt') {
        my $reply = $t->api('GET', "/artifacts/$app/$id?href=$href", undef,
                            token => undef);

        push @wrong, "$href: $reply->{status}" if $reply->{status} != 200;
    }

    is("@wrong", '', "$what: all files");

    is(join(' ', map { get($id, $_)->{status} } '!', 'a', 'a b.txt',
            'assets/003.js', 'assets/002.jsx', 'assets', 'zz',
            "\xf4\x8f\xbf\xbf"),
       join(' ', (404) x 8), "$what: no others");
}


sub get {
    my ($id, $href, @headers) = @_;

    return $t->api('GET', path($id, $href), undef, token => undef,
                   headers => \@headers);
}


sub path {
    my ($id, $href) = @_;

    return "/artifacts/$app/$id?href=" . uri_encode($href);
}


# The files of the release once more, with that table.

sub copy {
    my ($id, $text, $with) = @_;

    if (!-d "$live/$id") {
        $t->write_file("store/live/$app/$id/files.json", '');
        system("cp -r '$live/$release/files' '$live/$release/gzip' "
               . "'$live/$id/'") == 0 or die "no copy\n";
    }

    unlink "$live/$id/files.index";

    $t->replace_file("store/live/$app/$id/files.json", $text);
    $t->write_file("store/live/$app/$id/files.index", $with) if defined $with;

    return $id;
}


# The index with its pages elsewhere, and the digest of that.

sub forged {
    my ($offset) = @_;

    my ($head, @lines) = split /^/, $index;

    s/^(\d+)/$offset->($1)/e for @lines[1 .. $#lines];

    return 'files.index-1 ' . sha256_hex(join '', @lines) . "\n"
           . join '', @lines;
}


# As the module prints it.

sub json_print {
    return '[' . join(', ', map { json_encode($_) =~ s/,/,\n\t\t/gr } @_)
           . ']';
}


# Every other one with an index, which is made by publishing nothing but names.

sub large {
    my ($id, $indexed) = @_;

    my $text = '';
    my @pages;

    for my $n (0 .. LARGE - 1) {
        my $offset = length $text;
        my $href = sprintf 'f/%05d.txt', $n;

        push @pages, [$offset, $href]
            if !@pages || $offset - $pages[-1][0] >= 4096;

        $text .= sprintf '%s{"href":"%s","size":2,"sha256":"%s",'
                         . '"signature":"%s==","type":"text/plain"}',
            $n ? ',' : '[', $href, sha256_hex("$href$id"), 'x' x 342;
    }

    my $lines = join "\n", 1 + length($text) . ' ' . length($text),
        (map { "@$_" } @pages), '';

    $t->write_file("store/live/$app/$id/files.json", "$text]");
    $t->write_file("store/live/$app/$id/files.index", 'files.index-1 '
                   . sha256_hex($lines) . "\n$lines") if $indexed;

    # all of them have the same files

    for my $n (0 .. LARGE - 1) {
        last if -e "$dir/files/f/00000.txt" && $n == 0;
        $t->write_file(sprintf('files/f/%05d.txt', $n), 'hi');
    }

    symlink "$dir/files", "$live/$id/files" or die "no link: $!\n";

    return $id;
}


sub limit {
    my ($size) = @_;

    $t->write_file('nginx.conf', $t->read_file('nginx.conf')
                   =~ s/liveupdate_cache .*;/liveupdate_cache  $size;/r);
    $t->reload();
}


sub at_once {
    my (@paths) = @_;

    my %sockets;

    for my $path (@paths) {
        my $s = connect_to('127.0.0.1:' . port(8080));

        print {$s} "GET $path HTTP/1.1\r\nHost: x\r\n"
                   . "Connection: close\r\n\r\n";

        $sockets{$s} = [$s, ''];
    }

    my @done;
    my $select = IO::Select->new(map { $_->[0] } values %sockets);

    while ($select->count) {
        my @ready = $select->can_read(20) or last;

        for my $s (@ready) {
            next if sysread $s, $sockets{$s}[1], 65536,
                            length $sockets{$s}[1];

            push @done, parse_reply($sockets{$s}[1]);
            $select->remove($s);
        }
    }

    return @done;
}


sub bytes {
    my ($text) = @_;

    utf8::encode($text);

    return $text;
}


sub reads {
    return sum0(map {
        $t->read_file("/proc/$_/io") =~ /^rchar: (\d+)/m
    } $t->workers());
}


sub loads {
    my $catalog = $t->api('GET', '/status?format=json')->{json}{catalog};

    return $catalog->{loaded};
}


sub rss {
    my ($pid) = @_;

    return $t->read_file("/proc/$pid/status") =~ /^VmRSS:\s*(\d+)/m ? $1 : 0;
}
