
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A key of a link opens nothing unless it is the one that would be made.
 */


#include "fuzz.h"
#include "lu_link.h"

#include <string.h>


static const lu_str_t  secret = lu_string("0123456789abcdef0123456789abcdef");
static const lu_str_t  release = lu_string("r1");


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char      made[LU_LINK_SIZE];
    time_t    expires;
    lu_str_t  key;

    key = fuzz_copy(data, size);

    expires = (size && data[0] == '1') ? 1 : 1999999999;
    lu_link_key(made, &secret, &release, expires);

    if (lu_link_check(&key, &secret, &release, 0) != LU_LINK_WRONG) {
        require(size > 2 && memchr(data, '.', size) != NULL);
    }

    free(key.data);

    key.data = (unsigned char *) made;
    key.len = strlen(made);

    require(lu_link_check(&key, &secret, &release, 0) == LU_LINK_OK);
    require(lu_link_check(&key, &secret, &release, expires)
            == LU_LINK_EXPIRED);

    return 0;
}
