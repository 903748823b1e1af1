#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# "nginx -t" explains: what cannot work is refused, and what hardly can is
# warned of, in a sentence with the directive and the cure.  What is right is
# passed over in silence.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate;

my $t = Test::LiveUpdate->new();
my $dir = $t->testdir();

my $targets = "\na slack https://hooks.example.com/x\n";

$t->write_file('targets', $targets);
$t->write_file('open', $targets);
$t->write_file('wrong', $targets =~ s/slack/mail/r);
chmod 0600, map { "$dir/$_" } qw/ targets wrong /;
chmod 0644, "$dir/open";

my $store = 'liveupdate_store store; liveupdate_tokens tokens;';
my $api = "$store client_max_body_size 1100m; liveupdate_api;";
my $fetch = 'liveupdate_fetch /fetch/;';

my @refused = (
    # an address that no device can use
    [server => 'liveupdate_base_url updates.example.com;',
     qr/"liveupdate_base_url" directive must begin with "https:/],
    [server => 'liveupdate_base_url //updates.example.com;',
     qr/"liveupdate_base_url" directive must begin with "https:/],
    [server => 'liveupdate_base_url https://;',
     qr/"liveupdate_base_url" directive must begin with "https:/],
    [server => 'liveupdate_base_url https:///x;',
     qr/"liveupdate_base_url" directive must begin with "https:/],
    [server => 'liveupdate_base_url ftp://$host;',
     qr/"liveupdate_base_url" directive must begin with "https:/],

    # two answers to a request
    [location => "$api liveupdate_status;",
     qr/"liveupdate_status" directive conflicts with a directive before it/],
    [location => "$api liveupdate_releases;",
     qr/"liveupdate_releases" directive is duplicate/],
    [location => "proxy_pass http://127.0.0.1:1; $api",
     qr/"liveupdate_api" directive conflicts with a directive before it/],
    [location => "$api proxy_pass http://127.0.0.1:1;",
     qr/"liveupdate_api" in location "\/v1\/" conflicts with another/],
    [location => "$store root store; liveupdate_status; "
                 . 'liveupdate_artifacts;',
     qr/"liveupdate_artifacts" and "liveupdate_status" conflict in location/],
    [location => "$store root store; liveupdate_feed a; "
                 . 'liveupdate_download a;',
     qr/"liveupdate_feed" and "liveupdate_download" conflict in location/],
    [location => "$store liveupdate_publish_s3 keys; liveupdate_feed a;",
     qr/"liveupdate_feed" and "liveupdate_publish_s3" conflict in location/],
    [location => "$store liveupdate_ready; liveupdate_artifacts;",
     qr/"liveupdate_artifacts" and "liveupdate_ready" conflict in location/],
    [location => "$store liveupdate_webhook todesktop secret=s; "
                 . "proxy_pass http://127.0.0.1:1; $fetch",
     qr/"liveupdate_webhook" in location .* conflicts with another/],

    # notifications that could not be sent, and their targets
    [location => "$api liveupdate_notify targets;",
     qr/"liveupdate_notify" requires a location "\/notify\/" with "proxy/],
    [location => "$api liveupdate_notify nowhere;",
     qr/"$dir\/nowhere" failed, create the file with the mode 600/],
    [location => "$api liveupdate_notify open;",
     qr/must not be readable or writable by others/],
    [location => "$api liveupdate_notify wrong;",
     qr/invalid target file "\S+wrong": line 2 has a form that is not "json"/],
    [location => "$api liveupdate_notify targets retry=soon;",
     qr/invalid parameter "retry=soon"/],
    [location => "$api liveupdate_notify targets disk=5;",
     qr/invalid parameter "disk=5"/],

    # users whom anybody could name, or who could do nothing
    [server => 'liveupdate_user ann roles=read from=127.0.0.1;',
     qr/"liveupdate_user" directive requires a variable that has the name/],
    [server => 'liveupdate_user on;',
     qr/"liveupdate_user" directive requires a variable that has the name/],
    [server => 'liveupdate_user $http_x_user from=127.0.0.1;',
     qr/"liveupdate_user" directive requires "roles", as in/],
    [server => 'liveupdate_user $http_x_user roles=approve;',
     qr/"liveupdate_user" directive requires "from", the address of the/],
    [server => 'liveupdate_user $http_x_user roles=approve from=all;',
     qr/must not believe "\$http_x_user" from all addresses, because/],
    [server => 'liveupdate_user ${http_X_User} roles=approve from=0.0.0.0/0;',
     qr/must not believe "\$http_X_User" from all addresses, because/],
    [server => 'liveupdate_user $ssl_client_s_dn roles=$http_r from=::/0;',
     qr/must not believe "\$http_r" from all addresses, because/],
    [server => 'liveupdate_user $remote_user roles=approve from=all;',
     qr/must not believe "\$remote_user" from all addresses, because/],
    [server => 'liveupdate_user $cookie_user roles=approve from=all;',
     qr/must not believe "\$cookie_user" from all addresses, because/],
    [server => 'liveupdate_user $http_u roles=approve from=proxy.example.com;',
     qr/invalid parameter "from=proxy\.example\.com"/],
    [server => 'liveupdate_user $http_u roles=approve from=10.0.0.0/33;',
     qr/invalid parameter "from=10\.0\.0\.0\/33"/],
    [server => 'liveupdate_user $http_u roles=write from=127.0.0.1;',
     qr/"liveupdate_user": "write" has a role that is not read, publish/],
    [server => 'liveupdate_user $http_u roles= from=127.0.0.1;',
     qr/invalid parameter "roles="/],
    [server => 'liveupdate_user $http_u roles=read apps=x, from=127.0.0.1;',
     qr/"liveupdate_user": "x," has an app that is not a valid id/],
    [server => 'liveupdate_user $http_u roles=read group=x from=127.0.0.1;',
     qr/invalid parameter "group=x"/],
    [server => 'liveupdate_user off; liveupdate_user off;',
     qr/"liveupdate_user" directive is duplicate/],

    # jobs that could not ask
    [location => "$api $fetch",
     qr/"liveupdate_fetch" requires a location "\/fetch\/" with "proxy_pass"/],
    [server => 'location = /fetch/ { return 404; }', location => "$api $fetch",
     qr/"liveupdate_fetch" requires a location "\/fetch\/"/],
    [server => 'location ^~ /fetch/ { internal; } resolver 127.0.0.1;',
     location => "$api $fetch liveupdate_github repo=a/b token=s;",
     qr/"liveupdate_github" requires a location "\/github\/"/],

    # files and folders
    [location => 'liveupdate_store store; liveupdate_tokens none; '
                 . 'liveupdate_api;',
     qr/"$dir\/none" of "liveupdate_tokens" failed, create the file with/],
    [location => "$store liveupdate_webhook todesktop secret=none; $fetch",
     qr/"$dir\/none" failed, create the file with the mode 600/],
    [location => "$store liveupdate_threads none; liveupdate_api;",
     qr/unknown thread pool "none" in .*test\.conf:\d+$/m],
);

my @warned = (
    [location => "$store liveupdate_threads none; liveupdate_api;",
     qr/"liveupdate_threads" names a thread pool .* "thread_pool none thr/],
    [location => "$store liveupdate_api;",
     qr/"client_max_body_size" in location "\/v1\/" is 1048576 bytes, .*1100m/],
    [place => '/', location => "$store liveupdate_publish_s3 keys;",
     qr/"client_max_body_size" in location "\/" is 1048576 bytes, .* 5g"/],
    [place => '/api/', location => $api,
     qr/"liveupdate_api" in location "\/api\/" answers only .* \^~ \/v1\/"/],
    [place => '/v1/', location => "$store liveupdate_releases;",
     qr/"liveupdate_releases" in .* answers only .* \^~ \/releases\/"/],
    [server => 'location ^~ /fetch/ { internal; }',
     location => "$api $fetch",
     qr/no "resolver" for location "\/fetch\/" of "liveupdate_fetch"/],
    [server => 'location ^~ /fetch/ { internal; resolver 127.0.0.1;'
               . ' proxy_temp_path /proc/none/temp; }',
     location => "$api $fetch",
     qr{"proxy_temp_path" in location "/fetch/" .* another .* "$dir/store"}],
    [server => 'proxy_temp_path /proc/none; resolver 127.0.0.1;'
               . 'location ~ ^/fetch/ { internal; }',
     location => "$api $fetch",
     qr{"/proc/none", which lies on .* "proxy_temp_path $dir/store/tmp/fetch}],
    [server => "location /two/ { liveupdate_store two; liveupdate_status; }",
     location => $api,
     qr/2 stores take up to 58 threads .* has 32, .*"thread_pool default thr/],
    [server => 'location ^~ /notify/ { internal; }',
     location => "$api liveupdate_notify targets;",
     qr/no "resolver" for location "\/notify\/" of "liveupdate_notify"/],
);

# Angie reads /etc/resolv.conf

if (`$Test::LiveUpdate::NGINX -v 2>&1` =~ /Angie/) {
    @warned = grep { $_->[-1] !~ /no "resolver"/ } @warned;
}

my @silent = (
    [location => $api],
    [place => '/', location => $api],
    [place => '/v1/apps/', location => $api],
    [place => '/', location => "$store client_max_body_size 2g; "
                               . 'liveupdate_publish_s3 keys;'],
    [place => '/',
     location => "$store liveupdate_publish_s3 keys size=512k;"],
    [location => "client_body_temp_path new/tmp/body; $api"
                 =~ s/liveupdate_store store/liveupdate_store new/r],
    [place => '~ ^/api', location => $api],
    [location => 'liveupdate_store store; liveupdate_api;'],
    [place => '/releases/', location => "$store liveupdate_releases;"],
    [server => 'liveupdate_base_url https://updates.example.com;'],
    [server => 'liveupdate_base_url https://updates.example.com/files;'],
    [server => 'liveupdate_base_url $scheme://$host;'],
    [server => 'liveupdate_base_url http$https://$host;'],
    [server => 'liveupdate_base_url "";'],
    [server => 'liveupdate_user $http_u roles=$http_r apps=* from=10.0.0.0/8 '
               . 'from=::1 from=unix:;'],
    [server => 'liveupdate_user $ssl_client_s_dn roles=read from=all;'],
    [server => 'liveupdate_user off;', location => $api],
    [main => 'thread_pool some threads=2;',
     location => "$api liveupdate_threads some;"],
    [location => "$api liveupdate_threads default;"],
    [main => 'thread_pool default threads=64;',
     server => "location /two/ { liveupdate_store two; liveupdate_status; }",
     location => $api],
    [server => 'location ^~ /fetch/ { internal; resolver 127.0.0.1; }',
     location => "$api $fetch"],
    [server => 'location ^~ /fetch/ { internal; resolver 127.0.0.1;'
               . ' proxy_temp_path store/tmp/fetch; }',
     location => "$api $fetch"],
    [server => 'resolver 127.0.0.1; location /fet { internal; }',
     location => "$api $fetch"],
    [server => 'resolver 127.0.0.1; location ~ ^/fetch/ { internal; }',
     location => "$api $fetch"],
    [server => 'resolver 127.0.0.1; location /f/ { return 404; }'
               . 'location / { location /fetch/ { internal; } }',
     location => "$api $fetch"],
    [location => "$api if (\$arg_x) { set \$y 1; }"],
    [location => "$api limit_except GET { deny all; }"],
);

$t->plan(@refused + @warned + @silent + 4);

$t->write_file($_, 'secret') for qw/ s /;
$t->write_file('keys', "# none\n");
chmod 0600, "$dir/s", "$dir/keys";

for my $case (@refused) {
    my ($text, $said, $ok) = test($case);

    ok(!$ok && $said =~ /\[emerg\] .*$case->[-1]/m, "refused: $text")
        or diag($said);
}

for my $case (@warned) {
    my ($text, $said) = test($case);

    ok($said =~ /\[warn\] .*$case->[-1]/, "warned: $text") or diag($said);
}

for my $case (@silent) {
    my ($text, $said, $ok) = test([@$case, undef]);

    ok($ok && $said !~ /\[warn\]/, "silent: $text") or diag($said);
}

# the line of an unknown pool is that of the directive

like((test([location => "$store\n\n\nliveupdate_threads none;\n\n"
                        . 'liveupdate_api;', undef]))[1],
     qr/unknown thread pool "none" in .*test\.conf:@{[line('none')]}$/m,
     'the line of an unknown pool');

SKIP: {
    skip 'must be root', 2 if $> != 0;

    # a folder that only root may enter

    mkdir "$dir/shut" or die "cannot make $dir/shut: $!\n";
    chmod 0700, "$dir/shut";

    my $main = 'user nobody ' . getgrgid((getpwnam 'nobody')[3]) . ';';
    my $text = "liveupdate_store $dir/shut/store; liveupdate_tokens tokens;"
        . ' client_max_body_size 0; liveupdate_api;';

    like((test([main => $main, location => $text, undef]))[1],
         qr/"liveupdate_store" is in "$dir\/shut", which the user "nobody"/,
         'a store that workers cannot reach');

    chmod 0711, "$dir/shut";

    unlike((test([main => $main, location => $text, undef]))[1],
           qr/"$dir\/shut"/, 'one that they can');
}

# nginx's own prefix is no place for data; the parent is not there, so that
# nothing is made in it

my ($prefix) = `$Test::LiveUpdate::NGINX -V 2>&1` =~ /--prefix=(\S+)/;

SKIP: {
    skip 'nginx names no prefix', 1 if !$prefix;

    $t->write_file_expand('test.conf',
                          config(location => 'liveupdate_store none-here/s; '
                                             . 'liveupdate_api;'));

    local $ENV{LD_PRELOAD} = Test::LiveUpdate::asan_library()
        if $ENV{TEST_NGINX_ASAN};

    my $said = `$Test::LiveUpdate::NGINX -t -e stderr -c $dir/test.conf 2>&1`;

    like($said, qr/"liveupdate_store" is relative .* means "$prefix\/*none-/,
         'a relative store');
}

###############################################################################

sub test {
    my ($case) = @_;

    my ($last, %add) = (pop @{[@$case]}, @$case[0 .. $#$case - 1]);
    my ($said, $ok) = $t->test_config(config(%add));
    my $text = join ' ', map { "$_: $add{$_}" } sort keys %add;

    # the tests may run in a file system of that kind
    $said =~ s/^.*\blies on tmpfs\b.*\n//mg;

    return ($text =~ s/\s+/ /gr =~ s/\Q$dir\E/DIR/gr, $said, $ok);
}


sub line {
    my ($what) = @_;

    my $n = 0;

    for my $line (split /\n/, $t->read_file('test.conf')) {
        $n++;
        return $n if $line =~ /liveupdate_threads +$what/;
    }

    return 0;
}


sub config {
    my (%add) = @_;

    $add{place} //= '/v1/';
    $add{$_} //= '' for qw/ main server location /;

    return <<"EOC";

%%TEST_GLOBALS%%

$add{main}

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    server {
        listen  127.0.0.1:8089;

        $add{server}

        location $add{place} {
            $add{location}
        }
    }
}

EOC
}
