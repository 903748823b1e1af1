#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# electron-builder publishes: its own publishers of three major versions upload
# builds for Windows, macOS and Linux at once, into one release, also over a bad
# connection; the release is approved; and the real electron-updater gets it.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_decode json_encode port /;
use Test::LiveUpdate::Store;

my $CLIENTS = "$Test::LiveUpdate::ROOT/t/clients";

# the uploaders of 24 and 25 send more than 5 MB in parts

use constant LARGE => 6_000_000;
use constant SMALL => 300_000;

my $t = Test::LiveUpdate->new()->has_daemon('node');

$t->skip_all('no electron-publish, run "make clients" first')
    unless -d "$CLIENTS/node_modules/electron-publish-26";

$ENV{APPROVAL} = 'on';

$t->config_reference(sub {
    s{(liveupdate_publish_s3  keys)}{$1
                expects=latest.yml,latest-mac.yml,latest-linux.yml} and
    s{client_body_buffer_size  512k;}{client_body_buffer_size  16k;};
});

$t->run()->plan(49);

my $dir = $t->testdir();
my $address = 'http://127.0.0.1:' . port(8080);

my $said;       # by the last program, in front of its answers

my %targets = (windows => 'nsis', mac => 'mac', linux => 'appimage');

for my $line (split /\n/, $t->read_file('key.publish')) {
    my ($name, $value) = split /=/, $line;
    $ENV{$name} = $value;
}

$t->api('POST', '/v1/apps', { name => 'Shop', type => 'electron',
                              id => 'shop' });


# three machines at once, with each version of electron-builder

my @builds = (
    { builder => 24, version => '1.0.0', n => 1, size => LARGE },
    { builder => 25, version => '1.1.0', n => 2, size => LARGE },
    { builder => 26, version => '1.2.0-beta.1', n => 3, size => LARGE },
);

