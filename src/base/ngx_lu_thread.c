
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_thread.h"


#define NGX_LU_TICK      60000    /* milliseconds */

#define NGX_LU_PRIORITY  19


ngx_int_t
ngx_lu_thread_post(ngx_thread_pool_t *tp, ngx_thread_task_t *task)
{
    if (ngx_thread_task_post(tp, task) != NGX_OK) {
        return NGX_ERROR;
    }

    /* a worker does not exit while it has a timer that is not cancelable */

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


ngx_msec_t
ngx_lu_thread_msec(void)
{
#if (NGX_HAVE_CLOCK_MONOTONIC)

    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (ngx_msec_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;

#else

    return ngx_current_msec;

#endif
}


void
ngx_lu_thread_aside(void)
{
#if (NGX_LINUX)

    /* on Linux this sets the priority of the thread, not of the process */

    (void) setpriority(PRIO_PROCESS, 0, NGX_LU_PRIORITY);

#endif
}
