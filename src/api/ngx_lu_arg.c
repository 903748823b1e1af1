
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_arg.h"

#include "core/lu_query.h"


#define NGX_LU_ARG_LIMIT      50
#define NGX_LU_ARG_LIMIT_MAX  1000


static ngx_uint_t ngx_lu_arg_number(ngx_lu_call_t *call, const char *name,
    ngx_uint_t absent);


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


ngx_uint_t
ngx_lu_arg_relation(ngx_lu_call_t *call, const char *relation)
{
    /* each item of a list asks */

    if (!call->related) {
        call->relations = ngx_lu_arg(call, "relations");
        call->related = 1;
    }

    return call->relations && strstr(call->relations, relation);
}


void
ngx_lu_arg_page(ngx_lu_call_t *call, ngx_lu_page_t *page)
{
    page->limit = ngx_lu_arg_number(call, "limit", NGX_LU_ARG_LIMIT);
    page->limit = ngx_min(page->limit, NGX_LU_ARG_LIMIT_MAX);

    page->offset = ngx_lu_arg_number(call, "offset", 0);
}


/* What is no number was refused before the call began. */

static ngx_uint_t
ngx_lu_arg_number(ngx_lu_call_t *call, const char *name, ngx_uint_t absent)
{
    uint64_t  n;

    return lu_query_number(&call->args, name, &n) == LU_OK ? (ngx_uint_t) n
                                                           : absent;
}


ngx_uint_t
ngx_lu_arg_page_take(ngx_lu_page_t *page)
{
    if (page->offset) {
        page->offset--;
        return 0;
    }

    if (page->limit == 0) {
        return 0;
    }

    page->limit--;

    return 1;
}
