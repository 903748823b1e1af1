#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# What a policy lets go is shown, with its bytes, and goes: by a call, and by
# passes.  What anybody needs stays.  Bundles share the bytes that they have in
# common, and an app does not grow beyond its quota.

use warnings;
use strict;

use File::Find;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT zip /;
use Test::LiveUpdate::Store;

my $t = Test::LiveUpdate->new()->plan(65);

$t->write_file_expand('nginx.conf', <<'EOC');

%%TEST_GLOBALS%%

thread_pool  aside  threads=8;

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    liveupdate_store    store;
    liveupdate_tokens   tokens;
    liveupdate_threads  aside;

    server {
        listen  127.0.0.1:8080;

        liveupdate_keep   releases=2 time=0 rollback=1 failed=0 uploads=0
                          channels=1s every=1y;
        liveupdate_quota  4m;

        location /v1/ {
            liveupdate_api;
        }

        location /releases/ {
            liveupdate_releases;
        }

        location /status {
            liveupdate_status;
        }
    }

    server {
        listen  127.0.0.1:8081;

        liveupdate_approval  on;

        location /v1/ {
            liveupdate_api;
        }

        location /releases/ {
            liveupdate_releases;
        }
    }

    server {
        listen  127.0.0.1:8082;

        liveupdate_store  own;
        liveupdate_keep   every=1s;

        location /v1/ {
            liveupdate_api;
        }

        location /releases/ {
            liveupdate_releases;
        }
    }

    server {
        listen  127.0.0.1:8083;

        liveupdate_store  off;
        liveupdate_keep   off;

        location /v1/ {
            liveupdate_api;
        }

        location /releases/ {
            liveupdate_releases;
        }
    }
}

EOC

$t->run();

my $dir = $t->testdir() . '/store';
my $store = Test::LiveUpdate::Store->new($dir);

# the first pass comes a moment after the start, the next one a year later

wait_until { $t->read_file('error.log') =~ /cleanup of "\Q$dir\E"/ } 20;

my $app = $t->create_app('Shop');

$t->create_channel($app, $_) for qw/ production beta /;

# a history of bundles that have most of their bytes in common

my $logo = join '', map { chr(33 + int(rand(90))) } 1 .. 50000;
my $text = "a line of text\n" x 2000;

my @ids = map { publish('production', $_) } 1 .. 6;

my $reply = $t->api('GET', "/releases/$app/cleanup");

is($reply->{status}, 200, 'what would go');
is(goes($reply), join(' ', sort map { "$_ old" } @ids[0 .. 3]),
   'old ones, and why');
is_deeply($reply->{json}{stays}, { live => 1, rollback => 1 },
          'and why others stay');
is($reply->{json}{keep}, 'releases=2 time=0 rollback=1 failed=0 uploads=0 '
                         . 'channels=1s', 'the policy');
ok(!$reply->{json}{own}, 'is that of the server');
is($reply->{json}{quota}, 4 * 1024 * 1024, 'the quota');
ok(!$reply->{json}{ownQuota}, 'of the server, too');
is($reply->{json}{goes}{count}, 4, 'their number');

is(goes($t->api('GET', "/releases/$app/cleanup?keep=releases%3D5%20time%3D0"
                       . '%20rollback%3D0')),
   "$ids[0] old", 'another policy would let others go');
is($t->said($t->api('GET', "/releases/$app/cleanup?keep=releases%3Dx")),
   '422 "releases=x" must have a number from 0 to 100000', 'if it is one');

$reply = $t->api('GET', "/releases/$app/cleanup");

is(du(), $reply->{json}{bytes}, 'the bytes of the app are those of du');
is($t->api('GET', "/releases/$app/cleanup?limit=1")
   ->{json}{releases}[1], undef, 'page by page');

# the same file is one; the first bundle has it twice

ok((grep { inode($ids[5], 'files/logo.png') eq inode($ids[0], $_) }
    qw( files/logo.png files/copy.png )),
   'bytes that all bundles have are stored once');
is(inode($ids[5], 'gzip/text.txt.gz'), inode($ids[0], 'gzip/text.txt.gz'),
   'compressed ones as well');
