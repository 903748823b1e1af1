#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# The id of a release may be a version, with dots and a plus, wherever an id is:
# in the store, in addresses, in rules and in lists.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT port /;
use Test::LiveUpdate::HTTP qw/ request /;
use Test::LiveUpdate::Release qw/ bytes_of manifest_of stage_dist /;
use Test::LiveUpdate::S3;
use Test::LiveUpdate::Store;

my $t = Test::LiveUpdate->new()->plan(27);

$ENV{APPROVAL} = 'on';

$t->config_reference(sub {
    s{(liveupdate_publish_s3  keys)}{$1 expects=latest.yml};
});

$t->run();

my $dir = $t->testdir();
my $address = '127.0.0.1:' . port(8080);
my $s3 = Test::LiveUpdate::S3->of($dir, $address);

$t->api('POST', '/v1/apps', { name => 'Shop', type => 'electron',
                              id => 'shop' });


# two versions that differ in one character

for my $version ('1.0.0-1', '1.0.0+1') {
    my $file = 'Setup ' . ($version =~ /\+/ ? 'plus' : 'minus') . '.exe';

    $s3->put("/shop/$version/" . $file =~ s/ /%20/r, bytes_of($file));
    is($s3->put("/shop/$version/latest.yml",
                manifest_of($version, $file))->{status}, 200, $version);
    is(release($version)->{state}, 'staged', 'is a release');
    is(release($version)->{id}, $version, 'with this id');
    is(change($version, 'promote')->{status}, 200, 'it is promoted');
    like(http_get('/desktop/shop/latest.yml'), qr/version: \Q$version\E$/m,
         'clients get it');
    like(http_get("/desktop/shop/latest-build-$version.yml"),
         qr/version: \Q$version\E$/m, 'also by its id');
    is(request('GET', $address, "/download/shop/builds/$version/windows",
               headers => ['User-Agent' => 'x'])->{body}, bytes_of($file),
       'and people');
}

is(release('1.0.0%2B1')->{id}, '1.0.0+1', 'an encoded plus');


# lists go on behind an id

my @ids;
my $after = '';

for (1 .. 3) {
    my $reply = $t->api('GET', "/releases/shop?limit=1$after");

    push @ids, map { $_->{id} } @{$reply->{json}};
    $after = '&after=' . ($reply->{headers}{'liveupdate-next'} // last);
}

is(join(' ', sort @ids), '1.0.0+1 1.0.0-1', 'each is listed once');


# rules, rollback, withdrawal

is(change('1.0.0-1', 'promote',
          { rollout => 0.5, confirm => \1 })->{status}, 200,
   'a share gets the other one');
is($t->api('POST', '/releases/shop/rollback', {}, token => 'approve')
   ->{status}, 200, 'and nobody again');
is(change('1.0.0+1', 'withdraw')->{status}, 200, 'one is withdrawn');
is($t->api('DELETE', '/releases/shop/1.0.0+1', undef, token => 'approve')
   ->{status}, 204, 'and deleted');


# by hand, rejected

is(stage_dist($t, 'shop', 'v2.0.0',
              { 'latest.yml' => ['2.0.0', 'S 2.0.0.exe'] })->{status}, 202,
   'a folder');
is(change('v2.0.0', 'reject', { reason => 'no' })->{status}, 200, 'rejected');

for my $id ('2.0.', '2..0', '2.0.lock', '.2') {
    is($t->api('POST', "/releases/shop/$id/stage", {}, token => 'publish')
       ->{status}, 404, "$id is no id");
}

is(join("\n", Test::LiveUpdate::Store->new("$dir/store")->check), '',
   'the store is sound');


sub release {
    my ($id) = @_;

    return $t->api('GET', "/releases/shop/$id")->{json};
}


sub change {
    my ($id, $what, $body) = @_;

    return $t->api('POST', "/releases/shop/$id/$what", $body // {},
                   token => 'approve');
}
