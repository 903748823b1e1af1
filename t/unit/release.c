
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "memory.h"
#include "tap_json.h"
#include "../../src/core/lu_release.c"


#define SHA256                                                                \
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

#define TEN(text)                                                             \
    text text text text text text text text text text

#define PROPERTY(name, value)  "{\"customProperties\":{" name ":" value "}}"


static const char  release_text[] =
    "{\"id\":\"r-1\",\"kind\":\"zip\",\"state\":\"staged\",\"number\":7,"
    "\"minAndroidAppVersionCode\":\"10\",\"maxAndroidAppVersionCode\":\"12\","
    "\"eqAndroidAppVersionCode\":\"11\",\"minIosAppVersionCode\":\"1.0\","
    "\"maxIosAppVersionCode\":\"2\",\"eqIosAppVersionCode\":\"1.5.0\","
    "\"url\":\"https://example.com/a.zip\",\"checksum\":\"" SHA256 "\","
    "\"signature\":\"c2ln\",\"customProperties\":{ \"a\" : \"b=c\" },"
    "\"signed\":true}";


static lu_rc_e
parse(const char *text, lu_release_t *release,
    lu_error_t *err)
{
    lu_rc_e   rc;
    lu_str_t  str;

    /* nothing of the text is kept */

    str.len = strlen(text);
    str.data = malloc(str.len);
    memcpy(str.data, text, str.len);

    err->text = NULL;

    rc = lu_release_parse(&tap_arena, &str, release, err);

    memset(str.data, 'x', str.len);
    free(str.data);

    return rc;
}


static void
test_parse(void)
{
    lu_error_t    err;
    lu_limits_t  *limits;
    lu_release_t  release;

    ok(parse(release_text, &release, &err) == LU_OK
       && lu_str_is(&release.id, "r-1")
       && release.kind == LU_KIND_ZIP
       && lu_str_is(&release.url, "https://example.com/a.zip")
       && lu_str_is(&release.checksum, SHA256)
       && lu_str_is(&release.signature, "c2ln")
       && lu_str_is(&release.properties, "{\"a\":\"b=c\"}")
       && release.is_signed, "a release");

    limits = &release.limits[LU_OS_ANDROID];

    ok(lu_str_is(&limits->min, "10")
       && lu_str_is(&limits->max, "12")
       && lu_str_is(&limits->eq, "11"), "limits for Android");

    limits = &release.limits[LU_OS_IOS];

    ok(lu_str_is(&limits->min, "1.0")
       && lu_str_is(&limits->max, "2")
       && lu_str_is(&limits->eq, "1.5.0"), "limits for iOS");

    ok(parse("{\"id\":\"r\",\"kind\":\"manifest\",\"customProperties\":null,"
             "\"url\":null,\"minIosAppVersionCode\":null,"
             "\"eqIosAppVersionCode\":\"\",\"signed\":\"yes\"}",
             &release, &err)
       == LU_OK
       && release.kind == LU_KIND_MANIFEST
       && release.url.len == 0
       && release.checksum.len == 0
       && release.signature.len == 0
       && release.properties.len == 0
       && release.limits[LU_OS_IOS].min.len == 0
       && release.limits[LU_OS_IOS].eq.len == 0
       && release.limits[LU_OS_ANDROID].max.len == 0
       && !release.is_signed, "a release with nothing more");

    ok(parse("{\"id\":\"r\",\"kind\":\"zip\",\"customProperties\":{}}",
             &release, &err)
       == LU_OK
       && lu_str_is(&release.properties, "{}"), "no properties");

    tap_free();
}


