
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_stage_sign.h"
#include "ngx_lu_task.h"

#include "store/ngx_lu_file.h"

#include "core/lu_authenticode.h"
#include "core/lu_put.h"
#include "core/lu_signed.h"


/* What is known of a program. */

struct ngx_lu_stage_sign_s {
    lu_pe_t                   pe;
    lu_authenticode_t         signatures[LU_AUTHENTICODE_MAX];
    size_t                    n;
    const char               *reason;   /* nothing is known; or NULL */
    lu_authenticode_file_t    whole;    /* if there are signatures */
};


typedef struct {
    ngx_lu_stage_file_t      *file;
    ngx_lu_io_t              *io;
} ngx_lu_stage_sign_ctx_t;


static ngx_uint_t ngx_lu_stage_sign_is_program(
    const ngx_lu_stage_file_t *file);
static ngx_int_t ngx_lu_stage_sign_table(ngx_lu_stage_file_t *file,
    ngx_lu_io_t *io, ngx_fd_t fd, uint64_t size, lu_str_t *table);
static ngx_int_t ngx_lu_stage_sign_read(ngx_lu_stage_t *stage,
    ngx_lu_stage_file_t *file);
static ngx_int_t ngx_lu_stage_sign_next(void *data, u_char *bytes, size_t len);
static ngx_int_t ngx_lu_stage_sign_mac(ngx_lu_stage_t *stage,
    ngx_lu_stage_file_t *file, lu_mac_t *mac, const char **reason);
static ngx_int_t ngx_lu_stage_sign_program(ngx_lu_stage_t *stage,
    lu_put_t *put, ngx_lu_stage_file_t *file);
static ngx_int_t ngx_lu_stage_sign_archive(ngx_lu_stage_t *stage,
    lu_put_t *put, ngx_lu_stage_file_t *file);
static cJSON *ngx_lu_stage_sign_list(ngx_lu_stage_t *stage, lu_put_t *put);


ngx_int_t
ngx_lu_stage_sign_begin(ngx_lu_stage_file_t *file, ngx_lu_io_t *io,
    ngx_fd_t fd, uint64_t size, const lu_arena_t *arena)
{
    lu_rc_e               rc;
    lu_str_t              table;
    ngx_int_t             read;
    lu_error_t            err;
    ngx_lu_stage_sign_t  *sign;

    if (!ngx_lu_stage_sign_is_program(file)) {
        return NGX_OK;
    }

    sign = arena->alloc(arena->data, sizeof(ngx_lu_stage_sign_t));
    if (sign == NULL) {
        return ngx_lu_io_nomem(io);
    }

    ngx_memzero(sign, sizeof(ngx_lu_stage_sign_t));

    file->sign = sign;

    read = ngx_lu_stage_sign_table(file, io, fd, size, &table);

    if (read != NGX_OK || table.len == 0) {
        return read;
    }

    rc = lu_authenticode_parse(arena, &table, sign->signatures, &sign->n,
                               &err);

    if (rc == LU_INVALID) {
        sign->reason = err.text;
        sign->n = 0;
    }

    if (rc != LU_NOMEM && sign->n) {
        rc = lu_authenticode_begin(&sign->whole, &sign->pe, sign->signatures,
                                   sign->n);
    }

    return rc == LU_NOMEM ? ngx_lu_io_nomem(io) : NGX_OK;
}


static ngx_uint_t
ngx_lu_stage_sign_is_program(const ngx_lu_stage_file_t *file)
{
    return lu_str_case_ends(&file->name, ".exe");
}


/* An empty table: there is no signature that could be read. */

static ngx_int_t
ngx_lu_stage_sign_table(ngx_lu_stage_file_t *file, ngx_lu_io_t *io,
    ngx_fd_t fd, uint64_t size, lu_str_t *table)
{
    lu_rc_e               parsed;
    lu_str_t              head;
    ngx_int_t             rc;
    lu_error_t            err;
    ngx_lu_stage_sign_t  *sign;

    sign = file->sign;

    ngx_memzero(table, sizeof(lu_str_t));

    rc = ngx_lu_file_read_part_of(io, file->path, fd, 0,
                                  (size_t) ngx_min(size, LU_PE_HEAD), &head);
    if (rc != NGX_OK) {
        return rc;
    }

    parsed = lu_pe_parse(&head, size, &sign->pe, &err);

    if (parsed == LU_INVALID) {
        sign->reason = err.text;
    }

    if (parsed != LU_OK) {
        return NGX_OK;
    }

    return ngx_lu_file_read_part_of(io, file->path, fd,
                                    (off_t) sign->pe.table, sign->pe.size,
                                    table);
}


ngx_int_t
ngx_lu_stage_sign_piece(ngx_lu_stage_file_t *file, ngx_lu_io_t *io,
    u_char *bytes, size_t len)
{
    if (file->sign == NULL || file->sign->n == 0) {
        return NGX_OK;
    }

    return lu_authenticode_add(&file->sign->whole, bytes, len) == LU_OK
           ? NGX_OK : ngx_lu_io_nomem(io);
}


void
ngx_lu_stage_sign_end(ngx_lu_stage_file_t *file)
{
    if (file->sign) {
        lu_authenticode_end(&file->sign->whole);
    }
}


