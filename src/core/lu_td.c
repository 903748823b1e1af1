
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_td.h"
#include "lu_manifest.h"
#include "lu_name.h"


static liveupdate_rc_e liveupdate_td_read(const liveupdate_arena_t *arena,
    const cJSON *json, liveupdate_td_t *td, liveupdate_error_t *err);
static liveupdate_rc_e liveupdate_td_version(const liveupdate_arena_t *arena,
    const cJSON *json, liveupdate_str_t *version, liveupdate_error_t *err);
static liveupdate_rc_e liveupdate_td_count(const liveupdate_arena_t *arena,
    const cJSON *artifacts, size_t *n, liveupdate_error_t *err);
static liveupdate_rc_e liveupdate_td_artifact(const liveupdate_arena_t *arena,
    const cJSON *json, const cJSON *arch, liveupdate_td_artifact_t *artifact,
    liveupdate_error_t *err);
static liveupdate_rc_e liveupdate_td_sha256(const liveupdate_arena_t *arena,
    const cJSON *arch, liveupdate_td_artifact_t *artifact,
    liveupdate_error_t *err);
static liveupdate_rc_e liveupdate_td_refuse(const liveupdate_arena_t *arena,
    const char *key, const char *text, liveupdate_error_t *err);
static int liveupdate_td_add(cJSON *artifacts,
    const liveupdate_td_artifact_t *file);
static const char *liveupdate_td_kind(const liveupdate_str_t *name);
static const char *liveupdate_td_arch(const liveupdate_str_t *name);
static int liveupdate_td_has(const liveupdate_str_t *name, const char *word);
static char *liveupdate_td_escape(const liveupdate_str_t *name);


liveupdate_rc_e
liveupdate_td_parse(const liveupdate_arena_t *arena,
    const liveupdate_str_t *text, liveupdate_td_t *td,
    liveupdate_error_t *err)
{
    cJSON            *json;
    liveupdate_rc_e   rc;

    rc = liveupdate_json_parse(&json, text, err);
    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    rc = liveupdate_td_read(arena, json, td, err);

    cJSON_Delete(json);

    return rc;
}


static liveupdate_rc_e
liveupdate_td_read(const liveupdate_arena_t *arena, const cJSON *json,
    liveupdate_td_t *td, liveupdate_error_t *err)
{
    size_t            n;
    const cJSON      *artifacts, *artifact, *arch;
    liveupdate_rc_e   rc;

    memset(td, 0, sizeof(liveupdate_td_t));

    if (!cJSON_IsObject(json)) {
        return liveupdate_refuse(err, NULL,
                                 "the manifest is not a JSON object");
    }

    rc = liveupdate_td_version(arena, json, &td->version, err);
    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    artifacts = cJSON_GetObjectItemCaseSensitive(json, "artifacts");

    rc = liveupdate_td_count(arena, artifacts, &n, err);
    if (rc != LIVEUPDATE_OK || n == 0) {
        return rc;
    }

    td->artifacts = arena->alloc(arena->data,
                                 n * sizeof(liveupdate_td_artifact_t));
    if (td->artifacts == NULL) {
        return LIVEUPDATE_NOMEM;
    }

    for (artifact = artifacts->child; artifact; artifact = artifact->next) {

        for (arch = artifact->child; arch; arch = arch->next) {

            if (cJSON_IsNull(arch)) {
                continue;
            }

            rc = liveupdate_td_artifact(arena, artifact, arch,
                                        &td->artifacts[td->nartifacts], err);
            if (rc != LIVEUPDATE_OK) {
                return rc;
            }

            td->nartifacts++;
        }
    }

    return LIVEUPDATE_OK;
}


static liveupdate_rc_e
liveupdate_td_version(const liveupdate_arena_t *arena, const cJSON *json,
    liveupdate_str_t *version, liveupdate_error_t *err)
{
    liveupdate_rc_e   rc;
    liveupdate_str_t  value;

    rc = liveupdate_json_string(json, "version", &value);

    if (rc == LIVEUPDATE_NOT_FOUND) {
        return LIVEUPDATE_OK;
    }

    if (rc != LIVEUPDATE_OK || !liveupdate_label_valid(&value)) {
        return liveupdate_td_refuse(arena, "version",
                   "is not a string of 1 to 128 bytes without control"
                   " characters", err);
    }

    *version = liveupdate_str_dup(arena, value.data, value.len);

    return version->data ? LIVEUPDATE_OK : LIVEUPDATE_NOMEM;
}


