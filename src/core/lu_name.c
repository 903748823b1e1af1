
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#include "lu_hex.h"
#include "lu_name.h"
#include "lu_wide.h"


#define LU_ID_LEN       64
#define LU_TEXT_LEN     128
#define LU_HREF_LEN     1024
#define LU_SEGMENT_LEN  255
#define LU_UUID_LEN     36


static int lu_name_is_builtin(const lu_str_t *id);
static int lu_name_is_uuid(const lu_str_t *id);
static inline lu_wide_t lu_name_not_hex(const unsigned char *p);
static int lu_name_text_valid(const lu_str_t *text);
static lu_rc_e lu_name_href_bytes(const lu_str_t *href, lu_error_t *err);
static lu_rc_e lu_name_href_segment(const lu_str_t *href,
    const unsigned char *segment, size_t len, lu_error_t *err);
static size_t lu_name_url_path(const lu_str_t *url);
static size_t lu_name_url_delimiter(const lu_str_t *url, size_t i);
static int lu_name_url_byte(const unsigned char *p, size_t len);
static size_t lu_name_url_scheme(const lu_str_t *url);
static lu_rc_e lu_name_url_check(const lu_str_t *url, lu_error_t *err);
static lu_rc_e lu_name_url_segments(const lu_str_t *url, lu_str_t *last,
    lu_error_t *err);
static unsigned lu_name_url_dots(const lu_str_t *segment);
static lu_rc_e lu_name_url_decode(const lu_arena_t *arena, const lu_str_t *url,
    lu_str_t *name);
static int lu_name_is_letter(unsigned char c);


int
lu_name_id_valid(const lu_str_t *id)
{
    size_t         i;
    uint32_t       valid;
    unsigned char  c;

    static const uint32_t  chars[] = {
        0,
        0x03ff2000,   /* 9876 5432 10.. .... ..-. .... .... .... */
        0x87fffffe,   /* _... .ZYX WVUT SRQP ONML KJIH GFED CBA. */
        0x07fffffe,   /* .... .zyx wvut srqp onml kjih gfed cba. */
        0, 0, 0, 0
    };

    if (id->len == 0 || id->len > LU_ID_LEN) {
        return 0;
    }

    /* nearly all are */

    if (lu_name_is_uuid(id)) {
        return 1;
    }

    if (id->data[0] == '-' || id->data[0] == '_') {
        return 0;
    }

    valid = 1;

    for (i = 0; i < id->len; i++) {
        c = id->data[i];
        valid &= chars[c >> 5] >> (c & 0x1f);
    }

    return valid && !lu_name_is_builtin(id);
}


static int
lu_name_is_builtin(const lu_str_t *id)
{
    size_t  i;

    static const char  builtin[] = "public";

    if (id->len != sizeof(builtin) - 1) {
        return 0;
    }

    for (i = 0; i < id->len; i++) {
        if ((id->data[i] | 0x20) != (unsigned char) builtin[i]) {
            return 0;
        }
    }

    return 1;
}


int
lu_name_release_valid(const lu_str_t *id)
{
    size_t         i;
    unsigned char  c, prev;

    if (id->len == 0 || id->len > LU_ID_LEN || !lu_str_is_alnum(id->data[0])) {
        return 0;
    }

    prev = '\0';

    for (i = 0; i < id->len; i++) {
        c = id->data[i];

        if (!lu_str_is_alnum(c)
            && c != '-' && c != '_' && c != '+' && (c != '.' || prev == '.'))
        {
            return 0;
        }

        prev = c;
    }

    return prev != '.'
           && !lu_str_ends(id, ".lock")
           && !lu_name_is_builtin(id);
}


int
lu_name_machine_valid(const lu_str_t *name)
{
    size_t  i;

    if (name->len == 0
        || name->len > LU_MACHINE_LEN
        || !lu_str_is_alnum(name->data[0])
        || lu_str_is(name, "body")
        || lu_str_is(name, "fetch"))
    {
        return 0;
    }

    for (i = 1; i < name->len; i++) {
        if (!lu_name_machine_char(name->data[i])) {
            return 0;
        }
    }

    return 1;
}


int
lu_name_machine_char(unsigned char c)
{
    return c == '.' || c == '_' || c == '-' || lu_str_is_alnum(c);
}


int
lu_name_device_id_valid(const lu_str_t *id)
{
    return lu_name_text_valid(id);
}


