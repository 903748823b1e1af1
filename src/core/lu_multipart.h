
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * multipart/form-data (RFC 7578, RFC 2046 section 5.1), incrementally: the
 * same bytes give the same parts however they are cut into feeds.
 */


#ifndef _LU_MULTIPART_H_INCLUDED_
#define _LU_MULTIPART_H_INCLUDED_


#include "lu_error.h"


#define LU_MULTIPART_BOUNDARY  70     /* RFC 2046, section 5.1.1 */
#define LU_MULTIPART_HEADERS   2048   /* bytes of a part's headers */
#define LU_MULTIPART_PARTS     32


/*
 * part() is called when a part's headers are complete, with the "name" of its
 * Content-Disposition (valid during the call); body() with each piece of its
 * content, none for an empty one.  Anything but LU_OK from a callback
 * ends the parsing and is what feed() returns.
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
 * Starts a parser for a body with that Content-Type.  LU_INVALID: it
 * is not multipart/form-data with a boundary (quoted or not) of 1 to 70
 * characters that RFC 2046 allows.
 */

lu_rc_e lu_multipart_init(lu_multipart_t *multipart,
    const lu_str_t *content_type, const lu_multipart_handler_t *handler,
    lu_error_t *err);

/*
 * Takes the next bytes of the body.  LU_INVALID with the reason on a
 * malformed body, else LU_OK or what a callback returned.  After
 * anything but LU_OK all further calls return LU_INVALID.
 */

lu_rc_e lu_multipart_feed(lu_multipart_t *multipart,
    const unsigned char *bytes, size_t len, lu_error_t *err);

/* LU_OK if the closing delimiter was seen, else LU_INVALID. */

lu_rc_e lu_multipart_done(lu_multipart_t *multipart, lu_error_t *err);


#endif /* _LU_MULTIPART_H_INCLUDED_ */
