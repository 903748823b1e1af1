
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_manifest.h"
#include "lu_json.h"
#include "lu_name.h"


#define LIVEUPDATE_SIGNATURE_MIN  64
#define LIVEUPDATE_SIGNATURE_MAX  1024


static int liveupdate_base64_value(unsigned char ch);
static liveupdate_rc_e liveupdate_manifest_read(
    const liveupdate_arena_t *arena, const cJSON *json,
    liveupdate_file_t **entries, size_t *n, liveupdate_error_t *err);
static liveupdate_rc_e liveupdate_manifest_entry(
    const liveupdate_arena_t *arena, const cJSON *item,
    liveupdate_file_t *entry, liveupdate_error_t *err);
static liveupdate_rc_e liveupdate_manifest_tree(
    const liveupdate_arena_t *arena, const liveupdate_file_t *entries,
    size_t n, liveupdate_error_t *err);
static liveupdate_rc_e liveupdate_manifest_signed(
    const liveupdate_file_t *entries, size_t n,
    const liveupdate_file_t *files, size_t nfiles, liveupdate_error_t *err);
static int liveupdate_tree_cmp(const void *one, const void *two);


static const liveupdate_str_t  liveupdate_manifest_index =
    liveupdate_string("index.html");

static const liveupdate_str_t  liveupdate_manifest_name =
    liveupdate_string(LIVEUPDATE_MANIFEST_NAME);


int
liveupdate_sha256_valid(const liveupdate_str_t *sha256)
{
    size_t         i;
    unsigned char  ch;

    if (sha256->len != 64) {
        return 0;
    }

    for (i = 0; i < 64; i++) {
        ch = sha256->data[i];

        if (!(ch >= '0' && ch <= '9') && !(ch >= 'a' && ch <= 'f')) {
            return 0;
        }
    }

    return 1;
}


int
liveupdate_signature_valid(const liveupdate_str_t *signature)
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

    if (len / 4 * 3 - pad < LIVEUPDATE_SIGNATURE_MIN
        || len / 4 * 3 - pad > LIVEUPDATE_SIGNATURE_MAX)
    {
        return 0;
    }

    value = 0;

    for (i = 0; i < len - pad; i++) {
        value = liveupdate_base64_value(signature->data[i]);

        if (value < 0) {
            return 0;
        }
    }

    /* bits that encode nothing: 2 before "=", 4 before "==" */

    return (value & ((1 << pad * 2) - 1)) == 0;
}


static int
liveupdate_base64_value(unsigned char ch)
{
    if (ch >= 'A' && ch <= 'Z') {
        return ch - 'A';
    }

    if (ch >= 'a' && ch <= 'z') {
        return ch - 'a' + 26;
    }

    if (ch >= '0' && ch <= '9') {
        return ch - '0' + 52;
    }

    if (ch == '+') {
        return 62;
    }

    if (ch == '/') {
        return 63;
    }

    return -1;
}


int
liveupdate_media_type_valid(const liveupdate_str_t *type)
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


liveupdate_rc_e
liveupdate_manifest_parse(const liveupdate_arena_t *arena,
    const liveupdate_str_t *text, liveupdate_file_t **entries, size_t *n,
    liveupdate_error_t *err)
{
    cJSON            *json;
    liveupdate_rc_e   rc;

    rc = liveupdate_json_parse(&json, text, err);

    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    rc = liveupdate_manifest_read(arena, json, entries, n, err);

    cJSON_Delete(json);

    return rc;
}


