
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_hex.h"
#include "lu_hmac.h"
#include "lu_query.h"
#include "lu_sha256.h"
#include "lu_sigv4.h"
#include "lu_time.h"

#include <openssl/crypto.h>


#define LU_SIGV4_METHOD  "AWS4-HMAC-SHA256"
#define LU_SIGV4_KEY     "AWS4"
#define LU_SIGV4_END     "aws4_request"


/* A parameter of the query, encoded as it is signed. */

typedef struct {
    lu_str_t  name;
    lu_str_t  value;
} lu_sigv4_pair_t;


static lu_rc_e lu_sigv4_one(const lu_sigv4_request_t *request,
    const char *name, lu_str_t *value);
static int lu_sigv4_fields(lu_str_t *text, lu_sigv4_t *sigv4);
static int lu_sigv4_until(lu_str_t *text, unsigned char end, lu_str_t *part);
static int lu_sigv4_scope(lu_str_t *credential, lu_sigv4_t *sigv4);
static int lu_sigv4_stamp(lu_sigv4_t *sigv4);
static int lu_sigv4_names_valid(const lu_str_t *names);
static int lu_sigv4_signed(const lu_str_t *names, const lu_str_t *name);
static lu_rc_e lu_sigv4_canonical(const lu_arena_t *arena,
    const lu_sigv4_request_t *request, const lu_sigv4_t *sigv4,
    lu_sha256_t *sha256);
static lu_rc_e lu_sigv4_path(const lu_arena_t *arena, const lu_str_t *path,
    lu_sha256_t *sha256);
static lu_rc_e lu_sigv4_query(const lu_arena_t *arena, const lu_str_t *query,
    lu_sha256_t *sha256);
static lu_rc_e lu_sigv4_encode(const lu_arena_t *arena, const lu_str_t *raw,
    int is_path, lu_str_t *encoded);
static int lu_sigv4_cmp(const void *one, const void *two);
static void lu_sigv4_headers(const lu_sigv4_request_t *request,
    const lu_str_t *names, lu_sha256_t *sha256);
static void lu_sigv4_value(const lu_str_t *value, lu_sha256_t *sha256);
static void lu_sigv4_str(lu_sha256_t *sha256, const lu_str_t *str);
static int lu_sigv4_right(const lu_sigv4_t *sigv4, const lu_str_t *text,
    const lu_str_t *secret, unsigned char *buf);


lu_rc_e
lu_sigv4_parse(const lu_sigv4_request_t *request, lu_sigv4_t *sigv4,
    lu_error_t *err)
{
    lu_rc_e   rc;
    lu_str_t  text;

    memset(sigv4, 0, sizeof(lu_sigv4_t));

    rc = lu_sigv4_one(request, "authorization", &text);

    if (rc == LU_NOT_FOUND) {
        return rc;
    }

    if (rc != LU_OK || !lu_sigv4_fields(&text, sigv4)) {
        return lu_error(err, NULL,
                        "The header Authorization must be \"AWS4-HMAC-SHA256 "
                        "Credential=..., SignedHeaders=..., Signature=...\", "
                        "as S3 clients send it.");
    }

    if (lu_sigv4_one(request, "x-amz-date", &sigv4->stamp) != LU_OK
        || !lu_sigv4_stamp(sigv4))
    {
        return lu_error(err, NULL,
                        "The request must have one header x-amz-date, such as "
                        "20130524T000000Z, with the day of the credential.");
    }

    if (lu_sigv4_one(request, "x-amz-content-sha256", &sigv4->payload)
        != LU_OK
        || sigv4->payload.len == 0)
    {
        return lu_error(err, NULL,
                        "The request must have one header "
                        "x-amz-content-sha256.");
    }

    return LU_OK;
}


/* The only header of that name. */

static lu_rc_e
lu_sigv4_one(const lu_sigv4_request_t *request, const char *name,
    lu_str_t *value)
{
    size_t   i;
    lu_rc_e  rc;

    rc = LU_NOT_FOUND;

    for (i = 0; i < request->nheaders; i++) {

        if (!lu_str_is(&request->headers[i].name, name)) {
            continue;
        }

        if (rc == LU_OK) {
            return LU_INVALID;
        }

        *value = request->headers[i].value;
        rc = LU_OK;
    }

    return rc;
}


