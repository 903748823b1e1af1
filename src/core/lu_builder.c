
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_builder.h"
#include "lu_name.h"
#include "lu_yaml.h"

#include <openssl/evp.h>


#define LIVEUPDATE_BUILDER_DIGEST  64      /* bytes of a SHA-512, */
#define LIVEUPDATE_BUILDER_BASE64  88      /* and characters of it */


/* What a mapping says of a file; empty: nothing. */

typedef struct {
    const char                  *url_key;
    liveupdate_str_t             url;
    liveupdate_str_t             sha512;
    uint64_t                     size;
} liveupdate_builder_entry_t;


typedef struct liveupdate_builder_node_s  liveupdate_builder_node_t;

struct liveupdate_builder_node_s {
    liveupdate_builder_node_t   *next;
    liveupdate_builder_file_t    file;
};


typedef struct {
    liveupdate_str_t             version;
    liveupdate_builder_entry_t   legacy;
    liveupdate_builder_node_t   *files;
    liveupdate_builder_node_t  **last;
    size_t                       nfiles;
} liveupdate_builder_ctx_t;


static liveupdate_rc_e liveupdate_builder_root(liveupdate_yaml_t *yaml,
    const liveupdate_str_t *key, void *data);
static liveupdate_rc_e liveupdate_builder_value(liveupdate_yaml_t *yaml,
    const liveupdate_str_t *key, void *data);
static liveupdate_rc_e liveupdate_builder_file(liveupdate_yaml_t *yaml,
    const liveupdate_str_t *key, void *data);
static liveupdate_rc_e liveupdate_builder_file_value(liveupdate_yaml_t *yaml,
    const liveupdate_str_t *key, void *data);

static liveupdate_rc_e liveupdate_builder_add(const liveupdate_arena_t *arena,
    liveupdate_builder_ctx_t *ctx, const liveupdate_builder_entry_t *entry,
    liveupdate_error_t *err);
static liveupdate_rc_e liveupdate_builder_merge(
    liveupdate_builder_file_t *old, const liveupdate_builder_file_t *file,
    liveupdate_error_t *err);
static liveupdate_builder_file_t *liveupdate_builder_find(
    const liveupdate_builder_ctx_t *ctx, const liveupdate_str_t *name);
static int liveupdate_builder_digest(unsigned char *digest,
    const liveupdate_str_t *base64);
static liveupdate_rc_e liveupdate_builder_legacy(
    const liveupdate_arena_t *arena, liveupdate_builder_ctx_t *ctx,
    liveupdate_error_t *err);
static liveupdate_rc_e liveupdate_builder_done(
    const liveupdate_arena_t *arena, const liveupdate_builder_ctx_t *ctx,
    liveupdate_builder_t *builder, liveupdate_error_t *err);


liveupdate_rc_e
liveupdate_builder_parse(const liveupdate_arena_t *arena,
    const liveupdate_str_t *text, liveupdate_builder_t *builder,
    liveupdate_error_t *err)
{
    liveupdate_rc_e           rc;
    liveupdate_builder_ctx_t  ctx;

    memset(builder, 0, sizeof(liveupdate_builder_t));
    if (text->len > LIVEUPDATE_BUILDER_SIZE) {
        return liveupdate_refuse(err, NULL,
                                 "the manifest is larger than 1 megabyte");
    }

    memset(&ctx, 0, sizeof(liveupdate_builder_ctx_t));

    ctx.legacy.size = UINT64_MAX;
    ctx.last = &ctx.files;

    rc = liveupdate_yaml_read(arena, text, liveupdate_builder_root, &ctx, err);
    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    rc = liveupdate_builder_legacy(arena, &ctx, err);
    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    return liveupdate_builder_done(arena, &ctx, builder, err);
}


static liveupdate_rc_e
liveupdate_builder_root(liveupdate_yaml_t *yaml, const liveupdate_str_t *key,
    void *data)
{
    (void) key;

    return liveupdate_yaml_mapping(yaml, liveupdate_builder_value, data);
}


