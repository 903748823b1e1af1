
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#define _DEFAULT_SOURCE                 /* timegm() */

#include "tap.h"
#include "../../src/core/lu_time.c"


typedef struct {
    const char  *text;
    long long    sec;               /* -1: refused */
} time_case_t;


static const time_case_t  time_cases[] = {
    { "1970-01-01T00:00:00Z", 0 },
    { "1970-01-01T00:00:00.000Z", 0 },
    { "1970-01-01T00:00:00.999Z", 0 },
    { "2025-02-10T13:00:25.000Z", 1739192425 },
    { "2025-02-10t13:00:25z", 1739192425 },
    { "2025-02-10T13:00:25.123456789012345678901234567890Z", 1739192425 },
    { "2025-02-10T14:00:25+01:00", 1739192425 },
    { "2025-02-10T07:30:25.5-05:30", 1739192425 },
    { "2025-02-10T13:00:25+00:00", 1739192425 },
    { "2025-02-10T13:00:25-00:00", 1739192425 },
    { "2025-02-11T12:59:25+23:59", 1739192425 },
    { "2000-02-29T00:00:00Z", 951782400 },
    { "2024-02-29T23:59:59Z", 1709251199 },
    { "2400-02-29T00:00:00Z", 13574563200 },
    { "2016-12-31T23:59:60Z", 1483228800 },
    { "2038-01-19T03:14:08Z", 2147483648 },
    { "9999-12-31T23:59:59Z", 253402300799 },
    { "9999-12-31T23:59:59.999+00:01", 253402300739 },

    /* of another year there than here */

    { "1969-12-31T23:30:00-01:00", 1800 },
    { "1969-12-31T23:59:60Z", 0 },
    { "1970-01-01T00:30:00+01:00", -1 },
    { "1969-12-31T23:59:59Z", -1 },
    { "9999-12-31T23:59:59-00:01", -1 },
    { "9999-12-31T23:59:60Z", -1 },
    { "0000-01-01T00:00:00Z", -1 },
    { "0001-03-01T00:00:00Z", -1 },

    { "", -1 },
    { "now", -1 },
    { "1739192425", -1 },
    { "2025-02-10", -1 },
    { "2025-02-10T13:00Z", -1 },
    { "2025-02-10T13:00:25", -1 },
    { "2025-02-10 13:00:25Z", -1 },
    { "2025-02-10T13:00:25 Z", -1 },
    { "2025-02-10T13:00:25ZZ", -1 },
    { "2025-02-10T13:00:25Z ", -1 },
    { " 2025-02-10T13:00:25Z", -1 },
    { "2025-02-10T13:00:25.Z", -1 },
    { "2025-02-10T13:00:25.", -1 },
    { "2025-02-10T13:00:25.5", -1 },
    { "2025-02-10T13:00:25,5Z", -1 },
    { "2025-02-10T13:00:25.5.5Z", -1 },
    { "2025-02-10T13:00:25.-5Z", -1 },
    { "2025-2-10T13:00:25Z", -1 },
    { "25-02-10T13:00:25Z", -1 },
    { "12025-02-10T13:00:25Z", -1 },
    { "-2025-02-10T13:00:25Z", -1 },
    { "+2025-02-10T13:00:25Z", -1 },
    { "2025/02/10T13:00:25Z", -1 },
    { "2025\r02\r10T13:00:25Z", -1 },
    { "2025-02-10T13\x1a" "00\x1a" "25Z", -1 },
    { "20250210T130025Z", -1 },
    { "2025-00-10T13:00:25Z", -1 },
    { "2025-13-10T13:00:25Z", -1 },
    { "2025-02-00T13:00:25Z", -1 },
    { "2025-02-29T13:00:25Z", -1 },
    { "2100-02-29T13:00:25Z", -1 },
    { "2024-02-30T13:00:25Z", -1 },
    { "2025-04-31T13:00:25Z", -1 },
    { "2025-12-32T13:00:25Z", -1 },
    { "2025-02-10T24:00:00Z", -1 },
    { "2025-02-10T13:60:25Z", -1 },
    { "2025-02-10T13:00:61Z", -1 },
    { "2025-02-10T13:00:2aZ", -1 },
    { "2025-02-10T1a:00:25Z", -1 },
    { "2025-02-10T13:00:25+", -1 },
    { "2025-02-10T13:00:25+1", -1 },
    { "2025-02-10T13:00:25+01", -1 },
    { "2025-02-10T13:00:25+0100", -1 },
    { "2025-02-10T13:00:25+01:0", -1 },
    { "2025-02-10T13:00:25+01:000", -1 },
    { "2025-02-10T13:00:25+24:00", -1 },
    { "2025-02-10T13:00:25+01:60", -1 },
    { "2025-02-10T13:00:25+01:00Z", -1 },
    { "2025-02-10T13:00:25Z+01:00", -1 }
};


/* Without a byte behind it, so that one read too far shows. */

static lu_rc_e
parse(const char *text, size_t len, time_t *sec)
{
    lu_rc_e   rc;
    lu_str_t  str;

    str.len = len;
    str.data = malloc(len);

    if (len) {
        memcpy(str.data, text, len);
    }

    rc = lu_time_parse(&str, sec);

    free(str.data);

    return rc;
}


