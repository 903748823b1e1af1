
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * td-latest[-platform]-build-{id}.json, ToDesktop's list of the artifacts of a
 * build on one platform.
 */


#ifndef _LU_TD_H_INCLUDED_
#define _LU_TD_H_INCLUDED_


#include "lu_json.h"


typedef struct {
    lu_str_t            artifact;    /* "nsis", "appImage", ... as written */
    lu_str_t            arch;        /* "x64", "universal", ... */
    lu_str_t            name;        /* the file: the URL's last segment */
    lu_str_t            sha256;      /* lower-case hex, or empty */
    uint64_t            size;        /* bytes; UINT64_MAX: unknown */
    unsigned            is_installer:1;  /* the URL has "Mac%20Installer" */
} lu_td_artifact_t;


typedef struct {
    lu_str_t                     version;
    lu_td_artifact_t            *artifacts;    /* in the order of the text */
    size_t                       nartifacts;
} lu_td_t;


/*
 * Reads a list into the arena and keeps nothing of the text.  A byte order mark
 * in front of it is skipped.  "artifacts", each
 * artifact and each architecture in it may be null or absent, and so may the
 * version, which is empty then.  Names come from lu_name_file_of_url(); two
 * artifacts may have the same name.  LU_OK, LU_INVALID with the reason, or
 * LU_NOMEM.
 */

lu_rc_e lu_td_parse(const lu_arena_t *arena, const lu_str_t *text, lu_td_t *td,
    lu_error_t *err);

/*
 * Makes such a list for files of electron-builder, which writes none.  The
 * files' names tell the kind of artifact and the architecture, as
 * lu_artifact_parse() reads them with the version and the id of the release.
 * Of the members of "files", name, sha256, size, arch and artifact are read;
 * arch, which may be empty, is that of the manifest, for names that tell none;
 * artifact, terminated or empty, is the kind if the name does not tell it.
 * Without an architecture, a file is for x64 or, if another one is, for all
 * computers.
 *
 * Files of an unknown kind are left out, and of two for the same kind and
 * architecture the first one counts.  Text from malloc(), or NULL: out of
 * memory.
 */

char *lu_td_print(const char *version, const char *id, const char *created,
    const lu_td_artifact_t *files, size_t n);


#endif /* _LU_TD_H_INCLUDED_ */
