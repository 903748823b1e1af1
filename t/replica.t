#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# A replica, copied by conf/replicate.sh: it has whole releases only, at every
# moment, whatever is published and deleted meanwhile, and however often the
# script is killed.

use warnings;
use strict;

use Digest::SHA qw/ sha256_hex /;
use File::Path qw/ make_path /;
use POSIX ();
use Test::More;
use Time::HiRes qw/ sleep time /;

use Test::LiveUpdate qw/ :DEFAULT json_decode json_encode uri_encode zip /;
use Test::LiveUpdate::Device;
use Test::LiveUpdate::Release qw/ stage_dist /;
use Test::LiveUpdate::Store;

use constant COPIES => 12;
use constant AT_MOST => 60;

my $SCRIPT = "$Test::LiveUpdate::ROOT/conf/replicate.sh";

my $t = Test::LiveUpdate->new()->has_daemon('rsync')->has_daemon('flock');
my $replica = Test::LiveUpdate->new();

$t->config_reference();
$t->run();

$replica->write_file_expand('nginx.conf', <<'EOC');

%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    liveupdate_store     store;
    liveupdate_base_url  http://127.0.0.1:8081;
    liveupdate_valid     1s;

    server {
        listen  127.0.0.1:8081;

        location /v1/ {
            liveupdate_api;
        }

        location /artifacts/ {
            liveupdate_artifacts;
            root  store;
        }

        location /desktop/shop {
            liveupdate_feed  shop;
            root  store;
        }
    }
}

EOC

$replica->run();

$t->plan(41 + Test::LiveUpdate::FREE_TESTS);
$replica->{planned} = 1;

my $from = $t->testdir() . '/store';
my $to = $replica->testdir() . '/store';


# the first copy

my $app = $t->create_app('One');
my $other = $t->create_app('Two');

$t->create_channel($_, 'production') for $app, $other;
$t->api('POST', '/v1/apps', { id => 'shop', name => 'Shop',
                              type => 'electron' });

my %first = ('index.html' => 'first', 'a/b.js' => 'x' x 5000,
             '.well-known/c' => 'dots');
my $done = $t->publish($app, 'production', \%first);

ok($done->{ok}, 'a bundle');
ok($t->publish($other, 'production', zip('index.html' => 'zip'))->{ok},
   'a zip of another app');
is(desktop(1)->{json}{state}, 'live', 'a desktop release');

# what machines that share a store keep beside what they change

for my $hidden ("apps/$app/.app.json/1", 'apps/.names/1',
                "live/$app/$done->{bundle}/.release.json/1")
{
    $t->write_file("store/$hidden", 'x');
}

is(copy(), '0', 'the first copy');
is(tree($to), tree($from), 'all is there');
is(join(' ', glob("$to/apps/.n* $to/apps/*/.a* $to/live/*/*/.r*")), '',
   'without what is hidden');
is(join(' ', wrong($to)), '', 'it is whole');

my $exe = 'feed/shop/Shop Setup 1.0.0.exe';

is((stat "$to/$exe")[1],
   (stat "$to/live/shop/r1/files/Shop Setup 1.0.0.exe")[1],
   'the feed has hard links');

my $device = Test::LiveUpdate::Device->new(
    server => 'http://127.0.0.1:' . port(8081), app => $app,
    dir => $replica->testdir() . '/device', channel => 'production'
);

ok((wait_until { eval { $device->sync()->{next} } } 10), 'an update');
$device->restart();
is($device->differences(\%first), '', 'a device gets it from the replica');
is(ask('/desktop/shop/latest.yml')->{status}, 200, 'an updater, too');


# what comes and goes

my %second = (%first, 'index.html' => 'second');

$t->publish($app, 'production', \%second);
desktop(2);

is(copy(), '0', 'another copy');
is(tree($to), tree($from), 'what has changed is there');
ok((wait_until { eval { $device->sync()->{next} } } 10), 'a new update');
$device->restart();
is($device->differences(\%second), '', 'a device gets it');
ok((wait_until { ask('/desktop/shop/latest.yml')->{body}
                 =~ /^version: 2\.0\.0$/m } 10), 'an updater, too');

$t->api('DELETE', "/v1/apps/$app/bundles/$done->{bundle}");
$t->api('POST', '/releases/shop/r1/withdraw', {}, token => 'approve');
$t->api('DELETE', "/v1/apps/$other");

is(copy(), '0', 'a copy after things were deleted');
is(tree($to), tree($from), 'they are gone');
is(copy(), '0', 'once more');
is(tree($to), tree($from), 'nothing changes');


# A run that ends when the last of several builds has not come: the app.json
# here does not name it.

my ($rsync) = grep { -x } map { "$_/rsync" } split /:/, $ENV{PATH};

