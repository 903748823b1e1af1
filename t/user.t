#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# People whom a proxy has signed in: who is believed and who is not, what they
# may do, under which name it is remembered, and what other sites cannot make
# their browsers do.

use warnings;
use strict;
use utf8;

use IO::Socket::INET;
use IO::Socket::UNIX;
use MIME::Base64 qw/ encode_base64 /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_decode port zip /;
use Test::LiveUpdate::Receiver;

use constant OWN => ('X-Requested-With' => 'test');

binmode $_, ':encoding(UTF-8)' for Test::More->builder->output(),
                                   Test::More->builder->failure_output();

my $t = Test::LiveUpdate->new()->plan(110);
my $r = Test::LiveUpdate::Receiver->new($t);
my $dir = $t->testdir();

my $key = 'whsec_' . encode_base64('x' x 24, '');

$t->write_file('targets', 'all json ' . $r->url() . "/all secret=$key\n");
chmod 0600, "$dir/targets";

$t->write_file_expand('nginx.conf', <<'EOF');

%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    liveupdate_store     store;
    liveupdate_tokens    tokens;
    liveupdate_approval  on;
    liveupdate_notify    targets  retry=100ms  disk=0%;

    map $http_x_groups $roles {
        default                  "";
        "~(^|,)mobile-leads(,|$)"  approve;
        "~(^|,)mobile(,|$)"        read;
        wrong                    "approve, read";
    }

    map $http_x_apps $apps {
        default  "";
        all      "*";
        "~."     $http_x_apps;
    }

    liveupdate_user  $http_x_user  roles=approve,publish  from=127.0.0.1;

    server {
        listen  127.0.0.1:8080;
        listen  unix:%%TESTDIR%%/socket;

        location /v1/ {
            liveupdate_api;

            client_max_body_size  10m;
        }

        location /releases/ {
            liveupdate_releases;
        }

        location = /status {
            liveupdate_status  token;
        }

        location ^~ /notify/ {
            internal;

            proxy_pass  $liveupdate_notify_url;
        }
    }

    server {
        listen  127.0.0.1:8081;

        liveupdate_user  $http_x_user  roles=$roles  from=127.0.0.0/30
                         from=unix:;

        set_real_ip_from  127.0.0.0/8;
        real_ip_header    X-Forwarded-For;

        location /v1/ {
            liveupdate_api;
        }

        location /v1/users/ {
            liveupdate_api;
            liveupdate_user  off;
        }

        location /v1/apps/limited/ {
            liveupdate_api;
            liveupdate_user  $http_x_user  roles=admin  apps=limited,other
                             from=127.0.0.1;
        }
    }

    server {
        listen  127.0.0.1:8082;

        underscores_in_headers  on;

        liveupdate_user  $http_x_user  roles=$roles  apps=$apps
                         from=127.0.0.1  from=::1;

        location / {
            liveupdate_api;
        }
    }

    server {
        listen  127.0.0.1:8083;

        liveupdate_user  $signed_in  roles=publish  from=all;

        auth_request      /session;
        auth_request_set  $signed_in  $upstream_http_x_auth_request_user;

        location /v1/ {
            liveupdate_api;
        }

        location = /session {
            internal;

            proxy_pass               http://127.0.0.1:8084;
            proxy_pass_request_body  off;
            proxy_set_header         Content-Length  "";
        }
    }

    server {
        listen  127.0.0.1:8084;

        location / {
            if ($cookie_session = "") {
                return  401;
            }

            add_header  X-Auth-Request-User  $cookie_session;
            return      204;
        }
    }
}

EOF

$t->run();

my $app = $t->create_app('Shop');

# -- who is believed ---------------------------------------------------------

my $me = me('ann');

is($me->{status}, 200, 'a user');
is($me->{json}{name}, 'ann', 'by name');
is_deeply($me->{json}{roles}, [qw/ read publish approve /], 'with roles');
is(me('ann')->{json}{id}, $me->{json}{id}, 'always the same one');
isnt(me('bob')->{json}{id}, $me->{json}{id}, 'and another one');
is(me(undef)->{status}, 401, 'nobody');
is(me('')->{status}, 401, 'an empty name');
is(me('ann', peer => '127.0.0.2')->{status}, 401, 'from another address');
is(me('ann', peer => '127.0.0.2')->{json}{message}, 'A token is required.',
   'it is not told why');
