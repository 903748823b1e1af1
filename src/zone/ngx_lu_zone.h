
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The shared memory of all workers, and the generations of apps in it.
 */


#ifndef _NGX_LU_ZONE_H_INCLUDED_
#define _NGX_LU_ZONE_H_INCLUDED_


#include "ngx_lu_cohort.h"
#include "ngx_lu_count.h"
#include "ngx_lu_device.h"


/* The setter of liveupdate_zone. */

char *ngx_lu_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/*
 * Adds a zone of that name and size, in bytes, to the configuration, or returns
 * NULL after it has logged why not.
 */

ngx_shm_zone_t *ngx_lu_zone_add(ngx_conf_t *cf, ngx_str_t *name, size_t size);

/*
 * The init() of that zone: fills it, or goes on with what an older
 * configuration has put there.  NGX_OK, or NGX_ERROR: no memory.
 */

ngx_int_t ngx_lu_zone_init(ngx_shm_zone_t *shm_zone, void *data);

/*
 * Returns the generation of an app of the store.  Whoever changes the app adds
 * 1 to it, in any thread; a copy of an older generation is out of date.  Apps
 * with the same hash share a generation.
 */

ngx_atomic_t *ngx_lu_zone_generation(ngx_lu_store_t *store, ngx_str_t *app);

/* The sum of all generations of the zone. */

ngx_atomic_uint_t ngx_lu_zone_changes(ngx_lu_store_t *store);

/* What the zone of the store has of devices, cohorts, counters; never NULL. */

ngx_lu_cohorts_t *ngx_lu_zone_cohorts(ngx_lu_store_t *store);
ngx_lu_devices_t *ngx_lu_zone_devices(ngx_lu_store_t *store);
ngx_lu_count_t *ngx_lu_zone_count(ngx_lu_store_t *store);


#endif /* _NGX_LU_ZONE_H_INCLUDED_ */
