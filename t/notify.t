#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Notifications: who is told of what, in which form, signed, in order and only
# once; what a target does wrong; what can be asked for.

use warnings;
use strict;

use Digest::SHA qw/ hmac_sha256_base64 /;
use MIME::Base64 qw/ decode_base64 encode_base64 /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_decode json_encode zip /;
use Test::LiveUpdate::Receiver;
use Test::LiveUpdate::Release qw/ stage_dist /;

my $t = Test::LiveUpdate->new()->plan(66);
my $r = Test::LiveUpdate::Receiver->new($t);
my $url = $r->url();
my @secrets = map { 'whsec_' . encode_base64($_ x 24, '') } qw/ a b /;
my ($reply, @got);

$t->write_file('targets', <<"EOF");
# all of it, signed with two secrets
all      json     $url/all  secret=$secrets[0] secret=$secrets[1]
slack    slack    $url/slack/T0/hidden  event=release.* event=test
teams    teams    $url/teams/hidden  event=release.*
discord  discord  $url/discord/hidden  event=release.*
other    json     $url/other  secret=$secrets[0] app=other event=release.*
cdn      purge    $url/purge/{app}/x  method=PURGE header=Key:a%20b
cloud    purge    $url/cloud  body={"tags":["{app}"]}
EOF

chmod 0600, $t->testdir() . '/targets';

$t->write_file_expand('nginx.conf', <<'EOF');

%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    liveupdate_store   store;
    liveupdate_tokens  tokens;

    liveupdate_notify  targets  retry=100ms  pause=10s  disk=0%;

    server {
        listen  127.0.0.1:8080;

        liveupdate_approval  on;

        location /v1/ {
            liveupdate_api;
        }

        location /releases/ {
            liveupdate_releases;
        }

        location /notify/ {
            internal;

            resolver  127.0.0.1:1;

            proxy_pass             $liveupdate_notify_url;
            proxy_http_version     1.1;
            proxy_read_timeout     2s;
            proxy_connect_timeout  2s;
            proxy_ignore_headers   X-Accel-Redirect X-Accel-Expires
                                   X-Accel-Limit-Rate X-Accel-Buffering
                                   X-Accel-Charset;
        }

        location = /stolen {
            internal;
            return  200;
        }
    }
}

EOF

$t->run();

wait_until { -e $t->testdir() . '/store/notify/read.json' } 10, 'it begins';

my $app = $t->create_app('Shop');

$t->create_channel($app, 'production');

# staged

my $bundle = publish();

got(all => 'release.staged');

my $event = $got[0]{json};

is($event->{type}, 'release.staged', 'the type');
like($event->{timestamp}, qr/^\d{4}-\d\d-\d\dT/, 'the time');
is($event->{data}{app}, $app, 'the app');
is($event->{data}{release}, $bundle, 'the release');
is($event->{data}{by}, 'publish', 'who');
is($event->{data}{text},
   "Release $bundle of $app, from publish, waits for approval.", 'the text');

my $headers = $got[0]{headers};

is($headers->{'content-type'}, 'application/json', 'JSON');
like($headers->{'webhook-id'}, qr/^evt_[0-9a-f]{32}$/, 'the id');
is($headers->{'webhook-id'}, $event->{data}{id}, 'in the body, too');
cmp_ok(abs($headers->{'webhook-timestamp'} - time()), '<', 60, 'the clock');
is($headers->{'webhook-signature'}, signature($got[0]), 'two signatures');

# approved

promote($bundle);

got(all => 'release.approved');
is($got[0]{json}{data}{release}, $bundle, 'it is approved');

$event = got_form('slack', 2);
like($event->{text}, qr/is live/, 'Slack');
ok(!$event->{mrkdwn}, 'of which nothing is formatted');

$event = got_form('discord', 2);
like($event->{content}, qr/is live/, 'Discord');
is_deeply($event->{allowed_mentions}{parse}, [], 'which mentions nobody');

$event = got_form('teams', 2);
is($event->{attachments}[0]{contentType},
   'application/vnd.microsoft.card.adaptive', 'Teams');
