
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What GitHub's webhooks and REST API say, and the two files in which the
 * owners of a repository approve: desktop-builds.json (an array of builds) and
 * desktop-releases.json (the rules).
 */


#ifndef _LU_GITHUB_H_INCLUDED_
#define _LU_GITHUB_H_INCLUDED_


#include "lu_json.h"


#define LU_GITHUB_BUILDS    "desktop-builds.json"
#define LU_GITHUB_RELEASES  "desktop-releases.json"


/* The body of a "push" or "pull_request" event. */

typedef struct {
    lu_str_t            repository;      /* "owner/name" */
    lu_str_t            base;            /* the repository's default branch */
    lu_str_t            branch;          /* that was pushed, or is to merge */
    lu_str_t            target;          /* of a pull request */
    uint64_t            number;          /* of a pull request */
    unsigned            touches:1;       /* one of the files, or it may */
    unsigned            is_fork:1;       /* what is to merge is another's */
    unsigned            closed:1;
    unsigned            merged:1;
} lu_github_event_t;


/*
 * The strings are parts of the tree.  LU_INVALID with the reason: a
 * member is missing or of another type.  A push of a tag has no branch.
 */

lu_rc_e lu_github_push(const cJSON *body, lu_github_event_t *event,
    lu_error_t *err);
lu_rc_e lu_github_pull_request(const cJSON *body, lu_github_event_t *event,
    lu_error_t *err);

/*
 * The answer of "GET /repos/{owner}/{repo}/contents/{path}": the text, from
 * the arena, and the blob's sha, a part of the tree.
 */

lu_rc_e lu_github_content(const lu_arena_t *arena, const cJSON *answer,
    lu_str_t *text, lu_str_t *sha, lu_error_t *err);

/* The body of a "PUT" there.  Text from malloc(), or NULL: out of memory. */

char *lu_github_put(const char *message, const char *text, const char *branch,
    const lu_str_t *sha);

/*
 * The file with one more build, or with the rules of the webhook; text is
 * empty if there is no file yet.  *out is from malloc(), NULL if the file
 * says so already.
 */

lu_rc_e lu_github_add_build(const lu_str_t *text, const char *id,
    const char *version, const char *now, char **out, lu_error_t *err);
lu_rc_e lu_github_set_rules(const lu_str_t *text, const cJSON *release_info,
    char **out, lu_error_t *err);

/*
 * The two files as trees, to be freed by the caller: an array of objects with
 * an id each, and an object.  An empty text is an empty file.
 */

lu_rc_e lu_github_builds(const lu_str_t *text, cJSON **builds,
    lu_error_t *err);
lu_rc_e lu_github_rules(const lu_str_t *text, cJSON **rules, lu_error_t *err);

/* 1 if the array has the build, and it is to be released. */

int lu_github_has_build(const cJSON *builds, const char *id);

/*
 * A copy of the rules without those for builds that are not to be released: if
 * the latest one is none of them, what it is now (or NULL) stays.  To be freed
 * by the caller; NULL: out of memory.
 */

cJSON *lu_github_rules_of(const cJSON *rules, const cJSON *builds,
    const char *latest);

/*
 * "POST /repos/{owner}/{repo}/pulls": a pull request for a staged release
 * (release.json and files.json).  Text from malloc(), or NULL.
 */

char *lu_github_pull(const cJSON *release, const cJSON *files,
    const char *branch, const char *base);


#endif /* _LU_GITHUB_H_INCLUDED_ */
