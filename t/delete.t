#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Desktop releases are deleted while others are at work with them: nothing is
# taken that somebody was promised, and no job goes on with the next release.

use warnings;
use strict;

use File::Path qw/ remove_tree /;
use POSIX ();
use Test::More;
use Time::HiRes qw/ sleep time /;

use Test::LiveUpdate;
use Test::LiveUpdate::Store;
use Test::LiveUpdate::ToDesktop;

use constant ROUNDS => 6;

my $t = Test::LiveUpdate->new()->plan(13);
my $td = Test::LiveUpdate::ToDesktop->new($t);
my $app = $td->{app};
my $origin = $td->{origin};

$td->configure(fetch => 'retry=50ms tries=6', timeout => '20s');
$t->run();

my $store = Test::LiveUpdate::Store->new($t->testdir() . '/store');

# what is on its way is decided about first

my $build = flying();

like($t->said(remove($build)), qr/^409 A job is at work .* reject it/,
     'it is not deleted');

# rejected, while a file of it comes: the job sees that in a moment, which may
# be this one

my $reply;

for (1 .. 5) {
    reject($build);
    $reply = remove($build);
    last if $reply->{status} == 409;

    $build = flying();
}

is($reply->{status}, 409, 'not while the job is at work');
like($reply->{json}{message}, qr/try again in a moment/, 'it is said');
ok((wait_until { remove($build)->{status} == 204 } 10),
   'in a moment it goes');
is(join(' ', $td->jobs()), '', 'with its job');
unlike($t->tree(), qr/\Q$build->{id}\E/, 'nothing of it is left');

# ToDesktop says it again: the old job has nothing to do with that

is($td->deliver($build)->{status}, 202, 'announced again');
$origin->script();
$td->becomes($build, 'live', 'it is fetched anew');
is(join("\n", $td->wrong_files($build)), '', 'all of it');

# announced again while it is deleted

my @lost;

for (1 .. ROUNDS) {
    my $next = build(more => 100);

    $td->deliver($next);
    $td->wait_state($next, 'live');
    withdraw($next);

    my $pid = fork() // die "cannot fork: $!\n";

    if ($pid == 0) {
        remove($next);
        POSIX::_exit(0);
    }

    my $until = time() + 10;
    my $said = 0;

    while ($said != 202 && time() < $until) {
        $said = $td->deliver($next)->{status};
    }

    waitpid $pid, 0;

    push @lost, "$next->{id}: $said" if $said != 202
        || !$td->wait_state($next, 'live');
}

is(join("\n", @lost), '', 'what was accepted meanwhile is not lost');

# what somebody lays beside a withdrawn one

my $put = "store/staging/$app/$build->{id}/uploads/latest.yml";

withdraw($build);
$t->write_file($put, 'version: 2.0.0');
is(remove($build)->{status}, 204, 'a withdrawn one is deleted');
is($t->read_file($put), 'version: 2.0.0', 'not what was put into staging');


remove_tree($t->testdir() . "/store/staging/$app/$build->{id}");
is(join("\n", $store->check(unfinished => 0)), '', 'the store is whole');


sub build {
    return $td->build(platforms => [ 'linux' ], size => 500, @_);
}


# A build of which a file is being fetched.

sub flying {
    my $build = build();

    $origin->script(qr/AppImage$/ => { hold => 1 });
    $td->deliver($build);

    wait_until { grep { $_->{path} =~ /\Q$build->{id}\E/ }
                 $origin->flying(qr/AppImage$/) } 10, 'a file';

    return $build;
}


sub decide {
    my ($build, $verb, $body) = @_;

    return $t->api('POST', "/releases/$app/$build->{id}/$verb", $body,
                   token => 'approve');
}


sub reject {
    return decide($_[0], 'reject', { reason => 'no' });
}


sub withdraw {
    return decide($_[0], 'withdraw', {});
}


sub remove {
    my ($build) = @_;

    return $t->api('DELETE', "/releases/$app/$build->{id}", undef,
                   token => 'approve');
}
