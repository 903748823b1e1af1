
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * YAML through libyaml's parser.  A text is refused if the JavaScript that
 * reads it, too, could understand it differently, or if it is short and would
 * nevertheless take much time or memory.
 */


#ifndef _LU_YAML_H_INCLUDED_
#define _LU_YAML_H_INCLUDED_


#include "lu_error.h"

#include <yaml.h>


#define LU_YAML_DEPTH  16
#define LU_YAML_KEYS   100


typedef struct {
    yaml_parser_t                parser;
    yaml_event_t                 event;       /* the current one */
    unsigned                     depth;
    const lu_arena_t            *arena;
    lu_error_t                  *err;
} lu_yaml_t;


/*
 * A callback that reads one value, with one of the functions below: from its
 * first event, which is the current one, to its last.  The key is NULL for the
 * root and for the items of a sequence.
 */

typedef lu_rc_e (
    *lu_yaml_pt)(lu_yaml_t *yaml, const lu_str_t *key, void *data);


/*
 * Reads one document, with root() for its value.  LU_OK, LU_NOMEM, what a
 * callback returned, or LU_INVALID with the reason: the text is not YAML 1.1 in
 * UTF-8; it has a second document, directives, tags, anchors, aliases or merge
 * keys, a key that is not a scalar or that occurs twice, more than
 * LU_YAML_KEYS keys in a mapping, or more than LU_YAML_DEPTH levels; it
 * contains U+0085, U+2028 or U+2029, which are line breaks in YAML 1.1 alone.
 * A byte order mark is skipped.
 */

lu_rc_e lu_yaml_read(const lu_arena_t *arena, const lu_str_t *text,
    lu_yaml_pt root, void *data, lu_error_t *err);

/*
 * Read a mapping or a sequence, with value() or item() for each value in it.
 * LU_INVALID: it is neither.
 */

lu_rc_e lu_yaml_mapping(lu_yaml_t *yaml, lu_yaml_pt value, void *data);
lu_rc_e lu_yaml_sequence(lu_yaml_t *yaml, lu_yaml_pt item, void *data);

/* Skips a value of any kind; key and data may be NULL. */

lu_rc_e lu_yaml_skip(lu_yaml_t *yaml, const lu_str_t *key, void *data);

/*
 * Read a scalar: a string, in the arena, or a whole number from 0 to 2^53,
 * quoted or not.  For null, the result is left as it was.  LU_INVALID: it is
 * something else.  text() is string(), but refuses a plain scalar that js-yaml
 * takes for a number, a truth value or a time, such as 1.10.
 */

lu_rc_e lu_yaml_string(lu_yaml_t *yaml, lu_str_t *value);
lu_rc_e lu_yaml_text(lu_yaml_t *yaml, lu_str_t *value);
lu_rc_e lu_yaml_size(lu_yaml_t *yaml, uint64_t *size);

/* 1 if the current value is null, as YAML's core schema writes it. */

int lu_yaml_is_null(const lu_yaml_t *yaml);

/* Refuses the text, with a line (the first one is 0) as the subject. */

lu_rc_e lu_yaml_refuse(lu_yaml_t *yaml, size_t line, const char *text);


#endif /* _LU_YAML_H_INCLUDED_ */
