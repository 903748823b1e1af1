
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_hex.h"
#include "lu_name.h"
#include "lu_put.h"
#include "lu_sha256.h"
#include "lu_td.h"


static lu_rc_e lu_td_read(const lu_arena_t *arena, const cJSON *json,
    lu_td_t *td, lu_error_t *err);
static lu_rc_e lu_td_version(const lu_arena_t *arena, const cJSON *json,
    lu_str_t *version, lu_error_t *err);
static lu_rc_e lu_td_count(const lu_arena_t *arena, const cJSON *artifacts,
    size_t *n, lu_error_t *err);
static lu_rc_e lu_td_artifact(const lu_arena_t *arena, const cJSON *json,
    const cJSON *arch, lu_td_artifact_t *artifact, lu_error_t *err);
static lu_rc_e lu_td_sha256(const lu_arena_t *arena, const cJSON *arch,
    lu_td_artifact_t *artifact, lu_error_t *err);
static lu_rc_e lu_td_refuse(const lu_arena_t *arena, const char *key,
    const char *text, lu_error_t *err);
static void lu_td_put(lu_put_t *put, cJSON *artifacts,
    const lu_td_artifact_t *file);
static const char *lu_td_kind(const lu_str_t *name);
static const char *lu_td_arch(const lu_str_t *name);
static char *lu_td_escape(const lu_str_t *name);


lu_rc_e
lu_td_parse(const lu_arena_t *arena, const lu_str_t *text, lu_td_t *td,
    lu_error_t *err)
{
    cJSON   *json;
    lu_rc_e  rc;

    rc = lu_json_parse(&json, text, err);
    if (rc != LU_OK) {
        return rc;
    }

    rc = lu_td_read(arena, json, td, err);

    cJSON_Delete(json);

    return rc;
}


static lu_rc_e
lu_td_read(const lu_arena_t *arena, const cJSON *json, lu_td_t *td,
    lu_error_t *err)
{
    size_t        n;
    lu_rc_e       rc;
    const cJSON  *artifacts, *artifact, *arch;

    memset(td, 0, sizeof(lu_td_t));

    if (!cJSON_IsObject(json)) {
        return lu_error(err, NULL, "the manifest is not a JSON object");
    }

    rc = lu_td_version(arena, json, &td->version, err);
    if (rc != LU_OK) {
        return rc;
    }

    artifacts = lu_json_get(json, "artifacts");

    rc = lu_td_count(arena, artifacts, &n, err);
    if (rc != LU_OK || n == 0) {
        return rc;
    }

    td->artifacts = arena->alloc(arena->data, n * sizeof(lu_td_artifact_t));
    if (td->artifacts == NULL) {
        return LU_NOMEM;
    }

    for (artifact = artifacts->child; artifact; artifact = artifact->next) {

        for (arch = artifact->child; arch; arch = arch->next) {

            if (cJSON_IsNull(arch)) {
                continue;
            }

            rc = lu_td_artifact(arena, artifact, arch,
                                &td->artifacts[td->nartifacts], err);
            if (rc != LU_OK) {
                return rc;
            }

            td->nartifacts++;
        }
    }

    return LU_OK;
}


static lu_rc_e
lu_td_version(const lu_arena_t *arena, const cJSON *json, lu_str_t *version,
    lu_error_t *err)
{
    lu_rc_e   rc;
    lu_str_t  value;

    rc = lu_json_string(json, "version", &value);

    if (rc == LU_NOT_FOUND) {
        return LU_OK;
    }

    if (rc != LU_OK || !lu_name_label_valid(&value)) {
        return lu_td_refuse(arena, "version",
                            "is not a string of 1 to 128 bytes without control"
                            " characters", err);
    }

    *version = lu_str_dup(arena, value.data, value.len);

    return version->data ? LU_OK : LU_NOMEM;
}


/* How many artifacts there are; what is not null is an object. */

