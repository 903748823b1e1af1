#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# liveupdate_status: what was counted and what is on the disk.

use warnings;
use strict;
use utf8;

use IO::Socket::INET;
use List::Util qw/ sum0 /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_encode zip /;
use Test::LiveUpdate::HTTP qw/ exchange parse_reply /;
use Test::LiveUpdate::Metrics qw/ metrics /;

my $t = Test::LiveUpdate->new()->plan(151);

# approval here, so that something waits; another location may see all of it

$t->config_reference(sub {
    s/^liveupdate_approval .*/liveupdate_approval  on;/m;
    s/access_log .*/access_log  check.log  liveupdate;/m
        if $_[0] eq 'nginx.conf';
    s/(location = .status \{)/location = \/open { liveupdate_status; }\n$1/;
    s{^#(liveupdate_notify .*)}
     {$1\nlocation ^~ /notify/ { proxy_pass  \$liveupdate_notify_url; }}m;
});

# of an app that does not exist

$t->write_file('liveupdate.targets', "nobody slack http://127.0.0.1:1/\n");
chmod 0600, $t->testdir() . '/liveupdate.targets';
$t->run();

my $zip = zip('index.html' => 'x');
my $B = qr/[0-9a-f-]{36}/;

# nothing has happened

my $m = status();

is_deeply($m->{errors}, [], 'strictly the text format');
is($m->{reply}{headers}{'content-type'},
   'text/plain; version=0.0.4; charset=utf-8', 'and says so');
is($m->{reply}{headers}{'cache-control'}, 'no-store', 'is not kept');
is($m->{reply}{headers}{'content-length'}, length $m->{reply}{body},
   'has a length');
is(sum0(values %{$m->{samples}{liveupdate_requests_total}}), 0,
   'nobody has asked');
is(value('liveupdate_generation'), 0, 'nothing was changed');
is(value('liveupdate_oldest_waiting_seconds'), 0, 'nothing waits');
is(value('liveupdate_scan_complete'), 1, 'all was looked at');
is(value('liveupdate_zone_size_bytes'), 16 << 20, 'size of the zone');
cmp_ok(value('liveupdate_sketches_max'), '>=', 100, 'sketches');
cmp_ok(value('liveupdate_series_max'), '>=', 1000, 'series');

my $j = json_status();

is_deeply([sort keys %$j], [qw/ apps catalog certificates disk generation
          other releases requests stages time webhook zone /],
          'JSON: its members');
is_deeply([sort keys %{$j->{requests}}], [qw/ api artifact check discovery
          download feed probe releases status webhook /],
          'JSON: all kinds of requests');
is_deeply($j->{apps}, [], 'JSON: no apps');
is($j->{releases}{oldestWaitingSeconds}, undef, 'JSON: nothing waits');
is(json_encode($j->{releases}{complete}), 'true', 'JSON: complete');
like($j->{time}, qr/^\d{4}-\d\d-\d\dT[\d:.]+Z$/, 'JSON: when');

# methods and arguments

for my $method (qw/ POST PUT DELETE PATCH OPTIONS /) {
    my $reply = $t->api($method, '/status', '{}', token => undef);

    is($t->said($reply), '405 Method not allowed.', $method);
    is($reply->{headers}{allow}, 'GET, HEAD', "$method: what is");
}

my $head = $t->api('HEAD', '/status', undef, token => undef);

is($head->{status}, 200, 'HEAD');
is($head->{body}, '', 'HEAD: no body');
like($head->{headers}{'content-type'}, qr{^text/plain}, 'HEAD: type');
is($t->said($t->api('GET', '/status?format=xml', undef, token => undef)),
   '400 "format" must be "json" or "prometheus".', 'another format');
is($t->api('GET', '/status?format=prometheus', undef, token => undef)
   ->{status}, 200, 'the usual one by its name');

# who may see it

is(from('127.0.0.1', '/status'), 200, 'from the loopback address');
is(from('127.0.0.2', '/status'), 403, 'and from no other one');
is(from('127.0.0.2', '/open'), 200, 'but where it is open');

for my $case ([ undef, '401 A token is required.' ],
              [ 'ca_wrong', '401 Invalid token.' ])
{
    is($t->said($t->api('GET', '/console/status', undef,
                        token => $case->[0])), $case->[1],
       'with a token: ' . ($case->[0] // 'none'));
}

is($t->api('GET', '/console/status', undef, token => $_)->{status}, 200,
   "with a token: $_") for qw/ read publish approve admin /;
is($t->said($t->api('POST', '/console/status', {}, token => 'admin')),
   '405 Method not allowed.', 'with a token: POST');

# checks

my $app = $t->create_app('status');
my %channels = map { $_ => $t->create_channel($app, $_) }
    qw/ production paused empty /;
my $weird = 'we"ird\\ "} 1 ünï';
$t->create_channel($app, $weird);

$t->api('PATCH', "/v1/apps/$app/channels/$channels{production}",
        { guard => { action => 'notify' } });

my $one = release('production');
my $odd = release($weird);
release('paused');
$t->api('POST', "/v1/apps/$app/channels/$channels{paused}/pause");

$m = status();
my $api = sum0(map { $m->{samples}{liveupdate_requests_total}{$_} }
               grep { /^kind=api,/ }
               keys %{$m->{samples}{liveupdate_requests_total}});
cmp_ok($api, '>=', 10, 'calls of publishers');
ok((wait_until {
    $m = status();
    value('liveupdate_requests_total', 'kind=releases', 'result=ok') == 3;
} 10), 'calls of those who approve, once they have ended');
is(value('liveupdate_requests_total', 'kind=releases', 'result=failed'), 0,
   'from 0 on');

# what nginx refuses has the kind of its location

is($t->api('POST', "/releases/$app/x/promote", 'x' x 1_500_000,
           token => 'approve')->{status}, 413, 'too large');

# it is counted when the connection is closed, after the rest of the body

ok((wait_until {
    $m = status();
    (value('liveupdate_requests_total', 'kind=releases', 'result=too_large')
     // 0) == 1;
} 10), 'is counted for what it was');
is(value('liveupdate_stages_total', 'result=staged'), 3, 'staged');
is(value('liveupdate_stages_total', 'result=failed'), 0, 'and not failed');
is(value('liveupdate_stage_bytes_total'), 3 * length $zip, 'so many bytes');
cmp_ok(value('liveupdate_generation'), '>=', 10, 'changes');

ask("a$_") for 1 .. 30;
ask("a$_", bundleId => $one) for 1 .. 20;
ask("b$_", channelName => $weird) for 1 .. 3;
ask("p$_", channelName => 'paused') for 1 .. 4;
ask("e$_", channelName => 'empty') for 1 .. 5;
ask("n$_", channelName => 'nope') for 1 .. 6;
ask("x$_", platform => 9) for 1 .. 2;
ask('', platform => 1);
$t->latest('no-such-app') for 1 .. 7;
ask('probe', _token => 'read');
ask('probe', _token => 'ca_wrong') for 1 .. 2;
$t->api('GET', "/v1/apps/$app/channels", undef, token => undef);
$t->api('GET', "/v1/nothing", undef, token => undef);

$m = status();

is_deeply($m->{errors}, [], 'the text format, still');

my %checks = (update => 34, current => 20, paused => 4, empty => 5,
              no_channel => 6, no_app => 7, invalid => 2);

is(value('liveupdate_requests_total', 'kind=check', "result=$_"),
   $checks{$_}, "checks: $_") for sort keys %checks;
is(value('liveupdate_requests_total', 'kind=check', 'result=expired'), 0,
   'checks: a result that was not seen is 0');
is(value('liveupdate_requests_total', 'kind=probe', 'result=ok'), 1,
   'a probe is no check');
is(value('liveupdate_requests_total', 'kind=probe', 'result=unauthorized'),
   2, 'nor one with a wrong token');
is(value('liveupdate_requests_total', 'kind=discovery',
         'result=unauthorized'), 1, 'discovery');

is(series('production', $one, 'update'), 31, 'told of the release');
is(series('production', $one, 'current'), 20, 'those that had it');
is(series($weird, $odd, 'update'), 3, 'a name that has to be escaped');
like($m->{reply}{body}, qr/channel="we\\"ird\\\\ \\"\} 1 \xc3\xbcn\xc3\xaf"/,
     'is escaped');
is(series('paused', '', 'paused'), 4, 'told of no release');
is(series('empty', '', 'empty'), 5, 'nothing there');
is(series('', '', 'no_channel'), 6, 'a name that nobody made is no label');
unlike($m->{reply}{body}, qr/nope|no-such-app/,
       'nor is what else a client says');

# devices

near([devices('active', 'production', $one)], 30, 'active devices');
near([devices('running', 'production', $one)], 20, 'that run it');
near([devices('active', 'paused', '')], 4, 'active without a release');
near([map { value('liveupdate_app_devices', "app=$app", "window=$_") }
      qw/ day month /], 48, 'devices of the app');

$j = json_status("&app=$app");

is(scalar @{$j->{apps}}, 1, 'JSON: one app');
near([@{delete $j->{apps}[0]{devices}}{qw/ day month /}], 48,
     'JSON: its devices');
is_deeply([map { $_->{channel} } @{$j->{apps}[0]{channels}}],
          ['', 'empty', 'paused', 'production', $weird], 'JSON: channels');

my ($channel) = grep { $_->{channel} eq 'production' }
    @{$j->{apps}[0]{channels}};

near([map { @$_{qw/ day month /} } delete $channel->{devices},
      delete $channel->{releases}[0]{devices}], 30, 'JSON: devices');
near([@{delete $channel->{releases}[0]{running}}{qw/ day month /}], 20,
     'JSON: those that run it');

is_deeply($channel, {
    channel => 'production',
    releases => [ {
        release => $one,
        checks => { update => 31, current => 20 },
    } ],
}, 'JSON: a channel');
is_deeply($j->{requests}{check}, \%checks, 'JSON: checks');
is_deeply(json_status('&app=nope')->{apps}, [], 'JSON: of no app');
is_deeply(json_status('&app=nope')->{requests}{check}, \%checks,
          'JSON: the sums are of all');

# a rollout moves the devices on, and nobody is counted twice

my $two = release('production');

ask("a$_", bundleId => $one) for 1 .. 30;
ask("a$_", bundleId => $two) for 1 .. 10;

$m = status();
near([devices('active', 'production', $two)], 30, 'told of the second one');
near([devices('running', 'production', $two)], 10, 'and some run it');
near([devices('active', 'production', $one)], 30, 'the first one, too');
near([map { value('liveupdate_channel_devices', "app=$app",
                  'channel=production', "window=$_") } qw/ day month /], 30,
     'which are the same devices');

# artifacts

my $url = "/artifacts/$app/$one/bundle.zip";

$t->api('GET', $url, undef, token => undef) for 1 .. 3;
$t->api('GET', $url, undef, token => undef,
        headers => ['If-None-Match' => $t->api('HEAD', $url, undef,
                    token => undef)->{headers}{etag}]);
$t->api('GET', "/artifacts/$app/$one/nope", undef, token => undef);

$m = status();
is(value('liveupdate_requests_total', 'kind=artifact', 'result=ok'), 4,
   'artifacts');
is(value('liveupdate_requests_total', 'kind=artifact',
         'result=not_modified'), 1, 'artifacts: not modified');
is(value('liveupdate_requests_total', 'kind=artifact', 'result=not_found'),
   1, 'artifacts: not found');
cmp_ok(value('liveupdate_catalog_loads_total', 'result=loaded'), '>=', 1,
       'loads');

# what waits

my $waiting = $t->publish($app, 'production', $zip);
my $refused = $t->publish($app, 'production', $zip);
$t->api('POST', "/releases/$app/$refused->{bundle}/reject",
        { reason => 'no' }, token => 'approve');
$t->api('POST', "/releases/$app/$odd/withdraw", {}, token => 'approve');

wait_until {
    $m = status();
    value('liveupdate_releases', 'state=staged')
        && value('liveupdate_releases', 'state=rejected')
        && value('liveupdate_releases', 'state=withdrawn');
} 20, 'the disk is looked at again';

is(value('liveupdate_releases', 'state=staged'), 1, 'one waits');
is(value('liveupdate_releases', 'state=live'), 3, 'three are live');
is(value('liveupdate_releases', 'state=withdrawn'), 1, 'one was withdrawn');

my $age = value('liveupdate_oldest_waiting_seconds');
cmp_ok($age, '>=', 1, 'it waits for some seconds');
cmp_ok($age, '<', 60, 'and for no more');
cmp_ok(json_status()->{releases}{oldestWaitingSeconds}, '>=', $age,
       'and on');

# desktop

my $desktop = 'shop-desktop';

$t->api('POST', '/v1/apps', { name => 'Shop', type => 'electron',
                              id => $desktop });
desktop_release('b1', '1.0.0');
desktop_release('b2', '1.1.0');
desktop_release('b3', '1.2.0', 'these are not its bytes');

$m = status();
is(value('liveupdate_stages_total', 'result=failed'), 1,
   'a release that is not what its manifest says');

get("/desktop/$desktop/latest.yml") for 1 .. 3;
get("/desktop/$desktop/latest-1.0.0.yml");
get("/desktop/$desktop/Shop%20Setup%201.0.0.exe") for 1 .. 2;
get("/desktop/$desktop/nope.exe");
get("/desktop/$desktop/Nope%201.0.0.exe");
get("/download/$desktop/windows") for 1 .. 4;
get("/download/$desktop/mac");
get('/desktop/nope/latest.yml');

$m = status();
is_deeply($m->{errors}, [], 'the text format, with desktop builds');
is(desktop('b2', 'windows', '', 'latest', 'manifest'), 3,
   'manifests of the latest');
is(desktop('b1', 'windows', '', 'latest', 'manifest'), 1,
   'manifests of another one');
is(desktop('b1', 'windows', '', '', 'file'), 2, 'files');
is(desktop('b2', 'windows', '', 'latest', 'download'), 4, 'downloads');
is(desktop('b1', 'windows', '', 'latest', 'download'), undef,
   'and of no other one');
is(value('liveupdate_requests_total', 'kind=feed', 'result=not_found'), 3,
   'not in the feed');
is(value('liveupdate_requests_total', 'kind=download', 'result=not_found'),
   1, 'no download');

$j = json_status("&app=$desktop");
is_deeply($j->{apps}, [ {
    app => $desktop,
    devices => undef,
    channels => [],
    desktop => [
        { release => 'b1', manifests => 1, files => 2, downloads => 0,
          by => [ asked(undef, 0, 2, 0), asked('latest', 1, 0, 0) ] },
        { release => 'b2', manifests => 3, files => 0, downloads => 4,
          by => [ asked('latest', 3, 0, 4) ] },
    ],
} ], 'JSON: desktop');

# what the log says

ask('log', bundleId => $two, platform => 1);

wait_until { said('deviceId=log&') } 10, 'the log';

is(said('deviceId=log&'), "$app ios production $two current",
   'log: a check');
is(said('deviceId=p1&'), "$app android paused - paused",
   'log: without a release');
is(said('deviceId=n1&'), "$app android - - no_channel",
   'log: without a channel');
is(said('/no-such-app/'), 'no-such-app - - - no_app', 'log: no app');
is(said("$one/bundle.zip"), "$app - - $one file", 'log: an artifact');
is(said("$one/nope"), "$app - - $one not_found", 'log: no artifact');
is(said('/latest.yml'), "$desktop windows latest b2 manifest",
   'log: a manifest');
is(said('%201.0.0.exe'), "$desktop windows - b1 file", 'log: a file');
is(said('/windows'), "$desktop windows latest b2 download", 'log: a download');
is(said('/nope.exe'), "$desktop windows - - not_found", 'log: nothing');
is(said('/nope/latest.yml'), 'nope - - - no_app', 'log: no desktop app');
is(said('"GET /status'), undef, 'log: not of those who watch');

# kept over reloads, whatever else changes

my %before = %{status()->{samples}{liveupdate_checks_total}};
my $nginx_conf = $t->read_file('nginx.conf');

$t->write_file('nginx.conf', $nginx_conf =~ s/(keepalive_timeout ).*/$1 5s;/r);
$t->reload();

is_deeply(status()->{samples}{liveupdate_checks_total}, \%before,
          'a reload: all is there');

$m = status();
near([devices('active', 'production', $two)], 31, 'a reload: devices');

ask('after', bundleId => $two);

$m = status();
is(series('production', $two, 'current'),
   $before{"app=$app,channel=production,release=$two,result=current"} + 1,
   'and goes on');

# many devices, from many connections and so all workers

my @ids = map { "device-$_" } 1 .. 3000;
my @pids;

for my $n (0 .. 3) {
    my $pid = fork() // die "cannot fork: $!\n";

    if ($pid == 0) {
        eval { ask_many(@ids[$n * 750 .. $n * 750 + 749]); 1 }
            or POSIX::_exit(1);
        POSIX::_exit(0);
    }

    push @pids, $pid;
}

waitpid($_, 0) for @pids;

$m = status();
is(series('production', $two, 'update'), 3030, 'no check was lost');

my ($day, $month) = devices('active', 'production', $two);

cmp_ok(abs($day / 3032 - 1), '<', 0.08, "devices of a day: $day of 3032");
is($day, $month, 'and of 30');

# a zone of another size is another zone

my $full = $m;

$t->write_file('nginx.conf', $nginx_conf =~ s/liveupdate:16m/liveupdate:64k/r);
$t->reload();

$m = status();
is_deeply($m->{errors}, [], 'a small zone');
is(value('liveupdate_zone_size_bytes'), 65536, 'small: its size');
is(value('liveupdate_sketches_max'), 0, 'small: no sketches');
is(sum0(values %{$m->{samples}{liveupdate_checks_total} || {}}), 0,
   'small: begins anew');

my $max = value('liveupdate_series_max');

cmp_ok($max, '>', 0, 'small: some series');

for my $n (1 .. $max + 5) {
    my $name = "channel-$n";
    $t->create_channel($app, $name);
    ask('d', channelName => $name);
    ask('d', channelName => $name);
}

$m = status();
is_deeply($m->{errors}, [], 'full: the text format');
is(value('liveupdate_series'), $max, 'full: no more series than there can be');
is($m->{samples}{liveupdate_checks_total}
   {'app=(other),channel=(other),release=(other),result=empty'}, 10,
   'full: what has no place is counted together');
is(value('liveupdate_requests_total', 'kind=check', 'result=empty'),
   2 * ($max + 5), 'full: and in the sums');
is_deeply(json_status()->{other}{checks}, { empty => 10 }, 'full: JSON');

ask('d', channelName => 'channel-1') for 1 .. 3;
$m = status();
is(series('channel-1', '', 'empty'), 5, 'full: those with a place have it');

# a token of another app sees nothing of this one

$t->write_file('tokens', $t->read_file('tokens')
               . 'other read ' . Digest::SHA::sha256_hex('ca_other')
               . " another-app\n");
$t->reload();

my $theirs = $t->api('GET', '/console/status?format=json', undef,
                     token => 'ca_other')->{json};

is_deeply($theirs->{apps}, [], 'a token of another app');
unlike($t->api('GET', '/console/status', undef, token => 'ca_other')->{body},
       qr/\Q$app/, 'a token of another app: metrics');
is(scalar @{$t->api('GET', '/console/status?format=json', undef,
                    token => 'read')->{json}{apps}}, 1,
   'a token of all apps');

# the dashboard and the rules name nothing that is not there, or may not be

my %may = map { +"liveupdate_${_}_expiry_timestamp_seconds" => 1 }
    qw/ certificate token /;

for my $name (qw/ grafana.json alerts.yml /) {
    my $text = $t->read_file("$Test::LiveUpdate::ROOT/conf/$name")
                 =~ s/^#.*//mgr;
    my %named = map { $_ => 1 } $text =~ /\b(liveupdate_\w+)\b/g;

    cmp_ok(scalar keys %named, '>', 5, "$name: metrics");
    is(join(' ', grep { !$full->{types}{$_} && !$may{$_} }
                 sort keys %named), '',
       "$name: all of them are there");
    is(join(', ', unknown_labels($text)), '', "$name: and their labels");
}

# a disk that cannot be read is said

rename("$t->{testdir}/store/staging", "$t->{testdir}/staging");
$t->write_file('store/staging', '');

wait_until {
    $m = status();
    value('liveupdate_scan_complete') == 0;
} 20, 'no folder';

is($m->{reply}{status}, 200, 'all else is told');
like($t->read_file('error.log'), qr/\[crit\].*opendir\(\).*staging.*failed/,
     'the log says why');

unlink "$t->{testdir}/store/staging";
rename("$t->{testdir}/staging", "$t->{testdir}/store/staging");

wait_until {
    $m = status();
    value('liveupdate_scan_complete') == 1;
} 20, 'and again';

ok(eval { Test::LiveUpdate::HTTP::json_decode(
          $t->read_file("$Test::LiveUpdate::ROOT/conf/grafana.json")) },
   'grafana.json: is JSON');

SKIP: {
    skip 'no promtool', 2 if system('promtool --version >/dev/null 2>&1');

    is(promtool('metrics', $full->{reply}{body}), '', 'promtool: metrics');
    is(promtool("rules $Test::LiveUpdate::ROOT/conf/alerts.yml", ''), '',
       'promtool: rules');
}


# If it is installed, Prometheus' own tool has the last word.

sub promtool {
    my ($command, $text) = @_;

    $t->write_file('promtool', $text);

    my $said = `promtool check $command <'$t->{testdir}/promtool' 2>&1`;

    return $? ? $said : '';
}


sub status {
    return metrics($t->api('GET', '/status', undef, token => undef));
}


sub json_status {
    my ($args) = @_;

    my $path = '/status?format=json' . ($args // '');

    return $t->api('GET', $path, undef, token => undef)->{json};
}


# The sample of the last status.

sub value {
    my ($name, @labels) = @_;

    my $samples = $m->{samples}{$name} // return;

    return $samples->{join ',', @labels};
}


sub series {
    my ($name, $release, $result) = @_;

    utf8::encode($name);

    return value('liveupdate_checks_total', "app=$app", "channel=$name",
                 "release=$release", "result=$result");
}


sub devices {
    my ($what, $name, $release) = @_;

    return map {
        value("liveupdate_${what}_devices", "app=$app", "channel=$name",
              "release=$release", "window=$_")
    } qw/ day month /;
}


# These are estimates: some devices may be taken for one, or for one more.

sub near {
    my ($numbers, $expected, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my @wrong = grep { !defined || abs($_ - $expected) > 3 } @$numbers;

    ok(!@wrong && @$numbers > 1, $name)
        or diag('estimated: ', join ' ', map { $_ // 'none' } @$numbers);
}


sub desktop {
    my ($release, $platform, $arch, $channel, $type) = @_;

    return value('liveupdate_desktop_requests_total', "app=$desktop",
                 "release=$release", "platform=$platform", "arch=$arch",
                 "channel=$channel", "type=$type");
}


sub asked {
    my ($channel, $manifests, $files, $downloads) = @_;

    return { platform => 'windows', channel => $channel, arch => undef,
             manifests => $manifests, files => $files,
             downloads => $downloads };
}


sub ask {
    my ($device, %params) = @_;

    return $t->latest($app, channelName => 'production',
                      deviceId => $device, %params);
}


sub get {
    my ($path) = @_;

    return $t->api('GET', $path, undef, token => undef,
                   headers => ['User-Agent' => 'test']);
}


sub ask_many {
    for my $id (@_) {
        my $reply = ask($id);
        die "$reply->{status}\n" if $reply->{status} != 200;
    }
}


# Of the first line in the log about it: app, platform, channel, release,
# result.

sub said {
    my ($what) = @_;

    my ($line) = grep { index($_, $what) >= 0 }
        split /\n/, $t->read_file('check.log');

    return $line && join ' ', $line =~ /^.* app=(\S+)[ ]platform=(\S+)
        [ ]channel=(\S+)[ ]release=(\S+)[ ]result=(\S+)$/x;
}


# Published and approved.

sub release {
    my ($name) = @_;

    my $done = $t->publish($app, undef, $zip);

    my $reply = $t->api('POST', "/releases/$app/$done->{bundle}/promote",
                        { channel => $name }, token => 'approve');

    die "not live: $reply->{raw}\n" if $reply->{status} != 200;

    return $done->{bundle};
}


sub desktop_release {
    my ($id, $version, $bytes) = @_;

    my $setup = "setup of $version\n" x 1000;
    my $digest = Digest::SHA::sha512_base64($setup);
    $digest .= '=' while length($digest) % 4;
    my $size = length $setup;

    my $folder = "store/staging/$desktop/$id/uploads";

    $t->write_file("$folder/Shop Setup $version.exe", $bytes // $setup);
    $t->write_file("$folder/latest.yml", <<"EOF2");
version: $version
files:
  - url: Shop Setup $version.exe
    sha512: $digest
    size: $size
path: Shop Setup $version.exe
sha512: $digest
releaseDate: '2026-11-21T21:00:00.000Z'
EOF2

    $t->api('POST', "/releases/$desktop/$id/stage", {}, token => 'publish');
    $t->api('POST', "/releases/$desktop/$id/promote", {},
            token => 'approve');
}


# Those of selectors that no sample has, and values that none can have.

sub unknown_labels {
    my ($text) = @_;

    my %values = (window => 'day month', type => 'manifest file download',
                  group => 'rollout control');
    my @unknown;

    while ($text =~ /(liveupdate_\w+)\{(.*?)\}/g) {
        my ($metric, $selector) = ($1, $2);
        my @samples = sort keys %{$full->{samples}{$metric}};
        my $sample = $samples[0] // '';

        $values{state} = join ' ', map { /state=(\w+)/ } @samples;

        while ($selector =~ /(\w+)(=~|!~|!=|=)\\?"([^"\\]*)\\?"/g) {
            my ($key, $value) = ($1, $3);

            push @unknown, "$metric: $key"
                unless ",$sample" =~ /,$key=/;
            push @unknown, "$metric: $key=$_"
                for grep { $values{$key} && " $values{$key} " !~ / $_ / }
                    split /\|/, $value;
        }
    }

    return @unknown;
}


sub from {
    my ($address, $path) = @_;

    my $s = IO::Socket::INET->new(LocalAddr => $address,
                                  PeerAddr => '127.0.0.1:' . port(8080))
        or die "no connection from $address: $!\n";

    return parse_reply(exchange($s, "GET $path HTTP/1.1\r\nHost: localhost\r\n"
                                    . "Connection: close\r\n\r\n"))
           ->{status};
}
