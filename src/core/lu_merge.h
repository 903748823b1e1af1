
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Update manifests of the same name, which several builds of one version have
 * written, made into one.
 */


#ifndef _LU_MERGE_H_INCLUDED_
#define _LU_MERGE_H_INCLUDED_


#include "lu_error.h"


#define LU_MERGE_MAX  20            /* manifests */


/*
 * Merges n manifests, each of which lu_builder_parse() accepts, into the text
 * of one: with the "files" and "packages" of all of them, in the order in which
 * electron-builder lists them if it builds all at once, zips first and ARM
 * last, since updaters take the first file if no name tells more; with "path",
 * "sha512", "sha2" and "releaseDate" of the manifest whose file comes first.
 * All other members must be the same in all manifests.
 *
 * LU_OK, LU_NOMEM, or LU_INVALID with the reason: more than LU_MERGE_MAX
 * manifests, one without "files", or a member that differs.
 */

lu_rc_e lu_merge(const lu_arena_t *arena, const lu_str_t *texts, size_t n,
    lu_str_t *merged, lu_error_t *err);


#endif /* _LU_MERGE_H_INCLUDED_ */
