#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# A lock that somebody else has: whoever needs it waits, in the order of
# arrival, and nobody else does.

use warnings;
use strict;

use Digest::SHA ();
use Test::More;
use Time::HiRes qw/ sleep time /;

use Test::LiveUpdate qw/ :DEFAULT json_encode machine multipart zip /;
use Test::LiveUpdate::HTTP qw/ connect_to parse_reply /;
use Test::LiveUpdate::Store;
use Test::LiveUpdate::ToDesktop;

use constant { MANY => 80, LIMIT => 60 };

# the order of arrival is that of a worker

$ENV{TEST_NGINX_WORKERS} = 1;

my $t = Test::LiveUpdate->new()->plan(50);
my $td = Test::LiveUpdate::ToDesktop->new($t);
my $dir = $t->testdir();
my $store = Test::LiveUpdate::Store->new("$dir/store");
my $slow = $ENV{TEST_NGINX_ASAN} ? 10 : 3;

$td->configure(approval => 'off');
$t->run();

my $app = $t->create_app('busy');
my $other = $t->create_app('other');

$t->create_channel($_, 'production') for $app, $other;
$t->publish($_, 'production', zip('index.html' => 'one')) for $app, $other;

my $release = $t->publish($other, 'production', zip('index.html' => 'two'));

# what nobody gives back: see the end

my $never = bundle();
my $forever = $store->lock("staging/$app/$never/lock");
my @never = (ready($never), upload($never, zip('index.html' => 'x' x 5000)),
             call('DELETE', "/v1/apps/$app/bundles/$never"));
my $since = time();

# one bundle, and everybody says that it is ready

my $bundle = bundle();

$t->upload($app, $bundle, zip('index.html' => 'ready'));

my $lock = $store->lock("staging/$app/$bundle/lock");
my @calls = map { ready($bundle) } 1 .. MANY;

sleep(0.5);
others('a bundle is locked');
swift(sub { $t->publish($app, 'production', zip('index.html' => 'x'))->{ok} },
      1, 'another bundle of the same app');
close $lock;
is(statuses(@calls), 200, 'it is ready for all of them');
is(scalar(grep { $_->{release} eq $bundle } $store->deployments($app)), 1,
   'and deployed once');

# uploads, each with a file that was received before

$bundle = bundle();
$lock = $store->lock("staging/$app/$bundle/lock");
@calls = map { upload($bundle, zip('index.html' => "upload $_")) } 1 .. 20;

ok(wait_until { temporary() >= 20 } 10, 'uploads are received');
others('uploads wait');
close $lock;
is(statuses(@calls), 201, 'all are accepted');
is($t->api('PATCH', "/v1/apps/$app/bundles/$bundle",
           { artifactStatus => 'ready' })->{status}, 200, 'one is left');

# an app: changes in the order of arrival

my $generation = $store->app($app)->{generation};

$lock = $store->lock("apps/$app/lock");
@calls = map { sleep(0.01); call('POST', "/v1/apps/$app/channels",
                                 { name => sprintf 'c%02d', $_ }) } 1 .. 40;

sleep(0.5);
others('an app is locked');
swift(sub { $t->api('GET', "/v1/apps/$app/channels")->{status} }, 200,
      'the app itself is read');
swift(sub { $t->latest($app, channelName => 'production')->{status} }, 200,
      'by devices, too');
close $lock;
is(statuses(@calls), 201, 'all changes are made');
is($store->app($app)->{generation}, $generation + 40, 'each of them once');
is_deeply([map { $_->{name} } grep { $_->{name} =~ /^c\d/ }
           @{$store->app($app)->{channels}}],
          [map { sprintf 'c%02d', $_ } 1 .. 40], 'in the order of arrival');

# times follow the order, too

my @times = map { $_->{at} } $store->audit($app);

is_deeply([sort @times], \@times, 'the audit log goes forward');

# a bundle is registered in two changes

my $number = $store->app($app)->{nextBuildNumber};

$generation = $store->app($app)->{generation};
$lock = $store->lock("apps/$app/lock");
@calls = map { call('POST', "/v1/apps/$app/bundles",
                    { artifactType => 'zip', channelName => 'production',
                      url => "https://example.com/$_.zip" }) } 1 .. 5;

sleep(0.5);
close $lock;
is(statuses(@calls), 201, 'bundles are registered');
is($store->app($app)->{nextBuildNumber}, $number + 5, 'each has a number');
is($store->app($app)->{generation}, $generation + 10, 'and is deployed');

# a bundle that is verified, and cannot be deployed at once

$bundle = bundle();
$t->upload($app, $bundle, zip('index.html' => 'verified'));

$lock = $store->lock("apps/$app/lock");
@calls = map { ready($bundle) } 1 .. 10;
ok(wait_until {
       $store->release($app, $bundle, 'staging')->{state} eq 'staged'
   } 10,
   'a bundle is verified while the app is locked');
others('and waits for the app');
close $lock;
is(statuses(@calls), 200, 'then it is live');

