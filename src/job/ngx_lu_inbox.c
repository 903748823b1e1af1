
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_herald.h"
#include "ngx_lu_inbox.h"
#include "ngx_lu_journal.h"
#include "ngx_lu_progress.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_tree.h"
#include "write/ngx_lu_release.h"

#include "core/lu_name.h"
#include "core/lu_put.h"
#include "core/lu_release.h"


#define NGX_LU_INBOX_FILES  256         /* of a pass */


static u_char *ngx_lu_inbox_folder(ngx_lu_pass_t *pass);
static ngx_int_t ngx_lu_inbox_file(ngx_lu_pass_t *pass, u_char *path,
    ngx_uint_t *taken);
static ngx_int_t ngx_lu_inbox_is_true(ngx_lu_pass_t *pass,
    const cJSON *json, const cJSON *event, const lu_str_t *expect);
static ngx_int_t ngx_lu_inbox_has_gone(ngx_lu_pass_t *pass,
    const cJSON *json, const lu_str_t *id);
static ngx_int_t ngx_lu_inbox_has_come(ngx_lu_pass_t *pass,
    const cJSON *event, const lu_str_t *app, const lu_str_t *expect);
static ngx_int_t ngx_lu_inbox_asked(ngx_lu_pass_t *pass, const cJSON *json);


ngx_int_t
ngx_lu_inbox_list(ngx_lu_pass_t *pass, ngx_array_t *names)
{
    return ngx_lu_tree_list(&pass->io, ngx_lu_inbox_folder(pass), names)
           == NGX_ERROR ? NGX_ERROR : NGX_OK;
}


ngx_int_t
ngx_lu_inbox(ngx_lu_pass_t *pass, ngx_array_t *names)
{
    u_char       *folder, *path, **done;
    ngx_str_t    *name;
    ngx_uint_t    i, taken;
    ngx_array_t   files;

    if (names->nelts == 0) {
        return ngx_lu_journal_write(pass);
    }

    folder = ngx_lu_inbox_folder(pass);

    if (ngx_array_init(&files, pass->io.pool, 16, sizeof(u_char *)) != NGX_OK)
    {
        return ngx_lu_io_nomem(&pass->io);
    }

    name = names->elts;

    for (i = 0; i < names->nelts && files.nelts < NGX_LU_INBOX_FILES; i++) {

        path = ngx_lu_path_in(&pass->io, folder, "%V", &name[i]);

        if (ngx_lu_inbox_file(pass, path, &taken) != NGX_OK) {
            return NGX_ERROR;
        }

        if (!taken) {
            continue;
        }

        done = ngx_array_push(&files);
        if (done == NULL) {
            return ngx_lu_io_nomem(&pass->io);
        }

        *done = path;
    }

    if (ngx_lu_journal_write(pass) != NGX_OK) {
        return NGX_ERROR;
    }

    done = files.elts;

    for (i = 0; i < files.nelts; i++) {
        if (ngx_lu_file_unlink(&pass->io, done[i]) == NGX_ERROR) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static u_char *
ngx_lu_inbox_folder(ngx_lu_pass_t *pass)
{
    return ngx_lu_path(&pass->io, "%V/notify/in",
                       &pass->notify->store->path);
}


/* What cannot be read is of no use to anybody. */

static ngx_int_t
ngx_lu_inbox_file(ngx_lu_pass_t *pass, u_char *path, ngx_uint_t *taken)
{
    cJSON     *json, *event;
    lu_str_t   expect;
    ngx_int_t  rc;

    *taken = 1;

    rc = ngx_lu_file_read_json(&pass->io, path, &json);

    if (rc == NGX_ERROR && ngx_lu_io_is_damage(&pass->io)) {
        ngx_lu_io_clear(&pass->io);
        return NGX_OK;
    }

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
    }

    event = lu_json_get(json, "event");

    if (event == NULL) {
        rc = ngx_lu_inbox_asked(pass, json);

    } else if (lu_json_string(json, "expect", &expect) == LU_OK) {

        rc = ngx_lu_inbox_is_true(pass, json, event, &expect);

        if (rc == NGX_OK) {
            rc = ngx_lu_journal_insert(pass, cJSON_Duplicate(event, 1));

        } else if (rc == NGX_BUSY) {
            *taken = 0;
            rc = NGX_OK;

        } else if (rc == NGX_DECLINED) {
            rc = NGX_OK;
        }
    }

    cJSON_Delete(json);

    return rc;
}


/*
 * The event was written before its change: a crash in between may have
 * prevented it.  NGX_OK; NGX_BUSY: not yet; NGX_DECLINED: it has not happened;
 * NGX_ERROR with io.
 */

static ngx_int_t
ngx_lu_inbox_is_true(ngx_lu_pass_t *pass, const cJSON *json,
    const cJSON *event, const lu_str_t *expect)
{
    time_t     at;
    lu_str_t   app, text;
    ngx_int_t  rc;

    if (lu_json_string(event, "app", &app) != LU_OK
        || !lu_name_id_valid(&app))
    {
        return NGX_DECLINED;
    }

    rc = lu_str_is(expect, "gone")
         ? ngx_lu_inbox_has_gone(pass, json, &app)
         : ngx_lu_inbox_has_come(pass, event, &app, expect);

    if (rc != NGX_BUSY) {
        return rc;
    }

    if (lu_json_string(event, "at", &text) != LU_OK
        || lu_time_parse(&text, &at) != LU_OK
        || at > pass->sec + NGX_LU_PROGRESS_TRUE
        || at < pass->sec - NGX_LU_PROGRESS_TRUE)
    {
        return NGX_DECLINED;
    }

    return NGX_BUSY;
}


/* Another app may have the id by now. */

static ngx_int_t
ngx_lu_inbox_has_gone(ngx_lu_pass_t *pass, const cJSON *json,
    const lu_str_t *id)
{
    cJSON      *app;
    lu_str_t    created, other;
    ngx_int_t   rc;

    rc = ngx_lu_file_read_json(&pass->io,
                               ngx_lu_path(&pass->io, "%V/apps/%s/app.json",
                                           &pass->notify->store->path,
                                           id->data),
                               &app);

    if (rc == NGX_ERROR && ngx_lu_io_is_damage(&pass->io)) {
        ngx_lu_io_clear(&pass->io);
        return NGX_BUSY;
    }

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
    }

    rc = NGX_BUSY;

    if (lu_json_string(json, "createdAt", &created) == LU_OK
        && lu_json_string(app, "createdAt", &other) == LU_OK
        && !lu_str_eq(&created, &other))
    {
        rc = NGX_OK;
    }

    cJSON_Delete(app);

    return rc;
}


