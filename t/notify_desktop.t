#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# What people are told of a desktop app on its way: a build that waits, its
# pull request, who decides on it, a rollout by hand, a rollback; and a build
# that cannot be fetched.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_decode /;
use Test::LiveUpdate::GitHub;
use Test::LiveUpdate::Receiver;
use Test::LiveUpdate::ToDesktop;

use constant RELEASES => 'desktop-releases.json';

my $t = Test::LiveUpdate->new()->plan(9);
my $td = Test::LiveUpdate::ToDesktop->new($t);
my $gh = Test::LiveUpdate::GitHub->new($t, files => {
    'desktop-builds.json', [], RELEASES, {} });
my $r = Test::LiveUpdate::Receiver->new($t);
my $app = $td->{app};
my $seen = 0;

$r->targets('a json {url}/ secret={secret} event=release.* '
            . 'event=pull_request.opened');
$gh->configure($td, fetch => 'retry=50ms tries=2', change => sub {
    $r->adapt() if $_[0] eq 'liveupdate.conf';
});
$t->run();

wait_until { -e $t->testdir() . '/store/notify/read.json' } 10, 'it begins';

my ($one, $two, $bad) = map {
    $td->build(platforms => ['linux'], size => 300)
} 1 .. 3;

my ($first, $second) = map { "$_->{id} ($_->{version})" } $one, $two;

# it waits, and somebody merges its pull request

my $pull = opened($one);

is(texts(2), <<"EOT", 'a build waits');
Release $first of My App, from todesktop, waits for approval.
A pull request for release $first of My App is open: @{[url($pull)]}.
EOT

my ($staged, $opened) = map { $_->{data} } $r->told();

is_deeply([map { [@{$_}{qw/ app release subject by reason /}] }
           $staged, $opened],
          [[$app, $one->{id}, $one->{id}, 'todesktop', undef],
           [$app, $one->{id}, $one->{id}, 'todesktop', url($pull)]],
          'which, and where to look');

merged($pull);
is(texts(1), "github has approved release $first of My App: it is live.\n",
   'who approves it');

# the next one, for some; and back

$pull = opened($two);
texts(2);
merged($pull);
texts(1);

promote($two, { rollout => 0.2 });
is(texts(1), "approve has set the rollout of $second of My App to 20 %.\n",
   'for how many');

promote($two, { plan => [ { share => 0.3, for => '1d' }, { share => 1 } ] });
act($two, 'pause', { reason => "It is\nlate." });
act($two, 'resume');
act($two, 'advance');
act($two, 'stop');

is(texts(5), <<"EOT", 'a plan by hand');
approve has given the rollout of $second of My App a plan.
approve has paused the plan of $second of My App: It is late.
approve has resumed the rollout of $second of My App.
approve has advanced the rollout of $second of My App from 30 % to 100 %.
approve has ended the plan of $second of My App: it stays at 100 %.
EOT

act($two, 'halt', { reason => 'Crashes.' });
act($two, 'resume');
promote($two, { rollout => 1 });
my $reply = $t->api('POST', "/releases/$app/rollback", {}, token => 'approve');
diag($reply->{raw}) if $reply->{status} != 200;

is(texts(4), <<"EOT", 'a way back');
The rollout of $second of My App was halted: Crashes.
approve has resumed the rollout of $second of My App.
approve has set the rollout of $second of My App to 100 %.
approve has rolled My App back from $two->{id} to $one->{id}.
EOT

my $back = ($r->told())[-1]{data};

is_deeply([@{$back}{qw/ release from to by /}],
          [$one->{id}, $two->{id}, $one->{id}, 'approve'], 'from what to what');

# one that cannot be fetched

$td->{origin}->script(qr/AppImage$/ => { status => 404 });
$td->deliver($bad);

like(texts(1), qr/^Release $bad->{id} of My App, from todesktop, (?x:
     )has failed: .*AppImage.*404/, 'a build that fails');
is(($r->told())[-1]{data}{reason}, $td->release($bad)->{reason}, 'and why');

###############################################################################

sub opened {
    my ($build) = @_;

    $td->deliver($build);

    return $gh->wait_pull($build);
}


sub merged {
    my ($pull) = @_;

    $gh->merge($pull->{number});
    $gh->deliver_all();
}


sub url {
    my ($pull) = @_;

    return "https://github.com/acme/releases/pull/$pull->{number}";
}


sub promote {
    my ($build, $body) = @_;

    my $reply = $t->api('POST', "/releases/$app/$build->{id}/promote", $body,
                        token => 'approve');

    diag($reply->{raw}) if $reply->{status} != 200;
}


sub act {
    my ($build, $what, $body) = @_;

    my $reply = $t->api('POST', "/releases/$app/$build->{id}/$what",
                        $body || {}, token => 'approve');

    diag($reply->{raw}) if $reply->{status} != 200;
}


# What is said in the next n events.

sub texts {
    my ($n) = @_;

    wait_until { $r->told() >= $seen + $n } 20, "$n more";

    my @told = $r->told();
    my @next = @told[$seen .. $#told];

    $seen = @told;

    return join '', map { "$_->{data}{text}\n" } @next;
}

###############################################################################
