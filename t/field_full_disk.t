#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# A full disk can be emptied through the API: with no block left, with no inode
# left, and with neither, bundles, desktop releases and whole apps are deleted.
# Nothing else is done with the space that is kept for that.

use warnings;
use strict;

use File::Path qw/ make_path remove_tree /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT machine zip /;
use Test::LiveUpdate::Dist qw/ manifest upload /;
use Test::LiveUpdate::Store;

my $t = Test::LiveUpdate->new();
my $dir = $t->testdir() . '/store';
my $mounted;

$t->skip_all('only root can mount a small disk') if $> != 0;

mount() or $t->skip_all('cannot mount a small disk here');

$t->plan(51);
$t->config_reference();
$t->run();

my $store = Test::LiveUpdate::Store->new($dir);
my $noise = join '', map { pack 'L', int rand 4294967296 } 1 .. 20_000;
my $app = $t->create_app('full');
my $full = qr/^507 The disk of the server is full/;

$t->create_channel($app, 'production');

for my $how ('blocks', 'inodes', 'both') {

    my @bundles = map { publish($app, $_) } 1 .. 4;
    my $waiting = $t->api('POST', "/v1/apps/$app/bundles",
                          { artifactType => 'zip' })->{json}{id};
    my $desktop = rejected();
    my $live = desktop();
    my $held = rejected();
    my $whole = $t->create_app('whole');

    publish($whole, 'w');

    fill($how);

    is(told(), $bundles[3], "$how: devices are told of the newest");
    like($t->said($t->api('POST', "/v1/apps/$app/channels",
                          { name => "no-$how" })),
         $full, "$how: no space for a channel");

    my $lines = $store->audit($app);

    is(remove("/v1/apps/$app/bundles/$bundles[3]"), 204,
       "$how: the bundle that is deployed is deleted");
    is(told(), $bundles[2], 'devices are told of the one before');
    is(remove("/v1/apps/$app/bundles/$bundles[3]"), 404, 'it has gone');
    is($store->audit($app) - $lines, 1, 'the log says so once');

    fill($how);
    is(remove("/v1/apps/$app/bundles/$bundles[0]"), 204,
       "$how: an older one");

    fill($how);
    is(remove("/v1/apps/$app/bundles/$waiting"), 204, "$how: an upload");

    fill($how);
    is(remove("/releases/desktop/$desktop"), 204, "$how: a desktop release");

    fill($how);
    is(decide("$live/withdraw"), 200, "$how: what is live is withdrawn");

    fill($how);
    is(decide("$held/reject"), 200, "$how: what waits is rejected");

    fill($how);
    is(remove("/v1/apps/$whole"), 204, "$how: an app");
    ok(!-e "$dir/$_/$whole", "nothing of it is left in $_") for qw/ live /;

    empty();

    ok(publish($app, "$how again"), 'there is space again');
    ok(-s "$dir/.reserve.0", 'and a reserve');
}

is(join("\n", $store->check(unfinished => 0)), '', 'the store is whole');
is(join("\n", $store->temporary()), '', 'nothing is left in tmp');

# the reserve grows with the app

my $before = -s "$dir/.reserve.0";

$t->api('PATCH', "/v1/apps/$app/devices/device-$_",
        { forcedAppChannelId => channel() }, token => 'publish')
    for 1 .. 600;

my $size = -s "$dir/apps/$app/app.json";

SKIP: {
    skip 'the app is small', 1 if $size < 30_000;

    cmp_ok(-s "$dir/.reserve.0", '>', 2 * $size, 'there is room for a larger '
           . 'app.json');
}

# without a reserve, nothing is lost

unlink map { "$dir/.reserve.$_" } 0 .. 3;

my $last = publish($app, 'last');

unlink map { "$dir/.reserve.$_" } 0 .. 3;
fill('both');

my $said = $t->said($t->api('DELETE', "/v1/apps/$app/bundles/$last"));

like($said, $full, 'without a reserve it is refused');
is(told(), $last, 'and nothing has changed');
empty();
is(remove("/v1/apps/$app/bundles/$last"), 204, 'with space it is deleted');

$t->stop();


END {
    umount() if $mounted;
}


sub mount {
    make_path($dir);

    $mounted = system("mount -t tmpfs -o size=4m,nr_inodes=600,mode=755 none"
                      . " '$dir' 2>/dev/null") == 0;

    return $mounted;
}


sub umount {
    local $?;

    # what was in there must not be looked for any more
    system("umount -l '$dir'");
    $mounted = 0;
}


# What lies in the folder of nginx's bodies is none of the store's.

sub fill {
    my ($how) = @_;

    my $n = 0;

    make_path(filler());

    if ($how ne 'inodes') {
        open my $fh, '>>:raw', filler() . '/blocks' or die "$!\n";
        1 while syswrite($fh, 'x' x 4096);
        close $fh;
    }

    if ($how ne 'blocks') {
        $n++ while -e filler() . "/$n";
        $n++ while open my $fh, '>', filler() . "/$n";
    }
}


sub filler {
    return "$dir/tmp/" . machine() . '/body/filler';
}


sub empty {
    remove_tree(filler());
}


sub publish {
    my ($id, $text) = @_;

    my $channel = $id eq $app ? 'production' : undef;
    my $published = $t->publish($id, $channel,
                                zip('index.html' => $text, noise => $noise));

    diag($t->said($published->{reply})) unless $published->{ok};

    return $published->{bundle};
}


# A desktop release that was rejected, in an app of its own.

my $releases;

sub rejected {
    my $id = 'r' . ++$releases;

    $t->api('POST', '/v1/apps', { id => 'desktop', name => 'desktop',
                                  type => 'electron' });
    make_path("$dir/staging/desktop/$id/uploads");
    $t->write_file("store/staging/desktop/$id/uploads/latest.yml", 'version');
    system("chown -R --reference='$dir/apps' '$dir/staging/desktop/$id'");
    $t->api('POST', "/releases/desktop/$id/stage", {}, token => 'publish');

    return $id;
}


# One that is live.

sub desktop {
    my $id = 'r' . ++$releases;
    my %files = ("Setup $id.exe" => $id);

    upload($t, 'desktop', $id, { %files,
        'latest.yml' => manifest("1.0.$releases", \%files) });
    system("chown -R --reference='$dir/apps' '$dir/staging/desktop/$id'");

    $t->api('POST', "/releases/desktop/$id/stage", {}, token => 'publish');
    $t->api('POST', "/releases/desktop/$id/promote", {}, token => 'approve');

    return $id;
}


sub decide {
    my ($path) = @_;

    my $reply = $t->api('POST', "/releases/desktop/$path",
                        { reason => 'the disk is full' }, token => 'approve');

    diag($t->said($reply)) if $reply->{status} >= 400;

    return $reply->{status};
}


sub remove {
    my ($uri) = @_;

    my $reply = $t->api('DELETE', $uri, undef,
                        token => $uri =~ m{^/v1} ? 'admin' : 'approve');

    diag($t->said($reply)) if $reply->{status} >= 409;

    return $reply->{status};
}


sub told {
    return $t->latest($app, channelName => 'production')->{json}{bundleId};
}


sub channel {
    return $store->app($app)->{channels}[0]{id};
}
