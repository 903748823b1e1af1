package Test::LiveUpdate::Updater;

# Copyright (C) the nginx-liveupdate authors

# Desktop apps that update themselves by the real electron-updater, and the
# builds that they update to, as electron-builder makes them.

use warnings;
use strict;

use File::Copy qw/ copy /;
use File::Path qw/ make_path remove_tree /;
use IO::Uncompress::Gunzip qw/ gunzip /;
use IO::Uncompress::RawInflate qw/ rawinflate /;
use List::Util qw/ first sum0 /;
use Test::More ();

use Test::LiveUpdate::HTTP qw/ json_decode json_encode /;

# at most, around each part of a reply, and around each reply

use constant AROUND_PART => 200;
use constant AROUND_REPLY => 800;

my $CLIENTS;


# The server at $t's port 8080 has the feeds.  Its configuration wants
# approval.

sub new {
    my ($class, $t) = @_;

    $CLIENTS = "$Test::LiveUpdate::ROOT/t/clients";

    $t->has_daemon('node');
    $t->skip_all('no electron-updater, run "make clients" first')
        unless -d "$CLIENTS/node_modules/electron-updater";

    return bless { t => $t, dir => $t->testdir() }, $class;
}


# Makes builds of an app ({version, id, n}; size, edits and targets are those
# of builder.js), and has them verified.

sub make {
    my ($self, $app, $opt, @builds) = @_;

    my $t = $self->{t};
    my $made = "$self->{dir}/made/$app";

    $t->api('POST', '/v1/apps', { name => $app, type => 'electron',
                                  id => $app });

    $self->node('builder', map {
        { %$_, %$opt, dir => "$made/$_->{id}" }
    } @builds);

    for my $build (@builds) {
        my $uploads = "$self->{dir}/store/staging/$app/$build->{id}/uploads";

        make_path($uploads);

        for my $file (glob "'$made/$build->{id}/'*") {
            copy($file, $uploads) or die "cannot copy $file: $!\n";
        }

        my $reply = $t->api('POST', "/releases/$app/$build->{id}/stage", {},
                            token => 'publish', timeout => 60);

        Test::More::is($reply->{json}{state}, 'staged',
                       "$app: $build->{version} waits");
    }
}


sub promote {
    my ($self, $app, $build) = @_;

    my $reply = $self->{t}->api('POST', "/releases/$app/$build->{id}/promote",
                                {}, token => 'approve');

    Test::More::is($reply->{json}{state}, 'live',
                   "$app: $build->{version} is promoted");
}


# -- what is on the machine of a user ----------------------------------------

# The architecture is x64 unless it is told.

sub name {
    my ($self, $target, $build, $arch) = @_;

    my ($version, $id) = @$build{qw/ version id /};

    $arch //= 'x64';

    my $linux = $arch eq 'x64' ? 'x86_64' : $arch;
    my $deb = $arch eq 'x64' ? 'amd64' : $arch;
    my $rpm = $arch eq 'x64' ? 'x86_64' : 'aarch64';

    return $target eq 'nsis' ? "My App Setup $version - Build $id-$arch.exe"
         : $target eq 'mac' ? "My App $version - Build $id-$arch-mac.zip"
         : $target eq 'deb' ? "my-app_$version-build-${id}_$deb.deb"
         : $target eq 'rpm' ? "my-app-$version-build-$id.$rpm.rpm"
         : "my-app-$version-build-$id-$linux.AppImage";
}


sub content {
    my ($self, $app, $target, $build, $arch) = @_;

    return $self->{t}->read_file("made/$app/$build->{id}/"
                                 . $self->name($target, $build, $arch));
}


# Where what is installed lies: on Windows the installer puts itself into the
# cache, where updates start from; on a Mac it is what was downloaded last.

sub place {
    my ($self, $app, $target) = @_;

    my $file = { nsis => 'cache/my-app-updater/installer.exe',
                 mac => 'cache/my-app-updater/update.zip',
                 appimage => 'my-app.AppImage',
                 deb => 'my-app.deb', rpm => 'my-app.rpm' }->{$target};

    return "$self->{dir}/users/$app-$target/$file";
}


sub install {
    my ($self, $app, $target, $build, $arch) = @_;

    my $file = $self->place($app, $target);
    my $name = $self->name($target, $build, $arch);

    make_path($file =~ s{/[^/]*$}{}r);
    copy("$self->{dir}/made/$app/$build->{id}/$name", $file)
        or die "cannot copy to $file: $!\n";
}


# What updater.js is to do: the app of this version is started and looks for
# updates.  port: another server than that at 8080.

