
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"

#include "../../src/core/lu_token.c"


/* The SHA-256 of "secret", "other" and nothing. */

#define SECRET                                                                \
    "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"
#define OTHER                                                                 \
    "d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa"
#define NOTHING                                                               \
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define UPPER                                                                 \
    "2BB80D537B1DA3E38BD30361AA855686BDE0EACD7162FEF6A25FE97BF527A25B"


typedef struct {
    const char  *text;
    const char  *line;
    const char  *why;
} refused_t;


static lu_token_t  *tokens;
static size_t               ntokens;
static lu_error_t   error;


static lu_rc_e
parse_len(const char *text, size_t len)
{
    char     *copy;
    lu_rc_e   rc;
    lu_str_t  str;

    /* a copy of its very size, and gone afterwards */

    copy = malloc(len + (len == 0));
    memcpy(copy, text, len);

    str.data = (unsigned char *) copy;
    str.len = len;

    tokens = NULL;
    ntokens = 99;
    error.text = NULL;

    rc = lu_token_parse(&tap_arena, &str, &tokens, &ntokens, &error);

    free(copy);

    return rc;
}


static lu_rc_e
parse(const char *text)
{
    return parse_len(text, strlen(text));
}


static const char *
found(const char *clear)
{
    lu_str_t           str;
    const lu_token_t  *token;

    str = tap_str(clear);
    token = lu_token_find(tokens, ntokens, &str);

    return token ? (const char *) token->name.data : "nobody";
}


static int
has_app(size_t i, const char *app)
{
    lu_str_t  str;

    str = tap_str(app);

    return lu_token_has_app(&tokens[i], &str);
}


static void
test_file(void)
{
    lu_str_t  none;

    ok(parse("# who may do what\n"
             "\n"
             "ci publish " SECRET " app-1 app-2\n"
             "\t \n"
             "  # and a person\n"
             "\tboss\tapprove,read \t" OTHER "  ")
       == LU_OK, "a file");

    ok(ntokens == 2, "two tokens");

    ok(lu_str_is(&tokens[0].name, "ci")
       && lu_str_is(&tokens[1].name, "boss"), "names");

    ok(tokens[0].napps == 2
       && lu_str_is(&tokens[0].apps[0], "app-1")
       && lu_str_is(&tokens[0].apps[1], "app-2")
       && tokens[1].napps == 0, "apps");

    ok(tokens[0].digest[0] == 0x2b && tokens[0].digest[31] == 0x5b,
       "a digest");

    ok(strcmp(found("secret"), "ci") == 0, "finds the first");
    ok(strcmp(found("other"), "boss") == 0, "finds the last");
    ok(strcmp(found("secret "), "nobody") == 0, "a longer secret");
    ok(strcmp(found("secre"), "nobody") == 0, "a shorter secret");
    ok(strcmp(found(SECRET), "nobody") == 0, "the digest is no secret");
    ok(strcmp(found(""), "nobody") == 0, "an empty secret");

    none.len = 0;
    none.data = NULL;

    ok(lu_token_find(tokens, ntokens, &none) == NULL, "no secret");

    ok(has_app(0, "app-1") && has_app(0, "app-2"), "its apps");
    ok(!has_app(0, "app-3") && !has_app(0, "app") && !has_app(0, "app-11")
       && !has_app(0, "APP-1") && !has_app(0, ""), "not its apps");
    ok(has_app(1, "app-3"), "any app");

    ok(parse("a read " UPPER) == LU_OK
       && strcmp(found("secret"), "a") == 0, "upper-case digits");

    ok(parse("a read " NOTHING) == LU_OK
       && strcmp(found(""), "nobody") == 0,
       "the digest of nothing lets nobody in");

    ok(parse("a read " SECRET "\r\nb read " OTHER " x\r\n\r\n")
       == LU_OK && ntokens == 2 && has_app(1, "x"), "CR LF");

    ok(parse("gr\303\274n read " SECRET) == LU_OK
       && strcmp(found("secret"), "gr\303\274n") == 0, "a name in UTF-8");
}


static void
test_empty(void)
{
    ok(parse("") == LU_OK && ntokens == 0 && tokens == NULL, "an empty file");
    ok(strcmp(found("secret"), "nobody") == 0, "in which nobody is found");

    ok(parse("\n\n# nothing\n#\n \n") == LU_OK && ntokens == 0,
       "a file without tokens");
}


