package Test::LiveUpdate::Receiver;

# Copyright (C) the nginx-liveupdate authors

# Those who are notified, on loopback: a server that writes down each request
# with its body, and answers as a script says, which may change meanwhile.

use warnings;
use strict;

use Fcntl qw/ LOCK_EX /;
use IO::Socket::INET;
use MIME::Base64 qw/ encode_base64 /;
use POSIX ();
use Time::HiRes qw/ sleep time /;

use Test::LiveUpdate::HTTP qw/ json_decode json_encode /;


use constant SECRET => 'whsec_' . encode_base64('s' x 32, '');


# Runs until the test ends.

sub new {
    my ($class, $t) = @_;

    my $self = bless { t => $t, port => Test::LiveUpdate::port(8095),
                       rules => [], down => 0, mark => 0 }, $class;

    $t->write_file('receiver.log', '');
    $self->script();
    $t->run_daemon(sub { $self->serve() });

    $t->waitforsocket("127.0.0.1:$self->{port}")
        or die "the receiver does not listen\n";

    return $self;
}


sub url {
    my ($self) = @_;

    return "http://127.0.0.1:$self->{port}";
}


# -- the configuration -------------------------------------------------------

# Writes the file of targets, for this test or another machine; {url} is the
# receiver's address, {secret} SECRET.

sub targets {
    my ($self, $text, $t) = @_;

    $t //= $self->{t};

    my $url = $self->url();

    $text =~ s/\{url\}/$url/g;
    $text =~ s/\{secret\}/@{[SECRET]}/g;

    $t->write_file('targets', $text);
    chmod 0600, $t->testdir() . '/targets';

    return $self;
}


# What is commented out of conf/liveupdate.conf counts, with this file; in $_.

sub adapt {
    s!^#liveupdate_notify .*?\n#\}\n!$& =~ s/^#//mgr!mse
        or die "nobody is notified\n";
    s!^liveupdate_notify .*!liveupdate_notify  targets  retry=100ms  disk=0%;!m;
}


# A server that notifies them.  "notify" are the parameters, or 0: it does not;
# "timeout" is how long it waits; "server" and "http" what else is in these.

