
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"
#include "../../src/core/lu_route.c"


#define UUID   "7d6f2c1e-5b1a-4f0e-9a51-2f0e4d9b8a10"
#define APP    "/v1/apps/" UUID

#define ROUTE(name)  LU_ROUTE_##name

#define TEN(text)                                                             \
    text text text text text text text text text text


typedef struct {
    const char          *path;
    lu_route_e           resource;
    const char          *app;       /* NULL: empty */
    const char          *id;
    const char          *sub;
} route_case_t;


static const route_case_t  route_cases[] = {

    /* all that a client asks for: section by section of the API */

    { "/v1/sessions/codes", ROUTE(SESSIONS), NULL, NULL, NULL },
    { "/v1/sessions", ROUTE(SESSIONS), NULL, NULL, NULL },
    { "/v1/sessions/" UUID, ROUTE(SESSION), NULL, UUID, NULL },
    { "/v1/sessions/a token/of any/kind", ROUTE(SESSION), NULL,
      "a token/of any/kind", NULL },
    { "/v1/users/me", ROUTE(ME), NULL, NULL, NULL },

    { "/v1/notifications", ROUTE(TARGETS), NULL, NULL, NULL },
    { "/v1/notifications/ci", ROUTE(TARGET), NULL, "ci", NULL },
    { "/v1/notifications/ci/pause", ROUTE(TARGET_PAUSE), NULL, "ci", NULL },
    { "/v1/notifications/ci/resume", ROUTE(TARGET_RESUME), NULL, "ci", NULL },
    { "/v1/notifications/ci/test", ROUTE(TARGET_TEST), NULL, "ci", NULL },
    { "/v1/notifications/ci/again", ROUTE(TARGET_AGAIN), NULL, "ci", NULL },

    { "/v1/organizations", ROUTE(ORGANIZATIONS), NULL, NULL, NULL },
    { "/v1/organizations/" UUID, ROUTE(ORGANIZATION), NULL, UUID, NULL },
    { "/v1/apps", ROUTE(APPS), NULL, NULL, NULL },
    { APP, ROUTE(APP), UUID, NULL, NULL },
    { "/releases/a1", ROUTE(RELEASES), "a1", NULL, NULL },
    { "/releases/a1/rules", ROUTE(RULES), "a1", NULL, NULL },
    { "/releases/a1/audit", ROUTE(AUDIT), "a1", NULL, NULL },
    { "/releases/a1/cleanup", ROUTE(CLEANUP), "a1", NULL, NULL },
    { "/releases/a1/rollback", ROUTE(ROLLBACK), "a1", NULL, NULL },
    { "/releases/a1/b2", ROUTE(RELEASE), "a1", "b2", NULL },
    { "/releases/a1/b2/promote", ROUTE(PROMOTE), "a1", "b2", NULL },
    { "/releases/a1/b2/reject", ROUTE(REJECT), "a1", "b2", NULL },
    { "/releases/a1/b2/withdraw", ROUTE(WITHDRAW), "a1", "b2", NULL },
    { "/releases/a1/b2/stage", ROUTE(STAGE), "a1", "b2", NULL },
    { "/releases/a1/1.2.0/link", ROUTE(LINK), "a1", "1.2.0", NULL },
    { "/releases/a1/1.2.0/halt", ROUTE(GROWTH), "a1", "1.2.0", "halt" },
    { APP "/transfer", ROUTE(CLOUD), UUID, NULL, NULL },
    { APP "/repository", ROUTE(CLOUD), UUID, NULL, NULL },

    { APP "/channels", ROUTE(CHANNELS), UUID, NULL, NULL },
    { APP "/channels/c1", ROUTE(CHANNEL), UUID, "c1", NULL },
    { APP "/channels/c1/health", ROUTE(HEALTH), UUID, "c1", NULL },
    { APP "/channels/c1/pause", ROUTE(PAUSE), UUID, "c1", NULL },
    { APP "/channels/c1/resume", ROUTE(RESUME), UUID, "c1", NULL },

    { APP "/bundles", ROUTE(BUNDLES), UUID, NULL, NULL },
    { APP "/bundles/latest", ROUTE(LATEST), UUID, NULL, NULL },
    { APP "/bundles/b1", ROUTE(BUNDLE), UUID, "b1", NULL },
    { APP "/bundles/latest1", ROUTE(BUNDLE), UUID, "latest1", NULL },
    { APP "/bundles/b1/download", ROUTE(DOWNLOAD), UUID, "b1", NULL },
    { APP "/bundles/latest/download", ROUTE(DOWNLOAD), UUID, "latest", NULL },
    { APP "/bundles/b1/files", ROUTE(FILES), UUID, "b1", NULL },
    { APP "/bundles/b1/files/f1/upload", ROUTE(UPLOAD), UUID, "b1", "f1" },

    { APP "/devices", ROUTE(DEVICES), UUID, NULL, NULL },
    { APP "/devices/" UUID, ROUTE(DEVICE), UUID, UUID, NULL },
    { APP "/devices/a/b", ROUTE(DEVICE), UUID, "a/b", NULL },
    { APP "/devices/a/b/", ROUTE(DEVICE), UUID, "a/b/", NULL },
    { APP "/devices//", ROUTE(DEVICE), UUID, "/", NULL },
    { APP "/devices/../x", ROUTE(DEVICE), UUID, "../x", NULL },
    { APP "/devices/a b+c,d%;\"\\\xc3\xbc", ROUTE(DEVICE), UUID,
      "a b+c,d%;\"\\\xc3\xbc", NULL },

    { APP "/deployments", ROUTE(DEPLOYMENTS), UUID, NULL, NULL },
    { APP "/deployments/d1", ROUTE(DEPLOYMENT), UUID, "d1", NULL },
    { APP "/deployments/d1/halt", ROUTE(DEPLOYMENT_GROWTH), UUID, "d1",
      "halt" },
    { APP "/deployments/d1/resume", ROUTE(DEPLOYMENT_GROWTH), UUID, "d1",
      "resume" },
    { APP "/builds", ROUTE(BUILDS), UUID, NULL, NULL },
    { APP "/builds/b1", ROUTE(BUILD), UUID, "b1", NULL },
    { APP "/builds/b1/artifacts/a1/download", ROUTE(BUILD_DOWNLOAD), UUID,
      "b1", "a1" },

    /* what this server has no builder for */

    { "/v1/jobs/" UUID, ROUTE(CLOUD), NULL, UUID, NULL },
    { "/v1/jobs/j1/logs", ROUTE(CLOUD), NULL, "j1/logs", NULL },
    { APP "/automations", ROUTE(CLOUD), UUID, "", NULL },
    { APP "/automations/a1", ROUTE(CLOUD), UUID, "/a1", NULL },
    { APP "/build-sources", ROUTE(CLOUD), UUID, "", NULL },
    { APP "/build-sources/s1/upload", ROUTE(CLOUD), UUID, "/s1/upload",
      NULL },
    { APP "/builds/b1/artifacts", ROUTE(CLOUD), UUID, "artifacts", NULL },
    { APP "/builds/b1/artifacts/a1", ROUTE(CLOUD), UUID, "artifacts/a1",
      NULL },
    { APP "/certificates", ROUTE(CLOUD), UUID, "", NULL },
    { APP "/certificates/c1", ROUTE(CLOUD), UUID, "/c1", NULL },
    { APP "/configurations/x", ROUTE(CLOUD), UUID, "/x", NULL },
    { APP "/destinations/x", ROUTE(CLOUD), UUID, "/x", NULL },
    { APP "/environments", ROUTE(CLOUD), UUID, "", NULL },
    { APP "/environments/e1/secrets", ROUTE(CLOUD), UUID, "/e1/secrets",
      NULL },
    { APP "/webhooks/w1", ROUTE(CLOUD), UUID, "/w1", NULL },

    /* ids are what lu_name_id_valid() says */

    { "/v1/apps/A", ROUTE(APP), "A", NULL, NULL },
    { "/v1/apps/latest", ROUTE(APP), "latest", NULL, NULL },
    { "/v1/apps/a-b_c9", ROUTE(APP), "a-b_c9", NULL, NULL }
};


