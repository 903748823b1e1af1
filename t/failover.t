#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Two origins with one store behind one name, conf/cache.conf: one of them dies
# in the middle of a publish, of a download, and of a fetch, and the other one
# goes on.

use warnings;
use strict;

use Digest::SHA qw/ sha512_base64 /;
use Test::More;
use Time::HiRes qw/ time /;

use Test::LiveUpdate qw/ :DEFAULT json_encode json_decode uri_encode zip /;
use Test::LiveUpdate::Cache qw/ cache_conf /;
use Test::LiveUpdate::CLI;
use Test::LiveUpdate::Device;
use Test::LiveUpdate::HTTP qw/ connect_to /;
use Test::LiveUpdate::Release qw/ stage_dist /;
use Test::LiveUpdate::Store;
use Test::LiveUpdate::ToDesktop;

use constant FILES => 40;
use constant LARGE => 24 << 20;

# The two origins listen on 8081 and 8082, and what is in front on 8080.

my $t = Test::LiveUpdate->new();
my $second = Test::LiveUpdate->new();
my $front = Test::LiveUpdate->new();

my $cli = Test::LiveUpdate::CLI->new($t);
my $td = Test::LiveUpdate::ToDesktop->new($t);
my $dir = $t->testdir();

my %origins = (8081 => $t, 8082 => $second);

for my $port (8081, 8082) {
    local $td->{t} = $origins{$port};

    my $listen = '127.0.0.1:' . port($port);
    my $base = 'http://127.0.0.1:' . port(8080);

    $td->configure(fetch => 'retry=50ms tries=20', timeout => '20s',
                   change => sub {
        s{^(http \{\n)}{$1    liveupdate_machine  m$port;\n}m;
        s{^( *listen) .*}{$1  $listen;}m;
        s{^( *server_name .*\n)}{$1        liveupdate_base_url  $base;\n}m;

        # one store, and what it needs
        s{\sstore(?=[;/])}{ $dir/store}g;
        s{\stokens;}{ $dir/tokens;};
        s{secret=secret}{secret=$dir/secret}g;
    });
}

$front->write_file('cache.conf', cache_conf($front, listen => 8080,
                                            origins => [ 8081, 8082 ]));
$front->write_file_expand('nginx.conf', <<'EOC');

%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    log_format  front  '$request_method $uri $status $upstream_addr';
    access_log  logs/front.log  front;

    include  cache.conf;
}

EOC

mkdir $front->testdir() . '/logs';

$t->run();
$second->run();
$front->run();

$t->plan(45 + 2 * Test::LiveUpdate::FREE_TESTS);
$_->{planned} = 1 for $second, $front;

my $app = $t->create_app('Shop');
$t->create_channel($app, 'production');

my $device = Test::LiveUpdate::Device->new(
    server => 'http://127.0.0.1:' . port(8080), app => $app,
    dir => "$dir/device", channel => 'production'
);


# a publish by the CLI, file by file

my %www = ('index.html' => 'one',
           map { ("assets/$_.js" => "file $_\n" x 100) } 1 .. FILES);

$cli->write_www('www', \%www);

my $started = time();
my $publish = background('cli', sub {
    $cli->run('apps:liveupdates:upload', '--app-id', $app,
              '--channel', 'production', '--artifact-type', 'manifest',
              '--path', 'www', '--yes');
});

wait_requests(qr{^POST \S+/files }, 8);
dies(8081);

my $said = $publish->();

is($said->{status}, 0, 'CLI: published') or diag($said->{out});
cmp_ok(time() - $started, '<', 60, 'CLI: without a long wait');
gets(\%www, 'CLI');
is(join(' ', others(8081)), '', 'CLI: nobody saw an error');
is(scalar(() = bundles()), 1, 'CLI: there is one bundle');

revive(8081);


# a large file in parts

my $large = join '', map { pack 'N*', map { rand 2 ** 32 } 1 .. 1024 }
    1 .. 1000;
