
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_http_liveupdate_api.h"

#include "liveupdate_desktop_change.h"


static ngx_int_t ngx_http_liveupdate_rules_change(
    ngx_http_liveupdate_call_t *call, cJSON *app);
static ngx_uint_t ngx_http_liveupdate_audit_has(const cJSON *line,
    const char *subject);


ngx_int_t
ngx_http_liveupdate_rules_get(ngx_http_liveupdate_call_t *call)
{
    cJSON      *app, *releases;
    ngx_int_t   status;

    status = ngx_http_liveupdate_app_read(call, &app);
    if (status != NGX_OK) {
        return status;
    }

    releases = cJSON_GetObjectItemCaseSensitive(app, "desktopReleases");

    call->answer = releases ? cJSON_Duplicate(releases, 1)
                            : cJSON_CreateObject();
    cJSON_Delete(app);

    return call->answer ? NGX_HTTP_OK : ngx_http_liveupdate_nomem(call);
}


ngx_int_t
ngx_http_liveupdate_rules_put(ngx_http_liveupdate_call_t *call)
{
    return ngx_http_liveupdate_change(call, ngx_http_liveupdate_rules_change);
}


static ngx_int_t
ngx_http_liveupdate_rules_change(ngx_http_liveupdate_call_t *call, cJSON *app)
{
    ngx_int_t           status;
    liveupdate_arena_t  arena;

    call->change = "rules.update";
    call->subject = (char *) call->route.app.data;

    arena = ngx_http_liveupdate_arena(call->io.pool);

    status = ngx_http_liveupdate_core_status(call,
                                             liveupdate_rules_set(app,
                                                       call->json, &arena,
                                                       &call->error));
    if (status != NGX_OK) {
        return status;
    }

    call->answer = cJSON_Duplicate(
                     cJSON_GetObjectItemCaseSensitive(app, "desktopReleases"),
                     1);

    return call->answer ? NGX_HTTP_OK : ngx_http_liveupdate_nomem(call);
}


/* The newest lines first. */

ngx_int_t
ngx_http_liveupdate_audit_get(ngx_http_liveupdate_call_t *call)
{
    char               *subject;
    u_char             *path, *p, *end;
    cJSON              *line;
    ngx_int_t           rc;
    ngx_str_t           text;
    ngx_uint_t          limit, offset;
    ngx_file_info_t     fi;
    liveupdate_str_t    str;
    liveupdate_error_t  err;

    ngx_http_liveupdate_page(call, &limit, &offset);

    subject = ngx_http_liveupdate_arg(call, "subject");

    path = ngx_http_liveupdate_path(call->io.pool, "%V/apps/%s/audit.log",
                                    &call->store->path, call->route.app.data);

    rc = ngx_http_liveupdate_store_read(&call->io, path, &text, &fi);

    if (rc == NGX_ERROR) {
        return ngx_http_liveupdate_failed(call);
    }

    if (rc == NGX_DECLINED) {
        return ngx_http_liveupdate_refuse(call, NGX_HTTP_NOT_FOUND,
                                          "App not found.");
    }

    call->answer = cJSON_CreateArray();
    if (call->answer == NULL) {
        return ngx_http_liveupdate_nomem(call);
    }

    end = text.data + text.len;

    while (end > text.data && limit) {

        p = end - 1;

        while (p > text.data && p[-1] != LF) {
            p--;
        }

        str.data = p;
        str.len = end - p;
        end = p;

        if (offset && subject == NULL) {
            offset--;
            continue;
        }

        if (liveupdate_json_parse(&line, &str, &err) != LIVEUPDATE_OK) {
            continue;
        }

        if (subject) {

            if (!ngx_http_liveupdate_audit_has(line, subject)) {
                cJSON_Delete(line);
                continue;
            }

            if (offset) {
                cJSON_Delete(line);
                offset--;
                continue;
            }
        }

        if (!cJSON_AddItemToArray(call->answer, line)) {
            cJSON_Delete(line);
            return ngx_http_liveupdate_nomem(call);
        }

        limit--;
    }

    return NGX_HTTP_OK;
}


static ngx_uint_t
ngx_http_liveupdate_audit_has(const cJSON *line, const char *subject)
{
    ngx_uint_t        i;
    liveupdate_str_t  value;

    static const char  *members[] = { "subject", "from", "to", NULL };

    for (i = 0; members[i]; i++) {
        if (liveupdate_json_string(line, members[i], &value) == LIVEUPDATE_OK
            && liveupdate_str_is(&value, subject))
        {
            return 1;
        }
    }

    return 0;
}
