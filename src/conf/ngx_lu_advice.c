
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What cannot work is refused, and what hardly can is warned of, when nginx
 * reads its configuration: in a sentence that names the directive and tells
 * what to do.
 */


#include "ngx_lu_advice.h"


#define NGX_LU_ADVICE_BODY     (1024 * 1024)
#define NGX_LU_ADVICE_THREADS  32       /* nginx's default */


static ngx_str_t *ngx_lu_advice_proxy_temp(ngx_conf_t *cf,
    ngx_http_core_loc_conf_t *clcf);
static ngx_uint_t ngx_lu_advice_lies_on(ngx_str_t *folder, dev_t device);
static char *ngx_lu_advice_alone(ngx_conf_t *cf, ngx_lu_loc_conf_t *lucf,
    ngx_str_t *location);
static ngx_uint_t ngx_lu_advice_meets(ngx_http_core_loc_conf_t *clcf,
    const char *uri);
static void ngx_lu_advice_body(ngx_conf_t *cf, ngx_lu_loc_conf_t *lucf,
    ngx_http_core_loc_conf_t *clcf);
static ngx_uint_t ngx_lu_advice_resolves(ngx_resolver_t *resolver);
static ngx_http_core_loc_conf_t *ngx_lu_advice_queued(
    ngx_http_location_queue_t *lq);
static ngx_http_core_loc_conf_t *ngx_lu_advice_find(
    ngx_http_core_loc_conf_t *clcf, ngx_str_t *uri);
static ngx_uint_t ngx_lu_advice_takes(ngx_http_core_loc_conf_t *clcf,
    ngx_str_t *uri);


void
ngx_lu_advice_store(ngx_conf_t *cf, ngx_str_t *given, ngx_str_t *path)
{
    u_char            c;
    size_t            i;
    mode_t            may;
    ngx_file_info_t   fi;
    ngx_core_conf_t  *ccf;

    /* nobody looks for data in the prefix that nginx was built with */

    if (given->data[0] != '/'
        && cf->cycle->prefix.len == sizeof(NGX_PREFIX) - 1
        && ngx_strncmp(cf->cycle->prefix.data, NGX_PREFIX,
                       sizeof(NGX_PREFIX) - 1)
           == 0)
    {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"liveupdate_store\" is relative to nginx's "
                           "prefix and means \"%V\", use a path that begins "
                           "with \"/\"", path);
    }

    ccf = (ngx_core_conf_t *) ngx_get_conf(cf->cycle->conf_ctx,
                                           ngx_core_module);

    if (geteuid() != 0
        || ccf->user == (ngx_uid_t) NGX_CONF_UNSET_UINT
        || ccf->user == 0)
    {
        return;
    }

    for (i = 1; i < path->len; i++) {

        if (path->data[i] != '/') {
            continue;
        }

        c = path->data[i];
        path->data[i] = '\0';

        if (ngx_file_info(path->data, &fi) == NGX_FILE_ERROR) {
            path->data[i] = c;
            return;
        }

        /* workers may have more groups than nginx knows of here */

        may = (fi.st_uid == ccf->user) ? S_IXUSR : S_IXGRP|S_IXOTH;

        if (!(fi.st_mode & may)) {
            ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                               "\"liveupdate_store\" is in \"%s\", which the "
                               "user \"%s\" of the workers cannot enter, use "
                               "another folder or \"chmod a+x\"",
                               path->data, ccf->username);
        }

        path->data[i] = c;
    }
}


/* nginx does not tell how large a pool is that somebody has declared. */

void
ngx_lu_advice_threads(ngx_conf_t *cf, ngx_lu_main_conf_t *lumcf)
{
    ngx_uint_t  n;

    n = lumcf->stores.nelts;

    if (n < 2 || lumcf->pooled) {
        return;
    }

    ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                  "%ui stores take up to %ui threads of the pool \"default\" "
                  "if their file systems hang, and it has %d, put "
                  "\"thread_pool default threads=%ui\" before \"http\"",
                  n, n * ngx_lu_thread_most(), NGX_LU_ADVICE_THREADS,
                  n * NGX_LU_ADVICE_THREADS);
}


