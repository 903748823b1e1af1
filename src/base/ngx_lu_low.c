
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_low.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>

#if (NGX_LINUX)
#include <sys/syscall.h>
#endif


#define NGX_LU_LOW_PRIORITY  19
#define NGX_LU_LOW_SLICE     100000000      /* nanoseconds */


typedef struct ngx_lu_low_s  ngx_lu_low_t;

struct ngx_lu_low_s {
    ngx_lu_low_e     level;
    sem_t            begun;
    sem_t            done;
    ngx_lu_low_pt    run;
    void            *data;
    ngx_lu_low_t    *next;
};


#if (NGX_LINUX)

/* sched_attr of the kernel, which glibc has from 2.41 on */

typedef struct {
    uint32_t         size;
    uint32_t         policy;
    uint64_t         flags;
    int32_t          nice;
    uint32_t         priority;
    uint64_t         runtime;
    uint64_t         deadline;
    uint64_t         period;
} ngx_lu_low_attr_t;

#endif


static ngx_lu_low_t *ngx_lu_low_get(ngx_lu_low_e level);
static ngx_lu_low_t *ngx_lu_low_create(ngx_lu_low_e level);
static void ngx_lu_low_put(ngx_lu_low_t *low);
static void *ngx_lu_low_cycle(void *data);
static void ngx_lu_low_priority(ngx_lu_low_e level);
static void ngx_lu_low_wait(sem_t *sem);


/* of the process: those that have nothing to do; only pools take the mutex */

static pthread_mutex_t   ngx_lu_low_mutex = PTHREAD_MUTEX_INITIALIZER;
static ngx_lu_low_t     *ngx_lu_low_free[NGX_LU_LOW_LEVELS];


ngx_int_t
ngx_lu_low_run(ngx_lu_low_e level, ngx_lu_low_pt run, void *data)
{
    ngx_lu_low_t  *low;

    low = ngx_lu_low_get(level);
    if (low == NULL) {
        return NGX_ERROR;
    }

    low->run = run;
    low->data = data;

    (void) sem_post(&low->begun);

    ngx_lu_low_wait(&low->done);
    ngx_lu_low_put(low);

    return NGX_OK;
}


static ngx_lu_low_t *
ngx_lu_low_get(ngx_lu_low_e level)
{
    ngx_lu_low_t  *low;

    (void) pthread_mutex_lock(&ngx_lu_low_mutex);

    low = ngx_lu_low_free[level];

    if (low) {
        ngx_lu_low_free[level] = low->next;
    }

    (void) pthread_mutex_unlock(&ngx_lu_low_mutex);

    return low ? low : ngx_lu_low_create(level);
}


static ngx_lu_low_t *
ngx_lu_low_create(ngx_lu_low_e level)
{
    pthread_t      thread;
    ngx_lu_low_t  *low;

    low = ngx_calloc(sizeof(ngx_lu_low_t), ngx_cycle->log);
    if (low == NULL) {
        return NULL;
    }

    low->level = level;

    if (sem_init(&low->begun, 0, 0) == -1
        || sem_init(&low->done, 0, 0) == -1
        || pthread_create(&thread, NULL, ngx_lu_low_cycle, low) != 0)
    {
        ngx_free(low);
        return NULL;
    }

    (void) pthread_detach(thread);

    return low;
}


static void
ngx_lu_low_put(ngx_lu_low_t *low)
{
    (void) pthread_mutex_lock(&ngx_lu_low_mutex);

    low->next = ngx_lu_low_free[low->level];
    ngx_lu_low_free[low->level] = low;

    (void) pthread_mutex_unlock(&ngx_lu_low_mutex);
}


/*
 * A thread has its priority before it has work: one that is lowered while it
 * runs keeps the processor until the next tick of the kernel, and so has others
 * wait for up to 4 ms.
 */

static void *
ngx_lu_low_cycle(void *data)
{
    ngx_lu_low_t *low = data;

    ngx_lu_low_priority(low->level);

    for ( ;; ) {
        ngx_lu_low_wait(&low->begun);

        low->run(low->data);

        (void) sem_post(&low->done);
    }

    return NULL;
}


/*
 * On Linux these are of the thread, not of the process.  Whoever wakes takes
 * the processor at once from who is idle, and from Linux 6.12 on mostly from
 * who has a longer slice.
 */

static void
ngx_lu_low_priority(ngx_lu_low_e level)
{
#if (NGX_LINUX)

    struct sched_param  param;
    ngx_lu_low_attr_t   attr;

    if (level == NGX_LU_LOW_IDLE) {
        ngx_memzero(&param, sizeof(struct sched_param));

        (void) sched_setscheduler(0, SCHED_IDLE, &param);
        return;
    }

    ngx_memzero(&attr, sizeof(ngx_lu_low_attr_t));

    attr.size = sizeof(ngx_lu_low_attr_t);
    attr.nice = NGX_LU_LOW_PRIORITY;
    attr.runtime = NGX_LU_LOW_SLICE;

    if (syscall(SYS_sched_setattr, 0, &attr, 0) == -1) {
        (void) setpriority(PRIO_PROCESS, 0, NGX_LU_LOW_PRIORITY);
    }

#endif
}


static void
ngx_lu_low_wait(sem_t *sem)
{
    while (sem_wait(sem) == -1 && ngx_errno == NGX_EINTR) { /* void */ }
}