static void
test_refused(void)
{
    size_t        i;
    lu_error_t    err;
    lu_release_t  release;

    static const struct {
        const char  *text;
        const char  *subject;
        const char  *reason;
    } cases[] = {
        { "", "", "is empty" },
        { "[]", "", "the release must have a valid \"id\"" },
        { "{\"kind\":\"zip\"}", "", "the release must have a valid \"id\"" },
        { "{\"id\":\"a/b\",\"kind\":\"zip\"}", "",
          "the release must have a valid \"id\"" },
        { "{\"id\":7}", "id", "must be a string" },
        { "{\"id\":\"r\"}", "", "the release must have the \"kind\" \"zip\" "
                                "or \"manifest\"" },
        { "{\"id\":\"r\",\"kind\":7}", "",
          "the release must have the \"kind\" \"zip\" or \"manifest\"" },
        { "{\"id\":\"r\",\"kind\":\"Zip\"}", "",
          "the release must have the \"kind\" \"zip\" or \"manifest\"" },
        { "{\"id\":\"r\",\"kind\":\"desktop\"}", "",
          "the release must have the \"kind\" \"zip\" or \"manifest\"" },
        { "{\"id\":\"r\",\"kind\":\"unknown\"}", "",
          "the release must have the \"kind\" \"zip\" or \"manifest\"" },
        { "{\"id\":\"r\",\"kind\":\"zip\",\"minAndroidAppVersionCode\":7}",
          "minAndroidAppVersionCode", "must be a string" },
        { "{\"id\":\"r\",\"kind\":\"zip\",\"eqIosAppVersionCode\":\"1.x\"}",
          "eqIosAppVersionCode", "must be a string of numbers and dots" },
        { "{\"id\":\"r\",\"kind\":\"zip\",\"url\":7}", "url",
          "must be a string" },
        { "{\"id\":\"r\",\"kind\":\"zip\",\"checksum\":[]}", "checksum",
          "must be a string" },
        { "{\"id\":\"r\",\"kind\":\"zip\",\"signature\":true}", "signature",
          "must be a string" },
        { "{\"id\":\"r\",\"kind\":\"zip\",\"customProperties\":[]}", "",
          "\"customProperties\" must be an object of strings" },
        { "{\"id\":\"r\",\"kind\":\"zip\",\"customProperties\":{\"a\":1}}",
          "a", "in \"customProperties\" must be a string" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ok(parse(cases[i].text, &release, &err) == LU_INVALID
           && strstr(err.text, cases[i].reason) != NULL
           && lu_str_is(&err.subject, cases[i].subject),
           "refused, case %d: \"%s\" %s", (int) i, cases[i].subject,
           cases[i].reason);
    }

    tap_free();
}


static int
set(const char *before, const char *body, const char *after, lu_error_t *err)
{
    int     same;
    cJSON  *release, *members, *expected;

    release = tap_json(before);
    members = tap_json(body);
    expected = tap_json(after);

    err->text = NULL;

    same = (lu_release_set(release, members, err) == LU_OK)
           && cJSON_Compare(release, expected, 1);

    cJSON_Delete(release);
    cJSON_Delete(members);
    cJSON_Delete(expected);

    return same;
}


static void
test_set(void)
{
    cJSON      *release, *before, *body;
    size_t      i;
    lu_error_t  err;

    static const struct {
        const char  *body;
        const char  *subject;
        const char  *reason;
    } cases[] = {
        { "{\"minAndroidAppVersionCode\":10}", "minAndroidAppVersionCode",
          "must be a string of numbers and dots" },
        { "{\"maxAndroidAppVersionCode\":\"\"}", "maxAndroidAppVersionCode",
          "must be a string of numbers and dots" },
        { "{\"eqAndroidAppVersionCode\":\"1.\"}", "eqAndroidAppVersionCode",
          "must be a string of numbers and dots" },
        { "{\"minIosAppVersionCode\":\"v1\"}", "minIosAppVersionCode",
          "must be a string of numbers and dots" },
        { "{\"maxIosAppVersionCode\":[]}", "maxIosAppVersionCode",
          "must be a string of numbers and dots" },
        { "{\"eqIosAppVersionCode\":\"1 \"}", "eqIosAppVersionCode",
          "must be a string of numbers and dots" },
        { "{\"minIosAppVersionCode\":\"2\",\"eqIosAppVersionCode\":\"x\"}",
          "eqIosAppVersionCode", "must be a string of numbers and dots" },
        { "{\"minIosAppVersionCode\":\"2\",\"customProperties\":\"x\"}", "",
          "\"customProperties\" must be an object of strings" },
        { PROPERTY("\"a\"", "1"), "a",
          "in \"customProperties\" must be a string" },
        { PROPERTY("\"a\"", "null"), "a",
          "in \"customProperties\" must be a string" },
        { PROPERTY("\"a\"", "{}"), "a",
          "in \"customProperties\" must be a string" },
        { PROPERTY("\"\"", "\"x\""), "",
          "in \"customProperties\" must be 1 to 300 bytes long" },
        { PROPERTY("\"" TEN(TEN("abc")) "d\"", "\"x\""),
          TEN(TEN("abc")) "d",
          "in \"customProperties\" must be 1 to 300 bytes long" },
        { PROPERTY("\"a\"", "\"" TEN(TEN("abc")) "d\""), "a",
          "in \"customProperties\" must be 1 to 300 bytes long, and its "
          "value" },
        { PROPERTY("\"1\":\"\",\"2\":\"\",\"3\":\"\",\"4\":\"\",\"5\":\"\","
                   "\"6\":\"\",\"7\":\"\",\"8\":\"\",\"9\":\"\",\"10\":\"\","
                   "\"11\"", "\"\""), "",
          "\"customProperties\" must have at most 10 properties" }
    };

    ok(set("{\"id\":\"r\",\"minIosAppVersionCode\":\"1\"}",
           "{\"appId\":\"x\",\"id\":\"other\",\"state\":\"live\"}",
           "{\"id\":\"r\",\"minIosAppVersionCode\":\"1\"}", &err),
       "other members are ignored");

    ok(set("{\"id\":\"r\",\"minIosAppVersionCode\":\"1\"}",
           "{\"minAndroidAppVersionCode\":\"1\","
           "\"maxAndroidAppVersionCode\":\"2\","
           "\"eqAndroidAppVersionCode\":\"3\","
           "\"minIosAppVersionCode\":\"4.0\","
           "\"maxIosAppVersionCode\":\"5\",\"eqIosAppVersionCode\":\"6\","
           "\"customProperties\":{\"a\":\"b\"}}",
           "{\"id\":\"r\",\"minAndroidAppVersionCode\":\"1\","
           "\"maxAndroidAppVersionCode\":\"2\","
           "\"eqAndroidAppVersionCode\":\"3\","
           "\"minIosAppVersionCode\":\"4.0\","
           "\"maxIosAppVersionCode\":\"5\",\"eqIosAppVersionCode\":\"6\","
           "\"customProperties\":{\"a\":\"b\"}}", &err),
       "all that can be set");

    ok(set("{\"id\":\"r\",\"minIosAppVersionCode\":\"1\","
           "\"eqIosAppVersionCode\":\"2\",\"customProperties\":{\"a\":\"b\"}}",
           "{\"minIosAppVersionCode\":null,\"customProperties\":null,"
           "\"maxIosAppVersionCode\":null}",
           "{\"id\":\"r\",\"minIosAppVersionCode\":null,"
           "\"maxIosAppVersionCode\":null,\"eqIosAppVersionCode\":\"2\","
           "\"customProperties\":null}", &err), "null clears");

    ok(set("{}", PROPERTY("\"" TEN(TEN("abc")) "\"",
                          "\"" TEN(TEN("\xe2\x82\xac")) "\""),
           PROPERTY("\"" TEN(TEN("abc")) "\"",
                    "\"" TEN(TEN("\xe2\x82\xac")) "\""), &err),
       "100 characters of 3 bytes");

    ok(set("{}", PROPERTY("\"1\":\"\",\"2\":\"\",\"3\":\"\",\"4\":\"\","
                          "\"5\":\"\",\"6\":\"\",\"7\":\"\",\"8\":\"\","
                          "\"9\":\"\",\"10\"", "\"\""),
           PROPERTY("\"1\":\"\",\"2\":\"\",\"3\":\"\",\"4\":\"\","
                    "\"5\":\"\",\"6\":\"\",\"7\":\"\",\"8\":\"\","
                    "\"9\":\"\",\"10\"", "\"\""), &err), "10 properties");

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        release = tap_json(release_text);
        before = tap_json(release_text);
        body = tap_json(cases[i].body);

        ok(lu_release_set(release, body, &err) == LU_INVALID
           && strstr(err.text, cases[i].reason) != NULL
           && lu_str_is(&err.subject, cases[i].subject)
           && cJSON_Compare(release, before, 1),
           "refused and left as it was, case %d: %s", (int) i,
           cases[i].reason);

        cJSON_Delete(release);
        cJSON_Delete(before);
        cJSON_Delete(body);
    }
}


