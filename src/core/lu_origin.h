
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The Origin header of a browser (RFC 6454, section 7).
 */


#ifndef _LU_ORIGIN_H_INCLUDED_
#define _LU_ORIGIN_H_INCLUDED_


#include "lu_str.h"


/*
 * 1 if the origin is an http or https one of the host that a Host header names,
 * with the same port; of both, the default port of the scheme may be left out.
 * The scheme itself may be another one than that of the request, since TLS may
 * end in a proxy.
 */

int lu_origin_is(const lu_str_t *origin, const lu_str_t *host);


#endif /* _LU_ORIGIN_H_INCLUDED_ */
