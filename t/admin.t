#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# The tool nginx-liveupdate beside an nginx of the test: tokens that count when
# the command returns, what "check" finds, backup and restore, and what "init"
# would write.  t/deb/server.t has the rest, in a fresh system.

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate qw/ :DEFAULT zip /;
use Test::LiveUpdate::Release qw/ dist /;

my $t = Test::LiveUpdate->new();

plan(skip_all => 'must be root') if $> != 0;

$t->has_daemon($_) for qw/ make flock curl /;

my $dir = $t->testdir();
my $store = "$dir/state/store";

mkdir "$dir/$_" or die "cannot make $dir/$_: $!\n" for qw/ state away /;

# the tool runs nginx without arguments of its own

$t->write_file('nginx', <<"EOS");
#!/bin/sh
exec $Test::LiveUpdate::NGINX -p '$dir/' -e '$dir/error.log' \\
    -c '$dir/nginx.conf' "\$@"
EOS
chmod 0755, "$dir/nginx";

$t->write_file_expand('nginx.conf', <<"EOC");

%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    liveupdate_store     $store;
    liveupdate_tokens    liveupdate.tokens;
    liveupdate_base_url  http://127.0.0.1:8080;

    server {
        listen  127.0.0.1:8080;

        location /v1/ {
            client_max_body_size  10m;
            liveupdate_api;
        }

        location /releases/ {
            liveupdate_releases;
        }

        location = /ready {
            liveupdate_ready;
        }

        location / {
            liveupdate_publish_s3  s3.keys;
        }
    }
}

EOC

for my $file (qw/ liveupdate.keys s3.keys /) {
    $t->write_file($file, "LU1 ci 0123456789abcdef\n");
    chmod 0600, "$dir/$file";
}

rename "$dir/tokens", "$dir/liveupdate.tokens"
    or die "cannot rename the tokens: $!\n";

$t->plan(80)->run();

# tokens

my $before = $t->read_file('liveupdate.tokens');

my $said = good('token add ci publish', 'token add');
my ($ci) = $said =~ /^ {4}(ca_[0-9a-f]{40})$/m;

like($said, qr/^the key LU1 in \S+s3\.keys stands for this token$/m,
     'a key that was there has its rights');

is(whoami($ci), '200 ci', 'the token counts at once');
is(mode('liveupdate.tokens'), '600', 'nobody else reads the list');
unlike($t->read_file('liveupdate.tokens'), qr/$ci/, 'it has no clear token');

for my $case (
    ['token add ci read', qr/there is a token "ci"/],
    ['token add x', qr/takes a name and roles/],
    ['token add x publish,boss', qr/"boss" is no role/],
    ["token add 'a b' read", qr/is no name of a token/],
    ["token add '#x' read", qr/is no name of a token/],
    ["token add '' read", qr/is no name of a token/],
    ["token add x read '../x'", qr/is no id of an app/],
    ['token revoke', qr/takes a name/],
    ['token revoke nobody', qr/there is no token "nobody"/],
    ['token', qr/takes add, list or revoke/],
) {
    my ($arguments, $expected) = @$case;
    my $list = $t->read_file('liveupdate.tokens');

    bad($arguments, $expected, $arguments);
    is($t->read_file('liveupdate.tokens'), $list, 'and nothing is changed');
}

good('token add one read some-app', 'a token for an app');
like(good('token list', 'token list'), qr/^one +read +some-app$/m, 'listed');
like(good('token revoke ci', 'token revoke'),
     qr/^the key LU1 in \S+liveupdate\.keys is worthless, too/m,
     'its key, too');
unlike(good('token revoke one', 'another'), qr/the key/, 'which has no key');
is(whoami($ci), '401 ', 'the token is worthless at once');
is($t->read_file('liveupdate.tokens'), $before, 'the list is as it was');

# a store with a release

my $app = $t->create_app('Shop');
my $release = $t->publish($app, undef, zip('index.html' => 'one'))->{bundle};
my $live = "$store/live/$app/$release";

like(good('check --content', 'check'),
     qr/the store is whole: 1 apps, 1 releases/, 'it is whole');

# each kind of damage is found, and nothing else

