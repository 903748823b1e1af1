
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The devices that were seen last, in shared memory.
 */


#include "ngx_lu_device.h"
#include "ngx_lu_zone.h"


/* longer strings are cut to this size, in bytes */

#define NGX_LU_DEVICE_FIELD  64

/* the hash of a store, an app of up to 64 bytes, an id of up to 128 */

#define NGX_LU_DEVICE_KEY_SIZE  256

/* a list looks at this many devices, the most recent first */

#define NGX_LU_DEVICE_SCAN  10000

/* the size of a usual node; larger ones take two or four times as much */

#define NGX_LU_DEVICE_ROOM  256


/*
 * The strings of a device.  The key identifies it: the hash of the store, the
 * app and the id, the latter two terminated by a zero byte, which neither of
 * them contains.
 */

enum {
    NGX_LU_DEVICE_KEY = 0,
    NGX_LU_DEVICE_CODE,
    NGX_LU_DEVICE_VERSION,
    NGX_LU_DEVICE_OS,
    NGX_LU_DEVICE_PLUGIN,
    NGX_LU_DEVICE_CUSTOM,
    NGX_LU_DEVICE_CHANNEL,
    NGX_LU_DEVICE_DEPLOYMENT,
    NGX_LU_DEVICE_STRINGS
};


typedef struct ngx_lu_device_node_s  ngx_lu_device_node_t;

struct ngx_lu_device_node_s {
    ngx_lu_device_node_t   *next;       /* in the bucket */
    ngx_queue_t             queue;
    time_t                  created;
    time_t                  seen;
    uint32_t                hash;
    u_short                 room;       /* for data */
    u_short                 len[NGX_LU_DEVICE_STRINGS];
    u_char                  platform;
    u_char                  data[1];
};


struct ngx_lu_devices_s {
    ngx_slab_pool_t        *shpool;
    ngx_lu_device_node_t  **buckets;
    ngx_uint_t              nbuckets;
    ngx_queue_t             queue;      /* most recently seen first */
};


typedef struct {
    ngx_str_t               strings[NGX_LU_DEVICE_STRINGS];
    size_t                  size;
    uint32_t                hash;
    u_char                  key[NGX_LU_DEVICE_KEY_SIZE];
} ngx_lu_device_row_t;


static void ngx_lu_device_row(ngx_lu_store_t *store, ngx_lu_device_t *device,
    ngx_lu_device_row_t *row);
static u_char *ngx_lu_device_prefix(ngx_lu_store_t *store, ngx_str_t *app,
    u_char *p);
static size_t ngx_lu_device_cut(ngx_str_t *string);
static ngx_lu_device_node_t *ngx_lu_device_lookup(ngx_lu_devices_t *devices,
    ngx_lu_device_row_t *row);
static ngx_lu_device_node_t *ngx_lu_device_alloc(ngx_lu_devices_t *devices,
    size_t size);
static void ngx_lu_device_insert(ngx_lu_devices_t *devices,
    ngx_lu_device_node_t *dn);
static void ngx_lu_device_remove(ngx_lu_devices_t *devices,
    ngx_lu_device_node_t *dn);
static ngx_int_t ngx_lu_device_copy(ngx_pool_t *pool, ngx_lu_device_t *device,
    ngx_lu_device_node_t *dn);


ngx_lu_devices_t *
ngx_lu_device_create(ngx_slab_pool_t *shpool, size_t size)
{
    ngx_lu_devices_t  *devices;

    devices = ngx_slab_calloc(shpool, sizeof(ngx_lu_devices_t));
    if (devices == NULL) {
        return NULL;
    }

    /* a bucket has about one device when the zone is full */

    devices->nbuckets = size / NGX_LU_DEVICE_ROOM;
    devices->buckets = ngx_slab_calloc(shpool,
                                       devices->nbuckets * sizeof(void *));
    if (devices->buckets == NULL) {
        return NULL;
    }

    devices->shpool = shpool;

    ngx_queue_init(&devices->queue);

    return devices;
}


void
ngx_lu_device_seen(ngx_lu_store_t *store, ngx_lu_device_t *device)
{
    u_char                *p;
    time_t                 created;
    ngx_uint_t             i;
    ngx_lu_devices_t      *devices;
    ngx_lu_device_row_t    row;
    ngx_lu_device_node_t  *dn;

    devices = ngx_lu_zone_devices(store);
    created = ngx_time();

    ngx_lu_device_row(store, device, &row);

    ngx_shmtx_lock(&devices->shpool->mutex);

    dn = ngx_lu_device_lookup(devices, &row);

    if (dn) {
        created = dn->created;
        ngx_queue_remove(&dn->queue);

        if (dn->room < row.size) {
            ngx_lu_device_remove(devices, dn);
            ngx_slab_free_locked(devices->shpool, dn);
            dn = NULL;
        }
    }

    if (dn == NULL) {
        dn = ngx_lu_device_alloc(devices, row.size);
        if (dn == NULL) {
            ngx_shmtx_unlock(&devices->shpool->mutex);
            return;
        }

        dn->hash = row.hash;
        ngx_lu_device_insert(devices, dn);
    }

    ngx_queue_insert_head(&devices->queue, &dn->queue);

    dn->created = created;
    dn->seen = ngx_time();
    dn->platform = (u_char) device->platform;

    p = dn->data;

    for (i = 0; i < NGX_LU_DEVICE_STRINGS; i++) {
        dn->len[i] = (u_short) row.strings[i].len;
        p = ngx_cpymem(p, row.strings[i].data, row.strings[i].len);
    }

    ngx_shmtx_unlock(&devices->shpool->mutex);
}


