
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_app.h"
#include "ngx_lu_audit.h"
#include "ngx_lu_desktop.h"
#include "ngx_lu_digest.h"
#include "ngx_lu_names.h"
#include "ngx_lu_staging.h"
#include "ngx_lu_usage.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_temp.h"
#include "store/ngx_lu_tree.h"
#include "store/ngx_lu_turn.h"

#include "core/lu_builds.h"
#include "core/lu_effect.h"
#include "core/lu_file.h"
#include "core/lu_growth.h"
#include "core/lu_json.h"
#include "core/lu_offer.h"
#include "core/lu_put.h"
#include "core/lu_time.h"


/* releases of an older version, looked into at a change */

#define NGX_LU_DESKTOP_LEARN  100


/* The files of a release, and its folder in staging/ or live/. */

typedef struct {
    u_char          *folder;
    lu_file_t       *files;
    size_t           n;
    u_char          *known;     /* for each: it was in the feed before */
    time_t           stamp;
} ngx_lu_desktop_table_t;


/* A file of it: its paths in the folder and in the feed. */

typedef struct {
    const lu_file_t  *file;
    u_char           *live;
    u_char           *feed;
    ngx_uint_t        known;
    time_t            stamp;
} ngx_lu_desktop_file_t;


typedef ngx_int_t (*ngx_lu_desktop_file_pt)(ngx_lu_task_t *task,
    const ngx_lu_desktop_file_t *item);


static ngx_int_t ngx_lu_desktop_look(ngx_lu_task_t *task, cJSON *app,
    const ngx_lu_release_t *release, ngx_uint_t is_there,
    ngx_lu_desktop_table_t *table);
static ngx_int_t ngx_lu_desktop_change(ngx_lu_task_t *task, cJSON *app,
    const cJSON *release, const ngx_lu_desktop_table_t *table,
    const ngx_lu_promotion_t *promotion);
static ngx_int_t ngx_lu_desktop_careful(ngx_lu_task_t *task,
    const cJSON *before, const cJSON *app);
static ngx_int_t ngx_lu_desktop_rollout(ngx_lu_task_t *task, cJSON *app,
    const ngx_lu_promotion_t *promotion);
static const char *ngx_lu_desktop_goal(ngx_lu_task_t *task,
    const ngx_lu_promotion_t *promotion);
static ngx_int_t ngx_lu_desktop_release(ngx_lu_task_t *task, cJSON *app,
    const cJSON *release, const ngx_lu_desktop_table_t *table,
    const ngx_lu_promotion_t *promotion);
static time_t ngx_lu_desktop_stamp(ngx_lu_task_t *task, cJSON *app);
static ngx_int_t ngx_lu_desktop_table(ngx_lu_task_t *task, u_char *folder,
    ngx_lu_desktop_table_t *table);
static ngx_int_t ngx_lu_desktop_feed(ngx_lu_task_t *task,
    const ngx_lu_desktop_table_t *table, ngx_lu_desktop_file_pt handler);
static ngx_int_t ngx_lu_desktop_test_file(ngx_lu_task_t *task,
    const ngx_lu_desktop_file_t *item);
static ngx_int_t ngx_lu_desktop_link_file(ngx_lu_task_t *task,
    const ngx_lu_desktop_file_t *item);
static ngx_int_t ngx_lu_desktop_link(ngx_lu_task_t *task,
    const ngx_lu_desktop_file_t *item);
static ngx_int_t ngx_lu_desktop_unlink_file(ngx_lu_task_t *task,
    const ngx_lu_desktop_file_t *item);
static ngx_int_t ngx_lu_desktop_is_shared(ngx_lu_task_t *task,
    const ngx_lu_desktop_file_t *item, ngx_file_uniq_t uniq,
    ngx_uint_t *shared);



