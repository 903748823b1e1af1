
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Which files of a build are to be fetched, out of its manifests.
 */


#ifndef _LU_PLAN_H_INCLUDED_
#define _LU_PLAN_H_INCLUDED_


#include "lu_builder.h"
#include "lu_td.h"


typedef struct {
    lu_str_t                    name;        /* terminated */
    uint64_t                    size;        /* UINT64_MAX: not said */
    unsigned char               sha512[64];
    lu_str_t                    sha256;      /* lower-case hex, or empty */
    unsigned                    has_sha512:1;
    unsigned                    has_blockmap:1;  /* there may be one */
    unsigned                    is_optional:1;   /* it may be missing */
} lu_plan_file_t;


typedef struct {
    const lu_arena_t           *arena;
    lu_plan_file_t             *files;
    size_t                      nfiles;
    size_t                      nalloc;
    uint64_t                    size;        /* of those that say theirs */

    size_t                      max_files;
    uint64_t                    max_size;
} lu_plan_t;


void lu_plan_init(lu_plan_t *plan, const lu_arena_t *arena, size_t max_files,
    uint64_t max_size);

/*
 * Add what a manifest lists; a file that is there already is completed.
 * LU_INVALID: two manifests say different things of the same file.
 * LU_FORBIDDEN: more files, or more bytes, than the plan may have.
 */

lu_rc_e lu_plan_td(lu_plan_t *plan, const lu_td_t *td, lu_error_t *err);
lu_rc_e lu_plan_builder(lu_plan_t *plan, const lu_builder_t *builder,
    lu_error_t *err);

/*
 * Adds the blockmap of each file that may have one, once all manifests were
 * added; where its name would be too long or not safe there is none.
 */

lu_rc_e lu_plan_blockmaps(lu_plan_t *plan, lu_error_t *err);

/*
 * 1 if electron-updater updates something that the list names, so that there
 * must be a latest.yml for it, too.
 */

int lu_plan_needs_builder(const lu_td_t *td);


#endif /* _LU_PLAN_H_INCLUDED_ */
