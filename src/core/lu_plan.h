
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The plan of a fetch: which files of a build there are, according to its
 * manifests.
 */


#ifndef _LU_PLAN_H_INCLUDED_
#define _LU_PLAN_H_INCLUDED_


#include "lu_builder.h"
#include "lu_td.h"


typedef struct {
    lu_str_t                    name;        /* terminated */
    uint64_t                    size;        /* bytes; UINT64_MAX: unknown */
    unsigned char               sha512[64];
    lu_str_t                    sha256;      /* lower-case hex, or empty */
    unsigned                    has_sha512:1;
    unsigned                    has_blockmap:1;  /* it may have one */
    unsigned                    is_optional:1;   /* it may not exist */
} lu_plan_file_t;


typedef struct {
    const lu_arena_t           *arena;
    lu_plan_file_t             *files;
    size_t                      nfiles;
    size_t                      nalloc;
    uint64_t                    size;        /* of all files, if known */

    size_t                      max_files;
    uint64_t                    max_size;
} lu_plan_t;


/* An empty plan; at most so many files, and bytes, may be added. */

void lu_plan_init(lu_plan_t *plan, const lu_arena_t *arena, size_t max_files,
    uint64_t max_size);

/*
 * Add the files that a manifest lists; what it says about a file that the plan
 * has already is added to that.  The strings are copied, except the digests.
 * LU_OK, LU_NOMEM; LU_INVALID with the reason: two manifests contradict each
 * other; LU_FORBIDDEN with the reason: the plan would exceed its limits.
 */

lu_rc_e lu_plan_td(lu_plan_t *plan, const lu_td_t *td, lu_error_t *err);
lu_rc_e lu_plan_builder(lu_plan_t *plan, const lu_builder_t *builder,
    lu_error_t *err);

/*
 * Adds the blockmaps of the files that may have one, after the last manifest.
 * A blockmap whose name lu_name_file_check() would refuse is left out.  LU_OK,
 * LU_NOMEM, or LU_FORBIDDEN with the reason.
 */

lu_rc_e lu_plan_blockmaps(lu_plan_t *plan, lu_error_t *err);

/*
 * 1 if the list has an artifact that electron-updater updates, so that there
 * must be an update manifest of electron-builder's as well.
 */

int lu_plan_needs_builder(const lu_td_t *td);


#endif /* _LU_PLAN_H_INCLUDED_ */
