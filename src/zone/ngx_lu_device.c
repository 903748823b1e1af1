
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The devices that were seen last, in shared memory.
 */


#include "ngx_lu_device.h"
#include "ngx_lu_zone.h"

#include "core/lu_sip.h"

#include <openssl/rand.h>


/* longer strings are cut to this size, in bytes */

#define NGX_LU_DEVICE_FIELD  64

/* the hash of a store, an app of up to 64 bytes, an id of up to 128 */

#define NGX_LU_DEVICE_KEY_SIZE  256

/*
 * A list looks at this many devices, the most recent first, and at so many of
 * them while checks have to wait.
 */

#define NGX_LU_DEVICE_SCAN     10000
#define NGX_LU_DEVICE_PORTION  32

/* of which one is still where it was when the list goes on behind it */

#define NGX_LU_DEVICE_MARKS  4

/* the size of a usual node; larger ones take two or four times as much */

#define NGX_LU_DEVICE_ROOM  256


/*
 * The strings of a device.  The key identifies it: the hash of the store, the
 * app and the id, the latter two terminated by a zero byte, which neither of
 * them contains.  Behind the app of an installation is another byte.
 */

#define NGX_LU_DEVICE_PLUGGED    0
#define NGX_LU_DEVICE_INSTALLED  1

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
    uint64_t                order;      /* of being seen, in the zone */
    uint32_t                created;
    uint32_t                seen;
    uint32_t                hash;
    lu_cohort_device_t      cohort;
    u_short                 room;       /* for data */
    u_char                  platform;
    u_short                 len[NGX_LU_DEVICE_STRINGS];
    u_char                  data[1];
};


/* Which installation asked last from an address; one that is lost is lost. */

typedef struct {
    uint32_t                address;    /* hash; of the app, too */
    uint32_t                device;     /* hash */
} ngx_lu_device_address_t;


struct ngx_lu_devices_s {
    ngx_slab_pool_t        *shpool;
    ngx_lu_device_node_t  **buckets;
    ngx_uint_t              nbuckets;
    ngx_lu_device_address_t *addresses;
    ngx_queue_t             queue;      /* most recently seen first */
    uint64_t                order;      /* of the last one seen */
    lu_sip_t                secret;     /* of the hash */
};


#define NGX_LU_DEVICE_DATA                                                    \
    (NGX_LU_DEVICE_KEY_SIZE                                                   \
     + (NGX_LU_DEVICE_STRINGS - 1) * NGX_LU_DEVICE_FIELD)


/* What is written into a node, so that the mutex is held for a copy of it. */

typedef struct {
    uint64_t                hash;
    size_t                  size;       /* of the data */
    u_short                 len[NGX_LU_DEVICE_STRINGS];
    u_char                  data[NGX_LU_DEVICE_DATA];
} ngx_lu_device_row_t;


/* A copy of a node; the data has what the node uses of its room. */

typedef union {
    ngx_lu_device_node_t    node;
    u_char                  bytes[offsetof(ngx_lu_device_node_t, data)
                                  + NGX_LU_DEVICE_DATA];
} ngx_lu_device_copy_t;


/* Where a list is while others have the mutex. */

typedef struct {
    ngx_lu_devices_t       *devices;
    u_char                  prefix[NGX_LU_DEVICE_KEY_SIZE];
    size_t                  len;        /* of the prefix */
    ngx_uint_t              left;       /* devices to be looked at */
    ngx_uint_t              wanted;     /* devices of the app */

    /* the last ones that were looked at, the last one first */
    ngx_lu_device_copy_t    marks[NGX_LU_DEVICE_MARKS];
    ngx_uint_t              nmarks;

    /* the devices of the app among the portion */
    ngx_lu_device_copy_t    found[NGX_LU_DEVICE_PORTION];
    ngx_uint_t              nfound;
} ngx_lu_device_walk_t;


