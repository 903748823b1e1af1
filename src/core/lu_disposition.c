
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_disposition.h"
#include "lu_hex.h"
#include "lu_name.h"


static void lu_disposition_cut(const lu_str_t *name, lu_str_t *head,
    lu_str_t *tail);
static unsigned char *lu_disposition_plain(unsigned char *p,
    const lu_str_t *part);
static unsigned char *lu_disposition_encode(unsigned char *p,
    const lu_str_t *part);
static int lu_disposition_is_plain(const lu_str_t *part);


lu_str_t
lu_disposition(const lu_arena_t *arena, const lu_str_t *name, int cut)
{
    lu_str_t        head, tail, value;
    unsigned char  *p;

    static const char  plain[] = "attachment; filename=\"";
    static const char  encoded[] = "\"; filename*=UTF-8''";

    head = *name;
    tail.len = 0;
    tail.data = NULL;

    if (cut) {
        lu_disposition_cut(name, &head, &tail);
    }

    value.len = 0;
    value.data = arena->alloc(arena->data, sizeof(plain) + sizeof(encoded)
                                           + 4 * (head.len + tail.len));
    if (value.data == NULL) {
        return value;
    }

    p = value.data;

    memcpy(p, plain, sizeof(plain) - 1);
    p += sizeof(plain) - 1;

    p = lu_disposition_plain(p, &head);
    p = lu_disposition_plain(p, &tail);

    if (!lu_str_utf8_valid(name)
        || (lu_disposition_is_plain(&head)
            && lu_disposition_is_plain(&tail)))
    {
        *p++ = '"';

    } else {
        memcpy(p, encoded, sizeof(encoded) - 1);
        p += sizeof(encoded) - 1;

        p = lu_disposition_encode(p, &head);
        p = lu_disposition_encode(p, &tail);
    }

    *p = '\0';
    value.len = p - value.data;

    return value;
}


/*
 * "-build-{word}" goes, or if there is none, "Build {word}-"; what is left are
 * two parts.  A name of which nothing or only a suffix is left stays whole.
 */

static void
lu_disposition_cut(const lu_str_t *name, lu_str_t *head, lu_str_t *tail)
{
    size_t    from, start, end;
    lu_str_t  word;

    if (lu_str_has(name, "-build-")) {

        if (!lu_name_word_after(name, 0, "-build-", &word)) {
            return;
        }

        end = word.data + word.len - name->data;
        start = word.data - name->data - (sizeof("-build-") - 1);

    } else {
        from = 0;

        do {
            if (!lu_name_word_after(name, from, "Build ", &word)) {
                return;
            }

            from = word.data - name->data;
            end = from + word.len;

        } while (end == name->len || name->data[end] != '-');

        end++;
        start = from - (sizeof("Build ") - 1);
    }

    if (start == 0 && (end == name->len || name->data[end] == '.')) {
        return;
    }

    head->len = start;
    tail->len = name->len - end;
    tail->data = name->data + end;
}


/* A character that a quoted string cannot hold for sure becomes a "_". */

static unsigned char *
lu_disposition_plain(unsigned char *p, const lu_str_t *part)
{
    size_t         i;
    unsigned char  c;

    for (i = 0; i < part->len; i++) {
        c = part->data[i];

        if (c >= 0x80 && c < 0xc0) {
            continue;
        }

        *p++ = (c < 0x20 || c >= 0x7f || c == '"' || c == '\\') ? '_' : c;
    }

    return p;
}


static unsigned char *
lu_disposition_encode(unsigned char *p, const lu_str_t *part)
{
    size_t         i;
    unsigned char  c;

    /* attr-char of RFC 8187, section 3.2.1 */

    static const char  marks[] = "!#$&+-.^_`|~";

    for (i = 0; i < part->len; i++) {
        c = part->data[i];

        if (lu_str_is_alnum(c) || memchr(marks, c, sizeof(marks) - 1)) {
            *p++ = c;

        } else {
            p = lu_hex_percent(p, c);
        }
    }

    return p;
}


/* Some clients decode a "%" in a quoted string. */

static int
lu_disposition_is_plain(const lu_str_t *part)
{
    size_t         i;
    unsigned char  c;

    for (i = 0; i < part->len; i++) {
        c = part->data[i];

        if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\' || c == '%') {
            return 0;
        }
    }

    return 1;
}
