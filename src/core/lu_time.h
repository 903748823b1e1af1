
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The timestamps of the API: RFC 3339 in UTC, with milliseconds.
 */


#ifndef _LU_TIME_H_INCLUDED_
#define _LU_TIME_H_INCLUDED_


#include <time.h>

#include "lu_error.h"


#define LU_TIME_SIZE  sizeof("2025-02-10T13:00:25.000Z")
#define LU_TIME_MAX   253402300799      /* the last second of 9999 */


/*
 * Reads an RFC 3339 timestamp, as seconds since the epoch.  A fraction of a
 * second is cut off, an offset is applied, and a leap second is the second
 * after it.  LU_OK, or LU_INVALID: it is no timestamp, or lies before 1970 or
 * after 9999 (UTC).
 */

lu_rc_e lu_time_parse(const lu_str_t *text, time_t *time);

/* The same of what lu_time_print() has written; 0: it is not that. */

time_t lu_time_of(const char *text);

/* Days since the epoch of a date of the Gregorian calendar. */

long lu_time_days(long year, long month, long day);

/*
 * Writes a time from 1970 to 9999 as a terminated timestamp of LU_TIME_SIZE
 * bytes.
 */

void lu_time_print(char *text, time_t sec, unsigned msec);


#endif /* _LU_TIME_H_INCLUDED_ */
