#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Files that are missing after a partial restore, or for a moment on a network
# file system: nothing else is removed because of that, the answer says what is
# missing, and once it is back, all is as before.

use warnings;
use strict;

use File::Path qw/ make_path remove_tree /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT zip /;
use Test::LiveUpdate::Store;
use Test::LiveUpdate::ToDesktop;

my $t = Test::LiveUpdate->new()->plan(65);
my $td = Test::LiveUpdate::ToDesktop->new($t);
my $app = $td->{app};
my $dir = $t->testdir() . '/store';

$td->configure(approval => 'off', fetch => 'retry=100ms tries=50');
$t->run();

my $store = Test::LiveUpdate::Store->new($dir);

# a desktop app: one release is live, one is failed and one was put there

my $live = build();
my $failed = build();

$td->deliver($live);
$td->becomes($live, 'live', 'a live release');
$td->{origin}->script(qr/AppImage$/ => { status => 404 });
$td->deliver($failed);
$td->wait_state($failed, 'failed');
$td->{origin}->script();
put("staging/$app/placed/uploads/latest.yml", 'version: 9.0.0');

my $version = $td->latest();
my $audit = text("apps/$app/audit.log");
my $new = build();
my $lost = qr{^409\ "apps/$app/app\.json"\ is\ missing,
              \ but\ "apps/$app"\ has\ files\ .*restore\ it\ from\ a\ backup}x;

away("apps/$app/app.json");

for (
    [ 'webhook', sub { $td->deliver($new) } ],
    [ 'fetch', sub { call('POST', "/releases/$app/new/fetch") } ],
    [ 'create', sub { create($app) } ],
    [ 'stage', sub { call('POST', "/releases/$app/placed/stage") } ],
    [ 'promote', sub { call('POST', "/releases/$app/$live->{id}/promote") } ],
    [ 'withdraw', sub { call('POST', "/releases/$app/$live->{id}/withdraw") } ],
    [ 'delete', sub { call('DELETE', "/releases/$app/$failed->{id}") } ],
    [ 'rules', sub { call('PUT', "/releases/$app/rules") } ],
    [ 'list', sub { call('GET', "/releases/$app") } ],
    [ 'app', sub { call('GET', "/v1/apps/$app") } ],
    [ 'channel', sub { call('POST', "/v1/apps/$app/channels",
                            { name => 'beta' }) } ],
    [ 'bundle', sub { call('POST', "/v1/apps/$app/bundles",
                           { artifactType => 'zip' }) } ],
) {
    my ($name, $call) = @$_;

    $t->refused($call, $lost, "no app.json: $name");
}

is(call('GET', '/v1/apps')->{status}, 200, 'the other apps are listed');

back("apps/$app/app.json");
ok((wait_until { $td->latest() eq $version } 10), 'it is back as it was');
is(text("apps/$app/audit.log"), $audit, 'with its audit log');
is(join("\n", $td->wrong_files($live)), '', 'with its files');
is(text("staging/$app/placed/uploads/latest.yml"), 'version: 9.0.0',
   'with what was put there');
is($td->deliver($new)->{status}, 202, 'a delivery is taken again');
$td->becomes($new, 'live', 'and goes its way');

# a mobile app, of which one folder at a time is all that is left

my $mobile = $t->create_app('mobile');
my $bundle = $t->publish($mobile, undef, zip('index.html' => 'x'))->{bundle};
my $staged = call('POST', "/v1/apps/$mobile/bundles",
                  { artifactType => 'zip' })->{json}{id};

for (
    [ 'apps', "apps/$mobile/app.json", "live/$mobile", "staging/$mobile" ],
    [ 'live', "apps/$mobile", "staging/$mobile" ],
    [ 'staging', "apps/$mobile", "live/$mobile" ],
) {
    my ($place, @gone) = @$_;

    away($_) for @gone;

    $t->refused(sub { create($mobile) },
                qr/^409 .* but "\Q$place\/$mobile\E" has files/,
                "only $place is left");
    $t->refused(sub { $td->deliver(build(app => $mobile)) },
                qr/^409 .* but "\Q$place\/$mobile\E" has files/,
                "only $place is left: webhook");

    back($_) for reverse @gone;

    is($t->latest($mobile)->{json}{bundleId}, $bundle, 'restored');
}

ok(-e "$dir/staging/$mobile/$staged/release.json", 'the upload is there');

put("feed/feed-only/Setup.exe", 'of an app that is lost');
$t->refused(sub { create('feed-only') }, qr/^409 .*"feed\/feed-only" has files/,
            'only feed is left');

# what is no loss

mkdir "$dir/$_/empty" for qw/ apps live staging feed /;
put('apps/empty/lock', '');
owned('apps/empty', 'apps/empty/lock', 'live/empty', 'staging/empty');
is(create('empty')->{status}, 201, 'empty folders are taken');

put('staging/before/r1/uploads/latest.yml', 'version: 1.0.0');
owned('staging/before', 'staging/before/r1', 'staging/before/r1/uploads');
like($t->said(call('POST', '/releases/before/r1/stage')), qr/^404 App not/,
     'files for an app that is not there yet');
