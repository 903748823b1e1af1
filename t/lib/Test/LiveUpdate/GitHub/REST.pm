package Test::LiveUpdate::GitHub::REST;

# Copyright (C) the nginx-liveupdate authors

# The part of GitHub's REST API that a release needs: from a request to an
# answer.  Who asks is looked at first, as GitHub does.

use warnings;
use strict;

use Exporter qw/ import /;

use MIME::Base64 qw/ decode_base64 /;

use Test::LiveUpdate::GitHub::Entity qw/
    blob branch commit comparison content error file_commit pull ref_of
    repository
/;
use Test::LiveUpdate::HTTP qw/ json_decode json_encode /;

our @EXPORT_OK = qw/ answer limit_reached /;

use constant JSON_TYPE => 'application/json; charset=utf-8';
use constant BOT => 'release-bot';
use constant LIMIT => 5000;

my @ROUTES = (
    [ GET => qr{}, \&get_repository ],
    [ GET => qr{/git/refs?/heads/(.+)}, \&get_ref ],
    [ POST => qr{/git/refs}, \&post_ref ],
    [ PATCH => qr{/git/refs/heads/(.+)}, \&patch_ref ],
    [ DELETE => qr{/git/refs/heads/(.+)}, \&delete_ref ],
    [ GET => qr{/branches/(.+)}, \&get_branch ],
    [ GET => qr{/commits/(.+)}, \&get_commit ],
    [ GET => qr{/compare/(.+)}, \&get_compare ],
    [ GET => qr{/git/blobs/(.+)}, \&get_blob ],
    [ GET => qr{/contents/(.+)}, \&get_contents ],
    [ PUT => qr{/contents/(.+)}, \&put_contents ],
    [ GET => qr{/pulls}, \&get_pulls ],
    [ POST => qr{/pulls}, \&post_pull ],
    [ GET => qr{/pulls/([^/]+)}, \&get_pull ],
    [ PATCH => qr{/pulls/([^/]+)}, \&patch_pull ],
);


# answer($request, repos => { name => repository }, tokens => { token =>
#     "write" or "read" }):  {status, json or body, headers => [ ... ]}.  The
# request is {method, path, query, headers, body}, the path not yet decoded.

sub answer {
    my ($request, %opt) = @_;

    my $reply = eval { route($request, %opt) };

    if (ref $@ eq 'ARRAY') {
        my ($status, $message, @errors) = @{$@};

        $reply = { status => $status,
                   json => error($status, $message, @errors) };

    } elsif ($@) {
        die $@;
    }

    push @{$reply->{headers}}, limits(LIMIT - 1, 3600),
        'X-GitHub-Media-Type: github.v3; format=json',
        'X-GitHub-Request-Id: 0:0:0';

    return $reply;
}


