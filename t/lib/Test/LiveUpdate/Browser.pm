package Test::LiveUpdate::Browser;

# Copyright (C) the nginx-liveupdate authors

# A headless Chromium, driven by t/clients/browser.js.
#
#     my $b = Test::LiveUpdate::Browser->new($t);
#     $b->start(scheme => 'dark');
#     $b->open('http://127.0.0.1:8080/console/');
#     $b->fill({ label => 'Token' }, 'ca_...');
#     $b->click('button', 'Sign in');
#     $b->see('Applications');
#
# What cannot be done in time is a failed test, and undef.

use warnings;
use strict;

use IPC::Open2 qw/ open2 /;
use List::Util qw/ first /;
use POSIX qw/ WNOHANG /;
use Test::More ();

use Test::LiveUpdate::HTTP qw/ json_decode json_encode /;


# Options are Chromium's.

sub new {
    my ($class, $t, @options) = @_;

    my $clients = "$Test::LiveUpdate::ROOT/t/clients";

    my $chromium = first { -x }
        map { "$_/chromium" } split /:/, $ENV{PATH};

    $t->has_daemon('node');
    $t->skip_all('no chromium') unless $chromium;
    $t->skip_all('no playwright-core, run "make clients"')
        unless -d "$clients/node_modules/playwright-core";

    # its profile and its cache are the test's

    local $ENV{TMPDIR} = $t->testdir();
    local $ENV{HOME} = $t->testdir();

    my $pid = open2(my $out, my $in, 'node', "$clients/browser.js",
                    $chromium, @options);

    binmode $_ for $out, $in;
    $in->autoflush(1);

    return bless { pid => $pid, in => $in, out => $out }, $class;
}


# To be called before the end of the test, so that its folder can go.

sub quit {
    my ($self) = @_;

    my $pid = delete $self->{pid} or return;

    close $self->{in};

    my $gone = Test::LiveUpdate::wait_quietly(
        sub { waitpid($pid, WNOHANG) != 0 }, 10);

    if (!$gone) {
        kill 'KILL', $pid;
        waitpid($pid, 0);
    }

    local $?;
    close $self->{out};
}


sub DESTROY {
    my ($self) = @_;

    local ($@, $!, $?);

    $self->quit();
}


sub tell {
    my ($self, $do, %args) = @_;

    local $SIG{PIPE} = 'IGNORE';

    print {$self->{in}} json_encode({ do => $do, %args }) . "\n";

    my $line = readline $self->{out};
    my $answer = defined $line
        ? json_decode($line) : { message => 'the browser has gone' };

    return $answer->{value} if $answer->{ok};

    local $Test::Builder::Level = $Test::Builder::Level + 2;

    Test::More::ok(0, "browser: $do");
    Test::More::diag($answer->{message});

    # what is to be seen instead

    print {$self->{in}} json_encode({ do => 'tree' }) . "\n";
    $line = readline $self->{out};

    Test::More::diag(substr(json_decode($line)->{value} // '', 0, 12000))
        if defined $line;

    return;
}


sub what {
    my ($role, $name, %more) = @_;

    return ref $role ? $role : { role => $role, name => $name, %more };
}


sub start { my ($self, %opt) = @_; $self->tell('start', %opt) }
sub end { $_[0]->tell('end') }
sub open { $_[0]->tell('open', url => $_[1]) }
sub reload { $_[0]->tell('reload') }
sub hash { $_[0]->tell('hash', hash => $_[1]) }
sub click { my $self = shift; $self->tell('click', what => what(@_)) }
sub fill { $_[0]->tell('fill', what => $_[1], text => $_[2]) }
sub choose { $_[0]->tell('choose', what => $_[1], text => $_[2]) }
sub press { my $self = shift; $self->tell('press', keys => [@_]) }
sub type { $_[0]->tell('type', text => $_[1]) }
sub text { my $self = shift; $self->tell('text', what => what(@_)) }
sub count { my $self = shift; $self->tell('count', what => what(@_)) }
sub focus { $_[0]->tell('focus') }
sub title { $_[0]->tell('title') }
sub tree { $_[0]->tell('tree') }
sub kept { $_[0]->tell('kept') }
sub look { $_[0]->tell('look', css => $_[1], property => $_[2]) }
sub run { $_[0]->tell('run', code => $_[1]) }
sub scheme { $_[0]->tell('scheme', scheme => $_[1]) }
sub layout { @{$_[0]->tell('layout') || ['it cannot be measured']} }

# All rules, or only some.

sub axe {
    my ($self, @rules) = @_;

    return @{$self->tell('axe', rules => \@rules) || ['axe does not run']};
}

sub shot { $_[0]->tell('shot', path => $_[1]) }
sub problems { join "\n", @{$_[0]->tell('problems') || []} }
sub requests { @{$_[0]->tell('requests') || []} }

sub size {
    my ($self, $width, $height) = @_;

    $self->tell('size', width => $width, height => $height);
}


# A test that the page, or what is selected in it, comes to say so.

sub see {
    my ($self, $text, $name, %opt) = @_;

    my $answer = $self->try(see => text => $text, %opt);

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    Test::More::ok($answer->{ok}, $name // "sees: $text") and return 1;

    Test::More::diag($answer->{message});
    Test::More::diag(substr($self->tree() // '', 0, 12000));

    return 0;
}


sub see_not {
    my ($self, $text, $name, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    $self->see($text, $name // "does not see: $text", %opt,
               gone => JSON::PP::true());
}


sub try {
    my ($self, $do, %args) = @_;

    print {$self->{in}} json_encode({ do => $do, %args }) . "\n";

    my $line = readline $self->{out};

    return defined $line ? json_decode($line)
                         : { message => 'the browser has gone' };
}


1;
