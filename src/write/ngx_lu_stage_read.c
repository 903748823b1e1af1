
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What a blockmap takes lies in a pool that is gone with its file: the one of
 * a large file has megabytes.
 */


#include "ngx_lu_crew.h"
#include "ngx_lu_digest.h"
#include "ngx_lu_stage_blockmap.h"
#include "ngx_lu_stage_read.h"
#include "ngx_lu_stage_sign.h"
#include "ngx_lu_task.h"

#include "store/ngx_lu_file.h"


#define NGX_LU_STAGE_READ_POOL  4096
#define NGX_LU_STAGE_READ_END   4       /* bytes behind a blockmap inside */


typedef struct ngx_lu_stage_read_s  ngx_lu_stage_read_t;


/* A file that is read. */

typedef struct {
    ngx_lu_stage_read_t     *read;
    ngx_lu_stage_file_t     *file;
    ngx_lu_io_t              io;        /* of the thread that reads it */
    ngx_lu_digests_t         digests;
    ngx_int_t                rc;
} ngx_lu_stage_read_file_t;


struct ngx_lu_stage_read_s {
    ngx_lu_task_t            *task;
    ngx_thread_mutex_t        mutex;    /* of the task's memory and turns */
    ngx_array_t               files;    /* of ngx_lu_stage_read_file_t */
};


static ngx_int_t ngx_lu_stage_read_list(ngx_lu_stage_t *stage,
    ngx_lu_stage_read_t *read);
static int ngx_lu_stage_read_cmp(const void *one, const void *two);
static ngx_int_t ngx_lu_stage_read_all(ngx_lu_stage_read_t *read);
static void ngx_lu_stage_read_next(void *data, ngx_uint_t i);
static ngx_int_t ngx_lu_stage_read_file(ngx_lu_stage_read_file_t *file);
static ngx_int_t ngx_lu_stage_read_open(ngx_lu_stage_read_file_t *file,
    u_char *path, ngx_fd_t *fd, size_t *size);
static ngx_int_t ngx_lu_stage_read_whole(ngx_lu_stage_read_file_t *file,
    ngx_fd_t fd, uint64_t size);
static ngx_int_t ngx_lu_stage_read_blockmap(ngx_lu_stage_read_file_t *file,
    ngx_lu_stage_blockmap_t *blockmap, ngx_fd_t fd, uint64_t size);
static ngx_int_t ngx_lu_stage_read_beside(ngx_lu_stage_read_file_t *file,
    u_char *path, lu_str_t *packed);
static ngx_int_t ngx_lu_stage_read_piece(void *data, u_char *bytes,
    size_t len);
static ngx_int_t ngx_lu_stage_read_end(ngx_lu_stage_read_file_t *file);
static lu_arena_t ngx_lu_stage_read_arena(ngx_lu_stage_read_t *read);
static void *ngx_lu_stage_read_keep(void *data, size_t size);


ngx_int_t
ngx_lu_stage_read(ngx_lu_stage_t *stage)
{
    ngx_int_t            status;
    ngx_lu_stage_read_t  read;

    read.task = stage->task;

    status = ngx_lu_stage_read_list(stage, &read);

    if (status != NGX_OK || read.files.nelts == 0) {
        return status;
    }

    if (ngx_thread_mutex_create(&read.mutex, ngx_cycle->log) != NGX_OK) {
        return ngx_lu_task_nomem(stage->task);
    }

    status = ngx_lu_stage_read_all(&read);

    (void) ngx_thread_mutex_destroy(&read.mutex, ngx_cycle->log);

    return status;
}


static ngx_int_t
ngx_lu_stage_read_list(ngx_lu_stage_t *stage, ngx_lu_stage_read_t *read)
{
    ngx_uint_t                 i;
    ngx_lu_stage_file_t       *file;
    ngx_lu_stage_read_file_t  *item;

    if (ngx_array_init(&read->files, stage->task->io.pool, 64,
                       sizeof(ngx_lu_stage_read_file_t))
        != NGX_OK)
    {
        return ngx_lu_task_nomem(stage->task);
    }

    for (i = 0; i < stage->nfiles; i++) {

        file = (ngx_lu_stage_file_t *) stage->files.elts + i;

        if (!file->is_listed
            || (file->blockmaps == NULL
                && ngx_lu_stage_files_known(stage, file)))
        {
            continue;
        }

        item = ngx_array_push(&read->files);
        if (item == NULL) {
            return ngx_lu_task_nomem(stage->task);
        }

        ngx_memzero(item, sizeof(ngx_lu_stage_read_file_t));

        item->read = read;
        item->file = file;
    }

    return NGX_OK;
}


