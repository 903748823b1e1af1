package Test::LiveUpdate::CLI;

# Copyright (C) the nginx-liveupdate authors

# The Capawesome CLI, unmodified, pointed at the nginx of a test.

use warnings;
use strict;

use File::Path qw/ make_path remove_tree /;

use Test::LiveUpdate::HTTP qw/ json_decode /;


# The CLI is run in $t's folder "cli", where its .capawesomerc is.

sub new {
    my ($class, $t, %opt) = @_;

    my $modules = "$Test::LiveUpdate::ROOT/t/clients/node_modules";

    $t->has_daemon('node');
    $t->skip_all('no CLI, run "make clients" first')
        unless -d "$modules/\@capawesome/cli";

    my $url = 'http://127.0.0.1:' . Test::LiveUpdate::port(8080);
    my $dir = $t->testdir() . '/cli';

    make_path("$dir/home");
    $t->write_file('cli/.capawesomerc', "API_BASE_URL=\"$url\"\n");

    return bless {
        t => $t,
        dir => $dir,
        url => $url,
        program => "$modules/\@capawesome/cli/dist/index.js",
        keyring => "$Test::LiveUpdate::ROOT/t/clients/keyring.js",
        token => $opt{token} // 'publish',
    }, $class;
}


sub dir {
    my ($self) = @_;

    return $self->{dir};
}


# A web app in the folder of that name: exactly these files.

sub write_www {
    my ($self, $name, $files) = @_;

    remove_tree("$self->{dir}/$name");
    make_path("$self->{dir}/$name");

    $self->{t}->write_file("cli/$name/$_", $files->{$_}) for keys %$files;

    return $name;
}


# What the CLI has asked of nginx since the last time, as "METHOD path"; with
# a regular expression, only that.  The access log must not be buffered.

sub requests {
    my ($self, $re) = @_;

    # a line is written after the reply
    select(undef, undef, undef, 0.1);

    my $log = $self->{t}->read_file('logs/access.log');
    my @requests = substr($log, $self->{seen} // 0)
        =~ m{"((?!CONNECT)[A-Z]+ [^ "]+) HTTP}g;

    $self->{seen} = length $log;

    return grep { !defined $re || $_ =~ $re } @requests;
}


# run('apps:channels:list', '--app-id', $app):  {status, out, json}.  Options
# may come first: { token => role, clear token or undef for none, keyring =>
# file, so that a token outlives the command }.

sub run {
    my ($self, @args) = @_;

    my $opt = ref $args[0] ? shift @args : {};
    my $token = exists $opt->{token} ? $opt->{token} : $self->{token};

    $token = $self->{t}{tokens}{$token} // $token if defined $token;

    my $pid = open(my $out, '-|') // die "cannot fork: $!\n";

    if ($pid == 0) {
        chdir $self->{dir} or POSIX::_exit(126);

        open STDIN, '<', '/dev/null';
        open STDERR, '>&', \*STDOUT;

        delete @ENV{grep { /^(?:https?_proxy|CAPAWESOME_.*|XDG_.*)$/i }
                    keys %ENV};

        $ENV{CI} = 1;
        $ENV{HOME} = "$self->{dir}/home";
        $ENV{NO_COLOR} = 1;
        $ENV{TMPDIR} = "$self->{dir}/home";
        $ENV{CAPAWESOME_TELEMETRY_DISABLED} = 1;
        $ENV{CAPAWESOME_TOKEN} = $token if defined $token;

        # not the keyring of whoever runs the tests
        delete $ENV{LIVEUPDATE_KEYRING};
        $ENV{LIVEUPDATE_KEYRING} = $opt->{keyring} if $opt->{keyring};

        # After each command the CLI looks for a newer version of itself.
        # Our nginx is no proxy and refuses at once, so that the tests need
        # nobody else.
        $ENV{HTTPS_PROXY} = $self->{url};

        # it may wait for something that never comes
        alarm 120;

        # a second of life is not worth optimizing for
        exec 'node', '--no-opt', '--require', $self->{keyring},
             $self->{program}, @args
            or POSIX::_exit(127);
    }

    my $said = do { local $/; <$out> } // '';
    close $out;

    my $status = $? >> 8;

    Test::LiveUpdate::verbose('cli', "@args\n$said");

    # lines of the log begin with "[info]" and the like
    my ($json) = $said =~ /^(\{\n.*?^\}|\[\n.*?^\]|\{.*\}|\[\{.*\}\]|\[\])$/ms;

    return {
        status => $status,
        out => $said,
        json => defined $json ? scalar eval { json_decode($json) } : undef,
    };
}


1;
