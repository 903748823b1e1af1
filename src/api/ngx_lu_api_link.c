
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_api_link.h"

#include "write/ngx_lu_change.h"
#include "write/ngx_lu_release.h"

#include "core/lu_hex.h"
#include "core/lu_json.h"
#include "core/lu_link.h"
#include "core/lu_put.h"

#include <openssl/rand.h>


#define NGX_LU_API_LINK_SECONDS  3600       /* unless the request says */


typedef struct {
    ngx_lu_call_t  *call;
    time_t          expires;
    char            until[LU_TIME_SIZE];
} ngx_lu_api_link_t;


static ngx_int_t ngx_lu_api_link_make(ngx_lu_task_t *task, cJSON *app,
    void *data);
static ngx_int_t ngx_lu_api_link_secret(ngx_lu_task_t *task, cJSON *app,
    u_char *secret);


ngx_int_t
ngx_lu_api_link_post(ngx_lu_call_t *call)
{
    uint64_t           seconds;
    ngx_lu_task_t     *task;
    ngx_lu_api_link_t  link;

    task = &call->task;

    switch (lu_json_size(call->json, "expiresIn", &seconds)) {

    case LU_OK:
        break;

    case LU_NOT_FOUND:
        seconds = NGX_LU_API_LINK_SECONDS;
        break;

    default:
        seconds = 0;
        break;
    }

    if (seconds < LU_LINK_MIN || seconds > LU_LINK_MAX) {
        return ngx_lu_task_refuse(task, 422,
                                  "\"expiresIn\" must be a number of seconds, "
                                  "from 60 to 604800, which is a week.");
    }

    link.call = call;
    link.expires = time(NULL) + (time_t) seconds;

    lu_time_print(link.until, link.expires, 0);

    return ngx_lu_change(task, ngx_lu_api_link_make, NULL, &link);
}


/* Each link has an entry in the audit log, and so changes the app. */

static ngx_int_t
ngx_lu_api_link_make(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_api_link_t *link = data;

    char              key[LU_LINK_SIZE];
    u_char            bytes[LU_LINK_SECRET];
    cJSON            *answer;
    lu_put_t          put;
    lu_str_t          secret;
    ngx_int_t         status;
    lu_state_e        state;
    ngx_lu_release_t  release;

    task->change = "release.link";
    task->subject = (char *) task->id.data;
    task->to = link->until;

    status = ngx_lu_release_read(task, task->subject, &release);
    if (status != NGX_OK) {
        return status;
    }

    state = release.is_live ? LU_STATE_LIVE : lu_release_state(release.json);

    ngx_lu_release_close(&release);

    if (state != LU_STATE_STAGED) {
        return ngx_lu_task_refuse(task, NGX_HTTP_CONFLICT,
                                  "There are links only to a release that "
                                  "waits for approval.");
    }

    status = ngx_lu_api_link_secret(task, app, bytes);
    if (status != NGX_OK) {
        return status;
    }

    secret.data = bytes;
    secret.len = LU_LINK_SECRET;

    lu_link_key(key, &secret, &task->id, link->expires);

    answer = cJSON_CreateObject();

    lu_put_init(&put);
    lu_put_string(&put, answer, "key", key);
    lu_put_string(&put, answer, "expiresAt", link->until);

    if (put.failed) {
        cJSON_Delete(answer);
        return ngx_lu_task_nomem(task);
    }

    return ngx_lu_call_answer(link->call, NGX_HTTP_OK, answer);
}


/* That of the app, or a new one. */

static ngx_int_t
ngx_lu_api_link_secret(ngx_lu_task_t *task, cJSON *app, u_char *secret)
{
    char      hex[2 * LU_LINK_SECRET + 1];
    lu_str_t  known;

    if (lu_json_string(app, LU_LINK_MEMBER, &known) == LU_OK
        && known.len == 2 * LU_LINK_SECRET
        && lu_hex_decode(secret, known.data, LU_LINK_SECRET))
    {
        return NGX_OK;
    }

    if (RAND_bytes(secret, LU_LINK_SECRET) != 1) {
        return ngx_lu_task_nomem(task);
    }

    lu_hex_encode(hex, secret, LU_LINK_SECRET);
    hex[2 * LU_LINK_SECRET] = '\0';

    return lu_json_set_string(app, LU_LINK_MEMBER, hex) == LU_OK
           ? NGX_OK : ngx_lu_task_nomem(task);
}
