
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_io.h"


ngx_int_t
ngx_lu_io_failed(ngx_lu_io_t *io, const char *operation, u_char *path)
{
    io->err = ngx_errno;
    io->operation = operation;
    io->path = path;

    return NGX_ERROR;
}