static liveupdate_rc_e
liveupdate_manifest_read(const liveupdate_arena_t *arena, const cJSON *json,
    liveupdate_file_t **entries, size_t *n, liveupdate_error_t *err)
{
    size_t              len;
    const cJSON        *item;
    liveupdate_rc_e     rc;
    liveupdate_file_t  *list;

    if (!cJSON_IsArray(json)) {
        return liveupdate_refuse(err, NULL, "the manifest is not an array");
    }

    len = 0;

    for (item = json->child; item; item = item->next) {
        len++;
    }

    if (len > LIVEUPDATE_MANIFEST_FILES) {
        return liveupdate_refuse(err, NULL,
                                 "the manifest has more than 20000 entries");
    }

    if (len == 0) {
        *entries = NULL;
        *n = 0;
        return LIVEUPDATE_OK;
    }

    list = arena->alloc(arena->data, len * sizeof(liveupdate_file_t));
    if (list == NULL) {
        return LIVEUPDATE_NOMEM;
    }

    len = 0;

    for (item = json->child; item; item = item->next) {
        rc = liveupdate_manifest_entry(arena, item, &list[len++], err);

        if (rc != LIVEUPDATE_OK) {
            return rc;
        }
    }

    rc = liveupdate_manifest_tree(arena, list, len, err);

    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    qsort(list, len, sizeof(liveupdate_file_t), liveupdate_file_cmp);

    *entries = list;
    *n = len;

    return LIVEUPDATE_OK;
}


static liveupdate_rc_e
liveupdate_manifest_entry(const liveupdate_arena_t *arena, const cJSON *item,
    liveupdate_file_t *entry, liveupdate_error_t *err)
{
    liveupdate_str_t  value;

    memset(entry, 0, sizeof(liveupdate_file_t));

    if (!cJSON_IsObject(item)) {
        return liveupdate_refuse(err, NULL,
                                 "an entry of the manifest is not an object");
    }

    if (liveupdate_json_string(item, "href", &value) != LIVEUPDATE_OK) {
        return liveupdate_refuse(err, NULL,
                   "an entry of the manifest has no \"href\" string");
    }

    entry->href = liveupdate_str_dup(arena, value.data, value.len);
    if (entry->href.data == NULL) {
        return LIVEUPDATE_NOMEM;
    }

    if (liveupdate_href_check(&entry->href, err) != LIVEUPDATE_OK) {
        return LIVEUPDATE_INVALID;
    }

    if (liveupdate_json_string(item, "checksum", &value) != LIVEUPDATE_OK
        || !liveupdate_sha256_valid(&value))
    {
        return liveupdate_refuse(err, &entry->href,
                   "has no \"checksum\" of 64 lower-case hex digits in the "
                   "manifest");
    }

    entry->sha256 = liveupdate_str_dup(arena, value.data, value.len);
    if (entry->sha256.data == NULL) {
        return LIVEUPDATE_NOMEM;
    }

    if (liveupdate_json_size(item, "sizeInBytes", &entry->size)
        != LIVEUPDATE_OK)
    {
        return liveupdate_refuse(err, &entry->href,
                   "has no \"sizeInBytes\" that is a whole number in the "
                   "manifest");
    }

    return LIVEUPDATE_OK;
}


static liveupdate_rc_e
liveupdate_manifest_tree(const liveupdate_arena_t *arena,
    const liveupdate_file_t *entries, size_t n, liveupdate_error_t *err)
{
    size_t             i;
    liveupdate_str_t  *names;

    names = arena->alloc(arena->data, n * sizeof(liveupdate_str_t));
    if (names == NULL) {
        return LIVEUPDATE_NOMEM;
    }

    for (i = 0; i < n; i++) {
        names[i] = entries[i].href;
    }

    return liveupdate_tree_check(names, n, err);
}


