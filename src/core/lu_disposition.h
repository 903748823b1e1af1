
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The header that names a download (RFC 6266).
 */


#ifndef _LU_DISPOSITION_H_INCLUDED_
#define _LU_DISPOSITION_H_INCLUDED_


#include "lu_str.h"


/*
 * The value of Content-Disposition for a file: attachment; filename="...",
 * and filename*=UTF-8''... (RFC 8187) where the name is not plain ASCII; then
 * filename has "_" in the place of each character that it cannot hold.  With a
 * build's id, the name is without that id, as in the feed; NULL: it is whole,
 * as on the download routes.  In the arena; data is NULL if that is exhausted.
 */

lu_str_t lu_disposition(const lu_arena_t *arena, const lu_str_t *name,
    const lu_str_t *build_id);


#endif /* _LU_DISPOSITION_H_INCLUDED_ */
