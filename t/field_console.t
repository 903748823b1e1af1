#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Before a person decides, the console says what will happen: who gets what,
# who would go back to an older version, who would lose a platform.

use warnings;
use strict;
use utf8;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT zip /;
use Test::LiveUpdate::Browser;
use Test::LiveUpdate::Dist qw/ manifest upload /;
use Test::LiveUpdate::ToDesktop;

binmode $_, ':encoding(UTF-8)' for Test::More->builder->output(),
                                   Test::More->builder->failure_output();

my $t = Test::LiveUpdate->new();
my $b = Test::LiveUpdate::Browser->new($t);

$t->plan(37);

my $td = Test::LiveUpdate::ToDesktop->new($t);

$td->configure(approval => 'on', fetch => 'retry=50ms tries=3');
$t->run();

my $app = 'shop';

$t->api('POST', '/v1/apps',
        { name => 'Shop', type => 'electron', id => $app });

# where one step back leads

my $back = sub { $t->api('GET', "/releases/$app/rollback@_", undef,
                         token => 'read') };

is($back->()->{status}, 404, 'nothing to go back to');

release('r1', '1.0.0', qw/ windows mac linux /);
is($back->()->{status}, 404, 'nor with one release');
release('r2', '1.1.0', qw/ windows mac linux /);
is_deeply($back->()->{json},
          { id => 'r1', kind => 'desktop', version => '1.0.0' },
          'the release before');
is($t->api('GET', '/releases/nosuch/rollback')->{status}, 404, 'no app');

my $mobile = $t->create_app('Mobile');
my ($first, $second) = map {
    my $id = $t->publish($mobile, 'default', zip('index.html' => $_))
        ->{bundle};
    $t->api('POST', "/releases/$mobile/$id/promote", {}, token => 'approve');
    $id;
} qw/ one two /;

my $reply = $t->api('GET', "/releases/$mobile/rollback?channel=default");
is_deeply($reply->{json}, { id => $first, kind => 'zip', number => 1 },
          'of a channel');
is($t->api('GET', "/releases/$mobile/rollback?channel=x")->{status}, 404,
   'no channel');

# an older version, and a release without some systems

stage('r3', '0.9.0', qw/ windows mac linux /);
stage('r4', '1.2.0', qw/ windows /);
stage('r5', '1.1.0', qw/ windows mac linux /);
stage('r6', '1.3.0-beta.1', qw/ windows mac linux /);
stage('r7', '1.10.0', qw/ windows mac linux /);

$b->start();
$b->open('http://127.0.0.1:' . port(8080) . "/console/#/apps/$app");
$b->fill({ label => 'Token' }, $t->token('approve'));
$b->press('Enter');
$b->see('Waiting for approval (5)', 'five wait');

dialog('Approve… 0.9.0', sub {
    $b->see('0.9.0 is older than 1.1.0', 'an older version', css => 'dialog');
    $b->see('allowDowngrade', 'and what becomes of it', css => 'dialog');
    $b->see_not('has no files for', 'but no platform is lost');
});

dialog('Approve… 1.2.0', sub {
    $b->see('1.2.0 has no files for macOS and Linux: they keep',
            'platforms that keep what they have', css => 'dialog');
    $b->see('Windows', 'who gets it', css => 'dialog [data-key=effects]');
    $b->see('1.1.0', 'instead of what', css => 'dialog [data-key=effects]');
    $b->see_not('is older than', 'but it is not older');
});

dialog('Approve… 1.1.0', sub {
    $b->see('The latest release now is 1.1.0, too', 'the same version',
            css => 'dialog');
});

for my $newer ('1.3.0-beta.1', '1.10.0') {
    dialog("Approve… $newer", sub {
        $b->see("$newer,", 'the dialog is there', css => 'dialog');
        is($b->run('document.querySelectorAll("dialog .wrong").length'), 1,
           "nothing is said of $newer but what may go wrong");
    });
}

# back again: which version, and what that means

