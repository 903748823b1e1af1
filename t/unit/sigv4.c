
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"

#include "../../src/core/lu_sigv4.c"


#define AWS_ACCESS  "AKIAIOSFODNN7EXAMPLE"
#define AWS_SECRET  "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define AWS_HOST    "examplebucket.s3.amazonaws.com"
#define AWS_STAMP   "20130524T000000Z"
#define NOTHING                                                               \
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

#define CREDENTIAL                                                            \
    "AWS4-HMAC-SHA256 Credential=" AWS_ACCESS                                 \
    "/20130524/us-east-1/s3/aws4_request,"

#define MAX  8


typedef struct {
    const char  *name;
    const char  *value;
} pair_t;


typedef struct {
    const char  *what;
    const char  *method;
    const char  *path;
    const char  *query;
    pair_t       headers[MAX];
} case_t;


/*
 * The examples of "Signature Calculations for the Authorization Header" in
 * Amazon's description of S3.
 */

static const case_t  examples[] = {

    { "GET Object", "GET", "/test.txt", "", {
        { "host", AWS_HOST },
        { "range", "bytes=0-9" },
        { "x-amz-content-sha256", NOTHING },
        { "x-amz-date", AWS_STAMP },
        { "authorization", CREDENTIAL
          "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
          "Signature=f0e8bdb87c964420e857bd35b5d6ed31"
          "0bd44f0170aba48dd91039c6036bdb41" } } },

    { "PUT Object", "PUT", "/test$file.text", "", {
        { "host", AWS_HOST },
        { "date", "Fri, 24 May 2013 00:00:00 GMT" },
        { "x-amz-date", AWS_STAMP },
        { "x-amz-storage-class", "REDUCED_REDUNDANCY" },
        { "x-amz-content-sha256",
          "44ce7dd67c959e0d3524ffac1771dfbb"
          "a87d2b6b4b4e99e42034a8b803f8b072" },
        { "authorization", CREDENTIAL
          "SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;"
          "x-amz-storage-class,"
          "Signature=98ad721746da40c64f1a55b78f14c238"
          "d841ea1380cd77a1b5971af0ece108bd" } } },

    { "GET Bucket Lifecycle", "GET", "/", "lifecycle", {
        { "host", AWS_HOST },
        { "x-amz-date", AWS_STAMP },
        { "x-amz-content-sha256", NOTHING },
        { "authorization", CREDENTIAL
          "SignedHeaders=host;x-amz-content-sha256;x-amz-date,"
          "Signature=fea454ca298b7da1c68078a5d1bdbfbb"
          "e0d65c699e0f91ac7a200a0136783543" } } },

    { "GET Bucket", "GET", "/", "max-keys=2&prefix=J", {
        { "host", AWS_HOST },
        { "x-amz-date", AWS_STAMP },
        { "x-amz-content-sha256", NOTHING },
        { "authorization", CREDENTIAL
          "SignedHeaders=host;x-amz-content-sha256;x-amz-date,"
          "Signature=34b48302e7b5fa45bde8084f4b7868a8"
          "6f0a534bc59db6670ed5711ef69dc6f7" } } },
};


static lu_sigv4_header_t   headers[MAX];
static lu_sigv4_request_t  request;
static lu_sigv4_t          sigv4;
static lu_error_t          error;


static void
take(const case_t *c)
{
    size_t  i;

    request.method = tap_str(c->method);
    request.path = tap_str(c->path);
    request.query = tap_str(c->query);
    request.headers = headers;

    for (i = 0; i < MAX && c->headers[i].name; i++) {
        headers[i].name = tap_str(c->headers[i].name);
        headers[i].value = tap_str(c->headers[i].value);
    }

    request.nheaders = i;
    error.text = NULL;
}


static lu_rc_e
verify(const char *secret)
{
    lu_rc_e   rc;
    lu_str_t  str;

    rc = lu_sigv4_parse(&request, &sigv4, &error);
    if (rc != LU_OK) {
        return rc;
    }

    str = tap_str(secret);

    return lu_sigv4_verify(&tap_arena, &request, &sigv4, &str);
}


