
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
 * filename has "_" in the place of each character that it cannot hold.  cut:
 * without the build's id, as the feed does and the download routes do not.
 * In the arena; data is NULL if that is exhausted.
 */

lu_str_t lu_disposition(const lu_arena_t *arena, const lu_str_t *name,
    int cut);


#endif /* _LU_DISPOSITION_H_INCLUDED_ */
