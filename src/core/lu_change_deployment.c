
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_change_channel.h"
#include "lu_change_deployment.h"
#include "lu_growth.h"
#include "lu_guard.h"
#include "lu_limit.h"
#include "lu_put.h"


static lu_rc_e lu_change_deployment_check(double rollout, lu_error_t *err);
static void lu_change_deployment_settle(const cJSON *app, cJSON *channel,
    const char *now);
static size_t lu_change_deployment_partials(const cJSON *channel);
static size_t lu_change_deployment_all_partials(const cJSON *app);
static lu_rc_e lu_change_deployment_full(lu_error_t *err);
static lu_rc_e lu_change_deployment_app_full(lu_error_t *err);
static void lu_change_deployment_trim(const cJSON *app, cJSON *deployments);
static int lu_change_deployment_keep(const cJSON *app);


lu_rc_e
lu_change_deployment_add(cJSON *app, const char *channel_id, const char *id,
    const char *release, double rollout, int is_signed, const char *by,
    const char *now, lu_error_t *err)
{
    cJSON    *channel, *deployment, *deployments;
    lu_rc_e   rc;
    lu_put_t  put;

    if (lu_change_deployment_find(app, id, &channel)) {
        return LU_OK;
    }

    rc = lu_change_channel_get(app, channel_id, &channel, err);
    if (rc != LU_OK) {
        return rc;
    }

    rc = lu_change_deployment_check(rollout, err);
    if (rc != LU_OK) {
        return rc;
    }

    lu_change_deployment_settle(app, channel, now);

    rc = lu_change_deployment_room(app, channel, rollout, err);
    if (rc != LU_OK) {
        return rc;
    }

    if (!is_signed && lu_change_channel_is_protected(channel)) {
        (void) lu_error(err, NULL, "the channel is protected and accepts "
                                   "only signed bundles; upload the bundle "
                                   "with --private-key");
        return LU_FORBIDDEN;
    }

    lu_put_init(&put);

    deployment = cJSON_CreateObject();

    lu_put_string(&put, deployment, "id", id);
    lu_put_string(&put, deployment, "release", release);
    lu_put_number(&put, deployment, "rollout", rollout);
    lu_put_string(&put, deployment, "createdBy", by);
    lu_put_string(&put, deployment, "createdAt", now);
    lu_put_string(&put, deployment, "updatedAt", now);

    deployment = lu_put_done(&put, deployment);
    if (deployment == NULL) {
        return LU_NOMEM;
    }

    deployments = lu_json_get(channel, "deployments");

    if (!cJSON_InsertItemInArray(deployments, 0, deployment)) {
        cJSON_Delete(deployment);
        return lu_error(err, NULL, "the channel has no \"deployments\"");
    }

    lu_change_deployment_trim(app, deployments);

    return LU_OK;
}


/* Plans that have come to their end are for everyone, and not partial. */

static void
lu_change_deployment_settle(const cJSON *app, cJSON *channel, const char *now)
{
    char          at[LU_TIME_SIZE];
    cJSON        *item;
    time_t        ended;
    lu_str_t      last;
    const cJSON  *freezes;

    freezes = lu_json_get(app, "freezes");

    cJSON_ArrayForEach(item, lu_json_get(channel, "deployments")) {

        if (!lu_growth_is_partial(item)) {
            break;
        }

        ended = lu_growth_ended(item, freezes, now);

        if (!lu_growth_settle(item, freezes, now)) {
            continue;
        }

        /* from then on nobody got those before it */

        lu_time_print(at, ended, 0);

        if (lu_json_string(item, "updatedAt", &last) == LU_OK
            && strcmp((char *) last.data, at) < 0)
        {
            (void) lu_json_set_string(item, "updatedAt", at);
        }
    }
}


static lu_rc_e
lu_change_deployment_check(double rollout, lu_error_t *err)
{
    if (!(rollout >= 0 && rollout <= 1)) {
        return lu_error(err, NULL, "\"rolloutPercentage\" must be "
                                   "a number from 0 to 1");
    }

    return LU_OK;
}


lu_rc_e
lu_change_deployment_room(const cJSON *app, const cJSON *channel,
    double rollout, lu_error_t *err)
{
    if (rollout >= 1) {
        return LU_OK;
    }

    if (lu_change_deployment_partials(channel) >= LU_LIMIT_PARTIALS) {
        return lu_change_deployment_full(err);
    }

    if (lu_change_deployment_all_partials(app) >= LU_LIMIT_ALL_PARTIALS) {
        return lu_change_deployment_app_full(err);
    }

    return LU_OK;
}


/* Those that a check has to look at before it comes to one for everyone. */

static size_t
lu_change_deployment_partials(const cJSON *channel)
{
    size_t        n;
    const cJSON  *item;

    n = 0;

    cJSON_ArrayForEach(item, lu_json_get(channel, "deployments")) {

        if (!lu_growth_is_partial(item)) {
            break;
        }

        n++;
    }

    return n;
}


static size_t
lu_change_deployment_all_partials(const cJSON *app)
{
    size_t        n;
    const cJSON  *channel;

    n = 0;

    cJSON_ArrayForEach(channel, lu_json_get(app, "channels")) {
        n += lu_change_deployment_partials(channel);
    }

    return n;
}


static lu_rc_e
lu_change_deployment_full(lu_error_t *err)
{
    (void) lu_error(err, NULL,
                    "the channel has " lu_value(LU_LIMIT_PARTIALS)
                    " deployments with a partial rollout, the most that it can "
                    "have; complete the rollout of one first");

    return LU_CONFLICT;
}