static void
test_roles(void)
{
    size_t              i;
    char                text[256];
    static const struct {
        const char     *roles;
        unsigned        mask;
    } cases[] = {
        { "read", 1 },
        { "publish", 3 },
        { "approve", 5 },
        { "admin", 15 },
        { "read,publish", 3 },
        { "publish,approve", 7 },
        { "approve,publish,read,read", 7 },
        { "read,admin", 15 },
        { "Read", 0 },
        { "reader", 0 },
        { "rea", 0 },
        { ",", 0 },
        { "read,", 0 },
        { ",read", 0 },
        { "read,,publish", 0 },
        { "read,write", 0 },
        { "read;publish", 0 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(text, sizeof(text), "a %s " SECRET, cases[i].roles);

        if (cases[i].mask) {
            ok(parse(text) == LU_OK
               && tokens[0].roles == cases[i].mask,
               "roles \"%s\"", cases[i].roles);

        } else {
            ok(parse(text) == LU_INVALID
               && strcmp(error.text, "has a role that is not read,"
                                     " publish, approve or admin") == 0,
               "no roles \"%s\"", cases[i].roles);
        }
    }
}


static void
test_refused(void)
{
    size_t                  i;
    char                    text[512];
    static const refused_t  cases[] = {
        { "a", "1", "has no role" },
        { "a read", "1", "has no SHA-256 of a token" },
        { "# x\n\na read \n", "3", "has no SHA-256 of a token" },
        { "a " SECRET " read", "1",
          "has a role that is not read, publish, approve or"
          " admin" },
        { "a read secret", "1",
          "has a SHA-256 that is not 64 hex digits" },
        { "a read 0" SECRET, "1",
          "has a SHA-256 that is not 64 hex digits" },
        { "a read g" "bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97"
          "bf527a25b", "1",
          "has a SHA-256 that is not 64 hex digits" },
        { "a read 2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97b"
          "f527a25/", "1",
          "has a SHA-256 that is not 64 hex digits" },
        { "a read " SECRET "\nb read " OTHER "\na read " NOTHING, "3",
          "has the name of an earlier token" },
        { "a read " SECRET "\n\n\nb read " UPPER "\n", "4",
          "has the SHA-256 of an earlier token" },
        { "a read " SECRET " ok .hidden", "1",
          "has an app that is not a valid id" },
        { "a read " SECRET " a/b", "1",
          "has an app that is not a valid id" },
        { "a read " SECRET " # comment", "1",
          "has an app that is not a valid id" },
        { "\377 read " SECRET, "1",
          "has a name that is not 1 to 128 bytes of UTF-8" },
        { "a\001 read " SECRET, "1",
          "has a name that is not 1 to 128 bytes of UTF-8" },
        { "a\rb read " SECRET, "1",
          "has a name that is not 1 to 128 bytes of UTF-8" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ok(parse(cases[i].text) == LU_INVALID
           && lu_str_is(&error.subject, cases[i].line)
           && strcmp(error.text, cases[i].why) == 0
           && tokens == NULL && ntokens == 99,
           "line %s %s", cases[i].line, cases[i].why);
    }

    memset(text, 'n', 129);
    strcpy(text + 129, " read " SECRET);
    ok(parse(text) == LU_INVALID, "a name of 129 bytes");
    ok(parse(text + 1) == LU_OK, "a name of 128 bytes");

    ok(parse_len("a\0b read " SECRET, 9 + 64) == LU_INVALID,
       "a NUL in a name");
    ok(parse_len("ab read " SECRET "\0", 8 + 65) == LU_INVALID,
       "a NUL behind a digest");
    ok(parse_len("ab rea\0 " SECRET, 8 + 64) == LU_INVALID, "a NUL in a role");
}


static void
test_many(void)
{
    size_t         i, n, len, right;
    char          *text, clear[32], hex[65];
    unsigned char  digest[32];
    lu_str_t       str;

    n = 500;
    text = malloc(n * 100);
    len = 0;

    for (i = 0; i < n; i++) {
        snprintf(clear, sizeof(clear), "secret %zu", i);
        EVP_Digest(clear, strlen(clear), digest, NULL, EVP_sha256(), NULL);

        for (right = 0; right < 32; right++) {
            snprintf(&hex[right * 2], 3, "%02x", digest[right]);
        }

        len += (size_t) sprintf(text + len, "%zu read %s\n", i, hex);
    }

    ok(parse_len(text, len) == LU_OK && ntokens == n, "many tokens");

    for (i = 0, right = 0; i < n; i++) {
        snprintf(clear, sizeof(clear), "secret %zu", i);
        str = tap_str(clear);

        right += lu_token_find(tokens, n, &str) == &tokens[i];
    }

    ok(right == n, "each is found");

    strcpy(text + len, "x read zz");
    ok(parse(text) == LU_INVALID
       && lu_str_is(&error.subject, "501"), "a line far down");

    free(text);
}


static void
test_nomem(void)
{
    long     i;
    lu_rc_e  rc;

    for (i = 0; /* void */ ; i++) {
        tap_left = i;
        rc = parse("a read " SECRET " x y\nb read " OTHER);

        if (rc != LU_NOMEM) {
            break;
        }
    }

    ok(i == 6 && rc == LU_OK, "no memory for a good file (%ld)", i);

    for (i = 0; /* void */ ; i++) {
        tap_left = i;
        rc = parse("a read " SECRET "\na");

        if (rc != LU_NOMEM) {
            break;
        }
    }

    ok(i == 4 && rc == LU_INVALID
       && lu_str_is(&error.subject, "2"), "no memory for a bad file (%ld)", i);

    tap_left = -1;
}


int
main(void)
{
    test_file();
    test_empty();
    test_roles();
    test_refused();
    test_many();
    test_nomem();

    tap_free();

    return tap_done();
}
