
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_zoneinfo.h"


#define LU_ZONEINFO_HEAD  44
#define LU_ZONEINFO_TYPE  6

/* The hours of a rule go up to a week. */

#define LU_ZONEINFO_HOURS  167


/* A block of a file; the numbers are big-endian. */

typedef struct {
    const unsigned char  *times;
    const unsigned char  *indices;
    const unsigned char  *types;
    size_t                ntimes;
    size_t                ntypes;
    size_t                width;            /* of a time: 4 or 8 */
    size_t                size;             /* of the block, with its head */
} lu_zoneinfo_block_t;


typedef enum {
    LU_ZONEINFO_MONTH = 0,                  /* "Mm.w.d" */
    LU_ZONEINFO_JULIAN,                     /* "Jn": no leap day */
    LU_ZONEINFO_DAY                         /* "n" */
} lu_zoneinfo_e;


/* When the clocks change, in each year. */

typedef struct {
    lu_zoneinfo_e         kind;
    long                  month;
    long                  week;             /* 5: the last one */
    long                  day;
    long                  time;             /* local, seconds */
} lu_zoneinfo_rule_t;


/* The rule at the end of a file, POSIX's "TZ". */

typedef struct {
    long                  standard;
    long                  summer;
    lu_zoneinfo_rule_t    begin;
    lu_zoneinfo_rule_t    end;
    unsigned              has_summer:1;
} lu_zoneinfo_tz_t;


typedef struct {
    lu_offset_t          *offsets;
    size_t               *n;
    time_t                from;
    time_t                to;
} lu_zoneinfo_out_t;


static lu_rc_e lu_zoneinfo_block(const lu_str_t *text, size_t width,
    lu_zoneinfo_block_t *block);
static int64_t lu_zoneinfo_number(const unsigned char *p, size_t n);
static lu_rc_e lu_zoneinfo_tz(lu_str_t text, lu_zoneinfo_tz_t *tz);
static int lu_zoneinfo_tz_name(lu_str_t *text);
static int lu_zoneinfo_tz_time(lu_str_t *text, long *seconds);
static int lu_zoneinfo_tz_rule(lu_str_t *text, lu_zoneinfo_rule_t *rule);
static int lu_zoneinfo_take(lu_str_t *text, char c);
static int lu_zoneinfo_digits(lu_str_t *text, long max, long *value);
static lu_rc_e lu_zoneinfo_years(const lu_zoneinfo_tz_t *tz, time_t after,
    lu_zoneinfo_out_t *out);
static time_t lu_zoneinfo_change(const lu_zoneinfo_rule_t *rule, long year);
static int lu_zoneinfo_is_leap(long year);
static lu_rc_e lu_zoneinfo_add(lu_zoneinfo_out_t *out, time_t from,
    long seconds);


int
lu_zoneinfo_name(const lu_str_t *name)
{
    size_t         i;
    unsigned char  c, before;

    if (name->len == 0 || name->len > 64) {
        return 0;
    }

    before = '/';

    for (i = 0; i < name->len; i++) {
        c = name->data[i];

        if (c == '/' ? before == '/'
                     : (!lu_str_is_alnum(c) && c != '_' && c != '-'
                        && c != '+'))
        {
            return 0;
        }

        before = c;
    }

    return before != '/';
}


lu_rc_e
lu_zoneinfo_offsets(const lu_str_t *text, time_t from, time_t to,
    lu_offset_t *offsets, size_t *n)
{
    size_t                i, type;
    time_t                time;
    lu_str_t              rest;
    lu_zoneinfo_tz_t      tz;
    lu_zoneinfo_out_t     out;
    lu_zoneinfo_block_t   block;

    *n = 0;

    out.offsets = offsets;
    out.n = n;
    out.from = from;
    out.to = to;

    if (text->len > LU_ZONEINFO_SIZE
        || lu_zoneinfo_block(text, 4, &block) != LU_OK)
    {
        return LU_INVALID;
    }

    rest.data = text->data + block.size;
    rest.len = text->len - block.size;

    /* version 1 has no more than this block */

    if (text->data[4] >= '2') {

        if (lu_zoneinfo_block(&rest, 8, &block) != LU_OK) {
            return LU_INVALID;
        }

        rest.data += block.size;
        rest.len -= block.size;

    } else {
        rest.len = 0;
    }

    /* before the first transition, the first type is in force */

    if (lu_zoneinfo_add(&out, 0, (long) lu_zoneinfo_number(block.types, 4))
        != LU_OK)
    {
        return LU_INVALID;
    }

    time = -1;

    for (i = 0; i < block.ntimes; i++) {

        time = (time_t) lu_zoneinfo_number(block.times + i * block.width,
                                           block.width);
        type = block.indices[i];

        if (type >= block.ntypes
            || lu_zoneinfo_add(&out, time,
                               (long) lu_zoneinfo_number(block.types
                                                 + type * LU_ZONEINFO_TYPE, 4))
               != LU_OK)
        {
            return LU_INVALID;
        }
    }

    if (rest.len < 2 || rest.data[0] != '\n'
        || rest.data[rest.len - 1] != '\n')
    {
        return rest.len ? LU_INVALID : LU_OK;
    }

    rest.data++;
    rest.len -= 2;

    if (rest.len == 0) {
        return LU_OK;
    }

    if (lu_zoneinfo_tz(rest, &tz) != LU_OK) {
        return LU_INVALID;
    }

    return lu_zoneinfo_years(&tz, time, &out);
}


