
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_name.h"
#include "lu_query.h"
#include "lu_s3.h"


#define LU_S3_XML  "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define LU_S3_NS   " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""


/* One piece of an answer, which is escaped unless it is markup. */

typedef struct {
    lu_str_t         text;
    unsigned         markup:1;
} lu_s3_piece_t;


static lu_rc_e lu_s3_op(const lu_arena_t *arena, const lu_str_t *method,
    const lu_str_t *query, lu_s3_t *s3, lu_error_t *err);
static lu_rc_e lu_s3_value(const lu_arena_t *arena, const lu_str_t *query,
    const char *name, lu_str_t *value);
static lu_rc_e lu_s3_path(const lu_arena_t *arena, const lu_str_t *path,
    lu_s3_t *s3, lu_error_t *err);
static lu_rc_e lu_s3_key(const lu_arena_t *arena, lu_str_t *rest,
    lu_s3_t *s3, lu_error_t *err);
static int lu_s3_segment(lu_str_t *rest, lu_str_t *segment);
static lu_rc_e lu_s3_refuse(lu_s3_t *s3, unsigned status, const char *code,
    lu_error_t *err, const char *text);
static int lu_s3_element(const lu_str_t *text, size_t *from,
    const char *name, lu_str_t *content);
static size_t lu_s3_tag(const lu_str_t *text, size_t from, const char *open,
    const char *name, size_t *end);
static int lu_s3_part(const lu_str_t *text, lu_s3_part_t *part);
static void lu_s3_unquote(lu_str_t *etag);
static lu_str_t lu_s3_print(const lu_arena_t *arena,
    const lu_s3_piece_t *pieces, size_t n);
static const char *lu_s3_escaped(unsigned char c);
static lu_s3_piece_t lu_s3_markup(const char *text);
static lu_s3_piece_t lu_s3_text(const lu_str_t *text);


/* Parameters that say nothing, or that belong to the operations. */

static const char  *lu_s3_known[] = {
    "uploads", "uploadId", "partNumber", "x-id", NULL
};


lu_rc_e
lu_s3_read(const lu_arena_t *arena, const lu_str_t *method,
    const lu_str_t *path, const lu_str_t *query, lu_s3_t *s3, lu_error_t *err)
{
    lu_rc_e  rc;

    memset(s3, 0, sizeof(lu_s3_t));

    rc = lu_s3_op(arena, method, query, s3, err);

    return rc == LU_OK ? lu_s3_path(arena, path, s3, err) : rc;
}


static lu_rc_e
lu_s3_op(const lu_arena_t *arena, const lu_str_t *method,
    const lu_str_t *query, lu_s3_t *s3, lu_error_t *err)
{
    int       is_put, is_post, is_delete, has_upload, has_uploads;
    size_t    i;
    lu_rc_e   rc;
    uint64_t  n;
    lu_str_t  rest, name, value, one;

    is_put = lu_str_is(method, "PUT");
    is_post = lu_str_is(method, "POST");
    is_delete = lu_str_is(method, "DELETE");

    if (!is_put && !is_post && !is_delete) {
        return lu_s3_refuse(s3, 501, "NotImplemented", err,
                            "Here files can be uploaded, and nothing can be "
                            "read or listed: installed apps and people get "
                            "files from the feed and the downloads.");
    }

    rest = *query;

    while (lu_query_next(&rest, &name, &value)) {

        for (i = 0; lu_s3_known[i]; i++) {
            one = name;

            if (lu_query_find(&one, lu_s3_known[i], &value)) {
                break;
            }
        }

        if (lu_s3_known[i] == NULL) {
            return lu_s3_refuse(s3, 501, "NotImplemented", err,
                                "Here files can be uploaded, whole or in "
                                "parts, with a signature in the header "
                                "Authorization; other parameters are not "
                                "supported.");
        }
    }

    has_uploads = lu_query_find(query, "uploads", &value);
    has_upload = lu_query_find(query, "uploadId", &value);

    if (has_upload) {
        rc = lu_s3_value(arena, query, "uploadId", &s3->upload);

        if (rc == LU_NOMEM) {
            return rc;
        }

        if (rc != LU_OK || !lu_name_id_valid(&s3->upload)) {
            return lu_s3_refuse(s3, 404, "NoSuchUpload", err,
                                "There is no such upload in parts.");
        }
    }

    rc = lu_query_number(query, "partNumber", &n);

    if (is_put && has_upload && rc == LU_OK && n >= 1 && n <= LU_S3_PARTS) {
        s3->part = (unsigned) n;
        s3->op = LU_S3_PART;
        return LU_OK;
    }

    if (rc != LU_NOT_FOUND || (is_put && has_upload)) {
        return lu_s3_refuse(s3, 400, "InvalidArgument", err,
                            "A part needs an \"uploadId\" and a "
                            "\"partNumber\" from 1 to 10000.");
    }

    if (is_put && !has_uploads) {
        s3->op = LU_S3_PUT;
        return LU_OK;
    }

    if (is_post && has_uploads && !has_upload) {
        s3->op = LU_S3_CREATE;
        return LU_OK;
    }

    if (has_upload && !has_uploads && !is_put) {
        s3->op = is_post ? LU_S3_COMPLETE : LU_S3_ABORT;
        return LU_OK;
    }

    return lu_s3_refuse(s3, 501, "NotImplemented", err,
                        "Here files can be uploaded, whole or in parts; they "
                        "cannot be deleted or posted as forms.");
}


