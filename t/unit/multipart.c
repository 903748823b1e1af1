
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "tap.h"
#include "../../src/core/lu_multipart.c"


/* What the callbacks were told, as "[name]content[name]content". */

typedef struct {
    unsigned char    data[4096];
    size_t           len;
    unsigned         calls;
    unsigned         empty;
    long             fail_after;
    lu_rc_e          fail;
} events_t;


typedef struct {
    const char      *type;
    const char      *boundary;      /* NULL: refused */
    const char      *reason;
} type_case_t;


typedef struct {
    const char      *body;
    const char      *events;        /* NULL: refused */
    const char      *reason;
} body_case_t;


#define FORM   "Content-Disposition: form-data; "
#define PART   "--b\r\n" FORM
#define NAMED  PART "name=\"n\"\r\n\r\n"

#define FIFTY                                                                 \
    "12345678901234567890123456789012345678901234567890"

#define LONGEST  FIFTY "12345678901234567890"

#define LONGEST_BODY                                                          \
    "--" LONGEST "\r\n" FORM "name=n\r\n\r\n\r\n--" FIFTY                    \
    "1234567890123456789xyz\r\n--" LONGEST "--"


static const type_case_t  type_cases[] = {
    { "multipart/form-data; boundary=b", "b", NULL },
    { "multipart/form-data;boundary=b", "b", NULL },
    { "Multipart/FORM-Data; Boundary=bB", "bB", NULL },
    { "multipart/form-data ; boundary=b ", "b", NULL },
    { "multipart/form-data;\tboundary=b;", "b", NULL },
    { "multipart/form-data; charset=utf-8; boundary=b", "b", NULL },
    { "multipart/form-data; boundary=b; charset=utf-8", "b", NULL },
    { "multipart/form-data; x=\"; boundary=c\\\"\"; boundary=b", "b", NULL },
    { "multipart/form-data; boundary=\"b\"", "b", NULL },
    { "multipart/form-data; boundary=azAZ09", "azAZ09", NULL },
    { "multipart/form-data; boundary=\"a b:c\"", "a b:c", NULL },
    { "multipart/form-data; boundary='()+_,-./:=?", "'()+_,-./:=?", NULL },
    { "multipart/form-data;"
      " boundary=--------------------------123456789012345678901234",
      "--------------------------123456789012345678901234", NULL },
    { "multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW",
      "----WebKitFormBoundary7MA4YWxkTrZu0gW", NULL },
    { "multipart/form-data; boundary=" FIFTY "12345678901234567890",
      FIFTY "12345678901234567890", NULL },

    { "", NULL, "is not" },
    { "text/plain", NULL, "is not" },
    { "multipart/mixed; boundary=b", NULL, "is not" },
    { "multipart/form-data-x; boundary=b", NULL, "is not" },
    { "nultipart/form-data; boundary=b", NULL, "is not" },
    { "multipart\x0f" "form-data; boundary=b", NULL, "is not" },
    { "multipart/form-dat; boundary=b", NULL, "is not" },
    { "boundary=b", NULL, "is not" },
    { "multipart/form-data", NULL, "no boundary" },
    { "multipart/form-data;", NULL, "no boundary" },
    { "multipart/form-data; charset=utf-8", NULL, "no boundary" },
    { "multipart/form-data; xboundary=b", NULL, "no boundary" },
    { "multipart/form-data; boundary", NULL, "malformed" },
    { "multipart/form-data; =b", NULL, "malformed" },
    { "multipart/form-data boundary=b", NULL, "malformed" },
    { "multipart/form-data; boundary=a b", NULL, "malformed" },
    { "multipart/form-data; boundary=\"b", NULL, "malformed" },
    { "multipart/form-data; boundary=\"b\\", NULL, "malformed" },
    { "multipart/form-data; boundary=\"b\\\"", NULL, "malformed" },
    { "multipart/form-data; boundary=\"b\"c", NULL, "malformed" },
    { "multipart/form-data; boundary=b\"c\"", NULL, "malformed" },
    { "multipart/form-data; boundary=b; boundary=c", NULL, "two boundaries" },
    { "multipart/form-data; boundary=", NULL, "1 to 70" },
    { "multipart/form-data; boundary=\"\"", NULL, "1 to 70" },
    { "multipart/form-data; boundary=" FIFTY "123456789012345678901", NULL,
      "1 to 70" },
    { "multipart/form-data; boundary=\"b \"", NULL, "not allowed" },
    { "multipart/form-data; boundary=*b", NULL, "not allowed" },
    { "multipart/form-data; boundary=b*", NULL, "not allowed" },
    { "multipart/form-data; boundary=\"b\\c\"", NULL, "not allowed" },
    { "multipart/form-data; boundary=\"b\rc\"", NULL, "not allowed" },
    { "multipart/form-data; boundary=\xc3\xbc", NULL, "not allowed" }
};


