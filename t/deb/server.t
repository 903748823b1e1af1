#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# From the package to the first update of a device, as the README has it: five
# commands in a fresh system, those after the second one taken from what the
# second one prints.  Then everything else that nginx-liveupdate does.

use warnings;
use strict;

use Digest::SHA qw/ sha256_hex /;
use Test::More;
use Time::HiRes qw/ time /;

use Test::LiveUpdate ();
use Test::LiveUpdate::Chroot;
use Test::LiveUpdate::HTTP qw/ json_decode /;

use constant NAME => 'updates.example.com';
use constant SECONDS => 300;

my $root = $Test::LiveUpdate::ROOT;
my $cli = "$root/t/clients/node_modules/\@capawesome/cli/dist/index.js";

plan(skip_all => 'must be root') if $> != 0;
plan(skip_all => 'no CLI, run "make clients" first') if !-f $cli;

for my $tool (qw/ mmdebstrap unshare nsenter ip openssl node /) {
    plan(skip_all => "no $tool")
        if system("command -v $tool >/dev/null 2>&1") != 0;
}

my ($s, $token);

for my $suite (split ' ', $ENV{SUITES} || 'bookworm trixie') {
    subtest($suite => sub { server_of($suite) });
}

done_testing();

###############################################################################

sub server_of {
    my ($suite) = @_;

    my ($deb) = glob "$root/build/deb/$suite/*.deb";

    plan(skip_all => "no package, run t/deb/package.t first") if !$deb;

    $s = Test::LiveUpdate::Chroot->new($suite, "$root/build/chroot");
    prepare($deb);

    my $check = journey();

    again();
    tokens();
    looks();
    upgrade($check);
    copies();
    refusals();
    by_certbot();
    behind_proxy();

    undef $s;
}


# What an administrator has before: the package, a name, a certificate.

sub prepare {
    my ($deb) = @_;

    system('cp', $deb, $s->root . '/root/liveupdate.deb') == 0 or die;

    my $hosts = "127.0.0.1 localhost @{[NAME]} other.example.com\n";

    $s->write('/etc/hosts', $hosts);

    my $dir = $s->root . '/root';

    system("cd '$dir' && exec >/dev/null 2>&1"
           . ' && openssl req -x509 -newkey rsa:2048 -nodes -days 30'
           . ' -keyout ca.key -out ca.crt -subj /CN=CA'
           . ' && openssl req -newkey rsa:2048 -nodes -keyout tls.key'
           . ' -out tls.csr -subj /CN=' . NAME
           . ' && echo subjectAltName=DNS:' . NAME . ' > ext'
           . ' && openssl x509 -req -in tls.csr -CA ca.crt -CAkey ca.key'
           . ' -days 20 -extfile ext -out tls.crt && cat ca.crt >> tls.crt')
        == 0 or die "cannot make certificates\n";

    $s->start_online();
    good('apt-get -q update && apt-get -qy install -d /root/liveupdate.deb'
         . ' && apt-get -qy install --no-install-recommends logrotate',
         'packages are downloaded');
    good('mkdir -p /usr/local/share/ca-certificates'
         . ' && cp /root/ca.crt /usr/local/share/ca-certificates/own.crt',
         'the CA is trusted');
    $s->start();
}


# The commands count, and the time that the machine takes for them.

sub journey {
    my $began = time();

    good('apt-get -qy install /root/liveupdate.deb', 'command 1: install');

    my $init = good('nginx-liveupdate init ' . NAME
                    . ' --cert /root/tls.crt --key /root/tls.key',
                    'command 2: init');

    my @steps = $init =~ /^\d\. .*\n\n((?: {4}.*\n)+)/mg;

    is(scalar @steps, 3, 'which prints three steps') or diag($init);
    ($token) = $init =~ /^ {4}(ca_[0-9a-f]{40})$/m;
    ok($token, 'and a token, once') or diag($init);

    # "npx" is where a developer is: outside

    my ($create, $publish, $check) = @steps;

    like(good($create, 'command 3: create the app'), qr/"name":"My app"/,
         'it is created');
    like(publish($publish), qr/success/i, 'command 4: publish');

    my $answer = good($check, 'command 5: ask as a device');
    my $bundle = eval { json_decode($answer) } // {};

    good("curl -sf -o /root/bundle.zip '$bundle->{url}'", 'it downloads');
    is(sha256_hex($s->read('/root/bundle.zip')), $bundle->{checksum},
       'what was promised');

    my $took = time() - $began;

    cmp_ok($took, '<', SECONDS, sprintf 'all that took %.0f seconds', $took);

    # what else came with it

    is(said("curl -s -o /dev/null -w '%{http_code} %{redirect_url}'"
            . " http://@{[NAME]}/x"), '301 https://' . NAME . '/x',
       'http leads to https');
    like(said("curl -s --http2 -o /dev/null -w '%{http_version}'"
              . " https://@{[NAME]}/console/"), qr/^2/, 'HTTP/2');
    like(said('nginx -t'), qr/successful/, 'nginx has nothing to say')
        and unlike(said('nginx -t'), qr/\[warn\]/, 'not even a warning');
    like(said('curl -s http://localhost/'), qr/Welcome to nginx/,
         'what nginx served before it still serves');
    like(said('logrotate -d /etc/logrotate.d/nginx'), qr/liveupdate\.log/,
         'the logs are rotated');

    return $check;
}


