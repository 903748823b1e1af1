
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The same bytes give the same parts, contents and error however they are cut,
 * and a content is all that stands between an empty line and a delimiter.
 * The first line of an input is the Content-Type, the rest is the body.
 */


#include "fuzz.h"
#include "lu_multipart.h"


/*
 * A part is 'P', the length of its name and it, a byte of a content is 'B'
 * and it.
 */

typedef struct {
    unsigned char       *data;
    size_t               len;
    size_t               parts;
    lu_rc_e              rc;
    lu_error_t           err;
} events_t;


static lu_rc_e
add_part(void *data, const lu_str_t *name)
{
    size_t  size;
    events_t  *events = data;

    require(name->len > 0 && name->len <= LU_MULTIPART_HEADERS);

    size = (name->len < 255) ? name->len : 255;

    events->data[events->len++] = 'P';
    events->data[events->len++] = (unsigned char) size;
    memcpy(events->data + events->len, name->data, size);
    events->len += size;
    events->parts++;

    return LU_OK;
}


static lu_rc_e
add_body(void *data, const unsigned char *bytes, size_t len)
{
    size_t  i;
    events_t  *events = data;

    require(len > 0 && events->parts > 0);

    for (i = 0; i < len; i++) {
        events->data[events->len++] = 'B';
        events->data[events->len++] = bytes[i];
    }

    return LU_OK;
}


static void
run(events_t *events, const lu_str_t *type, const lu_str_t *body, size_t first,
    size_t piece)
{
    size_t                  i, n;
    unsigned char          *copy;
    lu_multipart_t          multipart;
    lu_multipart_handler_t  handler;

    events->data = malloc(body->len * 4 + 16);
    events->len = 0;
    events->parts = 0;
    events->err.text = "";

    handler.part = add_part;
    handler.body = add_body;
    handler.data = events;

    events->rc = lu_multipart_init(&multipart, type, &handler, &events->err);

    for (i = 0; events->rc == LU_OK && i < body->len; i += n) {
        n = i ? piece : first;
        n = (n < body->len - i) ? n : body->len - i;

        copy = malloc(n);
        memcpy(copy, body->data + i, n);
        events->rc = lu_multipart_feed(&multipart, copy, n, &events->err);
        free(copy);
    }

    if (events->rc == LU_OK) {
        events->rc = lu_multipart_done(&multipart, &events->err);
    }

    require(events->parts <= LU_MULTIPART_PARTS);
    require((events->rc == LU_OK) == (events->err.text[0] == '\0'));
}


static void
compare(const events_t *whole, const lu_str_t *type, const lu_str_t *body,
    size_t first, size_t piece)
{
    events_t  cut;

    run(&cut, type, body, first, piece);

    require(cut.rc == whole->rc);
    require(strcmp(cut.err.text, whole->err.text) == 0);
    require(cut.len == whole->len);
    require(memcmp(cut.data, whole->data, cut.len) == 0);

    free(cut.data);
}


static int
contains(const lu_str_t *body, const unsigned char *bytes, size_t len)
{
    size_t  i;

    for (i = 0; i + len <= body->len; i++) {
        if (memcmp(body->data + i, bytes, len) == 0) {
            return 1;
        }
    }

    return 0;
}


static void
check_contents(const events_t *events, const lu_str_t *body)
{
    size_t          i, n;
    unsigned char  *content;

    content = malloc(events->len + 8);
    i = 0;

    while (i < events->len) {
        require(events->data[i] == 'P');
        i += 2 + events->data[i + 1];

        memcpy(content, "\r\n\r\n", 4);

        for (n = 4; i < events->len && events->data[i] == 'B'; i += 2) {
            content[n++] = events->data[i + 1];
        }

        memcpy(content + n, "\r\n--", 4);
        require(n == 4 || contains(body, content, n + 4));
    }

    free(content);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t          n, step;
    events_t        whole;
    lu_str_t        type, body;
    const uint8_t  *line;

    line = memchr(data, '\n', size);
    if (line == NULL) {
        return 0;
    }

    type.len = line - data;
    type.data = (unsigned char *) data;

    body.len = size - type.len - 1;
    body.data = (unsigned char *) line + 1;

    run(&whole, &type, &body, body.len, body.len);

    if (whole.rc == LU_OK) {
        check_contents(&whole, &body);
    }

    compare(&whole, &type, &body, 1, 1);
    compare(&whole, &type, &body, 2, 3);
    compare(&whole, &type, &body, 7, 7);

    /* in two pieces, at every place; of a long body at some */

    step = 1 + body.len / 64;

    for (n = 1 + type.len % step; n < body.len; n += step) {
        compare(&whole, &type, &body, n, body.len);
    }

    free(whole.data);

    return 0;
}
