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

select STDERR; $| = 1;
select STDOUT; $| = 1;

use constant LOOK => 60;                # seconds, for a few looks of the guard

my $t = Test::LiveUpdate->new()->plan(33);
my $clock = Test::LiveUpdate::Clock->new($t);

$t->config_reference(sub {
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
