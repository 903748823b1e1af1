
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A delimiter begins with the only CR in it.  So what looked like a delimiter
 * and was none can be handed out at once: no other delimiter begins inside,
 * and its bytes need not be kept, they are those of the delimiter.
 */


#include "lu_multipart.h"


typedef enum {
    liveupdate_multipart_preamble = 0,
    liveupdate_multipart_body_start,
    liveupdate_multipart_body,
    liveupdate_multipart_delimiter,
    liveupdate_multipart_dash,
    liveupdate_multipart_padding,
    liveupdate_multipart_cr,
    liveupdate_multipart_headers,
    liveupdate_multipart_epilogue,
    liveupdate_multipart_failed
} liveupdate_multipart_state_e;


static liveupdate_rc_e liveupdate_multipart_boundary(
    liveupdate_multipart_t *multipart, const liveupdate_str_t *boundary,
    liveupdate_error_t *err);
static int liveupdate_multipart_bchar(unsigned char c);
static liveupdate_rc_e liveupdate_multipart_search(
    liveupdate_multipart_t *multipart, const unsigned char **pos,
    const unsigned char *last);
static liveupdate_rc_e liveupdate_multipart_match(
    liveupdate_multipart_t *multipart, const unsigned char **pos,
    const unsigned char *last);
static liveupdate_rc_e liveupdate_multipart_emit(
    liveupdate_multipart_t *multipart, const unsigned char *bytes,
    size_t len);
static liveupdate_rc_e liveupdate_multipart_line(
    liveupdate_multipart_t *multipart, unsigned char c,
    liveupdate_error_t *err);
static liveupdate_rc_e liveupdate_multipart_header(
    liveupdate_multipart_t *multipart, unsigned char c,
    liveupdate_error_t *err);
static liveupdate_rc_e liveupdate_multipart_part(
    liveupdate_multipart_t *multipart, liveupdate_error_t *err);
static void liveupdate_multipart_unfold(liveupdate_multipart_t *multipart);
static liveupdate_rc_e liveupdate_multipart_disposition(
    liveupdate_multipart_t *multipart, liveupdate_str_t *disposition,
    liveupdate_error_t *err);
static liveupdate_rc_e liveupdate_multipart_name(
    const liveupdate_str_t *disposition, liveupdate_str_t *name,
    liveupdate_error_t *err);
static int liveupdate_multipart_type(liveupdate_str_t *rest,
    const char *type);
static int liveupdate_multipart_param(liveupdate_str_t *rest,
    liveupdate_str_t *attribute, liveupdate_str_t *value);
static int liveupdate_multipart_quoted(liveupdate_str_t *rest,
    liveupdate_str_t *value);
static void liveupdate_multipart_unescape(liveupdate_str_t *str);
static void liveupdate_multipart_take(liveupdate_str_t *rest, size_t n,
    liveupdate_str_t *taken);
static void liveupdate_multipart_space(liveupdate_str_t *rest);
static size_t liveupdate_multipart_token(const liveupdate_str_t *rest);
static int liveupdate_multipart_is(const liveupdate_str_t *str,
    const char *lower);


liveupdate_rc_e
liveupdate_multipart_init(liveupdate_multipart_t *multipart,
    const liveupdate_str_t *content_type,
    const liveupdate_multipart_handler_t *handler, liveupdate_error_t *err)
{
    int               rc;
    liveupdate_str_t  rest, attribute, value, boundary;

    rest = *content_type;

    if (!liveupdate_multipart_type(&rest, "multipart/form-data")) {
        return liveupdate_refuse(err, NULL,
                                 "the Content-Type is not"
                                 " \"multipart/form-data\"");
    }

    boundary.len = 0;
    boundary.data = NULL;

    for ( ;; ) {
        rc = liveupdate_multipart_param(&rest, &attribute, &value);

        if (rc == 0) {
            break;
        }

        if (rc < 0) {
            return liveupdate_refuse(err, NULL,
                                     "the Content-Type has a malformed"
                                     " parameter");
        }

        if (!liveupdate_multipart_is(&attribute, "boundary")) {
            continue;
        }

        if (boundary.data) {
            return liveupdate_refuse(err, NULL,
                                     "the Content-Type has two boundaries");
        }

        boundary = value;
    }

    if (boundary.data == NULL) {
        return liveupdate_refuse(err, NULL,
                                 "the Content-Type has no boundary");
    }

    multipart->handler = *handler;
    multipart->headers_len = 0;
    multipart->state = liveupdate_multipart_preamble;
    multipart->parts = 0;

    return liveupdate_multipart_boundary(multipart, &boundary, err);
}