dialog('Roll back… the desktop app', sub {
    $b->see('1.0.0 (r1) was the latest release before 1.1.0',
            'the version that comes back', css => 'dialog');
    $b->see('1.0.0 is older than 1.1.0', 'is older', css => 'dialog');
});

# a name that is taken is said as it is

stage('r8', '2.0.0', 'windows');
stage('r9', '2.0.0', 'mac', 'windows');
$t->api('POST', "/releases/$app/r9/promote", {}, token => 'approve');
$b->see('Waiting for approval (6)', 'one is left of that version');

# rules that nothing here applies

$t->api('PUT', "/releases/$app/rules", {
    latestReleaseBuildId => 'r2', releaseRedirections => [
        { rule => 'appByIp', feedUrl => 'https://x.example/',
          ipList => ['192.0.2.1'] },
        { rule => 'byMoon' },
    ],
}, token => 'approve');
$b->see('appByIp', 'a rule', css => '[data-key=desktop]');
$b->see('192.0.2.1', 'for whom', css => '[data-key=desktop]');
$b->see('https://x.example/', 'where to', css => '[data-key=desktop]');
$b->see('unknown rule', 'another one', css => '[data-key=desktop]');
$b->see_not('undefined', 'and nothing is undefined');

# what was left out

upload($t, $app, 'r10', {
    'a-3.0.0.exe' => 'x', 'notes.txt' => 'n',
    'latest.yml' => manifest('3.0.0', { 'a-3.0.0.exe' => 'x' }),
});
$t->api('POST', "/releases/$app/r10/stage", {}, token => 'publish');
dialog('Approve… 3.0.0', sub {
    $b->see('One uploaded file is not part of it', 'that something is left out',
            css => 'dialog');
});
$b->click('link', '3.0.0', exact => JSON::PP::true());
$b->see('Left out (1)', 'the page of the release');
$b->see('notes.txt', 'which file', css => '[data-key=left]');
$b->see('is in no update manifest', 'and why', css => '[data-key=left]');

# the other kind of app

$b->hash("#/apps/$mobile");
dialog('Roll back… default', sub {
    $b->see("Build 1 ($first)", 'which bundle comes back', css => 'dialog');
});

# an app that came by a fetch gets the name that ToDesktop knows

my $build = $td->build(name => 'Named', platforms => [ 'linux' ]);

$t->api('POST', "/releases/$td->{app}/$build->{id}/fetch", {},
        token => 'admin');
$td->becomes($build, 'staged', 'a build that is fetched');
is(name(), $td->{app}, 'its app has no name yet');

my $next = $td->build(name => 'Named', platforms => [ 'linux' ]);

$td->deliver($next);
is(name(), 'My App', 'the delivery has it');
$t->api('PATCH', "/v1/apps/$td->{app}", { name => 'Mine' });
$td->deliver($td->build(name => 'Named', platforms => [ 'linux' ]));
is(name(), 'Mine', 'a name that somebody gave stays');

is($b->problems(), '', 'no problems in the page');

$b->quit();


sub stage {
    my ($id, $version, @platforms) = @_;

    my %suffix = (windows => '', mac => '-mac', linux => '-linux');
    my %kind = (windows => 'exe', mac => 'zip', linux => 'AppImage');
    my %files;

    for my $platform (@platforms) {
        my $name = "$id-$version.$kind{$platform}";

        $files{$name} = $id;
        $files{"latest$suffix{$platform}.yml"}
            = manifest($version, { $name => $id });
    }

    upload($t, $app, $id, \%files);

    my $reply = $t->api('POST', "/releases/$app/$id/stage", {},
                        token => 'publish');

    die "not staged: $reply->{raw}\n" unless $reply->{status} == 202;
}

sub release {
    my ($id) = @_;

    stage(@_);
    $t->api('POST', "/releases/$app/$id/promote", {}, token => 'approve');
}

sub dialog {
    my ($button, $look) = @_;

    $b->click('button', $button);
    $look->();
    $b->press('Escape');
}

sub name {
    return $t->api('GET', "/v1/apps/$td->{app}")->{json}{name};
}
