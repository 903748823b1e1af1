
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What is accepted lies between 1970 and 9999, and written anew it is read as
 * the same second.
 */


#include "fuzz.h"
#include "lu_time.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char              printed[LIVEUPDATE_TIME_SIZE];
    time_t            time, again;
    liveupdate_rc_e   rc;
    liveupdate_str_t  text;

    text = fuzz_copy(data, size);

    time = -1;
    rc = liveupdate_time_parse(&text, &time);

    free(text.data);

    if (rc != LIVEUPDATE_OK) {
        require(rc == LIVEUPDATE_INVALID && time == -1);
        return 0;
    }

    require(time >= 0 && time <= LIVEUPDATE_TIME_MAX);

    liveupdate_time_print(printed, time, size % 1000);

    text = fuzz_str(printed);

    require(text.len == LIVEUPDATE_TIME_SIZE - 1);
    require(liveupdate_time_parse(&text, &again) == LIVEUPDATE_OK
            && again == time);

    return 0;
}
