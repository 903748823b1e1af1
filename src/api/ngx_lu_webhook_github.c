
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What GitHub announces.  A push is only the reason to look: what counts is
 * the head of the base branch, so that deliveries may be lost, or come twice,
 * or late.
 */


#include "ngx_lu_call.h"
#include "ngx_lu_webhook.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_lock.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_tree.h"
#include "write/ngx_lu_app.h"
#include "write/ngx_lu_task.h"
#include "job/ngx_lu_pull.h"
#include "job/ngx_lu_reconcile.h"

#include "core/lu_github.h"
#include "core/lu_json.h"
#include "core/lu_release.h"


#define NGX_LU_DELIVERIES  1000
#define NGX_LU_ID          64


static ngx_int_t ngx_lu_event_run(ngx_lu_call_t *call,
    ngx_int_t (*handler)(ngx_lu_call_t *call, lu_github_event_t *event),
    lu_github_event_t *event);
static ngx_int_t ngx_lu_event_push(ngx_lu_call_t *call,
    lu_github_event_t *event);
static ngx_int_t ngx_lu_event_closed(ngx_lu_call_t *call,
    lu_github_event_t *event);
static ngx_int_t ngx_lu_event_find(ngx_lu_task_t *task, cJSON *app,
    void *data);
static ngx_int_t ngx_lu_event_release(ngx_lu_call_t *call,
    lu_github_event_t *event, ngx_str_t *id);
static ngx_int_t ngx_lu_event_seen(ngx_lu_call_t *call, u_char *path,
    ngx_uint_t *seen);
static ngx_int_t ngx_lu_event_remember(ngx_lu_call_t *call, u_char *path);
static ngx_int_t ngx_lu_event_say(ngx_lu_call_t *call, ngx_int_t status,
    const char *text);


ngx_int_t
ngx_lu_webhook_github(ngx_lu_call_t *call)
{
    lu_rc_e             rc;
    lu_str_t           *name, base;
    lu_github_event_t   event;
    ngx_lu_delivery_t  *delivery;

    delivery = call->delivery;
    name = &delivery->event;

    if (lu_str_is(name, "ping")) {
        return ngx_lu_event_say(call, NGX_HTTP_OK, "pong");
    }

    if (lu_str_is(name, "push")) {
        rc = lu_github_push(call->json, &event, &call->task.error);

    } else if (lu_str_is(name, "pull_request")) {
        rc = lu_github_pull_request(call->json, &event, &call->task.error);

    } else {
        return ngx_lu_event_say(call, NGX_HTTP_OK, "ignored");
    }

    if (rc != LU_OK) {
        return (rc == LU_NOMEM) ? ngx_lu_task_nomem(&call->task)
                                : NGX_HTTP_BAD_REQUEST;
    }

    if (event.repository.len != delivery->github->repo.len
        || ngx_strncasecmp(event.repository.data, delivery->github->repo.data,
                           event.repository.len)
           != 0)
    {
        return ngx_lu_event_say(call, NGX_HTTP_OK, "ignored");
    }

    base = event.base;

    if (delivery->github->base.len) {
        base.len = delivery->github->base.len;
        base.data = delivery->github->base.data;
    }

    if (lu_str_is(name, "push")) {

        if (!event.touches || !lu_str_eq(&event.branch, &base)) {
            return ngx_lu_event_say(call, NGX_HTTP_OK,
                                    "ignored");
        }

        return ngx_lu_event_run(call, ngx_lu_event_push, &event);
    }

    if (!event.closed || event.is_fork || !lu_str_eq(&event.target, &base)) {
        return ngx_lu_event_say(call, NGX_HTTP_OK, "ignored");
    }

    return ngx_lu_event_run(call,
                            event.merged
                            ? ngx_lu_event_push
                            : ngx_lu_event_closed,
                            &event);
}


/* A delivery is remembered when what it asks for is on the disk. */

