#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Who may do what: every route, with every kind of token and with none, in the
# ways in which a browser of somebody else could be made to ask.
#
# Nothing that a browser sends by itself counts here: no cookie, no password
# that it remembers, no certificate is a token.  A page of another site would
# have to know the token, and if it knew, then it could not send it: the header
# "Authorization" and the type "application/json" need the consent of a
# preflight, which nobody gives.  What a form can send without asking is tried
# below all the same.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Test::LiveUpdate qw/ json_encode multipart zip /;

use Digest::SHA qw/ sha256_hex /;
use MIME::Base64 qw/ encode_base64 /;

select STDERR; $| = 1;
select STDOUT; $| = 1;

# The last word is the role with "liveupdate_approval on", if it is another.

my @table = map { [split] } grep { /\S/ } split /\n/, <<'EOF_TABLE';
GET    /v1/users/me                                     read
POST   /v1/sessions                                     -
POST   /v1/sessions/codes                               -
DELETE /v1/sessions/*                                   -
GET    /v1/organizations                                read
POST   /v1/organizations                                admin
GET    /v1/organizations/{i}                            read
PATCH  /v1/organizations/{i}                            admin
DELETE /v1/organizations/{i}                            admin
GET    /v1/notifications                                read
GET    /v1/notifications/{i}                            read
POST   /v1/notifications/{i}/pause                      approve
POST   /v1/notifications/{i}/resume                     approve
POST   /v1/notifications/{i}/test                       approve
POST   /v1/notifications/{i}/again                      approve
GET    /v1/apps                                         read
POST   /v1/apps                                         admin
GET    /v1/apps/{a}                                     read
PATCH  /v1/apps/{a}                                     admin
DELETE /v1/apps/{a}                                     admin
GET    /v1/apps/{a}/channels                            read
POST   /v1/apps/{a}/channels                            publish
DELETE /v1/apps/{a}/channels                            publish
GET    /v1/apps/{a}/channels/{i}                        read
PATCH  /v1/apps/{a}/channels/{i}                        publish
DELETE /v1/apps/{a}/channels/{i}                        publish
GET    /v1/apps/{a}/channels/{i}/health                 read
POST   /v1/apps/{a}/channels/{i}/pause                  publish
POST   /v1/apps/{a}/channels/{i}/resume                 publish
GET    /v1/apps/{a}/history                              read
GET    /v1/apps/{a}/bundles/latest                      -
POST   /v1/apps/{a}/bundles                             publish
GET    /v1/apps/{a}/bundles/{i}                         read
PATCH  /v1/apps/{a}/bundles/{i}                         publish
DELETE /v1/apps/{a}/bundles/{i}                         publish
GET    /v1/apps/{a}/bundles/{i}/download                -
POST   /v1/apps/{a}/bundles/{i}/files                   publish
POST   /v1/apps/{a}/bundles/{i}/files/{s}/upload        publish
PUT    /v1/apps/{a}/bundles/{i}/files/{s}/upload        publish
DELETE /v1/apps/{a}/bundles/{i}/files/{s}/upload        publish
GET    /v1/apps/{a}/deployments                         read
POST   /v1/apps/{a}/deployments                         publish approve
GET    /v1/apps/{a}/deployments/{i}                     read
PATCH  /v1/apps/{a}/deployments/{i}                     publish approve
POST   /v1/apps/{a}/deployments/{i}/{s}                 publish approve
GET    /v1/apps/{a}/builds                              read
POST   /v1/apps/{a}/builds                              read
GET    /v1/apps/{a}/builds/{i}                          read
PATCH  /v1/apps/{a}/builds/{i}                          publish
GET    /v1/apps/{a}/builds/{i}/artifacts/{s}/download   read
GET    /v1/apps/{a}/devices                             read
PATCH  /v1/apps/{a}/devices                             publish
GET    /v1/apps/{a}/devices/*                           read
PATCH  /v1/apps/{a}/devices/*                           publish
DELETE /v1/apps/{a}/devices/*                           publish
POST   /v1/jobs/*                                       read
POST   /v1/apps/{a}/apple-api-keys*                     read
POST   /v1/apps/{a}/automations*                        read
POST   /v1/apps/{a}/build-sources*                      read
POST   /v1/apps/{a}/builds/{i}/*                        read
POST   /v1/apps/{a}/certificates*                       read
POST   /v1/apps/{a}/configurations*                     read
POST   /v1/apps/{a}/destinations*                       read
POST   /v1/apps/{a}/environments*                       read
POST   /v1/apps/{a}/google-service-account-keys*        read
POST   /v1/apps/{a}/provisioning-profiles*              read
POST   /v1/apps/{a}/repository                          read
POST   /v1/apps/{a}/transfer                            read
POST   /v1/apps/{a}/webhooks*                           read
GET    /releases/{a}                                    read
GET    /releases/{a}/rules                              read
PUT    /releases/{a}/rules                              approve
GET    /releases/{a}/audit                              read
GET    /releases/{a}/github                             read
GET    /releases/{a}/rollback                           read
POST   /releases/{a}/rollback                           approve
GET    /releases/{a}/cleanup                            read
POST   /releases/{a}/cleanup                            approve
PATCH  /releases/{a}/cleanup                            admin
GET    /releases/{a}/{i}                                read
DELETE /releases/{a}/{i}                                approve
POST   /releases/{a}/{i}/promote                        approve
POST   /releases/{a}/{i}/reject                         approve
POST   /releases/{a}/{i}/withdraw                       approve
POST   /releases/{a}/{i}/stage                          publish
POST   /releases/{a}/{i}/fetch                          publish
POST   /releases/{a}/{i}/retry                          publish
POST   /releases/{a}/{i}/link                           approve
GET    /releases/{a}/{i}/health                         read
POST   /releases/{a}/{i}/{s}                            approve
EOF_TABLE

my @roles = qw/ read publish approve admin /;

my %holds = (
    read => [qw/ read publish approve admin /],
    publish => [qw/ publish admin /],
    approve => [qw/ approve admin /],
    admin => [qw/ admin /],
);

# what a call would do if it were let in

my %bodies = (
    'POST /v1/organizations' => { name => 'x' },
    'PATCH /v1/organizations/{i}' => { name => 'x' },
    'POST /v1/apps' => { name => 'x' },
    'PATCH /v1/apps/{a}' => { name => 'x' },
    'POST /v1/apps/{a}/channels' => { name => 'x' },
    'PATCH /v1/apps/{a}/channels/{i}' => { name => 'x' },
    'POST /v1/apps/{a}/bundles' => { artifactType => 'zip' },
    'PATCH /v1/apps/{a}/bundles/{i}' => { artifactStatus => 'ready' },
    'PATCH /v1/apps/{a}/deployments/{i}' => { rolloutPercentage => 0.5 },
    'PATCH /v1/apps/{a}/builds/{i}' => { minAndroidAppVersionCode => '9' },
    'PATCH /v1/apps/{a}/devices/*' => { forcedAppChannelId => undef },
    'POST /releases/{a}/{i}/reject' => { reason => 'x' },
    'POST /releases/{a}/rollback' => { channel => 'default' },
    'PUT /releases/{a}/rules' => { releaseRedirections => [] },
);

my $t = Test::LiveUpdate->new();

my @changes = grep { $_->[0] ne 'GET' } @table;
my @decides = grep { $_->[1] =~ m{^/releases/} && $_->[0] ne 'DELETE' }
    @changes;

$t->plan(1 + 5 * @table + 2 * @changes + @decides + 30);

$ENV{APPROVAL} = 'on';
$ENV{ORIGIN} = 'http://127.0.0.1:9';

$t->config_reference();
tokens();
$t->run();

my $app = $t->create_app('My App');
my $other = $t->api('POST', '/v1/apps', { id => 'other', name => 'Other' })
    ->{json}{id};

# two releases that are live, so that one can go back; and three that wait

my $live = $t->publish($app, 'default', zip('index.html' => 'one'))->{bundle};
promote($live);

my $last = $t->publish($app, 'default', zip('index.html' => 'two'))->{bundle};
promote($last);

my @waiting = map {
    $t->publish($app, 'default', zip('index.html' => $_))->{bundle}
} 1 .. 3;

my $channel = $t->api('GET', "/v1/apps/$app/channels")->{json}[0]{id};
my $deployment = $t->api('GET', "/v1/apps/$app/deployments")->{json}[0]{id};
my $organization = $t->api('GET', '/v1/organizations')->{json}[0]{id};

$t->latest($app, deviceId => 'device-1');

$bodies{'POST /v1/apps/{a}/deployments'} = {
    appBuildId => $live, appChannelName => 'default',
};

# -- the table is whole ------------------------------------------------------

is(join("\n", sort map { "$_->[0] $_->[1]" } @table),
   join("\n", sort(routes())), 'every route of the server is in the table');

# -- who may, and who may not ------------------------------------------------

for my $row (@table) {
    my ($method, $pattern, $role, $approval) = @$row;
    my $name = "$method $pattern";

    $role = $approval // $role;

    my $path = path($pattern, 1);
    my $before = $t->tree();

    # nobody, and what is no token

    my $clear = $t->token('admin');
    my $query = ($path =~ /\?/ ? '&' : '?')
                . "token=$clear&access_token=$clear";

    is(refusals($name, 401, map { my ($as, $headers, $args) = @$_; [$as, sub {
        ask($method, $path . ($args // ''), body($name), @$headers)
    }] } (
        [ 'no token', [] ],
        [ 'garbage', [ Authorization => 'Bearer ca_' . '0' x 40 ] ],
        [ 'an empty one', [ Authorization => 'Bearer ' ] ],
        [ 'a part', [ Authorization => 'Bearer ' . substr $clear, 0, 20 ] ],
        [ 'more', [ Authorization => "Bearer ${clear}0" ] ],
        [ 'without Bearer', [ Authorization => $clear ] ],
        [ 'Basic', [ Authorization => 'Basic '
                     . encode_base64("admin:$clear", '') ] ],
        [ 'a cookie', [ Cookie => "token=$clear; Authorization=$clear" ] ],
        [ 'in the address', [], $query ],
    )), $role eq '-' ? 'open' : '', "$name: " . ($role eq '-'
        ? 'for all' : 'nobody without a token'));

    # roles

    my @wrong = $role eq '-' ? () : grep {
        my $is = $_;
        !grep { $_ eq $is } @{$holds{$role}}
    } @roles;

    is(refusals($name, 403, map { my $is = $_; ["as $is", sub {
        ask($method, $path, body($name), bearer($is))
    }] } @wrong), '', "$name: not as @wrong");

    # another app's tokens, also with all roles

    is(refusals($name, 403, $pattern =~ /\{a\}/ && $role ne '-' ? map {
        my $is = $_; ["as $is of another app", sub {
            ask($method, $path, body($name), bearer("other-$is"))
        }]
    } @roles : ()), '', "$name: not of another app");

    unchanged($before, "$name: nothing has changed");

    # who may gets in, to where nothing is

    my @right = $role eq '-' ? @roles : @{$holds{$role}};

    $path = path($pattern, 0);

    is(join("\n", grep { $_ } map {
        my $is = $_;
        my $reply = ask($method, $path, $pattern =~ /\{i\}|\{s\}|\*/
                        ? harmless($name) : { name => '' }, bearer($is));

        $reply->{status} =~ /^(?:401|403|415|5..)$/ && $role ne '-'
            ? "as $is: $reply->{status} $reply->{body}" : ''
    } $name eq 'DELETE /v1/apps/{a}' ? () : @right), '',
       "$name: as @right");
}

