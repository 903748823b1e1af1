
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_origin.h"


static int lu_origin_begins(const lu_str_t *str, const char *text);
static void lu_origin_strip(lu_str_t *host, const char *port);


int
lu_origin_is(const lu_str_t *origin, const lu_str_t *host)
{
    size_t       i;
    lu_str_t     from, to;
    const char  *port;

    from = *origin;
    to = *host;

    if (lu_origin_begins(&from, "https://")) {
        i = sizeof("https://") - 1;
        port = ":443";

    } else if (lu_origin_begins(&from, "http://")) {
        i = sizeof("http://") - 1;
        port = ":80";

    } else {
        return 0;
    }

    from.data += i;
    from.len -= i;

    lu_origin_strip(&from, port);
    lu_origin_strip(&to, port);

    if (from.len == 0 || from.len != to.len) {
        return 0;
    }

    for (i = 0; i < from.len; i++) {
        if (lu_str_lower(from.data[i]) != lu_str_lower(to.data[i])) {
            return 0;
        }
    }

    return 1;
}


static int
lu_origin_begins(const lu_str_t *str, const char *text)
{
    size_t  len;

    len = strlen(text);

    return str->len >= len && memcmp(str->data, text, len) == 0;
}


static void
lu_origin_strip(lu_str_t *host, const char *port)
{
    size_t  len;

    len = strlen(port);

    if (host->len >= len
        && memcmp(host->data + host->len - len, port, len) == 0)
    {
        host->len -= len;
    }
}
