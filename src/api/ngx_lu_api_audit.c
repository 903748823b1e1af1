
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_api_audit.h"
#include "ngx_lu_arg.h"

#include "store/ngx_lu_io.h"
#include "store/ngx_lu_path.h"
#include "write/ngx_lu_task.h"

#include "core/lu_json.h"
#include "core/lu_put.h"


#define NGX_LU_API_AUDIT_PIECE  65536

/* of a log, from its end, that a call looks at */

#define NGX_LU_API_AUDIT_SIZE   (64 * 1024 * 1024)


/* A log that is read backwards, piece by piece, whatever its size is. */

typedef struct {
    ngx_fd_t                   fd;
    u_char                    *path;
    off_t                      size;       /* of the file */
    off_t                      offset;     /* of what was read */
    u_char                    *start;      /* of the lines that are left */
    u_char                    *end;
    ngx_lu_io_t               *io;
} ngx_lu_api_audit_log_t;


static ngx_int_t ngx_lu_api_audit_list(ngx_lu_call_t *call,
    ngx_lu_api_audit_log_t *log);
static ngx_int_t ngx_lu_api_audit_next(ngx_lu_api_audit_log_t *log,
    lu_str_t *line);
static ngx_int_t ngx_lu_api_audit_piece(ngx_lu_api_audit_log_t *log);
static ngx_uint_t ngx_lu_api_audit_may(const lu_str_t *line,
    const char *subject);
static ngx_uint_t ngx_lu_api_audit_has(const cJSON *entry,
    const char *subject);


ngx_int_t
ngx_lu_api_audit_get(ngx_lu_call_t *call)
{
    ngx_int_t               status;
    ngx_lu_io_t            *io;
    ngx_lu_task_t          *task;
    ngx_file_info_t         fi;
    ngx_lu_api_audit_log_t  log;

    task = &call->task;
    io = &task->io;

    ngx_memzero(&log, sizeof(ngx_lu_api_audit_log_t));

    log.io = io;
    log.path = ngx_lu_path(io, "%V/apps/%s/audit.log", &task->store->path,
                           task->app.data);
    if (log.path == NULL) {
        return ngx_lu_task_nomem(task);
    }

    log.fd = ngx_open_file(log.path, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (log.fd == NGX_INVALID_FILE) {

        if (ngx_errno == NGX_ENOENT) {
            return ngx_lu_task_refuse(task, NGX_HTTP_NOT_FOUND,
                                      "App not found.");
        }

        (void) ngx_lu_io_failed(io, ngx_open_file_n, log.path);
        return ngx_lu_task_failed(task);
    }

    if (ngx_fd_info(log.fd, &fi) == NGX_FILE_ERROR) {
        (void) ngx_lu_io_failed(io, ngx_fd_info_n, log.path);
        status = ngx_lu_task_failed(task);

    } else {
        log.size = ngx_file_size(&fi);
        log.offset = log.size;
        status = ngx_lu_api_audit_list(call, &log);
    }

    ngx_free(log.start);
    (void) ngx_close_file(log.fd);

    return status;
}


/* Newest first. */

static ngx_int_t
ngx_lu_api_audit_list(ngx_lu_call_t *call, ngx_lu_api_audit_log_t *log)
{
    char          *subject;
    cJSON         *json, *entry;
    lu_put_t       put;
    lu_str_t       line;
    ngx_int_t      rc;
    lu_error_t     err;
    ngx_lu_page_t  page;

    ngx_lu_arg_page(call, &page);

    subject = ngx_lu_arg(call, "subject");

    lu_put_init(&put);

    json = cJSON_CreateArray();

    while (page.limit && log->size - log->offset < NGX_LU_API_AUDIT_SIZE) {

        rc = ngx_lu_api_audit_next(log, &line);

        if (rc == NGX_DECLINED) {
            break;
        }

        if (rc != NGX_OK) {
            cJSON_Delete(json);
            return ngx_lu_task_failed(&call->task);
        }

        if (subject && !ngx_lu_api_audit_may(&line, subject)) {
            continue;
        }

        if (lu_json_parse(&entry, &line, &err) != LU_OK) {
            continue;
        }

        if ((subject && !ngx_lu_api_audit_has(entry, subject))
            || !ngx_lu_arg_page_take(&page))
        {
            cJSON_Delete(entry);
            continue;
        }

        lu_put_item(&put, json, NULL, entry);
    }

    return ngx_lu_call_answer(call, NGX_HTTP_OK, lu_put_done(&put, json));
}


/* Takes the last line that is left; NGX_DECLINED: none is. */

static ngx_int_t
ngx_lu_api_audit_next(ngx_lu_api_audit_log_t *log, lu_str_t *line)
{
    u_char  *p;

    for ( ;; ) {

        for (p = log->end; p > log->start; p--) {
            if (p[-1] == LF && p != log->end) {
                break;
            }
        }

        if (p > log->start || log->offset == 0) {
            break;
        }

        if (ngx_lu_api_audit_piece(log) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (p == log->end) {
        return NGX_DECLINED;
    }

    line->data = p;
    line->len = log->end - p;
    log->end = p;

    return NGX_OK;
}


/* Reads the piece of the file before what was read. */

static ngx_int_t
ngx_lu_api_audit_piece(ngx_lu_api_audit_log_t *log)
{
    u_char  *p;
    size_t   size, rest;
    ssize_t  n;

    rest = log->end - log->start;

    /* a line of any length costs no more than twice its length */

    size = ngx_max(rest, NGX_LU_API_AUDIT_PIECE);
    size = (size_t) ngx_min((off_t) size, log->offset);

    p = ngx_alloc(size + rest, ngx_cycle->log);
    if (p == NULL) {
        return ngx_lu_io_failed(log->io, "malloc()", log->path);
    }

    n = pread(log->fd, p, size, log->offset - size);

    if (n == -1) {
        (void) ngx_lu_io_failed(log->io, "pread()", log->path);
        ngx_free(p);
        return NGX_ERROR;
    }

    /* fewer bytes: somebody has made the file shorter meanwhile */

    (void) ngx_lu_cpymem(p + n, log->start, rest);
    ngx_free(log->start);

    log->offset -= size;
    log->start = p;
    log->end = p + n + rest;

    return NGX_OK;
}


/* Most lines need not be parsed: they have nothing like it in them. */

static ngx_uint_t
ngx_lu_api_audit_may(const lu_str_t *line, const char *subject)
{
    const char  *p;

    for (p = subject; *p; p++) {

        /* what JSON may write in another way */

        if ((u_char) *p < 0x20 || (u_char) *p > 0x7e || *p == '"'
            || *p == '\\' || *p == '/')
        {
            return 1;
        }
    }

    return memmem(line->data, line->len, subject, ngx_strlen(subject)) != NULL;
}


static ngx_uint_t
ngx_lu_api_audit_has(const cJSON *entry, const char *subject)
{
    lu_str_t    value;
    ngx_uint_t  i;

    static const char  *members[] = { "subject", "from", "to", NULL };

    for (i = 0; members[i]; i++) {
        if (lu_json_string(entry, members[i], &value) == LU_OK
            && lu_str_is(&value, subject))
        {
            return 1;
        }
    }

    return 0;
}
