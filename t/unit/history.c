/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap_json.h"
#include "../../src/core/lu_history.c"


#define NOW  494012.0


static lu_history_t  history;


static void
note(cJSON *document, double one, double two, double serial, double hour)
{
    lu_history_row_t  rows[] = { { "a", one, 5 }, { "b", two, -1 } };

    ok(lu_history_note(document, rows, 2, serial, hour) == LU_OK, "noted");
}


/* The array of all hours; the document stays. */

static char *
all(const cJSON *document)
{
    char   *text;
    cJSON  *json;

    memset(&history, 0, sizeof(history));

    history.first = NOW - LU_HISTORY_HOURS + 1;

    if (lu_history_add(&history, document) != LU_OK) {
        return NULL;
    }

    json = lu_history_json(&history);
    text = cJSON_PrintUnformatted(json);

    cJSON_Delete(json);

    return text;
}


static void
is(const cJSON *document, const char *expected, const char *name)
{
    char  *text;

    text = all(document);

    if (!ok(text && strcmp(text, expected) == 0, "%s", name)) {
        printf("# %s\n", text ? text : "NULL");
    }

    free(text);
}


static void
test_note(void)
{
    cJSON  *document;

    document = cJSON_CreateObject();

    note(document, 10, 3, 1, NOW - 1);

    is(document, "[{\"checks\":13,\"releases\":["
       "{\"release\":\"a\",\"checks\":10,\"devices\":5},"
       "{\"release\":\"b\",\"checks\":3}],"
       "\"at\":\"2026-05-10T19:00:00.000Z\"}]", "the first hour");

    note(document, 12, 3, 1, NOW - 1);
    note(document, 15, 3, 1, NOW);

    is(document, "[{\"checks\":15,\"releases\":["
       "{\"release\":\"a\",\"checks\":12,\"devices\":5},"
       "{\"release\":\"b\",\"checks\":3}],"
       "\"at\":\"2026-05-10T19:00:00.000Z\"},"
       "{\"checks\":3,\"releases\":["
       "{\"release\":\"a\",\"checks\":3,\"devices\":5}],"
       "\"at\":\"2026-05-10T20:00:00.000Z\"}]", "what came since");

    note(document, 4, 3, 2, NOW);

    is(document, "[{\"checks\":15,\"releases\":["
       "{\"release\":\"a\",\"checks\":12,\"devices\":5},"
       "{\"release\":\"b\",\"checks\":3}],"
       "\"at\":\"2026-05-10T19:00:00.000Z\"},"
       "{\"checks\":10,\"releases\":["
       "{\"release\":\"a\",\"checks\":7,\"devices\":5},"
       "{\"release\":\"b\",\"checks\":3}],"
       "\"at\":\"2026-05-10T20:00:00.000Z\"}]", "counters that began anew");

    note(document, 1, 3, 2, NOW + LU_HISTORY_HOURS);

    ok(cJSON_GetArraySize(lu_json_get(document, "hours")) == 1,
       "old hours are forgotten, whoever counts");

    note(document, 1, 3, 2, NOW);

    ok(cJSON_GetArraySize(lu_json_get(document, "hours")) == 1,
       "and hours to come");

    cJSON_Delete(document);
}


static void
test_bounds(void)
{
    int                i;
    char               names[2 * LU_HISTORY_RELEASES][4];
    cJSON             *document, *entry;
    lu_history_row_t   rows[2 * LU_HISTORY_RELEASES];

    for (i = 0; i < 2 * LU_HISTORY_RELEASES; i++) {
        sprintf(names[i], "r%d", i);

        rows[i].release = names[i];
        rows[i].checks = 1 + i;
        rows[i].devices = -1;
    }

    document = cJSON_CreateObject();

    ok(lu_history_note(document, rows, 2 * LU_HISTORY_RELEASES, 1, NOW)
       == LU_OK, "many releases");

    entry = cJSON_GetArrayItem(lu_json_get(document, "hours"), 0);

    ok(cJSON_GetArraySize(lu_json_get(entry, "releases"))
       == LU_HISTORY_RELEASES
       && lu_json_get(lu_json_get(entry, "releases"), "r19")
       && !lu_json_get(lu_json_get(entry, "releases"), "r0"),
       "those that most ask for are kept");
    ok(lu_history_number(entry, "checks") == 210, "and the sum is the sum");

    cJSON_Delete(document);
}


static void
test_foreign(void)
{
    size_t  i;
    cJSON  *document;

    static const char  *texts[] = {
        "[]", "7", "{}", "{\"hours\":7}", "{\"hours\":[7,[],{}]}",
        "{\"hours\":[{\"hour\":1e300,\"releases\":{}}]}",
        "{\"hours\":[{\"hour\":-1,\"releases\":{}}]}",
        "{\"hours\":[{\"hour\":494012,\"releases\":[]}]}", NULL
    };

    for (i = 0; texts[i]; i++) {
        document = tap_json(texts[i]);

        is(document, "[]", texts[i]);
        cJSON_Delete(document);
    }

    document = tap_json("{\"hours\":[{\"hour\":494012,\"checks\":\"x\","
                        "\"releases\":{\"a\":7,\"b\":[-1,null]}}]}");

    is(document, "[{\"checks\":0,\"releases\":["
       "{\"release\":\"a\",\"checks\":0},"
       "{\"release\":\"b\",\"checks\":0,\"devices\":0}],"
       "\"at\":\"2026-05-10T20:00:00.000Z\"}]", "what are no numbers");

    cJSON_Delete(document);
}


int
main(void)
{
    test_note();
    test_bounds();
    test_foreign();

    return tap_done();
}
