
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_crew.h"
#include "ngx_lu_gzip.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_io.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_temp.h"

#include "core/lu_gzip.h"


#define NGX_LU_GZIP_MIN    256
#define NGX_LU_GZIP_NAME   (255 - (sizeof(".gz") - 1))

/* up to this size a file is compressed at once, in memory, bytes */

#define NGX_LU_GZIP_WHOLE  (4 * 1024 * 1024)

/* files that have a temporary file at the same time */

#define NGX_LU_GZIP_BATCH  32


/* A file that is compressed, with memory of its own. */

typedef struct {
    ngx_lu_io_t              io;
    ngx_atomic_t            *beats;   /* of the task */
    ngx_lu_store_t          *store;
    lu_file_t               *file;
    u_char                  *data;
    ngx_lu_temp_t            temp;
    ngx_int_t                rc;      /* NGX_OK with temp; NGX_DONE: no twin */
} ngx_lu_gzip_file_t;


typedef struct {
    ngx_lu_task_t           *task;
    u_char                  *folder;
    ngx_lu_gzip_file_t       files[NGX_LU_GZIP_BATCH];
    ngx_uint_t               n;
} ngx_lu_gzip_t;


/* A block of a large file. */

typedef struct {
    ngx_fd_t                 fd;
    off_t                    offset;
    size_t                   size;
    ngx_uint_t               last;
    u_char                  *text;    /* with the window before it */
    lu_str_t                 block;
    unsigned long            crc;
    ngx_err_t                err;     /* of pread() */
    lu_rc_e                  rc;
} ngx_lu_gzip_block_t;


static ngx_uint_t ngx_lu_gzip_compresses(const lu_file_t *file);
static ngx_int_t ngx_lu_gzip_batch(ngx_lu_gzip_t *gzip);
static void ngx_lu_gzip_whole(void *data, ngx_uint_t i);
static ngx_int_t ngx_lu_gzip_whole_file(ngx_lu_gzip_file_t *file);
static ngx_int_t ngx_lu_gzip_end(ngx_lu_gzip_t *gzip,
    ngx_lu_gzip_file_t *file);
static ngx_int_t ngx_lu_gzip_place(ngx_lu_gzip_t *gzip,
    ngx_lu_gzip_file_t *file);
static ngx_int_t ngx_lu_gzip_failed(ngx_lu_task_t *task);
static ngx_int_t ngx_lu_gzip_large(ngx_lu_gzip_file_t *file);
static ngx_int_t ngx_lu_gzip_blocks(ngx_lu_gzip_file_t *file,
    ngx_lu_gzip_block_t *blocks);
static ngx_uint_t ngx_lu_gzip_round(ngx_lu_gzip_file_t *file,
    ngx_lu_gzip_block_t *blocks, off_t offset);
static ngx_int_t ngx_lu_gzip_write(ngx_lu_gzip_file_t *file,
    ngx_lu_gzip_block_t *block);
static void ngx_lu_gzip_block(void *data, ngx_uint_t i);


ngx_int_t
ngx_lu_gzip(ngx_lu_task_t *task, u_char *folder, lu_file_t *files,
    u_char **data, size_t n)
{
    size_t               i;
    ngx_int_t            status;
    ngx_lu_gzip_t        gzip;
    ngx_lu_gzip_file_t  *file;

    gzip.task = task;
    gzip.folder = folder;
    gzip.n = 0;

    for (i = 0; i < n; i++) {

        if (!ngx_lu_gzip_compresses(&files[i])) {
            continue;
        }

        file = &gzip.files[gzip.n++];

        ngx_memzero(file, sizeof(ngx_lu_gzip_file_t));

        file->beats = &task->io.beats;
        file->store = task->store;
        file->file = &files[i];
        file->data = data[i];

        if (gzip.n < NGX_LU_GZIP_BATCH) {
            continue;
        }

        status = ngx_lu_gzip_batch(&gzip);
        if (status != NGX_OK) {
            return status;
        }
    }

    return ngx_lu_gzip_batch(&gzip);
}