static int
lu_sigv4_fields(lu_str_t *text, lu_sigv4_t *sigv4)
{
    lu_str_t  part, name, credential;

    if (!lu_sigv4_until(text, ' ', &part)
        || !lu_str_is(&part, LU_SIGV4_METHOD))
    {
        return 0;
    }

    memset(&credential, 0, sizeof(lu_str_t));

    while (text->len) {

        while (text->len && *text->data == ' ') {
            text->data++;
            text->len--;
        }

        if (!lu_sigv4_until(text, ',', &part)) {
            part = *text;
            text->len = 0;
        }

        if (!lu_sigv4_until(&part, '=', &name)) {
            return 0;
        }

        if (lu_str_is(&name, "Credential")) {
            credential = part;

        } else if (lu_str_is(&name, "SignedHeaders")) {
            sigv4->names = part;

        } else if (lu_str_is(&name, "Signature")) {
            sigv4->signature = part;

        } else {
            return 0;
        }
    }

    return lu_sigv4_scope(&credential, sigv4)
           && lu_sigv4_names_valid(&sigv4->names)
           && lu_sha256_hex_valid(&sigv4->signature);
}


/* Takes what comes before the byte, and the byte, from the front. */

static int
lu_sigv4_until(lu_str_t *text, unsigned char end, lu_str_t *part)
{
    unsigned char  *p;

    p = text->len ? memchr(text->data, end, text->len) : NULL;

    if (p == NULL) {
        return 0;
    }

    part->data = text->data;
    part->len = (size_t) (p - text->data);

    text->data = p + 1;
    text->len -= part->len + 1;

    return 1;
}


static int
lu_sigv4_scope(lu_str_t *credential, lu_sigv4_t *sigv4)
{
    lu_str_t  service;

    if (!lu_sigv4_until(credential, '/', &sigv4->access)) {
        return 0;
    }

    sigv4->scope = *credential;

    return lu_sigv4_until(credential, '/', &sigv4->day)
           && lu_sigv4_until(credential, '/', &sigv4->region)
           && lu_sigv4_until(credential, '/', &service)
           && lu_str_is(&service, "s3")
           && lu_str_is(credential, LU_SIGV4_END)
           && sigv4->access.len
           && sigv4->region.len;
}


/* The day is the one for which the key of the signature was made. */

static int
lu_sigv4_stamp(lu_sigv4_t *sigv4)
{
    char            text[sizeof("2013-05-24T00:00:00Z")];
    lu_str_t        str;
    unsigned char  *p;

    p = sigv4->stamp.data;

    if (sigv4->stamp.len != sizeof("20130524T000000Z") - 1
        || sigv4->day.len != sizeof("20130524") - 1
        || memcmp(p, sigv4->day.data, sigv4->day.len) != 0)
    {
        return 0;
    }

    memcpy(text, "....-..-.....:..:...", sizeof(text));

    memcpy(text, p, 4);
    memcpy(text + 5, p + 4, 2);
    memcpy(text + 8, p + 6, 5);
    memcpy(text + 14, p + 11, 2);
    memcpy(text + 17, p + 13, 3);

    str.len = sizeof(text) - 1;
    str.data = (unsigned char *) text;

    return lu_time_parse(&str, &sigv4->time) == LU_OK;
}


/* In lower case, in ascending order, each one once. */

static int
lu_sigv4_names_valid(const lu_str_t *names)
{
    size_t    i;
    lu_str_t  rest, name, last;

    rest = *names;
    memset(&last, 0, sizeof(lu_str_t));

    for ( /* void */ ; rest.len; last = name) {

        if (!lu_sigv4_until(&rest, ';', &name)) {
            name = rest;
            rest.len = 0;

        } else if (rest.len == 0) {
            return 0;
        }

        for (i = 0; i < name.len; i++) {
            if (lu_str_lower(name.data[i]) != name.data[i]) {
                return 0;
            }
        }

        if (name.len == 0 || lu_str_cmp(&last, &name) >= 0) {
            return 0;
        }
    }

    return names->len != 0;
}


lu_rc_e
lu_sigv4_covers(const lu_sigv4_request_t *request, const lu_sigv4_t *sigv4,
    lu_error_t *err)
{
    size_t           i, len;
    lu_str_t         host;
    const lu_str_t  *name;

    len = sizeof("x-amz-") - 1;
    host = lu_str("host");

    if (!lu_sigv4_signed(&sigv4->names, &host)) {
        return lu_error(err, NULL, "The header Host must be signed.");
    }

    for (i = 0; i < request->nheaders; i++) {
        name = &request->headers[i].name;

        if (name->len > len
            && memcmp(name->data, "x-amz-", len) == 0
            && !lu_sigv4_signed(&sigv4->names, name))
        {
            return lu_error(err, name, "is a header that must be signed");
        }
    }

    return LU_OK;
}


static int
lu_sigv4_signed(const lu_str_t *names, const lu_str_t *name)
{
    lu_str_t  rest, part;

    rest = *names;

    while (lu_sigv4_until(&rest, ';', &part)) {
        if (lu_str_eq(&part, name)) {
            return 1;
        }
    }

    return lu_str_eq(&rest, name);
}


