
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * JSON (RFC 8259) through cJSON, without its traps: what cJSON would let
 * pass or would change is refused before it is parsed.
 */


#ifndef _LU_JSON_H_INCLUDED_
#define _LU_JSON_H_INCLUDED_


#include "lu_error.h"

#include <cjson/cJSON.h>


/*
 * Parses one JSON text.  Refused: what lu_json_scan() refuses, duplicate keys
 * in an object, and numbers that are too large for a double.
 * *json is the caller's, to be freed by cJSON_Delete(); NULL on error.
 * Returns LU_OK, LU_INVALID with the reason, or LU_NOMEM.  Thread-safe.
 */

lu_rc_e lu_json_parse(cJSON **json, const lu_str_t *text, lu_error_t *err);

/*
 * The member of an object, by exact (case-sensitive) key; it belongs to the
 * object.  NULL: there is none, or "object" is none.
 */

cJSON *lu_json_get(const cJSON *object, const char *key);

/*
 * Members of an object as values, by the same key.  Each returns
 * LU_OK; LU_NOT_FOUND if the member is absent or null;
 * LU_INVALID if it has another type or range.  On anything but OK the
 * result is left as it was.  Strings point into the tree and are terminated.
 */

lu_rc_e lu_json_string(const cJSON *object, const char *key, lu_str_t *value);
lu_rc_e lu_json_bool(const cJSON *object, const char *key, int *value);
lu_rc_e lu_json_number(const cJSON *object, const char *key, double *value);

/* A whole number from 0 to 2^53. */

lu_rc_e lu_json_size(const cJSON *object, const char *key, uint64_t *value);

/*
 * A string as a terminated copy from the arena.  Returns LU_OK also if the
 * member is absent or null, and leaves the result as it was; LU_INVALID with
 * the key as the subject, or LU_NOMEM.
 */

lu_rc_e lu_json_dup(const lu_arena_t *arena, const cJSON *object,
    const char *key, lu_str_t *value, lu_error_t *err);

/* The string of a value itself; LU_INVALID if it is not a string. */

lu_rc_e lu_json_value(const cJSON *item, lu_str_t *value);

/* The first object of an array whose member is that string, or NULL. */

cJSON *lu_json_find(const cJSON *array, const char *key, const char *value);

/*
 * Puts a value into an object, in the place of the one that has the key, or
 * at the end.  The value is the object's then, and freed with LU_NOMEM,
 * which is also the answer to NULL, so that cJSON_Create...() can be the
 * argument.
 */

lu_rc_e lu_json_set(cJSON *object, const char *key, cJSON *value);

/* The same with a string, which may be a part of the value that it replaces. */

lu_rc_e lu_json_set_string(cJSON *object, const char *key, const char *value);


#endif /* _LU_JSON_H_INCLUDED_ */
