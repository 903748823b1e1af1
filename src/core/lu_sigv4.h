
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Requests that are signed as S3 clients do it: AWS's Signature Version 4, in
 * the header Authorization.
 */


#ifndef _LU_SIGV4_H_INCLUDED_
#define _LU_SIGV4_H_INCLUDED_


#include <time.h>

#include "lu_error.h"


/* Headers with the same name are in the order in which they were sent. */

typedef struct {
    lu_str_t                  name;      /* in lower case */
    lu_str_t                  value;
} lu_sigv4_header_t;


typedef struct {
    lu_str_t                  method;
    lu_str_t                  path;      /* as it was sent */
    lu_str_t                  query;     /* as it was sent, without "?" */
    const lu_sigv4_header_t  *headers;
    size_t                    nheaders;
} lu_sigv4_request_t;


/* What a request says about its signature; parts of its headers. */

typedef struct {
    lu_str_t                  access;    /* the access key */
    lu_str_t                  scope;     /* "{day}/{region}/s3/aws4_request" */
    lu_str_t                  day;
    lu_str_t                  region;
    lu_str_t                  names;     /* of signed headers */
    lu_str_t                  signature;
    lu_str_t                  stamp;     /* "20130524T000000Z" */
    time_t                    time;      /* the same */
    lu_str_t                  payload;   /* x-amz-content-sha256 */
} lu_sigv4_t;


/*
 * Reads what the request says about its signature.  LU_OK; LU_NOT_FOUND: it
 * has no header Authorization; or LU_INVALID with the reason: it has two; it
 * is not what S3 clients send; or the request has not one x-amz-date with the
 * day of the signature, or not one x-amz-content-sha256.
 */

lu_rc_e lu_sigv4_parse(const lu_sigv4_request_t *request, lu_sigv4_t *sigv4,
    lu_error_t *err);

/*
 * Checks that each header x-amz-... of the request, and its host, is signed.
 * LU_OK, or LU_INVALID with the reason.
 */

lu_rc_e lu_sigv4_covers(const lu_sigv4_request_t *request,
    const lu_sigv4_t *sigv4, lu_error_t *err);

/*
 * Computes the signature with the secret and compares it, in constant time.
 * LU_OK, LU_NOMEM, or LU_FORBIDDEN: it is another one.
 */

lu_rc_e lu_sigv4_verify(const lu_arena_t *arena,
    const lu_sigv4_request_t *request, const lu_sigv4_t *sigv4,
    const lu_str_t *secret);


#endif /* _LU_SIGV4_H_INCLUDED_ */
