
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_github.h"
#include "lu_name.h"
#include "lu_print.h"

#include <openssl/evp.h>


#define LIVEUPDATE_GITHUB_COMMITS  20
#define LIVEUPDATE_GITHUB_HEADS    "refs/heads/"


static liveupdate_rc_e liveupdate_github_repository(const cJSON *body,
    liveupdate_github_event_t *event, liveupdate_error_t *err);
static int liveupdate_github_touches(const cJSON *body);
static int liveupdate_github_names(const cJSON *list);
static liveupdate_rc_e liveupdate_github_ref(const cJSON *object,
    const char *key, liveupdate_str_t *ref, liveupdate_error_t *err);
static liveupdate_rc_e liveupdate_github_missing(const char *key,
    liveupdate_error_t *err);
static liveupdate_rc_e liveupdate_github_tree(const liveupdate_str_t *text,
    const char *name, cJSON *empty, cJSON **tree, liveupdate_error_t *err);


liveupdate_rc_e
liveupdate_github_push(const cJSON *body, liveupdate_github_event_t *event,
    liveupdate_error_t *err)
{
    size_t            len;
    liveupdate_rc_e   rc;
    liveupdate_str_t  ref;

    memset(event, 0, sizeof(liveupdate_github_event_t));

    rc = liveupdate_github_repository(body, event, err);
    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    if (liveupdate_json_string(body, "ref", &ref) != LIVEUPDATE_OK) {
        return liveupdate_github_missing("ref", err);
    }

    len = sizeof(LIVEUPDATE_GITHUB_HEADS) - 1;

    if (ref.len > len && memcmp(ref.data, LIVEUPDATE_GITHUB_HEADS, len) == 0) {
        event->branch.len = ref.len - len;
        event->branch.data = ref.data + len;
    }

    event->touches = liveupdate_github_touches(body);

    return LIVEUPDATE_OK;
}


liveupdate_rc_e
liveupdate_github_pull_request(const cJSON *body,
    liveupdate_github_event_t *event, liveupdate_error_t *err)
{
    int                merged;
    const cJSON       *pull, *from;
    liveupdate_rc_e    rc;
    liveupdate_str_t   action, repository;

    memset(event, 0, sizeof(liveupdate_github_event_t));

    rc = liveupdate_github_repository(body, event, err);
    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    if (liveupdate_json_string(body, "action", &action) != LIVEUPDATE_OK) {
        return liveupdate_github_missing("action", err);
    }

    pull = cJSON_GetObjectItemCaseSensitive(body, "pull_request");

    if (!cJSON_IsObject(pull)) {
        return liveupdate_github_missing("pull_request", err);
    }

    if (liveupdate_json_size(pull, "number", &event->number) != LIVEUPDATE_OK)
    {
        return liveupdate_github_missing("number", err);
    }

    rc = liveupdate_github_ref(pull, "head", &event->branch, err);
    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    rc = liveupdate_github_ref(pull, "base", &event->target, err);
    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    /* a branch of the same name may be in anybody's fork */

    from = cJSON_GetObjectItemCaseSensitive(
               cJSON_GetObjectItemCaseSensitive(pull, "head"), "repo");

    event->is_fork = liveupdate_json_string(from, "full_name", &repository)
                     != LIVEUPDATE_OK
                     || !liveupdate_str_eq(&repository, &event->repository);

    merged = 0;
    (void) liveupdate_json_bool(pull, "merged", &merged);

    event->closed = liveupdate_str_is(&action, "closed");
    event->merged = merged;

    return LIVEUPDATE_OK;
}


static liveupdate_rc_e
liveupdate_github_repository(const cJSON *body,
    liveupdate_github_event_t *event, liveupdate_error_t *err)
{
    const cJSON  *repository;

    if (!cJSON_IsObject(body)) {
        return liveupdate_refuse(err, NULL, "the body is not a JSON object");
    }

    repository = cJSON_GetObjectItemCaseSensitive(body, "repository");

    if (!cJSON_IsObject(repository)
        || liveupdate_json_string(repository, "full_name", &event->repository)
           != LIVEUPDATE_OK)
    {
        return liveupdate_github_missing("repository", err);
    }

    (void) liveupdate_json_string(repository, "default_branch", &event->base);

    return LIVEUPDATE_OK;
}


