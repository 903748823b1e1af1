
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_builder.h"
#include "lu_minimum.h"
#include "lu_platform.h"
#include "lu_release.h"
#include "lu_version.h"


static lu_rc_e lu_minimum_version(const cJSON *json, const char *key,
    lu_str_t *version, lu_error_t *err);


lu_rc_e
lu_minimum_parse(const cJSON *json, lu_minimum_t *minimum, lu_error_t *err)
{
    lu_rc_e  rc;

    memset(minimum, 0, sizeof(lu_minimum_t));

    if (!cJSON_IsObject(json)) {
        return lu_error(err, NULL, "\"minimum\" must be an object with a "
                                   "\"buildNumber\", an "
                                   "\"androidAppVersionCode\" or an "
                                   "\"iosAppVersionCode\", or null");
    }

    if (lu_json_size(json, "buildNumber", &minimum->bundle) == LU_INVALID) {
        return lu_error(err, NULL, "\"buildNumber\" of a minimum must be the "
                                   "number of a bundle");
    }

    rc = lu_minimum_version(json, "androidAppVersionCode",
                            &minimum->versions[LU_OS_ANDROID], err);

    return rc == LU_OK
           ? lu_minimum_version(json, "iosAppVersionCode",
                                &minimum->versions[LU_OS_IOS], err)
           : rc;
}


static lu_rc_e
lu_minimum_version(const cJSON *json, const char *key, lu_str_t *version,
    lu_error_t *err)
{
    lu_rc_e   rc;
    lu_str_t  name;

    rc = lu_json_string(json, key, version);

    if (rc == LU_NOT_FOUND || (rc == LU_OK && lu_version_valid(version))) {
        return LU_OK;
    }

    name = lu_str(key);

    return lu_error(err, &name, "of a minimum must be a version such as "
                                "\"84\" or \"1.2.3\"");
}


unsigned
lu_minimum_misses(const lu_minimum_t *minimum, const lu_str_t *runs,
    const lu_str_t *offered, unsigned platform, const lu_str_t *version)
{
    unsigned         misses;
    const lu_str_t  *least;

    misses = 0;

    if (minimum->bundle
        && lu_release_id_number(runs) < minimum->bundle
        && lu_release_id_number(offered) >= minimum->bundle)
    {
        misses |= LU_MINIMUM_BUNDLE;
    }

    if (platform > LU_OS_IOS) {
        return misses;
    }

    least = &minimum->versions[platform];

    if (least->len
        && lu_version_valid(version)
        && lu_version_cmp(version, least) < 0)
    {
        misses |= LU_MINIMUM_APP;
    }

    return misses;
}


void
lu_minimum_put(lu_put_t *put, cJSON *properties, unsigned misses)
{
    if (misses & LU_MINIMUM_BUNDLE) {
        lu_put_string(put, properties, "mandatory", "true");
    }

    if (misses & LU_MINIMUM_APP) {
        lu_put_string(put, properties, "mandatoryApp", "true");
    }
}


lu_rc_e
lu_minimum_desktop(const cJSON *json, lu_str_t *version, lu_error_t *err)
{
    lu_rc_e  rc;

    rc = lu_json_string(json, "minimumVersion", version);

    if (rc == LU_NOT_FOUND) {
        *version = lu_str("");
        return LU_OK;
    }

    if (rc != LU_OK
        || version->len > LU_MINIMUM_VERSION
        || !lu_builder_version_valid(version))
    {
        return lu_error(err, NULL, "\"minimumVersion\" must be a version such "
                                   "as \"1.2.3\", or null");
    }

    return LU_OK;
}


/* With the line, it must still be read, and have the same files. */

int
lu_minimum_may_follow(const lu_arena_t *arena, const lu_str_t *manifest)
{
    lu_str_t       text;
    lu_error_t     err;
    lu_builder_t   before, after;

    static const lu_str_t  least = lu_string("0.0.0");

    if (manifest->len == 0
        || manifest->data[manifest->len - 1] != '\n'
        || lu_builder_parse(arena, manifest, &before, &err) != LU_OK)
    {
        return 0;
    }

    text.data = arena->alloc(arena->data, manifest->len + LU_MINIMUM_LINE);
    if (text.data == NULL) {
        return 0;
    }

    memcpy(text.data, manifest->data, manifest->len);

    text.len = (size_t) (lu_minimum_line(text.data + manifest->len, &least)
                         - text.data);

    return lu_builder_parse(arena, &text, &after, &err) == LU_OK
           && after.nfiles == before.nfiles
           && lu_str_eq(&after.version, &before.version)
           && lu_str_eq(&after.notes, &before.notes);
}


/* Quoted, since 1.0 would be a number. */

unsigned char *
lu_minimum_line(unsigned char *p, const lu_str_t *version)
{
    memcpy(p, "minimumVersion: \"", sizeof("minimumVersion: \"") - 1);
    p += sizeof("minimumVersion: \"") - 1;

    memcpy(p, version->data, version->len);
    p += version->len;

    *p++ = '"';
    *p++ = '\n';

    return p;
}
