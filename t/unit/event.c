
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
    char    entry[512];
    size_t  i;

    static const struct {
        const char  *name;
        const char  *change;
        const char  *more;
        int          approval;
        const char  *type;
        const char  *sentence;
    } cases[] = {
        { "promoted",
          "release.promote", "",
          0, "release.promoted",
          "Release r1 of shop, from ann, is live." },
        { "not approved again",
          "release.promote", ",\"channel\":\"beta\"",
          1, "release.promoted",
          "Release r1 of shop, from ann, is live in channel beta." },
        { "approved",
          "release.promote", ",\"waited\":true",
          1, "release.approved",
          "ann has approved release r1 of shop: it is live." },
        { "a bundle for a channel",
          "bundle.ready", ",\"to\":\"d1\"",
          0, "release.promoted",
          "Release r1 of shop, from ann, is live." },
        { "a deployment",
          "deployment.create", ",\"to\":\"r2\"",
          0, "release.promoted",
          "Release r2 of shop, from ann, is live." },
        { "rolled back",
          "release.rollback", ",\"from\":\"r2\",\"to\":\"r1\"",
          0, "release.rolled_back",
          "ann has rolled shop back from r2 to r1." },
        { "halted, with a reason of one line",
          "deployment.halt", ",\"to\":\"7 of 40\\ncame back.\"",
          0, "release.halted",
          "The rollout of r1 of shop was halted: 7 of 40 came back." },
        { "rejected, with the reason",
          "release.reject", ",\"to\":\"No *such*\\ntext.\"",
          0, "release.rejected",
          "ann has rejected release r1 of shop: No *such* text." },
        { "advanced",
          "deployment.advance", ",\"from\":\"0.1000\",\"to\":\"0.2500\"",
          0, "release.step",
          "ann has advanced the rollout of r1 of shop from 10 % to 25 %." },
        { "paused",
          "release.pause", "",
          0, "release.paused",
          "ann has paused the plan of r1 of shop." },
        { "ended",
          "release.stop", ",\"to\":\"0.2500\"",
          0, "release.stopped",
          "ann has ended the plan of r1 of shop: it stays at 25 %." },
        { "another end",
          "deployment.rollout", ",\"to\":\"expires\"",
          0, "release.rollout",
          "ann has changed when the rollout of r1 of shop expires." },
        { "a plan",
          "deployment.rollout", ",\"to\":\"plan\"",
          0, "release.rollout",
          "ann has given the rollout of r1 of shop a plan." },
        { "of a bundle, in its channel",
          "deployment.halt",
          ",\"to\":\"Bad.\",\"release\":\"b1\",\"channel\":\"beta\"",
          0, "release.halted",
          "The rollout of b1 in channel beta of shop was halted: Bad." },
        { "for some",
          "release.promote", ",\"waited\":true,\"share\":\"0.0700\"",
          1, "release.approved",
          "ann has approved release r1 of shop: it goes to 7 % of devices." },
        { "later",
          "deployment.create",
          ",\"to\":\"b1\",\"share\":\"0.2500\""
          ",\"start\":\"2026-12-01T08:00:00.000Z\"",
          0, "release.promoted",
          "Release b1 of shop, from ann, starts at 2026-12-01T08:00:00.000Z "
          "with 25 % of devices." },
        { "a share in per cent",
          "release.rollout", ",\"from\":\"0.0000\",\"to\":\"0.0250\"",
          0, "release.rollout",
          "ann has set the rollout of r1 of shop to 2.5 %." },
        { "its limits",
          "build.update", "",
          0, "release.changed",
          "ann has changed the limits or properties of release r1 of shop." },
        { "rolled back in a channel",
          "release.rollback",
          ",\"from\":\"r2\",\"to\":\"r1\",\"channel\":\"beta\"",
          0, "release.rolled_back",
          "ann has rolled channel beta of shop back from r2 to r1." },
        { "a version",
          "release.promote",
          ",\"waited\":true,\"version\":\"1.2.0\"",
          1, "release.approved",
          "ann has approved release r1 (1.2.0) of shop: it is live." },
        { "no reason",
          "deployment.halt", ",\"to\":\"\"",
          0, "release.halted",
          "The rollout of r1 of shop was halted." },
        { "marks of direction, and ends of lines",
          "release.reject",
          ",\"to\":\"a\xe2\x80\xae" "b\xe2\x80\xa8" "c\xc2\x85"
          "d\xe2\x81\xa6" "e\xd8\x9c" "f\xe2\x82\xac\xc2\xa0g.\"",
          0, "release.rejected",
          "ann has rejected release r1 of shop: a b c d e f\xe2\x82\xac"
          "\xc2\xa0g." },
        { "a channel by its name",
          "channel.update", ",\"channel\":\"beta\"",
          0, "channel.changed",
          "ann has changed channel beta of shop." },
        { "or by its id, if the entry is old",
          "channel.update", "",
          0, "channel.changed",
          "ann has changed channel r1 of shop." },
        { "another name",
          "channel.update",
          ",\"channel\":\"beta\",\"from\":\"alpha\",\"to\":\"beta\"",
          0, "channel.changed",
          "ann has renamed channel alpha of shop to beta." },
        { "a channel has gone",
          "channel.delete", ",\"channel\":\"beta\",\"to\":\"expired\"",
          0, "channel.changed",
          "ann has deleted channel beta of shop: expired." },
        { "it is paused",
          "channel.pause", ",\"channel\":\"beta\"",
          0, "channel.changed",
          "ann has paused channel beta of shop." },
        { "and resumed",
          "channel.resume", ",\"channel\":\"beta\"",
          0, "channel.changed",
          "ann has resumed channel beta of shop." },
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(entry, sizeof(entry), ENTRY("%s", "%s"), cases[i].change,
                 cases[i].more);

        ok(becomes(entry, cases[i].approval, cases[i].type,
                   cases[i].sentence),
           "%s", cases[i].name);
    }

    ok(of(ENTRY("bundle.ready", "")) == LU_NOT_FOUND,
       "a bundle for no channel");
    ok(of(ENTRY("device.force", "")) == LU_NOT_FOUND, "nobody is told");
    ok(of("{\"change\":\"release.promote\"}") == LU_INVALID, "no time");
    ok(of("[]") == LU_INVALID, "no entry");
}


static void
test_make(void)
{
    char       reason[3000];
    cJSON     *event;
    lu_put_t   put;
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

    lu_put_init(&put);

    event = lu_event_make("evt_2", "release.expired", "2026", "1f0c", "ci",
                          "r1", NULL);
    lu_put_string(&put, event, "appName", "The\nShop");
    lu_put_string(&put, event, "channel", "beta");

    lu_text_init(&text);
    lu_event_sentence(&text, event);
    ok(strcmp(text.data, "The rollout of r1 in channel beta of The Shop has "
              "expired.") == 0,
       "an app by its name");

    free(text.data);
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


static void
test_enough(void)
{
    size_t  i;

    static const double  limits[] = { 1, 5, 33, 34, 50, 60, 99 };

    ok(lu_event_enough(5) == 10, "twice as much");
    ok(lu_event_enough(60) == 80, "half of what was missing");

    for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        ok(lu_event_enough(limits[i]) > limits[i]
           && lu_event_enough(limits[i]) < 100,
           "it can be reached");
    }
}


int
main(void)
{
    test_changes();
    test_make();
    test_patterns();
    test_id();
    test_enough();

    return tap_done();
}