/* What is not said, GitHub leaves out of large pushes, may be either. */

static int
liveupdate_github_touches(const cJSON *body)
{
    int           n;
    const cJSON  *commits, *commit;

    commits = cJSON_GetObjectItemCaseSensitive(body, "commits");

    n = cJSON_IsArray(commits) ? cJSON_GetArraySize(commits) : 0;

    if (n == 0
        || n >= LIVEUPDATE_GITHUB_COMMITS
        || cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(body, "forced")))
    {
        return 1;
    }

    cJSON_ArrayForEach(commit, commits) {
        if (liveupdate_github_names(
                cJSON_GetObjectItemCaseSensitive(commit, "added"))
            || liveupdate_github_names(
                   cJSON_GetObjectItemCaseSensitive(commit, "modified"))
            || liveupdate_github_names(
                   cJSON_GetObjectItemCaseSensitive(commit, "removed")))
        {
            return 1;
        }
    }

    return 0;
}


static int
liveupdate_github_names(const cJSON *list)
{
    const cJSON  *item;

    cJSON_ArrayForEach(item, list) {
        if (cJSON_IsString(item)
            && (strcmp(item->valuestring, LIVEUPDATE_GITHUB_BUILDS) == 0
                || strcmp(item->valuestring, LIVEUPDATE_GITHUB_RELEASES) == 0))
        {
            return 1;
        }
    }

    return 0;
}


static liveupdate_rc_e
liveupdate_github_ref(const cJSON *object, const char *key,
    liveupdate_str_t *ref, liveupdate_error_t *err)
{
    const cJSON  *side;

    side = cJSON_GetObjectItemCaseSensitive(object, key);

    if (!cJSON_IsObject(side)
        || liveupdate_json_string(side, "ref", ref) != LIVEUPDATE_OK)
    {
        return liveupdate_github_missing(key, err);
    }

    return LIVEUPDATE_OK;
}


static liveupdate_rc_e
liveupdate_github_missing(const char *key, liveupdate_error_t *err)
{
    liveupdate_str_t  subject;

    subject.len = strlen(key);
    subject.data = (unsigned char *) key;

    return liveupdate_refuse(err, &subject, "is missing, or is not what "
                             "GitHub sends");
}


liveupdate_rc_e
liveupdate_github_content(const liveupdate_arena_t *arena,
    const cJSON *answer, liveupdate_str_t *text, liveupdate_str_t *sha,
    liveupdate_error_t *err)
{
    int                n;
    size_t             i, len, padding;
    unsigned char     *base64;
    liveupdate_str_t   content, encoding;

    if (liveupdate_json_string(answer, "sha", sha) != LIVEUPDATE_OK) {
        return liveupdate_github_missing("sha", err);
    }

    if (liveupdate_json_string(answer, "content", &content) != LIVEUPDATE_OK
        || liveupdate_json_string(answer, "encoding", &encoding)
           != LIVEUPDATE_OK
        || !liveupdate_str_is(&encoding, "base64"))
    {
        return liveupdate_github_missing("content", err);
    }

    base64 = arena->alloc(arena->data, content.len + 1);
    text->data = arena->alloc(arena->data, content.len + 1);

    if (base64 == NULL || text->data == NULL) {
        return LIVEUPDATE_NOMEM;
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
        return liveupdate_github_missing("content", err);
    }

    text->len = (size_t) n - padding;
    text->data[text->len] = '\0';

    return LIVEUPDATE_OK;
}


char *
liveupdate_github_put(const char *message, const char *text,
    const char *branch, const liveupdate_str_t *sha)
{
    char           *body;
    cJSON          *put;
    size_t          len;
    unsigned char  *base64;

    body = NULL;

    len = strlen(text);
    base64 = malloc(len / 3 * 4 + 5);
    put = cJSON_CreateObject();

    if (base64 == NULL) {
        goto done;
    }

    (void) EVP_EncodeBlock(base64, (const unsigned char *) text, (int) len);

    if (cJSON_AddStringToObject(put, "message", message) == NULL
        || cJSON_AddStringToObject(put, "content", (char *) base64) == NULL
        || cJSON_AddStringToObject(put, "branch", branch) == NULL
        || (sha->len
            && cJSON_AddStringToObject(put, "sha", (char *) sha->data)
               == NULL))
    {
        goto done;
    }

    body = cJSON_PrintUnformatted(put);

done:

    cJSON_Delete(put);
    free(base64);

    return body;
}