isnt(inode($ids[5], 'files/index.html'), inode($ids[0], 'files/index.html'),
     'others are not');
is(inode($ids[5], 'files/copy.png'), inode($ids[5], 'files/logo.png'),
   'by their digests, not by their names');
is($t->read_file("store/live/$app/$ids[5]/files/logo.png"), $logo,
   'they are right');

# a file whose bytes have changed on the disk is not linked to

$t->write_file("store/live/$app/$ids[5]/files/logo.png",
               'x' . substr $logo, 1);

my $seventh = publish('production', 7);

is($t->read_file("store/live/$app/$seventh/files/logo.png"), $logo,
   'a damaged file does not spread');

$t->write_file("store/live/$app/$ids[5]/files/logo.png", $logo);
push @ids, $seventh;

# what goes frees what was said

$reply = $t->api('GET', "/releases/$app/cleanup");

my $before = du("live/$app");
my $says = $reply->{json}{goes}{bytes};

is($t->said($t->api('POST', "/releases/$app/cleanup", '', type => '')),
   '415 The body must be JSON, with the Content-Type application/json.',
   'no form of another site cleans up');
is($t->api('POST', "/releases/$app/cleanup", {}, token => 'publish')
   ->{status}, 403, 'nor does a publisher');

$reply = $t->api('POST', "/releases/$app/cleanup", {});

is_deeply($reply->{json}, { removed => 5, left => 0 }, 'cleaned up');
is(live(), join(' ', sort @ids[5, 6]), 'the others are there');
is($before - du("live/$app"), $says, 'as many bytes as was said');
is($t->latest($app, channelName => 'production')->{json}{bundleId}, $ids[6],
   'devices get what they got');
is($t->read_file("store/live/$app/$ids[5]/files/logo.png"), $logo,
   'a file whose other names have gone is there');

is(join(' ', map { "$_->{change} $_->{to}" }
             grep { $_->{change} eq 'release.cleanup' } audit()),
   join(' ', ('release.cleanup old') x 5), 'each has its audit entry');

is_deeply($t->api('POST', "/releases/$app/cleanup", {})->{json},
          { removed => 0, left => 0 }, 'and there is nothing left to do');

is($t->api('POST', "/releases/$app/rollback", { channel => 'production' })
   ->{status}, 200, 'a rollback is possible');
is($t->latest($app, channelName => 'production')->{json}{bundleId}, $ids[5],
   'to the release before');

# who has an old version of the app gets an older bundle

my $older = $ids[5];

publish('production', $_, limits => { minAndroidAppVersionCode => '5' })
    for 'l1', 'l2';

$t->api('POST', "/releases/$app/cleanup", {});

is($t->latest($app, channelName => 'production')->{json}{bundleId}, $older,
   'what old versions of the app get is there');

# a rollout, a forced device, a channel that has expired

my $old = publish('beta', 'b1');
my $new = publish('beta', 'b2', rollout => 0.5);

publish('beta', 'b3', rollout => 0.1);

my $preview = $t->create_channel($app, 'preview',
                                 fields => { expiresAt => time() * 1000 });
my $forced = $t->create_channel($app, 'forced',
                                fields => { expiresAt => time() * 1000 });
my $only = publish('preview', 'p1');
my $kept = publish('forced', 'f1');

$t->api('POST', "/v1/apps/$app/deployments",
        { appId => $app, appBuildId => undef, appChannelName => 'preview',
          appBundleId => $old });
$t->api('PATCH', "/v1/apps/$app/devices/0b3c8e1e-5b1a-4f0e-9a51-2f0e4d9b8a11",
        { forcedAppChannelId => $forced });

wait_until {
    $reply = $t->api('GET', "/releases/$app/cleanup");
    $reply->{json}{channels}[0]
} 10;

is_deeply($reply->{json}{channels}, ['preview'], 'a channel has expired');
is(goes($reply), "$only expired", 'with what only it had');

$t->api('POST', "/releases/$app/cleanup", {});

ok(!-e "$dir/live/$app/$only", 'that has gone');
ok(-e "$dir/live/$app/$old" && -e "$dir/live/$app/$new",
   'what a rollout falls back to has not');
