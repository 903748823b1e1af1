#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# An origin that does everything wrong: each build is staged with the right
# bytes, or failed and says why.  Nothing is to be seen of it before, and
# nobody but the origin is contacted.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_encode /;
use Test::LiveUpdate::Store;
use Test::LiveUpdate::ToDesktop;

# how often an outage is tried, and what will hardly get better
use constant { TRIES => 6, FEW => 5 };

my $t = Test::LiveUpdate->new();
my $td = Test::LiveUpdate::ToDesktop->new($t);
my $origin = $td->{origin};
my $app = $td->{app};

my $exe = qr/x64\.exe$/;
my $any = qr/\.(?:exe|msi|zip)$/;
my $yml = qr{/latest-[^/]*yml$};
my $list = qr{/td-latest-[^/]*json$};

# Each a name, what the origin does, what becomes of it: "staged"; or the
# reason of a failure, and how often it was tried.  A path is tried again for
# as many times as is said.

my @CASES = (

    # it is only slow
    [ 'slow', { $any => { slow => 60_000 } } ],
    [ 'late', { $any => { delay => 0.4 } } ],
    [ 'late and slow manifests', { $list => { delay => 0.3, slow => 3000 },
                                   $yml => { slow => 3000 } } ],

    # other framings
    [ 'chunked', { $exe => { framing => 'chunked' },
                   $yml => { framing => 'chunked' },
                   $list => { framing => 'chunked' } } ],
    [ 'until it closes', { $exe => { framing => 'close' } } ],

    # it gets better
    (map { my ($what, $rule, %where) = @$_;
        map { [ "$what, and then not: $_",
                { $where{$_} => { times => 1, %$rule } } ] } sort keys %where
    } ([ 'stalls', { stall => 10_000 }, file => $exe ],
       [ 'stalls at the beginning', { stall => 0 }, file => $exe,
         yml => $yml ],
       [ 'says nothing', { stall => -1 }, file => $exe, list => $list ],
       [ 'truncates', { truncate => 200 }, file => $exe, undigested => qr/rpm$/,
         yml => $yml, list => $list, blockmap => qr/exe\.blockmap$/ ],
       [ 'truncates chunks', { truncate => 200, framing => 'chunked' },
         file => $exe, undigested => qr/rpm$/, yml => $yml, list => $list,
         blockmap => qr/exe\.blockmap$/ ],
       [ 'truncates and closes', { truncate => 200, framing => 'close' },
         file => $exe, list => $list ],
       [ 'truncates all of it', { truncate => 0 }, file => $any ],
       [ 'wrong bytes', { wrong => 1 }, file => $exe, msi => qr/msi$/,
         list => $list ],
       [ 'too long', { grow => 7 }, file => $exe, deb => qr/deb$/ ],
       [ 'too short', { grow => -7 }, file => $exe, msi => qr/msi$/ ],
       [ 'empty', { bytes => '' }, file => $exe, list => $list, yml => $yml ],
       [ 'resets', { reset => 1 }, file => $exe, list => $list,
         blockmap => qr/exe\.blockmap$/ ],
       [ 'no HTTP', { head => "nonsense\r\n\r\n" }, file => $exe,
         list => $list ],
       [ 'compressed', { gzip => 1 }, file => $exe, yml => $yml ])),
    (map { [ "$_, and then not", { $any => { times => 2, status => $_ },
                                   $yml => { times => 1, status => $_ } } ] }
     408, 429, 500, 502, 503, 504),
    [ '404, and then not', { $exe => { times => 3, status => 404 } } ],
    [ '404 for a manifest, and then not',
      { qr{/latest-build-} => { times => 2, status => 404 },
        qr{/td-latest-linux-build-} => { times => 2, status => 404 } } ],
    [ '500 for the lists, and then not',
      { $list => { times => 3, status => 500 } } ],
    [ 'another fault each time', { qr/arm64.exe$/ => { times => 1, wrong => 1 },
                                   $yml => { times => 1, stall => 0 },
                                   qr/msi$/ => { times => 1, reset => 1 },
                                   qr/rpm$/ => { times => 1, status => 500 },
                                   qr/deb$/ => { times => 1, grow => 1 } } ],

    # it does not
    [ 'none of the lists', { $list => { status => 404 } },
      qr/404|no (?:list|manifest|platform)|not (?:there|found|built)/i, FEW,
      qr/td-latest-build/ ],
    [ 'no file', { $exe => { status => 404 } }, qr/x64\.exe.*404|404.*x64/,
      FEW ],
    [ 'gone', { $exe => { status => 410 } }, qr/410/ ],
    [ 'forbidden', { $exe => { status => 403 } }, qr/403/ ],
    [ 'no manifest', { $yml => { status => 404 } },
      qr/latest-build-.*yml/, FEW ],
    [ '500', { $exe => { status => 500 } }, qr/500/ ],
    [ '503', { $list => { status => 503 } }, qr/503/, TRIES ],
    [ 'wrong bytes', { $exe => { wrong => 1 } }, qr/x64\.exe.*SHA-512/, FEW ],
    [ 'wrong bytes, SHA-256', { qr/msi$/ => { wrong => 1 } },
      qr/msi.*SHA-256/, FEW ],
    [ 'wrong size', { qr/deb$/ => { grow => 3 } }, qr/deb.*size/, FEW ],
    [ 'truncated', { $exe => { truncate => 99 } }, qr/x64\.exe/ ],
    [ 'truncated, without a digest', { qr/rpm$/ => { truncate => 99 } },
      qr/rpm/ ],
    [ 'truncated chunks, without a digest',
      { qr/rpm$/ => { truncate => 99, framing => 'chunked' } }, qr/rpm/ ],
    [ 'closed too early, without a digest',
      { qr/rpm$/ => { truncate => 99, framing => 'close' } }, qr/rpm/ ],
    [ 'a manifest closed too early', { $yml => { truncate => 600,
                                                 framing => 'close' } },
      qr/yml/ ],
    [ 'a blockmap closed too early', { qr/blockmap$/ => { truncate => 99,
                                                          framing => 'close' }
      }, qr/blockmap/ ],
    [ 'says nothing', { $exe => { stall => -1 } }, qr/x64\.exe/ ],
    [ 'compressed', { $exe => { gzip => 1 } }, qr/x64\.exe/ ],
    [ 'a compressed manifest', { $yml => { gzip => 1 } }, qr/yml/ ],
    [ 'a compressed blockmap', { qr/exe\.blockmap$/ => { gzip => 1 } },
      qr/blockmap/ ],
    [ 'a page instead of a list', { $list => { bytes => '<html>login</html>' }
      }, qr/td-latest/, FEW ],
    [ 'a page instead of a manifest', { $yml => { bytes => '<html>' } },
      qr/latest-.*yml/, FEW ],
    [ 'a page instead of a file', { $exe => { bytes => '<html>' } },
      qr/x64\.exe/, FEW ],
    [ 'no HTTP', { $exe => { head => "nonsense\r\n\r\n" } }, qr/x64\.exe/ ],
    [ 'no HTTP for what has no digest', { qr/rpm$/ => {
          head => "nonsense\r\n\r\n" } }, qr/rpm/ ],
    [ 'a head without an end', { $exe => { head => "HTTP/1.1 200 OK\r\nX: "
                                                   . 'x' x 70_000 } },
      qr/x64\.exe/ ],
    [ 'a part of it', { $exe => { status => 206 } }, qr/x64\.exe.*206/ ],
    [ 'a part of what has no digest', { qr/rpm$/ => { status => 206 } },
      qr/rpm.*206/ ],
    [ '304', { $exe => { status => 304 } }, qr/x64\.exe.*304/ ],
    [ '204', { $exe => { status => 204 } }, qr/x64\.exe.*204/ ],
    [ 'a redirect', { $exe => { redirect => $origin->other_url() . '/x' } },
      qr/x64\.exe.*redirect|redirect.*x64\.exe/i, 1 ],
    [ 'a redirect of a list', { $list => { redirect => $origin->other_url() } },
      qr/redirect/i, 1 ],
    [ 'a redirect of a manifest', { $yml => { redirect => '//127.0.0.1:'
                                                 . $origin->{other} } },
      qr/redirect/i, 1 ],
    [ 'a redirect of a blockmap', { qr/blockmap$/ => {
          status => 307, redirect => $origin->other_url() . '/y' } },
      qr/redirect/i, 1 ],
    [ 'a redirect by the way', { $exe => { headers => [
          'X-Accel-Redirect: /releases/' . $app,
          'Refresh: 0; url=' . $origin->other_url() ] } } ],
    [ 'orders for a proxy', { $any => { headers => [
          'X-Accel-Limit-Rate: 1', 'X-Accel-Buffering: no',
          'X-Accel-Expires: 1', 'Set-Cookie: a=b', 'Vary: *' ] } } ],

    # what the build itself has wrong
    [ 'a manifest of another size', {}, qr/size/, FEW, $exe,
      yml => sub { s/size: \d+/size: 77/ } ],
    [ 'a manifest that names what is not there', {}, qr/nowhere\.exe/, FEW,
      qr/nowhere\.exe$/, yml => sub { s/^(files:\n(.*\n.*\n))/$1$2/m;
                                      s/url: .*/url: nowhere.exe/ } ],
    [ 'a list that names what is not there', {}, qr/nowhere\.msi/, FEW,
      qr/nowhere\.msi$/, td => sub {
          $_[1]{artifacts}{new}{x64}{url} = 'https://a.example/nowhere.msi';
      } ],
    [ 'a manifest of another version', {}, qr/version/, undef, undef,
      yml => sub { s/^version: .*/version: 77.0.0/m } ],
    [ 'a list of another version', {}, qr/version/, undef, undef,
      td => sub { $_[1]{version} = '78.0.0' } ],
    [ 'a list with a wrong digest', {}, qr/msi.*SHA-256/, FEW, qr/msi$/,
      td => sub { $_->{x64}{sha256} = '0' x 64
                  for grep { $_ } $_[1]{artifacts}{msi} } ],
    [ 'a manifest with a short digest', {}, qr/sha512/, undef, undef,
      yml => sub { s/sha512: \S{8}/sha512: / } ],
    [ 'a manifest without files', {}, qr/yml/, undef, undef,
      yml => sub { $_ = "version: 1.0.0\n" } ],
);

