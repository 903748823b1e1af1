
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * multipart/form-data (RFC 7578; RFC 2046, section 5.1), incrementally: the
 * same bytes give the same parts, however they are cut into pieces.
 */


#ifndef _LU_MULTIPART_H_INCLUDED_
#define _LU_MULTIPART_H_INCLUDED_


#include "lu_error.h"


#define LU_MULTIPART_BOUNDARY  70     /* RFC 2046, section 5.1.1 */
#define LU_MULTIPART_HEADERS   2048   /* bytes of a part's headers */
#define LU_MULTIPART_PARTS     32


/*
 * part() is called at the end of a part's headers, with the "name" of its
 * Content-Disposition, which is valid during the call.  body() is called with
 * each piece of the part's content, and not at all if that is empty.  If a
 * callback does not return LU_OK, the parsing ends, and lu_multipart_feed()
 * returns the same.
 */

typedef struct {
    lu_rc_e          (*part)(void *data, const lu_str_t *name);
    lu_rc_e          (*body)(void *data, const unsigned char *bytes,
                             size_t len);
    void              *data;
} lu_multipart_handler_t;


typedef struct {
    lu_multipart_handler_t           handler;

    /* "\r\n--" and the boundary */
    unsigned char                    delimiter[LU_MULTIPART_BOUNDARY
                                               + 4];
    size_t                           delimiter_len;
    size_t                           matched;

    unsigned char                    headers[LU_MULTIPART_HEADERS];
    size_t                           headers_len;

    unsigned                         state;
    unsigned                         parts;
} lu_multipart_t;


/*
 * Starts a parser for a body with that Content-Type.  The handler is copied.
 * LU_OK, or LU_INVALID with the reason: it is not multipart/form-data with a
 * boundary (quoted or not) of 1 to 70 of the characters that RFC 2046 allows.
 */

lu_rc_e lu_multipart_init(lu_multipart_t *multipart,
    const lu_str_t *content_type, const lu_multipart_handler_t *handler,
    lu_error_t *err);

/*
 * Takes the next bytes of the body.  LU_OK, what a callback returned, or
 * LU_INVALID with the reason: the body is malformed, or an earlier call did
 * not return LU_OK.
 */

lu_rc_e lu_multipart_feed(lu_multipart_t *multipart,
    const unsigned char *bytes, size_t len, lu_error_t *err);

/*
 * Ends the parsing.  LU_OK, or LU_INVALID with the reason: there was no
 * closing delimiter.
 */

lu_rc_e lu_multipart_done(lu_multipart_t *multipart, lu_error_t *err);


#endif /* _LU_MULTIPART_H_INCLUDED_ */
