
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * app.json as the reading half needs it: an immutable picture of what an
 * app's devices are told, with the answers already rendered.
 */


#ifndef _LU_APP_H_INCLUDED_
#define _LU_APP_H_INCLUDED_


#include "lu_desktop.h"
#include "lu_mark.h"
#include "lu_release.h"
#include "lu_rollout.h"
#include "lu_time.h"


typedef struct {
    lu_str_t                     id;
    lu_str_t                     release_id;
    lu_rollout_t                 rollout;

    /* NULL if the release is gone; else the caller sets it before render() */
    const lu_release_t          *release;

    /*
     * The answer to a device: head, the base URL, tail.  If the URL is the
     * publisher's own, then the head is the whole answer.
     */
    lu_str_t                     head;
    lu_str_t                     tail;

    lu_mark_t                    mark;
} lu_deployment_t;


typedef struct {
    lu_str_t                     id;
    lu_str_t                     name;
    time_t                       expires;       /* or LU_TIME_MAX */
    unsigned                     paused:1;
    unsigned                     is_protected:1;

    /* newest first, no further than one that is for everyone */
    lu_deployment_t             *deployments;
    size_t                       ndeployments;

    lu_mark_t                    mark;          /* told of no release */
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
    lu_mark_t                    mark;          /* no channel, no build */
    unsigned                     discovery:1;
} lu_app_t;


/*
 * Reads an app.json; all is allocated in the arena, nothing of the text is
 * kept.  The deployments' releases are left NULL.
 */

lu_rc_e lu_app_parse(const lu_arena_t *arena, const lu_str_t *text,
    lu_app_t *app, lu_error_t *err);

/*
 * Renders the answer of one deployment, whose release must be set.  Returns
 * LU_OK or LU_NOMEM.
 */

lu_rc_e lu_app_render(const lu_arena_t *arena, const lu_app_t *app,
    const lu_channel_t *channel, lu_deployment_t *deployment);

/*
 * The path of a release's artifact, behind the base of URLs:
 * "/artifacts/{app}/{release}", and "/bundle.zip" for a zip.  Data is NULL if
 * the arena is exhausted; there is room for 3 bytes behind it.
 */

lu_str_t lu_app_artifact_path(const lu_arena_t *arena, const lu_str_t *app,
    const lu_str_t *release, lu_kind_e kind);

/* The channel of that name, or to which the device is forced; else NULL. */

const lu_channel_t *lu_app_channel_find(const lu_app_t *app,
    const lu_str_t *name);
const lu_channel_t *lu_app_forced_find(const lu_app_t *app,
    const lu_str_t *device);


#endif /* _LU_APP_H_INCLUDED_ */