static lu_rc_e
lu_s3_value(const lu_arena_t *arena, const lu_str_t *query, const char *name,
    lu_str_t *value)
{
    lu_str_t        raw;
    unsigned char  *p;

    (void) lu_query_find(query, name, &raw);

    p = arena->alloc(arena->data, raw.len + 1);
    if (p == NULL) {
        return LU_NOMEM;
    }

    if (lu_query_decode(value, p, &raw, 1) != LU_OK) {
        return LU_INVALID;
    }

    p[value->len] = '\0';

    return LU_OK;
}


static lu_rc_e
lu_s3_path(const lu_arena_t *arena, const lu_str_t *path, lu_s3_t *s3,
    lu_error_t *err)
{
    lu_str_t        rest, segment;
    unsigned char  *p;

    p = arena->alloc(arena->data, path->len + 1);
    if (p == NULL) {
        return LU_NOMEM;
    }

    if (lu_query_decode(&rest, p, path, 0) != LU_OK) {
        return lu_s3_refuse(s3, 400, "InvalidURI", err,
                            "The path has a \"%\" without two hex digits, or "
                            "a NUL.");
    }

    if (!lu_s3_segment(&rest, &segment) || !lu_name_id_valid(&segment)) {
        return lu_s3_refuse(s3, 400, "InvalidBucketName", err,
                            "The bucket must be the id of an app.");
    }

    if (rest.len) {
        rest.data++;
        rest.len--;
    }

    s3->app = lu_str_dup(arena, segment.data, segment.len);
    s3->key = lu_str_dup(arena, rest.data, rest.len);

    if (s3->app.data == NULL || s3->key.data == NULL) {
        return LU_NOMEM;
    }

    return lu_s3_key(arena, &rest, s3, err);
}


static lu_rc_e
lu_s3_key(const lu_arena_t *arena, lu_str_t *rest, lu_s3_t *s3,
    lu_error_t *err)
{
    size_t          i, n;
    lu_str_t        segments[4];
    unsigned char  *p;

    for (n = 0; n < 4 && lu_s3_segment(rest, &segments[n]); n++) {
        /* void */
    }

    if (n != 2 && n != 3) {
        return lu_s3_refuse(s3, 400, "InvalidArgument", err,
                            "The key must be {release}/{file} or "
                            "{release}/{folder}/{file}: set \"path\" of the "
                            "publisher to the release, such as "
                            "\"${version}\".");
    }

    s3->release = lu_str_dup(arena, segments[0].data, segments[0].len);
    if (s3->release.data == NULL) {
        return LU_NOMEM;
    }

    if (!lu_name_release_valid(&s3->release)) {
        return lu_s3_refuse(s3, 400, "InvalidArgument", err,
                            "The release, which is the first part of the key, "
                            "must be 1 to 64 letters, digits, \"-\", \"_\", "
                            "\".\" and \"+\", begin with a letter or digit, "
                            "and have neither \"..\" nor a \".\" at its "
                            "end.");
    }

    for (i = 1; i < n; i++) {
        if (lu_name_file_check(&segments[i], err) != LU_OK) {
            s3->status = 400;
            s3->code = "InvalidArgument";

            return LU_INVALID;
        }
    }

    p = arena->alloc(arena->data, segments[1].len + 1
                                  + (n == 3 ? segments[2].len + 1 : 0));
    if (p == NULL) {
        return LU_NOMEM;
    }

    s3->file.data = p;

    for (i = 1; i < n; i++) {
        memcpy(p, segments[i].data, segments[i].len);
        p += segments[i].len;
        *p++ = '/';
    }

    *--p = '\0';

    s3->file.len = (size_t) (p - s3->file.data);

    return LU_OK;
}


/* The next part between slashes that is not empty. */