static const body_case_t  body_cases[] = {

    /* the frame */

    { "--b--", "", NULL },
    { "--b--\r\n", "", NULL },
    { NAMED "x\r\n--b--\r\n", "[n]x", NULL },
    { NAMED "x\r\n--b--", "[n]x", NULL },
    { "\r\n" NAMED "x\r\n--b--", "[n]x", NULL },
    { NAMED "x\r\n" NAMED "y\r\n--b--\r\n", "[n]x[n]y", NULL },
    { "pre\r\namble--b\r\n--\r\n\r\n" NAMED "x\r\n--b--", "[n]x", NULL },
    { "-" "\r\n" NAMED "x\r\n--b--", "[n]x", NULL },
    { "--" "\r\n" NAMED "x\r\n--b--", "[n]x", NULL },
    { NAMED "x\r\n--b--epi\r\n--b\r\nlogue\r\n--b--", "[n]x", NULL },
    { "--b \t \r\n" FORM "name=n\r\n\r\nx\r\n--b-- \r\n", "[n]x", NULL },

    /* contents that look like delimiters */

    { NAMED "\r\n--b--", "[n]", NULL },
    { NAMED "--b--", "[n]", NULL },
    { NAMED "--b\r\n" FORM "name=m\r\n\r\n--b--", "[n][m]", NULL },
    { NAMED "\r\n\r\n--b--", "[n]\r\n", NULL },
    { NAMED "-\r\n--b--", "[n]-", NULL },
    { NAMED "--\r\n--b--", "[n]--", NULL },
    { NAMED "--a\r\n--b--", "[n]--a", NULL },
    { NAMED "\n\r\n--b--", "[n]\n", NULL },
    { NAMED "\r\r\n--b--", "[n]\r", NULL },
    { NAMED "\r\n\r\n--b--", "[n]\r\n", NULL },
    { NAMED "\r\r\r\n\n\r\n--b--", "[n]\r\r\r\n\n", NULL },
    { NAMED "x--b--\r\n--b--", "[n]x--b--", NULL },
    { NAMED "x\n--b--\r\n--b--", "[n]x\n--b--", NULL },
    { NAMED "x\r--b--\r\n--b--", "[n]x\r--b--", NULL },
    { NAMED "x\r\n-b\r\n--\r\n--c\r\n--b--", "[n]x\r\n-b\r\n--\r\n--c",
      NULL },
    { NAMED "x\r\n-\r\n--b--", "[n]x\r\n-", NULL },
    { NAMED "x\r\n--\r\n--b--", "[n]x\r\n--", NULL },
    { NAMED "x\r\n\r\n--b--", "[n]x\r\n", NULL },
    { NAMED "x\r\n--B--\r\n--b--", "[n]x\r\n--B--", NULL },

    /* headers */

    { "--b\r\ncontent-DISPOSITION:FORM-data;NAME=n\r\n\r\nx\r\n--b--",
      "[n]x", NULL },
    { PART "name=\"a b\"\r\n\r\nx\r\n--b--", "[a b]x", NULL },
    { PART "name=\"a\\\"b\"\r\n\r\nx\r\n--b--", "[a\"b]x", NULL },
    { PART "name=\"a\\\\\"\r\n\r\nx\r\n--b--", "[a\\]x", NULL },
    { PART "name=\"a\\b\"\r\n\r\nx\r\n--b--", "[a\\b]x", NULL },
    { PART "name=\"a;b=c\"\r\n\r\nx\r\n--b--", "[a;b=c]x", NULL },
    { PART "name=\"n\\\"; name=\\\"m\"\r\n\r\nx\r\n--b--",
      "[n\"; name=\"m]x", NULL },
    { PART "name=\"\xc3\xbc\"\r\n\r\nx\r\n--b--", "[\xc3\xbc]x", NULL },
    { PART "name=n ; filename=f\r\n\r\nx\r\n--b--", "[n]x", NULL },
    { PART "filename=\"name=m; \\\"q\"; name=\"n\"\r\n\r\nx\r\n--b--",
      "[n]x", NULL },
    { PART "name*=utf-8''m; name=n\r\n\r\nx\r\n--b--", "[n]x", NULL },
    { PART "name=\"n\"; filename=\"a\"b.js\"\r\n\r\nx\r\n--b--", "[n]x",
      NULL },
    { PART "name=\"n\"; filename=\"a\\\"\r\n\r\nx\r\n--b--", "[n]x", NULL },
    { PART "name=\"n\"; name=\"m\"\r\n\r\nx\r\n--b--", "[n]x", NULL },
    { PART "name=\"n\";\r\n\r\nx\r\n--b--", "[n]x", NULL },
    { "--b\r\nContent-Disposition:\r\n form-data;\r\n\tname=\"n\"\r\n\r\n"
      "x\r\n--b--", "[n]x", NULL },
    { "--b\r\nContent-Type: text/plain\r\n" FORM "name=n\r\nX-A: b:c\r\n\r\n"
      "x\r\n--b--", "[n]x", NULL },
    { "--b\r\nX-Content-Disposition: form-data; name=m\r\n" FORM
      "name=n\r\n\r\nx\r\n--b--", "[n]x", NULL },

    { "--b\r\n\r\nx\r\n--b--", NULL, "has no \"Content-Disposition" },
    { "--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--", NULL,
      "has no \"Content-Disposition" },
    { "--b\r\nContent-Disposition: attachment; name=n\r\n\r\nx\r\n--b--",
      NULL, "has no \"Content-Disposition" },
    { "--b\r\nContent-Disposition : form-data; name=n\r\n\r\nx\r\n--b--",
      NULL, "malformed header" },
    { "--b\r\n " FORM "name=n\r\n\r\nx\r\n--b--", NULL, "malformed header" },
    { "--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--", NULL,
      "has no name" },
    { PART "\r\n\r\nx\r\n--b--", NULL, "has no name" },
    { PART "name=\r\n\r\nx\r\n--b--", NULL, "has no name" },
    { PART "name=\"\"\r\n\r\nx\r\n--b--", NULL, "has no name" },
    { PART "filename=n\r\n\r\nx\r\n--b--", NULL, "has no name" },
    { PART "xname=n\r\n\r\nx\r\n--b--", NULL, "has no name" },
    { PART "name\r\n\r\nx\r\n--b--", NULL, "malformed Content-Disp" },
    { PART "name=\"n\r\n\r\nx\r\n--b--", NULL, "malformed Content-Disp" },
    { PART "name=\"n\\\"\r\n\r\nx\r\n--b--", NULL, "malformed Content-Disp" },
    { PART "name=\"a\"b\"\r\n\r\nx\r\n--b--", NULL,
      "malformed Content-Disp" },
    { PART "filename=\"a\"b\"; name=n\r\n\r\nx\r\n--b--", NULL,
      "malformed Content-Disp" },
    { "--b\r\nContent-Disposition: form-data name=n\r\n\r\nx\r\n--b--",
      NULL, "malformed Content-Disp" },
    { PART "name=n\r\n" FORM "name=m\r\n\r\nx\r\n--b--", NULL,
      "two Content-Disposition" },
    { "--b\r\nno colon\r\n\r\nx\r\n--b--", NULL, "malformed header" },
    { "--b\r\n: x\r\n\r\nx\r\n--b--", NULL, "malformed header" },
    { "--b\r\nContent Type: x\r\n\r\nx\r\n--b--", NULL, "malformed header" },
    { PART "name=n\r\n--b--\r\n\r\n", NULL, "malformed header" },
    { PART "name=n\"m\"\r\n\r\nx\r\n--b--", NULL,
      "malformed Content-Disposition" },
    { "--b\r\nA: b\n" FORM "name=n\r\n\r\nx\r\n--b--", NULL, "CR LF" },
    { "--b\r\n\nA: b\r\n\r\nx\r\n--b--", NULL, "CR LF" },
    { "--b\r\nA: b\rc\r\n\r\nx\r\n--b--", NULL, "CR LF" },
    { "--b\r\nA: b\r\r\n\r\nx\r\n--b--", NULL, "CR LF" },
    { PART "name=\"a\x01\"\r\n\r\nx\r\n--b--", NULL, "control character" },
    { PART "name=\"a\x7f\"\r\n\r\nx\r\n--b--", NULL, "control character" },

    /* delimiters */

    { "--b\n" FORM "name=n\r\n\r\nx\r\n--b--", NULL, "must be followed by" },
    { "--bc\r\n", NULL, "must be followed by" },
    { "--b-\r\n", NULL, "must be followed by" },
    { "--b -\r\n", NULL, "must be followed by" },
    { "--b --", NULL, "must be followed by" },
    { "--b \n", NULL, "must be followed by" },
    { "--b\r\r\n", NULL, "must be followed by" },
    { NAMED "x\r\n--bc\r\n--b--", NULL, "must be followed by" },

    { "", NULL, "without its closing" },
    { "x", NULL, "without its closing" },
    { "--b", NULL, "without its closing" },
    { "--b-", NULL, "without its closing" },
    { "--b\r\n", NULL, "without its closing" },
    { PART "name=n\r\n", NULL, "without its closing" },
    { NAMED, NULL, "without its closing" },
    { NAMED "x", NULL, "without its closing" },
    { NAMED "x\r\n--", NULL, "without its closing" },
    { NAMED "x\r\n--b", NULL, "without its closing" },
    { NAMED "x\r\n--b\r\n", NULL, "without its closing" },
    { NAMED "x\n--b--\n", NULL, "without its closing" },
    { "--B\r\n" FORM "name=n\r\n\r\nx\r\n--B--", NULL,
      "without its closing" }
};