ok(-e "$dir/live/$app/$kept", 'nor what a device is forced to');
is($t->api('GET', "/v1/apps/$app/channels/$preview")->{status}, 404,
   'the channel has gone');
is($t->api('GET', "/v1/apps/$app/channels/$forced")->{status}, 200,
   'the other one has not');

# uploads that nobody goes on with, and what was rejected

my $upload = $t->api('POST', "/v1/apps/$app/bundles",
                     { appId => $app, artifactType => 'zip',
                       channelName => 'beta' })->{json}{id};

my $staged = $t->publish($app, 'beta', zip('index.html' => 's'),
                         port => 8081)->{bundle};
my $rejected = $t->publish($app, 'beta', zip('index.html' => 'r'),
                           port => 8081)->{bundle};

$t->api('POST', "/releases/$app/$rejected/reject", { reason => 'no' });

is(goes($t->api('GET', "/releases/$app/cleanup")),
   join(' ', sort "$upload abandoned", "$rejected rejected"),
   'an upload, and a rejected release');

# a policy of its own

is($t->said($t->api('PATCH', "/releases/$app/cleanup",
                    { keep => 'releases=many' })),
   '422 "releases=many" must have a number from 0 to 100000',
   'a wrong policy');

$reply = $t->api('PATCH', "/releases/$app/cleanup",
                 { keep => 'uploads=1d failed=0', quota => 20_000_000 });

is_deeply([@{$reply->{json}}{qw/ keep own quota /}],
          ['uploads=1d failed=0', JSON::PP::true(), 20_000_000],
          'an app has its own');
is(goes($reply), "$rejected rejected", 'and keeps what it says');

$t->api('POST', "/releases/$app/cleanup", {});

ok(-e "$dir/staging/$app/$upload" && -e "$dir/staging/$app/$staged"
   && !-e "$dir/staging/$app/$rejected", 'it was followed');

# quotas

$t->api('PATCH', "/releases/$app/cleanup",
        { keep => 'off', quota => du() + 10_000 });

$reply = $t->publish($app, 'beta',
                     zip('index.html' => join '', map { rand() } 1 .. 10000))
    ->{reply};

like($t->said($reply), qr/^507 The app would take \d+ bytes .* its quota is/,
     'no bundle beyond the quota');
is($t->latest($app, channelName => 'production')->{json}{bundleId}, $ids[5],
   'devices are not concerned');

$t->api('PATCH', "/releases/$app/cleanup", { quota => undef });

ok($t->publish($app, 'beta',
               zip('index.html' => join '', map { rand() } 1 .. 10000))->{ok},
   'the quota of the server is larger');

# passes: the next one is due a year after the first, or if the clock was wrong

$t->api('PATCH', "/releases/$app/cleanup", { keep => undef });

publish('production', $_) for 8 .. 10;

utime time() + 1000, time() + 1000, "$dir/jobs/.cleanup";
$t->reload();

ok((wait_until { scalar(split ' ', live()) <= 7 } 30), 'a pass cleans up');
ok((wait_until { (stat "$dir/jobs/.cleanup")[9] <= time() } 10),
   'and is complete');

# what is damaged stays, is named, and keeps nothing else from going

publish('production', $_) for 11 .. 14;

my $ended = $t->create_channel($app, 'ended',
                               fields => { expiresAt => time() * 1000 });
my $last = publish('ended', 'e1');

wait_until {
    $reply = $t->api('GET', "/releases/$app/cleanup");
    $reply->{json}{channels}[0]
} 10;

my @goes = sort map { $_->{id} } @{$reply->{json}{releases}};
my ($first) = grep { $_ ne $last } @goes;
my %whole = map { $_ => $t->read_file("store/live/$app/$_/release.json") }
    $first, $last;

$t->write_file("store/live/$app/$_/release.json", '{') for $first, $last;

is_deeply($t->api('POST', "/releases/$app/cleanup", {})->{json},
          { removed => @goes - 2, left => 0,
            damaged => [sort $first, $last] }, 'damaged releases are named');
is(join(' ', grep { -e "$dir/live/$app/$_" } @goes),
   join(' ', sort $first, $last), 'they stay, and the others have gone');
is($t->api('GET', "/v1/apps/$app/channels/$ended")->{status}, 404,
   'as has the channel that has ended');
