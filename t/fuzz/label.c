
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Whatever a label is made of, a line of Prometheus' text stays one line, and
 * its quotes stay its own.
 */


#include "fuzz.h"
#include "lu_label.h"
#include "lu_name.h"


/* One after the other, to compare with. */

static const lu_build_t *
longest(const lu_desktop_t *desktop, const lu_str_t *text, int is_version)
{
    size_t             i, end;
    const lu_str_t    *key;
    const lu_build_t  *found;

    found = NULL;

    for (i = 0; i < desktop->nbuilds; i++) {
        key = is_version ? &desktop->builds[i].version
                         : &desktop->builds[i].id;
        end = key->len;

        if (end == 0
            || end > text->len
            || memcmp(text->data, key->data, end) != 0
            || (found
                && end <= (is_version ? found->version.len : found->id.len)))
        {
            continue;
        }

        if (end < text->len && text->data[end] == '.') {
            if (end + 1 < text->len
                && text->data[end + 1] >= '0' && text->data[end + 1] <= '9')
            {
                continue;
            }

        } else if (end < text->len
                   && (lu_str_is_alnum(text->data[end])
                       || (!is_version && text->data[end] == '_')))
        {
            continue;
        }

        found = &desktop->builds[i];
    }

    return found;
}


static void
check_at(const lu_desktop_t *desktop, unsigned char *data, size_t len)
{
    lu_str_t  text;

    text.data = data;
    text.len = len;

    require(lu_desktop_id_at(desktop, &text) == longest(desktop, &text, 0));
    require(lu_desktop_version_at(desktop, &text)
            == longest(desktop, &text, 1));
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t          i;
    unsigned        platform;
    lu_str_t        value, escaped;
    lu_build_t      builds[2];
    lu_label_t      label;
    lu_arena_t      arena;
    lu_desktop_t    desktop;
    fuzz_block_t   *blocks;
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

    lu_label_parse(&value, NULL, &label);
    platform = label.platform;

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
        builds[1].id.data = value.data + 1;
        builds[1].id.len = size / 3;
    }

    desktop.builds = builds;
    desktop.nbuilds = 2;

    blocks = NULL;
    arena.alloc = fuzz_alloc;
    arena.data = &blocks;

    require(lu_desktop_index(&arena, &desktop) == LU_OK);

    for (i = 0; i < size; i++) {
        check_at(&desktop, value.data + i, size - i);
    }

    (void) lu_label_build(&desktop, &value);

    fuzz_free(blocks);

    return 0;
}
