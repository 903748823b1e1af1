#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# What is told of a build that is fetched does not go back, also while a file
# is verified; and an origin that answers 403 for files that it does not have.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate;
use Test::LiveUpdate::Fault;
use Test::LiveUpdate::ToDesktop;

my $t = Test::LiveUpdate->new()->plan(18);
my $fault = Test::LiveUpdate::Fault->new($t);
my $td = Test::LiveUpdate::ToDesktop->new($t);
my $origin = $td->{origin};

$td->configure(approval => 'on', fetch => 'retry=50ms tries=3',
               timeout => '30s');
$t->run();

# one file comes, is verified, and waits for the disk; another one comes later

my $build = $td->build(platforms => [ 'windows' ], size => 200_000);

$origin->script(qr/x64\.exe$/ => { hold => 100_000 },
                qr/\.(?:exe|msi)$/ => { hold => 0 });
$td->deliver($build);

my @seen;

ok((wait_until { (progress()->{bytesDone} // 0) >= 100_000 } 10),
   'a part has come');

$fault->arm('wait', 'fsync', 1);
$origin->script(qr/arm64\.exe$/ => { hold => 0 },
                qr/\.msi$/ => { hold => 0 });

my $installer = (grep { /x64\.exe$/ } keys %{$build->{files}})[0];
my $all = $build->{files}{$installer}{size};

ok((wait_until { progress()->{bytesDone} >= $all } 10),
   'all of it, while it is verified');

my $reports = @seen;

ok((wait_until { progress(); reports() >= 3 + $reports } 15),
   'it is told some times');

$fault->disarm();
$origin->script(qr/\.msi$/ => { hold => 1000 });

ok((wait_until { (progress()->{filesDone} // 0) >= 2 } 15), 'one more file');

$origin->script();
$td->becomes($build, 'staged', 'until it is over');

is(join(' ', backwards('bytesDone')), '', 'bytes only go forwards');
is(join(' ', backwards('filesDone')), '', 'so do files');
is(join(' ', grep { $_->{bytesDone} > $_->{bytes} } @seen), '',
   'never more than there are');

# the body of an error does not count

$build = $td->build(platforms => [ 'windows' ], size => 50_000);
@seen = ();
$origin->script(qr/\.blockmap$/ => { status => 404, bytes => 'x' x 3000,
                                     slow => 3000 },
                qr/x64\.exe$/ => { slow => 20_000 });
delete $build->{files}{$_}
    for grep { /blockmap$/ } keys %{$build->{files}};
$td->deliver($build);
ok((wait_until { progress(); $td->release($build)->{state} eq 'staged' } 20),
   'without blockmaps');
is(join(' ', backwards('bytesDone')), '', 'bytes only go forwards');
$origin->script();

# 403 for what is not there

for my $status (403, 410) {
    $build = $td->build(platforms => [ 'windows' ], size => 1000);
    $origin->script(qr/-(?:mac|linux)-build-/ => { status => $status },
                    qr/\.blockmap$/ => { status => $status });
    delete $build->{files}{$_}
        for grep { /blockmap$/ } keys %{$build->{files}};

    $td->deliver($build);
    $td->becomes($build, 'staged', "$status for what may be missing");
    is_deeply($td->release($build)->{platforms}, [ 'windows' ],
              'the platform that is there');
}

# but not for what must be there

$build = $td->build(platforms => [ 'windows' ], size => 1000);
$origin->script(qr/x64\.exe$/ => { status => 403 });
$td->deliver($build);
$td->becomes($build, 'failed', 'a file that is listed');
like($td->release($build)->{reason}, qr/x64\.exe" .*answered 403/,
     'the reason has the file and the answer');

$build = $td->build(platforms => [ 'windows' ], size => 1000);
$origin->script(qr/./ => { status => 403 });
$td->deliver($build);
$td->becomes($build, 'failed', 'nothing is there');
like($td->release($build)->{reason}, qr/no manifest.*403/,
     'the reason does not hide the answer');
$origin->script();


# The last progress that was told, if any; keeps all.

sub progress {
    my $progress = $td->release($build)->{progress} or return {};

    push @seen, $progress
        if !@seen || $seen[-1]{updatedAt} ne $progress->{updatedAt};

    return $progress;
}

sub reports {
    return scalar @seen;
}

sub backwards {
    my ($member) = @_;

    return map { "$seen[$_ - 1]{$member} -> $seen[$_]{$member}" }
        grep { $seen[$_]{$member} < $seen[$_ - 1]{$member} } 1 .. $#seen;
}
