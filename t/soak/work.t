#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Weeks of work in minutes: bundles are published and deleted, builds
# announced, fetched, approved, rejected and deleted; devices and updaters ask
# and download, people and machines look, and others try what they may not, all
# at once.  Nothing fails, nothing grows, nothing is left.
#
# SOAK_SECONDS is how long, 600 if not set.

use warnings;
use strict;

use Test::More;

use File::Path qw/ remove_tree /;
use Time::HiRes qw/ sleep time /;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Test::LiveUpdate qw/ :DEFAULT json_encode zip /;
use Test::LiveUpdate::Device;
use Test::LiveUpdate::Store;
use Test::LiveUpdate::ToDesktop;

use constant { APPS => 3, KEPT => 5, RELOADS => 40 };

# seconds: who only asks leaves time to those who write

use constant PAUSE => 0.02;

# kB: malloc() cuts its memory to pieces

use constant { WORKER_MAY_GROW => 4096, MASTER_MAY_GROW => 512 };

my $seconds = $ENV{SOAK_SECONDS} || 600;

my $t = Test::LiveUpdate->new()->plan(11);
my $td = Test::LiveUpdate::ToDesktop->new($t, app => 'desk');
my $dir = $t->testdir();

# or else each thread takes its time to grow to what it needs
$t->env(MALLOC_ARENA_MAX => 1);

$td->configure(approval => 'on', change => sub {
    s/open_file_cache .*;/open_file_cache  max=100;/ if $_[0] eq 'nginx.conf';
});
$t->run();
$t->steady();

my $store = Test::LiveUpdate::Store->new("$dir/store");

my @apps = map { $t->create_app("soak $_") } 1 .. APPS;
$t->create_channel($_, 'production') for @apps;
$t->api('POST', '/v1/apps', { id => 'desk', name => 'soak', type =>
                              'electron' });

my %work = (
    (map { my $app = $_; ("publisher of $app" => sub { publisher($app) },
                          "device of $app" => sub { device($app) }) } @apps),
    'builds' => \&builds,
    'updater' => \&updater,
    'crowd' => \&crowd,
    'people' => \&people,
    'strangers' => \&strangers,
);

my @children = map {
    my $name = $_;
    $t->run_daemon(sub { work($name, $work{$name}) });
} sort keys %work;

# Each second, and the most of a quarter of the time.  In 600 seconds the cache
# of file tables, 8 MB, is full after half of it; what grows then is a leak.

my $from = time();
my @quarters;

