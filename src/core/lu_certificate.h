
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Until when a certificate is valid (RFC 5280, section 4.1.2.5).
 */


#ifndef _LU_CERTIFICATE_H_INCLUDED_
#define _LU_CERTIFICATE_H_INCLUDED_


#include "lu_error.h"

#include <openssl/asn1.h>

#include <time.h>


/* A time in a certificate; 0: it is none, or lies before 1970. */

time_t lu_certificate_time(const ASN1_TIME *time);

/*
 * The time after which the first certificate of a file in PEM (RFC 7468) is
 * not valid any more.  LU_OK, or LU_INVALID: there is none.
 */

lu_rc_e lu_certificate_end(const lu_str_t *text, time_t *end);


#endif /* _LU_CERTIFICATE_H_INCLUDED_ */
