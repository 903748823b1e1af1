
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_github.h"
#include "lu_print.h"
#include "lu_put.h"
#include "lu_text.h"
#include "lu_time.h"

#include <openssl/evp.h>


#define LU_GITHUB_COMMITS  20
#define LU_GITHUB_HEADS    "refs/heads/"
#define LU_GITHUB_SHA      64

/* of "2026-12-30 12:00:00" */

#define LU_GITHUB_DATE     10
#define LU_GITHUB_TIME     19


static lu_rc_e lu_github_repository(const cJSON *body,
    lu_github_event_t *event, lu_error_t *err);
static void lu_github_commit(const cJSON *object, const char *key,
    lu_str_t *commit);
static void lu_github_touches(const cJSON *body, lu_github_event_t *event);
static int lu_github_names(const cJSON *commit, const char *file);
static lu_rc_e lu_github_ref(const cJSON *object, const char *key,
    lu_str_t *ref, lu_error_t *err);
static lu_rc_e lu_github_missing(const char *key, lu_error_t *err);
static lu_rc_e lu_github_tree(const lu_str_t *text, const char *name,
    cJSON *empty, cJSON **tree, lu_error_t *err);


lu_rc_e
lu_github_push(const cJSON *body, lu_github_event_t *event, lu_error_t *err)
{
    size_t    len;
    lu_rc_e   rc;
    lu_str_t  ref;

    memset(event, 0, sizeof(lu_github_event_t));

    rc = lu_github_repository(body, event, err);
    if (rc != LU_OK) {
        return rc;
    }

    if (lu_json_string(body, "ref", &ref) != LU_OK) {
        return lu_github_missing("ref", err);
    }

    len = sizeof(LU_GITHUB_HEADS) - 1;

    if (ref.len > len && memcmp(ref.data, LU_GITHUB_HEADS, len) == 0) {
        event->branch.len = ref.len - len;
        event->branch.data = ref.data + len;
    }

    lu_github_commit(body, "before", &event->before);
    lu_github_commit(body, "after", &event->after);

    lu_github_touches(body, event);

    return LU_OK;
}


lu_rc_e
lu_github_pull_request(const cJSON *body, lu_github_event_t *event,
    lu_error_t *err)
{
    int           merged;
    lu_rc_e       rc;
    lu_str_t      action, repository;
    const cJSON  *pull, *from;

    memset(event, 0, sizeof(lu_github_event_t));

    rc = lu_github_repository(body, event, err);
    if (rc != LU_OK) {
        return rc;
    }

    if (lu_json_string(body, "action", &action) != LU_OK) {
        return lu_github_missing("action", err);
    }

    pull = lu_json_get(body, "pull_request");

    if (!cJSON_IsObject(pull)) {
        return lu_github_missing("pull_request", err);
    }

    if (lu_json_size(pull, "number", &event->number) != LU_OK) {
        return lu_github_missing("number", err);
    }

    rc = lu_github_ref(pull, "head", &event->branch, err);
    if (rc != LU_OK) {
        return rc;
    }

    rc = lu_github_ref(pull, "base", &event->target, err);
    if (rc != LU_OK) {
        return rc;
    }

    /* any fork may have a branch of the same name */

    from = lu_json_get(lu_json_get(pull, "head"), "repo");

    event->is_fork = lu_json_string(from, "full_name", &repository) != LU_OK
                     || !lu_str_eq(&repository, &event->repository);

    merged = 0;
    (void) lu_json_bool(pull, "merged", &merged);

    event->closed = lu_str_is(&action, "closed");
    event->merged = merged;

    lu_github_commit(pull, "merge_commit_sha", &event->after);

    return LU_OK;
}


static lu_rc_e
lu_github_repository(const cJSON *body, lu_github_event_t *event,
    lu_error_t *err)
{
    const cJSON  *repository;

    if (!cJSON_IsObject(body)) {
        return lu_error(err, NULL, "the body is not a JSON object");
    }

    repository = lu_json_get(body, "repository");

    if (!cJSON_IsObject(repository)
        || lu_json_string(repository, "full_name", &event->repository)
           != LU_OK)
    {
        return lu_github_missing("repository", err);
    }

    (void) lu_json_string(repository, "default_branch", &event->base);
    (void) lu_json_size(repository, "id", &event->id);

    return LU_OK;
}


