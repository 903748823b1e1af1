#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# What the console shows to the person who approves a desktop release: who gets
# what, the release notes, the commit, which files differ from what is live; and
# links to the files for testers.

use warnings;
use strict;
use utf8;

use Test::More;

use Test::LiveUpdate;
use Test::LiveUpdate::Browser;
use Test::LiveUpdate::Release qw/ bytes_of dist stage_dist /;

binmode $_, ':encoding(UTF-8)' for Test::More->builder->output(),
                                   Test::More->builder->failure_output();

my $t = Test::LiveUpdate->new();
my $b = Test::LiveUpdate::Browser->new($t);

$ENV{APPROVAL} = 'on';

$t->config_reference()->run()->plan(19);

my $dir = $t->testdir();

$t->api('POST', '/v1/apps', { name => 'Shop', type => 'electron',
                              id => 'shop' });

stage_dist($t, 'shop', 'r1', {
    'latest.yml' => [ '1.0.0', 'App-1.0.0.exe' ],
    'latest-mac.yml' => [ '1.0.0', 'App-1.0.0-mac.zip' ],
});
$t->api('POST', '/releases/shop/r1/promote', {}, token => 'approve');

my $uploads = dist($t, 'shop', 'r2', {
    'latest.yml' => [ '1.1.0', 'App-1.1.0.exe', 'App-1.1.0-arm64.exe' ],
});

$t->write_file("$uploads/latest.yml", $t->read_file("$uploads/latest.yml")
    . "releaseNotes: |\n  <b>Bold</b> news\n  <img src=x onerror=alert(1)>\n");
$t->api('POST', '/releases/shop/r2/stage', {}, token => 'publish');

my $release = $t->api('GET', '/releases/shop/r2', undef, token => 'read')
    ->{json};

is($release->{releaseNotes},
   "<b>Bold</b> news\n<img src=x onerror=alert(1)>\n",
   'the notes of the manifest');

# as a build of ToDesktop says

my $json = $t->read_file('store/staging/shop/r2/release.json');
my $commit = 'dfd155b0d39d38a8945d3d89c3885a920d3f363e';

$json =~ s/\}\s*$/,"commit":"$commit",/;
$json .= '"remote":"git@github.com:acme/app.git"}';
$t->write_file('store/staging/shop/r2/release.json', $json);

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

# what differs

$b->see('App-1.1.0.exe', 'a file', css => '[data-key=compared]');
$b->see('same size', 'as large as before', css => '[data-key=compared]');
$b->see('App-1.1.0-arm64.exe', 'another one', css => '[data-key=compared]');
$b->see('new', 'was not there', css => '[data-key=compared]');
$b->see('App-1.0.0-mac.zip', 'what it does not have',
        css => '[data-key=compared]');

is($b->run(q{document.querySelector('dd a[href*="/commit/"]').href}),
   "https://github.com/acme/app/commit/$commit", 'the commit');

# links for testers

$b->click('button', 'Links for testers… 1.1.0');
$b->choose({ label => 'Good for' }, 'One day');
$b->click('button', 'Make links');
$b->see('App-1.1.0-arm64.exe', 'a link', css => 'dialog li');

my $href = $b->run(q{document.querySelector('dialog li a').href});

like($href, qr{^http://127\.0\.0\.1:\d+/download/shop/staged/r2/App-.*\?key=},
     'to a file');
is($t->api('GET', $href =~ s{^http://[^/]+}{}r, undef, token => undef)->{body},
   bytes_of($href =~ m{([^/]+)\?} ? $1 : ''), 'which anybody gets');

$b->click('button', 'Done');

# others see what is approved, and cannot give it away

$b->click('button', 'Sign out');
$b->fill({ label => 'Token' }, $t->token('read'));
$b->press('Enter');
$b->see('App-1.1.0-arm64.exe', 'a reader', css => '[data-key=compared]');
is($b->run(q{document.querySelectorAll('[data-action=link]').length}), 0,
   'makes no links');

is($b->problems(), '', 'no problems in the page');

$b->quit();

###############################################################################
