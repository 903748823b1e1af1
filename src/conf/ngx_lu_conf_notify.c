
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_advice.h"
#include "ngx_lu_conf.h"
#include "ngx_lu_conf_notify.h"

#include "job/ngx_lu_notify.h"


#define NGX_LU_CONF_NOTIFY_RETRY  5000
#define NGX_LU_CONF_NOTIFY_PAUSE  86400000
#define NGX_LU_CONF_NOTIFY_DISK   5


static char *ngx_lu_conf_notify_parameter(ngx_lu_notify_conf_t *notify,
    ngx_str_t *value);
static char *ngx_lu_conf_notify_time(ngx_str_t *value, size_t skip,
    ngx_msec_t *msec);
static char *ngx_lu_conf_notify_read(ngx_conf_t *cf,
    ngx_lu_notify_conf_t *notify);


char *
ngx_lu_conf_notify(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_lu_loc_conf_t *lucf = conf;

    ngx_str_t             *value;
    ngx_uint_t             i;
    ngx_lu_notify_conf_t  *notify;

    if (lucf->notify) {
        return "is duplicate";
    }

    notify = ngx_pcalloc(cf->pool, sizeof(ngx_lu_notify_conf_t));
    if (notify == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    notify->path = value[1];
    ngx_str_set(&notify->uri, "/notify/");
    notify->retry = NGX_LU_CONF_NOTIFY_RETRY;
    notify->pause = NGX_LU_CONF_NOTIFY_PAUSE;
    notify->disk = NGX_LU_CONF_NOTIFY_DISK;

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_lu_conf_notify_parameter(notify, &value[i]) != NGX_CONF_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value[i]);
            return NGX_CONF_ERROR;
        }
    }

    lucf->notify = notify;

    return ngx_lu_conf_notify_read(cf, notify);
}


static char *
ngx_lu_conf_notify_parameter(ngx_lu_notify_conf_t *notify, ngx_str_t *value)
{
    ngx_int_t  n;

    if (ngx_strncmp(value->data, "uri=/", 5) == 0) {
        notify->uri.len = value->len - 4;
        notify->uri.data = value->data + 4;

        return NGX_CONF_OK;
    }

    if (ngx_strncmp(value->data, "retry=", 6) == 0) {
        return ngx_lu_conf_notify_time(value, 6, &notify->retry);
    }

    if (ngx_strncmp(value->data, "pause=", 6) == 0) {
        return ngx_lu_conf_notify_time(value, 6, &notify->pause);
    }

    if (ngx_strncmp(value->data, "disk=", 5) == 0
        && value->len > 6
        && value->data[value->len - 1] == '%')
    {
        n = ngx_atoi(value->data + 5, value->len - 6);
        notify->disk = n;

        return (n >= 0 && n <= 100) ? NGX_CONF_OK : NGX_CONF_ERROR;
    }

    return NGX_CONF_ERROR;
}


static char *
ngx_lu_conf_notify_time(ngx_str_t *value, size_t skip, ngx_msec_t *msec)
{
    ngx_int_t  n;
    ngx_str_t  s;

    s.len = value->len - skip;
    s.data = value->data + skip;

    n = ngx_parse_time(&s, 0);
    *msec = (ngx_msec_t) n;

    return n > 0 ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static char *
ngx_lu_conf_notify_read(ngx_conf_t *cf, ngx_lu_notify_conf_t *notify)
{
    size_t      i;
    lu_rc_e     rc;
    lu_str_t    file;
    ngx_str_t   text;
    lu_arena_t  arena;
    lu_error_t  err;

    if (ngx_lu_conf_read(cf, &notify->path, &text, "") != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    file = ngx_lu_to_core(&text);
    arena = ngx_lu_arena(cf->pool);

    rc = lu_target_parse(&arena, &file, &notify->targets, &notify->ntargets,
                         &err);

    ngx_explicit_memzero(text.data, text.len);

    if (rc == LU_INVALID) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid target file \"%V\": line %*s %s",
                           &notify->path, err.subject.len, err.subject.data,
                           err.text);
    }

    if (rc != LU_OK) {
        return NGX_CONF_ERROR;
    }

    ngx_crc32_init(notify->names);

    for (i = 0; i < notify->ntargets; i++) {

        /* each with its end */

        ngx_crc32_update(&notify->names, notify->targets[i].name.data,
                         notify->targets[i].name.len + 1);
    }

    ngx_crc32_final(notify->names);

    return NGX_CONF_OK;
}


char *
ngx_lu_conf_notify_start(ngx_conf_t *cf, ngx_lu_loc_conf_t *lucf)
{
    ngx_lu_notify_t           *notify;
    ngx_http_core_loc_conf_t  *clcf;
    ngx_http_core_srv_conf_t  *cscf;

    if (lucf->notify == NULL) {
        return NGX_CONF_OK;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    cscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);

    notify = lucf->store->notify;

    if (notify) {

        if (notify->conf->path.len != lucf->notify->path.len
            || ngx_strncmp(notify->conf->path.data, lucf->notify->path.data,
                           lucf->notify->path.len)
               != 0)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"liveupdate_notify\" in location \"%V\" must "
                               "name the same file as in other locations with "
                               "this \"liveupdate_store\"", &clcf->name);
            return NGX_CONF_ERROR;
        }

        return NGX_CONF_OK;
    }

    notify = ngx_pcalloc(cf->pool, sizeof(ngx_lu_notify_t));
    if (notify == NULL) {
        return NGX_CONF_ERROR;
    }

    notify->store = lucf->store;
    notify->conf = lucf->notify;
    notify->conf_ctx = cscf->ctx;
    notify->readers = lucf->readers;
    notify->approval = lucf->approval;
    notify->claim.fd = NGX_INVALID_FILE;

    lucf->store->notify = notify;

    return ngx_lu_advice_jobs(cf, &notify->conf->uri, "liveupdate_notify")
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}
