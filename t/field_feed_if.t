#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# A feed, or downloads, in a location that is a regular expression and has an
# "if" inside: the "if" changes nothing of what is found.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate;
use Test::LiveUpdate::Release qw/ stage_dist /;

my $t = Test::LiveUpdate->new()->plan(14);

my $changed = 0;

$t->config_reference(sub {
    $changed += s{^(location ~ \^/(?:desktop|download)/.*\{\n)}
                 {$1    if (\$args ~ "^inside") { set \$x 1; }\n}mg;
})->run();

is($changed, 2, 'two locations have an "if"');

$t->api('POST', '/v1/apps', { name => 'Shop', type => 'electron',
                              id => 'shop' });
is(stage_dist($t, 'shop', 'r1', {
    'latest.yml' => ['1.0.0', 'Shop Setup 1.0.0.exe'],
})->{json}{state}, 'live', 'a release');

for my $path (qw{ /desktop/shop/latest.yml /desktop/shop/my-ip
                  /desktop/shop/Shop%20Setup%201.0.0.exe
                  /desktop/shop/none.exe /download/shop/windows
                  /download/shop/versions/1.0.0 })
{
    my ($out, $in) = map { get("$path$_") } '', '?inside';

    is("$in->{status} $in->{body}", "$out->{status} $out->{body}",
       "$path: the same, with $out->{status}");
}

is(get("/desktop/shop/$_?inside")->{status}, 200, "inside: $_")
    for qw/ latest.yml my-ip Shop%20Setup%201.0.0.exe /;
is(get('/download/shop/windows?inside')->{status}, 200, 'inside: a download');
is(get('/desktop/shop/none.exe?inside')->{status}, 404, 'inside: no file');
is(get('/desktop/none/latest.yml?inside')->{status}, 404, 'inside: no app');


sub get {
    my ($path) = @_;

    return $t->api('GET', $path, undef, token => undef,
                   headers => [ 'User-Agent' => 'x (Windows NT 10.0)' ]);
}
