#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# The release console where GitHub approves: the page follows what is merged,
# reverted and closed there, without reloading, and says what is wrong there.

use warnings;
use strict;
use utf8;

use File::Path qw/ make_path /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_encode port /;
use Test::LiveUpdate::Browser;
use Test::LiveUpdate::GitHub;
use Test::LiveUpdate::ToDesktop;

use constant { BUILDS => 'desktop-builds.json',
               RELEASES => 'desktop-releases.json' };

binmode $_, ':encoding(UTF-8)' for Test::More->builder->output(),
                                   Test::More->builder->failure_output();

my $t = Test::LiveUpdate->new();
my $b = Test::LiveUpdate::Browser->new($t);

$t->plan(27);

my $td = Test::LiveUpdate::ToDesktop->new($t);
my $gh = Test::LiveUpdate::GitHub->new($t, files => { BUILDS, [],
                                                      RELEASES, {} });
my $app = $td->{app};
my $pictures = "$Test::LiveUpdate::ROOT/build/console";

make_path($pictures);

$gh->configure($td, fetch => 'retry=10ms tries=100');
$t->run();

# a build is announced, and a pull request waits for a person

my $one = $td->build(version => '1.0.0', platforms => [ 'linux' ]);

$td->deliver($one);

my $pull = $gh->wait_pull($one);

$b->start();
$b->open('http://127.0.0.1:' . port(8080) . "/console/#/apps/$app");
$b->fill({ label => 'Token' }, $t->token('approve'));
$b->press('Enter');
$b->see('Waiting for approval (1)', 'a build waits');
$b->see("#$pull->{number} on GitHub", 'its pull request is at hand',
        css => '[data-key=staged]');
is($b->run('document.querySelector("[data-key=staged] a[rel]").href'),
   "https://github.com/acme/releases/pull/$pull->{number}", 'by its address');
picture('pull-request');

$b->click('link', '1.0.0', exact => JSON::PP::true());
$b->see('Pull request', 'on the page of the release, too', css => 'dl');
$b->see("#$pull->{number} on GitHub", 'as a link', css => 'dl');
$b->click('link', 'My App');

# merged there: live here

$gh->merge($pull->{number}, resolve => 1);
$gh->deliver_all();
$b->see('Live (1)', 'merged on GitHub: live, without reloading');
$b->see('Nothing is waiting.', 'and nothing waits');
$b->see('github', 'who decided', css => '[data-key=live]');
is($td->latest(), '1.0.0', 'a client gets it');

# reverted there: withdrawn here

$gh->revert($pull->{number});
$gh->deliver_all();
$b->see('Withdrawn (1)', 'reverted on GitHub: withdrawn');
is($td->latest(), 'none', 'no client gets it');

# closed there: rejected here, and the reason says where

my $two = $td->build(version => '1.1.0', platforms => [ 'linux' ]);

$td->deliver($two);
$pull = $gh->wait_pull($two);
$b->see('Waiting for approval (1)', 'another one waits');
$gh->close_pull($pull->{number});
$gh->deliver_all();
$b->see('Rejected (1)', 'closed on GitHub: rejected');
$b->see("pull request #$pull->{number} was closed", 'for that reason');
is($td->latest(), 'none', 'no client gets it');

# approved here, while GitHub waits

my $three = $td->build(version => '1.2.0', platforms => [ 'linux' ]);

$td->deliver($three);
$gh->wait_pull($three);
$b->see('Waiting for approval (1)', 'one more waits');
$b->click('button', 'Approve… 1.2.0');
$b->click('button', 'Approve', exact => JSON::PP::true());
$b->see('1.2.0 is live', 'approved here', css => '[role=status]');
is($td->latest(), '1.2.0', 'a client gets it');

# what cannot be followed is said, with the commit

$gh->commit({ BUILDS, '[' });
$gh->deliver_all();
$b->see('Nothing was changed.', 'a file that is cut off changes nothing',
        css => '[data-key=github]');

$gh->commit({ BUILDS, '[{"id":"<img src=x onerror=alert(1)>"}]' });
$gh->deliver_all();
$b->see('desktop-builds.json', 'a file that cannot be followed',
        css => '[data-key=github]');
$b->see('Everything else was followed.', 'the rest of it is',
        css => '[data-key=github]');
$b->see($gh->heads()->{main}, 'the commit is named',
        css => '[data-key=github]');
is($b->run('document.querySelectorAll("img").length'), 0, 'text is text');
is($td->latest(), '1.2.0', 'the client keeps what it has');
picture('github-error');

$gh->commit({ BUILDS, [ { id => $three->{id}, version => '1.2.0',
                          createdAt => '2026-11-01T10:00:00Z',
                          isReleased => JSON::PP::true } ],
              RELEASES, { latestReleaseBuildId => $three->{id} } });
$gh->deliver_all();
$b->see_not('Everything else was followed.',
            'mended: nothing is wrong any more');
is($td->latest(), '1.2.0', 'and that is what there is');

is($b->problems(), '', 'no problems in the page');

$b->quit();


sub picture {
    my ($name) = @_;

    $b->shot("$pictures/$name.png");
}
