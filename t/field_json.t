#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# What is accepted can be read again, whatever a stranger writes into JSON; and
# a file that is damaged all the same is named in the log and left out, without
# keeping anything else from its work.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT zip /;
use Test::LiveUpdate::ToDesktop;

my $t = Test::LiveUpdate->new()->plan(41);
my $td = Test::LiveUpdate::ToDesktop->new($t);
my $dir = $t->testdir() . '/store';
my $app = $td->{app};

$td->configure(approval => 'off', fetch => 'retry=100ms tries=3');
$t->run();

my $sound = $t->create_app('sound');
my $old = $t->publish($sound, undef, zip('index.html' => 'old'))->{bundle};
my $live = build();

$td->deliver($live);
$td->becomes($live, 'live', 'a desktop release');

# numbers at the end of what a double can hold, and depth, wherever a body has
# members that nobody knows

my @unsettled;
my $large = '1.7976931348623157e308';
my $deep = '[' x 26 . ']' x 26;

for my $strange ($large, "-$large", '1e-320', $deep,
                 '{"a":' x 25 . $large . '}' x 25)
{
    my $name = substr $strange, 0, 12;

    for my $rules (
        qq/{"note":$strange,"releaseRedirections":[]}/,
        qq/{"releaseRedirections":[{"rule":"own","note":$strange}]}/,
        qq/{"releaseRedirections":[{"rule":"own","percentage":$strange}]}/,
        qq/{"releaseRedirections":[{"rule":"buildByIp","buildId":"$live->{id}",/
        . qq/"ipList":["10.0.0.0\/8"],"percentage":$strange}]}/,
    ) {
        settled("$name in rules",
                raw('PUT', "/releases/$app/rules", $rules, 'approve'));
    }
}

settled('a strange webhook',
        $td->deliver($td->body(build(), extra => 1)
            =~ s/\}\s*$/,"releaseInfo":{"note":$large,"releaseRedirections":[
                 {"rule":"own","note":$deep}]},"x":$large}/r));

settled('a strange app',
        raw('PATCH', "/v1/apps/$sound", qq/{"name":"sound","x":$large}/,
            'admin'));
settled('a strange channel',
        raw('POST', "/v1/apps/$sound/channels",
            qq/{"name":"c","expiresInDays":$large,"x":$deep}/, 'admin'));
settled('a strange bundle',
        raw('POST', "/v1/apps/$sound/bundles",
            qq/{"artifactType":"zip","rolloutPercentage":$large}/, 'admin'));

is(join("\n", @unsettled), '', 'all can be read as before');

my $rules = $t->api('GET', "/releases/$app/rules", undef, token => 'read');

is($rules->{status}, 200, 'the rules are there');
unlike($rules->{body}, qr/note/, 'without what nobody knows');

# a damaged app.json

my $spoilt = $t->create_app('spoilt');

damage("apps/$spoilt/app.json", '{"id":"x","n":1.79769313486232e+308}');
$t->mark_log();

my $reply = $t->api('GET', '/v1/apps?limit=1000');

is($reply->{status}, 200, 'the list of apps');
ok((!grep { $_->{id} eq $spoilt } @{$reply->{json}}), 'is without it');
ok((grep { $_->{id} eq $sound } @{$reply->{json}}), 'but has the others');
$t->log_like(qr{"\Q$dir/apps/$spoilt/app.json\E" failed}, 'it is named');
like($t->said($t->api('GET', "/v1/apps/$spoilt")),
     qr/^500 The server could not use its disk/, 'the app itself');

my $organization = $t->api('POST', '/v1/organizations', { name => 'o' })
    ->{json}{id};

like($t->said($t->api('DELETE', "/v1/organizations/$organization")),
     qr/^500 An app that may belong to the organization cannot be read/,
     'an organization that may be its own is kept');
is($td->deliver(build())->{status}, 202, 'builds come in');
restore("apps/$spoilt/app.json");
is($t->api('GET', "/v1/apps/$spoilt")->{status}, 200, 'it is restored');
is($t->api('DELETE', "/v1/organizations/$organization")->{status}, 204,
   'now the organization can go');

# a damaged release.json of a bundle that is deployed

my $new = $t->publish($sound, undef, zip('index.html' => 'new'))->{bundle};
my $channel = $t->api('GET', "/v1/apps/$sound/channels")->{json}[0]{id};

is(told(), $new, 'devices are told of the new one');

my $changes = 0;

for my $text ('', '{', '[]', '{"id":"x"}', "\0" x 100) {
    damage("live/$sound/$new/release.json", $text);

    # any change makes workers load the app
    $t->api('PATCH', "/v1/apps/$sound", { name => 'sound ' . ++$changes });
    is(told(), 'none', 'one is damaged: devices keep what they have');

    restore("live/$sound/$new/release.json");
    ok((wait_until { told() eq $new } 10), 'restored: of the new one');
}

