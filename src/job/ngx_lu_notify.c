
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_backlog.h"
#include "ngx_lu_gather.h"
#include "ngx_lu_herald.h"
#include "ngx_lu_job.h"
#include "ngx_lu_journal.h"
#include "ngx_lu_notify.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_mark.h"
#include "store/ngx_lu_path.h"
#include "store/ngx_lu_turn.h"


#define NGX_LU_NOTIFY_PASS   1000       /* msec */
#define NGX_LU_NOTIFY_MIN    50
#define NGX_LU_NOTIFY_TIME   30000      /* for an answer */
#define NGX_LU_NOTIFY_LEAVE  2000       /* the same if the worker quits */
#define NGX_LU_NOTIFY_PAUSE  10000


static void ngx_lu_notify_handler(ngx_event_t *ev);
static void ngx_lu_notify_leave(ngx_lu_notify_t *notify);
static void ngx_lu_notify_pass(ngx_lu_notify_t *notify);
static void ngx_lu_notify_thread(void *data);
static ngx_int_t ngx_lu_notify_work(ngx_lu_pass_t *pass);
static ngx_int_t ngx_lu_notify_claim(ngx_lu_pass_t *pass);
static ngx_int_t ngx_lu_notify_folders(ngx_lu_pass_t *pass, u_char *path);
static ngx_int_t ngx_lu_notify_send(ngx_lu_pass_t *pass);
static void ngx_lu_notify_done(void *data);
static void ngx_lu_notify_log(ngx_lu_notify_t *notify, ngx_lu_io_t *io);
static void ngx_lu_notify_start(ngx_lu_notify_t *notify,
    ngx_lu_addressee_t *addressee, ngx_uint_t quits);
static void ngx_lu_notify_answered(ngx_lu_fetch_t *fetch);
static void ngx_lu_notify_late(ngx_event_t *ev);
static void ngx_lu_notify_give_up(ngx_lu_notify_t *notify);


void
ngx_lu_notify_init(ngx_cycle_t *cycle, ngx_lu_store_t *store)
{
    ngx_lu_notify_t  *notify;

    notify = store->notify;
    if (notify == NULL) {
        return;
    }

    notify->timer.handler = ngx_lu_notify_handler;
    notify->timer.data = notify;
    notify->timer.log = cycle->log;
    notify->timer.cancelable = 1;

    ngx_add_timer(&notify->timer, 1);
}


static void
ngx_lu_notify_handler(ngx_event_t *ev)
{
    ngx_lu_notify_t *notify = ev->data;

    ngx_msec_t  wait;

    wait = ngx_max(notify->conf->retry, NGX_LU_NOTIFY_MIN);

    ngx_add_timer(ev, ngx_min(wait, NGX_LU_NOTIFY_PASS));

    if (ngx_exiting || ngx_terminate) {
        ngx_lu_notify_leave(notify);
        return;
    }

    if ((ngx_msec_int_t) (ngx_current_msec - notify->pause) >= 0) {
        ngx_lu_notify_pass(notify);
    }
}


/*
 * The next worker waits for the claim.  What is on its way has a little time;
 * then it is sent again by that worker.
 */

static void
ngx_lu_notify_leave(ngx_lu_notify_t *notify)
{
    size_t            i;
    ngx_lu_notice_t  *notice;

    if (notify->pool == NULL || notify->running) {
        return;
    }

    if (!notify->leaving) {
        notify->leaving = 1;
        notify->leave = ngx_current_msec + NGX_LU_NOTIFY_LEAVE;
    }

    for (i = 0; i < notify->conf->ntargets; i++) {

        notice = notify->addressees[i].delivery;

        if (notice == NULL) {
            continue;
        }

        if ((ngx_msec_int_t) (ngx_current_msec - notify->leave) < 0) {
            return;
        }

        if (!notice->done) {
            notice->aborted = 1;
            ngx_lu_fetch_abort(&notice->fetch);

            return;
        }
    }

    ngx_lu_notify_give_up(notify);
}


