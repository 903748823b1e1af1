
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_protect.h"

#include "core/lu_change_channel.h"


void
ngx_lu_protect(ngx_lu_task_t *task, const cJSON *app, const cJSON *release)
{
    lu_str_t  channel;

    if (lu_json_string(release, "channel", &channel) == LU_OK
        && ngx_lu_protect_channel(task,
                            lu_change_channel_find(app, (char *) channel.data)))
    {
        task->approval = 1;
    }
}


/* A call of an approver is its own approval. */

ngx_uint_t
ngx_lu_protect_channel(ngx_lu_task_t *task, const cJSON *channel)
{
    if (!cJSON_IsString(cJSON_GetObjectItemCaseSensitive(channel,
                                                         "protectedAt")))
    {
        return 0;
    }

    return !(task->roles & LU_ROLE_APPROVE);
}


ngx_uint_t
ngx_lu_protect_app(ngx_lu_task_t *task, const cJSON *app,
    const char *release)
{
    lu_str_t      id;
    const cJSON  *channel, *deployment;

    cJSON_ArrayForEach(channel,
                       cJSON_GetObjectItemCaseSensitive(app, "channels"))
    {
        if (!ngx_lu_protect_channel(task, channel)) {
            continue;
        }

        if (release == NULL) {
            return 1;
        }

        cJSON_ArrayForEach(deployment,
                           cJSON_GetObjectItemCaseSensitive(channel,
                                                            "deployments"))
        {
            if (lu_json_string(deployment, "release", &id) == LU_OK
                && lu_str_is(&id, release))
            {
                return 1;
            }
        }
    }

    return 0;
}


ngx_int_t
ngx_lu_protect_refuse(ngx_lu_task_t *task)
{
    return ngx_lu_task_refuse(task, NGX_HTTP_FORBIDDEN,
                         "The channel is protected: this needs a token with "
                              "the role \"approve\".");
}
