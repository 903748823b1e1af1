
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
 * Only memory can run out: the first call that fails sets put->failed, and
 * all further calls do nothing, so that a tree that was changed in place may
 * be half changed then and must be thrown away.
 */


#ifndef _LU_PUT_H_INCLUDED_
#define _LU_PUT_H_INCLUDED_


#include "lu_json.h"


typedef struct {
    unsigned                     failed:1;    /* out of memory */
} lu_put_t;


void lu_put_init(lu_put_t *put);


/*
 * All calls below put a value into the tree "to": with a key, into an object,
 * where the value takes the place of the one that has the key, or becomes the
 * last member; with the key NULL, at the end of an array.  The key is copied.
 *
 * A "to" that is NULL sets put->failed, so that the result of
 * cJSON_CreateObject(), cJSON_CreateArray(), lu_put_object() and
 * lu_put_array() needs no check of its own.
 */

/* A terminated string, which is copied; NULL sets put->failed. */

void lu_put_string(lu_put_t *put, cJSON *to, const char *key,
    const char *value);

/*
 * The same with a length; the string need not be terminated.  An empty value
 * is the empty string, or with lu_put_str_or_null() null.
 */

void lu_put_str(lu_put_t *put, cJSON *to, const char *key,
    const lu_str_t *value);
void lu_put_str_or_null(lu_put_t *put, cJSON *to, const char *key,
    const lu_str_t *value);

void lu_put_number(lu_put_t *put, cJSON *to, const char *key, double value);
void lu_put_bool(lu_put_t *put, cJSON *to, const char *key, int value);
void lu_put_null(lu_put_t *put, cJSON *to, const char *key);

/* A new empty object or array, which belongs to the tree; NULL: failed. */

cJSON *lu_put_object(lu_put_t *put, cJSON *to, const char *key);
cJSON *lu_put_array(lu_put_t *put, cJSON *to, const char *key);

/*
 * A tree that the caller gives away: it is freed if the call fails, and if
 * one failed before.  NULL sets put->failed, so that the result of a function
 * that creates a tree can be the argument.
 */

void lu_put_item(lu_put_t *put, cJSON *to, const char *key, cJSON *item);

/*
 * A copy of the member "name" of the object "from".  If "from" has no such
 * member, lu_put_copy() does nothing, and lu_put_copy_or_null() puts null.
 */

void lu_put_copy(lu_put_t *put, cJSON *to, const char *key, const cJSON *from,
    const char *name);
void lu_put_copy_or_null(lu_put_t *put, cJSON *to, const char *key,
    const cJSON *from, const char *name);


/*
 * Ends the building of a tree of the caller's own: returns it, or frees it
 * and returns NULL if a call failed.
 */

cJSON *lu_put_done(lu_put_t *put, cJSON *json);


#endif /* _LU_PUT_H_INCLUDED_ */
