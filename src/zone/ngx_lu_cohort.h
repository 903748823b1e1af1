
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The cohorts of guarded deployments, as this machine has seen their devices.
 */


#ifndef _NGX_LU_COHORT_H_INCLUDED_
#define _NGX_LU_COHORT_H_INCLUDED_


#include "base/ngx_lu.h"

#include "core/lu_funnel.h"


typedef struct ngx_lu_cohorts_s  ngx_lu_cohorts_t;


/* What a check says about a guarded deployment. */

typedef struct {
    lu_cohort_check_t   check;
    ngx_str_t           deployment;     /* ids of up to 64 bytes */
    ngx_str_t           release;
    ngx_str_t           channel;        /* name of up to 128 bytes */
} ngx_lu_cohort_check_t;


/* A cohort, copied. */

typedef struct {
    lu_cohort_t         counts;
    uint64_t            serial;         /* of its place: never used again */
    ngx_atomic_uint_t   changes;
    time_t              start;

    /* for ngx_lu_cohort_written() */
    lu_funnel_t         funnel;
    ngx_uint_t          blamed;         /* the guard has spoken */

    u_char              app[NGX_LU_UUID_LEN + 29];         /* terminated */
    u_char              deployment[NGX_LU_UUID_LEN + 29];
    u_char              release[NGX_LU_UUID_LEN + 29];
} ngx_lu_cohort_copy_t;


/* What metrics have of a cohort. */

typedef struct {
    lu_funnel_t         funnel;         /* as this machine has written it */
    ngx_uint_t          blamed;
    lu_str_t            app;            /* terminated, as the others */
    lu_str_t            channel;
    lu_str_t            release;
    lu_str_t            deployment;
    u_char              data[3 * (NGX_LU_UUID_LEN + 28) + 128 + 4];
} ngx_lu_cohort_sample_t;


/*
 * Creates the table of cohorts in a zone of that size, in bytes, or returns
 * NULL if the zone is too small.
 */

ngx_lu_cohorts_t *ngx_lu_cohort_create(ngx_slab_pool_t *shpool, size_t size);

/*
 * Both are called with the zone's mutex held.  check() counts a check of a
 * device of the app; fetched() that it has got the whole of a release.  What a
 * full table has no place for is not counted.
 */

void ngx_lu_cohort_check(ngx_lu_cohorts_t *cohorts, ngx_lu_store_t *store,
    const ngx_str_t *app, ngx_lu_cohort_check_t *check,
    lu_cohort_device_t *device);
void ngx_lu_cohort_fetched(ngx_lu_cohorts_t *cohorts, ngx_lu_store_t *store,
    const ngx_str_t *app, const ngx_str_t *release, ngx_uint_t platform,
    lu_cohort_device_t *device);

/*
 * Copies the next cohort of the store, from place *n on, and moves *n behind
 * it.  With "due", only one that has changed since ngx_lu_cohort_written(), or
 * for which that was minutes ago.  NGX_OK, or NGX_DONE: there are no more.
 * Takes the mutex.
 */

ngx_int_t ngx_lu_cohort_next(ngx_lu_cohorts_t *cohorts, ngx_lu_store_t *store,
    ngx_uint_t *n, ngx_uint_t due, ngx_lu_cohort_copy_t *copy);

/*
 * The counts of a copy are in the store, with the funnel of it, and of what was
 * written before; takes the mutex.
 */

void ngx_lu_cohort_written(ngx_lu_cohorts_t *cohorts,
    const ngx_lu_cohort_copy_t *copy);

/*
 * Copies what was written of the next cohort of the store which devices have
 * asked for within an hour, as ngx_lu_cohort_next() does.  Takes no mutex, for
 * a thread of lowered priority.
 */

ngx_int_t ngx_lu_cohort_sample(ngx_lu_cohorts_t *cohorts,
    ngx_lu_store_t *store, ngx_uint_t *n, ngx_lu_cohort_sample_t *sample);


#endif /* _NGX_LU_COHORT_H_INCLUDED_ */
