
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_gather.h"
#include "ngx_lu_herald.h"
#include "ngx_lu_journal.h"

#include "zone/ngx_lu_zone.h"
#include "store/ngx_lu_file.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_tree.h"
#include "write/ngx_lu_release.h"

#include "core/lu_name.h"
#include "core/lu_put.h"
#include "core/lu_release.h"

#include <sys/statvfs.h>


#define NGX_LU_GATHER_FILES  256        /* of a pass */
#define NGX_LU_GATHER_PIECE  65536
#define NGX_LU_GATHER_DISK   60000      /* msec */
#define NGX_LU_GATHER_SAVE   5000

/* older ones are no news: a backup may have brought them */

#define NGX_LU_GATHER_OLD    86400      /* seconds */

/* that long after an event was written it must be true */

#define NGX_LU_GATHER_TRUE   60

/* all apps are looked at in a time that grows with their number */

#define NGX_LU_GATHER_LOOK   1000       /* msec, for 200 apps */


/* The log of an app, as far as it was read. */

typedef struct {
    ngx_str_node_t            sn;
    off_t                     offset;
    double                    generation; /* of the last entry */
    ngx_atomic_uint_t         changes;    /* of the zone, at that time */
    ngx_uint_t                seen;       /* in the last look at all of them */
} ngx_lu_gather_log_t;


struct ngx_lu_gather_s {
    ngx_rbtree_t              tree;       /* of log_t */
    ngx_rbtree_node_t         sentinel;
    ngx_uint_t                nlogs;
    ngx_msec_t                look;       /* the next one at all apps */
    ngx_msec_t                disk;       /* and at the disk */
    ngx_msec_t                save;
    ngx_uint_t                looks;
    u_char                   *piece;      /* of a log */
    unsigned                  begun:1;    /* there was a record */
    unsigned                  dirty:1;
    unsigned                  full:1;     /* the disk, and it was told */
};


static ngx_int_t ngx_lu_gather_read_record(ngx_lu_pass_t *pass);
static ngx_int_t ngx_lu_gather_save(ngx_lu_pass_t *pass);
static void ngx_lu_gather_put(lu_put_t *put, cJSON *apps,
    ngx_lu_gather_t *gather, ngx_rbtree_node_t *node);
static u_char *ngx_lu_gather_record(ngx_lu_pass_t *pass);
static ngx_lu_gather_log_t *ngx_lu_gather_log(ngx_lu_notify_t *notify,
    ngx_str_t *app);
static ngx_int_t ngx_lu_gather_in(ngx_lu_pass_t *pass);
static ngx_int_t ngx_lu_gather_file(ngx_lu_pass_t *pass, u_char *path,
    ngx_uint_t *taken);
static ngx_int_t ngx_lu_gather_is_true(ngx_lu_pass_t *pass,
    const cJSON *event, const lu_str_t *expect);
static ngx_int_t ngx_lu_gather_asked(ngx_lu_pass_t *pass, const cJSON *json);
static ngx_int_t ngx_lu_gather_apps(ngx_lu_pass_t *pass);
static ngx_int_t ngx_lu_gather_all(ngx_lu_pass_t *pass);
static ngx_int_t ngx_lu_gather_changed(ngx_lu_pass_t *pass,
    ngx_rbtree_node_t *node);
static ngx_int_t ngx_lu_gather_app(ngx_lu_pass_t *pass,
    ngx_lu_gather_log_t *log);
static ngx_int_t ngx_lu_gather_entries(ngx_lu_pass_t *pass,
    ngx_lu_gather_log_t *log, u_char *path, off_t size);
static ngx_int_t ngx_lu_gather_piece(ngx_lu_pass_t *pass, u_char *path,
    off_t offset, lu_str_t *piece);
static ngx_int_t ngx_lu_gather_generation(ngx_lu_pass_t *pass,
    ngx_str_t *app, double *generation);
static cJSON *ngx_lu_gather_entry(lu_str_t *rest, lu_str_t *line);
static ngx_int_t ngx_lu_gather_tell(ngx_lu_pass_t *pass,
    ngx_lu_gather_log_t *log, const cJSON *entry, const lu_str_t *line);
static ngx_int_t ngx_lu_gather_disk(ngx_lu_pass_t *pass);


