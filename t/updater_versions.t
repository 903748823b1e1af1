#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# Seven versions of the real electron-updater, and an app with ten releases:
# what each of them finds and downloads, by target, architecture, channel and
# rollout, and when a release is rolled back.
#
# LIVEUPDATE_UPDATERS=1 tries all of it, and prints the table of
# docs/electron-builder.md; otherwise it is x64, without beta, for few users.

use warnings;
use strict;

use File::Path qw/ make_path remove_tree /;
use Test::More;

use Test::LiveUpdate qw/ json_decode /;
use Test::LiveUpdate::Updater;

my $t = Test::LiveUpdate->new();
my $updater = Test::LiveUpdate::Updater->new($t);

my $all = $ENV{LIVEUPDATE_UPDATERS};
my $dir = $t->testdir();

my @targets = qw/ nsis mac appimage deb rpm /;
my @archs = $all ? qw/ x64 arm64 / : 'x64';
my @shares = $all ? (0, 0.1, 0.5, 1) : (0, 0.5, 1);

# the same installations in all versions

my @ids = map { sprintf '%08x-1234-4567-89ab-cdef01234567', 198_491_317 * $_ }
          1 .. ($all ? 20 : 2);

my @clients = clients();

my @cells = map {
    my $client = $_;

    map { my $target = $_; map { [ $client, $target, $_ ] } @archs }
    grep { $client->{$_} } @targets;
} @clients;

$ENV{APPROVAL} = 'on';

my @versions = qw/ 1.0.0 1.1.0-beta.1 1.1.0 1.2.0-beta.1 1.2.0 1.3.0-beta.1
                   1.3.0 1.4.0-beta.1 1.4.0-beta.2 1.4.0 /;

$t->config_reference()->run()
  ->plan(@versions + 2 + @cells * ($all ? 11 : 6));

my $n = 0;

my @builds = map { ++$n; {
    version => $_, id => "release$n", n => $n,
    channels => [ /beta/ ? 'beta' : qw/ latest beta / ],
} } @versions;

my %build = map { $_->{version} => $_ } @builds;

$updater->make('shop', { size => 300_000, edits => 2, targets => \@targets,
                         archs => \@archs }, @builds);

my %failed;

