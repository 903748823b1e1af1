
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#ifndef _LU_URL_H_INCLUDED_
#define _LU_URL_H_INCLUDED_


#include "lu_str.h"


/*
 * An absolute URI of RFC 3986, section 4.3, with "http" or "https", a host,
 * and a port from 1 to 65535 or none, of at most 2048 bytes: what is not
 * crashes old iOS apps.  A fragment is allowed, too.
 */

int lu_url_valid(const lu_str_t *url);


#endif /* _LU_URL_H_INCLUDED_ */