void
ngx_lu_advice_temp(ngx_conf_t *cf, ngx_lu_main_conf_t *lumcf)
{
    ngx_str_t        *path;
    ngx_uint_t        i;
    ngx_lu_store_t  **stores;

    stores = lumcf->stores.elts;

    for (i = 0; i < lumcf->stores.nelts; i++) {

        path = ngx_lu_advice_proxy_temp(cf, stores[i]->fetch);

        if (path && !ngx_lu_advice_lies_on(path, stores[i]->device)) {
            ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                          "\"proxy_temp_path\" in location \"%V\" is \"%V\", "
                          "which lies on another file system than the store "
                          "\"%V\", so that a worker copies each file that it "
                          "fetches, use \"proxy_temp_path %V/tmp/fetch\"",
                          &stores[i]->fetch->name, path, &stores[i]->path,
                          &stores[i]->path);
        }
    }
}


/*
 * NULL if the location has no temporary files of the proxy module, which may
 * not be there.  Its configuration begins with that of the upstream.
 */

static ngx_str_t *
ngx_lu_advice_proxy_temp(ngx_conf_t *cf, ngx_http_core_loc_conf_t *clcf)
{
    ngx_uint_t                 i;
    ngx_module_t             **modules;
    ngx_http_upstream_conf_t  *upstream;

    if (clcf == NULL) {
        return NULL;
    }

    modules = cf->cycle->modules;

    for (i = 0; modules[i]; i++) {

        if (ngx_strcmp(modules[i]->name, "ngx_http_proxy_module") == 0) {
            upstream = clcf->loc_conf[modules[i]->ctx_index];

            return (upstream->temp_path
                    && upstream->temp_path != NGX_CONF_UNSET_PTR)
                   ? &upstream->temp_path->name : NULL;
        }
    }

    return NULL;
}


/* nginx makes the folder later.  What is not known counts as right. */

static ngx_uint_t
ngx_lu_advice_lies_on(ngx_str_t *folder, dev_t device)
{
    u_char           *p, path[NGX_MAX_PATH];
    ngx_file_info_t   fi;

    if (device == 0 || folder->len >= NGX_MAX_PATH) {
        return 1;
    }

    (void) ngx_cpystrn(path, folder->data, folder->len + 1);

    while (ngx_file_info(path, &fi) == NGX_FILE_ERROR) {

        p = (u_char *) strrchr((char *) path, '/');

        if (ngx_errno != NGX_ENOENT || p == NULL || p == path) {
            return 1;
        }

        *p = '\0';
    }

    return fi.st_dev == device;
}


char *
ngx_lu_advice_location(ngx_conf_t *cf, ngx_lu_loc_conf_t *lucf,
    const char *name, ngx_http_handler_pt handler)
{
    const char                *uri;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (ngx_lu_advice_alone(cf, lucf, &clcf->name) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    if (handler && clcf->handler != handler) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%s\" in location \"%V\" conflicts with another "
                           "directive that answers requests, such as "
                           "\"proxy_pass\", use a location for each",
                           name, &clcf->name);
        return NGX_CONF_ERROR;
    }

    if (lucf->s3 || (lucf->api && !lucf->releases)) {
        ngx_lu_advice_body(cf, lucf, clcf);
    }

    if (!lucf->api) {
        return NGX_CONF_OK;
    }

    uri = lucf->releases ? "/releases/" : "/v1/";

    if (!ngx_lu_advice_meets(clcf, uri)) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"%s\" in location \"%V\" answers only what "
                           "begins with \"%s\", use \"location ^~ %s\"",
                           name, &clcf->name, uri, uri);
    }

    return NGX_CONF_OK;
}


/* Two handlers in a location: the last one would win. */

static char *
ngx_lu_advice_alone(ngx_conf_t *cf, ngx_lu_loc_conf_t *lucf,
    ngx_str_t *location)
{
    size_t       i;
    const char  *first;

    struct {
        ngx_uint_t   here;
        const char  *name;
    } all[] = {
        { lucf->api, lucf->releases ? "liveupdate_releases"
                                    : "liveupdate_api" },
        { lucf->artifacts, "liveupdate_artifacts" },
        { lucf->webhook != NULL, "liveupdate_webhook" },
        { lucf->feed != NULL, "liveupdate_feed" },
        { lucf->download != NULL, "liveupdate_download" },
        { lucf->status, "liveupdate_status" },
        { lucf->ready, "liveupdate_ready" },
        { lucf->s3 != NULL, "liveupdate_publish_s3" },
    };

    first = NULL;

    for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {

        if (!all[i].here) {
            continue;
        }

        if (first) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%s\" and \"%s\" conflict in location "
                               "\"%V\", use a location for each",
                               first, all[i].name, location);
            return NGX_CONF_ERROR;
        }

        first = all[i].name;
    }

    return NGX_CONF_OK;
}