lu_rc_e
lu_sigv4_verify(const lu_arena_t *arena, const lu_sigv4_request_t *request,
    const lu_sigv4_t *sigv4, const lu_str_t *secret)
{
    char            hex[LU_SHA256_HEX + 1];
    size_t          len;
    lu_rc_e         rc;
    lu_str_t        text;
    lu_sha256_t     sha256;
    unsigned char  *p, *key;

    rc = lu_sigv4_canonical(arena, request, sigv4, &sha256);

    if (rc != LU_OK) {

        /* nobody signs a path that has no canonical form */

        return rc == LU_INVALID ? LU_FORBIDDEN : rc;
    }

    lu_sha256_hex(&sha256, hex);

    len = sizeof(LU_SIGV4_METHOD) + sigv4->stamp.len + 1 + sigv4->scope.len
          + 1 + LU_SHA256_HEX;

    p = arena->alloc(arena->data, len);
    key = arena->alloc(arena->data, sizeof(LU_SIGV4_KEY) - 1 + secret->len);

    if (p == NULL || key == NULL) {
        return LU_NOMEM;
    }

    text.data = p;
    text.len = len;

    memcpy(p, LU_SIGV4_METHOD "\n", sizeof(LU_SIGV4_METHOD));
    p += sizeof(LU_SIGV4_METHOD);

    memcpy(p, sigv4->stamp.data, sigv4->stamp.len);
    p += sigv4->stamp.len;
    *p++ = '\n';

    memcpy(p, sigv4->scope.data, sigv4->scope.len);
    p += sigv4->scope.len;
    *p++ = '\n';

    memcpy(p, hex, LU_SHA256_HEX);

    return lu_sigv4_right(sigv4, &text, secret, key) ? LU_OK : LU_FORBIDDEN;
}


static lu_rc_e
lu_sigv4_canonical(const lu_arena_t *arena, const lu_sigv4_request_t *request,
    const lu_sigv4_t *sigv4, lu_sha256_t *sha256)
{
    lu_rc_e  rc;

    lu_sha256_init(sha256);

    lu_sigv4_str(sha256, &request->method);
    lu_sha256_update(sha256, "\n", 1);

    rc = lu_sigv4_path(arena, &request->path, sha256);
    lu_sha256_update(sha256, "\n", 1);

    if (rc == LU_OK) {
        rc = lu_sigv4_query(arena, &request->query, sha256);
        lu_sha256_update(sha256, "\n", 1);
    }

    if (rc != LU_OK) {
        return rc;
    }

    lu_sigv4_headers(request, &sigv4->names, sha256);
    lu_sha256_update(sha256, "\n", 1);

    lu_sigv4_str(sha256, &sigv4->names);
    lu_sha256_update(sha256, "\n", 1);

    lu_sigv4_str(sha256, &sigv4->payload);

    return LU_OK;
}


/* S3 takes the path as it is: neither ".." nor "//" is removed. */

static lu_rc_e
lu_sigv4_path(const lu_arena_t *arena, const lu_str_t *path,
    lu_sha256_t *sha256)
{
    lu_rc_e   rc;
    lu_str_t  encoded;

    rc = lu_sigv4_encode(arena, path, 1, &encoded);

    if (rc == LU_OK) {
        lu_sigv4_str(sha256, &encoded);
    }

    return rc;
}


static lu_rc_e
lu_sigv4_query(const lu_arena_t *arena, const lu_str_t *query,
    lu_sha256_t *sha256)
{
    size_t            i, n;
    lu_rc_e           rc;
    lu_str_t          rest, name, value;
    lu_sigv4_pair_t  *pairs;

    rest = *query;

    for (n = 0; lu_query_next(&rest, &name, &value); n++) {
        /* void */
    }

    if (n == 0) {
        return LU_OK;
    }

    pairs = arena->alloc(arena->data, n * sizeof(lu_sigv4_pair_t));
    if (pairs == NULL) {
        return LU_NOMEM;
    }

    rest = *query;

    for (i = 0; i < n && lu_query_next(&rest, &name, &value); i++) {

        rc = lu_sigv4_encode(arena, &name, 0, &pairs[i].name);

        if (rc == LU_OK) {
            rc = lu_sigv4_encode(arena, &value, 0, &pairs[i].value);
        }

        if (rc != LU_OK) {
            return rc;
        }
    }

    qsort(pairs, n, sizeof(lu_sigv4_pair_t), lu_sigv4_cmp);

    for (i = 0; i < n; i++) {

        if (i) {
            lu_sha256_update(sha256, "&", 1);
        }

        lu_sigv4_str(sha256, &pairs[i].name);
        lu_sha256_update(sha256, "=", 1);
        lu_sigv4_str(sha256, &pairs[i].value);
    }

    return LU_OK;
}


