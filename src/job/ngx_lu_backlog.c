
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_backlog.h"
#include "ngx_lu_herald.h"
#include "ngx_lu_journal.h"

#include "zone/ngx_lu_count.h"


#define NGX_LU_BACKLOG_EVENTS  1000     /* of a pass and target */


static ngx_uint_t ngx_lu_backlog_is_before(const ngx_lu_place_t *one,
    const ngx_lu_place_t *two);
static ngx_int_t ngx_lu_backlog_find(ngx_lu_pass_t *pass,
    ngx_lu_addressee_t *addressee);
static ngx_int_t ngx_lu_backlog_count(ngx_lu_pass_t *pass,
    ngx_lu_addressee_t *addressee);


void
ngx_lu_backlog_begin(ngx_lu_addressee_t *addressee)
{
    addressee->counted = addressee->place;
    addressee->waiting = 0;
    addressee->oldest = 0;
}


void
ngx_lu_backlog_first(ngx_lu_addressee_t *addressee, const cJSON *event)
{
    lu_str_t  at;

    if (lu_json_string(event, "at", &at) == LU_OK) {
        (void) lu_time_parse(&at, &addressee->oldest);
    }
}


void
ngx_lu_backlog_over(ngx_lu_addressee_t *addressee,
    const ngx_lu_notice_t *notice)
{
    addressee->oldest = 0;

    if (ngx_lu_backlog_is_before(&notice->place, &addressee->counted)) {
        addressee->waiting--;
        return;
    }

    /* nothing in between is for it */

    addressee->counted = notice->next;
}


static ngx_uint_t
ngx_lu_backlog_is_before(const ngx_lu_place_t *one, const ngx_lu_place_t *two)
{
    return one->segment < two->segment
           || (one->segment == two->segment && one->offset < two->offset);
}


ngx_int_t
ngx_lu_backlog(ngx_lu_pass_t *pass)
{
    size_t                 i;
    ngx_lu_scan_t         *scan;
    ngx_lu_addressee_t    *addressee;
    ngx_lu_notify_conf_t  *conf;

    conf = pass->notify->conf;
    scan = &ngx_lu_count_numbers(pass->notify->store)->scan;

    if (scan->names != conf->names) {

        /* what is there is of other targets, before a reload */

        scan->notified = 0;
        scan->names = conf->names;
    }

    for (i = 0; i < conf->ntargets; i++) {
        addressee = &pass->notify->addressees[i];

        if (ngx_lu_backlog_find(pass, addressee) != NGX_OK
            || ngx_lu_backlog_count(pass, addressee) != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (i < NGX_LU_BACKLOGS) {
            scan->waiting[i] = addressee->waiting;
            scan->since[i] = addressee->waiting ? addressee->oldest : 0;
        }
    }

    scan->notified = pass->msec;

    return NGX_OK;
}


/* The first one, if it is not prepared: the target is paused, for instance. */

static ngx_int_t
ngx_lu_backlog_find(ngx_lu_pass_t *pass, ngx_lu_addressee_t *addressee)
{
    cJSON                 *event;
    ngx_int_t              rc;
    ngx_uint_t             i;
    ngx_lu_place_t         at, next;
    ngx_lu_journal_buf_t   buf;

    if (addressee->waiting == 0 || addressee->oldest) {
        return NGX_OK;
    }

    ngx_memzero(&buf, sizeof(ngx_lu_journal_buf_t));

    next = addressee->place;

    for (i = 0; i < NGX_LU_BACKLOG_EVENTS; i++) {

        rc = ngx_lu_journal_next(pass, &next, &at, &event, &buf);

        if (rc != NGX_OK) {
            return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
        }

        if (ngx_lu_herald_wants(addressee, event)) {
            ngx_lu_backlog_first(addressee, event);

            cJSON_Delete(event);
            return NGX_OK;
        }

        cJSON_Delete(event);

        addressee->place = next;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_backlog_count(ngx_lu_pass_t *pass, ngx_lu_addressee_t *addressee)
{
    cJSON                 *event;
    ngx_int_t              rc;
    ngx_uint_t             i;
    ngx_lu_place_t         at, end;
    ngx_lu_journal_buf_t   buf;

    end = ngx_lu_journal_end(pass->notify);

    if (addressee->counted.segment == end.segment
        && addressee->counted.offset == end.offset)
    {
        return NGX_OK;
    }

    ngx_memzero(&buf, sizeof(ngx_lu_journal_buf_t));

    for (i = 0; i < NGX_LU_BACKLOG_EVENTS; i++) {

        rc = ngx_lu_journal_next(pass, &addressee->counted, &at, &event, &buf);

        if (rc != NGX_OK) {
            return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
        }

        if (ngx_lu_herald_wants(addressee, event)) {

            if (addressee->waiting++ == 0) {
                ngx_lu_backlog_first(addressee, event);
            }
        }

        cJSON_Delete(event);
    }

    return NGX_OK;
}
