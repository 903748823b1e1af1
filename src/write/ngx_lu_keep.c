
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_app.h"
#include "ngx_lu_change.h"
#include "ngx_lu_keep.h"
#include "ngx_lu_release.h"
#include "ngx_lu_remove.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_tree.h"

#include "core/lu_builds.h"
#include "core/lu_change_channel.h"
#include "core/lu_json.h"
#include "core/lu_live.h"
#include "core/lu_release.h"
#include "core/lu_time.h"


static ngx_int_t ngx_lu_keep_begin(ngx_lu_task_t *task, const char *text,
    ngx_lu_keep_t *keep);
static ngx_int_t ngx_lu_keep_look(ngx_lu_task_t *task, ngx_lu_keep_t *keep);
static ngx_int_t ngx_lu_keep_follow(ngx_lu_task_t *task,
    ngx_lu_keep_t *keep);
static ngx_int_t ngx_lu_keep_policy(ngx_lu_task_t *task, const char *policy,
    ngx_lu_keep_t *keep);
static ngx_int_t ngx_lu_keep_facts(ngx_lu_task_t *task, ngx_lu_keep_t *keep);
static ngx_int_t ngx_lu_keep_live(ngx_lu_task_t *task, ngx_lu_keep_t *keep,
    ngx_array_t *facts);
static ngx_int_t ngx_lu_keep_staging(ngx_lu_task_t *task,
    ngx_array_t *facts);
static lu_keep_fact_t *ngx_lu_keep_add(ngx_array_t *facts,
    const ngx_str_t *name);
static ngx_int_t ngx_lu_keep_read(ngx_lu_task_t *task, const cJSON *app,
    u_char *folder, lu_keep_fact_t *fact);
static ngx_int_t ngx_lu_keep_since(ngx_lu_task_t *task, u_char *folder,
    const cJSON *release, time_t *since);
static ngx_int_t ngx_lu_keep_jobs(ngx_lu_task_t *task, ngx_array_t *facts);
static int ngx_libc_cdecl ngx_lu_keep_cmp(const void *one, const void *two);
static ngx_int_t ngx_lu_keep_decide(ngx_lu_task_t *task,
    ngx_lu_keep_t *keep, cJSON *app);
static int ngx_lu_keep_limited(void *data, const lu_str_t *id);
static ngx_int_t ngx_lu_keep_measure_feed(ngx_lu_task_t *task,
    u_char *folder, ngx_lu_measure_t *measure);
static ngx_int_t ngx_lu_keep_clean_releases(ngx_lu_task_t *task,
    ngx_lu_keep_t *keep, ngx_uint_t max, ngx_uint_t *removed,
    ngx_uint_t *left, ngx_array_t *damaged);
static ngx_int_t ngx_lu_keep_remove(ngx_lu_task_t *task,
    ngx_lu_keep_t *keep, size_t i, ngx_uint_t *removed,
    ngx_array_t *damaged);
static ngx_int_t ngx_lu_keep_damaged(ngx_lu_task_t *task,
    ngx_array_t *damaged);
static ngx_int_t ngx_lu_keep_channels(ngx_lu_task_t *task,
    ngx_lu_keep_t *keep);
static ngx_int_t ngx_lu_keep_channel(ngx_lu_task_t *task, cJSON *app,
    void *data);


ngx_int_t
ngx_lu_keep_open(ngx_lu_task_t *task, const char *text, ngx_lu_keep_t *keep)
{
    ngx_int_t  status;

    status = ngx_lu_keep_begin(task, text, keep);

    return status == NGX_OK ? ngx_lu_keep_look(task, keep) : status;
}


static ngx_int_t
ngx_lu_keep_begin(ngx_lu_task_t *task, const char *text, ngx_lu_keep_t *keep)
{
    ngx_int_t  status;

    ngx_memzero(keep, sizeof(ngx_lu_keep_t));

    keep->now = lu_time_of(task->now);

    status = ngx_lu_app_read(task, &keep->app);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_keep_policy(task, text, keep);

    if (status != NGX_OK) {
        ngx_lu_keep_close(keep);
    }

    return status;
}


