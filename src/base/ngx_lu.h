
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What all wings know: the configuration, a store, and the context of a
 * request; and the headers of src/base.
 */


#ifndef _NGX_LU_H_INCLUDED_
#define _NGX_LU_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include <ngx_thread_pool.h>

#include "core/lu_error.h"
#include "core/lu_key.h"
#include "core/lu_network.h"
#include "core/lu_str.h"
#include "core/lu_target.h"
#include "core/lu_token.h"


#if !(NGX_THREADS)
#error "the liveupdate module requires --with-threads"
#endif


/* the largest JSON body, GitHub event and JSON file of the store, in bytes */

#define NGX_LU_JSON_SIZE   (1024 * 1024)
#define NGX_LU_EVENT_SIZE  (25 * 1024 * 1024)
#define NGX_LU_FILE_SIZE   (64 * 1024 * 1024)

#define NGX_LU_UUID_LEN    36


/* a function that is not inlined leaves the usual way without a stack frame */

#if (__GNUC__)
#define ngx_lu_prefetch(p)  __builtin_prefetch(p)
#define ngx_lu_noinline     __attribute__((noinline))
#else
#define ngx_lu_prefetch(p)
#define ngx_lu_noinline
#endif


typedef struct ngx_lu_catalog_s  ngx_lu_catalog_t;
typedef struct ngx_lu_opener_s   ngx_lu_opener_t;
typedef struct ngx_lu_opened_s   ngx_lu_opened_t;
typedef struct ngx_lu_send_s     ngx_lu_send_t;
typedef struct ngx_lu_threads_s  ngx_lu_threads_t;
typedef struct ngx_lu_probe_s    ngx_lu_probe_t;
typedef struct ngx_lu_health_s   ngx_lu_health_t;
typedef struct ngx_lu_numbers_s  ngx_lu_numbers_t;
typedef struct ngx_lu_series_s   ngx_lu_series_t;
typedef struct ngx_lu_call_s     ngx_lu_call_t;
typedef struct ngx_lu_jobs_s     ngx_lu_jobs_t;
typedef struct ngx_lu_job_s      ngx_lu_job_t;
typedef struct ngx_lu_notify_s   ngx_lu_notify_t;
typedef struct ngx_lu_cleanup_s  ngx_lu_cleanup_t;

typedef struct ngx_lu_table_page_s  ngx_lu_table_page_t;


/* A store, shared by all locations that name the same folder. */

typedef struct {
    ngx_str_t                  path;    /* full, without "/" at the end */
    ngx_str_t                  temp;    /* "{path}/tmp/{machine}" */
    ngx_path_t                *folder;  /* has that name; NULL if absent */
    uint32_t                   hash;    /* of the path */
    ngx_shm_zone_t            *zone;
    ngx_lu_numbers_t          *numbers; /* in the zone */
    ngx_lu_catalog_t          *catalog; /* of the worker */
    ngx_lu_opener_t           *opener;  /* of the worker */
    ngx_lu_threads_t          *threads; /* of the worker */
    ngx_lu_probe_t            *probe;   /* of the worker; NULL at first */
    ngx_lu_health_t           *health;  /* of the worker; NULL at first */
    ngx_lu_jobs_t             *jobs;    /* NULL if nothing is fetched */
    ngx_lu_notify_t           *notify;  /* NULL if nobody is told */
    ngx_lu_cleanup_t          *cleanup; /* of the worker; or NULL */
    ngx_array_t               *certificates; /* of all servers */
    ngx_str_t                  keep;    /* liveupdate_keep; or empty */
    time_t                     every;   /* seconds between two passes */
    ngx_thread_pool_t         *threads_keep; /* for passes */
    ngx_thread_pool_t         *readers_keep; /* they do not use it */
    ngx_thread_pool_t         *quick;   /* NULL: nobody publishes here */
    ngx_uint_t                 existing; /* nginx does not make it */
    ngx_uint_t                 absent;  /* when the configuration was read */
    ngx_uint_t                 unmarked; /* its mark could not be made */
    ngx_uint_t                 is_remote; /* on a network file system */
    ngx_uint_t                 is_read_only;
    dev_t                      device;  /* 0: unknown */
    ngx_http_core_loc_conf_t  *fetch;   /* location of jobs; or NULL */
} ngx_lu_store_t;


/* A certificate of nginx, as its file was when nginx read it. */

#define NGX_LU_CERTIFICATES  64         /* that the status tells of */

typedef struct {
    ngx_str_t                  path;
    time_t                     end;
} ngx_lu_certificate_t;


