
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_manifest.h"
#include "lu_json.h"
#include "lu_name.h"
#include "lu_sha256.h"


/* what helps if the manifest is not that of the files */

#define LU_MANIFEST_AGAIN                                                     \
    ": upload the bundle again; versions of the CLI before 4.18.3 may send"   \
    " the manifest while they write it"

#define LU_MANIFEST_STALE                                                     \
    " says: remove the manifest from the folder before packing it, or write"  \
    " it anew with \"apps:liveupdates:generatemanifest\""


static lu_rc_e lu_manifest_read(const lu_arena_t *arena, const cJSON *json,
    lu_file_t **entries, size_t *n, lu_error_t *err);
static lu_rc_e lu_manifest_entry(const lu_arena_t *arena, const cJSON *item,
    lu_file_t *entry, lu_error_t *err);
static lu_rc_e lu_manifest_tree(const lu_arena_t *arena,
    const lu_file_t *entries, size_t n, lu_error_t *err);
static int lu_manifest_sum_cmp(const void *one, const void *two);
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

    if (text->len == 0) {
        return lu_error(err, &lu_manifest_name, "is empty" LU_MANIFEST_AGAIN);
    }

    rc = lu_json_parse(&json, text, err);

    if (rc == LU_INVALID) {
        return lu_error(err, &lu_manifest_name,
                        "is not JSON, or not all of it" LU_MANIFEST_AGAIN);
    }

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
                            "is in the manifest but was not uploaded"
                            LU_MANIFEST_AGAIN);
        }

        if (file->size != entries[i].size) {
            return lu_error(err, &entries[i].href,
                            "does not have the size that the manifest states"
                            LU_MANIFEST_AGAIN);
        }

        if (!lu_str_eq(&file->sha256, &entries[i].sha256)) {
            return lu_error(err, &entries[i].href,
                            "does not have the checksum that the manifest "
                            "states" LU_MANIFEST_AGAIN);
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
    size_t            i, len;
    const lu_file_t  *file;

    for (i = 0; i < nfiles; i++) {
        if (files[i].signature.len) {
            break;
        }
    }

    if (i == nfiles) {
        return LU_OK;
    }

    len = files[i].signature.len;

    for (i = 0; i < n; i++) {
        file = lu_file_find(files, nfiles, &entries[i].href);

        if (file->signature.len == 0) {
            return lu_error(err, &entries[i].href,
                            "is not signed, but other files are");
        }

        if (file->signature.len != len) {
            return lu_error(err, &entries[i].href,
                            "is signed with another key than other files");
        }
    }

    file = lu_file_find(files, nfiles, &lu_manifest_name);

    if (file == NULL || file->signature.len == 0) {
        return lu_error(err, &lu_manifest_name,
                        "is not signed, but other files are");
    }

    if (file->signature.len != len) {
        return lu_error(err, &lu_manifest_name,
                        "is signed with another key than other files");
    }

    return LU_OK;
}


lu_rc_e
lu_manifest_check_packed(const lu_arena_t *arena, const lu_str_t *text,
    const lu_file_t *files, size_t n, lu_error_t *err)
{
    size_t            i, len;
    lu_rc_e           rc;
    lu_file_t        *entries;
    const lu_file_t  *file;

    rc = lu_manifest_parse(arena, text, &entries, &len, err);

    if (rc == LU_INVALID) {
        return lu_error(err, &lu_manifest_name,
                        "in the zip archive is not a manifest that devices"
                        " can read: remove it from the folder before packing"
                        " it, or write it anew with"
                        " \"apps:liveupdates:generatemanifest\"");
    }

    if (rc != LU_OK) {
        return rc;
    }

    for (i = 0; i < len; i++) {
        file = lu_file_find(files, n, &entries[i].href);

        if (file == NULL) {
            return lu_error(err, &entries[i].href,
                            "is not in the zip archive, as the manifest in it"
                            LU_MANIFEST_STALE);
        }

        if (file->size != entries[i].size
            || !lu_str_eq(&file->sha256, &entries[i].sha256))
        {
            return lu_error(err, &entries[i].href,
                            "is not as the manifest in the zip archive"
                            LU_MANIFEST_STALE);
        }
    }

    return LU_OK;
}


lu_rc_e
lu_manifest_check_update(const lu_arena_t *arena, const lu_file_t *older,
    size_t nolder, const lu_file_t *newer, size_t nnewer, lu_error_t *err)
{
    size_t             i;
    lu_str_t          *sums;
    const lu_file_t   *file;

    sums = arena->alloc(arena->data, (nolder + 1) * sizeof(lu_str_t));
    if (sums == NULL) {
        return LU_NOMEM;
    }

    for (i = 0; i < nolder; i++) {
        sums[i] = older[i].sha256;
    }

    qsort(sums, nolder, sizeof(lu_str_t), lu_manifest_sum_cmp);

    for (i = 0; i < nnewer; i++) {
        file = lu_file_find(older, nolder, &newer[i].href);

        if (file == NULL
            || lu_str_eq(&file->sha256, &newer[i].sha256)
            || bsearch(&newer[i].sha256, sums, nolder, sizeof(lu_str_t),
                       lu_manifest_sum_cmp)
               == NULL)
        {
            continue;
        }

        return lu_error(err, &newer[i].href,
                        "has the contents that another file has in an earlier"
                        " bundle of the channel, so that devices with that"
                        " bundle keep the old file: upload the bundle with"
                        " \"--artifact-type zip\", or put a hash of the"
                        " contents into the names of files");
    }

    return LU_OK;
}


static int
lu_manifest_sum_cmp(const void *one, const void *two)
{
    return lu_str_cmp(one, two);
}
