
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_bound.h"

#include <pthread.h>


/* Of malloc(), as its data is: whoever is the last to need it frees it. */

typedef struct {
    pthread_mutex_t   mutex;
    pthread_cond_t    cond;
    ngx_uint_t        done;
    ngx_uint_t        left;             /* nobody waits for it any more */
    ngx_lu_bound_pt   run;
    ngx_lu_bound_pt   release;
    void             *data;
} ngx_lu_bound_t;


static ngx_lu_bound_t *ngx_lu_bound_create(void);
static void ngx_lu_bound_free(ngx_lu_bound_t *bound);
static ngx_int_t ngx_lu_bound_start(ngx_lu_bound_t *bound);
static ngx_int_t ngx_lu_bound_wait(ngx_lu_bound_t *bound);
static void *ngx_lu_bound_thread(void *data);


/* of this process: threads that have not come back */

static ngx_atomic_t  ngx_lu_bound_hung;


ngx_int_t
ngx_lu_bound(ngx_lu_bound_pt run, ngx_lu_bound_pt release, void *data)
{
    ngx_lu_bound_t  *bound;

    /* each reload would leave another thread behind */

    if (ngx_lu_bound_hung >= NGX_LU_BOUND_THREADS) {
        return NGX_DECLINED;
    }

    bound = ngx_lu_bound_create();
    if (bound == NULL) {
        return NGX_ERROR;
    }

    bound->run = run;
    bound->release = release;
    bound->data = data;

    if (ngx_lu_bound_start(bound) != NGX_OK) {
        ngx_lu_bound_free(bound);
        return NGX_ERROR;
    }

    if (ngx_lu_bound_wait(bound) != NGX_OK) {
        return NGX_BUSY;
    }

    ngx_lu_bound_free(bound);

    return NGX_OK;
}


static ngx_lu_bound_t *
ngx_lu_bound_create(void)
{
    ngx_lu_bound_t      *bound;
    pthread_condattr_t   attr;

    bound = calloc(1, sizeof(ngx_lu_bound_t));
    if (bound == NULL) {
        return NULL;
    }

    (void) pthread_mutex_init(&bound->mutex, NULL);

    (void) pthread_condattr_init(&attr);
    (void) pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void) pthread_cond_init(&bound->cond, &attr);
    (void) pthread_condattr_destroy(&attr);

    return bound;
}


static void
ngx_lu_bound_free(ngx_lu_bound_t *bound)
{
    (void) pthread_cond_destroy(&bound->cond);
    (void) pthread_mutex_destroy(&bound->mutex);

    free(bound);
}


/* The thread takes no signals: they are for the master process. */

static ngx_int_t
ngx_lu_bound_start(ngx_lu_bound_t *bound)
{
    int             rc;
    sigset_t        all, old;
    pthread_t       thread;
    pthread_attr_t  attr;

    (void) sigfillset(&all);
    (void) pthread_sigmask(SIG_SETMASK, &all, &old);

    (void) pthread_attr_init(&attr);
    (void) pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);

    rc = pthread_create(&thread, &attr, ngx_lu_bound_thread, bound);

    (void) pthread_attr_destroy(&attr);
    (void) pthread_sigmask(SIG_SETMASK, &old, NULL);

    if (rc) {
        ngx_set_errno(rc);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* After NGX_ERROR the thread has the memory. */

static ngx_int_t
ngx_lu_bound_wait(ngx_lu_bound_t *bound)
{
    int              rc;
    ngx_uint_t       done;
    struct timespec  until;

    (void) clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += NGX_LU_BOUND_WAIT;

    rc = 0;

    (void) pthread_mutex_lock(&bound->mutex);

    while (!bound->done && rc == 0) {
        rc = pthread_cond_timedwait(&bound->cond, &bound->mutex, &until);
    }

    done = bound->done;
    bound->left = !done;

    if (bound->left) {
        (void) ngx_atomic_fetch_add(&ngx_lu_bound_hung, 1);
    }

    (void) pthread_mutex_unlock(&bound->mutex);

    return done ? NGX_OK : NGX_ERROR;
}


static void *
ngx_lu_bound_thread(void *data)
{
    ngx_lu_bound_t *bound = data;

    ngx_uint_t  left;

    bound->run(bound->data);

    (void) pthread_mutex_lock(&bound->mutex);

    bound->done = 1;
    left = bound->left;

    (void) pthread_cond_signal(&bound->cond);
    (void) pthread_mutex_unlock(&bound->mutex);

    if (left) {
        bound->release(bound->data);
        ngx_lu_bound_free(bound);

        (void) ngx_atomic_fetch_add(&ngx_lu_bound_hung, -1);
    }

    return NULL;
}
