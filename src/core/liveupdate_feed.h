
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The update feed: from what electron-updater asks for to a file's name.
 */


#ifndef _LIVEUPDATE_FEED_H_INCLUDED_
#define _LIVEUPDATE_FEED_H_INCLUDED_


#include "liveupdate_desktop.h"


typedef struct {
    liveupdate_str_t    name;           /* of the file in the feed's folder */
    unsigned            is_manifest:1;  /* .yml or .json */
    unsigned            is_fixed:1;     /* its bytes never change */
} liveupdate_feed_t;


/*
 * path: one decoded segment, without a "/" in front.  LIVEUPDATE_INVALID: it
 * is empty; LIVEUPDATE_NOT_FOUND: an unknown version, a name that is not safe
 * (more than one segment, but for "{x}/latest-build-{id}-{platform}.yml"; a
 * leading dot; control bytes; a backslash).  The name is the path's or from
 * the arena.
 */

liveupdate_rc_e liveupdate_feed_name(const liveupdate_arena_t *arena,
    const liveupdate_desktop_t *desktop, const liveupdate_client_t *client,
    const liveupdate_str_t *path, liveupdate_feed_t *feed);

/*
 * The value of Content-Disposition (RFC 6266): attachment; filename="...",
 * and filename*=UTF-8''... where the name is not plain ASCII (then filename
 * has "?" or "_" in place of what it cannot hold).  cut: without the build's
 * id, as the feed does and the download routes do not.  Data is NULL if the
 * arena is exhausted.
 */

liveupdate_str_t liveupdate_disposition(const liveupdate_arena_t *arena,
    const liveupdate_str_t *name, int cut);

/* The media type of a file in the feed, by its name. */

const char *liveupdate_feed_type(const liveupdate_str_t *name);


#endif /* _LIVEUPDATE_FEED_H_INCLUDED_ */
