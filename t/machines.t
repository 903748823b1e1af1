#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Several machines on one store: each has a name, which no other may take while
# it lives, and a folder for what it is writing, which no other one touches.

use warnings;
use strict;

use Digest::SHA qw/ sha256_hex /;
use File::Path qw/ make_path /;
use Test::More;
use Time::HiRes qw/ sleep /;

use Test::LiveUpdate qw/ :DEFAULT multipart zip /;
use Test::LiveUpdate::HTTP qw/ connect_to parse_reply /;
use Test::LiveUpdate::Store;

use constant { F_OFD_SETLK => 37, LATE => 30 };

my $one = Test::LiveUpdate->new()->plan(43);
my $two = Test::LiveUpdate->new();
my $three = Test::LiveUpdate->new();
my $dir = $one->testdir() . '/store';
my $store = Test::LiveUpdate::Store->new($dir);
my $taken = qr/another nginx has the machine name "([^"]*)" in the store/;

configure($one, 8080, 'm2');
configure($two, 8081, 'm2.example');

$one->run();
$two->run();

my $app = $one->create_app('Shop');

ok(-d "$dir/tmp/$_/body", "$_ has a folder for bodies")
    for qw/ m2 m2.example /;
ok(!-e "$dir/tmp/body", 'there is none for all machines');

# a start of one, while another one works

my $id = $two->api('POST', "/v1/apps/$app/bundles", { artifactType => 'zip' },
                   port => 8081)->{json}{id};
my $bytes = zip('index.html' => 'x', noise => noise(1_000_000));
my ($body, $type) = multipart(
    checksum => sha256_hex($bytes), sizeInBytes => length $bytes,
    file => { bytes => $bytes, filename => 'bundle.zip' });
my $half = length($body) / 2;
my $s = connect_to('127.0.0.1:' . port(8081));

print {$s} "POST /v1/apps/$app/bundles/$id/files HTTP/1.1\r\nHost: a\r\n"
           . 'Authorization: Bearer ' . $two->token('admin') . "\r\n"
           . "Content-Type: $type\r\nConnection: close\r\n"
           . 'Content-Length: ' . length($body) . "\r\n\r\n"
           . substr $body, 0, $half;

ok((wait_until { receiving('m2.example') } LATE),
   'an upload is received on m2.example');

my @left = ('m2/1.AbCdEf', 'm2/body/1234');
my @others = ('m2.example/2.AbCdEf', 'm2.example/3.1.gone/x',
              'm2.example/body/1234', 'm3/1.AbCdEf', 'm2.example.1.AbCdEf');

$one->stop();

for my $name (@left, @others) {
    make_path("$dir/tmp/$name" =~ s{/[^/]*$}{}r);
    open my $fh, '>', "$dir/tmp/$name" or die "cannot write $name: $!\n";
}

$one->run();

is(join(' ', grep { -e "$dir/tmp/$_" } @left), '',
   'a start of m2 removes what m2 has left');
is(join(' ', grep { !-e "$dir/tmp/$_" } @others), '',
   'and nothing of other machines');

print {$s} substr $body, $half;
is(parse_reply(http_end($s))->{status}, 201, 'the upload goes on');
is($one->api('PATCH', "/v1/apps/$app/bundles/$id",
             { artifactStatus => 'ready' })->{status}, 200,
   'and m2 makes it ready');
is(join("\n", $store->check()), '', 'the store is whole');

# a name is taken once

configure($three, 8082, 'm2');
is(($three->test_config())[1], 1, 'nginx -t does not need the name');
refused($three, 'm2');
is($one->api('GET', "/v1/apps/$app")->{status}, 200, 'm2 answers');

ok($one->reload(), 'a reload keeps the name');
refused($three, 'm2');

configure($one, 8080, 'm2.example');
like($one->reload(fails => 1), $taken, 'a reload to a name that is taken');
is($one->api('GET', "/v1/apps/$app")->{status}, 200, 'the old one goes on');
is(held('m2'), 1, 'with its name');

configure($one, 8080, 'm4');
ok($one->reload(), 'a reload to another name');
ok((wait_until { !held('m2') } LATE), 'gives the old one free');
is(held('m4'), 1, 'and has the new one');
ok($one->publish($app, undef, zip('index.html' => 'm4'), token => 'admin')
   ->{ok}, 'under which it publishes');

ok($three->start(), 'a machine takes the name that is free');
$three->stop();

# a lock that was removed is made again; a folder, when it is needed

make_path("$dir/away");
rename "$dir/tmp/m4", "$dir/away/m4" or die "rename: $!\n";
ok($one->publish($app, undef, zip('index.html' => 'gone'), token => 'admin')
   ->{ok}, 'without its folder');
