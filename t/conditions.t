#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# What a manifest demands of those who update: it is shown, and obeyed by the
# updaters.  A manifest reaches them byte for byte, with all that it has.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate;
use Test::LiveUpdate::Release qw/ bytes_of manifest_of /;

my $t = Test::LiveUpdate->new()->plan(22);

$ENV{APPROVAL} = 'on';

$t->config_reference();
$t->run();

$t->api('POST', '/v1/apps', { id => 'shop', name => 'Shop',
                              type => 'electron' });

# as prereleases of version 27 of electron-builder sign, and more

my $one = '8f' x 32;
my $two = '3c' x 32;

my $signed = <<"EOC";
signatures:
  - keyId: $one
    signature:   'AAAA+/=='   # a comment
  - { keyId: "$two", signature: "BBBB" }
signature: AAAA+/==
futureField: [ 1, ~, "\\u00e9" ]
EOC

my %manifest = (
    1 => manifest('1.0.0', $signed),
    2 => manifest('2.0.0', "minimumSystemVersion: 10.0.17763\n"
                           . "stagingPercentage: 25\n$signed"),
    3 => manifest('3.0.0', "minimumSystemVersion: null\n"
                           . "stagingPercentage: all\n"),
);

stage($_) for sort keys %manifest;


# what is shown

is_deeply(release(2)->{conditions},
          [ { manifest => 'latest.yml', minimumSystemVersion => '10.0.17763',
              stagingPercentage => 25 } ], 'the release shows what it demands');
is(release(1)->{conditions}, undef, 'one that demands nothing');
is(release(3)->{conditions}, undef, 'nor what updaters cannot read');

change(1, 'promote');

like(dry_run(2, 0.1)->[0], qr/^"latest\.yml" .* of 25: .* 2\.5 % in all\.$/,
     'a rollout of a rollout is warned of');
is(dry_run(2, 1), undef, 'not one to everybody');
is(dry_run(3, 0.1), undef, 'nor that of a release without one');


# what is served

is(served(), $manifest{1}, 'a signed manifest, byte for byte');

change(2, 'promote', { rollout => 1 });
is(served(), $manifest{2}, 'a newer one');

change(2, 'promote', { rollout => 0 });
is(served(), $manifest{1}, 'a share, of which this client is none');

change(2, 'promote', { rollout => 1 });
$t->api('POST', '/releases/shop/rollback', {}, token => 'approve');
is(served(), $manifest{1}, 'taken back');

# another channel

$manifest{4} = manifest('4.0.0-beta.1', $signed);
stage(4, 'beta.yml');
change(4, 'promote', { rollout => 0.5 });
change(4, 'promote', { rollout => 1 });

is(served('beta.yml'), $manifest{4}, 'in another channel, byte for byte');
is(served(), $manifest{1}, 'beside the first one');

change(2, 'promote', { rollout => 1 });
is(served(), $manifest{2}, 'promoted again');
is(served('beta.yml'), $manifest{4}, 'which is not that of the other channel');

change(4, 'withdraw');
isnt(served('beta.yml'), $manifest{4}, 'withdrawn');
is(served(), $manifest{2}, 'where the other one is not');

# two of them can only be made into one by somebody with the key

$t->write_file("store/staging/shop/5.0.0/uploads/$_/latest-mac.yml",
               manifest_of('5.0.0', "My App-5.0.0-$_-mac.zip")
               . "signature: $_\n")
    for qw/ x64 arm64 /;
$t->write_file("store/staging/shop/5.0.0/uploads/$_/My App-5.0.0-$_-mac.zip",
               bytes_of("My App-5.0.0-$_-mac.zip"))
    for qw/ x64 arm64 /;

my $reply = $t->api('POST', '/releases/shop/5.0.0/stage', {},
                    token => 'publish');

is($reply->{status}, 422, 'signed ones are not merged');
like($reply->{json}{message}, qr/"signature"/, 'and it is said why');


sub manifest {
    my ($version, $more) = @_;

    return manifest_of($version, "Setup $version.exe") . $more;
}


sub stage {
    my ($n, $name) = @_;

    my $uploads = "store/staging/shop/$n.0.0/uploads";
    my ($exe) = $manifest{$n} =~ /url: "(.*)"/;

    $t->write_file("$uploads/" . ($name // 'latest.yml'), $manifest{$n});
    $t->write_file("$uploads/$exe", bytes_of($exe));

    my $reply = $t->api('POST', "/releases/shop/$n.0.0/stage", {},
                        token => 'publish');

    is($reply->{status}, 202, "$n.0.0 is staged")
        or diag($reply->{json}{message});
}


sub release {
    my ($n) = @_;

    return $t->api('GET', "/releases/shop/$n.0.0")->{json};
}


sub change {
    my ($n, $what, $body) = @_;

    return $t->api('POST', "/releases/shop/$n.0.0/$what", $body // {},
                   token => 'approve');
}


sub dry_run {
    my ($n, $rollout) = @_;

    return change($n, 'promote?dry-run', { rollout => $rollout })
        ->{json}{warnings};
}


sub served {
    my ($name) = @_;

    return http_get('/desktop/shop/' . ($name // 'latest.yml'))
        =~ s/^.*?\r\n\r\n//sr;
}
