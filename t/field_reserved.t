#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# No release gets an id under which the API has something else: nobody could
# look at it, and a GET of the rules would not be one of the release.

use warnings;
use strict;

use File::Path qw/ make_path /;
use Test::More;

use Test::LiveUpdate;
use Test::LiveUpdate::ToDesktop;

my $t = Test::LiveUpdate->new()->plan(31);
my $td = Test::LiveUpdate::ToDesktop->new($t);
my $dir = $t->testdir() . '/store';

$td->configure(approval => 'on');
$t->run();

$t->api('POST', '/v1/apps', { id => 'app', name => 'x', type => 'electron' });

my $api = qr/the API uses this name/;

for my $id (qw/ audit github rollback rules /) {
    $t->refused(sub { post("app/$id/fetch") },
                qr/^422 "$id" cannot be the id of a release: $api/,
                "$id: fetch");
    $t->refused(sub { post("new/$id/fetch") }, qr/^422 .*$api/,
                "$id: fetch for a new app, which is not made");
    $t->refused(sub { $td->deliver($td->body($td->build(id => $id))) },
                qr/^400 "buildId" is a name that the API uses/,
                "$id: webhook, and no app is made");

    make_path("$dir/staging/app/$id/uploads");
    $t->write_file("store/staging/app/$id/uploads/latest.yml", "version: 1\n");
    system("chown -R --reference='$dir/apps' '$dir/staging/app/$id'");

    $t->refused(sub { post("app/$id/stage") }, qr/^422 "$id" .*$api/,
                "$id: stage");
    ok(-e "$dir/staging/app/$id/uploads/latest.yml", 'its files stay');
    is($t->api('GET', "/releases/app/$id", undef, token => 'read')->{status},
       $id eq 'rollback' ? 404 : 200, 'the path is the API\'s');
}

# others are free

for my $id ('Audit', 'rules1', 'latest', 'promote') {
    is(post("app/$id/fetch")->{status}, 202, "\"$id\" is an id like another");
}

# one of an older version is still listed

make_path("$dir/live/app/audit");
$t->write_file('store/live/app/audit/release.json',
               '{"id":"audit","app":"app","kind":"desktop","state":"staged"}');
system("chown -R --reference='$dir/apps' '$dir/live/app/audit'");

my $list = $t->api('GET', '/releases/app', undef, token => 'read');

is($list->{status}, 200, 'releases are listed');
ok((grep { $_->{id} eq 'audit' } @{$list->{json}}), 'also an old one');
is($t->api('GET', '/releases/app/audit', undef, token => 'read')->{status},
   200, 'the audit log is told');

$t->stop();


sub post {
    my ($path) = @_;

    return $t->api('POST', "/releases/$path", {}, token => 'publish');
}
