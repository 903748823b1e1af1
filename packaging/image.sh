#!/bin/sh

# Copyright (C) the nginx-liveupdate authors

# Makes an image of Debian with the package, without a registry:
#
#     image.sh PACKAGE SUITE FILE
#
# FILE is an archive for "podman load" and "docker load".  BUILDAH has options
# for buildah, such as --root.

set -e

root=$(cd "$(dirname "$0")/.." && pwd -P)
package=$1
suite=$2
file=$3

test $# = 3 || { echo "usage: $0 PACKAGE SUITE FILE" >&2; exit 2; }

mkdir -p "$(dirname "$file")"
work=$(mktemp -d "$(dirname "$file")/image.XXXXXX")
trap 'rm -rf "$work"' EXIT

cp "$package" "$work/liveupdate.deb"

mmdebstrap --format=tar --variant=minbase --include=nginx,ca-certificates \
    --customize-hook="copy-in $work/liveupdate.deb /root" \
    --customize-hook='chroot "$1" sh -c "apt-get -q update \
        && apt-get -qy install --no-install-recommends /root/liveupdate.deb \
        && apt-get clean && rm -rf /var/lib/apt/lists/* /root/liveupdate.deb \
            /etc/nginx/sites-enabled/default"' \
    --customize-hook='cd "$1/var/log/nginx" && ln -sf /dev/stdout access.log \
        && ln -sf /dev/stdout liveupdate.log && ln -sf /dev/stderr error.log \
        && ln -sf /dev/stderr liveupdate.error.log \
        && ln -sf /dev/stderr liveupdate.jobs.log' \
    --customize-hook="copy-in $root/packaging/image/start \
        $root/packaging/image/health /usr/local/bin" \
    "$suite" "$work/root.tar" > "$work/log" 2>&1 \
    || { tail -n 20 "$work/log" >&2; exit 1; }

# a health check is part of this format only

BUILDAH_FORMAT=docker
export BUILDAH_FORMAT

container=$(buildah $BUILDAH from scratch)

buildah $BUILDAH add -q "$container" "$work/root.tar" / > /dev/null
buildah $BUILDAH config \
    --entrypoint '["/usr/local/bin/start"]' --cmd '' \
    --port 8080/tcp --volume /var/lib/liveupdate --stop-signal SIGQUIT \
    --healthcheck 'CMD /usr/local/bin/health' \
    --healthcheck-interval 10s --healthcheck-timeout 6s "$container"

rm -f "$file"
buildah $BUILDAH commit -q --format docker "$container" \
    "docker-archive:$file:localhost/nginx-liveupdate:latest" > /dev/null
buildah $BUILDAH rm "$container" > /dev/null

ls "$file"
