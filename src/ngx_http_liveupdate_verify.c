
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_http_liveupdate.h"

#include "liveupdate_manifest.h"
#include "liveupdate_zip.h"

#include <openssl/evp.h>
#include <zlib.h>


#define NGX_HTTP_LIVEUPDATE_ZIP_CONTENT  ((uint64_t) 4 * 1024 * 1024 * 1024)
#define NGX_HTTP_LIVEUPDATE_GZIP_MIN     256
#define NGX_HTTP_LIVEUPDATE_BUFFER       (256 * 1024)


/* A file that was uploaded, and where. */

typedef struct {
    liveupdate_file_t    file;
    u_char              *data;
} ngx_http_liveupdate_uploaded_t;


typedef struct {
    ngx_http_liveupdate_call_t      *call;
    u_char                          *folder;
    cJSON                           *release;
    ngx_http_liveupdate_uploaded_t  *uploaded;   /* sorted by href */
    liveupdate_file_t               *files;      /* the same */
    size_t                           n;
    u_char                          *buffer;
    ngx_uint_t                       is_manifest;
    ngx_uint_t                       is_signed;
} ngx_http_liveupdate_verify_t;


static ngx_int_t ngx_http_liveupdate_verify_uploads(
    ngx_http_liveupdate_verify_t *verify);
static ngx_int_t ngx_http_liveupdate_verify_upload(
    ngx_http_liveupdate_verify_t *verify, ngx_str_t *name,
    ngx_http_liveupdate_uploaded_t *uploaded);
static ngx_int_t ngx_http_liveupdate_verify_digest(
    ngx_http_liveupdate_verify_t *verify,
    ngx_http_liveupdate_uploaded_t *uploaded);
static ngx_int_t ngx_http_liveupdate_verify_zip(
    ngx_http_liveupdate_verify_t *verify);
static ngx_int_t ngx_http_liveupdate_verify_manifest(
    ngx_http_liveupdate_verify_t *verify);
static ngx_int_t ngx_http_liveupdate_verify_channel(
    ngx_http_liveupdate_verify_t *verify);
static ngx_int_t ngx_http_liveupdate_verify_refused(
    ngx_http_liveupdate_verify_t *verify, ngx_int_t status);
static ngx_int_t ngx_http_liveupdate_verify_stage(
    ngx_http_liveupdate_verify_t *verify);
static ngx_int_t ngx_http_liveupdate_verify_clean(
    ngx_http_liveupdate_verify_t *verify, const char *name);
static ngx_int_t ngx_http_liveupdate_verify_link(
    ngx_http_liveupdate_verify_t *verify,
    ngx_http_liveupdate_uploaded_t *uploaded);
static ngx_uint_t ngx_http_liveupdate_verify_compresses(
    const liveupdate_file_t *file);
static ngx_int_t ngx_http_liveupdate_verify_gzip(
    ngx_http_liveupdate_verify_t *verify,
    ngx_http_liveupdate_uploaded_t *uploaded, liveupdate_file_t *file);
static ngx_int_t ngx_http_liveupdate_verify_deflate(
    ngx_http_liveupdate_verify_t *verify, ngx_fd_t fd, u_char *path,
    ngx_http_liveupdate_temp_t *temp, uint64_t *size);
static ngx_int_t ngx_http_liveupdate_verify_describe(
    ngx_http_liveupdate_verify_t *verify);
static int ngx_http_liveupdate_uploaded_cmp(const void *one,
    const void *two);


