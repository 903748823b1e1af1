package Test::LiveUpdate::Metrics;

# Copyright (C) the nginx-liveupdate authors

# Reads Prometheus' text format 0.0.4, and is stricter than Prometheus: each
# family has a HELP and a TYPE line, in this order, stands in one piece, and
# has no sample twice; there is nothing else, and a line feed at the end.

use warnings;
use strict;

use Exporter qw/ import /;

our @EXPORT_OK = qw/ metrics /;

my $name = qr/[a-zA-Z_:][a-zA-Z0-9_:]*/;
my $label = qr/([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"/;


# Of a reply: {reply, errors => [], types => {family => type}, samples =>
# {family => {"label=value,..." => number}}}.  Values of labels are unescaped.

sub metrics {
    my ($reply) = @_;

    my %m = (reply => $reply, errors => [], types => {}, samples => {});
    my ($family, $help) = ('', '');
    my %done;

    my $wrong = sub { push @{$m{errors}}, "$_[0]: $_[1]" };

    $wrong->('status', $reply->{status}) if $reply->{status} != 200;
    $wrong->('end', 'no line feed') unless $reply->{body} =~ /\n\z/;

    my $utf8 = $reply->{body};
    $wrong->('text', 'not UTF-8') unless utf8::decode($utf8);

    for my $line (split /\n/, $reply->{body}) {

        if ($line =~ /^# HELP ($name) \S.*$/) {
            $help = $1;
            next;
        }

        if ($line =~ /^# TYPE ($name) (counter|gauge)$/) {
            ($family, my $type) = ($1, $2);

            $wrong->('no HELP', $line) if $help ne $family;
            $wrong->('twice', $line) if $done{$family}++;
            $wrong->('not named as its type', $line)
                if ($type eq 'counter') ne ($family =~ /_total$/);

            $m{types}{$family} = $type;
            $m{samples}{$family} = {};
            next;
        }

        if ($line !~ /^($name)(?:\{(.*)\})? (\d+)$/) {
            $wrong->('no sample', $line);
            next;
        }

        my ($metric, $labels, $value) = ($1, $2 // '', $3);
        my @labels;

        $wrong->('not of this family', $line) if $metric ne $family;

        while ($labels =~ s/^$label(?:,(?=.)|$)//) {
            my ($key, $text) = ($1, $2);

            $text =~ s/\\(.)/$1 eq 'n' ? "\n" : $1/ge;
            push @labels, "$key=$text";
        }

        $wrong->('bad labels', $line) if $labels ne '';

        my $key = join ',', @labels;

        $wrong->('twice', $line) if exists $m{samples}{$metric}{$key};
        $m{samples}{$metric}{$key} = $value;
    }

    return \%m;
}


1;
