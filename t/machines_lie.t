#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Two machines write one store through mounts that lie, as those of network file
# systems do: every change that was accepted is there, once.

use warnings;
use strict;

use Digest::SHA qw/ sha256_hex /;
use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_encode multipart zip /;
use Test::LiveUpdate::Machines;
use Test::LiveUpdate::Publisher;

use constant { PUBLISHERS => 3, EACH => 3 };

my $t = Test::LiveUpdate->new();
my $machines = Test::LiveUpdate::Machines->new($t);
my @machines = $machines->machines();
my $store = $machines->store();
my $nonce = 0;

my @lies = (
    ['names are remembered', keep => 400],
    ['names are stale, files have silly names', keep => 400, stale => 50,
     silly => 1],
    ['locks are lost', nolock => 1],
    ['locks are lost, names are remembered', keep => 300, stale => 50,
     nolock => 1],
    ['answers are lost', lost => 15],
    ['all of it', keep => 200, stale => 50, silly => 1, lost => 5,
     nolock => 1],
);

$t->plan(13 * @lies + 1);

for my $lie (@lies) {
    my ($name, %rules) = @$lie;

    $machines->lie();

    my $app = $machines[0]->create_app($name);

    $machines[0]->create_channel($app, 'production');

    my $first = $machines[1]->publish($app, 'production',
                                      zip('index.html' => 'first'));

    $machines->lie(%rules);

    my @said = $machines->at_once(map { work($machines[$_ % 2], $app, $_) }
                                  1 .. 2 * PUBLISHERS);

    $machines->lie();

    my @done = grep { $_->{ok} } map { @{$_->{done}} } @said;
    my @failed = map { @{$_->{failed}} } @said;

    is(join("\n", grep { !/^503 / } @failed), '',
       "$name: nothing fails but with 503");
    is(join("\n", map { @{$_->{refused}} } @said), '',
       'nothing is refused');
    is(scalar @done, 2 * PUBLISHERS * EACH, 'in the end all is accepted');
    is_deeply([sort map { $_->{bundle} } @done, $first],
              [sort map { $_->{release} } $store->deployments($app)],
              'every bundle is deployed, once');

    my $json = $store->app($app);

    is_deeply([sort map { $_->{name} } @{$json->{channels}}],
              [sort 'default', 'production', map { "c$_" }
               1 .. 2 * PUBLISHERS], 'every channel is there, once');

    my $last = ($store->deployments($app))[0]{release};

    ok((wait_until {
        !grep { ($_->latest($app, channelName => 'production')
                 ->{json}{bundleId} // '') ne $last } @machines
    } 5), 'both tell of the last one');

    is_deeply([sort map { $_->{name} =~ /^o(\d+) \Q$name\E$/ ? $1 : () }
               @{$machines[1]->api('GET', '/v1/organizations')->{json}}],
              [1 .. 2 * PUBLISHERS], 'so is every organization');

    # an id that the other machine has just asked for in vain

    my $id = 'app-' . ++$nonce;

    $machines->lie(%rules);
    $machines[1]->api('GET', "/v1/apps/$id");
    my @statuses = map { create($_, $id) } @machines;
    $machines->lie();

    is("@statuses", '201 409', 'an app is created once');

    # one bundle through both: files, parts of a large one, and its end

    my ($bundle, @refused) = together($app, %rules);

    is(join("\n", @refused), '', 'one bundle through both machines');
    is(scalar(grep { $_->{release} eq $bundle } $store->deployments($app)), 1,
       'is deployed once');
    is(digest("live/$app/$bundle/files/large.bin"), sha256_hex(large()),
       'with all its bytes');
    is(scalar @{$store->json("live/$app/$bundle/files.json")}, 5,
       'and all its files');
    is(join("\n", $store->check(late => 1)), '', 'the store is whole');

    my %told;

    $told{$_}++ for @failed;
    note("$told{$_} times $_") for sort keys %told;
}

is(join("\n", $machines->alerts()), '', 'no alerts of the other machine');

$machines->stop();


sub create {
    my ($machine, $id) = @_;

    my @statuses;

    my $publisher = Test::LiveUpdate::Publisher->new($machine,
        retries => 20, pause => 0.1, failed => sub {
            push @statuses, $_[0] ? $_[0]{status} : 'none';
        });

    push @statuses, $publisher->api('POST', '/v1/apps',
        { name => $id, id => $id, type => 'capacitor' })->{status};

    return grep { $_ ne 503 } @statuses;
}


# Each call goes to another machine, and both say at once that it is ready.

sub together {
    my ($app, %rules) = @_;

    my $n = 0;
    my @publishers = map {
        Test::LiveUpdate::Publisher->new($_, retries => 20, pause => 0.1)
    } @machines;
    my $next = sub { $publishers[$n++ % 2] };
    my @replies;

    $machines->lie(%rules);

    my $reply = $next->()->api('POST', "/v1/apps/$app/bundles", {
        appId => $app, artifactType => 'manifest',
        channelName => 'production', rolloutPercentage => 1,
    }, token => 'publish');

    my $bundle = $reply->{json}{id};
    my %files = ('index.html' => 'x' x 3000, 'a.js' => 'y' x 3000,
                 'b/c.css' => 'z' x 3000, 'large.bin' => large());

    push @replies, $reply;

    for my $href (sort grep { !/large/ } keys %files) {

        # the second one takes the place of the first
        push @replies, map { $next->()->upload($app, $bundle, $_,
                                               href => $href) }
            "not $href", $files{$href};
    }

    push @replies, in_parts($next, $app, $bundle, 'large.bin', large());
    push @replies, $next->()->upload($app, $bundle, manifest(%files),
        href => 'capawesome-live-update-manifest.json');

    push @replies, $machines->at_once(map {
        my $publisher = $_;

        map { sub {
            my $reply = $publisher->api('PATCH',
                "/v1/apps/$app/bundles/$bundle",
                { artifactStatus => 'ready' }, token => 'publish');

            return { map { $_ => $reply->{$_} } qw/ status raw / };
        } } 1 .. 4;

    } @publishers);

    $machines->lie();

    return $bundle, map { $_->{raw} } grep { $_->{status} >= 300 } @replies;
}


sub in_parts {
    my ($next, $app, $bundle, $href, $bytes) = @_;

    my $announced = $next->()->upload($app, $bundle, '', href => $href,
        form => { file => undef, checksum => sha256_hex($bytes),
                  sizeInBytes => length $bytes });
    my $path = "/v1/apps/$app/bundles/$bundle/files/$announced->{file}/upload";
    my $open = $next->()->api('POST', "$path?action=mpu-create", {},
                              token => 'publish');
    my $query = "uploadId=$open->{json}{uploadId}";
    my @replies = ($announced, $open);
    my @parts;

    for my $number (1 .. 4) {
        my $part = substr $bytes, ($number - 1) * length($bytes) / 4,
                          length($bytes) / 4;

        my ($body, $type) = multipart(
            blob => { bytes => $part, filename => $href,
                      type => 'application/octet-stream' },
            partNumber => $number);

        push @replies, $next->()->api('PUT',
            "$path?action=mpu-uploadpart&$query", $body, type => $type,
            token => 'publish');
        push @parts, { partNumber => $number,
                       etag => $replies[-1]{json}{etag} };
    }

    return @replies, $next->()->api('POST',
        "$path?action=mpu-complete&$query", { parts => \@parts },
        token => 'publish');
}


sub large { join '', map { sprintf '%08d', $_ } 1 .. 50_000 }


sub manifest {
    my (%files) = @_;

    return json_encode([map { {
        href => $_, checksum => sha256_hex($files{$_}),
        sizeInBytes => length $files{$_},
    } } sort keys %files]);
}


sub digest {
    my ($name) = @_;

    return sha256_hex($store->text($name) // '');
}


# One publisher's work at one machine.

sub work {
    my ($machine, $app, $n) = @_;

    return sub {
        my @failed;

        my $publisher = Test::LiveUpdate::Publisher->new($machine,
            retries => 20, pause => 0.1, failed => sub {
                my ($reply, $reason) = @_;

                push @failed, $reply ? "$reply->{status} "
                    . ($reply->{json}{message} // '') : "no answer: $reason";
            });

        my @done = map {
            $publisher->publish($app, 'production',
                                zip('index.html' => "$n $_"))
        } 1 .. EACH;

        my @replies = map { $_->{reply} } grep { !$_->{ok} } @done;

        push @replies, grep { $_->{status} != 201 }
            $publisher->api('POST', "/v1/apps/$app/channels",
                            { name => "c$n" }),
            $publisher->api('POST', '/v1/organizations',
                            { name => "o$n " . $store->app($app)->{name} });

        return { failed => \@failed,
                 refused => [map { $machine->said($_) } @replies],
                 done => [map { { ok => $_->{ok}, bundle => $_->{bundle} } }
                          @done] };
    };
}
