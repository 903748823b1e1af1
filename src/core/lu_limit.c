
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_limit.h"


typedef struct {
    const char                  *member;
    size_t                       size;      /* bytes */
    const char                  *text;
} lu_limit_t;


#define lu_limit_member(member, size)                                         \
    { member, size, "must be a string of at most " #size " bytes" }


static const lu_limit_t *lu_limit_of(const char *member);


/* The last one is for all others. */

static const lu_limit_t  lu_limits[] = {
    lu_limit_member("gitRef", 1024),
    lu_limit_member("gitCommitSha", 128),
    lu_limit_member("gitCommitRef", 1024),
    lu_limit_member("gitCommitMessage", 4096),
    lu_limit_member("reason", 4096),
    lu_limit_member("commit", 128),
    lu_limit_member("commitMessage", 4096),
    lu_limit_member("releaseNotes", 4096),
    lu_limit_member("branch", 1024),
    lu_limit_member("remote", 2048),
    lu_limit_member("electron", 128),
    lu_limit_member("buildStartedAt", 64),
    lu_limit_member("buildEndedAt", 64),
    lu_limit_member(NULL, 256)
};


lu_rc_e
lu_limit_string(const cJSON *object, const char *member, lu_str_t *value,
    lu_error_t *err)
{
    lu_rc_e            rc;
    lu_str_t           subject, found;
    const lu_limit_t  *limit;

    rc = lu_json_string(object, member, &found);

    if (rc == LU_NOT_FOUND) {
        return rc;
    }

    limit = lu_limit_of(member);

    if (rc != LU_OK || found.len > limit->size) {
        subject = lu_str(member);

        return lu_error(err, &subject, limit->text);
    }

    *value = found;

    return LU_OK;
}


void
lu_limit_cut(const char *member, lu_str_t *value)
{
    size_t  size;

    size = lu_limit_of(member)->size;

    if (value->len <= size) {
        return;
    }

    while (size && (value->data[size] & 0xc0) == 0x80) {
        size--;
    }

    value->len = size;
}


static const lu_limit_t *
lu_limit_of(const char *member)
{
    const lu_limit_t  *limit;

    for (limit = lu_limits; limit->member; limit++) {
        if (strcmp(limit->member, member) == 0) {
            break;
        }
    }

    return limit;
}
