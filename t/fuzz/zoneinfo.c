
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What is accepted is in order, and begins at once.
 */


#include "fuzz.h"
#include "lu_zoneinfo.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t       i, n;
    time_t       from, to;
    lu_str_t     text;
    lu_offset_t  offsets[LU_PACE_OFFSETS];

    text = fuzz_copy(data, size);

    (void) lu_zoneinfo_name(&text);

    from = 1767225600;
    to = from + 5 * 366 * 86400;

    if (lu_zoneinfo_offsets(&text, from, to, offsets, &n) == LU_OK) {

        require(n > 0 && n <= LU_PACE_OFFSETS && offsets[0].from == 0);

        for (i = 1; i < n; i++) {
            require(offsets[i].from > offsets[i - 1].from);
            require(offsets[i].from > from && offsets[i].from <= to);
        }
    }

    free(text.data);

    return 0;
}
