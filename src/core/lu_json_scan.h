
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The grammar of JSON (RFC 8259) to the letter.  cJSON knows it less well, and
 * reads what passes here as everybody else does.
 */


#ifndef _LU_JSON_SCAN_H_INCLUDED_
#define _LU_JSON_SCAN_H_INCLUDED_


#include "lu_error.h"


#define LU_JSON_DEPTH  32


/*
 * Checks a text and allocates nothing.  LU_INVALID with the reason: it is not
 * UTF-8, begins with a byte order mark, is not one JSON value with nothing
 * but white space around, has a string with "\u0000" or half of a surrogate
 * pair, a number of more than 63 characters, or more than LU_JSON_DEPTH
 * levels.  The subject points into the text.
 */

lu_rc_e lu_json_scan(const lu_str_t *text, lu_error_t *err);


#endif /* _LU_JSON_SCAN_H_INCLUDED_ */
