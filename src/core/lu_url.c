
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_url.h"

#include <strings.h>


#define LU_URL_SIZE  2048

#define LU_ALNUM     "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"                   \
                             "abcdefghijklmnopqrstuvwxyz"
#define LU_REG_NAME  LU_ALNUM "-._~!$&'()*+,;="
#define LU_HEX       "0123456789ABCDEFabcdef"


static int lu_url_authority(const char *p, const char *end);
static int lu_url_port(const char *p, const char *end);
static int lu_url_is(const char *p, const char *end, const char *allowed);


int
lu_url_valid(const lu_str_t *url)
{
    size_t       skip;
    const char  *p, *end, *path, *fragment;

    p = (const char *) url->data;
    end = p + url->len;

    if (url->len > LU_URL_SIZE) {
        return 0;
    }

    if (url->len > 7 && strncasecmp(p, "http://", 7) == 0) {
        skip = 7;

    } else if (url->len > 8 && strncasecmp(p, "https://", 8) == 0) {
        skip = 8;

    } else {
        return 0;
    }

    p += skip;

    for (path = p; path < end && strchr("/?#", *path) == NULL; path++) {
        /* void */
    }

    fragment = memchr(path, '#', (size_t) (end - path));

    if (fragment == NULL) {
        fragment = end;

    } else if (!lu_url_is(fragment + 1, end, LU_REG_NAME ":@/?")) {
        return 0;
    }

    return lu_url_authority(p, path)
           && lu_url_is(path, fragment, LU_REG_NAME ":@/?");
}


/* RFC 3986, section 3.2. */

static int
lu_url_authority(const char *p, const char *end)
{
    const char  *at, *host, *port;

    at = memchr(p, '@', (size_t) (end - p));

    if (at) {
        if (!lu_url_is(p, at, LU_REG_NAME ":")) {
            return 0;
        }

        p = at + 1;
    }

    host = p;

    if (p < end && *p == '[') {
        port = memchr(p, ']', (size_t) (end - p));

        return port
               && port - host > 2
               && lu_url_is(host + 1, port, LU_ALNUM "-._~!$&'()*+,;=:")
               && lu_url_port(port + 1, end);
    }

    port = memchr(p, ':', (size_t) (end - p));

    if (port == NULL) {
        port = end;
    }

    return port > host
           && lu_url_is(host, port, LU_REG_NAME)
           && lu_url_port(port, end);
}


static int
lu_url_port(const char *p, const char *end)
{
    unsigned  port;

    if (p == end) {
        return 1;
    }

    if (*p++ != ':' || end - p > 5) {
        return 0;
    }

    for (port = 0; p < end; p++) {

        if (*p < '0' || *p > '9') {
            return 0;
        }

        port = port * 10 + (unsigned) (*p - '0');
    }

    return port > 0 && port < 65536;
}


/* 1 if there are only these characters, and encoded bytes. */

static int
lu_url_is(const char *p, const char *end, const char *allowed)
{
    for ( /* void */ ; p < end; p++) {

        if (*p == '\0') {
            return 0;
        }

        if (strchr(allowed, *p)) {
            continue;
        }

        if (*p != '%'
            || end - p < 3
            || p[1] == '\0' || strchr(LU_HEX, p[1]) == NULL
            || p[2] == '\0' || strchr(LU_HEX, p[2]) == NULL)
        {
            return 0;
        }

        p += 2;
    }

    return 1;
}