static lu_rc_e
events_add(events_t *events, const void *bytes, size_t len)
{
    if (events->fail_after == 0) {
        return events->fail;
    }

    if (events->fail_after > 0) {
        events->fail_after--;
    }

    if (events->len + len > sizeof(events->data)) {
        printf("Bail out! too many events\n");
        exit(1);
    }

    memcpy(events->data + events->len, bytes, len);
    events->len += len;
    events->calls++;

    return LU_OK;
}


static lu_rc_e
events_part(void *data, const lu_str_t *name)
{
    unsigned char  buf[LU_MULTIPART_HEADERS + 2];

    buf[0] = '[';
    memcpy(buf + 1, name->data, name->len);
    buf[name->len + 1] = ']';

    return events_add(data, buf, name->len + 2);
}


static lu_rc_e
events_body(void *data, const unsigned char *bytes, size_t len)
{
    events_t  *events = data;

    if (len == 0) {
        events->empty++;
    }

    return events_add(events, bytes, len);
}


static void
events_init(events_t *events, lu_multipart_handler_t *handler)
{
    memset(events, 0, sizeof(events_t));
    events->fail_after = -1;

    handler->part = events_part;
    handler->body = events_body;
    handler->data = events;
}


/* Feeds the body in pieces of that size, the first one of another. */

