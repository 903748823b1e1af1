#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# The file system of the store is not mounted: calls say so, with 503, devices
# keep what they have, and nothing is written into the folder below the mount
# point; mounted again, all is as before.

use warnings;
use strict;

use File::Path qw/ make_path /;
use Test::More;
use Time::HiRes qw/ time /;

use Test::LiveUpdate qw/ :DEFAULT zip /;
use Test::LiveUpdate::Release qw/ stage_dist /;
use Test::LiveUpdate::Store;
use Test::LiveUpdate::ToDesktop;

# a worker has the copies that the test has asked for

$ENV{TEST_NGINX_WORKERS} = 1;

my $t = Test::LiveUpdate->new();
my $dir = $t->testdir();
my $mounted = 0;

$t->skip_all('only root can mount') if $> != 0;
$t->skip_all('workers must keep their copies') if $ENV{TEST_NGINX_HUP};

make_path("$dir/disk");
rmdir "$dir/store/tmp" or die "rmdir: $!\n";
mount() or $t->skip_all('cannot mount here');

my $td = Test::LiveUpdate::ToDesktop->new($t);

$t->plan(70);
configure('store');
$t->run();

my $store = Test::LiveUpdate::Store->new("$dir/store");
my $absent = qr/^503 The store is not there: is its file system mounted\?/;
my $app = $t->create_app('there');
my $bundle = $t->publish($app, undef, zip('index.html' => 'x'))->{bundle};

ok(-e "$dir/disk/.store", 'a store has a mark');
is(told(), $bundle, 'devices are told');

$t->api('POST', '/v1/apps', { name => 'Shop', type => 'electron',
                              id => 'shop' });
is(stage_dist($t, 'shop', 'r1', {
    'latest.yml' => ['1.0.0', 'Shop Setup 1.0.0.exe'],
})->{json}{state}, 'live', 'a desktop release');

# its app is known to the workers, its files are not

$t->stop();
$t->run();
told() for 1 .. 20;
is(feed('/desktop/shop/none.exe')->{status}, 404, 'not in the feed')
    for 1 .. 2;

umount();
refused('');
is(told(), $bundle, 'devices are told as before');
is($t->latest('unknown')->{status}, 503, 'of what is not known nothing is');

for my $path (qw{ /desktop/shop/latest.yml /download/shop/windows }) {
    my $reply = feed($path);

    is($reply->{status}, 503, "$path: later");
    ok($reply->{headers}{'retry-after'}, "$path: says when");
}

is($t->api('GET', '/status', undef, token => 'read')->{status}, 200,
   'the status is told');

$t->kill_worker($_) for $t->workers();
refused('a new worker: ');
is($t->latest($app)->{status}, 503, 'has nothing for devices');

ok($t->reload(), 'a reload');
refused('after a reload: ');

