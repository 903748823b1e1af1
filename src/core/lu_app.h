
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * app.json as the reading half needs it: an immutable picture of what an
 * app's devices are told, with the answers already rendered.
 */


#ifndef _LIVEUPDATE_APP_H_INCLUDED_
#define _LIVEUPDATE_APP_H_INCLUDED_


#include "lu_desktop.h"
#include "lu_release.h"
#include "lu_time.h"


typedef struct {
    liveupdate_str_t             id;
    liveupdate_str_t             release_id;

    /*
     * Devices whose bucket is below the threshold get it; everybody does if
     * it is "everyone", and 2^64 has no other place
     */
    uint64_t                     threshold;
    unsigned                     everyone:1;

    /* NULL if the release is gone; else the caller sets it before render() */
    const liveupdate_release_t  *release;

    /*
     * The answer to a device: head, the base URL, tail.  If the URL is the
     * publisher's own, then the head is the whole answer.
     */
    liveupdate_str_t             head;
    liveupdate_str_t             tail;

    liveupdate_mark_t            mark;
} liveupdate_deployment_t;


typedef struct {
    liveupdate_str_t             id;
    liveupdate_str_t             name;
    time_t                       expires;       /* or LIVEUPDATE_TIME_MAX */
    unsigned                     paused:1;
    unsigned                     is_protected:1;

    /* newest first, no further than one that is for everyone */
    liveupdate_deployment_t     *deployments;
    size_t                       ndeployments;

    liveupdate_mark_t            mark;          /* told of no release */
} liveupdate_channel_t;


typedef struct {
    liveupdate_str_t             device;
    const liveupdate_channel_t  *channel;
} liveupdate_forced_t;


typedef struct {
    liveupdate_str_t             id;
    const liveupdate_channel_t  *channel;       /* the default, or NULL */
    liveupdate_channel_t        *channels;      /* sorted by name */
    size_t                       nchannels;
    liveupdate_forced_t         *forced;        /* sorted by device */
    size_t                       nforced;
    liveupdate_desktop_t         desktop;
    liveupdate_mark_t            mark;          /* no channel, no build */
    unsigned                     discovery:1;
} liveupdate_app_t;


/*
 * Reads an app.json; all is allocated in the arena, nothing of the text is
 * kept.  The deployments' releases are left NULL.
 */

liveupdate_rc_e liveupdate_app_parse(const liveupdate_arena_t *arena,
    const liveupdate_str_t *text, liveupdate_app_t *app,
    liveupdate_error_t *err);

/*
 * Renders the answer of one deployment, whose release must be set.  Returns
 * LIVEUPDATE_OK or LIVEUPDATE_NOMEM.
 */

liveupdate_rc_e liveupdate_deployment_render(const liveupdate_arena_t *arena,
    const liveupdate_app_t *app, const liveupdate_channel_t *channel,
    liveupdate_deployment_t *deployment);

/*
 * The path of a release's artifact, behind the base of URLs:
 * "/artifacts/{app}/{release}", and "/bundle.zip" for a zip.  Data is NULL if
 * the arena is exhausted; there is room for 3 bytes behind it.
 */

liveupdate_str_t liveupdate_artifact_path(const liveupdate_arena_t *arena,
    const liveupdate_str_t *app, const liveupdate_str_t *release,
    liveupdate_kind_e kind);

/* The channel of that name, or to which the device is forced; else NULL. */

const liveupdate_channel_t *liveupdate_channel_find(
    const liveupdate_app_t *app, const liveupdate_str_t *name);
const liveupdate_channel_t *liveupdate_forced_find(
    const liveupdate_app_t *app, const liveupdate_str_t *device);


#endif /* _LIVEUPDATE_APP_H_INCLUDED_ */
