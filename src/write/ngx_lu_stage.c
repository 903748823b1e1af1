
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A desktop release: from the files that came, in "uploads", to those that
 * are verified, in "files".
 */


#include "ngx_lu_digest.h"
#include "ngx_lu_stage.h"
#include "ngx_lu_staging.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_tree.h"

#include "core/lu_builder.h"
#include "core/lu_file.h"
#include "core/lu_json.h"
#include "core/lu_name.h"
#include "core/lu_platform.h"
#include "core/lu_sha256.h"
#include "core/lu_td.h"


#define NGX_LU_STAGE_FILES  2000


/* A file that came, and what it is. */

typedef struct {
    lu_str_t                 name;
    u_char                  *path;
    u_char                  *data;      /* instead of a path: made here */
    uint64_t                 size;
    ngx_file_uniq_t          uniq;
    time_t                   mtime;
    char                     sha256[LU_SHA256_HEX + 1];
    unsigned char            sha512[SHA512_DIGEST_LENGTH];
    unsigned                 is_hashed:1;
    unsigned                 is_listed:1;
} ngx_lu_staged_t;


typedef struct {
    ngx_lu_task_t               *task;
    ngx_lu_release_t            *release;
    char                        *id;
    char                        *version;

    /* sorted by name, before those that are made here */
    ngx_array_t                  files;
    ngx_uint_t                   nfiles;

    ngx_array_t                 *digests;   /* that are known, or NULL */
    unsigned                     platforms;
} ngx_lu_stage_t;


static ngx_int_t ngx_lu_stage_list(ngx_lu_stage_t *stage);
static ngx_lu_staged_t *ngx_lu_stage_find(ngx_lu_stage_t *stage,
    const lu_str_t *name);
static ngx_int_t ngx_lu_stage_hash(ngx_lu_stage_t *stage,
    ngx_lu_staged_t *file);
static const ngx_lu_digest_t *ngx_lu_stage_known(ngx_lu_stage_t *stage,
    ngx_lu_staged_t *file);
static ngx_int_t ngx_lu_stage_manifests(ngx_lu_stage_t *stage);
static ngx_uint_t ngx_lu_stage_is_manifest(const lu_str_t *name);
static ngx_int_t ngx_lu_stage_manifest(ngx_lu_stage_t *stage, ngx_uint_t n);
static ngx_int_t ngx_lu_stage_version(ngx_lu_stage_t *stage,
    const lu_str_t *name, const lu_str_t *version);
static ngx_int_t ngx_lu_stage_built(ngx_lu_stage_t *stage,
    const lu_builder_file_t *built);
static ngx_int_t ngx_lu_stage_target(ngx_lu_stage_t *stage,
    ngx_lu_staged_t *file);
static ngx_int_t ngx_lu_stage_platforms(ngx_lu_stage_t *stage);
static ngx_int_t ngx_lu_stage_td(ngx_lu_stage_t *stage, ngx_uint_t n,
    const lu_builder_t *builder);
static char *ngx_lu_stage_td_text(ngx_lu_stage_t *stage,
    const lu_builder_t *builder);
static ngx_int_t ngx_lu_stage_artifacts(ngx_lu_stage_t *stage);
static ngx_int_t ngx_lu_stage_artifact_list(ngx_lu_stage_t *stage,
    ngx_lu_staged_t *list);
static ngx_int_t ngx_lu_stage_blockmaps(ngx_lu_stage_t *stage);
static ngx_int_t ngx_lu_stage_commit(ngx_lu_stage_t *stage);
static ngx_int_t ngx_lu_stage_place(ngx_lu_stage_t *stage,
    ngx_lu_staged_t *file);


