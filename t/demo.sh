#!/bin/sh

# Copyright (C) the nginx-liveupdate authors

# From nothing to apps that update themselves: what "make demo" shows.  nginx
# runs out of build/demo/run and is left running; DEMO_STOP=1 stops it.

set -e

root=$(cd "$(dirname "$0")/.." && pwd -P)
demo=$root/build/demo
run=$demo/run
www=$demo/www
origin=$demo/origin
desk=240808w4a9kky77
cli=$root/t/clients/node_modules/@capawesome/cli/dist/index.js

unset HTTP_PROXY HTTPS_PROXY http_proxy https_proxy

exec 3>&1


say()
{
    printf '%s\n' "$*" >&3
}


show()
{
    printf '    %s\n' "$*" >&3
}


failed()
{
    status=$?

    if [ $status != 0 ]; then
        "$root/conf/run.sh" stop "$run" >/dev/null 2>&1 || :
    fi

    if [ $status != 0 ] && [ $status != 130 ]; then
        say
        say "The demo failed.  What went before, and $run/logs/error.log:"
        tail -n 20 "$demo/last.log" "$run/logs/error.log" 2>/dev/null >&3
    fi

    stop_origin

    exit $status
}


# The CLI finds the server by the .capawesomerc in its working directory.  It
# also looks for a newer version of itself; our nginx is no proxy and refuses
# that at once, so that the demo needs nobody else.

capawesome()
{
    token=$1
    shift

    show "\$ npx @capawesome/cli $*"

    (
        cd "$demo"

        CI=1 NO_COLOR=1 HOME=$demo/home TMPDIR=$demo/home HTTPS_PROXY=$url \
        CAPAWESOME_TELEMETRY_DISABLED=1 \
        CAPAWESOME_TOKEN=$(cat "$run/token.$token") \
            node --require "$root/t/clients/keyring.js" "$cli" "$@" < /dev/null
    ) > "$demo/last.log" 2>&1
}


api()
{
    curl -sS --fail-with-body --noproxy '*' "$@" 2>&1 | tee "$demo/last.log"
}


# The value of a member of the JSON on standard input.

member()
{
    perl -MJSON::PP -e '
        my $text = join "", <STDIN>;
        my $value = eval { decode_json($text)->{$ARGV[0]} };
        die "no $ARGV[0] in the answer: $text\n" unless defined $value;
        print $value;
    ' "$1"
}


# A device; what it says is left in $got, one number of it in number().

sync()
{
    got=$("$root/t/clients/device.pl" --server "$url" --app "$app" \
              --channel production --dir "$demo/device" 2>"$demo/last.log")
}


number()
{
    printf '%s' "$got" | sed "s/.*$1=\\([0-9]*\\).*/\\1/"
}


# Grouped by thousands, as people read numbers.

bytes()
{
    printf '%s' "$1" | perl -pe '1 while s/^(\d+)(\d{3})/$1,$2/'
}


free_port()
{
    perl -MIO::Socket::INET -e '
        print IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 1)
                              ->sockport()'
}


# A web app: a page, its code and style, a library, a picture.

make_www()
{
    mkdir -p "$www/assets"

    cat > "$www/index.html" << END
<!doctype html>
<html>
<head><meta charset="utf-8"><title>Demo</title>
<link rel="stylesheet" href="style.css"></head>
<body><h1>Version $1</h1><img src="assets/photo.png">
<script src="assets/vendor.js"></script><script src="app.js"></script></body>
</html>
END

    echo "document.body.dataset.version = '$1';" > "$www/app.js"
    echo 'body { font: 16px/1.5 sans-serif; margin: 2rem }' > "$www/style.css"

    if [ ! -f "$www/assets/vendor.js" ]; then
        perl -e 'srand 1; print "export const f$_ = (x) => x * ",
                 int rand 1e9, " + $_;\n" for 1 .. 8000' \
            > "$www/assets/vendor.js"
        perl -e 'srand 2; print "\x89PNG\r\n\x1a\n",
                 map { chr rand 256 } 1 .. 250_000' \
            > "$www/assets/photo.png"
    fi
}


# What stands for ToDesktop's download server: a second nginx, which only sends
# files, and not too fast, so that there is something to look at.