like($event->{attachments}[0]{content}{body}[0]{inlines}[0]{text},
     qr/is live/, 'and its text');

$r->{mark} = 0;

wait_until { $r->taken(qr/purge/) } 10, 'purged';
my ($purge) = $r->taken(qr/purge/);
is($purge->{method}, 'PURGE', 'a purge');
is($purge->{path}, "/purge/$app/x", 'of the app');
is($purge->{headers}{key}, 'a b', 'with the header');
is($purge->{body}, '', 'and no body');
is(scalar $r->requests(qr/purge/), 1, 'once, of what clients get');
wait_until { $r->taken(qr/cloud/) } 10, 'purged';
($purge) = $r->taken(qr/cloud/);
is("$purge->{method} $purge->{body}", qq(POST {"tags":["$app"]}),
   'a purge by POST');

is(scalar $r->requests(qr/other/), 0, 'nothing of another app');

# what waits is rejected: in order

$r->mark();
$bundle = publish();
$t->api('POST', "/releases/$app/$bundle/reject", { reason => 'no <b>*' });
got(all => 'release.staged', 'release.rejected');
like($got[1]{json}{data}{text}, qr/^admin has rejected release \S+ of \S+\.$/,
     'who has rejected it');

# failed

$r->mark();
$t->publish($app, 'production', 'no zip at all');
got(all => 'release.failed');
like($got[0]{json}{data}{reason}, qr/zip/, 'why it has failed');

# what a target does wrong: nothing is lost, nothing is out of order

for my $wrong ([ status => 500 ], [ redirect => "$url/other" ],
               [ hang => 1 ], [ status => 429, headers => ['Retry-After: 1'] ],
               [ status => 503, headers => ['X-Accel-Redirect: /stolen'] ])
{
    my ($name, $value) = @$wrong;

    $r->mark();
    $r->script('/all' => { @$wrong });
    $bundle = publish();
    promote($bundle);
    wait_until { state('all')->{state} eq 'failing' } 10, 'it is failing';
    $r->script();
    wait_until { taken('all') >= 2 } 20, 'both came';

    my %ids = map { $_->{headers}{'webhook-id'} => 1 } $r->requests(qr/all/);
    is(scalar keys %ids, 2, "$name $value: the ids stay");

    got(all => 'release.staged', 'release.approved');
}

is(scalar $r->requests(qr/other/), 0, 'no redirect was followed');

# away

$r->mark()->down();
$bundle = publish();
wait_until { state('all')->{error} } 10, 'refused connections';
like(state('all')->{error}, qr/refused/, 'the error says why');
$r->up();
got(all => 'release.staged');
wait_until { state('all')->{state} eq 'active' } 10, 'active';
is(state('all')->{error}, undef, 'and forgotten');

# what is refused does not stop the others

$r->script('/all' => { status => 400 });
promote($bundle);
wait_until { state('all')->{refused} } 20, 'refused';
is(scalar $r->requests(qr/all/), 5, 'five times');
$r->script();
my ($refused) = @{state('all')->{deliveries}};
is($refused->{state}, 'refused', 'it is said');

$r->mark();
is($t->api('POST', '/v1/notifications/all/again',
           { id => $refused->{id} })->{status}, 202, 'to be sent again');
got(all => 'release.approved');

# asked for

is($t->api('POST', '/v1/notifications/slack/test', {})->{status}, 202,
   'a test');
wait_until { $r->taken(qr/slack/) } 10, 'the test';
is(join(' ', map { $_->{path} } grep { $_->{body} =~ /has sent this/ }
             $r->taken()), '/slack/T0/hidden', 'one target gets it');

# dead

$r->mark();
$r->script('/discord' => { status => 500 });
publish();
wait_until { state('discord')->{state} eq 'paused' } 40, 'paused';
got(all => 'release.staged', 'target.paused');
is($got[1]{json}{data}{subject}, 'discord', 'the others are told');
is($got[1]{json}{data}{reason}, 'It answered 500.', 'and why');
$r->script();
is($t->api('POST', '/v1/notifications/discord/resume', {})->{status}, 202,
   'resumed');
