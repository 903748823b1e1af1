#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Notifications: who is told of what, in which form, signed, in order and only
# once; what a target does wrong; what can be asked for.

use warnings;
use strict;

use Digest::SHA qw/ hmac_sha256_base64 /;
use MIME::Base64 qw/ decode_base64 encode_base64 /;
use POSIX qw/ strftime /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_decode json_encode zip /;
use Test::LiveUpdate::Receiver;
use Test::LiveUpdate::Release qw/ stage_dist /;

my $t = Test::LiveUpdate->new()->plan(98);
my $r = Test::LiveUpdate::Receiver->new($t);
my $url = $r->url();
my @secrets = map { 'whsec_' . encode_base64($_ x 24, '') } qw/ a b /;
my ($reply, @got, $events);

$r->targets(<<"EOF");
# all of it, signed with two secrets
all      json     $url/all  secret=$secrets[0] secret=$secrets[1]
slack    slack    $url/slack/T0/hidden  event=release.* event=test
teams    teams    $url/teams/hidden  event=release.*
discord  discord  $url/discord/hidden  event=release.*
other    json     $url/other  secret=$secrets[0] app=other event=release.*
cdn      purge    $url/purge/{app}/x  method=PURGE header=Key:a%20b
cloud    purge    $url/cloud  body={"tags":["{app}"]}
EOF

$r->configure(notify => 'retry=100ms  pause=10s  disk=0%', timeout => '2s',
              server => <<'EOF');
        liveupdate_approval  on;
        resolver             127.0.0.1:1;

        location = /stolen {
            internal;
            return  200;
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
   "Release $bundle of Shop, from publish, waits for approval.", 'the text');

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
like($got[1]{json}{data}{text},
     qr/^admin has rejected release \S+ of \S+: no <b>\*\.$/,
     'who has rejected it, and why');
is($got[1]{json}{data}{reason}, 'no <b>*', 'the reason alone');
like(got_form('slack', 4)->{text}, qr/: no &lt;b&gt;\*\.$/, 'in Slack');
like(got_form('discord', 4)->{content}, qr/\\: no \\<b\\>\\\*\.$/,
     'in Discord');
like(got_form('teams', 4)->{attachments}[0]{content}{body}[0]{inlines}[0]{text},
     qr/: no <b>\*\.$/, 'and in Teams');

# failed

$r->mark();
$t->publish($app, 'production', 'no zip at all');
got(all => 'release.failed');
like($got[0]{json}{data}{reason}, qr/zip/, 'why it has failed');

# rolled back

my $later = publish();

promote($later);
$t->api('POST', "/releases/$app/rollback", { channel => 'production' });
got(all => 'release.staged', 'release.approved', 'release.rolled_back');
is($got[2]{json}{data}{channel}, 'production', 'where it is rolled back');
is($got[2]{json}{data}{from}, $later, 'from what');

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

# but what is refused once, after an outage, is not

$r->mark()->script('/all' => { status => 503 });
publish();
wait_until { $r->requests(qr/all/) >= 5 } 20, 'an outage';
$r->script('/all' => { status => 405 });
wait_until { $r->requests(qr/all/) >= 6 } 20, 'and a refusal';
$r->script();
got(all => 'release.staged');
is(state('all')->{refused}, 1, 'is not lost');

# what a cache does not have need not be purged

$r->mark()->script('/purge' => { status => 412 });
promote(publish());
wait_until { $r->requests(qr/purge/) } 10, 'a purge';
ok((wait_until { my ($last) = @{state('cdn')->{deliveries}};
                 $last->{status} == 412 && $last->{state} eq 'delivered' } 10),
   'of what is not there');
$r->script();
got(all => 'release.staged', 'release.approved');

# when it says, as a date

$r->mark()->script('/teams' => { status => 429, headers => [
    'Retry-After: ' . strftime('%a, %d %b %Y %H:%M:%S GMT',
                               gmtime(time() + 600)) ] });
publish();
ok((wait_until { my $next = state('teams')->{nextAttemptAt} // '';
                 $next gt strftime('%Y-%m-%dT%H:%M:%S', gmtime(time() + 500)) }
    10), 'the time of the next attempt');
$r->script();
$t->api('POST', '/v1/notifications/teams/resume', {});
wait_until { state('teams')->{state} eq 'active' } 10, 'resumed';
got(all => 'release.staged');

# asked for

$r->mark();
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
like($t->api('GET', '/status')->{body},
     qr/^liveupdate_notify_targets\{state="paused"\} 1$/m, 'and counted');
is(waits('discord'), '1 some', 'so is what waits for it');
got(all => 'release.staged', 'target.paused');
is($got[1]{json}{data}{subject}, 'discord', 'the others are told');
is($got[1]{json}{data}{reason}, 'It answered 500.', 'and why');
ok((wait_until { waits('all') eq '0 0' } 10), 'nothing waits for them');
$r->script();
is($t->api('POST', '/v1/notifications/discord/resume', {})->{status}, 202,
   'resumed');
wait_until { $r->taken(qr/discord/) } 10, 'resumed';
wait_until { state('discord')->{state} eq 'active' } 10, 'and active';
ok((wait_until { waits('discord') eq '0 0' } 10), 'nothing waits any more');

# who refuses everything is dead, too

