
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_name.h"
#include "lu_release.h"
#include "lu_version.h"


#define LIVEUPDATE_PROPERTIES  "customProperties"

/* the CLI allows 100 UTF-16 units, which are up to 300 bytes */

#define LIVEUPDATE_PROPERTIES_MAX   10
#define LIVEUPDATE_PROPERTY_SIZE   300


static liveupdate_rc_e liveupdate_release_string(
    const liveupdate_arena_t *arena, const cJSON *json, const char *key,
    liveupdate_str_t *value, liveupdate_error_t *err);
static liveupdate_rc_e liveupdate_release_properties(
    const liveupdate_arena_t *arena, const cJSON *json,
    liveupdate_str_t *value, liveupdate_error_t *err);
static liveupdate_rc_e liveupdate_properties_check(const cJSON *properties,
    liveupdate_error_t *err);
static liveupdate_rc_e liveupdate_release_copy(cJSON *release,
    const cJSON *body, const char *key);
static liveupdate_rc_e liveupdate_limit_refuse(const char *key,
    liveupdate_error_t *err);


static const struct {
    const char  *name;
    size_t       offset;
} liveupdate_limit_members[] = {

#define liveupdate_limit_member(name, platform, limit)                        \
    { name, offsetof(liveupdate_release_t, limits)                            \
            + platform * sizeof(liveupdate_limits_t)                          \
            + offsetof(liveupdate_limits_t, limit) }

    liveupdate_limit_member("minAndroidAppVersionCode",
                            LIVEUPDATE_ANDROID, min),
    liveupdate_limit_member("maxAndroidAppVersionCode",
                            LIVEUPDATE_ANDROID, max),
    liveupdate_limit_member("eqAndroidAppVersionCode",
                            LIVEUPDATE_ANDROID, eq),
    liveupdate_limit_member("minIosAppVersionCode", LIVEUPDATE_IOS, min),
    liveupdate_limit_member("maxIosAppVersionCode", LIVEUPDATE_IOS, max),
    liveupdate_limit_member("eqIosAppVersionCode", LIVEUPDATE_IOS, eq),
    { NULL, 0 }
};


liveupdate_rc_e
liveupdate_release_parse(const liveupdate_arena_t *arena,
    const liveupdate_str_t *text, liveupdate_release_t *release,
    liveupdate_error_t *err)
{
    int                i;
    cJSON             *json;
    liveupdate_rc_e    rc;
    liveupdate_str_t   kind, *limit;

    memset(release, 0, sizeof(liveupdate_release_t));

    rc = liveupdate_json_parse(&json, text, err);
    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    rc = liveupdate_release_string(arena, json, "id", &release->id, err);
    if (rc != LIVEUPDATE_OK) {
        goto done;
    }

    if (!liveupdate_id_valid(&release->id)) {
        rc = liveupdate_refuse(err, NULL, "the release has no valid \"id\"");
        goto done;
    }

    memset(&kind, 0, sizeof(liveupdate_str_t));
    (void) liveupdate_json_string(json, "kind", &kind);

    if (liveupdate_str_is(&kind, "zip")) {
        release->kind = LIVEUPDATE_KIND_ZIP;

    } else if (liveupdate_str_is(&kind, "manifest")) {
        release->kind = LIVEUPDATE_KIND_MANIFEST;

    } else {
        rc = liveupdate_refuse(err, NULL,
                               "the release has no \"kind\" that is known");
        goto done;
    }

    for (i = 0; liveupdate_limit_members[i].name; i++) {

        limit = (liveupdate_str_t *) ((unsigned char *) release
                                      + liveupdate_limit_members[i].offset);

        rc = liveupdate_release_string(arena, json,
                                       liveupdate_limit_members[i].name,
                                       limit, err);
        if (rc != LIVEUPDATE_OK) {
            goto done;
        }

        if (limit->len && !liveupdate_version_valid(limit)) {
            rc = liveupdate_limit_refuse(liveupdate_limit_members[i].name,
                                         err);
            goto done;
        }
    }

    rc = liveupdate_release_string(arena, json, "url", &release->url, err);
    if (rc != LIVEUPDATE_OK) {
        goto done;
    }

    rc = liveupdate_release_string(arena, json, "checksum",
                                   &release->checksum, err);
    if (rc != LIVEUPDATE_OK) {
        goto done;
    }

    rc = liveupdate_release_string(arena, json, "signature",
                                   &release->signature, err);
    if (rc != LIVEUPDATE_OK) {
        goto done;
    }

    rc = liveupdate_release_properties(arena, json, &release->properties,
                                       err);
    if (rc != LIVEUPDATE_OK) {
        goto done;
    }

    release->is_signed = cJSON_IsTrue(
                          cJSON_GetObjectItemCaseSensitive(json, "signed"));

done:

    cJSON_Delete(json);

    return rc;
}


