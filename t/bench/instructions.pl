#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# What a request costs in instructions, beside a request that nginx answers
# alone with the same reply, the same line and the same log format.  A worker
# without a master runs under callgrind: 200 requests warm it up, 1,000 more
# are counted.  The kernel's instructions do not count.
#
# A row says: all instructions, those beyond nginx alone, and those in the
# module's own functions.  The limits of the latter two are in
# docs/performance.md; a figure that is more than 2 % over its limit fails, for
# what is beyond nginx 100 instructions, if that is more.
#
# BENCH_CASES       run those of which the name matches this, all if not set
# BENCH_FUNCTIONS   list that many functions of each case

use warnings;
use strict;

use File::Path qw/ make_path /;
use IO::Socket::INET ();

use Test::LiveUpdate qw/ :DEFAULT zip /;
use Test::LiveUpdate::Bench;
use Test::LiveUpdate::Release qw/ stage_dist /;

use constant { WARM => 200, COUNTED => 1_000 };
use constant { MAY_RISE => 1.02, MAY_ADD => 100 };

my $t = Test::LiveUpdate->new();

$ENV{TEST_NGINX_WORKERS} = 1;

# A server has a base URL, as in conf/server.conf.

my $server = "        include  bench*.conf;\n"
             . '        liveupdate_base_url  http://127.0.0.1:' . port(8080)
             . ";\n";

$t->config_reference(sub {
    s/^( *liveupdate_valid +)\w+;/${1}1h;/m;
    s/^error_log .*/error_log  $t->{testdir}\/error.log  warn;/m;
    s/^( *server_name .*\n)/$1$server/m;
});

$t->run();

my $number = 0;
my @devices = map { sprintf '%08x-0000-4000-8000-%012x', $_, $_ } 1 .. 100;
my @cases = (checks(), many_apps(), files());

$t->reload();

same($_) for @cases;

$t->stop();
$t->write_file('nginx.conf', "master_process  off;\n"
                             . $t->read_file('nginx.conf'));

my $out = "$t->{testdir}/callgrind";

$t->run(wrapper => [ 'valgrind', '--tool=callgrind', '--quiet',
                     '--compress-strings=no', '--compress-pos=no',
                     "--callgrind-out-file=$out", "--log-file=$out.log" ]);

$t->waitforsocket('127.0.0.1:' . port(8080))
    or die "nginx does not listen\n";

heading('Instructions of a request, all and beyond nginx alone');

my $failed = 0;
my %limits = limits();

for my $case (grep { wanted($_->{name}) } @cases) {
    report($case, map { count($_) } $case->{ours}, $case->{theirs});
}

$t->stop(timeout => 60);

exit($failed ? 1 : 0);


# -- cases -------------------------------------------------------------------

sub checks {
    my ($app, $channels) = make_app(qw/ everyone partial planned minimum
                                        guarded paused /);

    publish($app, 'everyone');
    publish($app, 'partial');
    publish($app, 'partial', bundle => { rolloutPercentage => 0.5 });
    publish($app, 'planned');
    my $planned = publish($app, 'planned');
    api('POST', "/v1/apps/$app/deployments", {
        appBuildId => $planned, appChannelName => 'planned',
        plan => [{ share => 0.5, for => '366d' }, { share => 1 }],
    });
    publish($app, 'minimum');
    api('PATCH', "/v1/apps/$app/channels/$channels->{minimum}",
        { minimum => { buildNumber => 1 } });
    publish($app, 'guarded');
    publish($app, 'guarded', bundle => { rolloutPercentage => 0.5 });
    api('PATCH', "/v1/apps/$app/channels/$channels->{guarded}",
        { guard => {} });
    publish($app, 'paused');
    api('POST', "/v1/apps/$app/channels/$channels->{paused}/pause");

    my ($forcing, $forced) = make_app(qw/ everyone forced /);

    publish($forcing, 'forced');
    api('PATCH', "/v1/apps/$forcing/devices?ids=" . join(',', @devices),
        { forcedAppChannelId => $forced->{forced} });

    my @names = map { "channel$_" } 1 .. 999;
    my ($many) = make_app(@names);

    publish($many, 'channel500');

    my $live = api('GET', check($app, 'everyone', $devices[0]))->{bundleId};

    return (
        answer('an update', map { check($app, 'everyone', $_) } @devices),
        answer('no update: it runs the latest',
               map { check($app, 'everyone', $_, $live) } @devices),
        answer('no update: the channel is paused',
               map { check($app, 'paused', $_) } @devices),
        answer('a partial rollout',
               map { check($app, 'partial', $_) } @devices),
        answer('a partial rollout with a guard',
               map { check($app, 'guarded', $_) } @devices),
        answer('a rollout with a plan',
               map { check($app, 'planned', $_) } @devices),
        answer('an update from below a minimum',
               map { check($app, 'minimum', $_) } @devices),
        answer('a forced device',
               map { check($forcing, 'everyone', $_) } @devices),
        answer('one of 1,000 channels',
               map { check($many, 'channel500', $_) } @devices),
    );
}


