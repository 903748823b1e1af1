
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#ifndef _NGX_LU_H_INCLUDED_
#define _NGX_LU_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include <ngx_thread_pool.h>

#include "core/lu_app.h"
#include "core/lu_manifest.h"
#include "core/lu_td.h"
#include "core/lu_token.h"


#if !(NGX_THREADS)
#error "the liveupdate module requires --with-threads"
#endif


#define NGX_LU_JSON_SIZE   (1024 * 1024)
#define NGX_LU_EVENT_SIZE  (25 * 1024 * 1024)
#define NGX_LU_FILE_SIZE   (64 * 1024 * 1024)
#define NGX_LU_STORE_PATH  2048
#define NGX_LU_UUID_LEN    36


#if (__GNUC__)
#define ngx_lu_prefetch(p)  __builtin_prefetch(p)
#else
#define ngx_lu_prefetch(p)
#endif


/* one tree of all nodes would be a way of many cold cache lines */

#define NGX_LU_TREES  1024


typedef struct ngx_lu_node_s  ngx_lu_node_t;
typedef struct ngx_lu_load_s  ngx_lu_load_t;
typedef struct ngx_lu_call_s  ngx_lu_call_t;
typedef struct ngx_lu_jobs_s  ngx_lu_jobs_t;
typedef struct ngx_lu_job_s   ngx_lu_job_t;

typedef struct ngx_lu_numbers_s  ngx_lu_numbers_t;
typedef struct ngx_lu_series_s   ngx_lu_series_t;


/* A store, shared by all locations that name the same folder. */

typedef struct {
    ngx_str_t                       path;        /* full, no "/" at the end */
    uint32_t                        hash;        /* of the path */
    ngx_shm_zone_t                 *zone;
    ngx_lu_numbers_t               *numbers;     /* in the zone */

    /* a worker's copies of apps and file tables, see catalog.c */
    ngx_rbtree_t                    trees[NGX_LU_TREES];
    ngx_rbtree_node_t               sentinel;
    ngx_queue_t                     evictable;   /* most recent first */
    size_t                          size;        /* of what is evictable */
    ngx_lu_load_t                  *looks;       /* which wait for "look" */
    ngx_uint_t                      nlooks;
    ngx_event_t                     look;
    ngx_thread_pool_t              *readers;     /* for looks */

    ngx_lu_jobs_t                  *jobs;        /* NULL: it fetches nothing */
} ngx_lu_store_t;


typedef struct {
    ngx_array_t                     stores;      /* of store_t * */
    ngx_shm_zone_t                 *zone;
} ngx_lu_main_conf_t;


/* liveupdate_fetch: where builds come from, and how much of it. */

typedef struct {
    ngx_str_t                       uri;         /* of the internal location */
    ngx_uint_t                      files;       /* of a release, at most */
    off_t                           size;        /* of all of them, bytes */
    ngx_msec_t                      retry;       /* the first wait */
    ngx_uint_t                      tries;       /* at most */
} ngx_lu_fetch_conf_t;


/* liveupdate_webhook: who may announce a release. */

typedef struct {
    ngx_array_t                     secrets;     /* of lu_str_t */
    ngx_array_t                     apps;        /* of ngx_str_t; none: all */
    unsigned                        is_github:1;
} ngx_lu_webhook_conf_t;


/* liveupdate_github: where pull requests are opened. */

typedef struct {
    ngx_str_t                       repo;        /* "owner/name" */
    ngx_str_t                       owner;
    ngx_str_t                       api;         /* without "/" at the end */
    ngx_str_t                       base;        /* branch; empty: default */
    ngx_str_t                       uri;         /* of the internal location */
    ngx_keyval_t                   *headers;     /* the last one is empty */
} ngx_lu_github_conf_t;


/* The two files, as they are at a commit of the base branch. */

typedef struct {
    u_char                         *commit;
    lu_str_t                        builds;
    lu_str_t                        rules;
    u_char                         *error;       /* why that cannot be done */
} ngx_lu_approved_t;


