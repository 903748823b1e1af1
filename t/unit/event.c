
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"

#include "../../src/core/lu_event.c"


static cJSON *
parse(const char *text)
{
    cJSON       *json;
    lu_str_t     str;
    lu_error_t   err;

    str = tap_str(text);

    return lu_json_parse(&json, &str, &err) == LU_OK ? json : NULL;
}


static int
becomes(const char *entry, int approval, const char *type,
    const char *sentence)
{
    int         same;
    cJSON      *json, *event;
    lu_str_t    value;
    lu_text_t   text;

    json = parse(entry);

    same = (lu_event_of(&event, json, "shop", "evt_1", approval) == LU_OK
            && lu_json_string(event, "type", &value) == LU_OK
            && lu_str_is(&value, type)
            && lu_json_string(event, "id", &value) == LU_OK
            && lu_str_is(&value, "evt_1"));

    if (same) {
        lu_text_init(&text);
        lu_event_sentence(&text, event);

        same = (strcmp(text.data, sentence) == 0);
        free(text.data);
    }

    cJSON_Delete(event);
    cJSON_Delete(json);

    return same;
}


static lu_rc_e
of(const char *entry)
{
    cJSON    *json, *event;
    lu_rc_e   rc;

    json = parse(entry);
    rc = lu_event_of(&event, json, "shop", "evt_1", 0);

    cJSON_Delete(event);
    cJSON_Delete(json);

    return rc;
}


#define ENTRY(change, more)                                                   \
    "{\"at\":\"2026-11-30T10:00:00.000Z\",\"by\":\"ann\",\"change\":\""       \
    change "\",\"subject\":\"r1\"" more ",\"generation\":3}"


static void
test_changes(void)
{
    ok(becomes(ENTRY("release.promote", ""), 0, "release.promoted",
               "Release r1 of shop, from ann, is live."),
       "promoted");
    ok(becomes(ENTRY("release.promote", ""), 1, "release.approved",
               "ann has approved release r1 of shop: it is live."),
       "approved");
    ok(becomes(ENTRY("bundle.ready", ",\"to\":\"d1\""), 0,
               "release.promoted", "Release r1 of shop, from ann, is live."),
       "a bundle for a channel");
    ok(of(ENTRY("bundle.ready", "")) == LU_NOT_FOUND,
       "a bundle for no channel");
    ok(becomes(ENTRY("deployment.create", ",\"to\":\"r2\""), 0,
               "release.promoted", "Release r2 of shop, from ann, is live."),
       "a deployment");
    ok(becomes(ENTRY("release.rollback",
                     ",\"from\":\"r2\",\"to\":\"r1\""),
               0, "release.rolled_back",
               "ann has rolled shop back from r2 to r1."),
       "rolled back");
    ok(becomes(ENTRY("deployment.halt", ",\"to\":\"7 of 40\\ncame back.\""),
               0, "release.halted",
               "The rollout of r1 of shop was halted: 7 of 40 came back."),
       "halted, with a reason of one line");
    ok(of(ENTRY("device.force", "")) == LU_NOT_FOUND, "nobody is told");
    ok(of("{\"change\":\"release.promote\"}") == LU_INVALID, "no time");
    ok(of("[]") == LU_INVALID, "no entry");
}


static void
test_make(void)
{
    char       reason[3000];
    cJSON     *event;
    lu_str_t   value;
    lu_text_t  text;

    memset(reason, 'x', sizeof(reason));
    memcpy(reason + LU_EVENT_REASON - 1, "\xc3\xa4", 2);
    reason[sizeof(reason) - 1] = '\0';

    event = lu_event_make("evt_2", "release.failed", "2026", "shop", "ci",
                          "r1", reason);

    ok(lu_json_string(event, "reason", &value) == LU_OK
       && value.len == LU_EVENT_REASON - 1,
       "a reason is cut between two characters");

    cJSON_Delete(event);

    event = lu_event_make("evt_2", "none", "2026", NULL, "ci", NULL, "why");

    lu_text_init(&text);
    lu_event_sentence(&text, event);
    ok(strcmp(text.data, "Something has happened: why.") == 0,
       "an event of a later version");

    free(text.data);
    cJSON_Delete(event);
}


static void
test_patterns(void)
{
    size_t    i;
    lu_str_t  pattern, type;

    static const struct {
        const char  *pattern;
        const char  *type;
        int          known;
        int          matches;
    } cases[] = {
        { "*", "disk.low", 1, 1 },
        { "release.*", "release.staged", 1, 1 },
        { "release.*", "releases", 1, 0 },
        { "release.*", "release.", 1, 0 },
        { "release.staged", "release.staged", 1, 1 },
        { "release.staged", "release.failed", 1, 0 },
        { "release", "release.staged", 0, 0 },
        { "none.*", "release.staged", 0, 0 },
        { ".*", "release.staged", 0, 0 },
        { "", "release.staged", 0, 0 },
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        pattern = tap_str(cases[i].pattern);
        type = tap_str(cases[i].type);

        ok(lu_event_known(&pattern) == cases[i].known
           && lu_event_matches(&pattern, &type) == cases[i].matches,
           "\"%s\" and \"%s\"", cases[i].pattern, cases[i].type);
    }

    type = tap_str("release.approved");
    ok(lu_event_is_public(&type), "clients notice");

    type = tap_str("release.staged");
    ok(!lu_event_is_public(&type), "clients do not");
}


static void
test_id(void)
{
    char      a[LU_EVENT_ID + 1], b[LU_EVENT_ID + 1];
    lu_str_t  texts[2];

    texts[0] = tap_str("ab");
    texts[1] = tap_str("c");
    lu_event_id(a, texts, 2);
    lu_event_id(b, texts, 2);

    ok(strlen(a) == LU_EVENT_ID && memcmp(a, "evt_", 4) == 0, "an id");
    ok(strcmp(a, b) == 0, "the same one");

    texts[0] = tap_str("a");
    texts[1] = tap_str("bc");
    lu_event_id(b, texts, 2);

    ok(strcmp(a, b) != 0, "another one");
}


int
main(void)
{
    test_changes();
    test_make();
    test_patterns();
    test_id();

    return tap_done();
}
