#!/bin/sh

# Copyright (C) the nginx-liveupdate authors

# GlusterFS with one volume of three bricks, each of which has all files:
#
#     glusterfs.sh up             starts it; DIR/nodes has "{name} {pid}"
#     glusterfs.sh mount N        mounts it at DIR/mN; DIR/mount.N has the pid
#     glusterfs.sh restart NAME   starts a brick that was killed
#     glusterfs.sh version
#
# MOUNT_OPTIONS are those of the mount, none by default.  Each mount has the
# network of its machine: see scale.sh.

set -e

# GlusterFS takes no loopback address; that of scale.sh
address=10.77.0.254


# A brick writes its pid when it listens.

list()
{
    tries=0

    while :; do
        for brick in 1 2 3; do
            pid=$(cat /run/gluster/vols/lu/*disk$brick-brick.pid 2>/dev/null) \
                || pid=
            echo "brick$brick $pid"
        done > "$DIR/nodes"

        grep -q ' $' "$DIR/nodes" || return 0

        tries=$((tries + 1))
        test $tries -lt 200 || { echo "a brick does not start"; exit 1; }
        sleep 0.1
    done
}


up()
{
    for folder in /var/lib/glusterd /var/log/glusterfs; do
        mkdir -p "$DIR/state$folder" "$folder"
        mount --bind "$DIR/state$folder" "$folder"
    done

    mkdir -p /run/gluster

    # bricks need extended attributes, which a tmpfs may not have

    for brick in 1 2 3; do
        truncate -s 1g "$DIR/disk$brick.img"
        mkfs.ext4 -q "$DIR/disk$brick.img"
        mkdir -p "$DIR/disk$brick"
        mount -o loop "$DIR/disk$brick.img" "$DIR/disk$brick"
        mkdir "$DIR/disk$brick/brick"
    done

    glusterd

    tries=0

    until gluster --mode=script volume list; do
        tries=$((tries + 1))
        test $tries -lt 300 || { echo "glusterd does not answer"; exit 1; }
        sleep 0.1
    done

    gluster --mode=script volume create lu replica 3 \
        "$address:$DIR/disk1/brick" "$address:$DIR/disk2/brick" \
        "$address:$DIR/disk3/brick" force
    gluster --mode=script volume start lu
    list
}


case $1 in

    up)
        up > "$DIR/up.log" 2>&1 || { tail -n 20 "$DIR/up.log" >&2; exit 1; }
    ;;

    mount)
        mkdir -p "$DIR/m$2"

        tries=0

        until nsenter --net="/run/netns/m$2" \
            mount -t glusterfs ${MOUNT_OPTIONS:+-o $MOUNT_OPTIONS} \
            $address:/lu "$DIR/m$2" > "$DIR/mount.log" 2>&1
        do
            tries=$((tries + 1))
            test $tries -lt 20 || { cat "$DIR/mount.log" >&2; exit 1; }
            umount -l "$DIR/m$2" 2>/dev/null || true
            sleep 0.5
        done

        pgrep -f "glusterfs .*$DIR/m$2\$" | head -n 1 > "$DIR/mount.$2"
    ;;

    restart)
        gluster --mode=script volume start lu force > "$DIR/restart.log" 2>&1
        list
    ;;

    version)
        glusterfs --version | head -n 1
    ;;
esac
