package Test::LiveUpdate::Store;

# Copyright (C) the nginx-liveupdate authors

# Looks into a store, as anybody could, and tells what is wrong in there.  An
# app is looked at while its lock is held, so that nginx may go on publishing
# meanwhile.

use warnings;
use strict;

use Digest::SHA qw/ sha256_hex /;
use Errno;
use Fcntl qw/ F_WRLCK O_RDWR SEEK_SET /;
use File::Find ();
use IO::Uncompress::Gunzip qw/ gunzip /;
use Time::HiRes ();

use base qw/ Test::LiveUpdate::Feed /;

use Test::LiveUpdate::HTTP qw/ json_decode /;

use constant F_OFD_SETLK => 37;
use constant F_OFD_SETLKW => 38;
use constant MANIFEST => 'capawesome-live-update-manifest.json';

my $ID = qr/[A-Za-z0-9_-]{1,64}/;
my $RELEASE = qr/[A-Za-z0-9][A-Za-z0-9._+-]{0,63}/;
my $UUID = qr/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/;
my $TIME = qr/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/;

my @LIMITS = map { ("${_}AndroidAppVersionCode", "${_}IosAppVersionCode") }
    qw/ min max eq /;


# What a file table said of a release is remembered: it must never change.

sub new {
    my ($class, $dir) = @_;

    return bless { dir => $dir, seen => {}, whole => {}, wrong => [] }, $class;
}


# check():  what is wrong, in sentences; nothing if all is well.  With app =>
# id only that app is looked at, with unfinished => 0 there must be nothing
# that only another call would finish: no leftovers of deleted apps.  With
# late => 1 a machine that had lost its turn may have written an audit entry,
# of a change that was not made, after those of others.

sub check {
    my ($self, %opt) = @_;

    $self->{wrong} = [];
    $self->{owners} = {};
    $self->{unfinished} = $opt{unfinished} // 1;
    $self->{late} = $opt{late};

    if (defined $opt{app}) {
        $self->check_app($opt{app});
        return @{$self->{wrong}};
    }

    my %known = map { $_ => 1 }
        qw/ apps audit.log feed github.json jobs live notify organizations.json
            staging tmp /;

    $self->wrong("\"$_\" has no place in a store")
        for grep { !$known{$_} } $self->names('');

    if (-e "$self->{dir}/organizations.json") {
        my $json = $self->json('organizations.json');

        $self->wrong('organizations.json is no array')
            if ref $json ne 'ARRAY';
    }

    $self->check_lines('', 'audit.log');

    $self->wrong("jobs/$_ is the claim of no release")
        for grep { !/^$ID\.$RELEASE$/ } $self->names('jobs');

    my %apps = map { $_ => 1 }
        map { $self->names($_) } qw/ apps live staging /;

    for my $app (sort keys %apps) {
        $self->check_app($app);

        $self->wrong("app $app is gone, but not all of it")
            if defined $opt{unfinished} && !$opt{unfinished}
               && !-e "$self->{dir}/apps/$app/app.json";
    }

    return @{$self->{wrong}};
}


# What is in tmp/, bodies of requests as well, but for the folders and locks of
# machines.

sub temporary {
    my ($self) = @_;

    my @found;

    File::Find::find({ no_chdir => 1, wanted => sub {
        push @found, substr($_, 1 + length $self->{dir})
            unless m{/tmp$} || -e "$_/.lock"
                   || m{/tmp/[^/]+/(?:\.lock|body|fetch)$};
    } }, "$self->{dir}/tmp");

    return sort @found;
}


sub apps {
    my ($self) = @_;

    return grep { -e "$self->{dir}/apps/$_/app.json" } $self->names('apps');
}


# The decoded app.json; undef if there is none.

sub app {
    my ($self, $app) = @_;

    my $text = $self->text("apps/$app/app.json");

    return defined $text ? json_decode($text) : undef;
}


# The release.json of what is live, or is being uploaded.

