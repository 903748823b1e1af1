
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"
#include "../../src/core/lu_zoneinfo.c"


/* A file of version 2: no transitions but those given, and the rule. */

typedef struct {
    unsigned char         text[512];
    size_t                len;
} file_t;


typedef struct {
    const char           *rule;
    long                  first;            /* at the beginning of 2026 */
    long                  times[4];         /* then; 0: no more */
    long                  offsets[4];
} zoneinfo_case_t;


#define JANUARY   1767225600                /* of 2026 */
#define DECEMBER  1798761599

static const zoneinfo_case_t  zoneinfo_cases[] = {
    { "UTC0", 0, { 0 }, { 0 } },
    { "<+0530>-5:30", 19800, { 0 }, { 0 } },
    { "CET-1CEST,M3.5.0,M10.5.0/3", 3600, { 1774746000, 1792890000 },
      { 7200, 3600 } },
    { "EST5EDT,M3.2.0,M11.1.0", -18000, { 1772953200, 1793512800 },
      { -14400, -18000 } },

    /* the south, where the year begins in summer */

    { "AEST-10AEDT,M10.1.0,M4.1.0/3", 39600, { 1775318400, 1791043200 },
      { 36000, 39600 } },

    /* half an hour, hours before and beyond the day, days of the year */

    { "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", 39600,
      { 1775314800, 1791041400 }, { 37800, 39600 } },
    { "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", -7200, { 1774746000, 1792890000 },
      { -3600, -7200 } },
    { "XXX0YYY,J60/0,J305/0", 0, { 1772323200, 1793487600 }, { 3600, 0 } },
    { "XXX0YYY,59/0,304/1", 0, { 1772323200, 1793491200 }, { 3600, 0 } },

    /* summer all year */

    { "XXX3EDT4,0/0,J365/23", -14400, { 1767236400 }, { -14400 } }
};


static const char  *zoneinfo_refused[] = {
    "", "X", "5", "CET", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-168",
    "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M0.5.0,M10.5.0",
    "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0",
    "CET-1CEST,J0,J365", "CET-1CEST,366,1", "CET-1CEST,M3.5.0,M10.5.0x",
    "<CET-1", "CET-1:60"
};


static void
put(file_t *file, const void *bytes, size_t n)
{
    memcpy(file->text + file->len, bytes, n);
    file->len += n;
}


static void
put_number(file_t *file, long long value, int width)
{
    unsigned char  byte;

    while (width--) {
        byte = (unsigned char) (value >> 8 * width);
        put(file, &byte, 1);
    }
}


