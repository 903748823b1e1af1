
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Native version codes: one or more decimal numbers separated by dots, at most
 * 64 bytes ("84", "1.2.3").  They are compared number by number; a missing
 * number is 0, so that "1.0" equals "1.0.0".  Numbers may have any length, and
 * leading zeroes.
 */


#ifndef _LU_VERSION_H_INCLUDED_
#define _LU_VERSION_H_INCLUDED_


#include "lu_str.h"


/* 1 if it is a version code. */

int lu_version_valid(const lu_str_t *version);

/* Below, equal to or above 0, as memcmp(); both versions must be valid. */

int lu_version_cmp(const lu_str_t *a, const lu_str_t *b);

/*
 * The same for versions of desktop apps (Semantic Versioning 2.0.0, section
 * 11): "1.0.0-beta.2" is below "1.0.0-beta.11", and that below "1.0.0".  What
 * follows a "+" does not count.  Any two strings have an order.
 */

int lu_version_semantic_cmp(const lu_str_t *a, const lu_str_t *b);


#endif /* _LU_VERSION_H_INCLUDED_ */
