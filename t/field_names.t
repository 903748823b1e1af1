#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# A file name in the feed of a desktop app has the same bytes for ever, since
# clients and caches keep them: what is staged under a name that had other bytes
# is refused, even if the release of then was withdrawn or deleted.  The same
# bytes are the same file, in as many releases as have it.

use warnings;
use strict;

use Errno qw/ EACCES EIO EMFILE ESTALE /;
use Test::More;

use Test::LiveUpdate;
use Test::LiveUpdate::Dist qw/ manifest upload /;
use Test::LiveUpdate::Fault;
use Test::LiveUpdate::Store;

my $t = Test::LiveUpdate->new()->plan(90);
my $fault = Test::LiveUpdate::Fault->new($t);
my $dir = $t->testdir();

$t->config_reference(sub {
    s{^liveupdate_approval .*}{liveupdate_approval  on;}m;
})->run();

my $app = 'shop';
my $exe = 'Shop Setup 1.2.0.exe';

$t->api('POST', '/v1/apps',
        { name => 'Shop', type => 'electron', id => $app });

# a withdrawn release is built again

release('r1', windows('one'));
is(get($exe)->{body}, 'one', 'the file of the first release');
like(get($exe)->{headers}{'cache-control'}, qr/immutable/,
     'clients keep it for ever');
is(call('r1', 'withdraw')->{status}, 200, 'withdrawn');
gone($exe, 'and not in the feed');

upload($t, $app, 'r2', windows('two'));
refused(call('r2', 'stage'), qr/^409 "\Q$exe\E".*"r1"/,
        'other bytes of that name are refused when they are staged');
is(state('r2'), 'failed', 'the release says so');
like($t->api('GET', "/releases/$app/r2")->{json}{reason}, qr/\Q$exe\E/,
     'and why');
is(call('r2', 'promote')->{status}, 409, 'it cannot be promoted');
gone($exe, 'nothing came into the feed');

# what is built with the same bytes is what was there

upload($t, $app, 'r3', windows('one'));
is(call('r3', 'stage')->{status}, 202, 'the same bytes');
is(call('r3', 'promote')->{status}, 200, 'are promoted');
is(get($exe)->{body}, 'one', 'and served');
call('r3', 'withdraw');

# a deleted release is not forgotten

for my $id (qw/ r1 r3 /) {
    is(remove($id)->{status}, 204, "$id is deleted");
}

ok(!-e "$dir/store/live/$app/r1", 'with its files');

upload($t, $app, 'r4', windows('three'));
refused(call('r4', 'stage'), qr/^409 "\Q$exe\E".*"r1"/,
        'its name is taken nevertheless');

# also by a release of the same id

is(remove('r2')->{status}, 204, 'the failed one is deleted');
upload($t, $app, 'r1', windows('four'));
refused(call('r1', 'stage'), qr/^409 "\Q$exe\E"/, 'the same id, too');
upload($t, $app, 'r1', windows('one'));
is(call('r1', 'stage')->{status}, 202, 'which may bring the same bytes');
is(call('r1', 'promote')->{status}, 200, 'and is live');

# with the server's memory gone

$t->stop();
$t->run();

upload($t, $app, 'r5', windows('five'));
refused(call('r5', 'stage'), qr/^409 "\Q$exe\E"/, 'after a restart');

# names of manifests are no names of files

upload($t, $app, 'r6', windows('six', '1.2.1'));
is(call('r6', 'stage')->{status}, 202, 'another version');
is(call('r6', 'promote')->{status}, 200, 'has names of its own');
like(get('latest.yml')->{body}, qr/^version: 1\.2\.1$/m,
     'and takes the place of the manifest');

# a platform is added to a version

my %both = (%{windows('six', '1.2.1')}, %{mac('mac', '1.2.1')});

