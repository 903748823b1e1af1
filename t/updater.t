#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Desktop apps that update themselves by the real electron-updater: installed
# on Windows, an AppImage, and on a Mac.

use warnings;
use strict;

use File::Copy qw/ copy /;
use File::Path qw/ make_path remove_tree /;
use IO::Uncompress::Gunzip qw/ gunzip /;
use IO::Uncompress::RawInflate qw/ rawinflate /;
use List::Util qw/ max sum0 /;
use Test::More;

use Test::LiveUpdate qw/
    json_decode json_encode port uri_encode wait_until
/;

my $CLIENTS = "$Test::LiveUpdate::ROOT/t/clients";

# at most, around each part of a reply that has many

use constant AROUND_PART => 200;

my $t = Test::LiveUpdate->new()->has_daemon('node');

$t->skip_all('no electron-updater, run "make clients" first')
    unless -d "$CLIENTS/node_modules/electron-updater";

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

make('shop', { size => 3_000_000, edits => 12, targets => \@targets },
     @builds);


# the version that runs is the latest one

promote('shop', $builds[0]);

for my $target (@targets) {
    install('shop', $target, $builds[0]) if $target ne 'mac';

    my ($answer, @requests) = update('shop', $target, $builds[0]);

    ok(!$answer->{isUpdate} && !$answer->{error}, "$target: nothing new");
    is(asked(@requests), $manifest{$target}, "$target: only that is asked");
    is($requests[0]{id}, $answer->{id}, "$target: who asks is sent");
}


# the first update: there is no blockmap of what is installed

promote('shop', $builds[1]);

{
    my ($answer, @requests) = update('shop', 'nsis', $builds[0]);

    is_update('nsis', $answer, $builds[1]);
    is(asked(@requests), join("\n", 'latest.yml',
       'My App Setup 1.1.0 - Build 260201bbbbbbbb2-x64.exe.blockmap',
       'My App Setup 1.0.0 - Build 260201bbbbbbbb2-x64.exe.blockmap',
       'My App Setup 1.1.0 - Build 260201bbbbbbbb2-x64.exe'),
       'nsis: the old version is asked for with the new build');
    is("$requests[2]{status} $requests[2]{sent}",
       '200 /feed/shop/' . name('nsis', $builds[0]) . '.blockmap',
       'nsis: and the old build is found');
    is_differential('shop', 'nsis', @builds[0, 1], $requests[3]);

    install('shop', 'nsis', $builds[1]);
}

{
    my ($answer, @requests) = update('shop', 'appimage', $builds[0]);

    is_update('appimage', $answer, $builds[1]);
    is(asked(@requests), join("\n", 'latest-linux.yml',
       (name('appimage', $builds[1])) x 2),
       'appimage: the blockmap is part of the file');
    is_differential('shop', 'appimage', @builds[0, 1], $requests[2]);
}

{
    my ($answer, @requests) = update('shop', 'mac', $builds[0]);

    is_update('mac', $answer, $builds[1]);
    is(asked(@requests), "latest-mac.yml\n" . name('mac', $builds[1]),
       'mac: nothing is there yet that could be a start');
}


# the next one, first with an error on the server's disk

promote('shop', $builds[2]);

for my $target (@targets) {
    my $file = "$dir/store/feed/shop/" . name($target, $builds[2]);
    my ($changed) = changed('shop', $target, @builds[1, 2]);

    flip($file, $changed->{start});

    my ($answer, @requests) = update('shop', $target, $builds[1]);

    is($answer->{error}{code}, 'ERR_CHECKSUM_MISMATCH',
       "$target: wrong bytes are refused");
    is(join(' ', map { $_->{status} } @requests[-2, -1]), '206 200',
       "$target: a part first, then the whole");
    is(join(' ', glob "'$dir/users/shop-$target/cache/my-app-updater/pending'"
                      . '/*'), '', "$target: nothing is left of them");

    ok($t->read_file(place('shop', $target))
       eq content('shop', $target, $builds[1]),
       'appimage: the old version is still there') if $target eq 'appimage';
    is($answer->{squirrel}, undef, 'mac: Squirrel does not get it')
        if $target eq 'mac';

    flip($file, $changed->{start});

    ($answer, @requests) = update('shop', $target, $builds[1]);

    is_update($target, $answer, $builds[2]);
    is_differential('shop', $target, @builds[1, 2], $requests[-1]);

    my $name = name($target, $builds[2]);

    is(asked(@requests), "latest.yml\n$name.blockmap\n$name",
       'nsis: the old blockmap is in the cache') if $target eq 'nsis';
    is($requests[2]{sent},
       '/feed/shop/' . name('mac', $builds[1]) . '.blockmap',
       'mac: the old blockmap is found') if $target eq 'mac';
}