sub many_apps {
    my @apps = map { (make_app('everyone'))[0] } 1 .. 100;

    publish($_, 'everyone') for @apps;

    return answer('one of 100 apps',
                  map { check($_, 'everyone', $devices[0]) } @apps);
}


sub files {
    my %files = ('index.html' => '<!DOCTYPE html>', 'app.js' => 'x' x 20_000);

    my ($app) = make_app('everyone');
    my $bundle = publish($app, 'everyone', content => \%files);

    return (
        file('a file of a bundle', "/artifacts/$app/$bundle?href=app.js",
             "store/live/$app/$bundle/files/app.js", 'app.js'),
        feed(),
    );
}


# The location has no regular expression, which nginx would have to match.

sub feed {
    my ($app, $build) = qw/ bench-desktop 260101aaaaaaaa1 /;

    api('POST', '/v1/apps', { name => 'Bench', type => 'electron',
                              id => $app });

    my $staged = stage_dist($t, $app, $build,
                            { 'latest.yml' => [ '1.0.0', 'setup.exe' ] });

    die "not staged: $staged->{raw}\n" if $staged->{json}{state} ne 'live';

    $t->write_file("bench.feed.conf", <<"END");
location ^~ /desktop/$app/ {
    liveupdate_feed  $app;

    root  store;
}
END
    $t->reload();

    return file('a manifest of the feed',
                "/desktop/$app/latest.yml?noCache=1k7vnv1lv",
                "store/feed/$app/latest-build-$build.yml",
                'latest.yml?noCache=1k7vnv1lv');
}


sub same {
    my ($case) = @_;

    my @seen = map {
        my $reply = $t->api('GET', $case->{$_}[0], undef, token => undef);
        my %headers = %{$reply->{headers}};

        delete @headers{qw/ date /};
        join "\n", $reply->{status}, length $reply->{body},
            map { "$_: $headers{$_}" } sort keys %headers;
    } qw/ ours theirs /;

    die "$case->{name}: the replies differ:\n$seen[0]\n\n$seen[1]\n"
        if $seen[0] ne $seen[1];
}

# The same reply by "return", from a location with a name as long as "/v1/".

sub answer {
    my ($name, @ours) = @_;

    my $prefix = 'a' . $number++;
    my @theirs = map { s{^/v1/}{/$prefix/}r } @ours;
    my $reply = $t->api('GET', $ours[0], undef, token => undef);

    $t->write_file("bench.$prefix.conf", <<"END");
location ^~ /$prefix/ {
    default_type  application/json;
    add_header    Cache-Control  no-store  always;
    return        $reply->{status}  '$reply->{body}';
}
END

    return { name => $name, ours => \@ours, theirs => \@theirs };
}


# The same file by "root", with the same headers, and a name as long.

sub file {
    my ($name, $ours, $path, $as) = @_;

    my $folder = '/a' . $number++ . '/';
    my $long = 'x' x (length($ours) - length("$folder/$as"));
    my $file = $as =~ s/\?.*//r;
    my $reply = $t->api('GET', $ours, undef, token => undef);

    die "$ours: $reply->{raw}\n" if $reply->{status} != 200;

    make_path("$t->{testdir}$folder$long");
    link "$t->{testdir}/$path", "$t->{testdir}$folder$long/$file"
        or die "$path: $!\n";

    my $headers = '';

    for (qw/ Cache-Control Content-Disposition Content-Security-Policy Vary
             X-Checksum X-Content-Type-Options /)
    {
        my $value = $reply->{headers}{lc $_} // next;

        $value =~ s/"/\\"/g;
        $headers .= "    add_header  $_  \"$value\";\n";
    }

    my $type = $reply->{headers}{'content-type'};
    my ($extension) = $file =~ /(\w+)$/;

    $t->write_file("bench.a$number.conf", <<"END");
location ^~ $folder {
    root  $t->{testdir};

    types {
        $type  $extension;
    }

$headers}
END

    return { name => $name, ours => [ $ours ],
             theirs => [ "$folder$long/$as" ] };
}


sub make_app {
    my (@names) = @_;

    my $id = $t->create_app('bench');

    return ($id, { map { $_ => $t->create_channel($id, $_) } @names });
}


sub publish {
    my ($app, $channel, %opt) = @_;

    my $content = delete $opt{content} // zip('index.html' => '<html></html>');
    my $done = $t->publish($app, $channel, $content, %opt);

    die "not published: $done->{reply}{raw}\n" unless $done->{ok};

    return $done->{bundle};
}


