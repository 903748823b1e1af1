
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Download routes for people.
 */


#ifndef _LIVEUPDATE_DOWNLOAD_H_INCLUDED_
#define _LIVEUPDATE_DOWNLOAD_H_INCLUDED_


#include "lu_desktop.h"
#include "lu_td.h"


typedef struct {
    unsigned            platform;       /* LIVEUPDATE_WINDOWS, ... */
    liveupdate_str_t    artifact;       /* as asked, or empty */
    liveupdate_str_t    arch;           /* as asked, or empty */
    liveupdate_str_t    build_id;       /* as asked, or empty */
    liveupdate_str_t    version;        /* as asked, or empty */
    unsigned            is_universal:1; /* macOS 10.15 or newer */
} liveupdate_download_t;


typedef enum {
    LIVEUPDATE_DOWNLOAD_OK = 0,
    LIVEUPDATE_DOWNLOAD_NOT_FOUND,      /* 404 */
    LIVEUPDATE_DOWNLOAD_SLASH,          /* 301 to the path without it */
    LIVEUPDATE_DOWNLOAD_REFUSED         /* 400, with the reason */
} liveupdate_download_e;


/*
 * path: decoded, with "/" in front.  The strings point into it.  The sentence
 * of a refusal is made in the arena: "Unsupported platform (x)"; its data is
 * NULL if that is exhausted.
 */

liveupdate_download_e liveupdate_download_route(
    const liveupdate_arena_t *arena, const liveupdate_str_t *path,
    const liveupdate_str_t *user_agent, liveupdate_download_t *download,
    liveupdate_str_t *reason);

/*
 * "td-latest[-platform][-{version}|-build-{id}].json", for the feed's rules.
 * Data is NULL if the arena is exhausted.
 */

liveupdate_str_t liveupdate_download_manifest(const liveupdate_arena_t *arena,
    const liveupdate_download_t *download);

/*
 * The artifact's file.  LIVEUPDATE_NOT_FOUND with the whole sentence as
 * *reason ("Couldn't find windows app (msi-x64) and build ID ..."), from the
 * arena.
 */

liveupdate_rc_e liveupdate_download_pick(const liveupdate_arena_t *arena,
    const liveupdate_td_t *td, const liveupdate_download_t *download,
    liveupdate_str_t *name, liveupdate_str_t *reason);


#endif /* _LIVEUPDATE_DOWNLOAD_H_INCLUDED_ */
