#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Several machines on one store, on a real engine: see scale.sh, which runs
# this.  Publishers work on all machines at once, alone and while something is
# killed or stopped.  After each journey every accepted change must be there,
# once, and the store checker must find nothing.
#
# PUBLISHES is how many bundles are published in all, PUBLISHERS how many
# publishers each machine has, JOURNEYS a regular expression for the names of
# those that are made.  The exit status is 0 if nothing was lost, doubled,
# refused or answered with 500.

use warnings;
use strict;

use File::Path qw/ make_path remove_tree /;
use List::Util qw/ max /;
use POSIX ();
use Time::HiRes qw/ sleep time /;

use Test::LiveUpdate qw/ :DEFAULT json_decode json_encode zip /;
use Test::LiveUpdate::Origin;
use Test::LiveUpdate::Publisher;
use Test::LiveUpdate::Store;
use Test::LiveUpdate::ToDesktop;

use constant { LATE => 180, PAUSE => 5, CUT => 70 };

my ($engine) = @ARGV;
my $dir = $ENV{DIR} // die "scale.sh sets DIR\n";
my $publishes = $ENV{PUBLISHES} || 120;
my $publishers = $ENV{PUBLISHERS} || 8;
my $wanted = $ENV{JOURNEYS} // '';
my $guests = $engine eq 'nfs';
my $look = $guests ? "$dir/look/store" : "$dir/m1/store";
my @machines;
my $td;
my %sum;
my %told;

$| = 1;

# who asks for a port means a machine; or each call goes to the next one

our $next;

{
    no warnings 'redefine';

    *Test::LiveUpdate::address = sub {
        my (%opt) = @_;

        my $port = $next ? $next->() : $opt{port};

        return host($port - 8080) . ':' . port($port);
    };
}

engine('up');
machine($_) for 1 .. 3;

printf "%s, %s, default mount options%s\n\n", $engine, version(),
       $ENV{MOUNT_OPTIONS} ? " but $ENV{MOUNT_OPTIONS}" : '';
check_store() if 'check-store' =~ /$wanted/;

printf "%-34s %8s %5s %7s %5s %5s %8s %8s %7s\n", 'journey', 'accepted',
       'lost', 'doubled', '500', '503', 'p50, s', 'p99, s', 'per s';

# how much of all is done in each journey

my $share = max(1, int($publishes / 11));

for my $n (2, 3) {
    journey("one app, $n machines", publish(2 * $share, $n, 1));
    journey("many apps, $n machines", publish(2 * $share, $n, 0));
}

journey('each call on another machine', parts());
journey('ready, 8 times at once', ready());
journey('DELETE against publish', take_back('DELETE', 'deleted'));
journey('withdraw against publish', take_back('withdraw', 'withdrawn'));
journey('rollback with "expect"', rollback());

journey('a build, announced 3 times', fetch());
journey('promote while another fetches', fetch(\&promote));

journey('kill -9 of who fetches', fetch(sub {
    my ($build, $machine) = @_;

    dies($machine);
    $td->{origin}->script();
    over($build);
    revives($machine);
}));

journey('kill -9 of nginx', publish($share, 3, 0, sub {
    nginx($machines[1], 'KILL');
    start($machines[1]);
}));

journey('nginx stopped for a while', publish($share, 3, 0, sub {
    nginx($machines[1], 'STOP');
    sleep(PAUSE);
    nginx($machines[1], 'CONT');
}));

journey('kill -9 of a mount', publish($share, 3, 0, sub {
    dies($machines[1]);
    revives($machines[1]);
}));

journey('a mount stopped for a while', publish($share, 3, 0, sub {
    kill 'STOP', mount_pid($machines[1]);
    sleep(PAUSE);
    kill 'CONT', mount_pid($machines[1]);
}));

journey('its network cut for a while', publish($share, 3, 0, sub {
    wire($machines[1], 'down');
    sleep(PAUSE);
    wire($machines[1], 'up');
}));

# until others get its locks, and the turns

journey('its network cut for ' . CUT . ' s', publish($share, 3, 1, sub {
    my $machine = $machines[1];

    wire($machine, 'down');
    sleep(CUT);
    wire($machine, 'up');

    if (!Test::LiveUpdate::wait_quietly(sub { is_ready($machine) }, 30)) {
        print "    m$machine->{n} had to be mounted again\n";
        dies($machine);
        revives($machine);
    }
}));