static ngx_int_t
ngx_lu_event_run(ngx_lu_call_t *call,
    ngx_int_t (*handler)(ngx_lu_call_t *call, lu_github_event_t *event),
    lu_github_event_t *event)
{
    u_char     *path;
    ngx_fd_t    lock;
    ngx_int_t   status;
    ngx_uint_t  seen;

    if (ngx_lu_reconcile_lock(&call->task, &lock) != NGX_OK) {
        return ngx_lu_task_failed(&call->task);
    }

    path = ngx_lu_path(&call->task.io, "%V/jobs/.deliveries",
                       &call->task.store->path);

    status = ngx_lu_event_seen(call, path, &seen);

    if (status == NGX_OK && seen) {
        status = ngx_lu_event_say(call, NGX_HTTP_OK, "seen before");

    } else if (status == NGX_OK) {
        status = handler(call, event);

        if (status < NGX_HTTP_BAD_REQUEST
            && ngx_lu_event_remember(call, path) != NGX_OK)
        {
            status = ngx_lu_task_failed(&call->task);
        }
    }

    ngx_lu_lock_release(lock);

    return status;
}


static ngx_int_t
ngx_lu_event_push(ngx_lu_call_t *call, lu_github_event_t *event)
{
    ngx_int_t  status;

    status = ngx_lu_reconcile_ask(&call->task);
    if (status != NGX_OK) {
        return status;
    }

    call->wake = 1;

    return ngx_lu_event_say(call, NGX_HTTP_ACCEPTED, "accepted");
}


typedef struct {
    ngx_lu_call_t              *call;
    lu_github_event_t          *event;
    lu_str_t                    app;
    lu_str_t                    id;
} ngx_lu_event_find_t;


static ngx_int_t
ngx_lu_event_closed(ngx_lu_call_t *call, lu_github_event_t *event)
{
    ngx_int_t            status;
    ngx_lu_task_t       *task;
    ngx_lu_event_find_t  find;

    task = &call->task;

    ngx_memzero(&find, sizeof(ngx_lu_event_find_t));

    find.call = call;
    find.event = event;

    status = ngx_lu_app_each(task, ngx_lu_event_find, &find);
    if (status != NGX_OK) {
        return status;
    }

    if (find.id.data == NULL) {
        return ngx_lu_event_say(call, NGX_HTTP_OK, "ignored");
    }

    task->app = find.app;
    task->id = find.id;

    status = ngx_lu_pull_closed(task, event->number);

    /* it went live by another way meanwhile */

    return status == NGX_HTTP_CONFLICT
           ? ngx_lu_event_say(call, NGX_HTTP_OK, "ignored")
           : ngx_lu_call_state(call, status, LU_STATE_REJECTED);
}


static ngx_int_t
ngx_lu_event_find(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_event_find_t *find = data;

    u_char      *path;
    lu_str_t     id;
    ngx_int_t    rc, status;
    ngx_str_t   *name;
    lu_arena_t   arena;
    ngx_uint_t   i;
    ngx_array_t  names;

    if (find->id.data || lu_json_string(app, "id", &id) != LU_OK) {
        return NGX_OK;
    }

    path = ngx_lu_path(&task->io, "%V/staging/%s", &task->store->path,
                       id.data);

    rc = ngx_lu_tree_list(&task->io, path, &names);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : ngx_lu_task_failed(task);
    }

    arena = ngx_lu_arena(task->io.pool);

    task->app = lu_str_dup(&arena, id.data, id.len);

    if (task->app.data == NULL) {
        return ngx_lu_task_nomem(task);
    }

    name = names.elts;

    for (i = 0; i < names.nelts; i++) {

        status = ngx_lu_event_release(find->call, find->event, &name[i]);

        if (status == NGX_DECLINED) {
            continue;
        }

        if (status == NGX_OK) {
            find->app = task->app;
            find->id.len = name[i].len;
            find->id.data = name[i].data;
        }

        return status;
    }

    return NGX_OK;
}


