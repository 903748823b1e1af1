
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A model: what everyone gets for each manifest is kept in a table here, and
 * random changes are made of that and of an app.  In the end, the app's tree
 * and what a client is answered say the same as the table.
 */


#include "tap_json.h"

#include "../../src/core/lu_pin.c"


#define NOW  "2026-03-01T12:00:00.000Z"

#include "lu_builds.h"
#include "lu_desktop.h"


#define NOBODY    (-1)
#define BUILDS    14
#define NAMES     (sizeof(names) / sizeof(names[0]))


static void pin_model(unsigned seed);
static void pin_cases(void);
static void pin_limit(void);


static const char  *names[] = {
    "latest.yml", "latest-mac.yml", "latest-linux.yml",
    "latest-linux-arm64.yml", "latest-arm64.yml", "beta.yml", "beta-mac.yml"
};

/* the manifests of each build, whether it was for all, who is the latest */

static unsigned  has[BUILDS];
static int       was[BUILDS], gone[BUILDS], latest[NAMES];
static int       n;


int
main(void)
{
    unsigned  seed;

    for (seed = 1; seed <= 400; seed++) {
        pin_model(seed);
    }

    pin_cases();
    pin_limit();

    tap_free();

    return tap_done();
}


static const char *
id_of(int build)
{
    static char  ids[4][16];
    static int   i;

    i = (i + 1) % 4;
    snprintf(ids[i], sizeof(ids[i]), "b%02d", build);

    return ids[i];
}


static int
is_in(size_t name, const char *channel)
{
    return channel == NULL
           || strncmp(names[name], channel, strlen(channel)) == 0;
}


/* Takes a build back, and returns the newest one that takes its place. */

static int
model_back(int build, const char *channel)
{
    int     other, newest;
    size_t  k;

    newest = NOBODY;

    for (k = 0; k < NAMES; k++) {

        if (latest[k] != build || !is_in(k, channel)) {
            continue;
        }

        for (other = build - 1; other >= 0; other--) {
            if (was[other] && !gone[other] && (has[other] & 1u << k)) {
                break;
            }
        }

        latest[k] = other;
        newest = other > newest ? other : newest;
    }

    return newest;
}


static void
model_latest(int build)
{
    size_t  k;

    was[build] = 1;

    for (k = 0; k < NAMES; k++) {
        if (has[build] & 1u << k) {
            latest[k] = build;
        }
    }
}


static int
model_newest(const char *channel)
{
    int     newest;
    size_t  k;

    newest = NOBODY;

    for (k = 0; k < NAMES; k++) {
        if (is_in(k, channel) && latest[k] > newest) {
            newest = latest[k];
        }
    }

    return newest;
}


static cJSON *
names_of(unsigned set)
{
    cJSON   *array;
    size_t   k;

    array = cJSON_CreateArray();

    for (k = 0; k < NAMES; k++) {
        if (set & 1u << k) {
            cJSON_AddItemToArray(array, cJSON_CreateString(names[k]));
        }
    }

    return array;
}


static int
some_build(void)
{
    int  i, build;

    for (i = 0; i < 20; i++) {
        build = rand() % n;

        if (!gone[build]) {
            return build;
        }
    }

    return NOBODY;
}


static int
is_same(const cJSON *app)
{
    int                same;
    size_t             k;
    lu_str_t           name, id;
    lu_error_t         err;
    lu_client_t        client;
    lu_update_t        update;
    const cJSON       *build;
    lu_desktop_t       desktop;
    const lu_str_t    *chosen;

    memset(&client, 0, sizeof(client));
    same = 1;

    if (lu_desktop_parse(&tap_arena, lu_json_get(app, "desktopBuilds"),
                         lu_json_get(app, "desktopReleases"), &desktop, &err)
        != LU_OK)
    {
        return 0;
    }

    for (k = 0; k < NAMES; k++) {
        name = tap_str(names[k]);
        (void) lu_update_parse(&name, &update);

        build = lu_pin_release(app, names[k]);
        chosen = lu_desktop_choose(&desktop, &client, &name, update.platform,
                                   0);

        if (latest[k] == NOBODY) {
            same &= (build == NULL || !lu_pin_has(build, names[k]))
                    && chosen == NULL;

        } else {
            same &= lu_json_string(build, "id", &id) == LU_OK
                    && lu_str_is(&id, id_of(latest[k]))
                    && chosen && lu_str_is(chosen, id_of(latest[k]));
        }

        if (!same) {
            printf("# %s: should be %d, is %.*s\n", names[k], latest[k],
                   chosen ? (int) chosen->len : 4,
                   chosen ? (char *) chosen->data : "none");
            break;
        }
    }

    return same;
}


