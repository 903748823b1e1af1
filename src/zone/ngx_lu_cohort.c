
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_cohort.h"

#include <openssl/rand.h>


/* a 32nd of the zone is for cohorts */

#define NGX_LU_COHORTS_PART  32
#define NGX_LU_COHORTS_MAX   64

/* one that nobody has asked about for so long loses its place, in seconds */

#define NGX_LU_COHORT_IDLE   3600

/* silence is no change, and is looked for so often, in milliseconds */

#define NGX_LU_COHORT_LOOK   600000


typedef struct {
    uint32_t               tag;         /* 0: the place is free */
    uint32_t               store;       /* hash */
    uint64_t               serial;
    time_t                 start;
    time_t                 used;
    ngx_atomic_uint_t      changes;
    ngx_atomic_uint_t      written;
    ngx_msec_t             looked;
    size_t                 app_len;
    size_t                 deployment_len;
    size_t                 release_len;
    size_t                 channel_len;
    u_char                 app[NGX_LU_UUID_LEN + 28];
    u_char                 deployment[NGX_LU_UUID_LEN + 28];
    u_char                 release[NGX_LU_UUID_LEN + 28];
    u_char                 channel[128];
    ngx_uint_t             blamed;
    lu_funnel_t            funnel;
    lu_cohort_t            counts;
} ngx_lu_cohort_t;


struct ngx_lu_cohorts_s {
    ngx_slab_pool_t       *shpool;
    uint64_t               serial;      /* random at first */
    ngx_uint_t             n;
    ngx_lu_cohort_t       *cohorts;
};


static ngx_lu_cohort_t *ngx_lu_cohort_find(ngx_lu_cohorts_t *cohorts,
    uint32_t store, uint32_t tag, const ngx_str_t *app);
static ngx_lu_cohort_t *ngx_lu_cohort_place(ngx_lu_cohorts_t *cohorts,
    ngx_lu_store_t *store, const ngx_str_t *app,
    ngx_lu_cohort_check_t *check);
static ngx_uint_t ngx_lu_cohort_is(const u_char *data, size_t len,
    const ngx_str_t *str);
static u_char *ngx_lu_cohort_label(u_char *p, lu_str_t *label,
    const u_char *data, size_t len);


ngx_lu_cohorts_t *
ngx_lu_cohort_create(ngx_slab_pool_t *shpool, size_t size)
{
    ngx_uint_t         i;
    ngx_lu_cohorts_t  *cohorts;

    cohorts = ngx_slab_calloc(shpool, sizeof(ngx_lu_cohorts_t));
    if (cohorts == NULL) {
        return NULL;
    }

    if (RAND_bytes((u_char *) &cohorts->serial, sizeof(uint64_t)) != 1) {
        return NULL;
    }

    /* JSON has numbers up to 2^53 */

    cohorts->serial &= (UINT64_C(1) << 52) - 1;
    cohorts->shpool = shpool;

    cohorts->n = ngx_min(size / NGX_LU_COHORTS_PART / sizeof(ngx_lu_cohort_t),
                         NGX_LU_COHORTS_MAX);

    if (cohorts->n == 0) {
        return cohorts;
    }

    /* a place is cleared when it is taken: unused pages take no memory */

    cohorts->cohorts = ngx_slab_alloc(shpool,
                                      cohorts->n * sizeof(ngx_lu_cohort_t));
    if (cohorts->cohorts == NULL) {
        return NULL;
    }

    for (i = 0; i < cohorts->n; i++) {
        cohorts->cohorts[i].tag = 0;
    }

    return cohorts;
}


