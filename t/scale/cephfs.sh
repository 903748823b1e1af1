#!/bin/sh

# Copyright (C) the nginx-liveupdate authors

# CephFS with one monitor, one OSD and one MDS, mounted by ceph-fuse:
#
#     cephfs.sh up             starts it; DIR/nodes has "{name} {pid}"
#     cephfs.sh mount N        mounts it at DIR/mN; DIR/mount.N has the pid
#     cephfs.sh restart NAME   starts a node that was killed
#     cephfs.sh version
#
# Each mount has the network of its machine: see scale.sh.

set -e

address=10.77.0.254
conf=$DIR/ceph.conf
CEPH_CONF=$conf
export CEPH_CONF


write_conf()
{
    cat > "$conf" <<END
[global]
fsid = $(cat /proc/sys/kernel/random/uuid)
mon initial members = a
mon host = [v2:$address:3300,v1:$address:6789]
public addr = $address
cluster addr = $address
ms bind msgr2 = true
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
osd crush chooseleaf type = 0
mon allow pool size one = true
mon data = $DIR/mon
mgr data = $DIR/mgr
mds data = $DIR/mds
osd data = $DIR/osd
osd objectstore = bluestore
bluestore block size = 5368709120
osd memory target = 939524096
log file = $DIR/log/\$name.log
run dir = $DIR/run
admin socket = $DIR/run/\$name.\$pid.asok
pid file = $DIR/run/\$name.pid
mon warn on insecure global id reclaim = false
mon warn on insecure global id reclaim allowed = false
mon warn on pool no redundancy = false
mgr initial modules =
mds beacon grace = 15
osd heartbeat grace = 10

# A change is answered when it is on the disk: what others see does not wait
# for the next flush of the journal.
mds early reply = false

[client]
pid file = $DIR/run/\$name.\$pid.pid
END
}


node()
{
    case $1 in
        mon) ceph-mon -i a ;;
        mgr) ceph-mgr -i x ;;
        osd) ceph-osd -i 0 ;;
        mds) ceph-mds -i a ;;
    esac
}


pid_of()
{
    case $1 in
        mon) cat "$DIR/run/mon.a.pid" ;;
        mgr) cat "$DIR/run/mgr.x.pid" ;;
        osd) cat "$DIR/run/osd.0.pid" ;;
        mds) cat "$DIR/run/mds.a.pid" ;;
    esac
}


list()
{
    for name in osd mds; do
        echo "$name $(pid_of $name)"
    done > "$DIR/nodes"
}


active()
{
    tries=0

    until ceph mds stat 2>/dev/null | grep -q up:active; do
        tries=$((tries + 1))
        test $tries -lt 600 || { echo "no MDS is active" >&2; exit 1; }
        sleep 0.1
    done
}


up()
{
    mkdir -p "$DIR/run" "$DIR/log" "$DIR/mon" "$DIR/mgr" "$DIR/mds" "$DIR/osd"
    chmod 777 "$DIR" "$DIR/run" "$DIR/log"
    write_conf

    fsid=$(sed -n 's/^fsid = //p' "$conf")

    monmaptool --create --fsid "$fsid" \
        --addv a "[v2:$address:3300,v1:$address:6789]" \
        --clobber "$DIR/monmap"
    ceph-mon -i a --mkfs --monmap "$DIR/monmap"
    node mon
    node mgr

    uuid=$(cat /proc/sys/kernel/random/uuid)

    ceph osd new "$uuid"
    ceph-osd -i 0 --mkfs --osd-uuid "$uuid"
    node osd
    ceph osd pool create meta 8
    ceph osd pool create data 8
    ceph fs new fs meta data --force
    node mds
    active
    list
}


case $1 in

    up)
        up > "$DIR/up.log" 2>&1 || { tail -n 20 "$DIR/up.log" >&2; exit 1; }
    ;;

    mount)
        mkdir -p "$DIR/m$2"
        rm -f "$DIR"/run/client.*.pid
        nsenter --net="/run/netns/m$2" \
            ceph-fuse -n client.admin --client_mountpoint=/ "$DIR/m$2" \
            > "$DIR/mount.log" 2>&1 \
            || { cat "$DIR/mount.log" >&2; exit 1; }
        pgrep -f "^ceph-fuse.* $DIR/m$2\$" | tail -n 1 > "$DIR/mount.$2"
    ;;

    restart)
        node "$2" > "$DIR/restart.log" 2>&1
        test "$2" != mds || active
        list
    ;;

    version)
        ceph-fuse --version | sed 's/ (.*//'
    ;;
esac
