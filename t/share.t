#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Releases to a part of the devices, through the approval API: what it says of
# the shares is what devices and installations get.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Test::LiveUpdate qw/ zip /;

use Digest::SHA qw/ sha512_base64 /;

select STDERR; $| = 1;
select STDOUT; $| = 1;

use constant MANY => 400;

# five standard deviations of the worst case

use constant NEAR => 0.125;

my $t = Test::LiveUpdate->new()->plan(51);

$ENV{APPROVAL} = 'on';
$t->config_reference()->run();

# -- bundles -----------------------------------------------------------------

my $app = $t->create_app('My App');
my $beta = $t->create_channel($app, 'beta');
my ($one, $two, $three) = map {
    $t->publish($app, 'default', zip('index.html' => $_))->{bundle}
} qw/ one two three /;

is(release($one)->{shares}, undef, 'what waits has no shares');

for my $wrong (-0.1, 1.1, '"1"', 'true', '[]') {
    $t->refused(sub { promote($one, "{\"rollout\":$wrong}") },
                '422 "rollout" must be a number from 0 to 1.',
                "a rollout that is none: $wrong");
}

$t->refused(sub { promote($one, '{"channel":1}') },
            '422 "channel" must be the name of a channel.',
            'a channel that is none');
$t->refused(sub { promote($one, '{"channel":"none"}') },
            '404 Channel not found.', 'no such channel');

promote($one, '{}');
is_deeply(shares($one), { default => 1 }, 'to all');

my $share = release($one)->{shares}[0];

is("$share->{createdBy} $share->{rollout}", 'approve 1', 'by whom');
is($share->{deploymentId},
   $t->api('GET', "/v1/apps/$app/deployments")->{json}[0]{id},
   'with which deployment');

promote($two, '{"rollout":0.5}');
promote($three, '{"rollout":0.2}');
is_deeply([map { shares($_)->{default} } $three, $two, $one],
          [0.2, 0.4, 0.4], 'a part of what the newer ones leave');

my %told = (map({ $_ => 0 } $one, $two, $three));
$told{$t->latest($app, deviceId => "device-$_")->{json}{bundleId}}++
    for 1 .. MANY;

near($told{$three} / MANY, 0.2, 'devices get the newest');
near($told{$two} / MANY, 0.4, 'and the one before');
near($told{$one} / MANY, 0.4, 'and the one before that');

is_deeply({ map { $_->{id} => $_->{shares}[0]{share} } @{list()} },
          { $one => 0.4, $two => 0.4, $three => 0.2 }, 'all of it in a list');

promote($three, '{"rollout":0.6}');
is(shares($three)->{default}, 0.6, 'to more');
is(scalar @{$t->api('GET', "/v1/apps/$app/deployments")->{json}}, 3,
   'not deployed again');
is(audit()->[0]{change}, 'release.rollout', 'in the audit log');
is("@{audit()->[0]}{qw/ subject from to /}", "$three 0.2000 0.6000",
   'with the share before and after');

promote($three, '{"channel":"beta","rollout":0.5}');
is_deeply(shares($three), { default => 0.6, beta => 0.5 },
          'into another channel as well');

promote($two, '{}');
is(shares($two)->{default}, 1, 'what is not the newest is deployed again');

promote($one, '{"rollout":0}');
is_deeply(shares($one), { default => 0 }, 'to nobody');
is(shares($two)->{default}, 1, 'who gets what was before it');

promote($two, '{"channel":"default","rollout":1}');
is_deeply(shares($one), {}, 'nothing of what nobody gets');
is(release($one)->{state}, 'live', 'which is live all the same');

is_deeply([map { $_->{state} } @{list('live')}], [('live') x 3],
          'a list of what is live');
is_deeply(list($_), [], "a list of what is $_") for qw/ staged withdrawn /;

# -- desktop releases --------------------------------------------------------

$t->api('POST', '/v1/apps', { id => 'desk', name => 'D', type => 'electron' });
$app = 'desk';

staged($_) for 1 .. 3;

promote('b1', '{}');
is_deeply(shares('b1'), { windows => 1, mac => 1 }, 'to all who can');

promote('b2', '{"rollout":0.3}');
is(audit()->[0]{change} . ' ' . audit()->[0]{to}, 'release.promote 0.3000',
   'in the audit log');
is_deeply(rules(), { latestReleaseBuildId => 'b1', releaseRedirections => [
    { rule => 'buildByRollout', buildId => 'b2', percentage => 30 },
] }, 'to a part: by a rule');
is_deeply([shares('b1')->{mac}, shares('b2')->{mac}], [0.7, 0.3],
          'and shares');
is(told(''), '1.0.0', 'without an id it is the old one');

my $n = grep { told("installation-$_") eq '2.0.0' } 1 .. MANY;

