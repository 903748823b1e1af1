
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_backlog.h"
#include "ngx_lu_herald.h"
#include "ngx_lu_journal.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_path.h"

#include "core/lu_notice.h"
#include "core/lu_put.h"


#define NGX_LU_HERALD_RECENT   50       /* deliveries that are remembered */
#define NGX_LU_HERALD_AGAIN    100      /* that wait to be sent again */
#define NGX_LU_HERALD_TRIES    5        /* of what a target refuses, */
#define NGX_LU_HERALD_REFUSES  12       /* in this part of the time until it */
                                        /* is paused, at least */
#define NGX_LU_HERALD_WAIT     600000   /* msec */
#define NGX_LU_HERALD_ASKED    3600     /* seconds, what a target may ask for */
#define NGX_LU_HERALD_HEADERS  6        /* of the module's own, and the end */


typedef enum {
    NGX_LU_HERALD_DELIVERED = 0,
    NGX_LU_HERALD_REFUSED,              /* what it was sent */
    NGX_LU_HERALD_GONE,
    NGX_LU_HERALD_OUTAGE
} ngx_lu_herald_e;


static ngx_int_t ngx_lu_herald_load(ngx_lu_pass_t *pass,
    ngx_lu_addressee_t *addressee);
static ngx_int_t ngx_lu_herald_save(ngx_lu_pass_t *pass,
    ngx_lu_addressee_t *addressee, cJSON *state);
static u_char *ngx_lu_herald_path(ngx_lu_pass_t *pass,
    const lu_target_t *target);
static void ngx_lu_herald_put_place(lu_put_t *put, cJSON *json,
    const ngx_lu_place_t *place);
static ngx_int_t ngx_lu_herald_place(const cJSON *json,
    ngx_lu_place_t *place);
static void ngx_lu_herald_resume(lu_put_t *put, cJSON *state);
static void ngx_lu_herald_again(lu_put_t *put, cJSON *state,
    ngx_lu_addressee_t *addressee, const lu_str_t *id);
static ngx_lu_herald_e ngx_lu_herald_result(ngx_lu_addressee_t *addressee);
static ngx_uint_t ngx_lu_herald_refused(lu_put_t *put, cJSON *state,
    ngx_lu_pass_t *pass);
static u_char *ngx_lu_herald_reason(ngx_lu_pass_t *pass,
    ngx_lu_notice_t *delivery);
static void ngx_lu_herald_over(lu_put_t *put, cJSON *state,
    ngx_lu_addressee_t *addressee, ngx_lu_pass_t *pass, const char *reason);
static void ngx_lu_herald_failed(lu_put_t *put, cJSON *state,
    ngx_lu_addressee_t *addressee, ngx_lu_pass_t *pass,
    ngx_lu_herald_e result);
static ngx_uint_t ngx_lu_herald_is_dead(ngx_lu_pass_t *pass,
    const cJSON *state);
static ngx_int_t ngx_lu_herald_say(ngx_lu_pass_t *pass,
    ngx_lu_addressee_t *addressee, const char *reason);
static void ngx_lu_herald_count(lu_put_t *put, cJSON *state,
    const char *key);
static ngx_int_t ngx_lu_herald_find_again(ngx_lu_pass_t *pass,
    ngx_lu_addressee_t *addressee, ngx_lu_place_t *at, ngx_lu_place_t *next,
    cJSON **event);
static ngx_int_t ngx_lu_herald_find_next(ngx_lu_pass_t *pass,
    ngx_lu_addressee_t *addressee, ngx_lu_place_t *at, ngx_lu_place_t *next,
    cJSON **event);
static ngx_int_t ngx_lu_herald_make(ngx_lu_pass_t *pass,
    ngx_lu_addressee_t *addressee, ngx_lu_notice_t *delivery);
static ngx_int_t ngx_lu_herald_headers(ngx_lu_pass_t *pass,
    const lu_target_t *target, ngx_lu_notice_t *delivery);


