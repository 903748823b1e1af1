#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# A token for GitHub that comes to an end: people are told before and for a
# while after, the status says when, and nobody is told of one that a program
# renews each hour.

use warnings;
use strict;

use POSIX qw/ strftime /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_decode /;
use Test::LiveUpdate::Clock;
use Test::LiveUpdate::GitHub;
use Test::LiveUpdate::Receiver;
use Test::LiveUpdate::ToDesktop;

use constant BUILDS => 'desktop-builds.json';
use constant DAY => 86400;

local $ENV{TEST_NGINX_WORKERS} = 1;

my $t = Test::LiveUpdate->new()->plan(14);
my $td = Test::LiveUpdate::ToDesktop->new($t);
my $gh = Test::LiveUpdate::GitHub->new($t, files => {
    BUILDS, [], 'desktop-releases.json', {} });
my $r = Test::LiveUpdate::Receiver->new($t);
my $clock = Test::LiveUpdate::Clock->new($t);
my $file = $t->testdir() . '/store/jobs/.token';
my $tests = 0;

$r->targets('all json {url}/ secret={secret} event=token.* event=test');

$gh->configure($td, locations => <<'EOF', change => sub {
location /notify/ {
    internal;
    proxy_pass  $liveupdate_notify_url;
}
EOF
    s/^http \{\n/http {\n    liveupdate_notify  targets  disk=0%;\n/m
        if $_[0] eq 'nginx.conf';
});

$t->run();

# one that a program renews

asked(ends(time() + 3600));
ok(!-e $file, 'that of an installation, which lives an hour');

# one that somebody has to renew

asked(ends(time() + 90 * DAY, '+0900'));
ok((wait_until { -e $file } 10), 'one that lives longer');

$t->reload();
told(0);

my $soon = time() + 10 * DAY;

asked(ends($soon));
wait_until { like_file(strftime('%Y-%m-%dT%H:%M', gmtime $soon)) } 10, 'soon';
$t->reload();
told(1);

is((events())[0]{data}{text}, "The token for $gh->{repo} on GitHub is about to "
   . 'expire: it is valid until ' . strftime('%Y-%m-%dT%H:%M:%S', gmtime $soon)
   . '.000Z, and nginx must read a new one by then.', 'says until when');

# what nobody can read is no news

asked('soon') for 1, 2;
is(scalar(() = $t->read_log() =~ /has no time that can be read/g), 1,
   'it is logged once');
ok(like_file(strftime('%Y-%m-%dT%H:%M', gmtime $soon)),
   'and what was known stays');

# the status

my $reply;

ok((wait_until {
    $reply = $t->api('GET', '/status?format=json')->{json};
    ($reply->{tokenExpiresAt} // '')
        eq strftime('%Y-%m-%dT%H:%M:%S.000Z', gmtime $soon);
} 20), 'the status says it') or diag($reply->{tokenExpiresAt});
like($t->api('GET', '/status')->{body},
     qr/^liveupdate_token_expiry_timestamp_seconds $soon$/m, 'as metrics do');

# it has expired, and nobody has asked GitHub since

$clock->passes(11 * DAY);
told(2);

is((events())[1]{data}{text}, "The token for $gh->{repo} on GitHub has "
   . 'expired: it was valid until '
   . strftime('%Y-%m-%dT%H:%M:%S', gmtime $soon)
   . '.000Z, and nginx must read a new one.', 'says so');

$clock->passes(14 * DAY);
told(2);

# a new one without an end

asked();
ok((wait_until { !-e $file } 10), 'one that does not expire');
$t->reload();
told(2);


# "2026-12-30 12:00:00 UTC"

sub ends {
    my ($at, $zone) = @_;

    return strftime('%Y-%m-%d %H:%M:%S ', gmtime $at + ($zone ? 9 * 3600 : 0))
        . ($zone // 'UTC');
}


# Has GitHub asked, which says until when.

sub asked {
    my ($text) = @_;

    $gh->script(qr/./ => { with => [
        $text ? "GitHub-Authentication-Token-Expiration: $text" : () ] });
    $gh->commit({ BUILDS, [ { id => 'nosuch' . rand } ] });
    $gh->deliver_all();

    wait_until { !$td->jobs() } 20, 'followed';
}


sub like_file {
    my ($text) = @_;

    open my $fh, '<', $file or return 0;

    return join('', <$fh>) =~ /\Q$text\E/;
}


# So many events have come, and what is sent after them.

sub told {
    my ($n) = @_;

    $t->api('POST', '/v1/notifications/all/test', {})->{status} == 202
        or die "no test\n";

    $tests++;

    wait_until { all(qr/^test$/) == $tests } 20, 'the test';

    is(scalar events(), $n, "$n events");
}


sub events {
    return all(qr/^token/);
}


# Each once: what is on its way while a worker quits is sent again.

sub all {
    my ($type) = @_;

    my %seen;

    return grep { $_->{type} =~ $type }
        map { json_decode($_->{body}) }
        grep { !$seen{$_->{headers}{'webhook-id'}}++ } $r->taken(qr/./);
}
