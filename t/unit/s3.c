
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"

#include "../../src/core/lu_s3.c"


#define UPLOAD  "6f1c2a3e-0d4b-4c5e-8f90-1a2b3c4d5e6f"


static lu_s3_t     s3;
static lu_error_t  error;


static lu_rc_e
take(const char *method, const char *path, const char *query)
{
    lu_str_t  m, p, q;

    m = tap_str(method);
    p = tap_str(path);
    q = tap_str(query);

    memset(&error, 0, sizeof(lu_error_t));

    return lu_s3_read(&tap_arena, &m, &p, &q, &s3, &error);
}


static void
test_paths(void)
{
    size_t  i;

    static const struct {
        const char  *path;
        const char  *release;       /* NULL: refused */
        const char  *file;
        const char  *code;
    } cases[] = {
        { "/shop/1.0.0/a.exe", "1.0.0", "a.exe", NULL },
        { "/shop/v1.0.0-beta.1+5/a.exe", "v1.0.0-beta.1+5", "a.exe", NULL },
        { "/shop//1.0.0/a.exe", "1.0.0", "a.exe", NULL },
        { "//shop/1//a.exe", "1", "a.exe", NULL },
        { "/shop/1/mac-arm64/a.zip", "1", "mac-arm64/a.zip", NULL },
        { "/shop/1/Shop%20Setup%201.0.0.exe", "1", "Shop Setup 1.0.0.exe",
          NULL },
        { "/shop/1/a+b.exe", "1", "a+b.exe", NULL },
        { "/shop/1/%C3%A4.exe", "1", "\xc3\xa4.exe", NULL },
        { "/shop/1%2Fa.exe", "1", "a.exe", NULL },

        { "/", NULL, NULL, "InvalidBucketName" },
        { "/shop", NULL, NULL, "InvalidArgument" },
        { "/shop/", NULL, NULL, "InvalidArgument" },
        { "/shop/a.exe", NULL, NULL, "InvalidArgument" },
        { "/shop/1/b/c/a.exe", NULL, NULL, "InvalidArgument" },
        { "/sh.op/1/a.exe", NULL, NULL, "InvalidBucketName" },
        { "/../1/a.exe", NULL, NULL, "InvalidBucketName" },
        { "/public/1/a.exe", NULL, NULL, "InvalidBucketName" },
        { "/shop/../a.exe", NULL, NULL, "InvalidArgument" },
        { "/shop/-1/a.exe", NULL, NULL, "InvalidArgument" },
        { "/shop/a b/a.exe", NULL, NULL, "InvalidArgument" },
        { "/shop/1/..", NULL, NULL, "InvalidArgument" },
        { "/shop/1/.hidden", NULL, NULL, "InvalidArgument" },
        { "/shop/1/../a.exe", NULL, NULL, "InvalidArgument" },
        { "/shop/1/.x/a.exe", NULL, NULL, "InvalidArgument" },
        { "/shop/1/a%5Cb", NULL, NULL, "InvalidArgument" },
        { "/shop/1/a%0Ab", NULL, NULL, "InvalidArgument" },
        { "/shop/1/%ff", NULL, NULL, "InvalidArgument" },
        { "/shop/1/a%00b", NULL, NULL, "InvalidURI" },
        { "/shop/1/a%2", NULL, NULL, "InvalidURI" },
        { NULL, NULL, NULL, NULL }
    };

    for (i = 0; cases[i].path; i++) {

        if (cases[i].release) {
            ok(take("PUT", cases[i].path, "") == LU_OK
               && s3.op == LU_S3_PUT
               && lu_str_is(&s3.app, "shop")
               && strcmp((char *) s3.release.data, cases[i].release) == 0
               && strcmp((char *) s3.file.data, cases[i].file) == 0
               && s3.file.len == strlen(cases[i].file)
               && lu_str_ends(&s3.key, (char *) s3.file.data),
               "path %s", cases[i].path);
            continue;
        }

        ok(take("PUT", cases[i].path, "") == LU_INVALID
           && s3.status == 400
           && strcmp(s3.code, cases[i].code) == 0
           && error.text,
           "path %s: %s", cases[i].path, cases[i].code);
    }
}


