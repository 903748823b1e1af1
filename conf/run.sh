#!/bin/sh

# Copyright (C) the nginx-liveupdate authors

# Runs the reference configuration out of a folder:
#
#     run.sh start DIR [PORT]        prepare, and start nginx
#     run.sh prepare DIR [PORT]      create what is missing, write nginx.conf
#     run.sh stop DIR                stop nginx gracefully
#
# The folder then contains everything: the store, logs, nginx.conf, the token
# file, the clear tokens in token.publish, token.approve and token.admin, a key
# of S3 clients in key.publish, and the secret of ToDesktop's webhook in
# secret.todesktop.  NGINX is the binary,
# MODULE the module's file (empty if it is linked into nginx), ORIGIN an origin
# of builds other than ToDesktop's, APPROVAL "on" or "off".

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


# Writes the clear token to its own file, and its digest to the token file.

make_token()
{
    token=ca_$(od -An -N20 -tx1 /dev/urandom | tr -d ' \n')

    test ${#token} = 43 || die "cannot read random bytes from /dev/urandom"

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


# A key of S3 clients for the token "publish", if there is such a token.

make_keys()
{
    if [ -e "$run/keys" ]; then
        return
    fi

    access=LU$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')
    secret=$(od -An -N20 -tx1 /dev/urandom | tr -d ' \n')

    test ${#secret} = 40 || die "cannot read random bytes from /dev/urandom"

    (
        umask 077
        new=$run/keys.$$

        echo "# access-key token-name secret" > "$new" || exit 1

        if grep -q '^publish ' "$run/tokens"; then
            echo "$access publish $secret" >> "$new" || exit 1

            printf 'AWS_ACCESS_KEY_ID=%s\nAWS_SECRET_ACCESS_KEY=%s\n' \
                "$access" "$secret" > "$run/key.publish" || exit 1
        fi

        mv "$new" "$run/keys"
    ) || die "cannot write to $run"
}


make_secret()
{
    if [ -e "$run/secret.todesktop" ]; then
        return
    fi

    secret=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')

    test ${#secret} = 64 || die "cannot read random bytes from /dev/urandom"

    (umask 077 && echo "$secret" > "$run/secret.$$") \
        && mv "$run/secret.$$" "$run/secret.todesktop" \
        || die "cannot write to $run"
}


# The first name server of this machine, in the syntax of "resolver".

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


# Writes nginx.conf: adapts the lines marked with "start:".

make_conf()
{
    if [ -n "$module" ]; then
        test -f "$module" || die "$module does not exist: run \"make\" first"

        module=$(cd "$(dirname "$module")" && pwd)/$(basename "$module")
        load="load_module  \"$module\";"

    else
        load=
    fi

    # Without root nginx cannot change the user, and warns about "user".

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
            die "invalid ORIGIN \"$origin\": it has a character that no URL has"
        ;;
        http://* | https://*)
        ;;
        *)
            die "invalid ORIGIN \"$origin\": it must begin with http://" \
                "or https://"
        ;;
    esac

    case $approval in
        on | off)
        ;;
        *)
            die "invalid APPROVAL \"$approval\": it must be \"on\" or \"off\""
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
    command -v "$nginx" >/dev/null 2>&1 \
        || die "cannot find $nginx: install nginx or set NGINX"

    case $port in
        '' | *[!0-9]*)
            die "invalid PORT \"$port\": it must be a number"
        ;;
    esac

    mkdir -p "$run/logs" "$run/temp" \
        || die "cannot create $run"

    make_tokens
    make_keys
    make_secret
    make_conf
}


# Sets pid to the running master process, if there is one.  After a crash the
# file may name another process; ours has its log open in this folder.

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
        die "nginx is already running in $run, pid $pid"
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
    echo "  key     $run/key.publish"
    echo "  secret  $run/secret.todesktop"
}


stop()
{
    if ! running; then
        echo "nginx is not running in $run"
        return
    fi

    kill -QUIT "$pid" || die "cannot stop nginx, pid $pid"

    tries=0

    while running; do
        tries=$((tries + 1))

        test $tries -lt 600 \
            || die "nginx, pid $pid, is still working after a minute"

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

test -n "$run" || die "no folder given: set RUN=dir"

case $command in

    start | prepare)
        mkdir -p "$run" || die "cannot create $run"
        run=$(cd "$run" && pwd -P)

        $command
    ;;

    stop)
        test -d "$run" || die "the folder $run does not exist"
        run=$(cd "$run" && pwd -P)

        stop
    ;;

    *)
        die "invalid command \"$command\": use start, prepare or stop"
    ;;
esac
