
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The location of liveupdate_status.
 */


#ifndef _NGX_LU_STATUS_H_INCLUDED_
#define _NGX_LU_STATUS_H_INCLUDED_


#include "ngx_lu_snapshot.h"


/* The content handler of the location. */

ngx_int_t ngx_lu_status_handler(ngx_http_request_t *r);

/*
 * Returns the seconds that the oldest staged release has been waiting, at least
 * 1, or 0 if none is waiting.
 */

double ngx_lu_waiting(ngx_lu_snapshot_t *snapshot);


/* The names of ngx_lu_kind_e, of ngx_lu_result_e, and of NGX_LU_LOADS loads. */

extern const char  *ngx_lu_kind_names[];
extern const char  *ngx_lu_result_names[];
extern const char  *ngx_lu_load_names[];


#endif /* _NGX_LU_STATUS_H_INCLUDED_ */