ngx_int_t
ngx_http_liveupdate_verify(ngx_http_liveupdate_call_t *call, u_char *folder,
    cJSON *release)
{
    ngx_int_t                     status;
    liveupdate_str_t              kind;
    ngx_http_liveupdate_verify_t  verify;

    ngx_memzero(&verify, sizeof(ngx_http_liveupdate_verify_t));

    verify.call = call;
    verify.folder = folder;
    verify.release = release;

    (void) liveupdate_json_string(release, "kind", &kind);
    verify.is_manifest = liveupdate_str_is(&kind, "manifest");

    verify.buffer = ngx_palloc(call->io.pool, 2 * NGX_HTTP_LIVEUPDATE_BUFFER);
    if (verify.buffer == NULL) {
        return ngx_http_liveupdate_nomem(call);
    }

    status = ngx_http_liveupdate_verify_uploads(&verify);

    if (status == NGX_OK) {
        status = verify.is_manifest
                 ? ngx_http_liveupdate_verify_manifest(&verify)
                 : ngx_http_liveupdate_verify_zip(&verify);
    }

    if (status == NGX_OK) {
        status = ngx_http_liveupdate_verify_channel(&verify);
    }

    if (status != NGX_OK) {
        return ngx_http_liveupdate_verify_refused(&verify, status);
    }

    return ngx_http_liveupdate_verify_stage(&verify);
}


static ngx_int_t
ngx_http_liveupdate_verify_uploads(ngx_http_liveupdate_verify_t *verify)
{
    size_t                           n;
    u_char                          *path;
    ngx_int_t                        rc, status;
    ngx_str_t                       *name;
    ngx_uint_t                       i;
    ngx_array_t                      names;
    ngx_http_liveupdate_call_t      *call;
    ngx_http_liveupdate_uploaded_t  *uploaded;

    call = verify->call;

    path = ngx_http_liveupdate_path(call->io.pool, "%s/uploads",
                                    verify->folder);

    rc = ngx_http_liveupdate_store_list(&call->io, path, &names);

    if (rc == NGX_ERROR) {
        return ngx_http_liveupdate_failed(call);
    }

    uploaded = ngx_pcalloc(call->io.pool, (names.nelts + 1)
                                    * sizeof(ngx_http_liveupdate_uploaded_t));
    verify->files = ngx_pcalloc(call->io.pool, (names.nelts + 1)
                                               * sizeof(liveupdate_file_t));

    if (uploaded == NULL || verify->files == NULL) {
        return ngx_http_liveupdate_nomem(call);
    }

    name = names.elts;
    n = 0;

    for (i = 0; i < names.nelts; i++) {

        if (name[i].len < sizeof(".json")
            || ngx_strcmp(name[i].data + name[i].len - (sizeof(".json") - 1),
                          ".json")
               != 0)
        {
            continue;
        }

        if (n == LIVEUPDATE_MANIFEST_FILES) {
            return ngx_http_liveupdate_refuse(call, 422, "The bundle has too "
                                              "many files.");
        }

        status = ngx_http_liveupdate_verify_upload(verify, &name[i],
                                                   &uploaded[n++]);
        if (status != NGX_OK) {
            return status;
        }
    }

    if (n == 0) {
        return ngx_http_liveupdate_refuse(call, 422,
                                          "The bundle has no files.");
    }

    qsort(uploaded, n, sizeof(ngx_http_liveupdate_uploaded_t),
          ngx_http_liveupdate_uploaded_cmp);

    verify->uploaded = uploaded;
    verify->n = n;
    verify->is_signed = 1;

    for (i = 0; i < n; i++) {
        verify->files[i] = uploaded[i].file;
    }

    return NGX_OK;
}


static int
ngx_http_liveupdate_uploaded_cmp(const void *one, const void *two)
{
    const ngx_http_liveupdate_uploaded_t  *first = one, *second = two;

    return liveupdate_file_cmp(&first->file, &second->file);
}