void
lu_name_device_id_fold(lu_str_t *id)
{
    unsigned char  *p;

    if (!lu_name_is_uuid(id)) {
        return;
    }

    p = id->data;

    /* digits and dashes have this bit anyway, and some get it twice */

    lu_wide_put(p, lu_wide(p) | 0x20);
    lu_wide_put(p + 16, lu_wide(p + 16) | 0x20);
    lu_wide_put(p + 20, lu_wide(p + 20) | 0x20);
}


/* 32 hexadecimal digits with dashes between them, RFC 9562, section 4. */

static int
lu_name_is_uuid(const lu_str_t *id)
{
    lu_wide_t             others;
    const unsigned char  *p;

    static const unsigned char  dashes[LU_UUID_LEN] = {
        [8] = 0xff, [13] = 0xff, [18] = 0xff, [23] = 0xff
    };

    if (id->len != LU_UUID_LEN) {
        return 0;
    }

    p = id->data;

    if (p[8] != '-' || p[13] != '-' || p[18] != '-' || p[23] != '-') {
        return 0;
    }

    /* some are looked at twice */

    others = lu_name_not_hex(p) & ~lu_wide(dashes);
    others |= lu_name_not_hex(p + 16) & ~lu_wide(dashes + 16);
    others |= lu_name_not_hex(p + 20) & ~lu_wide(dashes + 20);

    return lu_wide_first(others) == LU_WIDE;
}


/* Which of 16 bytes are no hexadecimal digits. */

static inline lu_wide_t
lu_name_not_hex(const unsigned char *p)
{
    lu_wide_t  digits, letters;

    digits = lu_wide(p) - '0';
    letters = (lu_wide(p) | 0x20) - 'a';

    return (lu_wide_t) ((digits > 9) & (letters > 5));
}


int
lu_name_label_valid(const lu_str_t *name)
{
    return lu_name_text_valid(name)
           && name->data[0] != ' '
           && name->data[name->len - 1] != ' ';
}


static int
lu_name_text_valid(const lu_str_t *text)
{
    size_t         i;
    unsigned char  c;

    if (text->len == 0 || text->len > LU_TEXT_LEN) {
        return 0;
    }

    if (lu_str_printable(text)) {
        return 1;
    }

    if (!lu_str_utf8_valid(text)) {
        return 0;
    }

    for (i = 0; i < text->len; i++) {
        c = text->data[i];

        if (c < 0x20 || c == 0x7f) {
            return 0;
        }

        /* U+0080 to U+009F are control characters, too */

        if (c == 0xc2 && text->data[i + 1] < 0xa0) {
            return 0;
        }
    }

    return 1;
}


lu_rc_e
lu_name_href_check(const lu_str_t *href, lu_error_t *err)
{
    size_t   i, start;
    lu_rc_e  rc;

    if (href->len == 0) {
        return lu_error(err, href, "is an empty path");
    }

    if (href->len > LU_HREF_LEN) {
        return lu_error(err, href, "is longer than 1024 bytes");
    }

    rc = lu_name_href_bytes(href, err);
    if (rc != LU_OK) {
        return rc;
    }

    if (href->data[0] == '/') {
        return lu_error(err, href, "begins with a slash; it must be relative");
    }

    if (href->len > 1
        && href->data[1] == ':'
        && lu_name_is_letter(href->data[0]))
    {
        return lu_error(err, href,
                        "begins with a drive letter;"
                        " it must be relative");
    }

    start = 0;

    for (i = 0; i <= href->len; i++) {

        if (i < href->len && href->data[i] != '/') {
            continue;
        }

        rc = lu_name_href_segment(href, href->data + start, i - start, err);
        if (rc != LU_OK) {
            return rc;
        }

        start = i + 1;
    }

    return LU_OK;
}


static lu_rc_e
lu_name_href_bytes(const lu_str_t *href, lu_error_t *err)
{
    size_t         i;
    unsigned char  c;

    if (!lu_str_utf8_valid(href)) {
        return lu_error(err, href, "is not UTF-8");
    }

    for (i = 0; i < href->len; i++) {
        c = href->data[i];

        if (c < 0x20 || c == 0x7f) {
            return lu_error(err, href, "contains a control character");
        }

        if (c == '\\') {
            return lu_error(err, href,
                            "contains a backslash;"
                            " segments are separated by \"/\"");
        }
    }

    return LU_OK;
}


