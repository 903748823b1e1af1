#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# GitHub's webhook: whose request it is, what concerns us, what was seen
# before; and that everything else leaves no trace.

use warnings;
use strict;

use Digest::SHA qw/ hmac_sha1_hex hmac_sha256_hex hmac_sha512_hex
                    sha256_hex /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_decode json_encode uri_encode /;
use Test::LiveUpdate::GitHub;
use Test::LiveUpdate::HTTP qw/ connect_to parse_reply /;
use Test::LiveUpdate::ToDesktop;

use constant { BUILDS => 'desktop-builds.json',
               RELEASES => 'desktop-releases.json' };
use constant VARIATIONS => $ENV{LIVEUPDATE_SIGNATURES} || 2_000;
use constant REMEMBERED => 1000;

my $t = Test::LiveUpdate->new()->plan(129);

my $seed = srand($ENV{LIVEUPDATE_SEED} // time());
my $td = Test::LiveUpdate::ToDesktop->new($t);
my $gh = Test::LiveUpdate::GitHub->new($t, files => { BUILDS, [],
                                                      RELEASES, {} });
my $hook = '/hooks/github';
my $next = 'ghsec_another';
my $dir = $t->testdir();

$gh->secret_file('secret.next', "$next\n");
$gh->configure($td, fetch => 'retry=10ms tries=50', locations => <<'EOF_CONF',

location = /hooks/both {
    liveupdate_webhook  github  secret=secret.github secret=secret.next;
    client_max_body_size  25m;
}
location = /hooks/next {
    liveupdate_webhook  github  secret=secret.next;
    client_max_body_size  25m;
}
location = /hooks/file {
    liveupdate_webhook  github  secret=secret.github;
    client_max_body_size  25m;
    client_body_in_file_only  clean;
    client_body_temp_path  store/tmp/body;
}
location = /hooks/tight {
    liveupdate_webhook  github  secret=secret.github;
    client_max_body_size  1k;
}
EOF_CONF
);

# a webhook needs a repository, and only ToDesktop's has apps

for my $case (
    [ 'github', qr/number of arguments|secret/, 'no secret' ],
    [ 'github secret=nosuch', qr/nosuch" failed/, 'no such file' ],
    [ 'github secret=secret.github; liveupdate_webhook todesktop '
      . 'secret=secret.todesktop', qr/is duplicate/, 'two services' ],
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

SKIP: {
    skip 'no @octokit/webhooks-methods', 1
        unless Test::LiveUpdate::GitHub::has_signer();

    is($gh->sign("{\"a\":\"\xc3\xbc\"}", 'secret'),
       'sha256=' . hmac_sha256_hex("{\"a\":\"\xc3\xbc\"}", 'secret'),
       'the signatures are those of @octokit/webhooks-methods');
}

# a build, and everything that GitHub says meanwhile

my $build = $td->build(platforms => [ 'linux' ], size => 300);

$td->deliver($build);

my $pull = $gh->wait_pull($build);

$td->becomes($build, 'staged', 'it waits');

my @events = $gh->events();

is(join(' ', map { $_->{event} } @events),
   'push push push pull_request', 'GitHub tells what we have done');
is(join("\n", map { said($gh->deliver($_)) } @events),
   join("\n", ('200 ignored') x 4), 'none of it is for us');

is(said($gh->deliver($gh->ping())), '200 pong', 'ping');
is($gh->deliver($gh->ping())->{headers}{'content-type'}, 'application/json',
   'as JSON');

# a push, of this file and that

my $main = push_of(sub { $gh->commit({ BUILDS, "[ ]\n" }) });

$gh->mark();

my $reply = $gh->deliver($main);

is(said($reply), '202 accepted', 'a push that changes the builds');
ok(over(), 'it is over');
my $after = $main->{payload}{after};
my %read = map { $_->{uri} => 1 } $gh->requests(qr{contents\S*ref=$after});

is(scalar(keys %read), 2, 'both files were read');
is(said($gh->deliver($main)), '200 seen before', 'the same delivery again');
is(said($gh->deliver($main, id => 'another')), '202 accepted',
   'and with another id');
over();
$gh->mark();

for my $case (
    [ '202 accepted', 'the rules', { RELEASES, "{ }\n" } ],
    [ '200 ignored', 'another file', { 'README.md' => "x\n" } ],
    [ '200 ignored', 'a file of that name in a folder',
      { 'old/desktop-builds.json' => "[]\n" } ],
    [ '200 ignored', 'a similar name', { 'Desktop-builds.json' => "[]\n" } ],
    [ '202 accepted', 'a file that is removed', { RELEASES, undef } ],
    [ '202 accepted', 'one that is added', { RELEASES, {} } ],
) {
    my ($expected, $name, $files) = @$case;

    is(said($gh->deliver(push_of(sub { $gh->commit($files) }))), $expected,
       "a push: $name");
    over();
}

is(said($gh->deliver(push_of(sub {
    $gh->commit({ BUILDS, [] }, branch => $pull->{head})
}))), '200 ignored', 'a push to another branch');
is(said($gh->deliver(push_of(sub { $gh->create_branch('main2') }))),
   '200 ignored', 'a new branch');
is(said($gh->deliver(push_of(sub { $gh->delete_branch('main2') }))),
   '200 ignored', 'a branch that goes');

my $head = $gh->heads()->{main};

is(said($gh->deliver(push_of(sub { $gh->commit({ BUILDS, "[  ]\n" });
                                   $gh->events();
                                   $gh->move('main', $head) }))),
   '202 accepted', 'a push that goes back, and names no files');
over();

for my $case (
    [ '200 ignored', 'a tag', { ref => 'refs/tags/main' } ],
    [ '200 ignored', 'another repository',
      { repository => { full_name => 'acme/other', default_branch => 'main' } }
    ],
    [ '202 accepted', 'the repository in other letters',
      { repository => { full_name => 'Acme/Releases',
                        default_branch => 'main' } } ],
    [ '200 ignored', 'another default branch',
      { repository => { full_name => 'acme/releases',
                        default_branch => 'trunk' } } ],
    [ '202 accepted', 'so many commits that files may be left out',
      { commits => [ map { { added => [], modified => [], removed => [] } }
                     1 .. 2048 ] } ],
    [ '202 accepted', 'members that nobody knows',
      { new => [ { a => undef } ] } ],
) {
    my ($expected, $name, $fields) = @$case;

    is(said($gh->deliver(with($main, %$fields))), $expected, $name);
    over();
}

# other events, as GitHub sends them

is(join(' ', map {
    said($gh->deliver({ %{$gh->ping()}, event => $_ }))
} qw/ issues create deployment star workflow_run /),
   join(' ', ('200 ignored') x 5), 'other events');

for my $action (qw/ opened edited synchronize reopened labeled /) {
    my ($opened) = grep { $_->{event} eq 'pull_request' } @events;

    is(said($gh->deliver(with($opened, action => $action))), '200 ignored',
       "pull_request: $action");
}

# closed, but not by us; of another branch; into another one; of a branch that
# has the name of ours

my ($opened) = grep { $_->{event} eq 'pull_request' } @events;
my $side = $opened->{payload}{pull_request}{head};

for my $case (
    [ 'of another branch', head => { ref => 'feature' } ],
    [ 'of another number', number => 99 ],
    [ 'into another branch', base => { ref => 'develop' } ],
    [ 'of a fork', head => { %$side, repo => { full_name => 'evil/app' } } ],
    [ 'of a fork that has gone', head => { %$side, repo => undef } ],
) {
    my ($name, @fields) = @$case;
    my $closed = with($opened, action => 'closed');

    $closed->{payload}{pull_request} = {
        %{$closed->{payload}{pull_request}}, state => 'closed', @fields };

    is(said($gh->deliver($closed)), '200 ignored', "closed: $name");
}

is($td->release($build)->{state}, 'staged', 'the release still waits');

# who signs

for my $case (
    [ '200 pong', 'upper-case digits',
      signature => sub { 'sha256=' . uc substr $gh->sign($_[0], $gh->{secret}),
                                               7 } ],
    [ '200 pong', 'the second secret', path => '/hooks/both',
      secret => $next ],
    [ '200 pong', 'the first of two', path => '/hooks/both' ],
    [ '200 pong', 'a body in a file', path => '/hooks/file' ],
    [ '200 pong', 'no SHA-1', without => [ 'X-Hub-Signature' ] ],
) {
    my ($expected, $name, %opt) = @$case;
    my $body = json_encode($gh->ping()->{payload});

    $opt{signature} = $opt{signature}->($body) if $opt{signature};

    is(said($gh->deliver($gh->ping(), body => $body, %opt)), $expected, $name);
}

$gh->mark();
$t->mark_log();

my $body = json_encode($main->{payload});
my $right = $gh->sign($body, $gh->{secret});
my $hex = substr $right, 7;

for my $case (
    [ 'no signature', without => [ 'X-Hub-Signature-256' ] ],
    [ 'only the old signature', without => [ 'X-Hub-Signature-256' ],
      headers => [ 'X-Hub-Signature' => 'sha1='
                   . hmac_sha1_hex($body, $gh->{secret}) ] ],
    [ 'an empty signature', signature => '' ],
    [ 'nothing but the prefix', signature => 'sha256=' ],
    [ 'no prefix', signature => $hex ],
    [ 'another prefix', signature => "sha1=$hex" ],
    [ 'SHA-1 of this name', signature => 'sha256='
      . hmac_sha1_hex($body, $gh->{secret}) ],
    [ 'SHA-512 of this name', signature => 'sha256='
      . hmac_sha512_hex($body, $gh->{secret}) ],
    [ 'a plain digest', signature => 'sha256=' . sha256_hex($body) ],
    [ 'cut by one', signature => substr $right, 0, -1 ],
    [ 'longer by one', signature => "${right}0" ],
    [ 'a blank behind the prefix', signature => "sha256= $hex" ],
    [ 'the prefix twice', signature => "sha256=$right" ],
    [ 'another secret', secret => $next ],
    [ 'the secret of ToDesktop', secret => $td->{secret} ],
    [ 'the secret with the end of its line', secret => "$gh->{secret}\n" ],
    [ 'an empty secret', signature => 'sha256='
      . hmac_sha256_hex($body, '') ],
    [ 'the right signature twice', headers => [ 'X-Hub-Signature-256'
                                                => $right ] ],
    [ 'the header of ToDesktop', without => [ 'X-Hub-Signature-256' ],
      headers => [ 'X-ToDesktop-HMAC-SHA256' => $hex ] ],
    [ 'the location of another secret', path => '/hooks/next' ],
    [ 'ToDesktop\'s location', path => '/hooks/todesktop' ],
) {
    my ($name, %opt) = @$case;

    $t->refused(sub { $gh->deliver($main, body => $body, id => 'bad', %opt) },
                qr/^401 /, $name);
}

$t->log_like(qr/\[warn\].*client: 127\.0\.0\.1/, 'is in the log');
$t->refused(sub { $t->api('POST', $hook, $body, token => 'admin') },
            qr/^401 /, 'a token instead');
variations();
is(scalar($gh->requests()), 0, 'and nothing was asked for all that');
is(said($gh->deliver($main, id => 'bad')), '202 accepted',
   'an id that was refused was not seen');
over();
$gh->mark();

# what is signed, and none of GitHub's

for my $case (
    [ 'no event', without => [ 'X-GitHub-Event' ] ],
    [ 'no delivery id', without => [ 'X-GitHub-Delivery' ] ],
    [ 'an empty delivery id', id => '' ],
    [ 'two delivery ids', headers => [ 'X-GitHub-Delivery' => 'x' ] ],
    [ 'two events', headers => [ 'X-GitHub-Event' => 'ping' ] ],
    [ 'a long delivery id', id => 'x' x 300 ],
    (map { [ $_->[0], body => $_->[1] ] }
        [ 'nothing', '' ],
        [ 'half an object', substr $body, 0, -1 ],
        [ 'an array', '[]' ],
        [ 'null', 'null' ],
        [ 'more than an object', "${body}x" ],
        [ 'not UTF-8', "{\"x\":\"\xff\"}" ],
        [ 'deep', '[' x 100_000 ],
        [ 'no repository', json_encode({ ref => 'refs/heads/main' }) ]),
    (map { my ($name, %fields) = @$_;
           [ $name, body => json_encode(with($main, %fields)->{payload}) ] }
        [ 'ref null', ref => undef ],
        [ 'ref a number', ref => 7 ],
        [ 'repository a string', repository => 'acme/releases' ],
        [ 'repository without a name', repository => { id => 1 } ]),
) {
    my ($name, %opt) = @$case;

    $t->refused(sub { $gh->deliver({ %$main, id => "bad $name" }, %opt) },
                qr/^40[01] /, "refused: $name");
}

# GitHub's default is a form: what has to be set there is told at once

for my $event ($main, $gh->ping()) {
    $t->refused(sub {
        $gh->deliver({ %$event, id => 'form' },
                     body => 'payload=' . uri_encode($body))
    }, qr{^415 .*"Content type".*application/json}, "a form: $event->{event}");
}

for my $case (
    [ 'no action', action => undef ],
    [ 'no pull request', pull_request => undef ],
    [ 'a list', pull_request => [] ],
    [ 'no number', pull_request => { %{$opened->{payload}{pull_request}},
                                     number => 'one' } ],
    [ 'no head', pull_request => { %{$opened->{payload}{pull_request}},
                                   head => undef } ],
    [ 'a base without a name', pull_request => {
          %{$opened->{payload}{pull_request}}, base => {} } ],
) {
    my ($name, %fields) = @$case;

    $t->refused(sub { $gh->deliver(with($opened, action => 'closed',
                                        %fields)) },
                qr/^400 /, "pull_request: $name");
}

for my $method (qw/ GET HEAD PUT DELETE PATCH OPTIONS /) {
    my $before = $t->tree();
    my $reply = $t->api($method, $hook, $method =~ /^P/ ? $body : undef,
                        token => undef,
                        headers => [ 'X-Hub-Signature-256' => $right,
                                     'X-GitHub-Event' => 'push',
                                     'X-GitHub-Delivery' => $method ]);

    is("$reply->{status} $reply->{headers}{allow}", '405 POST', $method);
    is($t->tree(), $before, "$method changes nothing");
}

# how much

is(said($gh->deliver(with($main, x => 'x' x 3_000_000))), '202 accepted',
   'three megabytes');
over();
is(said($gh->deliver(with($main, x => 'x' x 3_000_000),
                     path => '/hooks/file')), '202 accepted',
   'three megabytes in a file');
over();
is($gh->deliver(with($main, x => 'x' x 27_000_000))->{status}, 413,
   'more than GitHub sends');
is($gh->deliver($main, path => '/hooks/tight')->{status}, 413,
   'more than the configuration allows');

# the last thousand ids; what was there before is forgotten in time

my $name = 'store/jobs/.deliveries';
my @ids = map { sprintf '%08x-0000-4000-8000-%012x', $_, $_ } 1 .. 5000;

$t->write_file($name, join '', map { "$_\n" } @ids);
is(said($gh->deliver($main, id => $ids[-REMEMBERED])), '200 seen before',
   'the last thousand ids are known');
is(said($gh->deliver($main, id => $ids[-REMEMBERED - 1])), '202 accepted',
   'one that is older is not');
cmp_ok(-s "$dir/$name", '<', 2 * REMEMBERED * 64, 'and it is gone');
over();

is(said($gh->deliver($main, id => $_)), '200 seen before', "$_ is known")
    for @ids[-REMEMBERED + 1, -1, -REMEMBERED - 1];

$t->stop();
$t->run();

is(said($gh->deliver($main, id => $ids[-1])), '200 seen before',
   'they are remembered by the disk');

# twenty at once are one

over();

my $once = { %$main, id => 'once' };
my %answers;

for my $s (map { start_delivery($once) } 1 .. 20) {
    $answers{said(parse_reply(http_end($s)))}++;
}

is(json_encode(\%answers), json_encode({ '202 accepted' => 1,
                                         '200 seen before' => 19 }),
   'twenty times at once');
over();

# it does not wait for GitHub

$gh->script(qr/./ => { hold => 'before' });

my $from = time();

is(join(' ', map { said($gh->deliver($main, id => "held $_")) } 1 .. 3),
   join(' ', ('202 accepted') x 3), 'GitHub is silent');
cmp_ok(time() - $from, '<=', 2, 'but the answer comes at once');
$gh->script();
ok(over(), 'it is over');

is($td->release($build)->{state}, 'staged', 'the release still waits');
is(scalar($gh->pulls()), 1, 'there is one pull request');


# -- deliveries --------------------------------------------------------------

sub said {
    my ($reply) = @_;

    return "$reply->{status} " . (($reply->{json} || {})->{message}
                                  // $reply->{body});
}


# The push that somebody's change of the repository has made.

sub push_of {
    my ($code) = @_;

    $gh->events();
    $code->();

    my ($push) = grep { $_->{event} eq 'push' } $gh->events();

    return $push;
}


# Another delivery, with other members.

my $serial = 0;

sub with {
    my ($event, %fields) = @_;

    return { %$event, id => 'with-' . ++$serial,
             payload => { %{$event->{payload}}, %fields } };
}


sub start_delivery {
    my ($event) = @_;

    my $body = json_encode($event->{payload});

    return http_start("POST $hook HTTP/1.0\r\nHost: localhost\r\n"
        . "X-GitHub-Event: $event->{event}\r\n"
        . "X-GitHub-Delivery: $event->{id}\r\n"
        . 'X-Hub-Signature-256: ' . $gh->sign($body, $gh->{secret})
        . "\r\nContent-Length: " . length($body) . "\r\n\r\n$body");
}


sub over {
    return wait_until { !$td->jobs() } 20, join ' ', $td->jobs();
}


# Signatures that are nearly right: one character is another one, or missing,
# or two have changed places.

sub variations {
    my $before = $t->tree();
    my $s;
    my (%wrong, $done);

    for my $i (1 .. VARIATIONS) {
        my $signature = $right;
        my $at = int rand length $right;
        my $how = int rand 4;

        if ($how == 0) {
            substr $signature, $at, 1, chr 33 + rand 94;

        } elsif ($how == 1) {
            substr $signature, $at, 1, '';

        } elsif ($how == 2) {
            substr $signature, $at, 0, substr $signature, $at, 1;

        } else {
            my $other = int rand length $right;

            (substr($signature, $at, 1), substr $signature, $other, 1)
                = (substr($signature, $other, 1), substr $signature, $at, 1);
        }

        next if lc $signature eq lc $right;

        my $status = $gh->deliver($main, body => $body, id => "v$i",
                                  signature => $signature)->{status};

        $wrong{"$status $signature"} = 1 if $status != 401;
        $done++;
    }

    is(join("\n", sort keys %wrong), '', "$done wrong signatures, seed $seed");
    is($t->tree(), $before, 'they change nothing');
}
