
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
    lu_route_e   resource;
    const char  *format;
} resources[] = {
    { LU_ROUTE_ME, "/v1/users/me" },
    { LU_ROUTE_SESSION, "/v1/sessions/%i" },
    { LU_ROUTE_ORGANIZATIONS, "/v1/organizations" },
    { LU_ROUTE_ORGANIZATION, "/v1/organizations/%i" },
    { LU_ROUTE_APPS, "/v1/apps" },
    { LU_ROUTE_APP, "/v1/apps/%a" },
    { LU_ROUTE_LATEST, "/v1/apps/%a/bundles/latest" },
    { LU_ROUTE_BUNDLES, "/v1/apps/%a/bundles" },
    { LU_ROUTE_BUNDLE, "/v1/apps/%a/bundles/%i" },
    { LU_ROUTE_DOWNLOAD, "/v1/apps/%a/bundles/%i/download" },
    { LU_ROUTE_FILES, "/v1/apps/%a/bundles/%i/files" },
    { LU_ROUTE_UPLOAD, "/v1/apps/%a/bundles/%i/files/%s/upload" },
    { LU_ROUTE_CHANNELS, "/v1/apps/%a/channels" },
    { LU_ROUTE_CHANNEL, "/v1/apps/%a/channels/%i" },
    { LU_ROUTE_PAUSE, "/v1/apps/%a/channels/%i/pause" },
    { LU_ROUTE_RESUME, "/v1/apps/%a/channels/%i/resume" },
    { LU_ROUTE_DEPLOYMENTS, "/v1/apps/%a/deployments" },
    { LU_ROUTE_DEPLOYMENT, "/v1/apps/%a/deployments/%i" },
    { LU_ROUTE_BUILDS, "/v1/apps/%a/builds" },
    { LU_ROUTE_BUILD, "/v1/apps/%a/builds/%i" },
    { LU_ROUTE_BUILD_DOWNLOAD,
      "/v1/apps/%a/builds/%i/artifacts/%s/download" },
    { LU_ROUTE_DEVICES, "/v1/apps/%a/devices" },
    { LU_ROUTE_DEVICE, "/v1/apps/%a/devices/%i" },
    { LU_ROUTE_DEPLOYMENT_GROWTH, "/v1/apps/%a/deployments/%i/%s" },
    { LU_ROUTE_TARGETS, "/v1/notifications" },
    { LU_ROUTE_TARGET, "/v1/notifications/%i" },
    { LU_ROUTE_TARGET_PAUSE, "/v1/notifications/%i/pause" },
    { LU_ROUTE_TARGET_RESUME, "/v1/notifications/%i/resume" },
    { LU_ROUTE_TARGET_TEST, "/v1/notifications/%i/test" },
    { LU_ROUTE_TARGET_AGAIN, "/v1/notifications/%i/again" },
    { LU_ROUTE_RELEASES, "/releases/%a" },
    { LU_ROUTE_RULES, "/releases/%a/rules" },
    { LU_ROUTE_AUDIT, "/releases/%a/audit" },
    { LU_ROUTE_APPROVED, "/releases/%a/github" },
    { LU_ROUTE_ROLLBACK, "/releases/%a/rollback" },
    { LU_ROUTE_CLEANUP, "/releases/%a/cleanup" },
    { LU_ROUTE_RELEASE, "/releases/%a/%i" },
    { LU_ROUTE_PROMOTE, "/releases/%a/%i/promote" },
    { LU_ROUTE_REJECT, "/releases/%a/%i/reject" },
    { LU_ROUTE_LINK, "/releases/%a/%i/link" },
    { LU_ROUTE_WITHDRAW, "/releases/%a/%i/withdraw" },
    { LU_ROUTE_STAGE, "/releases/%a/%i/stage" },
    { LU_ROUTE_FETCH, "/releases/%a/%i/fetch" },
    { LU_ROUTE_RETRY, "/releases/%a/%i/retry" },
    { LU_ROUTE_RELEASE_HEALTH, "/releases/%a/%i/health" },
    { LU_ROUTE_GROWTH, "/releases/%a/%i/%s" },
    { LU_ROUTE_NONE, NULL }
};


static void
check_inside(const lu_str_t *path, const lu_str_t *part)
{
    if (part->len) {
        require(part->data >= path->data);
        require(part->data + part->len <= path->data + path->len);
    }
}


static void
check_path(const lu_str_t *path, const lu_route_t *route, const char *format)
{
    const lu_str_t       *part;
    const unsigned char  *p, *last;

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
check_route(const lu_str_t *path, const lu_route_t *route)
{
    int       i;
    lu_str_t  bare, codes;

    check_inside(path, &route->app);
    check_inside(path, &route->id);
    check_inside(path, &route->sub);

    require(route->app.len == 0 || lu_name_id_valid(&route->app));

    if (route->resource == LU_ROUTE_DEVICE) {
        require(lu_name_device_id_valid(&route->id));

    } else if (route->resource != LU_ROUTE_SESSION
               && route->resource != LU_ROUTE_CLOUD)
    {
        require(route->id.len == 0
                || lu_name_id_valid(&route->id)
                || lu_name_release_valid(&route->id));
        require(route->sub.len == 0 || lu_name_id_valid(&route->sub));
    }

    /* what has a path of its own cannot be a release, and the reverse */

    if (route->resource == LU_ROUTE_RELEASE) {
        require(!lu_route_takes(&route->id));
    }

    for (i = 0; resources[i].format; i++) {
        if (resources[i].resource == route->resource) {
            check_path(path, route, resources[i].format);
            return;
        }
    }

    if (route->resource == LU_ROUTE_SESSIONS) {
        bare = fuzz_str("/v1/sessions");
        codes = fuzz_str("/v1/sessions/codes");

        require(lu_str_eq(path, &bare) || lu_str_eq(path, &codes));
        return;
    }

    require(route->resource == LU_ROUTE_CLOUD);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lu_rc_e     rc;
    lu_str_t    path;
    lu_route_t  route;

    path = fuzz_copy(data, size);

    rc = lu_route(&path, &route);

    if (rc == LU_OK) {
        check_route(&path, &route);

    } else {
        require(rc == LU_NOT_FOUND || rc == LU_INVALID);
    }

    free(path.data);

    return 0;
}
