
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What people are told of and no audit log says, and what they ask of those
 * who tell them: a file in notify/in/ for each, which the machine that sends
 * notifications takes.
 */


#ifndef _NGX_LU_EVENT_H_INCLUDED_
#define _NGX_LU_EVENT_H_INCLUDED_


#include "ngx_lu_task.h"


/*
 * Tells, durably, that this happens to a release, a release.json, of the task's
 * app, or, if it is NULL, to the app; to be called before what makes it so.
 * "expect" is the state of the release by then, or "pullRequest", or "gone",
 * the app: otherwise nobody is told.  A call with the same stamp is about the
 * same event; NULL: there is one such event of a release.  The reason may be
 * NULL, too.  Nothing is written where nobody is told.  NGX_OK, or a status:
 * 500, 503, 507.
 */

ngx_int_t ngx_lu_event(ngx_lu_task_t *task, const char *type,
    const cJSON *release, const char *stamp, const char *reason,
    const char *expect);

/*
 * Asks, durably, for something to be done for a target: "again", with the id
 * of the event that is to be sent again, "pause", "resume" or "test", with
 * NULL.  The same results.
 */

ngx_int_t ngx_lu_event_ask(ngx_lu_task_t *task, const char *what,
    const char *target, const char *id);


#endif /* _NGX_LU_EVENT_H_INCLUDED_ */
