
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_file.h"
#include "lu_name.h"
#include "lu_put.h"
#include "lu_sha256.h"


/* of keys of 1024 to 8192 bits, in steps of 512 */

#define LU_FILE_SIGNATURE_MIN   128
#define LU_FILE_SIGNATURE_MAX   1024
#define LU_FILE_SIGNATURE_STEP  64


static int lu_file_base64_value(unsigned char c);
static int lu_file_tree_cmp(const void *one, const void *two);


int
lu_file_signature_valid(const lu_str_t *signature)
{
    int     value;
    size_t  i, len, pad;

    len = signature->len;

    if (len == 0 || len % 4 != 0) {
        return 0;
    }

    pad = 0;

    while (pad < 2 && signature->data[len - 1 - pad] == '=') {
        pad++;
    }

    if (len / 4 * 3 - pad < LU_FILE_SIGNATURE_MIN
        || len / 4 * 3 - pad > LU_FILE_SIGNATURE_MAX
        || (len / 4 * 3 - pad) % LU_FILE_SIGNATURE_STEP != 0)
    {
        return 0;
    }

    value = 0;

    for (i = 0; i < len - pad; i++) {
        value = lu_file_base64_value(signature->data[i]);

        if (value < 0) {
            return 0;
        }
    }

    /* bits that encode nothing: 2 before "=", 4 before "==" */

    return (value & ((1 << pad * 2) - 1)) == 0;
}


static int
lu_file_base64_value(unsigned char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }

    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }

    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }

    if (c == '+') {
        return 62;
    }

    if (c == '/') {
        return 63;
    }

    return -1;
}


int
lu_file_type_valid(const lu_str_t *type)
{
    size_t  i;

    if (type->len < 3 || type->len > 128) {
        return 0;
    }

    for (i = 0; i < type->len; i++) {
        if (type->data[i] < 0x20 || type->data[i] > 0x7e) {
            return 0;
        }
    }

    return type->data[0] != '/' && memchr(type->data, '/', type->len) != NULL;
}


int
lu_file_cmp(const void *one, const void *two)
{
    const lu_file_t  *first = one, *second = two;

    return lu_str_cmp(&first->href, &second->href);
}


const lu_file_t *
lu_file_find(const lu_file_t *files, size_t n, const lu_str_t *href)
{
    lu_file_t  key;

    if (n == 0) {
        return NULL;
    }

    memset(&key, 0, sizeof(lu_file_t));
    key.href = *href;

    return bsearch(&key, files, n, sizeof(lu_file_t), lu_file_cmp);
}


lu_rc_e
lu_file_tree_check(lu_str_t *names, size_t n, lu_error_t *err)
{
    size_t     i;
    lu_str_t  *name, *prev;

    if (n == 0) {
        return LU_OK;
    }

    qsort(names, n, sizeof(lu_str_t), lu_file_tree_cmp);

    for (i = 1; i < n; i++) {
        prev = &names[i - 1];
        name = &names[i];

        if (lu_str_eq(prev, name)) {
            return lu_error(err, name, "occurs twice");
        }

        if (name->len > prev->len
            && name->data[prev->len] == '/'
            && memcmp(name->data, prev->data, prev->len) == 0)
        {
            return lu_error(err, prev, "is both a file and a directory");
        }
    }

    return LU_OK;
}


/*
 * With "/" below any other byte, a directory comes right before its contents:
 * "a", "a/b", "a-b".
 */

static int
lu_file_tree_cmp(const void *one, const void *two)
{
    int              x, y;
    size_t           i;
    const lu_str_t  *a, *b;

    a = one;
    b = two;

    for (i = 0; i < a->len && i < b->len; i++) {
        x = (a->data[i] == '/') ? -1 : a->data[i];
        y = (b->data[i] == '/') ? -1 : b->data[i];

        if (x != y) {
            return x - y;
        }
    }

    return (a->len > b->len) - (a->len < b->len);
}


