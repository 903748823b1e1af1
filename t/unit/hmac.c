
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"

#include <ctype.h>

#include "../../src/core/lu_hmac.c"


#define SECRET    "e2f9a1c07d5b4386"
#define OTHER     "0123456789abcdef"
#define BODY      "{\"appId\":\"240808w4a9kky77\","                            \
                  "\"buildId\":\"250210vv2q75v93\"}"

#define VARIANTS  10000


typedef struct {
    const char         *what;
    const char         *key;
    size_t              key_len;
    const char         *data;
    size_t              data_len;
    const char         *hmac;
} hmac_case_t;

#define hmac_case(what, key, data, hmac)                                      \
    { what, key, sizeof(key) - 1, data, sizeof(data) - 1, hmac }


/* RFC 4231; its test case 5 is of a truncated digest, which nobody sends */

#define AA10   "\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa"
#define AA131  AA10 AA10 AA10 AA10 AA10 AA10 AA10 AA10 AA10 AA10 AA10 AA10    \
               AA10 "\xaa"
#define DD10   "\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd"
#define CD10   "\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd"

static const hmac_case_t  hmac_cases[] = {

    hmac_case("RFC 4231, 1",
        "\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b"
        "\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b",
        "Hi There",
        "b0344c61d8db38535ca8afceaf0bf12b"
        "881dc200c9833da726e9376c2e32cff7"),

    hmac_case("RFC 4231, 2",
        "Jefe",
        "what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c7"
        "5a003f089d2739839dec58b964ec3843"),

    hmac_case("RFC 4231, 3",
        AA10 AA10,
        DD10 DD10 DD10 DD10 DD10,
        "773ea91e36800e46854db8ebd09181a7"
        "2959098b3ef8c122d9635514ced565fe"),

    hmac_case("RFC 4231, 4",
        "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d"
        "\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19",
        CD10 CD10 CD10 CD10 CD10,
        "82558a389a443c0ea4cc819899f2083a"
        "85f0faa3e578f8077a2e3ff46729665b"),

    hmac_case("RFC 4231, 6",
        AA131,
        "Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f"
        "8e0bc6213728c5140546040f0ee37f54"),

    hmac_case("RFC 4231, 7",
        AA131,
        "This is a test using a larger than block-size key and a larger"
        " than block-size data. The key needs to be hashed before being"
        " used by the HMAC algorithm.",
        "9b09ffa71b942fcb27635fbcd5b0e944"
        "bfdc63644f0713938a7f51535c3a35e2")
};


static lu_hmac_t *
hmac_of(const char *one, const char *two, const char *three)
{
    size_t    n;
    lu_str_t  secrets[3];

    n = 0;

    if (one) {
        secrets[n++] = tap_str(one);
    }

    if (two) {
        secrets[n++] = tap_str(two);
    }

    if (three) {
        secrets[n++] = tap_str(three);
    }

    return lu_hmac_create(&tap_arena, secrets, n);
}


static void
hex_of(const lu_hmac_t *hmac, size_t i, char hex[65])
{
    size_t         k;
    unsigned char  digest[LU_HMAC_SIZE];

    lu_hmac_digest(&hmac->keys[i], digest);

    for (k = 0; k < LU_HMAC_SIZE; k++) {
        (void) sprintf(hex + 2 * k, "%02x", digest[k]);
    }
}


static int
verify(lu_hmac_t *hmac, const char *signature, size_t len)
{
    int             valid;
    unsigned char  *copy;
    lu_str_t        str;

    copy = malloc(len + (len == 0));
    memcpy(copy, signature, len);

    str.len = len;
    str.data = copy;

    valid = lu_hmac_verify(hmac, &str, "");

    free(copy);

    return valid;
}