ngx_int_t
ngx_lu_desktop_promote(ngx_lu_task_t *task, cJSON *app,
    ngx_lu_release_t *release, const ngx_lu_promotion_t *promotion)
{
    ngx_int_t               status;
    ngx_uint_t              is_listed, is_there;
    ngx_lu_desktop_table_t  table;

    is_listed = lu_json_find(lu_json_get(app, "desktopBuilds"), "id",
                             task->subject)
                != NULL;

    /* the app lists it after its files are in the feed */

    is_there = is_listed && (release->is_live || promotion->has_rollout);

    status = ngx_lu_desktop_look(task, app, release, is_there, &table);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_desktop_change(task, app, release->json, &table,
                                   promotion);
    if (status != NGX_OK) {
        return status;
    }

    if (is_there) {
        return NGX_HTTP_OK;
    }

    /* nothing has happened yet if a name is taken */

    status = ngx_lu_names_check(task, table.files, table.n, table.known);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_desktop_feed(task, &table, ngx_lu_desktop_test_file);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_staging_clean(task, release->folder, "uploads");
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_release_publish(task, task->subject);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_names_add(task, table.files, table.n);
    if (status != NGX_OK) {
        return status;
    }

    table.folder = ngx_lu_release_live(task, task->subject);
    table.stamp = ngx_lu_desktop_stamp(task, app);

    if (table.stamp == 0) {
        return ngx_lu_task_nomem(task);
    }

    status = ngx_lu_desktop_feed(task, &table, ngx_lu_desktop_link_file);

    return status == NGX_OK ? NGX_HTTP_OK : status;
}


/* A release whose files are in the feed needs no table for another rollout. */

static ngx_int_t
ngx_lu_desktop_look(ngx_lu_task_t *task, cJSON *app,
    const ngx_lu_release_t *release, ngx_uint_t is_there,
    ngx_lu_desktop_table_t *table)
{
    ngx_int_t  status;

    ngx_memzero(table, sizeof(ngx_lu_desktop_table_t));

    if (!is_there) {
        status = ngx_lu_desktop_table(task, release->folder, table);
        if (status != NGX_OK) {
            return status;
        }
    }

    return ngx_lu_desktop_learn(task, app);
}


/* Changes the tree of the app, and nothing else. */

static ngx_int_t
ngx_lu_desktop_change(ngx_lu_task_t *task, cJSON *app, const cJSON *release,
    const ngx_lu_desktop_table_t *table, const ngx_lu_promotion_t *promotion)
{
    cJSON      *before;
    ngx_int_t   status;

    before = NULL;

    if (promotion->careful) {
        before = cJSON_Duplicate(app, 1);

        if (before == NULL) {
            return ngx_lu_task_nomem(task);
        }
    }

    status = ngx_lu_desktop_rollout(task, app, promotion);

    if (status == NGX_DECLINED) {
        status = ngx_lu_desktop_release(task, app, release, table, promotion);
    }

    if (status == NGX_OK && before) {
        status = ngx_lu_desktop_careful(task, before, app);
    }

    cJSON_Delete(before);

    return status;
}


static ngx_int_t
ngx_lu_desktop_careful(ngx_lu_task_t *task, const cJSON *before,
    const cJSON *app)
{
    cJSON       *effects;
    lu_rc_e      rc;
    lu_str_t     lost, older;
    lu_arena_t   arena;

    arena = ngx_lu_arena(task->io.pool);

    effects = cJSON_CreateArray();

    rc = lu_effect(&arena, before, app, task->subject, effects, &lost, &older,
                   &task->error);

    cJSON_Delete(effects);

    if (rc != LU_OK) {
        return ngx_lu_task_core(task, rc);
    }

    if (lost.len == 0 && older.len == 0) {
        return NGX_OK;
    }

    if (lost.len) {
        (void) lu_error(&task->error, &lost,
                        "would be gone for some who get an update now: look at "
                        "the answer with \"?dry-run\", and send "
                        "\"confirm\": true if it is meant");

    } else {
        (void) lu_error(&task->error, &older,
                        "would go back to an older version: look at the "
                        "answer with \"?dry-run\", and send "
                        "\"confirm\": true if it is meant");
    }

    return NGX_HTTP_CONFLICT;
}


