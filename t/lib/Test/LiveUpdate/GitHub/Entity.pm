package Test::LiveUpdate::GitHub::Entity;

# Copyright (C) the nginx-liveupdate authors

# What the API and the webhooks say of things, with all the members that
# GitHub's description of them demands.

use warnings;
use strict;

use Exporter qw/ import /;

use JSON::PP ();
use MIME::Base64 qw/ encode_base64 /;

use Test::LiveUpdate::GitHub::Repo;

our @EXPORT_OK = qw/
    blob branch commit comparison content error file_commit ping_payload pull
    pull_payload push_payload ref_of repository user
/;

use constant DOCS => 'https://docs.github.com/rest';
use constant SITE => 'https://github.com';
use constant INLINE => 1024 * 1024;

our $API = 'https://api.github.com';

my ($true, $false) = (JSON::PP::true(), JSON::PP::false());
my %users;


sub number_of {
    my ($text) = @_;

    return $users{$text} //= 500 + keys %users;
}


sub user {
    my ($login) = @_;

    my $url = "$API/users/$login";

    return {
        login => $login,
        id => number_of($login),
        node_id => "U_$login",
        avatar_url => "https://avatars.githubusercontent.com/$login",
        gravatar_id => '',
        url => $url,
        html_url => SITE . "/$login",
        followers_url => "$url/followers",
        following_url => "$url/following{/other_user}",
        gists_url => "$url/gists{/gist_id}",
        starred_url => "$url/starred{/owner}{/repo}",
        subscriptions_url => "$url/subscriptions",
        organizations_url => "$url/orgs",
        repos_url => "$url/repos",
        events_url => "$url/events{/privacy}",
        received_events_url => "$url/received_events",
        type => $login =~ /\[bot\]$/ ? 'Bot' : 'User',
        site_admin => $false,
    };
}


sub repository {
    my ($repo) = @_;

    my $name = $repo->{name};
    my $url = "$API/repos/$name";
    my $open = grep { $_->{state} eq 'open' } @{$repo->{pulls}};

    no warnings 'qw';

    my %urls = map { my ($key, $path) = split /=/; ("${key}_url", "$url/$path")
    } qw(
        archive={archive_format}{/ref} assignees=assignees{/user}
        blobs=git/blobs{/sha} branches=branches{/branch}
        collaborators=collaborators{/collaborator}
        comments=comments{/number} commits=commits{/sha}
        compare=compare/{base}...{head} contents=contents/{+path}
        contributors=contributors deployments=deployments
        downloads=downloads events=events forks=forks
        git_commits=git/commits{/sha} git_refs=git/refs{/sha}
        git_tags=git/tags{/sha} hooks=hooks
        issue_comment=issues/comments{/number}
        issue_events=issues/events{/number} issues=issues{/number}
        keys=keys{/key_id} labels=labels{/name} languages=languages
        merges=merges milestones=milestones{/number}
        notifications=notifications{?since,all,participating}
        pulls=pulls{/number} releases=releases{/id}
        stargazers=stargazers statuses=statuses/{sha}
        subscribers=subscribers subscription=subscription tags=tags
        teams=teams trees=git/trees{/sha}
    );

    return {
        %urls,
        id => 0 + $repo->{id},
        node_id => "R_$repo->{id}",
        name => $repo->{short},
        full_name => $name,
        owner => user($repo->{owner}),
        private => $true,
        visibility => 'private',
        html_url => SITE . "/$name",
        url => $url,
        git_url => "git://github.com/$name.git",
        ssh_url => "git\@github.com:$name.git",
        clone_url => SITE . "/$name.git",
        svn_url => SITE . "/$name",
        mirror_url => undef,
        homepage => undef,
        description => undef,
        language => undef,
        license => undef,
        fork => $false,
        archived => $false,
        disabled => $false,
        is_template => $false,
        topics => [],
        default_branch => $repo->{default},
        size => 1,
        open_issues => $open,
        open_issues_count => $open,
        (map { ($_ => 0, "${_}_count" => 0) } qw/ forks watchers /),
        stargazers_count => 0,
        subscribers_count => 0,
        network_count => 0,
        (map { ("has_$_" => $true) } qw/ issues projects wiki downloads /),
        (map { ("has_$_" => $false) } qw/ pages discussions /),
        web_commit_signoff_required => $false,
        allow_forking => $true,
        created_at => $repo->{created},
        updated_at => $repo->{created},
        pushed_at => $repo->{pushed} // $repo->{created},
    };
}


