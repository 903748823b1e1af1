
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The text format of Prometheus.
 */


#ifndef _NGX_LU_METRICS_H_INCLUDED_
#define _NGX_LU_METRICS_H_INCLUDED_


#include "ngx_lu_snapshot.h"


/*
 * Returns the metrics of a snapshot as a null-terminated text, to be freed with
 * cJSON_free(), or NULL if memory is short.
 */

char *ngx_lu_metrics(ngx_lu_snapshot_t *snapshot);


#endif /* _NGX_LU_METRICS_H_INCLUDED_ */