sub publish {
    my ($step) = @_;

    my $dir = $s->root . '/home/developer';
    my $hosts = $s->root . '/etc/hosts';

    system("mkdir -p '$dir/dist' '$dir/bin' && cd '$dir/dist'"
           . " && { test -e index.html"
           . " || echo '<!doctype html>' > index.html; }") == 0
        or die;

    $s->write('/home/developer/bin/npx', <<"EOS");
#!/bin/sh

test "\$1 \$2" = "--yes \@capawesome/cli\@4.18.4" || exit 1
shift 2
exec node '$cli' "\$@"
EOS

    chmod 0755, "$dir/bin/npx";
    $s->write('/home/developer/step', $step);

    my ($said, $ok) = $s->run(
        "unshare -m sh -c 'mount --bind \"$hosts\" /etc/hosts"
        . " && cd \"$dir\" && HOME=\"$dir\" PATH=\"$dir/bin:\$PATH\""
        . ' NODE_EXTRA_CA_CERTS="' . $s->root . '/root/ca.crt" sh ./step\'',
        outside => 1);

    diag(substr $said, -1500) if !$ok;

    return $said;
}


sub again {
    my $before = settings();

    my $said = good('nginx-liveupdate init ' . NAME
                    . ' --cert /root/tls.crt --key /root/tls.key',
                    'init again');

    is(settings(), $before, 'changes nothing');
    unlike($said, qr/ca_[0-9a-f]{40}/, 'and makes no other token');
    unlike($said, qr/reloaded/, 'nor reloads');

    # a file that is removed is written anew, and only that

    for my $file (qw! conf.d/liveupdate.conf liveupdate.conf
                      modules-enabled/60-liveupdate.conf !)
    {
        good("mv /etc/nginx/$file /root/away && nginx-liveupdate init "
             . NAME . ' --cert /root/tls.crt --key /root/tls.key',
             "init without $file");
        is(settings(), $before, 'it is back');
    }
}


sub tokens {
    my $said = good('nginx-liveupdate token add ci publish', 'token add');
    my ($ci) = $said =~ /^ {4}(ca_[0-9a-f]{40})$/m;

    is(code($ci), 200, 'the token is taken');
    bad('nginx-liveupdate token add ci publish', qr/there is a token "ci"/,
        'a second one of that name');
    bad('nginx-liveupdate token add x boss', qr/"boss" is no role/,
        'an unknown role');
    bad("nginx-liveupdate token add 'a b' read", qr/is no name of a token/,
        'a name in two words');

    my $before = settings();

    good('nginx-liveupdate --dry-run token add y read', 'token add, dry');
    is(settings(), $before, 'changes nothing');

    like(good('nginx-liveupdate token list', 'token list'),
         qr/\Aadmin +admin +all apps\nci +publish +all apps\n\z/,
         'names and roles');
    good('nginx-liveupdate token revoke ci', 'token revoke');
    is(code($ci), 401, 'the token is worthless');
    bad('nginx-liveupdate token revoke ci', qr/there is no token "ci"/,
        'it is revoked once');
    is(mode('/etc/nginx/liveupdate.tokens'), '600',
       'nobody else reads the list');

    # a list without an end of the last line, and one that nginx refuses

    good('printf %s "$(cat /etc/nginx/liveupdate.tokens)"'
         . ' > /root/t && cat /root/t > /etc/nginx/liveupdate.tokens'
         . ' && nginx-liveupdate token add two read', 'no last newline');
    is(code($token), 200, 'the token before is still one');
    good('nginx-liveupdate token revoke two', 'and gone');

    $s->write('/etc/nginx/conf.d/broken.conf', "nonsense;\n");
    $before = settings();
    bad('nginx-liveupdate token add three read',
        qr/the tokens are as before/, 'a configuration that is broken');
    is(settings(), $before, 'they are');
    bad('nginx-liveupdate reload', qr/goes on as before/, 'reload');
    unlink $s->root . '/etc/nginx/conf.d/broken.conf';
}


