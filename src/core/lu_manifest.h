
/*
 * Copyright (C) the nginx-liveupdate authors
 *
 * capawesome-live-update-manifest.json: the list of a bundle's files that the
 * plugin compares with the one it has (array of {checksum, href,
 * sizeInBytes}).
 */


#ifndef _LU_MANIFEST_H_INCLUDED_
#define _LU_MANIFEST_H_INCLUDED_


#include "lu_file.h"


#define LU_MANIFEST_NAME   "capawesome-live-update-manifest.json"
#define LU_MANIFEST_FILES  20000


/*
 * Reads a manifest.  Every entry must have the three members, a safe href
 * (lu_name_href_check()) and a digest in lower-case hex; hrefs must be
 * unique, and none may be a directory of another.  Unknown members are
 * ignored.  The result, sorted by the bytes of the href, is allocated in the
 * arena and keeps nothing of the text.
 */

lu_rc_e lu_manifest_parse(const lu_arena_t *arena, const lu_str_t *text,
    lu_file_t **entries, size_t *n, lu_error_t *err);

/*
 * Checks that a bundle is what its manifest says.  Both arrays are sorted by
 * the bytes of the href (lu_file_cmp() for qsort()).  Each entry must
 * have a file with the same size and digest, there must be an index.html at
 * the root, and if one file is signed then all that the manifest lists must
 * be, and the manifest too.  Files that no entry lists are no error.
 * LU_INVALID with the reason, naming the file.
 */

lu_rc_e lu_manifest_check(const lu_file_t *entries, size_t n,
    const lu_file_t *files, size_t nfiles, lu_error_t *err);


#endif /* _LU_MANIFEST_H_INCLUDED_ */
