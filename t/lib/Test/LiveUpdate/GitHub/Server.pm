package Test::LiveUpdate::GitHub::Server;

# Copyright (C) the nginx-liveupdate authors

# The loop: connections of those who ask the API, with what is to go wrong,
# and of the test, which says what people do on GitHub.

use warnings;
use strict;

use Errno qw/ EAGAIN EINTR /;
use IO::Socket::INET;
use MIME::Base64 qw/ decode_base64 /;
use POSIX qw/ strftime /;
use Socket qw/ SOL_SOCKET SO_LINGER /;
use Time::HiRes qw/ time /;

use Test::LiveUpdate::GitHub::Entity qw/
    error ping_payload pull_payload push_payload
/;
use Test::LiveUpdate::GitHub::Repo;
use Test::LiveUpdate::GitHub::REST qw/ answer limit_reached /;
use Test::LiveUpdate::HTTP qw/ dechunk json_decode json_encode /;

use constant LOGGED => 256 * 1024;

# what people do: the name of an operation, and how it is called
my %OPERATIONS = (
    catch_up => sub { $_[0]->catch_up() },
    close => sub { $_[0]->close_pull(@_[1, 2]) },
    commit => sub { $_[0]->commit($_[1], bytes_of_files($_[2]), @_[3, 4]) },
    create => sub { $_[0]->create_ref("refs/heads/$_[1]", @_[2, 3]) },
    delete => sub { $_[0]->delete_ref(@_[1, 2]) },
    files => sub { $_[0]->files($_[1]) },
    heads => sub { $_[0]{heads} },
    lag => sub { my ($repo, $re, %opt) = @_; $repo->lag($re, %opt) },
    merge => sub { my ($repo, $n, %opt) = @_; $repo->merge_pull($n, %opt) },
    messages => sub { $_[0]->messages($_[1]) },
    move => sub { $_[0]->update_ref(@_[1, 2], 1, $_[3]) },
    open => sub { $_[0]->open_pull(@_[1 .. 5]) },
    pulls => sub {
        my ($repo, $re) = @_;

        [ map { $repo->refresh($_) }
          grep { !defined $re || $_->{head} =~ /$re/ } @{$repo->{pulls}} ]
    },
    reopen => sub { $_[0]->reopen_pull(@_[1, 2]) },
    revert => sub { $_[0]->revert_pull(@_[1, 2]) },
    set => sub { my ($repo, %opt) = @_; @$repo{keys %opt} = values %opt; 1 },
);


# new(api => port, control => port, log => path, tokens => { ... })

sub new {
    my ($class, %opt) = @_;

    $Test::LiveUpdate::GitHub::Entity::API = "http://127.0.0.1:$opt{api}";

    return bless {
        n => 0,
        repos => {},
        events => {},
        connections => {},
        rules => [],
        %opt,
    }, $class;
}


sub serve {
    my ($self) = @_;

    my $parent = getppid();

    $SIG{PIPE} = 'IGNORE';

    open $self->{fh}, '>>:raw', $self->{log}
        or die "cannot write $self->{log}: $!\n";

    $self->{control} = listen_on($self->{control});
    $self->listen();

    while (getppid() == $parent) {
        $self->wait_events();
    }
}


sub listen {
    my ($self) = @_;

    $self->{listener} ||= listen_on($self->{api});
}


sub listen_on {
    my ($port) = @_;

    my $s = IO::Socket::INET->new(Proto => 'tcp', Listen => 512, Reuse => 1,
                                  LocalAddr => "127.0.0.1:$port")
        or die "cannot listen on $port: $!\n";

    $s->blocking(0);

    return $s;
}


