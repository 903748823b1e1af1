
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_line.h"

#include <stdio.h>


static lu_rc_e lu_line_error(const lu_arena_t *arena, size_t number,
    lu_error_t *err);
static int lu_line_blank(unsigned char ch);


int
lu_line_next(lu_str_t *rest, lu_str_t *line, size_t *number)
{
    unsigned char  *end;

    while (rest->len) {
        *line = *rest;
        end = memchr(rest->data, '\n', rest->len);

        if (end) {
            line->len = (size_t) (end - rest->data);
            rest->data = end + 1;
            rest->len -= line->len + 1;

        } else {
            rest->data += rest->len;
            rest->len = 0;
        }

        (*number)++;

        if (line->len && line->data[line->len - 1] == '\r') {
            line->len--;
        }

        while (line->len && lu_line_blank(*line->data)) {
            line->data++;
            line->len--;
        }

        if (line->len && *line->data != '#') {
            return 1;
        }
    }

    return 0;
}


int
lu_line_field(lu_str_t *line, lu_str_t *field)
{
    while (line->len && lu_line_blank(*line->data)) {
        line->data++;
        line->len--;
    }

    field->data = line->data;

    while (line->len && !lu_line_blank(*line->data)) {
        line->data++;
        line->len--;
    }

    field->len = (size_t) (line->data - field->data);

    return field->len != 0;
}


lu_rc_e
lu_line_list(const lu_arena_t *arena, const lu_str_t *text, size_t size,
    lu_line_pt reader, void *data, void **list, size_t *n, lu_error_t *err)
{
    void      *elts;
    size_t     i, len, number;
    lu_rc_e    rc;
    lu_str_t   line, rest;

    rest = *text;
    number = 0;

    for (len = 0; lu_line_next(&rest, &line, &number); len++) {
        /* void */
    }

    elts = NULL;

    if (len) {
        elts = arena->alloc(arena->data, len * size);
        if (elts == NULL) {
            return LU_NOMEM;
        }
    }

    rest = *text;
    number = 0;

    for (i = 0; lu_line_next(&rest, &line, &number); i++) {
        rc = reader(data, elts, i, &line, err);

        if (rc != LU_OK) {
            return rc == LU_INVALID ? lu_line_error(arena, number, err) : rc;
        }
    }

    *list = elts;
    *n = len;

    return LU_OK;
}


static lu_rc_e
lu_line_error(const lu_arena_t *arena, size_t number, lu_error_t *err)
{
    char  buf[sizeof("18446744073709551615")];

    snprintf(buf, sizeof(buf), "%zu", number);

    err->subject = lu_str_dup(arena, buf, strlen(buf));

    return err->subject.data ? LU_INVALID : LU_NOMEM;
}


static int
lu_line_blank(unsigned char ch)
{
    return ch == ' ' || ch == '\t';
}
