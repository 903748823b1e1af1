#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# A machine is cut off in the middle of a call, another one does something with
# the same app, and the first comes back and goes on: what the other was told
# holds, and the first one has done all of its own, or nothing.
#
# LIVEUPDATE_FENCES=1 cuts it off before each change of the store, not before
# some of them; LIVEUPDATE_FLOWS="zip" looks only at what has that in its name.

use warnings;
use strict;

use Test::More;
use Time::HiRes qw/ sleep /;

use Test::LiveUpdate qw/ :DEFAULT zip /;
use Test::LiveUpdate::Machines;
use Test::LiveUpdate::Release qw/ dist /;

use constant { STEP => $ENV{LIVEUPDATE_FENCES} ? 1 : 6, MOST => 400 };

my $t = Test::LiveUpdate->new();
my $machines = Test::LiveUpdate::Machines->new($t);
my ($one, $two) = $machines->machines();
my $store = $machines->store();
my $app = $one->create_app('fence');
my $nonce = 0;
my $from = 0;

$one->create_channel($app, 'production');
create($two, 'shop');

# What is done to what both are about; what must hold if the second machine was
# told that it did it ("late": unless the first was told so, too), and if the
# first was told.

my %flows = (
    'a bundle is made ready twice' => {
        prepare => sub { uploaded(1) },
        one => sub { ready($one, $_[0]) },
        two => sub { ready($two, $_[0]) },
        good => sub { is_live(@_) },
    },
    'a zip is made ready twice' => {
        prepare => sub { uploaded(0) },
        one => sub { ready($one, $_[0]) },
        two => sub { ready($two, $_[0]) },
        good => sub { is_live(@_) },
    },
    'a bundle is made ready, and deleted' => {
        prepare => sub { uploaded(1) },
        one => sub { ready($one, $_[0]) },
        two => sub { remove($two, $_[0]) },
        good => sub { is_gone(@_) },
    },
    'a bundle is deleted, and deployed' => {
        prepare => sub { published() },
        one => sub { remove($one, $_[0]) },
        two => sub { deploy($two, $_[0]) },
        good => sub { is_live(@_) },
        late => 1,
        may => [404],
    },
    'a file is uploaded twice' => {
        prepare => sub { my $id = announced();
                         $two->upload($app, $id, zip('index.html' => 1)); $id },
        one => sub { $one->upload($app, $_[0], zip('index.html' => 2)) },
        two => sub { $two->upload($app, $_[0], zip('index.html' => 3)) },
        good => sub { my ($id) = @_; until_told($two, $id); is_live($id) },
    },
    'two channels are created' => {
        prepare => sub { 'c' . ++$nonce },
        one => sub { channel($one, "$_[0]a") },
        two => sub { channel($two, "$_[0]b") },
        good => sub { my ($name) = @_; has_channel("${name}b") },
        done => sub { my ($name) = @_; has_channel("${name}a") },
    },
    'two organizations are created' => {
        prepare => sub { 'o' . ++$nonce },
        one => sub { organization($one, "$_[0]a") },
        two => sub { organization($two, "$_[0]b") },
        good => sub { my ($name) = @_; has_organization("${name}b") },
        done => sub { my ($name) = @_; has_organization("${name}a") },
    },
    'a bundle is announced, and another one' => {
        prepare => sub { '' },
        one => sub { announce($one) },
        two => sub { announce($two) },
        good => sub { () },
    },
    'an app is deleted, and made anew' => {
        prepare => sub { my $id = 'app' . ++$nonce; create($two, $id); $id },
        one => sub { $one->api('DELETE', "/v1/apps/$_[0]") },
        two => sub { $two->api('DELETE', "/v1/apps/$_[0]");
                     create($two, $_[0]) },
        good => sub { can_publish($_[0]) },
        late => 1,
        may => [409],
    },
    'limits of a bundle are set twice' => {
        prepare => sub { published() },
        one => sub { limit($one, $_[0], '5') },
        two => sub { limit($two, $_[0], '7') },
        good => sub { my ($id) = @_;
            my $is = $store->release($app, $id)->{minAndroidAppVersionCode};
            $is =~ /^[57]$/ ? () : "the limit is $is" },
    },
    'a desktop release is staged twice' => {
        prepare => sub { put() },
        one => sub { release($one, $_[0], 'stage') },
        two => sub { release($two, $_[0], 'stage') },
        good => sub { is_released($_[0]) },
        may => [404, 409],
    },
    'a desktop release is withdrawn, and promoted' => {
        prepare => sub { released() },
        one => sub { release($one, $_[0], 'withdraw') },
        two => sub { release($two, $_[0], 'promote') },
        good => sub { is_released($_[0]) },
        late => 1,
    },
    'a desktop release is deleted, and promoted' => {
        prepare => sub { my $id = released();
                         release($two, $id, 'withdraw'); $id },
        one => sub { $one->api('DELETE', "/releases/shop/$_[0]") },
        two => sub { release($two, $_[0], 'promote') },
        good => sub { is_released($_[0]) },
        late => 1,
        may => [404],
    },
    'a desktop release is promoted, and deleted' => {
        prepare => sub { my $id = released();
                         release($two, $id, 'withdraw'); $id },
        one => sub { release($one, $_[0], 'promote') },
        two => sub { release($two, $_[0], 'withdraw');
                     $two->api('DELETE', "/releases/shop/$_[0]") },
        good => sub { my ($id) = @_;
                      -e "$t->{testdir}/disk/live/shop/$id" ? 'is there' : ()
                    },
        late => 1,
    },
);

