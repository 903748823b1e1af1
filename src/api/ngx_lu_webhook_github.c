
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A push is only the reason to look at the base branch, until its commit is to
 * be seen there.  So no harm is done by deliveries that are lost, late, or sent
 * twice.
 */


#include "ngx_lu_body.h"
#include "ngx_lu_webhook.h"
#include "ngx_lu_webhook_github.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_io.h"
#include "store/ngx_lu_lock.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_tree.h"
#include "write/ngx_lu_app.h"
#include "write/ngx_lu_release.h"
#include "write/ngx_lu_task.h"
#include "job/ngx_lu_followed.h"
#include "job/ngx_lu_pull.h"
#include "job/ngx_lu_reconcile.h"

#include "core/lu_github.h"
#include "core/lu_json.h"
#include "core/lu_put.h"
#include "core/lu_release.h"


/* deliveries that are remembered, at least, and the bytes of an id, at most */

#define NGX_LU_WEBHOOK_GITHUB_SEEN  1000
#define NGX_LU_WEBHOOK_GITHUB_ID    64


typedef ngx_int_t (*ngx_lu_webhook_github_pt)(ngx_lu_call_t *call,
    const lu_github_event_t *event);


/* The release of a pull request; id.data is NULL until it is found. */

typedef struct {
    const lu_github_event_t  *event;
    lu_str_t                  app;
    lu_str_t                  id;
} ngx_lu_webhook_github_find_t;


static ngx_int_t ngx_lu_webhook_github_ours(ngx_lu_call_t *call,
    const lu_github_event_t *event);
static ngx_int_t ngx_lu_webhook_github_handler(ngx_lu_delivery_t *delivery,
    const lu_github_event_t *event, ngx_lu_webhook_github_pt *handler);
static ngx_int_t ngx_lu_webhook_github_run(ngx_lu_call_t *call,
    const lu_github_event_t *event, ngx_lu_webhook_github_pt handler);
static ngx_int_t ngx_lu_webhook_github_again(ngx_lu_call_t *call,
    const lu_github_event_t *event, ngx_lu_webhook_github_pt handler);
static ngx_int_t ngx_lu_webhook_github_look(ngx_lu_call_t *call,
    const lu_github_event_t *event);
static ngx_int_t ngx_lu_webhook_github_closed(ngx_lu_call_t *call,
    const lu_github_event_t *event);
static ngx_int_t ngx_lu_webhook_github_find(ngx_lu_task_t *task, cJSON *app,
    void *data);
static ngx_int_t ngx_lu_webhook_github_is(ngx_lu_task_t *task,
    const ngx_lu_webhook_github_find_t *find, const ngx_str_t *id);
static ngx_int_t ngx_lu_webhook_github_seen(ngx_lu_call_t *call, u_char *path);
static ngx_int_t ngx_lu_webhook_github_remember(ngx_lu_call_t *call,
    u_char *path);
static ngx_int_t ngx_lu_webhook_github_ignore(ngx_lu_call_t *call);


ngx_int_t
ngx_lu_webhook_github(ngx_lu_call_t *call)
{
    lu_rc_e                   rc;
    ngx_int_t                 status;
    ngx_lu_task_t            *task;
    lu_github_event_t         event;
    ngx_lu_delivery_t        *delivery;
    ngx_lu_webhook_github_pt  handler;

    task = &call->task;
    delivery = call->delivery;

    if (lu_str_is(&delivery->event, "ping")) {
        return ngx_lu_call_string(call, NGX_HTTP_OK, "message", "pong");
    }

    if (lu_str_is(&delivery->event, "push")) {
        rc = lu_github_push(call->json, &event, &task->error);

    } else if (lu_str_is(&delivery->event, "pull_request")) {
        rc = lu_github_pull_request(call->json, &event, &task->error);

    } else {
        return ngx_lu_webhook_github_ignore(call);
    }

    if (rc != LU_OK) {
        return ngx_lu_body_status(task, rc);
    }

    status = ngx_lu_webhook_github_ours(call, &event);

    if (status != NGX_OK) {
        return status;
    }

    if (ngx_lu_webhook_github_handler(delivery, &event, &handler) != NGX_OK) {
        return ngx_lu_webhook_github_ignore(call);
    }

    return ngx_lu_webhook_github_run(call, &event, handler);
}


/*
 * A repository that has got another name has still the id that it had when its
 * files were followed.  NGX_OK: the event is about our repository.
 */

