#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# What we ask of GitHub, and what our own GitHub answers and announces, is as
# GitHub's published description says; and we understand what others have
# received.  "make openapi" installs the description, which is large.

use warnings;
use strict;

use IPC::Open2 qw/ open2 /;
use MIME::Base64 qw/ encode_base64 /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_decode json_encode /;
use Test::LiveUpdate::GitHub;
use Test::LiveUpdate::HTTP qw/ request /;
use Test::LiveUpdate::ToDesktop;

use constant { BUILDS => 'desktop-builds.json',
               RELEASES => 'desktop-releases.json' };

my $folder = "$Test::LiveUpdate::ROOT/t/openapi";
my $t = Test::LiveUpdate->new();

$t->skip_all('run "make openapi" for it')
    unless -d "$folder/node_modules/\@octokit/openapi"
           && -d "$folder/node_modules/ajv";
$t->has_daemon('node')->plan(14);

my $td = Test::LiveUpdate::ToDesktop->new($t);
my $gh = Test::LiveUpdate::GitHub->new($t);
my $repo = '/repos/acme/releases';
my $checker;

$gh->configure($td, fetch => 'retry=10ms tries=50');
$t->run();

# the checker tells right from wrong

my @wrong = (
    { method => 'GET', uri => $repo, body => '', status => 418, json => {} },
    { method => 'GET', uri => $repo, body => '', status => 200,
      json => { id => 1 } },
    { method => 'POST', uri => "$repo/pulls", body => '{"head":"a"}' },
    { method => 'POST', uri => "$repo/git/refs",
      body => '{"ref":"a","sha":"b","force":true}' },
    { method => 'GET', uri => "$repo/pulls?state=opened", body => '' },
    { method => 'GET', uri => "$repo/pulls?branch=x", body => '' },
    { method => 'GET', uri => "$repo/nosuch/x", body => '' },
    { event => 'push', payload => { ref => 'refs/heads/main' } },
);

is(join(' ', map { check($_) ? 'found' : 'missed' } @wrong),
   join(' ', ('found') x @wrong), 'what is wrong is found');

# what we ask, from the first file that there ever was

my $first = propose(build());

$gh->merge(pull($first));
follow();
is($td->release($first)->{state}, 'live', 'a release');

my $second = build();

$gh->create_branch("release-build-$second->{id}");
$gh->commit({ 'x' => 1 }, branch => "release-build-$second->{id}");
$gh->script(qr/^PUT .*builds/ => { hold => 'before', times => 1 });
$td->deliver($second);
$gh->wait_held();
$gh->commit({ BUILDS, [] }, branch => "release-build-$second->{id}-1");
$gh->release();
$gh->wait_pull($second);
over();
$gh->close_pull(pull($second));
follow();
is($td->release($second)->{state}, 'rejected', 'another one is rejected');

my $third = build();

$gh->script(qr/^POST .*pulls/ => { cut => 'after', times => 1 },
            qr/^GET .*pulls/ => { body => '[]', type => 'application/json',
                                  times => 2 });
propose($third);
$gh->tokens($gh->{token} => 'read');
$td->deliver(my $fourth = build());
wait_until { $td->release($fourth)->{reason} } 10;
$gh->tokens();
wait_until { $td->release($fourth)->{reason} =~ /401/ } 10;
$gh->tokens($gh->{token} => 'write');
over();

my @asked = $gh->requests();
my %asked = map { +"$_->{method} $_->{status}" => 1 } @asked;

is(join(' ', grep { !$asked{$_} } 'GET 200', 'GET 401', 'GET 404', 'POST 201',
        'POST 403', 'POST 422', 'PUT 200', 'PUT 201', 'PUT 409'), '',
   'much has happened');
is(join("\n", check(@asked)), '',
   @asked . ' requests are what GitHub describes, and so are the answers');

# what nobody has asked for yet

$gh->mark();

my $sha = $gh->heads()->{main};

ask('GET', "$repo/branches/main");
ask('GET', "$repo/commits/main");
ask('GET', "$repo/commits/nosuch");
ask('GET', "$repo/branches/nosuch");
ask('GET', "$repo/pulls/1");
ask('GET', "$repo/pulls/99");
ask('GET', "$repo/pulls?state=all&per_page=1&base=main");
ask('POST', "$repo/git/refs", { ref => 'refs/heads/x', sha => $sha });
ask('POST', "$repo/git/refs", { ref => 'refs/heads/x', sha => $sha });
ask('POST', "$repo/git/refs", { ref => 'refs/heads/y', sha => 'f' x 40 });
ask('PUT', "$repo/contents/a/b.txt", { message => 'm', branch => 'x',
                                       content => encode_base64('b') });
