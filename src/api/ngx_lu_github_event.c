
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What GitHub announces.  A push is only the reason to look: what counts is
 * the head of the base branch, so that deliveries may be lost, or come twice,
 * or late.
 */


#include "ngx_lu_api.h"
#include "job/ngx_lu_job.h"

#include "core/lu_github.h"


#define NGX_LU_DELIVERIES  1000
#define NGX_LU_ID          64


static ngx_int_t ngx_lu_event_run(ngx_lu_call_t *call,
    ngx_int_t (*handler)(ngx_lu_call_t *call, lu_github_event_t *event),
    lu_github_event_t *event);
static ngx_int_t ngx_lu_event_push(ngx_lu_call_t *call,
    lu_github_event_t *event);
static ngx_int_t ngx_lu_event_closed(ngx_lu_call_t *call,
    lu_github_event_t *event);
static ngx_int_t ngx_lu_event_find(ngx_lu_call_t *call, cJSON *app,
    void *data);
static ngx_int_t ngx_lu_event_release(ngx_lu_call_t *call,
    lu_github_event_t *event, ngx_str_t *id);
static ngx_int_t ngx_lu_event_seen(ngx_lu_call_t *call, u_char *path,
    ngx_uint_t *seen);
static ngx_int_t ngx_lu_event_remember(ngx_lu_call_t *call, u_char *path);
static ngx_int_t ngx_lu_event_say(ngx_lu_call_t *call, ngx_int_t status,
    const char *text);