# -- what changes something --------------------------------------------------

for my $row (@changes) {
    my ($method, $pattern) = @$row;
    my $name = "$method $pattern";
    my $path = path($pattern, 1);
    my $before = $t->tree();

    # by GET: nothing, or what the GET of that path is

    my @read = map { ask($_, $path, undef, bearer('admin')) }
        qw/ GET HEAD OPTIONS TRACE /;

    unchanged($before, "$name: not by GET, HEAD, OPTIONS, TRACE");

    # what a form of another site sends, without a token and with one in it

    my @sent = map { forms($method, $path, $_) }
        'application/x-www-form-urlencoded', 'text/plain';

    my ($bytes, $type) = multipart(token => $t->token('admin'),
                                   reason => 'x');

    push @sent, ask('POST', $path, $bytes, from_afar(),
                    'Content-Type' => $type);

    my @in = $row->[2] eq '-' ? () : grep { $_->{status} !~ /^4/ } @sent;
    my @consent = grep { $_ ne '' } map { consent($_) } @read, @sent;

    is(join("\n", (map { $_->{raw} } @in), @consent,
            $t->tree() eq $before ? () : 'changed'),
       '', "$name: not by a form of another site");
}

# -- decisions are JSON ------------------------------------------------------

for my $row (@decides) {
    my ($method, $pattern) = @$row;
    my $path = path($pattern, 1);
    my $before = $t->tree();

    my @replies = map {
        ask($method, $path, '{"reason":"x","channel":"default"}',
            bearer('admin'), @$_)
    } (
        [ 'Content-Type' => 'application/x-www-form-urlencoded' ],
        [ 'Content-Type' => 'text/plain' ],
        [ 'Content-Type' => 'multipart/form-data; boundary=x' ],
        [ 'Content-Type' => 'application/jsonp' ],
        [ 'Content-Type' => 'text/plain; application/json' ],
        [ 'Content-Type' => '' ],
        [],
    );

    my %said = map { $t->said($_) => 1 } @replies;

    is(join("\n", keys %said, $t->tree() eq $before ? () : 'changed'),
       '415 The body must be JSON, with the Content-Type application/json.',
       "$method $pattern: what does not say that it is JSON is refused");
}

