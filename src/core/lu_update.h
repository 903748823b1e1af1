
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The names of update manifests (latest-linux-arm64.yml) and of ToDesktop's
 * lists (td-latest-mac.json):
 *
 *     {channel}[-mac|-linux][-{arch}][-{version}|-build-{id}].{yml|json}
 */


#ifndef _LU_UPDATE_H_INCLUDED_
#define _LU_UPDATE_H_INCLUDED_


#include "lu_platform.h"


typedef struct {
    lu_str_t            stem;       /* up to the version or the id */
    lu_str_t            channel;    /* "latest", "beta", "td-latest" */
    lu_str_t            version;    /* "1.1.0-beta.1", or empty */
    lu_str_t            build_id;   /* what follows "-build-", or empty */
    lu_str_t            ext;        /* ".yml" or ".json" */
    const char         *arch;       /* NULL: the name does not tell */
    unsigned            platform;   /* Windows, unless it names another one */
    unsigned            has_build:1;    /* "-build-" is in it */
} lu_update_t;


/*
 * Reads a name.  Its strings are parts of the name.  Returns 0 if it ends
 * neither with ".yml" nor with ".json" and so is no manifest's.
 *
 * electron-updater asks for the channel, "-mac", "-linux" or, on Linux for
 * another architecture than x64, "-linux-{arch}".  Apps for Windows and macOS
 * that are built apart for each architecture have it in their channel.
 */

int lu_update_parse(const lu_str_t *name, lu_update_t *update);

/*
 * The channel without the architecture that it may have: "latest" of
 * "latest-arm64-mac.yml".  A part of the name.
 */

lu_str_t lu_update_channel(const lu_update_t *update);

/*
 * The architecture that a manifest is for; NULL: it is for all.  On Linux,
 * electron-updater asks for one that names none if it runs on x64.
 */

const char *lu_update_arch(const lu_update_t *update);

/*
 * The name that electron-builder gives a manifest of a prerelease, whose first
 * word is the channel: "beta-mac.yml" for "latest-mac.yml" and 2.0.0-beta.1.
 * Channels that this one feeds as well keep their names, such as "alpha.yml".
 * A string of the arena, terminated.  LU_OK; LU_NOT_FOUND: the manifest has no
 * other name in this version; LU_NOMEM.
 */

lu_rc_e lu_update_prerelease(const lu_arena_t *arena, const lu_str_t *name,
    const lu_str_t *version, lu_str_t *own);

/* 1 if the name begins with "td-latest" and ends with ".json". */

int lu_update_is_td(const lu_str_t *name);


#endif /* _LU_UPDATE_H_INCLUDED_ */
