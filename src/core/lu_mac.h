
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Apps for macOS in zip archives, as far as the names in them tell of their
 * signatures.  The archive may be large, and is not read for that.
 */


#ifndef _LU_MAC_H_INCLUDED_
#define _LU_MAC_H_INCLUDED_


#include "lu_error.h"


/* The end of the archive, where the directory is found, and the directory. */

#define LU_MAC_TAIL       (65535 + 22)
#define LU_MAC_DIRECTORY  (4 * 1024 * 1024)


typedef struct {
    unsigned         is_app:1;          /* it has an app */
    unsigned         is_signed:1;       /* which has a code signature */
    unsigned         has_ticket:1;      /* and a ticket of its notarisation */
} lu_mac_t;


/*
 * Finds the directory; the tail is the end of a file of so many bytes: all of
 * it, or LU_MAC_TAIL bytes.  LU_OK; or LU_INVALID with the reason, a predicate
 * of the file: it is no zip archive, was cut off, or has a directory of more
 * than LU_MAC_DIRECTORY bytes or with 64-bit sizes.
 */

lu_rc_e lu_mac_find(const lu_str_t *tail, uint64_t size, uint64_t *offset,
    size_t *len, lu_error_t *err);

/* Reads the directory.  LU_OK, or LU_INVALID with the reason. */

lu_rc_e lu_mac_read(const lu_str_t *directory, lu_mac_t *mac,
    lu_error_t *err);


#endif /* _LU_MAC_H_INCLUDED_ */