static lu_rc_e
parse(events_t *events, const char *type, const void *body, size_t len,
    size_t first, size_t piece, lu_error_t *err)
{
    size_t                  n;
    unsigned char          *copy;
    lu_rc_e                 rc;
    lu_str_t                str;
    const unsigned char    *p, *last;
    lu_multipart_t          multipart;
    lu_multipart_handler_t  handler;

    events_init(events, &handler);
    memset(&multipart, 0xa5, sizeof(multipart));

    str = tap_str(type);

    rc = lu_multipart_init(&multipart, &str, &handler, err);
    if (rc != LU_OK) {
        return rc;
    }

    p = body;
    last = p + len;
    n = first;

    while (p < last) {

        if (n > (size_t) (last - p)) {
            n = last - p;
        }

        /* in a block of its own, gone after the call */

        copy = malloc(n);
        memcpy(copy, p, n);

        rc = lu_multipart_feed(&multipart, copy, n, err);

        free(copy);

        if (rc != LU_OK) {
            return rc;
        }

        p += n;
        n = piece;
    }

    return lu_multipart_done(&multipart, err);
}


static void
test_type(void)
{
    size_t                  i;
    unsigned char          *copy;
    lu_rc_e                 rc;
    lu_str_t                type;
    lu_error_t              err;
    const type_case_t      *one;
    lu_multipart_t          multipart;
    lu_multipart_handler_t  handler = { NULL, NULL, NULL };

    for (i = 0; i < sizeof(type_cases) / sizeof(type_cases[0]); i++) {
        one = &type_cases[i];

        type.len = strlen(one->type);
        copy = malloc(type.len);
        memcpy(copy, one->type, type.len);
        type.data = copy;

        memset(&multipart, 0, sizeof(multipart));
        err.text = "";

        rc = lu_multipart_init(&multipart, &type, &handler, &err);

        if (one->boundary) {
            ok(rc == LU_OK
               && multipart.delimiter_len == strlen(one->boundary) + 4
               && memcmp(multipart.delimiter, "\r\n--", 4) == 0
               && memcmp(multipart.delimiter + 4, one->boundary,
                         strlen(one->boundary)) == 0,
               "type: %s", one->type);

        } else {
            ok(rc == LU_INVALID && strstr(err.text, one->reason),
               "type: case %d %s", (int) i, one->reason);
        }

        free(copy);
    }

    type.len = 0;
    type.data = NULL;

    ok(lu_multipart_init(&multipart, &type, &handler, &err)
       == LU_INVALID, "type: no data");
}


