
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * Zip archives through libzip.
 */


#ifndef _LU_ZIP_H_INCLUDED_
#define _LU_ZIP_H_INCLUDED_


#include "lu_error.h"

#include <zip.h>


/*
 * Checks an uploaded zip archive before any device gets it: the directory as
 * lu_zip_directory_read() does, and that all entries are readable to their
 * ends and have the sizes and CRCs that the archive states.  The contents must
 * not be larger than limit bytes together.  A manifest in the folder that
 * devices take must fit the files beside it.
 *
 * Time and memory are bounded by the size of the source and by limit.  The
 * source is consumed in any case.  LU_OK, LU_NOMEM, or LU_INVALID with the
 * reason and the entry, copied into the arena, as the subject.
 */

lu_rc_e lu_zip_check(const lu_arena_t *arena, zip_source_t *source,
    uint64_t limit, lu_error_t *err);


#endif /* _LU_ZIP_H_INCLUDED_ */