ngx_int_t
ngx_lu_github_event(ngx_lu_call_t *call)
{
    lu_str_t           *name, base;
    lu_rc_e             rc;
    lu_github_event_t   event;
    ngx_lu_delivery_t  *delivery;

    delivery = call->data;
    name = &delivery->event;

    if (lu_str_is(name, "ping")) {
        return ngx_lu_event_say(call, NGX_HTTP_OK, "pong");
    }

    if (lu_str_is(name, "push")) {
        rc = lu_github_push(call->json, &event, &call->error);

    } else if (lu_str_is(name, "pull_request")) {
        rc = lu_github_pull_request(call->json, &event, &call->error);

    } else {
        return ngx_lu_event_say(call, NGX_HTTP_OK, "ignored");
    }

    if (rc != LU_OK) {
        return (rc == LU_NOMEM) ? ngx_lu_nomem(call) : NGX_HTTP_BAD_REQUEST;
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
    u_char      *path;
    ngx_fd_t     lock;
    ngx_int_t    status;
    ngx_uint_t   seen;

    if (ngx_lu_approved_lock(call, &lock) != NGX_OK) {
        return ngx_lu_failed(call);
    }

    path = ngx_lu_path(call->io.pool, "%V/jobs/.deliveries",
                       &call->store->path);

    status = ngx_lu_event_seen(call, path, &seen);

    if (status == NGX_OK && seen) {
        status = ngx_lu_event_say(call, NGX_HTTP_OK, "seen before");

    } else if (status == NGX_OK) {
        status = handler(call, event);

        if (status < NGX_HTTP_BAD_REQUEST
            && ngx_lu_event_remember(call, path) != NGX_OK)
        {
            status = ngx_lu_failed(call);
        }
    }

    ngx_lu_store_unlock(lock);

    return status;
}


static ngx_int_t
ngx_lu_event_push(ngx_lu_call_t *call, lu_github_event_t *event)
{
    ngx_int_t  status;

    status = ngx_lu_approved_ask(call);
    if (status != NGX_OK) {
        return status;
    }

    call->wake = 1;

    return ngx_lu_event_say(call, NGX_HTTP_ACCEPTED, "accepted");
}


typedef struct {
    lu_github_event_t          *event;
    lu_str_t                    app;
    lu_str_t                    id;
} ngx_lu_event_find_t;


static ngx_int_t
ngx_lu_event_closed(ngx_lu_call_t *call, lu_github_event_t *event)
{
    ngx_int_t            status;
    ngx_lu_event_find_t  find;

    ngx_memzero(&find, sizeof(ngx_lu_event_find_t));
    find.event = event;

    call->route.resource = LU_ROUTE_RELEASE;

    status = ngx_lu_apps_each(call, ngx_lu_event_find, &find);
    if (status != NGX_OK) {
        return status;
    }

    if (find.id.data == NULL) {
        return ngx_lu_event_say(call, NGX_HTTP_OK, "ignored");
    }

    call->route.app = find.app;
    call->route.id = find.id;

    status = ngx_lu_github_reject(call, event->number);

    /* it went live by another way meanwhile */

    return status == NGX_HTTP_CONFLICT
           ? ngx_lu_event_say(call, NGX_HTTP_OK, "ignored")
           : status;
}


ngx_int_t
ngx_lu_github_reject(ngx_lu_call_t *call, uint64_t number)
{
    u_char  *reason;

    reason = ngx_lu_path(call->io.pool, "pull request #%uL was closed",
                         number);

    cJSON_Delete(call->json);
    call->json = cJSON_CreateObject();

    if (reason == NULL
        || cJSON_AddStringToObject(call->json, "reason", (char *) reason)
           == NULL)
    {
        return ngx_lu_nomem(call);
    }

    return ngx_lu_release_reject_post(call);
}


static ngx_int_t
ngx_lu_event_find(ngx_lu_call_t *call, cJSON *app, void *data)
{
    ngx_lu_event_find_t *find = data;

    u_char      *path;
    ngx_int_t    rc, status;
    ngx_str_t   *name;
    ngx_uint_t   i;
    ngx_array_t  names;
    lu_str_t     id;
    lu_arena_t   arena;

    if (find->id.data || lu_json_string(app, "id", &id) != LU_OK) {
        return NGX_OK;
    }

    path = ngx_lu_path(call->io.pool, "%V/staging/%s", &call->store->path,
                       id.data);

    rc = ngx_lu_store_list(&call->io, path, &names);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : ngx_lu_failed(call);
    }

    arena = ngx_lu_arena(call->io.pool);

    call->route.app = lu_str_dup(&arena, id.data, id.len);

    if (call->route.app.data == NULL) {
        return ngx_lu_nomem(call);
    }

    name = names.elts;

    for (i = 0; i < names.nelts; i++) {

        status = ngx_lu_event_release(call, find->event, &name[i]);
        if (status == NGX_DECLINED) {
            continue;
        }

        if (status == NGX_OK) {
            find->app = call->route.app;
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
    ngx_int_t  rc;
    lu_str_t   branch;

    path = ngx_lu_path(call->io.pool, "%V/staging/%s/%V/release.json",
                       &call->store->path, call->route.app.data, id);

    rc = ngx_lu_store_read_json(&call->io, path, &release);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_DECLINED : ngx_lu_failed(call);
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
    ngx_int_t           rc;
    ngx_str_t           text;
    ngx_uint_t          lines;
    ngx_file_info_t     fi;
    ngx_lu_delivery_t  *delivery;

    *seen = 0;

    delivery = call->data;

    if (delivery->id.len == 0) {
        return NGX_OK;
    }

    rc = ngx_lu_store_read(&call->io, path, &text, &fi);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : ngx_lu_failed(call);
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

    if (ngx_lu_store_write(&call->io, call->store, path,
                           (char *) p, last - p)
        != NGX_OK)
    {
        return ngx_lu_failed(call);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_event_remember(ngx_lu_call_t *call, u_char *path)
{
    u_char             *line;
    ngx_lu_delivery_t  *delivery;

    delivery = call->data;

    if (delivery->id.len == 0) {
        return NGX_OK;
    }

    line = ngx_lu_path(call->io.pool, "%*s\n", delivery->id.len,
                       delivery->id.data);
    if (line == NULL) {
        return NGX_ERROR;
    }

    return ngx_lu_store_append(&call->io, path, (char *) line,
                               delivery->id.len + 1);
}


static ngx_int_t
ngx_lu_event_say(ngx_lu_call_t *call, ngx_int_t status, const char *text)
{
    cJSON_Delete(call->answer);

    call->answer = cJSON_CreateObject();

    return cJSON_AddStringToObject(call->answer, "message", text)
           ? status : ngx_lu_nomem(call);
}