upload($t, $app, 'r7', \%both);
is(call('r7', 'stage')->{status}, 202, 'the same installer and one more');
is(call('r7', 'promote')->{status}, 200, 'are released');
is(get('latest-mac.yml')->{status}, 200, 'a manifest for macOS');
is(get('Shop-1.2.1-mac.zip')->{body}, 'mac', 'its file');
is(get('Shop Setup 1.2.1.exe')->{body}, 'six', 'and the old one');

is(inode("live/$app/r6/files/Shop Setup 1.2.1.exe"),
   inode("live/$app/r7/files/Shop Setup 1.2.1.exe"), 'on the disk once');
is_deeply([wrong()], [], 'the store is sound');

# whoever goes first, the other one keeps the file

my $tag = tag('Shop Setup 1.2.1.exe');

is(call('r6', 'withdraw')->{status}, 200, 'the first release is withdrawn');
is(get('Shop Setup 1.2.1.exe')->{body}, 'six', 'its file stays for the other');
is(tag('Shop Setup 1.2.1.exe'), $tag, 'as it was');
is_deeply([wrong()], [], 'the store is sound');
is(remove('r6')->{status}, 204, 'and is deleted');
is(get('Shop Setup 1.2.1.exe')->{body}, 'six', 'its file still stays');
is(call('r7', 'withdraw')->{status}, 200, 'the second one is withdrawn');
gone('Shop Setup 1.2.1.exe', 'its file goes');
gone('Shop-1.2.1-mac.zip', 'with the others');
is(call('r7', 'promote')->{status}, 200, 'it comes back');
is(get('Shop Setup 1.2.1.exe')->{body}, 'six', 'with its file');

# the other order

upload($t, $app, 'r8', \%both);
is(call('r8', 'stage')->{status}, 202, 'a third time');
is(call('r8', 'promote')->{status}, 200, 'it is released');
call('r8', 'withdraw');
is(get('Shop Setup 1.2.1.exe')->{body}, 'six', 'withdrawing the newer one');
is_deeply([wrong()], [], 'the store is sound');

# two wait at the same time

upload($t, $app, 's1', windows('this', '2.0.0'));
upload($t, $app, 's2', windows('that', '2.0.0'));
is(call('s1', 'stage')->{status}, 202, 'one is staged');
is(call('s2', 'stage')->{status}, 202, 'another one, with other bytes');
is(call('s1', 'promote')->{status}, 200, 'the first one is promoted');
refused(call('s2', 'promote'),
        qr/^409 "Shop Setup 2\.0\.0\.exe".*"s1"/,
        'the second one is refused, with the file and the release');
is(state('s2'), 'staged', 'and still waits');
is(get('Shop Setup 2.0.0.exe')->{body}, 'this', 'nothing has changed');

# a store from before there was a record

unlink "$dir/store/apps/$app/names" or die "no record: $!\n";
call('s1', 'withdraw');
upload($t, $app, 's3', windows('other', '2.0.0'));
refused(call('s3', 'stage'), qr/^409 "Shop Setup 2\.0\.0\.exe".*"s1"/,
        'what lies in live/ is known');
upload($t, $app, 's4', windows('new', '2.0.1'));
is(call('s4', 'stage')->{status}, 202, 'a new name');
is(call('s4', 'promote')->{status}, 200, 'is released');
like($t->read_file("store/apps/$app/names"),
     qr/^[0-9a-f]{64} s1 Shop Setup 2\.0\.0\.exe$/m, 'and the record is back');

# it is not begun while some of what lies there cannot be read for a moment

for my $case ([ EMFILE, 'release.json' ], [ ESTALE, 'release.json' ],
              [ EIO, 'release.json' ], [ EMFILE, 'files.json' ],
              [ EIO, 'files.json' ], [ EACCES, 'files.json' ])
{
    my ($error, $name) = @$case;
    my $id = "u$error-$name" =~ tr/./-/r;

    upload($t, $app, $id, windows('other', '2.0.0'));
    unlink "$dir/store/apps/$app/names";

    $fault->refuse($error, "/live/$app/s1/$name");
    like($t->said(call($id, 'stage')), qr/^50[03] /,
         "error $error of $name: nothing is staged");
    ok(!-e "$dir/store/apps/$app/names", 'and no record begun');
    is(call('s4', 'promote')->{status}, 200, 'what is live stays so');

    $fault->refuse(0);
    refused(call($id, 'stage'), qr/^409 "Shop Setup 2\.0\.0\.exe".*"s1"/,
            'then all names are known');
    remove($id);
}

