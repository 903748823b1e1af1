#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Builds the unit tests of src/core, with AddressSanitizer and UBSan, and runs
# each of them as a subtest.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate ();

chdir $Test::LiveUpdate::ROOT or die "no $Test::LiveUpdate::ROOT: $!\n";

my @tests = sort map { m{^t/unit/(.*)\.c$} } glob 't/unit/*.c';

plan(tests => @tests + 1);

cmp_ok(scalar @tests, '>', 0, 'there are unit tests');

for my $test (@tests) {
    subtest($test => sub { run_unit($test) });
}


sub run_unit {
    my ($test) = @_;

    my $built = `make -s build/unit/$test 2>&1`;

    if ($?) {
        fail('builds');
        diag($built);
        return;
    }

    my $out = `build/unit/$test 2>&1`;
    my $status = $?;
    my ($seen, $planned, @notes) = (0);

    for my $line (split /\n/, $out) {

        if ($line =~ /^(not )?ok \d+ - (.*)/) {
            diag(splice @notes);
            ok(!$1, $2);
            $seen++;

        } elsif ($line =~ /^1\.\.(\d+)$/) {
            $planned = $1;

        } else {
            push @notes, "$line\n";
        }
    }

    diag(@notes) if @notes;

    is($seen, $planned // 'none', 'all planned tests were run');
    is($status, 0, 'ends with 0, no sanitizer has complained');

    done_testing();
}