/* By the media type, or by the name where there is none. */

static ngx_uint_t
ngx_lu_gzip_compresses(const lu_file_t *file)
{
    size_t      len;
    u_char     *name, *last;
    ngx_uint_t  i;

    static const char  *types[] = {
        "text/", "application/javascript", "application/json",
        "application/xml", "application/wasm", "application/manifest+json",
        "application/xhtml+xml", "image/svg+xml", "image/bmp", "font/ttf",
        "font/otf", "application/vnd.ms-fontobject", NULL
    };

    static const char  *extensions[] = {
        ".html", ".css", ".js", ".mjs", ".json", ".map", ".svg", ".txt",
        ".wasm", ".webmanifest", ".xml", ".ttf", ".otf", NULL
    };

    if (file->size < NGX_LU_GZIP_MIN) {
        return 0;
    }

    /* file systems have names of up to 255 bytes */

    last = file->href.data + file->href.len;

    for (name = last; name > file->href.data && name[-1] != '/'; name--) {
        /* void */
    }

    if ((size_t) (last - name) > NGX_LU_GZIP_NAME) {
        return 0;
    }

    if (file->type.len) {
        for (i = 0; types[i]; i++) {
            len = ngx_strlen(types[i]);

            if (file->type.len >= len
                && ngx_strncasecmp(file->type.data, (u_char *) types[i], len)
                   == 0)
            {
                return 1;
            }
        }

        return 0;
    }

    for (i = 0; extensions[i]; i++) {
        len = ngx_strlen(extensions[i]);

        if (file->href.len > len
            && ngx_strncasecmp(file->href.data + file->href.len - len,
                               (u_char *) extensions[i], len)
               == 0)
        {
            return 1;
        }
    }

    return 0;
}


/* Files get their names in the order of the table, whichever is ready first. */

static ngx_int_t
ngx_lu_gzip_batch(ngx_lu_gzip_t *gzip)
{
    ngx_int_t            status;
    ngx_uint_t           i;
    ngx_lu_gzip_file_t  *file;

    ngx_lu_crew(gzip->n, ngx_lu_gzip_whole, gzip, &gzip->task->io.beats);

    status = NGX_OK;

    for (i = 0; i < gzip->n; i++) {
        file = &gzip->files[i];

        if (status == NGX_OK) {
            status = ngx_lu_gzip_end(gzip, file);

        } else if (file->rc == NGX_OK) {
            ngx_lu_temp_discard(&file->temp);
        }

        if (file->io.pool) {
            ngx_destroy_pool(file->io.pool);
        }
    }

    gzip->n = 0;

    return status;
}


static void
ngx_lu_gzip_whole(void *data, ngx_uint_t i)
{
    ngx_lu_gzip_t *gzip = data;

    ngx_lu_gzip_file_t  *file;

    file = &gzip->files[i];

    file->io.pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, ngx_cycle->log);

    if (file->io.pool == NULL) {
        file->rc = ngx_lu_io_nomem(&file->io);
        return;
    }

    /* the whole crew works on each large file, later */

    file->rc = (file->file->size > NGX_LU_GZIP_WHOLE)
               ? NGX_AGAIN
               : ngx_lu_gzip_whole_file(file);
}


static ngx_int_t
ngx_lu_gzip_whole_file(ngx_lu_gzip_file_t *file)
{
    lu_rc_e          rc;
    lu_str_t         text, gzip;
    ngx_int_t        read;
    ngx_file_info_t  fi;

    read = ngx_lu_file_read(&file->io, file->data, &text, &fi);
    if (read != NGX_OK) {
        return read;
    }

    /* a twin must save a tenth to be worth a second file */

    gzip.len = text.len - text.len / 10;
    gzip.data = ngx_pnalloc(file->io.pool, gzip.len);

    if (gzip.data == NULL) {
        return ngx_lu_io_nomem(&file->io);
    }

    rc = lu_gzip(&text, &gzip);

    /* the pool lives as long as the batch */

    (void) ngx_pfree(file->io.pool, text.data);

    if (rc != LU_OK) {
        (void) ngx_pfree(file->io.pool, gzip.data);
        return rc == LU_NOT_FOUND ? NGX_DONE : ngx_lu_io_nomem(&file->io);
    }

    if (ngx_lu_temp_create(&file->io, file->store, &file->temp) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_lu_temp_write(&file->io, &file->temp, gzip.data, gzip.len)
        != NGX_OK
        || ngx_lu_temp_sync(&file->io, &file->temp) != NGX_OK)
    {
        ngx_lu_temp_discard(&file->temp);
        return NGX_ERROR;
    }

    (void) ngx_pfree(file->io.pool, gzip.data);

    return NGX_OK;
}