static void
test_examples(void)
{
    size_t  i;

    for (i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        take(&examples[i]);

        ok(verify(AWS_SECRET) == LU_OK, "AWS: %s", examples[i].what);
        ok(lu_sigv4_covers(&request, &sigv4, &error) == LU_OK,
           "AWS: %s, all is signed", examples[i].what);
        ok(verify(AWS_SECRET "x") == LU_FORBIDDEN,
           "AWS: %s, another secret", examples[i].what);
    }
}


/* What is sent in another form is signed in the same one, or is another. */

static void
test_forms(void)
{
    take(&examples[1]);

    request.path = tap_str("/test%24file.text");
    ok(verify(AWS_SECRET) == LU_OK, "the path, encoded");

    request.path = tap_str("/%74est$file%2etext");
    ok(verify(AWS_SECRET) == LU_OK, "the path, encoded without need");

    request.path = tap_str("/test%2524file.text");
    ok(verify(AWS_SECRET) == LU_FORBIDDEN, "the path, encoded twice");

    request.path = tap_str("//test$file.text");
    ok(verify(AWS_SECRET) == LU_FORBIDDEN, "another slash");

    request.path = tap_str("/a/../test$file.text");
    ok(verify(AWS_SECRET) == LU_FORBIDDEN, "dots are no detour");

    request.path = tap_str("/test%2");
    ok(verify(AWS_SECRET) == LU_FORBIDDEN, "half of a byte");

    take(&examples[3]);

    request.query = tap_str("prefix=J&max-keys=2");
    ok(verify(AWS_SECRET) == LU_OK, "parameters in another order");

    request.query = tap_str("&prefix=%4A&&max-keys=2");
    ok(verify(AWS_SECRET) == LU_OK, "parameters, encoded");

    request.query = tap_str("prefix=J&max-keys=2&x=");
    ok(verify(AWS_SECRET) == LU_FORBIDDEN, "one more parameter");

    request.query = tap_str("prefix=J");
    ok(verify(AWS_SECRET) == LU_FORBIDDEN, "one parameter less");

    take(&examples[2]);

    request.query = tap_str("lifecycle=");
    ok(verify(AWS_SECRET) == LU_OK, "a parameter without a value, with \"=\"");

    take(&examples[0]);

    headers[1].value = tap_str("  bytes=0-9 \t");
    ok(verify(AWS_SECRET) == LU_OK, "blanks around a value");

    headers[1].value = tap_str("bytes=0 -9");
    ok(verify(AWS_SECRET) == LU_FORBIDDEN, "blanks in a value");

    take(&examples[0]);
    request.method = tap_str("PUT");
    ok(verify(AWS_SECRET) == LU_FORBIDDEN, "another method");

    take(&examples[0]);
    headers[0].value = tap_str(AWS_HOST ":443");
    ok(verify(AWS_SECRET) == LU_FORBIDDEN, "another host");

    take(&examples[0]);
    headers[1].name = tap_str("x-range");
    ok(verify(AWS_SECRET) == LU_FORBIDDEN, "a signed header is gone");

    take(&examples[0]);
    headers[request.nheaders].name = tap_str("range");
    headers[request.nheaders++].value = tap_str("bytes=0-9");
    ok(verify(AWS_SECRET) == LU_FORBIDDEN, "a signed header comes twice");

    take(&examples[0]);
    headers[2].value = tap_str("UNSIGNED-PAYLOAD");
    ok(verify(AWS_SECRET) == LU_FORBIDDEN, "another payload");
}


static void
test_value(void)
{
    char         one[LU_SHA256_HEX + 1], two[LU_SHA256_HEX + 1];
    size_t       i;
    lu_str_t     str;
    lu_sha256_t  sha256;

    static const pair_t  values[] = {
        { "a b", "a b" },
        { " a   b ", "a b" },
        { "a \t b", "a b" },
        { "\"a  b\"", "\"a b\"" },
        { "   ", "" },
        { "", "" },
        { NULL, NULL }
    };

    for (i = 0; values[i].name; i++) {
        str = tap_str(values[i].name);

        lu_sha256_init(&sha256);
        lu_sigv4_value(&str, &sha256);
        lu_sha256_hex(&sha256, one);

        lu_sha256_init(&sha256);
        lu_sha256_update(&sha256, values[i].value, strlen(values[i].value));
        lu_sha256_hex(&sha256, two);

        ok(strcmp(one, two) == 0, "value \"%s\"", values[i].name);
    }
}


