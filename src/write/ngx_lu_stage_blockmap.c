
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What is read and made here lies in a pool that is gone after each file: the
 * blockmap of a large file has megabytes.
 */


#include "ngx_lu_stage_blockmap.h"

#include "store/ngx_lu_file.h"

#include "core/lu_blockmap.h"
#include "core/lu_gzip.h"


#define NGX_LU_BLOCKMAP       ".blockmap"
#define NGX_LU_BLOCKMAP_POOL  4096
#define NGX_LU_BLOCKMAP_END   4         /* bytes: the size of one inside */


typedef struct {
    lu_blockmap_t         map;
    uint64_t              left;         /* bytes of the file to compare */
    lu_error_t           *err;
    unsigned              differs:1;
} ngx_lu_stage_compare_t;


static ngx_int_t ngx_lu_stage_blockmap_begin(ngx_lu_stage_t *stage,
    ngx_pool_t **pool);
static ngx_int_t ngx_lu_stage_blockmap_end(ngx_lu_stage_t *stage,
    ngx_pool_t *pool, ngx_int_t status);
static void ngx_lu_stage_blockmap_gone(void *data);
static ngx_int_t ngx_lu_stage_blockmap_read(ngx_lu_stage_t *stage,
    ngx_lu_stage_file_t *map, ngx_lu_stage_file_t *whole);
static ngx_int_t ngx_lu_stage_blockmap_tail(ngx_lu_stage_t *stage,
    ngx_lu_stage_file_t *whole, lu_str_t *tail);
static ngx_int_t ngx_lu_stage_blockmap_compare(ngx_lu_stage_t *stage,
    const lu_str_t *subject, ngx_lu_stage_file_t *whole, uint64_t size,
    const lu_str_t *packed, int is_raw);
static ngx_int_t ngx_lu_stage_blockmap_piece(void *data, u_char *bytes,
    size_t len);
static ngx_int_t ngx_lu_stage_blockmap_wrong(ngx_lu_stage_t *stage,
    const lu_str_t *subject, ngx_lu_stage_file_t *whole,
    const lu_error_t *err, const lu_blockmap_t *map, int is_inside);
static ngx_uint_t ngx_lu_stage_blockmap_wanted(ngx_lu_stage_t *stage,
    ngx_lu_stage_file_t *file, lu_str_t *name);
static ngx_int_t ngx_lu_stage_blockmap_made(ngx_lu_stage_t *stage,
    ngx_lu_stage_file_t *file, ngx_pool_t *pool, lu_str_t *gzip);
static ngx_int_t ngx_lu_stage_blockmap_add(void *data, u_char *bytes,
    size_t len);


ngx_int_t
ngx_lu_stage_blockmap(ngx_lu_stage_t *stage, ngx_lu_stage_file_t *map,
    ngx_lu_stage_file_t *whole)
{
    ngx_int_t    status;
    ngx_pool_t  *pool;

    status = ngx_lu_stage_blockmap_begin(stage, &pool);

    if (status == NGX_OK) {
        status = ngx_lu_stage_blockmap_read(stage, map, whole);
        status = ngx_lu_stage_blockmap_end(stage, pool, status);
    }

    return status;
}


static ngx_int_t
ngx_lu_stage_blockmap_begin(ngx_lu_stage_t *stage, ngx_pool_t **pool)
{
    ngx_lu_io_t  *io;

    io = &stage->task->io;
    *pool = io->pool;

    io->pool = ngx_create_pool(NGX_LU_BLOCKMAP_POOL, ngx_cycle->log);

    if (io->pool == NULL) {
        io->pool = *pool;
        return ngx_lu_task_nomem(stage->task);
    }

    return NGX_OK;
}


/* What is said about a failure lies in that pool, too. */

static ngx_int_t
ngx_lu_stage_blockmap_end(ngx_lu_stage_t *stage, ngx_pool_t *pool,
    ngx_int_t status)
{
    ngx_pool_t          *own;
    ngx_pool_cleanup_t  *cln;

    own = stage->task->io.pool;

    stage->task->io.pool = pool;

    if (status == NGX_OK) {
        ngx_destroy_pool(own);
        return NGX_OK;
    }

    cln = ngx_pool_cleanup_add(pool, 0);

    if (cln == NULL) {
        ngx_destroy_pool(own);
        return ngx_lu_task_nomem(stage->task);
    }

    cln->handler = ngx_lu_stage_blockmap_gone;
    cln->data = own;

    return status;
}


static void
ngx_lu_stage_blockmap_gone(void *data)
{
    ngx_destroy_pool(data);
}