static liveupdate_rc_e
liveupdate_multipart_boundary(liveupdate_multipart_t *multipart,
    const liveupdate_str_t *boundary, liveupdate_error_t *err)
{
    size_t  i;

    if (boundary->len == 0 || boundary->len > LIVEUPDATE_MULTIPART_BOUNDARY) {
        return liveupdate_refuse(err, NULL,
                                 "the multipart boundary is not of 1 to 70"
                                 " characters");
    }

    for (i = 0; i < boundary->len; i++) {
        if (!liveupdate_multipart_bchar(boundary->data[i])) {
            break;
        }
    }

    if (i < boundary->len || boundary->data[i - 1] == ' ') {
        return liveupdate_refuse(err, NULL,
                                 "the multipart boundary contains a character"
                                 " that is not allowed there");
    }

    memcpy(multipart->delimiter, "\r\n--", 4);
    memcpy(multipart->delimiter + 4, boundary->data, boundary->len);
    multipart->delimiter_len = boundary->len + 4;

    /* the first delimiter needs no line end before it */

    multipart->matched = 2;

    return LIVEUPDATE_OK;
}


static int
liveupdate_multipart_bchar(unsigned char c)
{
    if ((c >= '0' && c <= '9')
        || (c >= 'a' && c <= 'z')
        || (c >= 'A' && c <= 'Z'))
    {
        return 1;
    }

    return c != '\0' && strchr("'()+_,-./:=? ", c) != NULL;
}


liveupdate_rc_e
liveupdate_multipart_feed(liveupdate_multipart_t *multipart,
    const unsigned char *bytes, size_t len, liveupdate_error_t *err)
{
    liveupdate_rc_e       rc;
    const unsigned char  *p, *last;

    if (len == 0) {
        return LIVEUPDATE_OK;
    }

    p = bytes;
    last = bytes + len;

    while (p < last) {

        switch (multipart->state) {

        case liveupdate_multipart_preamble:
        case liveupdate_multipart_body_start:
        case liveupdate_multipart_body:

            if (multipart->matched) {
                rc = liveupdate_multipart_match(multipart, &p, last);

            } else {
                rc = liveupdate_multipart_search(multipart, &p, last);
            }

            break;

        case liveupdate_multipart_headers:
            rc = liveupdate_multipart_header(multipart, *p++, err);
            break;

        case liveupdate_multipart_epilogue:
            return LIVEUPDATE_OK;

        case liveupdate_multipart_failed:
            return liveupdate_refuse(err, NULL,
                                     "the multipart body was refused before");

        default:
            rc = liveupdate_multipart_line(multipart, *p++, err);
            break;
        }

        if (rc != LIVEUPDATE_OK) {
            multipart->state = liveupdate_multipart_failed;
            return rc;
        }
    }

    return LIVEUPDATE_OK;
}


liveupdate_rc_e
liveupdate_multipart_done(liveupdate_multipart_t *multipart,
    liveupdate_error_t *err)
{
    switch (multipart->state) {

    case liveupdate_multipart_epilogue:
        return LIVEUPDATE_OK;

    case liveupdate_multipart_failed:
        return liveupdate_refuse(err, NULL,
                                 "the multipart body was refused before");

    default:
        return liveupdate_refuse(err, NULL,
                                 "the multipart body ends without its closing"
                                 " delimiter");
    }
}


/* Hands out all up to where a delimiter might begin. */