static void
test_encode(void)
{
    size_t    i;
    lu_str_t  raw, encoded;

    static const struct {
        const char  *raw;
        const char  *path;
        const char  *query;
    } cases[] = {
        { "a/b c", "a/b%20c", "a%2Fb%20c" },
        { "a+b", "a%2Bb", "a%20b" },
        { "a%2Bb%2F", "a%2Bb/", "a%2Bb%2F" },
        { "~-._!*'()", "~-._%21%2A%27%28%29", "~-._%21%2A%27%28%29" },
        { "%c3%a4\xc3\xa4", "%C3%A4%C3%A4", "%C3%A4%C3%A4" },
        { "", "", "" },
        { NULL, NULL, NULL }
    };

    for (i = 0; cases[i].raw; i++) {
        raw = tap_str(cases[i].raw);

        ok(lu_sigv4_encode(&tap_arena, &raw, 1, &encoded) == LU_OK
           && lu_str_is(&encoded, cases[i].path),
           "path \"%s\"", cases[i].raw);
        ok(lu_sigv4_encode(&tap_arena, &raw, 0, &encoded) == LU_OK
           && lu_str_is(&encoded, cases[i].query),
           "query \"%s\"", cases[i].raw);
    }
}


static void
test_authorization(void)
{
    size_t  i;

#define NAMES  "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date"
#define RIGHT                                                                 \
    "Signature=f0e8bdb87c964420e857bd35b5d6ed31"                              \
    "0bd44f0170aba48dd91039c6036bdb41"

    static const struct {
        const char  *value;
        int          right;
    } cases[] = {
        { CREDENTIAL NAMES "," RIGHT, 1 },
        { CREDENTIAL " " NAMES ",   " RIGHT, 1 },
        { "AWS4-HMAC-SHA256 " RIGHT "," NAMES ",Credential=" AWS_ACCESS
          "/20130524/us-east-1/s3/aws4_request", 1 },
        { "AWS4-HMAC-SHA256", 0 },
        { "AWS4-HMAC-SHA256 ", 0 },
        { "", 0 },
        { "AWS " AWS_ACCESS ":frJIUN8DYpKDtOLCwo//yllqDzg=", 0 },
        { "Bearer ca_0123456789", 0 },
        { "AWS4-ECDSA-P256-SHA256 Credential=a/20130524/us-east-1/s3/"
          "aws4_request," NAMES "," RIGHT, 0 },
        { CREDENTIAL NAMES, 0 },
        { CREDENTIAL RIGHT, 0 },
        { "AWS4-HMAC-SHA256 " NAMES "," RIGHT, 0 },
        { CREDENTIAL NAMES "," RIGHT "0", 0 },
        { CREDENTIAL NAMES ",Signature=", 0 },
        { CREDENTIAL NAMES "," RIGHT ",More=1", 0 },
        { CREDENTIAL "SignedHeaders=," RIGHT, 0 },
        { CREDENTIAL "SignedHeaders=host;," RIGHT, 0 },
        { CREDENTIAL "SignedHeaders=;host," RIGHT, 0 },
        { CREDENTIAL "SignedHeaders=host;host," RIGHT, 0 },
        { CREDENTIAL "SignedHeaders=range;host," RIGHT, 0 },
        { CREDENTIAL "SignedHeaders=Host;range," RIGHT, 0 },
        { "AWS4-HMAC-SHA256 Credential=" AWS_ACCESS
          "/20130524/us-east-1/sts/aws4_request," NAMES "," RIGHT, 0 },
        { "AWS4-HMAC-SHA256 Credential=" AWS_ACCESS
          "/20130524/us-east-1/s3," NAMES "," RIGHT, 0 },
        { "AWS4-HMAC-SHA256 Credential=/20130524/us-east-1/s3/aws4_request,"
          NAMES "," RIGHT, 0 },
        { "AWS4-HMAC-SHA256 Credential=a/20130524//s3/aws4_request,"
          NAMES "," RIGHT, 0 },
        { "AWS4-HMAC-SHA256 Credential=a/b/20130524/x/s3/aws4_request,"
          NAMES "," RIGHT, 0 },
        { NULL, 0 }
    };

    for (i = 0; cases[i].value; i++) {
        take(&examples[0]);

        headers[4].value = tap_str(cases[i].value);

        ok(verify(AWS_SECRET) == (cases[i].right ? LU_OK : LU_INVALID)
           && (cases[i].right || error.text),
           "authorization \"%s\"", cases[i].value);
    }

    take(&examples[0]);
    request.nheaders = 4;
    ok(verify(AWS_SECRET) == LU_NOT_FOUND, "no authorization");

    take(&examples[0]);
    headers[request.nheaders++] = headers[4];
    ok(verify(AWS_SECRET) == LU_INVALID, "two authorizations");
}