void
ngx_lu_cohort_check(ngx_lu_cohorts_t *cohorts, ngx_lu_store_t *store,
    const ngx_str_t *app, ngx_lu_cohort_check_t *check,
    lu_cohort_device_t *device)
{
    ngx_lu_cohort_t  *cohort;

    cohort = ngx_lu_cohort_find(cohorts, store->hash, check->check.tag, app);

    if (cohort == NULL) {
        cohort = ngx_lu_cohort_place(cohorts, store, app, check);

        if (cohort == NULL) {
            return;
        }
    }

    lu_cohort_check(&cohort->counts, device, &check->check);

    cohort->used = check->check.now;
    cohort->changes++;
}


void
ngx_lu_cohort_fetched(ngx_lu_cohorts_t *cohorts, ngx_lu_store_t *store,
    const ngx_str_t *app, const ngx_str_t *release, ngx_uint_t platform,
    lu_cohort_device_t *device)
{
    ngx_lu_cohort_t  *cohort;

    if (device->cohort == 0) {
        return;
    }

    cohort = ngx_lu_cohort_find(cohorts, store->hash, device->cohort, app);

    if (cohort == NULL
        || !ngx_lu_cohort_is(cohort->release, cohort->release_len, release))
    {
        return;
    }

    lu_cohort_fetched(&cohort->counts, device, cohort->start,
                      (unsigned) platform);

    cohort->changes++;
}


static ngx_lu_cohort_t *
ngx_lu_cohort_find(ngx_lu_cohorts_t *cohorts, uint32_t store, uint32_t tag,
    const ngx_str_t *app)
{
    ngx_uint_t        i;
    ngx_lu_cohort_t  *cohort;

    for (i = 0; i < cohorts->n; i++) {
        cohort = &cohorts->cohorts[i];

        if (cohort->tag == tag
            && cohort->store == store
            && ngx_lu_cohort_is(cohort->app, cohort->app_len, app))
        {
            return cohort;
        }
    }

    return NULL;
}


/* A free place, or that of the cohort that was used least recently. */

static ngx_lu_cohort_t *
ngx_lu_cohort_place(ngx_lu_cohorts_t *cohorts, ngx_lu_store_t *store,
    const ngx_str_t *app, ngx_lu_cohort_check_t *check)
{
    ngx_uint_t        i;
    ngx_lu_cohort_t  *cohort, *place;

    place = NULL;

    for (i = 0; i < cohorts->n; i++) {
        cohort = &cohorts->cohorts[i];

        if (cohort->tag == 0) {
            place = cohort;
            break;
        }

        if (place == NULL || cohort->used < place->used) {
            place = cohort;
        }
    }

    if (place == NULL
        || (place->tag
            && place->used + NGX_LU_COHORT_IDLE > check->check.now)
        || app->len > sizeof(place->app)
        || check->deployment.len > sizeof(place->deployment)
        || check->release.len > sizeof(place->release)
        || check->channel.len > sizeof(place->channel))
    {
        return NULL;
    }

    ngx_memzero(place, sizeof(ngx_lu_cohort_t));

    place->tag = check->check.tag;
    place->store = store->hash;
    place->serial = ++cohorts->serial;
    place->start = check->check.start;

    place->app_len = app->len;
    place->deployment_len = check->deployment.len;
    place->release_len = check->release.len;
    place->channel_len = check->channel.len;

    ngx_memcpy(place->app, app->data, app->len);
    ngx_memcpy(place->deployment, check->deployment.data,
               check->deployment.len);
    ngx_memcpy(place->release, check->release.data, check->release.len);

    /* a desktop release has none */

    (void) ngx_lu_cpymem(place->channel, check->channel.data,
                         check->channel.len);

    return place;
}


static ngx_uint_t
ngx_lu_cohort_is(const u_char *data, size_t len, const ngx_str_t *str)
{
    return len == str->len
           && (len == 0 || ngx_memcmp(data, str->data, len) == 0);
}


