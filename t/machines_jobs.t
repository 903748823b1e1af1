#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Two machines with one store fetch builds.  Each job is done once, whatever
# becomes of the machine that has claimed it: one that was cut off, and comes
# back, does nothing more for a job that another has taken over.
#
# LIVEUPDATE_FENCES=1 cuts it off before each change of the store, not before
# some of them.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_decode /;
use Test::LiveUpdate::Machines;
use Test::LiveUpdate::ToDesktop;

use constant { STEP => $ENV{LIVEUPDATE_FENCES} ? 1 : 23, MOST => 400 };

my $t = Test::LiveUpdate->new();
my $td = Test::LiveUpdate::ToDesktop->new($t);
my $origin = $td->{origin};
my $machines = Test::LiveUpdate::Machines->new($t,
    files => { 'secret.todesktop' => "$td->{secret}\n" },
    server => <<"EOC");
liveupdate_fetch  /fetch/  retry=200ms tries=3;

        location = /hooks/todesktop {
            liveupdate_webhook  todesktop  secret=secret.todesktop;
        }

        location ~ ^/desktop/(?<liveupdate_desktop>[^/]+)/ {
            liveupdate_feed  \$liveupdate_desktop;
            root  store;
        }

        location ^~ /fetch/ {
            internal;
            proxy_pass         ${\ $origin->url()}\$liveupdate_fetch_uri;
            proxy_store        \$liveupdate_fetch_path;
            proxy_temp_path    store/tmp/fetch;
            proxy_read_timeout 3s;
        }
EOC

# what goes wrong is seen at the first one
my ($one, $two) = $machines->machines();
my $store = $machines->store();

$t->plan(30);

# a delivery comes to both machines, and again

$machines->lie(keep => 200, stale => 50, silly => 1);
$origin->script(qr/exe$/ => { slow => 100_000 });

my $build = build();
my @said = $machines->at_once(map { my $machine = $_;
                                    sub { deliver($build, $machine) } }
                              ($one, $two) x 2);

is(join(' ', @said), '202 202 202 202', 'four deliveries are taken');
becomes($build, 'four deliveries');
is(claims($build), 1, 'one machine has claimed it');
is(join("\n", twice($build)), '', 'and has fetched each file once');

# the machine that fetches is killed

$machines->lie();
$origin->mark()->script(qr/x64\.exe$/ => { times => 1, stall => 500 });
$build = build();

is(deliver($build, $two), 202, 'killed: taken');
ok((wait_until { $td->verified($build) == keys(%{$build->{files}}) - 1 } 10),
   'killed: one file is left');
$two->crash();
becomes($build, 'killed');
is(join("\n", grep { !/x64\.exe$/ } twice($build)), '',
   'killed: no other file is fetched again');
$two->mount();
$two->run();

# it is cut off, and its fetch fails before it comes back

$origin->mark()->script(qr/x64\.exe$/ => { times => 1, stall => 500 },
                        qr/x64\.exe$/ => { slow => 2500 });
$build = build();
$two->{t}->mark_log();

is(deliver($build, $two), 202, 'back: taken');
ok((wait_until {
       flying() && $td->verified($build) == keys(%{$build->{files}}) - 1
   } 10), 'back: one file is left');
$two->cut_off(1);

my ($begun) = $machines->begin(sub {
    $two->api('PATCH', "/v1/apps/$build->{app}", { name => 'cut off' });
});

ok((wait_until { $two->is_cut_off() } 10), 'back: it is cut off');
ok((wait_until { flying() == 2 } 10), 'back: the other one fetches');
ok((wait_until { flying() == 1 } 10), 'back: the first one fails');
$two->lie();
$machines->ended($begun);
ok($two->{t}->wait_log(qr/has to wait|was taken over/, 10), 'back: it ends');
ok(!Test::LiveUpdate::wait_quietly(sub { tried($build) ne 'fetching' }, 1),
   'back: its try counts for nothing') or diag(tried($build));
$origin->script();
becomes($build, 'back');
$two->{t}->log_like(qr/"$build->{id}" of app .* was taken over by another/,
                    'back: it says why');

# a release is promoted while the other machine fetches

my $old = $build;