static void
ngx_lu_notify_pass(ngx_lu_notify_t *notify)
{
    size_t               i;
    ngx_pool_t          *pool;
    ngx_time_t          *tp;
    ngx_lu_pass_t       *pass;
    ngx_lu_thread_t     *thread;
    ngx_lu_addressee_t  *addressee;

    if (notify->running) {
        notify->again = 1;
        return;
    }

    pool = ngx_create_pool(4096, ngx_cycle->log);
    if (pool == NULL) {
        return;
    }

    pass = ngx_pcalloc(pool, sizeof(ngx_lu_pass_t));
    if (pass == NULL) {
        ngx_destroy_pool(pool);
        return;
    }

    tp = ngx_timeofday();

    pass->io.pool = pool;
    pass->notify = notify;
    pass->sec = tp->sec;
    pass->msec = ngx_current_msec;
    pass->quits = (ngx_exiting || ngx_terminate);

    lu_time_print(pass->now, tp->sec, (unsigned) tp->msec);

    /* the thread leaves what is on its way alone */

    for (i = 0; notify->pool && i < notify->conf->ntargets; i++) {
        addressee = &notify->addressees[i];

        addressee->finished = (addressee->delivery
                               && addressee->delivery->done);
        addressee->settled = 0;
    }

    thread = &pass->thread;

    thread->store = notify->store;
    thread->pool = notify->readers;
    thread->kind = NGX_LU_THREAD_NOTIFY;
    thread->beats = &pass->io.beats;
    thread->run = ngx_lu_notify_thread;
    thread->done = ngx_lu_notify_done;
    thread->data = pass;

    if (ngx_lu_thread_start(thread) != NGX_OK) {
        ngx_destroy_pool(pool);
        return;
    }

    notify->running = 1;
}


static void
ngx_lu_notify_thread(void *data)
{
    ngx_lu_pass_t *pass = data;

    ngx_int_t         rc;
    ngx_lu_notify_t  *notify;

    notify = pass->notify;

    if (ngx_lu_mark_check(&pass->io, notify->store) != NGX_OK) {
        return;
    }

    if (notify->pool == NULL) {

        rc = pass->quits ? NGX_BUSY : ngx_lu_notify_claim(pass);

        if (rc != NGX_OK) {
            return;
        }
    }

    pass->io.claim = &notify->claim.turn;

    (void) ngx_lu_notify_work(pass);
}