static liveupdate_rc_e
liveupdate_release_string(const liveupdate_arena_t *arena, const cJSON *json,
    const char *key, liveupdate_str_t *value, liveupdate_error_t *err)
{
    liveupdate_rc_e   rc;
    liveupdate_str_t  name, found;

    rc = liveupdate_json_string(json, key, &found);

    if (rc == LIVEUPDATE_NOT_FOUND) {
        return LIVEUPDATE_OK;
    }

    if (rc != LIVEUPDATE_OK) {
        name.len = strlen(key);
        name.data = (unsigned char *) key;

        return liveupdate_refuse(err, &name, "must be a string");
    }

    *value = liveupdate_str_dup(arena, found.data, found.len);

    return value->data ? LIVEUPDATE_OK : LIVEUPDATE_NOMEM;
}


static liveupdate_rc_e
liveupdate_release_properties(const liveupdate_arena_t *arena,
    const cJSON *json, liveupdate_str_t *value, liveupdate_error_t *err)
{
    char             *text;
    const cJSON      *properties;
    liveupdate_rc_e   rc;

    properties = cJSON_GetObjectItemCaseSensitive(json, LIVEUPDATE_PROPERTIES);

    if (properties == NULL || cJSON_IsNull(properties)) {
        return LIVEUPDATE_OK;
    }

    rc = liveupdate_properties_check(properties, err);

    if (rc != LIVEUPDATE_OK) {

        /* the tree goes, the reason stays */

        err->subject = liveupdate_str_dup(arena, err->subject.data,
                                          err->subject.len);

        return err->subject.data ? rc : LIVEUPDATE_NOMEM;
    }

    text = cJSON_PrintUnformatted(properties);
    if (text == NULL) {
        return LIVEUPDATE_NOMEM;
    }

    *value = liveupdate_str_dup(arena, text, strlen(text));

    cJSON_free(text);

    return value->data ? LIVEUPDATE_OK : LIVEUPDATE_NOMEM;
}


/* One value that is no string disables all updates on iOS. */

static liveupdate_rc_e
liveupdate_properties_check(const cJSON *properties, liveupdate_error_t *err)
{
    int               n;
    const cJSON      *item;
    liveupdate_str_t  key, value;

    if (!cJSON_IsObject(properties)) {
        return liveupdate_refuse(err, NULL,
                           "\"customProperties\" must be an object of strings");
    }

    n = 0;

    cJSON_ArrayForEach(item, properties) {

        key.len = strlen(item->string);
        key.data = (unsigned char *) item->string;

        if (liveupdate_json_value(item, &value) != LIVEUPDATE_OK) {
            return liveupdate_refuse(err, &key,
                                     "in \"customProperties\" must be "
                                     "a string");
        }

        if (key.len == 0
            || key.len > LIVEUPDATE_PROPERTY_SIZE
            || value.len > LIVEUPDATE_PROPERTY_SIZE)
        {
            return liveupdate_refuse(err, &key,
                                     "in \"customProperties\" must have 1 to "
                                     "300 bytes, and its value at most 300");
        }

        if (++n > LIVEUPDATE_PROPERTIES_MAX) {
            return liveupdate_refuse(err, NULL,
                                     "\"customProperties\" holds more than "
                                     "10 properties");
        }
    }

    return LIVEUPDATE_OK;
}


liveupdate_rc_e
liveupdate_release_set(cJSON *release, const cJSON *body,
    liveupdate_error_t *err)
{
    int                i;
    const cJSON       *item;
    liveupdate_rc_e    rc;
    liveupdate_str_t   value;

    for (i = 0; liveupdate_limit_members[i].name; i++) {

        item = cJSON_GetObjectItemCaseSensitive(body,
                                             liveupdate_limit_members[i].name);

        if (item == NULL || cJSON_IsNull(item)) {
            continue;
        }

        if (liveupdate_json_value(item, &value) != LIVEUPDATE_OK
            || !liveupdate_version_valid(&value))
        {
            return liveupdate_limit_refuse(liveupdate_limit_members[i].name,
                                           err);
        }
    }

    item = cJSON_GetObjectItemCaseSensitive(body, LIVEUPDATE_PROPERTIES);

    if (item && !cJSON_IsNull(item)) {
        rc = liveupdate_properties_check(item, err);
        if (rc != LIVEUPDATE_OK) {
            return rc;
        }
    }

    for (i = 0; liveupdate_limit_members[i].name; i++) {
        rc = liveupdate_release_copy(release, body,
                                     liveupdate_limit_members[i].name);
        if (rc != LIVEUPDATE_OK) {
            return rc;
        }
    }

    return liveupdate_release_copy(release, body, LIVEUPDATE_PROPERTIES);
}


