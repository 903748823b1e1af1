
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The entries of a record are whole, are found in their order, and are found
 * again when they are written anew.
 */


#include "fuzz.h"
#include "lu_name.h"
#include "lu_names.h"
#include "lu_sha256.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t          at, from, again, n;
    lu_str_t        record, copy;
    lu_error_t      err;
    lu_names_t      entry, same;
    unsigned char  *last, *p;

    record.data = (unsigned char *) data;
    record.len = size;

    /* no entry is longer than its line */

    copy.data = malloc(size + 1);
    require(copy.data != NULL);

    p = copy.data;
    last = record.data;
    at = 0;
    n = 0;

    while (lu_names_next(&record, &at, &entry)) {

        require(entry.sha256.data >= last);
        require(lu_sha256_hex_valid(&entry.sha256));
        require(lu_name_release_valid(&entry.release));
        require(lu_name_file_check(&entry.name, &err) == LU_OK);

        last = entry.name.data + entry.name.len;
        require(last < record.data + record.len && *last == '\n');
        require(record.data + at == last + 1);

        memcpy(p, entry.sha256.data, last + 1 - entry.sha256.data);
        p += last + 1 - entry.sha256.data;
        n++;
    }

    require(at == size);

    copy.len = p - copy.data;
    at = 0;
    again = 0;

    while (n--) {
        from = again;

        require(lu_names_next(&copy, &again, &same));
        require(same.sha256.data == copy.data + from);
    }

    require(again == copy.len);
    require(!lu_names_next(&copy, &again, &same));

    free(copy.data);

    return 0;
}