static ngx_int_t
ngx_lu_notify_work(ngx_lu_pass_t *pass)
{
    size_t               i;
    ngx_lu_notify_t     *notify;
    ngx_lu_addressee_t  *addressee;

    notify = pass->notify;

    if (notify->addressees == NULL
        && (ngx_lu_journal_open(pass) != NGX_OK
            || ngx_lu_gather_open(pass) != NGX_OK
            || ngx_lu_herald_open(pass) != NGX_OK))
    {
        pass->broken = 1;
        return NGX_ERROR;
    }

    for (i = 0; i < notify->conf->ntargets; i++) {
        addressee = &notify->addressees[i];

        if (addressee->finished
            && ngx_lu_herald_settle(pass, addressee) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (pass->quits) {
        return NGX_OK;
    }

    if (ngx_lu_gather(pass) != NGX_OK
        || ngx_lu_notify_send(pass) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_lu_backlog(pass);
}


static ngx_int_t
ngx_lu_notify_send(ngx_lu_pass_t *pass)
{
    size_t               i;
    ngx_uint_t           n;
    ngx_lu_notify_t     *notify;
    ngx_lu_addressee_t  *addressee;

    notify = pass->notify;

    for (i = 0, n = 0; i < notify->conf->ntargets; i++) {
        addressee = &notify->addressees[i];

        if ((addressee->delivery && !addressee->settled)
            || addressee->prepared)
        {
            continue;
        }

        if (ngx_lu_herald_prepare(pass, addressee) != NGX_OK) {
            return NGX_ERROR;
        }

        n += (addressee->prepared != NULL);
    }

    /* who was cut off sends nothing more */

    return n ? ngx_lu_turn_prove(&pass->io) : NGX_OK;
}


/* NGX_OK; NGX_BUSY: another one sends; NGX_ERROR with io. */

static ngx_int_t
ngx_lu_notify_claim(ngx_lu_pass_t *pass)
{
    u_char           *path;
    ngx_int_t         rc;
    ngx_pool_t       *pool;
    ngx_lu_notify_t  *notify;

    notify = pass->notify;

    path = ngx_lu_path(&pass->io, "%V/notify/notify", &notify->store->path);
    if (path == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_lu_claim_open(&pass->io, path, &notify->claim);

    if (rc == NGX_DECLINED) {
        rc = ngx_lu_notify_folders(pass, path);

        if (rc == NGX_OK) {
            rc = ngx_lu_claim_open(&pass->io, path, &notify->claim);
        }
    }

    if (rc != NGX_OK) {
        return rc;
    }

    pool = ngx_create_pool(4096, ngx_cycle->log);

    rc = pool ? ngx_lu_claim_take(&pass->io, notify->store, pool, path,
                                  &notify->claim)
              : ngx_lu_io_nomem(&pass->io);

    if (rc != NGX_OK) {

        ngx_lu_claim_close(&notify->claim);

        if (pool) {
            ngx_destroy_pool(pool);
        }

        return rc;
    }

    notify->addressees = NULL;
    notify->pool = pool;

    return NGX_OK;
}


static ngx_int_t
ngx_lu_notify_folders(ngx_lu_pass_t *pass, u_char *path)
{
    u_char  *store, *file;

    store = ngx_lu_path(&pass->io, "%V", &pass->notify->store->path);
    file = ngx_lu_path(&pass->io, "%s/notify/targets/x", store);

    if (ngx_lu_file_mkdirs(&pass->io, store, file) != NGX_OK
        || ngx_lu_file_mkdirs(&pass->io, store,
                              ngx_lu_path(&pass->io, "%s/notify/in/x", store))
           != NGX_OK
        || ngx_lu_file_touch(&pass->io, path) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_lu_file_sync(&pass->io, store);
}


static void
ngx_lu_notify_done(void *data)
{
    ngx_lu_pass_t *pass = data;

    size_t            i;
    ngx_uint_t        more, failed, quits;
    ngx_lu_notify_t  *notify;

    notify = pass->notify;
    notify->running = 0;

    quits = pass->quits || ngx_exiting || ngx_terminate;

    failed = (pass->io.operation != NULL || pass->thread.refused);
    more = notify->again;
    notify->again = 0;

    if (pass->recovers) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "\"%V/notify/read.json\" is damaged: what has happened "
                      "to each app since its last event in the journal is "
                      "told, or, if it has none, in the last day",
                      &notify->store->path);
    }

    if (notify->pool && notify->claim.turn.lost) {

        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "another machine sends notifications now");

        ngx_lu_notify_give_up(notify);

    } else {
        ngx_lu_notify_log(notify, &pass->io);

        if (notify->pool && pass->broken) {
            ngx_lu_notify_give_up(notify);
        }
    }

    if (notify->pool) {

        for (i = 0; i < notify->conf->ntargets; i++) {
            ngx_lu_notify_start(notify, &notify->addressees[i],
                                failed || pass->quits);
        }
    }

    if (failed) {
        notify->pause = ngx_current_msec
                        + ngx_min(notify->conf->retry, NGX_LU_NOTIFY_PAUSE);
        more = 0;
    }

    ngx_destroy_pool(pass->io.pool);

    if (quits) {
        ngx_lu_notify_leave(notify);
        return;
    }

    if (more) {
        ngx_lu_notify_pass(notify);
    }
}


/* A file that cannot be read is the same at each pass: it is logged once. */

static void
ngx_lu_notify_log(ngx_lu_notify_t *notify, ngx_lu_io_t *io)
{
    uint32_t  hash;

    hash = 0;

    if (io->operation && io->path) {
        hash = ngx_crc32_long(io->path, ngx_strlen(io->path));
    }

    if (hash == 0 || hash != notify->unread) {
        ngx_lu_job_log(io, " while notifying");
    }

    notify->unread = hash;
}


static void
ngx_lu_notify_start(ngx_lu_notify_t *notify, ngx_lu_addressee_t *addressee,
    ngx_uint_t quits)
{
    lu_str_t          text;
    ngx_lu_notice_t  *notice;

    if (addressee->dropped) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "target \"%s\" was not sent %ui notification%s again: "
                      "only so many are kept",
                      addressee->target->name.data, addressee->dropped,
                      addressee->dropped == 1 ? "" : "s");

        addressee->dropped = 0;
    }

    if (addressee->settled) {

        if (lu_json_string(addressee->state, "error", &text) == LU_OK
            && !addressee->delivery->aborted
            && addressee->delivery->fetch.status / 100 != 2)
        {
            ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                          "target \"%s\" was not notified: %s",
                          addressee->target->name.data, text.data);
        }

        if (lu_json_string(addressee->state, "pausedAt", &text) == LU_OK) {
            ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                          "target \"%s\" is paused since %s and gets no "
                          "notifications",
                          addressee->target->name.data, text.data);
        }

        ngx_lu_herald_free(addressee->delivery);

        addressee->delivery = NULL;
        addressee->settled = 0;
        addressee->finished = 0;
    }

    notice = addressee->prepared;

    if (notice == NULL) {
        return;
    }

    addressee->prepared = NULL;

    if (quits) {
        ngx_lu_herald_free(notice);
        return;
    }

    notice->fetch.handler = ngx_lu_notify_answered;

    if (ngx_lu_fetch_start(&notice->fetch) != NGX_OK) {
        ngx_lu_herald_free(notice);
        return;
    }

    addressee->delivery = notice;

    notice->timer.handler = ngx_lu_notify_late;
    notice->timer.data = notice;
    notice->timer.log = ngx_cycle->log;

    ngx_add_timer(&notice->timer, NGX_LU_NOTIFY_TIME);
}


