
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_api_build.h"
#include "ngx_lu_api_list.h"
#include "ngx_lu_api_release.h"
#include "ngx_lu_arg.h"

#include "store/ngx_lu_path.h"
#include "store/ngx_lu_tree.h"
#include "write/ngx_lu_app.h"
#include "write/ngx_lu_release.h"
#include "write/ngx_lu_task.h"

#include "core/lu_desktop.h"
#include "core/lu_json.h"
#include "core/lu_live.h"
#include "core/lu_put.h"
#include "core/lu_release.h"


/* of memory that a page takes as a tree, and about once more as a text */

#define NGX_LU_API_LIST_SIZE  (16 * 1024 * 1024)

/* bundles of an earlier version that are sorted at once */

#define NGX_LU_API_LIST_SORT  1000

/* parts of the lists, as "after" names them */

#define NGX_LU_API_LIST_STAGING   's'
#define NGX_LU_API_LIST_LIVE      'l'
#define NGX_LU_API_LIST_NUMBERED  'n'
#define NGX_LU_API_LIST_OLD       'o'


typedef struct {
    ngx_str_t            name;       /* of the folder: the release's id */
    uint64_t             number;     /* 0: only release.json may tell */
    unsigned             is_live:1;
} ngx_lu_api_entry_t;


typedef struct {
    ngx_lu_call_t       *call;
    const cJSON         *app;
    ngx_lu_page_t        page;
    ngx_lu_api_entry_t   after;      /* what the page begins behind */
    size_t               size;       /* of the trees on it */
    cJSON               *json;       /* the page */

    /* of releases */
    char                *state;      /* the only one; NULL: all */
    lu_live_t            live;
    lu_desktop_t        *rules;

    /* of builds */
    char                *number;     /* the only one; NULL: all */
    unsigned             found:1;    /* it is on the page */
} ngx_lu_api_list_t;


typedef ngx_int_t (*ngx_lu_api_list_pt)(ngx_lu_api_list_t *list);


static ngx_int_t ngx_lu_api_list_answer(ngx_lu_call_t *call,
    ngx_lu_api_list_pt handler, const char *parts);
static ngx_uint_t ngx_lu_api_list_is_before(ngx_lu_api_list_t *list,
    u_char part, const ngx_lu_api_entry_t *entry);
static ngx_int_t ngx_lu_api_list_next(ngx_lu_api_list_t *list, u_char part,
    ngx_uint_t more, const ngx_lu_api_entry_t *entry);
static ngx_int_t ngx_lu_api_list_entries(ngx_lu_api_list_t *list,
    ngx_uint_t is_live, ngx_array_t *entries);
static int ngx_libc_cdecl ngx_lu_api_list_cmp(const void *one,
    const void *two);
static u_char *ngx_lu_api_list_folder(ngx_lu_api_list_t *list,
    const ngx_lu_api_entry_t *entry);
static ngx_int_t ngx_lu_api_list_load(ngx_lu_api_list_t *list,
    const ngx_lu_api_entry_t *entry, ngx_lu_release_t *release);
static ngx_int_t ngx_lu_api_list_add(ngx_lu_api_list_t *list, cJSON *json);
static size_t ngx_lu_api_list_size(const cJSON *json);

static ngx_int_t ngx_lu_api_list_of_releases(ngx_lu_api_list_t *list);
static ngx_int_t ngx_lu_api_list_place(ngx_lu_api_list_t *list,
    ngx_uint_t is_live);
static ngx_uint_t ngx_lu_api_list_passes(ngx_lu_api_list_t *list,
    const ngx_lu_api_entry_t *entry);
static lu_state_e ngx_lu_api_list_state(ngx_lu_api_list_t *list,
    const ngx_lu_api_entry_t *entry);
static ngx_uint_t ngx_lu_api_list_wanted(ngx_lu_api_list_t *list,
    lu_state_e state);
static ngx_int_t ngx_lu_api_list_release(ngx_lu_api_list_t *list,
    const ngx_lu_api_entry_t *entry);

static ngx_int_t ngx_lu_api_list_of_builds(ngx_lu_api_list_t *list);
static ngx_int_t ngx_lu_api_list_numbered(ngx_lu_api_list_t *list,
    const ngx_lu_api_entry_t *entry, ngx_uint_t n);
static ngx_int_t ngx_lu_api_list_old(ngx_lu_api_list_t *list,
    ngx_lu_api_entry_t *entry, ngx_uint_t n);
static ngx_int_t ngx_lu_api_list_number(ngx_lu_api_list_t *list,
    ngx_lu_api_entry_t *entry);
