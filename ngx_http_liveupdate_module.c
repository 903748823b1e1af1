
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "base/ngx_lu_page.h"
#include "zone/ngx_lu_zone.h"
#include "read/ngx_lu_catalog.h"
#include "read/ngx_lu_entry.h"
#include "read/ngx_lu_open.h"
#include "read/ngx_lu_send.h"
#include "read/ngx_lu_static.h"
#include "store/ngx_lu_clean.h"
#include "store/ngx_lu_machine.h"
#include "store/ngx_lu_mark.h"
#include "store/ngx_lu_mount.h"
#include "write/ngx_lu_usage.h"
#include "job/ngx_lu_cleanup.h"
#include "job/ngx_lu_guards.h"
#include "job/ngx_lu_sweep.h"
#include "job/ngx_lu_job.h"
#include "job/ngx_lu_notify.h"
#include "api/ngx_lu_api.h"
#include "api/ngx_lu_body.h"
#include "api/ngx_lu_s3.h"
#include "api/ngx_lu_webhook.h"
#include "watch/ngx_lu_health.h"
#include "watch/ngx_lu_history.h"
#include "watch/ngx_lu_status.h"
#include "conf/ngx_lu_advice.h"
#include "conf/ngx_lu_conf.h"
#include "conf/ngx_lu_conf_keep.h"
#include "conf/ngx_lu_conf_notify.h"
#include "conf/ngx_lu_conf_s3.h"
#include "conf/ngx_lu_conf_tls.h"
#include "conf/ngx_lu_conf_user.h"


#define NGX_LU_ZONE_SIZE   (16 * 1024 * 1024)
#define NGX_LU_CACHE_SIZE  (24 * 1024 * 1024)
#define NGX_LU_CACHE_MIN   (1024 * 1024)

/* what follows it has up to 1,300 bytes, and a path up to 4,095 */

#define NGX_LU_STORE_PATH  2048


static ngx_int_t ngx_lu_content_handler(ngx_http_request_t *r);
static ngx_int_t ngx_lu_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);

