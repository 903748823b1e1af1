#!/bin/sh

# Copyright (C) the nginx-liveupdate authors

# Builds the Debian package for this system's nginx:
#
#     build.sh DIR
#
# The package is then in DIR.  A module fits one version of nginx, so the
# version of the package ends with the release of Debian that it was built on.

umask 022

root=$(cd "$(dirname "$0")/.." && pwd -P)


die()
{
    echo "$0: $*" >&2
    exit 1
}


test $# = 1 || die "usage: $0 DIR"

release=$(sed -n 's/^VERSION_ID="\{0,1\}\([0-9.]*\).*/\1/p' /etc/os-release)
release=deb${release:-sid}

rm -rf "$1/source" "$1"/libnginx-mod-http-liveupdate*
mkdir -p "$1/source" && dir=$(cd "$1" && pwd -P) \
    || die "cannot create $1"

cd "$root" \
    && cp -R LICENSE README.md Makefile config ./*.c ./*.map conf docs src \
           packaging "$dir/source" \
    && cp -R packaging/debian "$dir/source/debian" \
    || die "cannot copy the sources to $dir"

cd "$dir/source" \
    && sed -i "1s/)/~$release)/" debian/changelog \
    && dpkg-buildpackage -us -uc -b > "$dir/build.log" 2>&1 \
    || {
        tail -n 30 "$dir/build.log" >&2
        die "the package was not built, see $dir/build.log"
    }

cd "$dir" && ls ./*_*.deb
