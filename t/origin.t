#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# The commit that a desktop release was built from: the call that stages the
# release says it, or electron-builder's manifests do, in "vendor".

use warnings;
use strict;

use Test::More;

use Test::LiveUpdate;
use Test::LiveUpdate::Release qw/ dist /;

my $t = Test::LiveUpdate->new()->plan(24);

$ENV{APPROVAL} = 'on';

$t->config_reference();
$t->run();

$t->api('POST', '/v1/apps', { id => 'shop', name => 'Shop',
                              type => 'electron' });

my $sha = 'dfd155b0d39d38a8945d3d89c3885a920d3f363e';

my %origin = (commit => $sha, commitMessage => "Fix a crash\n\nFixes #1.",
              branch => 'v1.0.0', remote => 'https://github.com/acme/app');

my $vendor = <<"EOC";
vendor:
  commit: $sha
  branch: "main"
  remote: git\@gitlab.com:acme/app.git
  pipeline: { id: 7, url: [ a ] }
EOC


# the call

staged('1.0.0', '', \%origin);
told('1.0.0', \%origin, 'the call');

staged('1.1.0', '', {});
told('1.1.0', {}, 'nobody');

staged('1.2.0', '', { commit => 'abc', commitMessage => 'x' x 5000,
                      branch => undef });
told('1.2.0', { commit => 'abc', commitMessage => 'x' x 4096 },
     'a long message');


# the manifest

staged('2.0.0', $vendor, {});
told('2.0.0', { commit => $sha, branch => 'main',
                remote => 'git@gitlab.com:acme/app.git' }, 'a manifest');

like($t->read_file('store/staging/shop/2.0.0/files/latest-build-2.0.0.yml'),
     qr/\Q$vendor\E\z/, 'which is kept as it is');

staged('2.1.0', $vendor, { commit => 'abc' });
told('2.1.0', { commit => 'abc' }, 'the call before the manifest');

staged('2.2.0', "vendor: [ commit ]\n", {});
told('2.2.0', {}, 'another kind of vendor');

staged('2.3.0', "vendor:\n  commit: { a: b }\n  branch: main\n", {});
told('2.3.0', { branch => 'main' }, 'another kind of commit');


# said while files are still coming

files('3.0.0', '');

is(stage('3.0.0', { %origin, expects => [ qw/ latest.yml beta.yml / ] })
   ->{json}{state}, 'uploading', 'not yet complete');
dist($t, 'shop', '3.0.0', { 'beta.yml' => [ '3.0.0', 'App-3.0.0.exe' ] });
is(stage('3.0.0', {})->{status}, 202, 'complete');
told('3.0.0', \%origin, 'what was said before');


# what is refused, and changes nothing

my $secret = 'https://ci-token:secret@gitlab.com/acme/app.git';

files('4.0.0', '');

refused('4.0.0', { commit => 7 }, '"commit" must be a string');
refused('4.0.0', { commit => 'x' x 129 }, '"commit" must be a string');
refused('4.0.0', { commitMessage => [] }, '"commitMessage" must be a string');
refused('4.0.0', { commit => $sha, remote => $secret },
        '"remote" has a password');

files('4.0.0', "vendor:\n  remote: $secret\n");
refused('4.0.0', {}, '"latest.yml" is invalid: "remote" has a password');

unlike($t->read_file('store/staging/shop/4.0.0/release.json'), qr/secret/,
       'which is not written down');


sub files {
    my ($id, $more) = @_;

    my $dir = dist($t, 'shop', $id, { 'latest.yml' => [ $id, "App-$id.exe" ] });

    $t->write_file("$dir/latest.yml", $t->read_file("$dir/latest.yml") . $more);
}


sub stage {
    my ($id, $body) = @_;

    return $t->api('POST', "/releases/shop/$id/stage", $body,
                   token => 'publish');
}


sub staged {
    my ($id, $more, $body) = @_;

    files($id, $more);

    my $reply = stage($id, $body);

    is($reply->{status}, 202, "$id is staged")
        or diag($reply->{json}{message});
}


sub told {
    my ($id, $expected, $name) = @_;

    my $json = $t->api('GET', "/releases/shop/$id")->{json};

    is_deeply({ map { exists $json->{$_} ? ($_ => $json->{$_}) : () }
                qw/ commit commitMessage branch remote / },
              $expected, $name);
}


sub refused {
    my ($id, $body, $message) = @_;

    my $reply = stage($id, $body);

    like("$reply->{status} $reply->{json}{message}", qr/^422 \Q$message\E/,
         $message);
}