typedef struct {
    ngx_array_t                stores;  /* of ngx_lu_store_t * */
    ngx_str_t                  machine; /* its name in all stores */
    ngx_cycle_t               *cycle;
    ngx_shm_zone_t            *zone;
    size_t                     cache;   /* of each store and worker, bytes */
    ngx_uint_t                 pooled;  /* "thread_pool default" is there */
    ngx_array_t                certificates; /* of ngx_lu_certificate_t, */
                                        /* those that end first are first */
} ngx_lu_main_conf_t;


/* liveupdate_fetch: where builds come from, and the limits of a fetch. */

typedef struct {
    ngx_str_t                  uri;     /* of the internal location */
    ngx_uint_t                 files;   /* of a release, at most */
    off_t                      size;    /* of all its files, bytes, at most */
    ngx_msec_t                 retry;   /* before the second try */
    ngx_uint_t                 tries;   /* at most */
} ngx_lu_fetch_conf_t;


/* liveupdate_webhook: who may announce a release. */

typedef struct {
    ngx_array_t                secrets; /* of lu_str_t */
    ngx_array_t                apps;    /* of ngx_str_t; empty: all apps */
    unsigned                   is_github:1;
} ngx_lu_webhook_conf_t;


/* liveupdate_github: where pull requests are opened. */

typedef struct {
    ngx_str_t                  repo;    /* "owner/name" */
    ngx_str_t                  api;     /* URL, without "/" at the end */
    ngx_str_t                  base;    /* branch; empty: the default one */
    ngx_str_t                  uri;     /* of the internal location */
    ngx_keyval_t              *headers; /* the last one is empty */
} ngx_lu_github_conf_t;


/* liveupdate_publish_s3: uploads of S3 clients. */

typedef struct {
    ngx_str_t                  path;    /* of the file with the keys */
    lu_key_t                  *keys;
    size_t                     nkeys;
    ngx_array_t               *expects; /* of lu_str_t: manifests; or NULL */
    off_t                      size;    /* of a file, bytes, at most */
} ngx_lu_s3_conf_t;


/* liveupdate_notify: who is told of what happens. */

typedef struct {
    ngx_str_t                  path;    /* of the file with the targets */
    lu_target_t               *targets;
    size_t                     ntargets;
    uint32_t                   names;   /* a hash of theirs, in order */
    ngx_str_t                  uri;     /* of the internal location */
    ngx_msec_t                 retry;   /* before the second try */
    ngx_msec_t                 pause;   /* after that time without answers */
    ngx_uint_t                 disk;    /* per cent, that should be free */
} ngx_lu_notify_conf_t;


/* liveupdate_user: whom a proxy has signed in, and what they may do. */

typedef struct {
    ngx_http_complex_value_t   name;
    ngx_http_complex_value_t   roles;
    ngx_http_complex_value_t  *apps;    /* NULL: all */
    ngx_array_t                from;    /* of lu_network_t */
    ngx_array_t                headers; /* of ngx_str_t: that a value is of */
    ngx_int_t                  peer;    /* index of its variable, or -1 */
    unsigned                   from_unix:1;
    unsigned                   from_all:1;
} ngx_lu_user_conf_t;


#define NGX_LU_APPROVAL_OFF     0
#define NGX_LU_APPROVAL_ON      1
#define NGX_LU_APPROVAL_GITHUB  2


typedef struct {
    ngx_lu_store_t            *store;

    ngx_str_t                  tokens_path;
    lu_token_t                *tokens;
    size_t                     ntokens;

    ngx_lu_user_conf_t        *user;    /* NULL: nobody */

    ngx_http_complex_value_t  *base_url;
    ngx_http_complex_value_t  *everyone;  /* "" or "0": no */
    time_t                     valid;   /* of a copy, seconds */

    ngx_str_t                  threads_name;
    ngx_thread_pool_t         *threads; /* for what takes long, and jobs */
    ngx_thread_pool_t         *readers; /* for the rest, and the catalog */

    ngx_flag_t                 api;
    ngx_flag_t                 releases;  /* the API's, of approvers */
    ngx_flag_t                 artifacts;
    ngx_uint_t                 approval;
    ngx_flag_t                 blockmaps; /* missing ones are made */
    ngx_flag_t                 status;
    ngx_flag_t                 status_token;
    ngx_flag_t                 ready;
    ngx_http_complex_value_t  *feed;      /* the app's id */
    ngx_uint_t                 regex;     /* the location is one, or in one */
    ngx_http_complex_value_t  *download;  /* the app's id */

    ngx_lu_fetch_conf_t       *fetch;
    ngx_lu_webhook_conf_t     *webhook;
    ngx_lu_github_conf_t      *github;
    ngx_lu_s3_conf_t          *s3;
    ngx_lu_notify_conf_t      *notify;
    ngx_str_t                  keep;      /* the policy; data NULL: not set */
    time_t                     every;     /* seconds between two passes */
    off_t                      quota;     /* of an app, bytes; 0: none */
    off_t                      reserve;   /* of the disk; 0: none */
} ngx_lu_loc_conf_t;


