
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_count.h"


/* several apps may share a generation: they are then looked at once more */

#define NGX_LU_GENERATIONS   1024

#define NGX_LU_DEVICE_FIELD  64

/* 4 bytes, 64 and a zero byte, 128 and a zero byte */

#define NGX_LU_DEVICE_KEY_SIZE  256
#define NGX_LU_DEVICE_SCAN      10000

/* room for a usual device; others take twice or four times as much */

#define NGX_LU_DEVICE_ROOM  256


/*
 * The strings of a device.  The key is what makes it out: the store's hash,
 * app and id, the latter two ended by a zero byte, which they do not have.
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
    ngx_lu_device_node_t                *next;   /* in the bucket */
    ngx_queue_t                          queue;
    time_t                               created;
    time_t                               seen;
    uint32_t                             hash;
    u_short                              room;   /* for data */
    u_short                              len[NGX_LU_DEVICE_STRINGS];
    u_char                               platform;
    u_char                               data[1];
};


typedef struct {
    ngx_str_t                            strings[NGX_LU_DEVICE_STRINGS];
    size_t                               size;
    uint32_t                             hash;
    u_char                               key[NGX_LU_DEVICE_KEY_SIZE];
} ngx_lu_device_row_t;


typedef struct {
    ngx_atomic_t                         generations[NGX_LU_GENERATIONS];
    ngx_lu_device_node_t               **buckets;
    ngx_uint_t                           nbuckets;
    ngx_queue_t                          queue;  /* most recently seen first */
    ngx_lu_count_t                      *count;
} ngx_lu_shctx_t;


typedef struct {
    ngx_lu_shctx_t                      *sh;
    ngx_slab_pool_t                     *shpool;
} ngx_lu_zone_ctx_t;


static ngx_int_t ngx_lu_zone_init(ngx_shm_zone_t *shm_zone, void *data);
static void ngx_lu_device_row(ngx_lu_store_t *store, ngx_lu_device_t *device,
    ngx_lu_device_row_t *row);
static u_char *ngx_lu_device_prefix(ngx_lu_store_t *store, ngx_str_t *app,
    u_char *p);
static size_t ngx_lu_device_cut(ngx_str_t *string);
static ngx_lu_device_node_t *ngx_lu_device_lookup(ngx_lu_shctx_t *sh,
    ngx_lu_device_row_t *row);
static ngx_lu_device_node_t *ngx_lu_device_alloc(ngx_lu_zone_ctx_t *ctx,
    size_t size);
static void ngx_lu_device_insert(ngx_lu_shctx_t *sh, ngx_lu_device_node_t *dn);
static void ngx_lu_device_remove(ngx_lu_shctx_t *sh, ngx_lu_device_node_t *dn);
static ngx_int_t ngx_lu_device_copy(ngx_pool_t *pool, ngx_lu_device_t *device,
    ngx_lu_device_node_t *dn);


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
    ngx_shm_zone_t     *shm_zone;
    ngx_lu_zone_ctx_t  *ctx;

    shm_zone = ngx_shared_memory_add(cf, name, size,
                                     &ngx_http_liveupdate_module);
    if (shm_zone == NULL) {
        return NULL;
    }

    ctx = ngx_pcalloc(cf->pool, sizeof(ngx_lu_zone_ctx_t));
    if (ctx == NULL) {
        return NULL;
    }

    shm_zone->init = ngx_lu_zone_init;
    shm_zone->data = ctx;

    return shm_zone;
}


