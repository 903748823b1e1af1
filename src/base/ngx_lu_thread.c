
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Tasks that a worker which is to exit waits for: it does not exit while there
 * is a timer.
 */


#include "ngx_lu.h"


#define NGX_LU_PRIORITY  19


#define NGX_LU_TICK  60000


ngx_int_t
ngx_lu_thread_post(ngx_thread_pool_t *tp, ngx_thread_task_t *task)
{
    if (ngx_thread_task_post(tp, task) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_add_timer(&task->event, NGX_LU_TICK);

    return NGX_OK;
}


ngx_uint_t
ngx_lu_thread_over(ngx_event_t *ev)
{
    if (!ev->complete) {
        ev->timedout = 0;
        ngx_add_timer(ev, NGX_LU_TICK);
        return 0;
    }

    if (ev->timer_set) {
        ngx_del_timer(ev);
    }

    return 1;
}


void
ngx_lu_thread_aside(void)
{
#if (NGX_LINUX)

    /* of this thread: publishers can wait, devices are asking all the time */

    (void) setpriority(PRIO_PROCESS, 0, NGX_LU_PRIORITY);

#endif
}
