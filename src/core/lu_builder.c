
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_base64.h"
#include "lu_builder.h"
#include "lu_name.h"
#include "lu_yaml.h"


/* the largest number that JavaScript has exactly */

#define LU_BUILDER_NUMBER  "9007199254740991"

/* bytes of the notes of several versions: more than anybody keeps */

#define LU_BUILDER_NOTES   16384


/* What a mapping says about a file; empty if absent. */

typedef struct {
    const char                  *url_key;
    lu_str_t                     url;
    lu_str_t                     sha512;
    uint64_t                     size;
    uint64_t                     blockmap;
} lu_builder_entry_t;


/* What is said of a version; empty if absent. */

typedef struct {
    lu_str_t                     version;
    lu_str_t                     text;
} lu_builder_note_t;


typedef struct lu_builder_node_s  lu_builder_node_t;

struct lu_builder_node_s {
    lu_builder_node_t           *next;
    lu_builder_file_t            file;
};


typedef struct {
    lu_str_t                     version;
    lu_str_t                     notes;
    lu_str_t                     system;
    lu_str_t                     percent;
    lu_origin_t                  origin;
    lu_builder_entry_t           legacy;
    lu_builder_node_t           *files;
    lu_builder_node_t          **last;
    size_t                       nfiles;
    unsigned                     has_file:1;  /* that is no package */
} lu_builder_ctx_t;


static lu_rc_e lu_builder_root(lu_yaml_t *yaml, const lu_str_t *key,
    void *data);
static lu_rc_e lu_builder_value(lu_yaml_t *yaml, const lu_str_t *key,
    void *data);
static lu_rc_e lu_builder_note(lu_yaml_t *yaml, const lu_str_t *key,
    void *data);
static lu_rc_e lu_builder_note_value(lu_yaml_t *yaml, const lu_str_t *key,
    void *data);
static void lu_builder_note_add(lu_builder_ctx_t *ctx, const void *data,
    size_t len);
static lu_rc_e lu_builder_vendor(lu_yaml_t *yaml, const lu_str_t *key,
    void *data);
static lu_rc_e lu_builder_file(lu_yaml_t *yaml, const lu_str_t *key,
    void *data);
static lu_rc_e lu_builder_file_value(lu_yaml_t *yaml, const lu_str_t *key,
    void *data);

static lu_rc_e lu_builder_add(const lu_arena_t *arena, lu_builder_ctx_t *ctx,
    const lu_builder_entry_t *entry, lu_error_t *err);
static lu_rc_e lu_builder_merge(lu_builder_file_t *old,
    const lu_builder_file_t *file, lu_error_t *err);
static lu_builder_file_t *lu_builder_find(const lu_builder_ctx_t *ctx,
    const lu_str_t *name);
static lu_rc_e lu_builder_legacy(const lu_arena_t *arena,
    lu_builder_ctx_t *ctx, lu_error_t *err);
static int lu_builder_part(const lu_str_t *version, size_t *i,
    int is_prerelease);
static unsigned lu_builder_percent(const lu_str_t *text);
static lu_rc_e lu_builder_done(const lu_arena_t *arena,
    const lu_builder_ctx_t *ctx, lu_builder_t *builder, lu_error_t *err);


lu_rc_e
lu_builder_parse(const lu_arena_t *arena, const lu_str_t *text,
    lu_builder_t *builder, lu_error_t *err)
{
    lu_rc_e           rc;
    lu_builder_ctx_t  ctx;

    memset(builder, 0, sizeof(lu_builder_t));
    if (text->len > LU_BUILDER_SIZE) {
        return lu_error(err, NULL, "the manifest is larger than 1 megabyte");
    }

    memset(&ctx, 0, sizeof(lu_builder_ctx_t));

    ctx.legacy.size = UINT64_MAX;
    ctx.last = &ctx.files;

    rc = lu_yaml_read(arena, text, lu_builder_root, &ctx, err);
    if (rc != LU_OK) {
        return rc;
    }

    rc = lu_builder_legacy(arena, &ctx, err);
    if (rc != LU_OK) {
        return rc;
    }

    return lu_builder_done(arena, &ctx, builder, err);
}


static lu_rc_e
lu_builder_root(lu_yaml_t *yaml, const lu_str_t *key, void *data)
{
    (void) key;

    return lu_yaml_mapping(yaml, lu_builder_value, data);
}


