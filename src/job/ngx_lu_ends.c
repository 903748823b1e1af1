
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_ends.h"
#include "ngx_lu_expiry.h"
#include "ngx_lu_journal.h"

#include "core/lu_put.h"

#include <sys/statvfs.h>


#define NGX_LU_ENDS_DISK   60000      /* msec */
#define NGX_LU_ENDS_HOUR   3600000

/* people are told so many days before and after the end, once a day */

#define NGX_LU_ENDS_DAY    86400      /* seconds */
#define NGX_LU_ENDS_DAYS   14


static ngx_int_t ngx_lu_ends_disk(ngx_lu_pass_t *pass, ngx_lu_ends_t *ends);
static ngx_int_t ngx_lu_ends_certificates(ngx_lu_pass_t *pass,
    ngx_lu_ends_t *ends);
static ngx_int_t ngx_lu_ends_token(ngx_lu_pass_t *pass);
static ngx_int_t ngx_lu_ends_tell(ngx_lu_pass_t *pass, const char *what,
    const char *subject, time_t end);


ngx_int_t
ngx_lu_ends(ngx_lu_pass_t *pass, ngx_lu_ends_t *ends)
{
    return (ngx_lu_ends_disk(pass, ends) == NGX_OK
            && ngx_lu_ends_certificates(pass, ends) == NGX_OK)
           ? NGX_OK : NGX_ERROR;
}


/* Told once, until there is clearly more space again. */

static ngx_int_t
ngx_lu_ends_disk(ngx_lu_pass_t *pass, ngx_lu_ends_t *ends)
{
    char             id[LU_EVENT_ID + 1];
    cJSON           *event;
    u_char          *reason;
    double           left;
    lu_str_t         texts[2];
    ngx_uint_t       limit;
    struct statvfs   fs;

    limit = pass->notify->conf->disk;

    if (limit == 0 || (ngx_msec_int_t) (pass->msec - ends->disk) < 0) {
        return NGX_OK;
    }

    ends->disk = pass->msec + NGX_LU_ENDS_DISK;

    if (statvfs((char *) pass->notify->store->path.data, &fs) == -1
        || fs.f_blocks == 0)
    {
        return NGX_OK;
    }

    left = 100.0 * fs.f_bavail / fs.f_blocks;

    if (fs.f_files) {
        left = ngx_min(left, 100.0 * fs.f_favail / fs.f_files);
    }

    if (ends->full || left >= limit) {

        if (ends->full && left >= lu_event_enough((double) limit)) {
            ends->full = 0;
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

    ends->full = 1;

    return ngx_lu_journal_add(pass, event);
}


static ngx_int_t
ngx_lu_ends_certificates(ngx_lu_pass_t *pass, ngx_lu_ends_t *ends)
{
    ngx_uint_t             i;
    ngx_array_t           *certificates;
    ngx_lu_certificate_t  *certificate;

    if ((ngx_msec_int_t) (pass->msec - ends->certificates) < 0) {
        return NGX_OK;
    }

    ends->certificates = pass->msec + NGX_LU_ENDS_HOUR;

    certificates = pass->notify->store->certificates;
    certificate = certificates->elts;

    for (i = 0; i < certificates->nelts; i++) {

        if (ngx_lu_ends_tell(pass, "certificate",
                             (char *) certificate[i].path.data,
                             certificate[i].end)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ngx_lu_ends_token(pass);
}


static ngx_int_t
ngx_lu_ends_token(ngx_lu_pass_t *pass)
{
    time_t           end;
    u_char          *repo;
    ngx_lu_store_t  *store;

    store = pass->notify->store;
    end = ngx_lu_expiry(&pass->io, store);

    if (end == 0) {
        return NGX_OK;
    }

    repo = ngx_lu_format(pass->io.pool, "%V", &store->jobs->github->repo);
    if (repo == NULL) {
        return ngx_lu_io_nomem(&pass->io);
    }

    return ngx_lu_ends_tell(pass, "token", (char *) repo, end);
}


/* The id has the day: the journal has it once. */

static ngx_int_t
ngx_lu_ends_tell(ngx_lu_pass_t *pass, const char *what, const char *subject,
    time_t end)
{
    char      id[LU_EVENT_ID + 1], until[LU_TIME_SIZE];
    cJSON    *event;
    time_t    left;
    u_char   *day, *type, *reason;
    lu_put_t  put;
    lu_str_t  texts[4];

    left = end - pass->sec;

    if (left >= NGX_LU_ENDS_DAYS * NGX_LU_ENDS_DAY
        || left < -NGX_LU_ENDS_DAYS * NGX_LU_ENDS_DAY)
    {
        return NGX_OK;
    }

    lu_time_print(until, end, 0);

    day = ngx_lu_format(pass->io.pool, "%T", pass->sec / NGX_LU_ENDS_DAY);
    type = ngx_lu_format(pass->io.pool, "%s.%s", what,
                         left > 0 ? "expiring" : "expired");
    reason = ngx_lu_format(pass->io.pool,
                           left > 0 ? "it is valid until %s, and nginx must "
                                      "read a new one by then"
                                    : "it was valid until %s, and nginx must "
                                      "read a new one",
                           until);

    if (day == NULL || type == NULL || reason == NULL) {
        return ngx_lu_io_nomem(&pass->io);
    }

    texts[0] = lu_str((char *) type);
    texts[1] = lu_str(subject);
    texts[2] = lu_str(until);
    texts[3] = lu_str((char *) day);

    lu_event_id(id, texts, 4);

    event = lu_event_make(id, (char *) type, pass->now, NULL, "liveupdate",
                          NULL, (char *) reason);
    if (event == NULL) {
        return ngx_lu_io_nomem(&pass->io);
    }

    lu_put_init(&put);
    lu_put_string(&put, event, "subject", subject);

    return ngx_lu_journal_add(pass, lu_put_done(&put, event));
}
