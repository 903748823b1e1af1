
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What was counted, as it was at one moment.
 */


#ifndef _NGX_LU_SNAPSHOT_H_INCLUDED_
#define _NGX_LU_SNAPSHOT_H_INCLUDED_


#include "zone/ngx_lu_count.h"


/*
 * Rows are sorted by app, channel and release, and those of desktop builds by
 * app and release: a release has a row for each platform, architecture and
 * channel that it was asked for.  Each app and each channel has a row of its
 * own, in front of those that belong to it.
 */

typedef enum {
    NGX_LU_ROW_APP = 0,
    NGX_LU_ROW_CHANNEL,
    NGX_LU_ROW_RELEASE,
    NGX_LU_ROW_DESKTOP
} ngx_lu_row_e;


typedef struct {
    ngx_lu_row_e         level;
    lu_str_t             app;           /* null-terminated, as the others */
    lu_str_t             channel;
    lu_str_t             release;
    lu_str_t             platform;      /* of a desktop build */
    lu_str_t             arch;
    ngx_atomic_uint_t    counts[NGX_LU_COUNTS];

    /* estimates, of the last day and of the last 30 days */
    double               devices[2];
    double               running[2];
    unsigned             estimated:1;
} ngx_lu_row_t;


typedef struct {
    ngx_lu_numbers_t    *numbers;
    ngx_lu_store_t      *store;
    const char          *app;           /* only this one, or NULL */
    const lu_token_t    *token;         /* and what it is for, or NULL */
    ngx_array_t          rows;          /* of ngx_lu_row_t */
    ngx_atomic_uint_t    checks[NGX_LU_CHECKS];
    ngx_atomic_uint_t    other[NGX_LU_COUNTS];
    ngx_atomic_uint_t    changes;
    size_t               free;          /* bytes of the zone */
    ngx_uint_t           series;        /* in use */
    ngx_uint_t           sketches;
    time_t               now;
} ngx_lu_snapshot_t;


/*
 * Takes a snapshot of the store's counters, allocated from the pool: of one
 * app, or of all apps (NULL), and only of those that the token is for (NULL:
 * all).  Runs in a thread.  Returns NGX_OK, or NGX_ERROR if memory is short.
 */

ngx_int_t ngx_lu_snapshot(ngx_lu_store_t *store, ngx_pool_t *pool,
    const char *app, const lu_token_t *token, ngx_lu_snapshot_t *snapshot);

/*
 * Returns the seconds since the oldest staged release has been waiting, at
 * least 1, or 0 if none is waiting.
 */

double ngx_lu_snapshot_waiting(ngx_lu_snapshot_t *snapshot);

/* Returns the seconds since the releases on the disk were counted. */

double ngx_lu_snapshot_scan_age(ngx_lu_snapshot_t *snapshot);


#endif /* _NGX_LU_SNAPSHOT_H_INCLUDED_ */
