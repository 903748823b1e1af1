
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Our readers of foreign bytes, to be compared with others: reads inputs from
 * stdin, each behind its length in four bytes, and prints a line for each:
 * "+" and what was understood, in hex, or "-" and why it was refused.
 *
 *     reader json | yaml | multipart | version | percent | zip
 */


#define _POSIX_C_SOURCE  200809L

#include "lu_builder.h"
#include "lu_json.h"
#include "lu_multipart.h"
#include "lu_put.h"
#include "lu_query.h"
#include "lu_version.h"
#include "lu_zip.h"

#include <stdio.h>


#define LIMIT  (64 * 1024 * 1024)


typedef struct block_s  block_t;

struct block_s {
    block_t       *next;
    max_align_t    data[];
};


typedef void (*reader_pt)(const lu_str_t *input);


static void read_json(const lu_str_t *input);
static void read_yaml(const lu_str_t *input);
static void read_multipart(const lu_str_t *input);
static lu_rc_e read_part(void *data, const lu_str_t *name);
static lu_rc_e read_body(void *data, const unsigned char *bytes, size_t len);
static void read_version(const lu_str_t *input);
static void read_percent(const lu_str_t *input);
static void read_zip(const lu_str_t *input);


static const struct {
    const char  *name;
    reader_pt    read;
} readers[] = {
    { "json", read_json },
    { "yaml", read_yaml },
    { "multipart", read_multipart },
    { "version", read_version },
    { "percent", read_percent },
    { "zip", read_zip },
    { NULL, NULL }
};


static block_t  *blocks;


static void *
allocate(void *data, size_t size)
{
    block_t  *block;

    (void) data;

    block = malloc(sizeof(block_t) + size);
    if (block == NULL) {
        abort();
    }

    block->next = blocks;
    blocks = block;

    return block->data;
}


static const lu_arena_t  arena = { allocate, NULL };


static void
put_hex(const void *data, size_t len)
{
    size_t                i;
    const unsigned char  *p = data;

    for (i = 0; i < len; i++) {
        printf("%02x", p[i]);
    }
}


static void
refuse(const lu_error_t *err)
{
    printf("-%s\n", err->text);
}


/* Printed again by cJSON, as the store does it. */

static void
read_json(const lu_str_t *input)
{
    char        *text;
    cJSON       *json;
    lu_str_t     again;
    lu_error_t   err;

    if (lu_json_parse(&json, input, &err) != LU_OK) {
        refuse(&err);
        return;
    }

    text = cJSON_PrintUnformatted(json);
    if (text == NULL) {
        abort();
    }

    putchar('+');
    put_hex(text, strlen(text));
    putchar('\n');

    /* what we accept, we can read again */

    again = lu_str(text);
    cJSON_Delete(json);

    if (lu_json_parse(&json, &again, &err) != LU_OK) {
        fprintf(stderr, "not read again: %s\n", text);
        exit(1);
    }

    cJSON_free(text);
    cJSON_Delete(json);
}


/* The version, and each file's name, digest and size, between commas. */

static void
read_yaml(const lu_str_t *input)
{
    size_t              i;
    lu_error_t          err;
    lu_builder_t        builder;
    lu_builder_file_t  *file;

    if (lu_builder_parse(&arena, input, &builder, &err) != LU_OK) {
        refuse(&err);
        return;
    }

    /* only what ToDesktop has built may have the URL of another server */

    for (i = 0; i < builder.nfiles; i++) {
        if (builder.files[i].is_absolute) {
            (void) lu_error(&err, NULL, "a URL of another server");
            refuse(&err);
            return;
        }
    }

    putchar('+');
    put_hex(builder.version.data, builder.version.len);

    for (i = 0; i < builder.nfiles; i++) {
        file = &builder.files[i];

        putchar(',');
        put_hex(file->name.data, file->name.len);
        putchar(',');
        put_hex(file->sha512, sizeof(file->sha512));

        if (file->size == UINT64_MAX) {
            printf(",-");

        } else {
            printf(",%llu", (unsigned long long) file->size);
        }
    }

    putchar('\n');
}


/*
 * The input is the Content-Type, a line feed, and the body; the output is
 * printed when all of it was read.
 */

typedef struct {
    char      *text;
    size_t     len;
    FILE      *file;
} parts_t;


