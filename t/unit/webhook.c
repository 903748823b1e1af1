
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"

#include "../../src/core/lu_webhook.c"


typedef struct {
    const char         *what;
    const char         *text;
    const char         *subject;     /* NULL: any */
    const char         *why;
} refused_t;


static const char  full[] =
    "{\"appId\":\"240808w4a9kky77\",\"buildId\":\"250210vv2q75v93\","
    "\"userId\":\"u1\",\"buildStartedAt\":\"2025-02-10T13:00:25Z\","
    "\"buildEndedAt\":\"2025-02-10T13:15:06Z\",\"appName\":\"My App\","
    "\"appVersion\":\"4.27.0\","
    "\"appNotarizaionBundleId\":\"com.todesktop.240808w4a9kky77\","
    "\"electronVersionUsed\":\"33.3.2\","
    "\"electronVersionSpecified\":\"33.3.1\","
    "\"sourcePackageManager\":\"npm\","
    "\"versionControlInfo\":{"
    "\"repositoryRemoteUrl\":\"https://github.com/acme/app.git\","
    "\"commitMessage\":\"One\\n\\nTwo\",\"branchName\":\"master\","
    "\"hasUncommittedChanges\":true,"
    "\"commitId\":\"dfd155b0d39d38a8945d3d89c3885a920d3f363e\","
    "\"versionControlSystemName\":\"git\","
    "\"commitDate\":\"2025-02-05T16:47:05.000Z\"},"
    "\"releaseInfo\":{\"latestReleaseBuildId\":\"250210vv2q75v93\","
    "\"releaseRedirections\":[]}}";


#define IDS  "\"appId\":\"a\",\"buildId\":\"b\""

static const refused_t  refused[] = {

    { "an array", "[]", "", "the body is not a JSON object" },
    { "a string", "\"a\"", "", "the body is not a JSON object" },
    { "null", "null", "", "the body is not a JSON object" },
    { "an empty object", "{}", "appId", "is missing" },
    { "no appId", "{\"buildId\":\"b\"}", "appId", "is missing" },
    { "no buildId", "{\"appId\":\"a\"}", "buildId", "is missing" },
    { "null for an id", "{\"appId\":\"a\",\"buildId\":null}", "buildId",
      "is missing" },
    { "an empty id", "{\"appId\":\"\",\"buildId\":\"b\"}", "appId",
      "is missing" },
    { "other case of keys", "{\"appid\":\"a\",\"buildID\":\"b\"}", "appId",
      "is missing" },
    { "a number for an id", "{\"appId\":\"a\",\"buildId\":1}", "buildId",
      "is not a string" },
    { "an id that leaves its folder", "{\"appId\":\"..\",\"buildId\":\"b\"}",
      "appId",
      "is not an id: up to 64 letters, digits, \"-\" and \"_\"" },
    { "an id that the API uses", "{\"appId\":\"a\",\"buildId\":\"audit\"}",
      "buildId", "is a name that the API uses" },
    { "an id with a slash", "{\"appId\":\"a\",\"buildId\":\"b/c\"}",
      "buildId",
      "is not an id: up to 64 letters, digits, \"-\" and \"_\"" },
    { "a number for a name", "{" IDS ",\"appName\":1}", "appName",
      "is not a string" },
    { "an object for a version", "{" IDS ",\"appVersion\":{}}", "appVersion",
      "is not a string" },
    { "a boolean for a user", "{" IDS ",\"userId\":false}", "userId",
      "is not a string" },
    { "a number for a time", "{" IDS ",\"buildStartedAt\":1}",
      "buildStartedAt", "is not a string" },
    { "an array for a time", "{" IDS ",\"buildEndedAt\":[]}", "buildEndedAt",
      "is not a string" },
    { "a number for Electron", "{" IDS ",\"electronVersionUsed\":33}",
      "electronVersionUsed", "is not a string" },
    { "a string for the commit", "{" IDS ",\"versionControlInfo\":\"git\"}",
      "versionControlInfo", "is not an object" },
    { "an array for the commit", "{" IDS ",\"versionControlInfo\":[]}",
      "versionControlInfo", "is not an object" },
    { "a number for a commit's id",
      "{" IDS ",\"versionControlInfo\":{\"commitId\":1}}", "commitId",
      "is not a string" },
    { "an array for a commit's message",
      "{" IDS ",\"versionControlInfo\":{\"commitMessage\":[]}}",
      "commitMessage", "is not a string" },
    { "a boolean for a branch",
      "{" IDS ",\"versionControlInfo\":{\"branchName\":true}}", "branchName",
      "is not a string" },
    { "an object for a remote",
      "{" IDS ",\"versionControlInfo\":{\"repositoryRemoteUrl\":{}}}",
      "repositoryRemoteUrl", "is not a string" },
    { "a string for releaseInfo", "{" IDS ",\"releaseInfo\":\"b\"}",
      "releaseInfo", "is not an object" },
    { "a boolean for releaseInfo", "{" IDS ",\"releaseInfo\":true}",
      "releaseInfo", "is not an object" },
    { "a number for the latest build",
      "{" IDS ",\"releaseInfo\":{\"latestReleaseBuildId\":1}}", NULL, NULL },
    { "a string for the redirections",
      "{" IDS ",\"releaseInfo\":{\"releaseRedirections\":\"b\"}}", NULL,
      NULL },
    { "a redirection to no address",
      "{" IDS ",\"releaseInfo\":{\"releaseRedirections\":[{\"rule\":"
      "\"buildByIp\",\"buildId\":\"b\",\"ipList\":[\"1.2.3.4.5\"]}]}}", NULL,
      NULL }
};


