
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_zone.h"

#include "core/lu_sip.h"

#include <openssl/rand.h>


/* apps that share a generation are loaded more often than needed */

#define NGX_LU_GENERATIONS  1024


typedef struct {
    ngx_atomic_t        generations[NGX_LU_GENERATIONS];
    lu_sip_t            secret;         /* of their hash */
    ngx_lu_devices_t   *devices;
    ngx_lu_cohorts_t   *cohorts;
    ngx_lu_count_t     *count;
} ngx_lu_zone_t;


char *
ngx_lu_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_lu_main_conf_t  *lumcf = conf;

    u_char     *p;
    ssize_t     size;
    ngx_str_t  *value, name, s;

    if (lumcf->zone) {
        return "is duplicate";
    }

    value = cf->args->elts;

    p = (u_char *) ngx_strlchr(value[1].data, value[1].data + value[1].len,
                               ':');
    if (p == NULL || p == value[1].data) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid zone \"%V\", it must be \"name:size\"",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    name.data = value[1].data;
    name.len = p - name.data;

    s.data = p + 1;
    s.len = value[1].data + value[1].len - s.data;

    size = ngx_parse_size(&s);

    if (size == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid zone size \"%V\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    if (size < (ssize_t) (16 * ngx_pagesize)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "zone \"%V\" is too small", &value[1]);
        return NGX_CONF_ERROR;
    }

    lumcf->zone = ngx_lu_zone_add(cf, &name, size);

    return lumcf->zone ? NGX_CONF_OK : NGX_CONF_ERROR;
}


ngx_shm_zone_t *
ngx_lu_zone_add(ngx_conf_t *cf, ngx_str_t *name, size_t size)
{
    ngx_shm_zone_t  *shm_zone;

    shm_zone = ngx_shared_memory_add(cf, name, size,
                                     &ngx_http_liveupdate_module);
    if (shm_zone == NULL) {
        return NULL;
    }

    return shm_zone;
}


ngx_int_t
ngx_lu_zone_init(ngx_shm_zone_t *shm_zone, void *data)
{
    size_t            len;
    ngx_lu_zone_t    *zone;
    ngx_slab_pool_t  *shpool;

    if (data) {
        shm_zone->data = data;
        return NGX_OK;
    }

    shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    if (shm_zone->shm.exists) {
        shm_zone->data = shpool->data;
        return NGX_OK;
    }

    zone = ngx_slab_calloc(shpool, sizeof(ngx_lu_zone_t));
    if (zone == NULL) {
        return NGX_ERROR;
    }

    if (RAND_bytes((u_char *) &zone->secret, sizeof(lu_sip_t)) != 1) {
        return NGX_ERROR;
    }

    shpool->data = zone;
    shm_zone->data = zone;

    zone->devices = ngx_lu_device_create(shpool, shm_zone->shm.size);
    if (zone->devices == NULL) {
        return NGX_ERROR;
    }

    zone->cohorts = ngx_lu_cohort_create(shpool, shm_zone->shm.size);
    if (zone->cohorts == NULL) {
        return NGX_ERROR;
    }

    zone->count = ngx_lu_count_create(shpool, shm_zone->shm.size);
    if (zone->count == NULL) {
        return NGX_ERROR;
    }

    len = sizeof(" in liveupdate zone \"\"") + shm_zone->shm.name.len;

    shpool->log_ctx = ngx_slab_alloc(shpool, len);
    if (shpool->log_ctx == NULL) {
        return NGX_ERROR;
    }

    ngx_sprintf(shpool->log_ctx, " in liveupdate zone \"%V\"%Z",
                &shm_zone->shm.name);

    /* a full zone is not an error: the oldest devices are forgotten */

    shpool->log_nomem = 0;

    return NGX_OK;
}


ngx_atomic_t *
ngx_lu_zone_generation(ngx_lu_store_t *store, ngx_str_t *app)
{
    uint32_t        hash;
    ngx_lu_zone_t  *zone;

    zone = store->zone->data;

    hash = store->hash ^ (uint32_t) lu_sip(&zone->secret, app->data, app->len);

    return &zone->generations[hash % NGX_LU_GENERATIONS];
}


ngx_atomic_uint_t
ngx_lu_zone_changes(ngx_lu_store_t *store)
{
    ngx_uint_t          i;
    ngx_lu_zone_t      *zone;
    ngx_atomic_uint_t   n;

    zone = store->zone->data;

    n = 0;

    for (i = 0; i < NGX_LU_GENERATIONS; i++) {
        n += zone->generations[i];
    }

    return n;
}


ngx_lu_devices_t *
ngx_lu_zone_devices(ngx_lu_store_t *store)
{
    ngx_lu_zone_t  *zone;

    zone = store->zone->data;

    return zone->devices;
}


ngx_lu_cohorts_t *
ngx_lu_zone_cohorts(ngx_lu_store_t *store)
{
    ngx_lu_zone_t  *zone;

    zone = store->zone->data;

    return zone->cohorts;
}


ngx_lu_count_t *
ngx_lu_zone_count(ngx_lu_store_t *store)
{
    ngx_lu_zone_t  *zone;

    zone = store->zone->data;

    return zone->count;
}