rename "$dir/away/m4/$_", "$dir/tmp/m4/$_" for qw/ .lock body /;
system("rm -r '$dir/away'");

# a crash

$one->kill_nginx();
is(held('m4'), 0, 'kill -9 gives the name free');
ok($one->start(), 'and a start has it');

# an upgrade of the binary

$one->stop();
configure($one, 8080, 'm5',
          "daemon  on;\nenv  LD_PRELOAD;\nenv  ASAN_OPTIONS;\n");

is($one->system_nginx('-e', $one->testdir() . '/error.log',
                      '-c', $one->testdir() . '/nginx.conf'),
   0, 'nginx, as a daemon');
ok((wait_until { get() == 200 } LATE), 'answers');

my $old = master('nginx.pid');

kill 'USR2', $old;
my $new = wait_until {
    my $pid = master('nginx.pid');
    $pid && $pid != $old && master('nginx.pid.oldbin') == $old && $pid
} LATE, 'an upgrade of the binary';

ok($new, 'the binary is upgraded');
ok((wait_until { get() == 200 } LATE), 'both answer');
is(held('m5'), 1, 'they have the name');

configure($three, 8082, 'm5');
refused($three, 'm5');

kill 'QUIT', $old;
ok((wait_until { !kill 0, $old } LATE), 'the old one has quit');
is(held('m5'), 1, 'the new one has the name');

my $reloads = () = logged();

kill 'HUP', $new;
ok((wait_until { (() = logged()) > $reloads } LATE), 'it is reloaded');
is(get(), 200, 'and answers');
is(held('m5'), 1, 'under its name');

# of the new one only the workers are left

my @workers = children($new);

kill 'KILL', $new;
ok((wait_until { !kill 0, $new } LATE), 'its master is killed');
is(held('m5'), 1, 'the workers have the name');
kill 'KILL', @workers;
ok((wait_until { !held('m5') } LATE), 'until they end');

ok($three->start(), 'then another one has it');
$three->stop();

# what is nobody's

unlink map { "$dir/tmp/$_" } @others;


END {
    local $?;

    kill 'KILL', grep { $_ } $old, $new, @workers;
}


sub configure {
    my ($t, $port, $machine, $globals) = @_;

    $t->write_file('tokens', $one->read_file('tokens'));
    $t->{tokens} = $one->{tokens};
    $globals //= '';

    my $text = <<'EOC' =~ s/PORT/$port/r =~ s/GLOBALS\n/$globals/r
%%TEST_GLOBALS%%

GLOBALS
events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    liveupdate_store    STORE;
    liveupdate_tokens   tokens;
    liveupdate_machine  MACHINE;

    client_body_temp_path  STORE/tmp/body;

    server {
        listen  127.0.0.1:PORT;

        location /v1/ {
            client_max_body_size  10m;

            liveupdate_api;
        }
    }
}

EOC
        =~ s/STORE/$dir/gr =~ s/MACHINE/$machine/r;

    $t->write_file_expand('nginx.conf',
                          $text =~ s/%%TEST_GLOBALS_HTTP%%/http_globals($t)/er);
}


# Without the harness's folder for bodies.

sub http_globals {
    my ($t) = @_;

    return $t->test_globals_http() =~ s/^\s*client_body_temp_path.*\n//mr;
}


sub refused {
    my ($t, $machine) = @_;

    ok(!$t->start(), "another $machine does not start");

    my ($said) = $t->startup_errors() =~ $taken;

    is($said, $machine, 'and says why');
    $t->replace_file('stderr', '');
    $t->replace_file('error.log', '');
}


# nginx has removed the name of the file, and writes to it.

sub receiving {
    my ($machine) = @_;

    return grep { (readlink($_) // '') =~ m{^\Q$dir/tmp/$machine/\E\d} }
           map { glob "/proc/$_/fd/*" } $two->workers();
}


# Whether anybody has the name.

sub held {
    my ($machine) = @_;

    return $store->lock("tmp/$machine/.lock", F_OFD_SETLK) ? 0 : 1;
}


sub master {
    my ($name) = @_;

    return $one->read_file($name) =~ /^(\d+)\n/ ? $1 : 0;
}


sub children {
    my ($pid) = @_;

    local $one->{master} = $pid;

    return $one->children();
}


sub logged {
    return $one->read_log() =~ /gracefully shutting down/g;
}


sub get {
    my $s = eval { connect_to('127.0.0.1:' . port(8080)) } or return 0;

    close $s;

    return $one->api('GET', "/v1/apps/$app")->{status};
}


sub noise {
    my ($length) = @_;

    open my $fh, '<:raw', '/dev/urandom' or die;
    read($fh, my $bytes, $length) == $length or die;

    return $bytes;
}
