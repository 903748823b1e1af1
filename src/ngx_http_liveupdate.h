
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#ifndef _NGX_HTTP_LIVEUPDATE_H_INCLUDED_
#define _NGX_HTTP_LIVEUPDATE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include <ngx_thread_pool.h>

#include "liveupdate_app.h"
#include "liveupdate_change.h"
#include "liveupdate_download.h"
#include "liveupdate_feed.h"
#include "liveupdate_latest.h"
#include "liveupdate_name.h"
#include "liveupdate_query.h"
#include "liveupdate_route.h"
#include "liveupdate_sha256.h"
#include "liveupdate_time.h"
#include "liveupdate_token.h"


#if !(NGX_THREADS)
#error "the liveupdate module requires --with-threads"
#endif


#define NGX_HTTP_LIVEUPDATE_JSON_SIZE  (1024 * 1024)
#define NGX_HTTP_LIVEUPDATE_EVENT_SIZE (25 * 1024 * 1024)
#define NGX_HTTP_LIVEUPDATE_FILE_SIZE  (64 * 1024 * 1024)
#define NGX_HTTP_LIVEUPDATE_UUID_LEN   36


/* r and ngx_http_headers_out_t's lists changed in nginx 1.23.0 */

#if (nginx_version >= 1023000)
#define ngx_http_liveupdate_header_end(h)  (h)->next = NULL
#else
#define ngx_http_liveupdate_header_end(h)
#endif


#if (__GNUC__)
#define ngx_http_liveupdate_prefetch(p)  __builtin_prefetch(p)
#else
#define ngx_http_liveupdate_prefetch(p)
#endif


/* one tree of all nodes would be a way of many cold cache lines */

#define NGX_HTTP_LIVEUPDATE_TREES  1024


typedef struct ngx_http_liveupdate_node_s  ngx_http_liveupdate_node_t;
typedef struct ngx_http_liveupdate_load_s  ngx_http_liveupdate_load_t;
typedef struct ngx_http_liveupdate_call_s  ngx_http_liveupdate_call_t;
typedef struct ngx_http_liveupdate_jobs_s  ngx_http_liveupdate_jobs_t;
typedef struct ngx_http_liveupdate_job_s   ngx_http_liveupdate_job_t;

typedef struct ngx_http_liveupdate_numbers_s  ngx_http_liveupdate_numbers_t;
typedef struct ngx_http_liveupdate_series_s   ngx_http_liveupdate_series_t;


/* A store, shared by all locations that name the same folder. */

typedef struct {
    ngx_str_t                       path;        /* full, no "/" at the end */
    uint32_t                        hash;        /* of the path */
    ngx_shm_zone_t                 *zone;
    ngx_http_liveupdate_numbers_t  *numbers;     /* in the zone */

    /* a worker's copies of apps and file tables, see catalog.c */
    ngx_rbtree_t                    trees[NGX_HTTP_LIVEUPDATE_TREES];
    ngx_rbtree_node_t               sentinel;
    ngx_queue_t                     evictable;   /* most recent first */
    size_t                          size;        /* of what is evictable */
    ngx_http_liveupdate_load_t     *looks;       /* which wait for "look" */
    ngx_uint_t                      nlooks;
    ngx_event_t                     look;
    ngx_thread_pool_t              *readers;     /* for looks */

    ngx_http_liveupdate_jobs_t     *jobs;        /* NULL: it fetches nothing */
} ngx_http_liveupdate_store_t;


typedef struct {
    ngx_array_t                     stores;      /* of store_t * */
    ngx_shm_zone_t                 *zone;
} ngx_http_liveupdate_main_conf_t;


/* liveupdate_fetch: where builds come from, and how much of it. */

typedef struct {
    ngx_str_t                       uri;         /* of the internal location */
    ngx_uint_t                      files;       /* of a release, at most */
    off_t                           size;        /* of all of them, bytes */
    ngx_msec_t                      retry;       /* the first wait */
    ngx_uint_t                      tries;       /* at most */
} ngx_http_liveupdate_fetch_conf_t;


/* liveupdate_webhook: who may announce a release. */

typedef struct {
    ngx_array_t                     secrets;     /* of liveupdate_str_t */
    ngx_array_t                     apps;        /* of ngx_str_t; none: all */
    unsigned                        is_github:1;
} ngx_http_liveupdate_webhook_conf_t;


/* liveupdate_github: where pull requests are opened. */

typedef struct {
    ngx_str_t                       repo;        /* "owner/name" */
    ngx_str_t                       owner;
    ngx_str_t                       api;         /* without "/" at the end */
    ngx_str_t                       base;        /* branch; empty: default */
    ngx_str_t                       uri;         /* of the internal location */
    ngx_keyval_t                   *headers;     /* the last one is empty */
} ngx_http_liveupdate_github_conf_t;


/* The two files, as they are at a commit of the base branch. */

typedef struct {
    u_char                         *commit;
    liveupdate_str_t                builds;
    liveupdate_str_t                rules;
    u_char                         *error;       /* why that cannot be done */
} ngx_http_liveupdate_approved_t;


