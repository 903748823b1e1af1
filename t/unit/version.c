
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"
#include "../../src/core/lu_version.c"


typedef struct {
    const char  *version;
    int          valid;
} version_case_t;


static const version_case_t  valid_cases[] = {
    { "0", 1 },
    { "84", 1 },
    { "1.2.3", 1 },
    { "1.0.13", 1 },
    { "007", 1 },
    { "0.0.0.0.0", 1 },
    { "2147483648", 1 },
    { "1234567890123456789012345678901234567890123456789012345678901234", 1 },
    { "12345678901234567890123456789012345678901234567890123456789012345", 0 },
    { "", 0 },
    { ".", 0 },
    { "1.", 0 },
    { ".1", 0 },
    { "1..2", 0 },
    { "1.2.", 0 },
    { "-1", 0 },
    { "+1", 0 },
    { " 1", 0 },
    { "1 ", 0 },
    { "1.a", 0 },
    { "1.2-beta", 0 },
    { "v1", 0 },
    { "1,2", 0 },
    { "1/2", 0 },
    { "1:2", 0 },
    { "1\n", 0 },
    { "0x10", 0 },
    { "\xd9\xa1", 0 }
};


/* In ascending order; those that are equal share a line. */

static const char  *order[][6] = {
    { "0", "00", "0.0", "0.0.0", "000.00", NULL },
    { "0.0.1", NULL },
    { "0.1", "0.1.0", "00.01", NULL },
    { "0.9", NULL },
    { "0.10", NULL },
    { "1", "1.0", "1.0.0", "01", "1.00.000", NULL },
    { "1.0.0.1", NULL },
    { "1.2", "1.02", NULL },
    { "1.2.3", NULL },
    { "1.2.13", NULL },
    { "1.9.9", NULL },
    { "1.10", NULL },
    { "2", NULL },
    { "9", "09.0", NULL },
    { "10", NULL },
    { "84", "0084", NULL },
    { "99.99.99", NULL },
    { "2147483647", NULL },
    { "2147483648", NULL },
    { "4294967296", NULL },
    { "18446744073709551615", NULL },
    { "18446744073709551616", "018446744073709551616.0", NULL },
    { "18446744073709551616.0.1", NULL },
    { "99999999999999999999999999999999999999999999999999999999999998",
      NULL },
    { "99999999999999999999999999999999999999999999999999999999999999",
      NULL }
};


static int
version_sign(const char *a, const char *b)
{
    int       rc;
    lu_str_t  one, two;

    one = tap_str(a);
    two = tap_str(b);

    rc = lu_version_cmp(&one, &two);

    return (rc > 0) - (rc < 0);
}


static void
test_valid(void)
{
    size_t          i;
    unsigned char  *copy;
    lu_str_t        str;

    for (i = 0; i < sizeof(valid_cases) / sizeof(valid_cases[0]); i++) {
        str.len = strlen(valid_cases[i].version);

        copy = malloc(str.len);
        memcpy(copy, valid_cases[i].version, str.len);
        str.data = copy;

        ok(lu_version_valid(&str) == valid_cases[i].valid, "case %d is %s",
           (int) i, valid_cases[i].valid ? "valid" : "not valid");

        free(copy);
    }

    str.len = 3;
    str.data = (unsigned char *) "1\0" "2";
    ok(!lu_version_valid(&str), "NUL inside");

    str.len = 0;
    str.data = NULL;
    ok(!lu_version_valid(&str), "no data");
}


/* Every version against every other, both ways. */

static void
test_order(void)
{
    int     expected, failed;
    size_t  i, j, k, l, n;

    n = sizeof(order) / sizeof(order[0]);

    for (i = 0; i < n; i++) {
        failed = 0;

        for (j = 0; j < n; j++) {
            expected = (i > j) - (i < j);

            for (k = 0; order[i][k]; k++) {
                for (l = 0; order[j][l]; l++) {
                    if (version_sign(order[i][k], order[j][l]) != expected) {
                        printf("# %s, %s\n", order[i][k], order[j][l]);
                        failed = 1;
                    }
                }
            }
        }

        ok(!failed, "order of %s", order[i][0]);
    }
}


static void
test_bounds(void)
{
    unsigned char  *one, *two;
    lu_str_t        a, b;

    a.len = 3;
    a.data = one = malloc(3);
    memcpy(one, "1.2", 3);

    b.len = 5;
    b.data = two = malloc(5);
    memcpy(two, "1.2.0", 5);

    ok(lu_version_cmp(&a, &b) == 0
       && lu_version_cmp(&b, &a) == 0, "not terminated");

    memcpy(two, "00000", 5);

    ok(lu_version_cmp(&a, &b) > 0
       && lu_version_cmp(&b, &a) < 0, "nothing but zeroes");

    free(one);
    free(two);
}


/* In ascending order; section 11 of Semantic Versioning, and more. */

static const char  *semantic[] = {
    "0.9.10", "1.0.0-0", "1.0.0-2", "1.0.0-11", "1.0.0-alpha",
    "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2",
    "1.0.0-beta.11", "1.0.0-beta.11.0", "1.0.0-rc.1", "1.0.0", "1.0.1",
    "1.10.0", "2.0.0-a-b", "2.0.0"
};


static void
test_semantic(void)
{
    int       right;
    size_t    i, k, n;
    lu_str_t  a, b;

    n = sizeof(semantic) / sizeof(semantic[0]);

    for (i = 0; i < n; i++) {
        right = 1;

        for (k = 0; k < n; k++) {
            a = tap_str(semantic[i]);
            b = tap_str(semantic[k]);

            right &= (lu_version_semantic_cmp(&a, &b) < 0) == (i < k)
                     && (lu_version_semantic_cmp(&a, &b) > 0) == (i > k);
        }

        ok(right, "semantic: %s", semantic[i]);
    }

    a = tap_str("1.0.0+a");
    b = tap_str("1.0.0+b-c");
    ok(lu_version_semantic_cmp(&a, &b) == 0, "builds do not count");

    a = tap_str("");
    ok(lu_version_semantic_cmp(&a, &a) == 0
       && lu_version_semantic_cmp(&a, &b) < 0, "no version");

    tap_free();
}


int
main(void)
{
    test_valid();
    test_order();
    test_bounds();
    test_semantic();

    return tap_done();
}