is(act($old, 'withdraw'), 200, 'promoted: one is withdrawn');
$origin->mark()->script(qr/x64\.exe$/ => { hold => 500 });
$build = build();
is(deliver($build, $two), 202, 'promoted: another one is taken');
ok((wait_until { flying() } 10), 'promoted: it is fetched');
is(act($old, 'promote'), 200, 'promoted: meanwhile the first one is released');
$origin->script();
becomes($build, 'promoted');
is(listed($old), 1, 'promoted: so is the other one');

# it is cut off at any moment, and comes back when all is done

my $cuts = 0;
my @wrong;

for (my $n = 1; $n < MOST; $n += STEP) {
    my ($was_cut, @said) = fence($n);

    push @wrong, map { "change $n: $_" } @said;
    last if !$was_cut;
    $cuts++;
}

note("cut off $cuts times");
cmp_ok($cuts, '>', 2, 'any moment: it was cut off');
is(join("\n", @wrong), '', 'any moment: the other one has done it');

# who is at work has ended when nginx has

$machines->stop();

my @builds = values %{$td->{builds}};

is(join(' ', map { $_->{id} } grep { listed($_) != 1 } @builds), '',
   'each build is listed once');
is(join(' ', grep { job($_) } @builds), '', 'no job is left');
is(join("\n", $store->check(late => 1)), '', 'the store is whole');
is(join("\n", $machines->alerts()), '', 'no alerts of the other machine');
is(join("\n", grep { !m{^tmp/m1\b} } $store->temporary()), '',
   'the other has left nothing in tmp');


# Cuts off the second machine before its n-th change, from the delivery on.
# Returns whether it came that far, and what is wrong.

sub fence {
    my ($n) = @_;

    my $build = build(size => 2000);

    $two->cut_off($n);

    my ($begun) = $machines->begin(sub { deliver($build, $two) });

    wait_until { $two->is_cut_off() || is_done($build) } 10;

    my $was_cut = $two->is_cut_off();

    # ToDesktop delivers what nobody has taken once more
    wait_until { deliver($build, $one) < 300 } 10;

    my $is_done = wait_until { is_done($build) } 10;

    $two->lie();
    $machines->ended($begun);

    return $was_cut, $is_done ? () : 'it is ' . tried($build),
        $store->check(late => 1);
}


sub build { return $td->build(platforms => ['windows'], @_) }


sub deliver {
    my ($build, $machine) = @_;

    return $td->deliver($build, port => $machine->{port})->{status};
}


sub act {
    my ($build, $action) = @_;

    return $one->api('POST', "/releases/$build->{app}/$build->{id}/$action", {},
                     token => 'approve')->{status};
}


sub becomes {
    my ($build, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    subtest("$name: the release" => sub {
        ok((wait_until { is_done($build) } 15), 'is live')
            or diag('it is ' . tried($build));
        is(listed($build), 1, 'once');
        is(join("\n", $td->wrong_files($build)), '', 'and whole');
    });
}


sub flying { return scalar($origin->flying(qr/x64\.exe$/)) }


# The files of a build that were asked for more than once.

sub twice {
    my ($build) = @_;

    my %asked;

    $asked{$_->{name}}++ for $origin->requests();

    return grep { ($asked{$_} // 0) > 1 } sort keys %{$build->{files}};
}


# How often a machine has said that it has a job.

sub claims {
    my ($build) = @_;

    return scalar(map { $_->{t}->read_log()
                        =~ /job for "$build->{id}" .* is claimed/g }
                  $one, $two);
}


sub release {
    my ($build) = @_;

    for my $place (qw/ staging live /) {
        my $path = "$place/$build->{app}/$build->{id}/release.json";

        return $store->json($path) if -e "$store->{dir}/$path";
    }

    return { state => 'gone' };
}


# The state of a release, and what the last try has written.

sub tried {
    my ($build) = @_;

    my $release = release($build);

    return join ', ', $release->{state},
        map { "$_ $release->{$_}" } grep { defined $release->{$_} }
        qw/ attempts nextAttemptAt reason /;
}


sub job {
    my ($build) = @_;

    return -e "$store->{dir}/jobs/$build->{app}.$build->{id}";
}


sub listed {
    my ($build) = @_;

    my $text = $store->text("apps/$build->{app}/app.json") // return 0;

    return scalar(grep { $_->{id} eq $build->{id} }
                  @{json_decode($text)->{desktopBuilds}});
}


sub is_done {
    my ($build) = @_;

    return listed($build) && !job($build);
}