static lu_rc_e
lu_name_href_segment(const lu_str_t *href, const unsigned char *segment,
    size_t len, lu_error_t *err)
{
    if (len == 0) {
        return lu_error(err, href, "has an empty segment");
    }

    if (len > LU_SEGMENT_LEN) {
        return lu_error(err, href, "has a segment longer than 255 bytes");
    }

    if (len <= 2 && segment[0] == '.' && segment[len - 1] == '.') {
        return lu_error(err, href,
                        "has a segment \".\" or \"..\"");
    }

    return LU_OK;
}


lu_rc_e
lu_name_file_check(const lu_str_t *name, lu_error_t *err)
{
    size_t         i;
    unsigned char  c, prev;

    if (name->len == 0) {
        return lu_error(err, name, "is an empty file name");
    }

    if (name->len > LU_SEGMENT_LEN) {
        return lu_error(err, name, "is a file name longer than 255 bytes");
    }

    if (!lu_str_utf8_valid(name)) {
        return lu_error(err, name, "is a file name that is not UTF-8");
    }

    if (name->data[0] == '.') {
        return lu_error(err, name, "is a file name that begins with a dot");
    }

    prev = '\0';

    for (i = 0; i < name->len; i++) {
        c = name->data[i];

        if (c < 0x20 || c == 0x7f) {
            return lu_error(err, name,
                            "is a file name with a control"
                            " character");
        }

        if (c == '/' || c == '\\') {
            return lu_error(err, name, "is a file name with a slash or a"
                            " backslash");
        }

        if (c == '.' && prev == '.') {
            return lu_error(err, name,
                            "is a file name with \"..\"");
        }

        prev = c;
    }

    return LU_OK;
}


lu_rc_e
lu_name_file_of_url(const lu_arena_t *arena, const lu_str_t *url,
    lu_str_t *name, lu_error_t *err)
{
    size_t    end, start;
    lu_str_t  last;

    start = lu_name_url_path(url);

    for ( ;; ) {
        end = lu_name_url_delimiter(url, start);

        if (end == url->len || url->data[end] != '/') {
            break;
        }

        start = end + 1;
    }

    if (start == end) {
        return lu_error(err, url, "is a URL that names no file");
    }

    last.data = url->data + start;
    last.len = end - start;

    if (lu_name_url_decode(arena, &last, name) != LU_OK) {
        return LU_NOMEM;
    }

    return lu_name_file_check(name, err);
}


static lu_rc_e
lu_name_url_decode(const lu_arena_t *arena, const lu_str_t *url,
    lu_str_t *name)
{
    int     c;
    size_t  i;

    *name = lu_str_dup(arena, url->data, url->len);
    if (name->data == NULL) {
        return LU_NOMEM;
    }

    name->len = 0;

    for (i = 0; i < url->len; i++) {
        c = lu_name_url_byte(url->data + i, url->len - i);

        if (c < 0) {
            c = url->data[i];

        } else {
            i += 2;
        }

        name->data[name->len++] = (unsigned char) c;
    }

    name->data[name->len] = '\0';

    return LU_OK;
}


lu_rc_e
lu_name_file_of_manifest(const lu_arena_t *arena, const lu_str_t *url,
    lu_str_t *name, unsigned *is_absolute, lu_error_t *err)
{
    size_t    i;
    lu_rc_e   rc;
    lu_str_t  last, scheme;

    *is_absolute = 0;

    rc = lu_name_url_check(url, err);
    if (rc != LU_OK) {
        return rc;
    }

    scheme.data = url->data;
    scheme.len = lu_name_url_scheme(url);

    if (scheme.len) {

        i = scheme.len + 1;

        if ((lu_str_case_is(&scheme, "https")
             || lu_str_case_is(&scheme, "http"))
            && url->len - i > 2
            && memcmp(url->data + i, "/" "/", 2) == 0
            && url->data[i + 2] != '/')
        {
            *is_absolute = 1;

            return lu_name_file_of_url(arena, url, name, err);
        }

        return lu_error(err, url, "is no relative URL: electron-updater takes "
                                  "what is in front of \":\" for a scheme");
    }

    rc = lu_name_url_segments(url, &last, err);
    if (rc != LU_OK) {
        return rc;
    }

    /* the client sends it as it is, and nginx refuses the request */

    for (i = 0; i < last.len; i++) {
        if (last.data[i] == '%'
            && lu_name_url_byte(last.data + i, last.len - i) < 0)
        {
            return lu_error(err, url, "is a URL with a \"%\" that is not "
                                      "followed by two hex digits");
        }
    }

    if (lu_name_url_decode(arena, &last, name) != LU_OK) {
        return LU_NOMEM;
    }

    return lu_name_file_check(name, err);
}