static ngx_int_t
ngx_lu_stage_blockmap_read(ngx_lu_stage_t *stage, ngx_lu_stage_file_t *map,
    ngx_lu_stage_file_t *whole)
{
    lu_str_t         packed;
    ngx_int_t        rc;
    ngx_file_info_t  fi;

    if (map->size > LU_BLOCKMAP_TEXT) {
        return NGX_OK;
    }

    rc = ngx_lu_file_read(&stage->task->io, map->path, &packed, &fi);
    if (rc != NGX_OK) {
        return ngx_lu_task_unread(stage->task, rc);
    }

    return ngx_lu_stage_blockmap_compare(stage, &map->upload, whole,
                                         whole->size, &packed, 0);
}


ngx_int_t
ngx_lu_stage_blockmap_inside(ngx_lu_stage_t *stage,
    ngx_lu_stage_file_t *whole, uint64_t size)
{
    lu_str_t     tail;
    ngx_int_t    status;
    ngx_pool_t  *pool;

    if (size > LU_BLOCKMAP_TEXT) {
        return NGX_OK;
    }

    if (size + NGX_LU_BLOCKMAP_END > whole->size) {
        (void) lu_error(&stage->task->error, &whole->upload,
                        "has fewer bytes than its \"blockMapSize\" says");
        return 422;
    }

    status = ngx_lu_stage_blockmap_begin(stage, &pool);
    if (status != NGX_OK) {
        return status;
    }

    tail.len = (size_t) size + NGX_LU_BLOCKMAP_END;

    status = ngx_lu_stage_blockmap_tail(stage, whole, &tail);

    if (status == NGX_OK) {
        size = whole->size - tail.len;
        tail.len -= NGX_LU_BLOCKMAP_END;

        status = ngx_lu_stage_blockmap_compare(stage, &whole->upload, whole,
                                               size, &tail, 1);
    }

    return ngx_lu_stage_blockmap_end(stage, pool, status);
}


/* The last bytes of a file, as many as tail->len says. */

static ngx_int_t
ngx_lu_stage_blockmap_tail(ngx_lu_stage_t *stage, ngx_lu_stage_file_t *whole,
    lu_str_t *tail)
{
    size_t          done;
    ssize_t         n;
    ngx_fd_t        fd;
    ngx_int_t       rc;
    ngx_lu_task_t  *task;

    task = stage->task;

    tail->data = ngx_pnalloc(task->io.pool, tail->len);
    if (tail->data == NULL) {
        return ngx_lu_task_nomem(task);
    }

    rc = ngx_lu_file_open(&task->io, whole->path, &fd);
    if (rc != NGX_OK) {
        return ngx_lu_task_unread(task, rc);
    }

    for (done = 0; done < tail->len; done += n) {
        task->io.beats++;

        n = pread(fd, tail->data + done, tail->len - done,
                  (off_t) (whole->size - tail->len + done));

        if (n <= 0) {
            if (n == 0) {
                ngx_set_errno(0);
            }

            (void) ngx_lu_io_failed(&task->io, "pread()", whole->path);
            (void) ngx_close_file(fd);

            return ngx_lu_task_failed(task);
        }
    }

    (void) ngx_close_file(fd);

    return NGX_OK;
}


