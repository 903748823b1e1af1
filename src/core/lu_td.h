
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * td-latest[-platform]-build-{id}.json: the artifacts of a build on one
 * platform.
 */


#ifndef _LU_TD_H_INCLUDED_
#define _LU_TD_H_INCLUDED_


#include "lu_json.h"


typedef struct {
    lu_str_t            artifact;    /* "nsis", "appImage", ... as written */
    lu_str_t            arch;        /* "x64", "universal", ... */
    lu_str_t            name;        /* the file: the URL's last segment */
    lu_str_t            sha256;      /* lower-case hex, or empty */
    uint64_t            size;        /* UINT64_MAX: not said */
    unsigned            is_installer:1;  /* the URL has "Mac%20Installer" */
} lu_td_artifact_t;


typedef struct {
    lu_str_t                     version;
    lu_td_artifact_t            *artifacts;    /* in the order of the text */
    size_t                       nartifacts;
} lu_td_t;


/*
 * "artifacts", an artifact and an arch may each be null, and what may be null
 * may be missing; the version is empty then.  Names are percent-decoded and
 * must be safe (lu_name_file_of_url()); two artifacts may have the
 * same one.  All is allocated in the arena.  LU_INVALID with the
 * reason.
 */

lu_rc_e lu_td_parse(const lu_arena_t *arena, const lu_str_t *text, lu_td_t *td,
    lu_error_t *err);

/*
 * Such a list for files that electron-builder has made, where nobody wrote
 * one: what each file is and for which architecture is told by its name.  Of
 * the members of an artifact, name (terminated), sha256 (the same) and size
 * are looked at.  Files of no known kind are left out, and of two for the
 * same the first is taken.  Text from malloc(), or NULL: out of memory.
 */

char *lu_td_print(const char *version, const char *created,
    const lu_td_artifact_t *files, size_t n);


#endif /* _LU_TD_H_INCLUDED_ */
