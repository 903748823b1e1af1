#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Desktop apps that update themselves by the real electron-updater: installed
# on Windows, an AppImage, and on a Mac.

use warnings;
use strict;

use File::Path qw/ remove_tree /;
use List::Util qw/ max sum0 /;
use Test::More;

use Test::LiveUpdate qw/ json_decode uri_encode wait_until /;
use Test::LiveUpdate::Updater;

# at most, around each part of a reply that has many

use constant AROUND_PART => 200;

my $t = Test::LiveUpdate->new();
my $updater = Test::LiveUpdate::Updater->new($t);

$ENV{APPROVAL} = 'on';

$t->config_reference(sub {
    my ($name) = @_;

    return if $name ne 'nginx.conf';

    s{^    access_log .*}{    log_format  updater  escape=json
        '{"asked":"\$request_uri","sent":"\$uri","status":\$status,'
        '"bytes":\$body_bytes_sent,"range":"\$http_range",'
        '"id":"\$http_x_user_staging_id","agent":"\$http_user_agent"}';

    access_log  logs/updater.log  updater;}m;
});

$t->run()->plan(107);

my $dir = $t->testdir();
my $seen = 0;

my @builds = (
    { version => '1.0.0', id => '260101aaaaaaaa1', n => 1 },
    { version => '1.1.0', id => '260201bbbbbbbb2', n => 2 },
    { version => '1.2.0', id => '260301cccccccc3', n => 3 },
);

my @targets = qw/ nsis appimage mac /;

my %manifest = (nsis => 'latest.yml', appimage => 'latest-linux.yml',
                mac => 'latest-mac.yml');

$updater->make('shop', { size => 3_000_000, edits => 12,
                         targets => \@targets }, @builds);


# the version that runs is the latest one

$updater->promote('shop', $builds[0]);

for my $target (@targets) {
    $updater->install('shop', $target, $builds[0]) if $target ne 'mac';

    my ($answer, @requests) = update('shop', $target, $builds[0]);

    ok(!$answer->{isUpdate} && !$answer->{error}, "$target: nothing new");
    is(asked(@requests), $manifest{$target}, "$target: only that is asked");
    is($requests[0]{id}, $answer->{id}, "$target: who asks is sent");
}


# the first update: there is no blockmap of what is installed

$updater->promote('shop', $builds[1]);

{
    my ($answer, @requests) = update('shop', 'nsis', $builds[0]);

    is_update('nsis', $answer, $builds[1]);
    is(asked(@requests), join("\n", 'latest.yml',
       'My App Setup 1.1.0 - Build 260201bbbbbbbb2-x64.exe.blockmap',
       'My App Setup 1.0.0 - Build 260201bbbbbbbb2-x64.exe.blockmap',
       'My App Setup 1.1.0 - Build 260201bbbbbbbb2-x64.exe'),
       'nsis: the old version is asked for with the new build');
    is("$requests[2]{status} $requests[2]{sent}",
       '200 /feed/shop/' . $updater->name('nsis', $builds[0]) . '.blockmap',
       'nsis: and the old build is found');
    is_differential('shop', 'nsis', @builds[0, 1], $requests[3]);

    $updater->install('shop', 'nsis', $builds[1]);
}

{
    my ($answer, @requests) = update('shop', 'appimage', $builds[0]);

    is_update('appimage', $answer, $builds[1]);
    is(asked(@requests), join("\n", 'latest-linux.yml',
       ($updater->name('appimage', $builds[1])) x 2),
       'appimage: the blockmap is part of the file');
    is_differential('shop', 'appimage', @builds[0, 1], $requests[2]);
}

{
    my ($answer, @requests) = update('shop', 'mac', $builds[0]);

    is_update('mac', $answer, $builds[1]);
    is(asked(@requests),
       "latest-mac.yml\n" . $updater->name('mac', $builds[1]),
       'mac: nothing is there yet that could be a start');
}


# the next one, first with an error on the server's disk

$updater->promote('shop', $builds[2]);