promote($_) for @builds[0 .. $#builds - 1];

each_gets('an update', '1.3.0', version => '1.2.0', installed => '1.2.0');

if ($all) {
    each_finds('nothing new', 'none', version => '1.3.0', checkOnly => 1);
    each_gets('a whole file', '1.3.0', version => '1.2.0');
    each_gets('a beta', '1.4.0-beta.2', version => '1.3.0-beta.1',
              built => 'beta');
}

my @in = map { rolled_out($_) } @shares;

is($in[0] . ' ' . $in[-1], '0 ' . @ids, 'a rollout begins and ends');
ok(!(grep { $in[$_] < $in[$_ - 1] } 1 .. $#in), 'and grows between');

$t->api('POST', '/releases/shop/rollback', {}, token => 'approve');

each_finds('none after a rollback', 'none', version => '1.4.0',
           checkOnly => 1) if $all;
each_gets('a downgrade', '1.3.0', version => '1.4.0', allowDowngrade => 1);

diag("\n", table()) if $all;

###############################################################################

# The clients, the oldest first: {package, version}, and whether it has each
# target.  The newest one is a module, which an older Node cannot require.

sub clients {
    my $folder = "$Test::LiveUpdate::ROOT/t/clients";
    my $said = `cd '$folder' && node -e '
        const Module = require("module");
        const load = Module._load;

        Module._load = (request, ...rest) =>
            request === "electron" ? {} : load(request, ...rest);

        for (const name of fs.readdirSync("node_modules")) {
            if (!/^electron-updater/.test(name)) {
                continue;
            }

            try {
                console.log(name, JSON.parse(fs.readFileSync(
                    \`node_modules/\${name}/package.json\`)).version,
                    ...Object.keys(require(name)));
            } catch (e) {
                console.error(name, e.code);
            }
        }' 2>/dev/null`;

    my %has = (nsis => 'NsisUpdater', mac => 'MacUpdater', deb => 'DebUpdater',
               appimage => 'AppImageUpdater', rpm => 'RpmUpdater');

    return sort { at_least($a, $b->{version}) ? 1 : -1 } map {
        my ($package, $version, @names) = split;
        my %names = map { $_ => 1 } @names;

        { package => $package, version => $version,
          map { $_ => $names{$has{$_}} } @targets }
    } split /\n/, $said;
}


sub at_least {
    my ($client, $version) = @_;

    my ($have, $need) = map { [ split /[.-]/ ] } $client->{version}, $version;

    return ($have->[0] <=> $need->[0] || $have->[1] <=> $need->[1]) >= 0;
}


sub promote {
    my ($build, %body) = @_;

    $t->api('POST', "/releases/shop/$build->{id}/promote", \%body,
            token => 'approve');
}


# An app for each cell, with a machine of its own: the answers, cell by cell.
# With several ids, those of the first one come first.

sub each_runs {
    my (%opt) = @_;

    my $installed = delete $opt{installed};
    my @with = @{delete $opt{ids} // [ undef ]};

    remove_tree("$dir/users");

    return $updater->node('updater', map { my $id = $_; map {
        my ($client, $target, $arch) = @$_;

        my $user = 'users/' . join '-', $client->{package}, $target, $arch,
                                        $id // ();
        my $file = { nsis => 'cache/my-app-updater/installer.exe',
                     mac => 'cache/my-app-updater/update.zip',
                     appimage => 'my-app.AppImage' }->{$target};

        if ($file && ($installed || $target eq 'appimage')) {
            make_path("$dir/$user/$file" =~ s{/[^/]*$}{}r);
            $t->write_file("$user/$file", $installed
                ? $updater->content('shop', $target, $build{$installed},
                                    asks($client, $target, $arch))
                : 'installed');
        }

        $updater->job('shop', $target, { version => $opt{version} },
                      package => $client->{package}, arch => $arch, %opt,
                      id => $id, dir => "$dir/$user",
                      installed => $target eq 'appimage' ? "$dir/$user/$file"
                                                         : undef);
    } @cells } @with);
}


# Before 6.4 it takes the first installer for Windows.

sub asks {
    my ($client, $target, $arch) = @_;

    return $target eq 'nsis' && !at_least($client, '6.4') ? 'x64' : $arch;
}


sub each_finds {
    my ($name, $version, %opt) = @_;

    my @answers = each_runs(%opt);

    for my $i (0 .. $#cells) {
        cell($i, $name, found($answers[$i]), $version);
    }
}


sub each_gets {
    my ($name, $version, %opt) = @_;

    my @answers = each_runs(%opt);

    for my $i (0 .. $#cells) {
        my ($client, $target, $arch) = @{$cells[$i]};

        my $answer = $answers[$i];
        my $want = $updater->content('shop', $target, $build{$version},
                                     asks($client, $target, $arch));
        my $file = $target eq 'appimage' ? "$dir/users/" . join('-',
                       $client->{package}, $target, $arch) . '/my-app.AppImage'
                                         : $answer->{file};
        my $got = found($answer);

        $got = 'other bytes'
            if $got eq $version && (!defined $file || !-e $file
               || $t->read_file($file =~ s{^\Q$dir\E/}{}r) ne $want);

        cell($i, $name, $got, $version);

        if ($opt{installed}) {
            my $part = $answer->{received} < length($want) / 2;

            $cells[$i][3] = $part ? 'parts' : 'whole';

            # others cannot, or not yet

            ok($part || $target =~ /deb|rpm/
               || $target eq 'mac' && !at_least($client, '6.3'),
               "only what has changed: @{[ named($i) ]}");
        }
    }
}


# The installations that find the last release at this share are the same ones
# for all.  Returns how many they are.

sub rolled_out {
    my ($share) = @_;

    my @found;

    promote($builds[-1], rollout => $share);

    my @answers = each_runs(version => '1.3.0', checkOnly => 1,
                            ids => \@ids);

    push @{$found[$_ % @cells]}, found($answers[$_]) for 0 .. $#answers;

    cell($_, 'a rollout of ' . 100 * $share . ' %', "@{$found[$_]}",
         "@{$found[0]}") for 0 .. $#cells;

    return scalar grep { $_ eq '1.4.0' } @{$found[0]};
}


sub found {
    my ($answer) = @_;

    return $answer->{error} ? $answer->{error}{message}
         : $answer->{isUpdate} ? $answer->{version} : 'none';
}


sub named {
    my ($i) = @_;

    my ($client, $target, $arch) = @{$cells[$i]};

    return "$client->{version} $target $arch";
}


sub cell {
    my ($i, $name, $got, $wanted) = @_;

    is($got, $wanted, named($i) . ": $name")
        or push @{$failed{named($i)}}, $name;
}


sub table {
    my %cells = map { $_->[0]{version} . " $_->[1] $_->[2]" => $_ } @cells;
    my $table = "| electron-updater | NSIS | macOS | AppImage | deb | rpm |\n"
                . "|---|---|---|---|---|---|\n";

    for my $client (@clients) {
        $table .= "| $client->{version} |";

        for my $target (@targets) {
            my %said = map {
                my $key = "$client->{version} $target $_";

                $failed{$key} ? (join(', ', @{$failed{$key}}) . " ($_)" => 1)
                : $cells{$key} ? ($cells{$key}[3] => 1) : ('–' => 1);
            } @archs;

            $table .= ' ' . join(', ', sort keys %said) . ' |';
        }

        $table .= "\n";
    }

    return $table;
}

###############################################################################