sub looks {
    my $said = good('nginx-liveupdate status', 'status');

    like($said, qr/\blive 1\b/, 'a release') or diag($said);
    like($said, qr/\bcheck [1-9]/, 'a check');

    like(good('nginx-liveupdate check --content', 'check'),
         qr/the store is whole: 1 apps, 1 releases/, 'what there is');

    # it must be able to find something

    my $store = $s->root . '/var/lib/liveupdate/store';
    my ($zip) = glob "$store/live/*/*/files/*.zip";
    my ($files) = $zip =~ m{(.*)/files/} ? "$1/files.json" : '';

    rename $files, "$files.away";
    bad('nginx-liveupdate check', qr/files\.json is missing/,
        'a file is missing');
    rename "$files.away", $files;

    system("cp -p '$zip' '$zip.away' && echo >> '$zip'");
    bad('nginx-liveupdate check --content',
        qr/is not what its publisher sent/, 'a file is damaged');
    rename "$zip.away", $zip;

    my ($doctor) = $s->run('nginx-liveupdate doctor');

    like($doctor, qr/^ok +the certificate is for/m, 'doctor');
    like($doctor, qr/^ok +devices get an answer/m, 'asks as a device does');
    like($doctor, qr/^risky +https:\/\/download\.todesktop\.com cannot/m,
         'without a network there is a risk');
    unlike($doctor, qr/^wrong {4}(?!the store is on (?:tmpfs|overlayfs))/m,
           'and nothing wrong') or diag($doctor);

    # a certificate of somebody else

    system('sed', '-i', 's/liveupdate_base_url .*/'
           . 'liveupdate_base_url https:\/\/other.example.com;/',
           $s->root . '/etc/nginx/conf.d/liveupdate.conf');
    bad('nginx-liveupdate doctor',
        qr/^wrong +the certificate is not for other\.example\.com/m,
        'a base URL that is not the certificate\'s');
    system('sed', '-i', 's/other\.example\.com/' . NAME . '/',
           $s->root . '/etc/nginx/conf.d/liveupdate.conf');
}


# The next version of the package, while devices ask and a release waits.

sub upgrade {
    my ($check) = @_;

    my ($app) = $check =~ m{/apps/([^/]+)/};
    my $dir = $s->root . '/root';
    my $list = "curl -s 'https://@{[NAME]}/releases/$app?state=staged'"
        . " -H 'Authorization: Bearer $token'";

    system("cd '$dir' && dpkg-deb -R liveupdate.deb next"
           . " && sed -i '/^Version:/s/\$/+next/' next/DEBIAN/control"
           . " && dpkg-deb --root-owner-group -b next next.deb >/dev/null")
        == 0 or die "cannot make another version\n";

    good("sed -i 's/^liveupdate_approval .*/liveupdate_approval on;/'"
         . ' /etc/nginx/liveupdate.conf && nginx-liveupdate reload',
         'with approval');

    $s->write('/home/developer/dist/index.html', "<!doctype html>\n<p>two\n");
    like(publish($s->read('/home/developer/step')), qr/success/i,
         'another release');

    my ($waiting) = said($list) =~ /"id":"([^"]+)"/;

    ok($waiting, 'it waits');

    # without -f the status is told, whatever it is

    my $device = $check =~ s/^\s*curl -sS/curl -s -o \/dev\/null/r
        =~ s/\s+$//r;

    $s->write('/root/devices', <<"EOS");
while [ ! -e /root/enough ]; do
    $device -w '%{http_code}\\n'
done > /root/codes
EOS
    good('sh /root/devices </dev/null >/dev/null 2>&1 & sleep 1',
         'devices ask');

    my $before = said('cat /run/nginx.pid');

    good('dpkg -i /root/next.deb', 'upgrade');
    isnt(said('cat /run/nginx.pid'), $before, 'nginx has a new binary');
    good('sleep 1; touch /root/enough; sleep 1', 'enough');

    my %codes;

    $codes{$_}++ for split ' ', $s->read('/root/codes');
    cmp_ok($codes{200} // 0, '>', 10, 'devices were answered')
        or diag(join ' ', %codes);
    is("@{[keys %codes]}", 200, 'every one of them');

    like(said($list), qr/"id":"$waiting"/, 'the release still waits');
    like(said("curl -s https://@{[NAME]}/releases/$app/$waiting/promote"
              . " --json '{}' -H 'Authorization: Bearer $token'"),
         qr/$waiting/, 'it is promoted');
    like(said($check), qr/"bundleId":"$waiting"/, 'and devices get it');
}


