#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# GET /v1/apps/{app}/channels for devices: channel discovery.

use warnings;
use strict;
use utf8;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT json_decode uri_encode /;

my $t = Test::LiveUpdate->new()->plan(41);

$t->config_reference();
$t->run();

my $off = '401 Channel discovery is not enabled.';

my $app = $t->create_app('with discovery');
my $other = $t->create_app('without discovery');
my $path = "/v1/apps/$app/channels";

my @names = ('alpha', 'beta', 'größe ✓', 'a+b', 'a b', "quote\"d \\",
             map { sprintf 'many-%03d', $_ } 1 .. 60);
my %ids = map { $_ => $t->create_channel($app, $_) } @names;

# off, until the app has it

is($t->said(get()), $off, 'off at first');
is($t->said($t->api('GET', '/v1/apps/nope/channels', undef,
                    token => undef)), $off,
   'an unknown app cannot be told from one without discovery');
is($t->said($t->api('GET', "$path?limit=x", undef, token => undef)), $off,
   'nor does the query tell');

discovery(1);

is(get()->{status}, 200, 'on, with the next request');
is($t->said($t->api('GET', "/v1/apps/$other/channels", undef,
                    token => undef)), $off, 'for this app only');

# the list

my $reply = get();

is($reply->{headers}{'content-type'}, 'application/json', 'JSON');
is($reply->{headers}{'cache-control'}, 'no-store', 'not to be kept');
is(ref $reply->{json}, 'ARRAY', 'a bare array');
is(scalar @{$reply->{json}}, 50, 'of 50');
is_deeply([grep { join(' ', sort keys %$_) ne 'id name' } @{$reply->{json}}],
          [], 'of ids and names, and nothing else');
is($reply->{body} =~ s/"id":"[\w-]+","name":"(?:[^"\\]|\\.)*"//gr,
   '[' . join(',', ('{}') x 50) . "]\n", 'all strings');

my $all = get(limit => 1000)->{json};

is_deeply({ map { $_->{name} => $_->{id} } grep { $_->{name} ne 'default' }
            @$all }, \%ids, 'all of them');
is_deeply([map { $_->{name} } @$all],
          [sort { bytes($a) cmp bytes($b) } 'default', @names],
          'in the order of their names');

# pages

is_deeply(get(limit => 3)->{json}, [@$all[0 .. 2]], 'limit');
is_deeply(get(limit => 3, offset => 2)->{json}, [@$all[2 .. 4]],
          'limit and offset');
is_deeply(get(offset => 60)->{json}, [@$all[60 .. $#$all]], 'offset');
is_deeply(get(offset => 1000)->{json}, [], 'beyond the end');
is_deeply(get(limit => 0)->{json}, [], 'none');
is(scalar @{get(limit => 9223372036854775807,
                offset => 9223372036854775807)->{json}}, 0, 'far beyond');
is(scalar @{get(limit => '')->{json}}, 50, 'an empty limit');

is($t->said(get(@$_)), '400 Invalid query.', "@$_: no number")
    for [limit => 'x'], [limit => -1], [offset => '1.5'], [offset => ' 1'],
        [limit => '9' x 30];

# the search

is_deeply([map { $_->{name} } @{get(query => 'lph')->{json}}], ['alpha'],
          'a part of a name');
is_deeply([map { $_->{name} } @{get(query => 'ß')->{json}}], ['größe ✓'],
          'beyond ASCII');
is_deeply([map { $_->{name} } @{raw('query=a+b')}], ['a+b'],
          'a plus is a plus');
is_deeply([map { $_->{name} } @{raw('query=a%20b')}], ['a b'], 'a space');
is_deeply([map { $_->{name} } @{get(query => '"d \\')->{json}}],
          ["quote\"d \\"], 'quotes');
is_deeply(get(query => 'Alpha')->{json}, [], 'nothing of that name');
is_deeply([map { $_->{name} }
           @{get(query => 'many', limit => 2, offset => 1)->{json}}],
          ['many-002', 'many-003'], 'pages of what was found');
is(scalar @{get(query => '')->{json}}, 50, 'an empty query is none');
is($t->said($t->api('GET', "$path?query=%", undef, token => undef)),
   '400 Invalid query.', 'a query that cannot be decoded');

# methods and tokens

is(get(_method => 'HEAD')->{body}, '', 'HEAD');

for my $method (qw/ POST DELETE /) {
    $t->refused(sub { $t->api($method, "$path?name=alpha",
                              { name => 'new' }, token => undef) },
                '401 A token is required.', "$method wants a token");
}

$reply = $t->api('PUT', $path, '{}', token => undef);
is($t->said($reply) . " $reply->{headers}{allow}",
   '405 Method not allowed. GET, HEAD, POST, DELETE', 'PUT is no method');

is($t->said(get(_token => 'ca_wrong')), '401 Invalid token.',
   'a wrong token is not taken for none');
like(get(_token => 'read', limit => 1)->{body}, qr/"appDeploymentId"/,
     'with a token it is the list of the CLI');

discovery(0);
is($t->said(get()), $off, 'off again, with the next request');

###############################################################################

sub discovery {
    my ($on) = @_;

    my $reply = $t->api('PATCH', "/v1/apps/$app", {
        appChannelDiscoveryEnabled => $on ? \1 : \0
    });

    die $reply->{raw} if $reply->{status} != 200;
}


sub get {
    my (%query) = @_;

    my $method = delete $query{_method} // 'GET';
    my $token = delete $query{_token};
    my $args = join '&', map { "$_=" . uri_encode($query{$_}) }
                         sort keys %query;

    return $t->api($method, "$path?$args", undef, token => $token);
}


sub raw {
    my ($args) = @_;

    return $t->api('GET', "$path?$args", undef, token => undef)->{json};
}


sub bytes {
    my ($text) = @_;

    utf8::encode($text);

    return $text;
}
