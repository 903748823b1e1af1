#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Eight publishers at once, on one app and on eight, and calls that are in each
# other's way.

use warnings;
use strict;

use Test::More;

use Digest::SHA qw/ sha256_hex /;
use POSIX ();
use Time::HiRes qw/ sleep /;

use Test::LiveUpdate qw/ :DEFAULT json_decode json_encode zip /;
use Test::LiveUpdate::Device;
use Test::LiveUpdate::Fault;
use Test::LiveUpdate::HTTP qw/ parse_reply /;
use Test::LiveUpdate::Store;

use constant { AT_ONCE => 8, EACH => 4, ROUNDS => 12 };

$ENV{TEST_NGINX_WORKERS} ||= 4;

my $t = Test::LiveUpdate->new()->plan(41);

# without waiting for a disk they meet more often
Test::LiveUpdate::Fault->new($t);

$t->config_reference();
$t->run();

my $dir = $t->testdir();
my $store = Test::LiveUpdate::Store->new("$dir/store");
my $server = 'http://127.0.0.1:' . port(8080);
my $nonce = 0;

# eight on one app

my $app = $t->create_app('one');

$t->create_channel($app, 'production');
published($t->publish($app, 'production', zip(files('first'))));

my $devices = devices($app);
my @done = map { @$_ } at_once(map { publishing($app) } 1 .. AT_ONCE);
my $seen = finish($devices);

is(scalar(grep { $_->{ok} } @done), AT_ONCE * EACH, 'one app: all accepted');
is_deeply([sort map { $_->{release} } $store->deployments($app)],
          [sort map { $_->{bundle} } @done, first($app)],
          'every bundle is deployed, once');
is_deeply([sort map { $_->{id} } $store->deployments($app)],
          [sort map { $_->{deployment} } @done, first($app)],
          'every deployment is there, once');
is_deeply([sort { $a <=> $b }
           map { $store->release($app, $_->{bundle})->{number} } @done],
          [2 .. AT_ONCE * EACH + 1], 'every build has a number of its own');

# one channel, and two changes for each bundle
is($store->app($app)->{generation}, 1 + 2 * (1 + AT_ONCE * EACH),
   'the generation counts the changes');
is(scalar $store->audit($app), 2 + 2 * (1 + AT_ONCE * EACH),
   'so does the audit log');
is_deeply($seen->{wrong}, [], 'devices were served meanwhile');
cmp_ok($seen->{bundles}, '>', 1, 'and saw some of it');
is(latest($app), ($store->deployments($app))[0]{release}, 'the last one won');
is(join("\n", $store->check()), '', 'the store is whole');

# eight on eight apps

my @apps = map { $t->create_app("eight $_") } 1 .. AT_ONCE;

$t->create_channel($_, 'production') for @apps;

@done = at_once(map { publishing($_) } @apps);

is_deeply([map { my $id = $_; [map { $_->{release} } $store->deployments($id)] }
           @apps],
          [map { [reverse map { $_->{bundle} } @$_] } @done],
          'eight apps: all is there, in order');
is_deeply([map { $store->app($_)->{generation} } @apps],
          [(1 + 2 * EACH) x AT_ONCE], 'generations are the apps\' own');
is(join("\n", $store->check()), '', 'the store is whole');

# the same channel

my @replies = at_once((sub { create('beta') }) x AT_ONCE);

is(statuses(@replies), '201 ' . join(' ', ('409') x (AT_ONCE - 1)),
   'a channel of one name: one is made');
is(scalar(grep { $_->{name} eq 'beta' } @{$store->app($app)->{channels}}), 1,
   'and there is one');
is(scalar(grep { $_->{status} == 409 && $_->{json}{message} } @replies),
   AT_ONCE - 1, 'the others are told why');

@replies = at_once(map { my $name = "c$_"; sub { create($name) } }
                   1 .. AT_ONCE);

is(statuses(@replies), join(' ', ('201') x AT_ONCE), 'other names are made');

# the same bundle is ready

my $bundle = bundle('zip');
my $before = $store->deployments($app);

$t->upload($app, $bundle, zip(files('ready')));
@replies = at_once((sub { ready($bundle) }) x AT_ONCE);

