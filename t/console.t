#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# The release console in a browser: from what comes in to what clients get,
# by clicking; what it must not do; and what it says when things go wrong.
# Pictures of its pages are left in build/console.

use warnings;
use strict;
use utf8;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Test::LiveUpdate qw/ json_encode port zip /;
use Test::LiveUpdate::Browser;

use Digest::SHA qw/ hmac_sha256_hex sha512_base64 /;
use File::Path qw/ make_path /;

binmode $_, ':encoding(UTF-8)' for Test::More->builder->output(),
                                   Test::More->builder->failure_output();

select STDERR; $| = 1;
select STDOUT; $| = 1;

my $t = Test::LiveUpdate->new();
my $b = Test::LiveUpdate::Browser->new($t);

$t->plan(184);

# where ToDesktop's builds come from, slowly enough to be looked at

my $dir = $t->testdir();

$ENV{APPROVAL} = 'on';
$ENV{ORIGIN} = 'http://127.0.0.1:' . port(8081);

$t->config_reference(sub {
    my $origin = port(8081);
    my $elsewhere = port(8082);

    s{^    server \{}{
    server {
        listen  127.0.0.1:$elsewhere;
        root    $dir/elsewhere;
    }

    server {
        listen  127.0.0.1:$origin;
        root    $dir/origin;

        limit_rate       500k;
        open_file_cache  off;

        if (-f $dir/redirect) {
            return  302  /;
        }
    }

    server \{}m if $_[0] eq 'nginx.conf';
})->run();

my $pictures = "$Test::LiveUpdate::ROOT/build/console";
make_path($pictures);

my $site = 'http://127.0.0.1:' . port(8080);
my $nasty = '"><img src=x onerror=alert(1)><script>alert(2)</script>';

$t->api('POST', '/v1/apps', { id => 'desk', name => 'Desk', type =>
                              'electron' });

my $app = $t->create_app('Café 🛒');
my $production = $t->create_channel($app, 'production');

# -- the files ---------------------------------------------------------------

my $reply = $t->api('GET', '/console/', undef, token => undef);
my $policy = $reply->{headers}{'content-security-policy'} // '';

is($reply->{status}, 200, 'the page');
like($policy, qr/(?:^|; )\Q$_\E(?:;|$)/, $_) for
    "default-src 'none'", "script-src 'self'", "style-src 'self'",
    "connect-src 'self'", "img-src 'self' data:", "base-uri 'none'",
    "form-action 'none'", "frame-ancestors 'none'",
    "require-trusted-types-for 'script'";
unlike($policy, qr/unsafe|\*|https?:/, 'and no more');
is($reply->{headers}{'x-content-type-options'}, 'nosniff', 'nosniff');
is($reply->{headers}{'referrer-policy'}, 'no-referrer', 'no-referrer');
is($reply->{headers}{'cache-control'}, 'no-cache', 'asked for again');
unlike($reply->{body}, qr/<script(?![^>]*src=)|<style|\son\w+=|style=/i,
       'no inline script or style');
is($t->api('GET', '/console', undef, token => undef)->{headers}{location},
   '/console/', 'without the slash');
is($t->api('POST', '/console/', {}, token => undef)->{status}, 405,
   'nothing to post to');
is($t->api('GET', '/console/../tokens', undef, token => undef)->{status},
   404, 'nothing beside it');

for my $file (glob "$Test::LiveUpdate::ROOT/conf/console/*.js") {
    unlike($t->read_file($file), qr/innerHTML|outerHTML|insertAdjacentHTML
           |document\.write|\beval\b|Storage|cookie(?!,)/x,
           $file =~ s{.*/}{}r . ': no markup of strings, no storage');
}

# -- signing in --------------------------------------------------------------

$b->start();
$b->open("$site/console/");
$b->see('Sign in', 'asks for a token');
is($b->focus(), 'input token', 'right away');
is($b->look('#token', 'webkitTextSecurity'), 'disc', 'not to be read');
picture('sign-in');

$b->type('ca_' . '0' x 40);
$b->press('Enter');
$b->see('Invalid token.', 'a wrong token');
is($b->focus(), 'input token', 'can be mended');

$b->fill({ label => 'Token' }, 'ca_ü');
$b->press('Enter');
$b->see('This is not a token', 'what is no token at all');
picture('wrong-token');

$b->fill({ label => 'Token' }, $t->token('approve'));
$b->press('Enter');
$b->see('Applications', 'a right one');
$b->see('Token of approve (read, approve)', 'is known by its name');
$b->see('Café 🛒', 'its apps');
is($b->focus(), 'h1 Applications', 'the heading has the focus');

# -- from a signed webhook to an update --------------------------------------

$b->click('link', 'Desk');
$b->see('Nothing is waiting.', 'an app');
is($b->focus(), 'h1 Desk', 'its heading has the focus');

build('b1', '1.0.0', 5_000_000);
webhook('b1', '1.0.0');

$b->see('In progress (1)', 'a build comes, without reloading');
$b->see('of 5 MB', 'its bytes', css => '.fetched');
$b->see('/s', 'its speed', css => '.fetched');
like($b->text({ css => '.fetched' }),
     qr{^\d of \d files, [\d.]+ [kM]?B of 5 MB, [\d.]+ [kM]B/s$},
     'its files');
picture('fetching');
is($b->count({ role => 'progressbar', name => 'Fetching 1.0.0' }), 1,
   'and a bar with a name');

$b->see('Waiting for approval (1)', 'it waits');
like($b->title(), qr/^\(1\) Desk/, 'the title says so');
$b->see('Another release is waiting for approval.', 'and is it said',
        css => '[role=status]');
is(latest(), 404, 'no client sees it');
picture('waiting');

$b->click('button', 'Approve… 1.0.0');
$b->see('Approve this release?', 'a dialog');
picture('approve');
$b->click('button', 'Cancel');
is(latest(), 404, 'cancelled');

$b->click('button', 'Approve… 1.0.0');
$b->click('button', 'Approve', exact => JSON::PP::true());
$b->see('Live (1)', 'approved');
$b->see('1.0.0 is live for 100%.', 'and it is said', css => '[role=status]');
is(latest(), '1.0.0', 'a client gets the update');
$b->see('Windows', 'who gets what');
$b->see('approved', 'who decided');
is($b->problems(), '', 'no problems');

# -- staged by hand, to a part -----------------------------------------------

staged('b2', '1.1.0');
$b->see('Waiting for approval (1)', 'another one');
$b->click('button', 'Approve… 1.1.0');
$b->fill({ label => 'Rollout, in percent' }, '10');
$b->click('button', 'Approve', exact => JSON::PP::true());
$b->see('Live (2)', 'to a part');
is_deeply([map { "$_->{rule} $_->{buildId} $_->{percentage}" }
           @{rules()->{releaseRedirections}}], ['buildByRollout b2 10'],
          'by a rule');
is(latest(), '1.0.0', 'who has no id gets the old one');
is(parts(), 10, 'a tenth gets the new one');
$b->see('90%', 'it is shown');
like($b->tree(), qr/row "macOS no update 100%"/, 'nothing for macOS');
picture('part');

$b->click('button', 'Change rollout… 1.1.0');
$b->see('Change the rollout');
is($b->run('document.getElementById("percent").value'), '10',
   'what it is now');
$b->fill({ label => 'Rollout, in percent' }, '101');
$b->click('button', 'Change', exact => JSON::PP::true());
is(rules()->{releaseRedirections}[0]{percentage}, 10, 'too much');
$b->fill({ label => 'Rollout, in percent' }, '100');
$b->click('button', 'Change', exact => JSON::PP::true());
$b->see('1.1.0 is released to 100%.', 'to all', css => '[role=status]');
is(latest(), '1.1.0', 'all get it');
$b->see('Replaced (1)', 'the old one is replaced');

# -- one with rules of its own, and somebody else who decides -----------------

build('b9', '1.1.5', 1000);
webhook('b9', '1.1.5', latestReleaseBuildId => 'b2', releaseRedirections => [
    { rule => 'buildByIp', buildId => 'b9', ipList => [ '192.0.2.7' ] } ]);
$b->see('Waiting for approval (1)', 'one that brings rules');
opened(sub { $b->click('button', 'Approve… 1.1.5') });
$b->see('Use the rules that came with the build', 'they are offered');
ok($b->run('document.getElementById("percent").disabled'),
   'in the place of a share');
picture('rules');
decide_elsewhere();
$b->click('button', 'Approve', exact => JSON::PP::true());
$b->see('Somebody else has changed this app', 'somebody else decided');
is(release('b9')->{state}, 'staged', 'nothing was approved');
$b->press('Escape');

$b->click('button', 'Approve… 1.1.5');
$b->see('Use the rules that came with the build');
$b->click('button', 'Approve', exact => JSON::PP::true());
$b->see('1.1.5 is live, with its rules.', 'approved', css => '[role=status]');
is(join(' ', map { "$_->{rule} $_->{buildId}" }
             @{rules()->{releaseRedirections}}), 'buildByIp b9', 'by them');
is(latest(), '1.1.0', 'all others keep what they have');

# -- a rejected one ----------------------------------------------------------

staged('b3', '1.2.0');
$b->see('Waiting for approval (1)', 'a third one');
$b->click('button', 'Copy b3');
$b->see('Copied: b3', 'an id is copied', css => '[role=status]');
$b->click('button', 'Reject… 1.2.0');
$b->press('Control+v');
is($b->run('document.getElementById("reason").value'), 'b3', 'whole');
$b->fill({ label => 'Reason' }, '');
$b->click('button', 'Reject', exact => JSON::PP::true());
is(release('b3')->{state}, 'staged', 'not without a reason');
$b->fill({ label => 'Reason' }, "The logo is wrong. $nasty");
picture('reject');
$b->click('button', 'Reject', exact => JSON::PP::true());
$b->see('Rejected (1)', 'rejected');
$b->see("The logo is wrong. $nasty", 'the reason, as it was typed');
is(release('b3')->{reason}, "The logo is wrong. $nasty", 'and kept');
is(latest(), '1.1.0', 'no client gets it');

# -- back again --------------------------------------------------------------

opened(sub { $b->click('button', 'Roll back… the desktop app') });
$b->see('Roll back the desktop app?');
decide_elsewhere();
$b->click('button', 'Roll back', exact => JSON::PP::true());
$b->see('Somebody else has changed this app',
        'somebody else was there before');
is(latest(), '1.1.0', 'nothing was changed');
picture('conflict');
$b->press('Escape');

$b->click('button', 'Roll back… the desktop app');
$b->click('button', 'Roll back', exact => JSON::PP::true());
$b->see('Rolled back to b1.', 'rolled back', css => '[role=status]');
is(latest(), '1.0.0', 'clients get the one before');

$b->click('button', 'Withdraw… 1.1.0');
$b->see('Clients are no longer offered this release');
$b->click('button', 'Withdraw', exact => JSON::PP::true());
$b->see('Withdrawn (1)', 'withdrawn');
is(release('b2')->{state}, 'withdrawn', 'on the server, too');

# -- a release, the audit log ------------------------------------------------

$b->click('link', '1.2.0', exact => JSON::PP::true());
$b->see('Setup 1.2.0.exe', 'its files');
$b->see('release.reject', 'its history');
is($b->focus(), 'h1 1.2.0', 'the heading has the focus');
picture('release');

$b->click('link', 'Desk');
$b->click('link', 'Audit log');
$b->see('release.rollback', 'the audit log');
$b->see('approve rolled the application back from 1.1.0 to 1.0.0.',
        'what was done, in words', css => '[data-key=audit]');
$b->see('approve rejected 1.2.0: The logo is wrong.', 'the reason',
        css => '[data-key=audit]');
$b->see('approve approved 1.0.0 for Windows.', 'for which platforms',
        css => '[data-key=audit]');
$b->see('approve approved 1.1.0 for Windows, to 10% of the installations.',
        'and which share', css => '[data-key=audit]');
$b->see('admin created the application.', 'and who',
        css => '[data-key=audit]');
picture('audit');

# -- what has failed, once more ----------------------------------------------

$b->click('link', 'Desk');
build('b4', '1.3.0', 1000);
$t->write_file('redirect', '');
webhook('b4', '1.3.0');
$b->see('Failed (1)', 'a build that is redirected');
picture('failed');
is($b->count('button', 'Try again 1.3.0'), 0,
   'who approves does not fetch');

unlink "$dir/redirect";

sign_in('admin');
$b->click('link', 'Desk');
$b->click('button', 'Try again 1.3.0');
$b->see('Waiting for approval (1)', 'fetched again');
$b->see_not('Failed (', 'it has not failed any more');
$b->click('button', 'Reject… 1.3.0');
$b->fill({ label => 'Reason' }, 'Enough of it.');
$b->click('button', 'Reject', exact => JSON::PP::true());
$b->see('Rejected (2)', 'an admin may do all');

$b->click('link', '1.3.0', exact => JSON::PP::true());
$b->click('button', 'Delete… 1.3.0');
$b->see('cannot be brought back', 'a dialog', css => 'dialog');
picture('delete');
$b->click('button', 'Delete', exact => JSON::PP::true());
$b->see('1.3.0 is deleted.', 'deleted', css => '[role=status]');
$b->see('Rejected (1)', 'the page is that of the app');
is($t->api('GET', '/releases/desk/b4')->{status}, 404,
   'it is not there any more');
is($b->problems(), '', 'no problems');

# -- bundles -----------------------------------------------------------------

my $first = published('one', 'production');
my $second = published('two', 'production', gitRef => $nasty);

sign_in('approve');
$b->click('link', 'Café');
$b->see('Waiting for approval (2)', 'bundles wait');
$b->click('button', 'Approve… Build 1');
$b->see('Approve this release?');
is($b->run('document.getElementById("channel").value'), 'production',
   'the channel that it was made for');
$b->click('button', 'Approve', exact => JSON::PP::true());
$b->see('Build 1 is live', 'approved', css => '[role=status]');
is(device(), $first, 'a device gets it');

$b->click('button', 'Approve… Build 2');
$b->fill({ label => 'Rollout, in percent' }, '0');
$b->click('button', 'Approve', exact => JSON::PP::true());
$b->see('Build 2 is live for 0%', 'to nobody', css => '[role=status]');
is(device(), $first, 'the device keeps what it has');

$b->click('button', 'Change rollout… Build 2');
$b->fill({ label => 'Rollout, in percent' }, '100');
$b->click('button', 'Change', exact => JSON::PP::true());
$b->see('Build 2 is released to 100%', 'to all', css => '[role=status]');
is(device(), $second, 'the device gets it');
is(scalar @{$t->api('GET', "/v1/apps/$app/deployments",
                    undef)->{json}}, 2, 'and it was not deployed twice');
picture('app');

$b->see('Adoption', 'what the devices run');
$b->see('Active devices: 1 in the last 24 hours', 'one was seen');

$b->click('button', 'Roll back… production');
$b->click('button', 'Roll back', exact => JSON::PP::true());
$b->see("Rolled back to $first", 'rolled back', css => '[role=status]');
is(device(), $first, 'the device gets the one before');

# -- foreign text ------------------------------------------------------------

$t->api('PATCH', "/v1/apps/$app", { name => $nasty });
$t->create_channel($app, $nasty);
staged('b5', '1.4.0', qq{Setup <img src=x onerror=alert(3)> 1.4.0.exe});

$b->see(qq{$nasty}, 'a name of an app', css => 'h1');
$b->see(qq{$nasty}, 'a name of a channel', css => '[data-key=channels]');
$b->click('link', 'Build 2');
$b->see($nasty, 'a git reference', css => 'dd');
$b->click('link', 'Applications');
$b->click('link', 'Desk');
$b->click('link', '1.4.0', exact => JSON::PP::true());
$b->see('Setup <img src=x onerror=alert(3)> 1.4.0.exe', 'a name of a file');
$b->click('link', 'Desk');
$b->click('link', '1.2.0', exact => JSON::PP::true());
$b->see($nasty, 'a reason', css => '.wrong');
$b->hash("#/apps/$_")
    && $b->see('This page cannot be shown', 'an address: ' . $_)
    for 'desk%22%3E%3Cimg%20src=x%20onerror=alert(4)%3E', '%';
is($b->run('document.querySelectorAll("img, svg, iframe").length'), 0,
   'is text and nothing else');
is($b->problems(), '', 'and is not run');

# -- by keyboard -------------------------------------------------------------

$b->hash('#/apps/desk');
$b->see('Waiting for approval (1)');
tab_to('button Approve… 1.4.0');
$b->press('Enter');
$b->see('Approve this release?', 'a dialog opened by a key');
is($b->focus(), 'input percent', 'its first field has the focus');
$b->press('Tab', 'Tab', 'Tab', 'Tab', 'Tab');
like($b->focus(), qr/^(?:body|input percent|button (?:Cancel|Approve)$)/,
     'nothing outside of it gets it');
$b->press('Escape');
is($b->focus(), 'button Approve… 1.4.0', 'where it was before');

$b->press('Enter');
$b->see('Approve this release?', 'once more');
like($b->run(<<'EOF_JS'), qr/^Approve this release\?/, 'and at once again');
new Promise((resolve) => {
    const dialog = document.querySelector('dialog[open]');

    dialog.addEventListener('close', () => setTimeout(() => resolve(
        document.querySelector('dialog[open]').textContent)));
    dialog.close();
    document.activeElement.click();
})
EOF_JS
$b->press('Control+a');
$b->type('50');
$b->press('Enter');
$b->see('1.4.0 is live for 50%.', 'approved by keys', css =>
        '[role=status]');
$b->see('Nothing is waiting.', 'nothing waits any more');
is($b->focus(), 'h1 Desk', 'the button has gone: the heading has the focus');

# -- the server goes, and comes ----------------------------------------------

$b->click('button', 'Withdraw… 1.4.0');
$t->stop();
$b->click('button', 'Withdraw', exact => JSON::PP::true());
$b->see('It is not known whether the change was made',
        'a lost connection: in a dialog');
$b->press('Escape');
$b->see('The server does not answer. Trying again… This page is from',
        'and on the page', css => '[role=alert]');
$b->see('Live (2)', 'what was there is still there');
picture('lost');
$t->run();
$b->see_not('The server does not answer.', 'it is there again');
is(release('b5')->{state}, 'live', 'nothing was done');

# -- who may only look -------------------------------------------------------

sign_in('read');
$b->click('link', 'Desk');
$b->see('This token may view releases', 'a token that reads');
is($b->run('document.querySelectorAll("main button:not(.copy)").length'), 0,
   'only has buttons that copy');
picture('read');

# -- a token that is taken away ----------------------------------------------

my $tokens = $t->read_file('tokens');

$t->write_file('tokens', join "\n", grep { !/^read/ } split /\n/, $tokens);
chmod 0600, "$dir/tokens";
$t->reload();
$b->see('Invalid token.', 'a token that is good no more');
unlike($b->tree(), qr/Desk|1\.0\.0/, 'nothing is left on the page');

# -- what is kept ------------------------------------------------------------

sign_in('approve');
unlike($b->kept(), qr/ca_/, 'the token is in no storage and no address');
$b->reload();
$b->see('Sign in', 'it is asked for again after a reload');
is((grep { /ca_/ } $b->requests()), 0, 'no request had it in its address');
$b->run('document.querySelector(".skip").focus()');
$b->press('Enter');
is($b->focus(), 'main main', 'the link that skips');

# -- a page of somebody else ---------------------------------------------------

my $clear = $t->token('approve');

$t->write_file('elsewhere/index.html', <<EOF_HTML);
<!DOCTYPE html>
<form method="post" action="$site/releases/desk/b5/withdraw" target="frame"
      enctype="text/plain"><input name='{"token":"$clear","x":"' value='"}'>
</form>
<iframe name="frame" src="$site/console/"></iframe>
<p id="end"></p>
EOF_HTML

$b->open('http://127.0.0.1:' . port(8082) . '/');

is($b->run(<<EOF_JS), 'TypeError TypeError', 'cannot ask, also with a token');
Promise.all(['application/json', 'text/plain'].map((type) =>
    fetch('$site/releases/desk/b5/withdraw', {
        method: 'POST', body: '{}', headers: {
            'Content-Type': type, Authorization: 'Bearer $clear',
        },
    }).then((reply) => reply.status, (error) => error.name)))
    .then((all) => all.join(' '))
EOF_JS

is($b->run(<<EOF_JS), 'opaque', 'can send, and not read');
fetch('$site/releases/desk/b5/withdraw', {
    method: 'POST', mode: 'no-cors', body: '{}', credentials: 'include',
}).then((reply) => reply.type)
EOF_JS

$b->run('document.forms[0].submit()');
ok((Test::LiveUpdate::wait_until {
    $t->read_file('logs/access.log') =~ m{"POST /releases/desk/b5/withdraw}
} 5, 'the form'), 'a form can be sent');
is(release('b5')->{state}, 'live', 'nothing of it did anything');
like($b->problems(), qr/frame-ancestors|Framing/i,
     'the console is not shown in a frame');

# -- light, dark, and narrow -------------------------------------------------

$b->open("$site/console/");

my $light = $b->look('body', 'backgroundColor');
$b->scheme('dark');
isnt($b->look('body', 'backgroundColor'), $light, 'dark');

sign_in('approve');
picture('dark-apps');
$b->click('link', 'Desk');
$b->see('Desktop: who gets what');
picture('dark-desktop');
$b->click('link', '1.0.0', exact => JSON::PP::true());
$b->see('History');
picture('dark-release');

$b->size(390, 800);
$b->click('link', 'Desk');
$b->see('Desktop: who gets what');
is($b->run('document.documentElement.scrollWidth'), 390,
   'a telephone: nothing is beside the page');
picture('narrow');

is($b->problems(), '', 'no problems');

$b->end();
$b->quit();

###############################################################################

sub picture {
    my ($name) = @_;

    $b->shot("$pictures/$name.png");
}

sub sign_in {
    my ($role) = @_;

    $b->open("$site/console/");
    $b->reload();
    $b->fill({ label => 'Token' }, $t->token($role));
    $b->click('button', 'Sign in');
    $b->see("Token of $role", "signed in to $role");
}

# The focus must come there by the key alone.

sub tab_to {
    my ($wanted) = @_;

    my $is = '';

    for (1 .. 60) {
        $b->press('Tab');
        $is = $b->focus();
        last if $is eq $wanted;
    }

    is($is, $wanted, 'the focus comes to it');
}

# What a client without an id is told: the version, or a status.

sub latest {
    my (%headers) = @_;

    my $reply = $t->api('GET', '/desktop/desk/latest.yml', undef,
                        token => undef, headers => [%headers]);

    return $reply->{body} =~ /^version: (\S+)$/m ? $1 : $reply->{status};
}

# Of how many percent of some installations the update is the new one; ids
# are always the same, so that it is always the same number.

sub parts {
    my $n = grep {
        latest('x-user-staging-id' => "installation-$_") eq '1.1.0'
    } 1 .. 200;

    return abs($n / 2 - 10) < 5 ? 10 : $n / 2;
}

sub rules {
    return $t->api('GET', '/releases/desk/rules')->{json};
}

# The same rules once more would be no change.

sub decide_elsewhere {
    my $rules = rules();

    push @{$rules->{releaseRedirections}},
        { rule => 'buildByIp', buildId => 'b2',
          ipList => [ '192.0.2.' . (100 + @{$rules->{releaseRedirections}}) ] };

    $t->api('PUT', '/releases/desk/rules', $rules, token => 'approve');
}

sub release {
    return $t->api('GET', "/releases/desk/$_[0]")->{json};
}

sub device {
    return $t->latest($app, channelName => 'production')->{json}{bundleId};
}

sub published {
    my ($text, $channel, %more) = @_;

    return $t->publish($app, $channel, zip('index.html' => $text),
                       bundle => \%more)->{bundle};
}

sub manifest {
    my ($version, $name, $bytes) = @_;

    my $digest = sha512_base64($bytes) . '==';
    my $size = length $bytes;

    return <<EOF_YML;
version: $version
files:
  - url: "$name"
    sha512: $digest
    size: $size
path: "$name"
releaseDate: '2026-01-01T00:00:00.000Z'
EOF_YML
}

# Laid into the store and staged, as a person would by hand.

sub staged {
    my ($id, $version, $name) = @_;

    my $uploads = "store/staging/desk/$id/uploads";
    my $bytes = $version x 2000;

    $name //= "Setup $version.exe";

    $t->write_file("$uploads/$name", $bytes);
    $t->write_file("$uploads/latest.yml", manifest($version, $name, $bytes));

    my $reply = $t->api('POST', "/releases/desk/$id/stage", {},
                        token => 'publish');

    die "not staged: $reply->{raw}\n" unless $reply->{status} == 202;
}

# Laid where builds are fetched from.

sub build {
    my ($id, $version, $size) = @_;

    my $name = "Desk Setup $version.exe";
    my $bytes = substr($version x (1 + $size / length $version), 0, $size);
    my $url = "https://download.todesktop.com/desk/$name" =~ s/ /%20/gr;

    $t->write_file("origin/desk/$name", $bytes);
    $t->write_file("origin/desk/latest-build-$id.yml",
                   manifest($version, $name, $bytes));
    $t->write_file("origin/desk/td-latest-build-$id.json", json_encode({
        version => $version,
        createdAt => '2026-01-01T00:00:00.000Z',
        artifacts => { nsis => { x64 => {
            path => $name, url => $url,
        } } },
    }));
}

# A dialog, which asks for what it is about.

sub opened {
    my ($code) = @_;

    my $asked = sub {
        scalar(() = $t->read_file('logs/access.log')
                    =~ m{"GET /v1/apps/desk HTTP}g);
    };
    my $before = $asked->();

    $code->();
    Test::LiveUpdate::wait_until(sub { $asked->() > $before }, 10,
                                 'the dialog has asked');
}

sub webhook {
    my ($id, $version, %info) = @_;

    my $body = json_encode({
        appId => 'desk', buildId => $id, appName => 'Desk',
        appVersion => $version,
        releaseInfo => { latestReleaseBuildId => $id,
                         releaseRedirections => [], %info },
    });

    my $secret = $t->read_file('secret.todesktop') =~ s/\s+$//r;

    my $reply = $t->api('POST', '/hooks/todesktop', $body, token => undef,
        headers => ['X-ToDesktop-HMAC-SHA256' =>
                    hmac_sha256_hex($body, $secret)]);

    is($reply->{status}, 202, "ToDesktop says that $version was built");
}

###############################################################################
