#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Tokens: every route with every role, the token file, and what is told to
# those who may not.

use warnings;
use strict;

use Digest::SHA qw/ sha256_hex /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_decode multipart zip /;

my $t = Test::LiveUpdate->new()->plan(109);

my %clear = map { $_ => "ca_secret_of_$_" }
    qw/ read publish approve admin mine theirs both /;
my ($mine, $theirs) = qw/ app-mine app-theirs /;

tokens(map { "$_ $_ " . sha256_hex($clear{$_}) }
           qw/ read publish approve admin /);
$t->config_reference();

# the file: at start, or not at all

my $digest = sha256_hex('x');
my $other = sha256_hex('y');

for my $case (
    ["x read", qr/line 1 has no SHA-256 of a token/],
    ["x", qr/line 1 has no role/],
    ["x write $digest", qr/line 1 has a role that is not read/],
    ["x read, $digest", qr/line 1 has a role/],
    ["x read,write $digest", qr/line 1 has a role/],
    ["x READ $digest", qr/line 1 has a role/],
    ["x read " . substr($digest, 1), qr/line 1 .* not 64 hex digits/],
    ["x read ${digest}0", qr/line 1 .* not 64 hex digits/],
    ["x read ca_clear_token", qr/line 1 .* not 64 hex digits/],
    ["x read $digest a/b", qr/line 1 .* app that is not a valid id/],
    ["x read $digest ../x", qr/line 1 .* app that is not a valid id/],
    ["x read $digest public", qr/line 1 .* app that is not a valid id/],
    ["# c\n\nx read $digest\ny read $digest",
     qr/line 4 .* SHA-256 of an earlier token/],
    ["x read $digest\nx read $other", qr/line 2 .* name of an earlier token/],
    ["\xff read $digest", qr/line 1 .* name that is not 1 to 128 bytes/],
    [('x' x 129) . " read $digest", qr/line 1 .* name/],
) {
    my ($lines, $expected) = @$case;

    tokens($lines);

    my ($said, $ok) = $t->test_config();

    ok(!$ok && $said =~ /\[emerg\] invalid token file ".*": $expected.* in /,
       'refused: ' . substr $lines =~ s/\n/ \\ /gr =~ s/\xff/?/r, 0, 50)
        or diag($said);
    unlike($said, qr/ca_clear_token|$digest/, 'and nothing of it told')
        if $lines =~ /clear/;
}

for my $lines ('', "# nothing\n", "\n\n", "x read $digest\r\n",
               "\tx  read,publish\t$digest  app1 app2 ",
               "x read " . uc $digest)
{
    tokens($lines);

    my ($said, $ok) = $t->test_config();
    ok($ok, 'taken: ' . substr $lines =~ s/([^ -~])/sprintf '\x%02x',
                                                    ord $1/ger, 0, 40)
        or diag($said);
}

for my $mode (0604, 0602, 0644, 0666, 0777) {
    tokens("x read $digest");
    chmod $mode, $t->testdir() . '/tokens';

    my ($said, $ok) = $t->test_config();
    ok(!$ok && $said =~ /must not be readable or writable by others, use "chm/,
       sprintf 'mode %o', $mode) or diag($said);
}

for my $mode (0600, 0400, 0640) {
    tokens("x read $digest");
    chmod $mode, $t->testdir() . '/tokens';

    ok(($t->test_config())[1], sprintf 'mode %o', $mode);
}

