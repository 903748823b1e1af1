
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_journal.h"
#include "ngx_lu_progress.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_path.h"

#include "core/lu_name.h"
#include "core/lu_put.h"


#define NGX_LU_PROGRESS_SAVE  5000      /* msec */


static ngx_int_t ngx_lu_progress_recover(ngx_lu_pass_t *pass);
static ngx_int_t ngx_lu_progress_learn(ngx_lu_pass_t *pass,
    const cJSON *event);
static void ngx_lu_progress_put(lu_put_t *put, cJSON *apps,
    ngx_lu_progress_t *progress, ngx_rbtree_node_t *node);
static u_char *ngx_lu_progress_path(ngx_lu_pass_t *pass);


ngx_int_t
ngx_lu_progress_read(ngx_lu_pass_t *pass)
{
    int                     full;
    cJSON                  *json;
    double                  number;
    lu_str_t                text;
    uint64_t                offset;
    ngx_int_t               rc;
    ngx_str_t               app;
    const cJSON            *item;
    ngx_lu_progress_t      *progress;
    ngx_lu_progress_log_t  *log;

    progress = pass->notify->progress;

    rc = ngx_lu_file_read_json(&pass->io, ngx_lu_progress_path(pass), &json);

    if (rc == NGX_ERROR && ngx_lu_io_is_damage(&pass->io)) {
        ngx_lu_io_clear(&pass->io);
        return ngx_lu_progress_recover(pass);
    }

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
    }

    full = 0;
    (void) lu_json_bool(json, "diskLow", &full);
    progress->ends.full = full;

    item = lu_json_get(json, "apps");

    if (!cJSON_IsObject(item)) {
        cJSON_Delete(json);
        return ngx_lu_progress_recover(pass);
    }

    progress->begun = 1;
    progress->known = 1;

    for (item = item ? item->child : NULL; item; item = item->next) {

        app.data = (u_char *) item->string;
        app.len = ngx_strlen(app.data);

        log = ngx_lu_progress_log(pass, &app);
        if (log == NULL) {
            cJSON_Delete(json);
            return ngx_lu_io_nomem(&pass->io);
        }

        if (lu_json_size(item, "offset", &offset) != LU_OK) {
            cJSON_Delete(json);
            return ngx_lu_progress_recover(pass);
        }

        log->offset = (off_t) offset;

        (void) lu_json_number(item, "generation", &log->generation);

        if (lu_json_string(item, "createdAt", &text) == LU_OK) {
            (void) ngx_cpystrn(log->created, text.data,
                               ngx_min(text.len + 1, NGX_LU_PROGRESS_CREATED));
        }

        if (lu_json_number(item, "since", &number) == LU_OK) {
            log->since = (time_t) number;
        }

        /* an older version has told no steps */

        log->told = (lu_json_number(item, "steps", &number) == LU_OK)
                    ? (time_t) number : pass->sec;
    }

    cJSON_Delete(json);

    return NGX_OK;
}


/*
 * The record is damaged, and another one takes its place when all apps were
 * looked at.  What is younger than the last event of its app in the journal is
 * told; of an app without one, what has happened since the claim was made.
 */

static ngx_int_t
ngx_lu_progress_recover(ngx_lu_pass_t *pass)
{
    cJSON                *event;
    ngx_int_t             rc;
    ngx_lu_place_t        place, at;
    ngx_file_info_t       fi;
    ngx_lu_progress_t    *progress;
    ngx_lu_journal_buf_t  buf;

    progress = pass->notify->progress;

    progress->begun = 1;
    progress->known = 0;
    progress->dirty = 1;

    pass->recovers = 1;

    rc = ngx_lu_file_info(&pass->io,
                          ngx_lu_path(&pass->io, "%V/notify/notify",
                                      &pass->notify->store->path),
                          &fi);
    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    progress->since = (rc == NGX_OK) ? ngx_file_mtime(&fi) : pass->sec;
    progress->since = ngx_max(progress->since, pass->sec - NGX_LU_PROGRESS_OLD);

    ngx_memzero(&buf, sizeof(ngx_lu_journal_buf_t));
    ngx_memzero(&place, sizeof(ngx_lu_place_t));

    for ( ;; ) {
        rc = ngx_lu_journal_next(pass, &place, &at, &event, &buf);

        if (rc != NGX_OK) {
            return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
        }

        rc = ngx_lu_progress_learn(pass, event);
        cJSON_Delete(event);

        if (rc != NGX_OK) {
            return NGX_ERROR;
        }
    }
}


/* The clocks of two machines may differ, and the journal knows the ids. */