static lu_rc_e
lu_change_deployment_app_full(lu_error_t *err)
{
    (void) lu_error(err, NULL,
                    "the app has " lu_value(LU_LIMIT_ALL_PARTIALS)
                    " deployments with a partial rollout, the most that it can "
                    "have; complete the rollout of one first");

    return LU_CONFLICT;
}


/*
 * Keeps the deployments that devices outside of newer rollouts fall back to.
 */

static void
lu_change_deployment_trim(const cJSON *app, cJSON *deployments)
{
    int     n, keep, needed;
    cJSON  *item, *next;

    n = 0;
    needed = 1;
    keep = lu_change_deployment_keep(app);

    for (item = deployments->child; item; item = next) {
        next = item->next;

        if (!needed && n >= keep) {
            cJSON_Delete(cJSON_DetachItemViaPointer(deployments, item));
            continue;
        }

        n++;

        if (!lu_growth_is_partial(item)) {
            needed = 0;
        }
    }
}


/* An app.json must not become larger than a reader takes. */

static int
lu_change_deployment_keep(const cJSON *app)
{
    int           n;
    const cJSON  *channel;

    n = 0;

    cJSON_ArrayForEach(channel, lu_json_get(app, "channels")) {
        n += cJSON_GetArraySize(lu_json_get(channel, "deployments"));
    }

    return n > LU_LIMIT_DEPLOYMENTS ? LU_HISTORY_SHORT : LU_HISTORY;
}


lu_rc_e
lu_change_deployment_update(cJSON *app, const char *id, double rollout,
    const char *now, lu_error_t *err)
{
    cJSON    *channel, *deployment;
    size_t    before, after, all;
    lu_rc_e   rc;
    lu_put_t  put;

    deployment = lu_change_deployment_find(app, id, &channel);

    if (deployment == NULL) {
        (void) lu_error(err, NULL, "Deployment not found.");
        return LU_NOT_FOUND;
    }

    rc = lu_change_deployment_check(rollout, err);
    if (rc != LU_OK) {
        return rc;
    }

    before = lu_change_deployment_partials(channel);
    all = lu_change_deployment_all_partials(app) - before;

    rc = lu_growth_set_share(deployment, rollout, lu_json_get(app, "freezes"),
                             now, err);
    if (rc != LU_OK) {
        return rc;
    }

    lu_put_init(&put);

    lu_put_string(&put, deployment, "updatedAt", now);

    after = lu_change_deployment_partials(channel);

    if (after > before && after > LU_LIMIT_PARTIALS) {
        return lu_change_deployment_full(err);
    }

    if (after > before && all + after > LU_LIMIT_ALL_PARTIALS) {
        return lu_change_deployment_app_full(err);
    }

    return put.failed ? LU_NOMEM : LU_OK;
}


lu_rc_e
lu_change_deployment_grow(cJSON *app, const char *id, lu_growth_e action,
    const cJSON *why, const char *by, const char *now, lu_error_t *err)
{
    cJSON    *channel, *deployment;
    lu_rc_e   rc;

    deployment = lu_change_deployment_find(app, id, &channel);

    if (deployment == NULL) {
        (void) lu_error(err, NULL, "Deployment not found.");
        return LU_NOT_FOUND;
    }

    rc = lu_growth_act(deployment, action, why, lu_json_get(app, "freezes"),
                       by, now, err);

    return rc == LU_OK ? lu_json_set_string(deployment, "updatedAt", now) : rc;
}


lu_rc_e
lu_change_deployment_plan(cJSON *app, const char *id, const cJSON *wanted,
    const char *now, lu_error_t *err)
{
    cJSON       *channel, *deployment, *waits;
    size_t       before, after, all;
    lu_rc_e      rc;

    deployment = lu_change_deployment_find(app, id, &channel);

    if (deployment == NULL) {
        (void) lu_error(err, NULL, "Deployment not found.");
        return LU_NOT_FOUND;
    }

    rc = lu_guard_plan(app, channel, wanted, &waits, err);
    if (rc != LU_OK) {
        return rc;
    }

    before = lu_change_deployment_partials(channel);
    all = lu_change_deployment_all_partials(app) - before;

    rc = lu_growth_set(deployment, deployment, waits,
                       lu_json_get(app, "freezes"), now, err);

    cJSON_Delete(waits);

    if (rc == LU_OK) {
        rc = lu_json_set_string(deployment, "updatedAt", now);
    }

    if (rc != LU_OK) {
        return rc;
    }

    after = lu_change_deployment_partials(channel);

    if (after > before && after > LU_LIMIT_PARTIALS) {
        return lu_change_deployment_full(err);
    }

    if (after > before && all + after > LU_LIMIT_ALL_PARTIALS) {
        return lu_change_deployment_app_full(err);
    }

    return LU_OK;
}


void
lu_change_deployment_remove(cJSON *app, const char *release)
{
    cJSON    *channel, *deployments, *item, *next;
    lu_str_t  value;

    cJSON_ArrayForEach(channel, lu_json_get(app, "channels")) {
        deployments = lu_json_get(channel, "deployments");

        for (item = deployments ? deployments->child : NULL;
             item;
             item = next)
        {
            next = item->next;

            if (lu_json_string(item, "release", &value) == LU_OK
                && lu_str_is(&value, release))
            {
                cJSON_Delete(cJSON_DetachItemViaPointer(deployments, item));
            }
        }
    }
}


cJSON *
lu_change_deployment_find(const cJSON *app, const char *id,
    cJSON **channel_out)
{
    cJSON  *channel, *deployment;

    cJSON_ArrayForEach(channel, lu_json_get(app, "channels")) {
        deployment = lu_json_find(lu_json_get(channel, "deployments"), "id",
                                  id);
        if (deployment) {
            *channel_out = channel;
            return deployment;
        }
    }

    return NULL;
}