$t->plan(4 * @CASES + 40);

$td->configure(approval => 'on', timeout => '1s',
               fetch => 'retry=50ms tries=' . TRIES);
$t->run();

my $store = Test::LiveUpdate::Store->new($t->testdir() . '/store');
my (@cases, @rules);

for my $case (@CASES) {
    my ($name, $rules, $reason, $tries, $path, %opt) = @$case;

    # as few files as will do
    my @platforms = ('windows',
        (join '', keys %$rules) =~ /deb|rpm\$|linux/ ? 'linux' : ());

    my $build = $td->build(size => 20_000, platforms => \@platforms, %opt);

    push @cases, { name => $name, build => $build, reason => $reason,
                   tries => $tries, rules => $rules, path => $path };

    for my $re (sort keys %$rules) {
        push @rules, qr/^(?=.*\Q$build->{id}\E).*$re/ => $rules->{$re};
    }
}

# a build that nothing is wrong with, among them

my $good = $td->build(size => 20_000);

$origin->script(@rules);

is(join(' ', grep { $_ != 202 } map { $td->deliver($_->{build})->{status} }
             @cases, { build => $good }), '', 'all are begun');

is($td->wait_state($good, 'staged', 60)->{state}, 'staged',
   'a good one is not kept waiting by the others');

