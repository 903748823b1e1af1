
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * JSON (RFC 8259) through cJSON.  A text that cJSON would misread is refused
 * before cJSON sees it.
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
 * The values of members, by the same key.  LU_OK; LU_NOT_FOUND: the member is
 * absent or null; LU_INVALID: it has another type or range.  Unless a call
 * returns LU_OK, the result is left as it was.  Strings are terminated and
 * belong to the tree.
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
 * Puts a value into an object, in the place of the one that has the key, or at
 * the end.  The object owns the value then.  LU_OK; LU_NOMEM: the value is
 * freed, or it is NULL, so that the result of cJSON_Create...() can be the
 * argument.  lu_put.h has more of this kind.
 */

lu_rc_e lu_json_set(cJSON *object, const char *key, cJSON *value);

/* The same with a string, which may belong to the value that it replaces. */

lu_rc_e lu_json_set_string(cJSON *object, const char *key, const char *value);


#endif /* _LU_JSON_H_INCLUDED_ */