sub copies {
    my $before = store();

    good('nginx-liveupdate backup /root/copy.tar', 'backup');
    is(mode('/root/copy.tar'), '600', 'nobody else reads it');
    bad('nginx-liveupdate backup /root/copy.tar', qr/exists/,
        'it overwrites nothing');
    bad('nginx-liveupdate restore /root/copy.tar', qr/nginx runs/,
        'restore while nginx runs');

    good('nginx -s quit && while [ -e /run/nginx.pid ]; do sleep 0.1; done',
         'nginx stops');
    bad('nginx-liveupdate restore /root/copy.tar', qr/there is a store/,
        'restore over a store');

    good('rm -r /var/lib/liveupdate/store /etc/nginx/liveupdate.tokens',
         'all is lost');
    good('head -c 20000 /root/copy.tar > /root/half.tar', 'half a copy');
    bad('nginx-liveupdate restore /root/half.tar', qr/is not whole/,
        'restore of half a copy');
    ok(!$s->has('/var/lib/liveupdate/store/apps'), 'leaves nothing');

    like(good('nginx-liveupdate restore /root/copy.tar', 'restore'),
         qr{wrote /etc/nginx/liveupdate\.tokens}, 'tokens, too');
    is(store(), $before, 'the store is as it was');
    good('nginx-liveupdate check --content && nginx',
         'it is whole, and nginx starts');
    is(code($token), 200, 'the token works');
}


# What goes wrong for others, in a system without a server.

sub refusals {
    good('rm -f /etc/nginx/conf.d/liveupdate.conf /etc/nginx/liveupdate.*'
         . ' /etc/nginx/modules-enabled/60-liveupdate.conf && nginx -s reload',
         'as if there had been no init');

    my $before = settings();
    my $tls = '--cert /root/tls.crt --key /root/tls.key';

    for my $case (
        ["https://@{[NAME]} $tls", qr/init takes the name only/],
        ["Updates.Example.com $tls", qr/lower-case/],
        ["updates $tls", qr/has no dot/],
        [NAME, qr/init needs --cert/],
        [NAME . " --acme $tls", qr/takes one of/],
        [NAME . ' --cert /root/tls.crt', qr/--cert needs --key/],
        [NAME . ' --cert /root/none --key /root/none', qr/cannot read/],
        ["other.example.com $tls", qr/is not for other\.example\.com/],
        [NAME . ' --cert /root/tls.crt --key /root/ca.key',
         qr/is not the key of/],
        [NAME . ' --acme', qr/certbot is not installed/],
    ) {
        my ($arguments, $expected) = @$case;

        bad("nginx-liveupdate init $arguments", $expected, "init $arguments");
    }

    # dry

    like(good('nginx-liveupdate --dry-run init ' . NAME . " $tls", 'dry run'),
         qr/^ {4} {4}ssl_certificate/m, 'shows what it would write');

    # others were first

    $s->write('/etc/nginx/conf.d/first.conf', <<"EOC");
server {
    listen       80;
    server_name  @{[NAME]};
}
EOC
    bad('nginx-liveupdate init ' . NAME . " $tls",
        qr/conflicting server name.*removed again/s, 'a server of that name');

    $s->write('/etc/nginx/conf.d/first.conf', "liveupdate_zone x:1m;\n");
    bad('nginx-liveupdate init ' . NAME . " $tls",
        qr/first\.conf has directives of the module/, 'somebody\'s own zone');

    $s->write('/etc/nginx/conf.d/first.conf', "nonsense;\n");
    bad('nginx-liveupdate init ' . NAME . " $tls",
        qr/as it is; correct that first/, 'nginx does not work');

    unlink $s->root . '/etc/nginx/conf.d/first.conf';

    good("perl -MIO::Socket::INET -e '"
         . 'for (1 .. 50) {'
         . ' last if $s = IO::Socket::INET->new(LocalPort => 443,'
         . ' Listen => 1, ReuseAddr => 1); select undef, undef, undef, 0.1; }'
         . ' exit !$s if !$s || fork; sleep 600\' </dev/null >/dev/null 2>&1',
         'another server listens');
    bad('nginx-liveupdate init ' . NAME . " $tls",
        qr/port 443 is taken by perl/, 'another server');
    good('kill $(ls -l /proc/[0-9]*/exe 2>/dev/null'
            . ' | sed -n "s,.*/proc/\([0-9]*\)/exe.*perl.*,\1,p")',
         'and stops');

    is(settings(), $before, 'nothing of all that is left');

    # directives that may be there once

    $s->write('/etc/nginx/conf.d/own.conf',
              "large_client_header_buffers  4 64k;\n");
    $s->run("sed -i '1i worker_rlimit_nofile 20000;' /etc/nginx/nginx.conf");
    good('nginx-liveupdate init ' . NAME . " $tls", 'beside others\' settings');
    unlink $s->root . '/etc/nginx/conf.d/own.conf';
    forget();
}


