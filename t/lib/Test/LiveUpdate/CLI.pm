package Test::LiveUpdate::CLI;

# Copyright (C) the nginx-liveupdate authors

# The Capawesome CLI, unmodified, pointed at the nginx of a test.

use warnings;
use strict;

use File::Path qw/ make_path /;

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
        token => $opt{token} // 'publish',
    }, $class;
}


sub dir {
    my ($self) = @_;

    return $self->{dir};
}


# run('apps:channels:list', '--app-id', $app):  {status, out, json}.  An
# option { token => role } may come first.

sub run {
    my ($self, @args) = @_;

    my $opt = ref $args[0] ? shift @args : {};
    my $role = $opt->{token} // $self->{token};

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
        $ENV{CAPAWESOME_TOKEN} = $self->{t}{tokens}{$role} // $role;

        # After each command the CLI looks for a newer version of itself.
        # Our nginx is no proxy and refuses at once, so that the tests need
        # nobody else.
        $ENV{HTTPS_PROXY} = $self->{url};

        exec 'node', $self->{program}, @args or POSIX::_exit(127);
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