static ngx_int_t
ngx_lu_inbox_has_come(ngx_lu_pass_t *pass, const cJSON *event,
    const lu_str_t *app, const lu_str_t *expect)
{
    cJSON       *release;
    lu_str_t     id, state;
    uint64_t     number;
    ngx_int_t    rc;
    ngx_uint_t   right;
    const char  *root;

    if (lu_json_string(event, "release", &id) != LU_OK
        || !lu_name_release_valid(&id))
    {
        return NGX_DECLINED;
    }

    right = 0;

    for (root = "staging"; root; root = (*root == 's') ? "live" : NULL) {

        rc = ngx_lu_release_load(&pass->io,
                                 ngx_lu_path(&pass->io, "%V/%s/%s/%s",
                                             &pass->notify->store->path, root,
                                             app->data, id.data),
                                 &release);

        if (rc == NGX_ERROR && ngx_lu_io_is_damage(&pass->io)) {
            ngx_lu_io_clear(&pass->io);
            continue;
        }

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc != NGX_OK) {
            continue;
        }

        if (lu_str_is(expect, "pullRequest")) {
            right = (lu_json_size(lu_json_get(release, "pullRequest"),
                                  "number", &number)
                     == LU_OK);

        } else if (lu_json_string(release, "state", &state) == LU_OK) {

            /* somebody may have decided already */

            right = (lu_str_eq(&state, expect)
                     || *root == 'l'
                     || lu_str_is(&state, "rejected"));
        }

        cJSON_Delete(release);
        break;
    }

    return right ? NGX_OK : NGX_BUSY;
}


static ngx_int_t
ngx_lu_inbox_asked(ngx_lu_pass_t *pass, const cJSON *json)
{
    cJSON               *event;
    char                 id[LU_EVENT_ID + 1];
    lu_put_t             put;
    lu_str_t             what, name, texts[3];
    ngx_lu_addressee_t  *addressee;

    if (lu_json_string(json, "do", &what) != LU_OK
        || lu_json_string(json, "target", &name) != LU_OK)
    {
        return NGX_OK;
    }

    addressee = ngx_lu_herald_find(pass->notify, &name);
    if (addressee == NULL) {
        return NGX_OK;
    }

    if (!lu_str_is(&what, "test")) {
        return ngx_lu_herald_asked(pass, addressee, json);
    }

    if (lu_json_string(json, "by", &texts[1]) != LU_OK
        || lu_json_string(json, "at", &texts[2]) != LU_OK)
    {
        return NGX_OK;
    }

    texts[0] = name;
    lu_event_id(id, texts, 3);

    event = lu_event_make(id, "test", (char *) texts[2].data, NULL,
                          (char *) texts[1].data, NULL, NULL);
    if (event == NULL) {
        return ngx_lu_io_nomem(&pass->io);
    }

    lu_put_init(&put);
    lu_put_str(&put, event, "target", &name);

    return ngx_lu_journal_add(pass, lu_put_done(&put, event));
}