static void ngx_lu_device_row(ngx_lu_devices_t *devices,
    ngx_lu_store_t *store, ngx_lu_device_t *device, ngx_lu_device_row_t *row);
static ngx_inline u_char *ngx_lu_device_put(u_char *p, ngx_str_t *string,
    u_short *size);
static uint64_t ngx_lu_device_hash(ngx_lu_devices_t *devices, ngx_str_t *app,
    ngx_str_t *id);
static u_char *ngx_lu_device_prefix(ngx_lu_store_t *store, ngx_str_t *app,
    ngx_uint_t kind, u_char *p);
static uint32_t ngx_lu_device_address(ngx_lu_devices_t *devices,
    ngx_lu_store_t *store, ngx_str_t *app, ngx_str_t *address);
static size_t ngx_lu_device_cut(ngx_str_t *string);
static ngx_lu_device_node_t *ngx_lu_device_lock(ngx_lu_devices_t *devices,
    ngx_lu_store_t *store, ngx_str_t *app, ngx_str_t *id);
static ngx_lu_device_node_t *ngx_lu_device_lookup(ngx_lu_devices_t *devices,
    uint32_t hash, u_char *key, size_t len);
static ngx_uint_t ngx_lu_device_updated(ngx_lu_device_node_t *dn,
    ngx_lu_device_row_t *row);
static ngx_lu_device_node_t *ngx_lu_device_alloc(ngx_lu_devices_t *devices,
    size_t size);
static void ngx_lu_device_insert(ngx_lu_devices_t *devices,
    ngx_lu_device_node_t *dn);
static void ngx_lu_device_remove(ngx_lu_devices_t *devices,
    ngx_lu_device_node_t *dn);
static void ngx_lu_device_copy(ngx_lu_device_copy_t *copy,
    ngx_lu_device_node_t *dn);
static ngx_int_t ngx_lu_device_read(ngx_pool_t *pool, ngx_lu_device_t *device,
    ngx_lu_device_copy_t *copy);
static ngx_queue_t *ngx_lu_device_resume(ngx_lu_device_walk_t *walk);
static ngx_uint_t ngx_lu_device_portion(ngx_lu_device_walk_t *walk);


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

    devices->addresses = ngx_slab_calloc(shpool,
                                         devices->nbuckets
                                         * sizeof(ngx_lu_device_address_t));
    if (devices->addresses == NULL) {
        return NULL;
    }

    if (RAND_bytes((u_char *) &devices->secret, sizeof(lu_sip_t)) != 1) {
        return NULL;
    }

    devices->shpool = shpool;

    ngx_queue_init(&devices->queue);

    return devices;
}


