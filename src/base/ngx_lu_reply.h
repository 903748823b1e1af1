
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Replies that the module writes itself, and the sentences in them.
 */


#ifndef _NGX_LU_REPLY_H_INCLUDED_
#define _NGX_LU_REPLY_H_INCLUDED_


#include "ngx_lu.h"


/*
 * Each of these sends a complete response with "Cache-Control: no-store" and
 * the given HTTP status; with 503, also "Retry-After".  The request body must
 * have been read or discarded.
 * The text is not copied: it must live as long as the request.  An empty text
 * makes a response without a body and without a Content-Type.
 *
 * They return what a content handler returns: NGX_OK, NGX_AGAIN, NGX_ERROR or
 * an HTTP status; NGX_HTTP_INTERNAL_SERVER_ERROR if memory is short.
 */

ngx_int_t ngx_lu_reply_json(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *text);
ngx_int_t ngx_lu_reply_text(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, ngx_str_t *text);

/*
 * {"message": ...} with the sentence of the error, or with the text; for an S3
 * client, the same as XML, with a code and status of S3.
 */

ngx_int_t ngx_lu_reply_error(ngx_http_request_t *r, ngx_uint_t status,
    lu_error_t *err);
ngx_int_t ngx_lu_reply_message(ngx_http_request_t *r, ngx_uint_t status,
    const char *text);

/* 503: the disk does not answer. */

ngx_int_t ngx_lu_reply_unavailable(ngx_http_request_t *r);

/*
 * Returns the error as a null-terminated sentence, allocated from the pool, or
 * NULL if memory is short.  Control characters and invalid UTF-8 in the subject
 * become "?", and the subject is cut to 256 bytes.
 */

u_char *ngx_lu_reply_sentence(ngx_pool_t *pool, lu_error_t *err);


#endif /* _NGX_LU_REPLY_H_INCLUDED_ */