$td->wait_state($_->{build}, qr/^(?:staged|failed)$/, 60) for @cases;

my @requests = $origin->requests();

for my $case (@cases) {
    my ($name, $build, $reason) = @$case{qw/ name build reason /};
    my $release = $td->release($build);

    is($release->{state}, defined $reason ? 'failed' : 'staged',
       "$name: $release->{state}") or diag($release->{reason});

    if (!defined $reason) {
        is(join("\n", $td->wrong_files($build)), '', "$name: the right bytes");
        is($release->{reason}, undef, "$name: no reason");

    } else {
        like($release->{reason}, $reason, "$name: the reason");
        is(tried($case), $case->{tries} // tried($case),
           "$name: tried so often");
    }

    is(join("\n", $td->visible($build)), '', "$name: not to be seen");
}

is(join("\n", $store->check()), '', 'the store is whole');
is(scalar $origin->contacts(), 0, 'nobody but the origin was contacted');
is(scalar(grep { $_->{name} !~ m{^/\Q$app\E/} } @requests), 0,
   'and for nothing but the app\'s files');

# what had failed is begun again

my ($case) = grep { $_->{name} eq '500' } @cases;
my $failed = $case->{build};

$origin->script();
is($td->deliver($failed)->{status}, 202, 'a delivery of what had failed');
is($td->becomes($failed, 'staged', 'is staged')->{reason}, undef,
   'without a reason');

($case) = grep { $_->{name} eq 'a redirect' } @cases;
$failed = $case->{build};
is($t->api('POST', "/releases/$app/$failed->{id}/retry", {},
           token => 'publish')->{status}, 202, 'so is it by retry');
