
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_growth.h"
#include "lu_name.h"
#include "lu_route.h"


static int lu_route_is_latest(const lu_str_t *path, lu_route_t *route);
static int lu_route_is_release(const char *pattern);
static int lu_route_match(const char *pattern, const lu_str_t *path,
    lu_route_t *route);


/*
 * "{a}", "{i}" and "{s}" stand for one segment each: app, id and sub; "*" at
 * the end stands for the rest.  The first pattern that matches counts.
 */

static const struct {
    const char  *pattern;
    lu_route_e   resource;
} lu_route_table[] = {

    { "/v1/apps/{a}/bundles/latest", LU_ROUTE_LATEST },
    { "/v1/apps/{a}/bundles", LU_ROUTE_BUNDLES },
    { "/v1/apps/{a}/bundles/{i}", LU_ROUTE_BUNDLE },
    { "/v1/apps/{a}/bundles/{i}/download", LU_ROUTE_DOWNLOAD },
    { "/v1/apps/{a}/bundles/{i}/files", LU_ROUTE_FILES },
    { "/v1/apps/{a}/bundles/{i}/files/{s}/upload", LU_ROUTE_UPLOAD },
    { "/v1/apps/{a}/channels", LU_ROUTE_CHANNELS },
    { "/v1/apps/{a}/channels/{i}", LU_ROUTE_CHANNEL },
    { "/v1/apps/{a}/channels/{i}/health", LU_ROUTE_HEALTH },
    { "/v1/apps/{a}/history", LU_ROUTE_HISTORY },
    { "/v1/apps/{a}/channels/{i}/pause", LU_ROUTE_PAUSE },
    { "/v1/apps/{a}/channels/{i}/resume", LU_ROUTE_RESUME },
    { "/v1/apps/{a}/deployments", LU_ROUTE_DEPLOYMENTS },
    { "/v1/apps/{a}/deployments/{i}", LU_ROUTE_DEPLOYMENT },
    { "/v1/apps/{a}/deployments/{i}/{s}", LU_ROUTE_DEPLOYMENT_GROWTH },
    { "/v1/apps/{a}/builds", LU_ROUTE_BUILDS },
    { "/v1/apps/{a}/builds/{i}", LU_ROUTE_BUILD },
    { "/v1/apps/{a}/builds/{i}/artifacts/{s}/download",
      LU_ROUTE_BUILD_DOWNLOAD },
    { "/v1/apps/{a}/devices", LU_ROUTE_DEVICES },
    { "/v1/apps/{a}/devices/*", LU_ROUTE_DEVICE },
    { "/v1/apps/{a}", LU_ROUTE_APP },
    { "/v1/apps", LU_ROUTE_APPS },
    { "/v1/organizations", LU_ROUTE_ORGANIZATIONS },
    { "/v1/organizations/{i}", LU_ROUTE_ORGANIZATION },
    { "/v1/notifications", LU_ROUTE_TARGETS },
    { "/v1/notifications/{i}", LU_ROUTE_TARGET },
    { "/v1/notifications/{i}/pause", LU_ROUTE_TARGET_PAUSE },
    { "/v1/notifications/{i}/resume", LU_ROUTE_TARGET_RESUME },
    { "/v1/notifications/{i}/test", LU_ROUTE_TARGET_TEST },
    { "/v1/notifications/{i}/again", LU_ROUTE_TARGET_AGAIN },
    { "/v1/users/me", LU_ROUTE_ME },
    { "/v1/sessions", LU_ROUTE_SESSIONS },
    { "/v1/sessions/codes", LU_ROUTE_SESSIONS },
    { "/v1/sessions/*", LU_ROUTE_SESSION },

    { "/v1/jobs/*", LU_ROUTE_CLOUD },
    { "/v1/apps/{a}/apple-api-keys*", LU_ROUTE_CLOUD },
    { "/v1/apps/{a}/automations*", LU_ROUTE_CLOUD },
    { "/v1/apps/{a}/build-sources*", LU_ROUTE_CLOUD },
    { "/v1/apps/{a}/builds/{i}/*", LU_ROUTE_CLOUD },
    { "/v1/apps/{a}/certificates*", LU_ROUTE_CLOUD },
    { "/v1/apps/{a}/configurations*", LU_ROUTE_CLOUD },
    { "/v1/apps/{a}/destinations*", LU_ROUTE_CLOUD },
    { "/v1/apps/{a}/environments*", LU_ROUTE_CLOUD },
    { "/v1/apps/{a}/google-service-account-keys*", LU_ROUTE_CLOUD },
    { "/v1/apps/{a}/provisioning-profiles*", LU_ROUTE_CLOUD },
    { "/v1/apps/{a}/repository", LU_ROUTE_CLOUD },
    { "/v1/apps/{a}/transfer", LU_ROUTE_CLOUD },
    { "/v1/apps/{a}/webhooks*", LU_ROUTE_CLOUD },

    { "/releases/{a}", LU_ROUTE_RELEASES },
    { "/releases/{a}/rules", LU_ROUTE_RULES },
    { "/releases/{a}/audit", LU_ROUTE_AUDIT },
    { "/releases/{a}/github", LU_ROUTE_APPROVED },
    { "/releases/{a}/rollback", LU_ROUTE_ROLLBACK },
    { "/releases/{a}/cleanup", LU_ROUTE_CLEANUP },
    { "/releases/{a}/{i}", LU_ROUTE_RELEASE },
    { "/releases/{a}/{i}/promote", LU_ROUTE_PROMOTE },
    { "/releases/{a}/{i}/reject", LU_ROUTE_REJECT },
    { "/releases/{a}/{i}/link", LU_ROUTE_LINK },
    { "/releases/{a}/{i}/withdraw", LU_ROUTE_WITHDRAW },
    { "/releases/{a}/{i}/stage", LU_ROUTE_STAGE },
    { "/releases/{a}/{i}/fetch", LU_ROUTE_FETCH },
    { "/releases/{a}/{i}/retry", LU_ROUTE_RETRY },
    { "/releases/{a}/{i}/health", LU_ROUTE_RELEASE_HEALTH },
    { "/releases/{a}/{i}/{s}", LU_ROUTE_GROWTH },

    { NULL, LU_ROUTE_NONE }
};