# -- another origin ----------------------------------------------------------

for my $path ("/releases/$app/$waiting[0]/promote", "/v1/apps/$app",
              "/v1/apps/$app/bundles/latest", '/console/')
{
    my $reply = ask('OPTIONS', $path, undef, from_afar(),
                    'Access-Control-Request-Method' => 'POST',
                    'Access-Control-Request-Headers' =>
                    'authorization, content-type');

    is($reply->{status}, 405, "$path: no preflight");
    is(consent($reply), '', 'and no consent');
    is(consent(ask('GET', $path, undef, from_afar(), bearer('admin'))), '',
       'also with a token');
}

# -- what is not the API's ---------------------------------------------------

is(ask('POST', '/hooks/todesktop', { appId => $app, buildId => 'x' },
       bearer('admin'))->{status}, 401, 'a webhook wants a signature');
is(ask('GET', '/hooks/todesktop', undef, bearer('admin'))->{status}, 405,
   'and is posted');
is(ask('GET', '/fetch/', undef, bearer('admin'))->{status}, 404,
   'the origin of builds is not asked by others');
is(ask('POST', $_, 'x', bearer('admin'))->{status}, 405,
   "$_ is only read")
    for "/artifacts/$app/$live/bundle.zip", "/desktop/$app/latest.yml",
        "/download/$app", '/console/';