typedef struct {
    ngx_lu_store_t                 *store;

    ngx_str_t                       tokens_path;
    lu_token_t                     *tokens;
    size_t                          ntokens;

    ngx_http_complex_value_t       *base_url;
    time_t                          valid;       /* seconds */

    ngx_str_t                       threads_name;
    ngx_thread_pool_t              *threads;     /* for changes */
    ngx_thread_pool_t              *readers;     /* for loads */

    ngx_flag_t                      api;
    ngx_flag_t                      releases;    /* and is for approvers */
    ngx_flag_t                      artifacts;
    ngx_uint_t                      approval;
    ngx_flag_t                      status;
    ngx_flag_t                      status_token;
    ngx_http_complex_value_t       *feed;        /* the app's id */
    ngx_http_complex_value_t       *download;    /* the app's id */

    ngx_lu_fetch_conf_t                 *fetch;
    ngx_lu_webhook_conf_t               *webhook;
    ngx_lu_github_conf_t                *github;
} ngx_lu_loc_conf_t;


#define NGX_LU_APPROVAL_OFF     0
#define NGX_LU_APPROVAL_ON      1
#define NGX_LU_APPROVAL_GITHUB  2


/* What the variables say of a request, and where it waits. */

typedef struct {
    ngx_str_t                       app;
    ngx_str_t                       release;
    ngx_str_t                       channel;
    ngx_str_t                       platform;
    ngx_str_t                       result;
    ngx_str_t                       checksum;
    ngx_str_t                       signature;
    ngx_str_t                       cache;       /* Cache-Control */
    ngx_str_t                       disposition; /* Content-Disposition */
    ngx_str_t                       fetch_uri;   /* also github_url */
    ngx_str_t                       fetch_path;

    ngx_lu_call_t                  *call;
    ngx_err_t                       body_err;    /* it could not be kept */

    ngx_queue_t                     queue;
    ngx_http_request_t             *request;
    ngx_atomic_uint_t               generation;  /* at least this new */
    unsigned                        waiting:1;
    unsigned                        waited:1;
    unsigned                        located:1;   /* the URI is chosen */
    unsigned                        vary:1;      /* by Accept-Encoding */
    unsigned                        gzip:1;      /* the file is compressed */

    /* what is to be counted, and of what; see count.h */
    ngx_lu_series_t                *series;
    ngx_uint_t                      count;
    ngx_uint_t                      kind;
    unsigned                        no_app:1;
    unsigned                        counted:1;
} ngx_lu_ctx_t;


/*
 * Disk work, in a thread: its memory, and the system call that failed.  The
 * thread owns the pool and logs nothing; who started it says what failed.
 */

typedef struct {
    ngx_pool_t                     *pool;
    ngx_err_t                       err;
    const char                     *operation;   /* "rename()" */
    u_char                         *path;
} ngx_lu_io_t;


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


/* What src/core allocates from: the pool. */

static ngx_inline lu_arena_t
ngx_lu_arena(ngx_pool_t *pool)
{
    lu_arena_t  arena;

    arena.alloc = (void *(*)(void *, size_t)) ngx_palloc;
    arena.data = pool;

    return arena;
}


/* The same bytes as a string of the core, and as a string of nginx. */

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
#include "ngx_lu_header.h"
#include "ngx_lu_reply.h"
#include "ngx_lu_thread.h"
#include "ngx_lu_url.h"


/*
 * Conf: the setters of liveupdate_fetch, liveupdate_webhook, liveupdate_github;
 * the token file of a location, and the jobs of its store.
 */