static ngx_int_t
ngx_lu_keep_look(ngx_lu_task_t *task, ngx_lu_keep_t *keep)
{
    ngx_int_t  status;

    status = ngx_lu_keep_follow(task, keep);

    if (status == NGX_OK) {
        status = ngx_lu_keep_facts(task, keep);
    }

    if (status == NGX_OK) {
        status = ngx_lu_keep_decide(task, keep, keep->app);
    }

    if (status != NGX_OK) {
        ngx_lu_keep_close(keep);
    }

    return status;
}


/* The lists that are followed say what has to stay; they change at any time. */

static ngx_int_t
ngx_lu_keep_follow(ngx_lu_task_t *task, ngx_lu_keep_t *keep)
{
    u_char  *path;

    cJSON_Delete(keep->followed);
    keep->followed = NULL;

    path = ngx_lu_path(&task->io, "%V/github.json", &task->store->path);

    return ngx_lu_file_read_json(&task->io, path, &keep->followed)
           == NGX_ERROR ? ngx_lu_task_failed(task) : NGX_OK;
}


void
ngx_lu_keep_close(ngx_lu_keep_t *keep)
{
    cJSON_Delete(keep->app);
    cJSON_Delete(keep->followed);

    keep->app = NULL;
    keep->followed = NULL;
}


/* Of a policy that cannot be read nobody knows what may go. */

static ngx_int_t
ngx_lu_keep_policy(ngx_lu_task_t *task, const char *policy,
    ngx_lu_keep_t *keep)
{
    lu_rc_e     rc;
    lu_str_t    text;
    lu_arena_t  arena;

    text = task->store->keep.len ? ngx_lu_to_core(&task->store->keep)
                                 : lu_str("off");

    rc = lu_json_string(keep->app, "keep", &text);

    if (rc == LU_INVALID) {
        return ngx_lu_task_core(task, lu_error(&task->error, NULL,
                                               "\"keep\" of the app must be a "
                                               "string"));
    }

    keep->own = (rc == LU_OK);

    if (policy) {
        text = lu_str(policy);
    }

    arena = ngx_lu_arena(task->io.pool);

    keep->text = lu_str_dup(&arena, text.data, text.len);

    if (keep->text.data == NULL) {
        return ngx_lu_task_nomem(task);
    }

    return ngx_lu_task_core(task, lu_keep_parse(&keep->text, &keep->policy,
                                                &task->error));
}


static ngx_int_t
ngx_lu_keep_facts(ngx_lu_task_t *task, ngx_lu_keep_t *keep)
{
    ngx_int_t    status;
    ngx_array_t  facts;

    if (ngx_array_init(&facts, task->io.pool, 64, sizeof(lu_keep_fact_t))
        != NGX_OK)
    {
        return ngx_lu_task_nomem(task);
    }

    /* what goes live meanwhile is seen in both, or in live/ */

    status = ngx_lu_keep_staging(task, &facts);

    if (status == NGX_OK) {
        status = ngx_lu_keep_live(task, keep, &facts);
    }

    if (status == NGX_OK) {
        status = ngx_lu_keep_jobs(task, &facts);
    }

    keep->facts = facts.elts;
    keep->n = facts.nelts;

    return status;
}


/* Those that the app refers to need not be read: it tells since when. */

