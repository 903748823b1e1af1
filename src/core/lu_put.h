
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Builds and changes JSON trees with one check at the end:
 *
 *     lu_put_init(&put);
 *
 *     json = cJSON_CreateObject();
 *
 *     lu_put_string(&put, json, "id", id);
 *     lu_put_number(&put, json, "size", size);
 *
 *     job = lu_put_object(&put, json, "job");
 *     lu_put_null(&put, job, "finishedAt");
 *
 *     return lu_put_done(&put, json);
 *
 * The only possible failure is a lack of memory.  The first call that fails
 * sets put->failed, and all later calls do nothing.  A tree that was changed in
 * place may then be half changed and must be thrown away.
 */


#ifndef _LU_PUT_H_INCLUDED_
#define _LU_PUT_H_INCLUDED_


#include "lu_json.h"


typedef struct {
    unsigned                     failed:1;    /* out of memory */
} lu_put_t;


void lu_put_init(lu_put_t *put);


/*
 * The calls below put a value into "to".  With a key, "to" is an object: the
 * value takes the place of the one that has the key, or becomes the last
 * member.  With the key NULL, "to" is an array, to which the value is appended.
 * Keys and strings are copied.
 *
 * If "to" is NULL, the call fails, so that the results of
 * cJSON_CreateObject(), cJSON_CreateArray(), lu_put_object() and
 * lu_put_array() need no check of their own.
 */

/* Puts a terminated string; with NULL, the call fails. */

void lu_put_string(lu_put_t *put, cJSON *to, const char *key,
    const char *value);

/*
 * Put a string that need not be terminated.  For an empty one, lu_put_str()
 * puts "", and lu_put_str_or_null() null.
 */

void lu_put_str(lu_put_t *put, cJSON *to, const char *key,
    const lu_str_t *value);
void lu_put_str_or_null(lu_put_t *put, cJSON *to, const char *key,
    const lu_str_t *value);

void lu_put_number(lu_put_t *put, cJSON *to, const char *key, double value);
void lu_put_bool(lu_put_t *put, cJSON *to, const char *key, int value);
void lu_put_null(lu_put_t *put, cJSON *to, const char *key);

/*
 * Put a new empty object or array, and return it; it belongs to the tree.
 * NULL: this call failed, or an earlier one.
 */

cJSON *lu_put_object(lu_put_t *put, cJSON *to, const char *key);
cJSON *lu_put_array(lu_put_t *put, cJSON *to, const char *key);

/*
 * Puts a tree of the caller's, who gives it away: it is freed if this call
 * fails, or an earlier one did.  With NULL, the call fails, so that the result
 * of a function that creates a tree can be the argument.
 */

void lu_put_item(lu_put_t *put, cJSON *to, const char *key, cJSON *item);

/*
 * Put a copy of the member "name" of the object "from".  If there is none,
 * lu_put_copy() puts nothing, and lu_put_copy_or_null() null.
 */

void lu_put_copy(lu_put_t *put, cJSON *to, const char *key, const cJSON *from,
    const char *name);
void lu_put_copy_or_null(lu_put_t *put, cJSON *to, const char *key,
    const cJSON *from, const char *name);


/*
 * Ends the building of a tree: returns it, or, if a call failed, frees it and
 * returns NULL.  The tree must not belong to another one.
 */

cJSON *lu_put_done(lu_put_t *put, cJSON *json);


#endif /* _LU_PUT_H_INCLUDED_ */
