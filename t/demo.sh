#!/bin/sh

# Copyright (C) the nginx-liveupdate authors

# From nothing to an app that updates itself: what "make demo" shows.  nginx
# runs out of build/demo/run and is left running; DEMO_STOP=1 stops it.

set -e

root=$(cd "$(dirname "$0")/.." && pwd -P)
demo=$root/build/demo
run=$demo/run
www=$demo/www
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
        say
        say "The demo failed.  What went before, and $run/logs/error.log:"
        tail -n 20 "$demo/last.log" "$run/logs/error.log" 2>/dev/null >&3

        "$root/conf/run.sh" stop "$run" >/dev/null 2>&1 || :
    fi

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


trap failed EXIT

if [ -f "$run/nginx.pid" ]; then
    "$root/conf/run.sh" stop "$run" > /dev/null
fi

rm -rf "$demo"
mkdir -p "$demo/home"
: > "$demo/last.log"

port=${PORT:-$(perl -MIO::Socket::INET -e '
    print IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 1)
                          ->sockport()')}
url=http://127.0.0.1:$port


say "1. nginx, with the reference configuration of conf/"
say

# what stays open in nginx would keep a pipe behind this script open
"$root/conf/run.sh" start "$run" "$port" > "$demo/last.log" 2>&1 3>&-
echo "API_BASE_URL=\"$url\"" > "$demo/.capawesomerc"

show "listens on $url, keeps everything in build/demo/run"


say
say "2. An app, made with the token of the role admin"
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
show "a device that had the zip takes it all, the text compressed:"
show "$(number files) files, $(bytes "$full_bytes") bytes"


say
say "6. A third version, in which one file is another"
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
show "the device takes $(number files) file, and has the other" \
     "$(number copied) already: $(bytes "$delta_bytes") bytes"
show "in the place of $(bytes "$full_bytes") bytes (as a zip:" \
     "$(bytes "$zip_bytes")), answer and manifest included"


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
show "export CAPAWESOME_TOKEN=\$(cat run/token.publish)"
show "alias capawesome='node $cli'"
show "capawesome apps:liveupdates:rollback --app-id $app" \
     "--channel production --steps 1"
show "$root/t/clients/device.pl --server $url --app $app" \
     "--channel production --dir device"
say
show "tail run/logs/access.log     # what was asked and answered"
show "find run/store               # where it is: plain files"
say
show "make stop RUN=build/demo/run"
