package Test::LiveUpdate::Lane;

# Copyright (C) the nginx-liveupdate authors

# One of several servers of one nginx, each with a port, a store and a
# repository of its own.  For a ToDesktop and a GitHub it is the harness.

use warnings;
use strict;

use Test::LiveUpdate::Store;


# new($t, $n, $td, $gh):  {name, repo, port, td, gh, store}

sub new {
    my ($class, $t, $n, $td, $gh) = @_;

    my $name = "lane-$n";

    my $self = bless {
        t => $t,
        name => $name,
        dir => $t->testdir() . "/$name",
        port => 8100 + $n,
        repo => "acme/$name",
    }, $class;

    $self->{td} = bless { %$td, t => $self, builds => {} }, ref $td;
    $self->{gh} = bless { %$gh, t => $self, repo => $self->{repo} }, ref $gh;
    $self->{store} = Test::LiveUpdate::Store->new("$self->{dir}/store");

    return $self;
}


# Adds the servers to the configuration that there is.

sub configure {
    my ($t, @lanes) = @_;

    my $servers = '';

    for my $self (@lanes) {
        my $conf = $t->read_file('liveupdate.conf');
        my $port = Test::LiveUpdate::port($self->{port});

        $conf =~ s{\bstore(?=/tmp|;)}{$self->{name}/store}g;
        $conf =~ s{repo=\S+}{repo=$self->{repo}};

        $t->write_file("$self->{name}.conf", $conf);
        mkdir $self->{dir} or die "cannot make a folder: $!\n";
        $self->{gh}->repository();

        $servers .= "    server {\n        listen  127.0.0.1:$port;\n"
                    . "        include  $self->{name}.conf;\n    }\n";
    }

    my $conf = $t->read_file('nginx.conf');

    return $t->write_file('nginx.conf', $conf =~ s/^\}\s*\z/$servers}\n/mr);
}


sub api {
    my ($self, $method, $path, $body, %opt) = @_;

    return $self->{t}->api($method, $path, $body, port => $self->{port}, %opt);
}


sub testdir {
    my ($self) = @_;

    return $self->{dir};
}


sub read_file {
    my ($self, $name) = @_;

    return $self->{t}->read_file($name =~ m{^/} ? $name
                                                : "$self->{dir}/$name");
}


1;