static int
body_case_holds(const body_case_t *one, size_t first, size_t piece)
{
    events_t    events;
    lu_rc_e     rc;
    lu_error_t  err;

    err.text = "";

    rc = parse(&events, "multipart/form-data; boundary=b", one->body,
               strlen(one->body), first, piece, &err);

    if (events.empty) {
        printf("# body() of nothing\n");
        return 0;
    }

    if (one->events == NULL) {

        if (rc == LU_INVALID && strstr(err.text, one->reason)) {
            return 1;
        }

    } else if (rc == LU_OK
               && events.len == strlen(one->events)
               && memcmp(events.data, one->events, events.len) == 0)
    {
        return 1;
    }

    printf("# rc %d, \"%s\", %d bytes: %.*s\n", (int) rc, err.text,
           (int) events.len, (int) events.len, (char *) events.data);

    return 0;
}


/* Each body in one piece, in every two pieces and in pieces of few bytes. */

static void
test_bodies(void)
{
    int                 failed;
    size_t              i, n, len;
    const body_case_t  *one;

    for (i = 0; i < sizeof(body_cases) / sizeof(body_cases[0]); i++) {
        one = &body_cases[i];
        len = strlen(one->body);

        failed = !body_case_holds(one, len, len);

        for (n = 1; n < len && !failed; n++) {
            failed = !body_case_holds(one, n, len);
        }

        for (n = 1; n < 8 && !failed; n++) {
            failed = !body_case_holds(one, n, n);
        }

        ok(!failed, "body: case %d %s", (int) i,
           one->events ? "accepted" : one->reason);
    }
}


/* Any byte may stand in a content. */

static void
test_binary(void)
{
    size_t         i, n, len;
    events_t       events;
    unsigned char  body[1024];
    lu_rc_e        rc;
    lu_error_t     err;

    len = sizeof(NAMED) - 1;
    memcpy(body, NAMED, len);

    for (i = 0; i < 512; i++) {
        body[len++] = (unsigned char) (i * 131);
    }

    memcpy(body + len, "\r\n--b--", 7);
    len += 7;

    for (n = 1; n < 80; n += 13) {
        rc = parse(&events, "multipart/form-data; boundary=b", body, len, n,
                   n, &err);

        ok(rc == LU_OK
           && events.len == 3 + 512
           && memcmp(events.data + 3, body + sizeof(NAMED) - 1, 512) == 0,
           "binary, pieces of %d", (int) n);
    }

    memcpy(body, NAMED, sizeof(NAMED) - 1);
    body[sizeof(NAMED) - 5] = '\0';

    rc = parse(&events, "multipart/form-data; boundary=b", body, len, len,
               len, &err);

    ok(rc == LU_INVALID, "NUL in a header");
}


