
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_path.h"


u_char *
ngx_lu_path(ngx_lu_io_t *io, const char *fmt, ...)
{
    u_char  *path;
    va_list  args;

    io->beats++;

    va_start(args, fmt);
    path = ngx_lu_format_args(io->pool, fmt, args);
    va_end(args);

    if (path == NULL) {

        /* the format, a literal, tells which path it was */

        (void) ngx_lu_io_failed(io, "making of path", (u_char *) fmt);
    }

    return path;
}


u_char *
ngx_lu_path_in(ngx_lu_io_t *io, u_char *folder, const char *fmt, ...)
{
    u_char  *name;
    va_list  args;

    if (folder == NULL) {
        (void) ngx_lu_io_pathless(io);
        return NULL;
    }

    va_start(args, fmt);
    name = ngx_lu_format_args(io->pool, fmt, args);
    va_end(args);

    if (name == NULL) {
        (void) ngx_lu_io_failed(io, "making of path", (u_char *) fmt);
        return NULL;
    }

    return ngx_lu_path(io, "%s/%s", folder, name);
}


u_char *
ngx_lu_path_folder(ngx_lu_io_t *io, u_char *path)
{
    u_char  *p;

    if (path == NULL) {
        (void) ngx_lu_io_pathless(io);
        return NULL;
    }

    p = (u_char *) strrchr((char *) path, '/');

    return ngx_lu_path(io, "%*s", (size_t) (p - path), path);
}