static void
test_key(void)
{
    ok(take("PUT", "/shop/1.0.0/a%20b", "") == LU_OK
       && lu_str_is(&s3.key, "1.0.0/a b"), "the key");
    ok(take("PUT", "//shop//1.0.0/a", "") == LU_OK
       && lu_str_is(&s3.key, "/1.0.0/a"), "the key, with a slash of its own");
}


static void
test_operations(void)
{
    size_t  i;

    static const struct {
        const char  *method;
        const char  *query;
        int          op;            /* -1: refused */
        unsigned     status;
    } cases[] = {
        { "PUT", "", LU_S3_PUT, 0 },
        { "PUT", "x-id=PutObject", LU_S3_PUT, 0 },
        { "POST", "uploads", LU_S3_CREATE, 0 },
        { "POST", "uploads=", LU_S3_CREATE, 0 },
        { "PUT", "partNumber=1&uploadId=" UPLOAD, LU_S3_PART, 0 },
        { "PUT", "uploadId=" UPLOAD "&partNumber=10000&x-id=UploadPart",
          LU_S3_PART, 0 },
        { "POST", "uploadId=" UPLOAD, LU_S3_COMPLETE, 0 },
        { "DELETE", "uploadId=" UPLOAD, LU_S3_ABORT, 0 },

        { "GET", "", -1, 501 },
        { "GET", "list-type=2", -1, 501 },
        { "GET", "location=", -1, 501 },
        { "PATCH", "", -1, 501 },
        { "PUT", "acl", -1, 501 },
        { "PUT", "tagging=", -1, 501 },
        { "PUT", "X-Amz-Signature=0", -1, 501 },
        { "PUT", "=x", -1, 501 },
        { "PUT", "uploads", -1, 501 },
        { "POST", "", -1, 501 },
        { "POST", "delete", -1, 501 },
        { "DELETE", "", -1, 501 },
        { "DELETE", "uploads", -1, 501 },
        { "POST", "uploads&uploadId=" UPLOAD, -1, 501 },
        { "PUT", "uploadId=" UPLOAD, -1, 400 },
        { "PUT", "partNumber=1", -1, 400 },
        { "PUT", "partNumber=0&uploadId=" UPLOAD, -1, 400 },
        { "PUT", "partNumber=10001&uploadId=" UPLOAD, -1, 400 },
        { "PUT", "partNumber=x&uploadId=" UPLOAD, -1, 400 },
        { "POST", "partNumber=1&uploadId=" UPLOAD, -1, 400 },
        { "POST", "uploadId=", -1, 404 },
        { "POST", "uploadId=../x", -1, 404 },
        { "POST", "uploadId=..%2Fx", -1, 404 },
        { "POST", "uploadId=%", -1, 404 },
        { NULL, NULL, 0, 0 }
    };

    for (i = 0; cases[i].method; i++) {

        if (cases[i].op >= 0) {
            ok(take(cases[i].method, "/shop/1/a.exe", cases[i].query) == LU_OK
               && (int) s3.op == cases[i].op
               && (s3.part != 0) == (s3.op == LU_S3_PART)
               && (s3.upload.len != 0) == (s3.op >= LU_S3_PART),
               "%s ?%s", cases[i].method, cases[i].query);
            continue;
        }

        ok(take(cases[i].method, "/shop/1/a.exe", cases[i].query) == LU_INVALID
           && s3.status == cases[i].status
           && s3.code
           && error.text,
           "%s ?%s: %u", cases[i].method, cases[i].query, cases[i].status);
    }
}


