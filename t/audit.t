#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# The audit log is told from its end, a piece of the file at a time: whatever
# the lengths of the lines and the size of the log are.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Test::LiveUpdate qw/ json_decode json_encode /;

select STDERR; $| = 1;
select STDOUT; $| = 1;

# in kB: what is read at once, and a worker's memory for all of it

use constant { PIECE => 64, MEMORY => 16 * 1024 };

my $seed = $ENV{LIVEUPDATE_SEED} // time() ^ $$;

my $t = Test::LiveUpdate->new()->plan(15);

$t->config_reference()->run();

my $app = $t->create_app('My App');
my $log = "store/apps/$app/audit.log";
my @begun = lines();

is(scalar @begun, 1, 'what a new app has');
is_deeply([told()], \@begun, 'is told');
is($t->api('GET', '/releases/nosuch/audit')->{status}, 404, 'no such app');

# lines that end anywhere in a piece, and longer ones

note("seed $seed");
srand($seed);

my @lengths = (map({ 150 + int rand 3000 } 1 .. 300),
               map({ $_ * PIECE * 1024 + int rand 5 } 1, 2, 3),
               map({ 150 + int rand 3000 } 1 .. 100), PIECE * 1024,
               map({ 1024 } 1 .. 2 * PIECE), map({ 150 } 1 .. 2000));

append(map { line($lengths[$_], $_) } 0 .. $#lengths);

my @lines = lines();

is(scalar @lines, @begun + @lengths, 'a log of many lines');
is_deeply([told('limit=1000')], [(reverse @lines)[0 .. 999]], 'the last ones');
is_deeply([map { told("limit=1000&offset=${_}000") } 0 .. 2],
          [reverse @lines], 'all of them');
is_deeply([told('subject=number7')],
          [grep { $_->{subject} eq 'number7' } @lines], 'that of one subject');
is_deeply([told('limit=1&offset=' . $#lines)], \@begun, 'the first one');
is_deeply([told('offset=' . @lines)], [], 'none before it');

# a line that a crash has cut, or something else has spoiled

append('{"at":"2030-', "\n", substr(line(150, 'cut'), 0, 50));
is_deeply([told('limit=2')], [(reverse @lines)[0, 1]], 'what is no line');
is_deeply([told('limit=2&offset=2')], [(reverse @lines)[2, 3]],
          'is not counted');

$t->create_channel($app, 'beta');
is((told('limit=1'))[0]{change}, 'channel.create', 'and the next change');

# a log larger than what nginx would read at once

my ($worker) = $t->workers();
my $before = $t->size($worker)->{memory};

append(line(1000, 'many') x 1000) for 1 .. 70;
append(line(150, 'last'));

is(join(' ', map { $_->{subject} } told('limit=2')), 'numberlast numbermany',
   'a log of ' . int((-s $t->testdir() . "/$log") / 1024 / 1024) . ' MB');
is_deeply([told('subject=numbernone')], [], 'searched');

SKIP: {
    skip 'AddressSanitizer keeps what was freed', 1 if $ENV{TEST_NGINX_ASAN};

    cmp_ok($t->size($worker)->{memory} - $before, '<', MEMORY,
           'takes no memory');
}


# A line of as many bytes, its end among them.

sub line {
    my ($length, $n) = @_;

    my %line = (at => '2026-01-01T00:00:00.000Z', by => 'test',
                change => 'test', subject => "number$n", generation => 2,
                to => '');

    $line{to} = 'x' x ($length - length(json_encode(\%line)) - 1);

    return json_encode(\%line) . "\n";
}


sub append {
    open my $fh, '>>', $t->testdir() . "/$log" or die "cannot append: $!\n";
    print $fh @_;
    close $fh or die "cannot append: $!\n";
}


sub lines {
    return map { json_decode($_) } split /\n/, $t->read_file($log);
}


sub told {
    my ($query) = @_;

    return @{$t->api('GET', "/releases/$app/audit?" . ($query // ''),
                     undef, token => 'read')->{json}};
}