desktop($_) for 3, 4;

$replica->write_file('half/rsync', <<"EOF");
#!$^X
exit 1 if grep { \$_ eq '-rn8' } \@ARGV;
exec '$rsync', '--exclude=r4', \@ARGV;
EOF

chmod 0755, $replica->testdir() . '/half/rsync';

{
    local $ENV{PATH} = $replica->testdir() . "/half:$ENV{PATH}";

    is(copy(to => $to), '1', 'a run that ends early');
}

is(join(' ', wrong($to)), '', 'what is here is whole');
unlike($replica->read_file('store/apps/shop/app.json'), qr/"r4"/,
       'and does not name what is missing');
is(copy(), '0', 'the next run');
is(tree($to), tree($from), 'brings it');


# from another machine: what is in the place of ssh drops the name

$replica->write_file('rsh', "#!/bin/sh\nshift\nexec sh -c \"\$*\"\n");
chmod 0755, $replica->testdir() . '/rsh';

$t->publish($app, 'production', { 'a b.js' => 'third', 'index.html' => '3' });

{
    local $ENV{RSYNC_RSH} = $replica->testdir() . '/rsh';

    is(copy(from => "origin:$from"), '0', 'from another machine');
    is(copy(from => "origin:$from/nonexistent"), '1', 'nothing there');
}

is(tree($to), tree($from), 'what has changed is there');


# what is no store

my $before = tree($to);

make_path($replica->testdir() . "/empty/$_") for qw/ apps live feed /;

is(copy(from => $replica->testdir() . '/empty'), '1',
   'an empty folder is not copied');
is(copy(to => $replica->testdir() . '/empty'), '1', 'nothing is copied there');
is(copy(from => '/nonexistent'), '1', 'nothing to copy');
is(tree($to), $before, 'nothing has changed');


# All at once: publishers and deletions there, copies that overlap and are
# killed.  Each call of rsync comes late, so that more happens in between.

$replica->write_file('bin/rsync', <<"EOF");
#!$^X
select undef, undef, undef, rand 0.15;
exec '$rsync', \@ARGV;
EOF

chmod 0755, $replica->testdir() . '/bin/rsync';

$app = $t->create_app('Three');
$t->create_channel($app, 'production');
$t->publish($app, 'production', { 'index.html' => 'start' });

is(copy(), '0', 'before the storm');

my @found;
my $seen = 0;
my $end = time() + AT_MOST;

$t->write_file($_, '') for qw/ copied published /;

my $publisher = $t->run_daemon(\&publish);
my @copiers = map { $t->run_daemon(\&copy_on) } 1 .. 2;

while (time() < $end && (copies() < COPIES || published() <= COPIES)) {
    push @found, wrong($to), fetch();
    $seen++;
}

cmp_ok(copies(), '>=', COPIES / 2, 'many copies');
cmp_ok($seen, '>', 20, 'it was looked at again and again');
is(join("\n", @found), '', 'never half a release');

$t->stop_daemons();

cmp_ok(published(), '>', COPIES, 'much was published');
is(copy(), '0', 'after the storm');
is(tree($to), tree($from), 'both are the same');
is(join("\n", wrong($to)), '', 'and whole');
is(join("\n", Test::LiveUpdate::Store->new($to)->check()), '',
   'nothing is wrong in the store');

###############################################################################

sub desktop {
    my ($n) = @_;

    return stage_dist($t, 'shop', "r$n", {
        'latest.yml' => [ "$n.0.0", "Shop Setup $n.0.0.exe" ],
    });
}

# The status of the script.