for my $node (kinds(nodes())) {
    journey("kill -9 of $node", publish($share, 3, 0, sub {
        kill_process({ nodes() }->{$node});
        sleep(PAUSE);
        engine('restart', $node);
    }));

    journey("$node stopped for a while", publish($share, 3, 0, sub {
        my $pid = { nodes() }->{$node};

        kill 'STOP', $pid;
        sleep(PAUSE);
        kill 'CONT', $pid;
    }));
}

visible() if 'visible' =~ /$wanted/;

engine('copy') if $guests;

my @wrong = check(Test::LiveUpdate::Store->new($look));

$sum{wrong} += @wrong;
print "\nin the store: ", @wrong ? join("\n    ", '', @wrong)
                                : 'nothing is wrong', "\n";

printf "\n%d accepted, %d lost, %d doubled, %d times 500, %d times 503, "
       . "%d times no answer, %d given up\n",
       map { $sum{$_} // 0 }
           qw/ accepted lost doubled 500 503 none given_up /;

if (!$guests) {
    $_->{t}->stop(timeout => 60) for @machines;
}

POSIX::_exit((grep { $sum{$_} } qw/ lost doubled 500 wrong
                                        given_up /) ? 1 : 0);


# -- machines ----------------------------------------------------------------

sub engine {
    my (@command) = @_;

    system("t/scale/$engine.sh", @command) == 0
        or die "$engine.sh @command failed\n";
}


sub version {
    chomp(my $version = `t/scale/$engine.sh version`);

    return $version;
}


sub machine {
    my ($n) = @_;

    my $t = Test::LiveUpdate->new();
    my $port = 8080 + $n;

    $td //= Test::LiveUpdate::ToDesktop->new($t,
        origin => Test::LiveUpdate::Origin->new($t, host => '10.77.0.254'));

    engine('mount', $n);
    make_path("$dir/m$n/store") if $n == 1 && !$guests;

    $t->write_file('tokens', $machines[0]{t}->read_file('tokens')) if @machines;
    $t->{tokens} = $machines[0]{t}{tokens} if @machines;

    make_path($t->testdir() . '/body');
    $t->write_file_expand('nginx.conf', config($t, $n, $port));

    push @machines, { n => $n, t => $t, port => $port };
    start($machines[-1]);
}


# The session of a client that was killed may have the name for a while.

sub start {
    my ($machine) = @_;

    my $t = $machine->{t};
    my $from = time();

    if ($guests) {
        my $own = $t->testdir();

        engine('run', $machine->{n}, "nginx -p $own/ -e $own/error.log "
                                     . "-c $own/nginx.conf");
        return;
    }

    until ($machine->{t}->start()) {
        die "m$machine->{n} does not start:\n"
            . $machine->{t}->startup_errors() if time() - $from > LATE;
    }
}


sub mount_pid {
    my ($machine) = @_;

    open my $fh, '<', "$dir/mount.$machine->{n}" or die "no mount: $!\n";
    chomp(my $pid = <$fh>);

    return $pid;
}


# The mount of a machine, and what runs on it; that of a guest is all of it.

sub dies {
    my ($machine) = @_;

    kill_process(mount_pid($machine));
    sleep(1);

    if (!$guests) {
        nginx($machine, 'KILL');
        system("umount -l '$dir/m$machine->{n}'");
    }
}


sub revives {
    my ($machine) = @_;

    engine('mount', $machine->{n});
    start($machine);
}


# Without a carrier a guest would give its wire up for good.

sub wire {
    my ($machine, $state) = @_;

    my @bridge = $state eq 'down' ? ('nomaster') : ('master', 'br0');

    system('ip', 'link', 'set', "tm$machine->{n}", @bridge) == 0
        or die "no wire\n";
}


sub is_ready {
    my ($machine) = @_;

    my $reply = eval {
        $machine->{t}->api('GET', '/ready', undef, token => undef,
                           port => $machine->{port}, timeout => 5)
    };

    return $reply && $reply->{status} == 200;
}


# Signals all of nginx on a machine.

sub nginx {
    my ($machine, $signal) = @_;

    my $t = $machine->{t};

    if ($guests) {
        engine('run', $machine->{n}, "kill -$signal \$(pgrep nginx)");

    } elsif ($signal eq 'KILL') {
        $t->kill_nginx();

    } else {
        kill $signal, $t->{master}, $t->workers();
    }
}


