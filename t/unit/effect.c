
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap_json.h"

#include "../../src/core/lu_effect.c"


#define BUILD(id, version, manifests)                                         \
    "{\"id\":\"" id "\",\"version\":\"" version "\",\"isReleased\":true,"     \
    "\"wasLatest\":true,\"manifests\":[" manifests "]}"

#define APP(builds, latest, rules)                                            \
    "{\"desktopBuilds\":[" builds "],\"desktopReleases\":{"                   \
    "\"latestReleaseBuildId\":" latest ",\"releaseRedirections\":["           \
    rules "]}}"

#define ROLLOUT(id, n)                                                        \
    "{\"rule\":\"buildByRollout\",\"buildId\":\"" id "\",\"percentage\":" n "}"

#define ONE   BUILD("a", "1.0.0", "\"latest.yml\",\"latest-mac.yml\"")
#define TWO   ONE "," BUILD("b", "1.0.1", "\"latest.yml\",\"beta.yml\"")
#define OLD   ONE "," BUILD("b", "0.9.0", "\"latest.yml\"")


typedef struct {
    const char  *before;
    const char  *after;
    const char  *effects;       /* {manifest} {from} {to} {share} {effect} */
    const char  *lost;
    const char  *older;
    const char  *what;
} effect_case_t;


static const effect_case_t  cases[] = {
    { APP("", "null", ""), APP(ONE, "\"a\"", ""),
      "latest-mac.yml - a 1 new,latest.yml - a 1 new", "", "", "the first" },
    { APP(ONE, "\"a\"", ""), APP(TWO, "\"b\"", ""),
      "beta.yml - b 1 new,latest.yml a b 1 update", "", "", "the next" },
    { APP(ONE, "\"a\"", ""), APP(OLD, "\"b\"", ""),
      "latest.yml a b 1 back", "", "latest.yml", "an older one" },
    { APP(ONE, "\"a\"", ""), APP(TWO, "\"a\"", ROLLOUT("b", "25")),
      "beta.yml - b 0.25 new,latest.yml a b 0.25 update", "", "", "to a part" },
    { APP(TWO, "\"a\"", ROLLOUT("b", "50")),
      APP(TWO, "\"a\"", ROLLOUT("b", "25")),
      "beta.yml - b 0.25 lost,latest.yml a b 0.25 back", "beta.yml",
      "", "to fewer" },
    { APP(TWO, "\"b\"", ""), APP(TWO, "\"a\"", ROLLOUT("b", "25")),
      "beta.yml b b 0.25 lost,latest.yml b a 1 back", "beta.yml",
      "", "the latest to a part" },
    { APP(TWO, "\"b\"", ""), APP("", "null", ""),
      "beta.yml b - 0 lost,latest-mac.yml a - 0 lost,latest.yml b - 0 lost",
      "beta.yml, latest-mac.yml, latest.yml", "", "nothing is left" },
    { APP(TWO, "\"b\"", ""), APP(TWO, "\"b\"", ""), "", "", "",
      "nothing changes" },
    { APP(ONE, "\"a\"", ""), APP(OLD, "\"a\"", ROLLOUT("b", "25")),
      "latest.yml a b 0.25 back", "", "latest.yml", "an older one, to a part" },
    { APP(OLD, "\"a\"", ROLLOUT("b", "50")),
      APP(OLD, "\"a\"", ROLLOUT("b", "25")),
      "latest.yml a b 0.25 back", "", "", "an older one, to fewer" }
};


static const char *
id_of(const cJSON *item, const char *key)
{
    lu_str_t  id;

    return lu_json_string(lu_json_get(item, key), "id", &id) == LU_OK
           ? (char *) id.data : "-";
}


static const char *
text_of(const cJSON *item, const char *key)
{
    lu_str_t  text;

    return lu_json_string(item, key, &text) == LU_OK ? (char *) text.data
                                                     : "?";
}


int
main(void)
{
    char         text[1024];
    long         left;
    cJSON       *before, *after, *list;
    size_t       i;
    double       share;
    lu_rc_e      rc;
    lu_str_t     lost, older;
    lu_error_t   err;
    const cJSON *item;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        before = tap_json(cases[i].before);
        after = tap_json(cases[i].after);
        list = cJSON_CreateArray();

        rc = lu_effect(&tap_arena, before, after, i < 1 ? "a" : "b", list,
                       &lost, &older, &err);

        text[0] = '\0';

        cJSON_ArrayForEach(item, list) {
            share = -1;
            (void) lu_json_number(item, "share", &share);

            sprintf(text + strlen(text), "%s%s %s %s %g %s",
                    text[0] ? "," : "", text_of(item, "manifest"),
                    id_of(item, "from"), id_of(item, "to"), share,
                    text_of(item, "effect"));
        }

        if (!ok(rc == LU_OK
                && strcmp(text, cases[i].effects) == 0
                && lu_str_is(&lost, cases[i].lost)
                && lu_str_is(&older, cases[i].older), "%s", cases[i].what))
        {
            printf("# %s\n# lost: %.*s\n# older: %.*s\n", text,
                   (int) lost.len, (char *) lost.data, (int) older.len,
                   (char *) older.data);
        }

        cJSON_Delete(list);
        cJSON_Delete(before);
        cJSON_Delete(after);
    }

    before = tap_json(cases[6].before);
    after = tap_json("{\"desktopBuilds\":{}}");
    list = cJSON_CreateArray();

    ok(lu_effect(&tap_arena, before, after, "a", list, &lost, &older, &err)
       == LU_INVALID && err.text, "what cannot be read");

    cJSON_Delete(after);
    after = tap_json(cases[6].after);

    for (left = 0; left < 100; left++) {
        tap_left = left;
        rc = lu_effect(&tap_arena, before, after, "a", list, &lost, &older,
                       &err);
        tap_left = -1;

        if (rc != LU_NOMEM) {
            break;
        }
    }

    ok(rc == LU_OK && left > 10, "each allocation may fail: %ld", left);

    cJSON_Delete(list);
    cJSON_Delete(before);
    cJSON_Delete(after);

    tap_free();

    return tap_done();
}
