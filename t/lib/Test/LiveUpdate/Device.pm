package Test::LiveUpdate::Device;

# Copyright (C) the nginx-liveupdate authors

# A device with an app that has the Capawesome Live Update plugin: asks and
# downloads as the plugin does on Android or iOS, or as the SDK for Electron,
# and is as strict.  Bundles are kept in a folder, so that the next sync() is a
# delta.

use warnings;
use strict;

use B ();
use Digest::SHA qw/ sha256_hex /;
use File::Copy qw/ copy /;
use File::Find ();
use File::Path qw/ make_path remove_tree /;
use IO::Uncompress::Gunzip qw/ gunzip $GunzipError /;
use IO::Select;
use IO::Uncompress::Unzip qw/ $UnzipError /;
use List::Util qw/ first shuffle /;
use MIME::Base64 qw/ decode_base64 /;

use Test::LiveUpdate::HTTP qw/
    connect_to is_complete json_decode parse_reply
/;

use constant MANIFEST => 'capawesome-live-update-manifest.json';

use constant TIMEOUT => 20;

# "parallel" is how many files are fetched at the same time: what OkHttp is
# set to, what URLSession allows over HTTP/1.1, and the SDK's own number.

my %PLATFORM = (
    android => {
        number => 0,
        os_version => '34',
        accept_encoding => 'br, gzip',
        headers => ['User-Agent' => 'okhttp/5.3.2'],
        parallel => 30,
    },

    ios => {
        number => 1,
        os_version => '17.6',
        accept_encoding => 'br;q=1.0, gzip;q=0.9, deflate;q=0.8',
        headers => [
            Accept => '*/*',
            'Accept-Language' => 'en;q=1.0',
            'User-Agent' => 'App/1.0 (com.example.app; build:1; iOS 17.6)'
                            . ' Alamofire/5.9.1',
        ],
        parallel => 6,
    },

    electron => {
        number => 2,
        os_version => '6.8.0',
        accept_encoding => 'gzip, deflate',
        headers => [
            Accept => '*/*',
            'Accept-Language' => '*',
            'Sec-Fetch-Mode' => 'cors',
            'User-Agent' => 'node',
        ],
        parallel => 5,
    },
);


# new(server => 'http://127.0.0.1:8080', app => id, dir => folder,
#     platform => 'android', 'ios' or 'electron', id => device id,
#     public_key => file, version_code, version_name, os_version, channel,
#     custom_id, plugin_version, accept_encoding (undef: takes no compression),
#     parallel)