liveupdate_rc_e
liveupdate_github_builds(const liveupdate_str_t *text, cJSON **builds,
    liveupdate_error_t *err)
{
    const cJSON       *build;
    liveupdate_rc_e    rc;
    liveupdate_str_t   id;

    rc = liveupdate_github_tree(text, LIVEUPDATE_GITHUB_BUILDS,
                                cJSON_CreateArray(), builds, err);
    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    if (!cJSON_IsArray(*builds)) {
        goto invalid;
    }

    cJSON_ArrayForEach(build, *builds) {
        if (!cJSON_IsObject(build)
            || liveupdate_json_string(build, "id", &id) != LIVEUPDATE_OK
            || !liveupdate_id_valid(&id))
        {
            goto invalid;
        }
    }

    return LIVEUPDATE_OK;

invalid:

    cJSON_Delete(*builds);
    *builds = NULL;

    return liveupdate_refuse(err, NULL, LIVEUPDATE_GITHUB_BUILDS " is not an "
                             "array of builds with an \"id\" each");
}


liveupdate_rc_e
liveupdate_github_rules(const liveupdate_str_t *text, cJSON **rules,
    liveupdate_error_t *err)
{
    liveupdate_rc_e  rc;

    rc = liveupdate_github_tree(text, LIVEUPDATE_GITHUB_RELEASES,
                                cJSON_CreateObject(), rules, err);
    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    if (!cJSON_IsObject(*rules)) {
        cJSON_Delete(*rules);
        *rules = NULL;

        return liveupdate_refuse(err, NULL, LIVEUPDATE_GITHUB_RELEASES
                                 " is not a JSON object");
    }

    return LIVEUPDATE_OK;
}


static liveupdate_rc_e
liveupdate_github_tree(const liveupdate_str_t *text, const char *name,
    cJSON *empty, cJSON **tree, liveupdate_error_t *err)
{
    liveupdate_rc_e   rc;
    liveupdate_str_t  subject;

    *tree = empty;

    if (text->len == 0) {
        return empty ? LIVEUPDATE_OK : LIVEUPDATE_NOMEM;
    }

    cJSON_Delete(empty);

    rc = liveupdate_json_parse(tree, text, err);

    if (rc == LIVEUPDATE_INVALID) {
        subject.len = strlen(name);
        subject.data = (unsigned char *) name;

        return liveupdate_refuse(err, &subject, "is no valid JSON text");
    }

    return rc;
}


int
liveupdate_github_has_build(const cJSON *builds, const char *id)
{
    int                released;
    const cJSON       *build;
    liveupdate_str_t   value;

    cJSON_ArrayForEach(build, builds) {

        if (liveupdate_json_string(build, "id", &value) != LIVEUPDATE_OK
            || !liveupdate_str_is(&value, id))
        {
            continue;
        }

        released = 1;
        (void) liveupdate_json_bool(build, "isReleased", &released);

        if (released) {
            return 1;
        }
    }

    return 0;
}


cJSON *
liveupdate_github_rules_of(const cJSON *rules, const cJSON *builds,
    const char *latest)
{
    cJSON             *copy, *list, *item, *next;
    liveupdate_str_t   id;

    copy = cJSON_Duplicate(rules, 1);
    if (copy == NULL) {
        return NULL;
    }

    list = cJSON_GetObjectItemCaseSensitive(copy, "releaseRedirections");

    for (item = list ? list->child : NULL; item; item = next) {
        next = item->next;

        if (liveupdate_json_string(item, "buildId", &id) == LIVEUPDATE_OK
            && !liveupdate_github_has_build(builds, (char *) id.data))
        {
            cJSON_Delete(cJSON_DetachItemViaPointer(list, item));
        }
    }

    if (liveupdate_json_string(copy, "latestReleaseBuildId", &id)
        != LIVEUPDATE_OK
        || liveupdate_github_has_build(builds, (char *) id.data))
    {
        return copy;
    }

    cJSON_DeleteItemFromObjectCaseSensitive(copy, "latestReleaseBuildId");

    if (latest
        && cJSON_AddStringToObject(copy, "latestReleaseBuildId", latest)
           == NULL)
    {
        cJSON_Delete(copy);
        return NULL;
    }

    return copy;
}


