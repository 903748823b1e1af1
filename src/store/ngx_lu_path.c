
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_path.h"


#define NGX_LU_PATH  4096


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


u_char *
ngx_lu_path_folder(ngx_pool_t *pool, u_char *path)
{
    u_char  *p;

    p = (u_char *) strrchr((char *) path, '/');

    return ngx_lu_path(pool, "%*s", (size_t) (p - path), path);
}
