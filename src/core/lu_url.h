
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * URLs that publishers register.
 */


#ifndef _LU_URL_H_INCLUDED_
#define _LU_URL_H_INCLUDED_


#include "lu_str.h"


/*
 * 1 if it is an absolute URI (RFC 3986, section 4.3) of at most 2048 bytes,
 * with "http" or "https", a host, and no port or one from 1 to 65535.  A
 * fragment is allowed.  Any other URL crashes old iOS apps.
 */

int lu_url_valid(const lu_str_t *url);


#endif /* _LU_URL_H_INCLUDED_ */
