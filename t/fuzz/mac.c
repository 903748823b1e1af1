
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Any bytes as a zip archive, and as the directory of one.
 */


#include "fuzz.h"
#include "lu_mac.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t      len;
    lu_mac_t    mac;
    lu_str_t    bytes, directory;
    uint64_t    offset;
    lu_error_t  err;

    bytes = fuzz_copy(data, size);
    directory = bytes;

    if (lu_mac_find(&bytes, size, &offset, &len, &err) == LU_OK) {
        require(offset + len <= size);

        directory = fuzz_copy(bytes.data + offset, len);
    }

    if (lu_mac_read(&directory, &mac, &err) != LU_OK) {
        fuzz_refused(LU_INVALID, &err);
    }

    if (directory.data != bytes.data) {
        free(directory.data);
    }

    free(bytes.data);

    return 0;
}