# -- branches, commits, files ------------------------------------------------

sub ref_of {
    my ($repo, $branch) = @_;

    my $url = "$API/repos/$repo->{name}/git";
    my $sha = $repo->{heads}{$branch};

    return {
        ref => "refs/heads/$branch",
        node_id => "REF_$repo->{id}_$branch",
        url => "$url/refs/heads/$branch",
        object => { sha => $sha, type => 'commit',
                    url => "$url/commits/$sha" },
    };
}


sub branch {
    my ($repo, $branch) = @_;

    my $url = "$API/repos/$repo->{name}/branches/$branch";

    return {
        name => $branch,
        commit => commit($repo, $repo->resolve($branch)),
        _links => { self => $url, html => SITE . "/$repo->{name}/tree/$branch"
        },
        protected => $false,
        protection => { enabled => $false },
        protection_url => "$url/protection",
    };
}


sub git_commit {
    my ($repo, $commit) = @_;

    my $person = person($commit);

    return {
        author => { %$person, date => $commit->{date} },
        committer => { %$person, date => $commit->{date} },
        message => $commit->{message},
        tree => { sha => $repo->tree_of($commit),
                  url => "$API/repos/$repo->{name}/git/trees/"
                         . $repo->tree_of($commit) },
        verification => { verified => $false, reason => 'unsigned',
                          signature => undef, payload => undef,
                          verified_at => undef },
    };
}