static ngx_int_t
ngx_lu_webhook_github_ours(ngx_lu_call_t *call, const lu_github_event_t *event)
{
    cJSON                 *followed;
    uint64_t               id;
    ngx_int_t              status;
    lu_error_t             why;
    ngx_pool_t            *pool;
    const lu_str_t        *name;
    ngx_lu_github_conf_t  *github;

    github = call->delivery->github;
    name = &event->repository;
    pool = call->task.io.pool;

    if (name->len == github->repo.len
        && ngx_strncasecmp(name->data, github->repo.data, name->len) == 0)
    {
        return NGX_OK;
    }

    status = ngx_lu_followed_read(&call->task, &followed);
    if (status != NGX_OK) {
        return status;
    }

    id = ngx_lu_followed_id(followed);

    cJSON_Delete(followed);

    if (id && id == event->id) {
        return NGX_OK;
    }

    (void) lu_error(&why, name, (char *) ngx_lu_format(pool,
                    "is the repository of a delivery, which is ignored: "
                    "\"liveupdate_github\" has \"repo=%V\"; set \"repo\" if "
                    "the repository was renamed", &github->repo));

    if (why.text == NULL) {
        return ngx_lu_task_nomem(&call->task);
    }

    call->note = ngx_lu_reply_sentence(pool, &why);

    return ngx_lu_webhook_github_ignore(call);
}


/* NGX_DECLINED: the event does not change what is approved. */

static ngx_int_t
ngx_lu_webhook_github_handler(ngx_lu_delivery_t *delivery,
    const lu_github_event_t *event, ngx_lu_webhook_github_pt *handler)
{
    lu_str_t               base;
    ngx_lu_github_conf_t  *github;

    github = delivery->github;

    base = github->base.len ? ngx_lu_to_core(&github->base) : event->base;

    if (lu_str_is(&delivery->event, "push")) {

        if (!event->touches || !lu_str_eq(&event->branch, &base)) {
            return NGX_DECLINED;
        }

        *handler = ngx_lu_webhook_github_look;

        return NGX_OK;
    }

    if (!event->closed || event->is_fork || !lu_str_eq(&event->target, &base)) {
        return NGX_DECLINED;
    }

    *handler = event->merged ? ngx_lu_webhook_github_look
                             : ngx_lu_webhook_github_closed;

    return NGX_OK;
}


/* A delivery is remembered when what it asks for is on the disk. */

static ngx_int_t
ngx_lu_webhook_github_run(ngx_lu_call_t *call, const lu_github_event_t *event,
    ngx_lu_webhook_github_pt handler)
{
    u_char         *path;
    ngx_int_t       status;
    ngx_lu_lock_t  *lock;
    ngx_lu_task_t  *task;

    task = &call->task;

    if (ngx_lu_reconcile_lock(task, &lock) != NGX_OK) {
        return ngx_lu_task_failed(task);
    }

    path = ngx_lu_path(&task->io, "%V/jobs/.deliveries", &task->store->path);

    status = ngx_lu_webhook_github_seen(call, path);

    if (status == NGX_OK) {
        status = ngx_lu_webhook_github_again(call, event, handler);

    } else if (status == NGX_DECLINED) {
        status = handler(call, event);

        if (status < NGX_HTTP_BAD_REQUEST
            && ngx_lu_webhook_github_remember(call, path) != NGX_OK)
        {
            status = ngx_lu_task_failed(task);
        }
    }

    ngx_lu_lock_release(lock);

    return status;
}


/* Who lets GitHub deliver a push again wants it to be looked at again. */

static ngx_int_t
ngx_lu_webhook_github_again(ngx_lu_call_t *call,
    const lu_github_event_t *event, ngx_lu_webhook_github_pt handler)
{
    ngx_int_t  status;

    if (handler == ngx_lu_webhook_github_look) {

        status = ngx_lu_webhook_github_look(call, event);

        if (status >= NGX_HTTP_BAD_REQUEST) {
            return status;
        }
    }

    return ngx_lu_call_string(call, NGX_HTTP_OK, "message", "seen before");
}


static ngx_int_t
ngx_lu_webhook_github_look(ngx_lu_call_t *call, const lu_github_event_t *event)
{
    ngx_int_t  status;

    status = ngx_lu_reconcile_ask(&call->task, event);
    if (status != NGX_OK) {
        return status;
    }

    call->wake = 1;

    return ngx_lu_call_string(call, NGX_HTTP_ACCEPTED, "message", "accepted");
}


static ngx_int_t
ngx_lu_webhook_github_closed(ngx_lu_call_t *call,
    const lu_github_event_t *event)
{
    ngx_int_t                     status;
    ngx_lu_task_t                *task;
    ngx_lu_webhook_github_find_t  find;

    task = &call->task;

    ngx_memzero(&find, sizeof(ngx_lu_webhook_github_find_t));

    find.event = event;

    status = ngx_lu_app_each(task, ngx_lu_webhook_github_find, &find);
    if (status != NGX_OK) {
        return status;
    }

    if (find.id.data == NULL) {
        return ngx_lu_webhook_github_ignore(call);
    }

    task->app = find.app;
    task->id = find.id;

    status = ngx_lu_pull_closed(task, event->number);

    if (status == NGX_HTTP_CONFLICT) {

        /* it went live by another way meanwhile */

        return ngx_lu_webhook_github_ignore(call);
    }

    return ngx_lu_call_state(call, status, LU_STATE_REJECTED);
}


