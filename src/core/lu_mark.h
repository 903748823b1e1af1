
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#ifndef _LU_MARK_H_INCLUDED_
#define _LU_MARK_H_INCLUDED_


/*
 * Where the caller counts what was decided, so that it need not look it up
 * each time.  The core clears a mark and leaves it to the caller.
 */

typedef struct {
    void            *series;
    unsigned long    serial;
} lu_mark_t;


#endif /* _LU_MARK_H_INCLUDED_ */