sub job {
    my ($self, $app, $target, $build, %opt) = @_;

    my $port = Test::LiveUpdate::port(delete $opt{port} // 8080);

    return {
        target => $target,
        feed => "http://127.0.0.1:$port/desktop/$app",
        version => $build->{version},
        dir => "$self->{dir}/users/$app-$target",
        installed => $target eq 'appimage' ? $self->place($app, $target)
                                           : undef,
        %opt,
    };
}


# Runs a program of t/clients: its answers.

sub node {
    my ($self, $program, @jobs) = @_;

    my $dir = $self->{dir};

    $self->{t}->write_file('jobs.json', json_encode(\@jobs));

    my $command = "timeout 300 node '$CLIENTS/$program.js'"
                  . " < '$dir/jobs.json' 2>'$dir/said'";
    my $said = `$command`;

    die "$program.js failed:\n", $self->{t}->read_file('said') if $?;

    return $said eq '' ? () : @{json_decode($said)};
}


# -- what changed ------------------------------------------------------------

sub blockmap {
    my ($self, $app, $target, $build) = @_;

    my $file = $self->content($app, $target, $build);
    my $json;

    if ($target eq 'appimage') {
        my $packed = substr $file, -4 - unpack 'N', substr $file, -4;

        rawinflate(\$packed, \$json) or die "no blockmap\n";

    } else {
        my $packed = $self->{t}->read_file("made/$app/$build->{id}/"
            . $self->name($target, $build) . '.blockmap');

        gunzip(\$packed, \$json) or die "no blockmap\n";
    }

    my $map = json_decode($json)->{files}[0];

    return map {
        { checksum => $map->{checksums}[$_], size => $map->{sizes}[$_] }
    } 0 .. $#{$map->{sizes}};
}


# The places of the new file that the old one does not have: {start, size}.

sub changed {
    my ($self, $app, $target, $old, $new) = @_;

    my %old = map { $_->{checksum} => 1 }
        $self->blockmap($app, $target, $old);
    my $at = 0;
    my @changed;

    for my $block ($self->blockmap($app, $target, $new)) {
        my ($start, $size) = ($at, $block->{size});

        $at += $size;

        next if $old{$block->{checksum}};

        if (@changed && $changed[-1]{start} + $changed[-1]{size} == $start) {
            $changed[-1]{size} += $size;

        } else {
            push @changed, { start => $start, size => $size };
        }
    }

    return @changed;
}


sub changed_bytes {
    my ($self, $app, @builds) = @_;

    return sum0(map { $_->{size} } $self->changed($app, 'nsis', @builds));
}


# -- updates on Windows through a cache --------------------------------------

# The app of the first of two builds is new on this machine, and updates itself
# to the second: it gets what has changed, and nothing else of the file.  These
# are four tests.  Options: those of job().

sub is_differential {
    my ($self, $name, $app, $builds, %opt) = @_;

    my $answer = $self->updated($name, $app, $builds, %opt);
    my @parts = grep { $_->{ranges} } @{$answer->{replies}};
    my $changed = () = $self->changed($app, 'nsis', @$builds);

    Test::More::is(join(' ', map { $_->{status} } @parts),
                   join(' ', (206) x @parts), "$name: only parts");
    Test::More::is(sum0(map { $_->{ranges} } @parts), $changed,
                   "$name: as many as have changed");

    my $most = $self->changed_bytes($app, @$builds)
               + AROUND_PART * $changed
               + AROUND_REPLY * @{$answer->{replies}}
               + sum0(map { -s } glob "'$self->{dir}/made/$app/'*/*.blockmap");

    Test::More::cmp_ok($answer->{received}, '<=', $most,
                       "$name: no more than that");
}


# It gets the whole file, since this is the status of many ranges: three tests.

sub is_whole {
    my ($self, $name, $app, $builds, %opt) = @_;

    my $status = delete $opt{status} // 200;
    my $answer = $self->updated($name, $app, $builds, %opt);

    Test::More::cmp_ok($answer->{received}, '>',
                       length $self->content($app, 'nsis', $builds->[1]),
                       "$name: all of it");
    Test::More::is((first { $_->{ranges} > 1 } @{$answer->{replies}})->{status},
                   $status, "$name: the answer to many ranges");
}


sub updated {
    my ($self, $name, $app, $builds, %opt) = @_;

    remove_tree("$self->{dir}/users");
    $self->install($app, 'nsis', $builds->[0]);

    my ($answer) = $self->node('updater',
                               $self->job($app, 'nsis', $builds->[0], %opt));

    Test::More::ok($answer->{isUpdate} && defined $answer->{file}
                   && $self->{t}->read_file($answer->{file})
                      eq $self->content($app, 'nsis', $builds->[1]),
                   "$name: an update")
        or Test::More::diag($answer->{error}{message} // '');

    return $answer;
}


1;