/* What the CLI's form-data library sends. */

static void
test_form_data(void)
{
    size_t      n;
    events_t    events;
    lu_rc_e     rc;
    lu_error_t  err;
    static const char   type[] = "multipart/form-data; boundary="
        "--------------------------285036182943250917543209";
    static const char   body[] =
        "----------------------------285036182943250917543209\r\n"
        FORM "name=\"checksum\"\r\n\r\n"
        "e3b0c442\r\n"
        "----------------------------285036182943250917543209\r\n"
        FORM "name=\"file\"; filename=\"app.js\"\r\n"
        "Content-Type: application/javascript\r\n\r\n"
        "let a = '--';\r\n\r\n"
        "----------------------------285036182943250917543209\r\n"
        FORM "name=\"href\"\r\n\r\n"
        "assets/\xc3\xbc.js\r\n"
        "----------------------------285036182943250917543209--\r\n";
    static const char   expected[] = "[checksum]e3b0c442"
        "[file]let a = '--';\r\n[href]assets/\xc3\xbc.js";

    for (n = 1; n < sizeof(body); n += 7) {
        rc = parse(&events, type, body, sizeof(body) - 1, n, n, &err);

        ok(rc == LU_OK
           && events.len == sizeof(expected) - 1
           && memcmp(events.data, expected, events.len) == 0,
           "form-data, pieces of %d", (int) n);
    }

    rc = parse(&events, type, body, sizeof(body) - 1, sizeof(body) - 1, 1,
               &err);

    ok(rc == LU_OK && events.calls == 6, "one call for each content");
}


static void
test_limits(void)
{
    char         body[8192];
    size_t       i, len, pad;
    events_t     events;
    lu_rc_e      rc;
    lu_error_t   err;
    const char  *type = "multipart/form-data; boundary=b";

    for (i = 32; i <= 33; i++) {
        body[0] = '\0';

        for (len = 0; len < i; len++) {
            strcat(body, NAMED "x\r\n");
        }

        strcat(body, "--b--");

        rc = parse(&events, type, body, strlen(body), strlen(body), 1, &err);

        if (i == 32) {
            ok(rc == LU_OK && events.len == 32 * 4, "32 parts");

        } else {
            ok(rc == LU_INVALID && strstr(err.text, "32 parts")
               && events.len == 32 * 4, "33 parts");
        }
    }

    /* the longest boundary; behind it the delimiter has no room */

    rc = parse(&events, "multipart/form-data; boundary=" LONGEST,
               LONGEST_BODY, sizeof(LONGEST_BODY) - 1, 1, 5, &err);

    ok(rc == LU_OK && events.len == 3 + 76
       && memcmp(events.data, "[n]\r\n--" FIFTY, 57) == 0,
       "boundary of 70 characters");

    /* headers of 2048 bytes, with their empty line, and of one more */

    for (i = 0; i < 2; i++) {
        pad = 2048 + i - (sizeof(FORM "name=n\r\nX: \r\n\r\n") - 1);

        len = sprintf(body, "--b\r\n" FORM "name=n\r\nX: ");
        memset(body + len, 'x', pad);
        len += pad;
        len += sprintf(body + len, "\r\n\r\ny\r\n--b--");

        rc = parse(&events, type, body, len, len, 1, &err);

        if (i == 0) {
            ok(rc == LU_OK && events.len == 4
               && memcmp(events.data, "[n]y", 4) == 0,
               "headers of 2048 bytes");

        } else {
            ok(rc == LU_INVALID && strstr(err.text, "2048")
               && events.len == 0, "headers of 2049 bytes");
        }
    }

    memset(body, 'x', sizeof(body));
    memcpy(body, "--b\r\n", 5);

    rc = parse(&events, type, body, sizeof(body), sizeof(body), 1, &err);

    ok(rc == LU_INVALID && strstr(err.text, "2048"), "headers without end");
}