static liveupdate_rc_e
liveupdate_multipart_search(liveupdate_multipart_t *multipart,
    const unsigned char **pos, const unsigned char *last)
{
    size_t                n;
    const unsigned char  *p, *start;

    start = *pos;

    for (p = start; /* void */; p++) {
        p = memchr(p, '\r', last - p);

        if (p == NULL) {
            *pos = last;
            break;
        }

        n = last - p;

        if (n > multipart->delimiter_len) {
            n = multipart->delimiter_len;
        }

        if (memcmp(p, multipart->delimiter, n) == 0) {
            *pos = p + n;
            multipart->matched = n;
            break;
        }
    }

    return liveupdate_multipart_emit(multipart, start,
                                     *pos - start - multipart->matched);
}


/* Goes on with a delimiter that has begun, perhaps in an earlier feed. */

static liveupdate_rc_e
liveupdate_multipart_match(liveupdate_multipart_t *multipart,
    const unsigned char **pos, const unsigned char *last)
{
    size_t                n, skip;
    const unsigned char  *p;

    n = multipart->matched;

    for (p = *pos; p < last && n < multipart->delimiter_len; p++) {
        if (*p != multipart->delimiter[n]) {
            break;
        }

        n++;
    }

    *pos = p;

    if (n == multipart->delimiter_len) {
        multipart->state = liveupdate_multipart_delimiter;
        multipart->matched = 0;
        return LIVEUPDATE_OK;
    }

    if (p == last) {
        multipart->matched = n;
        return LIVEUPDATE_OK;
    }

    /* it was none */

    multipart->matched = 0;
    skip = 0;

    if (multipart->state == liveupdate_multipart_body_start) {
        multipart->state = liveupdate_multipart_body;
        skip = 2;
    }

    return liveupdate_multipart_emit(multipart, multipart->delimiter + skip,
                                     n - skip);
}


static liveupdate_rc_e
liveupdate_multipart_emit(liveupdate_multipart_t *multipart,
    const unsigned char *bytes, size_t len)
{
    if (len == 0 || multipart->state == liveupdate_multipart_preamble) {
        return LIVEUPDATE_OK;
    }

    return multipart->handler.body(multipart->handler.data, bytes, len);
}


/* The rest of a delimiter's line. */

static liveupdate_rc_e
liveupdate_multipart_line(liveupdate_multipart_t *multipart, unsigned char c,
    liveupdate_error_t *err)
{
    switch (multipart->state) {

    case liveupdate_multipart_dash:

        if (c != '-') {
            break;
        }

        multipart->state = liveupdate_multipart_epilogue;
        return LIVEUPDATE_OK;

    case liveupdate_multipart_cr:

        if (c != '\n') {
            break;
        }

        if (multipart->parts == LIVEUPDATE_MULTIPART_PARTS) {
            return liveupdate_refuse(err, NULL,
                                     "the multipart body has more than 32"
                                     " parts");
        }

        multipart->parts++;
        multipart->headers_len = 0;
        multipart->state = liveupdate_multipart_headers;
        return LIVEUPDATE_OK;

    case liveupdate_multipart_delimiter:

        if (c == '-') {
            multipart->state = liveupdate_multipart_dash;
            return LIVEUPDATE_OK;
        }

        /* fall through */

    default: /* liveupdate_multipart_padding */

        if (c == ' ' || c == '\t') {
            multipart->state = liveupdate_multipart_padding;
            return LIVEUPDATE_OK;
        }

        if (c == '\r') {
            multipart->state = liveupdate_multipart_cr;
            return LIVEUPDATE_OK;
        }
    }

    return liveupdate_refuse(err, NULL,
                             "a multipart delimiter is followed by something"
                             " else than \"--\" or a line end");
}


/* Collects the headers of a part up to the empty line. */

static liveupdate_rc_e
liveupdate_multipart_header(liveupdate_multipart_t *multipart,
    unsigned char c, liveupdate_error_t *err)
{
    size_t          n;
    unsigned char  *headers;

    headers = multipart->headers;
    n = multipart->headers_len;

    if ((c == '\n') != (n > 0 && headers[n - 1] == '\r')) {
        return liveupdate_refuse(err, NULL,
                                 "a line of a part's headers does not end in"
                                 " CR LF");
    }

    if ((c < 0x20 && c != '\t' && c != '\r' && c != '\n') || c == 0x7f) {
        return liveupdate_refuse(err, NULL,
                                 "the headers of a part contain a control"
                                 " character");
    }

    if (n == LIVEUPDATE_MULTIPART_HEADERS) {
        return liveupdate_refuse(err, NULL,
                                 "the headers of a part are longer than 2048"
                                 " bytes");
    }

    headers[n++] = c;
    multipart->headers_len = n;

    if (n == 2 && c == '\n') {
        return liveupdate_multipart_part(multipart, err);
    }

    if (n >= 4 && memcmp(headers + n - 4, "\r\n\r\n", 4) == 0) {
        return liveupdate_multipart_part(multipart, err);
    }

    return LIVEUPDATE_OK;
}