/* Whether requests that begin with "uri" can arrive in the location. */

static ngx_uint_t
ngx_lu_advice_meets(ngx_http_core_loc_conf_t *clcf, const char *uri)
{
    size_t  len;

#if (NGX_PCRE)
    if (clcf->regex) {
        return 1;
    }
#endif

    if (clcf->named) {
        return 1;
    }

    len = ngx_min(clcf->name.len, ngx_strlen(uri));

    return ngx_strncmp(clcf->name.data, uri, len) == 0;
}


/* Uploads that nginx would refuse before the module sees them. */

static void
ngx_lu_advice_body(ngx_conf_t *cf, ngx_lu_loc_conf_t *lucf,
    ngx_http_core_loc_conf_t *clcf)
{
    if ((lucf->tokens_path.len == 0 && lucf->user == NULL)
        || clcf->client_max_body_size == 0
        || clcf->client_max_body_size > NGX_LU_ADVICE_BODY
        || (lucf->s3 && clcf->client_max_body_size >= lucf->s3->size))
    {
        return;
    }

    ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                       "\"client_max_body_size\" in location \"%V\" is %O "
                       "bytes, larger uploads will be refused, use "
                       "\"client_max_body_size %s\"",
                       &clcf->name, clcf->client_max_body_size,
                       lucf->s3 ? "5g" : "1100m");
}


ngx_http_core_loc_conf_t *
ngx_lu_advice_jobs(ngx_conf_t *cf, ngx_str_t *uri, const char *name)
{
    ngx_resolver_t            *resolver;
    ngx_http_core_loc_conf_t  *server, *clcf;
    ngx_http_core_srv_conf_t  *cscf;

    cscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);
    server = cscf->ctx->loc_conf[ngx_http_core_module.ctx_index];

    clcf = ngx_lu_advice_find(server, uri);

    if (clcf == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%s\" requires a location \"%V\" with "
                           "\"proxy_pass\" in this server", name, uri);
        return NULL;
    }

    /* the location may not have been merged yet */

    resolver = clcf->resolver ? clcf->resolver : server->resolver;

    if (!ngx_lu_advice_resolves(resolver)) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "no \"resolver\" for location \"%V\" of \"%s\", "
                           "which cannot find addresses of names, name one of "
                           "/etc/resolv.conf", &clcf->name, name);
    }

    return clcf;
}


/* Angie has other types for the same. */

static ngx_uint_t
ngx_lu_advice_resolves(ngx_resolver_t *resolver)
{
    if (resolver == NULL) {
        return 0;
    }

#ifdef ANGIE_VERSION
    return resolver->connections != NULL;
#else
    return resolver->connections.nelts != 0;
#endif
}


static ngx_http_core_loc_conf_t *
ngx_lu_advice_queued(ngx_http_location_queue_t *lq)
{
#ifdef ANGIE_VERSION
    return (lq->exact ? lq->exact : lq->inclusive)->conf;
#else
    return lq->exact ? lq->exact : lq->inclusive;
#endif
}


static ngx_http_core_loc_conf_t *
ngx_lu_advice_find(ngx_http_core_loc_conf_t *clcf, ngx_str_t *uri)
{
    ngx_queue_t                *q;
    ngx_http_core_loc_conf_t   *location, *found;
    ngx_http_location_queue_t  *lq;

    if (clcf->locations == NULL) {
        return NULL;
    }

    for (q = ngx_queue_head(clcf->locations);
         q != ngx_queue_sentinel(clcf->locations);
         q = ngx_queue_next(q))
    {
        lq = (ngx_http_location_queue_t *) q;
        location = ngx_lu_advice_queued(lq);

        found = ngx_lu_advice_find(location, uri);

        if (found) {
            return found;
        }

        if (ngx_lu_advice_takes(location, uri)) {
            return location;
        }
    }

    return NULL;
}


/* A location "/" is there for something else. */

static ngx_uint_t
ngx_lu_advice_takes(ngx_http_core_loc_conf_t *clcf, ngx_str_t *uri)
{
    if (clcf->noname || clcf->named || clcf->exact_match) {
        return 0;
    }

#if (NGX_PCRE)
    if (clcf->regex) {
        return ngx_regex_exec(clcf->regex->regex, uri, NULL, 0) >= 0;
    }
#endif

    return clcf->name.len > 1
           && clcf->name.len <= uri->len
           && ngx_strncmp(clcf->name.data, uri->data, clcf->name.len) == 0;
}
