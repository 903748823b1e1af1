
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The events are read one by one; nothing is kept of them but the keys of
 * the mappings that are open.
 */


#include "lu_yaml.h"
#include "lu_name.h"

#include <stdio.h>


static lu_rc_e lu_yaml_check(const lu_str_t *text, lu_error_t *err);
static lu_rc_e lu_yaml_document(lu_yaml_t *yaml, lu_yaml_pt root, void *data);
static lu_rc_e lu_yaml_next(lu_yaml_t *yaml);
static lu_rc_e lu_yaml_node(lu_yaml_t *yaml, const yaml_char_t *anchor,
    const yaml_char_t *tag);
static lu_rc_e lu_yaml_enter(lu_yaml_t *yaml);
static lu_rc_e lu_yaml_key(lu_yaml_t *yaml, lu_str_t *keys, size_t n);
static lu_str_t lu_yaml_scalar(const lu_yaml_t *yaml);
static int lu_yaml_is_bool(const lu_str_t *scalar);
static int lu_yaml_is_number(const lu_str_t *scalar);
static int lu_yaml_is_time(const lu_str_t *scalar);
static size_t lu_yaml_digits(const lu_str_t *scalar, size_t i);
static lu_rc_e lu_yaml_error(lu_yaml_t *yaml);
static lu_rc_e lu_yaml_event(lu_yaml_t *yaml, const char *text);


lu_rc_e
lu_yaml_read(const lu_arena_t *arena, const lu_str_t *text, lu_yaml_pt root,
    void *data, lu_error_t *err)
{
    size_t     mark;
    lu_rc_e    rc;
    lu_yaml_t  yaml;

    rc = lu_yaml_check(text, err);
    if (rc != LU_OK) {
        return rc;
    }

    memset(&yaml, 0, sizeof(lu_yaml_t));

    yaml.arena = arena;
    yaml.err = err;

    if (!yaml_parser_initialize(&yaml.parser)) {
        return LU_NOMEM;
    }

    yaml_parser_set_encoding(&yaml.parser, YAML_UTF8_ENCODING);

    /* libyaml takes the mark for an indentation */

    mark = (text->len >= 3 && memcmp(text->data, "\xef\xbb\xbf", 3) == 0)
           ? 3 : 0;

    yaml_parser_set_input_string(&yaml.parser, text->data + mark,
                                 text->len - mark);

    rc = lu_yaml_document(&yaml, root, data);

    yaml_event_delete(&yaml.event);
    yaml_parser_delete(&yaml.parser);

    return rc;
}


/*
 * Refuses what libyaml would accept.  The time that it takes for directives
 * grows with the square of their number.
 */

