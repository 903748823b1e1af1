
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * A delimiter begins with the only CR in it.  So what looked like a delimiter
 * and was none can be handed out at once: no other delimiter begins inside,
 * and its bytes need not be kept, they are those of the delimiter.
 */


#include "lu_multipart.h"


typedef enum {
    lu_multipart_preamble = 0,
    lu_multipart_body_start,
    lu_multipart_body,
    lu_multipart_delimiter,
    lu_multipart_dash,
    lu_multipart_padding,
    lu_multipart_cr,
    lu_multipart_headers,
    lu_multipart_epilogue,
    lu_multipart_failed
} lu_multipart_state_e;


static lu_rc_e lu_multipart_boundary(lu_multipart_t *multipart,
    const lu_str_t *boundary, lu_error_t *err);
static int lu_multipart_bchar(unsigned char c);
static lu_rc_e lu_multipart_search(lu_multipart_t *multipart,
    const unsigned char **pos, const unsigned char *last);
static lu_rc_e lu_multipart_match(lu_multipart_t *multipart,
    const unsigned char **pos, const unsigned char *last);
static lu_rc_e lu_multipart_emit(lu_multipart_t *multipart,
    const unsigned char *bytes, size_t len);
static lu_rc_e lu_multipart_line(lu_multipart_t *multipart, unsigned char c,
    lu_error_t *err);
static lu_rc_e lu_multipart_header(lu_multipart_t *multipart, unsigned char c,
    lu_error_t *err);
static lu_rc_e lu_multipart_part(lu_multipart_t *multipart, lu_error_t *err);
static void lu_multipart_unfold(lu_multipart_t *multipart);
static lu_rc_e lu_multipart_disposition(lu_multipart_t *multipart,
    lu_str_t *disposition, lu_error_t *err);
static lu_rc_e lu_multipart_name(const lu_str_t *disposition, lu_str_t *name,
    lu_error_t *err);
static int lu_multipart_type(lu_str_t *rest, const char *type);
static int lu_multipart_param(lu_str_t *rest, lu_str_t *attribute,
    lu_str_t *value);
static int lu_multipart_quoted(lu_str_t *rest, lu_str_t *value);
static void lu_multipart_unescape(lu_str_t *str);
static void lu_multipart_take(lu_str_t *rest, size_t n, lu_str_t *taken);
static void lu_multipart_space(lu_str_t *rest);
static size_t lu_multipart_token(const lu_str_t *rest);
static int lu_multipart_is_token(const lu_str_t *name);


lu_rc_e
lu_multipart_init(lu_multipart_t *multipart, const lu_str_t *content_type,
    const lu_multipart_handler_t *handler, lu_error_t *err)
{
    int       rc;
    lu_str_t  rest, attribute, value, boundary;

    rest = *content_type;

    if (!lu_multipart_type(&rest, "multipart/form-data")) {
        return lu_error(err, NULL,
                        "the Content-Type is not"
                        " \"multipart/form-data\"");
    }

    boundary.len = 0;
    boundary.data = NULL;

    for ( ;; ) {
        rc = lu_multipart_param(&rest, &attribute, &value);

        if (rc == 0) {
            break;
        }

        if (rc < 0) {
            return lu_error(err, NULL, "the Content-Type has a malformed"
                            " parameter");
        }

        if (!lu_str_case_is(&attribute, "boundary")) {
            continue;
        }

        if (boundary.data) {
            return lu_error(err, NULL, "the Content-Type has two boundaries");
        }

        boundary = value;
    }

    if (boundary.data == NULL) {
        return lu_error(err, NULL, "the Content-Type has no boundary");
    }

    multipart->handler = *handler;
    multipart->headers_len = 0;
    multipart->state = lu_multipart_preamble;
    multipart->parts = 0;

    return lu_multipart_boundary(multipart, &boundary, err);
}