near($n / MANY, 0.3, 'installations get it');

promote('b2', '{"rollout":0.07}');
is(rules()->{releaseRedirections}[0]{percentage}, 7, 'to fewer');
is(audit()->[0]{change}, 'release.rollout', 'in the audit log');

promote('b2', '{}');
is(rules()->{releaseRedirections}[0]{percentage}, 7,
   'promoted once more: nothing has changed');

promote('b2', '{"rollout":1}');
is_deeply(rules(), { latestReleaseBuildId => 'b2',
                     releaseRedirections => [] }, 'to all');
is(told(''), '2.0.0', 'without an id, too');
is_deeply(shares('b1'), {}, 'nobody gets the old one');

promote('b2', '{"rollout":0.5}');
is(rules()->{latestReleaseBuildId}, 'b1', 'to a half: the others go back');
promote('b2', '{"rollout":0}');
is_deeply(rules(), { latestReleaseBuildId => 'b1',
                     releaseRedirections => [] }, 'to nobody');

promote('b3', '{"rollout":1}');
is(told(''), '3.0.0', 'to all at once');

$t->refused(sub { promote('b3', '{"rollout":2}') },
            '422 "rollout" must be a number from 0 to 1.', 'to more');
$t->refused(sub { promote('b3', '{"rollout":0.5,"expect":1}') },
            qr/^409 The app was changed meanwhile/, 'if nothing has changed');

my $generation = $t->api('GET', "/v1/apps/$app")->{json}{generation};

is(promote('b3', "{\"rollout\":0.5,\"expect\":$generation}")->{status}, 200,
   'with the generation that the app has');

# -- the audit log of a release ----------------------------------------------

is(join(' ', map { $_->{subject} } @{audit('subject=b2')}), join(' ',
   ('b2') x 5), 'the audit log of a release');
is_deeply([audit('subject=b2&limit=2&offset=1')],
          [[@{audit('subject=b2')}[1, 2]]], 'a part of it');
is_deeply(audit('subject=nothing'), [], 'of none');

# -- who am I ----------------------------------------------------------------

my %roles = map {
    $_ => join ' ', @{$t->api('GET', '/v1/users/me', undef, token => $_)
                      ->{json}{roles}}
} qw/ read publish approve admin /;

is_deeply(\%roles, {
    read => 'read', publish => 'read publish', approve => 'read approve',
    admin => 'read publish approve admin',
}, 'the roles of tokens');

###############################################################################

sub promote {
    my ($id, $body) = @_;

    return $t->api('POST', "/releases/$app/$id/promote", $body,
                   token => 'approve');
}

sub release {
    return $t->api('GET', "/releases/$app/$_[0]")->{json};
}

sub list {
    my ($state) = @_;

    my $query = defined $state ? "?state=$state" : '';

    return $t->api('GET', "/releases/$app$query")->{json};
}

sub shares {
    return { map { ($_->{platform} // $_->{channel}) =>
                   sprintf('%.10g', $_->{share}) + 0 }
             @{release($_[0])->{shares}} };
}

sub rules {
    return $t->api('GET', "/releases/$app/rules")->{json};
}

sub audit {
    my ($query) = @_;

    return $t->api('GET', "/releases/$app/audit?" . ($query // ''))->{json};
}

sub told {
    my ($id) = @_;

    my $reply = $t->api('GET', "/desktop/$app/latest.yml", undef,
        token => undef, headers => [$id eq '' ? ()
                                    : ('x-user-staging-id' => $id)]);

    return $reply->{body} =~ /^version: (\S+)$/m ? $1 : $reply->{status};
}

# For Windows and macOS, not for Linux.

sub staged {
    my ($n) = @_;

    my $uploads = "store/staging/$app/b$n/uploads";
    my $bytes = "$n" x 1000;
    my $digest = sha512_base64($bytes) . '==';

    for my $case ([ '', 'exe' ], [ '-mac', 'zip' ]) {
        my ($suffix, $type) = @$case;

        $t->write_file("$uploads/D-$n.0.0.$type", $bytes);
        $t->write_file("$uploads/latest$suffix.yml", <<EOF_YML);
version: $n.0.0
files:
  - url: D-$n.0.0.$type
    sha512: $digest
    size: 1000
path: D-$n.0.0.$type
releaseDate: '2026-01-01T00:00:00.000Z'
EOF_YML
    }

    my $reply = $t->api('POST', "/releases/$app/b$n/stage", {},
                        token => 'publish');

    die "not staged: $reply->{raw}\n" unless $reply->{status} == 202;
}

sub near {
    my ($is, $wanted, $name) = @_;

    cmp_ok(abs($is - $wanted), '<', NEAR, "$name: $is");
}

###############################################################################