/* Each callback fails once; the parser then stays refused. */

static void
test_fail(void)
{
    long                    n;
    size_t                  len;
    events_t                events;
    lu_rc_e                 rc, again, done;
    lu_str_t                type;
    lu_error_t              err;
    lu_multipart_t          multipart;
    lu_multipart_handler_t  handler;
    static const char               body[] = NAMED "\r\n--x\r\n" NAMED
        "y\r\n--b--";

    type = tap_str("multipart/form-data; boundary=b");
    len = sizeof(body) - 1;

    for (n = 0; n < 4; n++) {
        events_init(&events, &handler);
        events.fail_after = n;
        events.fail = (n & 1) ? LU_NOMEM : LU_CONFLICT;

        err.text = NULL;

        rc = lu_multipart_init(&multipart, &type, &handler, &err);
        if (rc != LU_OK) {
            break;
        }

        rc = lu_multipart_feed(&multipart, (const unsigned char *) body, len,
                               &err);

        ok(rc == events.fail && err.text == NULL && events.calls == n,
           "callback %ld fails", n);

        events.fail_after = -1;

        again = lu_multipart_feed(&multipart, (const unsigned char *) "x", 1,
                                  &err);
        done = lu_multipart_done(&multipart, &err);

        ok(again == LU_INVALID
           && done == LU_INVALID
           && strstr(err.text, "already refused")
           && events.calls == n, "and again, and done");
    }

    /* what a delimiter had begun with is handed out by a later feed */

    for (n = 0; n < 2; n++) {
        events_init(&events, &handler);

        (void) lu_multipart_init(&multipart, &type, &handler, &err);
        rc = lu_multipart_feed(&multipart, (const unsigned char *)
                               NAMED "a\r\n-", sizeof(NAMED "a\r\n-") - 1,
                               &err);

        ok(rc == LU_OK && events.len == 4, "held back");

        events.fail_after = n;
        events.fail = LU_NOMEM;

        rc = lu_multipart_feed(&multipart, (const unsigned char *) "zz", 2,
                               &err);

        ok(rc == LU_NOMEM, "callback fails on what was held back");
    }

    ok(lu_multipart_feed(&multipart, NULL, 0, &err) == LU_OK, "no data");
}


static lu_rc_e
count_part(void *data, const lu_str_t *name)
{
    (void) data;
    (void) name;

    return LU_OK;
}


static lu_rc_e
count_body(void *data, const unsigned char *bytes, size_t len)
{
    size_t  *count = data;

    (void) bytes;

    count[0]++;
    count[1] += len;

    return LU_OK;
}


/* A large content comes in large pieces, even if it is full of CRs. */

static void
test_runs(void)
{
    size_t                  i, count[2];
    unsigned char          *piece;
    lu_rc_e                 rc;
    lu_str_t                type;
    lu_error_t              err;
    lu_multipart_t          multipart;
    lu_multipart_handler_t  handler;

    type = tap_str("multipart/form-data; boundary=b");

    handler.part = count_part;
    handler.body = count_body;
    handler.data = count;

    count[0] = 0;
    count[1] = 0;

    piece = malloc(262144);
    memset(piece, '\r', 262144);

    rc = lu_multipart_init(&multipart, &type, &handler, &err);

    rc |= lu_multipart_feed(&multipart,
                            (const unsigned char *) NAMED,
                            sizeof(NAMED) - 1, &err);

    for (i = 0; i < 64; i++) {
        rc |= lu_multipart_feed(&multipart, piece, 262144, &err);
    }

    rc |= lu_multipart_feed(&multipart, (const unsigned char *) "\r\n--b--", 7,
                            &err);
    rc |= lu_multipart_done(&multipart, &err);

    ok(rc == LU_OK && count[1] == 64 * 262144, "16 MB of CRs");
    ok(count[0] <= 2 * 64 + 1, "in %d calls", (int) count[0]);

    free(piece);
}


int
main(void)
{
    test_type();
    test_bodies();
    test_binary();
    test_form_data();
    test_limits();
    test_fail();
    test_runs();

    return tap_done();
}
