
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The files of the time zone database, TZif (RFC 9636).
 */


#ifndef _LU_ZONEINFO_H_INCLUDED_
#define _LU_ZONEINFO_H_INCLUDED_


#include "lu_pace.h"


/* A file is not larger, bytes. */

#define LU_ZONEINFO_SIZE  65536


/*
 * 1 if a text can be the name of a time zone: letters, digits, "_", "-", "+",
 * and "/" between two names, as in "America/Argentina/Ushuaia"; so it leads to
 * no other folder.
 */

int lu_zoneinfo_name(const lu_str_t *name);

/*
 * Reads the content of a file, and says what is ahead of UTC from a time on
 * and by how much, until another: the first offset is that in force at "from",
 * the others follow in their order.  What lies beyond the transitions of the
 * file is told by the rule at its end.  LU_OK; LU_INVALID: it is no such file,
 * or has more than LU_PACE_OFFSETS transitions in that time.
 */

lu_rc_e lu_zoneinfo_offsets(const lu_str_t *text, time_t from, time_t to,
    lu_offset_t *offsets, size_t *n);


#endif /* _LU_ZONEINFO_H_INCLUDED_ */
