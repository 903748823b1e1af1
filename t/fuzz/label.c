
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Whatever a label is made of, a line of Prometheus' text stays one line, and
 * its quotes stay its own.
 */


#include "fuzz.h"
#include "lu_label.h"
#include "lu_name.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t          i;
    unsigned        platform;
    lu_str_t        value, escaped;
    lu_build_t      builds[2];
    lu_desktop_t    desktop;
    unsigned char  *buf, *end;

    value.data = (unsigned char *) data;
    value.len = size;

    buf = malloc(2 * size + 1);
    require(buf != NULL);

    end = lu_label_escape(buf, &value);

    escaped.data = buf;
    escaped.len = end - buf;

    require(escaped.len <= 2 * size);
    require(lu_str_utf8_valid(&escaped));

    for (i = 0; i < escaped.len; i++) {
        require(buf[i] >= 0x20 && buf[i] != 0x7f && buf[i] != '"');

        if (buf[i] == '\\') {
            i++;
            require(i < escaped.len
                    && (buf[i] == '\\' || buf[i] == '"' || buf[i] == 'n'));
        }
    }

    free(buf);

    platform = lu_label_platform(&value);

    require(platform == 0
            || platform == LU_WINDOWS
            || platform == LU_MAC
            || platform == LU_LINUX);

    /* builds that are cut out of the name itself */

    memset(builds, 0, sizeof(builds));
    memset(&desktop, 0, sizeof(desktop));

    if (size > 4) {
        builds[0].id.data = value.data + 1;
        builds[0].id.len = size / 2;
        builds[1].version.data = value.data + size / 2;
        builds[1].version.len = size - size / 2;
    }

    desktop.builds = builds;
    desktop.nbuilds = 2;

    (void) lu_label_build(&desktop, &value);

    return 0;
}