static void
pin_model(unsigned seed)
{
    int              i, build, before, same;
    char            *text;
    cJSON           *app, *manifests, *info, *copy;
    lu_rc_e          rc;
    lu_error_t       err;
    const char      *id, *channel;
    lu_pin_scope_t   scope;

    srand(seed);

    n = 0;
    memset(was, 0, sizeof(was));
    memset(gone, 0, sizeof(gone));

    for (i = 0; i < (int) NAMES; i++) {
        latest[i] = NOBODY;
    }

    app = tap_json("{}");
    same = 1;
    text = NULL;

    for (i = 0; i < 40 && same; i++) {

        rc = LU_OK;

        switch (n ? rand() % 8 : 0) {

        case 0: /* a release, for all or for some */
        case 1:
            if (n == BUILDS) {
                break;
            }

            has[n] = 1u << rand() % NAMES | (unsigned) rand() % 128;

            if (rand() % 3) {
                has[n] &= 0x1f;
                has[n] |= 1;
            }

            info = cJSON_CreateObject();
            cJSON_AddStringToObject(info, "latestReleaseBuildId", id_of(n));
            manifests = names_of(has[n]);

            if (rand() % 3) {
                rc = lu_builds_release(app, id_of(n), "1", manifests, info,
                                       "t", &err);
                model_latest(n);

            } else {
                rc = lu_builds_release(app, id_of(n), "1", manifests, NULL,
                                       "t", &err);
                rc = rc ? rc : lu_builds_rollout(app, id_of(n), 0.3, &err);
            }

            cJSON_Delete(info);
            cJSON_Delete(manifests);
            n++;
            break;

        case 2: /* another share, or all */
        case 3:
            build = some_build();

            if (build != NOBODY && rand() % 2) {
                rc = lu_builds_rollout(app, id_of(build), 1, &err);
                model_latest(build);

            } else if (build != NOBODY) {
                rc = lu_builds_rollout(app, id_of(build), 0.5, &err);
                model_back(build, NULL);
                rc = rc ? rc : lu_builds_rollout(app, id_of(build), 0, &err);
            }

            break;

        case 4:
            build = some_build();

            if (build != NOBODY) {
                rc = lu_builds_withdraw(app, id_of(build), &err);
                model_back(build, NULL);
                gone[build] = 1;
            }

            break;

        case 5: /* rules that name another release */
            build = some_build();
            info = cJSON_CreateObject();

            if (build != NOBODY
                && (lu_builds_latest(app) == NULL
                    || strcmp(lu_builds_latest(app), id_of(build)) != 0))
            {
                cJSON_AddStringToObject(info, "latestReleaseBuildId",
                                        id_of(build));
                rc = lu_builds_set_rules(app, info, NOW, &tap_arena, &err);
                model_latest(build);
            }

            cJSON_Delete(info);
            break;

        default: /* a rollback of a channel */
            channel = rand() % 2 ? "latest" : "beta";

            memset(&scope, 0, sizeof(scope));
            scope.channel = channel;

            copy = cJSON_Duplicate(app, 1);
            build = model_newest(channel);

            rc = lu_builds_rollback(app, 1, &scope, &id, &err);

            if (rc == LU_NOT_FOUND) {

                /* nothing has happened */

                cJSON_Delete(app);
                app = copy;
                rc = LU_OK;
                break;
            }

            cJSON_Delete(copy);

            before = model_back(build, channel);
            same &= strcmp(id, id_of(before)) == 0;
        }

        same &= rc == LU_OK && is_same(app);
    }

    if (!same) {
        text = cJSON_Print(app);
        printf("# step %d\n# %s\n", i, text);
        cJSON_free(text);
    }

    ok(same, "the model, %d changes, seed %u", i, seed);

    cJSON_Delete(app);
    tap_free();
}


