#!/bin/sh

# Copyright (C) the nginx-liveupdate authors

# Runs the reference configuration out of a folder:
#
#     run.sh start DIR [PORT]        prepare, and start nginx
#     run.sh prepare DIR [PORT]      make what is missing, write nginx.conf
#     run.sh stop DIR                let nginx finish what it does, and quit
#
# The folder then holds all there is: store, logs, nginx.conf, tokens, the
# clear tokens in token.publish, token.approve and token.admin, and the secret
# of ToDesktop's webhook in secret.todesktop.  NGINX is the binary, MODULE the
# module's file (empty if it is linked into nginx), ORIGIN another origin of
# builds than ToDesktop's, APPROVAL "on" or "off".

umask 022

PATH=$PATH:/usr/sbin:/usr/local/sbin
export PATH

conf=$(cd "$(dirname "$0")" && pwd -P)
nginx=${NGINX:-nginx}
module=${MODULE-$conf/../build/ngx_http_liveupdate_module.so}


die()
{
    echo "$0: $*" >&2
    exit 1
}


# The clear token goes into a file of its own, its digest into the list.

make_token()
{
    token=ca_$(od -An -N20 -tx1 /dev/urandom | tr -d ' \n')

    test ${#token} = 43 || die "no random bytes in /dev/urandom"

    digest=$(printf %s "$token" | sha256sum | cut -d ' ' -f 1)

    test ${#digest} = 64 || die "sha256sum does not work"

    (
        umask 077
        echo "$token" > "$run/token.$1" && echo "$1 $1 $digest" >> "$new"
    ) || die "cannot write to $run"
}


make_tokens()
{
    if [ -e "$run/tokens" ]; then
        return
    fi

    new=$run/tokens.$$

    (umask 077 && echo "# name role[,role] sha256-of-token [app...]" > "$new") \
        || die "cannot write to $run"

    make_token publish
    make_token approve
    make_token admin

    mv "$new" "$run/tokens"
}


make_secret()
{
    if [ -e "$run/secret.todesktop" ]; then
        return
    fi

    secret=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')

    test ${#secret} = 64 || die "no random bytes in /dev/urandom"

    (umask 077 && echo "$secret" > "$run/secret.$$") \
        && mv "$run/secret.$$" "$run/secret.todesktop" \
        || die "cannot write to $run"
}


# The first name server of this machine, in the way nginx writes addresses.

resolver()
{
    address=$(sed -n 's/^nameserver[ \t]*\([^ \t%]*\).*/\1/p' \
        /etc/resolv.conf 2>/dev/null | head -n 1)

    case $address in
        '')  echo 127.0.0.53 ;;
        *:*) echo "[$address]" ;;
        *)   echo "$address" ;;
    esac
}


# Writes nginx.conf: the lines marked with "start:" say what to adapt.

make_conf()
{
    if [ -n "$module" ]; then
        test -f "$module" || die "there is no $module, run \"make\" first"

        module=$(cd "$(dirname "$module")" && pwd)/$(basename "$module")
        load="load_module  \"$module\";"

    else
        load=
    fi

    # Without root nginx cannot change the user, and warns if told to.

    if [ "$(id -u)" = 0 ]; then
        user="user  $(id -un)  $(id -gn);"

    else
        user=
    fi

    types=$("$nginx" -V 2>&1 | sed -n 's/.*--conf-path=\([^ ]*\).*/\1/p')
    types=$(dirname "${types:-/usr/local/nginx/conf/nginx.conf}")/mime.types

    if [ ! -f "$types" ]; then
        types=/etc/nginx/mime.types
    fi

    sed -e "s|^load_module .*# start: module\$|$load|" \
        -e "s|^user .*# start: user\$|$user|" \
        -e "s|include .*# start: types\$|include  $types;|" \
        -e "s|listen .*# start: port\$|listen  127.0.0.1:$port;|" \
        -e "s|resolver .*# start: resolver\$|resolver  $(resolver);|" \
        "$conf/nginx.conf" > "$run/nginx.conf" \
        || die "cannot write to $run"

    case $origin in
        http://*[!A-Za-z0-9.:/_-]* | https://*[!A-Za-z0-9.:/_-]*)
            die "\"$origin\" is no origin"
        ;;
        http://* | https://*)
        ;;
        *)
            die "an origin begins with http:// or https://"
        ;;
    esac

    case $approval in
        on | off)
        ;;
        *)
            die "APPROVAL is \"on\" or \"off\""
        ;;
    esac

    sed -e "s|set  .*# start: origin\$|set  \$liveupdate_origin  $origin;|" \
        -e "s|approval .*# start: approval\$|approval  $approval;|" \
        "$conf/liveupdate.conf" > "$run/liveupdate.conf" \
        || die "cannot write to $run"

    mkdir -p "$run/console" && cp "$conf/console/"* "$run/console/" \
        || die "cannot write to $run"
}


prepare()
{
    command -v "$nginx" >/dev/null 2>&1 || die "there is no $nginx"

    case $port in
        '' | *[!0-9]*)
            die "\"$port\" is no port"
        ;;
    esac

    mkdir -p "$run/logs" "$run/temp" \
        || die "cannot make $run"

    make_tokens
    make_secret
    make_conf
}


# The id of the running master process, if there is one.  After a crash the
# file may name somebody else's process: ours has its log open in here.

running()
{
    pid=$(cat "$run/nginx.pid" 2>/dev/null)

    test -n "$pid" && kill -0 "$pid" 2>/dev/null || return 1

    if [ -d "/proc/$pid/fd" ]; then
        ls -l "/proc/$pid/fd" 2>/dev/null | grep -qF " $run/logs/"
    fi
}


answers()
{
    if command -v curl >/dev/null 2>&1; then
        curl -s -o /dev/null --max-time 2 --noproxy '*' "$url/"

    else
        running
    fi
}


start()
{
    if running; then
        die "nginx already runs in $run, with pid $pid"
    fi

    prepare

    url=http://127.0.0.1:$port

    "$nginx" -p "$run/" -e logs/error.log -c "$run/nginx.conf" \
        || die "nginx did not start; $run/logs/error.log may say more"

    tries=0

    until running && answers; do
        tries=$((tries + 1))

        test $tries -lt 100 \
            || die "nginx does not answer; see $run/logs/error.log"

        sleep 0.1
    done

    echo "nginx-liveupdate answers at $url"
    echo "  store   $run/store"
    echo "  logs    $run/logs"
    echo "  tokens  $run/token.publish, token.approve, token.admin"
    echo "  secret  $run/secret.todesktop"
}


stop()
{
    if ! running; then
        echo "nginx does not run in $run"
        return
    fi

    kill -QUIT "$pid" || die "cannot stop nginx, pid $pid"

    tries=0

    while running; do
        tries=$((tries + 1))

        test $tries -lt 600 \
            || die "nginx, pid $pid, still has work to do after a minute"

        sleep 0.1
    done

    echo "nginx in $run has stopped"
}


command=$1
run=$2
port=${3:-8080}
origin=${ORIGIN:-https://download.todesktop.com}
origin=${origin%/}
approval=${APPROVAL:-off}

test -n "$run" || die "in which folder?  Say RUN=dir"

case $command in

    start | prepare)
        mkdir -p "$run" || die "cannot make $run"
        run=$(cd "$run" && pwd -P)

        $command
    ;;

    stop)
        test -d "$run" || die "there is no folder $run"
        run=$(cd "$run" && pwd -P)

        stop
    ;;

    *)
        die "\"$command\" is neither start nor prepare nor stop"
    ;;
esac
