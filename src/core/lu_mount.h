
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What a store lies on, as /proc/self/mountinfo of Linux tells it.
 */


#ifndef _LU_MOUNT_H_INCLUDED_
#define _LU_MOUNT_H_INCLUDED_


#include "lu_str.h"


#define LU_MOUNT_WARNINGS  8


typedef enum {
    LU_MOUNT_LOCAL = 0,
    LU_MOUNT_MEMORY,
    LU_MOUNT_NFS,
    LU_MOUNT_CEPH,
    LU_MOUNT_GLUSTER,
    LU_MOUNT_OTHER                  /* shared, and not supported */
} lu_mount_e;


/* The strings are parts of the text. */

typedef struct {
    lu_mount_e    kind;
    lu_str_t      type;             /* "nfs4" */
    lu_str_t      options;          /* "rw,noatime" */
    lu_str_t      super;            /* "rw,vers=4.1,hard" */
} lu_mount_t;


/*
 * Finds the file system with that device number.  1 if it is there.  Of several
 * mounts of it the last one counts.
 */

int lu_mount_find(const lu_str_t *text, unsigned major, unsigned minor,
    lu_mount_t *mount);

/*
 * Sets texts to what is known to be wrong or slow about it, each of which goes
 * on after "the store ... lies on {type}, ".  Returns their number.
 */

size_t lu_mount_warnings(const lu_mount_t *mount,
    const char *texts[LU_MOUNT_WARNINGS]);


#endif /* _LU_MOUNT_H_INCLUDED_ */
