
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_text.h"

#include <stdlib.h>
#include <string.h>


#define LU_TEXT_SIZE  1024


void
lu_text_init(lu_text_t *text)
{
    memset(text, 0, sizeof(lu_text_t));
}


void
lu_text_add(lu_text_t *text, const char *data, size_t len)
{
    char   *grown;
    size_t  size;

    if (text->failed) {
        return;
    }

    if (text->len + len + 1 > text->size) {
        size = text->size ? text->size : LU_TEXT_SIZE;

        while (size < text->len + len + 1) {
            size *= 2;
        }

        grown = realloc(text->data, size);

        if (grown == NULL) {
            lu_text_fail(text);
            return;
        }

        text->data = grown;
        text->size = size;
    }

    memcpy(text->data + text->len, data, len);

    text->len += len;
    text->data[text->len] = '\0';
}


void
lu_text_puts(lu_text_t *text, const char *string)
{
    lu_text_add(text, string, strlen(string));
}


void
lu_text_fail(lu_text_t *text)
{
    free(text->data);

    lu_text_init(text);

    text->failed = 1;
}
