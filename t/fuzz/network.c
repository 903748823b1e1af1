
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A network that is accepted reads back the same when it is printed.
 */


#include <arpa/inet.h>
#include <stdio.h>

#include "fuzz.h"
#include "lu_network.h"


static void
check_network(const lu_str_t *text)
{
    char          buf[128], address[INET6_ADDRSTRLEN];
    lu_str_t      str;
    lu_network_t  one, two;

    if (!lu_network_parse(text, &one)) {
        return;
    }

    require(text->len < INET6_ADDRSTRLEN + 4);
    require(one.len == 4 || one.len == 16);
    require(one.bits <= 8 * one.len);

    require(inet_ntop(one.len == 4 ? AF_INET : AF_INET6, one.bytes, address,
                      sizeof(address)) != NULL);

    str.len = sprintf(buf, "%s/%d", address, one.bits);
    str.data = (unsigned char *) buf;

    require(lu_network_parse(&str, &two));
    require(memcmp(&one, &two, sizeof(one)) == 0);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lu_str_t  text;

    text = fuzz_copy(data, size);

    check_network(&text);

    free(text.data);

    return 0;
}
