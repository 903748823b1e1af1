
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#ifndef _NGX_LU_HEADER_H_INCLUDED_
#define _NGX_LU_HEADER_H_INCLUDED_


#include "ngx_lu.h"


/*
 * Adds a header to the response.  The name and the value are not copied: they
 * must live as long as the request.  Returns the header, or NULL if memory is
 * short.
 */

static ngx_inline ngx_table_elt_t *ngx_lu_header_add(ngx_http_request_t *r,
    const char *name, ngx_str_t *value);

/*
 * Adds an element to a list of headers.  The strings are not copied.  Returns
 * the element, in which lowcase_key is not set, or NULL if memory is short.
 */

ngx_table_elt_t *ngx_lu_header_push(ngx_list_t *headers, ngx_str_t *name,
    ngx_str_t *value);

/*
 * Returns the next header with that name, in any case, behind the header
 * "after" (NULL: the first one), or NULL if there is none.
 */

ngx_table_elt_t *ngx_lu_header_find(ngx_list_t *headers, const char *name,
    ngx_table_elt_t *after);


/* The length of a literal is known here. */

static ngx_inline ngx_table_elt_t *
ngx_lu_header_add(ngx_http_request_t *r, const char *name, ngx_str_t *value)
{
    ngx_str_t  key;

    key.len = ngx_strlen(name);
    key.data = (u_char *) name;

    return ngx_lu_header_push(&r->headers_out.headers, &key, value);
}


#endif /* _NGX_LU_HEADER_H_INCLUDED_ */