like($t->read_log(), qr/\[warn\] .* a user was not believed: the address that/,
     'the log is');
is(me('ann', peer => '127.0.0.2', token => 'read')->{json}{name}, 'read',
   'a token from there');
is(me('ann', socket => unix())->{status}, 401, 'nor from a socket');
is(me('ann', port => 8081, path => '/v1/apps', groups => 'mobile',
      peer => '127.0.0.3')->{status}, 200, 'from a network');
is(me('ann', port => 8081, path => '/v1/apps', groups => 'mobile',
      peer => '127.0.0.4')->{status}, 401, 'from the next one');

# whom realip takes for the client is what the client says

is(me('ann', port => 8081, path => '/v1/apps', groups => 'mobile',
      peer => '127.0.0.4', headers => ['X-Forwarded-For' => '127.0.0.1'])
   ->{status}, 401, 'the address that a client claims to have');
is(me('ann', port => 8081, path => '/v1/apps', groups => 'mobile',
      headers => ['X-Forwarded-For' => '192.0.2.1'])->{status}, 200,
   'a client behind the proxy');

# -- tokens stay -------------------------------------------------------------

is(me('ann', token => 'publish')->{json}{name}, 'publish',
   'a token comes before the user');
is(me('ann', token => 'ca_' . '0' x 40)->{status}, 401,
   'a wrong one is no user');
is(me('ann', headers => [Authorization => 'Basic YTpi'])->{json}{name}, 'ann',
   'what a proxy authorizes');
is(me(undef, headers => [Authorization => 'Basic YTpi'])->{status}, 401,
   'no user');
is(me('ann', port => 8081)->{status}, 401, 'off');
is(me('ann', port => 8081, token => 'read')->{status}, 200, 'a token there');

# -- names -------------------------------------------------------------------

my $error = '1 to 128 bytes of UTF-8 without control characters';

for my $case (
    ['Ann Lee', 'a space'],
    ['ann@example.com', 'an address'],
    ['CN=Ann, O="Ex\\ample"', 'a DN'],
    ['Zoë 🛒', 'UTF-8'],
    ['Ann', 'in another case'],
    ['x' x 128, '128 bytes'],
) {
    my ($name, $what) = @$case;

    is(me($name)->{json}{name}, $name, "a name: $what");
}

