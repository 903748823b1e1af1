
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * YAML through libyaml's parser, without what makes a text mean one thing
 * here and another to the JavaScript that reads it, too, and without what
 * makes a short text cost much.
 */


#ifndef _LIVEUPDATE_YAML_H_INCLUDED_
#define _LIVEUPDATE_YAML_H_INCLUDED_


#include "lu_core.h"

#include <yaml.h>


#define LIVEUPDATE_YAML_DEPTH  16
#define LIVEUPDATE_YAML_KEYS   100


typedef struct {
    yaml_parser_t                parser;
    yaml_event_t                 event;       /* the current one */
    unsigned                     depth;
    const liveupdate_arena_t    *arena;
    liveupdate_error_t          *err;
} liveupdate_yaml_t;


/*
 * Reads a value, from its first event, which is the current one, to its last:
 * by one of the functions below, of which each reads a value.  The key is
 * NULL for the root and for what is in a sequence.
 */

typedef liveupdate_rc_e (*liveupdate_yaml_pt)(liveupdate_yaml_t *yaml,
    const liveupdate_str_t *key, void *data);


/*
 * Reads one document, with root() for its value.  Refused: what is not YAML
 * 1.1 in UTF-8; a second document; directives, tags, anchors, aliases and
 * merge keys; keys that are no scalars and duplicate keys; more than
 * LIVEUPDATE_YAML_KEYS keys in a mapping, more than LIVEUPDATE_YAML_DEPTH
 * levels; U+0085, U+2028 and U+2029, which are line breaks in YAML 1.1 only.
 * A byte order mark is passed over.
 */

liveupdate_rc_e liveupdate_yaml_read(const liveupdate_arena_t *arena,
    const liveupdate_str_t *text, liveupdate_yaml_pt root, void *data,
    liveupdate_error_t *err);

/* Call value() or item() for each; anything else is LIVEUPDATE_INVALID. */

liveupdate_rc_e liveupdate_yaml_mapping(liveupdate_yaml_t *yaml,
    liveupdate_yaml_pt value, void *data);
liveupdate_rc_e liveupdate_yaml_sequence(liveupdate_yaml_t *yaml,
    liveupdate_yaml_pt item, void *data);

/* Any value; data may be NULL. */

liveupdate_rc_e liveupdate_yaml_skip(liveupdate_yaml_t *yaml,
    const liveupdate_str_t *key, void *data);

/*
 * A scalar: a string, or a whole number from 0 to 2^53, quoted or not.  null
 * leaves the result as it was; anything else is LIVEUPDATE_INVALID.
 */

liveupdate_rc_e liveupdate_yaml_string(liveupdate_yaml_t *yaml,
    liveupdate_str_t *value);
liveupdate_rc_e liveupdate_yaml_size(liveupdate_yaml_t *yaml, uint64_t *size);

/* 1 if the current value is null, as YAML's core schema writes it. */

int liveupdate_yaml_is_null(const liveupdate_yaml_t *yaml);

/* LIVEUPDATE_INVALID with a line (the first one is 0) as the subject. */

liveupdate_rc_e liveupdate_yaml_refuse(liveupdate_yaml_t *yaml, size_t line,
    const char *text);


#endif /* _LIVEUPDATE_YAML_H_INCLUDED_ */
