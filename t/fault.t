#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Each of the calls that one publish makes to change the store fails once: with
# an error of the disk, without space, and because the process is killed at
# that moment.  After each the publisher is told or has lost the connection,
# nothing half is to be seen, and the same call again ends in one publish.
#
# LIVEUPDATE_FAULTS=1 injects them all, otherwise some of each kind.
# LIVEUPDATE_FLOWS="zip parts" looks at these only.

use warnings;
use strict;

use Test::More;

use Digest::SHA qw/ sha256_hex /;
use Errno qw/ EIO ENOSPC /;
use List::Util qw/ min /;
use Time::HiRes qw/ sleep time /;

use Test::LiveUpdate qw/ zip /;
use Test::LiveUpdate::Device;
use Test::LiveUpdate::Fault;
use Test::LiveUpdate::Publisher;
use Test::LiveUpdate::Store;

use constant SOME => 10;

my @CALLS = @Test::LiveUpdate::Fault::CALLS;

# what may fail without anybody being told: all is on the disk by then, or it
# is of no use any more and the next start removes it
my %MAY_FAIL = map { $_ => 1 } qw/ close unlink /;

my @FLOWS = qw/
    zip big_zip manifest parts register deploy channel app_delete
/;

my @HOW = (
    ['EIO', 'error', EIO, 500],
    ['ENOSPC', 'error', ENOSPC, 507],
    ['half a write, then ENOSPC', 'short', ENOSPC, 507],
    ['SIGKILL', 'kill', 0, undef],
);

@FLOWS = split ' ', $ENV{LIVEUPDATE_FLOWS} if $ENV{LIVEUPDATE_FLOWS};

my $t = Test::LiveUpdate->new()->plan(@FLOWS * @HOW + 4);

my $fault = Test::LiveUpdate::Fault->new($t);