static lu_rc_e
lu_yaml_check(const lu_str_t *text, lu_error_t *err)
{
    size_t                i, left;
    unsigned char         prev;
    const unsigned char  *p;

    if (text->len == 0) {
        return lu_error(err, NULL, "the YAML text is empty");
    }

    if (!lu_str_utf8_valid(text)) {
        return lu_error(err, NULL, "the YAML text is not UTF-8");
    }

    prev = '\n';

    for (i = 0; i < text->len; i++) {
        p = text->data + i;
        left = text->len - i;

        if (i == 0 && left >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) {
            i = 2;
            continue;
        }

        /* libyaml passes over a mark that begins a line */

        if ((prev == '\n' || prev == '\r')
            && left >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
        {
            return lu_error(err, NULL, "the YAML text has a byte order mark"
                            " that is not at its start");
        }

        if (*p == '%' && (prev == '\n' || prev == '\r')) {
            return lu_error(err, NULL, "the YAML text has a line that begins"
                            " with \"%\"; directives are not"
                            " allowed");
        }

        if ((left >= 2 && memcmp(p, "\xc2\x85", 2) == 0)
            || (left >= 3 && memcmp(p, "\xe2\x80\xa8", 3) == 0)
            || (left >= 3 && memcmp(p, "\xe2\x80\xa9", 3) == 0))
        {
            return lu_error(err, NULL, "the YAML text contains U+0085, U+2028"
                            " or U+2029; it must be escaped");
        }

        prev = *p;
    }

    return LU_OK;
}


static lu_rc_e
lu_yaml_document(lu_yaml_t *yaml, lu_yaml_pt root, void *data)
{
    lu_rc_e  rc;

    /* the stream's start */

    rc = lu_yaml_next(yaml);
    if (rc != LU_OK) {
        return rc;
    }

    /* the document's */

    rc = lu_yaml_next(yaml);
    if (rc != LU_OK) {
        return rc;
    }

    if (yaml->event.type == YAML_STREAM_END_EVENT) {
        return lu_error(yaml->err, NULL, "the YAML text has no document");
    }

    rc = lu_yaml_next(yaml);
    if (rc != LU_OK) {
        return rc;
    }

    rc = root(yaml, NULL, data);
    if (rc != LU_OK) {
        return rc;
    }

    /* the document's end */

    rc = lu_yaml_next(yaml);
    if (rc != LU_OK) {
        return rc;
    }

    /* the stream's */

    rc = lu_yaml_next(yaml);
    if (rc != LU_OK) {
        return rc;
    }

    if (yaml->event.type != YAML_STREAM_END_EVENT) {
        return lu_yaml_event(yaml, "begins a second YAML document");
    }

    return LU_OK;
}


/* Moves on to the next event. */

static lu_rc_e
lu_yaml_next(lu_yaml_t *yaml)
{
    yaml_event_t  *event;

    event = &yaml->event;

    yaml_event_delete(event);

    if (!yaml_parser_parse(&yaml->parser, event)) {
        return lu_yaml_error(yaml);
    }

    switch (event->type) {

    case YAML_ALIAS_EVENT:
        return lu_yaml_event(yaml, "has an alias; none is allowed");

    case YAML_SCALAR_EVENT:
        return lu_yaml_node(yaml, event->data.scalar.anchor,
                            event->data.scalar.tag);

    case YAML_SEQUENCE_START_EVENT:
        return lu_yaml_node(yaml, event->data.sequence_start.anchor,
                            event->data.sequence_start.tag);

    case YAML_MAPPING_START_EVENT:
        return lu_yaml_node(yaml, event->data.mapping_start.anchor,
                            event->data.mapping_start.tag);

    default:
        return LU_OK;
    }
}


static lu_rc_e
lu_yaml_node(lu_yaml_t *yaml, const yaml_char_t *anchor,
    const yaml_char_t *tag)
{
    if (anchor) {
        return lu_yaml_event(yaml, "has an anchor; none is allowed");
    }

    if (tag) {
        return lu_yaml_event(yaml, "has a tag; none is allowed");
    }

    return LU_OK;
}


lu_rc_e
lu_yaml_mapping(lu_yaml_t *yaml, lu_yaml_pt value, void *data)
{
    size_t    n;
    lu_rc_e   rc;
    lu_str_t  keys[LU_YAML_KEYS];

    if (yaml->event.type != YAML_MAPPING_START_EVENT) {
        return lu_yaml_event(yaml, "has something else than a"
                                   " mapping of keys to values");
    }

    rc = lu_yaml_enter(yaml);
    if (rc != LU_OK) {
        return rc;
    }

    for (n = 0; /* void */ ; n++) {

        rc = lu_yaml_next(yaml);
        if (rc != LU_OK) {
            return rc;
        }

        if (yaml->event.type == YAML_MAPPING_END_EVENT) {
            break;
        }

        rc = lu_yaml_key(yaml, keys, n);
        if (rc != LU_OK) {
            return rc;
        }

        rc = lu_yaml_next(yaml);
        if (rc != LU_OK) {
            return rc;
        }

        rc = value(yaml, &keys[n], data);
        if (rc != LU_OK) {
            return rc;
        }
    }

    yaml->depth--;

    return LU_OK;
}


lu_rc_e
lu_yaml_sequence(lu_yaml_t *yaml, lu_yaml_pt item, void *data)
{
    lu_rc_e  rc;

    if (yaml->event.type != YAML_SEQUENCE_START_EVENT) {
        return lu_yaml_event(yaml, "has something else than a sequence");
    }

    rc = lu_yaml_enter(yaml);
    if (rc != LU_OK) {
        return rc;
    }

    for ( ;; ) {

        rc = lu_yaml_next(yaml);
        if (rc != LU_OK) {
            return rc;
        }

        if (yaml->event.type == YAML_SEQUENCE_END_EVENT) {
            break;
        }

        rc = item(yaml, NULL, data);
        if (rc != LU_OK) {
            return rc;
        }
    }

    yaml->depth--;

    return LU_OK;
}


static lu_rc_e
lu_yaml_enter(lu_yaml_t *yaml)
{
    if (yaml->depth == LU_YAML_DEPTH) {
        return lu_yaml_event(yaml, "is nested too deeply; 16 levels"
                                   " are allowed");
    }

    yaml->depth++;

    return LU_OK;
}


static lu_rc_e
lu_yaml_key(lu_yaml_t *yaml, lu_str_t *keys, size_t n)
{
    size_t    i;
    lu_str_t  key;

    if (yaml->event.type != YAML_SCALAR_EVENT) {
        return lu_yaml_event(yaml, "has a key that is not a string");
    }

    key = lu_yaml_scalar(yaml);

    if (lu_str_is(&key, "<<")) {
        return lu_yaml_event(yaml,
                             "has a merge key; none is allowed");
    }

    for (i = 0; i < n; i++) {
        if (lu_str_eq(&keys[i], &key)) {
            return lu_yaml_event(yaml, "has a key that is there already");
        }
    }

    if (n == LU_YAML_KEYS) {
        return lu_yaml_event(yaml, "has a mapping's 101st key; 100"
                                   " are allowed");
    }

    keys[n] = lu_str_dup(yaml->arena, key.data, key.len);

    return keys[n].data ? LU_OK : LU_NOMEM;
}


lu_rc_e
lu_yaml_skip(lu_yaml_t *yaml, const lu_str_t *key, void *data)
{
    (void) key;

    switch (yaml->event.type) {

    case YAML_MAPPING_START_EVENT:
        return lu_yaml_mapping(yaml, lu_yaml_skip, data);

    case YAML_SEQUENCE_START_EVENT:
        return lu_yaml_sequence(yaml, lu_yaml_skip, data);

    default:
        return LU_OK;
    }
}


lu_rc_e
lu_yaml_string(lu_yaml_t *yaml, lu_str_t *value)
{
    lu_str_t  scalar;

    if (lu_yaml_is_null(yaml)) {
        return LU_OK;
    }

    if (yaml->event.type != YAML_SCALAR_EVENT) {
        return lu_yaml_event(yaml,
                             "has something else than a string");
    }

    scalar = lu_yaml_scalar(yaml);

    *value = lu_str_dup(yaml->arena, scalar.data, scalar.len);

    return value->data ? LU_OK : LU_NOMEM;
}


lu_rc_e
lu_yaml_text(lu_yaml_t *yaml, lu_str_t *value)
{
    lu_str_t  scalar;

    if (yaml->event.type == YAML_SCALAR_EVENT
        && yaml->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE
        && !lu_yaml_is_null(yaml))
    {
        scalar = lu_yaml_scalar(yaml);

        if (lu_yaml_is_bool(&scalar)
            || lu_yaml_is_number(&scalar)
            || lu_yaml_is_time(&scalar))
        {
            return lu_yaml_event(yaml, "has something else than a string;"
                                       " put it between quotes");
        }
    }

    return lu_yaml_string(yaml, value);
}


lu_rc_e
lu_yaml_size(lu_yaml_t *yaml, uint64_t *size)
{
    size_t    i;
    uint64_t  value;
    lu_str_t  scalar;

    if (lu_yaml_is_null(yaml)) {
        return LU_OK;
    }

    if (yaml->event.type != YAML_SCALAR_EVENT) {
        goto invalid;
    }

    scalar = lu_yaml_scalar(yaml);

    /* some parsers read a number with a leading zero as octal */

    if (scalar.len == 0
        || scalar.len > sizeof("9007199254740992") - 1
        || (scalar.len > 1 && scalar.data[0] == '0'))
    {
        goto invalid;
    }

    value = 0;

    for (i = 0; i < scalar.len; i++) {

        if (scalar.data[i] < '0' || scalar.data[i] > '9') {
            goto invalid;
        }

        value = value * 10 + (scalar.data[i] - '0');
    }

    if (value > (uint64_t) 1 << 53) {
        goto invalid;
    }

    *size = value;

    return LU_OK;

invalid:

    return lu_yaml_event(yaml, "has something else than a whole number");
}


int
lu_yaml_is_null(const lu_yaml_t *yaml)
{
    lu_str_t  scalar;

    if (yaml->event.type != YAML_SCALAR_EVENT
        || yaml->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
    {
        return 0;
    }

    scalar = lu_yaml_scalar(yaml);

    return scalar.len == 0
           || lu_str_is(&scalar, "~")
           || lu_str_is(&scalar, "null")
           || lu_str_is(&scalar, "Null")
           || lu_str_is(&scalar, "NULL");
}


static int
lu_yaml_is_bool(const lu_str_t *scalar)
{
    return lu_str_is(scalar, "true")
           || lu_str_is(scalar, "True")
           || lu_str_is(scalar, "TRUE")
           || lu_str_is(scalar, "false")
           || lu_str_is(scalar, "False")
           || lu_str_is(scalar, "FALSE");
}


/*
 * Integers and floating-point numbers of js-yaml, old and new.  "_" may stand
 * between digits in the old one.
 */

static int
lu_yaml_is_number(const lu_str_t *scalar)
{
    size_t                i, n, digits;
    const unsigned char  *p;

    static const char  names[][5] = {
        ".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"
    };

    i = 0;
    p = scalar->data;

    if (p[0] == '-' || p[0] == '+') {
        i++;
    }

    for (n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
        if (scalar->len - i == 4 && memcmp(p + i, names[n], 4) == 0) {
            return 1;
        }
    }

    if (scalar->len - i > 2 && p[i] == '0' && strchr("bxo", p[i + 1])) {

        for (n = i + 2; n < scalar->len; n++) {
            if (p[n] != '_'
                && memchr("0123456789abcdefABCDEF", p[n],
                          p[i + 1] == 'b' ? 2 : p[i + 1] == 'o' ? 8 : 22)
                   == NULL)
            {
                break;
            }
        }

        return n == scalar->len;
    }

    if (i < scalar->len && p[i] == '_') {
        return 0;
    }

    n = lu_yaml_digits(scalar, i);
    digits = n - i;
    i = n;

    if (i < scalar->len && p[i] == '.') {
        n = lu_yaml_digits(scalar, i + 1);
        digits += n - i - 1;
        i = n;
    }

    if (digits == 0) {
        return 0;
    }

    if (i < scalar->len && (p[i] == 'e' || p[i] == 'E')) {
        i++;

        if (i < scalar->len && (p[i] == '-' || p[i] == '+')) {
            i++;
        }

        n = lu_yaml_digits(scalar, i);

        if (n == i) {
            return 0;
        }

        i = n;
    }

    return i == scalar->len;
}


/* "2026-11-21", and with a time behind it. */

static int
lu_yaml_is_time(const lu_str_t *scalar)
{
    size_t                i, n;
    const unsigned char  *p;

    p = scalar->data;

    if (lu_yaml_digits(scalar, 0) != 4
        || scalar->len < sizeof("2026-1-1") - 1
        || p[4] != '-')
    {
        return 0;
    }

    i = lu_yaml_digits(scalar, 5);

    if (i == 5 || i > 7 || i == scalar->len || p[i] != '-') {
        return 0;
    }

    n = lu_yaml_digits(scalar, i + 1);

    if (n == i + 1 || n > i + 3) {
        return 0;
    }

    if (n == scalar->len) {
        return n == sizeof("2026-11-21") - 1;
    }

    if (p[n] != 'T' && p[n] != 't' && p[n] != ' ' && p[n] != '\t') {
        return 0;
    }

    for (i = n + 1; i < scalar->len && (p[i] == ' ' || p[i] == '\t'); i++) {
        /* void */
    }

    n = lu_yaml_digits(scalar, i);

    return n > i && n < scalar->len && p[n] == ':';
}


/* The end of the digits that begin at i. */

static size_t
lu_yaml_digits(const lu_str_t *scalar, size_t i)
{
    while (i < scalar->len
           && ((scalar->data[i] >= '0' && scalar->data[i] <= '9')
               || scalar->data[i] == '_'))
    {
        i++;
    }

    return i;
}


static lu_str_t
lu_yaml_scalar(const lu_yaml_t *yaml)
{
    lu_str_t  str;

    str.len = yaml->event.data.scalar.length;
    str.data = yaml->event.data.scalar.value;

    return str;
}


static lu_rc_e
lu_yaml_error(lu_yaml_t *yaml)
{
    switch (yaml->parser.error) {

    case YAML_MEMORY_ERROR:
        return LU_NOMEM;

    case YAML_READER_ERROR:
        return lu_error(yaml->err, NULL, "the YAML text contains a control"
                        " character");

    default:
        return lu_yaml_refuse(yaml, yaml->parser.problem_mark.line,
                              "cannot be read as YAML");
    }
}


static lu_rc_e
lu_yaml_event(lu_yaml_t *yaml, const char *text)
{
    return lu_yaml_refuse(yaml, yaml->event.start_mark.line, text);
}


lu_rc_e
lu_yaml_refuse(lu_yaml_t *yaml, size_t line, const char *text)
{
    char      buf[sizeof("line 18446744073709551615")];
    lu_str_t  subject;

    (void) snprintf(buf, sizeof(buf), "line %llu",
                    (unsigned long long) line + 1);

    subject = lu_str_dup(yaml->arena, buf, strlen(buf));
    if (subject.data == NULL) {
        return LU_NOMEM;
    }

    return lu_error(yaml->err, &subject, text);
}
