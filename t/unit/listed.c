
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap_json.h"

#include "../../src/core/lu_listed.c"


static void listed_parse(void);
static void listed_merge(void);


int
main(void)
{
    listed_parse();
    listed_merge();

    tap_free();

    return tap_done();
}


static void
listed_parse(void)
{
    size_t       i;
    cJSON       *json;
    lu_rc_e      rc;
    lu_str_t     id;
    lu_listed_t  listed;

    json = tap_json("[{\"id\":\"b\"},7,{\"id\":\"a\",\"isReleased\":true},"
                    "{\"id\":\"b\"},{\"id\":\"c\",\"isReleased\":false},"
                    "{\"id\":\"a/b\"},{},{\"id\":7},\"d\",\"../x\"]");
    rc = lu_listed_parse(&tap_arena, json, &listed);

    ok(rc == LU_OK && listed.n == 3, "three builds are listed");
    ok(lu_str_is(&listed.ids[0], "a")
       && lu_str_is(&listed.ids[1], "b")
       && lu_str_is(&listed.ids[2], "d"), "sorted, and once each");
    ok(listed.invalid == 5 && listed.first == 2,
       "entries without an id are counted, and the first is known");

    for (i = 0; i < 5; i++) {
        id = tap_str((i == 0) ? "a" : (i == 1) ? "b" : (i == 2) ? "d"
                     : (i == 3) ? "c" : "");

        ok(lu_listed_has(&listed, &id) == (i < 3), "has %s",
           (char *) id.data);
    }

    cJSON_Delete(json);

    rc = lu_listed_parse(&tap_arena, NULL, &listed);
    ok(rc == LU_OK && listed.n == 0 && !lu_listed_has(&listed, &id),
       "no list");

    json = tap_json("[]");
    rc = lu_listed_parse(&tap_arena, json, &listed);
    ok(rc == LU_OK && listed.n == 0 && !lu_listed_has(&listed, &id),
       "an empty list");

    tap_left = 0;
    rc = lu_listed_parse(&tap_arena, json, &listed);
    tap_left = -1;
    ok(rc == LU_NOMEM, "no memory");

    cJSON_Delete(json);
}


static void
listed_merge(void)
{
    char    *text;
    size_t   i;
    cJSON   *current, *was, *now, *merged;

    static const struct {
        const char  *current;
        const char  *was;
        const char  *now;
        const char  *merged;
        const char  *name;
    } cases[] = {
        { "[1,2]", "[1,2]", "[2,3,1]", "[2,3,1]", "nobody else" },
        { "[]", "[]", "[1]", "[1]", "the first one" },
        { "[1]", "[1]", "[]", "[]", "the last one" },
        { "[2]", "[1,2]", "[1,2,3]", "[2,3]", "what was removed here" },
        { "[9,1,2]", "[1,2]", "[1,2,3]", "[9,1,2,3]", "added here, in front" },
        { "[1,9,2]", "[1,2]", "[1,2,3]", "[1,9,2,3]", "added in between" },
        { "[1,2,9]", "[1,2]", "[3,1,2]", "[3,1,2,9]", "added at the end" },
        { "[1,8,9]", "[1]", "[]", "[8,9]", "behind what was removed" },
        { "[1,2,9]", "[1,2]", "[1]", "[1,9]", "behind the one before it" },
        { "[1,2]", "[1]", "[1,2]", "[1,2]", "added on both sides" },
        { "[1]", "[1,2]", "[1]", "[1]", "removed on both sides" },
        { "[1,9]", "[1,2]", "[1,2]", "[1,9]", "nothing new" },
        { "[{\"a\":1,\"b\":2}]", "[{\"b\":2,\"a\":1}]", "[{\"a\":2}]",
          "[{\"a\":2}]", "the order of members" },
        { "[5,6]", NULL, "[1]", "[5,6,1]", "nothing before" },
        { NULL, "[1]", "[1,2]", "[2]", "nothing here" },
        { "[{\"plan\":{\"a\":1,\"step\":0,\"begun\":\"x\"}}]",
          "[{\"plan\":{\"a\":1}}]", "[{\"plan\":{\"a\":1}},2]",
          "[{\"plan\":{\"a\":1,\"step\":0,\"begun\":\"x\"}},2]",
          "a plan that goes on" },
        { "[{\"plan\":{\"a\":1,\"step\":0,\"begun\":\"x\"}}]",
          "[{\"paused\":1,\"plan\":{\"a\":1}}]", "[{\"plan\":{\"a\":1}}]",
          "[{\"plan\":{\"a\":1,\"step\":0,\"begun\":\"x\"}}]",
          "one that goes on, once more" },
        { "[{\"plan\":{\"a\":1,\"step\":0,\"begun\":\"x\"}}]",
          "[{\"plan\":{\"a\":1}}]", "[{\"plan\":{\"a\":2}}]",
          "[{\"plan\":{\"a\":2}}]", "another plan" },
        { "[{\"plan\":{\"steps\":[{\"devices\":5,\"enough\":\"x\"}]}}]",
          "[{\"plan\":{\"steps\":[{\"devices\":5}]}}]", "[]", "[]",
          "a plan that had enough devices" },
        { "[1]", "[1]", NULL, "[]", "nothing now" },
        { NULL, NULL, NULL, NULL, NULL }
    };

    for (i = 0; cases[i].merged; i++) {
        current = cases[i].current ? tap_json(cases[i].current) : NULL;
        was = cases[i].was ? tap_json(cases[i].was) : NULL;
        now = cases[i].now ? tap_json(cases[i].now) : NULL;

        merged = lu_listed_merge(current, was, now);
        text = cJSON_PrintUnformatted(merged);

        ok(strcmp(text, cases[i].merged) == 0, "merged: %s: %s",
           cases[i].name, text);

        free(text);
        cJSON_Delete(merged);
        cJSON_Delete(current);
        cJSON_Delete(was);
        cJSON_Delete(now);
    }
}
