
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_body.h"
#include "ngx_lu_call.h"

#include "zone/ngx_lu_device.h"
#include "store/ngx_lu_io.h"
#include "store/ngx_lu_mark.h"
#include "store/ngx_lu_probe.h"
#include "job/ngx_lu_sweep.h"

#include "core/lu_put.h"


static ngx_int_t ngx_lu_call_str(ngx_lu_call_t *call, lu_str_t *str);
static void ngx_lu_call_cleanup(void *data);
static ngx_int_t ngx_lu_call_leave(ngx_lu_call_t *call);
static void ngx_lu_call_left(void *data);
static ngx_int_t ngx_lu_call_probe(ngx_http_request_t *r,
    ngx_lu_call_t *call);
static void ngx_lu_call_probed(void *data, ngx_int_t rc);
static ngx_int_t ngx_lu_call_receive(ngx_http_request_t *r,
    ngx_lu_call_t *call, ngx_int_t rc);
static void ngx_lu_call_wait(ngx_http_request_t *r);
static ngx_int_t ngx_lu_call_thread(void *data);
static ngx_int_t ngx_lu_call_print(ngx_lu_call_t *call);
static ngx_int_t ngx_lu_call_free(ngx_lu_call_t *call);
static void ngx_lu_call_clear(ngx_lu_call_t *call);
static void ngx_lu_call_done(void *data);