/* No thread shall begin the largest one when the others are ready. */

static int
ngx_lu_stage_read_cmp(const void *one, const void *two)
{
    const ngx_lu_stage_read_file_t  *first = one, *second = two;

    if (first->file->size != second->file->size) {
        return first->file->size < second->file->size ? 1 : -1;
    }

    return first->file < second->file ? -1 : 1;
}


static ngx_int_t
ngx_lu_stage_read_all(ngx_lu_stage_read_t *read)
{
    ngx_uint_t                 i;
    ngx_lu_task_t             *task;
    ngx_lu_stage_read_file_t  *file;

    task = read->task;
    file = read->files.elts;

    ngx_qsort(file, read->files.nelts, sizeof(ngx_lu_stage_read_file_t),
              ngx_lu_stage_read_cmp);

    ngx_lu_crew(read->files.nelts, ngx_lu_stage_read_next, file,
                &task->io.beats);

    for (i = 0; i < read->files.nelts; i++) {

        if (file[i].rc == NGX_OK) {
            continue;
        }

        if (file[i].rc == NGX_ERROR) {
            (void) ngx_lu_io_error(&task->io, file[i].io.err,
                                   file[i].io.operation, file[i].io.path);
        }

        return ngx_lu_task_unread(task, file[i].rc);
    }

    return NGX_OK;
}


static void
ngx_lu_stage_read_next(void *data, ngx_uint_t i)
{
    ngx_lu_stage_read_file_t *file = data;

    file += i;

    file->io.pool = ngx_create_pool(NGX_LU_STAGE_READ_POOL, ngx_cycle->log);

    if (file->io.pool == NULL) {
        file->rc = ngx_lu_io_nomem(&file->io);
        return;
    }

    file->rc = ngx_lu_stage_read_file(file);

    ngx_destroy_pool(file->io.pool);
}


static ngx_int_t
ngx_lu_stage_read_file(ngx_lu_stage_read_file_t *file)
{
    size_t     size;
    ngx_fd_t   fd;
    ngx_int_t  rc;

    rc = ngx_lu_stage_read_open(file, file->file->path, &fd, &size);

    if (rc == NGX_OK) {
        rc = ngx_lu_stage_read_whole(file, fd, size);

        (void) ngx_close_file(fd);
    }

    return rc;
}


/* It takes the turns to open what has the name now, see ngx_lu_turn_open(). */

static ngx_int_t
ngx_lu_stage_read_open(ngx_lu_stage_read_file_t *file, u_char *path,
    ngx_fd_t *fd, size_t *size)
{
    ngx_int_t             rc;
    ngx_lu_io_t          *io;
    ngx_file_info_t       fi;
    ngx_lu_stage_read_t  *read;

    read = file->read;
    io = &read->task->io;

    if (ngx_thread_mutex_lock(&read->mutex, ngx_cycle->log) != NGX_OK) {
        return ngx_lu_io_nomem(&file->io);
    }

    rc = ngx_lu_file_open(io, path, fd);

    if (rc == NGX_ERROR) {
        (void) ngx_lu_io_error(&file->io, io->err, io->operation, path);
        ngx_lu_io_clear(io);
    }

    (void) ngx_thread_mutex_unlock(&read->mutex, ngx_cycle->log);

    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_fd_info(*fd, &fi) == NGX_FILE_ERROR) {
        (void) ngx_lu_io_error(&file->io, ngx_lu_io_errno(), ngx_fd_info_n,
                               path);
        (void) ngx_close_file(*fd);

        return NGX_ERROR;
    }

    *size = (size_t) ngx_file_size(&fi);

    return NGX_OK;
}


