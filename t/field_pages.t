#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# However little a filter leaves of a long list, a call reads the files of 2,000
# apps or releases at most, and says where to go on.  Whoever goes on sees each
# item once, in order.

use warnings;
use strict;

use Digest::SHA qw/ sha256_hex /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_decode json_encode uri_encode /;

use constant { MANY => 4500, READS => 2000 };

# what is read is counted for a process

$ENV{TEST_NGINX_WORKERS} = 1;

my $t = Test::LiveUpdate->new()->plan(76);

# a token for two apps

my $clear = 'ca_' . '1' x 40;

$t->write_file('tokens', $t->read_file('tokens')
               . 'two read ' . sha256_hex($clear) . " x0100 x4000\n");
$t->config_reference()->run();

my $dir = $t->testdir();
my $app = $t->create_app('Shop');
my $bundle = $t->publish($app, 'default', { 'index.html' => 'x' })->{bundle};
my $model = json_decode(
    $t->read_file("store/live/$app/$bundle/release.json"));
my $description = json_decode($t->read_file("store/apps/$app/app.json"));
my ($calls, $reads);

# staging: of many, three wait, the oldest, the newest, and one between them

my %staged = map { $_ => 1 } 1, 2300, MANY;

make('many', 'staging', sprintf('s%04d', $_), $_,
     state => $staged{$_} ? 'staged' : 'failed') for 1 .. MANY;
app('many');

is_deeply([ all('/releases/many?state=staged') ],
          [ map { sprintf 's%04d', $_ } reverse sort { $a <=> $b }
            keys %staged ], 'the three that wait are found');
is($calls, 3, 'by three calls');
cmp_ok($reads, '<', READS + 200, "none of which has read all: $reads");

is_deeply([ all('/releases/many?state=rejected') ], [], 'none is rejected');
is($calls, 3, 'which three calls have told');

my @failed = map { sprintf 's%04d', $_ } grep { !$staged{$_} }
    reverse 1 .. MANY;

for my $limit (333, 1000) {
    is_deeply([ all("/releases/many?state=failed&limit=$limit") ], \@failed,
              "the others, $limit by $limit");
    cmp_ok($reads, '<', READS + 200, "by calls that read little: $reads");
}