until (time() - $from >= $seconds) {
    my $quarter = $quarters[4 * (time() - $from) / $seconds] //= {};

    for my $pid ($t->workers()) {
        my $is = $t->size($pid);

        for (keys %$is) {
            $quarter->{$pid}{$_} = $is->{$_}
                if ($quarter->{$pid}{$_} // 0) < $is->{$_};
        }
    }

    sleep(1);
}

$t->write_file('stop', '');
is(scalar(grep { !$t->ended($_, 60) } @children), 0, 'all have come to an end');

my %done = map { $_ => scalar(() = $t->read_file("$_.log") =~ /^/mg) }
    sort keys %work;

note(join ', ', map { "$_: $done{$_}" } sort keys %done);

is(join(', ', grep { $done{$_} < $seconds / 60 } sort keys %done), '',
   'all have worked');
is($t->read_file('failed'), '', 'nothing failed');
is_deeply([sort keys %{$quarters[0]}], [sort keys %{$quarters[3]}],
          'the workers are those of the beginning');

my @growth = map { $quarters[3]{$_}{memory} - $quarters[2]{$_}{memory} }
    sort keys %{$quarters[2]};

note("memory, kB: ", join ' | ', map {
    my $quarter = $_;
    join ' ', map { $quarter->{$_}{memory} } sort keys %$quarter
} @quarters);

SKIP: {
    skip 'AddressSanitizer keeps what was freed', 2 if $ENV{TEST_NGINX_ASAN};

    cmp_ok((sort { $a <=> $b } @growth)[-1], '<=', WORKER_MAY_GROW,
           "workers grew by @growth kB");

    $t->reload() for 1 .. RELOADS / 2;
    my $before = $t->size($t->{master});
    $t->reload() for 1 .. RELOADS / 2;
    my $more = $t->size($t->{master})->{memory} - $before->{memory};

    cmp_ok($more, '<=', MASTER_MAY_GROW,
           "and the master by $more kB with " . RELOADS / 2 . ' reloads');
}

# nothing is at work any more: what is open is what is always open

wait_until { !$td->jobs() } 30, 'the last job is over';

my %open = map { $_ => $t->size($_)->{open} } $t->workers();

is(join(' ', grep { $open{$_} > 20 } sort keys %open), '',
   'descriptors: ' . join ' ', values %open);

# what is there is what was kept

is(join("\n", $store->check(unfinished => 0)), '', 'the store is whole');
is(join("\n", $store->temporary()), '', 'nothing is left in tmp');
is(join(' ', $td->jobs()), '', 'no job is left');
is(join(' ', grep { /[^0-9]/ || $_ > KEPT + 1 }
             map { scalar $store->names("live/$_") } @apps, 'desk'), '',
   'and nothing that was deleted');


# -- who works ---------------------------------------------------------------

# 1, or 0 if there was nothing to do.  Dies if it went wrong.

my ($who, $log);

sub work {
    my ($name, $code) = @_;

    srand($$);
    $who = $name;

    open $log, '>>', "$dir/$name.log" or die "cannot write: $!\n";
    $log->autoflush(1);

    until (-e "$dir/stop" || getppid() != $t->{pid}) {
        my $did = eval { $code->() };

        if ($@ eq '') {
            print {$log} "done\n" if $did;
            sleep(PAUSE);
            next;
        }

        open my $fh, '>>', "$dir/failed" or die "cannot write: $!\n";
        print {$fh} "$name: $@";
        sleep(0.1);
    }
}


# A call that must have this status.

sub must {
    my ($status, @call) = @_;

    my $reply = $t->api(@call);

    die join(' ', @call[0, 1]) . ": $reply->{raw}\n"
        unless $reply->{status} =~ /^(?:$status)$/;

    return $reply;
}


my ($serial, @published) = (0);

sub publisher {
    my ($app) = @_;

    my $text = "$app " . ++$serial . ' ' . time();
    my %files = (
        'index.html' => "<html>$text</html>",
        'main.js' => "/* $text */\n" x 200,
        "assets/$serial.css" => "/* $text */",
        map { ("assets/image-$_.png" => 'x' x 3000) } 1 .. 5
    );

    my $done = $serial % 3 == 0 ? $t->publish($app, 'production', \%files)
             : $serial % 3 == 1 ? $t->publish($app, 'production', zip(%files))
             : $t->publish($app, 'production', zip(%files), parts => 2000);

    die "not published: $done->{reply}{raw}\n" unless $done->{ok};

    must(200, 'POST', "/releases/$app/$done->{bundle}/promote", {},
         token => 'approve');
    push @published, $done->{bundle};

    # some are refused, and go as well
    my $none = $t->publish($app, 'production', "no zip $text");

    die "published: $text\n" if $none->{ok};

    must(204, 'DELETE', "/v1/apps/$app/bundles/$none->{bundle}");
    must(204, 'DELETE', "/v1/apps/$app/bundles/" . shift @published)
        while @published > KEPT;

    return 1;
}


# Half of the devices have a bundle already, and take what is new of the next.

my $device;

sub device {
    my ($app) = @_;

    my $home = "$dir/" . $who =~ tr/ /-/r;

    if (rand() < 0.5) {
        remove_tree($home);
        $device = undef;
    }

    $device //= Test::LiveUpdate::Device->new(
        server => 'http://127.0.0.1:' . port(8080), app => $app,
        dir => $home, channel => 'production', id => "device-$$-" . int rand 9,
        platform => (qw/ android ios electron /)[rand 3],
    );

    my $stats = eval { $device->sync() };

    # it was deleted while it was downloaded
    return 0 if !$stats && $@ =~ /status 404/;
    die $@ if !$stats;

    $device->restart();

    return 0 unless defined $device->{current};

    my %of = map { $device->file($_) =~ /([\w-]+ \d+ [\d.]+)/; $1 => 1 }
        'index.html', 'main.js';

    die 'files of two bundles: ' . join(', ', %of) . "\n" if keys %of != 1;

    return 1;
}