# what is damaged for good is passed over

unlink "$dir/store/apps/$app/names";
rename "$dir/store/live/$app/s1/files.json", "$dir/table" or die "$!\n";
$t->write_file("store/live/$app/s1/files.json", '{');
upload($t, $app, 'v1', windows('v1', '3.0.0'));
is(call('v1', 'stage')->{status}, 202, 'a damaged table harms nobody');
is(call('v1', 'promote')->{status}, 200, 'nor a promotion');
rename "$dir/table", "$dir/store/live/$app/s1/files.json" or die "$!\n";
unlink "$dir/store/apps/$app/names";
upload($t, $app, 'v2', windows('v2', '3.0.1'));
is(call('v2', 'stage')->{status}, 202, 'repaired, and the record begun again');
is(call('v2', 'promote')->{status}, 200, 'it goes on');

# lines that are none harm nobody

$t->write_file("store/apps/$app/names", "\0\n\n" . 'x' x 5000 . "\n"
               . $t->read_file("store/apps/$app/names") . 'torn');
upload($t, $app, 's5', windows('other', '2.0.0'));
refused(call('s5', 'stage'), qr/^409 "Shop Setup 2\.0\.0\.exe"/,
        'a damaged record');
upload($t, $app, 's6', windows('newer', '3.0.2'));
is(call('s6', 'stage')->{status} . call('s6', 'promote')->{status}, 202200,
   'is continued');

# files of another app are nobody's business here

$t->api('POST', '/v1/apps',
        { name => 'Other', type => 'electron', id => 'other' });
upload($t, 'other', 'o1', windows('else', '2.0.0'));
is($t->api('POST', '/releases/other/o1/stage', {},
           token => 'publish')->{status}, 202, 'another app');

is_deeply([wrong()], [], 'the store is sound');


sub windows {
    my ($bytes, $version) = @_;

    $version //= '1.2.0';

    my %files = ("Shop Setup $version.exe" => $bytes);

    return {
        %files,
        "Shop Setup $version.exe.blockmap" => "map of $bytes",
        'latest.yml' => manifest($version, \%files),
    };
}

sub mac {
    my ($bytes, $version) = @_;

    my %files = ("Shop-$version-mac.zip" => $bytes);

    return { %files, 'latest-mac.yml' => manifest($version, \%files) };
}

sub release {
    my ($id, $files) = @_;

    upload($t, $app, $id, $files);

    is(call($id, 'stage')->{status}, 202, "$id is staged");
    is(call($id, 'promote')->{status}, 200, "$id is live");
}

sub call {
    my ($id, $verb) = @_;

    return $t->api('POST', "/releases/$app/$id/$verb", {},
                   token => $verb eq 'stage' ? 'publish' : 'approve');
}

sub remove {
    my ($id) = @_;

    return $t->api('DELETE', "/releases/$app/$id", undef, token => 'approve');
}

sub state {
    my ($id) = @_;

    return $t->api('GET', "/releases/$app/$id")->{json}{state};
}

sub refused {
    my ($reply, $re, $name) = @_;

    like($t->said($reply), $re, $name);
}

sub get {
    my ($name) = @_;

    return $t->api('GET', "/desktop/$app/" . $name =~ s/ /%20/gr, undef,
                   token => undef);
}

# nginx keeps a file open for a moment

sub gone {
    my ($name, $what) = @_;

    ok((wait_until { get($name)->{status} == 404 } 10), $what);
}

sub tag {
    return get($_[0])->{headers}{etag};
}

sub inode {
    return (stat "$dir/store/$_[0]")[1];
}

sub wrong {
    return Test::LiveUpdate::Store->new("$dir/store")->check();
}
