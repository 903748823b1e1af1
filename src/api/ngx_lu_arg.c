
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_arg.h"

#include "core/lu_query.h"


#define NGX_LU_ARG_LIMIT      50
#define NGX_LU_ARG_LIMIT_MAX  1000


char *
ngx_lu_arg(ngx_lu_call_t *call, const char *name)
{
    u_char   *buf;
    lu_str_t  value, decoded;

    if (!lu_query_find(&call->args, name, &value) || value.len == 0) {
        return NULL;
    }

    buf = ngx_pnalloc(call->task.io.pool, value.len + 1);
    if (buf == NULL) {
        return NULL;
    }

    /* publishers' programs use URLSearchParams */

    if (lu_query_decode(&decoded, buf, &value, 1) != LU_OK) {
        return NULL;
    }

    decoded.data[decoded.len] = '\0';

    return (char *) decoded.data;
}


void
ngx_lu_arg_page(ngx_lu_call_t *call, ngx_uint_t *limit, ngx_uint_t *offset)
{
    char      *value;
    ngx_int_t  n;

    *limit = NGX_LU_ARG_LIMIT;
    *offset = 0;

    value = ngx_lu_arg(call, "limit");

    if (value) {
        n = ngx_atoi((u_char *) value, ngx_strlen(value));

        if (n >= 0) {
            *limit = ngx_min(n, NGX_LU_ARG_LIMIT_MAX);
        }
    }

    value = ngx_lu_arg(call, "offset");

    if (value) {
        n = ngx_atoi((u_char *) value, ngx_strlen(value));

        if (n >= 0) {
            *offset = n;
        }
    }
}