static lu_error_t  error;


static cJSON *
json_of(const char *text)
{
    cJSON    *json;
    lu_str_t  str;

    str = tap_str(text);

    (void) lu_json_parse(&json, &str, &error);

    error.text = NULL;
    error.subject = tap_str("");

    return json;
}


static void
test_body(void)
{
    cJSON        *json;
    lu_webhook_t  webhook;

    json = json_of(full);

    ok(lu_webhook_parse(&tap_arena, json, &webhook, &error)
       == LU_OK, "a whole body");
    ok(lu_str_is(&webhook.app_id, "240808w4a9kky77")
       && lu_str_is(&webhook.build_id, "250210vv2q75v93")
       && lu_str_is(&webhook.app_name, "My App")
       && lu_str_is(&webhook.app_version, "4.27.0")
       && lu_str_is(&webhook.user_id, "u1"), "the build");
    ok(lu_str_is(&webhook.started, "2025-02-10T13:00:25Z")
       && lu_str_is(&webhook.ended, "2025-02-10T13:15:06Z")
       && lu_str_is(&webhook.electron, "33.3.2"), "its making");
    ok(lu_str_is(&webhook.commit,
                 "dfd155b0d39d38a8945d3d89c3885a920d3f363e")
       && lu_str_is(&webhook.commit_message, "One\n\nTwo")
       && lu_str_is(&webhook.branch, "master")
       && lu_str_is(&webhook.remote,
                    "https://github.com/acme/app.git"),
       "its commit");
    ok(webhook.release_info
       == cJSON_GetObjectItemCaseSensitive(json, "releaseInfo"),
       "its release");

    cJSON_Delete(json);

    json = json_of("{" IDS "}");

    ok(lu_webhook_parse(&tap_arena, json, &webhook, &error) == LU_OK
       && lu_str_is(&webhook.app_id, "a")
       && lu_str_is(&webhook.build_id, "b")
       && webhook.app_name.len == 0 && webhook.app_version.len == 0
       && webhook.user_id.len == 0 && webhook.started.len == 0
       && webhook.ended.len == 0 && webhook.electron.len == 0
       && webhook.commit.len == 0 && webhook.commit_message.len == 0
       && webhook.branch.len == 0 && webhook.remote.len == 0
       && webhook.release_info == NULL, "nothing but the ids");

    cJSON_Delete(json);

    json = json_of("{" IDS ",\"userId\":null,\"buildStartedAt\":null,"
                   "\"buildEndedAt\":null,\"appName\":null,"
                   "\"appVersion\":null,\"electronVersionUsed\":null,"
                   "\"versionControlInfo\":null,\"releaseInfo\":null}");

    ok(lu_webhook_parse(&tap_arena, json, &webhook, &error) == LU_OK
       && webhook.app_version.len == 0 && webhook.commit.len == 0
       && webhook.release_info == NULL, "null for everything else");

    cJSON_Delete(json);

    json = json_of("{" IDS ",\"versionControlInfo\":{\"commitId\":null,"
                   "\"branchName\":\"x\"},\"releaseInfo\":{}}");

    ok(lu_webhook_parse(&tap_arena, json, &webhook, &error) == LU_OK
       && webhook.commit.len == 0
       && lu_str_is(&webhook.branch, "x")
       && cJSON_IsObject(webhook.release_info), "parts of objects");

    cJSON_Delete(json);

    tap_free();
}


static int
said(const char *subject, const char *text)
{
    if (error.text
        && (text == NULL || strcmp(error.text, text) == 0)
        && (subject == NULL || lu_str_is(&error.subject, subject)))
    {
        return 1;
    }

    printf("# said: \"%.*s\" %s\n", (int) error.subject.len,
           error.subject.len ? (char *) error.subject.data : "",
           error.text ? error.text : "nothing");

    return 0;
}


static void
test_refused(void)
{
    cJSON        *json;
    size_t        i;
    lu_rc_e       rc;
    lu_webhook_t  webhook;

    for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        json = json_of(refused[i].text);

        rc = lu_webhook_parse(&tap_arena, json, &webhook, &error);

        ok(json && rc == LU_INVALID
           && said(refused[i].subject, refused[i].why),
           "refused: %s", refused[i].what);

        cJSON_Delete(json);
        tap_free();
    }
}


static void
test_memory(void)
{
    cJSON        *json;
    lu_webhook_t  webhook;

    json = json_of(full);

    tap_left = 0;
    ok(lu_webhook_parse(&tap_arena, json, &webhook, &error)
       == LU_NOMEM, "no memory for the rules");
    tap_left = -1;

    cJSON_Delete(json);
    tap_free();
}


int
main(void)
{
    test_body();
    test_refused();
    test_memory();

    return tap_done();
}
