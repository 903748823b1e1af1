#!/bin/sh

# Copyright (C) the nginx-liveupdate authors

# Runs the journeys of scale.pl on a throw-away engine:
#
#     scale.sh cephfs|glusterfs|nfs
#
# Everything happens in namespaces of its own, so that the engine needs no
# address and no folder of this machine, and goes with the last process.  DIR
# is where its disks lie, in memory: this measures the engine, not a disk.

set -e

engine=$1
here=$(cd "$(dirname "$0")" && pwd -P)
root=$(cd "$here/../.." && pwd -P)

test -x "$here/$engine.sh" || {
    echo "$0: no engine \"$engine\": use cephfs, glusterfs or nfs" >&2
    exit 2
}

if [ "$2" != inside ]; then
    test "$(id -u)" = 0 || {
        echo "$0: only root can make namespaces and mounts" >&2
        exit 1
    }

    mkdir -p "$root/build"
    DIR=$(mktemp -d "$root/build/scale.XXXXXX")
    export DIR

    unshare --mount --net --pid --ipc --uts --propagation private --fork \
        --kill-child --mount-proc "$0" "$engine" inside &
    child=$!

    # it ignores other signals, and all else ends with it

    finish()
    {
        kill -9 $child 2>/dev/null || true
        wait $child || true
        rmdir "$DIR"
    }

    trap finish EXIT
    trap 'exit 1' INT TERM HUP

    wait $child
    exit
fi

ip link set lo up
ip link add br0 type bridge
ip link set br0 up
ip addr add 10.77.0.254/24 dev br0
mount -t tmpfs -o size=8g scale "$DIR"
mount -t tmpfs run /run

# The wire of a machine is "tmN".  Those of NFS are Linuxes of their own; of the
# others the mount alone is in the machine's network.

test "$engine" = nfs || for n in 1 2 3; do
    ip netns add "m$n"
    ip link add "tm$n" type veth peer name eth0 netns "m$n"
    ip link set "tm$n" master br0 up
    ip -n "m$n" link set lo up
    ip -n "m$n" addr add "10.77.0.$((10 + n))/24" dev eth0
    ip -n "m$n" link set eth0 up
done

cd "$root"
exec perl -It/lib t/scale/scale.pl "$engine"