static void
test_parts(void)
{
    size_t         i, n;
    lu_str_t       text;
    lu_s3_part_t  *parts;

#define BEGIN  "<CompleteMultipartUpload "                                    \
               "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
#define END    "</CompleteMultipartUpload>"
#define PART(n, etag)  "<Part><PartNumber>" n "</PartNumber><ETag>" etag      \
                       "</ETag></Part>"

    static const struct {
        const char  *text;
        size_t       n;
    } cases[] = {
        { BEGIN PART("1", "&#34;abc&#34;") END, 1 },
        { "<?xml version=\"1.0\"?>\n" BEGIN PART("1", "\"abc\"")
          PART("3", "&quot;abc&quot;")
          "\n <Part >\n<ETag>abc</ETag>\n<ChecksumCRC32>x</ChecksumCRC32>"
          "<PartNumber>10000</PartNumber></Part>" END, 3 },

        { "", 0 },
        { BEGIN END, 0 },
        { BEGIN PART("1", "abc"), 0 },
        { PART("1", "abc"), 0 },
        { BEGIN PART("2", "abc") PART("1", "abc") END, 0 },
        { BEGIN PART("1", "abc") PART("1", "abc") END, 0 },
        { BEGIN PART("0", "abc") END, 0 },
        { BEGIN PART("10001", "abc") END, 0 },
        { BEGIN PART("4294967297", "abc") END, 0 },
        { BEGIN PART("-1", "abc") END, 0 },
        { BEGIN PART("1", "") END, 0 },
        { BEGIN PART("1", "\"\"") END, 0 },
        { BEGIN "<Part><ETag>abc</ETag></Part>" END, 0 },
        { BEGIN "<Part><PartNumber>1</PartNumber></Part>" END, 0 },
        { BEGIN "<Parts><PartNumber>1</PartNumber></Parts>" END, 0 },
        { BEGIN "<Part", 0 },
        { NULL, 0 }
    };

    for (i = 0; cases[i].text; i++) {
        text = tap_str(cases[i].text);
        n = 0;

        if (cases[i].n) {
            ok(lu_s3_parts(&tap_arena, &text, &parts, &n, &error) == LU_OK
               && n == cases[i].n
               && parts[0].number == 1
               && lu_str_is(&parts[n - 1].etag, "abc"),
               "%zu parts", n);
            continue;
        }

        ok(lu_s3_parts(&tap_arena, &text, &parts, &n, &error) == LU_INVALID
           && error.text,
           "refused: %s", cases[i].text);
    }
}


static void
test_answers(void)
{
    lu_str_t  text, bucket, key;

    text = lu_s3_error(&tap_arena, "NoSuchKey", "\"<a>\" & \x01");
    ok(lu_str_is(&text,
                 "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                 "<Error><Code>NoSuchKey</Code><Message>&quot;&lt;a&gt;&quot; "
                 "&amp; ?</Message></Error>"),
       "an error: %s", text.data);

    bucket = tap_str("shop");
    key = tap_str("1.0.0/a&b.exe");

    text = lu_s3_created(&tap_arena, &bucket, &key, UPLOAD);
    ok(lu_str_has(&text, "<Bucket>shop</Bucket><Key>1.0.0/a&amp;b.exe</Key>"
                         "<UploadId>" UPLOAD "</UploadId>"),
       "an upload in parts");

    text = lu_s3_completed(&tap_arena, &bucket, &key, "abc");
    ok(lu_str_has(&text, "<ETag>&quot;abc&quot;</ETag>"), "its end");

    ok(lu_s3_status(422) == 400 && lu_s3_status(401) == 403
       && lu_s3_status(507) == 507,
       "statuses");
    ok(strcmp(lu_s3_code(409), "InvalidObjectState") == 0
       && strcmp(lu_s3_code(418), "InvalidRequest") == 0
       && strcmp(lu_s3_code(500), "InternalError") == 0
       && strcmp(lu_s3_code(502), "InternalError") == 0,
       "codes");

    tap_left = 0;
    text = lu_s3_error(&tap_arena, "a", "b");
    tap_left = -1;
    ok(text.data == NULL, "an error without memory");
}


static void
test_memory(void)
{
    long     left;
    lu_rc_e  rc;

    for (left = 0; left < 20; left++) {
        tap_left = left;
        rc = take("PUT", "/shop/1.0.0/mac/a.zip",
                  "partNumber=1&uploadId=" UPLOAD);
        tap_left = -1;

        if (rc != LU_NOMEM) {
            break;
        }
    }

    ok(left == 6 && rc == LU_OK, "memory, after %ld blocks", left);
}


int
main(void)
{
    test_paths();
    test_key();
    test_operations();
    test_parts();
    test_answers();
    test_memory();

    tap_free();

    return tap_done();
}
