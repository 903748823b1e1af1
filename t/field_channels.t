#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# What a desktop app asks for is found per manifest: channels live side by side
# in one app, and a release for one platform leaves the others where they were,
# for all and for a share, in the feed and in the downloads.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate qw/ json_decode json_encode wait_until /;
use Test::LiveUpdate::Release qw/ dist stage_dist /;

use constant {
    WINDOWS => 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/131.0.0.0',
    MAC => 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Safari/605.1',
    LINUX => 'Mozilla/5.0 (X11; Linux x86_64) Firefox/133.0',
};

my $t = Test::LiveUpdate->new();

$ENV{APPROVAL} = 'on';

$t->config_reference(sub {
    my ($name) = @_;

    return if $name ne 'nginx.conf';

    s{^    access_log .*}{    log_format  named
        '\$request for \$liveupdate_platform \$liveupdate_channel '
        '\$liveupdate_arch \$liveupdate_result \$liveupdate_release';

    access_log  logs/named.log  named;}m;
})->run()->plan(91);

my $apps = 0;
my $app;

# stable and beta

new_app();

released('s1', '1.0.0', 'latest.yml', 'latest-mac.yml');
released('b1', '1.1.0-beta.1', 'beta.yml', 'beta-mac.yml');

is(versions('latest.yml', 'beta.yml', 'latest-mac.yml', 'beta-mac.yml'),
   '1.0.0 1.1.0-beta.1 1.0.0 1.1.0-beta.1', 'stable and beta');
is(download('', WINDOWS), 'App-1.0.0-latest.exe', 'a visitor gets stable');
is(download('?channel=beta', WINDOWS), 'App-1.1.0-beta.1-beta.exe',
   'or the channel of the address');
is(download('/mac/zip?channel=beta', WINDOWS),
   'App-1.1.0-beta.1-beta-mac.zip', 'for another platform');
is(download('?channel=alpha', WINDOWS), 404, 'or nothing');

logged(qr{/desktop/$app/beta-mac\.yml.* for mac beta - manifest b1},
       'a manifest in the log');
logged(qr{/download/$app\?channel=beta.* for windows beta - download b1},
       'a download in the log');
feed('App-1.0.0-latest.exe');
logged(qr{/desktop/$app/App-1\.0\.0.* for windows - - file s1},
       'a file in the log');

is(rollback()->{status}, 404, 'there is no beta to go back to');
is(versions('latest.yml', 'beta.yml'), '1.0.0 1.1.0-beta.1',
   'and nothing has changed');

released('b2', '1.1.0-beta.2', 'beta.yml', 'beta-mac.yml');
released('s2', '1.0.1', 'latest.yml', 'latest-mac.yml');

is(versions('latest.yml', 'beta.yml'), '1.0.1 1.1.0-beta.2', 'both go on');

is($t->api('GET', "/releases/$app/rollback?channel=beta")->{json}{id}, 'b1',
   'where a rollback of beta leads');
is(rollback(channel => 'beta')->{status}, 200, 'a rollback of beta');
is(versions('latest.yml', 'beta.yml', 'beta-mac.yml'),
   '1.0.1 1.1.0-beta.1 1.1.0-beta.1', 'leaves stable');
is(rollback(channel => 'latest')->{status}, 200, 'and one of stable');
is(versions('latest.yml', 'beta.yml'), '1.0.0 1.1.0-beta.1',
   'leaves beta');
is(rollback(channel => 'gamma')->{status}, 404, 'none of no channel');

promote('b2', rollout => 1);
is(versions('latest.yml', 'beta.yml'), '1.0.0 1.1.0-beta.2',
   'up again: beta alone');

released('b3', '1.1.0-beta.3', 'beta.yml');
is(versions('latest.yml', 'beta.yml', 'beta-mac.yml'),
   '1.0.0 1.1.0-beta.3 1.1.0-beta.2', 'the next beta, for Windows');

withdraw('b2');
is(versions('latest.yml', 'beta.yml', 'beta-mac.yml'),
   '1.0.0 1.1.0-beta.3 1.1.0-beta.1', 'one that only Macs had is withdrawn');

# generateUpdatesFilesForAllChannels: stable also feeds beta and alpha

new_app();

released('s1', '1.0.0', 'latest.yml', 'beta.yml', 'alpha.yml');
released('b1', '1.1.0-beta.1', 'beta.yml', 'alpha.yml');

is(versions('latest.yml', 'beta.yml', 'alpha.yml'),
   '1.0.0 1.1.0-beta.1 1.1.0-beta.1', 'a beta feeds alpha, too');

released('s2', '1.1.0', 'latest.yml', 'beta.yml', 'alpha.yml');

is(versions('latest.yml', 'beta.yml', 'alpha.yml'), '1.1.0 1.1.0 1.1.0',
   'stable feeds all');