static ngx_int_t
ngx_lu_progress_learn(ngx_lu_pass_t *pass, const cJSON *event)
{
    time_t                  at;
    lu_str_t                app, text;
    ngx_str_t               name;
    ngx_lu_progress_log_t  *log;

    if (lu_json_string(event, "app", &app) != LU_OK
        || !lu_name_id_valid(&app)
        || lu_json_string(event, "at", &text) != LU_OK
        || lu_time_parse(&text, &at) != LU_OK)
    {
        return NGX_OK;
    }

    name = ngx_lu_from_core(&app);

    log = ngx_lu_progress_log(pass, &name);
    if (log == NULL) {
        return ngx_lu_io_nomem(&pass->io);
    }

    at = ngx_min(at, pass->sec);

    if (lu_json_get(event, "change")) {
        log->since = ngx_max(log->since, at - NGX_LU_PROGRESS_TRUE);

    } else if (lu_json_string(event, "type", &text) == LU_OK
               && (lu_str_is(&text, "release.step")
                   || lu_str_ends(&text, ".expired")))
    {
        log->told = ngx_max(log->told, at);
    }

    return NGX_OK;
}


static u_char *
ngx_lu_progress_path(ngx_lu_pass_t *pass)
{
    return ngx_lu_path(&pass->io, "%V/notify/read.json",
                       &pass->notify->store->path);
}


ngx_int_t
ngx_lu_progress_save(ngx_lu_pass_t *pass)
{
    cJSON              *json, *apps;
    lu_put_t            put;
    ngx_int_t           rc;
    ngx_lu_progress_t  *progress;

    progress = pass->notify->progress;

    lu_put_init(&put);

    json = cJSON_CreateObject();

    lu_put_bool(&put, json, "diskLow", progress->ends.full);

    apps = lu_put_object(&put, json, "apps");

    if (progress->tree.root != progress->tree.sentinel) {
        ngx_lu_progress_put(&put, apps, progress, progress->tree.root);
    }

    json = lu_put_done(&put, json);
    if (json == NULL) {
        return ngx_lu_io_nomem(&pass->io);
    }

    rc = ngx_lu_file_write_json(&pass->io, pass->notify->store,
                                ngx_lu_progress_path(pass), json);
    cJSON_Delete(json);

    if (rc == NGX_OK) {
        progress->begun = 1;
        progress->dirty = 0;
        progress->save = pass->msec + NGX_LU_PROGRESS_SAVE;
    }

    return rc;
}


/*
 * An app that has gone is not written down any more.  A look that is not over
 * has come to some apps, and the last one to the others.
 */

static void
ngx_lu_progress_put(lu_put_t *put, cJSON *apps, ngx_lu_progress_t *progress,
    ngx_rbtree_node_t *node)
{
    cJSON                  *json;
    ngx_lu_progress_log_t  *log;

    log = (ngx_lu_progress_log_t *) node;

    if (node->left != progress->tree.sentinel) {
        ngx_lu_progress_put(put, apps, progress, node->left);
    }

    if (log->seen >= progress->looks) {
        json = cJSON_CreateObject();

        lu_put_number(put, json, "offset", (double) log->offset);
        lu_put_number(put, json, "generation", log->generation);
        lu_put_number(put, json, "steps", (double) log->told);

        if (log->created[0]) {
            lu_put_string(put, json, "createdAt", (char *) log->created);
        }

        if (log->since) {
            lu_put_number(put, json, "since", (double) log->since);
        }

        /* the names are unique, and a look for each would take long */

        if (put->failed
            || apps == NULL
            || !cJSON_AddItemToObject(apps, (char *) log->sn.str.data, json))
        {
            cJSON_Delete(json);
            put->failed = 1;
        }
    }

    if (node->right != progress->tree.sentinel) {
        ngx_lu_progress_put(put, apps, progress, node->right);
    }
}


/* Finds the log of an app, or makes it. */

ngx_lu_progress_log_t *
ngx_lu_progress_log(ngx_lu_pass_t *pass, ngx_str_t *app)
{
    uint32_t                hash;
    ngx_lu_progress_t      *progress;
    ngx_lu_progress_log_t  *log;

    progress = pass->notify->progress;
    hash = ngx_crc32_long(app->data, app->len);

    log = (ngx_lu_progress_log_t *) ngx_str_rbtree_lookup(&progress->tree, app,
                                                        hash);
    if (log) {
        return log;
    }

    log = ngx_pcalloc(pass->notify->pool, sizeof(ngx_lu_progress_log_t));
    if (log == NULL) {
        return NULL;
    }

    log->sn.str.data = ngx_lu_format(pass->notify->pool, "%V", app);
    if (log->sn.str.data == NULL) {
        return NULL;
    }

    log->sn.str.len = app->len;
    log->sn.node.key = hash;
    log->generation = -1;
    log->since = progress->since;
    log->told = progress->since;
    log->ended = pass->sec;

    ngx_rbtree_insert(&progress->tree, &log->sn.node);
    progress->nlogs++;

    return log;
}
