
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"

#include "../../src/core/lu_origin.c"


int
main(void)
{
    size_t    i;
    lu_str_t  origin, host;

    static const struct {
        int          same;
        const char  *origin;
        const char  *host;
    } cases[] = {
        { 1, "https://a.example", "a.example" },
        { 1, "http://a.example", "a.example" },
        { 1, "https://A.example", "a.EXAMPLE" },
        { 1, "https://a.example", "a.example:443" },
        { 1, "https://a.example:443", "a.example" },
        { 1, "http://a.example", "a.example:80" },
        { 1, "http://a.example:8080", "a.example:8080" },
        { 1, "http://[::1]:8080", "[::1]:8080" },
        { 0, "http://a.example", "a.example:443" },
        { 0, "https://a.example", "a.example:80" },
        { 0, "https://a.example:8443", "a.example" },
        { 0, "https://a.example", "a.example:8443" },
        { 0, "https://b.example", "a.example" },
        { 0, "https://a.example.evil", "a.example" },
        { 0, "https://evil.a.example", "a.example" },
        { 0, "https://a.example@evil", "a.example" },
        { 0, "https://a.example/", "a.example" },
        { 0, "HTTPS://a.example", "a.example" },
        { 0, "ftp://a.example", "a.example" },
        { 0, "a.example", "a.example" },
        { 0, "null", "a.example" },
        { 0, "null", "null" },
        { 0, "", "" },
        { 0, "https://", "" },
        { 0, "https://:443", ":443" },
        { 0, "https:", "" },
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        origin = tap_str(cases[i].origin);
        host = tap_str(cases[i].host);

        ok(lu_origin_is(&origin, &host) == cases[i].same,
           "\"%s\" and \"%s\"", cases[i].origin, cases[i].host);
    }

    return tap_done();
}
