
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * td-latest[-platform]-build-{id}.json: the artifacts of a build on one
 * platform.
 */


#ifndef _LIVEUPDATE_TD_H_INCLUDED_
#define _LIVEUPDATE_TD_H_INCLUDED_


#include "lu_json.h"


typedef struct {
    liveupdate_str_t    artifact;    /* "nsis", "appImage", ... as written */
    liveupdate_str_t    arch;        /* "x64", "universal", ... */
    liveupdate_str_t    name;        /* the file: the URL's last segment */
    liveupdate_str_t    sha256;      /* lower-case hex, or empty */
    uint64_t            size;        /* UINT64_MAX: not said */
    unsigned            is_installer:1;  /* the URL has "Mac%20Installer" */
} liveupdate_td_artifact_t;


typedef struct {
    liveupdate_str_t             version;
    liveupdate_td_artifact_t    *artifacts;    /* in the order of the text */
    size_t                       nartifacts;
} liveupdate_td_t;


/*
 * "artifacts", an artifact and an arch may each be null, and what may be null
 * may be missing; the version is empty then.  Names are percent-decoded and
 * must be safe (liveupdate_file_name_of_url()); two artifacts may have the
 * same one.  All is allocated in the arena.  LIVEUPDATE_INVALID with the
 * reason.
 */

liveupdate_rc_e liveupdate_td_parse(const liveupdate_arena_t *arena,
    const liveupdate_str_t *text, liveupdate_td_t *td,
    liveupdate_error_t *err);

/*
 * Such a list for files that electron-builder has made, where nobody wrote
 * one: what each file is and for which architecture is told by its name.  Of
 * the members of an artifact, name (terminated), sha256 (the same) and size
 * are looked at.  Files of no known kind are left out, and of two for the
 * same the first is taken.  Text from malloc(), or NULL: out of memory.
 */

char *liveupdate_td_print(const char *version, const char *created,
    const liveupdate_td_artifact_t *files, size_t n);


#endif /* _LIVEUPDATE_TD_H_INCLUDED_ */
