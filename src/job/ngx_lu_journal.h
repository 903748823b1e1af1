
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The journal of events: files notify/events.{n} with a line for each, in the
 * order in which they are sent.  Only who has the claim writes them.
 */


#ifndef _NGX_LU_JOURNAL_H_INCLUDED_
#define _NGX_LU_JOURNAL_H_INCLUDED_


#include "ngx_lu_notify.h"


#define NGX_LU_JOURNAL_SIZE  (2 * 1024 * 1024)   /* of a file */
#define NGX_LU_JOURNAL_KEEP  4                   /* files */


/*
 * Finds the files, and what they have lately.  In the pool of the claim.
 * NGX_OK, or NGX_ERROR with io.
 */

ngx_int_t ngx_lu_journal_open(ngx_lu_pass_t *pass);

/* Forgets what was not written. */

void ngx_lu_journal_close(ngx_lu_notify_t *notify);

/* Where the next event will be. */

ngx_lu_place_t ngx_lu_journal_end(ngx_lu_notify_t *notify);

/* 1 if the journal has an event of that id among the last ones. */

ngx_uint_t ngx_lu_journal_has(ngx_lu_notify_t *notify, const char *id);

/*
 * add() takes an event, which it frees, and write() writes all that were
 * taken, durably.  One that is there already is left out.  insert() takes one
 * that comes before those of its app that are not written and are younger.
 * NGX_OK, or NGX_ERROR with io.
 */

ngx_int_t ngx_lu_journal_add(ngx_lu_pass_t *pass, cJSON *event);
ngx_int_t ngx_lu_journal_insert(ngx_lu_pass_t *pass, cJSON *event);
ngx_int_t ngx_lu_journal_write(ngx_lu_pass_t *pass);

/*
 * For those without the claim: NGX_OK if the journal of a store has the event
 * of that id at that place; NGX_DECLINED; NGX_ERROR with io.
 */

ngx_int_t ngx_lu_journal_keeps(ngx_lu_io_t *io, ngx_lu_store_t *store,
    const ngx_lu_place_t *place, const lu_str_t *id);

/* 1 if so much was taken that it should be written first. */

ngx_uint_t ngx_lu_journal_is_busy(ngx_lu_notify_t *notify);

/*
 * 1 if the current file is full and may be followed by a new one, for which
 * the oldest one that is kept has to go: its number.
 */

ngx_uint_t ngx_lu_journal_is_full(ngx_lu_notify_t *notify, ngx_uint_t *gone);

/* Begins a new file, and removes those that are not kept. */

ngx_int_t ngx_lu_journal_turn(ngx_lu_pass_t *pass);

/*
 * Reads the next event from *place on, which moves behind it, and sets *at to
 * where it is; the caller frees it.  A place in a file that has gone is the
 * begin of the oldest one.  NGX_DECLINED: there is none; NGX_ERROR with io.
 * The buffer, of the caller's, goes along with the place, and is zeroed first.
 */

typedef struct {
    u_char                   *data;
    size_t                    size;
    ngx_lu_place_t            from;       /* of data */
} ngx_lu_journal_buf_t;

ngx_int_t ngx_lu_journal_next(ngx_lu_pass_t *pass, ngx_lu_place_t *place,
    ngx_lu_place_t *at, cJSON **event, ngx_lu_journal_buf_t *buf);


#endif /* _NGX_LU_JOURNAL_H_INCLUDED_ */