lu_rc_e
lu_route(const lu_str_t *path, lu_route_t *route)
{
    int          i;
    lu_growth_e  action;

    memset(route, 0, sizeof(lu_route_t));

    if (lu_route_is_latest(path, route)) {
        return lu_name_id_valid(&route->app) ? LU_OK : LU_INVALID;
    }

    for (i = 0; lu_route_table[i].pattern; i++) {
        if (lu_route_match(lu_route_table[i].pattern, path, route)) {
            route->resource = lu_route_table[i].resource;
            break;
        }
    }

    if (route->resource == LU_ROUTE_NONE) {
        return LU_NOT_FOUND;
    }

    if ((route->resource == LU_ROUTE_DEPLOYMENT_GROWTH
         || route->resource == LU_ROUTE_GROWTH)
        && lu_growth_action(&route->sub, &action) != LU_OK)
    {
        return LU_NOT_FOUND;
    }

    if (route->app.len && !lu_name_id_valid(&route->app)) {
        return LU_INVALID;
    }

    if (route->resource == LU_ROUTE_DEVICE) {
        return lu_name_device_id_valid(&route->id) ? LU_OK : LU_INVALID;
    }

    if (route->resource == LU_ROUTE_SESSION
        || route->resource == LU_ROUTE_CLOUD)
    {
        return LU_OK;
    }

    if (lu_route_is_release(lu_route_table[i].pattern)) {
        return lu_name_release_valid(&route->id) ? LU_OK : LU_INVALID;
    }

    if ((route->id.len && !lu_name_id_valid(&route->id))
        || (route->sub.len && !lu_name_id_valid(&route->sub)))
    {
        return LU_INVALID;
    }

    return LU_OK;
}


/* The first one of the table, at once: nearly all requests are for it. */

static int
lu_route_is_latest(const lu_str_t *path, lu_route_t *route)
{
    size_t    len;
    lu_str_t  app;

    static const char  prefix[] = "/v1/apps/";
    static const char  suffix[] = "/bundles/latest";

    len = sizeof(prefix) - 1 + sizeof(suffix) - 1;

    if (path->len <= len
        || memcmp(path->data, prefix, sizeof(prefix) - 1) != 0)
    {
        return 0;
    }

    app.data = path->data + sizeof(prefix) - 1;
    app.len = path->len - len;

    if (memcmp(app.data + app.len, suffix, sizeof(suffix) - 1) != 0
        || memchr(app.data, '/', app.len))
    {
        return 0;
    }

    route->resource = LU_ROUTE_LATEST;
    route->app = app;

    return 1;
}


/* Their ids may be versions. */

static int
lu_route_is_release(const char *pattern)
{
    static const char  prefix[] = "/releases/{a}/{i}";

    return strncmp(pattern, prefix, sizeof(prefix) - 1) == 0;
}


int
lu_route_takes(const lu_str_t *id)
{
    int          i;
    size_t       len;
    const char  *pattern;

    static const char  prefix[] = "/releases/{a}/";

    len = sizeof(prefix) - 1;

    for (i = 0; lu_route_table[i].pattern; i++) {

        pattern = lu_route_table[i].pattern;

        if (strncmp(pattern, prefix, len) == 0
            && lu_str_is(id, pattern + len))
        {
            return 1;
        }
    }

    return 0;
}


static int
lu_route_match(const char *pattern, const lu_str_t *path, lu_route_t *route)
{
    lu_str_t       *segment;
    unsigned char  *p, *last, *start;

    p = path->data;
    last = p + path->len;

    memset(route, 0, sizeof(lu_route_t));

    while (*pattern) {

        if (*pattern == '*') {
            route->id.len = last - p;
            route->id.data = p;

            return p < last || pattern[-1] != '/';
        }

        if (*pattern != '{') {
            if (p == last || *p != (unsigned char) *pattern) {
                return 0;
            }

            p++;
            pattern++;
            continue;
        }

        start = p;

        while (p < last && *p != '/') {
            p++;
        }

        if (p == start) {
            return 0;
        }

        segment = pattern[1] == 'a' ? &route->app
                                    : pattern[1] == 'i' ? &route->id
                                                        : &route->sub;
        segment->len = p - start;
        segment->data = start;

        pattern += sizeof("{a}") - 1;
    }

    return p == last;
}
