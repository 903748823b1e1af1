
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * multipart/form-data (RFC 7578, RFC 2046 section 5.1), incrementally: the
 * same bytes give the same parts however they are cut into feeds.
 */


#ifndef _LIVEUPDATE_MULTIPART_H_INCLUDED_
#define _LIVEUPDATE_MULTIPART_H_INCLUDED_


#include "lu_core.h"


#define LIVEUPDATE_MULTIPART_BOUNDARY  70     /* RFC 2046, section 5.1.1 */
#define LIVEUPDATE_MULTIPART_HEADERS   2048   /* bytes of a part's headers */
#define LIVEUPDATE_MULTIPART_PARTS     32


/*
 * part() is called when a part's headers are complete, with the "name" of its
 * Content-Disposition (valid during the call); body() with each piece of its
 * content, none for an empty one.  Anything but LIVEUPDATE_OK from a callback
 * ends the parsing and is what feed() returns.
 */

typedef struct {
    liveupdate_rc_e  (*part)(void *data, const liveupdate_str_t *name);
    liveupdate_rc_e  (*body)(void *data, const unsigned char *bytes,
                             size_t len);
    void              *data;
} liveupdate_multipart_handler_t;


typedef struct {
    liveupdate_multipart_handler_t   handler;

    /* "\r\n--" and the boundary */
    unsigned char                    delimiter[LIVEUPDATE_MULTIPART_BOUNDARY
                                               + 4];
    size_t                           delimiter_len;
    size_t                           matched;

    unsigned char                    headers[LIVEUPDATE_MULTIPART_HEADERS];
    size_t                           headers_len;

    unsigned                         state;
    unsigned                         parts;
} liveupdate_multipart_t;


/*
 * Starts a parser for a body with that Content-Type.  LIVEUPDATE_INVALID: it
 * is not multipart/form-data with a boundary (quoted or not) of 1 to 70
 * characters that RFC 2046 allows.
 */

liveupdate_rc_e liveupdate_multipart_init(liveupdate_multipart_t *multipart,
    const liveupdate_str_t *content_type,
    const liveupdate_multipart_handler_t *handler, liveupdate_error_t *err);

/*
 * Takes the next bytes of the body.  LIVEUPDATE_INVALID with the reason on a
 * malformed body, else LIVEUPDATE_OK or what a callback returned.  After
 * anything but LIVEUPDATE_OK all further calls return LIVEUPDATE_INVALID.
 */

liveupdate_rc_e liveupdate_multipart_feed(liveupdate_multipart_t *multipart,
    const unsigned char *bytes, size_t len, liveupdate_error_t *err);

/* LIVEUPDATE_OK if the closing delimiter was seen, else LIVEUPDATE_INVALID. */

liveupdate_rc_e liveupdate_multipart_done(liveupdate_multipart_t *multipart,
    liveupdate_error_t *err);


#endif /* _LIVEUPDATE_MULTIPART_H_INCLUDED_ */