static void
ngx_lu_device_row(ngx_lu_store_t *store, ngx_lu_device_t *device,
    ngx_lu_device_row_t *row)
{
    u_char      *p;
    ngx_str_t   *strings;
    ngx_uint_t   i;

    strings = row->strings;

    p = ngx_lu_device_prefix(store, &device->app, row->key);
    p = ngx_cpymem(p, device->id.data, device->id.len);
    *p++ = '\0';

    strings[NGX_LU_DEVICE_KEY].data = row->key;
    strings[NGX_LU_DEVICE_KEY].len = p - row->key;

    strings[NGX_LU_DEVICE_CODE] = device->app_version_code;
    strings[NGX_LU_DEVICE_VERSION] = device->app_version_name;
    strings[NGX_LU_DEVICE_OS] = device->os_version;
    strings[NGX_LU_DEVICE_PLUGIN] = device->plugin_version;
    strings[NGX_LU_DEVICE_CUSTOM] = device->custom_id;
    strings[NGX_LU_DEVICE_CHANNEL] = device->channel_id;
    strings[NGX_LU_DEVICE_DEPLOYMENT] = device->deployment_id;

    row->hash = ngx_murmur_hash2(row->key, p - row->key);
    row->size = p - row->key;

    for (i = NGX_LU_DEVICE_CODE; i < NGX_LU_DEVICE_STRINGS; i++) {
        strings[i].len = ngx_lu_device_cut(&strings[i]);
        row->size += strings[i].len;
    }
}


/* The beginning of the keys of all devices of an app. */

static u_char *
ngx_lu_device_prefix(ngx_lu_store_t *store, ngx_str_t *app, u_char *p)
{
    p = ngx_cpymem(p, &store->hash, sizeof(uint32_t));
    p = ngx_cpymem(p, app->data, app->len);
    *p++ = '\0';

    return p;
}


/* The strings are UTF-8: no character is cut in two. */

static size_t
ngx_lu_device_cut(ngx_str_t *string)
{
    size_t  len;

    if (string->len <= NGX_LU_DEVICE_FIELD) {
        return string->len;
    }

    len = NGX_LU_DEVICE_FIELD;

    while (len && (string->data[len] & 0xc0) == 0x80) {
        len--;
    }

    return len;
}


static ngx_lu_device_node_t *
ngx_lu_device_lookup(ngx_lu_devices_t *devices, ngx_lu_device_row_t *row)
{
    ngx_str_t             *key;
    ngx_lu_device_node_t  *dn;

    key = &row->strings[NGX_LU_DEVICE_KEY];

    dn = devices->buckets[row->hash % devices->nbuckets];

    for ( /* void */ ; dn; dn = dn->next) {
        if (dn->hash == row->hash
            && dn->len[NGX_LU_DEVICE_KEY] == key->len
            && ngx_memcmp(dn->data, key->data, key->len) == 0)
        {
            return dn;
        }
    }

    return NULL;
}


/* A full zone gives away the place of the least recently seen device. */

static ngx_lu_device_node_t *
ngx_lu_device_alloc(ngx_lu_devices_t *devices, size_t size)
{
    size_t                 head, room;
    ngx_uint_t             i;
    ngx_queue_t           *q;
    ngx_lu_device_node_t  *dn;

    head = offsetof(ngx_lu_device_node_t, data);
    room = NGX_LU_DEVICE_ROOM;

    while (room < head + size) {
        room *= 2;
    }

    for (i = 0; i < 3; i++) {

        dn = ngx_slab_alloc_locked(devices->shpool, room);
        if (dn) {
            dn->room = (u_short) (room - head);
            return dn;
        }

        if (ngx_queue_empty(&devices->queue)) {
            break;
        }

        q = ngx_queue_last(&devices->queue);
        ngx_queue_remove(q);

        dn = ngx_queue_data(q, ngx_lu_device_node_t, queue);
        ngx_lu_device_remove(devices, dn);

        if (dn->room >= size) {
            return dn;
        }

        ngx_slab_free_locked(devices->shpool, dn);
    }

    return NULL;
}


static void
ngx_lu_device_insert(ngx_lu_devices_t *devices, ngx_lu_device_node_t *dn)
{
    ngx_lu_device_node_t  **bucket;

    bucket = &devices->buckets[dn->hash % devices->nbuckets];

    dn->next = *bucket;
    *bucket = dn;
}


static void
ngx_lu_device_remove(ngx_lu_devices_t *devices, ngx_lu_device_node_t *dn)
{
    ngx_lu_device_node_t  **p;

    p = &devices->buckets[dn->hash % devices->nbuckets];

    while (*p && *p != dn) {
        p = &(*p)->next;
    }

    if (*p) {
        *p = dn->next;
    }
}


