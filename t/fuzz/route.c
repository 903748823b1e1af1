
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What a path was found to name puts it together again, its ids are valid,
 * and no string is from elsewhere.
 */


#include "fuzz.h"
#include "lu_name.h"
#include "lu_route.h"


/* %a is the app, %i the id, %s the sub. */

static const struct {
    liveupdate_route_e   resource;
    const char          *format;
} resources[] = {
    { LIVEUPDATE_ROUTE_ME, "/v1/users/me" },
    { LIVEUPDATE_ROUTE_SESSION, "/v1/sessions/%i" },
    { LIVEUPDATE_ROUTE_ORGANIZATIONS, "/v1/organizations" },
    { LIVEUPDATE_ROUTE_ORGANIZATION, "/v1/organizations/%i" },
    { LIVEUPDATE_ROUTE_APPS, "/v1/apps" },
    { LIVEUPDATE_ROUTE_APP, "/v1/apps/%a" },
    { LIVEUPDATE_ROUTE_LATEST, "/v1/apps/%a/bundles/latest" },
    { LIVEUPDATE_ROUTE_BUNDLES, "/v1/apps/%a/bundles" },
    { LIVEUPDATE_ROUTE_BUNDLE, "/v1/apps/%a/bundles/%i" },
    { LIVEUPDATE_ROUTE_DOWNLOAD, "/v1/apps/%a/bundles/%i/download" },
    { LIVEUPDATE_ROUTE_FILES, "/v1/apps/%a/bundles/%i/files" },
    { LIVEUPDATE_ROUTE_UPLOAD, "/v1/apps/%a/bundles/%i/files/%s/upload" },
    { LIVEUPDATE_ROUTE_CHANNELS, "/v1/apps/%a/channels" },
    { LIVEUPDATE_ROUTE_CHANNEL, "/v1/apps/%a/channels/%i" },
    { LIVEUPDATE_ROUTE_PAUSE, "/v1/apps/%a/channels/%i/pause" },
    { LIVEUPDATE_ROUTE_RESUME, "/v1/apps/%a/channels/%i/resume" },
    { LIVEUPDATE_ROUTE_DEPLOYMENTS, "/v1/apps/%a/deployments" },
    { LIVEUPDATE_ROUTE_DEPLOYMENT, "/v1/apps/%a/deployments/%i" },
    { LIVEUPDATE_ROUTE_BUILDS, "/v1/apps/%a/builds" },
    { LIVEUPDATE_ROUTE_BUILD, "/v1/apps/%a/builds/%i" },
    { LIVEUPDATE_ROUTE_BUILD_DOWNLOAD,
      "/v1/apps/%a/builds/%i/artifacts/%s/download" },
    { LIVEUPDATE_ROUTE_DEVICES, "/v1/apps/%a/devices" },
    { LIVEUPDATE_ROUTE_DEVICE, "/v1/apps/%a/devices/%i" },
    { LIVEUPDATE_ROUTE_NONE, NULL }
};


static void
check_inside(const liveupdate_str_t *path, const liveupdate_str_t *part)
{
    if (part->len) {
        require(part->data >= path->data);
        require(part->data + part->len <= path->data + path->len);
    }
}


static void
check_path(const liveupdate_str_t *path, const liveupdate_route_t *route,
    const char *format)
{
    const unsigned char     *p, *last;
    const liveupdate_str_t  *part;

    p = path->data;
    last = p + path->len;

    for ( /* void */ ; *format; format++) {

        if (*format != '%') {
            require(p < last && *p++ == (unsigned char) *format);
            continue;
        }

        format++;

        part = (*format == 'a') ? &route->app
               : (*format == 'i') ? &route->id : &route->sub;

        require(part->len > 0 && part->data == p);
        p += part->len;
    }

    require(p == last);
}


static void
check_route(const liveupdate_str_t *path, const liveupdate_route_t *route)
{
    int               i;
    liveupdate_str_t  bare, codes;

    check_inside(path, &route->app);
    check_inside(path, &route->id);
    check_inside(path, &route->sub);

    require(route->app.len == 0 || liveupdate_id_valid(&route->app));

    if (route->resource == LIVEUPDATE_ROUTE_DEVICE) {
        require(liveupdate_device_id_valid(&route->id));

    } else if (route->resource != LIVEUPDATE_ROUTE_SESSION
               && route->resource != LIVEUPDATE_ROUTE_CLOUD)
    {
        require(route->id.len == 0 || liveupdate_id_valid(&route->id));
        require(route->sub.len == 0 || liveupdate_id_valid(&route->sub));
    }

    for (i = 0; resources[i].format; i++) {
        if (resources[i].resource == route->resource) {
            check_path(path, route, resources[i].format);
            return;
        }
    }

    if (route->resource == LIVEUPDATE_ROUTE_SESSIONS) {
        bare = fuzz_str("/v1/sessions");
        codes = fuzz_str("/v1/sessions/codes");

        require(liveupdate_str_eq(path, &bare)
                || liveupdate_str_eq(path, &codes));
        return;
    }

    require(route->resource == LIVEUPDATE_ROUTE_CLOUD);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    liveupdate_rc_e      rc;
    liveupdate_str_t     path;
    liveupdate_route_t   route;

    path = fuzz_copy(data, size);

    rc = liveupdate_route(&path, &route);

    if (rc == LIVEUPDATE_OK) {
        check_route(&path, &route);

    } else {
        require(rc == LIVEUPDATE_NOT_FOUND || rc == LIVEUPDATE_INVALID);
    }

    free(path.data);

    return 0;
}