sub person {
    my ($commit) = @_;

    my $login = $commit->{author};

    return { name => $login,
             email => ($login =~ s/\W//gr) . '@users.noreply.github.com' };
}


sub commit_urls {
    my ($repo, $sha) = @_;

    return (url => "$API/repos/$repo->{name}/commits/$sha",
            html_url => SITE . "/$repo->{name}/commit/$sha");
}


sub commit {
    my ($repo, $commit) = @_;

    my $sha = $commit->{sha};
    my %changes = $repo->changes($commit->{parents}[0], $sha);

    return {
        sha => $sha,
        node_id => "C_$sha",
        commit_urls($repo, $sha),
        comments_url => "$API/repos/$repo->{name}/commits/$sha/comments",
        commit => { %{git_commit($repo, $commit)}, comment_count => 0,
                    url => "$API/repos/$repo->{name}/git/commits/$sha" },
        author => user($commit->{author}),
        committer => user($commit->{author}),
        parents => [ map { { sha => $_, commit_urls($repo, $_) } }
                     @{$commit->{parents}} ],
        stats => { total => 0, additions => 0, deletions => 0 },
        files => [ map { {
            sha => $commit->{files}{$_} // Test::LiveUpdate::GitHub::Repo::NONE,
            filename => $_,
            status => $changes{$_},
            additions => 0, deletions => 0, changes => 0,
            blob_url => SITE . "/$repo->{name}/blob/$sha/$_",
            raw_url => SITE . "/$repo->{name}/raw/$sha/$_",
            contents_url => "$API/repos/$repo->{name}/contents/$_?ref=$sha",
        } } sort keys %changes ],
    };
}


# What "head" has that "base" does not have.

sub comparison {
    my ($repo, $base, $head, $most) = @_;

    my ($one, $other) = map { $repo->resolve($_)->{sha} } $base, $head;
    my $common = $repo->merge_base($one, $other);
    my @behind = $repo->new_commits($other, $one);
    my @ahead = $repo->new_commits($one, $other);
    my $html = SITE . "/$repo->{name}/compare/$base...$head";

    return {
        url => "$API/repos/$repo->{name}/compare/$base...$head",
        html_url => $html,
        permalink_url => $html,
        diff_url => "$html.diff",
        patch_url => "$html.patch",
        base_commit => commit($repo, $repo->{commits}{$one}),
        merge_base_commit => commit($repo, $repo->{commits}{$common}),
        status => @ahead && @behind ? 'diverged' : @ahead ? 'ahead'
                  : @behind ? 'behind' : 'identical',
        ahead_by => 0 + @ahead,
        behind_by => 0 + @behind,
        total_commits => 0 + @ahead,
        commits => [ map { commit($repo, $_) }
                     splice @{[ @ahead ]}, 0, $most ],
        files => commit($repo, { %{$repo->{commits}{$other}},
                                 parents => [ $common ] })->{files},
    };
}


sub blob {
    my ($repo, $sha) = @_;

    my $bytes = $repo->{blobs}{$sha};

    return {
        sha => $sha,
        node_id => "B_$sha",
        size => length $bytes,
        url => "$API/repos/$repo->{name}/git/blobs/$sha",
        content => encode_base64($bytes) =~ s/\n//gr =~ s/(.{1,60})/$1\n/gr,
        encoding => 'base64',
    };
}


sub content {
    my ($repo, $ref, $path, $with) = @_;

    my $commit = $repo->resolve($ref);
    my $sha = $commit->{files}{$path};
    my $bytes = $repo->{blobs}{$sha};
    my $url = "$API/repos/$repo->{name}/contents/$path?ref=$ref";
    my $git = "$API/repos/$repo->{name}/git/blobs/$sha";
    my $html = SITE . "/$repo->{name}/blob/$ref/$path";

    my %file = (
        name => $path =~ s{^.*/}{}r,
        path => $path,
        sha => $sha,
        size => length $bytes,
        url => $url,
        html_url => $html,
        git_url => $git,
        download_url => "https://raw.githubusercontent.com/$repo->{name}/$ref"
                        . "/$path",
        type => 'file',
        _links => { self => $url, git => $git, html => $html },
    );

    return \%file unless $with;

    # lines of 60 characters; larger files come without their content
    return { %file, length $bytes > INLINE
        ? (content => '', encoding => 'none')
        : (content => encode_base64($bytes) =~ s/\n//gr =~ s/(.{1,60})/$1\n/gr,
           encoding => 'base64') };
}


sub file_commit {
    my ($repo, $branch, $path, $commit) = @_;

    my $sha = $commit->{sha};

    return {
        content => content($repo, $branch, $path),
        commit => {
            %{git_commit($repo, $commit)},
            sha => $sha,
            node_id => "C_$sha",
            url => "$API/repos/$repo->{name}/git/commits/$sha",
            html_url => SITE . "/$repo->{name}/commit/$sha",
            parents => [ map { { sha => $_, commit_urls($repo, $_) } }
                         @{$commit->{parents}} ],
        },
    };
}


# -- pull requests -----------------------------------------------------------

# In a list there is less of it.

sub pull {
    my ($repo, $pull, $whole) = @_;

    $repo->refresh($pull);

    my $n = $pull->{number};
    my $root = "$API/repos/$repo->{name}";
    my $url = "$root/pulls/$n";
    my $html = SITE . "/$repo->{name}/pull/$n";
    my $by = $pull->{merged_by};

    my %urls = (
        html_url => $html,
        diff_url => "$html.diff",
        patch_url => "$html.patch",
        issue_url => "$root/issues/$n",
        commits_url => "$url/commits",
        review_comments_url => "$url/comments",
        review_comment_url => "$root/pulls/comments{/number}",
        comments_url => "$root/issues/$n/comments",
        statuses_url => "$root/statuses/$pull->{head_sha}",
    );

    return {
        url => $url,
        %urls,
        id => 0 + $pull->{id},
        node_id => "PR_$pull->{id}",
        number => 0 + $n,
        state => $pull->{state},
        locked => $false,
        title => $pull->{title},
        body => $pull->{body},
        user => user($pull->{by}),
        labels => [],
        milestone => undef,
        assignee => undef,
        assignees => [],
        requested_reviewers => [],
        requested_teams => [],
        draft => $false,
        active_lock_reason => undef,
        author_association => 'COLLABORATOR',
        auto_merge => undef,
        created_at => $pull->{created},
        updated_at => $pull->{updated},
        closed_at => $pull->{closed},
        merged_at => $pull->{merged} ? $pull->{closed} : undef,
        merge_commit_sha => $pull->{merge_sha},
        head => side($repo, @$pull{qw/ head head_sha /}),
        base => side($repo, @$pull{qw/ base base_sha /}),
        _links => {
            self => { href => $url },
            html => { href => $html },
            issue => { href => $urls{issue_url} },
            comments => { href => $urls{comments_url} },
            review_comments => { href => $urls{review_comments_url} },
            review_comment => { href => $urls{review_comment_url} },
            commits => { href => $urls{commits_url} },
            statuses => { href => $urls{statuses_url} },
        },
        $whole ? (
            merged => $pull->{merged} ? $true : $false,
            merged_by => defined $by ? user($by) : undef,
            mergeable => undef,
            mergeable_state => 'unknown',
            rebaseable => undef,
            maintainer_can_modify => $false,
            comments => 0,
            review_comments => 0,
            commits => 1,
            additions => 0,
            deletions => 0,
            changed_files => 2,
        ) : (),
    };
}


sub side {
    my ($repo, $branch, $sha) = @_;

    return {
        label => "$repo->{owner}:$branch",
        ref => $branch,
        sha => $sha,
        user => user($repo->{owner}),
        repo => repository($repo),
    };
}


# -- webhooks ----------------------------------------------------------------

sub push_payload {
    my ($repo, $what) = @_;

    my ($branch, $before, $after) = @$what{qw/ branch before after /};
    my $none = Test::LiveUpdate::GitHub::Repo::NONE;
    my @commits = map { pushed($repo, $_) } @{$what->{commits}};

    return {
        ref => "refs/heads/$branch",
        before => $before,
        after => $after,
        created => $before eq $none ? $true : $false,
        deleted => $after eq $none ? $true : $false,
        forced => $what->{forced} ? $true : $false,
        base_ref => undef,
        compare => SITE . "/$repo->{name}/compare/" . substr($before, 0, 12)
                   . '...' . substr($after, 0, 12),
        commits => \@commits,
        head_commit => $after eq $none ? undef
                       : pushed($repo, $repo->{commits}{$after}),
        repository => repository($repo),
        pusher => { name => $what->{by},
                    email => 'pusher@users.noreply.github.com' },
        sender => user($what->{by}),
    };
}


sub pushed {
    my ($repo, $commit) = @_;

    my $sha = $commit->{sha};
    my $person = { %{person($commit)}, username => $commit->{author} };
    my %changes = $repo->changes($commit->{parents}[0], $sha);

    return {
        id => $sha,
        tree_id => $repo->tree_of($commit),
        distinct => $true,
        message => $commit->{message},
        timestamp => $commit->{date},
        url => SITE . "/$repo->{name}/commit/$sha",
        author => $person,
        committer => $person,
        map { my $how = $_; $how => [ grep { $changes{$_} eq $how }
                                      sort keys %changes ]
        } qw/ added modified removed /,
    };
}


sub pull_payload {
    my ($repo, $what) = @_;

    return {
        action => $what->{action},
        number => 0 + $what->{pull}{number},
        pull_request => pull($repo, $what->{pull}, 1),
        repository => repository($repo),
        sender => user($what->{by}),
    };
}


sub ping_payload {
    my ($repo) = @_;

    my $url = "$API/repos/$repo->{name}/hooks/1";
    my $now = Test::LiveUpdate::GitHub::Repo::now();

    return {
        zen => 'Keep it logically awesome.',
        hook_id => 1,
        hook => {
            type => 'Repository',
            id => 1,
            name => 'web',
            active => $true,
            events => [qw/ pull_request push /],
            config => { content_type => 'json', insecure_ssl => '0',
                        secret => '********',
                        url => 'https://updates.example.com/hooks/github' },
            created_at => $now,
            updated_at => $now,
            url => $url,
            test_url => "$url/test",
            ping_url => "$url/pings",
            deliveries_url => "$url/deliveries",
            last_response => { code => undef, status => 'unused',
                               message => undef },
        },
        repository => repository($repo),
        sender => user($repo->{owner}),
    };
}


# -- errors ------------------------------------------------------------------

sub error {
    my ($status, $message, @errors) = @_;

    return {
        message => $message,
        documentation_url => DOCS,
        status => "$status",
        (@errors ? (errors => \@errors) : ()),
    };
}


1;
