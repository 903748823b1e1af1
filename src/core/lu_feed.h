
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The update feed: from what electron-updater asks for to a file's name.
 */


#ifndef _LU_FEED_H_INCLUDED_
#define _LU_FEED_H_INCLUDED_


#include "lu_desktop.h"


typedef struct {
    lu_str_t            name;           /* of the file in the feed's folder */
    unsigned            is_manifest:1;  /* .yml or .json */
    unsigned            is_fixed:1;     /* the path is the file's own name */
} lu_feed_t;


/*
 * path: decoded, without a "/" in front.  LU_INVALID: it is empty;
 * LU_NOT_FOUND: an unknown version, or no name of a file of a desktop
 * release (lu_name_file_check()): the feed has no folders, so that
 * "{x}/latest-build-{id}-{platform}.yml" names nothing in it, either.  The
 * name is the path or from the arena.  What is fixed, an artifact or its
 * blockmap under its own name, never changes; the others depend on the rules
 * and on the client, or are manifests.
 */

lu_rc_e lu_feed_name(const lu_arena_t *arena, const lu_desktop_t *desktop,
    const lu_client_t *client, const lu_str_t *path, lu_feed_t *feed);

/* The media type of a file in the feed, by its name. */

const char *lu_feed_type(const lu_str_t *name);


#endif /* _LU_FEED_H_INCLUDED_ */
