#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# The directives: where they may be, what they take, what they say.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT machine zip /;

my $t = Test::LiveUpdate->new()->plan(97);
my $dir = $t->testdir();
my $machine = machine();
my (@left, @others);

# what is refused, and why

for my $case (
    # liveupdate_zone
    [http => 'liveupdate_zone;',
     qr/invalid number of arguments in "liveupdate_zone"/],
    [http => 'liveupdate_zone a:1m b:1m;', qr/invalid number of arguments/],
    [http => 'liveupdate_zone zone;',
     qr/invalid zone "zone", it must be "name:size"/],
    [http => 'liveupdate_zone :1m;',
     qr/invalid zone ":1m", it must be "name:size"/],
    [http => 'liveupdate_zone a:;', qr/invalid zone size "a:"/],
    [http => 'liveupdate_zone a:x;', qr/invalid zone size "a:x"/],
    [http => 'liveupdate_zone a:-1m;', qr/invalid zone size "a:-1m"/],
    [http => 'liveupdate_zone a:1k;', qr/zone "a:1k" is too small/],
    [http => 'liveupdate_zone a:1m; liveupdate_zone b:1m;',
     qr/"liveupdate_zone" directive is duplicate/],
    [server => 'liveupdate_zone a:1m;',
     qr/"liveupdate_zone" directive is not allowed here/],

    # liveupdate_machine
    [http => 'liveupdate_machine;', qr/invalid number of arguments/],
    [http => 'liveupdate_machine m1; liveupdate_machine m2;',
     qr/"liveupdate_machine" directive is duplicate/],
    [server => 'liveupdate_machine m1;',
     qr/"liveupdate_machine" directive is not allowed here/],
    (map { [http => "liveupdate_machine $_;",
            qr/invalid machine name "[^"]*": "liveupdate_machine" takes up to/]
     } '""', '.m1', 'm/1', '..', 'body', 'fetch', 'm' x 65),

    # liveupdate_cache
    [http => 'liveupdate_cache;', qr/invalid number of arguments/],
    [http => 'liveupdate_cache x;',
     qr/"liveupdate_cache" directive invalid value/],
    [http => 'liveupdate_cache 1023k;',
     qr/"liveupdate_cache" directive is too small, it must be at least 1m/],
    [http => 'liveupdate_cache 1m; liveupdate_cache 2m;',
     qr/"liveupdate_cache" directive is duplicate/],
    [server => 'liveupdate_cache 1m;',
     qr/"liveupdate_cache" directive is not allowed here/],

    # liveupdate_store
    [location => 'liveupdate_api;',
     qr/"liveupdate_api" in location "\/" requires "liveupdate_store"/],
    [location => 'liveupdate_artifacts;',
     qr/"liveupdate_artifacts" in location "\/" requires "liveupdate_store"/],
    [location => 'liveupdate_store;', qr/invalid number of arguments/],
    [location => 'liveupdate_store a; liveupdate_store b;',
     qr/"liveupdate_store" directive is duplicate/],
    [location => 'liveupdate_store /' . 'x' x 2048 . '; liveupdate_api;',
     qr/"liveupdate_store" directive has a path longer than 2048 bytes/],
    [main => 'liveupdate_store a;',
     qr/"liveupdate_store" directive is not allowed here/],
    [location => 'liveupdate_store none/store; liveupdate_api;',
     qr/mkdir\(\) ".*none\/store" failed \(2: /],
    [location => "liveupdate_store $dir/a-file/store; liveupdate_api;",
     qr/mkdir\(\) ".*a-file\/store" failed \(20: /],

    # liveupdate_approval
    [location => 'liveupdate_store store; liveupdate_approval github; '
                 . 'liveupdate_releases;',
     qr/"liveupdate_approval github" in .* requires "liveupdate_fetch"/],

    # liveupdate_tokens
    [location => 'liveupdate_store store; liveupdate_tokens none; '
                 . 'liveupdate_api;',
     qr/open\(\) ".*none" of "liveupdate_tokens" failed, .* \(2: /],
    [location => 'liveupdate_tokens a; liveupdate_tokens b;',
     qr/"liveupdate_tokens" directive is duplicate/],

    # liveupdate_base_url
    [location => 'liveupdate_base_url http://a; liveupdate_base_url http://b;',
     qr/"liveupdate_base_url" directive is duplicate/],
    [location => 'liveupdate_base_url http://$nope;',
     qr/unknown "nope" variable/],
    [location => 'liveupdate_base_url "http://a/ b";',
     qr/"liveupdate_base_url" directive has a character that cannot stand/],
    [location => 'liveupdate_base_url;', qr/invalid number of arguments/],

    # liveupdate_valid
    [location => 'liveupdate_valid x;',
     qr/"liveupdate_valid" directive invalid value/],
    [location => 'liveupdate_valid 500ms;',
     qr/"liveupdate_valid" directive invalid value/],
    [location => 'liveupdate_valid -1;',
     qr/"liveupdate_valid" directive invalid value/],
    [location => 'liveupdate_valid 1s; liveupdate_valid 2s;',
     qr/"liveupdate_valid" directive is duplicate/],

    # liveupdate_threads
    [location => 'liveupdate_store store; liveupdate_threads none; '
                 . 'liveupdate_api;', qr/unknown thread pool "none"/],
    [location => 'liveupdate_threads a; liveupdate_threads b;',
     qr/"liveupdate_threads" directive is duplicate/],

    # liveupdate_api, liveupdate_artifacts
    [location => 'liveupdate_store store; liveupdate_api on;',
     qr/invalid number of arguments in "liveupdate_api"/],
    [location => 'liveupdate_store store; liveupdate_api; liveupdate_api;',
     qr/"liveupdate_api" directive is duplicate/],
    [location => 'liveupdate_store store; liveupdate_artifacts; '
                 . 'liveupdate_artifacts;',
     qr/"liveupdate_artifacts" directive is duplicate/],
    [server => 'liveupdate_api;',
     qr/"liveupdate_api" directive is not allowed here/],
    [server => 'liveupdate_artifacts;',
     qr/"liveupdate_artifacts" directive is not allowed here/],
    [location => 'liveupdate_store store; liveupdate_artifacts;',
     qr/"root" .* must be the same as "liveupdate_store", that is "\Q$dir\E/],
    [location => 'liveupdate_store store; root other; liveupdate_artifacts;',
     qr/must be the same as "liveupdate_store"/],
    [location => 'liveupdate_store store; root store/live; '
                 . 'liveupdate_artifacts;',
     qr/must be the same as "liveupdate_store"/],
    [location => 'liveupdate_store store; alias store; '
                 . 'liveupdate_artifacts;',
     qr/must be the same as "liveupdate_store"/],
    [location => 'liveupdate_store store; root $document_uri; '
                 . 'liveupdate_artifacts;',
     qr/must be the same as "liveupdate_store"/],
    # liveupdate_status
    [location => 'liveupdate_status;',
     qr/"liveupdate_status" in location .* requires "liveupdate_store"/],
    [location => 'liveupdate_store store; liveupdate_status nope;',
     qr/invalid parameter "nope", it must be "token"/],
    [location => 'liveupdate_store store; liveupdate_status; '
                 . 'liveupdate_status;',
     qr/"liveupdate_status" directive is duplicate/],
    [location => 'liveupdate_store store; liveupdate_status token x;',
     qr/invalid number of arguments in "liveupdate_status"/],
    [server => 'liveupdate_status;',
     qr/"liveupdate_status" directive is not allowed here/],

    [location => 'liveupdate_nope on;',
     qr/unknown directive "liveupdate_nope"/],
) {
    my ($where, $text, $expected) = @$case;

    $t->write_file('a-file', '');

    my ($said, $ok) = $t->test_config(config($where => $text));

    ok(!$ok && $said =~ /\[emerg\] .*$expected/,
       "$where: " . $text =~ s/\Q$dir\E/DIR/r) or diag($said);
}

# what is taken

for my $case (
    [location => 'liveupdate_store store; liveupdate_api;'],
    [location => "liveupdate_store $dir/store/; liveupdate_api;"],
    [location => 'liveupdate_store store; root store; '
                 . 'liveupdate_artifacts;'],
    [location => 'liveupdate_store store; root store/; '
                 . 'liveupdate_artifacts;'],
    [location => "liveupdate_store store; root $dir/store; "
                 . 'liveupdate_artifacts;'],
    [location => 'liveupdate_store store; liveupdate_valid 0; '
                 . 'liveupdate_api;'],
    [location => 'liveupdate_store store; liveupdate_valid 5m; '
                 . 'liveupdate_base_url https://$host/x; liveupdate_api;'],
    [location => 'liveupdate_store store; liveupdate_tokens tokens; '
                 . 'liveupdate_api;'],
    [location => 'liveupdate_store new; liveupdate_api;'],
    [http => 'liveupdate_store a; liveupdate_tokens none; '
             . 'liveupdate_valid 2s; liveupdate_base_url http://x; '
             . 'liveupdate_threads default;'],
    [server => 'liveupdate_store a; liveupdate_valid 2s;'],
    [http => 'liveupdate_zone a:1m;'],
    [http => 'liveupdate_zone a:64k;'],
) {
    my ($where, $text) = @$case;
    my ($said, $ok) = $t->test_config(config($where => $text));

    ok($ok, "$where: " . $text =~ s/\Q$dir\E/DIR/gr) or diag($said);
}

# at start the folders of the store are made

ok(-d "$dir/new/$_", "new/$_") for '', qw/ apps staging live tmp /;

# inheritance, two stores, a zone after its use

$t->write_file_expand('nginx.conf', <<'EOC');

%%TEST_GLOBALS%%

thread_pool  disk  threads=2;

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    liveupdate_store     first;
    liveupdate_tokens    tokens;
    liveupdate_base_url  https://$server_name;

    server {
        listen       127.0.0.1:8080;
        server_name  one;

        location /v1/ {
            liveupdate_api;
        }

        location /artifacts/ {
            root  first;
            liveupdate_artifacts;
        }

        location /plain/ {
            root  first;
        }
    }

    server {
        listen       127.0.0.1:8081;
        server_name  two;

        liveupdate_store    second;
        liveupdate_threads  disk;

        location /v1/ {
            liveupdate_api;

            location /v1/users/ {
                return  418;
            }
        }

        location /files/ {
            root  second;
            liveupdate_artifacts;
        }
    }

    server {
        listen       127.0.0.1:8082;
        server_name  three;

        location /v1/ {
            liveupdate_tokens    none-here;
            liveupdate_base_url  https://cdn.example.com;
            liveupdate_api;
        }
    }

    liveupdate_zone  later:1m;
}

EOC

$t->write_file('none-here', '');
chmod 0600, "$dir/none-here";
$t->run();

my $id = 'same-id';
my $zip = zip('index.html' => 'first');
my $other = zip('index.html' => 'the second store');

for my $port (8080, 8081) {
    $t->api('POST', '/v1/apps', { id => $id, name => "at $port" },
            port => $port);
}

my $first = $t->publish($id, undef, $zip, port => 8080);
my $second = $t->publish($id, undef, $other, port => 8081);

ok($first->{ok} && $second->{ok}, 'two stores with the same app')
    or diag($first->{reply}{raw}, $second->{reply}{raw});
is($t->latest($id, _port => 8080)->{json}{url},
   "https://one/artifacts/$id/$first->{bundle}/bundle.zip",
   'one, with an inherited base');
is($t->latest($id, _port => 8081)->{json}{bundleId}, $second->{bundle},
   'the other');
is($t->api('GET', '/v1/apps', undef, port => 8081)->{json}[0]{name}, 'at 8081',
   'do not mix');
is($t->latest($id, _port => 8082)->{json}{url},
   "https://cdn.example.com/artifacts/$id/$first->{bundle}/bundle.zip",
   'the first one elsewhere, with a base of its own');
is($t->said($t->api('GET', '/v1/users/me', undef, port => 8082)),
   '401 Invalid token.', 'and without tokens');
is($t->api('GET', '/v1/users/me', undef, port => 8081)->{status}, 418,
   'a location within is no API');

my ($artifact) = "$id/$first->{bundle}/bundle.zip";

is($t->api('GET', "/artifacts/$artifact", undef, token => undef)->{body},
   $zip, 'an artifact');
is($t->api('GET', "/files/$id/$second->{bundle}/bundle.zip", undef,
           token => undef, port => 8081)->{body}, $other,
   'in a location of another name');
is($t->api('GET', "/files/$artifact", undef, token => undef,
           port => 8081)->{status}, 404, 'and only that of its store');
is($t->api('GET', "/plain/$artifact", undef, token => undef)->{status}, 404,
   'a plain location does not look into the store');

# a device that is known to one store is not to the other

$t->latest($id, _port => 8080, deviceId => 'only-one');
is($t->api('GET', "/v1/apps/$id/devices/only-one", undef, port => 8080)
   ->{status}, 200, 'a device of one store');
is($t->api('GET', "/v1/apps/$id/devices/only-one", undef, port => 8081)
   ->{status}, 404, 'is none of the other');

# at start tmp/ is emptied of what this machine left, and of nothing else

$t->stop();
$t->write_file("first/tmp/$_", 'left')
    for @left = ($machine . '/1.AbCdEf', $machine . '/1.GhIjKl/a/b',
                 # of an older version
                 $machine . '.1.AbCdEf', $machine . '.1.2.gone/a/b');
$t->write_file("first/tmp/$_", 'of others')
    for @others = ('elsewhere.1.AbCdEf', "$machine.example.1.AbCdEf",
                   "$machine.example/1.AbCdEf", "$machine.7.1.2.gone");
$t->run();

is(join(' ', grep { -e "$dir/first/tmp/$_" } @left), '', 'tmp/ is emptied');
is(join(' ', grep { !-e "$dir/first/tmp/$_" } @others), '',
   'but not of what other machines write');
unlink "$dir/first/tmp/$_" for @others;

is($t->latest($id, _port => 8080)->{json}{bundleId}, $first->{bundle},
   'all is there after a restart');

# a module shows nginx what nginx looks up in it, and nothing else

SKIP: {
    my $module = $Test::LiveUpdate::MODULE;
    skip 'linked statically', 1 if $module eq '';

    my @symbols = map { /(\S+)$/ ? $1 : () }
        split /\n/, `nm -D --defined-only "$module"`;

    is("@{[ sort @symbols ]}", 'ngx_module_names ngx_module_order ngx_modules',
       'symbols of the module');
}

###############################################################################

sub config {
    my (%add) = @_;

    $add{$_} //= '' for qw/ main http server location /;

    return <<"EOC";

%%TEST_GLOBALS%%

$add{main}

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    $add{http}

    server {
        listen  127.0.0.1:8089;

        $add{server}

        location / {
            $add{location}
        }
    }
}

EOC
}
