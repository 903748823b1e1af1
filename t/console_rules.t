#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# The rules of a desktop app, changed in the console: by address, platform,
# share and channel, with what they would give to whom.

use warnings;
use strict;
use utf8;

use Test::More;

use Test::LiveUpdate;
use Test::LiveUpdate::Browser;
use Test::LiveUpdate::Release qw/ stage_dist /;

binmode $_, ':encoding(UTF-8)' for Test::More->builder->output(),
                                   Test::More->builder->failure_output();

my $t = Test::LiveUpdate->new();
my $b = Test::LiveUpdate::Browser->new($t);

$ENV{APPROVAL} = 'on';

$t->config_reference()->run()->plan(24);

$t->api('POST', '/v1/apps', { name => 'Shop', type => 'electron',
                              id => 'shop' });

released("r$_", "1.$_.0") for 0 .. 1;

# the call that the preview makes

my %two = (latestReleaseBuildId => 'r1', releaseRedirections => [
    { rule => 'buildByPlatform', buildId => 'r0', platforms => [ 'mac' ] },
]);

my $reply = $t->api('PUT', '/releases/shop/rules?dry-run', \%two,
                    token => 'approve');

is($reply->{status}, 200, 'a dry run');
is(join(' ', map { my $id = $_->{id};
                   map { "$id:$_->{manifest}:$_->{share}" } @{$_->{shares}} }
            @{$reply->{json}{releases}}),
   'r0:latest-mac.yml:1 r1:latest.yml:1', 'who would get what');
is($reply->{json}{generation}, generation(), 'and what of');
is(version('latest-mac.yml'), '1.1.0', 'but nobody gets it');
is($t->api('PUT', '/releases/shop/rules?dry-run', \%two, token => 'publish')
   ->{status}, 403, 'only who may set them asks');

$two{releaseRedirections}[0]{buildId} = 'nope';
is($t->api('PUT', '/releases/shop/rules?dry-run', \%two, token => 'approve')
   ->{status}, 422, 'wrong rules are told');
is(generation(), $reply->{json}{generation}, 'and nothing has changed');

# in the console

$b->start();
$b->open('http://127.0.0.1:' . port(8080) . '/console/#/apps/shop');
$b->fill({ label => 'Token' }, $t->token('approve'));
$b->press('Enter');

$b->click('button', 'Edit the rules… the desktop app');
$b->see('same', 'as it is', css => '[data-key=preview]');

$b->click('button', 'Add a rule');
$b->choose(at(1, 'Kind'), 'By platform');
$b->choose(at(1, 'Release'), '1.0.0 (r0)');
$b->run(q{document.querySelector('.rule input[value=mac]').click()});
my $row = '[data-key="latest-mac.yml/r0"]';

$b->see('macOS', 'what that would do', css => $row);
$b->see('100%', 'and to whom', css => $row);
is(version('latest-mac.yml'), '1.1.0', 'before it is done');

$b->click('button', 'Add a rule');
$b->choose(at(2, 'Kind'), 'By address');
$b->choose(at(2, 'Release'), '1.0.0 (r0)');
$b->fill(at(2, 'Addresses'), 'nonsense');
$b->see('nonsense', 'a wrong address is told at once',
        css => '[data-key=preview]');
$b->fill(at(2, 'Addresses'), '192.0.2.7, 2001:db8::/32');
$b->see('macOS', 'and a right one', css => $row);

$b->click('button', 'Add a rule');
$b->fill(at(3, 'Percent'), '25');
$b->choose(at(3, 'Release'), '1.0.0 (r0)');
$b->fill(at(3, 'Only channels'), 'latest, beta');
$b->see('25%', 'a share', css => '[data-key=preview]');
$b->click('button', 'Save the rules');
$b->see('The rules are saved', 'saved');

is_deeply($t->api('GET', '/releases/shop/rules', undef, token => 'read')
          ->{json}{releaseRedirections}, [
    { rule => 'buildByPlatform', buildId => 'r0', platforms => [ 'mac' ] },
    { rule => 'buildByIp', buildId => 'r0',
      ipList => [ '192.0.2.7', '2001:db8::/32' ] },
    { rule => 'buildByRollout', buildId => 'r0', percentage => 25,
      channels => [qw/ latest beta /] },
], 'as they were entered');

# what is there can be moved and removed

$b->click('button', 'Edit the rules… the desktop app');
$b->see('Rule 3', 'what is there', css => 'dialog');
$b->run(q{document.querySelectorAll('.rule')[2].querySelectorAll('button')[0]
          .click()});
$b->run(q{document.querySelectorAll('.rule')[2].querySelectorAll('button')[1]
          .click()});
$b->see_not('Rule 3', 'one is removed', css => 'dialog');

# somebody else is quicker

$t->api('PUT', '/releases/shop/rules', { latestReleaseBuildId => 'r1',
                                         releaseRedirections => [] },
        token => 'approve');
$b->click('button', 'Save the rules');
$b->see('generation', 'somebody was quicker', css => 'dialog .wrong');
$b->press('Escape');

$b->click('button', 'Edit the rules… the desktop app');
$b->see('Latest release', 'once more', css => 'dialog');
$b->see_not('Rule 1', 'what is there now', css => 'dialog');
$b->press('Escape');

# only who may

$b->click('button', 'Sign out');
$b->fill({ label => 'Token' }, $t->token('read'));
$b->press('Enter');
$b->see('Desktop: who gets what', 'a reader');
is($b->run(q{document.querySelectorAll('[data-action=rules]').length}), 0,
   'edits none');

is($b->problems(), '', 'no problems in the page');

$b->quit();

###############################################################################

# A field of a rule.

sub at {
    my ($rule, $label) = @_;

    return { css => ".rule:nth-child($rule) label:has-text(\"$label\") > *" };
}


sub released {
    my ($id, $version) = @_;

    stage_dist($t, 'shop', $id, {
        'latest.yml' => [ $version, "App-$version.exe" ],
        'latest-mac.yml' => [ $version, "App-$version-mac.zip" ],
    });
    $t->api('POST', "/releases/shop/$id/promote", {}, token => 'approve');
}


sub generation {
    return $t->api('GET', '/v1/apps/shop', undef, token => 'read')
        ->{json}{generation};
}


sub version {
    my ($manifest) = @_;

    my $body = $t->api('GET', "/desktop/shop/$manifest", undef,
                       token => undef)->{body};

    return $body =~ /^version: (.*)$/m ? $1 : undef;
}

###############################################################################
