
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_stage_names.h"
#include "ngx_lu_task.h"

#include "store/ngx_lu_file.h"

#include "core/lu_name.h"


#define NGX_LU_STAGE_NAME_LEN  255
#define NGX_LU_STAGE_ID_LEN    64


static ngx_int_t ngx_lu_stage_names_file(ngx_lu_stage_t *stage,
    const ngx_lu_stage_file_t *file);
static ngx_int_t ngx_lu_stage_names_blockmap(ngx_lu_stage_t *stage,
    const lu_str_t *name);
static ngx_int_t ngx_lu_stage_names_ids(ngx_lu_stage_t *stage,
    const lu_str_t *name, const char *marker);
static ngx_int_t ngx_lu_stage_names_id(ngx_lu_stage_t *stage,
    const lu_str_t *name, const lu_str_t *rest);
static ngx_int_t ngx_lu_stage_names_exists(ngx_lu_stage_t *stage,
    const lu_str_t *id);


ngx_int_t
ngx_lu_stage_names_rename(ngx_lu_stage_t *stage, ngx_lu_stage_file_t *file)
{
    u_char       *p;
    lu_str_t      name;
    lu_error_t   *error;
    lu_update_t   update;

    error = &stage->task->error;

    (void) lu_update_parse(&file->name, &update);

    if (update.has_build) {

        if (lu_str_is(&update.build_id, stage->id)) {
            return NGX_OK;
        }

        (void) lu_error(error, &file->name,
                        "is named after another release; \"-build-\" must be "
                        "followed by the id of this one, or not be there");
        return 422;
    }

    if (update.version.len) {
        (void) lu_error(error, &file->name,
                        "has a version in its name, by which the feed looks "
                        "for the release of that version");
        return 422;
    }

    p = ngx_lu_format(stage->task->io.pool, "%*s-build-%s%*s",
                      update.stem.len, update.stem.data, stage->id,
                      update.ext.len, update.ext.data);
    if (p == NULL) {
        return ngx_lu_task_nomem(stage->task);
    }

    name = lu_str((char *) p);

    if (name.len > NGX_LU_STAGE_NAME_LEN) {
        (void) lu_error(error, &file->name,
                        "is too long a name with the release's id in it");
        return 422;
    }

    if (ngx_lu_stage_files_find(stage, &name)) {
        (void) lu_error(error, &file->name,
                        "is there twice, also with the release's id in its "
                        "name");
        return 422;
    }

    file->name = name;

    return NGX_OK;
}


ngx_int_t
ngx_lu_stage_names(ngx_lu_stage_t *stage)
{
    ngx_int_t             status;
    ngx_uint_t            i;
    ngx_lu_stage_file_t  *file;

    file = stage->files.elts;

    for (i = 0; i < stage->nfiles; i++) {

        if (!file[i].is_listed || file[i].is_manifest) {
            continue;
        }

        status = ngx_lu_stage_names_file(stage, &file[i]);
        if (status != NGX_OK) {
            return status;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_stage_names_file(ngx_lu_stage_t *stage,
    const ngx_lu_stage_file_t *file)
{
    ngx_int_t    status;
    lu_error_t  *error;

    error = &stage->task->error;

    if (lu_str_is(&file->name, "my-ip")) {
        (void) lu_error(error, &file->name,
                        "is listed, but the feed answers this name with the "
                        "client's address");
        return 422;
    }

    status = ngx_lu_stage_names_blockmap(stage, &file->name);

    if (status == NGX_OK) {
        status = ngx_lu_stage_names_ids(stage, &file->name, "-build-");
    }

    if (status == NGX_OK) {
        status = ngx_lu_stage_names_ids(stage, &file->name, "Build ");
    }

    return status;
}


/* Clients ask for a blockmap without having found it in a manifest. */

static ngx_int_t
ngx_lu_stage_names_blockmap(ngx_lu_stage_t *stage, const lu_str_t *name)
{
    lu_str_t              whole;
    ngx_lu_stage_file_t  *file;

    if (!lu_str_ends(name, ".blockmap")) {
        return NGX_OK;
    }

    whole.data = name->data;
    whole.len = name->len - (sizeof(".blockmap") - 1);

    file = ngx_lu_stage_files_find(stage, &whole);

    if (file == NULL || !file->is_listed) {
        (void) lu_error(&stage->task->error, name,
                        "is the blockmap of a file that the release does not "
                        "have");
        return 422;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_stage_names_ids(ngx_lu_stage_t *stage, const lu_str_t *name,
    const char *marker)
{
    size_t     i;
    lu_str_t   rest;
    ngx_int_t  status;

    for (i = lu_str_find(name, 0, marker);
         i < name->len;
         i = lu_str_find(name, i + 1, marker))
    {
        rest.data = name->data + i + ngx_strlen(marker);
        rest.len = name->data + name->len - rest.data;

        status = ngx_lu_stage_names_id(stage, name, &rest);
        if (status != NGX_OK) {
            return status;
        }
    }

    return NGX_OK;
}


/* The longest id of a release counts that the rest begins with. */

static ngx_int_t
ngx_lu_stage_names_id(ngx_lu_stage_t *stage, const lu_str_t *name,
    const lu_str_t *rest)
{
    lu_str_t   id;
    ngx_int_t  rc;

    id.data = rest->data;

    for (id.len = ngx_min(rest->len, NGX_LU_STAGE_ID_LEN); id.len; id.len--) {

        if (id.len < rest->len
            && (lu_str_is_alnum(rest->data[id.len])
                || rest->data[id.len] == '_'))
        {
            continue;
        }

        if (lu_str_is(&id, stage->id)) {
            return NGX_OK;
        }

        if (!lu_name_release_valid(&id)) {
            continue;
        }

        rc = ngx_lu_stage_names_exists(stage, &id);

        if (rc == NGX_OK) {
            (void) lu_error(&stage->task->error, name,
                            "has the id of another release in its name");
            return 422;
        }

        if (rc == NGX_ERROR) {
            return ngx_lu_task_failed(stage->task);
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_stage_names_exists(ngx_lu_stage_t *stage, const lu_str_t *id)
{
    u_char         *live, *staging, *text;
    ngx_int_t       rc;
    ngx_lu_task_t  *task;

    task = stage->task;

    text = ngx_lu_format(task->io.pool, "%*s", id->len, id->data);
    if (text == NULL) {
        return ngx_lu_io_nomem(&task->io);
    }

    live = ngx_lu_release_live(task, (char *) text);
    staging = ngx_lu_release_staging(task, (char *) text);

    rc = ngx_lu_file_exists(&task->io, live);

    return rc == NGX_DECLINED ? ngx_lu_file_exists(&task->io, staging) : rc;
}
