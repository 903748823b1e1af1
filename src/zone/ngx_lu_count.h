
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Counters, which liveupdate_status reports.
 */


#ifndef _NGX_LU_COUNT_H_INCLUDED_
#define _NGX_LU_COUNT_H_INCLUDED_


#include "base/ngx_lu.h"

#include "core/lu_app.h"
#include "core/lu_hll.h"
#include "core/lu_label.h"
#include "core/lu_latest.h"
#include "core/lu_mark.h"
#include "core/lu_release.h"
#include "core/lu_sip.h"


/* 0: nothing is counted, to measure what counting costs */

#ifndef NGX_LU_COUNTING
#define NGX_LU_COUNTING  1
#endif


/* The kinds of requests that the module answers. */

typedef enum {
    NGX_LU_KIND_NONE = 0,
    NGX_LU_KIND_CHECK,
    NGX_LU_KIND_PROBE,                   /* a check with a token */
    NGX_LU_KIND_DISCOVERY,
    NGX_LU_KIND_ARTIFACT,
    NGX_LU_KIND_FEED,
    NGX_LU_KIND_DOWNLOAD,
    NGX_LU_KIND_API,
    NGX_LU_KIND_RELEASES,
    NGX_LU_KIND_WEBHOOK,
    NGX_LU_KIND_STATUS,
    NGX_LU_KINDS
} ngx_lu_kind_e;


/* The results, by status, of requests other than decided checks. */

typedef enum {
    NGX_LU_RESULT_OK = 0,
    NGX_LU_RESULT_REDIRECT,
    NGX_LU_RESULT_NOT_MODIFIED,
    NGX_LU_RESULT_INVALID,
    NGX_LU_RESULT_UNAUTHORIZED,
    NGX_LU_RESULT_FORBIDDEN,
    NGX_LU_RESULT_NOT_FOUND,
    NGX_LU_RESULT_NOT_ALLOWED,
    NGX_LU_RESULT_CONFLICT,
    NGX_LU_RESULT_TOO_LARGE,
    NGX_LU_RESULT_REFUSED,                   /* any other 4xx */
    NGX_LU_RESULT_LIMITED,                   /* limit_req, busy threads */
    NGX_LU_RESULT_CLOSED,                    /* by the client */
    NGX_LU_RESULT_FAILED,
    NGX_LU_RESULTS
} ngx_lu_result_e;


/* The counters of a series: checks by lu_check_e, requests for a build. */

#define NGX_LU_CHECKS  (LU_CHECK_UNSIGNED + 1)

enum {
    NGX_LU_COUNT_MANIFEST = NGX_LU_CHECKS,
    NGX_LU_COUNT_FILE,
    NGX_LU_COUNT_DOWNLOAD,
    NGX_LU_COUNTS
};


/* The sketches of a series: devices told of the release, and running it. */

enum {
    NGX_LU_SKETCH_TOLD = 0,
    NGX_LU_SKETCH_RUNNING,
    NGX_LU_SKETCHES
};


/* The results of the catalog's loads. */

enum {
    NGX_LU_LOADED = 0,
    NGX_LU_LOAD_UNCHANGED,
    NGX_LU_LOAD_ABSENT,
    NGX_LU_LOAD_FAILED,
    NGX_LU_LOADS
};


#define NGX_LU_LABELS        3
#define NGX_LU_APP_ROOM      64
#define NGX_LU_CHANNEL_ROOM  128
#define NGX_LU_RELEASE_ROOM  64


typedef struct ngx_lu_count_s   ngx_lu_count_t;
typedef struct ngx_lu_sketch_s  ngx_lu_sketch_t;


struct ngx_lu_series_s {
    ngx_atomic_t                    serial;
    ngx_lu_numbers_t               *numbers;
    ngx_lu_series_t                *next;        /* in the bucket */
    ngx_queue_t                     queue;       /* by the hour */
    uint32_t                        hash;
    uint32_t                        hour;        /* of its last use */
    ngx_lu_sketch_t                *sketches[NGX_LU_SKETCHES];
    ngx_atomic_t                    counts[NGX_LU_COUNTS];
    u_short                         len[NGX_LU_LABELS];
    u_char                          data[NGX_LU_APP_ROOM
                                         + NGX_LU_CHANNEL_ROOM
                                         + NGX_LU_RELEASE_ROOM];
};


struct ngx_lu_sketch_s {
    ngx_lu_series_t                *owner;
    ngx_queue_t                     queue;       /* by the hour */
    uint32_t                        hour;        /* of its last use */
    lu_hll_t                        hll;
};


/* the first targets of the file */

#define NGX_LU_BACKLOGS  64


/* Targets of notifications, by state. */

typedef enum {
    NGX_LU_TARGET_ACTIVE = 0,
    NGX_LU_TARGET_FAILING,
    NGX_LU_TARGET_PAUSED,
    NGX_LU_TARGETS
} ngx_lu_target_e;


/*
 * What one worker found on the disk, for all workers, for some seconds.  Times
 * are of ngx_current_msec, or seconds of the epoch.
 */

