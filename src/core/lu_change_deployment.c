
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_change_channel.h"
#include "lu_change_deployment.h"
#include "lu_put.h"


static lu_rc_e lu_change_deployment_check(double rollout, lu_error_t *err);
static void lu_change_deployment_trim(cJSON *deployments);


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

    if (!is_signed && lu_change_channel_is_protected(channel)) {
        (void) lu_error(err, NULL, "the channel is protected: it takes only "
                        "bundles that are signed (upload with --private-key)");
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

    lu_change_deployment_trim(deployments);

    return LU_OK;
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


/* What devices outside the newest rollouts fall back to is kept. */

static void
lu_change_deployment_trim(cJSON *deployments)
{
    int     n, needed;
    cJSON  *item, *next;
    double  rollout;

    n = 0;
    needed = 1;

    for (item = deployments->child; item; item = next) {
        next = item->next;

        if (!needed && n >= LU_HISTORY) {
            cJSON_Delete(cJSON_DetachItemViaPointer(deployments, item));
            continue;
        }

        n++;
        rollout = 0;

        (void) lu_json_number(item, "rollout", &rollout);

        if (rollout >= 1) {
            needed = 0;
        }
    }
}


lu_rc_e
lu_change_deployment_update(cJSON *app, const char *id, double rollout,
    const char *now, lu_error_t *err)
{
    cJSON    *channel, *deployment;
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

    lu_put_init(&put);

    lu_put_number(&put, deployment, "rollout", rollout);
    lu_put_string(&put, deployment, "updatedAt", now);

    return put.failed ? LU_NOMEM : LU_OK;
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
