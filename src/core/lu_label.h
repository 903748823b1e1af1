
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What logs and metrics say of a request.
 */


#ifndef _LU_LABEL_H_INCLUDED_
#define _LU_LABEL_H_INCLUDED_


#include "lu_desktop.h"


/*
 * The value of a label in Prometheus' text format 0.0.4, without its quotes,
 * written to dst, which has room for twice the length.  What is not UTF-8 and
 * control characters, but for line feeds, become "?".  Returns the end.
 */

unsigned char *lu_label_escape(unsigned char *dst, const lu_str_t *value);

/*
 * The build that a file of the feed belongs to, by the id or, if there is
 * none, the version in its name.  NULL: its name does not say.
 */

const lu_build_t *lu_label_build(const lu_desktop_t *desktop,
    const lu_str_t *name);

/* LU_WINDOWS, ..., by the name of a file or manifest; 0: unknown. */

unsigned lu_label_platform(const lu_str_t *name);


#endif /* _LU_LABEL_H_INCLUDED_ */
