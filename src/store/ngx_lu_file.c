
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_file.h"
#include "ngx_lu_path.h"
#include "ngx_lu_temp.h"
#include "ngx_lu_turn.h"

#include "core/lu_sha256.h"


#define NGX_LU_FILE_PIECE  (256 * 1024)
#define NGX_LU_FILE_POOL   4096
#define NGX_LU_FILE_TRIES  5

/* a network file system believes its names for a second */

#define NGX_LU_FILE_STALE  25
#define NGX_LU_FILE_PAUSE  50           /* milliseconds */


static ngx_int_t ngx_lu_file_read_once(ngx_lu_io_t *io, u_char *path,
    lu_str_t *text, ngx_file_info_t *fi);
static ngx_int_t ngx_lu_file_append_to(ngx_lu_io_t *io, ngx_lu_temp_t *file,
    const char *text, size_t len);


ngx_int_t
ngx_lu_file_open(ngx_lu_io_t *io, u_char *path, ngx_fd_t *fd)
{
    ngx_uint_t  tries;

    *fd = NGX_INVALID_FILE;

    if (path == NULL) {
        return ngx_lu_io_pathless(io);
    }

    if (io->turns && !io->plain) {
        return ngx_lu_turn_open(io, path, fd);
    }

    /* what is remembered of a name is asked for again when it was wrong */

    for (tries = 0; tries < NGX_LU_FILE_TRIES; tries++) {

        *fd = ngx_open_file(path, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

        if (*fd != NGX_INVALID_FILE) {
            return NGX_OK;
        }

        if (ngx_errno != ESTALE) {
            break;
        }
    }

    return (ngx_errno == NGX_ENOENT || ngx_errno == NGX_ENOTDIR)
           ? NGX_DECLINED
           : ngx_lu_io_failed(io, ngx_open_file_n, path);
}


/*
 * On a network file system only open() is sure to ask the server.  What cannot
 * be opened for another reason must not be taken for absent.
 */

ngx_int_t
ngx_lu_file_exists(ngx_lu_io_t *io, u_char *path)
{
    ngx_fd_t  fd;

    if (path == NULL) {
        return ngx_lu_io_pathless(io);
    }

    fd = ngx_open_file(path, NGX_FILE_RDONLY|NGX_FILE_NONBLOCK, NGX_FILE_OPEN,
                       0);

    if (fd == NGX_INVALID_FILE) {
        if (ngx_errno == NGX_ENOENT || ngx_errno == NGX_ENOTDIR) {
            return NGX_DECLINED;
        }

        return ngx_lu_io_failed(io, ngx_open_file_n, path);
    }

    (void) ngx_close_file(fd);

    return NGX_OK;
}


ngx_int_t
ngx_lu_file_info(ngx_lu_io_t *io, u_char *path, ngx_file_info_t *fi)
{
    ngx_fd_t   fd;
    ngx_err_t  err;

    if (path == NULL) {
        return ngx_lu_io_pathless(io);
    }

    fd = ngx_open_file(path, NGX_FILE_RDONLY|NGX_FILE_NONBLOCK, NGX_FILE_OPEN,
                       0);

    if (fd == NGX_INVALID_FILE) {
        return (ngx_errno == NGX_ENOENT || ngx_errno == NGX_ENOTDIR)
               ? NGX_DECLINED
               : ngx_lu_io_failed(io, ngx_open_file_n, path);
    }

    if (ngx_fd_info(fd, fi) == NGX_FILE_ERROR) {
        err = ngx_lu_io_errno();
        (void) ngx_close_file(fd);

        return ngx_lu_io_error(io, err, ngx_fd_info_n, path);
    }

    (void) ngx_close_file(fd);

    return NGX_OK;
}


ngx_int_t
ngx_lu_file_read(ngx_lu_io_t *io, u_char *path, lu_str_t *text,
    ngx_file_info_t *fi)
{
    ngx_int_t   rc;
    ngx_uint_t  tries;

    for (tries = 0; tries < NGX_LU_FILE_STALE; tries++) {

        if (tries) {
            io->beats++;
            ngx_msleep(NGX_LU_FILE_PAUSE);
            ngx_lu_io_clear(io);
        }

        rc = ngx_lu_file_read_once(io, path, text, fi);

        if (rc != NGX_AGAIN) {
            return rc;
        }
    }

    return NGX_ERROR;
}


/* NGX_AGAIN, with io: the name led to a file that another has replaced. */

static ngx_int_t
ngx_lu_file_read_once(ngx_lu_io_t *io, u_char *path, lu_str_t *text,
    ngx_file_info_t *fi)
{
    size_t     size;
    ssize_t    n;
    ngx_fd_t   fd;
    ngx_int_t  rc;

    rc = ngx_lu_file_open(io, path, &fd);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = NGX_ERROR;

    if (ngx_fd_info(fd, fi) == NGX_FILE_ERROR) {
        (void) ngx_lu_io_error(io, ngx_lu_io_errno(), ngx_fd_info_n, path);
        goto done;
    }

    if (ngx_file_size(fi) > NGX_LU_FILE_SIZE) {
        (void) ngx_lu_io_error(io, EFBIG, "read()", path);
        goto done;
    }

    size = (size_t) ngx_file_size(fi);

    text->len = 0;
    text->data = ngx_pnalloc(io->pool, size + 1);
    if (text->data == NULL) {
        (void) ngx_lu_io_error(io, NGX_ENOMEM, "malloc()", path);
        goto done;
    }

    while (text->len < size) {
        n = read(fd, text->data + text->len, size - text->len);

        if (n == -1) {
            if (ngx_errno == NGX_EINTR) {
                continue;
            }

            (void) ngx_lu_io_error(io, ngx_lu_io_errno(), "read()", path);
            goto done;
        }

        if (n == 0) {
            break;
        }

        text->len += n;
    }

    text->data[text->len] = '\0';
    rc = NGX_OK;

done:

    if (rc == NGX_ERROR && io->err == ESTALE) {
        rc = NGX_AGAIN;
    }

    (void) ngx_close_file(fd);

    return rc;
}


ngx_int_t
ngx_lu_file_read_part(ngx_lu_io_t *io, u_char *path, off_t offset,
    size_t size, lu_str_t *part)
{
    ngx_fd_t   fd;
    ngx_int_t  rc;

    rc = ngx_lu_file_open(io, path, &fd);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_lu_file_read_part_of(io, path, fd, offset, size, part);

    (void) ngx_close_file(fd);

    return rc;
}


ngx_int_t
ngx_lu_file_read_part_of(ngx_lu_io_t *io, u_char *path, ngx_fd_t fd,
    off_t offset, size_t size, lu_str_t *part)
{
    ssize_t  n;

    part->len = 0;
    part->data = ngx_pnalloc(io->pool, size + 1);

    if (part->data == NULL) {
        return ngx_lu_io_error(io, NGX_ENOMEM, "malloc()", path);
    }

    while (part->len < size) {
        io->beats++;

        n = pread(fd, part->data + part->len, size - part->len,
                  offset + (off_t) part->len);

        if (n > 0) {
            part->len += n;

        } else if (n == 0) {
            return ngx_lu_io_error(io, EIO, "pread()", path);

        } else if (ngx_errno != NGX_EINTR) {
            return ngx_lu_io_error(io, ngx_lu_io_errno(), "pread()", path);
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_file_read_json(ngx_lu_io_t *io, u_char *path, cJSON **json)
{
    lu_rc_e          parsed;
    lu_str_t         text;
    ngx_int_t        rc;
    lu_error_t       err;
    ngx_pool_t      *pool;
    ngx_file_info_t  fi;

    /* a list reads many files, and keeps none of their texts */

    pool = io->pool;

    io->pool = ngx_create_pool(NGX_LU_FILE_POOL, ngx_cycle->log);

    if (io->pool == NULL) {
        io->pool = pool;
        return ngx_lu_io_error(io, NGX_ENOMEM, "malloc()", path);
    }

    parsed = LU_OK;

    rc = ngx_lu_file_read(io, path, &text, &fi);

    if (rc == NGX_OK) {
        parsed = lu_json_parse(json, &text, &err);
    }

    ngx_destroy_pool(io->pool);
    io->pool = pool;

    if (rc != NGX_OK) {
        return rc;
    }

    switch (parsed) {

    case LU_OK:
        return NGX_OK;

    case LU_NOMEM:
        return ngx_lu_io_error(io, NGX_ENOMEM, "malloc()", path);

    default: /* LU_INVALID */
        return ngx_lu_io_error(io, NGX_EINVAL, "parsing of", path);
    }
}


ngx_int_t
ngx_lu_file_pieces(ngx_lu_io_t *io, u_char *path,
    ngx_int_t (*handler)(void *data, u_char *bytes, size_t len), void *data)
{
    ngx_fd_t   fd;
    ngx_int_t  rc;

    rc = ngx_lu_file_open(io, path, &fd);

    if (rc == NGX_OK) {
        rc = ngx_lu_file_pieces_of(io, path, fd, handler, data);

        (void) ngx_close_file(fd);
    }

    return rc;
}


ngx_int_t
ngx_lu_file_pieces_of(ngx_lu_io_t *io, u_char *path, ngx_fd_t fd,
    ngx_int_t (*handler)(void *data, u_char *bytes, size_t len), void *data)
{
    u_char     *piece;
    ssize_t     n;
    ngx_int_t   rc;

    piece = ngx_alloc(NGX_LU_FILE_PIECE, ngx_cycle->log);

    if (piece == NULL) {
        return ngx_lu_io_error(io, NGX_ENOMEM, "malloc()", path);
    }

    for ( ;; ) {
        io->beats++;

        n = read(fd, piece, NGX_LU_FILE_PIECE);

        if (n == -1) {
            if (ngx_errno == NGX_EINTR) {
                continue;
            }

            rc = ngx_lu_io_error(io, ngx_lu_io_errno(), "read()", path);
            break;
        }

        rc = handler(data, piece, n);

        if (rc != NGX_OK || n == 0) {
            break;
        }
    }

    ngx_free(piece);

    return rc;
}


ngx_int_t
ngx_lu_file_write(ngx_lu_io_t *io, ngx_lu_store_t *store, u_char *path,
    const char *text, size_t len)
{
    ngx_lu_temp_t  temp;

    if (ngx_lu_file_prepare(io, store, path, text, len, &temp) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_lu_file_commit(io, &temp, path);
}


ngx_int_t
ngx_lu_file_write_json(ngx_lu_io_t *io, ngx_lu_store_t *store, u_char *path,
    const cJSON *json)
{
    ngx_lu_temp_t  temp;

    if (ngx_lu_file_prepare_json(io, store, path, json, &temp) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_lu_file_commit(io, &temp, path);
}


ngx_int_t
ngx_lu_file_write_text(ngx_lu_io_t *io, ngx_lu_store_t *store, u_char *path,
    const char *text)
{
    size_t  len;

    len = ngx_strlen(text);

    if (ngx_lu_file_check(io, path, text, len) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_lu_file_write(io, store, path, text, len);
}


ngx_int_t
ngx_lu_file_prepare(ngx_lu_io_t *io, ngx_lu_store_t *store, u_char *path,
    const char *text, size_t len, ngx_lu_temp_t *temp)
{
    ngx_int_t  rc;

    rc = io->turns ? ngx_lu_turn_create(io, path, temp)
                   : ngx_lu_temp_create(io, store, temp);

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    /* who took the turn before this file was there has not removed it */

    if (ngx_lu_temp_write(io, temp, (const u_char *) text, len) != NGX_OK
        || ngx_lu_temp_sync(io, temp) != NGX_OK
        || ngx_lu_turn_prove(io) != NGX_OK)
    {
        ngx_lu_temp_discard(temp);
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_file_prepare_json(ngx_lu_io_t *io, ngx_lu_store_t *store, u_char *path,
    const cJSON *json, ngx_lu_temp_t *temp)
{
    char      *text;
    size_t     len;
    ngx_int_t  rc;

    text = cJSON_Print(json);

    if (text == NULL) {
        return ngx_lu_io_error(io, NGX_ENOMEM, "malloc()", path);
    }

    len = ngx_strlen(text);

    rc = ngx_lu_file_check(io, path, text, len);

    if (rc == NGX_OK) {
        rc = ngx_lu_file_prepare(io, store, path, text, len, temp);
    }

    cJSON_free(text);

    return rc;
}


ngx_int_t
ngx_lu_file_commit(ngx_lu_io_t *io, ngx_lu_temp_t *temp, u_char *path)
{
    ngx_int_t  rc;

    rc = io->turns ? ngx_lu_turn_commit(io, temp, path)
                   : ngx_lu_temp_rename(io, temp, path);

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_lu_file_sync(io, ngx_lu_path_folder(io, path));
}


ngx_int_t
ngx_lu_file_place(ngx_lu_io_t *io, ngx_lu_temp_t *temp, u_char *path)
{
    if (io->turns == NULL) {
        return ngx_lu_temp_rename(io, temp, path);
    }

    if (ngx_lu_turn_adopt(io, temp, path) != NGX_OK
        || ngx_lu_turn_prove(io) != NGX_OK)
    {
        ngx_lu_temp_discard(temp);
        return NGX_ERROR;
    }

    return ngx_lu_turn_commit(io, temp, path);
}


/* What is written must be what can be read again. */

ngx_int_t
ngx_lu_file_check(ngx_lu_io_t *io, u_char *path, const char *text, size_t len)
{
    cJSON       *json;
    lu_rc_e      rc;
    lu_str_t     str;
    lu_error_t   err;

    if (len > NGX_LU_FILE_SIZE) {
        return ngx_lu_io_error(io, EFBIG, "write()", path);
    }

    str.len = len;
    str.data = (u_char *) text;

    rc = lu_json_parse(&json, &str, &err);

    cJSON_Delete(json);

    switch (rc) {

    case LU_OK:
        return NGX_OK;

    case LU_NOMEM:
        return ngx_lu_io_error(io, NGX_ENOMEM, "malloc()", path);

    default: /* LU_INVALID */
        return ngx_lu_io_error(io, NGX_EILSEQ, "printing of", path);
    }
}


/*
 * Nothing is cut off, not even half a line that could not be written: another
 * machine may have added to the file meanwhile.
 */

ngx_int_t
ngx_lu_file_append(ngx_lu_io_t *io, u_char *path, const char *text,
    size_t len)
{
    ngx_int_t      rc;
    ngx_lu_temp_t  file;

    if (path == NULL) {
        return ngx_lu_io_pathless(io);
    }

    if (ngx_lu_turn_prove(io) != NGX_OK) {
        return NGX_ERROR;
    }

    file.path = path;
    file.fd = open((const char *) path, O_RDWR|O_APPEND|O_CREAT|O_CLOEXEC,
                   0600);

    if (file.fd == NGX_INVALID_FILE) {
        return ngx_lu_io_failed(io, ngx_open_file_n, path);
    }

    lu_sha256_init(&file.sha256);

    rc = ngx_lu_file_append_to(io, &file, text, len);

    (void) ngx_close_file(file.fd);

    return rc;
}


static ngx_int_t
ngx_lu_file_append_to(ngx_lu_io_t *io, ngx_lu_temp_t *file, const char *text,
    size_t len)
{
    off_t            size;
    u_char           last;
    ngx_file_info_t  fi;

    if (ngx_fd_info(file->fd, &fi) == NGX_FILE_ERROR) {
        return ngx_lu_io_failed(io, ngx_fd_info_n, file->path);
    }

    size = ngx_file_size(&fi);

    if (size) {

        if (pread(file->fd, &last, 1, size - 1) != 1) {
            return ngx_lu_io_failed(io, "pread()", file->path);
        }

        if (last != LF
            && ngx_lu_temp_write(io, file, (const u_char *) "\n", 1) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (ngx_lu_temp_write(io, file, (const u_char *) text, len) != NGX_OK
        || ngx_lu_temp_sync(io, file) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return size ? NGX_OK
                : ngx_lu_file_sync(io, ngx_lu_path_folder(io, file->path));
}


ngx_int_t
ngx_lu_file_touch(ngx_lu_io_t *io, u_char *path)
{
    ngx_fd_t  fd;

    if (path == NULL) {
        return ngx_lu_io_pathless(io);
    }

    fd = open((const char *) path, O_RDWR|O_CREAT|O_CLOEXEC, 0600);

    if (fd == NGX_INVALID_FILE) {
        return ngx_lu_io_failed(io, ngx_open_file_n, path);
    }

    (void) ngx_close_file(fd);

    return ngx_lu_file_sync(io, ngx_lu_path_folder(io, path));
}


ngx_int_t
ngx_lu_file_mkdir(ngx_lu_io_t *io, u_char *path)
{
    if (path == NULL) {
        return ngx_lu_io_pathless(io);
    }

    if (ngx_create_dir(path, 0700) == NGX_FILE_ERROR) {
        if (ngx_errno == NGX_EEXIST) {
            return NGX_DECLINED;
        }

        return ngx_lu_io_failed(io, ngx_create_dir_n, path);
    }

    return ngx_lu_file_sync(io, ngx_lu_path_folder(io, path));
}


/* The folders that a path below root lies in. */

ngx_int_t
ngx_lu_file_mkdirs(ngx_lu_io_t *io, u_char *root, u_char *path)
{
    u_char  *p;

    if (root == NULL || path == NULL) {
        return ngx_lu_io_pathless(io);
    }

    for (p = path + ngx_strlen(root) + 1; *p; p++) {

        if (*p != '/') {
            continue;
        }

        *p = '\0';

        if (ngx_create_dir(path, 0700) == NGX_FILE_ERROR
            && ngx_errno != NGX_EEXIST)
        {
            return ngx_lu_io_failed(io, ngx_create_dir_n, path);
        }

        *p = '/';
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_file_rename(ngx_lu_io_t *io, u_char *from, u_char *to)
{
    ngx_err_t  err;

    if (from == NULL || to == NULL) {
        return ngx_lu_io_pathless(io);
    }

    if (ngx_rename_file(from, to) == NGX_FILE_ERROR) {
        err = ngx_errno;

        if (err != NGX_ENOENT && err != ESTALE) {
            return ngx_lu_io_error(io, err, ngx_rename_file_n, to);
        }

        /* that of a server which was asked twice: the answer was lost */

        if (ngx_lu_file_exists(io, from) != NGX_DECLINED
            || ngx_lu_file_exists(io, to) != NGX_OK)
        {
            ngx_lu_io_clear(io);
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_file_link(ngx_lu_io_t *io, u_char *from, u_char *to)
{
    if (from == NULL || to == NULL) {
        return ngx_lu_io_pathless(io);
    }

    if (link((char *) from, (char *) to) == -1) {
        if (ngx_errno == NGX_EEXIST) {
            return NGX_DECLINED;
        }

        return ngx_lu_io_failed(io, "link()", to);
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_file_resize(ngx_lu_io_t *io, ngx_fd_t fd, u_char *path, off_t size)
{
    if (ftruncate(fd, size) == -1) {
        return ngx_lu_io_failed(io, "ftruncate()", path);
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_file_unlink(ngx_lu_io_t *io, u_char *path)
{
    if (path == NULL) {
        return ngx_lu_io_pathless(io);
    }

    if (ngx_delete_file(path) == NGX_FILE_ERROR) {
        if (ngx_errno == NGX_ENOENT) {
            return NGX_DECLINED;
        }

        return ngx_lu_io_failed(io, ngx_delete_file_n, path);
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_file_stamp(ngx_lu_io_t *io, u_char *path, time_t time)
{
    struct timespec  times[2];

    if (path == NULL) {
        return ngx_lu_io_pathless(io);
    }

    ngx_memzero(times, sizeof(times));

    times[0].tv_nsec = UTIME_OMIT;
    times[1].tv_sec = time;

    if (utimensat(AT_FDCWD, (char *) path, times, 0) == -1) {
        return ngx_lu_io_failed(io, "utimensat()", path);
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_file_stamp_now(ngx_lu_io_t *io, u_char *path)
{
    if (path == NULL) {
        return ngx_lu_io_pathless(io);
    }

    if (utimensat(AT_FDCWD, (char *) path, NULL, 0) == -1) {
        return ngx_lu_io_failed(io, "utimensat()", path);
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_file_sync(ngx_lu_io_t *io, u_char *path)
{
    ngx_fd_t   fd;
    ngx_int_t  rc;

    if (path == NULL) {
        return ngx_lu_io_pathless(io);
    }

    fd = open((const char *) path, O_RDONLY|O_CLOEXEC);

    if (fd == NGX_INVALID_FILE) {
        return ngx_lu_io_failed(io, ngx_open_file_n, path);
    }

    rc = NGX_OK;

    if (fsync(fd) == -1) {
        rc = ngx_lu_io_failed(io, "fsync()", path);
    }

    (void) ngx_close_file(fd);

    return rc;
}
