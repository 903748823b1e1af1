
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "ngx_lu_ask.h"

#include <pthread.h>
#include <sys/statvfs.h>


#define NGX_LU_ASK_SECONDS  5


/* Belongs to both, and is freed by the one who is done with it last. */

typedef struct {
    pthread_mutex_t   mutex;
    pthread_cond_t    cond;
    unsigned          answered:1;
    unsigned          left:1;         /* nobody waits any more */
    u_char            path[1];
} ngx_lu_ask_t;


static void *ngx_lu_ask_thread(void *data);
static ngx_int_t ngx_lu_ask_wait(ngx_lu_ask_t *ask);
static void ngx_lu_ask_free(ngx_lu_ask_t *ask);


/* of this process: threads that have not come back */

static ngx_atomic_t  ngx_lu_ask_hung;


ngx_int_t
ngx_lu_ask(ngx_str_t *path, ngx_log_t *log)
{
    int             err;
    sigset_t        all, old;
    pthread_t       tid;
    ngx_lu_ask_t   *ask;
    pthread_attr_t  attr;

    if (ngx_lu_ask_hung) {
        return NGX_BUSY;
    }

    ask = ngx_calloc(sizeof(ngx_lu_ask_t) + path->len, log);
    if (ask == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(ask->path, path->data, path->len);

    (void) pthread_mutex_init(&ask->mutex, NULL);
    (void) pthread_cond_init(&ask->cond, NULL);

    err = pthread_attr_init(&attr);

    if (err == 0) {
        (void) pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);

        /* signals are for the thread that is nginx */

        sigfillset(&all);

        (void) pthread_sigmask(SIG_SETMASK, &all, &old);

        err = pthread_create(&tid, &attr, ngx_lu_ask_thread, ask);

        (void) pthread_sigmask(SIG_SETMASK, &old, NULL);
        (void) pthread_attr_destroy(&attr);
    }

    if (err) {
        ngx_log_error(NGX_LOG_ALERT, log, err, "pthread_create() failed");
        ngx_lu_ask_free(ask);

        return NGX_ERROR;
    }

    return ngx_lu_ask_wait(ask);
}


static ngx_int_t
ngx_lu_ask_wait(ngx_lu_ask_t *ask)
{
    int              rc;
    ngx_int_t        answer;
    struct timespec  until;

    (void) clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += NGX_LU_ASK_SECONDS;

    rc = 0;

    (void) pthread_mutex_lock(&ask->mutex);

    while (!ask->answered && rc == 0) {
        rc = pthread_cond_timedwait(&ask->cond, &ask->mutex, &until);
    }

    answer = ask->answered ? NGX_OK : NGX_BUSY;
    ask->left = 1;

    if (answer == NGX_BUSY) {
        (void) ngx_atomic_fetch_add(&ngx_lu_ask_hung, 1);
    }

    (void) pthread_mutex_unlock(&ask->mutex);

    if (answer == NGX_OK) {
        ngx_lu_ask_free(ask);
    }

    return answer;
}


static void *
ngx_lu_ask_thread(void *data)
{
    ngx_lu_ask_t *ask = data;

    ngx_fd_t        fd;
    ngx_uint_t      left;
    struct statvfs  fs;

    fd = open((char *) ask->path, O_RDONLY|O_DIRECTORY|O_CLOEXEC);

    if (fd != NGX_INVALID_FILE) {
        (void) fstatvfs(fd, &fs);
        (void) ngx_close_file(fd);
    }

    (void) pthread_mutex_lock(&ask->mutex);

    ask->answered = 1;
    left = ask->left;

    (void) pthread_cond_signal(&ask->cond);
    (void) pthread_mutex_unlock(&ask->mutex);

    if (left) {
        ngx_lu_ask_free(ask);
        (void) ngx_atomic_fetch_add(&ngx_lu_ask_hung, -1);
    }

    return NULL;
}


static void
ngx_lu_ask_free(ngx_lu_ask_t *ask)
{
    (void) pthread_cond_destroy(&ask->cond);
    (void) pthread_mutex_destroy(&ask->mutex);

    ngx_free(ask);
}
