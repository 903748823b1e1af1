
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What is accepted has unique names, and nothing in it that could break a
 * request line or a header.  What is sent of any event, to any of the targets,
 * is JSON that a receiver can read.
 */


#include "fuzz.h"
#include "lu_event.h"
#include "lu_name.h"
#include "lu_notice.h"


static void
check_plain(const lu_str_t *str)
{
    size_t  i;

    for (i = 0; i < str->len; i++) {
        require(str->data[i] > ' ' && str->data[i] < 0x7f);
    }

    require(str->data[str->len] == '\0');
}


static void
check_target(const lu_arena_t *arena, const lu_target_t *targets, size_t i)
{
    size_t              j;
    lu_str_t            url, app;
    const lu_target_t  *target;

    target = &targets[i];
    app = fuzz_str("shop");

    require(lu_name_id_valid(&target->name));
    require(lu_target_find(targets, i, &target->name) == NULL);

    url = lu_target_fill(arena, &target->url, &app);
    check_plain(&url);
    check_plain(&target->host);
    require(target->host.len && !lu_str_has(&target->host, "@"));
    require(!lu_str_has(&url, "#"));
    require(target->form != LU_FORM_JSON || target->nsecrets);

    for (j = 0; j < target->nsecrets; j++) {
        require(target->secrets[j].len >= 24);
        require(target->secrets[j].len <= LU_TARGET_SECRET);
    }

    for (j = 0; j < target->nheaders; j++) {
        check_plain(&target->headers[j].key);
        require(lu_str_printable(&target->headers[j].value));
    }

    for (j = 0; j < target->nevents; j++) {
        require(lu_event_known(&target->events[j]));
    }
}


static void
check_notice(const lu_arena_t *arena, const lu_target_t *target,
    const cJSON *event)
{
    char        *body;
    cJSON       *json;
    lu_str_t     text, signature;
    lu_error_t   err;

    body = lu_notice_body(target, event);
    require(body != NULL);

    if (target->form != LU_FORM_PURGE) {
        text = fuzz_str(body);
        require(lu_json_parse(&json, &text, &err) == LU_OK);

        if (target->form == LU_FORM_DISCORD) {
            require(lu_json_string(json, "content", &text) == LU_OK);
            require(text.len <= 2000);
        }

        cJSON_Delete(json);
    }

    signature = lu_notice_signature(arena, target, "evt_1", "1", body);
    require(signature.len == (target->nsecrets
                              ? 48 * target->nsecrets - 1 : 0));

    free(body);
}


/* The text, up to the first zero byte; behind it, the entry of a log. */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t         i, n;
    cJSON         *entry, *event;
    lu_rc_e        rc;
    lu_str_t       text, line;
    lu_error_t     err;
    lu_arena_t     arena;
    lu_target_t   *targets;
    fuzz_block_t  *blocks;
    const void    *end;

    blocks = NULL;
    arena.alloc = fuzz_alloc;
    arena.data = &blocks;
    event = NULL;

    end = size ? memchr(data, '\0', size) : NULL;
    n = end ? (size_t) ((const uint8_t *) end - data) : size;

    text = fuzz_copy(data, n);
    line = fuzz_copy(data + n + (end != NULL), size - n - (end != NULL));

    if (lu_json_parse(&entry, &line, &err) == LU_OK) {
        rc = lu_event_of(&event, entry, "shop", "evt_1", 0);
        require((rc == LU_OK) == (event != NULL));
        cJSON_Delete(entry);
    }

    err.text = NULL;
    rc = lu_target_parse(&arena, &text, &targets, &n, &err);

    if (rc == LU_OK) {
        for (i = 0; i < n; i++) {
            check_target(&arena, targets, i);

            if (event) {
                check_notice(&arena, &targets[i], event);
            }
        }

    } else {
        fuzz_refused(rc, &err);
        require(err.subject.len != 0);
    }

    cJSON_Delete(event);
    free(text.data);
    free(line.data);
    fuzz_free(blocks);

    return 0;
}
