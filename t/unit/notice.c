
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"

#include "../../src/core/lu_notice.c"


static lu_target_t  target;
static const char  *type = "release.failed";


static char *
body(lu_form_e form, const char *reason)
{
    char   *text;
    cJSON  *event;

    event = lu_event_make("evt_1", type, "2026-11-30T10:00:00.000Z", "shop",
                          "ci", "r1", reason);
    lu_json_set(event, "target", cJSON_CreateString("x"));

    target.form = form;
    target.body = tap_str("");

    text = lu_notice_body(&target, event);

    cJSON_Delete(event);

    return text;
}


static int
is(lu_form_e form, const char *reason, const char *expected)
{
    int    same;
    char  *text;

    text = body(form, reason);
    same = (text && strcmp(text, expected) == 0);

    if (!same) {
        printf("# %s\n", text ? text : "(null)");
    }

    free(text);

    return same;
}


static void
test_forms(void)
{
    ok(is(LU_FORM_JSON, "a \"b\"",
          "{\"type\":\"release.failed\","
          "\"timestamp\":\"2026-11-30T10:00:00.000Z\",\"data\":{"
          "\"text\":\"Release r1 of shop, from ci, has failed: a \\\"b\\\".\","
          "\"id\":\"evt_1\",\"app\":\"shop\",\"release\":\"r1\","
          "\"subject\":\"r1\",\"by\":\"ci\",\"reason\":\"a \\\"b\\\"\"}}"),
       "JSON");

    ok(is(LU_FORM_SLACK, "<!channel> & *b*",
          "{\"text\":\"Release r1 of shop, from ci, has failed: "
          "&lt;!channel&gt; &amp; *b*.\",\"mrkdwn\":false,"
          "\"unfurl_links\":false,\"unfurl_media\":false}"),
       "Slack");

    ok(is(LU_FORM_TEAMS, "[a](http://b)",
          "{\"type\":\"message\",\"attachments\":[{\"contentType\":"
          "\"application/vnd.microsoft.card.adaptive\",\"contentUrl\":null,"
          "\"content\":{\"$schema\":"
          "\"http://adaptivecards.io/schemas/adaptive-card.json\","
          "\"type\":\"AdaptiveCard\",\"version\":\"1.2\",\"body\":["
          "{\"type\":\"RichTextBlock\",\"inlines\":[{\"type\":\"TextRun\","
          "\"text\":\"Release r1 of shop, from ci, has failed: "
          "[a](http://b).\",\"weight\":\"Bolder\"}]},"
          "{\"type\":\"RichTextBlock\",\"inlines\":[{\"type\":\"TextRun\","
          "\"text\":\"2026-11-30T10:00:00.000Z\",\"size\":\"Small\"}]}]}}]}"),
       "Teams");

    ok(is(LU_FORM_DISCORD, "@everyone <@1> **b**",
          "{\"content\":\"Release r1 of shop, from ci, has failed\\\\: "
          "\\\\@everyone \\\\<\\\\@1\\\\> \\\\*\\\\*b\\\\*\\\\*.\","
          "\"allowed_mentions\":{\"parse\":[]}}"),
       "Discord");
}


/* An address is a link, and nothing else is one. */

static void
test_links(void)
{
    char    *text;
    size_t   i;

    static const char  *others[] = {
        "https://example.com/<@1>", "https://example.com/a b", "/pull/1",
        "javascript:alert(1)", "https://example.com/)[x](y"
    };

    type = "pull_request.opened";

    ok(is(LU_FORM_DISCORD, "https://example.com/a_b/pull/1",
          "{\"content\":\"A pull request for release r1 of shop is open. "
          "https://example.com/a_b/pull/1\","
          "\"allowed_mentions\":{\"parse\":[]}}"),
       "Discord, a link");

    text = body(LU_FORM_TEAMS, "https://example.com/pull/1");

    ok(strstr(text, "is open.\"")
       && strstr(text, "\"actions\":[{\"type\":\"Action.OpenUrl\",\"title\":"
                       "\"Open\",\"url\":\"https://example.com/pull/1\"}]"),
       "Teams, a button");

    free(text);

    ok(is(LU_FORM_SLACK, "https://example.com/pull/1",
          "{\"text\":\"A pull request for release r1 of shop is open: "
          "https://example.com/pull/1.\",\"mrkdwn\":false,"
          "\"unfurl_links\":false,\"unfurl_media\":false}"),
       "Slack finds it in the text");

    for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        text = body(LU_FORM_TEAMS, others[i]);
        ok(strstr(text, "actions") == NULL, "none: %s", others[i]);
        free(text);
    }

    type = "release.failed";

    text = body(LU_FORM_TEAMS, "https://example.com/pull/1");
    ok(strstr(text, "actions") == NULL, "nor in what else is told");
    free(text);
}