sub wait_events {
    my ($self) = @_;

    my ($rin, $win, $rout, $wout) = ('', '');
    my $now = time();

    for my $s (grep { defined } @$self{qw/ listener control /}) {
        vec($rin, fileno($s), 1) = 1;
    }

    for my $c (values %{$self->{connections}}) {
        next if $c->{orphan};

        vec($rin, fileno($c->{s}), 1) = 1;
        vec($win, fileno($c->{s}), 1) = 1
            if length $c->{out} && $now >= $c->{from};
    }

    select($rout = $rin, $wout = $win, undef, $self->pause($now));

    for my $name (qw/ listener control /) {
        next unless $self->{$name} && vec($rout, fileno($self->{$name}), 1);

        while (my $s = $self->{$name}->accept()) {
            $s->blocking(0);
            $self->{connections}{$s} = {
                s => $s, in => '', out => '', from => 0,
                control => $name eq 'control',
            };
        }
    }

    for my $c (values %{$self->{connections}}) {
        $self->transmit($c) if vec($wout, fileno($c->{s}), 1);
        $self->receive($c) if defined fileno($c->{s})
                              && vec($rout, fileno($c->{s}), 1);
        $self->act($c) if defined $c->{due} && time() >= $c->{due};
    }
}


# Until the next thing that is to happen at some time.

sub pause {
    my ($self, $now) = @_;

    my $pause = 0.5;

    for my $c (values %{$self->{connections}}) {
        for my $at (grep { defined } $c->{due},
                    length $c->{out} ? $c->{from} : undef)
        {
            $pause = $at - $now if $at > $now && $at - $now < $pause;
            $pause = 0 if defined $c->{due} && $c->{due} <= $now;
        }
    }

    return $pause;
}


sub receive {
    my ($self, $c) = @_;

    my $n = sysread($c->{s}, $c->{in}, 65536, length $c->{in});

    return if !defined $n && ($! == EAGAIN || $! == EINTR);
    return $self->left($c) if !$n;

    return $self->operations($c) if $c->{control};

    $self->next_request($c) unless $c->{request};
}