is(create('before')->{status}, 201, 'is made');
is(text('staging/before/r1/uploads/latest.yml'), 'version: 1.0.0',
   'and has them');
is(create('before')->{status}, 409, 'it is there');

# a deletion that was cut short: it was begun, and may be ended

for my $end ('create', 'DELETE', 'webhook') {
    my $id = "cut-$end";

    create($id);
    call('POST', "/v1/apps/$id/channels", { name => 'old' });
    my $number = $t->publish($id, undef, zip('index.html' => 'y'))->{bundle};
    put("jobs/$id.r1", '');
    put("jobs/$id-2.r1", '');

    rename "$dir/apps/$id", "$dir/apps/.deleted.$id" or die "rename: $!\n";

    is(call('GET', "/v1/apps/$id")->{status}, 404, "$end: it is deleted");

    if ($end eq 'DELETE') {
        is(call('DELETE', "/v1/apps/$id")->{status}, 204, 'again');
        is(call('DELETE', "/v1/apps/$id")->{status}, 404, 'it was the last');

    } elsif ($end eq 'create') {
        is(create($id)->{status}, 201, 'another one takes its place');
        is(scalar @{call('GET', "/v1/apps/$id/channels")->{json}}, 1,
           'and has nothing of it');

    } else {
        my $build = build(app => $id);

        is($td->deliver($build)->{status}, 202, 'a delivery takes its place');
        $td->becomes($build, 'live', 'and is fetched');
    }

    ok(!-e "$dir/live/$id/$number", 'its release has gone');
    ok(!-e "$dir/apps/.deleted.$id", 'and the mark');
    is(join(' ', grep { /^\Q$id/ } $td->jobs()), "$id-2.r1",
       'and its jobs, not those of others');
    unlink "$dir/jobs/$id-2.r1";
}

# an app that was restored after its deletion was cut short

create('restored');
$bundle = $t->publish('restored', undef, zip('index.html' => 'z'))->{bundle};
make_path("$dir/apps/.deleted.restored");
put('apps/.deleted.restored/app.json', '{}');
owned('apps/.deleted.restored', 'apps/.deleted.restored/app.json');
is(create('restored')->{status}, 409, 'a restored app is there');
is($t->latest('restored')->{json}{bundleId}, $bundle, 'with its releases');
is(call('DELETE', '/v1/apps/restored')->{status}, 204, 'and can be deleted');
ok(!-e "$dir/apps/.deleted.restored" && !-e "$dir/live/restored",
   'completely');

# a job whose release is missing

$td->{origin}->script(qr/AppImage$/ => { status => 500 });

my $later = build();

$td->deliver($later);
ok((wait_until { $td->release($later)->{attempts} } 10), 'a fetch has to wait');
$t->stop();
away("staging/$app/$later->{id}");
$t->run();
$td->{origin}->script();

my $next = build();

$td->deliver($next);
$td->becomes($next, 'live', 'other builds are fetched meanwhile');
is(join(' ', $td->jobs()), "$app.$later->{id}", 'its job is still there');
back("staging/$app/$later->{id}");
$td->becomes($later, 'live', 'and goes on when it is back');

# files that no release describes

$td->{origin}->script(qr/AppImage$/ => { status => 404 });
$failed = build();
$td->deliver($failed);
$td->wait_state($failed, 'failed');
$td->{origin}->script();
put("staging/$app/$failed->{id}/uploads/kept.txt", 'kept');
away("staging/$app/$failed->{id}/release.json");
$t->refused(sub { $td->deliver($failed) },
            qr/^409 The folder of the release in staging has files, but no/,
            'files without a release.json are kept');
is(text("staging/$app/$failed->{id}/uploads/kept.txt"), 'kept', 'they are');
back("staging/$app/$failed->{id}/release.json");
is($td->deliver($failed)->{status}, 202, 'with it they are those of a build');

$t->stop();


sub build {
    return $td->build(platforms => [ 'linux' ], size => 500, @_);
}


sub call {
    my ($method, $uri, $body) = @_;

    $body //= {} if $method ne 'GET' && $method ne 'DELETE';

    my $role = $uri !~ m{^/releases} ? 'admin'
               : $uri =~ m{/(?:fetch|stage)$} ? 'publish' : 'approve';

    return $t->api($method, $uri, $body, token => $role);
}


sub create {
    my ($id) = @_;

    return call('POST', '/v1/apps', { id => $id, name => $id });
}


sub text {
    my ($name) = @_;

    return $t->read_file("store/$name");
}


sub put {
    my ($name, $text) = @_;

    make_path("$dir/" . $name =~ s{/[^/]*$}{}r);
    $t->write_file("store/$name", $text);
}


# As if nginx had made them.

sub owned {
    my $uid = (stat "$dir/jobs")[4];

    chown $uid, -1, map { "$dir/$_" } @_;
}


sub away {
    my ($name) = @_;

    make_path("$dir.away/" . $name =~ s{/[^/]*$}{}r);
    rename "$dir/$name", "$dir.away/$name" or die "rename $name: $!\n";
}


sub back {
    my ($name) = @_;

    rename "$dir.away/$name", "$dir/$name" or die "rename $name: $!\n";
}
