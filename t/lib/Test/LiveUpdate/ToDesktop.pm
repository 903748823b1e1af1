package Test::LiveUpdate::ToDesktop;

# Copyright (C) the nginx-liveupdate authors

# What ToDesktop does: makes builds, puts them on the download server, says so
# with a signed request.  And what became of them here.

use warnings;
use strict;

use Digest::SHA qw/ hmac_sha256_hex sha256_hex sha512_base64 /;
use File::Path qw/ make_path /;
use POSIX ();
use Test::More ();

use Test::LiveUpdate::HTTP qw/ json_decode json_encode uri_encode /;
use Test::LiveUpdate::Origin;

# artifact, arch, name, blockmap, in the yml
my %ARTIFACTS = (
    windows => [
        [ 'nsis', 'x64', '%s Setup %s - Build %s-x64.exe', 1, 1 ],
        [ 'nsis', 'arm64', '%s Setup %s - Build %s-arm64.exe', 1, 1 ],
        [ 'msi', 'x64', '%s %s - Build %s-x64.msi', 0, 0 ],
        [ 'nsis-web' ],
    ],
    mac => [
        [ 'zip', 'universal', '%s %s - Build %s-universal-mac.zip', 1, 1 ],
        [ 'dmg', 'universal', '%s %s - Build %s-universal.dmg', 1, 1 ],
        [ 'installer', 'universal', '%s Mac Installer %s - Build %s.zip', 0,
          0 ],
        [ 'mas', 'universal' ],
    ],
    linux => [
        [ 'appImage', 'x64', '%s-%s-build-%s-x86_64.AppImage', 0, 1 ],
        [ 'deb', 'x64', '%s_%s-build-%s_amd64.deb', 0, 0 ],
        [ 'rpm', 'x64', '%s-%s-build-%s.x86_64.rpm', 0, 0 ],
        [ 'snap' ],
    ],
);

my %SUFFIX = (windows => '', mac => '-mac', linux => '-linux');


sub new {
    my ($class, $t, %opt) = @_;

    my $self = bless {
        t => $t,
        app => '240808w4a9kky77',
        secret => 'whsec_' . 'k' x 40,
        serial => 0,
        builds => {},
        %opt,
    }, $class;

    $self->{origin} //= Test::LiveUpdate::Origin->new($t);
    $self->secret_file('secret.todesktop', "$self->{secret}\n");

    return $self;
}


sub secret_file {
    my ($self, $name, $text) = @_;

    $self->{t}->write_file($name, $text);
    chmod 0600, $self->{t}->testdir() . "/$name";

    return $self;
}


# The reference configuration, with this origin and shorter times.  fetch:
# parameters of liveupdate_fetch; timeout: how long the origin may be silent;
# approval; locations: more of them; change: a function as for
# config_reference().