liveupdate_rc_e
liveupdate_manifest_check(const liveupdate_file_t *entries, size_t n,
    const liveupdate_file_t *files, size_t nfiles, liveupdate_error_t *err)
{
    size_t                    i;
    const liveupdate_file_t  *file;

    for (i = 0; i < n; i++) {
        file = liveupdate_file_find(files, nfiles, &entries[i].href);

        if (file == NULL) {
            return liveupdate_refuse(err, &entries[i].href,
                       "is in the manifest but was not uploaded");
        }

        if (file->size != entries[i].size) {
            return liveupdate_refuse(err, &entries[i].href,
                       "has another size than the manifest says");
        }

        if (!liveupdate_str_eq(&file->sha256, &entries[i].sha256)) {
            return liveupdate_refuse(err, &entries[i].href,
                       "has another checksum than the manifest says");
        }
    }

    if (liveupdate_file_find(entries, n, &liveupdate_manifest_index) == NULL)
    {
        return liveupdate_refuse(err, &liveupdate_manifest_index,
                                 "is not in the manifest");
    }

    return liveupdate_manifest_signed(entries, n, files, nfiles, err);
}


/*
 * A plugin that has a public key refuses whatever comes without a signature,
 * the manifest included.
 */

static liveupdate_rc_e
liveupdate_manifest_signed(const liveupdate_file_t *entries, size_t n,
    const liveupdate_file_t *files, size_t nfiles, liveupdate_error_t *err)
{
    size_t                    i;
    const liveupdate_file_t  *file;

    for (i = 0; i < nfiles; i++) {
        if (files[i].signature.len) {
            break;
        }
    }

    if (i == nfiles) {
        return LIVEUPDATE_OK;
    }

    for (i = 0; i < n; i++) {
        file = liveupdate_file_find(files, nfiles, &entries[i].href);

        if (file->signature.len == 0) {
            return liveupdate_refuse(err, &entries[i].href,
                       "is not signed, but other files are");
        }
    }

    file = liveupdate_file_find(files, nfiles, &liveupdate_manifest_name);

    if (file == NULL || file->signature.len == 0) {
        return liveupdate_refuse(err, &liveupdate_manifest_name,
                                 "is not signed, but other files are");
    }

    return LIVEUPDATE_OK;
}


int
liveupdate_file_cmp(const void *one, const void *two)
{
    int                      rc;
    size_t                   len;
    const liveupdate_str_t  *a, *b;

    a = &((const liveupdate_file_t *) one)->href;
    b = &((const liveupdate_file_t *) two)->href;

    len = (a->len < b->len) ? a->len : b->len;

    if (len) {
        rc = memcmp(a->data, b->data, len);

        if (rc != 0) {
            return rc;
        }
    }

    return (a->len > b->len) - (a->len < b->len);
}


const liveupdate_file_t *
liveupdate_file_find(const liveupdate_file_t *files, size_t n,
    const liveupdate_str_t *href)
{
    liveupdate_file_t  key;

    if (n == 0) {
        return NULL;
    }

    memset(&key, 0, sizeof(liveupdate_file_t));
    key.href = *href;

    return bsearch(&key, files, n, sizeof(liveupdate_file_t),
                   liveupdate_file_cmp);
}


liveupdate_rc_e
liveupdate_tree_check(liveupdate_str_t *names, size_t n,
    liveupdate_error_t *err)
{
    size_t             i;
    liveupdate_str_t  *name, *prev;

    if (n == 0) {
        return LIVEUPDATE_OK;
    }

    qsort(names, n, sizeof(liveupdate_str_t), liveupdate_tree_cmp);

    for (i = 1; i < n; i++) {
        prev = &names[i - 1];
        name = &names[i];

        if (liveupdate_str_eq(prev, name)) {
            return liveupdate_refuse(err, name, "is there twice");
        }

        if (name->len > prev->len
            && name->data[prev->len] == '/'
            && memcmp(name->data, prev->data, prev->len) == 0)
        {
            return liveupdate_refuse(err, prev,
                       "is both a file and a directory");
        }
    }

    return LIVEUPDATE_OK;
}


/*
 * With "/" below any other byte a directory is followed by what is in it:
 * "a", "a/b", "a-b".
 */

static int
liveupdate_tree_cmp(const void *one, const void *two)
{
    int                      x, y;
    size_t                   i;
    const liveupdate_str_t  *a, *b;

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