# The processes of a guest would go on as processes of this machine if only the
# guest's kernel were killed.

sub kill_process {
    my ($pid) = @_;

    kill 'KILL', $guests ? -$pid : $pid;
}


# What the engine consists of, with the process of each.

sub nodes {
    open my $fh, '<', "$dir/nodes" or die "no nodes: $!\n";

    return map { split } <$fh>;
}


# The first one of each kind: the others, "brick2", are like it.

sub kinds {
    my (%nodes) = @_;

    return grep { !/[2-9]$/ } sort keys %nodes;
}


sub config {
    my ($t, $n, $port) = @_;

    my $store = $guests ? '/mnt/lu/store' : "$dir/m$n/store";
    my $host = host($n);
    my $origin = $td->{origin}->url();
    my $secret = $td->{t}->testdir() . '/secret.todesktop';

    return <<"EOC" =~ s{^\s*client_body_temp_path .*store/tmp/.*\n}{}mr;
%%TEST_GLOBALS%%

thread_pool  default  threads=32  max_queue=65536;

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    liveupdate_store    $store;
    liveupdate_tokens   tokens;
    liveupdate_machine  m$n;

    server {
        listen  $host:%%PORT_$port%%;

        location /v1/ {
            client_max_body_size  20m;

            liveupdate_api;
        }

        location /releases/ {
            liveupdate_releases;
        }

        location = /ready {
            liveupdate_ready;
        }

        location = /hooks/todesktop {
            liveupdate_webhook  todesktop  secret=$secret;
        }

        liveupdate_fetch  /fetch/  retry=50ms tries=20;

        location ^~ /fetch/ {
            internal;

            resolver  127.0.0.1;

            proxy_pass                  $origin\$liveupdate_fetch_uri;
            proxy_pass_request_headers  off;
            proxy_pass_request_body     off;
            proxy_set_header            X-Machine  $n;
            proxy_store                 \$liveupdate_fetch_path;
            proxy_temp_path             $store/tmp/fetch;
            proxy_read_timeout          600s;
        }
    }
}

EOC
}


sub host {
    my ($n) = @_;

    return $guests ? '10.77.0.' . (10 + $n) : '127.0.0.1';
}


# What holds through two mounts, and what not: see docs/scale.md.

sub check_store {
    my @dirs = $guests ? qw{ /mnt/one /mnt/two }
                       : map { "$dir/m$_->{n}" } @machines[0, 1];
    my $command = "$Test::LiveUpdate::ROOT/build/check-store -n 20 @dirs";

    engine('second', 1) if $guests;

    my @said = $guests ? `t/scale/$engine.sh run 1 '$command'` : `$command`;
    my @failed = grep { /^no/i } @said;

    print "check-store: $said[-1]",
          map { "    $_" } @failed, grep { /^yes.*(?:turns|seen)/ } @said;
    print "\n";

    $sum{wrong}++ if grep { /^NO/ } @failed;
}


# -- journeys ----------------------------------------------------------------

# A journey returns what was accepted; what it asks for is counted by note().

sub journey {
    my ($name, $code) = @_;

    return if $name !~ /$wanted/;

    my $log = "$dir/journey.log";
    my $from = time();

    unlink $log;

    $code->();

    my $took = time() - $from;
    my %seen = (accepted => 0, map { $_ => 0 } qw/ lost doubled 500 503 /);
    my (@accepted, @gone, @said, @times);

    if (open my $fh, '<', $log) {
        while (my $line = <$fh>) {
            my $note = json_decode($line);

            $seen{$note->{is}}++;
            push @accepted, $note if $note->{is} eq 'accepted';
            push @gone, $note if $note->{is} =~ /^(?:deleted|withdrawn)$/;
            push @said, $note->{text} if $note->{is} eq 'wrong';
            push @times, $note->{took} if defined $note->{took};
        }
    }

    # caches of the machine that looks may be old for a moment

    my @wrong;

    for my $try (1 .. 5) {
        @wrong = wrong(\%seen, \@accepted, \@gone);
        last if !@wrong && !$seen{lost} && !$seen{doubled};
        sleep(2);
    }

    # each is told once
    @wrong = grep { !$told{$_}++ } @wrong, @said;

    @times = sort { $a <=> $b } @times;

    printf "%-34s %8d %5d %7d %5d %5d %8.2f %8.2f %7.1f\n", $name,
           @seen{qw/ accepted lost doubled 500 503 /},
           $times[@times / 2] // 0, $times[int(@times * 0.99)] // 0,
           @accepted / $took;
    print "    $_\n" for @wrong > 5 ? (@wrong[0 .. 4], '...') : @wrong;

    $seen{wrong} = @wrong;
    $sum{$_} += $seen{$_} for keys %seen;
}