ngx_int_t
ngx_lu_desktop_effect(ngx_lu_task_t *task, cJSON *app,
    ngx_lu_release_t *release, const ngx_lu_promotion_t *promotion,
    cJSON *effects)
{
    cJSON                   *before;
    lu_rc_e                  rc;
    lu_str_t                 lost, older;
    ngx_int_t                status;
    ngx_uint_t               is_there;
    lu_arena_t               arena;
    ngx_lu_desktop_table_t   table;

    is_there = lu_json_find(lu_json_get(app, "desktopBuilds"), "id",
                            task->subject)
               != NULL;

    status = ngx_lu_desktop_look(task, app, release, is_there, &table);

    if (status == NGX_OK && !is_there) {
        status = ngx_lu_names_check(task, table.files, table.n, table.known);
    }

    if (status != NGX_OK) {
        return status;
    }

    before = cJSON_Duplicate(app, 1);
    if (before == NULL) {
        return ngx_lu_task_nomem(task);
    }

    status = ngx_lu_desktop_change(task, app, release->json, &table,
                                   promotion);

    if (status == NGX_OK) {
        arena = ngx_lu_arena(task->io.pool);

        rc = lu_effect(&arena, before, app, task->subject, effects, &lost,
                       &older, &task->error);

        status = (rc == LU_OK) ? NGX_OK : ngx_lu_task_core(task, rc);
    }

    cJSON_Delete(before);

    return status;
}


/*
 * A release that is live has its files in the feed already.  NGX_DECLINED: it
 * is not, or nobody has asked for another rollout.
 */

static ngx_int_t
ngx_lu_desktop_rollout(ngx_lu_task_t *task, cJSON *app,
    const ngx_lu_promotion_t *promotion)
{
    double        rollout, present;
    lu_rc_e       rc;
    const char   *latest;
    const cJSON  *rule;

    if (!promotion->has_rollout && promotion->wanted == NULL) {
        return NGX_DECLINED;
    }

    rule = lu_builds_share(app, task->subject);
    latest = lu_builds_latest(app);

    present = rule ? lu_growth_share(rule)
                   : (latest && ngx_strcmp(latest, task->subject) == 0);

    rollout = promotion->has_rollout ? promotion->rollout : 1;

    if (promotion->wanted) {
        rc = lu_builds_plan(app, task->subject, rollout, promotion->wanted,
                            task->now, &task->error);

    } else {
        rc = lu_builds_rollout(app, task->subject, rollout, &task->error);
    }

    if (rc == LU_NOT_FOUND) {
        return NGX_DECLINED;
    }

    if (rc != LU_OK) {
        return ngx_lu_task_core(task, rc);
    }

    task->change = "release.rollout";
    task->from = (char *) ngx_lu_format(task->io.pool, "%.4f", present);
    task->to = ngx_lu_desktop_goal(task, promotion);

    ngx_lu_audit_rollout(task, app, NULL,
                         lu_builds_share(app, task->subject));

    return NGX_OK;
}


/* What a promotion changes a rollout to, for the audit log. */

static const char *
ngx_lu_desktop_goal(ngx_lu_task_t *task, const ngx_lu_promotion_t *promotion)
{
    if (lu_json_get(promotion->wanted, "plan")) {
        return "plan";
    }

    return (char *) ngx_lu_format(task->io.pool, "%.4f",
                                  promotion->has_rollout ? promotion->rollout
                                                         : 1);
}


/* With the rules that came with the build, if all installations get it. */

static ngx_int_t
ngx_lu_desktop_release(ngx_lu_task_t *task, cJSON *app, const cJSON *release,
    const ngx_lu_desktop_table_t *table, const ngx_lu_promotion_t *promotion)
{
    cJSON        *manifests;
    double        rollout;
    lu_rc_e       rc;
    lu_str_t      version;
    const char   *latest;
    const cJSON  *info;

    if (lu_json_string(release, "version", &version) != LU_OK) {
        return ngx_lu_task_refuse(task, NGX_HTTP_CONFLICT,
                                  "The release has no version.");
    }

    rollout = promotion->has_rollout ? promotion->rollout : 1;

    info = (promotion->listed || promotion->wanted || rollout < 1)
           ? NULL
           : cJSON_GetObjectItemCaseSensitive(release, "releaseInfo");

    latest = lu_builds_latest(app);

    if (latest && rollout >= 1) {
        task->from = (char *) ngx_lu_format(task->io.pool, "%s", latest);
    }

    manifests = lu_offer_names(table->files, table->n, task->subject);
    if (manifests == NULL) {
        return ngx_lu_task_nomem(task);
    }

    rc = lu_builds_release(app, task->subject, (char *) version.data,
                           manifests, info, task->now, &task->error);

    cJSON_Delete(manifests);

    if (rc == LU_OK && promotion->wanted) {
        rc = lu_builds_plan(app, task->subject, rollout, promotion->wanted,
                            task->now, &task->error);

    } else if (rc == LU_OK && promotion->has_rollout) {
        rc = lu_builds_rollout(app, task->subject, rollout, &task->error);
    }

    if (rc != LU_OK) {
        return ngx_lu_task_core(task, rc);
    }

    ngx_lu_audit_rollout(task, app, NULL,
                         lu_builds_share(app, task->subject));

    latest = lu_builds_latest(app);

    if (rollout < 1 || lu_json_get(promotion->wanted, "plan")) {
        task->to = ngx_lu_desktop_goal(task, promotion);

    } else if (latest) {
        task->to = (char *) ngx_lu_format(task->io.pool, "%s", latest);
    }

    return NGX_OK;
}


