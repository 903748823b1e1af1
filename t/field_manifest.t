#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Manifest bundles of which devices would keep wrong files, and manifests that
# the CLI sends while it writes them.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT zip /;

my $t = Test::LiveUpdate->new()->plan(31);

$t->config_reference();
$t->run();

my $app = $t->create_app('manifest');

$t->create_channel($app, $_) for qw/ production beta /;

my $kept = 'has the contents that another file has in an earlier bundle of '
    . 'the channel.*--artifact-type zip';
my %www = ('index.html' => '<html>', 'a.js' => 'one', 'b.js' => 'two',
           'c/d.js' => 'three');

# contents that move

ok(bundle(production => %www), 'a bundle');
ok(bundle(production => %www), 'the same again');
ok(bundle(production => %www, 'a.js' => 'four'), 'other contents');
ok(bundle(production => %www), 'and back');
ok(bundle(production => %www, 'e.js' => 'two'), 'a copy of a file');

refused({ %www, 'a.js' => 'two' }, 'a.js', 'a copy over another file');
refused({ %www, 'a.js' => 'two', 'b.js' => 'one' }, 'a.js',
        'two files swapped');
refused({ %www, 'c/d.js' => 'two', 'b.js' => 'three' }, 'b.js',
        'across folders');

# what an earlier bundle had, which devices may still have

ok(bundle(production => %www, 'b.js' => 'five'), 'another bundle');
refused({ %www, 'b.js' => 'one', 'a.js' => 'five' }, 'a.js', 'of the newest');
refused({ %www, 'b.js' => 'four' }, 'b.js', 'of an earlier one');

# the remedies

ok($t->publish($app, 'production',
               zip('index.html' => '<html>', 'a.js' => 'two',
                   'b.js' => 'one', 'c/d.js' => 'three'))->{ok},
   'as a zip');
ok(bundle(production => 'index.html' => '<html>', 'a.1.js' => 'two',
          'b.2.js' => 'one'), 'or with other names');

# what is not in the way: other channels, and bundles of long ago

ok(bundle(beta => %www, 'a.js' => 'two', 'b.js' => 'one'), 'another channel');

for my $n (1 .. 10) {
    bundle(beta => 'index.html' => "<html>$n") or die "$n\n";
}

ok(bundle(beta => %www, 'a.js' => 'one', 'b.js' => 'two'),
   'after ten bundles without these files');

# a bundle that nobody was told of yet has no channel

my $loose = $t->create_app('loose');

$t->api('PATCH', "/v1/apps/$loose", { appChannelId => undef });
ok($t->publish($loose, undef, \%www)->{ok}, 'a bundle without a channel');
ok($t->publish($loose, undef, { %www, 'a.js' => 'two' })->{ok}, 'and another');

# nothing that a refused bundle had counts, and it can be put right

my $path = "/v1/apps/$app/bundles";
my $id = $t->api('POST', $path, { artifactType => 'manifest',
                                  channelName => 'production' },
                 token => 'publish')->{json}{id};
my ($name, $text) = Test::LiveUpdate::API::manifest_of(\%www);

$t->upload($app, $id, $www{$_}, href => $_) for sort keys %www;

for my $case (['', 'is empty: upload the bundle again; versions of the CLI '
                   . 'before 4\.18\.3'],
              [substr($text, 0, 100), 'is not JSON, or not all of it: upload '
                                      . 'the bundle again.*4\.18\.3'],
              ["\0" x length $text, 'is not JSON'])
{
    my ($bytes, $said) = @$case;

    $t->upload($app, $id, $bytes, href => $name);

    my $told = $t->said(ready());

    like($told, qr/^422 "\Q$name\E" $said/, 'a manifest: ' . length $bytes);
    is('422 ' . $t->api('GET', "$path/$id")->{json}{reason}, $told,
       'and that is the reason');
}

my ($other, $older) = Test::LiveUpdate::API::manifest_of(
    { %www, 'a.js' => 'older' });

$t->upload($app, $id, $older, href => $name);
like($t->said(ready()),
     qr/^422 "a\.js" does not have the size .* upload the bundle again/,
     'the manifest of the bundle before');

$t->upload($app, $id, $text, href => $name);
is(ready()->{status}, 200, 'the right one');
is($t->latest($app, channelName => 'production')->{json}{bundleId}, $id,
   'devices get it');

###############################################################################

sub bundle {
    my ($channel, %files) = @_;

    my $done = $t->publish($app, $channel, \%files);

    diag($done->{reply}{body}) unless $done->{ok};

    return $done->{ok};
}


sub refused {
    my ($files, $file, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $before = $t->latest($app, channelName => 'production')->{body};
    my $done = $t->publish($app, 'production', $files);

    like($t->said($done->{reply}), qr/^422 "\Q$file\E" $kept/, $name);
    is($t->latest($app, channelName => 'production')->{body}, $before,
       'and devices are told what they were');
}


sub ready {
    return $t->api('PATCH', "$path/$id", { artifactStatus => 'ready' },
                   token => 'publish');
}