static int
lu_s3_segment(lu_str_t *rest, lu_str_t *segment)
{
    while (rest->len && *rest->data == '/') {
        rest->data++;
        rest->len--;
    }

    segment->data = rest->data;

    while (rest->len && *rest->data != '/') {
        rest->data++;
        rest->len--;
    }

    segment->len = (size_t) (rest->data - segment->data);

    return segment->len != 0;
}


static lu_rc_e
lu_s3_refuse(lu_s3_t *s3, unsigned status, const char *code, lu_error_t *err,
    const char *text)
{
    s3->status = status;
    s3->code = code;

    return lu_error(err, NULL, text);
}


lu_rc_e
lu_s3_parts(const lu_arena_t *arena, const lu_str_t *text,
    lu_s3_part_t **parts, size_t *n, lu_error_t *err)
{
    size_t         from, len;
    unsigned       last;
    lu_str_t       content, list;
    lu_s3_part_t  *part;

    from = 0;
    last = 0;
    *n = 0;

    if (!lu_s3_element(text, &from, "CompleteMultipartUpload", &list)) {
        goto malformed;
    }

    for (from = 0, len = 0; lu_s3_element(&list, &from, "Part", &content);
         len++)
    {
        /* void */
    }

    if (len == 0 || len > LU_S3_PARTS) {
        goto malformed;
    }

    part = arena->alloc(arena->data, len * sizeof(lu_s3_part_t));
    if (part == NULL) {
        return LU_NOMEM;
    }

    *parts = part;

    for (from = 0; lu_s3_element(&list, &from, "Part", &content); part++) {

        if (!lu_s3_part(&content, part)) {
            goto malformed;
        }

        if (part->number <= last) {
            return lu_error(err, NULL,
                            "The parts must be in ascending order.");
        }

        last = part->number;
        (*n)++;
    }

    return LU_OK;

malformed:

    return lu_error(err, NULL,
                    "The body must be a CompleteMultipartUpload with 1 to "
                    "10000 parts, each with a PartNumber and an ETag.");
}


/* The next element of that name; it has none of that name in it. */

static int
lu_s3_element(const lu_str_t *text, size_t *from, const char *name,
    lu_str_t *content)
{
    size_t  start, begin, end;

    start = lu_s3_tag(text, *from, "<", name, &begin);

    if (start == text->len) {
        return 0;
    }

    end = lu_s3_tag(text, begin, "</", name, from);

    if (end == text->len) {
        return 0;
    }

    content->data = text->data + begin;
    content->len = end - begin;

    return 1;
}


/*
 * Where a tag begins, text->len if there is none, and where it ends.  It may
 * have attributes, such as the namespace.
 */

static size_t
lu_s3_tag(const lu_str_t *text, size_t from, const char *open,
    const char *name, size_t *end)
{
    size_t         i, n;
    unsigned char  c;

    for (i = from; i < text->len; i++) {
        i = lu_str_find(text, i, open);
        n = i + strlen(open);

        if (n + strlen(name) >= text->len
            || memcmp(text->data + n, name, strlen(name)) != 0)
        {
            continue;
        }

        n += strlen(name);
        c = text->data[n];

        if (c != '>' && c != ' ' && c != '\n' && c != '\r' && c != '\t') {
            continue;
        }

        n = lu_str_find(text, n, ">");

        if (n == text->len) {
            break;
        }

        *end = n + 1;

        return i;
    }

    return text->len;
}


static int
lu_s3_part(const lu_str_t *text, lu_s3_part_t *part)
{
    size_t    i, from;
    lu_str_t  number;

    from = 0;

    if (!lu_s3_element(text, &from, "PartNumber", &number)
        || number.len == 0
        || number.len > 5)
    {
        return 0;
    }

    part->number = 0;

    for (i = 0; i < number.len; i++) {

        if (number.data[i] < '0' || number.data[i] > '9') {
            return 0;
        }

        part->number = 10 * part->number + (number.data[i] - '0');
    }

    from = 0;

    if (part->number < 1
        || part->number > LU_S3_PARTS
        || !lu_s3_element(text, &from, "ETag", &part->etag))
    {
        return 0;
    }

    lu_s3_unquote(&part->etag);

    return part->etag.len != 0;
}


/* Quotes come as they are, or as entities. */

static void
lu_s3_unquote(lu_str_t *etag)
{
    size_t    i, len;
    lu_str_t  front;

    static const char  *quotes[] = { "\"", "&quot;", "&#34;", NULL };

    for (i = 0; quotes[i]; i++) {
        len = strlen(quotes[i]);

        front = *etag;
        front.len = len;

        if (etag->len >= 2 * len
            && lu_str_is(&front, quotes[i])
            && lu_str_ends(etag, quotes[i]))
        {
            etag->data += len;
            etag->len -= 2 * len;
            return;
        }
    }
}


