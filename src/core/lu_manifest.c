
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_manifest.h"
#include "lu_json.h"
#include "lu_name.h"
#include "lu_sha256.h"


static lu_rc_e lu_manifest_read(const lu_arena_t *arena, const cJSON *json,
    lu_file_t **entries, size_t *n, lu_error_t *err);
static lu_rc_e lu_manifest_entry(const lu_arena_t *arena, const cJSON *item,
    lu_file_t *entry, lu_error_t *err);
static lu_rc_e lu_manifest_tree(const lu_arena_t *arena,
    const lu_file_t *entries, size_t n, lu_error_t *err);
static lu_rc_e lu_manifest_signed(const lu_file_t *entries, size_t n,
    const lu_file_t *files, size_t nfiles, lu_error_t *err);


static const lu_str_t  lu_manifest_index = lu_string("index.html");

static const lu_str_t  lu_manifest_name = lu_string(LU_MANIFEST_NAME);


lu_rc_e
lu_manifest_parse(const lu_arena_t *arena, const lu_str_t *text,
    lu_file_t **entries, size_t *n, lu_error_t *err)
{
    cJSON   *json;
    lu_rc_e  rc;

    rc = lu_json_parse(&json, text, err);

    if (rc != LU_OK) {
        return rc;
    }

    rc = lu_manifest_read(arena, json, entries, n, err);

    cJSON_Delete(json);

    return rc;
}


static lu_rc_e
lu_manifest_read(const lu_arena_t *arena, const cJSON *json,
    lu_file_t **entries, size_t *n, lu_error_t *err)
{
    size_t        len;
    lu_rc_e       rc;
    lu_file_t    *list;
    const cJSON  *item;

    if (!cJSON_IsArray(json)) {
        return lu_error(err, NULL, "the manifest must be an array");
    }

    len = 0;

    for (item = json->child; item; item = item->next) {
        len++;
    }

    if (len > LU_MANIFEST_FILES) {
        return lu_error(err, NULL, "the manifest must have at most "
                                   lu_value(LU_MANIFEST_FILES) " entries");
    }

    if (len == 0) {
        *entries = NULL;
        *n = 0;
        return LU_OK;
    }

    list = arena->alloc(arena->data, len * sizeof(lu_file_t));
    if (list == NULL) {
        return LU_NOMEM;
    }

    len = 0;

    for (item = json->child; item; item = item->next) {
        rc = lu_manifest_entry(arena, item, &list[len++], err);

        if (rc != LU_OK) {
            return rc;
        }
    }

    rc = lu_manifest_tree(arena, list, len, err);

    if (rc != LU_OK) {
        return rc;
    }

    qsort(list, len, sizeof(lu_file_t), lu_file_cmp);

    *entries = list;
    *n = len;

    return LU_OK;
}


static lu_rc_e
lu_manifest_entry(const lu_arena_t *arena, const cJSON *item, lu_file_t *entry,
    lu_error_t *err)
{
    lu_str_t  value;

    memset(entry, 0, sizeof(lu_file_t));

    if (!cJSON_IsObject(item)) {
        return lu_error(err, NULL,
                        "an entry of the manifest must be an object");
    }

    if (lu_json_string(item, "href", &value) != LU_OK) {
        return lu_error(err, NULL,
                        "an entry of the manifest must have an \"href\" "
                        "string");
    }

    entry->href = lu_str_dup(arena, value.data, value.len);
    if (entry->href.data == NULL) {
        return LU_NOMEM;
    }

    if (lu_name_href_check(&entry->href, err) != LU_OK) {
        return LU_INVALID;
    }

    if (lu_json_string(item, "checksum", &value) != LU_OK
        || !lu_sha256_hex_valid(&value))
    {
        return lu_error(err, &entry->href,
                   "must have a \"checksum\" of 64 lower-case hex digits in "
                   "the manifest");
    }

    entry->sha256 = lu_str_dup(arena, value.data, value.len);
    if (entry->sha256.data == NULL) {
        return LU_NOMEM;
    }

    if (lu_json_size(item, "sizeInBytes", &entry->size) != LU_OK) {
        return lu_error(err, &entry->href,
                        "must have a \"sizeInBytes\" that is a whole number "
                        "in the manifest");
    }

    return LU_OK;
}


static lu_rc_e
lu_manifest_tree(const lu_arena_t *arena, const lu_file_t *entries, size_t n,
    lu_error_t *err)
{
    size_t     i;
    lu_str_t  *names;

    names = arena->alloc(arena->data, n * sizeof(lu_str_t));
    if (names == NULL) {
        return LU_NOMEM;
    }

    for (i = 0; i < n; i++) {
        names[i] = entries[i].href;
    }

    return lu_file_tree_check(names, n, err);
}


lu_rc_e
lu_manifest_check(const lu_file_t *entries, size_t n, const lu_file_t *files,
    size_t nfiles, lu_error_t *err)
{
    size_t            i;
    const lu_file_t  *file;

    for (i = 0; i < n; i++) {
        file = lu_file_find(files, nfiles, &entries[i].href);

        if (file == NULL) {
            return lu_error(err, &entries[i].href,
                            "is in the manifest but was not uploaded");
        }

        if (file->size != entries[i].size) {
            return lu_error(err, &entries[i].href,
                            "does not have the size that the manifest states");
        }

        if (!lu_str_eq(&file->sha256, &entries[i].sha256)) {
            return lu_error(err, &entries[i].href,
                            "does not have the checksum that the manifest "
                            "states");
        }
    }

    if (lu_file_find(entries, n, &lu_manifest_index) == NULL) {
        return lu_error(err, &lu_manifest_index, "is not in the manifest");
    }

    return lu_manifest_signed(entries, n, files, nfiles, err);
}


/*
 * A plugin with a public key refuses each file without a signature, and the
 * manifest, too.
 */

static lu_rc_e
lu_manifest_signed(const lu_file_t *entries, size_t n, const lu_file_t *files,
    size_t nfiles, lu_error_t *err)
{
    size_t            i;
    const lu_file_t  *file;

    for (i = 0; i < nfiles; i++) {
        if (files[i].signature.len) {
            break;
        }
    }

    if (i == nfiles) {
        return LU_OK;
    }

    for (i = 0; i < n; i++) {
        file = lu_file_find(files, nfiles, &entries[i].href);

        if (file->signature.len == 0) {
            return lu_error(err, &entries[i].href,
                            "is not signed, but other files are");
        }
    }

    file = lu_file_find(files, nfiles, &lu_manifest_name);

    if (file == NULL || file->signature.len == 0) {
        return lu_error(err, &lu_manifest_name,
                        "is not signed, but other files are");
    }

    return LU_OK;
}