is(rollback()->{status}, 200, 'rolled back');
is(versions('latest.yml', 'beta.yml', 'alpha.yml'),
   '1.0.0 1.1.0-beta.1 1.1.0-beta.1', 'each channel to its own');

# a hotfix for Windows

new_app();

released('r1', '1.0.0', 'latest.yml', 'latest-mac.yml', 'latest-linux.yml',
         'latest-linux-arm64.yml');

staged('r2', '1.0.1', 'latest.yml');
promote('r2', rollout => 0.5);

my %seen;

for my $n (1 .. 40) {
    my @headers = ('X-User-Staging-Id' => "$n$n-abc-$n");

    $seen{versions($_, @headers)}{$_}++
        for 'latest.yml', 'latest-mac.yml', 'latest-linux.yml',
            'latest-linux-arm64.yml';
}

is($seen{'1.0.0'}{$_}, 40, "at 50 %: $_ stays")
    for 'latest-mac.yml', 'latest-linux.yml', 'latest-linux-arm64.yml';
cmp_ok($seen{'1.0.1'}{'latest.yml'}, '>', 5, 'some of Windows get it');
cmp_ok($seen{'1.0.0'}{'latest.yml'}, '>', 5, 'and some do not');

promote('r2', rollout => 1);

is(versions('latest.yml', 'latest-mac.yml', 'latest-linux.yml',
            'latest-linux-arm64.yml'), '1.0.1 1.0.0 1.0.0 1.0.0',
   'at 100 %');
is(download('', WINDOWS), 'App-1.0.1-latest.exe', 'Windows downloads it');
is(download('', MAC), 'App-1.0.0-latest-mac.zip', 'macOS what it had');
is(download('', LINUX), 'App-1.0.0-latest-linux.AppImage', 'and Linux');
is(download('/linux/appImage/arm64', WINDOWS),
   'App-1.0.0-latest-linux-arm64.AppImage', 'and Linux on arm64');

released('r3', '1.0.2', 'latest-linux-arm64.yml');

is(versions('latest.yml', 'latest-mac.yml', 'latest-linux.yml',
            'latest-linux-arm64.yml'), '1.0.1 1.0.0 1.0.0 1.0.2',
   'one for an architecture');
is(download('', LINUX), 'App-1.0.0-latest-linux.AppImage',
   'whoever is not on arm64 downloads another');
is(download('/linux/appImage/arm64', WINDOWS),
   'App-1.0.2-latest-linux-arm64.AppImage', 'whoever is, this one');
logged(qr{/latest-linux-arm64\.yml.* for linux latest arm64 manifest r3},
       'an architecture in the log');

# r2 for Windows alone is an older release than r3

promote('r1', rollout => 1, confirm => \1);
is(versions('latest.yml', 'latest-mac.yml', 'latest-linux-arm64.yml'),
   '1.0.0 1.0.0 1.0.0', 'the first one for all that it has');

promote('r2', rollout => 1);
is(versions('latest.yml', 'latest-mac.yml', 'latest-linux-arm64.yml'),
   '1.0.1 1.0.0 1.0.0', 'and the second one for Windows');

withdraw('r2');
is(versions('latest.yml', 'latest-mac.yml', 'latest-linux-arm64.yml'),
   '1.0.0 1.0.0 1.0.0', 'withdrawn');

# a rollback of a platform

released('r2b', '1.0.1-1', 'latest.yml', 'latest-mac.yml');

is(rollback(platforms => ['amiga'])->{status}, 422, 'an unknown platform');
is(rollback(platforms => [])->{status}, 422, 'no platform');
is(rollback(platforms => ['mac'])->{json}{id}, 'r1', 'a rollback for Macs');
is(versions('latest.yml', 'latest-mac.yml'), '1.0.1-1 1.0.0',
   'leaves Windows');

withdraw('r2b');

# and one of an architecture

released('r2c', '1.0.1-2', 'latest-linux.yml', 'latest-linux-arm64.yml');

is(rollback(archs => [])->{status}, 422, 'no architecture');
is(rollback(archs => ['Arm'])->{status}, 422, 'an unknown one');
is(rollback(arch => 'arm64')->{status}, 422, 'one that is no list');
is(rollback(platform => 'linux')->{status}, 422, 'and such a platform');
is(rollback(archs => ['arm64'])->{json}{id}, 'r3', 'a rollback for arm64');
is(versions('latest-linux.yml', 'latest-linux-arm64.yml'), '1.0.1-2 1.0.2',
   'leaves x64');
is(rollback(archs => ['x64'], platforms => ['linux'])->{json}{id}, 'r1',
   'and one for x64');
is(versions('latest.yml', 'latest-linux.yml'), '1.0.0 1.0.0', 'is one');

withdraw('r2c');

