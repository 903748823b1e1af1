
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap_json.h"

#include "../../src/core/lu_github.c"


static void github_push(void);
static void github_pull_request(void);
static void github_content(void);
static void github_edit(void);
static void github_files(void);
static void github_requests(void);
static void github_until(void);


int
main(void)
{
    github_push();
    github_pull_request();
    github_content();
    github_edit();
    github_files();
    github_requests();
    github_until();

    tap_free();

    return tap_done();
}


#define REPOSITORY                                                            \
    "\"repository\":{\"id\":7,\"full_name\":\"a/b\","                         \
    "\"default_branch\":\"main\"}"

#define FROM(repo)                                                            \
    "{" REPOSITORY ",\"action\":\"closed\",\"pull_request\":{\"number\":1,"   \
    "\"base\":{\"ref\":\"b\"},\"head\":{\"ref\":\"h\",\"repo\":" repo "}}}"


static void
github_push(void)
{
    char               body[512];
    size_t             i;
    cJSON             *json;
    lu_rc_e            rc;
    lu_error_t         err;
    lu_github_event_t  event;

    static const struct {
        const char  *body;
        const char  *after;
        const char  *before;
        int          builds;
        int          rules;
    } commits[] = {
        { ",\"after\":\"0123abcd\",\"before\":\"fedc\",\"commits\":["
          "{\"added\":[\"desktop-builds.json\"]}]", "0123abcd", "fedc", 1, 0 },
        { ",\"after\":\"a\",\"commits\":[{\"removed\":"
          "[\"desktop-releases.json\"]},{\"modified\":[\"x\","
          "\"desktop-builds.json\"]}]", "a", "", 1, 1 },
        { ",\"after\":\"00000000\",\"before\":\"0000\"", "", "", 0, 0 },
        { ",\"after\":\"a b\",\"before\":\"a\\nb\"", "", "", 0, 0 },
        { ",\"after\":7,\"before\":null", "", "", 0, 0 },
        { ",\"after\":\"\",\"before\":\"../x\"", "", "", 0, 0 },
        { ",\"after\":\"1111111111222222222233333333334444444444"
          "55555555556666666666777777\"", "", "", 0, 0 },
        { NULL, NULL, NULL, 0, 0 }
    };

    static const struct {
        const char  *body;
        const char  *branch;
        int          touches;
    } pushes[] = {
        { "{" REPOSITORY ",\"ref\":\"refs/heads/main\",\"commits\":[{\"added\":"
          "[\"desktop-builds.json\"],\"modified\":[],\"removed\":[]}]}",
          "main", 1 },
        { "{" REPOSITORY ",\"ref\":\"refs/heads/a/b\",\"commits\":[{\"added\":"
          "[],\"modified\":[\"x\",\"desktop-releases.json\"]}]}", "a/b", 1 },
        { "{" REPOSITORY ",\"ref\":\"refs/heads/main\",\"commits\":[{},{"
          "\"removed\":[\"desktop-builds.json\"]}]}", "main", 1 },
        { "{" REPOSITORY ",\"ref\":\"refs/heads/main\",\"commits\":[{"
          "\"added\":[\"a/desktop-builds.json\",7]}]}", "main", 0 },
        { "{" REPOSITORY ",\"ref\":\"refs/heads/main\",\"commits\":[]}",
          "main", 1 },
        { "{" REPOSITORY ",\"ref\":\"refs/heads/main\",\"forced\":true,"
          "\"commits\":[{\"added\":[\"x\"]}]}", "main", 1 },
        { "{" REPOSITORY ",\"ref\":\"refs/tags/v1\",\"commits\":[{}]}", "",
          0 },
        { "{" REPOSITORY ",\"ref\":\"refs/heads/\",\"commits\":[{}]}", "", 0 },
        { NULL, NULL, 0 }
    };

    static const char  *wrong[] = {
        "[]", "{}", "{\"repository\":{},\"ref\":\"refs/heads/main\"}",
        "{\"repository\":\"a/b\",\"ref\":\"refs/heads/main\"}",
        "{\"repository\":{\"full_name\":7},\"ref\":\"refs/heads/main\"}",
        "{" REPOSITORY "}", "{" REPOSITORY ",\"ref\":7}", NULL
    };

    for (i = 0; pushes[i].body; i++) {
        json = tap_json(pushes[i].body);
        rc = lu_github_push(json, &event, &err);

        ok(rc == LU_OK
           && lu_str_is(&event.repository, "a/b")
           && lu_str_is(&event.base, "main")
           && event.branch.len == strlen(pushes[i].branch)
           && (event.branch.len == 0
               || lu_str_is(&event.branch, pushes[i].branch))
           && event.touches == (unsigned) pushes[i].touches,
           "push %u", (unsigned) i);

        cJSON_Delete(json);
    }

    for (i = 0; commits[i].body; i++) {
        (void) snprintf(body, sizeof(body), "{" REPOSITORY ",\"ref\":"
                        "\"refs/heads/main\"%s}", commits[i].body);

        json = tap_json(body);
        rc = lu_github_push(json, &event, &err);

        ok(rc == LU_OK
           && event.after.len == strlen(commits[i].after)
           && (event.after.len == 0
               || lu_str_is(&event.after, commits[i].after))
           && event.before.len == strlen(commits[i].before)
           && (event.before.len == 0
               || lu_str_is(&event.before, commits[i].before))
           && event.builds == (unsigned) commits[i].builds
           && event.rules == (unsigned) commits[i].rules
           && event.id == 7,
           "commits: %s", commits[i].body);

        cJSON_Delete(json);
    }

    for (i = 0; wrong[i]; i++) {
        json = tap_json(wrong[i]);
        err.text = NULL;
        rc = lu_github_push(json, &event, &err);

        ok(rc == LU_INVALID && err.text, "no push: %s", wrong[i]);

        cJSON_Delete(json);
    }
}


