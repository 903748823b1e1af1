#!/bin/sh

# Copyright (C) the nginx-liveupdate authors

# NFSv4.1 between kernels: one server and three machines, each a Linux as a
# process (user-mode-linux), so that this machine's kernel needs no NFS:
#
#     nfs.sh up                   starts the server; DIR/nodes has its pid
#     nfs.sh mount N              starts the N-th machine and mounts the export
#                                 at /mnt/lu there; DIR/mount.N has its pid
#     nfs.sh second N             mounts it twice more there, as other clients
#                                 would, at /mnt/one and /mnt/two
#     nfs.sh run N COMMAND        runs a command in it
#     nfs.sh copy                 copies the export to DIR/look
#     nfs.sh restart server       after it was killed
#     nfs.sh version
#
# MOUNT_OPTIONS are more options of the mount, none by default.

set -e

options=vers=4.1,hard${MOUNT_OPTIONS:+,$MOUNT_OPTIONS}


# Boots NAME with an address; it then takes commands from files.

boot()
{
    name=$1
    init=$DIR/init.$name

    mkdir -p "$DIR/do.$name"
    rm -f "$DIR/do.$name"/*

    cat > "$init" <<END
#!/bin/sh
PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin
HOME=/root
export PATH HOME
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs tmp /run
mount -t tmpfs tmp /mnt
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /var/lib/nfs
mkdir -p /run/rpcbind /run/lock /mnt/lu /mnt/export
mkdir -p /var/lib/nfs/v4recovery /var/lib/nfs/rpc_pipefs /var/lib/nfs/sm
: > /var/lib/nfs/etab
: > /var/lib/nfs/rmtab
mkdir -p /lib/modules
mount --bind /usr/lib/uml/modules /lib/modules
hostname $name
ip link set lo up
ip link set vec0 up
ip addr add $2/24 dev vec0
: > $DIR/do.$name/up
while :; do
    for f in $DIR/do.$name/*.sh; do
        test -e \$f || continue
        sh \$f > \$f.out 2>&1
        echo \$? > \$f.rc.new
        mv \$f \$f.done
        mv \$f.rc.new \$f.rc
    done
    sleep 0.05
done
END
    chmod +x "$init"

    ip tuntap add "t$name" mode tap 2>/dev/null || true
    ip link set "t$name" master br0 up

    setsid linux.uml mem=300M root=/dev/root rootfstype=hostfs rootflags=/ rw \
        "init=$init" "vec0:transport=tap,ifname=t$name,depth=128,gro=1" \
        con=null con0=null,fd:1 quiet $3 \
        > "$DIR/log.$name" 2>&1 < /dev/null &
    echo $! > "$DIR/pid.$name"

    tries=0

    until [ -e "$DIR/do.$name/up" ]; do
        tries=$((tries + 1))
        test $tries -lt 600 || { cat "$DIR/log.$name" >&2; exit 1; }
        sleep 0.1
    done
}


run()
{
    name=$1
    file=$DIR/do.$name/$$.$(date +%s%N)

    echo "$2" > "$file.new"
    mv "$file.new" "$file.sh"

    tries=0

    until [ -e "$file.sh.rc" ]; do
        tries=$((tries + 1))
        test $tries -lt 2400 || { echo "$name does not answer" >&2; exit 1; }
        sleep 0.05
    done

    cat "$file.sh.out"

    return "$(cat "$file.sh.rc")"
}


# A lease, and the grace after a start, take 15 seconds, and not 90.

serve()
{
    boot nfsd 10.77.0.10 "ubd0=$DIR/disk.img"
    echo "server $(cat "$DIR/pid.nfsd")" > "$DIR/nodes"

    run nfsd "
        set -e
        modprobe nfsd
        mount -t ext4 /dev/ubda /mnt/export
        chmod 777 /mnt/export
        mount -t nfsd nfsd /proc/fs/nfsd
        mount -t rpc_pipefs rpc_pipefs /var/lib/nfs/rpc_pipefs
        echo 15 > /proc/fs/nfsd/nfsv4leasetime
        echo 15 > /proc/fs/nfsd/nfsv4gracetime
        exportfs -i -o rw,no_root_squash,fsid=0,sync,no_subtree_check,insecure \
            '10.77.0.0/24:/mnt/export'
        rpc.mountd -N 2 -N 3
        rpc.nfsd -N 3 -V 4.1 -V 4.2 8"
}


case $1 in

    up)
        truncate -s 2g "$DIR/disk.img"
        mkfs.ext4 -q "$DIR/disk.img"
        serve > "$DIR/up.log" 2>&1 || { tail -n 20 "$DIR/up.log" >&2; exit 1; }
    ;;

    mount)
        boot "m$2" "10.77.0.$((10 + $2))" ""
        cp "$DIR/pid.m$2" "$DIR/mount.$2"
        run "m$2" "
            set -e
            modprobe nfsv4
            mount -t rpc_pipefs rpc_pipefs /var/lib/nfs/rpc_pipefs
            mount -t nfs -o $options 10.77.0.10:/ /mnt/lu
            mkdir -p /mnt/lu/store" > "$DIR/mount.log" 2>&1 \
            || { cat "$DIR/mount.log" >&2; exit 1; }
    ;;

    second)
        run "m$2" "
            set -e
            for place in /mnt/one /mnt/two; do
                mkdir -p \$place
                mount -t nfs -o $options,lookupcache=none,nosharecache \
                    10.77.0.10:/ \$place
            done"
    ;;

    run)
        run "m$2" "$3"
    ;;

    copy)
        run nfsd "rm -rf $DIR/look && cp -a /mnt/export $DIR/look"
    ;;

    restart)
        serve > "$DIR/restart.log" 2>&1
    ;;

    version)
        linux.uml --version
    ;;
esac
