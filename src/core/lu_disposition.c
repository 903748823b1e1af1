
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_artifact.h"
#include "lu_disposition.h"
#include "lu_hex.h"


static void lu_disposition_cut(const lu_str_t *name, const lu_str_t *build_id,
    lu_str_t *head, lu_str_t *tail);
static unsigned char *lu_disposition_plain(unsigned char *p,
    const lu_str_t *part);
static unsigned char *lu_disposition_encode(unsigned char *p,
    const lu_str_t *part);
static int lu_disposition_is_plain(const lu_str_t *part);


lu_str_t
lu_disposition(const lu_arena_t *arena, const lu_str_t *name,
    const lu_str_t *build_id)
{
    lu_str_t        head, tail, value;
    unsigned char  *p;

    static const char  plain[] = "attachment; filename=\"";
    static const char  encoded[] = "\"; filename*=UTF-8''";

    head = *name;
    tail.len = 0;
    tail.data = NULL;

    if (build_id) {
        lu_disposition_cut(name, build_id, &head, &tail);
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
 * Cuts out "-build-{id}" or "Build {id}-", which leaves two parts.  If nothing
 * or only a suffix would be left, the name stays whole.
 */

static void
lu_disposition_cut(const lu_str_t *name, const lu_str_t *build_id,
    lu_str_t *head, lu_str_t *tail)
{
    size_t  start, end;

    end = lu_artifact_build_id(name, build_id, &start);

    if (end == 0) {
        return;
    }

    if (name->data[start] == 'B') {

        if (end == name->len || name->data[end] != '-') {
            return;
        }

        end++;
    }

    if (start == 0 && (end == name->len || name->data[end] == '.')) {
        return;
    }

    head->len = start;
    tail->len = name->len - end;
    tail->data = name->data + end;
}


/* A character that not all clients accept in a quoted string becomes a "_". */

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
