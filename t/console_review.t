#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# What the console shows to the person who approves a desktop release: who gets
# what, the release notes, the commit, who has signed it, which files differ
# from what is live; and links to the files for testers.

use warnings;
use strict;
use utf8;

use Test::More;

use Test::LiveUpdate;
use Test::LiveUpdate::Browser;
use Test::LiveUpdate::Program qw/ certificate program sign /;
use Test::LiveUpdate::Release qw/ dist stage_dist /;

binmode $_, ':encoding(UTF-8)' for Test::More->builder->output(),
                                   Test::More->builder->failure_output();

my $t = Test::LiveUpdate->new();
my $b = Test::LiveUpdate::Browser->new($t);

$ENV{APPROVAL} = 'on';

$t->config_reference()->run()->plan(32);

my $dir = $t->testdir();

$t->api('POST', '/v1/apps', { name => 'Shop', type => 'electron',
                              id => 'shop' });

certificate($t, 'acme', '/CN=Acme Software');
certificate($t, 'other', '/CN=Other <i>Software<\/i>');

my $setup = sign($t, program('one'), 'acme');

stage_dist($t, 'shop', 'r1', {
    'latest.yml' => [ '1.0.0', [ 'App-1.0.0.exe', 'App-1.0.0.exe', $setup ],
                      'App-1.0.0-x64.appx' ],
    'latest-mac.yml' => [ '1.0.0', 'App-1.0.0-mac.zip' ],
});
$t->api('POST', '/releases/shop/r1/promote', {}, token => 'approve');

my $uploads = dist($t, 'shop', 'r2', {
    'latest.yml' => [ '1.1.0',
                      [ 'App-1.1.0.exe', 'App-1.1.0.exe',
                        $setup =~ s/one/two/r ],
                      [ 'App-1.1.0-arm64.exe', 'App-1.1.0-arm64.exe',
                        sign($t, program('two'), 'other') ] ],
});

$t->write_file("$uploads/latest.yml", $t->read_file("$uploads/latest.yml")
    . "releaseNotes: |\n  <b>Bold</b> news\n  <img src=x onerror=alert(1)>\n");

my $commit = 'dfd155b0d39d38a8945d3d89c3885a920d3f363e';

$t->api('POST', '/releases/shop/r2/stage',
        { commit => $commit, remote => 'git@github.com:acme/app.git' },
        token => 'publish');

my $release = $t->api('GET', '/releases/shop/r2', undef, token => 'read')
    ->{json};

is($release->{releaseNotes},
   "<b>Bold</b> news\n<img src=x onerror=alert(1)>\n",
   'the notes of the manifest');

$b->start();
$b->open('http://127.0.0.1:' . port(8080)
         . '/console/#/apps/shop/releases/r2');
$b->fill({ label => 'Token' }, $t->token('approve'));
$b->press('Enter');

# who gets what

$b->see('Windows', 'for whom', css => '[data-key=changes]');
$b->see('1.0.0', 'the version now', css => '[data-key=changes]');
$b->see('1.1.0', 'and then', css => '[data-key=changes]');
$b->see_not('macOS', 'nothing for others', css => '[data-key=changes]');

# notes are text

$b->see('<b>Bold</b> news', 'the notes', css => '[data-key=notes]');
is($b->run(q{document.querySelectorAll('main img, main b').length}), 0,
   'of which nothing is markup');

# who has signed it

$b->see('signed by Other <i>Software</i>', 'a signature',
        css => '[data-key=signatures]');
$b->see('without a timestamp', 'what it lacks', css => '[data-key=signatures]');
$b->see('changed after it was signed', 'one that does not fit',
        css => '[data-key=signatures]');
$b->see('did not check whether Windows trusts these', 'what is not known',
        css => '[data-key=signatures]');
$b->see('installed apps refuse it', 'another publisher than before',
        css => '[data-key=changes]');
$b->see('"App-1.1.0.exe" was changed after it was signed',
        'a signature that nobody accepts', css => '[data-key=changes]');
is($b->run(q{document.querySelectorAll('main i').length}), 0,
   'names are no markup');

# what differs

$b->see('App-1.1.0.exe', 'a file', css => '[data-key=compared]');
$b->see('same size', 'as large as before', css => '[data-key=compared]');
$b->see('App-1.1.0-arm64.exe', 'another one', css => '[data-key=compared]');
$b->see('new', 'was not there', css => '[data-key=compared]');
$b->see('App-1.0.0-x64.appx', 'what it does not have',
        css => '[data-key=compared]');
$b->see_not('-mac', 'which is for Windows', css => '[data-key=compared]');
$b->see('It has no files for macOS, where nothing changes.',
        'who keeps what there is', css => '[data-key=compared]');

is($b->run(q{document.querySelector('dd a[href*="/commit/"]').href}),
   "https://github.com/acme/app/commit/$commit", 'the commit');

# links for testers

$b->click('button', 'Links for testers… 1.1.0');
$b->choose({ label => 'Valid for' }, 'One day');
$b->click('button', 'Make links');
$b->see('App-1.1.0-arm64.exe', 'a link', css => 'dialog li');

my $href = $b->run(q{document.querySelector('dialog li a').href});

like($href, qr{^http://127\.0\.0\.1:\d+/download/shop/staged/r2/App-.*\?key=},
     'to a file');
ok($t->api('GET', $href =~ s{^http://[^/]+}{}r, undef, token => undef)->{body}
   eq $t->read_file('store/staging/shop/r2/files/'
                    . ($href =~ m{([^/]+)\?} ? $1 : '')),
   'which anybody gets');

$b->click('button', 'Done');

# others see what is approved, and cannot give it away

$b->click('button', 'Sign out');
$b->fill({ label => 'Token' }, $t->token('read'));
$b->press('Enter');
$b->see('App-1.1.0-arm64.exe', 'a reader', css => '[data-key=compared]');
is($b->run(q{document.querySelectorAll('[data-action=link]').length}), 0,
   'makes no links');

# each platform is compared with what it has

$t->api('POST', '/releases/shop/r2/promote', {}, token => 'approve');

stage_dist($t, 'shop', 'r3', {
    'latest.yml' => [ '1.2.0', 'App-1.2.0.exe', 'App-1.2.0-arm64.exe' ],
    'latest-mac.yml' => [ '1.2.0', 'App-1.2.0-mac.zip' ],
});

$b->click('button', 'Sign out');
$b->open('http://127.0.0.1:' . port(8080)
         . '/console/#/apps/shop/releases/r3');
$b->fill({ label => 'Token' }, $t->token('approve'));
$b->press('Enter');
$b->see('Live now: 1.0.0, 1.1.0', 'two releases are live',
        css => '[data-key=compared]');

my $rows = 'Object.fromEntries([...document.querySelectorAll('
    . q{'[data-key=compared] tbody tr')].map((row) => }
    . q{[row.dataset.key, row.lastChild.textContent]))};

is($b->run("($rows)['App-1.2.0-mac.zip']"), 'same size',
   'macOS has the older one');
like($b->run("($rows)['App-1.2.0-arm64.exe']"), qr/^\x{2212}/,
     'Windows has the newer one');
is($b->run("($rows)['-App-1.0.0-x64.appx']"), undef,
   'and not what an older one had');

is($b->problems(), '', 'no problems in the page');

$b->quit();

###############################################################################
