#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# What a manifest demands of those who update: it is shown, and obeyed by the
# updaters.  A manifest reaches them byte for byte, with all that it has.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate;
use Test::LiveUpdate::Release qw/ bytes_of manifest_of /;

my $t = Test::LiveUpdate->new()->plan(13);

$ENV{APPROVAL} = 'on';

$t->config_reference();
$t->run();

$t->api('POST', '/v1/apps', { id => 'shop', name => 'Shop',
                              type => 'electron' });

# as version 27 of electron-builder is going to sign

my $signed = <<'EOC';
signatures:
  - keyId: "one"
    algorithm:   ed25519
    signature: 'AAAA+/=='   # a comment
  - { keyId: two, algorithm: ed25519, signature: "BBBB" }
futureField: [ 1, ~, "\u00e9" ]
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


sub manifest {
    my ($version, $more) = @_;

    return manifest_of($version, "Setup $version.exe") . $more;
}


sub stage {
    my ($n) = @_;

    my $uploads = "store/staging/shop/$n.0.0/uploads";

    $t->write_file("$uploads/latest.yml", $manifest{$n});
    $t->write_file("$uploads/Setup $n.0.0.exe",
                   bytes_of("Setup $n.0.0.exe"));

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
    return http_get('/desktop/shop/latest.yml') =~ s/^.*?\r\n\r\n//sr;
}
