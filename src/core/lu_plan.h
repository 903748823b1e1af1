
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Which files of a build are to be fetched, out of its manifests.
 */


#ifndef _LIVEUPDATE_PLAN_H_INCLUDED_
#define _LIVEUPDATE_PLAN_H_INCLUDED_


#include "lu_builder.h"
#include "lu_td.h"


typedef struct {
    liveupdate_str_t            name;        /* terminated */
    uint64_t                    size;        /* UINT64_MAX: not said */
    unsigned char               sha512[64];
    liveupdate_str_t            sha256;      /* lower-case hex, or empty */
    unsigned                    has_sha512:1;
    unsigned                    has_blockmap:1;  /* there may be one */
    unsigned                    is_optional:1;   /* it may be missing */
} liveupdate_plan_file_t;


typedef struct {
    const liveupdate_arena_t   *arena;
    liveupdate_plan_file_t     *files;
    size_t                      nfiles;
    size_t                      nalloc;
    uint64_t                    size;        /* of those that say theirs */

    size_t                      max_files;
    uint64_t                    max_size;
} liveupdate_plan_t;


void liveupdate_plan_init(liveupdate_plan_t *plan,
    const liveupdate_arena_t *arena, size_t max_files, uint64_t max_size);

/*
 * Add what a manifest lists; a file that is there already is completed.
 * LIVEUPDATE_INVALID: two manifests say different things of the same file.
 * LIVEUPDATE_FORBIDDEN: more files, or more bytes, than the plan may have.
 */

liveupdate_rc_e liveupdate_plan_td(liveupdate_plan_t *plan,
    const liveupdate_td_t *td, liveupdate_error_t *err);
liveupdate_rc_e liveupdate_plan_builder(liveupdate_plan_t *plan,
    const liveupdate_builder_t *builder, liveupdate_error_t *err);

/*
 * Adds the blockmap of each file that may have one, once all manifests were
 * added; where its name would be too long or not safe there is none.
 */

liveupdate_rc_e liveupdate_plan_blockmaps(liveupdate_plan_t *plan,
    liveupdate_error_t *err);

/*
 * 1 if electron-updater updates something that the list names, so that there
 * must be a latest.yml for it, too.
 */

int liveupdate_plan_needs_builder(const liveupdate_td_t *td);


#endif /* _LIVEUPDATE_PLAN_H_INCLUDED_ */