static liveupdate_rc_e
liveupdate_multipart_part(liveupdate_multipart_t *multipart,
    liveupdate_error_t *err)
{
    liveupdate_rc_e   rc;
    liveupdate_str_t  disposition, name;

    rc = liveupdate_multipart_disposition(multipart, &disposition, err);
    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    rc = liveupdate_multipart_name(&disposition, &name, err);
    if (rc != LIVEUPDATE_OK) {
        return rc;
    }

    /* of a part without a body the empty line is a delimiter's line end */

    multipart->state = liveupdate_multipart_body_start;
    multipart->matched = 2;

    return multipart->handler.part(multipart->handler.data, &name);
}


/* Finds the value of Content-Disposition among the headers. */

static liveupdate_rc_e
liveupdate_multipart_disposition(liveupdate_multipart_t *multipart,
    liveupdate_str_t *disposition, liveupdate_error_t *err)
{
    size_t             n;
    unsigned char     *colon;
    liveupdate_str_t   rest, line, name;

    liveupdate_multipart_unfold(multipart);

    disposition->len = 0;
    disposition->data = NULL;

    /* without the empty line */

    rest.len = multipart->headers_len - 2;
    rest.data = multipart->headers;

    while (rest.len) {
        n = (unsigned char *) memchr(rest.data, '\r', rest.len) - rest.data;
        liveupdate_multipart_take(&rest, n, &line);
        liveupdate_multipart_take(&rest, 2, NULL);

        colon = memchr(line.data, ':', line.len);

        if (colon == NULL || colon == line.data) {
            return liveupdate_refuse(err, NULL,
                                     "a part has a malformed header");
        }

        liveupdate_multipart_take(&line, colon - line.data, &name);
        liveupdate_multipart_take(&line, 1, NULL);

        if (!liveupdate_multipart_is(&name, "content-disposition")) {
            continue;
        }

        if (disposition->data) {
            return liveupdate_refuse(err, NULL,
                                     "a part has two Content-Disposition"
                                     " headers");
        }

        *disposition = line;
    }

    return LIVEUPDATE_OK;
}


/* A line that begins with white space continues the one before it. */

static void
liveupdate_multipart_unfold(liveupdate_multipart_t *multipart)
{
    size_t          i;
    unsigned char  *p;

    p = multipart->headers;

    for (i = 2; i < multipart->headers_len; i++) {
        if (p[i - 1] == '\n' && (p[i] == ' ' || p[i] == '\t')) {
            p[i - 2] = ' ';
            p[i - 1] = ' ';
        }
    }
}


static liveupdate_rc_e
liveupdate_multipart_name(const liveupdate_str_t *disposition,
    liveupdate_str_t *name, liveupdate_error_t *err)
{
    int               rc;
    liveupdate_str_t  rest, attribute;

    rest = *disposition;

    if (!liveupdate_multipart_type(&rest, "form-data")) {
        return liveupdate_refuse(err, NULL,
                                 "a part has no \"Content-Disposition:"
                                 " form-data\" header");
    }

    /*
     * What follows the name is not looked at: clients do not agree on how
     * to write a file name with a quote or a backslash in it.
     */

    do {
        rc = liveupdate_multipart_param(&rest, &attribute, name);
    } while (rc > 0 && !liveupdate_multipart_is(&attribute, "name"));

    if (rc < 0) {
        return liveupdate_refuse(err, NULL,
                                 "a part has a malformed Content-Disposition");
    }

    if (rc == 0 || name->len == 0) {
        return liveupdate_refuse(err, NULL, "a part has no name");
    }

    liveupdate_multipart_unescape(name);

    return LIVEUPDATE_OK;
}