liveupdate_rc_e
liveupdate_github_add_build(const liveupdate_str_t *text, const char *id,
    const char *version, const char *now, char **out, liveupdate_error_t *err)
{
    cJSON            *builds, *build;
    liveupdate_rc_e   rc;

    *out = NULL;

    rc = liveupdate_github_builds(text, &builds, err);
    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    if (liveupdate_github_has_build(builds, id)) {
        cJSON_Delete(builds);
        return LIVEUPDATE_OK;
    }

    rc = LIVEUPDATE_NOMEM;

    build = cJSON_CreateObject();

    if (cJSON_AddStringToObject(build, "id", id) == NULL
        || cJSON_AddStringToObject(build, "version", version) == NULL
        || cJSON_AddStringToObject(build, "createdAt", now) == NULL
        || cJSON_AddTrueToObject(build, "isReleased") == NULL
        || !cJSON_AddItemToArray(builds, build))
    {
        cJSON_Delete(build);

    } else {
        *out = liveupdate_print(builds);
        rc = *out ? LIVEUPDATE_OK : LIVEUPDATE_NOMEM;
    }

    cJSON_Delete(builds);

    return rc;
}


liveupdate_rc_e
liveupdate_github_set_rules(const liveupdate_str_t *text,
    const cJSON *release_info, char **out, liveupdate_error_t *err)
{
    size_t            i;
    cJSON            *rules, *was;
    const cJSON      *item;
    liveupdate_rc_e   rc;

    static const char  *members[] = {
        "latestReleaseBuildId", "releaseRedirections", NULL
    };

    *out = NULL;

    rc = liveupdate_github_rules(text, &rules, err);
    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    was = cJSON_Duplicate(rules, 1);
    rc = was ? LIVEUPDATE_OK : LIVEUPDATE_NOMEM;

    for (i = 0; rc == LIVEUPDATE_OK && members[i]; i++) {

        item = cJSON_GetObjectItemCaseSensitive(release_info, members[i]);

        if (item && !cJSON_IsNull(item)) {
            rc = liveupdate_json_set(rules, members[i],
                                     cJSON_Duplicate(item, 1));
        }
    }

    if (rc == LIVEUPDATE_OK && !cJSON_Compare(was, rules, 1)) {
        *out = liveupdate_print(rules);
        rc = *out ? LIVEUPDATE_OK : LIVEUPDATE_NOMEM;
    }

    cJSON_Delete(was);
    cJSON_Delete(rules);

    return rc;
}


char *
liveupdate_github_pull(const cJSON *release, const cJSON *files,
    const char *branch, const char *base)
{
    char               *text, *body;
    cJSON              *pull;
    liveupdate_str_t    id, version;
    liveupdate_text_t   title;

    if (liveupdate_json_string(release, "id", &id) != LIVEUPDATE_OK
        || liveupdate_json_string(release, "version", &version)
           != LIVEUPDATE_OK)
    {
        return NULL;
    }

    memset(&title, 0, sizeof(liveupdate_text_t));

    liveupdate_text_puts(&title, "[release] Add build ");
    liveupdate_text_puts(&title, (char *) id.data);
    liveupdate_text_puts(&title, " (v");
    liveupdate_text_puts(&title, (char *) version.data);
    liveupdate_text_puts(&title, ")");

    text = NULL;
    body = liveupdate_print_release(release, files);
    pull = cJSON_CreateObject();

    if (title.data
        && body
        && cJSON_AddStringToObject(pull, "title", title.data)
        && cJSON_AddStringToObject(pull, "head", branch)
        && cJSON_AddStringToObject(pull, "base", base)
        && cJSON_AddStringToObject(pull, "body", body))
    {
        text = cJSON_PrintUnformatted(pull);
    }

    cJSON_Delete(pull);
    free(title.data);
    free(body);

    return text;
}
