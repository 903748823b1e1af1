
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_json.h"
#include "lu_json_scan.h"


#define LU_JSON_PAIRS  8      /* keys compared without sorting */

/* cJSON prints 15 digits of a larger number, which may exceed DBL_MAX */

#define LU_JSON_MAX    1.79769313486231e308


static lu_rc_e lu_json_check(const cJSON *json, lu_error_t *err);
static lu_rc_e lu_json_check_keys(const cJSON *object, lu_error_t *err);
static int lu_json_same_key(const cJSON *object);
static lu_rc_e lu_json_sort_keys(const cJSON *object, size_t n, int *same);
static int lu_json_key_cmp(const void *one, const void *two);

static const cJSON *lu_json_member(const cJSON *object, const char *key);


lu_rc_e
lu_json_parse(cJSON **json, const lu_str_t *text, lu_error_t *err)
{
    lu_rc_e      rc;
    const char  *end, *last;

    *json = NULL;

    rc = lu_json_scan(text, err);
    if (rc != LU_OK) {
        return rc;
    }

    /* cJSON parses all that passes the scan, unless it lacks memory */

    *json = cJSON_ParseWithLengthOpts((const char *) text->data, text->len,
                                      &end, 0);
    if (*json == NULL) {
        return LU_NOMEM;
    }

    last = (const char *) text->data + text->len;

    while (end < last
           && (*end == ' ' || *end == '\t' || *end == '\n' || *end == '\r'))
    {
        end++;
    }

    if (end != last) {
        rc = lu_error(err, NULL, "the JSON text has more than one value");

    } else {
        rc = lu_json_check(*json, err);
    }

    if (rc != LU_OK) {
        cJSON_Delete(*json);
        *json = NULL;
    }

    return rc;
}


/* Checks what shows only in the tree, whose depth is limited. */

static lu_rc_e
lu_json_check(const cJSON *json, lu_error_t *err)
{
    lu_rc_e       rc;
    const cJSON  *item;

    if (cJSON_IsNumber(json)
        && (json->valuedouble > LU_JSON_MAX
            || json->valuedouble < -LU_JSON_MAX))
    {
        return lu_error(err, NULL, "a JSON number is too large for a double");
    }

    if (cJSON_IsObject(json)) {
        rc = lu_json_check_keys(json, err);
        if (rc != LU_OK) {
            return rc;
        }
    }

    for (item = json->child; item; item = item->next) {
        rc = lu_json_check(item, err);
        if (rc != LU_OK) {
            return rc;
        }
    }

    return LU_OK;
}


/*
 * Keys are compared in the tree, since a text can have one key in several
 * forms.
 */

static lu_rc_e
lu_json_check_keys(const cJSON *object, lu_error_t *err)
{
    int           same;
    size_t        n;
    lu_rc_e       rc;
    const cJSON  *item;

    n = 0;

    for (item = object->child; item; item = item->next) {
        n++;
    }

    if (n <= LU_JSON_PAIRS) {
        same = lu_json_same_key(object);

    } else {
        rc = lu_json_sort_keys(object, n, &same);
        if (rc != LU_OK) {
            return rc;
        }
    }

    if (same) {
        return lu_error(err, NULL, "a JSON object has the same key twice");
    }

    return LU_OK;
}


static int
lu_json_same_key(const cJSON *object)
{
    const cJSON  *one, *two;

    for (one = object->child; one; one = one->next) {
        for (two = one->next; two; two = two->next) {
            if (strcmp(one->string, two->string) == 0) {
                return 1;
            }
        }
    }

    return 0;
}


static lu_rc_e
lu_json_sort_keys(const cJSON *object, size_t n, int *same)
{
    size_t        i;
    const char  **keys;
    const cJSON  *item;

    keys = cJSON_malloc(n * sizeof(char *));
    if (keys == NULL) {
        return LU_NOMEM;
    }

    i = 0;

    for (item = object->child; item; item = item->next) {
        keys[i++] = item->string;
    }

    qsort(keys, n, sizeof(char *), lu_json_key_cmp);

    *same = 0;

    for (i = 1; i < n; i++) {
        if (strcmp(keys[i - 1], keys[i]) == 0) {
            *same = 1;
            break;
        }
    }

    cJSON_free(keys);

    return LU_OK;
}


