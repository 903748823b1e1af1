#!/bin/sh

# Copyright (C) the nginx-liveupdate authors

# Copies the store of another machine, so that nginx can answer devices here:
#
#     replicate.sh FROM TO
#
# FROM is the store there, as rsync takes it ("origin:/var/lib/liveupdate/store"
# or a folder), TO the store here, which nginx has created at its first start.
# Run it again and again; each run copies what has changed.  What an app.json
# names arrives before that app.json, and leaves after it.  A run may be killed
# at any time, and a second one that starts meanwhile has nothing to do.
#
# The status is 0 if all apps are as they are there, or were while the run
# lasted; 1 if something failed, and then what was here goes on working.

LC_ALL=C
export LC_ALL

umask 077

# An app that changes while its files are copied is copied again, so often.

rounds=5


die()
{
    echo "$0: $*" >&2
    exit 1
}


# Whether the store there has a file of this name.

has()
{
    echo "$top" | grep -q " $1\$"
}


# Times are compared to the nanosecond.  A file that has vanished meanwhile (24)
# belonged to what was deleted there.

copy()
{
    rsync -a --modify-window=-1 "$@"

    status=$?
    test $status = 0 || test $status = 24
}


# What the apps there say is kept aside; the names of those that have changed
# since the last time are in "changed".

take_apps()
{
    copy --delete --out-format=%n --exclude='.*' --exclude='/*/lock' \
        "$from/apps/" "$work/apps/" > "$work/taken" || return 1

    sed -n 's|/app\.json$||p' "$work/taken" > "$work/changed"
}


# First the files, then the tables that name them.  Of a hard link, -H copies
# the bytes once.

copy_files()
{
    copy -H --temp-dir="$work/temp" --exclude='/live/*/.*' \
        --exclude='/live/*/*/.*' --exclude='/live/*/*/lock' \
        --exclude='/live/*/*/*.json' --exclude='/live/*/*/files.index' \
        "$from/live" "$from/feed" "$to/" || return 1

    copy --temp-dir="$work/temp" --exclude='.*' --include='/*/' \
        --include='/*/*/' --include='/*/*/*.json' \
        --include='/*/*/files.index' --exclude='*' \
        "$from/live/" "$to/live/" || return 1

    sync -f "$to/live" 2>/dev/null || sync
}


# The ids of releases in an app.json: those of bundles, and those of builds of a
# desktop app.  It is read as JSON: brackets are in builds, too, and in names.

named()
{
    grep -oE '"([^"\\]|\\.)*"|[][{}:,]' "$2" | awk -v what="$1" '
        $0 == ":" {
            key = last

            if (depth == 1) {
                member = last
            }
        }

        $0 == "{" || $0 == "[" { depth++ }
        $0 == "}" || $0 == "]" { depth-- }

        last == ":" && (what == "builds" \
            ? key == "\"id\"" && depth == 3 && member == "\"desktopBuilds\"" \
            : key == "\"release\"") { print }

        { last = $0 }' | sed -n 's/^"\([A-Za-z0-9._+-]*\)"$/\1/p' | sort -u
}


# Whether all releases of the app are here.  release.json is copied after all
# other files of a release.  A build that was withdrawn is not in the feed.

is_whole()
{
    for id in $(named bundles "$work/apps/$1/app.json"); do
        test -f "$to/live/$1/$id/release.json" || return 1
    done

    for id in $(named builds "$work/apps/$1/app.json"); do
        test -f "$to/live/$1/$id/release.json" || return 1

        for path in "$to/live/$1/$id/files"/*; do
            test -f "$to/feed/$1/${path##*/}" || return 1
        done
    done
}


# Puts the app.json of all apps that have changed, and whose releases are here,
# into place.  "waiting" has the names of the others, and "waited" those of the
# last round.  If such an app has not changed since then, its releases are not
# there either.

