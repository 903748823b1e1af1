
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * release.json, the description of one release.
 */


#ifndef _LU_RELEASE_H_INCLUDED_
#define _LU_RELEASE_H_INCLUDED_


#include "lu_platform.h"


#define LU_ZIP_NAME  "bundle.zip"


typedef enum {
    LU_KIND_ZIP = 0,
    LU_KIND_MANIFEST
} lu_kind_e;


/* Native versions that a release is for; an empty string is no limit. */

typedef struct {
    lu_str_t                min;      /* at least */
    lu_str_t                max;      /* at most */
    lu_str_t                eq;       /* not this one: it has the content */
} lu_limits_t;


typedef struct {
    lu_str_t                id;
    lu_kind_e               kind;
    lu_limits_t             limits[2];   /* Android, iOS */
    lu_str_t                url;         /* of a registered zip, or empty */
    lu_str_t                checksum;    /* of a zip, or empty */
    lu_str_t                signature;   /* of a zip, or empty */
    lu_str_t                properties;  /* JSON object, or empty */
    unsigned                is_signed:1;
} lu_release_t;


/*
 * Reads a release.json.  The result is allocated in the arena and keeps
 * nothing of the text.
 */

lu_rc_e lu_release_parse(const lu_arena_t *arena, const lu_str_t *text,
    lu_release_t *release, lu_error_t *err);

/*
 * The members of a release that publishers may set, out of a request's body
 * into a release: version limits (strings, or null to clear) and
 * customProperties (an object of at most 10 strings).  Other members are
 * ignored.  LU_INVALID with the reason leaves the release as it was,
 * LU_NOMEM may have changed a part.
 */

lu_rc_e lu_release_set(cJSON *release, const cJSON *body, lu_error_t *err);


#endif /* _LU_RELEASE_H_INCLUDED_ */
