
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_name.h"
#include "lu_route.h"


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

    { "/v1/apps/{a}/bundles/latest", LIVEUPDATE_ROUTE_LATEST },
    { "/v1/apps/{a}/bundles", LIVEUPDATE_ROUTE_BUNDLES },
    { "/v1/apps/{a}/bundles/{i}", LIVEUPDATE_ROUTE_BUNDLE },
    { "/v1/apps/{a}/bundles/{i}/download", LIVEUPDATE_ROUTE_DOWNLOAD },
    { "/v1/apps/{a}/bundles/{i}/files", LIVEUPDATE_ROUTE_FILES },
    { "/v1/apps/{a}/bundles/{i}/files/{s}/upload", LIVEUPDATE_ROUTE_UPLOAD },
    { "/v1/apps/{a}/channels", LIVEUPDATE_ROUTE_CHANNELS },
    { "/v1/apps/{a}/channels/{i}", LIVEUPDATE_ROUTE_CHANNEL },
    { "/v1/apps/{a}/channels/{i}/pause", LIVEUPDATE_ROUTE_PAUSE },
    { "/v1/apps/{a}/channels/{i}/resume", LIVEUPDATE_ROUTE_RESUME },
    { "/v1/apps/{a}/deployments", LIVEUPDATE_ROUTE_DEPLOYMENTS },
    { "/v1/apps/{a}/deployments/{i}", LIVEUPDATE_ROUTE_DEPLOYMENT },
    { "/v1/apps/{a}/builds", LIVEUPDATE_ROUTE_BUILDS },
    { "/v1/apps/{a}/builds/{i}", LIVEUPDATE_ROUTE_BUILD },
    { "/v1/apps/{a}/builds/{i}/artifacts/{s}/download",
      LIVEUPDATE_ROUTE_BUILD_DOWNLOAD },
    { "/v1/apps/{a}/devices", LIVEUPDATE_ROUTE_DEVICES },
    { "/v1/apps/{a}/devices/*", LIVEUPDATE_ROUTE_DEVICE },
    { "/v1/apps/{a}", LIVEUPDATE_ROUTE_APP },
    { "/v1/apps", LIVEUPDATE_ROUTE_APPS },
    { "/v1/organizations", LIVEUPDATE_ROUTE_ORGANIZATIONS },
    { "/v1/organizations/{i}", LIVEUPDATE_ROUTE_ORGANIZATION },
    { "/v1/users/me", LIVEUPDATE_ROUTE_ME },
    { "/v1/sessions", LIVEUPDATE_ROUTE_SESSIONS },
    { "/v1/sessions/codes", LIVEUPDATE_ROUTE_SESSIONS },
    { "/v1/sessions/*", LIVEUPDATE_ROUTE_SESSION },

    { "/v1/jobs/*", LIVEUPDATE_ROUTE_CLOUD },
    { "/v1/apps/{a}/apple-api-keys*", LIVEUPDATE_ROUTE_CLOUD },
    { "/v1/apps/{a}/automations*", LIVEUPDATE_ROUTE_CLOUD },
    { "/v1/apps/{a}/build-sources*", LIVEUPDATE_ROUTE_CLOUD },
    { "/v1/apps/{a}/builds/{i}/*", LIVEUPDATE_ROUTE_CLOUD },
    { "/v1/apps/{a}/certificates*", LIVEUPDATE_ROUTE_CLOUD },
    { "/v1/apps/{a}/configurations*", LIVEUPDATE_ROUTE_CLOUD },
    { "/v1/apps/{a}/destinations*", LIVEUPDATE_ROUTE_CLOUD },
    { "/v1/apps/{a}/environments*", LIVEUPDATE_ROUTE_CLOUD },
    { "/v1/apps/{a}/google-service-account-keys*", LIVEUPDATE_ROUTE_CLOUD },
    { "/v1/apps/{a}/provisioning-profiles*", LIVEUPDATE_ROUTE_CLOUD },
    { "/v1/apps/{a}/repository", LIVEUPDATE_ROUTE_CLOUD },
    { "/v1/apps/{a}/transfer", LIVEUPDATE_ROUTE_CLOUD },
    { "/v1/apps/{a}/webhooks*", LIVEUPDATE_ROUTE_CLOUD },

    { "/releases/{a}", LIVEUPDATE_ROUTE_RELEASES },
    { "/releases/{a}/rules", LIVEUPDATE_ROUTE_RULES },
    { "/releases/{a}/audit", LIVEUPDATE_ROUTE_AUDIT },
    { "/releases/{a}/github", LIVEUPDATE_ROUTE_APPROVED },
    { "/releases/{a}/rollback", LIVEUPDATE_ROUTE_ROLLBACK },
    { "/releases/{a}/{i}", LIVEUPDATE_ROUTE_RELEASE },
    { "/releases/{a}/{i}/promote", LIVEUPDATE_ROUTE_PROMOTE },
    { "/releases/{a}/{i}/reject", LIVEUPDATE_ROUTE_REJECT },
    { "/releases/{a}/{i}/withdraw", LIVEUPDATE_ROUTE_WITHDRAW },
    { "/releases/{a}/{i}/stage", LIVEUPDATE_ROUTE_STAGE },
    { "/releases/{a}/{i}/fetch", LIVEUPDATE_ROUTE_FETCH },
    { "/releases/{a}/{i}/retry", LIVEUPDATE_ROUTE_RETRY },

    { NULL, LIVEUPDATE_ROUTE_NONE }
};


liveupdate_rc_e
liveupdate_route(const liveupdate_str_t *path, liveupdate_route_t *route)
{
    int  i;

    memset(route, 0, sizeof(liveupdate_route_t));

    for (i = 0; liveupdate_routes[i].pattern; i++) {
        if (liveupdate_route_match(liveupdate_routes[i].pattern, path, route))
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
