
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The audit log: a line for each change, and those lines for who asks.
 */


#include "ngx_lu_api_audit.h"
#include "ngx_lu_arg.h"

#include "store/ngx_lu_io.h"
#include "store/ngx_lu_path.h"
#include "write/ngx_lu_task.h"

#include "core/lu_json.h"


#define NGX_LU_AUDIT_PIECE  65536


/* A log that is read from its end, whatever its size is. */

typedef struct {
    ngx_fd_t                   fd;
    u_char                    *path;
    off_t                      offset;     /* what was read begins there */
    u_char                    *start;
    u_char                    *end;
    ngx_lu_io_t               *io;
} ngx_lu_audit_log_t;


static ngx_int_t ngx_lu_api_audit_lines(ngx_lu_call_t *call,
    ngx_lu_audit_log_t *log);
static ngx_int_t ngx_lu_api_audit_line(ngx_lu_audit_log_t *log, lu_str_t *line);
static ngx_int_t ngx_lu_api_audit_piece(ngx_lu_audit_log_t *log);
static ngx_uint_t ngx_lu_api_audit_has(const cJSON *line, const char *subject);


/* The newest lines first. */

ngx_int_t
ngx_lu_api_audit_get(ngx_lu_call_t *call)
{
    ngx_int_t           status;
    ngx_file_info_t     fi;
    ngx_lu_audit_log_t  log;

    ngx_memzero(&log, sizeof(ngx_lu_audit_log_t));

    log.io = &call->task.io;
    log.path = ngx_lu_path(&call->task.io, "%V/apps/%s/audit.log",
                           &call->task.store->path, call->task.app.data);
    if (log.path == NULL) {
        return ngx_lu_task_nomem(&call->task);
    }

    log.fd = ngx_open_file(log.path, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (log.fd == NGX_INVALID_FILE) {

        if (ngx_errno == NGX_ENOENT) {
            return ngx_lu_task_refuse(&call->task, NGX_HTTP_NOT_FOUND,
                                      "App not found.");
        }

        (void) ngx_lu_io_failed(&call->task.io, ngx_open_file_n, log.path);
        return ngx_lu_task_failed(&call->task);
    }

    if (ngx_fd_info(log.fd, &fi) == NGX_FILE_ERROR) {
        (void) ngx_lu_io_failed(&call->task.io, ngx_fd_info_n, log.path);
        status = ngx_lu_task_failed(&call->task);

    } else {
        log.offset = ngx_file_size(&fi);
        status = ngx_lu_api_audit_lines(call, &log);
    }

    ngx_free(log.start);
    (void) ngx_close_file(log.fd);

    return status;
}


static ngx_int_t
ngx_lu_api_audit_lines(ngx_lu_call_t *call, ngx_lu_audit_log_t *log)
{
    char       *subject;
    cJSON      *line;
    lu_str_t    text;
    ngx_int_t   rc;
    ngx_uint_t  limit, offset;
    lu_error_t  err;

    ngx_lu_arg_page(call, &limit, &offset);

    subject = ngx_lu_arg(call, "subject");

    call->answer = cJSON_CreateArray();
    if (call->answer == NULL) {
        return ngx_lu_task_nomem(&call->task);
    }

    while (limit) {

        rc = ngx_lu_api_audit_line(log, &text);

        if (rc == NGX_DECLINED) {
            break;
        }

        if (rc != NGX_OK) {
            return ngx_lu_task_failed(&call->task);
        }

        if (lu_json_parse(&line, &text, &err) != LU_OK) {
            continue;
        }

        if (subject && !ngx_lu_api_audit_has(line, subject)) {
            cJSON_Delete(line);
            continue;
        }

        if (offset) {
            cJSON_Delete(line);
            offset--;
            continue;
        }

        if (!cJSON_AddItemToArray(call->answer, line)) {
            cJSON_Delete(line);
            return ngx_lu_task_nomem(&call->task);
        }

        limit--;
    }

    return NGX_HTTP_OK;
}


/* The last one of those that are left; NGX_DECLINED: there are none. */

static ngx_int_t
ngx_lu_api_audit_line(ngx_lu_audit_log_t *log, lu_str_t *line)
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


/* More of the file, before the beginning of a line that was read already. */

static ngx_int_t
ngx_lu_api_audit_piece(ngx_lu_audit_log_t *log)
{
    u_char  *p;
    size_t   size, rest;
    ssize_t  n;

    rest = log->end - log->start;

    /* a line of any length costs no more than twice its length */

    size = ngx_max(rest, NGX_LU_AUDIT_PIECE);
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

    /* less than that: a line that a crash has cut was taken away meanwhile */

    ngx_memcpy(p + n, log->start, rest);
    ngx_free(log->start);

    log->offset -= size;
    log->start = p;
    log->end = p + n + rest;

    return NGX_OK;
}


static ngx_uint_t
ngx_lu_api_audit_has(const cJSON *line, const char *subject)
{
    lu_str_t    value;
    ngx_uint_t  i;

    static const char  *members[] = { "subject", "from", "to", NULL };

    for (i = 0; members[i]; i++) {
        if (lu_json_string(line, members[i], &value) == LU_OK
            && lu_str_is(&value, subject))
        {
            return 1;
        }
    }

    return 0;
}
