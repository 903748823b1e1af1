#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# The vendor's own plugin for Android, versions 7 and 8, its code as it is, with
# stand-ins for what Android and Capacitor give it: what a broken bundle looks
# like to the server, as docs/guard.md says.

use warnings;
use strict;

use File::Path qw/ make_path /;
use IPC::Open2;
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Test::LiveUpdate qw/ :DEFAULT json_decode zip /;

my $PATH = 'io/capawesome/capacitorjs/plugins/liveupdate';

my $LEADS = 'okhttp3.brotli.BrotliInterceptor.INSTANCE';

my $t = Test::LiveUpdate->new();

my @jars = map { "/usr/share/java/$_.jar" }
           qw/ okhttp okio json-android zip4j /;
my $here = "$Test::LiveUpdate::ROOT/t/plugin";
my $dir = $t->testdir();

$t->has_daemon('javac');
$t->skip_all('no plugin, run "make plugin"')
    if grep { !-e } @jars, "$here/node_modules/plugin-8";

$t->config_reference(sub {
    my ($name) = @_;

    s{^    access_log .*}{    log_format  device  '\$request_uri'
        ' \$arg_bundleId';

    access_log  logs/device.log  device;}m if $name eq 'nginx.conf';
});

$t->run()->plan(44);

my ($app, $old, $new);
my ($seen, $read) = (0, 0);

for my $version (7, 8) {
    my $path = build($version);

    # with a timeout, a bundle that is not ready goes, and is tried again

    my $device = device($path, 1500, 0, 'none');

    says($device, 'sync');
    is(says($device, 'start')->{bundleId}, $old, "$version: a bundle");
    says($device, 'ready');
    publish_new();
    is(says($device, 'sync')->{nextBundleId}, $new, 'a new one comes');
    is(says($device, 'start')->{bundleId}, $new, 'and is started');
    ok(goes_back($device), 'it is not ready: back to the built-in bundle');
    is(asked(), "latest \nbundle\nlatest $old\nbundle",
       'which the server has not seen run');

    is(says($device, 'sync')->{nextBundleId}, $new, 'it asks again');
    is(asked(), 'latest ', 'with the built-in bundle, and downloads nothing');
    is(says($device, 'start')->{bundleId}, $new, 'the next start tries again');
    end($device);

    # a bundle that is blocked stays away, if the built-in one is ready

    $device = device($path, 1500, 1, 'none');

    says($device, 'sync');
    says($device, 'start');
    ok(goes_back($device), "$version: back again");
    is(says($device, 'ready')->{rollback} ? 1 : 0, 1, 'the app is told');
    is(says($device, 'sync')->{nextBundleId}, undef, 'the bundle is blocked');
    is(asked(), "latest \nbundle\nlatest ", 'it is offered in vain');
    is(says($device, 'start')->{bundleId}, undef, 'and not started');
    end($device);

    # not, if the app ends before that

    $device = device($path, 1500, 1, 'none');

    says($device, 'sync');
    says($device, 'start');
    ok(goes_back($device), "$version: back");
    says($device, 'start');
    says($device, 'ready');
    is(says($device, 'sync')->{nextBundleId}, $new, 'it is not blocked');
    end($device);

    # what asks when the page is loaded asks while the broken bundle runs

    $device = device($path, 1500, 0, 'background');

    says($device, 'page');
    ok((wait_until { next_is($device) eq $new } 20), "$version: in background");
    asked();
    is(says($device, 'start')->{bundleId}, $new, 'the bundle is started');
    says($device, 'page');
    ok((wait_until { waits() eq "latest $new" } 20), 'and is seen to run');
    ok(goes_back($device), 'it is not ready');
    asked();
    says($device, 'start');
    ok(goes_back($device), 'nor the second time');
    end($device);

    # without a timeout nothing goes back

    $device = device($path, 0, 0, 'none');

    says($device, 'sync');
    is(says($device, 'start')->{bundleId}, $new, "$version: no timeout");
    is(says($device, 'current')->{bundleId}, $new, 'it stays');
    end($device);
}

###############################################################################

# The classes.  okio of Debian has another name for one method, and version 7
# has no interceptor that would lead it to the test's server.

sub build {
    my ($version) = @_;

    my $from = "$here/node_modules/plugin-$version/android/src/main/java";
    my $to = "$dir/java$version";

    make_path("$to/out");
    system("cp -r '$from/.' '$here/android/.' '$to/'") == 0
        or die "cannot copy the plugin\n";

    my $client = "java$version/$PATH/LiveUpdateHttpClient.java";
    my $text = $t->read_file($client);

    $text =~ s/sink\.getBuffer\(\)/sink.buffer()/;
    $text =~ s/new OkHttpClient\.Builder\(\)/$&.addInterceptor($LEADS)/
        if $text !~ /BrotliInterceptor/;

    $t->write_file($client, $text);

    my $jars = join ':', @jars;
    my $said = `cd '$to' && javac -nowarn -d out -cp '$jars' \\
                \$(find . -name '*.java') 2>&1`;

    die "cannot build the plugin: $said\n" if $?;

    return "$to/out:$jars";
}

# A new device, of an app of its own that has one bundle or two.

sub device {
    my ($path, @config) = @_;

    my $n = ++$seen;

    if (!$app || $n % 5 == 1) {
        $app = $t->create_app("App $n");
        $old = publish('old');
    }

    my $pid = open2(my $out, my $in, 'java', '-cp', $path, 'device.Main',
                    "$dir/device$n", port(8080), $app, @config);

    my $device = { pid => $pid, in => $in, out => $out };

    says($device, 'start');

    return $device;
}

sub publish {
    my ($text) = @_;

    return $t->publish($app, 'default', zip('index.html' => $text))->{bundle};
}

sub publish_new {
    $new = publish('new');
}

sub says {
    my ($device, $word) = @_;

    print {$device->{in}} "$word\n";

    my $line = readline $device->{out} // '';

    return json_decode($line // die "the device has died\n");
}

sub end {
    my ($device) = @_;

    close $device->{in};
    waitpid $device->{pid}, 0;
    asked();
}

sub goes_back {
    my ($device) = @_;

    return wait_until { !defined says($device, 'current')->{bundleId} } 20;
}

sub next_is {
    my ($device) = @_;

    return says($device, 'next')->{bundleId} // '';
}

# What devices have asked since the last time: checks with what runs, and
# bundles.

sub waits {
    my $log = substr $t->read_file('logs/device.log'), $read;

    return join "\n", map {
        m{/bundles/latest\S* (\S*)} ? "latest $1" =~ s/-$//r : 'bundle'
    } grep { m{/bundles/latest|/artifacts/} } split /\n/, $log;
}

sub asked {
    my $text = waits();

    $read = length $t->read_file('logs/device.log');

    return $text;
}

###############################################################################