ngx_int_t
ngx_lu_device_find(ngx_lu_store_t *store, ngx_pool_t *pool, ngx_str_t *app,
    ngx_str_t *id, ngx_lu_device_t *device)
{
    ngx_int_t              rc;
    ngx_lu_devices_t      *devices;
    ngx_lu_device_row_t    row;
    ngx_lu_device_node_t  *dn;

    ngx_memzero(device, sizeof(ngx_lu_device_t));

    device->app = *app;
    device->id = *id;

    ngx_lu_device_row(store, device, &row);

    devices = ngx_lu_zone_devices(store);

    ngx_shmtx_lock(&devices->shpool->mutex);

    dn = ngx_lu_device_lookup(devices, &row);

    rc = dn ? ngx_lu_device_copy(pool, device, dn) : NGX_DECLINED;

    ngx_shmtx_unlock(&devices->shpool->mutex);

    return rc;
}


static ngx_int_t
ngx_lu_device_copy(ngx_pool_t *pool, ngx_lu_device_t *device,
    ngx_lu_device_node_t *dn)
{
    u_char     *p, *src;
    ngx_str_t   strings[NGX_LU_DEVICE_STRINGS];
    ngx_uint_t  i;

    p = ngx_pnalloc(pool, dn->room + NGX_LU_DEVICE_STRINGS);
    if (p == NULL) {
        return NGX_ERROR;
    }

    src = dn->data;

    for (i = 0; i < NGX_LU_DEVICE_STRINGS; i++) {
        strings[i].len = dn->len[i];
        strings[i].data = p;

        p = ngx_cpymem(p, src, dn->len[i]);
        *p++ = '\0';

        src += dn->len[i];
    }

    p = strings[NGX_LU_DEVICE_KEY].data + sizeof(uint32_t);

    device->app.data = p;
    device->app.len = ngx_strlen(p);

    p += device->app.len + 1;

    device->id.data = p;
    device->id.len = ngx_strlen(p);

    device->app_version_code = strings[NGX_LU_DEVICE_CODE];
    device->app_version_name = strings[NGX_LU_DEVICE_VERSION];
    device->os_version = strings[NGX_LU_DEVICE_OS];
    device->plugin_version = strings[NGX_LU_DEVICE_PLUGIN];
    device->custom_id = strings[NGX_LU_DEVICE_CUSTOM];
    device->channel_id = strings[NGX_LU_DEVICE_CHANNEL];
    device->deployment_id = strings[NGX_LU_DEVICE_DEPLOYMENT];
    device->platform = dn->platform;
    device->created = dn->created;
    device->seen = dn->seen;

    return NGX_OK;
}


void
ngx_lu_device_forget(ngx_lu_store_t *store, ngx_str_t *app, ngx_str_t *id)
{
    ngx_lu_device_t        device;
    ngx_lu_devices_t      *devices;
    ngx_lu_device_row_t    row;
    ngx_lu_device_node_t  *dn;

    ngx_memzero(&device, sizeof(ngx_lu_device_t));

    device.app = *app;
    device.id = *id;

    ngx_lu_device_row(store, &device, &row);

    devices = ngx_lu_zone_devices(store);

    ngx_shmtx_lock(&devices->shpool->mutex);

    dn = ngx_lu_device_lookup(devices, &row);

    if (dn) {
        ngx_queue_remove(&dn->queue);
        ngx_lu_device_remove(devices, dn);
        ngx_slab_free_locked(devices->shpool, dn);
    }

    ngx_shmtx_unlock(&devices->shpool->mutex);
}


ngx_int_t
ngx_lu_device_list(ngx_lu_store_t *store, ngx_pool_t *pool, ngx_str_t *app,
    ngx_lu_device_t *devices, ngx_uint_t *n)
{
    u_char                 prefix[NGX_LU_DEVICE_KEY_SIZE];
    size_t                 len;
    ngx_int_t              rc;
    ngx_uint_t             i, count;
    ngx_queue_t           *q;
    ngx_lu_devices_t      *known;
    ngx_lu_device_node_t  *dn;

    rc = NGX_OK;
    count = 0;
    known = ngx_lu_zone_devices(store);

    len = ngx_lu_device_prefix(store, app, prefix) - prefix;

    ngx_shmtx_lock(&known->shpool->mutex);

    q = ngx_queue_head(&known->queue);

    for (i = 0;
         i < NGX_LU_DEVICE_SCAN
         && count < *n
         && q != ngx_queue_sentinel(&known->queue);
         i++, q = ngx_queue_next(q))
    {
        dn = ngx_queue_data(q, ngx_lu_device_node_t, queue);

        if (dn->len[NGX_LU_DEVICE_KEY] <= len
            || ngx_memcmp(dn->data, prefix, len) != 0)
        {
            continue;
        }

        rc = ngx_lu_device_copy(pool, &devices[count++], dn);
        if (rc != NGX_OK) {
            break;
        }
    }

    ngx_shmtx_unlock(&known->shpool->mutex);

    *n = count;

    return rc;
}
