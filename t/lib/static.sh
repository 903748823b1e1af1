#!/bin/sh

# Copyright (C) the nginx-liveupdate authors

# Links the module into nginx:  static.sh DIR  makes DIR/nginx, from the
# sources of Debian's package, or from those in NGINX_SOURCE if that is set.
# Where the sources come from is what the system's own apt sources say, with
# "deb-src" in place of "deb"; the system's lists are left alone.

set -e

addon=$(cd "$(dirname "$0")/../.." && pwd)

mkdir -p "$1"
cd "$1"
dir=$(pwd)


fetch()
{
    mkdir -p apt/lists/partial apt/cache/archives/partial apt/sources

    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
        if [ -f "$file" ] && grep -q debian "$file"; then
            sed -e 's/^Types: .*/Types: deb-src/' -e 's/^deb /deb-src /' \
                "$file" > "apt/sources/$(basename "$file")"
        fi
    done

    set -- -o Dir::Etc::SourceList=/dev/null \
           -o Dir::Etc::SourceParts="$dir/apt/sources" \
           -o Dir::State::Lists="$dir/apt/lists" \
           -o Dir::Cache="$dir/apt/cache" \
           -o APT::Sandbox::User=root

    apt-get "$@" update

    # A mirror may list a version that it does not have, or no longer.

    for version in $(apt-cache "$@" madison nginx \
                     | awk '/Sources/ { print $3 }')
    do
        if apt-get "$@" source "nginx=$version"; then
            return
        fi
    done

    # Nor may it have Debian's patches, which the module does not need.

    for tar in nginx_*.orig.tar.*z; do
        if tar -xf "$tar"; then
            return
        fi
    done

    echo "$0: no version of nginx's source could be fetched" >&2
    exit 1
}


if [ -z "$NGINX_SOURCE" ]; then
    set -- nginx-*/configure

    if [ ! -f "$1" ]; then
        fetch
        set -- nginx-*/configure
    fi

    NGINX_SOURCE=$dir/$(dirname "$1")
fi

cd "$NGINX_SOURCE"

# a checkout of the repository has it elsewhere

configure=./configure
test -f $configure || configure=auto/configure

$configure --prefix="$dir" --builddir="$dir/objs" --with-debug \
    --with-threads --with-http_ssl_module --with-http_v2_module \
    --with-http_stub_status_module --with-http_realip_module \
    --with-cc-opt="${CFLAGS--g -O2}" --with-ld-opt="$LDFLAGS" \
    --add-module="$addon" > "$dir/configure.log" \
    || { tail -n 20 "$dir/configure.log" >&2; exit 1; }

make -s -f "$dir/objs/Makefile" -j"$(nproc 2>/dev/null || echo 2)" build

if [ -f "$dir/objs/angie" ]; then
    cp "$dir/objs/angie" "$dir/nginx"
else
    cp "$dir/objs/nginx" "$dir/nginx"
fi