typedef struct {
    ngx_atomic_t                    claimed;     /* when it began, msec; or 0 */
    ngx_atomic_t                    at;          /* it ended, msec; or 0 */
    ngx_atomic_t                    took;        /* milliseconds */
    ngx_atomic_t                    states[LU_STATES];
    ngx_atomic_t                    oldest;      /* waits since, s; 0: none */
    ngx_atomic_t                    complete;
    ngx_atomic_t                    targets[NGX_LU_TARGETS];
    ngx_atomic_t                    failing;     /* since, s; 0: none */
    ngx_atomic_t                    delivered;   /* of all targets */
    ngx_atomic_t                    refused;
    ngx_atomic_t                    missed;
    ngx_atomic_t                    token;       /* ends, s; 0: not known */

    /* of each target, by the worker that sends; and when it did so last */
    ngx_atomic_t                    names;       /* a hash: of which targets */
    ngx_atomic_t                    waiting[NGX_LU_BACKLOGS];
    ngx_atomic_t                    since[NGX_LU_BACKLOGS];  /* s; 0: none */
    ngx_atomic_t                    notified;    /* msec; 0: never */
} ngx_lu_scan_t;


/* The numbers of a store; they are in the zone unless it is full. */

struct ngx_lu_numbers_s {
    ngx_lu_count_t                 *count;
    ngx_lu_numbers_t               *next;
    uint32_t                        hash;        /* of the store */

    ngx_atomic_t                    requests[NGX_LU_KINDS]
                                            [NGX_LU_RESULTS];
    ngx_atomic_t                    no_app;      /* checks */
    ngx_atomic_t                    loads[NGX_LU_LOADS];
    ngx_atomic_t                    staged;
    ngx_atomic_t                    stages_failed;
    ngx_atomic_t                    stage_bytes;
    ngx_atomic_t                    unready;     /* 1: that was logged */

    ngx_atomic_t                    retired[NGX_LU_COUNTS];
    ngx_lu_series_t                 other;       /* without a place */
    ngx_lu_scan_t                   scan;
};


/* All counters of a zone; the sizes of the tables never change. */

struct ngx_lu_count_s {
    ngx_shmtx_t                    *mutex;
    ngx_slab_pool_t                *shpool;
    size_t                          size;        /* of the zone */
    lu_sip_t                        secret;      /* of the buckets' hash */
    ngx_atomic_t                    serial;      /* the last one */
    ngx_lu_numbers_t               *numbers;     /* of the stores */

    ngx_lu_series_t                *series;
    ngx_lu_series_t               **buckets;
    ngx_uint_t                      nseries;
    ngx_uint_t                      used;
    ngx_queue_t                     oldest;      /* series, that one first */

    ngx_lu_sketch_t                *sketches;
    ngx_uint_t                      nsketches;
    ngx_uint_t                      drawn;
    ngx_queue_t                     idle;        /* sketches, oldest first */
    uint32_t                        exhausted;   /* in this hour */
};


/*
 * Creates the counters in a zone of that size, in bytes, or returns NULL if the
 * zone is too small.
 */

ngx_lu_count_t *ngx_lu_count_create(ngx_slab_pool_t *shpool, size_t size);

/*
 * Returns the numbers of the store, never NULL, in any thread.  The first call
 * in a worker takes the zone's mutex, and is made when the worker starts.
 */

ngx_lu_numbers_t *ngx_lu_count_numbers(ngx_lu_store_t *store);

/*
 * Copies a series without the mutex, for which checks would have to wait.
 * Returns 1, or 0 if the place is being given to another series.
 */

ngx_uint_t ngx_lu_count_copy(const ngx_lu_series_t *series,
    ngx_lu_series_t *copy);

/* Adds n to a counter, in any thread. */

#define ngx_lu_count_add(counter, n)                                          \
    (void) ngx_atomic_fetch_add(&(counter), (ngx_atomic_int_t) (n))

/*
 * Returns the current hour of series and sketches.  Hours are counted from the
 * start of the machine, so that setting the clock ages nothing.
 */

uint32_t ngx_lu_count_hour(void);

/*
 * Returns the series of these labels, of which channel and release may be NULL,
 * or the series of all others if the zone is full; never NULL.  The mark is the
 * one of these labels in a copy of the catalog; without it (NULL), the zone's
 * mutex is taken.  Only for the event loop.
 */

ngx_lu_series_t *ngx_lu_count_series(ngx_lu_store_t *store,
    const lu_mark_t *mark, const lu_str_t *app, const lu_str_t *channel,
    const lu_str_t *release);

/*
 * The same of requests for a desktop build, which may be NULL.  The label tells
 * for whom it is.
 */

ngx_lu_series_t *ngx_lu_count_desktop(ngx_lu_store_t *store,
    const lu_mark_t *mark, const lu_str_t *app, const lu_build_t *build,
    const lu_label_t *label);

/*
 * Counts a decided check.  The mark is that of the deployment, or else of the
 * channel, or else of the app.  The hash is that of the device, which only who
 * knows the zone's secret can choose; 0: a check without a device.
 */

void ngx_lu_count_check(ngx_http_request_t *r, const lu_mark_t *mark,
    const lu_app_t *app, const lu_channel_t *channel,
    const lu_deployment_t *deployment, lu_check_e result, uint64_t device);

/*
 * Adds the handler of the log phase, which counts all other requests.  Returns
 * NGX_OK, or NGX_ERROR if memory is short.
 */

ngx_int_t ngx_lu_count_init(ngx_conf_t *cf);


/* The names of checks, kinds, results and loads. */

extern ngx_str_t    ngx_lu_count_checks[];      /* by lu_check_e */
extern const char  *ngx_lu_count_kinds[];       /* by ngx_lu_kind_e */
extern const char  *ngx_lu_count_results[];     /* by ngx_lu_result_e */
extern const char  *ngx_lu_count_loads[];       /* NGX_LU_LOADS of them */


#endif /* _NGX_LU_COUNT_H_INCLUDED_ */
