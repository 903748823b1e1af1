#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Links to the files of a release that waits for approval, for testers without
# a token: for one release, for a while, and in no log.

use warnings;
use strict;

use Digest::SHA qw/ hmac_sha256_hex /;
use Test::More;

use Test::LiveUpdate qw/ json_decode port wait_until /;
use Test::LiveUpdate::Release qw/ bytes_of dist stage_dist /;

my $t = Test::LiveUpdate->new()->has(qw/ http_v2 /)->has_daemon('curl');

$t->skip_all('no HTTP/2 in this curl') unless `curl -V` =~ /\bHTTP2\b/;

$ENV{APPROVAL} = 'on';

$t->config_reference(sub {
    s{^( +listen +)\S+;\n}{$&${1}127.0.0.1:@{[port(8081)]}  http2;\n}m
        if $_[0] eq 'nginx.conf';
});

$t->run()->plan(42);

$t->api('POST', '/v1/apps', { name => 'Shop', type => 'electron',
                              id => $_ }) for qw/ shop other /;

stage_dist($t, 'shop', $_, { 'latest.yml' => [ "1.0.$_", "App-1.0.$_.exe" ] })
    for 1 .. 3;
stage_dist($t, 'other', 1, { 'latest.yml' => [ '1.0.1', 'App-1.0.1.exe' ] });
stage_dist($t, 'shop', '1.0.5', {
    'latest.yml' => [ '1.0.5', 'App-1.0.5.exe' ] });
dist($t, 'shop', 4, { 'latest.yml' => [ '1.0.4', 'App-1.0.4.exe' ] });

my $name = 'App-1.0.1.exe';

# who may make one

is(file(1, $name)->{status}, 403, 'without a key');

is($t->api('POST', '/releases/shop/1/link', {}, token => $_)->{status}, 403,
   "the role $_ makes none") for qw/ read publish /;
is($t->api('POST', '/releases/shop/1/link', {}, token => undef)->{status},
   401, 'nobody does without a token');

my $link = link_to(1)->{json};

like($link->{key}, qr/^\d{10}\.[0-9a-f]{64}$/, 'a key');
like($link->{expiresAt}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/,
     'and until when it is good');

my $first = link_to(1, expiresIn => 60)->{json}{key};
my ($until) = $first =~ /^(\d+)/;

ok($until > time() && $until <= time() + 62, 'for a minute');

for (59, 604_801, -1, 1.5, 'x') {
    my $reply = link_to(1, expiresIn => $_);

    is("$reply->{status} $reply->{json}{message}", '422 "expiresIn" must be a '
       . 'number of seconds, from 60 to 604800, which is a week.',
       "not for $_");
}

is(link_to(4)->{status}, 404, 'none to what is not complete');

# also over HTTP/2, for the logs below: of another release, and of a name that
# no file has

is(over_http2(1, $name, $link->{key}), 200, 'over HTTP/2');
is(over_http2(2, 'App-1.0.8.exe', $link->{key}), 403,
   'not for another release');
is(over_http2(1, 'App-1.0.8.exe', $link->{key}), 404, 'nor for no file');

# what it opens

my $key = $link->{key};
my $reply = file(1, $name, $key);

is($reply->{status}, 200, 'a staged file');
is($reply->{body}, bytes_of($name), 'with its bytes');
is($reply->{headers}{'cache-control'}, 'private, no-store', 'in no cache');
is(file(1, $name, $key, Range => 'bytes=0-3')->{body}, 'the ', 'a part of it');
is(file(1, 'latest-build-1.yml', $key)->{status}, 200, 'the manifest');
is(file(1, 'App-1.0.9.exe', $key)->{status}, 404, 'a file that is not there');

is(file(2, 'App-1.0.2.exe', $key)->{status}, 403, 'no other release');
is(file('1.0.5', 'App-1.0.5.exe', $key)->{status}, 403,
   'nor one that is a version');
is(file('1.0.5', 'App-1.0.5.exe', link_to('1.0.5')->{json}{key})->{status},
   200, 'which has a link of its own');