is(statuses(@replies), join(' ', ('200') x AT_ONCE), 'ready, eight times');
is(scalar(distinct(map { $_->{json}{appDeploymentId} } @replies)), 1,
   'all are told the same deployment');
is($store->deployments($app), $before + 1, 'and there is one more');
is(latest($app), $bundle, 'which devices are told of');

# the same file

$bundle = bundle('manifest');

my %files = Test::LiveUpdate::API::manifest_of({ files('same') });
%files = (%files, files('same'));

@replies = at_once(map {
    my @hrefs = sort keys %files;

    # each in another order
    push @hrefs, splice @hrefs, 0, $_ % @hrefs;

    sub { [map { $t->upload($app, $bundle, $files{$_}, href => $_) } @hrefs] }
} 1 .. AT_ONCE);

is(statuses(map { @$_ } @replies),
   join(' ', ('201') x (AT_ONCE * keys %files)), 'the same files, eight times');
is(scalar(distinct(map { map { $_->{json}{id} } @$_ } @replies)), keys %files,
   'one id for each');
is(ready($bundle)->{status}, 200, 'they are a bundle');

# other bytes of the same file

$bundle = bundle('zip');

my @zips = map { zip(files("other $_")) } 1 .. AT_ONCE;

@replies = at_once(map { my $zip = $_; sub { $t->upload($app, $bundle, $zip) } }
                   @zips);

is(statuses(@replies), join(' ', ('201') x AT_ONCE), 'eight versions of a zip');
is(ready($bundle)->{status}, 200, 'one of them is a bundle');

my $checksum = $store->release($app, $bundle)->{checksum};

is(scalar(grep { sha256_hex($_) eq $checksum } @zips), 1, 'exactly one');

# uploaded and ready at once

my @wrong;

for (1 .. ROUNDS) {
    $bundle = bundle('zip');
    @zips = map { zip(files("late $nonce $_")) } 1, 2;
    $nonce++;

    $t->upload($app, $bundle, $zips[0]);

    @replies = at_once(sub { ready($bundle) },
                       sub { $t->upload($app, $bundle, $zips[1]) });

    push @wrong, statuses(@replies)
        unless statuses(@replies) =~ /^200 (?:201|409)$/;
}

is("@wrong", '', 'what is ready does not change any more');
is(join("\n", $store->check()), '', 'the store is whole');

# described while it is verified

@wrong = ();