/* A branch that is created or deleted has zeros in the place of a commit. */

static void
lu_github_commit(const cJSON *object, const char *key, lu_str_t *commit)
{
    size_t    i;
    lu_str_t  sha;

    if (lu_json_string(object, key, &sha) != LU_OK
        || sha.len > LU_GITHUB_SHA
        || strspn((char *) sha.data, "0") == sha.len)
    {
        return;
    }

    for (i = 0; i < sha.len; i++) {
        if (!((sha.data[i] >= '0' && sha.data[i] <= '9')
              || (sha.data[i] >= 'a' && sha.data[i] <= 'z')))
        {
            return;
        }
    }

    *commit = sha;
}


/*
 * GitHub leaves commits out of large pushes; these may change the files, too.
 */

static void
lu_github_touches(const cJSON *body, lu_github_event_t *event)
{
    int           n;
    const cJSON  *commits, *commit;

    commits = lu_json_get(body, "commits");

    n = cJSON_IsArray(commits) ? cJSON_GetArraySize(commits) : 0;

    cJSON_ArrayForEach(commit, commits) {
        event->builds |= lu_github_names(commit, LU_GITHUB_BUILDS);
        event->rules |= lu_github_names(commit, LU_GITHUB_RELEASES);
    }

    event->touches = event->builds
                     || event->rules
                     || n == 0
                     || n >= LU_GITHUB_COMMITS
                     || cJSON_IsTrue(lu_json_get(body, "forced"));
}


static int
lu_github_names(const cJSON *commit, const char *file)
{
    size_t        i;
    const cJSON  *item;

    static const char  *members[] = { "added", "modified", "removed", NULL };

    for (i = 0; members[i]; i++) {
        cJSON_ArrayForEach(item, lu_json_get(commit, members[i])) {
            if (cJSON_IsString(item) && strcmp(item->valuestring, file) == 0) {
                return 1;
            }
        }
    }

    return 0;
}


static lu_rc_e
lu_github_ref(const cJSON *object, const char *key, lu_str_t *ref,
    lu_error_t *err)
{
    const cJSON  *side;

    side = lu_json_get(object, key);

    if (!cJSON_IsObject(side) || lu_json_string(side, "ref", ref) != LU_OK) {
        return lu_github_missing(key, err);
    }

    return LU_OK;
}


static lu_rc_e
lu_github_missing(const char *key, lu_error_t *err)
{
    lu_str_t  subject;

    subject = lu_str(key);

    return lu_error(err, &subject, "is missing or has an unexpected value");
}


/* Made a timestamp of RFC 3339, which says the same. */

lu_rc_e
lu_github_until(const lu_str_t *text, time_t *until)
{
    char      buf[sizeof("2026-12-30T12:00:00+00:00")];
    lu_str_t  time, zone;

    if (text->len < LU_GITHUB_TIME + 1
        || text->data[LU_GITHUB_DATE] != ' '
        || text->data[LU_GITHUB_TIME] != ' ')
    {
        return LU_INVALID;
    }

    zone.data = text->data + LU_GITHUB_TIME + 1;
    zone.len = text->len - LU_GITHUB_TIME - 1;

    memcpy(buf, text->data, LU_GITHUB_TIME);
    buf[LU_GITHUB_DATE] = 'T';

    if (lu_str_is(&zone, "UTC")) {
        memcpy(buf + LU_GITHUB_TIME, "Z", sizeof("Z"));

    } else if (zone.len == sizeof("+0000") - 1) {
        memcpy(buf + LU_GITHUB_TIME, zone.data, 3);
        buf[LU_GITHUB_TIME + 3] = ':';
        memcpy(buf + LU_GITHUB_TIME + 4, zone.data + 3, 2);
        buf[LU_GITHUB_TIME + 6] = '\0';

    } else {
        return LU_INVALID;
    }

    time = lu_str(buf);

    return lu_time_parse(&time, until);
}