sub transmit {
    my ($self, $c) = @_;

    my $n = syswrite($c->{s}, $c->{out}, $c->{piece} // length $c->{out});

    if (!defined $n) {
        $self->drop($c, 'gone') if $! != EAGAIN && $! != EINTR;
        return;
    }

    substr($c->{out}, 0, $n, '');

    $c->{from} = time() + 0.05 if $c->{piece};

    return if length $c->{out} || $c->{control};

    $self->note($c, event => 'end', how => $c->{cut} ? 'cut' : 'whole');
    delete @$c{qw/ acted request /};

    return $self->drop($c) if $c->{close} || $c->{cut};

    $self->next_request($c);
}


# A request that nobody waits for any more is acted on if a rule says so.

sub left {
    my ($self, $c) = @_;

    return $self->drop($c, 'gone')
        unless $c->{request} && $c->{rule}{linger} && !$c->{acted};

    $c->{orphan} = 1;
}


sub drop {
    my ($self, $c, $how) = @_;

    $self->note($c, event => 'end', how => $how // 'cut') if $c->{request};

    delete $self->{connections}{$c->{s}};
    close $c->{s};
}


sub note {
    my ($self, $c, %entry) = @_;

    my $line = json_encode({ at => time(), n => $c->{n}, %entry });

    syswrite($self->{fh}, "$line\n");
}


# -- requests ----------------------------------------------------------------

sub next_request {
    my ($self, $c) = @_;

    $c->{in} =~ /\A(.*?)\r\n\r\n/s or return;

    my ($head, $size) = ($1, length($1) + 4);
    my ($line, @headers) = split /\r\n/, $head;
    my ($method, $uri, $version) = split / /, $line;
    my %headers;

    for (@headers) {
        my ($name, $value) = split /:\s*/, $_, 2;

        $name = lc $name;
        $headers{$name} = exists $headers{$name} ? "$headers{$name}, $value"
                                                 : $value;
    }

    my $body = substr $c->{in}, $size;

    if (($headers{'transfer-encoding'} // '') eq 'chunked') {
        $body =~ /(?:\A|\r\n)0\r\n\r\n/ or return;
        $size = length $c->{in};
        $body = dechunk($body);

    } else {
        my $length = $headers{'content-length'} // 0;

        return if length $body < $length;

        $size += $length;
        $body = substr $body, 0, $length;
    }

    substr($c->{in}, 0, $size, '');

    my ($path, $query) = split /\?/, $uri, 2;

    $c->{n} = ++$self->{n};
    $c->{close} = $version eq 'HTTP/1.0'
        ? ($headers{connection} // '') !~ /keep-alive/i
        : ($headers{connection} // '') =~ /close/i;

    $c->{request} = { method => $method, path => $path, query => $query,
                      headers => \%headers, body => $body };
    $c->{rule} = $self->rule("$method $uri $body");

    $self->note($c, event => 'request', method => $method, uri => $uri,
                version => $version, headers => \%headers,
                body => logged($body));

    $c->{due} = time() + ($c->{rule}{delay} // 0);
    delete $c->{due} if ($c->{rule}{hold} // '') eq 'before';
}


sub logged {
    my ($bytes) = @_;

    utf8::decode($bytes);

    return length $bytes > LOGGED ? substr $bytes, 0, LOGGED : $bytes;
}


sub logged_json {
    my ($json) = @_;

    return $json if ref $json ne 'HASH'
                    || length($json->{content} // '') <= LOGGED;

    return { %$json, content => substr $json->{content}, 0, 60 };
}


sub rule {
    my ($self, $what) = @_;

    for my $rule (@{$self->{rules}}) {
        my ($re, $do) = @$rule;

        next if $what !~ $re;
        next if ($do->{skip} // 0) > 0 && $do->{skip}-- > 0;
        next if defined $do->{times} && $do->{times}-- <= 0;

        return { %$do };
    }

    return {};
}


# The moment at which a request has its effect, or not.

sub act {
    my ($self, $c) = @_;

    delete $c->{due};
    $c->{acted} = 1;

    my $rule = $c->{rule};

    return $self->reset_connection($c) if ($rule->{cut} // '') eq 'before';

    my $reply = $rule->{limit}
        ? limit_reached($rule->{limit}, $rule->{status} // 403,
                        $rule->{seconds} // 60)
        : $rule->{status} && !$rule->{effect} ? spoiled($rule)
        : answer($c->{request}, %$self{qw/ repos tokens /});

    my $acted = $rule->{limit} || $rule->{status} && !$rule->{effect} ? 0 : 1;

    $reply = spoiled($rule, $reply) if $rule->{effect};

    push @{$reply->{headers}}, @{$rule->{with} || []};

    $self->note($c, event => 'reply', status => $reply->{status},
                acted => $acted, json => logged_json($reply->{json}),
                scripted => $rule->{status} || defined $rule->{body} ? 1 : 0);

    return $self->reset_connection($c)
        if $c->{orphan} || ($rule->{cut} // '') eq 'after';

    $c->{reply} = $self->bytes_of($c, $reply);
    $c->{from} = time() + ($rule->{late} // 0);
    $c->{piece} = $rule->{slow};

    if (($rule->{cut} // '') eq 'during') {
        $c->{reply} = substr $c->{reply}, 0, int(length($c->{reply}) / 2);
        $c->{cut} = 1;
    }

    return if ($rule->{hold} // '') eq 'after';

    $c->{out} = delete $c->{reply};
}


# What a rule says in the place of the right answer.

sub spoiled {
    my ($rule, $reply) = @_;

    my $status = $rule->{status} // $reply->{status};

    return {
        status => $status,
        headers => $rule->{headers} || [],
        (defined $rule->{body}
            ? (body => $rule->{body},
               type => $rule->{type} // 'text/html; charset=utf-8')
            : (json => error($status, $rule->{message} // 'Server Error',
                            @{$rule->{errors} || []}))),
    };
}


sub bytes_of {
    my ($self, $c, $reply) = @_;

    my $body = $reply->{body}
        // ($reply->{json} ? json_encode($reply->{json}) : '');

    utf8::encode($body) if utf8::is_utf8($body);

    return join "\r\n", "HTTP/1.1 $reply->{status} Status",
        'Server: github.com',
        'Date: ' . strftime('%a, %d %b %Y %H:%M:%S GMT', gmtime),
        'Content-Type: ' . ($reply->{type} // 'application/json; '
                                              . 'charset=utf-8'),
        ($reply->{status} == 204 ? () : 'Content-Length: ' . length $body),
        ($c->{close} ? 'Connection: close' : ()),
        @{$reply->{headers} || []}, '', $body;
}


sub reset_connection {
    my ($self, $c) = @_;

    setsockopt($c->{s}, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0);

    return $self->drop($c);
}


# -- the test ----------------------------------------------------------------

# One operation a line, one answer a line.

sub operations {
    my ($self, $c) = @_;

    while ($c->{in} =~ s/\A([^\n]*)\n//) {
        my ($name, @args) = @{json_decode($1)};

        my $result = eval { $self->operation($name, @args) };
        my $error = $@;

        $c->{out} .= json_encode(ref $error ? { error => $error }
                                 : $error ? { error => [ 0, "$error" ] }
                                 : { result => $result }) . "\n";
    }
}


sub operation {
    my ($self, $name, @args) = @_;

    my $method = $self->can("do_$name");

    return $self->$method(@args) if $method;

    my $repo = $self->{repos}{$args[0]} or die "no repository \"$args[0]\"\n";
    my $operation = $OPERATIONS{$name} or die "no operation \"$name\"\n";

    return $operation->($repo, @args[1 .. $#args]);
}


# Their bytes, or that there is no such file.

sub bytes_of_files {
    my ($files) = @_;

    return { map {
        $_ => defined $files->{$_} ? decode_base64($files->{$_}) : undef
    } keys %{$files || {}} };
}


# A repository from the beginning, in the place of what was there.

sub do_repository {
    my ($self, $name, %opt) = @_;

    $opt{files} = bytes_of_files($opt{files});

    $self->{events}{$name} = [];
    $self->{repos}{$name} = Test::LiveUpdate::GitHub::Repo->new(
        name => $name, %opt,
        event => sub { $self->event(@_) },
    );

    return $self->{repos}{$name}{heads};
}


# It is found under its new name, too; the old one leads there.

sub do_rename {
    my ($self, $name, $new) = @_;

    my $repo = $self->{repos}{$name} or die "no repository \"$name\"\n";

    $repo->rename($new);

    $self->{repos}{$new} = $repo;
    $self->{events}{$new} = $self->{events}{$name};

    return 1;
}


sub event {
    my ($self, $event, $repo, $what) = @_;

    my $payload = $event eq 'push' ? push_payload($repo, $what)
                                   : pull_payload($repo, $what);

    push @{$self->{events}{$repo->{name}}},
         { event => $event, id => uuid(), payload => $payload };
}


sub uuid {
    return join '-', map { join '', map { sprintf '%04x', rand 65536 } 1 .. $_
    } 2, 1, 1, 1, 3;
}


# What a webhook would have been told of since this was asked last.

sub do_events {
    my ($self, $name) = @_;

    return [ splice @{$self->{events}{$name}} ];
}


sub do_ping {
    my ($self, $name) = @_;

    return { event => 'ping', id => uuid(),
             payload => ping_payload($self->{repos}{$name}) };
}


sub do_rules {
    my ($self, @rules) = @_;

    $self->{rules} = [ map { [ qr/$_->[0]/, $_->[1] ] } @rules ];
    $self->do_release();

    return 1;
}


sub do_more {
    my ($self, @rules) = @_;

    push @{$self->{rules}}, map { [ qr/$_->[0]/, $_->[1] ] } @rules;

    return 1;
}


sub do_without {
    my ($self, $re) = @_;

    $self->{rules} = [ grep { $_->[0] !~ /$re/ } @{$self->{rules}} ];

    return 1;
}


# Requests that are held go on; those who are gone by then are found out when
# they are answered.

sub do_release {
    my ($self) = @_;

    for my $c (grep { $_->{request} } values %{$self->{connections}}) {
        if (defined $c->{reply}) {
            $c->{out} = delete $c->{reply};

        } elsif (!defined $c->{due} && !length $c->{out}) {
            delete $c->{rule}{hold};
            $c->{due} = time();
        }
    }

    return 1;
}


sub do_held {
    my ($self) = @_;

    return scalar grep {
        $_->{request} && !defined $_->{due} && !length $_->{out}
    } values %{$self->{connections}};
}


sub do_tokens {
    my ($self, %tokens) = @_;

    $self->{tokens} = \%tokens;

    return 1;
}


sub do_down {
    my ($self) = @_;

    $self->drop($_) for grep { !$_->{control} }
        values %{$self->{connections}};
    close delete $self->{listener} if $self->{listener};

    return 1;
}


sub do_up {
    my ($self) = @_;

    $self->listen();

    return 1;
}


1;