start_origin()
{
    mkdir -p "$origin/files/$desk" "$origin/temp"

    origin_port=$(free_port)
    user=

    if [ "$(id -u)" = 0 ]; then
        user="user  $(id -un)  $(id -gn);"
    fi

    cat > "$origin/nginx.conf" << END
$user
pid  nginx.pid;
error_log  error.log;

events {
}

http {
    access_log  off;

    client_body_temp_path  temp/body;
    proxy_temp_path        temp/proxy;
    fastcgi_temp_path      temp/fastcgi;
    uwsgi_temp_path        temp/uwsgi;
    scgi_temp_path         temp/scgi;

    server {
        listen  127.0.0.1:$origin_port;
        root    files;

        limit_rate  1800k;
    }
}
END

    PATH=$PATH:/usr/sbin:/usr/local/sbin "${NGINX:-nginx}" -p "$origin/" \
        -e error.log -c "$origin/nginx.conf" > "$demo/last.log" 2>&1 3>&-
}


stop_origin()
{
    pid=$(cat "$origin/nginx.pid" 2>/dev/null) || return 0

    kill -TERM "$pid" 2>/dev/null || return 0

    while kill -0 "$pid" 2>/dev/null; do
        sleep 0.05
    done
}


# A build for two systems, as ToDesktop puts it there: installers of random
# bytes, of which the second version changes some.