for my $case (
    ['x' x 129, 'too long'],
    ['ü' x 65, 'too long in UTF-8'],
    ["a\tb", 'a tab'],
    ["a\x1b[31m", 'an escape'],
    ["a\x7f", 'DEL'],
    ["a\x{85}b", 'NEL'],
    ["ann\x{200b}", 'an invisible character'],
    ["\x{202e}nna", 'turned around'],
    ["\x{feff}ann", 'a byte order mark'],
    ["a\x{ad}nn", 'a soft hyphen'],
    [\"Zo\xeb", 'Latin-1'],
    [\"a\xc0\xafb", 'overlong UTF-8'],
    [\"a\xed\xa0\x80b", 'a surrogate'],
) {
    my ($name, $what) = @$case;
    my $reply = me($name);

    is($reply->{status}, 400, "no name: $what");
    like($reply->{json}{message} // '', qr/$error/, 'and why') if $what =~ /a/;
}

for my $name (qw/ admin Publish READ github Guard todesktop cleanup /) {
    is(me($name)->{status}, 403, "the name of somebody else: $name");
}

like(me('ADMIN')->{json}{message}, qr/"ADMIN" is the name of a token\./,
     'and why');

unlike($t->read_log(), qr/\x1b/, 'nothing of that in the log');

# -- what others have slipped in ---------------------------------------------

my $twice = me('ann', headers => ['X-User' => 'boss']);

is($twice->{status}, 400, 'a header twice');
like($twice->{json}{message}, qr/"x-user" is a header .* more than once/,
     'and why');
like(me('', headers => ['X-User' => 'boss'])->{status}, qr/^40[01]$/,
     'the first one empty');
is(me('ann', headers => ['x-uSeR' => 'ann'])->{status}, 400, 'in another case');
is(me(undef, headers => ['X_User' => 'boss'])->{status}, 401,
   'one that nginx ignores');
is(me(undef, headers => ['X_User' => 'boss'], port => 8082, groups => 'mobile',
      apps => 'all')->{status}, 400, 'one that nginx does not ignore');
is(me('ann', headers => ['X_User' => 'boss'], port => 8082,
      groups => 'mobile', apps => 'all')->{status}, 400, 'beside another one');

# -- roles and apps ----------------------------------------------------------

is_deeply(me('ann', port => 8082, groups => 'x,mobile-leads,y', apps => 'all')
          ->{json}{roles}, [qw/ read approve /], 'a group');
is_deeply(me('ann', port => 8082, groups => 'mobile', apps => 'all')
          ->{json}{roles}, ['read'], 'another one');

my $none = me('ann', port => 8082, groups => 'no-mobile', apps => 'all');

is($none->{status}, 403, 'no group');
is($none->{json}{message}, '"ann" has no role here.', 'and why');
is(me('ann', port => 8082, apps => 'all')->{status}, 403, 'no groups at all');
is(me('ann', port => 8082, groups => 'wrong', apps => 'all')->{status}, 403,
   'an unknown role');
like(me('ann', port => 8082, groups => 'wrong', apps => 'all')
     ->{json}{message}, qr/^"approve, read" has a role that is not read/,
     'and why');
is(me('ann', port => 8082, groups => 'mobile')->{json}{message},
   '"ann" has no app here.', 'no app is not all of them');
is(me('ann', port => 8082, groups => 'mobile', apps => 'a,')->{status}, 403,
   'an empty id');
is(me('ann', port => 8082, groups => 'mobile', apps => '../x')->{status}, 403,
   'no id');

my @see = (port => 8082, groups => 'mobile');

is(scalar @{me('ann', @see, apps => 'all', path => '/v1/apps')->{json}}, 1,
   'all apps');
is(scalar @{me('ann', @see, apps => "x,$app", path => '/v1/apps')->{json}}, 1,
   'an app of some');
is(scalar @{me('ann', @see, apps => 'x', path => '/v1/apps')->{json}}, 0,
   'other apps');
is(me('ann', @see, apps => 'x', path => "/v1/apps/$app")->{json}{message},
   "The app is none of the user's.", 'are not for the user');
is(me('ann', port => 8081, path => '/v1/apps/limited/')->{status}, 404,
   'apps that are always the same');
is(me('ann', method => 'DELETE', path => "/v1/apps/$app", headers => [OWN])
   ->{json}{message}, 'This needs the role "admin".', 'no other role');

is(me('ann', path => "/v1/apps/$app/channels")->{json}[0]{appId}, $app,
   'channels, as people see them');
is(me('ann', path => "/v1/apps/$app/channels", peer => '127.0.0.2')->{status},
   401, 'as devices do');
is(me('ann', path => '/status')->{status}, 200, 'the status');
is(me('ann', path => '/status', peer => '127.0.0.2')->{status}, 401,
   'not for others');

# -- other sites -------------------------------------------------------------

my $path = "/v1/apps/$app/channels";
my $site = 'http://127.0.0.1:' . port(8080);

for my $case (
    [403, 'a form', []],
    [403, 'an empty header', ['X-Requested-With' => '']],
    [201, 'the header that no form can send', [OWN]],
    [403, 'another site', [OWN, 'Sec-Fetch-Site' => 'cross-site']],
    [403, 'the same site', [OWN, 'Sec-Fetch-Site' => 'same-site']],
    [403, 'no site', [OWN, 'Sec-Fetch-Site' => 'none']],
    [403, 'two answers', [OWN, 'Sec-Fetch-Site' => 'same-origin',
                          'Sec-Fetch-Site' => 'cross-site']],
    [201, 'the same origin', [OWN, 'Sec-Fetch-Site' => 'same-origin']],
    [403, 'another origin', [OWN, Origin => 'http://evil.example']],
    [403, 'one of no site', [OWN, Origin => 'null']],
    [403, 'another port', [OWN, Origin => 'http://127.0.0.1']],
    [201, 'its own', [OWN, Origin => $site]],
    [403, 'without the header', ['Sec-Fetch-Site' => 'same-origin']],
) {
    my ($status, $what, $headers) = @$case;

    is(me('ann', method => 'POST', path => $path, headers => $headers,
          body => { name => $what })->{status}, $status, "a change: $what");
}

is(scalar @{$t->api('GET', $path)->{json}}, 4, 'no more has changed');
is(me('ann', headers => ['Sec-Fetch-Site' => 'cross-site'])->{status}, 200,
   'others may ask, and cannot read the answer');
is($t->api('OPTIONS', $path, undef, token => undef,
           headers => ['X-User' => 'ann', Origin => 'http://evil.example',
                       'Access-Control-Request-Method' => 'POST'])
   ->{headers}{'access-control-allow-origin'}, undef, 'and are not allowed to');
is($t->api('POST', $path, { name => 'by a token' }, token => 'publish',
           headers => ['Sec-Fetch-Site' => 'cross-site'])->{status}, 201,
   'a token is no cookie');

# -- who it was --------------------------------------------------------------

my $bundle = $t->publish($app, 'its own', zip('index.html' => 'hello'))
    ->{bundle};

is(me('Zoë 🛒', method => 'POST', headers => [OWN], body => {},
      path => "/releases/$app/$bundle/promote")->{status}, 200, 'promoted');

my ($entry) = @{$t->api('GET', "/releases/$app/audit")->{json}};

is($entry->{by}, 'Zoë 🛒', 'the audit log says who');

my $told;

wait_until { ($told) = grep { $_->{data}{by} } told('release.approved') } 10;

is($told && $told->{data}{by}, 'Zoë 🛒', 'so does a notification');

# -- nginx has signed somebody in --------------------------------------------

is(me(undef, port => 8083)->{status}, 401, 'nobody is signed in');
is(me('ann', port => 8083)->{status}, 401, 'nor by a header');
is(me('bob', port => 8083, headers => [Cookie => 'session=ann'])
   ->{json}{name}, 'ann', 'by auth_request');
is_deeply(me(undef, port => 8083, headers => [Cookie => 'session=ann'])
          ->{json}{roles}, [qw/ read publish /], 'with roles');
is(me(undef, port => 8083, headers => [Cookie => 'session=ann', OWN],
      method => 'POST', path => $path, body => { name => 'new' })->{status},
   201, 'and changes something');

###############################################################################

# What a user is told by "path"; "peer" is an address of the proxy.

sub me {
    my ($name, %opt) = @_;

    my @headers = @{$opt{headers} || []};

    if (ref $name) {
        unshift @headers, 'X-User' => $$name;

    } elsif (defined $name) {
        utf8::encode(my $bytes = $name);
        unshift @headers, 'X-User' => $bytes;
    }

    push @headers, 'X-Groups' => $opt{groups} if $opt{groups};
    push @headers, 'X-Apps' => $opt{apps} if $opt{apps};

    my $socket = $opt{socket};
    my $port = port($opt{port} // 8080);

    if ($opt{peer}) {
        $socket = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port",
                                        LocalAddr => $opt{peer})
            or die "cannot connect from $opt{peer}: $!\n";
    }

    return $t->api($opt{method} // 'GET', $opt{path} // '/v1/users/me',
                   $opt{body}, token => $opt{token}, headers => \@headers,
                   port => $opt{port} // 8080,
                   $socket ? (socket => $socket) : ());
}


sub unix {
    return IO::Socket::UNIX->new(Peer => "$dir/socket")
        || die "no socket: $!\n";
}


sub told {
    my ($type) = @_;

    return grep { $_->{type} eq $type }
        map { json_decode($_->{body}) } $r->requests();
}
