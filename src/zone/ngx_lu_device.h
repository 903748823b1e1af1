
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Devices as they were last seen.  A full zone forgets the least recent one.
 */


#ifndef _NGX_LU_DEVICE_H_INCLUDED_
#define _NGX_LU_DEVICE_H_INCLUDED_


#include "ngx_lu_cohort.h"


typedef struct ngx_lu_devices_s  ngx_lu_devices_t;


typedef struct {
    ngx_str_t               app;
    ngx_str_t               id;
    ngx_str_t               app_version_code;
    ngx_str_t               app_version_name;
    ngx_str_t               os_version;
    ngx_str_t               plugin_version;
    ngx_str_t               custom_id;
    ngx_str_t               channel_id;
    ngx_str_t               deployment_id;
    ngx_str_t               address;    /* of an installation */
    ngx_uint_t              platform;   /* lu_platform_e */
    time_t                  created;    /* first seen, seconds since 1970 */
    time_t                  seen;

    /* of a check in a guarded channel; or NULL */
    ngx_lu_cohort_check_t  *cohort;
    unsigned                leaves:1;   /* is in no cohort any more */
    unsigned                is_installation:1;  /* and not listed */
} ngx_lu_device_t;


/*
 * All of these take the zone's mutex, for which checks wait, but only for some
 * steps, however many devices there are.  They must not be called by a thread
 * of lowered priority: it could lose its processor while it has the mutex.
 */

/*
 * Creates the table of devices in a zone of that size, in bytes, or returns
 * NULL if the zone is too small.
 */

ngx_lu_devices_t *ngx_lu_device_create(ngx_slab_pool_t *shpool, size_t size);

/*
 * Remembers that the device was seen now.  All strings are copied, and cut to
 * 64 bytes; only the app and the id must fit: 64 and 128 bytes.  Returns a hash
 * of the id in this app, of which all bits are equally good.
 */

uint64_t ngx_lu_device_seen(ngx_lu_store_t *store, ngx_lu_device_t *device);

/*
 * Counts that a device, if it is known, has fetched the whole of a release of
 * the app.
 */

void ngx_lu_device_fetched(ngx_lu_store_t *store, ngx_str_t *app,
    ngx_str_t *id, ngx_str_t *release);

/*
 * The same of the installation that asked last from an address, which is known
 * for a while: downloads do not say who they are for.
 */

void ngx_lu_device_downloaded(ngx_lu_store_t *store, ngx_str_t *app,
    ngx_str_t *address, ngx_str_t *release);

/*
 * Copies a device, with null-terminated strings from the pool.  Returns NGX_OK;
 * NGX_DECLINED if the device is unknown; NGX_ERROR if memory is short.
 */

ngx_int_t ngx_lu_device_find(ngx_lu_store_t *store, ngx_pool_t *pool,
    ngx_str_t *app, ngx_str_t *id, ngx_lu_device_t *device);

/* Forgets a device, if it is known. */

void ngx_lu_device_forget(ngx_lu_store_t *store, ngx_str_t *app,
    ngx_str_t *id);

/*
 * Copies the devices of the app, the most recently seen ones first, from among
 * the last 10,000 devices of the zone.  *n is the size of the array, and then
 * the number of devices in it.  The strings are null-terminated and from the
 * pool.  A device that is seen meanwhile may be missing.  Returns NGX_OK, or
 * NGX_ERROR if memory is short.
 */

ngx_int_t ngx_lu_device_list(ngx_lu_store_t *store, ngx_pool_t *pool,
    ngx_str_t *app, ngx_lu_device_t *devices, ngx_uint_t *n);


#endif /* _NGX_LU_DEVICE_H_INCLUDED_ */