static lu_rc_e
lu_td_count(const lu_arena_t *arena, const cJSON *artifacts, size_t *n,
    lu_error_t *err)
{
    const cJSON  *artifact, *arch;

    *n = 0;

    if (artifacts == NULL || cJSON_IsNull(artifacts)) {
        return LU_OK;
    }

    if (!cJSON_IsObject(artifacts)) {
        return lu_td_refuse(arena, "artifacts", "is not an object", err);
    }

    for (artifact = artifacts->child; artifact; artifact = artifact->next) {

        if (cJSON_IsNull(artifact)) {
            continue;
        }

        if (!cJSON_IsObject(artifact)) {
            return lu_td_refuse(arena, artifact->string,
                                "is an artifact that is not an object", err);
        }

        for (arch = artifact->child; arch; arch = arch->next) {

            if (cJSON_IsNull(arch)) {
                continue;
            }

            if (!cJSON_IsObject(arch)) {
                return lu_td_refuse(arena, artifact->string,
                           "is an artifact with an architecture that is not"
                           " an object", err);
            }

            (*n)++;
        }
    }

    return LU_OK;
}


static lu_rc_e
lu_td_artifact(const lu_arena_t *arena, const cJSON *json, const cJSON *arch,
    lu_td_artifact_t *artifact, lu_error_t *err)
{
    lu_rc_e   rc;
    lu_str_t  url;

    memset(artifact, 0, sizeof(lu_td_artifact_t));

    artifact->artifact = lu_str_dup(arena, json->string, strlen(json->string));
    artifact->arch = lu_str_dup(arena, arch->string, strlen(arch->string));

    if (artifact->artifact.data == NULL || artifact->arch.data == NULL) {
        return LU_NOMEM;
    }

    if (lu_json_string(arch, "url", &url) != LU_OK) {
        return lu_error(err, &artifact->artifact,
                        "is an artifact without a \"url\" string");
    }

    artifact->is_installer = strstr((char *) url.data, "Mac%20Installer")
                             != NULL;

    /* the reason points to the URL, which goes with the tree */

    url = lu_str_dup(arena, url.data, url.len);
    if (url.data == NULL) {
        return LU_NOMEM;
    }

    rc = lu_name_file_of_url(arena, &url, &artifact->name, err);
    if (rc != LU_OK) {
        return rc;
    }

    rc = lu_td_sha256(arena, arch, artifact, err);
    if (rc != LU_OK) {
        return rc;
    }

    artifact->size = UINT64_MAX;

    if (lu_json_size(arch, "size", &artifact->size) == LU_INVALID) {
        return lu_error(err, &artifact->name,
                        "has a \"size\" that is not a whole number");
    }

    return LU_OK;
}


static lu_rc_e
lu_td_sha256(const lu_arena_t *arena, const cJSON *arch,
    lu_td_artifact_t *artifact, lu_error_t *err)
{
    size_t    i;
    lu_rc_e   rc;
    lu_str_t  hex;

    rc = lu_json_string(arch, "sha256", &hex);

    if (rc == LU_NOT_FOUND) {
        return LU_OK;
    }

    if (rc != LU_OK) {
        goto invalid;
    }

    hex = lu_str_dup(arena, hex.data, hex.len);
    if (hex.data == NULL) {
        return LU_NOMEM;
    }

    for (i = 0; i < hex.len; i++) {
        if (hex.data[i] >= 'A' && hex.data[i] <= 'F') {
            hex.data[i] |= 0x20;
        }
    }

    if (!lu_sha256_hex_valid(&hex)) {
        goto invalid;
    }

    artifact->sha256 = hex;

    return LU_OK;

invalid:

    return lu_error(err, &artifact->name,
                    "has a \"sha256\" that is not 64 hex digits");
}


/* The subject is a key of the tree, which does not live as long as it. */

