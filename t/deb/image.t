#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# The image for containers, run as its description says, by namespaces alone:
# its start, its health check, what stays in the volume, and a graceful stop.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate ();
use Test::LiveUpdate::Chroot;
use Test::LiveUpdate::HTTP qw/ json_decode /;

use constant NAME => 'updates.example.com';

my $root = $Test::LiveUpdate::ROOT;
my $dir = "$root/build/chroot";
my $file = "$dir/image.tar";
my ($deb) = glob "$root/build/deb/bookworm/*.deb";

plan(skip_all => 'must be root') if $> != 0;
plan(skip_all => 'no package, run t/deb/package.t first') if !$deb;

for my $tool (qw/ buildah mmdebstrap unshare nsenter ip /) {
    plan(skip_all => "no $tool")
        if system("command -v $tool >/dev/null 2>&1") != 0;
}

$ENV{BUILDAH} //= "--root $dir/storage --runroot $dir/run"
    . ' --storage-driver vfs';

my $said = `$root/packaging/image.sh $deb bookworm $file 2>&1 </dev/null`;

is($?, 0, 'the image is made') or diag(substr $said, -1500);

# as "docker load" reads it

system("rm -rf $dir/image && mkdir $dir/image && tar -C $dir/image -xf $file")
    == 0 or die "cannot unpack $file\n";

my $manifest = json("$dir/image/manifest.json")->[0];
my $config = json("$dir/image/$manifest->{Config}")->{config};

is(scalar @{$manifest->{Layers}}, 1, 'one layer');
is_deeply([keys %{$config->{Volumes}}], ['/var/lib/liveupdate'], 'one volume');
is_deeply($config->{ExposedPorts}, { '8080/tcp' => {} }, 'one port');
is($config->{StopSignal}, 'SIGQUIT', 'it is stopped gracefully');
is_deeply($config->{Healthcheck}{Test}, ['CMD', '/usr/local/bin/health'],
          'it has a health check');

my $volume = "$dir/volume";

system("rm -rf $volume && mkdir $volume") == 0 or die;

my ($s, $pid);

like(start('')->[0], qr/set LIVEUPDATE_NAME to the name of the server/,
     'without a name it tells what is missing');
like(start('LIVEUPDATE_NAME=' . NAME . ' LIVEUPDATE_APPROVAL=maybe')->[0],
     qr/LIVEUPDATE_APPROVAL must be/, 'a wrong value is refused');

my $ok = start('LIVEUPDATE_NAME=' . NAME)->[1];

ok($ok, 'it starts') or diag($s->read('/tmp/said'));
like($s->read('/tmp/said'), qr/^(?!.*ca_[0-9a-f]{40})/s,
     'no token in the output');
is(said('stat -c %U /var/lib/liveupdate/store/apps'), "www-data\n",
   'the store is the workers\'');

my ($token) = said('nginx-liveupdate token add admin admin')
    =~ /(ca_[0-9a-f]{40})/;

like(call("-H 'Authorization: Bearer $token' --json '{\"name\":\"Shop\"}'"
          . ' http://127.0.0.1:8080/v1/apps'), qr/"name":"Shop"/, 'it works');
like($s->read('/tmp/said'), qr{"POST /v1/apps HTTP/1\.1" 201},
     'its logs are its output');
ok(stop(), 'it stops when told to');

# another container, with the volume

ok(start('LIVEUPDATE_NAME=' . NAME . ' LIVEUPDATE_APPROVAL=on')->[1],
   'another one starts');
like(call("-H 'Authorization: Bearer $token' http://127.0.0.1:8080/v1/apps"),
     qr/"name":"Shop"/, 'apps and tokens are still there');
like(said('nginx -T 2>/dev/null'), qr/^liveupdate_approval on;/m,
     'with approval');
stop();

# a configuration that is mounted

system('cp', $s->root . '/etc/nginx/conf.d/liveupdate.conf', "$dir/own.conf");
system('sed', '-i', 's/keepalive_requests .*/keepalive_requests 77;/',
       "$dir/own.conf");
ok(start('', "$dir/own.conf")->[1], 'with a file of one\'s own')
    or diag($s->read('/tmp/said'));
like(said('nginx -T 2>/dev/null'), qr/keepalive_requests 77;/, 'it is taken');
stop();

undef $s;

done_testing();

###############################################################################

# A fresh container.  Returns what it says and whether it is healthy.

sub start {
    my ($variables, $own) = @_;

    undef $s;
    $s = Test::LiveUpdate::Chroot->from_tar(
        "$dir/image/$manifest->{Layers}[0]", $dir);

    system('cp', $own, $s->root . '/etc/nginx/conf.d/liveupdate.conf') if $own;

    $s->start();
    $s->run("mount --bind '$volume' '@{[$s->root]}/var/lib/liveupdate'",
            mounts => 1);
    $s->run("mkdir -p /tmp && { $variables @{$config->{Entrypoint}}"
            . ' </dev/null >/tmp/said 2>&1 & echo $! > /tmp/pid; }');

    # until it is healthy or over

    my ($said, $ok) = $s->run(
        'for i in $(seq 100); do /usr/local/bin/health && exit 0;'
        . ' kill -0 $(cat /tmp/pid) 2>/dev/null || exit 1; sleep 0.1; done;'
        . ' exit 1');

    return [$s->read('/tmp/said') // '', $ok];
}


sub stop {
    my ($said, $ok) = $s->run(
        'kill -QUIT $(cat /tmp/pid); for i in $(seq 100); do'
        . ' test -e /run/nginx.pid || exit 0; sleep 0.1; done; exit 1');

    return $ok;
}


sub call {
    my ($arguments) = @_;

    return said("curl -s -H 'Host: @{[NAME]}' $arguments");
}


sub said {
    my ($command) = @_;

    return ($s->run($command))[0];
}


sub json {
    my ($name) = @_;

    open my $fh, '<', $name or die "cannot read $name: $!\n";
    local $/;
    return json_decode(scalar <$fh>);
}