static void
test_names(void)
{
    int       i, wrong;
    cJSON    *release;
    lu_put_t  put;
    lu_str_t  name;

    static const struct {
        lu_state_e   state;
        const char  *name;
    } states[] = {
        { LU_STATE_UPLOADING, "uploading" },
        { LU_STATE_FETCHING, "fetching" },
        { LU_STATE_VERIFYING, "verifying" },
        { LU_STATE_STAGED, "staged" },
        { LU_STATE_FAILED, "failed" },
        { LU_STATE_REJECTED, "rejected" },
        { LU_STATE_LIVE, "live" },
        { LU_STATE_WITHDRAWN, "withdrawn" }
    };

    static const struct {
        lu_kind_e    kind;
        const char  *name;
    } kinds[] = {
        { LU_KIND_ZIP, "zip" },
        { LU_KIND_MANIFEST, "manifest" },
        { LU_KIND_DESKTOP, "desktop" }
    };

    static const char  *unknown[] = {
        "{}", "{\"state\":null,\"kind\":null}", "{\"state\":1,\"kind\":1}",
        "{\"state\":\"\",\"kind\":\"\"}",
        "{\"state\":\"unknown\",\"kind\":\"unknown\"}",
        "{\"state\":\"Staged\",\"kind\":\"Zip\"}",
        "{\"State\":\"staged\",\"Kind\":\"zip\"}"
    };

    lu_put_init(&put);

    release = cJSON_CreateObject();
    wrong = 0;

    for (i = 0; i < LU_STATES - 1; i++) {
        name = tap_str(states[i].name);

        lu_release_put_state(&put, release, states[i].state);

        wrong += (lu_release_state(release) != states[i].state
                  || lu_release_state_named(&name) != states[i].state
                  || strcmp(lu_release_state_name(states[i].state),
                            states[i].name) != 0);
    }

    ok(wrong == 0 && sizeof(states) / sizeof(states[0]) == LU_STATES - 1,
       "the states and their names");

    wrong = 0;

    for (i = 0; i < (int) (sizeof(kinds) / sizeof(kinds[0])); i++) {
        name = tap_str(kinds[i].name);

        lu_release_put_kind(&put, release, kinds[i].kind);

        wrong += (lu_release_kind(release) != kinds[i].kind
                  || lu_release_kind_named(&name) != kinds[i].kind
                  || strcmp(lu_release_kind_name(kinds[i].kind),
                            kinds[i].name) != 0);
    }

    ok(wrong == 0 && !put.failed && cJSON_GetArraySize(release) == 2,
       "the kinds and their names");

    cJSON_Delete(release);

    for (i = 0; i < (int) (sizeof(unknown) / sizeof(unknown[0])); i++) {
        release = tap_json(unknown[i]);

        ok(lu_release_state(release) == LU_STATE_UNKNOWN
           && lu_release_kind(release) == LU_KIND_UNKNOWN, "unknown: %s",
           unknown[i]);

        cJSON_Delete(release);
    }

    ok(lu_release_state(NULL) == LU_STATE_UNKNOWN
       && strcmp(lu_release_state_name(LU_STATE_UNKNOWN), "unknown") == 0
       && strcmp(lu_release_kind_name(LU_KIND_UNKNOWN), "unknown") == 0,
       "what is not known has a name, too");
}