/* What the URL standard strips or reads as something else. */

static lu_rc_e
lu_name_url_check(const lu_str_t *url, lu_error_t *err)
{
    size_t         i;
    unsigned char  c;

    if (url->len == 0) {
        return lu_error(err, url, "is a URL that names no file");
    }

    if (url->data[0] == ' ' || url->data[url->len - 1] == ' ') {
        return lu_error(err, url, "is a URL with a space at its beginning or "
                                  "end, which electron-updater removes");
    }

    for (i = 0; i < url->len; i++) {
        c = url->data[i];

        if (c < 0x20 || c == 0x7f) {
            return lu_error(err, url, "is a URL with a control character");
        }

        if (c == '\\') {
            return lu_error(err, url, "is a URL with a backslash, which "
                                      "electron-updater reads as a slash");
        }
    }

    return LU_OK;
}


/* The length of "{scheme}" in front of ":"; 0: the URL is relative. */

static size_t
lu_name_url_scheme(const lu_str_t *url)
{
    size_t         i;
    unsigned char  c;

    if (!lu_name_is_letter(url->data[0])) {
        return 0;
    }

    for (i = 1; i < url->len; i++) {
        c = url->data[i];

        if (c == ':') {
            return i;
        }

        if (!lu_str_is_alnum(c) && c != '+' && c != '-' && c != '.') {
            break;
        }
    }

    return 0;
}


/* Resolves the path of a relative URL; one segment must remain. */

static lu_rc_e
lu_name_url_segments(const lu_str_t *url, lu_str_t *last, lu_error_t *err)
{
    size_t    i, depth;
    unsigned  dots;

    if (url->data[0] == '/') {
        return lu_error(err, url, "is a URL that leads electron-updater out of"
                                  " the feed; it must be the name of a file");
    }

    i = 0;
    depth = 0;

    for ( ;; ) {
        last->data = url->data + i;
        i = lu_name_url_delimiter(url, i);
        last->len = url->data + i - last->data;

        dots = lu_name_url_dots(last);

        if (dots == 2) {

            if (depth == 0) {
                return lu_error(err, url, "is a URL that leads "
                                          "electron-updater out of the feed; "
                                          "it must be the name of a file");
            }

            depth--;

        } else if (dots == 0) {
            depth++;
        }

        if (i == url->len || url->data[i] != '/') {
            break;
        }

        i++;
    }

    if (last->len == 0 || dots) {
        return lu_error(err, url, "is a URL that names no file");
    }

    if (depth > 1) {
        return lu_error(err, url, "is the URL of a file in a folder; the feed "
                                  "has no folders");
    }

    return LU_OK;
}


/* 1 for ".", 2 for "..", also if dots are encoded, else 0. */

static unsigned
lu_name_url_dots(const lu_str_t *segment)
{
    size_t    i;
    unsigned  dots;

    dots = 0;

    for (i = 0; i < segment->len; i++) {

        if (lu_name_url_byte(segment->data + i, segment->len - i) == '.') {
            i += 2;

        } else if (segment->data[i] != '.') {
            return 0;
        }

        dots++;
    }

    return dots <= 2 ? dots : 0;
}


/* Where the path begins.  A host without a path is no file name. */

static size_t
lu_name_url_path(const lu_str_t *url)
{
    size_t  i;

    i = lu_name_url_delimiter(url, 0);

    if (url->len - i < 2 || memcmp(url->data + i, "/" "/", 2) != 0) {
        return 0;
    }

    if (i != 0 && url->data[i - 1] != ':') {
        return 0;
    }

    return lu_name_url_delimiter(url, i + 2);
}


static size_t
lu_name_url_delimiter(const lu_str_t *url, size_t i)
{
    while (i < url->len
           && url->data[i] != '/'
           && url->data[i] != '?'
           && url->data[i] != '#')
    {
        i++;
    }

    return i;
}


/* The byte that "%XX" stands for, or -1. */

static int
lu_name_url_byte(const unsigned char *p, size_t len)
{
    return (len < 3 || p[0] != '%') ? -1 : lu_hex_byte(p + 1);
}


static int
lu_name_is_letter(unsigned char c)
{
    c |= 0x20;

    return c >= 'a' && c <= 'z';
}
