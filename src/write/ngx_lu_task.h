
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What a thread needs to change the store: an API call has a task, and so has
 * each step of a job.
 */


#ifndef _NGX_LU_TASK_H_INCLUDED_
#define _NGX_LU_TASK_H_INCLUDED_


#include "store/ngx_lu_io.h"

#include "core/lu_json.h"
#include "core/lu_time.h"


typedef struct ngx_lu_task_s  ngx_lu_task_t;

struct ngx_lu_task_s {
    ngx_lu_io_t              io;         /* memory, and what failed */
    ngx_lu_store_t          *store;

    /* what it is about, both terminated; the id is empty if there is none */
    lu_str_t                 app;
    lu_str_t                 id;         /* of a release, channel, ... */

    const char              *by;
    unsigned                 roles;      /* LU_ROLE_...; a job has none */
    char                     now[LU_TIME_SIZE];
    const cJSON             *expect;     /* the generation, or NULL */

    /* the audit entry; from and to may be NULL */
    const char              *change;
    const char              *subject;
    const char              *from;
    const char              *to;
    const char              *commit;     /* of the bundle; may be NULL */

    /* of the entry, too: the rollout that it is about; each may be NULL */
    const char              *release;
    const char              *channel;    /* its name */
    const char              *share;      /* "0.1000", if not everyone */
    const char              *start;      /* when it begins, if it has not */
    const char              *version;    /* of a desktop release */
    const char              *platforms;  /* "windows mac", of a desktop app */

    /* why it was refused */
    lu_error_t               error;

    off_t                    quota;      /* of each app, or 0 */
    off_t                    spare;      /* of the disk, see usage_disk() */

    ngx_uint_t               unread;     /* apps that each() left out */
    unsigned                 frees:1;    /* it may spend the reserve */

    unsigned                 approval:1; /* releases wait for a person */
    unsigned                 blockmaps:1; /* missing ones are made */
    unsigned                 pull:1;     /* staged, they get a pull request */
    unsigned                 bundles:1;  /* desktop releases are not found */
    unsigned                 again:1;    /* the change may be a repeated one */
    unsigned                 waited:1;   /* what is promoted has, until then */
};


/*
 * Clears the task and sets who, where and when.  The caller owns the task and
 * the pool; the thread that runs the task allocates from the pool.
 */

void ngx_lu_task_init(ngx_lu_task_t *task, ngx_pool_t *pool,
    ngx_lu_store_t *store, const char *by);

/* Sets the time of the task to the present; in the event loop. */

void ngx_lu_task_stamp(ngx_lu_task_t *task);

/*
 * Returns 1 if a lock was busy and the task is going to be run again: nothing
 * was done yet, and what it needs for that is to be kept.
 */

ngx_uint_t ngx_lu_task_is_busy(const ngx_lu_task_t *task);

/* Tells all workers of this machine that the task's app has changed. */

void ngx_lu_task_changed(ngx_lu_task_t *task);

/*
 * 1 if the step that has failed is worth another try: the disk was full, the
 * task frees space, and the reserve was spent for it.
 */

ngx_uint_t ngx_lu_task_again(ngx_lu_task_t *task);

/*
 * Proves that the turns which the task has are still its own: right before a
 * step that cannot be undone, and that neither the store nor
 * ngx_lu_file_write() proves.  NGX_OK, or 500 or 503.
 */

ngx_int_t ngx_lu_task_prove(ngx_lu_task_t *task);

/*
 * How a task fails.  Each sets task->error and returns the HTTP status:
 *
 * refuse() takes both; the text is a literal, or lives as long as the pool.
 * core() turns a result of the core, which has set task->error already, into
 * a status: NGX_OK, 403, 404, 409, 422, or 500 without memory.
 * failed() says that the disk is full (507), that the file was deleted
 * meanwhile (404), that what was to be written could not be read again (422),
 * that the store is not there or that another has the lock (503), or that a
 * file, the disk or the memory
 * failed (500): task->io.
 * unread() is failed() for a read of a file of a release, which returned rc;
 * NGX_DECLINED is 404.
 * nomem() is 500.
 */

ngx_int_t ngx_lu_task_refuse(ngx_lu_task_t *task, ngx_int_t status,
    const char *text);
ngx_int_t ngx_lu_task_core(ngx_lu_task_t *task, lu_rc_e rc);
ngx_int_t ngx_lu_task_failed(ngx_lu_task_t *task);
ngx_int_t ngx_lu_task_unread(ngx_lu_task_t *task, ngx_int_t rc);
ngx_int_t ngx_lu_task_nomem(ngx_lu_task_t *task);

/*
 * A UUID (RFC 9562) from the task's pool, terminated: a random one of version
 * 4, or one of the given version made of 16 bytes, which are changed.  NULL:
 * no memory, or no randomness.
 */

char *ngx_lu_task_uuid(ngx_lu_task_t *task);
char *ngx_lu_task_uuid_of(ngx_lu_task_t *task, u_char *bytes,
    ngx_uint_t version);

/*
 * A string member of a tree, copied into the task's pool, since the tree may
 * go first.  NULL: there is none, or no memory.
 */

char *ngx_lu_task_member(ngx_lu_task_t *task, const cJSON *object,
    const char *key);


#endif /* _NGX_LU_TASK_H_INCLUDED_ */
