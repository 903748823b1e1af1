#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Reloads: nobody notices.  TEST_NGINX_RELOADS is how many there are under
# load, 50 if not set.

use warnings;
use strict;

use POSIX ();
use Test::More;
use Time::HiRes qw/ sleep time /;

use Test::LiveUpdate qw/ :DEFAULT json_encode multipart zip /;
use Test::LiveUpdate::HTTP qw/ connect_to parse_reply request /;
use Test::LiveUpdate::Store;
use Digest::SHA qw/ sha256_hex /;

my $t = Test::LiveUpdate->new()->plan(33);

$t->config_reference();
$t->run();
$t->steady();

my $dir = $t->testdir();
my $store = Test::LiveUpdate::Store->new("$dir/store");
my $app = $t->create_app('reload');
my $channel = $t->create_channel($app, 'production');
my $path = "/v1/apps/$app/bundles";
my $zip = zip('index.html' => 'x' x 1000);
my $bundle = $t->publish($app, 'production', $zip)->{bundle};

# devices and their files, while there is one reload after the other

my $reloads = $ENV{TEST_NGINX_RELOADS} || 50;
my @loads = map { load($_) } 1 .. 3;

for my $n (1 .. $reloads) {
    $t->reload();
    publish() unless $n % 10;
}

# all of them asked at least until here
my @counts = map { finish($_) } @loads;
my ($asked, $failed) = (0, 0);

for my $count (@counts) {
    $asked += $count->[0];
    $failed += $count->[1];
}

cmp_ok($asked, '>', 2 * $reloads, "$asked requests during $reloads reloads");
is($failed, 0, 'not one of them failed')
    or diag($t->read_file('failed'));

# the zone

$t->latest($app, deviceId => 'known', channelName => 'production');
$t->reload();
is(known(), 200, 'devices are known after a reload');

# in the middle of an upload

my $large = zip('index.html' => 'x', noise => noise(500_000));
my $id = bundle();
my ($body, $type) = multipart(
    checksum => sha256_hex($large), sizeInBytes => length $large,
    file => { bytes => $large, filename => 'bundle.zip' });
my $half = length($body) / 2;
my $s = connect_to('127.0.0.1:' . port(8080));

print {$s} head('POST', "$path/$id/files", length $body, $type)
           . substr $body, 0, $half;

my %old = map { $_ => 1 } $t->workers();

hup();
is($t->latest($app, channelName => 'production')->{status}, 200,
   'new workers, while an old one reads');
print {$s} substr $body, $half;
is(parse_reply(http_end($s))->{status}, 201, 'an upload across a reload');
is(ready($id)->{status}, 200, 'is ready');
is(told(), $id, 'and told');
ok(old_are_gone(), 'the old workers are gone');

# in the middle of an upload in parts

$id = bundle();
($body, $type) = multipart(checksum => sha256_hex($large),
                           sizeInBytes => length $large);
my $file = $t->api('POST', "$path/$id/files", $body, type => $type)->{json}
    {id};
my $upload = $t->api('POST', "$path/$id/files/$file/upload?action=mpu-create",
                     {})->{json}{uploadId};
my @parts;

for my $piece (unpack '(a200000)*', $large) {
    my ($body, $type) = multipart(
        blob => { bytes => $piece, filename => 'x' },
        partNumber => @parts + 1);

    push @parts, $t->api('PUT', "$path/$id/files/$file/upload"
                         . "?action=mpu-uploadpart&uploadId=$upload", $body,
                         type => $type)->{json};
    $t->reload();
}

is($t->api('POST', "$path/$id/files/$file/upload?action=mpu-complete"
                   . "&uploadId=$upload", { parts => \@parts })->{status},
   200, 'parts with a reload after each');
is(ready($id)->{status}, 200, 'are a bundle');

# while a call waits: for the lock of the app, which this process has

my $lock = $store->lock("apps/$app/lock");
my $text = json_encode({ name => 'waited' });

%old = map { $_ => 1 } $t->workers();

$s = http_start(head('POST', "/v1/apps/$app/channels", length $text) . $text);
sleep(0.2);
hup();

is($t->latest($app, channelName => 'production')->{status}, 200,
   'new workers, while a call of an old one waits');
ok(wait_until { 1 == grep { $old{$_} } $t->children() } 5,
   'which stays');

close $lock;

is(parse_reply(http_end($s))->{status}, 201, 'the call ends as it should');
is($t->api('GET', "/v1/apps/$app/channels?name=waited")->{json}[0]{name},
   'waited', 'and has done what it should');
ok(old_are_gone(), 'the old worker is gone');

# many waiting, and devices do not wait with them

$lock = $store->lock("apps/$app/lock");

my @waiting = map {
    my $text = json_encode({ name => "waited $_" });

    http_start(head('POST', "/v1/apps/$app/channels", length $text) . $text);
} 1 .. 100;

sleep(0.2);

my $from = time();

is($t->latest($app, channelName => 'production')->{status}, 200,
   'devices are told while a hundred calls wait');
is($t->latest('unseen')->{status}, 404, 'and of apps that have to be loaded');
cmp_ok(time() - $from, '<', 5, 'soon');

%old = map { $_ => 1 } $t->workers();
hup();
close $lock;

is(join(' ', map { parse_reply(http_end($_))->{status} } @waiting),
   join(' ', ('201') x 100), 'and all of them end well');
ok(old_are_gone(), 'the old workers are gone');

# a client that does not wait

$lock = $store->lock("apps/$app/lock");
$text = json_encode({ name => 'gone' });
$s = http_start(head('POST', "/v1/apps/$app/channels", length $text) . $text);
sleep(0.2);
close $s;
sleep(0.2);
close $lock;