my $wanted = $ENV{LIVEUPDATE_FLOWS} // '';
my @flows = grep { /$wanted/ } keys %flows;

$t->plan(@flows + 2);

for my $name (sort @flows) {
    my $flow = $flows{$name};
    my @wrong;
    my ($cuts, %told) = 0;

    for (my $n = 1 + $from++ % STEP; $n < MOST; $n += STEP) {
        my ($was_cut, @said) = fence($flow, $n, \%told);

        push @wrong, map { "change $n: $_" } @said;
        last if !$was_cut;
        $cuts++;
    }

    push @wrong, 'it was never cut off' if !$cuts;

    is(join("\n", @wrong), '', $name);
    note("cut off $cuts times: ", join ', ',
         map { "$told{$_} times $_" } sort keys %told);
}

is(join("\n", $machines->alerts()), '', 'no alerts of the other machine');
is(join("\n", grep { !m{^tmp/m1\b} } $store->temporary()), '',
   'the other has left nothing in tmp');

$machines->stop();


# Cuts off the first machine before its n-th change.  Returns whether it came
# that far, and what is wrong afterwards.

sub fence {
    my ($flow, $n, $told) = @_;

    my $state = $flow->{prepare}->();
    my @wrong;

    $one->cut_off($n);

    my ($begun) = $machines->begin(sub {
        my $reply = $flow->{one}->($state);

        return { status => $reply->{status}, raw => $reply->{raw} };
    });

    my $over = '';

    vec($over, fileno $begun->{from}, 1) = 1;

    # its answer, or the end of its way
    while (!$one->is_cut_off()) {
        last if select(my $ready = $over, undef, undef, 0.002);
    }

    my $was_cut = $one->is_cut_off();
    my $second = until_done(sub { $flow->{two}->($state) });

    $one->lie();

    my ($first) = $machines->ended($begun);

    $told->{"$first->{status} and $second->{status}"}++;

    push @wrong, "the first: $first->{raw}"
        if $first->{status} !~ /^(?:20[014]|404|409|503)$/;
    push @wrong, "the second: $second->{raw}"
        if $second->{status} !~ /^20[014]$/
           && !grep { $second->{status} == $_ } @{$flow->{may} // []};


    # who is cut off before he has the turn may undo what was done before
    push @wrong, $flow->{good}->($state)
        if $second->{status} < 300
           && !($flow->{late} && $first->{status} < 300);

    push @wrong, $flow->{done}->($state)
        if $flow->{done} && $first->{status} < 300;
    push @wrong, $store->check(late => 1);

    return ($was_cut, @wrong);
}


# Who is told to come again does.

sub until_done {
    my ($code) = @_;

    my $reply;

    for (1 .. 50) {
        $reply = $code->();
        return $reply if $reply->{status} != 503;

        sleep(0.05);
    }

    return $reply;
}


# -- calls -------------------------------------------------------------------

sub announce {
    my ($machine, $type) = @_;

    return $machine->api('POST', "/v1/apps/$app/bundles", {
        appId => $app, artifactType => $type // 'zip',
        channelName => 'production', rolloutPercentage => 1,
    }, token => 'publish');
}


sub announced { announce($two, @_)->{json}{id} }


sub uploaded {
    my ($is_manifest) = @_;

    my $id = announced($is_manifest ? 'manifest' : 'zip');
    my $text = 'bundle ' . ++$nonce;

    if ($is_manifest) {
        my %files = ('index.html' => $text x 200, 'a/b.js' => "$text b" x 100);

        files($two, $id, %files);

    } else {
        $two->upload($app, $id, zip('index.html' => $text));
    }

    return $id;
}


sub files {
    my ($machine, $id, %files) = @_;

    my $manifest = Test::LiveUpdate::HTTP::json_encode([map { {
        href => $_, checksum => Digest::SHA::sha256_hex($files{$_}),
        sizeInBytes => length $files{$_},
    } } sort keys %files]);

    $machine->upload($app, $id, $files{$_}, href => $_) for sort keys %files;
    $machine->upload($app, $id, $manifest,
                     href => 'capawesome-live-update-manifest.json');
}


sub published {
    my $reply = $two->publish($app, 'production',
                              zip('index.html' => ++$nonce));

    return $reply->{bundle} // die "not published: $reply->{reply}{raw}\n";
}


sub ready {
    my ($machine, $id) = @_;

    return $machine->api('PATCH', "/v1/apps/$app/bundles/$id",
                         { artifactStatus => 'ready' }, token => 'publish');
}


sub until_told {
    my ($machine, $id) = @_;

    until_done(sub { ready($machine, $id) });
}


sub remove {
    my ($machine, $id) = @_;

    return $machine->api('DELETE', "/v1/apps/$app/bundles/$id");
}


sub deploy {
    my ($machine, $id) = @_;

    return $machine->api('POST', "/v1/apps/$app/deployments", {
        appId => $app, appBuildId => $id, appChannelName => 'production',
    }, token => 'publish');
}


sub channel {
    my ($machine, $name) = @_;

    return $machine->api('POST', "/v1/apps/$app/channels", { name => $name });
}


sub organization {
    my ($machine, $name) = @_;

    return $machine->api('POST', '/v1/organizations', { name => $name });
}


sub create {
    my ($machine, $id) = @_;

    return $machine->api('POST', '/v1/apps', { name => $id, id => $id,
                                               type => 'electron' });
}


sub limit {
    my ($machine, $id, $limit) = @_;

    return $machine->api('PATCH', "/v1/apps/$app/builds/$id",
                         { minAndroidAppVersionCode => $limit });
}


# A desktop release, as it lies in staging.

sub put {
    my $id = 'r' . ++$nonce;

    dist($two->{t}, 'shop', $id, {
        'latest.yml' => ["1.0.$nonce", "Shop Setup 1.0.$nonce.exe"],
        'latest-mac.yml' => ["1.0.$nonce", "Shop-1.0.$nonce-mac.zip"],
    });

    return $id;
}


sub released {
    my $id = put();
    my $reply = release($two, $id, 'stage');

    $reply->{status} < 300 or die "not released: $reply->{raw}\n";

    return $id;
}


sub release {
    my ($machine, $id, $action) = @_;

    return $machine->api('POST', "/releases/shop/$id/$action", {},
                         token => $action eq 'stage' ? 'publish' : 'approve');
}


# -- what must hold ----------------------------------------------------------

sub is_live {
    my ($id) = @_;

    my @deployments = grep { $_->{release} eq $id } $store->deployments($app);

    return map { "it $_" }
        @deployments ? () : 'is not deployed',
        -d "$t->{testdir}/disk/live/$app/$id" ? () : 'is not live',
        -e "$t->{testdir}/disk/staging/$app/$id" ? 'is still staged' : ();
}


sub can_publish {
    my ($id) = @_;

    my $reply = $two->publish($id, undef, zip('index.html' => $id));

    return $reply->{ok} ? () : "cannot publish: $reply->{reply}{raw}";
}


sub is_released {
    my ($id) = @_;

    my $n = grep { $_->{id} eq $id } @{$store->app('shop')->{desktopBuilds}};

    return map { "it $_" }
        $n == 1 ? () : "is listed $n times",
        -d "$t->{testdir}/disk/live/shop/$id" ? () : 'is not live',
        -e "$t->{testdir}/disk/staging/shop/$id" ? 'is still staged' : ();
}


sub is_gone {
    my ($id) = @_;

    return map { "it is still in $_" }
        grep { -e "$t->{testdir}/disk/$_/$app/$id" } qw/ live staging /;
}


sub has_channel {
    my ($name) = @_;

    my $n = grep { $_->{name} eq $name } @{$store->app($app)->{channels}};

    return $n == 1 ? () : "$n channels $name";
}


sub has_organization {
    my ($name) = @_;

    my $n = grep { $_->{name} eq $name }
        @{$two->api('GET', '/v1/organizations')->{json}};

    return $n == 1 ? () : "$n organizations $name";
}
