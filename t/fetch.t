#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Builds are fetched: what is asked for, how many at a time, what is told of
# it meanwhile, and when it takes effect.

use warnings;
use strict;

use Test::More;
use Time::HiRes qw/ sleep /;

use Test::LiveUpdate qw/ :DEFAULT json_encode uri_encode /;
use Test::LiveUpdate::ToDesktop;

use constant AT_A_TIME => 4;

my $t = Test::LiveUpdate->new()->plan(128);
my $td = Test::LiveUpdate::ToDesktop->new($t);
my $origin = $td->{origin};
my $app = $td->{app};
my ($reply, $release);

$td->configure(approval => 'on', fetch => 'retry=50ms tries=3',
               timeout => '30s');
$t->run();

# all platforms, more than can be fetched at once, and names that hurt

my $build = $td->build(name => "Zo\xc3\xab's 100% %41 \"App\"; #1?+&=",
                       more => 2);

$origin->script(qr/\.(?:exe|msi|zip|dmg|bin|AppImage|deb|rpm)$/
                => { hold => 0 });

my $rules;

is($td->deliver($build)->{status}, 202, 'a build of all platforms');
$rules = rules();
ok((wait_until { $origin->flying() == AT_A_TIME } 10, 'flying'),
   'four are fetched at a time');
sleep(0.3);
is(scalar $origin->flying(), AT_A_TIME, 'and not one more');
is(join("\n", $td->visible($build)), '', 'nothing is to be seen');
is($td->release($build)->{state}, 'fetching', 'it says so');

$origin->script();
$release = $td->becomes($build, 'staged', 'all is fetched');

is(join("\n", $td->wrong_files($build)), '', 'and is what it was');
is(join("\n", $td->visible($build)), '', 'nothing is to be seen');
fetched($build, 'each was asked for once, and nothing else');

my @requests = $origin->requests();

is(join(' ', grep { $_ > AT_A_TIME } map { $_->{flying} } @requests), '',
   'never more than four at a time');
is(join(' ', grep { $_ ne 'GET' } map { $_->{method} } @requests), '',
   'all by GET');
is(join(' ', grep { /^(?:cookie|authorization|x-|content|referer)/ }
             map { keys %{$_->{headers}} } @requests), '',
   'and nothing is told to the origin that it need not know');
