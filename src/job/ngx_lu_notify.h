
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * People and machines are told of what happens.  One worker of one machine has
 * the claim; it gathers events into a journal and sends them to each target,
 * in order.  docs/store.md describes the files.
 */


#ifndef _NGX_LU_NOTIFY_H_INCLUDED_
#define _NGX_LU_NOTIFY_H_INCLUDED_


#include "ngx_lu_fetch.h"

#include "store/ngx_lu_claim.h"
#include "store/ngx_lu_io.h"

#include "core/lu_event.h"
#include "core/lu_json.h"
#include "core/lu_target.h"
#include "core/lu_time.h"


typedef struct ngx_lu_progress_s  ngx_lu_progress_t;
typedef struct ngx_lu_journal_s   ngx_lu_journal_t;


/* A place in the journal. */

typedef struct {
    ngx_uint_t                segment;
    off_t                     offset;
} ngx_lu_place_t;


/* An event on its way to a target, in memory of its own. */

typedef struct {
    ngx_pool_t               *pool;
    ngx_lu_notify_t          *notify;
    ngx_lu_fetch_t            fetch;
    ngx_event_t               timer;      /* it takes too long */
    cJSON                    *event;
    ngx_lu_place_t            place;      /* of the event */
    ngx_lu_place_t            next;       /* behind it */
    unsigned                  again:1;    /* somebody has asked for it */
    unsigned                  done:1;     /* it was answered, or not */
    unsigned                  aborted:1;  /* the worker quits */
    unsigned                  late:1;     /* it took too long */
} ngx_lu_notice_t;


/* A target, while this worker has the claim. */

typedef struct {
    const lu_target_t        *target;
    cJSON                    *state;      /* its file */
    ngx_lu_place_t            place;      /* nothing before is for it */
    ngx_msec_t                due;        /* not before */
    ngx_uint_t                dropped;    /* of those to be sent again */

    /* events that wait, up to a place, and the first one's time */
    ngx_lu_place_t            counted;
    ngx_uint_t                waiting;
    time_t                    oldest;     /* 0: not known, or none waits */

    /* on its way; the next one, if there is one */
    ngx_lu_notice_t    *delivery;
    ngx_lu_notice_t    *prepared;
    unsigned                  finished:1; /* the pass may settle it */
    unsigned                  settled:1;  /* the pass has done so */
} ngx_lu_addressee_t;


/* The notifications of a store, and what a worker does for them. */

struct ngx_lu_notify_s {
    ngx_lu_store_t           *store;
    ngx_lu_notify_conf_t     *conf;
    ngx_http_conf_ctx_t      *conf_ctx;   /* of the server */
    ngx_thread_pool_t        *readers;
    ngx_uint_t                approval;   /* NGX_LU_APPROVAL_... */

    /* of a worker */
    ngx_event_t               timer;
    ngx_msec_t                pause;      /* no pass until then */
    ngx_msec_t                leave;      /* the worker quits by then */
    uint32_t                  unread;     /* hash of a path that was logged */
    unsigned                  running:1;
    unsigned                  again:1;
    unsigned                  leaving:1;

    /* while it has the claim; else the pool is NULL */
    ngx_pool_t               *pool;
    ngx_lu_claim_t            claim;
    ngx_lu_journal_t         *journal;
    ngx_lu_progress_t        *progress;
    ngx_lu_addressee_t       *addressees; /* as many as targets */
};


/*
 * A pass, in a thread: what was sent is settled, events are gathered, and what
 * is to be sent is prepared.
 */

typedef struct {
    ngx_lu_io_t               io;         /* with the claim */
    ngx_lu_notify_t          *notify;
    time_t                    sec;        /* of the clock */
    ngx_msec_t                msec;       /* of ngx_current_msec */
    char                      now[LU_TIME_SIZE];
    ngx_lu_thread_t           thread;
    unsigned                  quits:1;    /* nothing more is sent */
    unsigned                  broken:1;   /* the claim is begun anew */
    unsigned                  recovers:1; /* the record of logs is damaged */
} ngx_lu_pass_t;


/* Starts it in the first worker. */

void ngx_lu_notify_init(ngx_cycle_t *cycle, ngx_lu_store_t *store);


#endif /* _NGX_LU_NOTIFY_H_INCLUDED_ */
