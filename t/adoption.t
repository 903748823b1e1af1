#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Devices of a day and of 30, while time goes by, and places in the zone that
# others get when they are not used any more.

use warnings;
use strict;

use List::Util qw/ sum0 /;
use POSIX qw/ strftime /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT zip /;
use Test::LiveUpdate::Clock;
use Test::LiveUpdate::Metrics qw/ metrics /;

use constant HOUR => 3600;
use constant DAY => 24 * HOUR;

my $t = Test::LiveUpdate->new()->plan(40);
my $dir = $t->testdir();
my $clock = Test::LiveUpdate::Clock->new($t);

# in the midst of an hour

$clock->passes(1.5 * HOUR - int($clock->start()) % HOUR);

$t->config_reference();
$t->run();

my $app = $t->create_app('adoption');
$t->create_channel($app, 'production');
my $bundle = $t->publish($app, 'production',
                         zip('index.html' => 'x'))->{bundle};

# windows

ask("d$_", 'production') for 1 .. 40;
near(devices('production'), 40, 40, 'at once');

later(20 * HOUR);
near(devices('production'), 40, 40, 'after 20 hours');

later(6 * HOUR);
near(devices('production'), 0, 40, 'after 26 hours');

ask("d$_", 'production') for 1 .. 10;
near(devices('production'), 10, 40, 'some have come again');

later(15 * DAY);
near(devices('production'), 0, 40, 'half a month later');

ask("e$_", 'production') for 1 .. 20;
near(devices('production'), 20, 60, 'others come');

# the last hour of 30 days counts, whichever hour of a day it was

later(15 * DAY + HOUR);
near(devices('production'), 0, 20, 'the first ones are over');

ask("f$_", 'production') for 1 .. 5;
near(devices('production'), 5, 25, 'and some more come');

later(40 * DAY);
near(devices('production'), 0, 0, 'nobody for long');

ask("g$_", 'production') for 1 .. 5;
near(devices('production'), 5, 5, 'and somebody again');
is(checks('production', 'update'), 80, 'checks are counted for ever');

# the time of day is set back by a year, and ahead by two: nothing ages

$clock->set(-365 * DAY);
seen();
near(devices('production'), 5, 5, 'a year back: the same');
ask("h$_", 'production') for 1 .. 7;
near(devices('production'), 12, 12, 'a year back: and others');
$clock->set(2 * 365 * DAY);
seen();
near(devices('production'), 12, 12, 'two years ahead: the same');

# places of series

zone('64k');

my $max = metric('liveupdate_series_max');
my @names = map { "c$_" } 1 .. $max;

for my $name (@names, qw/ x y /) {
    $t->create_channel($app, $name);
}

ask('d', $_) for @names;
ask('d', 'x') for 1 .. 3;

is(metric('liveupdate_series'), $max, 'all places are taken');
is(checks('x', 'empty'), undef, 'one has none');
is(metric('liveupdate_checks_total', other('empty')), 3, 'and is an other');

later(HOUR);
ask('d', 'x');
is(checks('x', 'empty'), undef, 'an hour later: they were just used');

