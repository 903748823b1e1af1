#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# The guard of a channel: what devices do with a release is counted, in the
# store, and a rollout that makes them come back is halted, once.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Test::LiveUpdate qw/ zip json_decode wait_until /;
use Test::LiveUpdate::Clock;
use Test::LiveUpdate::Device;
use Test::LiveUpdate::Receiver;

select STDERR; $| = 1;
select STDOUT; $| = 1;

use constant LOOK => 60;                # seconds, for a few looks of the guard

my $t = Test::LiveUpdate->new()->plan(60);
my $clock = Test::LiveUpdate::Clock->new($t);
my $r = Test::LiveUpdate::Receiver->new($t);

$r->targets('a json {url}/ secret={secret} event=release.halted '
            . 'event=release.warned');
$t->config_reference(sub {
    $r->adapt() if $_[0] eq 'liveupdate.conf';
    s/^http \{\n/$&    liveupdate_everyone  \$http_x_check_now;\n/m;
})->run();

my $app = $t->create_app('My App');
my $name = 'beta';
my $channel = $t->create_channel($app, $name);
my $path = "/v1/apps/$app/channels/$channel";

# -- settings ----------------------------------------------------------------

my $reply = $t->api('PATCH', $path, { guard => {} });

is_deeply($reply->{json}{guard},
          { minimum => 200, comeback => 0.05, silence => 0.1,
            confidence => 0.99, action => 'halt' }, 'defaults');
is_deeply($t->api('GET', $path)->{json}{guard}, $reply->{json}{guard},
          'are written down');
is($t->api('PATCH', $path, { guard => undef })->{json}{guard}, undef,
   'off again');

for my $case (
    [ 'yes', '"guard" must be an object, or null' ],
    [ { minimum => 10 }, '"minimum" must be a number of devices, 50 or more' ],
    [ { action => 'rollback' }, '"action" must be "halt" or "notify"' ],
) {
    my ($guard, $wanted) = @$case;

    $t->refused(sub { $t->api('PATCH', $path, { guard => $guard }) },
                qr/^422 \Q$wanted\E/, $wanted);
}

# -- a device ----------------------------------------------------------------

my %rules = (minimum => 50);

guard();

my $old = $t->publish($app, 'beta', zip('index.html' => 'old'));
my $new = $t->publish($app, 'beta', zip('index.html' => 'new'),
                      bundle => { rolloutPercentage => 0.5 });

my @in = devices(1);
my @out = devices(0);

my $device = Test::LiveUpdate::Device->new(
    server => 'http://127.0.0.1:' . Test::LiveUpdate::port(8080),
    app => $app, dir => $t->testdir() . '/device', id => $in[0],
    channel => 'beta');

is($device->sync()->{next}, $new->{bundle}, 'a device fetches the release');

ok(counted(rollout => '1 1 1 0 0 0'), 'which is counted');

$device->restart();
$device->sync();

ok(counted(rollout => '1 1 1 1 0 0'), 'and runs it');

# not started again, it still says what it ran

$device->{current} = undef;
$device->latest();

ok(counted(rollout => '1 1 1 1 1 0'), 'and came back');

my $other = Test::LiveUpdate::Device->new(
    server => $device->{server}, app => $app, id => $out[0],
    dir => $t->testdir() . '/other', channel => 'beta', plugin_version => 7.5);

$other->sync();
$other->restart();
$other->sync();

ok(counted(control => '1 1 0 1 0 0'), 'another one is in the control group');

# -- a restart ---------------------------------------------------------------

$t->stop();
$t->run();

ask($in[0], '');

ok(counted(rollout => '2 1 1 1 1 0'), 'after a restart it enters again');

# -- comebacks ---------------------------------------------------------------

ask($_, $old->{bundle}) for @in[1 .. 59], @out[1 .. 119];
ask($_, $new->{bundle}) for @in[1 .. 59];
ask($_, $old->{bundle}) for @out[1 .. 119];

ok(counted(rollout => '61 60 1 60 1 0', control => '120 120 0 120 0 0'),
   'a release that does no harm');
is(deployment()->{halted}, undef, 'is not halted');

# -- what people see ---------------------------------------------------------

my $health = health();

is_deeply([ @{$health->{rollout}}{qw/ offered got fetched ran cameBack due /} ],
          [ 61, 60, 1, 60, 1, 0 ], 'the funnel');
is_deeply([ @{$health->{control}}{qw/ offered ran cameBack /} ],
          [ 120, 120, 0 ], 'beside the control group');
is_deeply([ map { $_->{days} } @{$health->{silence}} ], [ 1.5, 3.5, 7.5 ],
          'silence');
is($health->{verdict}{result}, 'content', 'what the guard says');
is($health->{verdict}{comeback}{devices}, 61, 'and about whom');

my ($first, @more) = @{$health->{series}};

is_deeply([ $first->{rollout}, scalar @more ], [ $health->{rollout}, 0 ],
          'over time');
is($t->said($t->api('GET', "$path/health?deploymentId=none")),
   '404 The channel has no such deployment.', 'of no other deployment');

my %labels = (app => $app, channel => 'beta', release => $new->{bundle},
              deployment => $new->{deployment});

is(metric('devices', %labels, group => 'rollout', state => 'ran'), 60,
   'a metric');
is(metric('devices', %labels, group => 'control', state => 'offered'), 120,
   'of the control group');
is(metric('blamed', %labels), 0, 'nobody is blamed');

guard(comeback => 1);
ask($_, '') for @in[1 .. 59];
guard();
ask($in[59], '');

ok(look(sub { deployment()->{halted} }), 'one that does is halted');

my $halted = deployment()->{halted};

is($halted->{by}, 'guard', 'by the guard');
like($halted->{reason}, qr/^9\d\.\d % of 61 devices in the rollout came back /,
     "since $halted->{reason}");
is($halted->{sign}, 'comeback', 'with the sign');
ok($halted->{lower} > 0.05 && $halted->{devices} == 61, 'and numbers');

my $audit = $t->api('GET', "/releases/$app/audit", undef,
                      token => 'approve')->{json}[0];

is("$audit->{by} $audit->{change} $audit->{subject}",
   "guard deployment.halt $new->{deployment}", 'in the audit log');
is($audit->{to}, $halted->{reason}, 'with the reason');
is(health()->{guarded}{reason}, $halted->{reason}, 'also beside the funnel');

my $told = told(1);

is($told->{text}, "The rollout of $new->{bundle} in channel beta of My App was "
   . "halted: $halted->{reason}.", 'people are told');
is_deeply([@{$told}{qw/ app by subject release channel reason /}],
          [$app, 'guard', $new->{deployment}, $new->{bundle}, 'beta',
           $halted->{reason}], 'of what, and why');

ok((wait_until { metric('blamed', %labels) } LOOK), 'and in a metric');
is(ask($in[1], ''), $old->{bundle}, 'nobody new is offered it');

$t->api('POST', "/v1/apps/$app/deployments/$new->{deployment}/resume", {});

ask($in[60], $old->{bundle});
ask($in[60], '');

ok(counted(rollout => '62 61 1 60 61 0'), 'counting goes on');
is(deployment()->{halted}, undef, 'a person who resumes it has the last word');

# -- only said ---------------------------------------------------------------

guard(action => 'notify', comeback => 1);

my $third = $t->publish($app, 'beta', zip('index.html' => 'third'));

ask($_, $new->{bundle}) for @in[1 .. 60];
ask($_, '') for @in[1 .. 60];
guard(action => 'notify');
ask($in[60], '');

ok(look(sub { deployment()->{guarded} }), 'only said');
is(deployment()->{halted}, undef, 'and not halted');

my $line = qr/\[warn\].*deployment\.warn .*: 100\.0 % of 60 devices that/;

ok(wait_until { read_log() =~ $line } LOOK, 'also in the log');
like(told(2)->{text}, qr/^The rollout of $third->{bundle} in channel beta (?x:
     )of My App may do harm: 100\.0 % of 60 devices that /, 'and told');

# -- a plan that waits for devices -------------------------------------------

$name = 'plan';
$channel = $t->create_channel($app, $name);

$old = $t->publish($app, $name, zip('index.html' => 'old'));
$new = $t->publish($app, $name, zip('index.html' => 'planned'),
                   bundle => { rolloutPercentage => 0.5 });

my $made = "/v1/apps/$app/deployments/$new->{deployment}";
my $plan = { plan => [ { share => 0.5, for => '1m', devices => 3 },
                       { share => 1 } ] };

is($t->said($t->api('PATCH', $made, $plan)),
   '409 A step with "devices" needs a guard, which counts them: give the '
   . 'channel one first.', 'nobody counts');

$t->api('PATCH', "/v1/apps/$app/channels/$channel", { guard => \%rules });
$t->api('PATCH', $made, $plan);

@in = devices(1);
@out = devices(0);

for (0 .. 1) {
    ask($in[$_], $old->{bundle});
    ask($in[$_], $new->{bundle});
}

ok(counted(rollout => '2 2 0 2 0 0'), 'two devices run it');

Test::LiveUpdate::Device->new(
    server => $device->{server}, app => $app, id => $in[3],
    dir => $t->testdir() . '/seven', channel => $name,
    plugin_version => 7.5)->sync();

ok(counted(rollout => '3 3 1 2 0 0'), 'an older plugin has fetched it');
$clock->passes(120);
is(ask($out[0], ''), $old->{bundle}, 'the plan waits for a third one');

my $seen = $t->api('GET', $made)->{json}{plan};

is_deeply([ @$seen{qw/ step nextAt nextDevices /} ], [ 0, undef, 3 ],
          'and says so');

ask($in[2], $new->{bundle});

ok(look(sub { deployment()->{plan}{steps}[0]{enough} }), 'there it is');
ok(look(sub { ask($out[0], '') eq $new->{bundle} }), 'everybody gets it');
is($t->api('GET', "/releases/$app/audit", undef, token => 'approve')
   ->{json}[0]{change}, 'deployment.enough', 'in the audit log');

# -- the guard of an app -----------------------------------------------------

my $whole = sub { $t->api('PATCH', "/v1/apps/$app", { guard => $_[0] })
                  ->{json}{guard} };

$whole->({ minimum => 77 });
$t->api('PATCH', $path, { guard => undef });
is(health()->{guard}{minimum}, 77, 'the guard of the app');
guard();
is(health()->{guard}{minimum}, 50, 'or that of the channel');
$t->api('PATCH', $path, { guard => JSON::PP::false });
is(health()->{guard}, undef, 'or none');

is($whole->(undef), undef, 'off again');

# -- devices in neither group ------------------------------------------------

$name = 'limits';
$channel = $t->create_channel($app, $name);

$t->api('PATCH', "/v1/apps/$app/channels/$channel", { guard => \%rules });

$old = $t->publish($app, $name, zip('index.html' => 'any'));
$new = $t->publish($app, $name, zip('index.html' => 'some'),
                   bundle => { rolloutPercentage => 0.5,
                               minAndroidAppVersionCode => '1' });

@in = devices(1);
@out = devices(0);

is(ask($_, '', appVersionCode => 0), $old->{bundle}, 'the newest that fits')
    for $in[0], $out[0];
is(ask($out[1], '', _headers => ['X-Check-Now' => 1]), $new->{bundle},
   'a check by hand');

ask($out[2], '');

ok(counted(rollout => '0 0 0 0 0 0', control => '1 0 0 0 0 0'),
   'nobody of these is counted');

ask($in[1], '');
ask($in[1], $new->{bundle});
limit(2);
is(ask($in[1], $new->{bundle}), $old->{bundle}, 'a limit is set too late');
limit(1);
ask($in[1], $old->{bundle});

ok(counted(rollout => '2 1 0 1 0 0', control => '1 0 0 0 0 0'),
   'which is no comeback');


# The last of so many events.

sub told {
    my ($n) = @_;

    wait_until { $r->told() >= $n } 20, "told of $n";

    return ($r->told())[-1]{data};
}


# 200 devices that the share includes, or not.

sub devices {
    my ($wanted) = @_;

    my @found;

    for my $n (1 .. 1000) {
        my $id = sprintf 'aaaaaaaa-0000-4000-8000-%012d', $n + 1000 * $wanted;

        # a check with a token is not counted
        my $told = ask($id, '', _token => 'admin');

        push @found, $id if ($told eq $new->{bundle}) == $wanted;
        last if @found == 200;
    }

    return @found;
}


sub ask {
    my ($id, $bundle, %more) = @_;

    return $t->latest($app, channelName => $name, deviceId => $id,
                      bundleId => $bundle, %more)->{json}{bundleId};
}


# With a limit of 1 it has nothing to say while devices come back one by one.

sub guard {
    my (%more) = @_;

    $t->api('PATCH', $path, { guard => { %rules, %more } });
}


# The oldest version of the app that the release is for.

sub limit {
    my ($version) = @_;

    $t->api('PATCH', "/v1/apps/$app/builds/$new->{build}",
            { minAndroidAppVersionCode => "$version" });
}


sub deployment {
    my $app_json = json_decode($t->read_file("store/apps/$app/app.json"));
    my ($now) = grep { $_->{id} eq $channel } @{$app_json->{channels}};

    return $now->{deployments}[0];
}


sub health {
    return $t->api('GET', "$path/health", undef, token => 'read')->{json};
}


# A metric of this machine.

sub metric {
    my ($metric, %wanted) = @_;

    my @order = qw/ app channel release deployment group state /;
    my $labels = join ',', map { "$_=\"$wanted{$_}\"" }
                           grep { defined $wanted{$_} } @order;
    my $text = $t->api('GET', '/status', undef, token => undef)->{body};

    my ($value) = $text =~ /^liveupdate_rollout_$metric\{\Q$labels\E\} (\d+)$/m;

    return $value;
}


# Waits until the store has these counts: offered, got, fetched, ran, back,
# stuck, of all machines and quarters of a day.

sub counted {
    my (%wanted) = @_;

    my %found;

    my $done = look(sub {
        %found = %{sums()};
        !grep { $found{$_} ne $wanted{$_} } keys %wanted;
    });

    note("$_: $found{$_}") for $done ? () : sort keys %found;

    return $done;
}


# Waits for what the guard does at one of its next looks.

sub look {
    my ($code) = @_;

    return wait_until { $clock->passes(1); $code->() } LOOK;
}


sub sums {
    my %sum = (rollout => [ (0) x 6 ], control => [ (0) x 6 ]);

    for my $file (glob $t->testdir() . "/store/apps/$app/guard/*.json") {
        open my $fh, '<', $file or next;
        my $json = json_decode(join '', <$fh>);

        my ($entry) = grep { $_->{id} eq deployment()->{id} }
                      @{$json->{deployments}} or next;

        for my $row (@{$entry->{before}}, @{$entry->{since}}) {
            my $group = $sum{$row->[2] ? 'control' : 'rollout'};
            $group->[$_] += $row->[3 + $_] for 0 .. 5;
        }
    }

    return { map { $_ => "@{$sum{$_}}" } keys %sum };
}


sub read_log {
    return $t->read_file('error.log');
}