for my $target (@targets) {
    my $file = "$dir/store/feed/shop/" . $updater->name($target, $builds[2]);
    my ($changed) = $updater->changed('shop', $target, @builds[1, 2]);

    flip($file, $changed->{start});

    my ($answer, @requests) = update('shop', $target, $builds[1]);

    is($answer->{error}{code}, 'ERR_CHECKSUM_MISMATCH',
       "$target: wrong bytes are refused");
    is(join(' ', map { $_->{status} } @requests[-2, -1]), '206 200',
       "$target: a part first, then the whole");
    is(join(' ', glob "'$dir/users/shop-$target/cache/my-app-updater/pending'"
                      . '/*'), '', "$target: nothing is left of them");

    ok($t->read_file($updater->place('shop', $target))
       eq $updater->content('shop', $target, $builds[1]),
       'appimage: the old version is still there') if $target eq 'appimage';
    is($answer->{squirrel}, undef, 'mac: Squirrel does not get it')
        if $target eq 'mac';

    flip($file, $changed->{start});

    ($answer, @requests) = update('shop', $target, $builds[1]);

    is_update($target, $answer, $builds[2]);
    is_differential('shop', $target, @builds[1, 2], $requests[-1]);

    my $name = $updater->name($target, $builds[2]);

    is(asked(@requests), "latest.yml\n$name.blockmap\n$name",
       'nsis: the old blockmap is in the cache') if $target eq 'nsis';
    is($requests[2]{sent},
       '/feed/shop/' . $updater->name('mac', $builds[1]) . '.blockmap',
       'mac: the old blockmap is found') if $target eq 'mac';
}

$updater->install('shop', 'nsis', $builds[2]);


# back to the version before: by those who go back

is($t->api('POST', '/releases/shop/rollback', {}, token => 'approve')
   ->{json}{id}, $builds[1]{id}, 'rollback');

for my $target (@targets) {
    my ($answer) = update('shop', $target, $builds[2]);

    ok(!$answer->{isUpdate} && $answer->{version} eq '1.1.0',
       "$target: an older version is no update");

    ($answer, my @requests) = update('shop', $target, $builds[2],
                                     allowDowngrade => 1);

    is_update($target, $answer, $builds[1]);
    is(scalar @requests, 3, "$target: the old blockmap was there");
    is_differential('shop', $target, @builds[2, 1], $requests[-1]);
}


# a rollout in steps, by the ids of installations

my @users = map { "user$_" } 1 .. 24;

rollout(50);
my %in = map { $_ => 1 } got(@users);
cmp_ok(scalar keys %in, '>', 0, 'rollout: some get it');
cmp_ok(scalar keys %in, '<', @users, 'rollout: some do not');
is(join(' ', got(@users)), join(' ', grep { $in{$_} } @users),
   'rollout: the same when they ask again');

rollout(75);
my @more = got(@users);
is(scalar(grep { $in{$_} } @more), scalar keys %in,
   'rollout: who has it keeps it when it is raised');
cmp_ok(scalar @more, '>=', scalar keys %in, 'rollout: others come in');

rollout(100);
is(scalar got(@users), scalar @users, 'rollout: all get it');


# withdrawn: nothing of it is there any more, its blockmap neither

$t->api('POST', "/releases/shop/$builds[2]{id}/withdraw", {},
        token => 'approve');

{
    remove_tree("$dir/users/shop-nsis");
    $updater->install('shop', 'nsis', $builds[2]);

    ok((wait_until {
        $t->api('HEAD', '/desktop/shop/'
                . uri_encode($updater->name('nsis', $builds[2])), undef,
                token => undef)->{status} == 404
    } 10), 'withdrawn: its files are gone');

    my ($answer, @requests) = update('shop', 'nsis', $builds[2],
                                     allowDowngrade => 1);

    is_update('nsis', $answer, $builds[1]);
    is(join(' ', map { $_->{status} } @requests), '200 200 404 200',
       'withdrawn: the whole file, without its blockmap');
}


# hundreds of changes

$updater->make('big', { size => 32_000_000, edits => 700,
                        targets => [ 'nsis' ] }, @builds[0, 1]);
$updater->promote('big', $builds[0]);
$updater->promote('big', $builds[1]);

