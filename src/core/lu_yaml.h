
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * YAML through libyaml's parser, without what makes a text mean one thing
 * here and another to the JavaScript that reads it, too, and without what
 * makes a short text cost much.
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
 * Reads a value, from its first event, which is the current one, to its last:
 * by one of the functions below, of which each reads a value.  The key is
 * NULL for the root and for what is in a sequence.
 */

typedef lu_rc_e (
    *lu_yaml_pt)(lu_yaml_t *yaml, const lu_str_t *key, void *data);


/*
 * Reads one document, with root() for its value.  Refused: what is not YAML
 * 1.1 in UTF-8; a second document; directives, tags, anchors, aliases and
 * merge keys; keys that are no scalars and duplicate keys; more than
 * LU_YAML_KEYS keys in a mapping, more than LU_YAML_DEPTH
 * levels; U+0085, U+2028 and U+2029, which are line breaks in YAML 1.1 only.
 * A byte order mark is passed over.
 */

lu_rc_e lu_yaml_read(const lu_arena_t *arena, const lu_str_t *text,
    lu_yaml_pt root, void *data, lu_error_t *err);

/* Call value() or item() for each; anything else is LU_INVALID. */

lu_rc_e lu_yaml_mapping(lu_yaml_t *yaml, lu_yaml_pt value, void *data);
lu_rc_e lu_yaml_sequence(lu_yaml_t *yaml, lu_yaml_pt item, void *data);

/* Any value; data may be NULL. */

lu_rc_e lu_yaml_skip(lu_yaml_t *yaml, const lu_str_t *key, void *data);

/*
 * A scalar: a string, or a whole number from 0 to 2^53, quoted or not.  null
 * leaves the result as it was; anything else is LU_INVALID.
 */

lu_rc_e lu_yaml_string(lu_yaml_t *yaml, lu_str_t *value);
lu_rc_e lu_yaml_size(lu_yaml_t *yaml, uint64_t *size);

/* 1 if the current value is null, as YAML's core schema writes it. */

int lu_yaml_is_null(const lu_yaml_t *yaml);

/* LU_INVALID with a line (the first one is 0) as the subject. */

lu_rc_e lu_yaml_refuse(lu_yaml_t *yaml, size_t line, const char *text);


#endif /* _LU_YAML_H_INCLUDED_ */
