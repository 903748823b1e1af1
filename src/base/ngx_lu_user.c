
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_user.h"

#include "core/lu_user.h"


static ngx_uint_t ngx_lu_user_believed(ngx_http_request_t *r,
    ngx_lu_user_conf_t *conf);
static ngx_int_t ngx_lu_user_peer(ngx_http_request_t *r,
    ngx_lu_user_conf_t *conf, lu_str_t *peer);
static ngx_int_t ngx_lu_user_headers(ngx_http_request_t *r,
    ngx_lu_user_conf_t *conf, lu_error_t *err);
static ngx_uint_t ngx_lu_user_header(ngx_table_elt_t *h, ngx_str_t *name,
    ngx_uint_t *other);
static ngx_int_t ngx_lu_user_value(ngx_http_request_t *r,
    ngx_http_complex_value_t *value, lu_str_t *text);


ngx_uint_t
ngx_lu_user_is_named(ngx_http_request_t *r)
{
    lu_str_t            name;
    ngx_lu_loc_conf_t  *lucf;

    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);

    return lucf->user
           && ngx_lu_user_believed(r, lucf->user)
           && ngx_lu_user_value(r, &lucf->user->name, &name) == NGX_OK
           && name.len;
}


ngx_int_t
ngx_lu_user(ngx_http_request_t *r, const lu_token_t **user, lu_error_t *err)
{
    lu_rc_e              rc;
    lu_str_t             name, roles, apps;
    ngx_int_t            status;
    lu_arena_t           arena;
    lu_token_t          *token;
    ngx_lu_loc_conf_t   *lucf;
    ngx_lu_user_conf_t  *conf;

    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);
    conf = lucf->user;

    if (conf == NULL) {
        return NGX_DECLINED;
    }

    if (ngx_lu_user_value(r, &conf->name, &name) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (name.len == 0) {
        return NGX_DECLINED;
    }

    if (!ngx_lu_user_believed(r, conf)) {
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "a user was not believed: the address that named it is "
                      "not one of \"liveupdate_user\"");
        return NGX_DECLINED;
    }

    status = ngx_lu_user_headers(r, conf, err);
    if (status != NGX_OK) {
        return status;
    }

    switch (lu_user_name(&name, lucf->tokens, lucf->ntokens, err)) {

    case LU_OK:
        break;

    case LU_CONFLICT:
        return NGX_HTTP_FORBIDDEN;

    default:
        return NGX_HTTP_BAD_REQUEST;
    }

    token = ngx_palloc(r->pool, sizeof(lu_token_t));

    if (token == NULL
        || ngx_lu_user_value(r, &conf->roles, &roles) != NGX_OK
        || (conf->apps && ngx_lu_user_value(r, conf->apps, &apps) != NGX_OK))
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    arena = ngx_lu_arena(r->pool);

    rc = lu_user(&arena, &name, &roles, conf->apps ? &apps : NULL, token, err);

    switch (rc) {

    case LU_OK:
        *user = token;
        return NGX_OK;

    case LU_NOMEM:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;

    default:
        return NGX_HTTP_FORBIDDEN;
    }
}


/*
 * Who has made the connection counts, and not whom the realip module takes for
 * the client: that is what the client says, if many may say it.
 */

static ngx_uint_t
ngx_lu_user_believed(ngx_http_request_t *r, ngx_lu_user_conf_t *conf)
{
    lu_str_t       peer;
    ngx_uint_t     i;
    lu_network_t  *from, address;

    if (conf->from_all) {
        return 1;
    }

    if (ngx_lu_user_peer(r, conf, &peer) != NGX_OK) {
        return 0;
    }

    if (lu_str_is(&peer, "unix:")) {
        return conf->from_unix;
    }

    if (!lu_network_parse(&peer, &address)) {
        return 0;
    }

    from = conf->from.elts;

    for (i = 0; i < conf->from.nelts; i++) {
        if (lu_network_has(&from[i], &address)) {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
ngx_lu_user_peer(ngx_http_request_t *r, ngx_lu_user_conf_t *conf,
    lu_str_t *peer)
{
    ngx_http_variable_value_t  *v;

    if (conf->peer == NGX_ERROR) {
        *peer = ngx_lu_to_core(&r->connection->addr_text);
        return NGX_OK;
    }

    v = ngx_http_get_indexed_variable(r, conf->peer);

    if (v == NULL || v->not_found) {
        return NGX_ERROR;
    }

    peer->data = v->data;
    peer->len = v->len;

    return NGX_OK;
}


/*
 * A proxy that adds its header to that of a client, or does not know that "_"
 * is the same as "-" here, passes on what the client says.
 */

static ngx_int_t
ngx_lu_user_headers(ngx_http_request_t *r, ngx_lu_user_conf_t *conf,
    lu_error_t *err)
{
    ngx_str_t        *name;
    lu_str_t          subject;
    ngx_uint_t        i, j, n, other;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    name = conf->headers.elts;

    for (i = 0; i < conf->headers.nelts; i++) {

        n = 0;
        other = 0;

        for (part = &r->headers_in.headers.part; part; part = part->next) {
            h = part->elts;

            for (j = 0; j < part->nelts; j++) {
                n += ngx_lu_user_header(&h[j], &name[i], &other);
            }
        }

        if (n > 1 || other) {
            subject = ngx_lu_to_core(&name[i]);

            (void) lu_error(err, &subject,
                            "is a header that the request has more than once, "
                            "or with \"_\" in its name: the proxy must remove "
                            "what clients send.");

            return NGX_HTTP_BAD_REQUEST;
        }
    }

    return NGX_OK;
}


/* For $http_x_user, nginx takes "X-User" and "X_User" alike. */

static ngx_uint_t
ngx_lu_user_header(ngx_table_elt_t *h, ngx_str_t *name, ngx_uint_t *other)
{
    u_char  c;
    size_t  i;

    if (h->key.len != name->len) {
        return 0;
    }

    for (i = 0; i < name->len; i++) {
        c = ngx_tolower(h->key.data[i]);

        if (c != name->data[i] && !(c == '_' && name->data[i] == '-')) {
            return 0;
        }
    }

    if (ngx_strlchr(h->key.data, h->key.data + h->key.len, '_')) {
        *other = 1;
    }

    return 1;
}


static ngx_int_t
ngx_lu_user_value(ngx_http_request_t *r, ngx_http_complex_value_t *value,
    lu_str_t *text)
{
    ngx_str_t  s;

    if (ngx_http_complex_value(r, value, &s) != NGX_OK) {
        return NGX_ERROR;
    }

    *text = ngx_lu_to_core(&s);

    return NGX_OK;
}
