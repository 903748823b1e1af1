#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Workers, and all of nginx, are killed at random moments while publishers
# publish and devices download.  Each publisher has a channel of its own, so
# that what has been answered says exactly what must be there.
#
# LIVEUPDATE_KILLS is how often, 40 if not set.

use warnings;
use strict;

use Test::More;

use Digest::SHA qw/ sha256_hex /;
use File::Path qw/ remove_tree /;
use Time::HiRes qw/ sleep time /;

use Test::LiveUpdate qw/ json_decode json_encode port zip /;
use Test::LiveUpdate::Device;
use Test::LiveUpdate::Publisher;
use Test::LiveUpdate::Store;

use constant { APPS => 3, PUBLISHERS => 6, DEVICES => 2, KEPT => 3 };

my $kills = $ENV{LIVEUPDATE_KILLS} || 40;
my $seed = srand($ENV{LIVEUPDATE_SEED} // time());

my $t = Test::LiveUpdate->new()->plan(14);

$t->config_reference();
$t->run();

my $dir = $t->testdir();
my $store = Test::LiveUpdate::Store->new("$dir/store");
my $server = 'http://127.0.0.1:' . port(8080);

my @apps = map { $t->create_app("kill $_") } 1 .. APPS;

# where each publisher publishes, and what no device can download
my @channels = map { {
    app => $apps[$_ % APPS],
    name => "p$_",
    id => $t->create_channel($apps[$_ % APPS], "p$_"),
    url => "r$_",
    url_id => $t->create_channel($apps[$_ % APPS], "r$_"),
} } 0 .. PUBLISHERS - 1;

$t->create_channel($apps[0], 'known');

my $known = $t->publish($apps[0], 'known', { files('known') });

my @children = (
    (map { my $n = $_; $t->run_daemon(sub { publisher($n) }) }
     0 .. PUBLISHERS - 1),
    (map { my $n = $_; $t->run_daemon(sub { device($n) }) } 1 .. DEVICES),
);

my ($workers, $all, $slowest) = (0, 0, 0);
my (@wrong, @stale);

for (1 .. $kills) {
    sleep(0.02 + rand 0.2);

    my $from = time();

    if (rand() < 0.6) {
        my @workers = $t->workers();

        $t->kill_worker($workers[rand @workers]);
        $workers++;

    } else {
        $t->kill_nginx();

        my @left = $store->temporary();

        $t->run();

        push @stale, grep { -e "$dir/store/$_" } @left;
        $all++;
    }

    push @wrong, "kill $_: it does not serve" unless serves();

    $slowest = time() - $from if time() - $from > $slowest;

    push @wrong, map { "after kill $_: $_" } wrong();
    last if @wrong > 20;
}

$t->write_file('stop', '');

is(scalar(grep { !$t->ended($_, 30) } @children), 0, 'all have come to an end');

note("seed $seed: $workers workers killed, all of nginx $all times; served"
     . sprintf(' again within %.1f s', $slowest));

is($workers + $all, $kills, "$kills kills");
is(join("\n", splice @wrong, 0, 20), '', 'after each all invariants held');
is(join("\n", @stale), '', 'a start empties tmp');

my @lines = lines();
my %count;

$count{$_->{did}}++ for @lines;

note(join ', ', map { "$count{$_} times $_" } sort keys %count);

cmp_ok($count{published} // 0, '>=', $kills, 'there was a load');
cmp_ok($count{downloaded} // 0, '>=', $kills, 'devices have downloaded');
cmp_ok($count{repeated} // 0, '>', 0, 'some calls were cut short');

is(join("\n", map { $_->{what} } grep { $_->{did} eq 'failed' } @lines), '',
   'no call failed for good');
is(join("\n", map { $_->{what} } grep { $_->{did} eq 'torn' } @lines), '',
   'no device got half a bundle');

is(join("\n", map { wrong_channel($_) } @channels), '',
   'what was answered is there, in that order, and nothing else');
is(join("\n", map { wrong_latest($_) } @channels), '',
   'devices are told of the newest');

$t->stop();
$t->run();

is(join("\n", $store->check(unfinished => 0)), '', 'the store is whole');
is(join("\n", $store->temporary()), '', 'nothing is left in tmp');
is($t->latest($apps[0], channelName => 'known')->{json}{bundleId},
   $known->{bundle}, 'what was there first is still there');


# -- after a kill ------------------------------------------------------------

sub serves {
    return Test::LiveUpdate::wait_quietly(sub {
        my $reply = eval {
            $t->latest($apps[0], channelName => 'known');
        };

        return $reply && $reply->{status} == 200;
    }, 10);
}


sub wrong {
    my @before = lines();
    my @found = $store->check();
    my %deployments;

    for my $app (@apps) {
        push @{$deployments{$_->{id}}}, $_ for $store->deployments($app);
    }

    my %deleting = map { $_->{bundle} => 1 }
        grep { $_->{did} eq 'deleting' } lines();

    for my $line (@before) {
        next unless $line->{did} =~ /^(?:published|deployed)$/;
        next if $deleting{$line->{bundle}};

        my $n = @{$deployments{$line->{deployment}} || []};

        push @found, "$line->{did} $line->{bundle} is there $n times"
            if $n != 1;
    }

    return @found;
}


# -- in the end --------------------------------------------------------------

# All that was answered, in the order of the answers.

sub wrong_channel {
    my ($channel) = @_;

    my (@expected, %limits, %forced, %extra);

    for my $line (grep { $_->{channel} eq $channel->{name} } lines()) {
        my $did = $line->{did};

        if ($did =~ /^(?:published|deployed)$/) {
            unshift @expected, { %$line, rollout => 1 };

        } elsif ($did eq 'deleted') {
            @expected = grep { $_->{bundle} ne $line->{bundle} } @expected;

        } elsif ($did eq 'rolled out') {
            $_->{rollout} = $line->{rollout}
                for grep { $_->{deployment} eq $line->{deployment} } @expected;

        } elsif ($did eq 'limited') {
            $limits{$line->{bundle}} = $line->{limit};

        } elsif ($did eq 'channel created') {
            $extra{$line->{name}} = 1;

        } elsif ($did eq 'channel deleted') {
            delete $extra{$line->{name}};

        } elsif ($did eq 'forced') {
            $forced{$line->{device}} = $line->{to};

        } elsif ($did eq 'unforced') {
            delete $forced{$line->{device}};
        }
    }

    my $app = $channel->{app};
    my @found;

    for my $name (@$channel{qw/ name url /}) {
        my $expected = join "\n", map { "$_->{deployment} $_->{rollout}" }
            grep { $_->{to} eq $name } @expected;

        my $have = join "\n", map { "$_->{id} $_->{rollout}" }
            grep { $_->{channel} eq $name } $store->deployments($app);

        push @found, "channel $name has\n$have\ninstead of\n$expected"
            if $have ne $expected;
    }

    for my $line (grep { $limits{$_->{bundle}} } @expected) {
        my $limit = $store->release($app, $line->{bundle})
            ->{minAndroidAppVersionCode};

        push @found, "$line->{bundle} is limited to $limit"
            if $limit ne $limits{$line->{bundle}};
    }

    my $json = $store->app($app);

    my $extra = join ' ', sort grep { /^\Q$channel->{name}\E-/ }
        map { $_->{name} } @{$json->{channels}};
    my $forced = join ' ', map { "$_=$json->{forcedDevices}{$_}" }
        sort grep { /^\Q$channel->{name}\E-/ } keys %{$json->{forcedDevices}};

    push @found, "channels $extra" if $extra ne join ' ', sort keys %extra;
    push @found, "forced $forced"
        if $forced ne join ' ', map { "$_=$forced{$_}" } sort keys %forced;

    push @found, twins($channel, @expected);

    return @found;
}


# What has the same bytes was published once.

sub twins {
    my ($channel, @expected) = @_;

    my $app = $channel->{app};
    my %seen;

    for my $id (map { s{/$}{}r } grep { m{^[^/]+/$} } $store->tree("live/$app"))
    {
        my $release = $store->release($app, $id);

        # one that nobody was told of, since a crash came first
        next unless grep { $_->{bundle} eq $id } @expected;

        my $bytes = $release->{url}
            // sha256_hex($store->text("live/$app/$id/files.json"));

        push @{$seen{$bytes}}, $id;
    }

    return map { "published twice: @$_" } grep { @$_ > 1 } values %seen;
}


# Nothing older than the newest that is for everyone.

sub wrong_latest {
    my ($channel) = @_;

    my %may;

    for my $deployment (grep { $_->{channel} eq $channel->{name} }
                        $store->deployments($channel->{app}))
    {
        $may{$deployment->{release}} = 1;
        last if $deployment->{rollout} == 1;
    }

    my $reply = $t->latest($channel->{app}, channelName => $channel->{name},
                           appVersionCode => 9);
    my $got = ($reply->{json} || {})->{bundleId} // '';

    return if $may{$got} || !%may && $reply->{status} == 404;

    return "$channel->{name}: $reply->{status} $got";
}


# -- publishers --------------------------------------------------------------

my ($publisher, $channel, $log, @mine, @urls, $serial);

sub publisher {
    my ($n) = @_;

    srand($seed + $n);

    $channel = $channels[$n];
    $log = open_log("publisher.$n");
    $serial = 0;

    $publisher = Test::LiveUpdate::Publisher->new($t, retries => 300,
        pause => 0.05, failed => sub { said(did => 'repeated') });

    my @work = (
        (\&publish_zip) x 3, (\&publish_manifest) x 3, \&publish_parts,
        \&register, \&roll_out, \&roll_back, \&limit, \&make_channel,
    );

    until (stopped()) {
        $serial++;
        $work[rand @work]->();
        delete_one() if @mine > KEPT;
    }
}


sub publish_zip {
    published($publisher->publish(@$channel{qw/ app name /},
                                  zip(files(nonce()))));
}


sub publish_manifest {
    published($publisher->publish(@$channel{qw/ app name /},
                                  { files(nonce()) }));
}


sub publish_parts {
    published($publisher->publish(@$channel{qw/ app name /},
                                  zip(files(nonce())), parts => 500));
}


sub published {
    my ($done) = @_;

    return failed('publish', $done->{reply}) unless $done->{ok};

    said(did => 'published', to => $channel->{name},
         bundle => $done->{bundle}, deployment => $done->{deployment});

    unshift @mine, $done;
}


sub register {
    my $nonce = nonce() =~ s/ /-/gr;
    my $done = $publisher->register(@$channel{qw/ app url /},
                                    "https://example.com/$nonce.zip");

    return failed('register', $done->{reply}) unless $done->{ok};

    said(did => 'published', to => $channel->{url},
         bundle => $done->{bundle}, deployment => $done->{deployment});
}


sub roll_out {
    my $done = $mine[0] // return;
    my $rollout = int(rand 11) / 10;

    my $reply = $publisher->api('PATCH',
        "/v1/apps/$channel->{app}/deployments/$done->{deployment}",
        { rolloutPercentage => $rollout }, token => 'publish');

    return failed('rollout', $reply) unless $reply->{status} == 200;

    said(did => 'rolled out', deployment => $done->{deployment},
         rollout => $rollout);
}


sub roll_back {
    my $old = $mine[1] // return;

    my $done = $publisher->deploy(@$channel{qw/ app name /}, $old->{bundle});

    return failed('rollback', $done->{reply}) unless $done->{ok};

    said(did => 'deployed', to => $channel->{name},
         bundle => $done->{bundle}, deployment => $done->{deployment});

    # the same bundle, with a newer deployment
    @mine = ($done, grep { $_->{bundle} ne $old->{bundle} } @mine);
}


sub limit {
    my $done = $mine[0] // return;
    my $limit = 1 + int rand 9;

    my $reply = $publisher->api('PATCH',
        "/v1/apps/$channel->{app}/builds/$done->{bundle}",
        { minAndroidAppVersionCode => "$limit" }, token => 'publish');

    return failed('limit', $reply) unless $reply->{status} == 200;

    said(did => 'limited', bundle => $done->{bundle}, limit => $limit);
}


sub delete_one {
    my $done = pop @mine;

    said(did => 'deleting', bundle => $done->{bundle});

    my $reply = $publisher->api('DELETE',
        "/v1/apps/$channel->{app}/bundles/$done->{bundle}", undef,
        token => 'publish');

    return failed('delete', $reply)
        unless may_be($reply, 204, 404);

    said(did => 'deleted', bundle => $done->{bundle});
}


# A channel, a device that is forced to it; every second time both go again.

sub make_channel {
    my $name = "$channel->{name}-$serial";
    my $path = "/v1/apps/$channel->{app}";

    my $reply = $publisher->api('POST', "$path/channels", { name => $name },
                                token => 'publish');

    return failed('channel', $reply) unless may_be($reply, 201, 409);

    said(did => 'channel created', name => $name);

    my $id = $publisher->api('GET', "$path/channels?name=$name", undef,
                             token => 'publish')->{json}[0]{id};

    $reply = $publisher->api('PATCH', "$path/devices/$name",
                             { forcedAppChannelId => $id },
                             token => 'publish');

    return failed('force', $reply) unless $reply->{status} == 200;

    said(did => 'forced', device => $name, to => $id);

    return if $serial % 2;

    $reply = $publisher->api('DELETE', "$path/channels/$id", undef,
                             token => 'publish');

    return failed('channel delete', $reply) unless may_be($reply, 204, 404);

    said(did => 'channel deleted', name => $name);
    said(did => 'unforced', device => $name);
}


# The second answer is for who has asked before and was not told.

sub may_be {
    my ($reply, $status, $again) = @_;

    return $reply->{status} == $status
           || $reply->{repeated} && $reply->{status} == $again;
}


sub failed {
    my ($what, $reply) = @_;

    said(did => 'failed', what => "$what: $reply->{raw}");
}


sub nonce {
    return "$channel->{name} $serial $$ " . time();
}


sub files {
    my ($nonce) = @_;

    return (
        'index.html' => "<html>$nonce</html>",
        'assets/main.js' => "// $nonce\n" x 50,
        'assets/style.css' => "/* $nonce */",
    );
}


# -- devices -----------------------------------------------------------------

sub device {
    my ($n) = @_;

    srand($seed - $n);
    $log = open_log("device.$n");
    $channel = { name => '' };

    until (stopped()) {
        my $from = $channels[rand @channels];

        my $device = Test::LiveUpdate::Device->new(
            server => $server, app => $from->{app}, dir => "$dir/device.$n",
            channel => $from->{name}, version_code => 9,
            platform => (qw/ android ios /)[rand 2],
        );

        my $stats = eval { $device->sync() };

        if (!$stats) {
            torn($device, $@) unless may_happen($device, $@);

        } elsif (defined $stats->{next}) {
            $device->restart();
            torn($device, 'files of different bundles') unless is_one($device);
            said(did => 'downloaded', bundle => $device->{current});

        } elsif (($device->{reason} // '') !~ /^status 404/) {
            torn($device, $device->{reason});
        }

        remove_tree("$dir/device.$n");
    }
}


# The connection was cut, or the bundle deleted, while it was downloaded.

sub may_happen {
    my ($device, $reason) = @_;

    return 1 if $reason =~ /^(?:cannot connect|no reply|truncated)/;
    return 0 unless $reason =~ /status 404/;

    my ($id) = $device->{reply}{body} =~ /"bundleId":"([^"]*)"/;

    return grep { $_->{did} eq 'deleting' && $_->{bundle} eq $id } lines();
}


sub is_one {
    my ($device) = @_;

    my %nonces = map { $device->file($_) =~ m{(p\d+ \d+ \d+ [\d.]+)}; $1 => 1 }
        qw{ index.html assets/main.js assets/style.css };

    return keys %nonces == 1;
}


sub torn {
    my ($device, $reason) = @_;

    said(did => 'torn', what => "$device->{app}: $reason");
}


# -- what was done -----------------------------------------------------------

# By the test, or with it.

sub stopped {
    return -e "$dir/stop" || getppid() != $t->{pid};
}


sub open_log {
    my ($name) = @_;

    open my $fh, '>>', "$dir/$name.log" or die "cannot write: $!\n";
    $fh->autoflush(1);

    return $fh;
}


sub said {
    my (%line) = @_;

    print {$log} json_encode({ channel => $channel->{name}, %line }), "\n";
}


my (%read, @lines_read);

sub lines {
    for my $name (glob "$dir/publisher.*.log $dir/device.*.log") {
        open my $fh, '<:raw', $name or die "cannot read $name: $!\n";

        seek($fh, $read{$name} // 0, 0);

        while (my $line = <$fh>) {
            # the last one may still be written
            last if $line !~ /\n\z/;

            push @lines_read, json_decode($line);
            $read{$name} = tell $fh;
        }
    }

    return @lines_read;
}
