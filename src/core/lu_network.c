
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_network.h"

#include <arpa/inet.h>


static int lu_network_bits(const lu_str_t *text, unsigned max,
    unsigned char *bits);


int
lu_network_parse(const lu_str_t *text, lu_network_t *network)
{
    char            buf[INET6_ADDRSTRLEN];
    lu_str_t        address, bits;
    unsigned char  *slash;

    address = *text;
    slash = address.len ? memchr(address.data, '/', address.len) : NULL;

    if (slash) {
        address.len = slash - address.data;
    }

    if (address.len == 0
        || address.len >= sizeof(buf)
        || memchr(address.data, '\0', address.len))
    {
        return 0;
    }

    memcpy(buf, address.data, address.len);
    buf[address.len] = '\0';

    memset(network, 0, sizeof(lu_network_t));

    if (inet_pton(AF_INET, buf, network->bytes) == 1) {
        network->len = 4;

    } else if (inet_pton(AF_INET6, buf, network->bytes) == 1) {
        network->len = 16;

    } else {
        return 0;
    }

    network->bits = 8 * network->len;

    if (slash) {
        bits.data = slash + 1;
        bits.len = text->data + text->len - bits.data;

        if (!lu_network_bits(&bits, network->bits, &network->bits)) {
            return 0;
        }
    }

    lu_network_unmap(network);

    return 1;
}


static int
lu_network_bits(const lu_str_t *text, unsigned max, unsigned char *bits)
{
    size_t    i;
    unsigned  n;

    if (text->len == 0
        || text->len > 3
        || (text->len > 1 && text->data[0] == '0'))
    {
        return 0;
    }

    n = 0;

    for (i = 0; i < text->len; i++) {

        if (text->data[i] < '0' || text->data[i] > '9') {
            return 0;
        }

        n = n * 10 + (text->data[i] - '0');
    }

    if (n > max) {
        return 0;
    }

    *bits = n;

    return 1;
}


/* A socket for both families shows an IPv4 client as ::ffff:192.0.2.1. */

void
lu_network_unmap(lu_network_t *network)
{
    static const unsigned char  mapped[12] = {
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff
    };

    if (network->len != 16
        || network->bits < 8 * sizeof(mapped)
        || memcmp(network->bytes, mapped, sizeof(mapped)) != 0)
    {
        return;
    }

    memcpy(network->bytes, network->bytes + sizeof(mapped), 4);
    memset(network->bytes + 4, 0, sizeof(mapped));

    network->len = 4;
    network->bits -= 8 * sizeof(mapped);
}


int
lu_network_has(const lu_network_t *network, const lu_network_t *address)
{
    unsigned  whole, rest, mask;

    if (address->len != network->len) {
        return 0;
    }

    whole = network->bits / 8;
    rest = network->bits % 8;

    if (memcmp(network->bytes, address->bytes, whole) != 0) {
        return 0;
    }

    if (rest == 0) {
        return 1;
    }

    mask = 0xff00 >> rest & 0xff;

    return ((network->bytes[whole] ^ address->bytes[whole]) & mask) == 0;
}
