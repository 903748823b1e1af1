
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Bytes of a known number in standard base64 with padding (RFC 4648,
 * section 4), such as digests and keys.
 */


#ifndef _LU_BASE64_H_INCLUDED_
#define _LU_BASE64_H_INCLUDED_


#include "lu_str.h"


#define LU_BASE64_BYTES  64         /* at most */


/*
 * 1 if the text is n bytes, which are decoded then: without line breaks, and
 * with nothing but zeros in the bits that are left over.
 */

int lu_base64_decode(unsigned char *bytes, size_t n, const lu_str_t *text);


#endif /* _LU_BASE64_H_INCLUDED_ */