const char *
lu_s3_code(unsigned status)
{
    switch (status) {

    case 400:
    case 422:
        return "InvalidRequest";

    case 401:
    case 403:
        return "AccessDenied";

    case 404:
        return "NoSuchKey";

    case 405:
        return "MethodNotAllowed";

    case 409:
        return "InvalidObjectState";

    case 413:
        return "EntityTooLarge";

    case 501:
        return "NotImplemented";

    case 503:
        return "SlowDown";

    case 507:
        return "InsufficientStorage";

    default:
        return status < 500 ? "InvalidRequest" : "InternalError";
    }
}


unsigned
lu_s3_status(unsigned status)
{
    switch (status) {

    case 401:
        return 403;

    case 422:
        return 400;

    default:
        return status;
    }
}


lu_str_t
lu_s3_error(const lu_arena_t *arena, const char *code, const char *message)
{
    lu_str_t       text;
    lu_s3_piece_t  pieces[5];

    text = lu_str(message);

    pieces[0] = lu_s3_markup(LU_S3_XML "<Error><Code>");
    pieces[1] = lu_s3_markup(code);
    pieces[2] = lu_s3_markup("</Code><Message>");
    pieces[3] = lu_s3_text(&text);
    pieces[4] = lu_s3_markup("</Message></Error>");

    return lu_s3_print(arena, pieces, 5);
}


lu_str_t
lu_s3_created(const lu_arena_t *arena, const lu_str_t *bucket,
    const lu_str_t *key, const char *upload)
{
    lu_s3_piece_t  pieces[7];

    pieces[0] = lu_s3_markup(LU_S3_XML "<InitiateMultipartUploadResult"
                             LU_S3_NS "><Bucket>");
    pieces[1] = lu_s3_text(bucket);
    pieces[2] = lu_s3_markup("</Bucket><Key>");
    pieces[3] = lu_s3_text(key);
    pieces[4] = lu_s3_markup("</Key><UploadId>");
    pieces[5] = lu_s3_markup(upload);
    pieces[6] = lu_s3_markup("</UploadId></InitiateMultipartUploadResult>");

    return lu_s3_print(arena, pieces, 7);
}


lu_str_t
lu_s3_completed(const lu_arena_t *arena, const lu_str_t *bucket,
    const lu_str_t *key, const char *etag)
{
    lu_s3_piece_t  pieces[7];

    pieces[0] = lu_s3_markup(LU_S3_XML "<CompleteMultipartUploadResult"
                             LU_S3_NS "><Bucket>");
    pieces[1] = lu_s3_text(bucket);
    pieces[2] = lu_s3_markup("</Bucket><Key>");
    pieces[3] = lu_s3_text(key);
    pieces[4] = lu_s3_markup("</Key><ETag>&quot;");
    pieces[5] = lu_s3_markup(etag);
    pieces[6] = lu_s3_markup("&quot;</ETag></CompleteMultipartUploadResult>");

    return lu_s3_print(arena, pieces, 7);
}


static lu_str_t
lu_s3_print(const lu_arena_t *arena, const lu_s3_piece_t *pieces, size_t n)
{
    size_t          i, j, len;
    lu_str_t        out;
    const char     *escaped;
    unsigned char  *p;

    len = 0;

    for (i = 0; i < n; i++) {
        len += pieces[i].text.len * (pieces[i].markup ? 1 : 6);
    }

    out.len = 0;
    out.data = arena->alloc(arena->data, len + 1);

    if (out.data == NULL) {
        return out;
    }

    p = out.data;

    for (i = 0; i < n; i++) {

        for (j = 0; j < pieces[i].text.len; j++) {

            *p = pieces[i].text.data[j];
            escaped = pieces[i].markup ? NULL : lu_s3_escaped(*p);

            if (escaped == NULL) {
                p++;
                continue;
            }

            len = strlen(escaped);

            memcpy(p, escaped, len);
            p += len;
        }
    }

    *p = '\0';

    out.len = (size_t) (p - out.data);

    return out;
}


static const char *
lu_s3_escaped(unsigned char c)
{
    switch (c) {

    case '&':
        return "&amp;";

    case '<':
        return "&lt;";

    case '>':
        return "&gt;";

    case '"':
        return "&quot;";

    default:
        return c < 0x20 ? "?" : NULL;
    }
}


static lu_s3_piece_t
lu_s3_markup(const char *text)
{
    lu_s3_piece_t  piece;

    piece.text = lu_str(text);
    piece.markup = 1;

    return piece;
}


static lu_s3_piece_t
lu_s3_text(const lu_str_t *text)
{
    lu_s3_piece_t  piece;

    piece.text = *text;
    piece.markup = 0;

    return piece;
}
