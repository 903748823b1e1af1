
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "zone/ngx_lu_count.h"
#include "ngx_lu_release.h"


typedef struct {
    liveupdate_sha256_t  sha256;
    SHA512_CTX           sha512;
} ngx_http_liveupdate_digests_t;


static ngx_int_t ngx_http_liveupdate_digest_piece(void *data, u_char *bytes,
    size_t len);


ngx_int_t
ngx_http_liveupdate_digest(ngx_http_liveupdate_io_t *io, u_char *path,
    ngx_http_liveupdate_digest_t *digest)
{
    ngx_int_t                      rc;
    ngx_file_info_t                fi;
    ngx_http_liveupdate_digests_t  digests;

    liveupdate_sha256_init(&digests.sha256);
    (void) SHA512_Init(&digests.sha512);

    rc = ngx_http_liveupdate_store_pieces(io, path,
                                          ngx_http_liveupdate_digest_piece,
                                          &digests);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_file_info(path, &fi) == NGX_FILE_ERROR) {
        return ngx_http_liveupdate_io_failed(io, ngx_file_info_n, path);
    }

    digest->size = digests.sha256.size;
    digest->uniq = ngx_file_uniq(&fi);
    digest->mtime = ngx_file_mtime(&fi);

    liveupdate_sha256_hex(&digests.sha256, digest->sha256);
    (void) SHA512_Final(digest->sha512, &digests.sha512);

    return NGX_OK;
}


static ngx_int_t
ngx_http_liveupdate_digest_piece(void *data, u_char *bytes, size_t len)
{
    ngx_http_liveupdate_digests_t *digests = data;

    liveupdate_sha256_update(&digests->sha256, bytes, len);
    (void) SHA512_Update(&digests->sha512, bytes, len);

    return NGX_OK;
}


ngx_int_t
ngx_http_liveupdate_staging_clean(ngx_http_liveupdate_call_t *call,
    u_char *folder, const char *name)
{
    u_char  *path;

    path = ngx_http_liveupdate_path(call->io.pool, "%s/%s", folder, name);

    if (ngx_http_liveupdate_store_remove_tree(&call->io, call->store, path)
        == NGX_ERROR)
    {
        return ngx_http_liveupdate_failed(call);
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_liveupdate_staging_place(ngx_http_liveupdate_call_t *call,
    u_char *folder, u_char *data, const liveupdate_str_t *href)
{
    u_char  *path;

    path = ngx_http_liveupdate_path(call->io.pool, "%s/files/%*s", folder,
                                    href->len, href->data);

    if (ngx_http_liveupdate_store_mkdirs(&call->io, folder, path) != NGX_OK
        || ngx_http_liveupdate_store_link(&call->io, data, path) != NGX_OK)
    {
        return ngx_http_liveupdate_failed(call);
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_liveupdate_staging_complete(ngx_http_liveupdate_call_t *call,
    u_char *folder, cJSON *release, const liveupdate_file_t *files, size_t n)
{
    char                           *text;
    size_t                          i;
    u_char                         *path;
    uint64_t                        size;
    ngx_int_t                       rc;
    ngx_http_liveupdate_numbers_t  *numbers;

    text = liveupdate_files_print(files, n);
    if (text == NULL) {
        return ngx_http_liveupdate_nomem(call);
    }

    path = ngx_http_liveupdate_path(call->io.pool, "%s/files.json", folder);

    rc = ngx_http_liveupdate_store_write(&call->io, call->store, path, text,
                                         ngx_strlen(text));
    cJSON_free(text);

    /* all of it is on the disk before the state says so */

    if (rc != NGX_OK
        || ngx_http_liveupdate_store_sync_tree(&call->io, folder) != NGX_OK)
    {
        return ngx_http_liveupdate_failed(call);
    }

    size = 0;

    for (i = 0; i < n; i++) {
        size += files[i].size;
    }

    cJSON_DeleteItemFromObjectCaseSensitive(release, "reason");
    cJSON_DeleteItemFromObjectCaseSensitive(release, "size");

    if (liveupdate_json_set_string(release, "state", "staged") != LIVEUPDATE_OK
        || liveupdate_json_set_string(release, "updatedAt", call->now)
           != LIVEUPDATE_OK
        || cJSON_AddNumberToObject(release, "size", (double) size) == NULL)
    {
        return ngx_http_liveupdate_nomem(call);
    }

    path = ngx_http_liveupdate_path(call->io.pool, "%s/release.json", folder);

    if (ngx_http_liveupdate_store_write_json(&call->io, call->store, path,
                                             release)
        != NGX_OK)
    {
        return ngx_http_liveupdate_failed(call);
    }

    numbers = ngx_http_liveupdate_numbers(call->store);

    ngx_http_liveupdate_add(numbers->staged, 1);
    ngx_http_liveupdate_add(numbers->stage_bytes, size);

    return NGX_OK;
}


/* What was refused stays where it is and says why; it can be mended. */

ngx_int_t
ngx_http_liveupdate_staging_refuse(ngx_http_liveupdate_call_t *call,
    u_char *folder, cJSON *release, ngx_int_t status)
{
    u_char                         *path, *reason;
    ngx_http_liveupdate_numbers_t  *numbers;

    numbers = ngx_http_liveupdate_numbers(call->store);

    ngx_http_liveupdate_add(numbers->stages_failed, 1);

    if (status >= NGX_HTTP_INTERNAL_SERVER_ERROR) {
        return status;
    }

    reason = ngx_http_liveupdate_sentence(call->io.pool, &call->error);

    if (reason == NULL
        || liveupdate_json_set_string(release, "state", "failed")
           != LIVEUPDATE_OK
        || liveupdate_json_set_string(release, "reason", (char *) reason)
           != LIVEUPDATE_OK)
    {
        return ngx_http_liveupdate_nomem(call);
    }

    path = ngx_http_liveupdate_path(call->io.pool, "%s/release.json", folder);

    if (ngx_http_liveupdate_store_write_json(&call->io, call->store, path,
                                             release)
        != NGX_OK)
    {
        return ngx_http_liveupdate_failed(call);
    }

    return status;
}