static ngx_int_t
ngx_lu_gzip_end(ngx_lu_gzip_t *gzip, ngx_lu_gzip_file_t *file)
{
    u_char         *path;
    ngx_lu_task_t  *task;

    task = gzip->task;

    if (file->rc == NGX_AGAIN) {
        file->rc = ngx_lu_gzip_large(file);
    }

    switch (file->rc) {

    case NGX_OK:
        return ngx_lu_gzip_place(gzip, file);

    case NGX_DONE:
        return NGX_OK;

    case NGX_DECLINED:
        return ngx_lu_task_unread(task, NGX_DECLINED);

    default: /* NGX_ERROR */

        /* the task outlives the memory of the file */

        path = ngx_lu_format(task->io.pool, "%s", file->io.path);

        (void) ngx_lu_io_error(&task->io, file->io.err, file->io.operation,
                               path);

        return ngx_lu_task_failed(task);
    }
}


static ngx_int_t
ngx_lu_gzip_place(ngx_lu_gzip_t *gzip, ngx_lu_gzip_file_t *file)
{
    u_char         *path;
    ngx_lu_task_t  *task;

    task = gzip->task;

    path = ngx_lu_path_in(&task->io, gzip->folder, "gzip/%*s.gz",
                          file->file->href.len, file->file->href.data);

    if (ngx_lu_file_mkdirs(&task->io, gzip->folder, path) != NGX_OK) {
        ngx_lu_temp_discard(&file->temp);
        return ngx_lu_gzip_failed(task);
    }

    if (ngx_lu_temp_rename(&task->io, &file->temp, path) != NGX_OK) {
        return ngx_lu_gzip_failed(task);
    }

    file->file->gzip = 1;

    return NGX_OK;
}


/*
 * The twin of "a.js" has the path that the folder of the twin of
 * "a.js.gz/b.js" needs; the second of them gets no twin.
 */

static ngx_int_t
ngx_lu_gzip_failed(ngx_lu_task_t *task)
{
    if (task->io.err != NGX_ENOTDIR) {
        return ngx_lu_task_failed(task);
    }

    ngx_lu_io_clear(&task->io);

    return NGX_OK;
}


static ngx_int_t
ngx_lu_gzip_large(ngx_lu_gzip_file_t *file)
{
    size_t               size;
    u_char              *memory;
    ngx_fd_t             fd;
    ngx_int_t            rc;
    ngx_uint_t           i;
    ngx_lu_gzip_block_t  blocks[NGX_LU_CREW];

    fd = ngx_open_file(file->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        if (ngx_errno == NGX_ENOENT) {
            return NGX_DECLINED;
        }

        return ngx_lu_io_failed(&file->io, ngx_open_file_n, file->data);
    }

    size = LU_GZIP_WINDOW + LU_GZIP_BLOCK + LU_GZIP_BOUND;
    memory = ngx_alloc(ngx_lu_crew_size() * size, ngx_cycle->log);

    if (memory == NULL) {
        (void) ngx_close_file(fd);
        return ngx_lu_io_nomem(&file->io);
    }

    for (i = 0; i < ngx_lu_crew_size(); i++) {
        blocks[i].fd = fd;
        blocks[i].text = memory + i * size;
        blocks[i].block.data = blocks[i].text + LU_GZIP_WINDOW + LU_GZIP_BLOCK;
    }

    rc = ngx_lu_temp_create(&file->io, file->store, &file->temp);

    if (rc == NGX_OK) {
        rc = ngx_lu_gzip_blocks(file, blocks);

        if (rc != NGX_OK) {
            ngx_lu_temp_discard(&file->temp);
        }
    }

    ngx_free(memory);
    (void) ngx_close_file(fd);

    return rc;
}


