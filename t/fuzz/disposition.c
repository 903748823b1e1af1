
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A name and, in the second line, an id: the name can be read back from the
 * header.
 */


#include "fuzz.h"
#include "lu_disposition.h"


static int
has(const lu_str_t *str, const char *what)
{
    size_t  i, len;

    len = strlen(what);

    for (i = 0; i + len <= str->len; i++) {
        if (memcmp(str->data + i, what, len) == 0) {
            return 1;
        }
    }

    return 0;
}


static int
hex(unsigned char c)
{
    static const char  digits[] = "0123456789ABCDEF";

    const char  *p;

    p = c ? strchr(digits, c) : NULL;
    require(p != NULL);

    return (int) (p - digits);
}


/* Reads filename*, or filename if that is all there is. */

static size_t
read_back(const lu_str_t *value, unsigned char *name)
{
    size_t       n;
    const char  *p;

    static const char  start[] = "attachment; filename=\"";
    static const char  encoded[] = "\"; filename*=UTF-8''";

    require(value->len == strlen((char *) value->data));

    p = (char *) value->data;

    require(strncmp(p, start, sizeof(start) - 1) == 0);
    p += sizeof(start) - 1;

    for (n = 0; *p != '"'; n++) {
        require(*p >= 0x20 && *p < 0x7f && *p != '\\');
        name[n] = *p++;
    }

    if (strcmp(p, "\"") == 0) {
        return n;
    }

    require(strncmp(p, encoded, sizeof(encoded) - 1) == 0);
    p += sizeof(encoded) - 1;

    for (n = 0; *p; n++) {
        require(*p > 0x20 && *p < 0x7f && !strchr("\"\\'()*,;=/?:@[]{}<>",
                                                  *p));

        if (*p != '%') {
            name[n] = *p++;
            continue;
        }

        name[n] = hex(p[1]) << 4 | hex(p[2]);
        p += 3;
    }

    return n;
}


static void
check_disposition(const lu_arena_t *arena, const lu_str_t *name,
    const lu_str_t *id)
{
    size_t          i, n, removed;
    lu_str_t        value;
    unsigned char  *back;

    back = malloc(3 * name->len + 1);

    value = lu_disposition(arena, name, NULL);
    n = read_back(&value, back);

    if (lu_str_utf8_valid(name)) {
        require(n == name->len && memcmp(back, name->data, n) == 0);

    } else {
        require(n <= name->len);
    }

    value = lu_disposition(arena, name, id);
    n = read_back(&value, back);

    require(n <= name->len);

    /* one piece is missing, and it is what is cut */

    if (lu_str_utf8_valid(name) && n < name->len) {
        removed = name->len - n;

        for (i = 0; i < n; i++) {
            if (back[i] != name->data[i]) {
                break;
            }
        }

        require(memcmp(back + i, name->data + i + removed, n - i) == 0);
        require(removed > 6 && n > 0);
        require(back[0] != '.' || name->data[0] == '.');
        require(has(name, "-build-") || has(name, "Build "));
    }

    free(back);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t          len;
    lu_str_t        name, id;
    lu_arena_t      arena;
    fuzz_block_t   *blocks;
    const uint8_t  *end;

    blocks = NULL;
    arena.alloc = fuzz_alloc;
    arena.data = &blocks;

    end = size ? memchr(data, '\n', size) : NULL;
    len = end ? (size_t) (end - data) : size;

    name = fuzz_copy(data, len);
    id = end ? fuzz_copy(end + 1, size - len - 1) : fuzz_copy("x", 1);

    check_disposition(&arena, &name, &id);

    free(name.data);
    free(id.data);
    fuzz_free(blocks);

    return 0;
}
