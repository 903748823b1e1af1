#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# What other tests rely on: whatever is wrong in a store, the checker sees it.
# And what a crash may leave, nginx puts in order by itself.

use warnings;
use strict;

use Test::More;

use File::Path qw/ make_path remove_tree /;

use Test::LiveUpdate qw/ json_decode json_encode zip /;
use Test::LiveUpdate::Store;

my $t = Test::LiveUpdate->new();

$t->config_reference();
$t->run();

my $dir = $t->testdir();
my $app = $t->create_app('store');

$t->create_channel($app, 'production');
$t->create_channel($app, 'beta');

my %files = ('index.html' => 'x' x 500, 'a/b.js' => 'y' x 500, 'c' => '');

my $zip = $t->publish($app, 'production', zip(%files))->{bundle};
my $manifest = $t->publish($app, 'production', \%files)->{bundle};
my $url = $t->api('POST', "/v1/apps/$app/bundles", {
    artifactType => 'zip', url => 'https://example.com/x.zip',
    channelName => 'production',
})->{json}{id};
my $staged = bundle();
my $failed = bundle();

$t->upload($app, $staged, zip(%files));
$t->upload($app, $failed, 'no zip');
$t->api('PATCH', "/v1/apps/$app/bundles/$failed",
        { artifactStatus => 'ready' });
$t->api('PATCH', "/v1/apps/$app/devices/x",
        { forcedAppChannelId => channel('beta') });

my $channels = json("apps/$app/app.json")->{channels};
my ($upload) = glob "$dir/store/staging/$app/$staged/uploads/*.json";
my $rename = sub { rename "$dir/copy/$_[0]", "$dir/copy/$_[1]" or die "$!\n" };

my $name = "live/$app/$manifest";

# what is done to a copy, and what is said then

