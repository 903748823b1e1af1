
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_url.h"


/*
 * The base is put into JSON and into headers as it is.  The host is the only
 * part that a client chooses.
 */

ngx_int_t
ngx_lu_url_base(ngx_http_request_t *r, ngx_str_t *base)
{
    u_char              c, *p;
    size_t              i;
    ngx_str_t           scheme, *host;
    ngx_lu_loc_conf_t  *lucf;

    /* printable, without a space and without "\#<>? */

    static const uint32_t  chars[] = {
        0,
        0x2ffffff2,   /* ..=. ;:98 7654 3210 /.-, +*)( '&%$ ..!. */
        0xefffffff,   /* _^]. [ZYX WVUT SRQP ONML KJIH GFED CBA@ */
        0x7fffffff,   /* .~}| {zyx wvut srqp onml kjih gfed cba` */
        0, 0, 0, 0
    };

    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);

    if (lucf->base_url) {

        if (ngx_http_complex_value(r, lucf->base_url, base) != NGX_OK) {
            return NGX_ERROR;
        }

        while (base->len && base->data[base->len - 1] == '/') {
            base->len--;
        }

    } else {
        host = r->headers_in.host ? &r->headers_in.host->value
                                  : &r->headers_in.server;

        if (host->len == 0) {
            return NGX_DECLINED;
        }

        ngx_str_set(&scheme, "http");

#if (NGX_HTTP_SSL)
        if (r->connection->ssl) {
            ngx_str_set(&scheme, "https");
        }
#endif

        p = ngx_pnalloc(r->pool, scheme.len + sizeof("://") - 1 + host->len);
        if (p == NULL) {
            return NGX_ERROR;
        }

        base->data = p;

        p = ngx_cpymem(p, scheme.data, scheme.len);
        p = ngx_cpymem(p, "://", sizeof("://") - 1);
        p = ngx_cpymem(p, host->data, host->len);

        base->len = p - base->data;
    }

    for (i = 0; i < base->len; i++) {
        c = base->data[i];

        if (!(chars[c >> 5] & 1U << (c & 0x1f))) {
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}