ngx_int_t
ngx_lu_herald_open(ngx_lu_pass_t *pass)
{
    size_t            i;
    ngx_lu_notify_t  *notify;

    notify = pass->notify;

    notify->addressees = ngx_pcalloc(notify->pool,
                                     (notify->conf->ntargets + 1)
                                     * sizeof(ngx_lu_addressee_t));
    if (notify->addressees == NULL) {
        return ngx_lu_io_nomem(&pass->io);
    }

    for (i = 0; i < notify->conf->ntargets; i++) {

        notify->addressees[i].target = &notify->conf->targets[i];
        notify->addressees[i].due = pass->msec;

        if (ngx_lu_herald_load(pass, &notify->addressees[i]) != NGX_OK) {
            return NGX_ERROR;
        }

        ngx_lu_backlog_begin(&notify->addressees[i]);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_lu_herald_load(ngx_lu_pass_t *pass, ngx_lu_addressee_t *addressee)
{
    cJSON      *state;
    time_t      next;
    lu_put_t    put;
    lu_str_t    text;
    ngx_int_t   rc;

    rc = ngx_lu_file_read_json(&pass->io,
                               ngx_lu_herald_path(pass, addressee->target),
                               &state);

    if (rc == NGX_ERROR && ngx_lu_io_is_damage(&pass->io)) {
        ngx_lu_io_clear(&pass->io);
        rc = NGX_DECLINED;
    }

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc == NGX_DECLINED) {
        state = cJSON_CreateObject();
    }

    if (ngx_lu_herald_place(state, &addressee->place) != NGX_OK) {
        addressee->place = ngx_lu_journal_end(pass->notify);
    }

    if (rc == NGX_DECLINED) {

        lu_put_init(&put);
        ngx_lu_herald_put_place(&put, state, &addressee->place);

        if (put.failed) {
            cJSON_Delete(state);
            return ngx_lu_io_nomem(&pass->io);
        }

        return ngx_lu_herald_save(pass, addressee, state);
    }

    addressee->state = state;

    /* somebody may have set the clock */

    if (lu_json_string(state, "nextAttemptAt", &text) == LU_OK
        && lu_time_parse(&text, &next) == LU_OK
        && next > pass->sec
        && next - pass->sec <= NGX_LU_HERALD_ASKED)
    {
        addressee->due = pass->msec + (ngx_msec_t) (next - pass->sec) * 1000;
    }

    return NGX_OK;
}


/* Takes the state, which becomes that of the target only if it is written. */

static ngx_int_t
ngx_lu_herald_save(ngx_lu_pass_t *pass, ngx_lu_addressee_t *addressee,
    cJSON *state)
{
    if (ngx_lu_file_write_json(&pass->io, pass->notify->store,
                               ngx_lu_herald_path(pass, addressee->target),
                               state)
        != NGX_OK)
    {
        cJSON_Delete(state);
        return NGX_ERROR;
    }

    cJSON_Delete(addressee->state);
    addressee->state = state;

    return NGX_OK;
}


static u_char *
ngx_lu_herald_path(ngx_lu_pass_t *pass, const lu_target_t *target)
{
    return ngx_lu_path(&pass->io, "%V/notify/targets/%s.json",
                       &pass->notify->store->path, target->name.data);
}


static void
ngx_lu_herald_put_place(lu_put_t *put, cJSON *json,
    const ngx_lu_place_t *place)
{
    lu_put_number(put, json, "file", (double) place->segment);
    lu_put_number(put, json, "offset", (double) place->offset);
}


static ngx_int_t
ngx_lu_herald_place(const cJSON *json, ngx_lu_place_t *place)
{
    uint64_t  segment, offset;

    if (lu_json_size(json, "file", &segment) != LU_OK
        || lu_json_size(json, "offset", &offset) != LU_OK)
    {
        return NGX_DECLINED;
    }

    place->segment = (ngx_uint_t) segment;
    place->offset = (off_t) offset;

    return NGX_OK;
}


void
ngx_lu_herald_close(ngx_lu_notify_t *notify)
{
    size_t               i;
    ngx_lu_addressee_t  *addressee;

    if (notify->addressees == NULL) {
        return;
    }

    for (i = 0; i < notify->conf->ntargets; i++) {
        addressee = &notify->addressees[i];

        cJSON_Delete(addressee->state);

        if (addressee->prepared) {
            ngx_lu_herald_free(addressee->prepared);
        }
    }

    notify->addressees = NULL;
}


ngx_lu_addressee_t *
ngx_lu_herald_find(ngx_lu_notify_t *notify, const lu_str_t *name)
{
    size_t  i;

    for (i = 0; i < notify->conf->ntargets; i++) {
        if (lu_str_eq(&notify->conf->targets[i].name, name)) {
            return &notify->addressees[i];
        }
    }

    return NULL;
}


ngx_uint_t
ngx_lu_herald_wants(ngx_lu_addressee_t *addressee, const cJSON *event)
{
    lu_str_t  type, app, target;

    if (lu_json_string(event, "type", &type) != LU_OK) {
        return 0;
    }

    if (lu_json_string(event, "target", &target) == LU_OK) {
        return lu_str_eq(&target, &addressee->target->name);
    }

    if (lu_json_string(event, "app", &app) != LU_OK) {
        app = lu_str("");
    }

    return lu_target_wants(addressee->target, &type, &app);
}


ngx_int_t
ngx_lu_herald_asked(ngx_lu_pass_t *pass, ngx_lu_addressee_t *addressee,
    const cJSON *json)
{
    cJSON     *state;
    lu_put_t   put;
    lu_str_t   what, id;

    if (lu_json_string(json, "do", &what) != LU_OK) {
        return NGX_OK;
    }

    state = cJSON_Duplicate(addressee->state, 1);
    if (state == NULL) {
        return ngx_lu_io_nomem(&pass->io);
    }

    lu_put_init(&put);

    if (lu_str_is(&what, "pause")) {
        lu_put_string(&put, state, "pausedAt", pass->now);

    } else if (lu_str_is(&what, "resume")) {
        ngx_lu_herald_resume(&put, state);
        addressee->due = pass->msec;

    } else if (lu_str_is(&what, "again")
               && lu_json_string(json, "id", &id) == LU_OK)
    {
        ngx_lu_herald_again(&put, state, addressee, &id);
    }

    if (put.failed) {
        cJSON_Delete(state);
        return ngx_lu_io_nomem(&pass->io);
    }

    return ngx_lu_herald_save(pass, addressee, state);
}


static void
ngx_lu_herald_resume(lu_put_t *put, cJSON *state)
{
    lu_put_null(put, state, "pausedAt");
    lu_put_null(put, state, "failingSince");
    lu_put_null(put, state, "nextAttemptAt");
    lu_put_number(put, state, "attempts", 0);
    lu_put_number(put, state, "refusals", 0);
}


/* It may be sent again as long as it is remembered where it is. */

static void
ngx_lu_herald_again(lu_put_t *put, cJSON *state,
    ngx_lu_addressee_t *addressee, const lu_str_t *id)
{
    cJSON           *again, *item, *recent;
    ngx_lu_place_t   place;

    again = lu_json_get(state, "again");
    if (again == NULL) {
        again = lu_put_array(put, state, "again");
    }

    recent = lu_json_find(lu_json_get(state, "recent"), "id",
                          (char *) id->data);

    if (lu_json_find(again, "id", (char *) id->data)) {
        return;
    }

    if (recent == NULL
        || ngx_lu_herald_place(recent, &place) != NGX_OK
        || cJSON_GetArraySize(again) >= NGX_LU_HERALD_AGAIN)
    {
        addressee->dropped++;
        return;
    }

    item = cJSON_CreateObject();

    lu_put_str(put, item, "id", id);
    ngx_lu_herald_put_place(put, item, &place);
    lu_put_item(put, again, NULL, item);
}


ngx_int_t
ngx_lu_herald_leave(ngx_lu_pass_t *pass, ngx_uint_t segment)
{
    size_t                 i;
    cJSON                 *event, *state;
    uint64_t               missed;
    lu_put_t               put;
    ngx_int_t              rc, left;
    ngx_lu_place_t         place, at;
    ngx_lu_addressee_t    *addressee;
    ngx_lu_journal_buf_t   buf;

    ngx_memzero(&buf, sizeof(ngx_lu_journal_buf_t));

    left = NGX_OK;

    for (i = 0; i < pass->notify->conf->ntargets; i++) {

        addressee = &pass->notify->addressees[i];
        place = addressee->place;

        if (place.segment > segment) {
            continue;
        }

        /* for 30 seconds at most: nothing else of the file is sent to it */

        if (addressee->delivery
            && !addressee->settled
            && !addressee->delivery->again)
        {
            left = NGX_AGAIN;
            continue;
        }

        missed = 0;
        (void) lu_json_size(addressee->state, "missed", &missed);

        while (place.segment <= segment) {

            rc = ngx_lu_journal_next(pass, &place, &at, &event, &buf);

            if (rc == NGX_ERROR) {
                return NGX_ERROR;
            }

            if (rc == NGX_DECLINED) {
                break;
            }

            if (at.segment <= segment) {
                missed += ngx_lu_herald_wants(addressee, event);
            }

            cJSON_Delete(event);
        }

        place.segment = segment + 1;
        place.offset = 0;

        state = cJSON_Duplicate(addressee->state, 1);

        lu_put_init(&put);
        lu_put_number(&put, state, "missed", (double) missed);
        ngx_lu_herald_put_place(&put, state, &place);

        state = lu_put_done(&put, state);

        if (state == NULL) {
            return ngx_lu_io_nomem(&pass->io);
        }

        if (ngx_lu_herald_save(pass, addressee, state) != NGX_OK) {
            return NGX_ERROR;
        }

        addressee->place = place;

        ngx_lu_backlog_begin(addressee);
    }

    return left;
}


ngx_int_t
ngx_lu_herald_settle(ngx_lu_pass_t *pass, ngx_lu_addressee_t *addressee)
{
    cJSON                  *state;
    u_char                 *reason;
    lu_put_t                put;
    uint64_t                attempts;
    lu_str_t                paused;
    ngx_uint_t              over;
    ngx_lu_herald_e         result;
    ngx_lu_notice_t  *delivery;

    delivery = addressee->delivery;

    result = ngx_lu_herald_result(addressee);

    if (delivery->aborted && result != NGX_LU_HERALD_DELIVERED) {

        /* that counts for nothing: the next worker sends it */

        addressee->settled = 1;
        return NGX_OK;
    }

    reason = NULL;

    if (result != NGX_LU_HERALD_DELIVERED) {
        reason = ngx_lu_herald_reason(pass, delivery);
        if (reason == NULL) {
            return ngx_lu_io_nomem(&pass->io);
        }
    }

    state = cJSON_Duplicate(addressee->state, 1);

    lu_put_init(&put);

    attempts = 0;
    (void) lu_json_size(state, "attempts", &attempts);

    lu_put_number(&put, state, "attempts", (double) ++attempts);
    lu_put_number(&put, state, "status", (double) delivery->fetch.status);

    over = (result == NGX_LU_HERALD_DELIVERED
            || (result == NGX_LU_HERALD_REFUSED
                && ngx_lu_herald_refused(&put, state, pass)));

    if (over) {
        ngx_lu_herald_over(&put, state, addressee, pass, (char *) reason);

    } else {
        lu_put_string(&put, state, "error", (char *) reason);
        ngx_lu_herald_failed(&put, state, addressee, pass, result);
    }

    state = lu_put_done(&put, state);
    if (state == NULL) {
        return ngx_lu_io_nomem(&pass->io);
    }

    if (reason
        && lu_json_string(state, "pausedAt", &paused) == LU_OK
        && lu_json_string(addressee->state, "pausedAt", &paused) != LU_OK
        && ngx_lu_herald_say(pass, addressee, (char *) reason) != NGX_OK)
    {
        cJSON_Delete(state);
        return NGX_ERROR;
    }

    if (ngx_lu_herald_save(pass, addressee, state) != NGX_OK) {
        return NGX_ERROR;
    }

    (void) ngx_lu_herald_place(addressee->state, &addressee->place);

    if (over && !delivery->again) {
        ngx_lu_backlog_over(addressee, delivery);
    }

    addressee->settled = 1;

    return NGX_OK;
}


/* A redirect is not followed: that would tell the secret to another host. */

static ngx_lu_herald_e
ngx_lu_herald_result(ngx_lu_addressee_t *addressee)
{
    ngx_uint_t  status;

    status = addressee->delivery->fetch.status;

    if (status >= 200 && status < 300) {
        return NGX_LU_HERALD_DELIVERED;
    }

    /* a cache says that it does not have what is to be purged */

    if (addressee->target->form == LU_FORM_PURGE
        && (status == 404 || status == 412))
    {
        return NGX_LU_HERALD_DELIVERED;
    }

    switch (status) {

    case 400:
    case 405:
    case 406:
    case 409:
    case 411:
    case 413:
    case 415:
    case 422:
        return NGX_LU_HERALD_REFUSED;

    case 410:
        return NGX_LU_HERALD_GONE;

    default:
        return NGX_LU_HERALD_OUTAGE;
    }
}


/*
 * Counts that the event is refused once more.  1: that is enough.  A server
 * that is out of order, or wrongly set up for a while, refuses all events, and
 * must not miss them.
 */

static ngx_uint_t
ngx_lu_herald_refused(lu_put_t *put, cJSON *state, ngx_lu_pass_t *pass)
{
    time_t      since;
    uint64_t    refusals;
    lu_str_t    text;
    ngx_msec_t  least;

    refusals = 0;
    (void) lu_json_size(state, "refusals", &refusals);

    lu_put_number(put, state, "refusals", (double) (refusals + 1));

    if (refusals == 0) {
        lu_put_string(put, state, "refusedSince", pass->now);
        return 0;
    }

    least = pass->notify->conf->pause / NGX_LU_HERALD_REFUSES;

    return refusals + 1 >= NGX_LU_HERALD_TRIES
           && (lu_json_string(state, "refusedSince", &text) != LU_OK
               || lu_time_parse(&text, &since) != LU_OK
               || pass->sec - since >= (time_t) (least / 1000));
}


static u_char *
ngx_lu_herald_reason(ngx_lu_pass_t *pass, ngx_lu_notice_t *delivery)
{
    ngx_lu_fetch_t  *fetch;

    fetch = &delivery->fetch;

    if (fetch->status >= 300 && fetch->status < 400) {
        return ngx_lu_format(pass->io.pool,
                             "It answered %ui, and no redirect is followed.",
                             fetch->status);
    }

    if (fetch->status) {
        return ngx_lu_format(pass->io.pool, "It answered %ui.",
                             fetch->status);
    }

    if (!fetch->asked) {
        return ngx_lu_format(pass->io.pool,
                             "Location \"%V\" has no proxy.", &fetch->uri);
    }

    if (delivery->late || fetch->why[0] == '\0') {
        return ngx_lu_format(pass->io.pool, "It did not answer in time.");
    }

    return ngx_lu_format(pass->io.pool, "nginx could not ask it: %s.",
                         fetch->why);
}


/* It is delivered, or, with a reason, left out; the next one follows. */

static void
ngx_lu_herald_over(lu_put_t *put, cJSON *state,
    ngx_lu_addressee_t *addressee, ngx_lu_pass_t *pass, const char *reason)
{
    cJSON                  *recent, *entry, *again;
    uint64_t                attempts;
    ngx_lu_notice_t  *delivery;

    delivery = addressee->delivery;

    attempts = 0;
    (void) lu_json_size(state, "attempts", &attempts);

    recent = lu_json_get(state, "recent");
    if (recent == NULL) {
        recent = lu_put_array(put, state, "recent");
    }

    entry = cJSON_CreateObject();

    lu_put_copy(put, entry, "id", delivery->event, "id");
    lu_put_copy(put, entry, "type", delivery->event, "type");
    lu_put_copy(put, entry, "app", delivery->event, "app");
    lu_put_copy(put, entry, "at", delivery->event, "at");
    lu_put_string(put, entry, "state", reason ? "refused" : "delivered");
    lu_put_string(put, entry, "endedAt", pass->now);
    lu_put_number(put, entry, "attempts", (double) attempts);
    lu_put_number(put, entry, "status", (double) delivery->fetch.status);
    ngx_lu_herald_put_place(put, entry, &delivery->place);

    lu_put_item(put, recent, NULL, entry);

    while (cJSON_GetArraySize(recent) > NGX_LU_HERALD_RECENT) {
        cJSON_DeleteItemFromArray(recent, 0);
    }

    ngx_lu_herald_count(put, state, reason ? "refused" : "delivered");

    if (delivery->again) {
        again = lu_json_get(state, "again");
        cJSON_DeleteItemFromArray(again, 0);

    } else {
        ngx_lu_herald_put_place(put, state, &delivery->next);
    }

    lu_put_number(put, state, "attempts", 0);
    lu_put_number(put, state, "refusals", 0);
    lu_put_null(put, state, "nextAttemptAt");

    /* who refuses all events is dead after a while, too */

    if (reason) {
        lu_put_string(put, state, "error", reason);

    } else {
        lu_put_null(put, state, "error");
        lu_put_null(put, state, "failingSince");
        lu_put_string(put, state, "answeredAt", pass->now);
    }

    addressee->due = pass->msec;
}


static void
ngx_lu_herald_count(lu_put_t *put, cJSON *state, const char *key)
{
    uint64_t  n;

    n = 0;
    (void) lu_json_size(state, key, &n);

    lu_put_number(put, state, key, (double) (n + 1));
}


static void
ngx_lu_herald_failed(lu_put_t *put, cJSON *state,
    ngx_lu_addressee_t *addressee, ngx_lu_pass_t *pass,
    ngx_lu_herald_e result)
{
    char        next[LU_TIME_SIZE];
    uint64_t    attempts, wait;
    lu_str_t    since;
    ngx_msec_t  asked;

    attempts = 1;
    (void) lu_json_size(state, "attempts", &attempts);

    if (lu_json_string(state, "failingSince", &since) != LU_OK) {
        lu_put_string(put, state, "failingSince", pass->now);
    }

    wait = (uint64_t) pass->notify->conf->retry << ngx_min(attempts - 1, 20);
    wait = ngx_min(wait, NGX_LU_HERALD_WAIT);

    asked = (ngx_msec_t) ngx_min(addressee->delivery->fetch.retry,
                                 NGX_LU_HERALD_ASKED)
            * 1000;
    wait = ngx_max(wait, asked);

    addressee->due = pass->msec + (ngx_msec_t) wait;

    lu_time_print(next, pass->sec + (time_t) (wait / 1000),
                  (unsigned) (wait % 1000));

    lu_put_string(put, state, "nextAttemptAt", next);

    if (result == NGX_LU_HERALD_GONE || ngx_lu_herald_is_dead(pass, state)) {
        lu_put_string(put, state, "pausedAt", pass->now);
        lu_put_null(put, state, "nextAttemptAt");
    }
}


static ngx_uint_t
ngx_lu_herald_is_dead(ngx_lu_pass_t *pass, const cJSON *state)
{
    time_t    since;
    lu_str_t  text;

    return lu_json_string(state, "failingSince", &text) == LU_OK
           && lu_time_parse(&text, &since) == LU_OK
           && pass->sec - since >= (time_t) (pass->notify->conf->pause / 1000);
}


/* The other targets are told, before it is so. */

static ngx_int_t
ngx_lu_herald_say(ngx_lu_pass_t *pass, ngx_lu_addressee_t *addressee,
    const char *reason)
{
    char         id[LU_EVENT_ID + 1];
    cJSON       *event;
    lu_put_t     put;
    lu_str_t     texts[2];
    const char  *name;

    name = (char *) addressee->target->name.data;

    texts[0] = addressee->target->name;
    texts[1] = lu_str(pass->now);

    lu_event_id(id, texts, 2);

    event = lu_event_make(id, "target.paused", pass->now, NULL, "liveupdate",
                          NULL, reason);

    lu_put_init(&put);
    lu_put_string(&put, event, "subject", name);

    if (ngx_lu_journal_add(pass, lu_put_done(&put, event)) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_lu_journal_write(pass);
}


ngx_int_t
ngx_lu_herald_prepare(ngx_lu_pass_t *pass, ngx_lu_addressee_t *addressee)
{
    cJSON                  *event;
    lu_str_t                paused;
    ngx_int_t               rc;
    ngx_pool_t             *pool;
    ngx_uint_t              again;
    ngx_lu_place_t          at, next;
    ngx_lu_notice_t  *delivery;

    if (lu_json_string(addressee->state, "pausedAt", &paused) == LU_OK
        || (ngx_msec_int_t) (pass->msec - addressee->due) < 0)
    {
        return NGX_OK;
    }

    again = 1;
    rc = ngx_lu_herald_find_again(pass, addressee, &at, &next, &event);

    if (rc == NGX_DECLINED) {
        again = 0;
        rc = ngx_lu_herald_find_next(pass, addressee, &at, &next, &event);
    }

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : NGX_ERROR;
    }

    pool = ngx_create_pool(4096, ngx_cycle->log);

    delivery = pool ? ngx_pcalloc(pool, sizeof(ngx_lu_notice_t)) : NULL;

    if (delivery == NULL) {

        if (pool) {
            ngx_destroy_pool(pool);
        }

        cJSON_Delete(event);
        return ngx_lu_io_nomem(&pass->io);
    }

    delivery->pool = pool;
    delivery->notify = pass->notify;
    delivery->event = event;
    delivery->place = at;
    delivery->next = next;
    delivery->again = again;

    if (ngx_lu_herald_make(pass, addressee, delivery) != NGX_OK) {
        ngx_lu_herald_free(delivery);
        return ngx_lu_io_nomem(&pass->io);
    }

    addressee->prepared = delivery;

    if (!again) {
        ngx_lu_backlog_first(addressee, event);
    }

    return NGX_OK;
}


/* NGX_DECLINED: nobody has asked for one that is there still. */

static ngx_int_t
ngx_lu_herald_find_again(ngx_lu_pass_t *pass, ngx_lu_addressee_t *addressee,
    ngx_lu_place_t *at, ngx_lu_place_t *next, cJSON **event)
{
    cJSON                 *again, *first, *state;
    lu_str_t               id, found;
    ngx_int_t              rc;
    ngx_lu_journal_buf_t   buf;

    again = lu_json_get(addressee->state, "again");

    while (again && again->child) {

        first = again->child;

        ngx_memzero(&buf, sizeof(ngx_lu_journal_buf_t));

        rc = NGX_DECLINED;

        if (ngx_lu_herald_place(first, next) == NGX_OK
            && lu_json_string(first, "id", &id) == LU_OK)
        {
            rc = ngx_lu_journal_next(pass, next, at, event, &buf);
        }

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_OK) {

            if (lu_json_string(*event, "id", &found) == LU_OK
                && lu_str_eq(&found, &id))
            {
                return NGX_OK;
            }

            cJSON_Delete(*event);
        }

        state = cJSON_Duplicate(addressee->state, 1);
        if (state == NULL) {
            return ngx_lu_io_nomem(&pass->io);
        }

        again = lu_json_get(state, "again");
        cJSON_DeleteItemFromArray(again, 0);

        if (ngx_lu_herald_save(pass, addressee, state) != NGX_OK) {
            return NGX_ERROR;
        }

        addressee->dropped++;
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_lu_herald_find_next(ngx_lu_pass_t *pass, ngx_lu_addressee_t *addressee,
    ngx_lu_place_t *at, ngx_lu_place_t *next, cJSON **event)
{
    ngx_int_t             rc;
    ngx_lu_journal_buf_t  buf;

    ngx_memzero(&buf, sizeof(ngx_lu_journal_buf_t));

    *next = addressee->place;

    for ( ;; ) {
        rc = ngx_lu_journal_next(pass, next, at, event, &buf);

        if (rc != NGX_OK) {
            addressee->place = *next;
            return rc;
        }

        if (ngx_lu_herald_wants(addressee, *event)) {
            addressee->place = *at;
            return NGX_OK;
        }

        cJSON_Delete(*event);
    }
}


static ngx_int_t
ngx_lu_herald_make(ngx_lu_pass_t *pass, ngx_lu_addressee_t *addressee,
    ngx_lu_notice_t *delivery)
{
    char               *body;
    lu_str_t            app, url;
    lu_arena_t          arena;
    ngx_lu_fetch_t     *fetch;
    const lu_target_t  *target;

    target = addressee->target;
    fetch = &delivery->fetch;
    arena = ngx_lu_arena(delivery->pool);

    if (lu_json_string(delivery->event, "app", &app) != LU_OK) {
        app = lu_str("");
    }

    url = lu_target_fill(&arena, &target->url, &app);
    if (url.data == NULL) {
        return NGX_ERROR;
    }

    body = lu_notice_body(target, delivery->event);
    if (body == NULL) {
        return NGX_ERROR;
    }

    fetch->body.data = ngx_lu_format(delivery->pool, "%s", body);
    fetch->body.len = ngx_strlen(body);

    ngx_free(body);

    if (fetch->body.data == NULL) {
        return NGX_ERROR;
    }

    fetch->pool = delivery->pool;
    fetch->conf_ctx = pass->notify->conf_ctx;
    fetch->uri = pass->notify->conf->uri;
    fetch->target = ngx_lu_from_core(&url);
    fetch->method = NGX_HTTP_POST;
    fetch->method_name = ngx_lu_from_core(&target->method);
    fetch->secret_of = ngx_lu_from_core(&target->name);
    fetch->data = delivery;

    return ngx_lu_herald_headers(pass, target, delivery);
}


static ngx_int_t
ngx_lu_herald_headers(ngx_lu_pass_t *pass, const lu_target_t *target,
    ngx_lu_notice_t *delivery)
{
    size_t           i;
    u_char          *timestamp;
    lu_str_t         id, signature;
    lu_arena_t       arena;
    ngx_keyval_t    *header;
    ngx_lu_fetch_t  *fetch;

    fetch = &delivery->fetch;

    header = ngx_pcalloc(delivery->pool,
                         (target->nheaders + NGX_LU_HERALD_HEADERS)
                         * sizeof(ngx_keyval_t));
    if (header == NULL) {
        return NGX_ERROR;
    }

    fetch->headers = header;

    ngx_str_set(&header->key, "User-Agent");
    ngx_str_set(&header->value, "nginx-liveupdate");
    header++;

    if (fetch->body.len) {
        ngx_str_set(&header->key, "Content-Type");
        ngx_str_set(&header->value, "application/json");
        header++;
    }

    for (i = 0; i < target->nheaders; i++) {
        header->key = ngx_lu_from_core(&target->headers[i].key);
        header->value = ngx_lu_from_core(&target->headers[i].value);
        header++;
    }

    if (target->form != LU_FORM_JSON) {
        return NGX_OK;
    }

    timestamp = ngx_lu_format(delivery->pool, "%T", pass->sec);

    if (timestamp == NULL
        || lu_json_string(delivery->event, "id", &id) != LU_OK)
    {
        return NGX_ERROR;
    }

    arena = ngx_lu_arena(delivery->pool);

    signature = lu_notice_signature(&arena, target, (char *) id.data,
                                    (char *) timestamp,
                                    (char *) fetch->body.data);
    if (signature.data == NULL) {
        return NGX_ERROR;
    }

    ngx_str_set(&header->key, "Webhook-Id");
    header->value = ngx_lu_from_core(&id);
    header++;

    ngx_str_set(&header->key, "Webhook-Timestamp");
    header->value.data = timestamp;
    header->value.len = ngx_strlen(timestamp);
    header++;

    ngx_str_set(&header->key, "Webhook-Signature");
    header->value = ngx_lu_from_core(&signature);

    return NGX_OK;
}


void
ngx_lu_herald_free(ngx_lu_notice_t *delivery)
{
    cJSON_Delete(delivery->event);
    ngx_destroy_pool(delivery->pool);
}