for my $case (
    ['a release without its description',
     sub { rename "$live/release.json", "$dir/away/file" },
     sub { rename "$dir/away/file", "$live/release.json" },
     qr{names release $release, but live/$app/$release/release\.json}],
    ['half an app.json', sub { cut("$store/apps/$app/app.json", 20) }, undef,
     qr{apps/$app/app\.json is not whole}],
    ['a line that is no entry',
     sub { append("$store/apps/$app/audit.log", "x\n") }, undef,
     qr{audit\.log: line \d+ is no entry}],
    ['a log out of order',
     sub { swap("$store/apps/$app/audit.log") }, undef,
     qr{audit\.log: line 2 is older than the one before}],
    ['somebody else\'s file',
     sub { chmod 0666, "$live/files/bundle.zip" },
     sub { chmod 0600, "$live/files/bundle.zip" },
     qr{bundle\.zip does not belong to \S+ alone}],
    ['another zip', sub { cut("$live/files/bundle.zip", 1) }, undef,
     qr{bundle\.zip is not what its publisher sent}],
) {
    my ($name, $break, $mend, $expected) = @$case;

    system('cp', '-a', $store, "$dir/whole") == 0 or die;

    $break->();
    bad('check --content', $expected, $name);

    if ($mend) {
        $mend->();
        system('rm', '-rf', "$dir/whole");

    } else {
        system("rm -rf '$store' && mv '$dir/whole' '$store'") == 0 or die;
    }
}

# a crash cuts a line short, a machine that has lost its turn writes one late

my $log = "state/store/apps/$app/audit.log";
my $whole = $t->read_file($log);
my ($first) = $whole =~ /\A(.*\n)/;

append("$dir/$log", $first);
unlike(good('check', 'a late entry'), qr/note/, 'is nothing to speak of');
append("$dir/$log", substr($first, 0, 20));
like(good('check', 'half a line at the end'),
     qr/^note: \S+audit\.log: line \d+ was cut short/m, 'is noted');
append("$dir/$log", "\n$first");
like(good('check', 'and within the log'), qr/^note: .*cut short/m, 'is noted');
$t->write_file($log, $whole);

# what a doctor says of the keys and of the store

my $port = port(8080);

$t->write_file('conf.d/liveupdate.conf',
               "listen $port;\nliveupdate_base_url http://localhost;\n");

my ($doctor) = tool('doctor');

unlike($doctor, qr/others can read/, 'nobody else reads the keys');
like($doctor, qr/^ok +the store answers and can be written/m, 'it is ready');
chmod 0644, "$dir/liveupdate.keys";
like((tool('doctor'))[0], qr/^wrong +others can read \S+liveupdate\.keys/m,
     'others read the keys');
chmod 0600, "$dir/liveupdate.keys";

# copies

ok(-d "$store/apps/$app/.turn", 'there is a turn');
mkdir "$store/notify" or die "cannot make $store/notify: $!\n";
$t->write_file('state/store/notify/read.json', '{}');
$t->write_file('liveupdate.targets', "all json http://127.0.0.1:1/\n");
chmod 0600, "$dir/liveupdate.targets";
good("backup $dir/copy.tar", 'backup');

my $names = `tar -tf $dir/copy.tar`;

unlike($names, qr{/\.turn/|/\.look$|^store/tmp}m, 'without turns');
unlike($names, qr{^store/notify}m, 'without what was told');
like($names, qr{^nginx/liveupdate\.keys$}m, 'with the keys');
like($names, qr{^nginx/liveupdate\.targets$}m, 'and with who is told');
is(mode('copy.tar'), '600', 'nobody else reads it');
bad("backup $dir/copy.tar", qr/exists/, 'backup over another one');
bad("restore $dir/copy.tar", qr/nginx runs/, 'restore while nginx runs');

# a copy without a release that its app names is none

rename $live, "$dir/away/live" or die "cannot rename $live: $!\n";
bad("backup $dir/torn.tar", qr/is not whole/, 'backup of a damaged store');
ok(!-e "$dir/torn.tar" && !glob("$dir/torn.tar*"), 'it leaves nothing');
rename "$dir/away/live", $live or die "cannot rename $live: $!\n";

$t->stop();

bad("restore $dir/copy.tar", qr/there is a store/, 'restore over a store');
system('rm', '-rf', $store);

# nginx ran without the store, and what was made then is gone

$t->run();
$t->api('DELETE', '/v1/apps/' . $t->create_app('Gone'));
$t->stop();
ok(-d "$store/apps/.turn", 'an empty store');

