
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
    char      printed[LU_TIME_SIZE];
    time_t    time, again;
    lu_rc_e   rc;
    lu_str_t  text;

    text = fuzz_copy(data, size);

    time = -1;
    rc = lu_time_parse(&text, &time);

    free(text.data);

    if (rc != LU_OK) {
        require(rc == LU_INVALID && time == -1);
        return 0;
    }

    require(time >= 0 && time <= LU_TIME_MAX);

    lu_time_print(printed, time, size % 1000);

    text = fuzz_str(printed);

    require(text.len == LU_TIME_SIZE - 1);
    require(lu_time_parse(&text, &again) == LU_OK && again == time);

    return 0;
}
