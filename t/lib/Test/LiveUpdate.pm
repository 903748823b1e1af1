package Test::LiveUpdate;

# Copyright (C) the nginx-liveupdate authors

# Runs nginx with a configuration in a directory of its own, and looks after
# it when the test is over: no alerts, no sanitizer errors, no crashes, no
# leftovers, and it stops when told to.  These are tests, too, and plan()
# counts them.  The methods are named as in nginx-tests.
#
# Environment:
#
# TEST_NGINX_BINARY        nginx to test
# TEST_NGINX_MODULE        the module's file; empty: linked statically
# TEST_NGINX_GLOBALS       more directives for the main context
# TEST_NGINX_GLOBALS_HTTP  more directives for http {}
# TEST_NGINX_WORKERS       number of workers, 2 if not set
# TEST_NGINX_HUP           reload before requests
# TEST_NGINX_ASAN          the module is built with AddressSanitizer
# TEST_NGINX_DEBUG         error log at level debug
# TEST_NGINX_VERBOSE       show requests and replies
# TEST_NGINX_LEAVE         keep the directory

use warnings;
use strict;

use base qw/ Test::LiveUpdate::API Exporter /;

use Digest::SHA qw/ sha256_hex /;
use File::Find ();
use File::Path qw/ make_path remove_tree /;
use File::Temp ();
use IO::Socket::INET;
use List::Util qw/ first /;
use POSIX qw/ WNOHANG /;
use Scalar::Util qw/ weaken /;
use Sys::Hostname ();
use Test::More ();
use Time::HiRes qw/ sleep time /;

use Test::LiveUpdate::API qw/ sign zip /;
use Test::LiveUpdate::HTTP qw/
    connect_to exchange json_decode json_encode multipart parse_reply
    uri_encode
/;

our @EXPORT = qw/
    http http_get http_head http_post http_start http_end http_content json
    port wait_until
/;

our @EXPORT_OK = qw/
    json_decode json_encode machine multipart sign uri_encode zip
/;

use constant FREE_TESTS => 5;

our $ROOT = __FILE__;
$ROOT = POSIX::getcwd() . "/$ROOT" unless $ROOT =~ m{^/};
$ROOT =~ s{/t/lib/Test/LiveUpdate\.pm$}{};
$ROOT =~ s{/\./}{/}g;

our $NGINX = $ENV{TEST_NGINX_BINARY} || first { -x }
    map { "$_/nginx" } split(/:/, $ENV{PATH}), '/usr/sbin', '/usr/local/sbin';

our $MODULE = $ENV{TEST_NGINX_MODULE}
    // "$ROOT/build/ngx_http_liveupdate_module.so";

my $slow = $ENV{TEST_NGINX_ASAN} ? 5 : 1;

# Angie adds the number of the configuration

