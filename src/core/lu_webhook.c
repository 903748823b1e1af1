
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_builds.h"
#include "lu_desktop.h"
#include "lu_name.h"
#include "lu_route.h"
#include "lu_webhook.h"


typedef struct {
    const char             *key;
    size_t                  offset;
} lu_webhook_member_t;


static lu_rc_e lu_webhook_id(const lu_str_t *id, const char *key,
    lu_error_t *err);
static lu_rc_e lu_webhook_strings(const cJSON *object,
    const lu_webhook_member_t *members, lu_webhook_t *webhook,
    lu_error_t *err);
static lu_rc_e lu_webhook_object(const cJSON *body, const char *key,
    const cJSON **object, lu_error_t *err);
static lu_rc_e lu_webhook_refuse(const char *key, const char *text,
    lu_error_t *err);


static const lu_webhook_member_t  lu_webhook_members[] = {
    { "appId", offsetof(lu_webhook_t, app_id) },
    { "buildId", offsetof(lu_webhook_t, build_id) },
    { "appName", offsetof(lu_webhook_t, app_name) },
    { "appVersion", offsetof(lu_webhook_t, app_version) },
    { "userId", offsetof(lu_webhook_t, user_id) },
    { "buildStartedAt", offsetof(lu_webhook_t, started) },
    { "buildEndedAt", offsetof(lu_webhook_t, ended) },
    { "electronVersionUsed", offsetof(lu_webhook_t, electron) },
    { NULL, 0 }
};


static const lu_webhook_member_t  lu_webhook_commit[] = {
    { "commitId", offsetof(lu_webhook_t, commit) },
    { "commitMessage", offsetof(lu_webhook_t, commit_message) },
    { "branchName", offsetof(lu_webhook_t, branch) },
    { "repositoryRemoteUrl", offsetof(lu_webhook_t, remote) },
    { NULL, 0 }
};


lu_rc_e
lu_webhook_parse(const lu_arena_t *arena, const cJSON *body,
    lu_webhook_t *webhook, lu_error_t *err)
{
    lu_rc_e       rc;
    const cJSON  *commit;
    lu_desktop_t  desktop;

    memset(webhook, 0, sizeof(lu_webhook_t));

    if (!cJSON_IsObject(body)) {
        return lu_error(err, NULL, "the body is not a JSON object");
    }

    rc = lu_webhook_strings(body, lu_webhook_members, webhook, err);
    if (rc != LU_OK) {
        return rc;
    }

    rc = lu_webhook_id(&webhook->app_id, "appId", err);
    if (rc != LU_OK) {
        return rc;
    }

    rc = lu_webhook_id(&webhook->build_id, "buildId", err);
    if (rc != LU_OK) {
        return rc;
    }

    if (lu_route_takes(&webhook->build_id)) {
        return lu_webhook_refuse("buildId", "is a name that the API uses", err);
    }

    rc = lu_webhook_object(body, "versionControlInfo", &commit, err);
    if (rc != LU_OK) {
        return rc;
    }

    if (commit) {
        rc = lu_webhook_strings(commit, lu_webhook_commit, webhook, err);
        if (rc != LU_OK) {
            return rc;
        }
    }

    rc = lu_webhook_object(body, "releaseInfo", &webhook->release_info, err);
    if (rc != LU_OK || webhook->release_info == NULL) {
        return rc;
    }

    rc = lu_builds_rules_fit(webhook->release_info, err);
    if (rc != LU_OK) {
        return rc;
    }

    return lu_desktop_parse(arena, NULL, webhook->release_info, &desktop, err);
}


static lu_rc_e
lu_webhook_id(const lu_str_t *id, const char *key, lu_error_t *err)
{
    if (id->len == 0) {
        return lu_webhook_refuse(key, "is missing", err);
    }

    if (!lu_name_id_valid(id)) {
        return lu_webhook_refuse(key,
                   "is not an id: up to 64 letters, digits, \"-\" and \"_\"",
                   err);
    }

    return LU_OK;
}


static lu_rc_e
lu_webhook_strings(const cJSON *object, const lu_webhook_member_t *members,
    lu_webhook_t *webhook, lu_error_t *err)
{
    lu_str_t                   *value;
    const lu_webhook_member_t  *member;

    for (member = members; member->key; member++) {
        value = (lu_str_t *) ((char *) webhook + member->offset);

        if (lu_json_string(object, member->key, value) == LU_INVALID) {
            return lu_webhook_refuse(member->key, "is not a string", err);
        }
    }

    return LU_OK;
}


static lu_rc_e
lu_webhook_object(const cJSON *body, const char *key, const cJSON **object,
    lu_error_t *err)
{
    const cJSON  *item;

    *object = NULL;

    item = lu_json_get(body, key);

    if (item == NULL || cJSON_IsNull(item)) {
        return LU_OK;
    }

    if (!cJSON_IsObject(item)) {
        return lu_webhook_refuse(key, "is not an object", err);
    }

    *object = item;

    return LU_OK;
}


static lu_rc_e
lu_webhook_refuse(const char *key, const char *text, lu_error_t *err)
{
    lu_str_t  subject;

    subject = lu_str(key);

    return lu_error(err, &subject, text);
}