/*
 * The context of a request.  Variables read the strings below by their offset,
 * so these must live as long as the request.
 */

typedef struct {
    ngx_str_t                  app;
    ngx_str_t                  release;
    ngx_str_t                  channel;
    ngx_str_t                  platform;
    ngx_str_t                  arch;
    ngx_str_t                  result;
    ngx_str_t                  checksum;
    ngx_str_t                  signature;
    ngx_str_t                  fetch_uri;   /* or the URL of another job */
    ngx_str_t                  fetch_path;

    ngx_http_request_t        *request;

    /* a request that waits for a thread */
    ngx_queue_t                queue;
    ngx_event_t               *timer;       /* NULL: it has not waited yet */
    ngx_msec_t                 deadline;
    unsigned                   waiting:1;
    unsigned                   waited:1;
    unsigned                   late:1;      /* it has waited long enough */

    ngx_atomic_uint_t          generation;  /* it needs at least this one */

    /* a file of a bundle that is looked for */
    ngx_lu_table_page_t       *page;        /* has the file if any has */
    unsigned                   plus:1;      /* "+" is a space */

    ngx_str_t                  key;         /* of a link to staged files */

    /* a file that is sent */
    ngx_lu_opened_t           *opened;
    ngx_lu_send_t             *send;        /* NULL: nginx reads it */
    ngx_str_t                  cache;       /* Cache-Control */
    ngx_str_t                  disposition; /* Content-Disposition */
    unsigned                   located:1;   /* r->uri is the file */
    unsigned                   begins:1;    /* may send opened->bytes */
    unsigned                   vary:1;      /* by Accept-Encoding */
    unsigned                   gzip:1;      /* the file is compressed */
    unsigned                   whole:1;     /* a device that gets it has got
                                               the release */

    /* an API call */
    ngx_lu_call_t             *call;
    ngx_err_t                  body_err;    /* the body could not be stored */
    const char                *s3_code;     /* of an error; NULL: by status */

    /* what is counted, and where: see zone/ngx_lu_count.h */
    ngx_lu_series_t           *series;
    ngx_uint_t                 count;
    ngx_uint_t                 kind;        /* ngx_lu_kind_e */
    unsigned                   no_app:1;
    unsigned                   counted:1;
} ngx_lu_ctx_t;


extern ngx_module_t  ngx_http_liveupdate_module;


/*
 * Returns the context of the request, which it creates if need be, or NULL if
 * memory is short.
 */

static ngx_inline ngx_lu_ctx_t *
ngx_lu_get_ctx(ngx_http_request_t *r)
{
    ngx_lu_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);
    if (ctx) {
        return ctx;
    }

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_lu_ctx_t));
    if (ctx == NULL) {
        return NULL;
    }

    ctx->request = r;

    ngx_http_set_ctx(r, ctx, ngx_http_liveupdate_module);

    return ctx;
}


/* Returns the pool as an arena of the core. */

static ngx_inline lu_arena_t
ngx_lu_arena(ngx_pool_t *pool)
{
    lu_arena_t  arena;

    arena.alloc = (void *(*)(void *, size_t)) ngx_palloc;
    arena.data = pool;

    return arena;
}


/* As ngx_cpymem(), but the source of no bytes may be NULL. */

static ngx_inline u_char *
ngx_lu_cpymem(u_char *dst, const u_char *src, size_t len)
{
    return len ? ngx_cpymem(dst, src, len) : dst;
}


/* The same bytes as a string of the core, and back as a string of nginx. */

static ngx_inline lu_str_t
ngx_lu_to_core(const ngx_str_t *str)
{
    lu_str_t  s;

    s.len = str->len;
    s.data = str->data;

    return s;
}


static ngx_inline ngx_str_t
ngx_lu_from_core(const lu_str_t *str)
{
    ngx_str_t  s;

    s.len = str->len;
    s.data = str->data;

    return s;
}


#include "ngx_lu_bearer.h"
#include "ngx_lu_format.h"
#include "ngx_lu_header.h"
#include "ngx_lu_reply.h"
#include "ngx_lu_thread.h"
#include "ngx_lu_url.h"
#include "ngx_lu_user.h"


#endif /* _NGX_LU_H_INCLUDED_ */
