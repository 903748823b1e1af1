
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_names.h"
#include "ngx_lu_release.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_tree.h"
#include "store/ngx_lu_turn.h"

#include "core/lu_names.h"
#include "core/lu_sha256.h"


/* A record that is read, or written anew. */

typedef struct {
    u_char       *path;
    lu_str_t      text;
    unsigned      is_new:1;       /* there is no such file yet, or a part of
                                     its last line is to be cut off */
} ngx_lu_names_t;


static ngx_int_t ngx_lu_names_read(ngx_lu_task_t *task,
    ngx_lu_names_t *record);
static ngx_int_t ngx_lu_names_collect(ngx_lu_task_t *task,
    ngx_lu_names_t *record);
static ngx_int_t ngx_lu_names_release(ngx_lu_task_t *task, const char *id,
    lu_str_t *lines);
static ngx_int_t ngx_lu_names_unread(ngx_lu_task_t *task, ngx_int_t rc);
static ngx_int_t ngx_lu_names_compare(ngx_lu_task_t *task,
    const lu_str_t *record, const lu_file_t *files, size_t n, u_char *known);
static ngx_int_t ngx_lu_names_print(ngx_lu_task_t *task, const char *id,
    const lu_file_t *files, size_t n, const u_char *known, lu_str_t *lines);
static ngx_int_t ngx_lu_names_write(ngx_lu_task_t *task,
    const ngx_lu_names_t *record, const lu_str_t *lines);


ngx_int_t
ngx_lu_names_check(ngx_lu_task_t *task, const lu_file_t *files, size_t n,
    u_char *known)
{
    ngx_int_t       status;
    ngx_lu_names_t  record;

    status = ngx_lu_names_read(task, &record);
    if (status != NGX_OK) {
        return status;
    }

    return ngx_lu_names_compare(task, &record.text, files, n, known);
}


ngx_int_t
ngx_lu_names_add(ngx_lu_task_t *task, const lu_file_t *files, size_t n)
{
    u_char          *known;
    lu_str_t         lines;
    ngx_int_t        status;
    ngx_lu_names_t   record;

    status = ngx_lu_names_read(task, &record);
    if (status != NGX_OK) {
        return status;
    }

    known = ngx_pcalloc(task->io.pool, n + 1);
    if (known == NULL) {
        return ngx_lu_task_nomem(task);
    }

    status = ngx_lu_names_compare(task, &record.text, files, n, known);
    if (status != NGX_OK) {
        return status;
    }

    status = ngx_lu_names_print(task, task->subject, files, n, known, &lines);
    if (status != NGX_OK) {
        return status;
    }

    return ngx_lu_names_write(task, &record, &lines);
}


static ngx_int_t
ngx_lu_names_read(ngx_lu_task_t *task, ngx_lu_names_t *record)
{
    ngx_int_t        rc;
    ngx_file_info_t  fi;

    ngx_memzero(record, sizeof(ngx_lu_names_t));

    record->path = ngx_lu_path(&task->io, "%V/apps/%s/names",
                               &task->store->path, task->app.data);

    rc = ngx_lu_file_read(&task->io, record->path, &record->text, &fi);

    if (rc == NGX_DECLINED) {
        record->is_new = 1;
        return ngx_lu_names_collect(task, record);
    }

    if (rc != NGX_OK) {
        return ngx_lu_task_failed(task);
    }

    /* a part of a name must not become a name */

    while (record->text.len && record->text.data[record->text.len - 1] != LF) {
        record->text.len--;
        record->is_new = 1;
    }

    return NGX_OK;
}


/* A store from before there were records has only the releases in live/. */

static ngx_int_t
ngx_lu_names_collect(ngx_lu_task_t *task, ngx_lu_names_t *record)
{
    u_char       *p;
    size_t        len;
    lu_str_t     *lines, *line;
    ngx_int_t     status;
    ngx_str_t    *id;
    ngx_uint_t    i;
    ngx_array_t   ids;

    p = ngx_lu_path(&task->io, "%V/live/%s", &task->store->path,
                    task->app.data);

    ngx_lu_turn_refresh(&task->io, p);

    if (ngx_lu_tree_list(&task->io, p, &ids) == NGX_ERROR) {
        return ngx_lu_task_failed(task);
    }

    lines = ngx_pcalloc(task->io.pool, (ids.nelts + 1) * sizeof(lu_str_t));
    if (lines == NULL) {
        return ngx_lu_task_nomem(task);
    }

    id = ids.elts;
    len = 0;

    for (i = 0; i < ids.nelts; i++) {

        /* what is in live/ is what it was when it came there */

        task->io.plain = 1;
        status = ngx_lu_names_release(task, (char *) id[i].data, &lines[i]);
        task->io.plain = 0;

        if (status != NGX_OK) {
            return status;
        }

        len += lines[i].len;
    }

    p = ngx_pnalloc(task->io.pool, len + 1);
    if (p == NULL) {
        return ngx_lu_task_nomem(task);
    }

    record->text.data = p;
    record->text.len = len;

    for (line = lines; line < lines + ids.nelts; line++) {
        p = ngx_lu_cpymem(p, line->data, line->len);
    }

    return NGX_OK;
}


/* The lines of one release; none if it is not to be read. */

