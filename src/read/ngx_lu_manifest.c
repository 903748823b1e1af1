
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Manifests, which all desktop apps ask for each time they start: small ones
 * are kept in memory, and sent from there.
 */


#include "ngx_lu_manifest.h"
#include "ngx_lu_static.h"


#define NGX_LU_MANIFEST_SIZE  4096    /* larger ones are files */
#define NGX_LU_MANIFESTS      256     /* kept by a worker */


typedef struct {
    ngx_str_node_t       sn;                       /* the file's path */
    ngx_queue_t          queue;                    /* most recent first */
    ngx_file_uniq_t      uniq;
    time_t               mtime;
    size_t               size;
    time_t               checked;
    u_char              *bytes;
} ngx_lu_manifest_t;


static ngx_lu_manifest_t *ngx_lu_manifest_get(ngx_http_request_t *r,
    ngx_str_t *path);
static ngx_int_t ngx_lu_manifest_open(ngx_http_request_t *r, ngx_str_t *path,
    ngx_open_file_info_t *of);
static ngx_lu_manifest_t *ngx_lu_manifest_read(ngx_http_request_t *r,
    ngx_str_t *path, uint32_t hash, ngx_open_file_info_t *of);
static void ngx_lu_manifest_forget(ngx_lu_manifest_t *manifest);


static ngx_uint_t         ngx_lu_nmanifests;
static ngx_queue_t        ngx_lu_manifests;
static ngx_rbtree_t       ngx_lu_manifest_rbtree;
static ngx_rbtree_node_t  ngx_lu_manifest_sentinel;


/*
 * As nginx's static handler does it, which has the word if there is anything
 * but a small file: NGX_DECLINED.
 */

ngx_int_t
ngx_lu_manifest_send(ngx_http_request_t *r)
{
    u_char             *last;
    size_t              root;
    ngx_buf_t          *b;
    ngx_int_t           rc;
    ngx_str_t           path;
    ngx_chain_t         out;
    ngx_lu_manifest_t  *manifest;

    last = ngx_http_map_uri_to_path(r, &path, &root, 0);
    if (last == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    path.len = last - path.data;

    manifest = ngx_lu_manifest_get(r, &path);
    if (manifest == NULL) {
        return NGX_DECLINED;
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = manifest->size;
    r->headers_out.last_modified_time = manifest->mtime;
    r->allow_ranges = 1;

    if (ngx_http_set_etag(r) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* a slow client may still be reading when it is forgotten */

    b = ngx_create_temp_buf(r->pool, manifest->size);
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    b->last = ngx_cpymem(b->pos, manifest->bytes, manifest->size);
    b->last_buf = (r == r->main) ? 1 : 0;
    b->last_in_chain = 1;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return ngx_lu_static_finish(r, rc);
    }

    out.buf = b;
    out.next = NULL;

    return ngx_lu_static_finish(r, ngx_http_output_filter(r, &out));
}


/*
 * The bytes behind a name never change.  That they are still there, and those
 * that somebody may have put in their place, is looked at as often as whether
 * the app has changed.
 */

static ngx_lu_manifest_t *
ngx_lu_manifest_get(ngx_http_request_t *r, ngx_str_t *path)
{
    uint32_t              hash;
    ngx_open_file_info_t  of;
    ngx_lu_loc_conf_t    *lucf;
    ngx_lu_manifest_t    *manifest;

    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);

    if (ngx_lu_manifest_rbtree.root == NULL) {
        ngx_queue_init(&ngx_lu_manifests);
        ngx_rbtree_init(&ngx_lu_manifest_rbtree, &ngx_lu_manifest_sentinel,
                        ngx_str_rbtree_insert_value);
    }

    hash = ngx_murmur_hash2(path->data, path->len);

    manifest = (ngx_lu_manifest_t *)
                   ngx_str_rbtree_lookup(&ngx_lu_manifest_rbtree, path, hash);

    if (manifest == NULL || ngx_time() - manifest->checked >= lucf->valid) {

        if (ngx_lu_manifest_open(r, path, &of) != NGX_OK) {
            ngx_memzero(&of, sizeof(ngx_open_file_info_t));
        }

        if (manifest
            && (manifest->uniq != of.uniq
                || manifest->mtime != of.mtime
                || (off_t) manifest->size != of.size))
        {
            ngx_lu_manifest_forget(manifest);
            manifest = NULL;
        }

        if (manifest == NULL) {
            manifest = ngx_lu_manifest_read(r, path, hash, &of);
            if (manifest == NULL) {
                return NULL;
            }

        } else {
            ngx_queue_remove(&manifest->queue);
        }

        manifest->checked = ngx_time();

        ngx_queue_insert_head(&ngx_lu_manifests, &manifest->queue);
    }

    return manifest;
}


static ngx_int_t
ngx_lu_manifest_open(ngx_http_request_t *r, ngx_str_t *path,
    ngx_open_file_info_t *of)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    ngx_memzero(of, sizeof(ngx_open_file_info_t));

    of->read_ahead = clcf->read_ahead;
    of->directio = NGX_MAX_OFF_T_VALUE;
    of->valid = clcf->open_file_cache_valid;
    of->min_uses = clcf->open_file_cache_min_uses;
    of->errors = clcf->open_file_cache_errors;
    of->events = clcf->open_file_cache_events;

    if (ngx_http_set_disable_symlinks(r, clcf, path, of) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_open_cached_file(clcf->open_file_cache, path, of, r->pool);
}


static ngx_lu_manifest_t *
ngx_lu_manifest_read(ngx_http_request_t *r, ngx_str_t *path, uint32_t hash,
    ngx_open_file_info_t *of)
{
    ngx_queue_t        *q;
    ngx_lu_manifest_t  *manifest;

    if (!of->is_file || of->size == 0 || of->size > NGX_LU_MANIFEST_SIZE) {
        return NULL;
    }

    if (ngx_lu_nmanifests == NGX_LU_MANIFESTS) {
        q = ngx_queue_last(&ngx_lu_manifests);
        ngx_lu_manifest_forget(ngx_queue_data(q, ngx_lu_manifest_t, queue));
    }

    manifest = ngx_alloc(sizeof(ngx_lu_manifest_t) + path->len
                         + of->size, r->connection->log);
    if (manifest == NULL) {
        return NULL;
    }

    manifest->sn.node.key = hash;
    manifest->sn.str.len = path->len;
    manifest->sn.str.data = (u_char *) manifest + sizeof(ngx_lu_manifest_t);
    manifest->bytes = ngx_cpymem(manifest->sn.str.data, path->data, path->len);

    manifest->uniq = of->uniq;
    manifest->mtime = of->mtime;
    manifest->size = of->size;

    if (pread(of->fd, manifest->bytes, manifest->size, 0)
        != (ssize_t) manifest->size)
    {
        ngx_free(manifest);
        return NULL;
    }

    ngx_rbtree_insert(&ngx_lu_manifest_rbtree, &manifest->sn.node);
    ngx_lu_nmanifests++;

    return manifest;
}


static void
ngx_lu_manifest_forget(ngx_lu_manifest_t *manifest)
{
    ngx_rbtree_delete(&ngx_lu_manifest_rbtree, &manifest->sn.node);
    ngx_queue_remove(&manifest->queue);
    ngx_lu_nmanifests--;

    ngx_free(manifest);
}
