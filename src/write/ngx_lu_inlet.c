
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * release.json has, besides what stage needs, "expects"; "replaced", the files
 * that were replaced; "manifests", the digests of the manifests that came,
 * which become other files when they are staged; and "parts", the files that
 * came in parts.
 */


#include "ngx_lu_inlet.h"
#include "ngx_lu_stage_files.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_tree.h"
#include "store/ngx_lu_turn.h"

#include "core/lu_builder.h"
#include "core/lu_merge.h"
#include "core/lu_release.h"
#include "core/lu_sha256.h"


static ngx_int_t ngx_lu_inlet_live(ngx_lu_task_t *task,
    ngx_lu_release_t *release);
static ngx_int_t ngx_lu_inlet_begin(ngx_lu_task_t *task, cJSON *json,
    ngx_lu_release_t *release);
static ngx_int_t ngx_lu_inlet_again(ngx_lu_task_t *task,
    ngx_lu_release_t *release);
static ngx_int_t ngx_lu_inlet_moved(ngx_lu_task_t *task,
    ngx_lu_release_t *release);
static void ngx_lu_inlet_refresh(ngx_lu_task_t *task);
static ngx_int_t ngx_lu_inlet_state(ngx_lu_task_t *task,
    ngx_lu_release_t *release);
static ngx_int_t ngx_lu_inlet_path(ngx_lu_task_t *task,
    ngx_lu_release_t *release, ngx_lu_inlet_t *inlet, u_char **path);
static ngx_int_t ngx_lu_inlet_clash(ngx_lu_task_t *task, u_char *root,
    u_char *path, ngx_lu_inlet_t *inlet);
static ngx_int_t ngx_lu_inlet_slot(ngx_lu_task_t *task,
    ngx_lu_release_t *release, ngx_lu_inlet_t *inlet, u_char **path);
static ngx_uint_t ngx_lu_inlet_shares(const lu_builder_t *one,
    const lu_builder_t *two);
static ngx_int_t ngx_lu_inlet_same(ngx_lu_task_t *task, u_char *path,
    const ngx_lu_inlet_t *inlet);
static ngx_int_t ngx_lu_inlet_piece(void *data, u_char *bytes, size_t len);
static ngx_int_t ngx_lu_inlet_room(ngx_lu_task_t *task,
    ngx_lu_release_t *release);
static ngx_int_t ngx_lu_inlet_note(ngx_lu_task_t *task,
    ngx_lu_release_t *release, ngx_lu_inlet_t *inlet, ngx_uint_t is_manifest);
static ngx_uint_t ngx_lu_inlet_is_manifest(const ngx_lu_inlet_t *inlet);
static lu_str_t ngx_lu_inlet_name(const lu_str_t *file);


ngx_int_t
ngx_lu_inlet_open(ngx_lu_task_t *task, cJSON *json, ngx_lu_release_t *release)
{
    u_char     *folder;
    ngx_int_t   rc, status;

    release->json = NULL;
    release->lock = NULL;

    task->change = NULL;
    task->subject = (char *) task->id.data;

    if (json == NULL) {
        return ngx_lu_task_nomem(task);
    }

    status = ngx_lu_release_named(task);

    if (status == NGX_OK) {
        status = ngx_lu_inlet_live(task, release);
    }

    if (status != NGX_DECLINED) {
        cJSON_Delete(json);
        return status;
    }

    folder = ngx_lu_release_staging(task, task->subject);

    status = NGX_OK;
    rc = ngx_lu_file_exists(&task->io, folder);

    if (rc == NGX_DECLINED) {
        status = ngx_lu_release_room(task);

        rc = (status == NGX_OK) ? ngx_lu_file_mkdir(&task->io, folder) : NGX_OK;
    }

    if (rc == NGX_ERROR) {
        status = ngx_lu_task_failed(task);
    }

    if (status == NGX_OK) {
        status = ngx_lu_release_lock(task, task->subject, release);
    }

    if (status == NGX_OK) {
        return ngx_lu_inlet_begin(task, json, release);
    }

    cJSON_Delete(json);

    if (status != NGX_DECLINED) {
        return status;
    }

    /* another call, maybe on another machine, has promoted or deleted it */

    ngx_lu_inlet_refresh(task);

    status = ngx_lu_inlet_live(task, release);

    return status == NGX_DECLINED
           ? ngx_lu_task_refuse(task, NGX_HTTP_CONFLICT,
                                "The release has just been deleted.")
           : status;
}