static lu_rc_e
all(void)
{
    cJSON        *release, *body;
    lu_rc_e       rc;
    lu_error_t    err;
    lu_release_t  parsed;
    lu_str_t      str;

    rc = parse(release_text, &parsed, &err);
    if (rc != LU_OK) {
        return rc;
    }

    str = tap_str("{\"id\":\"r\",\"eqIosAppVersionCode\":\"2\"}");
    rc = lu_json_parse(&release, &str, &err);
    if (rc != LU_OK) {
        return rc;
    }

    str = tap_str("{\"minIosAppVersionCode\":\"1\","
                  "\"eqIosAppVersionCode\":null,"
                  "\"customProperties\":{\"a\":\"b\"}}");
    rc = lu_json_parse(&body, &str, &err);

    if (rc == LU_OK) {
        rc = lu_release_set(release, body, &err);
    }

    if (rc == LU_OK && cJSON_GetArraySize(release) != 4) {
        rc = LU_CONFLICT;
    }

    cJSON_Delete(body);
    cJSON_Delete(release);

    return rc;
}


/* Each allocation of the arena's and of cJSON's fails once. */

static void
test_nomem(void)
{
    long          n, wrong;
    lu_rc_e       rc;
    lu_error_t    err;
    lu_release_t  release;

    memory_init();

    wrong = 0;

    for (n = 0; n < 1000; n++) {
        tap_left = n;
        rc = all();

        if (rc == LU_OK) {
            break;
        }

        wrong += (rc != LU_NOMEM || memory_used != 0);
        tap_free();
    }

    tap_left = -1;

    ok(rc == LU_OK && n > 10 && wrong == 0 && memory_used == 0,
       "the arena fails %ld times", n);

    tap_left = 1;

    ok(parse("{\"id\":\"r\",\"kind\":\"zip\",\"customProperties\":{\"a\":1}}",
             &release, &err) == LU_NOMEM, "it fails while a reason is given");

    tap_left = -1;
    tap_free();

    for (n = 0; n < 1000; n++) {
        memory_left = n;
        rc = all();

        if (rc == LU_OK) {
            break;
        }

        wrong += (rc != LU_NOMEM || memory_used != 0);
        tap_free();
    }

    memory_left = -1;

    ok(rc == LU_OK && n > 70 && wrong == 0 && memory_used == 0,
       "cJSON fails %ld times", n);

    cJSON_InitHooks(NULL);
    tap_free();
}


