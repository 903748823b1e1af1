
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * release.json, the description of a release.
 */


#ifndef _LU_RELEASE_H_INCLUDED_
#define _LU_RELEASE_H_INCLUDED_


#include "lu_platform.h"
#include "lu_put.h"


#define LU_ZIP_NAME  "bundle.zip"


/* The "kind" of a release: a bundle of one of two types, or a desktop app. */

typedef enum {
    LU_KIND_UNKNOWN = 0,
    LU_KIND_ZIP,
    LU_KIND_MANIFEST,
    LU_KIND_DESKTOP
} lu_kind_e;


/*
 * The "state" of a release.  A release.json says one as far as "rejected";
 * whether a promoted release is live or was withdrawn follows from its app.
 */

typedef enum {
    LU_STATE_UNKNOWN = 0,
    LU_STATE_UPLOADING,
    LU_STATE_FETCHING,
    LU_STATE_VERIFYING,
    LU_STATE_STAGED,
    LU_STATE_FAILED,
    LU_STATE_REJECTED,
    LU_STATE_LIVE,
    LU_STATE_WITHDRAWN
} lu_state_e;

#define LU_STATES  (LU_STATE_WITHDRAWN + 1)


/* The native versions that a bundle is for; an empty string is no limit. */

typedef struct {
    lu_str_t                min;      /* at least */
    lu_str_t                max;      /* at most */
    lu_str_t                eq;       /* not this one: it contains the bundle */
} lu_limits_t;


/* Where a desktop release comes from; what is not known is empty. */

typedef struct {
    lu_str_t                commit;
    lu_str_t                message;     /* of the commit */
    lu_str_t                branch;      /* or tag */
    lu_str_t                remote;      /* the address of the repository */
} lu_origin_t;


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
 * Reads the release.json of a bundle into the arena and keeps nothing of the
 * text.  LU_OK, LU_INVALID with the reason, or LU_NOMEM.
 */

lu_rc_e lu_release_parse(const lu_arena_t *arena, const lu_str_t *text,
    lu_release_t *release, lu_error_t *err);

/*
 * Copies the members that publishers may set from the body of a request into a
 * release.json: version limits (strings) and customProperties (an object of at
 * most 10 strings); null clears a member.  Other members are ignored.  LU_OK;
 * LU_INVALID with the reason, and the release is unchanged; LU_NOMEM, and the
 * release may be half changed.
 */

lu_rc_e lu_release_set(cJSON *release, const cJSON *body, lu_error_t *err);

/*
 * Copies what the CLI says of the commit: gitRef, gitCommitSha, gitCommitRef
 * and gitCommitMessage, which is cut if it is too long, since nobody shortens a
 * message to publish.  LU_OK; LU_INVALID, and the release is unchanged; or
 * LU_NOMEM.
 */

lu_rc_e lu_release_commit(cJSON *release, const cJSON *body, lu_error_t *err);

/*
 * Where a desktop release comes from: "commit", "commitMessage", "branch" and
 * "remote".  parse() reads them from the body of a call: LU_OK, also if there
 * are none, or LU_INVALID with the reason.  value() is the member with such a
 * name, or NULL.  check() refuses a remote with a password, which CI systems
 * like to write: LU_OK or LU_INVALID.  put() replaces those that it has if it
 * is told of any, and cuts off what is too long.
 */

lu_rc_e lu_release_origin_parse(const cJSON *body, lu_origin_t *origin,
    lu_error_t *err);
lu_str_t *lu_release_origin_value(lu_origin_t *origin, const lu_str_t *name);
lu_rc_e lu_release_origin_check(const lu_origin_t *origin, lu_error_t *err);
void lu_release_origin_put(lu_put_t *put, cJSON *release,
    const lu_origin_t *origin);


/*
 * The kind and the state that a release.json says; UNKNOWN: none, or none that
 * is known.
 */

lu_kind_e lu_release_kind(const cJSON *release);
lu_state_e lu_release_state(const cJSON *release);

/* 1 if the bundle is for some versions of the app only. */

int lu_release_is_limited(const cJSON *release);

/*
 * The number of a bundle that is told by its id, whose last twelve digits it
 * is; 0: the id tells none, as those of old bundles and of desktop releases.
 */

uint64_t lu_release_id_number(const lu_str_t *id);

/* Put them into a release.json, in the place of those that it has. */

void lu_release_put_kind(lu_put_t *put, cJSON *release, lu_kind_e kind);
void lu_release_put_state(lu_put_t *put, cJSON *release, lu_state_e state);

/* "zip", "fetching", ...; "unknown" is the name of UNKNOWN alone. */

const char *lu_release_kind_name(lu_kind_e kind);
const char *lu_release_state_name(lu_state_e state);

/* The kind or the state of that name; UNKNOWN: there is none. */

lu_kind_e lu_release_kind_named(const lu_str_t *name);
lu_state_e lu_release_state_named(const lu_str_t *name);


#endif /* _LU_RELEASE_H_INCLUDED_ */
