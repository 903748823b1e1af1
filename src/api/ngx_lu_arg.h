
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Parameters of an API call's query.
 */


#ifndef _NGX_LU_ARG_H_INCLUDED_
#define _NGX_LU_ARG_H_INCLUDED_


#include "ngx_lu_call.h"


/* The part of a list that a request asks for. */

typedef struct {
    ngx_uint_t              offset;     /* items still to be passed over */
    ngx_uint_t              limit;      /* items still to be taken */

    /* of a list that reads a file for each item */
    ngx_uint_t              reads;      /* files that may still be read */
    char                   *after;      /* id of the item before; NULL: none */
    u_char                  part;       /* of the list, that this item is in */
} ngx_lu_page_t;


/*
 * Returns the decoded parameter, terminated, from the call's pool; or NULL if
 * it is absent or empty, cannot be decoded, or memory is short.
 */

char *ngx_lu_arg(ngx_lu_call_t *call, const char *name);

/*
 * Returns 1 if "relations", a list of names, contains the relation, else 0:
 * the answer has the related object, too.
 */

ngx_uint_t ngx_lu_arg_relation(ngx_lu_call_t *call, const char *relation);

/*
 * Sets the page to "limit" (50 if absent, at most 1000) and "offset" (0 if
 * absent).  What is not a number counts as absent.
 */

void ngx_lu_arg_page(ngx_lu_call_t *call, ngx_lu_page_t *page);

/*
 * A list that reads a file for each item ends a page when it is full, or when
 * enough files were read.  next() then tells the client where to go on: behind
 * the item "after", which was in that part of the list, with the offset that is
 * left.  after() sets the page to what a client was told; "parts" has a letter
 * for each part of the list.  NGX_OK, or a status.
 */

ngx_int_t ngx_lu_arg_after(ngx_lu_call_t *call, const char *parts,
    ngx_lu_page_t *page);
ngx_int_t ngx_lu_arg_next(ngx_lu_call_t *call, u_char part, ngx_uint_t offset,
    const ngx_str_t *after);

/* Counts the next item of a list: returns 1 if it is on the page, else 0. */

ngx_uint_t ngx_lu_arg_page_take(ngx_lu_page_t *page);


#endif /* _NGX_LU_ARG_H_INCLUDED_ */