ngx_int_t
ngx_lu_gather_open(ngx_lu_pass_t *pass)
{
    ngx_lu_gather_t  *gather;

    gather = ngx_pcalloc(pass->notify->pool, sizeof(ngx_lu_gather_t));
    if (gather == NULL) {
        return ngx_lu_io_nomem(&pass->io);
    }

    gather->piece = ngx_palloc(pass->notify->pool, NGX_LU_GATHER_PIECE);
    if (gather->piece == NULL) {
        return ngx_lu_io_nomem(&pass->io);
    }

    ngx_rbtree_init(&gather->tree, &gather->sentinel,
                    ngx_str_rbtree_insert_value);

    gather->look = pass->msec;
    gather->disk = pass->msec;
    gather->save = pass->msec;

    pass->notify->gather = gather;

    return ngx_lu_gather_read_record(pass);
}


static ngx_int_t
ngx_lu_gather_read_record(ngx_lu_pass_t *pass)
{
    int                   full;
    cJSON                *json;
    double                number;
    ngx_int_t             rc;
    ngx_str_t             app;
    const cJSON          *item;
    ngx_lu_gather_t      *gather;
    ngx_lu_gather_log_t  *log;

    gather = pass->notify->gather;

    rc = ngx_lu_file_read_json(&pass->io, ngx_lu_gather_record(pass), &json);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
    }

    gather->begun = 1;

    full = 0;
    (void) lu_json_bool(json, "diskLow", &full);
    gather->full = full;

    item = lu_json_get(json, "apps");

    for (item = item ? item->child : NULL; item; item = item->next) {

        app.data = (u_char *) item->string;
        app.len = ngx_strlen(app.data);

        log = ngx_lu_gather_log(pass->notify, &app);
        if (log == NULL) {
            cJSON_Delete(json);
            return ngx_lu_io_nomem(&pass->io);
        }

        if (lu_json_number(item, "offset", &number) == LU_OK) {
            log->offset = (off_t) number;
        }

        (void) lu_json_number(item, "generation", &log->generation);
    }

    cJSON_Delete(json);

    return NGX_OK;
}


static u_char *
ngx_lu_gather_record(ngx_lu_pass_t *pass)
{
    return ngx_lu_path(&pass->io, "%V/notify/read.json",
                       &pass->notify->store->path);
}


static ngx_int_t
ngx_lu_gather_save(ngx_lu_pass_t *pass)
{
    cJSON            *json, *apps;
    lu_put_t          put;
    ngx_int_t         rc;
    ngx_lu_gather_t  *gather;

    gather = pass->notify->gather;

    lu_put_init(&put);

    json = cJSON_CreateObject();

    lu_put_bool(&put, json, "diskLow", gather->full);

    apps = lu_put_object(&put, json, "apps");

    if (gather->tree.root != gather->tree.sentinel) {
        ngx_lu_gather_put(&put, apps, gather, gather->tree.root);
    }

    json = lu_put_done(&put, json);
    if (json == NULL) {
        return ngx_lu_io_nomem(&pass->io);
    }

    rc = ngx_lu_file_write_json(&pass->io, pass->notify->store,
                                ngx_lu_gather_record(pass), json);
    cJSON_Delete(json);

    if (rc == NGX_OK) {
        gather->begun = 1;
        gather->dirty = 0;
        gather->save = pass->msec + NGX_LU_GATHER_SAVE;
    }

    return rc;
}


/* An app that has gone is not written down any more. */

static void
ngx_lu_gather_put(lu_put_t *put, cJSON *apps, ngx_lu_gather_t *gather,
    ngx_rbtree_node_t *node)
{
    cJSON                *json;
    ngx_lu_gather_log_t  *log;

    log = (ngx_lu_gather_log_t *) node;

    if (node->left != gather->tree.sentinel) {
        ngx_lu_gather_put(put, apps, gather, node->left);
    }

    if (log->seen == gather->looks) {
        json = cJSON_CreateObject();

        lu_put_number(put, json, "offset", (double) log->offset);
        lu_put_number(put, json, "generation", log->generation);

        /* the names are unique, and a look for each would take long */

        if (put->failed
            || apps == NULL
            || !cJSON_AddItemToObject(apps, (char *) log->sn.str.data, json))
        {
            cJSON_Delete(json);
            put->failed = 1;
        }
    }

    if (node->right != gather->tree.sentinel) {
        ngx_lu_gather_put(put, apps, gather, node->right);
    }
}