static ngx_int_t ngx_lu_api_list_build(ngx_lu_api_list_t *list,
    const ngx_lu_api_entry_t *entry);


ngx_int_t
ngx_lu_api_list_releases(ngx_lu_call_t *call)
{
    return ngx_lu_api_list_answer(call, ngx_lu_api_list_of_releases, "sl");
}


ngx_int_t
ngx_lu_api_list_builds(ngx_lu_call_t *call)
{
    return ngx_lu_api_list_answer(call, ngx_lu_api_list_of_builds, "no");
}


static ngx_int_t
ngx_lu_api_list_answer(ngx_lu_call_t *call, ngx_lu_api_list_pt handler,
    const char *parts)
{
    size_t              i;
    cJSON              *app;
    lu_str_t            id;
    ngx_int_t           status;
    ngx_lu_api_list_t   list;

    ngx_memzero(&list, sizeof(ngx_lu_api_list_t));

    list.call = call;

    ngx_lu_arg_page(call, &list.page);

    status = ngx_lu_arg_after(call, parts, &list.page);
    if (status != NGX_OK) {
        return status;
    }

    if (list.page.after) {
        id = lu_str(list.page.after);

        /* a "+" that was not encoded; ids have no spaces */

        for (i = 0; i < id.len; i++) {
            if (id.data[i] == ' ') {
                id.data[i] = '+';
            }
        }

        list.after.name = ngx_lu_from_core(&id);
        list.after.number = lu_release_id_number(&id);
    }

    status = ngx_lu_app_read(&call->task, &app);
    if (status != NGX_OK) {
        return status;
    }

    list.app = app;
    list.json = cJSON_CreateArray();

    status = list.json ? handler(&list) : ngx_lu_task_nomem(&call->task);

    cJSON_Delete(app);

    if (status != NGX_OK) {
        cJSON_Delete(list.json);
        return status;
    }

    return ngx_lu_call_answer(call, NGX_HTTP_OK, list.json);
}


/* 1: it is in front of the page, which begins in that part of the list. */

static ngx_uint_t
ngx_lu_api_list_is_before(ngx_lu_api_list_t *list, u_char part,
    const ngx_lu_api_entry_t *entry)
{
    return list->page.part == part
           && list->after.name.len
           && ngx_lu_api_list_cmp(entry, &list->after) <= 0;
}


/*
 * The part ends here, or goes on behind the entry; NULL: the page has none of
 * it.  The page may have room for another part.
 */

static ngx_int_t
ngx_lu_api_list_next(ngx_lu_api_list_t *list, u_char part,
    ngx_uint_t more, const ngx_lu_api_entry_t *entry)
{
    if (entry == NULL || list->found) {
        return NGX_OK;
    }

    if (!more && list->page.limit && list->page.reads) {
        return NGX_OK;
    }

    return ngx_lu_arg_next(list->call, part, list->page.offset, &entry->name);
}


/* Adds the folders of a place.  NGX_OK, or a status. */

