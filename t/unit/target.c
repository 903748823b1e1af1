
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"

#include "../../src/core/lu_target.c"


#define SECRET  "whsec_YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh"


static lu_target_t  *targets;
static size_t        ntargets;
static lu_error_t    error;


static lu_rc_e
parse(const char *text)
{
    char      *copy;
    size_t     len;
    lu_rc_e    rc;
    lu_str_t   str;

    /* a copy of its very size, and gone afterwards */

    len = strlen(text);
    copy = malloc(len + (len == 0));
    memcpy(copy, text, len);

    str.data = (unsigned char *) copy;
    str.len = len;

    memset(&error, 0, sizeof(lu_error_t));

    rc = lu_target_parse(&tap_arena, &str, &targets, &ntargets, &error);

    free(copy);

    return rc;
}


static int
wants(size_t i, const char *type, const char *app)
{
    lu_str_t  t, a;

    t = tap_str(type);
    a = tap_str(app);

    return lu_target_wants(&targets[i], &t, &a);
}


static void
test_right(void)
{
    lu_str_t  str;

    ok(parse("") == LU_OK && ntargets == 0, "no targets");

    ok(parse("# who is told\r\n"
             "ci json https://ci.example.com:8443/hook?a=b secret=" SECRET
             " secret=" SECRET " app=shop app=a2 event=release.*\r\n"
             "\n"
             "team slack https://hooks.slack.com/services/T/B/x\n"
             "cdn purge https://cdn.example.com/{app}/x{app} method=PURGE"
             " header=Authorization:Bearer%20t body={\"t\":[\"{app}\"]}")
       == LU_OK
       && ntargets == 3,
       "three targets");

    ok(targets[0].form == LU_FORM_JSON
       && targets[0].nsecrets == 2
       && lu_str_is(&targets[0].secrets[1], "aaaaaaaaaaaaaaaaaaaaaaaa")
       && lu_str_is(&targets[0].host, "ci.example.com:8443")
       && lu_str_is(&targets[0].method, "POST"),
       "JSON");

    ok(wants(0, "release.staged", "shop") && wants(0, "release.failed", "a2"),
       "its apps");
    ok(!wants(0, "release.staged", "a3"), "not another app");
    ok(wants(0, "release.staged", ""), "what is about no app");
    ok(!wants(0, "disk.low", ""), "not another event");
    ok(wants(1, "disk.low", "") && wants(1, "release.staged", "a3"),
       "all events");

    ok(wants(2, "release.approved", "a3") && !wants(2, "release.staged", "a3"),
       "a purge, if clients notice");
    ok(lu_str_is(&targets[2].headers[0].value, "Bearer t")
       && lu_str_is(&targets[2].headers[0].key, "Authorization"),
       "a header");

    str = tap_str("shop");
    str = lu_target_fill(&tap_arena, &targets[2].url, &str);
    ok(lu_str_is(&str, "https://cdn.example.com/shop/xshop"), "its URL");

    str = tap_str("");
    str = lu_target_fill(&tap_arena, &targets[2].body, &str);
    ok(lu_str_is(&str, "{\"t\":[\"\"]}"), "its body, without an app");

    str = tap_str("team");
    ok(lu_target_find(targets, ntargets, &str) == &targets[1]
       && strcmp(lu_target_form(&targets[1]), "slack") == 0,
       "found");

    str = tap_str("tea");
    ok(lu_target_find(targets, ntargets, &str) == NULL, "not found");
}


static void
test_wrong(void)
{
    size_t  i;

    static const char  *lines[] = {
        "a.b slack https://example.com/",
        "a",
        "a mail https://example.com/",
        "a slack",
        "a slack ftp://example.com/",
        "a slack https://user@example.com/",
        "a slack https://example.com/#x",
        "a slack https://example.com:0/",
        "a slack https://exam{app}ple.com/",
        "a slack https://example.com/{app}",
        "a purge https://{app}.example.com/",
        "a slack https://example.com/ secret=" SECRET,
        "a json https://example.com/",
        "a json https://example.com/ secret=x",
        "a json https://example.com/ secret=whsec_",
        "a json https://example.com/ secret=whsec_YWFh",
        "a json https://example.com/ secret="
            "whsec_YWFhYWFhYWFhYWFhYWFhYWFhYWFhY!Fh",
        "a json https://example.com/ secret="
            "whsec_YWFhYWFhYWFhYWFhYWFhYWFhYWFhYW==",
        "a json https://example.com/ secret="
            "whsec_====================================",
        "a slack https://example.com/ app=public",
        "a slack https://example.com/ event=release",
        "a slack https://example.com/ header=x",
        "a slack https://example.com/ header=:x",
        "a slack https://example.com/ header=a:",
        "a slack https://example.com/ header=a:%0d%0aHost:x",
        "a slack https://example.com/ header=a:%2",
        "a slack https://example.com/ header=a:%00",
        "a slack https://example.com/ header=Host:x",
        "a slack https://example.com/ header=Webhook-Id:x",
        "a slack https://example.com/ header=a(b):x",
        "a slack https://example.com/ method=PURGE",
        "a purge https://example.com/ method=purge",
        "a purge https://example.com/ method=PUT method=PUT",
        "a slack https://example.com/ body=x",
        "a purge https://example.com/ body=%zz",
        "a slack https://example.com/ more",
        "b slack https://example.com/\na slack https://example.com/\n"
            "b slack https://example.com/",
    };

    for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        ok(parse(lines[i]) == LU_INVALID
           && error.text
           && lu_str_is(&error.subject, strchr(lines[i], '\n') ? "3" : "1"),
           "wrong line %zu", i + 1);
    }
}


static void
test_many(void)
{
    int     i, right;
    char    text[4096];
    size_t  len;

    len = (size_t) sprintf(text, "a slack https://example.com/");

    for (i = 0, right = 1; i < LU_TARGET_OPTIONS; i++) {
        len += (size_t) sprintf(text + len, " app=a%d", i);
        right &= (parse(text) == LU_OK);
    }

    ok(right && targets[0].napps == LU_TARGET_OPTIONS, "many options");

    strcat(text, " app=b");
    ok(parse(text) == LU_INVALID, "too many");
}


static void
test_memory(void)
{
    long     left;
    lu_rc_e  rc;

    for (left = 0; left < 100; left++) {
        tap_left = left;
        rc = parse("a purge https://example.com/{app} app=a event=* "
                   "header=a:b method=PURGE body=x");

        if (rc != LU_NOMEM) {
            break;
        }
    }

    tap_left = -1;

    ok(rc == LU_OK && left > 5, "memory runs out at each point");
}


int
main(void)
{
    test_right();
    test_wrong();
    test_many();
    test_memory();

    tap_free();

    return tap_done();
}