/* Finds the log of an app, or makes it. */

static ngx_lu_gather_log_t *
ngx_lu_gather_log(ngx_lu_notify_t *notify, ngx_str_t *app)
{
    uint32_t              hash;
    ngx_lu_gather_t      *gather;
    ngx_lu_gather_log_t  *log;

    gather = notify->gather;
    hash = ngx_crc32_long(app->data, app->len);

    log = (ngx_lu_gather_log_t *) ngx_str_rbtree_lookup(&gather->tree, app,
                                                        hash);
    if (log) {
        return log;
    }

    log = ngx_pcalloc(notify->pool, sizeof(ngx_lu_gather_log_t));
    if (log == NULL) {
        return NULL;
    }

    log->sn.str.data = ngx_lu_format(notify->pool, "%V", app);
    if (log->sn.str.data == NULL) {
        return NULL;
    }

    log->sn.str.len = app->len;
    log->sn.node.key = hash;
    log->generation = -1;

    ngx_rbtree_insert(&gather->tree, &log->sn.node);
    gather->nlogs++;

    return log;
}


ngx_int_t
ngx_lu_gather(ngx_lu_pass_t *pass)
{
    ngx_uint_t        gone;
    ngx_lu_gather_t  *gather;

    gather = pass->notify->gather;

    if (ngx_lu_gather_disk(pass) != NGX_OK
        || ngx_lu_gather_apps(pass) != NGX_OK
        || ngx_lu_gather_in(pass) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_lu_journal_is_full(pass->notify, &gone)
        && ((gone && ngx_lu_herald_leave(pass, gone) != NGX_OK)
            || ngx_lu_journal_turn(pass) != NGX_OK))
    {
        return NGX_ERROR;
    }

    if (!gather->begun
        || (gather->dirty
            && (ngx_msec_int_t) (pass->msec - gather->save) >= 0))
    {
        return ngx_lu_gather_save(pass);
    }

    return NGX_OK;
}


/*
 * After the logs: what happened before an entry that was read is there by now,
 * and comes before it.  A file is removed when the journal has its event.
 */

