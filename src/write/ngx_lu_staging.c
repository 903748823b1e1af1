
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "zone/ngx_lu_count.h"
#include "ngx_lu_release.h"


typedef struct {
    lu_sha256_t          sha256;
    SHA512_CTX           sha512;
} ngx_lu_digests_t;


static ngx_int_t ngx_lu_digest_piece(void *data, u_char *bytes, size_t len);


ngx_int_t
ngx_lu_digest(ngx_lu_io_t *io, u_char *path, ngx_lu_digest_t *digest)
{
    ngx_int_t         rc;
    ngx_file_info_t   fi;
    ngx_lu_digests_t  digests;

    lu_sha256_init(&digests.sha256);
    (void) SHA512_Init(&digests.sha512);

    rc = ngx_lu_store_pieces(io, path, ngx_lu_digest_piece, &digests);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_file_info(path, &fi) == NGX_FILE_ERROR) {
        return ngx_lu_io_failed(io, ngx_file_info_n, path);
    }

    digest->size = digests.sha256.size;
    digest->uniq = ngx_file_uniq(&fi);
    digest->mtime = ngx_file_mtime(&fi);

    lu_sha256_hex(&digests.sha256, digest->sha256);
    (void) SHA512_Final(digest->sha512, &digests.sha512);

    return NGX_OK;
}


static ngx_int_t
ngx_lu_digest_piece(void *data, u_char *bytes, size_t len)
{
    ngx_lu_digests_t *digests = data;

    lu_sha256_update(&digests->sha256, bytes, len);
    (void) SHA512_Update(&digests->sha512, bytes, len);

    return NGX_OK;
}


ngx_int_t
ngx_lu_staging_clean(ngx_lu_call_t *call, u_char *folder, const char *name)
{
    u_char  *path;

    path = ngx_lu_path(call->io.pool, "%s/%s", folder, name);

    if (ngx_lu_store_remove_tree(&call->io, call->store, path) == NGX_ERROR) {
        return ngx_lu_failed(call);
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_staging_place(ngx_lu_call_t *call, u_char *folder, u_char *data,
    const lu_str_t *href)
{
    u_char  *path;

    path = ngx_lu_path(call->io.pool, "%s/files/%*s", folder, href->len,
                       href->data);

    if (ngx_lu_store_mkdirs(&call->io, folder, path) != NGX_OK
        || ngx_lu_store_link(&call->io, data, path) != NGX_OK)
    {
        return ngx_lu_failed(call);
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_staging_complete(ngx_lu_call_t *call, u_char *folder, cJSON *release,
    const lu_file_t *files, size_t n)
{
    char              *text;
    size_t             i;
    u_char            *path;
    uint64_t           size;
    ngx_int_t          rc;
    ngx_lu_numbers_t  *numbers;

    text = lu_file_table_print(files, n);
    if (text == NULL) {
        return ngx_lu_nomem(call);
    }

    path = ngx_lu_path(call->io.pool, "%s/files.json", folder);

    rc = ngx_lu_store_write(&call->io, call->store, path, text,
                            ngx_strlen(text));
    cJSON_free(text);

    /* all of it is on the disk before the state says so */

    if (rc != NGX_OK || ngx_lu_store_sync_tree(&call->io, folder) != NGX_OK) {
        return ngx_lu_failed(call);
    }

    size = 0;

    for (i = 0; i < n; i++) {
        size += files[i].size;
    }

    cJSON_DeleteItemFromObjectCaseSensitive(release, "reason");
    cJSON_DeleteItemFromObjectCaseSensitive(release, "size");

    if (lu_json_set_string(release, "state", "staged") != LU_OK
        || lu_json_set_string(release, "updatedAt", call->now) != LU_OK
        || cJSON_AddNumberToObject(release, "size", (double) size) == NULL)
    {
        return ngx_lu_nomem(call);
    }

    path = ngx_lu_path(call->io.pool, "%s/release.json", folder);

    if (ngx_lu_store_write_json(&call->io, call->store, path,
                                release)
        != NGX_OK)
    {
        return ngx_lu_failed(call);
    }

    numbers = ngx_lu_count_numbers(call->store);

    ngx_lu_count_add(numbers->staged, 1);
    ngx_lu_count_add(numbers->stage_bytes, size);

    return NGX_OK;
}


/* What was refused stays where it is and says why; it can be mended. */

ngx_int_t
ngx_lu_staging_refuse(ngx_lu_call_t *call, u_char *folder, cJSON *release,
    ngx_int_t status)
{
    u_char            *path, *reason;
    ngx_lu_numbers_t  *numbers;

    numbers = ngx_lu_count_numbers(call->store);

    ngx_lu_count_add(numbers->stages_failed, 1);

    if (status >= NGX_HTTP_INTERNAL_SERVER_ERROR) {
        return status;
    }

    reason = ngx_lu_reply_sentence(call->io.pool, &call->error);

    if (reason == NULL
        || lu_json_set_string(release, "state", "failed") != LU_OK
        || lu_json_set_string(release, "reason", (char *) reason) != LU_OK)
    {
        return ngx_lu_nomem(call);
    }

    path = ngx_lu_path(call->io.pool, "%s/release.json", folder);

    if (ngx_lu_store_write_json(&call->io, call->store, path,
                                release)
        != NGX_OK)
    {
        return ngx_lu_failed(call);
    }

    return status;
}
