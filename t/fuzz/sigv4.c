
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A request of any form is read within its bytes, and is right for no secret
 * that did not sign it.  With the signature that the canonical form has, made
 * apart from it, it is right, and with any other one it is not.
 */


#include "fuzz.h"
#include "lu_hmac.h"
#include "lu_sha256.h"
#include "lu_sigv4.h"

#include <stdio.h>


#define SECRET  "0123456789abcdef"
#define STAMP   "20130524T000000Z"
#define FRONT   "AWS4-HMAC-SHA256 "                                           \
                "Credential=AK/20130524/x/s3/aws4_request,"                   \
                "SignedHeaders=host;x-amz-content-sha256;x-amz-date,"         \
                "Signature="


static lu_str_t
next(const uint8_t **data, size_t *size)
{
    size_t          len;
    lu_str_t        str;
    const uint8_t  *p;

    p = *size ? memchr(*data, '\n', *size) : NULL;
    len = p ? (size_t) (p - *data) : *size;

    str = fuzz_copy(*data, len);

    *data += p ? len + 1 : len;
    *size -= p ? len + 1 : len;

    return str;
}


static void
check_any(const lu_arena_t *arena, const lu_sigv4_request_t *request)
{
    lu_rc_e     rc;
    lu_str_t    secret;
    lu_error_t  err;
    lu_sigv4_t  sigv4;

    memset(&err, 0, sizeof(lu_error_t));

    rc = lu_sigv4_parse(request, &sigv4, &err);

    if (rc == LU_INVALID) {
        fuzz_refused(rc, &err);
        return;
    }

    if (rc != LU_OK) {
        return;
    }

    rc = lu_sigv4_covers(request, &sigv4, &err);

    if (rc != LU_OK) {
        fuzz_refused(rc, &err);
    }

    secret = fuzz_str(SECRET);

    require(lu_sigv4_verify(arena, request, &sigv4, &secret) == LU_FORBIDDEN);
}


/* A plain path and query are their own canonical forms. */

static int
is_plain(const lu_str_t *str)
{
    size_t  i;

    for (i = 0; i < str->len; i++) {
        if (!lu_str_is_alnum(str->data[i]) && str->data[i] != '/') {
            return 0;
        }
    }

    return 1;
}


static void
sign(const char *text, const char *canonical, char *hex)
{
    char           buf[256];
    lu_str_t       key;
    lu_sha256_t    sha256;
    unsigned char  digest[32];
    size_t         i, len;

    lu_sha256_init(&sha256);
    lu_sha256_update(&sha256, canonical, strlen(canonical));
    lu_sha256_hex(&sha256, hex);

    len = (size_t) snprintf(buf, sizeof(buf), "%s%s", text, hex);

    key = fuzz_str("AWS4" SECRET);
    lu_hmac_of(&key, "20130524", 8, digest);

    key.data = digest;
    key.len = 32;

    lu_hmac_of(&key, "x", 1, digest);
    lu_hmac_of(&key, "s3", 2, digest);
    lu_hmac_of(&key, "aws4_request", 12, digest);
    lu_hmac_of(&key, buf, len, digest);

    for (i = 0; i < 32; i++) {
        (void) sprintf(hex + 2 * i, "%02x", digest[i]);
    }
}


static void
check_signed(const lu_arena_t *arena, lu_sigv4_request_t *request)
{
    char               *canonical, hex[65], value[sizeof(FRONT) + 64];
    size_t              len;
    lu_str_t            secret;
    lu_error_t          err;
    lu_sigv4_t          sigv4;
    lu_sigv4_header_t   headers[4];

    if (!is_plain(&request->method) || !is_plain(&request->path)) {
        return;
    }

    len = request->method.len + request->path.len + 512;
    canonical = malloc(len);

    (void) snprintf(canonical, len,
                    "%.*s\n%.*s\n\nhost:h\n"
                    "x-amz-content-sha256:UNSIGNED-PAYLOAD\n"
                    "x-amz-date:" STAMP "\n\n"
                    "host;x-amz-content-sha256;x-amz-date\n"
                    "UNSIGNED-PAYLOAD",
                    (int) request->method.len, request->method.data,
                    (int) request->path.len, request->path.data);

    sign("AWS4-HMAC-SHA256\n" STAMP "\n20130524/x/s3/aws4_request\n",
         canonical, hex);

    free(canonical);

    (void) snprintf(value, sizeof(value), FRONT "%s", hex);

    headers[0].name = fuzz_str("host");
    headers[0].value = fuzz_str("h");
    headers[1].name = fuzz_str("x-amz-content-sha256");
    headers[1].value = fuzz_str("UNSIGNED-PAYLOAD");
    headers[2].name = fuzz_str("x-amz-date");
    headers[2].value = fuzz_str(STAMP);
    headers[3].name = fuzz_str("authorization");
    headers[3].value = fuzz_str(value);

    request->headers = headers;
    request->nheaders = 4;
    request->query.len = 0;

    secret = fuzz_str(SECRET);

    require(lu_sigv4_parse(request, &sigv4, &err) == LU_OK);
    require(lu_sigv4_covers(request, &sigv4, &err) == LU_OK);
    require(lu_sigv4_verify(arena, request, &sigv4, &secret) == LU_OK);

    value[sizeof(FRONT) - 1] ^= 1;

    require(lu_sigv4_parse(request, &sigv4, &err) != LU_OK
            || lu_sigv4_verify(arena, request, &sigv4, &secret)
               == LU_FORBIDDEN);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t               i, n;
    lu_arena_t           arena;
    fuzz_block_t        *blocks;
    lu_sigv4_header_t    headers[8];
    lu_sigv4_request_t   request;

    blocks = NULL;
    arena.alloc = fuzz_alloc;
    arena.data = &blocks;

    request.method = next(&data, &size);
    request.path = next(&data, &size);
    request.query = next(&data, &size);

    for (n = 0; n < 8 && size; n++) {
        headers[n].name = next(&data, &size);
        headers[n].value = next(&data, &size);
    }

    request.headers = headers;
    request.nheaders = n;

    check_any(&arena, &request);

    for (i = 0; i < n; i++) {
        free(headers[i].name.data);
        free(headers[i].value.data);
    }

    i = request.query.len;
    check_signed(&arena, &request);
    request.query.len = i;

    free(request.method.data);
    free(request.path.data);
    free(request.query.data);

    fuzz_free(blocks);

    return 0;
}