my $zip = zip('index.html' => 'two', 'large.bin' => $large);

$publish = background('parts', sub {
    my $done = $t->publish($app, 'production', $zip, parts => 200_000,
                           timeout => 60);

    return { ok => $done->{ok}, raw => $done->{reply}{raw} };
});

wait_requests(qr{^PUT \S+/upload }, 4);
dies(8082);

$said = $publish->();

ok($said->{ok}, 'parts: published') or diag($said->{raw});
gets({ 'index.html' => 'two', 'large.bin' => $large }, 'parts');

revive(8082);


# The answer to a call is lost: it is repeated at the other origin, and has been
# done once.

my $bundle = "/v1/apps/$app/bundles";
my $body = { appId => $app, artifactType => 'zip', rolloutPercentage => 1,
             channelName => 'production' };
my $id = twice('POST', $bundle, $body)->{json}{id};
my $file = $t->upload($app, $id, zip('index.html' => 'three'), port => 8081);

is($file->{status}, 201, 'a file');
is($t->upload($app, $id, zip('index.html' => 'three'), port => 8082)
   ->{file}, $file->{file}, 'again: it is the same one');

for my $case (
    [ 'ready', 'PATCH', "$bundle/$id", {
        appId => $app, appBundleId => $id, artifactStatus => 'ready',
        appBundleFileId => $file->{file} } ],
    [ 'a pause', 'POST', "/v1/apps/$app/channels/" . channel()
                         . '/pause', {} ],
    [ 'its end', 'POST', "/v1/apps/$app/channels/" . channel()
                         . '/resume', {} ],
    [ 'a change', 'PATCH', "/v1/apps/$app", { name => 'Other' } ],
) {
    my ($name, @call) = @$case;

    my $first = $t->api(@call, port => 8081);
    my $generation = generation();
    my $again = $t->api(@call, port => 8082);

    like($first->{status}, qr/^20[04]$/, "$name: done");
    is("$again->{status} " . ($again->{json}{appDeploymentId} // ''),
       "$first->{status} " . ($first->{json}{appDeploymentId} // ''),
       "$name: the same answer");
    is(generation(), $generation, "$name: nothing was changed again");
}


# what one origin has published, another one has at once

my $next = $t->publish($app, 'production', zip('index.html' => 'four'),
                       port => 8081);
my $link = "/artifacts/$app/$next->{bundle}?href=bundle.zip";

is(join(' ', map {
    $t->api('GET', $link, undef, token => undef, port => $_)->{status}
} 8082, 8081), '200 200', 'a file of the other origin');


# a rollback is not repeated: it would go back twice

stage_dist($t, 'desk', "r$_", { 'latest.yml' => [ "$_.0.0", "S $_.0.0.exe" ] })
    for create_desktop() .. 3;

freeze($_) for 8081, 8082;

my $rollback = background('rollback', sub {
    $t->api('POST', '/releases/desk/rollback', {}, token => 'approve');
});

my $busy = wait_busy();
kill_frozen($busy);
thaw(8081 + 8082 - $busy);

$said = $rollback->();
is($said->{status}, 502, 'rollback: the publisher is told');
revive($busy);

is(latest(), 'r3', 'rollback: it was not sent to the other one');

# "expect" makes it safe to repeat, while no origin counts as alive

my $expect = generation('desk');

ok((wait_until {
    $t->api('POST', '/releases/desk/rollback', { expect => $expect },
            token => 'approve')->{status} == 200;
} 20), 'rollback: somebody decides');
is(latest(), 'r2', 'rollback: it went back once');


# A download.  What is in front fetches slices: the next one comes from the
# other origin.  One that was on its way is cut off, and the client goes on.

my $name = 'Setup 9.0.0.exe';
my $content = join '', map { pack 'N', $_ } 1 .. LARGE / 4;

large_release();

my $path = '/desktop/big/' . uri_encode($name);
my ($etag, $bytes, $rest);

($etag, $bytes) = download(8080);
cmp_ok(length $bytes, '>=', 1 << 20, 'a download');

if (length $bytes < LARGE) {
    wait_until { ($rest = resume(8080))->{status} == 206 } 10;
    $bytes .= $rest->{body};
}

ok($bytes eq $content, 'goes on at the other origin');
revive(8081);

# A client that talks to an origin itself goes on at another one.

($etag, $bytes) = download(8081);
cmp_ok(length $bytes, '<', LARGE, 'a download that is cut off');

$rest = resume(8082);
is($rest->{status}, 206, 'the other origin has the same file');
ok($bytes . $rest->{body} eq $content, 'the rest comes from there');

revive(8081);


# a fetch

my $build = $td->build(platforms => [ 'windows' ]);

$td->{origin}->script(qr/\.exe$/ => { hold => 500 });
is($td->deliver($build)->{status}, 202, 'a build is announced');
ok((wait_until { worker_of($build) && $td->{origin}->flying() } 10),
   'it is being fetched');

my $port = worker_of($build);

dies($port);
$td->{origin}->script();

ok((wait_until { ($td->release($build)->{state} // '') eq 'live' } 30),
   'the other origin fetches it');
is(join("\n", $td->wrong_files($build)), '', 'all of it');
$td->idle('no job is left');

revive($port);


# both are gone

$t->api('GET', $link, undef, token => undef);
dies($_) for 8081, 8082;
is($t->api('GET', "/v1/apps/$app")->{status}, 502, 'no origin');
is($t->api('GET', $link, undef, token => undef)->{status}, 200,
   'what is in the cache is there');
revive($_) for 8081, 8082;
ok((wait_until { $t->api('GET', "/v1/apps/$app")->{status} == 200 } 20),
   'they are back');

is(join("\n", Test::LiveUpdate::Store->new("$dir/store")->check()), '',
   'nothing is wrong in the store');

###############################################################################

# Runs the function beside the test; the result returns what it has returned.

sub background {
    my ($name, $code) = @_;

    my $pid = $t->run_daemon(sub {
        my $result = eval { $code->() } || { out => $@, raw => $@ };

        $t->write_file("$name.json", json_encode({
            map { $_ => $result->{$_} } grep { !ref $result->{$_} }
                keys %$result
        }));
    });

    return sub {
        $t->ended($pid, 100) or die "$name does not end\n";
        return json_decode($t->read_file("$name.json"));
    };
}

# So many requests more, since the last time.

my $mark;

sub wait_requests {
    my ($re, $n) = @_;

    wait_until {
        $n <= grep { $_ =~ $re } front_log();
    } 30, 'requests';

    $mark = length $front->read_file('logs/front.log');
}

sub front_log {
    return substr($front->read_file('logs/front.log'), $mark // 0)
        =~ /^.*\n/gm;
}

# Requests that failed for the client.

sub others {
    return grep { / 5\d\d / } $front->read_file('logs/front.log') =~ /^.*\n/gm;
}

# The origin is killed while a request waits there for its answer, if there
# are requests.

sub dies {
    my ($port) = @_;

    freeze($port);
    wait_queued($port, 1);
    kill_frozen($port);
}

sub freeze {
    my ($port) = @_;

    kill 'STOP', $origins{$port}->workers();
}

sub thaw {
    my ($port) = @_;

    kill 'CONT', $origins{$port}->workers();
}

sub kill_frozen {
    my ($port) = @_;

    $origins{$port}->kill_nginx();
}

sub revive {
    my ($port) = @_;

    $origins{$port}->run();

    # it is asked again
    wait_until {
        $t->api('GET', "/v1/apps/$app") for 1 .. 2;
        (front_log())[-1] && grep { / \Q127.0.0.1:${\ port($port)}\E$/ }
            (front_log())[-4 .. -1];
    } 10, "origin $port";
}

# Whether bytes wait there to be read: a request that the kernel has taken.

sub is_queued {
    my ($port) = @_;

    my $hex = sprintf '%04X', port($port);

    open my $fh, '<', '/proc/net/tcp' or die "no /proc/net/tcp: $!\n";

    return grep { / [0-9A-F]+:$hex [0-9A-F:]+ 01 [0-9A-F]+:(?!0{8})/ } <$fh>;
}

sub wait_queued {
    my ($port, $seconds) = @_;

    my $end = time() + $seconds;

    while (time() < $end && !is_queued($port)) {
        select undef, undef, undef, 0.01;
    }
}

sub wait_busy {
    my ($busy);

    wait_until {
        ($busy) = grep { is_queued($_) } 8081, 8082;
    } 10, 'a request';

    return $busy;
}

sub gets {
    my ($files, $name) = @_;

    ok((wait_until { eval { $device->sync()->{next} } } 10),
       "$name: an update");
    $device->restart();
    is($device->differences($files), '', "$name: a device gets it");
}

sub bundles {
    return glob "$dir/store/live/$app/*";
}

sub twice {
    my (@call) = @_;

    my ($first, $again) = map { $t->api(@call, port => $_) } 8081, 8082;

    is("$first->{status} $again->{status}", '201 201', "@call[0, 1], twice");
    is($t->api('DELETE', "$bundle/$again->{json}{id}")->{status}, 204,
       'the second one is not missed');

    return $first;
}

sub channel {
    return $t->api('GET', "/v1/apps/$app/channels?name=production")
        ->{json}[0]{id};
}

sub generation {
    my ($of) = @_;

    return $t->api('GET', '/v1/apps/' . ($of // $app))->{json}{generation};
}

sub create_desktop {
    $t->api('POST', '/v1/apps', { id => $_, name => $_, type => 'electron' })
        for qw/ desk big /;

    return 1;
}

sub latest {
    return json_decode($t->read_file('store/apps/desk/app.json'))
        ->{desktopReleases}{latestReleaseBuildId};
}

sub large_release {
    my $uploads = 'store/staging/big/r9/uploads';
    my $digest = sha512_base64($content);

    $t->write_file("$uploads/$name", $content);
    $t->write_file("$uploads/latest.yml", "version: 9.0.0\nfiles:\n"
        . "  - url: \"$name\"\n    sha512: $digest==\n"
        . '    size: ' . length($content) . "\n");

    is($t->api('POST', '/releases/big/r9/stage', {}, token => 'publish')
       ->{json}{state}, 'live', 'a large installer');
}

# A download during which an origin dies: the tag of the file, and what came.

sub download {
    my ($port) = @_;

    my $s = connect_to('127.0.0.1:' . port($port));
    my $got = '';

    print {$s} "GET $path HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    read_some($s, \$got, 1 << 20);
    dies(8081);
    read_some($s, \$got);

    my ($head, $body) = split /\r\n\r\n/, $got, 2;

    return ($head =~ /^ETag: (.*?)\r?$/m, $body);
}

sub resume {
    my ($port) = @_;

    return $t->api('GET', $path, undef, token => undef, port => $port,
                   headers => [ Range => 'bytes=' . length($bytes) . '-',
                                'If-Range' => $etag ]);
}

# So many bytes more, or all that come.

sub read_some {
    my ($s, $buffer, $n) = @_;

    my $end = length($$buffer) + ($n // 1 << 40);

    while (length $$buffer < $end) {
        sysread($s, $$buffer, 1 << 16, length $$buffer) or last;
    }
}

# The origin whose worker has the build's job.

sub worker_of {
    my ($build) = @_;

    my $job = "$dir/store/jobs/$build->{app}.$build->{id}";

    for my $port (8081, 8082) {
        for my $pid ($origins{$port}->workers()) {
            return $port if grep { (readlink $_ // '') eq $job }
                            glob "/proc/$pid/fd/*";
        }
    }

    return;
}

###############################################################################