/* How many artifacts there are; what is not null is an object. */

static liveupdate_rc_e
liveupdate_td_count(const liveupdate_arena_t *arena, const cJSON *artifacts,
    size_t *n, liveupdate_error_t *err)
{
    const cJSON  *artifact, *arch;

    *n = 0;

    if (artifacts == NULL || cJSON_IsNull(artifacts)) {
        return LIVEUPDATE_OK;
    }

    if (!cJSON_IsObject(artifacts)) {
        return liveupdate_td_refuse(arena, "artifacts", "is not an object",
                                    err);
    }

    for (artifact = artifacts->child; artifact; artifact = artifact->next) {

        if (cJSON_IsNull(artifact)) {
            continue;
        }

        if (!cJSON_IsObject(artifact)) {
            return liveupdate_td_refuse(arena, artifact->string,
                       "is an artifact that is not an object", err);
        }

        for (arch = artifact->child; arch; arch = arch->next) {

            if (cJSON_IsNull(arch)) {
                continue;
            }

            if (!cJSON_IsObject(arch)) {
                return liveupdate_td_refuse(arena, artifact->string,
                           "is an artifact with an architecture that is not"
                           " an object", err);
            }

            (*n)++;
        }
    }

    return LIVEUPDATE_OK;
}


static liveupdate_rc_e
liveupdate_td_artifact(const liveupdate_arena_t *arena, const cJSON *json,
    const cJSON *arch, liveupdate_td_artifact_t *artifact,
    liveupdate_error_t *err)
{
    liveupdate_rc_e   rc;
    liveupdate_str_t  url;

    memset(artifact, 0, sizeof(liveupdate_td_artifact_t));

    artifact->artifact = liveupdate_str_dup(arena, json->string,
                                            strlen(json->string));
    artifact->arch = liveupdate_str_dup(arena, arch->string,
                                        strlen(arch->string));

    if (artifact->artifact.data == NULL || artifact->arch.data == NULL) {
        return LIVEUPDATE_NOMEM;
    }

    if (liveupdate_json_string(arch, "url", &url) != LIVEUPDATE_OK) {
        return liveupdate_refuse(err, &artifact->artifact,
                   "is an artifact without a \"url\" string");
    }

    artifact->is_installer = strstr((char *) url.data, "Mac%20Installer")
                             != NULL;

    /* the reason points to the URL, which goes with the tree */

    url = liveupdate_str_dup(arena, url.data, url.len);
    if (url.data == NULL) {
        return LIVEUPDATE_NOMEM;
    }

    rc = liveupdate_file_name_of_url(arena, &url, &artifact->name, err);
    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    rc = liveupdate_td_sha256(arena, arch, artifact, err);
    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    artifact->size = UINT64_MAX;

    if (liveupdate_json_size(arch, "size", &artifact->size)
        == LIVEUPDATE_INVALID)
    {
        return liveupdate_refuse(err, &artifact->name,
                                 "has a \"size\" that is not a whole number");
    }

    return LIVEUPDATE_OK;
}


static liveupdate_rc_e
liveupdate_td_sha256(const liveupdate_arena_t *arena, const cJSON *arch,
    liveupdate_td_artifact_t *artifact, liveupdate_error_t *err)
{
    size_t            i;
    liveupdate_rc_e   rc;
    liveupdate_str_t  hex;

    rc = liveupdate_json_string(arch, "sha256", &hex);

    if (rc == LIVEUPDATE_NOT_FOUND) {
        return LIVEUPDATE_OK;
    }

    if (rc != LIVEUPDATE_OK) {
        goto invalid;
    }

    hex = liveupdate_str_dup(arena, hex.data, hex.len);
    if (hex.data == NULL) {
        return LIVEUPDATE_NOMEM;
    }

    for (i = 0; i < hex.len; i++) {
        if (hex.data[i] >= 'A' && hex.data[i] <= 'F') {
            hex.data[i] |= 0x20;
        }
    }

    if (!liveupdate_sha256_valid(&hex)) {
        goto invalid;
    }

    artifact->sha256 = hex;

    return LIVEUPDATE_OK;

invalid:

    return liveupdate_refuse(err, &artifact->name,
                             "has a \"sha256\" that is not 64 hex digits");
}


/* The subject is a key of the tree, which does not live as long as it. */

