
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_limit.h"
#include "lu_name.h"
#include "lu_release.h"
#include "lu_version.h"


#define LU_PROPERTIES  "customProperties"

/* the CLI allows 100 UTF-16 units, which are up to 300 bytes */

#define LU_PROPERTIES_MAX  10
#define LU_PROPERTY_SIZE   300


static lu_rc_e lu_release_properties(const lu_arena_t *arena,
    const cJSON *json, lu_str_t *value, lu_error_t *err);
static lu_rc_e lu_release_properties_check(const cJSON *properties,
    lu_error_t *err);
static lu_rc_e lu_release_copy(cJSON *release, const cJSON *body,
    const char *key);
static lu_rc_e lu_release_limit_refuse(const char *key, lu_error_t *err);
static lu_rc_e lu_release_range_check(const cJSON *release, const cJSON *body,
    lu_error_t *err);
static int lu_release_effective(const cJSON *release, const cJSON *body,
    const char *key, lu_str_t *version);


static const struct {
    const char  *name;
    size_t       offset;
} lu_release_limits[] = {

#define lu_release_limit(name, platform, limit)                               \
    { name, offsetof(lu_release_t, limits)                                    \
            + platform * sizeof(lu_limits_t)                                  \
            + offsetof(lu_limits_t, limit) }

    lu_release_limit("minAndroidAppVersionCode", LU_OS_ANDROID, min),
    lu_release_limit("maxAndroidAppVersionCode", LU_OS_ANDROID, max),
    lu_release_limit("eqAndroidAppVersionCode", LU_OS_ANDROID, eq),
    lu_release_limit("minIosAppVersionCode", LU_OS_IOS, min),
    lu_release_limit("maxIosAppVersionCode", LU_OS_IOS, max),
    lu_release_limit("eqIosAppVersionCode", LU_OS_IOS, eq),
    { NULL, 0 }
};


#define LU_RELEASE_MESSAGE  "gitCommitMessage"

static const char  *lu_release_commits[] = {
    "gitRef", "gitCommitSha", "gitCommitRef", NULL
};


static const struct {
    const char  *name;
    size_t       offset;
} lu_release_origins[] = {
    { "commit", offsetof(lu_origin_t, commit) },
    { "commitMessage", offsetof(lu_origin_t, message) },
    { "branch", offsetof(lu_origin_t, branch) },
    { "remote", offsetof(lu_origin_t, remote) },
    { NULL, 0 }
};


static const char  *lu_release_kinds[] = {
    "unknown", "zip", "manifest", "desktop"
};


static const char  *lu_release_states[LU_STATES] = {
    "unknown", "uploading", "fetching", "verifying", "staged", "failed",
    "rejected", "live", "withdrawn"
};


lu_rc_e
lu_release_parse(const lu_arena_t *arena, const lu_str_t *text,
    lu_release_t *release, lu_error_t *err)
{
    int        i;
    cJSON     *json;
    lu_rc_e    rc;
    lu_str_t  *limit;

    memset(release, 0, sizeof(lu_release_t));

    rc = lu_json_parse(&json, text, err);
    if (rc != LU_OK) {
        return rc;
    }

    rc = lu_json_dup(arena, json, "id", &release->id, err);
    if (rc != LU_OK) {
        goto done;
    }

    if (!lu_name_release_valid(&release->id)) {
        rc = lu_error(err, NULL, "the release must have a valid \"id\"");
        goto done;
    }

    release->kind = lu_release_kind(json);

    if (release->kind != LU_KIND_ZIP && release->kind != LU_KIND_MANIFEST) {
        rc = lu_error(err, NULL, "the release must have the \"kind\" \"zip\" "
                                 "or \"manifest\"");
        goto done;
    }

    for (i = 0; lu_release_limits[i].name; i++) {

        limit = (lu_str_t *) ((unsigned char *) release
                              + lu_release_limits[i].offset);

        rc = lu_json_dup(arena, json, lu_release_limits[i].name, limit, err);
        if (rc != LU_OK) {
            goto done;
        }

        if (limit->len && !lu_version_valid(limit)) {
            rc = lu_release_limit_refuse(lu_release_limits[i].name, err);
            goto done;
        }
    }

    rc = lu_json_dup(arena, json, "url", &release->url, err);
    if (rc != LU_OK) {
        goto done;
    }

    rc = lu_json_dup(arena, json, "checksum", &release->checksum, err);
    if (rc != LU_OK) {
        goto done;
    }

    rc = lu_json_dup(arena, json, "signature", &release->signature, err);
    if (rc != LU_OK) {
        goto done;
    }

    rc = lu_release_properties(arena, json, &release->properties,
                               err);
    if (rc != LU_OK) {
        goto done;
    }

    release->is_signed = cJSON_IsTrue(lu_json_get(json, "signed"));

done:

    cJSON_Delete(json);

    return rc;
}