static lu_rc_e
lu_builder_value(lu_yaml_t *yaml, const lu_str_t *key, void *data)
{
    lu_builder_ctx_t  *ctx;

    ctx = data;

    if (lu_str_is(key, "version")) {
        return lu_yaml_text(yaml, &ctx->version);
    }

    if (lu_str_is(key, "path")) {
        return lu_yaml_text(yaml, &ctx->legacy.url);
    }

    if (lu_str_is(key, "sha512")) {
        return lu_yaml_text(yaml, &ctx->legacy.sha512);
    }

    if (lu_str_is(key, "releaseNotes")) {

        if (yaml->event.type == YAML_SCALAR_EVENT) {
            return lu_yaml_string(yaml, &ctx->notes);
        }

        if (yaml->event.type == YAML_SEQUENCE_START_EVENT) {
            return lu_yaml_sequence(yaml, lu_builder_note, ctx);
        }
    }

    if (lu_yaml_is_null(yaml)) {
        return LU_OK;
    }

    if (yaml->event.type == YAML_SCALAR_EVENT) {

        if (lu_str_is(key, "minimumSystemVersion")) {
            return lu_yaml_string(yaml, &ctx->system);
        }

        if (lu_str_is(key, "stagingPercentage")) {
            return lu_yaml_string(yaml, &ctx->percent);
        }
    }

    if (lu_str_is(key, "files")) {
        return lu_yaml_sequence(yaml, lu_builder_file, ctx);
    }

    if (lu_str_is(key, "packages")) {
        return lu_yaml_mapping(yaml, lu_builder_file, ctx);
    }

    if (lu_str_is(key, "vendor")
        && yaml->event.type == YAML_MAPPING_START_EVENT)
    {
        return lu_yaml_mapping(yaml, lu_builder_vendor, ctx);
    }

    return lu_yaml_skip(yaml, key, NULL);
}


/* The notes of several versions, each {version, note}. */

static lu_rc_e
lu_builder_note(lu_yaml_t *yaml, const lu_str_t *key, void *data)
{
    lu_rc_e             rc;
    lu_builder_ctx_t   *ctx;
    lu_builder_note_t   note;

    if (yaml->event.type != YAML_MAPPING_START_EVENT) {
        return lu_yaml_skip(yaml, key, NULL);
    }

    ctx = data;

    memset(&note, 0, sizeof(lu_builder_note_t));

    rc = lu_yaml_mapping(yaml, lu_builder_note_value, &note);
    if (rc != LU_OK) {
        return rc;
    }

    if (ctx->notes.data == NULL) {
        ctx->notes.data = yaml->arena->alloc(yaml->arena->data,
                                             LU_BUILDER_NOTES);
        if (ctx->notes.data == NULL) {
            return LU_NOMEM;
        }
    }

    if (ctx->notes.len) {
        lu_builder_note_add(ctx, "\n\n", 2);
    }

    lu_builder_note_add(ctx, note.version.data, note.version.len);

    if (note.version.len && note.text.len) {
        lu_builder_note_add(ctx, "\n", 1);
    }

    lu_builder_note_add(ctx, note.text.data, note.text.len);

    return LU_OK;
}


static lu_rc_e
lu_builder_note_value(lu_yaml_t *yaml, const lu_str_t *key, void *data)
{
    lu_builder_note_t  *note;

    note = data;

    if (yaml->event.type == YAML_SCALAR_EVENT) {

        if (lu_str_is(key, "version")) {
            return lu_yaml_string(yaml, &note->version);
        }

        if (lu_str_is(key, "note")) {
            return lu_yaml_string(yaml, &note->text);
        }
    }

    return lu_yaml_skip(yaml, key, NULL);
}


/* More than that is cut off. */

static void
lu_builder_note_add(lu_builder_ctx_t *ctx, const void *data, size_t len)
{
    if (len > LU_BUILDER_NOTES - ctx->notes.len) {
        len = LU_BUILDER_NOTES - ctx->notes.len;
    }

    if (len) {
        memcpy(ctx->notes.data + ctx->notes.len, data, len);
        ctx->notes.len += len;
    }
}


static lu_rc_e
lu_builder_vendor(lu_yaml_t *yaml, const lu_str_t *key, void *data)
{
    lu_str_t          *value;
    lu_builder_ctx_t  *ctx;

    ctx = data;
    value = lu_release_origin_value(&ctx->origin, key);

    return (value && yaml->event.type == YAML_SCALAR_EVENT)
           ? lu_yaml_string(yaml, value) : lu_yaml_skip(yaml, key, NULL);
}


/* An item of "files", or of "packages" with its architecture as the key. */

