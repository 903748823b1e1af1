#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# What is not fetched: too many files, too many bytes, names that are not
# safe.  All of it fails at once.

use warnings;
use strict;

use File::Find ();
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_encode /;
use Test::LiveUpdate::Store;
use Test::LiveUpdate::ToDesktop;

use constant { FILES => 60, SIZE => 2 << 20 };

my @UNSAFE = (
    [ '..', 'the folder above' ],
    [ '%2e%2e', 'the folder above, encoded' ],
    [ '.', 'the folder' ],
    [ '', 'nothing' ],
    [ 'a%2Fb.exe', 'a slash' ],
    [ '..%2f..%2f..%2fout.exe', 'a way out' ],
    [ '%2Ftmp%2Fout.exe', 'an absolute path' ],
    [ 'a%5Cb.exe', 'a backslash' ],
    [ 'a%00.exe', 'NUL' ],
    [ 'a%0Ab.exe', 'a line break' ],
    [ 'a%7Fb.exe', 'DEL' ],
    [ '.htaccess', 'a leading dot' ],
    [ '%2Ehtaccess', 'a leading dot, encoded' ],
    [ 'a%FFb.exe', 'not UTF-8' ],
    [ 'a%C0%AFb.exe', 'a slash in bad UTF-8' ],
    [ 'x' x 252 . '.exe', 'too long' ],
    [ '?x.exe', 'nothing before a query' ],
);

my $t = Test::LiveUpdate->new()->plan(17 + 4 * 2 * @UNSAFE + 81);
my $td = Test::LiveUpdate::ToDesktop->new($t);
my $origin = $td->{origin};
my $app = $td->{app};
my $dir = $t->testdir();
my $release;

$td->configure(approval => 'off',
               fetch => 'files=' . FILES . ' size=2m retry=50ms tries=2');

# the directive

for my $case (
    [ '', qr/invalid number of arguments/ ],
    [ 'fetch', qr/requires a URI/ ],
    [ '/f/ files=0', qr/files=0/ ],
    [ '/f/ files=x', qr/files=x/ ],
    [ '/f/ files=', qr/files=/ ],
    [ '/f/ size=x', qr/size=x/ ],
    [ '/f/ size=-1', qr/size=-1/ ],
    [ '/f/ retry=x', qr/retry=x/ ],
    [ '/f/ retry=-1', qr/retry=-1/ ],
    [ '/f/ tries=0', qr/tries=0/ ],
    [ '/f/ tries=x', qr/tries=x/ ],
    [ '/f/ nope=1', qr/nope=1/ ],
    [ '/f/; liveupdate_fetch /g/', qr/is duplicate/ ],
) {
    my ($text, $expected) = @$case;
    my $conf = $t->read_file('liveupdate.conf');

    $t->write_file('liveupdate.conf',
        "$conf\nlocation = /new { liveupdate_fetch $text; }\n");

    my ($said, $ok) = $t->test_config();

    ok(!$ok && $said =~ /\[emerg\] .*$expected/, "refused: $text")
        or diag($said);

    $t->write_file('liveupdate.conf', $conf);
}

for my $text ('/f/', '/f/ files=1 size=1k retry=1ms tries=1',
              '/f/ size=100g', '/f/ retry=1d')
{
    my $conf = $t->read_file('liveupdate.conf');

    $t->write_file('liveupdate.conf',
        "$conf\nlocation = /new { liveupdate_fetch $text; }\n");

    my ($said, $ok) = $t->test_config();

    ok($ok, "taken: $text") or diag($said);

    $t->write_file('liveupdate.conf', $conf);
}

$t->run();

my $store = Test::LiveUpdate::Store->new("$dir/store");

# names, in either list

my @builds;

