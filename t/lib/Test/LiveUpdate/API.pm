package Test::LiveUpdate::API;

# Copyright (C) the nginx-liveupdate authors

# The calls of the CLI and of devices, in raw HTTP, as methods of
# Test::LiveUpdate.

use warnings;
use strict;

use Exporter qw/ import /;

use Digest::SHA qw/ sha256_hex /;
use File::Temp ();
use IO::Compress::Zip qw/ $ZipError /;
use MIME::Base64 qw/ encode_base64 /;
use Test::More ();

use Test::LiveUpdate::HTTP qw/
    json_encode multipart request uri_encode
/;

our @EXPORT_OK = qw/ sign zip /;

use constant MANIFEST => 'capawesome-live-update-manifest.json';
use constant PART_SIZE => 10 * 1024 * 1024;


# api($method, $path, $body, token => role or clear token or undef,
#     headers => [ ... ], type => ...):  {status, headers, body, json}.
# A body that is a reference is sent as JSON.  The token is admin's if not
# told otherwise.

sub api {
    my ($self, $method, $path, $body, %opt) = @_;

    my @headers = @{$opt{headers} || []};
    my $token = exists $opt{token} ? $opt{token} : 'admin';

    if (defined $token) {
        $token = $self->{tokens}{$token} // $token;
        push @headers, Authorization => "Bearer $token";
    }

    if (defined $body) {
        $body = json_encode($body) if ref $body;
        push @headers, 'Content-Type' => $opt{type} // 'application/json';
    }

    Test::LiveUpdate::before_request() unless $opt{socket};
    Test::LiveUpdate::verbose('>>', "$method $path\n" . ($body // ''));

    my $reply = request($method, Test::LiveUpdate::address(%opt), $path,
                        %opt, headers => \@headers, body => $body);

    Test::LiveUpdate::verbose('<<', $reply->{raw});

    return $reply;
}


sub create_app {
    my ($self, $name, %opt) = @_;

    my $reply = $self->api('POST', '/v1/apps',
                           { name => $name, type => 'capacitor' }, %opt);

    return ($reply->{json} || {})->{id}
           // die "no app \"$name\": $reply->{raw}\n";
}


sub create_channel {
    my ($self, $app, $name, %opt) = @_;

    my $reply = $self->api('POST', "/v1/apps/$app/channels",
                           { appId => $app, name => $name,
                             %{delete $opt{fields} || {}} }, %opt);

    return ($reply->{json} || {})->{id}
           // die "no channel \"$name\": $reply->{raw}\n";
}


# Sends one file as the CLI does: in the form, or, from 10 MiB on, in parts.
# Options: href, name, type, key (to sign with), parts (the size of a part; 0:
# all in the form), form (fields in the place of those made here: undef leaves
# one out), and those of api().  Returns the last reply, with "file", the id.

sub upload {
    my ($self, $app, $bundle, $bytes, %opt) = @_;

    my $part = $opt{parts} // PART_SIZE;
    my $name = $opt{name}
        // (defined $opt{href} ? $opt{href} =~ s{^.*/}{}r : 'bundle.zip');
    my $type = $opt{type} // type_of($name);
    my $in_parts = $part && length $bytes >= $part;

    my %form = (
        checksum => sha256_hex($bytes),
        file => { bytes => $bytes, filename => $name, type => $type },
        href => $opt{href},
        mimeType => $type,
        name => $name,
        sizeInBytes => length $bytes,
    );

    $form{file} = undef if $in_parts;
    $form{signature} = sign($bytes, $opt{key}) if defined $opt{key};
    %form = (%form, %{$opt{form} || {}});

    my ($body, $content_type) = multipart(map { $_ => $form{$_} }
        grep { defined $form{$_} }
        qw/ checksum file href mimeType name signature sizeInBytes /);

    my %api = map { $_ => $opt{$_} }
        grep { exists $opt{$_} } qw/ token port timeout /;

    $api{token} //= 'publish' unless exists $api{token};

    my $path = "/v1/apps/$app/bundles/$bundle/files";
    my $reply = $self->api('POST', $path, $body, %api, type => $content_type);
    my $file = ($reply->{json} || {})->{id};

    if ($in_parts && $reply->{status} < 300) {
        $reply = $self->upload_parts("$path/$file/upload", $bytes, $part,
                                     $name, %api);
    }

    $reply->{file} = $file;

    return $reply;
}


sub upload_parts {
    my ($self, $path, $bytes, $size, $name, %api) = @_;

    my $reply = $self->api('POST', "$path?action=mpu-create", {}, %api);
    return $reply if $reply->{status} >= 300;

    my $upload = $reply->{json}{uploadId};
    my @parts;

    for my $number (1 .. int((length($bytes) + $size - 1) / $size)) {
        my ($body, $type) = multipart(
            blob => { bytes => substr($bytes, ($number - 1) * $size, $size),
                      filename => $name },
            partNumber => $number,
        );

        $reply = $self->api('PUT',
            "$path?action=mpu-uploadpart&uploadId=$upload", $body,
            %api, type => $type);
        return $reply if $reply->{status} >= 300;

        push @parts, $reply->{json};
    }

    return $self->api('POST', "$path?action=mpu-complete&uploadId=$upload",
                      { parts => \@parts }, %api);
}


# Publishes as the CLI does: $content is the bytes of a zip, or the files of
# a manifest bundle, { href => bytes }.  Options: bundle (more fields for the
# bundle), key, parts, token.  Returns {ok, bundle, build, deployment, file,
# reply}; reply is the last one, at the first refusal.

sub publish {
    my ($self, $app, $channel, $content, %opt) = @_;

    my %api = map { $_ => $opt{$_} }
        grep { exists $opt{$_} } qw/ token port timeout /;

    $api{token} //= 'publish' unless exists $api{token};

    my $kind = ref $content ? 'manifest' : 'zip';

    my $reply = $self->api('POST', "/v1/apps/$app/bundles", {
        appId => $app,
        artifactType => $kind,
        rolloutPercentage => 1,
        (defined $channel ? (channelName => $channel) : ()),
        %{$opt{bundle} || {}},
    }, %api);

    my %done = (ok => 0, reply => $reply);

    return \%done if $reply->{status} >= 300;

    my $bundle = $done{bundle} = $reply->{json}{id};
    $done{build} = $reply->{json}{appBuildId};

    my %up = (%api, map { $_ => $opt{$_} }
              grep { exists $opt{$_} } qw/ key parts /);

    if ($kind eq 'zip') {
        $done{reply} = $self->upload($app, $bundle, $content, %up);
        return \%done if $done{reply}{status} >= 300;

        $done{file} = $done{reply}{file};

    } else {
        my %files = (manifest_of($content), %$content);

        for my $href (sort keys %files) {
            $done{reply} = $self->upload($app, $bundle, $files{$href},
                                         %up, href => $href);
            return \%done if $done{reply}{status} >= 300;
        }
    }

    $reply = $done{reply} = $self->api('PATCH',
        "/v1/apps/$app/bundles/$bundle", {
            appId => $app,
            appBundleId => $bundle,
            artifactStatus => 'ready',
            (defined $done{file} ? (appBundleFileId => $done{file}) : ()),
        }, %api);

    $done{ok} = $reply->{status} < 300;
    $done{deployment} = ($reply->{json} || {})->{appDeploymentId};

    return \%done;
}


sub manifest_of {
    my ($files) = @_;

    my @items = map { {
        checksum => sha256_hex($files->{$_}),
        href => characters($_),
        sizeInBytes => length $files->{$_},
    } } sort keys %$files;

    return (MANIFEST, json_encode(\@items));
}


# Names are bytes on the wire; JSON wants characters.

sub characters {
    my ($name) = @_;

    utf8::decode($name);

    return $name;
}


# Asks as an Android device does; parameters are added to its usual ones, an
# undefined one is sent as a bare name, [] leaves it out.  Returns what api()
# does.

sub latest {
    my ($self, $app, %params) = @_;

    my %opt = map { $_ => delete $params{"_$_"} }
        grep { exists $params{"_$_"} } qw/ headers token port method socket /;

    my %query = (
        appVersionCode => 1,
        appVersionName => '1.0',
        bundleId => undef,
        channelName => undef,
        customId => undef,
        deviceId => '0b3c8e1e-5b1a-4f0e-9a51-2f0e4d9b8a10',
        osVersion => 34,
        platform => 0,
        pluginVersion => '8.4.1',
        %params,
    );

    my $query = join '&', map {
        defined $query{$_} ? "$_=" . uri_encode($query{$_}) : $_
    } grep { !ref $query{$_} } sort keys %query;

    return $self->api($opt{method} // 'GET',
                      "/v1/apps/$app/bundles/latest?$query", undef,
                      token => undef, %opt);
}


# A refusal as "status message".  Whatever is wrong with its form is told in
# the place of the message.

sub said {
    my ($self, $reply) = @_;

    my $json = $reply->{json};
    my %headers = %{$reply->{headers}};
    my @wrong;

    push @wrong, 'Content-Type: ' . ($headers{'content-type'} // 'none')
        if ($headers{'content-type'} // '') ne 'application/json';

    push @wrong, 'Cache-Control: ' . ($headers{'cache-control'} // 'none')
        if ($headers{'cache-control'} // '') ne 'no-store';

    push @wrong, "body: $reply->{body}"
        unless ref $json eq 'HASH'
               && join(' ', sort keys %$json) eq 'message'
               && !ref $json->{message}
               && length $json->{message};

    return join ' ', $reply->{status},
                     @wrong ? ('with wrong', @wrong) : $json->{message};
}


# The call must be refused with this status and message (a string or a
# regular expression), and must leave the store as it was, but for what is told
# of earlier changes meanwhile, and what is being written of them: no temporary
# file may be left when the test ends.

sub refused {
    my ($self, $call, $expected, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $before = $self->tree();
    my $said = $self->said($call->());
    my $after = $self->tree();

    my $ok = ref $expected ? $said =~ $expected : $said eq $expected;

    my %before = map { $_ => 1 } split /^/, $before;
    my %after = map { $_ => 1 } split /^/, $after;

    my @gone = grep { !$after{$_} && !m{^/(?:notify|tmp)/} }
        sort keys %before;
    my @new = grep { !$before{$_} && !m{^/(?:notify/(?!in/)|tmp/)} }
        sort keys %after;

    Test::More::ok($ok && !@gone && !@new, $name) and return 1;

    Test::More::diag("was told:      $said\nwas to be told: $expected")
        unless $ok;

    Test::More::diag(map { "gone: $_" } @gone);
    Test::More::diag(map { "new: $_" } @new);

    return 0;
}


# -- bytes -------------------------------------------------------------------

# zip(name => bytes, ...); names that are not ASCII are marked as UTF-8.

sub zip {
    my (@files) = @_;

    my $zip = '';
    my $z;

    while (my ($name, $bytes) = splice @files, 0, 2) {
        my @name = (Name => $name, Efs => $name =~ /[^ -~]/ ? 1 : 0);

        if ($z) {
            $z->newStream(@name);

        } else {
            $z = IO::Compress::Zip->new(\$zip, @name)
                or die "cannot zip: $ZipError\n";
        }

        $z->print($bytes);
    }

    $z->close() if $z;

    return $zip;
}


# What the CLI sends as a signature; the key is the name of a PEM file.

sub sign {
    my ($bytes, $key) = @_;

    my $file = File::Temp->new(DIR => "$Test::LiveUpdate::ROOT/build/tmp");
    binmode $file;
    print {$file} $bytes;
    close $file;

    my $signature = `openssl dgst -sha256 -sign '$key' '$file'`;
    die "openssl cannot sign\n" if $?;

    return encode_base64($signature, '');
}


sub type_of {
    my ($name) = @_;

    my %types = (
        css => 'text/css',
        html => 'text/html',
        jpg => 'image/jpeg',
        js => 'text/javascript',
        json => 'application/json',
        map => 'application/json',
        png => 'image/png',
        svg => 'image/svg+xml',
        txt => 'text/plain',
        wasm => 'application/wasm',
        zip => 'application/zip',
    );

    my ($ext) = $name =~ /\.([^.]+)$/;

    return $types{lc($ext // '')} // 'application/octet-stream';
}


1;
