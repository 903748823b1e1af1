
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_store.h"


#define NGX_LU_PATH   4096
#define NGX_LU_PIECE  (256 * 1024)
#define NGX_LU_LINE   4096


static off_t ngx_lu_file_whole_lines(ngx_fd_t fd, off_t size);
static ngx_int_t ngx_lu_lock_file(ngx_lu_io_t *io, u_char *path, int create,
    int command, ngx_fd_t *fd);


u_char *
ngx_lu_path(ngx_pool_t *pool, const char *fmt, ...)
{
    u_char  *p, *path, buf[NGX_LU_PATH];
    va_list  args;

    va_start(args, fmt);
    p = ngx_vslprintf(buf, buf + NGX_LU_PATH - 1, fmt, args);
    va_end(args);

    if (p == buf + NGX_LU_PATH - 1) {

        /* a part of a path would be another one */

        return NULL;
    }

    path = ngx_pnalloc(pool, p - buf + 1);
    if (path == NULL) {
        return NULL;
    }

    p = ngx_cpymem(path, buf, p - buf);
    *p = '\0';

    return path;
}


ngx_int_t
ngx_lu_io_failed(ngx_lu_io_t *io, const char *operation, u_char *path)
{
    io->err = ngx_errno;
    io->operation = operation;
    io->path = path;

    return NGX_ERROR;
}


/* It is the store that is not there, and not what somebody has asked for. */

ngx_int_t
ngx_lu_temp_failed(ngx_lu_io_t *io, const char *operation, u_char *path)
{
    if (ngx_errno == NGX_ENOENT) {
        ngx_set_errno(EIO);
    }

    return ngx_lu_io_failed(io, operation, path);
}


