package Test::LiveUpdate::Device;

# Copyright (C) the nginx-liveupdate authors

# A device with an app that has the Capawesome Live Update plugin: asks and
# downloads as the plugin does on Android or iOS, and is as strict.  Bundles
# are kept in a folder, so that the next sync() is a delta.

use warnings;
use strict;

use B ();
use Digest::SHA qw/ sha256_hex /;
use File::Copy qw/ copy /;
use File::Path qw/ make_path remove_tree /;
use IO::Uncompress::Gunzip qw/ gunzip $GunzipError /;
use IO::Uncompress::Unzip qw/ $UnzipError /;
use List::Util qw/ shuffle /;
use MIME::Base64 qw/ decode_base64 /;

use Test::LiveUpdate::HTTP qw/ json_decode request /;

use constant MANIFEST => 'capawesome-live-update-manifest.json';

my %PLATFORM = (
    android => {
        number => 0,
        accept_encoding => 'br, gzip',
        user_agent => 'okhttp/5.3.2',
    },

    ios => {
        number => 1,
        accept_encoding => 'br;q=1.0, gzip;q=0.9, deflate;q=0.8',
        user_agent => 'App/1.0 (com.example.app; build:1; iOS 17.6)'
                      . ' Alamofire/5.9.1',
    },
);


# new(server => 'http://127.0.0.1:8080', app => id, dir => folder,
#     platform => 'android' or 'ios', id => device id, public_key => file,
#     version_code, version_name, os_version, channel, custom_id)

sub new {
    my ($class, %opt) = @_;

    my $self = bless {
        platform => 'android',
        id => '0b3c8e1e-5b1a-4f0e-9a51-2f0e4d9b8a10',
        version_code => '1',
        version_name => '1.0',
        os_version => ($opt{platform} // '') eq 'ios' ? '17.6' : '34',
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
                                      : $self->decode_leniently($answer);
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
        pluginVersion => '8.4.1',
    );

    my @pairs;

    while (my ($name, $value) = splice @query, 0, 2) {
        $value = $params{$name} if exists $params{$name};

        # OkHttp writes null as a bare name, iOS leaves it out
        if (defined $value) {
            push @pairs, "$name=" . $self->encode($value);

        } elsif ($self->{platform} eq 'android') {
            push @pairs, $name;
        }
    }

    @pairs = shuffle @pairs if $self->{platform} eq 'ios';

    return join '&', @pairs;
}


# iOS leaves much as it is, a "+" among it.

sub encode {
    my ($self, $text) = @_;

    my $plain = $self->{platform} eq 'ios' ? q{A-Za-z0-9!$'()*+,./:;?@_~-}
                                           : q{A-Za-z0-9._*-};

    utf8::encode($text) if utf8::is_utf8($text);
    $text =~ s/([^$plain])/sprintf('%%%02X', ord $1)/ge;

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


sub is_string {
    my ($value) = @_;

    return defined $value && !ref $value
           && B::svref_2object(\$value)->FLAGS & B::SVf_POK;
}


# sync(channelName => ...):  {next, kind, requests, files, copied, bytes};
# next is undef if there is nothing new.  Dies where the plugin rejects, and
# then nothing has changed.

sub sync {
    my ($self, %params) = @_;

    $self->{stats} = {
        next => undef, kind => undef,
        requests => 0, files => 0, copied => 0, bytes => 0,
    };

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


sub get_zip {
    my ($self, $answer, $tmp) = @_;

    my $reply = $self->get($answer->{url});

    die "Bundle could not be downloaded: status $reply->{status}\n"
        unless $reply->{status} =~ /^2/;

    $self->verify($reply->{body},
                  $answer->{checksum} // $reply->{headers}{'x-checksum'},
                  $answer->{signature} // $reply->{headers}{'x-signature'});

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

    my $text = $self->get_file($answer->{url}, MANIFEST);
    my $items = json_decode($text);

    die "the manifest is no array\n" unless ref $items eq 'ARRAY';

    $self->save("$tmp/" . MANIFEST, $text);

    my %have = map { $_->{checksum} => 1 } $self->current_items();

    for my $item (@$items) {
        my $href = $item->{href};

        die "the manifest lacks something\n"
            if grep { !defined $item->{$_} } qw/ href checksum sizeInBytes /;

        utf8::encode($href);

        die "\"$href\" leads out of the bundle\n"
            if $href =~ m{^/|(?:^|/)\.\.(?:/|$)|\\|\0};

        if ($have{$item->{checksum}} && $self->copy_file($href, $tmp)) {
            $self->{stats}{copied}++;
            next;
        }

        $self->save("$tmp/$href", $self->get_file($answer->{url}, $href));
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


# OkHttp adds to the query, iOS replaces it.

sub get_file {
    my ($self, $url, $href) = @_;

    $url =~ s/\?.*// if $self->{platform} eq 'ios';
    $url .= ($url =~ /\?/ ? '&' : '?') . 'href=' . $self->encode($href);

    my $reply = $self->get($url);

    die "Bundle could not be downloaded: status $reply->{status}, $href\n"
        unless $reply->{status} =~ /^2/;

    $self->verify($reply->{body}, $reply->{headers}{'x-checksum'},
                  $reply->{headers}{'x-signature'});

    return $reply->{body};
}


# With a public key only the signature counts, without one only the checksum.

sub verify {
    my ($self, $bytes, $checksum, $signature) = @_;

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

    die "Checksum mismatch.\n"
        if defined $checksum && $checksum ne sha256_hex($bytes);
}


# A GET with the plugin's headers.  Redirects are followed, compression is
# undone; what counts as bytes is what came over the wire.

sub get {
    my ($self, $url, $redirects) = @_;

    my $platform = $PLATFORM{$self->{platform}};

    my ($address, $path) = $url =~ m{^http://([^/?#]+)(/[^#\s]*)}
        or die "\"$url\" is no URL that this device can fetch\n";

    $address .= ':80' unless $address =~ /:\d+$/;

    my @headers = (
        'User-Agent' => $platform->{user_agent},
        'Accept-Encoding' => $platform->{accept_encoding},
    );

    push @headers, 'X-Capawesome-Device-Id' => $self->{id}
        if $self->{id} ne '';

    my $reply = request('GET', $address, $path, headers => \@headers);
    my $headers = $reply->{headers};

    $self->{stats}{requests}++;
    $self->{stats}{bytes} += length $reply->{body};

    if ($reply->{status} =~ /^30[12378]$/ && defined $headers->{location}) {
        die "too many redirects\n" if ($redirects // 0) == 20;

        my $location = $headers->{location};
        $location = "http://$address$location" if $location =~ m{^/};

        return $self->get($location, ($redirects // 0) + 1);
    }

    die "truncated: $url\n"
        if defined $headers->{'content-length'}
           && $headers->{'content-length'} != length $reply->{body};

    my $encoding = $headers->{'content-encoding'} // 'identity';

    if ($encoding eq 'gzip') {
        my $plain;

        gunzip(\$reply->{body}, \$plain)
            or die "cannot gunzip $url: $GunzipError\n";

        $reply->{body} = $plain;

    } elsif ($encoding ne 'identity') {
        die "the encoding \"$encoding\" was not asked for\n";
    }

    return $reply;
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