is_deeply([ all('/releases/many?state=failed&offset=3000&limit=200') ],
          [ @failed[3000 .. $#failed] ], 'from an offset on');
is_deeply([ ids('/releases/many?limit=3&offset=4000') ], [ 's0500', 's0499',
          's0498' ], 'an offset without a filter is one call');

# staging and live/, with a page that ends where staging does

make('both', 'staging', "a$_", $_, state => 'failed') for 1 .. 9;
make('both', 'live', "b$_", $_) for 1 .. 9;
app('both');

my @both = ((map { "a$_" } reverse 1 .. 9), map { "b$_" } reverse 1 .. 9);

for my $limit (1, 4, 9, 10, 18, 1000) {
    is_deeply([ all("/releases/both?limit=$limit") ], \@both,
              "staging and live, $limit by $limit");
}

is_deeply([ all('/releases/both?state=withdrawn&limit=4') ], [ @both[9 .. 17] ],
          'of those that were withdrawn');
is_deeply([ all('/releases/both?limit=5&offset=7') ], [ @both[7 .. 17] ],
          'from an offset on');

# one that goes live between two pages is on one of them

my ($first, $next) = page('/releases/both?limit=4');

rename "$dir/store/staging/both/a4", "$dir/store/live/both/a4" or die "$!\n";
is_deeply([ sort @$first, all("/releases/both?limit=4&after=$next") ],
          [ sort @both ], 'one that goes live meanwhile');

# behind one that has gone

($first, $next) = page('/releases/both?limit=2');
system("rm -r '$dir/store/staging/both/a8'");
is_deeply([ all("/releases/both?limit=2&after=$next") ],
          [ (map { "a$_" } 7, 6, 5, 3, 2, 1), (map { "b$_" } reverse 1 .. 9),
            'a4' ], 'behind one that was deleted');

# all of staging is read for nothing, and live/ is there nevertheless

make('edge', 'staging', sprintf('e%04d', $_), $_, state => 'failed')
    for 1 .. READS;
$t->write_file("store/staging/edge/$_/release.json", '{')
    for map { sprintf 'e%04d', $_ } 1 .. READS;
make('edge', 'live', 'live', 1);
app('edge');

is_deeply([ all('/releases/edge') ], [ 'live' ], 'behind what is damaged');

# builds: with numbers, and of an earlier version

make($app, 'live', id_of($_, 8), $_) for 2 .. 2600;
make($app, 'live', id_of($_ + 5000, 4), $_ + 5000) for 1 .. 2600;

# the newer ones have the higher numbers; what ids do not tell is older

for my $limit (700, 1000) {
    my @numbers = map { $_->{numberAsString} }
        items("/v1/apps/$app/builds?limit=$limit");

    is(join(' ', @numbers[0 .. 2599]), join(' ', reverse 1 .. 2600),
       "builds, $limit by $limit");
    is(join(' ', sort { $a <=> $b } @numbers[2600 .. $#numbers]),
       join(' ', 5001 .. 7600), 'and those of an earlier version');
    cmp_ok($reads, '<', 2 * READS + 200, "by calls that read little: $reads");
}

is_deeply([ map { $_->{numberAsString} }
            items("/v1/apps/$app/builds?numberAsString=5999") ], [ 5999 ],
          'one of those');
is_deeply([ map { $_->{numberAsString} }
            items("/v1/apps/$app/builds?numberAsString=99") ], [ 99 ], 'one');
is($calls, 1, 'is one call');
is_deeply([ all("/v1/apps/$app/builds?numberAsString=9999") ], [], 'none');

# the console goes on, too

$t->write_file('api.mjs', $t->read_file(
    "$Test::LiveUpdate::ROOT/conf/console/api.js"));
$t->write_file('all.mjs', <<'EOF_JS');
const [server, token, path] = process.argv.slice(2);
const { fetch } = globalThis;

globalThis.fetch = (uri, options) => fetch(server + uri, options);

const { getAll, signInToken } = await import('./api.mjs');

signInToken(token);
console.log((await getAll(path)).map((item) => item.id).join(' '));
EOF_JS

is(console_list('/releases/many?state=staged'),
   join(' ', map { sprintf 's%04d', $_ } MANY, 2300, 1),
   'the console finds what waits');
is(console_list('/releases/many?state=rejected'), '', 'or nothing');
is(console_list('/releases/both'), join(' ', all('/releases/both')),
   'and all releases');

# apps

my @apps = map { sprintf 'x%04d', $_ } 1 .. MANY;

app($_) for @apps;

for my $case ([ 'name=App%20x4400', [ 'x4400' ] ],
              [ 'query=x44', [ map { "x44$_" } '00' .. '99' ] ],
              [ 'query=nothing', [] ],
              [ 'query=x&limit=1000', \@apps ],
              [ 'query=x&limit=150&offset=2500', [ @apps[2500 .. $#apps] ] ])
{
    my ($query, $expected) = @$case;

    is_deeply([ all("/v1/apps?$query") ], $expected, "apps: $query");
    cmp_ok($reads, '<', READS + 300, "by calls that read little: $reads");
}

is(scalar @{(page('/v1/apps'))[0]}, 50, 'a page without a filter is full');
is_deeply([ grep { /^x/ } all('/v1/apps?limit=1000') ], \@apps, 'all of them');
is($calls, 5, 'are five calls');

# a token for two apps sees these, and hears nothing of others

($first, $next) = page('/v1/apps?limit=1', $clear);
is("@$first", 'x0100', 'its first app');
is($next, 'a.0.x0100', 'where the next one is looked for');
($first, $next) = page("/v1/apps?limit=1&after=$next", $clear);
is("@$first", 'x4000', 'its second one');
is($next, undef, 'is the last one');

# what nobody was told

for my $list ('/v1/apps', '/releases/both', "/v1/apps/$app/builds") {
    for my $after ('x', 'sl.0.a', 'z.0.a', 's', 'a.', 'n..x', 'l.-1.a',
                   'a.99999999999999999999999.x')
    {
        is($t->said($t->api('GET', "$list?after=" . uri_encode($after))),
           '400 "after" must be the value of the header Liveupdate-Next of the '
           . 'page before.', "$list, after $after");
    }
}


# A page: ids, and where it goes on.

sub page {
    my ($path, $token) = @_;

    my ($items, $next) = page_of($path, $token);

    return ([ map { $_->{id} } @$items ], $next);
}


sub page_of {
    my ($path, $token) = @_;

    my $reply = $t->api('GET', $path, undef,
                        defined $token ? (token => $token) : ());

    die "$path: $reply->{status} $reply->{body}\n"
        if ref $reply->{json} ne 'ARRAY';

    return ($reply->{json}, $reply->{headers}{'liveupdate-next'});
}


# All items, page by page; how many calls that were, and what the one that read
# most has read.

sub items {
    my ($path) = @_;

    my ($next, @items);

    ($calls, $reads) = (0, 0);

    do {
        my $before = reads();

        (my $page, $next) = page_of(defined $next
                                    ? ($path =~ s/&(?:offset|after)=[^&]*//gr)
                                      . ($path =~ /\?/ ? '&' : '?')
                                      . 'after=' . uri_encode($next)
                                    : $path);
        push @items, @$page;

        my $read = reads() - $before;

        $reads = $read if $read > $reads;
        $calls++;

    } while (defined $next && $calls < 200);

    return @items;
}


sub all {
    return map { $_->{id} } items(@_);
}


sub ids {
    return @{(page(@_))[0]};
}


sub console_list {
    my ($path) = @_;

    my $server = 'http://127.0.0.1:' . port(8080);
    my $token = $t->token('read');
    my $list = `node '$dir/all.mjs' $server $token '$path'`;

    chomp $list;

    return $list;
}


# Calls of read() and its like, of the worker.

sub reads {
    my ($worker) = $t->workers();

    my ($reads) = $t->read_file("/proc/$worker/io") =~ /^syscr: (\d+)/m;

    return $reads // 0;
}


sub make {
    my ($of, $place, $id, $number, %more) = @_;

    $t->write_file("store/$place/$of/$id/release.json", json_encode({
        %$model, id => $id, app => $of, number => $number, %more }));
}


sub id_of {
    my ($number, $version) = @_;

    return sprintf '%08x-1111-%d111-8111-%012d',
                   $number * 2654435761 % 2 ** 32, $version, $number;
}


sub app {
    my ($id) = @_;

    $t->write_file("store/apps/$id/app.json", json_encode(
        { %$description, id => $id, name => "App $id", channels => [] }));
}
