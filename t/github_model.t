#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Random schedules of builds, pull requests, merges, reverts, edits, approvals,
# withdrawals and rollbacks by hand, webhooks that come late, twice or never,
# errors of GitHub, servers of GitHub that are behind, and kills.  In the end
# there is what a simple model says: what is listed is live, and what is not
# listed any more, is not; but what a person has done here since counts until
# the files say something else about it.
#
# Several schedules run side by side, each with a store, an app and a
# repository of its own; a kill is one for all of them.
#
# LIVEUPDATE_SCHEDULES is how many there are, 30 if not set.

use warnings;
use strict;

use Digest::SHA qw/ sha1_hex /;
use List::Util qw/ first shuffle /;
use Test::More;
use Time::HiRes qw/ sleep time /;

use Test::LiveUpdate qw/ :DEFAULT json_decode json_encode /;
use Test::LiveUpdate::GitHub;
use Test::LiveUpdate::Lane;
use Test::LiveUpdate::ToDesktop;

use constant { BUILDS => 'desktop-builds.json',
               RELEASES => 'desktop-releases.json' };
use constant { LANES => 10, STEPS => 16, MOST => 5 };

my $schedules = $ENV{LIVEUPDATE_SCHEDULES} || 12;
my $seed = srand($ENV{LIVEUPDATE_SEED} // time());

my $t = Test::LiveUpdate->new()->plan(6);
my $td = Test::LiveUpdate::ToDesktop->new($t);
my $gh = Test::LiveUpdate::GitHub->new($t);
my $dir = $t->testdir();

$gh->configure($td, silent => '300ms', fetch => 'retry=20ms tries=100');

my @lanes = map {
    Test::LiveUpdate::Lane->new($t, $_, $td, $gh)
} 0 .. LANES - 1;

Test::LiveUpdate::Lane::configure($t, @lanes);
$t->run();

# what may happen, and how often
my @STEPS = (
    (\&new_build) x 4, (\&deliver_again) x 1, (\&fault) x 3, (\&merge) x 6,
    (\&revert) x 2, (\&close_pull) x 1, (\&reopen) x 1, (\&promote) x 1,
    (\&reject) x 1, (\&withdraw) x 2, (\&rollback) x 1, (\&behind) x 2,
    (\&edit_rules) x 2, (\&edit_list) x 2, (\&unlist) x 1,
    (\&back) x 1, (\&deliver) x 6, (\&settle) x 3, (\&nap) x 2,
    (\&kill_one) x 2,
);

my $calls = qr{(?:GET|POST|PUT) };
my @FAULTS = (
    { status => 500 }, { status => 502, body => '<html>' },
    { status => 502, effect => 1 }, { cut => 'before' }, { cut => 'after' },
    { cut => 'during' }, { late => 0.5 }, { delay => 0.5, linger => 1 },
    { limit => 'secondary', seconds => 1 }, { body => '{', effect => 1 },
    { status => 409, message => 'conflict' }, { delay => 0.1 },
    { status => 401, message => 'Bad credentials' },
);

my ($serial, $kills, $from) = (0, 0, time());
my (%did, %ended, @wrong);

# each schedule goes on as soon as it may, and the next one takes its place

while ($serial < $schedules && @wrong < 10 || grep { $_->{app} } @lanes) {
    my $moved = 0;

    for my $lane (shuffle(@lanes)) {
        next if $lane->{settling} && !settled($lane);

        if (!$lane->{app}) {
            next if $serial >= $schedules || @wrong >= 10;
            begin($lane, ++$serial);
        }

        $moved++;
        (shift @{$lane->{todo}})->($lane);
    }

    sleep(0.01) if !$moved;
}

note(sprintf "seed $seed, $serial schedules in %.0f s, $kills kills",
     time() - $from);
note(join ', ', map { "$_ $did{$_}" } sort keys %did);
note('in the end: ', join ', ', map { "$_ $ended{$_}" } sort keys %ended);

is($serial, $schedules, "$schedules schedules");
is(join("\n", @wrong), '', 'end as the model says');
cmp_ok($kills, '>=', $schedules / 5, 'nginx was killed now and then');
is(join(' ', grep { !$ended{$_} } qw/ live staged /,
        $schedules < 100 ? () : qw/ withdrawn rejected /), '',
   'in all states');

$t->stop();
$t->run();

is(join("\n", map { my $lane = $_; map { "$lane->{name}: $_" }
                    $lane->{store}->check(unfinished => 0),
                    $lane->{store}->temporary() } @lanes), '',
   'the stores are whole');
is(join(' ', map { $_->{td}->jobs() } @lanes), '', 'no job is left');


# -- schedules ---------------------------------------------------------------

sub begin {
    my ($lane, $n) = @_;

    $lane->{gh}->repository(files => { BUILDS, [], RELEASES, {} });
    $lane->{gh}->events();

    @$lane{qw/ app builds pending story commits touched latest /}
        = ("model-$n", [], [], [], [ $lane->{gh}->heads()->{main} ], 0, undef);

    $lane->{todo} = [ (\&step) x STEPS, \&quieten, \&touch, \&finish ];
}


sub step {
    my ($lane) = @_;

    my $name;

    # not everything is possible at any time
    $name = any(@STEPS)->($lane) until defined $name;

    $did{$name =~ s/ \d.*//r}++;
    push @{$lane->{story}}, $name;
}


# -- what happens ------------------------------------------------------------

# A build that ToDesktop announces at once, or later.

sub new_build {
    my ($lane) = @_;

    return if @{$lane->{builds}} >= MOST;

    my $n = @{$lane->{builds}};
    my $build = $lane->{td}->build(
        app => $lane->{app}, platforms => [ 'linux' ], size => 200,
        id => "$lane->{app}-$n", version => "1.$n.0",
    );

    push @{$lane->{builds}}, $build;

    return 'build announced later' if rand() < 0.15;

    announce($lane, $build);

    return "build $n";
}


sub announce {
    my ($lane, $build) = @_;

    my $reply = $lane->{td}->deliver_somehow($build);

    die "$build->{id} was not taken: $reply->{raw}\n"
        if $reply->{status} !~ /^20[02]$/;

    $build->{announced} = 1;
}


sub deliver_again {
    my ($lane) = @_;

    my $build = any(@{$lane->{builds}}) or return;
    my $was = $build->{announced};

    announce($lane, $build);

    return $was ? 'build announced again' : 'build announced now';
}


# The next few requests of some kind, or whatever they are, fail.

sub fault {
    my ($lane) = @_;

    my $what = any($calls, $calls, qr{PUT }, qr{POST }, qr{GET \S+/pulls},
                   qr{GET \S+/contents}, qr{POST \S+/pulls });

    $lane->{gh}->script_more(
        qr{^(?=\S+ /repos/$lane->{repo}\b)$what}
            => { %{any(@FAULTS)}, times => 1 + int rand 3 });

    return 'fault';
}


sub merge {
    my ($lane) = @_;

    my %pulls = pulls($lane);
    my $build = any(grep {
        $pulls{$_->{id}} && !$_->{rejected}
    } @{$lane->{builds}}) or return;

    eval {
        $lane->{gh}->merge($pulls{$build->{id}}{number}, resolve => 1,
                           method => any(qw/ merge squash /));
    } or return 'merge refused';

    $build->{merged} = $pulls{$build->{id}}{number};
    committed($lane);

    return "merge $build->{version}";
}


sub revert {
    my ($lane) = @_;

    my $build = any(grep { $_->{merged} } @{$lane->{builds}}) or return;

    $lane->{gh}->revert(delete $build->{merged});
    committed($lane);

    return "revert $build->{version}";
}


# What was once listed may be approved already: closing it says nothing more.

sub close_pull {
    my ($lane) = @_;

    my %pulls = pulls($lane);
    my $build = any(grep {
        $pulls{$_->{id}} && !$_->{was_listed}
    } @{$lane->{builds}}) or return;

    $lane->{gh}->close_pull($pulls{$build->{id}}{number});
    $build->{closed} = $pulls{$build->{id}}{number};
    $build->{rejected} = 'perhaps';

    return "close $build->{version}";
}


# That is no approval of what was rejected, and may be one of what was not.

sub reopen {
    my ($lane) = @_;

    my $build = any(grep { $_->{closed} } @{$lane->{builds}}) or return;

    eval { $lane->{gh}->reopen(delete $build->{closed}) };

    return "reopen $build->{version}";
}


sub promote {
    my ($lane) = @_;

    my $build = any(grep { $_->{announced} } @{$lane->{builds}}) or return;

    my $reply = release_call($lane, $build, 'promote', {});

    return 'promote refused' if $reply->{status} != 200;

    $build->{promoted} = 1;
    delete $build->{by_hand};
    $lane->{latest} = 'unknown';

    return "promote $build->{version}";
}


sub reject {
    my ($lane) = @_;

    my $build = any(grep {
        $_->{announced} && !$_->{was_listed} && !$_->{promoted}
    } @{$lane->{builds}}) or return;

    my $reply = release_call($lane, $build, 'reject', { reason => 'no' });

    return 'reject refused' if $reply->{status} != 200;

    $build->{rejected} = 'yes';

    return "reject $build->{version}";
}


# In an emergency, while nothing else happens, and all that was pushed is seen:
# otherwise nobody can say which of both comes later.

sub withdraw {
    my ($lane) = @_;

    return unless followed($lane);

    my $build = any(grep { state_of($lane, $_) eq 'live' }
                    @{$lane->{builds}}) or return;
    my $reply = release_call($lane, $build, 'withdraw', {});

    die "withdraw: $reply->{raw}\n" if $reply->{status} != 200;

    $build->{by_hand} = 1;
    $build->{unsure} = 0;
    delete $build->{promoted};
    $lane->{latest} = latest_of($lane);

    return "withdraw $build->{version}";
}


sub rollback {
    my ($lane) = @_;

    return unless followed($lane);

    my $reply = $lane->api('POST', "/releases/$lane->{app}/rollback",
                           { steps => 1 }, token => 'approve');

    return 'rollback refused' if $reply->{status} != 200;

    $lane->{latest} = latest_of($lane);

    return 'rollback';
}


# Whether nothing is to be done, as far as anybody knows, and what was followed
# is what is there: the commit, and its files, for which a late server may have
# shown others.

sub followed {
    my ($lane) = @_;

    $lane->{gh}->catch_up();

    return 0 if $lane->{td}->jobs() || grep { !$_->{announced} }
                                       @{$lane->{builds}};

    my $told = $lane->api('GET', "/releases/$lane->{app}/github", undef,
                          token => 'read')->{json} || {};

    return 0 if ($told->{commit} // '') ne $lane->{gh}->heads()->{main};

    my $seen = json_decode($lane->read_file('store/github.json'))->{files};
    my $files = $lane->{gh}->files();

    return !grep { ($seen->{$_} // '') ne blob($files->{$_}) }
        BUILDS, RELEASES;
}


# The name of a text in Git.

sub blob {
    my ($text) = @_;

    utf8::encode($text);

    return sha1_hex('blob ' . length($text) . "\0$text");
}


sub state_of {
    my ($lane, $build) = @_;

    return $lane->{td}->release($build)->{state} // '';
}


sub latest_of {
    my ($lane) = @_;

    my $app = $lane->{store}->app($lane->{app}) || {};

    return ($app->{desktopReleases} || {})->{latestReleaseBuildId} // 'none';
}


# Servers of GitHub that do not know yet what comes now.

sub behind {
    my ($lane) = @_;

    $lane->{gh}->lag(any(qr{.}, qr{/git/ref}, qr{/contents/}, qr{/compare/},
                         qr{/contents/desktop-b}, qr{/contents/desktop-r}),
                     requests => 1 + int rand 5, old => rand() < 0.5 ? 1 : 0);

    return 'behind';
}


sub release_call {
    my ($lane, $build, $call, $body) = @_;

    return $lane->api('POST',
        "/releases/$lane->{app}/$build->{id}/$call", $body,
        token => 'approve');
}


sub edit_rules {
    my ($lane) = @_;

    my $build = any(listed($lane)) or return;

    commit($lane, { RELEASES, {
        latestReleaseBuildId => $build->{id},
        releaseRedirections => [ rand() < 0.5 ? () : {
            rule => 'buildByIp', ipList => [ '192.0.2.0/24' ],
            buildId => any(listed($lane))->{id} } ],
    } });

    return "rules for $build->{version}";
}


# Somebody lists a build without a pull request, perhaps before it is here.

sub edit_list {
    my ($lane) = @_;

    my %listed = map { $_->{id} => 1 } listed($lane);
    my $build = any(grep {
        !$listed{$_->{id}} && !$_->{rejected}
    } @{$lane->{builds}}) or return;

    commit($lane, { BUILDS, [ @{$lane->{gh}->file(BUILDS)}, {
        id => $build->{id}, version => $build->{version},
        isReleased => JSON::PP::true } ] });

    return "list $build->{version}";
}


sub unlist {
    my ($lane) = @_;

    my $build = any(listed($lane)) or return;

    commit($lane, { BUILDS, [ grep { $_->{id} ne $build->{id} }
                              @{$lane->{gh}->file(BUILDS)} ] });

    return "unlist $build->{version}";
}


# By force, to a commit that was there.

sub back {
    my ($lane) = @_;

    my $commit = any(@{$lane->{commits}});

    $lane->{gh}->move('main', $commit);
    committed($lane);

    # whoever was rejected since must not come back
    unlist_rejected($lane);

    return 'back';
}


sub unlist_rejected {
    my ($lane) = @_;

    my %rejected = map { $_->{id} => 1 } grep { $_->{rejected} }
        @{$lane->{builds}};
    my @builds = @{$lane->{gh}->file(BUILDS)};
    my @rest = grep { !$rejected{$_->{id}} } @builds;

    commit($lane, { BUILDS, \@rest }) if @rest != @builds;
}


# Some of what GitHub has to tell comes now, in any order, some of it twice;
# some comes later or not at all.

sub deliver {
    my ($lane) = @_;

    push @{$lane->{pending}}, $lane->{gh}->events();

    my @now = shuffle(splice @{$lane->{pending}});

    for my $event (@now) {
        my $luck = rand();

        if ($luck < 0.15) {
            push @{$lane->{pending}}, $event;

        } elsif ($luck < 0.85) {
            tell_of($lane, $event) for 1 .. ($luck < 0.25 ? 2 : 1);
        }
    }

    return 'deliver';
}


sub tell_of {
    my ($lane, $event) = @_;

    my $reply = $lane->{gh}->deliver($event);
    my $said = "$reply->{status} " . (($reply->{json} || {})->{message} // '');

    return if $said =~ /^(?:202 accepted|200 ignored|200 seen before)$/;

    my $state = ($reply->{json} || {})->{state} // '';

    push @wrong, "$lane->{app}: an event was answered with $reply->{raw}"
        if $state ne 'rejected';
}


# Nothing else happens here until nobody has anything to do.

sub settle {
    my ($lane) = @_;

    $lane->{settling} = time() + 60;

    return 'settle';
}


sub settled {
    my ($lane) = @_;

    my @jobs = $lane->{td}->jobs();

    return 0 if @jobs && time() < $lane->{settling};

    push @wrong, "$lane->{app}: it does not settle: @jobs" if @jobs;
    $lane->{settling} = 0;

    return 1;
}


sub nap {
    sleep(rand 0.1);

    return 'wait';
}


sub kill_one {
    my ($lane) = @_;

    $kills++;

    if (rand() < 0.7) {
        $t->kill_worker(any($t->workers()));
        return 'kill a worker';
    }

    $t->kill_nginx();
    $t->run();

    return 'kill nginx';
}


# -- what people see ---------------------------------------------------------

sub any {
    return $_[rand @_];
}


# The open pull requests, { build => pull request }.

sub pulls {
    my ($lane) = @_;

    return map { $_->{head} =~ /^release-build-(.+?-\d+-\d+)/ ? ($1 => $_) : ()
    } grep { $_->{state} eq 'open' } $lane->{gh}->pulls();
}


sub listed {
    my ($lane) = @_;

    my %listed = map { $_->{id} => 1 } @{$lane->{gh}->file(BUILDS) || []};

    return grep { $listed{$_->{id}} } @{$lane->{builds}};
}


# The text is another one each time, so that there is something to tell.

sub commit {
    my ($lane, $files) = @_;

    $lane->{gh}->commit({ map {
        $_ => json_encode($files->{$_}) . ' ' x ++$lane->{touched} . "\n"
    } keys %$files });

    committed($lane);
}


sub committed {
    my ($lane) = @_;

    push @{$lane->{commits}}, $lane->{gh}->heads()->{main};

    my %listed = map { $_->{id} => 1 } listed($lane);
    my $rules = json_encode($lane->{gh}->file(RELEASES));

    for my $build (@{$lane->{builds}}) {
        my $is = $listed{$build->{id}} // 0;

        # what the files say about a build now counts, if it is seen before
        # they say the same again
        $build->{unsure} = 1
            if $is != ($build->{is_listed} // 0)
               || $rules ne ($lane->{rules} // '')
                  && $rules =~ /"\Q$build->{id}\E"/;

        $build->{is_listed} = $is;
        $build->{was_listed} = 1 if $is;
    }

    # the latest is what was set here until the rules say something else
    $lane->{latest} = $lane->{latest} ? 'unknown' : undef
        if $rules ne ($lane->{rules} // '');
    $lane->{rules} = $rules;
}


# -- in the end --------------------------------------------------------------

# Nothing goes wrong any more, and all is announced.

sub quieten {
    my ($lane) = @_;

    # nobody can tell an old file from a new one if its push was not told of
    $lane->{gh}->catch_up();
    $lane->{gh}->script_without(qr{/\Q$lane->{repo}\E\\b});
    announce($lane, $_) for grep { !$_->{announced} } @{$lane->{builds}};
    settle($lane);
}


# Whatever was lost, GitHub tells of one more commit.

sub touch {
    my ($lane) = @_;

    $lane->{gh}->events();
    commit($lane, { BUILDS, $lane->{gh}->file(BUILDS) });
    tell_of($lane, $_) for $lane->{gh}->events();
    settle($lane);
}


sub finish {
    my ($lane) = @_;

    my @found = verify($lane);

    push @wrong, map { "$lane->{app}: $_" } @found;
    diag("$lane->{app}: ", join(', ', @{$lane->{story}}), "\n",
         map { "  $_\n" } @found) if @found;

    $lane->api('DELETE', "/v1/apps/$lane->{app}", undef) if !@found;
    delete $lane->{app};
}


# What is wrong, against the model.

sub verify {
    my ($lane) = @_;

    my $app = $lane->{app};
    my %listed = map { $_->{id} => 1 } listed($lane);
    my %promoted = map { $_->{subject} => 1 }
        grep { $_->{change} eq 'release.promote' } $lane->{store}->audit($app);
    my @found = $lane->{store}->check(app => $app);

    for my $build (@{$lane->{builds}}) {
        my $release = $lane->{td}->release($build);
        my $state = $release->{state};
        my @may = may_be($build, $listed{$build->{id}});

        $ended{$state}++;

        push @found, "$build->{id} is $state instead of "
                     . join(' or ', @may) . ': ' . json_encode($release)
            unless grep { $_ eq $state } @may;

        push @found, "$build->{id} is $state, but was "
                     . ($promoted{$build->{id}} ? '' : 'not ') . 'promoted'
            if ($state =~ /^(?:live|withdrawn)$/ ? 1 : 0)
               != ($promoted{$build->{id}} // 0);

        push @found, wrong_pulls($lane, $build, $release);

        # what was rejected early has none
        push @found, $lane->{td}->wrong_files($build)
            if $state ne 'rejected';
    }

    return (@found, wrong_rules($lane, %listed));
}


# What is listed is live, unless somebody has withdrawn it here since.  What was
# never listed is what a person has made of it.  What was listed once was seen
# by us then, or not.

sub may_be {
    my ($build, $listed) = @_;

    if ($listed) {
        return 'live' if !$build->{by_hand};
        return ('withdrawn', $build->{unsure} ? 'live' : ());
    }

    return 'rejected' if ($build->{rejected} // '') eq 'yes';
    return 'withdrawn' if $build->{by_hand};
    return ('live', $build->{was_listed} ? 'withdrawn' : ())
        if $build->{promoted};

    return ('staged', $build->{was_listed} ? 'withdrawn' : (),
            $build->{rejected} ? 'rejected' : ());
}


# One pull request, but for those that nobody had to be asked for.

sub wrong_pulls {
    my ($lane, $build, $release) = @_;

    my @pulls = $lane->{gh}->pulls_of($build);
    my $known = ($release->{pullRequest} || {})->{number};
    my @found;

    push @found, @pulls . " pull requests for $build->{id}"
        if @pulls > 1 || !@pulls && $release->{state} eq 'staged';

    push @found, "$build->{id} says #$known"
        if defined $known && (!@pulls || $known != $pulls[0]{number});

    push @found, "$build->{id} says nothing of #$pulls[0]{number}"
        if @pulls && !defined $known && $release->{state} eq 'staged';

    push @found, "$build->{id} waits: $release->{reason}"
        if $release->{state} eq 'staged' && exists $release->{reason};

    return @found;
}


# The rules are those of the file, as far as they are about what is listed.

sub wrong_rules {
    my ($lane, %listed) = @_;

    my $app = $lane->{app};
    my $json = $lane->{store}->app($app) || {};
    my $rules = $lane->{gh}->file(RELEASES);
    my $have = $json->{desktopReleases} || {};
    my $latest = $rules->{latestReleaseBuildId};
    my @found;

    # what was done here counts for what the rules do not say anew
    return @found if grep { $_->{by_hand} || $_->{promoted} }
                     @{$lane->{builds}};

    push @found, 'the latest is ' . ($have->{latestReleaseBuildId} // '-')
                 . ", not $lane->{latest}"
        if ($lane->{latest} // 'unknown') !~ /^(?:unknown|none)$/
           && ($have->{latestReleaseBuildId} // '') ne $lane->{latest};

    if (!$lane->{latest} && defined $latest && $listed{$latest}) {
        push @found, 'the latest is ' . ($have->{latestReleaseBuildId} // '-')
                     . ", not $latest"
            if ($have->{latestReleaseBuildId} // '') ne $latest;

        my @rules = grep { $listed{$_->{buildId}} }
            @{$rules->{releaseRedirections} || []};

        push @found, 'other rules: ' . json_encode($have)
            if json_encode(\@rules)
               ne json_encode($have->{releaseRedirections} || []);

        my $build = first { $_->{id} eq $latest } @{$lane->{builds}};
        my $feed = $lane->api('GET', "/desktop/$app/latest-linux.yml",
                                      undef, token => undef);

        push @found, "the feed says $feed->{status} $feed->{body}"
            if $feed->{body} !~ /^version: \Q$build->{version}\E$/m;
    }

    return @found if !@{$lane->{builds}};

    my $told = $lane->api('GET', "/releases/$app/github", undef,
                                  token => 'read')->{json};

    push @found, 'it says ' . json_encode($told)
        if exists $told->{error}
           || ($told->{commit} // '') ne $lane->{gh}->heads()->{main};

    return @found;
}
