
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_live.h"


static size_t lu_live_count(const cJSON *app);
static void lu_live_add(lu_live_t *live, const cJSON *list, const char *key);
static int lu_live_cmp(const void *one, const void *two);


lu_rc_e
lu_live(const lu_arena_t *arena, const cJSON *app, lu_live_t *live)
{
    const cJSON  *channel;

    live->n = 0;
    live->ids = arena->alloc(arena->data, (lu_live_count(app) + 1)
                                          * sizeof(lu_str_t));
    if (live->ids == NULL) {
        return LU_NOMEM;
    }

    lu_live_add(live, lu_json_get(app, "desktopBuilds"), "id");

    cJSON_ArrayForEach(channel, lu_json_get(app, "channels")) {
        lu_live_add(live, lu_json_get(channel, "deployments"), "release");
    }

    qsort(live->ids, live->n, sizeof(lu_str_t), lu_live_cmp);

    return LU_OK;
}


static size_t
lu_live_count(const cJSON *app)
{
    size_t        n;
    const cJSON  *channel;

    n = (size_t) cJSON_GetArraySize(lu_json_get(app, "desktopBuilds"));

    cJSON_ArrayForEach(channel, lu_json_get(app, "channels")) {
        n += (size_t) cJSON_GetArraySize(lu_json_get(channel, "deployments"));
    }

    return n;
}


static void
lu_live_add(lu_live_t *live, const cJSON *list, const char *key)
{
    const cJSON  *item;

    cJSON_ArrayForEach(item, list) {
        if (lu_json_string(item, key, &live->ids[live->n]) == LU_OK) {
            live->n++;
        }
    }
}


int
lu_live_has(const lu_live_t *live, const lu_str_t *id)
{
    return live->n
           && bsearch(id, live->ids, live->n, sizeof(lu_str_t), lu_live_cmp);
}


static int
lu_live_cmp(const void *one, const void *two)
{
    return lu_str_cmp(one, two);
}