static void
github_pull_request(void)
{
    size_t             i;
    cJSON             *json;
    lu_rc_e            rc;
    lu_error_t         err;
    lu_github_event_t  event;

    static const char  *wrong[] = {
        "{" REPOSITORY "}",
        "{" REPOSITORY ",\"action\":\"closed\"}",
        "{" REPOSITORY ",\"action\":\"closed\",\"pull_request\":{}}",
        "{" REPOSITORY ",\"action\":\"closed\",\"pull_request\":{\"number\":-1,"
        "\"head\":{\"ref\":\"h\"},\"base\":{\"ref\":\"b\"}}}",
        "{" REPOSITORY ",\"action\":\"closed\",\"pull_request\":{\"number\":1,"
        "\"head\":\"h\",\"base\":{\"ref\":\"b\"}}}",
        "{" REPOSITORY ",\"action\":\"closed\",\"pull_request\":{\"number\":1,"
        "\"head\":{\"ref\":\"h\"}}}",
        NULL
    };

    static const struct {
        const char  *text;
        unsigned     is_fork;
    } from[] = {
        { FROM("{\"full_name\":\"a/b\"}"), 0 },
        { FROM("{\"full_name\":\"evil/b\"}"), 1 },
        { FROM("{\"full_name\":\"a/bc\"}"), 1 },
        { FROM("{\"full_name\":1}"), 1 },
        { FROM("{}"), 1 },
        { FROM("null"), 1 }
    };

    json = tap_json("{" REPOSITORY ",\"action\":\"closed\",\"pull_request\":"
                    "{\"number\":12,\"merged\":true,\"head\":{\"ref\":"
                    "\"release-build-x\"},\"base\":{\"ref\":\"main\"}}}");
    rc = lu_github_pull_request(json, &event, &err);

    ok(rc == LU_OK && event.closed && event.merged && event.is_fork
       && event.number == 12
       && lu_str_is(&event.branch, "release-build-x")
       && lu_str_is(&event.target, "main"), "merged");

    cJSON_Delete(json);

    for (i = 0; i < sizeof(from) / sizeof(from[0]); i++) {
        json = tap_json(from[i].text);
        rc = lu_github_pull_request(json, &event, &err);

        ok(rc == LU_OK && event.is_fork == from[i].is_fork,
           "of %s", from[i].text);

        cJSON_Delete(json);
    }

    json = tap_json("{" REPOSITORY ",\"action\":\"reopened\","
                    "\"pull_request\":{\"number\":1,\"merged\":null,"
                    "\"head\":{\"ref\":\"h\"},\"base\":{\"ref\":\"b\"}}}");
    rc = lu_github_pull_request(json, &event, &err);

    ok(rc == LU_OK && !event.closed && !event.merged, "reopened");

    cJSON_Delete(json);

    for (i = 0; wrong[i]; i++) {
        json = tap_json(wrong[i]);
        err.text = NULL;
        rc = lu_github_pull_request(json, &event, &err);

        ok(rc == LU_INVALID && err.text, "no pull request: %s", wrong[i]);

        cJSON_Delete(json);
    }
}


