#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# What a device's check for an update costs beside "return" with the same
# reply: the same headers, the same body, asked for with a URL of the same
# length.

use warnings;
use strict;

use Test::LiveUpdate qw/ zip /;
use Test::LiveUpdate::Bench;

use constant TARGET => 85;

my $t = bench(server => "        include  bench*.conf;\n");

my ($app, %channels) = make_app(qw/ everyone partial paused /);

publish($app, 'partial', bundle => { rolloutPercentage => 0.5 });
api('POST', "/v1/apps/$app/channels/$channels{paused}/pause");

my @devices = devices(1_000);
my ($forcing, %forced) = make_app(qw/ everyone forced /);

for (my $i = 0; $i < @devices; $i += 100) {
    my $ids = join ',', @devices[$i .. $i + 99];

    api('PATCH', "/v1/apps/$forcing/devices?ids=$ids",
        { forcedAppChannelId => $forced{forced} });
}

my @cases = (
    { name => 'an update for everyone', channel => 'everyone' },
    { name => 'more devices than the zone remembers', channel => 'everyone',
      devices => [ devices(50_000) ] },
    { name => 'a partial rollout', channel => 'partial' },
    { name => 'a forced device, one of 1,000', channel => 'everyone',
      app => $forcing },
    { name => 'no update, 404', channel => 'paused' },
    { name => 'beside a short URL', channel => 'everyone', short => 1 },
);

heading("A device's check, and \"return\" with the same reply");

my $number = 1;

for my $case (@cases) {
    $number++;

    next unless wanted($case->{name});

    my @paths = map { check($case->{app} // $app, $case->{channel}, $_) }
        @{$case->{devices} // \@devices};
    my @theirs = map { my $path = $_; $path =~ s{^/v1/}{/v$number/}; $path }
        @paths;

    @theirs = ("/v$number/") if $case->{short};

    put_return($case->{name}, $paths[0], $theirs[0]);

    my @scripts = (wrk_script($t, "ours$number", @paths),
                   wrk_script($t, "theirs$number", @theirs));

    my ($ours, $theirs) = map {
        my $script = $_;
        sub { wrk($t, $script, errors => $case->{channel} eq 'paused') }
    } @scripts;

    pair($case->{name}, compare($ours, $theirs),
         $case->{short} ? undef : TARGET);
}


sub make_app {
    my (@names) = @_;

    my $id = $t->create_app('bench');
    my %ids = map { $_ => $t->create_channel($id, $_) } @names;

    publish($id, $_) for @names;

    return ($id, %ids);
}


sub publish {
    my ($id, $channel, %opt) = @_;

    my $done = $t->publish($id, $channel,
                           zip('index.html' => '<!DOCTYPE html>'), %opt);

    die "not published: $done->{reply}{raw}\n" unless $done->{ok};
}


sub api {
    my (@call) = @_;

    my $reply = $t->api(@call);

    die "@call[0, 1]: $reply->{raw}\n" if $reply->{status} >= 300;
}


# A location that answers as our path does.

sub put_return {
    my ($name, $ours, $theirs) = @_;

    my $reply = $t->api('GET', $ours, undef, token => undef);

    $t->write_file("bench$number.conf", <<"EOF");
location ^~ /v$number/ {
    default_type  application/json;
    add_header    Cache-Control  no-store  always;
    return        $reply->{status}  '$reply->{body}';
}
EOF

    $t->reload();

    my $same = $t->api('GET', $theirs, undef, token => undef);

    s/^Date: .*//m for $reply->{raw}, $same->{raw};

    die "$name: the replies differ:\n$reply->{raw}\n$same->{raw}\n"
        if $reply->{raw} ne $same->{raw};
}


sub check {
    my ($id, $channel, $device) = @_;

    return "/v1/apps/$id/bundles/latest?appVersionCode=10203"
           . '&appVersionName=1.2.3&bundleId'
           . "&channelName=$channel&customId&deviceId=$device"
           . '&osVersion=34&platform=0&pluginVersion=8.4.1';
}


sub devices {
    my ($n) = @_;

    return map { random_uuid() } 1 .. $n;
}