static const char  *route_unknown[] = {
    "",
    "/",
    "/v1",
    "/v1/",
    "v1/apps",
    "/V1/apps",
    "/v2/apps",
    "//v1/apps",
    "/v1//apps",
    "/v1/Apps",
    "/v1/app",
    "/v1/appsx",
    "/v1/apps/",
    "/v1/apps//",
    "/v1/apps//channels",
    "/v1/users",
    "/v1/users/",
    "/v1/users/me/",
    "/v1/users/you",
    "/v1/sessions/",
    "/v1/sessionscodes",
    "/v1/organizations/",
    "/v1/organizations/o1/apps",
    "/v1/jobs",
    "/v1/jobs/",
    APP "/",
    APP "/x",
    APP "/bundles/",
    APP "/bundles/latest/",
    APP "/bundles/b1/",
    APP "/bundles/b1/file",
    APP "/bundles/b1/files/",
    APP "/bundles/b1/files/f1",
    APP "/bundles/b1/files/f1/",
    APP "/bundles/b1/files/f1/uploads",
    APP "/bundles/b1/files//upload",
    APP "/bundles//files",
    APP "/bundles/b1/download/x",
    APP "/channels/",
    APP "/channels/c1/",
    APP "/channels/c1/stop",
    APP "/channels/c1/pause/",
    APP "/deployments/",
    APP "/deployments/d1/x",
    APP "/builds/",
    APP "/builds//artifacts",
    APP "/builds/b1/",
    APP "/devices/",
    APP "/repository/x",
    APP "/transfer/",
    APP "/webhook"
};


