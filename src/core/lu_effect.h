
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What a change of an app's desktop releases does to whom.
 */


#ifndef _LU_EFFECT_H_INCLUDED_
#define _LU_EFFECT_H_INCLUDED_


#include "lu_desktop.h"


/*
 * Compares two app.json, before and after a change that is about a release, and
 * appends to an array an object for each manifest that somebody gets from
 * another release, or to another share, with
 *
 *     platform, channel, arch, manifest   as lu_share_list()
 *     from, to     the releases, each {id, version}, or null
 *     share        of those who ask, that get "to" afterwards
 *     effect       "new": nobody had an update before
 *                  "update"
 *                  "back": "to" is older, or fewer get the release
 *                  "lost": some have no update any more
 *
 * *lost has the names of the lost manifests, with commas, in the arena, and
 * *older those that lead more people to an older version than everybody gets
 * now; they are empty if there are none.  Rules by address are not taken into
 * account.
 * LU_OK; LU_INVALID with the reason: one of the two cannot be read; or
 * LU_NOMEM, and the array may have some of the objects.
 */

lu_rc_e lu_effect(const lu_arena_t *arena, const cJSON *before,
    const cJSON *after, const char *release, cJSON *list, lu_str_t *lost,
    lu_str_t *older, lu_error_t *err);


#endif /* _LU_EFFECT_H_INCLUDED_ */