for my $unsafe (@UNSAFE) {
    my ($name) = @$unsafe;

    push @builds, map { [ $unsafe->[1] . " in the $_->[0]", $td->build(
        platforms => [ 'windows' ], size => 1000, $_->[0] => $_->[1]
    ) ] } [ td => sub {
        $_[1]{artifacts}{new}{x64}{url} = "https://a.example/x/$name";
    } ], [ yml => sub {
        s{^(files:\n)(.*\n(.*\n))}{$1  - url: "$name"\n$3    size: 1\n$2}m;
    } ];
}

my $before = outside();

$td->deliver($_->[1]) for @builds;

$td->wait_state($_->[1], qr/^(?:failed|live)$/) for @builds;

my @requests = $origin->requests();

for (@builds) {
    my ($name, $build) = @$_;

    $release = $td->becomes($build, 'failed', "$name: failed");
    like($release->{reason}, qr/"/, "$name: a reason");
    is(join("\n", grep { !m{/(?:td-)?latest-(?:mac-|linux-)?build-[^/]*\z} }
            map { $_->{name} } grep { $_->{path} =~ /\Q$build->{id}\E/ }
            @requests), '', "$name: nothing but the manifests was fetched");
    is(join("\n", $td->visible($build)), '', "$name: not to be seen");
}

is(outside(), $before, 'nothing was written outside of the store');
is(scalar(grep { $_->{name} !~ m{^/\Q$app\E/[^/]+\z} } @requests), 0,
   'nor was anything asked for outside of the app');

# names that something else has here

for my $name ('release.json', 'files.json', 'lock', 'app.json', 'fetch',
              'td-latest-build-ID.json', 'latest-build-ID.yml',
              'latest-linux-build-ID.yml', 'files', 'uploads')
{
    my ($build, $file);

    $build = $td->build(platforms => [ 'windows' ], size => 1000, td => sub {
        my (undef, $list) = @_;
        my $real = $name =~ s/ID/$td->{serial}/r;

        $list->{artifacts}{new}{x64}{url} = "https://a.example/$real";
    });
    $td->put($build, $name, 100) if $name !~ /ID/;

    $td->deliver($build);
    $release = $td->wait_state($build, qr/^(?:live|failed)$/);
    like($release->{state}, qr/^(?:live|failed)$/, "a file \"$name\"");
    is(join("\n", $release->{state} eq 'live' ? $td->wrong_files($build)
                                              : $td->visible($build)),
       '', 'all of it or nothing');

    # it has the name for good
    $t->api('POST', "/releases/$app/$build->{id}/withdraw", {});
}

is(join("\n", $store->check()), '', 'the store is whole');

# too many files

my $build = $td->build(platforms => [ 'linux' ], size => 100, more => FILES);

$origin->mark();
$td->deliver($build);
$release = $td->becomes($build, 'failed', 'too many files');
like($release->{reason}, qr/files/, 'and that is the reason');
is(scalar $origin->requests(qr/\.bin$/), 0, 'none of them was fetched');
is(scalar $origin->requests(qr/td-latest-linux/), 1, 'it failed at once');
is(join("\n", $td->visible($build)), '', 'nothing is to be seen');

$build = $td->build(platforms => [ 'linux' ], size => 100, yml => sub {
    s{^(files:\n)(.*\n)(.*\n.*\n)}
     {$1 . join '', map { "  - url: more$_.bin\n$3" } 1 .. FILES}me;
});
$origin->mark();
$td->deliver($build);
$release = $td->becomes($build, 'failed', 'too many in the manifest');
like($release->{reason}, qr/files/, 'and that is the reason');
is(scalar $origin->requests(qr/\.bin$/), 0, 'none of them was fetched');

$build = $td->build(platforms => [ 'linux' ], size => 100, more => 20);
$td->deliver($build);
$td->becomes($build, 'live', 'as many as may be');
is(join("\n", $td->wrong_files($build)), '', 'all of them');

# too many bytes, and the manifests say so

$build = $td->build(platforms => [ 'windows' ], size => SIZE / 2);
$origin->mark();
$td->deliver($build);
$release = $td->becomes($build, 'failed', 'too large');
like($release->{reason}, qr/large|size/, 'and that is the reason');
is(scalar $origin->requests(qr/\.exe$/), 0, 'nothing of it was fetched');
is(scalar $origin->requests(qr/td-latest-build/), 1, 'it failed at once');

# the origin says so, or nobody does

for my $case (
    [ 'a large file', qr/deb$/, {}, more => SIZE + 1 ],
    [ 'a large file in chunks', qr/rpm$/, { framing => 'chunked' },
      more => SIZE + 1 ],
    [ 'a large file that just ends', qr/rpm$/, { framing => 'close' },
      more => SIZE + 1 ],
    [ 'no end in sight', qr/rpm$/, { endless => 1 } ],
    [ 'no end of chunks', qr/rpm$/, { endless => 1, framing => 'chunked' } ],
    [ 'no end', qr/rpm$/, { endless => 1, framing => 'close' } ],
    [ 'no end of what is small', qr/AppImage$/,
      { endless => 1, framing => 'chunked' } ],
    [ 'no end of a list', qr/td-latest-linux/,
      { endless => 1, framing => 'chunked' } ],
    [ 'no end of a manifest', qr/latest-linux.*yml$/,
      { endless => 1, framing => 'close' } ],
) {
    my ($name, $re, $rule, %opt) = @$case;

    my $build = $td->build(platforms => [ 'linux' ], size => 1000);
    my ($file) = grep { $_ =~ $re } keys %{$build->{files}};

    $td->put($build, $file, $opt{more}) if $opt{more};

    my ($most, $used_before) = (0, used());

    $origin->script($re => $rule);
    $origin->mark();
    $td->deliver($build);

    wait_until {
        my $used = used() - $used_before;
        $most = $used if $used > $most;

        return $td->release($build)->{state} eq 'failed';
    } 20, $name;

    $release = $td->becomes($build, 'failed', "$name: failed");
    like($release->{reason}, qr/\w/, "$name: a reason");
    cmp_ok($most, '<', 100 * SIZE, "$name: does not fill the disk");
    is(join("\n", $td->visible($build)), '', "$name: not to be seen");
}

# what comes in many small chunks is not larger for them

$build = $td->build(platforms => [ 'linux' ], size => 20_000);
$origin->script(qr/rpm$/ => { framing => 'chunked', slow => 15_000 });
$td->deliver($build);
$td->becomes($build, 'live', 'small chunks');
is(join("\n", $td->wrong_files($build)), '', 'all of it');

# nginx may be told to receive slowly

$t->write_file('liveupdate.conf', $t->read_file('liveupdate.conf')
    =~ s/^( *)(proxy_store )/$1proxy_limit_rate  4m;\n$1$2/mr);
$t->reload();

$build = $td->build(platforms => [ 'linux' ], size => 1000);
$origin->script(qr/rpm$/ => { endless => 1, framing => 'close' });

my $room = used();

$td->deliver($build);
$release = $td->becomes($build, 'failed', 'no end, at a limited rate');
like($release->{reason}, qr/larger/, 'and that is the reason');
cmp_ok(used() - $room, '<', 4 * SIZE, 'nothing of it is kept');

$origin->script();
is(join("\n", $store->check(unfinished => 0)), '', 'the store is whole');
is(scalar $origin->contacts(), 0, 'nobody but the origin was contacted');
$td->idle('no job is left');


# All that is in the test's folder, but for what changes all the time.

sub outside {
    my @names;

    File::Find::find({ no_chdir => 1, wanted => sub {
        push @names, "$_\n" unless m{^\Q$dir\E/(?:store|origin|temp)/};
    } }, $dir);

    return join '', sort @names;
}


# How much of the disk what is on its way takes.

sub used {
    my $used = 0;

    File::Find::find({ no_chdir => 1, wanted => sub {
        $used += (lstat)[12] * 512 if -f;
    } }, grep { -d } "$dir/store/tmp", "$dir/store/staging", "$dir/temp");

    return $used;
}
