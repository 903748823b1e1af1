#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# The guard of a desktop app: what installations do with a release is counted by
# their staging ids, and a rollout after which they are silent is halted, once.

use warnings;
use strict;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Test::LiveUpdate qw/ json_decode wait_until /;
use Test::LiveUpdate::Clock;
use Test::LiveUpdate::Receiver;
use Test::LiveUpdate::Updater;

use Digest::SHA qw/ sha256_hex /;

select STDERR; $| = 1;
select STDOUT; $| = 1;

use constant LOOK => 60;                # seconds, for a few looks of the guard
use constant HOUR => 3600;

my $t = Test::LiveUpdate->new();
my $clock = Test::LiveUpdate::Clock->new($t);
my $r = Test::LiveUpdate::Receiver->new($t);
my $updater = Test::LiveUpdate::Updater->new($t);

$ENV{APPROVAL} = 'on';

$r->targets('a json {url}/ secret={secret} event=release.halted '
            . 'event=release.resumed');
$t->config_reference(sub {
    $r->adapt() if $_[0] eq 'liveupdate.conf';
    s/^http \{\n/$&    liveupdate_everyone  \$http_x_check_now;\n/m;
})->run()->plan(41);

my $app = 'shop';

my @builds = (
    { version => '1.0.0', id => '260101aaaaaaaa1', n => 1 },
    { version => '1.1.0', id => '260201bbbbbbbb2', n => 2 },
    { version => '1.2.0', id => '260301cccccccc3', n => 3 },
);

my $built = $builds[1];

$updater->make($app, { size => 300_000, edits => 3, targets => ['nsis'] },
               @builds);
$updater->promote($app, $builds[0]);

my @in = installations(1);
my @out = installations(0);

# -- before there is a guard -------------------------------------------------

my $plan = { plan => [ { share => 0.5, for => '1m', devices => 3 },
                       { share => 1 } ] };

$t->refused(sub { promote($built, $plan) },
            '409 A step with "devices" needs a guard, which counts them: give '
            . 'the app one first.', 'nobody counts');

# -- offered, fetched, asks again --------------------------------------------

my %rules = (minimum => 50, comeback => 1);

guard(silence => 1);

# they come each day: from the second time on, that is known

ask($_) for @in[0 .. 59], @out[0 .. 119];
$clock->passes(20 * HOUR);
promote($built, { rollout => 0.5 });

is(ask($in[0], 'X-Check-Now' => 1), '1.1.0', 'a check by hand');
is(ask(undef), '1.0.0', 'and one of nobody');

my ($answer) = $updater->node('updater',
    $updater->job($app, 'nsis', $builds[0], id => $in[0]));

ok($answer->{isUpdate} && $answer->{file} && $answer->{id} eq $in[0],
   'a real app updates itself') or diag($answer->{error}{message} // '');

ok(counted(rollout => '1 1 0 1'), 'offered and fetched, once');

($answer) = $updater->node('updater',
    $updater->job($app, 'nsis', $builds[0], id => $out[0]));

ok($answer->{version} eq '1.0.0' && !$answer->{isUpdate}, 'another one has no '
   . 'update');
ok(counted(control => '1 0 0 1'), 'in the control group');

ask($_) for @in[1 .. 59], @out[1 .. 119];
ok(counted(rollout => '60 1 0 60', control => '120 0 0 120'),
   'the others are offered theirs');

$clock->passes(20 * HOUR);
ask($_) for @in[0 .. 19], @out[0 .. 119];
ok(counted(rollout => '60 1 20 60', control => '120 0 120 120'),
   'many of the rollout do not ask again');

# -- what people see ---------------------------------------------------------

is_deeply([ map { @{health()->{$_}}{qw/ offered fetched ran cameBack
                                         askedAgain /} }
                qw/ rollout control / ],
          [ 60, 1, 0, 0, 20, 120, 0, 0, 0, 120 ], 'the funnel');
is(health()->{releaseId}, $built->{id}, 'of the release');
is(health()->{verdict}{result}, 'content', 'there is still time');
is($t->api('GET', "/v1/apps/$app/devices")->{json}[0], undef,
   'installations are no devices');
is($t->said($t->api('GET', "/releases/$app/none/health")),
   '404 The app has no such desktop release that is released.',
   'of no other release');

my $metric = qr/^liveupdate_rollout_devices\{app="$app",channel="",
                 release="$built->{id}",deployment="$built->{id}",
                 group="rollout",state="askedAgain"\}\ 20$/mx;

like($t->api('GET', '/status', undef, token => undef)->{body}, $metric,
     'a metric');

# -- silence -----------------------------------------------------------------

guard();
$clock->passes(30 * HOUR);
ask($out[0]);

ok(look(sub { rule()->{halted} }), 'halted');

my $halted = rule()->{halted};

is("$halted->{by} $halted->{sign} $halted->{devices} $halted->{controls}",
   'guard silence 60 120', 'by the guard, with numbers');
like($halted->{reason}, qr/^66\.7 % of 60 devices in the rollout did not ask /,
     "since $halted->{reason}");

my $audit = $t->api('GET', "/releases/$app/audit")->{json}[0];

is("$audit->{by} $audit->{change} $audit->{subject}",
   "guard release.halt $built->{id}", 'in the audit log');
is($audit->{to}, $halted->{reason}, 'with the reason');
is(health()->{guarded}{reason}, $halted->{reason}, 'also beside the funnel');
is(health()->{halted}{by}, 'guard', 'which says that it is halted');
is(ask($in[1]), '1.0.0', 'nobody new is offered it');
ok($t->read_file('error.log') =~ /\[warn\].*release\.halt/, 'in the log');

is($t->api('POST', "/releases/$app/$built->{id}/resume", {},
           token => 'approve')->{status}, 200, 'resumed');
is(ask($in[20]), '1.1.0', 'offered again');
ok(counted(rollout => '60 1 21 60'), 'counting goes on');
is(rule()->{halted}, undef, 'a person has the last word');

# -- what people are told ----------------------------------------------------

my $known = "$built->{id} ($built->{version})";

wait_until { $r->told() == 2 } 20, 'two are told';

is(join('', map { "$_->{data}{text}\n" } $r->told()), <<"EOF", 'who is told');
The rollout of $known of $app was halted: $halted->{reason}.
approve has resumed the rollout of $known of $app.
EOF
is_deeply([map { [@{$_->{data}}{qw/ app by release /}] } $r->told()],
          [[$app, 'guard', $built->{id}], [$app, 'approve', $built->{id}]],
          'of what');

# -- a plan that waits -------------------------------------------------------

$built = $builds[2];

guard(minimum => 77);
promote($built, { plan => [ { share => 0.2, for => '1m' },
                            { share => 0.5, for => '1m', devices => 0 },
                            { share => 1 } ] });

is_deeply([ map { $_->{devices} } @{rule()->{plan}{steps}} ],
          [ 77, 0, undef ], 'a step waits for the minimum of the guard');

promote($built, $plan);

@in = installations(1);
@out = installations(0);

ask($_) for @in[0 .. 2];
ok(counted(rollout => '3 0 0 0'), 'three are offered it, and new');

$clock->passes(2 * HOUR);
ask($_) for @in[0, 1];
ok(counted(rollout => '3 0 2 0'), 'two ask again');
is(ask($out[0]), '1.0.0', 'the plan waits for a third one');

ask($in[2]);

ok(look(sub { rule()->{plan}{steps}[0]{enough} }), 'there it is');
ok(look(sub { ask($out[0]) eq '1.2.0' }), 'everybody gets it');
is($t->api('GET', "/releases/$app/audit")->{json}[0]{change},
   'release.enough', 'in the audit log');

###############################################################################

# 120 installations that half of the share includes, or not.

sub installations {
    my ($wanted) = @_;

    my @found;

    for (my $n = 0; @found < 120; $n++) {
        my $id = sprintf '%08d-0000-5000-800%d-%012d', $built->{n}, $wanted,
                         $n;

        push @found, $id
            if (sha256_hex("$built->{id}:$id") lt '8') == $wanted;
    }

    return @found;
}

sub ask {
    my ($id, @headers) = @_;

    push @headers, 'x-user-staging-id' => $id if defined $id;

    my $reply = $t->api('GET', "/desktop/$app/latest.yml", undef,
                        token => undef, headers => \@headers);

    return $reply->{body} =~ /^version: (\S+)$/m ? $1 : $reply->{status};
}

sub promote {
    my ($build, $body) = @_;

    return $t->api('POST', "/releases/$app/$build->{id}/promote", $body,
                   token => 'approve');
}

sub guard {
    my (%more) = @_;

    $t->api('PATCH', "/v1/apps/$app", { guard => { %rules, %more } });
}

sub health {
    return $t->api('GET', "/releases/$app/$built->{id}/health", undef,
                   token => 'read')->{json};
}

sub rule {
    my $rules = $t->api('GET', "/releases/$app/rules")->{json};

    my ($rule) = grep { $_->{buildId} eq $built->{id} }
                 @{$rules->{releaseRedirections}};

    return $rule;
}

# Waits until the store has these counts: offered, fetched, asked again, due
# within the first window.

sub counted {
    my (%wanted) = @_;

    my %found;

    my $done = look(sub {
        %found = %{sums()};
        !grep { $found{$_} ne $wanted{$_} } keys %wanted;
    });

    note("$_: $found{$_}") for $done ? () : sort keys %found;

    return $done;
}

sub look {
    my ($code) = @_;

    return wait_until { $clock->passes(1); $code->() } LOOK;
}

sub sums {
    my %sum = (rollout => [ (0) x 4 ], control => [ (0) x 4 ]);
    my @columns = (0, 2, 6, 7);

    for my $file (glob $t->testdir() . "/store/apps/$app/guard/*.json") {
        open my $fh, '<', $file or next;
        my $json = json_decode(join '', <$fh>);

        my ($entry) = grep { $_->{id} eq $built->{id} }
                      @{$json->{deployments}} or next;

        for my $row (@{$entry->{before}}, @{$entry->{since}}) {
            my $group = $sum{$row->[2] ? 'control' : 'rollout'};
            $group->[$_] += $row->[3 + $columns[$_]] for 0 .. 3;
        }
    }

    return { map { $_ => "@{$sum{$_}}" } keys %sum };
}