ask('d', $_) for @names[1 .. $#names];

later(2 * HOUR);
ask('d', 'x');
is(checks('x', 'empty'), 1, 'later: it has a place');
is(checks($names[0], 'empty'), undef, 'of the one used least recently');
is(checks($names[1], 'empty'), 2, 'others have theirs');
is(metric('liveupdate_checks_total', other('empty')), 4,
   'what was counted together stays there');
is(total(), @names + $#names + 5, 'and the sum is the sum');

ask('d', $names[0]);
is(checks($names[0], 'empty'), 1, 'the one that lost it begins anew');
is(total(), @names + $#names + 6, 'in the sum it does not');

# while a worker has a mark that leads to somebody else's place

ask('d', $_) for map { @names } 1 .. 6;
ask('d', 'x') for 1 .. 6;
is(total(), 7 * @names + $#names + 12, 'nothing is lost');
is(sum0(map { checks($_, 'empty') // 0 } @names, 'x', 'y'),
   total() - retired(), 'nor counted where it does not belong');

# places of sketches

zone('256k');
is(metric('liveupdate_sketches_max'), 1, 'there is one sketch');

ask('d', 'x');
ask('d', 'y');
near(devices('x'), 1, 1, 'who came first has it');
is(devices('y'), undef, 'and the other one has none');
is(checks('y', 'empty'), 1, 'but is counted');

later(HOUR);
ask('e', 'y');
is(devices('y'), undef, 'an hour later: the same');

later(2 * HOUR);
ask("f$_", 'y') for 1 .. 3;
near(devices('y'), 3, 3, 'later: the other one has it');
is(devices('x'), undef, 'and the first one has none');
ask('d', 'x');
is(devices('x'), undef, 'for an hour');
is(metric('liveupdate_active_devices', "app=$app", 'channel=x', 'release=',
          'window=day'), undef, 'what is not known is not told');

later(30 * HOUR);
ask('d', 'x');
near(devices('x'), 1, 1, 'and back');

later(3 * HOUR);
ask('d', 'production');
ask('d', 'production', bundleId => $bundle);
is(devices('production'), undef, 'one of two is as good as none');

# without any

zone('64k');
ask('d', 'x');
is(devices('x'), undef, 'a zone without sketches');
is(checks('x', 'empty'), 1, 'counts all the same');


sub later {
    my ($seconds) = @_;

    $clock->passes($seconds);
    seen();
}


# Waits until all workers have seen what the clock says.

sub seen {
    my $want = $clock->day();

    my $deadline = time() + 10;
    my $right = 0;

    # a worker looks at the clock when something happens

    while ($right < 10) {
        my ($date, $hour) = status()->{time} =~ /^(.*)T(\d\d):/;

        $right = "$date $hour" eq strftime('%Y-%m-%d %H', gmtime $want)
                 ? $right + 1 : 0;

        die "the clock stands\n" if time() > $deadline;
    }
}


sub zone {
    my ($size) = @_;

    $t->write_file('nginx.conf', $t->read_file('nginx.conf')
                   =~ s/(liveupdate_zone +liveupdate:)\w+/$1$size/r);
    $t->reload();
}


sub ask {
    my ($device, $channel, %params) = @_;

    return $t->latest($app, deviceId => $device, channelName => $channel,
                      %params);
}


sub status {
    return $t->api('GET', "/status?format=json&app=$app", undef,
                   token => undef)->{json};
}


sub metric {
    my ($name, @labels) = @_;

    return metrics($t->api('GET', '/status', undef, token => undef))
           ->{samples}{$name}{join ',', @labels};
}


sub other {
    return ((map { "$_=(other)" } qw/ app channel release /), "result=$_[0]");
}


sub total {
    return metric('liveupdate_requests_total', 'kind=check', 'result=empty');
}


# Of series that are gone, and of those that had no place.

sub retired {
    my $json = status();

    return $json->{requests}{check}{empty}
           - sum0(map { $_->{releases}[0]{checks}{empty} }
                  @{$json->{apps}[0]{channels}});
}


sub checks {
    my ($channel, $result) = @_;

    my $row = row($channel) // return;

    return $row->{checks}{$result};
}


sub devices {
    my ($channel) = @_;

    my $row = row($channel) // return;

    return $row->{devices};
}


sub row {
    my ($name) = @_;

    my ($channel) = grep { $_->{channel} eq $name }
        map { @{$_->{channels}} } @{status()->{apps}};

    return $channel && $channel->{releases}[0];
}


# Estimates: some devices may be taken for one, or for one more.

sub near {
    my ($devices, $day, $month, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $ok = defined $devices
             && abs($devices->{day} - $day) <= ($day > 20 ? 4 : $day > 3)
             && abs($devices->{month} - $month)
                <= ($month > 20 ? 5 : $month > 3 ? 2 : 0);

    ok($ok, $name)
        or diag($devices ? "estimated: $devices->{day} $devices->{month}"
                         : 'not estimated');
}
