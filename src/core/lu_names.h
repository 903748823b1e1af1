
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The record of the names in an app's feed: which bytes each of them has had.
 * It is a text with a line for each name, "{sha256} {release} {name}".
 */


#ifndef _LU_NAMES_H_INCLUDED_
#define _LU_NAMES_H_INCLUDED_


#include "lu_error.h"


/* Larger texts lose their older half. */

#define LU_NAMES_SIZE  (16 * 1024 * 1024)      /* bytes */


/* Each points into the text. */

typedef struct {
    lu_str_t           sha256;      /* 64 lower-case hex digits */
    lu_str_t           release;     /* its id: the first one of that name */
    lu_str_t           name;
} lu_names_t;


/*
 * 1 if the bytes behind a name may never change, since clients and caches keep
 * them: all files but update manifests and lists, which end with ".yml" or
 * ".json".
 */

int lu_names_is_fixed(const lu_str_t *name);

/*
 * The next line of a record, from position *at on, which is moved behind it.
 * Returns 1, or 0 at the end.  Lines that are no entries, and a last one
 * without a line feed, are passed over.
 */

int lu_names_next(const lu_str_t *record, size_t *at, lu_names_t *entry);

/*
 * The newer half of a record that is larger than LU_NAMES_SIZE, from the
 * beginning of a line on; otherwise the record as it is.
 */

lu_str_t lu_names_cut(const lu_str_t *record);


#endif /* _LU_NAMES_H_INCLUDED_ */