$t->config_reference();
$t->allow_alert(qr/close\(\) .* failed \((?:5|28):/);
$t->run();

my $store = Test::LiveUpdate::Store->new($t->testdir() . '/store');
my $nonce = 0;
my (%total, $flow, $how, $app, $state, $failures, @wrong);

for (@FLOWS) {
    my $start = time();

    $flow = flow($_);

    my %counts = count_calls();

    note("$_ calls ", join ', ', map { "$_ $counts{$_} times" }
                                 grep { $counts{$_} } @CALLS);

    for my $i (0 .. $#HOW) {
        $how = { name => $HOW[$i][0], how => $HOW[$i][1],
                 error => $HOW[$i][2], status => $HOW[$i][3] };
        @wrong = ();

        inject($i, %counts);

        is(join("\n", @wrong), '', "$flow->{name}, $how->{name}");
    }

    note(sprintf '%.1f s', time() - $start);
}

note(join ', ', map { "$total{$_} times $_" } sort keys %total);

is_deeply([descriptors()], [], 'no descriptors are left');

$t->stop();
$t->run();

is_deeply([$store->temporary()], [], 'nothing is left in tmp after a start');
is(join("\n", $store->check()), '', 'the store is whole');
is(scalar(grep { $_->{status} != 200 }
          map { $t->latest($_, channelName => 'production') } $store->apps()),
   0, 'all apps are served');


# -- one fault after the other -----------------------------------------------

# How often each call is made when nothing fails; twice, since what a worker
# does by the clock may come in between.

sub count_calls {
    my %one = count_once();
    my %two = count_once();

    return map { $_ => min($one{$_}, $two{$_}) } keys %one;
}


sub count_once {
    prepare();
    $fault->arm('count');

    my $done = $flow->{run}->(publisher(), $state);

    my %counts = $fault->disarm();

    die "$flow->{name} fails without a fault: $done->{reply}{raw}\n"
        unless $done->{ok};

    die "$flow->{name}: no calls were seen\n" unless grep { $_ } values %counts;

    return %counts;
}


# Some are every n-th one, but others each time.

sub inject {
    my ($from, %counts) = @_;

    my @calls = $how->{how} eq 'short' ? 'write' : @CALLS;

    my @faults = map { my $call = $_; map { [$call, $_] } 1 .. $counts{$call} }
        @calls;

    my $step = $ENV{LIVEUPDATE_FAULTS} ? 1 : 1 + int(@faults / SOME);

    for (my $i = $from % $step; $i < @faults; $i += $step) {
        my ($call, $n) = @{$faults[$i]};

        prepare();

        push @wrong, map { "$call $n: $_" } inject_one($call, $n);
        $total{$how->{name}}++;
    }
}


sub inject_one {
    my ($call, $n) = @_;

    my @found;
    my %before = map { $_ => 1 } $store->temporary();

    $failures = 0;

    my $publisher = publisher(failed => sub {
        my ($reply, $reason) = @_;

        my ($path) = $fault->fired();

        if ($failures++ > ($how->{how} eq 'short')) {
            push @found, "again: " . ($reply ? $reply->{raw} : $reason);
            return;
        }

        push @found, map { "$_ ($path)" }
            wrong_answer($reply, $reason), wrong_store(), wrong_device();
    });

    $fault->arm($how->{how}, $call, $n, $how->{error});

    my $done = $flow->{run}->($publisher, $state);
    my ($path) = $fault->fired();

    $fault->disarm();

    return "was not called" if !defined $path;

    # asks for names anew, or reads what a call can do without
    my $asks = $path =~ m{/(?:\.look$|\.turn/look\.)};

    push @found, "nobody was told ($path)"
        if !$failures && !$MAY_FAIL{$call} && !$asks;

    push @found, "the same calls again: $done->{reply}{raw} ($path)"
        unless $done->{ok}
               || $failures && $done->{reply}{status} == $flow->{again};

    if ($how->{how} ne 'kill') {
        push @found, map { "left behind: $_ ($path)" }
            eventually(sub { left($call, %before) });
        push @found, map { "still open: $_ ($path)" }
            eventually(\&descriptors);
    }

    push @found, map { "$_ ($path)" }
        wrong_store(), wrong_device(), $flow->{check}->($done, $state);

    return @found;
}


# -- what must hold ----------------------------------------------------------

sub wrong_answer {
    my ($reply, $reason) = @_;

    if ($how->{how} eq 'kill') {
        return $reply ? "an answer of a dead process: $reply->{raw}" : ();
    }

    return "no answer: $reason" unless $reply;

    my $message = ref $reply->{json} eq 'HASH' ? $reply->{json}{message} : '';

    return "a wrong answer: $reply->{raw}"
        if $reply->{status} != $how->{status} || !length($message // '');

    return;
}


sub wrong_store {
    return $store->check(app => $app);
}


# The device gets what was before, or what is new; nothing else, and whole.

sub wrong_device {
    my $reply = eval { $t->latest($app, channelName => 'production') }
        or return "a device gets no answer: $@";

    return if $reply->{status} == 404 && !-e app_json();

    return "a device gets: $reply->{raw}"
        unless $reply->{status} == 200;

    my $id = $reply->{json}{bundleId};
    my $release = $store->release($app, $id);

    return "a device gets $id, which is not live" unless $release;
    return if defined $release->{url};

    my $device = Test::LiveUpdate::Device->new(
        server => 'http://127.0.0.1:' . Test::LiveUpdate::port(8080),
        app => $app, channel => 'production',
        dir => $t->testdir() . '/devices/' . ++$nonce,
    );

    eval { $device->sync() } or return "a device cannot have it: $@";

    return;
}


sub app_json {
    return $t->testdir() . "/store/apps/$app/app.json";
}


# What is new in tmp/.  Something that could not be removed stays there until
# the next start, and so does a folder that perhaps has not gone for good.

sub left {
    my ($call, %before) = @_;

    my @left = grep { !$before{$_} } $store->temporary();

    return if $call eq 'unlink';

    @left = grep { !m{/.*/} && !-d $t->testdir() . "/store/$_" } @left
        if $call eq 'fsync';

    return @left;
}


# nginx may need a moment after its answer.

sub eventually {
    my ($code) = @_;

    my @found;

    for (1 .. 50) {
        @found = $code->() or last;
        sleep 0.01;
    }

    return @found;
}


# Files of the store that a worker has open, but for those that nginx keeps, and
# the lock of the machine.

sub descriptors {
    my $dir = $t->testdir() . '/store';

    return grep { m{^\Q$dir\E/} && !m{/(?:files|gzip)/|/tmp/[^/]+/\.lock$} }
        grep { defined } map { readlink }
        map { glob "/proc/$_/fd/*" } $t->workers();
}


# -- flows -------------------------------------------------------------------

# An app where something is published already.

sub prepare {
    $app = $t->create_app('fault ' . ++$nonce);
    $t->create_channel($app, 'production');

    $state = {};
    my %old = files("old $nonce");

    $state->{old} = published($t->publish($app, 'production',
                                          $flow->{name} eq 'app_delete'
                                          ? \%old : zip(%old)));

    $flow->{prepare}->() if $flow->{prepare};
}


sub published {
    my ($done) = @_;

    die "could not prepare: $done->{reply}{raw}\n" unless $done->{ok};

    return $done;
}


sub files {
    my ($text) = @_;

    return (
        'index.html' => "<html>$text</html>",
        'assets/main.js' => "// $text\n" x 100,
    );
}


sub publisher {
    my (%opt) = @_;

    return Test::LiveUpdate::Publisher->new($t, retries => 2, %opt);
}


# "again" is what repeating a call may be told if it had done its work.

sub flow {
    my ($name) = @_;

    my %flow = (
        name => $name,
        again => 0,
        check => \&published_once,
    );

    if ($name eq 'zip') {
        $flow{prepare} = sub { $state->{bytes} = zip(files("zip $nonce")) };
        $flow{run} = \&run_publish;

    } elsif ($name eq 'big_zip') {

        # threads write the body, piece by piece
        $flow{prepare} = sub {
            $state->{bytes} = zip(files("zip $nonce"), 'image.png' => noise());
        };
        $flow{run} = \&run_publish;

    } elsif ($name eq 'manifest') {
        $flow{prepare} = sub { $state->{bytes} = { files("new $nonce") } };
        $flow{run} = \&run_publish;

    } elsif ($name eq 'parts') {
        $flow{prepare} = sub { $state->{bytes} = zip(files("zip $nonce")) };
        $flow{run} = sub { run_publish(@_, parts => 200) };

    } elsif ($name eq 'register') {
        $flow{run} = sub {
            my ($publisher) = @_;

            return $publisher->register($app, 'production',
                                        "https://example.com/$nonce.zip",
                                        checksum => '0' x 64);
        };

    } elsif ($name eq 'deploy') {
        $flow{prepare} = sub {
            published($t->publish($app, 'production',
                                  zip(files("newer $nonce"))));
        };
        $flow{run} = sub {
            my ($publisher) = @_;

            return $publisher->deploy($app, 'production',
                                      $state->{old}{bundle});
        };
        $flow{check} = \&deployed_once;

    } elsif ($name eq 'channel') {
        $flow{again} = 409;
        $flow{run} = sub {
            my ($publisher) = @_;

            return created($publisher->api('POST', "/v1/apps/$app/channels",
                                           { name => 'beta' }));
        };
        $flow{check} = \&channel_once;

    } else {
        $flow{again} = 404;
        $flow{prepare} = sub {
            $t->api('POST', "/v1/apps/$app/bundles", { artifactType => 'zip' });
        };
        $flow{run} = sub {
            my ($publisher) = @_;

            return created($publisher->api('DELETE', "/v1/apps/$app"));
        };
        $flow{check} = \&app_gone;
    }

    return \%flow;
}


sub run_publish {
    my ($publisher, undef, %opt) = @_;

    return $publisher->publish($app, 'production', $state->{bytes}, %opt);
}


sub created {
    my ($reply) = @_;

    return { ok => $reply->{status} =~ /^20[14]$/ ? 1 : 0, reply => $reply };
}


sub noise {
    return join '', map { pack 'L', int rand 4294967296 } 1 .. 200_000;
}


sub published_once {
    my ($done) = @_;

    my @found = map { $_->{release} } $store->deployments($app);

    return "it is published as @found"
        if @found != 2 || $found[0] ne $done->{bundle}
           || $found[1] ne $state->{old}{bundle};

    my $latest = $t->latest($app, channelName => 'production')->{json};

    return "a device gets $latest->{bundleId}"
        if $latest->{bundleId} ne $done->{bundle};

    return;
}


sub deployed_once {
    my ($done) = @_;

    my @found = map { $_->{release} } $store->deployments($app);
    my $old = $state->{old}{bundle};

    return "it is deployed as @found"
        if @found != 3 || $found[0] ne $old || $found[1] eq $old;

    return;
}


sub channel_once {
    my @found = grep { $_->{name} eq 'beta' }
        @{$store->app($app)->{channels}};

    return @found == 1 ? () : 'there are ' . @found . ' channels';
}


sub app_gone {
    my @found = grep { -e $t->testdir() . "/store/$_/$app" }
        qw/ apps live staging /;

    return @found ? "there is still something in @found" : ();
}
