#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# What a killed worker has left in tmp/ goes when a worker starts, without a
# restart of nginx; what others are writing, on this machine or on another one,
# stays.

use warnings;
use strict;

use File::Path qw/ make_path remove_tree /;
use POSIX ();
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT machine /;
use Test::LiveUpdate::Store;
use Test::LiveUpdate::ToDesktop;

my $t = Test::LiveUpdate->new()->plan(21);
my $td = Test::LiveUpdate::ToDesktop->new($t);
my $host = machine();
my $dir = $t->testdir() . '/store';
my $own = "$dir/tmp/$host";

$td->configure(approval => 'off', fetch => 'retry=50ms tries=20',
               timeout => '30s');
$t->run();

my $store = Test::LiveUpdate::Store->new($dir);

# files that are being fetched, in whatever worker

my $build = fetching();

ok((wait_until { fetchers() == 1 } 10), 'one worker fetches');

my ($fetcher) = fetchers();
my ($fetched) = names('fetch');

# what was left by others

my $dead = dead();
my %left = (
    "$host/$dead.AbCdEf" => 0,
    "$host/$dead.7" => 0,
    "$host/$$.AbCdEf" => 1,
    "$host/AbCdEf" => 1,
    "$host/$dead" => 1,
    "$host/body/0000009999" => 0,
    "$host/fetch/0000009999" => 0,
    "$host.example/$dead.AbCdEf" => 1,
    "$host.example/body/0000009999" => 1,

    # an older version wrote there, for all machines
    'body/0000009999' => 0,
    'fetch/0000009999' => 1,
);

$t->write_file("store/tmp/$_", 'left') for keys %left;
make_path("$own/$dead.2.gone/files/deep");
$t->write_file("store/tmp/$host/$dead.2.gone/files/deep/x", 'left');
utime(0, time() - 2 * 86_400, "$dir/tmp/body/0000009999");
system("chown -R --reference='$dir/apps' '$dir/tmp'");

# the worker that does not fetch dies

$t->kill_worker($_) for grep { $_ != $fetcher } $t->workers();

ok((wait_until { !-e "$own/$dead.AbCdEf" } 10),
   "a dead process's file has gone");
ok((wait_until { !-e "$own/fetch/0000009999" } 10),
   'and what nobody has open');
ok((wait_until { !-e "$dir/tmp/body/0000009999" } 10),
   'and what an older version left');

for my $name (sort keys %left) {
    is(-e "$dir/tmp/$name" ? 1 : 0, $left{$name},
       $left{$name} ? 'it stays' : 'it has gone');
}

ok(!-e "$own/$dead.2.gone", 'a folder has gone');
ok(-d "$dir/tmp/body", 'an older version that still runs has its own');

ok(-e "$own/fetch/$fetched", 'what is being fetched stays');

$td->{origin}->script();
$td->becomes($build, 'live', 'the build is fetched');

# all workers die: nothing is left

$build = fetching();

unlink "$dir/tmp/$_" for keys %left;
remove_tree("$dir/tmp/$host.example", "$dir/tmp/fetch");
$t->kill_worker($_) for $t->workers();
$td->{origin}->script();
$td->becomes($build, 'live', 'another worker fetches it');

ok((wait_until { !$store->temporary() } 10), 'nothing is left in tmp')
    or diag(join "\n", $store->temporary());

$t->stop();


sub names {
    my ($name) = @_;

    opendir my $dh, "$own/$name" or return;

    return grep { !/^\./ } readdir $dh;
}


# The workers that have all files that are being fetched open.

sub fetchers {
    my @names = names('fetch');

    return grep { my $pid = $_; @names == grep { holds($pid, $_) } @names }
           $t->workers();
}


sub holds {
    my ($pid, $name) = @_;

    return grep { (readlink($_) // '') eq "$own/fetch/$name" }
           glob "/proc/$pid/fd/*";
}


sub dead {
    my $pid = fork() // die "cannot fork: $!\n";

    POSIX::_exit(0) if $pid == 0;
    waitpid $pid, 0;

    return $pid;
}


# A build, once the origin holds back each of its files.

sub fetching {
    my $build = $td->build(platforms => [ 'linux' ], size => 200_000);

    $td->{origin}->script(qr/(?:AppImage|deb|rpm)$/ => { hold => 100_000 });
    $td->deliver($build);

    wait_until { names('fetch') == 3 && $td->{origin}->flying() == 3 } 10,
               'a build is being fetched';

    return $build;
}