# -- what is counted ---------------------------------------------------------

my $counted = '/console/status?format=json';

is(ask('GET', $counted, undef, @$_)->{status}, 401, 'counters: no token')
    for [], [ Cookie => 'token=' . $t->token('admin') ];
like(ask('GET', $counted, undef, bearer('read'))->{body}, qr/"\Q$app\E"/,
     'who may read may see them');
unlike(ask('GET', "$counted&app=$app", undef, bearer('other-admin'))->{body},
       qr/\Q$app\E/, 'not those of another app');

# -- the control: with the right token, each would have been done ------------

is(ask('POST', "/releases/$app/$waiting[0]/promote", {},
       bearer('approve'))->{status}, 200, 'promoted');
is(ask('POST', "/releases/$app/$waiting[1]/reject", { reason => 'x' },
       bearer('approve'))->{status}, 200, 'rejected');
is(ask('DELETE', "/releases/$app/$waiting[1]", undef,
       bearer('approve'))->{status}, 204, 'deleted');
is(ask('POST', "/releases/$app/rollback", { channel => 'default' },
       bearer('approve'))->{status}, 200, 'rolled back');
is(ask('POST', "/releases/$app/$last/withdraw", {},
       bearer('approve'))->{status}, 200, 'withdrawn');
is(ask('PUT', "/releases/$app/rules", { releaseRedirections => [] },
       bearer('approve'), 'Content-Type' => 'application/json; charset=utf-8')
   ->{status}, 200, 'rules');
is(ask('DELETE', "/v1/apps/$app", undef, bearer('admin'))->{status}, 204,
   'deleted');

###############################################################################

# Tokens of all roles, of all apps and of one that is not asked about.

sub tokens {
    my $lines = $t->read_file('tokens');

    for my $role (@roles) {
        my $clear = "ca_$role-of-the-other-app";

        $t->{tokens}{"other-$role"} = $clear;
        $lines .= "other-$role $role " . sha256_hex($clear) . " other\n";
    }

    $t->write_file('tokens', $lines);
    chmod 0600, $t->testdir() . '/tokens';
}

# "METHOD pattern" of all that the server has, out of its source.

