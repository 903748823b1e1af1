
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Whatever the kernel lists, what is found lies in the text, and the warnings
 * have room.
 */


#include "fuzz.h"
#include "lu_mount.h"


static void
check_part(const lu_str_t *text, const lu_str_t *part)
{
    require(part->len == 0
            || (part->data >= text->data
                && part->data + part->len <= text->data + text->len));
    require(part->len == 0 || memchr(part->data, '\n', part->len) == NULL);
    require(part->len == 0 || memchr(part->data, ' ', part->len) == NULL);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t       n;
    lu_str_t     text;
    const char  *texts[LU_MOUNT_WARNINGS];
    lu_mount_t   mount;

    text = fuzz_copy(data, size);

    if (lu_mount_find(&text, 0, 40, &mount)) {
        require(mount.type.len != 0);

        check_part(&text, &mount.type);
        check_part(&text, &mount.options);
        check_part(&text, &mount.super);

        n = lu_mount_warnings(&mount, texts);

        require(n <= LU_MOUNT_WARNINGS);

        while (n) {
            require(texts[--n] != NULL);
        }
    }

    free(text.data);

    return 0;
}
