#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# What the store lies on is looked at when nginx reads its configuration: what
# is known to be wrong is said, and what cannot work is refused, in time.

use warnings;
use strict;

use File::Path qw/ make_path /;
use Test::More;
use Time::HiRes qw/ time /;

use Test::LiveUpdate qw/ :DEFAULT machine zip /;
use Test::LiveUpdate::Shared;
use Test::LiveUpdate::Store;

use constant F_OFD_SETLK => 37;

my $t = Test::LiveUpdate->new();
my $shared = Test::LiveUpdate::Shared->new($t, 2);
my $squashed = Test::LiveUpdate::Shared->new(Test::LiveUpdate->new(), 1,
                                             mode => 'squash');
my $dir = $t->testdir();
my $nginx = $Test::LiveUpdate::NGINX;

$t->plan(24);

# file systems that are told about

make_path("$dir/memory");
system("mount -t tmpfs -o size=10m none '$dir/memory'") == 0
    or die "cannot mount\n";

like(test('memory/store'),
     qr{\[warn\].* "\Q$dir\E/memory/store" lies on tmpfs, and will be gone},
     'a store in memory');
like(test('memory'), qr/lies on tmpfs/, 'the mount point itself');
like(test('shared.1/store'),
     qr{\[warn\].* lies on fuse\.stale, which is not supported},
     'a shared file system that is not known');

# nobody can write

configure('memory/store');
$t->run();

my $app = $t->create_app('Shop');
my $bundle = $t->publish($app, undef, zip('index.html' => 'x'))->{bundle};

is($t->latest($app)->{json}{bundleId}, $bundle, 'a device is told');
$t->stop();
system("rm -r '$dir/memory/store/tmp/'*");
system("mount -o remount,ro '$dir/memory'") == 0 or die "cannot remount\n";
$t->run();
is($t->latest($app)->{json}{bundleId}, $bundle,
   'as well if the file system is read-only');
ok(!-e "$dir/memory/store/tmp/" . machine(), 'the machine has no folder there');
$t->stop();

# root may not write

my ($said, $ok) = test($squashed->place(1) . '/store');

ok(!$ok, 'root is refused');
like($said, qr/\[emerg\].* root may not write .* on fuse\.stale: .*root_squash/,
     'and the reason is said');
unlike($said, qr/mkdir/, 'before nginx makes a folder');

# the file system hangs

configure('shared.1/store');
$t->run();
$app = $t->create_app('Shop');
is($t->api('GET', "/v1/apps/$app")->{status}, 200, 'a store that is shared');
is(join(' ', glob "$dir/shared/.root* $dir/shared/store/.root*"), '',
   'the look leaves nothing behind');

$shared->signal(1, 'STOP');

my $from = time();

($said, $ok) = test('shared.1/store');

ok(!$ok, 'it hangs: nginx -t fails');
like($said, qr/has not answered for 5 seconds: its file system hangs/,
     'and says why');
cmp_ok(time() - $from, '<', 20, 'in time');
is($t->system_nginx('-e', "$dir/error.log", '-c', "$dir/nginx.conf",
                    '-s', 'reopen'), 0,
   'nginx -s does not look at the disk');
$t->allow_alert(qr/has not answered for 5 seconds/);
kill 'HUP', $t->{master};
ok((wait_until { $t->read_log() =~ /\[emerg\].* has not answered/ } 30),
   'a reload is refused');

$shared->signal(1, 'CONT');
ok((wait_until { $t->api('GET', "/v1/apps/$app")->{status} == 200 } 20),
   'it answers');
ok($t->reload(), 'and nginx is reloaded');

# mounted anew, while the old mount is still there, without a name

system('umount -l ' . $shared->place(1)) == 0 or die "cannot unmount\n";
$shared->mount(1);

ok($t->reload(), 'a reload on the new mount');
like($t->read_log(), qr/\.lock" is another file than before/,
     'the name is locked there');
ok(!Test::LiveUpdate::Store->new($shared->dir() . '/store')
   ->lock('tmp/' . machine() . '/.lock', F_OFD_SETLK), 'and is not free');

# another machine has the name, and the first one crashes

my $two = Test::LiveUpdate->new();

$two->write_file('tokens', $t->read_file('tokens'));
configure('shared.2/store', $two, 8081);

my $pid = fork() // die "cannot fork: $!\n";

if ($pid == 0) {
    $two->exec_nginx($nginx, '-p', $two->testdir() . '/',
                     '-e', $two->testdir() . '/error.log',
                     '-c', $two->testdir() . '/nginx.conf',
                     '-g', 'daemon off;');
}

ok((wait_until { $two->read_log() =~ /is locked: nginx waits for up to 80/ }
    20), 'a start waits for the name');
$t->kill_nginx();
ok((wait_until { $two->read_log() =~ /start worker processes/ } 20),
   'and has it after the crash of the other one');
kill 'QUIT', $pid;
waitpid $pid, 0;
is($?, 0, 'the end');


END {
    local $?;

    system("umount -l '$dir/memory' 2>/dev/null") if $dir;
}


sub test {
    my ($store) = @_;

    return $t->test_config(config($store));
}


sub configure {
    my ($store, $where, $port) = @_;

    ($where // $t)->write_file_expand('nginx.conf', config($store, $port));
}


sub config {
    my ($store, $port) = @_;

    $store = "$dir/$store" unless $store =~ m{^/};
    $port //= 8080;

    return <<"EOC";

%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    liveupdate_store   $store;
    liveupdate_tokens  tokens;

    server {
        listen  127.0.0.1:$port;

        location /v1/ {
            liveupdate_api;
        }
    }
}

EOC
}
