#!/usr/bin/perl

# Copyright (C) the nginx-liveupdate authors

# A device on the command line: asks for an update, downloads it, verifies it,
# starts it, and tells what that took.
#
#     device.pl --server http://127.0.0.1:8080 --app ID --dir FOLDER
#               [--platform android|ios|electron] [--channel NAME]
#               [--id DEVICE] [--public-key FILE]

use warnings;
use strict;

use File::Basename qw/ dirname /;
use Getopt::Long;

use lib dirname(__FILE__) . '/../lib';

use Test::LiveUpdate::Device;

my %opt = (platform => 'android');

GetOptions(\%opt, qw/ server=s app=s dir=s platform=s channel=s id=s
                      public-key=s /) or exit 2;

for my $name (qw/ server app dir /) {
    die "$0: --$name is missing\n" unless defined $opt{$name};
}

$opt{public_key} = delete $opt{'public-key'} if defined $opt{'public-key'};

my $device = Test::LiveUpdate::Device->new(%opt);
my $got = eval { $device->sync() } or die "$0: $@";

if (!defined $got->{next}) {
    print 'Nothing new', defined $device->{reason} ? ": $device->{reason}" : '',
          "\n";
    exit 1;
}

$device->restart();

# what is installed already has not been told the kind of

my $kind = $got->{kind} // 'kept';

print "bundle=$got->{next} kind=$kind requests=$got->{requests}",
      " files=$got->{files} copied=$got->{copied} bytes=$got->{bytes}\n";