static ngx_int_t
ngx_lu_api_list_entries(ngx_lu_api_list_t *list, ngx_uint_t is_live,
    ngx_array_t *entries)
{
    u_char              *path;
    lu_str_t             id;
    ngx_str_t           *name;
    ngx_uint_t           i;
    ngx_array_t          names;
    ngx_lu_task_t       *task;
    ngx_lu_api_entry_t  *entry;

    task = &list->call->task;

    path = ngx_lu_path(&task->io, "%V/%s/%s", &task->store->path,
                       is_live ? "live" : "staging", task->app.data);

    if (ngx_lu_tree_list(&task->io, path, &names) == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    name = names.elts;

    entry = ngx_array_push_n(entries, names.nelts);
    if (entry == NULL) {
        return ngx_lu_task_nomem(task);
    }

    for (i = 0; i < names.nelts; i++) {
        id = ngx_lu_to_core(&name[i]);

        entry[i].name = name[i];
        entry[i].number = lu_release_id_number(&id);
        entry[i].is_live = is_live;
    }

    return NGX_OK;
}


/* The highest number first, and then the last name. */

static int ngx_libc_cdecl
ngx_lu_api_list_cmp(const void *one, const void *two)
{
    lu_str_t                   x, y;
    const ngx_lu_api_entry_t  *a, *b;

    a = one;
    b = two;

    if (a->number != b->number) {
        return a->number < b->number ? 1 : -1;
    }

    x = ngx_lu_to_core(&a->name);
    y = ngx_lu_to_core(&b->name);

    return lu_str_cmp(&y, &x);
}


static u_char *
ngx_lu_api_list_folder(ngx_lu_api_list_t *list,
    const ngx_lu_api_entry_t *entry)
{
    ngx_lu_task_t  *task;

    task = &list->call->task;

    return ngx_lu_path(&task->io, "%V/%s/%s/%V", &task->store->path,
                       entry->is_live ? "live" : "staging", task->app.data,
                       &entry->name);
}


/*
 * NGX_OK; NGX_DECLINED: it is no release, was deleted, or is damaged, which the
 * log tells; or a status.
 */

static ngx_int_t
ngx_lu_api_list_load(ngx_lu_api_list_t *list, const ngx_lu_api_entry_t *entry,
    ngx_lu_release_t *release)
{
    ngx_int_t       rc;
    ngx_lu_task_t  *task;

    task = &list->call->task;

    if (list->page.reads) {
        list->page.reads--;
    }

    release->is_live = entry->is_live;
    release->lock = NULL;
    release->folder = ngx_lu_api_list_folder(list, entry);

    rc = ngx_lu_release_load(&task->io, release->folder, &release->json);

    if (rc != NGX_ERROR) {
        return rc;
    }

    return ngx_lu_io_is_damage(&task->io) ? NGX_DECLINED
                                          : ngx_lu_task_failed(task);
}


/* Takes over the tree.  NGX_OK, or a status. */

static ngx_int_t
ngx_lu_api_list_add(ngx_lu_api_list_t *list, cJSON *json)
{
    lu_put_t        put;
    ngx_lu_task_t  *task;

    task = &list->call->task;

    if (json == NULL) {
        return ngx_lu_task_nomem(task);
    }

    list->size += ngx_lu_api_list_size(json);

    if (list->size > NGX_LU_API_LIST_SIZE) {
        cJSON_Delete(json);

        return ngx_lu_task_refuse(task, 422,
                                  "The page is too large: ask for it with a "
                                  "lower \"limit\".");
    }

    lu_put_init(&put);
    lu_put_item(&put, list->json, NULL, json);

    return put.failed ? ngx_lu_task_nomem(task) : NGX_OK;
}


/* About the bytes that a tree takes. */

static size_t
ngx_lu_api_list_size(const cJSON *json)
{
    size_t        size;
    const cJSON  *item;

    size = sizeof(cJSON);

    if (json->string) {
        size += ngx_strlen(json->string);
    }

    if (json->valuestring) {
        size += ngx_strlen(json->valuestring);
    }

    for (item = json->child; item; item = item->next) {
        size += ngx_lu_api_list_size(item);
    }

    return size;
}


static ngx_int_t
ngx_lu_api_list_of_releases(ngx_lu_api_list_t *list)
{
    lu_rc_e         rc;
    ngx_int_t       status;
    ngx_uint_t      live;
    lu_arena_t      arena;
    ngx_lu_task_t  *task;

    task = &list->call->task;

    list->state = ngx_lu_arg(list->call, "state");
    list->rules = ngx_lu_api_release_rules(task, list->app);

    arena = ngx_lu_arena(task->io.pool);

    rc = lu_live(&arena, list->app, &list->live);
    if (rc != LU_OK) {
        return ngx_lu_task_core(task, rc);
    }

    live = (list->state
            && (ngx_strcmp(list->state, "live") == 0
                || ngx_strcmp(list->state, "withdrawn") == 0));

    if (!live && list->page.part != NGX_LU_API_LIST_LIVE) {
        status = ngx_lu_api_list_place(list, 0);

        if (status != NGX_OK || list->state || list->call->next) {
            return status;
        }
    }

    return ngx_lu_api_list_place(list, 1);
}


static ngx_int_t
ngx_lu_api_list_place(ngx_lu_api_list_t *list, ngx_uint_t is_live)
{
    u_char               part;
    ngx_int_t            status;
    ngx_uint_t           i;
    ngx_array_t          entries;
    ngx_lu_task_t       *task;
    ngx_lu_api_entry_t  *entry, *last;

    task = &list->call->task;
    part = is_live ? NGX_LU_API_LIST_LIVE : NGX_LU_API_LIST_STAGING;

    if (ngx_array_init(&entries, task->io.pool, 64, sizeof(ngx_lu_api_entry_t))
        != NGX_OK)
    {
        return ngx_lu_task_nomem(task);
    }

    status = ngx_lu_api_list_entries(list, is_live, &entries);
    if (status != NGX_OK) {
        return status;
    }

    ngx_qsort(entries.elts, entries.nelts, sizeof(ngx_lu_api_entry_t),
              ngx_lu_api_list_cmp);

    entry = entries.elts;
    last = NULL;

    for (i = 0; i < entries.nelts; i++) {

        if (ngx_lu_api_list_is_before(list, part, &entry[i])) {
            continue;
        }

        if (list->page.limit == 0 || list->page.reads == 0) {
            break;
        }

        last = &entry[i];

        if (ngx_lu_api_list_passes(list, last)) {
            continue;
        }

        status = ngx_lu_api_list_release(list, last);

        if (status != NGX_OK && status != NGX_DECLINED) {
            return status;
        }
    }

    if (i == entries.nelts && is_live) {
        return NGX_OK;
    }

    return ngx_lu_api_list_next(list, part, i < entries.nelts, last);
}


/*
 * 1: the release is not on the page, so that its file need not be read.  In
 * staging only the file tells the state.
 */

static ngx_uint_t
ngx_lu_api_list_passes(ngx_lu_api_list_t *list,
    const ngx_lu_api_entry_t *entry)
{
    u_char  *path;

    if (entry->is_live) {

        if (!ngx_lu_api_list_wanted(list, ngx_lu_api_list_state(list, entry)))
        {
            return 1;
        }

    } else if (list->state) {
        return 0;
    }

    if (list->page.offset == 0) {
        return 0;
    }

    if (!entry->is_live) {

        /* a publisher may have put files there that are no release yet */

        path = ngx_lu_release_path(&list->call->task.io,
                                   ngx_lu_api_list_folder(list, entry));

        if (path == NULL || access((char *) path, F_OK) == -1) {
            return 1;
        }
    }

    (void) ngx_lu_arg_page_take(&list->page);

    return 1;
}


/* The state of a release in live/, which no file of its own tells. */

static lu_state_e
ngx_lu_api_list_state(ngx_lu_api_list_t *list,
    const ngx_lu_api_entry_t *entry)
{
    lu_str_t  id;

    id = ngx_lu_to_core(&entry->name);

    return lu_live_has(&list->live, &id) ? LU_STATE_LIVE : LU_STATE_WITHDRAWN;
}


static ngx_uint_t
ngx_lu_api_list_wanted(ngx_lu_api_list_t *list, lu_state_e state)
{
    return list->state == NULL
           || ngx_strcmp(list->state, lu_release_state_name(state)) == 0;
}


static ngx_int_t
ngx_lu_api_list_release(ngx_lu_api_list_t *list,
    const ngx_lu_api_entry_t *entry)
{
    ngx_int_t         status;
    lu_state_e        state;
    ngx_lu_release_t  release;

    status = ngx_lu_api_list_load(list, entry, &release);
    if (status != NGX_OK) {
        return status;
    }

    state = entry->is_live ? ngx_lu_api_list_state(list, entry)
                           : ngx_lu_release_state(list->app, &release);

    if (!ngx_lu_api_list_wanted(list, state)
        || !ngx_lu_arg_page_take(&list->page))
    {
        cJSON_Delete(release.json);
        return NGX_OK;
    }

    if (ngx_lu_api_release_describe(list->app, list->rules, &release, state)
        != NGX_OK)
    {
        cJSON_Delete(release.json);
        return ngx_lu_task_nomem(&list->call->task);
    }

    return ngx_lu_api_list_add(list, release.json);
}


static ngx_int_t
ngx_lu_api_list_of_builds(ngx_lu_api_list_t *list)
{
    char                *platform;
    ngx_int_t            status;
    ngx_uint_t           i, n;
    ngx_array_t          entries;
    ngx_lu_task_t       *task;
    ngx_lu_api_entry_t  *entry;

    task = &list->call->task;

    platform = ngx_lu_arg(list->call, "platform");

    if (platform && ngx_strcmp(platform, "web") != 0) {
        return NGX_OK;
    }

    list->number = ngx_lu_arg(list->call, "numberAsString");

    if (ngx_array_init(&entries, task->io.pool, 64, sizeof(ngx_lu_api_entry_t))
        != NGX_OK)
    {
        return ngx_lu_task_nomem(task);
    }

    /* in this order, since a release moves from staging to live/ */

    status = ngx_lu_api_list_entries(list, 0, &entries);

    if (status == NGX_OK) {
        status = ngx_lu_api_list_entries(list, 1, &entries);
    }

    if (status != NGX_OK) {
        return status;
    }

    entry = entries.elts;
    n = entries.nelts;

    ngx_qsort(entry, n, sizeof(ngx_lu_api_entry_t), ngx_lu_api_list_cmp);

    for (i = 0; i < n; i++) {
        if (entry[i].number == 0) {
            break;
        }
    }

    if (list->page.part != NGX_LU_API_LIST_OLD) {
        status = ngx_lu_api_list_numbered(list, entry, i);

        if (status != NGX_OK || list->page.limit == 0 || list->call->next) {
            return status;
        }
    }

    /* bundles whose ids do not tell the number are all older */

    return ngx_lu_api_list_old(list, entry + i, n - i);
}


/* Those whose ids tell the number. */

static ngx_int_t
ngx_lu_api_list_numbered(ngx_lu_api_list_t *list,
    const ngx_lu_api_entry_t *entry, ngx_uint_t n)
{
    ngx_int_t                  status;
    ngx_uint_t                 i;
    const ngx_lu_api_entry_t  *last;

    last = NULL;

    for (i = 0; i < n; i++) {

        if (ngx_lu_api_list_is_before(list, NGX_LU_API_LIST_NUMBERED,
                                      &entry[i]))
        {
            continue;
        }

        if (list->page.limit == 0 || list->page.reads == 0) {
            break;
        }

        last = &entry[i];

        status = ngx_lu_api_list_build(list, last);
        if (status != NGX_OK) {
            return status;
        }
    }

    return ngx_lu_api_list_next(list, NGX_LU_API_LIST_NUMBERED, i < n, last);
}


/*
 * The others come in the order of their numbers, too, as far as the files that
 * one call reads tell them.
 */

static ngx_int_t
ngx_lu_api_list_old(ngx_lu_api_list_t *list, ngx_lu_api_entry_t *entry,
    ngx_uint_t n)
{
    ngx_int_t           status;
    ngx_uint_t          i, size, items;
    ngx_lu_api_entry_t  before, last;

    ngx_memzero(&before, sizeof(ngx_lu_api_entry_t));

    if (list->page.part == NGX_LU_API_LIST_OLD) {
        before = list->after;
    }

    while (n && ngx_lu_api_list_is_before(list, NGX_LU_API_LIST_OLD, entry)) {
        entry++;
        n--;
    }

    /* the same ones in each call that begins there, whatever it has read */

    size = ngx_min(n, NGX_LU_API_LIST_SORT);

    if (size == 0) {
        return NGX_OK;
    }

    last = entry[size - 1];
    items = list->page.offset + list->page.limit;

    for (i = 0; i < size; i++) {
        status = ngx_lu_api_list_number(list, &entry[i]);
        if (status != NGX_OK) {
            return status;
        }
    }

    ngx_qsort(entry, size, sizeof(ngx_lu_api_entry_t), ngx_lu_api_list_cmp);

    for (i = 0; i < size && entry[i].number && list->page.limit; i++) {
        status = ngx_lu_api_list_build(list, &entry[i]);
        if (status != NGX_OK) {
            return status;
        }
    }

    if (list->page.limit == 0) {

        /* their order is not that of their names */

        list->page.offset = items;
        last = before;
    }

    return ngx_lu_api_list_next(list, NGX_LU_API_LIST_OLD, size < n, &last);
}


static ngx_int_t
ngx_lu_api_list_number(ngx_lu_api_list_t *list, ngx_lu_api_entry_t *entry)
{
    ngx_int_t         rc;
    ngx_lu_release_t  release;

    rc = ngx_lu_api_list_load(list, entry, &release);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : rc;
    }

    (void) lu_json_size(release.json, "number", &entry->number);

    cJSON_Delete(release.json);

    return NGX_OK;
}


static ngx_int_t
ngx_lu_api_list_build(ngx_lu_api_list_t *list, const ngx_lu_api_entry_t *entry)
{
    u_char            text[NGX_INT64_LEN + 1];
    uint64_t          number;
    ngx_int_t         status;
    ngx_lu_release_t  release;

    *ngx_sprintf(text, "%uL", entry->number) = '\0';

    if (list->number && ngx_strcmp(text, list->number) != 0) {
        return NGX_OK;
    }

    if (list->page.offset) {
        (void) ngx_lu_arg_page_take(&list->page);
        return NGX_OK;
    }

    status = ngx_lu_api_list_load(list, entry, &release);

    if (status != NGX_OK) {
        return status == NGX_DECLINED ? NGX_OK : status;
    }

    /* a desktop release may have any id */

    number = 0;
    (void) lu_json_size(release.json, "number", &number);

    if (number == entry->number && ngx_lu_arg_page_take(&list->page)) {
        status = ngx_lu_api_list_add(list,
                                     ngx_lu_api_build_json(list->call,
                                                           release.json));

        /* there is no other one with its number */

        if (list->number) {
            list->page.limit = 0;
            list->found = 1;
        }
    }

    cJSON_Delete(release.json);

    return status;
}
