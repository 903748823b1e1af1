
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"
#include "../../src/core/lu_certificate.c"


/* of nobody, until 2027-01-01 00:00:00 */

#define CERTIFICATE                                                           \
    "-----BEGIN CERTIFICATE-----\n"                                           \
    "MIH+MIGmAgEBMAoGCCqGSM49BAMCMAwxCjAIBgNVBAMMAXgwHhcNMjYwMTAxMDAw\n"      \
    "MDAwWhcNMjcwMTAxMDAwMDAwWjAMMQowCAYDVQQDDAF4MFkwEwYHKoZIzj0CAQYI\n"      \
    "KoZIzj0DAQcDQgAEXb+zwcSl4sg8URwusCRzXuXqQ8c3GnVTOqsYzeTffAsOwDiB\n"      \
    "OKJ7A1+t0TgHUQbIxyEXpJqeYB7Qx1zk7xuc2jAKBggqhkjOPQQDAgNHADBEAiA9\n"      \
    "ISNFknTMDOGLJie9mUtgWHHb4tEDruvEXXPYu+Zq0wIgbr8qxFloQGQKHGzHNUsl\n"      \
    "+elbxnUGlVW5k0TDUUBWYyo=\n"                                              \
    "-----END CERTIFICATE-----\n"


static void
test_end(void)
{
    size_t    i;
    time_t    end;
    lu_str_t  text;

    static const struct {
        const char  *text;
        time_t       end;
    } cases[] = {
        { CERTIFICATE, 1798761600 },
        { "a comment\n" CERTIFICATE "-----BEGIN X-----\n", 1798761600 },
        { "", 0 },
        { "-----BEGIN CERTIFICATE-----\n", 0 },
        { "-----BEGIN CERTIFICATE-----\nAAAA\n"
          "-----END CERTIFICATE-----\n", 0 },
        { "-----BEGIN PRIVATE KEY-----\nAAAA\n"
          "-----END PRIVATE KEY-----\n", 0 },
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        text = tap_str(cases[i].text);

        ok((lu_certificate_end(&text, &end) == LU_OK) == (cases[i].end != 0)
           && end == cases[i].end,
           "%lu", (unsigned long) i);
    }
}


int
main(void)
{
    test_end();

    return tap_done();
}