static liveupdate_rc_e
liveupdate_builder_value(liveupdate_yaml_t *yaml, const liveupdate_str_t *key,
    void *data)
{
    liveupdate_builder_ctx_t  *ctx;

    ctx = data;

    if (liveupdate_str_is(key, "version")) {
        return liveupdate_yaml_string(yaml, &ctx->version);
    }

    if (liveupdate_str_is(key, "path")) {
        return liveupdate_yaml_string(yaml, &ctx->legacy.url);
    }

    if (liveupdate_str_is(key, "sha512")) {
        return liveupdate_yaml_string(yaml, &ctx->legacy.sha512);
    }

    if (liveupdate_yaml_is_null(yaml)) {
        return LIVEUPDATE_OK;
    }

    if (liveupdate_str_is(key, "files")) {
        return liveupdate_yaml_sequence(yaml, liveupdate_builder_file, ctx);
    }

    if (liveupdate_str_is(key, "packages")) {
        return liveupdate_yaml_mapping(yaml, liveupdate_builder_file, ctx);
    }

    return liveupdate_yaml_skip(yaml, key, NULL);
}


/* An item of "files", or of "packages" with its architecture as the key. */

static liveupdate_rc_e
liveupdate_builder_file(liveupdate_yaml_t *yaml, const liveupdate_str_t *key,
    void *data)
{
    size_t                       line;
    liveupdate_rc_e              rc;
    liveupdate_builder_entry_t   entry;

    if (key && liveupdate_yaml_is_null(yaml)) {
        return LIVEUPDATE_OK;
    }

    line = yaml->event.start_mark.line;

    memset(&entry, 0, sizeof(liveupdate_builder_entry_t));

    entry.url_key = key ? "path" : "url";
    entry.size = UINT64_MAX;

    rc = liveupdate_yaml_mapping(yaml, liveupdate_builder_file_value, &entry);
    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    if (entry.url.len == 0) {
        return liveupdate_yaml_refuse(yaml, line,
                                      key ? "begins a package without a"
                                            " \"path\""
                                          : "begins a file without a"
                                            " \"url\"");
    }

    return liveupdate_builder_add(yaml->arena, data, &entry, yaml->err);
}


static liveupdate_rc_e
liveupdate_builder_file_value(liveupdate_yaml_t *yaml,
    const liveupdate_str_t *key, void *data)
{
    liveupdate_builder_entry_t  *entry;

    entry = data;

    if (liveupdate_str_is(key, entry->url_key)) {
        return liveupdate_yaml_string(yaml, &entry->url);
    }

    if (liveupdate_str_is(key, "sha512")) {
        return liveupdate_yaml_string(yaml, &entry->sha512);
    }

    if (liveupdate_str_is(key, "size")) {
        return liveupdate_yaml_size(yaml, &entry->size);
    }

    return liveupdate_yaml_skip(yaml, key, NULL);
}


static liveupdate_rc_e
liveupdate_builder_add(const liveupdate_arena_t *arena,
    liveupdate_builder_ctx_t *ctx, const liveupdate_builder_entry_t *entry,
    liveupdate_error_t *err)
{
    liveupdate_rc_e             rc;
    liveupdate_builder_file_t   file, *old;
    liveupdate_builder_node_t  *node;

    rc = liveupdate_file_name_of_url(arena, &entry->url, &file.name, err);
    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    if (!liveupdate_builder_digest(file.sha512, &entry->sha512)) {
        return liveupdate_refuse(err, &file.name,
                                 "has no \"sha512\" of 64 bytes in base64");
    }

    file.size = entry->size;

    old = liveupdate_builder_find(ctx, &file.name);
    if (old) {
        return liveupdate_builder_merge(old, &file, err);
    }

    if (ctx->nfiles == LIVEUPDATE_BUILDER_FILES) {
        return liveupdate_refuse(err, NULL,
                                 "the manifest lists more than 1000 files");
    }

    node = arena->alloc(arena->data, sizeof(liveupdate_builder_node_t));
    if (node == NULL) {
        return LIVEUPDATE_NOMEM;
    }

    node->next = NULL;
    node->file = file;

    *ctx->last = node;
    ctx->last = &node->next;
    ctx->nfiles++;

    return LIVEUPDATE_OK;
}