static lu_rc_e
lu_multipart_boundary(lu_multipart_t *multipart, const lu_str_t *boundary,
    lu_error_t *err)
{
    size_t  i;

    if (boundary->len == 0 || boundary->len > LU_MULTIPART_BOUNDARY) {
        return lu_error(err, NULL, "the multipart boundary must be 1 to 70 "
                                   "characters long");
    }

    for (i = 0; i < boundary->len; i++) {
        if (!lu_multipart_bchar(boundary->data[i])) {
            break;
        }
    }

    if (i < boundary->len || boundary->data[i - 1] == ' ') {
        return lu_error(err, NULL,
                        "the multipart boundary contains a character"
                        " that is not allowed there");
    }

    memcpy(multipart->delimiter, "\r\n--", 4);
    memcpy(multipart->delimiter + 4, boundary->data, boundary->len);
    multipart->delimiter_len = boundary->len + 4;

    /* no line end is needed before the first delimiter */

    multipart->matched = 2;

    return LU_OK;
}


static int
lu_multipart_bchar(unsigned char c)
{
    return lu_str_is_alnum(c)
           || (c != '\0' && strchr("'()+_,-./:=? ", c) != NULL);
}


lu_rc_e
lu_multipart_feed(lu_multipart_t *multipart, const unsigned char *bytes,
    size_t len, lu_error_t *err)
{
    lu_rc_e               rc;
    const unsigned char  *p, *last;

    if (len == 0) {
        return LU_OK;
    }

    p = bytes;
    last = bytes + len;

    while (p < last) {

        switch (multipart->state) {

        case lu_multipart_preamble:
        case lu_multipart_body_start:
        case lu_multipart_body:

            if (multipart->matched) {
                rc = lu_multipart_match(multipart, &p, last);

            } else {
                rc = lu_multipart_search(multipart, &p, last);
            }

            break;

        case lu_multipart_headers:
            rc = lu_multipart_header(multipart, *p++, err);
            break;

        case lu_multipart_epilogue:
            return LU_OK;

        case lu_multipart_failed:
            return lu_error(err, NULL,
                            "the multipart body was already refused");

        default:
            rc = lu_multipart_line(multipart, *p++, err);
            break;
        }

        if (rc != LU_OK) {
            multipart->state = lu_multipart_failed;
            return rc;
        }
    }

    return LU_OK;
}


lu_rc_e
lu_multipart_done(lu_multipart_t *multipart, lu_error_t *err)
{
    switch (multipart->state) {

    case lu_multipart_epilogue:
        return LU_OK;

    case lu_multipart_failed:
        return lu_error(err, NULL, "the multipart body was already refused");

    default:
        return lu_error(err, NULL,
                        "the multipart body ends without its closing"
                        " delimiter");
    }
}


/* Passes on the bytes before the place where a delimiter may begin. */

static lu_rc_e
lu_multipart_search(lu_multipart_t *multipart, const unsigned char **pos,
    const unsigned char *last)
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

    return lu_multipart_emit(multipart, start,
                             *pos - start - multipart->matched);
}


/* Continues a delimiter, which may have begun in an earlier piece. */

static lu_rc_e
lu_multipart_match(lu_multipart_t *multipart, const unsigned char **pos,
    const unsigned char *last)
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
        multipart->state = lu_multipart_delimiter;
        multipart->matched = 0;
        return LU_OK;
    }

    if (p == last) {
        multipart->matched = n;
        return LU_OK;
    }

    /* it was none */

    multipart->matched = 0;
    skip = 0;

    if (multipart->state == lu_multipart_body_start) {
        multipart->state = lu_multipart_body;
        skip = 2;
    }

    return lu_multipart_emit(multipart, multipart->delimiter + skip, n - skip);
}


static lu_rc_e
lu_multipart_emit(lu_multipart_t *multipart, const unsigned char *bytes,
    size_t len)
{
    if (len == 0 || multipart->state == lu_multipart_preamble) {
        return LU_OK;
    }

    return multipart->handler.body(multipart->handler.data, bytes, len);
}


/* The rest of a delimiter's line. */