/* What the last digits of an id say. */

static void
test_numbers(void)
{
    size_t    i;
    lu_str_t  id;

    static const struct {
        const char  *id;
        uint64_t     number;
    } ids[] = {
        { "6e351b4f-69a7-815e-a057-000000000042", 42 },
        { "6e351b4f-69a7-8abc-b057-999999999999", 999999999999 },
        { "6e351b4f-69a7-815e-a057-000000000000", 0 },
        { "6e351b4f-69a7-415e-a057-000000000042", 0 },
        { "6e351b4f-69a7-815e-a057-00000000004a", 0 },
        { "6e351b4f-69a7-815e-a057-00000000004", 0 },
        { "6e351b4f-69a7-815e-a057-0000000000421", 0 },
        { "6e351b4fx69a7-815e-a057-000000000042", 0 },
        { "6e351b4f-69a7x815e-a057-000000000042", 0 },
        { "6e351b4f-69a7-815exa057-000000000042", 0 },
        { "6e351b4f-69a7-815e-a057x000000000042", 0 },
        { "20261121-1", 0 },
        { "", 0 },
        { NULL, 0 }
    };

    for (i = 0; ids[i].id; i++) {
        id = tap_str(ids[i].id);

        ok(lu_release_id_number(&id) == ids[i].number, "number of \"%s\"",
           ids[i].id);
    }
}