/*
 * An app.json of an older version does not say what manifests its releases
 * have.  The newest of these releases are looked into, and the change writes
 * down what they have; the feed finds it out for others.
 */

ngx_int_t
ngx_lu_desktop_learn(ngx_lu_task_t *task, cJSON *app)
{
    cJSON                   *builds, *build, *names;
    u_char                  *folder;
    lu_rc_e                  rc;
    lu_str_t                 id;
    ngx_int_t                status;
    ngx_uint_t               n;
    ngx_lu_desktop_table_t   table;

    rc = lu_builds_settle(app, task->now, &task->error);
    if (rc != LU_OK) {
        return ngx_lu_task_core(task, rc);
    }

    builds = lu_json_get(app, "desktopBuilds");

    build = (builds && builds->child) ? builds->child->prev : NULL;

    for (n = 0; build && n < NGX_LU_DESKTOP_LEARN; /* void */ ) {

        if (lu_json_get(build, "manifests") == NULL
            && lu_json_string(build, "id", &id) == LU_OK)
        {
            n++;

            folder = ngx_lu_release_live(task, (char *) id.data);

            status = ngx_lu_desktop_table(task, folder, &table);

            if (status == NGX_OK) {
                names = lu_offer_names(table.files, table.n,
                                       (char *) id.data);

                rc = lu_json_set(build, "manifests", names);
                if (rc != LU_OK) {
                    return ngx_lu_task_core(task, rc);
                }

            } else if (status == NGX_HTTP_SERVICE_UNAVAILABLE) {
                return status;

            } else {

                /* it is done without, and nobody is told of it */

                ngx_lu_io_clear(&task->io);
                ngx_memzero(&task->error, sizeof(lu_error_t));
            }
        }

        build = (build == builds->child) ? NULL : build->prev;
    }

    return NGX_OK;
}


/*
 * nginx derives entity tags from the time and the size of a file.  No two
 * releases have the same time, so that a client never takes the new file
 * behind "latest.yml" or a download route for the one before.
 */

static time_t
ngx_lu_desktop_stamp(ngx_lu_task_t *task, cJSON *app)
{
    time_t    stamp;
    lu_put_t  put;
    uint64_t  last;

    last = 0;
    stamp = lu_time_of(task->now);

    (void) lu_json_size(app, "desktopTime", &last);

    if (stamp <= (time_t) last) {
        stamp = (time_t) last + 1;
    }

    lu_put_init(&put);
    lu_put_number(&put, app, "desktopTime", (double) stamp);

    return put.failed ? 0 : stamp;
}


static ngx_int_t
ngx_lu_desktop_table(ngx_lu_task_t *task, u_char *folder,
    ngx_lu_desktop_table_t *table)
{
    u_char           *path;
    lu_rc_e           rc;
    lu_str_t          text;
    ngx_int_t         status;
    lu_arena_t        arena;
    ngx_file_info_t   fi;

    ngx_memzero(table, sizeof(ngx_lu_desktop_table_t));

    table->folder = folder;

    path = ngx_lu_path_in(&task->io, folder, "files.json");

    status = ngx_lu_file_read(&task->io, path, &text, &fi);
    if (status != NGX_OK) {
        return ngx_lu_task_unread(task, status);
    }

    arena = ngx_lu_arena(task->io.pool);

    rc = lu_file_table_parse(&arena, &text, &table->files, &table->n,
                             &task->error);
    if (rc != LU_OK) {
        return ngx_lu_task_core(task, rc);
    }

    table->known = ngx_pcalloc(task->io.pool, table->n + 1);

    return table->known ? NGX_OK : ngx_lu_task_nomem(task);
}


