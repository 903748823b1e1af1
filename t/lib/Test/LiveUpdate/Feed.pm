package Test::LiveUpdate::Feed;

# Copyright (C) the nginx-liveupdate authors

# What is wrong with the desktop releases of a store; a part of
# Test::LiveUpdate::Store.

use warnings;
use strict;


# A desktop release on its way in.

sub check_fetched {
    my ($self, $where, $release) = @_;

    my $state = $release->{state};

    $self->wrong("$where: the state is \"$state\"")
        unless $state
               =~ /^(?:uploading|fetching|verifying|failed|rejected)$/;

    $self->wrong("$where: no reason for being $state")
        if $state =~ /^(?:failed|rejected)$/
           && ($release->{reason} // '') eq '';

    my @names = map { $self->names("$where/$_") } qw/ uploads fetch files /;

    $self->wrong("$where: \"$_\" is no name of a file")
        for grep { m{[\\\x00-\x1f\x7f]} || length > 255 } @names;
}


# All files of the released builds are in the feed, and what is in there is a
# file of a release, since a crash may have come before the app.json.

sub check_feed {
    my ($self, $app, $json) = @_;

    my (%files, %builds);

    for my $id ($self->names("live/$app")) {
        for my $name ($self->names("live/$app/$id/files")) {
            my $inode = (stat "$self->{dir}/live/$app/$id/files/$name")[1];

            $files{$name}{$inode // 0} = 1;
        }
    }

    for my $name ($self->names("feed/$app")) {
        my $inode = (stat "$self->{dir}/feed/$app/$name")[1];

        $self->wrong("feed/$app/$name: it is no file of a release")
            unless defined $inode && $files{$name}{$inode};
    }

    for my $build (@{$json->{desktopBuilds} || []}) {
        my $id = $build->{id};

        $self->wrong("app $app: build $id is there twice") if $builds{$id}++;

        if (!-e "$self->{dir}/live/$app/$id/release.json") {
            $self->wrong("app $app: build $id is not live");
            next;
        }

        for my $name ($self->names("live/$app/$id/files")) {
            my @here = stat "$self->{dir}/feed/$app/$name";
            my @there = stat "$self->{dir}/live/$app/$id/files/$name";

            $self->wrong("feed/$app has no \"$name\" of $id")
                unless @here && @there && $here[1] == $there[1];
        }
    }
}


1;