static void
test_vectors(void)
{
    char            hex[65];
    size_t          i, k;
    lu_str_t        secret;
    lu_hmac_t      *hmac;
    unsigned char   digest[LU_HMAC_SIZE];

    for (i = 0; i < sizeof(hmac_cases) / sizeof(hmac_cases[0]); i++) {
        secret.len = hmac_cases[i].key_len;
        secret.data = (unsigned char *) hmac_cases[i].key;

        hmac = lu_hmac_create(&tap_arena, &secret, 1);
        lu_hmac_update(hmac, hmac_cases[i].data, hmac_cases[i].data_len);
        hex_of(hmac, 0, hex);

        ok(strcmp(hex, hmac_cases[i].hmac) == 0
           && verify(hmac, hmac_cases[i].hmac, 64), "%s", hmac_cases[i].what);

        hmac = lu_hmac_create(&tap_arena, &secret, 1);

        for (k = 0; k < hmac_cases[i].data_len; k++) {
            lu_hmac_update(hmac, hmac_cases[i].data + k, 1);
            lu_hmac_update(hmac, "", 0);
        }

        ok(verify(hmac, hmac_cases[i].hmac, 64), "%s, byte by byte",
           hmac_cases[i].what);

        lu_hmac_of(&secret, hmac_cases[i].data, hmac_cases[i].data_len,
                   digest);
        lu_hex_encode(hex, digest, LU_HMAC_SIZE);

        ok(memcmp(hex, hmac_cases[i].hmac, 64) == 0, "%s, at once",
           hmac_cases[i].what);
    }

    /* a key of a block is not hashed, one byte more is */

    hmac = hmac_of("0123456789abcdef0123456789abcdef"
                   "0123456789abcdef0123456789abcdef", NULL, NULL);
    lu_hmac_update(hmac, "a", 1);
    ok(verify(hmac, "f14de1a1ad6b896859bc55307d297209"
                    "abf0578c81d6590646e0c6c54db8f94c", 64),
       "a secret of 64 bytes");

    hmac = hmac_of("0123456789abcdef0123456789abcdef"
                   "0123456789abcdef0123456789abcdefX", NULL, NULL);
    lu_hmac_update(hmac, "a", 1);
    ok(verify(hmac, "f42a3bdd201520c2fa16bcfb89dcfb57"
                    "ebe9003d3462415c06fdf8d16cdd7ec9", 64),
       "a secret of 65 bytes");

    tap_free();
}


static void
test_secrets(void)
{
    char        one[65], two[65];
    lu_hmac_t  *hmac;

    hmac = hmac_of(SECRET, OTHER, NULL);
    lu_hmac_update(hmac, BODY, sizeof(BODY) - 1);
    hex_of(hmac, 0, one);
    hex_of(hmac, 1, two);

    ok(strcmp(one, two) != 0, "two secrets, two signatures");
    ok(verify(hmac, one, 64), "the first of two secrets");
    ok(verify(hmac, two, 64), "the second of two secrets");
    ok(verify(hmac, one, 64), "verifying changes nothing");

    hmac = hmac_of(OTHER, "", SECRET);
    lu_hmac_update(hmac, BODY, sizeof(BODY) - 1);
    ok(verify(hmac, one, 64) && verify(hmac, two, 64),
       "an empty secret in between");

    hmac = hmac_of(OTHER, NULL, NULL);
    lu_hmac_update(hmac, BODY, sizeof(BODY) - 1);
    ok(!verify(hmac, one, 64), "a secret that is no longer there");

    hmac = hmac_of(SECRET, NULL, NULL);
    lu_hmac_update(hmac, BODY " ", sizeof(BODY));
    ok(!verify(hmac, one, 64), "a body with a blank behind it");

    hmac = hmac_of(SECRET, NULL, NULL);
    ok(!verify(hmac, one, 64), "no body");

    hmac = hmac_of(NULL, NULL, NULL);
    lu_hmac_update(hmac, BODY, sizeof(BODY) - 1);
    ok(!verify(hmac, one, 64), "no secrets");

    /* HMAC-SHA256 of nothing with an empty key */

    hmac = hmac_of("", "", NULL);
    ok(!verify(hmac, "b613679a0814d9ec772f95d778c35fc5"
                     "ff1697c493715653c6c712144292c5ad", 64),
       "empty secrets sign nothing");

    tap_left = 0;
    ok(hmac_of(SECRET, NULL, NULL) == NULL, "no memory");
    tap_left = -1;

    tap_free();
}