static ngx_int_t
ngx_lu_webhook_github_find(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_webhook_github_find_t *find = data;

    u_char      *path;
    lu_str_t     id;
    ngx_int_t    rc;
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

    find->app = lu_str_dup(&arena, id.data, id.len);

    if (find->app.data == NULL) {
        return ngx_lu_task_nomem(task);
    }

    name = names.elts;

    for (i = 0; i < names.nelts; i++) {

        rc = ngx_lu_webhook_github_is(task, find, &name[i]);

        if (rc == NGX_DECLINED) {
            continue;
        }

        if (rc == NGX_OK) {
            find->id = ngx_lu_to_core(&name[i]);
        }

        return rc;
    }

    return NGX_OK;
}


/*
 * NGX_OK: the pull request belongs to the release with that id; NGX_DECLINED:
 * it does not; or a status.
 */

static ngx_int_t
ngx_lu_webhook_github_is(ngx_lu_task_t *task,
    const ngx_lu_webhook_github_find_t *find, const ngx_str_t *id)
{
    cJSON        *release;
    u_char       *folder;
    lu_rc_e       known;
    uint64_t      number;
    lu_str_t      branch;
    ngx_int_t     rc;
    const cJSON  *pull;

    folder = ngx_lu_path(&task->io, "%V/staging/%s/%V", &task->store->path,
                         find->app.data, id);

    rc = ngx_lu_release_load(&task->io, folder, &release);

    if (rc == NGX_ERROR && !ngx_lu_io_is_damage(&task->io)) {
        return ngx_lu_task_failed(task);
    }

    if (rc != NGX_OK) {
        return NGX_DECLINED;
    }

    pull = cJSON_GetObjectItemCaseSensitive(release, "pullRequest");

    known = lu_json_size(pull, "number", &number);

    rc = NGX_DECLINED;

    /* it has no number before GitHub's answer was seen, but its branch */

    if (lu_json_string(pull, "branch", &branch) == LU_OK
        && lu_str_eq(&branch, &find->event->branch)
        && (known == LU_NOT_FOUND
            || (known == LU_OK && number == find->event->number)))
    {
        rc = NGX_OK;
    }

    cJSON_Delete(release);

    return rc;
}


/*
 * NGX_OK: the delivery was seen before; NGX_DECLINED: it was not; or a status.
 * The file has a line for each delivery, the last one last.
 */

static ngx_int_t
ngx_lu_webhook_github_seen(ngx_lu_call_t *call, u_char *path)
{
    u_char          *line, *end, *last;
    lu_str_t         text, *id;
    ngx_int_t        rc;
    ngx_uint_t       lines;
    ngx_lu_task_t   *task;
    ngx_file_info_t  fi;

    task = &call->task;
    id = &call->delivery->id;

    rc = ngx_lu_file_read(&task->io, path, &text, &fi);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_DECLINED : ngx_lu_task_failed(task);
    }

    last = text.data + text.len;
    line = last;

    for (lines = 0;
         line > text.data && lines < NGX_LU_WEBHOOK_GITHUB_SEEN;
         lines++)
    {
        end = line - 1;
        line = end;

        while (line > text.data && line[-1] != LF) {
            line--;
        }

        if ((size_t) (end - line) == id->len
            && ngx_memcmp(line, id->data, id->len) == 0)
        {
            return NGX_OK;
        }
    }

    /* from time to time older ones are forgotten */

    if (line - text.data < (off_t) NGX_LU_WEBHOOK_GITHUB_SEEN
                           * NGX_LU_WEBHOOK_GITHUB_ID)
    {
        return NGX_DECLINED;
    }

    if (ngx_lu_file_write(&task->io, task->store, path, (char *) line,
                          last - line)
        != NGX_OK)
    {
        return ngx_lu_task_failed(task);
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_lu_webhook_github_remember(ngx_lu_call_t *call, u_char *path)
{
    u_char       *line;
    lu_str_t     *id;
    ngx_lu_io_t  *io;

    io = &call->task.io;
    id = &call->delivery->id;

    line = ngx_lu_format(io->pool, "%*s\n", id->len, id->data);

    if (line == NULL) {
        return ngx_lu_io_nomem(io);
    }

    return ngx_lu_file_append(io, path, (char *) line, id->len + 1);
}


static ngx_int_t
ngx_lu_webhook_github_ignore(ngx_lu_call_t *call)
{
    cJSON    *json;
    lu_put_t  put;

    lu_put_init(&put);

    json = cJSON_CreateObject();

    lu_put_string(&put, json, "message", "ignored");

    if (call->note) {
        lu_put_string(&put, json, "reason", (char *) call->note);
    }

    return ngx_lu_call_answer(call, NGX_HTTP_OK, lu_put_done(&put, json));
}