/* Takes what stands before the parameters; 1 if it is that type. */

static int
liveupdate_multipart_type(liveupdate_str_t *rest, const char *type)
{
    liveupdate_str_t  value;

    liveupdate_multipart_space(rest);
    liveupdate_multipart_take(rest, liveupdate_multipart_token(rest), &value);

    return liveupdate_multipart_is(&value, type);
}


/*
 * Takes the next "; attribute=value".  Returns 1, 0 at the end, -1 if what
 * follows is no parameter.  A quoted value is still escaped.
 */

static int
liveupdate_multipart_param(liveupdate_str_t *rest,
    liveupdate_str_t *attribute, liveupdate_str_t *value)
{
    size_t  n, token;

    liveupdate_multipart_space(rest);

    if (rest->len && rest->data[0] != ';') {
        return -1;
    }

    while (rest->len && rest->data[0] == ';') {
        liveupdate_multipart_take(rest, 1, NULL);
        liveupdate_multipart_space(rest);
    }

    if (rest->len == 0) {
        return 0;
    }

    token = liveupdate_multipart_token(rest);

    for (n = 0; n < token; n++) {
        if (rest->data[n] == '=') {
            break;
        }
    }

    if (n == 0 || n == token) {
        return -1;
    }

    liveupdate_multipart_take(rest, n, attribute);
    liveupdate_multipart_take(rest, 1, NULL);

    if (rest->len && rest->data[0] == '"') {
        return liveupdate_multipart_quoted(rest, value);
    }

    liveupdate_multipart_take(rest, liveupdate_multipart_token(rest), value);

    return 1;
}


static int
liveupdate_multipart_quoted(liveupdate_str_t *rest, liveupdate_str_t *value)
{
    size_t  n;

    liveupdate_multipart_take(rest, 1, NULL);

    for (n = 0; n < rest->len; n++) {
        if (rest->data[n] == '"') {
            break;
        }

        if (rest->data[n] == '\\') {
            n++;
        }
    }

    if (n >= rest->len) {
        return -1;
    }

    liveupdate_multipart_take(rest, n, value);
    liveupdate_multipart_take(rest, 1, NULL);

    if (rest->len && strchr("; \t", rest->data[0]) == NULL) {
        return -1;
    }

    return 1;
}


/*
 * Only a quote and a backslash are ever escaped; before anything else the
 * backslash is one that its sender did not care to escape.
 */

static void
liveupdate_multipart_unescape(liveupdate_str_t *str)
{
    size_t          i, len;
    unsigned char  *p;

    p = str->data;
    len = 0;

    for (i = 0; i < str->len; i++) {

        if (p[i] == '\\'
            && i + 1 < str->len
            && (p[i + 1] == '"' || p[i + 1] == '\\'))
        {
            i++;
        }

        p[len++] = p[i];
    }

    str->len = len;
}


static void
liveupdate_multipart_take(liveupdate_str_t *rest, size_t n,
    liveupdate_str_t *taken)
{
    if (taken) {
        taken->len = n;
        taken->data = rest->data;
    }

    if (n) {
        rest->len -= n;
        rest->data += n;
    }
}


static void
liveupdate_multipart_space(liveupdate_str_t *rest)
{
    while (rest->len && (rest->data[0] == ' ' || rest->data[0] == '\t')) {
        liveupdate_multipart_take(rest, 1, NULL);
    }
}


/* The length of what reaches to the next separator. */

static size_t
liveupdate_multipart_token(const liveupdate_str_t *rest)
{
    size_t         n;
    unsigned char  c;

    for (n = 0; n < rest->len; n++) {
        c = rest->data[n];

        if (c == ';' || c == ' ' || c == '\t' || c == '"') {
            break;
        }
    }

    return n;
}


static int
liveupdate_multipart_is(const liveupdate_str_t *str, const char *lower)
{
    size_t         i;
    unsigned char  c;

    if (str->len != strlen(lower)) {
        return 0;
    }

    for (i = 0; i < str->len; i++) {
        c = str->data[i];

        if (c >= 'A' && c <= 'Z') {
            c |= 0x20;
        }

        if (c != (unsigned char) lower[i]) {
            return 0;
        }
    }

    return 1;
}
