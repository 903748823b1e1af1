#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# ToDesktop's webhook: whose request it is, what may be in it, what becomes of
# it, and that everything else leaves no trace.

use warnings;
use strict;

use Digest::SHA qw/ hmac_sha1_hex hmac_sha256 hmac_sha256_base64
                    hmac_sha256_hex hmac_sha512_hex sha256_hex /;
use File::Find ();
use File::Path qw/ make_path /;
use List::Util qw/ shuffle /;
use Test::More;
use Time::HiRes ();

use Test::LiveUpdate qw/ :DEFAULT json_decode json_encode /;
use Test::LiveUpdate::HTTP qw/ connect_to exchange is_complete parse_reply
                               request /;
use Test::LiveUpdate::ToDesktop;

use constant VARIATIONS => $ENV{LIVEUPDATE_SIGNATURES} || 10_000;

my $t = Test::LiveUpdate->new();

$t->has(qw/ http_v2 /)->has_daemon('curl')->plan(174);

my $seed = srand($ENV{LIVEUPDATE_SEED} // time());
my $td = Test::LiveUpdate::ToDesktop->new($t);
my $origin = $td->{origin};
my $dir = $t->testdir();
my $hook = '/hooks/todesktop';
my $next = 'another secret, with a blank ';
my ($server, $h2) = map { '127.0.0.1:' . port($_) } 8080, 8081;

$td->secret_file('secret.next', "$next\n");
$td->secret_file('secret.crlf', "with CRLF\r\n");
$td->secret_file('secret.bare', 'without an end');
$td->secret_file('secret.long', 'long' x 50);

$td->configure(approval => 'on', fetch => 'retry=10ms tries=3',
               locations => <<'EOF_CONF', change => sub {

location = /hooks/both {
    liveupdate_webhook  todesktop  secret=secret.todesktop secret=secret.next
                        secret=secret.long;
    client_max_body_size  1m;
}
location = /hooks/crlf {
    liveupdate_webhook  todesktop  secret=secret.crlf;
}
location = /hooks/bare {
    liveupdate_webhook  todesktop  secret=secret.bare;
}
location = /hooks/apps {
    liveupdate_webhook  todesktop  secret=secret.todesktop app=app-one
                        app=app-two;
}
location = /hooks/wide {
    liveupdate_webhook  todesktop  secret=secret.todesktop;
    client_max_body_size  8m;
}
location = /hooks/tight {
    liveupdate_webhook  todesktop  secret=secret.todesktop;
    client_max_body_size  1k;
}
location = /hooks/file {
    liveupdate_webhook  todesktop  secret=secret.todesktop;
    client_body_in_file_only  clean;
    client_body_temp_path  store/tmp/body;
}
location = /mirrored {
    mirror               /hooks/tight;
    mirror_request_body  off;
    proxy_pass           http://127.0.0.1:1;
}
location = /hooks/small {
    liveupdate_webhook  todesktop  secret=secret.todesktop;
    client_body_buffer_size  512;
    client_body_temp_path  store/tmp/body;
    client_max_body_size  1m;
}
EOF_CONF
    s/^(\s*listen .*\n)/$1        listen  $h2 http2;\n/m
        if $_[0] eq 'nginx.conf';
});

# secret files: at start, or not at all

for my $case (
    [ sub { unlink "$dir/secret.next" },
      qr/secret\.next" failed, create .*\(2: /, 'none' ],
    [ sub { make_path("$dir/secret.next") }, qr/secret\.next"/, 'a folder' ],
    [ sub { rmdir "$dir/secret.next"; secret('') }, qr/secret\.next"/,
      'empty' ],
    [ sub { secret("\n") }, qr/secret\.next"/, 'an empty line' ],
    [ sub { secret("\r\n") }, qr/secret\.next"/, 'an empty line of DOS' ],
    (map { my $mode = $_;
        [ sub { secret("top secret\n"); chmod $mode, "$dir/secret.next" },
          qr/secret\.next"? must not be readable or writable by others/,
          sprintf 'mode %04o', $mode ]
    } 0604, 0602, 0644, 0666, 0777),
) {
    my ($make, $expected, $name) = @$case;

    $make->();

    my ($said, $ok) = $t->test_config();

    ok(!$ok && $said =~ /\[emerg\] .*$expected/, "a secret file: $name")
        or diag($said);
    unlike($said, qr/top secret/, "and nothing of it told: $name")
        if $name =~ /mode/;
}

secret("$next\n");

for my $case (
    [ 'todesktop', qr/invalid number of arguments/, 'no secret' ],
    [ 'gitlab secret=secret.next', qr/gitlab/, 'an unknown kind' ],
    [ 'secret=secret.next', qr/secret=secret\.next|number of arguments/,
      'no kind' ],
    [ 'todesktop app=x', qr/secret/, 'no secret, but an app' ],
    [ 'todesktop secret=', qr//, 'no name of a file' ],
    [ 'todesktop secret=secret.next app=a/b', qr{a/b}, 'an invalid app' ],
    [ 'todesktop secret=secret.next app=', qr/app=/, 'an empty app' ],
    [ 'todesktop secret=secret.next on', qr/\bon\b/, 'something else' ],
    [ 'todesktop secret=secret.next; liveupdate_webhook todesktop '
      . 'secret=secret.next', qr/is duplicate/, 'twice' ],
) {
    my ($text, $expected, $name) = @$case;
    my $conf = $t->read_file('liveupdate.conf');

    $t->write_file('liveupdate.conf',
        "$conf\nlocation = /hooks/new { liveupdate_webhook $text; }\n");

    my ($said, $ok) = $t->test_config();

    ok(!$ok && $said =~ /\[emerg\] .*$expected/, "refused: $name")
        or diag($said);

    $t->write_file('liveupdate.conf', $conf);
}

$t->run();

# what is right

my $build = small();
my $reply = $td->deliver($build);

is($reply->{status}, 202, 'a right signature');
is($reply->{headers}{location},
   "http://$server/releases/$build->{app}/$build->{id}", 'where it is');
is($reply->{headers}{'content-type'}, 'application/json', 'as JSON');
is($reply->{body},
   json_encode({ id => $build->{id}, state => 'fetching' }) . "\n",
   'what was begun');
$td->becomes($build, 'staged', 'and it is done');
is($t->api('GET', $reply->{headers}{location} =~ s{^http://[^/]+}{}r, undef,
           token => 'read')->{json}{id}, $build->{id}, 'there it is, indeed');
is(name_of($build->{app}), 'My App', 'the app was made, with its name');

# what only differs in form

for my $case (
    [ 'upper-case digits', signature => sub { uc $td->sign($_[0]) } ],
    [ 'the second secret', path => '/hooks/both', secret => $next ],
    [ 'a long secret', path => '/hooks/both', secret => 'long' x 50 ],
    [ 'the first of several', path => '/hooks/both' ],
    [ 'a file with CRLF', path => '/hooks/crlf', secret => 'with CRLF' ],
    [ 'a file without an end', path => '/hooks/bare',
      secret => 'without an end' ],
    [ 'an app that is listed', path => '/hooks/apps',
      build => { app => 'app-two' } ],
    [ 'the old path', path => '/new-release-webhook' ],
    [ 'a body in a file', path => '/hooks/file' ],
    [ 'a body larger than its buffer', path => '/hooks/small' ],
    [ 'an empty Content-Type', type => '' ],
    [ 'another Content-Type', type => 'text/plain' ],
    [ 'only what must be there', fields => {} ],
    [ 'null in all other places', fields => { map { $_ => undef } qw/
          userId buildStartedAt buildEndedAt appName appVersion
          appNotarizaionBundleId electronVersionUsed electronVersionSpecified
          sourcePackageManager versionControlInfo releaseInfo
      / } ],
    [ 'members that nobody knows', fields => { new => { a => [ 1, {} ] } } ],
    [ 'nearly a megabyte', path => '/hooks/small',
      fields => { x => 'x' x 1_000_000 } ],
) {
    my ($name, %opt) = @$case;

    my $build = small(%{delete $opt{build} || {}});
    my $fields = delete $opt{fields};
    my $body = $fields && !%$fields
        ? json_encode({ appId => $build->{app}, buildId => $build->{id} })
        : $td->body($build, %{$fields || {}});

    $opt{signature} = $opt{signature}->($body) if $opt{signature};

    is($td->deliver($body, %opt)->{status}, 202, $name);
    $td->becomes($build, 'staged', "$name: staged");
}

is(name_of('app-two'), 'My App', 'another app was made');

# framings

$build = small();

my $body = $td->body($build);
my $chunks = join '', map { sprintf("%x\r\n%s\r\n", length, $_) }
    $body =~ /(.{1,7})/gs;

is(status(send_raw(head('Transfer-Encoding: chunked', signature($body))
                   . "${chunks}0\r\n\r\n")),
   202, 'a body in chunks');
$td->becomes($build, 'staged', 'in chunks: staged');

$build = small();
$body = $td->body($build);

my $s = http_start(head('Content-Length: ' . length $body, signature($body))
                   . substr $body, 0, 100);

Time::HiRes::sleep(0.05);
print {$s} substr $body, 100;
is(status(http_end($s)), 202, 'a body in two pieces');
$td->becomes($build, 'staged', 'in two pieces: staged');

for my $path ($hook, '/hooks/file', '/hooks/small') {
    $build = small();
    $body = $td->body($build, x => 'x' x 70_000);
    $t->write_file('body', $body);

    my $header = signature($body);
    my $said = `curl -s -o /dev/null --noproxy '*' --http2-prior-knowledge \\
        -w '%{http_version} %{http_code}' -H '$header' \\
        --data-binary '\@$dir/body' 'http://$h2$path' 2>&1`;

    is($said, '2 202', "HTTP/2, $path");
    $td->becomes($build, 'staged', "HTTP/2, $path: staged");
}

# what is none of ours

$origin->mark();
$build = small();
$body = $td->body($build);

# what nginx sends itself may come without a body

is($t->api('POST', '/mirrored', $body, token => undef,
           headers => [ 'X-ToDesktop-HMAC-SHA256' => $td->sign($body) ]
   )->{status}, 502, 'a copy of a request');

for my $method (qw/ GET HEAD PUT DELETE PATCH OPTIONS /) {
    my $before = $t->tree();
    my $reply = $t->api($method, $hook, $method =~ /^P/ ? $body : undef,
                        token => undef,
                        headers => [ 'X-ToDesktop-HMAC-SHA256'
                                     => $td->sign($body) ]);

    is("$reply->{status} $reply->{headers}{allow}", '405 POST', $method);
    is($t->tree(), $before, "$method changes nothing");
}

$t->mark_log();

$t->refused(sub { $t->api('POST', $hook, $body, token => undef) },
            qr/^401 /, 'no signature');
$t->log_like(qr/\[(?:warn|error)\].*client: 127\.0\.0\.1/, 'is in the log');
$t->refused(sub { $t->api('POST', $hook, $body, token => 'admin') },
            qr/^401 /, 'a token instead');
$t->refused(sub { $td->deliver($body, secret => $next) },
            qr/^401 /, 'a secret of another location');
$t->refused(sub { $td->deliver($body, path => '/hooks/crlf') },
            qr/^401 /, 'the secret of another location');
$t->refused(sub { $td->deliver($body, secret => "$td->{secret}\n") },
            qr/^401 /, 'the secret with the end of the line');
$t->refused(sub { $td->deliver($body, headers => [ 'X-ToDesktop-HMAC-SHA256'
                                               => $td->sign($body) ]) },
            qr/^401 /, 'a right signature twice');
$t->refused(sub { $td->deliver('', signature => $td->sign('x')) },
            qr/^40[01] /, 'an empty body');

variations();

# what is signed, and not a webhook

my $id = small()->{id};
my %ok = (appId => $td->{app}, buildId => $id);

for my $case (
    [ '', 'nothing' ],
    [ '{', 'half an object' ],
    [ '[]', 'an array' ],
    [ '"x"', 'a string' ],
    [ 'null', 'null' ],
    [ 'appId=a&buildId=b', 'a form' ],
    [ json_encode(\%ok) . 'x', 'more than an object' ],
    [ "\x{ff}" . json_encode(\%ok), 'not UTF-8' ],
    [ '{}', 'no ids' ],
    [ json_encode({ buildId => $id }), 'no appId' ],
    [ json_encode({ appId => $td->{app} }), 'no buildId' ],
    [ '[' x 100_000, 'deep' ],
    (map { [ json_encode({ %ok, %{$_->[0]} }), $_->[1] ] }
        [ { appId => undef }, 'appId null' ],
        [ { appId => '' }, 'appId empty' ],
        [ { appId => 'a/b' }, 'appId with a slash' ],
        [ { appId => '..' }, 'appId ".."' ],
        [ { appId => '.lock' }, 'appId hidden' ],
        [ { appId => 'x' x 65 }, 'appId too long' ],
        [ { appId => 7 }, 'appId a number' ],
        [ { appId => "a\0b" }, 'appId with NUL' ],
        [ { appId => [ 'a' ] }, 'appId an array' ],
        [ { buildId => '../../x' }, 'buildId that leads out' ],
        [ { buildId => "x\n" }, 'buildId with a line break' ],
        [ { buildId => {} }, 'buildId an object' ],
        [ { appName => 5 }, 'appName a number' ],
        [ { appVersion => {} }, 'appVersion an object' ],
        [ { versionControlInfo => 'git' }, 'versionControlInfo a string' ],
        [ { versionControlInfo => { commitId => 1 } }, 'commitId a number' ],
        [ { releaseInfo => [] }, 'releaseInfo an array' ],
        [ { releaseInfo => { latestReleaseBuildId => 1 } },
          'latestReleaseBuildId a number' ],
        [ { releaseInfo => { releaseRedirections => {} } },
          'releaseRedirections an object' ],
        [ { releaseInfo => { releaseRedirections => [
              { rule => 'buildByIp', buildId => $id, ipList => [ 'x' ] }
          ] } }, 'an address that is none' ]),
) {
    my ($body, $name) = @$case;

    $t->refused(sub { $td->deliver($body) }, qr/^400 /, $name);
}

# no app comes of what is refused

for my $case (
    [ appVersion => 'x' x 129 ],
    [ appVersion => "1\n2" ],
    (map { [ buildId => $_ ] } qw/ audit github rollback rules /),
) {
    my ($member, $value) = @$case;
    my $text = json_encode({ appId => 'app-none', buildId => 'none',
                             $member => $value });

    $t->refused(sub { $td->deliver($text) }, qr/^400 "$member" /,
                "of a new app: $member of " . length($value) . ' bytes');
}

$t->refused(sub { $td->deliver($build, path => '/hooks/apps') },
            qr/^403 .*/, 'an app that is not listed');
$t->refused(sub { $td->deliver(json_encode({ appId => 'APP-ONE',
                                             buildId => $id }),
                               path => '/hooks/apps') },
            qr/^403 /, 'nor in other letters');

$body = $td->body($build, x => 'x' x (1 << 20));

$t->refused(sub { $td->deliver($body) }, qr/^413 /, 'more than a megabyte');
$t->refused(sub { $td->deliver($body, path => '/hooks/wide') },
            qr/^413 /, 'wherever it may be sent to');
is(status(send_raw(head('Transfer-Encoding: chunked', signature($body))
                   . sprintf("%x\r\n%s\r\n0\r\n\r\n", length $body, $body))),
   413, 'in chunks');
is($td->deliver($td->body($build, x => 'x' x 2000),
                path => '/hooks/tight')->{status}, 413,
   'more than the configuration allows');
is(scalar $origin->requests(), 0, 'and nothing was fetched for all that');

# fifty at once

$build = $td->build(platforms => [ 'linux' ], size => 500);
$body = $td->body($build);
$origin->mark();

my @sockets = map { connect_to($server) } 1 .. 50;

print {$_} head('Content-Length: ' . length $body, signature($body))
    . substr $body, 0, -1 for @sockets;
print {$_} substr $body, -1 for @sockets;

my %answers;

$answers{join ' ', @{parse_reply(http_end($_))}{qw/ status body /}}++
    for @sockets;

is(join("\n", grep { !/^20[02] / } sort keys %answers), '',
   'fifty deliveries at once');
$td->becomes($build, 'staged', 'are staged');

my %asked = $origin->asked();

is(join(' ', sort keys %asked), join(' ', map { encoded($_) }
                                     sort { encoded($a) cmp encoded($b) }
                                     @{$build->{paths}}),
   'all was fetched');
is(join(' ', grep { $asked{$_} != 1 } sort keys %asked), '', 'once');
is(releases($build->{id}), 1, 'and they are one release');

# again, in each state; what a reload cuts short would be fetched twice

$t->steady();
$origin->script(qr/AppImage$/ => { hold => 10 });
$build = small();
$origin->mark();
$td->deliver($build);
ok(wait_until { $origin->flying(qr/AppImage$/) } 5, 'while it is fetched');
again($build, 202, 'fetching', 0);
$origin->script();
$td->becomes($build, 'staged', 'staged');
again($build, 200, 'staged', 1);
$t->api('POST', "/releases/$build->{app}/$build->{id}/promote", {},
        token => 'approve');
again($build, 200, 'live', 1);
$t->api('POST', "/releases/$build->{app}/$build->{id}/withdraw", {},
        token => 'approve');
again($build, 200, 'withdrawn', 1);

%asked = $origin->asked();
is(join(' ', grep { $asked{$_} != 1 } sort keys %asked), '',
   'nothing was fetched twice');
$t->steady(0);

$build = small();
$td->deliver($build);
$td->wait_state($build, 'staged');
$t->api('POST', "/releases/$build->{app}/$build->{id}/reject",
        { reason => 'no' }, token => 'approve');
again($build, 200, 'rejected', 1);

$build = small();
$origin->script(qr/\Q$build->{id}\E/ => { status => 404 });
$td->deliver($build);

my $failed = $td->becomes($build, 'failed', 'failed');

like($failed->{reason}, qr/\w/, 'with a reason');
again($build, 202, 'fetching', 0);
$origin->script();
$reply = $td->deliver($build);
like($reply->{status}, qr/^20[02]$/, 'a delivery of what had failed');
$td->becomes($build, 'staged', 'is staged when the origin has it');

# another secret takes the place of the first one

secret("third\n");
$t->write_file('secret.todesktop', "third\n");
$t->reload();
$build = small();
$t->refused(sub { $td->deliver($build) }, qr/^401 /, 'the old secret');
is($td->deliver($build, secret => 'third')->{status}, 202,
   'a new one after a reload');
$td->becomes($build, 'staged', 'and staged');

is(scalar $origin->contacts(), 0, 'nobody else was contacted');
$td->idle('no job is left');

my $refused = $t->api('GET', '/status?format=json')->{json}{webhook}{refusals}
              {unauthorized};

cmp_ok($refused, '>=', 10_000, 'what was refused is counted');

my $secrets = join '|', map { quotemeta } $td->{secret}, $next, 'third';

unlike($t->read_log() . $t->read_file('logs/access.log'), qr/$secrets/,
       'no log has a secret');


# -- signatures that are not right -------------------------------------------

sub variations {
    my $build = small(app => 'never-made');
    my $body = $td->body($build);
    my @variations = wrong_signatures($body);

    # permutations of the right one, until there are enough
    while (@variations < VARIATIONS) {
        my $signature = join '', shuffle split //, $td->sign($body);

        push @variations, [ $body, [ $signature ] ]
            if $signature ne $td->sign($body);
    }

    # the most telling ones first, if there are to be fewer
    splice @variations, VARIATIONS;

    my ($tree, $folders) = ($t->tree(), folders());
    my (%statuses, @wrong, $s);
    my $from = Time::HiRes::time();

    for my $variation (@variations) {
        my ($body, $signatures) = @$variation;

        $s ||= connect_to($server);

        my $reply = eval {
            request('POST', $server, $hook, socket => $s, body => $body,
                    headers => [ map { ('X-ToDesktop-HMAC-SHA256' => $_) }
                                 @$signatures ]);
        } || { status => "none: $@", headers => { connection => 'close' } };

        push @wrong, "$reply->{status}: @$signatures"
            if $reply->{status} ne '401';

        undef $s if ($reply->{headers}{connection} // '') eq 'close';
    }

    note(sprintf '%d wrong signatures in %.1f s, seed %d',
         scalar @variations, Time::HiRes::time() - $from, $seed);

    is(join("\n", splice @wrong, 0, 10), '',
       VARIATIONS . ' wrong signatures are refused');
    is($t->tree(), $tree, 'and the store is as it was');
    is(folders(), $folders, 'and no file was there for a moment');
    is($t->api('GET', '/releases/never-made', undef,
               token => 'admin')->{status}, 404, 'and there is no such app');
    is(scalar $origin->requests(), 0, 'and nothing was fetched');
}


# Each a body and the values of the header.

sub wrong_signatures {
    my ($body) = @_;

    my $right = $td->sign($body);
    my @digits = split //, $right;
    my $secret = $td->{secret};
    my @signatures;

    # other secrets, digests, bodies, notations
    push @signatures, map { hmac_sha256_hex($body, $_) }
        '', "$secret\n", "$secret ", " $secret", substr($secret, 1), $body,
        substr($secret, 0, -1), uc $secret, $next, "$secret\0",
        sha256_hex($secret);
    push @signatures, map { hmac_sha256_hex($_, $secret) }
        '', "$body\n", substr($body, 1), substr($body, 0, -1), uc $body,
        hmac_sha256($body, $secret), $right;
    push @signatures, hmac_sha1_hex($body, $secret),
        hmac_sha512_hex($body, $secret), sha256_hex($body),
        sha256_hex($secret . $body), sha256_hex($body . $secret),
        hmac_sha256_hex($secret, $body),
        substr(hmac_sha512_hex($body, $secret), 0, 64),
        hmac_sha256_base64($body, $secret),
        hmac_sha256_base64($body, $secret) . '=',
        unpack('b*', pack 'H*', $right), join(':', $right =~ /../g),
        "sha256=$right", "SHA256=$right", "0x$right", "\"$right\"",
        "'$right'", "$right, $right", "$right,$right", "$right;$right",
        "$right $right", "$right$right", "hex $right", "$right=",
        '0' x 64, 'f' x 64, '', ' ', "\t", 'null', '*', '%00' x 64,
        join('', map { sprintf '%%%02x', ord } @digits);

    # in another order
    push @signatures, scalar reverse($right),
        join('', reverse $right =~ /../g), join('', sort @digits),
        join('', map { scalar reverse } $right =~ /../g),
        substr($right, 32) . substr $right, 0, 32;
    push @signatures, map { substr($right, $_) . substr $right, 0, $_ }
        1 .. 63;

    # shorter and longer
    push @signatures, map { (substr($right, 0, $_), substr $right, -$_) }
        1 .. 63;

    for my $i (0 .. 63) {
        push @signatures, substr($right, 0, $i) . substr $right, $i + 1;
        push @signatures, map { substr($right, 0, $i) . $_
                                . substr $right, $i }
            0 .. 9, 'a' .. 'f', 'g', '-', '.', '%';

        # one digit is another
        push @signatures, map { substr($right, 0, $i) . $_
                                . substr $right, $i + 1 }
            grep { $_ ne $digits[$i] }
            0 .. 9, 'a' .. 'f', 'g', 'z', ':', '@', '`', '/', "\x{e4}";
    }

    # two have changed places
    for my $i (0 .. 63) {
        for my $j ($i + 1 .. 63) {
            my @swapped = @digits;

            @swapped[$i, $j] = @swapped[$j, $i];
            push @signatures, join '', @swapped;
        }
    }

    my @variations = map { [ $body, $_ ] }
        [], [ $right, $right ], [ $right, '0' x 64 ], [ '0' x 64, $right ],
        [ '', $right ], [ $right, '' ], [ uc $right, $right ];

    my %seen = ($right => 1);

    push @variations, map { [ $body, [ $_ ] ] }
        grep { !$seen{$_}++ } @signatures;

    # the right signature of another body
    for my $i (0 .. length($body) - 1) {
        my $other = $body;

        substr($other, $i, 1) ^= "\1";
        push @variations, [ $other, [ $right ] ];
    }

    return @variations;
}


# Making a file and removing it again leaves a trace in its folder.

sub folders {
    my @lines;

    File::Find::find({ no_chdir => 1, wanted => sub {
        push @lines, "$_ " . (Time::HiRes::stat($_))[9] . "\n" if -d;
    } }, "$dir/store");

    return join '', sort @lines;
}


# -- helpers -----------------------------------------------------------------

# A build of one file and what belongs to it.

sub small {
    return $td->build(platforms => [ 'linux' ], size => 300, @_);
}


# A delivery of what is known: what is told, and that it changes nothing.

sub again {
    my ($build, $status, $state, $nothing) = @_;

    my $before = $t->tree();
    my $reply = $td->deliver($build);

    is("$reply->{status} $reply->{body}",
       "$status " . json_encode({ id => $build->{id}, state => $state })
       . "\n",
       "again, when it is $state");
    is($t->tree(), $before, "changes nothing when it is $state")
        if $nothing;
}


sub secret {
    my ($text) = @_;

    $td->secret_file('secret.next', $text);
}


sub name_of {
    my ($app) = @_;

    return ($t->api('GET', "/v1/apps/$app", undef, token => 'admin')->{json}
            || {})->{name};
}


sub releases {
    my ($id) = @_;

    my $list = $t->api('GET', "/releases/$td->{app}", undef,
                       token => 'read')->{json};

    return scalar grep { $_->{id} eq $id } @$list;
}


sub encoded {
    my ($path) = @_;

    return $path =~ s{([^A-Za-z0-9/._~-])}{sprintf '%%%02X', ord $1}ger;
}


sub head {
    my (@headers) = @_;

    return join "\r\n", "POST $hook HTTP/1.1", 'Host: a', 'Connection: close',
                        @headers, '', '';
}


sub signature {
    my ($body) = @_;

    return 'X-ToDesktop-HMAC-SHA256: ' . $td->sign($body);
}


sub send_raw {
    my ($text) = @_;

    my $s = connect_to($server);

    return exchange($s, $text, sub { is_complete('POST', $_[0]) });
}


sub status {
    my ($raw) = @_;

    return (parse_reply($raw // '') || { status => 'none' })->{status};
}