static ngx_int_t
ngx_lu_names_release(ngx_lu_task_t *task, const char *id, lu_str_t *lines)
{
    cJSON            *json;
    size_t            n;
    u_char           *folder;
    lu_rc_e           parsed;
    ngx_int_t         rc;
    lu_str_t          text;
    lu_file_t        *files;
    lu_kind_e         kind;
    lu_error_t        why;
    lu_arena_t        arena;
    ngx_file_info_t   fi;

    /* that of task->subject is about to be added */

    if (task->subject && ngx_strcmp(task->subject, id) == 0) {
        return NGX_OK;
    }

    folder = ngx_lu_release_live(task, id);

    rc = ngx_lu_release_load(&task->io, folder, &json);
    if (rc != NGX_OK) {
        return ngx_lu_names_unread(task, rc);
    }

    kind = lu_release_kind(json);

    cJSON_Delete(json);

    if (kind != LU_KIND_DESKTOP) {
        return NGX_OK;
    }

    rc = ngx_lu_file_read(&task->io,
                          ngx_lu_path_in(&task->io, folder, "files.json"),
                          &text, &fi);
    if (rc != NGX_OK) {
        return ngx_lu_names_unread(task, rc);
    }

    arena = ngx_lu_arena(task->io.pool);

    parsed = lu_file_table_parse(&arena, &text, &files, &n, &why);

    if (parsed == LU_NOMEM) {
        return ngx_lu_task_nomem(task);
    }

    if (parsed != LU_OK) {
        return NGX_OK;
    }

    return ngx_lu_names_print(task, id, files, n, NULL, lines);
}


/*
 * The record is kept for good: what the disk does not give now it may give
 * later.  Only what is absent, no JSON, or too large will not become readable.
 */

static ngx_int_t
ngx_lu_names_unread(ngx_lu_task_t *task, ngx_int_t rc)
{
    if (rc == NGX_ERROR
        && task->io.err != NGX_EINVAL
        && task->io.err != EFBIG)
    {
        return ngx_lu_task_failed(task);
    }

    ngx_lu_io_clear(&task->io);

    return NGX_OK;
}


static ngx_int_t
ngx_lu_names_compare(ngx_lu_task_t *task, const lu_str_t *record,
    const lu_file_t *files, size_t n, u_char *known)
{
    u_char           *text;
    size_t            at;
    lu_names_t        entry;
    const lu_file_t  *file;

    at = 0;

    while (lu_names_next(record, &at, &entry)) {

        file = lu_file_find(files, n, &entry.name);

        if (file == NULL || !lu_names_is_fixed(&file->href)) {
            continue;
        }

        if (lu_str_eq(&file->sha256, &entry.sha256)) {

            if (known) {
                known[file - files] = 1;
            }

            continue;
        }

        text = ngx_lu_format(task->io.pool,
                             "is not the file that had this name in the "
                             "release \"%*s\", and caches keep that one for a "
                             "year: build it with another name, or as another "
                             "version",
                             entry.release.len, entry.release.data);
        if (text == NULL) {
            return ngx_lu_task_nomem(task);
        }

        (void) lu_error(&task->error, &file->href, (char *) text);

        return NGX_HTTP_CONFLICT;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_names_print(ngx_lu_task_t *task, const char *id,
    const lu_file_t *files, size_t n, const u_char *known, lu_str_t *lines)
{
    u_char  *p;
    size_t   i, len;

    len = 0;

    for (i = 0; i < n; i++) {
        len += LU_SHA256_HEX + 1 + ngx_strlen(id) + 1 + files[i].href.len + 1;
    }

    p = ngx_pnalloc(task->io.pool, len + 1);
    if (p == NULL) {
        return ngx_lu_task_nomem(task);
    }

    lines->data = p;

    for (i = 0; i < n; i++) {

        if ((known && known[i]) || !lu_names_is_fixed(&files[i].href)) {
            continue;
        }

        p = ngx_sprintf(p, "%*s %s %*s\n",
                        files[i].sha256.len, files[i].sha256.data, id,
                        files[i].href.len, files[i].href.data);
    }

    lines->len = p - lines->data;

    return NGX_OK;
}


static ngx_int_t
ngx_lu_names_write(ngx_lu_task_t *task, const ngx_lu_names_t *record,
    const lu_str_t *lines)
{
    u_char     *p;
    lu_str_t    text;
    ngx_int_t   rc;

    if (!record->is_new && lines->len == 0) {
        return NGX_OK;
    }

    if (!record->is_new && record->text.len + lines->len <= LU_NAMES_SIZE) {
        rc = ngx_lu_file_append(&task->io, record->path, (char *) lines->data,
                                lines->len);

        return rc == NGX_OK ? NGX_OK : ngx_lu_task_failed(task);
    }

    text.len = record->text.len + lines->len;
    text.data = ngx_pnalloc(task->io.pool, text.len + 1);

    if (text.data == NULL) {
        return ngx_lu_task_nomem(task);
    }

    p = ngx_lu_cpymem(text.data, record->text.data, record->text.len);
    (void) ngx_lu_cpymem(p, lines->data, lines->len);

    text = lu_names_cut(&text);

    rc = ngx_lu_file_write(&task->io, task->store, record->path,
                           (char *) text.data, text.len);

    return rc == NGX_OK ? NGX_OK : ngx_lu_task_failed(task);
}
