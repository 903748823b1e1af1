#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# The real CLI is refused: it says why, in the server's words, ends with a
# failure, and does not try again and again.  Devices see nothing of it.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_encode zip /;
use Test::LiveUpdate::CLI;
use Test::LiveUpdate::Device;

my $t = Test::LiveUpdate->new();
my $cli = Test::LiveUpdate::CLI->new($t);

$t->config_reference(sub {
    s/  buffer=32k  flush=1s//;
    s/(client_max_body_size\s+)\S+;/${1}200k;/;
});
$t->run()->plan(45);

my $app = $t->create_app('Shop');
my $device = device();
my ($reply, @asked);

$t->create_channel($app, 'production');
$t->create_channel($app, 'guarded', fields => { protected => \1 });

my $published = $t->publish($app, 'production', zip('index.html' => 'one'));

$cli->write_www('www', { 'index.html' => 'two', 'app.js' => 'code' });


# what is uploaded

refused('unsigned for a protected channel',
    [upload('guarded'), '--path', 'www'],
    qr/protected: it takes only (?:bundles that are )?signed/i);
is(device('guarded')->latest(), undef, 'unsigned: devices get nothing');

refused('unsigned files for a protected channel',
    [upload('guarded'), '--path', 'www', '--artifact-type', 'manifest'],
    qr/protected: it takes only (?:bundles that are )?signed/i);

$t->write_file('cli/none.zip', zip('main.html' => 'no index', 'a/b' => 'c'));
refused('a zip without index.html',
    [upload('production'), '--path', 'none.zip'], qr/index\.html/);

$t->write_file('cli/up.zip', zip('index.html' => 'up', '../up.js' => 'evil'));
refused('a zip that leads out',
    [upload('production'), '--path', 'up.zip'], qr{\.\./up\.js});

$t->write_file('cli/broken.zip', substr(zip('index.html' => 'x' x 999), 20));
refused('what is no zip',
    [upload('production'), '--path', 'broken.zip'], qr/zip/);

$cli->write_www('large', { 'index.html' => 'x', 'photo.png' => random(300) });
refused('a file that is too large',
    [upload('production'), '--path', 'large'],
    qr/The file is too large for this server\./,
    qr{^POST .*/files$});

# where to

@asked = refused('an unknown channel',
    [upload('nope'), '--path', 'www'], qr/Channel not found/,
    qr{^POST .*/bundles$});
is((grep { m{/files$} } @asked), 0, 'an unknown channel: nothing is sent');

refused('an unknown app', ['apps:liveupdates:upload', '--yes', '--app-id',
    'b4a6d3c0-0000-4000-8000-000000000000', '--path', 'www'],
    qr/App not found/, qr{^GET });

refused('an unknown channel for a registered bundle',
    ['apps:liveupdates:register', '--yes', '--app-id', $app, '--channel',
     'nope', '--url', 'https://example.com/a.zip'], qr/Channel not found/,
    qr{^POST });

refused('no URL',
    ['apps:liveupdates:register', '--yes', '--app-id', $app, '--channel',
     'production', '--url', 'ftp://example.com/a b.zip'], qr/"?url"?/i,
    qr{^POST });

refused('an unsigned registered bundle for a protected channel',
    ['apps:liveupdates:register', '--yes', '--app-id', $app, '--channel',
     'guarded', '--url', 'https://example.com/a.zip'], qr/protected/,
    qr{^POST });

refused('an unknown build', ['apps:deployments:create', '--app-id', $app,
    '--build-id', $app, '--channel', 'production'], qr/not found/i, qr{^GET });

refused('a version that is none',
    [upload('production'), '--path', 'www', '--ios-min', '1.x'],
    qr/minIosAppVersionCode/, qr{^POST });

# who

@asked = refused('a wrong token', [{ token => 'ca_wrong' },
    upload('production'), '--path', 'www'], qr/Your token is no longer valid/,
    qr{^GET });
is(scalar @asked, 1, 'a wrong token: nothing else is asked');

@asked = refused('a token that may only read', [{ token => 'read' },
    upload('production'), '--path', 'www'],
    qr/This needs a token with the role "publish"\./, qr{^POST });
is(scalar @asked, 2, 'a token that may only read: nothing is sent');

# what only the Cloud has

my $cloud = qr/This server hosts live updates.* no builders.*liveupdates:up/;

refused('a build', ['apps:builds:create', '--app-id', $app, '--platform',
    'web', '--git-ref', 'main', '--yes'], $cloud, qr{^POST .*/builds$});

refused('a build and its deployment', ['apps:liveupdates:create', '--app-id',
    $app, '--channel', 'production', '--git-ref', 'main', '--yes'], $cloud,
    qr{^POST .*/builds$});

refused('certificates', ['apps:certificates:list', '--app-id', $app], $cloud,
    qr{^GET .*/certificates});

# all that was refused is in staging, with the reason

my @reasons = map { $t->read_file($_) =~ /"reason":\s*"([^"]+)/ }
    glob "$t->{testdir}/store/staging/$app/*/release.json";

is(scalar(grep { /index\.html/ } @reasons), 1,
    'the reason is kept with the bundle');

# and after all that

is($device->latest()->{bundleId}, $published->{bundle},
    'devices get what they got before');

$reply = $cli->run(upload('production'), '--path', 'www');
is($reply->{status}, 0, 'what is right is taken');
is($device->sync()->{kind}, 'zip', 'and devices get it');

unlike($t->read_log(), qr/\Q@{[$t->token('publish')]}/,
    'no token is in the log');


sub upload {
    my ($channel) = @_;

    return ('apps:liveupdates:upload', '--app-id', $app, '--yes',
            '--channel', $channel);
}


# The command must fail and say why.  What was refused, the last request or the
# one that is named, was not sent twice.

sub refused {
    my ($name, $command, $reason, $request) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    $cli->requests();

    my $reply = $cli->run(@$command);
    my @asked = $cli->requests();
    my %times;

    $times{$_}++ for grep { $_ =~ ($request // qr/^PATCH /) } @asked;

    ok($reply->{status} == 1 && $reply->{out} =~ /\[error\] .*$reason/,
        "$name: refused, and why")
        or diag("status $reply->{status}: $reply->{out}");

    is_deeply([values %times], [1], "$name: once")
        or diag(join "\n", @asked);

    return @asked;
}


sub device {
    my ($channel) = @_;

    return Test::LiveUpdate::Device->new(
        server => 'http://127.0.0.1:' . port(8080),
        app => $app,
        dir => "$t->{testdir}/device",
        channel => $channel // 'production',
    );
}


sub random {
    my ($kilobytes) = @_;

    open my $fh, '<:raw', '/dev/urandom' or die "no /dev/urandom: $!\n";
    read($fh, my $bytes, 1024 * $kilobytes) or die "no random bytes\n";

    return $bytes;
}
