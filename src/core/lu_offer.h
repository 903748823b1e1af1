
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Which desktop releases have which update manifest, and which of them is the
 * latest for everyone.  A release that has no "latest-mac.yml" leaves Macs
 * where they are.
 *
 * A manifest is named without the release: "latest-mac.yml" is what staging
 * calls "latest-mac-build-{id}.yml".
 */


#ifndef _LU_OFFER_H_INCLUDED_
#define _LU_OFFER_H_INCLUDED_


#include "lu_desktop.h"
#include "lu_file.h"
#include "lu_update.h"


/* In a release; of one with more, the list is not kept. */

#define LU_OFFER_MANIFESTS  200


/*
 * The names of the manifests and lists in the file table of a build, in its
 * order: an array for cJSON_Delete(), or null if there are more than are kept.
 * NULL: no memory.
 */

cJSON *lu_offer_names(const lu_file_t *files, size_t n, const char *build_id);

/*
 * 1 if clients ask for that name: a manifest, or a list of artifacts of a build
 * that has no manifest for the platform.  "manifests" are the names of the
 * build.
 */

int lu_offer_is_asked(const cJSON *manifests, const lu_str_t *name);

/*
 * Fills desktop->offers and desktop->unknown.  "builds" and "releases" are the
 * trees that desktop was parsed from; nothing of them is kept.  LU_OK;
 * LU_INVALID with the reason: "manifests" of a build, or of the releases, has
 * another type; or LU_NOMEM.
 */

lu_rc_e lu_offer_index(const lu_arena_t *arena, const cJSON *builds,
    const cJSON *releases, lu_desktop_t *desktop, lu_error_t *err);

/* The offer of that name, or NULL. */

const lu_offer_t *lu_offer_find(const lu_desktop_t *desktop,
    const lu_str_t *name);

/*
 * 1 if the build has the manifest, or if nobody has written down what it has;
 * else 0.  The offer may be NULL.
 */

int lu_offer_may_have(const lu_offer_t *offer, const lu_build_t *build);

/* The mark of a manifest of a build; NULL: it is not known to have that. */

const lu_mark_t *lu_offer_mark(const lu_desktop_t *desktop,
    const lu_str_t *name, const lu_build_t *build);

/*
 * The name under which the lists of artifacts of a channel are offered:
 * "td-{channel}-mac.json".  An empty channel stands for all.  In the arena;
 * data is NULL if that is exhausted.
 */

lu_str_t lu_offer_list(const lu_arena_t *arena, const lu_str_t *channel,
    unsigned platform);

/*
 * The name of such an offer if there is one; else that of the offer for all
 * channels, for an app that has no release in the channel.
 */

lu_str_t lu_offer_any_list(const lu_desktop_t *desktop, const lu_str_t *name,
    unsigned platform);


#endif /* _LU_OFFER_H_INCLUDED_ */
