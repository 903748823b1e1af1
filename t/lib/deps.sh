#!/bin/sh

# Copyright (C) the nginx-liveupdate authors

# Sees to the packages that a job needs:
#
#     deps.sh build [test] [clients] [browser] [caches] [shared] [fuzz]
#             [differ] [plugin] [bench] [static] [scale] [deb] [chroot] [image]
#
# What is missing is installed with apt-get if that exists and the user is
# root; elsewhere the names of the packages are printed and the job fails.
# Nothing is asked of the network while nothing is missing.

PATH=$PATH:/usr/sbin:/sbin
NGINX_SRC=${NGINX_SRC:-/usr/share/nginx/src}

missing=


need()
{
    missing="$missing $1"
}


need_command()
{
    command -v "$1" >/dev/null 2>&1 || need "$2"
}


need_header()
{
    echo "#include <$1>" | ${CC:-cc} -E - >/dev/null 2>&1 || need "$2"
}


need_perl()
{
    perl "-M$1" -e 1 >/dev/null 2>&1 || need perl
}


look()
{
    missing=

    for job; do
        case $job in

            build)
                need_command "${CC:-cc}" gcc
                need_command make make
                need_header stdlib.h libc6-dev
                need_header cjson/cJSON.h libcjson-dev
                need_header zip.h libzip-dev
                need_header yaml.h libyaml-dev
                need_header libdeflate.h libdeflate-dev
                need_header openssl/evp.h libssl-dev
                need_header zlib.h zlib1g-dev
                test -f "$NGINX_SRC/auto/module" || need nginx-dev
            ;;

            test)
                command -v "${TEST_NGINX_BINARY:-nginx}" >/dev/null 2>&1 \
                    || need nginx
                need_command prove perl
                need_perl JSON::PP
                need_perl IO::Compress::Zip
                need_command curl curl
                need_command openssl openssl
                need_command osslsigncode osslsigncode
                test -e /etc/ssl/certs/ca-certificates.crt \
                    || need ca-certificates

                # without them, tests with a file system of their own are
                # skipped

                if [ -c /dev/fuse ] && [ "$(id -u)" = 0 ]; then
                    need_command pkg-config pkg-config
                    need_command fusermount3 fuse3
                    need_header fuse3/fuse_opt.h libfuse3-dev
                fi
            ;;

            clients)
                need_command node nodejs
                need_command npm npm
            ;;

            browser)
                need_command chromium chromium
            ;;

            plugin)
                need_command javac default-jdk-headless
                test -e /usr/share/java/okhttp.jar || need libokhttp-java
                test -e /usr/share/java/okio.jar || need libokio-java
                test -e /usr/share/java/json-android.jar \
                    || need libandroid-json-org-java
                test -e /usr/share/java/zip4j.jar || need libzip4j-java
            ;;

            caches)
                need_command varnishd varnish
                need_command rsync rsync
            ;;

            shared)
                need_command fusermount3 fuse3
                test -e /usr/include/fuse3/fuse_lowlevel.h \
                    || need libfuse3-dev
            ;;

            scale)
                need_command ceph-mon ceph-mon
                need_command ceph-mgr ceph-mgr
                need_command ceph-osd ceph-osd
                need_command ceph-mds ceph-mds
                need_command ceph ceph-common
                need_command ceph-fuse ceph-fuse
                need_command glusterd glusterfs-server
                need_command linux.uml user-mode-linux
                need_command rpc.nfsd nfs-kernel-server
                need_command mount.nfs nfs-common
                need_command modprobe kmod
                need_command ip iproute2
                need_command unshare util-linux
                need_command mkfs.ext4 e2fsprogs
            ;;

            fuzz)
                need_command clang clang
                find /usr/lib/llvm-*/ /usr/lib/clang -name '*fuzzer*.a' \
                     2>/dev/null | grep -q . || need libclang-rt-dev
            ;;

            differ)
                need_command python3 python3
                need_command javac default-jdk-headless
                test -e /usr/share/java/zip4j.jar || need libzip4j-java
                need_command zip zip
                need_command bsdtar libarchive-tools
            ;;

            bench)
                need_command ip iproute2
                need_command chrt util-linux
                need_command wrk wrk
                need_command taskset util-linux
                need_command valgrind valgrind
            ;;

            static)
                need_command dpkg-source dpkg-dev
                need_header pcre2posix.h libpcre2-dev
            ;;

            deb)
                need_command dpkg-buildpackage dpkg-dev
                need_command dh debhelper
            ;;

            chroot)
                need_command mmdebstrap mmdebstrap
                need_command arch-test arch-test
                need_command unshare util-linux
                need_command ip iproute2
                test -e /usr/share/keyrings/debian-archive-keyring.gpg \
                    || need debian-archive-keyring
            ;;

            image)
                need_command buildah buildah
            ;;

            *)
                echo "$0: what is \"$job\"?" >&2
                exit 2
            ;;
        esac
    done

    missing=$(echo $missing | tr ' ' '\n' | sort -u | tr '\n' ' ')
    missing=${missing% }
}


look "$@"

if [ -z "$missing" ]; then
    exit 0
fi

if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    echo "installing: $missing"

    DEBIAN_FRONTEND=noninteractive
    export DEBIAN_FRONTEND

    apt-get -q update && apt-get -qy install --no-install-recommends $missing
    look "$@"
fi

if [ -n "$missing" ]; then
    echo "Missing; these are the names of the Debian packages: $missing" >&2
    exit 1
fi