static const char  *route_invalid[] = {
    "/v1/apps/.",
    "/v1/apps/..",
    "/v1/apps/../channels",
    "/v1/apps/.git",
    "/v1/apps/-a",
    "/v1/apps/_a",
    "/v1/apps/a.b",
    "/v1/apps/a b",
    "/v1/apps/a%b",
    "/v1/apps/a\\b",
    "/v1/apps/a\nb",
    "/v1/apps/\xc3\xbc",
    "/v1/apps/public",
    "/v1/apps/PUBLIC/channels",
    "/v1/apps/" TEN("123456") "12345",
    "/v1/apps/../bundles/latest",
    "/v1/apps/../devices/a",
    "/v1/apps/../builds/b1/x",
    "/v1/apps/../webhooks",
    "/v1/organizations/a.b",
    APP "/bundles/..",
    APP "/bundles/public",
    APP "/bundles/a,b",
    APP "/bundles/../files",
    APP "/bundles/b1/files/../upload",
    APP "/bundles/b.1/files/f1/upload",
    APP "/bundles/../download",
    APP "/channels/a b",
    APP "/channels/a b/pause",
    APP "/channels/../resume",
    APP "/deployments/..",
    APP "/builds/..",
    APP "/builds/b1/artifacts/../download",
    APP "/builds/b.1/artifacts/a1/download",
    APP "/devices/a\nb",
    APP "/devices/a\x7f",
    APP "/devices/\xff",
    APP "/devices/" TEN("1234567890123") "/"
};


/* Without a byte behind it, so that one read too far shows. */

static lu_rc_e
route(const char *text, size_t len, lu_route_t *found, lu_str_t *path)
{
    path->len = len;
    path->data = malloc(len);

    if (len) {
        memcpy(path->data, text, len);
    }

    return lu_route(path, found);
}


static int
is(const lu_str_t *str, const char *text)
{
    return lu_str_is(str, text ? text : "");
}