sub copy {
    my (%opt) = @_;

    my $said = $replica->testdir() . '/said';

    system('timeout', '60', 'sh', '-c', '"$0" "$1" "$2" > "$3" 2>&1',
           $SCRIPT, $opt{from} // $from, $opt{to} // $to, $said);

    diag($replica->read_file('said')) if $? && !%opt;

    return $? >> 8;
}

# All that is copied, as Test::LiveUpdate::tree() tells it.

sub tree {
    my ($dir) = @_;

    my $name = $dir =~ s{^.*/([^/]+/[^/]+)$}{$1}r;
    my ($of) = grep { $dir eq $_->testdir() . '/store' } $t, $replica;

    # the folder of an app stays in "feed" after its last file was withdrawn
    return join '', grep {
        m{^/(?:apps|live|feed)/.*/.* \w{64}$}
        && !m{^/apps/(?:[^/]+/)?\.} && !m{^/live/[^/]+/[^/]+/\.}
    } map { "$_\n" } split /\n/, $of->tree();
}

sub ask {
    my ($path) = @_;

    return $t->api('GET', $path, undef, token => undef, port => 8081);
}

# Releases that an app.json names and that are not whole.  If it is another one
# afterwards, that does not count.

sub wrong {
    my ($dir) = @_;

    my @wrong;

    for my $file (glob "$dir/apps/*/app.json") {
        my $text = slurp($file) // next;
        my $json = json_decode($text);
        my @here;

        for my $release (map { $_->{release} }
                         map { @{$_->{deployments}} } @{$json->{channels}})
        {
            push @here, wrong_release($dir, $json->{id}, $release);
        }

        for my $build (map { $_->{id} } @{$json->{desktopBuilds} || []}) {
            push @here, wrong_release($dir, $json->{id}, $build, 'feed');
        }

        push @wrong, @here if @here && (slurp($file) // '') eq $text;
    }

    return @wrong;
}

sub wrong_release {
    my ($dir, $app, $id, $feed) = @_;

    my $where = "live/$app/$id";
    my $table = slurp("$dir/$where/files.json") // return "$where: no table";
    my @wrong;

    push @wrong, "$where: no release.json"
        unless defined slurp("$dir/$where/release.json");

    for my $file (@{json_decode($table)}) {
        my @places = ("$where/files/$file->{href}");

        push @places, "$where/gzip/$file->{href}.gz" if $file->{gzip};
        push @places, "feed/$app/$file->{href}" if $feed;

        for my $place (@places) {
            my $bytes = slurp("$dir/$place");

            push @wrong, "no $place" unless defined $bytes;
            push @wrong, "$place: other bytes"
                if defined $bytes && $place !~ /\.gz$/
                   && sha256_hex($bytes) ne $file->{sha256};
        }
    }

    return @wrong;
}

sub slurp {
    my ($path) = @_;

    open my $fh, '<:raw', $path or return;
    local $/;

    return scalar <$fh>;
}

# What a new device would get of the replica; only files whose app.json is the
# same before and after.

sub fetch {
    my $before = slurp("$to/apps/$app/app.json");
    my $path = "/v1/apps/$app/bundles/latest?appVersionCode=1"
               . '&appVersionName=1&osVersion=1&platform=0'
               . '&pluginVersion=8.4.1&channelName=production';

    my $reply = ask($path);
    my $answer = $reply->{json} || {};

    # nginx may have known it before
    return if $reply->{status} != 200 || $before !~ /\Q$answer->{bundleId}\E/;

    my $status = ask("/artifacts/$app/$answer->{bundleId}?href=index.html")
        ->{status};

    return if $status == 200
              || slurp("$to/apps/$app/app.json") ne $before;

    return "$answer->{bundleId}: $status";
}

# -- processes ---------------------------------------------------------------

sub note_line {
    my ($name) = @_;

    open my $fh, '>>', $t->testdir() . "/$name" or die "no $name: $!\n";
    print {$fh} "x\n";
}


sub copies {
    return lines('copied');
}


sub published {
    return lines('published');
}


sub lines {
    my ($name) = @_;

    return scalar(() = $t->read_file($name) =~ /\n/g);
}


sub publish {
    my @bundles;
    my $n = 2;

    srand $$;

    while (1) {
        my %files = map { ("$_.js" => $n . 'x' x rand 20_000) }
            1 .. 1 + rand 8;

        my $done = $t->publish($app, 'production',
                               { 'index.html' => "number $n", %files });

        next unless $done->{ok};

        note_line('published');
        push @bundles, $done->{bundle};

        # the newest one as well as an older one
        $t->api('DELETE', "/v1/apps/$app/bundles/"
                . splice(@bundles, rand @bundles, 1)) if @bundles > 3;

        if (rand() < 0.5) {
            $n++;
            desktop($n);

            my $old = 'r' . ($n - int rand 2);

            $t->api('POST', "/releases/shop/$old/withdraw", {},
                    token => 'approve');
            $t->api('DELETE', "/releases/shop/$old", undef,
                    token => 'approve') if rand() < 0.5;
        }
    }
}

# Every third run is killed, somewhere.

sub copy_on {
    local $ENV{PATH} = $replica->testdir() . "/bin:$ENV{PATH}";

    srand $$;

    my $child = 0;

    $SIG{TERM} = sub {
        kill 'KILL', -$child if $child;
        POSIX::_exit(0);
    };

    while (1) {
        $child = fork() // die "cannot fork: $!\n";

        if ($child == 0) {
            setpgrp;
            open STDOUT, '>', '/dev/null';
            open STDERR, '>&', \*STDOUT;
            exec $SCRIPT, $from, $to or POSIX::_exit(127);
        }

        if (rand() < 0.33) {
            sleep(rand 1.5);
            kill 'KILL', -$child;
        }

        waitpid $child, 0;

        note_line('copied') if $? == 0;

        $child = 0;
        sleep(0.05);
    }
}

###############################################################################