static lu_rc_e
lu_builder_file(lu_yaml_t *yaml, const lu_str_t *key, void *data)
{
    size_t              line;
    lu_rc_e             rc;
    lu_builder_ctx_t   *ctx;
    lu_builder_entry_t  entry;

    if (key && lu_yaml_is_null(yaml)) {
        return LU_OK;
    }

    line = yaml->event.start_mark.line;

    memset(&entry, 0, sizeof(lu_builder_entry_t));

    entry.url_key = key ? "path" : "url";
    entry.size = UINT64_MAX;

    rc = lu_yaml_mapping(yaml, lu_builder_file_value, &entry);
    if (rc != LU_OK) {
        return rc;
    }

    if (entry.url.len == 0) {
        return lu_yaml_refuse(yaml, line, key ? "begins a package without a"
                                    " \"path\""
                                  : "begins a file without a"
                                    " \"url\"");
    }

    ctx = data;

    if (key == NULL) {
        ctx->has_file = 1;
    }

    return lu_builder_add(yaml->arena, ctx, &entry, yaml->err);
}


static lu_rc_e
lu_builder_file_value(lu_yaml_t *yaml, const lu_str_t *key, void *data)
{
    lu_builder_entry_t  *entry;

    entry = data;

    if (lu_str_is(key, entry->url_key)) {
        return lu_yaml_text(yaml, &entry->url);
    }

    if (lu_str_is(key, "sha512")) {
        return lu_yaml_text(yaml, &entry->sha512);
    }

    if (lu_str_is(key, "size")) {
        return lu_yaml_size(yaml, &entry->size);
    }

    if (lu_str_is(key, "blockMapSize")) {
        return lu_yaml_size(yaml, &entry->blockmap);
    }

    return lu_yaml_skip(yaml, key, NULL);
}


static lu_rc_e
lu_builder_add(const lu_arena_t *arena, lu_builder_ctx_t *ctx,
    const lu_builder_entry_t *entry, lu_error_t *err)
{
    lu_rc_e             rc;
    unsigned            is_absolute;
    lu_builder_file_t   file, *old;
    lu_builder_node_t  *node;

    rc = lu_name_file_of_manifest(arena, &entry->url, &file.name, &is_absolute,
                                  err);
    if (rc != LU_OK) {
        return rc;
    }

    if (!lu_base64_decode(file.sha512, LU_BUILDER_SHA512, &entry->sha512)) {
        return lu_error(err, &file.name,
                        "has no \"sha512\" of 64 bytes in base64");
    }

    file.size = entry->size;
    file.blockmap = entry->blockmap;
    file.is_absolute = is_absolute;

    old = lu_builder_find(ctx, &file.name);
    if (old) {
        return lu_builder_merge(old, &file, err);
    }

    if (ctx->nfiles == LU_BUILDER_FILES) {
        return lu_error(err, NULL, "the manifest lists more than 1000 files");
    }

    node = arena->alloc(arena->data, sizeof(lu_builder_node_t));
    if (node == NULL) {
        return LU_NOMEM;
    }

    node->next = NULL;
    node->file = file;

    *ctx->last = node;
    ctx->last = &node->next;
    ctx->nfiles++;

    return LU_OK;
}


static lu_rc_e
lu_builder_merge(lu_builder_file_t *old, const lu_builder_file_t *file,
    lu_error_t *err)
{
    if (memcmp(old->sha512, file->sha512, LU_BUILDER_SHA512) != 0) {
        return lu_error(err, &file->name, "is listed with two different "
                                          "digests");
    }

    old->is_absolute |= file->is_absolute;

    if (file->size == UINT64_MAX) {
        return LU_OK;
    }

    if (old->size != UINT64_MAX && old->size != file->size) {
        return lu_error(err, &file->name,
                        "is listed with two different sizes");
    }

    old->size = file->size;

    return LU_OK;
}


static lu_builder_file_t *
lu_builder_find(const lu_builder_ctx_t *ctx, const lu_str_t *name)
{
    lu_builder_node_t  *node;

    for (node = ctx->files; node; node = node->next) {
        if (lu_str_eq(&node->file.name, name)) {
            return &node->file;
        }
    }

    return NULL;
}


/* "path" and "sha512"; the digest may be missing if "files" has it. */