static liveupdate_rc_e
liveupdate_release_copy(cJSON *release, const cJSON *body, const char *key)
{
    const cJSON  *item;

    item = cJSON_GetObjectItemCaseSensitive(body, key);

    if (item == NULL) {
        return LIVEUPDATE_OK;
    }

    return liveupdate_json_set(release, key, cJSON_Duplicate(item, 1));
}


static liveupdate_rc_e
liveupdate_limit_refuse(const char *key, liveupdate_error_t *err)
{
    liveupdate_str_t  name;

    name.len = strlen(key);
    name.data = (unsigned char *) key;

    return liveupdate_refuse(err, &name,
                             "must be a string of numbers and dots, "
                             "such as \"84\" or \"1.2.3\"");
}


liveupdate_rc_e
liveupdate_files_parse(const liveupdate_arena_t *arena,
    const liveupdate_str_t *text, liveupdate_file_t **files, size_t *n,
    liveupdate_error_t *err)
{
    cJSON              *json;
    size_t              i, count;
    const cJSON        *item;
    liveupdate_rc_e     rc;
    liveupdate_file_t  *file;

    *files = NULL;
    *n = 0;

    rc = liveupdate_json_parse(&json, text, err);
    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    if (!cJSON_IsArray(json)) {
        rc = liveupdate_refuse(err, NULL, "the file table is not an array");
        goto done;
    }

    count = cJSON_GetArraySize(json);

    file = arena->alloc(arena->data, (count + 1) * sizeof(liveupdate_file_t));
    if (file == NULL) {
        rc = LIVEUPDATE_NOMEM;
        goto done;
    }

    i = 0;

    cJSON_ArrayForEach(item, json) {
        rc = liveupdate_file_parse(arena, item, &file[i++], err);
        if (rc != LIVEUPDATE_OK) {
            goto done;
        }
    }

    qsort(file, count, sizeof(liveupdate_file_t), liveupdate_file_cmp);

    *files = file;
    *n = count;

done:

    cJSON_Delete(json);

    return rc;
}


liveupdate_rc_e
liveupdate_file_parse(const liveupdate_arena_t *arena, const cJSON *item,
    liveupdate_file_t *file, liveupdate_error_t *err)
{
    liveupdate_rc_e   rc;
    liveupdate_str_t  href;

    memset(file, 0, sizeof(liveupdate_file_t));

    if (liveupdate_json_string(item, "href", &href) != LIVEUPDATE_OK) {
        return liveupdate_refuse(err, NULL, "a file has no \"href\"");
    }

    file->href = liveupdate_str_dup(arena, href.data, href.len);
    if (file->href.data == NULL) {
        return LIVEUPDATE_NOMEM;
    }

    rc = liveupdate_href_check(&file->href, err);
    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    if (liveupdate_json_size(item, "size", &file->size) != LIVEUPDATE_OK) {
        return liveupdate_refuse(err, &file->href, "has no valid \"size\"");
    }

    rc = liveupdate_release_string(arena, item, "sha256", &file->sha256, err);
    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    if (!liveupdate_sha256_valid(&file->sha256)) {
        return liveupdate_refuse(err, &file->href, "has no valid \"sha256\"");
    }

    rc = liveupdate_release_string(arena, item, "signature",
                                   &file->signature, err);
    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    rc = liveupdate_release_string(arena, item, "type", &file->type, err);
    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    file->gzip = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(item, "gzip"));

    return LIVEUPDATE_OK;
}


char *
liveupdate_files_print(const liveupdate_file_t *files, size_t n)
{
    char    *text;
    cJSON   *json, *item;
    size_t   i;

    json = cJSON_CreateArray();
    if (json == NULL) {
        return NULL;
    }

    for (i = 0; i < n; i++) {
        item = liveupdate_file_json(&files[i]);
        if (item == NULL) {
            cJSON_Delete(json);
            return NULL;
        }

        cJSON_AddItemToArray(json, item);
    }

    text = cJSON_Print(json);

    cJSON_Delete(json);

    return text;
}


cJSON *
liveupdate_file_json(const liveupdate_file_t *file)
{
    cJSON  *item;

    item = cJSON_CreateObject();

    if (item == NULL
        || cJSON_AddStringToObject(item, "href", (char *) file->href.data)
           == NULL
        || cJSON_AddNumberToObject(item, "size", (double) file->size) == NULL
        || cJSON_AddStringToObject(item, "sha256",
                                   (char *) file->sha256.data)
           == NULL)
    {
        goto failed;
    }

    if (file->signature.len
        && cJSON_AddStringToObject(item, "signature",
                                   (char *) file->signature.data)
           == NULL)
    {
        goto failed;
    }

    if (file->type.len
        && cJSON_AddStringToObject(item, "type", (char *) file->type.data)
           == NULL)
    {
        goto failed;
    }

    if (file->gzip && cJSON_AddTrueToObject(item, "gzip") == NULL) {
        goto failed;
    }

    return item;

failed:

    cJSON_Delete(item);

    return NULL;
}
