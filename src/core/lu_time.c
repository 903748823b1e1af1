
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#if !defined _POSIX_C_SOURCE && !defined _GNU_SOURCE
#define _POSIX_C_SOURCE  200809L            /* gmtime_r() */
#endif

#include <stdio.h>

#include "lu_time.h"


static const unsigned char *lu_time_digits(const unsigned char *p,
    const unsigned char *last, unsigned n, unsigned char end, long *value);
static long lu_time_month_days(long year, long month);


lu_rc_e
lu_time_parse(const lu_str_t *text, time_t *time)
{
    int                   sign;
    long                  year, month, day, hour, min, sec, offset, h, m;
    time_t                value;
    const unsigned char  *p, *last;

    if (text->len == 0) {
        return LU_INVALID;
    }

    p = text->data;
    last = p + text->len;

    p = lu_time_digits(p, last, 4, '-', &year);
    p = lu_time_digits(p, last, 2, '-', &month);
    p = lu_time_digits(p, last, 2, 'T', &day);
    p = lu_time_digits(p, last, 2, ':', &hour);
    p = lu_time_digits(p, last, 2, ':', &min);
    p = lu_time_digits(p, last, 2, '\0', &sec);

    if (p == NULL
        || month < 1 || month > 12
        || day < 1 || day > lu_time_month_days(year, month)
        || hour > 23 || min > 59 || sec > 60)
    {
        return LU_INVALID;
    }

    if (p < last && *p == '.') {
        p++;

        if (p == last || *p < '0' || *p > '9') {
            return LU_INVALID;
        }

        while (p < last && *p >= '0' && *p <= '9') {
            p++;
        }
    }

    offset = 0;

    if (p < last && (*p == '+' || *p == '-')) {
        sign = (*p++ == '-') ? -1 : 1;

        p = lu_time_digits(p, last, 2, ':', &h);
        p = lu_time_digits(p, last, 2, '\0', &m);

        if (p == NULL || h > 23 || m > 59) {
            return LU_INVALID;
        }

        offset = sign * (h * 3600 + m * 60);

    } else if (p < last && (*p == 'Z' || *p == 'z')) {
        p++;

    } else {
        return LU_INVALID;
    }

    if (p != last) {
        return LU_INVALID;
    }

    value = (time_t) lu_time_days(year, month, day) * 86400
            + hour * 3600 + min * 60 + sec - offset;

    if (value < 0 || value > LU_TIME_MAX) {
        return LU_INVALID;
    }

    *time = value;

    return LU_OK;
}


time_t
lu_time_of(const char *text)
{
    time_t    time;
    lu_str_t  str;

    str = lu_str(text);

    return lu_time_parse(&str, &time) == LU_OK ? time : 0;
}


/*
 * Takes a number of n digits and the character behind it, a letter in either
 * case.
 */

static const unsigned char *
lu_time_digits(const unsigned char *p, const unsigned char *last, unsigned n,
    unsigned char end, long *value)
{
    *value = 0;

    if (p == NULL || (size_t) (last - p) < n + (end != '\0')) {
        return NULL;
    }

    while (n--) {
        if (*p < '0' || *p > '9') {
            return NULL;
        }

        *value = *value * 10 + (*p++ - '0');
    }

    if (end == '\0') {
        return p;
    }

    if (*p != end && !(end == 'T' && *p == 't')) {
        return NULL;
    }

    return p + 1;
}


static long
lu_time_month_days(long year, long month)
{
    static const unsigned char  lengths[] = { 31, 28, 31, 30, 31, 30,
                                              31, 31, 30, 31, 30, 31 };

    if (month == 2
        && ((year % 4 == 0 && year % 100 != 0) || year % 400 == 0))
    {
        return 29;
    }

    return lengths[month - 1];
}


/* After Gauss: the year begins in March. */

long
lu_time_days(long year, long month, long day)
{
    month -= 2;

    if (month <= 0) {
        month += 12;
        year -= 1;
    }

    return 365 * year + year / 4 - year / 100 + year / 400
           + 367 * month / 12 - 30 + day - 1 - 719527 + 31 + 28;
}


void
lu_time_print(char *text, time_t sec, unsigned msec)
{
    size_t     n;
    struct tm  tm;

    text[0] = '\0';

    if (gmtime_r(&sec, &tm) == NULL) {
        return;
    }

    n = strftime(text, LU_TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);

    (void) snprintf(text + n, LU_TIME_SIZE - n, ".%03uZ",
                    msec % 1000);
}