static char *ngx_lu_store(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *ngx_lu_api(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *ngx_lu_artifacts(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *ngx_lu_status(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *ngx_lu_ready(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static ngx_int_t ngx_lu_add_variables(ngx_conf_t *cf);
static char *ngx_lu_cache(ngx_conf_t *cf, void *post, void *data);
static void *ngx_lu_create_main_conf(ngx_conf_t *cf);
static char *ngx_lu_init_main_conf(ngx_conf_t *cf, void *conf);
static void *ngx_lu_create_loc_conf(ngx_conf_t *cf);
static char *ngx_lu_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child);
static ngx_uint_t ngx_lu_is_absent(ngx_conf_t *cf, ngx_lu_store_t *store);
static ngx_int_t ngx_lu_add_folders(ngx_conf_t *cf, ngx_lu_store_t *store);
static char *ngx_lu_set_zone(ngx_conf_t *cf, ngx_lu_store_t *store);
static ngx_int_t ngx_lu_init(ngx_conf_t *cf);
static ngx_int_t ngx_lu_init_zone(ngx_shm_zone_t *shm_zone, void *data);
static ngx_int_t ngx_lu_init_process(ngx_cycle_t *cycle);
static ngx_int_t ngx_lu_init_store(ngx_cycle_t *cycle, ngx_lu_store_t *store);
static ngx_int_t ngx_lu_init_module(ngx_cycle_t *cycle);


static ngx_conf_enum_t  ngx_lu_approvals[] = {
    { ngx_string("off"), NGX_LU_APPROVAL_OFF },
    { ngx_string("on"), NGX_LU_APPROVAL_ON },
    { ngx_string("github"), NGX_LU_APPROVAL_GITHUB },
    { ngx_null_string, 0 }
};


static ngx_conf_post_t  ngx_lu_cache_post = { ngx_lu_cache };


static ngx_command_t  ngx_lu_commands[] = {

    { ngx_string("liveupdate_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_lu_zone,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("liveupdate_store"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE12,
      ngx_lu_store,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("liveupdate_machine"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_lu_main_conf_t, machine),
      NULL },

    { ngx_string("liveupdate_cache"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_lu_main_conf_t, cache),
      &ngx_lu_cache_post },

    { ngx_string("liveupdate_tokens"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_lu_loc_conf_t, tokens_path),
      NULL },

    { ngx_string("liveupdate_user"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_lu_conf_user,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("liveupdate_base_url"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_lu_conf_base_url,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_lu_loc_conf_t, base_url),
      NULL },

    { ngx_string("liveupdate_everyone"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_set_complex_value_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_lu_loc_conf_t, everyone),
      NULL },

    { ngx_string("liveupdate_valid"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_sec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_lu_loc_conf_t, valid),
      NULL },

    { ngx_string("liveupdate_threads"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_lu_conf_threads,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("liveupdate_api"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_lu_api,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("liveupdate_releases"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_lu_api,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("liveupdate_approval"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_lu_loc_conf_t, approval),
      ngx_lu_approvals },

    { ngx_string("liveupdate_blockmaps"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_lu_loc_conf_t, blockmaps),
      NULL },

    { ngx_string("liveupdate_artifacts"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_lu_artifacts,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("liveupdate_feed"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_set_complex_value_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_lu_loc_conf_t, feed),
      NULL },

    { ngx_string("liveupdate_download"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_set_complex_value_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_lu_loc_conf_t, download),
      NULL },

    { ngx_string("liveupdate_fetch"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_lu_conf_fetch,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("liveupdate_github"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_2MORE,
      ngx_lu_conf_github,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("liveupdate_webhook"),
      NGX_HTTP_LOC_CONF|NGX_CONF_2MORE,
      ngx_lu_conf_webhook,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("liveupdate_publish_s3"),
      NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_lu_conf_s3,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("liveupdate_notify"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_lu_conf_notify,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("liveupdate_keep"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_lu_conf_keep,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("liveupdate_quota"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_off_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_lu_loc_conf_t, quota),
      NULL },

    { ngx_string("liveupdate_reserve"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_off_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_lu_loc_conf_t, reserve),
      NULL },

    { ngx_string("liveupdate_status"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS|NGX_CONF_TAKE1,
      ngx_lu_status,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("liveupdate_ready"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_lu_ready,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_liveupdate_module_ctx = {
    ngx_lu_add_variables,                  /* preconfiguration */
    ngx_lu_init,                           /* postconfiguration */

    ngx_lu_create_main_conf,               /* create main configuration */
    ngx_lu_init_main_conf,                 /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_lu_create_loc_conf,                /* create location configuration */
    ngx_lu_merge_loc_conf                  /* merge location configuration */
};


ngx_module_t  ngx_http_liveupdate_module = {
    NGX_MODULE_V1,
    &ngx_http_liveupdate_module_ctx,       /* module context */
    ngx_lu_commands,                       /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    ngx_lu_init_module,                    /* init module */
    ngx_lu_init_process,                   /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_http_variable_t  ngx_lu_vars[] = {

    { ngx_string("liveupdate_app"), NULL, ngx_lu_variable,
      offsetof(ngx_lu_ctx_t, app), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("liveupdate_release"), NULL, ngx_lu_variable,
      offsetof(ngx_lu_ctx_t, release), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("liveupdate_channel"), NULL, ngx_lu_variable,
      offsetof(ngx_lu_ctx_t, channel), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("liveupdate_platform"), NULL, ngx_lu_variable,
      offsetof(ngx_lu_ctx_t, platform), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("liveupdate_arch"), NULL, ngx_lu_variable,
      offsetof(ngx_lu_ctx_t, arch), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("liveupdate_result"), NULL, ngx_lu_variable,
      offsetof(ngx_lu_ctx_t, result), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("liveupdate_checksum"), NULL, ngx_lu_variable,
      offsetof(ngx_lu_ctx_t, checksum), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("liveupdate_signature"), NULL, ngx_lu_variable,
      offsetof(ngx_lu_ctx_t, signature), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("liveupdate_fetch_uri"), NULL, ngx_lu_variable,
      offsetof(ngx_lu_ctx_t, fetch_uri), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("liveupdate_github_url"), NULL, ngx_lu_variable,
      offsetof(ngx_lu_ctx_t, fetch_uri), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("liveupdate_notify_url"), NULL, ngx_lu_variable,
      offsetof(ngx_lu_ctx_t, fetch_uri), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("liveupdate_fetch_path"), NULL, ngx_lu_variable,
      offsetof(ngx_lu_ctx_t, fetch_path), NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


static ngx_str_t  ngx_lu_folders[] = {
    ngx_string(""),
    ngx_string("/apps"),
    ngx_string("/staging"),
    ngx_string("/live"),
    ngx_string("/feed"),
    ngx_string("/jobs"),
    ngx_string("/tmp"),
    ngx_string("/tmp/"),                   /* that of the machine */
    ngx_null_string
};


/* Devices come first: most requests are theirs. */

static ngx_int_t
ngx_lu_content_handler(ngx_http_request_t *r)
{
    ngx_int_t  rc;

    rc = ngx_lu_entry_handler(r);

    return rc == NGX_DECLINED ? ngx_lu_api_handler(r) : rc;
}


static ngx_int_t
ngx_lu_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    ngx_str_t     *value;
    ngx_lu_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);

    if (ctx == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    value = (ngx_str_t *) ((u_char *) ctx + data);

    if (value->len == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    v->len = value->len;
    v->data = value->data;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


static char *
ngx_lu_store(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_lu_loc_conf_t *lucf = conf;

    ngx_str_t           *value, path;
    ngx_uint_t           i, existing;
    ngx_lu_store_t      *store, **stores;
    ngx_lu_main_conf_t  *lumcf;

    if (lucf->store) {
        return "is duplicate";
    }

    lumcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_liveupdate_module);

    value = cf->args->elts;
    path = value[1];

    if (path.len == 0) {
        return "has an empty path";
    }

    existing = (cf->args->nelts == 3);

    if (existing && ngx_strcmp(value[2].data, "existing") != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\", it can be \"existing\"",
                           &value[2]);
        return NGX_CONF_ERROR;
    }

    if (ngx_conf_full_name(cf->cycle, &path, 0) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    while (path.len > 1 && path.data[path.len - 1] == '/') {
        path.len--;
    }

    if (path.len > NGX_LU_STORE_PATH) {
        return "has a path longer than 2048 bytes";
    }

    stores = lumcf->stores.elts;

    for (i = 0; i < lumcf->stores.nelts; i++) {
        if (stores[i]->path.len == path.len
            && ngx_strncmp(stores[i]->path.data, path.data, path.len) == 0)
        {
            if (stores[i]->existing != existing) {
                return "must have \"existing\" wherever it names that store, "
                       "or nowhere";
            }

            lucf->store = stores[i];
            return NGX_CONF_OK;
        }
    }

    store = ngx_pcalloc(cf->pool, sizeof(ngx_lu_store_t));
    stores = ngx_array_push(&lumcf->stores);

    if (store == NULL || stores == NULL) {
        return NGX_CONF_ERROR;
    }

    *stores = store;

    store->path = path;
    store->hash = ngx_crc32_long(path.data, path.len);
    store->certificates = &lumcf->certificates;

    store->threads = ngx_lu_thread_create(cf->pool);
    store->catalog = ngx_lu_catalog_create(cf->pool);
    store->opener = ngx_lu_open_create(cf->pool);

    if (store->threads == NULL
        || store->catalog == NULL
        || store->opener == NULL)
    {
        return NGX_CONF_ERROR;
    }

    store->existing = existing;
    lucf->store = store;

    if (ngx_process == NGX_PROCESS_SIGNALLER) {

        /* "nginx -s" has nothing to do with the disk */

        return NGX_CONF_OK;
    }

    if (ngx_lu_mount_look(cf, store) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    ngx_lu_advice_store(cf, &value[1], &path);

    store->absent = ngx_lu_is_absent(cf, store);

    if (store->absent) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "the store \"%V\" is not there: is its file system "
                           "mounted?", &path);

    } else if (ngx_lu_add_folders(cf, store) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/*
 * An empty folder is a new store, unless there was one when nginx started, or
 * the administrator says that there is one: then it is a mount point, and
 * nothing must be written into it.
 */

static ngx_uint_t
ngx_lu_is_absent(ngx_conf_t *cf, ngx_lu_store_t *store)
{
    ngx_uint_t            i;
    ngx_cycle_t          *old;
    ngx_lu_store_t      **stores;
    ngx_lu_main_conf_t   *lumcf;

    if (ngx_lu_mark_found(store, cf->temp_pool)) {
        return 0;
    }

    if (store->existing) {
        return 1;
    }

    old = cf->cycle->old_cycle;

    if (ngx_is_init_cycle(old)) {
        return 0;
    }

    lumcf = ngx_http_cycle_get_module_main_conf(old,
                                                ngx_http_liveupdate_module);
    if (lumcf == NULL) {
        return 0;
    }

    stores = lumcf->stores.elts;

    for (i = 0; i < lumcf->stores.nelts; i++) {
        if (stores[i]->path.len == store->path.len
            && ngx_strncmp(stores[i]->path.data, store->path.data,
                           store->path.len)
               == 0)
        {
            return 1;
        }
    }

    return 0;
}


/*
 * nginx creates these folders at start, for the user of its workers, before
 * those that the configuration names later, which may lie in them.
 */

static ngx_int_t
ngx_lu_add_folders(ngx_conf_t *cf, ngx_lu_store_t *store)
{
    ngx_str_t   *folder, *path;
    ngx_path_t  *p;

    path = &store->path;

    for (folder = ngx_lu_folders; folder->data; folder++) {

        if (store->is_read_only && folder[1].data == NULL) {

            /* nobody writes there, and the machine needs no folder */

            store->folder = NULL;
            break;
        }

        p = ngx_pcalloc(cf->pool, sizeof(ngx_path_t));
        if (p == NULL) {
            return NGX_ERROR;
        }

        p->name.data = ngx_pnalloc(cf->pool, path->len + folder->len + 1);
        if (p->name.data == NULL) {
            return NGX_ERROR;
        }

        p->name.len = ngx_sprintf(p->name.data, "%V%V%Z", path, folder)
                      - p->name.data - 1;

        p->conf_file = cf->conf_file->file.name.data;
        p->line = cf->conf_file->line;

        if (ngx_add_path(cf, &p) != NGX_OK) {
            return NGX_ERROR;
        }

        store->folder = p;
    }

    return NGX_OK;
}


static char *
ngx_lu_api(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_lu_loc_conf_t *lucf = conf;

    ngx_http_core_loc_conf_t  *clcf;

    if (lucf->api != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->handler) {
        return ngx_lu_conf_second;
    }

    lucf->api = 1;
    lucf->releases = (ngx_strcmp(cmd->name.data, "liveupdate_releases") == 0);

    clcf->handler = ngx_lu_content_handler;

    return NGX_CONF_OK;
}


static char *
ngx_lu_artifacts(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_lu_loc_conf_t  *lucf = conf;

    if (lucf->artifacts != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    lucf->artifacts = 1;

    return NGX_CONF_OK;
}


static char *
ngx_lu_status(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_lu_loc_conf_t *lucf = conf;

    ngx_str_t                 *value;
    ngx_http_core_loc_conf_t  *clcf;

    if (lucf->status != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "token") != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\", it must be \"token\"",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->handler) {
        return ngx_lu_conf_second;
    }

    lucf->status = 1;
    lucf->status_token = (cf->args->nelts == 2);

    clcf->handler = ngx_lu_status_handler;

    return NGX_CONF_OK;
}


static char *
ngx_lu_ready(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_lu_loc_conf_t *lucf = conf;

    ngx_http_core_loc_conf_t  *clcf;

    if (lucf->ready != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->handler) {
        return ngx_lu_conf_second;
    }

    lucf->ready = 1;

    clcf->handler = ngx_lu_health_handler;

    return NGX_CONF_OK;
}


static char *
ngx_lu_cache(ngx_conf_t *cf, void *post, void *data)
{
    size_t *size = data;

    if (*size < NGX_LU_CACHE_MIN) {
        return "is too small, it must be at least 1m";
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_lu_add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_lu_vars; v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


static void *
ngx_lu_create_main_conf(ngx_conf_t *cf)
{
    ngx_lu_main_conf_t  *lumcf;

    static ngx_str_t  name = ngx_string("default");

    lumcf = ngx_pcalloc(cf->pool, sizeof(ngx_lu_main_conf_t));
    if (lumcf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     lumcf->machine = { 0, NULL };
     *     lumcf->zone = NULL;
     */

    if (ngx_array_init(&lumcf->stores, cf->pool, 1,
                       sizeof(ngx_lu_store_t *))
        != NGX_OK
        || ngx_array_init(&lumcf->certificates, cf->pool, 1,
                          sizeof(ngx_lu_certificate_t))
           != NGX_OK)
    {
        return NULL;
    }

    lumcf->cache = NGX_CONF_UNSET_SIZE;
    lumcf->cycle = cf->cycle;

    /* in http {} anybody may ask for the pool, and so make it */

    lumcf->pooled = ngx_thread_pool_get(cf->cycle, &name) != NULL;

    return lumcf;
}


static char *
ngx_lu_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_lu_main_conf_t *lumcf = conf;

    ngx_uint_t        i;
    ngx_lu_store_t  **stores;

    ngx_conf_init_size_value(lumcf->cache, NGX_LU_CACHE_SIZE);

    stores = lumcf->stores.elts;

    for (i = 0; i < lumcf->stores.nelts; i++) {
        ngx_lu_catalog_limit(stores[i]->catalog, lumcf->cache);
    }

    return ngx_lu_machine_init(cf, lumcf);
}


static void *
ngx_lu_create_loc_conf(ngx_conf_t *cf)
{
    ngx_lu_loc_conf_t  *lucf;

    lucf = ngx_pcalloc(cf->pool, sizeof(ngx_lu_loc_conf_t));
    if (lucf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     lucf->store = NULL;
     *     lucf->tokens_path = { 0, NULL };
     *     lucf->tokens = NULL;
     *     lucf->ntokens = 0;
     *     lucf->base_url = NULL;
     *     lucf->everyone = NULL;
     *     lucf->threads_name = { 0, NULL };
     *     lucf->feed = NULL;
     *     lucf->download = NULL;
     *     lucf->fetch = NULL;
     *     lucf->webhook = NULL;
     *     lucf->github = NULL;
     *     lucf->s3 = NULL;
     *     lucf->notify = NULL;
     *     lucf->keep = { 0, NULL };
     *     lucf->every = 0;
     */

    lucf->user = NGX_CONF_UNSET_PTR;
    lucf->valid = NGX_CONF_UNSET;
    lucf->api = NGX_CONF_UNSET;
    lucf->releases = NGX_CONF_UNSET;
    lucf->artifacts = NGX_CONF_UNSET;
    lucf->approval = NGX_CONF_UNSET_UINT;
    lucf->blockmaps = NGX_CONF_UNSET;
    lucf->status = NGX_CONF_UNSET;
    lucf->status_token = NGX_CONF_UNSET;
    lucf->ready = NGX_CONF_UNSET;
    lucf->quota = NGX_CONF_UNSET;
    lucf->reserve = NGX_CONF_UNSET;

    return lucf;
}


static char *
ngx_lu_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_lu_loc_conf_t  *prev = parent;
    ngx_lu_loc_conf_t  *conf = child;

    const char                *name;
    ngx_http_handler_pt        handler;
    ngx_http_core_loc_conf_t  *clcf;

    ngx_conf_merge_str_value(conf->tokens_path, prev->tokens_path, "");
    ngx_conf_merge_str_value(conf->threads_name, prev->threads_name,
                             "default");
    ngx_conf_merge_ptr_value(conf->user, prev->user, NULL);
    ngx_conf_merge_sec_value(conf->valid, prev->valid, 1);
    ngx_conf_merge_uint_value(conf->approval, prev->approval,
                              NGX_LU_APPROVAL_OFF);
    ngx_conf_merge_value(conf->blockmaps, prev->blockmaps, 0);

    if (conf->everyone == NULL) {
        conf->everyone = prev->everyone;
    }

    ngx_conf_merge_off_value(conf->quota, prev->quota, 0);
    ngx_conf_merge_off_value(conf->reserve, prev->reserve,
                             NGX_LU_USAGE_RESERVE);

    if (conf->keep.data == NULL) {
        conf->keep = prev->keep;
        conf->every = prev->every;
    }

    if (conf->base_url == NULL) {
        conf->base_url = prev->base_url;
    }

    if (conf->store == NULL) {
        conf->store = prev->store;
    }

    if (conf->fetch == NULL) {
        conf->fetch = prev->fetch;
    }

    if (conf->github == NULL) {
        conf->github = prev->github;
    }

    if (conf->notify == NULL) {
        conf->notify = prev->notify;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    /* as a handler, these are inherited only by "if" and "limit_except" */

#if (NGX_PCRE)
    conf->regex = (clcf->regex != NULL);
#endif

    if (clcf->noname) {

        conf->regex = prev->regex;

        if (conf->feed == NULL && conf->download == NULL) {
            conf->feed = prev->feed;
            conf->download = prev->download;
        }

        if (conf->webhook == NULL) {
            conf->webhook = prev->webhook;
        }

        if (conf->s3 == NULL) {
            conf->s3 = prev->s3;
        }

        ngx_conf_merge_value(conf->artifacts, prev->artifacts, 0);
        ngx_conf_merge_value(conf->api, prev->api, 0);
        ngx_conf_merge_value(conf->releases, prev->releases, 0);
        ngx_conf_merge_value(conf->status, prev->status, 0);
        ngx_conf_merge_value(conf->status_token, prev->status_token, 0);
        ngx_conf_merge_value(conf->ready, prev->ready, 0);
    }

    ngx_conf_init_value(conf->artifacts, 0);
    ngx_conf_init_value(conf->api, 0);
    ngx_conf_init_value(conf->releases, 0);
    ngx_conf_init_value(conf->status, 0);
    ngx_conf_init_value(conf->status_token, 0);
    ngx_conf_init_value(conf->ready, 0);

    if (conf->api) {
        handler = ngx_lu_content_handler;

    } else if (conf->webhook) {
        handler = ngx_lu_webhook_handler;

    } else if (conf->s3) {
        handler = ngx_lu_s3_handler;

    } else if (conf->status) {
        handler = ngx_lu_status_handler;

    } else if (conf->ready) {
        handler = ngx_lu_health_handler;

    } else {
        handler = NULL;
    }

    if (clcf->lmt_excpt && clcf->handler == NULL) {
        clcf->handler = handler;
    }

    if (conf->api) {
        name = conf->releases ? "liveupdate_releases" : "liveupdate_api";

    } else if (conf->artifacts) {
        name = "liveupdate_artifacts";

    } else if (conf->webhook) {
        name = "liveupdate_webhook";

    } else if (conf->s3) {
        name = "liveupdate_publish_s3";

    } else if (conf->feed) {
        name = "liveupdate_feed";

    } else if (conf->download) {
        name = "liveupdate_download";

    } else if (conf->status) {
        name = "liveupdate_status";

    } else if (conf->ready) {
        name = "liveupdate_ready";

    } else {
        return NGX_CONF_OK;
    }

    if (conf->store == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%s\" in location \"%V\" requires "
                           "\"liveupdate_store\"", name, &clcf->name);
        return NGX_CONF_ERROR;
    }

    if (!clcf->noname
        && ngx_lu_advice_location(cf, conf, name, handler) != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (ngx_lu_set_zone(cf, conf->store) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    /* what devices wait for does not queue behind what takes long */

    conf->readers = ngx_thread_pool_add(cf, NULL);
    if (conf->readers == NULL) {
        return NGX_CONF_ERROR;
    }

    if (conf->ready) {
        return NGX_CONF_OK;
    }

    if (conf->api || conf->webhook || conf->s3 || conf->status) {

        conf->threads = ngx_thread_pool_add(cf, &conf->threads_name);
        if (conf->threads == NULL) {
            return NGX_CONF_ERROR;
        }

        if (conf->api) {
            conf->store->quick = conf->readers;
        }

        if (ngx_lu_conf_jobs(cf, conf) != NGX_CONF_OK
            || ngx_lu_conf_notify_start(cf, conf) != NGX_CONF_OK
            || ngx_lu_conf_keep_store(cf, conf) != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }

        if (conf->webhook) {
            return NGX_CONF_OK;
        }

        if (ngx_lu_conf_tokens(cf, conf) != NGX_CONF_OK) {
            return NGX_CONF_ERROR;
        }

        return conf->s3 ? ngx_lu_conf_s3_keys(cf, conf) : NGX_CONF_OK;
    }

    if (clcf->alias
        || clcf->root_lengths
        || clcf->root.len != conf->store->path.len
        || ngx_strncmp(clcf->root.data, conf->store->path.data,
                       clcf->root.len)
           != 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"root\" in location \"%V\" must be the same as "
                           "\"liveupdate_store\", that is \"%V\"",
                           &clcf->name, &conf->store->path);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_lu_set_zone(ngx_conf_t *cf, ngx_lu_store_t *store)
{
    ngx_str_t            name;
    ngx_lu_main_conf_t  *lumcf;

    lumcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_liveupdate_module);

    if (lumcf->zone == NULL) {
        ngx_str_set(&name, "liveupdate");

        lumcf->zone = ngx_lu_zone_add(cf, &name, NGX_LU_ZONE_SIZE);
        if (lumcf->zone == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    store->zone = lumcf->zone;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_lu_init(ngx_conf_t *cf)
{
    ngx_lu_main_conf_t  *lumcf;

    lumcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_liveupdate_module);

    if (ngx_lu_machine_paths(cf, lumcf) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_lu_advice_threads(cf, lumcf);
    ngx_lu_advice_temp(cf, lumcf);

    if (ngx_lu_conf_tls(cf, lumcf) != NGX_OK) {
        return NGX_ERROR;
    }

    if (lumcf->zone) {
        lumcf->zone->data = lumcf;
        lumcf->zone->init = ngx_lu_init_zone;
    }

    ngx_lu_body_init();

    if (ngx_lu_count_init(cf) != NGX_OK
        || ngx_lu_entry_init(cf) != NGX_OK
        || ngx_lu_static_init(cf) != NGX_OK
        || ngx_lu_send_init(cf) != NGX_OK
        || ngx_lu_page_init(cf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * By now nginx has made the folders, and if this fails, a reload still leaves
 * the old configuration in force.
 */

static ngx_int_t
ngx_lu_init_zone(ngx_shm_zone_t *shm_zone, void *data)
{
    ngx_lu_main_conf_t  *lumcf;

    lumcf = shm_zone->data;
    shm_zone->data = NULL;

    if (!ngx_test_config
        && ngx_lu_machine_lock(lumcf->cycle, lumcf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_lu_zone_init(shm_zone, data);
}


static ngx_int_t
ngx_lu_init_process(ngx_cycle_t *cycle)
{
    ngx_uint_t            i;
    ngx_lu_store_t      **stores;
    ngx_lu_main_conf_t   *lumcf;

    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    lumcf = ngx_http_cycle_get_module_main_conf(cycle,
                                                ngx_http_liveupdate_module);
    if (lumcf == NULL) {
        return NGX_OK;
    }

    stores = lumcf->stores.elts;

    for (i = 0; i < lumcf->stores.nelts; i++) {
        if (ngx_lu_init_store(cycle, stores[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_init_store(ngx_cycle_t *cycle, ngx_lu_store_t *store)
{
    (void) ngx_lu_count_numbers(store);

    ngx_lu_clean_init(cycle, store);
    ngx_lu_sweep_init(cycle, store);

    if (ngx_worker != 0) {
        return NGX_OK;
    }

    ngx_lu_notify_init(cycle, store);

    if (ngx_lu_guards_init(cycle, store) != NGX_OK
        || ngx_lu_history_init(cycle, store) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_lu_cleanup_init(cycle, store);
}


static ngx_int_t
ngx_lu_init_module(ngx_cycle_t *cycle)
{
    ngx_uint_t           i, cleans;
    ngx_lu_store_t     **stores;
    ngx_lu_main_conf_t  *lumcf;

    if (ngx_test_config) {
        return NGX_OK;
    }

    /*
     * old workers may still use temporary files during a reload or an upgrade
     * of the binary
     */

    cleans = !ngx_inherited && ngx_is_init_cycle(cycle->old_cycle);

    lumcf = ngx_http_cycle_get_module_main_conf(cycle,
                                                ngx_http_liveupdate_module);

    ngx_lu_machine_release(lumcf);

    if (lumcf == NULL) {
        return NGX_OK;
    }

    stores = lumcf->stores.elts;

    for (i = 0; i < lumcf->stores.nelts; i++) {
        if (stores[i]->absent) {
            continue;
        }

        ngx_lu_mark_make(stores[i], cycle);

        if (cleans && ngx_lu_machine_clean(stores[i], cycle) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}
