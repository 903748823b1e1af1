
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_release.h"
#include "ngx_lu_review.h"

#include "core/lu_platform.h"
#include "core/lu_put.h"
#include "core/lu_signed.h"


/* Live releases that one release is compared with, at most. */

#define NGX_LU_REVIEW_LIVE  3


static char *ngx_lu_review_from(const cJSON *effect);


ngx_int_t
ngx_lu_review(ngx_lu_task_t *task, const cJSON *json, const cJSON *effects,
    cJSON *warnings)
{
    char              *id, *seen[NGX_LU_REVIEW_LIVE];
    lu_put_t           put;
    ngx_int_t          status;
    ngx_uint_t         i, n;
    const cJSON       *effect;
    ngx_lu_release_t   live;

    lu_put_init(&put);

    lu_signed_invalid(&put, warnings, json, task->now);

    n = 0;

    cJSON_ArrayForEach(effect, effects) {

        id = ngx_lu_review_from(effect);

        if (id == NULL) {
            continue;
        }

        for (i = 0; i < n; i++) {
            if (ngx_strcmp(seen[i], id) == 0) {
                break;
            }
        }

        if (i < n) {
            continue;
        }

        if (n == NGX_LU_REVIEW_LIVE) {
            break;
        }

        seen[n++] = id;

        status = ngx_lu_release_read(task, id, &live);

        if (status == NGX_HTTP_NOT_FOUND) {
            continue;
        }

        if (status != NGX_OK) {
            return status;
        }

        lu_signed_differs(&put, warnings, json, live.json);

        ngx_lu_release_close(&live);
    }

    return put.failed ? ngx_lu_task_nomem(task) : NGX_OK;
}


/* The release that those on Windows have now; NULL: none. */

static char *
ngx_lu_review_from(const cJSON *effect)
{
    lu_str_t  platform, id;

    if (lu_json_string(effect, "platform", &platform) != LU_OK
        || !lu_str_is(&platform, lu_platform_name(LU_WINDOWS))
        || lu_json_string(lu_json_get(effect, "from"), "id", &id) != LU_OK)
    {
        return NULL;
    }

    return (char *) id.data;
}