/* NGX_DONE: it is in live/; NGX_DECLINED: it is not; or a status. */

static ngx_int_t
ngx_lu_inlet_live(ngx_lu_task_t *task, ngx_lu_release_t *release)
{
    release->folder = ngx_lu_release_live(task, task->subject);
    release->is_live = 1;

    switch (ngx_lu_release_load(&task->io, release->folder, &release->json)) {

    case NGX_OK:
        return NGX_DONE;

    case NGX_DECLINED:
        return NGX_DECLINED;

    default:
        return ngx_lu_task_failed(task);
    }
}


/* The lock is held; the tree becomes that of the release, or is freed. */

static ngx_int_t
ngx_lu_inlet_begin(ngx_lu_task_t *task, cJSON *json,
    ngx_lu_release_t *release)
{
    u_char     *path;
    lu_put_t    put;
    ngx_int_t   rc, status;

    rc = ngx_lu_release_load(&task->io, release->folder, &release->json);

    if (rc != NGX_DECLINED) {
        cJSON_Delete(json);

        status = (rc == NGX_OK) ? ngx_lu_inlet_state(task, release)
                                : ngx_lu_task_failed(task);

        return status == NGX_DONE ? ngx_lu_inlet_moved(task, release) : status;
    }

    status = ngx_lu_inlet_again(task, release);

    if (status != NGX_DECLINED) {
        cJSON_Delete(json);
        return status;
    }

    release->json = json;

    lu_put_init(&put);

    lu_release_put_state(&put, json, LU_STATE_UPLOADING);

    if (put.failed) {
        return ngx_lu_task_nomem(task);
    }

    path = ngx_lu_path_in(&task->io, release->folder, "uploads");

    if (ngx_lu_file_mkdir(&task->io, path) == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    return ngx_lu_release_save(task, release);
}


/*
 * Another call may have promoted the release before the folder was made here:
 * NGX_DONE, and the folder is gone.  NGX_DECLINED: none has; or a status.
 */

static ngx_int_t
ngx_lu_inlet_again(ngx_lu_task_t *task, ngx_lu_release_t *release)
{
    u_char     *folder;
    ngx_int_t   status;

    folder = release->folder;

    ngx_lu_inlet_refresh(task);

    status = ngx_lu_inlet_live(task, release);

    if (status == NGX_DONE
        && ngx_lu_tree_remove(&task->io, task->store, folder) == NGX_ERROR)
    {
        return ngx_lu_task_failed(task);
    }

    if (status == NGX_DECLINED) {
        release->folder = folder;
        release->is_live = 0;
    }

    return status;
}


/*
 * What is complete may have been promoted on another machine, whose name in
 * staging/ is a stale one here: NGX_DONE with the live one, or that which was
 * read; or a status.
 */

static ngx_int_t
ngx_lu_inlet_moved(ngx_lu_task_t *task, ngx_lu_release_t *release)
{
    cJSON      *json;
    u_char     *folder;
    ngx_int_t   status;

    json = release->json;
    folder = release->folder;

    release->json = NULL;

    ngx_lu_inlet_refresh(task);

    status = ngx_lu_inlet_live(task, release);

    if (status == NGX_DECLINED) {
        release->json = json;
        release->folder = folder;
        release->is_live = 0;

        return NGX_DONE;
    }

    cJSON_Delete(json);

    return status;
}


static void
ngx_lu_inlet_refresh(ngx_lu_task_t *task)
{
    ngx_lu_turn_refresh(&task->io,
                        ngx_lu_path_folder(&task->io,
                                           ngx_lu_release_live(task,
                                               task->subject)));
}


static ngx_int_t
ngx_lu_inlet_state(ngx_lu_task_t *task, ngx_lu_release_t *release)
{
    if (lu_release_kind(release->json) != LU_KIND_DESKTOP) {
        return ngx_lu_task_refuse(task, NGX_HTTP_CONFLICT,
                                  "A bundle has this id.");
    }

    switch (lu_release_state(release->json)) {

    case LU_STATE_STAGED:
    case LU_STATE_REJECTED:
        return NGX_DONE;

    case LU_STATE_FETCHING:
        return ngx_lu_task_refuse(task, NGX_HTTP_CONFLICT,
                                  "The release is being fetched: use another "
                                  "id.");

    default:
        return NGX_OK;
    }
}


ngx_int_t
ngx_lu_inlet_place(ngx_lu_task_t *task, ngx_lu_release_t *release,
    ngx_lu_inlet_t *inlet)
{
    u_char      *path, *root;
    ngx_int_t    rc, status;
    ngx_uint_t   is_manifest;

    is_manifest = ngx_lu_inlet_is_manifest(inlet);

    if (is_manifest && inlet->temp->sha256.size > LU_BUILDER_SIZE) {
        (void) lu_error(&task->error, &inlet->file,
                        "is larger than 1 MB, as no update manifest may be");
        return 422;
    }

    root = ngx_lu_path_in(&task->io, release->folder, "uploads");

    status = ngx_lu_inlet_path(task, release, inlet, &path);

    if (status == NGX_OK) {
        status = ngx_lu_inlet_clash(task, root, path, inlet);
    }

    if (status != NGX_OK) {
        return status;
    }

    rc = ngx_lu_inlet_same(task, path, inlet);

    switch (rc) {

    case NGX_OK:
        return NGX_OK;

    case NGX_DONE:
        inlet->replaced = 1;
        break;

    case NGX_DECLINED:
        status = ngx_lu_inlet_room(task, release);
        break;

    default:
        return ngx_lu_task_failed(task);
    }

    if (status != NGX_OK) {
        return status;
    }

    if (ngx_lu_file_mkdirs(&task->io, root, path) != NGX_OK) {
        return ngx_lu_task_failed(task);
    }

    /* before the file, so that a repeated call finds it known */

    status = ngx_lu_inlet_note(task, release, inlet, is_manifest);
    if (status != NGX_OK) {
        return status;
    }

    inlet->taken = 1;

    if (ngx_lu_file_place(&task->io, inlet->temp, path) != NGX_OK
        || ngx_lu_file_sync(&task->io, ngx_lu_path_folder(&task->io, path))
           != NGX_OK
        || ngx_lu_file_sync(&task->io, root) != NGX_OK)
    {
        return ngx_lu_task_failed(task);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_inlet_path(ngx_lu_task_t *task, ngx_lu_release_t *release,
    ngx_lu_inlet_t *inlet, u_char **path)
{
    if (ngx_lu_inlet_is_manifest(inlet)
        && ngx_strchr(inlet->file.data, '/') == NULL)
    {
        return ngx_lu_inlet_slot(task, release, inlet, path);
    }

    *path = ngx_lu_path_in(&task->io, release->folder, "uploads/%s",
                           inlet->file.data);

    return *path ? NGX_OK : ngx_lu_task_failed(task);
}


/* One name is that of a file or of a folder. */

static ngx_int_t
ngx_lu_inlet_clash(ngx_lu_task_t *task, u_char *root, u_char *path,
    ngx_lu_inlet_t *inlet)
{
    u_char           *folder;
    ngx_file_info_t   fi;

    folder = ngx_lu_path_folder(&task->io, path);

    if (root == NULL || folder == NULL) {
        return ngx_lu_task_failed(task);
    }

    if ((ngx_link_info(path, &fi) == NGX_FILE_ERROR || !ngx_is_dir(&fi))
        && (ngx_strcmp(folder, root) == 0
            || ngx_link_info(folder, &fi) == NGX_FILE_ERROR
            || ngx_is_dir(&fi)))
    {
        return NGX_OK;
    }

    (void) lu_error(&task->error, &inlet->file,
                    "has the name of a folder of the release, or a folder with "
                    "the name of a file");

    return NGX_HTTP_CONFLICT;
}


/* Where a manifest goes: uploads/, or one of the folders "2", "3" ... there. */

static ngx_int_t
ngx_lu_inlet_slot(ngx_lu_task_t *task, ngx_lu_release_t *release,
    ngx_lu_inlet_t *inlet, u_char **path)
{
    ngx_int_t     rc, status;
    ngx_uint_t    n;
    lu_builder_t  fresh, known;

    status = ngx_lu_inlet_manifest(task, inlet->temp->path, &fresh);

    if (status != NGX_OK && status != NGX_DECLINED) {
        return status;
    }

    for (n = 1; n <= LU_MERGE_MAX; n++) {

        *path = (n == 1)
                ? ngx_lu_path_in(&task->io, release->folder, "uploads/%s",
                                 inlet->file.data)
                : ngx_lu_path_in(&task->io, release->folder, "uploads/%ui/%s",
                                 n, inlet->file.data);

        rc = ngx_lu_file_exists(&task->io, *path);

        if (rc == NGX_ERROR) {
            return ngx_lu_task_failed(task);
        }

        /* what is no manifest is not merged; staging says what is wrong */

        if (rc == NGX_DECLINED || status == NGX_DECLINED) {
            return NGX_OK;
        }

        rc = ngx_lu_inlet_manifest(task, *path, &known);

        if (rc == NGX_DECLINED) {
            return NGX_OK;
        }

        if (rc != NGX_OK) {
            return rc;
        }

        if (!lu_str_eq(&fresh.version, &known.version)
            || ngx_lu_inlet_shares(&fresh, &known))
        {
            return NGX_OK;
        }
    }

    (void) lu_error(&task->error, &inlet->file,
                    "is there more often than " lu_value(LU_MERGE_MAX)
                    " times");
    return 422;
}


ngx_int_t
ngx_lu_inlet_manifest(ngx_lu_task_t *task, u_char *path,
    lu_builder_t *builder)
{
    ngx_int_t        rc;
    lu_rc_e          core;
    lu_str_t         text;
    lu_error_t       why;
    lu_arena_t       arena;
    ngx_file_info_t  fi;

    rc = ngx_lu_file_read(&task->io, path, &text, &fi);

    if (rc != NGX_OK) {
        return ngx_lu_task_unread(task, rc);
    }

    arena = ngx_lu_arena(task->io.pool);

    core = lu_builder_parse(&arena, &text, builder, &why);

    if (core == LU_NOMEM) {
        return ngx_lu_task_nomem(task);
    }

    return core == LU_OK ? NGX_OK : NGX_DECLINED;
}


static ngx_uint_t
ngx_lu_inlet_shares(const lu_builder_t *one, const lu_builder_t *two)
{
    size_t  i, j;

    for (i = 0; i < one->nfiles; i++) {
        for (j = 0; j < two->nfiles; j++) {
            if (lu_str_eq(&one->files[i].name, &two->files[j].name)) {
                return 1;
            }
        }
    }

    return 0;
}


/* NGX_OK: the same; NGX_DONE: another; NGX_DECLINED: none; NGX_ERROR. */

static ngx_int_t
ngx_lu_inlet_same(ngx_lu_task_t *task, u_char *path,
    const ngx_lu_inlet_t *inlet)
{
    char             hex[LU_SHA256_HEX + 1];
    ngx_int_t        rc;
    lu_sha256_t      sha256;
    ngx_file_info_t  fi;

    if (path
        && ngx_file_info(path, &fi) != NGX_FILE_ERROR
        && (uint64_t) ngx_file_size(&fi) != inlet->temp->sha256.size)
    {
        return NGX_DONE;
    }

    lu_sha256_init(&sha256);

    rc = ngx_lu_file_pieces(&task->io, path, ngx_lu_inlet_piece, &sha256);
    if (rc != NGX_OK) {
        return rc;
    }

    lu_sha256_hex(&sha256, hex);

    return ngx_strcmp(hex, inlet->sha256) == 0 ? NGX_OK : NGX_DONE;
}


static ngx_int_t
ngx_lu_inlet_piece(void *data, u_char *bytes, size_t len)
{
    lu_sha256_t *sha256 = data;

    lu_sha256_update(sha256, bytes, len);

    return NGX_OK;
}


/* Files, also those in folders, and the folders. */

static ngx_int_t
ngx_lu_inlet_room(ngx_lu_task_t *task, ngx_lu_release_t *release)
{
    u_char           *root, *path;
    ngx_str_t        *name;
    ngx_uint_t        i, n, total;
    ngx_array_t       names;
    ngx_file_info_t   fi;

    root = ngx_lu_path_in(&task->io, release->folder, "uploads");

    if (ngx_lu_tree_list(&task->io, root, &names) == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    name = names.elts;
    total = names.nelts;

    for (i = 0; total < NGX_LU_INLET_FILES && i < names.nelts; i++) {

        path = ngx_lu_path_in(&task->io, root, "%V", &name[i]);

        if (path == NULL) {
            return ngx_lu_task_failed(task);
        }

        if (ngx_link_info(path, &fi) == NGX_FILE_ERROR || !ngx_is_dir(&fi)) {
            continue;
        }

        if (ngx_lu_tree_count(&task->io, path, NGX_LU_INLET_FILES, &n)
            == NGX_ERROR)
        {
            return ngx_lu_task_failed(task);
        }

        total += n;
    }

    if (total < NGX_LU_INLET_FILES) {
        return NGX_OK;
    }

    return ngx_lu_task_refuse(task, NGX_HTTP_CONFLICT,
                              "The release has " lu_value(NGX_LU_INLET_FILES)
                              " files, the most that it can have.");
}


/* Most files are of no note: what they are is in the manifests. */

static ngx_int_t
ngx_lu_inlet_note(ngx_lu_task_t *task, ngx_lu_release_t *release,
    ngx_lu_inlet_t *inlet, ngx_uint_t is_manifest)
{
    cJSON     *item;
    lu_put_t   put;

    if (!inlet->replaced && !is_manifest) {
        return NGX_OK;
    }

    lu_put_init(&put);

    if (inlet->replaced) {
        item = cJSON_CreateObject();

        lu_put_str(&put, item, "name", &inlet->file);
        lu_put_string(&put, item, "by", task->by);
        lu_put_string(&put, item, "at", task->now);

        ngx_lu_inlet_list(&put, release->json, "replaced", item);
    }

    if (is_manifest) {
        item = cJSON_CreateObject();

        lu_put_str(&put, item, "name", &inlet->file);
        lu_put_string(&put, item, "sha256", inlet->sha256);

        ngx_lu_inlet_list(&put, release->json, "manifests", item);
    }

    return put.failed ? ngx_lu_task_nomem(task)
                      : ngx_lu_release_save(task, release);
}


void
ngx_lu_inlet_list(lu_put_t *put, cJSON *json, const char *key, cJSON *item)
{
    cJSON  *list;

    list = cJSON_GetObjectItemCaseSensitive(json, key);

    if (list == NULL) {
        list = lu_put_array(put, json, key);
    }

    lu_put_item(put, list, NULL, item);

    while (cJSON_GetArraySize(list) > NGX_LU_INLET_LISTED) {
        cJSON_DeleteItemFromArray(list, 0);
    }
}


static ngx_uint_t
ngx_lu_inlet_is_manifest(const ngx_lu_inlet_t *inlet)
{
    lu_str_t  name;

    name = ngx_lu_inlet_name(&inlet->file);

    return ngx_lu_stage_files_is_manifest(&name);
}


static lu_str_t
ngx_lu_inlet_name(const lu_str_t *file)
{
    u_char    *slash;
    lu_str_t   name;

    name = *file;
    slash = (u_char *) ngx_strchr(file->data, '/');

    if (slash) {
        name.data = slash + 1;
        name.len -= slash + 1 - file->data;
    }

    return name;
}


ngx_int_t
ngx_lu_inlet_known(ngx_lu_task_t *task, ngx_lu_release_t *release,
    const ngx_lu_inlet_t *inlet)
{
    cJSON        *table;
    u_char       *path;
    lu_str_t      name, value, digest;
    ngx_int_t     rc;
    const cJSON  *item, *list;

    name = ngx_lu_inlet_name(&inlet->file);

    list = cJSON_GetObjectItemCaseSensitive(release->json, "manifests");

    cJSON_ArrayForEach(item, list) {

        if (lu_json_string(item, "name", &value) == LU_OK
            && lu_json_string(item, "sha256", &digest) == LU_OK
            && lu_str_eq(&value, &inlet->file)
            && lu_str_is(&digest, inlet->sha256))
        {
            return NGX_OK;
        }
    }

    path = ngx_lu_path_in(&task->io, release->folder, "files.json");

    rc = ngx_lu_file_read_json(&task->io, path, &table);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_DECLINED : ngx_lu_task_failed(task);
    }

    rc = NGX_DECLINED;

    cJSON_ArrayForEach(item, table) {

        if (lu_json_string(item, "href", &value) == LU_OK
            && lu_json_string(item, "sha256", &digest) == LU_OK
            && lu_str_eq(&value, &name)
            && lu_str_is(&digest, inlet->sha256))
        {
            rc = NGX_OK;
            break;
        }
    }

    cJSON_Delete(table);

    return rc;
}