place_apps()
{
    mv "$work/waiting" "$work/waited"
    : > "$work/waiting"

    copy -n --out-format=%n --include='/*/' --include='/*/app.json' \
        --exclude='*' "$work/apps/" "$to/apps/" > "$work/differ" || return 1

    sed -n 's|/app\.json$||p' "$work/differ" > "$work/apps.new"

    while read -r app; do

        if ! is_whole "$app" \
            && ! { grep -qxF -e "$app" "$work/waited" \
                   && ! grep -qxF -e "$app" "$work/changed"; }
        then
            echo "$app" >> "$work/waiting"
            continue
        fi

        copy --exclude=/app.json "$work/apps/$app/" "$to/apps/$app/" \
            && cp -p "$work/apps/$app/app.json" "$work/app.json" \
            && mv -f "$work/app.json" "$to/apps/$app/app.json" \
            || return 1

    done < "$work/apps.new"
}


# An app that is not there any more goes at once: first what names its files.

remove_apps()
{
    for path in "$to/apps"/*/; do
        app=${path%/}
        app=${app##*/}

        if [ -d "$path" ] && [ ! -e "$work/apps/$app/app.json" ]; then
            rm -f "$to/apps/$app/app.json" && rm -rf "$to/apps/$app" \
                || return 1
        fi
    done
}


# What is here and not there: releases and names of the feed, as "surplus".
# rsync writes odd characters in another way, so such names are left alone.

find_surplus()
{
    : > "$work/surplus"

    for part in live feed; do
        rsync -rn8 --out-format=%n --exclude='/*/*/*' "$from/$part/" \
            "$work/empty/" > "$work/listed"

        status=$?
        test $status = 0 || test $status = 24 || return 1

        sed 's|/$||' "$work/listed" | sort > "$work/there"

        (cd "$to/$part" && find . -mindepth 2 -maxdepth 2 ! -path './*/.*') \
            | sed 's|^\./||' | grep -v '[[:cntrl:]\\]' | sort > "$work/here"

        comm -13 "$work/there" "$work/here" | sed "s|^|$part/|" \
            >> "$work/surplus"
    done
}


# Whatever an app.json names was there when "surplus" was found, if the app.json
# is still the same now.

remove_surplus()
{
    while read -r path; do
        app=${path#*/}
        app=${app%%/*}

        if grep -qxF -e "$app" "$work/changed" "$work/waiting"; then
            continue
        fi

        # a folder goes in one step

        rm -rf "$work/trash" && mv "$to/$path" "$work/trash" \
            && rm -rf "$work/trash" || return 1

        if [ ! -e "$work/apps/$app" ]; then
            rmdir "$to/live/$app" "$to/feed/$app" 2>/dev/null
        fi

    done < "$work/surplus"

    : > "$work/surplus"
}


copy_store()
{
    round=0

    while [ $round -lt $rounds ]; do
        round=$((round + 1))

        take_apps && remove_apps && remove_surplus && copy_files \
            && place_apps && find_surplus || return 1

        if [ ! -s "$work/surplus" ] && [ ! -s "$work/waiting" ]; then
            return 0
        fi
    done

    # the next run removes the surplus

    test ! -s "$work/waiting" \
        || die "these apps changed all the time and stay as they were:" \
               $(cat "$work/waiting")
}


from=${1%/}
to=${2%/}

test $# = 2 && test -n "$from" && test -n "$to" \
    || die "usage: replicate.sh FROM TO"

# Neither is to be an empty folder below a mount point.

test -e "$to/.store" \
    || die "$to is no store: start nginx first, and mount its file system"

top=$(rsync --list-only "$from/") || die "cannot list $from"

has '\.store' || die "$from is no store, or its file system is not mounted"

to=$(cd "$to" && pwd -P) || exit 1
work=$to/.replica

mkdir -p "$work/apps" "$work/empty" || exit 1

exec 9> "$work/lock" || exit 1

flock -n 9 || {
    echo "$0: another run copies to $to"
    exit 0
}

rm -rf "$work/temp" "$work/trash" \
    && mkdir -p "$work/temp" "$to/apps" "$to/live" "$to/feed" \
    && : > "$work/waiting" && : > "$work/surplus" || exit 1

for name in organizations.json audit.log; do
    if has "$name"; then
        copy --temp-dir="$work/temp" "$from/$name" "$to/" \
            || die "cannot copy $name"
    fi
done

copy_store || die "the copy is incomplete; what was here is unchanged"