ngx_int_t
ngx_lu_stage(ngx_lu_task_t *task, ngx_lu_release_t *release,
    ngx_array_t *digests)
{
    lu_str_t        id;
    ngx_int_t       status;
    ngx_lu_stage_t  stage;

    ngx_memzero(&stage, sizeof(ngx_lu_stage_t));

    (void) lu_json_string(release->json, "id", &id);

    stage.task = task;
    stage.release = release;
    stage.digests = digests;
    stage.id = (char *) id.data;

    if (ngx_array_init(&stage.files, task->io.pool, 64,
                       sizeof(ngx_lu_staged_t))
        != NGX_OK)
    {
        return ngx_lu_task_nomem(task);
    }

    status = ngx_lu_stage_list(&stage);

    if (status == NGX_OK) {
        status = ngx_lu_stage_manifests(&stage);
    }

    if (status == NGX_OK) {
        status = ngx_lu_stage_artifacts(&stage);
    }

    if (status == NGX_OK) {
        status = ngx_lu_stage_blockmaps(&stage);
    }

    if (status != NGX_OK) {
        return ngx_lu_staging_refuse(task, release, status);
    }

    return ngx_lu_stage_commit(&stage);
}


static ngx_int_t
ngx_lu_stage_list(ngx_lu_stage_t *stage)
{
    u_char           *path;
    lu_str_t          str;
    ngx_int_t         rc;
    ngx_str_t        *name;
    ngx_uint_t        i;
    ngx_array_t       names;
    ngx_lu_task_t    *task;
    ngx_file_info_t   fi;
    ngx_lu_staged_t  *file;

    task = stage->task;

    path = ngx_lu_path_in(&task->io, stage->release->folder, "uploads");

    rc = ngx_lu_tree_list(&task->io, path, &names);

    if (rc == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    name = names.elts;

    for (i = 0; rc == NGX_OK && i < names.nelts; i++) {

        path = ngx_lu_path_in(&task->io, stage->release->folder, "uploads/%V",
                              &name[i]);

        /* electron-builder leaves folders beside the files */

        if (path == NULL
            || ngx_link_info(path, &fi) == NGX_FILE_ERROR
            || !ngx_is_file(&fi))
        {
            continue;
        }

        str.len = name[i].len;
        str.data = name[i].data;

        if (lu_name_file_check(&str, &task->error) != LU_OK) {
            return 422;
        }

        if (stage->files.nelts == NGX_LU_STAGE_FILES) {
            return ngx_lu_task_refuse(task, 422,
                                      "The release has too many files.");
        }

        file = ngx_array_push(&stage->files);
        if (file == NULL) {
            return ngx_lu_task_nomem(task);
        }

        ngx_memzero(file, sizeof(ngx_lu_staged_t));

        file->name = str;
        file->path = path;
        file->size = ngx_file_size(&fi);
        file->uniq = ngx_file_uniq(&fi);
        file->mtime = ngx_file_mtime(&fi);
    }

    stage->nfiles = stage->files.nelts;

    return NGX_OK;
}


static ngx_lu_staged_t *
ngx_lu_stage_find(ngx_lu_stage_t *stage, const lu_str_t *name)
{
    ngx_uint_t        i;
    ngx_lu_staged_t  *file;

    file = stage->files.elts;

    for (i = 0; i < stage->nfiles; i++) {
        if (lu_str_eq(&file[i].name, name)) {
            return &file[i];
        }
    }

    return NULL;
}


static ngx_int_t
ngx_lu_stage_hash(ngx_lu_stage_t *stage, ngx_lu_staged_t *file)
{
    ngx_int_t               rc;
    ngx_lu_digest_t         digest;
    const ngx_lu_digest_t  *known;

    if (file->is_hashed) {
        return NGX_OK;
    }

    known = ngx_lu_stage_known(stage, file);

    if (known == NULL) {

        rc = ngx_lu_digest(&stage->task->io, file->path, &digest);
        if (rc != NGX_OK) {
            return ngx_lu_task_unread(stage->task, rc);
        }

        known = &digest;
    }

    file->size = known->size;
    file->is_hashed = 1;

    ngx_memcpy(file->sha256, known->sha256, sizeof(file->sha256));
    ngx_memcpy(file->sha512, known->sha512, sizeof(file->sha512));

    return NGX_OK;
}


static const ngx_lu_digest_t *
ngx_lu_stage_known(ngx_lu_stage_t *stage, ngx_lu_staged_t *file)
{
    ngx_uint_t              i;
    const ngx_lu_digest_t  *known;

    if (stage->digests == NULL) {
        return NULL;
    }

    known = stage->digests->elts;

    for (i = 0; i < stage->digests->nelts; i++) {
        if (known[i].uniq == file->uniq
            && known[i].mtime == file->mtime
            && known[i].size == file->size
            && lu_str_eq(&known[i].name, &file->name))
        {
            return &known[i];
        }
    }

    return NULL;
}


static ngx_int_t
ngx_lu_stage_manifests(ngx_lu_stage_t *stage)
{
    ngx_int_t         status;
    ngx_uint_t        i, found;
    ngx_lu_staged_t  *file;

    found = 0;

    for (i = 0; i < stage->nfiles; i++) {

        file = (ngx_lu_staged_t *) stage->files.elts + i;

        if (!ngx_lu_stage_is_manifest(&file->name)) {
            continue;
        }

        status = ngx_lu_stage_manifest(stage, i);
        if (status != NGX_OK) {
            return status;
        }

        found = 1;
    }

    if (!found) {
        return ngx_lu_task_refuse(stage->task, 422,
                             "The release has no latest.yml, latest-mac.yml "
                                  "or latest-linux.yml.");
    }

    return NGX_OK;
}


/* What electron-builder writes for itself has the same ending. */

static ngx_uint_t
ngx_lu_stage_is_manifest(const lu_str_t *name)
{
    size_t  len;

    len = sizeof(".yml") - 1;

    return name->len > len
           && ngx_strncmp(name->data + name->len - len, ".yml", len) == 0
           && (name->len < sizeof("builder-") - 1
               || ngx_strncmp(name->data, "builder-", sizeof("builder-") - 1)
                  != 0);
}


static ngx_int_t
ngx_lu_stage_manifest(ngx_lu_stage_t *stage, ngx_uint_t n)
{
    size_t            i;
    lu_rc_e           parsed;
    lu_str_t          text;
    ngx_int_t         rc, status;
    lu_arena_t        arena;
    lu_builder_t      builder;
    ngx_lu_task_t    *task;
    ngx_file_info_t   fi;
    ngx_lu_staged_t  *file;

    task = stage->task;
    file = (ngx_lu_staged_t *) stage->files.elts + n;

    if (file->size > LU_BUILDER_SIZE) {
        (void) lu_error(&task->error, &file->name, "is too large");
        return 422;
    }

    rc = ngx_lu_file_read(&task->io, file->path, &text, &fi);
    if (rc != NGX_OK) {
        return ngx_lu_task_unread(task, rc);
    }

    arena = ngx_lu_arena(task->io.pool);

    parsed = lu_builder_parse(&arena, &text, &builder, &task->error);
    if (parsed != LU_OK) {
        return ngx_lu_task_core(task, parsed);
    }

    status = ngx_lu_stage_version(stage, &file->name, &builder.version);
    if (status != NGX_OK) {
        return status;
    }

    for (i = 0; i < builder.nfiles; i++) {
        status = ngx_lu_stage_built(stage, &builder.files[i]);
        if (status != NGX_OK) {
            return status;
        }
    }

    status = ngx_lu_stage_hash(stage, file);
    if (status != NGX_OK) {
        return status;
    }

    file->is_listed = 1;

    status = ngx_lu_stage_target(stage, file);
    if (status != NGX_OK) {
        return status;
    }

    return ngx_lu_stage_td(stage, n, &builder);
}


static ngx_int_t
ngx_lu_stage_version(ngx_lu_stage_t *stage, const lu_str_t *name,
    const lu_str_t *version)
{
    if (version->len == 0) {
        return NGX_OK;
    }

    if (stage->version == NULL) {
        stage->version = (char *) version->data;
        return NGX_OK;
    }

    if (!lu_str_is(version, stage->version)) {
        (void) lu_error(&stage->task->error, name,
                        "is of another version than the others");
        return 422;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_stage_built(ngx_lu_stage_t *stage, const lu_builder_file_t *built)
{
    ngx_int_t         status;
    lu_error_t       *error;
    ngx_lu_staged_t  *file;

    error = &stage->task->error;

    file = ngx_lu_stage_find(stage, &built->name);

    if (file == NULL) {
        (void) lu_error(error, &built->name, "is listed, but is not there");
        return 422;
    }

    status = ngx_lu_stage_hash(stage, file);
    if (status != NGX_OK) {
        return status;
    }

    if (built->size != UINT64_MAX && built->size != file->size) {
        (void) lu_error(error, &built->name,
                        "has another size than its manifest says");
        return 422;
    }

    if (ngx_memcmp(built->sha512, file->sha512, SHA512_DIGEST_LENGTH) != 0) {
        (void) lu_error(error, &built->name,
                        "has another SHA-512 than its manifest says");
        return 422;
    }

    file->is_listed = 1;

    return NGX_OK;
}


/* In the feed, "latest.yml" of all releases lie in one folder. */

static ngx_int_t
ngx_lu_stage_target(ngx_lu_stage_t *stage, ngx_lu_staged_t *file)
{
    u_char   *p;
    lu_str_t  name;

    if (ngx_strnstr(file->name.data, "-build-", file->name.len)) {
        return NGX_OK;
    }

    p = ngx_lu_format(stage->task->io.pool, "%*s-build-%s.yml",
                      file->name.len - (sizeof(".yml") - 1), file->name.data,
                      stage->id);
    if (p == NULL) {
        return ngx_lu_task_nomem(stage->task);
    }

    name.data = p;
    name.len = ngx_strlen(p);

    if (ngx_lu_stage_find(stage, &name)) {
        (void) lu_error(&stage->task->error, &file->name,
                        "is there twice, also with the release's id in its "
                        "name");
        return 422;
    }

    file->name = name;

    return NGX_OK;
}


/* Those that it has a manifest for. */

static ngx_int_t
ngx_lu_stage_platforms(ngx_lu_stage_t *stage)
{
    cJSON      *list, *item;
    ngx_uint_t  i;

    static const struct {
        const char  *name;
        ngx_uint_t   platform;
    } platforms[] = {
        { "windows", LU_WINDOWS },
        { "mac", LU_MAC },
        { "linux", LU_LINUX },
        { NULL, 0 }
    };

    list = cJSON_CreateArray();

    for (i = 0; platforms[i].name; i++) {

        if (!(stage->platforms & platforms[i].platform)) {
            continue;
        }

        item = cJSON_CreateString(platforms[i].name);

        if (item == NULL || !cJSON_AddItemToArray(list, item)) {
            cJSON_Delete(item);
            cJSON_Delete(list);
            return NGX_ERROR;
        }
    }

    return lu_json_set(stage->release->json, "platforms", list) == LU_OK
           ? NGX_OK : NGX_ERROR;
}


/* The list that the download routes go by, where nobody has written one. */

static ngx_int_t
ngx_lu_stage_td(ngx_lu_stage_t *stage, ngx_uint_t n,
    const lu_builder_t *builder)
{
    char             *text;
    u_char           *p;
    lu_str_t          name, *manifest;
    ngx_uint_t        platform;
    lu_sha256_t       sha256;
    ngx_lu_task_t    *task;
    ngx_lu_staged_t  *file;

    task = stage->task;

    manifest = &((ngx_lu_staged_t *) stage->files.elts + n)->name;

    platform = ngx_strnstr(manifest->data, "-mac-", manifest->len)
               ? LU_MAC
               : ngx_strnstr(manifest->data, "-linux-", manifest->len)
               ? LU_LINUX : LU_WINDOWS;

    if (stage->platforms & platform) {
        return NGX_OK;
    }

    stage->platforms |= platform;

    p = ngx_lu_format(task->io.pool, "td-latest%s-build-%s.json",
                      platform == LU_MAC ? "-mac"
                      : platform == LU_LINUX ? "-linux"
                      : "", stage->id);
    if (p == NULL) {
        return ngx_lu_task_nomem(task);
    }

    name.data = p;
    name.len = ngx_strlen(p);

    if (ngx_lu_stage_find(stage, &name)) {
        return NGX_OK;
    }

    text = ngx_lu_stage_td_text(stage, builder);
    if (text == NULL) {
        return ngx_lu_task_nomem(task);
    }

    file = ngx_array_push(&stage->files);

    if (file) {
        ngx_memzero(file, sizeof(ngx_lu_staged_t));

        file->name = name;
        file->size = ngx_strlen(text);
        file->data = ngx_pnalloc(task->io.pool, (size_t) file->size);
        file->is_hashed = 1;
        file->is_listed = 1;

        if (file->data) {
            ngx_memcpy(file->data, text, (size_t) file->size);
        }

        lu_sha256_init(&sha256);
        lu_sha256_update(&sha256, text, (size_t) file->size);
        lu_sha256_hex(&sha256, file->sha256);
    }

    cJSON_free(text);

    return file && file->data ? NGX_OK : ngx_lu_task_nomem(task);
}


static char *
ngx_lu_stage_td_text(ngx_lu_stage_t *stage, const lu_builder_t *builder)
{
    size_t             i;
    ngx_lu_staged_t   *staged;
    lu_td_artifact_t  *files;

    files = ngx_pcalloc(stage->task->io.pool,
                        builder->nfiles * sizeof(lu_td_artifact_t));
    if (files == NULL) {
        return NULL;
    }

    for (i = 0; i < builder->nfiles; i++) {

        staged = ngx_lu_stage_find(stage, &builder->files[i].name);

        files[i].name = builder->files[i].name;
        files[i].sha256.len = LU_SHA256_HEX;
        files[i].sha256.data = (u_char *) staged->sha256;
        files[i].size = staged->size;
    }

    return lu_td_print(stage->version, stage->task->now, files,
                       builder->nfiles);
}


/* What the td lists say must be true, too. */

static ngx_int_t
ngx_lu_stage_artifacts(ngx_lu_stage_t *stage)
{
    ngx_int_t         status;
    ngx_uint_t        i;
    ngx_lu_staged_t  *file;

    for (i = 0; i < stage->nfiles; i++) {

        file = (ngx_lu_staged_t *) stage->files.elts + i;

        if (file->name.len < sizeof("td-latest.json") - 1
            || ngx_strncmp(file->name.data, "td-latest",
                           sizeof("td-latest") - 1)
               != 0
            || ngx_strncmp(file->name.data + file->name.len - 5, ".json", 5)
               != 0)
        {
            continue;
        }

        status = ngx_lu_stage_artifact_list(stage, file);
        if (status != NGX_OK) {
            return status;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_stage_artifact_list(ngx_lu_stage_t *stage, ngx_lu_staged_t *list)
{
    size_t            i;
    lu_rc_e           parsed;
    lu_td_t           td;
    lu_str_t          text;
    ngx_int_t         rc, status;
    lu_arena_t        arena;
    ngx_lu_task_t    *task;
    ngx_file_info_t   fi;
    ngx_lu_staged_t  *file;

    task = stage->task;

    rc = ngx_lu_file_read(&task->io, list->path, &text, &fi);
    if (rc != NGX_OK) {
        return ngx_lu_task_unread(task, rc);
    }

    arena = ngx_lu_arena(task->io.pool);

    parsed = lu_td_parse(&arena, &text, &td, &task->error);
    if (parsed != LU_OK) {
        return ngx_lu_task_core(task, parsed);
    }

    status = ngx_lu_stage_version(stage, &list->name, &td.version);
    if (status != NGX_OK) {
        return status;
    }

    for (i = 0; i < td.nartifacts; i++) {

        file = ngx_lu_stage_find(stage, &td.artifacts[i].name);

        if (file == NULL) {
            (void) lu_error(&task->error, &td.artifacts[i].name,
                            "is listed, but is not there");
            return 422;
        }

        status = ngx_lu_stage_hash(stage, file);
        if (status != NGX_OK) {
            return status;
        }

        if ((td.artifacts[i].size != UINT64_MAX
             && td.artifacts[i].size != file->size)
            || (td.artifacts[i].sha256.len
                && !lu_str_is(&td.artifacts[i].sha256, file->sha256)))
        {
            (void) lu_error(&task->error, &td.artifacts[i].name,
                            "has another size or SHA-256 than its list says");
            return 422;
        }

        file->is_listed = 1;
    }

    list->is_listed = 1;

    return ngx_lu_stage_hash(stage, list);
}


static ngx_int_t
ngx_lu_stage_blockmaps(ngx_lu_stage_t *stage)
{
    size_t            len;
    lu_str_t          name;
    ngx_int_t         status;
    ngx_uint_t        i;
    ngx_lu_staged_t  *file, *whole;

    len = sizeof(".blockmap") - 1;

    for (i = 0; i < stage->nfiles; i++) {

        file = (ngx_lu_staged_t *) stage->files.elts + i;

        if (file->name.len <= len
            || ngx_strncmp(file->name.data + file->name.len - len,
                           ".blockmap", len)
               != 0)
        {
            continue;
        }

        name.len = file->name.len - len;
        name.data = file->name.data;

        whole = ngx_lu_stage_find(stage, &name);

        if (whole == NULL || !whole->is_listed) {
            continue;
        }

        status = ngx_lu_stage_hash(stage, file);
        if (status != NGX_OK) {
            return status;
        }

        file->is_listed = 1;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_stage_commit(ngx_lu_stage_t *stage)
{
    size_t            n;
    ngx_int_t         status;
    lu_file_t        *files;
    ngx_uint_t        i;
    ngx_lu_task_t    *task;
    ngx_lu_staged_t  *file;

    task = stage->task;

    status = ngx_lu_staging_clean(task, stage->release->folder, "files");
    if (status != NGX_OK) {
        return status;
    }

    files = ngx_pcalloc(task->io.pool, (stage->files.nelts + 1)
                                       * sizeof(lu_file_t));
    if (files == NULL) {
        return ngx_lu_task_nomem(task);
    }

    n = 0;

    for (i = 0; i < stage->files.nelts; i++) {

        file = (ngx_lu_staged_t *) stage->files.elts + i;

        if (!file->is_listed) {
            continue;
        }

        files[n].href = file->name;
        files[n].size = file->size;
        files[n].sha256.len = LU_SHA256_HEX;
        files[n].sha256.data = (u_char *) file->sha256;
        n++;

        status = ngx_lu_stage_place(stage, file);
        if (status != NGX_OK) {
            return status;
        }
    }

    if (lu_json_set_string(stage->release->json, "version",
                           stage->version) != LU_OK
        || ngx_lu_stage_platforms(stage) != NGX_OK)
    {
        return ngx_lu_task_nomem(task);
    }

    return ngx_lu_staging_complete(task, stage->release, files,
                                   n);
}


static ngx_int_t
ngx_lu_stage_place(ngx_lu_stage_t *stage, ngx_lu_staged_t *file)
{
    u_char         *path;
    ngx_lu_task_t  *task;

    task = stage->task;

    if (file->data) {
        path = ngx_lu_path_in(&task->io, stage->release->folder, "files/%*s",
                              file->name.len, file->name.data);

        if (ngx_lu_file_mkdirs(&task->io, stage->release->folder, path)
            != NGX_OK
            || ngx_lu_file_write(&task->io, task->store, path,
                                 (char *) file->data,
                                 (size_t) file->size)
               != NGX_OK)
        {
            return ngx_lu_task_failed(task);
        }

        return NGX_OK;
    }

    /* what came through a copy or DAV was synced by nobody */

    if (ngx_lu_file_sync(&task->io, file->path) != NGX_OK) {
        return ngx_lu_task_failed(task);
    }

    return ngx_lu_staging_place(task, stage->release->folder, file->path,
                                &file->name);
}