for my $build (@builds) {
    make($build);

    my $what = "electron-builder $build->{builder}";
    my $id = $build->{version};
    my @answers = publish(map { job($build, $_) } sort keys %targets);

    is(join('', map { $_->{error} // '' } @answers), '', "$what uploads");

    my $release = release($id);

    is($release->{state}, 'staged', "$what: the release is complete");
    is(join(' ', sort @{$release->{platforms}}), 'linux mac windows',
       "$what: for all systems");
    is($release->{leftOut}, undef, "$what: nothing is left out");
    is($release->{replaced}, undef, "$what: nothing was replaced");
    is($t->api('GET', '/desktop/shop/latest.yml')->{body}
       =~ /version: \Q$build->{version}/ ? 'new' : 'old', 'old',
       "$what: nobody gets it yet");

    is($t->api('POST', "/releases/shop/$id/promote", {}, token => 'approve')
       ->{json}{state}, 'live', "$what: it is approved");

    for my $system (sort keys %targets) {
        gets($build, $system);
    }
}


# a bad connection: the uploader of 25 tries each request again by itself, but
# not for ever; that of 26 does not; both are run again

my %bad = (builder => 25, version => '2.0.0', n => 4, size => LARGE);

make(\%bad);

my ($answer) = publish({ %{job(\%bad, 'windows')},
                         faults => [ '503', '', 'cut', '', 'lost', '', 'lost',
                                     '', '503' ] });
note($answer->{error} // 'it made it');

($answer) = publish(job(\%bad, 'windows'));
is($answer->{error}, undef, 'electron-builder 25 after a bad connection');

$bad{builder} = 26;

for my $faults ([ 'cut' ], [ '', 'lost' ], [ '', '', '503' ]) {
    ($answer) = publish({ %{job(\%bad, 'mac')}, faults => $faults });
    isnt($answer->{error}, undef, "electron-builder 26, and \"@$faults\"");
}

is(release('2.0.0')->{state}, 'uploading', 'the release waits');

($answer) = publish({ %{job(\%bad, 'mac')}, faults => [] });
is($answer->{error}, undef, 'run again, it uploads');

# the answer to the last file is lost

($answer) = publish({ %{job(\%bad, 'linux')}, faults => [ '', 'lost' ] });
isnt($answer->{error}, undef, 'the last answer is lost');
is(release('2.0.0')->{state}, 'staged', 'the release is complete');

($answer) = publish(job(\%bad, 'linux'));
is($answer->{error}, undef, 'run again, there is nothing to do');
is(release('2.0.0')->{replaced}, undef, 'nothing was replaced');


# names of any kind

my %odd = (builder => 25, version => '2.0.1');

for my $builder (25, 26) {
    my @names = ("Shop \xc3\xa4 $builder.exe", "a+b (1) 100%25 $builder.exe",
                 "~!*'\$&=@,;[]{} $builder");

    $odd{builder} = $builder;
    $t->write_file("made/2.0.1/odd$builder/$_", "the bytes of $_") for @names;

    ($answer) = publish(job(\%odd, "odd$builder"));
    is($answer->{error}, undef, "electron-builder $builder and odd names");
    is(join("\n", grep {
           $t->read_file("store/staging/shop/2.0.1/uploads/$_")
           ne "the bytes of $_"
       } @names), '', 'all are there');
}


# what comes too late

my %late = (%bad, version => '1.0.0', n => 6);

make(\%late);

for my $builder (25, 26) {
    $late{builder} = $builder;

    ($answer) = publish(job(\%late, 'windows'));
    like($said . ($answer->{error} // ''), qr/InvalidObjectState/,
         "electron-builder $builder is told that a release is complete");
}


# the uploader says what is wrong

my %wrong = (%bad, version => '3.0.0', n => 5);

make(\%wrong);
$t->write_file("made/3.0.0/linux/latest-linux.yml",
    $t->read_file('made/3.0.0/linux/latest-linux.yml')
    =~ s/sha512: ..../sha512: AAAA/gr);

for my $builder (24, 26) {
    $wrong{builder} = $builder;

    my @answers = publish(map { job(\%wrong, $_) } sort keys %targets);

    like($said . join('', map { $_->{error} // '' } @answers),
         qr/another SHA-512 than its manifest says/,
         "electron-builder $builder says what is wrong");
}

is(join("\n", Test::LiveUpdate::Store->new("$dir/store")->check), '',
   'the store is sound');


# What electron-builder leaves on each machine.

sub make {
    my ($build) = @_;

    node('builder', map {
        { dir => "$dir/made/$build->{version}/$_", id => "b$build->{n}",
          edits => 5, targets => [ $targets{$_} ],
          map { $_ => $build->{$_} } qw/ version n size / }
    } keys %targets);
}


sub job {
    my ($build, $system) = @_;

    return {
        builder => $build->{builder},
        dir => "$dir/made/$build->{version}/$system",
        endpoint => $address,
        bucket => 'shop',
        path => $build->{version},
    };
}


sub publish {
    my (@jobs) = @_;

    return node('publish', @jobs);
}


sub release {
    my ($id) = @_;

    return $t->api('GET', "/releases/shop/$id")->{json};
}


# An app of an old version updates itself.

sub gets {
    my ($build, $system) = @_;

    my ($file) = grep { !/\.(?:yml|blockmap)$/ }
        glob "'$dir/made/$build->{version}/$system'/*";

    my $installed = "$dir/users/$system/old.AppImage";
    $t->write_file("users/$system/old.AppImage", 'old');

    my ($answer) = node('updater', {
        target => $targets{$system},
        feed => "$address/desktop/shop",
        version => '0.9.0',
        dir => "$dir/users/$system",
        installed => $system eq 'linux' ? $installed : undef,
    });

    my $got = $system eq 'linux' ? $installed : $answer->{file};

    ok($answer->{isUpdate} && defined $got
       && $t->read_file($got) eq $t->read_file($file),
       "electron-builder $build->{builder}: $system gets it")
        or diag($answer->{error}{message} // 'no error', "\n",
                map { "$_\n" } @{$answer->{log}});
}


sub node {
    my ($script, @jobs) = @_;

    $t->write_file('jobs.json', json_encode(\@jobs));

    my $out = `node '$CLIENTS/$script.js' < '$dir/jobs.json' 2>'$dir/said'`;

    die "$script.js failed:\n", $t->read_file('said') if $?;

    $said = $out;

    return if $script eq 'builder';

    my ($answers) = $out =~ /^(\[\{.*\}\])$/m;

    die "$script.js has no answers:\n$out" if !defined $answers;

    return @{json_decode($answers)};
}