char *ngx_lu_conf_fetch(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_lu_conf_webhook(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_lu_conf_github(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_lu_conf_tokens(ngx_conf_t *cf, ngx_lu_loc_conf_t *lucf);
char *ngx_lu_conf_jobs(ngx_conf_t *cf, ngx_lu_loc_conf_t *lucf);


/*
 * Catalog: parsed copies in memory.  get() returns NGX_OK with the copy, or
 * with NULL if there is no such app or release; it is good until the event
 * ends.  NGX_AGAIN: the request waits and r->write_event_handler, which the
 * caller set, is called when it is worth asking again (ctx->waiting is 0
 * then).  NGX_ERROR: it is there, but could not be read, or out of memory.
 */

void ngx_lu_catalog_init(ngx_lu_store_t *store);

ngx_int_t ngx_lu_catalog_app(ngx_http_request_t *r, ngx_str_t *id,
    lu_app_t **app);

typedef struct {
    lu_file_t                      *files;       /* sorted by href */
    size_t                          nfiles;
} ngx_lu_files_t;

ngx_int_t ngx_lu_catalog_files(ngx_http_request_t *r, ngx_str_t *app,
    ngx_str_t *release, ngx_lu_files_t **files);

/* A td-latest-*.json of the app's feed, by its name. */

ngx_int_t ngx_lu_catalog_td(ngx_http_request_t *r, ngx_str_t *app,
    ngx_str_t *name, lu_td_t **td);


/*
 * Load: reads and parses what a node of the catalog is to have, and whatever
 * is chained to it, in a thread.  NGX_DECLINED: there is no such file;
 * NGX_DONE: it is the one that the node has.
 */

typedef enum {
    NGX_LU_NODE_APP = 0,
    NGX_LU_NODE_FILES,
    NGX_LU_NODE_TD
} ngx_lu_node_e;

struct ngx_lu_load_s {
    ngx_lu_io_t                     io;          /* its pool ends with it */
    ngx_lu_load_t                  *next;        /* in the same task */
    ngx_thread_task_t              *task;
    ngx_lu_node_t                  *node;
    ngx_lu_node_e                   kind;
    ngx_str_t                       path;        /* of the store */
    ngx_str_t                       app;
    ngx_str_t                       name;
    ngx_atomic_uint_t               generation;

    /* the file that the node has, then the one that was read */
    ngx_file_uniq_t                 uniq;
    struct timespec                 changed;
    ngx_uint_t                      compare;

    ngx_int_t                       rc;
    ngx_pool_t                     *pool;        /* of the copy */
    size_t                          size;
    void                           *copy;
    lu_error_t                      error;
};

void ngx_lu_load_thread(void *data, ngx_log_t *log);


/* Latest: what devices ask */

ngx_int_t ngx_lu_latest_handler(ngx_http_request_t *r, ngx_str_t *app);
ngx_int_t ngx_lu_discovery_handler(ngx_http_request_t *r, ngx_str_t *app);


/*
 * Static: init() adds a precontent handler and a header filter, which let
 * nginx's static handler send a file of the store.  refuse() answers from
 * that phase in JSON, finish() ends a request that was answered there; both
 * return what the handler returns.
 */

ngx_int_t ngx_lu_static_init(ngx_conf_t *cf);
ngx_int_t ngx_lu_static_refuse(ngx_http_request_t *r, ngx_uint_t status,
    const char *text);
ngx_int_t ngx_lu_static_finish(ngx_http_request_t *r, ngx_int_t rc);

/*
 * Artifact, feed: pick the file.  NGX_DECLINED: r->uri is that of a file below
 * the store, and ctx says what to say of it; NGX_AGAIN, NGX_DONE, a status.
 */

ngx_int_t ngx_lu_artifact_handler(ngx_http_request_t *r);
ngx_int_t ngx_lu_feed_handler(ngx_http_request_t *r);

/*
 * Manifest: sends the file that r->uri is, if it is small, out of memory.
 * NGX_DECLINED: nginx's static handler is to send it.
 */

ngx_int_t ngx_lu_manifest_send(ngx_http_request_t *r);


/* Api: finds out what a request of the Capawesome API wants, and who asks. */

ngx_int_t ngx_lu_api_handler(ngx_http_request_t *r);


#endif /* _NGX_LU_H_INCLUDED_ */