lu_rc_e
lu_file_parse(const lu_arena_t *arena, const cJSON *item, lu_file_t *file,
    lu_error_t *err)
{
    lu_rc_e   rc;
    lu_str_t  href;

    memset(file, 0, sizeof(lu_file_t));

    if (lu_json_string(item, "href", &href) != LU_OK) {
        return lu_error(err, NULL, "a file must have an \"href\" string");
    }

    file->href = lu_str_dup(arena, href.data, href.len);
    if (file->href.data == NULL) {
        return LU_NOMEM;
    }

    rc = lu_name_href_check(&file->href, err);
    if (rc != LU_OK) {
        return rc;
    }

    if (lu_json_size(item, "size", &file->size) != LU_OK) {
        return lu_error(err, &file->href, "must have a \"size\" that is a "
                                          "whole number");
    }

    rc = lu_json_dup(arena, item, "sha256", &file->sha256, err);
    if (rc != LU_OK) {
        return rc;
    }

    if (!lu_sha256_hex_valid(&file->sha256)) {
        return lu_error(err, &file->href, "must have a \"sha256\" of 64 "
                                          "lower-case hex digits");
    }

    rc = lu_json_dup(arena, item, "signature", &file->signature, err);
    if (rc != LU_OK) {
        return rc;
    }

    rc = lu_json_dup(arena, item, "type", &file->type, err);
    if (rc != LU_OK) {
        return rc;
    }

    file->gzip = cJSON_IsTrue(lu_json_get(item, "gzip"));

    return LU_OK;
}


cJSON *
lu_file_json(const lu_file_t *file)
{
    cJSON    *json;
    lu_put_t  put;

    lu_put_init(&put);

    json = cJSON_CreateObject();

    lu_put_str(&put, json, "href", &file->href);
    lu_put_number(&put, json, "size", (double) file->size);
    lu_put_str(&put, json, "sha256", &file->sha256);

    if (file->signature.len) {
        lu_put_str(&put, json, "signature", &file->signature);
    }

    if (file->type.len) {
        lu_put_str(&put, json, "type", &file->type);
    }

    if (file->gzip) {
        lu_put_bool(&put, json, "gzip", 1);
    }

    return lu_put_done(&put, json);
}


lu_rc_e
lu_file_table_parse(const lu_arena_t *arena, const lu_str_t *text,
    lu_file_t **files, size_t *n, lu_error_t *err)
{
    cJSON        *json;
    size_t        i, count;
    lu_rc_e       rc;
    lu_file_t    *file;
    const cJSON  *item;

    *files = NULL;
    *n = 0;

    rc = lu_json_parse(&json, text, err);
    if (rc != LU_OK) {
        return rc;
    }

    if (!cJSON_IsArray(json)) {
        rc = lu_error(err, NULL, "the file table must be an array");
        goto done;
    }

    count = cJSON_GetArraySize(json);

    file = arena->alloc(arena->data, (count + 1) * sizeof(lu_file_t));
    if (file == NULL) {
        rc = LU_NOMEM;
        goto done;
    }

    i = 0;

    cJSON_ArrayForEach(item, json) {
        rc = lu_file_parse(arena, item, &file[i++], err);
        if (rc != LU_OK) {
            goto done;
        }
    }

    qsort(file, count, sizeof(lu_file_t), lu_file_cmp);

    *files = file;
    *n = count;

done:

    cJSON_Delete(json);

    return rc;
}


char *
lu_file_table_print(const lu_file_t *files, size_t n)
{
    char     *text;
    cJSON    *json;
    size_t    i;
    lu_put_t  put;

    lu_put_init(&put);

    json = cJSON_CreateArray();

    for (i = 0; i < n; i++) {
        lu_put_item(&put, json, NULL, lu_file_json(&files[i]));
    }

    json = lu_put_done(&put, json);

    text = json ? cJSON_Print(json) : NULL;

    cJSON_Delete(json);

    return text;
}
