
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The releases that an app.json refers to.  They are live; those of its other
 * releases that were published are withdrawn.
 */


#ifndef _LU_LIVE_H_INCLUDED_
#define _LU_LIVE_H_INCLUDED_


#include "lu_json.h"


/* Ids in the order of their bytes; they belong to the tree of the app. */

typedef struct {
    lu_str_t                *ids;
    size_t                   n;
} lu_live_t;


/* Collects them in the arena.  LU_OK or LU_NOMEM. */

lu_rc_e lu_live(const lu_arena_t *arena, const cJSON *app, lu_live_t *live);

/* 1 if the release of that id is among them, else 0. */

int lu_live_has(const lu_live_t *live, const lu_str_t *id);


#endif /* _LU_LIVE_H_INCLUDED_ */
