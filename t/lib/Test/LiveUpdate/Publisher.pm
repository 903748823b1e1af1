package Test::LiveUpdate::Publisher;

# Copyright (C) the nginx-liveupdate authors

# A publisher that does not give up: a call that was answered with 5xx, or not
# at all, is sent again as it was, as the CLI does.  The methods are those of
# Test::LiveUpdate.

use warnings;
use strict;

use base qw/ Test::LiveUpdate::API /;

use Time::HiRes qw/ sleep /;


# new($t, retries => how often, pause => seconds between, timeout => seconds,
#     failed => function, called with the reply, or undef and the reason)

sub new {
    my ($class, $t, %opt) = @_;

    return bless {
        t => $t,
        tokens => $t->{tokens},
        retries => 3,
        pause => 0,
        failed => sub {},
        %opt,
    }, $class;
}


# A reply is returned in any case: {status => 0} if there was none.  It tells
# how often the call had to be repeated.

sub api {
    my ($self, $method, $path, $body, %opt) = @_;

    $opt{timeout} //= $self->{timeout} if $self->{timeout};

    my $reply;

    for my $try (0 .. $self->{retries}) {
        $reply = eval { $self->{t}->api($method, $path, $body, %opt) };

        my $reason = $@;

        if ($reply && $reply->{status} < 500) {
            $reply->{repeated} = $try;
            return $reply;
        }

        $self->{failed}->($reply, $reason);

        $reply //= { status => 0, headers => {}, raw => $reason,
                     body => '' };

        sleep($self->{pause}) if $self->{pause};
    }

    return $reply;
}


# A zip that is somewhere else.

sub register {
    my ($self, $app, $channel, $url, %fields) = @_;

    my $reply = $self->api('POST', "/v1/apps/$app/bundles", {
        appId => $app,
        artifactType => 'zip',
        channelName => $channel,
        rolloutPercentage => 1,
        url => $url,
        %fields,
    }, token => 'publish');

    return {
        ok => $reply->{status} == 201,
        reply => $reply,
        bundle => ($reply->{json} || {})->{id},
        deployment => ($reply->{json} || {})->{appDeploymentId},
    };
}


# An old build again.

sub deploy {
    my ($self, $app, $channel, $build, %fields) = @_;

    my $reply = $self->api('POST', "/v1/apps/$app/deployments", {
        appId => $app,
        appBuildId => $build,
        appChannelName => $channel,
        rolloutPercentage => 1,
        %fields,
    }, token => 'publish');

    return {
        ok => $reply->{status} == 201,
        reply => $reply,
        bundle => $build,
        deployment => ($reply->{json} || {})->{id},
    };
}


1;