static lu_rc_e
lu_zoneinfo_block(const lu_str_t *text, size_t width,
    lu_zoneinfo_block_t *block)
{
    int                   i;
    size_t                counts[6], size;
    const unsigned char  *p;

    if (text->len < LU_ZONEINFO_HEAD || memcmp(text->data, "TZif", 4) != 0) {
        return LU_INVALID;
    }

    /* indicators of UTC and of standard time, leap seconds, times, types */

    for (i = 0; i < 6; i++) {
        counts[i] = (size_t) (lu_zoneinfo_number(text->data + 20 + 4 * i, 4)
                              & 0xffffffff);

        if (counts[i] > LU_ZONEINFO_SIZE) {
            return LU_INVALID;
        }
    }

    size = LU_ZONEINFO_HEAD + counts[3] * (width + 1)
           + counts[4] * LU_ZONEINFO_TYPE + counts[5]
           + counts[2] * (width + 4) + counts[1] + counts[0];

    if (size > text->len || counts[4] == 0) {
        return LU_INVALID;
    }

    p = text->data + LU_ZONEINFO_HEAD;

    block->times = p;
    block->indices = p + counts[3] * width;
    block->types = block->indices + counts[3];
    block->ntimes = counts[3];
    block->ntypes = counts[4];
    block->width = width;
    block->size = size;

    return LU_OK;
}


static int64_t
lu_zoneinfo_number(const unsigned char *p, size_t n)
{
    size_t    i;
    uint64_t  value;

    value = (p[0] & 0x80) ? ~(uint64_t) 0 : 0;

    for (i = 0; i < n; i++) {
        value = value << 8 | p[i];
    }

    return (int64_t) value;
}


/* "CET-1CEST,M3.5.0,M10.5.0/3": the offsets are those behind UTC. */

static lu_rc_e
lu_zoneinfo_tz(lu_str_t text, lu_zoneinfo_tz_t *tz)
{
    memset(tz, 0, sizeof(lu_zoneinfo_tz_t));

    if (!lu_zoneinfo_tz_name(&text)
        || !lu_zoneinfo_tz_time(&text, &tz->standard))
    {
        return LU_INVALID;
    }

    tz->standard = -tz->standard;

    if (text.len == 0) {
        return LU_OK;
    }

    if (!lu_zoneinfo_tz_name(&text)) {
        return LU_INVALID;
    }

    tz->has_summer = 1;
    tz->summer = tz->standard + 3600;

    if (text.len && text.data[0] != ',') {

        if (!lu_zoneinfo_tz_time(&text, &tz->summer)) {
            return LU_INVALID;
        }

        tz->summer = -tz->summer;
    }

    return lu_zoneinfo_tz_rule(&text, &tz->begin)
           && lu_zoneinfo_tz_rule(&text, &tz->end)
           && text.len == 0
           ? LU_OK : LU_INVALID;
}


static int
lu_zoneinfo_tz_name(lu_str_t *text)
{
    int     quoted;
    size_t  i;

    quoted = lu_zoneinfo_take(text, '<');

    for (i = 0; i < text->len; i++) {
        if (quoted ? text->data[i] == '>'
                   : !((text->data[i] | 0x20) >= 'a'
                       && (text->data[i] | 0x20) <= 'z'))
        {
            break;
        }
    }

    text->data += i;
    text->len -= i;

    return i > 0 && (!quoted || lu_zoneinfo_take(text, '>'));
}


static int
lu_zoneinfo_tz_time(lu_str_t *text, long *seconds)
{
    int   sign;
    long  hour, min, sec;

    sign = lu_zoneinfo_take(text, '-') ? -1 : 1;

    if (sign == 1) {
        (void) lu_zoneinfo_take(text, '+');
    }

    min = 0;
    sec = 0;

    if (!lu_zoneinfo_digits(text, LU_ZONEINFO_HOURS, &hour)
        || (lu_zoneinfo_take(text, ':')
            && (!lu_zoneinfo_digits(text, 59, &min)
                || (lu_zoneinfo_take(text, ':')
                    && !lu_zoneinfo_digits(text, 59, &sec)))))
    {
        return 0;
    }

    *seconds = sign * (hour * 3600 + min * 60 + sec);

    return 1;
}


