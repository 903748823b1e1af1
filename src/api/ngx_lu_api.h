
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#ifndef _NGX_LU_API_H_INCLUDED_
#define _NGX_LU_API_H_INCLUDED_


#include "ngx_lu_call.h"


/* The content handler of the API's locations. */

ngx_int_t ngx_lu_api_handler(ngx_http_request_t *r);

/*
 * NGX_DECLINED: the token has the role (0: none is needed), and is for the
 * route's app, if there is one; anything else ends the request.
 */

ngx_int_t ngx_lu_authorize(ngx_http_request_t *r, lu_route_t *route,
    unsigned role, const lu_token_t **token_out);


/* Resources of the API: actions, and their JSON for others' relations */

ngx_int_t ngx_lu_organizations_get(ngx_lu_call_t *call);
ngx_int_t ngx_lu_organizations_post(ngx_lu_call_t *call);
ngx_int_t ngx_lu_organization_get(ngx_lu_call_t *call);
ngx_int_t ngx_lu_organization_patch(ngx_lu_call_t *call);
ngx_int_t ngx_lu_organization_delete(ngx_lu_call_t *call);

ngx_int_t ngx_lu_apps_get(ngx_lu_call_t *call);
ngx_int_t ngx_lu_apps_post(ngx_lu_call_t *call);
ngx_int_t ngx_lu_app_get(ngx_lu_call_t *call);
ngx_int_t ngx_lu_app_patch(ngx_lu_call_t *call);
ngx_int_t ngx_lu_app_delete(ngx_lu_call_t *call);

ngx_int_t ngx_lu_channels_get(ngx_lu_call_t *call);
ngx_int_t ngx_lu_channels_post(ngx_lu_call_t *call);
ngx_int_t ngx_lu_channels_delete(
    ngx_lu_call_t *call);
ngx_int_t ngx_lu_channel_get(ngx_lu_call_t *call);
ngx_int_t ngx_lu_channel_patch(ngx_lu_call_t *call);
ngx_int_t ngx_lu_channel_remove(
    ngx_lu_call_t *call);
ngx_int_t ngx_lu_channel_pause_post(ngx_lu_call_t *call);
ngx_int_t ngx_lu_channel_resume_post(ngx_lu_call_t *call);

ngx_int_t ngx_lu_bundles_post(ngx_lu_call_t *call);
ngx_int_t ngx_lu_bundle_get(ngx_lu_call_t *call);
ngx_int_t ngx_lu_bundle_patch(ngx_lu_call_t *call);
ngx_int_t ngx_lu_bundle_delete(ngx_lu_call_t *call);

ngx_int_t ngx_lu_files_post(ngx_lu_call_t *call);
ngx_int_t ngx_lu_upload_post(ngx_lu_call_t *call);
ngx_int_t ngx_lu_upload_put(ngx_lu_call_t *call);
ngx_int_t ngx_lu_upload_delete(ngx_lu_call_t *call);

ngx_int_t ngx_lu_deployments_get(
    ngx_lu_call_t *call);
ngx_int_t ngx_lu_deployments_post(ngx_lu_call_t *call);
ngx_int_t ngx_lu_deployment_get(
    ngx_lu_call_t *call);
ngx_int_t ngx_lu_deployment_patch(ngx_lu_call_t *call);

ngx_int_t ngx_lu_builds_get(ngx_lu_call_t *call);
ngx_int_t ngx_lu_build_get(ngx_lu_call_t *call);
ngx_int_t ngx_lu_build_patch(ngx_lu_call_t *call);
ngx_int_t ngx_lu_download_get(ngx_lu_call_t *call);

ngx_int_t ngx_lu_devices_get(ngx_lu_call_t *call);
ngx_int_t ngx_lu_devices_patch(ngx_lu_call_t *call);
ngx_int_t ngx_lu_device_get(ngx_lu_call_t *call);
ngx_int_t ngx_lu_device_patch(ngx_lu_call_t *call);
ngx_int_t ngx_lu_device_delete(ngx_lu_call_t *call);

ngx_int_t ngx_lu_releases_get(ngx_lu_call_t *call);
ngx_int_t ngx_lu_release_get(ngx_lu_call_t *call);
ngx_int_t ngx_lu_release_promote_post(ngx_lu_call_t *call);
ngx_int_t ngx_lu_release_reject_post(ngx_lu_call_t *call);
ngx_int_t ngx_lu_release_withdraw_post(ngx_lu_call_t *call);
ngx_int_t ngx_lu_release_delete(
    ngx_lu_call_t *call);
ngx_int_t ngx_lu_desktop_stage_post(ngx_lu_call_t *call);
ngx_int_t ngx_lu_release_fetch_post(ngx_lu_call_t *call);
ngx_int_t ngx_lu_release_retry_post(ngx_lu_call_t *call);
ngx_int_t ngx_lu_releases_rollback_post(ngx_lu_call_t *call);
ngx_int_t ngx_lu_rules_get(ngx_lu_call_t *call);
ngx_int_t ngx_lu_rules_put(ngx_lu_call_t *call);
ngx_int_t ngx_lu_audit_get(ngx_lu_call_t *call);
ngx_int_t ngx_lu_approved_get(ngx_lu_call_t *call);

cJSON *ngx_lu_channel_json(ngx_lu_call_t *call, const cJSON *channel);
cJSON *ngx_lu_deployment_json(ngx_lu_call_t *call, const cJSON *deployment,
    const cJSON *channel);
cJSON *ngx_lu_build_json(ngx_lu_call_t *call, const cJSON *release);

/* "job", if the call asks for it.  NGX_OK or NGX_ERROR. */

ngx_int_t ngx_lu_job_relation(ngx_lu_call_t *call, cJSON *json, const char *id,
    const char *at);


#endif /* _NGX_LU_API_H_INCLUDED_ */