static void
test_parse(void)
{
    size_t              i;
    time_t              sec;
    lu_rc_e             rc;
    const time_case_t  *one;

    for (i = 0; i < sizeof(time_cases) / sizeof(time_cases[0]); i++) {
        one = &time_cases[i];
        sec = 7;

        rc = parse(one->text, strlen(one->text), &sec);

        if (one->sec < 0) {
            ok(rc == LU_INVALID && sec == 7, "refused: case %d", (int) i);

        } else {
            ok(rc == LU_OK && sec == (time_t) one->sec,
               "accepted: %s", one->text);
        }
    }

    ok(parse("2025-02-10T13:00:25Z\0", 21, &sec) == LU_INVALID,
       "a zero byte behind it");
}


static void
test_truncated(void)
{
    int                accepted;
    size_t             n;
    time_t             sec;
    static const char  text[] = "2025-02-10T13:00:25.125+01:30";

    accepted = 0;

    for (n = 0; n < sizeof(text) - 1; n++) {
        accepted += (parse(text, n, &sec) == LU_OK);
    }

    ok(accepted == 0, "no beginning of a timestamp is one");
}


/*
 * Each byte replaced by each other byte: what is accepted is a timestamp that
 * the C library understands as the same time.
 */

static void
test_bytes(void)
{
    int                accepted, wrong;
    char               text[sizeof("2024-01-28T13:20:25Z")];
    size_t             i;
    time_t             sec;
    unsigned           c;
    struct tm          tm;
    static const char  valid[] = "2024-01-28T13:20:25Z";

    accepted = 0;
    wrong = 0;

    for (i = 0; i < sizeof(valid) - 1; i++) {
        for (c = 0; c < 256; c++) {
            memcpy(text, valid, sizeof(valid));
            text[i] = (char) c;

            if (parse(text, sizeof(valid) - 1, &sec) != LU_OK) {
                continue;
            }

            accepted++;

            if (c == 't' || c == 'z') {
                text[i] = (char) (c & ~0x20);
            }

            memset(&tm, 0, sizeof(struct tm));

            if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2dZ", &tm.tm_year,
                       &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min,
                       &tm.tm_sec)
                != 6
                || text[4] != '-' || text[7] != '-' || text[10] != 'T'
                || text[13] != ':' || text[16] != ':' || text[19] != 'Z')
            {
                wrong++;
                continue;
            }

            tm.tm_year -= 1900;
            tm.tm_mon -= 1;

            wrong += (timegm(&tm) != sec);
        }
    }

    /*
     * digits: years 2 to 9, 0 to 9 twice, 0 to 9; months 0x and 11; days 0x
     * to 2x, 20 to 29; hours 03, 13, 23 and 1x; minutes 0x to 5x, 2x;
     * seconds 0x to 5x, 2x; and seven characters between, two of them in
     * either case
     */

    ok(wrong == 0 && accepted == 8 + 10 + 10 + 10 + 2 + 9 + 3 + 10 + 3 + 10
                                 + 6 + 10 + 6 + 10 + 2 + 2 + 4,
       "%d bytes are accepted where they are, and nowhere else", accepted);
}


static int
same(time_t sec, unsigned msec)
{
    char    text[LU_TIME_SIZE], expected[64];
    time_t  parsed;
    struct tm  tm;

    gmtime_r(&sec, &tm);

    snprintf(expected, sizeof(expected), "%04d-%02d-%02dT%02d:%02d:%02d.%03uZ",
             tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
             tm.tm_min, tm.tm_sec, msec);

    memset(text, 'x', sizeof(text));
    lu_time_print(text, sec, msec);

    return memcmp(text, expected, LU_TIME_SIZE) == 0
           && parse(text, strlen(text), &parsed) == LU_OK
           && parsed == sec;
}


static void
test_print(void)
{
    char    text[LU_TIME_SIZE];
    long    n, wrong;
    time_t  sec;

    ok(same(0, 0) && same(0, 999) && same(1739192425, 7)
       && same(LU_TIME_MAX, 999), "printed and parsed again");

    wrong = 0;

    for (n = 0, sec = 0; sec < 4102444800; n++, sec += 86400) {
        wrong += !same(sec, 0) + !same(sec + 86399, 999);
    }

    ok(wrong == 0, "all %ld days until 2100", n);

    wrong = 0;

    for (n = 0, sec = 0; sec <= LU_TIME_MAX; n++, sec += 1209517) {
        wrong += !same(sec, (unsigned) (n % 1000));
    }

    ok(wrong == 0, "%ld times until 9999", n);

    lu_time_print(text, 0, 1000);
    ok(strcmp(text, "1970-01-01T00:00:00.000Z") == 0,
       "milliseconds have three digits");

    if (sizeof(time_t) > 4) {
        lu_time_print(text, (time_t) 1 << 62, 0);
        ok(text[0] == '\0', "no year that an int can hold");
    }
}


int
main(void)
{
    test_parse();
    test_truncated();
    test_bytes();
    test_print();

    return tap_done();
}
