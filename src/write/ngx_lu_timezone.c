
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_timezone.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_path.h"

#include "core/lu_growth.h"
#include "core/lu_put.h"
#include "core/lu_zoneinfo.h"


#define NGX_LU_TIMEZONE_FOLDER  "/usr/share/zoneinfo"

/* a plan may be paused, or wait for a freeze to end (seconds) */

#define NGX_LU_TIMEZONE_AFTER   (400 * 86400)


static ngx_int_t ngx_lu_timezone_offsets(ngx_lu_task_t *task, cJSON *wanted,
    lu_str_t *name);
static ngx_int_t ngx_lu_timezone_unknown(ngx_lu_task_t *task);


ngx_int_t
ngx_lu_timezone_wanted(ngx_lu_task_t *task, cJSON *body, double share,
    cJSON **wanted)
{
    lu_rc_e   rc;
    lu_str_t  name;

    rc = lu_growth_wanted(body, share, wanted, &task->error);

    if (rc != LU_OK) {
        return ngx_lu_task_core(task, rc);
    }

    if (*wanted == NULL) {
        return NGX_OK;
    }

    if (lu_json_set(body, "wanted", *wanted) != LU_OK) {
        return ngx_lu_task_nomem(task);
    }

    if (lu_json_string(lu_json_get(*wanted, "plan"), "timeZone", &name)
        != LU_OK
        || lu_str_is(&name, "UTC"))
    {
        return NGX_OK;
    }

    return ngx_lu_timezone_offsets(task, *wanted, &name);
}


static ngx_int_t
ngx_lu_timezone_offsets(ngx_lu_task_t *task, cJSON *wanted, lu_str_t *name)
{
    cJSON            *list, *pair;
    size_t            i, n;
    time_t            from, to;
    u_char           *path;
    lu_put_t          put;
    lu_str_t          text;
    lu_pace_t         pace;
    ngx_lu_io_t       io;
    lu_offset_t       offsets[LU_PACE_OFFSETS];
    ngx_file_info_t   fi;

    if (!lu_zoneinfo_name(name)) {
        return ngx_lu_timezone_unknown(task);
    }

    io = task->io;
    io.plain = 1;

    path = ngx_lu_path(&io, "%s/%s", NGX_LU_TIMEZONE_FOLDER, name->data);

    if (ngx_lu_file_read(&io, path, &text, &fi) != NGX_OK
        || lu_pace_parse(wanted, &pace, &task->error) != LU_OK)
    {
        return ngx_lu_timezone_unknown(task);
    }

    from = lu_time_of(task->now);
    to = ngx_max(from, pace.start) + NGX_LU_TIMEZONE_AFTER;

    if (pace.start && pace.start < from) {
        from = pace.start;
    }

    for (i = 0; i < pace.nsteps; i++) {
        to += pace.steps[i].lasts;
    }

    if (lu_zoneinfo_offsets(&text, from, to, offsets, &n) != LU_OK) {
        return ngx_lu_timezone_unknown(task);
    }

    lu_put_init(&put);

    list = lu_put_array(&put, lu_json_get(wanted, "plan"), "offsets");

    for (i = 0; i < n; i++) {
        pair = lu_put_array(&put, list, NULL);

        lu_put_number(&put, pair, NULL, (double) offsets[i].from);
        lu_put_number(&put, pair, NULL, (double) offsets[i].seconds);
    }

    return put.failed ? ngx_lu_task_nomem(task) : NGX_OK;
}


static ngx_int_t
ngx_lu_timezone_unknown(ngx_lu_task_t *task)
{
    return ngx_lu_task_refuse(task, 422,
                              "\"timeZone\" must be one that this server has "
                              "in " NGX_LU_TIMEZONE_FOLDER ", such as "
                              "\"Europe/Berlin\", or \"UTC\". If the folder is "
                              "empty, install tzdata.");
}
