#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Rollouts that are halted: nobody new is offered the release, and who has it
# keeps it.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Test::LiveUpdate qw/ zip /;

use Digest::SHA qw/ sha512_base64 /;

select STDERR; $| = 1;
select STDOUT; $| = 1;

my $t = Test::LiveUpdate->new()->plan(36);

$t->config_reference()->run();

# -- bundles -----------------------------------------------------------------

my $app = $t->create_app('My App');
my ($old, $new) = map { $t->publish($app, 'default', zip('index.html' => $_)) }
                  qw/ old new /;
my $path = "/v1/apps/$app/deployments/$new->{deployment}";

is(told(), $new->{bundle}, 'before');

my $reply = $t->api('POST', "$path/halt", { reason => 'crashes', rate => 0.2,
                                            expect => generation() });

is($reply->{status}, 200, 'halted');
is_deeply([@{$reply->{json}{halted}}{qw/ by reason rate expect /}],
          ['admin', 'crashes', 0.2, undef], 'by whom, and why');
is(audit()->[0]{change} . ' ' . audit()->[0]{to}, 'deployment.halt crashes',
   'in the audit log');

is(told(), $old->{bundle}, 'a device without it gets the one before');
is(told(bundleId => $old->{bundle}), $old->{bundle},
   'and so does one that has gone back');
is(told(bundleId => $new->{bundle}), $new->{bundle},
   'one that runs it keeps it');

my $generation = generation();

is($t->api('POST', "$path/halt", { reason => 'again' })->{json}{halted}
   {reason}, 'crashes', 'halted again: the first reason stays');
is(generation(), $generation, 'and nothing is written');

is($t->api('GET', "/releases/$app/$new->{bundle}")->{json}{shares}[0]{share},
   0, 'offered to nobody');
is($t->api('GET', "/releases/$app/$old->{bundle}")->{json}{shares}[0]{share},
   1, 'all get the one before');

is($t->api('PATCH', $path, { rolloutPercentage => 0.5 })->{status}, 200,
   'it may shrink');
$t->refused(sub { $t->api('PATCH', $path, { rolloutPercentage => 0.6 }) },
            qr/^409 The rollout is halted/, 'and not grow');

is($t->api('POST', "$path/resume", {})->{json}{halted}, undef, 'resumed');
is($t->api('POST', "$path/resume", {})->{status}, 200, 'once more');
is($t->api('PATCH', $path, { rolloutPercentage => 1 })->{status}, 200,
   'it grows again');
is(told(), $new->{bundle}, 'for all');

is($t->api('POST', "/releases/$app/$new->{bundle}/halt",
           { channel => 'default' }, token => 'approve')->{status}, 200,
   'by the release API');
is(told(), $old->{bundle}, 'halted');
is($t->api('POST', "/releases/$app/$new->{bundle}/resume",
           { channel => 'default' }, token => 'approve')->{status}, 200,
   'and resumed');

for my $case (
    [halt => {}, '404 The channel has no deployment of the release.', 'none'],
    [halt => {}, '422 "channel" must be the name of a channel.', 1],
    [halt => { reason => 'x' x 4097 }, qr/^422 "reason" must be/, 'default'],
) {
    my ($action, $body, $wanted, $channel) = @$case;

    $t->refused(sub {
        $t->api('POST', "/releases/$app/$new->{bundle}/$action",
                { channel => $channel, %$body }, token => 'approve');
    }, $wanted, "refused: $wanted");
}

$t->refused(sub { $t->api('POST', "$path/explode", {}) }, '404 Not found.',
            'no such action');
$t->refused(sub { $t->api('POST', "$path/halt", {}, token => 'read') },
            qr/^403 /, 'a reader does not halt');
$t->refused(sub { $t->api('POST', "/v1/apps/$app/deployments/x/halt", {}) },
            '404 Deployment not found.', 'no such deployment');

# -- desktop releases --------------------------------------------------------

$t->api('POST', '/v1/apps', { id => 'desk', name => 'D', type => 'electron' });

staged($_) for 1, 2;
promote('b1', {});
promote('b2', { rollout => 0.999999 });

is(feed(), '2.0.0', 'a share');
is(decide('b2', 'halt', { reason => 'crashes' })->{status}, 200, 'halted');
is(feed(), '1.0.0', 'offered to nobody');

my $rules = $t->api('GET', '/releases/desk/rules')->{json};

is($rules->{releaseRedirections}[0]{halted}{reason}, 'crashes',
   'the rule says why');
$t->api('PUT', '/releases/desk/rules', $rules, token => 'approve');
is(feed(), '1.0.0', 'the rules sent back');
$t->refused(sub { promote('b2', { rollout => 1 }) },
            qr/^409 The rollout is halted/, 'it does not grow');
is(decide('b2', 'resume')->{status}, 200, 'resumed');
is(feed(), '2.0.0', 'offered again');

$t->refused(sub { decide('b1', 'halt') }, qr/^409 The release is not rolled/,
            'what is for everyone has no rollout');
is(promote('b2', { rollout => 1 })->{status}, 200, 'for all');

###############################################################################

sub told {
    my (%args) = @_;

    return $t->latest($app, deviceId => 'device', %args)->{json}{bundleId};
}

sub generation {
    return $t->api('GET', "/v1/apps/$app")->{json}{generation};
}

sub audit {
    return $t->api('GET', "/releases/$app/audit")->{json};
}

sub promote {
    my ($id, $body) = @_;

    return decide($id, 'promote', $body);
}

sub decide {
    my ($id, $action, $body) = @_;

    return $t->api('POST', "/releases/desk/$id/$action", $body // {},
                   token => 'approve');
}

sub feed {
    my $reply = $t->api('GET', '/desktop/desk/latest.yml', undef,
                        token => undef,
                        headers => ['x-user-staging-id' => 'one']);

    return $reply->{body} =~ /^version: (\S+)$/m ? $1 : $reply->{status};
}

sub staged {
    my ($n) = @_;

    my $uploads = "store/staging/desk/b$n/uploads";
    my $bytes = "$n" x 1000;
    my $digest = sha512_base64($bytes) . '==';

    $t->write_file("$uploads/D-$n.0.0.exe", $bytes);
    $t->write_file("$uploads/latest.yml", <<EOF_YML);
version: $n.0.0
files:
  - url: D-$n.0.0.exe
    sha512: $digest
    size: 1000
path: D-$n.0.0.exe
releaseDate: '2026-01-01T00:00:00.000Z'
EOF_YML

    $t->api('POST', "/releases/desk/b$n/stage", {}, token => 'publish');
}

###############################################################################