static liveupdate_rc_e
liveupdate_td_refuse(const liveupdate_arena_t *arena, const char *key,
    const char *text, liveupdate_error_t *err)
{
    liveupdate_str_t  subject;

    subject = liveupdate_str_dup(arena, key, strlen(key));
    if (subject.data == NULL) {
        return LIVEUPDATE_NOMEM;
    }

    return liveupdate_refuse(err, &subject, text);
}


char *
liveupdate_td_print(const char *version, const char *created,
    const liveupdate_td_artifact_t *files, size_t n)
{
    char    *text;
    cJSON   *json, *artifacts;
    size_t   i;

    text = NULL;
    json = cJSON_CreateObject();
    artifacts = cJSON_AddObjectToObject(json, "artifacts");

    if (artifacts == NULL
        || cJSON_AddStringToObject(json, "createdAt", created) == NULL
        || cJSON_AddStringToObject(json, "version", version) == NULL)
    {
        goto done;
    }

    for (i = 0; i < n; i++) {
        if (!liveupdate_td_add(artifacts, &files[i])) {
            goto done;
        }
    }

    text = cJSON_Print(json);

done:

    cJSON_Delete(json);

    return text;
}


/* 1, or 0: out of memory. */

static int
liveupdate_td_add(cJSON *artifacts, const liveupdate_td_artifact_t *file)
{
    int          added;
    char        *url;
    cJSON       *artifact, *item;
    const char  *kind, *arch;

    kind = liveupdate_td_kind(&file->name);
    arch = liveupdate_td_arch(&file->name);

    if (kind == NULL) {
        return 1;
    }

    artifact = cJSON_GetObjectItemCaseSensitive(artifacts, kind);

    if (artifact == NULL) {
        artifact = cJSON_AddObjectToObject(artifacts, kind);
    }

    if (cJSON_GetObjectItemCaseSensitive(artifact, arch)) {
        return 1;
    }

    item = cJSON_AddObjectToObject(artifact, arch);
    url = liveupdate_td_escape(&file->name);

    added = url
            && cJSON_AddStringToObject(item, "path", (char *) file->name.data)
            && cJSON_AddStringToObject(item, "url", url)
            && cJSON_AddStringToObject(item, "sha256",
                                       (char *) file->sha256.data)
            && cJSON_AddNumberToObject(item, "size", (double) file->size);

    free(url);

    return added;
}


static const char *
liveupdate_td_kind(const liveupdate_str_t *name)
{
    int     i;
    size_t  len;

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
        len = strlen(kinds[i].ending);

        if (name->len > len
            && memcmp(name->data + name->len - len, kinds[i].ending, len) == 0)
        {
            return kinds[i].kind;
        }
    }

    return NULL;
}


/* electron-builder leaves x64 out of the names where it is the default. */

static const char *
liveupdate_td_arch(const liveupdate_str_t *name)
{
    if (liveupdate_td_has(name, "arm64") || liveupdate_td_has(name, "aarch64"))
    {
        return "arm64";
    }

    if (liveupdate_td_has(name, "ia32")
        || liveupdate_td_has(name, "i386")
        || liveupdate_td_has(name, "i686"))
    {
        return "ia32";
    }

    return liveupdate_td_has(name, "universal") ? "universal" : "x64";
}


static int
liveupdate_td_has(const liveupdate_str_t *name, const char *word)
{
    size_t  i, len;

    len = strlen(word);

    for (i = 0; i + len <= name->len; i++) {
        if (memcmp(name->data + i, word, len) == 0) {
            return 1;
        }
    }

    return 0;
}


/* Percent-encoded but for what RFC 3986 calls unreserved; from malloc(). */

static char *
liveupdate_td_escape(const liveupdate_str_t *name)
{
    char           *p, *escaped;
    size_t          i;
    unsigned char   c;

    static const char  hex[] = "0123456789ABCDEF";

    escaped = malloc(3 * name->len + 1);
    if (escaped == NULL) {
        return NULL;
    }

    p = escaped;

    for (i = 0; i < name->len; i++) {
        c = name->data[i];

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
            || (c >= '0' && c <= '9')
            || c == '-' || c == '.' || c == '_' || c == '~')
        {
            *p++ = (char) c;
            continue;
        }

        *p++ = '%';
        *p++ = hex[c >> 4];
        *p++ = hex[c & 0xf];
    }

    *p = '\0';

    return escaped;
}