/* Clients differ in what they encode; what they sign is always the same. */

static lu_rc_e
lu_sigv4_encode(const lu_arena_t *arena, const lu_str_t *raw, int is_path,
    lu_str_t *encoded)
{
    size_t          i;
    lu_str_t        clear;
    unsigned char   c, *p;

    p = arena->alloc(arena->data, 4 * raw->len + 1);
    if (p == NULL) {
        return LU_NOMEM;
    }

    if (lu_query_decode(&clear, p + 3 * raw->len, raw, !is_path) != LU_OK) {
        return LU_INVALID;
    }

    encoded->data = p;

    for (i = 0; i < clear.len; i++) {
        c = clear.data[i];

        if (lu_str_is_alnum(c)
            || c == '-' || c == '.' || c == '_' || c == '~'
            || (c == '/' && is_path))
        {
            *p++ = c;

        } else {
            p = lu_hex_percent(p, c);
        }
    }

    encoded->len = (size_t) (p - encoded->data);

    return LU_OK;
}


static int
lu_sigv4_cmp(const void *one, const void *two)
{
    const lu_sigv4_pair_t *a = one;
    const lu_sigv4_pair_t *b = two;

    int  rc;

    rc = lu_str_cmp(&a->name, &b->name);

    return rc ? rc : lu_str_cmp(&a->value, &b->value);
}


static void
lu_sigv4_headers(const lu_sigv4_request_t *request, const lu_str_t *names,
    lu_sha256_t *sha256)
{
    size_t    i, n;
    lu_str_t  rest, name;

    rest = *names;

    while (rest.len) {

        if (!lu_sigv4_until(&rest, ';', &name)) {
            name = rest;
            rest.len = 0;
        }

        lu_sigv4_str(sha256, &name);
        lu_sha256_update(sha256, ":", 1);

        for (i = 0, n = 0; i < request->nheaders; i++) {

            if (!lu_str_eq(&request->headers[i].name, &name)) {
                continue;
            }

            if (n++) {
                lu_sha256_update(sha256, ",", 1);
            }

            lu_sigv4_value(&request->headers[i].value, sha256);
        }

        lu_sha256_update(sha256, "\n", 1);
    }
}


/* Without blanks at its ends, and with single ones in it. */

static void
lu_sigv4_value(const lu_str_t *value, lu_sha256_t *sha256)
{
    size_t  i, blanks, done;

    blanks = 0;
    done = 0;

    for (i = 0; i < value->len; i++) {

        if (value->data[i] == ' ' || value->data[i] == '\t') {
            blanks++;
            continue;
        }

        if (blanks && done) {
            lu_sha256_update(sha256, " ", 1);
        }

        lu_sha256_update(sha256, &value->data[i], 1);

        blanks = 0;
        done = 1;
    }
}


static void
lu_sigv4_str(lu_sha256_t *sha256, const lu_str_t *str)
{
    if (str->len) {
        lu_sha256_update(sha256, str->data, str->len);
    }
}


/* Each key is made with the one before it. */

static int
lu_sigv4_right(const lu_sigv4_t *sigv4, const lu_str_t *text,
    const lu_str_t *secret, unsigned char *buf)
{
    int            right;
    lu_str_t       key;
    unsigned char  digest[LU_HMAC_SIZE], sent[LU_HMAC_SIZE];

    key.data = buf;
    key.len = sizeof(LU_SIGV4_KEY) - 1 + secret->len;

    memcpy(buf, LU_SIGV4_KEY, sizeof(LU_SIGV4_KEY) - 1);
    memcpy(buf + sizeof(LU_SIGV4_KEY) - 1, secret->data, secret->len);

    lu_hmac_of(&key, sigv4->day.data, sigv4->day.len, digest);

    OPENSSL_cleanse(buf, key.len);

    key.data = digest;
    key.len = LU_HMAC_SIZE;

    lu_hmac_of(&key, sigv4->region.data, sigv4->region.len, digest);
    lu_hmac_of(&key, "s3", 2, digest);
    lu_hmac_of(&key, LU_SIGV4_END, sizeof(LU_SIGV4_END) - 1, digest);
    lu_hmac_of(&key, text->data, text->len, digest);

    right = lu_hex_decode(sent, sigv4->signature.data, LU_HMAC_SIZE)
            && CRYPTO_memcmp(sent, digest, LU_HMAC_SIZE) == 0;

    OPENSSL_cleanse(digest, LU_HMAC_SIZE);

    return right;
}
