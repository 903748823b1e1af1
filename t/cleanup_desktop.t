#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Desktop releases that a policy lets go: the real electron-updater gets no more
# than what has changed from those whose blockmaps stay, and the whole file from
# those that have gone.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_encode /;
use Test::LiveUpdate::Clock;
use Test::LiveUpdate::Fault;
use Test::LiveUpdate::Release qw/ stage_dist /;
use Test::LiveUpdate::Store;
use Test::LiveUpdate::Updater;

my $t = Test::LiveUpdate->new();
my $fault = Test::LiveUpdate::Fault->new($t);
my $clock = Test::LiveUpdate::Clock->new($t);
my $updater = Test::LiveUpdate::Updater->new($t);

$t->env(LD_PRELOAD => join ':', map { $t->testdir() . "/$_.so" }
                      qw/ fault clock /);
$ENV{APPROVAL} = 'on';

$t->config_reference(sub {
    my ($name) = @_;

    s!^http \{\n!$&    liveupdate_keep  releases=0 time=0 rollback=0 blockmaps=1
                     every=1y;\n!m
        if $name eq 'nginx.conf';
});

$t->run()->plan(43);

my $dir = $t->testdir() . '/store';
my $store = Test::LiveUpdate::Store->new($dir);

# the first pass comes a moment after the start, the next one a year later

wait_until { $t->read_file('error.log') =~ /cleanup of "\Q$dir\E"/ } 20;

my @builds = map { { version => "1.$_.0", id => "1.$_.0", n => $_ + 1 } }
    0 .. 3;

$updater->make('shop', { size => 500_000, edits => 4, targets => ['nsis'] },
               @builds);
$updater->promote('shop', $_) for @builds;

my $reply = $t->api('GET', '/releases/shop/cleanup');

is(join(' ', map { "$_->{id} $_->{why}" } @{$reply->{json}{releases}}),
   '1.0.0 old 1.1.0 old', 'what would go');
is_deeply($reply->{json}{stays}, { blockmap => 1, live => 1 },
          'and what would stay');

my $before = du();

is_deeply($t->api('POST', '/releases/shop/cleanup', {})->{json},
          { removed => 2, left => 0 }, 'they go');
is(join(' ', $store->names('live/shop')), '1.2.0 1.3.0', 'with their files');
is(join(' ', grep { /1\.[01]\.0/ } $store->names('feed/shop')), '',
   'and their names in the feed');

cmp_ok(abs($before - du() - $reply->{json}{goes}{bytes}), '<=', 16384,
       'so many bytes as was said');

$updater->is_differential('from a release that has its blockmap', 'shop',
                          [@builds[2, 3]]);
$updater->updated('from one that has gone', 'shop', [@builds[0, 3]]);

# one whose files are not known is not withdrawn either

$t->api('POST', '/v1/apps', { name => 'tool', type => 'electron',
                              id => 'tool' });
release($_) for qw/ 1.0.0 2.0.0 3.0.0 /;

my $table = 'store/live/tool/1.0.0/files.json';
my $text = $t->read_file($table);

$t->write_file($table, '{');
$t->api('PATCH', '/releases/tool/cleanup',
        { keep => 'releases=0 time=0 rollback=0 blockmaps=0' });

is_deeply($t->api('POST', '/releases/tool/cleanup', {})->{json},
          { removed => 1, left => 0, damaged => ['1.0.0'] },
          'a damaged release is named');
is(join(' ', map { $_->{id} } @{$store->app('tool')->{desktopBuilds}}),
   '1.0.0 3.0.0', 'and is what it was');

$t->write_file($table, $text);

is_deeply($t->api('POST', '/releases/tool/cleanup', {})->{json},
          { removed => 1, left => 0 }, 'once it is whole it goes');

# another release that has the id of one that has gone

$t->api('PATCH', '/releases/tool/cleanup',
        { keep => 'releases=3 time=90d' });
release('1.0.0', confirm => JSON::PP::true());

is($t->api('POST', '/releases/tool/1.0.0/withdraw', {})->{status}, 200,
   'an id has come again, and is withdrawn');
is_deeply($t->api('POST', '/releases/tool/cleanup', {})->{json},
          { removed => 0, left => 0 }, 'it stays as long as others');

# a list that is followed names one while another one goes

release($_) for qw/ 4.0.0 5.0.0 6.0.0 /;
$t->api('PATCH', '/releases/tool/cleanup',
        { keep => 'releases=0 time=0 rollback=0 blockmaps=0' });
is(join(' ', map { $_->{id} }
        @{$t->api('GET', '/releases/tool/cleanup')->{json}{releases}}),
   '1.0.0 3.0.0 4.0.0 5.0.0', 'so many would go');

$fault->arm('wait', 'unlink', 12);

my $going = http_start("POST /releases/tool/cleanup HTTP/1.0\r\n"
                       . 'Authorization: Bearer ' . $t->token('admin') . "\r\n"
                       . "Content-Type: application/json\r\n"
                       . "Content-Length: 2\r\n\r\n{}");

wait_until { defined $fault->fired() } 10;
is(join(' ', $store->names('live/tool')), '3.0.0 4.0.0 5.0.0 6.0.0',
   'the first one goes');

$t->write_file('store/github.json', json_encode({
    repository => 'o/r', branch => 'main', builds => ['5.0.0'],
    files => {}, rules => {},
}));
$fault->disarm();

like(http_end($going), qr/"removed":3\b/, 'and those that nobody has named');
is(join(' ', $store->names('live/tool')), '5.0.0 6.0.0', 'but for one');

# a plan that has come to everyone, and nobody has changed the app since

$t->api('POST', '/v1/apps', { name => 'plan', type => 'electron',
                              id => 'plan' });
$t->api('PATCH', '/releases/plan/cleanup',
        { keep => 'releases=0 time=0 rollback=0 blockmaps=1' });

release($_, app => 'plan') for qw/ 1.0.0 2.0.0 /;
release('3.0.0', app => 'plan',
        plan => [{ share => 0.1, for => '5h' }, { share => 1 }]);

is(stays(), '1.0.0 2.0.0 3.0.0', 'two releases, and what was before them');
$clock->passes(6 * 3600);
is(stays(), '2.0.0 3.0.0', 'the plan has ended: one, and the one before');
is_deeply($t->api('POST', '/releases/plan/cleanup', {})->{json},
          { removed => 1, left => 0 }, 'the other one goes');
is(stays(), '2.0.0 3.0.0', 'and the two stay');

is(join("\n", $store->check()), '', 'the store is whole');


sub release {
    my ($id, %body) = @_;

    my $app = delete $body{app} // 'tool';

    stage_dist($t, $app, $id,
               { 'latest.yml' => [$id, "Tool-$id.zip"] });

    is($t->api('POST', "/releases/$app/$id/promote", \%body)->{json}{state},
       'live', "$id is promoted");
}


sub stays {
    my %goes = map { $_->{id} => 1 }
        @{$t->api('GET', '/releases/plan/cleanup')->{json}{releases}};

    return join ' ', grep { !$goes{$_} } $store->names('live/plan');
}


sub du {
    my ($kib) = `du -sck $dir/live/shop $dir/feed/shop | tail -1` =~ /^(\d+)/;

    return 1024 * $kib;
}