static lu_rc_e
lu_release_properties(const lu_arena_t *arena, const cJSON *json,
    lu_str_t *value, lu_error_t *err)
{
    char         *text;
    lu_rc_e       rc;
    const cJSON  *properties;

    properties = lu_json_get(json, LU_PROPERTIES);

    if (properties == NULL || cJSON_IsNull(properties)) {
        return LU_OK;
    }

    rc = lu_release_properties_check(properties, err);

    if (rc != LU_OK) {

        /* the reason must outlive the tree */

        err->subject = lu_str_dup(arena, err->subject.data, err->subject.len);

        return err->subject.data ? rc : LU_NOMEM;
    }

    text = cJSON_PrintUnformatted(properties);
    if (text == NULL) {
        return LU_NOMEM;
    }

    *value = lu_str_dup(arena, text, strlen(text));

    cJSON_free(text);

    return value->data ? LU_OK : LU_NOMEM;
}


/* On iOS, a single value that is not a string disables all updates. */

static lu_rc_e
lu_release_properties_check(const cJSON *properties, lu_error_t *err)
{
    int           n;
    lu_str_t      key, value;
    const cJSON  *item;

    if (!cJSON_IsObject(properties)) {
        return lu_error(err, NULL,
                        "\"customProperties\" must be an object of strings");
    }

    n = 0;

    cJSON_ArrayForEach(item, properties) {

        key = lu_str(item->string);

        if (lu_json_value(item, &value) != LU_OK) {
            return lu_error(err, &key,
                            "in \"customProperties\" must be "
                            "a string");
        }

        if (key.len == 0
            || key.len > LU_PROPERTY_SIZE
            || value.len > LU_PROPERTY_SIZE)
        {
            return lu_error(err, &key,
                            "in \"customProperties\" must be 1 to 300 bytes "
                            "long, and its value at most 300 bytes");
        }

        if (++n > LU_PROPERTIES_MAX) {
            return lu_error(err, NULL,
                            "\"customProperties\" must have at most 10 "
                            "properties");
        }
    }

    return LU_OK;
}


lu_rc_e
lu_release_set(cJSON *release, const cJSON *body, lu_error_t *err)
{
    int           i;
    lu_rc_e       rc;
    lu_str_t      value;
    const cJSON  *item;

    for (i = 0; lu_release_limits[i].name; i++) {

        item = lu_json_get(body, lu_release_limits[i].name);

        if (item == NULL || cJSON_IsNull(item)) {
            continue;
        }

        if (lu_json_value(item, &value) != LU_OK
            || !lu_version_valid(&value))
        {
            return lu_release_limit_refuse(lu_release_limits[i].name, err);
        }
    }

    rc = lu_release_range_check(release, body, err);
    if (rc != LU_OK) {
        return rc;
    }

    item = lu_json_get(body, LU_PROPERTIES);

    if (item && !cJSON_IsNull(item)) {
        rc = lu_release_properties_check(item, err);
        if (rc != LU_OK) {
            return rc;
        }
    }

    for (i = 0; lu_release_limits[i].name; i++) {
        rc = lu_release_copy(release, body, lu_release_limits[i].name);
        if (rc != LU_OK) {
            return rc;
        }
    }

    return lu_release_copy(release, body, LU_PROPERTIES);
}


/* Between a minimum and a maximum there must be a version. */

