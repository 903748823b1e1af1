
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_artifact.h"
#include "lu_hex.h"
#include "lu_name.h"
#include "lu_put.h"
#include "lu_sha256.h"
#include "lu_td.h"


/*
 * Files are listed in this order, so that what is certain counts: those whose
 * name tells the architecture; whose manifest does; the others; and at last
 * those whose product may be called "universal".
 */

typedef enum {
    LU_TD_NAMED = 0,
    LU_TD_MANIFEST,
    LU_TD_DEFAULT,
    LU_TD_DOUBTFUL
} lu_td_pass_e;


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
static void lu_td_pass(lu_put_t *put, cJSON *artifacts, const cJSON *named,
    lu_td_pass_e pass, const char *version, const char *id,
    const lu_td_artifact_t *files, size_t n);
static const char *lu_td_arch(const cJSON *named, lu_td_pass_e pass,
    const lu_td_artifact_t *file, const lu_artifact_t *artifact);
static const char *lu_td_default(const cJSON *named, unsigned platform);
static void lu_td_put(lu_put_t *put, cJSON *artifacts, const char *kind,
    const char *arch, const lu_td_artifact_t *file);
static char *lu_td_escape(const lu_str_t *name);


lu_rc_e
lu_td_parse(const lu_arena_t *arena, const lu_str_t *text, lu_td_t *td,
    lu_error_t *err)
{
    cJSON    *json;
    lu_rc_e   rc;
    lu_str_t  rest;

    rest = *text;

    if (rest.len >= 3 && memcmp(rest.data, "\xef\xbb\xbf", 3) == 0) {
        rest.data += 3;
        rest.len -= 3;
    }

    rc = lu_json_parse(&json, &rest, err);
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


/* Counts the artifacts, and makes sure that each is an object or null. */

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

    /* the reason points to the URL, and must outlive the tree */

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


/* The subject is a key of the tree, which it must outlive. */

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
lu_td_print(const char *version, const char *id, const char *created,
    const lu_td_artifact_t *files, size_t n)
{
    char          *text;
    cJSON         *json, *artifacts, *named;
    lu_put_t       put;
    lu_td_pass_e   pass;

    lu_put_init(&put);

    json = cJSON_CreateObject();

    artifacts = lu_put_object(&put, json, "artifacts");

    lu_put_string(&put, json, "createdAt", created);
    lu_put_string(&put, json, "version", version);

    lu_td_pass(&put, artifacts, NULL, LU_TD_NAMED, version, id, files, n);

    /* which architectures have a file with their name */

    named = cJSON_Duplicate(artifacts, 1);

    if (named == NULL) {
        put.failed = 1;
    }

    for (pass = LU_TD_MANIFEST; pass <= LU_TD_DOUBTFUL; pass++) {
        lu_td_pass(&put, artifacts, named, pass, version, id, files, n);
    }

    cJSON_Delete(named);

    json = lu_put_done(&put, json);

    text = json ? cJSON_Print(json) : NULL;

    cJSON_Delete(json);

    return text;
}


static void
lu_td_pass(lu_put_t *put, cJSON *artifacts, const cJSON *named,
    lu_td_pass_e pass, const char *version, const char *id,
    const lu_td_artifact_t *files, size_t n)
{
    size_t         i;
    lu_str_t       number, build_id;
    const char    *arch;
    lu_artifact_t  artifact;

    number = lu_str(version);
    build_id = lu_str(id);

    for (i = 0; i < n && !put->failed; i++) {

        lu_artifact_parse(&files[i].name, &number, &build_id, &artifact);

        if (files[i].artifact.len) {
            artifact.kind = (char *) files[i].artifact.data;
        }

        if (artifact.kind == NULL) {
            continue;
        }

        arch = lu_td_arch(named, pass, &files[i], &artifact);

        if (arch) {
            lu_td_put(put, artifacts, artifact.kind, arch, &files[i]);
        }
    }
}


/* The architecture to list a file under in that pass, or NULL. */

static const char *
lu_td_arch(const cJSON *named, lu_td_pass_e pass, const lu_td_artifact_t *file,
    const lu_artifact_t *artifact)
{
    const char  *arch;

    arch = file->arch.len ? lu_artifact_arch(&file->arch) : NULL;

    switch (pass) {

    case LU_TD_NAMED:
        return artifact->arch;

    case LU_TD_MANIFEST:
        return artifact->arch ? NULL : arch;

    case LU_TD_DEFAULT:
        return (artifact->arch || arch)
               ? NULL : lu_td_default(lu_json_get(named, artifact->kind),
                                      artifact->platform);

    default: /* LU_TD_DOUBTFUL */
        return artifact->is_doubtful ? "x64" : NULL;
    }
}


/*
 * electron-builder leaves out x64, unless names are configured to have it.  A
 * file beside the one for x64 is an installer for all architectures or, on
 * macOS, may be that of another default.
 */

static const char *
lu_td_default(const cJSON *named, unsigned platform)
{
    if (lu_json_get(named, "x64") == NULL) {
        return "x64";
    }

    if (platform == LU_MAC && lu_json_get(named, "arm64") == NULL) {
        return "arm64";
    }

    return "universal";
}


static void
lu_td_put(lu_put_t *put, cJSON *artifacts, const char *kind, const char *arch,
    const lu_td_artifact_t *file)
{
    char   *url;
    cJSON  *artifact, *item;

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


/*
 * Percent-encodes all but unreserved characters (RFC 3986, section 2.3).
 * Text from malloc(), or NULL: out of memory.
 */

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
