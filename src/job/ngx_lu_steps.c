
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_journal.h"
#include "ngx_lu_steps.h"

#include "store/ngx_lu_file.h"
#include "store/ngx_lu_path.h"

#include "core/lu_builds.h"
#include "core/lu_event.h"
#include "core/lu_put.h"
#include "core/lu_step.h"


/* of a percentage, and of a number */

#define NGX_LU_STEPS_TEXT  32


typedef struct {
    ngx_lu_pass_t  *pass;
    ngx_str_t      *app;
    cJSON          *json;
    ngx_int_t       rc;
} ngx_lu_steps_t;


static lu_rc_e ngx_lu_steps_tell(void *data, const lu_step_told_t *step);
static cJSON *ngx_lu_steps_event(ngx_lu_steps_t *steps,
    const lu_step_told_t *step);


/* by lu_step_e */

static const char  *ngx_lu_steps_types[] = {
    "release.step",
    "release.expired",
    "channel.expired"
};


ngx_int_t
ngx_lu_steps(ngx_lu_pass_t *pass, ngx_str_t *app, time_t *told, time_t *next)
{
    time_t           since;
    ngx_int_t        rc;
    ngx_lu_steps_t   steps;

    /* a clock that was set back tells once more what it has told, by its id */

    since = ngx_min(*told, pass->sec);

    rc = ngx_lu_file_read_json(&pass->io,
                               ngx_lu_path(&pass->io, "%V/apps/%V/app.json",
                                           &pass->notify->store->path, app),
                               &steps.json);
    if (rc != NGX_OK) {
        return rc;
    }

    steps.pass = pass;
    steps.app = app;
    steps.rc = NGX_OK;

    (void) lu_step_look(steps.json, since, pass->sec, next,
                        ngx_lu_steps_tell, &steps);

    cJSON_Delete(steps.json);

    if (steps.rc == NGX_OK) {
        *told = pass->sec;
    }

    return steps.rc;
}


static lu_rc_e
ngx_lu_steps_tell(void *data, const lu_step_told_t *step)
{
    ngx_lu_steps_t *steps = data;

    cJSON  *event;

    event = ngx_lu_steps_event(steps, step);

    steps->rc = event ? ngx_lu_journal_add(steps->pass, event)
                      : ngx_lu_io_nomem(&steps->pass->io);

    return steps->rc == NGX_OK ? LU_OK : LU_NOMEM;
}


static cJSON *
ngx_lu_steps_event(ngx_lu_steps_t *steps, const lu_step_told_t *step)
{
    char          id[LU_EVENT_ID + 1], at[LU_TIME_SIZE];
    char          number[NGX_LU_STEPS_TEXT], share[NGX_LU_STEPS_TEXT];
    cJSON        *event;
    lu_put_t      put;
    lu_str_t      texts[5];
    const char   *type;
    const cJSON  *build;

    type = ngx_lu_steps_types[step->what];

    lu_time_print(at, step->at, 0);

    *ngx_sprintf((u_char *) number, "%uz", step->step) = '\0';
    *ngx_sprintf((u_char *) share, "%.4f", step->share) = '\0';

    texts[0] = lu_str(type);
    texts[1] = ngx_lu_to_core(steps->app);
    texts[2] = step->subject;
    texts[3] = lu_str(number);
    texts[4] = lu_str(at);

    lu_event_id(id, texts, sizeof(texts) / sizeof(texts[0]));

    event = lu_event_make(id, type, at, (char *) texts[1].data, "liveupdate",
                          (char *) step->release.data, NULL);

    lu_put_init(&put);

    build = lu_builds_find(steps->json, (char *) step->subject.data);

    lu_put_copy(&put, event, "appName", steps->json, "name");
    lu_put_copy(&put, event, "version", build, "version");
    lu_put_str(&put, event, "subject", &step->subject);

    if (step->what == LU_STEP_BEGUN) {
        lu_put_string(&put, event, "to", share);
    }

    if (step->channel.len) {
        lu_put_str(&put, event, "channel", &step->channel);
    }

    return lu_put_done(&put, event);
}