ask('GET', "$repo/contents/a?ref=x");
ask('GET', "$repo/contents/a/b.txt?ref=nosuch");
ask('POST', "$repo/pulls", { title => 't', head => 'x', base => 'nosuch' });
ask('POST', "$repo/pulls", { title => 't', head => 'x', base => 'main' });
ask('PATCH', "$repo/pulls/4", { state => 'closed', title => 'u' });
ask('PATCH', "$repo/git/refs/heads/x", { sha => $sha, force => \1 });
ask('POST', "$repo/pulls", { title => 't', head => 'x', base => 'main' });
ask('DELETE', "$repo/git/refs/heads/x");
ask('DELETE', "$repo/git/refs/heads/x");

# files over 1 MB, and commits that the API does not list yet

my $blob = json_decode(ask('GET', "$repo/contents/" . RELEASES)
                       ->{body})->{sha};

ask('GET', "$repo/git/blobs/$blob");
ask('GET', "$repo/git/blobs/" . 'f' x 40);
ask('GET', "$repo/compare/$sha...main?per_page=1");
ask('GET', "$repo/compare/$sha..." . 'f' x 40);

@asked = $gh->requests();

is(scalar @asked, 25, 'more requests');
is(join("\n", check(@asked)), '', 'are answered as GitHub describes');

# what is announced

$gh->revert(pull($first));
$gh->move('main', $sha);
$gh->reopen(pull($second));

my @events = ($gh->events(), $gh->ping());

cmp_ok(scalar @events, '>', 5, scalar(@events) . ' announcements');
is(join("\n", check(@events)), '', 'are what GitHub describes');

# what others were told

my @examples = map { json_decode($_) }
    `cd '$folder' && node --no-warnings examples.mjs`;

cmp_ok(scalar @examples, '>', 100, scalar(@examples) . ' examples');

my $before = $t->tree();
my $n = 0;
my %said;

for my $example (@examples) {
    my $reply = $gh->deliver({ %$example, id => 'example-' . ++$n });

    push @{$said{"$reply->{status} $reply->{json}{message}"}},
         $example->{event};
}

is(join("\n", grep { $_ ne '200 ignored' && $_ ne '200 pong' }
              sort keys %said), '', 'none is for us');
is($t->tree(), $before, 'they change nothing');

# as if that repository were ours; there is none of that name

my $conf = $t->read_file('liveupdate.conf');

$t->write_file('liveupdate.conf',
               $conf =~ s{repo=acme/releases}{repo=Codertocat/Hello-World}r);
$t->reload();
%said = ();

for my $example (grep { $_->{event} =~ /^(?:push|pull_request)$/ } @examples) {
    my $reply = $gh->deliver({ %$example, id => 'ours-' . ++$n });

    push @{$said{"$reply->{status} $reply->{json}{message}"}},
         $example->{event};
}

note(map { "$_: " . @{$said{$_}} . "\n" } sort keys %said);
is(join(' ', grep { !/^20[02] / } sort keys %said), '',
   'all of it is understood');
$t->write_file('liveupdate.conf', $conf);
$t->reload();
over();
is($td->release($first)->{state}, 'live', 'what was released still is');


# What is wrong with any of them.

sub check {
    my (@entries) = @_;

    if (!$checker) {
        open2(my $in, my $out, 'node', "$folder/check.mjs");
        $out->autoflush(1);
        $checker = [ $in, $out ];
    }

    my ($in, $out) = @$checker;

    return map {
        print {$out} json_encode($_), "\n";
        @{json_decode(scalar readline $in)};
    } @entries;
}


sub ask {
    my ($method, $path, $body) = @_;

    return request($method, "127.0.0.1:$gh->{port}", $path, headers => [
        'User-Agent' => 'test', Authorization => "Bearer $gh->{token}",
        Accept => 'application/vnd.github+json',
    ], defined $body ? (body => json_encode($body)) : ());
}


sub build {
    return $td->build(platforms => [ 'linux' ], size => 300);
}


sub propose {
    my ($build) = @_;

    $td->deliver($build);
    $gh->wait_pull($build);
    over();

    return $build;
}


sub pull {
    my ($build) = @_;

    return ($gh->pulls_of($build))[0]{number};
}


sub follow {
    $gh->deliver_all();
    over();
}


sub over {
    return wait_until { !$td->jobs() } 20, join ' ', $td->jobs();
}