is(get("/download/other/staged/1/$name?key=$key")->{status}, 403,
   'no other app');
is(file(1, $name, substr $key, 0, -1)->{status}, 403, 'not without its end');
is(file(1, $name, $key =~ tr/0-9a-f/1-9a-f0/r)->{status}, 403,
   'not with other digits');
is(file(1, $name, later($key))->{status}, 403, 'not for longer');
is(file(1, "..%2frelease.json", $key)->{status}, 404, 'no other folder');
is(file(1, '../release.json', $key)->{status}, 404, 'in no way');

# an old one, which only who knows the secret can make

my $secret = json_decode($t->read_file('store/apps/shop/app.json'))
    ->{linkSecret};

is(made(1, $until), $first, 'this is how it is made');

$reply = file(1, $name, made(1, time() - 1));

is("$reply->{status} $reply->{json}{message}",
   '403 The link has expired: ask for a new one.', 'expired');
is(file(4, 'App-1.0.4.exe', made(4, time() + 60))->{status}, 404,
   'what is not verified is not sent');

unlike($t->api('GET', '/v1/apps/shop', undef, token => 'admin')->{body},
       qr/$secret|linkSecret/, 'the secret is in no answer');

# when it ends

my $of_two = link_to(2)->{json}{key};

$t->api('POST', '/releases/shop/1/reject', { reason => 'no' },
        token => 'approve');
is(file(1, $name, $key)->{status}, 403, 'rejected');
is(file(2, 'App-1.0.2.exe', $of_two)->{status}, 403,
   'which ends the links to others');

$of_two = link_to(2)->{json}{key};
is(file(2, 'App-1.0.2.exe', $of_two)->{status}, 200,
   'until there are new ones');

$t->api('POST', '/releases/shop/2/promote', {}, token => 'approve');
ok((wait_until { file(2, 'App-1.0.2.exe', $of_two)->{status} == 404 } 10),
   'promoted');
is(link_to(2)->{status}, 409, 'then none is made');

is(scalar(grep { $_->{change} eq 'release.link' && $_->{subject} eq '1' }
          @{$t->api('GET', '/releases/shop/audit', undef, token => 'approve')
            ->{json}}), 2, 'who has made one is in the audit log');

# what logs have

my $log;

wait_until {
    $log = join '', map { $t->read_file($_) }
           grep { -e $t->testdir() . "/$_" } 'logs/access.log',
           'logs/error.log', 'error.log', 'access.log';
    $log =~ /App-1\.0\.9\.exe/ && $log =~ m{1/App-1\.0\.8\.exe.* HTTP/2};
} 10, 'requests in the log';

my ($digits) = $key =~ /\.(\w+)/;

ok($log =~ m{key=\*+ HTTP/1} && $log =~ m{key=\*+ HTTP/2}
   && index($log, $digits) < 0, 'no log has a key');

###############################################################################

sub link_to {
    my ($release, %body) = @_;

    return $t->api('POST', "/releases/shop/$release/link", \%body,
                   token => 'approve');
}


sub get {
    my ($path, @headers) = @_;

    return $t->api('GET', $path, undef, token => undef, headers => \@headers);
}


sub file {
    my ($release, $file, $with, @headers) = @_;

    return get("/download/shop/staged/$release/$file"
               . (defined $with ? "?key=$with" : ''), @headers);
}


sub over_http2 {
    my ($release, $file, $with) = @_;

    my $url = 'http://127.0.0.1:' . port(8081)
              . "/download/shop/staged/$release/$file?key=$with";

    my $curl = 'curl -s --http2-prior-knowledge -o /dev/null';

    return `$curl -w '%{http_code}' '$url'`;
}


sub made {
    my ($release, $expires) = @_;

    return "$expires." . hmac_sha256_hex("link.$expires.$release",
                                         pack 'H*', $secret);
}


sub later {
    my ($with) = @_;

    return $with =~ s/^(\d+)/$1 + 1000/er;
}

###############################################################################