my @released;

sub builds {
    my $build = $td->build(size => 3000, platforms => [qw/ linux windows /]);
    my $path = "/releases/$build->{app}/$build->{id}";

    my $reply = $td->deliver($build);
    die "not taken: $reply->{raw}\n" unless $reply->{status} == 202;

    my $release = $td->wait_state($build, qr/^(?:staged|failed)$/, 30);
    die 'not staged: ' . json_encode($release) . "\n"
        unless $release->{state} eq 'staged';

    remove_tree($build->{dir});

    if ($build->{id} % 5 == 0) {
        must(200, 'POST', "$path/reject", { reason => 'no' },
             token => 'approve');
        must(204, 'DELETE', $path, undef, token => 'approve');
        return 1;
    }

    must(200, 'POST', "$path/promote", {}, token => 'approve');
    push @released, $path;

    die "another one is told\n" if $td->latest() ne $build->{version};

    while (@released > KEPT) {
        my $old = shift @released;

        must(200, 'POST', "$old/withdraw", {}, token => 'approve');
        must(204, 'DELETE', $old, undef, token => 'approve');
    }

    return 1;
}


sub updater {
    my $reply = must('200|404', 'GET', '/desktop/desk/latest-linux.yml', undef,
                     token => undef, headers => ['x-user-staging-id' => 'me']);

    my ($name) = $reply->{body} =~ /^path: ['"]?(.*?)['"]?$/m or return 0;

    $name =~ s/ /%20/g;
    must('206|404', 'GET', "/desktop/desk/$name", undef, token => undef,
         headers => [Range => 'bytes=100-199']);

    return 1;
}


# So many that those that were seen first are forgotten.

sub crowd {
    for (1 .. 50) {
        my $reply = $t->latest($apps[rand @apps], deviceId => rand,
                               channelName => 'production');

        die "$reply->{raw}\n" unless $reply->{status} =~ /^(?:200|404)$/;
    }

    return 1;
}


sub people {
    my $app = $apps[rand @apps];

    must(200, 'GET', $_) for
        '/v1/apps', "/v1/apps/$app", "/v1/apps/$app/channels",
        "/v1/apps/$app/builds", "/v1/apps/$app/deployments",
        "/v1/apps/$app/devices", "/releases/$app", '/releases/desk',
        '/releases/desk/rules', '/releases/desk/audit', "/releases/$app/audit",
        '/status', '/status?format=json';

    must(200, 'GET', '/console/', undef, token => undef);

    must(200, 'PATCH', "/v1/apps/$app", { name => 'soak ' . rand });

    return 1;
}


sub strangers {
    must(401, 'GET', '/v1/apps', undef, token => undef);
    must(401, 'GET', '/v1/apps', undef, token => undef,
         headers => [Authorization => 'Bearer ca_' . rand]);
    must(404, 'GET', '/v1/apps/' . int(rand 1e6) . '/bundles/latest?platform=0',
         undef, token => undef);
    must(400, 'POST', '/v1/apps', '{');
    must(404, 'GET', "/artifacts/$apps[0]/" . int(rand 1e6) . '/bundle.zip',
         undef, token => undef);

    my $build = { app => 'desk', id => int(rand 1e6), version => '9.9.9',
                  platforms => [] };

    my $reply = $td->deliver($build, secret => 'x' x 40);
    die "taken: $reply->{raw}\n" unless $reply->{status} == 401;

    must('400|403|404', 'GET', '/desktop/desk/../../etc/passwd', undef,
         token => undef);

    return 1;
}
