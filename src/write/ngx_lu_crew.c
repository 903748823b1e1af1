
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_crew.h"


#define NGX_LU_CREW_MIN  4


typedef struct {
    ngx_atomic_t         next;
    ngx_uint_t           n;
    ngx_lu_crew_pt       handler;
    void                *data;
    ngx_atomic_t        *beats;
} ngx_lu_crew_t;


static ngx_uint_t ngx_lu_crew_hire(ngx_lu_crew_t *crew, pthread_t *helper);
static void *ngx_lu_crew_helper(void *data);
static void ngx_lu_crew_work(ngx_lu_crew_t *crew);


static ngx_atomic_t  ngx_lu_crew_helpers;


/* Threads that wait for the disk need no processor. */

ngx_uint_t
ngx_lu_crew_size(void)
{
    return ngx_min(ngx_max(ngx_ncpu, NGX_LU_CREW_MIN), NGX_LU_CREW);
}


void
ngx_lu_crew(ngx_uint_t n, ngx_lu_crew_pt handler, void *data,
    ngx_atomic_t *beats)
{
    pthread_t      helpers[NGX_LU_CREW];
    ngx_uint_t     i, hired;
    ngx_lu_crew_t  crew;

    crew.next = 0;
    crew.n = n;
    crew.handler = handler;
    crew.data = data;
    crew.beats = beats;

    for (hired = 0; hired + 1 < ngx_min(n, NGX_LU_CREW); hired++) {
        if (!ngx_lu_crew_hire(&crew, &helpers[hired])) {
            break;
        }
    }

    ngx_lu_crew_work(&crew);

    for (i = 0; i < hired; i++) {
        (void) pthread_join(helpers[i], NULL);
        (void) ngx_atomic_fetch_add(&ngx_lu_crew_helpers, -1);
    }
}


/*
 * A helper has the signal mask of the thread that hires it, all blocked, and,
 * on Linux, its priority.
 */

static ngx_uint_t
ngx_lu_crew_hire(ngx_lu_crew_t *crew, pthread_t *helper)
{
    if (ngx_atomic_fetch_add(&ngx_lu_crew_helpers, 1) + 1 < ngx_lu_crew_size()
        && pthread_create(helper, NULL, ngx_lu_crew_helper, crew) == 0)
    {
        return 1;
    }

    (void) ngx_atomic_fetch_add(&ngx_lu_crew_helpers, -1);

    return 0;
}


static void *
ngx_lu_crew_helper(void *data)
{
    ngx_lu_crew_work(data);

    return NULL;
}


static void
ngx_lu_crew_work(ngx_lu_crew_t *crew)
{
    ngx_uint_t  i;

    for ( ;; ) {
        i = ngx_atomic_fetch_add(&crew->next, 1);

        if (i >= crew->n) {
            return;
        }

        crew->handler(crew->data, i);

        (void) ngx_atomic_fetch_add(crew->beats, 1);
    }
}
