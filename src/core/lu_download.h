
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Download routes for people.
 */


#ifndef _LU_DOWNLOAD_H_INCLUDED_
#define _LU_DOWNLOAD_H_INCLUDED_


#include "lu_desktop.h"
#include "lu_td.h"


typedef struct {
    unsigned            platform;       /* LU_WINDOWS, ... */
    lu_str_t            artifact;       /* as asked, or empty */
    lu_str_t            arch;           /* as asked, or empty */
    lu_str_t            build_id;       /* as asked, or empty */
    lu_str_t            version;        /* as asked, or empty */
    unsigned            is_universal:1; /* macOS 10.15 or newer */
} lu_download_t;


typedef enum {
    LU_DOWNLOAD_OK = 0,
    LU_DOWNLOAD_NOT_FOUND,              /* 404 */
    LU_DOWNLOAD_SLASH,                  /* 301 to the path without it */
    LU_DOWNLOAD_REFUSED                 /* 400, with the reason */
} lu_download_e;


/*
 * path: decoded, with "/" in front.  The strings point into it.  The sentence
 * of a refusal is made in the arena: "Unsupported platform (x)"; its data is
 * NULL if that is exhausted.
 */

lu_download_e lu_download_route(const lu_arena_t *arena, const lu_str_t *path,
    const lu_str_t *user_agent, lu_download_t *download, lu_str_t *reason);

/*
 * "td-latest[-platform][-{version}|-build-{id}].json", for the feed's rules.
 * Data is NULL if the arena is exhausted.
 */

lu_str_t lu_download_manifest(const lu_arena_t *arena,
    const lu_download_t *download);

/*
 * The artifact's file.  LU_NOT_FOUND with the whole sentence as
 * *reason ("Couldn't find windows app (msi-x64) and build ID ..."), from the
 * arena.
 */

lu_rc_e lu_download_pick(const lu_arena_t *arena, const lu_td_t *td,
    const lu_download_t *download, lu_str_t *name, lu_str_t *reason);


#endif /* _LU_DOWNLOAD_H_INCLUDED_ */