lu_rc_e
lu_github_content(const lu_arena_t *arena, const cJSON *answer, lu_str_t *text,
    lu_str_t *sha, lu_error_t *err)
{
    int             n;
    size_t          i, len, padding;
    lu_str_t        content, encoding;
    unsigned char  *base64;

    if (lu_json_string(answer, "sha", sha) != LU_OK) {
        return lu_github_missing("sha", err);
    }

    if (lu_json_string(answer, "content", &content) != LU_OK
        || lu_json_string(answer, "encoding", &encoding) != LU_OK)
    {
        return lu_github_missing("content", err);
    }

    if (lu_str_is(&encoding, "none")) {
        return LU_NOT_FOUND;
    }

    if (!lu_str_is(&encoding, "base64")) {
        return lu_github_missing("encoding", err);
    }

    base64 = arena->alloc(arena->data, content.len + 1);
    text->data = arena->alloc(arena->data, content.len + 1);

    if (base64 == NULL || text->data == NULL) {
        return LU_NOMEM;
    }

    len = 0;

    for (i = 0; i < content.len; i++) {
        if (content.data[i] != '\n' && content.data[i] != '\r') {
            base64[len++] = content.data[i];
        }
    }

    padding = 0;

    while (padding < 2 && padding < len && base64[len - 1 - padding] == '=') {
        padding++;
    }

    n = EVP_DecodeBlock(text->data, base64, (int) len);

    if (len % 4 || n < (int) padding) {
        return lu_github_missing("content", err);
    }

    text->len = (size_t) n - padding;
    text->data[text->len] = '\0';

    return LU_OK;
}


char *
lu_github_put(const char *message, const char *text, const char *branch,
    const lu_str_t *sha)
{
    char           *body;
    cJSON          *json;
    size_t          len;
    lu_put_t        put;
    unsigned char  *base64;

    len = strlen(text);

    base64 = malloc(len / 3 * 4 + 5);
    if (base64 == NULL) {
        return NULL;
    }

    (void) EVP_EncodeBlock(base64, (const unsigned char *) text, (int) len);

    lu_put_init(&put);

    json = cJSON_CreateObject();

    lu_put_string(&put, json, "message", message);
    lu_put_string(&put, json, "content", (char *) base64);
    lu_put_string(&put, json, "branch", branch);

    if (sha->len) {
        lu_put_str(&put, json, "sha", sha);
    }

    json = lu_put_done(&put, json);

    body = json ? cJSON_PrintUnformatted(json) : NULL;

    cJSON_Delete(json);
    free(base64);

    return body;
}


lu_rc_e
lu_github_builds(const lu_str_t *text, cJSON **builds, lu_error_t *err)
{
    lu_rc_e  rc;

    rc = lu_github_tree(text, LU_GITHUB_BUILDS, cJSON_CreateArray(), builds,
                        err);
    if (rc != LU_OK) {
        return rc;
    }

    if (!cJSON_IsArray(*builds)) {
        cJSON_Delete(*builds);
        *builds = NULL;

        return lu_error(err, NULL, LU_GITHUB_BUILDS " is not an array of "
                        "builds");
    }

    return LU_OK;
}


lu_rc_e
lu_github_rules(const lu_str_t *text, cJSON **rules, lu_error_t *err)
{
    lu_rc_e  rc;

    rc = lu_github_tree(text, LU_GITHUB_RELEASES, cJSON_CreateObject(), rules,
                        err);
    if (rc != LU_OK) {
        return rc;
    }

    if (!cJSON_IsObject(*rules)) {
        cJSON_Delete(*rules);
        *rules = NULL;

        return lu_error(err, NULL, LU_GITHUB_RELEASES
                        " is not a JSON object");
    }

    return LU_OK;
}


static lu_rc_e
lu_github_tree(const lu_str_t *text, const char *name, cJSON *empty,
    cJSON **tree, lu_error_t *err)
{
    lu_rc_e   rc;
    lu_str_t  subject;

    *tree = empty;

    if (text->len == 0) {
        return empty ? LU_OK : LU_NOMEM;
    }

    cJSON_Delete(empty);

    rc = lu_json_parse(tree, text, err);

    if (rc == LU_INVALID) {
        subject = lu_str(name);

        return lu_error(err, &subject, "is not valid JSON");
    }

    return rc;
}


