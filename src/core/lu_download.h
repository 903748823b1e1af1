
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The download routes, which lead people to the installer for their computer.
 */


#ifndef _LU_DOWNLOAD_H_INCLUDED_
#define _LU_DOWNLOAD_H_INCLUDED_


#include "lu_feed.h"
#include "lu_td.h"


typedef struct {
    unsigned            platform;       /* LU_WINDOWS, ... */

    /* as in the path, or empty */
    lu_str_t            artifact;
    lu_str_t            arch;
    lu_str_t            build_id;
    lu_str_t            version;

    lu_str_t            own[2];         /* of the computer; the end is empty */

    lu_str_t            channel;        /* set by the caller, or empty */

    unsigned            is_universal:1; /* macOS 10.15 or newer */
} lu_download_t;


typedef enum {
    LU_DOWNLOAD_OK = 0,
    LU_DOWNLOAD_NOT_FOUND,              /* 404 */
    LU_DOWNLOAD_SLASH,                  /* 301 to the path without it */
    LU_DOWNLOAD_REFUSED                 /* 400, with the reason */
} lu_download_e;


/*
 * Reads a decoded path that begins with "/":
 * [/versions/{version}|/builds/{id}][/{platform}[/{artifact}[/{arch}]]].
 * Without a platform, the User-Agent tells it, and without an architecture it
 * may tell that of a computer with Linux.  The strings of *download point
 * into the path.  The reason, such as "Unsupported platform (x)", is in the
 * arena; its data is NULL if the arena is exhausted.
 */

lu_download_e lu_download_route(const lu_arena_t *arena, const lu_str_t *path,
    const lu_str_t *user_agent, lu_download_t *download, lu_str_t *reason);

/*
 * The list of the artifacts, as the route names it:
 * "td-latest[-platform][-{version}|-build-{id}].json".  In the arena; data is
 * NULL if that is exhausted.
 */

lu_str_t lu_download_manifest(const lu_arena_t *arena,
    const lu_download_t *download);

/*
 * The file in the feed that has the list: that of the released build of the
 * version, or of the build of the id, each of which may be in the place of the
 * other; or of one that the rules
 * choose for the client, the n-th from 0 on, as lu_desktop_choose() counts.
 * These builds have a manifest of the channel, "latest" unless it is named, for
 * the platform; if no build has one of "latest", those of any channel count.
 *
 * LU_OK, with feed->build and a name in the arena; LU_NOMEM; LU_NOT_FOUND:
 * there is no such build.
 */

lu_rc_e lu_download_list(const lu_arena_t *arena, const lu_desktop_t *desktop,
    const lu_client_t *client, const lu_download_t *download, size_t n,
    lu_feed_t *feed);

/*
 * 1 if a list has something for the architecture of the path or, if that names
 * none, of the computer; if nobody tells that, for most computers: not for
 * arm64 alone.  If a list has not, that of the next build may.
 */

int lu_download_suits(const lu_td_t *td, const lu_download_t *download);

/*
 * Picks the file to download out of a list.  *name is a part of the list.
 * LU_OK, LU_NOMEM, or LU_NOT_FOUND with the reason in the arena ("Couldn't
 * find windows app (msi-x64) and build ID ...").
 */

lu_rc_e lu_download_pick(const lu_arena_t *arena, const lu_td_t *td,
    const lu_download_t *download, lu_str_t *name, lu_str_t *reason);


#endif /* _LU_DOWNLOAD_H_INCLUDED_ */