{
    $updater->install('big', 'nsis', $builds[0]);

    my ($answer, @requests) = update('big', 'nsis', $builds[0]);

    is_update('big', $answer, $builds[1]);
    cmp_ok(scalar $updater->changed('big', 'nsis', @builds[0, 1]), '>', 500,
           'big: more than 500 places have changed');
    is(max(map { scalar split /,/, $_->{range} } @requests), 500,
       'big: 500 in one request');
    is_differential('big', 'nsis', @builds[0, 1],
                    @requests[3 .. $#requests]);

    my @starts = map { 30_000_000 + 1_900 * $_ } 0 .. 999;

    my $reply = $t->api('GET', '/desktop/big/'
        . uri_encode($updater->name('nsis', $builds[1])), undef, token => undef,
        headers => [ Range => 'bytes='
                     . join ', ', map { $_ . '-' . ($_ + 99) } @starts ]);
    my @parts = $reply->{body} =~ /\r\n\r\n(.{100})(?=\r\n--)/gs;
    my $content = $updater->content('big', 'nsis', $builds[1]);

    is($reply->{status}, 206, 'big: a thousand in one request');
    is(scalar @parts, 1000, 'big: a thousand parts');
    ok(join('', @parts) eq join('', map { substr $content, $_, 100 } @starts),
       'big: the right bytes');
}

###############################################################################

sub rollout {
    my ($percentage) = @_;

    my $reply = $t->api('PUT', '/releases/shop/rules', {
        latestReleaseBuildId => $builds[1]{id},
        releaseRedirections => [
            { rule => 'buildByRollout', buildId => $builds[2]{id},
              percentage => $percentage },
        ],
    }, token => 'approve');

    is($reply->{status}, 200, "rollout: $percentage %");
}


# The app of this version is started and looks for updates: what came of it,
# and what it asked for.

sub update {
    my ($app, $target, $build, %opt) = @_;

    my ($answer) = $updater->node('updater',
        $updater->job($app, $target, $build, %opt));

    return ($answer, requests($answer->{requests}));
}

# Those of the users, with version 1.0.0, who get 1.2.0.

sub got {
    my (@users) = @_;

    my @answers = $updater->node('updater', map {
        $updater->job('shop', 'nsis', $builds[0],
                      dir => "$dir/users/$_", checkOnly => 1)
    } @users);

    my @requests = requests(scalar @users);

    # each worker writes its lines when it comes to it
    is(join(' ', sort map { $_->{id} } @requests),
       join(' ', sort map { $_->{id} } @answers), 'rollout: each has its id');

    return map { $users[$_] }
           grep { $answers[$_]{version} eq '1.2.0' } 0 .. $#users;
}

# What updaters asked for since the last time, so many requests: a line is
# written after the reply.

sub requests {
    my ($n) = @_;

    my @lines;

    wait_until {
        my $log = $t->read_file('logs/updater.log');

        @lines = grep { /"agent":"electron-builder"/ } $log =~ /^.*\n/gm;
        @lines >= $seen + $n;
    } 10, 'requests in the log';

    my @new = @lines[$seen .. $#lines];
    $seen = @lines;

    return map { json_decode($_) } @new;
}

sub asked {
    return join "\n", map {
        $_->{asked} =~ s{^/desktop/[^/]+/}{}r
                    =~ s/\?noCache=\w+$//r
                    =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ger
    } @_;
}

sub flip {
    my ($file, $at) = @_;

    open my $fh, '+<:raw', $file or die "cannot open $file: $!\n";

    sysseek $fh, $at, 0;
    sysread $fh, my $byte, 1;
    sysseek $fh, $at, 0;
    syswrite $fh, ~$byte & "\xff";
}


sub is_update {
    my ($target, $answer, $build) = @_;

    my $app = $target eq 'big' ? 'big' : 'shop';

    $target = 'nsis' if $target eq 'big';

    my $file = $target eq 'appimage' ? $updater->place($app, $target)
                                     : $answer->{file};
    my $same = defined $file
        && $t->read_file($file) eq $updater->content($app, $target, $build)
        && (!defined $answer->{squirrel}
            || $t->read_file($answer->{squirrel}) eq $t->read_file($file));

    ok($answer->{isUpdate} && $same, "$app, $target: gets $build->{version}")
        or diag($answer->{error}{message} // '', "\n",
                map { "$_\n" } @{$answer->{log}});

    ok(-x $file, "$target: and may be run") if $target eq 'appimage';
    ok($answer->{squirrel}, "$target: and Squirrel, too") if $target eq 'mac';
}

# The requests brought what changed, and nothing else of the file.

sub is_differential {
    my ($app, $target, $old, $new, @requests) = @_;

    my @changed = $updater->changed($app, $target, $old, $new);
    my $size = sum0(map { $_->{size} } @changed);
    my $bytes = sum0(map { $_->{bytes} } @requests);
    my @ranges = map { split /, /, $_->{range} =~ s/^bytes=//r } @requests;

    is(join(' ', map { $_->{status} } @requests),
       join(' ', (206) x @requests), "$target: only parts");
    is(join(' ', @ranges), join(' ', map {
        $_->{start} . '-' . ($_->{start} + $_->{size} - 1)
    } @changed), "$target: those that changed");

    ok($bytes >= $size && $bytes <= $size + AROUND_PART * (@changed + 1),
       "$target: $bytes bytes for the $size that changed, of "
       . length $updater->content($app, $target, $new));
}

###############################################################################