static ngx_int_t
ngx_lu_zone_init(ngx_shm_zone_t *shm_zone, void *data)
{
    ngx_lu_zone_ctx_t  *octx = data;

    size_t              len;
    ngx_lu_zone_ctx_t  *ctx;

    ctx = shm_zone->data;

    if (octx) {
        ctx->sh = octx->sh;
        ctx->shpool = octx->shpool;
        return NGX_OK;
    }

    ctx->shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    if (shm_zone->shm.exists) {
        ctx->sh = ctx->shpool->data;
        return NGX_OK;
    }

    ctx->sh = ngx_slab_calloc(ctx->shpool, sizeof(ngx_lu_shctx_t));
    if (ctx->sh == NULL) {
        return NGX_ERROR;
    }

    ctx->shpool->data = ctx->sh;

    /* so many that a bucket holds about one device when the zone is full */

    ctx->sh->nbuckets = shm_zone->shm.size / NGX_LU_DEVICE_ROOM;
    ctx->sh->buckets = ngx_slab_calloc(ctx->shpool,
                                       ctx->sh->nbuckets * sizeof(void *));
    if (ctx->sh->buckets == NULL) {
        return NGX_ERROR;
    }

    ngx_queue_init(&ctx->sh->queue);

    ctx->sh->count = ngx_lu_count_create(ctx->shpool, shm_zone->shm.size);
    if (ctx->sh->count == NULL) {
        return NGX_ERROR;
    }

    len = sizeof(" in liveupdate zone \"\"") + shm_zone->shm.name.len;

    ctx->shpool->log_ctx = ngx_slab_alloc(ctx->shpool, len);
    if (ctx->shpool->log_ctx == NULL) {
        return NGX_ERROR;
    }

    ngx_sprintf(ctx->shpool->log_ctx, " in liveupdate zone \"%V\"%Z",
                &shm_zone->shm.name);

    ctx->shpool->log_nomem = 0;

    return NGX_OK;
}


ngx_atomic_t *
ngx_lu_zone_generation(ngx_lu_store_t *store, ngx_str_t *app)
{
    uint32_t            hash;
    ngx_lu_zone_ctx_t  *ctx;

    ctx = store->zone->data;

    hash = store->hash ^ ngx_murmur_hash2(app->data, app->len);

    return &ctx->sh->generations[hash % NGX_LU_GENERATIONS];
}


ngx_atomic_uint_t
ngx_lu_zone_changes(ngx_lu_store_t *store)
{
    ngx_uint_t          i;
    ngx_atomic_uint_t   n;
    ngx_lu_zone_ctx_t  *ctx;

    ctx = store->zone->data;

    n = 0;

    for (i = 0; i < NGX_LU_GENERATIONS; i++) {
        n += ctx->sh->generations[i];
    }

    return n;
}


ngx_lu_count_t *
ngx_lu_zone_count(ngx_lu_store_t *store)
{
    ngx_lu_zone_ctx_t  *ctx;

    ctx = store->zone->data;

    return ctx->sh->count;
}


void
ngx_lu_device_seen(ngx_lu_store_t *store, ngx_lu_device_t *device)
{
    u_char                *p;
    time_t                 created;
    ngx_uint_t             i;
    ngx_lu_zone_ctx_t     *ctx;
    ngx_lu_device_row_t    row;
    ngx_lu_device_node_t  *dn;

    ctx = store->zone->data;
    created = ngx_time();

    ngx_lu_device_row(store, device, &row);

    ngx_shmtx_lock(&ctx->shpool->mutex);

    dn = ngx_lu_device_lookup(ctx->sh, &row);

    if (dn) {
        created = dn->created;
        ngx_queue_remove(&dn->queue);

        if (dn->room < row.size) {
            ngx_lu_device_remove(ctx->sh, dn);
            ngx_slab_free_locked(ctx->shpool, dn);
            dn = NULL;
        }
    }

    if (dn == NULL) {
        dn = ngx_lu_device_alloc(ctx, row.size);
        if (dn == NULL) {
            ngx_shmtx_unlock(&ctx->shpool->mutex);
            return;
        }

        dn->hash = row.hash;
        ngx_lu_device_insert(ctx->sh, dn);
    }

    ngx_queue_insert_head(&ctx->sh->queue, &dn->queue);

    dn->created = created;
    dn->seen = ngx_time();
    dn->platform = (u_char) device->platform;

    p = dn->data;

    for (i = 0; i < NGX_LU_DEVICE_STRINGS; i++) {
        dn->len[i] = (u_short) row.strings[i].len;
        p = ngx_cpymem(p, row.strings[i].data, row.strings[i].len);
    }

    ngx_shmtx_unlock(&ctx->shpool->mutex);
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


/* What the keys of an app's devices begin with. */

static u_char *
ngx_lu_device_prefix(ngx_lu_store_t *store, ngx_str_t *app, u_char *p)
{
    p = ngx_cpymem(p, &store->hash, sizeof(uint32_t));
    p = ngx_cpymem(p, app->data, app->len);
    *p++ = '\0';

    return p;
}


/* Not in the midst of a character: these are UTF-8. */

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
ngx_lu_device_lookup(ngx_lu_shctx_t *sh, ngx_lu_device_row_t *row)
{
    ngx_str_t             *key;
    ngx_lu_device_node_t  *dn;

    key = &row->strings[NGX_LU_DEVICE_KEY];

    for (dn = sh->buckets[row->hash % sh->nbuckets]; dn; dn = dn->next) {
        if (dn->hash == row->hash
            && dn->len[NGX_LU_DEVICE_KEY] == key->len
            && ngx_memcmp(dn->data, key->data, key->len) == 0)
        {
            return dn;
        }
    }

    return NULL;
}


/* In a full zone the place of the device that was not seen for longest. */

static ngx_lu_device_node_t *
ngx_lu_device_alloc(ngx_lu_zone_ctx_t *ctx, size_t size)
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

        dn = ngx_slab_alloc_locked(ctx->shpool, room);
        if (dn) {
            dn->room = (u_short) (room - head);
            return dn;
        }

        if (ngx_queue_empty(&ctx->sh->queue)) {
            break;
        }

        q = ngx_queue_last(&ctx->sh->queue);
        ngx_queue_remove(q);

        dn = ngx_queue_data(q, ngx_lu_device_node_t, queue);
        ngx_lu_device_remove(ctx->sh, dn);

        if (dn->room >= size) {
            return dn;
        }

        ngx_slab_free_locked(ctx->shpool, dn);
    }

    return NULL;
}