/* In rounds of as many blocks as the crew has threads. */

static ngx_int_t
ngx_lu_gzip_blocks(ngx_lu_gzip_file_t *file, ngx_lu_gzip_block_t *blocks)
{
    off_t                 offset;
    u_char                head[LU_GZIP_HEAD], tail[LU_GZIP_TAIL];
    uint64_t              size;
    ngx_uint_t            i, n;
    unsigned long         crc;
    ngx_lu_gzip_block_t  *block;

    size = file->file->size;

    lu_gzip_head(head);

    if (ngx_lu_temp_write(&file->io, &file->temp, head, LU_GZIP_HEAD)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    crc = 0;

    for (offset = 0; offset < (off_t) size; /* void */ ) {

        n = ngx_lu_gzip_round(file, blocks, offset);

        ngx_lu_crew(n, ngx_lu_gzip_block, blocks, file->beats);

        for (i = 0; i < n; i++) {
            block = &blocks[i];

            if (ngx_lu_gzip_write(file, block) != NGX_OK) {
                return NGX_ERROR;
            }

            crc = offset ? lu_gzip_crc_join(crc, block->crc, block->size)
                         : block->crc;
            offset += block->size;
        }

        if (file->temp.sha256.size > size - size / 10) {
            return NGX_DONE;
        }
    }

    lu_gzip_tail(tail, crc, size);

    if (ngx_lu_temp_write(&file->io, &file->temp, tail, LU_GZIP_TAIL)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_lu_temp_sync(&file->io, &file->temp);
}


static ngx_uint_t
ngx_lu_gzip_round(ngx_lu_gzip_file_t *file, ngx_lu_gzip_block_t *blocks,
    off_t offset)
{
    off_t       size;
    ngx_uint_t  n;

    size = (off_t) file->file->size;

    for (n = 0; n < ngx_lu_crew_size() && offset < size; n++) {

        blocks[n].offset = offset;
        blocks[n].size = (size_t) ngx_min(size - offset, LU_GZIP_BLOCK);

        offset += blocks[n].size;

        blocks[n].last = (offset == size);
    }

    return n;
}


static ngx_int_t
ngx_lu_gzip_write(ngx_lu_gzip_file_t *file, ngx_lu_gzip_block_t *block)
{
    if (block->err) {
        return ngx_lu_io_error(&file->io, block->err, "pread()", file->data);
    }

    if (block->rc != LU_OK) {
        return ngx_lu_io_nomem(&file->io);
    }

    return ngx_lu_temp_write(&file->io, &file->temp, block->block.data,
                             block->block.len);
}


static void
ngx_lu_gzip_block(void *data, ngx_uint_t i)
{
    ngx_lu_gzip_block_t *blocks = data;

    size_t                len, size;
    ssize_t               n;
    lu_str_t              before, text;
    ngx_lu_gzip_block_t  *block;

    block = &blocks[i];

    before.len = (size_t) ngx_min(block->offset, LU_GZIP_WINDOW);
    before.data = block->text;
    text.len = block->size;
    text.data = block->text + before.len;

    size = before.len + text.len;
    block->err = 0;

    for (len = 0; len < size; len += n) {

        n = pread(block->fd, block->text + len, size - len,
                  block->offset - (off_t) before.len + (off_t) len);

        if (n == -1 && ngx_errno == NGX_EINTR) {
            n = 0;
            continue;
        }

        if (n <= 0) {

            /* a file that was verified does not end before its size */

            block->err = (n == -1) ? ngx_errno : EIO;
            return;
        }
    }

    block->crc = lu_gzip_crc(&text);
    block->rc = lu_gzip_block(&before, &text, block->last, &block->block);
}
