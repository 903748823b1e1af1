
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"

#include "../../src/core/lu_user.c"


static lu_token_t  token_list[2];
static lu_token_t  user;
static lu_error_t  error;


static lu_rc_e
named(const char *text)
{
    lu_str_t  name;

    name = tap_str(text);
    error.text = NULL;

    return lu_user_name(&name, token_list, 2, &error);
}


static lu_rc_e
made(const char *roles_text, const char *apps_text)
{
    lu_str_t  name, roles, apps;

    name = tap_str("ann");
    roles = tap_str(roles_text);
    apps = tap_str(apps_text ? apps_text : "");
    error.text = NULL;

    return lu_user(&tap_arena, &name, &roles, apps_text ? &apps : NULL, &user,
                   &error);
}


static void
test_name(void)
{
    size_t  i;
    char    text[140];

    static const char *const  valid[] = {
        "a", "Ann Lee", "ann@example.com", "Zo\xc3\xab", "\xe2\x80\x90",
        "\xe2\x80\xa7", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe2\x81\xb0",
        "\xef\xbb\xbe", "\xc2\xa0x", "\xd8\x9dx", "ci2", "xci"
    };

    static const char *const  invalid[] = {
        "", " a", "a ", "a\tb", "a\nb", "\x7f", "\xc2\x85", "\xc2\xad",
        "\xd8\x9c", "\xe2\x80\x8b", "\xe2\x80\x8f", "\xe2\x80\xa8",
        "\xe2\x80\xae", "\xe2\x81\xa0", "\xe2\x81\xaf", "\xef\xbb\xbf",
        "\xff", "a\xe2\x80", "\xc0\x80", "\xed\xa0\x80"
    };

    static const char *const  others[] = {
        "ci", "CI", "Ann", "ann", "GitHub", "guard", "ToDesktop", "cleanup",
        "status"
    };

    token_list[0].name = tap_str("ci");
    token_list[1].name = tap_str("ANN");

    for (i = 0; i < sizeof(valid) / sizeof(valid[0]); i++) {
        ok(named(valid[i]) == LU_OK, "valid, %d", (int) i);
    }

    for (i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++) {
        ok(named(invalid[i]) == LU_INVALID && error.text
           && error.subject.len == 0,
           "invalid, %d", (int) i);
    }

    for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        ok(named(others[i]) == LU_CONFLICT && error.text, "\"%s\"", others[i]);
    }

    memset(text, 'x', sizeof(text));
    text[129] = '\0';
    ok(named(text) == LU_INVALID, "129 bytes");

    text[128] = '\0';
    ok(named(text) == LU_OK, "128 bytes");
}


static void
test_user(void)
{
    long           n;
    size_t         i;
    lu_str_t       app;
    unsigned char  digest[32];

    static const char *const  wrong[] = {
        "x,", ",x", "x,,y", "x y", "x, y", "../x", "*,x"
    };

    ok(made("read", NULL) == LU_OK && user.roles == LU_ROLE_READ
       && user.napps == 0 && user.is_user,
       "a role");

    memcpy(digest, user.digest, 32);

    ok(made("approve,publish", "*") == LU_OK
       && user.roles == (LU_ROLE_READ|LU_ROLE_PUBLISH|LU_ROLE_APPROVE)
       && user.napps == 0,
       "two, and all apps");
    ok(memcmp(user.digest, digest, 32) == 0, "the same person");

    ok(made("read", "x,y-2") == LU_OK && user.napps == 2, "some apps");

    app = tap_str("y-2");
    ok(lu_token_has_app(&user, &app), "one of them");

    app = tap_str("z");
    ok(!lu_token_has_app(&user, &app), "none of them");

    ok(made("", NULL) == LU_FORBIDDEN && lu_str_is(&error.subject, "ann"),
       "no role");
    ok(made("read", "") == LU_FORBIDDEN, "no app");
    ok(made("reads", NULL) == LU_INVALID && lu_str_is(&error.subject, "reads"),
       "an unknown role");
    ok(made("read,", NULL) == LU_INVALID, "an empty one");
    ok(made("read, admin", NULL) == LU_INVALID, "a blank");

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        ok(made("read", wrong[i]) == LU_INVALID, "apps \"%s\"", wrong[i]);
    }

    /* a list, and two ids */

    for (n = 0; n < 3; n++) {
        tap_left = n;
        ok(made("read", "x,y") == LU_NOMEM, "memory is short, %ld", n);
    }

    tap_left = n;
    ok(made("read", "x,y") == LU_OK, "and is not");

    tap_left = -1;
}


int
main(void)
{
    test_name();
    test_user();

    tap_free();

    return tap_done();
}