static lu_rc_e
lu_release_range_check(const cJSON *release, const cJSON *body,
    lu_error_t *err)
{
    int       i;
    lu_str_t  name, min, max;

    static const char  *ranges[][2] = {
        { "minAndroidAppVersionCode", "maxAndroidAppVersionCode" },
        { "minIosAppVersionCode", "maxIosAppVersionCode" },
        { NULL, NULL }
    };

    for (i = 0; ranges[i][0]; i++) {

        if (!lu_release_effective(release, body, ranges[i][0], &min)
            || !lu_release_effective(release, body, ranges[i][1], &max)
            || lu_version_cmp(&min, &max) <= 0)
        {
            continue;
        }

        name = lu_str(ranges[i][0]);

        return lu_error(err, &name, "must not be above the maximum, or no "
                                    "device gets the bundle");
    }

    return LU_OK;
}


/* What the member is when the body is applied; 0: there is no limit. */

static int
lu_release_effective(const cJSON *release, const cJSON *body, const char *key,
    lu_str_t *version)
{
    const cJSON  *item;

    item = lu_json_get(body, key);

    if (item == NULL) {
        item = lu_json_get(release, key);
    }

    return lu_json_value(item, version) == LU_OK && lu_version_valid(version);
}


lu_rc_e
lu_release_commit(cJSON *release, const cJSON *body, lu_error_t *err)
{
    int        i;
    lu_rc_e    rc;
    lu_put_t   put;
    lu_str_t   value, message;

    for (i = 0; lu_release_commits[i]; i++) {
        rc = lu_limit_string(body, lu_release_commits[i], &value, err);

        if (rc == LU_INVALID) {
            return rc;
        }
    }

    rc = lu_json_string(body, LU_RELEASE_MESSAGE, &message);

    if (rc == LU_INVALID) {
        message = lu_str(LU_RELEASE_MESSAGE);

        return lu_error(err, &message, "must be a string");
    }

    lu_put_init(&put);

    if (rc == LU_OK && message.len) {
        lu_limit_cut(LU_RELEASE_MESSAGE, &message);
        lu_put_str(&put, release, LU_RELEASE_MESSAGE, &message);
    }

    for (i = 0; lu_release_commits[i]; i++) {
        if (lu_json_string(body, lu_release_commits[i], &value) == LU_OK
            && value.len)
        {
            lu_put_str(&put, release, lu_release_commits[i], &value);
        }
    }

    return put.failed ? LU_NOMEM : LU_OK;
}


lu_rc_e
lu_release_origin_parse(const cJSON *body, lu_origin_t *origin,
    lu_error_t *err)
{
    size_t     i;
    lu_rc_e    rc;
    lu_str_t   name, *value;

    memset(origin, 0, sizeof(lu_origin_t));

    for (i = 0; lu_release_origins[i].name; i++) {

        name = lu_str(lu_release_origins[i].name);
        value = lu_release_origin_value(origin, &name);

        /* nobody shortens a message to publish */

        rc = (value == &origin->message)
             ? lu_json_string(body, lu_release_origins[i].name, value)
             : lu_limit_string(body, lu_release_origins[i].name, value, err);

        if (rc != LU_INVALID) {
            continue;
        }

        return (value == &origin->message)
               ? lu_error(err, &name, "must be a string") : rc;
    }

    return lu_release_origin_check(origin, err);
}


lu_str_t *
lu_release_origin_value(lu_origin_t *origin, const lu_str_t *name)
{
    size_t  i;

    for (i = 0; lu_release_origins[i].name; i++) {
        if (lu_str_is(name, lu_release_origins[i].name)) {
            return (lu_str_t *) ((unsigned char *) origin
                                 + lu_release_origins[i].offset);
        }
    }

    return NULL;
}


lu_rc_e
lu_release_origin_check(const lu_origin_t *origin, lu_error_t *err)
{
    size_t           i, start;
    lu_str_t         name;
    const lu_str_t  *remote;

    remote = &origin->remote;
    start = lu_str_find(remote, 0, "://");

    if (start == remote->len) {
        return LU_OK;
    }

    start += sizeof("://") - 1;

    for (i = start; i < remote->len && remote->data[i] != '/'; i++) {

        if (remote->data[i] != '@') {
            continue;
        }

        /* "git@" is a name, and everybody's */

        if (memchr(remote->data + start, ':', i - start)) {
            name = lu_str("remote");

            return lu_error(err, &name, "has a password in it: give the "
                                        "address without one, such as "
                                        "https://github.com/acme/app");
        }
    }

    return LU_OK;
}