sub new {
    my ($class, %opt) = @_;

    my $platform = $PLATFORM{$opt{platform} // 'android'}
        or die "no platform \"$opt{platform}\"\n";

    my $self = bless {
        platform => 'android',
        id => '0b3c8e1e-5b1a-4f0e-9a51-2f0e4d9b8a10',
        version_code => '1',
        version_name => '1.0',
        os_version => $platform->{os_version},
        plugin_version => '8.4.1',
        accept_encoding => $platform->{accept_encoding},
        parallel => $platform->{parallel},
        current => undef,
        next => undef,
        %opt,
    }, $class;

    make_path("$self->{dir}/bundles");

    # what ran when the app was last closed
    if (open my $fh, '<', "$self->{dir}/current") {
        chomp($self->{current} = <$fh>);
    }

    return $self;
}


# What the server has for this device: the decoded answer, or undef, with the
# reason in $device->{reason}.  Dies where the plugin rejects.

sub latest {
    my ($self, %params) = @_;

    my $url = "$self->{server}/v1/apps/$self->{app}/bundles/latest?"
              . $self->query(%params);

    my $reply = $self->get($url);

    $self->{reply} = $reply;
    $self->{reason} = undef;

    if ($reply->{status} !~ /^2/) {
        return $self->none("status $reply->{status}: $reply->{body}");
    }

    my $answer = eval { json_decode($reply->{body}) };

    return $self->{platform} eq 'ios' ? $self->decode_strictly($answer)
           : $self->{platform} eq 'android' ? $self->decode_leniently($answer)
           : $self->decode_as_electron($answer);
}


# fetchChannels(): [{id, name}, ...].  Dies where the plugin rejects.

sub channels {
    my ($self, %params) = @_;

    my $query = join '&', map { "$_=" . $self->encode($params{$_}) }
        sort keys %params;

    my $reply = $self->get("$self->{server}/v1/apps/$self->{app}/channels"
                           . ($query eq '' ? '' : "?$query"));

    die "Unauthorized. Channel Discovery may not be enabled for this app.\n"
        if $reply->{status} == 401;

    die "$reply->{body}\n" if $reply->{status} !~ /^2/;

    my $channels = json_decode($reply->{body});

    die "the channels are no array\n" unless ref $channels eq 'ARRAY';

    for my $channel (@$channels) {
        die "a channel lacks something\n"
            if grep { !is_string($channel->{$_}) } qw/ id name /;
    }

    return $channels;
}


sub none {
    my ($self, $reason) = @_;

    $self->{reason} = $reason;

    return;
}


sub query {
    my ($self, %params) = @_;

    my @query = (
        appVersionCode => $self->{version_code},
        appVersionName => $self->{version_name},
        bundleId => $self->{current},
        channelName => $self->{channel},
        customId => $self->{custom_id},
        deviceId => $self->{id},
        osVersion => $self->{os_version},
        platform => $PLATFORM{$self->{platform}}{number},
        pluginVersion => $self->{plugin_version},
        runtime => $self->{platform} eq 'electron' ? 'electron' : undef,
    );

    my @pairs;

    while (my ($name, $value) = splice @query, 0, 2) {
        $value = $params{$name} if exists $params{$name};

        # the first plugins said so of the bundle that is built in
        $value //= 'public'
            if $name eq 'bundleId' && $self->older_than('6.7');

        # OkHttp writes null as a bare name, the others leave it out
        if (defined $value) {
            push @pairs, "$name=" . $self->encode($value);

        } elsif ($self->{platform} eq 'android' && $name ne 'runtime') {
            push @pairs, $name;
        }
    }

    @pairs = shuffle @pairs if $self->{platform} eq 'ios';

    return join '&', @pairs;
}


sub older_than {
    my ($self, $version) = @_;

    my ($major, $minor) = split /\./, $version;
    my ($our_major, $our_minor) = split /\./, $self->{plugin_version};

    return $our_major < $major || $our_major == $major && $our_minor < $minor;
}


# iOS leaves much as it is, a "+" among it; URLSearchParams makes spaces of
# pluses.

sub encode {
    my ($self, $text) = @_;

    my $plain = $self->{platform} eq 'ios' ? q{A-Za-z0-9!$'()*+,./:;?@_~-}
                                           : q{A-Za-z0-9._*-};

    utf8::encode($text) if utf8::is_utf8($text);
    $text =~ s/([^$plain])/sprintf('%%%02X', ord $1)/ge;
    $text =~ s/%20/+/g if $self->{platform} eq 'electron';

    return $text;
}


sub decode_leniently {
    my ($self, $answer) = @_;

    die "sync() rejects: the answer is no JSON object\n"
        unless ref $answer eq 'HASH';

    $answer->{$_} //= '' for qw/ bundleId url /;

    return $answer;
}


# Codable: one wrong type, and there is no update.

sub decode_strictly {
    my ($self, $answer) = @_;

    return $self->none('no JSON object') unless ref $answer eq 'HASH';

    for my $name (qw/ artifactType bundleId url /) {
        return $self->none("$name is no string")
            unless is_string($answer->{$name});
    }

    for my $name (qw/ channelName checksum signature /) {
        return $self->none("$name is no string")
            unless !defined $answer->{$name} || is_string($answer->{$name});
    }

    return $self->none("artifactType is \"$answer->{artifactType}\"")
        unless $answer->{artifactType} =~ /^(?:zip|manifest)$/;

    my $properties = $answer->{customProperties};

    if (defined $properties) {
        return $self->none('customProperties is no object')
            unless ref $properties eq 'HASH';

        return $self->none('a custom property is no string')
            if grep { !is_string($_) } values %$properties;
    }

    return $answer;
}


sub decode_as_electron {
    my ($self, $answer) = @_;

    return $self->none('no JSON object') unless ref $answer eq 'HASH';

    for my $name (qw/ bundleId url /) {
        return $self->none("$name is no string")
            unless is_string($answer->{$name});
    }

    $answer->{artifactType} //= 'zip';

    die "The artifact type is not supported by this SDK.\n"
        unless $answer->{artifactType} =~ /^(?:zip|manifest)$/;

    for my $name (qw/ channelName checksum signature /) {
        delete $answer->{$name} unless is_string($answer->{$name});
    }

    return $answer;
}


sub is_string {
    my ($value) = @_;

    return defined $value && !ref $value
           && B::svref_2object(\$value)->FLAGS & B::SVf_POK;
}


# sync(channelName => ...):  {next, kind, requests, files, copied, bytes,
# parallel}; next is undef if there is nothing new, bytes are those of the
# bodies as they came over the wire, parallel is how many requests were under
# way at most.  What was downloaded is told in $device->{fetched}.  Dies where
# the plugin rejects, and then nothing has changed.

sub sync {
    my ($self, %params) = @_;

    $self->{stats} = {
        next => undef, kind => undef,
        requests => 0, files => 0, copied => 0, bytes => 0, parallel => 0,
    };

    $self->{fetched} = [];

    my $answer = $self->latest(%params) or return $self->{stats};
    my $id = $answer->{bundleId};

    die "the id of a bundle is a folder's name, not \"$id\"\n"
        if $id eq '' || $id eq 'public' || $id =~ m{[/,]};

    if (!-d "$self->{dir}/bundles/$id") {
        my $tmp = "$self->{dir}/tmp";

        remove_tree($tmp);
        make_path($tmp);

        my $kind = $self->{stats}{kind} = $answer->{artifactType} eq 'manifest'
                                          ? 'manifest' : 'zip';

        my $root = eval {
            $kind eq 'zip' ? $self->get_zip($answer, $tmp)
                           : $self->get_manifest($answer, $tmp);
        };

        if (!$root) {
            remove_tree($tmp);
            die $@;
        }

        rename $root, "$self->{dir}/bundles/$id"
            or die "cannot keep the bundle: $!\n";

        remove_tree($tmp);
    }

    if (!defined $self->{current} || $id ne $self->{current}) {
        $self->{next} = $self->{stats}{next} = $id;
    }

    return $self->{stats};
}


# The app is started again: what was downloaded is what now runs.

sub restart {
    my ($self) = @_;

    return unless defined $self->{next};

    $self->{current} = delete $self->{next};

    $self->save("$self->{dir}/current", "$self->{current}\n");
}


# A file of the bundle that runs.

sub file {
    my ($self, $href) = @_;

    return read_file("$self->{dir}/bundles/$self->{current}/$href");
}


# How the bundle that runs, without its manifest, differs from these files,
# { href => bytes }.  Nothing if it does not.

sub differences {
    my ($self, $files) = @_;

    return 'there is no bundle' unless defined $self->{current};

    my $dir = "$self->{dir}/bundles/$self->{current}";
    my %left = %$files;
    my @found;

    File::Find::find({ no_chdir => 1, wanted => sub {
        my $href = substr($_, length $dir) =~ s{^/}{}r;

        return if !-f || $href eq MANIFEST;

        my $bytes = delete $left{$href};

        push @found, !defined $bytes ? "more: $href"
                     : $bytes ne read_file($_) ? "other: $href" : ();
    } }, $dir);

    return join ', ', sort @found, map { "missing: $_" } keys %left;
}


sub get_zip {
    my ($self, $answer, $tmp) = @_;

    my $reply = $self->get($answer->{url});

    die "Bundle could not be downloaded: status $reply->{status}\n"
        unless $reply->{status} =~ /^2/;

    push @{$self->{fetched}}, { %$reply, url => $answer->{url} };

    $self->verify($reply->{body},
                  map { $self->promised($_, $answer, $reply->{headers}) }
                      qw/ checksum signature /);

    my $zip = IO::Uncompress::Unzip->new(\$reply->{body})
        or die "cannot unzip: $UnzipError\n";

    my $status = 1;

    while ($status > 0) {
        my $name = $zip->getHeaderInfo()->{Name};

        if ($name !~ m{/$}) {
            my $bytes = '';

            while (($status = $zip->read(my $buf)) > 0) {
                $bytes .= $buf;
            }

            $self->save("$tmp/$name", $bytes);
            $self->{stats}{files}++;
        }

        last if $status < 0;
        $status = $zip->nextStream();
    }

    die "cannot unzip: $UnzipError\n" if $status < 0;

    return find_index($tmp)
           // die "The bundle does not contain an index.html file.\n";
}


# What the plugins have made of the two places in the course of time.

sub promised {
    my ($self, $name, $answer, $headers) = @_;

    my $header = $headers->{"x-$name"};

    if ($self->{platform} eq 'android' && $self->older_than('7.4')) {

        return $answer->{$name} if $self->older_than('6.5');
        return $header if $self->older_than('7.1');

        # null becomes the string "null", and counts
        return $answer->{$name} // (exists $answer->{$name} ? 'null' : '');
    }

    return $answer->{$name} // $header;
}


# The folder itself first, then what is below, in depth.

sub find_index {
    my ($dir) = @_;

    return $dir if -f "$dir/index.html";

    for my $below (sort grep { -d } glob "\Q$dir\E/*") {
        my $found = find_index($below);
        return $found if defined $found;
    }

    return;
}


# The checksum in the manifest decides what is copied, but it is the path
# that is copied; only the headers are compared with what was downloaded.

sub get_manifest {
    my ($self, $answer, $tmp) = @_;

    my ($text) = $self->get_files($answer->{url}, { href => MANIFEST });
    my $items = json_decode($text);

    die "the manifest is no array\n" unless ref $items eq 'ARRAY';

    $self->save("$tmp/" . MANIFEST, $text);

    my %have = map { $_->{checksum} => 1 } $self->current_items();
    my @missing;

    for my $item (@$items) {
        my $href = $item->{href};

        die "the manifest lacks something\n"
            if grep { !defined $item->{$_} } qw/ href checksum sizeInBytes /;

        utf8::encode($href);

        die "\"$href\" leads out of the bundle\n"
            if $href =~ m{^/|(?:^|/)\.\.(?:/|$)|\\|\0};

        if ($have{$item->{checksum}} && $self->copy_file($href, $tmp)) {
            $self->{stats}{copied}++;

        } else {
            push @missing, { href => $href, checksum => $item->{checksum} };
        }
    }

    my @bytes = $self->get_files($answer->{url}, @missing);

    for my $item (@missing) {
        $self->save("$tmp/$item->{href}", shift @bytes);
        $self->{stats}{files}++;
    }

    return find_index($tmp)
           // die "The bundle does not contain an index.html file.\n";
}


sub current_items {
    my ($self) = @_;

    return unless defined $self->{current};

    my $text = eval { $self->file(MANIFEST) } // return;

    return @{json_decode($text)};
}


sub copy_file {
    my ($self, $href, $tmp) = @_;

    my $from = "$self->{dir}/bundles/$self->{current}/$href";

    return unless -f $from;

    make_path("$tmp/$href" =~ s{/[^/]*$}{}r);

    return copy($from, "$tmp/$href");
}


# OkHttp adds to the query, iOS replaces it.  All files are fetched, even if
# one of them is refused.

sub get_files {
    my ($self, $url, @items) = @_;

    $url =~ s/\?.*// if $self->{platform} eq 'ios';
    $url .= ($url =~ /\?/ ? '&' : '?') . 'href=';

    my @replies = $self->get_all(map { $url . $self->encode($_->{href}) }
                                 @items);
    my @bytes;

    for my $item (@items) {
        my $reply = shift @replies;

        push @{$self->{fetched}},
            { %$reply, url => $url . $self->encode($item->{href}),
              href => $item->{href} };

        die "Bundle could not be downloaded: status $reply->{status}, "
            . "$item->{href}\n" unless $reply->{status} =~ /^2/;

        $self->verify($reply->{body}, $reply->{headers}{'x-checksum'},
                      $reply->{headers}{'x-signature'}, $item->{checksum});

        push @bytes, $reply->{body};
    }

    return @bytes;
}


# With a public key only the signature counts, without one only the checksum.

sub verify {
    my ($self, $bytes, $checksum, $signature, $listed) = @_;

    if (defined $self->{public_key}) {
        die "Bundle does not contain a signature.\n"
            unless defined $signature;

        die "the signature is no base64\n"
            unless $signature =~ m{\A(?:[A-Za-z0-9+/]{4})*
                                    (?:[A-Za-z0-9+/]{2}==
                                    |[A-Za-z0-9+/]{3}=)?\z}x;

        $self->save("$self->{dir}/signed", $bytes);
        $self->save("$self->{dir}/signature", decode_base64($signature));

        my $said = `openssl dgst -sha256 -verify '$self->{public_key}' \\
                    -signature '$self->{dir}/signature' \\
                    '$self->{dir}/signed' 2>&1`;

        unlink "$self->{dir}/signature", "$self->{dir}/signed";

        die "Invalid signature.\n" unless $said =~ /^Verified OK/m;

        return;
    }

    # Electron alone looks into the manifest as well
    if ($self->{platform} eq 'electron' && defined $listed) {
        $checksum //= $listed;

        die "Checksum mismatch.\n" if $checksum ne $listed;
    }

    die "Checksum mismatch.\n"
        if defined $checksum && $checksum ne sha256_hex($bytes);
}


# A GET with the plugin's headers.  Redirects are followed, compression is
# undone; what counts as bytes is what came over the wire.

sub get {
    my ($self, $url) = @_;

    return ($self->get_all($url))[0];
}


sub get_all {
    my ($self, @urls) = @_;

    my @replies = $self->exchange_all(@urls);

    for my $i (0 .. $#urls) {
        my $redirects = 0;

        while ($replies[$i]{status} =~ /^30[12378]$/
               && defined $replies[$i]{headers}{location})
        {
            die "too many redirects\n" if $redirects++ == 20;

            my ($base) = $urls[$i] =~ m{^(http://[^/?#]+)};

            $urls[$i] = $replies[$i]{headers}{location};
            $urls[$i] = "$base$urls[$i]" if $urls[$i] =~ m{^/};

            ($replies[$i]) = $self->exchange_all($urls[$i]);
        }

        $self->decompress($replies[$i], $urls[$i]);
    }

    return @replies;
}


# The replies to requests for all of the URLs, which are of one server, over as
# many connections as the client opens; each is used again and again.

sub exchange_all {
    my ($self, @urls) = @_;

    my (@replies, @idle, %busy);
    my @queue = 0 .. $#urls;
    my $select = IO::Select->new();

    while (@queue || %busy) {

        while (@queue && keys %busy < $self->{parallel}) {
            my $i = shift @queue;
            my ($address, $request) = $self->request_of($urls[$i]);
            my $s = shift(@idle) // connect_to($address);

            print {$s} $request;

            $select->add($s);
            $busy{fileno $s} = { url => $urls[$i], i => $i, in => '' };
        }

        $self->{stats}{parallel} = keys %busy
            if keys %busy > ($self->{stats}{parallel} // 0);

        my @ready = $select->can_read(TIMEOUT)
            or die "no complete reply in time\n";

        for my $s (@ready) {
            my $job = $busy{fileno $s};
            my $n = sysread($s, $job->{in}, 1 << 18, length $job->{in});

            next if $n && !is_complete('GET', $job->{in});

            delete $busy{fileno $s};
            $select->remove($s);

            my $reply = $replies[$job->{i}] = parse_reply($job->{in})
                or die "no reply: $job->{url}\n";

            die "truncated: $job->{url}\n"
                if !$n && grep { defined $reply->{headers}{$_} }
                              qw/ content-length transfer-encoding /;

            $self->{stats}{requests}++;
            $self->{stats}{bytes} += length $reply->{body};

            push @idle, $s
                if $n && ($reply->{headers}{connection} // '') ne 'close';
        }
    }

    return @replies;
}


sub request_of {
    my ($self, $url) = @_;

    my ($address, $path) = $url =~ m{^http://([^/?#]+)(/[^#\s]*)}
        or die "\"$url\" is no URL that this device can fetch\n";

    my @headers = (Host => $address, @{$PLATFORM{$self->{platform}}{headers}});

    push @headers, 'Accept-Encoding' => $self->{accept_encoding}
        if defined $self->{accept_encoding};

    push @headers, ($self->{plugin_version} =~ /^7/ ? 'X-Device-Id'
                    : 'X-Capawesome-Device-Id') => $self->{id}
        if $self->{id} ne '';

    my $request = "GET $path HTTP/1.1\r\n";

    while (my ($name, $value) = splice @headers, 0, 2) {
        $request .= "$name: $value\r\n";
    }

    $address .= ':80' unless $address =~ /:\d+$/;

    return ($address, "$request\r\n");
}


sub decompress {
    my ($self, $reply, $url) = @_;

    my $headers = $reply->{headers};
    my $encoding = $headers->{'content-encoding'} // 'identity';

    $reply->{length} = length $reply->{body};

    return if $encoding eq 'identity';

    die "the encoding \"$encoding\" was not asked for: $url\n"
        unless $encoding eq 'gzip'
               && first { /^gzip\b/ }
                      split /, */, $self->{accept_encoding} // '';

    my $plain;

    gunzip(\$reply->{body}, \$plain)
        or die "cannot gunzip $url: $GunzipError\n";

    $reply->{body} = $plain;
}


sub save {
    my ($self, $path, $bytes) = @_;

    make_path($path =~ s{/[^/]*$}{}r);

    open my $fh, '>:raw', $path or die "cannot write $path: $!\n";
    print {$fh} $bytes;
    close $fh or die "cannot write $path: $!\n";
}


sub read_file {
    my ($path) = @_;

    open my $fh, '<:raw', $path or die "cannot read $path: $!\n";
    local $/;

    return <$fh>;
}


1;
