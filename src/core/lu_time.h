
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Timestamps of the API: RFC 3339 in UTC with milliseconds.
 */


#ifndef _LIVEUPDATE_TIME_H_INCLUDED_
#define _LIVEUPDATE_TIME_H_INCLUDED_


#include <time.h>

#include "lu_core.h"


#define LIVEUPDATE_TIME_SIZE  sizeof("2025-02-10T13:00:25.000Z")
#define LIVEUPDATE_TIME_MAX   253402300799      /* the last second of 9999 */


/*
 * Seconds since the epoch of an RFC 3339 timestamp; a fraction of a second is
 * cut off, an offset is applied, a leap second is the second after it.
 * LIVEUPDATE_INVALID if it is none, or lies before 1970 or after 9999 (UTC).
 */

liveupdate_rc_e liveupdate_time_parse(const liveupdate_str_t *text,
    time_t *time);

/*
 * Writes a terminated timestamp of a time from 1970 to 9999 into
 * LIVEUPDATE_TIME_SIZE bytes.
 */

void liveupdate_time_print(char *text, time_t sec, unsigned msec);


#endif /* _LIVEUPDATE_TIME_H_INCLUDED_ */