for (1 .. ROUNDS) {
    $bundle = bundle('zip');
    $t->upload($app, $bundle, zip(files('described ' . $nonce++)));

    @replies = at_once(sub { ready($bundle) },
                       map { my $n = $_; sub { limit($bundle, $n) } } 1 .. 3);

    my $release = $store->release($app, $bundle);

    push @wrong, statuses(@replies)
        if statuses(@replies) ne '200 200 200 200'
           || ($release->{minAndroidAppVersionCode} // '') !~ /^[123]$/
           || $release->{state} ne 'staged';
}

is("@wrong", '', 'limits that were accepted are kept');

# deleted while it becomes ready, or is deployed again

@wrong = ();

for (1 .. ROUNDS) {
    $bundle = bundle('zip');
    $t->upload($app, $bundle, zip(files('deleted ' . $nonce++)));

    ready($bundle) if $_ % 2;

    @replies = at_once(sub { ready($bundle) }, sub { remove($bundle) },
                       sub { deploy($bundle) });

    push @wrong, statuses(@replies)
        if $replies[1]{status} != 204
           || grep { $_->{status} !~ /^(?:20[014]|404)$/ } @replies;
}

is("@wrong", '', 'deleted while it becomes ready, and is deployed');
is(join("\n", $store->check()), '', 'nothing names what is gone');

# deleted while it is downloaded

my $noise = join '', map { pack 'L', int rand 4294967296 } 1 .. 1_000_000;
my $older = latest($app);
my $large = published($t->publish($app, 'production',
                                  zip('index.html' => 'x', noise => $noise)));
my $url = $t->latest($app, channelName => 'production')->{json}{url};
my $s = http_start('GET ' . $url =~ s{^http://[^/]+}{}r . " HTTP/1.0\r\n\r\n");

sysread($s, my $in, 1000);

is(remove($large->{bundle})->{status}, 204, 'deleted during a download');
is(latest($app), $older, 'the one before it is on again');
is(sha256_hex(parse_reply($in . http_end($s))->{body}),
   $large->{reply}{json}{checksum}
   // sha256_hex(zip('index.html' => 'x', noise => $noise)),
   'who had begun gets it whole');

# an app that is deleted while eight publish

my @publishing = map { my $name = $_; sub { publish_until_gone($name) } }
    1 .. AT_ONCE;

@wrong = ();
my $published = 0;

for (1 .. 4) {
    $app = $t->create_app('gone');
    $t->create_channel($app, 'production');

    my @results = at_once(@publishing,
                          sub { sleep(0.001)
                                    until $store->app($app)->{generation} > 12;
                                [$t->api('DELETE', "/v1/apps/$app")] });

    $published += grep { $_->{status} < 300 } map { @$_ } @results;

    push @wrong, map { $_->{raw} }
        grep { $_->{status} !~ /^(?:20[014]|404|503)$/ } map { @$_ } @results;
    push @wrong, map { "$_ is left" }
        grep { -e "$dir/store/$_/$app" } qw/ apps live staging /;
}

is(join("\n", @wrong), '', 'an app is deleted while eight publish');
cmp_ok($published, '>', 4, 'some of it was accepted before');

# ... and made anew with the same id

my $id = '0b3c8e1e-5b1a-4f0e-9a51-2f0e4d9b8a10';

@wrong = ();
$app = $id;

for (1 .. 4) {
    create_with_id($id);

    my @results = at_once(@publishing, sub { [map {
        sleep(rand 0.1);
        $t->api('DELETE', "/v1/apps/$id"), create_with_id($id)
    } 1 .. 3] });

    push @wrong, map { $_->{raw} }
        grep { $_->{status} !~ /^(?:20[014]|404|503)$/ } map { @$_ } @results;

    push @wrong, $store->check();
    $t->api('DELETE', "/v1/apps/$id");
}

is(join("\n", @wrong), '', 'and made anew, over and over');
is(join("\n", $store->check(unfinished => 0)), '', 'the store is whole');
is_deeply([eventually_none(\&descriptors)], [], 'nothing is left open');
is(join("\n", $store->temporary()), '', 'nothing is left in tmp');


# -- at once -----------------------------------------------------------------

# Runs the functions in processes of their own, from the same moment on, and
# returns what each has returned.

sub at_once {
    my (@codes) = @_;

    pipe(my $wait, my $go) or die "cannot make a pipe: $!\n";

    my @results = map {
        pipe(my $from, my $to) or die "cannot make a pipe: $!\n";

        my $pid = fork() // die "cannot fork: $!\n";

        if ($pid == 0) {
            close $go;
            sysread($wait, my $byte, 1);

            print {$to} json_encode([$_->()]);
            close $to;
            POSIX::_exit(0);
        }

        { pid => $pid, from => $from };

    } @codes;

    close $go;

    return map {
        my $from = $_->{from};
        my $text = do { local $/; <$from> };

        waitpid($_->{pid}, 0);

        json_decode($text)->[0];

    } @results;
}


# Devices that ask and download until they are told to finish.

sub devices {
    my ($id) = @_;

    $t->write_file('asking', '');

    return [map {
        my $name = "device.$_";

        pipe(my $from, my $to) or die "cannot make a pipe: $!\n";

        my $pid = $t->run_daemon(sub {
            print {$to} json_encode(ask($id, $name));
            close $to;
        });

        close $to;

        { pid => $pid, from => $from };

    } 1, 2];
}


sub ask {
    my ($id, $name) = @_;

    my (%bundles, @failures);

    while (-e "$dir/asking") {
        my $device = Test::LiveUpdate::Device->new(
            server => $server, app => $id, dir => "$dir/$name",
            channel => 'production',
        );

        my $stats = eval { $device->sync() };

        push @failures, $stats ? $device->{reason} : $@
            unless $stats && !defined $device->{reason};

        $bundles{$stats->{next}} = 1 if $stats && defined $stats->{next};
        $device->restart();
    }

    return { bundles => scalar keys %bundles, wrong => \@failures };
}


sub finish {
    my ($asking) = @_;

    unlink "$dir/asking";

    my %sum = (bundles => 0, wrong => []);

    for my $child (@$asking) {
        my $from = $child->{from};
        my $result = json_decode(do { local $/; <$from> });

        $sum{bundles} += $result->{bundles};
        push @{$sum{wrong}}, @{$result->{wrong}};
    }

    return \%sum;
}


# -- calls -------------------------------------------------------------------

sub files {
    my ($text) = @_;

    return (
        'index.html' => "<html>$text</html>",
        'assets/main.js' => "// $text\n" x 100,
    );
}


# One publisher's work: zips, manifests and uploads in parts.

sub publishing {
    my ($id) = @_;

    my $name = $nonce++;

    return sub {
        [map {
            my %content = files("$name $_");

            my $done = $t->publish($id, 'production',
                                   $_ % 2 ? zip(%content) : \%content,
                                   parts => $_ == 3 ? 300 : 0);

            +{ map { $_ => $done->{$_} } qw/ ok bundle deployment / };

        } 1 .. EACH];
    };
}


sub published {
    my ($done) = @_;

    die "cannot publish: $done->{reply}{raw}\n" unless $done->{ok};

    return $done;
}


# What was there before all.

sub first {
    my ($id) = @_;

    my $deployment = ($store->deployments($id))[-1];

    return { bundle => $deployment->{release},
             deployment => $deployment->{id} };
}


sub publish_until_gone {
    my ($name) = @_;

    my @results;

    for (1 .. 5) {
        my $done = $t->publish($app, 'production', zip(files("$name $_")));

        push @results, $done->{reply};
    }

    return \@results;
}


sub create {
    my ($name) = @_;

    return $t->api('POST', "/v1/apps/$app/channels", { name => $name },
                   token => 'publish');
}


sub create_with_id {
    my ($name) = @_;

    my $reply = $t->api('POST', '/v1/apps', { id => $name, name => $name });

    # publishers may find the app before it has their channel
    $t->create_channel($name, 'production') if $reply->{status} == 201;

    return $reply;
}


sub bundle {
    my ($kind) = @_;

    return $t->api('POST', "/v1/apps/$app/bundles",
                   { artifactType => $kind, channelName => 'production' },
                   token => 'publish')->{json}{id};
}


sub ready {
    my ($name) = @_;

    return $t->api('PATCH', "/v1/apps/$app/bundles/$name",
                   { artifactStatus => 'ready' }, token => 'publish');
}


sub limit {
    my ($name, $limit) = @_;

    return $t->api('PATCH', "/v1/apps/$app/builds/$name",
                   { minAndroidAppVersionCode => "$limit" },
                   token => 'publish');
}


sub remove {
    my ($name) = @_;

    return $t->api('DELETE', "/v1/apps/$app/bundles/$name", undef,
                   token => 'publish');
}


sub deploy {
    my ($name) = @_;

    return $t->api('POST', "/v1/apps/$app/deployments",
                   { appBuildId => $name, appChannelName => 'production' },
                   token => 'publish');
}


sub latest {
    my ($id) = @_;

    return $t->latest($id, channelName => 'production')->{json}{bundleId};
}


sub statuses {
    my (@all) = @_;

    return join ' ', sort map { $_->{status} } @all;
}


sub distinct {
    my (@values) = @_;

    my %values = map { ($_ // '') => 1 } @values;

    return keys %values;
}


sub descriptors {
    return grep { m{^\Q$dir\E/store/}
                  && !m{/(?:files|gzip)/|/tmp/[^/]+/\.lock$} }
        grep { defined } map { readlink }
        map { glob "/proc/$_/fd/*" } $t->workers();
}


sub eventually_none {
    my ($code) = @_;

    my @found;

    for (1 .. 50) {
        @found = $code->() or last;
        sleep(0.01);
    }

    return @found;
}
