
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What devices are told about an app: an immutable copy of its app.json, with
 * the answers to update checks already rendered.
 */


#ifndef _LU_APP_H_INCLUDED_
#define _LU_APP_H_INCLUDED_


#include "lu_desktop.h"
#include "lu_mark.h"
#include "lu_minimum.h"
#include "lu_pace.h"
#include "lu_release.h"
#include "lu_rollout.h"
#include "lu_time.h"


#define LU_APP_OLDER  10


typedef struct {
    lu_str_t                     id;
    lu_str_t                     release_id;
    lu_rollout_t                 rollout;
    unsigned                     is_halted:1;

    /* who runs the release keeps it */
    lu_rollout_t                 keeps;

    lu_pace_t                   *pace;          /* NULL: it does not change */
    time_t                       next;          /* it changes then */

    /* set by the caller before lu_app_render(); NULL: there is none */
    const lu_release_t          *release;

    /*
     * The answer to a device: head, base URL, tail.  If the release has a URL
     * of its own, the head is the whole answer and the tail is empty.
     */
    lu_str_t                     head;
    lu_str_t                     tail;

    /* heads for who misses 1 to LU_MINIMUM_BOTH; NULL: there is no minimum */
    lu_str_t                    *mandatory;

    lu_mark_t                    mark;

    /* in a guarded channel; all but the bundle only of the newest one */
    uint32_t                     bundle;        /* lu_cohort_hash() */
    uint32_t                     tag;
    time_t                       created;
} lu_deployment_t;


typedef struct {
    lu_str_t                     id;
    lu_str_t                     name;
    time_t                       expires;       /* never: LU_TIME_MAX */
    unsigned                     paused:1;
    unsigned                     is_protected:1;
    unsigned                     is_newest_only:1;  /* "newestCompatible" */
    unsigned                     is_guarded:1;

    const lu_minimum_t          *minimum;       /* NULL: none */

    /*
     * The newest first, up to the first one that is for everyone.  Unless only
     * the newest one counts, up to LU_APP_OLDER more follow, for devices that
     * this one is not for; lu_app_end() ends the list where it can be.
     */
    lu_deployment_t             *deployments;
    size_t                       ndeployments;

    lu_mark_t                    mark;          /* checks without a release */

    /* with discovery: the JSON that devices get, and the name in app->names */
    lu_str_t                     item;
    size_t                       at;
} lu_channel_t;


typedef struct {
    lu_str_t                     device;
    const lu_channel_t          *channel;
} lu_forced_t;


typedef struct {
    lu_str_t                     id;
    const lu_channel_t          *channel;       /* the default, or NULL */
    lu_channel_t                *channels;      /* sorted by name */
    size_t                       nchannels;
    lu_forced_t                 *forced;        /* sorted by device */
    size_t                       nforced;
    lu_desktop_t                 desktop;
    lu_str_t                     minimum;       /* of desktop; empty: none */
    lu_str_t                     link;          /* secret of links, or empty */
    lu_mark_t                    mark;          /* checks without a channel */

    const lu_freezes_t          *freezes;
    time_t                       next;          /* lu_app_turn(); never: MAX */

    /*
     * With discovery: the names of all channels in their order, each ended by a
     * zero byte.  The items of the channels lie one behind the other, too, with
     * commas between them.
     */
    lu_str_t                     names;
    unsigned                     discovery:1;
} lu_app_t;


/*
 * Reads an app.json into the arena and keeps nothing of the text.  The
 * releases of the deployments are NULL.  LU_OK, LU_INVALID with the reason,
 * or LU_NOMEM.
 */

lu_rc_e lu_app_parse(const lu_arena_t *arena, const lu_str_t *text,
    lu_app_t *app, lu_error_t *err);

/*
 * 1 if no device gets past deployment i of a channel, whose release must be set
 * if there is one: it is for everyone, with any version.
 */

int lu_app_end(const lu_channel_t *channel, size_t i);

/*
 * Sets the shares of all rollouts that depend on the time, and app->next: when
 * one of them changes again.  To be called before the app is used, and from
 * app->next on; the share of a rollout does not shrink if the clock goes back.
 */

void lu_app_turn(lu_app_t *app, time_t now);

/*
 * Renders heads and tail of a deployment, whose release must be set, into the
 * arena.  LU_OK or LU_NOMEM.
 */

lu_rc_e lu_app_render(const lu_arena_t *arena, const lu_app_t *app,
    const lu_channel_t *channel, lu_deployment_t *deployment);

/*
 * The path of a bundle's artifact, which follows the base URL:
 * "/artifacts/{app}/{release}", and "/bundle.zip" for a zip.  In the arena,
 * with room for 3 bytes behind it; data is NULL if the arena is exhausted.
 */

lu_str_t lu_app_artifact_path(const lu_arena_t *arena, const lu_str_t *app,
    const lu_str_t *release, lu_kind_e kind);

/* The number of the channel whose name has that byte of app->names. */

size_t lu_app_channel_at(const lu_app_t *app, size_t at);

/* The channel of that name, and that a device is forced to; or NULL. */

const lu_channel_t *lu_app_channel_find(const lu_app_t *app,
    const lu_str_t *name);
const lu_channel_t *lu_app_forced_find(const lu_app_t *app,
    const lu_str_t *device);


#endif /* _LU_APP_H_INCLUDED_ */
