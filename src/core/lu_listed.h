
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What a commit on GitHub changed in desktop-builds.json and
 * desktop-releases.json, compared with what was followed before it.
 */


#ifndef _LU_LISTED_H_INCLUDED_
#define _LU_LISTED_H_INCLUDED_


#include "lu_json.h"


/* The ids of the builds that a list releases, sorted, each of them once. */

typedef struct {
    lu_str_t            *ids;
    size_t               n;
    size_t               invalid;        /* entries without a valid id */
    size_t               first;          /* the first of them, from 1 */
} lu_listed_t;


/*
 * Reads an array of builds, without those that are not released, or an array
 * of ids.  The strings are parts of the tree.  LU_OK or LU_NOMEM.
 */

lu_rc_e lu_listed_parse(const lu_arena_t *arena, const cJSON *builds,
    lu_listed_t *listed);

/* 1 if the build is in the list. */

int lu_listed_has(const lu_listed_t *listed, const lu_str_t *id);

/* 1 if the array has such an item, wherever its plan is: lu_growth.h. */

int lu_listed_holds(const cJSON *array, const cJSON *item);

/*
 * Applies to the array "current" what has changed from the array "was" to the
 * array "now"; each may be NULL.  If nobody else has changed it, the result is
 * "now".  Items that somebody else has removed stay removed, and those that
 * somebody else has added stay, behind the item that they follow.  The tree is
 * the caller's; NULL: out of memory.
 */

cJSON *lu_listed_merge(const cJSON *current, const cJSON *was,
    const cJSON *now);


#endif /* _LU_LISTED_H_INCLUDED_ */