static void
ngx_lu_device_insert(ngx_lu_shctx_t *sh, ngx_lu_device_node_t *dn)
{
    ngx_lu_device_node_t  **bucket;

    bucket = &sh->buckets[dn->hash % sh->nbuckets];

    dn->next = *bucket;
    *bucket = dn;
}


static void
ngx_lu_device_remove(ngx_lu_shctx_t *sh, ngx_lu_device_node_t *dn)
{
    ngx_lu_device_node_t  **p;

    p = &sh->buckets[dn->hash % sh->nbuckets];

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
    ngx_lu_zone_ctx_t     *ctx;
    ngx_lu_device_row_t    row;
    ngx_lu_device_node_t  *dn;

    ngx_memzero(device, sizeof(ngx_lu_device_t));

    device->app = *app;
    device->id = *id;

    ngx_lu_device_row(store, device, &row);

    ctx = store->zone->data;

    ngx_shmtx_lock(&ctx->shpool->mutex);

    dn = ngx_lu_device_lookup(ctx->sh, &row);

    rc = dn ? ngx_lu_device_copy(pool, device, dn) : NGX_DECLINED;

    ngx_shmtx_unlock(&ctx->shpool->mutex);

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
    ngx_lu_zone_ctx_t     *ctx;
    ngx_lu_device_row_t    row;
    ngx_lu_device_node_t  *dn;

    ngx_memzero(&device, sizeof(ngx_lu_device_t));

    device.app = *app;
    device.id = *id;

    ngx_lu_device_row(store, &device, &row);

    ctx = store->zone->data;

    ngx_shmtx_lock(&ctx->shpool->mutex);

    dn = ngx_lu_device_lookup(ctx->sh, &row);

    if (dn) {
        ngx_queue_remove(&dn->queue);
        ngx_lu_device_remove(ctx->sh, dn);
        ngx_slab_free_locked(ctx->shpool, dn);
    }

    ngx_shmtx_unlock(&ctx->shpool->mutex);
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
    ngx_lu_zone_ctx_t     *ctx;
    ngx_lu_device_node_t  *dn;

    rc = NGX_OK;
    count = 0;
    ctx = store->zone->data;

    len = ngx_lu_device_prefix(store, app, prefix) - prefix;

    ngx_shmtx_lock(&ctx->shpool->mutex);

    q = ngx_queue_head(&ctx->sh->queue);

    for (i = 0;
         i < NGX_LU_DEVICE_SCAN
         && count < *n
         && q != ngx_queue_sentinel(&ctx->sh->queue);
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

    ngx_shmtx_unlock(&ctx->shpool->mutex);

    *n = count;

    return rc;
}