static void
github_content(void)
{
    size_t      i;
    cJSON      *json;
    lu_rc_e     rc;
    lu_str_t    text, sha;
    lu_error_t  err;

    static const struct {
        const char  *body;
        const char  *text;
    } answers[] = {
        { "{\"sha\":\"s\",\"encoding\":\"base64\",\"content\":\"W10K\"}",
          "[]\n" },
        { "{\"sha\":\"s\",\"encoding\":\"base64\",\"content\":\"W1\\n0K\\n\"}",
          "[]\n" },
        { "{\"sha\":\"s\",\"encoding\":\"base64\",\"content\":\"W10=\"}",
          "[]" },
        { "{\"sha\":\"s\",\"encoding\":\"base64\",\"content\":\"Ww==\\n\"}",
          "[" },
        { "{\"sha\":\"s\",\"encoding\":\"base64\",\"content\":\"\"}", "" },
        { NULL, NULL }
    };

    static const char  *wrong[] = {
        "{\"encoding\":\"base64\",\"content\":\"W10K\"}",
        "{\"sha\":\"s\",\"content\":\"W10K\"}",
        "{\"sha\":\"s\",\"encoding\":\"utf-8\",\"content\":\"[]\"}",
        "{\"sha\":\"s\",\"encoding\":\"base64\"}",
        "{\"sha\":\"s\",\"encoding\":\"base64\",\"content\":\"W10\"}",
        "{\"sha\":\"s\",\"encoding\":\"base64\",\"content\":\"W1*K\"}",
        "{\"sha\":\"s\",\"encoding\":\"base64\",\"content\":\"==\"}",
        "{\"sha\":\"s\",\"encoding\":\"base64\",\"content\":7}",
        NULL
    };

    for (i = 0; answers[i].body; i++) {
        json = tap_json(answers[i].body);
        rc = lu_github_content(&tap_arena, json, &text, &sha, &err);

        ok(rc == LU_OK
           && text.len == strlen(answers[i].text)
           && memcmp(text.data, answers[i].text, text.len) == 0
           && lu_str_is(&sha, "s"), "content: %s", answers[i].body);

        cJSON_Delete(json);
    }

    for (i = 0; wrong[i]; i++) {
        json = tap_json(wrong[i]);
        err.text = NULL;
        rc = lu_github_content(&tap_arena, json, &text, &sha, &err);

        ok(rc == LU_INVALID && err.text, "no content: %s", wrong[i]);

        cJSON_Delete(json);
    }

    json = tap_json("{\"sha\":\"s\",\"encoding\":\"none\",\"content\":\"\"}");
    rc = lu_github_content(&tap_arena, json, &text, &sha, &err);

    ok(rc == LU_NOT_FOUND && lu_str_is(&sha, "s"), "the content is left out");

    cJSON_Delete(json);

    json = tap_json(answers[0].body);

    for (i = 0; i < 2; i++) {
        tap_left = (long) i;
        rc = lu_github_content(&tap_arena, json, &text, &sha, &err);
        tap_left = -1;

        ok(rc == LU_NOMEM, "no memory: %u", (unsigned) i);
    }

    cJSON_Delete(json);
}


static void
github_edit(void)
{
    char       *out;
    cJSON      *info;
    lu_rc_e     rc;
    lu_str_t    text;
    lu_error_t  err;

    text = tap_str("");
    rc = lu_github_add_build(&text, "b1", "1.0", "t", &out, &err);

    ok(rc == LU_OK
       && strcmp(out, "[\n  {\n    \"id\": \"b1\",\n    \"version\": \"1.0\","
                      "\n    \"createdAt\": \"t\",\n    \"isReleased\": true"
                      "\n  }\n]\n") == 0, "the first build");
    free(out);

    text = tap_str("[{\"id\":\"b1\",\"more\":[1]}]");
    rc = lu_github_add_build(&text, "b2", "1.1", "t", &out, &err);

    ok(rc == LU_OK && strstr(out, "\"more\"") && strstr(out, "\"b2\""),
       "another one keeps what is there");
    free(out);

    rc = lu_github_add_build(&text, "b1", "1.0", "t", &out, &err);
    ok(rc == LU_OK && out == NULL, "one that is listed");

    text = tap_str("{}");
    rc = lu_github_add_build(&text, "b1", "1.0", "t", &out, &err);
    ok(rc == LU_INVALID && out == NULL, "no array");

    info = tap_json("{\"latestReleaseBuildId\":\"b2\","
                    "\"releaseRedirections\":[],\"other\":1}");

    text = tap_str("");
    rc = lu_github_set_rules(&text, info, &out, &err);
    ok(rc == LU_OK
       && strcmp(out, "{\n  \"latestReleaseBuildId\": \"b2\",\n"
                      "  \"releaseRedirections\": []\n}\n") == 0,
       "the first rules");

    text = tap_str(out);
    free(out);

    text = tap_str("{\"latestReleaseBuildId\":\"b2\","
                   "\"releaseRedirections\":[]}");
    rc = lu_github_set_rules(&text, info, &out, &err);
    ok(rc == LU_OK && out == NULL, "the same rules");

    text = tap_str("{\"kept\":7,\"latestReleaseBuildId\":\"b1\"}");
    rc = lu_github_set_rules(&text, info, &out, &err);
    ok(rc == LU_OK && strstr(out, "\"kept\": 7")
       && strstr(out, "\"b2\"") && !strstr(out, "\"b1\""), "other rules");
    free(out);

    rc = lu_github_set_rules(&text, NULL, &out, &err);
    ok(rc == LU_OK && out == NULL, "no rules");

    text = tap_str("[]");
    rc = lu_github_set_rules(&text, info, &out, &err);
    ok(rc == LU_INVALID && out == NULL, "no object");

    cJSON_Delete(info);
}


