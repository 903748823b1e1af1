package Test::LiveUpdate::Program;

# Copyright (C) the nginx-liveupdate authors

# Programs for Windows that do nothing, and signatures of them by osslsigncode,
# with certificates that nobody trusts.

use warnings;
use strict;

use Exporter qw/ import /;

our @EXPORT_OK = qw/ certificate expire program sign /;


# program($body, $bits): the bytes of a program of 64 or 32 bits.

sub program {
    my ($body, $bits) = @_;

    my $wide = ($bits // 64) == 64;

    my $optional = pack('vx2V5', $wide ? 0x20b : 0x10b, 512, 0, 0, 4096, 4096)
        . ($wide ? pack('VV', 0x400000, 0) : pack('VV', 0, 0x400000))
        . pack('VVv6V4v2', 4096, 512, 6, 0, 0, 0, 6, 0, 0, 8192, 512, 0, 3, 0)
        . pack($wide ? '(Vx4)4' : 'V4', (1 << 20, 4096) x 2)
        . pack('VVx128', 0, 16);

    $body .= "\0" x (-length($body) % 512);

    my $head = pack('a60V', 'MZ', 64)
        . pack('a4vvVVVvv', 'PE', $wide ? 0x8664 : 0x14c, 1, 0, 0, 0,
               length $optional, 0x22)
        . $optional
        . pack('a8V6v2V', '.text', length $body, 4096, length $body, 512, 0, 0,
               0, 0, 0x60000020);

    return pack('a512', $head) . $body;
}


# certificate($t, $name, $subject, $usage): a key and a certificate, for
# signatures unless $usage says otherwise.  Returns the name.

sub certificate {
    my ($t, $name, $subject, $usage) = @_;

    my $dir = $t->testdir();

    run($t, qw/ openssl req -x509 -nodes -newkey ec
                -pkeyopt ec_paramgen_curve:prime256v1 -days 3650 /,
        -subj => $subject,
        -addext => 'extendedKeyUsage=' . ($usage // 'codeSigning'),
        -keyout => "$dir/$name.key", -out => "$dir/$name.crt");

    return $name;
}


# expire($t, $certificate): the same, but it is no longer valid.

sub expire {
    my ($t, $name) = @_;

    my $dir = $t->testdir();

    run($t, qw/ openssl req -new -subj /, "/CN=$name",
        -key => "$dir/$name.key", -out => "$dir/$name.csr");

    # only this command of all versions takes dates of the past

    $t->write_file('past.txt', '');
    $t->write_file('past.conf', <<"EOC");
[ca]
default_ca = past

[past]
database = $dir/past.txt
new_certs_dir = $dir
rand_serial = yes
default_md = sha256
policy = policy

[policy]
commonName = supplied
EOC

    run($t, qw/ openssl ca -batch -selfsign -notext /,
        -startdate => '20200101000000Z', -enddate => '20200201000000Z',
        -config => "$dir/past.conf", -keyfile => "$dir/$name.key",
        -in => "$dir/$name.csr", -out => "$dir/$name.crt");

    return $name;
}


# sign($t, $bytes, $certificate, @options): the bytes of the signed program.

sub sign {
    my ($t, $bytes, $certificate, @options) = @_;

    my $dir = $t->testdir();

    $t->write_file('unsigned.exe', $bytes);
    unlink "$dir/signed.exe";

    run($t, qw/ osslsigncode sign /, -certs => "$dir/$certificate.crt",
        -key => "$dir/$certificate.key", @options,
        -in => "$dir/unsigned.exe", -out => "$dir/signed.exe");

    return $t->read_file('signed.exe');
}


sub run {
    my ($t, @command) = @_;

    my $log = $t->testdir() . '/sign.log';

    open my $out, '>&', \*STDOUT or die "dup: $!\n";
    open my $err, '>&', \*STDERR or die "dup: $!\n";
    open STDOUT, '>>', $log or die "$log: $!\n";
    open STDERR, '>>', $log or die "$log: $!\n";

    my $status = system { $command[0] } @command;

    open STDOUT, '>&', $out or die "dup: $!\n";
    open STDERR, '>&', $err or die "dup: $!\n";

    die "@command: status $status\n" if $status;
}


1;
