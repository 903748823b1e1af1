
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_put.h"


void
lu_put_init(lu_put_t *put)
{
    put->failed = 0;
}


void
lu_put_string(lu_put_t *put, cJSON *to, const char *key, const char *value)
{
    if (put->failed) {
        return;
    }

    lu_put_item(put, to, key, cJSON_CreateString(value));
}


void
lu_put_str(lu_put_t *put, cJSON *to, const char *key, const lu_str_t *value)
{
    char   *copy;
    cJSON  *item;

    if (put->failed) {
        return;
    }

    /* cJSON_CreateString() would need a terminated string */

    item = cJSON_CreateNull();
    copy = cJSON_malloc(value->len + 1);

    if (item == NULL || copy == NULL) {
        cJSON_free(copy);
        cJSON_Delete(item);
        put->failed = 1;
        return;
    }

    if (value->len) {
        memcpy(copy, value->data, value->len);
    }

    copy[value->len] = '\0';

    item->type = cJSON_String;
    item->valuestring = copy;

    lu_put_item(put, to, key, item);
}


void
lu_put_str_or_null(lu_put_t *put, cJSON *to, const char *key,
    const lu_str_t *value)
{
    if (value->len == 0) {
        lu_put_null(put, to, key);
        return;
    }

    lu_put_str(put, to, key, value);
}


void
lu_put_number(lu_put_t *put, cJSON *to, const char *key, double value)
{
    if (put->failed) {
        return;
    }

    lu_put_item(put, to, key, cJSON_CreateNumber(value));
}


void
lu_put_bool(lu_put_t *put, cJSON *to, const char *key, int value)
{
    if (put->failed) {
        return;
    }

    lu_put_item(put, to, key, cJSON_CreateBool(value));
}


void
lu_put_null(lu_put_t *put, cJSON *to, const char *key)
{
    if (put->failed) {
        return;
    }

    lu_put_item(put, to, key, cJSON_CreateNull());
}


cJSON *
lu_put_object(lu_put_t *put, cJSON *to, const char *key)
{
    cJSON  *object;

    if (put->failed) {
        return NULL;
    }

    object = cJSON_CreateObject();

    lu_put_item(put, to, key, object);

    return put->failed ? NULL : object;
}


cJSON *
lu_put_array(lu_put_t *put, cJSON *to, const char *key)
{
    cJSON  *array;

    if (put->failed) {
        return NULL;
    }

    array = cJSON_CreateArray();

    lu_put_item(put, to, key, array);

    return put->failed ? NULL : array;
}


void
lu_put_item(lu_put_t *put, cJSON *to, const char *key, cJSON *item)
{
    if (put->failed || to == NULL || item == NULL) {
        cJSON_Delete(item);
        put->failed = 1;
        return;
    }

    if (key) {

        if (lu_json_set(to, key, item) != LU_OK) {
            put->failed = 1;
        }

        return;
    }

    if (!cJSON_AddItemToArray(to, item)) {
        cJSON_Delete(item);
        put->failed = 1;
    }
}


void
lu_put_copy(lu_put_t *put, cJSON *to, const char *key, const cJSON *from,
    const char *name)
{
    const cJSON  *item;

    if (to == NULL) {
        put->failed = 1;
    }

    item = lu_json_get(from, name);

    if (put->failed || item == NULL) {
        return;
    }

    lu_put_item(put, to, key, cJSON_Duplicate(item, 1));
}


void
lu_put_copy_or_null(lu_put_t *put, cJSON *to, const char *key,
    const cJSON *from, const char *name)
{
    if (lu_json_get(from, name) == NULL) {
        lu_put_null(put, to, key);
        return;
    }

    lu_put_copy(put, to, key, from, name);
}


cJSON *
lu_put_done(lu_put_t *put, cJSON *json)
{
    if (json == NULL) {
        put->failed = 1;
    }

    if (put->failed) {
        cJSON_Delete(json);
        return NULL;
    }

    return json;
}