/* For each file of a release, and for its name in the feed. */

static ngx_int_t
ngx_lu_desktop_feed(ngx_lu_task_t *task, const ngx_lu_desktop_table_t *table,
    ngx_lu_desktop_file_pt handler)
{
    size_t                  i;
    u_char                 *feed;
    ngx_int_t               status;
    const lu_str_t         *name;
    ngx_lu_desktop_file_t   item;

    feed = ngx_lu_path(&task->io, "%V/feed/%s", &task->store->path,
                       task->app.data);

    if (ngx_lu_file_mkdir(&task->io, feed) == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    item.stamp = table->stamp;

    for (i = 0; i < table->n; i++) {

        item.file = &table->files[i];
        item.known = table->known[i];
        name = &item.file->href;

        item.live = ngx_lu_path_in(&task->io, table->folder, "files/%*s",
                                   name->len, name->data);
        item.feed = ngx_lu_path_in(&task->io, feed, "%*s", name->len,
                                   name->data);

        if (item.live == NULL || item.feed == NULL) {
            return ngx_lu_task_nomem(task);
        }

        status = handler(task, &item);
        if (status != NGX_OK) {
            return status;
        }
    }

    /* files of other releases may have one name more, or fewer */

    ngx_lu_usage_changed(task);

    if (ngx_lu_file_sync(&task->io, feed) != NGX_OK) {
        return ngx_lu_task_failed(task);
    }

    return NGX_OK;
}


/*
 * The bytes behind a name never change.  Another build may have the same file,
 * such as that of a platform which was not built again.
 */

static ngx_int_t
ngx_lu_desktop_test_file(ngx_lu_task_t *task,
    const ngx_lu_desktop_file_t *item)
{
    ngx_int_t        rc;
    ngx_file_info_t  one, two;
    ngx_lu_digest_t  digest;

    rc = ngx_lu_file_info(&task->io, item->feed, &two);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : ngx_lu_task_failed(task);
    }

    rc = ngx_lu_file_info(&task->io, item->live, &one);

    if (rc == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    if (rc == NGX_OK) {

        if (item->known || ngx_file_uniq(&one) == ngx_file_uniq(&two)) {
            return NGX_OK;
        }

        if (ngx_file_size(&one) == ngx_file_size(&two)) {

            rc = ngx_lu_digest(&task->io, item->feed, &digest);
            if (rc != NGX_OK) {
                return ngx_lu_task_unread(task, rc);
            }

            if (lu_str_is(&item->file->sha256, digest.sha256)) {
                return NGX_OK;
            }
        }
    }

    (void) lu_error(&task->error, &item->file->href,
                    "is in the feed already, and is another file there: build "
                    "it with another name, or as another version");

    return NGX_HTTP_CONFLICT;
}


/*
 * A file that two releases have is one file with two names, and keeps its
 * time: the link in the feed stays until the last of them is withdrawn.
 */

static ngx_int_t
ngx_lu_desktop_link_file(ngx_lu_task_t *task,
    const ngx_lu_desktop_file_t *item)
{
    ngx_int_t   rc, status;
    ngx_uint_t  tries;

    status = ngx_lu_task_prove(task);
    if (status != NGX_OK) {
        return status;
    }

    rc = ngx_lu_desktop_link(task, item);

    /* there is one that this machine has not seen */

    for (tries = 0; rc == NGX_DECLINED && tries < 2; tries++) {
        ngx_lu_turn_refresh(&task->io,
                            ngx_lu_path_folder(&task->io, item->feed));

        rc = ngx_lu_desktop_link(task, item);
    }

    if (rc == NGX_DECLINED) {
        (void) ngx_lu_io_error(&task->io, ESTALE, "link()", item->feed);
    }

    return rc == NGX_OK ? NGX_OK : ngx_lu_task_failed(task);
}


/* NGX_DECLINED: the name is taken, although it was free. */

static ngx_int_t
ngx_lu_desktop_link(ngx_lu_task_t *task, const ngx_lu_desktop_file_t *item)
{
    ngx_int_t        feed, live;
    ngx_lu_io_t     *io;
    ngx_file_info_t  one, two;

    io = &task->io;

    feed = ngx_lu_file_info(io, item->feed, &two);
    live = ngx_lu_file_info(io, item->live, &one);

    if (feed == NGX_ERROR || live == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (feed == NGX_OK && live == NGX_OK) {

        if (ngx_file_uniq(&one) != ngx_file_uniq(&two)) {
            return ngx_lu_temp_link(io, task->store, item->feed, item->live);
        }

        if (two.st_nlink > 2) {
            return NGX_OK;
        }

        return ngx_lu_file_stamp(io, item->live, item->stamp);
    }

    if (ngx_lu_file_stamp(io, item->live, item->stamp) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_lu_file_link(io, item->live, item->feed);
}


ngx_int_t
ngx_lu_desktop_unlink(ngx_lu_task_t *task)
{
    ngx_int_t               status;
    ngx_lu_desktop_table_t  table;

    /* a job that was cut short after promoting it does not do so again */

    if (ngx_lu_tree_unlink(&task->io, task->store, ngx_lu_release_job(task))
        == NGX_ERROR)
    {
        return ngx_lu_task_failed(task);
    }

    status = ngx_lu_desktop_table(task,
                                  ngx_lu_release_live(task, task->subject),
                                  &table);
    if (status != NGX_OK) {
        return status;
    }

    return ngx_lu_desktop_feed(task, &table, ngx_lu_desktop_unlink_file);
}


ngx_int_t
ngx_lu_desktop_check(ngx_lu_task_t *task, u_char *folder)
{
    ngx_lu_desktop_table_t  table;

    return ngx_lu_desktop_table(task, folder, &table);
}


static ngx_int_t
ngx_lu_desktop_unlink_file(ngx_lu_task_t *task,
    const ngx_lu_desktop_file_t *item)
{
    ngx_int_t        live, feed, status;
    ngx_uint_t       shared;
    ngx_file_info_t  one, two;

    live = ngx_lu_file_info(&task->io, item->live, &one);
    feed = ngx_lu_file_info(&task->io, item->feed, &two);

    if (live == NGX_ERROR || feed == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    if (live == NGX_DECLINED
        || feed == NGX_DECLINED
        || ngx_file_uniq(&one) != ngx_file_uniq(&two))
    {
        return NGX_OK;
    }

    /* one name in live/, one in the feed, and those in other releases */

    if (two.st_nlink > 2) {
        status = ngx_lu_desktop_is_shared(task, item, ngx_file_uniq(&two),
                                          &shared);

        if (status != NGX_OK || shared) {
            return status;
        }
    }

    if (ngx_lu_tree_unlink(&task->io, task->store, item->feed) == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    return NGX_OK;
}


/* Whether another build that is released has the file, too. */

static ngx_int_t
ngx_lu_desktop_is_shared(ngx_lu_task_t *task,
    const ngx_lu_desktop_file_t *item, ngx_file_uniq_t uniq,
    ngx_uint_t *shared)
{
    cJSON            *app;
    u_char           *path;
    lu_str_t          id;
    ngx_int_t         rc, status;
    const cJSON      *builds, *build;
    const lu_str_t   *name;
    ngx_file_info_t   fi;

    *shared = 0;

    status = ngx_lu_app_read(task, &app);
    if (status != NGX_OK) {
        return status;
    }

    name = &item->file->href;
    builds = cJSON_GetObjectItemCaseSensitive(app, "desktopBuilds");

    cJSON_ArrayForEach(build, builds) {

        if (lu_json_string(build, "id", &id) != LU_OK
            || lu_str_is(&id, task->subject))
        {
            continue;
        }

        path = ngx_lu_path(&task->io, "%V/live/%s/%s/files/%*s",
                           &task->store->path, task->app.data, id.data,
                           name->len, name->data);

        if (path == NULL) {
            status = ngx_lu_task_nomem(task);
            break;
        }

        rc = ngx_lu_file_info(&task->io, path, &fi);

        if (rc == NGX_ERROR) {
            status = ngx_lu_task_failed(task);
            break;
        }

        if (rc == NGX_OK && ngx_file_uniq(&fi) == uniq) {
            *shared = 1;
            break;
        }
    }

    cJSON_Delete(app);

    return status;
}