ngx_int_t
ngx_lu_file_read(ngx_lu_io_t *io, u_char *path, lu_str_t *text,
    ngx_file_info_t *fi)
{
    size_t     size;
    ssize_t    n;
    ngx_fd_t   fd;
    ngx_int_t  rc;

    if (path == NULL) {
        io->err = NGX_ENOMEM;
        return NGX_ERROR;
    }

    fd = ngx_open_file(path, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        if (ngx_errno == NGX_ENOENT) {
            return NGX_DECLINED;
        }

        return ngx_lu_io_failed(io, ngx_open_file_n, path);
    }

    rc = NGX_ERROR;

    if (ngx_fd_info(fd, fi) == NGX_FILE_ERROR) {
        (void) ngx_lu_io_failed(io, ngx_fd_info_n, path);
        goto done;
    }

    if (ngx_file_size(fi) > NGX_LU_FILE_SIZE) {
        ngx_set_errno(EFBIG);
        (void) ngx_lu_io_failed(io, "read()", path);
        goto done;
    }

    size = (size_t) ngx_file_size(fi);

    text->len = 0;
    text->data = ngx_pnalloc(io->pool, size + 1);
    if (text->data == NULL) {
        ngx_set_errno(NGX_ENOMEM);
        (void) ngx_lu_io_failed(io, "malloc()", path);
        goto done;
    }

    while (text->len < size) {
        n = read(fd, text->data + text->len, size - text->len);

        if (n == -1) {
            if (ngx_errno == NGX_EINTR) {
                continue;
            }

            (void) ngx_lu_io_failed(io, "read()", path);
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

    (void) ngx_close_file(fd);

    return rc;
}


ngx_int_t
ngx_lu_file_pieces(ngx_lu_io_t *io, u_char *path,
    ngx_int_t (*handler)(void *data, u_char *bytes, size_t len), void *data)
{
    u_char    *piece;
    ssize_t    n;
    ngx_fd_t   fd;
    ngx_int_t  rc;

    if (path == NULL) {
        io->err = NGX_ENOMEM;
        return NGX_ERROR;
    }

    fd = ngx_open_file(path, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        if (ngx_errno == NGX_ENOENT) {
            return NGX_DECLINED;
        }

        return ngx_lu_io_failed(io, ngx_open_file_n, path);
    }

    piece = ngx_alloc(NGX_LU_PIECE, ngx_cycle->log);

    if (piece == NULL) {
        (void) ngx_close_file(fd);
        io->err = NGX_ENOMEM;
        return NGX_ERROR;
    }

    for ( ;; ) {
        n = read(fd, piece, NGX_LU_PIECE);

        if (n == -1) {
            if (ngx_errno == NGX_EINTR) {
                continue;
            }

            rc = ngx_lu_io_failed(io, "read()", path);
            break;
        }

        rc = handler(data, piece, n);

        if (rc != NGX_OK || n == 0) {
            break;
        }
    }

    ngx_free(piece);
    (void) ngx_close_file(fd);

    return rc;
}


ngx_int_t
ngx_lu_file_read_json(ngx_lu_io_t *io, u_char *path, cJSON **json)
{
    lu_rc_e          parsed;
    lu_str_t         text;
    ngx_int_t        rc;
    lu_error_t       err;
    ngx_file_info_t  fi;

    rc = ngx_lu_file_read(io, path, &text, &fi);
    if (rc != NGX_OK) {
        return rc;
    }

    parsed = lu_json_parse(json, &text, &err);

    if (parsed == LU_OK) {
        return NGX_OK;
    }

    ngx_set_errno(parsed == LU_NOMEM ? NGX_ENOMEM : NGX_EINVAL);

    return ngx_lu_io_failed(io, parsed == LU_NOMEM
                                ? "malloc()" : "parsing of", path);
}


ngx_int_t
ngx_lu_file_write(ngx_lu_io_t *io, ngx_lu_store_t *store, u_char *path,
    const char *text, size_t len)
{
    ngx_lu_temp_t  temp;

    if (ngx_lu_temp_create(io, store, &temp) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_lu_temp_write(io, &temp, (const u_char *) text, len) != NGX_OK) {
        ngx_lu_temp_discard(&temp);
        return NGX_ERROR;
    }

    return ngx_lu_temp_commit(io, &temp, path);
}


ngx_int_t
ngx_lu_file_write_json(ngx_lu_io_t *io, ngx_lu_store_t *store, u_char *path,
    const cJSON *json)
{
    char      *text;
    size_t     len;
    ngx_int_t  rc;

    text = cJSON_Print(json);

    if (text == NULL) {
        ngx_set_errno(NGX_ENOMEM);
        return ngx_lu_io_failed(io, "malloc()", path);
    }

    len = ngx_strlen(text);

    if (len > NGX_LU_FILE_SIZE) {

        /* nobody could read it again */

        cJSON_free(text);

        ngx_set_errno(EFBIG);
        return ngx_lu_io_failed(io, "write()", path);
    }

    rc = ngx_lu_file_write(io, store, path, text, len);

    cJSON_free(text);

    return rc;
}


ngx_int_t
ngx_lu_file_touch(ngx_lu_io_t *io, u_char *path)
{
    ngx_fd_t  fd;

    if (path == NULL) {
        io->err = NGX_ENOMEM;
        return NGX_ERROR;
    }

    fd = open((const char *) path, O_RDWR|O_CREAT|O_CLOEXEC, 0600);

    if (fd == NGX_INVALID_FILE) {
        return ngx_lu_io_failed(io, ngx_open_file_n, path);
    }

    (void) ngx_close_file(fd);

    return ngx_lu_file_sync(io, ngx_lu_path_folder(io->pool, path));
}


ngx_int_t
ngx_lu_temp_create(ngx_lu_io_t *io, ngx_lu_store_t *store, ngx_lu_temp_t *temp)
{
    /* the machine's name: others may write to the same store */

    temp->path = ngx_lu_path(io->pool, "%V/tmp/%V.XXXXXX", &store->path,
                             &ngx_cycle->hostname);
    if (temp->path == NULL) {
        io->err = NGX_ENOMEM;
        return NGX_ERROR;
    }

    temp->fd = mkostemp((char *) temp->path, O_CLOEXEC);

    if (temp->fd == -1) {
        return ngx_lu_temp_failed(io, "mkostemp()", temp->path);
    }

    lu_sha256_init(&temp->sha256);

    return NGX_OK;
}


ngx_int_t
ngx_lu_temp_write(ngx_lu_io_t *io, ngx_lu_temp_t *temp, const u_char *data,
    size_t len)
{
    ssize_t  n;

    lu_sha256_update(&temp->sha256, data, len);

    while (len) {
        n = write(temp->fd, data, len);

        if (n == -1) {
            if (ngx_errno == NGX_EINTR) {
                continue;
            }

            return ngx_lu_io_failed(io, "write()", temp->path);
        }

        data += n;
        len -= n;
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_temp_sync(ngx_lu_io_t *io, ngx_lu_temp_t *temp)
{
    if (fsync(temp->fd) == -1) {
        return ngx_lu_io_failed(io, "fsync()", temp->path);
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_temp_rename(ngx_lu_io_t *io, ngx_lu_temp_t *temp, u_char *path)
{
    if (path == NULL) {
        io->err = NGX_ENOMEM;
        goto failed;
    }

    if (ngx_rename_file(temp->path, path) == NGX_FILE_ERROR) {
        (void) ngx_lu_io_failed(io, ngx_rename_file_n, path);
        goto failed;
    }

    (void) ngx_close_file(temp->fd);

    return NGX_OK;

failed:

    ngx_lu_temp_discard(temp);

    return NGX_ERROR;
}


ngx_int_t
ngx_lu_temp_commit(ngx_lu_io_t *io, ngx_lu_temp_t *temp, u_char *path)
{
    if (ngx_lu_temp_sync(io, temp) != NGX_OK) {
        ngx_lu_temp_discard(temp);
        return NGX_ERROR;
    }

    if (ngx_lu_temp_rename(io, temp, path) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_lu_file_sync(io, ngx_lu_path_folder(io->pool, path));
}


void
ngx_lu_temp_discard(ngx_lu_temp_t *temp)
{
    (void) ngx_close_file(temp->fd);
    (void) ngx_delete_file(temp->path);
}


/* All of the line or nothing: who could not write it cuts it off again. */

ngx_int_t
ngx_lu_file_append(ngx_lu_io_t *io, u_char *path, const char *text,
    size_t len)
{
    off_t            size;
    ngx_fd_t         fd;
    ngx_int_t        rc;
    ngx_lu_temp_t    file;
    ngx_file_info_t  fi;

    if (path == NULL) {
        io->err = NGX_ENOMEM;
        return NGX_ERROR;
    }

    fd = open((const char *) path, O_RDWR|O_APPEND|O_CREAT|O_CLOEXEC, 0600);

    if (fd == NGX_INVALID_FILE) {
        return ngx_lu_io_failed(io, ngx_open_file_n, path);
    }

    rc = NGX_ERROR;

    if (ngx_fd_info(fd, &fi) == NGX_FILE_ERROR) {
        (void) ngx_lu_io_failed(io, ngx_fd_info_n, path);
        goto done;
    }

    size = ngx_lu_file_whole_lines(fd, ngx_file_size(&fi));

    if (size == -1) {
        (void) ngx_lu_io_failed(io, "pread()", path);
        goto done;
    }

    if (size != ngx_file_size(&fi) && ftruncate(fd, size) == -1) {
        (void) ngx_lu_io_failed(io, "ftruncate()", path);
        goto done;
    }

    file.fd = fd;
    file.path = path;
    lu_sha256_init(&file.sha256);

    rc = ngx_lu_temp_write(io, &file, (const u_char *) text, len);

    if (rc == NGX_OK) {
        rc = ngx_lu_temp_sync(io, &file);
    }

    if (rc == NGX_OK && ngx_file_size(&fi) == 0) {
        rc = ngx_lu_file_sync(io, ngx_lu_path_folder(io->pool, path));
    }

    if (rc != NGX_OK && ftruncate(fd, size) == -1) {
        (void) ngx_lu_io_failed(io, "ftruncate()", path);
    }

done:

    (void) ngx_close_file(fd);

    return rc;
}


/* Where the last whole line ends: a crash may have cut the one after it. */

static off_t
ngx_lu_file_whole_lines(ngx_fd_t fd, off_t size)
{
    off_t    start;
    u_char   buf[NGX_LU_LINE];
    ssize_t  n;

    while (size) {
        start = ngx_max(size - NGX_LU_LINE, 0);

        n = pread(fd, buf, (size_t) (size - start), start);

        if (n != size - start) {
            return -1;
        }

        while (n) {
            if (buf[--n] == LF) {
                return start + n + 1;
            }
        }

        size = start;
    }

    return 0;
}


ngx_int_t
ngx_lu_lock(ngx_lu_io_t *io, u_char *path, ngx_fd_t *fd)
{
    return ngx_lu_lock_file(io, path, O_CREAT, F_OFD_SETLKW, fd);
}


ngx_int_t
ngx_lu_lock_existing(ngx_lu_io_t *io, u_char *path, ngx_fd_t *fd)
{
    return ngx_lu_lock_file(io, path, 0, F_OFD_SETLKW, fd);
}


ngx_int_t
ngx_lu_lock_try(ngx_lu_io_t *io, u_char *path, ngx_fd_t *fd)
{
    return ngx_lu_lock_file(io, path, 0, F_OFD_SETLK, fd);
}


/*
 * A lock of the open file description: other threads of this process wait
 * for it as other processes and machines do, and it dies with its holder.
 */

static ngx_int_t
ngx_lu_lock_file(ngx_lu_io_t *io, u_char *path, int create, int command,
    ngx_fd_t *fd)
{
    ngx_fd_t         opened;
    struct flock     lock;
    ngx_file_info_t  held, named;

    *fd = NGX_INVALID_FILE;

    if (path == NULL) {
        io->err = NGX_ENOMEM;
        return NGX_ERROR;
    }

    ngx_memzero(&lock, sizeof(struct flock));
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;

    for ( ;; ) {

        opened = open((const char *) path, O_RDWR|O_CLOEXEC|create, 0600);

        if (opened == NGX_INVALID_FILE) {
            if (ngx_errno == NGX_ENOENT) {
                return NGX_DECLINED;
            }

            return ngx_lu_io_failed(io, ngx_open_file_n, path);
        }

        while (fcntl(opened, command, &lock) == -1) {

            if (ngx_errno == NGX_EINTR) {
                continue;
            }

            if (command == F_OFD_SETLK
                && (ngx_errno == NGX_EAGAIN || ngx_errno == NGX_EACCES))
            {
                (void) ngx_close_file(opened);
                return NGX_BUSY;
            }

            (void) ngx_lu_io_failed(io, "fcntl()", path);
            goto failed;
        }

        if (ngx_fd_info(opened, &held) == NGX_FILE_ERROR) {
            (void) ngx_lu_io_failed(io, ngx_fd_info_n, path);
            goto failed;
        }

        /* it may have gone, or have been made anew, while we waited */

        if (ngx_file_info(path, &named) != NGX_FILE_ERROR) {

            if (ngx_file_uniq(&named) == ngx_file_uniq(&held)
                && named.st_dev == held.st_dev)
            {
                *fd = opened;
                return NGX_OK;
            }

        } else if (ngx_errno != NGX_ENOENT) {
            (void) ngx_lu_io_failed(io, ngx_file_info_n, path);
            goto failed;
        }

        (void) ngx_close_file(opened);
    }

failed:

    (void) ngx_close_file(opened);

    return NGX_ERROR;
}


void
ngx_lu_lock_release(ngx_fd_t fd)
{
    if (fd != NGX_INVALID_FILE) {
        (void) ngx_close_file(fd);
    }
}


ngx_int_t
ngx_lu_file_mkdir(ngx_lu_io_t *io, u_char *path)
{
    if (path == NULL) {
        io->err = NGX_ENOMEM;
        return NGX_ERROR;
    }

    if (ngx_create_dir(path, 0700) == NGX_FILE_ERROR) {
        if (ngx_errno == NGX_EEXIST) {
            return NGX_DECLINED;
        }

        return ngx_lu_io_failed(io, ngx_create_dir_n, path);
    }

    return ngx_lu_file_sync(io, ngx_lu_path_folder(io->pool, path));
}


/* The folders that a path below root lies in. */

ngx_int_t
ngx_lu_file_mkdirs(ngx_lu_io_t *io, u_char *root, u_char *path)
{
    u_char  *p;

    if (root == NULL || path == NULL) {
        io->err = NGX_ENOMEM;
        return NGX_ERROR;
    }

    for (p = path + ngx_strlen(root) + 1; *p; p++) {

        if (*p != '/') {
            continue;
        }

        *p = '\0';

        if (ngx_create_dir(path, 0700) == NGX_FILE_ERROR
            && ngx_errno != NGX_EEXIST)
        {
            (void) ngx_lu_io_failed(io, ngx_create_dir_n, path);
            return NGX_ERROR;
        }

        *p = '/';
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_file_rename(ngx_lu_io_t *io, u_char *from, u_char *to)
{
    if (from == NULL || to == NULL) {
        io->err = NGX_ENOMEM;
        return NGX_ERROR;
    }

    if (ngx_rename_file(from, to) == NGX_FILE_ERROR) {
        if (ngx_errno == NGX_ENOENT) {
            return NGX_DECLINED;
        }

        return ngx_lu_io_failed(io, ngx_rename_file_n, to);
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_file_link(ngx_lu_io_t *io, u_char *from, u_char *to)
{
    if (from == NULL || to == NULL) {
        io->err = NGX_ENOMEM;
        return NGX_ERROR;
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
ngx_lu_file_stamp(ngx_lu_io_t *io, u_char *path, time_t time)
{
    struct timespec  times[2];

    if (path == NULL) {
        io->err = NGX_ENOMEM;
        return NGX_ERROR;
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
ngx_lu_file_unlink(ngx_lu_io_t *io, u_char *path)
{
    if (path == NULL) {
        io->err = NGX_ENOMEM;
        return NGX_ERROR;
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
ngx_lu_file_sync(ngx_lu_io_t *io, u_char *path)
{
    ngx_fd_t   fd;
    ngx_int_t  rc;

    if (path == NULL) {
        io->err = NGX_ENOMEM;
        return NGX_ERROR;
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


u_char *
ngx_lu_path_folder(ngx_pool_t *pool, u_char *path)
{
    u_char  *p;

    p = (u_char *) strrchr((char *) path, '/');

    return ngx_lu_path(pool, "%*s", (size_t) (p - path), path);
}
