
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * How far the audit logs of the apps were read: notify/read.json.
 */


#ifndef _NGX_LU_PROGRESS_H_INCLUDED_
#define _NGX_LU_PROGRESS_H_INCLUDED_


#include "ngx_lu_ends.h"
#include "ngx_lu_notify.h"


/* older ones are no news: a backup may have brought them */

#define NGX_LU_PROGRESS_OLD      86400  /* seconds */

/* that long after an event was written it must be true */

#define NGX_LU_PROGRESS_TRUE     60

/* the time, of an app, that tells it from another one with its id, bytes */

#define NGX_LU_PROGRESS_CREATED  32


/* A new file may have the number of one that was removed. */

typedef struct {
    ngx_file_uniq_t           uniq;       /* 0: not known */
    off_t                     size;
    struct timespec           changed;
} ngx_lu_progress_file_t;


/* The log of an app, as far as it was read. */

typedef struct {
    ngx_str_node_t            sn;
    off_t                     offset;
    double                    generation; /* of the last entry */
    ngx_atomic_uint_t         changes;    /* of the zone, at that time */
    ngx_uint_t                seen;       /* in the last look at all of them */
    time_t                    told;       /* steps of plans up to then */
    time_t                    step;       /* when the next one begins */
    time_t                    since;      /* what is older is not told */
    time_t                    ended;      /* when it was read to its end */
    ngx_lu_progress_file_t    file;       /* as it was seen */
    u_char                    created[NGX_LU_PROGRESS_CREATED];
} ngx_lu_progress_log_t;


struct ngx_lu_progress_s {
    ngx_rbtree_t              tree;       /* of log_t */
    ngx_rbtree_node_t         sentinel;
    ngx_uint_t                nlogs;
    ngx_msec_t                look;       /* the next one at all apps */
    ngx_lu_ends_t             ends;
    ngx_msec_t                save;
    ngx_uint_t                looks;
    ngx_uint_t                steps;      /* of this pass */
    time_t                    since;      /* of logs that begin */
    u_char                   *piece;      /* of a log */
    unsigned                  begun:1;    /* there was a record */
    unsigned                  known:1;    /* so are all apps that there are */
    unsigned                  dirty:1;
};


/*
 * Reads the record of this claim.  Another one takes the place of one that is
 * damaged.  NGX_OK, or NGX_ERROR with io.
 */

ngx_int_t ngx_lu_progress_read(ngx_lu_pass_t *pass);

/* Writes it.  NGX_OK, or NGX_ERROR with io. */

ngx_int_t ngx_lu_progress_save(ngx_lu_pass_t *pass);

/*
 * Finds the log of an app, or makes it, in the pool of the claim.  NULL: out of
 * memory.
 */

ngx_lu_progress_log_t *ngx_lu_progress_log(ngx_lu_pass_t *pass,
    ngx_str_t *app);


#endif /* _NGX_LU_PROGRESS_H_INCLUDED_ */