sub route {
    my ($request, %opt) = @_;

    my ($method, $path, $headers) = @$request{qw/ method path headers /};

    return { status => 403, type => 'text/html; charset=utf-8', body =>
             "\r\nRequest forbidden by administrative rules. Please make sure "
             . "your request has a User-Agent header "
             . "(https://docs.github.com/en/rest/overview/"
             . "resources-in-the-rest-api#user-agent-required).\r\n" }
        unless length($headers->{'user-agent'} // '');

    failed(415, "Must accept 'application/json'")
        unless accepts($headers->{accept} // '*/*');

    my ($token) = ($headers->{authorization} // '')
        =~ /^(?:Bearer|token) (\S+)$/i;
    my $right = defined $token ? $opt{tokens}{$token} : undef;

    failed(401, 'Bad credentials')
        if defined $headers->{authorization} && !defined $right;

    my ($name, $rest) = $path =~ m{^/repos/([^/]+/[^/]+)(/.*)?$};
    my $repo = defined $name ? $opt{repos}{unescaped($name)} : undef;

    if ($path =~ m{^/repositories/(\d+)(/.*)?$}) {
        my $id = $1;

        $rest = $2;
        ($repo) = grep { $_->{id} == $id } values %{$opt{repos}};
    }

    # all repositories are private
    failed(404, 'Not Found') if !$repo || !$right || $repo->{hidden};

    return moved($method, $repo, $rest, $request->{query})
        if defined $name && lc unescaped($name) ne lc $repo->{name};

    $repo = $repo->shown("$method $path?" . ($request->{query} // ''));

    $request->{repo} = $repo;
    $request->{by} = BOT;

    for my $route (@ROUTES) {
        my ($verb, $re, $handler) = @$route;

        next if $verb ne $method || ($rest // '') !~ /^$re$/;

        my $name = unescaped($1 // '');

        failed(403, 'Resource not accessible by personal access token')
            if $method ne 'GET' && $right ne 'write';

        return $handler->($request, $repo, $name);
    }

    failed(404, 'Not Found');
}


sub accepts {
    my ($accept) = @_;

    return grep { m{^(?:\*/\*|application/(?:\*|json
                        |vnd\.github(?:\.[\w-]+)*(?:\+json)?))$}x }
           map { s/\s*;.*//sr } split /\s*,\s*/, $accept;
}


sub limits {
    my ($remaining, $seconds) = @_;

    return ('X-RateLimit-Limit: ' . LIMIT,
            "X-RateLimit-Remaining: $remaining",
            'X-RateLimit-Reset: ' . (time() + $seconds),
            'X-RateLimit-Resource: core');
}


# What is said to who has asked too often: "primary", of all in an hour, or
# "secondary", of what is asked for too fast.

sub limit_reached {
    my ($kind, $status, $seconds) = @_;

    return {
        status => $status,
        json => error($status, 'API rate limit exceeded for user ID 1.'),
        headers => [ limits(0, $seconds) ],
    } if $kind eq 'primary';

    return {
        status => $status,
        json => error($status, 'You have exceeded a secondary rate limit. '
                      . 'Please wait a few minutes before you try again.'),
        headers => [ limits(LIMIT - 1, 3600), "Retry-After: $seconds" ],
    };
}


sub failed {
    my (@error) = @_;

    die [ @error ];
}


sub unescaped {
    my ($text) = @_;

    return $text =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ger;
}


sub query {
    my ($request) = @_;

    return map {
        my ($name, $value) = map { unescaped(tr/+/ /r) } split /=/, $_, 2;
        ($name => $value // '');
    } split /&/, $request->{query} // '';
}


# The members of a body that must be there, and be strings.

sub body {
    my ($request, @needed) = @_;

    my $body = eval { json_decode($request->{body} // '') };

    failed(400, 'Problems parsing JSON') unless defined $body;
    failed(400, 'Body should be a JSON object') if ref $body ne 'HASH';

    for my $name (@needed) {
        failed(422, "Invalid request.\n\n\"$name\" wasn't supplied.")
            unless defined $body->{$name};
        failed(422, "Invalid request.\n\nFor 'properties/$name', "
                    . "$body->{$name} is not a string.")
            if ref $body->{$name};
    }

    return $body;
}


sub done {
    my ($status, $json, @headers) = @_;

    return { status => $status, json => $json, headers => [ @headers ] };
}


# The repository has another name now.

sub moved {
    my ($method, $repo, $rest, $query) = @_;

    my $url = "$Test::LiveUpdate::GitHub::Entity::API/repositories/$repo->{id}"
              . ($rest // '') . (length($query // '') ? "?$query" : '');

    return { status => $method eq 'GET' ? 301 : 307,
             json => { message => $method eq 'GET' ? 'Moved Permanently'
                                                   : 'Temporary Redirect',
                       url => $url,
                       documentation_url => 'https://docs.github.com/rest' },
             headers => [ "Location: $url" ] };
}


# -- branches and commits ----------------------------------------------------

sub get_repository {
    my ($request, $repo) = @_;

    return done(200, repository($repo));
}


sub get_ref {
    my ($request, $repo, $branch) = @_;

    failed(404, 'Not Found') unless $repo->{heads}{$branch};

    return done(200, ref_of($repo, $branch));
}


sub post_ref {
    my ($request, $repo) = @_;

    my $body = body($request, qw/ ref sha /);
    my $branch = $repo->create_ref(@$body{qw/ ref sha /}, $request->{by});
    my $ref = ref_of($repo, $branch);

    return done(201, $ref, "Location: $ref->{url}");
}


sub patch_ref {
    my ($request, $repo, $branch) = @_;

    my $body = body($request, 'sha');

    $repo->update_ref($branch, @$body{qw/ sha force /}, $request->{by});

    return done(200, ref_of($repo, $branch));
}


sub delete_ref {
    my ($request, $repo, $branch) = @_;

    $repo->delete_ref($branch, $request->{by});

    return { status => 204 };
}


sub get_branch {
    my ($request, $repo, $branch) = @_;

    failed(404, 'Branch not found') unless $repo->{heads}{$branch};

    return done(200, branch($repo, $branch));
}


sub get_commit {
    my ($request, $repo, $ref) = @_;

    my $commit = $repo->resolve($ref)
        or failed(422, "No commit found for SHA: $ref");

    return { status => 200, type => 'application/vnd.github.sha; '
                                    . 'charset=utf-8', body => $commit->{sha} }
        if ($request->{headers}{accept} // '') =~ /\.sha$/;

    return done(200, commit($repo, $commit));
}


sub get_compare {
    my ($request, $repo, $range) = @_;

    my %query = query($request);
    my ($base, $head) = split /\.\.\./, $range, 2;

    for my $ref ($base, $head // '') {
        failed(404, 'Not Found') unless $repo->resolve($ref);
    }

    return done(200, comparison($repo, $base, $head, $query{per_page} || 250));
}


sub get_blob {
    my ($request, $repo, $sha) = @_;

    failed(404, 'Not Found') unless defined $repo->{blobs}{$sha};

    return done(200, blob($repo, $sha));
}


# -- files -------------------------------------------------------------------

sub get_contents {
    my ($request, $repo, $path) = @_;

    my %query = query($request);
    my $ref = length($query{ref} // '') ? $query{ref} : $repo->{default};
    my $commit = $repo->resolve($ref)
        or failed(404, "No commit found for the ref $ref");
    my $files = $commit->{files};

    if (defined $files->{$path}) {
        return { status => 200, body => $repo->file($ref, $path),
                 type => 'application/vnd.github.raw+json; charset=utf-8' }
            if ($request->{headers}{accept} // '') =~ /\.raw\b/;

        return done(200, content($repo, $ref, $path, 1));
    }

    my @below = grep { m{^\Q$path\E/[^/]+$} } sort keys %$files;

    failed(404, 'Not Found') unless @below;

    return done(200, [ map { content($repo, $ref, $_) } @below ]);
}


sub put_contents {
    my ($request, $repo, $path) = @_;

    my $body = body($request, qw/ message content /);
    my $branch = $body->{branch} // $repo->{default};
    my $content = $body->{content} =~ s/\s//gr;

    failed(422, 'content is not valid Base64')
        if $content !~ m{^[A-Za-z0-9+/]*={0,2}$} || length($content) % 4;

    my ($commit, $new) = $repo->put($branch, $path, decode_base64($content),
                                    $body->{message}, $body->{sha},
                                    $request->{by});

    return done($new ? 201 : 200,
                file_commit($repo, $branch, $path, $commit));
}


# -- pull requests -----------------------------------------------------------

sub get_pulls {
    my ($request, $repo) = @_;

    my %query = query($request);
    my $state = $query{state} // 'open';
    my $owner = $repo->{owner};

    failed(422, 'Validation Failed', { resource => 'PullRequest',
           field => 'state', code => 'invalid' })
        if $state !~ /^(?:open|closed|all)$/;

    my @pulls = grep { $state eq 'all' || $_->{state} eq $state }
        @{$repo->{pulls}};

    # what has no owner is no filter
    @pulls = grep { "$owner:$_->{head}" eq $query{head} } @pulls
        if ($query{head} // '') =~ /:/;
    @pulls = grep { $_->{base} eq $query{base} } @pulls
        if length($query{base} // '');

    @pulls = sort { $b->{number} <=> $a->{number} } @pulls;
    @pulls = reverse @pulls if ($query{direction} // '') eq 'asc';

    my $size = $query{per_page} || 30;
    my $page = $query{page} || 1;

    $size = 100 if $size > 100;

    my $rest = @pulls - $page * $size;

    @pulls = splice @pulls, ($page - 1) * $size, $size;

    return done(200, [ map { pull($repo, $_) } @pulls ],
        $rest > 0 ? "Link: <$Test::LiveUpdate::GitHub::Entity::API"
                    . "/repositories/$repo->{id}/pulls?page=" . ($page + 1)
                    . "&per_page=$size&state=$state>; rel=\"next\"" : ());
}


sub post_pull {
    my ($request, $repo) = @_;

    my $body = body($request, qw/ title head base /);

    my $pull = $repo->open_pull(@$body{qw/ head base title body /},
                                $request->{by});
    my $json = pull($repo, $pull, 1);

    return done(201, $json, "Location: $json->{url}");
}


sub get_pull {
    my ($request, $repo, $number) = @_;

    return done(200, pull($repo, $repo->pull($number), 1));
}


sub patch_pull {
    my ($request, $repo, $number) = @_;

    my $body = body($request);
    my $pull = $repo->pull($number);

    for my $name (grep { defined $body->{$_} } qw/ title body /) {
        $pull->{$name} = $body->{$name};
    }

    if (defined $body->{state}) {
        $body->{state} eq 'closed' ? $repo->close_pull($number, $request->{by})
                                   : $repo->reopen_pull($number,
                                                        $request->{by});
    }

    return done(200, pull($repo, $pull, 1));
}


1;
