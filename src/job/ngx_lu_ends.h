
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What comes to an end, and people are told of: the room on the disk of the
 * store, the certificates of nginx, and the token for GitHub.
 */


#ifndef _NGX_LU_ENDS_H_INCLUDED_
#define _NGX_LU_ENDS_H_INCLUDED_


#include "ngx_lu_notify.h"


typedef struct {
    ngx_msec_t                disk;           /* the next look at it */
    ngx_msec_t                certificates;   /* and at them, and the token */
    ngx_uint_t                full;           /* the disk, and it was told */
} ngx_lu_ends_t;


/*
 * Looks, now and then, and adds what people are told of to the journal.  With
 * the claim.  NGX_OK, or NGX_ERROR with io.
 */

ngx_int_t ngx_lu_ends(ngx_lu_pass_t *pass, ngx_lu_ends_t *ends);


#endif /* _NGX_LU_ENDS_H_INCLUDED_ */
