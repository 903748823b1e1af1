
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Zip archives through libzip.
 */


#ifndef _LU_ZIP_H_INCLUDED_
#define _LU_ZIP_H_INCLUDED_


#include "lu_error.h"

#include <zip.h>


#define LU_ZIP_ENTRIES  100000


/*
 * Checks an uploaded zip archive before any device gets it.  Each entry must
 * have a name that lu_name_href_check() accepts, with a "/" behind it for a
 * directory; no name may occur twice, or be a file and a directory.  No entry
 * may be a symbolic link, be encrypted, or be compressed with a method other
 * than deflate; all entries must be readable to their ends and have the CRC
 * that the archive states.  The contents must not be larger than limit bytes
 * together.  One entry must be an index.html, at any depth, since the plugins
 * search for it, but not in "__MACOSX".
 *
 * Time and memory are bounded by the size of the source and by limit.  The
 * source is consumed in any case.  LU_OK, LU_NOMEM, or LU_INVALID with the
 * reason and the entry, copied into the arena, as the subject.
 */

lu_rc_e lu_zip_check(const lu_arena_t *arena, zip_source_t *source,
    uint64_t limit, lu_error_t *err);


#endif /* _LU_ZIP_H_INCLUDED_ */
