
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_journal.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_tree.h"

#include "core/lu_text.h"


#define NGX_LU_JOURNAL_IDS    2048
#define NGX_LU_JOURNAL_PIECE  65536
#define NGX_LU_JOURNAL_BUSY   512       /* of these, not written */


struct ngx_lu_journal_s {
    ngx_uint_t                first;      /* file that there is */
    ngx_uint_t                last;
    off_t                     size;       /* of the last one */
    cJSON                    *events;     /* to be written */
    ngx_uint_t                nevents;
    ngx_uint_t                nids;
    uint64_t                  ids[NGX_LU_JOURNAL_IDS];
};


static ngx_int_t ngx_lu_journal_find(ngx_lu_pass_t *pass);
static ngx_int_t ngx_lu_journal_learn(ngx_lu_pass_t *pass,
    ngx_uint_t segment);
static u_char *ngx_lu_journal_path(ngx_lu_pass_t *pass, ngx_uint_t segment);
static u_char *ngx_lu_journal_file(ngx_lu_io_t *io, ngx_lu_store_t *store,
    ngx_uint_t segment);
static ngx_int_t ngx_lu_journal_size(ngx_lu_pass_t *pass, ngx_uint_t segment,
    off_t *size);
static ngx_int_t ngx_lu_journal_take(ngx_lu_pass_t *pass, cJSON *event,
    cJSON *before);
static uint64_t ngx_lu_journal_hash(const char *id);
static ngx_int_t ngx_lu_journal_read(ngx_lu_pass_t *pass,
    ngx_lu_place_t *place, ngx_lu_journal_buf_t *buf);