/* NGX_OK: the pull request is that of the release; NGX_DECLINED: it is not. */

static ngx_int_t
ngx_lu_event_release(ngx_lu_call_t *call, lu_github_event_t *event,
    ngx_str_t *id)
{
    cJSON     *release, *pull;
    u_char    *path;
    uint64_t   number;
    lu_str_t   branch;
    ngx_int_t  rc;

    path = ngx_lu_path(&call->task.io, "%V/staging/%s/%V/release.json",
                       &call->task.store->path, call->task.app.data, id);

    rc = ngx_lu_file_read_json(&call->task.io, path, &release);

    if (rc != NGX_OK) {
        return rc
            == NGX_DECLINED ? NGX_DECLINED : ngx_lu_task_failed(&call->task);
    }

    pull = cJSON_GetObjectItemCaseSensitive(release, "pullRequest");

    rc = NGX_DECLINED;
    number = event->number;

    /* there is none before GitHub's answer was seen, but the branch is ours */

    if (pull
        && lu_json_string(pull, "branch", &branch) == LU_OK
        && lu_str_eq(&branch, &event->branch)
        && (!cJSON_HasObjectItem(pull, "number")
            || (lu_json_size(pull, "number", &number)
                == LU_OK
                && number == event->number)))
    {
        rc = NGX_OK;
    }

    cJSON_Delete(release);

    return rc;
}


/* One id for each line, the last ones count. */

static ngx_int_t
ngx_lu_event_seen(ngx_lu_call_t *call, u_char *path, ngx_uint_t *seen)
{
    u_char             *p, *end, *last;
    lu_str_t            text;
    ngx_int_t           rc;
    ngx_uint_t          lines;
    ngx_file_info_t     fi;
    ngx_lu_delivery_t  *delivery;

    *seen = 0;

    delivery = call->delivery;

    if (delivery->id.len == 0) {
        return NGX_OK;
    }

    rc = ngx_lu_file_read(&call->task.io, path, &text, &fi);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : ngx_lu_task_failed(&call->task);
    }

    lines = 0;
    last = text.data + text.len;

    for (p = last; p > text.data; p = end) {

        end = p - 1;
        p = end;

        while (p > text.data && p[-1] != LF) {
            p--;
        }

        if ((size_t) (end - p) == delivery->id.len
            && ngx_memcmp(p, delivery->id.data, end - p) == 0)
        {
            *seen = 1;
            return NGX_OK;
        }

        end = p;

        if (++lines == NGX_LU_DELIVERIES) {
            break;
        }
    }

    /* older ones are forgotten from time to time */

    if (p - text.data < (off_t) NGX_LU_DELIVERIES * NGX_LU_ID) {
        return NGX_OK;
    }

    if (ngx_lu_file_write(&call->task.io, call->task.store, path,
                          (char *) p, last - p)
        != NGX_OK)
    {
        return ngx_lu_task_failed(&call->task);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_event_remember(ngx_lu_call_t *call, u_char *path)
{
    u_char             *line;
    ngx_lu_delivery_t  *delivery;

    delivery = call->delivery;

    if (delivery->id.len == 0) {
        return NGX_OK;
    }

    line = ngx_lu_format(call->task.io.pool, "%*s\n", delivery->id.len,
                         delivery->id.data);
    if (line == NULL) {
        return NGX_ERROR;
    }

    return ngx_lu_file_append(&call->task.io, path, (char *) line,
                              delivery->id.len + 1);
}


static ngx_int_t
ngx_lu_event_say(ngx_lu_call_t *call, ngx_int_t status, const char *text)
{
    cJSON_Delete(call->answer);

    call->answer = cJSON_CreateObject();

    return cJSON_AddStringToObject(call->answer, "message", text)
           ? status : ngx_lu_task_nomem(&call->task);
}
