
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The targets: what each of them has got, what it gets next, and what became
 * of it.  Their files are notify/targets/{name}.json.
 */


#ifndef _NGX_LU_HERALD_H_INCLUDED_
#define _NGX_LU_HERALD_H_INCLUDED_


#include "ngx_lu_notify.h"


/*
 * Reads the files of the targets; a new target begins at the end of the
 * journal.  close() frees them.  NGX_OK, or NGX_ERROR with io.
 */

ngx_int_t ngx_lu_herald_open(ngx_lu_pass_t *pass);
void ngx_lu_herald_close(ngx_lu_notify_t *notify);

/* The target of that name, or NULL. */

ngx_lu_addressee_t *ngx_lu_herald_find(ngx_lu_notify_t *notify,
    const lu_str_t *name);

/* 1 if the target gets that event. */

ngx_uint_t ngx_lu_herald_wants(ngx_lu_addressee_t *addressee,
    const cJSON *event);

/* Does what was asked for a target: see ngx_lu_event_ask(). */

ngx_int_t ngx_lu_herald_asked(ngx_lu_pass_t *pass,
    ngx_lu_addressee_t *addressee, const cJSON *json);

/*
 * Counts what targets miss that are behind, as a file of the journal goes.
 * NGX_OK; NGX_AGAIN: what becomes of an event in it is not known yet, and it
 * has to stay; or NGX_ERROR with io.
 */

ngx_int_t ngx_lu_herald_leave(ngx_lu_pass_t *pass, ngx_uint_t segment);

/*
 * settle() writes down what became of a delivery; prepare() makes the next one,
 * if it is time for one.  NGX_OK, or NGX_ERROR with io.
 */

ngx_int_t ngx_lu_herald_settle(ngx_lu_pass_t *pass,
    ngx_lu_addressee_t *addressee);
ngx_int_t ngx_lu_herald_prepare(ngx_lu_pass_t *pass,
    ngx_lu_addressee_t *addressee);

/* Frees a delivery that is not on its way. */

void ngx_lu_herald_free(ngx_lu_notice_t *delivery);


#endif /* _NGX_LU_HERALD_H_INCLUDED_ */