static void
test_prefix(void)
{
    char        hex[65], text[128];
    lu_str_t    str;
    lu_hmac_t  *hmac;

    hmac = hmac_of(SECRET, NULL, NULL);
    lu_hmac_update(hmac, BODY, sizeof(BODY) - 1);
    hex_of(hmac, 0, hex);

    (void) sprintf(text, "sha256=%s", hex);
    str = tap_str(text);
    ok(lu_hmac_verify(hmac, &str, "sha256="), "with the prefix");
    ok(!lu_hmac_verify(hmac, &str, ""), "with a prefix too many");
    ok(!lu_hmac_verify(hmac, &str, "sha1="), "with another prefix");

    str.len--;
    ok(!lu_hmac_verify(hmac, &str, "sha256="), "with 63 digits");

    text[0] = 'S';
    str = tap_str(text);
    ok(!lu_hmac_verify(hmac, &str, "sha256="),
       "with the prefix in other letters");

    str = tap_str(hex);
    ok(!lu_hmac_verify(hmac, &str, "sha256="), "without the prefix");
    ok(lu_hmac_verify(hmac, &str, ""), "without any prefix");

    str.len = 0;
    str.data = NULL;
    ok(!lu_hmac_verify(hmac, &str, ""), "no signature");
    ok(!lu_hmac_verify(hmac, &str, "sha256="), "no signature, and no prefix");

    tap_free();
}


/* An LCG (Knuth's MMIX) is enough, and the same everywhere. */

static unsigned
random_below(unsigned n)
{
    static uint64_t  state = 1;

    state = state * 6364136223846793005u + 1442695040888963407u;

    return (unsigned) (state >> 33) % n;
}


static int
same_hex(const char *a, const char *b, size_t len)
{
    size_t  i;

    if (len != 64) {
        return 0;
    }

    for (i = 0; i < 64; i++) {
        if (tolower((unsigned char) a[i]) != tolower((unsigned char) b[i])) {
            return 0;
        }
    }

    return 1;
}


/* One of the ways to get a signature wrong; the length of it. */

static size_t
variant(const char *right, const char *other, size_t n, char *out)
{
    char        c;
    size_t      i, k, len;
    const char  digits[] = "0123456789abcdef0123456789ABCDEF";

    i = random_below(64);
    k = random_below(64);

    memcpy(out, right, 64);
    len = 64;

    switch (n % 16) {

    case 0:                                     /* another digit */
        out[i] = digits[random_below(32)];
        break;

    case 1:                                     /* a byte that is no digit */
        out[i] = (char) random_below(256);
        break;

    case 2:                                     /* truncated */
        len = k;
        break;

    case 3:                                     /* truncated at the front */
        memmove(out, out + k, 64 - k);
        len = 64 - k;
        break;

    case 4:                                     /* two digits exchanged */
        c = out[i];
        out[i] = out[k];
        out[k] = c;
        break;

    case 5:                                     /* rotated */
        memcpy(out, right + k, 64 - k);
        memcpy(out + 64 - k, right, k);
        break;

    case 6:                                     /* reversed */
        for (k = 0; k < 64; k++) {
            out[k] = right[63 - k];
        }

        if (n % 32 == 6) {                      /* by bytes */
            for (k = 0; k < 64; k++) {
                out[k] = right[(63 - k) ^ 1];
            }
        }
        break;

    case 7:                                     /* something before it */
        len = 1 + random_below(16);
        for (k = 0; k < len; k++) {
            out[k] = (n % 32 == 7) ? digits[random_below(16)]
                                   : (char) random_below(256);
        }
        memcpy(out + len, right, 64);
        len += 64;
        break;

    case 8:                                     /* something behind it */
        len += 1 + random_below(16);
        for (k = 64; k < len; k++) {
            out[k] = (n % 32 == 8) ? digits[random_below(16)]
                                   : (char) random_below(256);
        }
        break;

    case 9:                                     /* a blank of some kind */
        memmove(out + i + 1, out + i, 64 - i);
        out[i] = " \t\r\n\0,;:-="[random_below(10)];
        len = (n % 32 == 9) ? 65 : 64;
        break;

    case 10:                                    /* a digit left out */
        memmove(out + i, out + i + 1, 63 - i);
        out[63] = digits[random_below(16)];
        len = (n % 32 == 10) ? 63 : 64;
        break;

    case 11:                                    /* half of another secret's */
        memcpy(out + k, other + k, 64 - k);
        break;

    case 12:                                    /* other digits for a part */
        for ( /* void */ ; k < 64; k++) {
            out[k] = digits[random_below(16)];
        }
        break;

    case 13:                                    /* made up */
        for (k = 0; k < 64; k++) {
            out[k] = digits[random_below(16)];
        }
        break;

    case 14:                                    /* a prefix that others use */
        (void) sprintf(out, "%s%.64s",
                       (const char *[]) { "sha256=", "0x", "v1=", "\"" }[i % 4],
                       right);
        len = strlen(out);
        break;

    default:                                    /* twice, or as bytes */
        if (n % 32 == 15) {
            memcpy(out + 64, right, 64);
            len = 128;
            break;
        }

        for (k = 0; k < 32; k++) {
            c = right[2 * k];
            out[k] = (char) ((c <= '9' ? c - '0' : c - 'a' + 10) << 4);
            c = right[2 * k + 1];
            out[k] |= (char) (c <= '9' ? c - '0' : c - 'a' + 10);
        }
        len = 32;
        break;
    }

    return len;
}