sub configure {
    my ($self, %opt) = @_;

    my $notify = $opt{notify} // 'retry=100ms  disk=0%';
    my ($server, $http) = map { $opt{$_} // '' } qw/ server http /;
    my $timeout = $opt{timeout} // '60s';

    $notify = $notify ? "liveupdate_notify  targets  $notify;" : '';

    $self->{t}->write_file_expand('nginx.conf', <<"EOF");

%%TEST_GLOBALS%%

events {
}

http {
    %%TEST_GLOBALS_HTTP%%

    liveupdate_store   store;
    liveupdate_tokens  tokens;
    $notify

    server {
        listen  127.0.0.1:8080;

        location /v1/ {
            liveupdate_api;
        }

        location /releases/ {
            liveupdate_releases;
        }

        location /status {
            liveupdate_status;
        }

        location /notify/ {
            internal;

            proxy_pass             \$liveupdate_notify_url;
            proxy_http_version     1.1;
            proxy_read_timeout     $timeout;
            proxy_connect_timeout  $timeout;
            proxy_ignore_headers   X-Accel-Redirect X-Accel-Expires
                                   X-Accel-Limit-Rate X-Accel-Buffering
                                   X-Accel-Charset;
        }

        $server
    }

    $http
}

EOF

    return $self;
}


# -- what it answers ---------------------------------------------------------

# script(regular expression for the path => rule, ...):  the first rule that
# matches counts, with the next request:
#
# status => 500     in the place of 200
# headers => [ ]    more of them, "Name: value"
# redirect => $url  302
# delay => 0.5      seconds before the answer
# hold => 1         the answer comes when the script does not say so any more
# hang => 1         the same, but it is no answer
# drip => 1         a head, and then a body that never ends
# every => 3        only each third request is treated so

sub script {
    my ($self, @rules) = @_;

    $self->{rules} = [];

    while (my ($re, $rule) = splice @rules, 0, 2) {
        push @{$self->{rules}}, [ "$re", $rule ];
    }

    return $self->write_script();
}


sub write_script {
    my ($self) = @_;

    my $path = $self->{t}->testdir() . '/receiver.script';

    $self->{t}->write_file('receiver.script.new',
        json_encode({ down => $self->{down}, rules => $self->{rules} }));

    rename "$path.new", $path or die "cannot rename: $!\n";

    return $self;
}


# Connections are refused.

sub down {
    my ($self) = @_;

    $self->{down} = 1;
    $self->write_script();

    Test::LiveUpdate::wait_quietly(sub { !$self->listens() }, 10)
        or die "the receiver does not go down\n";

    return $self;
}


sub up {
    my ($self) = @_;

    $self->{down} = 0;
    $self->write_script();

    Test::LiveUpdate::wait_quietly(sub { $self->listens() }, 10)
        or die "the receiver does not come up\n";

    return $self;
}


sub listens {
    my ($self) = @_;

    return IO::Socket::INET->new(Proto => 'tcp',
                                 PeerAddr => "127.0.0.1:$self->{port}");
}


# -- what it got -------------------------------------------------------------

# Each {at, method, path, headers, body, status}, in the order of arrival,
# since mark().

sub mark {
    my ($self) = @_;

    $self->{mark} = $self->{t}->read_file('receiver.log') =~ tr/\n//;

    return $self;
}


sub requests {
    my ($self, $re) = @_;

    my $text = $self->{t}->read_file('receiver.log') =~ s/[^\n]*\z//r;
    my @lines = split /\n/, $text;

    return grep { !defined $re || $_->{path} =~ $re }
        map { json_decode($_) } @lines[$self->{mark} .. $#lines];
}


# Those that were answered with 2xx.

sub taken {
    my ($self, $re) = @_;

    return grep { $_->{status} >= 200 && $_->{status} < 300 }
        $self->requests($re);
}


# Their bodies, and the event with an id once: it may come again.

sub told {
    my ($self, $re) = @_;

    my %seen;

    return grep { !$seen{$_->{data}{id}}++ }
        map { json_decode($_->{body}) } $self->taken($re);
}


# -- the server --------------------------------------------------------------

sub serve {
    my ($self) = @_;

    my $parent = getppid();
    my $s;

    $SIG{PIPE} = 'IGNORE';
    $SIG{CHLD} = 'IGNORE';

    while (getppid() == $parent) {

        if ($self->read_script()->{down}) {
            close $s if $s;
            undef $s;
            sleep(0.02);
            next;
        }

        $s ||= $self->listen_on();

        my $rin = '';
        vec($rin, fileno($s), 1) = 1;

        next if select($rin, undef, undef, 0.05) <= 0;

        my $c = $s->accept() or next;

        next if fork();

        close $s;
        $self->answer($c);
        POSIX::_exit(0);
    }
}


sub listen_on {
    my ($self) = @_;

    return IO::Socket::INET->new(Proto => 'tcp', Listen => 512, Reuse => 1,
                                 LocalAddr => "127.0.0.1:$self->{port}")
        || die "cannot listen: $!\n";
}


sub read_script {
    my ($self) = @_;

    return json_decode($self->{t}->read_file('receiver.script'));
}


sub rule {
    my ($self, $path, $n) = @_;

    for my $known (@{$self->read_script()->{rules}}) {
        my ($re, $rule) = @$known;

        next if $path !~ /$re/;
        next if $rule->{every} && defined $n && $n % $rule->{every};

        return $rule;
    }

    return {};
}


sub answer {
    my ($self, $c) = @_;

    my $in = '';

    while ($in !~ /\r\n\r\n/) {
        sysread($c, $in, 65536, length $in) or return;
    }

    my ($head, $body) = split /\r\n\r\n/, $in, 2;
    my ($line, @headers) = split /\r\n/, $head;
    my ($method, $path) = split / /, $line;
    my %headers = map { /^([^:]+):\s*(.*)/ ? (lc $1 => $2) : () } @headers;

    while (length $body < ($headers{'content-length'} // 0)) {
        sysread($c, $body, 65536, length $body) or return;
    }

    my $rule = $self->note({ at => time(), method => $method, path => $path,
                             headers => \%headers, body => $body });

    sleep($rule->{delay}) if $rule->{delay};

    for my $way (grep { $rule->{$_} } qw/ hold hang /) {
        my $parent = getppid();

        sleep(0.05) while $self->rule($path)->{$way}
            && getppid() == $parent && $c->connected();

        return if $way eq 'hang';
    }

    my $status = $rule->{redirect} ? 302 : $rule->{status} // 200;

    my @more = @{$rule->{headers} || []};
    push @more, "Location: $rule->{redirect}" if $rule->{redirect};

    my $length = $rule->{drip} ? 1000000 : 2;

    print $c join "\r\n", "HTTP/1.1 $status Said", "Content-Length: $length",
        'Connection: close', @more, '', 'ok';
    $c->flush();

    if ($rule->{drip}) {
        my $parent = getppid();

        while (getppid() == $parent) {
            sleep(0.1);
            syswrite($c, '.') or last;
        }
    }
}


# Writes a request down, with the status that it is going to get.  Returns the
# rule that says so: the script may be another one a moment later.

sub note {
    my ($self, $entry) = @_;

    my $path = $self->{t}->testdir() . '/receiver.log';

    open my $fh, '+>>:raw', $path or die "cannot write: $!\n";
    flock $fh, LOCK_EX or die "cannot lock: $!\n";

    seek $fh, 0, 0;
    my $n = 1;
    $n++ while <$fh>;

    my $rule = $self->rule($entry->{path}, $n);

    $entry->{status} = $rule->{hang} ? 0
        : $rule->{redirect} ? 302 : $rule->{status} // 200;

    syswrite $fh, json_encode($entry) . "\n";
    close $fh;

    return $rule;
}


1;