# in a container, a link to what is not there yet

unlink "$dir/liveupdate.keys";
symlink "$dir/away/keys", "$dir/liveupdate.keys" or die "no link: $!\n";

# whatever is cut off, be it between two files

my $copy = $t->read_file('copy.tar');
my $taken = '';

for (my $size = 0; $size < length($copy); $size += 512) {
    $t->write_file('part.tar', substr($copy, 0, $size));

    my ($said, $ok) = tool("--dry-run restore $dir/part.tar");

    # padding follows the last file
    $taken .= " $size" if $ok && $said =~ /would unpack/
                          && substr($copy, $size) =~ /[^\0]/;
}

is($taken, '', 'no part of a copy is restored');
like(good("restore $dir/copy.tar", 'restore'),
     qr{^wrote \S+/liveupdate\.keys$}m, 'the keys, too');
is(mode('liveupdate.keys'), '600', 'nobody else reads them');
$t->run();
is($t->latest($app)->{json}{bundleId}, $release, 'a device gets the same');

# an app.json with brackets within brackets

$t->api('POST', '/v1/apps', { id => 'shop', name => 'a ] "desktopBuilds":[ \\',
                              type => 'electron' });
is(desktop($_), 'live', "desktop release $_") for 1 .. 3;

for my $n (1 .. 3) {
    my $file = "$store/live/shop/r$n/release.json";

    rename $file, "$dir/away/file" or die "cannot rename $file: $!\n";
    bad('check', qr/names release r$n, but/, "check without r$n");
    bad("backup $dir/torn.tar", qr/names release r$n/, "backup without r$n");
    rename "$dir/away/file", $file or die "cannot rename $file: $!\n";
}

like(good('check', 'check'), qr/is whole: 2 apps, 4 releases/, 'it is whole');

###############################################################################

# Stages a desktop release, and returns its state.

sub desktop {
    my ($n) = @_;

    my $uploads = dist($t, 'shop', "r$n", {
        'latest.yml' => [ "$n.0.0", "Shop $n.exe" ],
        'latest-mac.yml' => [ "$n.0.0", "Shop $n.zip" ],
    });

    my $to = "$store/staging/shop/r$n";

    system('mkdir', '-p', $to) == 0
        && system('cp', '-r', "$dir/$uploads", $to) == 0 or die;

    return $t->api('POST', "/releases/shop/r$n/stage", {})->{json}{state};
}


sub tool {
    my ($arguments) = @_;

    my $said = `CONF='$dir' STATE='$dir/state' SHARE='$dir/share' \\
                LOGS='$dir' PATH='$dir':"\$PATH" \\
                $Test::LiveUpdate::ROOT/packaging/nginx-liveupdate \\
                $arguments 2>&1 </dev/null`;

    return ($said, $? == 0);
}


sub good {
    my ($arguments, $name) = @_;

    my ($said, $ok) = tool($arguments);

    ok($ok, $name) or diag(substr $said, 0, 1000);

    return $said;
}


sub bad {
    my ($arguments, $expected, $name) = @_;

    my ($said, $ok) = tool($arguments);

    ok(!$ok && $said =~ $expected, "refused: $name" =~ s/\Q$dir\E/DIR/gr)
        or diag(substr $said, 0, 1000);
}


sub whoami {
    my ($token) = @_;

    my $reply = $t->api('GET', '/v1/users/me', undef, token => $token);

    return "$reply->{status} " . ($reply->{json}{name} // '');
}


sub mode {
    my ($name) = @_;

    return sprintf '%o', (stat "$dir/$name")[2] & 07777;
}


sub append {
    my ($file, $text) = @_;

    open my $fh, '>>', $file or die "cannot open $file: $!\n";
    print $fh $text;
    close $fh or die "cannot write $file: $!\n";
}


sub cut {
    my ($file, $bytes) = @_;

    truncate $file, (-s $file) - $bytes or die "cannot cut $file: $!\n";
}


sub swap {
    my ($file) = @_;

    open my $in, '<', $file or die "cannot read $file: $!\n";
    my @lines = <$in>;

    open my $out, '>', $file or die "cannot write $file: $!\n";
    print $out reverse @lines;
    close $out or die "cannot write $file: $!\n";
}
