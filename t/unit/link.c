
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"

#include "../../src/core/lu_link.c"


#define NOW  1800000000


static const lu_str_t  link_secret = lu_string("0123456789abcdef"
                                               "0123456789abcdef");


static lu_link_e link_check(const char *key, const char *secret,
    const char *release, time_t now);


int
main(void)
{
    int       right;
    char      key[LU_LINK_SIZE], other[LU_LINK_SIZE];
    size_t    i, len;
    lu_str_t  release, text, none;

    release = lu_str("r1");

    lu_link_key(key, &link_secret, &release, NOW + 60);
    len = strlen(key);

    ok(len == 10 + 1 + 64 && memcmp(key, "1800000060.", 11) == 0,
       "a time and a signature");
    ok(link_check(key, "", "r1", NOW) == LU_LINK_OK, "right");
    ok(link_check(key, "", "r1", NOW + 59) == LU_LINK_OK, "in its last second");
    ok(link_check(key, "", "r1", NOW + 60) == LU_LINK_EXPIRED, "expired");
    ok(link_check(key, "", "r2", NOW) == LU_LINK_WRONG, "another release");
    ok(link_check(key, "x", "r1", NOW) == LU_LINK_WRONG, "another app");

    release.len = 0;
    right = lu_link_check(&release, &link_secret, &release, NOW)
            == LU_LINK_WRONG;
    ok(right, "no key");

    release = lu_str("r1");
    text = lu_str(key);
    none = lu_str("");

    ok(lu_link_check(&text, &none, &release, NOW) == LU_LINK_WRONG,
       "no secret");

    /* each byte counts */

    right = 1;

    for (i = 0; i < len; i++) {
        memcpy(other, key, len + 1);
        other[i] = (other[i] == '1') ? '2' : '1';

        right &= link_check(other, "", "r1", NOW) == LU_LINK_WRONG;
    }

    ok(right, "each byte counts");

    right = 1;

    for (i = 0; i < len; i++) {
        memcpy(other, key, len + 1);
        other[i] = '\0';

        right &= link_check(other, "", "r1", NOW) == LU_LINK_WRONG;
    }

    ok(right, "a part of it");

    ok(link_check("99999999999999999999.00", "", "r1", NOW) == LU_LINK_WRONG,
       "a time that is none");

    return tap_done();
}


static lu_link_e
link_check(const char *key, const char *secret, const char *release,
    time_t now)
{
    lu_str_t  text, other, id;

    text = lu_str(key);
    id = lu_str(release);
    other = *secret ? lu_str(secret) : link_secret;

    return lu_link_check(&text, &other, &id, now);
}