# it is said once, perhaps by a worker that looks before the change

$t->mark_log();
damage("live/$sound/$new/release.json", '{');
$t->api('PATCH', "/v1/apps/$sound", { name => 'sound ' . ++$changes });
told() for 1 .. 4;
$t->log_like(qr{"\Q$dir/live/$sound/$new/release.json\E"}, 'it is named');

$reply = $t->api('GET', "/releases/$sound", undef, token => 'read');
is($reply->{status}, 200, 'the list of releases');
ok((grep { $_->{id} eq $old } @{$reply->{json}}), 'has the sound ones');
ok((!grep { $_->{id} eq $new } @{$reply->{json}}), 'not the damaged one');
is($t->api('GET', "/v1/apps/$sound/builds")->{status}, 200, 'builds');
is($t->api('GET', "/v1/apps/$sound/deployments?relations=appBuild")->{status},
   200, 'deployments');
is($t->api('POST', "/v1/apps/$sound/bundles",
           { artifactType => 'zip', url => 'https://example.com/a.zip',
             checksum => '0' x 64 })->{status}, 201, 'a bundle is registered');
is($t->api('GET', '/status', undef, token => 'read')->{status}, 200,
   'the status');

is($t->publish($sound, undef, zip('index.html' => 'x'))->{reply}{status}, 200,
   'publishing goes on');
restore("live/$sound/$new/release.json");

# of one in staging, with a job

$td->{origin}->script(qr/AppImage$/ => { hold => 1 });

my $held = build();

$td->deliver($held);
$td->{origin}->script();
wait_until { -e "$dir/jobs/$app.$held->{id}" } 10;
$t->kill_nginx();
damage("staging/$app/$held->{id}/release.json", "{\"state\":\"fetch");
$t->run();

my $other = build();

is($td->deliver($other)->{status}, 202, 'a build beside a damaged one');
$td->becomes($other, 'live', 'is fetched');
$td->{t}->wait_log(qr{staging/$app/$held->{id}/release.json}, 5);

my @said = $t->read_log($t->{mark})
    =~ m{^.*staging/$app/$held->{id}/release\.json.*while looking}mg;

cmp_ok(scalar @said, '<=', 2, 'the log is not filled with it');
is($t->api('GET', "/releases/$app", undef, token => 'read')->{status}, 200,
   'releases are listed');
ok(-e "$dir/jobs/$app.$held->{id}", 'its job waits');
restore("staging/$app/$held->{id}/release.json");
$td->becomes($held, 'live', 'and goes on');

# beside release.json

damage("live/$app/$live->{id}/files.json", '');
$reply = $t->api('GET', "/releases/$app/$live->{id}", undef, token => 'read');
is($reply->{status}, 200, 'a release with a damaged file table');
ok(!exists $reply->{json}{files}, 'is told of without it');
restore("live/$app/$live->{id}/files.json");

$t->stop();


# Whatever the answer is, it was meant: everything can be read as before.

sub settled {
    my ($name, $reply) = @_;

    my @wrong;

    push @wrong, "answered $reply->{status}" if $reply->{status} >= 500;

    for (
        [ '/v1/apps?limit=1000', 'read' ], [ "/v1/apps/$sound", 'read' ],
        [ "/v1/apps/$app", 'read' ], [ "/releases/$app", 'read' ],
        [ "/releases/$app/rules", 'read' ],
        [ "/releases/$app/audit", 'read' ],
    ) {
        my $status = $t->api('GET', $_->[0], undef, token => $_->[1])
            ->{status};

        push @wrong, "$_->[0]: $status" if $status != 200;
    }

    push @wrong, "device: " . (told() // 'none') if told() ne $old;

    push @unsettled, "$name: " . join ', ', @wrong if @wrong;
}


sub raw {
    my ($method, $uri, $body, $role) = @_;

    return $t->api($method, $uri, $body, token => $role,
                   headers => [ 'Content-Type' => 'application/json' ]);
}


sub build {
    return $td->build(platforms => [ 'linux' ], size => 500, @_);
}


sub told {
    return $t->latest($sound)->{json}{bundleId} // 'none';
}


sub damage {
    my ($name, $text) = @_;

    rename "$dir/$name", "$dir.kept" or die "rename $name: $!\n";
    $t->write_file("store/$name", $text);
}


sub restore {
    my ($name) = @_;

    rename "$dir.kept", "$dir/$name" or die "rename $name: $!\n";
}