my $WORKER = qr/^(?:nginx|angie): worker process(?: #\d+)?$/;

my (%running, %ports, @locks);


# The tests of the end must run before Test::More counts, which it does in an
# END block of its own; those are run in the reverse order.

END {
    my $status = $?;
    $_->finish() for grep { defined } values %running;
    $? = $status;
}


sub new {
    my ($class) = @_;

    Test::More::BAIL_OUT('there is no nginx') unless $NGINX;
    Test::More::BAIL_OUT("there is no $MODULE, run \"make\" first")
        unless $MODULE eq '' || -f $MODULE;

    make_path("$ROOT/build/tmp");

    my $self = bless {
        pid => $$,
        testdir => File::Temp::tempdir('t-XXXXXXXX', DIR => "$ROOT/build/tmp"),
        daemons => [],
        env => {},
        kills => {},
        mark => 0,
        ends => [],
        allowed => [],
        late => '',
        died => '',
    }, $class;

    $running{$self} = $self;
    weaken($running{$self});

    make_path("$self->{testdir}/store/tmp");
    $self->write_tokens(qw/ read publish approve admin /);

    # so that log_like() and friends never fail to open it
    $self->write_file('error.log', '');

    return $self;
}


sub DESTROY {
    my ($self) = @_;

    local ($@, $!, $?);

    $self->finish() if $self->{pid} == $$;
}


# The end: called once, by END or when the object goes away.

sub finish {
    my ($self) = @_;

    return if $self->{finished} || $self->{pid} != $$;
    $self->{finished} = 1;

    delete $running{$self};

    $self->stop();
    $self->stop_daemons();

    if ($self->{planned}) {
        my $builder = Test::More->builder;

        $builder->todo_start('alerts') if $self->{todo_alerts};
        $self->free_test('no alerts', $self->alerts());
        $builder->todo_end() if $self->{todo_alerts};

        $self->free_test('no sanitizer errors', $self->sanitizer_errors());
        $self->free_test('no crashes', $self->crashes());
        $self->free_test('no leftovers', $self->leftovers());
        $self->free_test('stopped in time', $self->{late});
    }

    $_->() for splice @{$self->{ends}};

    if ($ENV{TEST_NGINX_LEAVE}) {
        Test::More::diag("left: $self->{testdir}");
        return;
    }

    remove_tree($self->{testdir});
}


# Has a function called when nginx has stopped, before the folder is removed.

sub at_end {
    my ($self, $code) = @_;

    push @{$self->{ends}}, $code;
}


sub free_test {
    my ($self, $name, @found) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 2;

    Test::More::is(join("\n", grep { $_ ne '' } @found), '', $name);
}


sub alerts {
    my ($self) = @_;

    my $kills = join '|', 0, keys %{$self->{kills}};

    return grep {
        my $line = $_;

        $line !~ /process (?:$kills) exited on signal/
        && $line !~ /was locked by (?:$kills)\b/
        && !grep { $line =~ $_ } @{$self->{allowed}}

    } $self->read_log() =~ /^.*\[(?:alert|emerg)\].*$/gm;
}


sub sanitizer_errors {
    my ($self) = @_;

    my $text = $self->read_log() . $self->read_file('stderr');

    my @found = $text =~ /^.*(?:Sanitizer|runtime error:).*$/gm;

    if (@found) {
        my ($report) = $text =~ /^(=+\n==\d+==ERROR: .*?)(?:\n\n|\z)/ms;
        push @found, $report if defined $report;
    }

    return @found;
}


sub crashes {
    my ($self) = @_;

    my $kills = join '|', 0, keys %{$self->{kills}};

    # not one expression for all of it: that takes its time
    my @found = grep { !/process (?:$kills) exited on signal/ }
        grep { /exited on signal|exited with fatal code/ }
        split /\n/, $self->read_log();

    push @found, grep { -f } glob("$self->{testdir}/core*"),
                             glob("$self->{testdir}/*/core*");

    return (@found, $self->{died});
}


# The name that this machine has in a store, unless liveupdate_machine says
# otherwise.

sub machine {
    return lc Sys::Hostname::hostname();
}


# What should have gone from the temporary folders of the stores.  After a
# kill the next start cleans up, so nothing is said before that.

sub leftovers {
    my ($self) = @_;

    return if $self->{killed};

    my @found;
    my @tmp = grep { -d } glob("$self->{testdir}/*/tmp");

    File::Find::find({ no_chdir => 1, wanted => sub {
        push @found, $_ unless -d;
    } }, @tmp) if @tmp;

    # the lock of a machine stays
    @found = grep { !m{/tmp/[^/]+/\.lock$} } @found;

    # so does, until the next start, what was open when its folder was removed,
    # on a file system that gives it another name then
    @found = grep { !m{/tmp/[^/]+/[\d.]+\.gone/\.nfs\w+$} } @found;

    s{^\Q$self->{testdir}\E/}{} for @found;

    return sort @found;
}


# -- plan and requirements ---------------------------------------------------

sub plan {
    my ($self, $tests) = @_;

    $self->{planned} = 1;
    Test::More::plan(tests => $tests + FREE_TESTS);

    return $self;
}


sub skip_all {
    my ($self, $reason) = @_;

    $self->{planned} = 0;
    Test::More::plan(skip_all => $reason);
}


# has(qw/ threads http_v2 http_ssl debug /)

sub has {
    my ($self, @features) = @_;

    for my $feature (@features) {
        $self->skip_all("no $feature in this nginx")
            unless $self->has_feature($feature);
    }

    return $self;
}


sub has_feature {
    my ($self, $feature) = @_;

    my $info = nginx_info();

    return $info =~ /--with-\Q$feature\E(?:_module)?(?:[= \n]|$)/;
}


sub has_version {
    my ($self, $need) = @_;

    my @need = split /\./, $need;
    my ($version) = nginx_info() =~ m{nginx version: \S+?/([0-9.]+)};
    my @have = split /\./, $version;

    for my $part (@need) {
        my $have = shift(@have) // 0;

        return $have > $part if $have != $part;
    }

    return 1;
}


sub has_daemon {
    my ($self, $command) = @_;

    $self->skip_all("no $command")
        unless first { -x "$_/$command" } split(/:/, $ENV{PATH});

    return $self;
}


my $nginx_info;

sub nginx_info {
    $nginx_info //= `'$NGINX' -V 2>&1`;

    return $nginx_info;
}


sub todo_alerts {
    my ($self) = @_;

    $self->{todo_alerts} = 1;

    return $self;
}


# Says that log lines like this one are meant to be there.

sub allow_alert {
    my ($self, $re) = @_;

    push @{$self->{allowed}}, $re;

    return $self;
}


# -- files -------------------------------------------------------------------

sub testdir {
    my ($self) = @_;

    return $self->{testdir};
}


sub write_file {
    my ($self, $name, $content) = @_;

    my $path = "$self->{testdir}/$name";

    make_path($path =~ s{/[^/]*$}{}r);

    open my $fh, '>:raw', $path or die "cannot write $path: $!\n";
    print {$fh} $content or die "cannot write $path: $!\n";
    close $fh or die "cannot write $path: $!\n";

    return $self;
}


# In one step, and with the same owner.

sub replace_file {
    my ($self, $name, $content) = @_;

    my $path = "$self->{testdir}/$name";
    my ($uid, $gid) = (stat $path)[4, 5];

    $self->write_file("$name.new", $content);
    chown $uid, $gid, "$path.new";
    rename "$path.new", $path or die "cannot rename: $!\n";
}


sub read_file {
    my ($self, $name) = @_;

    my $path = $name =~ m{^/} ? $name : "$self->{testdir}/$name";

    open my $fh, '<:raw', $path or return '';
    local $/;
    my $content = <$fh>;

    return $content // '';
}


# All of a folder, the store if not told otherwise: a line for each entry, with
# the digest of what it holds.  Locks, turns and bodies of requests are not
# listed.

sub tree {
    my ($self, $name) = @_;

    my $dir = "$self->{testdir}/" . ($name // 'store');
    my $machine = quotemeta machine();
    my @lines;

    File::Find::find({ no_chdir => 1, wanted => sub {
        my $path = $_;

        return if $path =~ m{/\.?lock$} || $path =~ m{/\.turn(?:/|$)}
                  || $path =~ m{/\.usage$}
                  || $path =~ m{/apps/[^/]+/history(?:/|$)}
                  || $path =~ m{/tmp/$machine(?:$|/[a-z])};

        my $line = substr($path, length $dir);

        if (-f $path) {
            my $digest = eval { Digest::SHA->new(256)->addfile($path, 'b') };

            # gone meanwhile
            return unless $digest;

            $line .= ' ' . $digest->hexdigest();
        }

        push @lines, "$line\n";
    } }, $dir) if -d $dir;

    return join '', sort @lines;
}


sub write_file_expand {
    my ($self, $name, $content) = @_;

    $content =~ s/%%TEST_GLOBALS%%/$self->test_globals($content)/gme;
    $content =~ s/%%TEST_GLOBALS_HTTP%%/$self->test_globals_http()/gme;
    $content =~ s/%%TESTDIR%%/$self->{testdir}/gm;
    $content =~ s/127\.0\.0\.1:(8\d\d\d)/'127.0.0.1:' . port($1)/gme;
    $content =~ s/%%PORT_(\d+)%%/port($1)/gme;

    return $self->write_file($name, $content);
}


sub test_globals {
    my ($self, $config) = @_;

    my $globals = "pid  $self->{testdir}/nginx.pid;\n"
                  . "error_log  $self->{testdir}/error.log  "
                  . log_level() . ";\n";

    $globals .= "load_module  $MODULE;\n" if $MODULE ne '';

    $globals .= user_directive() . "\n"
        unless $config =~ /^\s*user\s/m;

    $globals .= "worker_processes  " . workers_wanted() . ";\n"
        unless $config =~ /^\s*worker_processes\s/m;

    return $globals . ($ENV{TEST_NGINX_GLOBALS} // '');
}


sub test_globals_http {
    my ($self) = @_;

    my $dir = $self->{testdir};
    my $globals = "    root  $dir/html;\n"
                  . "    access_log  $dir/access.log;\n"
                  . "    client_body_temp_path  $dir/store/tmp/body;\n";

    for my $module (qw/ proxy fastcgi uwsgi scgi /) {
        $globals .= "    ${module}_temp_path  $dir/temp_$module;\n"
            unless nginx_info() =~ /--without-http_${module}_module/;
    }

    return $globals . ($ENV{TEST_NGINX_GLOBALS_HTTP} // '');
}


sub log_level {
    return $ENV{TEST_NGINX_DEBUG} ? 'debug' : 'info';
}


sub workers_wanted {
    return $ENV{TEST_NGINX_WORKERS} || 2;
}


sub user_directive {
    return '' if $> != 0;

    return 'user  ' . getpwuid($>) . '  ' . getgrgid($) + 0) . ';';
}


# The reference configuration, as "make start" makes it, in the test's own
# directory.  A function may change the text of each of its files ($_; the
# argument is the name).

sub config_reference {
    my ($self, $change) = @_;

    my $dir = $self->{testdir};
    my $port = port(8080);

    {
        local $ENV{NGINX} = $NGINX;
        local $ENV{MODULE} = $MODULE;

        system("'$ROOT/conf/run.sh' prepare '$dir' $port >&2") == 0
            or die "conf/run.sh failed\n";
    }

    for my $name (qw/ nginx.conf liveupdate.conf /) {
        local $_ = $self->read_file($name);

        if ($name eq 'nginx.conf') {
            my $globals = $ENV{TEST_NGINX_GLOBALS} // '';
            my $globals_http = $ENV{TEST_NGINX_GLOBALS_HTTP} // '';

            s/\A/$globals/;
            s/^http \{\n/http {\n$globals_http/m;
            my $workers = workers_wanted();
            my $log = "$dir/error.log  " . log_level();

            s/^worker_processes .*/worker_processes  $workers;/m;
            s/^error_log .*/error_log  $log;/m;
        }

        $change->($name) if $change;

        $self->write_file($name, $_);
    }

    return $self;
}


sub write_tokens {
    my ($self, @roles) = @_;

    my $lines = '';

    for my $role (@roles) {
        my $clear = 'ca_' . random_hex(20);

        $self->{tokens}{$role} = $clear;
        $lines .= "$role $role " . sha256_hex($clear) . "\n";
    }

    $self->write_file('tokens', $lines);
    chmod 0600, "$self->{testdir}/tokens";
}


sub random_hex {
    my ($bytes) = @_;

    open my $fh, '<:raw', '/dev/urandom' or die "no /dev/urandom: $!\n";
    sysread($fh, my $random, $bytes) == $bytes or die "no random bytes\n";

    return unpack 'H*', $random;
}


# The clear token of a role: read, publish, approve, admin.

sub token {
    my ($self, $role) = @_;

    return $self->{tokens}{$role} // die "no token for \"$role\"\n";
}


# -- running nginx -----------------------------------------------------------

# Environment variables for nginx alone, for instance LD_PRELOAD.

sub env {
    my ($self, %env) = @_;

    $self->{env} = { %{$self->{env}}, %env };

    return $self;
}


# run(), or run(wrapper => [ 'strace', ... ])

sub run {
    my ($self, %opt) = @_;

    $self->start(%opt)
        or die "nginx did not start:\n" . $self->startup_errors();

    return $self;
}


# Skips the test if nginx does not take the configuration.

sub try_run {
    my ($self, $reason) = @_;

    return $self if $self->start();

    Test::More::diag($self->startup_errors()) if $ENV{TEST_NGINX_VERBOSE};

    $self->{allowed} = [qr/./];
    $self->skip_all($reason);
}


sub startup_errors {
    my ($self) = @_;

    return $self->read_file('stderr')
           . join '', map { "$_\n" } $self->read_log() =~ /^.*\[emerg\].*$/gm;
}


sub start {
    my ($self, %opt) = @_;

    die "nginx runs already\n" if $self->{master};

    my $dir = $self->{testdir};
    my $config = $self->read_file('nginx.conf');

    unlink "$dir/nginx.pid";

    my @command = ($NGINX, '-p', "$dir/", '-e', "$dir/error.log",
                   '-c', "$dir/nginx.conf");

    push @command, '-g', 'daemon off;'
        unless $config =~ /^\s*daemon\s/m;

    my $pid = fork() // die "cannot fork: $!\n";

    $self->exec_nginx(@{$opt{wrapper} || []}, @command) if $pid == 0;

    $self->{child} = $pid;
    $self->{killed} = 0;

    my $gone = 0;
    my $up = wait_quietly(sub {
        return 1 if $gone = waitpid($pid, WNOHANG);

        my $master = $self->read_file('nginx.pid');
        return unless $master =~ /^(\d+)\n/;

        $self->{master} = $1;
        return $self->has_workers($config);
    }, $opt{wrapper} ? 120 : 10);

    return 1 if $up && !$gone;

    if (!$gone) {
        kill 'KILL', $self->children(), $pid;
        waitpid($pid, 0);
    }

    delete @$self{qw/ master child /};

    return;
}


# Runs nginx with these arguments to its end: "-s" and the like, or a start
# with "daemon on".  What it says goes to "stderr".  Returns its status.

sub system_nginx {
    my ($self, @arguments) = @_;

    my $pid = fork() // die "cannot fork: $!\n";

    if ($pid == 0) {
        $self->exec_nginx(qw/ timeout -s KILL 60 /, $NGINX,
                          '-p', "$self->{testdir}/", @arguments);
    }

    waitpid($pid, 0);

    return $?;
}


sub exec_nginx {
    my ($self, @command) = @_;

    open STDERR, '>>', "$self->{testdir}/stderr" or POSIX::_exit(127);
    open STDOUT, '>&', \*STDERR or POSIX::_exit(127);

    chdir $self->{testdir};

    local %ENV = (%ENV, %{$self->{env}});

    if ($ENV{TEST_NGINX_ASAN}) {
        my $libasan = asan_library();

        $ENV{LD_PRELOAD} = join ' ', $libasan, $ENV{LD_PRELOAD} // ();
        $ENV{ASAN_OPTIONS} = join ':', 'detect_leaks=0',
                                       $ENV{ASAN_OPTIONS} // ();
    }

    { no warnings 'exec'; exec { $command[0] } @command; }

    POSIX::_exit(127);
}


sub asan_library {
    my $cc = $ENV{CC} || 'cc';

    chomp(my $path = `$cc -print-file-name=libasan.so`);

    return $path;
}


sub has_workers {
    my ($self, $config) = @_;

    return 1 if $config =~ /^\s*master_process\s+off/m;

    my $n = $config =~ /^\s*worker_processes\s+(\d+)/m ? $1 : 1;

    return $self->workers() >= $n;
}


# The ids of the workers that take requests.

sub workers {
    my ($self) = @_;

    return grep { title($_) =~ $WORKER } $self->children();
}


sub children {
    my ($self) = @_;

    my $master = $self->{master} or return;
    my @children;

    for my $stat (glob '/proc/[0-9]*/stat') {
        open my $fh, '<', $stat or next;
        my $line = <$fh> // next;

        # the name, in parentheses, may hold anything
        push @children, $1
            if $line =~ /^(\d+) \(.*\) [^Z] (\d+) /s && $2 == $master;
    }

    return sort { $a <=> $b } @children;
}


sub title {
    my ($pid) = @_;

    open my $fh, '<', "/proc/$pid/cmdline" or return '';
    my $title = <$fh> // '';

    $title =~ s/[\0 ]+$//;

    return $title;
}


# "nginx -t" with this text, or with nginx.conf: what it says and, in list
# context, whether it is content.

sub test_config {
    my ($self, $text) = @_;

    my $dir = $self->{testdir};
    my $name = 'nginx.conf';

    if (defined $text) {
        $name = 'test.conf';
        $self->write_file_expand($name, $text);
    }

    my $pid = open(my $out, '-|') // die "cannot fork: $!\n";

    if ($pid == 0) {
        open STDERR, '>&', \*STDOUT;

        if ($ENV{TEST_NGINX_ASAN}) {
            $ENV{LD_PRELOAD} = asan_library();
            $ENV{ASAN_OPTIONS} = 'detect_leaks=0';
        }

        exec $NGINX, '-t', '-p', "$dir/", '-e', "$dir/test.log",
             '-c', "$dir/$name"
            or POSIX::_exit(127);
    }

    my $said = do { local $/; <$out> };
    close $out;

    return wantarray ? ($said, $? == 0) : $said;
}


# Returns when the new workers take requests and the old ones do not.  With
# fails => 1 the configuration is to be refused; returns what the log says.

sub reload {
    my ($self, %opt) = @_;

    my $from = -s "$self->{testdir}/error.log";
    my %old = map { $_ => 1 } $self->workers();

    kill 'HUP', $self->{master};

    if ($opt{fails}) {
        my $said = wait_quietly(sub {
            join "\n", $self->read_log($from) =~ /^.*\[emerg\].*$/gm;
        }, 10) or die "the configuration was not refused\n";

        $self->allow_alert(qr/\Q$_\E/) for split /\n/, $said;
        return $said;
    }

    my $n = first { $_ } $self->read_file('nginx.conf')
        =~ /^\s*worker_processes\s+(\d+)/m, 1;

    wait_quietly(sub {
        die "the configuration was refused\n" . $self->read_log($from)
            if $self->read_log($from) =~ /\[emerg\]/;

        my @now = $self->workers();

        return @now >= $n && !grep { $old{$_} } @now;
    }, 10) or die "there are no new workers after a reload\n";

    return $self;
}


# The workers stay: TEST_NGINX_HUP reloads again after steady(0).

sub steady {
    my ($self, $steady) = @_;

    $self->{steady} = $steady // 1;
}


# Lets nginx finish its work and quit.  Being late is a failure of the test.

sub stop {
    my ($self, %opt) = @_;

    return $self unless $self->{child};

    my $master = $self->{master};

    $self->wait_exit(0) and $self->{died} ||= 'nginx was gone before the end';

    if ($self->{child}) {
        kill 'QUIT', $master;

        if (!$self->wait_exit($opt{timeout} // 10)) {
            $self->{late} ||= 'nginx had not quit in time';
            $self->{late} .= "\n" . join "\n", map {
                "process $_: " . title($_)
            } $self->children();

            kill 'TERM', $master;

            if (!$self->wait_exit(5)) {
                kill 'KILL', $self->children(), $master, $self->{child};
                $self->wait_exit(5);
            }
        }
    }

    delete @$self{qw/ master child /};

    return $self;
}


# Whether the process that run() started has ended.

sub wait_exit {
    my ($self, $seconds) = @_;

    return 1 unless $self->{child};

    return wait_quietly(sub {
        my $pid = waitpid($self->{child}, WNOHANG);

        return unless $pid == $self->{child} || $pid == -1;

        $self->{died} ||= "nginx ended with status $?"
            if $pid > 0 && $? && !$self->{killed};

        delete $self->{child};
        return 1;
    }, $seconds);
}


# Kills a worker (the first, or the one of that id) and returns its id when
# another one has taken its place.

sub kill_worker {
    my ($self, $pid, $signal) = @_;

    my $n = $self->workers();

    $pid //= ($self->workers())[0];

    $self->{kills}{$pid} = 1;
    $self->{killed} = 1;

    kill $signal // 'KILL', $pid or die "cannot kill worker $pid: $!\n";

    wait_quietly(sub {
        my @now = $self->workers();
        return @now >= $n && !grep { $_ == $pid } @now;
    }, 60) or die "there is no new worker in the place of $pid\n";

    return $pid;
}


# Kills all of nginx, the master first, so that it cannot see it; run() starts
# it again.

sub kill_nginx {
    my ($self) = @_;

    my @children = $self->children();

    $self->{kills}{$_} = 1 for @children;
    $self->{killed} = 1;

    # a stopped process takes nothing more up, whatever the order of deaths
    kill 'STOP', $self->{master};
    kill 'KILL', @children, $self->{master};

    $self->wait_exit(10) or die "nginx survived\n";

    wait_quietly(sub { !grep { alive($_) } @children }, 10)
        or die "a worker survived\n";

    delete @$self{qw/ master child /};

    return $self;
}


# While one of its threads waits for the disk, a process that was killed is
# still there, and has its sockets.

sub alive {
    my ($pid) = @_;

    for my $stat (glob "/proc/$pid/task/*/stat") {
        open my $fh, '<', $stat or next;

        return 1 if (<$fh> // '') =~ /^\d+ \(.*\) [^ZX] /s;
    }

    return 0;
}


# -- daemons, ports, waiting -------------------------------------------------

# A function or a command beside nginx; it is ended with the test.

sub run_daemon {
    my ($self, $code, @args) = @_;

    my $pid = fork() // die "cannot fork: $!\n";

    if ($pid == 0) {
        if (ref $code eq 'CODE') {
            $code->(@args);
            POSIX::_exit(0);
        }

        open STDOUT, '>>', "$self->{testdir}/daemons.log";
        open STDERR, '>&', \*STDOUT;

        { no warnings 'exec'; exec { $code } $code, @args; }
        POSIX::_exit(127);
    }

    push @{$self->{daemons}}, $pid;

    return $pid;
}


sub stop_daemons {
    my ($self) = @_;

    for my $pid (splice @{$self->{daemons}}) {
        kill 'TERM', $pid;

        wait_quietly(sub { waitpid($pid, WNOHANG) != 0 }, 3)
            or kill('KILL', $pid) && waitpid($pid, 0);
    }

    return $self;
}


# Whether a daemon has come to its end by itself.

sub ended {
    my ($self, $pid, $seconds) = @_;

    return wait_quietly(sub { waitpid($pid, WNOHANG) != 0 }, $seconds);
}


# Of a process: memory in kB, and descriptors but for those of connections and
# of files that nginx keeps open.

sub size {
    my ($self, $pid) = @_;

    # the zone has its size, and is used page by page
    my %kb = $self->read_file("/proc/$pid/status")
             =~ /^(VmRSS|RssShmem):\s+(\d+)/mg;

    my @open = grep { !m{^socket:|/(?:files|gzip|feed)/} }
        grep { defined } map { readlink } glob "/proc/$pid/fd/*";

    return { memory => $kb{VmRSS} - ($kb{RssShmem} // 0),
             open => scalar @open };
}


sub waitforsocket {
    my ($self, $address) = @_;

    return wait_quietly(sub {
        IO::Socket::INET->new(Proto => 'tcp', PeerAddr => $address);
    }, 10);
}


# A free port for the number that a configuration has.  A UDP socket of the same
# number is held, so that parallel tests keep away from it: at another address,
# since HTTP/3 needs this one.

sub port {
    my ($number) = @_;

    return $ports{$number} if $ports{$number};

    for my $try (1 .. 500) {
        my $port = $try == 1 ? $number : 8000 + int rand 2000;

        my $lock = IO::Socket::INET->new(
            Proto => 'udp', LocalAddr => "127.0.0.2:$port"
        ) or next;

        my $probe = IO::Socket::INET->new(
            Proto => 'tcp', LocalAddr => "127.0.0.1:$port",
            Listen => 1, Reuse => 1
        ) or next;

        push @locks, $lock;

        return $ports{$number} = $port;
    }

    die "there is no free port\n";
}


# wait_until { ... } $seconds, $name:  whether the block became true.

sub wait_until (&;$$) {
    my ($code, $seconds, $name) = @_;

    $seconds //= 5;

    my $value = wait_quietly($code, $seconds);

    Test::More::diag("$seconds s were not enough: " . ($name // ''))
        if !$value;

    return $value;
}


sub wait_quietly {
    my ($code, $seconds) = @_;

    my $deadline = time() + $seconds * $slow;
    my $pause = 0.001;

    while (1) {
        my $value = $code->();

        return $value if $value;
        return if time() >= $deadline;

        sleep($pause);
        $pause = $pause < 0.02 ? $pause * 1.5 : 0.02;
    }
}


# -- the error log -----------------------------------------------------------

sub read_log {
    my ($self, $from) = @_;

    my $log = $self->read_file('error.log');

    return $from ? substr($log, $from) // '' : $log;
}


# What follows is what log_like() and log_unlike() look at.

sub mark_log {
    my ($self) = @_;

    $self->{mark} = -s "$self->{testdir}/error.log" || 0;

    return $self;
}


sub wait_log {
    my ($self, $re, $seconds) = @_;

    return wait_quietly(sub { $self->read_log($self->{mark}) =~ $re },
                        $seconds // 5);
}


sub log_like {
    my ($self, $re, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    $self->wait_log($re, 2);

    Test::More::like($self->read_log($self->{mark}), $re, $name);
}


sub log_unlike {
    my ($self, $re, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    Test::More::unlike($self->read_log($self->{mark}), $re, $name);
}


# -- literal requests --------------------------------------------------------

sub before_request {
    return unless $ENV{TEST_NGINX_HUP};

    for my $t (grep { defined && $_->{master} } values %running) {
        $t->reload() if $t->{pid} == $$ && !$t->{steady};
    }
}


sub address {
    my (%opt) = @_;

    return '127.0.0.1:' . port($opt{port} // 8080);
}


sub verbose {
    my ($prefix, $text) = @_;

    return unless $ENV{TEST_NGINX_VERBOSE};

    Test::More::note(substr($text, 0, 2000) =~ s/^/$prefix /gmr);
}


# Sends the text as it is, reads until nginx closes.  http_start() sends it
# and returns the socket, from which http_end() reads.

sub http {
    my ($text, %opt) = @_;

    before_request() unless $opt{socket};
    verbose('>>', $text);

    my $s = $opt{socket} || connect_to(address(%opt));
    my $reply = eval { exchange($s, $text, undef, $opt{timeout}) };

    Test::More::diag($@) if $@;
    verbose('<<', $reply // '');

    return $reply;
}


sub http_start {
    my ($text, %opt) = @_;

    before_request();
    verbose('>>', $text);

    my $s = connect_to(address(%opt));

    local $SIG{PIPE} = 'IGNORE';
    print {$s} $text;

    return $s;
}


sub http_end {
    my ($s, %opt) = @_;

    return http('', %opt, socket => $s);
}


sub http_get {
    my ($url, %opt) = @_;

    return http("GET $url HTTP/1.0\r\nHost: localhost\r\n\r\n", %opt);
}


sub http_head {
    my ($url, %opt) = @_;

    return http("HEAD $url HTTP/1.0\r\nHost: localhost\r\n\r\n", %opt);
}


sub http_post {
    my ($url, $body, %opt) = @_;

    my $type = $opt{type} // 'application/json';

    return http("POST $url HTTP/1.0\r\nHost: localhost\r\n"
                . "Content-Type: $type\r\n"
                . 'Content-Length: ' . length($body) . "\r\n\r\n$body", %opt);
}


sub http_content {
    my ($reply) = @_;

    return (parse_reply($reply // '') || { body => '' })->{body};
}


# The reply's body, decoded.  If it is no JSON, says so and returns undef.

sub json {
    my ($reply) = @_;

    my $body = http_content($reply);
    my $value = eval { json_decode($body) };

    Test::More::diag("no JSON: \"$body\"") if $@;

    return $value;
}


1;
