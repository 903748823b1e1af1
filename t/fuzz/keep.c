
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The text of a policy, up to a line feed, and an app behind it.  A policy
 * that is accepted is within its limits, and what it decides about any app has
 * a name.  What a channel that stays gives to devices does not go.
 */


#include "fuzz.h"
#include "lu_keep.h"
#include "lu_live.h"


static void
check(const lu_arena_t *arena, const lu_keep_t *keep, const cJSON *app)
{
    size_t           i;
    lu_live_t        live;
    const cJSON     *channel, *first;
    lu_keep_fact_t  *facts;
    lu_str_t         id;

    if (lu_live(arena, app, &live) != LU_OK || live.n == 0) {
        return;
    }

    facts = fuzz_alloc(arena->data, live.n * sizeof(lu_keep_fact_t));

    for (i = 0; i < live.n; i++) {
        memset(&facts[i], 0, sizeof(lu_keep_fact_t));

        facts[i].id = live.ids[i];
        facts[i].state = (lu_state_e) (i % LU_STATES);
        facts[i].since = 1000 * (time_t) i;
        facts[i].is_live = (i % 5 != 0);
    }

    require(lu_keep_decide(arena, keep, app, app, 1790000000, facts, live.n)
            == LU_OK);

    for (i = 0; i < live.n; i++) {
        require(facts[i].why < LU_KEEPS && lu_keep_name(facts[i].why));
        require(keep->on || !lu_keep_goes(facts[i].why));
    }

    cJSON_ArrayForEach(channel, lu_json_get(app, "channels")) {

        first = cJSON_GetArrayItem(lu_json_get(channel, "deployments"), 0);

        if (lu_keep_channel_goes(keep, app, channel, 1790000000)
            || lu_json_string(first, "release", &id) != LU_OK)
        {
            continue;
        }

        for (i = 0; i < live.n; i++) {
            if (lu_str_eq(&facts[i].id, &id)
                && (i == 0 || !lu_str_eq(&facts[i - 1].id, &id))
                && (i + 1 == live.n || !lu_str_eq(&facts[i + 1].id, &id)))
            {
                require(!facts[i].is_live || !lu_keep_goes(facts[i].why));
            }
        }
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t           len;
    cJSON           *app;
    lu_rc_e          rc;
    lu_str_t         text;
    lu_keep_t        keep;
    lu_arena_t       arena;
    lu_error_t       err;
    fuzz_block_t    *blocks;
    const uint8_t   *p;

    p = size ? memchr(data, '\n', size) : NULL;
    len = p ? (size_t) (p - data) : size;

    memset(&err, 0, sizeof(lu_error_t));

    text = fuzz_copy(data, len);
    rc = lu_keep_parse(&text, &keep, &err);

    if (rc != LU_OK) {
        fuzz_refused(rc, &err);
        free(text.data);
        return 0;
    }

    free(text.data);

    require(keep.releases <= 100000 && keep.blockmaps <= 100000
            && keep.rollback <= 100);
    require(keep.time >= 0 && keep.uploads >= LU_KEEP_NEVER
            && keep.failed >= LU_KEEP_NEVER
            && keep.channels >= LU_KEEP_NEVER);

    if (p == NULL) {
        return 0;
    }

    text = fuzz_copy(p + 1, size - len - 1);

    if (lu_json_parse(&app, &text, &err) == LU_OK) {
        blocks = NULL;

        arena.alloc = fuzz_alloc;
        arena.data = &blocks;

        check(&arena, &keep, app);

        fuzz_free(blocks);
        cJSON_Delete(app);
    }

    free(text.data);

    return 0;
}