uint64_t
ngx_lu_device_seen(ngx_lu_store_t *store, ngx_lu_device_t *device)
{
    uint32_t                  created, address;
    ngx_lu_devices_t         *devices;
    lu_cohort_device_t        cohort;
    ngx_lu_device_row_t       row;
    ngx_lu_device_node_t     *dn;
    ngx_lu_device_address_t  *at;

    devices = ngx_lu_zone_devices(store);
    created = (uint32_t) ngx_time();
    address = 0;

    ngx_memzero(&cohort, sizeof(lu_cohort_device_t));

    ngx_lu_device_row(devices, store, device, &row);

    if (device->address.len) {
        address = ngx_lu_device_address(devices, store, &device->app,
                                        &device->address);
    }

    ngx_shmtx_lock(&devices->shpool->mutex);

    dn = ngx_lu_device_lookup(devices, (uint32_t) row.hash, row.data,
                              row.len[NGX_LU_DEVICE_KEY]);

    if (dn) {
        lu_cohort_comes(&dn->cohort, ngx_time() - (time_t) dn->seen);
        ngx_queue_remove(&dn->queue);

        if (device->cohort) {
            device->cohort->check.updated = ngx_lu_device_updated(dn, &row);
        }

        if (dn->room < row.size) {
            created = dn->created;
            cohort = dn->cohort;

            ngx_lu_device_remove(devices, dn);
            ngx_slab_free_locked(devices->shpool, dn);
            dn = NULL;
        }
    }

    if (dn == NULL) {
        dn = ngx_lu_device_alloc(devices, row.size);
        if (dn == NULL) {
            ngx_shmtx_unlock(&devices->shpool->mutex);
            return row.hash;
        }

        dn->hash = (uint32_t) row.hash;
        dn->created = created;
        dn->cohort = cohort;

        ngx_lu_device_insert(devices, dn);
    }

    ngx_queue_insert_head(&devices->queue, &dn->queue);

    dn->order = ++devices->order;
    dn->seen = (uint32_t) ngx_time();
    dn->platform = (u_char) device->platform;

    ngx_memcpy(dn->len, row.len, sizeof(row.len));
    ngx_memcpy(dn->data, row.data, row.size);

    if (device->leaves) {
        lu_cohort_leave(&dn->cohort);
    }

    if (address) {
        at = &devices->addresses[address % devices->nbuckets];
        at->address = address;
        at->device = dn->hash;
    }

    if (device->cohort) {
        ngx_lu_cohort_check(ngx_lu_zone_cohorts(store), store, &device->app,
                            device->cohort, &dn->cohort);
    }

    ngx_shmtx_unlock(&devices->shpool->mutex);

    return row.hash;
}


static void
ngx_lu_device_row(ngx_lu_devices_t *devices, ngx_lu_store_t *store,
    ngx_lu_device_t *device, ngx_lu_device_row_t *row)
{
    u_char   *p;
    u_short  *len;

    row->hash = ngx_lu_device_hash(devices, &device->app, &device->id);

    p = ngx_lu_device_prefix(store, &device->app,
                             device->is_installation
                                 ? NGX_LU_DEVICE_INSTALLED
                                 : NGX_LU_DEVICE_PLUGGED,
                             row->data);
    p = ngx_lu_cpymem(p, device->id.data, device->id.len);
    *p++ = '\0';

    len = row->len;
    len[NGX_LU_DEVICE_KEY] = (u_short) (p - row->data);

    p = ngx_lu_device_put(p, &device->app_version_code,
                          &len[NGX_LU_DEVICE_CODE]);
    p = ngx_lu_device_put(p, &device->app_version_name,
                          &len[NGX_LU_DEVICE_VERSION]);
    p = ngx_lu_device_put(p, &device->os_version, &len[NGX_LU_DEVICE_OS]);
    p = ngx_lu_device_put(p, &device->plugin_version,
                          &len[NGX_LU_DEVICE_PLUGIN]);
    p = ngx_lu_device_put(p, &device->custom_id, &len[NGX_LU_DEVICE_CUSTOM]);
    p = ngx_lu_device_put(p, &device->channel_id, &len[NGX_LU_DEVICE_CHANNEL]);
    p = ngx_lu_device_put(p, &device->deployment_id,
                          &len[NGX_LU_DEVICE_DEPLOYMENT]);

    row->size = p - row->data;
}


/* Nearly all strings are ids, or a few bytes, for which a call is long. */

static ngx_inline u_char *
ngx_lu_device_put(u_char *p, ngx_str_t *string, u_short *size)
{
    size_t   i, len;
    u_char  *data;

    len = string->len;
    data = string->data;

    if (len > NGX_LU_DEVICE_FIELD) {
        len = ngx_lu_device_cut(string);
    }

    *size = (u_short) len;

    if (len > sizeof(uint64_t)) {
        return ngx_cpymem(p, data, len);
    }

    if (len < sizeof(uint32_t)) {

        for (i = 0; i < len; i++) {
            p[i] = data[i];
        }

        return p + len;
    }

    ngx_memcpy(p, data, sizeof(uint32_t));
    ngx_memcpy(p + len - sizeof(uint32_t), data + len - sizeof(uint32_t),
               sizeof(uint32_t));

    return p + len;
}


