
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * The central directory of a zip archive as the plugins find it: through the
 * last end record, which they trust.
 */


#ifndef _LU_ZIP_DIRECTORY_H_INCLUDED_
#define _LU_ZIP_DIRECTORY_H_INCLUDED_


#include "lu_zip_entry.h"


#define LU_ZIP_DIRECTORY_ENTRIES  100000
#define LU_ZIP_DIRECTORY_TAIL     (65535 + 22 + 20)
#define LU_ZIP_DIRECTORY_ENDS     64
#define LU_ZIP_DIRECTORY_END64    56


/*
 * The names point into the directory and are unchanged, while libzip changes
 * some, and takes others from local headers.
 */

typedef struct {
    uint64_t              n;
    uint64_t              size;
    uint64_t              offset;
    uint64_t              end;      /* where its end record begins */
    lu_zip_entry_t       *entries;
    lu_str_t              root;     /* what devices take; empty, or "a/b/" */
} lu_zip_directory_t;


/*
 * Reads the directory into the arena and checks each entry with
 * lu_zip_entry_read() and lu_zip_entry_compare(), the names together with
 * lu_file_tree_check(), and that all devices take the same folder as the
 * root.  The source must be closed, and is closed again.  LU_OK, LU_NOMEM, or
 * LU_INVALID with the reason; the subject is in the arena.
 */

lu_rc_e lu_zip_directory_read(const lu_arena_t *arena, zip_source_t *source,
    uint64_t size, lu_zip_directory_t *directory, lu_error_t *err);


#endif /* _LU_ZIP_DIRECTORY_H_INCLUDED_ */