sub api {
    my (@call) = @_;

    my $reply = $t->api(@call);

    die "@call[0, 1]: $reply->{raw}\n" if $reply->{status} >= 300;

    return $reply->{json};
}


sub check {
    my ($app, $channel, $device, $bundle) = @_;

    $bundle = defined $bundle ? "bundleId=$bundle" : 'bundleId';

    return "/v1/apps/$app/bundles/latest?appVersionCode=10203"
           . "&appVersionName=1.2.3&$bundle"
           . "&channelName=$channel&customId&deviceId=$device"
           . '&osVersion=34&platform=0&pluginVersion=8.4.1';
}


# -- counting ----------------------------------------------------------------

# The instructions of one request to one of the paths: all, by file of code,
# and by function.

sub count {
    my ($paths) = @_;

    ask($paths, WARM);
    callgrind('--zero');
    ask($paths, COUNTED);
    callgrind("--dump=$number");
    $number++;

    my ($dump) = sort { newer($b) <=> newer($a) } glob "$out.*[0-9]";
    my ($object, $function, %sum) = ('', '');

    open my $fh, '<', $dump or die "$dump: $!\n";

    while (my $line = <$fh>) {

        if ($line =~ /^ob=(.*)/) {
            $object = $1 =~ s{^.*/}{}r;

        } elsif ($line =~ /^fn=(.*)/) {
            $function = $1 =~ s/'\d+$//r;

        } elsif ($line =~ /^calls=/) {

            # what follows was spent by the function that is called
            <$fh>;

        } elsif ($line =~ /^\d+ (\d+)$/) {
            $sum{all} += $1;
            $sum{objects}{$object} += $1;
            $sum{functions}{"$function ($object)"} += $1;
        }
    }

    close $fh;
    unlink $dump;

    $sum{all} /= COUNTED;
    $_ /= COUNTED for values %{$sum{objects}}, values %{$sum{functions}};

    return \%sum;
}


sub newer {
    my ($file) = @_;

    return (stat $file)[9] * 1e6 + ($file =~ /(\d+)$/)[0];
}


sub callgrind {
    my ($what) = @_;

    my $said = `callgrind_control $what $t->{child} 2>&1`;

    die "callgrind_control $what: $said\n" if $?;
}


# One connection, one request after the other.

sub ask {
    my ($paths, $n) = @_;

    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1:' . port(8080))
        or die "no connection: $!\n";

    for my $i (0 .. $n - 1) {
        my $path = $paths->[$i % @$paths];

        print $socket "GET $path HTTP/1.1\r\n"
                      . "Host: updates.example.com\r\n\r\n";

        my $head = '';

        while ($head !~ /\r\n\r\n$/) {
            $head .= <$socket> // die "the connection was closed: $path\n";
        }

        my ($len) = $head =~ /^Content-Length: (\d+)/mi
            or die "no length: $head\n";

        read($socket, my $body, $len) == $len or die "too short: $path\n";
    }

    close $socket;
}


# -- what is said ------------------------------------------------------------

sub report {
    my ($case, $ours, $theirs) = @_;

    my $beyond = $ours->{all} - $theirs->{all};
    my $module = $ours->{objects}{'ngx_http_liveupdate_module.so'} // 0;

    my $limit = $limits{$case->{name}};

    printf "  %-34s %7.0f %7.0f %7.0f", $case->{name}, $ours->{all}, $beyond,
           $module;

    if ($limit) {
        my $ok = ($beyond <= $limit->[0] * MAY_RISE
                  || $beyond <= $limit->[0] + MAY_ADD)
                 && $module <= $limit->[1] * MAY_RISE;

        printf "   limits %d and %d: %s", @$limit, $ok ? 'ok' : 'over';

        $failed = 1 unless $ok;
    }

    print "\n";

    my %more = map {
        $_ => ($ours->{functions}{$_} // 0) - ($theirs->{functions}{$_} // 0)
    } keys %{{%{$ours->{functions}}, %{$theirs->{functions}}}};

    my @names = sort { $more{$b} <=> $more{$a} } keys %more;

    for my $name (splice @names, 0, $ENV{BENCH_FUNCTIONS} // 0) {
        printf "      %7.0f  %s\n", $more{$name}, $name;
    }
}


# | name | beyond | module | in docs/performance.md.

sub limits {
    my %limit;

    open my $fh, '<', "$Test::LiveUpdate::ROOT/docs/performance.md" or return;

    while (my $line = <$fh>) {
        my ($name, @n) = $line =~ /^\| ([^|]+?) \| ([\d,]+) \| ([\d,]+) \|/
            or next;

        $limit{$name} = [ map { tr/,//dr } @n ];
    }

    return %limit;
}