static lu_rc_e
lu_multipart_line(lu_multipart_t *multipart, unsigned char c, lu_error_t *err)
{
    switch (multipart->state) {

    case lu_multipart_dash:

        if (c != '-') {
            break;
        }

        multipart->state = lu_multipart_epilogue;
        return LU_OK;

    case lu_multipart_cr:

        if (c != '\n') {
            break;
        }

        if (multipart->parts == LU_MULTIPART_PARTS) {
            return lu_error(err, NULL, "the multipart body has more than 32"
                            " parts");
        }

        multipart->parts++;
        multipart->headers_len = 0;
        multipart->state = lu_multipart_headers;
        return LU_OK;

    case lu_multipart_delimiter:

        if (c == '-') {
            multipart->state = lu_multipart_dash;
            return LU_OK;
        }

        /* fall through */

    default: /* lu_multipart_padding */

        if (c == ' ' || c == '\t') {
            multipart->state = lu_multipart_padding;
            return LU_OK;
        }

        if (c == '\r') {
            multipart->state = lu_multipart_cr;
            return LU_OK;
        }
    }

    return lu_error(err, NULL, "a multipart delimiter must be followed by "
                               "\"--\" or a line end");
}


/* Collects the headers of a part up to the empty line. */

static lu_rc_e
lu_multipart_header(lu_multipart_t *multipart, unsigned char c,
    lu_error_t *err)
{
    size_t          n;
    unsigned char  *headers;

    headers = multipart->headers;
    n = multipart->headers_len;

    if ((c == '\n') != (n > 0 && headers[n - 1] == '\r')) {
        return lu_error(err, NULL, "a line of a part's headers does not end in"
                        " CR LF");
    }

    if ((c < 0x20 && c != '\t' && c != '\r' && c != '\n') || c == 0x7f) {
        return lu_error(err, NULL, "the headers of a part contain a control"
                        " character");
    }

    if (n == LU_MULTIPART_HEADERS) {
        return lu_error(err, NULL, "the headers of a part are longer than 2048"
                        " bytes");
    }

    headers[n++] = c;
    multipart->headers_len = n;

    if (n == 2 && c == '\n') {
        return lu_multipart_part(multipart, err);
    }

    if (n >= 4 && memcmp(headers + n - 4, "\r\n\r\n", 4) == 0) {
        return lu_multipart_part(multipart, err);
    }

    return LU_OK;
}


static lu_rc_e
lu_multipart_part(lu_multipart_t *multipart, lu_error_t *err)
{
    lu_rc_e   rc;
    lu_str_t  disposition, name;

    rc = lu_multipart_disposition(multipart, &disposition, err);
    if (rc != LU_OK) {
        return rc;
    }

    rc = lu_multipart_name(&disposition, &name, err);
    if (rc != LU_OK) {
        return rc;
    }

    /* in a part without a body, the empty line may begin the delimiter */

    multipart->state = lu_multipart_body_start;
    multipart->matched = 2;

    return multipart->handler.part(multipart->handler.data, &name);
}


/* Finds the value of Content-Disposition among the headers. */

static lu_rc_e
lu_multipart_disposition(lu_multipart_t *multipart, lu_str_t *disposition,
    lu_error_t *err)
{
    size_t          n;
    lu_str_t        rest, line, name;
    unsigned char  *colon;

    lu_multipart_unfold(multipart);

    disposition->len = 0;
    disposition->data = NULL;

    /* without the empty line */

    rest.len = multipart->headers_len - 2;
    rest.data = multipart->headers;

    while (rest.len) {
        n = (unsigned char *) memchr(rest.data, '\r', rest.len) - rest.data;
        lu_multipart_take(&rest, n, &line);
        lu_multipart_take(&rest, 2, NULL);

        colon = memchr(line.data, ':', line.len);

        if (colon == NULL) {
            return lu_error(err, NULL, "a part has a malformed header");
        }

        lu_multipart_take(&line, colon - line.data, &name);
        lu_multipart_take(&line, 1, NULL);

        if (!lu_multipart_is_token(&name)) {
            return lu_error(err, NULL, "a part has a malformed header");
        }

        if (!lu_str_case_is(&name, "content-disposition")) {
            continue;
        }

        if (disposition->data) {
            return lu_error(err, NULL, "a part has two Content-Disposition"
                            " headers");
        }

        *disposition = line;
    }

    return LU_OK;
}


