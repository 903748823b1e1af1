
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What GitHub's webhooks and REST API say, and the two files in which the
 * owners of a repository approve: desktop-builds.json (an array of builds) and
 * desktop-releases.json (the rules).
 */


#ifndef _LIVEUPDATE_GITHUB_H_INCLUDED_
#define _LIVEUPDATE_GITHUB_H_INCLUDED_


#include "lu_json.h"


#define LIVEUPDATE_GITHUB_BUILDS    "desktop-builds.json"
#define LIVEUPDATE_GITHUB_RELEASES  "desktop-releases.json"


/* The body of a "push" or "pull_request" event. */

typedef struct {
    liveupdate_str_t    repository;      /* "owner/name" */
    liveupdate_str_t    base;            /* the repository's default branch */
    liveupdate_str_t    branch;          /* that was pushed, or is to merge */
    liveupdate_str_t    target;          /* of a pull request */
    uint64_t            number;          /* of a pull request */
    unsigned            touches:1;       /* one of the files, or it may */
    unsigned            is_fork:1;       /* what is to merge is another's */
    unsigned            closed:1;
    unsigned            merged:1;
} liveupdate_github_event_t;


/*
 * The strings are parts of the tree.  LIVEUPDATE_INVALID with the reason: a
 * member is missing or of another type.  A push of a tag has no branch.
 */

liveupdate_rc_e liveupdate_github_push(const cJSON *body,
    liveupdate_github_event_t *event, liveupdate_error_t *err);
liveupdate_rc_e liveupdate_github_pull_request(const cJSON *body,
    liveupdate_github_event_t *event, liveupdate_error_t *err);

/*
 * The answer of "GET /repos/{owner}/{repo}/contents/{path}": the text, from
 * the arena, and the blob's sha, a part of the tree.
 */

liveupdate_rc_e liveupdate_github_content(const liveupdate_arena_t *arena,
    const cJSON *answer, liveupdate_str_t *text, liveupdate_str_t *sha,
    liveupdate_error_t *err);

/* The body of a "PUT" there.  Text from malloc(), or NULL: out of memory. */

char *liveupdate_github_put(const char *message, const char *text,
    const char *branch, const liveupdate_str_t *sha);

/*
 * The file with one more build, or with the rules of the webhook; text is
 * empty if there is no file yet.  *out is from malloc(), NULL if the file
 * says so already.
 */

liveupdate_rc_e liveupdate_github_add_build(const liveupdate_str_t *text,
    const char *id, const char *version, const char *now, char **out,
    liveupdate_error_t *err);
liveupdate_rc_e liveupdate_github_set_rules(const liveupdate_str_t *text,
    const cJSON *release_info, char **out, liveupdate_error_t *err);

/*
 * The two files as trees, to be freed by the caller: an array of objects with
 * an id each, and an object.  An empty text is an empty file.
 */

liveupdate_rc_e liveupdate_github_builds(const liveupdate_str_t *text,
    cJSON **builds, liveupdate_error_t *err);
liveupdate_rc_e liveupdate_github_rules(const liveupdate_str_t *text,
    cJSON **rules, liveupdate_error_t *err);

/* 1 if the array has the build, and it is to be released. */

int liveupdate_github_has_build(const cJSON *builds, const char *id);

/*
 * A copy of the rules without those for builds that are not to be released: if
 * the latest one is none of them, what it is now (or NULL) stays.  To be freed
 * by the caller; NULL: out of memory.
 */

cJSON *liveupdate_github_rules_of(const cJSON *rules, const cJSON *builds,
    const char *latest);

/*
 * "POST /repos/{owner}/{repo}/pulls": a pull request for a staged release
 * (release.json and files.json).  Text from malloc(), or NULL.
 */

char *liveupdate_github_pull(const cJSON *release, const cJSON *files,
    const char *branch, const char *base);


#endif /* _LIVEUPDATE_GITHUB_H_INCLUDED_ */
