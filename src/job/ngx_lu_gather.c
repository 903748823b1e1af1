
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_gather.h"
#include "ngx_lu_herald.h"
#include "ngx_lu_inbox.h"
#include "ngx_lu_journal.h"
#include "ngx_lu_progress.h"
#include "ngx_lu_steps.h"

#include "zone/ngx_lu_zone.h"
#include "store/ngx_lu_file.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_tree.h"

#include "core/lu_name.h"
#include "core/lu_put.h"


#define NGX_LU_GATHER_PIECE  65536

/* apps that are looked through for steps of plans, of a pass */

#define NGX_LU_GATHER_STEPS  32

/* all apps are looked at in a time that grows with their number */

#define NGX_LU_GATHER_LOOK   1000       /* msec, for 200 apps */


static ngx_int_t ngx_lu_gather_apps(ngx_lu_pass_t *pass);
static ngx_int_t ngx_lu_gather_all(ngx_lu_pass_t *pass);
static ngx_int_t ngx_lu_gather_changed(ngx_lu_pass_t *pass,
    ngx_rbtree_node_t *node);
static ngx_int_t ngx_lu_gather_app(ngx_lu_pass_t *pass,
    ngx_lu_progress_log_t *log);
static ngx_int_t ngx_lu_gather_begin(ngx_lu_pass_t *pass,
    ngx_lu_progress_log_t *log, ngx_file_info_t *fi);
static ngx_int_t ngx_lu_gather_created(ngx_lu_pass_t *pass, ngx_str_t *app,
    u_char *created);
static ngx_int_t ngx_lu_gather_steps(ngx_lu_pass_t *pass,
    ngx_lu_progress_log_t *log);
static ngx_int_t ngx_lu_gather_entries(ngx_lu_pass_t *pass,
    ngx_lu_progress_log_t *log, u_char *path, off_t size);
static ngx_int_t ngx_lu_gather_piece(ngx_lu_pass_t *pass, u_char *path,
    off_t offset, lu_str_t *piece);
static ngx_int_t ngx_lu_gather_read_app(ngx_lu_pass_t *pass, ngx_str_t *app,
    cJSON **json);
static cJSON *ngx_lu_gather_entry(lu_str_t *rest, lu_str_t *line);
static ngx_int_t ngx_lu_gather_tell(ngx_lu_pass_t *pass,
    ngx_lu_progress_log_t *log, const cJSON *app, const cJSON *entry,
    const lu_str_t *line);


ngx_int_t
ngx_lu_gather_open(ngx_lu_pass_t *pass)
{
    ngx_lu_progress_t  *progress;

    progress = ngx_pcalloc(pass->notify->pool, sizeof(ngx_lu_progress_t));
    if (progress == NULL) {
        return ngx_lu_io_nomem(&pass->io);
    }

    progress->piece = ngx_palloc(pass->notify->pool, NGX_LU_GATHER_PIECE);
    if (progress->piece == NULL) {
        return ngx_lu_io_nomem(&pass->io);
    }

    ngx_rbtree_init(&progress->tree, &progress->sentinel,
                    ngx_str_rbtree_insert_value);

    progress->look = pass->msec;
    progress->ends.disk = pass->msec;
    progress->ends.certificates = pass->msec;
    progress->save = pass->msec;

    pass->notify->progress = progress;

    return ngx_lu_progress_read(pass);
}


