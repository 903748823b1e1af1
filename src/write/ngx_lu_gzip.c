
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_gzip.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_io.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_temp.h"

#include <zlib.h>


#define NGX_LU_GZIP_MIN   256
#define NGX_LU_GZIP_NAME  (255 - (sizeof(".gz") - 1))
#define NGX_LU_GZIP_SIZE  (64 * 1024)


typedef struct {
    ngx_lu_task_t                *task;
    ngx_lu_temp_t                 temp;
    z_stream                      stream;
    u_char                        out[NGX_LU_GZIP_SIZE];
} ngx_lu_gzip_t;


static ngx_uint_t ngx_lu_gzip_compresses(const lu_file_t *file);
static ngx_int_t ngx_lu_gzip_file(ngx_lu_gzip_t *gzip, u_char *data);
static ngx_int_t ngx_lu_gzip_piece(void *data, u_char *bytes, size_t len);
static ngx_int_t ngx_lu_gzip_failed(ngx_lu_task_t *task);


ngx_int_t
ngx_lu_gzip(ngx_lu_task_t *task, u_char *folder, u_char *data, lu_file_t *file)
{
    u_char         *path;
    ngx_int_t       status;
    ngx_lu_gzip_t  *gzip;

    if (!ngx_lu_gzip_compresses(file)) {
        return NGX_OK;
    }

    gzip = ngx_alloc(sizeof(ngx_lu_gzip_t), ngx_cycle->log);
    if (gzip == NULL) {
        return ngx_lu_task_nomem(task);
    }

    gzip->task = task;

    if (ngx_lu_temp_create(&task->io, task->store, &gzip->temp) != NGX_OK) {
        ngx_free(gzip);
        return ngx_lu_task_failed(task);
    }

    status = ngx_lu_gzip_file(gzip, data);

    /* a twin must save a tenth to be worth a second file */

    if (status != NGX_OK
        || gzip->temp.sha256.size > file->size - file->size / 10)
    {
        ngx_lu_temp_discard(&gzip->temp);
        goto done;
    }

    path = ngx_lu_path_in(&task->io, folder, "gzip/%*s.gz", file->href.len,
                          file->href.data);

    if (ngx_lu_file_mkdirs(&task->io, folder, path) != NGX_OK
        || ngx_lu_temp_sync(&task->io, &gzip->temp) != NGX_OK)
    {
        ngx_lu_temp_discard(&gzip->temp);
        status = ngx_lu_gzip_failed(task);
        goto done;
    }

    if (ngx_lu_temp_rename(&task->io, &gzip->temp, path) != NGX_OK) {
        status = ngx_lu_gzip_failed(task);
        goto done;
    }

    file->gzip = 1;

done:

    ngx_free(gzip);

    return status;
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


static ngx_int_t
ngx_lu_gzip_file(ngx_lu_gzip_t *gzip, u_char *data)
{
    ngx_int_t       rc;
    ngx_lu_task_t  *task;

    task = gzip->task;

    ngx_memzero(&gzip->stream, sizeof(z_stream));

    /* windowBits + 16: a gzip header, without a name or a time */

    if (deflateInit2(&gzip->stream, Z_BEST_COMPRESSION, Z_DEFLATED,
                     MAX_WBITS + 16, MAX_MEM_LEVEL, Z_DEFAULT_STRATEGY)
        != Z_OK)
    {
        return ngx_lu_task_nomem(task);
    }

    rc = ngx_lu_file_pieces(&task->io, data, ngx_lu_gzip_piece, gzip);

    (void) deflateEnd(&gzip->stream);

    return rc == NGX_OK ? NGX_OK : ngx_lu_task_unread(task, rc);
}


static ngx_int_t
ngx_lu_gzip_piece(void *data, u_char *bytes, size_t len)
{
    ngx_lu_gzip_t *gzip = data;

    z_stream  *stream;

    stream = &gzip->stream;

    stream->next_in = bytes;
    stream->avail_in = (uInt) len;

    do {
        stream->next_out = gzip->out;
        stream->avail_out = NGX_LU_GZIP_SIZE;

        (void) deflate(stream, len ? Z_NO_FLUSH : Z_FINISH);

        if (ngx_lu_temp_write(&gzip->task->io, &gzip->temp, gzip->out,
                              stream->next_out - gzip->out) != NGX_OK)
        {
            return NGX_ERROR;
        }

    } while (stream->avail_out == 0);

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