void
lu_release_origin_put(lu_put_t *put, cJSON *release,
    const lu_origin_t *origin)
{
    size_t           i;
    lu_str_t         value;

    if (origin->commit.len == 0
        && origin->message.len == 0
        && origin->branch.len == 0
        && origin->remote.len == 0)
    {
        return;
    }

    for (i = 0; lu_release_origins[i].name; i++) {

        cJSON_DeleteItemFromObjectCaseSensitive(release,
                                                lu_release_origins[i].name);

        value = *(const lu_str_t *) ((const unsigned char *) origin
                                     + lu_release_origins[i].offset);

        if (value.len) {
            lu_limit_cut(lu_release_origins[i].name, &value);
            lu_put_str(put, release, lu_release_origins[i].name, &value);
        }
    }
}


static lu_rc_e
lu_release_copy(cJSON *release, const cJSON *body, const char *key)
{
    const cJSON  *item;

    item = lu_json_get(body, key);

    if (item == NULL) {
        return LU_OK;
    }

    return lu_json_set(release, key, cJSON_Duplicate(item, 1));
}


static lu_rc_e
lu_release_limit_refuse(const char *key, lu_error_t *err)
{
    lu_str_t  name;

    name = lu_str(key);

    return lu_error(err, &name,
                    "must be a string of numbers and dots, "
                    "such as \"84\" or \"1.2.3\"");
}


lu_kind_e
lu_release_kind(const cJSON *release)
{
    lu_str_t  name;

    return lu_json_string(release, "kind", &name) == LU_OK
           ? lu_release_kind_named(&name) : LU_KIND_UNKNOWN;
}


lu_state_e
lu_release_state(const cJSON *release)
{
    lu_str_t  name;

    return lu_json_string(release, "state", &name) == LU_OK
           ? lu_release_state_named(&name) : LU_STATE_UNKNOWN;
}


int
lu_release_is_limited(const cJSON *release)
{
    size_t    i;
    lu_str_t  limit;

    for (i = 0; lu_release_limits[i].name; i++) {
        if (lu_json_string(release, lu_release_limits[i].name, &limit)
            == LU_OK
            && limit.len)
        {
            return 1;
        }
    }

    return 0;
}


/* xxxxxxxx-xxxx-8xxx-xxxx-000000000042 */

uint64_t
lu_release_id_number(const lu_str_t *id)
{
    size_t    i;
    uint64_t  number;

    if (id->len != 36
        || id->data[8] != '-'
        || id->data[13] != '-'
        || id->data[14] != '8'
        || id->data[18] != '-'
        || id->data[23] != '-')
    {
        return 0;
    }

    number = 0;

    for (i = 24; i < id->len; i++) {

        if (id->data[i] < '0' || id->data[i] > '9') {
            return 0;
        }

        number = number * 10 + (id->data[i] - '0');
    }

    return number;
}


void
lu_release_put_kind(lu_put_t *put, cJSON *release, lu_kind_e kind)
{
    lu_put_string(put, release, "kind", lu_release_kind_name(kind));
}


void
lu_release_put_state(lu_put_t *put, cJSON *release, lu_state_e state)
{
    lu_put_string(put, release, "state", lu_release_state_name(state));
}


const char *
lu_release_kind_name(lu_kind_e kind)
{
    return lu_release_kinds[kind];
}


const char *
lu_release_state_name(lu_state_e state)
{
    return lu_release_states[state];
}


lu_kind_e
lu_release_kind_named(const lu_str_t *name)
{
    lu_kind_e  kind;

    for (kind = LU_KIND_DESKTOP; kind != LU_KIND_UNKNOWN; kind--) {
        if (lu_str_is(name, lu_release_kinds[kind])) {
            break;
        }
    }

    return kind;
}


lu_state_e
lu_release_state_named(const lu_str_t *name)
{
    lu_state_e  state;

    for (state = LU_STATE_WITHDRAWN; state != LU_STATE_UNKNOWN; state--) {
        if (lu_str_is(name, lu_release_states[state])) {
            break;
        }
    }

    return state;
}
