
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"

#include "../../src/core/lu_key.c"


#define SECRET  "0123456789abcdef"

#define TOKENS                                                                \
    "ci publish "                                                             \
    "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b shop\n" \
    "boss admin "                                                             \
    "d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa\n"


static lu_token_t  *tokens;
static size_t       ntokens;
static lu_key_t    *keys;
static size_t       nkeys;
static lu_error_t   error;


static lu_rc_e
parse(const char *text)
{
    char      *copy;
    size_t     len;
    lu_rc_e    rc;
    lu_str_t   str;

    /* a copy of its very size, and gone afterwards */

    len = strlen(text);
    copy = malloc(len + (len == 0));
    memcpy(copy, text, len);

    str.data = (unsigned char *) copy;
    str.len = len;

    keys = NULL;
    nkeys = 99;

    memset(&error, 0, sizeof(lu_error_t));

    rc = lu_key_parse(&tap_arena, &str, tokens, ntokens, &keys, &nkeys,
                      &error);
    free(copy);

    return rc;
}


static void
test_right(void)
{
    lu_str_t         str;
    const lu_key_t  *key;

    ok(parse("") == LU_OK && nkeys == 0, "no keys");
    ok(parse("# a comment\n\n  \r\n") == LU_OK && nkeys == 0, "no lines");

    ok(parse("# access token secret\r\n"
             "AKCI ci " SECRET "\r\n"
             "\tak-1_2.3\tboss  0123456789/+=!~*$%&(){}\n"
             "AKCI2 ci " SECRET)
       == LU_OK
       && nkeys == 3,
       "three keys");

    str = tap_str("AKCI");
    key = lu_key_find(keys, nkeys, &str);
    ok(key && lu_str_is(&key->secret, SECRET) && key->token == &tokens[0],
       "the first one");

    str = tap_str("ak-1_2.3");
    key = lu_key_find(keys, nkeys, &str);
    ok(key && lu_str_is(&key->secret, "0123456789/+=!~*$%&(){}")
       && key->token == &tokens[1],
       "the second one");

    str = tap_str("akci");
    ok(lu_key_find(keys, nkeys, &str) == NULL, "another letter case");

    str = tap_str("AKC");
    ok(lu_key_find(keys, nkeys, &str) == NULL, "a shorter one");
}


static void
test_wrong(void)
{
    char    long_access[200], long_secret[200];
    size_t  i;

    static const struct {
        const char  *text;
        const char  *line;
        const char  *why;
    } cases[] = {
        { "AK", "1", "no name of a token" },
        { "\n# c\nAK ci", "3", "has a secret" },
        { "AK ci 0123456789abcde", "1", "has a secret" },
        { "AK ci " SECRET " more", "1", "three fields" },
        { "AK/1 ci " SECRET, "1", "has an access key" },
        { "AK,1 ci " SECRET, "1", "has an access key" },
        { "A\xc3\xa4 ci " SECRET, "1", "has an access key" },
        { "AK ci " SECRET "\x7f", "1", "has a secret" },
        { "AK ci " SECRET "\xc3\xa4", "1", "has a secret" },
        { "AK ci " SECRET "\nBK ci " SECRET "\nAK boss " SECRET, "3",
          "earlier line" },
        { NULL, NULL, NULL }
    };

    for (i = 0; cases[i].text; i++) {
        ok(parse(cases[i].text) == LU_INVALID
           && strstr(error.text, cases[i].why)
           && lu_str_is(&error.subject, cases[i].line),
           "line %s: %s", cases[i].line, cases[i].why);
    }

    memset(long_access, 'A', sizeof(long_access));
    memcpy(long_access + 129, " ci " SECRET, sizeof(" ci " SECRET));
    ok(parse(long_access) == LU_INVALID, "an access key of 129 bytes");
    ok(parse(long_access + 1) == LU_OK, "one of 128");

    memset(long_secret, 's', sizeof(long_secret));
    memcpy(long_secret, "AK ci ", 6);
    long_secret[6 + 129] = '\0';
    ok(parse(long_secret) == LU_INVALID, "a secret of 129 bytes");
    long_secret[6 + 128] = '\0';
    ok(parse(long_secret) == LU_OK, "one of 128");
}


static void
test_memory(void)
{
    long     left;
    lu_rc_e  rc;

    for (left = 0; left < 20; left++) {
        tap_left = left;
        rc = parse("AK ci " SECRET "\nBK boss " SECRET "\n");
        tap_left = -1;

        if (rc != LU_NOMEM) {
            break;
        }
    }

    ok(left == 5 && rc == LU_OK, "memory, after %ld blocks", left);

    tap_left = 2;
    rc = parse("AK nobody " SECRET);
    tap_left = -1;

    ok(rc == LU_NOMEM, "memory for the number of a line");
}


int
main(void)
{
    lu_str_t    text;
    lu_error_t  err;

    text = tap_str(TOKENS);

    ok(lu_token_parse(&tap_arena, &text, &tokens, &ntokens, &err) == LU_OK
       && ntokens == 2,
       "tokens");

    test_right();
    test_wrong();
    test_memory();

    tap_free();

    return tap_done();
}