typedef struct {
    ngx_http_liveupdate_store_t    *store;

    ngx_str_t                       tokens_path;
    liveupdate_token_t             *tokens;
    size_t                          ntokens;

    ngx_http_complex_value_t       *base_url;
    time_t                          valid;       /* seconds */

    ngx_str_t                       threads_name;
    ngx_thread_pool_t              *threads;     /* for changes */
    ngx_thread_pool_t              *readers;     /* for loads */

    ngx_flag_t                      api;
    ngx_flag_t                      artifacts;
    ngx_uint_t                      approval;
    ngx_flag_t                      status;
    ngx_flag_t                      status_token;
    ngx_http_complex_value_t       *feed;        /* the app's id */
    ngx_http_complex_value_t       *download;    /* the app's id */

    ngx_http_liveupdate_fetch_conf_t    *fetch;
    ngx_http_liveupdate_webhook_conf_t  *webhook;
    ngx_http_liveupdate_github_conf_t   *github;
} ngx_http_liveupdate_loc_conf_t;


#define NGX_HTTP_LIVEUPDATE_APPROVAL_OFF     0
#define NGX_HTTP_LIVEUPDATE_APPROVAL_ON      1
#define NGX_HTTP_LIVEUPDATE_APPROVAL_GITHUB  2


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

    ngx_http_liveupdate_call_t     *call;
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
    ngx_http_liveupdate_series_t   *series;
    ngx_uint_t                      count;
    ngx_uint_t                      kind;
    unsigned                        no_app:1;
    unsigned                        counted:1;
} ngx_http_liveupdate_ctx_t;


/*
 * Disk work, in a thread: its memory, and the system call that failed.  The
 * thread owns the pool and logs nothing; who started it says what failed.
 */

typedef struct {
    ngx_pool_t                     *pool;
    ngx_err_t                       err;
    const char                     *operation;   /* "rename()" */
    u_char                         *path;
} ngx_http_liveupdate_io_t;


/* Module, in ngx_http_liveupdate_module.c */

extern ngx_module_t  ngx_http_liveupdate_module;

ngx_http_liveupdate_ctx_t *ngx_http_liveupdate_get_ctx(ngx_http_request_t *r);


/*
 * Conf: the setters of liveupdate_fetch, liveupdate_webhook, liveupdate_github;
 * the token file of a location, and the jobs of its store.
 */

