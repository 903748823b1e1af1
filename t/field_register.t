#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Registered bundles that some versions of the plugin cannot install,
# registrations that are repeated, and signatures that no device can verify.

use warnings;
use strict;

use Digest::SHA qw/ sha256_hex /;
use MIME::Base64 qw/ encode_base64 /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT zip /;

my $t = Test::LiveUpdate->new()->plan(47);

$t->config_reference();
$t->run();

my $app = $t->create_app('registered');
my $path = "/v1/apps/$app/bundles";

# without a checksum

$t->mark_log();

my $reply = register(url => 'https://cdn.example.com/1.zip');
my $id = $reply->{json}{id};

is($reply->{status}, 201, 'registered without a checksum');
like("@{$reply->{json}{warnings} || []}",
     qr/not offered to Android .* 7\.1\.0 to 7\.3\.0.*--path/,
     'its publisher is told');
$t->log_like(qr/\[warn\].* bundle "\Q$id\E" of app "\Q$app\E": The bundle/,
             'and whoever reads the log');

for my $case ([0, '7.0.0', 1], [0, '7.1.0', 0], [0, '7.2.2', 0],
              [0, '7.3.0', 0], [0, '7.4.0', 1], [0, '8.4.3', 1],
              [0, undef, 1], [1, '7.1.0', 1], [1, '7.2.2', 1])
{
    my ($platform, $version, $offered) = @$case;

    is($t->latest($app, platform => $platform, pluginVersion => $version)
       ->{status}, $offered ? 200 : 404,
       'plugin ' . ($version // 'unknown') . " of platform $platform");
}

$reply = register(url => 'https://cdn.example.com/2.zip',
                  checksum => sha256_hex('2'));
is($reply->{json}{warnings}, undef, 'with a checksum: no warning');
is(told(pluginVersion => '7.2.2'), $reply->{json}{id}, 'and for all versions');

$id = $t->publish($app, 'default', zip('index.html' => 'x'))->{bundle};
is(told(pluginVersion => '7.2.2'), $id, 'an uploaded one, too');
$id = $t->publish($app, 'default', { 'index.html' => 'x' })->{bundle};
is(told(pluginVersion => '7.2.2'), $id, 'and one with a manifest');

# the same again: what a client repeats whose connection broke

for my $checksum (undef, sha256_hex('3')) {
    my %same = (url => 'https://cdn.example.com/3.zip',
                gitCommitSha => 'abc', $checksum ? (checksum => $checksum)
                                                 : ());
    my $name = $checksum ? 'with a checksum' : 'without';
    my $first = register(%same);
    my @before = (generation(), scalar audit());
    my $second = register(%same);

    is($second->{status}, 201, "the same again, $name");
    is($second->{json}{id}, $first->{json}{id}, 'is the same bundle');
    is($second->{json}{appDeploymentId}, $first->{json}{appDeploymentId},
       'and the same deployment');
    is(join(' ', generation(), scalar audit()), "@before",
       'nothing has changed');

    my $other = register(%same, gitCommitSha => 'abd');

    isnt($other->{json}{id}, $first->{json}{id},
         'of another commit: a new one');
    is(generation(), $before[0] + 2, 'which is a change');
}

# after the time that a retry takes, the bytes at the URL may be others

age(16);
isnt(register(url => 'https://cdn.example.com/4.zip')->{json}{id},
     undef, 'registered');
my $four = told();
age(16);
isnt(register(url => 'https://cdn.example.com/4.zip')->{json}{id}, $four,
     'without a checksum, a later one is another one');

my %five = (url => 'https://cdn.example.com/5.zip',
            checksum => sha256_hex('5'));
register(%five);
my $five = told();
age(16);
is(register(%five)->{json}{id}, $five, 'with a checksum it is the same');
age(61);
isnt(register(%five)->{json}{id}, $five, 'for a minute');

# signatures

my $key = $t->testdir() . '/key.pem';
my %six = (url => 'https://cdn.example.com/6.zip',
           checksum => sha256_hex('6'));

$t->create_channel($app, 'safe', fields => { protected => \1 });

for my $case (['no base64', '!' x 344], ['Ed25519', 'x' x 64],
              ['an elliptic curve', '0E' . 'x' x 69], ['255 bytes', 'x' x 255],
              ['257 bytes', 'x' x 257], ['base64url', undef])
{
    my ($name, $bytes) = @$case;
    my $signature = $name eq 'no base64' ? $bytes
                  : $bytes ? encode_base64($bytes, '')
                           : '-_' x 171 . '==';

    $t->refused(sub {
        register(%six, signature => $signature, channelName => 'safe')
    }, qr/^422 "signature" must be an RSA signature/,
                "a signature: $name, registered");

    my $reply = $t->api('POST', $path, { artifactType => 'zip' },
                        token => 'publish');

    like($t->said($t->upload($app, $reply->{json}{id},
                             zip('index.html' => 'x'),
                             form => { signature => $signature })),
         qr/^422 "signature" must be an RSA signature/,
         "a signature: $name, uploaded");
}

for my $bits (2048, 3072) {
    system("openssl genrsa -out '$key' $bits 2>/dev/null") == 0 or die;
    ok($t->publish($app, 'default', zip('index.html' => $bits), key => $key)
       ->{ok}, "RSA-$bits");
}

# a bundle has one key

my $bundle = $t->api('POST', $path, { artifactType => 'manifest' },
                     token => 'publish')->{json}{id};
my %files = ('index.html' => '<html>', 'a.js' => 'a');
my ($name, $manifest) = Test::LiveUpdate::API::manifest_of(\%files);

$t->upload($app, $bundle, $files{$_}, href => $_, key => $key)
    for sort keys %files;
system("openssl genrsa -out '$key' 4096 2>/dev/null") == 0 or die;
$t->upload($app, $bundle, $manifest, href => $name, key => $key);

like($t->said(ready()), qr/^422 "capawesome-live-update-manifest\.json" is/,
     'signed with keys of two sizes');

###############################################################################

sub register {
    my (%fields) = @_;

    return $t->api('POST', $path, { artifactType => 'zip', %fields },
                   token => 'publish');
}


sub ready {
    return $t->api('PATCH', "$path/$bundle", { artifactStatus => 'ready' },
                   token => 'publish');
}


sub told {
    my (%query) = @_;

    return $t->latest($app, %query)->{json}{bundleId};
}


sub generation {
    return $t->api('GET', "/v1/apps/$app")->{json}{generation};
}


sub audit {
    return @{$t->api('GET', "/releases/$app/audit?limit=1000")->{json}};
}


# Makes what devices are offered older.

sub age {
    my ($seconds) = @_;

    my $file = "store/live/$app/" . told() . '/release.json';
    my @then = gmtime(time() - $seconds);
    my $text = $t->read_file($file);

    $text =~ s/("createdAt":\s*")[^"]*/sprintf('%s%04d-%02d-%02dT%02d:%02d:'
        . '%02d.000Z', $1, $then[5] + 1900, $then[4] + 1, @then[3, 2, 1, 0])/e
        or die "createdAt is not in $file\n";
    $t->write_file($file, $text);
}