install('shop', 'nsis', $builds[2]);


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
    install('shop', 'nsis', $builds[2]);

    ok((wait_until {
        $t->api('HEAD', '/desktop/shop/'
                . uri_encode(name('nsis', $builds[2])), undef,
                token => undef)->{status} == 404
    } 10), 'withdrawn: its files are gone');

    my ($answer, @requests) = update('shop', 'nsis', $builds[2],
                                     allowDowngrade => 1);

    is_update('nsis', $answer, $builds[1]);
    is(join(' ', map { $_->{status} } @requests), '200 200 404 200',
       'withdrawn: the whole file, without its blockmap');
}


# hundreds of changes

make('big', { size => 32_000_000, edits => 700, targets => [ 'nsis' ] },
     @builds[0, 1]);
promote('big', $builds[0]);
promote('big', $builds[1]);

{
    install('big', 'nsis', $builds[0]);

    my ($answer, @requests) = update('big', 'nsis', $builds[0]);

    is_update('big', $answer, $builds[1]);
    cmp_ok(scalar changed('big', 'nsis', @builds[0, 1]), '>', 500,
           'big: more than 500 places have changed');
    is(max(map { scalar split /,/, $_->{range} } @requests), 500,
       'big: 500 in one request');
    is_differential('big', 'nsis', @builds[0, 1],
                    @requests[3 .. $#requests]);

    my @starts = map { 30_000_000 + 1_900 * $_ } 0 .. 999;

    my $reply = $t->api('GET', '/desktop/big/'
        . uri_encode(name('nsis', $builds[1])), undef, token => undef,
        headers => [ Range => 'bytes='
                     . join ', ', map { $_ . '-' . ($_ + 99) } @starts ]);
    my @parts = $reply->{body} =~ /\r\n\r\n(.{100})(?=\r\n--)/gs;
    my $content = content('big', 'nsis', $builds[1]);

    is($reply->{status}, 206, 'big: a thousand in one request');
    is(scalar @parts, 1000, 'big: a thousand parts');
    ok(join('', @parts) eq join('', map { substr $content, $_, 100 } @starts),
       'big: the right bytes');
}

###############################################################################

# Makes builds of an app, and has them verified.

sub make {
    my ($app, $opt, @builds) = @_;

    $t->api('POST', '/v1/apps', { name => $app, type => 'electron',
                                  id => $app });

    node('builder', map {
        { %$_, %$opt, dir => "$dir/made/$app/$_->{id}" }
    } @builds);

    for my $build (@builds) {
        my $uploads = "$dir/store/staging/$app/$build->{id}/uploads";

        make_path($uploads);

        for my $file (glob "'$dir/made/$app/$build->{id}/'*") {
            copy($file, $uploads) or die "cannot copy $file: $!\n";
        }

        my $reply = $t->api('POST', "/releases/$app/$build->{id}/stage", {},
                            token => 'publish', timeout => 60);

        is($reply->{json}{state}, 'staged', "$app: $build->{version} waits");
    }
}

sub promote {
    my ($app, $build) = @_;

    my $reply = $t->api('POST', "/releases/$app/$build->{id}/promote", {},
                        token => 'approve');

    is($reply->{json}{state}, 'live', "$app: $build->{version} is promoted");
}

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


# -- the apps ----------------------------------------------------------------

sub name {
    my ($target, $build) = @_;

    my ($version, $id) = @$build{qw/ version id /};

    return $target eq 'nsis' ? "My App Setup $version - Build $id-x64.exe"
         : $target eq 'mac' ? "My App $version - Build $id-x64-mac.zip"
         : "my-app-$version-build-$id-x86_64.AppImage";
}

sub content {
    my ($app, $target, $build) = @_;

    return $t->read_file("made/$app/$build->{id}/" . name($target, $build));
}

# Where what is installed lies: on Windows the installer puts itself into the
# cache, where updates start from; on a Mac it is what was downloaded last.

sub place {
    my ($app, $target) = @_;

    my $file = { nsis => 'cache/my-app-updater/installer.exe',
                 mac => 'cache/my-app-updater/update.zip',
                 appimage => 'my-app.AppImage' }->{$target};

    return "$dir/users/$app-$target/$file";
}

sub install {
    my ($app, $target, $build) = @_;

    my $file = place($app, $target);

    make_path($file =~ s{/[^/]*$}{}r);
    copy("$dir/made/$app/$build->{id}/" . name($target, $build), $file)
        or die "cannot copy to $file: $!\n";
}

# The app of this version is started and looks for updates: what came of it,
# and what it asked for.

sub update {
    my ($app, $target, $build, %opt) = @_;

    my ($answer) = node('updater', job($app, $target, $build, %opt));

    return ($answer, requests($answer->{requests}));
}

sub job {
    my ($app, $target, $build, %opt) = @_;

    return {
        target => $target,
        feed => 'http://127.0.0.1:' . port(8080) . "/desktop/$app",
        version => $build->{version},
        dir => "$dir/users/$app-$target",
        installed => $target eq 'appimage' ? place($app, $target) : undef,
        %opt,
    };
}

# Those of the users, with version 1.0.0, who get 1.2.0.

sub got {
    my (@users) = @_;

    my @answers = node('updater', map {
        job('shop', 'nsis', $builds[0], dir => "$dir/users/$_",
            checkOnly => 1)
    } @users);

    my @requests = requests(scalar @users);

    is(join(' ', map { $_->{id} } @requests),
       join(' ', map { $_->{id} } @answers), 'rollout: each has its id');

    return map { $users[$_] }
           grep { $answers[$_]{version} eq '1.2.0' } 0 .. $#users;
}

sub node {
    my ($program, @jobs) = @_;

    $t->write_file('jobs.json', json_encode(\@jobs));

    my $said = `node '$CLIENTS/$program.js' < '$dir/jobs.json' 2>'$dir/said'`;

    die "$program.js failed:\n", $t->read_file('said') if $?;

    return $said eq '' ? () : @{json_decode($said)};
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


# -- what changed ------------------------------------------------------------

sub blockmap {
    my ($app, $target, $build) = @_;

    my $file = content($app, $target, $build);
    my $json;

    if ($target eq 'appimage') {
        my $packed = substr $file, -4 - unpack 'N', substr $file, -4;

        rawinflate(\$packed, \$json) or die "no blockmap\n";

    } else {
        my $packed = $t->read_file("made/$app/$build->{id}/"
                                   . name($target, $build) . '.blockmap');

        gunzip(\$packed, \$json) or die "no blockmap\n";
    }

    my $map = json_decode($json)->{files}[0];

    return map {
        { checksum => $map->{checksums}[$_], size => $map->{sizes}[$_] }
    } 0 .. $#{$map->{sizes}};
}

# The places of the new file that the old one does not have: {start, size}.

sub changed {
    my ($app, $target, $old, $new) = @_;

    my %old = map { $_->{checksum} => 1 } blockmap($app, $target, $old);
    my $at = 0;
    my @changed;

    for my $block (blockmap($app, $target, $new)) {
        my ($start, $size) = ($at, $block->{size});

        $at += $size;

        next if $old{$block->{checksum}};

        if (@changed && $changed[-1]{start} + $changed[-1]{size} == $start) {
            $changed[-1]{size} += $size;

        } else {
            push @changed, { start => $start, size => $size };
        }
    }

    return @changed;
}

sub is_update {
    my ($target, $answer, $build) = @_;

    my $app = $target eq 'big' ? 'big' : 'shop';

    $target = 'nsis' if $target eq 'big';

    my $file = $target eq 'appimage' ? place($app, $target) : $answer->{file};
    my $same = defined $file
        && $t->read_file($file) eq content($app, $target, $build)
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

    my @changed = changed($app, $target, $old, $new);
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
       . length content($app, $target, $new));
}

###############################################################################
