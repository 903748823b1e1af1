#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Each view of the console, with much and long data, on screens from a phone to
# a large one, light and dark: everything is in view, no word breaks, everything
# that can be pressed is reached, and axe-core finds nothing.  With
# LIVEUPDATE_PICTURES, pictures are left in build/console.

use warnings;
use strict;
use utf8;

use File::Path qw/ make_path /;
use MIME::Base64 qw/ encode_base64 /;
use POSIX qw/ strftime /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_decode json_encode zip /;
use Test::LiveUpdate::Browser;
use Test::LiveUpdate::Program qw/ certificate program sign /;
use Test::LiveUpdate::Receiver;
use Test::LiveUpdate::Release qw/ dist stage_dist /;

binmode $_, ':encoding(UTF-8)' for Test::More->builder->output(),
                                   Test::More->builder->failure_output();

my $t = Test::LiveUpdate->new();
my $b = Test::LiveUpdate::Browser->new($t);
my $r = Test::LiveUpdate::Receiver->new($t);

my $secret = 'whsec_' . encode_base64('s' x 24, '');
my $dir = $t->testdir();
my $pictures = "$Test::LiveUpdate::ROOT/build/console";

$t->write_file('targets',
    "release-announcements-of-all-apps-in-the-operations-team  json  "
    . "${\ $r->url()}/hidden  secret=$secret\n");
chmod 0600, "$dir/targets";

$ENV{APPROVAL} = 'on';
$ENV{ORIGIN} = 'http://127.0.0.1:' . port(8081);

