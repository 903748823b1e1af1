#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Rollouts that are halted: nobody new is offered the release, and who has it
# keeps it.  Rollouts with a plan grow by themselves, and what is scheduled or
# expires is offered in its time only.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Test::LiveUpdate qw/ zip /;
use Test::LiveUpdate::Clock;

use Digest::SHA qw/ sha512_base64 /;
use POSIX qw/ strftime /;
use Time::Local qw/ timegm /;

select STDERR; $| = 1;
select STDOUT; $| = 1;

my $t = Test::LiveUpdate->new()->plan(107);

my $clock = Test::LiveUpdate::Clock->new($t);

$t->config_reference(sub {
    s/^http \{\n/$&    liveupdate_everyone  \$http_x_check_now;\n/m;
})->run();

# -- bundles -----------------------------------------------------------------

my $app = $t->create_app('My App');
my ($old, $new) = map { $t->publish($app, 'default', zip('index.html' => $_)) }
                  qw/ old new /;
my $path = "/v1/apps/$app/deployments/$new->{deployment}";

is(told(), $new->{bundle}, 'before');

my $reply = $t->api('POST', "$path/halt", { reason => 'crashes', rate => 0.2,
                                            expect => generation() });

is($reply->{status}, 200, 'halted');
is_deeply([@{$reply->{json}{halted}}{qw/ by reason rate expect /}],
          ['admin', 'crashes', 0.2, undef], 'by whom, and why');
is(audit()->[0]{change} . ' ' . audit()->[0]{to}, 'deployment.halt crashes',
   'in the audit log');

is(told(), $old->{bundle}, 'a device without it gets the one before');
is(told(bundleId => $old->{bundle}), $old->{bundle},
   'and so does one that has gone back');
is(told(bundleId => $new->{bundle}), $new->{bundle},
   'one that runs it keeps it');

my $generation = generation();

is($t->api('POST', "$path/halt", { reason => 'again' })->{json}{halted}
   {reason}, 'crashes', 'halted again: the first reason stays');
is(generation(), $generation, 'and nothing is written');

is($t->api('GET', "/releases/$app/$new->{bundle}")->{json}{shares}[0]{share},
   0, 'offered to nobody');
is($t->api('GET', "/releases/$app/$old->{bundle}")->{json}{shares}[0]{share},
   1, 'all get the one before');

is($t->api('PATCH', $path, { rolloutPercentage => 0.5 })->{status}, 200,
   'it may shrink');
$t->refused(sub { $t->api('PATCH', $path, { rolloutPercentage => 0.6 }) },
            qr/^409 The rollout is halted/, 'and not grow');

is($t->api('POST', "$path/resume", {})->{json}{halted}, undef, 'resumed');
is($t->api('POST', "$path/resume", {})->{status}, 200, 'once more');
is($t->api('PATCH', $path, { rolloutPercentage => 1 })->{status}, 200,
   'it grows again');
is(told(), $new->{bundle}, 'for all');

is($t->api('POST', "/releases/$app/$new->{bundle}/halt",
           { channel => 'default' }, token => 'approve')->{status}, 200,
   'by the release API');
is(told(), $old->{bundle}, 'halted');
is($t->api('POST', "/releases/$app/$new->{bundle}/resume",
           { channel => 'default' }, token => 'approve')->{status}, 200,
   'and resumed');

for my $case (
    [halt => {}, '404 The channel has no deployment of the release.', 'none'],
    [halt => {}, '422 "channel" must be the name of a channel.', 1],
    [halt => { reason => 'x' x 4097 }, qr/^422 "reason" must be/, 'default'],
) {
    my ($action, $body, $wanted, $channel) = @$case;

    $t->refused(sub {
        $t->api('POST', "/releases/$app/$new->{bundle}/$action",
                { channel => $channel, %$body }, token => 'approve');
    }, $wanted, "refused: $wanted");
}

$t->refused(sub { $t->api('POST', "$path/explode", {}) }, '404 Not found.',
            'no such action');
$t->refused(sub { $t->api('POST', "$path/halt", {}, token => 'read') },
            qr/^403 /, 'a reader does not halt');
$t->refused(sub { $t->api('POST', "/v1/apps/$app/deployments/x/halt", {}) },
            '404 Deployment not found.', 'no such deployment');

# -- desktop releases --------------------------------------------------------

$t->api('POST', '/v1/apps', { id => 'desk', name => 'D', type => 'electron' });

staged($_) for 1, 2;
promote('b1', {});
promote('b2', { rollout => 0.999999 });

is(feed(), '2.0.0', 'a share');
is(decide('b2', 'halt', { reason => 'crashes' })->{status}, 200, 'halted');
is(feed(), '1.0.0', 'offered to nobody');

my $rules = $t->api('GET', '/releases/desk/rules')->{json};

is($rules->{releaseRedirections}[0]{halted}{reason}, 'crashes',
   'the rule says why');
$t->api('PUT', '/releases/desk/rules', $rules, token => 'approve');
is(feed(), '1.0.0', 'the rules sent back');
$t->refused(sub { promote('b2', { rollout => 1 }) },
            qr/^409 The rollout is halted/, 'it does not grow');
is(decide('b2', 'resume')->{status}, 200, 'resumed');
is(feed(), '2.0.0', 'offered again');

$t->refused(sub { decide('b1', 'halt') }, qr/^409 The release is not rolled/,
            'what is for everyone has no rollout');
is(promote('b2', { rollout => 1 })->{status}, 200, 'for all');

# -- plans of bundles --------------------------------------------------------

my $zip = zip('index.html' => 'next');
my $other = $t->create_channel($app, 'other');
my $next = $t->publish($app, 'other', $zip)->{bundle};

my $deployment = deploy($next, plan => [
    { share => 0, for => '2h' }, { share => 0.999999, for => '1d' },
    { share => 1 },
]);

$path = "/v1/apps/$app/deployments/$deployment->{id}";

is($deployment->{rolloutPercentage}, 0, 'a plan begins with its first share');
is($deployment->{plan}{step}, 0, 'in its first step');
near($deployment->{plan}{nextAt}, 2 * 3600, 'the next one is known');
is(told(), $new->{bundle}, 'the first step');

is(deploy($next, plan => [
    { share => 0, for => '2h' }, { share => 0.999999, for => '1d' },
    { share => 1 },
])->{id}, $deployment->{id}, 'sent again, it is not deployed again');

later(2 * 3600 + 1);
is(told(), $next, 'the second step');
is($t->api('GET', $path)->{json}{rolloutPercentage}, 0.999999,
   'as the API says');

$clock->set(-3 * 3600);
is(told(bundleId => $next), $next, 'who has it keeps it if the clock is set');
$clock->set(3 * 3600);

act('pause');
later(3 * 86400);
is($t->api('GET', $path)->{json}{plan}{nextAt}, undef, 'paused: no next step');
is($t->api('GET', $path)->{json}{plan}{step}, 1, 'it stands still');
near(act('resume')->{plan}{nextAt}, 86400, 'and goes on with what was left');

act('halt', { reason => 'crashes' });
is(told(), $new->{bundle}, 'halted');
$t->refused(sub { act('advance') }, qr/^409 The rollout is halted/,
            'and not advanced');
act('resume');
is(act('advance')->{rolloutPercentage}, 1, 'advanced');
$t->refused(sub { act('advance') }, qr/^409 .*last step/, 'to the end');
is(told(), $next, 'for all');

is(act('stop')->{plan}, undef, 'stopped');
$t->refused(sub { act('pause') }, qr/^409 The rollout has no plan/,
            'nothing to pause');

# -- scheduled, and expired --------------------------------------------------

$deployment = deploy($old->{bundle}, start => at(3600));
is(told(), $next, 'scheduled');
later(3601);
is(told(), $old->{bundle}, 'in time');

$deployment = deploy($new->{bundle}, expires => at(3600));
is(told(bundleId => $new->{bundle}), $new->{bundle}, 'until it expires');
later(3601);
is(told(bundleId => $new->{bundle}), $old->{bundle}, 'and no longer');

# -- freezes -----------------------------------------------------------------

is($t->api('PATCH', "/v1/apps/$app", { freezes => [
    { from => at(0), to => at(7200), reason => 'holidays' },
] })->{json}{freezes}[0]{reason}, 'holidays', 'a freeze');
deploy($next, start => at(60));
later(3600);
is(told(), $old->{bundle}, 'no step in it');
later(3700);
is(told(), $next, 'but behind it');

# -- what held a plan up ends ------------------------------------------------

$t->api('PATCH', "/v1/apps/$app", { freezes => [] });

my @steps = ({ share => 0.01, for => '1h' }, { share => 0.1, for => '1h' },
             { share => 1 });

for my $action (qw/ pause halt /) {
    act_on(deploy($new->{bundle}, start => at(600), plan => \@steps));
    act($action);
    later(86400);
    act('resume');
    later(2);
    is(share(), 0.01, "$action before its start: it begins when it is resumed");
    later(3600);
    is(share(), 0.1, 'and takes a step after the other');
    act_on(deploy($old->{bundle}));
}

act_on(deploy($new->{bundle}, plan => \@steps));
freeze(at(600), at(10 * 86400));
later(5 * 86400);
is(share(), 0.01, 'frozen');
freeze();
later(2);
is(share(), 0.1, 'the freeze is ended before its time: the next step begins');

freeze(at(-1), at(10 * 86400));
act_on(deploy($old->{bundle}, plan => \@steps));
later(5 * 86400);
is(share(), 0, 'frozen from the beginning');
freeze();
later(2);
is(share(), 0.01, 'the first step begins');

act_on(deploy($new->{bundle}, plan => {
    steps => \@steps, timeZone => 'UTC',
    hours => join('-', map { strftime('%H:%M', gmtime($clock->day() + $_)) }
                       0, 1800),
}));
later(5 * 3600);
is(share(), 0.01, 'in its hours only');
is($t->api('PATCH', $path, { plan => \@steps, start => at(-18000) })->{json}
   {rolloutPercentage}, 0.01, 'given again for all hours, it stays');
later(2);
is(share(), 0.1, 'and goes on with the next step');
act_on(deploy($next));

for my $case (
    [{ plan => 1 }, qr/^422 "plan" must be/],
    [{ plan => [] }, qr/^422 "steps" of a plan/],
    [{ plan => { steps => [{ share => 1 }], hours => '09:00-17:00' } },
     qr/^422 .*"timeZone"/],
    [{ plan => { steps => [{ share => 1 }], hours => '09:00-17:00',
                 timeZone => '../../etc/passwd' } },
     qr/^422 "timeZone" must be one/],
    [{ plan => { steps => [{ share => 1 }], hours => '09:00-17:00',
                 timeZone => 'Europe/Atlantis' } },
     qr/^422 "timeZone" must be one/],
    [{ start => 'soon' }, qr/^422 "start" must be a time/],
    [{ expires => 'soon' }, qr/^422 "expires" must be a time/],
) {
    my ($body, $wanted) = @$case;

    $t->refused(sub {
        $t->api('POST', "/v1/apps/$app/deployments",
                { appBuildId => $old->{bundle}, appChannelName => 'default',
                  %$body });
    }, $wanted, "refused: $wanted");
}

SKIP: {
    skip 'no time zones', 2 unless -f '/usr/share/zoneinfo/Europe/Berlin';

    $deployment = deploy($old->{bundle}, plan => {
        steps => [{ share => 1 }], hours => '09:00-17:00',
        weekdays => [qw/ mon tue wed thu fri /], timeZone => 'Europe/Berlin',
    });

    is($deployment->{plan}{timeZone}, 'Europe/Berlin', 'a time zone');
    is($deployment->{plan}{offsets}, undef, 'whose offsets are not shown');
}

# -- the newest one that fits ------------------------------------------------

$t->api('PATCH', "/v1/apps/$app", { freezes => [] });
deploy($old->{bundle});
deploy($new->{bundle}, rolloutPercentage => 0.999999);
deploy($next);
$t->api('PATCH', "/v1/apps/$app/builds/"
        . $t->api('GET', "/v1/apps/$app/bundles/$next")->{json}{appBuildId},
        { minAndroidAppVersionCode => '10' });

is(told(appVersionCode => 10, platform => 0), $next, 'the newest one fits');
is(told(appVersionCode => 9, platform => 0), $new->{bundle},
   'the newest one that fits');
is($t->latest($app, appVersionCode => 9, deviceId => undef)->{json}{bundleId},
   $old->{bundle}, 'and of which the device is in the share');

my ($channel) = grep { $_->{name} eq 'default' }
                @{$t->api('GET', "/v1/apps/$app/channels")->{json}};

is($t->api('PATCH', "/v1/apps/$app/channels/$channel->{id}",
           { newestCompatible => \0 })->{json}{newestCompatible}, 0,
   'only the newest one');
is(told(appVersionCode => 10, platform => 0), $next, 'that fits');
is(told(appVersionCode => 9, platform => 0), undef, 'or none');
$t->api('PATCH', "/v1/apps/$app/channels/$channel->{id}",
        { newestCompatible => \1 });

# -- checks by hand ----------------------------------------------------------

deploy($old->{bundle});
$deployment = deploy($new->{bundle}, rolloutPercentage => 0.000001);
is(told(), $old->{bundle}, 'not in the share');
is(told(_headers => ['X-Check-Now' => 1]), $new->{bundle}, 'but by hand');
is(told(_headers => ['X-Check-Now' => 0]), $old->{bundle}, 'that says no');
is(told(bundleId => $new->{bundle}), $new->{bundle}, 'who has it keeps it');
$path = "/v1/apps/$app/deployments/$deployment->{id}";
act('halt');
is(told(_headers => ['X-Check-Now' => 1]), $old->{bundle}, 'not if halted');
act('resume');
$t->api('PATCH', $path, { rolloutPercentage => 0 });
is(told(_headers => ['X-Check-Now' => 1], bundleId => $new->{bundle}),
   $old->{bundle}, 'nor with the share 0');

# -- plans of desktop releases -----------------------------------------------

staged(3);
promote('b3', { plan => [{ share => 0, for => '2h' }, { share => 1 }] });
is(feed(), '2.0.0', 'the first step');
is($t->api('GET', '/releases/desk/rules')->{json}{releaseRedirections}[0]
   {plan}{steps}[1]{share}, 1, 'a rule with a plan');
is($t->api('GET', '/releases/desk/rules')->{json}{releaseRedirections}[0]
   {plan}{nextShare}, 1, 'and what is next');
decide('b3', 'pause');
later(3 * 3600);
is(feed(), '2.0.0', 'paused');
$rules = $t->api('GET', '/releases/desk/rules')->{json};
delete $rules->{releaseRedirections}[0]{paused};
is($t->api('PUT', '/releases/desk/rules', $rules, token => 'approve')
   ->{status}, 200, 'rules without the pause');
is(feed(), '2.0.0', 'it goes on where it was');
is($t->api('GET', '/releases/desk/rules')->{json}{releaseRedirections}[0]
   {paused}, undef, 'and is not paused');
decide('b3', 'pause');
later(3 * 3600);
decide('b3', 'resume');
later(2 * 3600 + 1);
is(feed(), '3.0.0', 'the last step');
staged(4);
promote('b4', { plan => \@steps, start => at(600) });
decide('b4', 'halt');
later(86400);
decide('b4', 'resume');
later(2);
is(desk_share(), 0.01, 'halted before its start: it begins when it is resumed');
later(3600);
is(desk_share(), 0.1, 'and takes a step after the other');
promote('b4', { plan => \@steps });
is(desk_share(), 0.1, 'given again, it stays');
promote('b4', { rollout => 1 });
is(feed(), '4.0.0', 'a release after it');
is_deeply($t->api('GET', '/releases/desk/rules')->{json},
          { latestReleaseBuildId => 'b4', releaseRedirections => [] },
          'it was the latest one, and has no rule any more');
decide('b4', 'withdraw');
is(feed(), '3.0.0', 'and is again');

###############################################################################

sub deploy {
    my ($id, %more) = @_;

    my $reply = $t->api('POST', "/v1/apps/$app/deployments",
                        { appBuildId => $id, appChannelName => 'default',
                          %more });

    diag($reply->{raw}) unless $reply->{status} == 201;

    return $reply->{json};
}

sub act_on { $path = "/v1/apps/$app/deployments/$_[0]{id}" }

sub share { $t->api('GET', $path)->{json}{rolloutPercentage} }

sub freeze {
    my ($from, $to) = @_;

    $t->api('PATCH', "/v1/apps/$app", {
        freezes => [$from ? { from => $from, to => $to } : ()],
    });
}

sub act {
    my ($action, $body) = @_;

    my $reply = $t->api('POST', "$path/$action", $body // {});

    return $reply->{status} == 200 ? $reply->{json} : $reply;
}

# So many seconds from now on the clock of nginx.

sub at {
    my ($seconds) = @_;

    return strftime('%Y-%m-%dT%H:%M:%SZ', gmtime($clock->day() + $seconds));
}

# nginx looks at the clock with each event.

sub later {
    my ($seconds) = @_;

    $clock->passes($seconds);
    told();
}

sub near {
    my ($time, $seconds, $name) = @_;

    my @parts = ($time // '') =~ /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)/
        or return fail("$name: no time");

    my $is = timegm(@parts[5, 4, 3, 2], $parts[1] - 1, $parts[0])
             - $clock->day();

    cmp_ok(abs($is - $seconds), '<', 120, "$name: in $is s");
}

sub told {
    my (%args) = @_;

    return $t->latest($app, deviceId => 'device', %args)->{json}{bundleId};
}

sub generation {
    return $t->api('GET', "/v1/apps/$app")->{json}{generation};
}

sub audit {
    return $t->api('GET', "/releases/$app/audit")->{json};
}

sub desk_share {
    return $t->api('GET', '/releases/desk/b4')->{json}{shares}[0]{share};
}

sub promote {
    my ($id, $body) = @_;

    return decide($id, 'promote', $body);
}

sub decide {
    my ($id, $action, $body) = @_;

    return $t->api('POST', "/releases/desk/$id/$action", $body // {},
                   token => 'approve');
}

sub feed {
    my $reply = $t->api('GET', '/desktop/desk/latest.yml', undef,
                        token => undef,
                        headers => ['x-user-staging-id' => 'one']);

    return $reply->{body} =~ /^version: (\S+)$/m ? $1 : $reply->{status};
}

sub staged {
    my ($n) = @_;

    my $uploads = "store/staging/desk/b$n/uploads";
    my $bytes = "$n" x 1000;
    my $digest = sha512_base64($bytes) . '==';

    $t->write_file("$uploads/D-$n.0.0.exe", $bytes);
    $t->write_file("$uploads/latest.yml", <<EOF_YML);
version: $n.0.0
files:
  - url: D-$n.0.0.exe
    sha512: $digest
    size: 1000
path: D-$n.0.0.exe
releaseDate: '2026-01-01T00:00:00.000Z'
EOF_YML

    $t->api('POST', "/releases/desk/b$n/stage", {}, token => 'publish');
}

###############################################################################