static ngx_int_t
ngx_http_liveupdate_verify_upload(ngx_http_liveupdate_verify_t *verify,
    ngx_str_t *name, ngx_http_liveupdate_uploaded_t *uploaded)
{
    cJSON                       *json;
    u_char                      *path;
    ngx_int_t                    status;
    liveupdate_arena_t           arena;
    ngx_http_liveupdate_call_t  *call;

    call = verify->call;

    path = ngx_http_liveupdate_path(call->io.pool, "%s/uploads/%V",
                                    verify->folder, name);

    if (ngx_http_liveupdate_store_read_json(&call->io, path, &json) != NGX_OK)
    {
        return ngx_http_liveupdate_failed(call);
    }

    arena = ngx_http_liveupdate_arena(call->io.pool);

    status = ngx_http_liveupdate_core_status(call,
                           liveupdate_file_parse(&arena, json,
                                                 &uploaded->file,
                                                 &call->error));
    cJSON_Delete(json);

    if (status != NGX_OK) {
        return status;
    }

    uploaded->data = ngx_http_liveupdate_path(call->io.pool,
                                              "%s/uploads/%*s.data",
                                              verify->folder,
                                              name->len
                                              - (sizeof(".json") - 1),
                                              name->data);
    if (uploaded->data == NULL) {
        return ngx_http_liveupdate_nomem(call);
    }

    return ngx_http_liveupdate_verify_digest(verify, uploaded);
}


