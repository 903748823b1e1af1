
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_io.h"


ngx_int_t
ngx_lu_io_failed(ngx_lu_io_t *io, const char *operation, u_char *path)
{
    return ngx_lu_io_error(io, ngx_errno, operation, path);
}


ngx_int_t
ngx_lu_io_error(ngx_lu_io_t *io, ngx_err_t err, const char *operation,
    u_char *path)
{
    io->err = err;
    io->operation = operation;
    io->path = path ? path : (u_char *) "";

    return NGX_ERROR;
}


ngx_err_t
ngx_lu_io_errno(void)
{
    return (ngx_errno == NGX_ENOENT) ? ESTALE : ngx_errno;
}


ngx_int_t
ngx_lu_io_nomem(ngx_lu_io_t *io)
{
    return ngx_lu_io_error(io, NGX_ENOMEM, "malloc()", NULL);
}


ngx_int_t
ngx_lu_io_pathless(ngx_lu_io_t *io)
{
    return io->operation ? NGX_ERROR : ngx_lu_io_nomem(io);
}


ngx_int_t
ngx_lu_io_busy(ngx_lu_io_t *io, u_char *path)
{
    ngx_lu_io_clear(io);

    io->err = NGX_EAGAIN;
    io->busy = path;

    return NGX_ERROR;
}


ngx_uint_t
ngx_lu_io_is_damage(const ngx_lu_io_t *io)
{
    switch (io->err) {

    case 0:
    case NGX_ENOMEM:
    case NGX_EMFILE:
    case NGX_ENFILE:
    case NGX_ENOSPC:
#ifdef EDQUOT
    case EDQUOT:
#endif
    case NGX_ECANCELED:
        return 0;

    default:
        return !ngx_lu_io_is_away(io);
    }
}


ngx_uint_t
ngx_lu_io_is_away(const ngx_lu_io_t *io)
{
    switch (io->err) {

    case ENODEV:
    case ENOTCONN:
    case ECONNABORTED:
    case ECONNREFUSED:
    case ECONNRESET:
    case ESHUTDOWN:
    case ESTALE:
    case ETIMEDOUT:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENETDOWN:
    case ENETUNREACH:
        return 1;

    default:
        return 0;
    }
}


void
ngx_lu_io_clear(ngx_lu_io_t *io)
{
    io->err = 0;
    io->operation = NULL;
    io->path = NULL;
}
