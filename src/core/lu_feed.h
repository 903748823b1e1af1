
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The update feed: which file a request of electron-updater is answered with.
 */


#ifndef _LU_FEED_H_INCLUDED_
#define _LU_FEED_H_INCLUDED_


#include "lu_desktop.h"


typedef struct {
    lu_str_t            name;           /* of the file in the feed's folder */
    const lu_build_t   *build;          /* whose file it must be, or NULL */
    unsigned            is_manifest:1;  /* .yml or .json */
    unsigned            is_fixed:1;     /* the path is the file's own name */
    size_t              tried;          /* releases that do not have it */
} lu_feed_t;


/*
 * Finds the file for a decoded path, without the "/" at its beginning.  The
 * name is the path itself or is in the arena.  A fixed file, which is an
 * artifact or its blockmap under its own name, never changes; which of the
 * other files is meant depends on the rules and the client.
 *
 * A manifest, and the blockmap of another version, may only be sent if they are
 * in the file table of feed->build.  A manifest without a build is not to be
 * sent at all.
 *
 * LU_OK, LU_NOMEM; LU_INVALID: the path is empty; LU_NOT_FOUND: there is no
 * release of that version, or lu_name_file_check() refuses the name.  The feed
 * has no folders.
 */

lu_rc_e lu_feed_name(const lu_arena_t *arena, const lu_desktop_t *desktop,
    const lu_client_t *client, const lu_str_t *path, lu_feed_t *feed);

/*
 * Finds the file for the same path in the next release that the client may get,
 * as the one before turned out not to have it.  LU_NOT_FOUND: there is no other
 * one, or the path names the release.
 */

lu_rc_e lu_feed_next(const lu_arena_t *arena, const lu_desktop_t *desktop,
    const lu_client_t *client, const lu_str_t *path, lu_feed_t *feed);

/*
 * What lu_desktop_trial() says about a client that asks for a path, and gets
 * the manifest of a build, or of none (NULL).  LU_NOT_FOUND: also if the path
 * names a release.
 */

lu_rc_e lu_feed_trial(const lu_desktop_t *desktop, const lu_client_t *client,
    const lu_str_t *path, const lu_build_t *build, lu_trial_t *trial);

/* The media type of a file in the feed, which its name tells. */

const char *lu_feed_type(const lu_str_t *name);


#endif /* _LU_FEED_H_INCLUDED_ */
