#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# The commit that a bundle was built from, as the CLI sends it; limits of
# versions that exclude everyone; devices whose ids are typed in upper case.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT zip /;

my $t = Test::LiveUpdate->new()->plan(51);

$t->config_reference();
$t->run();

my $app = $t->create_app('commit');
my $path = "/v1/apps/$app/bundles";

# the commit

my %commit = (gitCommitSha => '0123abc', gitCommitMessage => "fix: crash\n\nx",
              gitCommitRef => 'main', gitRef => 'v1');

my $done = $t->publish($app, 'default', zip('index.html' => 'x'),
                       bundle => \%commit);
my $id = $done->{bundle};

for my $of (["/v1/apps/$app/builds/$id", 'a build'],
            ["/v1/apps/$app/builds?limit=1", 'the builds'],
            ["$path/$id", 'a bundle'], ["/releases/$app/$id", 'a release'])
{
    my $json = $t->api('GET', $of->[0])->{json};

    $json = $json->[0] if ref $json eq 'ARRAY';

    is($json->{$_}, $commit{$_}, "$of->[1] has its $_") for sort keys %commit;
}

is($done->{reply}{json}{gitCommitSha}, '0123abc', 'and so does the answer');

is_deeply([map { [@{$_}{qw/ change subject commit /}] }
           grep { $_->{subject} eq $id } audit()],
          [map { [$_, $id, '0123abc'] } qw/ bundle.ready bundle.create /],
          'the audit log has it');

$done = $t->publish($app, 'default', zip('index.html' => 'x'));
is($t->api('GET', "$path/$done->{bundle}")->{json}{gitCommitSha}, undef,
   'a bundle without a commit');
ok(!exists((audit())[0]{commit}), 'and its audit entry');

$done = $t->publish($app, 'default', zip('index.html' => 'x'),
                    bundle => { gitRef => 'v2' });
is((audit())[0]{commit}, 'v2', 'a reference stands for the commit');

for my $case ([gitCommitSha => 'x' x 129], [gitCommitMessage => [1]],
              [gitCommitRef => 'x' x 1025], [gitRef => 'x' x 1025],
              [gitCommitSha => 7])
{
    my ($key, $value) = @$case;

    $t->refused(sub {
        $t->api('POST', $path, { artifactType => 'zip', $key => $value },
                token => 'publish')
    }, qr/^422 "$key" must be a string/, "refused: a $key");
}

$done = $t->publish($app, 'default', zip('index.html' => 'x'),
                    bundle => { gitCommitMessage => 'x' x 10_000 });
is($t->api('GET', "$path/$done->{bundle}")->{json}{gitCommitMessage},
   'x' x 4096, 'a long message is cut');

# a minimum above the maximum

for my $platform ('Android', 'Ios') {
    my ($min, $max) = map { "$_${platform}AppVersionCode" } qw/ min max /;

    $t->refused(sub {
        $t->api('POST', $path, { artifactType => 'zip', $min => '10',
                                 $max => '9' }, token => 'publish')
    }, qr/^422 "$min" must not be above the maximum/, "$min above $max");

    $t->refused(sub {
        $t->api('PATCH', "/v1/apps/$app/builds/$id",
                { $min => '1.10', $max => '1.9' }, token => 'publish')
    }, qr/^422 "$min" must not be above the maximum/, 'changed to that');

    is($t->api('PATCH', "/v1/apps/$app/builds/$id", { $max => '9' },
               token => 'publish')->{status}, 200, "$max");
    $t->refused(sub {
        $t->api('PATCH', "/v1/apps/$app/builds/$id", { $min => '10' },
                token => 'publish')
    }, qr/^422 "$min" must not be above the maximum/, "a later $min above it");
    is($t->api('PATCH', "/v1/apps/$app/builds/$id",
               { $min => '10', $max => undef }, token => 'publish')
       ->{status}, 200, "without $max");
}

# a device that is typed as Apple's tools print it

my $lower = '0b3c8e1e-5b1a-4f0e-9a51-2f0e4d9b8a10';
my $upper = uc $lower;
my $channel = $t->create_channel($app, 'beta');
my $beta = $t->publish($app, 'beta', zip('index.html' => 'beta'))->{bundle};

is(told($lower), $done->{bundle}, 'a device');
is($t->api('PATCH', "/v1/apps/$app/devices?ids=x,$upper",
           { forcedAppChannelId => $channel }, token => 'publish')
   ->{status}, 200, 'is forced to a channel');
is(told($lower), $beta, 'and gets what is there');
is(told($upper), $beta, 'with old plugins, too');
is(told('X'), $done->{bundle}, 'which is not so for ids that are no UUID');

for my $id ($lower, $upper) {
    is($t->api('GET', "/v1/apps/$app/devices/$id")->{json}{id}, $lower,
       "found as $id");
    is($t->api('GET', "/v1/apps/$app/devices?id=$id")->{json}[0]
       {forcedAppChannelId}, $channel, 'and in the list');
}

is($t->api('PATCH', "/v1/apps/$app/devices/$upper",
           { forcedAppChannelId => undef }, token => 'publish')
   ->{status}, 200, 'it is freed');
is(told($lower), $done->{bundle}, 'and gets what all get');

# a store in which it was forced in upper case

$t->api('PATCH', "/v1/apps/$app/devices?ids=$lower",
        { forcedAppChannelId => $channel }, token => 'publish');

my $text = $t->read_file("store/apps/$app/app.json");

$text =~ s/\Q$lower/$upper/ or die "no device is forced\n";
$t->write_file("store/apps/$app/app.json", $text);

ok((wait_until { told($lower) eq $beta } 10, 'told'), 'an older store');
is($t->api('DELETE', "/v1/apps/$app/devices/$lower", undef,
           token => 'publish')->{status}, 204, 'the device is deleted');
is(told($lower), $done->{bundle}, 'and not forced any more');

###############################################################################

sub told {
    my ($device) = @_;

    return $t->latest($app, deviceId => $device)->{json}{bundleId} // '';
}


sub audit {
    return @{$t->api('GET', "/releases/$app/audit?limit=1000")->{json}};
}