/*
 * Of the app, the end will do: it keeps those apart who have the same id in
 * several apps, and the key has all of it.
 */

static uint64_t
ngx_lu_device_hash(ngx_lu_devices_t *devices, ngx_str_t *app, ngx_str_t *id)
{
    uint64_t  end;
    lu_sip_t  secret;

    secret = devices->secret;

    if (app->len >= sizeof(uint64_t)) {
        ngx_memcpy(&end, app->data + app->len - sizeof(uint64_t),
                   sizeof(uint64_t));
        secret.words[0] ^= end;
    }

    return lu_sip(&secret, id->data, id->len);
}


/* The beginning of the keys of all devices of an app. */

static u_char *
ngx_lu_device_prefix(ngx_lu_store_t *store, ngx_str_t *app, ngx_uint_t kind,
    u_char *p)
{
    p = ngx_cpymem(p, &store->hash, sizeof(uint32_t));
    p = ngx_lu_cpymem(p, app->data, app->len);
    *p++ = (u_char) kind;

    return p;
}


/* Never 0. */

static uint32_t
ngx_lu_device_address(ngx_lu_devices_t *devices, ngx_lu_store_t *store,
    ngx_str_t *app, ngx_str_t *address)
{
    u_char    *p, key[NGX_LU_DEVICE_KEY_SIZE];
    uint32_t   hash;

    p = ngx_lu_device_prefix(store, app, NGX_LU_DEVICE_INSTALLED, key);
    p = ngx_lu_cpymem(p, address->data,
                      ngx_min(address->len, NGX_LU_DEVICE_FIELD));

    hash = (uint32_t) lu_sip(&devices->secret, key, p - key);

    return hash ? hash : 1;
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
ngx_lu_device_lookup(ngx_lu_devices_t *devices, uint32_t hash, u_char *key,
    size_t len)
{
    ngx_lu_device_node_t  *dn;

    dn = devices->buckets[hash % devices->nbuckets];

    for ( /* void */ ; dn; dn = dn->next) {
        if (dn->hash == hash
            && dn->len[NGX_LU_DEVICE_KEY] == len
            && ngx_memcmp(dn->data, key, len) == 0)
        {
            return dn;
        }
    }

    return NULL;
}


/* Another version of the app itself has been installed. */

static ngx_uint_t
ngx_lu_device_updated(ngx_lu_device_node_t *dn, ngx_lu_device_row_t *row)
{
    size_t  key;

    key = row->len[NGX_LU_DEVICE_KEY];

    return dn->len[NGX_LU_DEVICE_CODE] != row->len[NGX_LU_DEVICE_CODE]
           || ngx_memcmp(dn->data + key, row->data + key,
                         row->len[NGX_LU_DEVICE_CODE])
              != 0;
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
    ngx_lu_devices_t      *devices;
    ngx_lu_device_row_t    row;
    ngx_lu_device_copy_t   copy;
    ngx_lu_device_node_t  *dn;

    ngx_memzero(device, sizeof(ngx_lu_device_t));

    device->app = *app;
    device->id = *id;

    devices = ngx_lu_zone_devices(store);

    ngx_lu_device_row(devices, store, device, &row);

    ngx_shmtx_lock(&devices->shpool->mutex);

    dn = ngx_lu_device_lookup(devices, (uint32_t) row.hash, row.data,
                              row.len[NGX_LU_DEVICE_KEY]);
    if (dn) {
        ngx_lu_device_copy(&copy, dn);
    }

    ngx_shmtx_unlock(&devices->shpool->mutex);

    return dn ? ngx_lu_device_read(pool, device, &copy) : NGX_DECLINED;
}


static void
ngx_lu_device_copy(ngx_lu_device_copy_t *copy, ngx_lu_device_node_t *dn)
{
    size_t      size;
    ngx_uint_t  i;

    size = offsetof(ngx_lu_device_node_t, data);

    for (i = 0; i < NGX_LU_DEVICE_STRINGS; i++) {
        size += dn->len[i];
    }

    ngx_memcpy(copy->bytes, dn, size);
}


static ngx_int_t
ngx_lu_device_read(ngx_pool_t *pool, ngx_lu_device_t *device,
    ngx_lu_device_copy_t *copy)
{
    u_char                *p, *src;
    size_t                 size;
    ngx_str_t              strings[NGX_LU_DEVICE_STRINGS];
    ngx_uint_t             i;
    ngx_lu_device_node_t  *dn;

    dn = &copy->node;

    size = NGX_LU_DEVICE_STRINGS;

    for (i = 0; i < NGX_LU_DEVICE_STRINGS; i++) {
        size += dn->len[i];
    }

    p = ngx_pnalloc(pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    src = copy->bytes + offsetof(ngx_lu_device_node_t, data);

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
ngx_lu_device_fetched(ngx_lu_store_t *store, ngx_str_t *app, ngx_str_t *id,
    ngx_str_t *release)
{
    ngx_lu_devices_t      *devices;
    ngx_lu_device_node_t  *dn;

    devices = ngx_lu_zone_devices(store);
    dn = ngx_lu_device_lock(devices, store, app, id);

    if (dn) {
        ngx_lu_cohort_fetched(ngx_lu_zone_cohorts(store), store, app, release,
                              dn->platform, &dn->cohort);
    }

    ngx_shmtx_unlock(&devices->shpool->mutex);
}


void
ngx_lu_device_downloaded(ngx_lu_store_t *store, ngx_str_t *app,
    ngx_str_t *address, ngx_str_t *release)
{
    uint32_t                  hash;
    ngx_lu_devices_t         *devices;
    ngx_lu_device_node_t     *dn;
    ngx_lu_device_address_t  *at;

    devices = ngx_lu_zone_devices(store);
    hash = ngx_lu_device_address(devices, store, app, address);

    ngx_shmtx_lock(&devices->shpool->mutex);

    at = &devices->addresses[hash % devices->nbuckets];
    dn = NULL;

    if (at->address == hash) {
        dn = devices->buckets[at->device % devices->nbuckets];
    }

    while (dn && dn->hash != at->device) {
        dn = dn->next;
    }

    if (dn) {
        ngx_lu_cohort_fetched(ngx_lu_zone_cohorts(store), store, app, release,
                              dn->platform, &dn->cohort);
    }

    ngx_shmtx_unlock(&devices->shpool->mutex);
}


void
ngx_lu_device_forget(ngx_lu_store_t *store, ngx_str_t *app, ngx_str_t *id)
{
    ngx_lu_devices_t      *devices;
    ngx_lu_device_node_t  *dn;

    devices = ngx_lu_zone_devices(store);
    dn = ngx_lu_device_lock(devices, store, app, id);

    if (dn) {
        ngx_queue_remove(&dn->queue);
        ngx_lu_device_remove(devices, dn);
        ngx_slab_free_locked(devices->shpool, dn);
    }

    ngx_shmtx_unlock(&devices->shpool->mutex);
}


/* Locks the zone, which the caller unlocks, and looks for a device. */

static ngx_lu_device_node_t *
ngx_lu_device_lock(ngx_lu_devices_t *devices, ngx_lu_store_t *store,
    ngx_str_t *app, ngx_str_t *id)
{
    ngx_lu_device_t      device;
    ngx_lu_device_row_t  row;

    ngx_memzero(&device, sizeof(ngx_lu_device_t));

    device.app = *app;
    device.id = *id;

    ngx_lu_device_row(devices, store, &device, &row);

    ngx_shmtx_lock(&devices->shpool->mutex);

    return ngx_lu_device_lookup(devices, (uint32_t) row.hash, row.data,
                                row.len[NGX_LU_DEVICE_KEY]);
}


ngx_int_t
ngx_lu_device_list(ngx_lu_store_t *store, ngx_pool_t *pool, ngx_str_t *app,
    ngx_lu_device_t *devices, ngx_uint_t *n)
{
    ngx_uint_t             i, count, more;
    ngx_lu_devices_t      *known;
    ngx_lu_device_walk_t  *walk;

    walk = ngx_palloc(pool, sizeof(ngx_lu_device_walk_t));
    if (walk == NULL) {
        return NGX_ERROR;
    }

    known = ngx_lu_zone_devices(store);

    walk->devices = known;
    walk->len = ngx_lu_device_prefix(store, app, NGX_LU_DEVICE_PLUGGED,
                                     walk->prefix)
                - walk->prefix;
    walk->left = NGX_LU_DEVICE_SCAN;
    walk->nmarks = 0;

    count = 0;

    do {
        walk->wanted = *n - count;

        ngx_shmtx_lock(&known->shpool->mutex);

        more = ngx_lu_device_portion(walk);

        ngx_shmtx_unlock(&known->shpool->mutex);

        for (i = 0; i < walk->nfound; i++) {
            if (ngx_lu_device_read(pool, &devices[count], &walk->found[i])
                != NGX_OK)
            {
                return NGX_ERROR;
            }

            count++;
        }

    } while (more);

    *n = count;

    return NGX_OK;
}


/* Looks at the next devices while the mutex is held.  0: there are no more. */

static ngx_uint_t
ngx_lu_device_portion(ngx_lu_device_walk_t *walk)
{
    ngx_uint_t             i;
    ngx_queue_t           *q, *seen[NGX_LU_DEVICE_PORTION];
    ngx_lu_device_node_t  *dn;

    walk->nfound = 0;

    q = ngx_lu_device_resume(walk);

    for (i = 0;
         i < NGX_LU_DEVICE_PORTION
         && walk->left
         && walk->nfound < walk->wanted
         && q != ngx_queue_sentinel(&walk->devices->queue);
         i++, q = ngx_queue_next(q))
    {
        seen[i] = q;
        walk->left--;

        dn = ngx_queue_data(q, ngx_lu_device_node_t, queue);

        if (dn->len[NGX_LU_DEVICE_KEY] > walk->len
            && ngx_memcmp(dn->data, walk->prefix, walk->len) == 0)
        {
            ngx_lu_device_copy(&walk->found[walk->nfound++], dn);
        }
    }

    if (i < NGX_LU_DEVICE_PORTION) {
        return 0;
    }

    for (walk->nmarks = 0;
         walk->nmarks < NGX_LU_DEVICE_MARKS;
         walk->nmarks++)
    {
        q = seen[--i];
        dn = ngx_queue_data(q, ngx_lu_device_node_t, queue);

        ngx_lu_device_copy(&walk->marks[walk->nmarks], dn);
    }

    return 1;
}


/*
 * Each time that a device is seen, it goes to the head of the queue, and gets
 * another order.  If that has happened to all marks, the list ends here.
 */

static ngx_queue_t *
ngx_lu_device_resume(ngx_lu_device_walk_t *walk)
{
    u_char                *key;
    ngx_uint_t             i;
    ngx_lu_devices_t      *devices;
    ngx_lu_device_node_t  *dn, *mark;

    devices = walk->devices;

    if (walk->nmarks == 0) {
        return ngx_queue_head(&devices->queue);
    }

    for (i = 0; i < walk->nmarks; i++) {
        mark = &walk->marks[i].node;
        key = walk->marks[i].bytes + offsetof(ngx_lu_device_node_t, data);

        dn = ngx_lu_device_lookup(devices, mark->hash, key,
                                  mark->len[NGX_LU_DEVICE_KEY]);

        if (dn && dn->order == mark->order) {

            /* those between this mark and the last one were seen again */

            return ngx_queue_next(&dn->queue);
        }
    }

    return ngx_queue_sentinel(&devices->queue);
}