# rules by platform and by address

staged('r4', '1.0.3', 'latest.yml');
promote('r4', rollout => 0);

is($t->api('PUT', "/releases/$app/rules", {
       latestReleaseBuildId => 'r1',
       releaseRedirections => [
           { rule => 'buildByIp', buildId => 'r4', ipList => ['127.0.0.1'] },
       ],
   }, token => 'approve')->{status}, 200, 'a rule by address');
is(versions('latest.yml', 'latest-mac.yml'), '1.0.3 1.0.0',
   'counts where the release has something');
is(download('', WINDOWS), 'App-1.0.3-latest.exe', 'in the downloads');
is(download('', MAC), 'App-1.0.0-latest-mac.zip', 'too');

# a stable release for the testers of beta first

new_app();

released('s1', '1.0.0', 'latest.yml', 'beta.yml');
staged('s2', '1.0.1', 'latest.yml', 'beta.yml');
promote('s2', rollout => 0);

my $rules = {
    latestReleaseBuildId => 's1',
    releaseRedirections => [
        { rule => 'buildByRollout', buildId => 's2', percentage => 100,
          channels => ['beta'] },
    ],
};

is_deeply($t->api('PUT', "/releases/$app/rules", $rules, token => 'approve')
          ->{json}, $rules, 'a rule for a channel');
is(versions('latest.yml', 'beta.yml', 'X-User-Staging-Id' => 'somebody'),
   '1.0.0 1.0.1', 'counts there');
is_deeply($t->api('GET', "/releases/$app/s2")->{json}{shares},
          [ { platform => 'windows', channel => 'beta',
              manifest => 'beta.yml', share => 1 } ], 'and in the shares');
is(promote('s2', rollout => 1)->{status}, 200, 'and then for all');
is(versions('latest.yml', 'beta.yml'), '1.0.1 1.0.1', 'who get it');

# what a promotion does, and to whom, is said before

new_app();

released('r1', '1.0.0', 'latest.yml', 'latest-mac.yml');
staged('r2', '1.0.1', 'latest.yml', 'latest-linux-arm64.yml');

my $before = $t->read_file("store/apps/$app/app.json");

my $told = $t->api('POST', "/releases/$app/r2/promote?dry-run",
                   { rollout => 0.25 }, token => 'approve');

is($told->{status}, 200, 'a dry run');
is_deeply($told->{json}{effects}, [
    { platform => 'linux', channel => 'latest', arch => 'arm64',
      manifest => 'latest-linux-arm64.yml', from => undef,
      to => { id => 'r2', version => '1.0.1' }, share => 0.25,
      effect => 'new' },
    { platform => 'windows', channel => 'latest', manifest => 'latest.yml',
      from => { id => 'r1', version => '1.0.0' },
      to => { id => 'r2', version => '1.0.1' }, share => 0.25,
      effect => 'update' },
], 'tells what each one gets');
is($t->read_file("store/apps/$app/app.json"), $before, 'and changes nothing');
is($t->api('GET', "/releases/$app/r2")->{json}{state}, 'staged',
   'nor the release');
ok(!-e $t->testdir() . "/store/feed/$app/App-1.0.1-latest.exe",
   'nor the feed');

is($t->api('POST', "/releases/$app/none/promote?dry-run", {},
           token => 'approve')->{status}, 404, 'of no release');
is($t->api('POST', "/releases/$app/r2/promote?dry-run", { rollout => 2 },
           token => 'approve')->{status}, 422, 'of no share');

promote('r2');

# whoever has an update does not lose it by mistake

is(effects('r2', rollout => 0.5), 'latest-linux-arm64.yml lost,'
   . 'latest.yml back', 'to a part again: some lose it, some go back');

my $refused = promote('r2', rollout => 0.5);

is($refused->{status}, 409, 'is refused');
like($refused->{json}{message}, qr/^"latest-linux-arm64\.yml" would be gone/,
     'with what would be lost');
is(versions('latest.yml', 'latest-linux-arm64.yml'), '1.0.1 1.0.1',
   'and changes nothing');
is(promote('r2', rollout => 0.5, confirm => 1)->{status}, 422,
   'a number is no confirmation');
is(promote('r2', rollout => 0.5, confirm => \1)->{status}, 200,
   'unless it is confirmed');
is(versions('latest.yml', 'latest-linux-arm64.yml'), '1.0.0 404',
   'and then it is lost');

is(effects('r1', rollout => 1), '', 'what is so already');
is(promote('r2', rollout => 1)->{status}, 200, 'to all again');
is(effects('r1', rollout => 1), 'latest.yml back', 'an older one');

$refused = promote('r1', rollout => 1);

is($refused->{status}, 409, 'is refused');
like($refused->{json}{message}, qr/^"latest\.yml" would go back/,
     'with who would go back');