static int
lu_zoneinfo_tz_rule(lu_str_t *text, lu_zoneinfo_rule_t *rule)
{
    if (!lu_zoneinfo_take(text, ',')) {
        return 0;
    }

    if (lu_zoneinfo_take(text, 'M')) {
        rule->kind = LU_ZONEINFO_MONTH;

        if (!lu_zoneinfo_digits(text, 12, &rule->month) || rule->month == 0
            || !lu_zoneinfo_take(text, '.')
            || !lu_zoneinfo_digits(text, 5, &rule->week) || rule->week == 0
            || !lu_zoneinfo_take(text, '.')
            || !lu_zoneinfo_digits(text, 6, &rule->day))
        {
            return 0;
        }

    } else if (lu_zoneinfo_take(text, 'J')) {
        rule->kind = LU_ZONEINFO_JULIAN;

        if (!lu_zoneinfo_digits(text, 365, &rule->day) || rule->day == 0) {
            return 0;
        }

    } else {
        rule->kind = LU_ZONEINFO_DAY;

        if (!lu_zoneinfo_digits(text, 365, &rule->day)) {
            return 0;
        }
    }

    rule->time = 2 * 3600;

    return !lu_zoneinfo_take(text, '/')
           || lu_zoneinfo_tz_time(text, &rule->time);
}


static int
lu_zoneinfo_take(lu_str_t *text, char c)
{
    if (text->len == 0 || text->data[0] != (unsigned char) c) {
        return 0;
    }

    text->data++;
    text->len--;

    return 1;
}


static int
lu_zoneinfo_digits(lu_str_t *text, long max, long *value)
{
    size_t  i;

    *value = 0;

    for (i = 0; i < text->len; i++) {

        if (text->data[i] < '0' || text->data[i] > '9') {
            break;
        }

        *value = *value * 10 + (text->data[i] - '0');

        if (*value > max) {
            return 0;
        }
    }

    text->data += i;
    text->len -= i;

    return i > 0;
}


static lu_rc_e
lu_zoneinfo_years(const lu_zoneinfo_tz_t *tz, time_t after,
    lu_zoneinfo_out_t *out)
{
    int     first;
    long    year;
    time_t  begin, end, times[2];

    if (!tz->has_summer) {
        return LU_OK;
    }

    year = 1970 + (long) (out->from / (366 * 86400)) - 1;

    for ( /* void */ ; lu_time_days(year, 1, 1) * 86400L <= out->to; year++) {

        begin = lu_zoneinfo_change(&tz->begin, year) - tz->standard;
        end = lu_zoneinfo_change(&tz->end, year) - tz->summer;

        first = begin < end;

        times[0] = first ? begin : end;
        times[1] = first ? end : begin;

        if (times[0] > after
            && lu_zoneinfo_add(out, times[0],
                               first ? tz->summer : tz->standard)
               != LU_OK)
        {
            return LU_INVALID;
        }

        if (times[1] > after
            && lu_zoneinfo_add(out, times[1],
                               first ? tz->standard : tz->summer)
               != LU_OK)
        {
            return LU_INVALID;
        }
    }

    return LU_OK;
}


/* Local time, as seconds since the epoch. */

static time_t
lu_zoneinfo_change(const lu_zoneinfo_rule_t *rule, long year)
{
    long  day, first, weekday, next;

    if (rule->kind == LU_ZONEINFO_MONTH) {

        first = lu_time_days(year, rule->month, 1);
        next = lu_time_days(rule->month == 12 ? year + 1 : year,
                            rule->month == 12 ? 1 : rule->month + 1, 1);

        weekday = ((first + 4) % 7 + 7) % 7;

        day = first + (rule->day - weekday + 7) % 7 + 7 * (rule->week - 1);

        if (day >= next) {
            day -= 7;
        }

    } else {
        day = lu_time_days(year, 1, 1) + rule->day;

        if (rule->kind == LU_ZONEINFO_JULIAN) {
            day -= 1;

            if (rule->day >= 60 && lu_zoneinfo_is_leap(year)) {
                day += 1;
            }
        }
    }

    return (time_t) day * 86400 + rule->time;
}


static int
lu_zoneinfo_is_leap(long year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}


/* The last offset until "from" is the first one that is kept. */

static lu_rc_e
lu_zoneinfo_add(lu_zoneinfo_out_t *out, time_t from, long seconds)
{
    size_t  n;

    if (from > out->to) {
        return LU_OK;
    }

    n = *out->n;

    if (from <= out->from) {
        n = 0;
        from = 0;
    }

    /* summer time all year ends when it begins */

    if (n > 0 && from == out->offsets[n - 1].from) {
        n--;
    }

    if (n == LU_PACE_OFFSETS
        || seconds <= -2 * 86400 || seconds >= 2 * 86400
        || (n > 0 && from < out->offsets[n - 1].from))
    {
        return LU_INVALID;
    }

    out->offsets[n].from = from;
    out->offsets[n].seconds = seconds;

    *out->n = n + 1;

    return LU_OK;
}