static void
put_head(file_t *file, unsigned ntimes, unsigned ntypes)
{
    put(file, "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);

    put_number(file, 0, 4);
    put_number(file, 0, 4);
    put_number(file, 0, 4);
    put_number(file, ntimes, 4);
    put_number(file, ntypes, 4);
    put_number(file, 4, 4);
}


static void
put_type(file_t *file, long offset)
{
    put_number(file, offset, 4);
    put(file, "\0\0", 2);
}


/* With one transition, at the beginning of 2000. */

static void
make(file_t *file, const char *rule)
{
    file->len = 0;

    put_head(file, 0, 1);
    put_type(file, 0);
    put(file, "XXX", 4);

    put_head(file, 1, 2);
    put_number(file, 946684800, 8);
    put(file, "\1", 1);
    put_type(file, -3600);
    put_type(file, 3600);
    put(file, "XXX", 4);

    put(file, "\n", 1);
    put(file, rule, strlen(rule));
    put(file, "\n", 1);
}


static lu_rc_e
offsets_of(const file_t *file, time_t from, time_t to, lu_offset_t *offsets,
    size_t *n)
{
    lu_rc_e   rc;
    lu_str_t  text;

    /* a copy of the exact size, whose end the sanitizer guards */

    text.len = file->len;
    text.data = malloc(file->len + 1);
    memcpy(text.data, file->text, file->len);
    text.data = realloc(text.data, file->len ? file->len : 1);

    rc = lu_zoneinfo_offsets(&text, from, to, offsets, n);

    free(text.data);

    return rc;
}


static void
test_rules(void)
{
    int                     same;
    size_t                  i, k, n;
    file_t                  file;
    lu_offset_t             offsets[LU_PACE_OFFSETS];
    const zoneinfo_case_t  *one;

    for (i = 0; i < sizeof(zoneinfo_cases) / sizeof(zoneinfo_cases[0]); i++) {
        one = &zoneinfo_cases[i];

        make(&file, one->rule);

        same = offsets_of(&file, JANUARY + 5 * 3600, DECEMBER, offsets, &n)
               == LU_OK;

        /* without summer time, the last transition counts */

        same = same && offsets[0].from == 0
               && (one->times[0] == 0
                   || offsets[0].seconds == one->first);

        for (k = 0; same && k < 4 && one->times[k]; k++) {

            if (one->times[k] <= JANUARY + 5 * 3600) {
                continue;
            }

            same = k + 1 < n && offsets[k + 1].from == one->times[k]
                   && offsets[k + 1].seconds == one->offsets[k];
        }

        if (!ok(same, "%s", one->rule)) {
            for (k = 0; k < n; k++) {
                printf("# %lld %ld\n", (long long) offsets[k].from,
                       offsets[k].seconds);
            }
        }
    }

    for (i = 0; i < sizeof(zoneinfo_refused) / sizeof(zoneinfo_refused[0]);
         i++)
    {
        make(&file, zoneinfo_refused[i]);

        /* no rule at all is one */

        ok(offsets_of(&file, JANUARY, DECEMBER, offsets, &n)
           == (i ? LU_INVALID : LU_OK), "\"%s\"", zoneinfo_refused[i]);
    }
}


static void
test_file(void)
{
    size_t       i, n, accepted;
    file_t       file, part;
    lu_offset_t  offsets[LU_PACE_OFFSETS];

    make(&file, "CET-1CEST,M3.5.0,M10.5.0/3");

    ok(offsets_of(&file, 0, 1000000000, offsets, &n) == LU_OK
       && offsets[0].from == 0 && offsets[0].seconds == -3600
       && offsets[1].from == 946684800 && offsets[1].seconds == 3600
       && n == 5, "transitions of the file, and of the rule behind them");

    ok(offsets_of(&file, JANUARY, JANUARY + 3000000000, offsets, &n)
       == LU_INVALID, "more transitions than there is room for");

    accepted = 0;

    for (i = 0; i < file.len; i++) {
        part = file;
        part.len = i;

        accepted += offsets_of(&part, 0, DECEMBER, offsets, &n) == LU_OK;
    }

    ok(accepted == 1, "no part of it, but for that without the rule");

    part = file;
    part.text[4] = '\0';

    ok(offsets_of(&part, JANUARY, DECEMBER, offsets, &n) == LU_OK
       && n == 1 && offsets[0].seconds == 0, "version 1");

    part = file;
    part.text[0] = 'X';

    ok(offsets_of(&part, JANUARY, DECEMBER, offsets, &n) == LU_INVALID,
       "no such file");
}


static void
test_names(void)
{
    size_t    i;
    lu_str_t  name;

    static const char  *good[] = {
        "UTC", "Europe/Berlin", "America/Argentina/Ushuaia", "Etc/GMT+12",
        "America/Port-au-Prince", "GB"
    };

    static const char  *bad[] = {
        "", "/", "/etc/passwd", "..", "../x", "Europe/../x", "Europe/",
        "Europe//Berlin", "Europe Berlin", "a.b", "x\n"
    };

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        name = tap_str(good[i]);
        ok(lu_zoneinfo_name(&name), "%s", good[i]);
    }

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        name = tap_str(bad[i]);
        ok(!lu_zoneinfo_name(&name), "no name, case %d", (int) i);
    }
}


int
main(void)
{
    test_rules();
    test_file();
    test_names();

    return tap_done();
}
