
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A release, with one more object behind it in a line of its own: what
 * somebody sets of it.
 */


#include "fuzz.h"
#include "lu_name.h"
#include "lu_release.h"
#include "lu_version.h"


static const char  *limit_names[] = {
    "minAndroidAppVersionCode", "maxAndroidAppVersionCode",
    "eqAndroidAppVersionCode", "minIosAppVersionCode",
    "maxIosAppVersionCode", "eqIosAppVersionCode", "customProperties"
};


static lu_rc_e
check_release(const lu_arena_t *arena, const lu_str_t *text)
{
    int           i;
    cJSON        *json;
    lu_rc_e       rc;
    lu_str_t      value, *limit;
    lu_error_t    err;
    const cJSON  *item;
    lu_release_t  release;

    err.text = NULL;

    rc = lu_release_parse(arena, text, &release, &err);

    if (rc != LU_OK) {
        fuzz_refused(rc, &err);
        return rc;
    }

    require(lu_name_release_valid(&release.id));

    limit = &release.limits[0].min;

    for (i = 0; i < 6; i++) {
        require(limit[i].len == 0 || lu_version_valid(&limit[i]));
    }

    if (release.properties.len) {
        require(lu_json_parse(&json, &release.properties, &err) == LU_OK);
        require(cJSON_IsObject(json) && cJSON_GetArraySize(json) <= 10);

        cJSON_ArrayForEach(item, json) {
            require(lu_json_value(item, &value) == LU_OK);
            require(item->string[0] != '\0' && value.len <= 300);
        }

        cJSON_Delete(json);
    }

    return LU_OK;
}


/* What is set is there afterwards, and nothing else is different. */

static void
check_set(const lu_arena_t *arena, cJSON *json, const cJSON *body, int valid)
{
    int           i;
    char         *printed;
    cJSON        *before;
    lu_rc_e       rc;
    lu_str_t      str;
    lu_error_t    err;
    const cJSON  *item;

    err.text = NULL;
    before = cJSON_Duplicate(json, 1);

    rc = lu_release_set(json, body, &err);

    if (rc != LU_OK) {
        fuzz_refused(rc, &err);
        require(cJSON_Compare(json, before, 1));

        cJSON_Delete(before);
        return;
    }

    for (i = 0; i < 7; i++) {
        item = cJSON_GetObjectItemCaseSensitive(body, limit_names[i]);

        if (item) {
            require(cJSON_Compare(item,
                                  cJSON_GetObjectItemCaseSensitive(json,
                                                            limit_names[i]),
                                  1));
        }

        if (item
            || !cJSON_GetObjectItemCaseSensitive(before, limit_names[i]))
        {
            cJSON_DeleteItemFromObjectCaseSensitive(before, limit_names[i]);
            cJSON_AddItemToObject(before, limit_names[i],
                                  item ? cJSON_Duplicate(item, 1)
                                       : cJSON_CreateFalse());
        }

        if (!cJSON_GetObjectItemCaseSensitive(json, limit_names[i])) {
            cJSON_AddFalseToObject(json, limit_names[i]);
        }
    }

    require(cJSON_Compare(json, before, 1));

    for (i = 0; i < 7; i++) {
        if (cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(json,
                                                           limit_names[i])))
        {
            cJSON_DeleteItemFromObjectCaseSensitive(json, limit_names[i]);
        }
    }

    if (valid) {
        printed = cJSON_PrintUnformatted(json);
        str = fuzz_str(printed);

        require(check_release(arena, &str) == LU_OK);

        cJSON_free(printed);
    }

    cJSON_Delete(before);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int             valid;
    cJSON          *json, *body;
    lu_str_t        text, first, second;
    lu_arena_t      arena;
    lu_error_t      err;
    fuzz_block_t   *blocks;
    const uint8_t  *line;

    blocks = NULL;
    arena.alloc = fuzz_alloc;
    arena.data = &blocks;

    text = fuzz_copy(data, size);

    (void) check_release(&arena, &text);

    line = size ? memchr(data, '\n', size) : NULL;

    if (line) {
        first.data = text.data;
        first.len = (size_t) (line - data);
        second.data = text.data + first.len + 1;
        second.len = size - first.len - 1;

        valid = (check_release(&arena, &first) == LU_OK);

        if (lu_json_parse(&json, &first, &err) == LU_OK) {

            if (cJSON_IsObject(json)
                && lu_json_parse(&body, &second, &err) == LU_OK)
            {
                check_set(&arena, json, body, valid);
                cJSON_Delete(body);
            }

            cJSON_Delete(json);
        }
    }

    free(text.data);
    fuzz_free(blocks);

    return 0;
}