static ngx_int_t
ngx_lu_stage_read_whole(ngx_lu_stage_read_file_t *file, ngx_fd_t fd,
    uint64_t size)
{
    ngx_int_t                 rc;
    lu_arena_t                kept;
    ngx_lu_stage_blockmap_t  *blockmap;

    ngx_lu_digests_init(&file->digests);

    for (blockmap = file->file->blockmaps; blockmap; blockmap = blockmap->next)
    {
        rc = ngx_lu_stage_read_blockmap(file, blockmap, fd, size);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    kept = ngx_lu_stage_read_arena(file->read);

    rc = ngx_lu_stage_sign_begin(file->file, &file->io, fd, size, &kept);

    if (rc == NGX_OK) {
        rc = ngx_lu_file_pieces_of(&file->io, file->file->path, fd,
                                   ngx_lu_stage_read_piece, file);
    }

    ngx_lu_stage_sign_end(file->file);

    return rc == NGX_OK ? ngx_lu_stage_read_end(file) : rc;
}


static ngx_int_t
ngx_lu_stage_read_blockmap(ngx_lu_stage_read_file_t *file,
    ngx_lu_stage_blockmap_t *blockmap, ngx_fd_t fd, uint64_t size)
{
    lu_str_t    packed;
    ngx_int_t   rc;
    lu_arena_t  arena;

    rc = NGX_OK;

    if (blockmap->path) {
        rc = ngx_lu_stage_read_beside(file, blockmap->path, &packed);

    } else if (blockmap->inside) {

        if (blockmap->inside + NGX_LU_STAGE_READ_END > size) {
            blockmap->wrong = "would begin before the file";
            return NGX_OK;
        }

        size -= blockmap->inside + NGX_LU_STAGE_READ_END;

        rc = ngx_lu_file_read_part_of(&file->io, file->file->path, fd,
                                      (off_t) size, (size_t) blockmap->inside,
                                      &packed);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    arena = ngx_lu_arena(file->io.pool);

    return ngx_lu_stage_blockmap_begin(blockmap, &arena, size, &packed)
           == LU_OK ? NGX_OK : ngx_lu_io_nomem(&file->io);
}


static ngx_int_t
ngx_lu_stage_read_beside(ngx_lu_stage_read_file_t *file, u_char *path,
    lu_str_t *packed)
{
    size_t     size;
    ngx_fd_t   fd;
    ngx_int_t  rc;

    rc = ngx_lu_stage_read_open(file, path, &fd, &size);

    if (rc != NGX_OK) {
        return rc;
    }

    if (size > LU_BLOCKMAP_TEXT) {
        rc = ngx_lu_io_error(&file->io, EFBIG, "read()", path);

    } else {
        rc = ngx_lu_file_read_part_of(&file->io, path, fd, 0, size, packed);
    }

    (void) ngx_close_file(fd);

    return rc;
}


static ngx_int_t
ngx_lu_stage_read_piece(void *data, u_char *bytes, size_t len)
{
    ngx_lu_stage_read_file_t *file = data;

    ngx_lu_stage_blockmap_t  *blockmap;

    /* the thread that waits for this one does not seem to hang */

    (void) ngx_atomic_fetch_add(&file->read->task->io.beats, 1);

    ngx_lu_digests_add(&file->digests, bytes, len);

    for (blockmap = file->file->blockmaps; blockmap; blockmap = blockmap->next)
    {
        ngx_lu_stage_blockmap_piece(blockmap, bytes, len);
    }

    return ngx_lu_stage_sign_piece(file->file, &file->io, bytes, len);
}


static ngx_int_t
ngx_lu_stage_read_end(ngx_lu_stage_read_file_t *file)
{
    lu_arena_t                arena, kept;
    ngx_lu_digest_t           digest;
    ngx_lu_stage_blockmap_t  *blockmap;

    arena = ngx_lu_arena(file->io.pool);

    kept = ngx_lu_stage_read_arena(file->read);

    for (blockmap = file->file->blockmaps; blockmap; blockmap = blockmap->next)
    {
        if (ngx_lu_stage_blockmap_end(blockmap, &arena, &kept) != LU_OK) {
            return ngx_lu_io_nomem(&file->io);
        }
    }

    ngx_lu_digests_final(&file->digests, &digest);

    ngx_lu_stage_files_digest(file->file, &digest);

    return NGX_OK;
}


/* What lasts as long as the task: its memory, which threads share. */

static lu_arena_t
ngx_lu_stage_read_arena(ngx_lu_stage_read_t *read)
{
    lu_arena_t  arena;

    arena.alloc = ngx_lu_stage_read_keep;
    arena.data = read;

    return arena;
}


static void *
ngx_lu_stage_read_keep(void *data, size_t size)
{
    ngx_lu_stage_read_t *read = data;

    void  *p;

    if (ngx_thread_mutex_lock(&read->mutex, ngx_cycle->log) != NGX_OK) {
        return NULL;
    }

    p = ngx_palloc(read->task->io.pool, size);

    (void) ngx_thread_mutex_unlock(&read->mutex, ngx_cycle->log);

    return p;
}
