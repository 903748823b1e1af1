
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"
#include "../../src/core/lu_network.c"


static const struct {
    const char    *text;
    unsigned char  len;
    unsigned char  bits;
} networks[] = {
    { "192.0.2.1", 4, 32 },
    { "192.0.2.1/32", 4, 32 },
    { "0.0.0.0/0", 4, 0 },
    { "10.0.0.0/8", 4, 8 },
    { "::", 16, 128 },
    { "::/0", 16, 0 },
    { "2001:db8::/32", 16, 32 },
    { "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", 16, 128 },
    { "::ffff:192.0.2.1", 4, 32 },
    { "::ffff:192.0.2.1/96", 4, 0 },
    { "::ffff:192.0.2.1/95", 16, 95 },
    { "", 0, 0 },
    { "/", 0, 0 },
    { "/8", 0, 0 },
    { "192.0.2.1/", 0, 0 },
    { "192.0.2.1/33", 0, 0 },
    { "192.0.2.1/-1", 0, 0 },
    { "192.0.2.1/+1", 0, 0 },
    { "192.0.2.1/08", 0, 0 },
    { "192.0.2.1/8/8", 0, 0 },
    { "192.0.2.1/256", 0, 0 },
    { "192.0.2.1/4294967296", 0, 0 },
    { "::/129", 0, 0 },
    { "192.0.2", 0, 0 },
    { "192.0.2.256", 0, 0 },
    { "192.0.2.1 ", 0, 0 },
    { " 192.0.2.1", 0, 0 },
    { "192.0.2.01", 0, 0 },
    { "fe80::1%eth0", 0, 0 },
    { "[::1]", 0, 0 },
    { "example.com", 0, 0 },
    { "1111:1111:1111:1111:1111:1111:1111:1111:1111:1111", 0, 0 }
};


static void
test_networks(void)
{
    int            parsed;
    size_t         i;
    unsigned char  nul[] = "192.0.2.1\0x";
    lu_str_t       text;
    lu_network_t   network;

    for (i = 0; i < sizeof(networks) / sizeof(networks[0]); i++) {
        text = tap_str(networks[i].text);

        parsed = lu_network_parse(&text, &network);

        ok(parsed == (networks[i].len != 0)
           && (!parsed || (network.len == networks[i].len
                           && network.bits == networks[i].bits)),
           "network \"%s\"", networks[i].text);
    }

    text.data = nul;
    text.len = sizeof(nul) - 1;
    ok(!lu_network_parse(&text, &network), "an address with a NUL");
}


static void
test_has(void)
{
    size_t        i;
    lu_str_t      text;
    lu_network_t  network, address;

    static const struct {
        const char  *network;
        const char  *address;
        int          has;
    } cases[] = {
        { "192.0.2.1", "192.0.2.1", 1 },
        { "192.0.2.1", "192.0.2.2", 0 },
        { "192.0.2.0/24", "192.0.2.255", 1 },
        { "192.0.2.0/24", "192.0.3.0", 0 },
        { "192.0.2.99/25", "192.0.2.127", 1 },
        { "192.0.2.99/25", "192.0.2.128", 0 },
        { "0.0.0.0/0", "203.0.113.7", 1 },
        { "0.0.0.0/0", "2001:db8::1", 0 },
        { "::/0", "2001:db8::1", 1 },
        { "::/0", "192.0.2.1", 0 },
        { "2001:db8::/33", "2001:db8:7fff::1", 1 },
        { "2001:db8::/33", "2001:db8:8000::1", 0 },
        { "::ffff:192.0.2.0/120", "192.0.2.7", 1 },
        { "192.0.2.0/24", "::ffff:192.0.2.7", 1 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        text = tap_str(cases[i].network);
        lu_network_parse(&text, &network);

        text = tap_str(cases[i].address);
        lu_network_parse(&text, &address);

        ok(lu_network_has(&network, &address) == cases[i].has, "%s in %s: %d",
           cases[i].address, cases[i].network, cases[i].has);
    }
}


int
main(void)
{
    test_networks();
    test_has();

    return tap_done();
}