ok(wait_until {
    @{$t->api('GET', "/v1/apps/$app/channels?name=gone")->{json}}
} 5, 'the client is gone, the change is done');

# another size of the zone

my $conf = $t->read_file('nginx.conf');

$t->write_file('nginx.conf',
               $conf =~ s/liveupdate_zone .*/liveupdate_zone  liveupdate:2m;/r);
$t->reload();

is(known(), 404, 'a zone of another size knows nobody');
is(told(), $id, 'but all is told');
is(told(publish()), 1, 'and so is what comes');

# another name

$t->write_file('nginx.conf',
               $conf =~ s/liveupdate_zone .*/liveupdate_zone  other:1m;/r);
$t->reload();
is(told(publish()), 1, 'a zone of another name');

# another store

$t->write_file('liveupdate.conf',
               $t->read_file('liveupdate.conf') =~ s/\bstore;/second;/gr);
$t->reload();
is($t->latest($app, channelName => 'production')->{status}, 404,
   'another store');
is(told(publish($t->create_app('new'))), 1, 'takes bundles');
$t->write_file('liveupdate.conf',
               $t->read_file('liveupdate.conf') =~ s/\bsecond;/store;/gr);
$t->reload();
is($t->latest($app, channelName => 'production')->{status}, 200,
   'and the first one again');

# the same, while a worker still works in the first one

$s = connect_to('127.0.0.1:' . port(8080));

print {$s} head('POST', "$path/$id/files", 10) . '{';

%old = map { $_ => 1 } $t->workers();

$t->write_file('liveupdate.conf',
               $t->read_file('liveupdate.conf') =~ s/\bstore;/second;/gr);
hup();
%old = map { $_ => 1 } $t->workers();
$t->write_file('liveupdate.conf',
               $t->read_file('liveupdate.conf') =~ s/\bsecond;/store;/gr);
kill 'HUP', $t->{master};
ok((wait_until { $t->read_file('error.log') =~ /is locked: nginx waits/ } 10),
   'the first store, which an old worker has');
close $s;
ok(old_are_gone(), 'it is awaited');
ok(told(), 'and there again');

# a configuration that is refused

$t->write_file('nginx.conf', $conf =~ s/liveupdate_zone .*/nonsense on;/r);
like($t->reload(fails => 1), qr/unknown directive "nonsense"/,
     'a configuration that is refused');
is(told(publish()), 1, 'changes nothing');

###############################################################################

# Processes that ask until they are told to stop; each request on its own
# connection, since an idle one may be closed when its worker goes.

sub load {
    my ($n) = @_;

    pipe(my $read, my $write) or die;

    my $pid = fork() // die "cannot fork: $!\n";

    if ($pid == 0) {
        my ($count, $failed, $stop) = (0, 0, 0);

        local $SIG{TERM} = sub { $stop = 1 };
        close $read;

        while (!$stop) {
            my $what = $count++ % 2
                ? "/artifacts/$app/$bundle/bundle.zip"
                : "/v1/apps/$app/bundles/latest?platform=0&deviceId=d$n"
                  . '&channelName=production';
            my $reply = eval {
                request('GET', '127.0.0.1:' . port(8080), $what,
                        timeout => 10);
            };

            next if $reply && $reply->{status} == 200
                    && ($what !~ /zip$/ || $reply->{body} eq $zip);

            # a signal that arrives within a request is no failure of nginx
            next if $stop;

            $failed++;
            open my $fh, '>>', "$dir/failed";
            print {$fh} $reply ? $reply->{raw} : $@;
        }

        print {$write} "$count $failed\n";
        close $write;
        POSIX::_exit(0);
    }

    close $write;

    return [$pid, $read];
}


sub finish {
    my ($load) = @_;

    kill 'TERM', $load->[0];

    my $line = readline $load->[1];

    waitpid($load->[0], 0);

    return [split / /, $line];
}


sub publish {
    my ($to) = @_;

    $to //= $app;

    my $done = $t->publish($to, $to eq $app ? 'production' : undef, $zip);

    die $done->{reply}{raw} unless $done->{ok};

    return [$to, $done->{bundle}];
}


# What is told, or whether that bundle is.

sub told {
    my ($published) = @_;

    my ($to, $id) = @{$published || [$app]};
    my $reply = $t->latest($to, $to eq $app
                                ? (channelName => 'production') : ());
    my $told = ($reply->{json} || {})->{bundleId} // '';

    return defined $id ? $told eq $id : $told;
}


sub known {
    return $t->api('GET', "/v1/apps/$app/devices/known")->{status};
}


sub bundle {
    return $t->api('POST', $path, { artifactType => 'zip',
                                    channelName => 'production' })
        ->{json}{id};
}


sub ready {
    my ($id) = @_;

    return $t->api('PATCH', "$path/$id", { artifactStatus => 'ready' });
}


sub head {
    my ($method, $uri, $length, $type) = @_;

    return "$method $uri HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
           . 'Authorization: Bearer ' . $t->token('admin') . "\r\n"
           . 'Content-Type: ' . ($type // 'application/json') . "\r\n"
           . "Content-Length: $length\r\n\r\n";
}


# A reload that does not wait for the old workers.

sub hup {
    kill 'HUP', $t->{master};

    wait_until { keys %old <= grep { !$old{$_} } $t->workers() } 10, 'new ones'
        or die "no new workers\n";
}


sub old_are_gone {
    return wait_until { !grep { $old{$_} } $t->children() } 10, 'old workers';
}


sub noise {
    my ($length) = @_;

    open my $fh, '<:raw', '/dev/urandom' or die;
    read($fh, my $bytes, $length) == $length or die;

    return $bytes;
}