static void
test_range(void)
{
    size_t      i;
    cJSON      *release, *body;
    lu_rc_e     rc;
    lu_error_t  err;

    static const struct {
        const char  *release;
        const char  *body;
        int          right;
    } cases[] = {
        { "{}", "{\"minAndroidAppVersionCode\":\"10\","
          "\"maxAndroidAppVersionCode\":\"9\"}", 0 },
        { "{}", "{\"minAndroidAppVersionCode\":\"9\","
          "\"maxAndroidAppVersionCode\":\"10\"}", 1 },
        { "{}", "{\"minAndroidAppVersionCode\":\"10\","
          "\"maxAndroidAppVersionCode\":\"10\"}", 1 },
        { "{}", "{\"minIosAppVersionCode\":\"1.10\","
          "\"maxIosAppVersionCode\":\"1.9\"}", 0 },
        { "{}", "{\"minIosAppVersionCode\":\"1.0.0\","
          "\"maxIosAppVersionCode\":\"1\"}", 1 },
        { "{}", "{\"minAndroidAppVersionCode\":\"10\","
          "\"maxIosAppVersionCode\":\"9\"}", 1 },
        { "{\"maxIosAppVersionCode\":\"2\"}",
          "{\"minIosAppVersionCode\":\"3\"}", 0 },
        { "{\"minIosAppVersionCode\":\"3\"}",
          "{\"maxIosAppVersionCode\":\"2\"}", 0 },
        { "{\"minIosAppVersionCode\":\"3\"}",
          "{\"maxIosAppVersionCode\":\"2\","
          "\"minIosAppVersionCode\":null}", 1 },
        { "{\"minIosAppVersionCode\":\"3\"}",
          "{\"minIosAppVersionCode\":\"1\","
          "\"maxIosAppVersionCode\":\"2\"}", 1 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        release = tap_json(cases[i].release);
        body = tap_json(cases[i].body);
        rc = lu_release_set(release, body, &err);

        ok(rc == (cases[i].right ? LU_OK : LU_INVALID)
           && (rc == LU_OK
               || strcmp(err.text, "must not be above the maximum, or no "
                                   "device gets the bundle") == 0),
           "range: %s on %s", cases[i].body, cases[i].release);

        cJSON_Delete(release);
        cJSON_Delete(body);
    }
}


static void
test_commit(void)
{
    char       *text;
    cJSON      *release, *body;
    lu_error_t  err;

    static char  message[16386];

    release = cJSON_CreateObject();
    body = tap_json("{\"gitRef\":\"r\",\"gitCommitSha\":\"0123abc\","
                    "\"gitCommitRef\":\"main\","
                    "\"gitCommitMessage\":\"fix: crash\\n\\nall\","
                    "\"other\":1}");

    ok(lu_release_commit(release, body, &err) == LU_OK, "a commit");

    text = cJSON_PrintUnformatted(release);
    ok(strcmp(text, "{\"gitCommitMessage\":\"fix: crash\\n\\nall\","
                    "\"gitRef\":\"r\",\"gitCommitSha\":\"0123abc\","
                    "\"gitCommitRef\":\"main\"}") == 0,
       "is kept, and nothing else");
    cJSON_free(text);
    cJSON_Delete(body);
    cJSON_Delete(release);

    release = cJSON_CreateObject();
    body = tap_json("{\"gitRef\":null,\"gitCommitSha\":\"\"}");
    ok(lu_release_commit(release, body, &err) == LU_OK
       && release->child == NULL, "null and nothing are no commit");
    cJSON_Delete(body);

    body = tap_json("{\"gitRef\":\"r\",\"gitCommitSha\":7}");
    ok(lu_release_commit(release, body, &err) == LU_INVALID
       && release->child == NULL
       && lu_str_is(&err.subject, "gitCommitSha")
       && strcmp(err.text, "must be a string of at most 128 bytes") == 0,
       "a number is none either");
    cJSON_Delete(body);

    memset(message, 'm', 16385);
    body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "gitCommitMessage", message);
    ok(lu_release_commit(release, body, &err) == LU_OK
       && strlen(release->child->valuestring) == 4096,
       "a long message is cut");

    cJSON_Delete(body);
    cJSON_Delete(release);
}


static void
remote(const char *address, lu_rc_e expected)
{
    lu_error_t   err;
    lu_origin_t  origin;

    memset(&origin, 0, sizeof(lu_origin_t));
    origin.remote = tap_str(address);

    ok(lu_release_origin_check(&origin, &err) == expected, "%s", address);
}


static void
test_origin(void)
{
    cJSON        *release, *body;
    char         *text;
    lu_put_t      put;
    lu_str_t      name;
    lu_error_t    err;
    lu_origin_t   origin;

    release = tap_json("{\"commit\":\"a\",\"branch\":\"b\"}");
    body = tap_json("{\"commit\":\"c\",\"remote\":\"d\",\"other\":1}");

    lu_put_init(&put);

    ok(lu_release_origin_parse(NULL, &origin, &err) == LU_OK, "no body");
    lu_release_origin_put(&put, release, &origin);
    ok(cJSON_GetArraySize(release) == 2, "it changes nothing");

    ok(lu_release_origin_parse(body, &origin, &err) == LU_OK, "a body");
    lu_release_origin_put(&put, release, &origin);

    text = cJSON_PrintUnformatted(release);
    ok(!put.failed
       && strcmp(text, "{\"commit\":\"c\",\"remote\":\"d\"}") == 0,
       "all are replaced");
    cJSON_free(text);

    name = tap_str("other");
    ok(lu_release_origin_value(&origin, &name) == NULL, "another member");

    cJSON_Delete(release);
    cJSON_Delete(body);

    remote("https://github.com/acme/app", LU_OK);
    remote("https://github.com:443/acme/app@v1:2", LU_OK);
    remote("git@github.com:acme/app.git", LU_OK);
    remote("ssh://git@github.com:22/acme/app.git", LU_OK);
    remote("https://me:secret@github.com/acme/app", LU_INVALID);
    remote("https://:@github.com", LU_INVALID);
    remote("https://", LU_OK);
    remote("", LU_OK);
}


int
main(void)
{
    test_range();
    test_commit();
    test_origin();

    test_parse();
    test_refused();
    test_set();
    test_names();
    test_nomem();
    test_numbers();

    return tap_done();
}