static void
test_variants(void)
{
    char        right[65], upper[65], other[65], out[160];
    size_t      i, k, n, len, refused_n, lengths[161];
    lu_hmac_t  *hmac, *second;

    hmac = hmac_of(SECRET, OTHER, NULL);
    lu_hmac_update(hmac, BODY, sizeof(BODY) - 1);
    hex_of(hmac, 0, right);

    second = hmac_of("no secret of ours", NULL, NULL);
    lu_hmac_update(second, BODY, sizeof(BODY) - 1);
    hex_of(second, 0, other);

    refused_n = 0;
    memset(lengths, 0, sizeof(lengths));

    for (i = 0, n = 0; n < VARIANTS; i++) {
        len = variant(right, other, i, out);

        if (same_hex(out, right, len)) {
            continue;
        }

        n++;
        lengths[len]++;

        if (!verify(hmac, out, len)) {
            refused_n++;

        } else {
            printf("# accepted: \"%.*s\"\n", (int) len, out);
        }
    }

    ok(refused_n == VARIANTS, "%d wrong signatures are refused",
       (int) refused_n);
    ok(lengths[64] > VARIANTS / 3, "%d of them have 64 characters",
       (int) lengths[64]);

    /* each digit of the right one by any other byte */

    refused_n = 0;

    for (i = 0; i < 64; i++) {
        for (k = 0; k < 256; k++) {
            memcpy(out, right, 64);
            out[i] = (char) k;

            if (!same_hex(out, right, 64) && !verify(hmac, out, 64)) {
                refused_n++;
            }
        }
    }

    for (i = 0, n = 64 * 256; i < 64; i++) {
        n -= right[i] >= 'a' ? 2 : 1;
    }

    ok(refused_n == n, "each of %d changes of one byte is refused",
       (int) refused_n);

    /* and what is right in spite of its letters */

    for (i = 0; i < 64; i++) {
        upper[i] = (char) toupper((unsigned char) right[i]);
    }

    ok(memcmp(upper, right, 64) != 0 && verify(hmac, upper, 64),
       "upper case is accepted");

    for (i = 0, k = 0; i < 1000; i++) {
        for (n = 0; n < 64; n++) {
            out[n] = random_below(2) ? upper[n] : right[n];
        }

        k += verify(hmac, out, 64);
    }

    ok(k == 1000, "a mix of cases is accepted");

    tap_free();
}


/* A letter that is no digit must not pass for a byte of ones. */

static void
test_ones(void)
{
    char        hex[65];
    size_t      i, n;
    lu_hmac_t  *hmac;

    hmac = hmac_of(SECRET, NULL, NULL);
    n = 0;

    for ( ;; ) {
        hex_of(hmac, 0, hex);

        for (i = 0; i < 64; i += 2) {
            if (memcmp(hex + i, "ff", 2) == 0) {
                break;
            }
        }

        if (i < 64 || n++ == 10000) {
            break;
        }

        lu_hmac_update(hmac, "a", 1);
    }

    ok(i < 64 && verify(hmac, hex, 64), "a signature with \"ff\"");

    hex[i + 1] = 'g';
    ok(!verify(hmac, hex, 64), "\"fg\" is not \"ff\"");

    memcpy(hex + i, "gf", 2);
    ok(!verify(hmac, hex, 64), "nor is \"gf\"");

    tap_free();
}


int
main(void)
{
    test_vectors();
    test_secrets();
    test_prefix();
    test_variants();
    test_ones();

    tap_free();

    return tap_done();
}