static void
read_multipart(const lu_str_t *input)
{
    FILE                   *out;
    size_t                  n;
    parts_t                 parts;
    lu_rc_e                 rc;
    lu_str_t                type;
    lu_error_t              err;
    unsigned char          *p, *last;
    lu_multipart_t          multipart;
    lu_multipart_handler_t  handler;

    last = input->data + input->len;
    p = memchr(input->data, '\n', input->len);

    if (p == NULL) {
        abort();
    }

    type.data = input->data;
    type.len = p++ - input->data;

    out = stdout;
    parts.file = open_memstream(&parts.text, &parts.len);

    if (parts.file == NULL) {
        abort();
    }

    handler.part = read_part;
    handler.body = read_body;
    handler.data = &parts;

    rc = lu_multipart_init(&multipart, &type, &handler, &err);

    for ( /* void */ ; rc == LU_OK && p < last; p += n) {
        n = (last - p < 7) ? last - p : 7;
        rc = lu_multipart_feed(&multipart, p, n, &err);
    }

    if (rc == LU_OK) {
        rc = lu_multipart_done(&multipart, &err);
    }

    fclose(parts.file);

    if (rc == LU_OK) {
        fprintf(out, "+%s\n", parts.text);

    } else {
        refuse(&err);
    }

    free(parts.text);
}


static lu_rc_e
read_part(void *data, const lu_str_t *name)
{
    size_t    i;
    parts_t  *parts = data;

    fputc(',', parts->file);

    for (i = 0; i < name->len; i++) {
        fprintf(parts->file, "%02x", name->data[i]);
    }

    fputc('=', parts->file);

    return LU_OK;
}


static lu_rc_e
read_body(void *data, const unsigned char *bytes, size_t len)
{
    size_t    i;
    parts_t  *parts = data;

    for (i = 0; i < len; i++) {
        fprintf(parts->file, "%02x", bytes[i]);
    }

    return LU_OK;
}


/* Two versions with a line feed between them. */

static void
read_version(const lu_str_t *input)
{
    int             cmp;
    lu_str_t        a, b;
    unsigned char  *p;

    p = memchr(input->data, '\n', input->len);
    if (p == NULL) {
        abort();
    }

    a.data = input->data;
    a.len = p - input->data;
    b.data = p + 1;
    b.len = input->len - a.len - 1;

    if (!lu_version_valid(&a) || !lu_version_valid(&b)) {
        printf("-not a version code\n");
        return;
    }

    cmp = lu_version_cmp(&a, &b);

    printf("+%d\n", (cmp > 0) - (cmp < 0));
}


static void
read_percent(const lu_str_t *input)
{
    lu_str_t  out;

    if (lu_query_decode(&out, allocate(NULL, input->len + 1), input, 1)
        != LU_OK)
    {
        printf("-not percent-encoded\n");
        return;
    }

    putchar('+');
    put_hex(out.data, out.len);
    putchar('\n');
}


/* The input is the name of a file. */

static void
read_zip(const lu_str_t *input)
{
    char          *name;
    lu_error_t     err;
    zip_error_t    error;
    zip_source_t  *source;

    name = (char *) lu_str_dup(&arena, input->data, input->len).data;

    zip_error_init(&error);

    source = zip_source_file_create(name, 0, -1, &error);
    if (source == NULL) {
        abort();
    }

    if (lu_zip_check(&arena, source, LIMIT, &err) != LU_OK) {
        refuse(&err);
        return;
    }

    printf("+\n");
}


int
main(int argc, char *const *argv)
{
    size_t         i;
    block_t       *block;
    lu_str_t       input;
    unsigned char  head[4];

    for (i = 0; argc == 2 && readers[i].name; i++) {
        if (strcmp(readers[i].name, argv[1]) == 0) {
            break;
        }
    }

    if (argc != 2 || readers[i].name == NULL) {
        fprintf(stderr, "usage: %s kind\n", argv[0]);
        return 2;
    }

    while (fread(head, 1, 4, stdin) == 4) {
        input.len = (size_t) head[0] << 24 | head[1] << 16 | head[2] << 8
                    | head[3];

        /* no byte behind it, so that AddressSanitizer sees one that is read */

        input.data = malloc(input.len);

        if (fread(input.data, 1, input.len, stdin) != input.len) {
            return 1;
        }

        readers[i].read(&input);

        free(input.data);

        while (blocks) {
            block = blocks;
            blocks = block->next;
            free(block);
        }
    }

    return fflush(stdout) ? 1 : 0;
}