sub routes {
    my $routes = $t->read_file(
        "$Test::LiveUpdate::ROOT/src/core/lu_route.c");
    my $api = $t->read_file(
        "$Test::LiveUpdate::ROOT/src/api/ngx_lu_api.c");

    my (%methods, @found);

    push @{$methods{$1}}, $2
        while $api =~ /\{ LU_ROUTE_(\w+), ([A-Z]+),/g;

    push @{$methods{LATEST}}, 'GET';
    push @{$methods{CLOUD}}, 'POST';
    push @{$methods{BUILDS}}, 'POST';

    while ($routes =~ /\{ "([^"]+)",\s+LU_ROUTE_(\w+) \}/g) {
        push @found, map { "$_ $1" } @{$methods{$2} || ['?']};
    }

    return @found;
}

# The path of a pattern, of what is there or of what is not.

sub path {
    my ($pattern, $real) = @_;

    my $nothing = '00000000-0000-4000-8000-000000000000';

    my %ids = (
        organizations => $organization, channels => $channel,
        bundles => $live, builds => $live, deployments => $deployment,
        releases => $waiting[0], notifications => 'none',
    );

    my ($kind) = $pattern =~ m{(\w+)/(?:\{a\}/)?\{i\}};
    my $id = $real && $kind ? $ids{$kind} : $nothing;

    $id = $live if $real && $pattern =~ /withdraw/;
    $pattern =~ s{/\{s\}$}{/halt};
    $pattern =~ s/\{a\}/$app/;
    $pattern =~ s/\{i\}/$id/;
    $pattern =~ s/\{s\}/$nothing/;
    $pattern =~ s{/\*$}{$real ? '/device-1' : '/nobody'}e;
    $pattern =~ s{\*$}{};

    $pattern .= '?name=default' if $pattern =~ m{/channels$} && $real;
    $pattern .= '?ids=device-1' if $pattern =~ m{/devices$} && $real;

    return $pattern;
}

sub unchanged {
    my ($before, $name) = @_;

    my %before = map { $_ => 1 } split /^/, $before;
    my @new = grep { !delete $before{$_} } split /^/, $t->tree();

    is(join('', @new, sort keys %before), '', $name);
}

sub body {
    my ($name) = @_;

    return $bodies{$name} // ($name =~ /^GET|^DELETE/ ? undef : {});
}

# What begins by itself is not to begin.

sub harmless {
    my ($name) = @_;

    return $name =~ m{/fetch$} ? { platforms => [] } : body($name);
}

sub bearer {
    return (Authorization => 'Bearer ' . $t->token($_[0]));
}

sub from_afar {
    return (Origin => 'https://elsewhere.example',
            Referer => 'https://elsewhere.example/form',
            Cookie => 'token=' . $t->token('admin'));
}

sub ask {
    my ($method, $path, $body, @headers) = @_;

    push @headers, 'Content-Type' => 'application/json'
        if ref $body && !grep { lc $_ eq 'content-type' } @headers;

    return Test::LiveUpdate::HTTP::request($method,
        Test::LiveUpdate::address(), $path, headers => \@headers,
        body => ref $body ? json_encode($body) : $body);
}

# A form has one method and no header of its own.

sub forms {
    my ($method, $path, $type) = @_;

    my $token = $t->token('admin');
    my @with = (from_afar(), 'Content-Type' => $type);

    return map { ask('POST', $path, $_, @with) }
        "token=$token&authorization=Bearer+$token&_method=$method&reason=x",
        "{\"token\":\"$token\",\"reason\":\"x\",\"x\":\"=\"}";
}

# What was not refused with the status as it should be; "open": none was, and
# all of them should be open.

sub refusals {
    my ($name, $status, @cases) = @_;

    my @other;

    for my $case (@cases) {
        my ($as, $call) = @$case;
        my $reply = $call->();

        push @other, "$as: $reply->{status} $reply->{body}"
            unless $reply->{status} == $status
                   && ref $reply->{json} eq 'HASH'
                   && join(' ', keys %{$reply->{json}}) eq 'message';
    }

    return @cases && @other == @cases
           && $name =~ m{/sessions|/latest$|/bundles/\{i\}/download$}
           ? 'open' : join "\n", @other;
}

sub consent {
    my ($reply) = @_;

    return join ' ', grep { /^access-control-/ } keys %{$reply->{headers}};
}

sub promote {
    my ($id) = @_;

    my $reply = $t->api('POST', "/releases/$app/$id/promote", {},
                        token => 'approve');

    die "not promoted: $reply->{raw}\n" unless $reply->{status} == 200;
}

###############################################################################