ngx_int_t
ngx_lu_cohort_next(ngx_lu_cohorts_t *cohorts, ngx_lu_store_t *store,
    ngx_uint_t *n, ngx_uint_t due, ngx_lu_cohort_copy_t *copy)
{
    ngx_int_t         rc;
    ngx_lu_cohort_t  *cohort;

    rc = NGX_DONE;

    ngx_shmtx_lock(&cohorts->shpool->mutex);

    for ( /* void */ ; *n < cohorts->n; (*n)++) {
        cohort = &cohorts->cohorts[*n];

        if (cohort->tag == 0
            || cohort->store != store->hash
            || (due
                && cohort->changes == cohort->written
                && ngx_current_msec - cohort->looked < NGX_LU_COHORT_LOOK))
        {
            continue;
        }

        copy->counts = cohort->counts;
        copy->serial = cohort->serial;
        copy->changes = cohort->changes;
        copy->start = cohort->start;

        *ngx_cpymem(copy->app, cohort->app, cohort->app_len) = '\0';
        *ngx_cpymem(copy->deployment, cohort->deployment,
                    cohort->deployment_len) = '\0';
        *ngx_cpymem(copy->release, cohort->release, cohort->release_len)
            = '\0';

        (*n)++;
        rc = NGX_OK;

        break;
    }

    ngx_shmtx_unlock(&cohorts->shpool->mutex);

    return rc;
}


void
ngx_lu_cohort_written(ngx_lu_cohorts_t *cohorts,
    const ngx_lu_cohort_copy_t *copy)
{
    ngx_uint_t        i;
    ngx_lu_cohort_t  *cohort;

    ngx_shmtx_lock(&cohorts->shpool->mutex);

    for (i = 0; i < cohorts->n; i++) {
        cohort = &cohorts->cohorts[i];

        if (cohort->tag && cohort->serial == copy->serial) {
            cohort->written = copy->changes;
            cohort->looked = ngx_current_msec;
            cohort->blamed = copy->blamed;

            ngx_memcpy(cohort->funnel, copy->funnel, sizeof(lu_funnel_t));
        }
    }

    ngx_shmtx_unlock(&cohorts->shpool->mutex);
}


/* A place that is given away meanwhile gets another serial. */

ngx_int_t
ngx_lu_cohort_sample(ngx_lu_cohorts_t *cohorts, ngx_lu_store_t *store,
    ngx_uint_t *n, ngx_lu_cohort_sample_t *sample)
{
    u_char           *p;
    uint64_t          serial;
    ngx_lu_cohort_t  *cohort;

    while (*n < cohorts->n) {
        cohort = &cohorts->cohorts[(*n)++];

        serial = cohort->serial;

        ngx_memory_barrier();

        if (cohort->tag == 0
            || cohort->store != store->hash
            || cohort->used + NGX_LU_COHORT_IDLE < ngx_time())
        {
            continue;
        }

        p = ngx_lu_cohort_label(sample->data, &sample->app, cohort->app,
                                ngx_min(cohort->app_len,
                                        sizeof(cohort->app)));
        p = ngx_lu_cohort_label(p, &sample->channel, cohort->channel,
                                ngx_min(cohort->channel_len,
                                        sizeof(cohort->channel)));
        p = ngx_lu_cohort_label(p, &sample->release, cohort->release,
                                ngx_min(cohort->release_len,
                                        sizeof(cohort->release)));
        (void) ngx_lu_cohort_label(p, &sample->deployment, cohort->deployment,
                                   ngx_min(cohort->deployment_len,
                                           sizeof(cohort->deployment)));

        sample->blamed = cohort->blamed;
        ngx_memcpy(sample->funnel, cohort->funnel, sizeof(lu_funnel_t));

        ngx_memory_barrier();

        if (cohort->serial == serial) {
            return NGX_OK;
        }
    }

    return NGX_DONE;
}


static u_char *
ngx_lu_cohort_label(u_char *p, lu_str_t *label, const u_char *data, size_t len)
{
    label->data = p;
    label->len = len;

    p = ngx_lu_cpymem(p, data, len);
    *p++ = '\0';

    return p;
}