ngx_int_t
ngx_lu_journal_open(ngx_lu_pass_t *pass)
{
    ngx_lu_journal_t  *journal;

    journal = ngx_pcalloc(pass->notify->pool, sizeof(ngx_lu_journal_t));
    if (journal == NULL) {
        return ngx_lu_io_nomem(&pass->io);
    }

    pass->notify->journal = journal;

    journal->events = cJSON_CreateArray();
    if (journal->events == NULL) {
        return ngx_lu_io_nomem(&pass->io);
    }

    if (ngx_lu_journal_find(pass) != NGX_OK
        || ngx_lu_journal_size(pass, journal->last, &journal->size) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (journal->last > journal->first
        && ngx_lu_journal_learn(pass, journal->last - 1) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_lu_journal_learn(pass, journal->last);
}


static ngx_int_t
ngx_lu_journal_find(ngx_lu_pass_t *pass)
{
    ngx_int_t          n;
    ngx_str_t         *name;
    ngx_uint_t         i;
    ngx_array_t        names;
    ngx_lu_journal_t  *journal;

    journal = pass->notify->journal;

    if (ngx_lu_tree_list(&pass->io,
                         ngx_lu_path(&pass->io, "%V/notify",
                                     &pass->notify->store->path),
                         &names)
        == NGX_ERROR)
    {
        return NGX_ERROR;
    }

    name = names.elts;

    for (i = 0; i < names.nelts; i++) {

        if (name[i].len < sizeof("events.") - 1
            || ngx_strncmp(name[i].data, "events.", sizeof("events.") - 1)
               != 0)
        {
            continue;
        }

        n = ngx_atoi(name[i].data + sizeof("events.") - 1,
                     name[i].len - (sizeof("events.") - 1));

        if (n < 1) {
            continue;
        }

        if (journal->first == 0 || (ngx_uint_t) n < journal->first) {
            journal->first = n;
        }

        journal->last = ngx_max(journal->last, (ngx_uint_t) n);
    }

    if (journal->first == 0) {
        journal->first = 1;
        journal->last = 1;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_journal_learn(ngx_lu_pass_t *pass, ngx_uint_t segment)
{
    cJSON                 *event;
    lu_str_t               id;
    ngx_int_t              rc;
    ngx_lu_place_t         place, at;
    ngx_lu_journal_t      *journal;
    ngx_lu_journal_buf_t   buf;

    journal = pass->notify->journal;

    ngx_memzero(&buf, sizeof(ngx_lu_journal_buf_t));

    place.segment = segment;
    place.offset = 0;

    for ( ;; ) {
        rc = ngx_lu_journal_next(pass, &place, &at, &event, &buf);

        if (rc != NGX_OK) {
            return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
        }

        if (lu_json_string(event, "id", &id) == LU_OK) {
            journal->ids[journal->nids++ % NGX_LU_JOURNAL_IDS] =
                                        ngx_lu_journal_hash((char *) id.data);
        }

        cJSON_Delete(event);

        if (place.segment != segment) {
            return NGX_OK;
        }
    }
}


static u_char *
ngx_lu_journal_path(ngx_lu_pass_t *pass, ngx_uint_t segment)
{
    return ngx_lu_journal_file(&pass->io, pass->notify->store, segment);
}


static u_char *
ngx_lu_journal_file(ngx_lu_io_t *io, ngx_lu_store_t *store,
    ngx_uint_t segment)
{
    return ngx_lu_path(io, "%V/notify/events.%ui", &store->path, segment);
}


static ngx_int_t
ngx_lu_journal_size(ngx_lu_pass_t *pass, ngx_uint_t segment, off_t *size)
{
    ngx_int_t        rc;
    ngx_file_info_t  fi;

    *size = 0;

    rc = ngx_lu_file_info(&pass->io, ngx_lu_journal_path(pass, segment), &fi);

    if (rc == NGX_OK) {
        *size = ngx_file_size(&fi);
    }

    return rc == NGX_ERROR ? NGX_ERROR : NGX_OK;
}


void
ngx_lu_journal_close(ngx_lu_notify_t *notify)
{
    if (notify->journal) {
        cJSON_Delete(notify->journal->events);
        notify->journal = NULL;
    }
}


ngx_lu_place_t
ngx_lu_journal_end(ngx_lu_notify_t *notify)
{
    ngx_lu_place_t  place;

    place.segment = notify->journal->last;
    place.offset = notify->journal->size;

    return place;
}


/* FNV-1a */

static uint64_t
ngx_lu_journal_hash(const char *id)
{
    uint64_t  hash;

    for (hash = 14695981039346656037ULL; *id; id++) {
        hash = (hash ^ (u_char) *id) * 1099511628211ULL;
    }

    return hash;
}


ngx_uint_t
ngx_lu_journal_has(ngx_lu_notify_t *notify, const char *id)
{
    uint64_t           hash;
    ngx_uint_t         i, n;
    ngx_lu_journal_t  *journal;

    journal = notify->journal;

    hash = ngx_lu_journal_hash(id);
    n = ngx_min(journal->nids, NGX_LU_JOURNAL_IDS);

    for (i = 0; i < n; i++) {
        if (journal->ids[i] == hash) {
            return 1;
        }
    }

    return 0;
}


ngx_int_t
ngx_lu_journal_keeps(ngx_lu_io_t *io, ngx_lu_store_t *store,
    const ngx_lu_place_t *place, const lu_str_t *id)
{
    cJSON       *event;
    u_char      *path, *end;
    ssize_t      n;
    lu_str_t     line, found;
    ngx_fd_t     fd;
    ngx_int_t    rc;
    lu_error_t   err;

    path = ngx_lu_journal_file(io, store, place->segment);

    line.data = ngx_palloc(io->pool, NGX_LU_JOURNAL_PIECE);
    if (line.data == NULL) {
        return ngx_lu_io_nomem(io);
    }

    rc = ngx_lu_file_open(io, path, &fd);
    if (rc != NGX_OK) {
        return rc;
    }

    n = pread(fd, line.data, NGX_LU_JOURNAL_PIECE, place->offset);

    if (n == -1) {
        (void) ngx_lu_io_error(io, ngx_lu_io_errno(), "pread()", path);
    }

    (void) ngx_close_file(fd);

    if (n == -1) {
        return NGX_ERROR;
    }

    end = memchr(line.data, LF, n);
    if (end == NULL) {
        return NGX_DECLINED;
    }

    line.len = end - line.data;

    if (lu_json_parse(&event, &line, &err) != LU_OK) {
        return NGX_DECLINED;
    }

    rc = (lu_json_string(event, "id", &found) == LU_OK
          && lu_str_eq(&found, id))
         ? NGX_OK : NGX_DECLINED;

    cJSON_Delete(event);

    return rc;
}


ngx_int_t
ngx_lu_journal_add(ngx_lu_pass_t *pass, cJSON *event)
{
    return ngx_lu_journal_take(pass, event, NULL);
}


ngx_int_t
ngx_lu_journal_insert(ngx_lu_pass_t *pass, cJSON *event)
{
    lu_str_t   app, at, of, other;
    cJSON     *item;

    item = NULL;

    if (lu_json_string(event, "app", &app) == LU_OK
        && lu_json_string(event, "at", &at) == LU_OK)
    {
        cJSON_ArrayForEach(item, pass->notify->journal->events) {

            if (lu_json_string(item, "app", &of) == LU_OK
                && lu_str_eq(&of, &app)
                && lu_json_string(item, "at", &other) == LU_OK
                && lu_str_cmp(&other, &at) > 0)
            {
                break;
            }
        }
    }

    return ngx_lu_journal_take(pass, event, item);
}


/* Before the other event, or, if that is NULL, at the end. */

static ngx_int_t
ngx_lu_journal_take(ngx_lu_pass_t *pass, cJSON *event, cJSON *before)
{
    cJSON             *item;
    lu_str_t           id;
    ngx_lu_journal_t  *journal;

    journal = pass->notify->journal;

    if (event == NULL || lu_json_string(event, "id", &id) != LU_OK) {
        cJSON_Delete(event);
        return ngx_lu_io_nomem(&pass->io);
    }

    if (ngx_lu_journal_has(pass->notify, (char *) id.data)) {
        cJSON_Delete(event);
        return NGX_OK;
    }

    journal->ids[journal->nids++ % NGX_LU_JOURNAL_IDS] =
                                        ngx_lu_journal_hash((char *) id.data);

    (void) cJSON_AddItemToArray(journal->events, event);

    /* cJSON_InsertItemInArray() of Debian 12 fails but at the begin */

    while (before && before != event) {
        item = before;
        before = item->next;

        (void) cJSON_DetachItemViaPointer(journal->events, item);
        (void) cJSON_AddItemToArray(journal->events, item);
    }

    journal->nevents++;

    return NGX_OK;
}


ngx_int_t
ngx_lu_journal_write(ngx_lu_pass_t *pass)
{
    char              *line;
    cJSON             *item, *events;
    u_char            *path;
    lu_text_t          text;
    ngx_int_t          rc;
    ngx_lu_journal_t  *journal;

    journal = pass->notify->journal;

    if (journal->nevents == 0) {
        return NGX_OK;
    }

    lu_text_init(&text);

    for (item = journal->events->child; item; item = item->next) {

        line = cJSON_PrintUnformatted(item);

        if (line == NULL) {
            lu_text_fail(&text);
            break;
        }

        lu_text_puts(&text, line);
        lu_text_puts(&text, "\n");

        cJSON_free(line);
    }

    path = ngx_lu_journal_path(pass, journal->last);

    rc = text.data ? ngx_lu_file_append(&pass->io, path, text.data, text.len)
                   : ngx_lu_io_nomem(&pass->io);

    ngx_free(text.data);

    events = (rc == NGX_OK) ? cJSON_CreateArray() : NULL;

    if (events == NULL) {
        pass->broken = (rc == NGX_OK);
        return NGX_ERROR;
    }

    cJSON_Delete(journal->events);

    journal->events = events;
    journal->nevents = 0;

    /* what was left of a line before may have become one of its own */

    return ngx_lu_journal_size(pass, journal->last, &journal->size);
}


ngx_uint_t
ngx_lu_journal_is_busy(ngx_lu_notify_t *notify)
{
    return notify->journal->nevents >= NGX_LU_JOURNAL_BUSY;
}


ngx_uint_t
ngx_lu_journal_is_full(ngx_lu_notify_t *notify, ngx_uint_t *gone)
{
    ngx_lu_journal_t  *journal;

    journal = notify->journal;

    *gone = (journal->last - journal->first >= NGX_LU_JOURNAL_KEEP - 1)
            ? journal->last - (NGX_LU_JOURNAL_KEEP - 1) : 0;

    return journal->size >= NGX_LU_JOURNAL_SIZE;
}


ngx_int_t
ngx_lu_journal_turn(ngx_lu_pass_t *pass)
{
    ngx_lu_journal_t  *journal;

    journal = pass->notify->journal;

    if (ngx_lu_file_touch(&pass->io,
                          ngx_lu_journal_path(pass, journal->last + 1))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    journal->last++;
    journal->size = 0;

    while (journal->last - journal->first >= NGX_LU_JOURNAL_KEEP) {

        if (ngx_lu_file_unlink(&pass->io,
                               ngx_lu_journal_path(pass, journal->first))
            == NGX_ERROR)
        {
            return NGX_ERROR;
        }

        journal->first++;
    }

    return NGX_OK;
}


ngx_int_t
ngx_lu_journal_next(ngx_lu_pass_t *pass, ngx_lu_place_t *place,
    ngx_lu_place_t *at, cJSON **event, ngx_lu_journal_buf_t *buf)
{
    u_char            *p, *end;
    size_t             skip;
    lu_str_t           line;
    ngx_int_t          rc;
    lu_error_t         err;
    ngx_lu_journal_t  *journal;

    journal = pass->notify->journal;

    if (place->segment < journal->first) {
        place->segment = journal->first;
        place->offset = 0;
    }

    for ( ;; ) {

        if (place->segment > journal->last
            || (place->segment == journal->last
                && place->offset >= journal->size))
        {
            return NGX_DECLINED;
        }

        skip = (size_t) (place->offset - buf->from.offset);

        if (buf->size == 0
            || buf->from.segment != place->segment
            || place->offset < buf->from.offset
            || skip >= buf->size
            || memchr(buf->data + skip, LF, buf->size - skip) == NULL)
        {
            rc = ngx_lu_journal_read(pass, place, buf);

            if (rc == NGX_ERROR) {
                return NGX_ERROR;
            }

            if (rc == NGX_DECLINED) {

                if (place->segment == journal->last) {
                    return NGX_DECLINED;
                }

                place->segment++;
                place->offset = 0;
                continue;
            }

            skip = 0;
        }

        p = buf->data + skip;
        end = memchr(p, LF, buf->size - skip);

        line.data = p;
        line.len = end - p;

        *at = *place;
        place->offset += line.len + 1;

        if (lu_json_parse(event, &line, &err) == LU_OK) {
            return NGX_OK;
        }

        /* a crash has left a part of a line */
    }
}


/* NGX_DECLINED: there is no further line. */

static ngx_int_t
ngx_lu_journal_read(ngx_lu_pass_t *pass, ngx_lu_place_t *place,
    ngx_lu_journal_buf_t *buf)
{
    u_char     *path;
    ssize_t     n;
    ngx_fd_t    fd;
    ngx_int_t   rc;

    if (buf->data == NULL) {
        buf->data = ngx_palloc(pass->io.pool, NGX_LU_JOURNAL_PIECE);
        if (buf->data == NULL) {
            return ngx_lu_io_nomem(&pass->io);
        }
    }

    buf->size = 0;

    path = ngx_lu_journal_path(pass, place->segment);

    rc = ngx_lu_file_open(&pass->io, path, &fd);
    if (rc != NGX_OK) {
        return rc;
    }

    n = pread(fd, buf->data, NGX_LU_JOURNAL_PIECE, place->offset);

    if (n == -1) {
        (void) ngx_lu_io_failed(&pass->io, "pread()", path);
    }

    (void) ngx_close_file(fd);

    if (n == -1) {
        return NGX_ERROR;
    }

    buf->size = n;
    buf->from = *place;

    if (n && memchr(buf->data, LF, n) == NULL && n == NGX_LU_JOURNAL_PIECE) {

        /* no event is that long */

        place->offset += n;
        return ngx_lu_journal_read(pass, place, buf);
    }

    return (n && memchr(buf->data, LF, n)) ? NGX_OK : NGX_DECLINED;
}
