package Test::LiveUpdate::House;

# Copyright (C) the nginx-liveupdate authors

# The plan of src/, read from the code: which wing may know which, what a file
# may call itself, and where wings and files go round in circles.  Each check
# returns a line for each breach.

use warnings;
use strict;

use File::Basename qw/ basename dirname /;

# What a wing may include and call, besides itself.

our %KNOWS = (
    core => '',
    base => 'core',
    zone => 'core base',
    store => 'core base zone',
    read => 'core base zone store',
    write => 'core base zone store',
    job => 'core base zone store write',
    api => 'core base zone store write job',
    watch => 'core base zone store write job api',
    conf => 'core base zone store read write job api watch',
);

our $CIRCLE = 3;    # files that tell one story

sub new {
    my ($class) = @_;

    my $self = bless { code => {}, defined => {}, uses => {} }, $class;

    for my $file (glob 'src/*/*.[ch]') {
        my $text = slurp($file);

        $self->{includes}{$file} = [$text =~ /^#include "(.*)"/mg];
        $self->{code}{$file} = code($text);
    }

    $self->{sources} = [sort grep { /\.c$/ } keys %{$self->{code}}];

    $self->definitions($_) for @{$self->{sources}};
    $self->calls($_) for @{$self->{sources}};

    return $self;
}

# Functions and variables that are not static.

sub definitions {
    my ($self, $file) = @_;

    my $code = $self->{code}{$file};

    while ($code =~ /^([a-z][^\n;{}()#]*)\n((?:ngx_)?lu_\w+)\(/mg) {
        $self->{defined}{$2} = $file if $1 !~ /\bstatic\b/;
    }

    while ($code =~ /^(?!static|extern|typedef)[a-z][\w ]*\s\**
                     ((?:ngx_)?lu_\w+)(?:\[[^\n]*\])*\s*=/mgx)
    {
        $self->{defined}{$1} = $file;
    }
}

sub calls {
    my ($self, $file) = @_;

    for my $name ($self->{code}{$file} =~ /\b((?:ngx_)?lu_\w+)\b/g) {
        my $where = $self->{defined}{$name} or next;

        $self->{uses}{$file}{$where}{$name} = 1 if $where ne $file;
    }
}

# Includes and calls that lead into a wing that is not to be known.

sub arrows {
    my ($self) = @_;

    my @found;

    for my $file (sort keys %{$self->{code}}) {

        for my $include (@{$self->{includes}{$file}}) {
            my $to = $include =~ m{/} ? dirname($include) : wing($file);

            push @found, "$file includes $include" if !known($file, $to);

            push @found, "$file: only load and disk read, in threads"
                if wing($file) eq 'read' && $to eq 'store'
                   && $file !~ /_(?:load|disk)\.[ch]$/;
        }

        for my $where (sort keys %{$self->{uses}{$file}}) {
            push @found, map { "$file calls $_ of $where" }
                sort keys %{$self->{uses}{$file}{$where}}
                if !known($file, wing($where));
        }
    }

    return @found;
}

# A name begins with that of its file, and the longest such name counts.

sub names {
    my ($self) = @_;

    my %file = map { (basename($_, '.c') => $_) } @{$self->{sources}};
    my @found;

    for my $name (sort keys %{$self->{defined}}) {
        my ($owner) = sort { length $b <=> length $a }
            grep { $name =~ /^\Q$_\E(?:s?_|$)/ } keys %file;

        push @found, "$name is in $self->{defined}{$name}"
            if !$owner || $file{$owner} ne $self->{defined}{$name};
    }

    return @found;
}

# What is defined in a file is promised by its own header, and by no other.

sub headers {
    my ($self) = @_;

    my @headers = grep { /\.h$/ } sort keys %{$self->{code}};
    my @found;

    for my $name (sort keys %{$self->{defined}}) {
        (my $own = $self->{defined}{$name}) =~ s/\.c$/.h/;

        my @in = grep { $self->{code}{$_} =~ /\b\Q$name\E(?:\(|\[|;)/ }
            @headers;

        push @found, "$name is declared in " . (join(', ', @in) || 'no header')
            if "@in" ne $own;
    }

    for my $header (@headers) {
        (my $source = $header) =~ s/\.h$/.c/;

        push @found, "$header has no $source"
            if $self->{code}{$header} =~ /^\w[\w *]*\b(?:ngx_)?lu_\w+\([^{]*;/m
               && !$self->{code}{$source};
    }

    return @found;
}

# Files of a wing that call each other in a circle that is too large.

sub circles {
    my ($self) = @_;

    my (%reach, @found, %seen);

    for my $file (@{$self->{sources}}) {
        my @left = $file;

        while (my $next = shift @left) {
            for my $where (keys %{$self->{uses}{$next}}) {
                next if wing($where) ne wing($file) || $reach{$file}{$where};

                $reach{$file}{$where} = 1;
                push @left, $where;
            }
        }
    }

    for my $file (@{$self->{sources}}) {
        next if $seen{$file};

        my @circle = grep { $reach{$_}{$file} } sort keys %{$reach{$file}};

        $seen{$_} = 1 for @circle;

        push @found, join(' ', map { basename($_, '.c') } @circle)
            if @circle > $CIRCLE;
    }

    return @found;
}

# Files that the plan for people leaves out.

sub plan {
    my ($self) = @_;

    my $text = slurp('docs/architecture.md');

    return grep { my $name = basename($_, '.c'); $text !~ /`$name`/ }
        @{$self->{sources}};
}

# The share of the lines of code that hang at column 40 or later.

sub hanging {
    my ($self) = @_;

    my ($lines, $hanging) = (0, 0);

    for my $file (keys %{$self->{code}}) {
        for my $line (split /\n/, slurp($file)) {
            next if $line !~ /\S/;

            $lines++;
            $hanging++ if $line =~ /^ {40}/;
        }
    }

    return $hanging / $lines;
}

sub known {
    my ($file, $to) = @_;

    my $from = wing($file);

    return $from eq $to || grep { $_ eq $to } split / /, $KNOWS{$from};
}

sub wing {
    return basename(dirname($_[0]));
}

# Without comments and what strings say.

sub code {
    my ($text) = @_;

    $text =~ s{/\*.*?\*/}{}gs;
    $text =~ s/"(?:\\.|[^"\\\n])*"/""/g;

    return $text;
}

sub slurp {
    my ($file) = @_;

    open my $fh, '<', $file or die "cannot read $file: $!\n";
    local $/;

    return <$fh>;
}

1;