my @wrong = (
    [qr/app.json: it is no JSON/, sub { cut("apps/$app/app.json") }],
    [qr/it says to be "other"/, app_is(id => 'other')],
    [qr/no generation/, app_is(generation => -1)],
    [qr/no nextBuildNumber/, app_is(nextBuildNumber => undef)],
    [qr/will be given away again/, app_is(nextBuildNumber => 2)],
    [qr/the default channel is none/, app_is(appChannelId => 'none')],
    [qr/"x" is forced to no channel/, app_is(forcedDevices => { x => 'y' })],
    [qr/channel "beta" is there twice/,
     app_is(channels => [@$channels, $channels->[-1]])],
    [qr/deployment .* is there twice/,
     app_is(forcedDevices => {}, channels => [map { {
         %$_, name => "x$_->{name}",
         id => $_->{id} =~ s/^./0/r =~ s/^0/$_->{name} =~ m{^p} ? 1 : 2/er,
     } } @$channels[1, 1]], appChannelId => undef)],
    [qr/release .* is not live/, sub { remove($name) }],
    [qr/says nothing of generation 2/, sub {
        change("apps/$app/audit.log", sub { s/^.*"generation":2\}\n//m })
    }],
    [qr/audit.log: no JSON/, sub {
        change("apps/$app/audit.log", sub { s/^/x/ })
    }],
    [qr/is ahead of generation/, app_is(generation => 1)],
    [qr/"x" has no place in a store/, sub { add('x') }],

    [qr/release.json: it is missing/, sub { remove("$name/release.json") }],
    [qr/files.json: it is missing/, sub { remove("$name/files.json") }],
    [qr/files.json: it is no JSON/, sub { cut("$name/files.json") }],
    [qr/"c" is missing/, sub { remove("$name/files/c") }],
    [qr/"index.html" is not what files.json says/,
     sub { cut("$name/files/index.html") }],
    [qr/"a\/b.js" is not what files.json says/,
     sub { change("$name/files/a/b.js", sub { s/y/z/ }) }],
    [qr/twin of "index.html"/, sub { cut("$name/gzip/index.html.gz") }],
    [qr/twin of "index.html"/, sub { remove("$name/gzip/index.html.gz") }],
    [qr/twin of "a\/b.js"/,
     sub { change("$name/gzip/a/b.js.gz", sub { $_ .= 'x' }) }],
    [qr/"x" is too much/, sub { add("$name/x") }],
    [qr/"files\/more" is too much/, sub { add("$name/files/more") }],
    [qr/"uploads\/" is too much/, sub { make_path("$dir/copy/$name/uploads") }],
    [qr/"gzip\/c.gz" is too much/, sub { add("$name/gzip/c.gz") }],
    [qr/the state is "uploading"/, release_is($manifest, state => 'uploading')],
    [qr/bytes instead of 1/, release_is($manifest, size => 1)],
    [qr/have number 1/, release_is($manifest, number => 1)],
    [qr/has no number/, release_is($manifest, number => 'x')],
    [qr/it says to be/, release_is($manifest, id => $zip)],
    [qr/the checksum is not that/, release_is($zip, checksum => '0' x 64)],
    [qr/one of channel and deployment/, release_is($zip, channel => undef)],
    [qr/of a registered bundle/, sub { add("live/$app/$url/files.json") }],
    [qr/is no UUID/, sub { $rename->("live/$app/$url", "live/$app/x") }],
    [qr/the id is also in use/, sub {
        make_path("$dir/copy/live/other");
        $rename->("live/$app/$url", "live/other/$staged");
    }],

    [qr/nobody can lock it/, sub { remove("staging/$app/$staged/lock") }],
    [qr/uploads: it is missing/,
     sub { remove("staging/$app/$staged/uploads") }],
    [qr/uploads\/x: it has no place there/,
     sub { add("staging/$app/$staged/uploads/x") }],
    [qr/\.json: it is no JSON/, sub {
        cut(substr $upload, length "$dir/store/");
    }],
    [qr/no reason for the failure/, sub {
        change_json("staging/$app/$failed/release.json", reason => undef);
    }],
    [qr/staging.*the state is "live"/, sub {
        change_json("staging/$app/$staged/release.json", state => 'live');
    }],
    [qr/is gone, but not all of it/, sub { remove("apps/$app") }],
);

# what is no harm, and is put in order by nginx

my @left = (
    ['nothing', sub {}],
    ['half a line in the log', sub {
        change("apps/$app/audit.log", sub { $_ .= '{"at":"2030-' })
    }],
    ['a line that nothing came of', sub {
        change("apps/$app/audit.log", sub {
            my ($last) = /^(.*)\n\z/m;
            $last =~ s/"generation":(\d+)/'"generation":' . ($1 + 1)/e;
            $_ .= "$last\n";
        });
    }],
    ['live, but nobody was told', sub {
        my $channel = json("apps/$app/app.json", 'copy')->{channels};

        @{$_->{deployments}} = grep { $_->{release} ne $url }
            @{$_->{deployments}} for @$channel;

        change_json("apps/$app/app.json", channels => $channel);
    }],
    ['verified, and not cleaned up', sub {
        $rename->("live/$app/$zip", "staging/$app/$zip");
        change_json("apps/$app/app.json", forcedDevices => {}, channels => []);
        change_json("apps/$app/app.json", appChannelId => undef);
        make_path("$dir/copy/staging/$app/$zip/uploads");
        add("staging/$app/$zip/lock");
    }],
);

$t->plan(2 * @wrong + @left + 11);
$t->stop();

for (@wrong) {
    my ($re, $do) = @$_;

    remake();
    $do->();

    my @said = Test::LiveUpdate::Store->new("$dir/copy")
        ->check(unfinished => 0);

    ok(scalar @said, "it sees that something is wrong: $re");
    like(join("\n", @said), $re, 'and what');
}

for (@left) {
    my ($what, $do) = @$_;

    remake();
    $do->();

    is(join("\n", Test::LiveUpdate::Store->new("$dir/copy")->check()), '',
       "no harm: $what");
}

# a table that changes

remake();

my $store = Test::LiveUpdate::Store->new("$dir/copy");

$store->check();
remove("live/$app/$manifest");
make_path("$dir/copy/live/$app/$manifest");
system("cp -a '$dir/copy/live/$app/$zip/.' '$dir/copy/live/$app/$manifest'");
like(join("\n", $store->check()), qr/it was another before/,
     'bytes must not change behind a name');

# a line that was cut short

$store = Test::LiveUpdate::Store->new("$dir/store");

append("apps/$app/audit.log", '{"at":"2030-01-01T00:00:00.000Z","by":"');
$t->run();
$t->create_channel($app, 'after');
is(join("\n", $store->check()), '', 'the next line begins behind half a one');

# what was live when a crash came

my $deployments = () = $store->deployments($app);
my $bundle = bundle();

$t->upload($app, $bundle, zip(%files, new => 1));

my $before = $t->read_file("store/apps/$app/app.json");

is(ready($bundle)->{status}, 200, 'a bundle is ready');
$t->write_file("store/apps/$app/app.json", $before);
is(join("\n", $store->check()), '', 'nobody was told of it');
is(ready($bundle)->{status}, 200, 'the same call again');
is(scalar(() = $store->deployments($app)), $deployments + 1,
   'is one more deployment');
is(join("\n", $store->check()), '', 'the store is whole');

# an app that was not deleted wholly

remove_tree("$dir/store/apps/$app");
is($t->api('DELETE', "/v1/apps/$app")->{status}, 204,
   'what is left of an app is deleted');
is(join("\n", $store->check(unfinished => 0)), '', 'the store is whole');

# ... and is made anew

my $id = $t->create_app('again');

$t->publish($id, undef, zip(%files));
rename "$dir/store/apps/$id", "$dir/store/apps/.deleted.$id"
    or die "cannot rename: $!\n";
is($t->api('POST', '/v1/apps', { id => $id, name => 'again' })->{status}, 201,
   'an app of the same id');
is(join(' ', $store->names("live/$id"), $store->names("staging/$id")), '',
   'has nothing of the old one');


# -- copies ------------------------------------------------------------------

sub remake {
    remove_tree("$dir/copy");
    system("cp -a '$dir/store' '$dir/copy'") == 0 or die "cannot copy\n";
}


sub change {
    my ($path, $code) = @_;

    local $_ = $t->read_file("copy/$path");

    $code->();
    $t->write_file("copy/$path", $_);
}


sub change_json {
    my ($path, %members) = @_;

    my $json = { %{json($path, 'copy')}, %members };

    delete @$json{grep { !defined $json->{$_} && $_ ne 'appChannelId' }
                  keys %$json};

    $t->write_file("copy/$path", json_encode($json));
}


sub app_is {
    my (@members) = @_;

    return sub { change_json("apps/$app/app.json", @members) };
}


sub release_is {
    my ($release, @members) = @_;

    return sub { change_json("live/$app/$release/release.json", @members) };
}


sub cut {
    my ($path) = @_;

    change($path, sub { $_ = substr $_, 0, length() / 2 });
}


sub remove {
    my ($path) = @_;

    -e "$dir/copy/$path" or die "there is no $path\n";
    remove_tree("$dir/copy/$path");
}


sub add {
    my ($path) = @_;

    $t->write_file("copy/$path", '');
}


sub append {
    my ($path, $text) = @_;

    $t->write_file("store/$path", $t->read_file("store/$path") . $text);
}


sub json {
    my ($path, $where) = @_;

    return json_decode($t->read_file(($where // 'store') . "/$path"));
}


# -- calls -------------------------------------------------------------------

sub bundle {
    return $t->api('POST', "/v1/apps/$app/bundles",
                   { artifactType => 'zip', channelName => 'production' })
        ->{json}{id};
}


sub ready {
    my ($release) = @_;

    return $t->api('PATCH', "/v1/apps/$app/bundles/$release",
                   { artifactStatus => 'ready' });
}


sub channel {
    my ($channel) = @_;

    return $t->api('GET', "/v1/apps/$app/channels?name=$channel")
        ->{json}[0]{id};
}