$r->mark()->script('/slack' => { status => 400 });
publish() for 1 .. 9;
wait_until { state('slack')->{state} eq 'paused' } 40, 'refused until paused';
got(all => ('release.staged') x 9, 'target.paused');
$r->mark()->script();
$t->api('POST', '/v1/notifications/slack/resume', {});
wait_until { $r->taken(qr/slack/) } 10, 'it takes events again';
ok((wait_until { waits('slack') eq '0 0' } 10), 'and goes on');

# paused while something is on its way

$r->mark();
$r->script('/discord' => { delay => 1 });
publish();
wait_until { $r->requests(qr/discord/) } 10, 'it is on its way';
$t->api('POST', '/v1/notifications/discord/pause', {});
publish() for 1, 2;
wait_until { state('discord')->{state} eq 'paused' } 10, 'paused';
ok((wait_until { $r->taken(qr/discord/) && waits('discord') eq '2 some' } 10),
   'of those that wait the first one is known') or diag(waits('discord'));
got(all => ('release.staged') x 3);
$r->script();
$t->api('POST', '/v1/notifications/discord/resume', {});
ok((wait_until { waits('discord') eq '0 0' } 10), 'they are sent');

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

# an app that is deleted, and one whose deletion a crash has prevented

$t->api('POST', '/v1/apps', { name => 'Gone', id => $_ }) for qw/ gone kept /;
$r->mark();
deletion('kept', 120, json_decode($t->read_file('store/apps/kept/app.json'))
         ->{createdAt});
$t->api('DELETE', '/v1/apps/gone');
got(all => 'app.deleted');
is($got[0]{json}{data}{text}, 'admin has deleted Gone.', 'who, and which');
wait_until { !-e $t->testdir() . '/store/notify/in/0' } 10, 'the other is gone';

# another app had the id by the time that somebody looked

$r->mark();
deletion('kept', 0, '2026-01-01T00:00:00.000Z');
got(all => 'app.deleted');
is($got[0]{json}{data}{app}, 'kept', 'the one before was deleted');

# what the audit log has, and what it has not, in the order of the changes

$r->mark();
$t->stop();
written('kept', 3);
deletion('kept', 2, '2026-01-01T00:00:00.000Z');
written('kept', 1);
$t->start();
got(all => qw/ app.changed app.deleted app.changed /);

# a disk of which something is in use, once, also after a reload

$t->write_file('nginx.conf', $t->read_file('nginx.conf')
                             =~ s/disk=0%/disk=100%/r);
$r->mark();
$t->reload();
got(all => 'disk.low');
like($got[0]{json}{data}{text}, qr/[\d.]+ % of it is free/, 'how low it is');
$t->reload();
publish();
got(all => 'release.staged');

# other targets, and a worker that cannot send yet: it has no numbers of them

$t->write_file('targets', "new  json  $url/new  secret=$secrets[0] "
                          . "event=app.deleted\n" . $t->read_file('targets'));
mkdir $t->testdir() . '/store/notify/targets/new.json' or die "mkdir: $!\n";
$t->reload();
is(waits('new'), 'none 0', 'nothing is said of a target before it is counted');
rmdir $t->testdir() . '/store/notify/targets/new.json' or die "rmdir: $!\n";
ok((wait_until { waits('new') eq '0 0' } 20), 'and then it is');

SKIP: {
    my $clients = "$Test::LiveUpdate::ROOT/t/clients";

    skip 'no packages, run "make clients" first', 1
        unless -d "$clients/node_modules/standardwebhooks";

    $r->{mark} = 0;

    $t->write_file('sent.json', json_encode([ map { {
        form => $_->{path} =~ m{^/(?:all|other)} ? 'json'
            : $_->{path} =~ m{^/(\w+)} && $1,
        secret => $secrets[$_->{path} =~ m{^/other} ? 0 : rand 2],
        headers => $_->{headers},
        body => $_->{body},
    } } $r->requests(qr{^/(?!purge|cloud)}) ]));

    is(`node $clients/notices.js < @{[ $t->testdir() ]}/sent.json 2>&1`, '',
       'packages of the targets take all of it');
}


# A bundle that waits.

# How many events wait for a target, and whether the first one is of some age.

sub waits {
    my ($target) = @_;

    my $body = $t->api('GET', '/status')->{body};
    my ($n, $age) = map {
        $body =~ /^liveupdate_notify_$_\{target="$target"\} (\d+)$/m
    } qw/ waiting oldest_seconds /;

    return join ' ', $n // 'none', $age ? 'some' : 0;
}


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


# An app was deleted so many seconds ago.

sub deletion {
    my ($app, $ago, $created) = @_;

    $t->write_file('store/notify/in/0', json_encode({
        event => { id => 'evt_' . ++$events, type => 'app.deleted', app => $app,
                   by => 'ann', at => ago($ago) },
        createdAt => $created, expect => 'gone' }));
}


# An app was changed so many seconds ago.

sub written {
    my ($app, $ago) = @_;

    my $json = json_decode($t->read_file("store/apps/$app/app.json"));

    $json->{generation}++;
    $t->write_file("store/apps/$app/audit.log",
                   $t->read_file("store/apps/$app/audit.log") . json_encode({
                       at => ago($ago), by => 'ann', change => 'app.update',
                       subject => $app, generation => $json->{generation}
                   }) . "\n");
    $t->write_file("store/apps/$app/app.json", json_encode($json));
}


sub ago {
    return strftime('%Y-%m-%dT%H:%M:%S.000Z', gmtime(time() - $_[0]));
}


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