char *ngx_http_liveupdate_conf_fetch(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_liveupdate_conf_webhook(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_liveupdate_conf_github(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_liveupdate_conf_tokens(ngx_conf_t *cf,
    ngx_http_liveupdate_loc_conf_t *lucf);
char *ngx_http_liveupdate_conf_jobs(ngx_conf_t *cf,
    ngx_http_liveupdate_loc_conf_t *lucf);


/*
 * Zone: shared memory.  A generation belongs to a group of apps and grows
 * with each change of one of them.
 */

char *ngx_http_liveupdate_zone(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
ngx_shm_zone_t *ngx_http_liveupdate_zone_add(ngx_conf_t *cf, ngx_str_t *name,
    size_t size);

/* Slots for apps; the slot of an app of a store. */

ngx_atomic_t *ngx_http_liveupdate_generation(
    ngx_http_liveupdate_store_t *store, ngx_str_t *app);

/*
 * Devices as they were last seen, the least recent forgotten when the zone is
 * full.  The strings are copied; longer ones than the zone keeps are cut.
 */

typedef struct {
    ngx_str_t                       app;
    ngx_str_t                       id;
    ngx_str_t                       app_version_code;
    ngx_str_t                       app_version_name;
    ngx_str_t                       os_version;
    ngx_str_t                       plugin_version;
    ngx_str_t                       custom_id;
    ngx_str_t                       channel_id;
    ngx_str_t                       deployment_id;
    ngx_uint_t                      platform;
    time_t                          created;
    time_t                          seen;
} ngx_http_liveupdate_device_t;

void ngx_http_liveupdate_device_seen(ngx_http_liveupdate_store_t *store,
    ngx_http_liveupdate_device_t *device);

/* NGX_OK with copies from the pool, NGX_DECLINED, or NGX_ERROR. */

ngx_int_t ngx_http_liveupdate_device_find(ngx_http_liveupdate_store_t *store,
    ngx_pool_t *pool, ngx_str_t *app, ngx_str_t *id,
    ngx_http_liveupdate_device_t *device);

void ngx_http_liveupdate_device_forget(ngx_http_liveupdate_store_t *store,
    ngx_str_t *app, ngx_str_t *id);

/* The app's devices among the most recently seen ones, at most n. */

ngx_int_t ngx_http_liveupdate_device_list(ngx_http_liveupdate_store_t *store,
    ngx_pool_t *pool, ngx_str_t *app, ngx_http_liveupdate_device_t *devices,
    ngx_uint_t *n);


/*
 * Catalog: parsed copies in memory.  get() returns NGX_OK with the copy, or
 * with NULL if there is no such app or release; it is good until the event
 * ends.  NGX_AGAIN: the request waits and r->write_event_handler, which the
 * caller set, is called when it is worth asking again (ctx->waiting is 0
 * then).  NGX_ERROR: out of memory.
 */

void ngx_http_liveupdate_catalog_init(ngx_http_liveupdate_store_t *store);

ngx_int_t ngx_http_liveupdate_catalog_app(ngx_http_request_t *r,
    ngx_str_t *id, liveupdate_app_t **app);

typedef struct {
    liveupdate_file_t              *files;       /* sorted by href */
    size_t                          nfiles;
} ngx_http_liveupdate_files_t;

ngx_int_t ngx_http_liveupdate_catalog_files(ngx_http_request_t *r,
    ngx_str_t *app, ngx_str_t *release, ngx_http_liveupdate_files_t **files);

/* A td-latest-*.json of the app's feed, by its name. */

ngx_int_t ngx_http_liveupdate_catalog_td(ngx_http_request_t *r,
    ngx_str_t *app, ngx_str_t *name, liveupdate_td_t **td);


/*
 * Load: reads and parses what a node of the catalog is to have, and whatever
 * is chained to it, in a thread.  NGX_DECLINED: there is no such file;
 * NGX_DONE: it is the one that the node has.
 */

typedef enum {
    NGX_HTTP_LIVEUPDATE_NODE_APP = 0,
    NGX_HTTP_LIVEUPDATE_NODE_FILES,
    NGX_HTTP_LIVEUPDATE_NODE_TD
} ngx_http_liveupdate_node_e;

struct ngx_http_liveupdate_load_s {
    ngx_http_liveupdate_io_t        io;          /* its pool ends with it */
    ngx_http_liveupdate_load_t     *next;        /* in the same task */
    ngx_thread_task_t              *task;
    ngx_http_liveupdate_node_t     *node;
    ngx_http_liveupdate_node_e      kind;
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
    liveupdate_error_t              error;
};

void ngx_http_liveupdate_load_thread(void *data, ngx_log_t *log);


/* Latest: what devices ask */

ngx_int_t ngx_http_liveupdate_latest_handler(ngx_http_request_t *r,
    ngx_str_t *app);
ngx_int_t ngx_http_liveupdate_discovery_handler(ngx_http_request_t *r,
    ngx_str_t *app);


/*
 * Static: init() adds a precontent handler and a header filter, which let
 * nginx's static handler send a file of the store.  refuse() answers from
 * that phase in JSON, finish() ends a request that was answered there; both
 * return what the handler returns.
 */

ngx_int_t ngx_http_liveupdate_static_init(ngx_conf_t *cf);
ngx_int_t ngx_http_liveupdate_static_refuse(ngx_http_request_t *r,
    ngx_uint_t status, const char *text);
ngx_int_t ngx_http_liveupdate_static_finish(ngx_http_request_t *r,
    ngx_int_t rc);

/*
 * Artifact, feed: pick the file.  NGX_DECLINED: r->uri is that of a file below
 * the store, and ctx says what to say of it; NGX_AGAIN, NGX_DONE, a status.
 */

ngx_int_t ngx_http_liveupdate_artifact_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_liveupdate_feed_handler(ngx_http_request_t *r);

/*
 * Manifest: sends the file that r->uri is, if it is small, out of memory.
 * NGX_DECLINED: nginx's static handler is to send it.
 */

ngx_int_t ngx_http_liveupdate_manifest_send(ngx_http_request_t *r);


/*
 * Reply: JSON out (send() with the status in headers_out, text from the
 * request's pool or longer-lived), errors as {"message": ...}, who asks, and
 * the base of absolute URLs.
 */

ngx_int_t ngx_http_liveupdate_send_json(ngx_http_request_t *r,
    ngx_uint_t status, ngx_str_t *text);
ngx_int_t ngx_http_liveupdate_send_text(ngx_http_request_t *r,
    ngx_uint_t status, ngx_str_t *type, ngx_str_t *text);
ngx_int_t ngx_http_liveupdate_send_error(ngx_http_request_t *r,
    ngx_uint_t status, liveupdate_error_t *err);
ngx_int_t ngx_http_liveupdate_send_message(ngx_http_request_t *r,
    ngx_uint_t status, const char *text);

/*
 * The error as a terminated sentence from the pool, whatever bytes its subject
 * is made of; NULL: out of memory.
 */

u_char *ngx_http_liveupdate_sentence(ngx_pool_t *pool,
    liveupdate_error_t *err);

/*
 * The token of an "Authorization: Bearer" header; NULL if there is none that
 * is known; *presented tells whether the client tried.
 */

const liveupdate_token_t *ngx_http_liveupdate_token(ngx_http_request_t *r,
    ngx_uint_t *presented);

ngx_int_t ngx_http_liveupdate_base_url(ngx_http_request_t *r,
    ngx_str_t *base);

/* A response header, or NULL; the strings must live as long as the request. */

ngx_table_elt_t *ngx_http_liveupdate_header(ngx_http_request_t *r,
    const char *name, ngx_str_t *value);


/*
 * Store: the only room that writes, renames, links, locks or syncs.  All of
 * it runs in threads.  NGX_OK; NGX_DECLINED: the file does not exist (or for
 * link() and mkdir(): exists already); NGX_ERROR with io filled in.
 */

u_char *ngx_http_liveupdate_path(ngx_pool_t *pool, const char *fmt, ...);

/* The folder that a path lies in, or NULL. */

u_char *ngx_http_liveupdate_folder(ngx_pool_t *pool, u_char *path);

/* Keeps errno and what failed: NGX_ERROR. */

ngx_int_t ngx_http_liveupdate_io_failed(ngx_http_liveupdate_io_t *io,
    const char *operation, u_char *path);

ngx_int_t ngx_http_liveupdate_store_read(ngx_http_liveupdate_io_t *io,
    u_char *path, ngx_str_t *text, ngx_file_info_t *fi);

/* *json is the caller's to free; NGX_ERROR with EINVAL if it does not parse. */

ngx_int_t ngx_http_liveupdate_store_read_json(ngx_http_liveupdate_io_t *io,
    u_char *path, cJSON **json);

/* Replaces a file whole and durably: temporary file, sync, rename, sync. */

ngx_int_t ngx_http_liveupdate_store_write(ngx_http_liveupdate_io_t *io,
    ngx_http_liveupdate_store_t *store, u_char *path, const char *text,
    size_t len);
ngx_int_t ngx_http_liveupdate_store_write_json(ngx_http_liveupdate_io_t *io,
    ngx_http_liveupdate_store_t *store, u_char *path, const cJSON *json);

/* Makes an empty file, durably, unless it is there; its lock stays as it is. */

ngx_int_t ngx_http_liveupdate_store_touch(ngx_http_liveupdate_io_t *io,
    u_char *path);

/*
 * Adds a line durably, behind the last one that is whole.  A line that could
 * not be written leaves nothing behind.
 */

ngx_int_t ngx_http_liveupdate_store_append(ngx_http_liveupdate_io_t *io,
    u_char *path, const char *text, size_t len);

/*
 * The pieces of a file, one after the other and an empty one at the end; what
 * the handler returns other than NGX_OK ends it and is returned.
 */

ngx_int_t ngx_http_liveupdate_store_pieces(ngx_http_liveupdate_io_t *io,
    u_char *path,
    ngx_int_t (*handler)(void *data, u_char *bytes, size_t len), void *data);

/*
 * A new file in tmp/.  commit() syncs it, gives it its name and syncs the
 * folder; rename() only gives it the name.  Both close it, and discard it if
 * they fail.
 */

typedef struct {
    ngx_fd_t                        fd;
    u_char                         *path;
    liveupdate_sha256_t             sha256;      /* of what was written */
} ngx_http_liveupdate_temp_t;

ngx_int_t ngx_http_liveupdate_temp_create(ngx_http_liveupdate_io_t *io,
    ngx_http_liveupdate_store_t *store, ngx_http_liveupdate_temp_t *temp);
ngx_int_t ngx_http_liveupdate_temp_write(ngx_http_liveupdate_io_t *io,
    ngx_http_liveupdate_temp_t *temp, const u_char *data, size_t len);
ngx_int_t ngx_http_liveupdate_temp_sync(ngx_http_liveupdate_io_t *io,
    ngx_http_liveupdate_temp_t *temp);
ngx_int_t ngx_http_liveupdate_temp_rename(ngx_http_liveupdate_io_t *io,
    ngx_http_liveupdate_temp_t *temp, u_char *path);
ngx_int_t ngx_http_liveupdate_temp_commit(ngx_http_liveupdate_io_t *io,
    ngx_http_liveupdate_temp_t *temp, u_char *path);
void ngx_http_liveupdate_temp_discard(ngx_http_liveupdate_temp_t *temp);

/*
 * A lock file, held until the descriptor is closed.  lock() makes it if need
 * be; what is locked may be deleted and made anew only by who holds its lock.
 */

ngx_int_t ngx_http_liveupdate_store_lock(ngx_http_liveupdate_io_t *io,
    u_char *path, ngx_fd_t *fd);
ngx_int_t ngx_http_liveupdate_store_lock_existing(
    ngx_http_liveupdate_io_t *io, u_char *path, ngx_fd_t *fd);

/* Like the latter, without waiting: NGX_BUSY, somebody else has it. */

ngx_int_t ngx_http_liveupdate_store_try_lock(ngx_http_liveupdate_io_t *io,
    u_char *path, ngx_fd_t *fd);
void ngx_http_liveupdate_store_unlock(ngx_fd_t fd);

ngx_int_t ngx_http_liveupdate_store_mkdir(ngx_http_liveupdate_io_t *io,
    u_char *path);
ngx_int_t ngx_http_liveupdate_store_mkdirs(ngx_http_liveupdate_io_t *io,
    u_char *root, u_char *path);
ngx_int_t ngx_http_liveupdate_store_rename(ngx_http_liveupdate_io_t *io,
    u_char *from, u_char *to);
ngx_int_t ngx_http_liveupdate_store_link(ngx_http_liveupdate_io_t *io,
    u_char *from, u_char *to);
ngx_int_t ngx_http_liveupdate_store_stamp(ngx_http_liveupdate_io_t *io,
    u_char *path, time_t time);
ngx_int_t ngx_http_liveupdate_store_unlink(ngx_http_liveupdate_io_t *io,
    u_char *path);
ngx_int_t ngx_http_liveupdate_store_sync(ngx_http_liveupdate_io_t *io,
    u_char *path);

/* A new folder in tmp/, and the way back; nobody else knows of it. */

ngx_int_t ngx_http_liveupdate_store_mkdtemp(ngx_http_liveupdate_io_t *io,
    ngx_http_liveupdate_store_t *store, u_char **path);
void ngx_http_liveupdate_store_discard(u_char *path);

/* All folders of a tree; a whole tree, through tmp/ so that it goes at once. */

ngx_int_t ngx_http_liveupdate_store_sync_tree(ngx_http_liveupdate_io_t *io,
    u_char *path);
ngx_int_t ngx_http_liveupdate_store_remove_tree(ngx_http_liveupdate_io_t *io,
    ngx_http_liveupdate_store_t *store, u_char *path);

/* Names of a folder's entries, sorted, without hidden ones; elts ngx_str_t. */

ngx_int_t ngx_http_liveupdate_store_list(ngx_http_liveupdate_io_t *io,
    u_char *path, ngx_array_t *names);

/* Empties tmp/ of what an earlier run of this machine left; at start only. */

ngx_int_t ngx_http_liveupdate_store_clean(ngx_http_liveupdate_store_t *store,
    ngx_cycle_t *cycle);


/* Api: finds out what a request of the Capawesome API wants, and who asks. */

ngx_int_t ngx_http_liveupdate_api_handler(ngx_http_request_t *r);

/*
 * NGX_DECLINED: the token has the role (0: none is needed), and is for the
 * route's app, if there is one; anything else ends the request.
 */

ngx_int_t ngx_http_liveupdate_authorize(ngx_http_request_t *r,
    liveupdate_route_t *route, unsigned role,
    const liveupdate_token_t **token_out);


/*
 * Call: a request that may wait for the disk.  All of it is the thread's
 * until the thread has ended; the request lives on meanwhile.
 */

typedef ngx_int_t (*ngx_http_liveupdate_action_pt)(
    ngx_http_liveupdate_call_t *call);

struct ngx_http_liveupdate_call_s {
    ngx_http_liveupdate_io_t        io;
    ngx_http_liveupdate_store_t    *store;
    ngx_http_request_t             *request;
    const liveupdate_token_t       *token;
    const char                     *by;          /* the token's name */
    ngx_http_liveupdate_action_pt   action;

    /* the request; app, id and sub are terminated */
    liveupdate_route_t              route;
    liveupdate_str_t                args;
    ngx_str_t                       content_type;
    ngx_str_t                       base_url;
    ngx_chain_t                    *body;
    off_t                           body_size;
    off_t                           body_max;    /* 0: as nginx allows */
    cJSON                          *json;        /* of the body, or NULL */
    char                            now[LIVEUPDATE_TIME_SIZE];

    /* what a change is about, and what the audit log says of it */
    void                           *data;
    ngx_http_liveupdate_job_t      *job;         /* that makes this call */
    ngx_http_liveupdate_action_pt   finish;
    const char                     *change;
    const char                     *subject;
    const char                     *from;
    const char                     *to;

    /* the answer */
    cJSON                          *answer;
    char                           *text;        /* of it, from malloc() */
    const char                     *text_type;   /* NULL: JSON */
    u_char                         *location;
    liveupdate_error_t              error;
    ngx_int_t                       status;

    unsigned                        parse:1;     /* the body is JSON */
    unsigned                        aside:1;     /* threads of its own */
    unsigned                        approval:1;  /* a person decides */
    unsigned                        wake:1;      /* there is a new job */
    unsigned                        listed:1;    /* rules are a file's */
};


/*
 * Reads the body, if one is wanted, runs the action in a thread and sends its
 * answer.  Returns what a content handler returns.
 */

#define NGX_HTTP_LIVEUPDATE_BODY_NONE  0
#define NGX_HTTP_LIVEUPDATE_BODY_JSON  1      /* into call->json */
#define NGX_HTTP_LIVEUPDATE_BODY_TEXT  2      /* as it is, at most 1 MB */
#define NGX_HTTP_LIVEUPDATE_BODY_FORM  3      /* as it is */
#define NGX_HTTP_LIVEUPDATE_BODY_EVENT 4      /* as it is, at most 25 MB */

ngx_http_liveupdate_call_t *ngx_http_liveupdate_call_create(
    ngx_http_request_t *r, liveupdate_route_t *route,
    const liveupdate_token_t *token, ngx_http_liveupdate_action_pt action);
ngx_int_t ngx_http_liveupdate_call_run(ngx_http_request_t *r,
    ngx_http_liveupdate_call_t *call, ngx_uint_t body);

/*
 * A call that no request has made, for a job; it, and what it allocates, lives
 * as long as the pool, and dies with it.  NULL: out of memory.
 */

ngx_http_liveupdate_call_t *ngx_http_liveupdate_call_of_job(
    ngx_http_liveupdate_job_t *job, ngx_pool_t *pool);

/*
 * Makes the thread that calls it, one of a pool that answers no devices, give
 * way to the others.
 */

void ngx_http_liveupdate_aside(void);

/*
 * For actions, which return the HTTP status of the answer: refuse() keeps the
 * sentence, failed() says that the disk (507, 500) or the memory (500) did
 * not do, unread() the same of a read of a release's own file, and that it was
 * deleted meanwhile (404) if rc is NGX_DECLINED.
 */

ngx_int_t ngx_http_liveupdate_refuse(ngx_http_liveupdate_call_t *call,
    ngx_int_t status, const char *text);
ngx_int_t ngx_http_liveupdate_core_status(ngx_http_liveupdate_call_t *call,
    liveupdate_rc_e rc);
ngx_int_t ngx_http_liveupdate_failed(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_unread(ngx_http_liveupdate_call_t *call,
    ngx_int_t rc);
ngx_int_t ngx_http_liveupdate_nomem(ngx_http_liveupdate_call_t *call);

liveupdate_arena_t ngx_http_liveupdate_arena(ngx_pool_t *pool);

/*
 * A UUID (RFC 9562) from the call's pool: a new random one, of version 4, or
 * one made of 16 bytes of the caller's, which it changes.
 */

char *ngx_http_liveupdate_uuid(ngx_http_liveupdate_call_t *call);
char *ngx_http_liveupdate_uuid_of(ngx_http_liveupdate_call_t *call,
    u_char *bytes, ngx_uint_t version);

/* The decoded query parameter, terminated; NULL if absent or empty. */

char *ngx_http_liveupdate_arg(ngx_http_liveupdate_call_t *call,
    const char *name);

/* "limit" (50 if absent, at most 1000) and "offset" of a list. */

void ngx_http_liveupdate_page(ngx_http_liveupdate_call_t *call,
    ngx_uint_t *limit, ngx_uint_t *offset);

/*
 * Runs a change of the call's app as a transaction: lock, read, change,
 * audit line, write, generation, unlock.  The change returns a status: below
 * 300 the app is written, otherwise nothing is.  call->finish, if there is
 * one, is called before the lock goes, when nobody is told of the old any
 * more; it returns NGX_OK or a status.
 */

typedef ngx_int_t (*ngx_http_liveupdate_change_pt)(
    ngx_http_liveupdate_call_t *call, cJSON *app);

ngx_int_t ngx_http_liveupdate_change(ngx_http_liveupdate_call_t *call,
    ngx_http_liveupdate_change_pt change);

/*
 * Writes down a change in the audit.log of a folder: the app's, or the store
 * if the app goes.  NGX_OK or NGX_ERROR.
 */

ngx_int_t ngx_http_liveupdate_audit(ngx_http_liveupdate_call_t *call,
    u_char *folder, double generation);

/*
 * Apps: each of them, as a tree (the handler returns NGX_OK, or a status that
 * ends it), and the lock under which they come and go (NGX_OK, or NGX_ERROR).
 */

ngx_int_t ngx_http_liveupdate_apps_each(ngx_http_liveupdate_call_t *call,
    ngx_int_t (*handler)(ngx_http_liveupdate_call_t *call, cJSON *app,
                         void *data),
    void *data);
ngx_int_t ngx_http_liveupdate_apps_lock(ngx_http_liveupdate_call_t *call,
    ngx_fd_t *lock);

/* There is one organization from the beginning; others are written down. */

#define NGX_HTTP_LIVEUPDATE_ORGANIZATION                                      \
    "00000000-0000-4000-8000-000000000000"

/* NGX_OK if there is such an organization, or a status. */

ngx_int_t ngx_http_liveupdate_organization_check(
    ngx_http_liveupdate_call_t *call, const char *id);
ngx_int_t ngx_http_liveupdate_no_organization(
    ngx_http_liveupdate_call_t *call);

/* Makes the call's app with that name, if there is none: NGX_OK or a status. */

ngx_int_t ngx_http_liveupdate_app_ensure(ngx_http_liveupdate_call_t *call,
    const char *name);

/* The lock of the call's app: NGX_OK, or a status. */

ngx_int_t ngx_http_liveupdate_app_lock(ngx_http_liveupdate_call_t *call,
    ngx_fd_t *lock);

/* The app's tree, to be freed by the caller: NGX_OK or a status. */

ngx_int_t ngx_http_liveupdate_app_read(ngx_http_liveupdate_call_t *call,
    cJSON **app);

/*
 * A release's tree from live/ or staging/, to be freed by the caller, and the
 * folder it is in.  NGX_OK or a status.
 */

ngx_int_t ngx_http_liveupdate_release_read(ngx_http_liveupdate_call_t *call,
    const char *id, cJSON **release, u_char **folder);

/* The pieces of the body, one after the other, from memory or its file. */

ngx_int_t ngx_http_liveupdate_body(ngx_http_liveupdate_call_t *call,
    liveupdate_rc_e (*handler)(void *data, const u_char *bytes, size_t len),
    void *data);

/* All of it, from the call's pool: NGX_OK or a status. */

ngx_int_t ngx_http_liveupdate_body_text(ngx_http_liveupdate_call_t *call,
    liveupdate_str_t *text);

/* Who sends a body for which there is no place on the disk is told so. */

void ngx_http_liveupdate_body_init(void);


/*
 * Bundle, promote: call->data is a release, staged or live.  deploy() puts it
 * into its channel (NGX_OK, or a status); promote() also under live/, with
 * the app locked and its tree given, and rename() only that (200, or a
 * status).  release() promotes one as the approval API asks for it, which may
 * change its tree.  answer() describes it and returns the status that it is
 * given, or another one.
 */

ngx_int_t ngx_http_liveupdate_bundle_deploy(ngx_http_liveupdate_call_t *call,
    cJSON *app);
ngx_int_t ngx_http_liveupdate_bundle_promote(ngx_http_liveupdate_call_t *call,
    cJSON *app);
ngx_int_t ngx_http_liveupdate_bundle_release(ngx_http_liveupdate_call_t *call,
    cJSON *app, cJSON *release, ngx_uint_t is_live);
ngx_int_t ngx_http_liveupdate_bundle_rename(ngx_http_liveupdate_call_t *call,
    const char *id);
ngx_int_t ngx_http_liveupdate_bundle_answer(ngx_http_liveupdate_call_t *call,
    const cJSON *release, const char *artifact_status, ngx_int_t status);

/*
 * 1 if the channel is protected and whoever calls may not approve; and the
 * status of what is refused for that.  protect() makes a bundle that is for
 * such a channel wait for approval.
 */

ngx_uint_t ngx_http_liveupdate_protected(ngx_http_liveupdate_call_t *call,
    const cJSON *channel);
ngx_int_t ngx_http_liveupdate_refuse_protected(
    ngx_http_liveupdate_call_t *call);
void ngx_http_liveupdate_protect(ngx_http_liveupdate_call_t *call,
    const cJSON *app, const cJSON *release);

/*
 * The lock of the call's release in staging: NGX_OK, with NGX_INVALID_FILE if
 * there is no such release in staging, or a status.
 */

ngx_int_t ngx_http_liveupdate_bundle_hold(ngx_http_liveupdate_call_t *call,
    ngx_fd_t *lock);

/* A string member, copied into the call's pool; NULL: none, or no memory. */

char *ngx_http_liveupdate_member(ngx_http_liveupdate_call_t *call,
    const cJSON *object, const char *key);


/*
 * Release, desktop: promote() makes a release visible; the app is locked and
 * its tree given.  rollout() is the part of the devices that the call asks
 * for: NGX_OK, NGX_DECLINED if it asks for none, or a status.  done() is the
 * answer to a change of call->subject.  withdraw() takes its files out of the
 * feed.  state() of a release that lies in "staging" or in "live" is a literal
 * or a part of it; is_live() tells by its folder where it lies.
 *
 * release_change() is change() of the release that the call names, while
 * nobody verifies or completes it.  job_path() is the file of the job that
 * call->subject has, if it has one; NULL: out of memory.
 */

const char *ngx_http_liveupdate_release_state(const cJSON *app,
    const cJSON *release, const char *place);

ngx_uint_t ngx_http_liveupdate_release_is_live(
    ngx_http_liveupdate_call_t *call, u_char *folder);

ngx_int_t ngx_http_liveupdate_release_change(
    ngx_http_liveupdate_call_t *call, ngx_http_liveupdate_change_pt change);
u_char *ngx_http_liveupdate_job_path(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_release_promote(
    ngx_http_liveupdate_call_t *call, cJSON *app);
ngx_int_t ngx_http_liveupdate_release_rollout(
    ngx_http_liveupdate_call_t *call, double *rollout);
ngx_int_t ngx_http_liveupdate_release_done(ngx_http_liveupdate_call_t *call,
    const char *state);
ngx_int_t ngx_http_liveupdate_desktop_promote(
    ngx_http_liveupdate_call_t *call, cJSON *app, const cJSON *release,
    u_char *folder);
ngx_int_t ngx_http_liveupdate_desktop_withdraw(
    ngx_http_liveupdate_call_t *call);


/*
 * Form: a body with one file, which is read into a temporary file, and fields,
 * which are terminated; others are ignored.  read() returns NGX_OK or a
 * status; discard() must follow in either case.  Who takes the temporary file
 * over sets has_file to 0.
 */

enum {
    NGX_HTTP_LIVEUPDATE_FIELD_CHECKSUM = 0,
    NGX_HTTP_LIVEUPDATE_FIELD_HREF,
    NGX_HTTP_LIVEUPDATE_FIELD_TYPE,
    NGX_HTTP_LIVEUPDATE_FIELD_NAME,
    NGX_HTTP_LIVEUPDATE_FIELD_SIGNATURE,
    NGX_HTTP_LIVEUPDATE_FIELD_SIZE,
    NGX_HTTP_LIVEUPDATE_FIELD_PART,
    NGX_HTTP_LIVEUPDATE_FIELDS
};

typedef struct {
    ngx_http_liveupdate_call_t     *call;
    const char                     *file_name;   /* of the file's field */
    ngx_http_liveupdate_temp_t      temp;
    char                            sha256[LIVEUPDATE_SHA256_HEX + 1];
    liveupdate_str_t                fields[NGX_HTTP_LIVEUPDATE_FIELDS];
    liveupdate_str_t               *field;       /* that is being read */
    unsigned                        has_file:1;
    unsigned                        in_file:1;
    unsigned                        failed:1;    /* the disk did */
} ngx_http_liveupdate_form_t;

ngx_int_t ngx_http_liveupdate_form_read(ngx_http_liveupdate_call_t *call,
    ngx_http_liveupdate_form_t *form, const char *file_name);
void ngx_http_liveupdate_form_discard(ngx_http_liveupdate_form_t *form);


/*
 * Bundle: an upload's folder, the table of what was uploaded so far (sorted by
 * href), and the lock that its changes need.  lock(): NGX_OK with the lock, or
 * a status if it is not open for uploads.
 */

ngx_int_t ngx_http_liveupdate_bundle_lock(ngx_http_liveupdate_call_t *call,
    ngx_fd_t *lock, cJSON **release, u_char **folder);

/*
 * Verify, stage: make a staged release of what was uploaded, or write down
 * why not: a bundle of the CLI, and a desktop release.  NGX_OK, or a status.
 * Digests (of digest_t) that are known spare the reading of files that are
 * still the same; NULL: none are.
 */

typedef struct {
    liveupdate_str_t                name;
    uint64_t                        size;
    ngx_file_uniq_t                 uniq;
    time_t                          mtime;
    char                            sha256[LIVEUPDATE_SHA256_HEX + 1];
    unsigned char                   sha512[SHA512_DIGEST_LENGTH];
} ngx_http_liveupdate_digest_t;

ngx_int_t ngx_http_liveupdate_digest(ngx_http_liveupdate_io_t *io,
    u_char *path, ngx_http_liveupdate_digest_t *digest);

ngx_int_t ngx_http_liveupdate_verify(ngx_http_liveupdate_call_t *call,
    u_char *folder, cJSON *release);
ngx_int_t ngx_http_liveupdate_stage(ngx_http_liveupdate_call_t *call,
    u_char *folder, cJSON *release, ngx_array_t *digests);

/*
 * Staging: what these have in common.  clean() removes what a try before this
 * one has left, place() links a file into files/, complete() writes the file
 * table and that the release is staged, refuse() that it is not, and returns
 * the status.
 */

ngx_int_t ngx_http_liveupdate_staging_clean(ngx_http_liveupdate_call_t *call,
    u_char *folder, const char *name);
ngx_int_t ngx_http_liveupdate_staging_place(ngx_http_liveupdate_call_t *call,
    u_char *folder, u_char *data, const liveupdate_str_t *href);
ngx_int_t ngx_http_liveupdate_staging_complete(
    ngx_http_liveupdate_call_t *call, u_char *folder, cJSON *release,
    const liveupdate_file_t *files, size_t n);
ngx_int_t ngx_http_liveupdate_staging_refuse(ngx_http_liveupdate_call_t *call,
    u_char *folder, cJSON *release, ngx_int_t status);

/*
 * Gzip: makes the compressed twin of a file of a release, if it is of a kind
 * that compresses, and says so in file->gzip.  NGX_OK, or a status.
 */

ngx_int_t ngx_http_liveupdate_gzip(ngx_http_liveupdate_call_t *call,
    u_char *folder, u_char *data, liveupdate_file_t *file);


/* Resources of the API: actions, and their JSON for others' relations */

ngx_int_t ngx_http_liveupdate_organizations_get(
    ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_organizations_post(
    ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_organization_get(
    ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_organization_patch(
    ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_organization_delete(
    ngx_http_liveupdate_call_t *call);

ngx_int_t ngx_http_liveupdate_apps_get(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_apps_post(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_app_get(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_app_patch(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_app_delete(ngx_http_liveupdate_call_t *call);

ngx_int_t ngx_http_liveupdate_channels_get(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_channels_post(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_channels_delete(
    ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_channel_get(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_channel_patch(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_channel_remove(
    ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_channel_pause_post(
    ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_channel_resume_post(
    ngx_http_liveupdate_call_t *call);

ngx_int_t ngx_http_liveupdate_bundles_post(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_bundle_get(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_bundle_patch(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_bundle_delete(ngx_http_liveupdate_call_t *call);

ngx_int_t ngx_http_liveupdate_files_post(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_upload_post(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_upload_put(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_upload_delete(ngx_http_liveupdate_call_t *call);

ngx_int_t ngx_http_liveupdate_deployments_get(
    ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_deployments_post(
    ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_deployment_get(
    ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_deployment_patch(
    ngx_http_liveupdate_call_t *call);

ngx_int_t ngx_http_liveupdate_builds_get(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_build_get(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_build_patch(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_download_get(ngx_http_liveupdate_call_t *call);

ngx_int_t ngx_http_liveupdate_devices_get(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_devices_patch(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_device_get(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_device_patch(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_device_delete(ngx_http_liveupdate_call_t *call);

ngx_int_t ngx_http_liveupdate_releases_get(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_release_get(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_release_promote_post(
    ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_release_reject_post(
    ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_release_withdraw_post(
    ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_release_delete(
    ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_desktop_stage_post(
    ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_release_fetch_post(
    ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_release_retry_post(
    ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_releases_rollback_post(
    ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_rules_get(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_rules_put(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_audit_get(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_approved_get(ngx_http_liveupdate_call_t *call);

cJSON *ngx_http_liveupdate_channel_json(ngx_http_liveupdate_call_t *call,
    const cJSON *channel);
cJSON *ngx_http_liveupdate_deployment_json(ngx_http_liveupdate_call_t *call,
    const cJSON *deployment, const cJSON *channel);
cJSON *ngx_http_liveupdate_build_json(ngx_http_liveupdate_call_t *call,
    const cJSON *release);


#endif /* _NGX_HTTP_LIVEUPDATE_H_INCLUDED_ */