static void
ngx_lu_notify_answered(ngx_lu_fetch_t *fetch)
{
    ngx_lu_notice_t *notice = fetch->data;

    ngx_lu_notify_t  *notify;

    notify = notice->notify;

    if (notice->timer.timer_set) {
        ngx_del_timer(&notice->timer);
    }

    if (notify == NULL) {

        /* another machine sends it again */

        ngx_lu_herald_free(notice);
        return;
    }

    notice->done = 1;

    ngx_lu_notify_pass(notify);
}


/* Whatever the timeouts of the proxy are, and however slowly it answers. */

static void
ngx_lu_notify_late(ngx_event_t *ev)
{
    ngx_lu_notice_t *notice = ev->data;

    notice->late = 1;

    ngx_lu_fetch_abort(&notice->fetch);

    ngx_add_timer(ev, NGX_LU_NOTIFY_PASS);
}


static void
ngx_lu_notify_give_up(ngx_lu_notify_t *notify)
{
    size_t            i;
    ngx_lu_notice_t  *notice;

    for (i = 0; notify->addressees && i < notify->conf->ntargets; i++) {

        notice = notify->addressees[i].delivery;

        if (notice == NULL) {
            continue;
        }

        if (notice->done) {
            ngx_lu_herald_free(notice);
            continue;
        }

        notice->notify = NULL;
        ngx_lu_fetch_abort(&notice->fetch);
    }

    ngx_lu_herald_close(notify);
    ngx_lu_journal_close(notify);
    ngx_lu_claim_close(&notify->claim);

    ngx_destroy_pool(notify->pool);
    notify->pool = NULL;
}
