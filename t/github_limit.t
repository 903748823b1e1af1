#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# While GitHub limits requests, it is asked nothing: neither by the job that was
# told so, nor by others; and the longer one of two limits counts.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate;
use Test::LiveUpdate::Clock;
use Test::LiveUpdate::GitHub;
use Test::LiveUpdate::ToDesktop;

use constant BUILDS => 'desktop-builds.json';
use constant LIMIT => 600;

local $ENV{TEST_NGINX_WORKERS} = 1;

my $t = Test::LiveUpdate->new()->plan(11);
my $td = Test::LiveUpdate::ToDesktop->new($t);
my $gh = Test::LiveUpdate::GitHub->new($t, files => {
    BUILDS, [], 'desktop-releases.json', {} });
my $clock = Test::LiveUpdate::Clock->new($t);

$gh->configure($td, fetch => 'retry=50ms tries=50', silent => '60s');
$t->run();

for my $kind (qw/ primary secondary /) {
    my ($one, $two) = builds(2);

    # the second one is fetched, and waits for an answer

    $gh->script(about($two) => { times => 1, hold => 'before' },
                about($one) => { times => 1, limit => $kind,
                                 seconds => LIMIT });
    $td->deliver($two);
    $gh->wait_held();
    $td->deliver($one);
    wait_until { reason($one) =~ /limit/ } 20, "$kind: limited";

    $gh->mark();
    $gh->commit({ BUILDS, [ { id => "nosuch $kind" } ] });
    $gh->deliver_all();
    $gh->release();

    ok((wait_until { reason($two) =~ /^The limit of GitHub's API/ } 20),
       "$kind: another job waits, and says why");
    is(join(' ', map { $_->{uri} } $gh->requests(qr/./)), '',
       "$kind: nothing is asked meanwhile");

    over($kind, $one, $two);
}

# two are told of a limit; the one that is told last, of a shorter one

my ($one, $two, $three) = builds(3);

$gh->script(about($one) => { times => 1, hold => 'before', limit => 'primary',
                             seconds => LIMIT },
            about($two) => { times => 1, hold => 'before', late => 0.3,
                             limit => 'secondary', seconds => 5 });
$td->deliver($_) for $one, $two;
wait_until { $gh->held() == 2 } 20, 'both have asked';
$gh->release();
wait_until { reason($one) =~ /limit/ && reason($two) =~ /limit/ } 20, 'limited';

$clock->passes(60);
$td->deliver($three);
ok((wait_until { reason($three) =~ /^The limit of GitHub's API/ } 20),
   'the longer limit counts') or diag(reason($three));

over('both', $one, $two, $three);


sub builds {
    my ($n) = @_;

    return map { $td->build(platforms => [ 'linux' ], size => 300) } 1 .. $n;
}


# The first request that a job has for a build.

sub about {
    my ($build) = @_;

    return qr{^GET \S*/pulls\S*$build->{id}};
}


sub reason {
    my ($build) = @_;

    return $td->release($build)->{reason} // '';
}


# The limit ends.

sub over {
    my ($name, @builds) = @_;

    $clock->passes(LIMIT);

    $gh->wait_pull($_) for @builds;

    ok((wait_until { !$td->jobs() } 20), "$name: all of them are done");
    is(join(' ', map { scalar $gh->pulls_of($_) } @builds),
       join(' ', map { 1 } @builds), "$name: one pull request for each");
}