/* A line that begins with white space continues the previous one. */

static void
lu_multipart_unfold(lu_multipart_t *multipart)
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


static lu_rc_e
lu_multipart_name(const lu_str_t *disposition, lu_str_t *name, lu_error_t *err)
{
    int       rc;
    lu_str_t  rest, attribute;

    rest = *disposition;

    if (!lu_multipart_type(&rest, "form-data")) {
        return lu_error(err, NULL, "a part has no \"Content-Disposition:"
                        " form-data\" header");
    }

    /*
     * What follows the name is not looked at: clients do not agree on how
     * to write a file name with a quote or a backslash in it.
     */

    do {
        rc = lu_multipart_param(&rest, &attribute, name);
    } while (rc > 0 && !lu_str_case_is(&attribute, "name"));

    if (rc < 0) {
        return lu_error(err, NULL,
                        "a part has a malformed Content-Disposition");
    }

    if (rc == 0 || name->len == 0) {
        return lu_error(err, NULL, "a part has no name");
    }

    lu_multipart_unescape(name);

    return LU_OK;
}


/* Takes the value before the parameters; 1 if it is that type. */

static int
lu_multipart_type(lu_str_t *rest, const char *type)
{
    lu_str_t  value;

    lu_multipart_space(rest);
    lu_multipart_take(rest, lu_multipart_token(rest), &value);

    return lu_str_case_is(&value, type);
}


/*
 * Takes the next "; attribute=value".  Returns 1, 0 at the end, -1 if what
 * follows is no parameter.  A quoted value is still escaped.
 */

static int
lu_multipart_param(lu_str_t *rest, lu_str_t *attribute, lu_str_t *value)
{
    size_t  n, token;

    lu_multipart_space(rest);

    if (rest->len && rest->data[0] != ';') {
        return -1;
    }

    while (rest->len && rest->data[0] == ';') {
        lu_multipart_take(rest, 1, NULL);
        lu_multipart_space(rest);
    }

    if (rest->len == 0) {
        return 0;
    }

    token = lu_multipart_token(rest);

    for (n = 0; n < token; n++) {
        if (rest->data[n] == '=') {
            break;
        }
    }

    if (n == 0 || n == token) {
        return -1;
    }

    lu_multipart_take(rest, n, attribute);
    lu_multipart_take(rest, 1, NULL);

    if (rest->len && rest->data[0] == '"') {
        return lu_multipart_quoted(rest, value);
    }

    lu_multipart_take(rest, lu_multipart_token(rest), value);

    return (rest->len && rest->data[0] == '"') ? -1 : 1;
}


static int
lu_multipart_quoted(lu_str_t *rest, lu_str_t *value)
{
    size_t  n;

    lu_multipart_take(rest, 1, NULL);

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

    lu_multipart_take(rest, n, value);
    lu_multipart_take(rest, 1, NULL);

    if (rest->len && strchr("; \t", rest->data[0]) == NULL) {
        return -1;
    }

    return 1;
}


/*
 * Only quotes and backslashes are ever escaped; any other backslash is one
 * that the sender did not escape.
 */

static void
lu_multipart_unescape(lu_str_t *str)
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
lu_multipart_take(lu_str_t *rest, size_t n, lu_str_t *taken)
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
lu_multipart_space(lu_str_t *rest)
{
    while (rest->len && (rest->data[0] == ' ' || rest->data[0] == '\t')) {
        lu_multipart_take(rest, 1, NULL);
    }
}


/* The number of bytes before the next separator. */

static size_t
lu_multipart_token(const lu_str_t *rest)
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


/* RFC 9110, section 5.6.2 */

static int
lu_multipart_is_token(const lu_str_t *name)
{
    size_t         i;
    unsigned char  c;

    for (i = 0; i < name->len; i++) {
        c = name->data[i];

        if ((c >= '0' && c <= '9')
            || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
            || (c && strchr("!#$%&'*+-.^_`|~", c)))
        {
            continue;
        }

        return 0;
    }

    return name->len > 0;
}