static ngx_int_t
ngx_lu_gather_in(ngx_lu_pass_t *pass)
{
    u_char       *folder, *path, **done;
    ngx_str_t    *name;
    ngx_uint_t    i, taken;
    ngx_array_t   names, files;

    folder = ngx_lu_path(&pass->io, "%V/notify/in",
                         &pass->notify->store->path);

    if (ngx_lu_tree_list(&pass->io, folder, &names) == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (names.nelts == 0) {
        return ngx_lu_journal_write(pass);
    }

    if (ngx_array_init(&files, pass->io.pool, 16, sizeof(u_char *)) != NGX_OK)
    {
        return ngx_lu_io_nomem(&pass->io);
    }

    name = names.elts;

    for (i = 0; i < names.nelts && files.nelts < NGX_LU_GATHER_FILES; i++) {

        path = ngx_lu_path_in(&pass->io, folder, "%V", &name[i]);

        if (ngx_lu_gather_file(pass, path, &taken) != NGX_OK) {
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


/* What cannot be read is of no use to anybody. */

static ngx_int_t
ngx_lu_gather_file(ngx_lu_pass_t *pass, u_char *path, ngx_uint_t *taken)
{
    cJSON        *json, *event;
    lu_str_t      expect;
    ngx_int_t     rc;

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
        rc = ngx_lu_gather_asked(pass, json);

    } else if (lu_json_string(json, "expect", &expect) == LU_OK) {

        rc = ngx_lu_gather_is_true(pass, event, &expect);

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
 * The event was written before the release: a crash in between may have
 * prevented it.  NGX_OK; NGX_BUSY: not yet; NGX_DECLINED: it has not happened;
 * NGX_ERROR with io.
 */

static ngx_int_t
ngx_lu_gather_is_true(ngx_lu_pass_t *pass, const cJSON *event,
    const lu_str_t *expect)
{
    time_t       at;
    cJSON       *release;
    lu_str_t     app, id, text, state;
    uint64_t     number;
    ngx_int_t    rc;
    ngx_uint_t   right;
    const char  *root;

    if (lu_json_string(event, "app", &app) != LU_OK
        || lu_json_string(event, "release", &id) != LU_OK
        || !lu_name_id_valid(&app)
        || !lu_name_release_valid(&id))
    {
        return NGX_DECLINED;
    }

    right = 0;

    for (root = "staging"; root; root = (*root == 's') ? "live" : NULL) {

        rc = ngx_lu_release_load(&pass->io,
                                 ngx_lu_path(&pass->io, "%V/%s/%s/%s",
                                             &pass->notify->store->path, root,
                                             app.data, id.data),
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

    if (right) {
        return NGX_OK;
    }

    if (lu_json_string(event, "at", &text) != LU_OK
        || lu_time_parse(&text, &at) != LU_OK
        || at > pass->sec + NGX_LU_GATHER_TRUE
        || at < pass->sec - NGX_LU_GATHER_TRUE)
    {
        return NGX_DECLINED;
    }

    return NGX_BUSY;
}


static ngx_int_t
ngx_lu_gather_asked(ngx_lu_pass_t *pass, const cJSON *json)
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


static ngx_int_t
ngx_lu_gather_apps(ngx_lu_pass_t *pass)
{
    ngx_lu_gather_t  *gather;

    gather = pass->notify->gather;

    if ((ngx_msec_int_t) (pass->msec - gather->look) >= 0) {
        return ngx_lu_gather_all(pass);
    }

    if (gather->tree.root == gather->tree.sentinel) {
        return NGX_OK;
    }

    return ngx_lu_gather_changed(pass, gather->tree.root);
}


static ngx_int_t
ngx_lu_gather_all(ngx_lu_pass_t *pass)
{
    lu_str_t              app;
    ngx_int_t             rc;
    ngx_str_t            *name;
    ngx_uint_t            i;
    ngx_array_t           names;
    ngx_lu_gather_t      *gather;
    ngx_lu_gather_log_t  *log;

    gather = pass->notify->gather;

    if (ngx_lu_tree_list(&pass->io,
                         ngx_lu_path(&pass->io, "%V/apps",
                                     &pass->notify->store->path),
                         &names)
        == NGX_ERROR)
    {
        return NGX_ERROR;
    }

    name = names.elts;

    for (i = 0; i < names.nelts; i++) {

        if (ngx_lu_journal_is_busy(pass->notify)) {
            return NGX_OK;
        }

        app = ngx_lu_to_core(&name[i]);

        if (!lu_name_id_valid(&app)) {
            continue;
        }

        log = ngx_lu_gather_log(pass->notify, &name[i]);
        if (log == NULL) {
            return ngx_lu_io_nomem(&pass->io);
        }

        /* that of an app that cannot be read does not stop the others */

        rc = ngx_lu_gather_app(pass, log);

        if (rc == NGX_ERROR && ngx_lu_io_is_damage(&pass->io)) {
            ngx_lu_io_clear(&pass->io);
            rc = NGX_OK;
        }

        if (rc != NGX_OK) {
            return rc;
        }

        log->seen = gather->looks + 1;
    }

    gather->looks++;
    gather->look = pass->msec
                   + NGX_LU_GATHER_LOOK * (1 + gather->nlogs / 200);

    return NGX_OK;
}


/* Those that this machine has changed since. */

static ngx_int_t
ngx_lu_gather_changed(ngx_lu_pass_t *pass, ngx_rbtree_node_t *node)
{
    ngx_int_t             rc;
    ngx_lu_gather_t      *gather;
    ngx_lu_gather_log_t  *log;

    gather = pass->notify->gather;
    log = (ngx_lu_gather_log_t *) node;

    if (node->left != gather->tree.sentinel) {
        rc = ngx_lu_gather_changed(pass, node->left);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (log->seen == gather->looks
        && !ngx_lu_journal_is_busy(pass->notify)
        && *ngx_lu_zone_generation(pass->notify->store, &log->sn.str)
           != log->changes)
    {
        rc = ngx_lu_gather_app(pass, log);

        if (rc == NGX_ERROR && ngx_lu_io_is_damage(&pass->io)) {
            ngx_lu_io_clear(&pass->io);
            rc = NGX_OK;
        }

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return (node->right != gather->tree.sentinel)
           ? ngx_lu_gather_changed(pass, node->right) : NGX_OK;
}


static ngx_int_t
ngx_lu_gather_app(ngx_lu_pass_t *pass, ngx_lu_gather_log_t *log)
{
    off_t              size;
    u_char            *path;
    ngx_int_t          rc;
    ngx_file_info_t    fi;
    ngx_lu_gather_t   *gather;
    ngx_atomic_uint_t  changes;

    gather = pass->notify->gather;

    changes = *ngx_lu_zone_generation(pass->notify->store, &log->sn.str);

    path = ngx_lu_path(&pass->io, "%V/apps/%V/audit.log",
                       &pass->notify->store->path, &log->sn.str);

    rc = ngx_lu_file_info(&pass->io, path, &fi);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
    }

    size = ngx_file_size(&fi);

    /* at first, what has happened is no news; nor is it in another file */

    if ((!gather->begun && log->seen == 0) || size < log->offset) {
        log->offset = size;
        log->generation = -1;
        gather->dirty = 1;
    }

    if (size > log->offset) {
        rc = ngx_lu_gather_entries(pass, log, path, size);
        if (rc != NGX_OK) {
            return NGX_ERROR;
        }
    }

    log->changes = changes;

    return NGX_OK;
}


/*
 * An entry is written before its change.  If the app has not come to its
 * generation, the change is not made yet, or a crash has prevented it; then
 * the next entry has the same generation.
 */

static ngx_int_t
ngx_lu_gather_entries(ngx_lu_pass_t *pass, ngx_lu_gather_log_t *log,
    u_char *path, off_t size)
{
    cJSON      *entry, *next;
    double      generation, current, following;
    lu_str_t    rest, line, line_next;
    ngx_int_t   rc;

    rc = ngx_lu_gather_piece(pass, path, log->offset, &rest);

    if (rc == NGX_OK) {
        rc = ngx_lu_gather_generation(pass, &log->sn.str, &current);
    }

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
    }

    entry = ngx_lu_gather_entry(&rest, &line);

    while (line.len) {

        next = ngx_lu_gather_entry(&rest, &line_next);

        if (lu_json_number(entry, "generation", &generation) != LU_OK) {
            generation = -1;
        }

        if (lu_json_number(next, "generation", &following) != LU_OK) {
            following = -1;
        }

        if (entry && generation > current && line_next.len == 0) {
            cJSON_Delete(entry);
            break;
        }

        if (entry
            && generation > log->generation
            && generation <= current
            && generation != following)
        {
            rc = ngx_lu_gather_tell(pass, log, entry, &line);

            if (rc == NGX_OK) {
                log->generation = generation;
            }
        }

        cJSON_Delete(entry);

        if (rc != NGX_OK) {
            cJSON_Delete(next);
            return NGX_ERROR;
        }

        log->offset += line.len;
        pass->notify->gather->dirty = 1;

        entry = next;
        line = line_next;
    }

    return NGX_OK;
}


/* NGX_DECLINED: there is no whole line yet. */

static ngx_int_t
ngx_lu_gather_piece(ngx_lu_pass_t *pass, u_char *path, off_t offset,
    lu_str_t *piece)
{
    ssize_t    n;
    ngx_fd_t   fd;
    ngx_int_t  rc;

    rc = ngx_lu_file_open(&pass->io, path, &fd);
    if (rc != NGX_OK) {
        return rc;
    }

    piece->data = pass->notify->gather->piece;

    n = pread(fd, piece->data, NGX_LU_GATHER_PIECE, offset);

    if (n == -1) {
        (void) ngx_lu_io_error(&pass->io, ngx_lu_io_errno(), "pread()", path);
    }

    (void) ngx_close_file(fd);

    if (n == -1) {
        return NGX_ERROR;
    }

    piece->len = n;

    return n ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
ngx_lu_gather_generation(ngx_lu_pass_t *pass, ngx_str_t *app,
    double *generation)
{
    cJSON      *json;
    ngx_int_t   rc;

    rc = ngx_lu_file_read_json(&pass->io,
                               ngx_lu_path(&pass->io, "%V/apps/%V/app.json",
                                           &pass->notify->store->path, app),
                               &json);
    if (rc != NGX_OK) {
        return rc;
    }

    *generation = 0;
    (void) lu_json_number(json, "generation", generation);

    cJSON_Delete(json);

    return NGX_OK;
}


/*
 * Takes a line, with its end, and parses it; NULL if it is no entry, with an
 * empty line at the end.  No entry is longer than a piece.
 */

static cJSON *
ngx_lu_gather_entry(lu_str_t *rest, lu_str_t *line)
{
    cJSON       *entry;
    u_char      *end;
    lu_str_t     text;
    lu_error_t   err;

    line->data = rest->data;
    line->len = 0;

    end = rest->len ? memchr(rest->data, LF, rest->len) : NULL;

    if (end == NULL) {

        if (rest->len == NGX_LU_GATHER_PIECE) {
            line->len = rest->len;
            rest->len = 0;
        }

        return NULL;
    }

    line->len = end + 1 - rest->data;

    rest->data += line->len;
    rest->len -= line->len;

    text.data = line->data;
    text.len = line->len - 1;

    return lu_json_parse(&entry, &text, &err) == LU_OK ? entry : NULL;
}


static ngx_int_t
ngx_lu_gather_tell(ngx_lu_pass_t *pass, ngx_lu_gather_log_t *log,
    const cJSON *entry, const lu_str_t *line)
{
    char      id[LU_EVENT_ID + 1];
    cJSON    *event;
    time_t    at;
    lu_str_t  texts[2], text;

    if (lu_json_string(entry, "at", &text) == LU_OK
        && lu_time_parse(&text, &at) == LU_OK
        && at < pass->sec - NGX_LU_GATHER_OLD)
    {
        return NGX_OK;
    }

    texts[0] = ngx_lu_to_core(&log->sn.str);
    texts[1] = *line;

    lu_event_id(id, texts, 2);

    switch (lu_event_of(&event, entry, (char *) log->sn.str.data, id,
                        pass->notify->approval != NGX_LU_APPROVAL_OFF))
    {

    case LU_OK:
        return ngx_lu_journal_add(pass, event);

    case LU_NOMEM:
        return ngx_lu_io_nomem(&pass->io);

    default:
        return NGX_OK;
    }
}


/* Told once, until there is twice as much space again. */

static ngx_int_t
ngx_lu_gather_disk(ngx_lu_pass_t *pass)
{
    char             id[LU_EVENT_ID + 1];
    cJSON           *event;
    u_char          *reason;
    double           left;
    lu_str_t         texts[2];
    ngx_uint_t       limit;
    struct statvfs   fs;
    ngx_lu_gather_t *gather;

    gather = pass->notify->gather;
    limit = pass->notify->conf->disk;

    if (limit == 0 || (ngx_msec_int_t) (pass->msec - gather->disk) < 0) {
        return NGX_OK;
    }

    gather->disk = pass->msec + NGX_LU_GATHER_DISK;

    if (statvfs((char *) pass->notify->store->path.data, &fs) == -1
        || fs.f_blocks == 0)
    {
        return NGX_OK;
    }

    left = 100.0 * fs.f_bavail / fs.f_blocks;

    if (fs.f_files) {
        left = ngx_min(left, 100.0 * fs.f_favail / fs.f_files);
    }

    if (gather->full || left >= limit) {

        if (gather->full && left >= 2 * limit) {
            gather->full = 0;
            gather->dirty = 1;
        }

        return NGX_OK;
    }

    texts[0] = lu_str("disk.low");
    texts[1] = lu_str(pass->now);

    lu_event_id(id, texts, 2);

    reason = ngx_lu_format(pass->io.pool, "%.1f %% of it is free", left);
    if (reason == NULL) {
        return ngx_lu_io_nomem(&pass->io);
    }

    event = lu_event_make(id, "disk.low", pass->now, NULL, "liveupdate", NULL,
                          (char *) reason);

    gather->full = 1;
    gather->dirty = 1;

    return ngx_lu_journal_add(pass, event);
}