sub configure {
    my ($self, %opt) = @_;

    my $t = $self->{t};
    my $origin = $self->{origin}->url();
    my $fetch = $opt{fetch} // 'retry=50ms tries=6';
    my $timeout = $opt{timeout} // '1s';
    my $approval = $opt{approval} // 'off';

    $t->config_reference(sub {
        my ($name) = @_;

        if ($name eq 'liveupdate.conf') {
            s{^[ ]*proxy_(?:connect|read|send)_timeout[ ][^;]*;.*\n}{}mg;
            s{^([ ]*)(proxy_pass[ ].*\n)}
             {$1$2$1proxy_connect_timeout  1s;
$1proxy_read_timeout  $timeout;\n}m or die "nothing is fetched\n";
            s{^([ ]*set[ ]+\$liveupdate_origin[ ]+)[^;]*;}{$1$origin;}m
                or die "there is no origin\n";
            s{^[ ]*liveupdate_fetch[ ][^;]*;}
             {liveupdate_fetch  /fetch/  $fetch;}m;
            s{^[ ]*liveupdate_approval[ ].*\n}{}mg;

            $_ .= "\nliveupdate_approval  $approval;\n"
                  . ($opt{locations} // '');
        }

        $opt{change}->($name) if $opt{change};
    });

    # there was none before, or this is another one
    $self->secret_file('secret.todesktop', "$self->{secret}\n");

    return $self;
}


# -- builds ------------------------------------------------------------------

# Puts a build on the origin.  Options: app, id, version, name (bytes, in the
# names of the files), platforms, size (of an artifact, about), more (so many
# artifacts more for each platform), td and yml (functions that change the
# list or $_, the text of the manifest, called with the platform).
#
# {id, app, version, platforms, paths, files => { name => {size, sha256} }}:
# what is to be staged, and the paths that have to be asked for.

sub build {
    my ($self, %opt) = @_;

    my $serial = ++$self->{serial};

    my $build = {
        app => $self->{app},
        id => sprintf('2611%02d%07d', $serial % 100, $serial),
        version => "1.$serial.0",
        name => 'My App',
        platforms => [qw/ windows mac linux /],
        size => 30_000,
        more => 0,
        %opt,
        files => {},
        paths => [],
        missing => [],
    };

    $build->{dir} = "$self->{origin}{dir}/$build->{app}";
    make_path($build->{dir});

    $self->platform($build, $_) for @{$build->{platforms}};

    $build->{paths} = [ sort map { path_of($build, $_) }
                        keys %{$build->{files}}, @{$build->{missing}},
                        map { my $suffix = $SUFFIX{$_};
                              ("td-latest$suffix-build-$build->{id}.json",
                               "latest$suffix-build-$build->{id}.yml")
                        } grep { my $platform = $_;
                              !grep { $_ eq $platform } @{$build->{platforms}}
                        } sort keys %SUFFIX ];

    return $self->{builds}{$build->{id}} = $build;
}


sub path_of {
    my ($build, $name) = @_;

    return "/$build->{app}/$name";
}


sub platform {
    my ($self, $build, $platform) = @_;

    my @artifacts = @{$ARTIFACTS{$platform}};

    push @artifacts, map {
        [ "more$_", 'x64', "%s %s - Build %s $platform $_.bin", 0, 0 ]
    } 1 .. $build->{more};

    my (%td, @listed);

    for my $artifact (@artifacts) {
        my ($kind, $arch, $format, $blockmap, $in_yml) = @$artifact;

        if (!defined $format) {
            $td{$kind} = defined $arch ? { $arch => undef } : undef;
            next;
        }

        my $name = sprintf $format, @$build{qw/ name version id /};
        my $file = $self->put($build, $name, $build->{size});

        $td{$kind}{$arch} = $self->td_entry($build, $name, $kind, $file);
        push @listed, [ $name, $file ] if $in_yml;

        if ($blockmap) {
            $self->put($build, "$name.blockmap", 500);

        } elsif ($kind ne 'installer') {
            push @{$build->{missing}}, "$name.blockmap";
        }
    }

    my $suffix = $SUFFIX{$platform};
    my $list = {
        version => $build->{version},
        createdAt => '2026-11-01T10:02:00.000Z',
        artifacts => \%td,
    };

    $build->{td}->($platform, $list) if $build->{td};

    $self->put($build, "td-latest$suffix-build-$build->{id}.json",
               ref $list ? json_encode($list) : $list);

    local $_ = $self->yml($build, $platform, @listed);

    $build->{yml}->($platform) if $build->{yml};

    $self->put($build, "latest$suffix-build-$build->{id}.yml", $_);
}


# What the list says beside the URL is different: both, one, nothing.  The URL
# leads to where nobody may go.

sub td_entry {
    my ($self, $build, $name, $kind, $file) = @_;

    utf8::decode(my $path = $name);

    my %entry = (
        path => $path,
        url => $self->{origin}->other_url() . "/$build->{app}/"
               . uri_encode($name),
    );

    $entry{sha256} = $file->{sha256} if $kind =~ /^(?:msi|installer)$/;
    $entry{size} = $file->{size} if $kind =~ /^(?:msi|deb)$/;

    return \%entry;
}


# URLs of each kind: plain, encoded, absolute.

sub yml {
    my ($self, $build, $platform, @listed) = @_;

    my $yml = "version: $build->{version}\nfiles:\n";

    for my $item (@listed) {
        my ($name, $file) = @$item;
        my $url = $name;

        $url = uri_encode($name)
            if $platform eq 'mac' || $name =~ /[%#?]/;
        $url = $self->{origin}->other_url() . '/x/' . uri_encode($name)
            if $platform eq 'linux';

        $yml .= '  - url: ' . quoted($url) . "\n"
                . "    sha512: $file->{sha512}\n";
        $yml .= "    size: $file->{size}\n" unless $platform eq 'linux';
        $yml .= "    blockMapSize: 500\n" if $platform eq 'linux';
    }

    my ($name, $file) = @{$listed[0]};

    $name = uri_encode($name) if $name =~ /[%#?]/;

    return $yml . 'path: ' . quoted($name) . "\nsha512: $file->{sha512}\n"
           . "releaseDate: '2026-11-01T10:02:00.000Z'\n";
}


sub quoted {
    my ($text) = @_;

    return $text if $text =~ /^[A-Za-z][\w ().-]*$/;

    return "'" . $text =~ s/'/''/gr . "'";
}


# A file of so many bytes, about, or of these; it is one of the build's.

sub put {
    my ($self, $build, $name, $bytes) = @_;

    $bytes = bytes_of($name, $bytes) if $bytes =~ /^\d+$/;

    open my $fh, '>:raw', "$build->{dir}/$name"
        or die "cannot write $name: $!\n";
    print {$fh} $bytes;
    close $fh or die "cannot write $name: $!\n";

    # base64 of Digest::SHA has no padding
    return $build->{files}{$name} = {
        size => length $bytes,
        sha256 => sha256_hex($bytes),
        sha512 => sha512_base64($bytes) . '==',
    };
}


sub bytes_of {
    my ($name, $size) = @_;

    my $seed = sha256_hex($name);
    my $block = join '', map { pack 'H*', sha256_hex("$seed $_") } 1 .. 128;

    return substr $block x (1 + $size / 4096), 0,
                  $size + (hex(substr $seed, 0, 2));
}


# -- the webhook -------------------------------------------------------------

# The body for a build; fields take the place of those here, or come to them,
# undef is null.

sub body {
    my ($self, $build, %fields) = @_;

    return json_encode({
        appId => $build->{app},
        buildId => $build->{id},
        userId => 'user-1',
        buildStartedAt => '2026-11-01T10:00:25Z',
        buildEndedAt => '2026-11-01T10:15:06Z',
        appName => 'My App',
        appVersion => $build->{version},
        appNotarizaionBundleId => "com.todesktop.$build->{app}",
        electronVersionUsed => '33.3.2',
        electronVersionSpecified => '33.3.2',
        sourcePackageManager => 'npm',
        versionControlInfo => {
            repositoryRemoteUrl => 'https://github.com/acme/app.git',
            commitMessage => "Gr\x{fc}\x{df}e, \x{1f680}",
            branchName => 'master',
            hasUncommittedChanges => JSON::PP::true(),
            commitId => 'dfd155b0d39d38a8945d3d89c3885a920d3f363e',
            versionControlSystemName => 'git',
            commitDate => '2026-10-31T16:47:05.000Z',
        },
        releaseInfo => {
            latestReleaseBuildId => $build->{id},
            releaseRedirections => [],
        },
        %fields,
    });
}


# deliver($build or a body, secret => ..., signature => ..., path => ...,
#     fields => { ... }, and the options of api())

sub deliver {
    my ($self, $what, %opt) = @_;

    my $body = ref $what ? $self->body($what, %{delete $opt{fields} || {}})
                         : $what;
    my $signature = delete $opt{signature}
        // $self->sign($body, delete $opt{secret});

    return $self->{t}->api('POST', delete $opt{path} // '/hooks/todesktop',
        $body, token => undef, %opt,
        headers => [ @{$opt{headers} || []},
                     'X-ToDesktop-HMAC-SHA256' => $signature ]);
}


sub sign {
    my ($self, $body, $secret) = @_;

    return hmac_sha256_hex($body, $secret // $self->{secret});
}


# Delivers until the answer is no accident: for tests that kill.

sub deliver_somehow {
    my ($self, $build, $seconds) = @_;

    my $reply;

    Test::LiveUpdate::wait_quietly(sub {
        $reply = eval { $self->deliver($build, timeout => 5) };

        return $reply && $reply->{status} < 500;
    }, $seconds // 20);

    return $reply || { status => 0, raw => 'no reply', headers => {} };
}


# -- what became of it -------------------------------------------------------

# The release as the API tells it, or {state => ...} of an error.

sub release {
    my ($self, $build) = @_;

    my $reply = $self->{t}->api('GET',
        "/releases/$build->{app}/$build->{id}", undef, token => 'read');

    return $reply->{json} if $reply->{status} == 200;

    return { state => "status $reply->{status}" };
}


# The version that the feed of an app leads to, or "none".

sub latest {
    my ($self, $app, $platform) = @_;

    $app //= $self->{app};
    $platform //= 'linux';

    my $reply = $self->{t}->api('GET', "/desktop/$app/latest-$platform.yml",
                                undef, token => undef);

    return $reply->{body} =~ /^version: (\S+)/m ? $1 : 'none';
}


# Waits for a state, a string or a regular expression; what it is at last.  In a
# state that stays, nobody works at it any more.

sub wait_state {
    my ($self, $build, $state, $seconds) = @_;

    my $release = { state => 'unknown' };

    Test::LiveUpdate::wait_quietly(sub {
        $release = eval { $self->release($build) } || { state => "none: $@" };

        return ref $state ? $release->{state} =~ $state
                          : $release->{state} eq $state;
    }, $seconds // 20)
        or Test::More::diag("$build->{id} is not $state but "
                            . json_encode($release));

    Test::LiveUpdate::wait_quietly(sub { $self->over($build) }, 5)
        if $state =~ /^(?:staged|live|failed|rejected|withdrawn)$/;

    return $release;
}


# A release gets into its last state before the job and its claim go.

sub over {
    my ($self, $build) = @_;

    my $jobs = $self->{t}->testdir() . '/store/jobs';
    my $name = "$build->{app}.$build->{id}";

    return !-e "$jobs/$name" && !-e "$jobs/.claims/$name";
}


# Like is(): the release gets there, and then nobody works at it any more.

sub becomes {
    my ($self, $build, $state, $name, $seconds) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $release = $self->wait_state($build, $state, $seconds);

    $state .= ' and over' unless $self->over($build);

    Test::More::is($release->{state}, $state, $name);

    return $release;
}


# What is wrong with the files of a build that is staged or live: nothing, if
# all are there as they were made, and nothing else.

sub wrong_files {
    my ($self, $build) = @_;

    my $t = $self->{t};
    my ($place) = grep {
        -d $t->testdir() . "/store/$_/$build->{app}/$build->{id}/files"
    } qw/ live staging /;

    return "$build->{id} has no files" unless defined $place;

    my $folder = "store/$place/$build->{app}/$build->{id}";
    my $files = eval { json_decode($t->read_file("$folder/files.json")) }
        or return "$build->{id} has no files.json";

    my %have = map { utf8::encode(my $name = $_->{href}); $name => $_ }
        @$files;
    my %want = %{$build->{files}};
    my @wrong;

    push @wrong, "$_ is missing" for grep { !$have{$_} } sort keys %want;
    push @wrong, "$_ is too much" for grep { !$want{$_} } sort keys %have;

    for my $name (grep { $have{$_} } sort keys %want) {
        my $digest = sha256_hex($t->read_file("$folder/files/$name"));

        push @wrong, "$name has other bytes"
            if $digest ne $want{$name}{sha256}
               || $have{$name}{sha256} ne $digest
               || $have{$name}{size} != $want{$name}{size};
    }

    return @wrong;
}


# Ways in which the world sees something of a build.

sub visible {
    my ($self, $build) = @_;

    my $t = $self->{t};
    my ($app, $id) = @$build{qw/ app id /};
    my @found;

    my @names = sort keys %{$build->{files}};
    my @some = map { uri_encode($_) } @names[0, $#names / 2, -1];
    my @paths = map { "/desktop/$app/$_" } @some;

    push @paths, map { ("/artifacts/$app/$id/$_",
                        "/artifacts/$app/$id/files/$_") } $some[0];
    push @paths, map { "/download/$app/builds/$id/$_" }
        $build->{platforms}[0];

    for my $path (@paths) {
        my $reply = $t->api('GET', $path, undef, token => undef,
                            headers => [ 'User-Agent' => 'Windows' ]);

        push @found, "$path: $reply->{status}" if $reply->{status} != 404;
    }

    my $dir = $t->testdir() . '/store';
    my $json = $t->read_file("store/apps/$app/app.json");

    push @found, 'app.json names it' if $json =~ /\Q$id\E/;
    push @found, 'it is live' if -e "$dir/live/$app/$id";
    push @found, map { "feed has $_" } grep { -e "$dir/feed/$app/$_" } @names;

    return @found;
}


# The claims of jobs that are not over.

sub jobs {
    my ($self) = @_;

    opendir my $dh, $self->{t}->testdir() . '/store/jobs' or return;

    return grep { !/^\./ } sort readdir $dh;
}


# Like is(): all jobs are over.  What a job does can be seen before its claim
# goes.

sub idle {
    my ($self, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    Test::LiveUpdate::wait_quietly(sub { !$self->jobs() }, 10);
    Test::More::is(join(' ', $self->jobs()), '', $name);
}


# Names of files that were verified already.

sub verified {
    my ($self, $build) = @_;

    my $dir = $self->{t}->testdir()
              . "/store/staging/$build->{app}/$build->{id}/uploads";

    opendir my $dh, $dir or return wantarray ? () : 0;

    return grep { !/^\./ } sort readdir $dh;
}


1;