ngx_lu_call_t *
ngx_lu_call_create(ngx_http_request_t *r, lu_route_t *route,
    const lu_token_t *token, ngx_lu_action_pt action)
{
    lu_str_t             by;
    ngx_pool_t          *pool;
    ngx_lu_call_t       *call;
    ngx_lu_task_t       *task;
    ngx_lu_loc_conf_t   *lucf;
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    /* a thread must not touch the request's pool */

    pool = ngx_create_pool(4096, ngx_cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    call = ngx_pcalloc(pool, sizeof(ngx_lu_call_t));
    if (call == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    task = &call->task;
    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);

    ngx_lu_task_init(task, pool, lucf->store, NULL);

    cln->handler = ngx_lu_call_cleanup;
    cln->data = call;

    call->request = r;
    call->token = token;
    call->action = action;
    call->kind = NGX_LU_THREAD_SHORT;
    call->run.threads = lucf->threads;
    call->run.quick = lucf->readers;
    call->route = *route;
    call->args = ngx_lu_to_core(&r->args);

    task->app = route->app;
    task->id = route->id;
    task->approval = (lucf->approval != NGX_LU_APPROVAL_OFF);
    task->blockmaps = lucf->blockmaps;
    task->quota = lucf->quota;
    task->spare = lucf->reserve;

    /* to the Capawesome API, desktop releases are none of its bundles */

    task->bundles = (route->resource < LU_ROUTE_RELEASES);

    if (ngx_lu_call_str(call, &task->app) != NGX_OK
        || ngx_lu_call_str(call, &task->id) != NGX_OK
        || ngx_lu_call_str(call, &call->route.sub) != NGX_OK)
    {
        return NULL;
    }

    if (token) {
        by = token->name;

        if (ngx_lu_call_str(call, &by) != NGX_OK) {
            return NULL;
        }

        task->by = (char *) by.data;
        task->roles = token->roles;
    }

    if (r->headers_in.content_type) {
        call->content_type = r->headers_in.content_type->value;
    }

    if (ngx_lu_url_base(r, &call->base_url) != NGX_OK) {
        ngx_str_null(&call->base_url);
    }

    return call;
}


static ngx_int_t
ngx_lu_call_str(ngx_lu_call_t *call, lu_str_t *str)
{
    u_char  *p;

    p = ngx_pnalloc(call->task.io.pool, str->len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    *ngx_lu_cpymem(p, str->data, str->len) = '\0';

    str->data = p;

    return NGX_OK;
}


static void
ngx_lu_call_cleanup(void *data)
{
    ngx_lu_call_t *call = data;

    /* what a disk that hangs keeps goes when the worker has gone */

    if (!call->kept || ngx_lu_call_leave(call) != NGX_OK) {
        ngx_lu_call_left(call);
    }
}


/* The client has gone; a large file takes a while to be removed. */

static ngx_int_t
ngx_lu_call_leave(ngx_lu_call_t *call)
{
    ngx_lu_thread_t  *thread;

    thread = &call->run.thread;

    thread->store = call->task.store;
    thread->pool = call->run.quick;
    thread->app = call->task.app;
    thread->kind = NGX_LU_THREAD_BODY;
    thread->beats = &call->task.io.beats;
    thread->run = call->drop;
    thread->done = ngx_lu_call_left;
    thread->late = NULL;
    thread->data = call;

    return ngx_lu_thread_start(thread);
}


static void
ngx_lu_call_left(void *data)
{
    ngx_lu_call_t *call = data;

    ngx_lu_call_clear(call);

    ngx_destroy_pool(call->task.io.pool);
}


ngx_int_t
ngx_lu_call_run(ngx_http_request_t *r, ngx_lu_call_t *call,
    ngx_lu_body_e body)
{
    ngx_int_t  rc;

    if (ngx_lu_thread_hangs(call->task.store, &call->task.app)) {
        rc = ngx_http_discard_request_body(r);

        return rc == NGX_OK ? ngx_lu_reply_unavailable(r) : rc;
    }

    call->body_kind = body;

    if (call->storeless) {
        return ngx_lu_call_receive(r, call, NGX_OK);
    }

    return ngx_lu_call_probe(r, call);
}


/* A disk that hangs must not get a thread, nor the body, of each call. */

static ngx_int_t
ngx_lu_call_probe(ngx_http_request_t *r, ngx_lu_call_t *call)
{
    ngx_int_t             rc;
    ngx_lu_loc_conf_t    *lucf;
    ngx_lu_probe_wait_t  *wait;

    wait = ngx_pcalloc(r->pool, sizeof(ngx_lu_probe_wait_t));
    if (wait == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);

    wait->handler = ngx_lu_call_probed;
    wait->data = call;

    rc = ngx_lu_probe(lucf->store, lucf->readers, wait);

    switch (rc) {

    case NGX_AGAIN:
        return ngx_lu_call_hold(call);

    case NGX_ERROR:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;

    default:
        return ngx_lu_call_receive(r, call, rc);
    }
}


static void
ngx_lu_call_probed(void *data, ngx_int_t rc)
{
    ngx_lu_call_resume(data, ngx_lu_call_receive, rc);
}


static ngx_int_t
ngx_lu_call_receive(ngx_http_request_t *r, ngx_lu_call_t *call, ngx_int_t rc)
{
    ngx_uint_t  answers;

    answers = (rc == NGX_OK);

    if (!call->received) {

        if (answers && call->body_kind != NGX_LU_BODY_NONE) {
            return ngx_lu_body_read(r, call, call->body_kind);
        }

        rc = ngx_http_discard_request_body(r);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return answers ? ngx_lu_call_start(r, call) : ngx_lu_reply_unavailable(r);
}


ngx_int_t
ngx_lu_call_received(ngx_http_request_t *r, ngx_lu_call_t *call)
{
    call->received = 1;

    return call->storeless ? ngx_lu_call_start(r, call)
                           : ngx_lu_call_probe(r, call);
}


ngx_int_t
ngx_lu_call_hold(ngx_lu_call_t *call)
{
    ngx_http_request_t  *r;

    r = call->request;

    /* as for nginx's own threads: the request must not be freed */

    r->main->count++;
    r->main->blocked++;
    r->aio = 1;
    r->write_event_handler = ngx_lu_call_wait;

    return NGX_DONE;
}


void
ngx_lu_call_resume(ngx_lu_call_t *call, ngx_lu_call_pt next, ngx_int_t rc)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = call->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    r->main->blocked--;
    r->aio = 0;

    if (r->write_event_handler != ngx_lu_call_wait) {

        /* the request was terminated meanwhile */

        r->write_event_handler(r);

    } else {
        r->write_event_handler = ngx_http_request_empty_handler;

        ngx_http_finalize_request(r, next(r, call, rc));
    }

    ngx_http_run_posted_requests(c);
}


ngx_int_t
ngx_lu_call_start(ngx_http_request_t *r, ngx_lu_call_t *call)
{
    ngx_int_t      status;
    ngx_lu_run_t  *run;

    run = &call->run;

    call->kept = (call->drop != NULL);

    run->task = &call->task;
    run->kind = call->kind;
    run->handler = ngx_lu_call_thread;
    run->drop = call->drop;
    run->done = ngx_lu_call_done;
    run->late = ngx_lu_call_late;
    run->data = call;

    status = ngx_lu_run_start(run);
    if (status != NGX_OK) {
        return ngx_lu_reply_error(r, status, &call->task.error);
    }

    return ngx_lu_call_hold(call);
}


static void
ngx_lu_call_wait(ngx_http_request_t *r)
{
    /* a write event while the call waits */
}


/* Nothing is left of an earlier time. */

static ngx_int_t
ngx_lu_call_thread(void *data)
{
    ngx_lu_call_t *call = data;

    ngx_int_t       status;
    ngx_lu_task_t  *task;

    task = &call->task;

    ngx_lu_call_clear(call);

    status = NGX_OK;

    if (!call->storeless
        && ngx_lu_mark_check(&task->io, task->store) != NGX_OK)
    {
        status = ngx_lu_task_failed(task);
    }

    if (call->parse && status == NGX_OK) {
        status = ngx_lu_body_json(call);

        task->expect = cJSON_GetObjectItemCaseSensitive(call->json, "expect");
    }

    if (status == NGX_OK) {
        status = call->action(call);
    }

    if (call->drop && !ngx_lu_task_is_busy(task)) {
        call->drop(call);
        call->kept = 0;
    }

    if (ngx_lu_call_print(call) != NGX_OK || ngx_lu_call_free(call) != NGX_OK) {
        return ngx_lu_task_nomem(task);
    }

    return status;
}


static ngx_int_t
ngx_lu_call_print(ngx_lu_call_t *call)
{
    if (call->answer) {
        call->text = cJSON_PrintUnformatted(call->answer);

        if (call->text == NULL) {
            return NGX_ERROR;
        }

        /* the line feed takes the place of the terminating zero byte */

        call->text_len = ngx_strlen(call->text);
        call->text[call->text_len++] = LF;

        return NGX_OK;
    }

    if (call->text) {
        call->text_len = ngx_strlen(call->text);
    }

    return NGX_OK;
}


/*
 * Frees the trees here, since they may have a million parts.  What the reply
 * and the log still say of them is copied.
 */

static ngx_int_t
ngx_lu_call_free(ngx_lu_call_t *call)
{
    lu_str_t        subject, reason;
    lu_arena_t      arena;
    ngx_lu_task_t  *task;

    task = &call->task;

    arena = ngx_lu_arena(task->io.pool);

    subject = lu_str(task->subject ? task->subject : "");
    subject = lu_str_dup(&arena, subject.data, subject.len);

    reason = task->error.subject;
    reason = lu_str_dup(&arena, reason.data, reason.len);

    if (subject.data == NULL || reason.data == NULL) {

        /* the trees go with the request then */

        return NGX_ERROR;
    }

    task->subject = (char *) subject.data;
    task->error.subject = reason;

    cJSON_Delete(call->answer);
    cJSON_Delete(call->json);

    call->answer = NULL;
    call->json = NULL;
    task->expect = NULL;

    return NGX_OK;
}


static void
ngx_lu_call_clear(ngx_lu_call_t *call)
{
    cJSON_free(call->text);
    call->text = NULL;

    cJSON_Delete(call->json);
    call->json = NULL;

    cJSON_Delete(call->answer);
    call->answer = NULL;

    call->text_type = NULL;
    call->location = NULL;
    call->next = NULL;
    call->etag = NULL;
    call->s3_code = NULL;
    call->note = NULL;
    call->related = 0;
    call->forget = 0;
    call->wake = 0;
}


void
ngx_lu_call_late(void *data)
{
    ngx_lu_call_t *call = data;

    const char          *text;
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = call->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    ngx_log_error(NGX_LOG_ERR, c->log, 0,
                  "a thread hangs in the store \"%V\"",
                  &call->task.store->path);

    call->late = 1;

    if (r->write_event_handler != ngx_lu_call_wait) {

        /* the request was terminated meanwhile */

        return;
    }

    r->keepalive = 0;

    /* with it nothing would be sent */

    r->aio = 0;

    text = call->received ? "The disk of the server does not answer: the call "
                            "may still take effect."
                          : "The disk of the server does not answer: try again "
                            "later.";

    call->answered = ngx_lu_reply_message(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                          text);

    /* the connection stays, too, but the client need not know */

    if (r->http_version < NGX_HTTP_VERSION_20
#if (NGX_HTTP_SSL)
        && c->ssl == NULL
#endif
        && !c->buffered)
    {
        (void) ngx_shutdown_socket(c->fd, NGX_WRITE_SHUTDOWN);
    }
}


static void
ngx_lu_call_done(void *data)
{
    ngx_lu_call_t *call = data;

    ngx_str_t        app, id;
    ngx_lu_store_t  *store;

    store = call->wake ? call->task.store : NULL;

    if (call->forget && call->run.status < NGX_HTTP_SPECIAL_RESPONSE) {
        app = ngx_lu_from_core(&call->task.app);
        id = ngx_lu_from_core(&call->task.id);

        ngx_lu_device_forget(call->task.store, &app, &id);
    }

    ngx_lu_call_resume(call, ngx_lu_call_reply, call->run.status);

    if (store) {
        ngx_lu_sweep_wake(store);
    }
}


ngx_int_t
ngx_lu_call_reply(ngx_http_request_t *r, ngx_lu_call_t *call, ngx_int_t status)
{
    u_char         *sentence;
    ngx_str_t       text, type;
    ngx_uint_t      level;
    ngx_lu_io_t    *io;
    ngx_lu_ctx_t   *ctx;
    ngx_lu_task_t  *task;

    if (call->late) {
        return call->answered;
    }

    task = &call->task;
    io = &task->io;

    if (io->operation
        && (status >= NGX_HTTP_INTERNAL_SERVER_ERROR
            || status < NGX_HTTP_SPECIAL_RESPONSE))
    {
        level = (io->err == NGX_ECANCELED) ? NGX_LOG_WARN : NGX_LOG_CRIT;

        ngx_log_error(level, r->connection->log, io->err, "%s \"%s\" failed",
                      io->operation, io->path ? io->path : (u_char *) "");
    }

    if (status >= NGX_HTTP_BAD_REQUEST) {

        sentence = ngx_lu_reply_sentence(r->pool, &task->error);
        if (sentence == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "call refused with %i: %s", status, sentence);

        ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);

        if (ctx) {
            ctx->s3_code = call->s3_code;
        }

        return ngx_lu_reply_error(r, status, &task->error);
    }

    if (call->note) {
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0, "%s", call->note);
    }

    if (task->change) {
        ngx_log_error(NGX_LOG_NOTICE, r->connection->log, 0,
                      "\"%s\" changed app \"%*s\": %s \"%s\"",
                      task->by,
                      task->app.len, task->app.data,
                      task->change, task->subject);
    }

    if (call->location) {
        text.data = call->location;
        text.len = ngx_strlen(call->location);

        if (ngx_lu_header_add(r, "Location", &text) == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    if (call->next) {
        text.data = call->next;
        text.len = ngx_strlen(call->next);

        if (ngx_lu_header_add(r, "Liveupdate-Next", &text) == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    if (call->etag) {
        text.data = call->etag;
        text.len = ngx_strlen(call->etag);

        if (ngx_lu_header_add(r, "ETag", &text) == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    ngx_str_null(&text);

    if (call->text) {
        text.data = (u_char *) call->text;
        text.len = call->text_len;
    }

    if (call->text_type) {
        type.data = (u_char *) call->text_type;
        type.len = ngx_strlen(call->text_type);

        return ngx_lu_reply_text(r, status, &type, &text);
    }

    return ngx_lu_reply_json(r, status, &text);
}


ngx_int_t
ngx_lu_call_answer(ngx_lu_call_t *call, ngx_int_t status, cJSON *answer)
{
    cJSON_Delete(call->answer);
    call->answer = answer;

    return answer ? status : ngx_lu_task_nomem(&call->task);
}


ngx_int_t
ngx_lu_call_string(ngx_lu_call_t *call, ngx_int_t status, const char *key,
    const char *value)
{
    cJSON    *json;
    lu_put_t  put;

    lu_put_init(&put);

    json = cJSON_CreateObject();

    lu_put_string(&put, json, key, value);

    return ngx_lu_call_answer(call, status, lu_put_done(&put, json));
}


ngx_int_t
ngx_lu_call_state(ngx_lu_call_t *call, ngx_int_t status, lu_state_e state)
{
    cJSON    *json;
    lu_put_t  put;

    if (status >= NGX_HTTP_SPECIAL_RESPONSE) {
        return status;
    }

    lu_put_init(&put);

    json = cJSON_CreateObject();

    lu_put_string(&put, json, "id", call->task.subject);
    lu_release_put_state(&put, json, state);

    return ngx_lu_call_answer(call, status, lu_put_done(&put, json));
}