static void
test_routes(void)
{
    size_t               i;
    lu_str_t             path;
    lu_route_t           found;
    const route_case_t  *one;

    for (i = 0; i < sizeof(route_cases) / sizeof(route_cases[0]); i++) {
        one = &route_cases[i];

        ok(route(one->path, strlen(one->path), &found, &path) == LU_OK
           && found.resource == one->resource
           && is(&found.app, one->app)
           && is(&found.id, one->id)
           && is(&found.sub, one->sub), "%s", one->path);

        free(path.data);
    }

    for (i = 0; i < sizeof(route_unknown) / sizeof(route_unknown[0]); i++) {
        ok(route(route_unknown[i], strlen(route_unknown[i]), &found, &path)
           == LU_NOT_FOUND, "not found: \"%s\"", route_unknown[i]);

        free(path.data);
    }

    for (i = 0; i < sizeof(route_invalid) / sizeof(route_invalid[0]); i++) {
        ok(route(route_invalid[i], strlen(route_invalid[i]), &found, &path)
           == LU_INVALID, "invalid id: case %d", (int) i);

        free(path.data);
    }

    ok(route(APP "\0/channels", sizeof(APP "\0/channels") - 1, &found, &path)
       == LU_INVALID, "a zero byte in an id");
    free(path.data);

    ok(route(APP "/devices/a\0b", sizeof(APP "/devices/a\0b") - 1, &found,
             &path)
       == LU_INVALID, "a zero byte in a device's id");
    free(path.data);

    ok(route("/v1/apps/" TEN("123456") "1234", 73, &found, &path)
       == LU_OK && found.app.len == 64, "an id of 64 bytes");
    free(path.data);
}


/* Every pattern has a path that comes to it, past all patterns before it. */

static void
test_patterns(void)
{
    int          i, n, hidden;
    char         text[128], *p;
    const char  *pattern;
    lu_str_t     path;
    lu_route_t   found;

    hidden = 0;

    for (i = 0; lu_route_table[i].pattern; i++) {

        p = text;
        n = 0;

        for (pattern = lu_route_table[i].pattern; *pattern; pattern++) {

            if (strcmp(pattern, "{s}") == 0) {
                p += sprintf(p, "halt");
                pattern += 2;

            } else if (*pattern == '{') {
                p += sprintf(p, "x%d", n++);
                pattern += 2;

            } else if (*pattern == '*') {
                p += sprintf(p, "%s", pattern[-1] == '/' ? "y" : "/y");

            } else {
                *p++ = *pattern;
            }
        }

        if (route(text, p - text, &found, &path) != LU_OK
            || found.resource != lu_route_table[i].resource)
        {
            printf("# %s\n", lu_route_table[i].pattern);
            hidden++;
        }

        free(path.data);
    }

    ok(i > 30 && hidden == 0, "all %d patterns can be met", i);
}


/* All beginnings of all paths: the strings are parts of the path. */

static void
test_bounds(void)
{
    long        n, outside;
    size_t      i, j, len;
    lu_str_t    path, *str;
    lu_route_t  found;

    n = 0;
    outside = 0;

    for (i = 0; i < sizeof(route_cases) / sizeof(route_cases[0]); i++) {
        for (len = 0; len <= strlen(route_cases[i].path); len++) {

            if (route(route_cases[i].path, len, &found, &path) == LU_OK) {
                for (j = 0; j < 3; j++) {
                    str = (j == 0) ? &found.app : (j == 1) ? &found.id
                                                           : &found.sub;

                    if (str->len
                        && (str->data < path.data
                            || str->data + str->len > path.data + len))
                    {
                        outside++;
                    }
                }
            }

            free(path.data);
            n++;
        }
    }

    ok(outside == 0, "%ld beginnings of paths", n);
}


static void
test_takes(void)
{
    int       i;
    lu_str_t  id;

    static const char  *taken[] = { "audit", "cleanup", "github", "rollback",
                                    "rules", NULL };
    static const char  *free_ids[] = { "Audit", "audits", "audi", "rule", "b2",
                                       "latest", "promote", "", NULL };

    for (i = 0; taken[i]; i++) {
        id = lu_str(taken[i]);
        ok(lu_route_takes(&id), "%s is taken", taken[i]);
    }

    for (i = 0; free_ids[i]; i++) {
        id = lu_str(free_ids[i]);
        ok(!lu_route_takes(&id), "\"%s\" is free", free_ids[i]);
    }
}


int
main(void)
{
    test_routes();
    test_patterns();
    test_bounds();
    test_takes();

    return tap_done();
}