# the list of apps

$lock = $store->lock('apps/.lock');
@calls = map { call('POST', '/v1/apps', { name => "new $_" }) } 1 .. 10;

sleep(0.5);
others('apps cannot be created');
close $lock;
is(statuses(@calls), 201, 'apps are created');

# deleted while others wait: they find nothing

my $gone = $t->create_app('gone');

$t->create_channel($gone, 'production');

$lock = $store->lock("apps/$gone/lock");
@calls = (call('DELETE', "/v1/apps/$gone"),
          map { call('POST', "/v1/apps/$gone/channels", { name => "c$_" }) }
          1 .. 10);
sleep(0.5);
close $lock;

my @replies = map { parse_reply(http_end($_))->{status} } @calls;

is($replies[0], 204, 'an app is deleted');
is_deeply([grep { !/^(?:201|404)$/ } @replies[1 .. 10]], [],
          'changes came before, or find no app');

# a job promotes

my $build = $td->build(platforms => ['linux']);

$td->deliver($td->build(platforms => ['linux'])) for 1;
ok(wait_until { -e "$dir/store/apps/$td->{app}/lock" } 10, 'an app of builds');
$lock = $store->lock("apps/$td->{app}/lock");
$td->deliver($build);
ok(wait_until { ($td->release($build)->{state} // '') eq 'staged' } 20,
   'a build is staged while its app is locked');
others('and waits');
close $lock;
$td->becomes($build, 'live', 'a build goes live');

# what nobody gives back

is(scalar(@never), 3, 'calls still wait');
@replies = map { parse_reply(http_end($_, timeout => LIMIT + 20)) } @never;

is(join(' ', map { $_->{status} } @replies), '503 503 503',
   'they are told so');
cmp_ok(time() - $since, '>', LIMIT - 5, 'after a minute');
is(scalar(grep { $_->{raw} =~ /^Retry-After: \d+\r$/m } @replies), 3,
   'and when to ask again');
is(scalar(grep { $_->{json}{message}
                 =~ m{^"staging/$app/$never/lock" is locked by another } }
          @replies), 3, 'and what is locked');
is(temporary(), 0, 'nothing is left of the upload');

# a worker that is told to quit

my $s = call('POST', "/v1/apps/$app/bundles/$never/files");

close $s;
$s = ready($never);
sleep(0.3);
kill 'QUIT', $t->{master};
$t->{killed} = 0;
sleep(0.5);
close $forever;
is(parse_reply(http_end($s))->{status}, 422, 'a call is answered after QUIT');
ok($t->wait_exit(10), 'then it quits');
delete @$t{qw/ master child /};

$t->run();
is(join("\n", $store->check(unfinished => 0)), '', 'the store is whole');


# What nobody has to wait for.

sub others {
    my ($name) = @_;

    swift(sub { $t->api('GET', '/v1/users/me')->{status} }, 200,
          "$name: a short call");
    swift(sub { $t->api('POST', "/v1/apps/$other/channels",
                        { name => "$name $_[0]" })->{status} }, 201,
          "$name: a change of another app");
    swift(sub { $t->api('GET', '/status', undef, token => undef)->{status} },
          200, "$name: the status");
}


sub swift {
    my ($code, $expected, $name) = @_;

    my $from = time();
    my $got = $code->($from);
    my $took = time() - $from;

    is($took < $slow ? $got : "$got after $took s", $expected, $name);
}


sub bundle {
    return $t->api('POST', "/v1/apps/$app/bundles",
                   { artifactType => 'zip', channelName => 'production' }
                  )->{json}{id};
}


sub ready {
    my ($id) = @_;

    return call('PATCH', "/v1/apps/$app/bundles/$id",
                { artifactStatus => 'ready' });
}


sub upload {
    my ($id, $bytes) = @_;

    my ($body, $type) = multipart(
        checksum => Digest::SHA::sha256_hex($bytes),
        sizeInBytes => length $bytes,
        file => { bytes => $bytes, filename => 'bundle.zip' });

    return call('POST', "/v1/apps/$app/bundles/$id/files", $body, $type);
}


sub call {
    my ($method, $uri, $body, $type) = @_;

    $body = json_encode($body) if ref $body;
    $body //= '';
    $type //= 'application/json';

    my $s = connect_to('127.0.0.1:' . port(8080));

    print {$s} "$method $uri HTTP/1.1\r\nHost: localhost\r\n"
               . "Connection: close\r\n"
               . 'Authorization: Bearer ' . $t->token('admin') . "\r\n"
               . "Content-Type: $type\r\n"
               . 'Content-Length: ' . length($body) . "\r\n\r\n$body";

    return $s;
}


# The one status that all have.

sub statuses {
    my %statuses = map { parse_reply(http_end($_))->{status} => 1 } @_;

    return join ' ', sort keys %statuses;
}


sub temporary {
    my @files = grep { -f } glob "$dir/store/tmp/" . machine() . '/*';

    return scalar @files;
}