static lu_rc_e
lu_builder_legacy(const lu_arena_t *arena, lu_builder_ctx_t *ctx,
    lu_error_t *err)
{
    lu_rc_e             rc;
    lu_str_t            name;
    unsigned            is_absolute;
    lu_builder_file_t  *file;

    if (ctx->legacy.url.len == 0) {
        return LU_OK;
    }

    ctx->has_file = 1;

    rc = lu_name_file_of_manifest(arena, &ctx->legacy.url, &name, &is_absolute,
                                  err);
    if (rc != LU_OK) {
        return rc;
    }

    file = lu_builder_find(ctx, &name);

    if (ctx->legacy.sha512.len == 0 && file) {
        file->is_absolute |= is_absolute;
        return LU_OK;
    }

    return lu_builder_add(arena, ctx, &ctx->legacy, err);
}


static unsigned
lu_builder_percent(const lu_str_t *text)
{
    size_t    i;
    unsigned  percent;

    percent = 0;

    for (i = 0; i < text->len; i++) {

        if (text->data[i] < '0' || text->data[i] > '9') {
            break;
        }

        percent = percent * 10 + (unsigned) (text->data[i] - '0');

        if (percent > 100) {
            return 100;
        }
    }

    return i ? percent : 100;
}


static lu_rc_e
lu_builder_done(const lu_arena_t *arena, const lu_builder_ctx_t *ctx,
    lu_builder_t *builder, lu_error_t *err)
{
    lu_builder_node_t  *node;

    if (ctx->version.len == 0) {
        return lu_error(err, NULL,
                        "the manifest has no \"version\"");
    }

    if (!lu_name_label_valid(&ctx->version)) {
        return lu_error(err, &ctx->version,
                        "must be a version of 1 to 128 bytes without control "
                        "characters, and without a space at either end");
    }

    if (!lu_builder_version_valid(&ctx->version)) {
        return lu_error(err, &ctx->version, "is no version for "
                        "electron-updater: it must be like \"1.10.0\"");
    }

    if (!ctx->has_file) {
        return lu_error(err, NULL, "the manifest lists no files");
    }

    builder->files = arena->alloc(arena->data, ctx->nfiles
                                  * sizeof(lu_builder_file_t));
    if (builder->files == NULL) {
        return LU_NOMEM;
    }

    for (node = ctx->files; node; node = node->next) {
        builder->files[builder->nfiles++] = node->file;
    }

    builder->version = ctx->version;
    builder->notes = ctx->notes;
    builder->system = ctx->system;
    builder->percent = lu_builder_percent(&ctx->percent);
    builder->origin = ctx->origin;

    return lu_release_origin_check(&builder->origin, err);
}


int
lu_builder_version_valid(const lu_str_t *version)
{
    int     n;
    size_t  i, start;

    i = (version->len && version->data[0] == 'v') ? 1 : 0;

    for (n = 0; n < 3; n++) {

        if (n > 0) {
            if (i == version->len || version->data[i] != '.') {
                return 0;
            }

            i++;
        }

        start = i;

        while (i < version->len
               && version->data[i] >= '0' && version->data[i] <= '9')
        {
            i++;
        }

        if (i == start
            || i - start > sizeof(LU_BUILDER_NUMBER) - 1
            || (i - start == sizeof(LU_BUILDER_NUMBER) - 1
                && memcmp(version->data + start, LU_BUILDER_NUMBER, i - start)
                   > 0)
            || (i - start > 1 && version->data[start] == '0'))
        {
            return 0;
        }
    }

    if (i < version->len && version->data[i] == '-') {
        i++;

        if (!lu_builder_part(version, &i, 1)) {
            return 0;
        }
    }

    if (i < version->len && version->data[i] == '+') {
        i++;

        if (!lu_builder_part(version, &i, 0)) {
            return 0;
        }
    }

    return i == version->len;
}


/*
 * Words of letters, digits and "-" with dots between them.  A prerelease has no
 * number with a leading zero.
 */

static int
lu_builder_part(const lu_str_t *version, size_t *i, int is_prerelease)
{
    int            is_number;
    size_t         start;
    unsigned char  c;

    for ( ;; ) {
        start = *i;
        is_number = 1;

        while (*i < version->len) {
            c = version->data[*i];

            if (!lu_str_is_alnum(c) && c != '-') {
                break;
            }

            if (c < '0' || c > '9') {
                is_number = 0;
            }

            (*i)++;
        }

        if (*i == start
            || (is_prerelease
                && is_number
                && *i - start > 1
                && version->data[start] == '0'))
        {
            return 0;
        }

        if (*i == version->len || version->data[*i] != '.') {
            return 1;
        }

        (*i)++;
    }
}
