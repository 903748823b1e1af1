
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_url.h"


/*
 * The base is put into JSON and into headers as it is.  The host is the only
 * part that a client chooses.  A text without variables was checked when the
 * configuration was read.
 */

ngx_int_t
ngx_lu_url_base(ngx_http_request_t *r, ngx_str_t *base)
{
    u_char             *p;
    ngx_str_t           scheme, host;
    ngx_lu_loc_conf_t  *lucf;

    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);

    if (lucf->base_url && lucf->base_url->lengths == NULL) {
        *base = lucf->base_url->value;
        return NGX_OK;
    }

    if (lucf->base_url) {

        if (ngx_http_complex_value(r, lucf->base_url, base) != NGX_OK) {
            return NGX_ERROR;
        }

        while (base->len && base->data[base->len - 1] == '/') {
            base->len--;
        }

    } else {
        host = ngx_lu_url_host(r);

        if (host.len == 0) {
            return NGX_DECLINED;
        }

        ngx_str_set(&scheme, "http");

#if (NGX_HTTP_SSL)
        if (r->connection->ssl) {
            ngx_str_set(&scheme, "https");
        }
#endif

        p = ngx_pnalloc(r->pool, scheme.len + sizeof("://") - 1 + host.len);
        if (p == NULL) {
            return NGX_ERROR;
        }

        base->data = p;

        p = ngx_cpymem(p, scheme.data, scheme.len);
        p = ngx_cpymem(p, "://", sizeof("://") - 1);
        p = ngx_cpymem(p, host.data, host.len);

        base->len = p - base->data;
    }

    return ngx_lu_url_valid(base) ? NGX_OK : NGX_DECLINED;
}


/*
 * Of ":authority", nginx makes a Host header over HTTP/2, but not over HTTP/3;
 * headers_in.server has no port.
 */

ngx_str_t
ngx_lu_url_host(ngx_http_request_t *r)
{
    ngx_str_t  host;

    if (r->headers_in.host) {
        return r->headers_in.host->value;
    }

    if (r->host_end) {
        host.data = r->host_start;
        host.len = r->host_end - r->host_start;

        return host;
    }

    return r->headers_in.server;
}


ngx_uint_t
ngx_lu_url_valid(ngx_str_t *url)
{
    u_char    c;
    size_t    i;
    uint32_t  valid;

    static const uint32_t  chars[] = {
        0,
        0x2ffffff2,   /* ..=. ;:98 7654 3210 /.-, +*)( '&%$ ..!. */
        0xefffffff,   /* _^]. [ZYX WVUT SRQP ONML KJIH GFED CBA@ */
        0x7fffffff,   /* .~}| {zyx wvut srqp onml kjih gfed cba` */
        0, 0, 0, 0
    };

    valid = 1;

    for (i = 0; i < url->len; i++) {
        c = url->data[i];
        valid &= chars[c >> 5] >> (c & 0x1f);
    }

    return valid;
}