static liveupdate_rc_e
liveupdate_builder_merge(liveupdate_builder_file_t *old,
    const liveupdate_builder_file_t *file, liveupdate_error_t *err)
{
    if (memcmp(old->sha512, file->sha512, LIVEUPDATE_BUILDER_DIGEST) != 0) {
        return liveupdate_refuse(err, &file->name,
                                 "is listed with two digests");
    }

    if (file->size == UINT64_MAX) {
        return LIVEUPDATE_OK;
    }

    if (old->size != UINT64_MAX && old->size != file->size) {
        return liveupdate_refuse(err, &file->name,
                                 "is listed with two sizes");
    }

    old->size = file->size;

    return LIVEUPDATE_OK;
}


static liveupdate_builder_file_t *
liveupdate_builder_find(const liveupdate_builder_ctx_t *ctx,
    const liveupdate_str_t *name)
{
    liveupdate_builder_node_t  *node;

    for (node = ctx->files; node; node = node->next) {
        if (liveupdate_str_eq(&node->file.name, name)) {
            return &node->file;
        }
    }

    return NULL;
}


/*
 * Encoded again it must be the same: OpenSSL lets blanks pass, and bits that
 * encode nothing.
 */

static int
liveupdate_builder_digest(unsigned char *digest,
    const liveupdate_str_t *base64)
{
    unsigned char  bytes[LIVEUPDATE_BUILDER_BASE64];
    unsigned char  again[LIVEUPDATE_BUILDER_BASE64 + 1];

    if (base64->len != LIVEUPDATE_BUILDER_BASE64) {
        return 0;
    }

    if (EVP_DecodeBlock(bytes, base64->data, LIVEUPDATE_BUILDER_BASE64)
        < LIVEUPDATE_BUILDER_DIGEST)
    {
        return 0;
    }

    (void) EVP_EncodeBlock(again, bytes, LIVEUPDATE_BUILDER_DIGEST);

    if (memcmp(again, base64->data, LIVEUPDATE_BUILDER_BASE64) != 0) {
        return 0;
    }

    memcpy(digest, bytes, LIVEUPDATE_BUILDER_DIGEST);

    return 1;
}


/* "path" and "sha512"; the digest may be missing if "files" has it. */

static liveupdate_rc_e
liveupdate_builder_legacy(const liveupdate_arena_t *arena,
    liveupdate_builder_ctx_t *ctx, liveupdate_error_t *err)
{
    liveupdate_rc_e   rc;
    liveupdate_str_t  name;

    if (ctx->legacy.url.len == 0) {
        return LIVEUPDATE_OK;
    }

    rc = liveupdate_file_name_of_url(arena, &ctx->legacy.url, &name, err);
    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    if (ctx->legacy.sha512.len == 0 && liveupdate_builder_find(ctx, &name)) {
        return LIVEUPDATE_OK;
    }

    return liveupdate_builder_add(arena, ctx, &ctx->legacy, err);
}


static liveupdate_rc_e
liveupdate_builder_done(const liveupdate_arena_t *arena,
    const liveupdate_builder_ctx_t *ctx, liveupdate_builder_t *builder,
    liveupdate_error_t *err)
{
    liveupdate_builder_node_t  *node;

    if (ctx->version.len == 0) {
        return liveupdate_refuse(err, NULL,
                                 "the manifest has no \"version\"");
    }

    if (!liveupdate_label_valid(&ctx->version)) {
        return liveupdate_refuse(err, &ctx->version,
                   "is a version that is longer than 128 bytes, begins or"
                   " ends with a space, or has control characters");
    }

    if (ctx->nfiles == 0) {
        return liveupdate_refuse(err, NULL, "the manifest lists no files");
    }

    builder->files = arena->alloc(arena->data, ctx->nfiles
                                          * sizeof(liveupdate_builder_file_t));
    if (builder->files == NULL) {
        return LIVEUPDATE_NOMEM;
    }

    for (node = ctx->files; node; node = node->next) {
        builder->files[builder->nfiles++] = node->file;
    }

    builder->version = ctx->version;

    return LIVEUPDATE_OK;
}
