#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# What is remembered of an app's bytes and its quota is not wrong for long, even
# if a thread or machine that has measured it before writes that down late.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate;
use Test::LiveUpdate::Release qw/ stage_dist /;
use Test::LiveUpdate::Store;

my $t = Test::LiveUpdate->new()->plan(11);

$t->write_file_expand('nginx.conf', <<'EOC');

%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    liveupdate_store     store;
    liveupdate_tokens    tokens;
    liveupdate_approval  on;

    server {
        listen  127.0.0.1:8080;

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
my $logo = join '', map { chr(33 + int(rand(90))) } 1 .. 200_000;

my $app = $t->create_app('Shop');

$t->create_channel($app, 'production');

my $first = publish('one');

$t->api('POST', "/releases/$app/$first/promote", {});

# the second release waits, and half of each file in live/ is its own

my $second = publish('two');

is((stat "$dir/live/$app/$first/files/logo.png")[3], 2,
   'a release that waits has a file that is live');

is(bytes(), du(), 'both together are what du says');

calm();

is(bytes(), du(), 'and later, when it is remembered');

my $before = usage();

$t->api('DELETE', "/v1/apps/$app/bundles/$second");

usage($before);

is(bytes(), du(), 'without it the file counts again');

# what nobody has seen

calm();
bytes();

my @usage = split / /, usage();

link "$dir/live/$app/$first/files/logo.png", "$dir/tmp/other";

is(bytes(), du(), 'a name that is nowhere in the app is not looked for');

$usage[3] -= 3600;
usage("@usage");

cmp_ok(bytes(), '<', du(), 'but is found within an hour');

unlink "$dir/tmp/other";

# quotas

$before = usage();

$t->api('PATCH', "/releases/$app/cleanup", { quota => 100_000 });

usage($before);

is($t->api('GET', "/releases/$app/cleanup")->{json}{quota}, 100_000,
   'a quota that was changed');

usage($before);

like($t->said($t->publish($app, 'production', { 'a.txt' => 'a' })->{reply}),
     qr/^507 .*its quota is 100000/, 'holds');

$t->api('PATCH', "/releases/$app/cleanup", { quota => undef });

ok(publish('three'), 'and ends');

# a desktop release has a second name for each file, in the feed

$app = 'desk';
$t->api('POST', '/v1/apps', { name => 'Desk', type => 'electron', id => $app });

for my $id (qw/ 1.0.0 1.1.0 /) {
    stage_dist($t, $app, $id, { 'latest.yml' => [ $id,
        [ "App-$id.exe", "App-$id.exe", $logo ] ] });
    $t->api('POST', "/releases/$app/$id/promote", {});
}

calm();
bytes();
is(bytes(), du(), 'what is in the feed');
$before = usage();
$t->api('POST', "/releases/$app/1.1.0/withdraw", {});
usage($before);
is(bytes(), du(), 'what was taken out of it');


sub publish {
    my ($n) = @_;

    my $done = $t->publish($app, 'production', {
        'index.html' => "<title>$n</title>", 'logo.png' => $logo });

    die $done->{reply}{raw} unless $done->{ok};

    return $done->{bundle};
}


sub bytes {
    return $t->api('GET', "/releases/$app/cleanup")->{json}{bytes};
}


# Makes the last change an old one.

sub calm {
    my $at = time() - 60 - int rand 1000;

    utime $at, $at, grep { -e } map { "$dir/$_/$app" } qw/ live feed /
        or die "utime: $!";
}


sub usage {
    my ($text) = @_;

    my $path = "$dir/apps/$app/.usage";

    if (defined $text) {
        open my $fh, '>', $path or die "$path: $!";
        print $fh $text;
    }

    open my $fh, '<', $path or die "$path: $!";

    return join '', <$fh>;
}


sub du {
    my $kib = `du -sck @{[ grep { -e }
        map { "$dir/$_/$app" } qw/ apps live staging feed / ]} | tail -1`;

    return 1024 * ($kib =~ /^(\d+)/)[0];
}
