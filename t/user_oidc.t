#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# A person signs in at an OpenID provider and approves a release in the console,
# with the server that docs/operations.md describes: without a token, under a
# name that stays, and not any longer than the session lasts.

use warnings;
use strict;
use utf8;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_encode port zip /;
use Test::LiveUpdate::Browser;

my $clients = "$Test::LiveUpdate::ROOT/t/clients";

my $t = Test::LiveUpdate->new()->has_daemon('node');

$t->skip_all('no oidc-provider, run "make clients"')
    unless -d "$clients/node_modules/oidc-provider";
$t->skip_all('Node.js is older than 20')
    if `node --version` !~ /^v(\d+)/ || $1 < 20;

my $b = Test::LiveUpdate::Browser->new($t);

$t->plan(28);

my $dir = $t->testdir();
my $site = 'http://127.0.0.1:' . port(8081);
my ($map, $server) = recipe();

$ENV{APPROVAL} = 'on';

$t->config_reference(sub {
    s/^    server \{/$map\n$server\n    server {/m if $_[0] eq 'nginx.conf';
});

$t->run_daemon('node', "$clients/oidc.mjs", port(8091), port(8092), $site,
               json_encode({
    ann => { email => 'ann@example.com', groups => [qw/ x release-leads / ] },
    bob => { email => 'bob@example.com', groups => ['mobile-team'] },
    eve => { email => 'eve@example.com', groups => ['misrelease-leads'] },
}));

wait_until { -s "$dir/daemons.log"
             && $t->read_file('daemons.log') =~ /^ready$/m } 30;

$t->run();

my $app = $t->create_app('Shop');
my $zip = zip('index.html' => 'one');
my $release = $t->publish($app, 'default', $zip)->{bundle};
my $promote = "/releases/$app/$release/promote";

# -- nobody ------------------------------------------------------------------

for my $path ('/console/', '/v1/users/me', "/releases/$app",
              "/v1/apps/$app/bundles/latest", '/console/status')
{
    my $reply = $t->api('GET', $path, undef, token => undef, port => 8081,
                        headers => ['X-Auth-Request-Email' => 'ann@example.com',
                                    'X-User' => 'ann@example.com']);

    is("$reply->{status} $reply->{headers}{location}",
       "302 $site/oauth2/start?rd=/console/", "$path: somebody must sign in");
}

is($t->latest($app)->{status}, 404, 'devices need not');
is($t->api('GET', '/v1/users/me', undef, token => undef,
           headers => ['X-Auth-Request-Email' => 'ann@example.com'])->{status},
   401, 'and nobody is believed there');

# -- somebody ----------------------------------------------------------------

$b->start();
$b->open("$site/console/");
sign_in('ann');

$b->see('Signed in as ann@example.com (read, publish, approve)', 'known');
$b->see('Shop', 'the applications');
is($b->focus(), 'h1 Applications', 'there is no field for a token');
like($b->kept(), qr/^\[\{\},\{\},"",/, 'nothing is kept by the page');

$b->click('link', 'Shop');
$b->see('Waiting for approval (1)', 'a release waits');
$b->click('button', 'Approve… Build 1');
$b->see('Approve this release?', 'a dialog');
$b->click('button', 'Approve', exact => JSON::PP::true());
$b->see('Live (1)', 'it is approved');

my ($entry) = @{$t->api('GET', "/releases/$app/audit")->{json}};

is("$entry->{change} $entry->{by}", 'release.promote ann@example.com',
   'by her, as the audit log says');
is($t->latest($app)->{json}{bundleId}, $release, 'a device gets it');

# -- another site ------------------------------------------------------------

# the session of the browser, in requests that a page of another origin makes

my $evil = <<"EOC";
fetch('$site$promote', { method: 'POST', mode: 'no-cors', body: '{}',
                         credentials: 'include' })
    .then((reply) => reply.type, (error) => String(error))
EOC

my $entries = @{$t->api('GET', "/releases/$app/audit")->{json}};

$b->open('http://127.0.0.1:' . port(8080) . '/v1/users/me');
is($b->run($evil), 'opaque', 'a form of another site is sent');
like($t->read_log(), qr/access forbidden: .* needs the header X-Requested-With/,
     'and is refused');
is($b->run($evil =~ s/method: 'POST', mode: 'no-cors'/method: 'DELETE'/r),
   'TypeError: Failed to fetch', 'what is more than a form is not sent');
is(scalar @{$t->api('GET', "/releases/$app/audit")->{json}}, $entries,
   'nothing has changed');

# -- a token stays, and the end of the session -------------------------------

$b->open("$site/console/");
$b->see('Signed in as ann', 'still signed in');
$b->click('button', 'Use a token');
$b->fill({ label => 'Token' }, $t->token('read'));
$b->press('Enter');
$b->see('Token of read (read)', 'a token instead');
$b->click('button', 'Sign out');
$b->see('Signed in as ann', 'and back');

$b->run("fetch('/oauth2/sign_out')");
$b->see('Your session has ended.', 'the session ends');
$b->run('new Promise((done) => { addEventListener("hashchange", () => done());'
        . ' location.hash = "#/notifications" })');
$b->see('Your session has ended.', 'it is said on another page, too');
$b->click('button', 'Sign in again');
sign_in('bob');

$b->see('Signed in as bob@example.com (read)', 'another person');
$b->end();

$b->start();
$b->open("$site/console/");
sign_in('eve');
$b->see('"eve@example.com" has no role here.', 'no group, no role');
is($b->problems(), '', 'no problems');
$b->end();

$b->quit();

###############################################################################

sub sign_in {
    my ($name) = @_;

    $b->fill({ css => 'input[name=login]' }, $name);
    $b->press('Enter');
}


# What the document says, with local names.

sub recipe {
    my $text = $t->read_file("$Test::LiveUpdate::ROOT/docs/operations.md");
    my ($map, $server) =
        $text =~ /^```nginx\n(map .*?^\}\n)\n(server .*?^\}\n)```/ms
        or die "no recipe\n";

    my ($listen, $party) = (port(8081), port(8092));

    $server =~ s/^ +ssl_\w+ .*\n//mg;
    $server =~ s/listen +443 ssl;/listen 127.0.0.1:$listen;/ or die;
    $server =~ s/127\.0\.0\.1:4180/127.0.0.1:$party/g;

    return ($map, $server);
}