static ngx_int_t
ngx_http_liveupdate_verify_digest(ngx_http_liveupdate_verify_t *verify,
    ngx_http_liveupdate_uploaded_t *uploaded)
{
    u_char                       digest[EVP_MAX_MD_SIZE], hex[64];
    ssize_t                      n;
    uint64_t                     size;
    ngx_fd_t                     fd;
    ngx_int_t                    status;
    EVP_MD_CTX                  *md;
    ngx_http_liveupdate_call_t  *call;

    call = verify->call;

    fd = ngx_open_file(uploaded->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        if (ngx_errno == NGX_ENOENT) {
            (void) liveupdate_refuse(&call->error, &uploaded->file.href,
                                     "was announced, but not uploaded");
            return 422;
        }

        n = -1;

    } else {
        n = 0;
    }

    size = 0;
    status = NGX_OK;
    md = EVP_MD_CTX_new();

    if (md == NULL || EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1) {
        status = ngx_http_liveupdate_nomem(call);
    }

    while (status == NGX_OK && n != -1) {

        n = read(fd, verify->buffer, NGX_HTTP_LIVEUPDATE_BUFFER);

        if (n <= 0) {
            break;
        }

        size += n;

        if (EVP_DigestUpdate(md, verify->buffer, n) != 1) {
            status = ngx_http_liveupdate_nomem(call);
        }
    }

    if (n == -1) {
        call->io.err = ngx_errno;
        call->io.operation = "read()";
        call->io.path = uploaded->data;
        status = ngx_http_liveupdate_failed(call);
    }

    if (status == NGX_OK && EVP_DigestFinal_ex(md, digest, NULL) != 1) {
        status = ngx_http_liveupdate_nomem(call);
    }

    EVP_MD_CTX_free(md);

    if (fd != NGX_INVALID_FILE) {
        (void) ngx_close_file(fd);
    }

    if (status != NGX_OK) {
        return status;
    }

    (void) ngx_hex_dump(hex, digest, 32);

    if (size != uploaded->file.size
        || ngx_memcmp(hex, uploaded->file.sha256.data, 64) != 0)
    {
        (void) liveupdate_refuse(&call->error, &uploaded->file.href,
                                 "is not on the disk as it was announced: "
                                 "upload it again");
        return 422;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_liveupdate_verify_zip(ngx_http_liveupdate_verify_t *verify)
{
    zip_error_t                  error;
    zip_source_t                *source;
    liveupdate_arena_t           arena;
    ngx_http_liveupdate_call_t  *call;

    call = verify->call;

    if (verify->n != 1) {
        return ngx_http_liveupdate_refuse(call, 422, "A zip bundle consists "
                                          "of one file.");
    }

    zip_error_init(&error);

    source = zip_source_file_create((char *) verify->uploaded[0].data, 0, -1,
                                    &error);

    zip_error_fini(&error);

    if (source == NULL) {
        return ngx_http_liveupdate_nomem(call);
    }

    arena = ngx_http_liveupdate_arena(call->io.pool);

    verify->is_signed = (verify->files[0].signature.len != 0);

    return ngx_http_liveupdate_core_status(call,
                         liveupdate_zip_check(&arena, source,
                                              NGX_HTTP_LIVEUPDATE_ZIP_CONTENT,
                                              &call->error));
}


static ngx_int_t
ngx_http_liveupdate_verify_manifest(ngx_http_liveupdate_verify_t *verify)
{
    size_t                           i, n;
    ngx_int_t                        status;
    ngx_str_t                        text;
    ngx_file_info_t                  fi;
    liveupdate_str_t                *names, href, str;
    liveupdate_file_t               *entries;
    liveupdate_arena_t               arena;
    const liveupdate_file_t         *file;
    ngx_http_liveupdate_call_t      *call;

    call = verify->call;

    href.data = (u_char *) LIVEUPDATE_MANIFEST_NAME;
    href.len = sizeof(LIVEUPDATE_MANIFEST_NAME) - 1;

    file = liveupdate_file_find(verify->files, verify->n, &href);

    if (file == NULL) {
        return ngx_http_liveupdate_refuse(call, 422,
                                          "The manifest itself ("
                                          LIVEUPDATE_MANIFEST_NAME
                                          ") was not uploaded.");
    }

    if (ngx_http_liveupdate_store_read(&call->io,
                                verify->uploaded[file - verify->files].data,
                                &text, &fi)
        != NGX_OK)
    {
        return ngx_http_liveupdate_failed(call);
    }

    str.len = text.len;
    str.data = text.data;

    arena = ngx_http_liveupdate_arena(call->io.pool);

    status = ngx_http_liveupdate_core_status(call,
                         liveupdate_manifest_parse(&arena, &str, &entries, &n,
                                                   &call->error));
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_http_liveupdate_core_status(call,
                         liveupdate_manifest_check(entries, n, verify->files,
                                                   verify->n, &call->error));
    if (status != NGX_OK) {
        return status;
    }

    verify->is_signed = (file->signature.len != 0);

    /* files beside the manifest must not be in the way either */

    names = ngx_palloc(call->io.pool, verify->n * sizeof(liveupdate_str_t));
    if (names == NULL) {
        return ngx_http_liveupdate_nomem(call);
    }

    for (i = 0; i < verify->n; i++) {
        names[i] = verify->files[i].href;
    }

    return ngx_http_liveupdate_core_status(call,
                         liveupdate_tree_check(names, verify->n,
                                               &call->error));
}


static ngx_int_t
ngx_http_liveupdate_verify_channel(ngx_http_liveupdate_verify_t *verify)
{
    cJSON                       *app, *channel;
    ngx_int_t                    status;
    liveupdate_str_t             id;
    ngx_http_liveupdate_call_t  *call;

    call = verify->call;

    if (verify->is_signed
        || liveupdate_json_string(verify->release, "channel", &id)
           != LIVEUPDATE_OK)
    {
        return NGX_OK;
    }

    status = ngx_http_liveupdate_app_read(call, &app);
    if (status != NGX_OK) {
        return status;
    }

    channel = liveupdate_app_channel_find(app, (char *) id.data);

    if (channel
        && cJSON_IsString(cJSON_GetObjectItemCaseSensitive(channel,
                                                           "protectedAt")))
    {
        status = ngx_http_liveupdate_refuse(call, 422,
                                            "The channel is protected: it "
                                            "takes only signed bundles "
                                            "(upload with --private-key).");
    }

    cJSON_Delete(app);

    return status;
}


/* The bundle stays in staging and says why; its files can be replaced. */

static ngx_int_t
ngx_http_liveupdate_verify_refused(ngx_http_liveupdate_verify_t *verify,
    ngx_int_t status)
{
    char                        *reason;
    u_char                      *path;
    ngx_http_liveupdate_call_t  *call;

    call = verify->call;

    if (status >= NGX_HTTP_INTERNAL_SERVER_ERROR) {
        return status;
    }

    reason = (char *) ngx_http_liveupdate_sentence(call->io.pool,
                                                   &call->error);
    if (reason == NULL) {
        return ngx_http_liveupdate_nomem(call);
    }

    cJSON_DeleteItemFromObjectCaseSensitive(verify->release, "reason");

    if (!cJSON_ReplaceItemInObjectCaseSensitive(verify->release, "state",
                                                cJSON_CreateString("failed"))
        || cJSON_AddStringToObject(verify->release, "reason", reason) == NULL)
    {
        return ngx_http_liveupdate_nomem(call);
    }

    path = ngx_http_liveupdate_path(call->io.pool, "%s/release.json",
                                    verify->folder);

    if (ngx_http_liveupdate_store_write_json(&call->io, call->store, path,
                                             verify->release)
        != NGX_OK)
    {
        return ngx_http_liveupdate_failed(call);
    }

    return status;
}


static ngx_int_t
ngx_http_liveupdate_verify_stage(ngx_http_liveupdate_verify_t *verify)
{
    char                        *text;
    size_t                       i;
    u_char                      *path;
    ngx_int_t                    rc, status;
    ngx_http_liveupdate_call_t  *call;

    call = verify->call;

    /* of a try before this one */

    status = ngx_http_liveupdate_verify_clean(verify, "files");

    if (status == NGX_OK) {
        status = ngx_http_liveupdate_verify_clean(verify, "gzip");
    }

    if (status != NGX_OK) {
        return status;
    }

    for (i = 0; i < verify->n; i++) {

        status = ngx_http_liveupdate_verify_link(verify,
                                                 &verify->uploaded[i]);

        if (status == NGX_OK
            && verify->is_manifest
            && ngx_http_liveupdate_verify_compresses(&verify->files[i]))
        {
            status = ngx_http_liveupdate_verify_gzip(verify,
                                                     &verify->uploaded[i],
                                                     &verify->files[i]);
        }

        if (status != NGX_OK) {
            return status;
        }
    }

    text = liveupdate_files_print(verify->files, verify->n);
    if (text == NULL) {
        return ngx_http_liveupdate_nomem(call);
    }

    path = ngx_http_liveupdate_path(call->io.pool, "%s/files.json",
                                    verify->folder);

    rc = ngx_http_liveupdate_store_write(&call->io, call->store, path, text,
                                         ngx_strlen(text));
    cJSON_free(text);

    if (rc != NGX_OK) {
        return ngx_http_liveupdate_failed(call);
    }

    /* all of it is on the disk before the state says so */

    if (ngx_http_liveupdate_store_sync_tree(&call->io, verify->folder)
        != NGX_OK)
    {
        return ngx_http_liveupdate_failed(call);
    }

    status = ngx_http_liveupdate_verify_describe(verify);
    if (status != NGX_OK) {
        return status;
    }

    return ngx_http_liveupdate_verify_clean(verify, "uploads");
}


static ngx_int_t
ngx_http_liveupdate_verify_clean(ngx_http_liveupdate_verify_t *verify,
    const char *name)
{
    u_char                      *path;
    ngx_http_liveupdate_call_t  *call;

    call = verify->call;

    path = ngx_http_liveupdate_path(call->io.pool, "%s/%s", verify->folder,
                                    name);

    if (ngx_http_liveupdate_store_remove_tree(&call->io, call->store, path)
        == NGX_ERROR)
    {
        return ngx_http_liveupdate_failed(call);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_liveupdate_verify_link(ngx_http_liveupdate_verify_t *verify,
    ngx_http_liveupdate_uploaded_t *uploaded)
{
    u_char                      *path;
    ngx_http_liveupdate_call_t  *call;

    call = verify->call;

    path = ngx_http_liveupdate_path(call->io.pool, "%s/files/%*s",
                                    verify->folder, uploaded->file.href.len,
                                    uploaded->file.href.data);

    if (ngx_http_liveupdate_store_mkdirs(&call->io, verify->folder, path)
        != NGX_OK
        || ngx_http_liveupdate_store_link(&call->io, uploaded->data, path)
           != NGX_OK)
    {
        return ngx_http_liveupdate_failed(call);
    }

    return NGX_OK;
}


/* By the media type, or by the name where there is none. */

static ngx_uint_t
ngx_http_liveupdate_verify_compresses(const liveupdate_file_t *file)
{
    size_t       len;
    ngx_uint_t   i;

    static const char  *types[] = {
        "text/", "application/javascript", "application/json",
        "application/xml", "application/wasm", "application/manifest+json",
        "application/xhtml+xml", "image/svg+xml", "image/bmp", "font/ttf",
        "font/otf", "application/vnd.ms-fontobject", NULL
    };

    static const char  *extensions[] = {
        ".html", ".css", ".js", ".mjs", ".json", ".map", ".svg", ".txt",
        ".wasm", ".webmanifest", ".xml", ".ttf", ".otf", NULL
    };

    if (file->size < NGX_HTTP_LIVEUPDATE_GZIP_MIN) {
        return 0;
    }

    if (file->type.len) {
        for (i = 0; types[i]; i++) {
            len = ngx_strlen(types[i]);

            if (file->type.len >= len
                && ngx_strncasecmp(file->type.data, (u_char *) types[i], len)
                   == 0)
            {
                return 1;
            }
        }

        return 0;
    }

    for (i = 0; extensions[i]; i++) {
        len = ngx_strlen(extensions[i]);

        if (file->href.len > len
            && ngx_strncasecmp(file->href.data + file->href.len - len,
                               (u_char *) extensions[i], len)
               == 0)
        {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
ngx_http_liveupdate_verify_gzip(ngx_http_liveupdate_verify_t *verify,
    ngx_http_liveupdate_uploaded_t *uploaded, liveupdate_file_t *file)
{
    u_char                      *path;
    uint64_t                     size;
    ngx_fd_t                     fd;
    ngx_int_t                    status;
    ngx_http_liveupdate_call_t  *call;
    ngx_http_liveupdate_temp_t   temp;

    call = verify->call;

    fd = ngx_open_file(uploaded->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        call->io.err = ngx_errno;
        call->io.operation = ngx_open_file_n;
        call->io.path = uploaded->data;
        return ngx_http_liveupdate_failed(call);
    }

    if (ngx_http_liveupdate_temp_create(&call->io, call->store, &temp)
        != NGX_OK)
    {
        (void) ngx_close_file(fd);
        return ngx_http_liveupdate_failed(call);
    }

    size = 0;

    status = ngx_http_liveupdate_verify_deflate(verify, fd, uploaded->data,
                                                &temp, &size);
    (void) ngx_close_file(fd);

    /* what saves less than a tenth is not worth a second file */

    if (status != NGX_OK || size > file->size - file->size / 10) {
        ngx_http_liveupdate_temp_discard(&temp);
        return status;
    }

    path = ngx_http_liveupdate_path(call->io.pool, "%s/gzip/%*s.gz",
                                    verify->folder, file->href.len,
                                    file->href.data);

    if (ngx_http_liveupdate_store_mkdirs(&call->io, verify->folder, path)
        != NGX_OK
        || ngx_http_liveupdate_temp_sync(&call->io, &temp) != NGX_OK)
    {
        ngx_http_liveupdate_temp_discard(&temp);
        return ngx_http_liveupdate_failed(call);
    }

    if (ngx_http_liveupdate_temp_rename(&call->io, &temp, path) != NGX_OK) {
        return ngx_http_liveupdate_failed(call);
    }

    file->gzip = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_http_liveupdate_verify_deflate(ngx_http_liveupdate_verify_t *verify,
    ngx_fd_t fd, u_char *path, ngx_http_liveupdate_temp_t *temp,
    uint64_t *size)
{
    int                          rc, flush;
    u_char                      *out;
    ssize_t                      n;
    z_stream                     stream;
    ngx_int_t                    status;
    ngx_http_liveupdate_call_t  *call;

    call = verify->call;
    out = verify->buffer + NGX_HTTP_LIVEUPDATE_BUFFER;

    ngx_memzero(&stream, sizeof(z_stream));

    /* windowBits + 16: a gzip header, without a name or a time */

    if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, MAX_WBITS + 16,
                     MAX_MEM_LEVEL, Z_DEFAULT_STRATEGY)
        != Z_OK)
    {
        return ngx_http_liveupdate_nomem(call);
    }

    status = NGX_OK;

    do {
        n = read(fd, verify->buffer, NGX_HTTP_LIVEUPDATE_BUFFER);

        if (n == -1) {
            call->io.err = ngx_errno;
            call->io.operation = "read()";
            call->io.path = path;
            status = ngx_http_liveupdate_failed(call);
            break;
        }

        stream.next_in = verify->buffer;
        stream.avail_in = (uInt) n;
        flush = n ? Z_NO_FLUSH : Z_FINISH;

        do {
            stream.next_out = out;
            stream.avail_out = NGX_HTTP_LIVEUPDATE_BUFFER;

            rc = deflate(&stream, flush);

            if (ngx_http_liveupdate_temp_write(&call->io, temp, out,
                                               stream.next_out - out)
                != NGX_OK)
            {
                status = ngx_http_liveupdate_failed(call);
                break;
            }

            *size += stream.next_out - out;

        } while (stream.avail_out == 0 && rc != Z_STREAM_END);

    } while (status == NGX_OK && flush != Z_FINISH);

    (void) deflateEnd(&stream);

    return status;
}


static ngx_int_t
ngx_http_liveupdate_verify_describe(ngx_http_liveupdate_verify_t *verify)
{
    cJSON                       *release;
    size_t                       i;
    u_char                      *path;
    uint64_t                     size;
    ngx_uint_t                   m;
    liveupdate_file_t           *zip;
    ngx_http_liveupdate_call_t  *call;

    static const char  *members[] = {
        "reason", "size", "signed", "checksum", "signature", NULL
    };

    call = verify->call;
    release = verify->release;
    size = 0;

    for (i = 0; i < verify->n; i++) {
        size += verify->files[i].size;
    }

    for (m = 0; members[m]; m++) {
        cJSON_DeleteItemFromObjectCaseSensitive(release, members[m]);
    }

    zip = verify->is_manifest ? NULL : &verify->files[0];

    if (!cJSON_ReplaceItemInObjectCaseSensitive(release, "state",
                                                cJSON_CreateString("staged"))
        || cJSON_AddNumberToObject(release, "size", (double) size) == NULL
        || cJSON_AddBoolToObject(release, "signed", verify->is_signed) == NULL
        || (zip
            && cJSON_AddStringToObject(release, "checksum",
                                       (char *) zip->sha256.data)
               == NULL)
        || (zip && zip->signature.len
            && cJSON_AddStringToObject(release, "signature",
                                       (char *) zip->signature.data)
               == NULL))
    {
        return ngx_http_liveupdate_nomem(call);
    }

    path = ngx_http_liveupdate_path(call->io.pool, "%s/release.json",
                                    verify->folder);

    if (ngx_http_liveupdate_store_write_json(&call->io, call->store, path,
                                             release)
        != NGX_OK)
    {
        return ngx_http_liveupdate_failed(call);
    }

    return NGX_OK;
}
