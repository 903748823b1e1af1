
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_format.h"


#define NGX_LU_FORMAT_SIZE  4096


u_char *
ngx_lu_format(ngx_pool_t *pool, const char *fmt, ...)
{
    u_char  *text;
    va_list  args;

    va_start(args, fmt);
    text = ngx_lu_format_args(pool, fmt, args);
    va_end(args);

    return text;
}


u_char *
ngx_lu_format_args(ngx_pool_t *pool, const char *fmt, va_list args)
{
    u_char  *p, *text, buf[NGX_LU_FORMAT_SIZE];

    p = ngx_vslprintf(buf, buf + NGX_LU_FORMAT_SIZE - 1, fmt, args);

    if (p == buf + NGX_LU_FORMAT_SIZE - 1) {
        ngx_set_errno(ENAMETOOLONG);
        return NULL;
    }

    text = ngx_pnalloc(pool, p - buf + 1);
    if (text == NULL) {
        ngx_set_errno(NGX_ENOMEM);
        return NULL;
    }

    p = ngx_cpymem(text, buf, p - buf);
    *p = '\0';

    return text;
}