$t->config_reference(sub {
    my ($name) = @_;
    my $origin = port(8081);

    s!^    server \{!
    server {
        listen  127.0.0.1:$origin;
        root    $dir/origin;

        limit_rate  10k;
    }

    server \{!m if $name eq 'nginx.conf';

    if ($name eq 'liveupdate.conf') {
        s!^#liveupdate_notify .*?\n#\}\n!$& =~ s/^#//mgr!mse;
        s!^liveupdate_notify .*!liveupdate_notify  targets  retry=100ms;!m;
        $_ .= "liveupdate_keep  off;\n";
    }
});

$t->run();

my @views = views();

$t->plan(2 * @views + 3);

make_path($pictures) if $ENV{LIVEUPDATE_PICTURES};

$b->start();
$b->open('http://127.0.0.1:' . port(8080) . '/console/');
$b->see('Sign in');

look('sign-in');

$b->fill({ label => 'Token' }, $t->token('admin'));
$b->press('Enter');
$b->see('Token of admin');

for my $view (grep { ref } @views) {
    my ($name, $hash, $text, $button) = @$view;

    $b->hash($hash) if defined $hash;
    $b->try(see => text => $text) if defined $text;
    $b->click(@$button) if $button;
    $b->try(see => text => '', css => 'dialog[open] .actions') if $button;

    look($name, $button);

    $b->press('Escape') if $button;
}

is($b->problems(), '', 'no problems in the pages');

$b->quit();

###############################################################################

# A dark page differs in its colours.  With pictures, nothing is left out.

sub look {
    my ($name, $is_dialog) = @_;

    my (@layout, @axe);
    my $all = $ENV{LIVEUPDATE_PICTURES};

    my $see = sub {
        my ($scheme, $width, $axe, @rules) = @_;
        my $where = "$width, $scheme";

        $b->scheme($scheme);
        $b->size($width, $width < 768 ? 740 : 900);

        push @layout, map { "$where: $_" } $b->layout();
        push @axe, map { "$where: $_" } $b->axe(@rules) if $axe;

        $b->shot("$pictures/$name-$width-$scheme.png")
            if $all && ($width == 360 || $width == 1280);
    };

    $see->('light', 360, 1);
    $see->('light', $_) for $is_dialog && !$all ? () : (414, 768, 1920);
    $see->('light', 1280);
    $see->('dark', 1280, 1, $all ? () : 'color-contrast');
    $see->('dark', $_) for $all ? (360, 414, 768, 1920) : ();

    $b->scheme('light');

    is(join("\n", @layout), '', "$name: everything is in view");
    is(join("\n", @axe), '', "$name: axe-core finds nothing");
}


# [ name, address, text that it has, button of a dialog ]

sub views {
    my $app = mobile();

    desktop();

    my $list = $t->api('GET', "/releases/$app?limit=500")->{json};
    my ($bundle) = map { $_->{id} } grep { $_->{state} eq 'live' } @$list;

    my $button = sub { [ 'button', @_ ] };

    return ('sign-in',
        [ 'apps', '#/', 'Waiting' ],
        [ 'mobile', "#/apps/$app", 'Adoption' ],
        [ 'approve', undef, undef, $button->('Approve… Build') ],
        [ 'reject', undef, undef, $button->('Reject… Build') ],
        [ 'rollout', undef, undef, $button->('Change rollout…') ],
        [ 'growth', undef, undef, $button->('Halt, pause…') ],
        [ 'withdraw', undef, undef, $button->('Withdraw…') ],
        [ 'minimum', undef, undef, $button->('Set a minimum…') ],
        [ 'freezes', undef, undef, $button->('Edit the freezes…') ],
        [ 'bundle', "#/apps/$app/releases/$bundle", 'History' ],
        [ 'mobile-audit', "#/apps/$app/audit", 'newest first' ],
        [ 'cleanup', "#/apps/$app/cleanup", 'What stays' ],
        [ 'clean-up', undef, undef, $button->('Clean up…') ],
        [ 'policy', undef, undef, $button->('Change…') ],
        [ 'desktop', '#/apps/desk', 'Desktop: who gets what' ],
        [ 'desktop-approve', undef, undef, $button->('Approve… ') ],
        [ 'links', undef, undef, $button->('Links for testers… ') ],
        [ 'delete', undef, undef, $button->('Delete… ') ],
        [ 'rollback', undef, undef, $button->('Roll back… the desktop app') ],
        [ 'rules', undef, undef, $button->('Edit the rules…') ],
        [ 'version', undef, undef,
          $button->('Set a minimum… the desktop app') ],
        [ 'waiting', '#/apps/desk/releases/' . id(4), 'History' ],
        [ 'live', '#/apps/desk/releases/' . id(1), 'History' ],
        [ 'audit', '#/apps/desk/audit', 'newest first' ],
        [ 'targets', '#/notifications', 'Host' ],
        [ 'target', '#/notifications/release-announcements-of-all-apps-in-'
                    . 'the-operations-team', 'Delivered' ],
        [ 'nothing', '#/apps/nosuch', 'cannot be shown' ],
    );
}


sub id {
    return "2026120$_[0]-build-of-the-main-branch-5f3c9e2d7a1b4c6e8f90";
}


sub said {
    return 'The payment page stays blank on devices with a small screen, '
           . 'see https://issues.example.com/browse/CHECKOUT-123456789?'
           . 'focusedCommentId=9876543210&page=comments for the pictures.';
}


sub mobile {
    my $app = $t->create_app('Kundenportal für den Außendienst (Österreich, '
                             . 'Schweiz, Liechtenstein)');

    my @channels = ('production', 'beta', map {
        "feature-$_-payment-provider-migration-second-attempt" } 1 .. 4);

    my $odd = 'feature/checkout_redesign_with_a_very_long_underscored_name';

    $t->create_channel($app, $_) for @channels, $odd;
    $t->api('PATCH', "/v1/apps/$app", {
        guard => { action => 'notify' },
        freezes => [ { from => '2098-12-21T00:00:00Z',
                       to => '2099-01-04T00:00:00Z', reason => said() } ],
    });

    my $list = $t->api('GET', "/v1/apps/$app/channels?limit=100")->{json};

    $t->api('PATCH', "/v1/apps/$app/channels/$list->[1]{id}",
            { minimum => { buildNumber => 2, iosAppVersionCode => '1.4' } });

    my @bundles = map {
        $t->publish($app, 'production', zip('index.html' => "page $_"),
            bundle => {
                gitRef => 'refs/heads/feature/checkout_redesign_2026_final',
                gitCommitSha => 'dfd155b0d39d38a8945d3d89c3885a920d3f363e',
                gitCommitMessage => said(),
                customProperties => { 'a_rather_long_name_of_a_property' =>
                                      'value' x 20 },
            })->{bundle}
    } 1 .. 8;

    my $do = sub {
        my ($n, $what, $body) = @_;

        my $reply = $t->api('POST', "/releases/$app/$bundles[$n]/$what", $body,
                            token => 'approve');

        die "$what: $reply->{raw}\n" if $reply->{status} >= 300;
    };

    $do->($_, 'promote', {}) for 0 .. 2;
    $do->(2, 'promote', { channel => $odd });
    $do->(3, 'promote', { rollout => 0.1 });
    $do->(3, 'halt', { channel => 'production', reason => said() });
    $do->(4, 'promote', { channel => 'beta', plan => {
        steps => [ { share => 0.05, for => '1d' },
                   { share => 0.5, for => '2d' }, { share => 1 } ],
        hours => '09:00-17:00', weekdays => [qw/ mon tue wed thu /],
        timeZone => 'Europe/Berlin',
    } });
    $do->(5, 'reject', { reason => said() });
    $do->(1, 'withdraw', {});

    $t->latest($app, channelName => 'production', deviceId => "d$_")
        for 1 .. 5;
    $t->latest($app, channelName => 'production', deviceId => "d$_",
               bundleId => $bundles[2]) for 6 .. 9;

    $t->api('PATCH', "/releases/$app/cleanup",
            { keep => 'releases=1 time=0 rollback=0 failed=0' });

    counted($app, $list);
    asked($app, 1, @bundles[0 .. 5]);

    return $app;
}


# Checks and devices of two days, of some releases.

sub asked {
    my ($app, $devices, @releases) = @_;

    my $now = int(time() / 3600);

    mkdir "$dir/store/apps/$app/history";
    $t->write_file("store/apps/$app/history/m.json", json_encode({
        hours => [ map { my $n = $_; {
            hour => $now - 48 + $n, checks => 1000 + 20 * ($n % 24),
            releases => { map {
                ($releases[$_] => [ 100 * $_ + $n,
                                    $devices ? 500 + $_ * $n : () ])
            } 0 .. $#releases },
        } } 0 .. 48 ],
    }));
}


# The funnel of a guarded channel, over some days.

sub counted {
    my ($app) = @_;

    my $json = json_decode($t->read_file("store/apps/$app/app.json"));
    my ($one) = map { $_->{deployments}[0] }
        grep { $_->{name} eq 'production' } @{$json->{channels}};

    my @series = map { my $n = 40 * $_;
                       [ 24 * $_, $n, $n, $n, $n, $n / 8, 0, $n * 3 / 4, 0, 0,
                         $n, 0, 0, 0, $n / 40, 0, 0, 0, 0 ] } 1 .. 5;

    mkdir "$dir/store/apps/$app/guard";
    $t->write_file("store/apps/$app/guard/m.json", json_encode({
        deployments => [ {
            id => $one->{id}, release => $one->{bundleId} // $one->{releaseId},
            serial => 1, before => [], series => \@series,
            since => [ [ 0, 0, 0, (200) x 4, 25, 0, 150, (0) x 6 ],
                       [ 0, 0, 1, 200, 0, 0, 200, 5, 0, (0) x 7 ] ],
        } ],
    }));
}


sub desktop {
    $t->api('POST', '/v1/apps', { id => 'desk', type => 'electron', name =>
        'Donaudampfschifffahrtsgesellschaftskapitänsverwaltungsprogramm' });
    $t->api('PATCH', '/v1/apps/desk', { minimumVersion => '9.20.0', guard => {},
        freezes => [ { from => '2020-12-21T00:00:00Z',
                       to => '2099-01-04T00:00:00Z', reason => said() } ] });

    certificate($t, 'acme', '/CN=Acme Software Development and Consulting '
                            . 'GmbH & Co. KG');

    my $setup = sign($t, program('one'), 'acme');

    for my $n (1 .. 6) {
        my $version = "10.20.$n-beta.20261201";
        my $name = "Kundenportal_fuer_den_Aussendienst_Setup-$version";

        my $uploads = dist($t, 'desk', id($n), {
            'latest.yml' => [ $version, [ "$name-x64.exe", "$name-x64.exe",
                                          $setup =~ s/one/$n/r ],
                              "$name-arm64.exe" ],
            $n < 4 ? ('latest-mac.yml' => [ $version, "$name-mac.zip" ],
                      'beta-linux-arm64.yml' => [ $version,
                                                  "$name-arm64.AppImage" ])
                   : (),
        });

        $t->write_file("$uploads/latest.yml",
            $t->read_file("$uploads/latest.yml")
            . "releaseNotes: |\n  " . said() . "\n\n  Second paragraph.\n");
        $t->write_file("$uploads/$name-notes_that_nobody_asked_for.txt", 'x');

        $t->api('POST', '/releases/desk/' . id($n) . '/stage',
                { commit => 'dfd155b0d39d38a8945d3d89c3885a920d3f363e',
                  branch => 'feature/checkout_redesign_2026_final',
                  remote => 'git@github.com:acme-software-development/'
                            . 'customer-portal-for-desktops.git' },
                token => 'publish');
    }

    my $do = sub {
        my ($n, $what, $body) = @_;

        my $reply = $t->api('POST', '/releases/desk/' . id($n) . "/$what",
                            $body, token => 'approve');

        die "$what: $reply->{raw}\n" if $reply->{status} >= 300;
    };

    $do->(1, 'promote', {});
    $do->(2, 'promote', { rollout => 0.25 });
    $do->(3, 'promote', { plan => { steps => [
        { share => 0.01, for => '2h' }, { share => 0.1, for => '1d' },
        { share => 1 } ] } });
    $do->(5, 'reject', { reason => said() });

    my $rules = $t->api('GET', '/releases/desk/rules')->{json};

    push @{$rules->{releaseRedirections}},
        { rule => 'buildByIp', buildId => id(2), ipList =>
          [ map { "2001:db8:1234:5678:9abc:def0:1234:$_/128" } 1 .. 4 ] },
        { rule => 'buildByPlatform', buildId => id(1), platforms => ['mac'] },
        { rule => 'appByIp', feedUrl => 'https://desktop-updates.example.com/'
                                        . 'another_application_of_the_company',
          ipList => ['192.0.2.1'] };

    $t->api('PUT', '/releases/desk/rules', $rules, token => 'approve');

    $t->api('GET', '/desktop/desk/latest.yml', undef, token => undef)
        for 1 .. 3;

    asked('desk', 0, map { id($_) } 1 .. 3);
}

###############################################################################
