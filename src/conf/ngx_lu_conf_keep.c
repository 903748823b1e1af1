
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_conf_keep.h"

#include "core/lu_keep.h"


#define NGX_LU_CONF_KEEP_EVERY  3600    /* seconds */


char *
ngx_lu_conf_keep(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_lu_loc_conf_t *lucf = conf;

    size_t       len;
    u_char      *p;
    lu_str_t     text;
    ngx_str_t   *value, every;
    lu_keep_t    keep;
    ngx_uint_t   i;
    lu_error_t   err;

    if (lucf->keep.data) {
        return "is duplicate";
    }

    value = cf->args->elts;
    len = 0;

    lucf->every = NGX_LU_CONF_KEEP_EVERY;

    for (i = 1; i < cf->args->nelts; i++) {
        len += value[i].len + 1;
    }

    lucf->keep.data = ngx_pnalloc(cf->pool, len);
    if (lucf->keep.data == NULL) {
        return NGX_CONF_ERROR;
    }

    p = lucf->keep.data;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "every=", 6) == 0) {
            every.data = value[i].data + 6;
            every.len = value[i].len - 6;

            lucf->every = ngx_parse_time(&every, 1);

            if (lucf->every == (time_t) NGX_ERROR || lucf->every == 0) {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "invalid parameter \"%V\", it must have a "
                                   "time such as \"1h\"", &value[i]);
                return NGX_CONF_ERROR;
            }

            continue;
        }

        if (p != lucf->keep.data) {
            *p++ = ' ';
        }

        p = ngx_cpymem(p, value[i].data, value[i].len);
    }

    lucf->keep.len = p - lucf->keep.data;

    /* only apps that have a policy of their own, so often */

    if (lucf->keep.len == 0) {
        return NGX_CONF_OK;
    }

    text = ngx_lu_to_core(&lucf->keep);

    if (lu_keep_parse(&text, &keep, &err) == LU_OK) {
        return NGX_CONF_OK;
    }

    if (err.subject.len) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%*s\": it %s",
                           err.subject.len, err.subject.data, err.text);

    } else {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"liveupdate_keep\" is invalid: %s", err.text);
    }

    return NGX_CONF_ERROR;
}


/* A pass is over a store, whatever its locations are. */

char *
ngx_lu_conf_keep_store(ngx_conf_t *cf, ngx_lu_loc_conf_t *lucf)
{
    ngx_lu_store_t            *store;
    ngx_http_core_loc_conf_t  *clcf;

    store = lucf->store;

    if (lucf->keep.data == NULL) {

        /* its apps may have policies of their own */

        if (store->every == 0) {
            store->every = NGX_LU_CONF_KEEP_EVERY;
            store->threads_keep = lucf->threads;
            store->readers_keep = lucf->readers;
        }

        return NGX_CONF_OK;
    }

    if (store->keep.data == NULL) {
        store->keep = lucf->keep;
        store->every = lucf->every;
        store->threads_keep = lucf->threads;
        store->readers_keep = lucf->readers;

        return NGX_CONF_OK;
    }

    if (store->every == lucf->every
        && store->keep.len == lucf->keep.len
        && ngx_strncmp(store->keep.data, lucf->keep.data, lucf->keep.len)
           == 0)
    {
        return NGX_CONF_OK;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"liveupdate_keep\" in location \"%V\" must be the "
                       "same as in other locations with this "
                       "\"liveupdate_store\": an app can have a policy of its "
                       "own", &clcf->name);

    return NGX_CONF_ERROR;
}