sub release {
    my ($self, $app, $id, $place) = @_;

    my $text = $self->text(($place // 'live') . "/$app/$id/release.json");

    return defined $text ? json_decode($text) : undef;
}


# All deployments of an app, with the name of their channel.

sub deployments {
    my ($self, $app) = @_;

    my $json = $self->app($app) // return;

    return map {
        my $channel = $_;

        map { { %$_, channel => $channel->{name} } } @{$channel->{deployments}}

    } @{$json->{channels}};
}


sub audit {
    my ($self, $app) = @_;

    return grep { $_ } map { scalar eval { json_decode($_) } }
        split /\n/, $self->text("apps/$app/audit.log") // '';
}


# -- apps --------------------------------------------------------------------

sub check_app {
    my ($self, $app) = @_;

    $self->wrong("\"$app\" is no id of an app") unless $app =~ /^$ID$/;

    my $lock = $self->lock("apps/$app/lock");
    my $json;

    if (-e "$self->{dir}/apps/$app/app.json") {
        $json = $self->json("apps/$app/app.json");
        $self->check_app_json($app, $json) if $json;
        $self->check_audit($app, $json) if $json;
    }

    $self->check_feed($app, $json) if $json;

    my %numbers;

    for my $place (qw/ live staging /) {
        for my $id ($self->names("$place/$app")) {
            my $release = $place eq 'live' ? $self->check_live($app, $id)
                                           : $self->check_staging($app, $id);

            $self->check_number($app, $json, $release, \%numbers)
                if $json && $release;
        }
    }

    close $lock if $lock;
}


sub check_app_json {
    my ($self, $app, $json) = @_;

    my $where = "app $app:";

    $self->wrong("$where it says to be \"$json->{id}\"") if $json->{id} ne $app;

    $self->wrong("$where no $_") for grep { !is_count($json->{$_}) }
        qw/ generation nextBuildNumber /;

    $self->wrong("$where no $_") for grep { !is_text($json->{$_}) }
        qw/ name type organizationId createdAt updatedAt /;

    my (%ids, %names, %deployments);

    for my $channel (@{$json->{channels}}) {

        $self->wrong("$where channel \"$channel->{name}\" is there twice")
            if $names{$channel->{name}}++ || $ids{$channel->{id}}++;

        $self->check_channel($app, $channel);

        for my $deployment (@{$channel->{deployments}}) {
            my $id = $deployment->{id};

            $self->wrong("$where deployment $id is there twice")
                if $deployments{$id}++;

            $self->check_deployment($app, $deployment);
        }
    }

    my $default = $json->{appChannelId};

    $self->wrong("$where the default channel is none")
        if defined $default && !$ids{$default};

    for my $device (sort keys %{$json->{forcedDevices}}) {
        $self->wrong("$where \"$device\" is forced to no channel")
            unless $ids{$json->{forcedDevices}{$device}};
    }
}


sub check_channel {
    my ($self, $app, $channel) = @_;

    my $where = "app $app, channel \"$channel->{name}\":";

    $self->wrong("$where the id is no UUID") if $channel->{id} !~ /^$UUID$/;

    for my $member (qw/ createdAt updatedAt pausedAt protectedAt expiresAt /) {
        my $time = $channel->{$member};

        $self->wrong("$where $member is no time")
            unless defined $time ? $time =~ /^$TIME$/ : $member !~ /^[cu]/;
    }

    $self->wrong("$where there are no deployments")
        if ref $channel->{deployments} ne 'ARRAY';
}


sub check_deployment {
    my ($self, $app, $deployment) = @_;

    my $where = "app $app, deployment $deployment->{id}:";
    my $rollout = $deployment->{rollout};

    $self->wrong("$where the id is no UUID")
        if $deployment->{id} !~ /^$UUID$/;

    $self->wrong("$where the rollout is no number from 0 to 1")
        unless is_number($rollout) && $rollout >= 0 && $rollout <= 1;

    $self->wrong("$where no $_") for grep { !is_text($deployment->{$_}) }
        qw/ createdAt createdBy updatedAt /;

    $self->wrong("$where release $deployment->{release} is not live")
        unless -e "$self->{dir}/live/$app/$deployment->{release}/release.json";
}


# Each change has a line.  A line that nothing came of may have been written
# again by the change that was.

sub check_audit {
    my ($self, $app, $json) = @_;

    my $where = "app $app, audit.log:";
    my %have;
    my $last = 0;

    for my $entry ($self->check_lines("app $app, ", "apps/$app/audit.log")) {
        my $generation = $entry->{generation};

        next if $self->{late} && $generation < $last && $have{$generation};

        $self->wrong("$where generation $generation comes after $last")
            if $generation < $last || $generation > $last + 1;

        $have{$last = $generation} = 1;
    }

    $self->wrong("$where says nothing of generation $_")
        for grep { !$have{$_} } 0 .. $json->{generation};

    $self->wrong("$where is ahead of generation $json->{generation}")
        if $last > $json->{generation} + 1;
}


# The lines of a log, decoded.  A crash may have cut one short; the next one
# begins behind it.

sub check_lines {
    my ($self, $prefix, $name) = @_;

    my $where = "${prefix}audit.log:";
    my $text = ($self->text($name) // '') =~ s/[^\n]*\z//r;
    my @entries;

    for my $line (split /\n/, $text) {
        my $entry = eval { json_decode($line) };

        if (!$entry) {
            $self->wrong("$where no JSON: $line")
                unless $line =~ /^\{/ && $line !~ /\}$/;
            next;
        }

        $self->wrong("$where something is missing: $line")
            if !is_count($entry->{generation})
               || grep { !is_text($entry->{$_}) } qw/ at by change subject /;

        push @entries, $entry;
    }

    return @entries;
}


sub check_number {
    my ($self, $app, $json, $release, $numbers) = @_;

    my ($id, $number) = @$release{qw/ id number /};

    return if ($release->{kind} // '') eq 'desktop';

    if (!is_count($number)) {
        $self->wrong("app $app: $id has no number");
        return;
    }

    $self->wrong("app $app: $id and $numbers->{$number} have number $number")
        if $numbers->{$number};

    $self->wrong("app $app: number $number of $id will be given away again")
        if $number >= ($json->{nextBuildNumber} // 0);

    $numbers->{$number} = $id;
}


# -- releases ----------------------------------------------------------------

# Whoever has named it or not: it is all there, and nothing else.

sub check_live {
    my ($self, $app, $id) = @_;

    my $where = "live/$app/$id";
    my $release = $self->check_release($app, $id, $where) or return;

    # reading it all again takes its time; whoever touches it changes this
    my $wrong = @{$self->{wrong}};
    my $is = join "\n", map {
        join ' ', (Time::HiRes::stat("$self->{dir}/$where/$_"))[1, 3, 7, 9, 10]
    } '', sort $self->tree($where);

    return $release if ($self->{whole}{$where} // '') eq $is;

    $self->wrong("$where: the state is \"$release->{state}\"")
        if $release->{state} ne 'staged';

    # a crash may have left the lock when it went there
    $self->check_complete($where, $release, 'lock');
    $self->{whole}{$where} = $is if @{$self->{wrong}} == $wrong;

    return $release;
}


# What is here must be such that the publisher's next call can go on.

sub check_staging {
    my ($self, $app, $id) = @_;

    my $where = "staging/$app/$id";

    # a crash came before anybody was told of the build
    return if $self->{unfinished} && !-e "$self->{dir}/$where/release.json"
              && !grep { $_ ne 'lock' } $self->names($where);

    # who has it may be waiting for the app's lock
    my $lock = $self->lock("$where/lock", F_OFD_SETLK);

    my $release = $self->check_release($app, $id, $where) or return;

    if ($release->{state} eq 'staged') {
        $self->check_complete($where, $release, qw/ fetch lock uploads /);

    } elsif ($release->{kind} eq 'desktop') {
        $self->check_fetched($where, $release);

    } elsif ($release->{state} eq 'rejected') {
        $self->wrong("$where: no reason for being rejected")
            unless is_text($release->{reason});

    } elsif ($release->{state} =~ /^(?:uploading|failed)$/) {
        $self->wrong("$where: nobody can lock it")
            unless -e "$self->{dir}/$where/lock";

        $self->check_uploads("$where/uploads") if $lock;

        $self->wrong("$where: no reason for the failure")
            if $release->{state} eq 'failed' && !is_text($release->{reason});

    } else {
        $self->wrong("$where: the state is \"$release->{state}\"");
    }

    close $lock if $lock;

    return $release;
}


sub check_release {
    my ($self, $app, $id, $where) = @_;

    my $release = $self->json("$where/release.json") or return;
    my $desktop = ($release->{kind} // '') eq 'desktop';

    $self->wrong("$where: \"$id\" is no UUID")
        if !$desktop && $id !~ /^$UUID$/;

    # ids of builds are only unique in their app
    my $owner = \$self->{owners}{$desktop ? "$app/$id" : $id};

    $self->wrong("$where: the id is also in use in $$owner") if $$owner;

    $$owner = $where;

    $self->wrong("$where: it says to be $release->{app}/$release->{id}")
        if $release->{id} ne $id || $release->{app} ne $app;

    $self->wrong("$where: no $_") for grep { !is_text($release->{$_}) }
        qw/ kind state createdAt createdBy updatedAt /;

    $self->wrong("$where: $_ is no version")
        for grep { defined $release->{$_} && !is_text($release->{$_}) }
            @LIMITS;

    $self->wrong("$where: one of channel and deployment is missing")
        if defined $release->{channel} xor defined $release->{deployment};

    return $release;
}


sub check_complete {
    my ($self, $where, $release, @more) = @_;

    my %left = map { $_ => 1 } $self->tree($where);

    # a crash may have left them there
    delete @left{grep { m{^\.(?:turn/|look$)} } keys %left};

    delete $left{'release.json'};
    delete @left{grep { my $name = $_; grep { $name =~ m{^$_(?:/|$)} } @more }
                 keys %left};

    if (defined $release->{url}) {
        $self->wrong("$where: $_ of a registered bundle")
            for sort keys %left;

        return;
    }

    delete @left{qw{ files.json files.index files/ }};

    my $table = $self->json("$where/files.json") or return;

    $self->check_index($where, $table);

    my @files = map { { %$_, href => bytes($_->{href}) } } @$table;
    my $size = 0;

    for my $file (@files) {
        my $href = $file->{href};
        my $text = $self->text("$where/files/$href");

        delete @left{parents("files/$href")};

        if (!defined $text) {
            $self->wrong("$where: \"$href\" is missing");
            next;
        }

        $size += length $text;

        $self->wrong("$where: \"$href\" is not what files.json says")
            if $file->{size} != length $text
               || $file->{sha256} ne sha256_hex($text);

        next unless $file->{gzip};

        delete @left{parents("gzip/$href.gz")};

        my $gzip = $self->text("$where/gzip/$href.gz");
        my ($plain, $rest);

        $self->wrong("$where: the twin of \"$href\" is not the same")
            unless defined $gzip
                   && gunzip(\$gzip, \$plain, TrailingData => \$rest)
                   && $plain eq $text && ($rest // '') eq '';
    }

    $self->wrong("$where: \"$_\" is too much") for sort keys %left;

    my @hrefs = map { $_->{href} } @files;

    $self->wrong("$where: the table is not sorted, or has names twice")
        if grep { $hrefs[$_ - 1] ge $hrefs[$_] } 1 .. $#hrefs;

    $self->wrong("$where: $size bytes instead of "
                 . ($release->{size} // "none"))
        if $size != ($release->{size} // -1);

    $self->check_kind($where, $release, @files);
    $self->check_same($where, @files);
}


# A release of an older version has none.

sub check_index {
    my ($self, $where, $table) = @_;

    my $text = $self->text("$where/files.json");
    my ($head, $size, @pages) = split /\n/,
        $self->text("$where/files.index") // return;

    my $lines = join '', map { "$_\n" } $size, @pages;
    my %hrefs = map { bytes($_->{href}) => 1 } @$table;

    $self->wrong("$where: files.index has another digest")
        if $head ne 'files.index-1 ' . sha256_hex($lines);

    $self->wrong("$where: files.index is that of another files.json")
        if $size ne length($text) . ' ' . rindex($text, ']');

    for my $page (@pages) {
        my ($offset, $href) = $page =~ /^(\d+) (.+)$/;

        $self->wrong("$where: files.index: \"$page\" is no page")
            if !defined $href || !delete $hrefs{$href}
               || substr($text, $offset)
                  !~ /\A[\[,]\s*\{\s*"href":\s*"\Q${\ quoted($href)}\E"/;
    }
}


sub quoted {
    my ($href) = @_;

    return $href =~ s/"/\\"/gr;
}


sub check_kind {
    my ($self, $where, $release, @files) = @_;

    my %files = map { $_->{href} => $_ } @files;

    if ($release->{kind} eq 'desktop') {
        $self->wrong("$where: there is no manifest")
            unless grep { /^\w.*-build-.*\.yml$/ } keys %files;

        $self->wrong("$where: no version") unless is_text($release->{version});

        return;
    }

    if ($release->{kind} eq 'zip') {
        my $zip = delete $files{'bundle.zip'};

        $self->wrong("$where: a zip is one bundle.zip")
            if !$zip || keys %files;

        $self->wrong("$where: the checksum is not that of the zip")
            if ($release->{checksum} // '') ne ($zip->{sha256} // '');

        $self->wrong("$where: the signature is not that of the zip")
            if ($release->{signature} // '') ne ($zip->{signature} // '');

        return;
    }

    $self->wrong("$where: the kind is \"$release->{kind}\"")
        if $release->{kind} ne 'manifest';

    my $items = $self->json("$where/files/" . MANIFEST) or return;

    for my $item (@$items) {
        my $file = $files{bytes($item->{href})};

        $self->wrong("$where: \"$item->{href}\" is not as in the manifest")
            if !$file || $file->{sha256} ne $item->{checksum}
               || $file->{size} != $item->{sizeInBytes};
    }
}


# The bytes behind a URL never change, whichever table says so.

sub check_same {
    my ($self, $where, @files) = @_;

    my ($release) = $where =~ m{^[^/]+/(.*)};
    my $now = join "\n", map { "$_->{href} $_->{sha256}" } @files;
    my $before = $self->{seen}{$release} //= $now;

    $self->wrong("$where: it was another before") if $now ne $before;
}


sub check_uploads {
    my ($self, $where) = @_;

    $self->wrong("$where: it is missing") unless -d "$self->{dir}/$where";

    for my $name ($self->names($where)) {

        if ($name =~ /^$UUID\.json$/) {
            my $file = $self->json("$where/$name") or next;

            $self->wrong("$where/$name: something is missing")
                if grep { !defined $file->{$_} } qw/ href size sha256 /;

            next;
        }

        $self->wrong("$where/$name: it has no place there")
            unless $name =~ /^$UUID\.(?:data|$UUID(?:\.\d+)?)$/;
    }
}


# -- files -------------------------------------------------------------------

sub wrong {
    my ($self, $what) = @_;

    push @{$self->{wrong}}, $what;
}


sub names {
    my ($self, $name) = @_;

    opendir my $dh, "$self->{dir}/$name" or return;

    return grep { !/^\./ } sort readdir $dh;
}


# Names below a folder; those of folders end in "/".

sub tree {
    my ($self, $name) = @_;

    my $dir = "$self->{dir}/$name";
    my @names;

    # what is on its way may go while we look
    no warnings 'File::Find';

    return unless -d $dir;

    File::Find::find({ no_chdir => 1, wanted => sub {
        return if $_ eq $dir;

        push @names, substr($_, 1 + length $dir) . (-d && !-l ? '/' : '');
    } }, $dir);

    return @names;
}


# "a/", "a/b/" and "a/b/c"

sub parents {
    my ($name) = @_;

    my @names = ($name);

    while ($name =~ s{[^/]+/?$}{} && $name ne '') {
        push @names, $name;
    }

    return @names;
}


sub text {
    my ($self, $name) = @_;

    open my $fh, '<:raw', "$self->{dir}/$name" or return;
    local $/;

    return <$fh> // '';
}


sub json {
    my ($self, $name) = @_;

    my $text = $self->text($name);

    if (!defined $text) {
        $self->wrong("$name: it is missing");
        return;
    }

    my $json = eval { json_decode($text) };

    $self->wrong("$name: it is no JSON") unless ref $json;

    return ref $json ? $json : undef;
}


# As a writer does: struct flock of Linux.  Nothing if there is no lock file,
# or if it is not worth to wait for it.

sub lock {
    my ($self, $name, $how) = @_;

    my $path = "$self->{dir}/$name";

    while (sysopen my $fh, $path, O_RDWR) {
        my $flock = pack 's s x4 q q l x4', F_WRLCK, SEEK_SET, 0, 0, 0;

        if (!fcntl($fh, $how // F_OFD_SETLKW, $flock)) {
            return if $how && $!{EAGAIN};
            die "cannot lock $path: $!\n";
        }

        my @held = stat $fh;
        my @named = stat $path;

        return $fh if @named && "@held[0, 1]" eq "@named[0, 1]";
    }

    return;
}


sub bytes {
    my ($text) = @_;

    utf8::encode($text);

    return $text;
}


sub is_text {
    my ($value) = @_;

    return defined $value && !ref $value && $value ne '';
}


sub is_number {
    my ($value) = @_;

    return defined $value && !ref $value
           && $value =~ /^-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?$/;
}


sub is_count {
    my ($value) = @_;

    return is_number($value) && $value =~ /^\d+$/;
}


1;
