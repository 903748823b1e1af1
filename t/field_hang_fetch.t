#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# A file system that does not answer while a build is fetched: a worker that is
# told to quit exits all the same, and the next one goes on with the build.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT machine /;
use Test::LiveUpdate::Fault;
use Test::LiveUpdate::Store;
use Test::LiveUpdate::ToDesktop;

$ENV{TEST_NGINX_WORKERS} = 1;

my $t = Test::LiveUpdate->new()->plan(14);
my $td = Test::LiveUpdate::ToDesktop->new($t);
my $fault = Test::LiveUpdate::Fault->new($t);
my $dir = $t->testdir();
my $tmp = "$dir/store/tmp/" . machine();

$td->configure(approval => 'off', timeout => '30s', change => sub {
    s{^events \{}{worker_shutdown_timeout  3s;\n\nevents \{}m
        if $_[0] eq 'nginx.conf';
});
$t->run();

for my $case (
    [ '', 'what is received cannot be stored' ],
    [ '/uploads', 'what was received cannot be kept' ],
    [ 'release.json', 'the release cannot be read' ],
) {
    my ($part, $name) = @$case;

    my $build = $td->build(platforms => ['linux'], size => 3_000_000);
    my ($worker) = $t->workers();

    $td->{origin}->script(qr/AppImage$/ => { hold => 1_500_000 });
    $td->deliver($build);

    # nginx opens a temporary file in the event loop, and writes in a thread

    my @files;

    # that one is the last, and no more of it comes

    ok(wait_until { @files = glob "$tmp/fetch/*";
                    @files == 1 && (-s $files[0] // 0) > 1_400_000 } 20,
       "$name: it is being received");

    $fault->hang($part || $files[0] =~ s{.*/}{/}r);
    $td->{origin}->script();
    wait_until { $fault->hanging() } 20, "$name: it hangs";

    kill 'QUIT', $worker;
    ok(wait_until { !kill 0, $worker } 30, "$name: the worker exits");

    $fault->answer();
    $td->becomes($build, 'live', "$name: another worker goes on");
    is(join("\n", Test::LiveUpdate::Store->new("$dir/store")->check()), '',
       "$name: the store is whole");
}

# the last one may have left files behind, as a crash does

$t->stop();
$t->run();

is_deeply([grep { -f } glob "$tmp/* $tmp/fetch/*"], [],
          'nothing is left');
is($t->api('GET', "/releases/$td->{app}")->{status}, 200, 'all is well');
