
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What log lines and metrics say about a request for a desktop app.
 */


#ifndef _LU_LABEL_H_INCLUDED_
#define _LU_LABEL_H_INCLUDED_


#include "lu_desktop.h"


/*
 * Writes the value of a label in Prometheus' text format 0.0.4, without the
 * quotes.  dst must have room for twice the length.  Bytes that are not UTF-8,
 * and control characters except line feeds, become "?".  Returns the end.
 */

unsigned char *lu_label_escape(unsigned char *dst, const lu_str_t *value);

/*
 * The build that a file in the feed belongs to: the first one whose id is in
 * the file's name, or else the one whose version is, or NULL.
 */

const lu_build_t *lu_label_build(const lu_desktop_t *desktop,
    const lu_str_t *name);

/* What the name of a file tells; strings are parts of it. */

typedef struct {
    lu_str_t             channel;   /* of a manifest, or empty */
    const char          *arch;      /* NULL: unknown */
    unsigned             platform;  /* LU_WINDOWS, ...; 0: unknown */
} lu_label_t;


/* build is what lu_label_build() finds, or NULL. */

void lu_label_parse(const lu_str_t *name, const lu_build_t *build,
    lu_label_t *label);


#endif /* _LU_LABEL_H_INCLUDED_ */
