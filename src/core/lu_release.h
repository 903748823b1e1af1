
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * release.json and files.json, the description of one release.
 */


#ifndef _LIVEUPDATE_RELEASE_H_INCLUDED_
#define _LIVEUPDATE_RELEASE_H_INCLUDED_


#include "lu_json.h"
#include "lu_manifest.h"


#define LIVEUPDATE_ZIP_NAME  "bundle.zip"


typedef enum {
    LIVEUPDATE_KIND_ZIP = 0,
    LIVEUPDATE_KIND_MANIFEST
} liveupdate_kind_e;


/* As the clients number them in "platform". */

typedef enum {
    LIVEUPDATE_ANDROID = 0,
    LIVEUPDATE_IOS,
    LIVEUPDATE_ELECTRON
} liveupdate_platform_e;


/* Native versions that a release is for; an empty string is no limit. */

typedef struct {
    liveupdate_str_t        min;      /* at least */
    liveupdate_str_t        max;      /* at most */
    liveupdate_str_t        eq;       /* not this one: it has the content */
} liveupdate_limits_t;


typedef struct {
    liveupdate_str_t        id;
    liveupdate_kind_e       kind;
    liveupdate_limits_t     limits[2];   /* Android, iOS */
    liveupdate_str_t        url;         /* of a registered zip, or empty */
    liveupdate_str_t        checksum;    /* of a zip, or empty */
    liveupdate_str_t        signature;   /* of a zip, or empty */
    liveupdate_str_t        properties;  /* JSON object, or empty */
    unsigned                is_signed:1;
} liveupdate_release_t;


/*
 * Reads a release.json.  The result is allocated in the arena and keeps
 * nothing of the text.
 */

liveupdate_rc_e liveupdate_release_parse(const liveupdate_arena_t *arena,
    const liveupdate_str_t *text, liveupdate_release_t *release,
    liveupdate_error_t *err);

/*
 * The members of a release that publishers may set, out of a request's body
 * into a release: version limits (strings, or null to clear) and
 * customProperties (an object of at most 10 strings).  Other members are
 * ignored.  LIVEUPDATE_INVALID with the reason leaves the release as it was,
 * LIVEUPDATE_NOMEM may have changed a part.
 */

liveupdate_rc_e liveupdate_release_set(cJSON *release, const cJSON *body,
    liveupdate_error_t *err);

/*
 * A files.json: the table of a release's files, sorted by the bytes of the
 * href, and back.  print() returns text from malloc(), or NULL.
 */

liveupdate_rc_e liveupdate_files_parse(const liveupdate_arena_t *arena,
    const liveupdate_str_t *text, liveupdate_file_t **files, size_t *n,
    liveupdate_error_t *err);
char *liveupdate_files_print(const liveupdate_file_t *files, size_t n);

/* One entry of such a table. */

liveupdate_rc_e liveupdate_file_parse(const liveupdate_arena_t *arena,
    const cJSON *item, liveupdate_file_t *file, liveupdate_error_t *err);
cJSON *liveupdate_file_json(const liveupdate_file_t *file);


#endif /* _LIVEUPDATE_RELEASE_H_INCLUDED_ */