mount();
ok((wait_until { (told() // '') eq $bundle } 10), 'mounted again');
is($t->api('GET', '/v1/apps')->{json}[0]{id}, $app, 'the app is there');
is(feed($_)->{status}, 200, "$_: there")
    for qw{ /desktop/shop/latest.yml /download/shop/windows };
ok($t->publish($app, undef, zip('index.html' => 'y'))->{ok}, 'it goes on');
is(join("\n", $store->check()), '', 'the store is whole');

# files that the workers know are not taken for deleted ones

my @paths = ('/desktop/shop/latest.yml', '/download/shop/windows',
             '/desktop/shop/Shop%20Setup%201.0.0.exe',
             $t->latest($app)->{json}{url} =~ s{^http://[^/]+}{}r);

is(feed($_)->{status}, 200, "$_: known") for @paths;

umount();

my %statuses;
my $from = time();

# what a worker knows of the disk is up to a second old

while (time() - $from < 4) {
    for my $path (@paths) {
        my $known = time() - $from < 1.5;
        my $status = feed($path)->{status};

        $statuses{$status}++ unless $known;
    }
}

ok($statuses{503}, 'later');
is(join(' ', grep { !/^(?:200|503)$/ } sort keys %statuses), '',
   'or out of the memory');
mount();
ok((wait_until { !grep { feed($_)->{status} != 200 } @paths } 10),
   'they are there again');

# folders that an older version has made there do not make a store

umount();
mkdir "$dir/store/$_" for qw/ apps live staging feed jobs tmp /;
like($t->said($t->api('GET', '/v1/apps')), $absent, 'only empty folders');
like($t->said($t->api('POST', '/v1/apps', { name => 'x' })), $absent,
     'no app is made in them');
rmdir "$dir/store/$_" for qw/ apps live staging feed jobs tmp /;
is(join(' ', inside()), '', 'they were empty');

# a store of an older version, or out of a backup, has no mark

mount();
unlink "$dir/disk/.store" or die "unlink: $!\n";
is($t->api('GET', "/v1/apps/$app")->{status}, 200, 'a store without a mark');
ok($t->reload(), 'a reload');
ok(-e "$dir/disk/.store", 'gives it one');

# nginx starts without it

$t->stop();
umount();
configure('store existing');
$t->run();
refused('started: ');
is($t->latest($app)->{status}, 503, 'nothing for devices');

mount();
ok((wait_until { (told() // '') ne '' } 10), 'mounted later');
is($t->api('GET', "/v1/apps/$app")->{status}, 200, 'the app is there');

# mistakes

$t->stop();

for (
    [ 'new', '', qr/invalid parameter "new", it can be "existing"/ ],
    [ 'existing', '',
      qr/must have "existing" wherever it names that store, or nowhere/ ],
) {
    my ($one, $two, $re) = @$_;

    like(scalar $t->test_config(<<"EOC"), $re, 'a mistake');

%%TEST_GLOBALS%%

events {
}

http {
    server {
        liveupdate_store  store $one;
    }

    server {
        liveupdate_store  store $two;
    }
}

EOC
}


END {
    umount() if $mounted;
}


sub mount {
    return $mounted = system("mount --bind '$dir/disk' '$dir/store'"
                             . ' 2>/dev/null') == 0;
}


sub umount {
    local $?;

    system("umount -l '$dir/store'");
    $mounted = 0;
}


# Without folders for nginx's own files in the store: a reload would fail.

sub configure {
    my ($value) = @_;

    $td->configure(change => sub {
        s/^[ ]*(?:client_body|proxy)_temp_path[ ].*\n//mg;
        s/(liveupdate_store[ ]+)[^;]*;/$1$value;/;
    });
}


sub refused {
    my ($name) = @_;

    for (
        [ 'apps', sub { $t->api('GET', '/v1/apps') } ],
        [ 'app', sub { $t->api('GET', "/v1/apps/$app") } ],
        [ 'create', sub { $t->api('POST', '/v1/apps', { name => 'x' }) } ],
        [ 'bundle', sub { $t->api('POST', "/v1/apps/$app/bundles",
                                  { artifactType => 'zip' }) } ],
        [ 'delete', sub { $t->api('DELETE', "/v1/apps/$app") } ],
        [ 'fetch', sub { $t->api('POST', '/releases/a/b/fetch', {},
                                 token => 'publish') } ],
        [ 'webhook', sub { $td->deliver($td->build(
            platforms => [ 'linux' ], size => 100)) } ],
    ) {
        like($t->said($_->[1]->()), $absent, "$name$_->[0]");
    }

    is(join(' ', inside()), '', "${name}nothing is written");
}


sub feed {
    return $t->api('GET', $_[0], undef, token => undef,
                   headers => [ 'User-Agent' => 'x' ]);
}


sub told {
    return $t->latest($app)->{json}{bundleId};
}


sub inside {
    opendir my $dh, "$dir/store" or return "cannot open: $!";

    return grep { !/^\.\.?$/ } readdir $dh;
}