is(scalar(grep { ($_->{headers}{'accept-encoding'} // 'identity')
                 ne 'identity' } @requests), 0, 'nothing is compressed');

# what is told of it

my %expected = (
    id => $build->{id}, app => $app, kind => 'desktop', state => 'staged',
    createdBy => 'todesktop', appVersion => $build->{version},
    version => $build->{version}, electron => '33.3.2',
    commit => 'dfd155b0d39d38a8945d3d89c3885a920d3f363e',
    commitMessage => "Gr\x{fc}\x{df}e, \x{1f680}", branch => 'master',
    remote => 'https://github.com/acme/app.git',
    buildStartedAt => '2026-11-01T10:00:25Z',
    buildEndedAt => '2026-11-01T10:15:06Z',
);

is($release->{$_}, $expected{$_}, "the release's $_") for sort keys %expected;
is($release->{reason}, undef, 'no reason for a failure');
is($release->{progress}, undef, 'no progress');
is(scalar @{$release->{files}}, keys %{$build->{files}}, 'its files');
is($release->{size}, total($build), 'its size');

# it takes effect with the promotion, and not before

is(rules(), $rules, 'no rule has changed');
unlike($rules, qr/\Q$build->{id}\E/, 'and none knows of it');
is(promote($build)->{status}, 200, 'promoted');
is(rules(), json_encode({ latestReleaseBuildId => $build->{id},
                          releaseRedirections => [] }), 'now they have');

for my $name (sort keys %{$build->{files}}) {
    my $reply = feed(uri_encode($name));

    next if $reply->{status} == 200
            && $reply->{body} eq $t->read_file("origin/$app/$name");

    fail("the feed has $name: $reply->{status}");
}

like(feed("latest$_.yml")->{body}, qr/^version: \Q$build->{version}\E$/m,
     "latest$_.yml") for '', '-mac', '-linux';

my $first = $build;

# only some platforms

for my $platform (qw/ windows mac linux /) {
    my $build = $td->build(platforms => [ $platform ], size => 1000);

    $origin->mark();
    $td->deliver($build);
    $td->becomes($build, 'staged', "a build of only $platform");
    is(join("\n", $td->wrong_files($build)), '', "$platform: its files");
    fetched($build, "$platform: asked for once, and nothing else");
}

# lists that say little, or much

$build = $td->build(platforms => [ 'linux' ], size => 1000, td => sub {
    my ($platform, $list) = @_;

    delete $list->{$_} for qw/ version createdAt /;
    $list->{artifacts}{flatpak} = undef;
    $list->{artifacts}{snap} = { x64 => undef, arm64 => undef };
    $list->{artifacts}{again} = { %{$list->{artifacts}{deb}} };
    $list->{new} = [ { a => 1 } ];
}, yml => sub {
    s/^(\s+)(blockMapSize: 500)$/$1$2\n$1isAdminRightsRequired: true/mg;
    $_ .= "stagingPercentage: 20\nreleaseNotes: |\n  * one\n  * two\n";
});

$origin->mark();
$td->deliver($build);
$td->becomes($build, 'staged', 'a list with null and unknown members');
fetched($build, 'and a file that is listed twice: asked for once');

# a blockmap's status

$build = $td->build(platforms => [ 'windows' ], size => 1000);
$origin->script(qr/\Q$build->{id}\E-x64\.exe\.blockmap$/ => { status => 404 },
                qr/\Q$build->{id}\E-arm64\.exe\.blockmap$/
                => { status => 500, times => 1 });
delete $build->{files}{$_}
    for grep { /x64\.exe\.blockmap$/ } keys %{$build->{files}};
$td->deliver($build);
$td->becomes($build, 'staged', 'without a blockmap');
is(join("\n", $td->wrong_files($build)), '',
   'but with one that is not there at first');
$origin->script();

# progress

$build = $td->build(platforms => [ 'windows' ], size => 200_000);
$origin->script(qr/arm64\.exe$/ => { hold => 100_000 },
                qr/x64\.exe$/ => { slow => 400_000 });
$td->deliver($build);

my @seen;

ok((wait_until {
    my $progress = $td->release($build)->{progress} or return;

    push @seen, $progress;

    return $progress->{filesDone} == $progress->{files} - 1
           && $progress->{bytesDone} > 500_000;
} 10, 'progress'), 'progress is told')
    or diag(json_encode([ $seen[-1], $td->release($build) ]));

my $progress = $seen[-1] || {};
my $size = 0;

$size += $build->{files}{$_}{size}
    for grep { /\.(?:exe|msi)$/ } keys %{$build->{files}};

is($progress->{files}, 6, 'files: three, and perhaps their blockmaps');
cmp_ok($progress->{filesDone} // 0, '<', $progress->{files} // 0,
       'not all of them are done');
cmp_ok($progress->{bytes} // 0, '>=', $size, 'bytes');
cmp_ok($progress->{bytes} // 0, '<=', total($build), 'no more than there are');
cmp_ok($progress->{bytesDone} // 0, '<', $progress->{bytes} // 0,
       'not all of them are done');
cmp_ok((grep { defined } map { $_->{bytesPerSecond} } @seen)[0] // -1, '>=', 0,
       'bytes per second');
like($progress->{updatedAt}, qr/^20\d\d-\d\d-\d\dT[\d:.]+Z$/, 'as of when');

my @backwards = grep { $seen[$_]{filesDone} < $seen[$_ - 1]{filesDone}
                       || $seen[$_]{bytesDone} < $seen[$_ - 1]{bytesDone}
                } 1 .. $#seen;

is(scalar @backwards, 0, 'it only goes forwards');
$origin->script();
$release = $td->becomes($build, 'staged', 'until it is over');
is($release->{progress}, undef, 'and nothing is told of it any more');

# a build without a webhook

$build = $td->build(size => 1000);
$origin->mark();

for my $role (qw/ read approve /) {
    $t->refused(sub { fetch($build, {}, token => $role) }, qr/^403 /,
                "$role must not fetch");
}

$t->refused(sub { fetch($build, {}, token => undef) }, qr/^401 /,
            'nor may somebody without a token');
$t->refused(sub { fetch($build, $_->[0]) }, qr/^4(?:00|22) /,
            "platforms $_->[1]")
    for [ { platforms => [ 'amiga' ] }, 'that nobody knows' ],
        [ { platforms => 'mac' }, 'that are no array' ],
        [ { platforms => [ 1 ] }, 'that are numbers' ],
        [ { platforms => [] }, 'that are none' ],
        [ '[]', 'in an array' ], [ '{', 'in half an object' ];
$t->refused(sub { $t->api('GET', "/releases/$app/$build->{id}/fetch", undef,
                          token => 'admin') }, qr/^405 /, 'GET');
$t->refused(sub { $t->api('POST', "/releases/$app/a%2Fb/fetch", {},
                          token => 'publish') }, qr/^40[04] /,
            'an id that is none');
is(scalar $origin->requests(), 0, 'nothing was asked for');

$reply = fetch($build, {});
is($reply->{status}, 202, 'fetched by its id');
like($reply->{headers}{location}, qr{/releases/\Q$app/$build->{id}\E$},
     'where it is');
is($reply->{body},
   json_encode({ id => $build->{id}, state => 'fetching' }) . "\n",
   'what was begun');
$release = $td->becomes($build, 'staged', 'and staged');
is($release->{createdBy}, 'publish', 'by whom');
is(join("\n", $td->wrong_files($build)), '', 'its files');
fetched($build, 'asked for once');

my $tree = $t->tree();

is(fetch($build, {})->{status}, 200, 'again');
is($td->deliver($build)->{status}, 200, 'and by the webhook');
is($t->tree(), $tree, 'change nothing');

$build = $td->build(size => 1000);
$origin->mark();
fetch($build, { platforms => [ 'mac', 'linux' ] });
$td->becomes($build, 'staged', 'two platforms of three');

for (keys %{$build->{files}}) {
    delete $build->{files}{$_} if /\.exe|\.msi|^(?:td-)?latest-build/;
}

is(join("\n", $td->wrong_files($build)), '', 'those are here');
is(join(' ', map { $_->{name} }
             $origin->requests(qr/\.exe|\.msi|latest-build/)), '',
   'and nothing of the third was asked for');

# failed, and tried again by somebody

$build = $td->build(platforms => [ 'mac' ], size => 1000);
$origin->script(qr/\.dmg$/ => { status => 403 });
$td->deliver($build);
$release = $td->becomes($build, 'failed', 'forbidden by the origin');
like($release->{reason}, qr/403|\.dmg/, 'and that is the reason');
is(join("\n", $td->visible($build)), '', 'nothing is to be seen');
$t->refused(sub { retry($build, token => 'read') }, qr/^403 /,
            'who may only read does not try again');
$t->refused(sub { promote($build) }, qr/^409 /, 'and nobody promotes it');
$origin->script();
is(retry($build)->{status}, 202, 'tried again');
$release = $td->becomes($build, 'staged', 'and staged');
is($release->{reason}, undef, 'without the reason');
$t->refused(sub { retry($build) }, qr/^409 /, 'there is nothing to try again');
$t->refused(sub { $t->api('POST', "/releases/$app/nosuch/retry", {},
                          token => 'publish') }, qr/^404 /,
            'nor of what is not there');

# rejected on its way

$build = $td->build(platforms => [ 'linux' ], size => 50_000, more => 8);
$origin->script(qr/\.bin$/ => { hold => 20_000 });
$origin->mark();
$td->deliver($build);
ok((wait_until { $origin->flying(qr/bin$/) == AT_A_TIME } 5, 'flying'),
   'in the middle');
$reply = $t->api('POST', "/releases/$app/$build->{id}/reject",
                 { reason => 'not today' }, token => 'approve');
is($reply->{status}, 200, 'it is rejected');
ok((wait_until { !$origin->flying() } 5, 'flying'),
   'nothing is fetched any more');
$origin->script();
$release = $td->becomes($build, 'rejected', 'and stays so');
is($release->{reason}, 'not today', 'with the reason');
is(scalar $origin->requests(qr/bin$/), AT_A_TIME, 'nothing more was asked for');
is(join("\n", $td->visible($build)), '', 'nothing is to be seen');
$t->refused(sub { promote($build) }, qr/^409 /, 'it cannot be promoted');
$t->refused(sub { retry($build) }, qr/^409 /, 'nor tried again');

# releaseInfo: none; another build; redirections

$build = $td->build(platforms => [ 'linux' ], size => 1000);
$td->deliver($build, fields => { releaseInfo => undef });
$td->wait_state($build, 'staged');
promote($build);
is(rules(), json_encode({ latestReleaseBuildId => $first->{id},
                          releaseRedirections => [] }),
   'a build without releaseInfo is not the latest');
is(feed("latest-linux-build-$build->{id}.yml")->{status}, 200,
   'but can be had by its name');

my $canary = $td->build(platforms => [ 'linux' ], size => 1000);
my %info = (latestReleaseBuildId => $first->{id}, releaseRedirections => [
    { rule => 'buildByIp', buildId => $canary->{id},
      ipList => [ '127.0.0.1' ] },
]);

$td->deliver($canary, fields => { releaseInfo => \%info });
$td->wait_state($canary, 'staged');
is(rules(), json_encode({ latestReleaseBuildId => $first->{id},
                          releaseRedirections => [] }),
   'a redirection is not there before');
like(feed('latest-linux.yml')->{body}, qr/^version: \Q$first->{version}\E$/m,
     'nobody gets it');
promote($canary);
is(rules(), json_encode(\%info), 'but with the promotion');
like(feed('latest-linux.yml')->{body}, qr/^version: \Q$canary->{version}\E$/m,
     'and who is redirected gets it');

# two apps, several builds at once

my @builds = map {
    $td->build(app => (qw/ app-one app-two /)[$_ % 2], size => 2000)
} 1 .. 6;

$td->deliver($_) for @builds;
$td->becomes($_, 'staged', "one of several: $_->{app}") for @builds;
is(join("\n", map { $td->wrong_files($_) } @builds), '', 'all of them right');

# without approval

my $conf = $t->read_file('liveupdate.conf');

$t->write_file('liveupdate.conf',
               $conf =~ s/^(liveupdate_approval +)on;/$1off;/mr);
$t->reload();

is($td->release($builds[0])->{state}, 'staged', 'what waits still does');

$build = $td->build(size => 1000);
$td->deliver($build);
$td->becomes($build, 'live', 'without approval it is live at once');
is(join("\n", $td->wrong_files($build)), '', 'with all files');
like(feed("latest$_.yml")->{body}, qr/^version: \Q$build->{version}\E$/m,
     "latest$_.yml is it") for '', '-mac';

my $audit = $t->api('GET', "/releases/$app/audit?limit=1", undef,
                    token => 'read')->{json}[0];

is("$audit->{by} $audit->{change} $audit->{subject}",
   "todesktop release.promote $build->{id}", 'and the audit log says so');

$build = $td->build(platforms => [ 'linux' ], size => 1000);
fetch($build, {});
$td->becomes($build, 'live', 'fetched by its id: live, too');

$td->idle('no job is left');
is(scalar $origin->contacts(), 0, 'nobody but the origin was contacted');


# -- helpers -----------------------------------------------------------------

# Since the mark: all that has to be asked for, once, and nothing else.

sub fetched {
    my ($build, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my %count;

    $count{$_->{name}}++ for $origin->requests();

    # what a reload cuts short is fetched again
    %count = map { $_ => 1 } keys %count if $ENV{TEST_NGINX_HUP};

    is(join("\n", map { "$count{$_} $_" } sort keys %count),
       join("\n", map { "1 $_" } @{$build->{paths}}), $name);
}


sub total {
    my ($build) = @_;

    my $size = 0;

    $size += $_->{size} for values %{$build->{files}};

    return $size;
}


sub rules {
    return json_encode($t->api('GET', "/releases/$app/rules", undef,
                               token => 'read')->{json});
}


sub promote {
    my ($build) = @_;

    return $t->api('POST', "/releases/$build->{app}/$build->{id}/promote", {},
                   token => 'approve');
}


sub retry {
    my ($build, %opt) = @_;

    return $t->api('POST', "/releases/$build->{app}/$build->{id}/retry", {},
                   token => 'publish', %opt);
}


sub fetch {
    my ($build, $body, %opt) = @_;

    return $t->api('POST', "/releases/$build->{app}/$build->{id}/fetch",
                   $body, token => 'publish', %opt);
}


sub feed {
    my ($path) = @_;

    return $t->api('GET', "/desktop/$app/$path", undef, token => undef);
}
