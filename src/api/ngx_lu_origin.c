
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_origin.h"

#include "core/lu_origin.h"


static ngx_uint_t ngx_lu_origin_is_own(ngx_http_request_t *r);


/*
 * Two conditions, since each has a gap.  No other site can send the header,
 * unless a proxy answers browsers that it may.  What browsers say of the origin
 * they say only in part over plain HTTP, or if they are old.
 */

const char *
ngx_lu_origin_refused(ngx_http_request_t *r)
{
    ngx_table_elt_t  *h;

    if (r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD)) {
        return NULL;
    }

    h = ngx_lu_header_find(&r->headers_in.headers, "X-Requested-With", NULL);

    if (h == NULL || h->value.len == 0) {
        return "A call of a user that changes something needs the header "
               "X-Requested-With.";
    }

    if (!ngx_lu_origin_is_own(r)) {
        return "The call comes from a page of another site.";
    }

    return NULL;
}


/* Sec-Fetch-Site is that of W3C's Fetch Metadata. */

static ngx_uint_t
ngx_lu_origin_is_own(ngx_http_request_t *r)
{
    lu_str_t          origin, host;
    ngx_str_t         text;
    ngx_list_t       *headers;
    ngx_uint_t        said;
    ngx_table_elt_t  *h;

    headers = &r->headers_in.headers;
    said = 0;
    h = NULL;

    while ((h = ngx_lu_header_find(headers, "Sec-Fetch-Site", h)) != NULL) {

        if (h->value.len != sizeof("same-origin") - 1
            || ngx_strncmp(h->value.data, "same-origin", h->value.len) != 0)
        {
            return 0;
        }

        said = 1;
    }

    if (said) {
        return 1;
    }

    text = ngx_lu_url_host(r);
    host = ngx_lu_to_core(&text);

    while ((h = ngx_lu_header_find(headers, "Origin", h)) != NULL) {

        origin = ngx_lu_to_core(&h->value);

        if (!lu_origin_is(&origin, &host)) {
            return 0;
        }
    }

    return 1;
}