make_build()
{
    echo "[{\"dir\":\"$origin/made/$1\",\"id\":\"$1\",\"version\":\"$2\",
          \"n\":$3,\"size\":4000000,\"edits\":6,
          \"targets\":[\"nsis\",\"mac\"]}]" \
        | node "$root/t/clients/builder.js"

    (
        cd "$origin/made/$1"

        mv latest.yml "latest-build-$1.yml"
        mv latest-mac.yml "latest-mac-build-$1.yml"

        td "$1" "$2" nsis "My App Setup $2 - Build $1-x64.exe" \
            > "td-latest-build-$1.json"
        td "$1" "$2" zip "My App $2 - Build $1-x64-mac.zip" \
            > "td-latest-mac-build-$1.json"

        mv ./* "$origin/files/$desk/"
    )
}


td()
{
    printf '{"version":"%s","createdAt":"2026-11-01T10:02:00.000Z",' "$2"
    printf '"artifacts":{"%s":{"x64":{"url":' "$3"
    printf '"https://download.example/%s/%s"}}}}\n' "$desk" \
        "$(printf %s "$4" | sed 's/ /%20/g')"
}


# ToDesktop says that a build is released, and signs what it says.

deliver()
{
    cat > "$demo/body.json" << END
{"appId":"$desk","buildId":"$1","appName":"My App","appVersion":"$2",
 "buildStartedAt":"2026-11-01T10:00:25Z","buildEndedAt":"2026-11-01T10:15:06Z",
 "electronVersionUsed":"33.3.2",
 "releaseInfo":{"latestReleaseBuildId":"$1","releaseRedirections":[]}}
END

    signature=$(openssl dgst -sha256 -r \
                    -hmac "$(cat "$run/secret.todesktop")" "$demo/body.json" \
                | cut -d ' ' -f 1)

    show "POST /hooks/todesktop, about build $1, version $2"
    show "  ->  $(api -X POST "$url/hooks/todesktop" \
                      -H "X-ToDesktop-HMAC-SHA256: $signature" \
                      --data-binary @"$demo/body.json")"
}


promote()
{
    show "POST /releases/$desk/$1/promote"
    show "  ->  $(api --json '{}' "$url/releases/$desk/$1/promote" \
                      -H "Authorization: Bearer $(cat "$run/token.approve")")"
}


# Looks at the release until all of it has come.

wait_staged()
{
    said=
    tries=0

    while :; do
        answer=$(api "$url/releases/$desk/$1" \
                     -H "Authorization: Bearer $(cat "$run/token.publish")")
        state=$(echo "$answer" | member state)

        case $state in
            staged)
                return
            ;;
            failed)
                say "$answer"
                exit 1
            ;;
        esac

        line=$(echo "$answer" | progress)

        if [ -n "$line" ] && [ "$line" != "$said" ]; then
            show "$line"
            said=$line
        fi

        tries=$((tries + 1))
        test $tries -lt 300

        sleep 0.1
    done
}


progress()
{
    perl -MJSON::PP -e '
        my $p = decode_json(join "", <STDIN>)->{progress} or exit;
        my ($is, $all) = @$p{qw/ bytesDone bytes /};

        1 while $is =~ s/^(\d+)(\d{3})/$1,$2/;
        1 while $all =~ s/^(\d+)(\d{3})/$1,$2/;

        print "$p->{filesDone} of $p->{files} files, $is of $all bytes";
    '
}


# An app on Windows that has the first version, and asks for updates with the
# real electron-updater.  nginx writes its log a second later.

update_app()
{
    client=$demo/desktop/cache/my-app-updater

    mkdir -p "$client"
    cp "$origin/files/$desk/My App Setup 1.0.0 - Build $1-x64.exe" \
        "$client/installer.exe"

    before=$(asked | wc -l)

    echo "[{\"target\":\"nsis\",\"version\":\"1.0.0\",
          \"feed\":\"$url/desktop/$desk\",\"dir\":\"$demo/desktop\"}]" \
        | node "$root/t/clients/updater.js" > "$demo/last.log"

    file=$(sed -n 's/.*"file":"\([^"]*\)".*/\1/p' "$demo/last.log")
    n=$(sed -n 's/.*"requests":\([0-9]*\).*/\1/p' "$demo/last.log")

    tries=0

    while [ "$(asked | wc -l)" -lt $((before + n)) ]; do
        tries=$((tries + 1))
        test $tries -lt 100

        sleep 0.1
    done

    asked | tail -n +$((before + 1)) > "$demo/requests"
}


asked()
{
    grep -F "GET /desktop/$desk/" "$run/logs/access.log"
}


feed()
{
    curl -sS --noproxy '*' "$url/desktop/$desk/latest.yml" \
        | grep -E '^(version|path):'
}


trap failed EXIT
trap 'exit 130' INT TERM

if [ -f "$run/nginx.pid" ]; then
    "$root/conf/run.sh" stop "$run" > /dev/null
fi

rm -rf "$demo"
mkdir -p "$demo/home"
: > "$demo/last.log"

port=${PORT:-$(free_port)}
url=http://127.0.0.1:$port


say "1. nginx, with the reference configuration of conf/"
say

# what stays open in nginx would keep a pipe behind this script open
"$root/conf/run.sh" start "$run" "$port" > "$demo/last.log" 2>&1 3>&-
echo "API_BASE_URL=\"$url\"" > "$demo/.capawesomerc"

show "listens on $url, keeps everything in build/demo/run"


say
say "2. An app, created with a token that has the role admin"
say

app=$(api -X POST "$url/v1/apps" \
          -H "Authorization: Bearer $(cat "$run/token.admin")" \
          -H "Content-Type: application/json" \
          -d '{"name":"Demo","type":"capacitor"}' | member id)

show "POST /v1/apps  ->  $app"


say
say "3. A channel and a first version, with the real CLI, as a zip"
say

make_www 1

capawesome admin apps:channels:create --app-id "$app" --name production
capawesome publish apps:liveupdates:upload --app-id "$app" \
    --channel production --path www


say
say "4. What a device is told"
say

query="appVersionCode=1&appVersionName=1.0&bundleId&channelName=production"
query="$query&customId&deviceId=0b3c8e1e-5b1a-4f0e-9a51-2f0e4d9b8a10"
query="$query&osVersion=34&platform=0&pluginVersion=8.4.1"

answer=$(api "$url/v1/apps/$app/bundles/latest?$query")
show "GET /v1/apps/$app/bundles/latest?..."
show "$answer"

location=$(echo "$answer" | member url)
checksum=$(echo "$answer" | member checksum)

api -o "$demo/bundle.zip" "$location" > /dev/null
sha256=$(sha256sum < "$demo/bundle.zip" | cut -d ' ' -f 1)

test "$sha256" = "$checksum"

say
show "downloaded $(bytes "$(wc -c < "$demo/bundle.zip")") bytes;" \
     "SHA-256 is what was promised:"
show "$sha256"

sync
zip_bytes=$(number bytes)


say
say "5. A second version, as a manifest: file by file"
say

make_www 2

capawesome publish apps:liveupdates:upload --app-id "$app" \
    --channel production --path www --artifact-type manifest

sync
full_bytes=$(number bytes)

say
show "a device that had the zip downloads everything, the text compressed:"
show "$(number files) files, $(bytes "$full_bytes") bytes"


say
say "6. A third version with one changed file"
say

echo "document.body.dataset.version = '3';" > "$www/app.js"

capawesome publish apps:liveupdates:upload --app-id "$app" \
    --channel production --path www --artifact-type manifest

sync
delta_bytes=$(number bytes)

grep -q "'3'" "$demo/device/bundles/$(cat "$demo/device/current")/app.js"
test "$(number files)" = 1
test "$delta_bytes" -lt $((full_bytes / 10))

say
show "the device downloads $(number files) file and already has the other" \
     "$(number copied): $(bytes "$delta_bytes") bytes"
show "instead of $(bytes "$full_bytes") bytes (as a zip:" \
     "$(bytes "$zip_bytes")), including answer and manifest"



say
say "7. Desktop apps: a build is announced, fetched and verified"
say

first=261101aaaaaaaa1
second=261115bbbbbbbb2

start_origin
make_build $first 1.0.0 1
make_build $second 1.1.0 2

# from here on what is published waits for somebody

"$root/conf/run.sh" stop "$run" > "$demo/last.log" 2>&1
ORIGIN=http://127.0.0.1:$origin_port APPROVAL=on \
    "$root/conf/run.sh" start "$run" "$port" > "$demo/last.log" 2>&1 3>&-

show "nginx was started again, with liveupdate_approval on;"
show "a second one, on port $origin_port, stands for ToDesktop's downloads"
say

deliver $first 1.0.0

status=$(sed 's/1\.0\.0/6.6.6/' "$demo/body.json" \
         | curl -sS --noproxy '*' -o /dev/null -w '%{http_code}' \
               -X POST "$url/hooks/todesktop" \
               -H "X-ToDesktop-HMAC-SHA256: $signature" --data-binary @-)

show "the same with another version, which the signature does not match"
show "  ->  $status"

test "$status" = 401

wait_staged $first

say
show "staged: sizes and digests are what the build's manifests say"
show "GET /desktop/$desk/latest.yml  ->" \
     "$(curl -sS --noproxy '*' -o /dev/null -w '%{http_code}' \
            "$url/desktop/$desk/latest.yml"), nobody has released it yet"


say
say "8. Somebody with the role approve releases it"
say

promote $first

say
show "what apps are told, GET /desktop/$desk/latest.yml:"
feed | sed 's/^/      /' >&3

name=$(curl -sS --noproxy '*' -o /dev/null -D - \
           -A 'Mozilla/5.0 (Windows NT 10.0; Win64; x64)' \
           "$url/download/$desk" \
       | sed -n 's/^[Cc]ontent-[Dd]isposition:.*filename="\([^"]*\)".*/\1/p')

show "what people download, GET /download/$desk on Windows:"
show "  $name"

test -n "$name"


say
say "9. The next version: what an app with the first one downloads"
say

deliver $second 1.1.0
wait_staged $second
promote $second

update_app $first

installer="$origin/files/$desk/My App Setup 1.1.0 - Build $second-x64.exe"
whole_bytes=$(wc -c < "$installer")

cmp -s "$file" "$installer"

say
show "electron-updater asks for"
perl -ne '
    my ($path, $status, $bytes) = m{"GET /desktop/[^/]+/(\S+) \S+" (\d+) (\d+)}
        or next;

    $path =~ s/\?.*//;
    $path =~ s/%([0-9A-F]{2})/chr hex $1/ge;
    1 while $bytes =~ s/^(\d+)(\d{3})/$1,$2/;

    printf "      %-59s %s %9s\n", $path, $status, $bytes;
' "$demo/requests" >&3

desktop_bytes=$(perl -ne '$n += $1 if m{" \d+ (\d+) }; END { print $n }' \
                    "$demo/requests")

test "$desktop_bytes" -lt $((whole_bytes / 4))

say
show "$(bytes "$desktop_bytes") bytes instead of $(bytes "$whole_bytes")," \
     "and it has the new installer;"
show "it asks for its own blockmap with the id of the new build, and the" \
     "server knows which one is meant"


say
say "10. Rollback"
say

show "POST /releases/$desk/rollback"
show "  ->  $(api --json '{}' "$url/releases/$desk/rollback" \
                  -H "Authorization: Bearer $(cat "$run/token.approve")")"
show "GET /desktop/$desk/latest.yml:"
feed | sed 's/^/      /' >&3

feed | grep -q '^version: 1.0.0'

show "new installations get this one; those with 1.1.0 keep it"

stop_origin


say

if [ -n "$DEMO_STOP" ]; then
    "$root/conf/run.sh" stop "$run" > "$demo/last.log"
    say "nginx has been stopped.  \"make start RUN=build/demo/run\" starts it" \
        "again."
    exit 0
fi

say "nginx still runs.  To go on:"
say
show "cd build/demo"
show "export CAPAWESOME_TOKEN=\$(cat run/token.approve)"
show "alias capawesome='node $cli'"
show "capawesome apps:liveupdates:rollback --app-id $app" \
     "--channel production --steps 1"
show "$root/t/clients/device.pl --server $url --app $app" \
     "--channel production --dir device"
say
show "curl $url/releases/$desk -H \"Authorization: Bearer" \
     "\$(cat run/token.approve)\""
show "curl -X PUT $url/releases/$desk/rules -H \"Authorization: Bearer" \
     "\$(cat run/token.approve)\" --json" \
     "'{\"latestReleaseBuildId\":\"$second\"}'"
show "curl $url/desktop/$desk/latest.yml"
say
show "$url/console/              # the same with a browser; the token" \
     "is in run/token.approve"
say
show "tail run/logs/access.log     # what was asked and answered"
show "find run/store               # where it is: plain files"
say
show "make -C $root stop RUN=build/demo/run"
