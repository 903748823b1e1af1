
/*
 * Copyright (C) the nginx-liveupdate authors
 */


#ifndef _LU_ZIP_H_INCLUDED_
#define _LU_ZIP_H_INCLUDED_


#include "lu_error.h"

#include <zip.h>


#define LU_ZIP_ENTRIES  100000


/*
 * Looks into an uploaded zip before any device does: it opens, every entry
 * has a safe name (directories: the same with a "/" behind; "__MACOSX" and
 * ".DS_Store" entries are fine) and is no symbolic link, can be read to its
 * end with the CRC it announces, without a password and by store or deflate
 * alone, the contents together are not larger than limit bytes, no name is
 * there twice or as a file and a directory, and one entry is an index.html
 * (at any depth, as the plugins search for it, but not under "__MACOSX").
 * What is read and allocated is bounded by the size of the source and by
 * limit.  The source is consumed whatever comes out.  LU_INVALID
 * with the reason (subject: the entry, copied into the arena), or
 * LU_NOMEM.
 */

lu_rc_e lu_zip_check(const lu_arena_t *arena, zip_source_t *source,
    uint64_t limit, lu_error_t *err);


#endif /* _LU_ZIP_H_INCLUDED_ */
