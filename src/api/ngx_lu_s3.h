
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Uploads of S3 clients: signed requests, which become calls.
 */


#ifndef _NGX_LU_S3_H_INCLUDED_
#define _NGX_LU_S3_H_INCLUDED_


#include "ngx_lu_call.h"

#include "store/ngx_lu_temp.h"

#include "core/lu_checksum.h"
#include "core/lu_s3.h"
#include "core/lu_sha256.h"


/* A call of an S3 client.  What was done in one run is not done in the next. */

struct ngx_lu_s3_s {
    lu_s3_t              request;
    ngx_lu_s3_conf_t    *conf;
    lu_str_t             payload;       /* SHA-256 of the body, or empty */
    lu_checksum_t        checksum;      /* of the body, as it was sent */

    ngx_lu_temp_t        temp;
    char                 sha256[LU_SHA256_HEX + 1];
    unsigned             has_temp:1;
    unsigned             received:1;
    unsigned             placed:1;
};


/*
 * The content handler of liveupdate_publish_s3: an error in the terms of S3, or
 * a call.  Returns what a content handler returns.
 */

ngx_int_t ngx_lu_s3_handler(ngx_http_request_t *r);


#endif /* _NGX_LU_S3_H_INCLUDED_ */