like($t->read_file('error.log'),
     qr!/live/$app/(?:$first|$last)/release\.json" failed!,
     'the log names a file');
is_deeply([map { @$_{qw/ id damaged /} }
           @{$t->api('GET', "/releases/$app/cleanup")->{json}{releases}}],
          [$first, JSON::PP::true()], 'what would go says so, too');

utime time() + 1000, time() + 1000, "$dir/jobs/.cleanup";
$t->reload();

ok((wait_until { (stat "$dir/jobs/.cleanup")[9] <= time() } 30),
   'a pass goes over it');
like($t->read_file('error.log'),
     qr!/live/$app/$first/release\.json" failed .*while cleaning up!,
     'and names it');

$t->write_file("store/live/$app/$_/release.json", $whole{$_})
    for $first, $last;

# the bytes that the status says

my ($bytes, $du);

ok((wait_until {
    ($bytes) = map { $_->{bytes} } grep { $_->{app} eq $app }
        @{$t->api('GET', '/status?format=json')->{json}{disk}{apps}};
    $du = du();

    defined $bytes && abs($bytes - $du) <= $du / 100
} 20), 'the status has the bytes of du');

is(($t->api('GET', '/status')->{body}
    =~ /^liveupdate_app_bytes\{app="$app"\} (\d+)$/m)[0], $bytes,
   'and so do the metrics');

$bytes //= 'none';
note("status $bytes, du $du");

is(join("\n", $store->check()), '', 'the store is whole');

# without a policy of the server, passes are over apps that have their own

my %staged = map { $_ => uploading($_) } 8082, 8083;
my $places = $t->testdir();

is(join(' ', grep { -e "$places/$_/jobs/.cleanup" } qw/ own off /), '',
   'no policy, and no pass');

for my $port (8082, 8083) {
    my $passes = $port == 8082 ? JSON::PP::true() : JSON::PP::false();

    $reply = $t->api('GET', '/releases/tool/cleanup', undef, port => $port);

    is($reply->{json}{passes}, JSON::PP::false(), "$port: the app has none");

    $reply = $t->api('PATCH', '/releases/tool/cleanup',
                     { keep => 'uploads=0' }, port => $port);

    is($reply->{json}{passes}, $passes, 'and then its own');
}

ok((wait_until { !-e "$places/own/staging/tool/$staged{8082}" } 20),
   'it is followed');
ok(-e "$places/off/staging/tool/$staged{8083}", 'unless passes are off');
ok(!-e "$places/off/jobs/.cleanup", 'then there is none');


sub uploading {
    my ($port) = @_;

    $t->api('POST', '/v1/apps', { name => 'tool', type => 'android',
                                  id => 'tool' }, port => $port);

    return $t->api('POST', '/v1/apps/tool/bundles',
                   { appId => 'tool', artifactType => 'zip' }, port => $port)
        ->{json}{id};
}


sub publish {
    my ($channel, $n, %opt) = @_;

    my $done = $t->publish($app, $channel, {
        'index.html' => "<title>$n</title>",
        'logo.png' => $logo,
        'copy.png' => $logo,
        'text.txt' => $text,
    }, bundle => { rolloutPercentage => $opt{rollout} // 1,
                   %{$opt{limits} || {}} });

    die $done->{reply}{raw} unless $done->{ok};

    return $done->{bundle};
}


sub goes {
    my ($reply) = @_;

    return join ' ', sort map { "$_->{id} $_->{why}" }
        @{$reply->{json}{releases}};
}


sub live {
    return join ' ', $store->names("live/$app");
}


sub inode {
    my ($id, $file) = @_;

    return (stat "$dir/live/$app/$id/$file")[1] // 'none';
}


sub audit {
    return @{$t->api('GET', "/releases/$app/audit?limit=1000")->{json}};
}


# The bytes of the app, or of a folder of the store, as du counts them.

sub du {
    my @places = @_ ? @_ : map { "$_/$app" } qw/ apps live staging feed /;
    my @found = grep { -e } map { "$dir/$_" } @places;

    my $kib = `du -sck @found | tail -1`;

    return 1024 * ($kib =~ /^(\d+)/)[0];
}