static ngx_int_t
ngx_lu_stage_blockmap_compare(ngx_lu_stage_t *stage, const lu_str_t *subject,
    ngx_lu_stage_file_t *whole, uint64_t size, const lu_str_t *packed,
    int is_raw)
{
    lu_rc_e                  core;
    lu_str_t                 text;
    ngx_int_t                rc;
    lu_arena_t               arena;
    lu_error_t               err;
    ngx_lu_task_t           *task;
    ngx_lu_stage_compare_t   compare;

    task = stage->task;
    arena = ngx_lu_arena(task->io.pool);

    (void) lu_error(&err, NULL, "is damaged");

    core = lu_gzip_unpack(&arena, packed, is_raw, LU_BLOCKMAP_TEXT, &text);

    if (core == LU_OK) {
        core = lu_blockmap_begin(&compare.map, &text, &err);
    }

    if (core == LU_NOT_FOUND) {
        return NGX_OK;
    }

    if (core == LU_NOMEM) {
        return ngx_lu_task_nomem(task);
    }

    if (core != LU_OK) {
        return ngx_lu_stage_blockmap_wrong(stage, subject, whole, &err, NULL,
                                           is_raw);
    }

    compare.left = size;
    compare.err = &err;
    compare.differs = 0;

    rc = ngx_lu_file_pieces(&task->io, whole->path,
                            ngx_lu_stage_blockmap_piece, &compare);

    if (rc == NGX_DECLINED || (rc == NGX_ERROR && !compare.differs)) {
        return ngx_lu_task_unread(task, rc);
    }

    if (compare.differs || lu_blockmap_end(&compare.map, &err) != LU_OK) {
        return ngx_lu_stage_blockmap_wrong(stage, subject, whole, &err,
                                           &compare.map, is_raw);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_stage_blockmap_piece(void *data, u_char *bytes, size_t len)
{
    ngx_lu_stage_compare_t *compare = data;

    len = (size_t) ngx_min((uint64_t) len, compare->left);

    compare->left -= len;

    if (lu_blockmap_compare(&compare->map, bytes, len, compare->err)
        != LU_OK)
    {
        compare->differs = 1;

        return NGX_ERROR;
    }

    return NGX_OK;
}


/* The map, or NULL, says where. */

static ngx_int_t
ngx_lu_stage_blockmap_wrong(ngx_lu_stage_t *stage, const lu_str_t *subject,
    ngx_lu_stage_file_t *whole, const lu_error_t *err,
    const lu_blockmap_t *map, int is_inside)
{
    u_char         *where, *text;
    ngx_lu_task_t  *task;

    task = stage->task;

    where = map ? ngx_lu_format(task->io.pool,
                                ", in block %uL, which begins at byte %uL of "
                                "\"%*s\"", map->block, map->offset,
                                whole->name.len, whole->name.data)
                : (u_char *) "";

    text = where ? ngx_lu_format(task->io.pool,
                                 "%s %s%s: %s",
                                 is_inside ? "has a blockmap inside that"
                                           : "is a blockmap that",
                                 err->text, where,
                                 is_inside ? "build it again"
                                           : "upload the one that was built "
                                             "with the file, or none")
                 : NULL;

    if (text == NULL) {
        return ngx_lu_task_nomem(task);
    }

    (void) lu_error(&task->error, subject, (char *) text);

    return 422;
}


ngx_int_t
ngx_lu_stage_blockmap_make(ngx_lu_stage_t *stage)
{
    lu_str_t              name, gzip;
    ngx_int_t             status;
    ngx_uint_t            i;
    ngx_pool_t           *pool;
    ngx_lu_stage_file_t  *file;

    for (i = 0; i < stage->nfiles; i++) {

        file = (ngx_lu_stage_file_t *) stage->files.elts + i;

        if (!ngx_lu_stage_blockmap_wanted(stage, file, &name)) {
            continue;
        }

        status = ngx_lu_stage_blockmap_begin(stage, &pool);

        if (status == NGX_OK) {
            status = ngx_lu_stage_blockmap_made(stage, file, pool, &gzip);
            status = ngx_lu_stage_blockmap_end(stage, pool, status);
        }

        if (status == NGX_OK) {
            status = ngx_lu_stage_files_add(stage, &name, &gzip);
        }

        if (status != NGX_OK) {
            return status;
        }
    }

    return NGX_OK;
}


/* Updaters ask for blockmaps of these beside them, and of no others. */

static ngx_uint_t
ngx_lu_stage_blockmap_wanted(ngx_lu_stage_t *stage, ngx_lu_stage_file_t *file,
    lu_str_t *name)
{
    if (!file->is_listed
        || file->is_extra
        || file->is_mapped
        || file->size == 0
        || (!lu_str_ends(&file->name, ".exe")
            && !lu_str_ends(&file->name, ".zip")))
    {
        return 0;
    }

    name->len = file->name.len + sizeof(NGX_LU_BLOCKMAP) - 1;
    name->data = ngx_lu_format(stage->task->io.pool, "%*s" NGX_LU_BLOCKMAP,
                               file->name.len, file->name.data);

    return name->data && ngx_lu_stage_files_find(stage, name) == NULL;
}


/* The compressed text is in the given pool. */

static ngx_int_t
ngx_lu_stage_blockmap_made(ngx_lu_stage_t *stage, ngx_lu_stage_file_t *file,
    ngx_pool_t *pool, lu_str_t *gzip)
{
    lu_rc_e               core;
    lu_str_t              text;
    ngx_int_t             rc;
    lu_arena_t            arena, kept;
    ngx_lu_task_t        *task;
    lu_blockmap_maker_t  *maker;

    task = stage->task;
    arena = ngx_lu_arena(task->io.pool);
    kept = ngx_lu_arena(pool);

    if (lu_blockmap_make(&arena, file->size, &maker) != LU_OK) {
        return ngx_lu_task_nomem(task);
    }

    rc = ngx_lu_file_pieces(&task->io, file->path, ngx_lu_stage_blockmap_add,
                            maker);

    if (rc != NGX_OK) {
        return ngx_lu_task_unread(task, rc);
    }

    core = lu_blockmap_made(&arena, maker, &text);

    if (core == LU_OK) {
        core = lu_gzip_stored(&kept, &text, gzip);
    }

    return core == LU_OK ? NGX_OK : ngx_lu_task_core(task, core);
}


static ngx_int_t
ngx_lu_stage_blockmap_add(void *data, u_char *bytes, size_t len)
{
    return lu_blockmap_add(data, bytes, len) == LU_OK ? NGX_OK : NGX_ERROR;
}