# A stand-in for certbot, which asks as the CA would.

sub by_certbot {
    $s->write('/usr/bin/certbot', <<"EOS");
#!/bin/sh

echo "\$*" > /root/certbot.said

test -e /root/no-certificate && exit 1

mkdir -p /var/www/acme/.well-known/acme-challenge
echo answer > /var/www/acme/.well-known/acme-challenge/question

said=\$(curl -s http://@{[NAME]}/.well-known/acme-challenge/question)

test "\$said" = answer || exit 1

mkdir -p /etc/letsencrypt/live/@{[NAME]}
cp /root/tls.crt /etc/letsencrypt/live/@{[NAME]}/fullchain.pem
cp /root/tls.key /etc/letsencrypt/live/@{[NAME]}/privkey.pem
EOS

    chmod 0755, $s->root . '/usr/bin/certbot';

    my $before = settings();

    $s->write('/root/no-certificate', '');
    bad('nginx-liveupdate init ' . NAME . ' --acme',
        qr/certbot got no certificate.*removed again/s, 'certbot fails');
    is(settings(), $before, 'nothing is left');
    unlink $s->root . '/root/no-certificate';

    good('nginx-liveupdate init ' . NAME . ' --acme --email me@example.com',
         'init with certbot');
    like($s->read('/root/certbot.said'),
         qr/-m me\@example\.com --deploy-hook \S*nginx-liveupdate reload$/m,
         'renewals reload nginx');
    is(said("curl -s -o /dev/null -w '%{http_code}'"
            . " https://@{[NAME]}/v1/users/me"), '401', 'https');
    is(said("curl -s http://@{[NAME]}/.well-known/acme-challenge/question"),
       "answer\n", 'the CA can ask again');

    good('rm /usr/bin/certbot', 'gone');
    forget();
}


sub behind_proxy {
    good('nginx-liveupdate init ' . NAME . ' --behind-proxy --port 8080'
         . ' --from 127.0.0.1', 'init behind a proxy');
    is(said("curl -s -o /dev/null -w '%{http_code}' http://@{[NAME]}:8080"
            . '/v1/users/me'), '401', 'plain HTTP');
    is(said("curl -s -o /dev/null -w '%{http_code}' http://@{[NAME]}:8080"
            . "/status -H 'X-Forwarded-For: 192.0.2.1'"), '403',
       'a client of the proxy is no local one');
    good('nginx-liveupdate status', 'the machine itself is');
    is(said("grep -c ssl_certificate /etc/nginx/conf.d/liveupdate.conf"),
       "0\n", 'no certificate');
}


sub forget {
    good('rm -f /etc/nginx/conf.d/liveupdate.conf /etc/nginx/liveupdate.*'
         . ' /etc/nginx/modules-enabled/60-liveupdate.conf && nginx -s reload',
         'forgotten');
}


sub settings {
    return said('cd /etc/nginx && find . -type f ! -name .liveupdate.lock'
                . ' -exec sha256sum {} + | sort -k 2');
}


sub store {
    return said('cd /var/lib/liveupdate/store && find apps live feed jobs'
                . ' -exec stat -c "%n %U %a" {} + | sort'
                . ' && find apps live feed -type f -exec sha256sum {} +'
                . ' | sort -k 2');
}


sub code {
    my ($bearer) = @_;

    return said("curl -s -o /dev/null -w '%{http_code}'"
                . " -H 'Authorization: Bearer @{[$bearer // '']}'"
                . " https://@{[NAME]}/v1/users/me");
}


sub mode {
    my ($path) = @_;

    return sprintf '%o', (stat $s->root . $path)[2] & 07777;
}


sub said {
    my ($command) = @_;

    return ($s->run($command))[0];
}


sub good {
    my ($command, $name) = @_;

    my ($said, $ok) = $s->run($command);

    ok($ok, $name) or diag(substr $said, -1500);

    return $said;
}


sub bad {
    my ($command, $expected, $name) = @_;

    my ($said, $ok) = $s->run($command);

    ok(!$ok && $said =~ $expected, "refused: $name")
        or diag(substr $said, -1500);
}