$td->becomes($failed, 'staged', 'it is staged');

# the origin is not there

$origin->down();

my @builds = map { $td->build(size => 5000) } 1 .. 3;
my $release;

is($td->deliver($_)->{status}, 202, 'taken while the origin is down')
    for @builds;

ok((wait_until {
    $release = $td->release($builds[0]);
    ($release->{attempts} // 0) >= 2;
} 10, 'attempts'), 'attempts are counted') or diag(json_encode($release));

is($release->{state}, 'fetching', 'it is not given up');
like($release->{reason}, qr/\w/, 'it says why');
like($release->{nextAttemptAt}, qr/^20\d\d-\d\d-\d\dT[\d:.]+Z$/,
     'and when it goes on');
is(join("\n", $td->visible($builds[0])), '', 'nothing is to be seen');

$origin->up();
$td->becomes($_, 'staged', 'when it is there again it is staged') for @builds;
is(join("\n", map { $td->wrong_files($_) } @builds), '', 'with all files');
is($td->release($builds[0])->{$_}, undef, "and nothing is left of it: $_")
    for qw/ reason nextAttemptAt /;

# it goes away in the middle; what was there by then is not fetched again

my $build = $td->build(size => 50_000);

$origin->script(qr/(?:dmg|AppImage|rpm)$/ => { slow => 10_000 });
$origin->mark();
$td->deliver($build);

my $want = keys(%{$build->{files}}) - 3;

ok((wait_until { $td->verified($build) == $want } 10, 'verified'),
   'all but three files are there') or diag(join "\n", $td->verified($build));

my @verified = $td->verified($build);

$origin->down();
$origin->script();
wait_until { $td->release($build)->{attempts} } 10, 'an attempt';
$origin->mark();
$origin->up();
$td->becomes($build, 'staged', 'the origin was away in the middle');
is(join("\n", $td->wrong_files($build)), '', 'the right bytes');

my %asked = map { $_->{name} => 1 } $origin->requests();

is(join("\n", grep { $asked{"/$app/$_"} } @verified), '',
   'what was verified was not fetched again');

# it does not come back

$build = $td->build(platforms => [ 'linux' ], size => 1000);
$origin->down();
$td->deliver($build);

my %waits;

wait_until {
    $release = $td->release($build);
    $waits{$release->{attempts}} = seconds($release->{nextAttemptAt})
                                   - seconds($release->{updatedAt})
        if $release->{nextAttemptAt};

    return $release->{state} eq 'failed';
} 20, 'failed';

$td->becomes($build, 'failed', 'the origin stays away');
like($release->{reason}, qr/\w/, 'and that is the reason');
is($release->{attempts}, TRIES, 'after so many attempts');
is($release->{nextAttemptAt}, undef, 'there will be no other one');

# a thread may have waited for its turn between the two times, and that is more

my @wrong = grep {
    my $more = $waits{$_} - 0.05 * 2 ** ($_ - 1);

    $more < -0.001 || $more > 3;
} keys %waits;

is(join(', ', map { "$_: $waits{$_} s" } sort @wrong), '',
   'it waits twice as long each time');
cmp_ok(scalar keys %waits, '>=', 2, 'and says so');
is(join("\n", $td->visible($build)), '', 'nothing is to be seen');
$origin->up();
is($td->deliver($build)->{status}, 202, 'delivered again');
$release = $td->becomes($build, 'staged', 'and staged');

is(join("\n", $store->check(unfinished => 0)), '', 'the store is whole');
is(scalar $origin->contacts(), 0, 'nobody but the origin was contacted');
$td->idle('no job is left');


sub seconds {
    my ($text) = @_;

    my ($day, $h, $m, $s) = ($text // '') =~ /^(.*)T(\d\d):(\d\d):([\d.]+)Z$/
        or return 0;

    return $h * 3600 + $m * 60 + $s;
}


# How often the worst path of a case was asked for.

sub tried {
    my ($case) = @_;

    my $id = $case->{build}{id};
    my @res = defined $case->{path} ? $case->{path}
                                    : sort keys %{$case->{rules}};
    my $most = 0;

    for my $re (@res) {
        my %asked;

        $asked{$_->{path}}++ for grep { $_->{path} =~ $re }
            grep { $_->{path} =~ /\Q$id\E|nowhere\.[a-z]*$/ } @requests;

        for my $n (values %asked) {
            $most = $n if $n > $most;
        }
    }

    return $most;
}
