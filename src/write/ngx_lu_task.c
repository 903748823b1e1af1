
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_task.h"

#include "zone/ngx_lu_zone.h"
#include "store/ngx_lu_reserve.h"
#include "store/ngx_lu_turn.h"

#include <openssl/rand.h>


static ngx_int_t ngx_lu_task_gone(ngx_lu_task_t *task);
static ngx_int_t ngx_lu_task_locked(ngx_lu_task_t *task);


void
ngx_lu_task_init(ngx_lu_task_t *task, ngx_pool_t *pool, ngx_lu_store_t *store,
    const char *by)
{
    ngx_memzero(task, sizeof(ngx_lu_task_t));

    task->io.pool = pool;
    task->store = store;
    task->by = by;

    ngx_str_set(&task->app, "");
    ngx_str_set(&task->id, "");

    ngx_lu_task_stamp(task);
}


void
ngx_lu_task_stamp(ngx_lu_task_t *task)
{
    ngx_time_t  *tp;

    tp = ngx_timeofday();
    lu_time_print(task->now, tp->sec, (unsigned) tp->msec);
}


ngx_uint_t
ngx_lu_task_is_busy(const ngx_lu_task_t *task)
{
    return task->io.busy && task->io.err == NGX_EAGAIN;
}


void
ngx_lu_task_changed(ngx_lu_task_t *task)
{
    ngx_str_t  app;

    app = ngx_lu_from_core(&task->app);

    (void) ngx_atomic_fetch_add(ngx_lu_zone_generation(task->store, &app), 1);
}


ngx_uint_t
ngx_lu_task_again(ngx_lu_task_t *task)
{
    return task->frees && ngx_lu_reserve_spend(&task->io, task->store);
}


ngx_int_t
ngx_lu_task_prove(ngx_lu_task_t *task)
{
    return ngx_lu_turn_prove(&task->io) == NGX_OK ? NGX_OK
                                                  : ngx_lu_task_failed(task);
}


ngx_int_t
ngx_lu_task_refuse(ngx_lu_task_t *task, ngx_int_t status, const char *text)
{
    (void) lu_error(&task->error, NULL, text);

    return status;
}


ngx_int_t
ngx_lu_task_core(ngx_lu_task_t *task, lu_rc_e rc)
{
    switch (rc) {

    case LU_OK:
        return NGX_OK;

    case LU_NOMEM:
        return ngx_lu_task_nomem(task);

    case LU_NOT_FOUND:
        return NGX_HTTP_NOT_FOUND;

    case LU_CONFLICT:
        return NGX_HTTP_CONFLICT;

    case LU_FORBIDDEN:
        return NGX_HTTP_FORBIDDEN;

    default: /* LU_INVALID */
        return 422;
    }
}


ngx_int_t
ngx_lu_task_failed(ngx_lu_task_t *task)
{
    /* what has gone may have gone with the turn */

    if (task->io.err == NGX_ENOENT || task->io.err == ESTALE) {
        (void) ngx_lu_turn_prove(&task->io);
    }

    switch (task->io.err) {

    case NGX_ENOMEM:
        return ngx_lu_task_nomem(task);

    case NGX_ENOENT:
        return ngx_lu_task_gone(task);

    case NGX_EAGAIN:
        return ngx_lu_task_locked(task);

    case NGX_ECANCELED:
        return ngx_lu_task_refuse(task,
                                  NGX_HTTP_SERVICE_UNAVAILABLE,
                                  "Another machine, or another call, has "
                                  "changed it meanwhile: try again.");

    case ENODEV:
        return ngx_lu_task_refuse(task,
                                  NGX_HTTP_SERVICE_UNAVAILABLE,
                                  "The store is not there: is its file system "
                                  "mounted?");

    case NGX_EILSEQ:
        return ngx_lu_task_refuse(task, 422,
                                  "The change has a value that could not be "
                                  "read again; nothing was changed.");

    case NGX_ENOSPC:
#ifdef EDQUOT
    case EDQUOT:
#endif
        return ngx_lu_task_refuse(task,
                                  NGX_HTTP_INSUFFICIENT_STORAGE,
                                  "The disk of the server is full; "
                                  "nothing was changed.");

    default:
        if (ngx_lu_io_is_away(&task->io)) {
            return ngx_lu_task_refuse(task,
                                      NGX_HTTP_SERVICE_UNAVAILABLE,
                                      "The file system of the store does not "
                                      "answer as it should: try again later.");
        }

        return ngx_lu_task_refuse(task,
                                  NGX_HTTP_INTERNAL_SERVER_ERROR,
                                  "The server could not use its disk; "
                                  "its error log says more.");
    }
}


ngx_int_t
ngx_lu_task_unread(ngx_lu_task_t *task, ngx_int_t rc)
{
    if (rc == NGX_DECLINED) {
        (void) ngx_lu_io_error(&task->io, NGX_ENOENT, ngx_open_file_n, NULL);
    }

    return ngx_lu_task_failed(task);
}


static ngx_int_t
ngx_lu_task_gone(ngx_lu_task_t *task)
{
    return ngx_lu_task_refuse(task, NGX_HTTP_NOT_FOUND,
                              "It was deleted meanwhile.");
}


static ngx_int_t
ngx_lu_task_locked(ngx_lu_task_t *task)
{
    lu_str_t  name;

    if (task->io.busy == NULL) {
        return ngx_lu_task_refuse(task, NGX_HTTP_INTERNAL_SERVER_ERROR,
                                  "The server could not use its disk; "
                                  "its error log says more.");
    }

    /* it lies in the store */

    name = lu_str((char *) task->io.busy + task->store->path.len + 1);

    (void) lu_error(&task->error, &name,
                    "is locked by another call, job or machine: try again "
                    "later");

    return NGX_HTTP_SERVICE_UNAVAILABLE;
}


ngx_int_t
ngx_lu_task_nomem(ngx_lu_task_t *task)
{
    return ngx_lu_task_refuse(task, NGX_HTTP_INTERNAL_SERVER_ERROR,
                              "The server is out of memory.");
}


char *
ngx_lu_task_uuid(ngx_lu_task_t *task)
{
    u_char  bytes[16];

    if (RAND_bytes(bytes, sizeof(bytes)) != 1) {
        return NULL;
    }

    return ngx_lu_task_uuid_of(task, bytes, 4);
}


/* RFC 9562: a version and the variant among 16 bytes */

char *
ngx_lu_task_uuid_of(ngx_lu_task_t *task, u_char *bytes, ngx_uint_t version)
{
    u_char  *p, *uuid, hex[32];

    bytes[6] = (u_char) ((bytes[6] & 0x0f) | (version << 4));
    bytes[8] = (bytes[8] & 0x3f) | 0x80;

    uuid = ngx_pnalloc(task->io.pool, NGX_LU_UUID_LEN + 1);
    if (uuid == NULL) {
        return NULL;
    }

    (void) ngx_hex_dump(hex, bytes, 16);

    p = ngx_sprintf(uuid, "%*s-%*s-%*s-%*s-%*s",
                    (size_t) 8, hex, (size_t) 4, hex + 8, (size_t) 4, hex + 12,
                    (size_t) 4, hex + 16, (size_t) 12, hex + 20);
    *p = '\0';

    return (char *) uuid;
}


/* A copy of a string member: the tree may be freed before the task. */

char *
ngx_lu_task_member(ngx_lu_task_t *task, const cJSON *object, const char *key)
{
    lu_str_t  value;

    if (lu_json_string(object, key, &value) != LU_OK) {
        return NULL;
    }

    return (char *) ngx_lu_format(task->io.pool, "%s", value.data);
}