static ngx_int_t
ngx_lu_keep_live(ngx_lu_task_t *task, ngx_lu_keep_t *keep,
    ngx_array_t *facts)
{
    u_char          *path;
    ngx_str_t       *name;
    ngx_uint_t       i;
    lu_live_t        live;
    lu_arena_t       arena;
    ngx_array_t      names;
    lu_keep_fact_t  *fact;

    arena = ngx_lu_arena(task->io.pool);

    if (lu_live(&arena, keep->app, &live) != LU_OK) {
        return ngx_lu_task_nomem(task);
    }

    path = ngx_lu_path(&task->io, "%V/live/%s", &task->store->path,
                       task->app.data);

    if (ngx_lu_tree_list(&task->io, path, &names) == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    name = names.elts;

    for (i = 0; i < names.nelts; i++) {

        fact = ngx_lu_keep_add(facts, &name[i]);
        if (fact == NULL) {
            return ngx_lu_task_nomem(task);
        }

        fact->is_live = 1;
        fact->state = LU_STATE_STAGED;

        if (!lu_live_has(&live, &fact->id)
            && ngx_lu_keep_read(task, keep->app,
                                ngx_lu_path_in(&task->io, path, "%V",
                                               &name[i]),
                                fact)
               != NGX_OK)
        {
            return ngx_lu_task_failed(task);
        }
    }

    ngx_qsort(facts->elts, facts->nelts, sizeof(lu_keep_fact_t),
              ngx_lu_keep_cmp);

    return NGX_OK;
}


static ngx_int_t
ngx_lu_keep_staging(ngx_lu_task_t *task, ngx_array_t *facts)
{
    u_char          *path;
    ngx_str_t       *name;
    ngx_uint_t       i;
    ngx_array_t      names;
    lu_keep_fact_t  *fact;

    path = ngx_lu_path(&task->io, "%V/staging/%s", &task->store->path,
                       task->app.data);

    if (ngx_lu_tree_list(&task->io, path, &names) == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    name = names.elts;

    for (i = 0; i < names.nelts; i++) {

        fact = ngx_lu_keep_add(facts, &name[i]);
        if (fact == NULL) {
            return ngx_lu_task_nomem(task);
        }

        if (ngx_lu_keep_read(task, NULL,
                             ngx_lu_path_in(&task->io, path, "%V", &name[i]),
                             fact)
            != NGX_OK)
        {
            return ngx_lu_task_failed(task);
        }
    }

    return NGX_OK;
}


static lu_keep_fact_t *
ngx_lu_keep_add(ngx_array_t *facts, const ngx_str_t *name)
{
    lu_keep_fact_t  *fact;

    fact = ngx_array_push(facts);

    if (fact) {
        ngx_memzero(fact, sizeof(lu_keep_fact_t));
        fact->id = ngx_lu_to_core(name);
    }

    return fact;
}


/* A release that is not there, or is damaged, is of an unknown state. */

static ngx_int_t
ngx_lu_keep_read(ngx_lu_task_t *task, const cJSON *app, u_char *folder,
    lu_keep_fact_t *fact)
{
    cJSON      *json;
    ngx_int_t   rc;

    fact->state = LU_STATE_UNKNOWN;

    rc = ngx_lu_release_load(&task->io, folder, &json);

    if (rc == NGX_ERROR && ngx_lu_io_is_damage(&task->io)) {
        ngx_lu_io_clear(&task->io);
        rc = NGX_DECLINED;
    }

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
    }

    fact->state = lu_release_state(json);
    fact->leaving = !!lu_keep_is_leaving(app, json);

    rc = ngx_lu_keep_since(task, folder, json, &fact->since);

    cJSON_Delete(json);

    return rc;
}


/*
 * Withdrawing a release sets the time of its file, and each file that is
 * uploaded that of "uploads".
 */

static ngx_int_t
ngx_lu_keep_since(ngx_lu_task_t *task, u_char *folder, const cJSON *release,
    time_t *since)
{
    u_char           *path;
    time_t            at;
    lu_str_t          text;
    ngx_int_t         rc;
    ngx_uint_t        i;
    ngx_file_info_t   fi;

    static const char  *members[] = { "createdAt", "updatedAt", NULL };
    static const char  *files[] = { "release.json", "uploads", NULL };

    *since = 0;

    for (i = 0; members[i]; i++) {
        if (lu_json_string(release, members[i], &text) == LU_OK
            && lu_time_parse(&text, &at) == LU_OK)
        {
            *since = ngx_max(*since, at);
        }
    }

    for (i = 0; files[i]; i++) {
        path = ngx_lu_path_in(&task->io, folder, "%s", files[i]);

        rc = ngx_lu_file_info(&task->io, path, &fi);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_OK) {
            at = ngx_file_mtime(&fi);
            *since = ngx_max(*since, at);
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_keep_jobs(ngx_lu_task_t *task, ngx_array_t *facts)
{
    u_char          *path;
    ngx_str_t       *name;
    ngx_uint_t       i;
    ngx_array_t      names;
    lu_keep_fact_t   key, *fact;

    path = ngx_lu_path(&task->io, "%V/jobs", &task->store->path);

    if (ngx_lu_tree_list(&task->io, path, &names) == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    name = names.elts;

    for (i = 0; i < names.nelts; i++) {

        if (name[i].len <= task->app.len
            || name[i].data[task->app.len] != '.'
            || ngx_memcmp(name[i].data, task->app.data, task->app.len) != 0)
        {
            continue;
        }

        key.id.data = name[i].data + task->app.len + 1;
        key.id.len = name[i].len - task->app.len - 1;

        fact = facts->nelts ? bsearch(&key, facts->elts, facts->nelts,
                                      sizeof(lu_keep_fact_t),
                                      ngx_lu_keep_cmp)
                            : NULL;
        if (fact) {
            fact->has_job = 1;
        }
    }

    return NGX_OK;
}


static int ngx_libc_cdecl
ngx_lu_keep_cmp(const void *one, const void *two)
{
    const lu_keep_fact_t  *a = one, *b = two;

    return lu_str_cmp(&a->id, &b->id);
}


/* The first removal settles plans, and the last one has to see the same. */

static ngx_int_t
ngx_lu_keep_decide(ngx_lu_task_t *task, ngx_lu_keep_t *keep, cJSON *app)
{
    lu_rc_e        rc;
    lu_arena_t     arena;
    lu_keep_ask_t  ask;

    arena = ngx_lu_arena(task->io.pool);

    ask.limited = ngx_lu_keep_limited;
    ask.data = task;

    rc = lu_builds_settle(app, task->now, &task->error);

    if (rc == LU_OK) {
        rc = lu_keep_decide(&arena, &keep->policy, app, keep->followed,
                            keep->now, &ask, keep->facts, keep->n);
    }

    return ngx_lu_task_core(task, rc);
}


/* Behind one that cannot be read others may be needed. */

static int
ngx_lu_keep_limited(void *data, const lu_str_t *id)
{
    ngx_lu_task_t *task = data;

    int        limited;
    cJSON     *release;
    ngx_int_t  rc;

    rc = ngx_lu_release_load(&task->io,
                             ngx_lu_release_live(task, (char *) id->data),
                             &release);

    if (rc != NGX_OK) {
        ngx_lu_io_clear(&task->io);
        return 1;
    }

    limited = lu_release_is_limited(release);

    cJSON_Delete(release);

    return limited;
}


lu_keep_e
ngx_lu_keep_again(ngx_lu_task_t *task, ngx_lu_keep_t *keep, cJSON *app,
    const cJSON *release, u_char *folder, ngx_uint_t is_live)
{
    size_t           i;
    double           was, is;
    lu_keep_fact_t   key, *fact;

    /* limits change with the generation */

    if (lu_json_number(keep->app, "generation", &was) != LU_OK
        || lu_json_number(app, "generation", &is) != LU_OK
        || was != is)
    {
        for (i = 0; i < keep->n; i++) {
            keep->facts[i].asked = 0;
        }
    }

    key.id = lu_str(task->subject);

    fact = bsearch(&key, keep->facts, keep->n, sizeof(lu_keep_fact_t),
                   ngx_lu_keep_cmp);

    if (fact == NULL) {
        return LU_KEEP_UNSURE;
    }

    fact->is_live = is_live;
    fact->state = lu_release_state(release);
    fact->leaving = (is_live && lu_keep_is_leaving(app, release));

    if (ngx_lu_keep_since(task, folder, release, &fact->since) != NGX_OK
        || ngx_lu_keep_follow(task, keep) != NGX_OK
        || ngx_lu_keep_decide(task, keep, app) != NGX_OK)
    {
        return LU_KEEP_UNSURE;
    }

    return fact->why;
}


ngx_int_t
ngx_lu_keep_measure(ngx_lu_task_t *task, const lu_keep_fact_t *fact,
    ngx_lu_measure_t *measure)
{
    u_char     *folder;
    ngx_int_t   rc;

    folder = fact->is_live
             ? ngx_lu_release_live(task, (char *) fact->id.data)
             : ngx_lu_release_staging(task, (char *) fact->id.data);

    rc = ngx_lu_measure(&task->io, folder, measure);

    if (rc == NGX_OK && fact->is_live && measure->names) {
        rc = ngx_lu_keep_measure_feed(task, folder, measure);
    }

    return rc == NGX_DECLINED ? NGX_OK : rc;
}


/* The names in the feed go, too. */

static ngx_int_t
ngx_lu_keep_measure_feed(ngx_lu_task_t *task, u_char *folder,
    ngx_lu_measure_t *measure)
{
    u_char           *path;
    ngx_int_t         rc;
    ngx_str_t        *name;
    ngx_uint_t        i;
    ngx_array_t       names;
    ngx_file_info_t   one, two;

    path = ngx_lu_path(&task->io, "%V/feed/%s", &task->store->path,
                       task->app.data);

    rc = ngx_lu_file_exists(&task->io, path);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_lu_tree_list(&task->io, ngx_lu_path_in(&task->io, folder,
                                                    "files"),
                          &names);
    if (rc != NGX_OK) {
        return rc;
    }

    name = names.elts;

    for (i = 0; i < names.nelts; i++) {

        if (ngx_lu_file_info(&task->io,
                             ngx_lu_path_in(&task->io, folder, "files/%V",
                                            &name[i]),
                             &one)
            != NGX_OK
            || ngx_lu_file_info(&task->io,
                                ngx_lu_path_in(&task->io, path, "%V",
                                               &name[i]),
                                &two)
               != NGX_OK
            || ngx_file_uniq(&one) != ngx_file_uniq(&two))
        {
            continue;
        }

        rc = ngx_lu_measure(&task->io, ngx_lu_path_in(&task->io, path, "%V",
                                                      &name[i]),
                            measure);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_keep_clean(ngx_lu_task_t *task, ngx_uint_t max, ngx_uint_t *removed,
    ngx_uint_t *left, ngx_array_t *damaged)
{
    ngx_int_t       status;
    ngx_lu_keep_t   keep;

    *removed = 0;
    *left = 0;

    if (ngx_array_init(damaged, task->io.pool, 1, sizeof(lu_str_t))
        != NGX_OK)
    {
        return ngx_lu_task_nomem(task);
    }

    status = ngx_lu_keep_begin(task, NULL, &keep);
    if (status != NGX_OK) {
        return status;
    }

    /* of most apps of a store without a policy no more is read */

    if (!keep.policy.on) {
        ngx_lu_keep_close(&keep);
        return NGX_OK;
    }

    status = ngx_lu_keep_look(task, &keep);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_keep_clean_releases(task, &keep, max, removed, left,
                                        damaged);

    if (status == NGX_OK && *left == 0) {
        status = ngx_lu_keep_channels(task, &keep);
    }

    ngx_lu_keep_close(&keep);

    return status;
}


static ngx_int_t
ngx_lu_keep_clean_releases(ngx_lu_task_t *task, ngx_lu_keep_t *keep,
    ngx_uint_t max, ngx_uint_t *removed, ngx_uint_t *left,
    ngx_array_t *damaged)
{
    size_t     i;
    ngx_int_t  status;

    status = NGX_OK;

    /* the app remembers one that a crash has left */

    for (i = 0; i < keep->n; i++) {
        if (keep->facts[i].leaving && lu_keep_goes(keep->facts[i].why)) {
            status = ngx_lu_keep_remove(task, keep, i, removed, damaged);
        }
    }

    for (i = 0; i < keep->n && status == NGX_OK; i++) {

        if (!lu_keep_goes(keep->facts[i].why) || keep->facts[i].gone) {
            continue;
        }

        if (*removed >= max) {
            (*left)++;
            continue;
        }

        status = ngx_lu_keep_remove(task, keep, i, removed, damaged);
    }

    return status;
}


/* A release that stays after all, or has gone, is as good. */

static ngx_int_t
ngx_lu_keep_remove(ngx_lu_task_t *task, ngx_lu_keep_t *keep, size_t i,
    ngx_uint_t *removed, ngx_array_t *damaged)
{
    ngx_int_t    status;
    ngx_lu_io_t  before;

    task->id = keep->facts[i].id;

    before = task->io;
    ngx_lu_io_clear(&task->io);

    keep->damaged = 0;

    status = ngx_lu_remove_kept(task, keep);

    keep->facts[i].gone = 1;

    switch (status) {

    case NGX_HTTP_NO_CONTENT:
        (*removed)++;
        status = NGX_OK;
        break;

    case NGX_HTTP_CONFLICT:
    case NGX_HTTP_NOT_FOUND:
        status = NGX_OK;
        break;

    default:
        break;
    }

    if (keep->damaged) {
        keep->facts[i].state = LU_STATE_UNKNOWN;
        keep->facts[i].why = LU_KEEP_UNSURE;
        keep->facts[i].gone = 0;

        status = ngx_lu_keep_damaged(task, damaged);
    }

    /* the first damage is the one that is told of */

    if (status == NGX_OK && before.operation) {
        task->io.err = before.err;
        task->io.operation = before.operation;
        task->io.path = before.path;
    }

    return status;
}


/* Nobody knows what it is: it stays, and the others are cleaned up. */

static ngx_int_t
ngx_lu_keep_damaged(ngx_lu_task_t *task, ngx_array_t *damaged)
{
    lu_str_t  *id;

    id = ngx_array_push(damaged);
    if (id == NULL) {
        return ngx_lu_task_nomem(task);
    }

    *id = task->id;

    ngx_memzero(&task->error, sizeof(lu_error_t));

    return NGX_OK;
}


/* With them goes what only leads to releases that somebody else needs. */

static ngx_int_t
ngx_lu_keep_channels(ngx_lu_task_t *task, ngx_lu_keep_t *keep)
{
    size_t        i;
    lu_str_t      id;
    ngx_int_t     status;
    lu_arena_t    arena;
    const cJSON  *channel;

    for (i = 0; i < keep->n; i++) {
        if (keep->facts[i].why == LU_KEEP_EXPIRED) {

            /* its folder may be there still */

            task->id = keep->facts[i].id;

            if (ngx_lu_file_exists(&task->io,
                                   ngx_lu_release_live(task,
                                                       (char *) task->id.data))
                != NGX_DECLINED)
            {
                return NGX_OK;
            }
        }
    }

    arena = ngx_lu_arena(task->io.pool);

    cJSON_ArrayForEach(channel, lu_json_get(keep->app, "channels")) {

        if (!lu_keep_channel_goes(&keep->policy, keep->app, channel, keep->now)
            || lu_json_string(channel, "id", &id) != LU_OK)
        {
            continue;
        }

        task->id = lu_str_dup(&arena, id.data, id.len);

        if (task->id.data == NULL) {
            return ngx_lu_task_nomem(task);
        }

        status = ngx_lu_change(task, ngx_lu_keep_channel, NULL, keep);

        if (status >= NGX_HTTP_INTERNAL_SERVER_ERROR) {
            return status;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_keep_channel(ngx_lu_task_t *task, cJSON *app, void *data)
{
    ngx_lu_keep_t *keep = data;

    cJSON      *channel;
    lu_rc_e     rc;

    task->change = "channel.delete";
    task->subject = (char *) task->id.data;
    task->to = lu_keep_name(LU_KEEP_EXPIRED);

    channel = lu_change_channel_find(app, task->subject);

    if (channel == NULL
        || !lu_keep_channel_goes(&keep->policy, app, channel, keep->now))
    {
        return NGX_HTTP_NOT_MODIFIED;
    }

    task->channel = ngx_lu_task_member(task, channel, "name");

    rc = lu_change_channel_delete(app, task->subject, &task->error);

    return rc == LU_OK ? NGX_HTTP_NO_CONTENT : ngx_lu_task_core(task, rc);
}
