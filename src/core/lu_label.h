
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * What logs and metrics say of a request.
 */


#ifndef _LIVEUPDATE_LABEL_H_INCLUDED_
#define _LIVEUPDATE_LABEL_H_INCLUDED_


#include "lu_desktop.h"


/*
 * The value of a label in Prometheus' text format 0.0.4, without its quotes,
 * written to dst, which has room for twice the length.  What is not UTF-8 and
 * control characters, but for line feeds, become "?".  Returns the end.
 */

unsigned char *liveupdate_label_escape(unsigned char *dst,
    const liveupdate_str_t *value);

/*
 * The build that a file of the feed belongs to, by the id or, if there is
 * none, the version in its name.  NULL: its name does not say.
 */

const liveupdate_build_t *liveupdate_label_build(
    const liveupdate_desktop_t *desktop, const liveupdate_str_t *name);

/* LIVEUPDATE_WINDOWS, ..., by the name of a file or manifest; 0: unknown. */

unsigned liveupdate_label_platform(const liveupdate_str_t *name);


#endif /* _LIVEUPDATE_LABEL_H_INCLUDED_ */