is(versions('latest.yml'), '1.0.1', 'and changes nothing');
is(promote('r1', rollout => 1, confirm => \1)->{status}, 200,
   'unless it is confirmed');

# a store of an older version does not say which manifests there are

new_app();

released('r1', '1.0.0', 'latest.yml', 'latest-mac.yml');
released('r2', '1.0.1', 'latest.yml');
released('r3', '1.1.0-beta.1', 'beta.yml');

forget();

is(versions('latest.yml', 'latest-mac.yml', 'beta.yml'),
   '1.0.1 1.0.0 1.1.0-beta.1', 'an older store');
is(feed('gamma.yml')->{status}, 404, 'what nobody has');
is(download('', MAC), 'App-1.0.0-latest-mac.zip', 'a download of it');
is(rollback(channel => 'latest')->{status}, 200, 'a rollback in it');
is(versions('latest.yml', 'latest-mac.yml', 'beta.yml'),
   '1.0.0 1.0.0 1.1.0-beta.1', 'is one of the channel');
is_deeply([ map { $_->{manifests} } @{stored()->{desktopBuilds}} ],
          [ [ 'latest.yml', 'latest-mac.yml', 'td-latest.json',
              'td-latest-mac.json' ],
            [ 'latest.yml', 'td-latest.json' ],
            [ 'beta.yml', 'td-latest.json' ] ],
          'and writes down what they have');

# an app that has no stable release

new_app();

released('a1', '0.1.0-alpha.1', 'alpha.yml');

is(download('', WINDOWS), 'App-0.1.0-alpha.1-alpha.exe',
   'no stable release: a visitor gets what there is');
is(versions('latest.yml'), 404, 'an updater gets its channel only');

###############################################################################

sub new_app {
    $app = 'chan' . ++$apps;

    $t->api('POST', '/v1/apps',
            { name => $app, type => 'electron', id => $app });
}


sub staged {
    my ($id, $version, @manifests) = @_;

    my %ext = (mac => 'zip', linux => 'AppImage');

    stage_dist($t, $app, $id, { map {
        my ($stem) = /(.*)\.yml/;
        my ($platform) = /-(mac|linux)/;

        $_ => [$version, "App-$version-$stem."
                         . ($platform ? $ext{$platform} : 'exe')]
    } @manifests });
}


sub promote {
    my ($id, %body) = @_;

    return $t->api('POST', "/releases/$app/$id/promote", \%body,
                   token => 'approve');
}


sub effects {
    my ($id, %body) = @_;

    my $reply = $t->api('POST', "/releases/$app/$id/promote?dry-run", \%body,
                        token => 'approve');

    return join ',', map { "$_->{manifest} $_->{effect}" }
        @{$reply->{json}{effects}};
}


sub released {
    my ($id, @rest) = @_;

    staged($id, @rest);
    my $reply = promote($id);

    diag($reply->{body}) if $reply->{status} != 200;
}


sub withdraw {
    my ($id) = @_;

    $t->api('POST', "/releases/$app/$id/withdraw", {}, token => 'approve');
}


sub rollback {
    my (%body) = @_;

    return $t->api('POST', "/releases/$app/rollback", \%body,
                   token => 'approve');
}


sub feed {
    my ($name, @headers) = @_;

    return $t->api('GET', "/desktop/$app/$name", undef, token => undef,
                   headers => \@headers);
}


# The version in each manifest, or the status.

sub versions {
    my (@names) = @_;

    my @headers;

    for my $i (0 .. $#names) {
        if ($names[$i] !~ /\.yml$/) {
            @headers = splice @names, $i;
            last;
        }
    }

    return join ' ', map {
        my $reply = feed($_, @headers);

        $reply->{body} =~ /^version: (\S+)/ ? $1 : $reply->{status}
    } @names;
}


sub download {
    my ($path, $agent) = @_;

    my $reply = $t->api('GET', "/download/$app$path", undef, token => undef,
                        headers => ['User-Agent' => $agent]);

    my ($name) = ($reply->{headers}{'content-disposition'} // '')
                 =~ /filename="([^"]*)"/;

    return $reply->{status} == 200 ? $name : $reply->{status};
}


# nginx writes a line after the reply.

sub logged {
    my ($pattern, $what) = @_;

    ok((wait_until { $t->read_file('logs/named.log') =~ $pattern } 10),
       $what);
}


sub stored {
    return json_decode($t->read_file("store/apps/$app/app.json"));
}


# Makes the app's app.json one of an older version.

sub forget {
    my $json = stored();

    delete $_->{manifests} for @{$json->{desktopBuilds}};
    delete $json->{desktopReleases}{manifests};

    $t->stop();
    $t->write_file("store/apps/$app/app.json", json_encode($json));
    $t->run();
}

###############################################################################
