#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# What crashes, copies and people leave in the folders of turns, and in the
# place of documents: the next change goes on, and tidies up.

use warnings;
use strict;

use File::Path qw/ make_path remove_tree /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT zip /;
use Test::LiveUpdate::Fault;
use Test::LiveUpdate::HTTP qw/ json_decode json_encode /;
use Test::LiveUpdate::Store;

my $t = Test::LiveUpdate->new();
my $dir = $t->testdir();
my $store = Test::LiveUpdate::Store->new("$dir/store");
my $fault = Test::LiveUpdate::Fault->new($t);
my $n = 0;

$t->config_reference();
$t->plan(19);
$t->run();

my $app = $t->create_app('turns');
my $folder = "$dir/store/apps/$app";
my $turn = "$folder/.turn";

change('a new app');
like(join(' ', names($turn)), qr/^turn\.\S+\.\d+\z/, 'has one turn');

my ($before) = names($turn);

change('the next');
isnt((names($turn))[0], $before, 'has another');

# what there should be, and is not

remove_tree($turn);
change('a copy without turns');

unlink map { "$turn/$_" } names($turn);
change('a folder without one');

# what there should not be

make($_) for 'turn.a.1.b.7', 'turn.z';
change('several turns');

($before) = names($turn);
make("new.$1") if $before =~ /^turn\.(.*)\.\d+$/;
make($_) for 'new.gone', 'look.gone', 'x';
make_path("$turn/make.gone/files");
make('make.gone/files/a');
change('what a crash has left');
is_deeply([$store->temporary()], [], 'all of it has gone');

unlink map { "$turn/$_" } names($turn);
make('new.gone');
change('only that');

# names that asked for names anew

open my $fh, '>', "$folder/.look";
close $fh;
unlink "$dir/store/organizations.json";
is($t->api('POST', '/v1/organizations', { name => 'x' })->{status}, 201,
   'an organization');

# documents that others have replaced, or linked

my $json = json_decode($t->read_file("store/apps/$app/app.json"));

$json->{name} = 'by hand';
$t->replace_file("store/apps/$app/app.json", json_encode($json));
change('after a person');
is($store->app($app)->{name}, 'by hand', 'what he wrote is kept');

link "$folder/app.json", "$dir/other";
change('with a second name');
is(json_decode($t->read_file('other'))->{generation} + 1,
   $store->app($app)->{generation}, 'which keeps what it had');

# a file system that has no links says so

$fault->arm('error', 'link', 1, 1);

my $reply = $t->api('POST', "/v1/apps/$app/channels", { name => 'none' });

$fault->disarm();
is($reply->{status}, 500, 'no links');
like($t->read_file('error.log'), qr/link\(\) .* failed \(1:/,
     'the log says so');

# one that is away is not broken

$fault->arm('error', 'link', 1, 107);
$reply = $t->api('POST', "/v1/apps/$app/channels", { name => 'none' });
$fault->disarm();
is($reply->{status}, 503, 'not connected');
ok($reply->{headers}{'retry-after'}, 'come again');


sub change {
    my ($name) = @_;

    my $channel = 'c' . ++$n;

    $t->api('POST', "/v1/apps/$app/channels", { name => $channel });

    is_deeply([scalar grep({ $_->{name} eq $channel }
                           @{$store->app($app)->{channels}}),
               scalar names($turn), $store->check()], [1, 1],
              "$name: it is done, and one turn is left");
}


sub names {
    my ($path) = @_;

    opendir my $dh, $path or return;

    return grep { !/^\.\.?$/ } readdir $dh;
}


sub make {
    my ($name) = @_;

    open my $made, '>', "$turn/$name" or die "cannot make $name: $!\n";
    close $made;
}