ngx_int_t
ngx_lu_stage_sign(ngx_lu_stage_t *stage)
{
    cJSON                *json;
    lu_put_t              put;
    ngx_int_t             status;
    ngx_uint_t            i, n;
    ngx_lu_stage_file_t  *file;

    json = stage->release->json;

    cJSON_DeleteItemFromObjectCaseSensitive(json, "signatures");
    cJSON_DeleteItemFromObjectCaseSensitive(json, "signaturesCount");

    lu_put_init(&put);

    n = 0;

    for (i = 0; i < stage->files.nelts; i++) {

        file = (ngx_lu_stage_file_t *) stage->files.elts + i;

        if (!file->is_listed
            || file->data
            || (!ngx_lu_stage_sign_is_program(file)
                && !lu_str_case_ends(&file->name, ".zip"))
            || n++ >= LU_SIGNED_MAX)
        {
            continue;
        }

        status = ngx_lu_stage_sign_is_program(file)
                 ? ngx_lu_stage_sign_program(stage, &put, file)
                 : ngx_lu_stage_sign_archive(stage, &put, file);

        if (status != NGX_OK) {
            return status;
        }
    }

    if (n > LU_SIGNED_MAX) {
        lu_put_number(&put, json, "signaturesCount", (double) n);
    }

    return put.failed ? ngx_lu_task_nomem(stage->task) : NGX_OK;
}


static ngx_int_t
ngx_lu_stage_sign_program(ngx_lu_stage_t *stage, lu_put_t *put,
    ngx_lu_stage_file_t *file)
{
    ngx_int_t  rc;

    if (file->sign == NULL) {
        rc = ngx_lu_stage_sign_read(stage, file);

        if (rc != NGX_OK) {
            return ngx_lu_task_unread(stage->task, rc);
        }
    }

    lu_signed_put(put, ngx_lu_stage_sign_list(stage, put), &file->name,
                  file->by.len != 0, file->sign->signatures, file->sign->n,
                  file->sign->reason);

    return NGX_OK;
}


/* Its digests were known, so that nobody has read it. */

static ngx_int_t
ngx_lu_stage_sign_read(ngx_lu_stage_t *stage, ngx_lu_stage_file_t *file)
{
    ngx_fd_t                  fd;
    ngx_int_t                 rc;
    lu_arena_t                arena;
    ngx_lu_io_t              *io;
    ngx_lu_stage_sign_ctx_t   ctx;

    io = &stage->task->io;

    rc = ngx_lu_file_open(io, file->path, &fd);
    if (rc != NGX_OK) {
        return rc;
    }

    arena = ngx_lu_arena(io->pool);

    rc = ngx_lu_stage_sign_begin(file, io, fd, file->size, &arena);

    if (rc == NGX_OK && file->sign->n) {
        ctx.file = file;
        ctx.io = io;

        rc = ngx_lu_file_pieces_of(io, file->path, fd, ngx_lu_stage_sign_next,
                                   &ctx);
    }

    ngx_lu_stage_sign_end(file);

    (void) ngx_close_file(fd);

    return rc;
}


static ngx_int_t
ngx_lu_stage_sign_next(void *data, u_char *bytes, size_t len)
{
    ngx_lu_stage_sign_ctx_t *ctx = data;

    return ngx_lu_stage_sign_piece(ctx->file, ctx->io, bytes, len);
}


static ngx_int_t
ngx_lu_stage_sign_archive(ngx_lu_stage_t *stage, lu_put_t *put,
    ngx_lu_stage_file_t *file)
{
    lu_mac_t     mac;
    ngx_int_t    rc;
    const char  *reason;

    ngx_memzero(&mac, sizeof(lu_mac_t));
    reason = NULL;

    rc = ngx_lu_stage_sign_mac(stage, file, &mac, &reason);
    if (rc != NGX_OK) {
        return ngx_lu_task_unread(stage->task, rc);
    }

    /* otherwise it is an archive of something else */

    if (mac.is_app || reason) {
        lu_signed_put_mac(put, ngx_lu_stage_sign_list(stage, put),
                          &file->name, file->by.len != 0, &mac, reason);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_stage_sign_mac(ngx_lu_stage_t *stage, ngx_lu_stage_file_t *file,
    lu_mac_t *mac, const char **reason)
{
    size_t        len;
    uint64_t      offset;
    lu_str_t      part;
    ngx_int_t     rc;
    lu_error_t    err;
    ngx_lu_io_t  *io;

    io = &stage->task->io;

    len = (size_t) ngx_min(file->size, LU_MAC_TAIL);

    rc = ngx_lu_file_read_part(io, file->path, (off_t) (file->size - len),
                               len, &part);
    if (rc != NGX_OK) {
        return rc;
    }

    if (lu_mac_find(&part, file->size, &offset, &len, &err) != LU_OK) {
        *reason = err.text;
        return NGX_OK;
    }

    rc = ngx_lu_file_read_part(io, file->path, (off_t) offset, len, &part);
    if (rc != NGX_OK) {
        return rc;
    }

    if (lu_mac_read(&part, mac, &err) != LU_OK) {
        *reason = err.text;
    }

    return NGX_OK;
}


static cJSON *
ngx_lu_stage_sign_list(ngx_lu_stage_t *stage, lu_put_t *put)
{
    cJSON  *json, *list;

    json = stage->release->json;
    list = cJSON_GetObjectItemCaseSensitive(json, "signatures");

    return list ? list : lu_put_array(put, json, "signatures");
}