wait_until { $r->taken(qr/discord/) } 10, 'resumed';
wait_until { state('discord')->{state} eq 'active' } 10, 'and active';

# who may look

is($t->api('GET', '/v1/notifications', undef, token => undef)->{status}, 401,
   'only with a token');
is($t->api('POST', '/v1/notifications/all/test', {},
           token => 'publish')->{status}, 403, 'only who approves');
is($t->api('GET', '/v1/notifications/none')->{status}, 404, 'no such target');
$reply = $t->api('GET', '/v1/notifications', undef, token => 'read');
is(scalar @{$reply->{json}}, 7, 'all targets');
unlike($reply->{body}, qr/hidden|whsec/, 'and no secret');

# a reload, and a worker that is killed

$r->mark();
$t->reload();
publish();
got(all => 'release.staged');
$t->kill_worker();
publish();
got(all => 'release.staged');

unlike($t->read_log(), qr/hidden|whsec|Key: /, 'no secret in the log');

# a release whose id is a version

$t->api('POST', '/v1/apps', { name => 'Desktop', type => 'electron',
                              id => 'other' });
$r->mark();
stage_dist($t, 'other', '1.2.0', { 'latest.yml' => [ '1.2.0', 'App.exe' ] });
got(all => 'release.staged');
is($got[0]{json}{data}{release}, '1.2.0', 'it is a version');

SKIP: {
    my $clients = "$Test::LiveUpdate::ROOT/t/clients";

    skip 'no packages, run "make clients" first', 1
        unless -d "$clients/node_modules/standardwebhooks";

    $r->{mark} = 0;

    $t->write_file('sent.json', json_encode([ map { {
        form => $_->{path} =~ m{^/(?:all|other)} ? 'json'
            : $_->{path} =~ m{^/(\w+)} && $1,
        secret => $secrets[rand 2],
        headers => $_->{headers},
        body => $_->{body},
    } } $r->requests(qr{^/(?!purge|cloud)}) ]));

    is(`node $clients/notices.js < @{[ $t->testdir() ]}/sent.json 2>&1`, '',
       'packages of the targets take all of it');
}


# A bundle that waits.

sub publish {
    my $done = $t->publish($app, 'production',
                           zip('index.html' => 'x' . rand()));

    $done->{ok} or die "not published: $done->{reply}{raw}\n";

    return $done->{bundle};
}


sub promote {
    my ($bundle) = @_;

    my $reply = $t->api('POST', "/releases/$app/$bundle/promote", {});

    $reply->{status} == 200 or die "not promoted: $reply->{raw}\n";
}


# What a target has taken since mark(): these types, once each.

sub got {
    my ($target, @types) = @_;

    wait_until { taken($target) >= @types } 20, "got @types";

    @got = taken($target);
    $_->{json} = json_decode($_->{body}) for @got;

    is(join(' ', map { $_->{json}{type} } @got), "@types", "got @types");

    $r->mark();
}


sub taken {
    my ($target) = @_;

    my %seen;

    return grep { !$seen{$_->{headers}{'webhook-id'}}++ }
        $r->taken(qr/\/$target/);
}


# The n-th one of all.

sub got_form {
    my ($target, $n) = @_;

    local $r->{mark} = 0;

    wait_until { $r->taken(qr/\/$target/) >= $n } 10, "got $n of $target";

    return json_decode(($r->taken(qr/\/$target/))[$n - 1]{body});
}


sub state {
    my ($target) = @_;

    return $t->api('GET', "/v1/notifications/$target")->{json};
}


sub signature {
    my ($request) = @_;

    my $text = join '.', $request->{headers}{'webhook-id'},
        $request->{headers}{'webhook-timestamp'}, $request->{body};

    return join ' ', map {
        my $key = decode_base64(s/^whsec_//r);
        my $mac = hmac_sha256_base64($text, $key);
        $mac .= '=' while length($mac) % 4;
        "v1,$mac";
    } @secrets;
}
