
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The webhooks and the REST API of GitHub, and the two files in which the
 * owners of a repository approve releases: desktop-builds.json (an array of
 * builds) and desktop-releases.json (the rules).
 */


#ifndef _LU_GITHUB_H_INCLUDED_
#define _LU_GITHUB_H_INCLUDED_


#include "lu_json.h"

#include <time.h>


#define LU_GITHUB_BUILDS    "desktop-builds.json"
#define LU_GITHUB_RELEASES  "desktop-releases.json"


/* The body of a "push" or "pull_request" event. */

typedef struct {
    lu_str_t            repository;      /* "owner/name" */
    uint64_t            id;              /* of the repository, or 0 */
    lu_str_t            base;            /* the repository's default branch */
    lu_str_t            branch;          /* pushed, or to be merged */
    lu_str_t            target;          /* of a pull request */
    uint64_t            number;          /* of a pull request */
    lu_str_t            before;          /* commit of the branch, or empty */
    lu_str_t            after;
    unsigned            touches:1;       /* a push may change the two files */
    unsigned            builds:1;        /* a commit says that it changes it */
    unsigned            rules:1;
    unsigned            is_fork:1;       /* the branch is in a fork */
    unsigned            closed:1;
    unsigned            merged:1;
} lu_github_event_t;


/*
 * Read the body of an event.  The strings are parts of the tree.  A push of a
 * tag has no branch.  LU_OK, or LU_INVALID with the reason: a member is
 * missing or has another type.
 */

lu_rc_e lu_github_push(const cJSON *body, lu_github_event_t *event,
    lu_error_t *err);
lu_rc_e lu_github_pull_request(const cJSON *body, lu_github_event_t *event,
    lu_error_t *err);

/*
 * Reads the answer to "GET /repos/{owner}/{repo}/contents/{path}", or to "GET
 * .../git/blobs/{sha}": the text of the file, in the arena, and the sha of the
 * blob, a part of the tree.  LU_OK; LU_NOT_FOUND with the sha: GitHub has left
 * out the content of a large file; LU_INVALID with the reason, or LU_NOMEM.
 */

lu_rc_e lu_github_content(const lu_arena_t *arena, const cJSON *answer,
    lu_str_t *text, lu_str_t *sha, lu_error_t *err);

/*
 * Until when a token is valid, in seconds of the epoch, as the header
 * "GitHub-Authentication-Token-Expiration" says: "2026-12-30 12:00:00 UTC", or
 * with an offset such as "+0900".  LU_OK, or LU_INVALID: *until is as it was.
 */

lu_rc_e lu_github_until(const lu_str_t *text, time_t *until);

/*
 * The body of a "PUT" to the same path; sha is empty for a new file.  Text from
 * malloc(), or NULL: out of memory.
 */

char *lu_github_put(const char *message, const char *text, const char *branch,
    const lu_str_t *sha);

/*
 * Change the text of a file, which is empty if there is no file yet: add a
 * build, or take over the rules of the webhook's "releaseInfo".  *out is from
 * malloc(), or NULL if there is nothing to change.  LU_OK, LU_INVALID with the
 * reason, or LU_NOMEM.
 */

lu_rc_e lu_github_add_build(const lu_str_t *text, const char *id,
    const char *version, const char *now, char **out, lu_error_t *err);
lu_rc_e lu_github_set_rules(const lu_str_t *text, const cJSON *release_info,
    char **out, lu_error_t *err);

/*
 * Read the two files: an array, whose items may be anything, and an object.
 * An empty text is an empty array or object.  The tree is the caller's, to be
 * freed by cJSON_Delete(); NULL on error.  LU_OK, LU_INVALID with the reason,
 * or LU_NOMEM.
 */

lu_rc_e lu_github_builds(const lu_str_t *text, cJSON **builds,
    lu_error_t *err);
lu_rc_e lu_github_rules(const lu_str_t *text, cJSON **rules, lu_error_t *err);

/* 1 if the array has the build, and it does not say "isReleased": false. */

int lu_github_has_build(const cJSON *builds, const char *id);

/*
 * The body of "POST /repos/{owner}/{repo}/pulls": a pull request for a staged
 * release, out of its release.json and files.json, of what lu_effect() says of
 * its promotion, and of warnings; both may be NULL.  Text from malloc(), or
 * NULL: out of memory, or the release has no id or version.
 */

char *lu_github_pull(const cJSON *release, const cJSON *files,
    const cJSON *effects, const cJSON *warnings, const char *branch,
    const char *base);


#endif /* _LU_GITHUB_H_INCLUDED_ */