static int
lu_json_key_cmp(const void *one, const void *two)
{
    const char *const  *a, *const  *b;

    a = one;
    b = two;

    return strcmp(*a, *b);
}


cJSON *
lu_json_get(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}


lu_rc_e
lu_json_string(const cJSON *object, const char *key, lu_str_t *value)
{
    const cJSON  *item;

    item = lu_json_member(object, key);
    if (item == NULL) {
        return LU_NOT_FOUND;
    }

    return lu_json_value(item, value);
}


lu_rc_e
lu_json_dup(const lu_arena_t *arena, const cJSON *object, const char *key,
    lu_str_t *value, lu_error_t *err)
{
    lu_rc_e   rc;
    lu_str_t  subject, found;

    rc = lu_json_string(object, key, &found);

    if (rc == LU_NOT_FOUND) {
        return LU_OK;
    }

    if (rc != LU_OK) {
        subject = lu_str(key);

        return lu_error(err, &subject, "must be a string");
    }

    *value = lu_str_dup(arena, found.data, found.len);

    return value->data ? LU_OK : LU_NOMEM;
}


lu_rc_e
lu_json_bool(const cJSON *object, const char *key, int *value)
{
    const cJSON  *item;

    item = lu_json_member(object, key);
    if (item == NULL) {
        return LU_NOT_FOUND;
    }

    if (!cJSON_IsBool(item)) {
        return LU_INVALID;
    }

    *value = cJSON_IsTrue(item) ? 1 : 0;

    return LU_OK;
}


lu_rc_e
lu_json_number(const cJSON *object, const char *key, double *value)
{
    const cJSON  *item;

    item = lu_json_member(object, key);
    if (item == NULL) {
        return LU_NOT_FOUND;
    }

    if (!cJSON_IsNumber(item)) {
        return LU_INVALID;
    }

    *value = item->valuedouble;

    return LU_OK;
}


lu_rc_e
lu_json_size(const cJSON *object, const char *key, uint64_t *value)
{
    double    number;
    lu_rc_e   rc;
    uint64_t  size;

    rc = lu_json_number(object, key, &number);
    if (rc != LU_OK) {
        return rc;
    }

    /* 2^53; a NaN is refused, too */

    if (!(number >= 0 && number <= 9007199254740992.0)) {
        return LU_INVALID;
    }

    size = (uint64_t) number;

    if (number - (double) size > 0) {
        return LU_INVALID;
    }

    *value = size;

    return LU_OK;
}


lu_rc_e
lu_json_value(const cJSON *item, lu_str_t *value)
{
    if (!cJSON_IsString(item) || item->valuestring == NULL) {
        return LU_INVALID;
    }

    *value = lu_str(item->valuestring);

    return LU_OK;
}


cJSON *
lu_json_find(const cJSON *array, const char *key, const char *value)
{
    cJSON    *item;
    lu_str_t  member;

    cJSON_ArrayForEach(item, array) {
        if (lu_json_string(item, key, &member) == LU_OK
            && lu_str_is(&member, value))
        {
            return item;
        }
    }

    return NULL;
}


lu_rc_e
lu_json_set(cJSON *object, const char *key, cJSON *value)
{
    cJSON  *old;

    if (value == NULL) {
        return LU_NOMEM;
    }

    old = lu_json_get(object, key);

    if (old == NULL) {

        if (cJSON_AddItemToObject(object, key, value)) {
            return LU_OK;
        }

        cJSON_Delete(value);

        return LU_NOMEM;
    }

    /* cJSON would copy the key, and go on without one if it lacks memory */

    cJSON_free(value->string);
    value->string = old->string;
    old->string = NULL;

    (void) cJSON_ReplaceItemViaPointer(object, old, value);

    return LU_OK;
}


static const cJSON *
lu_json_member(const cJSON *object, const char *key)
{
    const cJSON  *item;

    item = lu_json_get(object, key);

    return (item == NULL || cJSON_IsNull(item)) ? NULL : item;
}


lu_rc_e
lu_json_set_string(cJSON *object, const char *key, const char *value)
{
    return lu_json_set(object, key, cJSON_CreateString(value));
}
