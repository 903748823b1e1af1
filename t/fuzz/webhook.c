
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What is accepted has valid ids, and printed anew it is read as the same.
 */


#include "fuzz.h"
#include "lu_webhook.h"
#include "lu_name.h"


static void
check_body(const lu_arena_t *arena, const cJSON *body,
    const lu_webhook_t *webhook)
{
    char         *printed;
    cJSON        *json;
    lu_str_t      text;
    lu_error_t    err;
    lu_webhook_t  again;

    require(lu_name_id_valid(&webhook->app_id));
    require(lu_name_id_valid(&webhook->build_id));
    require(webhook->release_info == NULL
            || cJSON_IsObject(webhook->release_info));

    printed = cJSON_PrintUnformatted(body);
    text.len = strlen(printed);
    text.data = (unsigned char *) printed;

    require(lu_json_parse(&json, &text, &err) == LU_OK);
    require(lu_webhook_parse(arena, json, &again, &err) == LU_OK);

    require(lu_str_eq(&again.app_id, &webhook->app_id));
    require(lu_str_eq(&again.build_id, &webhook->build_id));
    require(lu_str_eq(&again.app_name, &webhook->app_name));
    require(lu_str_eq(&again.app_version, &webhook->app_version));
    require(lu_str_eq(&again.user_id, &webhook->user_id));
    require(lu_str_eq(&again.started, &webhook->started));
    require(lu_str_eq(&again.ended, &webhook->ended));
    require(lu_str_eq(&again.electron, &webhook->electron));
    require(lu_str_eq(&again.commit, &webhook->commit));
    require(lu_str_eq(&again.commit_message, &webhook->commit_message));
    require(lu_str_eq(&again.branch, &webhook->branch));
    require(lu_str_eq(&again.remote, &webhook->remote));
    require((again.release_info == NULL) == (webhook->release_info == NULL));

    cJSON_Delete(json);
    free(printed);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cJSON         *json;
    lu_rc_e        rc;
    lu_str_t       text;
    lu_error_t     err;
    lu_arena_t     arena;
    fuzz_block_t  *blocks;
    lu_webhook_t   webhook;

    blocks = NULL;
    arena.alloc = fuzz_alloc;
    arena.data = &blocks;
    err.text = NULL;

    text.len = size;
    text.data = (unsigned char *) data;

    if (lu_json_parse(&json, &text, &err) == LU_OK) {
        err.text = NULL;

        rc = lu_webhook_parse(&arena, json, &webhook, &err);

        if (rc == LU_OK) {
            require(err.text == NULL);
            check_body(&arena, json, &webhook);

        } else {
            require(rc == LU_INVALID && err.text != NULL);
        }

        cJSON_Delete(json);
    }

    fuzz_free(blocks);

    return 0;
}
