
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "liveupdate_name.h"
#include "liveupdate_route.h"


#define LIVEUPDATE_PREFIX  "/v1/"


static int liveupdate_route_match(const char *pattern,
    const liveupdate_str_t *path, liveupdate_route_t *route);


/*
 * "{a}", "{i}" and "{s}" are one segment each: app, id and sub; "*" at the
 * end is the rest.  The first pattern that fits counts.
 */

static const struct {
    const char          *pattern;
    liveupdate_route_e   resource;
} liveupdate_routes[] = {

    { "apps/{a}/bundles/latest", LIVEUPDATE_ROUTE_LATEST },
    { "apps/{a}/bundles", LIVEUPDATE_ROUTE_BUNDLES },
    { "apps/{a}/bundles/{i}", LIVEUPDATE_ROUTE_BUNDLE },
    { "apps/{a}/bundles/{i}/download", LIVEUPDATE_ROUTE_DOWNLOAD },
    { "apps/{a}/bundles/{i}/files", LIVEUPDATE_ROUTE_FILES },
    { "apps/{a}/bundles/{i}/files/{s}/upload", LIVEUPDATE_ROUTE_UPLOAD },
    { "apps/{a}/channels", LIVEUPDATE_ROUTE_CHANNELS },
    { "apps/{a}/channels/{i}", LIVEUPDATE_ROUTE_CHANNEL },
    { "apps/{a}/channels/{i}/pause", LIVEUPDATE_ROUTE_PAUSE },
    { "apps/{a}/channels/{i}/resume", LIVEUPDATE_ROUTE_RESUME },
    { "apps/{a}/deployments", LIVEUPDATE_ROUTE_DEPLOYMENTS },
    { "apps/{a}/deployments/{i}", LIVEUPDATE_ROUTE_DEPLOYMENT },
    { "apps/{a}/builds", LIVEUPDATE_ROUTE_BUILDS },
    { "apps/{a}/builds/{i}", LIVEUPDATE_ROUTE_BUILD },
    { "apps/{a}/builds/{i}/artifacts/{s}/download",
      LIVEUPDATE_ROUTE_BUILD_DOWNLOAD },
    { "apps/{a}/devices", LIVEUPDATE_ROUTE_DEVICES },
    { "apps/{a}/devices/*", LIVEUPDATE_ROUTE_DEVICE },
    { "apps/{a}", LIVEUPDATE_ROUTE_APP },
    { "apps", LIVEUPDATE_ROUTE_APPS },
    { "organizations", LIVEUPDATE_ROUTE_ORGANIZATIONS },
    { "organizations/{i}", LIVEUPDATE_ROUTE_ORGANIZATION },
    { "users/me", LIVEUPDATE_ROUTE_ME },
    { "sessions", LIVEUPDATE_ROUTE_SESSIONS },
    { "sessions/codes", LIVEUPDATE_ROUTE_SESSIONS },
    { "sessions/*", LIVEUPDATE_ROUTE_SESSION },

    { "jobs/*", LIVEUPDATE_ROUTE_CLOUD },
    { "apps/{a}/apple-api-keys*", LIVEUPDATE_ROUTE_CLOUD },
    { "apps/{a}/automations*", LIVEUPDATE_ROUTE_CLOUD },
    { "apps/{a}/build-sources*", LIVEUPDATE_ROUTE_CLOUD },
    { "apps/{a}/builds/{i}/*", LIVEUPDATE_ROUTE_CLOUD },
    { "apps/{a}/certificates*", LIVEUPDATE_ROUTE_CLOUD },
    { "apps/{a}/configurations*", LIVEUPDATE_ROUTE_CLOUD },
    { "apps/{a}/destinations*", LIVEUPDATE_ROUTE_CLOUD },
    { "apps/{a}/environments*", LIVEUPDATE_ROUTE_CLOUD },
    { "apps/{a}/google-service-account-keys*", LIVEUPDATE_ROUTE_CLOUD },
    { "apps/{a}/provisioning-profiles*", LIVEUPDATE_ROUTE_CLOUD },
    { "apps/{a}/repository", LIVEUPDATE_ROUTE_CLOUD },
    { "apps/{a}/transfer", LIVEUPDATE_ROUTE_CLOUD },
    { "apps/{a}/webhooks*", LIVEUPDATE_ROUTE_CLOUD },

    { NULL, LIVEUPDATE_ROUTE_NONE }
};


liveupdate_rc_e
liveupdate_route(const liveupdate_str_t *path, liveupdate_route_t *route)
{
    int               i;
    size_t            prefix;
    liveupdate_str_t  rest;

    memset(route, 0, sizeof(liveupdate_route_t));

    prefix = sizeof(LIVEUPDATE_PREFIX) - 1;

    if (path->len <= prefix
        || memcmp(path->data, LIVEUPDATE_PREFIX, prefix) != 0)
    {
        return LIVEUPDATE_NOT_FOUND;
    }

    rest.len = path->len - prefix;
    rest.data = path->data + prefix;

    for (i = 0; liveupdate_routes[i].pattern; i++) {
        if (liveupdate_route_match(liveupdate_routes[i].pattern, &rest, route))
        {
            route->resource = liveupdate_routes[i].resource;
            break;
        }
    }

    if (route->resource == LIVEUPDATE_ROUTE_NONE) {
        return LIVEUPDATE_NOT_FOUND;
    }

    if (route->app.len && !liveupdate_id_valid(&route->app)) {
        return LIVEUPDATE_INVALID;
    }

    if (route->resource == LIVEUPDATE_ROUTE_DEVICE) {
        return liveupdate_device_id_valid(&route->id) ? LIVEUPDATE_OK
                                                      : LIVEUPDATE_INVALID;
    }

    if (route->resource == LIVEUPDATE_ROUTE_SESSION
        || route->resource == LIVEUPDATE_ROUTE_CLOUD)
    {
        return LIVEUPDATE_OK;
    }

    if ((route->id.len && !liveupdate_id_valid(&route->id))
        || (route->sub.len && !liveupdate_id_valid(&route->sub)))
    {
        return LIVEUPDATE_INVALID;
    }

    return LIVEUPDATE_OK;
}


static int
liveupdate_route_match(const char *pattern, const liveupdate_str_t *path,
    liveupdate_route_t *route)
{
    unsigned char     *p, *last, *start;
    liveupdate_str_t  *segment;

    p = path->data;
    last = p + path->len;

    memset(route, 0, sizeof(liveupdate_route_t));

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
