#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Random histories of apps on two machines, over time that goes by: publishes,
# rollouts, plans, halts, rollbacks, withdrawals, approvals, forced devices,
# previews, lists on GitHub, uploads that nobody goes on with, desktop releases.
# Now and then somebody cleans up, and may be killed at any call.  Then what is
# there is what a model says that knows nothing of the module, devices get what
# they got, and the bytes are those of du.
#
# LIVEUPDATE_HISTORIES are made, each run others; or 4, and always the same.

use warnings;
use strict;

use POSIX qw/ strftime /;
use Test::More;
use Time::Local qw/ timegm /;

use Test::LiveUpdate qw/ :DEFAULT json_encode zip /;
use Test::LiveUpdate::Clock;
use Test::LiveUpdate::Fault;
use Test::LiveUpdate::Release qw/ stage_dist /;
use Test::LiveUpdate::Store;

use constant { OPS => 18, DEVICES => 4, HOUR => 3600, DAY => 86400 };

my $histories = $ENV{LIVEUPDATE_HISTORIES} || 4;
my $seed = srand($ENV{LIVEUPDATE_SEED}
                 // ($ENV{LIVEUPDATE_HISTORIES} ? time() : 5));

my $one = Test::LiveUpdate->new()->plan(4);
my $two = Test::LiveUpdate->new();

$two->{tokens} = $one->{tokens};
$two->write_file('tokens', $one->read_file('tokens'));
chmod 0600, $two->testdir() . '/tokens';

my $dir = $one->testdir() . '/store';
my $store = Test::LiveUpdate::Store->new($dir);
my (%clocks, %faults);

# both machines have the same time, and a disk that may kill them

for my $t ($one, $two) {
    $faults{$t} = Test::LiveUpdate::Fault->new($t);
    $clocks{$t} = Test::LiveUpdate::Clock->new($t);

    $t->env(FAULT_PREFIX => "$dir/", LD_PRELOAD => join ':',
            map { $t->testdir() . "/$_.so" } qw/ fault clock /);
}

configure($one, 8080, 'm1');
configure($two, 8082, 'm2');

$one->run();
$two->run();

my @machines = ([$one, 8080], [$two, 8082]);
my (@wrong, @log, $app, $desktop, %policy, %removed, $kills, $n, $forced,
    %listed);

for (1 .. $histories) {
    history();
    last if @wrong;
}

is(join("\n", @wrong), '', "what anybody needs is there: $histories histories")
    or diag("LIVEUPDATE_SEED=$seed, after:\n  " . join("\n  ", @log));
my $removed = 0;

$removed += $_ for values %removed;

cmp_ok($removed, '>', 0, "and something has gone: $removed releases, "
       . 'in spite of ' . ($kills // 0) . ' kills');

# a pass over all of them has nothing left to do, and the bytes are those of du

my (%bytes, %du);

wait_until {
    %bytes = map { $_->{app} => $_->{bytes} }
        @{$one->api('GET', '/status?format=json')->{json}{disk}{apps}};
    %du = map { my $app = $_; $app => du(grep { -e } map { "$dir/$_/$app" }
                                         qw/ apps live staging feed /) }
        keys %bytes;

    !grep { abs($bytes{$_} - $du{$_}) > $du{$_} / 100 } keys %bytes
} 30;

is(join("\n", map { "$_: $bytes{$_} bytes, and not $du{$_}" }
        grep { abs($bytes{$_} - $du{$_}) > $du{$_} / 100 } sort keys %bytes),
   '', 'the status has the bytes of du')
    or diag(`ls -lRis $dir; cat $dir/apps/*/.usage`);
is(join("\n", $store->check()), '', 'the store is whole');

$two->stop();

###############################################################################

sub configure {
    my ($t, $port, $machine) = @_;

    my $api = <<'EOF';
        location /v1/ {
            liveupdate_api;
        }

        location /releases/ {
            liveupdate_releases;
        }
EOF

    my $next = $port + 1;

    $t->write_file_expand('nginx.conf', <<"EOF");

%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    liveupdate_machine  $machine;
    liveupdate_store    $dir;
    liveupdate_tokens   tokens;
    liveupdate_keep     off;            # nothing goes but by a call

    server {
        listen  127.0.0.1:$port;

        $api

        location /status {
            liveupdate_status;
        }
    }

    server {
        listen  127.0.0.1:$next;

        liveupdate_approval  on;

        $api
    }
}

EOF
}


sub history {
    %policy = (
        releases => int rand 4,
        time => rand() < 0.5 ? 0 : 1 + int rand 72,
        rollback => int rand 3,
        blockmaps => int rand 3,
        uploads => 1 + int rand 48,
        failed => 1 + int rand 48,
        channels => 1 + int rand 24,
    );

    my %unit = map { $_ => 'h' } qw/ time uploads failed channels /;
    my $keep = join ' ', map { "$_=$policy{$_}" . ($unit{$_} // '') }
        sort keys %policy;

    @log = ("keep $keep");
    %listed = ();
    $forced = 0;
    wait_until { $app = eval { $one->create_app('Model') } } 60, 'an app';
    $desktop = rand() < 0.3;

    for my $name (qw/ a b /) {
        wait_until { eval { $one->create_channel($app, $name) } } 60, $name;
    }

    ok_reply(api('PATCH', "/releases/$app/cleanup", { keep => $keep }));

    for (1 .. OPS) {
        act();
        return if @wrong;
    }

    clean();
}


sub act {
    my $die = int rand 100;

    return $desktop && rand() < 0.7 ? desktop_act() : publish()
        if $die < 34;
    return passes() if $die < 54;
    return deployment() if $die < 62;
    return back() if $die < 67;
    return withdraw() if $die < 71;
    return wait_or_reject() if $die < 76;
    return upload() if $die < 79;
    return preview() if $die < 83;
    return force() if $die < 86;
    return listed() if $die < 89;
    return crash() if $die < 92;

    clean();
}


# -- what happens ------------------------------------------------------------

sub publish {
    my ($port, $channel) = @_;

    my @channels = channels();

    $channel //= $channels[rand @channels];
    $n++;

    my %limits = rand() < 0.15 ? (minAndroidAppVersionCode => '5') : ();
    my $text = "some text\n" x 300;
    my $content = rand() < 0.7 ? zip('index.html' => $n)
        : { 'index.html' => $n, 'a.txt' => $text, 'b.txt' => "$text$n" };

    my ($t, $its) = machine($port);
    my $name = rand() < 0.9 ? $channel->{name} : undef;
    my $rollout = rand() < 0.7 ? 1 : 0.1 * int rand 10;

    my $done = answered(sub {
        $t->publish($app, $name, $content, port => $its, bundle => {
            rolloutPercentage => $rollout, %limits,
        });
    });

    push @wrong, "not published: $done->{reply}{raw}" unless $done->{ok};
    push @log, "$n: published $done->{bundle} to $channel->{name}"
        . join '', map { " $_" } %limits;

    return $done->{bundle};
}


sub passes {
    my $seconds = int(HOUR * (rand() < 0.8 ? rand 20 : rand 200));

    push @log, "$seconds seconds go by";
    $_->passes($seconds) for values %clocks;
    $one->latest($app);
    $two->latest($app, _port => 8082);
}


sub deployment {
    my $json = $store->app($app);
    my ($channel) = channels();
    my @live = grep { !/^\d/ || !$desktop } $store->names("live/$app");

    @live = grep { ($store->release($app, $_)->{kind} // '') ne 'desktop' }
        @live;

    my @all = map { @{$_->{deployments}} } @{$json->{channels}};

    if (@all && rand() < 0.6) {
        my $deployment = $all[rand @all];
        my $action = (qw/ halt resume pause advance /)[rand 4];

        api('POST', "/v1/apps/$app/deployments/$deployment->{id}/$action", {});
        push @log, "$action $deployment->{id}";
        return;
    }

    return unless @live;

    my %plan = rand() < 0.5 ? (rolloutPercentage => rand 1)
        : (plan => [{ share => 0.1, for => '5h' }, { share => 1 }]);

    $plan{expires} = at(now() + HOUR + int rand 40 * HOUR) if rand() < 0.2;

    my $bundle = $live[rand @live];

    api('POST', "/v1/apps/$app/deployments", {
        appBuildId => $bundle, appChannelName => $channel->{name}, %plan });
    push @log, "deployed $bundle to $channel->{name} " . join ' ', keys %plan;
}


sub back {
    my ($channel) = channels();

    api('POST', "/releases/$app/rollback", { channel => $channel->{name} });
    push @log, "rolled back $channel->{name}";
}


sub withdraw {
    my @live = $store->names("live/$app") or return;
    my $id = $live[rand @live];

    api('POST', "/releases/$app/$id/withdraw", {});
    push @log, "withdrawn $id";
}


sub wait_or_reject {
    my $id = publish((qw/ 8081 8083 /)[rand 2]) // return;

    return if rand() < 0.3;

    my $what = (qw/ reject promote /)[rand 2];

    api('POST', "/releases/$app/$id/$what",
        $what eq 'reject' ? { reason => 'no' } : {});
    push @log, "$what $id";
}


sub upload {
    my ($channel) = channels();

    my $id = ok_reply(api('POST', "/v1/apps/$app/bundles", {
        appId => $app, artifactType => 'zip',
        channelName => $channel->{name} }))->{id};

    $one->upload($app, $id, 'not a zip') if rand() < 0.5;
    push @log, "$id is being uploaded";
}


sub preview {
    my $name = 'p' . ++$n;

    my $expires = now() + 60 + int rand 10 * HOUR;

    wait_until {
        eval { $one->create_channel($app, $name, fields => {
            expiresAt => 1000 * $expires }) }
    } 60, $name;
    push @log, "preview $name";

    publish(undef, { name => $name });
}


sub force {
    my ($channel) = channels();

    $forced++;

    api('PATCH', "/v1/apps/$app/devices/0b3c8e1e-5b1a-4f0e-9a51-00000000000"
                 . $forced % 10, { forcedAppChannelId => $channel->{id} });
    push @log, "forced to $channel->{name}";
}


# As the module leaves it after a look at the repository.

sub listed {
    my @live = $store->names("live/$app") or return;

    %listed = map { $live[rand @live] => 1 } 1 .. 2;

    my ($builds, $rules) = map { [ sort keys %$_ ] } \%listed, {};

    $one->write_file('store/github.json', json_encode({
        repository => 'o/r', branch => 'main', builds => $builds,
        files => {}, rules => { latest => {}, releaseRedirections => $rules },
    }));
    push @log, "listed @$builds";
}


sub desktop_act {
    my $id = 'd' . ++$n;
    my @manifests = (qw/ latest.yml latest-mac.yml /)[rand() < 0.5
        ? (0, 1) : int rand 2];

    my $reply = stage_dist($one, $app, $id, {
        map { my $mac = /mac/ ? '-mac' : '';
              $_ => ["1.0.$n", "App-1.0.$n$mac.zip"] } @manifests });

    push @wrong, "not staged: $reply->{raw}" if $reply->{status} >= 300;
    push @log, "desktop $id, @manifests";

    # for some first, or by a plan, and for everyone a while later, or never

    if (rand() < 0.4) {
        my $way = rand() < 0.6 ? { rollout => 0.1 }
            : { plan => [{ share => 0.1, for => '5h' }, { share => 1 }] };

        $way->{expires} = at(now() + HOUR + int rand 40 * HOUR)
            if rand() < 0.3;

        api('POST', "/releases/$app/$id/promote", $way);
        push @log, "$id by " . join ' ', keys %$way;
        passes();

        return if rand() < 0.3;
    }

    api('POST', "/releases/$app/$id/promote", { rollout => 1 });
}


sub crash {
    my ($t) = machine();

    push @log, 'a crash';
    $t->kill_nginx();

    # a machine that is busy with other things may need longer
    wait_until { $t->start() } 60 or die "nginx does not start\n";
}


# -- cleaning up -------------------------------------------------------------

sub clean {
    my ($t, $port) = machine();

    # no limit is passed between two looks

    my $at = now() + 1;

    $_->stand($at) for values %clocks;

    my %got = devices();
    my $expected = join ' ', sort keys %{expected($at)};

    push @log, 'cleaned up at ' . at(now());

    # the first may be killed at any call, and the next one, too

    my $times = rand() < 0.5 ? 1 + int rand 3 : 0;

    for (1 .. $times) {
        my $call = $Test::LiveUpdate::Fault::CALLS[
            rand @Test::LiveUpdate::Fault::CALLS];

        $faults{$t}->arm('kill', $call, int exp rand log 100);
        eval { $t->api('POST', "/releases/$app/cleanup", {},
                       port => $port) };

        if (defined $faults{$t}->fired()) {
            $kills++;
            push @log, "killed at $call";
        }

        $faults{$t}->disarm();
        ($t, $port) = machine();
    }

    my $reply;

    wait_until {
        $reply = eval { $t->api('POST', "/releases/$app/cleanup", {},
                                port => $port) };
        $reply && $reply->{status} == 200 && $reply->{json}{left} == 0
    } 60 or push @wrong, 'not cleaned up: ' . ($reply->{raw} // 'no answer');

    my $is = join ' ', sort map { $store->names("$_/$app") }
        qw/ live staging /;

    push @wrong, "there is  $is\ninstead of $expected" if $is ne $expected;

    my %gets = devices();

    for my $device (sort keys %got) {

        # a preview has ended
        next unless defined $gets{$device};

        push @wrong, "$device got $got{$device}, and now $gets{$device}"
            if $got{$device} ne $gets{$device};

        push @wrong, "$device gets $gets{$device}, which is not there"
            if $gets{$device} ne 'nothing'
               && !-e "$dir/live/$app/$gets{$device}/files.json";
    }

    $removed{$app} = grep { $_->{change} eq 'release.cleanup' }
        $store->audit($app);

    push @wrong, $store->check(app => $app);

    # the first answer leaves a file behind, and the history may be written

    my ($says, $before, $du);

    for (1 .. 10) {
        $before = places();
        $says = answered(sub {
            $t->api('GET', "/releases/$app/cleanup", undef, port => $port);
        })->{json};
        $du = places();

        last if $before == $du;
    }

    push @wrong, "$says->{bytes} bytes, and not $du, as du says"
        if abs($says->{bytes} - $du) > $du / 100;

    push @wrong, "$says->{goes}{count} releases would go at once"
        if $says->{goes}{count};

    $_->go() for values %clocks;
}


# What devices get, of each channel, with two versions of the app, as soon as
# both machines know of all changes.

sub devices {
    my ($is, $other);

    wait_until {
        ($is, $other) = map { { answers(@$_) } } @machines;
        json_encode($is) eq json_encode($other)
    } 60 or push @wrong, 'the machines do not agree';

    return %$is;
}


sub answers {
    my ($t, $port) = @_;

    my %got;

    for my $channel (@{$store->app($app)->{channels}}) {
        for my $device (1 .. DEVICES) {
            my $reply = $t->latest($app, channelName => $channel->{name},
                deviceId => "d$device", appVersionCode => $device % 2 ? 6 : 3,
                _port => $port);

            $got{"d$device of $channel->{name}"} =
                ($reply->{json} || {})->{bundleId} // 'nothing';
        }
    }

    return %got;
}


# -- the model ---------------------------------------------------------------

# What must be there after a cleanup at that time, by what the app is now and
# what docs/retention.md promises.

sub expected {
    my ($now) = @_;

    my $json = settled($store->app($app), $now);
    my %live = map { $_ => $store->release($app, $_) }
        $store->names("live/$app");
    my (%needed, %named, %ends);

    for my $channel (@{$json->{channels}}) {
        my @list = @{$channel->{deployments}};

        if (ends($json, $channel, $now)) {
            $ends{$_->{release}} = 1 for @list;
            next;
        }

        $named{$_->{release}} = 1 for @list;
        $needed{$_} = 1 for map { $list[$_]{release} } served(\%live, @list);

        my @newest = distinct(map { $_->{release} } @list);

        $needed{$_} = 1 for first($policy{releases}, @newest);

        # a rollback of n steps, as people make them: one after the other

        my @way = @list;

        for (1 .. $policy{rollback}) {
            last unless @way;

            my $top = $way[0]{release};

            my ($last) = grep { $way[$_]{release} eq $top } reverse 0 .. $#way;

            splice @way, 0, $last + 1;
            $needed{$way[0]{release}} = 1 if @way;
        }

        # what somebody could get until a short time ago

        for my $i (0 .. $#list) {
            $needed{$list[$i]{release}} = 1
                if $now - since(\%live, $now, $i, @list)
                   < $policy{time} * HOUR;
        }
    }

    my @builds = @{$json->{desktopBuilds} || []};
    my $rules = $json->{desktopReleases} || {};

    $named{$_->{id}} = 1 for @builds;
    $needed{$_->{buildId}} = 1 for @{$rules->{releaseRedirections} || []};
    desktop(\%needed, $now, $json, $_) for manifests($json);
    $needed{$rules->{latestReleaseBuildId} // ''} = 1;
    $needed{$_} = 1 for keys %listed;

    # those that nobody names are like a channel

    my %since = map { $_ => changed("live/$app/$_", $live{$_}) } keys %live;
    my @rest = sort { $since{$b} <=> $since{$a} || $b cmp $a }
        grep { !$named{$_} && !$ends{$_} && !$needed{$_} } keys %live;

    # one that a killed cleanup has left is no release any more

    my $leaving = $json->{leaving} // {};

    @rest = grep { $_ ne ($leaving->{id} // '')
                   || $live{$_}{createdAt} ne $leaving->{createdAt} } @rest;

    for my $i (0 .. $#rest) {
        $needed{$rest[$i]} = 1
            if $i < $policy{releases}
               || $now - $since{$rest[$i]} < $policy{time} * HOUR;
    }

    for my $id ($store->names("staging/$app")) {
        my $release = $store->release($app, $id, 'staging') or next;
        my $age = $now - changed("staging/$app/$id", $release);

        $needed{$id} = 1
            if $release->{state} eq 'staged' || $listed{$id}
               || ($release->{state} eq 'uploading'
                   && $age < $policy{uploads} * HOUR)
               || ($release->{state} =~ /failed|rejected/
                   && $age < $policy{failed} * HOUR);
    }

    return { map { $_ => 1 } grep { -e "$dir/live/$app/$_"
                                    || -e "$dir/staging/$app/$_" }
             grep { $_ ne '' } keys %needed };
}


sub ends {
    my ($json, $channel, $now) = @_;

    return defined $channel->{expiresAt}
           && !defined $channel->{protectedAt}
           && $now - when($channel->{expiresAt}) >= $policy{channels} * HOUR
           && ($json->{appChannelId} // '') ne $channel->{id}
           && !grep { $_ eq $channel->{id} } values %{$json->{forcedDevices}};
}


# The places of the deployments that a device may get: some, if one is not for
# everyone, or not for all versions.

sub served {
    my ($live, @list) = @_;

    my ($first) = grep { everyone($list[$_]) } 0 .. $#list;

    for my $i (0 .. $#list) {
        return 0 .. $i
            if (everyone($list[$i]) && !limited($live, $list[$i]))
               || (defined $first && $i == $first + 10);
    }

    return 0 .. $#list;
}


# When a device could get the i-th one last.

sub since {
    my ($live, $now, $i, @list) = @_;

    return $now if grep { $_ == $i } served($live, @list);

    # the history, one by one: with which deployment was it out of reach

    for my $newest (reverse 0 .. $i - 1) {
        my @then = @list[$newest .. $#list];

        return when($list[$newest]{updatedAt})
            unless grep { $_ == $i - $newest } served($live, @then);
    }

    return $now;
}


sub everyone {
    my ($deployment) = @_;

    return $deployment->{rollout} == 1 && !$deployment->{halted}
           && !$deployment->{plan} && !$deployment->{expires};
}


sub limited {
    my ($live, $deployment) = @_;

    my $release = $live->{$deployment->{release}} || {};

    return !!grep { /AppVersionCode$/ && ($release->{$_} // '') ne '' }
        keys %$release;
}


# A plan that has ended has made its release the latest one, whether or not
# somebody has written that down.

sub settled {
    my ($json, $now) = @_;

    my $rules = $json->{desktopReleases} || {};
    my $list = $rules->{releaseRedirections} || [];
    my %builds = map { $_->{id} => $_ } @{$json->{desktopBuilds} || []};
    my $place = 0;
    my %place = map { $_->{id} => $place++ } @{$json->{desktopBuilds} || []};

    for my $rule (sort { ended($a) <=> ended($b) }
                  grep { ended($_) <= $now } @$list) {
        my $build = $builds{$rule->{buildId}};
        my $latest = $builds{$rules->{latestReleaseBuildId} // ''};

        # what was offered until then

        for my $id (grep { defined } $rules->{latestReleaseBuildId},
                    (map { $_->{buildId} } @$list),
                    map { latest($json, $_) } manifests($json)) {
            $builds{$id}{updatedAt} = at(ended($rule))
                if when($builds{$id}{updatedAt}) < ended($rule);
        }

        next if $rule->{expires};

        @$list = grep { $_ != $rule } @$list;

        if ($latest && $place{$build->{id}} < $place{$latest->{id}}) {
            $build->{wasLatest} = 1;
            next;
        }

        $latest->{wasLatest} = 1 if $latest;
        $rules->{latestReleaseBuildId} = $build->{id};
        delete @{$rules->{manifests}}{@{$build->{manifests}}};

        @$list = grep {
            my $other = $builds{$_->{buildId}};

            $place{$other->{id}} > $place{$build->{id}}
                || missing($other, $build);
        } @$list;
    }

    return $json;
}


# When the release of a rule came to all installations.

sub ended {
    my ($rule) = @_;

    my $plan = $rule->{plan} or return 9e9;
    my $end = when($plan->{start});

    $end += $_->{for} =~ s/h$//r * HOUR for grep { $_->{for} }
        @{$plan->{steps}};

    return $rule->{expires} && when($rule->{expires}) <= $end ? 9e9 : $end;
}


sub manifests {
    my ($json) = @_;

    return distinct(map { @{$_->{manifests} || []} }
                    @{$json->{desktopBuilds} || []});
}


sub missing {
    my ($one, $other) = @_;

    my %has = map { $_ => 1 } @{$other->{manifests}};

    return grep { !$has{$_} } @{$one->{manifests}};
}


# The release that those get who are in no rollout.

sub latest {
    my ($json, $manifest) = @_;

    my $rules = $json->{desktopReleases};
    my $pins = $rules->{manifests} || {};
    my $passed;

    return $pins->{$manifest} if exists $pins->{$manifest};

    for my $build (reverse @{$json->{desktopBuilds}}) {
        my $is = $build->{id} eq ($rules->{latestReleaseBuildId} // '');

        $passed ||= $is;

        return $build->{id}
            if $passed && ($is || $build->{wasLatest})
               && grep { $_ eq $manifest } @{$build->{manifests}};
    }

    return;
}


sub desktop {
    my ($needed, $now, $json, $manifest) = @_;

    my @has = grep { grep { $_ eq $manifest } @{$_->{manifests} || []} }
        reverse @{$json->{desktopBuilds}};
    my $latest = latest($json, $manifest);

    $needed->{$latest // ''} = 1;
    $needed->{$_->{id}} = 1 for first($policy{releases}, @has);

    # those before the latest one; those after it were rolled back

    my ($at) = grep { $has[$_]{id} eq ($latest // '') } 0 .. $#has;
    my @before = @has[(defined $at ? $at + 1 : 0) .. $#has];
    my @after = defined $at ? @has[0 .. $at - 1] : ();

    $needed->{$_->{id}} = 1
        for first($policy{rollback}, grep { $_->{wasLatest} } @before),
            first($policy{blockmaps}, @before),
            $policy{blockmaps} ? @after : ();

    # since its successor came, or it was offered last

    my $since = $now;

    for my $build (@has) {
        my $offered = when($build->{updatedAt});

        $needed->{$build->{id}} = 1
            if $now - $since < $policy{time} * HOUR
               || $now - $offered < $policy{time} * HOUR;

        $since = when($build->{createdAt})
            if $build->{wasLatest} || $build->{id} eq ($latest // '');
    }
}


sub changed {
    my ($folder, $release) = @_;

    my @times = ((map { when($release->{$_}) } qw/ createdAt updatedAt /),
                 map { (stat "$dir/$folder/$_")[9] // 0 }
                 qw/ release.json uploads /);

    return (sort { $b <=> $a } @times)[0];
}


# -- helpers -----------------------------------------------------------------

sub machine {
    my ($port) = @_;

    my ($t, $its) = @{$machines[rand @machines]};

    ($t) = map { $_->[0] } grep { $_->[1] == $port - 1 } @machines if $port;

    return ($t, $port // $its);
}


sub api {
    my ($method, $path, $body) = @_;

    my ($t, $port) = machine();

    return answered(sub { $t->api($method, $path, $body, port => $port) });
}


# A machine that is busy, or whose clock has jumped while a thread was at work,
# says so, and is asked again.

sub answered {
    my ($ask) = @_;

    my $said;

    wait_until {
        $said = eval { $ask->() };
        $said && ($said->{reply} // $said)->{status} != 503
    } 60, 'an answer';

    return $said;
}


sub ok_reply {
    my ($reply) = @_;

    die $reply->{raw} if $reply->{status} >= 300;

    return $reply->{json};
}


sub channels {
    my @channels = @{$store->app($app)->{channels}};

    # in an order of their own
    return map { splice @channels, rand @channels, 1 } 1 .. @channels;
}


sub distinct {
    my %seen;

    return grep { !$seen{$_}++ } @_;
}


sub first {
    my ($n, @list) = @_;

    return splice @list, 0, $n;
}


sub now {
    return int $clocks{$one}->day();
}


sub at {
    return strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $_[0]);
}


sub when {
    my ($year, $month, @rest) = $_[0] =~ /\d+/g;

    return timegm(reverse(@rest[0 .. 3]), $month - 1, $year);
}


# All names of a file count once.

sub places {
    return du(grep { -e } map { "$dir/$_/$app" } qw/ apps live staging feed /);
}


sub du {
    my ($kib) = `du -sck @_ | tail -1` =~ /^(\d+)/;

    return 1024 * $kib;
}
