
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_trial.h"

#include "zone/ngx_lu_device.h"

#include "core/lu_feed.h"
#include "core/lu_name.h"


void
ngx_lu_trial(ngx_http_request_t *r, const lu_app_t *app,
    const lu_client_t *client, const lu_str_t *path, const lu_build_t *build)
{
    lu_trial_t              trial;
    ngx_lu_ctx_t           *ctx;
    ngx_lu_device_t         device;
    ngx_lu_loc_conf_t      *lucf;
    ngx_lu_cohort_check_t   cohort;

    if (!app->desktop.is_guarded
        || r->method != NGX_HTTP_GET
        || !lu_name_device_id_valid(&client->staging_id))
    {
        return;
    }

    lucf = ngx_http_get_module_loc_conf(r, ngx_http_liveupdate_module);
    ctx = ngx_http_get_module_ctx(r, ngx_http_liveupdate_module);

    ngx_memzero(&device, sizeof(ngx_lu_device_t));

    device.app = ctx->app;
    device.id = ngx_lu_from_core(&client->staging_id);
    device.address = r->connection->addr_text;
    device.is_installation = 1;

    if (lu_feed_trial(&app->desktop, client, path, build, &trial) == LU_OK) {

        ngx_memzero(&cohort, sizeof(ngx_lu_cohort_check_t));

        cohort.check.tag = trial.build->tag;
        cohort.check.start = trial.build->created;
        cohort.check.now = ngx_time();
        cohort.check.group = trial.is_in ? LU_COHORT_ROLLOUT
                                         : LU_COHORT_CONTROL;
        cohort.check.platform = trial.platform;
        cohort.check.step = trial.step;
        cohort.check.is_mute = 1;

        cohort.deployment = ngx_lu_from_core(&trial.build->id);
        cohort.release = cohort.deployment;

        device.platform = trial.platform;
        device.cohort = &cohort;
    }

    (void) ngx_lu_device_seen(lucf->store, &device);
}
