
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The text format of Prometheus.
 */


#ifndef _NGX_LU_METRICS_H_INCLUDED_
#define _NGX_LU_METRICS_H_INCLUDED_


#include "ngx_lu_bytes.h"
#include "ngx_lu_snapshot.h"


/*
 * Returns the metrics of a snapshot, and the bytes of those apps that the token
 * is for, as a null-terminated text, to be freed with cJSON_free(), or NULL if
 * memory is short.  "bytes" and "token" may be NULL, and so may "only", the id
 * of the only app that somebody asks about.
 */

char *ngx_lu_metrics(ngx_lu_snapshot_t *snapshot, ngx_lu_bytes_t *bytes,
    const char *only, const lu_token_t *token);


#endif /* _NGX_LU_METRICS_H_INCLUDED_ */