static lu_rc_e
lu_td_refuse(const lu_arena_t *arena, const char *key, const char *text,
    lu_error_t *err)
{
    lu_str_t  subject;

    subject = lu_str_dup(arena, key, strlen(key));
    if (subject.data == NULL) {
        return LU_NOMEM;
    }

    return lu_error(err, &subject, text);
}


char *
lu_td_print(const char *version, const char *created,
    const lu_td_artifact_t *files, size_t n)
{
    char     *text;
    cJSON    *json, *artifacts;
    size_t    i;
    lu_put_t  put;

    lu_put_init(&put);

    json = cJSON_CreateObject();

    artifacts = lu_put_object(&put, json, "artifacts");

    lu_put_string(&put, json, "createdAt", created);
    lu_put_string(&put, json, "version", version);

    for (i = 0; i < n; i++) {
        lu_td_put(&put, artifacts, &files[i]);
    }

    json = lu_put_done(&put, json);

    text = json ? cJSON_Print(json) : NULL;

    cJSON_Delete(json);

    return text;
}


static void
lu_td_put(lu_put_t *put, cJSON *artifacts, const lu_td_artifact_t *file)
{
    char        *url;
    cJSON       *artifact, *item;
    const char  *kind, *arch;

    kind = lu_td_kind(&file->name);
    arch = lu_td_arch(&file->name);

    if (kind == NULL) {
        return;
    }

    artifact = lu_json_get(artifacts, kind);

    if (artifact == NULL) {
        artifact = lu_put_object(put, artifacts, kind);
    }

    if (lu_json_get(artifact, arch)) {
        return;
    }

    url = lu_td_escape(&file->name);

    item = lu_put_object(put, artifact, arch);

    lu_put_str(put, item, "path", &file->name);
    lu_put_string(put, item, "url", url);
    lu_put_str(put, item, "sha256", &file->sha256);
    lu_put_number(put, item, "size", (double) file->size);

    free(url);
}


static const char *
lu_td_kind(const lu_str_t *name)
{
    int  i;

    static const struct {
        const char  *ending;
        const char  *kind;
    } kinds[] = {
        { ".exe", "nsis" },
        { ".msi", "msi" },
        { ".appx", "appx" },
        { ".zip", "zip" },
        { ".dmg", "dmg" },
        { ".pkg", "pkg" },
        { ".AppImage", "appImage" },
        { ".deb", "deb" },
        { ".rpm", "rpm" },
        { ".snap", "snap" },
        { NULL, NULL }
    };

    for (i = 0; kinds[i].ending; i++) {
        if (name->len > strlen(kinds[i].ending)
            && lu_str_ends(name, kinds[i].ending))
        {
            return kinds[i].kind;
        }
    }

    return NULL;
}


/* electron-builder leaves x64 out of the names where it is the default. */

static const char *
lu_td_arch(const lu_str_t *name)
{
    if (lu_str_has(name, "arm64") || lu_str_has(name, "aarch64")) {
        return "arm64";
    }

    if (lu_str_has(name, "ia32")
        || lu_str_has(name, "i386")
        || lu_str_has(name, "i686"))
    {
        return "ia32";
    }

    return lu_str_has(name, "universal") ? "universal" : "x64";
}


/* Percent-encoded but for what RFC 3986 calls unreserved; from malloc(). */

static char *
lu_td_escape(const lu_str_t *name)
{
    char          *escaped;
    size_t         i;
    unsigned char  c, *p;

    escaped = malloc(3 * name->len + 1);
    if (escaped == NULL) {
        return NULL;
    }

    p = (unsigned char *) escaped;

    for (i = 0; i < name->len; i++) {
        c = name->data[i];

        if (lu_str_is_alnum(c)
            || c == '-' || c == '.' || c == '_' || c == '~')
        {
            *p++ = c;

        } else {
            p = lu_hex_percent(p, c);
        }
    }

    *p = '\0';

    return escaped;
}