static void
github_files(void)
{
    size_t      i;
    cJSON      *builds;
    lu_rc_e     rc;
    lu_str_t    text;
    lu_error_t  err;

    static const char  *wrong[] = {
        "{", "{}", "7", "[{\"id\":\"a\"}] x", NULL
    };

    text = tap_str("[{\"id\":\"a\",\"isReleased\":true},{\"id\":\"b\"},7,{},"
                   "{\"id\":7},{\"id\":\"c\",\"isReleased\":false}]");
    rc = lu_github_builds(&text, &builds, &err);

    ok(rc == LU_OK, "builds");
    ok(lu_github_has_build(builds, "a"), "released");
    ok(lu_github_has_build(builds, "b"), "released if nothing is said");
    ok(!lu_github_has_build(builds, "c"), "not released");
    ok(!lu_github_has_build(builds, "d"), "not there");

    cJSON_Delete(builds);

    for (i = 0; wrong[i]; i++) {
        text = tap_str(wrong[i]);
        err.text = NULL;
        rc = lu_github_builds(&text, &builds, &err);

        ok(rc == LU_INVALID && err.text && builds == NULL, "no builds: %s",
           wrong[i]);
    }

    text = tap_str("{");
    rc = lu_github_builds(&text, &builds, &err);

    ok(rc == LU_INVALID
       && lu_str_is(&err.subject, "desktop-builds.json"),
       "it is said which file does not parse");
}


static void
github_requests(void)
{
    char     *text;
    cJSON    *release, *files, *json;
    lu_str_t  sha;

    sha = tap_str("abc");
    text = lu_github_put("m", "[]\n", "b", &sha);
    ok(strcmp(text, "{\"message\":\"m\",\"content\":\"W10K\",\"branch\":\"b\","
                    "\"sha\":\"abc\"}") == 0, "a commit");
    free(text);

    sha.len = 0;
    text = lu_github_put("m", "", "b", &sha);
    ok(strcmp(text, "{\"message\":\"m\",\"content\":\"\",\"branch\":\"b\"}")
       == 0, "of a new and empty file");
    free(text);

    release = tap_json("{\"id\":\"b1\",\"version\":\"1.0\"}");
    files = tap_json("[]");

    text = lu_github_pull(release, files, NULL, NULL, "h", "main");
    json = tap_json(text);

    ok(strcmp(cJSON_GetObjectItem(json, "title")->valuestring,
              "[release] Add build b1 (v1.0)") == 0
       && strcmp(cJSON_GetObjectItem(json, "head")->valuestring, "h") == 0
       && strcmp(cJSON_GetObjectItem(json, "base")->valuestring, "main") == 0
       && cJSON_GetObjectItem(json, "body"), "a pull request");

    cJSON_Delete(json);
    free(text);

    cJSON_DeleteItemFromObject(release, "version");
    ok(lu_github_pull(release, files, NULL, NULL, "h", "main") == NULL,
       "none without a version");

    cJSON_Delete(files);
    cJSON_Delete(release);
}


static void
github_until(void)
{
    size_t    i;
    time_t    until;
    lu_rc_e   rc;
    lu_str_t  text;

    static const struct {
        const char  *text;
        time_t       until;     /* 0: refused */
    } cases[] = {
        { "2026-12-30 12:00:00 UTC", 1798632000 },
        { "2026-12-30 12:00:00 +0000", 1798632000 },
        { "2026-12-30 12:00:00 +0900", 1798599600 },
        { "2026-12-30 12:00:00 -0730", 1798659000 },
        { "2026-12-30 12:00:00", 0 },
        { "2026-12-30 12:00:00 ", 0 },
        { "2026-12-30 12:00:00 PST", 0 },
        { "2026-12-30 12:00:00 +09:00", 0 },
        { "2026-12-30 12:00:00 +0960", 0 },
        { "2026-12-30T12:00:00Z", 0 },
        { "2026-13-30 12:00:00 UTC", 0 },
        { "", 0 },
        { NULL, 0 }
    };

    for (i = 0; cases[i].text; i++) {
        text = tap_str(cases[i].text);
        until = 0;

        rc = lu_github_until(&text, &until);

        ok(until == cases[i].until
           && rc == (cases[i].until ? LU_OK : LU_INVALID),
           "until \"%s\"", cases[i].text);
    }
}