static void
test_date(void)
{
    size_t  i;

    static const struct {
        const char  *stamp;
        int          right;
    } cases[] = {
        { "20130524T000000Z", 1 },
        { "20130524T235959Z", 1 },
        { "20130525T000000Z", 0 },
        { "20130524T000000", 0 },
        { "20130524T0000000", 0 },
        { "20130524 000000Z", 0 },
        { "20130524T240000Z", 0 },
        { "20130524T00000xZ", 0 },
        { "2013-05-24T00:00:00Z", 0 },
        { "Fri, 24 May 2013 00:00:00 GMT", 0 },
        { "", 0 },
        { NULL, 0 }
    };

    for (i = 0; cases[i].stamp; i++) {
        take(&examples[0]);

        headers[3].value = tap_str(cases[i].stamp);

        ok((lu_sigv4_parse(&request, &sigv4, &error) == LU_OK)
           == cases[i].right,
           "date \"%s\"", cases[i].stamp);
    }

    take(&examples[0]);
    ok(verify(AWS_SECRET) == LU_OK && sigv4.time == 1369353600,
       "the time of the signature");

    headers[request.nheaders++] = headers[3];
    ok(verify(AWS_SECRET) == LU_INVALID, "two dates");

    take(&examples[0]);
    headers[2].value = tap_str("");
    ok(verify(AWS_SECRET) == LU_INVALID, "an empty x-amz-content-sha256");

    headers[2].name = tap_str("x");
    ok(verify(AWS_SECRET) == LU_INVALID, "no x-amz-content-sha256");
}


static void
test_covers(void)
{
    take(&examples[0]);
    headers[request.nheaders].name = tap_str("x-amz-acl");
    headers[request.nheaders++].value = tap_str("public-read");

    ok(verify(AWS_SECRET) == LU_OK
       && lu_sigv4_covers(&request, &sigv4, &error) == LU_INVALID
       && lu_str_is(&error.subject, "x-amz-acl"),
       "x-amz-acl must be signed");

    headers[request.nheaders - 1].name = tap_str("x-amz");
    ok(lu_sigv4_covers(&request, &sigv4, &error) == LU_OK,
       "another header need not");

    sigv4.names = tap_str("range;x-amz-content-sha256;x-amz-date");
    ok(lu_sigv4_covers(&request, &sigv4, &error) == LU_INVALID,
       "the host must be signed");
}


static void
test_memory(void)
{
    long     left;
    lu_rc_e  rc;

    take(&examples[3]);

    for (left = 0; left < 20; left++) {
        tap_left = left;
        rc = verify(AWS_SECRET);
        tap_left = -1;

        if (rc != LU_NOMEM) {
            break;
        }
    }

    ok(left > 3 && rc == LU_OK, "memory, after %ld blocks", left);
}


int
main(void)
{
    test_examples();
    test_forms();
    test_value();
    test_encode();
    test_authorization();
    test_date();
    test_covers();
    test_memory();

    tap_free();

    return tap_done();
}