ngx_int_t
ngx_lu_gather(ngx_lu_pass_t *pass)
{
    ngx_int_t           rc;
    ngx_uint_t          gone, full;
    ngx_array_t         names;
    ngx_lu_progress_t  *progress;

    progress = pass->notify->progress;
    progress->steps = 0;

    full = progress->ends.full;

    if (ngx_lu_ends(pass, &progress->ends) != NGX_OK) {
        return NGX_ERROR;
    }

    progress->dirty |= (full != progress->ends.full);

    if (ngx_lu_gather_apps(pass) != NGX_OK
        || ngx_lu_inbox_list(pass, &names) != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* the logs may have had entries since, before what is in the list */

    if (names.nelts && ngx_lu_gather_apps(pass) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_lu_inbox(pass, &names) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_lu_journal_is_full(pass->notify, &gone)) {

        rc = gone ? ngx_lu_herald_leave(pass, gone) : NGX_OK;

        if (rc == NGX_ERROR
            || (rc == NGX_OK && ngx_lu_journal_turn(pass) != NGX_OK))
        {
            return NGX_ERROR;
        }
    }

    if (progress->known
        && (!progress->begun
            || (progress->dirty
                && (ngx_msec_int_t) (pass->msec - progress->save) >= 0)))
    {
        return ngx_lu_progress_save(pass);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_gather_apps(ngx_lu_pass_t *pass)
{
    ngx_lu_progress_t  *progress;

    progress = pass->notify->progress;

    if ((ngx_msec_int_t) (pass->msec - progress->look) >= 0) {
        return ngx_lu_gather_all(pass);
    }

    if (progress->tree.root == progress->tree.sentinel) {
        return NGX_OK;
    }

    return ngx_lu_gather_changed(pass, progress->tree.root);
}


static ngx_int_t
ngx_lu_gather_all(ngx_lu_pass_t *pass)
{
    lu_str_t                app;
    ngx_int_t               rc;
    ngx_str_t              *name;
    ngx_uint_t              i;
    ngx_array_t             names;
    ngx_lu_progress_t      *progress;
    ngx_lu_progress_log_t  *log;

    progress = pass->notify->progress;

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

        log = ngx_lu_progress_log(pass, &name[i]);
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

        log->seen = progress->looks + 1;
    }

    progress->known = 1;
    progress->looks++;
    progress->look = pass->msec
                   + NGX_LU_GATHER_LOOK * (1 + progress->nlogs / 200);

    return NGX_OK;
}


/* Those that this machine has changed since. */

static ngx_int_t
ngx_lu_gather_changed(ngx_lu_pass_t *pass, ngx_rbtree_node_t *node)
{
    ngx_int_t               rc;
    ngx_lu_progress_t      *progress;
    ngx_lu_progress_log_t  *log;

    progress = pass->notify->progress;
    log = (ngx_lu_progress_log_t *) node;

    if (node->left != progress->tree.sentinel) {
        rc = ngx_lu_gather_changed(pass, node->left);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (log->seen == progress->looks
        && !ngx_lu_journal_is_busy(pass->notify)
        && (*ngx_lu_zone_generation(pass->notify->store, &log->sn.str)
            != log->changes
            || log->step <= pass->sec))
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

    return (node->right != progress->tree.sentinel)
           ? ngx_lu_gather_changed(pass, node->right) : NGX_OK;
}


static ngx_int_t
ngx_lu_gather_app(ngx_lu_pass_t *pass, ngx_lu_progress_log_t *log)
{
    off_t               size;
    u_char             *path;
    ngx_int_t           rc;
    ngx_file_info_t     fi;
    ngx_lu_progress_t  *progress;
    ngx_atomic_uint_t   changes;

    progress = pass->notify->progress;

    changes = *ngx_lu_zone_generation(pass->notify->store, &log->sn.str);

    path = ngx_lu_path(&pass->io, "%V/apps/%V/audit.log",
                       &pass->notify->store->path, &log->sn.str);

    rc = ngx_lu_file_info(&pass->io, path, &fi);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
    }

    size = ngx_file_size(&fi);

    rc = ngx_lu_gather_begin(pass, log, &fi);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
    }

    if (size > log->offset) {
        rc = ngx_lu_gather_entries(pass, log, path, size);
        if (rc != NGX_OK) {
            return NGX_ERROR;
        }

        log->step = 0;
    }

    if (log->offset == size) {
        progress->dirty |= (log->since != 0);

        log->since = 0;
        log->ended = pass->sec;
    }

    log->changes = changes;

    return log->step <= pass->sec ? ngx_lu_gather_steps(pass, log) : NGX_OK;
}


/*
 * At first, what has happened is no news.  An app that was deleted may be made
 * anew, and then its log is another one; a backup may have brought that, too,
 * with what was told long ago.  NGX_DECLINED: there is no app.
 */

static ngx_int_t
ngx_lu_gather_begin(ngx_lu_pass_t *pass, ngx_lu_progress_log_t *log,
    ngx_file_info_t *fi)
{
    u_char                  created[NGX_LU_PROGRESS_CREATED];
    ngx_int_t               rc;
    ngx_uint_t              other;
    ngx_lu_progress_t      *progress;
    ngx_lu_progress_file_t  file;

    progress = pass->notify->progress;

    ngx_memzero(&file, sizeof(ngx_lu_progress_file_t));

    file.uniq = ngx_file_uniq(fi);
    file.size = ngx_file_size(fi);
    file.changed = fi->st_mtim;

    other = (log->offset && log->seen < progress->looks);

    if (!other && ngx_memcmp(&file, &log->file, sizeof(file)) == 0) {
        return NGX_OK;
    }

    rc = ngx_lu_gather_created(pass, &log->sn.str, created);
    if (rc != NGX_OK) {
        return rc;
    }

    other |= (file.size < log->offset
              || (log->file.uniq && log->file.uniq != file.uniq)
              || (log->created[0] && ngx_strcmp(log->created, created) != 0));

    log->file = file;
    ngx_memcpy(log->created, created, NGX_LU_PROGRESS_CREATED);

    if (!progress->begun && log->seen == 0) {
        log->offset = file.size;
        log->told = pass->sec;

    } else if (other) {
        log->offset = 0;
        log->since = ngx_max(log->since, log->ended - NGX_LU_PROGRESS_TRUE);
        log->told = log->since;
        log->step = 0;

    } else {
        return NGX_OK;
    }

    log->generation = -1;
    progress->dirty = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_lu_gather_created(ngx_lu_pass_t *pass, ngx_str_t *app, u_char *created)
{
    cJSON     *json;
    lu_str_t   text;
    ngx_int_t  rc;

    ngx_memzero(created, NGX_LU_PROGRESS_CREATED);

    rc = ngx_lu_gather_read_app(pass, app, &json);
    if (rc != NGX_OK) {
        return rc;
    }

    if (lu_json_string(json, "createdAt", &text) == LU_OK) {
        (void) ngx_cpystrn(created, text.data,
                           ngx_min(text.len + 1, NGX_LU_PROGRESS_CREATED));
    }

    cJSON_Delete(json);

    return NGX_OK;
}


/* No audit log has them, and an app may be large. */

static ngx_int_t
ngx_lu_gather_steps(ngx_lu_pass_t *pass, ngx_lu_progress_log_t *log)
{
    time_t              told;
    ngx_int_t           rc;
    ngx_lu_progress_t  *progress;

    progress = pass->notify->progress;

    if (progress->steps == NGX_LU_GATHER_STEPS) {
        return NGX_OK;
    }

    progress->steps++;
    told = log->told;

    log->told = ngx_max(log->told, pass->sec - NGX_LU_PROGRESS_OLD);

    rc = ngx_lu_steps(pass, &log->sn.str, &log->told, &log->step);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc == NGX_DECLINED) {
        log->step = LU_TIME_MAX;
    }

    progress->dirty |= (log->told != told);

    return NGX_OK;
}


/*
 * An entry is written before its change.  If the app has not come to its
 * generation, the change is not made yet, or a crash has prevented it; then
 * the next entry has the same generation.
 */

static ngx_int_t
ngx_lu_gather_entries(ngx_lu_pass_t *pass, ngx_lu_progress_log_t *log,
    u_char *path, off_t size)
{
    cJSON     *app, *entry, *next;
    double     generation, current, following;
    lu_str_t   rest, line, line_next;
    ngx_int_t  rc;

    app = NULL;

    rc = ngx_lu_gather_piece(pass, path, log->offset, &rest);

    if (rc == NGX_OK) {
        rc = ngx_lu_gather_read_app(pass, &log->sn.str, &app);
    }

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
    }

    current = 0;
    (void) lu_json_number(app, "generation", &current);

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
            rc = ngx_lu_gather_tell(pass, log, app, entry, &line);

            if (rc == NGX_OK) {
                log->generation = generation;
            }
        }

        cJSON_Delete(entry);

        if (rc != NGX_OK) {
            cJSON_Delete(next);
            break;
        }

        log->offset += line.len;
        pass->notify->progress->dirty = 1;

        entry = next;
        line = line_next;
    }

    cJSON_Delete(app);

    return rc;
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

    piece->data = pass->notify->progress->piece;

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
ngx_lu_gather_read_app(ngx_lu_pass_t *pass, ngx_str_t *app, cJSON **json)
{
    return ngx_lu_file_read_json(&pass->io,
                                 ngx_lu_path(&pass->io, "%V/apps/%V/app.json",
                                             &pass->notify->store->path, app),
                                 json);
}


/*
 * Takes a line, with its end, and parses it; NULL if it is no entry, with an
 * empty line at the end.  No entry is longer than a piece.
 */

static cJSON *
ngx_lu_gather_entry(lu_str_t *rest, lu_str_t *line)
{
    cJSON      *entry;
    u_char     *end;
    lu_str_t    text;
    lu_error_t  err;

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
ngx_lu_gather_tell(ngx_lu_pass_t *pass, ngx_lu_progress_log_t *log,
    const cJSON *app, const cJSON *entry, const lu_str_t *line)
{
    char      id[LU_EVENT_ID + 1];
    cJSON    *event;
    time_t    at;
    lu_put_t  put;
    lu_str_t  texts[2], text;

    if (lu_json_string(entry, "at", &text) == LU_OK
        && lu_time_parse(&text, &at) == LU_OK
        && at < ngx_max(log->since, pass->sec - NGX_LU_PROGRESS_OLD))
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
        lu_put_init(&put);
        lu_put_copy(&put, event, "appName", app, "name");

        return ngx_lu_journal_add(pass, lu_put_done(&put, event));

    case LU_NOMEM:
        return ngx_lu_io_nomem(&pass->io);

    default:
        return NGX_OK;
    }
}