static void
test_long(void)
{
    char      reason[LU_EVENT_REASON + 1], link[LU_NOTICE_LINK + 1], *text;
    cJSON    *json;
    lu_put_t  put;
    lu_str_t  str, value;

    memset(reason, '*', sizeof(reason) - 1);
    reason[sizeof(reason) - 1] = '\0';

    text = body(LU_FORM_DISCORD, reason);
    json = cJSON_Parse(text);

    ok(lu_json_string(json, "content", &value) == LU_OK
       && value.len > 1500
       && value.len <= 2000
       && lu_str_ends(&value, "..."),
       "Discord takes 2000 characters");

    cJSON_Delete(json);
    free(text);

    memset(link, 'a', sizeof(link) - 1);
    link[sizeof(link) - 1] = '\0';

    lu_put_init(&put);
    json = cJSON_CreateObject();

    lu_notice_escaped(&put, json, "content", reason, link,
                      LU_NOTICE_DISCORD_MAX, lu_notice_escape_discord);

    ok(lu_json_string(json, "content", &value) == LU_OK
       && value.len > 1900
       && value.len <= 2000
       && lu_str_ends(&value, "a"),
       "with a link, too");

    cJSON_Delete(json);

    target.form = LU_FORM_PURGE;
    target.body = tap_str("{\"a\":\"{app}\"}");

    str = tap_str("{\"app\":\"shop\",\"type\":\"test\"}");
    json = cJSON_ParseWithLength((char *) str.data, str.len);
    text = lu_notice_body(&target, json);

    ok(strcmp(text, "{\"a\":\"shop\"}") == 0, "a purge");

    cJSON_Delete(json);
    free(text);
}


/* The example of the Standard Webhooks libraries. */

static void
test_signature(void)
{
    lu_str_t  signature, secrets[2];

    static unsigned char  key[] = {
        0x31, 0xf2, 0x90, 0xf6, 0xbf, 0x06, 0x29, 0x8a, 0xab, 0x4f, 0x08,
        0xd4, 0x3c, 0x3f, 0x08, 0x2c, 0xf6, 0x48, 0xa3, 0x62, 0xda, 0x2d,
        0xa4, 0xb0
    };

    secrets[0].data = key;
    secrets[0].len = sizeof(key);
    secrets[1] = tap_str("another");

    target.secrets = secrets;
    target.nsecrets = 1;

    signature = lu_notice_signature(&tap_arena, &target,
                                    "msg_p5jXN8AQM9LWM0D4loKWxJek",
                                    "1614265330", "{\"test\": 2432232314}");

    ok(lu_str_is(&signature,
                 "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
       "a signature");

    target.nsecrets = 2;

    signature = lu_notice_signature(&tap_arena, &target,
                                    "msg_p5jXN8AQM9LWM0D4loKWxJek",
                                    "1614265330", "{\"test\": 2432232314}");

    ok(signature.len == 2 * (3 + 44) + 1
       && memcmp(signature.data + 47, " v1,", 4) == 0,
       "two of them");

    target.nsecrets = 0;

    signature = lu_notice_signature(&tap_arena, &target, "a", "1", "");
    ok(signature.data && signature.len == 0, "none");
}


int
main(void)
{
    test_forms();
    test_links();
    test_long();
    test_signature();

    tap_free();

    return tap_done();
}