#define BUILD(id, manifests)                                                  \
    "{\"id\":\"" id "\",\"version\":\"1\",\"isReleased\":true,"               \
    "\"wasLatest\":true,\"manifests\":[" manifests "]}"

#define APP(builds, latest)                                                   \
    "{\"desktopBuilds\":[" builds "],\"desktopReleases\":{"                   \
    "\"latestReleaseBuildId\":\"" latest "\"}}"


static int
app_is(const cJSON *app, const char *releases)
{
    int    same;
    char  *text;

    text = cJSON_PrintUnformatted(lu_json_get(app, "desktopReleases"));
    same = strcmp(text, releases) == 0;

    if (!same) {
        printf("# %s\n", text);
    }

    cJSON_free(text);

    return same;
}


static void
pin_cases(void)
{
    cJSON           *app;
    lu_error_t       err;
    const char      *id;
    const cJSON     *before;
    lu_pin_scope_t   scope;

    /* the only release of a channel cannot be rolled back */

    app = tap_json(APP(BUILD("s1", "\"latest.yml\"") ","
                       BUILD("b1", "\"beta.yml\""), "b1"));

    ok(lu_builds_rollback(app, 1, NULL, &id, &err) == LU_NOT_FOUND,
       "no beta to go back to");

    cJSON_Delete(app);

    app = tap_json(APP(BUILD("s1", "\"latest.yml\"") ","
                       BUILD("b1", "\"beta.yml\"") ","
                       BUILD("s2", "\"latest.yml\",\"latest-mac.yml\"") ","
                       BUILD("b2", "\"beta.yml\""), "b2"));

    memset(&scope, 0, sizeof(scope));
    scope.channel = "latest";

    ok(lu_builds_rollback(app, 1, &scope, &id, &err) == LU_OK
       && strcmp(id, "s1") == 0
       && app_is(app, "{\"latestReleaseBuildId\":\"b2\",\"manifests\":{"
                      "\"latest.yml\":\"s1\",\"latest-mac.yml\":null}}"),
       "a rollback of a channel that is not the newest");

    ok(lu_builds_rollout(app, "s2", 1, &err) == LU_OK
       && app_is(app, "{\"latestReleaseBuildId\":\"s2\",\"manifests\":{"
                      "\"beta.yml\":\"b2\"},\"releaseRedirections\":[]}"),
       "and up again: the other channel stays");

    cJSON_Delete(app);

    /* one platform */

    app = tap_json(APP(BUILD("a", "\"latest.yml\",\"latest-mac.yml\"") ","
                       BUILD("b", "\"latest.yml\",\"latest-mac.yml\""), "b"));

    scope.channel = NULL;
    scope.platforms = LU_MAC;

    ok(lu_builds_rollback(app, 1, &scope, &id, &err) == LU_OK
       && strcmp(id, "a") == 0
       && app_is(app, "{\"latestReleaseBuildId\":\"b\",\"manifests\":{"
                      "\"latest-mac.yml\":\"a\"}}"), "one platform");

    cJSON_Delete(app);

    /* ToDesktop's lists follow the manifests, and count where there is none */

    app = tap_json(APP(BUILD("a", "\"td-latest.json\"") ","
                       BUILD("b", "\"beta.yml\",\"td-latest.json\""), "b"));

    memset(&scope, 0, sizeof(scope));

    ok(lu_pin_back(app, "b", &scope, &before, &err) == LU_OK
       && before == NULL, "a list beside a manifest is none");

    cJSON_Delete(app);
}


static void
pin_limit(void)
{
    int          i;
    char         name[32];
    cJSON       *app, *build, *manifests;
    lu_rc_e      rc;
    lu_error_t   err;

    app = tap_json(APP(BUILD("a", "\"latest.yml\"") ","
                       BUILD("b", "\"latest.yml\""), "b"));

    build = lu_json_get(app, "desktopBuilds")->child->next;
    manifests = lu_json_get(build, "manifests");

    for (i = 0; i <= LU_LIMIT_PINS; i++) {
        snprintf(name, sizeof(name), "pr%d.yml", i);
        cJSON_AddItemToArray(manifests, cJSON_CreateString(name));
    }

    rc = lu_pin_latest(app, "a", &err);

    ok(rc == LU_CONFLICT && strstr(err.text, "more than 1000 manifests"),
       "too many pins");

    cJSON_Delete(app);
}
