#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# A page that no list has, a body that is too large, and tokens that reach
# further than they should.

use warnings;
use strict;

use Digest::SHA qw/ sha256_hex /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_encode zip /;

my $t = Test::LiveUpdate->new()->plan(203);

$t->config_reference(sub {
    s{client_max_body_size +1100m}{client_max_body_size 20k};
    s{(location \^~ /releases/ \{)}{$1\n    client_max_body_size 10k;};
    s{(client_max_body_size +)1m}{${1}10k};
    s{(location = /status \{)}{$1\n    client_max_body_size 10k;};
    s{(location \^~ /artifacts/ \{)}{$1\n    client_max_body_size 10k;};
    s{(location ~ \^/desktop[^\{]*\{)}{$1\n    client_max_body_size 10k;};
    s{(location \^~ /v1/ \{)}{location = /pages/413.json {
    internal;
    default_type  application/json;
    return        413 '{"message":"my own"}';
}

location ^~ /v1/apps/own/ {
    liveupdate_api;
    client_max_body_size 10k;
    error_page 413 /pages/413.json;
}

$1};
});

my %clear = map { $_ => "ca_limited_$_" . 'x' x 20 } qw/ admin read publish /;

$t->write_file('tokens', $t->read_file('tokens') . join '', map {
    "limited_$_ $_ " . sha256_hex($clear{$_}) . " mine\n"
} sort keys %clear);
chmod 0600, $t->testdir() . '/tokens';

$t->run();

my $app = $t->create_app('lists');
my $a = "/v1/apps/$app";

$t->api('PATCH', $a, { appChannelDiscoveryEnabled => \1 }, token => 'admin');
$t->publish($app, 'default', zip('index.html' => 'x'));
$t->latest($app);

# pages

my @lists = ('/v1/apps', '/v1/organizations', "$a/channels", "$a/builds",
             "$a/deployments", "$a/devices", "/releases/$app",
             "/releases/$app/audit");

for my $list (@lists) {
    for my $wrong ('x', '-1', '+1', '1x', '1.5', '1e3', '0x10', '%201', '',
                   '99999999999999999999')
    {
        for my $name ('limit', 'offset') {
            my $reply = $t->api('GET', "$list?$name=$wrong");

            like($t->said($reply), qr/^400 "$name" must be a number/,
                 "$list?$name=$wrong");
        }
    }

    is($t->api('GET', "$list?limit=%31&offset=0")->{status}, 200,
       "$list, a page of it");
}

is(scalar @{$t->api('GET', '/v1/apps?limit=0')->{json}}, 0, 'an empty page');
is(scalar @{$t->api('GET', '/v1/apps?limit=999999999999')->{json}}, 1,
   'a large one');

for my $wrong ('limit=x', 'offset=-1') {
    is($t->api('GET', "$a/channels?$wrong", undef, token => undef)
       ->{status}, 400, "to devices: $wrong");
}

is($t->api('GET', "$a/channels?limit=1&offset", undef, token => undef)
   ->{status}, 200, 'to devices: what an app leaves out is no number');
is($t->api('GET', "$a/channels?limit=x", undef, token => 'ca_wrong')
   ->{status}, 401, 'a wrong token is told first');

# 413

my $large = json_encode({ name => 'x' x 30_000 });

for my $case (['POST', '/v1/apps', 'admin'], ['PATCH', $a, 'admin'],
              ['PUT', "/releases/$app/rules", 'approve'],
              ['POST', '/hooks/todesktop', undef],
              ['GET', '/status', undef],
              ['GET', "/artifacts/$app/x/y", undef],
              ['GET', '/desktop/x/latest.yml', undef])
{
    my ($method, $path, $token) = @$case;

    $t->refused(sub { $t->api($method, $path, $large, token => $token) },
                '413 The file is too large for this server. Its limit is '
                . 'client_max_body_size.', "too large: $method $path");
}

for my $method ('HEAD', 'GET') {
    my $reply = http(<<"EOF" . 'x' x 30_000);
$method /v1/apps HTTP/1.1
Host: localhost
Connection: close
Content-Length: 30000

EOF

    like($reply, qr/^HTTP\/1.1 413 .*^Content-Type: application\/json\r$/ms,
         "413 for $method");
    is(($reply =~ /\r\n\r\n(.*)/s)[0] ? 1 : 0, $method eq 'GET' ? 1 : 0,
       'with a body, or without');
}

is($t->api('POST', '/v1/apps/own/bundles', $large, token => 'publish')
   ->{body}, '{"message":"my own"}', 'error_page has a page of its own');

# tokens that are limited to an app

my $other = $t->api('POST', '/v1/organizations', { name => 'theirs' },
                    token => 'admin')->{json}{id};
my ($default) = map { $_->{id} } grep { $_->{id} ne $other }
    @{$t->api('GET', '/v1/organizations')->{json}};
my $all = qr/^403 This needs a token that is for all apps/;

$t->refused(sub { $t->api('POST', '/v1/organizations', { name => 'x' },
                          token => $clear{admin}) }, $all,
            'a limited admin makes no organization');
$t->refused(sub { $t->api('PATCH', "/v1/organizations/$_", { name => 'x' },
                          token => $clear{admin}) }, $all,
            'and renames none') for $other, $default;
$t->refused(sub { $t->api('DELETE', "/v1/organizations/$other", undef,
                          token => $clear{admin}) }, $all, 'and deletes none');

for my $token (@clear{qw/ admin read /}) {
    is_deeply([map { $_->{id} }
               @{$t->api('GET', '/v1/organizations', undef, token => $token)
                 ->{json}}], [$default], 'it is told of the one it would use');
    is($t->api('GET', "/v1/organizations/$other", undef, token => $token)
       ->{status}, 404, 'and not of others');
}

is($t->api('POST', '/v1/apps', { id => 'mine', name => 'mine' },
           token => $clear{admin})->{status}, 201, 'it makes its own app');
is($t->api('POST', '/v1/apps', { id => 'yours', name => 'yours' },
           token => $clear{admin})->{status}, 403, 'and no other one');
is($t->api('PATCH', '/v1/apps/mine', { organizationId => $other },
           token => $clear{admin})->{status}, 200, 'which it may move');
is_deeply([map { $_->{id} }
           @{$t->api('GET', '/v1/organizations', undef,
                     token => $clear{read})->{json}}], [$other],
          'and then it is told of that one');
is(scalar @{$t->api('GET', '/v1/organizations')->{json}}, 2,
   'other tokens are told of all');

# who makes an app

$t->refused(sub { $t->api('POST', '/releases/fetched/b1/fetch', {},
                          token => 'publish') },
            qr/^403 There is no such app: .* role "admin"/,
            'a publisher makes no app by a fetch');

$t->api('DELETE', '/v1/apps/mine', undef, token => 'admin');
$t->refused(sub { $t->api('POST', '/releases/mine/b1/fetch', {},
                          token => $clear{publish}) },
            qr/^403 There is no such app/, 'nor does a limited one');
is($t->api('POST', '/releases/fetched/b1/fetch', {}, token => 'admin')
   ->{status}, 202, 'an admin does');
is($t->api('POST', '/releases/fetched/b2/fetch', {}, token => 'publish')
   ->{status}, 202, 'and then a publisher fetches');