sub wrong {
    my ($seen, $accepted, $gone) = @_;

    engine('copy') if $guests;

    my $store = Test::LiveUpdate::Store->new($look);
    my %apps = map { $_->{app} => {} } @$accepted;
    my %gone = map { $_->{bundle} => 1 } @$gone;

    for my $app (keys %apps) {
        my @deployments = eval { $store->deployments($app) };
        my $builds = eval { $store->app($app)->{desktopBuilds} };

        $apps{$app}{$_->{release}}++ for @deployments;
        $apps{$app}{$_->{id}}++ for @{$builds || []};
    }

    my @found = map { $apps{$_->{app}}{$_->{bundle}} // 0 }
        grep { !$gone{$_->{bundle}} && !$_->{rolled} } @$accepted;

    $seen->{lost} = grep { $_ == 0 } @found;
    $seen->{doubled} = grep { $_ > 1 } @found;

    my @wrong = map { check($store, app => $_) } sort keys %apps;

    push @wrong, map { "deleted, but there: $_->{bundle}" }
        grep { $_->{is} eq 'deleted'
               && -e "$look/live/$_->{app}/$_->{bundle}" } @$gone;
    push @wrong, map { "$_->{is}, but deployed: $_->{bundle}" }
        grep { $apps{$_->{app}}{$_->{bundle}} } @$gone;

    return @wrong;
}


# Who was cut off may have written a line of a change that was not made.

sub check {
    my ($store, @which) = @_;

    my @wrong = eval { $store->check(@which, late => 1) };

    return $@ ? "the store cannot be read: $@" : @wrong;
}


# Called by any process.

sub note {
    my (%note) = @_;

    open my $fh, '>>', "$dir/journey.log" or die "no log: $!\n";
    syswrite $fh, json_encode(\%note) . "\n";
}


# Who repeats what was answered with 5xx, or not at all.

sub publisher {
    my ($machine) = @_;

    return Test::LiveUpdate::Publisher->new($machine->{t},
        retries => 200, pause => 0.5, timeout => 90,
        failed => sub {
            my ($reply) = @_;

            note(is => $reply ? $reply->{status} : 'none');
            refused($machine, $reply) if $reply && $reply->{status} == 500;
        });
}


# So many bundles, by all publishers of the first machines; "meanwhile" runs
# when a third of them is published.

sub publish {
    my ($count, $machines, $one, $meanwhile) = @_;

    return sub {
        my $all = $machines * $publishers;
        my $each = max(1, int($count / $all));
        my @apps = apps($one ? 1 : $all);
        my @children;

        for my $i (0 .. $all - 1) {
            my $machine = $machines[$i % $machines];
            my $app = $apps[$i % @apps];

            push @children, child(sub {
                publish_one($machine, $app, "$i $_") for 1 .. $each;
            });
        }

        if ($meanwhile) {
            wait_until { accepted() >= $all * $each / 3 } LATE;
            $meanwhile->();
        }

        waitpid $_, 0 for @children;
    };
}


sub publish_one {
    my ($machine, $app, $text, %note) = @_;

    my $from = time();
    my $done = publisher($machine)->publish($app, 'production',
        zip('index.html' => $text), port => $machine->{port});

    note(is => $done->{ok} ? 'accepted' : 'given_up', app => $app,
         bundle => $done->{bundle}, took => time() - $from, %note);
    refused($machine, $done->{reply}) unless $done->{ok};

    return $done;
}


# What no publisher can repeat, or should ever see.

sub refused {
    my ($machine, $reply) = @_;

    note(is => 'wrong', text => "m$machine->{n}: $reply->{status} "
                                . substr($reply->{body} // '', 0, 200));
}


sub accepted {
    open my $fh, '<', "$dir/journey.log" or return 0;

    return scalar grep { /"accepted"/ } <$fh>;
}


sub apps {
    my ($n) = @_;

    return map {
        my $app = publisher($machines[0])
            ->create_app("app $_", port => $machines[0]{port});

        publisher($machines[0])->create_channel($app, 'production',
                                                port => $machines[0]{port});
        $app;
    } 1 .. $n;
}


sub child {
    my ($code) = @_;

    my $pid = fork() // die "cannot fork: $!\n";

    return $pid if $pid;

    eval { $code->() };
    print "    $@" if $@;
    POSIX::_exit($@ ? 1 : 0);
}


# Each call of a publish, and each part of an upload, on the next machine.

sub parts {
    return sub {
        my ($app) = apps(1);
        my $i = 0;

        for my $n (1 .. 3) {
            my $publisher = publisher($machines[0]);
            my $from = time();

            local $next = sub { $machines[$i++ % @machines]{port} };

            my $done = $publisher->publish($app, 'production',
                zip('index.html' => 'x', noise => noise(3_000_000)),
                parts => 500_000);

            note(is => $done->{ok} ? 'accepted' : 'given_up', app => $app,
                 bundle => $done->{bundle}, took => time() - $from);
        }
    };
}


sub noise {
    my ($length) = @_;

    open my $fh, '<:raw', '/dev/urandom' or die;
    read($fh, my $bytes, $length) == $length or die;

    return $bytes;
}


# In as many apps as it takes for one machine not to know what another has made.

sub ready {
    return sub {
        ready_one($_) for apps(5);
    };
}


sub ready_one {
    my ($app) = @_;

    my @port = (port => $machines[0]{port});
    my $publisher = publisher($machines[0]);
    my $bundle = $publisher->api('POST', "/v1/apps/$app/bundles",
        { artifactType => 'zip', channelName => 'production' }, @port)
        ->{json}{id};

    $publisher->upload($app, $bundle, zip('index.html' => 'x'), @port);

    my @children = map {
        my $machine = $machines[$_ % @machines];

        child(sub {
            my $from = time();
            my $reply = publisher($machine)->api('PATCH',
                "/v1/apps/$app/bundles/$bundle",
                { artifactStatus => 'ready' }, port => $machine->{port});
            my $done = $reply->{status} == 200;

            note(is => $done ? 'accepted' : 'given_up',
                 app => $app, bundle => $bundle, took => time() - $from);
            refused($machine, $reply) unless $done;
        });
    } 1 .. 8;

    waitpid $_, 0 for @children;
}


# One machine takes back what was published before, another one publishes.

sub take_back {
    my ($how, $is) = @_;

    return sub {
        my ($app) = apps(1);
        my @old = map {
            publish_one($machines[0], $app, "old $_")->{bundle}
        } 1 .. 5;

        my $child = child(sub {
            publish_one($machines[0], $app, "new $_") for 1 .. 5;
        });

        for my $bundle (@old) {
            my @call = $how eq 'DELETE'
                       ? ('DELETE', "/v1/apps/$app/bundles/$bundle", undef)
                       : ('POST', "/releases/$app/$bundle/$how", {});

            my $reply = publisher($machines[1])
                ->api(@call, port => $machines[1]{port});

            # a DELETE whose answer was lost finds nothing the next time
            my $done = $how eq 'DELETE' ? qr/^(?:204|404)$/ : qr/^200$/;

            note(is => $reply->{status} =~ $done ? $is : 'given_up',
                 app => $app, bundle => $bundle);
        }

        waitpid $child, 0;
    };
}


# All machines go back at once, from the same generation: one does.

sub rollback {
    return sub {
        my ($app) = apps(1);

        # these are deployed again by going back to them
        publish_one($machines[0], $app, "old $_", rolled => 1) for 1 .. 3;

        my $from = generation($app);
        my @children = map {
            my $machine = $machines[$_ % @machines];

            child(sub {
                my $reply = publisher($machine)->api('POST',
                    "/releases/$app/rollback",
                    { channel => 'production', expect => $from },
                    port => $machine->{port});

                note(is => 'wrong', text => "rollback: $reply->{raw}")
                    if $reply->{status} !~ /^(?:200|409)$/;
            });
        } 1 .. 6;

        waitpid $_, 0 for @children;

        my $to = generation($app);

        note(is => 'wrong', text => "$app: generation $from became $to")
            if $to != $from + 1;
    };
}


sub generation {
    my ($app) = @_;

    return publisher($machines[0])->api('GET', "/v1/apps/$app", undef,
                                        port => $machines[0]{port})
           ->{json}{generation};
}


# A build that is announced to all machines at once is fetched by one of them.
# "meanwhile" gets it and the machine that fetches it, which waits for a file.

sub fetch {
    my ($meanwhile) = @_;

    return sub {
        my $build = $td->build(platforms => [ 'windows' ], size => 300_000);
        my $from = time();
        my $machine;

        $td->{origin}->mark();
        $td->{origin}->script(qr/x64\.exe$/ => { hold => 500 }) if $meanwhile;

        waitpid $_, 0 for map { announce($build, $_) } @machines;

        if ($meanwhile) {
            wait_until { $machine = fetcher() } LATE;
            $meanwhile->($build, $machine);
            $td->{origin}->script();
        }

        my $state = over($build);
        my %asked = $td->{origin}->asked();
        my @twice = grep { $asked{$_} > 1 } sort keys %asked;

        note(is => $state eq 'live' ? 'accepted' : 'given_up',
             app => $build->{app}, bundle => $build->{id},
             took => ($build->{over} // time()) - $from);

        # who takes it over begins with the manifests
        note(is => 'wrong', text => "fetched twice: @twice")
            if @twice && !$machine;
        note(is => 'wrong', text => $_) for wrong_build($build);
    };
}


sub announce {
    my ($build, $machine) = @_;

    return child(sub {
        local $next = sub { $machine->{port} };
        local $td->{t} = publisher($machine);

        my $reply = $td->deliver($build);

        refused($machine, $reply) if $reply->{status} !~ /^20/;
    });
}


# The machine that waits for the file.

sub fetcher {
    my ($request) = $td->{origin}->flying(qr/x64\.exe$/);

    return $request && $machines[$request->{headers}{'x-machine'} - 1];
}


# The state of a build at last.

sub over {
    my ($build) = @_;

    my $state = 'none';

    Test::LiveUpdate::wait_quietly(sub {
        for my $machine (@machines) {
            my $reply = eval {
                $machine->{t}->api('GET',
                    "/releases/$build->{app}/$build->{id}", undef,
                    port => $machine->{port}, timeout => 10)
            };

            $state = $reply->{json}{state}
                if $reply && $reply->{status} == 200;

            if ($state =~ /^(?:live|failed)$/) {
                $build->{over} //= time();
                return 1;
            }
        }
    }, LATE);

    return $state;
}


sub promote {
    my ($build, $machine) = @_;

    my ($other) = grep { $_ != $machine } @machines;
    my @live = grep { $_->{id} ne $build->{id} } values %{$td->{builds}};

    for my $case ([ $build, 409 ], map { [ $_, 200 ] } @live) {
        my ($which, $status) = @$case;

        my $reply = publisher($other)->api('POST',
            "/releases/$which->{app}/$which->{id}/promote", {},
            port => $other->{port});

        refused($other, $reply) if $reply->{status} != $status;
    }
}


sub wrong_build {
    my ($build) = @_;

    my $t = $machines[0]{t};
    my @wrong;

    # the helper looks into the store of a test
    my $place = $t->testdir() . '/store';

    remove_tree($place) unless -l $place;
    symlink $look, $place;

    local $td->{t} = $t;

    Test::LiveUpdate::wait_quietly(sub {
        engine('copy') if $guests;

        @wrong = ($td->wrong_files($build),
                  map { "a job is left: $_" } $td->jobs());
        !@wrong;
    }, 20);

    return @wrong;
}


# From the answer to a publisher on one machine to a device's on another one.

sub visible {
    my ($app) = apps(1);
    my @times;

    for my $n (1 .. 20) {
        my $done = publisher($machines[0])->publish($app, 'production',
            zip('index.html' => "visible $n"), port => $machines[0]{port});
        my $from = time();

        until (told($app) eq ($done->{bundle} // '')) {
            last if time() - $from > LATE;
            sleep(0.01);
        }

        push @times, time() - $from;
    }

    @times = sort { $a <=> $b } @times;

    printf "\nvisible on another machine: p50 %.2f s, worst %.2f s\n",
           $times[@times / 2], $times[-1];
}


sub told {
    my ($app) = @_;

    my $reply = $machines[1]{t}->latest($app, channelName => 'production',
                                        _port => $machines[1]{port});

    return ($reply->{json} || {})->{bundleId} // '';
}
