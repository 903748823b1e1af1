
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_measure.h"


/* of folders in each other; no file of a release lies deeper */

#define NGX_LU_MEASURE_DEPTH  520

#define NGX_LU_MEASURE_BLOCK  512


static ngx_int_t ngx_lu_measure_at(ngx_lu_io_t *io, ngx_fd_t folder,
    const char *name, u_char *path, ngx_uint_t depth,
    ngx_lu_measure_t *measure);
static ngx_int_t ngx_lu_measure_add(ngx_lu_io_t *io, const struct stat *st,
    ngx_lu_measure_t *measure);
static int ngx_libc_cdecl ngx_lu_measure_cmp(const void *one,
    const void *two);


ngx_int_t
ngx_lu_measure(ngx_lu_io_t *io, u_char *path, ngx_lu_measure_t *measure)
{
    if (path == NULL) {
        return ngx_lu_io_pathless(io);
    }

    return ngx_lu_measure_at(io, AT_FDCWD, (char *) path, path, 0, measure);
}


static ngx_int_t
ngx_lu_measure_at(ngx_lu_io_t *io, ngx_fd_t folder, const char *name,
    u_char *path, ngx_uint_t depth, ngx_lu_measure_t *measure)
{
    DIR            *dir;
    ngx_fd_t        fd;
    ngx_int_t       rc;
    struct stat     st;
    struct dirent  *de;

    if (measure->left == 0) {
        return NGX_ABORT;
    }

    measure->left--;

    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == -1) {
        return (ngx_errno == NGX_ENOENT || ngx_errno == ESTALE)
               ? NGX_DECLINED : ngx_lu_io_failed(io, "fstatat()", path);
    }

    rc = ngx_lu_measure_add(io, &st, measure);

    if (rc != NGX_OK || !S_ISDIR(st.st_mode) || depth == NGX_LU_MEASURE_DEPTH)
    {
        return rc;
    }

    io->beats++;

    fd = openat(folder, name, O_RDONLY|O_DIRECTORY|O_NOFOLLOW|O_CLOEXEC);

    if (fd == NGX_INVALID_FILE) {
        return (ngx_errno == NGX_ENOENT || ngx_errno == ESTALE)
               ? NGX_DECLINED : ngx_lu_io_failed(io, "openat()", path);
    }

    dir = fdopendir(fd);

    if (dir == NULL) {
        (void) ngx_lu_io_failed(io, "fdopendir()", path);
        (void) ngx_close_file(fd);

        return NGX_ERROR;
    }

    do {
        ngx_set_errno(0);

        de = readdir(dir);

        if (de == NULL) {
            rc = ngx_errno ? ngx_lu_io_failed(io, ngx_read_dir_n, path)
                           : NGX_OK;
            break;
        }

        if (ngx_strcmp(de->d_name, ".") == 0
            || ngx_strcmp(de->d_name, "..") == 0)
        {
            continue;
        }

        rc = ngx_lu_measure_at(io, fd, de->d_name, path, depth + 1, measure);

        if (rc == NGX_DECLINED) {
            rc = NGX_OK;
        }

    } while (rc == NGX_OK);

    (void) closedir(dir);

    return rc;
}


static ngx_int_t
ngx_lu_measure_add(ngx_lu_io_t *io, const struct stat *st,
    ngx_lu_measure_t *measure)
{
    double                  bytes;
    ngx_lu_measure_name_t  *name;

    bytes = (double) st->st_blocks * NGX_LU_MEASURE_BLOCK;

    if (S_ISDIR(st->st_mode) || st->st_nlink < 2) {
        measure->bytes += bytes;
        return NGX_OK;
    }

    if (measure->names == NULL) {
        measure->bytes += bytes / (double) st->st_nlink;
        return NGX_OK;
    }

    name = ngx_array_push(measure->names);
    if (name == NULL) {
        return ngx_lu_io_nomem(io);
    }

    name->inode = st->st_ino;
    name->names = st->st_nlink;
    name->bytes = (uint64_t) bytes;

    return NGX_OK;
}


double
ngx_lu_measure_freed(ngx_array_t *names)
{
    double                  bytes;
    ngx_uint_t              i, first;
    ngx_lu_measure_name_t  *name;

    ngx_qsort(names->elts, names->nelts, sizeof(ngx_lu_measure_name_t),
              ngx_lu_measure_cmp);

    name = names->elts;
    bytes = 0;
    first = 0;

    for (i = 0; i < names->nelts; i++) {

        if (name[i].inode != name[first].inode) {
            first = i;
        }

        if (i - first + 1 == name[i].names) {
            bytes += (double) name[i].bytes;
        }
    }

    return bytes;
}


static int ngx_libc_cdecl
ngx_lu_measure_cmp(const void *one, const void *two)
{
    const ngx_lu_measure_name_t  *a = one, *b = two;

    return (a->inode > b->inode) - (a->inode < b->inode);
}
