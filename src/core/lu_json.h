
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * JSON (RFC 8259) through cJSON, without its traps: what cJSON would let
 * pass or would change is refused before it is parsed.
 */


#ifndef _LIVEUPDATE_JSON_H_INCLUDED_
#define _LIVEUPDATE_JSON_H_INCLUDED_


#include "lu_core.h"

#include <cjson/cJSON.h>


#define LIVEUPDATE_JSON_DEPTH  32


/*
 * Parses one JSON text.  Refused: what is not UTF-8, a byte order mark,
 * control characters in strings, "\u0000", lone surrogates, numbers with
 * leading zeroes, duplicate keys in an object, more than LIVEUPDATE_JSON_DEPTH
 * levels, anything but white space behind the value, an empty text, all else
 * that RFC 8259 does not allow; also numbers of more than 63 characters or
 * too large for a double.
 * *json is the caller's, to be freed by cJSON_Delete(); NULL on error.
 * Returns LIVEUPDATE_OK, LIVEUPDATE_INVALID with the reason, or
 * LIVEUPDATE_NOMEM.  Thread-safe.
 */

liveupdate_rc_e liveupdate_json_parse(cJSON **json,
    const liveupdate_str_t *text, liveupdate_error_t *err);

/*
 * Members of an object, by exact (case-sensitive) key.  Each returns
 * LIVEUPDATE_OK; LIVEUPDATE_NOT_FOUND if the member is absent or null;
 * LIVEUPDATE_INVALID if it has another type or range.  On anything but OK the
 * result is left as it was.  Strings point into the tree and are terminated.
 */

liveupdate_rc_e liveupdate_json_string(const cJSON *object, const char *key,
    liveupdate_str_t *value);
liveupdate_rc_e liveupdate_json_bool(const cJSON *object, const char *key,
    int *value);
liveupdate_rc_e liveupdate_json_number(const cJSON *object, const char *key,
    double *value);

/* A whole number from 0 to 2^53. */

liveupdate_rc_e liveupdate_json_size(const cJSON *object, const char *key,
    uint64_t *value);

/* The string of a value itself; LIVEUPDATE_INVALID if it is not a string. */

liveupdate_rc_e liveupdate_json_value(const cJSON *item,
    liveupdate_str_t *value);

/*
 * Puts a value into an object, in the place of the one that has the key, or
 * at the end.  The value is the object's then, and freed with LIVEUPDATE_NOMEM,
 * which is also the answer to NULL, so that cJSON_Create...() can be the
 * argument.
 */

liveupdate_rc_e liveupdate_json_set(cJSON *object, const char *key,
    cJSON *value);

/* The same with a string, which may be a part of the value that it replaces. */

liveupdate_rc_e liveupdate_json_set_string(cJSON *object, const char *key,
    const char *value);


#endif /* _LIVEUPDATE_JSON_H_INCLUDED_ */
