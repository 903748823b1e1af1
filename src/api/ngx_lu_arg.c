
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_arg.h"

#include "core/lu_query.h"


#define NGX_LU_ARG_LIMIT      50
#define NGX_LU_ARG_LIMIT_MAX  1000

/* files that a call reads for a page: more than it may have items */

#define NGX_LU_ARG_READS      2000


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

    page->reads = NGX_LU_ARG_READS;
    page->after = NULL;
    page->part = '\0';
}


/* What is no number was refused before the call began. */

static ngx_uint_t
ngx_lu_arg_number(ngx_lu_call_t *call, const char *name, ngx_uint_t absent)
{
    uint64_t  n;

    return lu_query_number(&call->args, name, &n) == LU_OK ? (ngx_uint_t) n
                                                           : absent;
}


/* "{part}.{offset}.{id}" */

ngx_int_t
ngx_lu_arg_after(ngx_lu_call_t *call, const char *parts, ngx_lu_page_t *page)
{
    char        *after, *p;
    ngx_uint_t   offset;

    after = ngx_lu_arg(call, "after");

    if (after == NULL) {
        return NGX_OK;
    }

    if (ngx_strchr(parts, after[0]) == NULL || after[1] != '.') {
        goto invalid;
    }

    offset = 0;

    for (p = after + 2; *p >= '0' && *p <= '9'; p++) {

        if (offset > NGX_MAX_INT_T_VALUE / 10 - 1) {
            goto invalid;
        }

        offset = offset * 10 + (*p - '0');
    }

    if (p == after + 2 || *p != '.') {
        goto invalid;
    }

    page->part = (u_char) after[0];
    page->after = p + 1;
    page->offset += offset;

    return NGX_OK;

invalid:

    return ngx_lu_task_refuse(&call->task, NGX_HTTP_BAD_REQUEST,
                              "\"after\" must be the value of the header "
                              "Liveupdate-Next of the page before.");
}


ngx_int_t
ngx_lu_arg_next(ngx_lu_call_t *call, u_char part, ngx_uint_t offset,
    const ngx_str_t *after)
{
    ngx_lu_task_t  *task;

    task = &call->task;

    call->next = ngx_lu_format(task->io.pool, "%c.%ui.%V", part, offset, after);

    return call->next ? NGX_OK : ngx_lu_task_nomem(task);
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