unlink $t->testdir() . '/tokens';
like($t->test_config(),
     qr{open\(\) ".*/tokens" of "liveupdate_tokens" failed, create .* \(2: },
     'no file');
mkdir $t->testdir() . '/tokens';
chmod 0700, $t->testdir() . '/tokens';
ok(!($t->test_config())[1], 'a folder');
rmdir $t->testdir() . '/tokens';
tokens('x' x 2_000_000);
like($t->test_config(), qr/file ".*" is larger than 1 MB/, 'too large a file');

# the roles

tokens(
    (map { "$_ $_ " . sha256_hex($clear{$_}) }
         qw/ read publish approve admin /),
    "mine publish " . sha256_hex($clear{mine}) . " $mine",
    "theirs admin " . sha256_hex($clear{theirs}) . " $theirs x y",
    "both read,publish " . uc(sha256_hex $clear{both}) . " $mine $theirs",
);
$t->run();

for my $app ($mine, $theirs) {
    my $reply = $t->api('POST', '/v1/apps', { id => $app, name => $app },
                        token => $clear{admin});
    die $reply->{raw} if $reply->{status} != 201;
}

my $reply = $t->api('POST', "/v1/apps/$mine/bundles",
                    { artifactType => 'zip' }, token => $clear{admin});
my $bundle = $reply->{json}{id};
my ($form, $type) = multipart(checksum => 'x');

# Each route with the least role that it needs.  None of these changes
# anything: what it names does not exist, or the body is refused.

my @routes = (
    ['GET', 'users/me', 'read'],
    ['POST', 'sessions', 'none'],
    ['POST', 'sessions/codes', 'none'],
    ['DELETE', 'sessions/x', 'none'],
    ['GET', 'organizations', 'read'],
    ['POST', 'organizations', 'admin'],
    ['GET', 'organizations/x', 'read'],
    ['PATCH', 'organizations/x', 'admin'],
    ['DELETE', 'organizations/x', 'admin'],
    ['GET', 'apps', 'read'],
    ['POST', 'apps', 'admin'],
    ['GET', 'apps/APP', 'read'],
    ['PATCH', 'apps/APP', 'admin'],
    ['DELETE', 'apps/x', 'admin'],
    ['GET', 'apps/APP/channels', 'read'],
    ['POST', 'apps/APP/channels', 'publish'],
    ['DELETE', 'apps/APP/channels?name=x', 'publish'],
    ['GET', 'apps/APP/channels/x', 'read'],
    ['PATCH', 'apps/APP/channels/x', 'publish'],
    ['DELETE', 'apps/APP/channels/x', 'publish'],
    ['POST', 'apps/APP/channels/x/pause', 'publish'],
    ['POST', 'apps/APP/channels/x/resume', 'publish'],
    ['POST', 'apps/APP/bundles', 'publish'],
    ['GET', 'apps/APP/bundles/x', 'read'],
    ['PATCH', 'apps/APP/bundles/x', 'publish'],
    ['DELETE', 'apps/APP/bundles/x', 'publish'],
    ['GET', 'apps/APP/bundles/x/download', 'none'],
    ['POST', 'apps/APP/bundles/x/files', 'publish'],
    ['POST', 'apps/APP/bundles/x/files/y/upload?action=mpu-create',
     'publish'],
    ['PUT', 'apps/APP/bundles/x/files/y/upload?action=mpu-uploadpart',
     'publish'],
    ['DELETE', 'apps/APP/bundles/x/files/y/upload', 'publish'],
    ['GET', 'apps/APP/deployments', 'read'],
    ['POST', 'apps/APP/deployments', 'publish'],
    ['GET', 'apps/APP/deployments/x', 'read'],
    ['PATCH', 'apps/APP/deployments/x', 'publish'],
    ['GET', 'apps/APP/builds', 'read'],
    ['GET', 'apps/APP/builds/x', 'read'],
    ['PATCH', 'apps/APP/builds/x', 'publish'],
    ['GET', 'apps/APP/builds/x/artifacts/y/download', 'read'],
    ['GET', 'apps/APP/devices', 'read'],
    ['PATCH', 'apps/APP/devices?ids=x', 'publish'],
    ['GET', 'apps/APP/devices/x', 'read'],
    ['PATCH', 'apps/APP/devices/x', 'publish'],
    ['GET', 'jobs/x', 'read'],
    ['POST', 'apps/APP/build-sources', 'read'],
    ['GET', 'apps/APP/certificates', 'read'],
);

my %may = (
    none => { map { $_ => 1 } qw/ none / },
    read => { map { $_ => 1 } qw/ none read / },
    publish => { map { $_ => 1 } qw/ none read publish / },
    approve => { map { $_ => 1 } qw/ none read / },
    admin => { map { $_ => 1 } qw/ none read publish admin / },
);

for my $route (@routes) {
    my ($method, $path, $needs) = @$route;
    my @wrong;

    $path =~ s/APP/$mine/;

    my $of_app = $path =~ m{^apps/};

    for my $who (qw/ read publish approve admin mine theirs both wrong none/) {
        my $before = $t->tree();
        my $reply = $t->api($method, "/v1/$path",
            $method =~ /^(?:GET|DELETE)$/ ? undef
            : $path =~ m{/files(?:$|.*uploadpart)} ? $form : '{"name":1}',
            token => $who eq 'none' ? undef : $clear{$who} // 'ca_wrong',
            type => $path =~ m{/files(?:$|.*uploadpart)} ? $type : undef);
        my $is = $reply->{status};
        my $said = $is >= 300 && $is != 302 ? $t->said($reply) : $is;

        my $role = $who eq 'mine' || $who eq 'both' ? 'publish'
                   : $who eq 'theirs' ? 'admin' : $who;
        my $expected;

        if ($needs eq 'none') {
            $expected = qr/^(?:403 This server|204|404)/;

        } elsif ($who eq 'none') {

            # without a token this is the devices' question
            $expected = $method eq 'GET' && $path =~ m{/channels$}
                        ? qr/^401 Channel discovery is not enabled\.$/
                        : qr/^401 A token is required\.$/;

        } elsif ($who eq 'wrong') {
            $expected = qr/^401 Invalid token\.$/;

        } elsif (!$may{$role}{$needs}) {
            $expected = qr/^403 This needs a token with the role "$needs"\.$/;

        } elsif ($of_app && $path !~ m{^apps/x}
                 && $who eq 'theirs'
                 || $path eq 'apps/x' && $who =~ /mine|both/)
        {
            $expected = qr/^403 This token is not for this app\.$/;

        } elsif ($who eq 'theirs' && $path =~ /^organizations/
                 && $method ne 'GET')
        {
            $expected = qr/^403 This needs a token that is for all apps\.$/;

        } else {
            $expected = qr/^(?:200|404|422|400)/;
        }

        push @wrong, "$who: $said" unless $said =~ $expected;
        push @wrong, "$who: something changed"
            unless $before eq $t->tree();
    }

    is(join("\n", @wrong), '', "$method $path: $needs");
}

# a token that is limited to apps sees no others

is(apps('read'), "$mine $theirs", 'all apps');
is(apps('mine'), $mine, 'one app');
is(apps('theirs'), $theirs, 'the other app');
is(apps('both'), "$mine $theirs", 'both');
$t->refused(sub { $t->api('POST', '/v1/apps', { id => 'new', name => 'x' },
                          token => $clear{theirs}) },
            '403 This token is not for this app.', 'makes no other app');
$t->refused(sub { $t->api('POST', '/v1/apps', { name => 'x' },
                          token => $clear{theirs}) },
            '403 This token is not for this app.', 'with no id either');
is($t->api('POST', '/v1/apps', { id => 'x', name => 'x' },
           token => $clear{theirs})->{status}, 201, 'but one of its own');

# how it is sent

for my $value ("Bearer $clear{read}", "bearer $clear{read}",
               "BEARER   $clear{read}")
{
    is(me($value), 200, "Authorization: $value");
}

for my $value ($clear{read}, "Basic $clear{read}", 'Bearer', 'Bearer ',
               "Bearer  ", "Bearer $clear{read}x", "Bearer ca_",
               'Bearer ' . sha256_hex($clear{read}), "Token $clear{read}",
               "Bearer \"$clear{read}\"", 'Bearer ' . 'x' x 5000,
               "Bearer $clear{read},$clear{admin}")
{
    is(me($value), 401, 'no token: ' . substr $value, 0, 40);
}

# the log names nobody's token

my @log = grep { /ca_secret_of|ca_wrong/ }
    split /\n/, $t->read_log() . $t->read_file('logs/access.log');

is("@log", '', 'no token in a log');

is($t->api('GET', "/v1/users/me?token=$clear{read}", undef, token => undef)
   ->{status}, 401, 'not in the query');
$t->log_like(qr/\[warn\].*access forbidden: This needs a token with the role/,
             'but why it was refused');

# another file after a reload

tokens('new read ' . sha256_hex('ca_new'));
$t->reload();

is(me('Bearer ca_new'), 200, 'a new token');
is(me("Bearer $clear{read}"), 401, 'the old ones are gone');

$t->steady();
tokens('broken');
like($t->reload(fails => 1), qr/invalid token file/, 'a broken file');
is(me('Bearer ca_new'), 200, 'changes nothing');

###############################################################################

sub tokens {
    my (@lines) = @_;

    $t->write_file('tokens', join '', map { "$_\n" } @lines);
    chmod 0600, $t->testdir() . '/tokens';
}


sub apps {
    my ($who) = @_;

    return join ' ', sort map { $_->{id} }
        @{$t->api('GET', '/v1/apps', undef, token => $clear{$who})->{json}};
}


sub me {
    my ($value) = @_;

    return $t->api('GET', '/v1/users/me', undef, token => undef,
                   headers => [Authorization => $value])->{status};
}