int
lu_github_has_build(const cJSON *builds, const char *id)
{
    int           released;
    lu_str_t      value;
    const cJSON  *build;

    cJSON_ArrayForEach(build, builds) {

        if (lu_json_string(build, "id", &value) != LU_OK
            || !lu_str_is(&value, id))
        {
            continue;
        }

        released = 1;
        (void) lu_json_bool(build, "isReleased", &released);

        if (released) {
            return 1;
        }
    }

    return 0;
}


lu_rc_e
lu_github_add_build(const lu_str_t *text, const char *id, const char *version,
    const char *now, char **out, lu_error_t *err)
{
    cJSON    *builds, *build;
    lu_rc_e   rc;
    lu_put_t  put;

    *out = NULL;

    rc = lu_github_builds(text, &builds, err);
    if (rc != LU_OK) {
        return rc;
    }

    if (lu_github_has_build(builds, id)) {
        cJSON_Delete(builds);
        return LU_OK;
    }

    lu_put_init(&put);

    build = lu_put_object(&put, builds, NULL);

    lu_put_string(&put, build, "id", id);
    lu_put_string(&put, build, "version", version);
    lu_put_string(&put, build, "createdAt", now);
    lu_put_bool(&put, build, "isReleased", 1);

    if (!put.failed) {
        *out = lu_print(builds);
    }

    cJSON_Delete(builds);

    return *out ? LU_OK : LU_NOMEM;
}


lu_rc_e
lu_github_set_rules(const lu_str_t *text, const cJSON *release_info,
    char **out, lu_error_t *err)
{
    cJSON        *rules, *was;
    size_t        i;
    lu_rc_e       rc;
    const cJSON  *item;

    static const char  *members[] = {
        "latestReleaseBuildId", "releaseRedirections", NULL
    };

    *out = NULL;

    rc = lu_github_rules(text, &rules, err);
    if (rc != LU_OK) {
        return rc;
    }

    was = cJSON_Duplicate(rules, 1);
    rc = was ? LU_OK : LU_NOMEM;

    for (i = 0; rc == LU_OK && members[i]; i++) {

        item = lu_json_get(release_info, members[i]);

        if (item && !cJSON_IsNull(item)) {
            rc = lu_json_set(rules, members[i], cJSON_Duplicate(item, 1));
        }
    }

    if (rc == LU_OK && !cJSON_Compare(was, rules, 1)) {
        *out = lu_print(rules);
        rc = *out ? LU_OK : LU_NOMEM;
    }

    cJSON_Delete(was);
    cJSON_Delete(rules);

    return rc;
}


char *
lu_github_pull(const cJSON *release, const cJSON *files, const cJSON *effects,
    const cJSON *warnings, const char *branch, const char *base)
{
    char      *text, *body;
    cJSON     *pull;
    lu_put_t   put;
    lu_str_t   id, version;
    lu_text_t  title;

    if (lu_json_string(release, "id", &id) != LU_OK
        || lu_json_string(release, "version", &version) != LU_OK)
    {
        return NULL;
    }

    lu_text_init(&title);

    lu_text_puts(&title, "[release] Add build ");
    lu_text_puts(&title, (char *) id.data);
    lu_text_puts(&title, " (v");
    lu_text_puts(&title, (char *) version.data);
    lu_text_puts(&title, ")");

    body = lu_print_release(release, files, effects, warnings);

    lu_put_init(&put);

    pull = cJSON_CreateObject();

    lu_put_string(&put, pull, "title", title.data);
    lu_put_string(&put, pull, "head", branch);
    lu_put_string(&put, pull, "base", base);
    lu_put_string(&put, pull, "body", body);

    pull = lu_put_done(&put, pull);

    text = pull ? cJSON_PrintUnformatted(pull) : NULL;

    cJSON_Delete(pull);
    free(title.data);
    free(body);

    return text;
}
