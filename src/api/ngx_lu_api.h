
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#ifndef _NGX_HTTP_LIVEUPDATE_API_H_INCLUDED_
#define _NGX_HTTP_LIVEUPDATE_API_H_INCLUDED_


#include "ngx_lu_call.h"


/*
 * NGX_DECLINED: the token has the role (0: none is needed), and is for the
 * route's app, if there is one; anything else ends the request.
 */

ngx_int_t ngx_http_liveupdate_authorize(ngx_http_request_t *r,
    liveupdate_route_t *route, unsigned role,
    const liveupdate_token_t **token_out);


/* Resources of the API: actions, and their JSON for others' relations */

ngx_int_t ngx_http_liveupdate_organizations_get(
    ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_organizations_post(
    ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_organization_get(
    ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_organization_patch(
    ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_organization_delete(
    ngx_http_liveupdate_call_t *call);

ngx_int_t ngx_http_liveupdate_apps_get(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_apps_post(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_app_get(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_app_patch(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_app_delete(ngx_http_liveupdate_call_t *call);

ngx_int_t ngx_http_liveupdate_channels_get(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_channels_post(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_channels_delete(
    ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_channel_get(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_channel_patch(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_channel_remove(
    ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_channel_pause_post(
    ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_channel_resume_post(
    ngx_http_liveupdate_call_t *call);

ngx_int_t ngx_http_liveupdate_bundles_post(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_bundle_get(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_bundle_patch(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_bundle_delete(ngx_http_liveupdate_call_t *call);

ngx_int_t ngx_http_liveupdate_files_post(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_upload_post(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_upload_put(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_upload_delete(ngx_http_liveupdate_call_t *call);

ngx_int_t ngx_http_liveupdate_deployments_get(
    ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_deployments_post(
    ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_deployment_get(
    ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_deployment_patch(
    ngx_http_liveupdate_call_t *call);

ngx_int_t ngx_http_liveupdate_builds_get(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_build_get(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_build_patch(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_download_get(ngx_http_liveupdate_call_t *call);

ngx_int_t ngx_http_liveupdate_devices_get(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_devices_patch(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_device_get(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_device_patch(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_device_delete(ngx_http_liveupdate_call_t *call);

ngx_int_t ngx_http_liveupdate_releases_get(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_release_get(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_release_promote_post(
    ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_release_reject_post(
    ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_release_withdraw_post(
    ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_release_delete(
    ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_desktop_stage_post(
    ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_release_fetch_post(
    ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_release_retry_post(
    ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_releases_rollback_post(
    ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_rules_get(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_rules_put(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_audit_get(ngx_http_liveupdate_call_t *call);
ngx_int_t ngx_http_liveupdate_approved_get(ngx_http_liveupdate_call_t *call);

cJSON *ngx_http_liveupdate_channel_json(ngx_http_liveupdate_call_t *call,
    const cJSON *channel);
cJSON *ngx_http_liveupdate_deployment_json(ngx_http_liveupdate_call_t *call,
    const cJSON *deployment, const cJSON *channel);
cJSON *ngx_http_liveupdate_build_json(ngx_http_liveupdate_call_t *call,
    const cJSON *release);

/* "job", if the call asks for it.  NGX_OK or NGX_ERROR. */

ngx_int_t ngx_http_liveupdate_job_relation(ngx_http_liveupdate_call_t *call,
    cJSON *json, const char *id, const char *at);


#endif /* _NGX_HTTP_LIVEUPDATE_API_H_INCLUDED_ */
