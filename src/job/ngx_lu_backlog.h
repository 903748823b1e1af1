
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * How many events wait for each target, and since when, for the status of the
 * machine that sends them.
 */


#ifndef _NGX_LU_BACKLOG_H_INCLUDED_
#define _NGX_LU_BACKLOG_H_INCLUDED_


#include "ngx_lu_notify.h"


/* Counts anew from the place of the target on. */

void ngx_lu_backlog_begin(ngx_lu_addressee_t *addressee);

/* The first one that waits is this event. */

void ngx_lu_backlog_first(ngx_lu_addressee_t *addressee, const cJSON *event);

/* The first one that waited does not any more.  It may not be counted yet. */

void ngx_lu_backlog_over(ngx_lu_addressee_t *addressee,
    const ngx_lu_notice_t *notice);

/*
 * Counts what has come into the journal since, and shows it in the status.
 * Of a pass; a long journal takes several.  NGX_OK, or NGX_ERROR with io.
 */

ngx_int_t ngx_lu_backlog(ngx_lu_pass_t *pass);


#endif /* _NGX_LU_BACKLOG_H_INCLUDED_ */
